/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/scalar.h"
#include "tests/common/insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What the verifier knows of numbers is true: for sets of numbers, the tightest description of each
 * set (and looser ones) goes through each operation, and every result of every pair of members must
 * lie in what comes out. */

enum { SET_MAX = 16 };

struct set {
    uint32_t count;
    uint64_t x[SET_MAX];
};

/* Around these numbers the parts of a description meet their borders. */
static const uint64_t bases[] = {
    0,
    7,
    64,
    0x7f,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x17fffffff),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0xffffffff00000000),
    UINT64_C(0xffffffff7fffffff),
    UINT64_C(0xffffffff80000000),
    UINT64_MAX,
};
enum { BASES = sizeof(bases) / sizeof(bases[0]) };

static const unsigned widths[] = {32, 64};

/* An operation as the instruction that does it. */
static struct scalar alu(unsigned op, unsigned width, const struct scalar *a,
                         const struct scalar *b)
{
    const int class = width == 64 ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;
    struct ebpf_insn i = insn(class | EBPF_SRC_X, 0, 1, 0, 0);
    struct scalar s = *a;

    switch (op) {
    case SPEC_ALU_SEXT8:
    case SPEC_ALU_SEXT16:
    case SPEC_ALU_SEXT32:
        scalar_sign_extend(&s, 1u << (op - SPEC_ALU_SEXT8), width);
        break;
    case SPEC_ALU_MOV:
        break;
    case SPEC_ALU_BSWAP16:
    case SPEC_ALU_BSWAP32:
    case SPEC_ALU_BSWAP64:
        i = insn(EBPF_CLASS_ALU64 | EBPF_ALU_END, 0, 0, 0, 16 << (op - SPEC_ALU_BSWAP16));
        return scalar_alu(&i, a, a);
    default:
        for (unsigned r = 0; r < EBPF_ALU_ROWS; r++)
            if (ebpf_alu_table[r].alu == op) {
                i.opcode = (uint8_t)(i.opcode | ebpf_alu_table[r].code);
                i.off = ebpf_alu_table[r].off;
            }
        return scalar_alu(&i, a, b);
    }
    if (width == 32)
        scalar_zero_extend32(&s);
    scalar_sync(&s);
    return s;
}

/* A comparison as the jump that makes it; false if it can't come out so. */
static bool refine(unsigned op, unsigned width, bool outcome, struct scalar *a, struct scalar *b)
{
    uint8_t code = 0;
    int known;

    for (unsigned r = 0; r < EBPF_JMP_ROWS; r++)
        if (ebpf_jmp_table[r].alu == op)
            code = ebpf_jmp_table[r].code;
    known = scalar_branch(code, width == 32, a, b);
    if (known < 0)
        scalar_refine(code, width == 32, outcome, a, b);
    return known < 0 || known == outcome;
}

