/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/small/scalar_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every abstract operation on numbers is sound in a small world: for what is known of one or two
 * numbers (known bits, signed and unsigned ranges of words and of halves, alone and together),
 * every result of every value, by small_alu, lies in what the operation gives. With words of 4 bits
 * this goes through all pairs of all that can be known; with 8 bits, where casts and byte swaps
 * exist, through all of one operand, and pairs of them by steps. How near the results come to the
 * best that could be known is printed.
 *
 * SMALL_PAIRS sets how many pairs (0: all), SLUICE_TEST_QUICK takes few of all. */

enum { ELEMENTS_MAX = 1 << 18, HASH = 1 << 20, COMPARES_FROM = SPEC_ALU_EQ };

/* What may be known of a number, and the numbers of which it is true. */
struct element {
    struct scalar s;
    unsigned count;
    unsigned char x[VALUES];
};

static struct element *elements;
static unsigned element_count;
static unsigned char results[SPEC_ALU_COUNT][2][VALUES][VALUES]; /* [1]: of words */

static bool holds(const struct scalar *s, unsigned v)
{
    const small_word x = (small_word)v;
    const small_half h = (small_half)v;

    return !((x ^ s->bits.value) & ~s->bits.mask) && s->umin <= x && x <= s->umax &&
           s->smin <= (small_sword)x && (small_sword)x <= s->smax && s->umin32 <= h &&
           h <= s->umax32 && s->smin32 <= (small_shalf)h && (small_shalf)h <= s->smax32;
}

static void print_scalar(const char *name, const struct scalar *s)
{
    fprintf(stderr, "%s: bits %x/%x u %u..%u s %d..%d u32 %u..%u s32 %d..%d\n", name,
            (unsigned)s->bits.value, (unsigned)s->bits.mask, (unsigned)s->umin, (unsigned)s->umax,
            (int)s->smin, (int)s->smax, (unsigned)s->umin32, (unsigned)s->umax32, (int)s->smin32,
            (int)s->smax32);
}

static bool quick(void)
{
    return getenv("SLUICE_TEST_QUICK") != NULL;
}

/* ---- all that can be known ---- */

static unsigned *seen; /* hash table of element numbers + 1 */

static unsigned hash_of(const struct scalar *s)
{
    const unsigned parts[] = {
        (unsigned)s->bits.value,  (unsigned)s->bits.mask,  (unsigned)s->umin,   (unsigned)s->umax,
        (unsigned)(int)s->smin,   (unsigned)(int)s->smax,  (unsigned)s->umin32, (unsigned)s->umax32,
        (unsigned)(int)s->smin32, (unsigned)(int)s->smax32};
    unsigned h = 2166136261u;

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        h = (h ^ (parts[i] & 0xffffu)) * 16777619u;
    return h ^ h >> 15;
}

/* As it is after a sync, if it is of any number and new. */
static void add(struct scalar s)
{
    struct element *e = &elements[element_count];
    struct scalar before = s;
    unsigned at;

    scalar_sync(&s);
    e->count = 0;
    for (unsigned v = 0; v < VALUES; v++) {
        if (holds(&before, v) && !holds(&s, v)) {
            print_scalar("before", &before);
            print_scalar("after", &s);
            fail_msg("sync lost %u", v);
        }
        if (holds(&s, v))
            e->x[e->count++] = (unsigned char)v;
    }
    if (!e->count)
        return;
    if (scalar_is_broken(&s)) {
        print_scalar("not broken", &s);
        fail_msg("%u is in what is taken for contradictory", e->x[0]);
    }
    for (at = hash_of(&s) % HASH; seen[at]; at = (at + 1) % HASH)
        if (scalar_same(&elements[seen[at] - 1].s, &s))
            return;
    assert_true(element_count + 1 < ELEMENTS_MAX);
    e->s = s;
    seen[at] = ++element_count;
}

static struct scalar meet(struct scalar a, const struct scalar *b)
{
    a.bits = tnum_meet(a.bits, b->bits);
    meet_u64(&a, b->umin, b->umax);
    meet_s64(&a, b->smin, b->smax);
    meet_u32(&a, b->umin32, b->umax32);
    meet_s32(&a, b->smin32, b->smax32);
    return a;
}

static struct scalar of_bits(unsigned value, unsigned mask)
{
    struct scalar s = scalar_unknown();

    s.bits = (struct tnum){(small_word)value, (small_word)mask};
    return s;
}

static struct scalar between(unsigned low, unsigned high, bool is_signed)
{
    struct scalar s = scalar_unknown();

    if (is_signed) {
        s.smin = (small_sword)((int)low - VALUES / 2);
        s.smax = (small_sword)((int)high - VALUES / 2);
    } else {
        s.umin = (small_word)low;
        s.umax = (small_word)high;
    }
    return s;
}

