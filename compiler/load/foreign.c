/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

/* An object may hold programs of other types than XDP, and XDP programs that want more than others.
 * Maps of types that no executor has keep only those from running that use them. */

static bool is_foreign(const struct load_map *m)
{
    return m->type >= SPEC_MAP_COUNT || spec_map_type_table[m->type].soft == SPEC_SOFT_NONE;
}

/* Bare instructions may name maps that are not there; the verifier says so. */
static bool names_map(const struct ebpf_insn *i, uint32_t map_count)
{
    return ebpf_names_map(i) && (uint32_t)i->imm < map_count;
}

static void mark_used(const struct load_prog *prog, uint32_t map_count, uint32_t *used)
{
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at]))
        if (names_map(&prog->insns[at], map_count))
            used[prog->insns[at].imm] = 1;
}

static void renumber(struct load_prog *prog, uint32_t map_count, const uint32_t *number)
{
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at]))
        if (names_map(&prog->insns[at], map_count))
            prog->insns[at].imm = (int32_t)number[prog->insns[at].imm];
}

/* New numbers for the maps that some program uses or any executor has, LOAD_NO_MAP for the others;
 * how many stay. number has a word for each map. */
static uint32_t number_maps(const struct load_map *maps, uint32_t map_count,
                            const struct load_prog *progs, uint32_t prog_count, uint32_t *number)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < map_count; i++)
        number[i] = 0;
    for (uint32_t p = 0; p < prog_count; p++)
        mark_used(&progs[p], map_count, number);
    for (uint32_t i = 0; i < map_count; i++)
        number[i] = number[i] || !is_foreign(&maps[i]) ? kept++ : LOAD_NO_MAP;
    return kept;
}

/* to may be maps. */
static void keep_maps(const struct load_map *maps, uint32_t map_count, const uint32_t *number,
                      struct load_map *to)
{
    for (uint32_t i = 0; i < map_count; i++)
        if (number[i] != LOAD_NO_MAP)
            to[number[i]] = maps[i];
}

/* Initial values with the new numbers of their maps; those of maps that are gone go too. place is
 * the new number of each program, LOAD_NO_PROG where it goes too; NULL: as before. */
static uint32_t renumber_values(struct load_value *values, uint32_t count,
                                const struct load_map *maps, const uint32_t *number,
                                const uint32_t *place)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct load_value v = values[i];
        const bool programs = maps[v.map].type == SPEC_MAP_PROG_ARRAY;

        if (!programs)
            v.target = number[v.target];
        else if (place)
            v.target = place[v.target];
        v.map = number[v.map];
        if (v.map != LOAD_NO_MAP && v.target != LOAD_NO_PROG)
            values[kept++] = v;
    }
    return kept;
}

int load_maps_drop_foreign(struct load_ctx *c)
{
    struct load_object *o = c->object;
    uint32_t *number = arena_array(c->arena, c->map_count, sizeof(*number));
    const uint32_t kept = number_maps(c->maps, c->map_count, o->progs, o->prog_count, number);

    for (uint32_t i = 0; i < c->map_count; i++) {
        const struct load_map *m = &c->maps[i];
        struct diag_where where = c->at;

        if (number[i] != LOAD_NO_MAP)
            continue;
        where.section = m->section;
        diag_add(c->sink, DIAG_NOTE, LOAD_W_MAP_FOREIGN, where,
                 "map %s (%s) is left out: no XDP program of the object uses it", m->name,
                 m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].name : "unknown type");
    }
    o->value_count = renumber_values(o->values, o->value_count, c->maps, number, NULL);
    keep_maps(c->maps, c->map_count, number, c->maps);
    for (uint32_t p = 0; p < o->prog_count; p++)
        renumber(&o->progs[p], c->map_count, number);
    o->map_count = kept;
    return 0;
}

static bool uses_programs(const struct load_object *object, const struct load_prog *prog)
{
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at]))
        if (names_map(&prog->insns[at], object->map_count) &&
            object->maps[prog->insns[at].imm].type == SPEC_MAP_PROG_ARRAY)
            return true;
    return false;
}

/* The programs that stay: this one, and behind it the others if it may go on in them. place has a
 * word for each. */
static void copy_programs(const struct load_object *object, const struct load_prog *prog,
                          struct load_object *o, uint32_t *place, struct arena *arena)
{
    const bool all = uses_programs(object, prog);

    o->progs = arena_array(arena, object->prog_count, sizeof(*o->progs));
    o->progs[0] = *prog;
    o->prog_count = 1;
    for (uint32_t i = 0; i < object->prog_count; i++) {
        place[i] = &object->progs[i] == prog ? 0 : all ? o->prog_count : LOAD_NO_PROG;
        if (place[i] && all)
            o->progs[o->prog_count++] = object->progs[i];
    }
    for (uint32_t i = 0; i < o->prog_count; i++) {
        struct load_prog *p = &o->progs[i];

        if (p->insn_count)
            p->insns = arena_memdup(arena, p->insns, p->insn_count * sizeof(*p->insns));
    }
}

static struct load_object *copy_alone(const struct load_object *object,
                                      const struct load_prog *prog, struct arena *arena)
{
    struct load_object *o = arena_memdup(arena, object, sizeof(*object));
    uint32_t *number = arena_array(arena, object->map_count, sizeof(*number));
    uint32_t *place = arena_array(arena, object->prog_count, sizeof(*place));

    copy_programs(object, prog, o, place, arena);
    o->maps = arena_array(arena, object->map_count, sizeof(*o->maps));
    o->map_count = number_maps(object->maps, object->map_count, o->progs, o->prog_count, number);
    keep_maps(object->maps, object->map_count, number, o->maps);
    for (uint32_t i = 0; i < o->prog_count; i++)
        renumber(&o->progs[i], object->map_count, number);
    if (object->value_count)
        o->values = arena_memdup(arena, object->values, object->value_count * sizeof(*o->values));
    o->value_count = renumber_values(o->values, object->value_count, object->maps, number, place);
    return o;
}

const struct load_object *load_only(const struct load_object *object, const struct load_prog *prog,
                                    struct arena *arena)
{
    const struct load_object *alone;
    jmp_buf oom;

    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return NULL;
    }
    arena_set_oom(arena, &oom);
    alone = copy_alone(object, prog, arena);
    arena_set_oom(arena, NULL);
    return alone;
}
