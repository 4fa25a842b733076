/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* Loads, stores and atomic operations: what they leave behind. */

/* The value of a constant at a constant place: data that nobody can change. */
static bool load_frozen(const struct verifier *v, const struct access *a, struct reg *dst)
{
    const struct load_map *m = &v->object->maps[a->base.map];
    uint64_t value = 0;

    if (a->base.type != REG_VALUE || m->kind != LOAD_MAP_RODATA || !m->data ||
        !scalar_is_const(&a->base.num))
        return false;
    memcpy(&value, m->data + (int64_t)a->base.num.bits.value + a->base.off + a->off, a->bytes);
    reg_set_scalar(dst, scalar_const(value), 0, a->at);
    return true;
}

static void load_context(const struct access *a, struct reg *dst)
{
    switch (a->off) {
    case SPEC_CTX_DATA:
        reg_set_pointer(dst, REG_PACKET, a->at);
        break;
    case SPEC_CTX_DATA_END:
        reg_set_pointer(dst, REG_PACKET_END, a->at);
        break;
    case SPEC_CTX_DATA_META:
        reg_set_pointer(dst, REG_META, a->at);
        break;
    default:
        reg_set_scalar(dst, scalar_unknown(), 0, a->at);
        break;
    }
}

/* Reads memory into a register, extended to 64 bits. The access is checked. */
static int load(struct verifier *v, const struct access *a, bool sign, struct reg *dst)
{
    int err = 0;

    if (a->base.type == REG_STACK)
        err = verify_stack_read(v, a, dst);
    else if (a->base.type == REG_CTX)
        load_context(a, dst);
    else if (!load_frozen(v, a, dst))
        reg_set_scalar(dst, scalar_unknown(), 0, a->at);
    if (err || dst->type != REG_SCALAR || a->bytes == 8)
        return err;
    if (sign) {
        scalar_sign_extend(&dst->num, a->bytes, 64);
        scalar_sync(&dst->num);
        reg_unlink(dst);
    } else {
        scalar_truncate(&dst->num, a->bytes);
    }
    if (scalar_is_broken(&dst->num))
        dst->num = scalar_unknown();
    return 0;
}

int verify_load(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    struct access a = {.at = at, .reg = i->src, .off = i->off, .bytes = ebpf_size_bytes(i->opcode)};
    struct reg value;
    int err = verify_check_read(v, at, i->src);

    if (!err)
        err = verify_check_write(v, at, i->dst);
    if (err)
        return err;
    a.base = *cur_reg(v, i->src);
    err = verify_check_memory(v, &a);
    if (!err)
        err = load(v, &a, ebpf_is_load_signed(i), &value);
    if (err)
        return err;
    *cur_reg(v, i->dst) = value;
    verify_note_access(v, &a);
    return 0;
}

/* ---- stores ---- */

static int check_stored_pointer(struct verifier *v, const struct access *a, const struct reg *value)
{
    if (!reg_is_pointer(value))
        return 0;
    if (a->base.type != REG_STACK)
        return verify_refuse(v, "VFY0047", a->at,
                             "%s is stored where it can be seen from outside; addresses differ "
                             "from executor to executor",
                             verify_describe(v, value));
    if (a->bytes != SLOT_BYTES || !scalar_is_const(&a->base.num))
        return verify_reject(
            v, "VFY0048", a->at,
            "%u bytes of %s are stored at %s offset; store pointers whole, at a constant offset",
            a->bytes, verify_describe(v, value),
            scalar_is_const(&a->base.num) ? "a constant" : "a variable");
    if (value->type == REG_STACK && a->base.frame != v->cur.depth)
        return verify_reject(
            v, "VFY0083", a->at,
            "%s is stored in the frame of a caller, which may outlive what it points to",
            verify_describe(v, value));
    return 0;
}

