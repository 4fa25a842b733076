/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* Loads, stores and atomics: where they may go (check_mem_access of kernel/bpf/verifier.c), and
 * what they leave. */

/* BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG of a map's flags. */
enum { FLAG_RDONLY = 1 << 7, FLAG_WRONLY = 1 << 8 };

struct access {
    uint32_t at;
    const struct reg *base;
    unsigned reg; /* number of base, for messages */
    int32_t off;
    uint32_t bytes;
    bool write;
    bool atomic;
};

static const char *kind(const struct access *a)
{
    return a->atomic ? "atomic" : a->write ? "store" : "load";
}

/* --- stack
 * ------------------------------------------------------------------------------------------ */

static uint32_t slot_of(int32_t off)
{
    return (uint32_t)(-off - 1) / SLOT_BYTES;
}

static uint32_t byte_of(int32_t off)
{
    return (uint32_t)(off + SPEC_STACK_BYTES) % SLOT_BYTES;
}

static struct frame *frame_of(struct verifier *v, const struct access *a)
{
    return &v->cur->frames[a->base->frame];
}

static void note_depth(struct verifier *v, const struct access *a, int32_t low)
{
    const uint32_t sub = v->result->contexts[frame_of(v, a)->context].subprog;
    const uint32_t depth = ((uint32_t)-low + 7) & ~7u;

    if (depth > v->result->stack_bytes[sub])
        v->result->stack_bytes[sub] = depth;
}

static int check_stack(struct verifier *v, const struct access *a, int32_t *low, int32_t *high)
{
    const struct scalar *n = &a->base->num;
    int64_t first, last;

    if (n->smin < -SPEC_STACK_BYTES || n->smax > SPEC_STACK_BYTES)
        return verify_reject(
            v, "VFY0041", a->at,
            "%s of %u bytes through r%u, which is %s: the offset is not bounded; compare it first",
            kind(a), a->bytes, a->reg, verify_describe(v, a->base));
    first = n->smin + a->base->off + a->off;
    last = n->smax + a->base->off + a->off;
    if (first < -SPEC_STACK_BYTES || last + a->bytes > 0)
        return verify_reject(
            v, "VFY0042", a->at,
            "%s of %u bytes at r10%+lld is outside of the stack (%d bytes below r10)", kind(a),
            a->bytes, (long long)(first < -SPEC_STACK_BYTES ? first : last), SPEC_STACK_BYTES);
    if (a->bytes <= 8 && !(a->bytes & (a->bytes - 1)) &&
        ((first % a->bytes) || (n->bits.mask & (a->bytes - 1))))
        return verify_reject(v, "VFY0043", a->at,
                             "%s of %u bytes at r10%+lld is not aligned; accesses of the stack are",
                             kind(a), a->bytes, (long long)first);
    *low = (int32_t)first;
    *high = (int32_t)last;
    note_depth(v, a, *low);
    return 0;
}

static struct slot *slot_at(struct frame *f, int32_t off)
{
    const uint32_t i = slot_of(off);

    if (i >= f->slot_count)
        f->slot_count = i + 1;
    return &f->slots[i];
}

/* Bytes of a spilled register, from the slot's first on; a pointer's are always 8. */
static uint32_t spill_bytes(const struct slot *s)
{
    uint32_t n = 0;

    while (n < SLOT_BYTES && s->kind[n] == SLOT_SPILL)
        n++;
    return n;
}

/* A byte is about to be something else: a spilled register in its slot becomes plain bytes. */
static void break_spill(struct slot *s)
{
    memset(s->kind, SLOT_MISC, spill_bytes(s));
    s->reg = (struct reg){0};
}

/* Keeps what is known of a register, or of the lower bytes of a number. */
static void spill(struct slot *s, const struct reg *value, uint32_t bytes)
{
    break_spill(s);
    memset(s->kind, SLOT_SPILL, bytes);
    s->reg = *value;
    if (bytes < SLOT_BYTES && value->num.umax >> (bytes * 8)) {
        const struct scalar mask = scalar_const((UINT64_C(1) << (bytes * 8)) - 1);

        set_scalar(&s->reg, scalar_alu(SPEC_ALU_AND, 64, &value->num, &mask));
    }
}