static uint64_t next_random(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static bool holds(const struct scalar *s, uint64_t x)
{
    return !((x ^ s->bits.value) & ~s->bits.mask) && s->umin <= x && x <= s->umax &&
           s->smin <= (int64_t)x && (int64_t)x <= s->smax && s->umin32 <= (uint32_t)x &&
           (uint32_t)x <= s->umax32 && s->smin32 <= (int32_t)x && (int32_t)x <= s->smax32;
}

static void print_scalar(const char *name, const struct scalar *s)
{
    fprintf(stderr, "%s: bits %llx/%llx u %llx..%llx s %lld..%lld u32 %x..%x s32 %d..%d\n", name,
            (unsigned long long)s->bits.value, (unsigned long long)s->bits.mask,
            (unsigned long long)s->umin, (unsigned long long)s->umax, (long long)s->smin,
            (long long)s->smax, s->umin32, s->umax32, s->smin32, s->smax32);
}

/* The tightest description of a set. */
static struct scalar describe(const struct set *set)
{
    struct scalar s = scalar_const(set->x[0]);

    for (uint32_t i = 1; i < set->count; i++) {
        const uint64_t x = set->x[i];

        s.bits.mask |= s.bits.value ^ x;
        s.bits.value &= ~s.bits.mask;
        s.umin = x < s.umin ? x : s.umin;
        s.umax = x > s.umax ? x : s.umax;
        s.smin = (int64_t)x < s.smin ? (int64_t)x : s.smin;
        s.smax = (int64_t)x > s.smax ? (int64_t)x : s.smax;
        s.umin32 = (uint32_t)x < s.umin32 ? (uint32_t)x : s.umin32;
        s.umax32 = (uint32_t)x > s.umax32 ? (uint32_t)x : s.umax32;
        s.smin32 = (int32_t)x < s.smin32 ? (int32_t)x : s.smin32;
        s.smax32 = (int32_t)x > s.smax32 ? (int32_t)x : s.smax32;
    }
    return s;
}

/* Forgets the parts that choice names, and lets the others sharpen them again. */
static struct scalar loosen(struct scalar s, uint64_t choice)
{
    const struct scalar u = scalar_unknown();

    if (choice & 1)
        s.bits = u.bits;
    if (choice & 2)
        s.umin = u.umin, s.umax = u.umax;
    if (choice & 4)
        s.smin = u.smin, s.smax = u.smax;
    if (choice & 8)
        s.umin32 = u.umin32, s.umax32 = u.umax32;
    if (choice & 16)
        s.smin32 = u.smin32, s.smax32 = u.smax32;
    if (choice & 32)
        scalar_sync(&s);
    return s;
}

static struct set random_set(uint64_t *seed)
{
    struct set s = {.count = 1 + (uint32_t)(next_random(seed) % 6)};
    const uint64_t base = bases[next_random(seed) % BASES];
    const uint64_t kind = next_random(seed) % 4;
    const uint64_t free = next_random(seed) & next_random(seed) & next_random(seed);

    for (uint32_t i = 0; i < s.count; i++) {
        const uint64_t r = next_random(seed);

        s.x[i] = kind == 0   ? base + r % 9 - 4             /* a small range */
                 : kind == 1 ? base ^ (r & free)            /* some bits */
                 : kind == 2 ? bases[r % BASES] + r % 3 - 1 /* borders */
                             : r >> (r % 64);               /* any size */
    }
    return s;
}

/* All numbers from base + low to base + high. */
static struct set small_range(uint64_t base, int low, int high)
{
    struct set s = {.count = 0};

    for (int i = low; i <= high; i++)
        s.x[s.count++] = base + (uint64_t)(int64_t)i;
    return s;
}

/* All numbers that differ from base in bits of a mask of 3 bits at most, at a place. */
static struct set some_bits(uint64_t base, unsigned mask, unsigned shift)
{
    struct set s = {.count = 0};

    for (unsigned i = 0; i < 8; i++)
        if (!(i & ~mask))
            s.x[s.count++] = base ^ (uint64_t)i << shift;
    return s;
}

static void check_sound(const struct scalar *s, const struct set *set, const char *what)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (!holds(s, set->x[i])) {
            print_scalar(what, s);
            fail_msg("%s lost 0x%llx", what, (unsigned long long)set->x[i]);
        }
}

/* ---- arithmetic ---- */

/* An operation of this width; byte swaps and the extension of 32 bits have one only. */
static bool is_arithmetic(unsigned op, unsigned width)
{
    return op > SPEC_ALU_NONE && op < (width == 32 ? SPEC_ALU_SEXT32 : SPEC_ALU_EQ);
}

static void check_alu(unsigned op, unsigned width, const struct set *a, const struct set *b,
                      const struct scalar *x, const struct scalar *y)
{
    const struct scalar r = alu(op, width, x, y);
    const uint32_t others = spec_alu_table[op].arity == 1 ? 1 : b->count;

    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < others; k++) {
            const uint64_t now = spec_alu_eval((enum spec_alu)op, width, a->x[i], b->x[k]);

            if (holds(&r, now))
                continue;
            print_scalar("a", x);
            print_scalar("b", y);
            print_scalar("result", &r);
            fail_msg("%s of width %u: 0x%llx, 0x%llx give 0x%llx", spec_alu_table[op].name, width,
                     (unsigned long long)a->x[i], (unsigned long long)b->x[k],
                     (unsigned long long)now);
        }
}

static void check_all_alu(const struct set *a, const struct set *b, uint64_t choice)
{
    const struct scalar x = loosen(describe(a), choice), y = loosen(describe(b), choice >> 6);

    for (unsigned op = 0; op < SPEC_ALU_COUNT; op++)
        for (unsigned w = 0; w < 2; w++)
            if (is_arithmetic(op, widths[w]))
                check_alu(op, widths[w], a, b, &x, &y);
}

/* ---- comparisons ---- */

static void check_outcome(unsigned op, unsigned width, bool outcome, const struct set *a,
                          const struct set *b, const struct scalar *x, const struct scalar *y)
{
    struct scalar ra = *x, rb = *y;
    const bool possible = refine(op, width, outcome, &ra, &rb);

    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++) {
            if (spec_alu_eval((enum spec_alu)op, width, a->x[i], b->x[k]) != outcome)
                continue;
            if (possible && holds(&ra, a->x[i]) && holds(&rb, b->x[k]))
                continue;
            print_scalar("a", x);
            print_scalar("b", y);
            print_scalar("a then", &ra);
            print_scalar("b then", &rb);
            fail_msg("%s of width %u is %d for 0x%llx, 0x%llx, which was taken for impossible",
                     spec_alu_table[op].name, width, outcome, (unsigned long long)a->x[i],
                     (unsigned long long)b->x[k]);
        }
}

