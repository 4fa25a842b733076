/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>

/* Atomic units at maps. All accesses of a packet to one value of a map become one unit, which reads
 * the whole value, works out what it becomes and what the packet wants to know of it, and writes it
 * back, a packet a clock: so packets that meet at one value follow each other without waiting.
 *
 * What must happen inside is what depends on an access and on which an access depends. It has to be
 * combinational and short: the memory (map_rows) closes the loop from one packet's new value to the
 * next one's old value within a clock. All else is worked out before, or after.
 *
 * needs: pipe_demand. breaks: the order of nodes; who is live. */

/* Levels that the memory adds: a choice of the newest row in front, of the host's write behind. */
#define ROW_LEVELS 2u
#define INNER_MAX 400u /* operations inside */
#define DISTRIBUTED_MAX 32u
#define PRODUCT_TERMS_MAX 3u /* of a product with a constant */

struct fuser {
    struct pipe_graph *g;
    const struct pipe_fuse_request *r;
    struct pipe_fused *fused;
    bool *after;      /* node depends on a member */
    bool *needed;     /* a member depends on node */
    pipe_ref *inside; /* node -> what it is inside, or PIPE_NONE */
    uint32_t nodes;   /* before the unit */
    uint64_t serial;  /* of the attempt, in the upper half of an ARG's imm */
    uint32_t copies;
    uint32_t distributed; /* operations done on both alternatives of a choice */
    pipe_ref *inputs;
    uint32_t input_count;
    uint32_t input_capacity;
    struct pipe_part state[8 * PIPE_ROW_WORDS_MAX]; /* the value's bytes so far */
};

static bool is_member(const struct fuser *u, pipe_ref a)
{
    for (uint32_t i = 0; i < u->r->count; i++) {
        if (u->r->members[i] == a)
            return true;
    }
    return false;
}

/* Which nodes depend on members, and on which nodes these depend. */
static void find_between(struct fuser *u)
{
    struct pipe_graph *g = u->g;

    u->after = arena_array(g->arena, g->count, sizeof(*u->after));
    u->needed = arena_array(g->arena, g->count, sizeof(*u->needed));
    for (uint32_t i = 0; i < u->r->count; i++)
        u->after[u->r->members[i]] = u->needed[u->r->members[i]] = true;
    for (uint32_t i = 0; i < g->walk_count; i++) {
        const pipe_ref a = g->walk[i];
        pipe_ref d;

        for (uint32_t k = 0; (d = pipe_dependence(g, a, k)); k++)
            u->after[a] = u->after[a] || u->after[d];
    }
    for (uint32_t i = g->walk_count; i-- > 0;) {
        const pipe_ref a = g->walk[i];
        pipe_ref d;

        for (uint32_t k = 0; u->needed[a] && (d = pipe_dependence(g, a, k)); k++)
            u->needed[d] = true;
    }
}

/* A constant as a sum of powers of two, some of them negative, the lowest first. */
struct terms {
    uint32_t shift[64];
    bool minus[64];
    uint32_t count;
};

static struct terms terms_of(uint64_t k, uint32_t width)
{
    const uint64_t mask = width == 32 ? UINT32_MAX : UINT64_MAX;
    struct terms t = {.count = 0};

    for (k &= mask; k; t.count++) {
        const uint32_t shift = (uint32_t)__builtin_ctzll(k);
        const bool minus = (k >> shift & 2) != 0; /* two ones in a row: up to the next power */

        t.shift[t.count] = shift;
        t.minus[t.count] = minus;
        k = (minus ? k + (UINT64_C(1) << shift) : k - (UINT64_C(1) << shift)) & mask;
    }
    return t;
}

/* A product with a constant of few such terms is a few additions. */
static bool is_cheap_product(const struct pipe_graph *g, const struct pipe_node *n)
{
    uint64_t k;

    return n->kind == PIPE_K_MUL && pipe_is_const(g, n->args[1], &k) && k != 0 &&
           terms_of(k, n->width).count <= PRODUCT_TERMS_MAX;
}

