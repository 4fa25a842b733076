/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/rules.h"

#include <errno.h>
#include <string.h>

/* The table of rewrite rules; rules.h has the language. The first that fits is taken, so the order
 * counts. In conditions c, d and e are cut to the root's width; m->c and so on are as they stand.
 */

/* --- what conditions and constants are made of ---------------------------------------------- */

static uint64_t all(const struct opt_match *m)
{
    return opt_ones(m->width);
}

static uint64_t half(const struct opt_match *m)
{
    return opt_ones(m->half_bits);
}

/* So many bytes, all bits set. */
static uint64_t bytes(const struct opt_match *m, unsigned n)
{
    return opt_ones(m->word_bits / 8 * n);
}

/* A value of the root's width with its sign, in a word. */
static uint64_t extend(const struct opt_match *m, uint64_t v)
{
    v &= all(m);
    return v >> (m->width - 1) ? v | ~all(m) : v;
}

static bool is_negative(const struct opt_match *m, uint64_t v)
{
    return v >> (m->word_bits - 1) & 1;
}

static uint64_t minus(const struct opt_match *m, uint64_t v)
{
    return (0 - v) & opt_ones(m->word_bits);
}

static bool is_power(uint64_t v)
{
    return v && (v & (v - 1)) == 0;
}

static uint64_t exponent(uint64_t v)
{
    return v ? (uint64_t)__builtin_ctzll(v) : 0;
}

/* No bit above a zero. */
static bool is_mask(uint64_t v)
{
    return (v & (v + 1)) == 0;
}

/* The ones at the low end. */
static uint64_t low_ones(uint64_t v)
{
    return v & ~(v + 1);
}

static unsigned amount(const struct opt_match *m, uint64_t v)
{
    return (unsigned)(v & (m->width - 1));
}

static bool fits(struct opt_range r, uint64_t most)
{
    return r.max <= most;
}

static bool both_fit(const struct opt_match *m, uint64_t most)
{
    return fits(m->x, most) && fits(m->y, most);
}

static bool is_equality(const struct opt_match *m)
{
    return m->alu == SPEC_ALU_EQ || m->alu == SPEC_ALU_NE;
}

static bool is_signed(const struct opt_match *m)
{
    return m->alu >= SPEC_ALU_SGT && m->alu <= SPEC_ALU_SLE;
}

/* A value in these bounds plus v does not wrap; v may be negative. */
static bool is_plain(const struct opt_match *m, struct opt_range r, uint64_t v)
{
    return is_negative(m, v) ? r.min >= minus(m, v) : r.max <= opt_ones(m->word_bits) - v;
}

/* Neither does to - v, or the bounds decide the compare. */
static bool difference_is_plain(const struct opt_match *m, uint64_t to, uint64_t v)
{
    const uint64_t difference = (to - v) & opt_ones(m->word_bits);

    return is_negative(m, v) ? difference >= to : to >= v;
}

/* The compare for either side of a select: 1, 0, or -1. */
static int decided(const struct opt_match *m, struct opt_range side)
{
    return opt_decide(m->alu, m->width, side, m->b);
}

static bool sides_differ(const struct opt_match *m, int yes)
{
    return decided(m, m->x) == yes && decided(m, m->y) == !yes;
}

/* --- the table -------------------------------------------------------------------------------- */

