/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>

/* Nodes of the graph. Pure nodes are shared: the same operation on the same arguments is one node,
 * so that predicates and masks, which arise many times over, cost nothing twice and can be compared
 * by their number. */

#define TABLE_START 1024u

static uint32_t bits_of_value(uint64_t v)
{
    return v ? 64u - (uint32_t)__builtin_clzll(v) : 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t hash_node(const struct pipe_node *n)
{
    uint64_t h = mix(n->kind, (uint64_t)n->alu << 16 | (uint64_t)n->width << 8 | n->size);

    h = mix(h, n->imm);
    for (uint32_t i = 0; i < n->nargs; i++)
        h = mix(h, n->args[i]);
    for (uint32_t i = 0; i < n->part_count; i++)
        h = mix(h, (uint64_t)n->parts[i].node << 32 | n->parts[i].index);
    return h;
}

static bool same_node(const struct pipe_node *a, const struct pipe_node *b)
{
    if (a->kind != b->kind || a->alu != b->alu || a->width != b->width || a->size != b->size ||
        a->imm != b->imm || a->step != b->step || a->nargs != b->nargs ||
        a->part_count != b->part_count)
        return false;
    for (uint32_t i = 0; i < a->nargs; i++) {
        if (a->args[i] != b->args[i])
            return false;
    }
    for (uint32_t i = 0; i < a->part_count; i++) {
        if (a->parts[i].node != b->parts[i].node || a->parts[i].index != b->parts[i].index)
            return false;
    }
    return true;
}

static void rehash(struct pipe_graph *g)
{
    g->table_size = g->table_size ? 2 * g->table_size : TABLE_START;
    g->table = arena_array(g->arena, g->table_size, sizeof(*g->table));
    for (uint32_t i = 1; i < g->count; i++) {
        uint64_t h;

        if (pipe_is_unit(&g->nodes[i]))
            continue;
        h = hash_node(&g->nodes[i]);
        while (g->table[h % g->table_size])
            h++;
        g->table[h % g->table_size] = i;
    }
}

static pipe_ref add_node(struct pipe_graph *g, const struct pipe_node *n, const pipe_ref *args,
                         const struct pipe_part *parts)
{
    struct pipe_node *p;

    g->nodes = arena_grow(g->arena, g->nodes, g->count, &g->capacity, sizeof(*g->nodes));
    p = &g->nodes[g->count];
    *p = *n;
    p->args = n->nargs ? arena_memdup(g->arena, args, n->nargs * sizeof(*args)) : NULL;
    p->parts = n->part_count ? arena_memdup(g->arena, parts, n->part_count * sizeof(*parts)) : NULL;
    p->pc = g->pc;
    p->proved_bits = n->bits;
    p->stage = PIPE_NO_STAGE;
    return g->count++;
}

/* The node like n, made if there is none yet. */
static pipe_ref share(struct pipe_graph *g, struct pipe_node n, const pipe_ref *args,
                      const struct pipe_part *parts)
{
    uint64_t h;
    pipe_ref made;

    n.args = (pipe_ref *)(uintptr_t)args;
    n.parts = (struct pipe_part *)(uintptr_t)parts;
    n.block = IR_NO_BLOCK;
    h = hash_node(&n);
    for (; g->table[h % g->table_size]; h++) {
        const pipe_ref old = g->table[h % g->table_size];

        if (same_node(&g->nodes[old], &n))
            return old;
    }
    made = add_node(g, &n, args, parts);
    g->table[h % g->table_size] = made;
    if (2 * g->count > g->table_size)
        rehash(g);
    return made;
}

void pipe_graph_open(struct pipe_graph *g)
{
    const struct pipe_node none = {.kind = PIPE_K_NONE, .block = IR_NO_BLOCK};

    rehash(g);
    add_node(g, &none, NULL, NULL);
}

bool pipe_is_unit(const struct pipe_node *n)
{
    return n->kind >= PIPE_K_PKT_LOAD;
}

bool pipe_is_access(const struct pipe_node *n)
{
    return n->kind >= PIPE_K_MAP_LOAD && n->kind <= PIPE_K_DELETE;
}

bool pipe_asks_lpm(const struct pipe_graph *g, const struct pipe_node *n)
{
    return n->kind >= PIPE_K_LOOKUP && pipe_is_access(n) &&
           g->f->maps[n->map].engine == SPEC_ENGINE_LPM;
}

bool pipe_is_const(const struct pipe_graph *g, pipe_ref a, uint64_t *value)
{
    const struct pipe_node *n = &g->nodes[a];

    if (n->kind != PIPE_K_CONST)
        return false;
    *value = n->imm;
    return true;
}

static bool is_value(const struct pipe_graph *g, pipe_ref a, uint64_t value)
{
    return g->nodes[a].kind == PIPE_K_CONST && g->nodes[a].imm == value;
}

pipe_ref pipe_const(struct pipe_graph *g, uint64_t value)
{
    const struct pipe_node n = {.kind = PIPE_K_CONST, .imm = value, .bits = bits_of_value(value)};

    return share(g, n, NULL, NULL);
}

pipe_ref pipe_meta(struct pipe_graph *g, uint32_t which)
{
    static const uint8_t bits[SPEC_IN_COUNT + 1] = {
        [SPEC_IN_TIME] = SPEC_IN_TIME_BITS,
        [SPEC_IN_RAND] = SPEC_IN_RAND_BITS,
        [SPEC_IN_IFINDEX] = SPEC_IN_IFINDEX_BITS,
        [SPEC_IN_QUEUE] = SPEC_IN_QUEUE_BITS,
        [SPEC_IN_LEN] = SPEC_IN_LEN_BITS,
        [SPEC_IN_EGRESS] = SPEC_IN_EGRESS_BITS,
        [PIPE_IN_FIRST_BEAT] = 16,
    };
    const struct pipe_node n = {.kind = PIPE_K_META, .imm = which, .bits = bits[which]};

    return share(g, n, NULL, NULL);
}

/* Significant bits of an operation's result, from those of its operands. */
static uint32_t alu_bits(const struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                         pipe_ref b)
{
    const uint32_t x = min_u32(g->nodes[a].bits, width);
    const uint32_t y = min_u32(g->nodes[b].bits, width);
    uint64_t k = 0;
    const bool constant = pipe_is_const(g, b, &k);

    k &= width - 1;
    if (spec_alu_table[alu].cls == SPEC_ALU_CLASS_CMP)
        return 1;
    switch (alu) {
    case SPEC_ALU_ADD:
        return min_u32(width, max_u32(x, y) + 1);
    case SPEC_ALU_MUL:
        return min_u32(width, x + y);
    case SPEC_ALU_UDIV:
    case SPEC_ALU_UMOD:
    case SPEC_ALU_MOV:
        return x;
    case SPEC_ALU_AND:
        return min_u32(x, y);
    case SPEC_ALU_OR:
    case SPEC_ALU_XOR:
        return max_u32(x, y);
    case SPEC_ALU_SHL:
        return constant ? min_u32(width, x ? x + (uint32_t)k : 0) : width;
    case SPEC_ALU_LSHR:
        return constant ? x - min_u32(x, (uint32_t)k) : x;
    case SPEC_ALU_SEXT8:
        return x < 8 ? x : width;
    case SPEC_ALU_SEXT16:
        return x < 16 ? x : width;
    case SPEC_ALU_SEXT32:
        return x < 32 ? x : width;
    case SPEC_ALU_BSWAP16:
        return 16;
    case SPEC_ALU_BSWAP32:
        return 32;
    default:
        return width;
    }
}

pipe_ref pipe_arg(struct pipe_graph *g, uint64_t imm, uint32_t bits)
{
    const struct pipe_node n = {.kind = PIPE_K_ARG, .imm = imm, .bits = bits};

    return share(g, n, NULL, NULL);
}

pipe_ref pipe_alu(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a, pipe_ref b)
{
    const struct spec_alu_row *row = &spec_alu_table[alu];
    uint64_t ka = 0;
    uint64_t kb = 0;
    bool ca = pipe_is_const(g, a, &ka);
    bool cb = row->arity == 1 || pipe_is_const(g, b, &kb);
    struct pipe_node n = {.alu = (uint8_t)alu, .width = (uint8_t)width};
    pipe_ref args[2];
    pipe_ref simple;

    assert(alu > SPEC_ALU_NONE && alu < SPEC_ALU_COUNT);
    if (ca && cb)
        return pipe_const(g, spec_alu_eval(alu, width, ka, kb));
    if (ca && row->commutative) {
        const pipe_ref t = a;

        a = b;
        b = t;
        kb = ka;
        cb = true;
    }
    if (ca && !cb && row->swapped) /* constants stand on the right */
        return pipe_alu(g, (enum spec_alu)row->swapped, width, b, a);
    if (alu == SPEC_ALU_MOV)
        return width == 32 && g->nodes[a].bits > 32 ? pipe_slice(g, a, 0, 4) : a;
    if (alu == SPEC_ALU_SUB && cb) /* one form for what is at a constant distance */
        return pipe_alu(g, SPEC_ALU_ADD, width, a,
                        pipe_const(g, width == 32 ? (uint32_t)-kb : -kb));
    if (width == 32 && cb && row->arity == 2 && kb > UINT32_MAX)
        b = pipe_const(g, (uint32_t)kb);
    simple = pipe_simplify(g, alu, width, a, row->arity == 2 ? b : PIPE_NONE);
    if (simple)
        return simple;
    args[0] = a;
    args[1] = b;
    n.nargs = row->arity;
    n.bits = alu_bits(g, alu, width, a, row->arity == 2 ? b : PIPE_NONE);
    if (n.bits == 0)
        return pipe_const(g, 0);
    if (row->levels < 0) {
        n.kind = row->cls == SPEC_ALU_CLASS_MUL ? PIPE_K_MUL : PIPE_K_DIV;
        return pipe_unit(g, n, args, 2);
    }
    n.kind = PIPE_K_ALU;
    return share(g, n, args, NULL);
}

static pipe_ref logic(struct pipe_graph *g, enum pipe_kind kind, pipe_ref a, pipe_ref b)
{
    const struct pipe_node n = {.kind = (uint8_t)kind, .bits = 1, .nargs = 2};
    const pipe_ref args[2] = {a, b};

    assert(g->nodes[a].bits <= 1 && g->nodes[b].bits <= 1);
    return share(g, n, args, NULL);
}

static bool are_opposites(const struct pipe_graph *g, pipe_ref a, pipe_ref b)
{
    return (g->nodes[a].kind == PIPE_K_NOT && g->nodes[a].args[0] == b) ||
           (g->nodes[b].kind == PIPE_K_NOT && g->nodes[b].args[0] == a);
}

/* Is p one of a's conjuncts? */
static bool implies(const struct pipe_graph *g, pipe_ref a, pipe_ref p)
{
    while (a != p && g->nodes[a].kind == PIPE_K_AND) {
        if (g->nodes[a].args[1] == p)
            return true;
        a = g->nodes[a].args[0];
    }
    return a == p;
}

pipe_ref pipe_and(struct pipe_graph *g, pipe_ref a, pipe_ref b)
{
    if (is_value(g, a, 0) || is_value(g, b, 1) || implies(g, a, b))
        return a;
    if (is_value(g, b, 0) || is_value(g, a, 1) || implies(g, b, a))
        return b;
    if (are_opposites(g, a, b))
        return pipe_const(g, 0);
    return logic(g, PIPE_K_AND, a, b);
}

pipe_ref pipe_or(struct pipe_graph *g, pipe_ref a, pipe_ref b)
{
    const struct pipe_node *x = &g->nodes[a];
    const struct pipe_node *y = &g->nodes[b];

    if (is_value(g, a, 1) || is_value(g, b, 0) || a == b || implies(g, b, a))
        return a;
    if (is_value(g, b, 1) || is_value(g, a, 0) || implies(g, a, b))
        return b;
    if (are_opposites(g, a, b))
        return pipe_const(g, 1);
    /* x and c, or x and not c: x */
    if (x->kind == PIPE_K_AND && y->kind == PIPE_K_AND && x->args[0] == y->args[0]) {
        const pipe_ref common = x->args[0];
        const pipe_ref p = x->args[1];
        const pipe_ref q = y->args[1];

        return pipe_and(g, common, pipe_or(g, p, q));
    }
    return logic(g, PIPE_K_OR, a, b);
}

pipe_ref pipe_not(struct pipe_graph *g, pipe_ref a)
{
    const struct pipe_node n = {.kind = PIPE_K_NOT, .bits = 1, .nargs = 1};
    uint64_t k;

    if (pipe_is_const(g, a, &k))
        return pipe_const(g, !k);
    if (g->nodes[a].kind == PIPE_K_NOT)
        return g->nodes[a].args[0];
    return share(g, n, &a, NULL);
}

pipe_ref pipe_truth(struct pipe_graph *g, pipe_ref a)
{
    if (g->nodes[a].bits <= 1)
        return a;
    return pipe_alu(g, SPEC_ALU_NE, 64, a, pipe_const(g, 0));
}

pipe_ref pipe_select(struct pipe_graph *g, pipe_ref c, pipe_ref a, pipe_ref b)
{
    struct pipe_node n = {.kind = PIPE_K_SELECT, .nargs = 3};
    pipe_ref args[3];
    uint64_t k;

    if (g->nodes[c].kind == PIPE_K_NOT)
        return pipe_select(g, g->nodes[c].args[0], b, a);
    if (pipe_is_const(g, c, &k))
        return k ? a : b;
    if (g->nodes[a].kind == PIPE_K_SELECT && g->nodes[a].args[0] == c)
        a = g->nodes[a].args[1];
    if (g->nodes[b].kind == PIPE_K_SELECT && g->nodes[b].args[0] == c)
        b = g->nodes[b].args[2];
    if (a == b)
        return a;
    if (is_value(g, a, 1) && is_value(g, b, 0))
        return c;
    if (is_value(g, a, 0) && is_value(g, b, 1))
        return pipe_not(g, c);
    args[0] = c;
    args[1] = a;
    args[2] = b;
    n.bits = max_u32(g->nodes[a].bits, g->nodes[b].bits);
    return share(g, n, args, NULL);
}

pipe_ref pipe_bytes(struct pipe_graph *g, const struct pipe_part *parts, uint32_t count)
{
    struct pipe_node n = {.kind = PIPE_K_BYTES, .part_count = count, .bits = 8 * count};
    struct pipe_part flat[PIPE_MAX_BYTES];
    bool whole = true;
    bool constant = count <= 8;
    uint64_t value = 0;

    assert(count > 0 && count <= PIPE_MAX_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        const struct pipe_node *src = &g->nodes[parts[i].node];

        flat[i] = parts[i];
        if (src->kind == PIPE_K_BYTES)
            flat[i] = parts[i].index < src->part_count ? src->parts[parts[i].index]
                                                       : (struct pipe_part){pipe_const(g, 0), 0};
        src = &g->nodes[flat[i].node];
        if (src->kind != PIPE_K_WINDOW && 8 * flat[i].index >= src->bits)
            flat[i] = (struct pipe_part){pipe_const(g, 0), 0};
        src = &g->nodes[flat[i].node];
        whole = whole && flat[i].node == flat[0].node && flat[i].index == i;
        constant = constant && src->kind == PIPE_K_CONST;
        if (constant)
            value |= (src->imm >> 8 * flat[i].index & 0xff) << 8 * i;
    }
    if (constant)
        return pipe_const(g, value);
    if (whole && g->nodes[flat[0].node].kind != PIPE_K_WINDOW &&
        g->nodes[flat[0].node].bits <= 8 * count)
        return flat[0].node;
    while (n.part_count > 1 && g->nodes[flat[n.part_count - 1].node].kind == PIPE_K_CONST &&
           g->nodes[flat[n.part_count - 1].node].imm >> 8 * flat[n.part_count - 1].index % 64 == 0)
        n.part_count--;
    n.bits = 8 * n.part_count;
    if (n.part_count == 1 && flat[0].index == 0 && g->nodes[flat[0].node].kind != PIPE_K_WINDOW &&
        g->nodes[flat[0].node].bits <= 8)
        return flat[0].node;
    return share(g, n, NULL, flat);
}

pipe_ref pipe_slice(struct pipe_graph *g, pipe_ref a, uint32_t first, uint32_t count)
{
    struct pipe_part parts[PIPE_MAX_BYTES];

    assert(count <= PIPE_MAX_BYTES);
    for (uint32_t i = 0; i < count; i++)
        parts[i] = (struct pipe_part){a, first + i};
    return pipe_bytes(g, parts, count);
}

pipe_ref pipe_pick(struct pipe_graph *g, enum pipe_kind kind, uint32_t size, uint32_t step,
                   const pipe_ref *args, uint32_t nargs, const struct pipe_part *parts,
                   uint32_t part_count)
{
    const struct pipe_node n = {.kind = (uint8_t)kind,
                                .size = (uint8_t)size,
                                .step = (uint8_t)step,
                                .nargs = (uint16_t)nargs,
                                .part_count = part_count,
                                .bits = kind == PIPE_K_FINE ? 8 * size : 8 * (size + 7)};

    return share(g, n, args, parts);
}

pipe_ref pipe_unit(struct pipe_graph *g, struct pipe_node node, const pipe_ref *args,
                   uint32_t nargs)
{
    pipe_ref made;

    node.nargs = (uint16_t)nargs;
    made = add_node(g, &node, args, NULL);
    g->nodes[made].block = g->block;
    g->units = arena_grow(g->arena, g->units, g->unit_count, &g->unit_capacity, sizeof(*g->units));
    g->units[g->unit_count++] = made;
    return made;
}

pipe_ref pipe_relative(struct pipe_graph *g, pipe_ref p, pipe_ref base)
{
    const struct pipe_node *n = &g->nodes[p];
    pipe_ref left;
    pipe_ref right;

    if (p == base)
        return pipe_const(g, 1);
    if (n->kind != PIPE_K_AND || !implies(g, p, base))
        return p;
    left = n->args[0];
    right = n->args[1];
    if (right == base)
        return left;
    left = pipe_relative(g, left, base);
    return pipe_and(g, left, right);
}
