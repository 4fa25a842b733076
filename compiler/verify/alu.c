/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Arithmetic: on numbers through scalar.c, on pointers by Linux's rules (adjust_ptr_min_max_vals in
 * kernel/bpf/verifier.c). */

enum { MAX_VAR_OFF = 1 << 29 };

int verify_reads(struct verifier *v, uint32_t at, unsigned r)
{
    const uint8_t type = reg_of(v, r)->type;

    if (type == REG_STALE)
        return verify_reject(v, "VFY0024", at,
                             "r%u pointed into the packet before a helper moved it; load data and "
                             "data_end from the context again, and compare again",
                             r);
    if (type != REG_NONE)
        return 0;
    return verify_reject(
        v, "VFY0020", at,
        "r%u is read but was never given a value on this path%s; initialise it first", r,
        r >= 1 && r <= 5 ? " (calls leave r1 to r5 without one)" : "");
}

/* A number added to a pointer stays within what pointers may carry. */
static int check_offset(struct verifier *v, uint32_t at, const struct reg *pointer,
                        const struct scalar *n)
{
    if (scalar_is_const(n) &&
        ((int64_t)n->bits.value >= MAX_VAR_OFF || (int64_t)n->bits.value <= -MAX_VAR_OFF))
        return verify_reject(v, "VFY0030", at, "%lld is too large an offset for %s",
                             (long long)n->bits.value, verify_describe(v, pointer));
    if (pointer->off >= MAX_VAR_OFF || pointer->off <= -MAX_VAR_OFF)
        return verify_reject(v, "VFY0030", at, "the offset of %s gets too large",
                             verify_describe(v, pointer));
    if (n->smin == INT64_MIN)
        return verify_reject(
            v, "VFY0031", at,
            "an unbounded number is added to %s; bound it first, by an unsigned compare or a mask",
            verify_describe(v, pointer));
    if (n->smin <= -MAX_VAR_OFF || n->smin >= MAX_VAR_OFF)
        return verify_reject(v, "VFY0031", at,
                             "a number that may be %lld is added to %s; bound it first",
                             (long long)n->smin, verify_describe(v, pointer));
    return 0;
}

/* dst = pointer + n, or pointer - n. */
static int move_pointer(struct verifier *v, uint32_t at, struct reg *dst, const struct reg *pointer,
                        const struct scalar *n, bool subtract)
{
    struct reg r = *pointer;
    int err;

    switch ((enum reg_type)pointer->type) {
    case REG_VALUE_OR_NULL:
        return verify_reject(v, "VFY0032", at, "arithmetic on %s; compare it with NULL first",
                             verify_describe(v, pointer));
    case REG_CTX:
    case REG_MAP:
    case REG_PKT_END:
        return verify_reject(v, "VFY0033", at, "arithmetic on %s is not allowed",
                             verify_describe(v, pointer));
    default:
        break;
    }
    if (subtract && pointer->type == REG_STACK)
        return verify_reject(v, "VFY0034", at,
                             "subtraction from a stack pointer; add a negative number instead");
    err = check_offset(v, at, pointer, n);
    if (err)
        return err;
    if (scalar_is_const(n)) {
        const int64_t off = subtract ? (int64_t)r.off - (int64_t)n->bits.value
                                     : (int64_t)r.off + (int64_t)n->bits.value;

        if (off >= MAX_VAR_OFF || off <= -MAX_VAR_OFF)
            return verify_reject(v, "VFY0030", at, "the offset of %s gets too large",
                                 verify_describe(v, pointer));
        r.off = (int32_t)off;
    } else {
        r.num = scalar_alu(subtract ? SPEC_ALU_SUB : SPEC_ALU_ADD, 64, &pointer->num, n);
        if (is_packet_pointer(&r)) {
            r.id = ++v->next_id;
            r.range = 0;
        }
    }
    *dst = r;
    return check_offset(v, at, dst, &dst->num);
}

static int pointer_alu(struct verifier *v, uint32_t at, enum spec_alu op, struct reg *dst,
                       const struct reg *src)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const bool both = dst->type != REG_SCALAR && src->type != REG_SCALAR;

    if (op == SPEC_ALU_SUB && (both || !ebpf_is_alu64(i))) {
        set_unknown(dst); /* a distance: no pointer any more */
        if (!ebpf_is_alu64(i))
            dst->num = scalar_alu(SPEC_ALU_MOV, 32, &dst->num, NULL);
        return 0;
    }
    if (!ebpf_is_alu64(i))
        return verify_reject(v, "VFY0035", at, "32-bit arithmetic on %s",
                             verify_describe(v, dst->type == REG_SCALAR ? src : dst));
    if (both)
        return verify_reject(v, "VFY0036", at, "%s of two pointers is not allowed",
                             spec_alu_table[op].name);
    if (op == SPEC_ALU_ADD) {
        if (dst->type != REG_SCALAR)
            return move_pointer(v, at, dst, dst, &src->num, false);
        return move_pointer(v, at, dst, src, &dst->num, false);
    }
    if (op == SPEC_ALU_SUB && dst->type != REG_SCALAR)
        return move_pointer(v, at, dst, dst, &src->num, true);
    return verify_reject(
        v, "VFY0036", at, "%s of %s is not allowed; pointers can only be moved by + and -",
        spec_alu_table[op].name, verify_describe(v, dst->type == REG_SCALAR ? src : dst));
}