/* clang-format off */
/* R(name, from, to, when, k) */
#define RULES(R)                                                                                                       \
    /* only the low bits count */                                                                                      \
    R(low_mov,      "low (mov:32 x)",     "low x", m->width <= m->half_bits, 0)                                        \
    R(low_sext32,   "low (sext32:64 x)",  "low x", m->width <= m->half_bits, 0)                                        \
    R(low_sext16,   "low (sext16:* x)",   "low x", m->width <= m->word_bits / 4, 0)                                    \
    R(low_sext8,    "low (sext8:* x)",    "low x", m->width <= m->word_bits / 8, 0)                                    \
    R(low_and,      "low (and:* x c)",    "low x", c == all(m) && m->width <= m->inner_width, 0)                       \
    /* only the truth counts */                                                                                        \
    R(test_ne,      "test (ne:* x c)",    "test x", c == 0 && (m->inner_width == m->word_bits || fits(m->x, half(m))), 0) \
    R(test_eq,      "test (eq:* x c)",    "not x",  c == 0 && (m->inner_width == m->word_bits || fits(m->x, half(m))), 0) \
    /* select */                                                                                                       \
    R(select_same,  "select z x x",       "x", true, 0)                                                                \
    R(select_yes,   "select z x y",       "x", m->z.min > 0, 0)                                                        \
    R(select_no,    "select z x y",       "y", m->z.max == 0, 0)                                                       \
    R(select_bool,  "select z c d",       "z", c == 1 && d == 0 && fits(m->z, 1), 0)                                   \
    R(select_truth, "select z c d",       "ne:64 z 0", c == 1 && d == 0, 0)                                            \
    R(select_lie,   "select z c d",       "eq:64 z 0", c == 0 && d == 1, 0)                                            \
    /* one operand */                                                                                                  \
    R(mov_whole,    "mov:64 x",           "x", true, 0)                                                                \
    R(mov_short,    "mov:32 x",           "x", fits(m->x, half(m)), 0)                                                 \
    R(sext8_short,  "sext8 x",            "x", fits(m->x, bytes(m, 1) >> 1), 0)                                        \
    R(sext16_short, "sext16 x",           "x", fits(m->x, bytes(m, 2) >> 1), 0)                                        \
    R(sext32_short, "sext32 x",           "x", fits(m->x, bytes(m, 4) >> 1), 0)                                        \
    R(swap16_twice, "bswap16 (bswap16 x)", "and:64 x k", true, bytes(m, 2))                                            \
    R(swap32_twice, "bswap32 (bswap32 x)", "and:64 x k", true, bytes(m, 4))                                            \
    R(swap64_twice, "bswap64 (bswap64 x)", "x", true, 0)                                                               \
    /* the same operand twice */                                                                                       \
    R(sub_same,     "sub x x",            "0", true, 0)                                                                \
    R(xor_same,     "xor x x",            "0", true, 0)                                                                \
    R(and_same,     "and x x",            "mov x", true, 0)                                                            \
    R(or_same,      "or x x",             "mov x", true, 0)                                                            \
    /* a constant; sums of one are negative in 64 bits also at width 32: bounds know this form */                      \
    R(sub_const,    "sub x c",            "add x k", true, 0 - extend(m, c))                                           \
    R(add_zero,     "add x c",            "mov x", c == 0, 0)                                                          \
    R(xor_zero,     "xor x c",            "mov x", c == 0, 0)                                                          \
    R(or_zero,      "or x c",             "mov x", c == 0, 0)                                                          \
    R(or_all,       "or x c",             "k", c == all(m), all(m))                                                    \
    R(and_zero,     "and x c",            "0", c == 0, 0)                                                              \
    R(and_covers,   "and x c",            "mov x", is_mask(c) && (fits(m->x, c) || (m->width == m->half_bits && c == half(m))), 0) \
    R(shl_zero,     "shl x c",            "mov x", amount(m, c) == 0, 0)                                               \
    R(lshr_zero,    "lshr x c",           "mov x", amount(m, c) == 0, 0)                                               \
    R(ashr_zero,    "ashr x c",           "mov x", amount(m, c) == 0, 0)                                               \
    R(mul_zero,     "mul x c",            "0", c == 0, 0)                                                              \
    R(mul_one,      "mul x c",            "mov x", c == 1, 0)                                                          \
    R(mul_power,    "mul x c",            "shl x k", is_power(c), exponent(c))                                         \
    R(udiv_zero,    "udiv x c",           "0", c == 0, 0)                                                              \
    R(udiv_one,     "udiv x c",           "mov x", c == 1, 0)                                                          \
    R(udiv_power,   "udiv x c",           "lshr x k", is_power(c), exponent(c))                                        \
    R(umod_zero,    "umod x c",           "mov x", c == 0, 0)                                                          \
    R(umod_one,     "umod x c",           "0", c == 1, 0)                                                              \
    R(umod_power,   "umod x c",           "and x k", is_power(c), c - 1)                                               \
    /* two constants */                                                                                                \
    R(add_add,      "add (add x c) d",    "add x k", true, extend(m, c + d))                                           \
    R(and_and,      "and (and x c) d",    "and x k", true, m->c & m->d)                                                \
    R(or_or,        "or (or x c) d",      "or x k", true, m->c | m->d)                                                 \
    R(xor_xor,      "xor (xor x c) d",    "xor x k", true, m->c ^ m->d)                                                \
    R(shl_shl,      "shl (shl x c) d",    "shl x k", amount(m, c) + amount(m, d) < m->width, amount(m, c) + amount(m, d)) \
    R(lshr_lshr,    "lshr (lshr x c) d",  "lshr x k", amount(m, c) + amount(m, d) < m->width, amount(m, c) + amount(m, d)) \
    /* shifts there and back are masks; a mask may cover all that a shift leaves */                                    \
    R(lshr_shl,     "lshr:64 (shl:64 x c) d", "and:64 x k", amount(m, c) == amount(m, d), all(m) >> amount(m, c))      \
    R(shl_lshr,     "shl:64 (lshr:64 x c) d", "and:64 x k", amount(m, c) == amount(m, d), all(m) << amount(m, c))      \
    R(shl_window,   "shl:64 (and:64 (lshr:64 x c) d) e", "and:64 x k", c == e && e < m->width, d << amount(m, e))      \
    R(shl_covered,  "and:64 (shl:64 x c) d", "a", is_mask(d | opt_ones(amount(m, c))) && fits(m->a, d | opt_ones(amount(m, c))), 0) \
    /* as stack bytes that are taken apart and put together again leave it */                                          \
    R(reunion,      "or:64 (and:64 x c) (and:64 x d)", "x", (c | d) == all(m) || fits(m->x, low_ones(c | d)), 0)       \
    R(union,        "or:64 (and:64 x c) (and:64 x d)", "and:64 x k", true, c | d)                                      \
    /* 32-bit arithmetic that can't be told from 64-bit arithmetic: fewer forms to compare */                          \
    R(wide_add,     "add:32 x y",         "add:64 x y", both_fit(m, half(m)) && m->x.max + m->y.max <= half(m), 0)     \
    R(wide_minus,   "add:32 x y",         "add:64 x y", fits(m->x, half(m)) && m->y.min == m->y.max && is_negative(m, m->y.min) && m->x.min >= minus(m, m->y.min), 0) \
    R(wide_sub,     "sub:32 x y",         "sub:64 x y", fits(m->x, half(m)) && m->x.min >= m->y.max, 0)                \
    R(wide_and,     "and:32 x y",         "and:64 x y", fits(m->x, half(m)), 0)                                        \
    R(wide_or,      "or:32 x y",          "or:64 x y", both_fit(m, half(m)), 0)                                        \
    R(wide_xor,     "xor:32 x y",         "xor:64 x y", both_fit(m, half(m)), 0)                                       \
    R(wide_udiv,    "udiv:32 x y",        "udiv:64 x y", both_fit(m, half(m)), 0)                                      \
    R(wide_umod,    "umod:32 x y",        "umod:64 x y", both_fit(m, half(m)), 0)                                      \
    R(wide_mul,     "mul:32 x y",         "mul:64 x y", both_fit(m, half(m)) && m->x.max * m->y.max <= half(m), 0)     \
    R(wide_shl,     "shl:32 x y",         "shl:64 x y", fits(m->x, half(m)) && m->y.min == m->y.max && m->y.max < m->half_bits && m->x.max << m->y.max <= half(m), 0) \
    R(wide_lshr,    "lshr:32 x y",        "lshr:64 x y", fits(m->x, half(m)) && m->y.max < m->half_bits, 0)            \
    /* compares */                                                                                                     \
    R(cmp_same,     "cmp x x",            "k", m->alu != SPEC_ALU_SET, m->eval(m, m->alu, m->width, 0, 0))             \
    R(cmp_positive, "signed x y",         "unsigned x y", both_fit(m, all(m) >> 1), 0)                                 \
    R(cmp_wide,     "cmp:32 x y",         "same:64 x y", both_fit(m, half(m)) && !is_signed(m), 0)                     \
    R(cmp_select,   "cmp (select z x y) w", "k", decided(m, m->x) >= 0 && decided(m, m->x) == decided(m, m->y), (uint64_t)decided(m, m->x)) \
    R(cmp_is_truth, "cmp (select z x y) w", "z", sides_differ(m, 1) && fits(m->z, 1), 0)                               \
    R(cmp_truth,    "cmp (select z x y) w", "ne:64 z 0", sides_differ(m, 1), 0)                                        \
    R(cmp_lie,      "cmp (select z x y) w", "eq:64 z 0", sides_differ(m, 0), 0)                                        \
    R(cmp_sums,     "ucmp:64 (add:64 x c) (add:64 y d)", "same:64 x y", c == d && is_plain(m, m->x, c) && is_plain(m, m->y, c), 0) \
    R(eq_one,       "eq x c",             "x", c == 1 && fits(m->x, 1), 0)                                             \
    R(ne_zero,      "ne x c",             "x", c == 0 && fits(m->x, 1), 0)                                             \
    R(eq_lie,       "eq (cmp:* x y) c",   "inverse:* x y", c == 0 && m->inner != SPEC_ALU_SET, 0)                      \
    R(ne_lie,       "ne (cmp:* x y) c",   "inverse:* x y", c == 1 && m->inner != SPEC_ALU_SET, 0)                      \
    R(ne_one,       "ne x c",             "eq:64 x 0", c == 1 && fits(m->x, 1), 0)                                     \
    R(cmp_sum,      "ucmp:64 (add:64 x c) d", "same:64 x k", is_plain(m, m->x, c) && (is_equality(m) || difference_is_plain(m, d, c)), d - c) \
    R(cmp_swap16,   "equality (bswap16:64 x) c", "same:64 x k", fits(m->x, bytes(m, 2)) && c <= bytes(m, 2), m->eval(m, SPEC_ALU_BSWAP16, m->word_bits, c, 0)) \
    R(cmp_swap32,   "equality (bswap32:64 x) c", "same:64 x k", fits(m->x, bytes(m, 4)) && c <= bytes(m, 4), m->eval(m, SPEC_ALU_BSWAP32, m->word_bits, c, 0)) \
    R(cmp_swap64,   "equality:64 (bswap64:64 x) c", "same:64 x k", true, m->eval(m, SPEC_ALU_BSWAP64, m->word_bits, c, 0)) \
    R(uge_const,    "uge x c",            "ugt x k", c > 0, c - 1)                                                     \
    R(ule_const,    "ule x c",            "ult x k", c < all(m), c + 1)                                                \
    R(ugt_least,    "ugt x c",            "ne x k", fits(m->x, all(m)) && m->x.min == c, c)                            \
    R(ugt_most,     "ugt x c",            "eq x k", fits(m->x, all(m)) && c < all(m) && c + 1 == m->x.max, c + 1)      \
    R(ult_most,     "ult x c",            "ne x k", fits(m->x, all(m)) && m->x.max == c, c)                            \
    R(ult_least,    "ult x c",            "eq x k", fits(m->x, all(m)) && c > 0 && c - 1 == m->x.min, c - 1)

