/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Removes tests whose outcome the branches before them decide: most are bounds checks of the packet
 * that a longer check implies.
 *
 * needs: constants on the right (fold). keeps: control flow; the branches on constants that it
 * leaves are opt_cfg's matter.
 *
 * A walk over the dominator tree. On the way into a block whose only predecessor branches, the
 * branch's condition narrows the bounds of values, and gives differences: "x - y is at most d".
 * Both are taken back on the way out. */

enum { MAX_DIFFERENCES = 256, MAX_DEPTH = 8 };

struct difference {
    ir_ref x;
    ir_ref y;
    int64_t most; /* x - y <= most */
};

struct undo {
    ir_ref r;
    struct opt_range range;
};

struct checks {
    struct ir_func *f;
    struct arena *scratch;
    struct opt_range *now;
    struct undo *undo;
    uint32_t undo_count;
    uint32_t undo_capacity;
    struct difference differences[MAX_DIFFERENCES];
    uint32_t difference_count;
    ir_ref *to;
    uint32_t insn_count;
    ir_block *child; /* dominator tree: first child, next sibling; IR_NO_BLOCK: none */
    ir_block *sibling;
    bool changed;
};

static void narrow(struct checks *c, ir_ref r, uint64_t min, uint64_t max)
{
    struct opt_range *now = &c->now[r];

    if ((min <= now->min && max >= now->max) || min > now->max || max < now->min)
        return; /* nothing new, or the code is not reached */
    c->undo = arena_grow(c->scratch, c->undo, c->undo_count, &c->undo_capacity, sizeof(*c->undo));
    c->undo[c->undo_count++] = (struct undo){r, *now};
    now->min = min > now->min ? min : now->min;
    now->max = max < now->max ? max : now->max;
}

/* --- differences -------------------------------------------------------------------------- */

/* r as base + offset. The sum does not wrap, and is so small that differences do not, either. */
static bool linear(const struct checks *c, ir_ref r, ir_ref *base, int64_t *offset)
{
    const struct ir_insn *in = &c->f->insns[r];
    const uint64_t limit = UINT64_C(1) << 62;
    uint64_t v;

    *base = r;
    *offset = 0;
    if (c->now[r].max > limit)
        return false;
    if (in->op != IR_ALU || in->alu != SPEC_ALU_ADD || in->width != 64 ||
        !opt_is_const(c->f, in->args[1], &v) || c->now[in->args[0]].max > limit)
        return true;
    if ((int64_t)v > (int64_t)limit || (int64_t)v < -(int64_t)limit)
        return true;
    *base = in->args[0];
    *offset = (int64_t)v;
    return true;
}

static void add_difference(struct checks *c, ir_ref x, ir_ref y, int64_t most)
{
    if (c->difference_count < MAX_DIFFERENCES && x != y)
        c->differences[c->difference_count++] = (struct difference){x, y, most};
}

static bool at_most(const struct checks *c, ir_ref x, ir_ref y, int64_t most)
{
    if (x == y)
        return most >= 0;
    for (uint32_t i = 0; i < c->difference_count; i++) {
        const struct difference *d = &c->differences[i];

        if (d->x == x && d->y == y && d->most <= most)
            return true;
    }
    return false;
}

/* a <= b - less */
static void learn_order(struct checks *c, ir_ref a, ir_ref b, int64_t less)
{
    int64_t offset_a;
    int64_t offset_b;
    ir_ref x;
    ir_ref y;

    if (linear(c, a, &x, &offset_a) && linear(c, b, &y, &offset_b))
        add_difference(c, x, y, offset_b - offset_a - less);
}

static bool is_ordered(const struct checks *c, ir_ref a, ir_ref b, int64_t less)
{
    int64_t offset_a;
    int64_t offset_b;
    ir_ref x;
    ir_ref y;

    return linear(c, a, &x, &offset_a) && linear(c, b, &y, &offset_b) &&
           at_most(c, x, y, offset_b - offset_a - less);
}

/* --- conditions --------------------------------------------------------------------------- */

