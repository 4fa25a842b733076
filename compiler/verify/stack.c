/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* What the bytes of the stack hold. The accesses are within the stack and aligned
 * (verify_check_stack). */

/* Bytes that an access may touch, relative to the frame's r10. */
struct extent {
    int32_t low;  /* first byte, at the lowest */
    int32_t high; /* first byte, at the highest */
};

static struct extent extent_of(const struct access *a)
{
    const int32_t fixed = a->base.off + a->off;

    return (struct extent){fixed + (int32_t)a->base.num.smin, fixed + (int32_t)a->base.num.smax};
}

static uint32_t slot_index(int32_t off)
{
    return (uint32_t)(-off - 1) / SLOT_BYTES;
}

static uint32_t byte_index(int32_t off)
{
    return (uint32_t)(off + SPEC_STACK_BYTES) % SLOT_BYTES;
}

static struct frame *frame_of(struct verifier *v, const struct access *a)
{
    return &v->cur.frames[a->base.frame];
}

/* The slot that a byte is in; slots come into being when something is stored there. */
static struct slot *slot_for(struct frame *f, int32_t off)
{
    const uint32_t i = slot_index(off);

    while (f->slot_count <= i)
        f->slots[f->slot_count++] = (struct slot){0};
    return &f->slots[i];
}

static uint8_t kind_at(const struct frame *f, int32_t off)
{
    const uint32_t i = slot_index(off);

    return i < f->slot_count ? f->slots[i].kind[byte_index(off)] : SLOT_NONE;
}

/* What the bytes of a spilled register become when others of it are overwritten: plain bytes of a
 * number. What is left of a pointer can't be read: Linux lets root have it as a number, but
 * addresses differ from executor to executor. */
static uint8_t rest_of_spill(const struct slot *s)
{
    return s->reg.type == REG_SCALAR ? SLOT_MISC : SLOT_NONE;
}

static void scrub(struct slot *s)
{
    const uint8_t left = rest_of_spill(s);
    const bool spilled = s->kind[0] == SLOT_SPILL;

    for (int b = 0; b < SLOT_BYTES; b++) {
        if (s->kind[b] == SLOT_SPILL)
            s->kind[b] = left;
        else if (spilled && s->kind[b] == SLOT_ZERO)
            s->kind[b] = SLOT_MISC; /* Linux forgets the whole slot */
    }
    s->reg = (struct reg){0};
}

void verify_link(struct verifier *v, struct reg *r)
{
    if (r->type != REG_SCALAR)
        return;
    if (r->has_delta)
        reg_unlink(r);
    if (!r->id && !scalar_is_const(&r->num))
        r->id = ++v->next_id;
}

void verify_mark_slot(struct verifier *v, uint32_t frame, uint32_t slot)
{
    uint64_t need = (UINT64_C(1) << slot) & ~v->cur.written[frame];

    for (struct checkpoint *c = v->cur.parent; c && need; c = c->parent) {
        need &= ~c->read[frame];
        c->read[frame] |= need;
        need &= ~c->written[frame];
    }
}

static void mark_extent(struct verifier *v, const struct access *a, struct extent e)
{
    const uint32_t last = slot_index(e.low);

    for (uint32_t i = slot_index(e.high + (int32_t)a->bytes - 1); i <= last; i++)
        verify_mark_slot(v, a->base.frame, i);
}

/* ---- writing ---- */

/* A number at the start of a slot is kept whole, together with how many of its bytes are there. */
static void spill_number(struct verifier *v, struct slot *s, uint32_t bytes, struct reg *value)
{
    const bool fits = scalar_width(&value->num) <= bytes * 8;
    const uint8_t left = rest_of_spill(s);

    if (fits)
        verify_link(v, value);
    s->reg = *value;
    if (!fits)
        reg_unlink(&s->reg);
    for (uint32_t b = 0; b < SLOT_BYTES; b++) {
        if (b < bytes)
            s->kind[b] = SLOT_SPILL;
        else if (s->kind[b] == SLOT_SPILL)
            s->kind[b] = left;
    }
}

