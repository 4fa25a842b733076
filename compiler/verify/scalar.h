/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_SCALAR_H
#define SLUICE_VERIFY_SCALAR_H

#include "compiler/verify/tnum.h"
#include "hw/spec/gen/ebpf.h"

/* What is known of a 64-bit number: its bits, and bounds of all 64 and of the low 32 bits, each
 * read as unsigned and as signed. Every view holds for every value, so each may sharpen the others.
 */
struct scalar {
    struct tnum bits;
    uint64_t umin, umax;
    int64_t smin, smax;
    uint32_t umin32, umax32;
    int32_t smin32, smax32;
};

struct scalar scalar_unknown(void);
struct scalar scalar_const(uint64_t value);

static inline bool scalar_is_const(const struct scalar *s)
{
    return tnum_is_const(s->bits);
}

static inline bool scalar_is(const struct scalar *s, uint64_t value)
{
    return tnum_is_const(s->bits) && s->bits.value == value;
}

static inline bool scalar_is_const32(const struct scalar *s)
{
    return tnum_is_const(tnum_low(s->bits));
}

/* Bits that the value may need: 0 for the constant 0. */
static inline unsigned scalar_width(const struct scalar *s)
{
    return word_bits_of(s->umax);
}

/* Nothing is known: whole, of the 64-bit bounds, of the 32-bit bounds (bits aside). */
void scalar_forget64(struct scalar *s);
void scalar_forget32(struct scalar *s);
/* Bounds that the bits give. */
void scalar_from_bits64(struct scalar *s);
void scalar_from_bits32(struct scalar *s);
/* Lets every view sharpen the others. */
void scalar_sync(struct scalar *s);
/* The views contradict each other, as on a path that no run takes. */
bool scalar_is_broken(const struct scalar *s);
/* Every value of inner is in outer. */
bool scalar_includes(const struct scalar *outer, const struct scalar *inner);
bool scalar_same(const struct scalar *a, const struct scalar *b);

/* The low 32 bits, zero-extended. No sync. */
void scalar_zero_extend32(struct scalar *s);
/* The low bytes, zero-extended: what a narrow load of the value gives. */
void scalar_truncate(struct scalar *s, unsigned bytes);
/* The low bytes, sign-extended to 64 bits, or to 32 with the rest to be cleared by the caller. */
void scalar_sign_extend(struct scalar *s, unsigned bytes, unsigned width);

/* The result of an arithmetic instruction other than MOV on scalars. */
struct scalar scalar_alu(const struct ebpf_insn *insn, const struct scalar *dst,
                         const struct scalar *src);
/* The two steps of 64-bit addition of a constant, without sync (linked registers). */
void scalar_add_const(struct scalar *s, int64_t value);

/* Whether a jump is taken: 1, 0, or -1 if that is not known. code is an enum ebpf_jmp_code. */
int scalar_branch(uint8_t code, bool is32, const struct scalar *a, const struct scalar *b);
/* What holds of both operands if the jump is taken, or not taken. a and b may not be one object. */
void scalar_refine(uint8_t code, bool is32, bool taken, struct scalar *a, struct scalar *b);
/* The comparison with its operands exchanged. */
uint8_t scalar_flip(uint8_t code);

#endif
