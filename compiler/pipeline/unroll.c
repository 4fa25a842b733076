/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>

/* Loops with a known bound become that many copies of their body, the innermost loop first. The
 * bound may be too high; what never runs falls away later, when the exit conditions turn out
 * constant. The caller's function stays as it is: this works on a copy. needs: a well-formed
 * function. gives: one without loops, or refuses. */

#define INSNS_MAX 40000u /* of the whole function */

struct loop {
    ir_block header;
    bool *has;
    ir_block *blocks; /* in ascending order, header included */
    uint32_t count;
    uint32_t insns;
};

struct unroller {
    struct pipe_graph *g;
    struct ir_func *f;
    struct loop loop;
    uint32_t old_insns; /* instructions and blocks before this loop was unrolled */
    uint32_t old_blocks;
    uint32_t trips;
    ir_ref **value;       /* of copy k >= 1: old value -> its copy, or IR_NONE */
    ir_block *first_copy; /* of a block of the loop: block of copy 1; copy k follows at (k - 1) *
                             loop.count */
    ir_block never;       /* where the last copy's way back leads: never taken */
};

/* Adds to the loop what leads to its header again. */
static void add_latch(struct unroller *u, struct loop *l, ir_block latch, ir_block *stack)
{
    uint32_t depth = 0;

    if (!l->has[latch]) {
        l->has[latch] = true;
        stack[depth++] = latch;
    }
    while (depth) {
        const struct ir_block_data *d = &u->f->blocks[stack[--depth]];

        for (uint32_t i = 0; i < d->pred_count; i++) {
            if (!l->has[d->preds[i]]) {
                l->has[d->preds[i]] = true;
                stack[depth++] = d->preds[i];
            }
        }
    }
}

static void collect(struct unroller *u, struct loop *l)
{
    l->blocks = arena_array(u->g->arena, u->f->block_count, sizeof(*l->blocks));
    for (ir_block b = 0; b < u->f->block_count; b++) {
        if (!l->has[b])
            continue;
        l->blocks[l->count++] = b;
        l->insns += u->f->blocks[b].count;
    }
}

/* The smallest loop, which holds no other. 0 and l->count 0 if there is none. */
static int find_loop(struct unroller *u, struct loop *smallest)
{
    struct arena *arena = u->g->arena;
    struct ir_func *f = u->f;
    const struct ir_dom dom = ir_dominators(arena, f);
    ir_block *stack = arena_array(arena, f->block_count, sizeof(*stack));
    ir_block header;

    *smallest = (struct loop){.count = 0};
    for (ir_block h = 0; h < f->block_count; h++) {
        struct loop l = {.header = h};

        for (uint32_t i = 0; i < f->blocks[h].pred_count; i++) {
            if (!ir_dominates(&dom, h, f->blocks[h].preds[i]))
                continue;
            if (!l.has) {
                l.has = arena_array(arena, f->block_count, sizeof(*l.has));
                l.has[h] = true;
            }
            add_latch(u, &l, f->blocks[h].preds[i], stack);
        }
        if (!l.has)
            continue;
        collect(u, &l);
        if (smallest->count == 0 || l.count < smallest->count)
            *smallest = l;
    }
    if (smallest->count == 0 && ir_has_loop(f, &header))
        return pipe_refuse(u->g, "PIPE0001", pipe_first_pc(f, header),
                           "a loop with several entries cannot become a pipeline");
    return 0;
}

static ir_ref copied(const struct unroller *u, ir_ref v, uint32_t k)
{
    return k && v < u->old_insns && u->value[k][v] ? u->value[k][v] : v;
}

static ir_block copied_block(const struct unroller *u, ir_block b, uint32_t k)
{
    return k && b < u->old_blocks && u->loop.has[b] ? u->first_copy[b] + (k - 1) * u->loop.count
                                                    : b;
}