static void check_all_compares(const struct set *a, const struct set *b, uint64_t choice)
{
    const struct scalar x = loosen(describe(a), choice), y = loosen(describe(b), choice >> 6);

    for (unsigned op = SPEC_ALU_EQ; op < SPEC_ALU_COUNT; op++)
        for (unsigned w = 0; w < 2; w++) {
            check_outcome(op, widths[w], true, a, b, &x, &y);
            check_outcome(op, widths[w], false, a, b, &x, &y);
        }
}

/* ---- tests ---- */

typedef void (*pair_fn)(const struct set *a, const struct set *b, uint64_t choice);

static void each_small_pair(pair_fn fn)
{
    for (unsigned i = 0; i < BASES; i++)
        for (unsigned k = 0; k < BASES; k++)
            for (int low = -2; low <= 1; low++)
                for (int high = low; high <= 2; high++) {
                    const struct set a = small_range(bases[i], low, high);
                    const struct set b = small_range(bases[k], -1, high > 1 ? 1 : high);

                    fn(&a, b.count ? &b : &a, 0);
                    fn(b.count ? &b : &a, &a, 32 | 1 | 32 << 6 | 1 << 6);
                }
    for (unsigned am = 0; am < 8; am++)
        for (unsigned bm = 0; bm < 8; bm++)
            for (unsigned av = 0; av < 8; av++)
                for (unsigned shift = 0; shift < 64; shift += 29) {
                    const struct set a = some_bits((uint64_t)av << shift, am, shift);
                    const struct set b = some_bits((uint64_t)(av ^ 5u) << shift, bm, shift);
                    const struct set n = some_bits(av, bm, 0);

                    fn(&a, &b, 32 | 30 | 32 << 6 | 30 << 6);
                    fn(&a, &n, 0);
                }
}

static void each_random_pair(pair_fn fn, uint64_t seed, uint32_t pairs)
{
    for (uint32_t i = 0; i < pairs; i++) {
        const struct set a = random_set(&seed), b = random_set(&seed);

        fn(&a, &b, next_random(&seed) & next_random(&seed));
    }
}

static void test_verify_scalar_alu_small_sets_holds_all_results(void **state)
{
    (void)state;
    each_small_pair(check_all_alu);
}

static void test_verify_scalar_alu_random_sets_holds_all_results(void **state)
{
    (void)state;
    each_random_pair(check_all_alu, 1, 40000);
}

static void test_verify_scalar_refine_small_sets_drops_no_pair(void **state)
{
    (void)state;
    each_small_pair(check_all_compares);
}

static void test_verify_scalar_refine_random_sets_drops_no_pair(void **state)
{
    (void)state;
    each_random_pair(check_all_compares, 2, 60000);
}

static void test_verify_scalar_sync_any_parts_keeps_members(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        const struct set a = random_set(&seed);
        const struct scalar s = loosen(describe(&a), next_random(&seed) | 32);

        check_sound(&s, &a, "sync");
    }
}

static void test_verify_scalar_includes_subsets_and_nothing_more(void **state)
{
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const struct set a = random_set(&seed);
        const struct scalar s = loosen(describe(&a), next_random(&seed));
        const struct scalar one = scalar_const(next_random(&seed) % 2 ? a.x[0] : a.x[0] + 1);
        struct set part = a;
        struct scalar less;

        part.count = 1 + (uint32_t)(next_random(&seed) % a.count);
        less = describe(&part);
        assert_true(scalar_includes(&s, &less));
        assert_int_equal(scalar_includes(&s, &one), holds(&s, one.umin));
    }
}

/* Constants are computed, and comparisons of constants decided. */
static void test_verify_scalar_constants_stay_exact(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const uint64_t a = random_set(&seed).x[0], b = random_set(&seed).x[0];
        const struct scalar x = scalar_const(a), y = scalar_const(b);

        for (unsigned w = 0; w < 2; w++)
            for (unsigned op = 1; op < SPEC_ALU_COUNT; op++) {
                const uint64_t now = spec_alu_eval((enum spec_alu)op, widths[w], a, b);
                struct scalar p = x, q = y;

                if (op < SPEC_ALU_EQ && !is_arithmetic(op, widths[w]))
                    continue;
                if (op < SPEC_ALU_EQ) {
                    const struct scalar r = alu(op, widths[w], &x, &y);

                    if ((op < SPEC_ALU_UDIV || op > SPEC_ALU_SMOD) &&
                        (op < SPEC_ALU_SHL || op > SPEC_ALU_ASHR || b < widths[w]))
                        assert_true(scalar_is_const(&r) && r.umin == now);
                    assert_true(holds(&r, now));
                    continue;
                }
                assert_true(refine(op, widths[w], now, &p, &q));
                p = x;
                q = y;
                assert_false(refine(op, widths[w], !now, &p, &q));
            }
    }
}

