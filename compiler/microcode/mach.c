/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <assert.h>

/* Building the machine form, and what the steps share. */

mach_reg mach_new_reg(struct mach *m, uint8_t lanes)
{
    m->vregs = arena_grow(m->arena, m->vregs, m->vreg_count, &m->vreg_capacity, sizeof(*m->vregs));
    m->vregs[m->vreg_count] = (struct mach_vreg){.lanes = lanes, .lane = MACH_NO_LANE};
    return m->vreg_count++;
}

uint32_t mach_new_op(struct mach *m, struct mach_op op)
{
    op.at_block = MACH_NONE;
    m->ops = arena_grow(m->arena, m->ops, m->op_count, &m->op_capacity, sizeof(*m->ops));
    m->ops[m->op_count] = op;
    return m->op_count++;
}

uint32_t mach_new_block(struct mach *m)
{
    m->blocks =
        arena_grow(m->arena, m->blocks, m->block_count, &m->block_capacity, sizeof(*m->blocks));
    m->blocks[m->block_count] = (struct mach_block){.last = MACH_NONE, .order = MACH_NONE};
    return m->block_count++;
}

void mach_append(struct mach *m, uint32_t block, uint32_t op)
{
    mach_insert(m, block, m->blocks[block].count, op);
}

void mach_insert(struct mach *m, uint32_t block, uint32_t position, uint32_t op)
{
    struct mach_block *b = &m->blocks[block];

    assert(position <= b->count);
    b->ops = arena_grow(m->arena, b->ops, b->count, &b->capacity, sizeof(*b->ops));
    for (uint32_t i = b->count; i > position; i--)
        b->ops[i] = b->ops[i - 1];
    b->ops[position] = op;
    b->count++;
    m->ops[op].block = block;
}

void mach_add_copy(struct mach *m, uint32_t block, struct mach_copy copy)
{
    struct mach_block *b = &m->blocks[block];

    b->copies =
        arena_grow(m->arena, b->copies, b->copy_count, &b->copy_capacity, sizeof(*b->copies));
    b->copies[b->copy_count++] = copy;
}

/* --- constants --- */

bool mach_imm_fits(uint64_t value)
{
    return (int64_t)value >= INT32_MIN && (int64_t)value <= INT32_MAX;
}

/* One operation: sign-extended, zero-extended, or with a low half of zeros. */
bool mach_const_is_single(uint64_t value)
{
    return mach_imm_fits(value) || value <= UINT32_MAX || (uint32_t)value == 0;
}

struct mach_op mach_const_op(mach_reg dst, uint64_t value)
{
    struct mach_op op = {.dst = dst, .pc = IR_NO_PC};

    assert(mach_const_is_single(value));
    if (mach_imm_fits(value) || value <= UINT32_MAX) {
        op.op = SPEC_ALU_ADD;
        op.w32 = !mach_imm_fits(value);
        op.bimm = true;
        op.imm = (int32_t)(uint32_t)value;
    } else {
        op.op = UCODE_MOVHI;
        op.imm = (int32_t)(uint32_t)(value >> 32);
    }
    return op;
}

/* --- operands and memory --- */

uint32_t mach_uses(const struct mach_op *op, mach_reg uses[2])
{
    uint32_t n = 0;

    if (op->a != 0)
        uses[n++] = op->a;
    if (!op->bimm && op->b != 0)
        uses[n++] = op->b;
    return n;
}

bool mach_is_pkt_load(uint8_t op)
{
    return op == UCODE_LDPKT || op == UCODE_LDPKTBE;
}

bool mach_is_pkt_store(uint8_t op)
{
    return op == UCODE_STPKT || op == UCODE_STPKTBE;
}

/* The offset of an access from its base register. */
static int32_t offset_of(const struct mach_op *op)
{
    return op->op == UCODE_ATMAP ? (int16_t)((uint32_t)op->imm & UINT16_MAX) : op->imm;
}

