/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_OPT_FOLD_H
#define SLUICE_OPT_FOLD_H

#include "compiler/opt/internal.h"

/* fold.c walks, fold_alu.c and fold_compare.c know the rules. */
struct fold {
    struct ir_func *f;
    struct opt_range *known; /* by value, for those that were there at the start */
    uint32_t known_count;
    ir_ref *to; /* what a value is replaced by */
    uint32_t to_count;
    bool changed;
};

/* A rule answers with the value that the instruction stands for, or IR_NONE; it may also rewrite
 * the instruction in place and set changed. */
ir_ref fold_alu(struct fold *c, ir_ref r);
ir_ref fold_compare(struct fold *c, ir_ref r);

static inline struct opt_range fold_range(const struct fold *c, ir_ref r)
{
    uint64_t v;

    if (opt_is_const(c->f, r, &v))
        return (struct opt_range){v, v};
    return r < c->known_count ? c->known[r] : OPT_RANGE_FULL;
}

static inline uint64_t fold_max(const struct fold *c, ir_ref r)
{
    return fold_range(c, r).max;
}

/* Rewrites an instruction to arithmetic. */
void fold_become(struct fold *c, ir_ref r, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y);

#endif
