/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_CORE_PROGRAM_GEN_H
#define SLUICE_TEST_CORE_PROGRAM_GEN_H

#include "tests/rtl/core/program.h"

/* What the parts of the program generator share. */

/* Registers with a fixed meaning; all of bank 3 except for the packet bounds. */
enum {
    REG_FOUND = 3, /* result of the last lookup: a pointer or 0 */
    REG_VALUE = 7, /* a valid pointer into one of the hash maps */
    REG_ARRAY = 11,
    REG_CONSTANT = 15,
    REG_COUNTERS = 19,
    REG_HASH = 23, /* first value of PROGRAM_HASH */
    REG_ZERO_FROM = 4,
    REG_ZERO_TO = 5,
    REG_PACKET = 6, /* PKT_BASE */
    PRED_FOUND = 7,
    KEY_VALUES = 6, /* keys differ in one small number, so that they meet often */
    PREAMBLE_ROWS = PROGRAM_STACK_BYTES / 8 + 1,
};

struct gen {
    struct bench *b;
    struct program *p;
    const struct soft_maps *maps;
    uint32_t row;
    uint32_t low;   /* first packet byte that may be touched */
    uint32_t high;  /* one past the last */
    uint32_t pivot; /* data stays at or below, data_end 14 or more above */
    bool no_target[PROGRAM_ROWS_MAX];
    bool is_target[PROGRAM_ROWS_MAX];
    bool zeroed;          /* a row before this one clears packet bytes */
    int32_t last_use[3];  /* row that last needs the token */
    bool by_engine[3];    /* ... and has the hash engine do it */
    uint32_t preds_used;  /* predicates that the row writes */
    bool branches;        /* the row has one; then more, so that several are taken at once */
    bool loads;           /* the row loads from the packet */
    uint32_t quiet_until; /* no long operation before this row */
};

bool gen_chance(struct gen *g, uint32_t percent);
uint8_t gen_any_reg(struct gen *g);
/* A register that the lane may write. */
uint8_t gen_free_reg(struct gen *g, uint32_t lane);
/* With this chance the slot takes effect under a predicate only. */
void gen_predicate(struct gen *g, struct ucode_slot *s, uint32_t percent);
/* Lane 3: a load, store or atomic on a map value; a long operation with its result. */
void gen_value(struct gen *g, struct ucode_slot *s);
void gen_long(struct gen *g, struct ucode_slot *s);

#endif
