/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_EBPF_H
#define SLUICE_EBPF_H

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "hw/spec/gen/ebpf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an instruction is and what it touches (RFC 9669), and its text form. These questions are
 * about well-formed instructions: reserved fields and codes are the verifier's matter. */

/* Opcodes that are asked for as a whole. */
#define EBPF_OP_LD_IMM64 ((int)EBPF_CLASS_LD | (int)EBPF_MODE_IMM | (int)EBPF_SIZE_DW)
#define EBPF_OP_GOTOL ((int)EBPF_CLASS_JMP32 | (int)EBPF_JMP_JA)

static inline enum ebpf_class ebpf_class_of(const struct ebpf_insn *i)
{
    return (enum ebpf_class)(i->opcode & 0x07);
}

/* Arithmetic or jump code: enum ebpf_alu_code or enum ebpf_jmp_code. */
static inline uint8_t ebpf_code_of(const struct ebpf_insn *i)
{
    return i->opcode & 0xf0;
}

/* Loads and stores: enum ebpf_mode. */
static inline enum ebpf_mode ebpf_mode_of(const struct ebpf_insn *i)
{
    return (enum ebpf_mode)(i->opcode & 0xe0);
}

/* Arithmetic and jumps: the second operand is a register. */
static inline bool ebpf_src_is_reg(const struct ebpf_insn *i)
{
    return i->opcode & EBPF_SRC_X;
}

/* Arithmetic of either width, moves and byte swaps included. */
static inline bool ebpf_is_alu(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_ALU || ebpf_class_of(i) == EBPF_CLASS_ALU64;
}

static inline bool ebpf_is_alu64(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_ALU64;
}

static inline bool ebpf_is_alu32(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_ALU;
}

/* The first half of a 64-bit constant: an instruction of two slots. */
static inline bool ebpf_is_ld_imm64(const struct ebpf_insn *i)
{
    return i->opcode == EBPF_OP_LD_IMM64;
}

/* The instruction names a map, whose index or file descriptor is its imm. */
static inline bool ebpf_names_map(const struct ebpf_insn *i)
{
    return ebpf_is_ld_imm64(i) && (i->src == EBPF_PSEUDO_MAP_FD || i->src == EBPF_PSEUDO_MAP_VALUE);
}

/* The classic packet loads, LD_ABS and LD_IND. */
static inline bool ebpf_is_function_address(const struct ebpf_insn *i)
{
    return ebpf_is_ld_imm64(i) && i->src == EBPF_PSEUDO_FUNC;
}

static inline bool ebpf_is_ld_packet(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_LD &&
           (ebpf_mode_of(i) == EBPF_MODE_ABS || ebpf_mode_of(i) == EBPF_MODE_IND);
}

/* Instruction slots: 2 for a 64-bit constant, else 1. */
static inline uint32_t ebpf_slots(const struct ebpf_insn *i)
{
    return ebpf_is_ld_imm64(i) ? 2 : 1;
}

/* A load from memory to a register, plain or sign-extending. */
static inline bool ebpf_is_load(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_LDX;
}

static inline bool ebpf_is_load_signed(const struct ebpf_insn *i)
{
    return ebpf_is_load(i) && ebpf_mode_of(i) == EBPF_MODE_MEMSX;
}

static inline bool ebpf_is_atomic(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_STX && ebpf_mode_of(i) == EBPF_MODE_ATOMIC;
}

/* A store of a register or a constant; not an atomic. */
static inline bool ebpf_is_store(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_ST ||
           (ebpf_class_of(i) == EBPF_CLASS_STX && ebpf_mode_of(i) != EBPF_MODE_ATOMIC);
}

/* The jump classes: jumps, calls and exit. */
static inline bool ebpf_is_jmp_class(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_JMP || ebpf_class_of(i) == EBPF_CLASS_JMP32;
}

static inline bool ebpf_is_call(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_JMP && ebpf_code_of(i) == EBPF_JMP_CALL;
}

/* A call of the helper with number imm. */
static inline bool ebpf_is_helper_call(const struct ebpf_insn *i)
{
    return ebpf_is_call(i) && !ebpf_src_is_reg(i) && i->src == 0;
}

/* A call of another function of the program. */
static inline bool ebpf_is_subprog_call(const struct ebpf_insn *i)
{
    return ebpf_is_call(i) && !ebpf_src_is_reg(i) && i->src == EBPF_PSEUDO_CALL;
}

static inline bool ebpf_is_exit(const struct ebpf_insn *i)
{
    return ebpf_class_of(i) == EBPF_CLASS_JMP && ebpf_code_of(i) == EBPF_JMP_EXIT;
}

