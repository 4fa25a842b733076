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

static ir_ref insert_alu(struct ir_func *f, ir_ref before, enum spec_alu alu, ir_ref a, uint64_t k)
{
    const struct ir_insn constant = {.op = IR_CONST, .imm = k, .pc = f->insns[before].pc};
    const struct ir_insn in = {
        .op = IR_ALU, .alu = (uint8_t)alu, .width = 64, .pc = f->insns[before].pc};
    const ir_ref args[2] = {a, ir_new(f, constant, NULL, 0)};
    const ir_block b = f->insns[before].block;
    ir_ref made;

    ir_insert(f, b, place_of(f, before), args[1]);
    made = ir_new(f, in, args, spec_alu_table[alu].arity);
    ir_insert(f, b, place_of(f, before), made);
    return made;
}

/* The member's bytes out of the wide load, in place of its own load. */
static void replace_member(struct ir_func *f, const struct member *m, ir_ref wide,
                           uint64_t skip_bytes)
{
    const bool swap = f->insns[m->load].swap;
    ir_ref v = wide;

    if (skip_bytes)
        v = insert_alu(f, m->load, SPEC_ALU_LSHR, v, 8 * skip_bytes);
    if (m->size < 8)
        v = insert_alu(f, m->load, SPEC_ALU_AND, v, (UINT64_C(1) << 8 * m->size) - 1);
    if (swap) {
        v = insert_alu(f, m->load, SPEC_ALU_BSWAP64, v, 0);
        if (m->size < 8)
            v = insert_alu(f, m->load, SPEC_ALU_LSHR, v, 64 - 8 * m->size);
    }
    ir_replace(f, m->load, v);
    ir_remove(f, m->load);
}

/* Members that lie in the eight bytes from low on become one load, put where the first of them
 * stood. */
static void join(struct coalescer *c, struct group *g, int64_t low)
{
    struct ir_func *f = c->f;
    const struct member *first = NULL;
    struct ir_insn wide;
    int64_t end = low;
    uint32_t count = 0;
    ir_ref made = IR_NONE;

    for (uint32_t i = 0; i < g->count; i++) {
        const struct member *m = &g->members[i];

        if (!m->load || m->offset < low || m->offset + m->size > low + 8)
            continue;
        first = first ? first : m;
        end = m->offset + m->size > end ? m->offset + m->size : end;
        count++;
    }
    assert(first);
    if (count > 1) {
        wide = f->insns[first->load];
        wide.size = (uint8_t)(end - low);
        wide.swap = false;
        wide.imm = (uint64_t)low;
        made = ir_new(f, wide, &g->base, 1);
        ir_insert(f, f->insns[first->load].block, place_of(f, first->load), made);
    }
    for (uint32_t i = 0; i < g->count; i++) {
        struct member *m = &g->members[i];

        if (!m->load || m->offset < low || m->offset + m->size > low + 8)
            continue;
        if (count > 1)
            replace_member(f, m, made, (uint64_t)(m->offset - low));
        m->load = IR_NONE;
    }
}

/* From the lowest offset on, eight bytes at a time. */
static void flush(struct coalescer *c, struct group *g)
{
    for (;;) {
        const struct member *lowest = NULL;

        for (uint32_t i = 0; i < g->count; i++) {
            if (g->members[i].load && (!lowest || g->members[i].offset < lowest->offset))
                lowest = &g->members[i];
        }
        if (!lowest)
            break;
        join(c, g, lowest->offset);
    }
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
