/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* Several edges that bring a register the same value: it is written once, in the block that
 * dominates them all, and the edges are free. Ways on which the register gets another value write
 * it after that. needs: flow, copies named by their final registers. breaks: liveness. */

enum { ROUNDS_MAX = 64, GROUP_MAX = 64 };

struct place {
    uint32_t block;
    uint32_t index;
};

static struct mach_copy *copy_at(const struct mach *m, struct place p)
{
    return &m->blocks[p.block].copies[p.index];
}

static bool same_source(const struct mach *m, const struct mach_copy *x, const struct mach_copy *y)
{
    if (x->dst != y->dst || x->src.reg != y->src.reg)
        return false;
    return x->src.reg == MACH_NONE ? x->src.value == y->src.value : m->vregs[x->src.reg].defs == 1;
}

static bool defines(const struct mach *m, uint32_t block, mach_reg reg, const struct mach_copy *but)
{
    const struct mach_block *b = &m->blocks[block];

    for (uint32_t k = 0; k < b->count; k++) {
        if (m->ops[b->ops[k]].dst == reg)
            return true;
    }
    for (uint32_t k = 0; k < b->copy_count; k++) {
        if (&b->copies[k] != but && b->copies[k].dst == reg)
            return true;
    }
    return false;
}

/* Whether a value put into a register at the end of one block is still there at a copy. */
static bool survives(const struct mach *m, uint32_t from, struct place to, struct bitset *between)
{
    const struct mach_copy *copy = copy_at(m, to);

    if (from == to.block || defines(m, to.block, copy->dst, copy))
        return false;
    mach_between(m, from, to.block, between);
    for (uint32_t b = 0; b < m->block_count; b++) {
        if (bitset_has(between, b) && b != to.block && defines(m, b, copy->dst, copy))
            return false;
    }
    return !bitset_has(between, to.block);
}

/* Whether a register can be written at the end of a block without harm. */
static bool is_free_at(const struct mach *m, uint32_t block, const struct mach_copy *copy)
{
    const struct mach_block *b = &m->blocks[block];
    mach_reg uses[2];
    uint32_t n;

    if (bitset_has(&b->live_out, copy->dst))
        return false;
    for (uint32_t k = 0; k < b->copy_count; k++) {
        if (b->copies[k].src.reg == copy->dst)
            return false;
    }
    if (copy->src.reg != MACH_NONE && copy->src.reg != 0 &&
        !mach_dominates(m, m->ops[m->vregs[copy->src.reg].def].block, block))
        return false;
    if (b->last == MACH_NONE)
        return true;
    n = mach_uses(&m->ops[b->last], uses);
    for (uint32_t i = 0; i < n; i++) {
        if (uses[i] == copy->dst)
            return false;
    }
    return true;
}

static void remove_copy(struct mach *m, struct place p)
{
    struct mach_block *b = &m->blocks[p.block];

    for (uint32_t k = p.index; k + 1 < b->copy_count; k++)
        b->copies[k] = b->copies[k + 1];
    b->copy_count--;
}

/* One group of equal copies, the first of which is given; true if it was brought together. */
static bool share_group(struct mach *m, struct place first, struct bitset *between)
{
    const struct mach_copy copy = *copy_at(m, first);
    struct place group[GROUP_MAX] = {first};
    uint32_t count = 1;
    uint32_t kept = 0;
    uint32_t home = first.block;

    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->copy_count && count < GROUP_MAX; k++) {
            if (&b->copies[k] == copy_at(m, first) || !same_source(m, &copy, &b->copies[k]))
                continue;
            group[count++] = (struct place){m->rpo[i], k};
            home = mach_common_dominator(m, home, m->rpo[i]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (m->blocks[home].loop_depth <= m->blocks[group[i].block].loop_depth &&
            survives(m, home, group[i], between))
            group[kept++] = group[i];
    }
    if (kept < 2 || !is_free_at(m, home, &copy))
        return false;
    for (uint32_t i = 0; i < kept; i++)
        remove_copy(m, group[i]);
    mach_append(m, home, mach_new_op(m, mach_copy_op(&copy)));
    return true;
}

static bool share_one(struct mach *m, struct bitset *between)
{
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        for (uint32_t k = 0; k < m->blocks[m->rpo[i]].copy_count; k++) {
            const struct place p = {m->rpo[i], k};
            const struct mach_copy *copy = copy_at(m, p);

            if (copy->src.reg != MACH_NONE && copy->src.reg != 0 &&
                (m->vregs[copy->src.reg].defs != 1 || m->vregs[copy->src.reg].def == MACH_NONE))
                continue;
            if (share_group(m, p, between))
                return true;
        }
    }
    return false;
}

void mach_share_copies(struct mach *m)
{
    struct bitset between = bitset_make(m->arena, m->block_count);

    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        mach_liveness(m);
        mach_count_uses(m);
        if (!share_one(m, &between))
            return;
    }
}