/* Levels from the value's words to a node inside. A node keeps them, and one, while it is built. */
static uint32_t level_of(struct fuser *u, pipe_ref a)
{
    const struct pipe_graph *g = u->g;
    struct pipe_node *n = &g->nodes[a];
    uint32_t level = 0;

    if (a < u->nodes)
        return 0;
    for (uint32_t i = 0; !n->level && i < n->nargs + n->part_count; i++) {
        const uint32_t before = level_of(u, pipe_dependence(g, a, i));

        level = before > level ? before : level;
    }
    if (!n->level)
        n->level = level + pipe_levels(g, a) + 1;
    return n->level - 1;
}

static uint32_t latest(struct fuser *u, pipe_ref a, pipe_ref b)
{
    const uint32_t x = level_of(u, a);
    const uint32_t y = level_of(u, b);

    return x > y ? x : y;
}

/* An operation of two operands. Where one is a choice whose condition comes late, the operation is
 * done on both alternatives and the choice afterwards, if that makes the way shorter. */
static pipe_ref operate(struct fuser *u, enum spec_alu alu, uint32_t width, pipe_ref a, pipe_ref b)
{
    struct pipe_graph *g = u->g;
    const pipe_ref plain = pipe_alu(g, alu, width, a, b);

    for (uint32_t side = 0; side < 2 && u->distributed < DISTRIBUTED_MAX; side++) {
        const struct pipe_node n = g->nodes[side ? b : a];
        pipe_ref ways[2];

        if (n.kind != PIPE_K_SELECT || (side ? b : a) < u->nodes ||
            level_of(u, n.args[0]) < latest(u, n.args[1], n.args[2]))
            continue;
        u->distributed++;
        for (uint32_t i = 0; i < 2; i++)
            ways[i] = side ? operate(u, alu, width, a, n.args[1 + i])
                           : operate(u, alu, width, n.args[1 + i], b);
        ways[0] = pipe_select(g, n.args[0], ways[0], ways[1]);
        if (level_of(u, ways[0]) < level_of(u, plain))
            return ways[0];
    }
    return plain;
}

static pipe_ref cheap_product(struct pipe_graph *g, uint32_t width, pipe_ref a, uint64_t k)
{
    const struct terms t = terms_of(k, width);
    pipe_ref sum = pipe_const(g, 0);

    for (uint32_t i = t.count; i-- > 0;)
        sum = pipe_alu(g, t.minus[i] ? SPEC_ALU_SUB : SPEC_ALU_ADD, width, sum,
                       pipe_alu(g, SPEC_ALU_SHL, width, a, pipe_const(g, t.shift[i])));
    return sum;
}

static const char *name_of_kind(const struct pipe_node *n)
{
    switch (n->kind) {
    case PIPE_K_MUL:
        return "a multiplication";
    case PIPE_K_DIV:
        return "a division";
    case PIPE_K_PKT_LOAD:
        return "a load from the packet";
    case PIPE_K_LOOKUP:
    case PIPE_K_USE:
        return "a look-up";
    case PIPE_K_UPDATE:
    case PIPE_K_DELETE:
        return "an insertion or deletion";
    default:
        return "another map's value";
    }
}

/* Between members only what is combinational may stand. */
static bool is_combinational(const struct fuser *u, const char **why)
{
    const struct pipe_graph *g = u->g;
    uint32_t between = 0;

    if (u->after[u->r->start] || u->after[u->r->call]) {
        *why = "what is loaded decides where the value lies";
        return false;
    }
    for (uint32_t i = 0; i < g->walk_count; i++) {
        const struct pipe_node *n = &g->nodes[g->walk[i]];

        if (!u->after[g->walk[i]] || !u->needed[g->walk[i]] || is_member(u, g->walk[i]))
            continue;
        if (++between > INNER_MAX) {
            *why = "the change is too large";
            return false;
        }
        if (pipe_is_unit(n) && !is_cheap_product(g, n)) {
            *why = n->pc == IR_NO_PC
                       ? arena_printf(g->arena, "the change passes through %s", name_of_kind(n))
                       : arena_printf(g->arena, "the change passes through %s, instruction %u",
                                      name_of_kind(n), n->pc);
            return false;
        }
    }
    return true;
}

