/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/case.h"

#include "compiler/load/load.h"

static void finish_program(struct load_prog *p, const char *name, struct arena *arena)
{
    p->name = name;
    p->section = "xdp";
    load_cut_functions(p, arena);
    for (uint32_t i = 0; i < p->subprog_count; i++)
        p->subprogs[i].global = i == 0;
}

void diff_case_finish(struct diff_case *c, struct arena *arena)
{
    static const char *const names[1 + DIFF_OTHERS] = {"fuzz", "other1", "other2", "other3"};

    c->object.path = "fuzz";
    c->object.license = "GPL";
    c->object.progs = c->progs;
    c->object.prog_count = 1 + c->other_count;
    for (uint32_t i = 0; i <= c->other_count; i++)
        finish_program(&c->progs[i], names[i], arena);
}