bool mach_conflict(const struct mach *m, const struct mach_op *x, const struct mach_op *y)
{
    if (x->mem != y->mem || x->mem == MACH_MEM_NONE || (!x->store && !y->store))
        return false;
    if (x->mem == MACH_MEM_MAP && x->map != y->map && x->map != IR_MAP_ANY && y->map != IR_MAP_ANY)
        return false;
    if (x->size != 0 && y->size != 0 && x->a == y->a && m->vregs[x->a].defs <= 1)
        return offset_of(x) < offset_of(y) + y->size && offset_of(y) < offset_of(x) + x->size;
    if (x->mem == MACH_MEM_MAP)
        return true;
    return x->low < y->high && y->low < x->high;
}

/* --- control flow --- */

static void number_blocks(struct mach *m)
{
    uint32_t *stack = arena_array(m->arena, m->block_count + 1, sizeof(*stack));
    uint8_t *next = arena_array(m->arena, m->block_count, sizeof(*next));
    uint32_t *post = arena_array(m->arena, m->block_count, sizeof(*post));
    uint32_t depth = 0;
    uint32_t count = 0;

    for (uint32_t b = 0; b < m->block_count; b++)
        m->blocks[b].order = MACH_NONE;
    stack[depth++] = 0;
    m->blocks[0].order = 0;
    while (depth > 0) {
        const uint32_t b = stack[depth - 1];

        if (next[b] < m->blocks[b].succ_count) {
            const uint32_t s = m->blocks[b].succ[next[b]++];

            if (m->blocks[s].order == MACH_NONE) {
                m->blocks[s].order = 0;
                stack[depth++] = s;
            }
            continue;
        }
        post[count++] = b;
        depth--;
    }
    m->rpo = arena_array(m->arena, count, sizeof(*m->rpo));
    m->rpo_count = count;
    for (uint32_t i = 0; i < count; i++) {
        m->rpo[i] = post[count - 1 - i];
        m->blocks[m->rpo[i]].order = i;
    }
}

static void find_preds(struct mach *m)
{
    for (uint32_t b = 0; b < m->block_count; b++)
        m->blocks[b].pred_count = 0;
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const uint32_t b = m->rpo[i];

        for (uint32_t k = 0; k < m->blocks[b].succ_count; k++) {
            struct mach_block *s = &m->blocks[m->blocks[b].succ[k]];

            s->preds =
                arena_grow(m->arena, s->preds, s->pred_count, &s->pred_capacity, sizeof(*s->preds));
            s->preds[s->pred_count++] = b;
        }
    }
}

uint32_t mach_common_dominator(const struct mach *m, uint32_t a, uint32_t b)
{
    while (a != b) {
        while (m->blocks[a].order > m->blocks[b].order)
            a = m->blocks[a].idom;
        while (m->blocks[b].order > m->blocks[a].order)
            b = m->blocks[b].idom;
    }
    return a;
}

bool mach_dominates(const struct mach *m, uint32_t a, uint32_t b)
{
    while (m->blocks[b].depth > m->blocks[a].depth)
        b = m->blocks[b].idom;
    return a == b;
}

/* Cooper, Harvey, Kennedy: "A simple, fast dominance algorithm". */
static void find_dominators(struct mach *m)
{
    bool changed = true;

    for (uint32_t i = 0; i < m->rpo_count; i++)
        m->blocks[m->rpo[i]].idom = MACH_NONE;
    m->blocks[0].idom = 0;
    while (changed) {
        changed = false;
        for (uint32_t i = 1; i < m->rpo_count; i++) {
            struct mach_block *b = &m->blocks[m->rpo[i]];
            uint32_t idom = MACH_NONE;

            for (uint32_t k = 0; k < b->pred_count; k++) {
                const uint32_t p = b->preds[k];

                if (m->blocks[p].idom == MACH_NONE)
                    continue;
                idom = idom == MACH_NONE ? p : mach_common_dominator(m, idom, p);
            }
            changed |= idom != b->idom;
            b->idom = idom;
        }
    }
    m->blocks[0].depth = 0;
    for (uint32_t i = 1; i < m->rpo_count; i++) {
        struct mach_block *b = &m->blocks[m->rpo[i]];

        b->depth = m->blocks[b->idom].depth + 1;
    }
}

