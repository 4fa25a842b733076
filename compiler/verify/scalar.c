/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/scalar.h"

/* The abstract numbers of the verifier. The parts are those of Linux's (kernel/bpf/tnum.c and the
 * bounds of struct bpf_reg_state), so that both know the same of a program. */

#define U64_MAX_OF(a, b) ((a) > (b) ? (a) : (b))
#define U64_MIN_OF(a, b) ((a) < (b) ? (a) : (b))

struct scalar scalar_const(uint64_t value)
{
    return (struct scalar){.bits = {value, 0},
                           .umin = value,
                           .umax = value,
                           .smin = (int64_t)value,
                           .smax = (int64_t)value,
                           .u32min = (uint32_t)value,
                           .u32max = (uint32_t)value,
                           .s32min = (int32_t)value,
                           .s32max = (int32_t)value};
}

struct scalar scalar_unknown(void)
{
    return (struct scalar){.bits = {0, UINT64_MAX},
                           .umax = UINT64_MAX,
                           .smin = INT64_MIN,
                           .smax = INT64_MAX,
                           .u32max = UINT32_MAX,
                           .s32min = INT32_MIN,
                           .s32max = INT32_MAX};
}

struct scalar scalar_up_to(uint64_t max)
{
    struct scalar s = scalar_unknown();

    s.umax = max;
    scalar_sync(&s);
    return s;
}

/* --- sharpening
 * ------------------------------------------------------------------------------------ */

static void raise_u64(uint64_t *at, uint64_t to)
{
    *at = U64_MAX_OF(*at, to);
}

static void lower_u64(uint64_t *at, uint64_t to)
{
    *at = U64_MIN_OF(*at, to);
}

static void raise_s64(int64_t *at, int64_t to)
{
    *at = U64_MAX_OF(*at, to);
}

static void lower_s64(int64_t *at, int64_t to)
{
    *at = U64_MIN_OF(*at, to);
}

static void raise_u32(uint32_t *at, uint32_t to)
{
    *at = U64_MAX_OF(*at, to);
}

static void lower_u32(uint32_t *at, uint32_t to)
{
    *at = U64_MIN_OF(*at, to);
}

static void raise_s32(int32_t *at, int32_t to)
{
    *at = U64_MAX_OF(*at, to);
}

static void lower_s32(int32_t *at, int32_t to)
{
    *at = U64_MIN_OF(*at, to);
}

static void ranges_from_bits(struct scalar *s)
{
    const uint64_t v = s->bits.value, m = s->bits.mask;
    const uint32_t v32 = (uint32_t)v, m32 = (uint32_t)m;

    raise_u64(&s->umin, v);
    lower_u64(&s->umax, v | m);
    raise_s64(&s->smin, (int64_t)(v | (m & (UINT64_C(1) << 63))));
    lower_s64(&s->smax, (int64_t)(v | (m & ~(UINT64_C(1) << 63))));
    raise_u32(&s->u32min, v32);
    lower_u32(&s->u32max, v32 | m32);
    raise_s32(&s->s32min, (int32_t)(v32 | (m32 & 0x80000000u)));
    lower_s32(&s->s32max, (int32_t)(v32 | (m32 & 0x7fffffffu)));
}

/* Signed and unsigned ranges of one width bound each other where neither crosses its own border. */
static void signs_from_each_other(struct scalar *s)
{
    if ((int64_t)s->umin <= (int64_t)s->umax) {
        raise_s64(&s->smin, (int64_t)s->umin);
        lower_s64(&s->smax, (int64_t)s->umax);
    }
    if (s->smin >= 0 || s->smax < 0) {
        raise_u64(&s->umin, (uint64_t)s->smin);
        lower_u64(&s->umax, (uint64_t)s->smax);
    }
    if ((int32_t)s->u32min <= (int32_t)s->u32max) {
        raise_s32(&s->s32min, (int32_t)s->u32min);
        lower_s32(&s->s32max, (int32_t)s->u32max);
    }
    if (s->s32min >= 0 || s->s32max < 0) {
        raise_u32(&s->u32min, (uint32_t)s->s32min);
        lower_u32(&s->u32max, (uint32_t)s->s32max);
    }
}

/* The lower half from the whole where the upper half is one number, and the other way round. */
static void widths_from_each_other(struct scalar *s)
{
    if (s->umin >> 32 == s->umax >> 32) {
        const uint64_t upper = s->umin & ~UINT64_C(0xffffffff);

        raise_u32(&s->u32min, (uint32_t)s->umin);
        lower_u32(&s->u32max, (uint32_t)s->umax);
        raise_u64(&s->umin, upper | s->u32min);
        lower_u64(&s->umax, upper | s->u32max);
    }
    if (s->smin >= INT32_MIN && s->smax <= INT32_MAX) {
        raise_s32(&s->s32min, (int32_t)s->smin);
        lower_s32(&s->s32max, (int32_t)s->smax);
        raise_s64(&s->smin, s->s32min);
        lower_s64(&s->smax, s->s32max);
    }
}