static void learn_compare(struct checks *c, const struct ir_insn *in, enum spec_alu alu)
{
    const ir_ref a = in->args[0];
    const ir_ref b = in->args[1];
    const uint64_t limit = in->width == 32 ? UINT32_MAX : UINT64_MAX;
    const struct opt_range ra = c->now[a];
    const struct opt_range rb = c->now[b];

    if (ra.max > limit || rb.max > limit)
        return;
    switch (alu) {
    case SPEC_ALU_EQ:
        narrow(c, a, rb.min, rb.max);
        narrow(c, b, ra.min, ra.max);
        learn_order(c, a, b, 0);
        learn_order(c, b, a, 0);
        break;
    case SPEC_ALU_NE:
        if (rb.min == rb.max && rb.min == ra.min && ra.min < ra.max)
            narrow(c, a, ra.min + 1, ra.max);
        else if (rb.min == rb.max && rb.min == ra.max && ra.min < ra.max)
            narrow(c, a, ra.min, ra.max - 1);
        break;
    case SPEC_ALU_UGT:
        narrow(c, a, rb.min < limit ? rb.min + 1 : limit, limit);
        narrow(c, b, 0, ra.max ? ra.max - 1 : 0);
        learn_order(c, b, a, 1);
        break;
    case SPEC_ALU_UGE:
        narrow(c, a, rb.min, limit);
        narrow(c, b, 0, ra.max);
        learn_order(c, b, a, 0);
        break;
    case SPEC_ALU_ULT:
        narrow(c, a, 0, rb.max ? rb.max - 1 : 0);
        narrow(c, b, ra.min < limit ? ra.min + 1 : limit, limit);
        learn_order(c, a, b, 1);
        break;
    case SPEC_ALU_ULE:
        narrow(c, a, 0, rb.max);
        narrow(c, b, ra.min, limit);
        learn_order(c, a, b, 0);
        break;
    default: /* signed compares and bit tests say nothing that is kept */
        break;
    }
}

/* The value is not 0, or is 0. */
static void learn(struct checks *c, ir_ref cond, bool truth, uint32_t depth)
{
    const struct ir_insn *in = &c->f->insns[cond];
    enum spec_alu alu;

    narrow(c, cond, truth ? 1 : 0, truth ? UINT64_MAX : 0);
    if (in->op != IR_ALU || depth == MAX_DEPTH)
        return;
    alu = (enum spec_alu)in->alu;
    if ((alu == SPEC_ALU_AND && truth && c->now[in->args[0]].max <= 1 &&
         c->now[in->args[1]].max <= 1) ||
        (alu == SPEC_ALU_OR && !truth && in->width == 64)) {
        learn(c, in->args[0], truth, depth + 1);
        learn(c, in->args[1], truth, depth + 1);
    }
    if (!opt_is_compare(in))
        return;
    alu = truth ? alu : opt_compare_inverse(alu);
    if (alu != SPEC_ALU_NONE)
        learn_compare(c, in, alu);
}

static int decide(const struct checks *c, const struct ir_insn *in)
{
    const ir_ref a = in->args[0];
    const ir_ref b = in->args[1];
    const int known = opt_decide((enum spec_alu)in->alu, in->width, c->now[a], c->now[b]);

    if (known >= 0 ||
        (in->width == 32 && (c->now[a].max > UINT32_MAX || c->now[b].max > UINT32_MAX)))
        return known;
    switch (in->alu) {
    case SPEC_ALU_UGT:
        return is_ordered(c, a, b, 0) ? 0 : is_ordered(c, b, a, 1) ? 1 : -1;
    case SPEC_ALU_ULE:
        return is_ordered(c, a, b, 0) ? 1 : is_ordered(c, b, a, 1) ? 0 : -1;
    case SPEC_ALU_ULT:
        return is_ordered(c, a, b, 1) ? 1 : is_ordered(c, b, a, 0) ? 0 : -1;
    case SPEC_ALU_UGE:
        return is_ordered(c, a, b, 1) ? 0 : is_ordered(c, b, a, 0) ? 1 : -1;
    case SPEC_ALU_EQ:
        return is_ordered(c, a, b, 1) || is_ordered(c, b, a, 1) ? 0 : -1;
    case SPEC_ALU_NE:
        return is_ordered(c, a, b, 1) || is_ordered(c, b, a, 1) ? 1 : -1;
    default: /* bounds alone decide */
        return -1;
    }
}

/* --- the walk ----------------------------------------------------------------------------- */

/* A condition whose truth is known becomes a constant where it is used. */
static void settle_condition(struct checks *c, struct ir_insn *in)
{
    const struct opt_range r = c->now[in->args[0]];
    uint64_t v;

    if (opt_is_const(c->f, in->args[0], &v) || (r.min == 0 && r.max != 0))
        return;
    in->args[0] = opt_const(c->f, r.max != 0);
    c->changed = true;
}