/* An unconditional jump: goto, or gotol with its 32-bit offset. */
static inline bool ebpf_is_goto(const struct ebpf_insn *i)
{
    return ebpf_is_jmp_class(i) && ebpf_code_of(i) == EBPF_JMP_JA;
}

/* A jump of either kind: it has a target within its function. */
static inline bool ebpf_is_jump(const struct ebpf_insn *i)
{
    return ebpf_is_jmp_class(i) && ebpf_code_of(i) != EBPF_JMP_CALL &&
           ebpf_code_of(i) != EBPF_JMP_EXIT;
}

static inline bool ebpf_is_cond_jump(const struct ebpf_insn *i)
{
    return ebpf_is_jump(i) && !ebpf_is_goto(i);
}

/* Control never goes on to the next instruction. */
static inline bool ebpf_ends_block(const struct ebpf_insn *i)
{
    return ebpf_is_goto(i) || ebpf_is_exit(i);
}

/* Where the jump, or the subprogram call, at number `at` goes. May lie outside the program. */
static inline int64_t ebpf_target(const struct ebpf_insn *i, uint32_t at)
{
    const bool far = ebpf_is_call(i) || i->opcode == EBPF_OP_GOTOL;

    return (int64_t)at + 1 + (far ? i->imm : i->off);
}

/* The value of a 64-bit constant; i is its first slot, the second follows. */
static inline uint64_t ebpf_imm64(const struct ebpf_insn *i)
{
    return (uint32_t)i[0].imm | (uint64_t)(uint32_t)i[1].imm << 32;
}

/* Registers as a mask of 1 << r: what the instruction reads. Calls read what their callee takes, at
 * most r1 to r5; exit reads r0. */
uint16_t ebpf_regs_read(const struct ebpf_insn *i);
/* ... and what it writes or makes useless: a call leaves r0 and ends r1 to r5. */
uint16_t ebpf_regs_written(const struct ebpf_insn *i);

/* The table row of an arithmetic instruction or a jump, or NULL if there is none with that code and
 * offset. */
const struct ebpf_op_row *ebpf_alu_row(const struct ebpf_insn *i);
const struct ebpf_op_row *ebpf_jmp_row(const struct ebpf_insn *i);

/* "map_lookup_elem" for 1: helpers of the tables, and those that Linux knows besides; NULL for
 * others. */
const char *ebpf_helper_name(uint32_t num);
/* The number of a helper, or 0. */
uint32_t ebpf_helper_number(const char *name);

/* ---- text ----
 * The form of bpftool and of the kernel's log, with " ll" behind 64-bit constants so that the text
 * says which instruction it is: "r1 = *(u32 *)(r6 +4)", "if w2 > 0x5 goto pc+5", "w0 = 2", "lock
 * *(u64 *)(r0 +0) += r1", "call bpf_map_lookup_elem#1", "r1 = map[rules] ll", "r1 =
 * map[.rodata][0]+16 ll", "call pc+12". An instruction that has no such form (unknown code, or a
 * reserved field that is not 0) is written as ".insn 0x0f r1 r2 +3 0x4". */

/* Names for map indices. Absent names give map[3]. */
struct ebpf_names {
    const char *const *maps;
    uint32_t map_count;
};

/* Writes the instruction at number `at` of count as text, with a 0 at its end, cut off at bytes.
 * Returns the slots that the text covers (2 for a 64-bit constant). names may be NULL. */
uint32_t ebpf_disasm(const struct ebpf_insn *insns, uint32_t count, uint32_t at,
                     const struct ebpf_names *names, char *text, size_t bytes);
/* The same, in an arena. */
const char *ebpf_disasm_text(const struct ebpf_insn *insns, uint32_t count, uint32_t at,
                             const struct ebpf_names *names, struct arena *arena);

/* Assembles text, one instruction a line. Also taken: LLVM's spacing "(r6 + 4)" and jumps "goto
 * +5"; a leading instruction number "12:" and opcode "(b7)" as in dumps; labels "name:" as targets
 * of jumps, calls and "r1 = func[name] ll"; comments from "//", "#" at a line's start or ";" on.
 * name stands for the text in messages. Returns 0 and *out, owned by the arena, or -EINVAL with
 * each fault in the sink (ASM0001 and on). */
int ebpf_asm(const char *text, const char *name, const struct ebpf_names *names,
             struct arena *arena, struct diag_sink *sink, const struct ebpf_insn **out,
             uint32_t *count);

#endif
