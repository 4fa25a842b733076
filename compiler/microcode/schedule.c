/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/sched.h"

#include <assert.h>
#include <string.h>

/* List scheduling, most urgent operation first. Blocks come in an order in which each follows its
 * dominator and, where possible, the block that falls through to it. Free slots are filled from
 * below (hoist.c); a block of which nothing is left but its branch or exit is absorbed into the
 * last row of its predecessor: several branches in one row, the lowest lane first. needs: flow,
 * uses, liveness, dependences. */

enum { CROWDED = SPEC_REGS / SPEC_LANES - 2 }; /* live registers of a bank */

/* The end of a block: the blocks whose work its last row finishes, and where it goes on. */
struct ending {
    uint32_t chain[2 * SPEC_LANES + 1];
    uint32_t chain_count;
    uint32_t fall;
    bool ended; /* an exit or a jump is in place: nothing falls through */
};

static uint8_t next_rank(struct sched *s)
{
    return ++s->rank;
}

static void push_work(struct sched *s, uint32_t block)
{
    s->work = arena_grow(s->m->arena, s->work, s->work_count, &s->work_capacity, sizeof(*s->work));
    s->work[s->work_count++] = block;
}

/* --- edges --- */

/* An edge no longer leads to a block; without any, what it led to loses one, too. */
static void drop_way(struct sched *s, uint32_t block)
{
    while (--s->ways_in[block] == 0 && s->m->blocks[block].term == MACH_TERM_JMP)
        block = s->m->blocks[block].succ[0];
}

/* An edge passes over a block that only jumps: where it leads. */
static uint32_t pass_over(struct sched *s, uint32_t block)
{
    const uint32_t to = s->m->blocks[block].succ[0];

    s->ways_in[to]++;
    drop_way(s, block);
    return to;
}

/* --- branches and exits --- */

/* Whether the last operation of a block on the chain can be issued in the row at hand. */
static bool last_ready(const struct sched *s, uint32_t block, const struct ending *e)
{
    const uint32_t at = s->m->blocks[block].last;
    mach_reg uses[2];
    const uint32_t n = mach_uses(&s->m->ops[at], uses);

    if (block == s->block)
        return sched_ready(s, at);
    for (uint32_t i = 0; i < n; i++) {
        if (!sched_value_there(s, uses[i], e->chain, e->chain_count) ||
            !sched_value_there(s, uses[i], &block, 1))
            return false;
    }
    return true;
}

/* Whether all of a block but its end was issued early, in blocks above it. */
static bool nothing_left(const struct sched *s, uint32_t block)
{
    return s->left[block] == 0 && s->kept[block] == 0;
}

/* Exits are so short that they are copied into every row that falls through to them. */
static bool exit_absorbable(const struct sched *s, uint32_t block, const struct ending *e)
{
    return s->m->blocks[block].term == MACH_TERM_EXIT && nothing_left(s, block) &&
           last_ready(s, block, e);
}

static bool branch_absorbable(const struct sched *s, uint32_t block, const struct ending *e)
{
    return s->m->blocks[block].term == MACH_TERM_BR && nothing_left(s, block) &&
           s->ways_in[block] == 1 && !s->m->scheds[block].done && last_ready(s, block, e);
}

static uint32_t urgency_of(const struct sched *s, uint32_t block)
{
    const struct mach_block *b = &s->m->blocks[block];
    uint32_t most = b->last != MACH_NONE ? s->deps->height[b->last] : 0;

    for (uint32_t k = 0; k < b->count; k++) {
        if (s->deps->height[b->ops[k]] > most)
            most = s->deps->height[b->ops[k]];
    }
    return most;
}

/* How good a block is to fall through to: the longer way if its branch fits into the same row, so
 * that the way that most packets are thought to take has fewest rows; then an exit that fits; then
 * a block that can follow in the layout. */
static uint32_t fall_score(const struct sched *s, uint32_t block, const struct ending *e)
{
    const bool room = s->entry_count + 1 < SPEC_LANES;

    if (room && branch_absorbable(s, block, e))
        return 4;
    if (room && exit_absorbable(s, block, e))
        return 3;
    return s->m->scheds[block].done ? 0 : 1;
}