static bool holds_a_number(const struct scalar *s)
{
    return s->umin <= s->umax && s->smin <= s->smax && s->u32min <= s->u32max &&
           s->s32min <= s->s32max;
}

bool scalar_sync(struct scalar *s)
{
    for (int round = 0; round < 2; round++) {
        struct tnum low;

        ranges_from_bits(s);
        signs_from_each_other(s);
        widths_from_each_other(s);
        signs_from_each_other(s);
        if (!holds_a_number(s) || !tnum_meet(&s->bits, tnum_range(s->umin, s->umax)))
            return false;
        low = tnum_range(s->u32min, s->u32max);
        low.mask |= UINT64_C(0xffffffff) << 32;
        if (!tnum_meet(&s->bits, low))
            return false;
    }
    ranges_from_bits(s);
    return holds_a_number(s);
}

/* --- operations
 * ------------------------------------------------------------------------------------ */

/* All that the ranges of a result do not say is unknown; the bits are known already. */
static struct scalar from_bits(struct tnum bits)
{
    struct scalar s = scalar_unknown();

    s.bits = bits;
    return s;
}

static struct scalar low_half(const struct scalar *a)
{
    struct scalar s = from_bits((struct tnum){(uint32_t)a->bits.value, (uint32_t)a->bits.mask});

    s.umin = s.u32min = a->u32min;
    s.umax = s.u32max = a->u32max;
    s.s32min = a->s32min;
    s.s32max = a->s32max;
    scalar_sync(&s);
    return s;
}

/* The number that the lower half is as a signed number of so many bits. */
static struct scalar sign_extend(const struct scalar *a, unsigned bits)
{
    const int64_t top = INT64_C(1) << (bits - 1);
    struct scalar s;

    if (a->smin >= -top && a->smax < top)
        return *a;
    s = from_bits(tnum_ashr(tnum_shl(a->bits, 64 - bits), 64 - bits));
    s.smin = -top;
    s.smax = top - 1;
    if (bits == 32) {
        raise_s64(&s.smin, a->s32min);
        lower_s64(&s.smax, a->s32max);
    }
    return s;
}

static struct scalar add(const struct scalar *a, const struct scalar *b)
{
    struct scalar s = from_bits(tnum_add(a->bits, b->bits));
    int64_t smin, smax;
    uint64_t umin, umax;

    if (!__builtin_add_overflow(a->smin, b->smin, &smin) &&
        !__builtin_add_overflow(a->smax, b->smax, &smax)) {
        s.smin = smin;
        s.smax = smax;
    }
    if (!__builtin_add_overflow(a->umin, b->umin, &umin) &&
        !__builtin_add_overflow(a->umax, b->umax, &umax)) {
        s.umin = umin;
        s.umax = umax;
    }
    return s;
}

static struct scalar sub(const struct scalar *a, const struct scalar *b)
{
    struct scalar s = from_bits(tnum_sub(a->bits, b->bits));
    int64_t smin, smax;

    if (!__builtin_sub_overflow(a->smin, b->smax, &smin) &&
        !__builtin_sub_overflow(a->smax, b->smin, &smax)) {
        s.smin = smin;
        s.smax = smax;
    }
    if (a->umin >= b->umax) {
        s.umin = a->umin - b->umax;
        s.umax = a->umax - b->umin;
    }
    return s;
}

static struct scalar mul(const struct scalar *a, const struct scalar *b)
{
    struct scalar s = from_bits(tnum_mul(a->bits, b->bits));

    if (a->umax <= UINT32_MAX && b->umax <= UINT32_MAX) {
        s.umin = a->umin * b->umin;
        s.umax = a->umax * b->umax;
    }
    return s;
}

static struct scalar bitwise(enum spec_alu op, const struct scalar *a, const struct scalar *b)
{
    struct scalar s;

    if (op == SPEC_ALU_AND) {
        s = from_bits(tnum_and(a->bits, b->bits));
        s.umax = U64_MIN_OF(a->umax, b->umax);
    } else if (op == SPEC_ALU_OR) {
        s = from_bits(tnum_or(a->bits, b->bits));
        s.umin = U64_MAX_OF(a->umin, b->umin);
    } else {
        s = from_bits(tnum_xor(a->bits, b->bits));
    }
    return s;
}

