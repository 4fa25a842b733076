/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Conditional jumps: whether they are decided, and what each side says of the registers. */

typedef void reg_fn(struct verifier *v, struct reg *r, void *arg);

/* Registers and spilled registers of all frames, the running one first. */
static void each_reg(struct verifier *v, reg_fn *fn, void *arg)
{
    for (uint32_t d = v->cur.depth + 1; d-- > 0;) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            fn(v, &f->regs[r], arg);
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                fn(v, &f->slots[i].reg, arg);
    }
}

/* The operands of a jump; an immediate becomes a register of its own. */
struct operands {
    uint8_t code;
    bool is32;
    bool immediate;
    struct reg *dst;
    struct reg *src;
    struct reg constant;
};

static void read_operands(struct verifier *v, uint32_t at, struct operands *o)
{
    const struct ebpf_insn *i = insn_at(v, at);

    o->code = ebpf_code_of(i);
    o->is32 = ebpf_class_of(i) == EBPF_CLASS_JMP32;
    o->immediate = !ebpf_src_is_reg(i);
    o->dst = cur_reg(v, i->dst);
    reg_set_scalar(&o->constant, scalar_const((uint64_t)(int64_t)i->imm), 0, at);
    o->src = o->immediate ? &o->constant : cur_reg(v, i->src);
}

/* ---- decided? ---- */

/* A packet pointer that was found at or past data_end stays there. */
static int decide_packet(const struct operands *o)
{
    const bool flipped = o->src->type != REG_PACKET_END;
    const struct reg *p = flipped ? o->src : o->dst;
    const uint8_t code = flipped ? scalar_flip(o->code) : o->code;

    if ((flipped && o->dst->type != REG_PACKET_END) || p->range >= 0)
        return -1;
    if (p->range == RANGE_BEYOND_END && (code == EBPF_JMP_JGT || code == EBPF_JMP_JLE))
        return code == EBPF_JMP_JGT;
    if (code == EBPF_JMP_JGE || code == EBPF_JMP_JLT)
        return code == EBPF_JMP_JGE;
    return -1;
}

/* A pointer that is not NULL differs from 0. Its low half alone may still be 0. */
static int decide_null(const struct operands *o)
{
    const struct reg *p = reg_is_pointer(o->dst) ? o->dst : o->src;
    const struct reg *other = p == o->dst ? o->src : o->dst;

    if (o->is32 || !reg_is_zero(other) ||
        (p->type != REG_VALUE && p->type != REG_MAP && p->type != REG_RECORD && p->type != REG_KEY))
        return -1;
    return o->code == EBPF_JMP_JEQ ? 0 : o->code == EBPF_JMP_JNE ? 1 : -1;
}

static int decide(const struct operands *o)
{
    if (reg_is_packet(o->dst) && reg_is_packet(o->src))
        return o->is32 ? -1 : decide_packet(o);
    if (reg_is_pointer(o->dst) || reg_is_pointer(o->src))
        return decide_null(o);
    return scalar_branch(o->code, o->is32, &o->dst->num, &o->src->num);
}

/* ---- numbers ---- */

struct linked {
    uint32_t id;
    uint32_t count;
};

static void limit_link(struct verifier *v, struct reg *r, void *arg)
{
    struct linked *l = arg;

    (void)v;
    if (r->type != REG_SCALAR || r->id != l->id)
        return;
    if (l->count == MAX_LINKED)
        reg_unlink(r);
    else
        l->count++;
}

/* As on Linux only so many copies of a number are followed; the others part. */
static void limit_links(struct verifier *v, const struct operands *o)
{
    struct linked l = {0, 0};

    if (o->src->type == REG_SCALAR && o->src->id) {
        l.id = o->src->id;
        each_reg(v, limit_link, &l);
    }
    if (o->dst->type == REG_SCALAR && o->dst->id && o->dst->id != l.id) {
        l.id = o->dst->id;
        each_reg(v, limit_link, &l);
    }
}

static void add(struct scalar *n, int64_t delta, bool is32)
{
    scalar_add_const(n, delta);
    if (is32)
        scalar_zero_extend32(n);
    scalar_sync(n);
}

/* r's number from another one that is the same up to their distances. */
static struct scalar follow_number(const struct reg *r, const struct reg *known)
{
    struct scalar n = known->num;

    if (r->has_delta == known->has_delta && r->off == known->off && r->delta32 == known->delta32)
        return n;
    if (!r->delta32 && !known->delta32) {
        add(&n, (int64_t)r->off - known->off, false);
        return n;
    }
    if (known->has_delta)
        add(&n, -(int64_t)known->off, known->delta32);
    if (r->has_delta)
        add(&n, r->off, r->delta32);
    return n;
}

static void follow(struct verifier *v, struct reg *r, void *arg)
{
    const struct reg *known = arg;

    if (r->type != REG_SCALAR || r->id != known->id || r == known)
        return;
    r->num = follow_number(r, known);
    r->node = verify_node(v, r->node, known->node);
}

static void refine_numbers(struct verifier *v, const struct operands *o, bool taken)
{
    const uint32_t node = verify_node(v, o->dst->node, o->src->node);

    if (o->dst == o->src)
        return;
    scalar_refine(o->code, o->is32, taken, &o->dst->num, &o->src->num);
    o->dst->node = node;
    o->src->node = node;
    if (!o->immediate && o->src->id)
        each_reg(v, follow, o->src);
    if (o->dst->id)
        each_reg(v, follow, o->dst);
}

/* ---- pointers that may be NULL ---- */

