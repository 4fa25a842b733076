/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Metadata, copied packet bytes and tail calls; and what software runs and hardware does not:
 * queues and stacks, events. Only programs that are soft have these, so that most fit every
 * executor. */

#define TYPE(name) (UINT64_C(1) << SPEC_MAP_##name)

/* A buffer on the stack with its numbers written; its address in a register. 0: no room. */
static int32_t buffer_in(struct gen *g, int reg, uint32_t bytes)
{
    const uint32_t whole = (bytes + 7) & ~7u;
    const int32_t off = gen_buffer(g, whole, 8);

    if (!off)
        return 0;
    for (uint32_t i = 0; i < whole; i += 8)
        gen_stack_store(g, off + (int32_t)i, 8);
    gen_emit(g, MOV_X(reg, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, reg, off));
    g->st.regs[reg].kind = GEN_NONE;
    return off;
}

static void constant_in(struct gen *g, int reg, int32_t value)
{
    gen_emit(g, MOV_K(reg, value));
    g->st.regs[reg].kind = GEN_NONE;
}

/* The context in r1, which then waits for the call. */
static bool context_in(struct gen *g, uint16_t *frozen)
{
    const int ctx = gen_ctx(g, 0);

    *frozen = g->frozen;
    if (ctx < 0)
        return false;
    gen_copy(g, 1, ctx);
    g->frozen |= 1u << 1;
    return true;
}

/* The number of bytes in r4: constant, or 1 to a power of two that the buffer holds. */
static void size_in_r4(struct gen *g, uint32_t bytes)
{
    uint32_t most = 1;
    int src;

    if (gen_chance(g, 75)) {
        constant_in(g, 4, (int32_t)bytes);
        return;
    }
    while (2 * most <= bytes)
        most *= 2;
    src = gen_num(g, 1u << 1 | 1u << 2 | 1u << 3);
    if (src != 4)
        gen_emit(g, MOV_X(4, src));
    gen_emit(g, ALU64_K(AND, 4, (int32_t)most - 1));
    gen_emit(g, ALU64_K(ADD, 4, 1));
    g->st.regs[4].kind = GEN_NONE;
}

void gen_bytes_statement(struct gen *g)
{
    const bool load = gen_chance(g, 50);
    const uint32_t bytes = gen_chance(g, 95) ? 1 + gen_below(g, 24) : 129 + gen_below(g, 60);
    uint16_t frozen;
    int src;

    if (!gen_may_call(g) || !context_in(g, &frozen))
        return;
    if (buffer_in(g, 3, bytes)) {
        g->frozen |= 1u << 3;
        src = gen_num(g, 1u << 1 | 1u << 3);
        if (src != 2)
            gen_emit(g, MOV_X(2, src));
        if (gen_chance(g, 90))
            gen_emit(g, ALU64_K(AND, 2, 127));
        g->st.regs[2].kind = GEN_NONE;
        g->frozen |= 1u << 2;
        size_in_r4(g, bytes);
        gen_emit(g, CALL(load ? SPEC_HELPER_XDP_LOAD_BYTES : SPEC_HELPER_XDP_STORE_BYTES));
        g->frozen = frozen;
        gen_called(g);
    }
    g->frozen = frozen;
}

/* Reads or writes a word of the metadata, if they have one; r0 is a number afterwards. */
static void touch_meta(struct gen *g)
{
    const int ctx = gen_ctx(g, 0);

    if (ctx < 0)
        return;
    gen_copy(g, 1, ctx);
    gen_emit(g, LDX(W, 2, 1, SPEC_CTX_DATA_META));
    gen_emit(g, LDX(W, 3, 1, SPEC_CTX_DATA));
    gen_emit(g, MOV_X(4, 2));
    gen_emit(g, ALU64_K(ADD, 4, 4));
    gen_emit(g, MOV_K(0, gen_const(g)));
    gen_emit(g, JMP_X(JGT, 4, 3, 2));
    gen_emit(g, LDX(W, 0, 2, 0));
    gen_emit(g, ST(W, 2, 0, gen_const(g)));
    for (int r = 1; r <= 4; r++)
        g->st.regs[r].kind = GEN_NONE;
    gen_set_num(g, 0);
}