static struct scalar half_between(unsigned low, unsigned high, bool is_signed)
{
    struct scalar s = scalar_unknown();

    if (is_signed) {
        s.smin32 = (small_shalf)((int)low - HALF_VALUES / 2);
        s.smax32 = (small_shalf)((int)high - HALF_VALUES / 2);
    } else {
        s.umin32 = (small_half)low;
        s.umax32 = (small_half)high;
    }
    return s;
}

static unsigned pick(unsigned long *seed, unsigned n)
{
    *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(*seed >> 33) % n;
}

/* A range of some view, or some known bits. */
static struct scalar any_part(unsigned long *seed)
{
    const unsigned kind = pick(seed, 5);
    const unsigned n = kind < 3 ? VALUES : HALF_VALUES;
    const unsigned a = pick(seed, n), b = pick(seed, n);

    if (kind == 0)
        return of_bits(a & ~b, b);
    if (kind < 3)
        return between(a < b ? a : b, a < b ? b : a, kind == 1);
    return half_between(a < b ? a : b, a < b ? b : a, kind == 3);
}

/* Each view alone in all its values; together: all of them in the world of 4 bits, else many. */
static void add_singles(void)
{
    for (unsigned mask = 0; mask < VALUES; mask++)
        for (unsigned value = 0; value < VALUES; value++)
            if (!(value & mask))
                add(of_bits(value, mask));
    for (unsigned low = 0; low < VALUES; low++)
        for (unsigned high = low; high < VALUES; high++) {
            add(between(low, high, false));
            add(between(low, high, true));
        }
    for (unsigned low = 0; low < HALF_VALUES; low++)
        for (unsigned high = low; high < HALF_VALUES; high++) {
            add(half_between(low, high, false));
            add(half_between(low, high, true));
        }
}

/* Until one more part says nothing new. */
static void add_meets(void)
{
    const unsigned parts = element_count;

    for (unsigned i = 0; i < element_count; i++)
        for (unsigned k = 0; k < parts; k++)
            add(meet(elements[i].s, &elements[k].s));
}

static void make_elements(void)
{
    unsigned long seed = 1;

    elements = calloc(ELEMENTS_MAX, sizeof(*elements));
    seen = calloc(HASH, sizeof(*seen));
    assert_true(elements && seen);
    add_singles();
    if (WORD_BITS == 4) {
        add_meets();
        return;
    }
    for (unsigned i = 0; i < (quick() ? 5000 : 60000); i++) {
        const struct scalar a = any_part(&seed), b = any_part(&seed), c = any_part(&seed);

        add(i % 2 ? meet(a, &b) : meet(meet(a, &b), &c));
    }
}

static void make_results(void)
{
    for (unsigned op = 1; op < SPEC_ALU_COUNT; op++)
        for (unsigned w = 0; w < 2; w++)
            for (unsigned a = 0; a < VALUES; a++)
                for (unsigned b = 0; b < VALUES; b++)
                    results[op][w][a][b] = (unsigned char)small_alu(
                        (enum spec_alu)op, w ? WORD_BITS : HALF_BITS, WORD_BITS, a, b);
}

/* ---- how good a result is ---- */

struct precision {
    unsigned long tries, best;   /* results that could not be better */
    unsigned long given, needed; /* values that they allow, and that the best ones would */
};

static struct precision precisions[SPEC_ALU_COUNT][2][2]; /* op, words, outcome of a comparison */

static unsigned count_of(const struct scalar *s)
{
    unsigned n = 0;

    for (unsigned v = 0; v < VALUES; v++)
        n += holds(s, v);
    return n;
}

/* The tightest that can be known of a set. */
static struct scalar describe(const bool in[VALUES])
{
    struct scalar s = scalar_unknown();
    bool first = true;

    for (unsigned v = 0; v < VALUES; v++) {
        const struct scalar c = scalar_const((small_word)v);

        if (!in[v])
            continue;
        if (first) {
            s = c;
            first = false;
            continue;
        }
        s.bits = tnum_union(s.bits, c.bits);
        s.umin = s.umin < c.umin ? s.umin : c.umin;
        s.umax = s.umax > c.umax ? s.umax : c.umax;
        s.smin = s.smin < c.smin ? s.smin : c.smin;
        s.smax = s.smax > c.smax ? s.smax : c.smax;
        s.umin32 = s.umin32 < c.umin32 ? s.umin32 : c.umin32;
        s.umax32 = s.umax32 > c.umax32 ? s.umax32 : c.umax32;
        s.smin32 = s.smin32 < c.smin32 ? s.smin32 : c.smin32;
        s.smax32 = s.smax32 > c.smax32 ? s.smax32 : c.smax32;
    }
    return s;
}