/* Puts a block's branch into the row. */
static bool place_branch(struct sched *s, uint32_t block, struct ending *e)
{
    const struct mach_block *b = &s->m->blocks[block];
    const uint32_t yes = fall_score(s, b->succ[0], e);
    const uint32_t no = fall_score(s, b->succ[1], e);
    struct sched_entry entry = {.op = b->last, .lanes = MACH_ALL_LANES, .rank = next_rank(s)};

    /* "set" has no opposite: its true side is always the target */
    entry.invert =
        s->m->ops[b->last].op != SPEC_ALU_SET &&
        (yes > no || (yes == no && urgency_of(s, b->succ[0]) > urgency_of(s, b->succ[1])));
    entry.target = b->succ[entry.invert ? 1 : 0];
    if (!sched_try(s, entry))
        return false;
    if (!sched_is_placed(s, b->last))
        sched_placed(s, b->last);
    e->fall = b->succ[entry.invert ? 0 : 1];
    return true;
}

static bool place_exit(struct sched *s, uint32_t block, struct ending *e)
{
    const uint32_t last = s->m->blocks[block].last;

    if (!sched_try(
            s, (struct sched_entry){
                   .op = last, .lanes = MACH_ALL_LANES, .rank = next_rank(s), .target = MACH_NONE}))
        return false;
    if (!sched_is_placed(s, last))
        sched_placed(s, last);
    e->ended = true;
    e->fall = MACH_NONE;
    return true;
}

static bool absorb_one(struct sched *s, struct ending *e)
{
    const uint32_t next = e->fall;
    const struct mach_block *b = &s->m->blocks[next];
    const bool gone = s->ways_in[next] == 1;

    if (s->entry_count == SPEC_LANES && b->term != MACH_TERM_JMP)
        return false;
    if (e->chain_count == sizeof(e->chain) / sizeof(e->chain[0]) || next == s->block)
        return false;
    if (b->term == MACH_TERM_JMP && nothing_left(s, next) && !s->m->scheds[next].done)
        e->fall = pass_over(s, next);
    else if (branch_absorbable(s, next, e))
        place_branch(s, next, e);
    else if (exit_absorbable(s, next, e))
        place_exit(s, next, e);
    else
        return false;
    if (e->fall == next)
        return false; /* no lane was left */
    if (gone)
        s->m->scheds[next].done = true;
    else if (b->term == MACH_TERM_EXIT)
        drop_way(s, next);
    e->chain[e->chain_count++] = next;
    return true;
}

static void place_jump(struct sched *s, struct ending *e)
{
    if (e->ended || !s->m->scheds[e->fall].done)
        return;
    if (sched_try(s, (struct sched_entry){.op = MACH_JUMP,
                                          .lanes = MACH_ALL_LANES,
                                          .rank = next_rank(s),
                                          .target = e->fall})) {
        e->ended = true;
        e->fall = MACH_NONE;
    }
}

/* Puts the block's own branch or exit into the row if all its other work is done. */
static bool begin_ending(struct sched *s, struct ending *e)
{
    const struct mach_block *b = &s->m->blocks[s->block];

    *e = (struct ending){.chain = {s->block}, .chain_count = 1};
    if (s->left[s->block] != 0)
        return false;
    switch ((enum mach_term)b->term) {
    case MACH_TERM_BR:
        return last_ready(s, s->block, e) && place_branch(s, s->block, e);
    case MACH_TERM_EXIT:
        return last_ready(s, s->block, e) && place_exit(s, s->block, e);
    case MACH_TERM_JMP:
        e->fall = b->succ[0];
        return true;
    case MACH_TERM_NONE:
        break;
    }
    assert(false);
    return false;
}

static void finish_last_row(struct sched *s, struct ending *e)
{
    for (;;) {
        while (!e->ended && absorb_one(s, e))
            ;
        place_jump(s, e);
        if (!sched_hoist_one(s))
            return;
    }
}

/* --- blocks --- */

/* Whether an access would take a token sooner than it is wanted. */
static bool too_early(const struct sched *s, uint32_t at)
{
    return s->row < s->deps->earliest[at] && (s->m->ops[at].need & ~s->held[s->block]) != 0;
}

/* Whether an operation's result would crowd the only banks that it may go to. */
static bool crowds(const struct sched *s, uint32_t at)
{
    const struct mach_op *op = &s->m->ops[at];
    const struct mach_vreg *v = &s->m->vregs[op->dst];
    const uint32_t lanes = v->lanes & ucode_op_lanes(op->op);

    if (op->dst == 0 || v->lane != MACH_NO_LANE)
        return false;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if ((lanes >> lane & 1) && s->bank_live[lane] < CROWDED)
            return false;
    }
    return true;
}

