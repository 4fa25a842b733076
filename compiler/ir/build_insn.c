/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>
#include <string.h>

/* Arithmetic, loads, stores, atomics and conditions of jumps. */

const struct verify_fact *build_fact(const struct builder *b, uint32_t pc)
{
    const struct verify_context *c = &b->facts->contexts[b->context];

    return &c->facts[pc - b->prog->subprogs[c->subprog].start];
}

/* --- places ------------------------------------------------------------------------------- */

/* The stack offset of r10 in the frame at some depth of the present call chain. */
static int32_t frame_top(const struct builder *b, uint32_t depth)
{
    uint32_t c = b->context;

    while (b->facts->contexts[c].depth > depth)
        c = b->facts->contexts[c].parent;
    return b->frame_top[c];
}

static void stack_place(struct builder *b, const struct verify_pointer *p, struct build_place *out)
{
    const uint32_t below = b->parts ? build_part_of(b, b->context)->depth : 0;
    const int32_t top = frame_top(b, below + p->frame);

    out->region = IR_REGION_STACK;
    out->off_min = top + p->off_min;
    out->off_max = top + p->off_max;
    out->imm -= BUILD_STACK_BIAS;
    if (out->off_min == out->off_max) {
        out->address = build_const(b, 0);
        out->imm = out->off_min;
    }
}

static void packet_place(struct builder *b, const struct verify_pointer *p, struct build_place *out)
{
    out->region = IR_REGION_PKT;
    out->off_min = p->off_min;
    out->off_max = p->off_max;
    out->base =
        p->region == VERIFY_REGION_META ? build_data_meta(b) : build_read(b, BUILD_VAR_DATA);
    if (out->off_min == out->off_max) {
        out->address = out->base;
        out->imm = out->off_min;
    }
}

static int map_place(struct builder *b, const struct verify_pointer *p, struct build_place *out)
{
    const struct load_map *map;
    int err;

    out->region = IR_REGION_MAP;
    out->map = IR_MAP_ANY;
    if (p->map == VERIFY_MAP_ANY)
        return 0;
    err = build_map_usable(b, p->map);
    if (err)
        return err;
    out->map = p->map;
    map = &b->object->maps[p->map];
    if (p->off_min != p->off_max || map->max_entries != 1 || map->type != SPEC_MAP_ARRAY)
        return 0;
    out->address = build_const(b, (uint64_t)(p->map + 1) << SPEC_MAPPTR_SHIFT);
    out->imm = p->off_min;
    if (map->kind == LOAD_MAP_RODATA && map->data && p->off_min >= 0) {
        out->rodata = map->data + p->off_min;
        out->rodata_bytes = map->value_bytes - (uint32_t)p->off_min;
    }
    return 0;
}

/* Where a pointer points to, by its register and what the verifier knows; off is the instruction's
 * offset, which p has in it. */
int build_place_of(struct builder *b, const struct verify_pointer *p, ir_ref pointer, int32_t off,
                   struct build_place *out)
{
    *out = (struct build_place){.address = pointer, .imm = off};
    switch ((enum verify_region)p->region) {
    case VERIFY_REGION_STACK:
        stack_place(b, p, out);
        return 0;
    case VERIFY_REGION_PKT:
    case VERIFY_REGION_META:
        packet_place(b, p, out);
        return 0;
    case VERIFY_REGION_MAP:
        return map_place(b, p, out);
    case VERIFY_REGION_RECORD:
        return build_record_place(b, p, out);
    case VERIFY_REGION_KEY:
        return build_key_place(b, p, out);
    case VERIFY_REGION_MIXED:
        return build_mixed_place(b, p, pointer, off, out);
    case VERIFY_REGION_NONE:
    case VERIFY_REGION_CTX:
    case VERIFY_REGION_COUNT:
        break;
    }
    return build_refuse(b, "IRB0003",
                        "the verifier says nothing about the memory that is accessed");
}

static void note_packet_access(struct builder *b, ir_ref insn, ir_ref base)
{
    b->accesses = arena_grow(b->arena, b->accesses, b->access_count, &b->access_capacity,
                             sizeof(*b->accesses));
    b->accesses[b->access_count++] = (struct build_access){insn, base};
}

static ir_ref emit_access(struct builder *b, enum ir_op op, const struct build_place *place,
                          uint32_t delta, uint32_t size, ir_ref value)
{
    const ir_ref args[2] = {place->address, value};
    const struct ir_insn insn = {.op = (uint8_t)op,
                                 .region = (uint8_t)place->region,
                                 .size = (uint8_t)size,
                                 .map = place->map,
                                 .imm = (uint64_t)(place->imm + delta),
                                 .off_min = place->off_min + (int32_t)delta,
                                 .off_max = place->off_max + (int32_t)delta};
    ir_ref ref;

    if (place->record && build_record_access(b, place, delta, size, op == IR_STORE))
        return build_const(b, 0);
    ref = build_emit(b, insn, args, op == IR_LOAD ? 1 : 2);
    if (place->base != IR_NONE)
        note_packet_access(b, ref, place->base);
    return ref;
}

