/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* A map value that is loaded, added to (or and, or, xor) and stored back becomes one atomic
 * operation, which the map does alone: counters then need neither tokens nor waiting.
 *
 * needs: nothing. keeps: control flow. Only where nobody else looks at the old or the new value,
 * and nothing between touches the map. */

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

static bool fuse(struct ir_func *f, ir_block b, uint32_t position, uint32_t *uses)
{
    const ir_ref store = f->blocks[b].insns[position];
    struct ir_insn *in = &f->insns[store];
    const struct ir_insn *op;
    enum spec_atomic atomic;
    uint32_t old;

    if (in->op != IR_STORE || in->region != IR_REGION_MAP || in->swap ||
        (in->size != 4 && in->size != 8) || uses[in->args[1]] != 1)
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
