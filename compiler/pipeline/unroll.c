/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/loops.h"

#include <assert.h>
#include <errno.h>

/* Loops become as many copies of their body as they have rounds. The function is copied block by
 * block in the order in which one path runs through it: a loop's first round, its second, and so
 * on, each with the loops inside it. What is constant in a copy is folded at once, so the copying
 * stops where a counter has reached its end, whatever the bound of all rounds on a path (trip_max)
 * allows; the bound ends loops whose way out depends on data. needs: a well-formed function;
 * trip_max of a header counts the entries over its back edges on a whole path, so no single run of
 * the loop has more. gives: a function without loops in g->f, or refuses. keeps: a function without
 * loops. */

#define INSNS_MAX 40000u /* of the whole function */

/* A way into a block whose copy is still to be made. */
struct edge {
    ir_block from; /* in the new function */
    uint32_t side;
    ir_ref *args; /* of the block's phis */
};

struct pending {
    struct edge *edges;
    uint32_t count;
    uint32_t capacity;
};

/* Copies of a value that is used behind its loop: what it is at the end of each new block, or
 * IR_NONE if that has not been asked for. */
struct copies {
    ir_ref *at;
    uint32_t capacity;
};

struct constant {
    uint64_t imm;
    ir_ref ref;
};

struct unroller {
    struct pipe_graph *g;
    struct arena *arena;
    const struct ir_func *from;
    struct ir_func *to;
    struct pipe_loops old;
    uint32_t *rounds; /* of each loop: the one that is being copied */
    struct pending *pending;
    ir_ref *latest; /* an old value's last copy */
    bool *escapes;  /* an old value is used behind its loop */
    struct copies *copies;
    ir_block *origin; /* old block of a new one */
    uint32_t origin_capacity;
    struct constant *constants; /* open hash table */
    uint32_t constant_capacity;
    uint32_t constant_count;
};

static void mark_escape(struct unroller *u, ir_ref v, ir_block user)
{
    const uint32_t l = v ? u->old.of[u->from->insns[v].block] : 0;

    if (l && !bitset_has(&u->old.loops[l].has, user))
        u->escapes[v] = true;
}

/* Values that are used outside the loop that makes them. A phi uses its operand at the end of the
 * block that it comes from. */
static void find_escapes(struct unroller *u)
{
    const struct ir_func *f = u->from;

    u->escapes = arena_array(u->arena, f->insn_count, sizeof(*u->escapes));
    for (uint32_t i = 0; i < u->old.order_count; i++) {
        const struct ir_block_data *d = &f->blocks[u->old.order[i]];

        for (uint32_t n = 0; n < d->count; n++) {
            const struct ir_insn *in = &f->insns[d->insns[n]];

            for (uint32_t a = 0; a < in->nargs; a++)
                mark_escape(u, in->args[a], in->op == IR_PHI ? d->preds[a] : u->old.order[i]);
        }
    }
}

/* --- values of the new function -----------------------------------------------------------------
 */

