/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/scalar.h"

/* What arithmetic does to what is known. A 32-bit operation works on the 32-bit views alone and the
 * caller (scalar_alu) extends the result; a 64-bit one keeps both widths up to date. Where a view
 * can't be computed it is forgotten, and scalar_sync gets back what the others know. Nothing here
 * knows more than Linux 6.18 does, so that what is accepted here loads there. */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- sums ---- */

static void add32(struct scalar *d, const struct scalar *s)
{
    bool below, above;

    below = __builtin_add_overflow(d->smin32, s->smin32, &d->smin32);
    above = __builtin_add_overflow(d->smax32, s->smax32, &d->smax32);
    if (below || above) {
        d->smin32 = INT32_MIN;
        d->smax32 = INT32_MAX;
    }
    below = __builtin_add_overflow(d->umin32, s->umin32, &d->umin32);
    above = __builtin_add_overflow(d->umax32, s->umax32, &d->umax32);
    /* If even the least sum wraps, all do, and stay in order. */
    if (!below && above) {
        d->umin32 = 0;
        d->umax32 = UINT32_MAX;
    }
}

static void add64(struct scalar *d, const struct scalar *s)
{
    bool below, above;

    below = __builtin_add_overflow(d->smin, s->smin, &d->smin);
    above = __builtin_add_overflow(d->smax, s->smax, &d->smax);
    if (below || above) {
        d->smin = INT64_MIN;
        d->smax = INT64_MAX;
    }
    below = __builtin_add_overflow(d->umin, s->umin, &d->umin);
    above = __builtin_add_overflow(d->umax, s->umax, &d->umax);
    if (!below && above) {
        d->umin = 0;
        d->umax = UINT64_MAX;
    }
}

void scalar_add_const(struct scalar *s, int64_t value)
{
    const struct scalar c = scalar_const((uint64_t)value);

    add32(s, &c);
    add64(s, &c);
    s->bits = tnum_add(s->bits, c.bits);
}

static void sub32(struct scalar *d, const struct scalar *s)
{
    const uint32_t low = d->umin32, high = d->umax32;
    bool below, above;

    below = __builtin_sub_overflow(d->smin32, s->smax32, &d->smin32);
    above = __builtin_sub_overflow(d->smax32, s->smin32, &d->smax32);
    if (below || above) {
        d->smin32 = INT32_MIN;
        d->smax32 = INT32_MAX;
    }
    below = __builtin_sub_overflow(low, s->umax32, &d->umin32);
    above = __builtin_sub_overflow(high, s->umin32, &d->umax32);
    if (below && !above) {
        d->umin32 = 0;
        d->umax32 = UINT32_MAX;
    }
}

static void sub64(struct scalar *d, const struct scalar *s)
{
    const uint64_t low = d->umin, high = d->umax;
    bool below, above;

    below = __builtin_sub_overflow(d->smin, s->smax, &d->smin);
    above = __builtin_sub_overflow(d->smax, s->smin, &d->smax);
    if (below || above) {
        d->smin = INT64_MIN;
        d->smax = INT64_MAX;
    }
    below = __builtin_sub_overflow(low, s->umax, &d->umin);
    above = __builtin_sub_overflow(high, s->umin, &d->umax);
    if (below && !above) {
        d->umin = 0;
        d->umax = UINT64_MAX;
    }
}

/* ---- products: the extremes are among the products of the bounds ---- */