static void write_stack(struct verifier *v, const struct access *a, int32_t low, int32_t high,
                        const struct reg *value)
{
    struct frame *f = frame_of(v, a);
    const bool zero =
        value->type == REG_SCALAR && scalar_is_const(&value->num) && !value->num.bits.value;

    if (low == high && !byte_of(low) && !zero) {
        spill(slot_at(f, low), value, a->bytes);
        return;
    }
    for (int32_t off = low; off < high + (int32_t)a->bytes; off++) {
        struct slot *s = slot_at(f, off);
        uint8_t *k = &s->kind[byte_of(off)];

        break_spill(s);
        if (low == high)
            *k = zero ? SLOT_ZERO : SLOT_MISC;
        else if (*k != SLOT_NONE && !(*k == SLOT_ZERO && zero))
            *k = SLOT_MISC; /* one of several places: others keep what they had */
    }
}

static bool holds_pointer(const struct slot *s)
{
    return s->kind[0] == SLOT_SPILL && s->reg.type != REG_SCALAR;
}

/* Every byte that may be read was written, and none is a pointer's: addresses differ from executor
 * to executor. Linux lets root read bytes that were never written; what they hold differs from run
 * to run, so we do not. */
static int check_written(struct verifier *v, const struct access *a, int32_t low, int32_t high)
{
    const struct frame *f = frame_of(v, a);

    for (int32_t off = low; off < high + (int32_t)a->bytes; off++) {
        const uint32_t i = slot_of(off);

        if (i < f->slot_count && holds_pointer(&f->slots[i]))
            return verify_reject(
                v, "VFY0045", a->at,
                "%s of %u bytes at r10%+d takes bytes of a spilled register (%s at r10%+d); read "
                "all 8 at a constant offset, by a load",
                kind(a), a->bytes, low, verify_describe(v, &f->slots[i].reg),
                -8 * ((int32_t)i + 1));
        if (i < f->slot_count && f->slots[i].kind[byte_of(off)] != SLOT_NONE)
            continue;
        return verify_reject(v, "VFY0044", a->at,
                             "%s of %u bytes at r10%+d reads the byte at r10%+d, which was never "
                             "written on this path; initialise it (padding too: = {})",
                             kind(a), a->bytes, low, off);
    }
    return 0;
}

static int read_stack(struct verifier *v, const struct access *a, int32_t low, int32_t high,
                      struct reg *dst)
{
    const struct frame *f = frame_of(v, a);
    const struct slot *s = &f->slots[slot_of(low)];
    bool zero = low == high;
    int err;

    if (low == high && !byte_of(low) && spill_bytes(s) >= a->bytes &&
        (a->bytes == SLOT_BYTES || s->reg.type == REG_SCALAR)) {
        const uint64_t mask =
            a->bytes == SLOT_BYTES ? UINT64_MAX : (UINT64_C(1) << (a->bytes * 8)) - 1;
        const struct scalar low_bytes = scalar_const(mask);

        *dst = s->reg;
        if (s->reg.type == REG_SCALAR && s->reg.num.umax > mask)
            set_scalar(dst, scalar_alu(SPEC_ALU_AND, 64, &s->reg.num, &low_bytes));
        return 0;
    }
    err = check_written(v, a, low, high);
    if (err)
        return err;
    for (int32_t off = low; zero && off < low + (int32_t)a->bytes; off++)
        zero = s->kind[byte_of(off)] == SLOT_ZERO;
    set_scalar(dst, zero            ? scalar_const(0)
                    : a->bytes == 8 ? scalar_unknown()
                                    : scalar_up_to((UINT64_C(1) << (a->bytes * 8)) - 1));
    return 0;
}

/* --- the other memories
 * ----------------------------------------------------------------------------- */

static int check_packet(struct verifier *v, const struct access *a)
{
    const struct reg *r = a->base;
    const int64_t first = (int64_t)r->off + a->off;

    if (r->num.smin < 0)
        return verify_reject(v, "VFY0050", a->at,
                             "%s through r%u, which is %s: the variable offset may be negative; "
                             "bound it by an unsigned compare or a mask",
                             kind(a), a->reg, verify_describe(v, r));
    if (first < 0 || first + a->bytes > r->range ||
        r->num.umax + (uint64_t)first + a->bytes - 1 > MAX_PACKET_OFF)
        return verify_reject(v, "VFY0051", a->at,
                             "%s of %u bytes through r%u at offset %lld, but r%u is %s: compare "
                             "with data_end first (offset + %u > data_end must leave)",
                             kind(a), a->bytes, a->reg, (long long)first, a->reg,
                             verify_describe(v, r), a->bytes);
    return 0;
}

