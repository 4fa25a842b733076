/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* Calls within the program: a frame of its own for each, and its end. */

static uint32_t subprog_starting_at(const struct verifier *v, uint32_t start)
{
    return load_subprog_of(v->prog, start);
}

int verify_call(struct verifier *v, uint32_t at)
{
    const uint32_t target = (uint32_t)ebpf_target(insn_at(v, at), at);
    struct state *s = &v->cur;
    struct frame *caller = cur_frame(v), *callee;
    const uint32_t subprog = subprog_starting_at(v, target);
    int err;

    if (s->depth + 1 >= SPEC_CALL_FRAMES)
        return verify_reject(
            v, "VFY0080", at,
            "this call would be the %dth function that runs at one time; no more than %d may",
            SPEC_CALL_FRAMES + 1, SPEC_CALL_FRAMES);
    err = verify_global_call(v, at, &v->prog->subprogs[subprog]);
    if (err)
        return err;
    s->depth++;
    callee = cur_frame(v);
    memset(callee->regs, 0, sizeof(callee->regs));
    callee->slot_count = 0;
    callee->call_insn = at;
    callee->callback = false;
    callee->rounds = 0;
    callee->context = verify_context_for(v, subprog, caller->context, at, s->depth);
    for (uint32_t r = 1; r <= ARG_COUNT; r++)
        callee->regs[r] = caller->regs[r];
    for (uint32_t r = 0; r <= ARG_COUNT; r++)
        caller->regs[r] = (struct reg){0};
    reg_set_pointer(&callee->regs[EBPF_REG_FP], REG_STACK, DIAG_NO_INSN);
    callee->regs[EBPF_REG_FP].frame = (uint8_t)s->depth;
    s->written[s->depth] = UINT64_MAX; /* nothing is left of an earlier call's frame */
    s->insn = target;
    return 0;
}

/* The entry's end: its value is what the outside sees. */
static int end_program(struct verifier *v, uint32_t at, const struct reg *r0)
{
    if (r0->type == REG_NONE)
        return verify_reject(v, "VFY0022", at,
                             "the program ends, but r0, its return value, was not set on this "
                             "path; return XDP_PASS or another verdict");
    if (reg_is_pointer(r0) || r0->type == REG_STALE)
        return verify_refuse(v, "VFY0023", at,
                             "the program returns %s; addresses differ from executor to executor",
                             verify_describe(v, r0));
    v->done = true;
    return 0;
}

/* What may be held only while the program runs. */
static int check_held(struct verifier *v, uint32_t at)
{
    const int err = verify_check_given_back(v, at, "the program ends");

    return err ? err : verify_check_unlocked(v, at, "the program ends");
}

int verify_exit(struct verifier *v, uint32_t at)
{
    struct state *s = &v->cur;
    const struct frame *callee = cur_frame(v);
    struct reg r0 = callee->regs[0];
    const uint32_t subprog = v->result->contexts[callee->context].subprog;

    if (s->depth == 0) {
        const int err = check_held(v, at);

        return err ? err : end_program(v, at, &r0);
    }
    if (callee->callback)
        return verify_exit_callback(v, at);
    if (r0.type == REG_STACK)
        return verify_reject(
            v, "VFY0081", at,
            "function %s returns %s; the caller passes a buffer of its own instead",
            v->prog->subprogs[subprog].name, verify_describe(v, &r0));
    if (v->prog->subprogs[subprog].global) {
        if (r0.type == REG_NONE)
            return verify_reject(
                v, "VFY0022", at,
                "global function %s ends, but r0, its return value, was not set on this path",
                v->prog->subprogs[subprog].name);
        if (reg_is_pointer(&r0) || r0.type == REG_STALE)
            return verify_reject(
                v, "VFY0081", at,
                "global function %s returns %s; global functions return numbers (make it static)",
                v->prog->subprogs[subprog].name, verify_describe(v, &r0));
        reg_set_scalar(&r0, scalar_unknown(), 0, at);
    }
    s->insn = callee->call_insn + 1;
    s->depth--;
    *cur_reg(v, 0) = r0;
    return 0;
}
