/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Conditional jumps: what each outcome says of the registers (check_cond_jmp_op of
 * kernel/bpf/verifier.c). */

typedef void (*reg_fn)(struct verifier *v, struct reg *r, void *ctx);

/* Visits all registers and spilled registers of all frames. */
static void each_reg(struct verifier *v, reg_fn fn, void *ctx)
{
    for (uint32_t d = 0; d <= v->cur->depth; d++) {
        struct frame *f = &v->cur->frames[d];

        for (unsigned r = 0; r < EBPF_REGS; r++)
            fn(v, &f->regs[r], ctx);
        for (uint32_t s = 0; s < f->slot_count; s++)
            if (f->slots[s].kind[0] == SLOT_SPILL)
                fn(v, &f->slots[s].reg, ctx);
    }
}

/* --- numbers
 * ------------------------------------------------------------------------------------------ */

static void copy_number(struct verifier *v, struct reg *r, void *ctx)
{
    const struct reg *known = ctx;

    (void)v;
    if (r->type == REG_SCALAR && r->id == known->id)
        r->num = known->num;
}

/* What is known of a number now holds for all registers that have the same one. */
static void spread(struct verifier *v, struct reg *dst, struct scalar num)
{
    struct reg known;

    dst->num = num;
    known = *dst;
    if (dst->type == REG_SCALAR && dst->id)
        each_reg(v, copy_number, &known);
}

static bool refine_numbers(struct verifier *v, enum spec_alu op, unsigned width, bool taken,
                           struct reg *dst, struct reg *src)
{
    struct scalar a = dst->num, b = src->num;

    if (dst == src) /* nothing is learned of a number from itself, and Linux does not decide it */
        return !scalar_is_const(&a) || scalar_refine(op, width, taken, &a, &b);
    if (!scalar_refine(op, width, taken, &a, &b))
        return false;
    spread(v, dst, a);
    if (src->id || src->type == REG_SCALAR)
        spread(v, src, b);
    return true;
}

/* --- NULL
 * -----------------------------------------------------------------------------------------------
 */

struct null_check {
    uint32_t id;
    bool null;
};

static void resolve_null(struct verifier *v, struct reg *r, void *ctx)
{
    const struct null_check *c = ctx;

    (void)v;
    if (r->type != REG_VALUE_OR_NULL || r->id != c->id)
        return;
    if (c->null)
        set_scalar(r, scalar_const(0));
    else {
        r->type = REG_VALUE;
        r->id = 0;
    }
}

/* --- packets
 * -------------------------------------------------------------------------------------------- */

struct packet_check {
    uint32_t id;
    uint8_t type;
    uint32_t range;
};

static void extend_range(struct verifier *v, struct reg *r, void *ctx)
{
    const struct packet_check *c = ctx;

    (void)v;
    if (r->type == c->type && r->id == c->id && r->range < c->range)
        r->range = c->range;
}

/* pointer <= end holds (or pointer < end: one byte more). An offset of 0 proves nothing, as in
 * Linux (find_good_pkt_pointers). */
static void prove_range(struct verifier *v, const struct reg *pointer, bool open)
{
    struct packet_check c = {pointer->id, pointer->type, 0};

    if (pointer->off <= 0 || pointer->num.umax > MAX_PACKET_OFF ||
        pointer->num.umax + (uint64_t)pointer->off > MAX_PACKET_OFF)
        return;
    c.range = (uint32_t)pointer->off + open;
    each_reg(v, extend_range, &c);
}

/* pointer OP end came out as taken: is that pointer < end, pointer <= end, or neither? */
static void compare_with_end(struct verifier *v, enum spec_alu op, bool taken,
                             const struct reg *pointer)
{
    if ((op == SPEC_ALU_UGT && !taken) || (op == SPEC_ALU_ULE && taken))
        prove_range(v, pointer, false);
    else if ((op == SPEC_ALU_UGE && !taken) || (op == SPEC_ALU_ULT && taken))
        prove_range(v, pointer, true);
}

static enum spec_alu mirrored(enum spec_alu op)
{
    switch (op) {
    case SPEC_ALU_UGT:
        return SPEC_ALU_ULT;
    case SPEC_ALU_ULT:
        return SPEC_ALU_UGT;
    case SPEC_ALU_UGE:
        return SPEC_ALU_ULE;
    case SPEC_ALU_ULE:
        return SPEC_ALU_UGE;
    default:
        return op;
    }
}

static bool is_start_of_packet(const struct reg *r)
{
    return r->type == REG_PKT && !r->off && !r->id && scalar_is_const(&r->num) &&
           !r->num.bits.value;
}

static void compare_pointers(struct verifier *v, enum spec_alu op, bool taken, const struct reg *a,
                             const struct reg *b)
{
    if ((a->type == REG_PKT && b->type == REG_PKT_END) ||
        (a->type == REG_PKT_META && is_start_of_packet(b))) {
        const struct reg copy = *a;

        compare_with_end(v, op, taken, &copy);
    } else if ((b->type == REG_PKT && a->type == REG_PKT_END) ||
               (b->type == REG_PKT_META && is_start_of_packet(a))) {
        const struct reg copy = *b;

        compare_with_end(v, mirrored(op), taken, &copy);
    }
}

/* A comparison with the constant 0, which the kernel takes for a check for NULL; one with a
 * register that holds 0 says nothing to it. */
static bool is_null_check(const struct ebpf_insn *i, enum spec_alu op)
{
    return ebpf_class_of(i) == EBPF_CLASS_JMP && !ebpf_src_is_reg(i) && !i->imm &&
           (op == SPEC_ALU_EQ || op == SPEC_ALU_NE);
}

int verify_jump(struct verifier *v, uint32_t at, bool taken, bool *possible)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const enum spec_alu op = (enum spec_alu)ebpf_jmp_row(i)->alu;
    const unsigned width = ebpf_class_of(i) == EBPF_CLASS_JMP32 ? 32 : 64;
    struct reg *dst = reg_of(v, i->dst);
    struct reg constant;
    struct reg *src = &constant;
    int err = verify_reads(v, at, i->dst);

    set_scalar(&constant, scalar_const((uint64_t)(int64_t)i->imm));
    if (!err && ebpf_src_is_reg(i)) {
        err = verify_reads(v, at, i->src);
        src = reg_of(v, i->src);
    }
    if (err)
        return err;
    *possible = true;
    if (dst->type == REG_SCALAR && src->type == REG_SCALAR) {
        *possible = refine_numbers(v, op, width, taken, dst, src);
    } else if (is_null_check(i, op)) {
        const bool null = (op == SPEC_ALU_EQ) == taken;
        struct null_check c = {dst->id, null};

        if (dst->type == REG_VALUE_OR_NULL)
            each_reg(v, resolve_null, &c);
        else if (dst->type == REG_VALUE)
            *possible = !null;
    } else if (width == 64) {
        compare_pointers(v, op, taken, dst, src);
    }
    return 0;
}
