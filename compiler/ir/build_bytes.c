/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* bpf_xdp_load_bytes and bpf_xdp_store_bytes: packet bytes copied to and from other memory, which
 * is never the packet. Semantics: Linux net/core/filter.c (bpf_xdp_pointer), as
 * nic_runtime/helpers/packet.c has them. */

enum {
    WORD = 8,
    BYTES_MAX = 0xffff, /* offset and length */
    UNROLL_BYTES = 128, /* a constant number of bytes that is copied without a loop */
};

struct copy {
    struct build_place packet;
    struct build_place memory;
    bool load; /* from the packet */
};

static void copy_word(struct builder *b, const struct copy *c, uint32_t at, uint32_t bytes)
{
    const struct build_place *from = c->load ? &c->packet : &c->memory;
    const struct build_place *to = c->load ? &c->memory : &c->packet;

    build_store_word(b, to, at, bytes, build_load_word(b, from, at, bytes));
}

/* The place `by` bytes further on, which are at most so many. */
static struct build_place place_at(struct builder *b, const struct build_place *place, ir_ref by,
                                   uint32_t most)
{
    struct build_place p = *place;

    p.address = build_alu(b, SPEC_ALU_ADD, 64, p.address, by);
    p.off_max += (int32_t)most;
    p.rodata = NULL;
    return p;
}

static void copy_constant(struct builder *b, const struct copy *c, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to; at += WORD)
        copy_word(b, c, at, to - at < WORD ? to - at : WORD);
}

/* Pieces of so many bytes from the first byte on, while they lie below a limit. */
static void copy_by_loop(struct builder *b, const struct copy *c, ir_ref limit, uint32_t piece,
                         uint32_t most)
{
    const struct build_loop l = build_loop_begin(b, limit, piece, most / piece);
    const struct copy here = {.packet = place_at(b, &c->packet, l.count, most - piece),
                              .memory = place_at(b, &c->memory, l.count, most - piece),
                              .load = c->load};

    copy_word(b, &here, 0, piece);
    build_loop_end(b, &l);
}

/* A number of bytes that is known at run time: words, then what is left, byte by byte. */
static void copy_run_time(struct builder *b, const struct copy *c, ir_ref bytes, uint32_t most)
{
    const ir_ref words = build_alu_imm(b, SPEC_ALU_AND, 64, bytes, ~(uint64_t)(WORD - 1));
    const ir_ref left = build_alu_imm(b, SPEC_ALU_AND, 64, bytes, WORD - 1);
    struct copy rest = *c;

    if (most >= WORD)
        copy_by_loop(b, c, words, WORD, most / WORD * WORD);
    rest.packet = place_at(b, &c->packet, words, most / WORD * WORD);
    rest.memory = place_at(b, &c->memory, words, most / WORD * WORD);
    copy_by_loop(b, &rest, left, 1, most < WORD ? most : WORD - 1);
}

static void copy_all(struct builder *b, const struct copy *c, const struct verify_arg *size,
                     ir_ref bytes)
{
    const uint32_t most = size->max < BYTES_MAX ? (uint32_t)size->max : BYTES_MAX;
    const uint32_t whole = most / WORD * WORD;

    if (!size->is_const) {
        copy_run_time(b, c, bytes, most);
    } else if (most <= UNROLL_BYTES) {
        copy_constant(b, c, 0, most);
    } else {
        copy_by_loop(b, c, build_const(b, whole), WORD, whole);
        copy_constant(b, c, whole, most);
    }
}

/* Bytes at an offset from the packet's start. */
static struct build_place packet_at(struct builder *b, ir_ref offset, const struct verify_arg *arg)
{
    const ir_ref data = build_read(b, BUILD_VAR_DATA);
    struct build_place p = {.region = IR_REGION_PKT, .address = data, .base = data};
    uint64_t v;

    if (build_is_const(b, offset, &v)) {
        p.imm = p.off_min = p.off_max = (int32_t)v;
        return p;
    }
    p.address = build_alu(b, SPEC_ALU_ADD, 64, data, offset);
    p.off_max = arg->max < BYTES_MAX ? (int32_t)arg->max : BYTES_MAX;
    return p;
}

static void copy_bytes(struct builder *b, const struct verify_fact *fact, bool load)
{
    const ir_ref offset = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 2), IR_NONE);
    const ir_ref bytes = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 4), IR_NONE);
    const ir_block meet = build_block_new(b, b->pc);
    struct copy c = {.load = load};
    ir_ref end;

    if (build_place_of(b, &fact->args[2].pointer, build_reg(b, 3), 0, &c.memory))
        return;
    if (fact->args[1].max > BYTES_MAX)
        build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, offset, BYTES_MAX), EFAULT, meet);
    if (fact->args[3].max > BYTES_MAX)
        build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, bytes, BYTES_MAX), EFAULT, meet);
    end = build_alu(b, SPEC_ALU_ADD, 64, offset, bytes);
    build_leave_if(b, build_alu(b, SPEC_ALU_UGT, 64, end, build_packet_bytes(b)), EINVAL, meet);
    c.packet = packet_at(b, offset, &fact->args[1]);
    copy_all(b, &c, &fact->args[3], bytes);
    build_succeed(b, meet);
}

void build_load_bytes(struct builder *b, const struct verify_fact *fact)
{
    copy_bytes(b, fact, true);
}

void build_store_bytes(struct builder *b, const struct verify_fact *fact)
{
    copy_bytes(b, fact, false);
}