static void write_bytes(struct verifier *v, struct slot *s, uint32_t first, uint32_t bytes,
                        const struct reg *value)
{
    const bool zero = value && reg_is_zero(value);

    scrub(s);
    if (zero)
        verify_precise_reg(v, value);
    memset(s->kind + first, zero ? SLOT_ZERO : SLOT_MISC, bytes);
}

/* One of several places is written; each may also keep what it had. */
static void write_somewhere(struct verifier *v, const struct access *a, struct extent e,
                            const struct reg *value)
{
    const bool zero = value && reg_is_zero(value);
    struct frame *f = frame_of(v, a);

    if (zero)
        verify_precise_reg(v, value);
    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++) {
        struct slot *s = slot_for(f, off);
        uint8_t *kind = &s->kind[byte_index(off)];

        if (s->reg.type != REG_NONE)
            scrub(s);
        if (*kind == SLOT_ZERO && !zero)
            *kind = SLOT_MISC;
    }
}

void verify_stack_write(struct verifier *v, const struct access *a, struct reg *value)
{
    const struct extent e = extent_of(a);
    struct frame *f = frame_of(v, a);
    struct slot *s = slot_for(f, e.low);

    verify_note_depth(v, a->base.frame, e.low);
    if (e.low != e.high) {
        write_somewhere(v, a, e, value);
        return;
    }
    if (value && value->type == REG_SCALAR && byte_index(e.low) == 0) {
        spill_number(v, s, a->bytes, value);
    } else if (value && value->type != REG_SCALAR) {
        memset(s->kind, SLOT_SPILL, SLOT_BYTES);
        s->reg = *value;
    } else {
        write_bytes(v, s, byte_index(e.low), a->bytes, value);
    }
    if (a->bytes == SLOT_BYTES)
        v->cur.written[a->base.frame] |= UINT64_C(1) << slot_index(e.low);
}

void verify_stack_fill(struct verifier *v, const struct access *a, uint32_t surely)
{
    const struct extent e = extent_of(a);
    struct frame *f = frame_of(v, a);

    if (a->bytes == 0)
        return;
    verify_note_depth(v, a->base.frame, e.low);
    mark_extent(v, a, e);
    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++) {
        struct slot *s = slot_for(f, off);
        uint8_t *kind = &s->kind[byte_index(off)];

        if (s->reg.type != REG_NONE)
            scrub(s);
        if (*kind != SLOT_NONE || (e.low == e.high && off < e.low + (int32_t)surely))
            *kind = SLOT_MISC;
    }
}

/* ---- reading ---- */

bool verify_stack_is_written(struct verifier *v, const struct access *a)
{
    const struct extent e = extent_of(a);
    const struct frame *f = frame_of(v, a);

    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++)
        if (kind_at(f, off) == SLOT_NONE)
            return false;
    return true;
}

static int check_initialised(struct verifier *v, const struct access *a, struct extent e)
{
    const struct frame *f = frame_of(v, a);
    const char *who =
        a->helper ? arena_printf(v->scratch, "bpf_%s reads", a->helper) : "this reads";

    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++)
        if (kind_at(f, off) == SLOT_NONE)
            return verify_refuse(v, "VFY0044", a->at,
                                 "%s %u bytes at r10%+d, but nothing was stored at r10%+d on this "
                                 "path; initialise all of it, "
                                 "padding included (struct x y = {0}, or memset), and use what a "
                                 "helper was to fill only if it succeeded",
                                 who, a->bytes, e.low, off);
    return 0;
}

/* All bytes that may be read are known to be 0. */
static bool reads_zero(const struct frame *f, const struct access *a, struct extent e)
{
    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++)
        if (kind_at(f, off) != SLOT_ZERO)
            return false;
    return true;
}

static uint32_t spill_bytes(const struct slot *s)
{
    uint32_t n = 0;

    while (n < SLOT_BYTES && s->kind[n] == SLOT_SPILL)
        n++;
    return n;
}

