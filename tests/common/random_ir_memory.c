/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random_ir_gen.h"

/* Accesses to packet, stack and map values, as programs have them. */

static ir_ref load_at(struct gen *g, enum ir_region region, ir_ref base, int32_t at, int32_t imm,
                      uint32_t size, bool swap)
{
    const struct ir_insn in = {.op = IR_LOAD,
                               .region = (uint8_t)region,
                               .size = (uint8_t)size,
                               .swap = swap,
                               .imm = (uint64_t)(int64_t)imm,
                               .off_min = at,
                               .off_max = at};

    return gen_emit(g, in, &base, 1);
}

static void store_at(struct gen *g, enum ir_region region, ir_ref base, int32_t at, int32_t imm,
                     uint32_t size, bool swap, ir_ref v)
{
    const ir_ref args[2] = {base, v};
    const struct ir_insn in = {.op = IR_STORE,
                               .region = (uint8_t)region,
                               .size = (uint8_t)size,
                               .swap = swap,
                               .imm = (uint64_t)(int64_t)imm,
                               .off_min = at,
                               .off_max = at};

    gen_emit(g, in, args, 2);
}

ir_ref gen_pkt_load(struct gen *g, uint32_t off, uint32_t size, bool swap)
{
    return load_at(g, IR_REGION_PKT, g->data, SPEC_PKT_BASE + (int32_t)off, (int32_t)off, size,
                   swap);
}

static void pkt_store(struct gen *g, uint32_t off, uint32_t size, bool swap, ir_ref v)
{
    store_at(g, IR_REGION_PKT, g->data, SPEC_PKT_BASE + (int32_t)off, (int32_t)off, size, swap, v);
}

/* A store and a load of the same bytes, perhaps with something between. */
static void store_and_load(struct gen *g, uint32_t off, uint32_t size)
{
    const bool swap = gen_below(g, 4) == 0;

    pkt_store(g, off, size, swap, gen_operand(g));
    if (gen_below(g, 3) == 0)
        gen_packet_access(g);
    gen_assign(g, gen_pkt_load(g, off, size, swap));
}

void gen_packet_access(struct gen *g)
{
    const uint32_t size = 1u << gen_below(g, 4);
    const uint32_t off = gen_below(g, REACH - 8);

    if (gen_below(g, 6) == 0)
        store_and_load(g, off, size);
    else if (gen_below(g, 2))
        gen_assign(g, gen_pkt_load(g, off, size, gen_below(g, 4) == 0));
    else
        pkt_store(g, off, size, gen_below(g, 4) == 0, gen_operand(g));
}

/* Bytes from memory put together by hand, in either order. */
void gen_assembly(struct gen *g)
{
    const uint32_t pieces = 2 + gen_below(g, 3);
    const uint32_t size = 1 + gen_below(g, 2);
    const uint32_t off = gen_below(g, REACH - 16);
    const bool big = gen_below(g, 2);
    ir_ref v = IR_NONE;

    for (uint32_t i = 0; i < pieces; i++) {
        const uint32_t shift = 8 * size * (big ? pieces - 1 - i : i);
        ir_ref part = gen_pkt_load(g, off + i * size, size, big && size > 1);

        if (gen_below(g, 16) == 0) /* no whole bytes */
            part = gen_alu_imm(g, SPEC_ALU_AND, part, 0x7f);
        if (gen_below(g, 16) == 0)
            part = gen_alu_imm(g, SPEC_ALU_SHL, part, 4);
        if (shift)
            part = gen_alu_imm(g, SPEC_ALU_SHL, part, shift);
        v = v == IR_NONE ? part : gen_alu(g, SPEC_ALU_OR, 64, v, part);
        if (gen_below(g, 12) == 0)
            gen_packet_access(g); /* perhaps in the way */
    }
    gen_assign(g, v);
}

