/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_SELECT_H
#define SLUICE_MICROCODE_SELECT_H

#include "compiler/microcode/mach.h"

enum { SELECT_TERMS = 4 };

/* What the files of the selection share. */
struct select {
    struct mach *m;
    const struct ir_func *ir;
    mach_reg *regs; /* by ir_ref; MACH_NONE: not asked for yet */
    uint32_t block; /* machine block that is being filled */
    uint32_t pc;    /* of the IR instruction that is being translated */
    struct select_const *consts;
    uint32_t const_count;
    uint32_t const_capacity;
    struct ir_dom dom;
    uint16_t *late;          /* by ir_ref: see select_addr.c, 0: not known yet */
    struct select_sum *sums; /* of addresses */
    uint32_t sum_count;
    uint32_t sum_capacity;
    struct select_exit *exits;
    uint32_t exit_count;
    uint32_t exit_capacity;
    /* predicates of compares, within one block */
    struct select_pred *preds; /* by ir_ref */
    uint32_t shared_preds;     /* of this block that several selections read */
};

struct select_const {
    uint64_t value;
    mach_reg reg;
};

/* A value times a constant. */
struct select_term {
    ir_ref ref;
    uint64_t factor;
};

/* A sum of terms and a constant whose low half is 0, computed in a block. */
struct select_sum {
    struct select_term terms[SELECT_TERMS];
    uint32_t count;
    uint64_t high;
    uint32_t block;
    mach_reg reg;
};

/* Where an access goes: base + imm. */
struct select_address {
    mach_reg base;
    int32_t imm;
    bool absolute; /* base is register 0 */
};

/* A value, or a constant if ref is IR_NONE. */
struct select_arg {
    ir_ref ref;
    uint64_t value;
};

/* The results of a program: return value, data, data_end, redirect, bytes of metadata, beats of
 * events. */
enum { SELECT_RESULTS = 6 };
struct select_results {
    struct select_arg arg[SELECT_RESULTS];
    bool outs_done; /* all but the first are set already */
};

/* A block that only ends the program, made once for each set of results. */
struct select_exit {
    struct select_results results;
    uint32_t block;
};

struct select_pred {
    uint32_t block; /* where it was computed, plus 1 */
    uint32_t pred;
    bool shared;
};

/* The value that a reference stands for, behind plain moves. */
ir_ref select_value(const struct select *s, ir_ref ref);
bool select_const(const struct select *s, ir_ref ref, uint64_t *value);
/* The register of a value; constants get one too. */
mach_reg select_reg(struct select *s, ir_ref ref);
mach_reg select_const_reg(struct select *s, uint64_t value);
/* The second operand: imm if it is a constant that fits the width, else a register. */
void select_operand_b(struct select *s, struct mach_op *op, ir_ref ref, uint32_t width);
void select_operand_const(struct select *s, struct mach_op *op, uint64_t value, uint32_t width);
/* Appends to the block that is being filled. */
uint32_t select_emit(struct select *s, struct mach_op op);
/* The register that an IR instruction's result goes to, written by an operation of these lanes. */
mach_reg select_result(struct select *s, ir_ref ref, uint8_t lanes);
/* A register between two operations. */
mach_reg select_temp(struct select *s, uint8_t lanes);

/* The compare behind a condition, through "compare == 0" and its like, which *invert counts. */
ir_ref select_condition(const struct select *s, ir_ref ref, bool *invert);
/* The compare operation of a condition, in no block yet. */
struct mach_op select_compare(struct select *s, ir_ref ref);

/* Ends the block that is being filled as an IR block ends. */
void select_end(struct select *s, ir_block from);

struct select_address select_address(struct select *s, const struct ir_insn *in);
void select_load(struct select *s, ir_ref ref);
void select_store(struct select *s, ir_ref ref);
void select_atomic(struct select *s, ir_ref ref);
void select_map_op(struct select *s, ir_ref ref);
void select_pkt_zero(struct select *s, ir_ref ref);
void select_divide(struct select *s, ir_ref ref);

#endif
