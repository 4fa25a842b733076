/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/opt_trial.h"
#include "tests/common/random.h"
#include "tests/common/small_alu.h"
#include "tests/common/soft_maps.h"

#include <string.h>

static uint64_t word_eval(const struct opt_match *m, enum spec_alu op, unsigned width, uint64_t a,
                          uint64_t b)
{
    return small_alu(op, width, m->word_bits, a, b);
}

/* --- what an expression gives -------------------------------------------------------------- */

unsigned opt_trial_width(const struct opt_trial *t, const struct opt_term *term)
{
    switch ((enum opt_term_width)term->width) {
    case OPT_WIDTH_ROOT:
        return t->m.width;
    case OPT_WIDTH_HALF:
        return t->m.half_bits;
    case OPT_WIDTH_WORD:
        return t->m.word_bits;
    case OPT_WIDTH_ANY:
        break;
    }
    return t->m.inner_width;
}

uint64_t opt_trial_value(const struct opt_trial *t, const struct opt_term **at, uint64_t *operands)
{
    const struct opt_term *term = (*at)++;
    const uint64_t ones = small_ones(t->m.word_bits);
    uint64_t v[3] = {0, 0, 0};
    enum spec_alu op = (enum spec_alu)term->alu;

    for (uint32_t i = 0; i < term->operands; i++)
        v[i] = opt_trial_value(t, at, NULL);
    if (operands) {
        operands[0] = v[0];
        operands[1] = v[1];
    }
    switch ((enum opt_term_kind)term->kind) {
    case OPT_TERM_SELECT:
        return v[0] ? v[1] : v[2];
    case OPT_TERM_TEST:
        return v[0] != 0;
    case OPT_TERM_NOT:
        return v[0] == 0;
    case OPT_TERM_LOW:
        return v[0] & small_ones(t->m.width);
    case OPT_TERM_VALUE:
        return t->values[term->letter - 'w'];
    case OPT_TERM_CONST:
        return (term->letter == 'c' ? t->m.c : term->letter == 'd' ? t->m.d : t->m.e) & ones;
    case OPT_TERM_MADE:
        return t->k & ones;
    case OPT_TERM_ZERO:
        return 0;
    case OPT_TERM_COMPARE:
        op = operands ? t->m.alu : t->m.inner;
        break;
    case OPT_TERM_SAME:
        op = t->m.alu;
        break;
    case OPT_TERM_INVERSE:
        op = opt_compare_inverse(t->m.inner);
        break;
    case OPT_TERM_UNSIGNED:
        op = (enum spec_alu)(t->m.alu - SPEC_ALU_SGT + SPEC_ALU_UGT);
        break;
    case OPT_TERM_NONE:
    case OPT_TERM_ALU:
    case OPT_TERM_FIRST:
        break;
    }
    return small_alu(op, opt_trial_width(t, term), t->m.word_bits, v[0], v[1]);
}

bool opt_trial_within(struct opt_range r, uint64_t v)
{
    return r.min <= v && v <= r.max;
}

/* --- all that is free in a row -------------------------------------------------------------- */

static bool exists(const struct opt_trial *t, const struct opt_term *terms, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (terms[i].kind == OPT_TERM_ALU &&
            !small_alu_has((enum spec_alu)terms[i].alu, opt_trial_width(t, &terms[i]),
                           t->m.word_bits))
            return false;
    return true;
}

static void each_inner(struct opt_trial *t, uint32_t count, opt_trial_fn fn, void *ctx)
{
    const unsigned widths[2] = {t->m.half_bits, t->m.word_bits};

    for (uint32_t w = 0; w < (t->any_width ? 2 : 1); w++) {
        t->m.inner_width = widths[w];
        if (!exists(t, t->from, count))
            continue;
        if (!t->class_inside) {
            fn(t, ctx);
            continue;
        }
        for (uint32_t alu = SPEC_ALU_EQ; alu <= SPEC_ALU_SET; alu++) {
            t->m.inner = (enum spec_alu)alu;
            fn(t, ctx);
        }
    }
}

static void each_width(struct opt_trial *t, uint32_t count, opt_trial_fn fn, void *ctx)
{
    const struct opt_term *root = &t->from[0];
    const unsigned unit = t->m.word_bits / 8;

    if (root->kind == OPT_TERM_SELECT || root->kind == OPT_TERM_TEST ||
        root->width == OPT_WIDTH_WORD) {
        t->m.width = t->m.word_bits;
        each_inner(t, count, fn, ctx);
        return;
    }
    if (root->kind == OPT_TERM_LOW) {
        for (t->m.width = unit; t->m.width <= t->m.word_bits; t->m.width *= 2)
            each_inner(t, count, fn, ctx);
        return;
    }
    t->m.width = t->m.half_bits;
    each_inner(t, count, fn, ctx);
    t->m.width = t->m.word_bits;
    if (root->width == OPT_WIDTH_ROOT)
        each_inner(t, count, fn, ctx);
}

