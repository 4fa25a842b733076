/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <assert.h>
#include <string.h>

ir_ref opt_const(struct ir_func *f, uint64_t value)
{
    const struct ir_insn in = {.op = IR_CONST, .imm = value, .pc = IR_NO_PC};
    const struct ir_block_data *entry = &f->blocks[0];
    ir_ref r;

    for (uint32_t i = 0; i < entry->count; i++) {
        r = entry->insns[i];
        if (f->insns[r].op != IR_CONST)
            break;
        if (f->insns[r].imm == value)
            return r;
    }
    r = ir_new(f, in, NULL, 0);
    ir_insert(f, 0, 0, r);
    return r;
}

void opt_become(struct ir_func *f, ir_ref r, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y)
{
    struct ir_insn *in = &f->insns[r];
    const uint32_t n = spec_alu_table[alu].arity;

    in->op = IR_ALU;
    in->alu = (uint8_t)alu;
    in->width = width;
    if (in->nargs < n)
        in->args = arena_array(f->arena, n, sizeof(*in->args));
    in->nargs = (uint16_t)n;
    in->args[0] = x;
    if (n > 1)
        in->args[1] = y;
}

static ir_ref resolve(const ir_ref *to, ir_ref r)
{
    while (to[r] != IR_NONE && to[r] != r)
        r = to[r];
    return r;
}

void opt_substitute(struct ir_func *f, ir_ref *to)
{
    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            for (uint32_t a = 0; a < in->nargs; a++)
                in->args[a] = resolve(to, in->args[a]);
        }
    }
}

uint32_t *opt_use_counts(const struct ir_func *f, struct arena *scratch)
{
    uint32_t *uses = arena_array(scratch, f->insn_count, sizeof(*uses));

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            for (uint32_t a = 0; a < in->nargs; a++)
                uses[in->args[a]]++;
        }
    }
    return uses;
}

/* --- memory ------------------------------------------------------------------------------- */

bool opt_may_alias_map(uint16_t a, uint16_t b)
{
    return a == b || a == IR_MAP_ANY || b == IR_MAP_ANY;
}

bool opt_disjoint(const struct ir_insn *a, const struct ir_insn *b)
{
    const int64_t from_a = (int64_t)a->imm;
    const int64_t from_b = (int64_t)b->imm;

    if (a->region == IR_REGION_MAP && !opt_may_alias_map(a->map, b->map))
        return true;
    if (a->region != IR_REGION_MAP &&
        (a->off_max + a->size <= b->off_min || b->off_max + b->size <= a->off_min))
        return true;
    return a->args[0] == b->args[0] && (from_a + a->size <= from_b || from_b + b->size <= from_a);
}

bool opt_may_write(const struct ir_insn *in, const struct ir_insn *access)
{
    switch ((enum ir_op)in->op) {
    case IR_STORE:
    case IR_ATOMIC:
        return in->region == access->region && !opt_disjoint(in, access);
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        return access->region == IR_REGION_MAP && opt_may_alias_map(in->map, access->map);
    case IR_PKT_ZERO:
        return access->region == IR_REGION_PKT;
    case IR_NOP:
    case IR_CONST:
    case IR_INPUT:
    case IR_ALU:
    case IR_SELECT:
    case IR_PHI:
    case IR_LOAD:
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_HOST:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
    return false;
}

bool opt_may_read(const struct ir_insn *in, const struct ir_insn *access)
{
    if (in->op == IR_LOAD || in->op == IR_ATOMIC)
        return in->region == access->region && !opt_disjoint(in, access);
    return (in->op == IR_EXIT || in->op == IR_HOST) && access->region != IR_REGION_STACK;
}

/* --- variables ---------------------------------------------------------------------------- */

struct opt_var opt_var_make(const struct ir_func *f, struct arena *scratch)
{
    return (struct opt_var){arena_array(scratch, f->block_count, sizeof(ir_ref)),
                            arena_array(scratch, f->block_count, sizeof(ir_ref))};
}

ir_ref opt_var_at_exit(struct ir_func *f, struct opt_var *v, ir_block b)
{
    return v->at_exit[b] != IR_NONE ? v->at_exit[b] : opt_var_at_entry(f, v, b);
}

ir_ref opt_var_at_entry(struct ir_func *f, struct opt_var *v, ir_block b)
{
    const uint32_t n = f->blocks[b].pred_count;
    const struct ir_insn insn = {.op = IR_PHI, .pc = IR_NO_PC};
    ir_ref *args;

    if (v->at_entry[b] != IR_NONE)
        return v->at_entry[b];
    if (n == 0) {
        v->at_entry[b] = opt_const(f, 0);
    } else if (n == 1) {
        v->at_entry[b] = opt_var_at_exit(f, v, f->blocks[b].preds[0]);
    } else {
        const ir_ref phi = ir_new(f, insn, NULL, 0);

        v->at_entry[b] = phi; /* ends the recursion in a loop */
        ir_insert(f, b, 0, phi);
        args = arena_array(f->arena, n, sizeof(*args));
        for (uint32_t i = 0; i < n; i++)
            args[i] = opt_var_at_exit(f, v, f->blocks[b].preds[i]);
        f->insns[phi].args = args;
        f->insns[phi].nargs = (uint16_t)n;
    }
    return v->at_entry[b];
}

/* --- control flow ------------------------------------------------------------------------- */

uint32_t opt_phi_count(const struct ir_func *f, ir_block b)
{
    uint32_t n = 0;

    while (n < f->blocks[b].count && f->insns[f->blocks[b].insns[n]].op == IR_PHI)
        n++;
    return n;
}

uint32_t opt_pred_index(const struct ir_func *f, ir_block to, ir_block from)
{
    for (uint32_t i = 0; i < f->blocks[to].pred_count; i++)
        if (f->blocks[to].preds[i] == from)
            return i;
    return UINT32_MAX;
}

void opt_remove_edge(struct ir_func *f, ir_block from, ir_block to)
{
    struct ir_block_data *a = &f->blocks[from];
    struct ir_block_data *b = &f->blocks[to];
    const uint32_t at = opt_pred_index(f, to, from);
    const uint32_t phis = opt_phi_count(f, to);

    assert(at != UINT32_MAX);
    for (uint32_t i = 0; i < phis; i++) {
        struct ir_insn *phi = &f->insns[b->insns[i]];

        phi->nargs--;
        memmove(&phi->args[at], &phi->args[at + 1], (phi->nargs - at) * sizeof(*phi->args));
    }
    b->pred_count--;
    memmove(&b->preds[at], &b->preds[at + 1], (b->pred_count - at) * sizeof(*b->preds));
    if (a->succ_count == 2 && a->succ[0] == to)
        a->succ[0] = a->succ[1];
    a->succ_count--;
}

void opt_branch_to_jump(struct ir_func *f, ir_block b, uint32_t k)
{
    struct ir_block_data *block = &f->blocks[b];
    struct ir_insn *in = &f->insns[block->insns[block->count - 1]];

    assert(in->op == IR_BR);
    in->op = IR_JMP;
    in->nargs = 0;
    opt_remove_edge(f, b, block->succ[1 - k]);
}
