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

enum { SMALL = 8, MAX_CORNERS = 32, ATTEMPTS = 4000, ENOUGH = 60 };

/* What a trial in the small world goes through. */
struct world {
    bool thorough;                 /* more constants, where a rule has two or three */
    bool looks[OPT_TRIAL_LETTERS]; /* at the bounds of w x y z ... */
    bool looks_at_first;           /* ... and of the first operand */
    uint32_t letters;
    uint64_t corners[MAX_CORNERS];
    uint32_t count;
    /* With which k two letters' values have been checked, for constants as they are: bounds decide
     * whether the rule holds, not what it gives. */
    uint16_t seen[(1 << SMALL) * (1 << SMALL)];
    bool any_seen;
};

/* The rule for the values that are set; false if they are not within what it may assume. */
static bool check_values(struct opt_trial *t)
{
    const struct opt_term *from = t->from;
    const struct opt_term *to = t->to;
    uint64_t operands[2];
    const uint64_t before = opt_trial_value(t, &from, operands);
    uint64_t after;

    if (!opt_trial_within(t->m.a, operands[0]) ||
        (t->from[0].operands > 1 && !opt_trial_within(t->m.b, operands[1])))
        return false;
    after = to->kind == OPT_TERM_FIRST ? operands[0] : opt_trial_value(t, &to, NULL);
    t->checked++;
    if (before == after)
        return true;
    fail_msg("%s: \"%s\" is not \"%s\" where %s, k is %s: width %u %u alu %s %s c %llx d %llx e "
             "%llx k %llx "
             "w %llx x %llx "
             "y %llx z %llx (x %llx..%llx y %llx..%llx): %llx, %llx",
             t->rule->name, t->rule->from, t->rule->to, t->rule->condition, t->rule->made,
             t->m.width, t->m.inner_width, spec_alu_table[t->m.alu].name,
             spec_alu_table[t->m.inner].name, (unsigned long long)t->m.c,
             (unsigned long long)t->m.d, (unsigned long long)t->m.e, (unsigned long long)t->k,
             (unsigned long long)t->values[0], (unsigned long long)t->values[1],
             (unsigned long long)t->values[2], (unsigned long long)t->values[3],
             (unsigned long long)t->m.x.min, (unsigned long long)t->m.x.max,
             (unsigned long long)t->m.y.min, (unsigned long long)t->m.y.max,
             (unsigned long long)before, (unsigned long long)after);
    return true;
}

/* --- all values of a small world ------------------------------------------------------------ */

/* Words of conditions and constants that look at bounds only where they are given them. Any other
 * may look at all bounds. */
static bool is_blind(const char *word, size_t length)
{
    static const char blind[] =
        " c d e m max min true all half bytes extend minus amount exponent low_ones opt_ones eval"
        " alu inner width inner_width half_bits word_bits fits is_plain difference_is_plain is_mask"
        " is_power is_negative is_signed is_equality SPEC_ALU_SET SPEC_ALU_BSWAP16 SPEC_ALU_BSWAP32"
        " SPEC_ALU_BSWAP64 ";

    for (const char *at = strstr(blind, " "); at[1]; at = strstr(at + 1, " "))
        if (strncmp(at + 1, word, length) == 0 && at[1 + length] == ' ')
            return true;
    return false;
}

static bool is_part_of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Which bounds a text looks at. */
static void note_bounds(struct world *w, const char *text)
{
    while (*text) {
        size_t length = 0;

        while (is_part_of_word(text[length]))
            length++;
        if (length == 1 && *text >= 'w' && *text <= 'z') {
            w->looks[*text - 'w'] = true;
        } else if (length == 1 && *text == 'a') {
            w->looks_at_first = true;
        } else if (length && !(*text >= '0' && *text <= '9') && !is_blind(text, length)) {
            memset(w->looks, true, sizeof(w->looks));
            w->looks_at_first = true;
        }
        text += length ? length : 1;
    }
}

static void add_corner(struct world *w, uint64_t v)
{
    v &= small_ones(SMALL);
    for (uint32_t i = 0; i < w->count; i++)
        if (w->corners[i] == v)
            return;
    assert_true(w->count < MAX_CORNERS);
    w->corners[w->count++] = v;
}

/* Two letters beside two constants. */
static bool is_wide(const struct opt_trial *t, const struct world *w)
{
    return w->letters == 2 && t->uses_const[1];
}

/* Where conditions change their mind: the ends of each width, and the neighbours of constants. The
 * more letters, the fewer. */
static void find_corners(struct world *w, const struct opt_trial *t)
{
    static const unsigned ends[] = {SMALL, SMALL / 2, SMALL - 1, SMALL / 2 - 1,
                                    1,     SMALL / 4, SMALL / 8};
    const bool simple = w->letters == 2 && t->from[0].alu == t->from[0].last;
    const bool few = w->letters > 2 || is_wide(t, w);
    const uint32_t widths = w->letters == 1 ? 7 : few ? 3 : 4;

    w->count = 0;
    for (uint32_t i = 0; i < widths; i++) {
        add_corner(w, small_ones(ends[i]));
        if (!few)
            add_corner(w, small_ones(ends[i]) + 1);
    }
    for (uint64_t v = 0; v <= (simple ? small_ones(SMALL / 2) : 1); v++)
        add_corner(w, v);
    for (uint32_t i = 0; i < 2; i++) {
        const uint64_t v = i ? t->m.d : t->m.c;

        if (!t->uses_const[i])
            continue;
        add_corner(w, v);
        add_corner(w, v + 1);
        add_corner(w, v - 1);
    }
}