/* Constants stand in block 0, each once. */
static ir_ref constant(struct unroller *u, uint64_t imm)
{
    const struct ir_insn in = {.op = IR_CONST, .imm = imm, .pc = IR_NO_PC};
    uint64_t h = (imm ^ imm >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

    if (2 * u->constant_count >= u->constant_capacity) {
        struct constant *old = u->constants;
        const uint32_t old_capacity = u->constant_capacity;

        u->constant_capacity = old_capacity ? 2 * old_capacity : 256;
        u->constants = arena_array(u->arena, u->constant_capacity, sizeof(*u->constants));
        u->constant_count = 0;
        for (uint32_t i = 0; i < old_capacity; i++) {
            uint64_t k = (old[i].imm ^ old[i].imm >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 32;

            if (!old[i].ref)
                continue;
            while (u->constants[k % u->constant_capacity].ref)
                k++;
            u->constants[k % u->constant_capacity] = old[i];
            u->constant_count++;
        }
    }
    for (;; h++) {
        struct constant *c = &u->constants[h % u->constant_capacity];

        if (c->ref && c->imm == imm)
            return c->ref;
        if (!c->ref) {
            *c = (struct constant){imm, ir_append(u->to, 0, in, NULL, 0)};
            u->constant_count++;
            return c->ref;
        }
    }
}

static bool is_constant(const struct unroller *u, ir_ref v, uint64_t *imm)
{
    *imm = u->to->insns[v].imm;
    return u->to->insns[v].op == IR_CONST;
}

static ir_ref known_at(const struct unroller *u, ir_ref v, ir_block at)
{
    return at < u->copies[v].capacity ? u->copies[v].at[at] : IR_NONE;
}

static void set_known(struct unroller *u, ir_ref v, ir_block at, ir_ref value)
{
    struct copies *c = &u->copies[v];

    if (at >= c->capacity) {
        const uint32_t capacity = at < 32 ? 64 : 2 * at;
        ir_ref *bigger = arena_array(u->arena, capacity, sizeof(*bigger));

        if (c->capacity)
            memcpy(bigger, c->at, c->capacity * sizeof(*bigger));
        *c = (struct copies){bigger, capacity};
    }
    c->at[at] = value;
}

/* A value where ways come together: the one that all bring, or a phi. */
static ir_ref merge(struct unroller *u, ir_block at, uint32_t position, const ir_ref *args,
                    uint32_t count, uint32_t pc)
{
    const struct ir_insn phi = {.op = IR_PHI, .pc = pc};
    bool same = true;
    ir_ref made;

    for (uint32_t i = 1; i < count; i++)
        same = same && args[i] == args[0];
    if (same)
        return args[0];
    made = ir_new(u->to, phi, args, count);
    ir_insert(u->to, at, position, made);
    return made;
}

/* What a value is at the end of a new block behind the value's loop. Blocks come after those that
 * lead to them, so it is found out in ascending order for all blocks back to the copies. */
static ir_ref value_behind(struct unroller *u, ir_ref v, ir_block end)
{
    struct ir_func *f = u->to;
    struct bitset asked;
    ir_block lowest = end;
    ir_block *work;
    uint32_t count = 1;

    if (known_at(u, v, end))
        return known_at(u, v, end);
    asked = bitset_make(u->arena, end + 1);
    work = arena_array(u->arena, end + 1, sizeof(*work));
    work[0] = end;
    bitset_add(&asked, end);
    while (count) {
        const ir_block b = work[--count];

        lowest = b < lowest ? b : lowest;
        for (uint32_t i = 0; i < f->blocks[b].pred_count; i++) {
            const ir_block p = f->blocks[b].preds[i];

            assert(p < b && "ways lead forward only");
            if (known_at(u, v, p) || bitset_has(&asked, p))
                continue;
            bitset_add(&asked, p);
            work[count++] = p;
        }
    }
    for (ir_block b = lowest; b <= end; b++) {
        const uint32_t preds = f->blocks[b].pred_count;
        ir_ref *args;

        if (!bitset_has(&asked, b))
            continue;
        args = arena_array(u->arena, preds, sizeof(*args));
        for (uint32_t i = 0; i < preds; i++)
            args[i] = known_at(u, v, f->blocks[b].preds[i]);
        set_known(u, v, b, merge(u, b, 0, args, preds, u->from->insns[v].pc));
    }
    return known_at(u, v, end);
}

/* The copy of an old value that holds at the end of a new block, as far as it is written. */
static ir_ref value_at(struct unroller *u, ir_ref v, ir_block at)
{
    const uint32_t l = v ? u->old.of[u->from->insns[v].block] : 0;

    if (l && !bitset_has(&u->old.loops[l].has, u->origin[at]))
        return value_behind(u, v, at);
    return v ? u->latest[v] : IR_NONE;
}

static void set_value(struct unroller *u, ir_ref v, ir_block at, ir_ref value)
{
    u->latest[v] = value;
    if (u->escapes[v])
        set_known(u, v, at, value);
}

/* --- copies -------------------------------------------------------------------------------------
 */

/* Which predecessor of block `to` is side `side` of block `from`? */
static uint32_t edge_number(const struct ir_func *f, ir_block from, uint32_t side, ir_block to)
{
    bool second = side == 1 && f->blocks[from].succ[0] == to;
    uint32_t i = 0;

    while (f->blocks[to].preds[i] != from || second) {
        second = second && f->blocks[to].preds[i] != from;
        i++;
    }
    return i;
}

/* Notes that new block `at`, a copy of `from`, goes on to block `to`. */
static void add_edge(struct unroller *u, ir_block from, uint32_t side, ir_block at,
                     uint32_t new_side)
{
    const struct ir_func *f = u->from;
    const ir_block to = f->blocks[from].succ[side];
    const struct ir_block_data *d = &f->blocks[to];
    const uint32_t number = edge_number(f, from, side, to);
    struct pending *p = &u->pending[to];
    struct edge e = {.from = at, .side = new_side};

    e.args = arena_array(u->arena, d->count, sizeof(*e.args));
    for (uint32_t n = 0; n < d->count && f->insns[d->insns[n]].op == IR_PHI; n++)
        e.args[n] = value_at(u, f->insns[d->insns[n]].args[number], at);
    p->edges = arena_grow(u->arena, p->edges, p->count, &p->capacity, sizeof(*p->edges));
    p->edges[p->count++] = e;
}

/* The rounds of a path are all over: a way back to the header is not taken any more. */
static bool is_over(const struct unroller *u, ir_block from, ir_block to)
{
    const struct pipe_loop *l = &u->old.loops[u->old.of[to]];

    return l->header == to && bitset_has(&l->has, from) && u->rounds[u->old.of[to]] == l->trip_max;
}

static void end_never(struct unroller *u, ir_block at)
{
    const struct ir_insn exit = {.op = IR_EXIT, .pc = IR_NO_PC};
    const ir_ref args[4] = {constant(u, 0), constant(u, SPEC_PKT_BASE),
                            constant(u, SPEC_PKT_BASE + SPEC_PKT_MIN_BYTES), constant(u, 0)};

    ir_append(u->to, at, exit, args, 4);
}

static void copy_terminator(struct unroller *u, ir_block b, ir_block at, const struct ir_insn *in)
{
    const struct ir_block_data *d = &u->from->blocks[b];
    const struct ir_insn jump = {.op = IR_JMP, .pc = in->pc};
    bool goes[2] = {d->succ_count > 0, d->succ_count > 1};
    ir_ref args[6];
    uint64_t k;

    for (uint32_t a = 0; a < in->nargs; a++)
        args[a] = value_at(u, in->args[a], at);
    if (in->op == IR_EXIT) {
        ir_append(u->to, at, *in, args, in->nargs);
        return;
    }
    if (in->op == IR_BR && is_constant(u, args[0], &k))
        goes[k ? 1 : 0] = false;
    for (uint32_t s = 0; s < d->succ_count; s++)
        goes[s] = goes[s] && !is_over(u, b, d->succ[s]);
    u->to->blocks[at].succ_count = (uint32_t)goes[0] + (uint32_t)goes[1];
    if (goes[0] && goes[1])
        ir_append(u->to, at, *in, args, in->nargs);
    else if (goes[0] || goes[1])
        ir_append(u->to, at, jump, NULL, 0);
    else
        end_never(u, at);
    for (uint32_t s = 0; s < d->succ_count; s++) {
        if (goes[s])
            add_edge(u, b, s, at, goes[0] ? s : 0);
    }
}

static ir_ref copy_insn(struct unroller *u, ir_block at, const struct ir_insn *in)
{
    ir_ref *args = arena_array(u->arena, in->nargs + 1u, sizeof(*args));
    uint64_t k[2] = {0, 0};
    bool constants = in->op == IR_ALU;

    for (uint32_t a = 0; a < in->nargs; a++) {
        args[a] = value_at(u, in->args[a], at);
        constants = constants && is_constant(u, args[a], &k[a]);
    }
    if (in->op == IR_CONST)
        return constant(u, in->imm);
    if (constants)
        return constant(u, spec_alu_eval(in->alu, in->width, k[0], k[1]));
    if (in->op == IR_SELECT && is_constant(u, args[0], &k[0]))
        return args[k[0] ? 1 : 2];
    return ir_append(u->to, at, *in, args, in->nargs);
}

static ir_block open_block(struct unroller *u, ir_block b, const struct pending *ways)
{
    const ir_block at = ir_block_new(u->to);
    struct ir_block_data *d = &u->to->blocks[at];

    u->origin = arena_grow(u->arena, u->origin, at, &u->origin_capacity, sizeof(*u->origin));
    u->origin[at] = b;
    d->preds = arena_array(u->to->arena, ways->count, sizeof(*d->preds));
    d->pred_count = d->pred_capacity = ways->count;
    for (uint32_t i = 0; i < ways->count; i++) {
        d->preds[i] = ways->edges[i].from;
        u->to->blocks[ways->edges[i].from].succ[ways->edges[i].side] = at;
    }
    return at;
}

static void copy_block(struct unroller *u, ir_block b)
{
    const struct ir_block_data *d = &u->from->blocks[b];
    const struct pending ways = u->pending[b];
    ir_ref *args = arena_array(u->arena, ways.count, sizeof(*args));
    ir_block at;

    if (ways.count == 0) /* no path comes here any more */
        return;
    u->pending[b] = (struct pending){.count = 0};
    at = open_block(u, b, &ways);
    for (uint32_t n = 0; n < d->count; n++) {
        const ir_ref old = d->insns[n];
        const struct ir_insn *in = &u->from->insns[old];

        if (in->op == IR_PHI) {
            for (uint32_t i = 0; i < ways.count; i++)
                args[i] = ways.edges[i].args[n];
            set_value(u, old, at, merge(u, at, u->to->blocks[at].count, args, ways.count, in->pc));
        } else if (ir_is_terminator(in->op)) {
            copy_terminator(u, b, at, in);
        } else {
            set_value(u, old, at, copy_insn(u, at, in));
        }
    }
}

/* Operations that one path can run through in a loop, the loops inside it included. */
static uint64_t operations_on_a_path(const struct unroller *u, uint32_t loop)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < u->old.order_count; i++) {
        const ir_block b = u->old.order[i];
        uint64_t times = 1;

        if (!bitset_has(&u->old.loops[loop].has, b))
            continue;
        for (uint32_t l = loop; l < u->old.count; l++) {
            if (bitset_has(&u->old.loops[l].has, b))
                times += u->old.loops[l].trip_max;
        }
        sum += times * u->from->blocks[b].count;
    }
    return sum;
}

