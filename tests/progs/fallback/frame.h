/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of which text is compared, which the host alone can. */
#ifndef SLUICE_PROGS_FALLBACK_FRAME_H
#define SLUICE_PROGS_FALLBACK_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#define MAP(NAME, TYPE, ENTRIES)                                                                                                      \
    struct {                                                                                                                         \
        __uint(type, TYPE);                                                                                                          \
        __uint(max_entries, ENTRIES);                                                                                                \
        __type(key, __u32);                                                                                                          \
        __type(value, __u64);                                                                                                        \
    } NAME SEC(".maps")

static const char middle[] = "\x80\x40";

struct frame {
    struct ethhdr eth;
    __u8 text[20];
};

/* The frame, if it is long enough. */
static __always_inline struct frame *frame_of(struct xdp_md *ctx)
{
    struct frame *f = (void *)(long)ctx->data;

    return (void *)(f + 1) <= (void *)(long)ctx->data_end ? f : 0;
}

/* How the bytes of IPv4's checksum compare. */
static __always_inline int compare(const struct frame *f)
{
    char text[2] = {f->text[10], f->text[11]};

    return bpf_strncmp(text, sizeof(text), middle);
}

static __always_inline __u32 number_of(const struct frame *f)
{
    return f->text[12] ^ f->text[15] ^ f->text[19];
}

#endif
