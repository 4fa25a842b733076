/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* Takes operations without effect down to the block that dominates all their uses, so that a path
 * computes only what it needs; the scheduler brings them up again where slots are free. Nothing
 * moves into a loop. needs: SSA, flow, uses. keeps: flow. breaks: nothing else. */

struct sink {
    struct mach *m;
    uint32_t *place;     /* by register: the lowest block that dominates all uses seen so far */
    uint32_t *pred_uses; /* by predicate */
    uint32_t *pred_place;
    struct bitset between;
};

static void used_in(struct sink *s, uint32_t *place, uint32_t block)
{
    *place = *place == MACH_NONE ? block : mach_common_dominator(s->m, *place, block);
}

static void note_uses(struct sink *s, const struct mach_op *op)
{
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    for (uint32_t i = 0; i < n; i++)
        used_in(s, &s->place[uses[i]], op->block);
    if (op->pred != 0)
        used_in(s, &s->pred_place[op->pred], op->block);
}

/* Whether a store on the way from one block to the start of another one may change what a load
 * sees. */
static bool store_between(struct sink *s, const struct mach_op *load, uint32_t from, uint32_t to)
{
    const struct mach *m = s->m;

    mach_between(m, from, to, &s->between);
    bitset_add(&s->between, from);
    for (uint32_t b = 0; b < m->block_count; b++) {
        if (!bitset_has(&s->between, b))
            continue;
        for (uint32_t k = 0; k < m->blocks[b].count; k++) {
            if (mach_conflict(m, load, &m->ops[m->blocks[b].ops[k]]))
                return true;
        }
    }
    return false;
}

static uint32_t sink_target(struct sink *s, const struct mach_op *op)
{
    const struct mach *m = s->m;
    uint32_t target = op->dst != 0 ? s->place[op->dst] : MACH_NONE;

    if (op->effect || op->need != 0)
        return op->block;
    if (op->pred != 0 && s->pred_uses[op->pred] > 1)
        return op->block; /* stays with the others that read the predicate */
    if (op->pdst != 0)
        target = s->pred_place[op->pdst];
    if (target == MACH_NONE)
        return op->block;
    while (m->blocks[target].loop_depth > m->blocks[op->block].loop_depth)
        target = m->blocks[target].idom;
    if (target != op->block && op->mem != MACH_MEM_NONE && store_between(s, op, op->block, target))
        return op->block;
    return target;
}

static void sink_block(struct sink *s, uint32_t block)
{
    struct mach *m = s->m;
    uint32_t kept = m->blocks[block].count;

    for (uint32_t k = 0; k < m->blocks[block].copy_count; k++) {
        const struct mach_arg *src = &m->blocks[block].copies[k].src;

        if (src->reg != MACH_NONE)
            used_in(s, &s->place[src->reg], block);
    }
    if (m->blocks[block].last != MACH_NONE)
        note_uses(s, &m->ops[m->blocks[block].last]);
    /* backwards; what stays is gathered at the end of the array */
    for (uint32_t k = m->blocks[block].count; k > 0; k--) {
        const uint32_t at = m->blocks[block].ops[k - 1];
        const uint32_t target = sink_target(s, &m->ops[at]);

        if (target == block)
            m->blocks[block].ops[--kept] = at;
        else
            mach_insert(m, target, 0, at);
        note_uses(s, &m->ops[at]);
    }
    m->blocks[block].count -= kept;
    for (uint32_t k = 0; k < m->blocks[block].count; k++)
        m->blocks[block].ops[k] = m->blocks[block].ops[k + kept];
}

void mach_sink(struct mach *m)
{
    struct sink s = {.m = m};

    s.place = arena_array(m->arena, m->vreg_count, sizeof(*s.place));
    s.pred_uses = arena_array(m->arena, m->pred_count, sizeof(*s.pred_uses));
    s.pred_place = arena_array(m->arena, m->pred_count, sizeof(*s.pred_place));
    s.between = bitset_make(m->arena, m->block_count);
    for (uint32_t v = 0; v < m->vreg_count; v++)
        s.place[v] = MACH_NONE;
    for (uint32_t p = 0; p < m->pred_count; p++)
        s.pred_place[p] = MACH_NONE;
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->count; k++)
            s.pred_uses[m->ops[b->ops[k]].pred]++;
    }
    for (uint32_t i = m->rpo_count; i > 0; i--)
        sink_block(&s, m->rpo[i - 1]);
}