/* The copies' blocks and instructions; arguments still name the first copy's values. */
static void copy_body(struct unroller *u)
{
    struct ir_func *f = u->f;
    const struct loop *l = &u->loop;

    u->never = ir_block_new(f);
    u->value = arena_array(u->g->arena, u->trips + 1, sizeof(*u->value));
    u->first_copy = arena_array(u->g->arena, u->old_blocks, sizeof(*u->first_copy));
    for (uint32_t i = 0; i < l->count; i++)
        u->first_copy[l->blocks[i]] = u->never + 1 + i;
    for (uint32_t k = 1; k <= u->trips; k++) {
        u->value[k] = arena_array(u->g->arena, u->old_insns, sizeof(**u->value));
        for (uint32_t i = 0; i < l->count; i++) {
            const ir_block b = ir_block_new(f);

            for (uint32_t n = 0; n < f->blocks[l->blocks[i]].count; n++) {
                const ir_ref old = f->blocks[l->blocks[i]].insns[n];
                const struct ir_insn in = f->insns[old];

                u->value[k][old] = ir_append(f, b, in, in.args, in.nargs);
            }
        }
    }
}

static void add_pred(struct ir_func *f, ir_block to, ir_block from)
{
    struct ir_block_data *d = &f->blocks[to];

    d->preds = arena_grow(f->arena, d->preds, d->pred_count, &d->pred_capacity, sizeof(*d->preds));
    d->preds[d->pred_count++] = from;
}

/* Another way into block `to` outside the loop, beside successor number side of block `from`: the
 * phis' arguments are those of copy k. */
static void join_outside(struct unroller *u, ir_block from, uint32_t side, uint32_t k)
{
    struct ir_func *f = u->f;
    const ir_block to = f->blocks[from].succ[side];
    bool second = side == 1 && f->blocks[from].succ[0] == to;
    uint32_t edge = 0;

    while (f->blocks[to].preds[edge] != from || second) {
        second = second && f->blocks[to].preds[edge] != from;
        edge++;
    }
    add_pred(f, to, copied_block(u, from, k));
    for (uint32_t n = 0; n < f->blocks[to].count; n++) {
        struct ir_insn *phi = &f->insns[f->blocks[to].insns[n]];
        ir_ref *args;

        if (phi->op != IR_PHI)
            break;
        args = arena_array(f->arena, phi->nargs + 1u, sizeof(*args));
        memcpy(args, phi->args, phi->nargs * sizeof(*args));
        args[phi->nargs] = copied(u, phi->args[edge], k);
        phi->args = args;
        phi->nargs++;
    }
}

/* One block of copy k: its arguments and edges, after those of the loop's own block. */
static void wire_block(struct unroller *u, ir_block old, uint32_t k)
{
    struct ir_func *f = u->f;
    const ir_block b = copied_block(u, old, k);

    for (uint32_t n = 0; n < f->blocks[b].count; n++) {
        struct ir_insn *in = &f->insns[f->blocks[b].insns[n]];

        if (old == u->loop.header && in->op == IR_PHI)
            continue; /* wire_header */
        for (uint32_t a = 0; a < in->nargs; a++)
            in->args[a] = copied(u, in->args[a], k);
    }
    f->blocks[b].succ_count = f->blocks[old].succ_count;
    for (uint32_t s = 0; s < f->blocks[old].succ_count; s++) {
        const ir_block to = f->blocks[old].succ[s];

        if (to == u->loop.header)
            f->blocks[b].succ[s] = k < u->trips ? copied_block(u, to, k + 1) : u->never;
        else
            f->blocks[b].succ[s] = copied_block(u, to, k);
        if (f->blocks[b].succ[s] == u->never)
            add_pred(f, u->never, b);
        else if (!u->loop.has[to])
            join_outside(u, old, s, k);
    }
    for (uint32_t p = 0; p < f->blocks[old].pred_count && old != u->loop.header; p++)
        add_pred(f, b, copied_block(u, f->blocks[old].preds[p], k));
}

/* The header of copy k is entered from the latches of copy k - 1 alone; that of the loop itself
 * from outside alone. */
