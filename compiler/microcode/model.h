/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_MODEL_H
#define SLUICE_MICROCODE_MODEL_H

#include "compiler/ir/eval.h"
#include "compiler/microcode/microcode.h"

/* The core as a function: what a program image does with one packet, row by row. The reference of
 * the RTL. */

/* A context of the core. */
struct ucode_state {
    uint64_t regs[SPEC_REGS];
    uint8_t preds; /* bit 0 always set */
    uint8_t stack[SPEC_STACK_BYTES];
    uint64_t key[SPEC_HW_KEY_BYTES / 8];
    uint64_t value[SPEC_HW_VALUE_BYTES / 8];
    uint64_t result;   /* of the long operation */
    bool busy;         /* a long operation was issued and no row with wait has followed */
    uint8_t busy_need; /* tokens that it needs until then */
    uint8_t given;     /* tokens given back */
    uint64_t out[3];   /* data, data_end, redirect */
};

/* Called before each row with the state that the row reads. */
typedef void (*ucode_trace_fn)(void *ctx, uint32_t row, const struct ucode_state *state);

/* Runs an image on one packet. run->steps: in, the most rows that are allowed (0: no limit); out,
 * rows issued, also in *rows unless that is NULL. A load from outside the packet buffer, the stack
 * or the maps gives 0 (loads are issued early and their results dropped). 0; -EFAULT: a store or
 * atomic outside of them; -ELOOP: past the limit; -EPROTO: the program breaks a rule of the core
 * (long operations, tokens, row past the end). */
int ucode_model_run(const struct ucode_image *image, const struct ir_maps_ops *maps,
                    struct ir_run *run, uint64_t *rows, ucode_trace_fn trace, void *trace_ctx);

#endif
