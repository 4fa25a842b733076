/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_OPT_RULES_H
#define SLUICE_OPT_RULES_H

#include "compiler/opt/internal.h"

/* Rewrite rules as data: what an expression looks like, when the rule holds, what it becomes.
 * rules.c has the table, rewrite.c applies it; tests/unit/test_opt_rules.c goes over the table and
 * checks every rule for all values of a smaller word.
 *
 * An expression is written operation first, with as many operands as the operation has; parentheses
 * are for the reader.
 *   and, bswap16, ...   an operation of hw/spec/alu.toml, or "select"
 *   cmp                 any compare; "equality": eq, ne; "ucmp": eq to ule; "signed": sgt to sle
 *   same inverse unsigned   in `to`: the compare of `from`, its opposite, the unsigned one of its
 * name test, not           root: only whether the value is zero counts; "not": the other way round
 *   low                 root: only the value's low `width` bits count
 *   x y z w             any value; the same letter is the same value
 *   c d e               a constant;  k: the constant that the row computes;  0: zero
 *   a                   in `to`: the first operand as it is
 * An operation may carry a width: ":64", ":32", or ":*" for any, the same wherever it stands.
 * Without one it has the root's. */

/* What a rule may look at. Widths are parameters so that rules can be tried in a small world, in
 * which a word has 8 bits, a half of it 4, and a byte 1. */
struct opt_match {
    unsigned word_bits;
    unsigned half_bits;
    uint64_t (*eval)(const struct opt_match *m, enum spec_alu op, unsigned width, uint64_t a,
                     uint64_t b);
    unsigned width;       /* of the root, in bits; low: how many count */
    unsigned inner_width; /* of operations with :* */
    enum spec_alu alu;    /* the root's operation */
    enum spec_alu inner;  /* the compare within */
    uint64_t c, d, e;
    struct opt_range x, y, z, w; /* what is known of the values */
    struct opt_range a, b;       /* and of the root's first and second operand */
};

struct opt_rule {
    const char *name;
    const char *from;
    const char *to;
    const char *condition; /* the text of when ... */
    const char *made;      /* ... and of constant */
    bool (*when)(const struct opt_match *m);
    uint64_t (*constant)(const struct opt_match *m); /* k, cut to the word by its user */
};

extern const struct opt_rule opt_rules[];
extern const uint32_t opt_rule_count;

/* --- expressions, parsed ------------------------------------------------------------------- */

enum opt_term_kind {
    OPT_TERM_NONE,
    OPT_TERM_ALU,      /* alu */
    OPT_TERM_COMPARE,  /* a class of compares: alu is the first, last the last of it */
    OPT_TERM_SAME,     /* the compare of from */
    OPT_TERM_INVERSE,  /* its opposite */
    OPT_TERM_UNSIGNED, /* the unsigned one of its name */
    OPT_TERM_SELECT,
    OPT_TERM_TEST,
    OPT_TERM_NOT,
    OPT_TERM_LOW,
    OPT_TERM_VALUE, /* letter: x y z w */
    OPT_TERM_CONST, /* letter: c d e */
    OPT_TERM_MADE,  /* k */
    OPT_TERM_ZERO,
    OPT_TERM_FIRST, /* a */
};

enum opt_term_width { OPT_WIDTH_ROOT, OPT_WIDTH_HALF, OPT_WIDTH_WORD, OPT_WIDTH_ANY };

struct opt_term {
    uint8_t kind;  /* enum opt_term_kind */
    uint8_t width; /* enum opt_term_width */
    uint8_t alu;   /* enum spec_alu */
    uint8_t last;
    uint8_t operands;
    char letter;
};

enum { OPT_TERMS = 8 }; /* in an expression, at most */

/* Operations before their operands. 0, or -EINVAL for what is no expression. */
int opt_terms_parse(const char *text, struct opt_term terms[OPT_TERMS], uint32_t *count);

static inline uint64_t opt_ones(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* --- applying them -------------------------------------------------------------------------- */

struct opt_rewriter;

/* Rules ready for use; lives in scratch. known: bounds of the first known_count values. */
struct opt_rewriter *opt_rewriter_make(struct ir_func *f, const struct opt_range *known,
                                       uint32_t known_count, struct arena *scratch);
struct opt_range opt_rewriter_range(const struct opt_rewriter *w, ir_ref r);
/* Applies the first rule that fits an ALU operation or select. The value that it stands for now, or
 * IR_NONE; *changed says that the instruction was rewritten in place. */
ir_ref opt_rewrite(struct opt_rewriter *w, ir_ref r, bool *changed);
/* A value of which only the truth counts: the one to test instead; *inverse is turned if the
 * outcome is the other way round. */
ir_ref opt_rewrite_test(struct opt_rewriter *w, ir_ref r, bool *inverse);
/* A value of which only so many low bits count: the one to take instead. */
ir_ref opt_rewrite_low(struct opt_rewriter *w, ir_ref r, unsigned bits);

#endif