/* Copies and exchanges of addresses, piece by piece. */
void gen_copy(struct gen *g)
{
    const uint32_t size = 1u << gen_below(g, 3);
    const uint32_t pieces = 2 + gen_below(g, 3);
    const uint32_t from = gen_below(g, REACH / 2);
    const uint32_t to = gen_below(g, REACH / 2);
    const bool exchange = gen_below(g, 2);
    const bool at_once = gen_below(g, 2);
    ir_ref a[8];
    ir_ref b[8];

    for (uint32_t i = 0; i < pieces; i++) {
        a[i] = gen_pkt_load(g, from + i * size, size, false);
        b[i] = exchange ? gen_pkt_load(g, to + i * size, size, false) : a[i];
        if (!at_once)
            continue;
        pkt_store(g, to + i * size, size, false, a[i]);
        if (exchange)
            pkt_store(g, from + i * size, size, false, b[i]);
    }
    for (uint32_t i = 0; i < pieces && !at_once; i++) {
        pkt_store(g, to + i * size, size, false, a[i]);
        if (exchange)
            pkt_store(g, from + i * size, size, false, b[i]);
    }
}

void gen_stack_access(struct gen *g)
{
    const uint32_t size = 1u << gen_below(g, 4);
    const int32_t off = (int32_t)gen_below(g, STACK - 8);

    if (gen_below(g, 6) == 0) {
        const ir_ref index = gen_alu_imm(g, SPEC_ALU_AND, gen_operand(g), 7);
        const struct ir_insn in = {.op = IR_LOAD,
                                   .region = IR_REGION_STACK,
                                   .size = 1,
                                   .imm = 16,
                                   .off_min = 16,
                                   .off_max = 23};

        gen_assign(g, gen_emit(g, in, &index, 1));
    } else if (gen_below(g, 2)) {
        gen_assign(g, load_at(g, IR_REGION_STACK, g->zero, off, off, size, gen_below(g, 8) == 0));
    } else {
        store_at(g, IR_REGION_STACK, g->zero, off, off, size, gen_below(g, 8) == 0, gen_operand(g));
    }
}

static ir_ref map_access(struct gen *g, enum ir_op op, ir_ref p, uint32_t map, int32_t imm,
                         uint32_t size, ir_ref v)
{
    const ir_ref args[2] = {p, v};
    struct ir_insn in = {.op = (uint8_t)op,
                         .region = IR_REGION_MAP,
                         .size = (uint8_t)size,
                         .map = (uint16_t)map,
                         .imm = (uint64_t)(int64_t)imm};

    if (op == IR_ATOMIC) {
        in.atomic = (uint8_t)(1 + gen_below(g, SPEC_ATOMIC_XCHG));
        in.fetch = true;
    }
    return gen_emit(g, in, args, op == IR_LOAD ? 1 : 2);
}

/* A counter, an atomic, or any access to a 16-byte value. */
void gen_value_access(struct gen *g, ir_ref p, uint32_t map)
{
    const uint32_t size = gen_below(g, 2) ? 8 : 4;
    const int32_t imm = (int32_t)gen_below(g, 2) * 8;

    switch (gen_below(g, 4)) {
    case 0:
        map_access(g, IR_STORE, p, map, imm, size,
                   gen_alu(g, SPEC_ALU_ADD, 64, map_access(g, IR_LOAD, p, map, imm, size, IR_NONE),
                           gen_operand(g)));
        break;
    case 1:
        gen_assign(g, map_access(g, IR_ATOMIC, p, map, imm, size, gen_operand(g)));
        break;
    case 2:
        gen_assign(g, map_access(g, IR_LOAD, p, map, (int32_t)gen_below(g, 8),
                                 1u << gen_below(g, 4), IR_NONE));
        break;
    default:
        map_access(g, IR_STORE, p, map, (int32_t)gen_below(g, 8), 1u << gen_below(g, 4),
                   gen_operand(g));
        break;
    }
}

void gen_array_access(struct gen *g)
{
    ir_ref p = gen_constant(g, UINT64_C(1) << SPEC_MAPPTR_SHIFT);

    if (gen_below(g, 2))
        p = gen_alu(
            g, SPEC_ALU_ADD, 64, p,
            gen_alu_imm(g, SPEC_ALU_SHL, gen_alu_imm(g, SPEC_ALU_AND, gen_operand(g), 3), 4));
    gen_value_access(g, p, 0);
    gen_value_access(g, p, 0);
}
