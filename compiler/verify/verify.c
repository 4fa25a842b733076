/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"

#include "compiler/verify/internal.h"

#include <errno.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The stacks of a call chain share SPEC_STACK_BYTES, each rounded up to 32 bytes
 * (kernel/bpf/verifier.c, check_max_stack_depth). */
static int check_stack_depth(struct verifier *v)
{
    const struct verify_result *r = v->result;

    for (uint32_t c = 0; c < r->context_count; c++) {
        uint32_t sum = 0;

        for (uint32_t k = c;; k = r->contexts[k].parent) {
            const uint32_t bytes = r->stack_bytes[r->contexts[k].subprog];

            sum += ((bytes ? bytes : 1) + 31) & ~31u;
            if (!r->contexts[k].depth)
                break;
        }
        if (sum > SPEC_STACK_BYTES && r->contexts[c].depth)
            return verify_reject(v, "VFY0082", r->contexts[c].call_insn,
                                 "the stacks of the functions on the way here have %u bytes "
                                 "together, %d are allowed",
                                 sum, SPEC_STACK_BYTES);
    }
    return 0;
}

static int run(struct verifier *v)
{
    int err = verify_structure(v);

    if (err)
        return err;
    verify_liveness(v);
    err = verify_explore(v);
    return err ? err : check_stack_depth(v);
}

int verify_program(const struct load_object *object, const struct load_prog *prog,
                   const struct verify_options *options, struct arena *arena,
                   struct diag_sink *sink, const struct verify_result **out)
{
    struct verifier v = {.object = object,
                         .prog = prog,
                         .options = options,
                         .arena = arena,
                         .sink = sink,
                         .max_insns = options && options->max_insns ? options->max_insns
                                                                    : SPEC_INSNS_PROCESSED};
    const uint64_t begin = now_ns();
    jmp_buf oom;
    int err;

    v.scratch = arena_open();
    if (!v.scratch)
        return -ENOMEM;
    if (setjmp(oom)) {
        arena_close(v.scratch);
        return -ENOMEM;
    }
    arena_set_oom(v.scratch, &oom);
    v.result = arena_alloc(arena, sizeof(*v.result));
    v.result->stack_bytes = arena_array(arena, prog->subprog_count + 1, sizeof(uint32_t));
    v.result->trip_max = arena_array(arena, prog->insn_count + 1, sizeof(uint32_t));
    v.seen = arena_array(v.scratch, prog->insn_count + 1, sizeof(struct seen *));
    v.join = arena_array(v.scratch, prog->insn_count + 1, 1);
    v.touches = arena_array(v.scratch, prog->insn_count + 1, 1);
    v.live = arena_array(v.scratch, prog->insn_count + 1, sizeof(uint16_t));
    v.precise = arena_array(v.scratch, prog->insn_count + 1, sizeof(uint16_t));
    err = run(&v);
    v.result->peak_bytes = arena_used_bytes(v.scratch);
    v.result->ns = now_ns() - begin;
    arena_close(v.scratch);
    if (err)
        return err;
    *out = v.result;
    return 0;
}