static void rate(struct precision *p, const struct scalar *given, const bool in[VALUES])
{
    const struct scalar best = describe(in);
    const unsigned needed = count_of(&best), got = count_of(given);

    p->tries++;
    p->best += got == needed;
    p->given += got;
    p->needed += needed;
}

static void print_precision(void)
{
    for (unsigned op = 1; op < SPEC_ALU_COUNT; op++)
        for (unsigned w = 0; w < 2; w++)
            for (unsigned outcome = 0; outcome < 2; outcome++) {
                const struct precision *p = &precisions[op][w][outcome];

                if (p->tries)
                    printf("  %-6s %u bits%s: %3lu %% are the best possible, %.2f times the values "
                           "that must be\n",
                           spec_alu_table[op].name, w ? WORD_BITS : HALF_BITS,
                           op < COMPARES_FROM ? ""
                           : outcome          ? ", so"
                                              : ", not",
                           p->best * 100 / p->tries, (double)p->given / (double)p->needed);
            }
}

/* ---- operations ---- */

/* An operation as the instruction that does it. */
static struct scalar alu(unsigned op, bool words, const struct scalar *a, const struct scalar *b)
{
    struct ebpf_insn i = insn((words ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU) | EBPF_SRC_X, 0, 1, 0, 0);
    struct scalar s = *a;

    switch (op) {
    case SPEC_ALU_SEXT8:
    case SPEC_ALU_SEXT16:
    case SPEC_ALU_SEXT32:
        scalar_sign_extend(&s, 1u << (op - SPEC_ALU_SEXT8), words ? WORD_BITS : HALF_BITS);
        break;
    case SPEC_ALU_MOV:
        s = *b;
        break;
    case SPEC_ALU_BSWAP16:
    case SPEC_ALU_BSWAP32:
    case SPEC_ALU_BSWAP64:
        i = insn(EBPF_CLASS_ALU64 | EBPF_ALU_END, 0, 0, 0, 16 << (op - SPEC_ALU_BSWAP16));
        return scalar_alu(&i, a, a);
    default:
        for (unsigned r = 0; r < EBPF_ALU_ROWS; r++)
            if (ebpf_alu_table[r].alu == op) {
                i.opcode = (unsigned char)(i.opcode | ebpf_alu_table[r].code);
                i.off = ebpf_alu_table[r].off;
            }
        return scalar_alu(&i, a, b);
    }
    if (!words)
        scalar_zero_extend32(&s);
    scalar_sync(&s);
    return s;
}

static bool has(unsigned op, bool words)
{
    if (op <= SPEC_ALU_NONE || op >= COMPARES_FROM)
        return false;
    if (WORD_BITS < 8 && op >= SPEC_ALU_SEXT8 && op <= SPEC_ALU_SEXT32)
        return false;
    if (op >= SPEC_ALU_BSWAP16 && op <= SPEC_ALU_BSWAP64)
        return words && WORD_BITS >= 8;
    return words || op != SPEC_ALU_SEXT32;
}

static void check_alu(unsigned op, bool words, const struct element *a, const struct element *b,
                      bool rated)
{
    const struct scalar r = alu(op, words, &a->s, &b->s);
    bool in[VALUES] = {false};

    for (unsigned i = 0; i < a->count; i++)
        for (unsigned k = 0; k < b->count; k++)
            in[results[op][words][a->x[i]][b->x[k]]] = true;
    for (unsigned v = 0; v < VALUES; v++)
        if (in[v] && !holds(&r, v)) {
            print_scalar("a", &a->s);
            print_scalar("b", &b->s);
            print_scalar("result", &r);
            fail_msg("%s of %u bits: %u is a result", spec_alu_table[op].name,
                     words ? WORD_BITS : HALF_BITS, v);
        }
    if (rated)
        rate(&precisions[op][words][0], &r, in);
}

/* ---- comparisons ---- */

static unsigned char code_of(unsigned op)
{
    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++)
        if (ebpf_jmp_table[r].alu == op)
            return ebpf_jmp_table[r].code;
    return 0;
}

static void fail_compare(unsigned op, bool words, bool outcome, const struct element *a,
                         const struct element *b, const struct scalar *ra, const struct scalar *rb,
                         unsigned x, unsigned y)
{
    print_scalar("a", &a->s);
    print_scalar("b", &b->s);
    print_scalar("a then", ra);
    print_scalar("b then", rb);
    fail_msg("%s of %u bits is %d for %u, %u, which was taken for impossible",
             spec_alu_table[op].name, words ? WORD_BITS : HALF_BITS, outcome, x, y);
}