static pipe_ref make_arg(struct fuser *u, uint64_t imm, uint32_t bits)
{
    return pipe_arg(u->g, u->serial << 32 | imm, bits);
}

static pipe_ref input(struct fuser *u, pipe_ref a)
{
    uint32_t i = 0;

    while (i < u->input_count && u->inputs[i] != a)
        i++;
    if (i == u->input_count) {
        u->inputs = arena_grow(u->g->arena, u->inputs, u->input_count, &u->input_capacity,
                               sizeof(*u->inputs));
        u->inputs[u->input_count++] = a;
    }
    return make_arg(u, i, u->g->nodes[a].proved_bits);
}

static pipe_ref inner(struct fuser *u, pipe_ref a);

static struct pipe_part *inner_parts(struct fuser *u, const struct pipe_node *n)
{
    struct pipe_part *parts = arena_array(u->g->arena, n->part_count + 1, sizeof(*parts));

    for (uint32_t i = 0; i < n->part_count; i++) {
        const struct pipe_part p = n->parts[i];

        if (u->g->nodes[p.node].kind == PIPE_K_WINDOW) {
            parts[i] = (struct pipe_part){input(u, pipe_slice(u->g, p.node, p.index, 1)), 0};
        } else {
            parts[i] = (struct pipe_part){inner(u, p.node), p.index};
        }
    }
    return parts;
}

static pipe_ref copy(struct fuser *u, pipe_ref a)
{
    struct pipe_graph *g = u->g;
    const struct pipe_node n = g->nodes[a];
    const struct pipe_part *parts = inner_parts(u, &n);
    pipe_ref args[3];

    assert(n.nargs <= 3);
    for (uint32_t i = 0; i < n.nargs; i++)
        args[i] = inner(u, n.args[i]);
    g->pc = n.pc;
    switch (n.kind) {
    case PIPE_K_ALU:
        if (n.nargs > 1)
            return operate(u, (enum spec_alu)n.alu, n.width, args[0], args[1]);
        return pipe_alu(g, (enum spec_alu)n.alu, n.width, args[0], PIPE_NONE);
    case PIPE_K_MUL:
        return cheap_product(g, n.width, args[0], g->nodes[n.args[1]].imm);
    case PIPE_K_SELECT:
        return pipe_select(g, args[0], args[1], args[2]);
    case PIPE_K_AND:
        return pipe_and(g, args[0], args[1]);
    case PIPE_K_OR:
        return pipe_or(g, args[0], args[1]);
    case PIPE_K_NOT:
        return pipe_not(g, args[0]);
    case PIPE_K_BYTES:
        return pipe_bytes(g, parts, n.part_count);
    default:
        assert(n.kind == PIPE_K_COARSE || n.kind == PIPE_K_FINE || n.kind == PIPE_K_SPREAD);
        return pipe_pick(g, (enum pipe_kind)n.kind, n.size, n.step, args, n.nargs, parts,
                         n.part_count);
    }
}

/* What a node is inside: a copy if it depends on a member, else an input. */
static pipe_ref inner(struct fuser *u, pipe_ref a)
{
    const struct pipe_node *n = &u->g->nodes[a];

    if (n->kind == PIPE_K_CONST)
        return a;
    if (a == u->r->call) /* the unit runs only then */
        return pipe_const(u->g, 1);
    if (a >= u->nodes || !u->after[a])
        return input(u, a);
    if (!u->inside[a]) {
        assert(!is_member(u, a) && "members come in program order");
        u->copies++;
        u->inside[a] = copy(u, a);
    }
    return u->inside[a];
}

static pipe_ref read_state(struct fuser *u, uint32_t field, uint32_t size)
{
    return pipe_bytes(u->g, &u->state[field], size);
}

static void write_state(struct fuser *u, uint32_t field, uint32_t size, pipe_ref on, pipe_ref value)
{
    const pipe_ref now = pipe_select(u->g, on, value, read_state(u, field, size));

    for (uint32_t i = 0; i < size; i++)
        u->state[field + i] = (struct pipe_part){now, i};
}

