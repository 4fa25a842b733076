/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_ENCODE_H
#define SLUICE_MICROCODE_ENCODE_H

#include "compiler/microcode/microcode.h"

/* What the fields of a slot mean, by operation: printer, parser, checker and model follow this. */
enum ucode_form {
    UCODE_FORM_NONE, /* not an operation */
    UCODE_FORM_NOP,
    UCODE_FORM_ALU1,   /* dst, a */
    UCODE_FORM_ALU2,   /* dst, a, b or imm */
    UCODE_FORM_CMP,    /* predicate dst, a, b or imm, perhaps a branch */
    UCODE_FORM_SEL,    /* dst, predicate, a, b or imm */
    UCODE_FORM_MOVHI,  /* dst, imm, a */
    UCODE_FORM_LOAD,   /* dst, a + imm, size */
    UCODE_FORM_STORE,  /* a + imm, b, size */
    UCODE_FORM_ATOMIC, /* dst, a + imm, b, size, kind */
    UCODE_FORM_WORD,   /* index dst, b or imm */
    UCODE_FORM_MAPOP,  /* map, kind, a */
    UCODE_FORM_RES,    /* dst */
    UCODE_FORM_RANGE,  /* a, b */
    UCODE_FORM_DIV,    /* kind, a, b */
    UCODE_FORM_IN,     /* dst, imm */
    UCODE_FORM_OUT,    /* index dst, b or imm */
    UCODE_FORM_JMP,    /* target */
    UCODE_FORM_EXIT,   /* b or imm */
    UCODE_FORM_COUNT
};

/* The fields that a form uses, beside op and the predicate. */
struct ucode_form_row {
    bool reg_dst; /* dst is a register of the slot's bank */
    bool a;
    bool b;    /* register b, if bimm is not set */
    bool bimm; /* b may be imm */
    bool imm;  /* imm is used even without bimm */
    bool size;
    bool w32;
};
extern const struct ucode_form_row ucode_forms[UCODE_FORM_COUNT];

enum {
    UCODE_ATMAP_OFFSET_BITS =
        16, /* imm[15:0] of atmap, signed; the kind is above it, as in mapop */
    UCODE_KIND_SHIFT = 16,
    UCODE_KEY_WORDS = SPEC_HW_KEY_BYTES / 8,
    UCODE_VALUE_WORDS = SPEC_HW_VALUE_BYTES / 8,
    UCODE_OUT_HOLD = 5, /* output word */
    UCODE_OUTS = 6,
};

enum ucode_form ucode_form(uint8_t op);
/* The name of an operation, or NULL. */
const char *ucode_op_name(uint8_t op);
/* Lanes that have the operation's unit. */
uint8_t ucode_op_lanes(uint8_t op);
bool ucode_op_is_long(uint8_t op);
bool ucode_is_alu(uint8_t op);
/* Whether the core runs the row: NULL, or what is wrong with it. Fields that an operation does not
 * use must be zero. */
const char *ucode_row_fault(const struct ucode_row *row);

/* Reads back what ucode_print_row writes. 0, or -EINVAL. */
int ucode_parse_row(const char *text, struct ucode_row *row);

extern const char *const ucode_atomic_names[SPEC_ATOMIC_COUNT];
extern const char *const ucode_mapop_names[UCODE_MAPOP_DELETE + 1];
extern const char *const ucode_in_names[SPEC_IN_COUNT];
extern const char *const ucode_out_names[UCODE_OUTS];

#endif
