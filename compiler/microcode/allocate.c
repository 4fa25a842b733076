/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <assert.h>

/* Real registers. Each register's bank is the lane that writes it; within a bank those that live at
 * the same time differ. The graph is coloured by simplification (Chaitin), optimistically (Briggs):
 * what has few neighbours goes last. */

enum { BANK_REGISTERS = SPEC_REGS / SPEC_LANES };

struct bank {
    mach_reg *regs;
    uint32_t count;
    struct bitset *clash; /* by number in the bank */
};

struct allocate {
    struct mach *m;
    struct bitset *live_in; /* by block */
    uint32_t *number;       /* by register: place in its bank */
    struct bank banks[SPEC_LANES];
};

static void collect_banks(struct allocate *a)
{
    struct mach *m = a->m;

    a->number = arena_array(m->arena, m->vreg_count, sizeof(*a->number));
    for (uint32_t v = 1; v < m->vreg_count; v++) {
        if (m->vregs[v].lane != MACH_NO_LANE)
            a->banks[m->vregs[v].lane].count++;
    }
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        struct bank *b = &a->banks[lane];

        b->regs = arena_array(m->arena, b->count + 1, sizeof(*b->regs));
        b->clash = arena_array(m->arena, b->count + 1, sizeof(*b->clash));
        for (uint32_t n = 0; n < b->count; n++)
            b->clash[n] = bitset_make(m->arena, b->count);
        b->count = 0;
    }
    for (uint32_t v = 1; v < m->vreg_count; v++) {
        struct bank *b;

        if (m->vregs[v].lane == MACH_NO_LANE)
            continue;
        b = &a->banks[m->vregs[v].lane];
        a->number[v] = b->count;
        b->regs[b->count++] = v;
    }
}

static void add_clash(struct allocate *a, mach_reg x, mach_reg y)
{
    struct bank *b = &a->banks[a->m->vregs[x].lane];

    bitset_add(&b->clash[a->number[x]], a->number[y]);
    bitset_add(&b->clash[a->number[y]], a->number[x]);
}

/* A definition clashes with all of its bank that live on after the row. */
static void clash_after(struct allocate *a, const struct bitset *live, mach_reg dst)
{
    const uint8_t lane = a->m->vregs[dst].lane;

    for (uint32_t w = 0; w < live->word_count; w++) {
        for (uint64_t bits = live->words[w]; bits; bits &= bits - 1) {
            const mach_reg other = w * 64 + (uint32_t)__builtin_ctzll(bits);

            if (other != dst && a->m->vregs[other].lane == lane)
                add_clash(a, dst, other);
        }
    }
}

/* Steps backwards over a row; with graph, notes clashes. */
static void step_row(struct allocate *a, const struct mach_row *row, struct bitset *live,
                     bool graph)
{
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if (row->target[lane] != MACH_NONE)
            bitset_union(live, &a->live_in[row->target[lane]]);
    }
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const uint32_t at = row->slots[lane];

        if (at < MACH_JUMP && a->m->ops[at].dst != 0 && graph)
            clash_after(a, live, a->m->ops[at].dst);
    }
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if (row->slots[lane] < MACH_JUMP && a->m->ops[row->slots[lane]].dst != 0)
            bitset_remove(live, a->m->ops[row->slots[lane]].dst);
    }
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        mach_reg uses[2];
        uint32_t n;

        if (row->slots[lane] >= MACH_JUMP)
            continue;
        n = mach_uses(&a->m->ops[row->slots[lane]], uses);
        for (uint32_t i = 0; i < n; i++)
            bitset_add(live, uses[i]);
    }
}

static void step_block(struct allocate *a, uint32_t block, struct bitset *live, bool graph)
{
    const struct mach_sched *s = &a->m->scheds[block];

    bitset_clear(live);
    if (s->fall != MACH_NONE)
        bitset_union(live, &a->live_in[s->fall]);
    for (uint32_t r = s->row_count; r > 0; r--)
        step_row(a, &s->rows[r - 1], live, graph);
}

