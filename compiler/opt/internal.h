/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_OPT_INTERNAL_H
#define SLUICE_OPT_INTERNAL_H

#include "compiler/base/bitset.h"
#include "compiler/ir/text.h"
#include "compiler/opt/opt.h"

/* What the passes share. */

/* The passes; each one's contract stands above it. */
bool opt_promote(struct ir_func *f, struct arena *scratch);
bool opt_fold(struct ir_func *f, struct arena *scratch);
bool opt_cfg(struct ir_func *f, struct arena *scratch);
bool opt_gvn(struct ir_func *f, struct arena *scratch);
bool opt_checks(struct ir_func *f, struct arena *scratch);
bool opt_thread(struct ir_func *f, struct arena *scratch);
bool opt_dce(struct ir_func *f, struct arena *scratch);
bool opt_divide(struct ir_func *f, struct arena *scratch);
bool opt_merge(struct ir_func *f, struct arena *scratch);
bool opt_swap(struct ir_func *f, struct arena *scratch);
bool opt_rmw(struct ir_func *f, struct arena *scratch);
bool opt_ifconv(struct ir_func *f, struct arena *scratch);

/* --- values ------------------------------------------------------------------------------- */

static inline bool opt_is_const(const struct ir_func *f, ir_ref r, uint64_t *value)
{
    if (f->insns[r].op != IR_CONST)
        return false;
    *value = f->insns[r].imm;
    return true;
}

static inline bool opt_is_alu(const struct ir_func *f, ir_ref r, enum spec_alu alu)
{
    return f->insns[r].op == IR_ALU && f->insns[r].alu == alu;
}

/* A constant, which stands at the head of the entry. */
ir_ref opt_const(struct ir_func *f, uint64_t value);

/* Rewrites an instruction to arithmetic; y is not used by operations of one operand. */
void opt_become(struct ir_func *f, ir_ref r, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y);

/* Rewrites all operands: every r becomes to[r], as often as that leads on; IR_NONE stands for r
 * itself. */
void opt_substitute(struct ir_func *f, ir_ref *to);

/* How often each value is used. */
uint32_t *opt_use_counts(const struct ir_func *f, struct arena *scratch);

/* Neither reads nor writes memory, and does not fault. */
static inline bool opt_is_pure(enum ir_op op)
{
    return op == IR_CONST || op == IR_INPUT || op == IR_ALU || op == IR_SELECT;
}

static inline bool opt_is_compare(const struct ir_insn *in)
{
    return in->op == IR_ALU && spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_CMP;
}

static inline uint64_t opt_low_bytes(uint64_t v, uint32_t bytes)
{
    return bytes >= 8 ? v : v & ((UINT64_C(1) << (8 * bytes)) - 1);
}

/* The compare with its operands exchanged, and its negation (SPEC_ALU_NONE for SET). */
static inline enum spec_alu opt_compare_swapped(enum spec_alu alu)
{
    return (enum spec_alu)spec_alu_table[alu].swapped;
}

static inline enum spec_alu opt_compare_inverse(enum spec_alu alu)
{
    return (enum spec_alu)spec_alu_table[alu].inverse;
}

/* --- ranges ------------------------------------------------------------------------------- */

/* An unsigned 64-bit value lies from min to max; min > max: the code is not reached. */
struct opt_range {
    uint64_t min;
    uint64_t max;
};

#define OPT_RANGE_FULL ((struct opt_range){0, UINT64_MAX})

/* What holds of each value wherever it is. */
struct opt_range *opt_ranges(const struct ir_func *f, struct arena *scratch);
/* What follows for one instruction from what is known of its operands. */
struct opt_range opt_range_of(const struct ir_func *f, const struct opt_range *known, ir_ref r);
/* -1 if the operands do not decide it, else the result of the compare. */
int opt_decide(enum spec_alu alu, uint32_t width, struct opt_range a, struct opt_range b);

/* --- memory ------------------------------------------------------------------------------- */

static inline bool opt_is_access(const struct ir_insn *in)
{
    return in->op == IR_LOAD || in->op == IR_STORE || in->op == IR_ATOMIC;
}

/* May the instruction change what an access of this region and map reads? */
bool opt_may_write(const struct ir_insn *in, const struct ir_insn *access);
/* May it read what the access writes? */
bool opt_may_read(const struct ir_insn *in, const struct ir_insn *access);
/* Do two accesses of one region lie apart for sure? */
bool opt_disjoint(const struct ir_insn *a, const struct ir_insn *b);
bool opt_may_alias_map(uint16_t a, uint16_t b);

/* --- values of a variable that is written in several blocks ------------------------------- */

struct opt_var {
    ir_ref *at_exit;  /* by block: what the variable holds at its end, if it is written in it */
    ir_ref *at_entry; /* by block: what it holds at its start, once asked for */
};

struct opt_var opt_var_make(const struct ir_func *f, struct arena *scratch);
/* Makes phis where needed. Where nothing was written the value is 0. */
ir_ref opt_var_at_entry(struct ir_func *f, struct opt_var *v, ir_block b);
ir_ref opt_var_at_exit(struct ir_func *f, struct opt_var *v, ir_block b);

/* --- control flow ------------------------------------------------------------------------- */

/* Takes the edge away, and the phi operands with it. The terminator of from is the caller's matter.
 */
void opt_remove_edge(struct ir_func *f, ir_block from, ir_block to);
/* Index of from among the predecessors of to, or UINT32_MAX. */
uint32_t opt_pred_index(const struct ir_func *f, ir_block to, ir_block from);
/* Phis at the head of a block. */
uint32_t opt_phi_count(const struct ir_func *f, ir_block b);
/* Makes the block's branch a jump to successor k. */
void opt_branch_to_jump(struct ir_func *f, ir_block b, uint32_t k);

#endif