int verify_store(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool immediate = ebpf_class_of(i) == EBPF_CLASS_ST;
    struct access a = {
        .at = at, .reg = i->dst, .off = i->off, .bytes = ebpf_size_bytes(i->opcode), .write = true};
    struct reg constant;
    struct reg *value = immediate ? &constant : cur_reg(v, i->src);
    int err = verify_check_read(v, at, i->dst);

    reg_set_scalar(&constant, scalar_const((uint64_t)(int64_t)i->imm), 0, at);
    if (!err && !immediate)
        err = verify_check_read(v, at, i->src);
    if (err)
        return err;
    a.base = *cur_reg(v, i->dst);
    err = verify_check_memory(v, &a);
    if (!err)
        err = check_stored_pointer(v, &a, value);
    if (err)
        return err;
    if (a.base.type == REG_STACK)
        verify_stack_write(v, &a, value);
    verify_note_access(v, &a);
    return 0;
}

/* ---- atomics ---- */

static int check_atomic(struct verifier *v, const struct access *a, const struct reg *operand)
{
    const struct reg *p = &a->base;

    if (p->type == REG_CTX || p->type == REG_PACKET || p->type == REG_META)
        return verify_reject(
            v, "VFY0049", a->at,
            "atomic operation through r%u, which is %s: atomics work on map values and the stack",
            a->reg, verify_describe(v, p));
    if (p->type == REG_STACK && !scalar_is_const(&p->num))
        return verify_reject(
            v, "VFY0049", a->at,
            "atomic operation through r%u, which is %s: on the stack its offset must be constant",
            a->reg, verify_describe(v, p));
    if (reg_is_pointer(operand))
        return verify_refuse(v, "VFY0049", a->at,
                             "%s would go to memory by an atomic operation; addresses differ from "
                             "executor to executor",
                             verify_describe(v, operand));
    return 0;
}

/* After the bounds, which say more. */
static int check_atomic_alignment(struct verifier *v, const struct access *a)
{
    const struct reg *p = &a->base;

    if ((p->type == REG_VALUE || p->type == REG_RECORD) &&
        !tnum_is_aligned(tnum_add(p->num.bits, tnum_const((uint64_t)((int64_t)p->off + a->off))),
                         a->bytes))
        return verify_reject(
            v, "VFY0066", a->at,
            "atomic operation through r%u, which is %s: it is not aligned to its %u bytes", a->reg,
            verify_describe(v, p), a->bytes);
    return 0;
}

/* The register that gets the old value, or EBPF_REGS for none. */
static uint32_t fetch_reg(const struct ebpf_insn *i)
{
    if (!(i->imm & EBPF_FETCH))
        return EBPF_REGS;
    return ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG ? 0 : i->src;
}

/* The old value is read on the stack even if nobody takes it. */
static int read_old(struct verifier *v, const struct access *a, struct reg *old)
{
    struct access part = *a;
    int err = load(v, &part, false, old);

    if (err || !reg_is_pointer(old))
        return err;
    return verify_reject(v, "VFY0049", a->at,
                         "atomic operation on the stack where %s was stored; it works on numbers",
                         verify_describe(v, old));
}

int verify_atomic(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const uint32_t fetch = fetch_reg(i);
    const bool compares = ebpf_atomic_of(i->imm) == SPEC_ATOMIC_CMPXCHG;
    struct access a = {.at = at,
                       .reg = i->dst,
                       .off = i->off,
                       .bytes = ebpf_size_bytes(i->opcode),
                       .write = true,
                       .atomic = true};
    struct reg old;
    int err = verify_check_read(v, at, i->src);

    if (!err)
        err = verify_check_read(v, at, i->dst);
    if (!err && compares)
        err = verify_check_read(v, at, 0);
    if (err)
        return err;
    a.base = *cur_reg(v, i->dst);
    err = check_atomic(v, &a, cur_reg(v, i->src));
    if (!err && compares && reg_is_pointer(cur_reg(v, 0)))
        err = check_atomic(v, &a, cur_reg(v, 0));
    if (!err)
        err = verify_check_memory(v, &a);
    if (!err)
        err = check_atomic_alignment(v, &a);
    if (!err && fetch == i->dst)
        err = verify_reject(v, "VFY0049", at,
                            "the old value would overwrite r%u, the address; use another register",
                            fetch);
    if (!err)
        err = read_old(v, &a, &old);
    if (err)
        return err;
    if (a.base.type == REG_STACK)
        verify_stack_write(v, &a, NULL);
    if (fetch < EBPF_REGS) /* not r10, which as operand is a pointer */
        *cur_reg(v, fetch) = old;
    verify_note_access(v, &a);
    return 0;
}
