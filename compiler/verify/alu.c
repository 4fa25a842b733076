/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* What arithmetic, moves and 64-bit constants do to registers. Pointers can be moved, and
 * subtracted from each other. */

/* ---- pointers ---- */

/* The variable part of a pointer moves by a number that is not one constant. */
static void move_variable(struct scalar *n, const struct scalar *by, bool subtract)
{
    struct scalar out = *n;
    bool wraps;

    if (subtract) {
        wraps = __builtin_sub_overflow(n->smin, by->smax, &out.smin);
        wraps |= __builtin_sub_overflow(n->smax, by->smin, &out.smax);
    } else {
        wraps = __builtin_add_overflow(n->smin, by->smin, &out.smin);
        wraps |= __builtin_add_overflow(n->smax, by->smax, &out.smax);
    }
    if (wraps) {
        out.smin = INT64_MIN;
        out.smax = INT64_MAX;
    }
    if (subtract) {
        wraps = n->umin < by->umax;
        out.umin = n->umin - by->umax;
        out.umax = n->umax - by->umin;
    } else {
        wraps = __builtin_add_overflow(n->umin, by->umin, &out.umin);
        wraps |= __builtin_add_overflow(n->umax, by->umax, &out.umax);
    }
    if (wraps) {
        out.umin = 0;
        out.umax = UINT64_MAX;
    }
    out.bits = subtract ? tnum_sub(n->bits, by->bits) : tnum_add(n->bits, by->bits);
    *n = out;
}

static int check_movable(struct verifier *v, uint32_t at, const struct reg *p, bool subtract,
                         const struct scalar *by)
{
    switch ((enum reg_type)p->type) {
    case REG_VALUE_OR_NULL:
    case REG_MAP_OR_NULL:
    case REG_RECORD_OR_NULL:
        return verify_reject(v, "VFY0032", at, "arithmetic on %s; compare it with NULL first",
                             verify_describe(v, p));
    case REG_CTX:
        if (scalar_is(by, 0))
            break;
        return verify_reject(
            v, "VFY0033", at,
            "arithmetic on %s; use it as it came, with the field's offset in the load",
            verify_describe(v, p));
    case REG_MAP:
        if (scalar_is(by, 0) && !subtract)
            break;
        return verify_reject(
            v, "VFY0033", at,
            "arithmetic on %s: the map is no array to a program; look its elements up",
            verify_describe(v, p));
    case REG_FUNC:
        return verify_reject(v, "VFY0033", at, "arithmetic on %s", verify_describe(v, p));
    case REG_VALUE:
        if (v->object->maps[p->map].type != SPEC_MAP_XSKMAP)
            break;
        return verify_reject(v, "VFY0033", at, "arithmetic on %s, which is a socket",
                             verify_describe(v, p));
    case REG_PACKET_END:
        return verify_reject(
            v, "VFY0033", at,
            "arithmetic on %s; move the packet pointer that is compared with it instead",
            verify_describe(v, p));
    case REG_STACK:
        if (!subtract)
            break;
        return verify_reject(v, "VFY0034", at, "subtraction from %s; add a negative number instead",
                             verify_describe(v, p));
    default:
        break;
    }
    return 0;
}

/* dst = pointer + by, or pointer - by. dst may be where pointer or by is. */
static int move_pointer(struct verifier *v, uint32_t at, struct reg *dst, const struct reg *pointer,
                        const struct scalar *by, bool subtract)
{
    struct reg p = *pointer;
    int64_t fixed;
    int err = check_movable(v, at, &p, subtract, by);

    if (!err)
        err = verify_check_distance(v, at, &p, by);
    if (!err)
        err = verify_check_offset(v, at, &p);
    if (err)
        return err;
    if (scalar_is_broken(by)) { /* no run comes here */
        reg_set_scalar(dst, scalar_unknown(), 0, at);
        return 0;
    }
    fixed = subtract ? p.off - by->smin : p.off + by->smin;
    if (scalar_is_const(by) && fixed == (int32_t)fixed) {
        p.off = (int32_t)fixed;
    } else {
        move_variable(&p.num, by, subtract);
        if (p.type == REG_PACKET || p.type == REG_META) {
            p.id = ++v->next_id;
            if (!subtract || by->smin < 0)
                p.range = 0;
        }
    }
    scalar_forget32(&p.num);
    err = verify_check_offset(v, at, &p);
    if (err)
        return err;
    scalar_sync(&p.num);
    p.from = at;
    *dst = p;
    return 0;
}

