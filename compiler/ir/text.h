/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_TEXT_H
#define SLUICE_IR_TEXT_H

#include "compiler/ir/ir.h"

/* clang-format off */
/* What the text form's two sides and the checker share.
 *
 *   func NAME
 *   map 0 "rules" hash key 4 value 8 entries 1024
 *   source 3 "r1 = r2" "prog.c" 17 "x = y;"     eBPF instruction 3; the part from the file on may be missing
 *   stack 16                                    bytes of stack memory in use
 *   b0:
 *     %1 = const 256
 *     %2 = input len
 *     %3 = add.64 %1, %2 @3                     @3: from eBPF instruction 3
 *     %4 = load.pkt.2.be %1 +12 in 268..268     lowest and highest buffer offset of its first byte
 *     %5 = load.stack.8 %1 -8 in 0..0
 *     %6 = load.map.8 %9 +16 map 0              or: map any
 *     %7 = atomic.map.8.add.fetch %9, %2 map 0
 *     %8 = map_lookup 0: %cpu, %key
 *     br %8, b1, b2
 *   b1: from b0, b3 trips 16                    predecessors in the order of the phis' operands; if they are
 *     %10 = phi b0: %1, b3: %12                 left out, in the order in which the jumps stand
 *
 * Values have any name; if all are numbers, these are their references. Comments go from ";" or "#" to the
 * end of the line. */
/* clang-format on */

struct ir_op_row {
    int8_t min_args;
    int8_t max_args; /* -1: any number */
    bool result;
    bool effect;
};

static const struct ir_op_row ir_op_table[IR_OP_COUNT] = {
#define X(op, text, min, max, result, effect) [IR_##op] = {min, max, result, effect},
#include "compiler/ir/ir_ops.h"
#undef X
};

extern const char *const ir_op_names[IR_OP_COUNT];
extern const char *const ir_region_names[IR_REGION_COUNT];
extern const char *const ir_input_names[SPEC_IN_COUNT];
extern const char *const ir_atomic_names[SPEC_ATOMIC_COUNT];

/* Fills what follows from a map's type: engine, CPUs, stride. */
void ir_map_complete(struct ir_map *map);

#endif
