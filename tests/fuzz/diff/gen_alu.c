/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Arithmetic on numbers. */

static const uint8_t codes[] = {EBPF_ALU_ADD, EBPF_ALU_SUB, EBPF_ALU_MUL,  EBPF_ALU_DIV,
                                EBPF_ALU_OR,  EBPF_ALU_AND, EBPF_ALU_LSH,  EBPF_ALU_RSH,
                                EBPF_ALU_MOD, EBPF_ALU_XOR, EBPF_ALU_ARSH, EBPF_ALU_NEG};

static bool is_shift(uint8_t code)
{
    return code == EBPF_ALU_LSH || code == EBPF_ALU_RSH || code == EBPF_ALU_ARSH;
}

static bool is_division(uint8_t code)
{
    return code == EBPF_ALU_DIV || code == EBPF_ALU_MOD;
}

/* A register with a number that may be changed. */
static int changeable(struct gen *g)
{
    const int r = gen_find(g, GEN_NUM, g->frozen);

    if (r >= 0)
        return r;
    return gen_num(g, g->frozen);
}

/* Operands at which results are special: the least number by -1, shifts by the width and more, 0.
 */
static void corner_alu(struct gen *g, int dst)
{
    static const int32_t borders[] = {-1, 0, 1, 31, 32, 33, 63, 64, 65, INT32_MIN, INT32_MAX};
    const uint8_t code = gen_chance(g, 60) ? (gen_chance(g, 50) ? EBPF_ALU_DIV : EBPF_ALU_MOD)
                                           : codes[gen_below(g, sizeof(codes))];
    const int class = gen_chance(g, 60) ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    const int src = gen_temp(g, 1u << dst);

    if (gen_chance(g, 50)) {
        const struct ebpf_insn two[] = {LD_IMM64(dst, gen_const64(g))};

        gen_emit(g, two[0]);
        gen_emit(g, two[1]);
        gen_set_num(g, dst);
    }
    if (code == EBPF_ALU_NEG)
        return;
    gen_emit(g, MOV_K(src, borders[gen_below(g, 11)]));
    gen_set_num(g, src);
    gen_emit(g,
             insn(class | code | EBPF_SRC_X, dst, src, is_division(code) && gen_chance(g, 60), 0));
}

static void one_alu(struct gen *g, int dst)
{
    const uint8_t code = codes[gen_below(g, sizeof(codes))];
    const bool wide = gen_chance(g, 60);
    const int class = wide ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    const int off = is_division(code) && gen_chance(g, 40);
    int32_t imm = gen_const(g);

    if (gen_chance(g, 6)) {
        corner_alu(g, dst);
        return;
    }
    if (is_division(code) && g->profile != GEN_ANY && gen_chance(g, 70))
        return; /* dividers are long */
    if (code == EBPF_ALU_NEG) {
        gen_emit(g, insn(class | code, dst, 0, 0, 0));
        return;
    }
    if (gen_chance(g, 50)) {
        gen_emit(g, insn(class | code | EBPF_SRC_X, dst, gen_num(g, 0), off, 0));
        return;
    }
    if (is_shift(code))
        imm = (int32_t)gen_below(g, wide ? 64 : 32);
    if (is_division(code) && imm == 0)
        imm = 1 + (int32_t)gen_below(g, 1000);
    gen_emit(g, insn(class | code, dst, 0, off, imm));
}

void gen_alu_statement(struct gen *g)
{
    const int dst = changeable(g);

    for (uint32_t n = gen_chance(g, 70) ? 1 : 1 + gen_below(g, 5); n; n--)
        one_alu(g, gen_chance(g, 70) ? dst : changeable(g));
}

void gen_move_statement(struct gen *g)
{
    static const int16_t widths[] = {8, 16, 32};
    const bool wide = gen_chance(g, 50);
    const int class = wide ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    const int src = gen_num(g, 0);
    const int dst = gen_temp(g, 0);
    const int off = gen_chance(g, 60) ? widths[gen_below(g, wide ? 3 : 2)] : 0;

    gen_emit(g, insn(class | EBPF_ALU_MOV | EBPF_SRC_X, dst, src, off, 0));
    gen_set_num(g, dst);
}

void gen_swap_statement(struct gen *g)
{
    static const int32_t widths[] = {16, 32, 64};
    const int32_t width = widths[gen_below(g, 3)];
    const int dst = changeable(g);

    switch (gen_below(g, 3)) {
    case 0: /* to little-endian: cuts off */
        gen_emit(g, insn((int)EBPF_CLASS_ALU | EBPF_ALU_END, dst, 0, 0, width));
        break;
    case 1:
        gen_emit(g, insn((int)EBPF_CLASS_ALU | EBPF_ALU_END | EBPF_SRC_X, dst, 0, 0, width));
        break;
    default:
        gen_emit(g, insn((int)EBPF_CLASS_ALU64 | EBPF_ALU_END, dst, 0, 0, width));
        break;
    }
}

void gen_constant_statement(struct gen *g)
{
    const int dst = gen_temp(g, 0);

    if (gen_chance(g, 50)) {
        const uint64_t v = gen_const64(g);
        const struct ebpf_insn two[] = {LD_IMM64(dst, v)};

        gen_emit(g, two[0]);
        gen_emit(g, two[1]);
    } else {
        gen_emit(g, gen_chance(g, 50) ? MOV_K(dst, gen_const(g)) : ALU32_K(MOV, dst, gen_const(g)));
    }
    gen_set_num(g, dst);
}

/* What the context says besides packet pointers. */
void gen_context_statement(struct gen *g)
{
    const int ctx = gen_ctx(g, 0);
    int dst;

    if (ctx < 0)
        return;
    dst = gen_temp(g, 0);
    gen_emit(g, LDX(W, dst, ctx,
                    gen_chance(g, 50) ? SPEC_CTX_INGRESS_IFINDEX : SPEC_CTX_RX_QUEUE_INDEX));
    gen_set_num(g, dst);
}

/* A sum over 16-bit words, folded as checksums are. */
void gen_checksum_statement(struct gen *g)
{
    const uint32_t past = gen_label(g), skip = gen_skip(g, past);
    const uint32_t words = 2 + gen_below(g, 6);
    const int p = gen_packet(g, 2 * words, 0, skip);
    int sum, t;

    if (p < 0) {
        gen_bind(g, past);
        return;
    }
    sum = gen_temp(g, 1u << p);
    gen_emit(g, MOV_K(sum, 0));
    gen_set_num(g, sum);
    t = gen_temp(g, 1u << p | 1u << sum);
    for (uint32_t i = 0; i < words; i++) {
        gen_emit(g, LDX(H, t, p, (int)(2 * i)));
        gen_set_num(g, t);
        gen_emit(g, ALU64_X(ADD, sum, t));
    }
    for (int fold = 0; fold < 2; fold++) {
        gen_emit(g, MOV_X(t, sum));
        gen_emit(g, ALU64_K(RSH, t, 16));
        gen_emit(g, ALU64_K(AND, sum, 0xffff));
        gen_emit(g, ALU64_X(ADD, sum, t));
    }
    if (gen_chance(g, 50)) {
        gen_emit(g, ALU64_K(XOR, sum, -1));
        gen_emit(g, STX(H, p, (int)(2 * gen_below(g, words)), sum));
    }
    gen_bind(g, past);
}