/* Both pointers go into the same memory, wherever that is. Linux lets root subtract any two. */
static bool is_distance(const struct verifier *v, const struct reg *a, const struct reg *b)
{
    switch ((enum reg_type)a->type) {
    case REG_PACKET:
    case REG_META:
    case REG_PACKET_END:
        return reg_is_packet(b);
    case REG_STACK:
        return b->type == REG_STACK && a->frame == b->frame;
    case REG_VALUE:
        return b->type == REG_VALUE && a->map == b->map &&
               v->object->maps[a->map].max_entries == 1 &&
               !spec_map_type_table[v->object->maps[a->map].type].redirect;
    case REG_RECORD:
        return b->type == REG_RECORD && a->ref == b->ref;
    default:
        return false;
    }
}

static int pointer_alu(struct verifier *v, uint32_t at, struct reg *dst, const struct reg *src)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const uint8_t code = ebpf_code_of(i);
    const struct reg *pointer = reg_is_pointer(dst) ? dst : src;

    if (reg_is_pointer(dst) && reg_is_pointer(src)) {
        if (code == EBPF_ALU_SUB && !is_distance(v, dst, src))
            return verify_refuse(v, "VFY0036", at,
                                 "%s and %s are not in one memory: how far they are apart differs "
                                 "from executor to executor",
                                 verify_describe(v, dst), verify_describe(v, src));
        if (code != EBPF_ALU_SUB)
            return verify_reject(v, "VFY0036", at, "%s and %s: two pointers can only be subtracted",
                                 verify_describe(v, dst), verify_describe(v, src));
        reg_set_scalar(dst, scalar_unknown(), 0, at);
        return 0;
    }
    verify_precise_reg(v, dst);
    verify_precise_reg(v, src);
    if (ebpf_is_alu32(i))
        return (code == EBPF_ALU_SUB ? verify_refuse : verify_reject)(
            v, "VFY0035", at,
            "32-bit arithmetic on %s cuts the address; use 64-bit addition or subtraction",
            verify_describe(v, pointer));
    if (code == EBPF_ALU_ADD)
        return move_pointer(v, at, dst, pointer, pointer == dst ? &src->num : &dst->num, false);
    if (code == EBPF_ALU_SUB && pointer == dst)
        return move_pointer(v, at, dst, dst, &src->num, true);
    if (code == EBPF_ALU_SUB)
        return verify_reject(v, "VFY0036", at,
                             "%s is subtracted from a number; subtract the number from the pointer",
                             verify_describe(v, pointer));
    return verify_reject(
        v, "VFY0036", at,
        "this operation on %s is not allowed: pointers can be moved by + and - only",
        verify_describe(v, pointer));
}

/* ---- numbers ---- */

/* Remembers r1 = r2 + constant: what a comparison says of one, it says of the other. One step is
 * followed, not more; a sum of 32 bits only of a number that has no more (was_narrow). */
static void follow_link(const struct ebpf_insn *i, struct reg *dst, const struct scalar *by,
                        bool was_narrow)
{
    const bool adds = ebpf_code_of(i) == EBPF_ALU_ADD;
    const int64_t value = ebpf_is_alu64(i) ? (int64_t)by->bits.value : (int32_t)by->bits.value;

    if ((ebpf_is_alu64(i) || was_narrow) && (adds || ebpf_code_of(i) == EBPF_ALU_SUB) && dst->id &&
        !dst->has_delta && scalar_is_const(by) && value > INT32_MIN && value <= INT32_MAX) {
        dst->has_delta = true;
        dst->delta32 = !ebpf_is_alu64(i);
        dst->off = (int32_t)(adds ? value : -value);
        return;
    }
    reg_unlink(dst);
}

