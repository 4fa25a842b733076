/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_OPT_TRIAL_H
#define SLUICE_TESTS_OPT_TRIAL_H

#include "compiler/opt/rules.h"

/* A rewrite rule of the optimiser with what is free in it chosen, and its two sides evaluated: what
 * the tests and proofs of the rules share. */

enum { OPT_TRIAL_LETTERS = 4 };

struct opt_trial {
    const struct opt_rule *rule;
    struct opt_term from[OPT_TERMS];
    struct opt_term to[OPT_TERMS];
    struct opt_match m;
    bool uses[OPT_TRIAL_LETTERS]; /* w x y z */
    bool uses_const[3];           /* c d e */
    bool any_width;               /* :* stands in it */
    bool class_inside;            /* a compare of a class that is not the root */
    bool inner_operand[2];        /* the root's operand is an operation: bounds of its own */
    uint64_t values[OPT_TRIAL_LETTERS];
    uint64_t k;
    uint64_t checked; /* counted by its user: how often the rule was tried */
};

typedef void (*opt_trial_fn)(struct opt_trial *t, void *ctx);

/* Calls fn for each form of each row: widths, compares of a class. NULL, or the name of a row that
 * is no rule or of which fn has tried no form. */
const char *opt_trial_each(unsigned word_bits, opt_trial_fn fn, void *ctx);

/* What the expression at *at gives, *at being moved behind it. operands: where to leave the first
 * two operands of the root, or NULL if it is not the root. */
uint64_t opt_trial_value(const struct opt_trial *t, const struct opt_term **at, uint64_t *operands);
unsigned opt_trial_width(const struct opt_trial *t, const struct opt_term *term);
struct opt_range *opt_trial_range(struct opt_trial *t, uint32_t letter);
/* The root's operands have the bounds of the letters that they are, if they are letters. */
void opt_trial_tie(struct opt_trial *t);
uint32_t opt_trial_letters(const struct opt_trial *t);
bool opt_trial_within(struct opt_range r, uint64_t v);
/* Random numbers, many of them near the ends of widths. */
uint64_t opt_trial_number(uint64_t *seed);
/* Random constants, bounds, and values within them; false if the rule does not hold then. */
bool opt_trial_choose(struct opt_trial *t, uint64_t *seed);

#endif
