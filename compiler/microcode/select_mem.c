/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/select.h"

#include <assert.h>

/* Selection of memory, map and division operations. */

enum {
    LANE_MAP = 1 << 3,
    VALUE_WORD = 1 << UCODE_KEY_WORDS, /* set of value word 0, see mach_op.words_read */
};

static uint8_t mem_of(const struct ir_insn *in)
{
    switch ((enum ir_region)in->region) {
    case IR_REGION_PKT:
        return MACH_MEM_PKT;
    case IR_REGION_STACK:
        return MACH_MEM_STACK;
    case IR_REGION_MAP:
        return MACH_MEM_MAP;
    case IR_REGION_NONE:
    case IR_REGION_COUNT:
        break;
    }
    return MACH_MEM_NONE;
}

/* The memory part of an operation for bytes [at, at + size) of an access. */
static struct mach_op access_op(struct select *s, ir_ref ref, const struct select_address *where,
                                uint32_t at, uint32_t size)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    struct mach_op op = {
        .a = where->base, .size = (uint8_t)size, .mem = mem_of(in), .map = in->map};

    op.imm = where->imm + (int32_t)at;
    op.low = where->absolute ? op.imm : in->off_min + (int32_t)at;
    op.high = (where->absolute ? op.imm : in->off_max + (int32_t)at) + (int32_t)size;
    if (in->region == IR_REGION_MAP)
        op.need = s->m->need[ref];
    if (in->region == IR_REGION_PKT && op.low < s->m->lowest_byte)
        s->m->lowest_byte = op.low;
    return op;
}

/* The largest piece that one operation moves: any size but for map values. */
static uint32_t piece_bytes(const struct ir_insn *in, uint32_t left)
{
    uint32_t size = 8;

    if (in->region != IR_REGION_MAP)
        return left;
    while (size > left)
        size /= 2;
    return size;
}

static mach_reg shift_by(struct select *s, uint8_t alu, mach_reg value, uint32_t bits, mach_reg dst)
{
    if (dst == MACH_NONE)
        dst = select_temp(s, MACH_ALL_LANES);
    select_emit(
        s, (struct mach_op){.op = alu, .dst = dst, .a = value, .bimm = true, .imm = (int32_t)bits});
    return dst;
}

/* The low bytes of a value end for end; bits above them must be zero for sizes 3, 5, 6 and 7 only
 * in that they are dropped. */
static mach_reg swap_bytes(struct select *s, mach_reg value, uint32_t size, mach_reg dst)
{
    const uint8_t alu = size == 2   ? SPEC_ALU_BSWAP16
                        : size == 4 ? SPEC_ALU_BSWAP32
                                    : SPEC_ALU_BSWAP64;
    const bool whole = size == 2 || size == 4 || size == 8;
    const mach_reg swapped = whole && dst != MACH_NONE ? dst : select_temp(s, MACH_ALL_LANES);

    if (size == 1)
        return value;
    select_emit(s, (struct mach_op){.op = alu, .dst = swapped, .a = value});
    return whole ? swapped : shift_by(s, SPEC_ALU_LSHR, swapped, 64 - 8 * size, dst);
}

static uint8_t load_code(const struct ir_insn *in)
{
    if (in->region == IR_REGION_PKT)
        return in->swap && in->size > 1 ? UCODE_LDPKTBE : UCODE_LDPKT;
    return in->region == IR_REGION_STACK ? UCODE_LDSTK : UCODE_LDMAP;
}

void select_load(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct select_address where = select_address(s, in);
    const uint8_t code = load_code(in);
    const uint8_t lanes = ucode_op_lanes(code);
    const bool swap_after = in->swap && in->size > 1 && in->region != IR_REGION_PKT;
    mach_reg value = MACH_NONE;

    for (uint32_t at = 0; at < in->size;) {
        const uint32_t size = piece_bytes(in, in->size - at);
        const bool only = size == in->size && !swap_after;
        struct mach_op op = access_op(s, ref, &where, at, size);
        mach_reg piece = only ? select_result(s, ref, lanes) : select_temp(s, lanes);

        op.op = code;
        op.dst = piece;
        select_emit(s, op);
        if (at > 0) {
            const bool final = at + size == in->size && !swap_after;
            const mach_reg sum =
                final ? select_result(s, ref, MACH_ALL_LANES) : select_temp(s, MACH_ALL_LANES);

            piece = shift_by(s, SPEC_ALU_SHL, piece, 8 * at, MACH_NONE);
            select_emit(s, (struct mach_op){.op = SPEC_ALU_OR, .dst = sum, .a = value, .b = piece});
            piece = sum;
        }
        value = piece;
        at += size;
    }
    if (swap_after)
        swap_bytes(s, value, in->size, select_result(s, ref, MACH_ALL_LANES));
}

static uint8_t store_code(const struct ir_insn *in)
{
    if (in->region == IR_REGION_PKT)
        return in->swap && in->size > 1 ? UCODE_STPKTBE : UCODE_STPKT;
    return in->region == IR_REGION_STACK ? UCODE_STSTK : UCODE_STMAP;
}

/* Without a swap a constant needs only its low bytes, so that equal ones share a register. */
static mach_reg stored_value(struct select *s, const struct ir_insn *in)
{
    uint64_t c;

    if (!select_const(s, in->args[1], &c))
        return select_reg(s, in->args[1]);
    if (in->size < 8)
        c &= (UINT64_C(1) << (8 * in->size)) - 1;
    return select_const_reg(s, c);
}

