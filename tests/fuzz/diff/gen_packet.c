/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* The packet: pointers, checks, accesses, and moving its ends. */

/* A register with a field of the context; -1 if that is not to be had. */
static int load_end(struct gen *g, enum gen_kind kind, uint32_t avoid)
{
    const int ctx = gen_ctx(g, avoid);
    int r;

    if (ctx < 0)
        return -1;
    r = gen_pointer_temp(g, avoid);
    if (r < 0)
        return -1;
    gen_emit(g, LDX(W, r, ctx, kind == GEN_END ? SPEC_CTX_DATA_END : SPEC_CTX_DATA));
    gen_set(g, r, (struct gen_val){.kind = (uint8_t)kind});
    return r;
}

/* Jumps to skip if t is past the end. There the verifier forgets what it knew of t. */
static void leave_if_past(struct gen *g, struct ebpf_insn i, int t, uint32_t skip)
{
    const struct gen_val known = g->st.regs[t];

    g->st.regs[t].lo = g->st.regs[t].hi = 0;
    gen_jump(g, i, skip);
    g->st.regs[t] = known;
}

static void go_if_before(struct gen *g, struct ebpf_insn i, int t, uint32_t skip)
{
    const uint32_t ok = gen_label(g);

    gen_jump(g, i, ok);
    g->st.regs[t].lo = g->st.regs[t].hi = 0;
    gen_goto(g, skip);
    gen_bind(g, ok);
}

/* Leaves to skip unless t <= end; returns how many bytes behind t are proved. */
static uint32_t compare_with_end(struct gen *g, int t, int end, uint32_t skip)
{
    switch (gen_below(g, 8)) {
    case 0:
    case 1:
    case 2:
        leave_if_past(g, JMP_X(JGT, t, end, 0), t, skip);
        return 0;
    case 3:
        leave_if_past(g, JMP_X(JLT, end, t, 0), t, skip);
        return 0;
    case 4:
        leave_if_past(g, JMP_X(JGE, t, end, 0), t, skip);
        return 1;
    case 5:
        leave_if_past(g, JMP_X(JLE, end, t, 0), t, skip);
        return 1;
    case 6:
        go_if_before(g, JMP_X(JLE, t, end, 0), t, skip);
        return 0;
    default:
        go_if_before(g, JMP_X(JGT, end, t, 0), t, skip);
        return 1;
    }
}

bool gen_check(struct gen *g, int pkt, uint32_t n, uint32_t avoid, uint32_t skip)
{
    int end = gen_find(g, GEN_END, 0);
    int t;
    uint32_t more;

    if (end < 0 || gen_chance(g, 10))
        end = load_end(g, GEN_END, avoid | 1u << pkt);
    if (end < 0)
        return false;
    t = gen_pointer_temp(g, avoid | 1u << pkt | 1u << end);
    if (t < 0)
        return false;
    gen_copy(g, t, pkt);
    gen_add_const(g, t, (int32_t)n);
    more = compare_with_end(g, t, end, skip);
    if (g->st.regs[pkt].hi < (int32_t)(n + more))
        g->st.regs[pkt].hi = (int16_t)(n + more);
    if (g->st.regs[t].hi < (int32_t)more)
        g->st.regs[t].hi = (int16_t)more;
    if (g->st.regs[t].lo > -(int32_t)n)
        g->st.regs[t].lo = (int16_t) - (int32_t)n;
    return true;
}

int gen_packet(struct gen *g, uint32_t n, uint32_t avoid, uint32_t skip)
{
    int found[GEN_REGS], r = -1;
    uint32_t count = 0;

    for (int i = 0; i < GEN_REGS; i++)
        if (g->st.regs[i].kind == GEN_PKT && g->st.regs[i].lo <= 0 && !(avoid >> i & 1))
            found[count++] = i;
    if (count && gen_chance(g, 75))
        r = found[gen_below(g, count)];
    if (r < 0)
        r = load_end(g, GEN_PKT, avoid);
    if (r < 0 && count)
        r = found[gen_below(g, count)];
    if (r < 0)
        return -1;
    if (g->st.regs[r].hi < (int32_t)n && !gen_check(g, r, n, avoid, skip))
        return -1;
    return r;
}

/* An access of one of the bytes that may be touched. */
static void access_packet(struct gen *g, int p)
{
    const struct gen_val *v = &g->st.regs[p];
    const uint32_t bytes = gen_size(g);
    const int32_t room = v->hi - v->lo - (int32_t)bytes + 1;
    int32_t off;

    if (room <= 0)
        return;
    off = v->lo + (int32_t)gen_below(g, (uint32_t)room);
    if (gen_chance(g, 50))
        off &= ~((int32_t)bytes - 1);
    if (off < v->lo || off + (int32_t)bytes > v->hi)
        return;
    if (gen_chance(g, 60))
        gen_load_from(g, p, off, bytes, gen_chance(g, 90) ? 1u << p : 0);
    else
        gen_store_to(g, p, off, bytes);
}

