/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* What was found out, joined over all paths. A path that ends early because a kept state covers it
 * adds nothing: what was noted on the ways from that state holds for it too, except constants and
 * limits that rest on numbers in which the two differ. Those numbers are marked open, and
 * verify_facts_finish takes back what rests on them. */

uint32_t verify_context_of_call(const struct verify_result *result, uint32_t context,
                                uint32_t call_insn, uint32_t subprog)
{
    for (uint32_t i = context + 1; i < result->context_count; i++) {
        const struct verify_context *c = &result->contexts[i];

        if (c->parent == context && c->call_insn == call_insn && c->subprog == subprog)
            return i;
    }
    return UINT32_MAX;
}

uint32_t verify_context_for(struct verifier *v, uint32_t subprog, uint32_t parent,
                            uint32_t call_insn, uint32_t depth)
{
    struct verify_result *r = v->result;
    const uint32_t found =
        depth ? verify_context_of_call(r, parent, call_insn, subprog) : UINT32_MAX;
    struct verify_context *c;

    if (found != UINT32_MAX)
        return found;
    r->contexts = arena_grow(v->arena, r->contexts, r->context_count, &v->context_capacity,
                             sizeof(*r->contexts));
    c = &r->contexts[r->context_count];
    *c = (struct verify_context){.subprog = subprog,
                                 .parent = parent,
                                 .call_insn = call_insn,
                                 .depth = depth,
                                 .facts = arena_array(v->arena, v->prog->subprogs[subprog].count,
                                                      sizeof(struct verify_fact))};
    return r->context_count++;
}

struct verify_fact *verify_fact_at(struct verifier *v, uint32_t at)
{
    const struct verify_context *c = &v->result->contexts[cur_frame(v)->context];

    return &c->facts[at - v->prog->subprogs[c->subprog].start];
}

/* ---- pointers ---- */

static enum verify_region region_of(const struct reg *r)
{
    switch ((enum reg_type)r->type) {
    case REG_CTX:
        return VERIFY_REGION_CTX;
    case REG_STACK:
        return VERIFY_REGION_STACK;
    case REG_PACKET:
        return VERIFY_REGION_PKT;
    case REG_META:
        return VERIFY_REGION_META;
    case REG_VALUE:
        return VERIFY_REGION_MAP;
    case REG_RECORD:
        return VERIFY_REGION_RECORD;
    case REG_KEY:
        return VERIFY_REGION_KEY;
    default:
        return VERIFY_REGION_NONE;
    }
}

static bool is_target(const struct verifier *v, const struct reg *r)
{
    return r->type == REG_VALUE && spec_map_type_table[v->object->maps[r->map].type].redirect;
}

/* Who took a record. One that a helper gives away is still held here. */
static void note_taker(const struct verifier *v, uint32_t id, struct verify_pointer *p)
{
    for (uint32_t i = 0; i < v->cur.ref_count; i++) {
        if (v->cur.refs[i].id != id)
            continue;
        p->taken_at = v->cur.refs[i].insn;
        p->taken_in = v->cur.refs[i].context;
        return;
    }
    p->region = VERIFY_REGION_MIXED;
}

static struct verify_pointer pointer_of(const struct verifier *v, const struct reg *r, int32_t off)
{
    const int64_t fixed = (int64_t)r->off + off;
    struct verify_pointer p = {.region = (uint8_t)region_of(r), .map = VERIFY_MAP_NONE};

    if (p.region == VERIFY_REGION_NONE)
        return p;
    p.off_min = (int32_t)(fixed + r->num.smin);
    p.off_max = (int32_t)(fixed + r->num.smax);
    if (p.region == VERIFY_REGION_STACK || p.region == VERIFY_REGION_KEY)
        p.frame = r->frame;
    if (p.region == VERIFY_REGION_RECORD)
        note_taker(v, r->ref, &p);
    if (p.region == VERIFY_REGION_KEY && r->map < v->own_maps)
        p.map = r->map;
    if (p.region != VERIFY_REGION_MAP)
        return p;
    if (r->map < v->own_maps && !is_target(v, r))
        p.map = r->map;
    else if (!is_target(v, r) && verify_outer_map(v, r->map) != VERIFY_MAP_NONE)
        p.map = VERIFY_MAP_ANY; /* of a map in a map of maps, whichever that is */
    else                        /* the kernel's, or an argument */
        p.region = VERIFY_REGION_MIXED;
    return p;
}

