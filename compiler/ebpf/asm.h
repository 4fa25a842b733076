/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_EBPF_ASM_H
#define SLUICE_EBPF_ASM_H

#include "compiler/ebpf/ebpf.h"

/* The assembler's inside: asm_token.c reads tokens, asm_insn.c instructions, asm.c lines and
 * labels. */

#define ASM_E_SYNTAX "ASM0001" /* no instruction of that form */
#define ASM_E_RANGE "ASM0002"  /* a number that its field can't hold */
#define ASM_E_NAME "ASM0003"   /* no such label, map or helper */
#define ASM_E_LABEL "ASM0004"  /* a label twice */
#define ASM_E_SIZE "ASM0005"   /* more instructions than a program may have */

enum { ASM_NAME_BYTES = 128, ASM_MAX_INSNS = 1000000 };

struct asm_label {
    char name[ASM_NAME_BYTES];
    uint32_t insn;
};

/* A place that waits for a label's address. */
struct asm_fixup {
    char name[ASM_NAME_BYTES];
    uint32_t insn;
    uint32_t line;
    bool absolute; /* imm is the label's instruction itself, not the distance */
};

/* A failed line takes no more tokens: each function may go on after a fault and be checked at the
 * line's end. */
struct assembler {
    struct arena *arena;
    struct diag_sink *sink;
    const char *file;
    const struct ebpf_names *names;
    struct ebpf_insn *insns;
    uint32_t insn_count, insn_capacity;
    struct asm_label *labels;
    uint32_t label_count, label_capacity;
    struct asm_fixup *fixups;
    uint32_t fixup_count, fixup_capacity;
    const char *text; /* the line at hand */
    const char *at;   /* where in it */
    uint32_t line;
    bool failed; /* this line; nothing more is taken from it */
    uint32_t errors;
};

/* Reports a fault at the line at hand, if it is the line's first. */
void asm_fail(struct assembler *a, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tokens: spaces may stand between any two. take_ gives false if something else is next, need_ then
 * fails. */
void asm_skip_spaces(struct assembler *a);
/* The given text; a word only as a whole. */
bool asm_take(struct assembler *a, const char *text);
void asm_need(struct assembler *a, const char *text);
/* A register, of the 64-bit view (r) or the 32-bit one (w). wide may be NULL where both will do. */
bool asm_take_reg(struct assembler *a, uint8_t *reg, bool *wide);
uint8_t asm_need_reg(struct assembler *a, bool *wide);
/* A number, decimal or hexadecimal, with or without sign. */
bool asm_take_number(struct assembler *a, bool *negative, uint64_t *magnitude);
/* A number for a field of some bits: signed, or unsigned where that is allowed. */
int64_t asm_need_number(struct assembler *a, unsigned bits, bool or_unsigned);
int32_t asm_need_imm(struct assembler *a);
bool asm_take_name(struct assembler *a, char name[ASM_NAME_BYTES]);

void asm_emit(struct assembler *a, struct ebpf_insn insn);
/* Notes that the next instruction waits for a label. */
void asm_add_fixup(struct assembler *a, const char *name, bool absolute);

/* Reads one instruction. */
void asm_statement(struct assembler *a);

#endif
