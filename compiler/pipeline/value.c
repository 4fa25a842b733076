/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/pointers.h"
#include "compiler/pipeline/pipe.h"

#include <assert.h>

/* Accesses to the values of maps. Each becomes a unit of the map that its pointer leads to. Where
 * paths with pointers into different maps have come together, it becomes a unit of each of these
 * maps, of which the one runs that the pointer is of; which that is, and the address in it, are
 * read off the way in which the pointer was put together. */

/* One map that an access may go to. */
struct target {
    uint16_t map;
    pipe_ref on;      /* the pointer is of this map */
    pipe_ref pointer; /* as it is then */
};

struct targets {
    struct target *list;
    uint32_t count;
};

int pipe_check_map(struct pipe_graph *g, uint32_t pc, uint32_t map, bool hash)
{
    const struct ir_map *m;

    if (map >= g->f->map_count)
        return pipe_refuse(g, "PIPE0002", pc, "map %u does not exist: this is a bug in Sluice",
                           map);
    m = &g->f->maps[map];
    if (m->engine == SPEC_ENGINE_NONE || (hash && !spec_engine_has_keys(m->engine)))
        return pipe_refuse(g, "PIPE0006", pc,
                           "map %s is of a type that no hardware engine serves in this way; run "
                           "the program in software (interp, jit)",
                           m->name);
    return 0;
}

static bool has_no_tag(const struct pipe_graph *g, pipe_ref a)
{
    return g->nodes[a].bits <= SPEC_MAPPTR_SHIFT;
}

/* The operand of a sum that carries the map's number, or PIPE_NONE. An offset never changes that
 * number, since the access was proved to lie in the map; a small negative one is one too. */
static pipe_ref tagged_operand(const struct pipe_graph *g, const struct pipe_node *n)
{
    uint64_t k;

    if (n->kind != PIPE_K_ALU || n->width != 64 ||
        (n->alu != SPEC_ALU_ADD && n->alu != SPEC_ALU_OR))
        return PIPE_NONE;
    if (has_no_tag(g, n->args[1]) || (n->alu == SPEC_ALU_ADD && pipe_is_const(g, n->args[1], &k) &&
                                      (int64_t)k < 0 && (int64_t)k >= INT32_MIN))
        return n->args[0];
    return has_no_tag(g, n->args[0]) ? n->args[1] : PIPE_NONE;
}

/* What was found out about a pointer and the nodes that it is made of, for one map. */
struct tracer {
    struct pipe_graph *g;
    uint32_t map;
    pipe_ref *on; /* by node, or PIPE_NONE */
    pipe_ref *pointer;
};

static pipe_ref is_of(struct tracer *t, pipe_ref pointer);

static pipe_ref find_is_of(struct tracer *t, pipe_ref pointer)
{
    struct pipe_graph *g = t->g;
    const struct pipe_node n = g->nodes[pointer];
    const pipe_ref inner = tagged_operand(g, &n);

    if (n.kind == PIPE_K_SELECT) {
        const pipe_ref a = is_of(t, n.args[1]);
        const pipe_ref b = is_of(t, n.args[2]);

        return pipe_or(g, pipe_and(g, n.args[0], a), pipe_and(g, pipe_not(g, n.args[0]), b));
    }
    if (inner)
        return is_of(t, inner);
    return pipe_alu(g, SPEC_ALU_EQ, 32, pipe_slice(g, pointer, SPEC_MAPPTR_SHIFT / 8, 4),
                    pipe_const(g, t->map + 1));
}

/* Condition of one bit: the pointer is of this map. */
static pipe_ref is_of(struct tracer *t, pipe_ref pointer)
{
    if (!t->on[pointer])
        t->on[pointer] = find_is_of(t, pointer);
    return t->on[pointer];
}

static pipe_ref pointer_of(struct tracer *t, pipe_ref pointer);

static pipe_ref find_pointer_of(struct tracer *t, pipe_ref pointer)
{
    struct pipe_graph *g = t->g;
    const struct pipe_node n = g->nodes[pointer];
    const pipe_ref inner = tagged_operand(g, &n);
    const pipe_ref never = pipe_const(g, 0);

    if (inner) {
        const pipe_ref now = pointer_of(t, inner);
        const pipe_ref other = n.args[n.args[0] == inner ? 1 : 0];

        return now == inner ? pointer : pipe_alu(g, (enum spec_alu)n.alu, 64, now, other);
    }
    if (n.kind != PIPE_K_SELECT) /* bytes side by side: the lower half is where it is in the map */
        return n.kind == PIPE_K_BYTES && n.part_count > 4 ? pipe_slice(g, pointer, 0, 4) : pointer;
    if (is_of(t, n.args[1]) == never)
        return pointer_of(t, n.args[2]);
    if (is_of(t, n.args[2]) == never)
        return pointer_of(t, n.args[1]);
    return pipe_select(g, n.args[0], pointer_of(t, n.args[1]), pointer_of(t, n.args[2]));
}

