/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/sched.h"

#include <stdlib.h>

/* Early issue: free slots of a block take operations without effect from the blocks that it
 * dominates. What comes up must read what it would have read below, and must not overwrite what
 * another way still reads. */

enum { WAYS_MAX = 48, CANDIDATES_MAX = 256 };

/* --- candidates --- */

static bool may_rise(const struct sched *s, uint32_t at)
{
    const struct mach_op *op = &s->m->ops[at];

    return !op->effect && !sched_is_placed(s, at) && op->op != MACH_AWAIT;
}

static void add_candidates(struct sched *s, uint32_t way)
{
    const struct mach_block *b = &s->m->blocks[s->ways[way].block];

    for (uint32_t k = 0; k < b->count; k++) {
        const struct mach_op *op = &s->m->ops[b->ops[k]];
        const bool tied =
            op->pred != 0 || op->pdst != 0 || (op->dst != 0 && s->m->vregs[op->dst].defs > 1);

        if (!may_rise(s, b->ops[k]) || (tied && !s->ways[way].straight))
            continue;
        s->candidates = arena_grow(s->m->arena, s->candidates, s->candidate_count,
                                   &s->candidate_capacity, sizeof(*s->candidates));
        s->candidates[s->candidate_count++] =
            (struct sched_candidate){b->ops[k], way, s->deps->height[b->ops[k]]};
    }
}

static void add_way(struct sched *s, uint32_t block, uint32_t parent)
{
    const struct mach *m = s->m;
    struct sched_way way = {.block = block, .parent = parent};
    struct bitset between = {0};
    uint32_t n = 0;

    way.straight =
        m->blocks[block].pred_count == 1 && (parent == MACH_NONE || s->ways[parent].straight);
    if (m->blocks[block].pred_count > 1) {
        between = bitset_make(m->arena, m->block_count);
        mach_between(m, m->blocks[block].idom, block, &between);
        for (uint32_t w = 0; w < between.word_count; w++)
            n += (uint32_t)__builtin_popcountll(between.words[w]);
    }
    if (parent != MACH_NONE)
        n += s->ways[parent].through_count + 1;
    way.through = arena_array(m->arena, n + 1, sizeof(*way.through));
    if (parent != MACH_NONE) {
        for (uint32_t i = 0; i < s->ways[parent].through_count; i++)
            way.through[way.through_count++] = s->ways[parent].through[i];
        way.through[way.through_count++] = s->ways[parent].block;
    }
    for (uint32_t b = 0; between.words && b < m->block_count; b++) {
        if (bitset_has(&between, b))
            way.through[way.through_count++] = b;
    }
    s->ways = arena_grow(m->arena, s->ways, s->way_count, &s->way_capacity, sizeof(*s->ways));
    s->ways[s->way_count] = way;
    add_candidates(s, s->way_count++);
}

static int by_urgency(const void *x, const void *y)
{
    const struct sched_candidate *a = x;
    const struct sched_candidate *b = y;

    if (a->urgency != b->urgency)
        return a->urgency > b->urgency ? -1 : 1;
    return a->op < b->op ? -1 : a->op > b->op;
}

void sched_find_candidates(struct sched *s)
{
    uint32_t level_start = 0;
    uint32_t level_end;

    s->way_count = 0;
    s->candidate_count = 0;
    if (s->limits->hoist_blocks == 0)
        return;
    for (uint32_t i = 0; i < s->child_count[s->block]; i++) {
        if (s->way_count < WAYS_MAX)
            add_way(s, s->children[s->block][i], MACH_NONE);
    }
    for (uint32_t depth = 1; depth < s->limits->hoist_blocks; depth++) {
        level_end = s->way_count;
        for (uint32_t w = level_start; w < level_end; w++) {
            const uint32_t b = s->ways[w].block;

            for (uint32_t i = 0; i < s->child_count[b] && s->way_count < WAYS_MAX; i++)
                add_way(s, s->children[b][i], w);
        }
        level_start = level_end;
    }
    if (s->candidate_count == 0)
        return;
    qsort(s->candidates, s->candidate_count, sizeof(*s->candidates), by_urgency);
    if (s->candidate_count > CANDIDATES_MAX)
        s->candidate_count = CANDIDATES_MAX;
}

