/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_INSN_H
#define SLUICE_TESTS_INSN_H

#include "hw/spec/gen/ebpf.h"

/* Instructions for programs that tests write in C. */

static inline struct ebpf_insn insn(int opcode, int dst, int src, int off, int64_t imm)
{
    return (struct ebpf_insn){.opcode = (uint8_t)opcode,
                              .dst = (uint8_t)dst & 15u,
                              .src = (uint8_t)src & 15u,
                              .off = (int16_t)off,
                              .imm = (int32_t)imm};
}

#define ALU64_K(code, dst, imm) insn((int)EBPF_CLASS_ALU64 | EBPF_ALU_##code, dst, 0, 0, imm)
#define ALU64_X(code, dst, src)                                                                    \
    insn((int)EBPF_CLASS_ALU64 | EBPF_ALU_##code | EBPF_SRC_X, dst, src, 0, 0)
#define ALU32_K(code, dst, imm) insn((int)EBPF_CLASS_ALU | EBPF_ALU_##code, dst, 0, 0, imm)
#define ALU32_X(code, dst, src)                                                                    \
    insn((int)EBPF_CLASS_ALU | EBPF_ALU_##code | EBPF_SRC_X, dst, src, 0, 0)
#define MOV_K(dst, imm) ALU64_K(MOV, dst, imm)
#define MOV_X(dst, src) ALU64_X(MOV, dst, src)
#define LDX(size, dst, base, off)                                                                  \
    insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | EBPF_SIZE_##size, dst, base, off, 0)
#define LDSX(size, dst, base, off)                                                                 \
    insn((int)EBPF_CLASS_LDX | EBPF_MODE_MEMSX | EBPF_SIZE_##size, dst, base, off, 0)
#define STX(size, base, off, src)                                                                  \
    insn((int)EBPF_CLASS_STX | EBPF_MODE_MEM | EBPF_SIZE_##size, base, src, off, 0)
#define ST(size, base, off, imm)                                                                   \
    insn((int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_##size, base, 0, off, imm)
#define ATOMIC(size, base, off, src, op)                                                           \
    insn((int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | EBPF_SIZE_##size, base, src, off, op)
#define JMP_K(code, dst, imm, off) insn((int)EBPF_CLASS_JMP | EBPF_JMP_##code, dst, 0, off, imm)
#define JMP_X(code, dst, src, off)                                                                 \
    insn((int)EBPF_CLASS_JMP | EBPF_JMP_##code | EBPF_SRC_X, dst, src, off, 0)
#define JMP32_K(code, dst, imm, off) insn((int)EBPF_CLASS_JMP32 | EBPF_JMP_##code, dst, 0, off, imm)
#define JMP32_X(code, dst, src, off)                                                               \
    insn((int)EBPF_CLASS_JMP32 | EBPF_JMP_##code | EBPF_SRC_X, dst, src, off, 0)
#define GOTO(off) insn((int)EBPF_CLASS_JMP | EBPF_JMP_JA, 0, 0, off, 0)
#define GOTOL(imm) insn((int)EBPF_CLASS_JMP32 | EBPF_JMP_JA, 0, 0, 0, imm)
#define CALL(helper) insn((int)EBPF_CLASS_JMP | EBPF_JMP_CALL, 0, 0, 0, helper)
#define CALL_FUNC(imm) insn((int)EBPF_CLASS_JMP | EBPF_JMP_CALL, 0, EBPF_PSEUDO_CALL, 0, imm)
#define EXIT() insn((int)EBPF_CLASS_JMP | EBPF_JMP_EXIT, 0, 0, 0, 0)
/* Two slots each. */
#define LD_IMM64_AS(pseudo, dst, low, high)                                                        \
    insn((int)EBPF_CLASS_LD | EBPF_MODE_IMM | EBPF_SIZE_DW, dst, pseudo, 0, (int64_t)(low)),       \
        insn(0, 0, 0, 0, (int64_t)(high))
#define LD_IMM64(dst, imm) LD_IMM64_AS(0, dst, (uint32_t)(uint64_t)(imm), (uint64_t)(imm) >> 32)
#define LD_MAP(dst, index) LD_IMM64_AS(EBPF_PSEUDO_MAP_FD, dst, index, 0)
#define LD_MAP_VALUE(dst, index, offset) LD_IMM64_AS(EBPF_PSEUDO_MAP_VALUE, dst, index, offset)

#endif