/* Each natural loop (back edge to a dominator) adds one to the depth of its blocks; back edges to
 * one header make one loop. */
static void find_loops(struct mach *m)
{
    uint32_t *mark = arena_array(m->arena, m->block_count, sizeof(*mark));
    uint32_t *stack = arena_array(m->arena, m->block_count + 1, sizeof(*stack));

    for (uint32_t b = 0; b < m->block_count; b++)
        m->blocks[b].loop_depth = 0;
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const uint32_t header = m->rpo[i];
        uint32_t depth = 0;

        for (uint32_t k = 0; k < m->blocks[header].pred_count; k++) {
            const uint32_t latch = m->blocks[header].preds[k];

            if (mach_dominates(m, header, latch) && mark[latch] != header + 1) {
                mark[latch] = header + 1;
                stack[depth++] = latch;
            }
        }
        if (depth > 0 && mark[header] != header + 1)
            m->blocks[header].loop_depth++;
        while (depth > 0) {
            const uint32_t b = stack[--depth];

            m->blocks[b].loop_depth++;
            for (uint32_t k = 0; b != header && k < m->blocks[b].pred_count; k++) {
                const uint32_t p = m->blocks[b].preds[k];

                if (p != header && mark[p] != header + 1) {
                    mark[p] = header + 1;
                    stack[depth++] = p;
                }
            }
        }
    }
}

void mach_analyse_flow(struct mach *m)
{
    number_blocks(m);
    find_preds(m);
    find_dominators(m);
    find_loops(m);
}

/* --- registers --- */

static void count_op(struct mach *m, uint32_t at)
{
    const struct mach_op *op = &m->ops[at];
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    for (uint32_t i = 0; i < n; i++)
        m->vregs[uses[i]].uses++;
    if (op->dst != 0) {
        m->vregs[op->dst].defs++;
        m->vregs[op->dst].def = at;
    }
}

void mach_count_uses(struct mach *m)
{
    for (uint32_t v = 0; v < m->vreg_count; v++) {
        m->vregs[v].defs = 0;
        m->vregs[v].uses = 0;
        m->vregs[v].def = MACH_NONE;
    }
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->count; k++)
            count_op(m, b->ops[k]);
        for (uint32_t k = 0; k < b->copy_count; k++) {
            m->vregs[b->copies[k].dst].defs++;
            if (b->copies[k].src.reg != MACH_NONE)
                m->vregs[b->copies[k].src.reg].uses++;
        }
        if (b->last != MACH_NONE)
            count_op(m, b->last);
    }
}

/* Steps backwards over one operation. */
static void live_step(struct bitset *live, const struct mach_op *op)
{
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    if (op->dst != 0)
        bitset_remove(live, op->dst);
    for (uint32_t i = 0; i < n; i++)
        bitset_add(live, uses[i]);
}

static void live_block(const struct mach *m, uint32_t block, struct bitset *live)
{
    const struct mach_block *b = &m->blocks[block];

    if (b->last != MACH_NONE)
        live_step(live, &m->ops[b->last]);
    for (uint32_t k = 0; k < b->copy_count; k++)
        bitset_remove(live, b->copies[k].dst);
    for (uint32_t k = 0; k < b->copy_count; k++) {
        if (b->copies[k].src.reg != MACH_NONE && b->copies[k].src.reg != 0)
            bitset_add(live, b->copies[k].src.reg);
    }
    for (uint32_t k = b->count; k > 0; k--)
        live_step(live, &m->ops[b->ops[k - 1]]);
}

