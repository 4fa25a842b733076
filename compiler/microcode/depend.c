/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* What must stay in which order within a block, in rows: 1 where the later operation must see what
 * the earlier one did, 0 where it must only not come before it (a row reads before it writes).
 * needs: uses, no phis. keeps: everything but blocks' AWAITs that wait for nothing. */

enum {
    MAPOP_ROWS = 3, /* rows that a long operation takes, as a guess; it orders, the wait is exact */
    TOKEN_URGENCY = 1 << 12, /* more than any height */
};

struct reader {
    uint32_t op;
    uint32_t next; /* index in readers, plus 1 */
};

struct depend {
    struct mach *m;
    struct mach_deps *deps;
    struct mach_dep *list; /* of the operation at hand */
    uint32_t count;
    uint32_t capacity;
    uint32_t *def;        /* by register: last definition in this block, 0: none */
    uint32_t *first_read; /* by register with several definitions: readers since then */
    struct reader *readers;
    uint32_t reader_count;
    uint32_t reader_capacity;
    uint32_t *pred_def; /* by predicate */
    uint32_t *mem;      /* memory operations of this block */
    uint32_t mem_count;
    uint32_t mem_capacity;
    uint32_t *covered; /* by operation: the one at hand, if it comes after it anyway */
    uint32_t *words;   /* operations of this block on key and value words */
    uint32_t word_count;
    uint32_t word_capacity;
    uint32_t issued;    /* last long operation ... */
    uint32_t collected; /* ... and the end of the last one */
    bool *awaited;      /* by operation: some later one needs it */
};

static void add(struct depend *d, uint32_t op, uint32_t latency)
{
    if (op == 0)
        return;
    d->awaited[op] = true;
    for (uint32_t i = 0; i < d->count; i++) {
        if (d->list[i].op == op) {
            if (d->list[i].latency < latency)
                d->list[i].latency = (uint8_t)latency;
            return;
        }
    }
    d->list = arena_grow(d->m->arena, d->list, d->count, &d->capacity, sizeof(*d->list));
    d->list[d->count++] = (struct mach_dep){op, (uint8_t)latency};
}

static void depend_registers(struct depend *d, uint32_t at)
{
    const struct mach_op *op = &d->m->ops[at];
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    for (uint32_t i = 0; i < n; i++) {
        add(d, d->def[uses[i]], 1);
        if (d->m->vregs[uses[i]].defs > 1) {
            d->readers = arena_grow(d->m->arena, d->readers, d->reader_count, &d->reader_capacity,
                                    sizeof(*d->readers));
            d->readers[d->reader_count++] = (struct reader){at, d->first_read[uses[i]]};
            d->first_read[uses[i]] = d->reader_count;
        }
    }
    if (op->pred != 0)
        add(d, d->pred_def[op->pred], 1);
    if (op->pdst != 0)
        d->pred_def[op->pdst] = at;
    if (op->dst == 0)
        return;
    if (d->m->vregs[op->dst].defs > 1) {
        add(d, d->def[op->dst], 1);
        for (uint32_t r = d->first_read[op->dst]; r != 0; r = d->readers[r - 1].next) {
            if (d->readers[r - 1].op != at)
                add(d, d->readers[r - 1].op, 0);
        }
        d->first_read[op->dst] = 0;
    }
    d->def[op->dst] = at;
}

static bool ends_long(const struct mach_op *op)
{
    return op->op == UCODE_RES || op->op == MACH_AWAIT;
}

/* What an operation comes after, the one at hand comes after too. */
static void cover_before(struct depend *d, uint32_t before, uint32_t at)
{
    for (uint32_t i = 0; i < d->deps->pred_count[before]; i++)
        d->covered[d->deps->preds[before][i].op] = at;
}

/* From the last one backwards, without what follows from others: with n operations that all
 * conflict, n dependences. */