static bool same_memory(const struct verify_pointer *p, const struct verify_pointer *q)
{
    return p->region == q->region && p->frame == q->frame && p->taken_at == q->taken_at &&
           p->taken_in == q->taken_in;
}

static void join_offsets(struct verify_pointer *p, const struct verify_pointer *q)
{
    if (p->map != q->map)
        p->map = VERIFY_MAP_ANY;
    p->off_min = p->off_min < q->off_min ? p->off_min : q->off_min;
    p->off_max = p->off_max > q->off_max ? p->off_max : q->off_max;
}

/* Joins one more pointer into those of a mixed one, each kind of memory by itself. */
static void join_kind(struct verifier *v, struct verify_pointer *p, const struct verify_pointer *q)
{
    struct verify_kind *k = p->kinds;

    while (k && !same_memory(&k->pointer, q))
        k = k->next;
    if (k) {
        join_offsets(&k->pointer, q);
        return;
    }
    k = arena_alloc(v->arena, sizeof(*k));
    *k = (struct verify_kind){.next = p->kinds, .pointer = *q};
    p->kinds = k;
}

static void join_pointer(struct verifier *v, struct verify_pointer *p,
                         const struct verify_pointer *q, bool first)
{
    if (first) {
        *p = *q;
        return;
    }
    if (!same_memory(p, q) || p->kinds) {
        if (!p->kinds) {
            const struct verify_pointer before = *p;

            join_kind(v, p, &before);
        }
        join_kind(v, p, q);
        p->region = VERIFY_REGION_MIXED;
    }
    join_offsets(p, q);
}

void verify_note_access(struct verifier *v, const struct access *a)
{
    struct verify_pointer *p = &verify_fact_at(v, a->at)->access;
    const struct verify_pointer q = pointer_of(v, &a->base, a->off);

    verify_fact_at(v, a->at)->reads_target |= is_target(v, &a->base);
    join_pointer(v, p, &q, p->region == VERIFY_REGION_NONE);
}