static struct scalar shift(enum spec_alu op, const struct scalar *a, const struct scalar *b,
                           unsigned width)
{
    const unsigned n = (unsigned)(b->bits.value & (width - 1));
    struct scalar s = scalar_unknown();

    if (!scalar_is_const(b)) {
        if (op == SPEC_ALU_LSHR)
            s.umax = a->umax;
        return s;
    }
    if (op == SPEC_ALU_SHL) {
        s.bits = tnum_shl(a->bits, n);
        if (!n || a->umax >> (64 - n) == 0) {
            s.umin = a->umin << n;
            s.umax = a->umax << n;
        }
    } else if (op == SPEC_ALU_LSHR) {
        s.bits = tnum_lshr(a->bits, n);
        s.umin = a->umin >> n;
        s.umax = a->umax >> n;
    } else {
        s.bits = tnum_ashr(a->bits, n);
        s.smin = a->smin >> n;
        s.smax = a->smax >> n;
    }
    return s;
}

static struct scalar alu64(enum spec_alu op, const struct scalar *a, const struct scalar *b,
                           unsigned width)
{
    switch (op) {
    case SPEC_ALU_ADD:
        return add(a, b);
    case SPEC_ALU_SUB:
        return sub(a, b);
    case SPEC_ALU_MUL:
        return mul(a, b);
    case SPEC_ALU_AND:
    case SPEC_ALU_OR:
    case SPEC_ALU_XOR:
        return bitwise(op, a, b);
    case SPEC_ALU_SHL:
    case SPEC_ALU_LSHR:
        return shift(op, a, b, width);
    case SPEC_ALU_ASHR:
        if (width == 32) {
            const struct scalar wide = sign_extend(a, 32);

            return shift(op, &wide, b, width);
        }
        return shift(op, a, b, width);
    case SPEC_ALU_MOV:
        return *a;
    case SPEC_ALU_SEXT8:
        return sign_extend(a, 8);
    case SPEC_ALU_SEXT16:
        return sign_extend(a, 16);
    case SPEC_ALU_SEXT32:
        return sign_extend(a, 32);
    case SPEC_ALU_BSWAP16:
        return scalar_up_to(UINT16_MAX);
    case SPEC_ALU_BSWAP32:
        return scalar_up_to(UINT32_MAX);
    default: /* quotients and remainders too: Linux 6.18 knows nothing of them */
        return scalar_unknown();
    }
}

struct scalar scalar_alu(enum spec_alu op, unsigned width, const struct scalar *a,
                         const struct scalar *b)
{
    const bool unary = spec_alu_table[op].arity == 1;
    struct scalar x = *a, y = unary ? scalar_const(0) : *b, s;

    if (scalar_is_const(&x) && scalar_is_const(&y) && (op < SPEC_ALU_UDIV || op > SPEC_ALU_SMOD))
        return scalar_const(spec_alu_eval(op, width, x.bits.value, y.bits.value));
    if (width == 32) {
        x = low_half(&x);
        y = low_half(&y);
    }
    s = alu64(op, &x, &y, width);
    scalar_sync(&s);
    return width == 32 ? low_half(&s) : s;
}

/* --- comparisons
 * ------------------------------------------------------------------------------------ */

static bool meet(struct scalar *a, struct scalar *b, unsigned width)
{
    struct tnum bits = b->bits;

    raise_u32(&a->u32min, b->u32min);
    lower_u32(&a->u32max, b->u32max);
    raise_s32(&a->s32min, b->s32min);
    lower_s32(&a->s32max, b->s32max);
    if (width == 32) {
        bits.value &= UINT32_MAX;
        bits.mask |= UINT64_C(0xffffffff) << 32;
        return tnum_meet(&a->bits, bits);
    }
    raise_u64(&a->umin, b->umin);
    lower_u64(&a->umax, b->umax);
    raise_s64(&a->smin, b->smin);
    lower_s64(&a->smax, b->smax);
    return tnum_meet(&a->bits, bits);
}

static bool refine_equal(unsigned width, struct scalar *a, struct scalar *b)
{
    struct scalar before = *a;

    return meet(a, b, width) && meet(b, &before, width);
}

/* a is not the constant b: takes it off the ends of a's ranges. */
static bool refine_unequal(unsigned width, struct scalar *a, const struct scalar *b)
{
    if (width == 64) {
        const uint64_t x = b->bits.value;

        if (!scalar_is_const(b))
            return true;
        if ((a->umin == a->umax && a->umin == x) || (a->smin == a->smax && a->smin == (int64_t)x))
            return false;
        a->umin += a->umin == x;
        a->umax -= a->umax == x;
        a->smin += a->smin == (int64_t)x && a->smin < INT64_MAX;
        a->smax -= a->smax == (int64_t)x && a->smax > INT64_MIN;
        return true;
    }
    if (b->u32min != b->u32max)
        return true;
    if ((a->u32min == a->u32max && a->u32min == b->u32min) ||
        (a->s32min == a->s32max && a->s32min == (int32_t)b->u32min))
        return false;
    a->u32min += a->u32min == b->u32min;
    a->u32max -= a->u32max == b->u32min;
    a->s32min += a->s32min == (int32_t)b->u32min && a->s32min < INT32_MAX;
    a->s32max -= a->s32max == (int32_t)b->u32min && a->s32max > INT32_MIN;
    return true;
}