ir_ref build_load(struct builder *b, const struct build_place *place, uint32_t delta, uint32_t size)
{
    if (place->kind_count)
        return build_mixed_load(b, place, delta, size);
    if (place->rodata && delta + size <= place->rodata_bytes) {
        uint64_t v = 0;

        memcpy(&v, place->rodata + delta, size);
        return build_const(b, v);
    }
    return emit_access(b, IR_LOAD, place, delta, size, IR_NONE);
}

void build_store(struct builder *b, const struct build_place *place, uint32_t delta, uint32_t size,
                 ir_ref value)
{
    if (place->kind_count)
        build_mixed_store(b, place, delta, size, value);
    else
        emit_access(b, IR_STORE, place, delta, size, value);
}

/* --- loads and stores --------------------------------------------------------------------- */

static void context_load(struct builder *b, const struct ebpf_insn *insn, int32_t off)
{
    const ir_ref data = build_read(b, BUILD_VAR_DATA);

    switch (off) {
    case SPEC_CTX_DATA:
        build_set_reg(b, insn->dst, data);
        return;
    case SPEC_CTX_DATA_META:
        build_set_reg(b, insn->dst, build_data_meta(b));
        return;
    case SPEC_CTX_DATA_END:
        build_set_reg(b, insn->dst, build_read(b, BUILD_VAR_END));
        return;
    case SPEC_CTX_INGRESS_IFINDEX:
        build_set_reg(b, insn->dst, build_input(b, SPEC_IN_IFINDEX));
        return;
    case SPEC_CTX_RX_QUEUE_INDEX:
        build_set_reg(b, insn->dst, build_input(b, SPEC_IN_QUEUE));
        return;
    case SPEC_CTX_EGRESS_IFINDEX:
        build_set_reg(b, insn->dst, build_input(b, SPEC_IN_EGRESS));
        return;
    default:
        build_refuse(b, "IRB0004", "no hardware gives the field at offset %d of struct xdp_md",
                     off);
    }
}

static void translate_load(struct builder *b, const struct ebpf_insn *insn)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    const uint32_t size = ebpf_size_bytes(insn->opcode);
    struct build_place place;
    ir_ref v;

    if (fact->access.region == VERIFY_REGION_CTX) {
        context_load(b, insn, fact->access.off_min);
        return;
    }
    if (build_place_of(b, &fact->access, build_reg(b, insn->src), insn->off, &place))
        return;
    v = build_load(b, &place, 0, size);
    if (ebpf_is_load_signed(insn) && size < 8)
        v = build_alu(b,
                      size == 1   ? SPEC_ALU_SEXT8
                      : size == 2 ? SPEC_ALU_SEXT16
                                  : SPEC_ALU_SEXT32,
                      64, v, IR_NONE);
    build_set_reg(b, insn->dst, v);
}

static void translate_store(struct builder *b, const struct ebpf_insn *insn)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    struct build_place place;
    ir_ref v;

    if (build_place_of(b, &fact->access, build_reg(b, insn->dst), insn->off, &place))
        return;
    v = ebpf_class_of(insn) == EBPF_CLASS_ST ? build_const(b, (uint64_t)(int64_t)insn->imm)
                                             : build_reg(b, insn->src);
    build_store(b, &place, 0, ebpf_size_bytes(insn->opcode), v);
}

/* --- atomics ------------------------------------------------------------------------------ */

static ir_ref atomic_new_value(struct builder *b, enum spec_atomic atomic, uint8_t width,
                               ir_ref old, ir_ref operand, ir_ref expected)
{
    const enum spec_alu alu = (enum spec_alu)spec_atomic_alu[atomic];

    if (alu != SPEC_ALU_NONE)
        return build_alu(b, alu, width, old, operand);
    if (atomic == SPEC_ATOMIC_CMPXCHG)
        return build_select(b, build_alu(b, SPEC_ALU_EQ, width, old, expected), operand, old);
    assert(atomic == SPEC_ATOMIC_XCHG);
    return operand;
}

static void translate_atomic(struct builder *b, const struct ebpf_insn *insn)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    const enum spec_atomic atomic = ebpf_atomic_of(insn->imm);
    const uint32_t size = ebpf_size_bytes(insn->opcode);
    const bool exchange = atomic == SPEC_ATOMIC_XCHG || atomic == SPEC_ATOMIC_CMPXCHG;
    const bool fetch = exchange || (insn->imm & EBPF_FETCH);
    const ir_ref operand = build_reg(b, insn->src);
    const ir_ref expected = atomic == SPEC_ATOMIC_CMPXCHG ? build_reg(b, 0) : IR_NONE;
    struct build_place place;
    ir_ref old;

    if (build_place_of(b, &fact->access, build_reg(b, insn->dst), insn->off, &place))
        return;
    if (place.region == IR_REGION_MAP) {
        const ir_ref args[3] = {place.address, operand, expected};
        const struct ir_insn op = {.op = IR_ATOMIC,
                                   .region = IR_REGION_MAP,
                                   .atomic = (uint8_t)atomic,
                                   .fetch = fetch,
                                   .size = (uint8_t)size,
                                   .map = place.map,
                                   .imm = (uint64_t)place.imm};

        old = build_emit(b, op, args, atomic == SPEC_ATOMIC_CMPXCHG ? 3 : 2);
    } else if (place.kind_count) {
        build_refuse(b, "IRB0002",
                     "an atomic operation through a pointer that leads to different kinds of "
                     "memory on different paths");
        return;
    } else if (place.region == IR_REGION_STACK) {
        old = build_load(b, &place, 0, size);
        build_store(b, &place, 0, size,
                    atomic_new_value(b, atomic, (uint8_t)(8 * size), old, operand, expected));
    } else {
        build_refuse(b, "IRB0005", "an atomic operation on packet bytes or a record");
        return;
    }
    if (fetch)
        build_set_reg(b, atomic == SPEC_ATOMIC_CMPXCHG ? 0 : insn->src, old);
}

