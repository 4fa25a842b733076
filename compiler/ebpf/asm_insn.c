/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/asm.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* "pc+5", "+5" or a label; LLVM adds its label in angle brackets. Returns the distance, 0 for a
 * label. */
static int64_t need_target(struct assembler *a, unsigned bits)
{
    char name[ASM_NAME_BYTES];
    int64_t distance = 0;

    asm_skip_spaces(a);
    if (*a->at == '+' || *a->at == '-' || strncmp(a->at, "pc+", 3) == 0 ||
        strncmp(a->at, "pc-", 3) == 0) {
        a->at += *a->at == 'p' ? 2 : 0;
        distance = asm_need_number(a, bits, false);
        if (asm_take(a, "<")) {
            asm_take_name(a, name);
            asm_need(a, ">");
        }
    } else if (asm_take_name(a, name)) {
        asm_add_fixup(a, name, false);
    } else {
        asm_fail(a, ASM_E_SYNTAX, "a jump's target expected before \"%.32s\"", a->at);
    }
    return distance;
}

/* ---- memory ---- */

struct memory {
    uint8_t size; /* enum ebpf_size */
    bool is_signed;
    uint8_t base;
    int16_t off;
};

/* "u32 *)" and its like. */
static void need_size(struct assembler *a, struct memory *m)
{
    static const struct {
        const char *name;
        uint8_t size;
        bool is_signed;
    } sizes[] = {{"u8", EBPF_SIZE_B, false},  {"u16", EBPF_SIZE_H, false},
                 {"u32", EBPF_SIZE_W, false}, {"u64", EBPF_SIZE_DW, false},
                 {"s8", EBPF_SIZE_B, true},   {"s16", EBPF_SIZE_H, true},
                 {"s32", EBPF_SIZE_W, true}};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!asm_take(a, sizes[i].name))
            continue;
        m->size = sizes[i].size;
        m->is_signed = sizes[i].is_signed;
        asm_need(a, "*");
        asm_need(a, ")");
        return;
    }
    asm_fail(a, ASM_E_SYNTAX, "u8, u16, u32, u64, s8, s16 or s32 expected before \"%.32s\"", a->at);
}

/* "(u32 *)(r6 +4)", also without offset. */
static struct memory need_memory(struct assembler *a)
{
    struct memory m = {0};

    asm_need(a, "(");
    need_size(a, &m);
    asm_need(a, "(");
    m.base = asm_need_reg(a, NULL);
    if (!asm_take(a, ")")) {
        m.off = (int16_t)asm_need_number(a, 16, false);
        asm_need(a, ")");
    }
    return m;
}

static uint8_t opcode(unsigned klass, unsigned b, unsigned c)
{
    return (uint8_t)(klass | b | c);
}

/* "*(u32 *)(r1 +4) = r2" or "= 7", behind the star. */
static void store(struct assembler *a)
{
    const struct memory m = need_memory(a);
    struct ebpf_insn i = {.dst = m.base & 0xfU, .off = m.off};
    bool wide;
    uint8_t src;

    asm_need(a, "=");
    if (m.is_signed)
        asm_fail(a, ASM_E_SYNTAX, "a store has an unsigned size");
    if (asm_take_reg(a, &src, &wide)) {
        i.opcode = opcode(EBPF_CLASS_STX, EBPF_MODE_MEM, m.size);
        i.src = src & 0xfU;
    } else {
        i.opcode = opcode(EBPF_CLASS_ST, EBPF_MODE_MEM, m.size);
        i.imm = asm_need_imm(a);
    }
    asm_emit(a, i);
}

/* ---- atomics ---- */

static const struct {
    const char *sign; /* without fetch */
    const char *name; /* with fetch */
    int32_t imm;
} atomic_table[] = {
    {"+=", "fetch_add", 0x00}, {"|=", "fetch_or", 0x40}, {"&=", "fetch_and", 0x50},
    {"^=", "fetch_xor", 0xa0}, {NULL, "xchg", 0xe0},     {NULL, "cmpxchg", 0xf0},
};
enum { ATOMIC_ROWS = sizeof(atomic_table) / sizeof(atomic_table[0]) };

static struct ebpf_insn atomic_insn(struct assembler *a, const struct memory *m, int32_t imm)
{
    if (m->is_signed || (m->size != EBPF_SIZE_W && m->size != EBPF_SIZE_DW))
        asm_fail(a, ASM_E_SYNTAX, "an atomic operation is on u32 or u64");
    return (struct ebpf_insn){.opcode = opcode(EBPF_CLASS_STX, EBPF_MODE_ATOMIC, m->size),
                              .dst = m->base & 0xfU,
                              .off = m->off,
                              .imm = imm};
}