#define FUNCTIONS(name, from, to, condition, k)                                                                        \
    static bool when_##name(const struct opt_match *m)                                                                 \
    {                                                                                                                  \
        const uint64_t c = m->c & all(m);                                                                              \
        const uint64_t d = m->d & all(m);                                                                              \
        const uint64_t e = m->e & all(m);                                                                              \
        (void)c;                                                                                                       \
        (void)d;                                                                                                       \
        (void)e;                                                                                                       \
        return condition;                                                                                              \
    }                                                                                                                  \
    static uint64_t constant_##name(const struct opt_match *m)                                                         \
    {                                                                                                                  \
        const uint64_t c = m->c & all(m);                                                                              \
        const uint64_t d = m->d & all(m);                                                                              \
        const uint64_t e = m->e & all(m);                                                                              \
        (void)c;                                                                                                       \
        (void)d;                                                                                                       \
        (void)e;                                                                                                       \
        return k;                                                                                                      \
    }
#define ROW(name, from, to, condition, k) {#name, from, to, #condition, #k, when_##name, constant_##name},
/* clang-format on */

RULES(FUNCTIONS)

const struct opt_rule opt_rules[] = {RULES(ROW)};
const uint32_t opt_rule_count = sizeof(opt_rules) / sizeof(*opt_rules);

