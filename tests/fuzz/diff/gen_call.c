/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include <string.h>

/* Helpers without maps, and functions of the program's own. */

void gen_helper_statement(struct gen *g)
{
    static const int32_t plain[] = {SPEC_HELPER_KTIME_GET_NS,
                                    SPEC_HELPER_GET_PRANDOM_U32,
                                    SPEC_HELPER_GET_SMP_PROCESSOR_ID,
                                    SPEC_HELPER_KTIME_GET_NS,
                                    SPEC_HELPER_GET_PRANDOM_U32,
                                    SPEC_HELPER_KTIME_GET_BOOT_NS,
                                    SPEC_HELPER_KTIME_GET_COARSE_NS,
                                    SPEC_HELPER_KTIME_GET_TAI_NS,
                                    SPEC_HELPER_JIFFIES64,
                                    SPEC_HELPER_GET_NUMA_NODE_ID};

    if (!gen_may_call(g))
        return;
    if (gen_chance(g, 20)) {
        const int ctx = gen_ctx(g, 0);

        if (ctx < 0)
            return;
        gen_copy(g, 1, ctx);
        gen_emit(g, CALL(SPEC_HELPER_XDP_GET_BUFF_LEN));
    } else if (!g->pure && gen_chance(g, 25)) {
        const int src = gen_num(g, 0);

        if (src != 1)
            gen_emit(g, MOV_X(1, src));
        gen_set_num(g, 1);
        gen_emit(g, MOV_K(2, gen_chance(g, 75) ? 0 : (int32_t)gen_below(g, 3)));
        gen_emit(g, CALL(SPEC_HELPER_REDIRECT));
    } else {
        gen_emit(g, CALL(plain[gen_below(g, 10)]));
    }
    gen_called(g);
}

/* Memory and its size in two registers: nothing, a piece of the stack, of the packet or of a map's
 * value. */
static void csum_buffer(struct gen *g, int mem, uint32_t set)
{
    const uint32_t bytes = gen_chance(g, 85) ? 4 * (1 + gen_below(g, 8)) : 1 + gen_below(g, 30);
    const int r = gen_find(g, gen_chance(g, 70) ? GEN_PKT : GEN_VALUE, set);
    const int32_t off = gen_buffer(g, (bytes + 7) & ~7u, 8);
    bool some = false;

    if (r >= 0 && g->st.regs[r].hi - g->st.regs[r].lo >= (int32_t)bytes && gen_chance(g, 75)) {
        const int32_t from = g->st.regs[r].lo;

        gen_copy(g, mem, r);
        if (from)
            gen_add_const(g, mem, from);
        some = true;
    } else if (off && gen_chance(g, 60)) {
        for (uint32_t i = 0; i < bytes; i += 8)
            gen_stack_store(g, off + (int32_t)i, 8);
        gen_emit(g, MOV_X(mem, EBPF_REG_FP));
        gen_emit(g, ALU64_K(ADD, mem, off));
        some = true;
    } else {
        gen_emit(g, MOV_K(mem, 0));
    }
    g->st.regs[mem].kind = GEN_NONE;
    gen_emit(g, MOV_K(mem + 1, some ? (int32_t)bytes : 0));
    if (some && gen_chance(g, 5)) { /* a size that only the run tells */
        const int n = gen_find(g, GEN_NUM, set | 1u << mem | 1u << (mem + 1));

        if (n >= 0) {
            gen_emit(g, MOV_X(mem + 1, n));
            gen_emit(g, ALU64_K(AND, mem + 1, bytes >= 8 ? 7 : bytes >= 4 ? 3 : 1));
        }
    }
    g->st.regs[mem + 1].kind = GEN_NONE;
}

void gen_csum_statement(struct gen *g)
{
    const uint16_t frozen = g->frozen;

    if (!gen_may_call(g))
        return;
    csum_buffer(g, 1, 0);
    g->frozen |= 1u << 1 | 1u << 2;
    csum_buffer(g, 3, 1u << 1 | 1u << 2);
    g->frozen |= 1u << 3 | 1u << 4;
    if (gen_chance(g, 50)) {
        gen_emit(g, MOV_K(5, gen_chance(g, 50) ? 0 : gen_const(g)));
    } else {
        const int r = gen_num(g, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);

        if (r != 5)
            gen_emit(g, MOV_X(5, r));
    }
    g->frozen = frozen;
    gen_emit(g, CALL(SPEC_HELPER_CSUM_DIFF));
    gen_called(g);
}

