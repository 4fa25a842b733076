/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* bpf-to-bpf calls: a frame of its own for each, and the combined depth of their stacks. */

static uint32_t subprog_at(const struct verifier *v, uint32_t start)
{
    for (uint32_t s = 0; s < v->prog->subprog_count; s++)
        if (v->prog->subprogs[s].start == start)
            return s;
    return 0;
}

int verify_call(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const uint32_t target = (uint32_t)ebpf_target(i, at);
    struct state *s = v->cur;
    struct frame *caller = cur_frame(v), *callee;

    if (s->depth + 1 >= SPEC_CALL_FRAMES)
        return verify_reject(v, "VFY0080", at, "calls are nested deeper than %d frames",
                             SPEC_CALL_FRAMES);
    callee = &s->frames[s->depth + 1];
    if (!callee->slots)
        callee->slots = arena_array(v->scratch, STACK_SLOTS, sizeof(*callee->slots));
    memset(callee->regs, 0, sizeof(callee->regs));
    memset(callee->slots, 0, sizeof(struct slot) * STACK_SLOTS);
    callee->slot_count = 0;
    callee->return_to = at + 1;
    callee->context =
        verify_context_for(v, subprog_at(v, target), caller->context, at, s->depth + 1);
    for (unsigned r = 1; r <= 5; r++)
        callee->regs[r] = caller->regs[r];
    for (unsigned r = 0; r <= 5; r++)
        caller->regs[r] = (struct reg){0};
    s->depth++;
    callee->regs[EBPF_REG_FP] =
        (struct reg){.type = REG_STACK, .frame = (uint8_t)s->depth, .num = scalar_const(0)};
    s->insn = target;
    return 0;
}

int verify_exit(struct verifier *v, uint32_t at, bool *done)
{
    struct state *s = v->cur;
    const struct reg r0 = *reg_of(v, 0);
    struct frame *callee = cur_frame(v);

    if (r0.type == REG_NONE && s->depth == 0)
        return verify_reject(v, "VFY0022", at, "r0, the return value, was never set on this path");
    if (r0.type == REG_STALE)
        return verify_reads(v, at, 0);
    *done = s->depth == 0;
    if (*done) {
        if (r0.type != REG_SCALAR)
            return verify_refuse(
                v, "VFY0023", at,
                "the program returns %s; addresses differ from executor to executor",
                verify_describe(v, &r0));
        return 0;
    }
    if (r0.type == REG_STACK)
        return verify_reject(v, "VFY0081", at,
                             "the function returns %s; return a number, or write through a pointer "
                             "that the caller gives",
                             verify_describe(v, &r0));
    s->insn = callee->return_to;
    s->depth--;
    *reg_of(v, 0) = r0;
    return 0;
}