/* a > b, or a >= b if not strict. */
static bool refine_unsigned(unsigned width, bool strict, struct scalar *a, struct scalar *b)
{
    if (width == 64) {
        if (strict && (b->umin == UINT64_MAX || a->umax == 0))
            return false;
        raise_u64(&a->umin, b->umin + strict);
        lower_u64(&b->umax, a->umax - strict);
        return true;
    }
    if (strict && (b->u32min == UINT32_MAX || a->u32max == 0))
        return false;
    raise_u32(&a->u32min, b->u32min + strict);
    lower_u32(&b->u32max, a->u32max - strict);
    return true;
}

static bool refine_signed(unsigned width, bool strict, struct scalar *a, struct scalar *b)
{
    if (width == 64) {
        if (strict && (b->smin == INT64_MAX || a->smax == INT64_MIN))
            return false;
        raise_s64(&a->smin, b->smin + strict);
        lower_s64(&b->smax, a->smax - strict);
        return true;
    }
    if (strict && (b->s32min == INT32_MAX || a->s32max == INT32_MIN))
        return false;
    raise_s32(&a->s32min, b->s32min + strict);
    lower_s32(&b->s32max, a->s32max - strict);
    return true;
}

/* Some bit of b is set in a, or none. */
static bool refine_bits(unsigned width, bool set, struct scalar *a, const struct scalar *b)
{
    const uint64_t all = width == 32 ? UINT32_MAX : UINT64_MAX;
    const uint64_t mask = b->bits.value & all;

    if (b->bits.mask & all)
        return true;
    if (set) {
        if (!((a->bits.value | a->bits.mask) & mask))
            return false;
        if (mask && !(mask & (mask - 1)))
            return tnum_meet(&a->bits, (struct tnum){mask, ~mask});
        return true;
    }
    return tnum_meet(&a->bits, (struct tnum){0, ~mask});
}

bool scalar_refine(enum spec_alu op, unsigned width, bool outcome, struct scalar *a,
                   struct scalar *b)
{
    bool ok;

    switch (op) {
    case SPEC_ALU_EQ:
    case SPEC_ALU_NE:
        if ((op == SPEC_ALU_EQ) == outcome)
            ok = refine_equal(width, a, b);
        else
            ok = refine_unequal(width, a, b) && refine_unequal(width, b, a);
        break;
    case SPEC_ALU_UGT:
        ok = outcome ? refine_unsigned(width, true, a, b) : refine_unsigned(width, false, b, a);
        break;
    case SPEC_ALU_UGE:
        ok = outcome ? refine_unsigned(width, false, a, b) : refine_unsigned(width, true, b, a);
        break;
    case SPEC_ALU_ULT:
        ok = outcome ? refine_unsigned(width, true, b, a) : refine_unsigned(width, false, a, b);
        break;
    case SPEC_ALU_ULE:
        ok = outcome ? refine_unsigned(width, false, b, a) : refine_unsigned(width, true, a, b);
        break;
    case SPEC_ALU_SGT:
        ok = outcome ? refine_signed(width, true, a, b) : refine_signed(width, false, b, a);
        break;
    case SPEC_ALU_SGE:
        ok = outcome ? refine_signed(width, false, a, b) : refine_signed(width, true, b, a);
        break;
    case SPEC_ALU_SLT:
        ok = outcome ? refine_signed(width, true, b, a) : refine_signed(width, false, a, b);
        break;
    case SPEC_ALU_SLE:
        ok = outcome ? refine_signed(width, false, b, a) : refine_signed(width, true, a, b);
        break;
    case SPEC_ALU_SET:
        ok = refine_bits(width, outcome, a, b);
        break;
    default:
        return true;
    }
    return ok && scalar_sync(a) && scalar_sync(b);
}

bool scalar_includes(const struct scalar *a, const struct scalar *b)
{
    return a->umin <= b->umin && a->umax >= b->umax && a->smin <= b->smin && a->smax >= b->smax &&
           a->u32min <= b->u32min && a->u32max >= b->u32max && a->s32min <= b->s32min &&
           a->s32max >= b->s32max && !(b->bits.mask & ~a->bits.mask) &&
           !((a->bits.value ^ b->bits.value) & ~a->bits.mask);
}