static void depend_memory(struct depend *d, uint32_t at)
{
    const struct mach_op *op = &d->m->ops[at];

    if (op->mem == MACH_MEM_NONE)
        return;
    for (uint32_t i = d->mem_count; i > 0; i--) {
        const uint32_t before = d->mem[i - 1];
        const struct mach_op *other = &d->m->ops[before];

        if (d->covered[before] == at) {
            cover_before(d, before, at);
        } else if (mach_conflict(d->m, other, op)) {
            add(d, before, ends_long(other) ? 0 : 1);
            cover_before(d, before, at);
        }
    }
    d->mem = arena_grow(d->m->arena, d->mem, d->mem_count, &d->mem_capacity, sizeof(*d->mem));
    d->mem[d->mem_count++] = at;
}

/* Words are read when the row issues, and written behind it. */
static void depend_words(struct depend *d, uint32_t at)
{
    const struct mach_op *op = &d->m->ops[at];

    if ((op->words_read | op->words_written) == 0)
        return;
    for (uint32_t i = 0; i < d->word_count; i++) {
        const struct mach_op *other = &d->m->ops[d->words[i]];

        if ((other->words_written & (op->words_read | op->words_written)) != 0 ||
            (other->words_read & op->words_written) != 0)
            add(d, d->words[i], 1);
    }
    d->words =
        arena_grow(d->m->arena, d->words, d->word_count, &d->word_capacity, sizeof(*d->words));
    d->words[d->word_count++] = at;
}

static void depend_long(struct depend *d, uint32_t at)
{
    const struct mach_op *op = &d->m->ops[at];

    if (ucode_op_is_long(op->op)) {
        add(d, d->collected, 0);
        d->issued = at;
    } else if (ends_long(op)) {
        add(d, d->issued, 1);
        d->collected = at;
    }
}

static void depend_op(struct depend *d, uint32_t at)
{
    d->count = 0;
    depend_registers(d, at);
    depend_memory(d, at);
    depend_words(d, at);
    depend_long(d, at);
    d->deps->pred_count[at] = d->count;
    if (d->count > 0)
        d->deps->preds[at] = arena_memdup(d->m->arena, d->list, d->count * sizeof(*d->list));
}

static void forget_op(struct depend *d, uint32_t at)
{
    const struct mach_op *op = &d->m->ops[at];

    d->def[op->dst] = 0;
    d->first_read[op->dst] = 0;
    d->first_read[op->a] = 0;
    d->first_read[op->b] = 0;
}

/* An exit ends long operations by itself. */
static void drop_idle_awaits(struct depend *d, struct mach_block *b)
{
    uint32_t kept = 0;

    for (uint32_t k = 0; k < b->count; k++) {
        const uint32_t at = b->ops[k];

        if (d->m->ops[at].op == MACH_AWAIT && !d->awaited[at] && b->term == MACH_TERM_EXIT)
            continue;
        b->ops[kept++] = at;
    }
    b->count = kept;
}

static void depend_block(struct depend *d, struct mach_block *b)
{
    d->reader_count = 0;
    d->mem_count = 0;
    d->word_count = 0;
    d->issued = 0;
    d->collected = 0;
    for (uint32_t k = 0; k < b->count; k++)
        depend_op(d, b->ops[k]);
    if (b->last != MACH_NONE)
        depend_op(d, b->last);
    for (uint32_t k = 0; k < b->count; k++)
        forget_op(d, b->ops[k]);
    if (b->last != MACH_NONE)
        forget_op(d, b->last);
    drop_idle_awaits(d, b);
}

/* --- urgency --- */

static void raise_height(struct mach_deps *deps, uint32_t op, uint32_t height)
{
    if (deps->height[op] < height)
        deps->height[op] = height;
}

static void pass_height(const struct mach *m, struct mach_deps *deps, uint32_t at, uint32_t floor)
{
    raise_height(deps, at, floor);
    for (uint32_t i = 0; i < deps->pred_count[at]; i++) {
        const struct mach_dep *dep = &deps->preds[at][i];
        const bool slow = ends_long(&m->ops[at]) && dep->latency > 0;

        raise_height(deps, dep->op, deps->height[at] + (slow ? MAPOP_ROWS : dep->latency));
    }
}

/* From the exits upwards: the height of a block's end is that of the longest way on, back edges
 * left out. */
