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

/* Programs that tail calls go on in become one function with the program that starts. */

/* One of them, verified. */
struct ir_part {
    const struct load_prog *prog;
    const struct verify_result *facts;
};

#define IR_ANY_SLOT UINT32_MAX

/* A program that may stand in a map of programs. */
struct ir_tail {
    uint32_t map;
    uint32_t slot;  /* there, or IR_ANY_SLOT: wherever the host puts it */
    uint32_t part;  /* the program */
    uint32_t value; /* what the map holds for it, not 0 */
};

struct ir_tails {
    const struct ir_part *parts; /* the first one starts */
    uint32_t part_count;
    const struct ir_tail *tails;
    uint32_t tail_count;
    /* By map: those that the host may put into a map of maps, bit i is map i. NULL: not known. */
    const uint64_t *holds;
    /* Paths that no hardware runs are left to the host where that can be (struct ir_path), with
     * this mark. */
    bool paths;
    uint64_t mark;
};

/* Whether some tail call that is reached in a program may find this one. */
bool ir_may_tail(const struct ir_part *part, const struct ir_tail *tail);

/* Translates a program with all that it may go on in. A value in a map of programs that is no
 * tail's is taken for an empty slot. Instructions are numbered on from program to program, in the
 * order of the parts. As ir_build. */
int ir_build_tails(const struct load_object *object, const struct ir_tails *tails,
                   struct arena *arena, struct diag_sink *sink, struct ir_func **out);

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
    bool hidden; /* constants that are loaded into registers look like inputs, so that hardware
                    computes with them */
    const uint64_t *zeroed; /* by context: words of 8 bytes of its frame, from the frame's bottom,
                               that are read as 0 */
};

/* Translates such a program. As ir_build. */
int ir_build_raw(const struct load_object *object, const struct load_prog *prog,
                 const struct verify_result *facts, const struct ir_build_raw *raw,
                 struct arena *arena, struct diag_sink *sink, struct ir_func **out);

#endif