/* "lock *(u64 *)(r0 +0) += r1", behind "lock". */
static void lock(struct assembler *a)
{
    struct memory m;
    struct ebpf_insn i;

    asm_need(a, "*");
    m = need_memory(a);
    for (unsigned row = 0; row < ATOMIC_ROWS; row++) {
        if (!atomic_table[row].sign || !asm_take(a, atomic_table[row].sign))
            continue;
        i = atomic_insn(a, &m, atomic_table[row].imm);
        i.src = asm_need_reg(a, NULL) & 0xfU;
        asm_emit(a, i);
        return;
    }
    asm_fail(a, ASM_E_SYNTAX, "+=, |=, &= or ^= expected before \"%.32s\"", a->at);
}

/* "r1 = atomic64_fetch_add((u64 *)(r0 +0), r1)" from "atomic" on; false if it is something else. */
static bool fetch(struct assembler *a, uint8_t dst)
{
    char name[ASM_NAME_BYTES], want[ASM_NAME_BYTES];
    const char *start = a->at;

    if (!asm_take_name(a, name) || strncmp(name, "atomic", 6) != 0) {
        a->at = start;
        return false;
    }
    for (unsigned row = 0; row < ATOMIC_ROWS; row++) {
        const bool cmpxchg = atomic_table[row].imm == 0xf0;
        struct memory m;
        struct ebpf_insn i;
        uint8_t src;

        snprintf(want, sizeof(want), "_%s", atomic_table[row].name);
        if (strcmp(name + (strncmp(name, "atomic64", 8) == 0 ? 8 : 6), want) != 0)
            continue;
        asm_need(a, "(");
        m = need_memory(a);
        asm_need(a, ",");
        if (cmpxchg) {
            if (asm_need_reg(a, NULL) != 0 || dst != 0)
                asm_fail(a, ASM_E_SYNTAX,
                         "cmpxchg compares with r0 and leaves the old value there");
            asm_need(a, ",");
        }
        src = asm_need_reg(a, NULL);
        asm_need(a, ")");
        if (!cmpxchg && src != dst)
            asm_fail(a, ASM_E_SYNTAX, "the old value goes to the operand's register, r%u", src);
        i = atomic_insn(a, &m, atomic_table[row].imm | EBPF_FETCH);
        i.src = src & 0xfU;
        asm_emit(a, i);
        return true;
    }
    asm_fail(a, ASM_E_SYNTAX, "%s is no atomic operation", name);
    return true;
}

/* ---- assignments ---- */

static void emit_pair(struct assembler *a, uint8_t dst, uint8_t src, uint32_t low, uint32_t high)
{
    const struct ebpf_insn first = {.opcode = (uint8_t)EBPF_OP_LD_IMM64,
                                    .dst = dst & 0xfU,
                                    .src = src & 0xfU,
                                    .imm = (int32_t)low};

    asm_emit(a, first);
    asm_emit(a, (struct ebpf_insn){.imm = (int32_t)high});
}

/* The map's name or number between brackets, behind "map". */
static uint32_t need_map(struct assembler *a)
{
    char name[ASM_NAME_BYTES];
    uint32_t map = 0;

    asm_need(a, "[");
    asm_skip_spaces(a);
    if (isdigit((unsigned char)*a->at)) {
        map = (uint32_t)asm_need_number(a, 31, false);
    } else if (asm_take_name(a, name)) {
        while (a->names && map < a->names->map_count && strcmp(a->names->maps[map], name) != 0)
            map++;
        if (!a->names || map == a->names->map_count)
            asm_fail(a, ASM_E_NAME, "no map %s", name);
    }
    asm_need(a, "]");
    return map;
}

static void assign_map(struct assembler *a, uint8_t dst)
{
    const uint32_t map = need_map(a);
    uint32_t offset = 0;
    bool value = false;

    if (asm_take(a, "[")) {
        value = true;
        if (asm_need_number(a, 31, false) != 0)
            asm_fail(a, ASM_E_SYNTAX, "only the value of key 0 has a fixed address");
        asm_need(a, "]");
        asm_skip_spaces(a);
        if (*a->at == '+')
            offset = (uint32_t)asm_need_imm(a);
    }
    asm_need(a, "ll");
    emit_pair(a, dst, value ? EBPF_PSEUDO_MAP_VALUE : EBPF_PSEUDO_MAP_FD, map, offset);
}