/* ---- functions ---- */

/* A number of bytes of the caller's stack, all written, passed by pointer. */
static bool buffer_argument(struct gen *g, int reg, uint32_t bytes)
{
    const int32_t off = gen_buffer(g, bytes, 8);

    if (!off)
        return false;
    for (uint32_t i = 0; i < bytes; i += 8)
        gen_stack_store(g, off + (int32_t)i, 8);
    gen_emit(g, MOV_X(reg, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, reg, off));
    return true;
}

/* Makes one argument; registers in set are arguments already. False: not to be had. */
static bool make_argument(struct gen *g, int reg, const struct gen_val *want, uint32_t set,
                          uint32_t past)
{
    int r;

    switch ((enum gen_kind)want->kind) {
    case GEN_CTX:
        r = gen_ctx(g, set);
        break;
    case GEN_PKT:
        r = gen_packet(g, (uint32_t)want->hi, set, past);
        break;
    case GEN_BUF:
        if (!buffer_argument(g, reg, (uint32_t)want->hi))
            return false;
        gen_set(g, reg, *want);
        return true;
    default:
        r = gen_find(g, GEN_NUM, set);
        if (r < 0 || gen_chance(g, 10)) {
            gen_emit(g, MOV_K(reg, gen_const(g)));
            gen_set_num(g, reg);
            return true;
        }
        break;
    }
    if (r < 0)
        return false;
    gen_copy(g, reg, r);
    return true;
}

void gen_call_statement(struct gen *g)
{
    const uint32_t past = gen_label(g);
    const uint16_t frozen = g->frozen;
    uint32_t index, set = 0;
    const struct gen_func *f;

    if (!g->func_count || !gen_may_call(g))
        goto done;
    index = gen_below(g, g->func_count);
    f = &g->funcs[index];
    if (f == g->func || f->callback || (f->moves && g->no_moves) ||
        g->cost + f->cost * g->times > GEN_COST)
        goto done;
    for (uint32_t i = 0; i < f->arg_count; i++) {
        const bool made = make_argument(g, 1 + (int)i, &f->args[i], set, past);

        set |= 1u << (1 + i);
        g->frozen = frozen | (uint16_t)set; /* it waits for the call */
        if (!made) {
            g->frozen = frozen;
            for (int r = 1; r <= 5; r++) /* addresses of this frame's own stack are not followed */
                if (set >> r & 1 && f->args[r - 1].kind == GEN_BUF)
                    g->st.regs[r].kind = GEN_NONE;
            goto done;
        }
    }
    g->frozen = frozen;
    g->calls[g->call_count].address = false;
    g->calls[g->call_count].insn = g->insn_count;
    g->calls[g->call_count++].func = index;
    gen_emit(g, CALL_FUNC(0));
    g->cost += f->cost * g->times;
    gen_called(g);
    if (f->moves)
        gen_forget_packet(g);
    if (g->func) {
        g->func->moves |= f->moves;
        g->func->calls |= 1u << index;
        if (g->func->frames < f->frames + 1)
            g->func->frames = f->frames + 1;
    }
done:
    gen_bind(g, past);
}

static void choose_arguments(struct gen *g, struct gen_func *f)
{
    static const uint8_t kinds[] = {GEN_NUM, GEN_NUM, GEN_NUM, GEN_CTX, GEN_PKT, GEN_BUF};

    f->arg_count = gen_below(g, GEN_ARGS + 1);
    for (uint32_t i = 0; i < f->arg_count; i++) {
        struct gen_val v = {.kind = kinds[gen_below(g, 6)]};

        if (v.kind == GEN_PKT)
            v.hi = (int16_t)(4 + gen_below(g, 30));
        if (v.kind == GEN_BUF)
            v.hi = (int16_t)(8 * (1 + gen_below(g, 3)));
        f->args[i] = v;
        gen_set(g, 1 + (int)i, v);
    }
}

