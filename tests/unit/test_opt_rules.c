/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/opt_trial.h"
#include "tests/common/small_alu.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every row of the optimiser's table of rewrite rules is right: tried with all values of a world
 * whose words have 8 bits, with borders and random values at 64 bits, and as the rewriter applies
 * it to IR. A new row is covered without a new line here. */

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = true }; /* slower, and looks for other things: fewer values */
#else
enum { SANITIZED = false };
#endif

enum { SMALL = 8, MAX_CORNERS = 32, ATTEMPTS = 4000, ENOUGH = 60 };

/* The rule for the values that are set, if they are within what it may assume. */
static void check_values(struct opt_trial *t)
{
    const struct opt_term *from = t->from;
    const struct opt_term *to = t->to;
    uint64_t operands[2];
    const uint64_t before = opt_trial_value(t, &from, operands);
    uint64_t after;

    if (!opt_trial_within(t->m.a, operands[0]) ||
        (t->from[0].operands > 1 && !opt_trial_within(t->m.b, operands[1])))
        return;
    after = to->kind == OPT_TERM_FIRST ? operands[0] : opt_trial_value(t, &to, NULL);
    t->checked++;
    if (before == after)
        return;
    fail_msg("%s: \"%s\" is not \"%s\" where %s: width %u %u alu %s %s c %llx d %llx e %llx k %llx "
             "w %llx x %llx "
             "y %llx z %llx (x %llx..%llx y %llx..%llx): %llx, %llx",
             t->rule->name, t->rule->from, t->rule->to, t->rule->condition, t->m.width,
             t->m.inner_width, spec_alu_table[t->m.alu].name, spec_alu_table[t->m.inner].name,
             (unsigned long long)t->m.c, (unsigned long long)t->m.d, (unsigned long long)t->m.e,
             (unsigned long long)t->k, (unsigned long long)t->values[0],
             (unsigned long long)t->values[1], (unsigned long long)t->values[2],
             (unsigned long long)t->values[3], (unsigned long long)t->m.x.min,
             (unsigned long long)t->m.x.max, (unsigned long long)t->m.y.min,
             (unsigned long long)t->m.y.max, (unsigned long long)before, (unsigned long long)after);
}

/* --- all values of a small world ------------------------------------------------------------ */

static uint32_t add_corner(uint64_t *list, uint32_t n, uint64_t v, unsigned bits)
{
    v &= small_ones(bits);
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == v)
            return n;
    list[n] = v;
    return n + 1;
}

/* Where conditions change their mind: the ends of each width, and the neighbours of constants. The
 * more letters, the fewer. */
static uint32_t corners(const struct opt_trial *t, uint64_t *list, uint32_t letters)
{
    const unsigned bits = t->m.word_bits;
    const unsigned ends[] = {bits, bits / 2, bits - 1, bits / 2 - 1, 1, bits / 4, bits / 8};
    const bool simple = letters == 2 && t->from[0].alu == t->from[0].last;
    const uint32_t widths = letters == 1 ? 7 : letters == 2 ? 4 : 3;
    uint32_t n = 0;

    for (uint32_t i = 0; i < widths; i++) {
        n = add_corner(list, n, small_ones(ends[i]), bits);
        if (letters <= 2)
            n = add_corner(list, n, small_ones(ends[i]) + 1, bits);
    }
    for (uint64_t v = 0; v <= (simple ? small_ones(bits / 2) : 1); v++)
        n = add_corner(list, n, v, bits);
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t v = i ? t->m.d : t->m.c;

        if (!t->uses_const[i])
            continue;
        n = add_corner(list, n, v, bits);
        n = add_corner(list, n, v + 1, bits);
        n = add_corner(list, n, v - 1, bits);
    }
    assert_true(n <= MAX_CORNERS);
    return n;
}

/* All values within the bounds. Where that would be too many: the ends and some between. */
static void each_value(struct opt_trial *t, uint32_t letter, uint32_t letters)
{
    const uint64_t samples = letters > 2 ? 3 : letters == 2 && t->uses_const[0] ? 5 : UINT64_MAX;
    const struct opt_range *r;

    while (letter < OPT_TRIAL_LETTERS && !t->uses[letter])
        letter++;
    if (letter == OPT_TRIAL_LETTERS) {
        check_values(t);
        return;
    }
    r = opt_trial_range(t, letter);
    if (samples <= r->max - r->min) {
        for (uint64_t i = 0; i < samples; i++) {
            t->values[letter] = r->min + (r->max - r->min) * i / (samples - 1);
            each_value(t, letter + 1, letters);
        }
        return;
    }
    for (uint64_t v = r->min;; v++) {
        t->values[letter] = v;
        each_value(t, letter + 1, letters);
        if (v == r->max)
            break;
    }
}

struct ends {
    uint64_t list[MAX_CORNERS];
    uint32_t count;
    uint32_t letters;
    bool held;  /* with nothing known: all values have been tried ... */
    uint64_t k; /* ... with this constant */
};