static void number_alu(struct verifier *v, uint32_t at, struct reg *dst, const struct reg *src)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool unary = ebpf_code_of(i) == EBPF_ALU_NEG || ebpf_code_of(i) == EBPF_ALU_END;
    const struct scalar by = src->num;
    const bool was_narrow = scalar_width(&dst->num) <= 32;
    const uint32_t node = unary ? dst->node : verify_node(v, dst->node, src->node);

    dst->num = scalar_alu(i, &dst->num, &by);
    if (scalar_is_broken(&dst->num))
        dst->num = scalar_unknown();
    follow_link(i, dst, &by, was_narrow);
    dst->node = node;
    dst->from = at;
}

static void move_number(struct verifier *v, uint32_t at, struct reg *dst, struct reg *src)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool is64 = ebpf_is_alu64(i);
    const uint32_t bytes = (uint32_t)i->off / 8;
    bool same = true; /* the copy is the same number */

    if (i->off)
        same = src->num.umax < UINT64_C(1) << (i->off - 1);
    else if (!is64)
        same = scalar_width(&src->num) <= 32;
    if (same)
        verify_link(v, src);
    *dst = *src;
    dst->from = at;
    if (!same)
        reg_unlink(dst);
    if (i->off)
        scalar_sign_extend(&dst->num, bytes, is64 ? 64 : 32);
    if (!is64)
        scalar_zero_extend32(&dst->num);
    if (i->off || !is64)
        scalar_sync(&dst->num);
}

/* An address of the packet, or half of one. */
static bool is_of_packet(const struct reg *r)
{
    return reg_is_packet(r) || (r->type == REG_STALE && !r->ref && r->range != HALF_OF_OTHER);
}

static void set_half(struct reg *dst, const struct reg *src, uint32_t at)
{
    const int32_t range = is_of_packet(src) ? HALF_OF_PACKET : HALF_OF_OTHER;

    *dst = (struct reg){.type = REG_STALE, .range = range, .from = at};
}

static int move(struct verifier *v, uint32_t at, struct reg *dst, struct reg *src)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (!ebpf_src_is_reg(i)) {
        const uint64_t value = ebpf_is_alu64(i) ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm;

        reg_set_scalar(dst, scalar_const(value), 0, at);
    } else if (src->type == REG_SCALAR) {
        move_number(v, at, dst, src);
    } else if (ebpf_is_alu64(i) && !i->off) {
        *dst = *src;
        dst->from = at;
    } else if (i->off) {
        return verify_refuse(v, "VFY0036", at,
                             "sign extension makes a number of a part of %s; addresses differ from "
                             "executor to executor",
                             verify_describe(v, src));
    } else {
        set_half(dst, src, at);
    }
    verify_note_result(v, at, dst);
    return 0;
}

/* Whether the difference of two addresses, of which one at least is none to access memory with, is
 * the same on all executors: with halves it is one of 32 bits. */
static bool is_stale_distance(const struct ebpf_insn *i, const struct reg *a, const struct reg *b)
{
    if (!is_of_packet(a) || !is_of_packet(b) || (a->type != REG_STALE && b->type != REG_STALE))
        return false;
    return ebpf_is_alu32(i) || (a->type == b->type && !a->range && !b->range);
}

/* Copies and differences of pointers into the packet as it was: clang sinks the subtraction that
 * gives a packet's length below the call that moves the packet; and of halves of pointers, where it
 * only wants 32 bits of the difference. Returns 1 if it is one of these. */
