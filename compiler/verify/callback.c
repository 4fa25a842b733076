/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* Helpers that call a function of the program, none or several times. As in Linux
 * (kernel/bpf/verifier.c, push_callback_call, prepare_func_exit) the callback's end leads back to
 * the call of the helper, which goes on after its last round, or to another round; a round that
 * begins with no more than one before it is not explored again. What differs from round to round,
 * and is of no importance to safety, becomes unknown, so that rounds come to such an end. */

enum callback_arg { CALLBACK_MAP = 1, CALLBACK_KEY, CALLBACK_VALUE, CALLBACK_MAP_DATA };

bool verify_calls_back(const struct ebpf_insn *insn)
{
    return ebpf_is_helper_call(insn) && helper_calls_back(spec_helper_find(insn->imm));
}

int verify_check_callback(struct verifier *v, uint32_t at, uint32_t r)
{
    const struct reg *reg = cur_reg(v, r);
    const struct load_subprog *sub;

    if (reg->type != REG_FUNC)
        return verify_reject(v, "VFY0110", at,
                             "r%u is %s, but the helper takes the address of a function there", r,
                             verify_describe(v, reg));
    sub = &v->prog->subprogs[reg->map];
    if (sub->global || reg->map == 0)
        return verify_reject(v, "VFY0110", at,
                             "function %s is called back; it must be a static function", sub->name);
    if (v->cur.depth + 1 >= SPEC_CALL_FRAMES)
        return verify_reject(
            v, "VFY0080", at,
            "the callback would be the %dth function that runs at one time; no more than %d may",
            SPEC_CALL_FRAMES + 1, SPEC_CALL_FRAMES);
    return 0;
}

int verify_wait_callback(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    struct frame *f = cur_frame(v);
    int err;

    if (row->num == SPEC_HELPER_LOOP) {
        verify_precise_reg(v, &f->regs[1]);
        if (f->rounds >= f->regs[1].num.umax) { /* that was the last round */
            f->rounds = 0;
            return 0;
        }
    }
    err = verify_wait(v, at);
    f->rounds = 0;
    return err;
}

static void set_map_arguments(struct verifier *v, const struct frame *caller, struct frame *callee,
                              uint32_t at)
{
    struct reg *key = &callee->regs[CALLBACK_KEY];
    const uint16_t map = caller->regs[1].map;

    callee->regs[CALLBACK_MAP] = caller->regs[1];
    reg_set_pointer(key, REG_KEY, at);
    key->map = map;
    key->frame = (uint8_t)v->cur.depth;
    reg_set_pointer(&callee->regs[CALLBACK_VALUE], REG_VALUE, at);
    callee->regs[CALLBACK_VALUE].map = map;
    if (load_has_lock(&v->object->maps[map])) /* another element each time */
        callee->regs[CALLBACK_VALUE].id = ++v->next_id;
    callee->regs[CALLBACK_MAP_DATA] = caller->regs[3];
}

void verify_enter_callback(struct verifier *v, uint32_t at)
{
    const struct spec_helper_row *row = spec_helper_find(insn_at(v, at)->imm);
    struct state *s = &v->cur;
    struct frame *caller = cur_frame(v), *callee;
    const uint32_t subprog = caller->regs[2].map;

    assert(s->depth + 1 < SPEC_CALL_FRAMES && caller->regs[2].type == REG_FUNC);
    caller->rounds++;
    s->depth++;
    callee = cur_frame(v);
    memset(callee->regs, 0, sizeof(callee->regs));
    callee->slot_count = 0;
    callee->call_insn = at;
    callee->callback = true;
    callee->rounds = 0;
    callee->context = verify_context_for(v, subprog, caller->context, at, s->depth);
    if (row->num == SPEC_HELPER_LOOP) {
        reg_set_scalar(&callee->regs[1], scalar_unknown(), 0, at);
        callee->regs[2] = caller->regs[3];
    } else {
        set_map_arguments(v, caller, callee, at);
    }
    reg_set_pointer(&callee->regs[EBPF_REG_FP], REG_STACK, DIAG_NO_INSN);
    callee->regs[EBPF_REG_FP].frame = (uint8_t)s->depth;
    s->written[s->depth] = UINT64_MAX; /* nothing is left of an earlier call's frame */
    s->insn = v->prog->subprogs[subprog].start;
}

/* ---- back again ---- */

static void widen_reg(const struct verifier *v, const struct reg *old, struct reg *now)
{
    if (old->type != REG_SCALAR || now->type != REG_SCALAR || v->graph.nodes[old->node].precise ||
        v->graph.nodes[now->node].precise ||
        (scalar_same(&old->num, &now->num) && !old->id == !now->id))
        return;
    now->num = scalar_unknown();
    reg_unlink(now);
}

/* The latest round of this callback that is not explored to its end, or NULL. */
static const struct checkpoint *round_before(const struct verifier *v)
{
    const struct checkpoint *c = v->points[v->cur.insn];

    while (c && !(c->pending && verify_same_calls(&c->kept->state, &v->cur)))
        c = c->next;
    return c;
}

/* The same bytes of both slots are those of a register. */
static bool both_spilled(const struct slot *a, const struct slot *b)
{
    for (uint32_t i = 0; i < SLOT_BYTES; i++)
        if ((a->kind[i] == SLOT_SPILL) != (b->kind[i] == SLOT_SPILL))
            return false;
    return a->kind[0] == SLOT_SPILL;
}

static void widen(struct verifier *v)
{
    const struct checkpoint *c = round_before(v);

    for (uint32_t d = 0; c && d <= v->cur.depth; d++) {
        const struct frame *old = &c->kept->state.frames[d];
        struct frame *now = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            widen_reg(v, &old->regs[r], &now->regs[r]);
        for (uint32_t i = 0; i < old->slot_count && i < now->slot_count; i++)
            if (both_spilled(&old->slots[i], &now->slots[i]))
                widen_reg(v, &old->slots[i].reg, &now->slots[i].reg);
    }
}

int verify_exit_callback(struct verifier *v, uint32_t at)
{
    struct state *s = &v->cur;
    const struct reg *r0 = cur_reg(v, 0);
    int err;

    if (r0->type != REG_SCALAR || r0->num.smin < 0 || r0->num.smax > 1)
        return verify_reject(v, "VFY0111", at,
                             "the callback returns %s; it returns 0 to go on, or 1 to end the "
                             "rounds",
                             verify_describe(v, r0));
    verify_precise_reg(v, r0);
    err = verify_check_given_back(v, at, "the callback ends");
    if (!err)
        err = verify_check_unlocked(v, at, "the callback ends");
    if (err)
        return err;
    s->insn = cur_frame(v)->call_insn;
    s->depth--;
    widen(v);
    return 0;
}
