/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/assembled.h"

#include "compiler/ebpf/ebpf.h"

void assembled_open(struct assembled *t, const struct load_map *maps, uint32_t map_count)
{
    *t = (struct assembled){.arena = arena_open()};
    t->sink = diag_sink_make(t->arena);
    t->object.path = "test";
    t->object.maps = arena_memdup(t->arena, maps, map_count * sizeof(*maps));
    t->object.map_count = map_count;
    t->object.license = "GPL";
}

void assembled_verify(struct assembled *t, const char *text)
{
    const struct ebpf_insn *insns;

    t->prog.name = "prog";
    t->prog.section = "xdp";
    if (ebpf_asm(text, "text", NULL, t->arena, &t->sink, &insns, &t->prog.insn_count))
        fail_msg("%s", t->sink.records[0].message);
    t->prog.insns = arena_memdup(t->arena, insns, t->prog.insn_count * sizeof(*insns));
    t->subprog = (struct load_subprog){.name = "prog", .count = t->prog.insn_count};
    t->prog.subprogs = &t->subprog;
    t->prog.subprog_count = 1;
    t->object.progs = &t->prog;
    t->object.prog_count = 1;
    if (verify_program(&t->object, &t->prog, NULL, t->arena, &t->sink, &t->facts))
        fail_msg("%s", t->sink.records[0].message);
}

void assembled_close(struct assembled *t)
{
    arena_close(t->arena);
}
