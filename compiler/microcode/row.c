/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/sched.h"

#include <assert.h>

/* One row: which operations fit together, and which lane each of them gets. */

enum { COST_PRESSURE = 4, COST_FULL = 1000, BANK_REGISTERS = SPEC_REGS / SPEC_LANES };

bool sched_is_placed(const struct sched *s, uint32_t op)
{
    return s->m->ops[op].at_block != MACH_NONE;
}

bool sched_ready(const struct sched *s, uint32_t op)
{
    for (uint32_t i = 0; i < s->deps->pred_count[op]; i++) {
        const struct mach_dep *dep = &s->deps->preds[op][i];
        const struct mach_op *before = &s->m->ops[dep->op];

        if (before->at_block == MACH_NONE)
            return false;
        if (before->at_block == s->block && before->at_row + dep->latency > s->row)
            return false;
    }
    return true;
}

/* --- lanes --- */

struct assignment {
    uint8_t lane[SPEC_LANES]; /* by entry */
    int32_t cost;
};

static int32_t lane_cost(const struct sched *s, const struct sched_entry *e, uint8_t lane)
{
    const struct mach_op *op;

    if (e->op == MACH_JUMP)
        return 0;
    op = &s->m->ops[e->op];
    if (op->dst == 0 || s->m->vregs[op->dst].lane != MACH_NO_LANE)
        return 0;
    if (s->bank_live[lane] >= BANK_REGISTERS - 1)
        return COST_FULL;
    return s->bank_live[lane] * COST_PRESSURE;
}

static bool order_kept(const struct sched *s, const struct assignment *a, uint32_t entry)
{
    for (uint32_t i = 0; i < entry; i++) {
        if (s->entries[i].rank == 0 || s->entries[entry].rank == 0)
            continue;
        if ((s->entries[i].rank < s->entries[entry].rank) != (a->lane[i] < a->lane[entry]))
            return false;
    }
    return true;
}

/* All ways to give lanes to the entries from `entry` on; the cheapest is kept. With best NULL: is
 * there any? */
static bool assign(const struct sched *s, uint32_t entry, uint32_t taken, struct assignment *a,
                   struct assignment *best)
{
    bool found = false;

    if (entry == s->entry_count) {
        if (best && a->cost < best->cost)
            *best = *a;
        return true;
    }
    for (uint8_t lane = 0; lane < SPEC_LANES; lane++) {
        const int32_t cost = best ? lane_cost(s, &s->entries[entry], lane) : 0;

        if (taken >> lane & 1 || !(s->entries[entry].lanes >> lane & 1))
            continue;
        a->lane[entry] = lane;
        if (!order_kept(s, a, entry))
            continue;
        a->cost += cost;
        found |= assign(s, entry + 1, taken | 1u << lane, a, best);
        a->cost -= cost;
        if (found && !best)
            return true;
    }
    return found;
}

/* --- predicates --- */

static uint32_t free_pregs(const struct sched *s)
{
    uint32_t n = 0;

    for (uint32_t p = 1; p < SPEC_PREDS; p++)
        n += s->pregs[p] == 0;
    return n;
}

/* Whether some selection could follow the compare in the next row: then its predicate is soon free
 * again. */
static bool reader_waits(const struct sched *s, uint32_t pred)
{
    const struct mach_block *b;
    const uint32_t compare = s->pred_def[pred];

    b = &s->m->blocks[s->m->ops[compare].block];
    for (uint32_t k = 0; k < b->count; k++) {
        const uint32_t at = b->ops[k];
        bool waits = s->m->ops[at].pred == pred && !sched_is_placed(s, at);

        for (uint32_t i = 0; waits && i < s->deps->pred_count[at]; i++) {
            const uint32_t before = s->deps->preds[at][i].op;

            waits = before == compare || sched_is_placed(s, before);
        }
        if (waits)
            return true;
    }
    return false;
}

/* A dead end - all predicates held for selections that themselves wait for another one - cannot
 * arise: at most two are taken for selections that are not about to follow, and at most
 * SHARED_PREDS_MAX (see select.c) have more than one. */
static bool predicate_allowed(const struct sched *s, const struct mach_op *op)
{
    const uint32_t n = free_pregs(s);
    const bool foreign = op->block != s->block;

    if (op->pdst == 0)
        return true;
    if (n == 0 || (foreign && (n < SPEC_PREDS - 2 || s->pred_uses[op->pdst] > 1)))
        return false;
    return (!foreign && n >= SPEC_PREDS - 2) || reader_waits(s, op->pdst);
}

static void take_predicate(struct sched *s, struct mach_op *op)
{
    for (uint8_t p = 1; p < SPEC_PREDS; p++) {
        if (s->pregs[p] == 0) {
            s->pregs[p] = op->pdst;
            s->preg_of[op->pdst] = p;
            op->preg = p;
            return;
        }
    }
    assert(false);
}

static void release_predicate(struct sched *s, uint32_t pred)
{
    assert(s->pred_uses[pred] > 0);
    if (--s->pred_uses[pred] == 0)
        s->pregs[s->preg_of[pred]] = 0;
}