static void try_ranges(struct opt_trial *t, struct ends *e)
{
    opt_trial_tie(t);
    if (!t->rule->when(&t->m))
        return;
    t->k = t->rule->constant(&t->m);
    if (!e->held || t->k != e->k)
        each_value(t, 0, e->letters);
}

/* All bounds of w x y z from number `which` on; OPT_TRIAL_LETTERS stands for those of the first
 * operand. */
static void each_range(struct opt_trial *t, struct ends *e, uint32_t which)
{
    struct opt_range *r;

    while (which < OPT_TRIAL_LETTERS && !t->uses[which])
        which++;
    r = which == OPT_TRIAL_LETTERS ? &t->m.a : opt_trial_range(t, which);
    for (uint32_t i = 0; i < e->count; i++) {
        for (uint32_t j = 0; j < e->count; j++) {
            uint32_t next = which + 1;

            if (e->list[i] > e->list[j])
                continue;
            *r = (struct opt_range){e->list[i], e->list[j]};
            while (next < OPT_TRIAL_LETTERS && !t->uses[next])
                next++;
            if (next < OPT_TRIAL_LETTERS)
                each_range(t, e, next);
            else
                try_ranges(t, e);
        }
    }
}

/* All bounds and values, for constants that are set. */
static void try_constants(struct opt_trial *t)
{
    const struct opt_range full = {0, small_ones(t->m.word_bits)};
    struct ends e = {.letters = opt_trial_letters(t)};

    t->m.w = t->m.x = t->m.y = t->m.z = t->m.a = t->m.b = full;
    opt_trial_tie(t);
    if (t->rule->when(&t->m)) {
        e.held = true;
        e.k = t->k = t->rule->constant(&t->m);
        each_value(t, 0, e.letters);
    }
    e.count = corners(t, e.list, e.letters);
    if (t->inner_operand[0])
        each_range(t, &e, OPT_TRIAL_LETTERS);
    t->m.a = full;
    each_range(t, &e, 0);
}

/* All values of a first constant are tried; of others, and where much else is free, borders and
 * some between. */
static bool is_chosen(uint64_t v, unsigned bits, bool first)
{
    const uint64_t near = v & small_ones(bits / 2);

    return (first && !SANITIZED) || v < 10 || v % 23 == 0 || (near + 1) % (1u << bits / 2) <= 1 ||
           (v & (v - 1)) == 0;
}

static void each_constant(struct opt_trial *t, uint32_t which, bool first)
{
    uint64_t *const constants[3] = {&t->m.c, &t->m.d, &t->m.e};

    while (which < 3 && !t->uses_const[which])
        which++;
    if (which == 3) {
        try_constants(t);
        return;
    }
    for (uint64_t v = 0; v <= small_ones(t->m.word_bits); v++) {
        *constants[which] = v;
        if (is_chosen(v, t->m.word_bits, first))
            each_constant(t, which + 1, false);
    }
}

static void try_small(struct opt_trial *t, void *ctx)
{
    (void)ctx;
    each_constant(
        t, 0, t->from[0].alu == t->from[0].last && opt_trial_letters(t) < 2 && !t->uses_const[2]);
}

static void test_opt_rules_all_values_of_small_words_keep_results(void **state)
{
    (void)state;
    assert_null(opt_trial_each(SMALL, try_small, NULL)); /* else: the rule that never holds */
}

/* --- borders and random values of whole words ------------------------------------------------ */

static void try_whole(struct opt_trial *t, void *ctx)
{
    uint64_t seed = 1;

    (void)ctx;
    for (uint32_t i = 0, held = 0; i < ATTEMPTS && held < ENOUGH; i++) {
        if (!opt_trial_choose(t, &seed))
            continue;
        check_values(t);
        held++;
    }
}

static void test_opt_rules_values_of_whole_words_keep_results(void **state)
{
    (void)state;
    assert_null(opt_trial_each(64, try_whole, NULL)); /* else: the rule that never holds */
}

/* The operations that the small world has are those of the table, where it has its size. */
static void test_opt_rules_small_world_is_the_table_at_its_size(void **state)
{
    static const unsigned widths[2] = {32, 64};
    uint64_t seed = 1;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        const uint64_t a = opt_trial_number(&seed);
        const uint64_t b = opt_trial_number(&seed);

        for (uint32_t op = 1; op < SPEC_ALU_COUNT; op++)
            for (uint32_t w = 0; w < 2; w++) {
                if (!small_alu_has((enum spec_alu)op, widths[w], 64))
                    continue;
                assert_int_equal(small_alu((enum spec_alu)op, widths[w], 64, a, b),
                                 spec_alu_eval((enum spec_alu)op, widths[w], a, b));
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_rules_small_world_is_the_table_at_its_size),
        cmocka_unit_test(test_opt_rules_all_values_of_small_words_keep_results),
        cmocka_unit_test(test_opt_rules_values_of_whole_words_keep_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
