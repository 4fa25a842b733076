/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <errno.h>
#include <string.h>

const struct opt_pass opt_passes[] = {
    {"promote", opt_promote, false}, {"fold", opt_fold, false},     {"cfg", opt_cfg, false},
    {"gvn", opt_gvn, false},         {"checks", opt_checks, false}, {"thread", opt_thread, false},
    {"dce", opt_dce, false},         {"divide", opt_divide, true},  {"merge", opt_merge, true},
    {"swap", opt_swap, true},        {"rmw", opt_rmw, true},        {"ifconv", opt_ifconv, true},
};
const uint32_t opt_pass_count = sizeof(opt_passes) / sizeof(*opt_passes);

/* Passes help each other; this many rounds are more than any program was seen to need. */
enum { MAX_ROUNDS = 24 };

static void dump(const struct ir_func *f, const struct opt_options *options, const char *pass)
{
    if (!options || !options->dump || !options->dump_to)
        return;
    if (strcmp(options->dump, "all") != 0 && strcmp(options->dump, pass) != 0)
        return;
    fprintf(options->dump_to, "; after %s\n", pass);
    ir_print(options->dump_to, f);
}

static int run_pass(struct ir_func *f, const struct opt_pass *pass, struct arena *scratch,
                    const struct opt_options *options, struct diag_sink *sink, bool *changed)
{
    const bool did = pass->run(f, scratch);

    arena_reset(scratch);
    *changed |= did;
    dump(f, options, pass->name);
#ifndef NDEBUG
    if (did && ir_check(f, sink)) {
        diag_add(sink, DIAG_NOTE, "OPT0001", DIAG_NOWHERE, "the IR was in order before pass %s",
                 pass->name);
        return -EINVAL;
    }
#endif
    return 0;
}

/* One round: late passes run when the others have nothing left to do. */
static int run_round(struct ir_func *f, struct arena *scratch, const struct opt_options *options,
                     struct diag_sink *sink, bool *changed)
{
    for (uint32_t i = 0; i < opt_pass_count; i++) {
        int err;

        if (opt_passes[i].late && *changed)
            break;
        err = run_pass(f, &opt_passes[i], scratch, options, sink, changed);
        if (err)
            return err;
    }
    return 0;
}

int opt_run(struct ir_func *f, const struct opt_options *options, struct diag_sink *sink)
{
    struct arena *scratch = arena_open();
    bool changed = true;
    jmp_buf oom;
    int err = 0;

    if (!scratch)
        return -ENOMEM;
    if (setjmp(oom)) {
        arena_set_oom(f->arena, NULL);
        arena_close(scratch);
        return -ENOMEM;
    }
    arena_set_oom(scratch, &oom);
    arena_set_oom(f->arena, &oom);
    for (uint32_t round = 0; changed && !err && round < MAX_ROUNDS; round++) {
        changed = false;
        err = run_round(f, scratch, options, sink, &changed);
    }
    if (!err)
        err = ir_check(f, sink);
    ir_map_uses(f);
    arena_set_oom(f->arena, NULL);
    arena_close(scratch);
    return err;
}
