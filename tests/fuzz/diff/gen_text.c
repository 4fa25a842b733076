/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include <string.h>

/* Numbers from text, text from numbers: software only. */

static int32_t place(struct gen *g, int reg, uint32_t bytes)
{
    const int32_t off = gen_buffer(g, bytes, 8);

    if (!off)
        return 0;
    for (uint32_t i = 0; i < bytes; i += 8)
        gen_stack_store(g, off + (int32_t)i, 8);
    gen_emit(g, MOV_X(reg, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, reg, off));
    g->st.regs[reg].kind = GEN_NONE;
    return off;
}

static void constant(struct gen *g, int reg, int32_t value)
{
    gen_emit(g, MOV_K(reg, value));
    g->st.regs[reg].kind = GEN_NONE;
}

/* Eight characters on the stack. */
static void put_word(struct gen *g, int32_t off, const char text[8])
{
    int32_t words[2];

    memcpy(words, text, sizeof(words));
    for (int i = 0; i < 2; i++)
        gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_W, EBPF_REG_FP, 0,
                         off + 4 * i, words[i]));
}

static void number(struct gen *g)
{
    static const char texts[][9] = {"1234    ", "-77x9999",   "  0x7ffe", "-99999  ", "0x      ",
                                    "07778888", "\t\v -5555", "fffe0000", "00000000", "zz      "};
    static const int32_t bases[] = {0, 10, 16, 8, 0, 10, 5, 32};
    const uint16_t frozen = g->frozen;
    const uint32_t slots = g->frozen_slots;
    const int32_t out = place(g, 4, 8);
    int32_t text;

    if (!out)
        return;
    gen_freeze_stack(g, out, 8);
    g->frozen |= 1u << 4;
    text = place(g, 1, 16);
    g->frozen = frozen;
    g->frozen_slots = slots;
    if (!text)
        return;
    put_word(g, text, texts[gen_below(g, 10)]);
    if (gen_chance(g, 50))
        put_word(g, text + 8, texts[gen_below(g, 10)]);
    constant(g, 2, (int32_t)(1 + gen_below(g, 16)));
    constant(g, 3, bases[gen_below(g, 8)]);
    gen_emit(g, CALL(gen_chance(g, 50) ? SPEC_HELPER_STRTOL : SPEC_HELPER_STRTOUL));
    gen_called(g);
}

static void print(struct gen *g)
{
    static const char formats[][9] = {"%d %x\n\0\0", "%ld%%%u\0",      "%5u %c\0\0", "%d %d %d",
                                      "%q %d\0\0\0", "\1%d\0\0\0\0\0", "%-5X|\0\0\0"};
    const bool array = gen_chance(g, 50);
    const int32_t text = place(g, 1, 16);

    if (!text)
        return;
    put_word(g, text, formats[gen_below(g, 7)]);
    put_word(g, text + 8, "\0\0\0\0\0\0\0");
    if (array) {
        gen_emit(g, MOV_X(3, EBPF_REG_FP));
        gen_emit(g, ALU64_K(ADD, 3, text + (gen_chance(g, 50) ? 8 : 0)));
        g->st.regs[3].kind = GEN_NONE;
        constant(g, 4, 8);
    } else {
        constant(g, 3, gen_const(g));
        constant(g, 4, gen_const(g));
        constant(g, 5, gen_const(g));
    }
    constant(g, 2, (int32_t)(gen_chance(g, 90) ? 9 : 1 + gen_below(g, 9)));
    gen_emit(g, CALL(array ? SPEC_HELPER_TRACE_VPRINTK : SPEC_HELPER_TRACE_PRINTK));
    gen_called(g);
}

/* Against, or by, the string in read-only data. */
static void with_string(struct gen *g, uint32_t map)
{
    const int32_t at = (int32_t)(g->maps[map].value_bytes - sizeof(GEN_FORMAT));
    const bool compare = gen_chance(g, 40);
    const int reg = 3;
    const struct ebpf_insn two[] = {LD_MAP_VALUE(reg, map, at)};
    const int32_t off = place(g, 1, 24);

    if (!off)
        return;
    if (compare && gen_chance(g, 60))
        put_word(g, off, GEN_FORMAT "\0");
    constant(g, 2, (int32_t)(1 + gen_below(g, 24)));
    gen_emit(g, two[0]);
    gen_emit(g, two[1]);
    g->st.regs[3].kind = GEN_NONE;
    gen_emit(g, MOV_X(4, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, 4, off));
    g->st.regs[4].kind = GEN_NONE;
    constant(g, 5, 16);
    gen_emit(g, CALL(compare ? SPEC_HELPER_STRNCMP : SPEC_HELPER_SNPRINTF));
    gen_called(g);
}

void gen_text_statement(struct gen *g)
{
    int map = -1;

    if (!g->soft || !gen_may_call(g))
        return;
    for (uint32_t m = 0; m < g->map_count; m++)
        if (g->maps[m].kind == LOAD_MAP_RODATA)
            map = (int)m;
    if (map >= 0 && gen_chance(g, 60))
        with_string(g, (uint32_t)map);
    else if (gen_chance(g, 60))
        number(g);
    else if (g->profile != GEN_PATHS || gen_chance(g, 2))
        print(g);
    else
        number(g);
}