void gen_meta_statement(struct gen *g)
{
    static const int32_t deltas[] = {-4, -8, -16, -32, 0, 4, 8, -3, 1, -252, -256, -300};
    uint16_t frozen;
    int src;

    if (!gen_may_call(g) || g->no_moves || !context_in(g, &frozen))
        return;
    if (gen_chance(g, 90)) {
        constant_in(g, 2, deltas[gen_below(g, 12)]);
    } else {
        src = gen_num(g, 1u << 1);
        if (src != 2)
            gen_emit(g, MOV_X(2, src));
        g->st.regs[2].kind = GEN_NONE;
    }
    g->frozen = frozen;
    gen_emit(g, CALL(SPEC_HELPER_XDP_ADJUST_META));
    gen_called(g);
    gen_forget_packet(g);
    if (g->func)
        g->func->moves = true;
    if (gen_chance(g, 70))
        touch_meta(g);
}

void gen_queue_statement(struct gen *g)
{
    static const int32_t helpers[] = {SPEC_HELPER_MAP_PUSH_ELEM, SPEC_HELPER_MAP_PUSH_ELEM,
                                      SPEC_HELPER_MAP_POP_ELEM, SPEC_HELPER_MAP_PEEK_ELEM};
    const int map = gen_map_of(g, TYPE(QUEUE) | TYPE(STACK) | TYPE(BLOOM_FILTER));
    int32_t helper = helpers[gen_below(g, 4)];

    if (map < 0 || !gen_may_call(g) || !buffer_in(g, 2, g->maps[map].value_bytes))
        return;
    if (helper == SPEC_HELPER_MAP_POP_ELEM && g->maps[map].type == SPEC_MAP_BLOOM_FILTER)
        helper = SPEC_HELPER_MAP_PEEK_ELEM;
    if (helper == SPEC_HELPER_MAP_PUSH_ELEM)
        constant_in(g, 3, (int32_t)gen_below(g, gen_chance(g, 80) ? 3 : 6));
    gen_map_address(g, 1, (uint32_t)map);
    gen_emit(g, CALL(helper));
    gen_called(g);
}

/* Sizes that Linux does not fill up, so that the bytes are the same to the last. */
static void perf_event(struct gen *g, uint32_t map)
{
    const uint32_t bytes = 4 + 8 * gen_below(g, 4);
    const uint64_t index = gen_chance(g, 90) ? UINT32_MAX : 77;
    const uint64_t flags = index | (uint64_t)(gen_chance(g, 30) ? 8 * gen_below(g, 12) : 0) << 32;
    const struct ebpf_insn two[] = {LD_IMM64(3, flags)};
    uint16_t frozen;

    if (!context_in(g, &frozen))
        return;
    if (buffer_in(g, 4, bytes)) {
        gen_emit(g, two[0]);
        gen_emit(g, two[1]);
        g->st.regs[3].kind = GEN_NONE;
        gen_map_address(g, 2, map);
        constant_in(g, 5, (int32_t)bytes);
        gen_emit(g, CALL(SPEC_HELPER_PERF_EVENT_OUTPUT));
        g->frozen = frozen;
        gen_called(g);
    }
    g->frozen = frozen;
}

static void ring_record(struct gen *g, uint32_t map)
{
    const uint32_t bytes = 1 + gen_below(g, 32);

    if (gen_chance(g, 25)) {
        constant_in(g, 2, (int32_t)gen_below(g, 6));
        gen_map_address(g, 1, map);
        gen_emit(g, CALL(SPEC_HELPER_RINGBUF_QUERY));
        gen_called(g);
        return;
    }
    if (!buffer_in(g, 2, bytes))
        return;
    constant_in(g, 3, (int32_t)bytes);
    constant_in(g, 4, (int32_t)gen_below(g, gen_chance(g, 90) ? 3 : 8));
    gen_map_address(g, 1, map);
    gen_emit(g, CALL(SPEC_HELPER_RINGBUF_OUTPUT));
    gen_called(g);
}

