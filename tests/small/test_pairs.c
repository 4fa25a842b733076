/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/small/scalar_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All that can be known of two numbers of 4 bits, and nothing left out: every operation and every
 * comparison of both widths is sound for every pair. In two steps, each complete:
 *
 * - what sharpens the views of one number by each other (scalar_sync) is tried with every
 *   combination of known bits and of the four ranges, 12 million of which are true of some number.
 *   What comes out of it are all the descriptions that the verifier can ever hold, about 11,000;
 * - what computes each view of a result (alu_views, refine_views, by_bounds) is tried with all
 * pairs of those, before scalar_sync has it. It looks at the views of its own width alone, except
 * where needs_all says so: there all 120 million pairs of descriptions are tried, elsewhere all
 * pairs of views of that width, each time in other descriptions that have them. SMALL_PAIRS=0 in
 * the environment tries all pairs of descriptions everywhere (two minutes).
 *
 * Sets of numbers are masks of 16 bits. */

_Static_assert(SMALL_WORD == 4, "sets have 16 bits");

typedef unsigned short set;

enum { ELEMENTS_MAX = 1 << 15, HASH = 1 << 18, COMPARES_FROM = SPEC_ALU_EQ };
enum { HALF = VALUES / 2, HALF_HALF = HALF_VALUES / 2 };

static struct scalar elements[ELEMENTS_MAX];
static set members[ELEMENTS_MAX];
static unsigned element_count;
static unsigned long sharpened;

/* ---- sets ---- */

static set of_bits[VALUES][VALUES]; /* value, mask */
static set of_unsigned[VALUES][VALUES], of_signed[VALUES][VALUES];
static set of_unsigned_half[HALF_VALUES][HALF_VALUES], of_signed_half[HALF_VALUES][HALF_VALUES];

static int as_signed(unsigned v, unsigned values)
{
    return v < values / 2 ? (int)v : (int)v - (int)values;
}

static void make_sets(void)
{
    for (unsigned v = 0; v < VALUES; v++) {
        const unsigned h = v % HALF_VALUES;
        const int s = as_signed(v, VALUES), sh = as_signed(h, HALF_VALUES);

        for (unsigned i = 0; i < VALUES; i++)
            for (unsigned k = 0; k < VALUES; k++) {
                of_bits[i][k] = (set)(of_bits[i][k] | !((v ^ i) & ~k) << v);
                of_unsigned[i][k] = (set)(of_unsigned[i][k] | (i <= v && v <= k) << v);
                of_signed[i][k] =
                    (set)(of_signed[i][k] | ((int)i - HALF <= s && s <= (int)k - HALF) << v);
            }
        for (unsigned i = 0; i < HALF_VALUES; i++)
            for (unsigned k = 0; k < HALF_VALUES; k++) {
                of_unsigned_half[i][k] = (set)(of_unsigned_half[i][k] | (i <= h && h <= k) << v);
                of_signed_half[i][k] =
                    (set)(of_signed_half[i][k] |
                          ((int)i - HALF_HALF <= sh && sh <= (int)k - HALF_HALF) << v);
            }
    }
}

/* The numbers of which it is true. */
static inline set set_of(const struct scalar *s)
{
    return of_bits[(unsigned)s->bits.value][(unsigned)s->bits.mask] &
           of_unsigned[(unsigned)s->umin][(unsigned)s->umax] &
           of_signed[(int)s->smin + HALF][(int)s->smax + HALF] &
           of_unsigned_half[(unsigned)s->umin32][(unsigned)s->umax32] &
           of_signed_half[(int)s->smin32 + HALF_HALF][(int)s->smax32 + HALF_HALF];
}

static void print_scalar(const char *name, const struct scalar *s)
{
    fprintf(stderr, "%s: bits %x/%x u %u..%u s %d..%d u32 %u..%u s32 %d..%d: numbers %04x\n", name,
            (unsigned)s->bits.value, (unsigned)s->bits.mask, (unsigned)s->umin, (unsigned)s->umax,
            (int)s->smin, (int)s->smax, (unsigned)s->umin32, (unsigned)s->umax32, (int)s->smin32,
            (int)s->smax32, set_of(s));
}

/* ---- what sharpens one number ---- */

static unsigned seen[HASH]; /* hash table of element numbers + 1 */

