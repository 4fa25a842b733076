/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_PATCH_H
#define SLUICE_HOST_KERNEL_PATCH_H

#include "hw/spec/gen/ebpf.h"

#include <stddef.h>

/* Makes a program repeatable on the kernel: what it takes from the machine (time, randomness, CPU,
 * receive queue, interfaces) it reads from the one value of a hidden array map instead, which the
 * executor fills before each packet. */

enum { KERNEL_RINGS_MAX = 8 }; /* ring buffers of a program */

/* That value. */
struct kernel_env {
    uint64_t time_ns;
    uint32_t rand; /* state of the packet's generator */
    uint32_t cpu;
    uint32_t ifindex;
    uint32_t queue;
    uint32_t egress;
    uint32_t event_index; /* entry of a perf event array that is asked for */
    uint64_t
        updates; /* calls of bpf_map_update_elem and bpf_map_delete_elem, if they are counted */
    uint64_t deletes;
    uint64_t ring;                   /* address of the map that a record is asked of */
    uint64_t lost[KERNEL_RINGS_MAX]; /* records for which ring buffers had no room */
};

/* Descriptors that take the places of map indices. */
struct kernel_fds {
    const int *maps;
    uint32_t map_count;
    int env;
    bool count_changes;          /* count updates and deletions of maps in the environment */
    int rings[KERNEL_RINGS_MAX]; /* the ring buffers among the maps, whose losses are counted */
    uint32_t ring_count;
};

/* Writes the patched program to *out (freed by the caller). ctx_field has a byte an instruction:
 * the offset in struct xdp_md of the field that it loads, 0 if it loads none that is replaced;
 * NULL: there are none. Returns 0, -ENOMEM, -EINVAL for an instruction that names no map or no
 * place in the program, -ERANGE if a jump gets too long; *bad is then the instruction. */
int kernel_patch(const struct ebpf_insn *insns, uint32_t count, const uint8_t *ctx_field,
                 const struct kernel_fds *fds, struct ebpf_insn **out, uint32_t *out_count,
                 uint32_t *bad);

#endif
