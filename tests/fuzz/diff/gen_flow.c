/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Branches, loops, and what is left early. */

enum { DEPTH_MAX = 4, FREE_REGS_MIN = 5 };

static const uint8_t conditions[] = {EBPF_JMP_JEQ, EBPF_JMP_JGT,  EBPF_JMP_JGE,  EBPF_JMP_JSET,
                                     EBPF_JMP_JNE, EBPF_JMP_JSGT, EBPF_JMP_JSGE, EBPF_JMP_JLT,
                                     EBPF_JMP_JLE, EBPF_JMP_JSLT, EBPF_JMP_JSLE};

/* Numbers near a border: a few bits of one against a constant, or a number against itself, more or
 * less one. Equal operands would hardly come otherwise. */
static void condition_near(struct gen *g, int code, uint32_t label)
{
    static const int32_t borders[] = {0, 0, 1, -1, INT32_MIN, INT32_MAX};
    const int x = gen_num(g, 0);
    const int t = gen_temp(g, 1u << x);
    const int32_t border = borders[gen_below(g, 6)];

    gen_emit(g, MOV_X(t, x));
    gen_set_num(g, t);
    if (gen_chance(g, 50)) {
        const int32_t more = (int32_t)gen_below(g, 3) - 1;

        if (more)
            gen_emit(g, gen_chance(g, 60) ? ALU64_K(ADD, t, more) : ALU32_K(ADD, t, more));
        if (gen_chance(g, 50))
            gen_jump(g, insn(code | EBPF_SRC_X, x, t, 0, 0), label);
        else
            gen_jump(g, insn(code | EBPF_SRC_X, t, x, 0, 0), label);
        return;
    }
    gen_emit(g, ALU64_K(AND, t, 3));
    if (border)
        gen_emit(g, gen_chance(g, 60) ? ALU64_K(ADD, t, border) : ALU32_K(ADD, t, border));
    gen_jump(g, insn(code, t, 0, 0, (int32_t)((uint32_t)border + gen_below(g, 4))), label);
}

void gen_condition(struct gen *g, uint32_t label)
{
    const int code = conditions[gen_below(g, sizeof(conditions))] |
                     (int)(gen_chance(g, 65) ? EBPF_CLASS_JMP : EBPF_CLASS_JMP32);
    int x;

    if (gen_chance(g, 40)) {
        condition_near(g, code, label);
        return;
    }
    x = gen_num(g, 0);
    if (gen_chance(g, 45))
        gen_jump(g, insn(code | EBPF_SRC_X, x, gen_num(g, 0), 0, 0), label);
    else
        gen_jump(g, insn(code, x, 0, 0, gen_const(g)), label);
}

uint32_t gen_skip(struct gen *g, uint32_t past)
{
    return gen_chance(g, g->profile != GEN_ANY ? 40 : 75) ? past : g->leave;
}

void gen_branch_statement(struct gen *g)
{
    const uint32_t other = gen_label(g), past = gen_label(g);

    if (g->depth >= DEPTH_MAX)
        return;
    gen_condition(g, other);
    gen_statements(g, 1 + gen_below(g, 3));
    if (gen_chance(g, 50) && g->st.reached) {
        gen_goto(g, past);
        gen_bind(g, other);
        gen_statements(g, 1 + gen_below(g, 3));
    } else {
        gen_bind(g, other);
    }
    gen_bind(g, past);
}

/* Out of the program (or the function), with some value. */
void gen_leave_statement(struct gen *g)
{
    const uint32_t past = gen_label(g);

    gen_condition(g, past);
    if (gen_chance(g, 40)) {
        gen_goto(g, g->leave);
    } else {
        if (g->st.regs[0].kind != GEN_NUM || gen_chance(g, 40)) {
            const int src = gen_num(g, 1);

            gen_emit(g, MOV_X(0, src));
            gen_emit(g, ALU64_K(AND, 0, 3));
        }
        gen_exit(g);
    }
    gen_bind(g, past);
}

/* ---- loops ---- */

/* What a loop changes while its body is made. */
struct loop {
    uint16_t fixed;
    uint32_t fixed_slots;
    uint32_t times;
    bool calls, moves;
};

static uint32_t free_registers(const struct gen *g)
{
    uint32_t n = 0;

    for (int r = 0; r < GEN_REGS; r++)
        n += !(g->frozen >> r & 1) && !(g->fixed >> r & 1 && g->st.regs[r].kind > GEN_NUM);
    return n;
}

/* At a loop's head only that is known which the body keeps: it must be so at the second round too.
 */