/* --- arithmetic --------------------------------------------------------------------------- */

static ir_ref second_operand(struct builder *b, const struct ebpf_insn *insn)
{
    const uint64_t imm = (uint64_t)(int64_t)insn->imm;

    if (ebpf_src_is_reg(insn))
        return build_reg(b, insn->src);
    return b->raw && ebpf_is_alu(insn) && ebpf_code_of(insn) == EBPF_ALU_MOV
               ? build_raw_const(b, imm)
               : build_const(b, imm);
}

static ir_ref translate_end(struct builder *b, const struct ebpf_insn *insn, ir_ref v)
{
    const struct ebpf_end_row *row = ebpf_end_find(insn);

    assert(row); /* the verifier has seen its form */
    return spec_alu_table[row->alu].arity == 1
               ? build_alu(b, (enum spec_alu)row->alu, row->width, v, IR_NONE)
               : build_alu_imm(b, (enum spec_alu)row->alu, row->width, v, row->operand);
}

static void translate_alu(struct builder *b, const struct ebpf_insn *insn)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    const struct ebpf_op_row *row = ebpf_alu_row(insn);
    const uint8_t width = ebpf_is_alu64(insn) ? 64 : 32;
    ir_ref v;

    assert(row);
    if (fact->dst_const)
        v = build_const(b, fact->dst_value);
    else if (row->code == EBPF_ALU_END)
        v = translate_end(b, insn, build_reg(b, insn->dst));
    else if (row->code == EBPF_ALU_NEG)
        v = build_alu(b, SPEC_ALU_SUB, width, build_const(b, 0), build_reg(b, insn->dst));
    else if (row->code == EBPF_ALU_MOV)
        v = build_alu(b, (enum spec_alu)row->alu, width, second_operand(b, insn), IR_NONE);
    else
        v = build_alu(b, (enum spec_alu)row->alu, width, build_reg(b, insn->dst),
                      second_operand(b, insn));
    build_set_reg(b, insn->dst, v);
}

static void translate_ld_imm64(struct builder *b, const struct ebpf_insn *insn)
{
    uint64_t v = ebpf_imm64(insn);

    switch (insn->src) {
    case 0:
        break;
    case EBPF_PSEUDO_MAP_FD: /* a map of maps holds the same */
        v = (uint64_t)(uint32_t)insn->imm + 1;
        break;
    case EBPF_PSEUDO_FUNC: /* nothing is called by it */
        v = (uint32_t)insn->imm;
        break;
    case EBPF_PSEUDO_MAP_VALUE:
        if (build_map_usable(b, (uint32_t)insn->imm))
            return;
        v = ((uint64_t)(uint32_t)insn->imm + 1) << SPEC_MAPPTR_SHIFT | (uint32_t)insn[1].imm;
        break;
    default:
        build_refuse(b, "IRB0006", "a 64-bit constant with source %u", insn->src);
        return;
    }
    build_set_reg(b, insn->dst,
                  b->raw && insn->src == 0 ? build_raw_const(b, v) : build_const(b, v));
}

ir_ref build_condition(struct builder *b, const struct ebpf_insn *insn)
{
    const struct ebpf_op_row *row = ebpf_jmp_row(insn);
    const uint8_t width = ebpf_class_of(insn) == EBPF_CLASS_JMP32 ? 32 : 64;

    assert(row);
    return build_alu(b, (enum spec_alu)row->alu, width, build_reg(b, insn->dst),
                     second_operand(b, insn));
}

void build_insn(struct builder *b, uint32_t pc)
{
    const struct ebpf_insn *insn = &b->prog->insns[pc];

    b->pc = pc;
    if (ebpf_is_ld_imm64(insn))
        translate_ld_imm64(b, insn);
    else if (ebpf_is_alu(insn))
        translate_alu(b, insn);
    else if (ebpf_is_load(insn))
        translate_load(b, insn);
    else if (ebpf_is_atomic(insn))
        translate_atomic(b, insn);
    else if (ebpf_is_store(insn))
        translate_store(b, insn);
    else if (ebpf_is_helper_call(insn))
        build_helper(b, insn);
    else
        build_refuse(b, "IRB0001", "an instruction that hardware does not run (opcode 0x%02x)",
                     insn->opcode);
}
