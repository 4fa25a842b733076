/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"

#include "hw/spec/gen/helpers.h"

#include <linux/bpf.h>
#include <string.h>

#define REG(r) ((uint16_t)(1U << (r)))

enum { REG_R0 = REG(0), REGS_ARGS = 0x3e, REG_R6 = REG(6) };

/* The kernel's list names the helpers that no table of ours has. Newer headers give each its
 * number. */
#ifdef ___BPF_FUNC_MAPPER
#define HELPER_NAME(name, number, ...) [number] = #name,
static const char *const helper_names[] = {___BPF_FUNC_MAPPER(HELPER_NAME)};
#else
#define HELPER_NAME(name) [BPF_FUNC_##name] = #name
static const char *const helper_names[] = {__BPF_FUNC_MAPPER(HELPER_NAME)};
#endif
enum { HELPER_NAMES = sizeof(helper_names) / sizeof(helper_names[0]) };

static uint16_t atomic_reads(const struct ebpf_insn *i)
{
    const uint16_t mask = REG(i->dst) | REG(i->src);

    return ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG ? mask | REG_R0 : mask;
}

static uint16_t alu_reads(const struct ebpf_insn *i)
{
    const uint8_t code = ebpf_code_of(i);
    const uint16_t src = ebpf_src_is_reg(i) ? REG(i->src) : 0;

    switch (code) {
    case EBPF_ALU_MOV:
        return src;
    case EBPF_ALU_NEG:
    case EBPF_ALU_END:
        return REG(i->dst);
    default:
        return REG(i->dst) | src;
    }
}

static uint16_t jmp_reads(const struct ebpf_insn *i)
{
    switch (ebpf_code_of(i)) {
    case EBPF_JMP_JA:
        return 0;
    case EBPF_JMP_EXIT:
        return REG_R0;
    case EBPF_JMP_CALL:
        return REGS_ARGS;
    default:
        return REG(i->dst) | (ebpf_src_is_reg(i) ? REG(i->src) : 0);
    }
}

uint16_t ebpf_regs_read(const struct ebpf_insn *i)
{
    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_LD:
        if (!ebpf_is_ld_packet(i))
            return 0;
        return ebpf_mode_of(i) == EBPF_MODE_IND ? REG_R6 | REG(i->src) : REG_R6;
    case EBPF_CLASS_LDX:
        return REG(i->src);
    case EBPF_CLASS_ST:
        return REG(i->dst);
    case EBPF_CLASS_STX:
        return ebpf_is_atomic(i) ? atomic_reads(i) : REG(i->dst) | REG(i->src);
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return alu_reads(i);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return jmp_reads(i);
    }
    return 0;
}

uint16_t ebpf_regs_written(const struct ebpf_insn *i)
{
    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_LD:
        return ebpf_is_ld_packet(i) ? REG_R0 | REGS_ARGS : REG(i->dst);
    case EBPF_CLASS_LDX:
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return REG(i->dst);
    case EBPF_CLASS_ST:
        return 0;
    case EBPF_CLASS_STX:
        if (!ebpf_is_atomic(i) || !(i->imm & EBPF_FETCH))
            return 0;
        return ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG ? REG_R0 : REG(i->src);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return ebpf_is_call(i) ? REG_R0 | REGS_ARGS : 0;
    }
    return 0;
}

const struct ebpf_op_row *ebpf_alu_row(const struct ebpf_insn *i)
{
    for (unsigned r = 0; r < EBPF_ALU_ROWS; r++)
        if (ebpf_alu_table[r].code == ebpf_code_of(i) && ebpf_alu_table[r].off == i->off)
            return &ebpf_alu_table[r];
    return NULL;
}

const struct ebpf_op_row *ebpf_jmp_row(const struct ebpf_insn *i)
{
    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++)
        if (ebpf_jmp_table[r].code == ebpf_code_of(i))
            return &ebpf_jmp_table[r];
    return NULL;
}

const char *ebpf_helper_name(uint32_t num)
{
    for (unsigned r = 0; r < SPEC_HELPER_ROWS; r++)
        if (spec_helper_table[r].num == num)
            return spec_helper_table[r].name;
    return num && num < HELPER_NAMES ? helper_names[num] : NULL;
}

uint32_t ebpf_helper_number(const char *name)
{
    for (unsigned r = 0; r < SPEC_HELPER_ROWS; r++)
        if (strcmp(spec_helper_table[r].name, name) == 0)
            return spec_helper_table[r].num;
    for (uint32_t n = 1; n < HELPER_NAMES; n++)
        if (helper_names[n] && strcmp(helper_names[n], name) == 0)
            return n;
    return 0;
}