/* The pointer where it is of this map: choices that are not are left out. */
static pipe_ref pointer_of(struct tracer *t, pipe_ref pointer)
{
    if (!t->pointer[pointer])
        t->pointer[pointer] = find_pointer_of(t, pointer);
    return t->pointer[pointer];
}

/* Lists the maps that an access may go to; -ENOTSUP if a pipeline cannot serve one of them. */
static int find_targets(struct pipe_graph *g, const struct ir_insn *in, struct targets *t)
{
    const pipe_ref pointer = g->value_of[in->args[0]];
    const pipe_ref never = pipe_const(g, 0);
    const uint32_t nodes = g->count; /* what the pointer is made of is among them */

    t->list = arena_array(g->arena, g->f->map_count + 1u, sizeof(*t->list));
    t->count = 0;
    if (in->map != IR_MAP_ANY) {
        t->list[t->count++] = (struct target){in->map, pipe_const(g, 1), pointer};
        return pipe_check_map(g, in->pc, in->map, false);
    }
    for (uint16_t m = 0; m < g->f->map_count; m++) {
        struct tracer trace = {.g = g,
                               .map = m,
                               .on = arena_array(g->arena, nodes, sizeof(pipe_ref)),
                               .pointer = arena_array(g->arena, nodes, sizeof(pipe_ref))};
        const pipe_ref on = is_of(&trace, pointer);
        int err;

        if (!ir_may_access(g->pointers, in, m))
            continue;
        /* a comparison at run time, not how the pointer was made: such a map has no values */
        if (on == never ||
            (g->f->maps[m].engine == SPEC_ENGINE_NONE && g->nodes[on].kind == PIPE_K_ALU))
            continue;
        err = pipe_check_map(g, in->pc, m, false);
        if (err)
            return err;
        t->list[t->count++] = (struct target){m, on, pointer_of(&trace, pointer)};
    }
    return 0;
}

/* The unit of one target; values come after its predicate and address. */
static pipe_ref access_one(struct pipe_graph *g, const struct ir_insn *in, const struct target *t,
                           struct pipe_node n, const pipe_ref *values, uint32_t count)
{
    pipe_ref args[4];

    assert(count <= 2);
    n.map = t->map;
    n.size = in->size;
    args[0] = pipe_and(g, g->on[in->block], t->on);
    args[1] = pipe_alu(g, SPEC_ALU_ADD, 32, t->pointer, pipe_const(g, (uint32_t)in->imm));
    for (uint32_t i = 0; i < count; i++)
        args[2 + i] = values[i];
    return pipe_unit(g, n, args, count + 2);
}

/* All targets; *out is what the one that runs gives. */
static int access_all(struct pipe_graph *g, const struct ir_insn *in, struct pipe_node n,
                      const pipe_ref *values, uint32_t count, pipe_ref *out)
{
    struct targets t;
    int err = find_targets(g, in, &t);

    if (err)
        return err;
    *out = pipe_const(g, 0);
    for (uint32_t i = 0; i < t.count; i++) {
        const pipe_ref unit = access_one(g, in, &t.list[i], n, values, count);

        if (n.bits)
            *out = i ? pipe_select(g, t.list[i].on, unit, *out) : unit;
    }
    return 0;
}

/* A value's lowest bytes in reverse order. */
static pipe_ref swap_bytes(struct pipe_graph *g, pipe_ref a, uint32_t size)
{
    struct pipe_part parts[8];

    assert(size >= 1 && size <= 8);
    for (uint32_t i = 0; i < size; i++)
        parts[i] = (struct pipe_part){a, size - 1 - i};
    return pipe_bytes(g, parts, size);
}

int pipe_map_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    const struct pipe_node n = {.kind = PIPE_K_MAP_LOAD, .bits = 8u * in->size};
    int err = access_all(g, in, n, NULL, 0, out);

    if (!err && in->swap)
        *out = swap_bytes(g, *out, in->size);
    return err;
}

int pipe_map_store(struct pipe_graph *g, const struct ir_insn *in)
{
    const struct pipe_node n = {.kind = PIPE_K_MAP_STORE};
    const pipe_ref plain = g->value_of[in->args[1]];
    const pipe_ref value = in->swap ? swap_bytes(g, plain, in->size) : plain;
    pipe_ref none;

    return access_all(g, in, n, &value, 1, &none);
}

int pipe_map_atomic(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    const struct pipe_node n = {
        .kind = PIPE_K_MAP_ATOMIC, .atomic = in->atomic, .fetch = in->fetch, .bits = 8u * in->size};
    pipe_ref values[2];

    for (uint32_t i = 1; i < in->nargs; i++)
        values[i - 1] = pipe_slice(g, g->value_of[in->args[i]], 0, in->size);
    return access_all(g, in, n, values, in->nargs - 1u, out);
}