static void study(struct opt_trial *t, uint32_t count)
{
    uint32_t at = 1;

    for (uint32_t i = 0; i < count; i++) {
        const struct opt_term *term = &t->from[i];

        if (term->kind == OPT_TERM_VALUE)
            t->uses[term->letter - 'w'] = true;
        if (term->kind == OPT_TERM_CONST)
            t->uses_const[term->letter - 'c'] = true;
        t->any_width |= term->width == OPT_WIDTH_ANY;
        t->class_inside |= i > 0 && term->kind == OPT_TERM_COMPARE;
    }
    for (uint32_t a = 0; a < 2 && a < t->from[0].operands; a++) {
        uint32_t wanted = 1;

        t->inner_operand[a] = t->from[at].operands > 0;
        for (; wanted; at++)
            wanted += t->from[at].operands - 1u;
    }
}

const char *opt_trial_each(unsigned word_bits, opt_trial_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < opt_rule_count; i++) {
        struct opt_trial t = {.rule = &opt_rules[i]};
        uint32_t count;
        uint32_t ignored;

        if (opt_terms_parse(t.rule->from, t.from, &count) ||
            opt_terms_parse(t.rule->to, t.to, &ignored))
            return t.rule->name;
        study(&t, count);
        t.m.word_bits = word_bits;
        t.m.half_bits = word_bits / 2;
        t.m.eval = word_eval;
        if (t.from[0].kind == OPT_TERM_ALU || t.from[0].kind == OPT_TERM_COMPARE) {
            for (uint32_t alu = t.from[0].alu; alu <= t.from[0].last; alu++) {
                t.m.alu = (enum spec_alu)alu;
                each_width(&t, count, fn, ctx);
            }
        } else {
            each_width(&t, count, fn, ctx);
        }
        if (t.checked == 0)
            return t.rule->name;
    }
    return NULL;
}

struct opt_range *opt_trial_range(struct opt_trial *t, uint32_t letter)
{
    struct opt_range *const ranges[OPT_TRIAL_LETTERS] = {&t->m.w, &t->m.x, &t->m.y, &t->m.z};

    return ranges[letter];
}

uint32_t opt_trial_letters(const struct opt_trial *t)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++)
        n += t->uses[i];
    return n;
}

void opt_trial_tie(struct opt_trial *t)
{
    struct opt_range *const ends[2] = {&t->m.a, &t->m.b};
    uint32_t at = 1;

    for (uint32_t a = 0; a < 2 && a < t->from[0].operands; a++) {
        const struct opt_term *term = &t->from[at];
        uint32_t wanted = 1;

        if (term->kind == OPT_TERM_VALUE)
            *ends[a] = *opt_trial_range(t, (uint32_t)(term->letter - 'w'));
        else if (term->kind == OPT_TERM_CONST) {
            const uint64_t c = term->letter == 'c' ? t->m.c : term->letter == 'd' ? t->m.d : t->m.e;

            *ends[a] = (struct opt_range){c, c};
        }
        for (; wanted; at++)
            wanted += t->from[at].operands - 1u;
    }
}

uint64_t opt_trial_number(uint64_t *seed)
{
    const uint64_t r = random_next(seed);
    const unsigned by = (unsigned)(random_next(seed) % 64);

    switch (r % 7) {
    case 0:
        return (r >> 3 & 3) - (r >> 5 & 1);
    case 1:
        return UINT64_C(1) << by;
    case 2:
        return (UINT64_C(1) << by) - 1;
    case 3:
        return 0 - (r >> 8 & 63);
    case 4:
        return random_next(seed) >> by;
    case 5:
        return UINT64_MAX;
    default:
        return by;
    }
}

static struct opt_range some_range(uint64_t *seed)
{
    const uint64_t a = opt_trial_number(seed);
    const uint64_t b = opt_trial_number(seed);

    switch (random_next(seed) % 4) {
    case 0:
        return (struct opt_range){0, UINT64_MAX};
    case 1:
        return (struct opt_range){0, a};
    case 2:
        return (struct opt_range){a, a};
    default:
        return (struct opt_range){a < b ? a : b, a < b ? b : a};
    }
}

static uint64_t some_value_of(struct opt_range r, uint64_t *seed)
{
    const uint64_t v = opt_trial_number(seed);

    if (opt_trial_within(r, v))
        return v;
    switch (random_next(seed) % 3) {
    case 0:
        return r.min;
    case 1:
        return r.max;
    default:
        return r.max - r.min == UINT64_MAX ? v : r.min + v % (r.max - r.min + 1);
    }
}

bool opt_trial_choose(struct opt_trial *t, uint64_t *seed)
{
    t->m.c = opt_trial_number(seed);
    t->m.d = random_next(seed) % 2 ? t->m.c + random_next(seed) % 3 - 1 : opt_trial_number(seed);
    t->m.e = random_next(seed) % 2 ? t->m.c : opt_trial_number(seed);
    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++)
        *opt_trial_range(t, i) = some_range(seed);
    t->m.a = t->m.b = OPT_RANGE_FULL;
    if (t->inner_operand[0] && random_next(seed) % 2)
        t->m.a = some_range(seed);
    opt_trial_tie(t);
    if (!t->rule->when(&t->m))
        return false;
    t->k = t->rule->constant(&t->m);
    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++)
        t->values[i] = some_value_of(*opt_trial_range(t, i), seed);
    return true;
}