struct null_check {
    uint32_t id;
    bool is_null;
    uint32_t at;
};

/* Values with a lock stay told apart by their lookup. */
static void set_not_null(const struct verifier *v, struct reg *r)
{
    r->type = (uint8_t)reg_not_null(r);
    if (r->type != REG_VALUE || !load_has_lock(&v->object->maps[r->map]))
        r->id = 0;
}

static void resolve_null(struct verifier *v, struct reg *r, void *arg)
{
    const struct null_check *c = arg;

    if (reg_not_null(r) == REG_NONE || r->id != c->id)
        return;
    if (c->is_null)
        reg_set_scalar(r, scalar_const(0), 0, c->at);
    else
        set_not_null(v, r);
}

/* Two pointers are equal and one of them is not NULL. */
static void refine_equal_pointers(const struct verifier *v, const struct operands *o, bool taken)
{
    const bool null_dst = reg_not_null(o->dst) != REG_NONE;
    const bool null_src = reg_not_null(o->src) != REG_NONE;
    struct reg *r = null_dst ? o->dst : o->src;

    if (o->is32 || null_dst == null_src || !reg_is_pointer(o->dst) || !reg_is_pointer(o->src))
        return;
    if (o->code != (taken ? EBPF_JMP_JEQ : EBPF_JMP_JNE))
        return;
    set_not_null(v, r);
}

/* ---- packets ---- */

struct proof {
    uint8_t type;
    uint32_t id;
    int32_t bytes;
};

static void extend_range(struct verifier *v, struct reg *r, void *arg)
{
    const struct proof *p = arg;

    (void)v;
    if (r->type == p->type && r->id == p->id && r->range < p->bytes)
        r->range = p->bytes;
}

/* The pointer is not past the end (before: before it): so many bytes from its variable part on are
 * in the packet. */
static void prove(struct verifier *v, const struct reg *pointer, bool before)
{
    struct proof p = {pointer->type, pointer->id, pointer->off + before};

    if (pointer->off < 0 || p.bytes == 0 || (pointer->off == 0 && before))
        return;
    /* A longer offset might wrap, and be before the end because it is before the start. */
    if (pointer->num.umax > MAX_PACKET_OFF ||
        pointer->num.umax + (uint64_t)pointer->off > MAX_PACKET_OFF)
        return;
    each_reg(v, extend_range, &p);
}

static bool is_end_for(const struct reg *end, const struct reg *pointer)
{
    if (pointer->type == REG_PACKET)
        return end->type == REG_PACKET_END;
    return pointer->type == REG_META && end->type == REG_PACKET && end->id == 0 && end->off == 0 &&
           scalar_is(&end->num, 0);
}

static void refine_packet(struct verifier *v, const struct operands *o, bool taken)
{
    struct reg *pointer = o->dst;
    uint8_t code = o->code;
    bool inside;

    if (o->is32 || o->immediate)
        return;
    if (!is_end_for(o->src, pointer)) {
        pointer = o->src;
        code = scalar_flip(code);
        if (!is_end_for(o->dst, pointer))
            return;
    }
    switch (code) {
    case EBPF_JMP_JGT:
    case EBPF_JMP_JGE:
        inside = !taken;
        break;
    case EBPF_JMP_JLT:
    case EBPF_JMP_JLE:
        inside = taken;
        break;
    default:
        return;
    }
    if (inside) /* the strict comparison proves the byte at the pointer too */
        prove(v, pointer, code == EBPF_JMP_JGE || code == EBPF_JMP_JLT);
    else if (pointer->type == REG_PACKET)
        pointer->range =
            code == EBPF_JMP_JGT || code == EBPF_JMP_JLE ? RANGE_BEYOND_END : RANGE_AT_END;
}

/* ---- */

void verify_jump_side(struct verifier *v, uint32_t at, bool taken)
{
    struct operands o;

    read_operands(v, at, &o);
    if (o.dst->type == REG_SCALAR && o.src->type == REG_SCALAR) {
        refine_numbers(v, &o, taken);
        return;
    }
    refine_equal_pointers(v, &o, taken);
    if (reg_not_null(o.dst) != REG_NONE && o.immediate && reg_is_zero(o.src) && !o.is32 &&
        (o.code == EBPF_JMP_JEQ || o.code == EBPF_JMP_JNE)) {
        struct null_check c = {o.dst->id, (o.code == EBPF_JMP_JEQ) == taken, at};

        if (c.is_null && o.dst->ref)
            verify_forget_ref(v, o.dst->ref);
        each_reg(v, resolve_null, &c);
        return;
    }
    refine_packet(v, &o, taken);
}

int verify_jump(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const uint32_t target = (uint32_t)ebpf_target(i, at);
    struct verify_fact *fact = verify_fact_at(v, at);
    struct operands o;
    int known;
    int err = verify_check_read(v, at, i->dst);

    if (!err && ebpf_src_is_reg(i))
        err = verify_check_read(v, at, i->src);
    if (err)
        return err;
    v->jumps++;
    read_operands(v, at, &o);
    known = decide(&o);
    if (known >= 0) {
        verify_precise_reg(v, o.dst);
        verify_precise_reg(v, o.src);
        fact->jumps |= known;
        fact->falls_through |= !known;
        v->cur.insn = known ? target : at + 1;
        return 0;
    }
    fact->jumps = true;
    fact->falls_through = true;
    limit_links(v, &o);
    v->cur.insn = at + 1;
    err = verify_wait(v, at);
    if (!err)
        verify_jump_side(v, at, false);
    return err;
}
