/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/vector/vector.h"

static const char *const sizes[] = {"W", "H", "B", "DW"};

static const char *size_of(const struct ebpf_insn *i)
{
    return sizes[i->opcode >> 3 & 3];
}

static const char *alu_use(const struct ebpf_insn *i, struct arena *arena)
{
    const struct ebpf_op_row *row = ebpf_alu_row(i);
    const int width = ebpf_is_alu64(i) ? 64 : 32;

    if (!row)
        return "unknown";
    if (row->code == EBPF_ALU_END)
        return arena_printf(arena, "%s%d",
                            width == 64          ? "BSWAP"
                            : ebpf_src_is_reg(i) ? "BE"
                                                 : "LE",
                            i->imm);
    if (row->code == EBPF_ALU_NEG)
        return arena_printf(arena, "NEG%d", width);
    return arena_printf(arena, "%s%d %s", row->name, width, ebpf_src_is_reg(i) ? "reg" : "imm");
}

static const char *jmp_use(const struct ebpf_insn *i, struct arena *arena)
{
    const struct ebpf_op_row *row = ebpf_jmp_row(i);
    const int width = ebpf_class_of(i) == EBPF_CLASS_JMP ? 64 : 32;

    if (!row)
        return "unknown";
    if (ebpf_is_subprog_call(i))
        return "CALL function";
    if (ebpf_is_helper_call(i))
        return "CALL helper";
    if (ebpf_is_exit(i))
        return "EXIT";
    if (ebpf_is_goto(i))
        return width == 64 ? "JA" : "JA32";
    return arena_printf(arena, "%s%d %s", row->name, width, ebpf_src_is_reg(i) ? "reg" : "imm");
}

static const char *atomic_use(const struct ebpf_insn *i, struct arena *arena)
{
    static const char *const names[SPEC_ATOMIC_COUNT] = {"none", "add",  "or",     "and",
                                                         "xor",  "xchg", "cmpxchg"};
    const enum spec_atomic a = ebpf_atomic_of(i->imm);
    const bool exchange = a == SPEC_ATOMIC_XCHG || a == SPEC_ATOMIC_CMPXCHG;

    return arena_printf(arena, "ATOMIC%d %s%s", ebpf_size_bytes(i->opcode) == 8 ? 64 : 32, names[a],
                        !exchange && i->imm & EBPF_FETCH ? " fetch" : "");
}

const char *vector_use_of(const struct ebpf_insn *i, struct arena *arena)
{
    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_LD:
        return arena_printf(arena, "LD_IMM64 %u", i->src);
    case EBPF_CLASS_LDX:
        return arena_printf(arena, "LDX %s %s", size_of(i),
                            ebpf_is_load_signed(i) ? "MEMSX" : "MEM");
    case EBPF_CLASS_ST:
        return arena_printf(arena, "ST %s MEM", size_of(i));
    case EBPF_CLASS_STX:
        return ebpf_is_atomic(i) ? atomic_use(i, arena)
                                 : arena_printf(arena, "STX %s MEM", size_of(i));
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return alu_use(i, arena);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return jmp_use(i, arena);
    }
    return "unknown";
}