void select_store(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct select_address where = select_address(s, in);
    mach_reg value = stored_value(s, in);

    if (in->swap && in->region != IR_REGION_PKT)
        value = swap_bytes(s, value, in->size, MACH_NONE);
    for (uint32_t at = 0; at < in->size;) {
        const uint32_t size = piece_bytes(in, in->size - at);
        struct mach_op op = access_op(s, ref, &where, at, size);

        op.op = store_code(in);
        op.store = true;
        op.effect = true;
        op.b = at == 0 ? value : shift_by(s, SPEC_ALU_LSHR, value, 8 * at, MACH_NONE);
        select_emit(s, op);
        at += size;
    }
}

void select_atomic(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    struct select_address where = select_address(s, in);
    struct mach_op op;

    if (where.imm < INT16_MIN || where.imm > INT16_MAX) {
        const mach_reg sum = select_temp(s, MACH_ALL_LANES);

        select_emit(
            s,
            (struct mach_op){
                .op = SPEC_ALU_ADD, .dst = sum, .a = where.base, .bimm = true, .imm = where.imm});
        where = (struct select_address){.base = sum};
    }
    if (in->atomic == SPEC_ATOMIC_CMPXCHG) {
        struct mach_op word = {.op = UCODE_VALW, .words_written = VALUE_WORD};

        select_operand_b(s, &word, in->args[2], 64);
        select_emit(s, word);
    }
    op = access_op(s, ref, &where, 0, in->size);
    op.op = UCODE_ATMAP;
    op.store = true;
    op.effect = true;
    op.imm = (int32_t)((uint32_t)op.imm & UINT16_MAX) | (int32_t)in->atomic << UCODE_KIND_SHIFT;
    op.b = select_reg(s, in->args[1]);
    op.words_read = in->atomic == SPEC_ATOMIC_CMPXCHG ? VALUE_WORD : 0;
    op.dst = in->fetch || s->regs[ref] != MACH_NONE ? select_result(s, ref, LANE_MAP) : 0;
    select_emit(s, op);
}

/* --- long operations --- */

/* The end of a long operation; its result goes to the instruction's register. */
static void collect(struct select *s, ir_ref ref, uint8_t need, const struct mach_op *issued)
{
    select_emit(s, (struct mach_op){.op = UCODE_RES,
                                    .dst = select_result(s, ref, LANE_MAP),
                                    .effect = true,
                                    .need = need,
                                    .mem = issued->mem,
                                    .map = issued->map,
                                    .store = issued->store,
                                    .low = issued->low,
                                    .high = issued->high});
}

/* Returns the set of words written. */
static uint64_t emit_words(struct select *s, uint8_t code, const ir_ref *args, uint32_t count)
{
    const uint64_t first = code == UCODE_VALW ? VALUE_WORD : 1;

    for (uint32_t i = 0; i < count; i++) {
        struct mach_op op = {.op = code, .index = (uint8_t)i, .words_written = first << i};

        select_operand_b(s, &op, args[i], 64);
        select_emit(s, op);
    }
    return first * ((UINT64_C(1) << count) - 1);
}

void select_map_op(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct ir_map *map = &s->ir->maps[in->map];
    const uint32_t first = ir_key_arg((enum ir_op)in->op);
    const uint32_t key_words = ir_words(map->key_bytes);
    struct mach_op op = {.op = UCODE_MAPOP, .effect = true, .need = s->m->need[ref]};
    uint32_t kind = UCODE_MAPOP_LOOKUP;

    op.words_read = emit_words(s, UCODE_KEYW, in->args + first, key_words);
    if (in->op == IR_MAP_UPDATE) {
        op.words_read |=
            emit_words(s, UCODE_VALW, in->args + first + key_words, in->nargs - first - key_words);
        op.a = select_reg(s, in->args[1]);
        kind = UCODE_MAPOP_UPDATE;
    } else if (in->op == IR_MAP_DELETE) {
        kind = UCODE_MAPOP_DELETE;
    }
    op.imm = (int32_t)(kind << UCODE_KIND_SHIFT | in->map);
    op.map = in->map;
    op.mem = in->op == IR_MAP_LOOKUP ? MACH_MEM_NONE : MACH_MEM_MAP;
    op.store = in->op != IR_MAP_LOOKUP;
    select_emit(s, op);
    collect(s, ref, op.need, &op);
}

void select_pkt_zero(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    struct mach_op op = {.op = UCODE_PKTZERO,
                         .a = select_reg(s, in->args[0]),
                         .b = select_reg(s, in->args[1]),
                         .effect = true,
                         .mem = MACH_MEM_PKT,
                         .store = true,
                         .high = INT32_MAX};

    select_emit(s, op);
    op.op = MACH_AWAIT;
    op.a = 0;
    op.b = 0;
    select_emit(s, op);
}

void select_divide(struct select *s, ir_ref ref)
{
    const struct ir_insn *in = &s->ir->insns[ref];
    const struct mach_op op = {.op = UCODE_DIVLONG,
                               .w32 = in->width == 32,
                               .imm = in->alu,
                               .a = select_reg(s, in->args[0]),
                               .b = select_reg(s, in->args[1]),
                               .effect = true};

    select_emit(s, op);
    collect(s, ref, 0, &op);
}