static void find_live(struct allocate *a)
{
    struct mach *m = a->m;
    struct bitset live = bitset_make(m->arena, m->vreg_count);
    bool changed = true;

    a->live_in = arena_array(m->arena, m->block_count, sizeof(*a->live_in));
    for (uint32_t b = 0; b < m->block_count; b++)
        a->live_in[b] = bitset_make(m->arena, m->vreg_count);
    while (changed) {
        changed = false;
        for (uint32_t i = m->layout_count; i > 0; i--) {
            step_block(a, m->layout[i - 1], &live, false);
            changed |= bitset_union(&a->live_in[m->layout[i - 1]], &live);
        }
    }
    for (uint32_t i = 0; i < m->layout_count; i++)
        step_block(a, m->layout[i], &live, true);
}

/* --- colouring --- */

static uint32_t degree_of(const struct bitset *clash)
{
    uint32_t n = 0;

    for (uint32_t w = 0; w < clash->word_count; w++)
        n += (uint32_t)__builtin_popcountll(clash->words[w]);
    return n;
}

/* The order in which registers leave the graph: always one with few neighbours; if there is none,
 * the one with most neighbours for its uses, and in the end it may find a colour all the same. */
static void simplify(const struct allocate *a, const struct bank *b, uint32_t colours,
                     uint32_t *order)
{
    uint32_t *degree = arena_array(a->m->arena, b->count + 1, sizeof(*degree));
    struct bitset gone = bitset_make(a->m->arena, b->count);

    for (uint32_t n = 0; n < b->count; n++)
        degree[n] = degree_of(&b->clash[n]);
    for (uint32_t i = 0; i < b->count; i++) {
        uint32_t best = MACH_NONE;
        uint64_t best_cost = 0;

        for (uint32_t n = 0; n < b->count; n++) {
            const struct mach_vreg *v = &a->m->vregs[b->regs[n]];
            uint64_t cost;

            if (bitset_has(&gone, n))
                continue;
            if (degree[n] < colours) {
                best = n;
                break;
            }
            cost = v->no_spill ? 0 : (uint64_t)degree[n] * 64 / (v->uses + v->defs);
            if (best == MACH_NONE || cost > best_cost) {
                best = n;
                best_cost = cost;
            }
        }
        bitset_add(&gone, best);
        order[i] = best;
        for (uint32_t w = 0; w < b->clash[best].word_count; w++) {
            for (uint64_t bits = b->clash[best].words[w]; bits; bits &= bits - 1)
                degree[w * 64 + (uint32_t)__builtin_ctzll(bits)]--;
        }
    }
}

static bool colour_bank(struct allocate *a, uint32_t lane, struct bitset *failed)
{
    const struct bank *b = &a->banks[lane];
    const uint32_t first = lane == 0; /* register 0 is zero */
    uint32_t *order = arena_array(a->m->arena, b->count + 1, sizeof(*order));
    struct bitset done = bitset_make(a->m->arena, b->count);
    bool fits = true;

    simplify(a, b, BANK_REGISTERS - first, order);
    for (uint32_t i = b->count; i > 0; i--) {
        const uint32_t n = order[i - 1];
        uint32_t taken = first;
        uint32_t colour = 0;

        for (uint32_t w = 0; w < done.word_count; w++) {
            for (uint64_t bits = b->clash[n].words[w] & done.words[w]; bits; bits &= bits - 1) {
                const mach_reg other = b->regs[w * 64 + (uint32_t)__builtin_ctzll(bits)];

                taken |= 1u << (a->m->vregs[other].reg / SPEC_LANES);
            }
        }
        while (colour < BANK_REGISTERS && taken >> colour & 1)
            colour++;
        if (colour == BANK_REGISTERS) {
            bitset_add(failed, b->regs[n]);
            fits = false;
            continue;
        }
        a->m->vregs[b->regs[n]].reg = (uint8_t)(colour * SPEC_LANES + lane);
        bitset_add(&done, n);
    }
    return fits;
}

bool mach_allocate(struct mach *m, struct bitset *failed)
{
    struct allocate a = {.m = m};
    bool fits = true;

    *failed = bitset_make(m->arena, m->vreg_count);
    collect_banks(&a);
    find_live(&a);
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        fits &= colour_bank(&a, lane, failed);
    return fits;
}