static void tighten(struct checks *c, struct ir_insn *in)
{
    const struct opt_range base = c->now[in->args[0]];
    const int64_t imm = (int64_t)in->imm;
    int64_t low;
    int64_t high;

    if (in->region == IR_REGION_MAP || base.max > INT32_MAX || imm > INT32_MAX || imm < -INT32_MAX)
        return;
    low = (int64_t)base.min + imm;
    high = (int64_t)base.max + imm;
    if (low > in->off_max || high < in->off_min)
        return;
    if (low > in->off_min) {
        in->off_min = (int32_t)low;
        c->changed = true;
    }
    if (high < in->off_max) {
        in->off_max = (int32_t)high;
        c->changed = true;
    }
}

static void visit_insn(struct checks *c, ir_ref r)
{
    struct ir_insn *in = &c->f->insns[r];

    if (ir_op_table[in->op].result) {
        const struct opt_range e = opt_range_of(c->f, c->now, r);

        if (e.min <= e.max)
            narrow(c, r, e.min, e.max);
    }
    if (opt_is_compare(in)) {
        const int known = decide(c, in);

        if (known >= 0) {
            c->to[r] = opt_const(c->f, (uint64_t)known);
            c->changed = true;
            narrow(c, r, (uint64_t)known, (uint64_t)known);
        }
    } else if (in->op == IR_BR || in->op == IR_SELECT) {
        settle_condition(c, in);
    } else if (opt_is_access(in)) {
        tighten(c, in);
    }
}

static void enter(struct checks *c, ir_block b)
{
    const struct ir_block_data *block = &c->f->blocks[b];
    const struct ir_block_data *pred;
    const struct ir_insn *last;

    if (block->pred_count == 1) {
        pred = &c->f->blocks[block->preds[0]];
        last = &c->f->insns[pred->insns[pred->count - 1]];
        if (last->op == IR_BR)
            learn(c, last->args[0], pred->succ[0] == b, 0);
    }
    for (uint32_t i = 0; i < block->count; i++)
        if (block->insns[i] < c->insn_count)
            visit_insn(c, block->insns[i]);
}

static void walk(struct checks *c, ir_block b)
{
    const uint32_t undo = c->undo_count;
    const uint32_t differences = c->difference_count;

    enter(c, b);
    for (ir_block k = c->child[b]; k != IR_NO_BLOCK; k = c->sibling[k])
        walk(c, k);
    while (c->undo_count > undo) {
        c->undo_count--;
        c->now[c->undo[c->undo_count].r] = c->undo[c->undo_count].range;
    }
    c->difference_count = differences;
}

static void make_tree(struct checks *c)
{
    const uint32_t n = c->f->block_count;
    const struct ir_dom dom = ir_dominators(c->scratch, c->f);

    c->child = arena_array(c->scratch, n, sizeof(*c->child));
    c->sibling = arena_array(c->scratch, n, sizeof(*c->sibling));
    for (ir_block b = 0; b < n; b++)
        c->child[b] = c->sibling[b] = IR_NO_BLOCK;
    for (ir_block b = n; b-- > 1;) {
        if (dom.idom[b] == IR_NO_BLOCK)
            continue;
        c->sibling[b] = c->child[dom.idom[b]];
        c->child[dom.idom[b]] = b;
    }
}

bool opt_checks(struct ir_func *f, struct arena *scratch)
{
    struct checks *c = arena_alloc(scratch, sizeof(*c));
    ir_ref *to;

    opt_const(f, 0); /* all constants that the walk may need: the tables do not grow */
    opt_const(f, 1);
    *c = (struct checks){.f = f, .scratch = scratch, .insn_count = f->insn_count};
    c->now = opt_ranges(f, scratch);
    c->to = arena_array(scratch, f->insn_count, sizeof(*c->to));
    make_tree(c);
    walk(c, 0);
    if (!c->changed)
        return false;
    to = arena_array(scratch, f->insn_count, sizeof(*to));
    for (ir_ref r = 0; r < c->insn_count; r++)
        to[r] = c->to[r];
    opt_substitute(f, to);
    for (ir_ref r = 1; r < c->insn_count; r++)
        if (c->to[r] != IR_NONE)
            f->insns[r].op = IR_NOP;
    ir_compact(f);
    return true;
}