/* --- filling --- */

static bool packet_conflict(const struct sched *s, uint32_t op)
{
    const uint8_t code = s->m->ops[op].op;

    for (uint32_t i = 0; i < s->entry_count; i++) {
        const uint8_t other =
            s->entries[i].op == MACH_JUMP ? UCODE_NOP : s->m->ops[s->entries[i].op].op;

        if ((mach_is_pkt_load(code) && mach_is_pkt_store(other)) ||
            (mach_is_pkt_store(code) && mach_is_pkt_load(other)))
            return true;
    }
    return false;
}

/* Two definitions of one register, or of two that are bound to one lane, do not fit; the lanes see
 * to that. */
static uint8_t lanes_of(const struct sched *s, const struct mach_op *op)
{
    uint8_t lanes = ucode_op_lanes(op->op);

    if (op->dst != 0) {
        const struct mach_vreg *v = &s->m->vregs[op->dst];

        lanes &= (uint8_t)(v->lane == MACH_NO_LANE ? v->lanes : 1u << v->lane);
    }
    if (op->op == UCODE_KEYW || op->op == UCODE_VALW)
        lanes = (uint8_t)(1u << (op->index % SPEC_LANES));
    return lanes;
}

static bool writes_same(const struct sched *s, mach_reg dst)
{
    for (uint32_t i = 0; i < s->entry_count; i++) {
        if (dst != 0 && s->entries[i].op != MACH_JUMP && s->m->ops[s->entries[i].op].dst == dst)
            return true;
    }
    return false;
}

void sched_placed(struct sched *s, uint32_t at)
{
    struct mach_op *op = &s->m->ops[at];
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    op->at_block = s->block;
    op->at_row = s->row;
    for (uint32_t i = 0; i < n; i++) {
        const mach_reg reg = uses[i];

        assert(s->uses_left[reg] > 0);
        if (--s->uses_left[reg] == 0 && s->counted[reg]) {
            s->counted[reg] = false;
            s->bank_live[s->m->vregs[reg].lane]--;
        }
    }
    s->progress = true;
    for (uint64_t w = op->words_read | op->words_written; w; w &= w - 1)
        s->word_row[__builtin_ctzll(w)] = s->row + 1;
    if (op->pred != 0) {
        op->preg = s->preg_of[op->pred];
        release_predicate(s, op->pred);
    }
    if (op->pdst != 0)
        take_predicate(s, op);
    if (at != s->m->blocks[op->block].last) {
        s->left[op->block]--;
        s->kept[op->block] += op->block == s->block;
    }
    s->wait |= op->op == UCODE_RES || op->op == MACH_AWAIT;
    s->need |= op->need;
    s->held[s->block] |= op->need;
}

bool sched_try(struct sched *s, struct sched_entry entry)
{
    struct assignment a = {.cost = 0};

    if (s->entry_count == SPEC_LANES)
        return false;
    s->entries[s->entry_count++] = entry;
    if (assign(s, 0, 0, &a, NULL))
        return true;
    s->entry_count--;
    return false;
}

bool sched_try_op(struct sched *s, uint32_t at)
{
    const struct mach_op *op = &s->m->ops[at];

    if (op->op == MACH_AWAIT) {
        sched_placed(s, at);
        return true;
    }
    if (!predicate_allowed(s, op) || packet_conflict(s, at) || writes_same(s, op->dst) ||
        !sched_try(s,
                   (struct sched_entry){.op = at, .lanes = lanes_of(s, op), .target = MACH_NONE}))
        return false;
    sched_placed(s, at);
    return true;
}

static void settle(struct sched *s, const struct sched_entry *e, uint8_t lane, struct mach_row *row)
{
    struct mach_op *op;

    row->slots[lane] = e->op;
    row->target[lane] = e->target;
    row->invert[lane] = e->invert;
    if (e->op == MACH_JUMP)
        return;
    op = &s->m->ops[e->op];
    op->lane = lane;
    if (op->dst == 0)
        return;
    s->m->vregs[op->dst].lane = lane;
    if (s->uses_left[op->dst] > 0 && !s->counted[op->dst]) {
        s->counted[op->dst] = true;
        s->bank_live[lane]++;
    }
}

void sched_close_row(struct sched *s)
{
    struct mach_sched *out = &s->m->scheds[s->block];
    struct assignment a = {.cost = 0};
    struct assignment best = {.cost = INT32_MAX};
    struct mach_row row = {.wait = s->wait, .need = s->need};

    assign(s, 0, 0, &a, &best);
    assert(best.cost != INT32_MAX);
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        row.slots[lane] = MACH_NONE;
        row.target[lane] = MACH_NONE;
    }
    for (uint32_t i = 0; i < s->entry_count; i++)
        settle(s, &s->entries[i], best.lane[i], &row);
    out->rows =
        arena_grow(s->m->arena, out->rows, out->row_count, &out->row_capacity, sizeof(*out->rows));
    out->rows[out->row_count++] = row;
    s->row++;
    s->entry_count = 0;
    s->rank = 0;
    s->wait = false;
    s->need = 0;
    s->progress = false;
}
