/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_EVAL_H
#define SLUICE_IR_EVAL_H

#include "compiler/ir/ir.h"

/* The maps as an evaluator of IR or microcode sees them: a test gives it software maps behind these calls. Pointers to
 * values are the hardware's ((map + 1) << SPEC_MAPPTR_SHIFT) | offset. */
struct ir_maps_ops {
    void *ctx;
    int (*access)(void *ctx, uint64_t pointer, uint32_t size, uint64_t *value, bool write); /* 0 or -EFAULT */
    uint64_t (*lookup)(void *ctx, uint32_t map, uint32_t cpu, const uint64_t *key); /* pointer or 0 */
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
    uint64_t meta_bytes; /* of metadata, in front of data */
    uint64_t steps; /* instructions evaluated; in: the most that are allowed, 0 for no limit */
};

/* Evaluates a function on one packet: the meaning of the IR, in one file. 0, -EFAULT for an access outside the buffer, stack or
 * maps, -ELOOP past the limit. */
int ir_eval(const struct ir_func *f, const struct ir_maps_ops *maps, struct ir_run *run,
            struct arena *scratch);

#endif
