/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>

/* Whatever bytes it is given, the loader returns and says why, or gives an object that keeps
 * load.h's promises. */

static void check_prog(const struct load_object *o, const struct load_prog *p)
{
    uint32_t end = 0;

    if (p->refusal) {
        fuzz_require(p->insn_count == 0 && p->refusal->severity == DIAG_ERROR,
                     "a program that is refused has no instructions");
        return;
    }
    for (uint32_t i = 0; i < p->subprog_count; i++) {
        fuzz_require(p->subprogs[i].start == end && p->subprogs[i].count, "subprograms adjoin");
        end += p->subprogs[i].count;
    }
    fuzz_require(end == p->insn_count && end, "subprograms make up the program");
    for (uint32_t i = 0; i < p->line_count; i++) {
        fuzz_require(p->lines[i].insn < p->insn_count, "lines belong to instructions");
        fuzz_require(i == 0 || p->lines[i - 1].insn < p->lines[i].insn, "lines ascend");
        fuzz_require(p->lines[i].file != NULL, "lines have a file");
    }
    for (uint32_t i = 0; i < p->insn_count; i++) {
        const struct ebpf_insn *insn = &p->insns[i];
        char text[128];

        load_where(o, p, i);
        ebpf_disasm(p->insns, p->insn_count, i, NULL, text, sizeof(text));
        if (ebpf_is_subprog_call(insn))
            fuzz_require(ebpf_target(insn, i) >= 0 && ebpf_target(insn, i) < p->insn_count,
                         "calls stay within the program");
        if (!ebpf_is_ld_imm64(insn))
            continue;
        if (ebpf_names_map(insn))
            fuzz_require((uint32_t)insn->imm < o->map_count, "maps are there");
        i++;
    }
}

static void check_object(const struct load_object *o)
{
    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct load_map *m = &o->maps[i];

        fuzz_require(m->name && m->section && m->kind != LOAD_MAP_NONE, "maps have name and kind");
        if (m->data && m->value_bytes) /* a sanitizer sees if it is shorter */
            fuzz_require(m->data[0] + m->data[m->value_bytes - 1] >= 0,
                         "values are as long as they say");
    }
    for (uint32_t i = 0; i < o->prog_count; i++)
        check_prog(o, &o->progs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct load_map_size open_sizes = {NULL, 16};
    const struct load_options options = {.size = sizeof(options),
                                         .any_type = bytes & 1,
                                         .map_sizes = &open_sizes,
                                         .map_size_count = bytes >> 1 & 1};
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object = NULL;
    int err;

    if (!arena)
        return 0;
    err = load_object_memory(data, bytes, "fuzz.o", &options, arena, &sink, &object);
    if (err) {
        fuzz_require(object == NULL, "no object after an error");
        fuzz_require(err == -ENOMEM || sink.errors > 0, "an error has a message");
    } else {
        fuzz_require(sink.errors == 0, "no error message with an object");
        check_object(object);
    }
    arena_close(arena);
    return 0;
}