/* A record that is filled where it lies. */
static void reserve_record(struct gen *g, uint32_t map)
{
    const uint32_t bytes = 8 * (1 + gen_below(g, 4));

    constant_in(g, 2, (int32_t)bytes);
    constant_in(g, 3, gen_chance(g, 90) ? 0 : 1);
    gen_map_address(g, 1, map);
    gen_emit(g, CALL(SPEC_HELPER_RINGBUF_RESERVE));
    gen_called(g);
    gen_emit(g, JMP_K(JEQ, 0, 0, (int16_t)(bytes / 8 + 3)));
    for (uint32_t i = 0; i < bytes; i += 8)
        gen_emit(g, ST(DW, 0, (int16_t)i, gen_const(g)));
    gen_emit(g, MOV_X(1, 0));
    gen_emit(g, MOV_K(2, 0));
    gen_emit(g, CALL(gen_chance(g, 70) ? SPEC_HELPER_RINGBUF_SUBMIT : SPEC_HELPER_RINGBUF_DISCARD));
    g->st.regs[0].kind = GEN_NONE;
}

void gen_loop_call_statement(struct gen *g)
{
    const struct ebpf_insn address[] = {
        insn((int)EBPF_CLASS_LD | EBPF_MODE_IMM | EBPF_SIZE_DW, 2, EBPF_PSEUDO_FUNC, 0, 0),
        insn(0, 0, 0, 0, 0)};
    const uint32_t index = g->func_count - 1;
    const int map = gen_map_of(g, TYPE(ARRAY) | TYPE(PERCPU_ARRAY));
    int src;

    if (!g->func_count || !g->funcs[index].callback || g->func || g->in_loop || !gen_may_call(g) ||
        (g->funcs[index].each && map < 0))
        return;
    if (g->funcs[index].each) {
        gen_map_address(g, 1, (uint32_t)map);
    } else {
        src = gen_num(g, 0);
        if (src != 1)
            gen_emit(g, MOV_X(1, src));
        gen_emit(g, ALU64_K(AND, 1, 31));
        g->st.regs[1].kind = GEN_NONE;
    }
    g->calls[g->call_count].address = true;
    g->calls[g->call_count].insn = g->insn_count;
    g->calls[g->call_count++].func = index;
    gen_emit(g, address[0]);
    gen_emit(g, address[1]);
    g->st.regs[2].kind = GEN_NONE;
    constant_in(g, 3, 0);
    constant_in(g, 4, gen_chance(g, 90) ? 0 : 1);
    gen_emit(g, CALL(g->funcs[index].each ? SPEC_HELPER_FOR_EACH_MAP_ELEM : SPEC_HELPER_LOOP));
    gen_called(g);
}

/* Through a map of maps to a value of the map in it. */
void gen_inner_statement(struct gen *g)
{
    const int outer = gen_map_of(g, TYPE(ARRAY_OF_MAPS) | TYPE(HASH_OF_MAPS));
    const uint32_t past = gen_label(g), slots = g->frozen_slots;
    uint32_t inner;
    int32_t key;

    if (outer < 0 || !gen_may_call(g))
        goto done;
    inner = g->map_info[outer].inner;
    key = gen_key(g, inner);
    if (!key)
        goto done;
    gen_freeze_stack(g, key, g->maps[inner].key_bytes);
    if (!gen_lookup_call(g, (uint32_t)outer)) {
        g->frozen_slots = slots;
        goto done;
    }
    g->frozen_slots = slots;
    gen_jump(g, JMP_K(JEQ, 0, 0, 0), past);
    gen_emit(g, MOV_X(1, 0));
    gen_emit(g, MOV_X(2, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, 2, key));
    g->st.regs[2].kind = GEN_NONE;
    if (gen_chance(g, 30)) {
        gen_emit(g, CALL(SPEC_HELPER_MAP_DELETE_ELEM));
        gen_called(g);
    } else {
        gen_emit(g, CALL(SPEC_HELPER_MAP_LOOKUP_ELEM));
        gen_called(g);
        g->st.regs[0].kind = GEN_NONE;
        gen_jump(g, JMP_K(JEQ, 0, 0, 0), past);
        gen_emit(g, LDX(B, 1, 0, 0));
        gen_emit(g, ALU64_K(XOR, 1, 0x5a));
        gen_emit(g, STX(B, 0, 0, 1));
        gen_set_num(g, 1);
    }
done:
    gen_bind(g, past);
}