static void add(const struct scalar *s, set numbers)
{
    const unsigned long key = (unsigned long)s->bits.value | (unsigned long)s->bits.mask << 4 |
                              (unsigned long)s->umin << 8 | (unsigned long)s->umax << 12 |
                              (unsigned long)((int)s->smin + HALF) << 16 |
                              (unsigned long)((int)s->smax + HALF) << 20 |
                              (unsigned long)s->umin32 << 24 | (unsigned long)s->umax32 << 26 |
                              (unsigned long)((int)s->smin32 + HALF_HALF) << 28 |
                              (unsigned long)((int)s->smax32 + HALF_HALF) << 30;
    unsigned at = (unsigned)(key * 0x9e3779b97f4a7c15ul >> 46);

    for (; seen[at]; at = (at + 1) % HASH)
        if (scalar_same(&elements[seen[at] - 1], s))
            return;
    assert_true(element_count < ELEMENTS_MAX);
    elements[element_count] = *s;
    members[element_count] = numbers;
    seen[at] = ++element_count;
}

static void sharpen(struct scalar s, set numbers)
{
    const struct scalar before = s;

    scalar_sync(&s);
    sharpened++;
    if ((numbers & ~set_of(&s)) || scalar_is_broken(&s)) {
        print_scalar("before", &before);
        print_scalar("after", &s);
        fail_msg("sync lost a number, or takes it for none");
    }
    add(&s, set_of(&s));
}

static void sharpen_halves(struct scalar s, set numbers)
{
    for (unsigned low = 0; low < HALF_VALUES; low++)
        for (unsigned high = low; high < HALF_VALUES; high++)
            for (int least = -HALF_HALF; least < HALF_HALF; least++)
                for (int most = least; most < HALF_HALF; most++) {
                    const set n = numbers & of_unsigned_half[low][high] &
                                  of_signed_half[least + HALF_HALF][most + HALF_HALF];

                    s.umin32 = (small_half)low;
                    s.umax32 = (small_half)high;
                    s.smin32 = (small_shalf)least;
                    s.smax32 = (small_shalf)most;
                    if (n)
                        sharpen(s, n);
                }
}

static void sharpen_words(struct scalar s, set numbers)
{
    for (unsigned low = 0; low < VALUES; low++)
        for (unsigned high = low; high < VALUES; high++)
            for (int least = -HALF; least < HALF; least++)
                for (int most = least; most < HALF; most++) {
                    const set n =
                        numbers & of_unsigned[low][high] & of_signed[least + HALF][most + HALF];

                    s.umin = (small_word)low;
                    s.umax = (small_word)high;
                    s.smin = (small_sword)least;
                    s.smax = (small_sword)most;
                    if (n)
                        sharpen_halves(s, n);
                }
}

/* ---- descriptions that are the same to an operation ---- */

struct classes {
    unsigned count;
    unsigned order[ELEMENTS_MAX];    /* descriptions, those of a class together */
    unsigned from[ELEMENTS_MAX + 1]; /* where each class begins in it */
};

static struct classes alone, words_alike, halves_alike;
static unsigned long keys[ELEMENTS_MAX];

static unsigned long word_key(const struct scalar *s)
{
    return (unsigned long)s->bits.value | (unsigned long)s->bits.mask << 4 |
           (unsigned long)s->umin << 8 | (unsigned long)s->umax << 12 |
           (unsigned long)((int)s->smin + HALF) << 16 | (unsigned long)((int)s->smax + HALF) << 20;
}

static unsigned long half_key(const struct scalar *s)
{
    return (unsigned long)(small_half)s->bits.value | (unsigned long)(small_half)s->bits.mask << 2 |
           (unsigned long)s->umin32 << 4 | (unsigned long)s->umax32 << 6 |
           (unsigned long)((int)s->smin32 + HALF_HALF) << 8 |
           (unsigned long)((int)s->smax32 + HALF_HALF) << 10;
}