/* All values within the bounds; of three letters, and of two beside constants that are not 0 or 1,
 * the ends and some between. `at`: the values of the letters before. */
static void each_value(struct opt_trial *t, struct world *w, uint32_t letter, uint32_t at)
{
    const bool many = w->letters > 2 || is_wide(t, w) || (w->letters == 2 && t->m.c > 1);
    const uint64_t samples = many ? (w->letters > 2 ? 3 : 5) : UINT64_MAX;
    const struct opt_range *r;

    while (letter < OPT_TRIAL_LETTERS && !t->uses[letter])
        letter++;
    if (letter == OPT_TRIAL_LETTERS) {
        if (w->letters > 2 || w->seen[at] != t->k)
            if (check_values(t) && w->letters <= 2) {
                w->seen[at] = (uint16_t)t->k;
                w->any_seen = true;
            }
        return;
    }
    r = opt_trial_range(t, letter);
    if (samples <= r->max - r->min) {
        for (uint64_t i = 0; i < samples; i++) {
            const uint64_t v = t->values[letter] = r->min + (r->max - r->min) * i / (samples - 1);

            each_value(t, w, letter + 1, at << SMALL | (uint32_t)v);
        }
        return;
    }
    for (uint64_t v = r->min; v <= r->max; v++) {
        t->values[letter] = v;
        each_value(t, w, letter + 1, at << SMALL | (uint32_t)v);
    }
}

static void try_bounds(struct opt_trial *t, struct world *w)
{
    opt_trial_tie(t);
    if (!t->rule->when(&t->m))
        return;
    t->k = t->rule->constant(&t->m) & small_ones(SMALL);
    each_value(t, w, 0, 0);
}

/* All bounds that the rule looks at, of w x y z from number `which` on. */
static void each_bounds(struct opt_trial *t, struct world *w, uint32_t which)
{
    struct opt_range *r;
    struct opt_range old;

    while (which < OPT_TRIAL_LETTERS && !(t->uses[which] && w->looks[which]))
        which++;
    if (which == OPT_TRIAL_LETTERS) {
        try_bounds(t, w);
        return;
    }
    r = opt_trial_range(t, which);
    old = *r;
    for (uint32_t i = 0; i < w->count; i++) {
        for (uint32_t j = 0; j < w->count; j++) {
            *r = (struct opt_range){w->corners[i], w->corners[j]};
            if (r->min <= r->max)
                each_bounds(t, w, which + 1);
        }
    }
    *r = old;
}

/* All bounds and values, for constants that are set. */
static void try_constants(struct opt_trial *t, struct world *w)
{
    const struct opt_range full = {0, small_ones(SMALL)};

    t->m.w = t->m.x = t->m.y = t->m.z = t->m.a = t->m.b = full;
    if (w->any_seen)
        memset(w->seen, 0xff, sizeof(w->seen)); /* no constant of this world */
    w->any_seen = false;
    try_bounds(t, w);
    find_corners(w, t);
    for (uint32_t i = 0; i < w->count && t->inner_operand[0] && w->looks_at_first; i++) {
        for (uint32_t j = 0; j < w->count; j++) {
            t->m.a = (struct opt_range){w->corners[i], w->corners[j]};
            if (t->m.a.min <= t->m.a.max)
                try_bounds(t, w);
        }
    }
    t->m.a = full;
    each_bounds(t, w, 0);
}

/* Of constants that are not all tried: borders and some between. */
static bool is_chosen(uint64_t v)
{
    const uint64_t near = v & small_ones(SMALL / 2);

    return v < 10 || v % 23 == 0 || (near + 1) % (1u << SMALL / 2) <= 1 || (v & (v - 1)) == 0;
}

static void each_constant(struct opt_trial *t, struct world *w, uint32_t which, bool all)
{
    uint64_t *const constants[3] = {&t->m.c, &t->m.d, &t->m.e};

    while (which < 3 && !t->uses_const[which])
        which++;
    if (which == 3) {
        try_constants(t, w);
        return;
    }
    for (uint64_t v = 0; v <= small_ones(SMALL); v++) {
        *constants[which] = v;
        if (all || is_chosen(v))
            each_constant(t, w, which + 1, w->thorough && !t->uses_const[2]);
    }
}

static void try_small(struct opt_trial *t, void *ctx)
{
    struct world *w = ctx;

    w->letters = opt_trial_letters(t);
    memset(w->looks, 0, sizeof(w->looks));
    w->looks_at_first = false;
    note_bounds(w, t->rule->condition);
    note_bounds(w, t->rule->made);
    each_constant(t, w, 0, w->letters == 1 && (w->thorough || !t->uses_const[1]));
}

static void test_opt_rules_all_values_of_small_words_keep_results(void **state)
{
    static struct world w;

    (void)state;
    w.any_seen = true; /* nothing is seen yet, but it does not say so */
    w.thorough = !getenv("SLUICE_TEST_QUICK");
    assert_null(opt_trial_each(SMALL, try_small, &w)); /* else: the rule that never holds */
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
