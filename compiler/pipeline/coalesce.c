/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>

/* Loads from one value of a map that lie within eight bytes become one, since each access is a unit
 * of its own and takes its turn at the map's port; the memory serves any size and address. Only
 * within a block, and not over a write of the same map. needs: nothing. keeps: control flow. */

struct member {
    ir_ref load;
    int64_t offset; /* from the base */
    uint32_t size;
};

struct group {
    ir_ref base;
    uint16_t map;
    struct member *members; /* in program order */
    uint32_t count;
    uint32_t capacity;
};

struct coalescer {
    struct ir_func *f;
    struct group *groups;
    uint32_t count;
    uint32_t capacity;
};

/* The base of an address, with constants added up. */
static ir_ref base_of(const struct ir_func *f, ir_ref address, int64_t *offset)
{
    for (;;) {
        const struct ir_insn *in = &f->insns[address];

        if (in->op != IR_ALU || in->alu != SPEC_ALU_ADD || in->width != 64 ||
            f->insns[in->args[1]].op != IR_CONST)
            return address;
        *offset += (int64_t)f->insns[in->args[1]].imm;
        address = in->args[0];
    }
}

static void note_load(struct coalescer *c, ir_ref load)
{
    const struct ir_insn *in = &c->f->insns[load];
    struct member m = {.load = load, .offset = (int64_t)in->imm, .size = in->size};
    const ir_ref base = base_of(c->f, in->args[0], &m.offset);
    struct group *g = NULL;

    for (uint32_t i = 0; i < c->count && !g; i++) {
        if (c->groups[i].base == base && c->groups[i].map == in->map)
            g = &c->groups[i];
    }
    if (!g) {
        c->groups = arena_grow(c->f->arena, c->groups, c->count, &c->capacity, sizeof(*c->groups));
        g = &c->groups[c->count++];
        *g = (struct group){.base = base, .map = in->map};
    }
    g->members = arena_grow(c->f->arena, g->members, g->count, &g->capacity, sizeof(*g->members));
    g->members[g->count++] = m;
}

static uint32_t place_of(const struct ir_func *f, ir_ref ref)
{
    const struct ir_block_data *d = &f->blocks[f->insns[ref].block];
    uint32_t i = 0;

    while (d->insns[i] != ref)
        i++;
    return i;
}

static ir_ref insert_op(struct ir_func *f, ir_ref before, enum spec_alu alu, ir_ref a, ir_ref b)
{
    const struct ir_insn in = {
        .op = IR_ALU, .alu = (uint8_t)alu, .width = 64, .pc = f->insns[before].pc};
    const ir_ref args[2] = {a, b};
    const ir_ref made = ir_new(f, in, args, spec_alu_table[alu].arity);

    ir_insert(f, f->insns[before].block, place_of(f, before), made);
    return made;
}

static ir_ref insert_const_op(struct ir_func *f, ir_ref before, enum spec_alu alu, ir_ref a,
                              uint64_t k)
{
    const struct ir_insn constant = {.op = IR_CONST, .imm = k, .pc = f->insns[before].pc};
    const ir_ref b = ir_new(f, constant, NULL, 0);

    ir_insert(f, f->insns[before].block, place_of(f, before), b);
    return insert_op(f, before, alu, a, b);
}

/* Parts that a group is loaded in: bytes start to end from the base. */
struct part {
    int64_t start;
    int64_t end;
    ir_ref load;
};

static int64_t end_of(const struct member *m)
{
    return m->offset + m->size;
}

/* Parts of up to eight bytes, each from the lowest byte that is not covered yet; no member lies in
 * two. */
static uint32_t parts_from_lowest(const struct group *g, struct part *parts)
{
    uint32_t count = 0;

    for (;;) {
        struct part p = {.start = INT64_MAX, .end = INT64_MIN};

        for (uint32_t i = 0; i < g->count; i++) {
            const struct member *m = &g->members[i];

            if (m->offset < p.start && (count == 0 || end_of(m) > parts[count - 1].start + 8))
                p.start = m->offset;
        }
        if (p.start == INT64_MAX)
            return count;
        for (uint32_t i = 0; i < g->count; i++) {
            const struct member *m = &g->members[i];

            if (m->offset >= p.start && end_of(m) <= p.start + 8 && end_of(m) > p.end)
                p.end = end_of(m);
        }
        parts[count++] = p;
    }
}

/* Whole words, as far as they are used: a member may lie in two. */
static uint32_t parts_by_words(const struct group *g, struct part *parts)
{
    uint32_t count = 0;
    int64_t from = INT64_MIN;

    for (;;) {
        struct part p = {.start = INT64_MAX, .end = INT64_MIN};
        int64_t word;

        for (uint32_t i = 0; i < g->count; i++) {
            const struct member *m = &g->members[i];
            const int64_t low = m->offset > from ? m->offset : from;

            if (end_of(m) > low && low < p.start)
                p.start = low;
        }
        if (p.start == INT64_MAX)
            return count;
        word = p.start & ~INT64_C(7);
        for (uint32_t i = 0; i < g->count; i++) {
            const struct member *m = &g->members[i];
            const int64_t high = end_of(m) < word + 8 ? end_of(m) : word + 8;

            if (m->offset < word + 8 && high > p.end)
                p.end = high;
        }
        parts[count++] = p;
        from = word + 8;
    }
}

