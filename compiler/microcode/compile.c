/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <errno.h>

/* IR to microcode: the list of the steps. */

enum { ATTEMPTS_MAX = 24 };

/* With each attempt that ran out of registers, less is issued early; from the last of these on
 * registers are spilled. */
static const struct mach_limits attempts[] = {
    {.hoist_blocks = 8, .bank_registers = 12},
    {.hoist_blocks = 3, .bank_registers = 7},
    {.hoist_blocks = 0, .bank_registers = 0},
};

static int schedule_and_allocate(struct mach *m)
{
    const uint32_t last = sizeof(attempts) / sizeof(attempts[0]) - 1;
    struct mach_deps deps = mach_depend(m);

    for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) {
        struct bitset failed;
        int ret;

        mach_liveness(m);
        mach_word_liveness(m);
        if (!mach_schedule(m, &deps, &attempts[i < last ? i : last]))
            break;
        if (mach_allocate(m, &failed))
            return 0;
        if (i < last)
            continue;
        ret = mach_spill(m, &failed);
        if (ret != 0)
            return ret;
        deps = mach_depend(m);
    }
    diag_add(
        m->sink, DIAG_ERROR, "UCODE0010", DIAG_NOWHERE,
        "%s: no schedule was found that fits the core's registers; run the program in software",
        m->ir->name);
    return -ENOTSUP;
}

static int compile(const struct ir_func *f, struct arena *arena, struct arena *scratch,
                   struct diag_sink *sink, const struct ucode_image **out)
{
    struct mach m = {.ir = f, .arena = scratch, .sink = sink, .stack_bytes = f->stack_bytes};
    struct ucode_image *image = arena_alloc(arena, sizeof(*image));
    int ret;

    image->name = arena_strdup(arena, f->name);
    ret = mach_maps(f, arena, sink, image);
    if (ret != 0)
        return ret;
    mach_tokens(&m);
    mach_select(&m);
    mach_sink(&m);
    mach_eliminate_phis(&m);
    mach_reuse_words(&m);
    mach_thread_jumps(&m);
    ret = schedule_and_allocate(&m);
    if (ret == 0)
        ret = mach_emit(&m, arena, image);
    if (ret == 0)
        *out = image;
    return ret;
}

int ucode_compile(const struct ir_func *f, struct arena *arena, struct diag_sink *sink,
                  const struct ucode_image **out)
{
    struct arena *scratch = arena_open();
    jmp_buf oom;
    int ret;

    if (!scratch)
        return -ENOMEM;
    if (setjmp(oom) == 0) {
        arena_set_oom(scratch, &oom);
        arena_set_oom(arena, &oom);
        ret = compile(f, arena, scratch, sink, out);
    } else {
        ret = -ENOMEM;
    }
    arena_set_oom(arena, NULL);
    arena_close(scratch);
    return ret;
}