/* Most urgent first; accesses that need a token, and results for which there is hardly a register
 * left, wait. If nothing else can go on, then the next operation in the order of the program does:
 * there values live shortest. */
static void place_own(struct sched *s, const uint32_t *order, uint32_t count)
{
    const struct mach_block *b = &s->m->blocks[s->block];
    bool again = true;

    while (again) {
        again = false;
        for (uint32_t k = 0; k < count; k++) {
            if (!sched_is_placed(s, order[k]) && !too_early(s, order[k]) &&
                sched_ready(s, order[k]) && !crowds(s, order[k]) && sched_try_op(s, order[k]))
                again = true;
        }
    }
    for (uint32_t k = 0; k < b->count && !s->progress; k++) {
        if (!sched_is_placed(s, b->ops[k]) && sched_ready(s, b->ops[k]))
            sched_try_op(s, b->ops[k]);
    }
}

static uint32_t *order_ops(const struct sched *s)
{
    const struct mach_block *b = &s->m->blocks[s->block];
    uint32_t *order = arena_array(s->m->arena, b->count + 1, sizeof(*order));

    for (uint32_t k = 0; k < b->count; k++) {
        uint32_t i = k;

        while (i > 0 && s->deps->height[order[i - 1]] < s->deps->height[b->ops[k]]) {
            order[i] = order[i - 1];
            i--;
        }
        order[i] = b->ops[k];
    }
    return order;
}

/* Live registers of each bank at the start of the block: those that the program order has there,
 * and those issued early for blocks below. */
static void count_live(struct sched *s)
{
    const struct mach *m = s->m;

    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        s->bank_live[lane] = lane == 0; /* register 0 */
    for (uint32_t v = 1; v < m->vreg_count; v++) {
        const struct mach_vreg *r = &m->vregs[v];

        s->counted[v] = false;
        if (r->lane == MACH_NO_LANE || s->uses_left[v] == 0)
            continue;
        s->counted[v] = bitset_has(&m->blocks[s->block].live_in, v) ||
                        (r->defs == 1 && mach_dominates(m, s->block, m->ops[r->def].block));
        if (s->counted[v])
            s->bank_live[r->lane]++;
    }
}

/* Where a target leads that has nothing left to do but to jump. */
static uint32_t thread(struct sched *s, uint32_t block)
{
    for (uint32_t steps = 0; steps < s->m->block_count; steps++) {
        if (s->m->blocks[block].term != MACH_TERM_JMP || s->left[block] != 0 ||
            s->m->scheds[block].row_count != 0 || s->m->scheds[block].done)
            break;
        block = pass_over(s, block);
    }
    return block;
}

/* The row of a jump that found no slot. */
static void jump_row(struct sched *s, struct ending *e)
{
    place_jump(s, e);
    assert(e->ended);
    sched_close_row(s);
}

/* Schedules a block; returns the block to be laid out next, or MACH_NONE. */
static uint32_t schedule_block(struct sched *s, uint32_t block)
{
    struct mach_sched *out = &s->m->scheds[block];
    const uint32_t *order;
    struct ending e;

    s->block = block;
    s->row = 0;
    memset(s->word_row, 0, sizeof(s->word_row));
    out->done = true;
    s->held[block] |= s->held[s->m->blocks[block].idom];
    order = order_ops(s);
    count_live(s);
    sched_find_candidates(s);
    for (;;) {
        place_own(s, order, s->m->blocks[block].count);
        if (begin_ending(s, &e))
            break;
        while (sched_hoist_one(s))
            ;
        if (!s->progress) {
            s->stuck = true;
            return MACH_NONE;
        }
        sched_close_row(s);
    }
    if (s->entry_count > 0 || s->wait) {
        finish_last_row(s, &e);
        sched_close_row(s);
    }
    for (uint32_t r = 0; r < out->row_count; r++) {
        for (uint32_t lane = SPEC_LANES; lane > 0; lane--) {
            uint32_t *target = &out->rows[r].target[lane - 1];

            if (*target == MACH_NONE)
                continue;
            *target = thread(s, *target);
            push_work(s, *target);
        }
    }
    if (!e.ended && s->m->scheds[e.fall].done)
        jump_row(s, &e);
    out->fall = e.fall;
    return e.ended ? MACH_NONE : e.fall;
}