/* --- reading them ----------------------------------------------------------------------------- */

static const struct {
    const char *text;
    struct opt_term term;
} words[] = {
    {"cmp", {OPT_TERM_COMPARE, 0, SPEC_ALU_EQ, SPEC_ALU_SET, 2, 0}},
    {"equality", {OPT_TERM_COMPARE, 0, SPEC_ALU_EQ, SPEC_ALU_NE, 2, 0}},
    {"ucmp", {OPT_TERM_COMPARE, 0, SPEC_ALU_EQ, SPEC_ALU_ULE, 2, 0}},
    {"signed", {OPT_TERM_COMPARE, 0, SPEC_ALU_SGT, SPEC_ALU_SLE, 2, 0}},
    {"same", {OPT_TERM_SAME, 0, 0, 0, 2, 0}},
    {"inverse", {OPT_TERM_INVERSE, 0, 0, 0, 2, 0}},
    {"unsigned", {OPT_TERM_UNSIGNED, 0, 0, 0, 2, 0}},
    {"select", {OPT_TERM_SELECT, 0, 0, 0, 3, 0}},
    {"test", {OPT_TERM_TEST, 0, 0, 0, 1, 0}},
    {"not", {OPT_TERM_NOT, 0, 0, 0, 1, 0}},
    {"low", {OPT_TERM_LOW, 0, 0, 0, 1, 0}},
    {"x", {OPT_TERM_VALUE, 0, 0, 0, 0, 'x'}},
    {"y", {OPT_TERM_VALUE, 0, 0, 0, 0, 'y'}},
    {"z", {OPT_TERM_VALUE, 0, 0, 0, 0, 'z'}},
    {"w", {OPT_TERM_VALUE, 0, 0, 0, 0, 'w'}},
    {"c", {OPT_TERM_CONST, 0, 0, 0, 0, 'c'}},
    {"d", {OPT_TERM_CONST, 0, 0, 0, 0, 'd'}},
    {"e", {OPT_TERM_CONST, 0, 0, 0, 0, 'e'}},
    {"k", {OPT_TERM_MADE, 0, 0, 0, 0, 0}},
    {"0", {OPT_TERM_ZERO, 0, 0, 0, 0, 0}},
    {"a", {OPT_TERM_FIRST, 0, 0, 0, 0, 0}},
};

