/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/case.h"

#include "compiler/load/load.h"

void diff_case_finish(struct diff_case *c, struct arena *arena)
{
    c->object.path = "fuzz";
    c->object.license = "GPL";
    c->object.progs = &c->prog;
    c->object.prog_count = 1;
    c->prog.name = "fuzz";
    c->prog.section = "xdp";
    load_cut_functions(&c->prog, arena);
    for (uint32_t i = 0; i < c->prog.subprog_count; i++)
        c->prog.subprogs[i].global = i == 0;
}
