/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_EVAL_H
#define SLUICE_IR_EVAL_H

#include "compiler/ir/ir.h"

/* The maps as an evaluator of IR or microcode sees them: a test gives it software maps behind these
 * calls. Pointers to values are the hardware's ((map + 1) << SPEC_MAPPTR_SHIFT) | offset. */
struct ir_maps_ops {
    void *ctx;
    int (*access)(void *ctx, uint64_t pointer, uint32_t size, uint64_t *value,
                  bool write); /* 0 or -EFAULT */
    uint64_t (*lookup)(void *ctx, uint32_t map, uint32_t cpu,
                       const uint64_t *key); /* pointer or 0 */
    int64_t (*update)(void *ctx, uint32_t map, uint32_t cpu, uint64_t flags, const uint64_t *key,
                      const uint64_t *value);
    int64_t (*erase)(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key);
};

/* A packet in its buffer of SPEC_PKT_JUMBO_END bytes, its inputs, and what the program leaves. */
struct ir_run {
    uint8_t *buf;
    uint64_t inputs[SPEC_IN_COUNT];
    uint32_t ret;
    uint64_t data;
    uint64_t data_end;
    uint64_t redirect;
    uint64_t meta_bytes;  /* of metadata, in front of data */
    uint8_t *events;      /* the event area, SPEC_EVENT_BYTES, or NULL: the program makes none */
    uint64_t event_beats; /* of it, that leave */
    uint64_t steps; /* instructions evaluated; in: the most that are allowed, 0 for no limit */
};

/* The bytes of an access to the packet's buffer or the event area, or NULL outside of both. */
static inline uint8_t *ir_packet_at(const struct ir_run *run, uint64_t address, uint32_t size)
{
    const uint64_t event = address - SPEC_EVENT_BASE;

    if (address <= SPEC_PKT_JUMBO_END && SPEC_PKT_JUMBO_END - address >= size)
        return run->buf + address;
    if (run->events && event <= SPEC_EVENT_BYTES && SPEC_EVENT_BYTES - event >= size)
        return run->events + event;
    return NULL;
}

/* Evaluates a function on one packet: the meaning of the IR, in one file. 0, -EFAULT for an access
 * outside the buffer, stack or maps, -ELOOP past the limit. */
int ir_eval(const struct ir_func *f, const struct ir_maps_ops *maps, struct ir_run *run,
            struct arena *scratch);

#endif
