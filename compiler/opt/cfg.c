/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <assert.h>

/* Simplifies control flow: branches on constants become jumps, blocks that nothing reaches go away,
 * a block joins its only predecessor if that leads nowhere else, and jumps to a block that only
 * jumps go to its target.
 *
 * needs: nothing. breaks: dominators. makes: selects where both sides of a branch reach one phi at
 * once. */

static struct ir_insn *terminator(struct ir_func *f, ir_block b)
{
    return &f->insns[f->blocks[b].insns[f->blocks[b].count - 1]];
}

static bool fold_branches(struct ir_func *f)
{
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        uint64_t v;

        if (f->blocks[b].count == 0 || terminator(f, b)->op != IR_BR ||
            !opt_is_const(f, terminator(f, b)->args[0], &v))
            continue;
        opt_branch_to_jump(f, b, v ? 0 : 1);
        changed = true;
    }
    return changed;
}

/* Moves all of s into b, its only predecessor. */
static void absorb(struct ir_func *f, ir_block b, ir_block s)
{
    struct ir_block_data *from = &f->blocks[s];

    ir_remove(f, f->blocks[b].insns[f->blocks[b].count - 1]);
    for (uint32_t i = 0; i < from->count; i++) {
        f->insns[from->insns[i]].block = IR_NO_BLOCK;
        ir_insert(f, b, f->blocks[b].count, from->insns[i]);
    }
    from->count = 0;
    f->blocks[b].succ_count = from->succ_count;
    for (uint32_t k = 0; k < from->succ_count; k++) {
        struct ir_block_data *next = &f->blocks[from->succ[k]];

        f->blocks[b].succ[k] = from->succ[k];
        for (uint32_t i = 0; i < next->pred_count; i++)
            if (next->preds[i] == s)
                next->preds[i] = b;
    }
    from->succ_count = 0;
    from->pred_count = 0;
}

static bool absorb_successors(struct ir_func *f, ir_ref *to)
{
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        while (f->blocks[b].count && terminator(f, b)->op == IR_JMP) {
            const ir_block s = f->blocks[b].succ[0];
            const uint32_t phis = opt_phi_count(f, s);

            if (f->blocks[s].pred_count != 1 || s == b || s == 0)
                break;
            for (uint32_t i = 0; i < phis; i++) {
                const ir_ref phi = f->blocks[s].insns[i];

                to[phi] = f->insns[phi].args[0];
            }
            for (uint32_t i = 0; i < phis; i++)
                ir_remove(f, f->blocks[s].insns[0]);
            absorb(f, b, s);
            changed = true;
        }
    }
    return changed;
}

/* --- blocks that only jump ---------------------------------------------------------------- */

static void add_pred(struct ir_func *f, ir_block to, ir_block pred, uint32_t like)
{
    struct ir_block_data *block = &f->blocks[to];
    const uint32_t phis = opt_phi_count(f, to);

    for (uint32_t i = 0; i < phis; i++) {
        struct ir_insn *phi = &f->insns[block->insns[i]];
        ir_ref *args = arena_array(f->arena, phi->nargs + 1u, sizeof(*args));

        for (uint32_t a = 0; a < phi->nargs; a++)
            args[a] = phi->args[a];
        args[phi->nargs++] = phi->args[like];
        phi->args = args;
    }
    block->preds = arena_grow(f->arena, block->preds, block->pred_count, &block->pred_capacity,
                              sizeof(*block->preds));
    block->preds[block->pred_count++] = pred;
}

/* p's branch leads to `to` both through `empty` and directly: the branch becomes a jump, phis
 * become selects. */
static void join_sides(struct ir_func *f, ir_block p, ir_block empty, ir_block to)
{
    const bool empty_first = f->blocks[p].succ[0] == empty;
    const uint32_t direct = opt_pred_index(f, to, p);
    const uint32_t through = opt_pred_index(f, to, empty);
    const ir_ref cond = terminator(f, p)->args[0];
    const uint32_t phis = opt_phi_count(f, to);

    for (uint32_t i = 0; i < phis; i++) {
        const ir_ref phi = f->blocks[to].insns[i];
        const ir_ref via = f->insns[phi].args[through];
        const ir_ref own = f->insns[phi].args[direct];
        const struct ir_insn select = {.op = IR_SELECT, .pc = f->insns[phi].pc};
        const ir_ref args[3] = {cond, empty_first ? via : own, empty_first ? own : via};
        ir_ref v;

        if (via == own)
            continue;
        v = ir_new(f, select, args, 3);
        ir_insert(f, p, f->blocks[p].count - 1, v);
        f->insns[phi].args[direct] = v;
    }
    opt_branch_to_jump(f, p, empty_first ? 1 : 0);
}

/* Sends predecessor p of an empty block to its target. */
static bool bypass(struct ir_func *f, ir_block p, ir_block empty, ir_block to)
{
    struct ir_block_data *block = &f->blocks[p];

    if (opt_pred_index(f, to, p) != UINT32_MAX) {
        if (opt_phi_count(f, to) > 2)
            return false;
        join_sides(f, p, empty, to);
        return true;
    }
    add_pred(f, to, p, opt_pred_index(f, to, empty));
    for (uint32_t k = 0; k < block->succ_count; k++)
        if (block->succ[k] == empty)
            block->succ[k] = to;
    for (uint32_t i = 0; i < f->blocks[empty].pred_count; i++) {
        if (f->blocks[empty].preds[i] == p) {
            f->blocks[empty].preds[i] = f->blocks[empty].preds[--f->blocks[empty].pred_count];
            break;
        }
    }
    return true;
}

/* Entry and loop headers stay: what leads into a loop keeps its one way in. */
static bool skip_empty_blocks(struct ir_func *f)
{
    bool changed = false;

    for (ir_block b = 1; b < f->block_count; b++) {
        const struct ir_block_data *block = &f->blocks[b];

        if (block->count != 1 || terminator(f, b)->op != IR_JMP || block->succ[0] == b ||
            block->trip_max || f->blocks[block->succ[0]].trip_max)
            continue;
        for (uint32_t i = block->pred_count; i-- > 0;)
            changed |= bypass(f, block->preds[i], b, block->succ[0]);
        /* Else each of a chain of such blocks would stay a predecessor of the next. */
        if (!block->pred_count)
            opt_remove_edge(f, b, block->succ[0]);
    }
    return changed;
}

/* Blocks that nothing leads back to are no loop headers any more. */
static void clear_trips(struct ir_func *f)
{
    for (ir_block b = 0; b < f->block_count; b++) {
        bool header = false;

        for (uint32_t i = 0; i < f->blocks[b].pred_count; i++)
            header |= f->blocks[b].preds[i] >= b; /* reverse post-order */
        if (!header)
            f->blocks[b].trip_max = 0;
    }
}

bool opt_cfg(struct ir_func *f, struct arena *scratch)
{
    bool changed = false;
    ir_ref *to;

    if (fold_branches(f)) {
        ir_compact(f);
        changed = true;
    }
    if (skip_empty_blocks(f)) {
        ir_compact(f);
        changed = true;
    }
    to = arena_array(scratch, f->insn_count, sizeof(*to));
    if (absorb_successors(f, to)) {
        opt_substitute(f, to);
        ir_compact(f);
        changed = true;
    }
    if (!changed)
        return false;
    clear_trips(f);
    return true;
}
