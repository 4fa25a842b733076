/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* A map value that is loaded, added to (or and, or, xor) and stored back becomes one atomic
 * operation, which the map does alone: counters then need neither tokens nor waiting.
 *
 * needs: nothing. keeps: control flow. Only where nobody else looks at the old or the new value,
 * nothing between touches the map, and the address is a multiple of the size: loads and stores may
 * lie anywhere, the map's atomic operations not. */

enum { STEPS_MAX = 64 };

static enum spec_atomic atomic_of(enum spec_alu alu)
{
    for (uint32_t a = SPEC_ATOMIC_NONE + 1; a < SPEC_ATOMIC_COUNT; a++)
        if (spec_atomic_alu[a] == alu)
            return (enum spec_atomic)a;
    return SPEC_ATOMIC_NONE;
}

static bool is_same_place(const struct ir_insn *load, const struct ir_insn *store)
{
    return load->op == IR_LOAD && load->region == IR_REGION_MAP && load->map == store->map &&
           load->size == store->size && load->swap == store->swap && load->imm == store->imm &&
           load->args[0] == store->args[0] && load->block == store->block;
}

/* Nothing between the load and the store touches the place. */
static bool is_quiet(const struct ir_func *f, ir_block b, ir_ref load, uint32_t store_position)
{
    const struct ir_insn *access = &f->insns[load];

    for (uint32_t i = store_position; i-- > 0;) {
        const ir_ref r = f->blocks[b].insns[i];

        if (r == load)
            return true;
        if (opt_may_write(&f->insns[r], access) || opt_may_read(&f->insns[r], access))
            return false;
    }
    return false;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t zeros_of_const(uint64_t v)
{
    return v ? (uint32_t)__builtin_ctzll(v) : 64;
}

/* How many of a value's lowest bits are known to be 0; steps: how many instructions may be looked
 * at yet. */
static uint32_t low_zeros(const struct ir_func *f, ir_ref ref, uint32_t *steps)
{
    const struct ir_insn *in = &f->insns[ref];
    const uint32_t first = in->op == IR_SELECT ? 1 : 0;
    uint32_t x;
    uint32_t y;

    if (in->op == IR_CONST)
        return zeros_of_const(in->imm);
    if (ir_is_lookup(in))
        return 3; /* values are words of 8 bytes */
    if ((in->op != IR_ALU && in->op != IR_SELECT && in->op != IR_PHI) || *steps == 0)
        return 0;
    --*steps;
    x = low_zeros(f, in->args[first], steps);
    if (in->op == IR_ALU && in->alu == SPEC_ALU_MOV)
        return x;
    if (in->op == IR_ALU && in->alu == SPEC_ALU_SHL && f->insns[in->args[1]].op == IR_CONST)
        return x + (uint32_t)(f->insns[in->args[1]].imm & (in->width - 1u));
    if (in->op == IR_ALU && (in->alu == SPEC_ALU_AND || in->alu == SPEC_ALU_MUL)) {
        y = low_zeros(f, in->args[1], steps);
        return in->alu == SPEC_ALU_MUL ? x + y : x > y ? x : y;
    }
    if (in->op == IR_ALU && in->alu != SPEC_ALU_ADD && in->alu != SPEC_ALU_SUB &&
        in->alu != SPEC_ALU_OR && in->alu != SPEC_ALU_XOR)
        return 0;
    for (uint32_t i = first + 1; i < in->nargs && x > 0; i++)
        x = least(x, low_zeros(f, in->args[i], steps));
    return x;
}

static bool is_aligned(const struct ir_func *f, const struct ir_insn *in)
{
    uint32_t steps = STEPS_MAX;
    const uint32_t zeros = least(low_zeros(f, in->args[0], &steps), zeros_of_const(in->imm));

    return zeros >= (in->size == 8 ? 3u : 2u);
}

static bool fuse(struct ir_func *f, ir_block b, uint32_t position, uint32_t *uses)
{
    const ir_ref store = f->blocks[b].insns[position];
    struct ir_insn *in = &f->insns[store];
    const struct ir_insn *op;
    enum spec_atomic atomic;
    uint32_t old;

    if (in->op != IR_STORE || in->region != IR_REGION_MAP || in->swap ||
        (in->size != 4 && in->size != 8) || uses[in->args[1]] != 1 || !is_aligned(f, in))
        return false;
    op = &f->insns[in->args[1]];
    if (op->op != IR_ALU || op->nargs != 2 || op->width < 8 * in->size)
        return false;
    atomic = atomic_of((enum spec_alu)op->alu);
    if (atomic == SPEC_ATOMIC_NONE || op->args[0] == op->args[1])
        return false;
    for (old = 0; old < 2; old++)
        if (is_same_place(&f->insns[op->args[old]], in) && uses[op->args[old]] == 1 &&
            is_quiet(f, b, op->args[old], position))
            break;
    if (old == 2)
        return false;
    in->op = IR_ATOMIC;
    in->atomic = (uint8_t)atomic;
    in->fetch = false;
    uses[in->args[1]]--;
    in->args[1] = op->args[1 - old];
    return true;
}

bool opt_rmw(struct ir_func *f, struct arena *scratch)
{
    uint32_t *uses = opt_use_counts(f, scratch);
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++)
        for (uint32_t i = 0; i < f->blocks[b].count; i++)
            changed |= fuse(f, b, i, uses);
    return changed;
}