void mach_liveness(struct mach *m)
{
    struct bitset live = bitset_make(m->arena, m->vreg_count);
    bool changed = true;

    for (uint32_t b = 0; b < m->block_count; b++) {
        m->blocks[b].live_in = bitset_make(m->arena, m->vreg_count);
        m->blocks[b].live_out = bitset_make(m->arena, m->vreg_count);
    }
    while (changed) {
        changed = false;
        for (uint32_t i = m->rpo_count; i > 0; i--) {
            struct mach_block *b = &m->blocks[m->rpo[i - 1]];

            for (uint32_t k = 0; k < b->succ_count; k++)
                bitset_union(&b->live_out, &m->blocks[b->succ[k]].live_in);
            bitset_copy(&live, &b->live_out);
            live_block(m, m->rpo[i - 1], &live);
            changed |= bitset_union(&b->live_in, &live);
        }
    }
}

/* Operations whose results nobody uses, found by counting. */
struct dead {
    struct mach *m;
    struct bitset ops;
    uint32_t *stack;
    uint32_t depth;
    uint32_t *pred_uses;
    uint32_t *pred_def;
};

static void drop_pred(struct dead *d, uint32_t pred)
{
    assert(d->pred_uses[pred] > 0);
    if (--d->pred_uses[pred] == 0)
        d->stack[d->depth++] = d->pred_def[pred];
}

static void drop_reg(struct dead *d, mach_reg reg)
{
    struct mach_vreg *v = &d->m->vregs[reg];

    assert(v->uses > 0);
    v->uses--;
    if (v->uses == 0 && v->defs == 1 && v->def != MACH_NONE && !d->m->ops[v->def].effect)
        d->stack[d->depth++] = v->def;
}

static void find_dead_roots(struct dead *d)
{
    struct mach *m = d->m;

    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->count; k++) {
            const struct mach_op *op = &m->ops[b->ops[k]];

            d->pred_uses[op->pred] += op->pred != 0;
            d->pred_def[op->pdst] = b->ops[k];
        }
    }
    for (uint32_t v = 1; v < m->vreg_count; v++) {
        const struct mach_vreg *r = &m->vregs[v];

        if (r->uses == 0 && r->defs == 1 && r->def != MACH_NONE && !m->ops[r->def].effect)
            d->stack[d->depth++] = r->def;
    }
}

/* Registers with several definitions are kept. needs: flow. */
void mach_remove_dead(struct mach *m)
{
    struct dead d = {.m = m};

    d.stack = arena_array(m->arena, 4 * (size_t)m->op_count + 4, sizeof(*d.stack));
    d.ops = bitset_make(m->arena, m->op_count);
    d.pred_uses = arena_array(m->arena, m->pred_count, sizeof(*d.pred_uses));
    d.pred_def = arena_array(m->arena, m->pred_count, sizeof(*d.pred_def));
    mach_count_uses(m);
    find_dead_roots(&d);
    while (d.depth > 0) {
        const uint32_t at = d.stack[--d.depth];
        mach_reg uses[2];
        const uint32_t n = mach_uses(&m->ops[at], uses);

        if (bitset_has(&d.ops, at))
            continue;
        bitset_add(&d.ops, at);
        for (uint32_t i = 0; i < n; i++)
            drop_reg(&d, uses[i]);
        if (m->ops[at].pred != 0)
            drop_pred(&d, m->ops[at].pred);
    }
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        struct mach_block *b = &m->blocks[m->rpo[i]];
        uint32_t kept = 0;

        for (uint32_t k = 0; k < b->count; k++) {
            if (!bitset_has(&d.ops, b->ops[k]))
                b->ops[kept++] = b->ops[k];
        }
        b->count = kept;
    }
    mach_count_uses(m);
}

void mach_between(const struct mach *m, uint32_t from, uint32_t to, struct bitset *between)
{
    uint32_t *stack = arena_array(m->arena, m->block_count + 1, sizeof(*stack));
    uint32_t depth = 0;
    uint32_t b = to;

    bitset_clear(between);
    for (;;) {
        for (uint32_t k = 0; k < m->blocks[b].pred_count; k++) {
            const uint32_t p = m->blocks[b].preds[k];

            if (p != from && !bitset_has(between, p)) {
                bitset_add(between, p);
                stack[depth++] = p;
            }
        }
        if (depth == 0)
            return;
        b = stack[--depth];
    }
}