static void check_compare(unsigned op, bool words, bool outcome, const struct element *a,
                          const struct element *b, bool rated)
{
    const int known = scalar_branch(code_of(op), !words, &a->s, &b->s);
    struct scalar ra = a->s, rb = b->s;
    bool left[VALUES] = {false};
    bool any = false;

    if (known < 0)
        scalar_refine(code_of(op), !words, outcome, &ra, &rb);
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned k = 0; k < b->count; k++) {
            if (results[op][words][a->x[i]][b->x[k]] != outcome)
                continue;
            any = left[a->x[i]] = true;
            if ((known >= 0 && known != outcome) || !holds(&ra, a->x[i]) || !holds(&rb, b->x[k]))
                fail_compare(op, words, outcome, a, b, &ra, &rb, a->x[i], b->x[k]);
        }
    if (rated && any)
        rate(&precisions[op][words][outcome], &ra, left);
}

/* ---- tests ---- */

static unsigned long pairs_wanted(unsigned long all)
{
    const char *text = getenv("SMALL_PAIRS");
    const unsigned long n = text      ? strtoul(text, NULL, 0)
                            : quick() ? (WORD_BITS == 4 ? 40000 : 6000)
                                      : 300000;

    return n && n < all ? n : all;
}

static void check_pair(const struct element *a, const struct element *b, bool rated)
{
    for (unsigned op = 1; op < SPEC_ALU_COUNT; op++)
        for (int words = 0; words < 2; words++) {
            if (has(op, words) && spec_alu_table[op].arity == 2)
                check_alu(op, words, a, b, rated);
            if (op < COMPARES_FROM)
                continue;
            check_compare(op, words, true, a, b, rated);
            check_compare(op, words, false, a, b, rated);
        }
}

static void test_verify_small_pairs_hold_all_results(void **state)
{
    const unsigned long all = (unsigned long)element_count * element_count;
    const unsigned long wanted = pairs_wanted(all);
    const unsigned long step = wanted == all ? 1 : all / wanted | 1;
    unsigned long n = 0;

    (void)state;
    for (unsigned long i = 0; i < all; i += step, n++)
        check_pair(&elements[i / element_count], &elements[i % element_count], n % 16 == 0);
    printf("%u bits: %lu of %lu pairs of %u\n", WORD_BITS, n, all, element_count);
    print_precision();
}

static void test_verify_small_single_operands_hold_all_results(void **state)
{
    (void)state;
    for (unsigned i = 0; i < element_count; i += quick() ? 7 : 1)
        for (unsigned op = 1; op < SPEC_ALU_COUNT; op++)
            for (int words = 0; words < 2; words++)
                if (has(op, words) && spec_alu_table[op].arity == 1)
                    check_alu(op, words, &elements[i], &elements[i], false);
}

static void test_verify_small_constants_beside_all_hold_all_results(void **state)
{
    const unsigned step = quick() ? (WORD_BITS == 4 ? 11 : 397) : WORD_BITS == 8 ? 11 : 1;

    (void)state;
    for (unsigned i = 0; i < element_count; i += step)
        for (unsigned v = 0; v < VALUES; v += WORD_BITS == 8 ? 5 : 1) {
            const struct element c = {scalar_const((small_word)v), 1, {(unsigned char)v}};
            struct scalar sum = elements[i].s;

            check_pair(&elements[i], &c, false);
            check_pair(&c, &elements[i], false);
            scalar_add_const(&sum, (small_sword)v);
            scalar_sync(&sum);
            for (unsigned k = 0; k < elements[i].count; k++)
                assert_true(holds(&sum, (elements[i].x[k] + v) % VALUES));
        }
}

static void test_verify_small_narrow_loads_hold_all_results(void **state)
{
    (void)state;
    for (unsigned i = 0; i < element_count; i++)
        for (unsigned bytes = 1; bytes * BYTE_BITS < WORD_BITS; bytes *= 2) {
            struct scalar s = elements[i].s;

            scalar_truncate(&s, bytes);
            for (unsigned k = 0; k < elements[i].count; k++)
                assert_true(holds(&s, elements[i].x[k] & ((1u << bytes * BYTE_BITS) - 1)));
        }
}

static void test_verify_small_includes_says_subset(void **state)
{
    const unsigned step = quick() ? 83 : 7;

    (void)state;
    for (unsigned i = 0; i < element_count; i += step)
        for (unsigned k = i % 3; k < element_count; k += step) {
            bool subset = true;

            if (!scalar_includes(&elements[i].s, &elements[k].s))
                continue;
            for (unsigned v = 0; v < elements[k].count; v++)
                subset = subset && holds(&elements[i].s, elements[k].x[v]);
            assert_true(subset);
        }
}

static int setup(void **state)
{
    (void)state;
    make_results();
    make_elements();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_small_single_operands_hold_all_results),
        cmocka_unit_test(test_verify_small_narrow_loads_hold_all_results),
        cmocka_unit_test(test_verify_small_includes_says_subset),
        cmocka_unit_test(test_verify_small_constants_beside_all_hold_all_results),
        cmocka_unit_test(test_verify_small_pairs_hold_all_results),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