/* A member's bytes that lie in a part, moved to where they belong in the member's value. */
static ir_ref take_part(struct ir_func *f, const struct member *m, const struct part *p)
{
    ir_ref v = p->load;

    if (m->offset > p->start)
        return insert_const_op(f, m->load, SPEC_ALU_LSHR, v, 8 * (uint64_t)(m->offset - p->start));
    if (m->offset < p->start)
        return insert_const_op(f, m->load, SPEC_ALU_SHL, v, 8 * (uint64_t)(p->start - m->offset));
    return v;
}

static void replace_member(struct ir_func *f, const struct member *m, const struct part *parts,
                           uint32_t count, bool whole)
{
    const bool swap = f->insns[m->load].swap;
    ir_ref v = IR_NONE;

    for (uint32_t i = 0; i < count; i++) {
        ir_ref x;

        if (end_of(m) <= parts[i].start || m->offset >= parts[i].end ||
            (whole && (m->offset < parts[i].start || end_of(m) > parts[i].end)))
            continue;
        x = take_part(f, m, &parts[i]);
        v = v ? insert_op(f, m->load, SPEC_ALU_OR, v, x) : x;
        if (whole)
            break;
    }
    assert(v && "each member lies in some part");
    if (m->size < 8)
        v = insert_const_op(f, m->load, SPEC_ALU_AND, v, (UINT64_C(1) << 8 * m->size) - 1);
    if (swap) {
        v = insert_op(f, m->load, SPEC_ALU_BSWAP64, v, IR_NONE);
        if (m->size < 8)
            v = insert_const_op(f, m->load, SPEC_ALU_LSHR, v, 64 - 8 * m->size);
    }
    ir_replace(f, m->load, v);
    ir_remove(f, m->load);
}

static bool crosses_words(const struct group *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        if ((g->members[i].offset & 7) + g->members[i].size > 8)
            return true;
    }
    return false;
}

/* The group's loads become those of its parts, where the first of them stood. Words are better if
 * they are not more: words may lie in memories of their own. */
static void flush(struct coalescer *c, struct group *g)
{
    struct ir_func *f = c->f;
    struct part *parts = arena_array(f->arena, 2 * g->count + 1, sizeof(*parts));
    struct part *lowest = arena_array(f->arena, g->count + 1, sizeof(*lowest));
    uint32_t count = parts_by_words(g, parts);
    const uint32_t fewest = parts_from_lowest(g, lowest);
    const bool whole = fewest < count;
    bool useful;

    if (whole) {
        parts = lowest;
        count = fewest;
    }
    useful = count < g->count || (!whole && count == g->count && crosses_words(g));
    for (uint32_t i = 0; i < count && useful; i++) {
        const ir_ref first = g->members[0].load;
        struct ir_insn wide = f->insns[first];

        wide.size = (uint8_t)(parts[i].end - parts[i].start);
        wide.swap = false;
        wide.imm = (uint64_t)parts[i].start;
        parts[i].load = ir_new(f, wide, &g->base, 1);
        ir_insert(f, f->insns[first].block, place_of(f, first), parts[i].load);
    }
    for (uint32_t i = 0; i < g->count && useful; i++)
        replace_member(f, &g->members[i], parts, count, whole);
    g->count = 0;
}

static void flush_map(struct coalescer *c, uint16_t map)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (map == IR_MAP_ANY || c->groups[i].map == map)
            flush(c, &c->groups[i]);
    }
}

static bool writes_map(const struct ir_insn *in)
{
    return (in->op == IR_STORE && in->region == IR_REGION_MAP) || in->op == IR_ATOMIC ||
           in->op == IR_MAP_UPDATE || in->op == IR_MAP_DELETE;
}

void pipe_coalesce(struct pipe_graph *g)
{
    struct ir_func *f = g->f;

    for (ir_block b = 0; b < f->block_count; b++) {
        struct coalescer c = {.f = f};
        const uint32_t count = f->blocks[b].count;
        const ir_ref *insns = arena_memdup(f->arena, f->blocks[b].insns, count * sizeof(*insns));

        for (uint32_t i = 0; i < count; i++) {
            const struct ir_insn *in = &f->insns[insns[i]];

            if (in->op == IR_LOAD && in->region == IR_REGION_MAP && in->map != IR_MAP_ANY)
                note_load(&c, insns[i]);
            else if (writes_map(in))
                flush_map(&c, in->map);
        }
        flush_map(&c, IR_MAP_ANY);
    }
}
