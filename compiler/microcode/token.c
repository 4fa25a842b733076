/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/pointers.h"
#include "compiler/microcode/mach.h"

/* Which accesses of maps need an ordering token: those that could see or leave something else if
 * packets did not run one after the other. A map has one for its keys and one for its values, so
 * that a packet whose look-up is done lets the next one look up while it works on the value.
 *
 * Keys: if the program adds or removes keys of a map, or changes an LRU map's order, all operations
 * on keys need this token. Values: if it adds or removes keys, all accesses do, and additions and
 * removals too, which write values and give their places to other keys; so nobody's entry goes
 * while it is used. Otherwise values are compared byte by byte: what is only read, or only changed
 * by atomic operations without fetch that all commute and that nobody reads, is free. Look-ups
 * touch no value.
 *
 * Where a value's bytes are not known, an access stands for all of them.
 *
 * A packet that leaves for the host (IR_HOST) keeps its tokens until the host has run the program
 * on it: so the maps that the program touches then count as touched there, and those that it
 * changes as if entries came and went. */

enum { DEPTH_MAX = 16, ATOMIC_MIXED = 0xff };

struct byte_use {
    bool read;
    bool written;
    uint8_t atomic; /* kind and size of the atomics that change it, ATOMIC_MIXED: several */
};

struct map_use {
    bool entries_change;
    bool order_changes;     /* of an LRU map */
    struct byte_use *bytes; /* of one value */
    uint32_t count;
};

struct tokens {
    struct mach *m;
    struct map_use *maps;
    const uint64_t *pointers; /* ir_pointers */
};

/* The bytes of a value that an access touches. */
struct span {
    uint32_t first;
    uint32_t count;
};

/* --- which bytes --- */

/* The upper half of a pointer, and nothing in the lower one. */
static bool is_map_number(const struct ir_func *f, ir_ref ref)
{
    const struct ir_insn *in = &f->insns[ref];

    if (in->op == IR_CONST)
        return (uint32_t)in->imm == 0;
    return in->op == IR_ALU && in->alu == SPEC_ALU_SHL && in->width == 64 &&
           f->insns[in->args[1]].op == IR_CONST && f->insns[in->args[1]].imm == SPEC_MAPPTR_SHIFT;
}

/* What the lower half of a pointer, put together of both, was made of. An entry that there is lies
 * within 32 bits, so nothing was cut off. */
static ir_ref low_half(const struct ir_func *f, ir_ref ref)
{
    const struct ir_insn *in = &f->insns[ref];

    return in->op == IR_ALU && in->alu == SPEC_ALU_MOV && in->width == 32 ? in->args[0] : ref;
}

/* An address's offset within a value, modulo the stride. Values start at multiples of the stride.
 */
static bool offset_in_value(const struct ir_func *f, ir_ref ref, uint32_t stride, uint32_t depth,
                            uint64_t *out)
{
    const struct ir_insn *in = &f->insns[ref];
    uint64_t x = 0;
    uint64_t y = 0;

    if (depth == 0)
        return false;
    if (in->op == IR_CONST) {
        x = in->imm % (UINT64_C(1) << SPEC_MAPPTR_SHIFT) % stride;
        y = (0 - in->imm) % stride;
        *out = (int64_t)in->imm < 0 ? (stride - y) % stride : x;
        return true;
    }
    if (ir_is_lookup(in)) {
        *out = 0;
        return true;
    }
    if (in->op == IR_SELECT) {
        *out = 0;
        return offset_in_value(f, in->args[1], stride, depth - 1, &x) &&
               offset_in_value(f, in->args[2], stride, depth - 1, out) && x == *out;
    }
    if (in->op != IR_ALU || in->width != 64)
        return false;
    if (in->alu == SPEC_ALU_MOV)
        return offset_in_value(f, in->args[0], stride, depth - 1, out);
    if (in->alu == SPEC_ALU_ADD) {
        if (!offset_in_value(f, in->args[0], stride, depth - 1, &x) ||
            !offset_in_value(f, in->args[1], stride, depth - 1, &y))
            return false;
        *out = (x + y) % stride;
        return true;
    }
    if (in->alu == SPEC_ALU_OR && is_map_number(f, in->args[0]))
        return offset_in_value(f, low_half(f, in->args[1]), stride, depth - 1, out);
    *out = 0; /* a multiple of the stride? */
    if (in->nargs != 2 || f->insns[in->args[1]].op != IR_CONST)
        return false;
    if (in->alu == SPEC_ALU_MUL)
        return f->insns[in->args[1]].imm % stride == 0;
    return in->alu == SPEC_ALU_SHL &&
           (UINT64_C(1) << (f->insns[in->args[1]].imm & 63)) % stride == 0;
}

static struct span span_of(const struct tokens *t, const struct ir_insn *in, uint32_t map)
{
    const uint32_t stride = t->maps[map].count;
    const struct span all = {0, stride};
    uint64_t offset = 0;

    if (!offset_in_value(t->m->ir, in->args[0], stride, DEPTH_MAX, &offset))
        return all;
    offset = (offset + in->imm % stride + stride) % stride;
    if ((int64_t)in->imm < 0 || offset + in->size > stride)
        return all;
    return (struct span){(uint32_t)offset, in->size};
}

/* --- how they are used --- */

static void use_byte(struct byte_use *b, const struct ir_insn *in)
{
    const uint8_t kind = (uint8_t)(in->atomic << 4 | in->size);

    b->read |= in->op == IR_LOAD || (in->op == IR_ATOMIC && in->fetch);
    b->written |= in->op == IR_STORE;
    if (in->op != IR_ATOMIC)
        return;
    if (in->atomic == SPEC_ATOMIC_XCHG || in->atomic == SPEC_ATOMIC_CMPXCHG)
        b->written = true;
    b->atomic = b->atomic == 0 || b->atomic == kind ? kind : ATOMIC_MIXED;
}

