/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

/* Loads and stores, and the stack. Slot s is r10-8(s+1) .. r10-8s. */

static uint8_t mask_of(int32_t off, uint32_t bytes, int32_t s)
{
    uint8_t mask = 0;

    for (uint32_t i = 0; i < bytes; i++)
        if ((-off - (int32_t)i - 1) / 8 == s)
            mask |= (uint8_t)(1u << ((off + (int32_t)i + 8 * (s + 1)) & 7));
    return mask;
}

/* Calls for each slot that the place touches. */
#define EACH_SLOT(s, off, bytes)                                                                   \
    for (int32_t s = (-(off)-1) / 8; s >= 0 && s >= (-(off) - (int32_t)(bytes)) / 8; s--)

bool gen_stack_readable(const struct gen *g, int32_t off, uint32_t bytes)
{
    EACH_SLOT(s, off, bytes)
    {
        const uint8_t mask = mask_of(off, bytes, s);

        if ((g->st.slots[s].bytes & mask) != mask || g->atomic_slots >> s & 1)
            return false;
    }
    return true;
}

void gen_stack_written(struct gen *g, int32_t off, uint32_t bytes)
{
    EACH_SLOT(s, off, bytes)
    {
        g->st.slots[s].bytes |= mask_of(off, bytes, s);
        g->st.slots[s].ptr.kind = GEN_NONE;
    }
}

bool gen_stack_free(const struct gen *g, int32_t off, uint32_t bytes)
{
    if (off + (int32_t)bytes > 0 || -off > 8 * (int32_t)g->slots)
        return false;
    EACH_SLOT(s, off, bytes)
    {
        if ((g->frozen_slots | g->atomic_slots) >> s & 1)
            return false;
        if (g->fixed_slots >> s & 1 && g->st.slots[s].ptr.kind != GEN_NONE)
            return false;
    }
    return true;
}

void gen_freeze_stack(struct gen *g, int32_t off, uint32_t bytes)
{
    EACH_SLOT(s, off, bytes)
    {
        g->frozen_slots |= 1u << s;
    }
}

int32_t gen_buffer(struct gen *g, uint32_t bytes, uint32_t align)
{
    uint32_t places, first;

    if (bytes > 8 * g->slots)
        return 0;
    places = (8 * g->slots - bytes) / align + 1;
    first = gen_below(g, places);
    for (uint32_t i = 0; i < places; i++) {
        const int32_t off = -(int32_t)(8 * g->slots) + (int32_t)(((first + i) % places) * align);

        if (gen_stack_free(g, off, bytes))
            return off;
    }
    return 0;
}

/* r10, or a register that was moved there: then *off changes. */
static int stack_base(struct gen *g, int32_t *off, uint32_t avoid)
{
    const int32_t moved = -(int32_t)(8 * gen_below(g, g->slots + 1));
    int r;

    if (gen_chance(g, 85))
        return EBPF_REG_FP;
    r = gen_pointer_temp(g, avoid);
    if (r < 0)
        return EBPF_REG_FP;
    gen_emit(g, MOV_X(r, EBPF_REG_FP));
    if (moved)
        gen_emit(g, ALU64_K(ADD, r, moved));
    *off -= moved;
    return r;
}

void gen_store_to(struct gen *g, int base, int32_t off, uint32_t bytes)
{
    const uint8_t size = gen_size_code(bytes);

    if (gen_keeps(g, base))
        return;
    if (gen_chance(g, 30))
        gen_emit(g, insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | size, base, 0, off, gen_const(g)));
    else
        gen_emit(g, insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | size, base, gen_num(g, 1u << base),
                         off, 0));
}

void gen_load_from(struct gen *g, int base, int32_t off, uint32_t bytes, uint32_t avoid)
{
    const uint8_t size = gen_size_code(bytes);
    const bool sign = bytes < 8 && gen_chance(g, 20);
    /* the base itself may be the destination */
    const int dst = gen_temp(g, avoid);

    gen_emit(g, insn((int)EBPF_CLASS_LDX | (sign ? EBPF_MODE_MEMSX : EBPF_MODE_MEM) | size, dst,
                     base, off, 0));
    gen_set_num(g, dst);
}

void gen_stack_store(struct gen *g, int32_t off, uint32_t bytes)
{
    gen_store_to(g, EBPF_REG_FP, off, bytes);
    gen_stack_written(g, off, bytes);
}

