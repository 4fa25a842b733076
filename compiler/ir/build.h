/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_BUILD_H
#define SLUICE_IR_BUILD_H

#include "compiler/ir/ir.h"
#include "compiler/verify/verify.h"

/* Translates a verified program. Returns 0 and *out, or -ENOTSUP with the reason in the sink
 * (instruction, source line, helper) if it uses something that no hardware executor runs; the
 * software executors run it all the same. */
int ir_build(const struct load_object *object, const struct load_prog *prog,
             const struct verify_result *facts, struct arena *arena, struct diag_sink *sink,
             struct ir_func **out);

/* A program without a packet and without a verifier, as the conformance plug-in runs it: r1 =
 * memory, r2 = its length, all other registers 0, and r0 with all its bits as the result. The facts
 * are those of runs that were watched. */
struct ir_build_raw {
    uint32_t memory_bytes;
    uint32_t result_at; /* where in the memory, behind its bytes, r0 is left: 8 bytes */
    /* The map that holds memory and, behind it, the stack, so that addresses are numbers like
     * others; VERIFY_MAP_NONE: the memory is the packet, the stack a memory of its own, and every
     * access goes to one of both. */
    uint16_t map;
    uint32_t stack_at; /* with a map: where in it the frame of the program begins; the next one's is
                          behind it */
    bool hidden; /* constants that are loaded into registers look like inputs, so that hardware computes with them */
    const uint64_t *zeroed; /* by context: words of 8 bytes of its frame, from the frame's bottom,
                               that are read as 0 */
};

/* Translates such a program. As ir_build. */
int ir_build_raw(const struct load_object *object, const struct load_prog *prog,
                 const struct verify_result *facts, const struct ir_build_raw *raw,
                 struct arena *arena, struct diag_sink *sink, struct ir_func **out);

#endif