/* An atomic's new value; the old one is `old`. */
static pipe_ref atomic_value(struct fuser *u, const struct pipe_node *n, pipe_ref old)
{
    struct pipe_graph *g = u->g;
    const pipe_ref operand = pipe_slice(g, inner(u, n->args[2]), 0, n->size);

    if (n->atomic == SPEC_ATOMIC_XCHG)
        return operand;
    if (n->atomic == SPEC_ATOMIC_CMPXCHG) {
        const pipe_ref expect = pipe_slice(g, inner(u, n->args[3]), 0, n->size);

        return pipe_select(g, pipe_alu(g, SPEC_ALU_EQ, 64, old, expect), operand, old);
    }
    return pipe_slice(g, pipe_alu(g, spec_atomic_alu[n->atomic], 64, old, operand), 0, n->size);
}

/* One access, after those before it. */
static void run_member(struct fuser *u, uint32_t i)
{
    struct pipe_graph *g = u->g;
    const pipe_ref ref = u->r->members[i];
    const struct pipe_node n = g->nodes[ref];
    const uint32_t field = u->r->fields[i];
    const pipe_ref old = read_state(u, field, n.size);
    pipe_ref on;
    pipe_ref value;

    u->inside[ref] = old;
    if (n.kind == PIPE_K_MAP_LOAD)
        return;
    on = inner(u, n.args[0]);
    value = n.kind == PIPE_K_MAP_ATOMIC ? atomic_value(u, &n, old)
                                        : pipe_slice(g, inner(u, n.args[2]), 0, n.size);
    write_state(u, field, n.size, on, value);
}

/* The nodes inside, and how long the longest path to one of them is; levels by node. */
static void list_inner(struct fuser *u, uint32_t *levels)
{
    struct pipe_graph *g = u->g;
    struct pipe_fused *f = u->fused;
    bool *is_inner = arena_array(g->arena, g->count, sizeof(*is_inner));

    f->inner = arena_array(g->arena, g->count - u->nodes + 1, sizeof(*f->inner));
    for (pipe_ref a = u->nodes; a < g->count; a++) {
        const struct pipe_node *n = &g->nodes[a];
        uint32_t level = 0;

        is_inner[a] = n->kind == PIPE_K_ARG;
        for (uint32_t i = 0; i < n->nargs + n->part_count; i++) {
            const pipe_ref d = pipe_dependence(g, a, i);

            is_inner[a] = is_inner[a] || is_inner[d];
            level = levels[d] > level ? levels[d] : level;
        }
        if (!is_inner[a])
            continue;
        f->inner[f->inner_count++] = a;
        g->nodes[a].level = 0;
        levels[a] = level + pipe_levels(g, a);
    }
}

static bool is_short(struct fuser *u, const char **why)
{
    struct pipe_graph *g = u->g;
    struct pipe_fused *f = u->fused;
    uint32_t *levels = arena_array(g->arena, g->count, sizeof(*levels));

    list_inner(u, levels);
    for (uint32_t i = 0; i < 8 * f->words; i++) {
        if (levels[f->row[i].node] > f->levels)
            f->levels = levels[f->row[i].node];
    }
    f->levels += ROW_LEVELS;
    if (f->levels <= g->unit_levels)
        return true;
    *why = arena_printf(g->arena, "the change takes %u LUT levels; a unit may have %u", f->levels,
                        g->unit_levels);
    return false;
}

/* What depends on members becomes an output where it stood, copies and members alike. */
static void make_outputs(struct fuser *u)
{
    struct pipe_graph *g = u->g;
    struct pipe_fused *f = u->fused;

    f->outputs = arena_array(g->arena, u->copies + u->r->count + 1, sizeof(*f->outputs));
    f->outs = arena_array(g->arena, u->copies + u->r->count + 1, sizeof(*f->outs));
    for (pipe_ref a = 1; a < u->nodes; a++) {
        struct pipe_node *n = &g->nodes[a];

        if (!u->inside[a])
            continue;
        n->part_count = 0;
        n->nargs = 0;
        if (n->kind == PIPE_K_MAP_STORE) {
            n->kind = PIPE_K_NONE;
            n->live = false;
            continue;
        }
        n->kind = PIPE_K_OUT;
        n->block = IR_NO_BLOCK;
        n->imm = f->output_count;
        n->args = arena_memdup(g->arena, &f->unit, sizeof(f->unit));
        n->nargs = 1;
        f->outputs[f->output_count] = u->inside[a];
        f->outs[f->output_count++] = a;
    }
}