static void assign_func(struct assembler *a, uint8_t dst)
{
    char name[ASM_NAME_BYTES];
    uint32_t start = 0;

    asm_need(a, "[");
    asm_skip_spaces(a);
    if (isdigit((unsigned char)*a->at))
        start = (uint32_t)asm_need_imm(a);
    else if (asm_take_name(a, name))
        asm_add_fixup(a, name, true);
    asm_need(a, "]");
    asm_need(a, "ll");
    emit_pair(a, dst, EBPF_PSEUDO_FUNC, start, 0);
}

/* "be16 r1", "le32 r1", "bswap64 r1". */
static bool assign_swap(struct assembler *a, uint8_t dst)
{
    static const struct {
        const char *name;
        uint8_t opcode;
        int32_t bits;
    } swaps[] = {{"be16", 0xdc, 16},    {"be32", 0xdc, 32},    {"be64", 0xdc, 64},
                 {"le16", 0xd4, 16},    {"le32", 0xd4, 32},    {"le64", 0xd4, 64},
                 {"bswap16", 0xd7, 16}, {"bswap32", 0xd7, 32}, {"bswap64", 0xd7, 64}};

    for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
        if (!asm_take(a, swaps[i].name))
            continue;
        if (asm_need_reg(a, NULL) != dst)
            asm_fail(a, ASM_E_SYNTAX, "a byte swap is in place: both registers are the same");
        asm_emit(a, (struct ebpf_insn){
                        .opcode = swaps[i].opcode, .dst = dst & 0xfU, .imm = swaps[i].bits});
        return true;
    }
    return false;
}

/* "*(u32 *)(r6 +4)" or the classic "*(u16 *)skb[12]", behind the star. */
static void assign_load(struct assembler *a, uint8_t klass, uint8_t dst)
{
    struct memory m = {0};
    struct ebpf_insn i = {.dst = dst & 0xfU};
    uint8_t src;
    bool wide;

    asm_need(a, "(");
    need_size(a, &m);
    if (asm_take(a, "skb")) {
        i.opcode = opcode(EBPF_CLASS_LD, EBPF_MODE_ABS, m.size);
        asm_need(a, "[");
        if (asm_take_reg(a, &src, &wide)) {
            i.opcode = opcode(EBPF_CLASS_LD, EBPF_MODE_IND, m.size);
            i.src = src & 0xfU;
            asm_need(a, "+");
        }
        i.imm = asm_need_imm(a);
        asm_need(a, "]");
        if (dst || m.is_signed || m.size == EBPF_SIZE_DW)
            asm_fail(a, ASM_E_SYNTAX, "a classic packet load gives u8, u16 or u32 to r0");
        asm_emit(a, i);
        return;
    }
    asm_need(a, "(");
    i.src = asm_need_reg(a, NULL) & 0xfU;
    if (!asm_take(a, ")")) {
        i.off = (int16_t)asm_need_number(a, 16, false);
        asm_need(a, ")");
    }
    if (klass == EBPF_CLASS_ALU && (m.is_signed || m.size == EBPF_SIZE_DW))
        asm_fail(a, ASM_E_SYNTAX, "such a load fills the whole register: r%u, not w%u", dst, dst);
    if (m.is_signed && m.size == EBPF_SIZE_DW)
        asm_fail(a, ASM_E_SYNTAX, "64 bits have no sign to extend");
    i.opcode = opcode(EBPF_CLASS_LDX, m.is_signed ? EBPF_MODE_MEMSX : EBPF_MODE_MEM, m.size);
    asm_emit(a, i);
}

/* "(s8)r2". */
static void assign_sign_extended(struct assembler *a, uint8_t klass, uint8_t dst)
{
    const int16_t bits = asm_take(a, "s8")    ? 8
                         : asm_take(a, "s16") ? 16
                         : asm_take(a, "s32") ? 32
                                              : 0;

    if (!bits || (bits == 32 && klass == EBPF_CLASS_ALU))
        asm_fail(a, ASM_E_SYNTAX, "s8, s16 or (for 64 bits) s32 expected");
    asm_need(a, ")");
    asm_emit(a, (struct ebpf_insn){.opcode = opcode(klass, EBPF_ALU_MOV, EBPF_SRC_X),
                                   .dst = dst & 0xfU,
                                   .src = asm_need_reg(a, NULL) & 0xfU,
                                   .off = bits});
}