static int check_value(struct verifier *v, const struct access *a)
{
    const struct reg *r = a->base;
    const struct load_map *m = &v->object->maps[r->map];
    const int64_t low = r->num.smin + r->off + a->off;

    if (r->num.smin <= -(1 << 29) || low < 0)
        return verify_reject(v, "VFY0053", a->at,
                             "%s through r%u, which is %s: the offset may be negative", kind(a),
                             a->reg, verify_describe(v, r));
    if (r->num.umax >= 1u << 29 ||
        (int64_t)r->num.umax + r->off + a->off + a->bytes > m->value_bytes)
        return verify_reject(v, "VFY0054", a->at,
                             "%s of %u bytes through r%u, which is %s: may go past the end of the "
                             "value (%u bytes); bound the offset",
                             kind(a), a->bytes, a->reg, verify_describe(v, r), m->value_bytes);
    if (a->write && (m->flags & FLAG_RDONLY || m->kind == LOAD_MAP_RODATA))
        return verify_reject(v, "VFY0055", a->at, "map %s can't be written by programs", m->name);
    if ((!a->write || a->atomic) && m->flags & FLAG_WRONLY)
        return verify_reject(v, "VFY0056", a->at, "map %s can't be read by programs", m->name);
    assert(!spec_map_type_table[m->type].redirect); /* VFY0073 */
    return 0;
}

static int check_context(struct verifier *v, const struct access *a)
{
    const struct reg *r = a->base;
    const int32_t off = r->off + a->off;

    assert(scalar_is_const(&r->num) && !r->num.bits.value && !r->off); /* VFY0033 */
    if (a->write)
        return verify_reject(v, "VFY0061", a->at, "fields of struct xdp_md can't be written");
    if (a->bytes != 4 || off % 4 || off < 0 || off > SPEC_CTX_EGRESS_IFINDEX)
        return verify_reject(v, "VFY0062", a->at,
                             "load of %u bytes at offset %d of struct xdp_md; its fields have 4 "
                             "bytes each, at 0 to %d",
                             a->bytes, off, SPEC_CTX_EGRESS_IFINDEX);
    if (off == SPEC_CTX_EGRESS_IFINDEX)
        return verify_reject(v, "VFY0063", a->at,
                             "egress_ifindex is for programs of a devmap only");
    return 0;
}

/* What may be done through other pointers: nothing. */
static int check_no_memory(struct verifier *v, const struct access *a)
{
    if (a->base->type == REG_VALUE_OR_NULL)
        return verify_reject(v, "VFY0040", a->at,
                             "%s through r%u, which is %s; compare it with NULL first", kind(a),
                             a->reg, verify_describe(v, a->base));
    return verify_reject(v, "VFY0046", a->at,
                         "%s through r%u, which is %s: not a pointer to memory", kind(a), a->reg,
                         verify_describe(v, a->base));
}

static int check_memory(struct verifier *v, const struct access *a)
{
    switch ((enum reg_type)a->base->type) {
    case REG_CTX:
        return check_context(v, a);
    case REG_PKT:
    case REG_PKT_META:
        return check_packet(v, a);
    case REG_VALUE:
        return check_value(v, a);
    default:
        return check_no_memory(v, a);
    }
}

static void load_context(struct reg *dst, int32_t off)
{
    const struct reg pointer = {.num = scalar_const(0)};

    *dst = pointer;
    if (off == SPEC_CTX_DATA)
        dst->type = REG_PKT;
    else if (off == SPEC_CTX_DATA_META)
        dst->type = REG_PKT_META;
    else if (off == SPEC_CTX_DATA_END)
        dst->type = REG_PKT_END;
    else
        set_scalar(dst, scalar_up_to(UINT32_MAX));
}