static bool is_word(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && memcmp(word, text, length) == 0;
}

static bool find_word(const char *text, size_t length, struct opt_term *term)
{
    for (uint32_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (words[i].text[0] == text[0] && is_word(words[i].text, text, length)) {
            *term = words[i].term;
            return true;
        }
    }
    for (uint32_t alu = 1; alu < SPEC_ALU_COUNT; alu++) {
        const struct spec_alu_row *row = &spec_alu_table[alu];

        if (row->name[0] == text[0] && is_word(row->name, text, length)) {
            *term = (struct opt_term){OPT_TERM_ALU, 0, (uint8_t)alu, (uint8_t)alu, row->arity, 0};
            return true;
        }
    }
    return false;
}

static bool find_width(const char *text, size_t length, uint8_t *width)
{
    if (length == 2 && memcmp(text, "64", 2) == 0)
        *width = OPT_WIDTH_WORD;
    else if (length == 2 && memcmp(text, "32", 2) == 0)
        *width = OPT_WIDTH_HALF;
    else if (length == 1 && *text == '*')
        *width = OPT_WIDTH_ANY;
    else
        return false;
    return true;
}

int opt_terms_parse(const char *text, struct opt_term terms[OPT_TERMS], uint32_t *count)
{
    uint32_t n = 0;
    uint32_t wanted = 1; /* operands that are still to come */

    for (text += strspn(text, " ()"); *text; text += strspn(text, " ()")) {
        const size_t word = strcspn(text, " ():");
        struct opt_term *t = &terms[n];

        if (n == OPT_TERMS || wanted == 0 || !find_word(text, word, t))
            return -EINVAL;
        text += word;
        if (*text == ':') {
            const size_t digits = strcspn(text, " ()") - 1;

            if (!find_width(text + 1, digits, &t->width))
                return -EINVAL;
            text += 1 + digits;
        }
        wanted += t->operands - 1u;
        n++;
    }
    if (wanted)
        return -EINVAL;
    *count = n;
    return 0;
}
