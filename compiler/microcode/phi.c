/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <assert.h>

/* Out of SSA. Registers that a copy joins become one where their lives do not overlap and some lane
 * can write both; the copies that remain become operations, ordered so that each reads before it is
 * overwritten. needs: SSA, flow, no copies in blocks with two successors. breaks: single
 * definitions. */

struct phi {
    struct mach *m;
    uint32_t *number; /* by register: its row in the matrix, plus 1; 0: no copy names it */
    mach_reg *regs;   /* by number */
    uint32_t count;
    struct bitset *clash; /* by number: numbers whose lives overlap */
    uint32_t *leader;     /* by number */
    struct bitset named;  /* registers that copies name */
};

static void name_reg(struct phi *p, mach_reg reg)
{
    if (reg == MACH_NONE || reg == 0 || p->number[reg] != 0)
        return;
    p->regs[p->count] = reg;
    p->number[reg] = ++p->count;
    bitset_add(&p->named, reg);
}

static void name_regs(struct phi *p)
{
    struct mach *m = p->m;

    p->number = arena_array(m->arena, m->vreg_count, sizeof(*p->number));
    p->regs = arena_array(m->arena, m->vreg_count, sizeof(*p->regs));
    p->named = bitset_make(m->arena, m->vreg_count);
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        for (uint32_t k = 0; k < b->copy_count; k++) {
            name_reg(p, b->copies[k].dst);
            name_reg(p, b->copies[k].src.reg);
        }
    }
    p->clash = arena_array(m->arena, p->count + 1, sizeof(*p->clash));
    p->leader = arena_array(m->arena, p->count + 1, sizeof(*p->leader));
    for (uint32_t n = 0; n < p->count; n++) {
        p->clash[n] = bitset_make(m->arena, p->count);
        p->leader[n] = n;
    }
}

/* A definition overlaps all that live after it, but for the source of its copy: that holds the same
 * value. */
static void define(struct phi *p, const struct bitset *live, mach_reg dst, mach_reg same)
{
    uint32_t n;

    if (dst == 0 || p->number[dst] == 0)
        return;
    n = p->number[dst] - 1;
    for (uint32_t w = 0; w < live->word_count; w++) {
        for (uint64_t bits = live->words[w] & p->named.words[w]; bits; bits &= bits - 1) {
            const mach_reg other = w * 64 + (uint32_t)__builtin_ctzll(bits);

            if (other == dst || other == same)
                continue;
            bitset_add(&p->clash[n], p->number[other] - 1);
            bitset_add(&p->clash[p->number[other] - 1], n);
        }
    }
}

static void step_op(struct phi *p, struct bitset *live, const struct mach_op *op)
{
    mach_reg uses[2];
    const uint32_t n = mach_uses(op, uses);

    define(p, live, op->dst, MACH_NONE);
    if (op->dst != 0)
        bitset_remove(live, op->dst);
    for (uint32_t i = 0; i < n; i++)
        bitset_add(live, uses[i]);
}

static void find_clashes(struct phi *p)
{
    struct mach *m = p->m;
    struct bitset live = bitset_make(m->arena, m->vreg_count);

    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        bitset_copy(&live, &b->live_out);
        if (b->last != MACH_NONE)
            step_op(p, &live, &m->ops[b->last]);
        for (uint32_t k = 0; k < b->copy_count; k++)
            bitset_add(&live, b->copies[k].dst); /* also those that nobody reads */
        for (uint32_t k = 0; k < b->copy_count; k++)
            define(p, &live, b->copies[k].dst, b->copies[k].src.reg);
        for (uint32_t k = 0; k < b->copy_count; k++)
            bitset_remove(&live, b->copies[k].dst);
        for (uint32_t k = 0; k < b->copy_count; k++) {
            if (b->copies[k].src.reg != MACH_NONE && b->copies[k].src.reg != 0)
                bitset_add(&live, b->copies[k].src.reg);
        }
        for (uint32_t k = b->count; k > 0; k--)
            step_op(p, &live, &m->ops[b->ops[k - 1]]);
    }
}

static uint32_t leader_of(const struct phi *p, mach_reg reg)
{
    uint32_t n = p->number[reg] - 1;

    while (p->leader[n] != n)
        n = p->leader[n];
    return n;
}

static void join(struct phi *p, mach_reg dst, mach_reg src)
{
    struct mach_vreg *vregs = p->m->vregs;
    const uint32_t d = leader_of(p, dst);
    const uint32_t s = leader_of(p, src);
    const uint8_t lanes = vregs[p->regs[d]].lanes & vregs[p->regs[s]].lanes;

    if (d == s || lanes == 0 || bitset_has(&p->clash[d], s))
        return;
    p->leader[s] = d;
    vregs[p->regs[d]].lanes = lanes;
    bitset_union(&p->clash[d], &p->clash[s]);
    for (uint32_t n = 0; n < p->count; n++) {
        if (bitset_has(&p->clash[s], n))
            bitset_add(&p->clash[n], d);
    }
}