/* Names the loop that is the most to blame. */
static int refuse_size(struct unroller *u)
{
    uint32_t worst = 1;

    for (uint32_t l = 2; l < u->old.count; l++) {
        if (operations_on_a_path(u, l) > operations_on_a_path(u, worst))
            worst = l;
    }
    return pipe_refuse(u->g, "PIPE0001", pipe_first_pc(u->from, u->old.loops[worst].header),
                       "a loop that runs up to %u times: unrolled, that would be about %llu "
                       "operations, and a pipeline takes up to %u; run the program on the core "
                       "(microcode), or give the loop a smaller bound",
                       u->old.loops[worst].trip_max + 1,
                       (unsigned long long)operations_on_a_path(u, worst), INSNS_MAX);
}

/* One round of a loop, or the whole function. */
static int copy_round(struct unroller *u, uint32_t loop)
{
    const struct pipe_loop *l = &u->old.loops[loop];

    for (uint32_t i = 0; i < l->item_count; i++) {
        const ir_block b = l->items[i];
        uint32_t *round = &u->rounds[u->old.of[b]];

        if (b == l->header || u->old.of[b] == loop) {
            copy_block(u, b);
            if (u->to->insn_count > INSNS_MAX)
                return refuse_size(u);
            continue;
        }
        for (*round = 0; u->pending[b].count; (*round)++) {
            int err = copy_round(u, u->old.of[b]);

            if (err)
                return err;
        }
    }
    return 0;
}