/* A frozen value at a constant place is known. */
static bool load_constant(const struct verifier *v, const struct access *a, struct reg *dst)
{
    const struct load_map *m = &v->object->maps[a->base->map];
    uint64_t value = 0;

    if (a->base->type != REG_VALUE || m->kind != LOAD_MAP_RODATA || !m->data ||
        !scalar_is_const(&a->base->num))
        return false;
    memcpy(&value, m->data + (int64_t)a->base->num.bits.value + a->base->off + a->off, a->bytes);
    set_scalar(dst, scalar_const(value));
    return true;
}

static void extend_sign(const struct ebpf_insn *i, struct reg *dst, uint32_t bytes)
{
    static const enum spec_alu ops[] = {
        [1] = SPEC_ALU_SEXT8, [2] = SPEC_ALU_SEXT16, [4] = SPEC_ALU_SEXT32};

    if (ebpf_is_load_signed(i) && dst->type == REG_SCALAR)
        set_scalar(dst, scalar_alu(ops[bytes], 64, &dst->num, NULL));
}

/* One instruction loads fields of the context on all paths, or memory on all. */
static int check_touched(struct verifier *v, const struct access *a)
{
    const uint8_t now = a->base->type == REG_CTX ? TOUCHES_CONTEXT : TOUCHES_MEMORY;
    const uint8_t before = v->touches[a->at];

    v->touches[a->at] = now;
    if (before == TOUCHES_NOTHING || before == now)
        return 0;
    return verify_reject(v, "VFY0064", a->at,
                         "r%u is %s on this path, and %s on another: load fields of the context by "
                         "an instruction of their own",
                         a->reg, verify_describe(v, a->base),
                         before == TOUCHES_CONTEXT ? "the context" : "a pointer to memory");
}

int verify_load(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct reg base = *reg_of(v, i->src);
    const struct access a = {
        .at = at, .base = &base, .reg = i->src, .off = i->off, .bytes = ebpf_size_bytes(i->opcode)};
    struct reg *dst = reg_of(v, i->dst);
    int32_t low, high;
    int err = verify_reads(v, at, i->src);

    if (!err && i->dst == EBPF_REG_FP)
        err = verify_reject(v, "VFY0021", at, "r10, the frame pointer, is read-only");
    if (err)
        return err;
    if (base.type == REG_STACK) {
        err = check_stack(v, &a, &low, &high);
        if (!err)
            err = read_stack(v, &a, low, high, dst);
    } else {
        err = check_memory(v, &a);
        if (!err && base.type == REG_CTX && ebpf_is_load_signed(i))
            err = verify_reject(v, "VFY0062", at, "sign-extending load of the context");
        if (!err && base.type == REG_CTX)
            load_context(dst, base.off + i->off);
        else if (!err && !load_constant(v, &a, dst))
            set_scalar(dst, a.bytes == 8 ? scalar_unknown()
                                         : scalar_up_to((UINT64_C(1) << (a.bytes * 8)) - 1));
    }
    if (!err)
        err = check_touched(v, &a);
    if (err)
        return err;
    extend_sign(i, dst, a.bytes);
    verify_note_access(v, at, &base, i->off);
    return 0;
}

int verify_store(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct reg base = *reg_of(v, i->dst);
    const struct access a = {.at = at,
                             .base = &base,
                             .reg = i->dst,
                             .off = i->off,
                             .bytes = ebpf_size_bytes(i->opcode),
                             .write = true};
    struct reg value;
    int32_t low, high;
    int err = verify_reads(v, at, i->dst);

    set_scalar(&value, scalar_const((uint64_t)(int64_t)i->imm));
    if (!err && ebpf_class_of(i) == EBPF_CLASS_STX) {
        struct reg *src = reg_of(v, i->src);

        err = verify_reads(v, at, i->src);
        if (src->type == REG_SCALAR && !src->id && !scalar_is_const(&src->num))
            src->id = ++v->next_id; /* what is learned of the register later holds for the copy */
        value = *src;
    }
    if (err)
        return err;
    if (base.type != REG_STACK) {
        err = check_memory(v, &a);
        if (!err && value.type != REG_SCALAR)
            err = verify_refuse(
                v, "VFY0047", at,
                "%s is stored where others can read it; addresses differ from executor to executor",
                verify_describe(v, &value));
    } else {
        err = check_stack(v, &a, &low, &high);
        if (!err && value.type != REG_SCALAR && (a.bytes != 8 || low != high))
            err = verify_reject(
                v, "VFY0048", at,
                "%u bytes of %s are stored; spill all 8 bytes of a pointer, at a constant offset",
                a.bytes, verify_describe(v, &value));
        if (!err && value.type == REG_STACK && base.frame != v->cur->depth)
            err = verify_reject(v, "VFY0083", at,
                                "%s is stored in the stack of a caller, which may outlive it; "
                                "pass it as an argument instead",
                                verify_describe(v, &value));
        if (!err)
            write_stack(v, &a, low, high, &value);
    }
    if (!err)
        verify_note_access(v, at, &base, i->off);
    return err;
}