static int by_key(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    if (keys[x] != keys[y])
        return keys[x] < keys[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* By keys. */
static void divide(struct classes *c)
{
    c->count = 0;
    for (unsigned e = 0; e < element_count; e++)
        c->order[e] = e;
    qsort(c->order, element_count, sizeof(c->order[0]), by_key);
    for (unsigned i = 0; i < element_count; i++)
        if (!i || keys[c->order[i]] != keys[c->order[i - 1]])
            c->from[c->count++] = i;
    c->from[c->count] = element_count;
}

static void make_classes(void)
{
    for (unsigned e = 0; e < element_count; e++)
        keys[e] = e;
    divide(&alone);
    for (unsigned e = 0; e < element_count; e++)
        keys[e] = word_key(&elements[e]);
    divide(&words_alike);
    for (unsigned e = 0; e < element_count; e++)
        keys[e] = half_key(&elements[e]);
    divide(&halves_alike);
    printf("%u views of words, %u of halves\n", words_alike.count, halves_alike.count);
}

static void test_verify_pairs_sync_of_all_views_keeps_all_numbers(void **state)
{
    struct scalar s = scalar_unknown();

    (void)state;
    make_sets();
    for (unsigned mask = 0; mask < VALUES; mask++)
        for (unsigned value = 0; value < VALUES; value++) {
            s.bits = (struct tnum){(small_word)value, (small_word)mask};
            if (!(value & mask))
                sharpen_words(s, of_bits[value][mask]);
        }
    printf("%lu combinations of views, %u descriptions\n", sharpened, element_count);
    assert_true(sharpened > 10000000 && element_count > 10000);
    make_classes();
}

/* A shift of a word by a half moves what is known of the half; equal words have equal halves. */
static bool needs_all(unsigned op)
{
    return op == SPEC_ALU_SHL || op == SPEC_ALU_EQ || op == SPEC_ALU_NE;
}

static const struct classes *classes_of(unsigned op, bool words)
{
    const char *pairs = getenv("SMALL_PAIRS");

    if ((pairs && !strcmp(pairs, "0")) || (words && needs_all(op)))
        return &alone;
    return words ? &words_alike : &halves_alike;
}

/* One of a class, another one each time. */
static inline unsigned one_of(const struct classes *c, unsigned class, unsigned time)
{
    const unsigned n = c->from[class + 1] - c->from[class];

    return c->order[c->from[class] + (n == 1 ? 0 : time % n)];
}

/* ---- arithmetic ---- */

static set results[VALUES][ELEMENTS_MAX]; /* of a number, and any of a description */
static set united[2][1 << VALUES / 2];    /* of any numbers of the low, of the high half of all */

static unsigned result_of(unsigned op, bool words, unsigned a, unsigned b)
{
    return (unsigned)small_alu((enum spec_alu)op, words ? WORD_BITS : HALF_BITS, WORD_BITS, a, b);
}

static void make_results(unsigned op, bool words)
{
    for (unsigned x = 0; x < VALUES; x++) {
        set of[VALUES];

        for (unsigned y = 0; y < VALUES; y++)
            of[y] = (set)(1u << result_of(op, words, x, y));
        for (unsigned e = 0; e < element_count; e++) {
            results[x][e] = 0;
            for (unsigned y = 0; y < VALUES; y++)
                results[x][e] |= members[e] >> y & 1 ? of[y] : 0;
        }
    }
}

static void unite(unsigned other)
{
    for (unsigned part = 0; part < 2; part++)
        for (unsigned some = 1; some < 1u << VALUES / 2; some++) {
            const unsigned x = (unsigned)__builtin_ctz(some) + part * VALUES / 2;

            united[part][some] = united[part][some & (some - 1)] | results[x][other];
        }
}

static struct ebpf_insn insn_of(unsigned op, bool words)
{
    struct ebpf_insn i = insn((words ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU) | EBPF_SRC_X, 0, 1, 0, 0);

    for (unsigned r = 0; r < EBPF_ALU_ROWS; r++)
        if (ebpf_alu_table[r].alu == op) {
            i.opcode = (unsigned char)(i.opcode | ebpf_alu_table[r].code);
            i.off = ebpf_alu_table[r].off;
        }
    return i;
}

static unsigned long check_alu(unsigned op, bool words)
{
    const struct classes *c = classes_of(op, words);
    const struct ebpf_insn i = insn_of(op, words);

    make_results(op, words);
    for (unsigned kb = 0; kb < c->count; kb++) {
        const unsigned b = one_of(c, kb, kb * 7);
        const struct scalar other = elements[b];

        unite(b);
        for (unsigned ka = 0; ka < c->count; ka++) {
            const unsigned a = one_of(c, ka, ka + kb);
            const struct scalar r = alu_views(&i, &elements[a], &other);
            const set wanted = united[0][members[a] & 0xff] | united[1][members[a] >> 8];

            if (wanted & ~set_of(&r)) {
                print_scalar("a", &elements[a]);
                print_scalar("b", &other);
                print_scalar("result", &r);
                fail_msg("%s of %u bits has results %04x", spec_alu_table[op].name,
                         words ? WORD_BITS : HALF_BITS, wanted);
            }
        }
    }
    return (unsigned long)c->count * c->count;
}

static void test_verify_pairs_all_arithmetic_holds_all_results(void **state)
{
    unsigned long pairs = 0;
    unsigned ops = 0;

    (void)state;
    assert_true(element_count > 0);
    for (unsigned op = SPEC_ALU_NONE + 1; op < COMPARES_FROM; op++)
        for (int words = 0; words < 2 && spec_alu_table[op].arity == 2; words++)
            if (op != SPEC_ALU_MOV) {
                pairs += check_alu(op, words);
                ops++;
            }
    printf("%u operations, %lu pairs\n", ops, pairs);
    assert_true(ops == 26);
}

/* ---- comparisons ---- */

static set left[2][ELEMENTS_MAX]; /* numbers with such an outcome beside any of a description ... */
static set right[2][ELEMENTS_MAX]; /* ... on its right */

static void make_partners(unsigned op, bool words)
{
    for (unsigned outcome = 0; outcome < 2; outcome++)
        for (unsigned e = 0; e < element_count; e++) {
            left[outcome][e] = right[outcome][e] = 0;
            for (unsigned x = 0; x < VALUES; x++)
                for (unsigned y = 0; y < VALUES; y++) {
                    const bool so = members[e] >> y & 1;

                    if (so && result_of(op, words, x, y) == outcome)
                        left[outcome][e] = (set)(left[outcome][e] | 1u << x);
                    if (so && result_of(op, words, y, x) == outcome)
                        right[outcome][e] = (set)(right[outcome][e] | 1u << x);
                }
        }
}

static unsigned char code_of(unsigned op)
{
    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++)
        if (ebpf_jmp_table[r].alu == op)
            return ebpf_jmp_table[r].code;
    return 0;
}

static void fail_compare(unsigned op, bool words, unsigned outcome, const struct scalar *a,
                         const struct scalar *b, const struct scalar *ra, const struct scalar *rb)
{
    print_scalar("a", a);
    print_scalar("b", b);
    print_scalar("a then", ra);
    print_scalar("b then", rb);
    fail_msg("%s of %u bits: some number can be, and the outcome %u", spec_alu_table[op].name,
             words ? WORD_BITS : HALF_BITS, outcome);
}

/* known: what by_bounds says. */
static inline void check_outcome(unsigned op, bool words, unsigned outcome, int known,
                                 unsigned char code, unsigned a, unsigned b)
{
    const set wanted_a = members[a] & left[outcome][b], wanted_b = members[b] & right[outcome][a];
    struct scalar ra = elements[a], rb = elements[b];

    if (known >= 0) {
        if (known != (int)outcome && wanted_a)
            fail_compare(op, words, outcome, &elements[a], &elements[b], &ra, &rb);
        return;
    }
    refine_views(code, !words, outcome, &ra, &rb);
    if ((wanted_a & ~set_of(&ra)) || (wanted_b & ~set_of(&rb)))
        fail_compare(op, words, outcome, &elements[a], &elements[b], &ra, &rb);
}

static unsigned long check_compare(unsigned op, bool words)
{
    const struct classes *c = classes_of(op, words);
    const unsigned char code = code_of(op);

    make_partners(op, words);
    for (unsigned ka = 0; ka < c->count; ka++)
        for (unsigned kb = 0; kb < c->count; kb++) {
            const unsigned a = one_of(c, ka, ka * 7 + kb), b = one_of(c, kb, ka + kb);
            const int known = by_bounds(code, !words, &elements[a], &elements[b]);

            check_outcome(op, words, 0, known, code, a, b);
            check_outcome(op, words, 1, known, code, a, b);
        }
    return (unsigned long)c->count * c->count;
}

static void test_verify_pairs_all_comparisons_keep_all_numbers(void **state)
{
    unsigned long pairs = 0;
    unsigned ops = 0;

    (void)state;
    assert_true(element_count > 0);
    for (unsigned op = COMPARES_FROM; op < SPEC_ALU_COUNT; op++)
        for (int words = 0; words < 2; words++, ops++)
            pairs += check_compare(op, words);
    printf("%u comparisons, %lu pairs\n", ops, pairs);
    assert_true(ops == 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_pairs_sync_of_all_views_keeps_all_numbers),
        cmocka_unit_test(test_verify_pairs_all_arithmetic_holds_all_results),
        cmocka_unit_test(test_verify_pairs_all_comparisons_keep_all_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