static struct loop enter_loop(struct gen *g, uint32_t times)
{
    struct loop l = {g->fixed, g->fixed_slots, g->times, gen_chance(g, 65), gen_chance(g, 15)};

    l.calls = l.calls && gen_may_call(g);
    l.moves = l.moves && l.calls && !g->no_moves;
    if (l.moves)
        gen_forget_packet(g);
    for (int r = 0; r < GEN_REGS; r++) {
        if (g->frozen >> r & 1)
            continue;
        if ((l.calls && r <= 5) || (r > 5 && gen_chance(g, 20) && !(g->fixed >> r & 1)))
            g->st.regs[r].kind = GEN_NONE;
        if (g->st.regs[r].kind != GEN_NONE)
            g->fixed |= (uint16_t)(1u << r);
    }
    for (int r = 0; r < GEN_REGS && free_registers(g) < FREE_REGS_MIN; r++)
        if (!(l.fixed >> r & 1) && !(g->frozen >> r & 1)) {
            g->st.regs[r].kind = GEN_NONE;
            g->fixed &= (uint16_t) ~(1u << r);
        }
    for (uint32_t s = 0; s < g->slots; s++)
        if (g->st.slots[s].ptr.kind != GEN_NONE || g->st.slots[s].bytes)
            g->fixed_slots |= 1u << s;
    g->branches = g->in_loop ? g->branches : 0;
    g->times *= times;
    g->no_calls += !l.calls;
    g->no_moves += !l.moves;
    g->in_loop++;
    return l;
}

static void leave_loop(struct gen *g, const struct loop *l)
{
    g->fixed = l->fixed;
    g->fixed_slots = l->fixed_slots;
    g->times = l->times;
    g->no_calls -= !l->calls;
    g->no_moves -= !l->moves;
    g->in_loop--;
}

/* Where a loop counts: a register that calls keep, or a slot. */
struct counter {
    int reg; /* -1: the slot */
    uint32_t slot;
    uint16_t frozen;
    uint32_t frozen_slots;
};

static bool take_counter(struct gen *g, struct counter *c)
{
    *c = (struct counter){-1, 0, g->frozen, g->frozen_slots};
    for (int r = 9; r >= 6 && gen_chance(g, 85); r--)
        if (!((g->frozen | g->fixed) >> r & 1) && g->st.regs[r].kind <= GEN_NUM && c->reg < 0)
            c->reg = r;
    if (c->reg >= 0) {
        g->frozen |= (uint16_t)(1u << c->reg);
        return true;
    }
    for (uint32_t s = 0; s < g->slots; s++) {
        if ((g->frozen_slots | g->fixed_slots | g->atomic_slots) >> s & 1)
            continue;
        c->slot = s;
        g->frozen_slots |= 1u << s;
        return true;
    }
    return false;
}

static void drop_counter(struct gen *g, const struct counter *c)
{
    g->frozen = c->frozen;
    g->frozen_slots = c->frozen_slots;
}

/* The counter in a register: its own, or a temporary one. */
static int counter_reg(struct gen *g, const struct counter *c)
{
    int t;

    if (c->reg >= 0)
        return c->reg;
    t = gen_temp(g, 0);
    gen_emit(g, LDX(DW, t, EBPF_REG_FP, -8 * (int)(c->slot + 1)));
    gen_set_num(g, t);
    return t;
}

static void count(struct gen *g, const struct counter *c, int r, int32_t step)
{
    gen_emit(g, gen_chance(g, 80) ? ALU64_K(ADD, r, step) : ALU32_K(ADD, r, step));
    if (c->reg < 0)
        gen_emit(g, STX(DW, EBPF_REG_FP, -8 * (int)(c->slot + 1), r));
}

static void start_counter(struct gen *g, const struct counter *c, int32_t value)
{
    if (c->reg >= 0) {
        gen_emit(g, MOV_K(c->reg, value));
        gen_set_num(g, c->reg);
    } else {
        const int t = gen_temp(g, 0);

        gen_emit(g, MOV_K(t, value));
        gen_set_num(g, t);
        gen_emit(g, STX(DW, EBPF_REG_FP, -8 * (int)(c->slot + 1), t));
        g->st.slots[c->slot] = (struct gen_slot){.bytes = 0xff};
    }
}

/* The bound of a loop that counts to a number that the packet decides: in a register that stays. */
static int take_bound(struct gen *g, uint32_t max)
{
    int src, r;

    for (r = 9; r >= 6; r--)
        if (!((g->frozen | g->fixed) >> r & 1) && g->st.regs[r].kind <= GEN_NUM)
            break;
    if (r < 6)
        return -1;
    src = gen_num(g, 0);
    if (r != src)
        gen_emit(g, MOV_X(r, src));
    gen_emit(g, ALU64_K(AND, r, (int32_t)max));
    gen_set_num(g, r);
    return r;
}