/* --- preparation --- */

static uint32_t *gather(const struct mach *m, const struct mach_block *b, bool stores,
                        uint32_t *count)
{
    uint32_t *list = arena_array(m->arena, b->count + 1, sizeof(*list));

    for (uint32_t k = 0; k < b->count; k++) {
        const struct mach_op *op = &m->ops[b->ops[k]];

        if (stores ? op->mem != MACH_MEM_NONE && op->store : m->vregs[op->dst].defs > 1)
            list[(*count)++] = b->ops[k];
    }
    return list;
}

static void prepare_blocks(struct sched *s)
{
    struct mach *m = s->m;
    const uint32_t n = m->block_count;

    s->children = arena_array(m->arena, n, sizeof(*s->children));
    s->child_count = arena_array(m->arena, n, sizeof(*s->child_count));
    s->stores = arena_array(m->arena, n, sizeof(*s->stores));
    s->store_count = arena_array(m->arena, n, sizeof(*s->store_count));
    s->defs = arena_array(m->arena, n, sizeof(*s->defs));
    s->def_count = arena_array(m->arena, n, sizeof(*s->def_count));
    s->left = arena_array(m->arena, n, sizeof(*s->left));
    s->kept = arena_array(m->arena, n, sizeof(*s->kept));
    s->ways_in = arena_array(m->arena, n, sizeof(*s->ways_in));
    s->held = arena_array(m->arena, n, sizeof(*s->held));
    m->scheds = arena_array(m->arena, n, sizeof(*m->scheds));
    m->layout = arena_array(m->arena, n, sizeof(*m->layout));
    m->layout_count = 0;
    for (uint32_t i = 1; i < m->rpo_count; i++)
        s->child_count[m->blocks[m->rpo[i]].idom]++;
    for (uint32_t b = 0; b < n; b++) {
        s->children[b] = arena_array(m->arena, s->child_count[b] + 1, sizeof(**s->children));
        s->child_count[b] = 0;
    }
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const uint32_t at = m->rpo[i];
        const struct mach_block *b = &m->blocks[at];

        if (i > 0)
            s->children[b->idom][s->child_count[b->idom]++] = at;
        s->left[at] = b->count;
        s->ways_in[at] = b->pred_count + (i == 0); /* the program's start */
        s->stores[at] = gather(m, b, true, &s->store_count[at]);
        s->defs[at] = gather(m, b, false, &s->def_count[at]);
        m->scheds[at].fall = MACH_NONE;
        m->scheds[at].first_row = MACH_NONE; /* not laid out */
    }
}

static void prepare_ops(struct sched *s)
{
    struct mach *m = s->m;

    s->uses_left = arena_array(m->arena, m->vreg_count, sizeof(*s->uses_left));
    s->counted = arena_array(m->arena, m->vreg_count, sizeof(*s->counted));
    s->pred_uses = arena_array(m->arena, m->pred_count, sizeof(*s->pred_uses));
    s->pred_def = arena_array(m->arena, m->pred_count, sizeof(*s->pred_def));
    s->preg_of = arena_array(m->arena, m->pred_count, sizeof(*s->preg_of));
    for (uint32_t v = 0; v < m->vreg_count; v++) {
        m->vregs[v].lane = MACH_NO_LANE;
        s->uses_left[v] = m->vregs[v].uses;
    }
    for (uint32_t at = 0; at < m->op_count; at++)
        m->ops[at].at_block = MACH_NONE;
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->count; k++) {
            const struct mach_op *op = &m->ops[b->ops[k]];

            if (op->pred != 0)
                s->pred_uses[op->pred]++;
            if (op->pdst != 0)
                s->pred_def[op->pdst] = b->ops[k];
        }
    }
}

bool mach_schedule(struct mach *m, const struct mach_deps *deps, const struct mach_limits *limits)
{
    struct sched s = {.m = m, .deps = deps, .limits = limits};
    uint32_t next = 0;

    prepare_blocks(&s);
    prepare_ops(&s);
    for (;;) {
        m->layout[m->layout_count++] = next;
        next = schedule_block(&s, next);
        while (next == MACH_NONE && s.work_count > 0) {
            next = s.work[--s.work_count];
            if (m->scheds[next].done)
                next = MACH_NONE;
        }
        if (next == MACH_NONE || s.stuck)
            return !s.stuck;
    }
}