/* The number of a value from the byte where it starts: a division, exact for 32 bits. */
static pipe_ref row_of(struct pipe_graph *g, pipe_ref start, uint32_t words)
{
    const pipe_ref first = pipe_alu(g, SPEC_ALU_LSHR, 32, start, pipe_const(g, 3));
    uint64_t inverse = UINT32_MAX / words + UINT64_C(1);

    if ((words & (words - 1)) == 0)
        return pipe_alu(g, SPEC_ALU_LSHR, 32, first, pipe_const(g, (uint64_t)__builtin_ctz(words)));
    return pipe_alu(g, SPEC_ALU_LSHR, 64,
                    pipe_alu(g, SPEC_ALU_MUL, 64, first, pipe_const(g, inverse)),
                    pipe_const(g, 32));
}

static void commit(struct fuser *u)
{
    struct pipe_graph *g = u->g;
    struct pipe_fused *f = u->fused;
    const pipe_ref first = u->r->members[0];
    const struct pipe_node n = {
        .kind = PIPE_K_FUSED, .map = (uint16_t)u->r->map, .bits = UINT32_MAX};
    pipe_ref *args = arena_array(g->arena, u->input_count + PIPE_FUSED_FIRST_INPUT, sizeof(*args));

    f->members = arena_array(g->arena, u->r->count, sizeof(*f->members));
    for (uint32_t i = 0; i < u->r->count; i++) {
        const pipe_ref m = u->r->members[i];

        f->members[f->member_count++] =
            (struct pipe_member){m, g->nodes[m].block, g->nodes[m].kind};
    }
    g->pc = g->nodes[first].pc;
    g->block = g->nodes[first].block;
    args[0] = u->r->call;
    args[1] = row_of(g, u->r->start, f->words);
    if (u->input_count)
        memcpy(args + PIPE_FUSED_FIRST_INPUT, u->inputs, u->input_count * sizeof(*args));
    f->unit = pipe_unit(g, n, args, u->input_count + PIPE_FUSED_FIRST_INPUT);
    g->nodes[f->unit].live = true;
    for (uint32_t i = 0; i < f->inner_count; i++)
        g->nodes[f->inner[i]].owner = f->unit;
    make_outputs(u);
    g->maps[u->r->map].fused = f;
}

bool pipe_fuse(struct pipe_graph *g, const struct pipe_fuse_request *r, struct pipe_fused **out,
               const char **why)
{
    struct fuser u = {.g = g, .r = r, .nodes = g->count, .serial = ++g->fuse_attempts};

    if (!pipe_order(g)) {
        *why = "its order is not clear";
        return false;
    }
    for (pipe_ref a = 1; a < g->count; a++) /* new nodes are made of whole values */
        g->nodes[a].bits = g->nodes[a].proved_bits;
    u.fused = arena_alloc(g->arena, sizeof(*u.fused));
    *u.fused = (struct pipe_fused){.map = r->map, .words = g->f->maps[r->map].stride_bytes / 8};
    u.inside = arena_array(g->arena, g->count, sizeof(*u.inside));
    find_between(&u);
    if (!is_combinational(&u, why))
        return false;
    for (uint32_t w = 0; w < u.fused->words; w++) {
        const pipe_ref word = make_arg(&u, PIPE_ARG_WORD | w, 64);

        for (uint32_t i = 0; i < 8; i++)
            u.state[8 * w + i] = (struct pipe_part){word, i};
    }
    for (uint32_t i = 0; i < r->count; i++)
        run_member(&u, i);
    u.fused->row = arena_memdup(g->arena, u.state, 8 * u.fused->words * sizeof(*u.state));
    if (!is_short(&u, why))
        return false;
    commit(&u);
    *out = u.fused;
    return true;
}
