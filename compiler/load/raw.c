/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <string.h>

/* Programs that come as bare instructions, without an object around them. */

void load_cut_functions(struct load_prog *prog, struct arena *arena)
{
    uint8_t *starts = arena_alloc(arena, prog->insn_count + 1);
    uint32_t count = 0;

    starts[0] = 1;
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at])) {
        const struct ebpf_insn *i = &prog->insns[at];
        int64_t to = 0;

        if (ebpf_is_subprog_call(i))
            to = ebpf_target(i, at);
        else if (ebpf_is_ld_imm64(i) && i->src == EBPF_PSEUDO_FUNC)
            to = i->imm;
        if (to > 0 && to < prog->insn_count)
            starts[to] = 1;
    }
    for (uint32_t at = 0; at < prog->insn_count; at++)
        count += starts[at];
    prog->subprogs = arena_array(arena, count + 1, sizeof(*prog->subprogs));
    prog->subprog_count = 0;
    for (uint32_t at = 0; at < prog->insn_count; at++) {
        if (starts[at]) {
            struct load_subprog *sub = &prog->subprogs[prog->subprog_count++];

            sub->start = at;
            sub->name = at ? arena_printf(arena, "function_%u", at) : "main";
        }
        prog->subprogs[prog->subprog_count - 1].count++;
    }
}

/* The program's own copy in the loader's form: there a function's address counts from the program's
 * start, not from the next instruction, and maps have indices in all forms of ld_imm64. */
static void take_insns(struct load_prog *prog, const void *insns, size_t bytes, struct arena *arena)
{
    prog->insn_count = (uint32_t)(bytes / sizeof(*prog->insns));
    prog->insns = arena_array(arena, prog->insn_count + 1, sizeof(*prog->insns));
    memcpy(prog->insns, insns, bytes);
    for (uint32_t at = 0; at < prog->insn_count; at += ebpf_slots(&prog->insns[at])) {
        struct ebpf_insn *i = &prog->insns[at];

        if (!ebpf_is_ld_imm64(i))
            continue;
        if (i->src == EBPF_PSEUDO_FUNC)
            i->imm = (int32_t)((uint32_t)i->imm + at + 1);
        else if (i->src == EBPF_PSEUDO_MAP_IDX)
            i->src = EBPF_PSEUDO_MAP_FD;
        else if (i->src == EBPF_PSEUDO_MAP_IDX_VALUE)
            i->src = EBPF_PSEUDO_MAP_VALUE;
    }
}

int load_raw(const void *insns, size_t bytes, const char *name, const struct load_map *maps,
             uint32_t map_count, struct arena *arena, struct diag_sink *sink,
             const struct load_object **out)
{
    struct load_object *object = arena_alloc(arena, sizeof(*object));
    struct load_prog *prog = arena_alloc(arena, sizeof(*prog));
    struct load_ctx c = {.arena = arena, .sink = sink};

    c.at.file = arena_strdup(arena, name);
    c.at.insn = DIAG_NO_INSN;
    if (bytes == 0 || bytes % sizeof(struct ebpf_insn))
        return load_fail(&c, -EINVAL, LOAD_E_CODE, NULL,
                         "%zu bytes; a program has one or more instructions of 8 bytes", bytes);
    if (bytes / sizeof(struct ebpf_insn) > LOAD_PROG_MAX_INSNS)
        return load_fail(&c, -ENOTSUP, LOAD_E_TOO_LARGE, NULL, "%zu instructions; the most is %d",
                         bytes / sizeof(struct ebpf_insn), LOAD_PROG_MAX_INSNS);
    if (map_count > SPEC_MAPS)
        return load_fail(&c, -ENOTSUP, LOAD_E_MAP_LIMIT, NULL,
                         "%u maps; Linux takes no program that uses more than %u", map_count,
                         SPEC_MAPS);
    for (uint32_t i = 0; i < map_count; i++) {
        const int err = load_map_check(&c, &maps[i]);
        const bool nests =
            maps[i].type == SPEC_MAP_ARRAY_OF_MAPS || maps[i].type == SPEC_MAP_HASH_OF_MAPS;

        if (err)
            return err;
        if (nests && !load_inner(&maps[i]))
            return load_fail(&c, -EINVAL, LOAD_E_MAP_DEF, maps[i].section,
                             "map %s (%s): what the maps in it are like is not said; Linux makes "
                             "no such map, and this form of a program has no way to say it",
                             maps[i].name, spec_map_type_table[maps[i].type].name);
    }
    take_insns(prog, insns, bytes, arena);
    load_cut_functions(prog, arena);
    prog->name = "raw";
    prog->section = "xdp";
    object->path = c.at.file;
    object->license = "GPL";
    object->maps = arena_array(arena, (size_t)map_count + 1, sizeof(*object->maps));
    if (map_count)
        memcpy(object->maps, maps, map_count * sizeof(*maps));
    object->map_count = map_count;
    object->progs = prog;
    object->prog_count = 1;
    *out = object;
    return 0;
}