static void find_heights(const struct mach *m, struct mach_deps *deps)
{
    uint32_t *start = arena_array(m->arena, m->block_count, sizeof(*start));

    for (uint32_t i = m->rpo_count; i > 0; i--) {
        const uint32_t at = m->rpo[i - 1];
        const struct mach_block *b = &m->blocks[at];
        uint32_t end = 0;

        for (uint32_t k = 0; k < b->succ_count; k++) {
            if (m->blocks[b->succ[k]].order > b->order && start[b->succ[k]] > end)
                end = start[b->succ[k]];
        }
        start[at] = end + 1;
        if (b->last != MACH_NONE)
            pass_height(m, deps, b->last, end + 1);
        for (uint32_t k = b->count; k > 0; k--)
            pass_height(m, deps, b->ops[k - 1], end + 1);
        for (uint32_t k = 0; k < b->count; k++) {
            if (deps->height[b->ops[k]] > start[at])
                start[at] = deps->height[b->ops[k]];
        }
        if (b->last != MACH_NONE && deps->height[b->last] > start[at])
            start[at] = deps->height[b->last];
    }
}

/* Tokens are held from the first row that needs one to the last, and while one packet holds a token
 * the others wait: that costs more than rows do. So what leads to an access that needs a token
 * comes before all else, and the first access comes no sooner than the last one can follow. */
static void hurry_tokens(const struct mach *m, struct mach_deps *deps, const struct mach_block *b)
{
    uint32_t *level = arena_array(m->arena, b->count + 1, sizeof(*level));
    uint32_t *rest = arena_array(m->arena, m->op_count,
                                 sizeof(*rest)); /* rows to the last access, plus 1; 0: none */
    uint32_t *index = arena_array(m->arena, m->op_count, sizeof(*index));
    uint32_t last = 0;
    bool any = false;

    for (uint32_t k = 0; k < b->count; k++) {
        const uint32_t at = b->ops[k];

        index[at] = k;
        for (uint32_t i = 0; i < deps->pred_count[at]; i++) {
            const struct mach_dep *dep = &deps->preds[at][i];

            if (level[index[dep->op]] + dep->latency > level[k])
                level[k] = level[index[dep->op]] + dep->latency;
        }
        if (m->ops[at].need != 0) {
            any = true;
            last = level[k] > last ? level[k] : last;
        }
    }
    for (uint32_t k = b->count; any && k > 0; k--) {
        const uint32_t at = b->ops[k - 1];

        if (rest[at] == 0 && m->ops[at].need != 0)
            rest[at] = 1;
        if (rest[at] == 0)
            continue;
        deps->height[at] += TOKEN_URGENCY;
        if (m->ops[at].need != 0)
            deps->earliest[at] = last + 1 - rest[at];
        for (uint32_t i = 0; i < deps->pred_count[at]; i++) {
            const struct mach_dep *dep = &deps->preds[at][i];

            if (rest[dep->op] < rest[at] + dep->latency)
                rest[dep->op] = rest[at] + dep->latency;
        }
    }
}

struct mach_deps mach_depend(struct mach *m)
{
    struct mach_deps deps;
    struct depend d = {.m = m, .deps = &deps};

    deps.preds = arena_array(m->arena, m->op_count, sizeof(*deps.preds));
    deps.pred_count = arena_array(m->arena, m->op_count, sizeof(*deps.pred_count));
    deps.height = arena_array(m->arena, m->op_count, sizeof(*deps.height));
    deps.earliest = arena_array(m->arena, m->op_count, sizeof(*deps.earliest));
    d.def = arena_array(m->arena, m->vreg_count, sizeof(*d.def));
    d.first_read = arena_array(m->arena, m->vreg_count, sizeof(*d.first_read));
    d.pred_def = arena_array(m->arena, m->pred_count, sizeof(*d.pred_def));
    d.covered = arena_array(m->arena, m->op_count, sizeof(*d.covered));
    d.awaited = arena_array(m->arena, m->op_count, sizeof(*d.awaited));
    for (uint32_t i = 0; i < m->rpo_count; i++)
        depend_block(&d, &m->blocks[m->rpo[i]]);
    find_heights(m, &deps);
    for (uint32_t i = 0; m->tokens != 0 && i < m->rpo_count; i++)
        hurry_tokens(m, &deps, &m->blocks[m->rpo[i]]);
    return deps;
}