static void wire_header(struct unroller *u, uint32_t k)
{
    struct ir_func *f = u->f;
    const struct ir_block_data was = f->blocks[u->loop.header];
    const ir_block b = copied_block(u, u->loop.header, k);
    uint32_t count = 0;

    for (uint32_t n = 0; n < was.count && f->insns[was.insns[n]].op == IR_PHI; n++) {
        const struct ir_insn from = f->insns[was.insns[n]];
        struct ir_insn *phi = &f->insns[f->blocks[b].insns[n]];

        phi->args = arena_array(f->arena, was.pred_count + 1, sizeof(*phi->args));
        phi->nargs = 0;
        for (uint32_t p = 0; p < was.pred_count; p++) {
            if (u->loop.has[was.preds[p]] == (k > 0))
                phi->args[phi->nargs++] = k ? copied(u, from.args[p], k - 1) : from.args[p];
        }
    }
    f->blocks[b].preds = arena_array(f->arena, was.pred_count + 1, sizeof(ir_block));
    f->blocks[b].pred_capacity = was.pred_count + 1;
    for (uint32_t p = 0; p < was.pred_count; p++) {
        if (u->loop.has[was.preds[p]] == (k > 0))
            f->blocks[b].preds[count++] = k ? copied_block(u, was.preds[p], k - 1) : was.preds[p];
    }
    f->blocks[b].pred_count = count;
    f->blocks[b].trip_max = 0;
}

/* The loop's own blocks become the first pass through it. */
static void wire_first(struct unroller *u)
{
    struct ir_func *f = u->f;

    for (uint32_t i = 0; i < u->loop.count; i++) {
        struct ir_block_data *d = &f->blocks[u->loop.blocks[i]];

        for (uint32_t s = 0; s < d->succ_count; s++) {
            if (d->succ[s] == u->loop.header)
                d->succ[s] = copied_block(u, u->loop.header, 1);
        }
    }
    wire_header(u, 0);
}

static void fill_never(struct unroller *u)
{
    struct ir_func *f = u->f;
    struct ir_insn in = {.op = IR_CONST, .pc = IR_NO_PC};
    ir_ref args[4];

    args[0] = args[3] = ir_append(f, u->never, in, NULL, 0);
    in.imm = SPEC_PKT_BASE;
    args[1] = ir_append(f, u->never, in, NULL, 0);
    in.imm = SPEC_PKT_BASE + SPEC_PKT_MIN_BYTES;
    args[2] = ir_append(f, u->never, in, NULL, 0);
    in.op = IR_EXIT;
    ir_append(f, u->never, in, args, 4);
}

/* --- values of the loop that are used behind it
 * ---------------------------------------------------- */

/* The copy that a block belongs to, or false if it is outside. */
static bool copy_of(const struct unroller *u, ir_block b, uint32_t *k)
{
    *k = 0;
    if (b < u->old_blocks)
        return u->loop.has[b];
    if (b == u->never)
        return false;
    *k = 1 + (b - u->never - 1) / u->loop.count;
    return true;
}

static ir_ref value_at_start(struct unroller *u, ir_ref v, ir_block b, ir_ref *known);

static ir_ref value_at_end(struct unroller *u, ir_ref v, ir_block b, ir_ref *known)
{
    uint32_t k;

    return copy_of(u, b, &k) ? copied(u, v, k) : value_at_start(u, v, b, known);
}

/* What v is at the start of a block behind the loop: the value of the copy that was left, or a phi
 * of several. */