void gen_packet_statement(struct gen *g)
{
    const uint32_t past = gen_label(g);
    const uint32_t n = gen_chance(g, 70) ? g->reach : 1 + gen_below(g, 2 * g->reach);
    const int p = gen_packet(g, n, 0, gen_skip(g, past));

    for (uint32_t i = 1 + gen_below(g, 3); p >= 0 && i && g->st.regs[p].kind == GEN_PKT; i--)
        access_packet(g, p);
    if (p >= 0 && g->st.regs[p].kind == GEN_PKT && gen_chance(g, 15) &&
        !((g->fixed | g->frozen) >> p & 1))
        gen_add_const(g, p, (int32_t)gen_below(g, 30) - 8); /* the pointer moves itself */
    gen_bind(g, past);
}

/* q = p + run-time offset, checked and used. */
void gen_packet_run_time_statement(struct gen *g)
{
    static const uint32_t tops[] = {3, 7, 15, 31, 60, 63, 255, 1023};
    const uint32_t past = gen_label(g), skip = gen_skip(g, past);
    const uint32_t top = tops[gen_below(g, g->profile != GEN_ANY ? 6 : 8)];
    const uint32_t n = 1 + gen_below(g, 24);
    int p = gen_packet(g, 1 + gen_below(g, 20), 0, skip), index, q;

    if (p < 0 || g->st.regs[p].span > 8000)
        goto done;
    index = gen_bounded(g, top, gen_chance(g, 80) ? 1 : 4, 1u << p, skip);
    q = gen_pointer_temp(g, 1u << index | (gen_chance(g, 70) ? 1u << p : 0));
    if (q < 0 || g->st.regs[p].kind != GEN_PKT)
        goto done;
    gen_copy(g, q, p);
    if (gen_chance(g, 15) && !((g->fixed | g->frozen) >> index & 1)) {
        gen_emit(g, ALU64_X(ADD, index, q));
        gen_set(g, index, g->st.regs[q]);
        q = index;
    } else {
        gen_emit(g, ALU64_X(ADD, q, index));
    }
    g->st.regs[q].lo = g->st.regs[q].hi = 0;
    g->st.regs[q].span = (uint16_t)(g->st.regs[q].span + top);
    if (gen_check(g, q, n, 0, skip))
        for (uint32_t i = 1 + gen_below(g, 3); i && g->st.regs[q].kind == GEN_PKT; i--)
            access_packet(g, q);
done:
    gen_bind(g, past);
}

/* A 6-byte address or a 16-byte one goes from one place to another, in pieces. */
void gen_copy_bytes_statement(struct gen *g)
{
    static const uint32_t sizes[] = {4, 6, 6, 8, 16};
    const uint32_t past = gen_label(g);
    const uint32_t bytes = sizes[gen_below(g, 5)];
    const int p = gen_packet(g, 40, 0, gen_skip(g, past));
    uint32_t from, to, piece = gen_size(g);
    int t;

    if (p < 0) {
        gen_bind(g, past);
        return;
    }
    from = gen_below(g, 40 - bytes);
    to = gen_below(g, 40 - bytes);
    t = gen_temp(g, 1u << p);
    for (uint32_t i = 0; i < bytes; i += piece) {
        while (i + piece > bytes)
            piece /= 2;
        gen_emit(g, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | gen_size_code(piece), t, p,
                         (int)(from + i), 0));
        gen_set_num(g, t);
        gen_emit(g, insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | gen_size_code(piece), p, t,
                         (int)(to + i), 0));
    }
    gen_bind(g, past);
}

/* Two fields change places, as addresses do in an answer; sometimes a byte swap lies between. */
void gen_swap_fields_statement(struct gen *g)
{
    static const uint32_t sizes[] = {2, 4, 8};
    const uint32_t past = gen_label(g);
    const uint32_t bytes = sizes[gen_below(g, 3)];
    const uint32_t a = gen_below(g, 14), b = a + bytes + gen_below(g, 10);
    const int p = gen_packet(g, 40, 0, gen_skip(g, past));
    const uint8_t size = gen_size_code(bytes);
    int x, y;

    if (p < 0) {
        gen_bind(g, past);
        return;
    }
    x = gen_temp(g, 1u << p);
    y = gen_temp(g, 1u << p | 1u << x);
    gen_emit(g, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | size, x, p, (int)a, 0));
    gen_set_num(g, x);
    gen_emit(g, insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | size, y, p, (int)b, 0));
    gen_set_num(g, y);
    if (gen_chance(g, 40))
        gen_emit(g, insn((int)EBPF_CLASS_ALU | EBPF_ALU_END | EBPF_SRC_X, gen_chance(g, 50) ? x : y,
                         0, 0, (int)(8 * bytes)));
    gen_emit(g, insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | size, p, x, (int)b, 0));
    gen_emit(g, insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | size, p, y, (int)a, 0));
    gen_bind(g, past);
}