void gen_event_statement(struct gen *g)
{
    const int map = gen_map_of(g, TYPE(PERF_EVENT_ARRAY) | TYPE(RINGBUF));

    if (map < 0 || !gen_may_call(g))
        return;
    if (g->maps[map].type == SPEC_MAP_RINGBUF && gen_chance(g, 35))
        reserve_record(g, (uint32_t)map);
    else if (g->maps[map].type == SPEC_MAP_RINGBUF)
        ring_record(g, (uint32_t)map);
    else
        perf_event(g, (uint32_t)map);
}

/* The network is the ingress interface alone, so most answers are errors. */
static void ask_fib(struct gen *g)
{
    static const int32_t families[] = {2, 2, 10, 10, 7};
    uint16_t frozen;
    int32_t off;

    if (!context_in(g, &frozen))
        return;
    off = buffer_in(g, 2, 64);
    if (off) {
        gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_B, EBPF_REG_FP, 0, off,
                         families[gen_below(g, 5)]));
        gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_W, EBPF_REG_FP, 0, off + 8,
                         (int32_t)gen_below(g, 6)));
        constant_in(g, 3, 64);
        constant_in(g, 4, gen_chance(g, 90) ? (int32_t)gen_below(g, 8) : 64);
        gen_emit(g, CALL(SPEC_HELPER_FIB_LOOKUP));
        g->frozen = frozen;
        gen_called(g);
    }
    g->frozen = frozen;
}

static void ask_mtu(struct gen *g)
{
    uint16_t frozen;

    if (!context_in(g, &frozen))
        return;
    if (buffer_in(g, 3, 8)) {
        constant_in(g, 2, (int32_t)gen_below(g, 6));
        constant_in(g, 4, gen_chance(g, 50) ? gen_const(g) : (int32_t)gen_below(g, 3000) - 1000);
        constant_in(g, 5, gen_chance(g, 90) ? 0 : 1);
        gen_emit(g, CALL(SPEC_HELPER_CHECK_MTU));
        g->frozen = frozen;
        gen_called(g);
    }
    g->frozen = frozen;
}

void gen_net_statement(struct gen *g)
{
    if (!gen_may_call(g))
        return;
    if (g->soft && gen_chance(g, 50))
        ask_fib(g);
    else
        ask_mtu(g);
}

/* The program itself is what the map holds, so it runs up to 34 times. */
void gen_tail_statement(struct gen *g)
{
    const int map = gen_map_of(g, TYPE(PROG_ARRAY));
    uint16_t frozen;

    if (map < 0 || !gen_may_call(g) || g->no_moves || g->in_loop || g->func ||
        !context_in(g, &frozen))
        return;
    constant_in(g, 3, (int32_t)gen_below(g, g->maps[map].max_entries + 2));
    gen_map_address(g, 2, (uint32_t)map);
    g->frozen = frozen;
    gen_emit(g, CALL(SPEC_HELPER_TAIL_CALL));
    gen_called(g);
    g->st.regs[0].kind = GEN_NONE;
    gen_forget_packet(g);
}