static int check_atomic_operands(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const bool cmpxchg = ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG;
    int err = verify_reads(v, at, i->dst);

    if (!err)
        err = verify_reads(v, at, i->src);
    if (!err && cmpxchg)
        err = verify_reads(v, at, 0);
    if (err)
        return err;
    if (reg_of(v, i->src)->type != REG_SCALAR || (cmpxchg && reg_of(v, 0)->type != REG_SCALAR))
        return verify_reject(v, "VFY0049", at, "the operand of an atomic is a pointer");
    if (i->imm & EBPF_FETCH && !cmpxchg && i->src == EBPF_REG_FP)
        return verify_reject(v, "VFY0021", at, "r10, the frame pointer, is read-only");
    return 0;
}

int verify_atomic(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct reg base = *reg_of(v, i->dst);
    const struct access a = {.at = at,
                             .base = &base,
                             .reg = i->dst,
                             .off = i->off,
                             .bytes = ebpf_size_bytes(i->opcode),
                             .write = true,
                             .atomic = true};
    struct reg old;
    int32_t low, high;
    int err = check_atomic_operands(v, at);

    if (err)
        return err;
    set_scalar(&old, a.bytes == 8 ? scalar_unknown() : scalar_up_to(UINT32_MAX));
    if (base.type == REG_STACK) {
        struct reg unknown;

        set_unknown(&unknown);
        err = check_stack(v, &a, &low, &high);
        if (!err)
            err = read_stack(v, &a, low, high, &old);
        if (!err && old.type != REG_SCALAR)
            err = verify_reject(v, "VFY0049", at, "atomic on a spilled pointer");
        if (!err)
            write_stack(v, &a, low, high, &unknown);
    } else if (base.type == REG_VALUE) {
        err = check_value(v, &a);
    } else if (base.type == REG_VALUE_OR_NULL) {
        err = check_no_memory(v, &a);
    } else {
        err = verify_reject(
            v, "VFY0049", at,
            "atomic through r%u, which is %s; atomics work on map values and the stack", i->dst,
            verify_describe(v, &base));
    }
    if (err)
        return err;
    if (ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG)
        *reg_of(v, 0) = old;
    else if (i->imm & EBPF_FETCH)
        *reg_of(v, i->src) = old;
    verify_note_access(v, at, &base, i->off);
    return 0;
}

int verify_read_memory(struct verifier *v, uint32_t at, unsigned r, uint32_t bytes)
{
    const struct reg base = *reg_of(v, r);
    const struct access a = {.at = at, .base = &base, .reg = r, .bytes = bytes};
    int32_t low, high;
    int err;

    switch ((enum reg_type)base.type) {
    case REG_STACK: {
        const struct scalar *n = &base.num;

        if (n->smin < -SPEC_STACK_BYTES || n->smax > SPEC_STACK_BYTES ||
            n->smin + base.off < -SPEC_STACK_BYTES || n->smax + base.off + bytes > 0)
            return verify_reject(v, "VFY0042", at,
                                 "the %u bytes at r%u, which is %s, are not all within the stack",
                                 bytes, r, verify_describe(v, &base));
        low = (int32_t)(n->smin + base.off);
        high = (int32_t)(n->smax + base.off);
        note_depth(v, &a, low);
        err = check_written(v, &a, low, high);
        return err;
    }
    case REG_PKT:
    case REG_PKT_META:
        return check_packet(v, &a);
    case REG_VALUE:
        return check_value(v, &a);
    default:
        return verify_reject(v, "VFY0070", at,
                             "r%u is %s, but the helper wants a pointer to %u bytes of memory", r,
                             verify_describe(v, &base), bytes);
    }
}