static int stale_alu(struct verifier *v, uint32_t at, struct reg *dst, const struct reg *src)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const uint8_t code = ebpf_code_of(i);
    struct scalar n = scalar_unknown();

    if (code == EBPF_ALU_MOV && !i->off && src->type == REG_STALE && !src->ref) {
        if (ebpf_is_alu64(i))
            *dst = *src;
        else
            set_half(dst, src, at);
    } else if (code == EBPF_ALU_SUB && is_stale_distance(i, dst, src)) {
        if (ebpf_is_alu32(i)) {
            scalar_zero_extend32(&n);
            scalar_sync(&n);
        }
        reg_set_scalar(dst, n, 0, at);
    } else {
        return 0;
    }
    verify_note_result(v, at, dst);
    return 1;
}

int verify_alu(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const uint8_t code = ebpf_code_of(i);
    struct reg *dst = cur_reg(v, i->dst);
    struct reg constant;
    struct reg *src = &constant;
    int err = 0;

    reg_set_scalar(&constant, scalar_const((uint64_t)(int64_t)i->imm), 0, at);
    if (code != EBPF_ALU_END && ebpf_src_is_reg(i)) {
        src = cur_reg(v, i->src);
        err = verify_check_write(v, at, i->dst);
        if (err || stale_alu(v, at, dst, src))
            return err;
        err = verify_check_read(v, at, i->src);
    }
    if (!err && code != EBPF_ALU_MOV)
        err = verify_check_read(v, at, i->dst);
    if (!err)
        err = verify_check_write(v, at, i->dst);
    if (err)
        return err;
    if (code == EBPF_ALU_MOV)
        return move(v, at, dst, src);
    if (reg_is_pointer(dst) && (code == EBPF_ALU_NEG || code == EBPF_ALU_END))
        return verify_refuse(
            v, "VFY0036", at,
            "this operation makes a number of %s; addresses differ from executor to executor: "
            "pointers can be moved by + and - only",
            verify_describe(v, dst));
    if (reg_is_pointer(dst) || reg_is_pointer(src))
        return pointer_alu(v, at, dst, src);
    number_alu(v, at, dst, src);
    verify_note_result(v, at, dst);
    return 0;
}

/* A map that the verifier does not know can't be used for anything. */
static int check_map_type(struct verifier *v, uint32_t at, const struct load_map *m)
{
    if (m->fields && m->fields->special)
        return verify_refuse(v, "VFY0072", at,
                             "map %s: its values have a field of type %s, which Sluice does not "
                             "support",
                             m->name, m->fields->special);
    if ((m->type == SPEC_MAP_ARRAY_OF_MAPS || m->type == SPEC_MAP_HASH_OF_MAPS) && !load_inner(m))
        return verify_reject(
            v, "VFY0113", at,
            "map %s: its definition does not say what the maps in it are like; add "
            "__array(values, struct { ... })",
            m->name);
    if (m->type < SPEC_MAP_COUNT && spec_map_type_table[m->type].verified)
        return 0;
    return verify_refuse(
        v, "VFY0072", at, "map %s has type %s (%u), which Sluice does not support", m->name,
        m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].name : "unknown", m->type);
}

int verify_ld_imm64(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    struct reg *dst = cur_reg(v, i->dst);
    int err = verify_check_write(v, at, i->dst);

    if (err)
        return err;
    switch (i->src) {
    case EBPF_PSEUDO_MAP_FD:
        reg_set_pointer(dst, REG_MAP, at);
        dst->map = (uint16_t)i->imm;
        return check_map_type(v, at, &v->object->maps[i->imm]);
    case EBPF_PSEUDO_MAP_VALUE:
        reg_set_pointer(dst, REG_VALUE, at);
        dst->map = (uint16_t)i->imm;
        dst->off = i[1].imm;
        return check_map_type(v, at, &v->object->maps[i->imm]);
    case EBPF_PSEUDO_FUNC:
        reg_set_pointer(dst, REG_FUNC, at);
        dst->map = (uint16_t)load_subprog_of(v->prog, (uint32_t)i->imm);
        return 0;
    default:
        reg_set_scalar(dst, scalar_const(ebpf_imm64(i)), 0, at);
        verify_note_result(v, at, dst);
        return 0;
    }
}