/* A part of a spilled number. */
static bool fill_part(struct verifier *v, const struct access *a, int32_t low, struct slot *s,
                      struct reg *dst)
{
    const uint32_t spilled = spill_bytes(s);
    const uint32_t first = byte_index(low);

    if (first == 0 && a->bytes <= spilled) {
        if (a->bytes == 4 && spilled == 4 && scalar_width(&s->reg.num) <= 32)
            verify_link(v, &s->reg);
        *dst = s->reg;
        if (scalar_width(&dst->num) > a->bytes * 8)
            reg_unlink(dst);
        return true;
    }
    if (first + a->bytes <= spilled && scalar_is(&s->reg.num, 0)) {
        reg_set_scalar(dst, scalar_const(0), s->reg.node, a->at);
        return true;
    }
    return false;
}

int verify_stack_read(struct verifier *v, const struct access *a, struct reg *dst)
{
    const struct extent e = extent_of(a);
    struct frame *f = frame_of(v, a);
    int err = check_initialised(v, a, e);

    if (err)
        return err;
    verify_note_depth(v, a->base.frame, e.low);
    mark_extent(v, a, e);
    if (e.low == e.high) {
        struct slot *s = &f->slots[slot_index(e.low)];

        if (s->kind[0] == SLOT_SPILL && s->reg.type != REG_SCALAR && a->bytes != SLOT_BYTES)
            return verify_reject(
                v, "VFY0045", a->at,
                "this reads %u of the 8 bytes where %s was stored; read pointers back whole",
                a->bytes, verify_describe(v, &s->reg));
        if (spill_bytes(s) == SLOT_BYTES && a->bytes == SLOT_BYTES) {
            verify_link(v, &s->reg);
            *dst = s->reg;
            if (dst->type != REG_STALE)
                dst->from = a->at;
            return 0;
        }
        if (s->kind[0] == SLOT_SPILL && fill_part(v, a, e.low, s, dst)) {
            dst->from = a->at;
            return 0;
        }
    }
    reg_set_scalar(dst, reads_zero(f, a, e) ? scalar_const(0) : scalar_unknown(), 0, a->at);
    return 0;
}

int verify_stack_argument(struct verifier *v, const struct access *a)
{
    const struct extent e = extent_of(a);
    const struct frame *f = frame_of(v, a);
    int err = check_initialised(v, a, e);

    if (err)
        return err;
    for (int32_t off = e.low; off < e.high + (int32_t)a->bytes; off++) {
        const struct slot *s = &f->slots[slot_index(off)];

        if (s->kind[0] == SLOT_SPILL && s->reg.type != REG_SCALAR && !a->addresses)
            return verify_refuse(v, "VFY0045", a->at,
                                 "bpf_%s would store %s, which is at r10%+d, in a map; addresses "
                                 "differ from executor to executor",
                                 a->helper, verify_describe(v, &s->reg), off);
    }
    verify_note_depth(v, a->base.frame, e.low);
    mark_extent(v, a, e);
    return 0;
}

bool verify_stack_has_address(struct verifier *v, const struct reg *base, int32_t off)
{
    const struct access a = {.base = *base, .off = off, .bytes = 8};
    const struct extent e = extent_of(&a);
    const struct slot *s = &frame_of(v, &a)->slots[slot_index(e.low)];

    return s->kind[0] == SLOT_SPILL && s->reg.type != REG_SCALAR;
}

bool verify_stack_const(struct verifier *v, const struct access *a, uint64_t *value)
{
    const struct extent e = extent_of(a);
    const struct frame *f = frame_of(v, a);
    const struct slot *s;

    if (e.low != e.high || slot_index(e.low) >= f->slot_count)
        return false;
    *value = 0;
    if (reads_zero(f, a, e))
        return true;
    s = &f->slots[slot_index(e.low)];
    if (byte_index(e.low) != 0 || spill_bytes(s) != a->bytes || s->reg.type != REG_SCALAR ||
        !scalar_is_const(&s->reg.num))
        return false;
    verify_precise_reg(v, &s->reg);
    *value = s->reg.num.bits.value;
    return true;
}