/* --- conditions --- */

/* Whether an operation is done before the row at hand. */
static bool is_before(const struct sched *s, uint32_t at)
{
    const struct mach_op *op = &s->m->ops[at];

    return op->at_block != MACH_NONE && (op->at_block != s->block || op->at_row < s->row);
}

static bool defs_before(const struct sched *s, mach_reg reg, uint32_t block)
{
    for (uint32_t i = 0; i < s->def_count[block]; i++) {
        if (s->m->ops[s->defs[block][i]].dst == reg && !is_before(s, s->defs[block][i]))
            return false;
    }
    return true;
}

bool sched_value_there(const struct sched *s, mach_reg reg, const uint32_t *chain, uint32_t count)
{
    const struct mach_vreg *v = &s->m->vregs[reg];

    if (v->defs <= 1)
        return v->def == MACH_NONE || is_before(s, v->def);
    for (uint32_t i = 0; i < count; i++) {
        if (!defs_before(s, reg, chain[i]))
            return false;
    }
    return true;
}

static bool operands_there(const struct sched *s, const struct mach_op *op,
                           const struct sched_way *way)
{
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    for (uint32_t i = 0; i < n; i++) {
        if (s->m->vregs[uses[i]].defs > 1 && !way->straight)
            return false;
        if (!sched_value_there(s, uses[i], &s->block, 1) ||
            !sched_value_there(s, uses[i], way->through, way->through_count))
            return false;
    }
    return true;
}

static bool stores_before(const struct sched *s, const struct mach_op *load, uint32_t block)
{
    for (uint32_t i = 0; i < s->store_count[block]; i++) {
        const uint32_t store = s->stores[block][i];

        if (!is_before(s, store) && mach_conflict(s->m, &s->m->ops[store], load))
            return false;
    }
    return true;
}

static bool memory_same(const struct sched *s, const struct mach_op *op,
                        const struct sched_way *way)
{
    if (op->mem == MACH_MEM_NONE)
        return true;
    if (!stores_before(s, op, s->block))
        return false;
    for (uint32_t i = 0; i < way->through_count; i++) {
        if (!stores_before(s, op, way->through[i]))
            return false;
    }
    return true;
}

static bool names(const struct mach_op *op, mach_reg reg)
{
    return op->dst == reg || op->a == reg || (!op->bimm && op->b == reg);
}

/* Whether what is not placed yet of a block reads or writes a register. */
static bool block_names(const struct sched *s, uint32_t block, mach_reg reg)
{
    const struct mach_block *b = &s->m->blocks[block];

    for (uint32_t k = 0; k < b->count; k++) {
        if (!sched_is_placed(s, b->ops[k]) && names(&s->m->ops[b->ops[k]], reg))
            return true;
    }
    return b->last != MACH_NONE && !sched_is_placed(s, b->last) && names(&s->m->ops[b->last], reg);
}

static bool side_exits_read(const struct sched *s, uint32_t block, uint32_t next, mach_reg reg)
{
    const struct mach_block *b = &s->m->blocks[block];

    for (uint32_t k = 0; k < b->succ_count; k++) {
        if (b->succ[k] != next && bitset_has(&s->m->blocks[b->succ[k]].live_in, reg))
            return true;
    }
    return false;
}

/* A register with several definitions may be written early if nothing on the way, or beside it,
 * wants its old value. */
static bool may_overwrite(const struct sched *s, mach_reg reg, const struct sched_way *way)
{
    uint32_t above = s->block;

    if (!defs_before(s, reg, s->block) || block_names(s, s->block, reg))
        return false;
    for (uint32_t i = 0; i <= way->through_count; i++) {
        const uint32_t next = i < way->through_count ? way->through[i] : way->block;

        if (side_exits_read(s, above, next, reg))
            return false;
        if (i < way->through_count && block_names(s, next, reg))
            return false;
        above = next;
    }
    return true;
}