static ir_ref value_at_start(struct unroller *u, ir_ref v, ir_block b, ir_ref *known)
{
    struct ir_func *f = u->f;
    const struct ir_insn phi = {.op = IR_PHI, .pc = f->insns[v].pc};
    const uint32_t count = f->blocks[b].pred_count;
    ir_ref *args;
    ir_ref made;

    if (known[b] || count == 0)
        return known[b];
    if (count == 1) {
        known[b] = value_at_end(u, v, f->blocks[b].preds[0], known);
        return known[b];
    }
    args = arena_array(f->arena, count, sizeof(*args));
    made = ir_new(f, phi, args, count);
    ir_insert(f, b, 0, made);
    known[b] = made;
    for (uint32_t p = 0; p < count; p++) {
        const ir_ref x = value_at_end(u, v, f->blocks[b].preds[p], known);

        f->insns[made].args[p] = x;
    }
    return made;
}

static void repair_use(struct unroller *u, ir_ref user, uint32_t arg, ir_ref **known)
{
    struct ir_func *f = u->f;
    const ir_ref v = f->insns[user].args[arg];
    const ir_block b = f->insns[user].block;
    ir_ref x;

    if (!known[v])
        known[v] = arena_array(f->arena, f->block_count, sizeof(**known));
    if (f->insns[user].op == IR_PHI)
        x = value_at_end(u, v, f->blocks[b].preds[arg], known[v]);
    else
        x = value_at_start(u, v, b, known[v]);
    f->insns[user].args[arg] = x;
}

static void repair_uses(struct unroller *u)
{
    struct ir_func *f = u->f;
    ir_ref **known = arena_array(f->arena, u->old_insns, sizeof(*known));
    bool *looped = arena_array(f->arena, u->old_insns, sizeof(*looped));

    for (uint32_t i = 0; i < u->loop.count; i++) {
        const struct ir_block_data *d = &f->blocks[u->loop.blocks[i]];

        for (uint32_t n = 0; n < d->count; n++)
            looped[d->insns[n]] = true;
    }
    for (ir_ref user = 1; user < u->old_insns; user++) {
        if (f->insns[user].block == IR_NO_BLOCK || u->loop.has[f->insns[user].block])
            continue;
        for (uint32_t a = 0; a < f->insns[user].nargs; a++) {
            const ir_ref v = f->insns[user].args[a];
            uint32_t k;

            /* a phi's argument from a copy has been set with the edge */
            if (v >= u->old_insns || !looped[v])
                continue;
            if (f->insns[user].op == IR_PHI &&
                copy_of(u, f->blocks[f->insns[user].block].preds[a], &k))
                continue;
            repair_use(u, user, a, known);
        }
    }
}

/* --- the step
 * ------------------------------------------------------------------------------------- */

static int unroll_one(struct unroller *u)
{
    struct ir_func *f = u->f;
    const uint32_t pc = pipe_first_pc(f, u->loop.header);

    u->old_insns = f->insn_count;
    u->old_blocks = f->block_count;
    u->trips = f->blocks[u->loop.header].trip_max;
    if (u->trips == 0)
        return pipe_refuse(u->g, "PIPE0001", pc,
                           "a loop without a known bound cannot become a pipeline");
    if (u->trips > INSNS_MAX / u->loop.insns ||
        f->insn_count + u->trips * u->loop.insns > INSNS_MAX)
        return pipe_refuse(u->g, "PIPE0001", pc,
                           "a loop of %u operations that runs up to %u times is too long to "
                           "unroll; a pipeline takes up to %u "
                           "operations",
                           u->loop.insns, u->trips + 1, INSNS_MAX);
    copy_body(u);
    for (uint32_t k = 1; k <= u->trips; k++) {
        for (uint32_t i = 0; i < u->loop.count; i++)
            wire_block(u, u->loop.blocks[i], k);
    }
    for (uint32_t k = u->trips; k >= 1; k--)
        wire_header(u, k);
    wire_first(u);
    fill_never(u);
    repair_uses(u);
    return 0;
}

int pipe_unroll(struct pipe_graph *g)
{
    struct unroller u = {.g = g, .f = g->f};
    int err;

    for (;;) {
        err = find_loop(&u, &u.loop);
        if (err || u.loop.count == 0)
            break;
        err = unroll_one(&u);
        if (err)
            break;
    }
    return err;
}