static void use_map(struct tokens *t, const struct ir_insn *in, uint32_t map)
{
    struct map_use *u = &t->maps[map];
    struct span span;

    if (ir_is_map_op(in)) {
        u->order_changes |= in->op == IR_MAP_USE;
        u->entries_change |= !ir_is_lookup(in);
        return;
    }
    span = span_of(t, in, map);
    for (uint32_t i = 0; i < span.count; i++)
        use_byte(&u->bytes[span.first + i], in);
}

static bool byte_needs_token(const struct byte_use *b, const struct ir_insn *in)
{
    const bool changed = b->written || b->atomic != 0;

    if (in->op == IR_LOAD)
        return changed;
    if (in->op == IR_STORE)
        return true;
    return b->read || b->written || b->atomic == ATOMIC_MIXED;
}

static bool value_needs_token(const struct tokens *t, const struct ir_insn *in, uint32_t map)
{
    const struct map_use *u = &t->maps[map];
    struct span span;

    if (u->entries_change)
        return true;
    span = span_of(t, in, map);
    for (uint32_t i = 0; i < span.count; i++) {
        if (byte_needs_token(&u->bytes[span.first + i], in))
            return true;
    }
    return false;
}

/* The tokens that an access needs. */
static uint8_t tokens_of(const struct tokens *t, const struct ir_insn *in, uint32_t map)
{
    const struct map_use *u = &t->maps[map];
    const bool both = u->order_changes || u->entries_change;
    const uint32_t half = both ? SPEC_TOKENS / 2 : 0;
    const uint8_t keys = (uint8_t)(1u << (map % SPEC_TOKENS));
    const uint8_t values = (uint8_t)(1u << ((map + half) % SPEC_TOKENS));

    if (ir_is_lookup(in))
        return both ? keys : 0;
    if (ir_is_map_op(in))
        return keys | values;
    return value_needs_token(t, in, map) ? values : 0;
}

/* --- what is left to the host --- */

static uint64_t host_maps(const struct tokens *t, const struct ir_insn *in, uint32_t which)
{
    return t->m->ir->insns[in->args[which]].imm;
}

static void use_on_host(struct tokens *t, const struct ir_insn *in, uint32_t map)
{
    const struct ir_map *m = &t->m->ir->maps[map];
    const bool changes = host_maps(t, in, 1) >> map & 1;
    struct map_use *u = &t->maps[map];

    u->entries_change |= changes && spec_engine_has_keys((enum spec_map_engine)m->engine);
    for (uint32_t i = 0; i < u->count; i++) {
        u->bytes[i].read = true;
        u->bytes[i].written |= changes;
    }
}

static bool some_byte_changes(const struct map_use *u)
{
    for (uint32_t i = 0; i < u->count; i++)
        if (u->bytes[i].written || u->bytes[i].atomic)
            return true;
    return false;
}

static uint8_t tokens_of_host(const struct tokens *t, uint32_t map)
{
    const struct map_use *u = &t->maps[map];
    const bool both = u->order_changes || u->entries_change;
    const uint32_t half = both ? SPEC_TOKENS / 2 : 0;
    const uint8_t values = (uint8_t)(1u << ((map + half) % SPEC_TOKENS));

    if (both)
        return values | (uint8_t)(1u << (map % SPEC_TOKENS));
    return some_byte_changes(u) ? values : 0;
}

/* --- all of them --- */

static bool touches_map(const struct ir_insn *in)
{
    return in->op == IR_HOST || ir_is_map_op(in) ||
           ((in->op == IR_LOAD || in->op == IR_STORE || in->op == IR_ATOMIC) &&
            in->region == IR_REGION_MAP);
}

static void visit(struct tokens *t, ir_ref ref, bool assign)
{
    const struct ir_insn *in = &t->m->ir->insns[ref];

    for (uint32_t map = 0; map < t->m->ir->map_count; map++) {
        if (in->op == IR_HOST) {
            if (!(map < 64 && host_maps(t, in, 0) >> map & 1))
                continue;
            if (!assign)
                use_on_host(t, in, map);
            else
                t->m->need[ref] |= tokens_of_host(t, map);
            continue;
        }
        if (!ir_may_access(t->pointers, in, map))
            continue;
        if (!assign)
            use_map(t, in, map);
        else
            t->m->need[ref] |= tokens_of(t, in, map);
    }
    t->m->tokens |= t->m->need[ref];
}

void mach_tokens(struct mach *m)
{
    const struct ir_func *f = m->ir;
    struct tokens t = {.m = m};

    m->need = arena_array(m->arena, f->insn_count, sizeof(*m->need));
    m->tokens = 0;
    t.pointers = ir_pointers(f, m->arena);
    t.maps = arena_array(m->arena, f->map_count + 1, sizeof(*t.maps));
    for (uint32_t map = 0; map < f->map_count; map++) {
        t.maps[map].count = f->maps[map].stride_bytes ? f->maps[map].stride_bytes : 1;
        t.maps[map].bytes = arena_array(m->arena, t.maps[map].count, sizeof(struct byte_use));
    }
    for (uint32_t assign = 0; assign < 2; assign++) {
        for (uint32_t b = 0; b < f->block_count; b++) {
            for (uint32_t i = 0; i < f->blocks[b].count; i++) {
                const ir_ref ref = f->blocks[b].insns[i];

                if (touches_map(&f->insns[ref]))
                    visit(&t, ref, assign != 0);
            }
        }
    }
}