static void loop_exit_test(struct gen *g, int t, int bound, int32_t end, uint32_t out)
{
    if (bound >= 0)
        gen_jump(g, gen_chance(g, 70) ? JMP_X(JGE, t, bound, 0) : JMP_X(JLE, bound, t, 0), out);
    else
        gen_jump(g, gen_chance(g, 70) ? JMP_K(JGE, t, end, 0) : JMP32_K(JGE, t, end, 0), out);
}

static void loop_body(struct gen *g, uint32_t head, uint32_t out, const struct counter *c,
                      int32_t end, int32_t step, int bound)
{
    const bool first = bound >= 0 || gen_chance(g, 50);
    int t;

    gen_bind_head(g, head);
    if (first) {
        t = counter_reg(g, c);
        loop_exit_test(g, t, bound, end, out);
    }
    gen_statements(g, 1 + gen_below(g, 4));
    if (gen_chance(g, 20) && g->st.reached)
        gen_condition(g, out);
    if (!g->st.reached)
        return;
    t = counter_reg(g, c);
    count(g, c, t, step);
    if (first)
        gen_goto(g, head);
    else
        gen_jump(g, gen_chance(g, 60) ? JMP_K(JLT, t, end, 0) : JMP32_K(JLT, t, end, 0), head);
}

void gen_loop_statement(struct gen *g)
{
    const uint32_t head = gen_label(g), out = gen_label(g);
    const int32_t step = gen_chance(g, 80) ? 1 : 1 + (int32_t)gen_below(g, 3);
    const int32_t trips = 1 + (int32_t)gen_below(g, g->in_loop ? 3 : g->profile != GEN_ANY ? 3 : 8);
    uint16_t frozen = g->frozen;
    struct counter c;
    struct loop l;
    int bound = -1;

    if (g->depth >= DEPTH_MAX - 1 || g->in_loop >= 2 || g->cost + 40 * g->times * 4 > GEN_COST ||
        free_registers(g) < FREE_REGS_MIN + 2 || !take_counter(g, &c))
        return;
    if (gen_chance(g, 25) && !g->in_loop)
        bound = take_bound(g, 7);
    start_counter(g, &c, 0);
    if (bound >= 0)
        g->frozen |= (uint16_t)(1u << bound);
    l = enter_loop(g, (uint32_t)trips);
    loop_body(g, head, out, &c, trips * step, bound >= 0 ? 1 : step, bound);
    leave_loop(g, &l);
    gen_bind(g, out);
    drop_counter(g, &c);
    g->frozen = frozen;
}

/* A pointer walks over the packet, a piece at a time. */
void gen_packet_loop_statement(struct gen *g)
{
    const uint32_t head = gen_label(g), out = gen_label(g), past = gen_label(g);
    const uint32_t piece = gen_size(g), trips = 2 + gen_below(g, 6);
    uint16_t frozen = g->frozen;
    struct counter c;
    struct loop l;
    int p, q;

    if (g->depth >= DEPTH_MAX - 1 || g->in_loop || free_registers(g) < FREE_REGS_MIN + 3)
        return;
    p = gen_packet(g, 1, 0, past);
    if (p < 0)
        goto done;
    for (q = 9; q >= 6; q--)
        if (!((g->frozen | g->fixed) >> q & 1) && q != p)
            break;
    if (q < 6)
        goto done;
    gen_copy(g, q, p);
    g->frozen |= (uint16_t)(1u << q);
    g->st.regs[q].lo = g->st.regs[q].hi = 0;
    if (!take_counter(g, &c))
        goto done;
    c.frozen = frozen;
    start_counter(g, &c, 0);
    g->no_moves++;
    l = enter_loop(g, trips);
    gen_bind_head(g, head);
    if (gen_check(g, q, piece, 1u << q, out)) {
        gen_load_from(g, q, 0, piece, 1u << q);
        gen_alu_statement(g);
        gen_emit(g, ALU64_K(ADD, q, (int32_t)piece));
        p = counter_reg(g, &c);
        count(g, &c, p, 1);
        g->st.regs[q].lo = g->st.regs[q].hi = 0;
        gen_jump(g, JMP_K(JLT, p, (int32_t)trips, 0), head);
    }
    leave_loop(g, &l);
    g->no_moves--;
    gen_bind(g, out);
    drop_counter(g, &c);
done:
    g->frozen = frozen;
    gen_bind(g, past);
}