/* One function: it may call those before it. */
static void make_function(struct gen *g)
{
    struct gen_func *f = &g->funcs[g->func_count];
    const bool numbers = gen_chance(g, 50);
    int ctx;

    *f = (struct gen_func){.start = g->insn_count, .frames = 1};
    memset(&g->st, 0, sizeof(g->st));
    g->st.reached = true;
    g->func = f;
    g->slots = GEN_FUNC_SLOTS;
    g->frozen = g->fixed = 0;
    g->frozen_slots = g->fixed_slots = g->atomic_slots = 0;
    g->cost = 0;
    g->ctx_reg = g->ctx_slot = -1;
    g->leave = gen_label(g);
    choose_arguments(g, f);
    ctx = gen_find(g, GEN_CTX, 0);
    if (ctx >= 0) {
        g->ctx_reg = 6 + (int)gen_below(g, 4);
        gen_copy(g, g->ctx_reg, ctx);
        g->frozen |= (uint16_t)(1u << g->ctx_reg);
    }
    if (numbers)
        for (uint32_t s = 0; s < 2; s++)
            gen_stack_store(g, -8 * (int32_t)(s + 1), 8);
    g->left = 2 + gen_below(g, 8);
    gen_statements(g, g->left);
    if (g->st.reached) {
        if (g->st.regs[0].kind != GEN_NUM)
            gen_emit(g, MOV_X(0, gen_num(g, 1)));
        gen_exit(g);
    }
    if (g->labels[g->leave].used) {
        gen_bind(g, g->leave);
        gen_emit(g, MOV_K(0, (int32_t)gen_below(g, 5)));
        gen_exit(g);
    }
    f->count = g->insn_count - f->start;
    f->cost = g->cost;
    g->func_count++;
}

/* What bpf_loop calls: it goes on, or not, by the round's number. */
static void make_callback(struct gen *g)
{
    struct gen_func *f = &g->funcs[g->func_count++];

    *f = (struct gen_func){.start = g->insn_count, .frames = 1, .cost = 4, .callback = true};
    memset(&g->st, 0, sizeof(g->st));
    g->st.reached = true;
    gen_emit(g, MOV_X(0, 1));
    gen_emit(g, ALU64_K(RSH, 0, (int32_t)gen_below(g, 5)));
    gen_emit(g, ALU64_K(AND, 0, 1));
    gen_set_num(g, 0);
    gen_exit(g);
    f->count = g->insn_count - f->start;
}

/* What bpf_for_each_map_elem calls: it changes the value, and goes on or not by it and the key. */
static void make_each(struct gen *g)
{
    struct gen_func *f = &g->funcs[g->func_count++];

    *f = (struct gen_func){
        .start = g->insn_count, .frames = 1, .cost = 10, .callback = true, .each = true};
    memset(&g->st, 0, sizeof(g->st));
    g->st.reached = true;
    gen_emit(g, LDX(B, 0, 3, 0));
    gen_emit(g, LDX(W, 5, 2, 0));
    gen_emit(g, ALU64_X(ADD, 0, 5));
    gen_emit(g, STX(B, 3, 0, 0));
    gen_emit(g, ALU64_K(RSH, 0, (int32_t)gen_below(g, 5)));
    gen_emit(g, ALU64_K(AND, 0, 1));
    gen_set_num(g, 0);
    gen_exit(g);
    f->count = g->insn_count - f->start;
}

void gen_functions(struct gen *g)
{
    uint32_t n = gen_chance(g, g->profile != GEN_ANY ? 20 : 40) ? 1 + gen_below(g, GEN_FUNCS) : 0;

    if (g->profile != GEN_ANY && n > 2)
        n = 2;
    for (; n; n--)
        make_function(g);
    /* Linux 6.18 loses its way ("No program to jit") where other functions are dead. */
    if (g->soft && !g->func_count && gen_chance(g, g->profile == GEN_PATHS ? 3 : 50))
        gen_chance(g, 50) ? make_callback(g) : make_each(g);
    g->func = NULL;
}