/* A constant: 32 bits, or 64 with "ll" behind it. */
static void assign_number(struct assembler *a, uint8_t klass, uint8_t dst)
{
    const char *start = a->at;
    bool negative;
    uint64_t n;

    if (!asm_take_number(a, &negative, &n)) {
        asm_fail(a, ASM_E_SYNTAX, "an operand expected before \"%.32s\"", a->at);
        return;
    }
    if (asm_take(a, "ll")) {
        if (klass != EBPF_CLASS_ALU64 || (negative && n > UINT64_C(1) << 63))
            asm_fail(a, ASM_E_RANGE, "a 64-bit constant goes to a 64-bit register");
        n = negative ? 0 - n : n;
        emit_pair(a, dst, 0, (uint32_t)n, (uint32_t)(n >> 32));
        return;
    }
    a->at = start;
    asm_emit(a, (struct ebpf_insn){.opcode = opcode(klass, EBPF_ALU_MOV, EBPF_SRC_K),
                                   .dst = dst & 0xfU,
                                   .imm = asm_need_imm(a)});
}

/* What stands behind "r1 =". */
static void assign(struct assembler *a, uint8_t klass, uint8_t dst)
{
    const char *start;
    uint8_t src;
    bool wide;

    asm_skip_spaces(a);
    start = a->at;
    if (asm_take(a, "*")) {
        assign_load(a, klass, dst);
    } else if (asm_take(a, "(")) {
        assign_sign_extended(a, klass, dst);
    } else if (asm_take_reg(a, &src, &wide)) {
        if (wide != (klass == EBPF_CLASS_ALU64))
            asm_fail(a, ASM_E_SYNTAX, "both registers have the same width");
        asm_emit(a, (struct ebpf_insn){.opcode = opcode(klass, EBPF_ALU_MOV, EBPF_SRC_X),
                                       .dst = dst & 0xfU,
                                       .src = src & 0xfU});
    } else if (asm_take(a, "-") && asm_take_reg(a, &src, &wide)) {
        if (src != dst || wide != (klass == EBPF_CLASS_ALU64))
            asm_fail(a, ASM_E_SYNTAX, "a negation is in place: both registers are the same");
        asm_emit(a,
                 (struct ebpf_insn){.opcode = opcode(klass, EBPF_ALU_NEG, 0), .dst = dst & 0xfU});
    } else {
        a->at = start;
        if (klass == EBPF_CLASS_ALU64 && asm_take(a, "map"))
            assign_map(a, dst);
        else if (klass == EBPF_CLASS_ALU64 && asm_take(a, "func"))
            assign_func(a, dst);
        else if (!assign_swap(a, dst) && !fetch(a, dst))
            assign_number(a, klass, dst);
    }
}

/* "r1 = ..." or "r1 += ...", behind the register. */
static void arithmetic(struct assembler *a, uint8_t dst, bool wide)
{
    const uint8_t klass = wide ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    struct ebpf_insn i = {.dst = dst & 0xfU};
    bool src_wide;
    uint8_t src;

    for (unsigned r = 0; r < EBPF_ALU_ROWS; r++) {
        const struct ebpf_op_row *row = &ebpf_alu_table[r];

        if (row->sign[0] == '=' || !asm_take(a, row->sign))
            continue;
        i.off = row->off;
        if (asm_take_reg(a, &src, &src_wide)) {
            if (src_wide != wide)
                asm_fail(a, ASM_E_SYNTAX, "both registers have the same width");
            i.opcode = opcode(klass, row->code, EBPF_SRC_X);
            i.src = src & 0xfU;
        } else {
            i.opcode = opcode(klass, row->code, EBPF_SRC_K);
            i.imm = asm_need_imm(a);
        }
        asm_emit(a, i);
        return;
    }
    asm_need(a, "=");
    assign(a, klass, dst);
}

/* ---- jumps and calls ---- */

static const struct ebpf_op_row *need_comparison(struct assembler *a)
{
    const struct ebpf_op_row *best = NULL;

    asm_skip_spaces(a);
    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++) {
        const struct ebpf_op_row *row = &ebpf_jmp_table[r];
        const bool compares = row->alu != SPEC_ALU_NONE;

        /* ">=" begins with ">": the longest that fits is meant. */
        if (compares && strncmp(a->at, row->sign, strlen(row->sign)) == 0 &&
            (!best || strlen(row->sign) > strlen(best->sign)))
            best = row;
    }
    if (!best)
        asm_fail(a, ASM_E_SYNTAX, "a comparison expected before \"%.32s\"", a->at);
    else
        a->at += strlen(best->sign);
    return best;
}