/* Block 0 holds the constants; the old entry's copy follows. */
static int copy_function(struct unroller *u)
{
    const struct ir_func *f = u->from;
    const struct ir_insn jump = {.op = IR_JMP, .pc = IR_NO_PC};
    const struct edge entry = {.from = 0};
    struct pending *first = &u->pending[0];
    int err;

    *u->to = *f;
    u->to->insns = NULL;
    u->to->blocks = NULL;
    u->to->insn_capacity = u->to->block_capacity = u->to->block_count = 0;
    u->to->insns = arena_grow(f->arena, NULL, 0, &u->to->insn_capacity, sizeof(*f->insns));
    u->to->insns[0] = f->insns[0];
    u->to->insn_count = 1;
    u->origin = arena_grow(u->arena, NULL, 0, &u->origin_capacity, sizeof(*u->origin));
    ir_block_new(u->to);
    u->to->blocks[0].succ_count = 1;
    first->edges = arena_grow(u->arena, NULL, 0, &first->capacity, sizeof(*first->edges));
    first->edges[first->count++] = entry;
    err = copy_round(u, 0);
    ir_append(u->to, 0, jump, NULL, 0);
    return err;
}

int pipe_unroll(struct pipe_graph *g)
{
    struct unroller u = {.g = g, .arena = g->arena, .from = g->f};
    int err;

    err = pipe_find_loops(g, &u.old);
    if (err || u.old.count == 1)
        return err;
    for (uint32_t l = 1; l < u.old.count; l++) {
        if (u.old.loops[l].trip_max == 0)
            return pipe_refuse(g, "PIPE0001", pipe_first_pc(g->f, u.old.loops[l].header),
                               "a loop without a known bound cannot become a pipeline; run the "
                               "program on the core (microcode), or bound the loop by a constant");
    }
    find_escapes(&u);
    u.rounds = arena_array(u.arena, u.old.count, sizeof(*u.rounds));
    u.pending = arena_array(u.arena, g->f->block_count, sizeof(*u.pending));
    u.latest = arena_array(u.arena, g->f->insn_count, sizeof(*u.latest));
    u.copies = arena_array(u.arena, g->f->insn_count, sizeof(*u.copies));
    u.to = arena_alloc(u.arena, sizeof(*u.to));
    err = copy_function(&u);
    if (!err)
        g->f = u.to;
    return err;
}
