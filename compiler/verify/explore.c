/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <errno.h>
#include <string.h>

/* How to iterate: one path at a time, depth first; at a conditional jump the other outcome waits in
 * a list. */

static struct state *new_state(struct verifier *v)
{
    struct state *s = v->unused;

    if (s) {
        v->unused = s->next;
        return s;
    }
    s = arena_alloc(v->scratch, sizeof(*s));
    for (int d = 0; d < SPEC_CALL_FRAMES; d++)
        s->frames[d].slots = NULL;
    return s;
}

static void own_slots(struct verifier *v, struct frame *f)
{
    if (!f->slots)
        f->slots = arena_array(v->scratch, STACK_SLOTS, sizeof(*f->slots));
}

static void copy_state(struct verifier *v, struct state *to, const struct state *from)
{
    to->insn = from->insn;
    to->depth = from->depth;
    to->parent = from->parent;
    to->steps = from->steps;
    for (uint32_t d = 0; d < SPEC_CALL_FRAMES && d <= from->depth + 1; d++) {
        struct frame *t = &to->frames[d];
        struct slot *slots;

        own_slots(v, t);
        slots = t->slots;
        if (d > from->depth)
            break;
        *t = from->frames[d];
        t->slots = slots;
        memcpy(slots, from->frames[d].slots, t->slot_count * sizeof(*slots));
        memset(slots + t->slot_count, 0, (STACK_SLOTS - t->slot_count) * sizeof(*slots));
    }
}

static void drop_state(struct verifier *v, struct state *s)
{
    s->next = v->unused;
    v->unused = s;
}

/* Leaves the taken side of a jump in the list and goes on with the other, or with the only one that
 * is possible. */
static int branch(struct verifier *v, uint32_t at)
{
    const uint32_t target = (uint32_t)ebpf_target(insn_of(v, at), at);
    struct verify_fact *fact = verify_fact_at(v, at);
    struct state *other = new_state(v);
    bool taken = false, falls = false;
    int err;

    copy_state(v, other, v->cur);
    err = verify_jump(v, at, false, &falls);
    if (!err) {
        struct state *fall_through = v->cur;

        v->cur = other;
        err = verify_jump(v, at, true, &taken);
        v->cur = fall_through;
    }
    if (err)
        return err;
    fact->jumps |= taken;
    fact->falls_through |= falls;
    other->insn = target;
    v->cur->insn = at + 1;
    if (taken && falls) {
        if (v->cur->parent)
            v->cur->parent->pending++;
        other->next = v->todo;
        v->todo = other;
    } else if (taken) {
        drop_state(v, v->cur);
        v->cur = other;
    } else {
        drop_state(v, other);
    }
    if (!taken && !falls)
        return -EAGAIN; /* contradictory knowledge: no packet comes here */
    return 0;
}

static int step(struct verifier *v, bool *done)
{
    const uint32_t at = v->cur->insn;
    const struct ebpf_insn *i = insn_of(v, at);

    verify_fact_at(v, at)->reached = true;
    v->cur->insn = at + ebpf_slots(i);
    if (ebpf_is_alu(i))
        return verify_alu(v, at);
    if (ebpf_is_ld_imm64(i))
        return verify_ld_imm64(v, at);
    if (ebpf_is_load(i))
        return verify_load(v, at);
    if (ebpf_is_atomic(i))
        return verify_atomic(v, at);
    if (ebpf_is_store(i))
        return verify_store(v, at);
    if (ebpf_is_exit(i))
        return verify_exit(v, at, done);
    if (ebpf_is_subprog_call(i))
        return verify_call(v, at);
    if (ebpf_is_helper_call(i))
        return verify_helper(v, at);
    if (ebpf_is_call(i))
        return verify_refuse(v, "VFY0078", at,
                             "calls of kernel functions (kfuncs) are not supported");
    if (ebpf_is_goto(i)) {
        v->cur->insn = (uint32_t)ebpf_target(i, at);
        return 0;
    }
    return branch(v, at);
}

/* Follows the current path to its end. */
static int follow(struct verifier *v)
{
    bool done = false;

    while (!done) {
        int err = verify_prune(v, &done);

        if (err || done)
            return err;
        if (++v->result->processed > v->max_insns)
            return verify_reject(v, "VFY0091", v->cur->insn,
                                 "more than %llu instructions were processed: the program is too "
                                 "complex, or a loop is not bounded; bound its "
                                 "loops by constants, or split it",
                                 (unsigned long long)v->max_insns);
        v->cur->steps++;
        verify_log_state(v);
        err = step(v, &done);
        if (err == -EAGAIN)
            return 0;
        if (err)
            return err;
    }
    return 0;
}

static void start(struct verifier *v)
{
    struct state *s = new_state(v);

    memset(s->frames[0].regs, 0, sizeof(s->frames[0].regs));
    own_slots(v, &s->frames[0]);
    own_slots(v, &s->frames[1]);
    s->frames[0].context = verify_context_for(v, 0, 0, UINT32_MAX, 0);
    s->frames[0].regs[1] = (struct reg){.type = REG_CTX, .num = scalar_const(0)};
    s->frames[0].regs[EBPF_REG_FP] = (struct reg){.type = REG_STACK, .num = scalar_const(0)};
    v->todo = s;
}

int verify_explore(struct verifier *v)
{
    start(v);
    while (v->todo) {
        int err;

        v->cur = v->todo;
        v->todo = v->cur->next;
        err = follow(v);
        if (err)
            return err;
        verify_path_ends(v->cur);
        drop_state(v, v->cur);
    }
    return 0;
}
