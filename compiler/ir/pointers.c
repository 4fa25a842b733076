/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/pointers.h"

#include <assert.h>

/* Into which maps' values a pointer may lead, read off the way in which it was put together. Every
 * value is NOTHING at first, and only ever goes up; so the loop ends. */

enum kind {
    NOTHING, /* nothing comes here so far */
    NUMBER,  /* a constant that is no pointer: an offset, NULL, or a map's number + 1 */
    HANDLE,  /* a map's number + 1, or 0, as a map of maps holds it */
    POINTER,
    UNKNOWN
};

enum { MAPS_FOLLOWED = 64 };

struct known {
    uint8_t kind;
    uint64_t maps; /* NUMBER, HANDLE: those that it may be the number of; POINTER: leads into */
};

static const struct known unknown = {UNKNOWN, 0};

static struct known into(uint32_t map)
{
    return map < MAPS_FOLLOWED ? (struct known){POINTER, UINT64_C(1) << map} : unknown;
}

static struct known of_const(const struct ir_func *f, uint64_t v)
{
    const uint64_t tag = v >> SPEC_MAPPTR_SHIFT;

    if (tag && tag <= f->map_count)
        return into((uint32_t)tag - 1);
    return (struct known){NUMBER, v && v <= MAPS_FOLLOWED ? UINT64_C(1) << (v - 1) : 0};
}

/* One or the other. A number beside a pointer is NULL, or is never followed. */
static struct known either(struct known a, struct known b)
{
    const struct known high = a.kind > b.kind ? a : b;
    const struct known low = a.kind > b.kind ? b : a;

    if (high.kind == POINTER && low.kind == HANDLE)
        return unknown;
    if (high.kind == POINTER && low.kind == NUMBER)
        return high;
    return (struct known){high.kind, high.maps | low.maps};
}

/* A pointer and an offset, which may be anything but a pointer. */
static struct known sum(struct known a, struct known b)
{
    if (a.kind == POINTER && b.kind == POINTER)
        return either(a, b);
    if (a.kind == POINTER || b.kind == POINTER)
        return a.kind == POINTER ? a : b;
    if (a.kind == NOTHING || b.kind == NOTHING)
        return (struct known){NOTHING, 0};
    return a.kind == NUMBER && b.kind == NUMBER ? (struct known){NUMBER, 0} : unknown;
}

static struct known of_alu(const struct ir_func *f, const struct ir_insn *in,
                           const struct known *values)
{
    const struct known a = values[in->args[0]];
    const struct ir_insn *by = in->nargs > 1 ? &f->insns[in->args[1]] : NULL;

    switch (in->alu) {
    case SPEC_ALU_MOV:
        return in->width == 64 || a.kind <= HANDLE ? a : unknown;
    case SPEC_ALU_ADD:
    case SPEC_ALU_OR:
        return in->width == 64 ? sum(a, values[in->args[1]]) : unknown;
    case SPEC_ALU_SHL: /* a map's number becomes the upper half of a pointer */
        if (in->width != 64 || by->op != IR_CONST || by->imm != SPEC_MAPPTR_SHIFT)
            return unknown;
        if (a.kind == NUMBER || a.kind == HANDLE)
            return (struct known){POINTER, a.maps};
        return a.kind == NOTHING ? a : unknown;
    default:
        return unknown;
    }
}

static bool holds_maps(const struct ir_func *f, const struct ir_insn *in)
{
    return in->region == IR_REGION_MAP && in->map < f->map_count &&
           (f->maps[in->map].type == SPEC_MAP_ARRAY_OF_MAPS ||
            f->maps[in->map].type == SPEC_MAP_HASH_OF_MAPS);
}

static struct known find(const struct ir_func *f, ir_ref r, const struct known *values)
{
    const struct ir_insn *in = &f->insns[r];
    struct known k = {NOTHING, 0};

    switch ((enum ir_op)in->op) {
    case IR_CONST:
        return of_const(f, in->imm);
    case IR_ALU:
        return of_alu(f, in, values);
    case IR_SELECT:
        return either(values[in->args[1]], values[in->args[2]]);
    case IR_PHI:
        for (uint32_t a = 0; a < in->nargs; a++)
            k = either(k, values[in->args[a]]);
        return k;
    case IR_LOAD:
        return holds_maps(f, in) && !in->swap ? (struct known){HANDLE, f->maps[in->map].holds}
                                              : unknown;
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
        return into(in->map);
    case IR_INPUT:
    case IR_ATOMIC:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        return unknown;
    case IR_NOP:
    case IR_STORE:
    case IR_PKT_ZERO:
    case IR_HOST:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
    return k;
}

const uint64_t *ir_pointers(const struct ir_func *f, struct arena *arena)
{
    struct known *values = arena_array(arena, f->insn_count, sizeof(*values));
    uint64_t *maps = arena_array(arena, f->insn_count, sizeof(*maps));
    bool changed = true;

    while (changed) {
        changed = false;
        for (ir_block b = 0; b < f->block_count; b++) {
            for (uint32_t i = 0; i < f->blocks[b].count; i++) {
                const ir_ref r = f->blocks[b].insns[i];
                const struct known k = either(find(f, r, values), values[r]);

                changed |= k.kind != values[r].kind || k.maps != values[r].maps;
                values[r] = k;
            }
        }
    }
    for (ir_ref r = 0; r < f->insn_count; r++)
        maps[r] = values[r].kind == POINTER ? values[r].maps : UINT64_MAX;
    return maps;
}

bool ir_may_access(const uint64_t *pointers, const struct ir_insn *in, uint32_t map)
{
    if (in->map != IR_MAP_ANY)
        return in->map == map;
    return map >= MAPS_FOLLOWED || (pointers[in->args[0]] >> map & 1);
}