/* Ethernet, a tag perhaps, IPv4 with its length from the packet: what programs begin with. */
void gen_parse_statement(struct gen *g)
{
    const uint32_t past = gen_label(g), skip = gen_skip(g, past);
    const int p = gen_packet(g, 34, 0, skip);
    int type, len, q;

    if (p < 0)
        goto done;
    type = gen_temp(g, 1u << p);
    gen_emit(g, LDX(H, type, p, 12));
    gen_set_num(g, type);
    if (gen_chance(g, 60)) {
        gen_jump(g, gen_chance(g, 50) ? JMP_K(JNE, type, 8, 0) : JMP32_K(JNE, type, 8, 0), skip);
    } else {
        gen_emit(g, insn((int)EBPF_CLASS_ALU | EBPF_ALU_END | EBPF_SRC_X, type, 0, 0, 16));
        gen_jump(g, JMP_K(JNE, type, 0x0800, 0), skip);
    }
    len = gen_temp(g, 1u << p);
    gen_emit(g, LDX(B, len, p, 14));
    gen_set_num(g, len);
    gen_emit(g, ALU64_K(AND, len, 15));
    gen_emit(g, ALU64_K(LSH, len, 2));
    q = gen_pointer_temp(g, 1u << p | 1u << len);
    if (q < 0)
        goto done;
    gen_copy(g, q, p);
    gen_emit(g, ALU64_X(ADD, q, len));
    g->st.regs[q].lo = g->st.regs[q].hi = 0;
    g->st.regs[q].span = (uint16_t)(g->st.regs[q].span + 60);
    if (gen_chance(g, 50))
        gen_add_const(g, q, 14);
    g->st.regs[q].lo = g->st.regs[q].hi = 0;
    if (gen_check(g, q, 8, 0, skip))
        for (uint32_t i = 1 + gen_below(g, 3); i && g->st.regs[q].kind == GEN_PKT; i--)
            access_packet(g, q);
done:
    gen_bind(g, past);
}

/* ---- the packet's ends move ---- */

/* As far as it may just go, or one byte more or less. */
static void delta_to_border(struct gen *g, bool head)
{
    const int32_t near = (int32_t)gen_below(g, 3) - 1;
    const int ctx = g->st.regs[1].kind == GEN_CTX ? 1 : -1;
    const int end = ctx >= 0 ? gen_temp(g, 1u << 1 | 1u << 2) : -1;

    if (head) {
        gen_emit(g, MOV_K(2, SPEC_PKT_HARD_START - SPEC_PKT_BASE + near));
        return;
    }
    /* what is left of a page: all but the packet's own bytes */
    gen_emit(g, LDX(W, 2, ctx, SPEC_CTX_DATA));
    gen_emit(g, LDX(W, end, ctx, SPEC_CTX_DATA_END));
    gen_emit(g, ALU64_X(SUB, 2, end));
    gen_set_num(g, 2);
    gen_emit(g, ALU64_K(ADD, 2, SPEC_PKT_LINEAR_END - SPEC_PKT_BASE + near));
    g->st.regs[end].kind = GEN_NONE;
}

static void adjust_delta(struct gen *g, bool head)
{
    const int32_t most = head ? 14 : 40;
    const int src = gen_num(g, 1u << 1);

    if (gen_chance(g, 6) && !g->in_loop) {
        delta_to_border(g, head);
        gen_set_num(g, 2);
        return;
    }
    switch (gen_below(g, 6)) {
    case 0: /* whatever comes */
        if (src != 2)
            gen_emit(g, MOV_X(2, src));
        break;
    case 1:
    case 2:
        if (src != 2)
            gen_emit(g, MOV_X(2, src));
        gen_emit(g, ALU64_K(AND, 2, head ? 15 : 63));
        if (gen_chance(g, 60))
            gen_emit(g, ALU64_K(SUB, 2, head ? 10 : 30));
        break;
    default:
        gen_emit(g, MOV_K(2, (int32_t)gen_below(g, 2u * (uint32_t)most) - most));
        break;
    }
    gen_set_num(g, 2);
}

void gen_adjust_statement(struct gen *g)
{
    const bool head = gen_chance(g, 60);
    const uint32_t past = gen_label(g);
    int ctx;

    if (!gen_may_call(g) || g->no_moves)
        goto done;
    ctx = gen_ctx(g, 1u << 2);
    if (ctx < 0)
        goto done;
    gen_copy(g, 1, ctx);
    adjust_delta(g, head);
    gen_emit(g, CALL(head ? SPEC_HELPER_XDP_ADJUST_HEAD : SPEC_HELPER_XDP_ADJUST_TAIL));
    gen_called(g);
    gen_forget_packet(g);
    if (g->func)
        g->func->moves = true;
    if (gen_chance(g, 40))
        gen_jump(g, JMP_K(JNE, 0, 0, 0), gen_skip(g, past));
done:
    gen_bind(g, past);
}