static int move(struct verifier *v, uint32_t at, enum spec_alu op, struct reg *dst, struct reg *src)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const unsigned width = ebpf_is_alu64(i) ? 64 : 32;

    if (op == SPEC_ALU_MOV && width == 64) {
        if (src->type == REG_SCALAR && !src->id && !scalar_is_const(&src->num))
            src->id = ++v->next_id;
        *dst = *src;
        return 0;
    }
    if (src->type != REG_SCALAR) {
        set_unknown(dst);
        if (op != SPEC_ALU_MOV)
            return verify_reject(v, "VFY0036", at, "sign extension of %s", verify_describe(v, src));
        dst->num = scalar_alu(SPEC_ALU_MOV, 32, &dst->num, NULL);
        return 0;
    }
    set_scalar(dst, scalar_alu(op, width, &src->num, NULL));
    return 0;
}

static struct scalar byte_order(const struct ebpf_insn *i, const struct scalar *n)
{
    const bool swap = ebpf_is_alu64(i) || ebpf_src_is_reg(i); /* to big-endian, or unconditional */
    const uint64_t mask = i->imm == 64 ? UINT64_MAX : (UINT64_C(1) << i->imm) - 1;
    const struct scalar m = scalar_const(mask);
    const struct scalar low = scalar_alu(SPEC_ALU_AND, 64, n, &m);

    if (!swap)
        return low;
    return scalar_alu(i->imm == 16   ? SPEC_ALU_BSWAP16
                      : i->imm == 32 ? SPEC_ALU_BSWAP32
                                     : SPEC_ALU_BSWAP64,
                      64, &low, NULL);
}

static int unary(struct verifier *v, uint32_t at, struct reg *dst)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct scalar zero = scalar_const(0);

    if (dst->type != REG_SCALAR)
        return verify_reject(v, "VFY0036", at, "%s of %s is not allowed",
                             ebpf_code_of(i) == EBPF_ALU_NEG ? "negation" : "byte swap",
                             verify_describe(v, dst));
    if (ebpf_code_of(i) == EBPF_ALU_NEG)
        set_scalar(dst, scalar_alu(SPEC_ALU_SUB, ebpf_is_alu64(i) ? 64 : 32, &zero, &dst->num));
    else
        set_scalar(dst, byte_order(i, &dst->num));
    return 0;
}

int verify_alu(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct ebpf_op_row *row = ebpf_alu_row(i);
    const enum spec_alu op = row ? (enum spec_alu)row->alu : SPEC_ALU_NONE;
    const bool is_move = ebpf_code_of(i) == EBPF_ALU_MOV;
    struct reg *dst = reg_of(v, i->dst);
    struct reg constant;
    struct reg *src = &constant;
    int err = 0;

    set_scalar(&constant, scalar_const((uint64_t)(int64_t)i->imm));
    if (ebpf_code_of(i) != EBPF_ALU_END && ebpf_src_is_reg(i)) {
        src = reg_of(v, i->src);
        err = verify_reads(v, at, i->src);
    }
    if (!err && !is_move)
        err = verify_reads(v, at, i->dst);
    if (!err && i->dst == EBPF_REG_FP)
        err = verify_reject(v, "VFY0021", at, "r10, the frame pointer, is read-only");
    if (err)
        return err;
    if (op == SPEC_ALU_NONE)
        return unary(v, at, dst);
    if (is_move)
        return move(v, at, op, dst, src);
    if (dst->type != REG_SCALAR || src->type != REG_SCALAR)
        return pointer_alu(v, at, op, dst, src);
    set_scalar(dst, scalar_alu(op, ebpf_is_alu64(i) ? 64 : 32, &dst->num, &src->num));
    return 0;
}

int verify_ld_imm64(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    struct reg *dst = reg_of(v, i->dst);
    const struct load_map *m;

    if (i->dst == EBPF_REG_FP)
        return verify_reject(v, "VFY0021", at, "r10, the frame pointer, is read-only");
    if (!i->src) {
        set_scalar(dst, scalar_const(ebpf_imm64(i)));
        return 0;
    }
    m = &v->object->maps[i->imm];
    if (i->src == EBPF_PSEUDO_MAP_VALUE) {
        if (m->type != SPEC_MAP_ARRAY || m->max_entries != 1 ||
            (uint32_t)i[1].imm >= m->value_bytes)
            return verify_reject(v, "VFY0037", at,
                                 "a direct pointer to offset %u of map %s: only arrays of one "
                                 "entry, within the value",
                                 (uint32_t)i[1].imm, m->name);
        *dst = (struct reg){
            .type = REG_VALUE, .map = (uint16_t)i->imm, .off = i[1].imm, .num = scalar_const(0)};
        return 0;
    }
    *dst = (struct reg){.type = REG_MAP, .map = (uint16_t)i->imm, .num = scalar_const(0)};
    return 0;
}
