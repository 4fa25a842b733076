/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RANDOM_IR_GEN_H
#define SLUICE_TESTS_RANDOM_IR_GEN_H

#include "tests/common/random_ir.h"

/* The inside of random_ir: a function in the making, and the statements that touch memory. */

enum { SLOTS = 8, REACH = 64, STACK = 32, DEPTH = 4 };

struct gen {
    struct ir_func *f;
    uint64_t seed;
    ir_block b;
    ir_ref slots[SLOTS];
    ir_ref data;
    ir_ref end;
    ir_ref zero;
    uint32_t left; /* statements */
    uint32_t depth;
    uint8_t lookup; /* MAP_LOOKUP or MAP_USE */
};

uint32_t gen_below(struct gen *g, uint32_t n);
ir_ref gen_emit(struct gen *g, struct ir_insn in, const ir_ref *args, uint32_t n);
ir_ref gen_constant(struct gen *g, uint64_t v);
ir_ref gen_operand(struct gen *g);
void gen_assign(struct gen *g, ir_ref v);
ir_ref gen_alu(struct gen *g, enum spec_alu op, uint8_t width, ir_ref x, ir_ref y);
ir_ref gen_alu_imm(struct gen *g, enum spec_alu op, ir_ref x, uint64_t y);
ir_ref gen_pkt_load(struct gen *g, uint32_t off, uint32_t size, bool swap);
void gen_packet_access(struct gen *g);
void gen_assembly(struct gen *g);
void gen_copy(struct gen *g);
void gen_stack_access(struct gen *g);
void gen_value_access(struct gen *g, ir_ref p, uint32_t map);
void gen_array_access(struct gen *g);

#endif