/* Whether what is not placed yet of a block uses key or value words. */
static bool block_uses_words(const struct sched *s, uint32_t block, uint64_t words)
{
    const struct mach_block *b = &s->m->blocks[block];

    for (uint32_t k = 0; k < b->count; k++) {
        const struct mach_op *op = &s->m->ops[b->ops[k]];

        if (!sched_is_placed(s, b->ops[k]) && ((op->words_read | op->words_written) & words) != 0)
            return true;
    }
    return false;
}

static bool side_exits_use(const struct sched *s, uint32_t block, uint32_t next, uint64_t words)
{
    const struct mach_block *b = &s->m->blocks[block];

    for (uint32_t k = 0; k < b->succ_count; k++) {
        if (b->succ[k] != next && (s->m->blocks[b->succ[k]].words_in & words) != 0)
            return true;
    }
    return false;
}

/* The same as may_overwrite for a key or value word. */
static bool may_write_word(const struct sched *s, uint64_t word, const struct sched_way *way)
{
    uint32_t above = s->block;

    if (s->word_row[__builtin_ctzll(word)] > s->row || block_uses_words(s, s->block, word))
        return false;
    for (uint32_t i = 0; i <= way->through_count; i++) {
        const uint32_t next = i < way->through_count ? way->through[i] : way->block;

        if (side_exits_use(s, above, next, word))
            return false;
        if (i < way->through_count && block_uses_words(s, next, word))
            return false;
        above = next;
    }
    return true;
}

static bool bank_has_room(const struct sched *s, const struct mach_op *op)
{
    const struct mach_vreg *v = &s->m->vregs[op->dst];

    if (op->dst == 0 || v->lane != MACH_NO_LANE)
        return true;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if ((v->lanes >> lane & 1) && s->bank_live[lane] < (int32_t)s->limits->bank_registers)
            return true;
    }
    return false;
}

static bool can_rise(const struct sched *s, const struct sched_candidate *c)
{
    const struct mach_op *op = &s->m->ops[c->op];
    const struct sched_way *way = &s->ways[c->way];

    if (sched_is_placed(s, c->op) || !sched_ready(s, c->op))
        return false;
    if ((op->need & ~s->held[s->block]) != 0)
        return false; /* other ways would wait for a token that they do not need */
    if (s->m->blocks[way->block].loop_depth < s->m->blocks[s->block].loop_depth)
        return false; /* would be done over and over */
    if (!bank_has_room(s, op) || !operands_there(s, op, way) || !memory_same(s, op, way))
        return false;
    if (op->words_written != 0 && !may_write_word(s, op->words_written, way))
        return false;
    return op->dst == 0 || s->m->vregs[op->dst].defs <= 1 || may_overwrite(s, op->dst, way);
}

/* A register with several definitions, or a word, that was written early is live on the way down
 * from there. */
static void note_live(struct sched *s, const struct sched_candidate *c)
{
    const mach_reg reg = s->m->ops[c->op].dst;
    const uint64_t words = s->m->ops[c->op].words_written;
    const struct sched_way *way = &s->ways[c->way];

    s->m->blocks[way->block].words_in |= words;
    for (uint32_t i = 0; i < way->through_count; i++)
        s->m->blocks[way->through[i]].words_in |= words;
    if (reg == 0 || s->m->vregs[reg].defs <= 1)
        return;
    bitset_add(&s->m->blocks[way->block].live_in, reg);
    for (uint32_t i = 0; i < way->through_count; i++)
        bitset_add(&s->m->blocks[way->through[i]].live_in, reg);
}

bool sched_hoist_one(struct sched *s)
{
    if (s->entry_count == SPEC_LANES)
        return false;
    for (uint32_t i = 0; i < s->candidate_count; i++) {
        if (can_rise(s, &s->candidates[i]) && sched_try_op(s, s->candidates[i].op)) {
            note_live(s, &s->candidates[i]);
            return true;
        }
    }
    return false;
}