/* Inner loops first. */
static void join_copies(struct phi *p)
{
    struct mach *m = p->m;
    uint32_t deepest = 0;

    for (uint32_t i = 0; i < m->rpo_count; i++) {
        if (m->blocks[m->rpo[i]].loop_depth > deepest)
            deepest = m->blocks[m->rpo[i]].loop_depth;
    }
    for (uint32_t depth = deepest + 1; depth > 0; depth--) {
        for (uint32_t i = 0; i < m->rpo_count; i++) {
            const struct mach_block *b = &m->blocks[m->rpo[i]];

            if (b->loop_depth != depth - 1)
                continue;
            for (uint32_t k = 0; k < b->copy_count; k++) {
                const mach_reg src = b->copies[k].src.reg;

                if (src != MACH_NONE && src != 0)
                    join(p, b->copies[k].dst, src);
            }
        }
    }
}

static mach_reg renamed(const struct phi *p, mach_reg reg)
{
    return reg == MACH_NONE || p->number[reg] == 0 ? reg : p->regs[leader_of(p, reg)];
}

static void rename_op(struct phi *p, struct mach_op *op)
{
    op->dst = renamed(p, op->dst);
    op->a = renamed(p, op->a);
    op->b = renamed(p, op->b);
}

struct mach_op mach_copy_op(const struct mach_copy *c)
{
    struct mach_op op = {.op = SPEC_ALU_MOV, .dst = c->dst, .a = c->src.reg};

    if (c->src.reg == MACH_NONE)
        op = mach_const_op(c->dst, c->src.value);
    op.pc = c->pc;
    return op;
}

static void emit_copy(struct mach *m, uint32_t block, const struct mach_copy *c)
{
    mach_append(m, block, mach_new_op(m, mach_copy_op(c)));
}

/* Whether a copy not yet done still reads a register. */
static bool still_read(const struct mach_copy *copies, uint32_t count, uint32_t writer)
{
    for (uint32_t k = 0; k < count; k++) {
        if (k != writer && copies[k].src.reg == copies[writer].dst)
            return true;
    }
    return false;
}

static void order_copies(struct mach *m, uint32_t block)
{
    struct mach_copy *copies = m->blocks[block].copies;
    uint32_t count = m->blocks[block].copy_count;

    while (count > 0) {
        uint32_t k = 0;

        while (k < count && still_read(copies, count, k))
            k++;
        if (k == count) { /* a ring: its first register moves out of the way */
            const mach_reg old = copies[0].dst;
            const struct mach_copy aside = {
                .dst = mach_new_reg(m, MACH_ALL_LANES), .src.reg = old, .pc = copies[0].pc};

            emit_copy(m, block, &aside);
            for (uint32_t i = 0; i < count; i++) {
                if (copies[i].src.reg == old)
                    copies[i].src.reg = aside.dst;
            }
            k = 0;
        }
        emit_copy(m, block, &copies[k]);
        copies[k] = copies[--count];
    }
    m->blocks[block].copy_count = 0;
}

void mach_eliminate_phis(struct mach *m)
{
    struct phi p = {.m = m};

    mach_liveness(m);
    name_regs(&p);
    find_clashes(&p);
    join_copies(&p);
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        struct mach_block *b = &m->blocks[m->rpo[i]];
        uint32_t kept = 0;

        for (uint32_t k = 0; k < b->count; k++)
            rename_op(&p, &m->ops[b->ops[k]]);
        if (b->last != MACH_NONE)
            rename_op(&p, &m->ops[b->last]);
        for (uint32_t k = 0; k < b->copy_count; k++) {
            struct mach_copy c = b->copies[k];

            c.dst = renamed(&p, c.dst);
            c.src.reg = renamed(&p, c.src.reg);
            if (c.dst != c.src.reg)
                b->copies[kept++] = c;
        }
        b->copy_count = kept;
    }
    mach_share_copies(m);
    for (uint32_t i = 0; i < m->rpo_count; i++)
        order_copies(m, m->rpo[i]);
    mach_count_uses(m);
}

/* The block that an edge really leads to. The steps are bounded here, and the rounds below, as an
 * endless loop of jumps has no end to lead to. */
static uint32_t end_of_jumps(const struct mach *m, uint32_t block)
{
    for (uint32_t steps = 0; steps < m->block_count; steps++) {
        const struct mach_block *b = &m->blocks[block];

        if (b->count > 0 || b->copy_count > 0 || b->term != MACH_TERM_JMP)
            break;
        block = b->succ[0];
    }
    return block;
}

/* Gives each edge of a block its real end; a branch whose edges then meet is a jump. True if
 * something changed. */
static bool thread_block(const struct mach *m, struct mach_block *b)
{
    bool changed = false;

    for (uint32_t k = 0; k < b->succ_count; k++) {
        const uint32_t end = end_of_jumps(m, b->succ[k]);

        changed |= end != b->succ[k];
        b->succ[k] = end;
    }
    if (b->term == MACH_TERM_BR && b->succ[0] == b->succ[1]) {
        b->term = MACH_TERM_JMP;
        b->succ_count = 1;
        b->last = MACH_NONE;
        changed = true;
    }
    return changed;
}

void mach_thread_jumps(struct mach *m)
{
    bool changed = true;

    /* A branch that has become a jump is passed over in its turn. Each round but the last takes a
     * block that only jumps, or a branch, out of the way of some edge. */
    for (uint32_t round = 0; changed && round < m->block_count; round++) {
        changed = false;
        for (uint32_t i = 0; i < m->rpo_count; i++)
            changed |= thread_block(m, &m->blocks[m->rpo[i]]);
    }
    mach_analyse_flow(m);
    mach_count_uses(m);
}