static void mul32(struct scalar *d, const struct scalar *s)
{
    const int64_t a = d->smin32, b = d->smax32, p = s->smin32, q = s->smax32;
    const int64_t products[4] = {a * p, a * q, b * p, b * q};
    const uint64_t least = (uint64_t)d->umin32 * s->umin32;
    const uint64_t most = (uint64_t)d->umax32 * s->umax32;
    int64_t low = products[0], high = products[0];

    for (int i = 1; i < 4; i++) {
        low = products[i] < low ? products[i] : low;
        high = products[i] > high ? products[i] : high;
    }
    if (low < INT32_MIN || high > INT32_MAX) {
        low = INT32_MIN;
        high = INT32_MAX;
    }
    d->smin32 = (int32_t)low;
    d->smax32 = (int32_t)high;
    d->umin32 = most > UINT32_MAX ? 0 : (uint32_t)least;
    d->umax32 = most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

static void mul64(struct scalar *d, const struct scalar *s)
{
    int64_t products[4];
    uint64_t least, most;
    bool wraps = __builtin_mul_overflow(d->umax, s->umax, &most);

    wraps |= __builtin_mul_overflow(d->umin, s->umin, &least);
    d->umin = wraps ? 0 : least;
    d->umax = wraps ? UINT64_MAX : most;
    wraps = __builtin_mul_overflow(d->smin, s->smin, &products[0]);
    wraps |= __builtin_mul_overflow(d->smin, s->smax, &products[1]);
    wraps |= __builtin_mul_overflow(d->smax, s->smin, &products[2]);
    wraps |= __builtin_mul_overflow(d->smax, s->smax, &products[3]);
    d->smin = wraps ? INT64_MIN : products[0];
    d->smax = wraps ? INT64_MAX : products[0];
    for (int i = 1; i < 4 && !wraps; i++) {
        d->smin = products[i] < d->smin ? products[i] : d->smin;
        d->smax = products[i] > d->smax ? products[i] : d->smax;
    }
}

/* ---- bits: d->bits is the result already ---- */

/* The signed views are the unsigned ones wherever those do not cross the sign. */
static void signed_as_unsigned(struct scalar *d)
{
    const bool same32 = (int32_t)d->umin32 <= (int32_t)d->umax32;
    const bool same = (int64_t)d->umin <= (int64_t)d->umax;

    d->smin32 = same32 ? (int32_t)d->umin32 : INT32_MIN;
    d->smax32 = same32 ? (int32_t)d->umax32 : INT32_MAX;
    d->smin = same ? (int64_t)d->umin : INT64_MIN;
    d->smax = same ? (int64_t)d->umax : INT64_MAX;
}

static void and_bounds(struct scalar *d, const struct scalar *s)
{
    /* No result exceeds either operand. */
    d->umin32 = (uint32_t)d->bits.value;
    d->umax32 = (uint32_t)min_u64(d->umax32, s->umax32);
    d->umin = d->bits.value;
    d->umax = min_u64(d->umax, s->umax);
    signed_as_unsigned(d);
}

static void or_bounds(struct scalar *d, const struct scalar *s)
{
    /* No result is less than either operand. */
    d->umin32 = (uint32_t)max_u64(d->umin32, s->umin32);
    d->umax32 = (uint32_t)(d->bits.value | d->bits.mask);
    d->umin = max_u64(d->umin, s->umin);
    d->umax = d->bits.value | d->bits.mask;
    signed_as_unsigned(d);
}

static void xor_bounds(struct scalar *d)
{
    d->umin32 = (uint32_t)d->bits.value;
    d->umax32 = (uint32_t)(d->bits.value | d->bits.mask);
    d->umin = d->bits.value;
    d->umax = d->bits.value | d->bits.mask;
    signed_as_unsigned(d);
}

static void bitwise(uint8_t code, struct scalar *d, const struct scalar *s)
{
    switch (code) {
    case EBPF_ALU_AND:
        d->bits = tnum_and(d->bits, s->bits);
        and_bounds(d, s);
        break;
    case EBPF_ALU_OR:
        d->bits = tnum_or(d->bits, s->bits);
        or_bounds(d, s);
        break;
    default:
        d->bits = tnum_xor(d->bits, s->bits);
        xor_bounds(d);
        break;
    }
    if (scalar_is_const32(d)) {
        d->umin32 = d->umax32 = (uint32_t)d->bits.value;
        d->smin32 = d->smax32 = (int32_t)d->bits.value;
    }
    if (scalar_is_const(d))
        *d = scalar_const(d->bits.value);
}

/* ---- shifts by a constant ---- */

static void shl32_bounds(struct scalar *d, unsigned by)
{
    d->smin32 = INT32_MIN;
    d->smax32 = INT32_MAX;
    if (d->umax32 > UINT32_C(1) << (HALF_BITS - 1 - by)) {
        d->umin32 = 0;
        d->umax32 = UINT32_MAX;
    } else {
        d->umin32 <<= by;
        d->umax32 <<= by;
    }
}

static void shl64(struct scalar *d, unsigned by)
{
    /* Shifting by a half makes the low half's sign the whole's: half of a sign extension. */
    d->smin = by == HALF_BITS ? (int64_t)((uint64_t)(int64_t)d->smin32 << HALF_BITS) : INT64_MIN;
    d->smax = by == HALF_BITS ? (int64_t)((uint64_t)(int64_t)d->smax32 << HALF_BITS) : INT64_MAX;
    if (d->umax > UINT64_C(1) << (WORD_BITS - 1 - by)) {
        d->umin = 0;
        d->umax = UINT64_MAX;
    } else {
        d->umin <<= by;
        d->umax <<= by;
    }
    if (by >= HALF_BITS) {
        scalar_forget32(d);
    } else {
        shl32_bounds(d, by);
    }
    d->bits = tnum_shl(d->bits, by);
    scalar_from_bits64(d);
}

static void shift64(uint8_t code, struct scalar *d, unsigned by)
{
    switch (code) {
    case EBPF_ALU_LSH:
        shl64(d, by);
        return;
    case EBPF_ALU_RSH:
        d->bits = tnum_shr(d->bits, by);
        d->umin >>= by;
        d->umax >>= by;
        d->smin = INT64_MIN;
        d->smax = INT64_MAX;
        break;
    default:
        d->bits = tnum_sar(d->bits, by, WORD_BITS);
        d->smin >>= by;
        d->smax >>= by;
        d->umin = 0;
        d->umax = UINT64_MAX;
        break;
    }
    scalar_forget32(d); /* bits of the upper half come in */
    scalar_from_bits64(d);
}

static void shift32(uint8_t code, struct scalar *d, unsigned by)
{
    const struct tnum low = tnum_low(d->bits);

    switch (code) {
    case EBPF_ALU_LSH:
        shl32_bounds(d, by);
        d->bits = tnum_low(tnum_shl(low, by));
        break;
    case EBPF_ALU_RSH:
        d->bits = tnum_shr(low, by);
        d->umin32 >>= by;
        d->umax32 >>= by;
        d->smin32 = INT32_MIN;
        d->smax32 = INT32_MAX;
        break;
    default:
        d->bits = tnum_sar(low, by, HALF_BITS);
        d->smin32 >>= by;
        d->smax32 >>= by;
        d->umin32 = 0;
        d->umax32 = UINT32_MAX;
        break;
    }
    scalar_forget64(d);
    scalar_from_bits32(d);
}

/* ---- one value ---- */

static void negate(struct scalar *d)
{
    const struct scalar s = *d;

    *d = scalar_const(0);
    sub32(d, &s);
    sub64(d, &s);
    d->bits = tnum_sub(tnum_const(0), s.bits);
}

/* Byte order instructions on a little-endian machine. */
static struct scalar byte_order(const struct ebpf_insn *insn, const struct scalar *d)
{
    const bool swaps = ebpf_is_alu64(insn) || ebpf_src_is_reg(insn);
    const unsigned bytes = (unsigned)insn->imm / 8;
    struct scalar s = scalar_unknown();

    if (!swaps && bytes == 8)
        return *d;
    if (!swaps) {
        s = *d;
        scalar_truncate(&s, bytes);
        return s;
    }
    s.bits = tnum_swap(d->bits, bytes);
    scalar_sync(&s);
    return s;
}

/* ---- */

/* A shift is followed if its distance is one number below the width. */
static bool shift_is_known(const struct scalar *s, bool is32)
{
    if (is32)
        return scalar_is_const32(s) && s->umin32 == s->umax32 && s->umax < HALF_BITS;
    return scalar_is_const(s) && s->umin == s->umax && s->umax < WORD_BITS;
}

/* The result with each view computed from those of the operands, not yet sharpened by each other.
 */
static struct scalar alu_views(const struct ebpf_insn *insn, const struct scalar *dst,
                               const struct scalar *src)
{
    const bool is32 = ebpf_is_alu32(insn);
    const uint8_t code = ebpf_code_of(insn);
    struct scalar d = *dst;

    switch (code) {
    case EBPF_ALU_ADD:
        add32(&d, src);
        add64(&d, src);
        d.bits = tnum_add(d.bits, src->bits);
        break;
    case EBPF_ALU_SUB:
        sub32(&d, src);
        sub64(&d, src);
        d.bits = tnum_sub(d.bits, src->bits);
        break;
    case EBPF_ALU_MUL:
        d.bits = tnum_mul(d.bits, src->bits);
        mul32(&d, src);
        mul64(&d, src);
        break;
    case EBPF_ALU_AND:
    case EBPF_ALU_OR:
    case EBPF_ALU_XOR:
        bitwise(code, &d, src);
        break;
    case EBPF_ALU_LSH:
    case EBPF_ALU_RSH:
    case EBPF_ALU_ARSH:
        if (!shift_is_known(src, is32))
            return scalar_unknown();
        if (is32)
            shift32(code, &d, (unsigned)src->bits.value & (HALF_BITS - 1));
        else
            shift64(code, &d, (unsigned)src->bits.value & (WORD_BITS - 1));
        break;
    case EBPF_ALU_NEG:
        negate(&d);
        break;
    default: /* division and remainder */
        return scalar_unknown();
    }
    if (is32)
        scalar_zero_extend32(&d);
    return d;
}

struct scalar scalar_alu(const struct ebpf_insn *insn, const struct scalar *dst,
                         const struct scalar *src)
{
    struct scalar d;

    if (ebpf_code_of(insn) == EBPF_ALU_END)
        return byte_order(insn, dst);
    d = alu_views(insn, dst, src);
    scalar_sync(&d);
    return d;
}