void gen_atomic(struct gen *g, int base, int32_t off, uint32_t bytes)
{
    static const int codes[] = {0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1};
    const int code = codes[gen_below(g, 10)];
    int src;

    if (gen_keeps(g, base))
        return;
    if (code == 0xf1 && (base == 0 || g->st.regs[0].kind != GEN_NUM)) {
        if (base == 0 || g->frozen & 1 || g->fixed & 1)
            return;
        gen_emit(g, MOV_K(0, gen_const(g)));
        gen_set_num(g, 0);
    }
    if (code == 0xf1 && g->frozen & 1)
        return;
    src = gen_num(g, 1u << base | (code & 1 && code != 0xf1 ? g->frozen : 0));
    gen_emit(
        g, insn((int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | (bytes == 4 ? EBPF_SIZE_W : EBPF_SIZE_DW),
                base, src, off, code));
}

/* ---- bounded numbers ---- */

/* r <= max by a jump to skip otherwise. */
static void guard(struct gen *g, int r, int32_t max, uint32_t skip)
{
    const uint32_t past = gen_label(g);

    switch (gen_below(g, 4)) {
    case 0:
        gen_jump(g, JMP_K(JGT, r, max, 0), skip);
        return;
    case 1:
        gen_jump(g, JMP_K(JGE, r, max + 1, 0), skip);
        return;
    case 2:
        gen_jump(g, JMP_K(JLE, r, max, 0), past);
        break;
    default:
        gen_jump(g, JMP_K(JLT, r, max + 1, 0), past);
        break;
    }
    gen_goto(g, skip);
    gen_bind(g, past);
}

int gen_bounded(struct gen *g, uint32_t max, uint32_t step, uint32_t avoid, uint32_t skip)
{
    const int src = gen_num(g, avoid);
    const int r = gen_temp(g, avoid);
    uint32_t bits = 0;

    while ((2u << bits) - 1 <= max)
        bits++;
    if (src != r)
        gen_emit(g, gen_chance(g, 70) ? MOV_X(r, src) : ALU32_X(MOV, r, src));
    gen_set_num(g, r);
    switch (gen_below(g, step > 1 || !bits ? 1 : 5)) {
    case 0:
    case 1:
        gen_emit(g, gen_chance(g, 80) ? ALU64_K(AND, r, ((1u << bits) - 1) & ~(step - 1))
                                      : ALU32_K(AND, r, ((1u << bits) - 1) & ~(step - 1)));
        break;
    case 2:
        gen_emit(g, ALU64_K(RSH, r, 64 - bits));
        break;
    case 3:
        if (bits > 31)
            bits = 31;
        gen_emit(g, ALU32_K(RSH, r, 32 - bits));
        break;
    default:
        guard(g, r, (int32_t)max, skip);
        break;
    }
    return r;
}

/* ---- templates ---- */

void gen_stack_statement(struct gen *g)
{
    const uint32_t bytes = gen_size(g);
    int32_t off = -(int32_t)(bytes * (1 + gen_below(g, 8 * g->slots / bytes)));
    const int32_t place = off;
    int base;

    if (gen_stack_readable(g, off, bytes) && gen_chance(g, 55)) {
        base = stack_base(g, &off, 0);
        gen_load_from(g, base, off, bytes, 0);
    } else if (gen_stack_free(g, off, bytes)) {
        base = stack_base(g, &off, 0);
        gen_store_to(g, base, off, bytes);
        gen_stack_written(g, place, bytes);
    }
}

/* A piece of the stack is written in parts and read in others. */
void gen_stack_moved_statement(struct gen *g)
{
    const int32_t off = gen_buffer(g, 8, 8);
    const uint32_t part = gen_size(g), read = gen_size(g);

    if (!off)
        return;
    for (uint32_t i = 0; i < 8; i += part)
        gen_stack_store(g, off + (int32_t)i, part);
    gen_load_from(g, EBPF_REG_FP, off + (int32_t)(read * gen_below(g, 8 / read)), read, 0);
}

/* Stack at a run-time offset. */
void gen_stack_run_time_statement(struct gen *g)
{
    const uint32_t bytes = gen_size(g);
    const int32_t off = gen_buffer(g, 16, 8);
    const uint32_t past = gen_label(g);
    int index, base;

    if (!off)
        return;
    gen_stack_store(g, off, 8);
    gen_stack_store(g, off + 8, 8);
    index = gen_bounded(g, 16 - bytes, bytes, 0, past);
    base = gen_pointer_temp(g, 1u << index);
    if (base < 0) {
        gen_bind(g, past);
        return;
    }
    gen_emit(g, MOV_X(base, EBPF_REG_FP));
    gen_emit(g, ALU64_K(ADD, base, off));
    gen_emit(g, ALU64_X(ADD, base, index));
    if (gen_chance(g, 50))
        gen_store_to(g, base, 0, bytes);
    else
        gen_load_from(g, base, 0, bytes, 0);
    gen_bind(g, past);
}

void gen_stack_atomic_statement(struct gen *g)
{
    const uint32_t bytes = gen_chance(g, 50) ? 4 : 8;
    uint32_t s = gen_below(g, GEN_SLOTS);

    if (!g->atomic_slots)
        return;
    while (!(g->atomic_slots >> s & 1))
        s = (s + 1) % GEN_SLOTS;
    gen_atomic(g, EBPF_REG_FP,
               -8 * (int32_t)(s + 1) + (bytes == 4 ? 4 * (int32_t)gen_below(g, 2) : 0), bytes);
}

/* A pointer goes to the stack, or comes back. */
void gen_spill_statement(struct gen *g)
{
    static const enum gen_kind kinds[] = {GEN_PKT, GEN_END, GEN_VALUE, GEN_CTX, GEN_BUF, GEN_NUM};
    uint32_t s = gen_below(g, g->slots);
    int r;

    for (uint32_t i = 0; i < g->slots; i++, s = (s + 1) % g->slots) {
        if (g->st.slots[s].ptr.kind == GEN_NONE || gen_chance(g, 30))
            continue;
        r = gen_pointer_temp(g, 0);
        if (r < 0)
            return;
        gen_emit(g, LDX(DW, r, EBPF_REG_FP, -8 * (int32_t)(s + 1)));
        gen_set(g, r, g->st.slots[s].ptr);
        return;
    }
    r = gen_find(g, kinds[gen_below(g, 6)], 0);
    if (r < 0 || !gen_stack_free(g, -8 * (int32_t)(s + 1), 8) || g->fixed_slots >> s & 1)
        return;
    gen_emit(g, STX(DW, EBPF_REG_FP, -8 * (int32_t)(s + 1), r));
    if (g->st.regs[r].kind == GEN_NUM) {
        g->st.slots[s] = (struct gen_slot){.bytes = 0xff};
    } else {
        g->st.slots[s] = (struct gen_slot){.ptr = g->st.regs[r]};
        if (gen_chance(g, 50) && !((g->frozen | g->fixed) >> r & 1))
            g->st.regs[r].kind = GEN_NONE; /* only the spilled one stays */
    }
}