static struct scalar between(uint64_t low, uint64_t high)
{
    struct scalar s = scalar_unknown();

    s.umin = low;
    s.umax = high;
    scalar_sync(&s);
    return s;
}

/* What programs rely on: ranges after the usual operations, exactly. */
static void test_verify_scalar_common_operations_give_exact_ranges(void **state)
{
    const struct scalar byte = between(0, 255), four = scalar_const(4), f = scalar_const(15);
    const struct scalar small = between(3, 10);
    struct scalar r = alu(SPEC_ALU_AND, 64, &byte, &f);

    (void)state;
    assert_true(r.umin == 0 && r.umax == 15 && r.smin == 0 && r.smax == 15);
    r = alu(SPEC_ALU_MUL, 64, &r, &four);
    assert_true(r.umin == 0 && r.umax == 60);
    assert_int_equal((r.bits.value | r.bits.mask) & 3, 0); /* a multiple of 4 */
    r = alu(SPEC_ALU_SHL, 32, &small, &four);
    assert_true(r.umin == 48 && r.umax == 160 && (r.bits.mask & 15) == 0);
    r = alu(SPEC_ALU_ADD, 64, &small, &byte);
    assert_true(r.umin == 3 && r.umax == 265);
    r = alu(SPEC_ALU_SUB, 64, &small, &four);
    assert_true(r.smin == -1 && r.smax == 6);
    r = alu(SPEC_ALU_LSHR, 64, &byte, &four);
    assert_true(r.umin == 0 && r.umax == 15);
    r = alu(SPEC_ALU_BSWAP16, 64, &byte, NULL);
    assert_true(r.umax <= 0xffff);
}

static void test_verify_scalar_refine_bounds_by_constants_exactly(void **state)
{
    static const struct {
        enum spec_alu op;
        bool outcome;
        uint64_t low, high;
    } cases[] = {
        {SPEC_ALU_UGT, true, 101, UINT64_MAX}, {SPEC_ALU_UGT, false, 0, 100},
        {SPEC_ALU_UGE, true, 100, UINT64_MAX}, {SPEC_ALU_UGE, false, 0, 99},
        {SPEC_ALU_ULT, true, 0, 99},           {SPEC_ALU_ULT, false, 100, UINT64_MAX},
        {SPEC_ALU_ULE, true, 0, 100},          {SPEC_ALU_ULE, false, 101, UINT64_MAX},
        {SPEC_ALU_EQ, true, 100, 100},         {SPEC_ALU_NE, false, 100, 100},
        {SPEC_ALU_SGT, true, 101, INT64_MAX},  {SPEC_ALU_SGE, true, 100, INT64_MAX},
        {SPEC_ALU_SLT, false, 100, INT64_MAX}, {SPEC_ALU_SLE, false, 101, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scalar a = scalar_unknown(), b = scalar_const(100);

        assert_true(refine(cases[i].op, 64, cases[i].outcome, &a, &b));
        assert_true(a.umin == cases[i].low && a.umax == cases[i].high);
        a = scalar_unknown(); /* the other way round: the constant's register stays */
        assert_true(refine(cases[i].op, 64, cases[i].outcome, &b, &a));
        assert_true(scalar_is_const(&b));
    }
}

static void test_tnum_next_is_the_least_above(void **state)
{
    enum { BITS = 5, ALL = 1 << BITS };

    (void)state;
    for (uint64_t mask = 0; mask < ALL; mask++)
        for (uint64_t value = 0; value < ALL; value++)
            for (uint64_t above = 0; above < ALL && !(value & mask); above++) {
                uint64_t want = value | mask;

                for (uint64_t v = ALL; v-- > above + 1;)
                    if ((v & ~mask) == value)
                        want = v;
                assert_int_equal(tnum_next((struct tnum){value, mask}, above), want);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tnum_next_is_the_least_above),
        cmocka_unit_test(test_verify_scalar_alu_small_sets_holds_all_results),
        cmocka_unit_test(test_verify_scalar_alu_random_sets_holds_all_results),
        cmocka_unit_test(test_verify_scalar_refine_small_sets_drops_no_pair),
        cmocka_unit_test(test_verify_scalar_refine_random_sets_drops_no_pair),
        cmocka_unit_test(test_verify_scalar_sync_any_parts_keeps_members),
        cmocka_unit_test(test_verify_scalar_includes_subsets_and_nothing_more),
        cmocka_unit_test(test_verify_scalar_constants_stay_exact),
        cmocka_unit_test(test_verify_scalar_common_operations_give_exact_ranges),
        cmocka_unit_test(test_verify_scalar_refine_bounds_by_constants_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