/* "if r1 > 0x5 goto pc+3", behind "if". */
static void branch(struct assembler *a)
{
    const struct ebpf_op_row *row;
    struct ebpf_insn i = {0};
    bool wide = true, src_wide;
    uint8_t src;

    i.dst = asm_need_reg(a, &wide) & 0xfU;
    row = need_comparison(a);
    if (a->failed)
        return;
    i.opcode = opcode(wide ? EBPF_CLASS_JMP : EBPF_CLASS_JMP32, row->code, EBPF_SRC_K);
    if (asm_take_reg(a, &src, &src_wide)) {
        if (src_wide != wide)
            asm_fail(a, ASM_E_SYNTAX, "both registers have the same width");
        i.opcode |= EBPF_SRC_X;
        i.src = src & 0xfU;
    } else {
        i.imm = asm_need_imm(a);
    }
    asm_need(a, "goto");
    i.off = (int16_t)need_target(a, 16);
    asm_emit(a, i);
}

/* A helper by name or number ("bpf_map_lookup_elem#1", "bpf_ktime_get_ns", "1", "#1"), a kernel
 * function ("kfunc#7"), or a function of the program ("pc+12", "name"). */
static void call(struct assembler *a)
{
    struct ebpf_insn i = {.opcode = opcode(EBPF_CLASS_JMP, EBPF_JMP_CALL, 0)};
    char name[ASM_NAME_BYTES];
    const char *start;

    asm_skip_spaces(a);
    start = a->at;
    if (isdigit((unsigned char)*a->at) || *a->at == '#') {
        a->at += *a->at == '#';
        i.imm = asm_need_imm(a);
    } else if (strncmp(a->at, "pc", 2) != 0 && asm_take_name(a, name) && asm_take(a, "#")) {
        i.src = strcmp(name, "kfunc") == 0 ? EBPF_PSEUDO_KFUNC_CALL : 0;
        i.imm = asm_need_imm(a);
    } else if (a->at != start && strncmp(name, "bpf_", 4) == 0) {
        i.imm = (int32_t)ebpf_helper_number(name + 4);
        if (!i.imm)
            asm_fail(a, ASM_E_NAME, "no helper %s", name);
    } else {
        a->at = start;
        i.src = EBPF_PSEUDO_CALL;
        i.imm = (int32_t)need_target(a, 32);
    }
    asm_emit(a, i);
}

/* ".insn 0x0f r1 r2 +3 0x4": the fields as they are, behind ".insn". */
static void raw(struct assembler *a)
{
    struct ebpf_insn i = {0};
    unsigned reg[2] = {0};

    i.opcode = (uint8_t)asm_need_number(a, 8, true);
    for (unsigned k = 0; k < 2; k++) {
        asm_skip_spaces(a);
        if (*a->at == 'r')
            a->at++;
        reg[k] = (unsigned)asm_need_number(a, 4, true) & 0xfU;
    }
    i.dst = reg[0] & 0xfU;
    i.src = reg[1] & 0xfU;
    i.off = (int16_t)asm_need_number(a, 16, false);
    i.imm = asm_need_imm(a);
    asm_emit(a, i);
}

/* ---- all ---- */

void asm_statement(struct assembler *a)
{
    uint8_t reg;
    bool wide;

    if (asm_take(a, ".insn"))
        raw(a);
    else if (asm_take(a, "exit"))
        asm_emit(a, (struct ebpf_insn){.opcode = opcode(EBPF_CLASS_JMP, EBPF_JMP_EXIT, 0)});
    else if (asm_take(a, "goto"))
        asm_emit(a, (struct ebpf_insn){.opcode = opcode(EBPF_CLASS_JMP, EBPF_JMP_JA, 0),
                                       .off = (int16_t)need_target(a, 16)});
    else if (asm_take(a, "gotol"))
        asm_emit(a, (struct ebpf_insn){.opcode = (uint8_t)EBPF_OP_GOTOL,
                                       .imm = (int32_t)need_target(a, 32)});
    else if (asm_take(a, "if"))
        branch(a);
    else if (asm_take(a, "call"))
        call(a);
    else if (asm_take(a, "lock"))
        lock(a);
    else if (asm_take(a, "*"))
        store(a);
    else if (asm_take_reg(a, &reg, &wide))
        arithmetic(a, reg, wide);
    else
        asm_fail(a, ASM_E_SYNTAX, "no instruction begins with \"%.32s\"", a->at);
}
