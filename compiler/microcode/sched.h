/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_SCHED_H
#define SLUICE_MICROCODE_SCHED_H

#include "compiler/microcode/mach.h"

/* What the files of the scheduler share. */

/* An operation chosen for the row that is being filled; its lane is settled when the row is full.
 */
struct sched_entry {
    uint32_t op; /* or MACH_JUMP */
    uint8_t lanes;
    uint8_t rank;    /* branches and exits: their order, from 1; 0: none of these */
    uint32_t target; /* block, or MACH_NONE */
    bool invert;
};

struct sched_candidate {
    uint32_t op;
    uint32_t way; /* index in ways */
    uint32_t urgency;
};

/* A block below the one that is being scheduled, from which operations may come up. */
struct sched_way {
    uint32_t block;
    bool straight;     /* each block on the way has one predecessor */
    uint32_t parent;   /* way of the block above it, MACH_NONE: the block that is being scheduled */
    uint32_t *through; /* blocks on paths to it, whose stores and definitions come first */
    uint32_t through_count;
};

struct sched {
    struct mach *m;
    const struct mach_deps *deps;
    const struct mach_limits *limits;
    /* by block */
    uint32_t **children; /* in the dominator tree */
    uint32_t *child_count;
    uint32_t **stores; /* operations that store */
    uint32_t *store_count;
    uint32_t **defs; /* operations that define a register with several definitions */
    uint32_t *def_count;
    uint32_t *left;    /* operations not placed yet, of ops (without last) */
    uint32_t *kept;    /* operations placed in the block's own rows */
    uint32_t *ways_in; /* edges that still lead to it, of blocks and of rows that took these in */
    uint8_t *held;     /* ordering tokens that some row of it, or of a block above, has needed */
    /* by register */
    uint32_t *uses_left;
    bool *counted; /* in bank_live */
    int32_t bank_live[SPEC_LANES];
    /* predicates */
    uint32_t *pred_uses; /* by number: selections not placed yet */
    uint32_t *pred_def;  /* by number: the compare */
    uint32_t word_row[UCODE_KEY_WORDS +
                      UCODE_VALUE_WORDS]; /* row after the last that uses a word, in this block */
    uint32_t pregs[SPEC_PREDS];           /* number that a real predicate holds, 0: free */
    uint8_t *preg_of;                     /* by number */
    /* the block and the row at hand */
    uint32_t block;
    uint32_t row;
    struct sched_entry entries[SPEC_LANES];
    uint32_t entry_count;
    uint8_t rank;
    bool wait;
    uint8_t need;
    bool progress; /* something was placed in this row */
    bool stuck;    /* nothing could be, and nothing will */
    struct sched_candidate *candidates;
    uint32_t candidate_count;
    uint32_t candidate_capacity;
    struct sched_way *ways;
    uint32_t way_count;
    uint32_t way_capacity;
    uint32_t *work; /* blocks to be scheduled, a stack */
    uint32_t work_count;
    uint32_t work_capacity;
};

/* --- row.c --- */
/* Puts an operation into the row at hand if a lane is left for it. */
bool sched_try(struct sched *s, struct sched_entry entry);
bool sched_try_op(struct sched *s, uint32_t op);
/* Notes that an operation has its place in the row at hand. */
void sched_placed(struct sched *s, uint32_t op);
/* Settles the lanes and appends the row to the block's schedule. */
void sched_close_row(struct sched *s);
/* Whether an operation's operands are there at the row at hand, its order within its own block
 * being kept. */
bool sched_ready(const struct sched *s, uint32_t op);
bool sched_is_placed(const struct sched *s, uint32_t op);

/* --- hoist.c --- */
/* Collects what may come up from below into the block at hand. */
void sched_find_candidates(struct sched *s);
/* Puts the most urgent candidate that can be issued into the row. */
bool sched_hoist_one(struct sched *s);
/* Whether a register, as it is after all that comes before in the blocks `chain`, can be read at
 * the row at hand. */
bool sched_value_there(const struct sched *s, mach_reg reg, const uint32_t *chain, uint32_t count);

#endif