void verify_note_depth(struct verifier *v, uint32_t frame, int64_t low)
{
    const uint32_t context = v->cur.frames[frame].context;
    uint32_t *bytes = &v->result->stack_bytes[v->result->contexts[context].subprog];
    const uint32_t needed = ((uint32_t)-low + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;

    *bytes = *bytes > needed ? *bytes : needed;
}

/* ---- numbers ---- */

/* The fact rests on a number. The number gets a node of its own, which leads back to the fact. */
static void rest_on(struct verifier *v, struct number_fact fact, uint32_t *node)
{
    if (*node == 0)
        return; /* made of constants alone: the same on every path */
    v->number_facts = arena_grow(v->scratch, v->number_facts, v->number_fact_count,
                                 &v->number_fact_capacity, sizeof(*v->number_facts));
    v->number_facts[v->number_fact_count++] = fact;
    *node = verify_node_after(v, *node);
    v->graph.nodes[*node].fact = v->number_fact_count;
}

/* Joins one more value into "always this"; true if it still is. */
static bool join_const(bool *is_const, uint64_t *value, bool first, const struct reg *r)
{
    const bool now = r->type == REG_SCALAR && scalar_is_const(&r->num);

    if (first && now)
        *value = r->num.bits.value;
    *is_const = now && (first || (*is_const && *value == r->num.bits.value));
    return *is_const;
}

void verify_note_result(struct verifier *v, uint32_t at, struct reg *r)
{
    struct verify_fact *f = verify_fact_at(v, at);

    if (join_const(&f->dst_const, &f->dst_value, !f->reached, r))
        rest_on(v, (struct number_fact){&f->dst_const, NULL}, &r->node);
    f->reached = true;
}

/* Joins one more number into an argument's facts. */
static void join_number(struct verifier *v, struct verify_arg *a, bool first, const struct reg *r)
{
    const uint64_t max = r->type == REG_SCALAR ? r->num.umax : UINT64_MAX;
    const bool is_const = join_const(&a->is_const, &a->value, first, r);
    uint32_t node = r->node;

    a->max = first || a->max < max ? max : a->max;
    if (is_const || a->max < UINT64_MAX)
        rest_on(v, (struct number_fact){&a->is_const, &a->max}, &node);
}

/* What the arguments are when r1 is this map: calls of several maps lead to several keys. */
static void note_call_of_map(struct verifier *v, struct verify_fact *f, uint32_t count)
{
    const uint16_t map = (uint16_t)cur_reg(v, 1)->map;
    struct verify_call_of_map *call = f->of_maps;
    bool first = false;

    while (call && call->map != map)
        call = call->next;
    if (!call) {
        call = arena_alloc(v->arena, sizeof(*call));
        *call = (struct verify_call_of_map){.next = f->of_maps, .map = map};
        f->of_maps = call;
        first = true;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct verify_pointer p = pointer_of(v, cur_reg(v, i + 1), 0);

        join_pointer(v, &call->pointers[i], &p, first);
    }
}

void verify_note_args(struct verifier *v, uint32_t at, uint32_t count)
{
    struct verify_fact *f = verify_fact_at(v, at);
    const bool first = !f->args;

    if (first)
        f->args = arena_array(v->arena, ARG_COUNT, sizeof(*f->args));
    if (count && cur_reg(v, 1)->type == REG_MAP && cur_reg(v, 1)->map < v->own_maps)
        note_call_of_map(v, f, count);
    for (uint32_t i = 0; i < ARG_COUNT; i++) {
        const struct reg *r = cur_reg(v, i + 1);
        const bool used = i < count;
        const struct verify_pointer p = pointer_of(v, r, 0);
        const bool own = r->map < v->own_maps;
        const uint16_t map = !used || r->type != REG_MAP ? VERIFY_MAP_NONE
                             : own                       ? r->map
                                                         : VERIFY_MAP_ANY;
        struct verify_arg *a = &f->args[i];

        if (first)
            a->pointer.map = a->map = VERIFY_MAP_NONE;
        if (!used)
            continue;
        f->reads_target |= is_target(v, r);
        join_pointer(v, &a->pointer, &p, first);
        join_number(v, a, first, r);
        a->map = first || a->map == map ? map : VERIFY_MAP_ANY;
        if (map < SPEC_MAPS)
            a->maps |= UINT64_C(1) << map;
        if (map == VERIFY_MAP_ANY)
            a->inner |= UINT64_C(1) << verify_outer_map(v, r->map);
    }
}

/* What was made from open numbers is open. A node comes after those that it was made from. */
static void spread_open(struct graph *g)
{
    for (uint32_t n = 1; n < g->count; n++)
        for (int i = 0; i < 2; i++)
            if (g->nodes[n].from[i] && g->nodes[g->nodes[n].from[i]].open)
                g->nodes[n].open = true;
}

static void take_back(const struct number_fact *f)
{
    *f->is_const = false;
    if (f->max)
        *f->max = UINT64_MAX;
}

void verify_facts_finish(struct verifier *v)
{
    struct graph *g = &v->graph;
    bool changed = true;

    while (changed) {
        changed = false;
        spread_open(g);
        for (uint32_t i = 0; i < g->follows_count; i++) {
            const struct follows *f = &g->follows[i];

            if (g->nodes[f->other].open && !g->nodes[f->node].open)
                changed = g->nodes[f->node].open = true;
        }
    }
    for (uint32_t n = 1; n < g->count; n++)
        if (g->nodes[n].open && g->nodes[n].fact)
            take_back(&v->number_facts[g->nodes[n].fact - 1]);
}

bool verify_number_holds(const struct verifier *v, uint32_t node)
{
    return node == 0 || !v->graph.nodes[node].open;
}
