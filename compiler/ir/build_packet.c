/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* Helpers that move the packet's ends and its metadata. Semantics: Linux net/core/filter.c, as
 * nic_runtime/helpers/packet.c has them. */

enum {
    WORD = 8,
    META_MAX_BYTES = 252, /* skb_shared_info.meta_len has 8 bits; words of 4 */
    META_STEP = 4,
};

void build_leave_if(struct builder *b, ir_ref cond, int err, ir_block meet)
{
    const ir_block fail = build_block_new(b, b->pc);
    const ir_block good = build_block_new(b, b->pc);
    uint64_t v;

    if (build_is_const(b, cond, &v) && !v) {
        build_jump(b, good);
        build_seal(b, good);
        b->cur = good;
        return;
    }
    build_branch(b, cond, fail, good);
    build_seal(b, fail);
    build_seal(b, good);
    b->cur = fail;
    build_set_reg(b, 0, build_const(b, (uint64_t) - (int64_t)err));
    build_jump(b, meet);
    b->cur = good;
}

void build_succeed(struct builder *b, ir_block meet)
{
    build_set_reg(b, 0, build_const(b, 0));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

struct build_loop build_loop_begin(struct builder *b, ir_ref limit, uint32_t step, uint32_t trips)
{
    struct build_loop l = {.step = step};
    const ir_block body = build_block_new(b, b->pc);

    l.head = build_block_new(b, b->pc);
    l.after = build_block_new(b, b->pc);
    b->f->blocks[l.head].trip_max = trips;
    build_write(b, BUILD_VAR_COUNT, build_const(b, 0));
    build_jump(b, l.head);
    b->cur = l.head;
    l.count = build_read(b, BUILD_VAR_COUNT);
    build_branch(b, build_alu(b, SPEC_ALU_ULT, 64, l.count, limit), body, l.after);
    build_seal(b, body);
    b->cur = body;
    return l;
}

void build_loop_end(struct builder *b, const struct build_loop *l)
{
    build_write(b, BUILD_VAR_COUNT, build_alu_imm(b, SPEC_ALU_ADD, 64, l->count, l->step));
    build_jump(b, l->head);
    build_seal(b, l->head);
    build_seal(b, l->after);
    b->cur = l->after;
}

/* --- metadata ----------------------------------------------------------------------------- */

ir_ref build_data_meta(struct builder *b)
{
    const ir_ref data = build_read(b, BUILD_VAR_DATA);
    const ir_ref meta = build_read(b, BUILD_VAR_META);
    uint64_t bytes;

    if (!build_is_const(b, meta, &bytes))
        return build_alu(b, SPEC_ALU_SUB, 64, data, meta);
    return bytes ? build_alu_imm(b, SPEC_ALU_ADD, 64, data, (uint64_t) - (int64_t)bytes) : data;
}

/* bpf_xdp_adjust_meta: moves where the metadata begin. */
void build_adjust_meta(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref delta = build_alu(b, SPEC_ALU_SEXT32, 64, build_reg(b, 2), IR_NONE);
    const ir_ref start = build_alu(b, SPEC_ALU_ADD, 64, build_data_meta(b), delta);
    const ir_ref bytes = build_alu(b, SPEC_ALU_SUB, 64, build_read(b, BUILD_VAR_META), delta);
    const ir_block meet = build_block_new(b, b->pc);

    (void)fact;
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_SLT, 64, start, SPEC_PKT_HARD_START), EINVAL, meet);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_SLT, 64, bytes, 0), EINVAL, meet);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_SET, 64, bytes, META_STEP - 1), EACCES, meet);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, bytes, META_MAX_BYTES), EACCES, meet);
    build_write(b, BUILD_VAR_META, bytes);
    build_succeed(b, meet);
}

/* So many bytes in front of a base, whose number is constant: all are read before any is written,
 * since old and new places may overlap. */
static void move_constant(struct builder *b, ir_ref from, ir_ref to, uint32_t bytes)
{
    struct build_place place = {.region = IR_REGION_PKT,
                                .imm = -(int64_t)bytes,
                                .off_min = -(int32_t)bytes,
                                .off_max = -(int32_t)bytes};
    ir_ref words[META_MAX_BYTES / WORD + 1];

    assert(bytes <= META_MAX_BYTES);
    place.address = place.base = from;
    for (uint32_t at = 0; at < bytes; at += WORD)
        words[at / WORD] = build_load(b, &place, at, bytes - at < WORD ? bytes - at : WORD);
    place.address = place.base = to;
    for (uint32_t at = 0; at < bytes; at += WORD)
        build_store(b, &place, at, bytes - at < WORD ? bytes - at : WORD, words[at / WORD]);
}

/* The same where their number is known at run time: words of 4, those first that the others
 * overwrite. */
static void move_by_loop(struct builder *b, ir_ref from, ir_ref to, ir_ref bytes)
{
    const ir_ref down = build_alu(b, SPEC_ALU_SLT, 64, to, from);
    const struct build_loop l = build_loop_begin(b, bytes, META_STEP, META_MAX_BYTES / META_STEP);
    const ir_ref last = build_alu_imm(b, SPEC_ALU_SUB, 64, bytes, META_STEP);
    const ir_ref at = build_select(b, down, l.count, build_alu(b, SPEC_ALU_SUB, 64, last, l.count));
    const ir_ref below = build_alu(b, SPEC_ALU_SUB, 64, at, bytes);
    struct build_place place = {
        .region = IR_REGION_PKT, .base = from, .off_min = -META_MAX_BYTES, .off_max = -META_STEP};
    ir_ref word;

    place.address = build_alu(b, SPEC_ALU_ADD, 64, from, below);
    word = build_load(b, &place, 0, META_STEP);
    place.base = to;
    place.address = build_alu(b, SPEC_ALU_ADD, 64, to, below);
    build_store(b, &place, 0, META_STEP, word);
    build_loop_end(b, &l);
}

/* --- the packet's ends -------------------------------------------------------------------- */

/* bpf_xdp_adjust_head: the metadata move along. */
void build_adjust_head(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref delta = build_alu(b, SPEC_ALU_SEXT32, 64, build_reg(b, 2), IR_NONE);
    const ir_ref from = build_read(b, BUILD_VAR_DATA);
    const ir_ref meta = build_read(b, BUILD_VAR_META);
    const ir_ref to = build_alu(b, SPEC_ALU_ADD, 64, from, delta);
    const ir_ref last =
        build_alu_imm(b, SPEC_ALU_SUB, 64, build_read(b, BUILD_VAR_END), SPEC_PKT_MIN_BYTES);
    const ir_ref first = build_alu_imm(b, SPEC_ALU_ADD, 64, meta, SPEC_PKT_HARD_START);
    const ir_ref low = build_alu(b, SPEC_ALU_SLT, 64, to, first);
    const ir_ref high = build_alu(b, SPEC_ALU_SGT, 64, to, last);
    const ir_block meet = build_block_new(b, b->pc);
    uint64_t bytes;

    (void)fact;
    build_leave_if(b, build_alu(b, SPEC_ALU_OR, 64, low, high), EINVAL, meet);
    if (!build_is_const(b, meta, &bytes))
        move_by_loop(b, from, to, meta);
    else if (bytes <= META_MAX_BYTES) /* else nobody comes here */
        move_constant(b, from, to, (uint32_t)bytes);
    build_write(b, BUILD_VAR_DATA, to);
    build_succeed(b, meet);
}

/* bpf_xdp_adjust_tail: bytes that are added are zero. */
void build_adjust_tail(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref delta = build_alu(b, SPEC_ALU_SEXT32, 64, build_reg(b, 2), IR_NONE);
    const ir_ref old_end = build_read(b, BUILD_VAR_END);
    const ir_ref end = build_alu(b, SPEC_ALU_ADD, 64, old_end, delta);
    const ir_ref first =
        build_alu_imm(b, SPEC_ALU_ADD, 64, build_read(b, BUILD_VAR_DATA), SPEC_PKT_MIN_BYTES);
    const ir_ref linear =
        build_alu_imm(b, SPEC_ALU_ULE, 64, build_input(b, SPEC_IN_LEN), SPEC_PKT_LINEAR_BYTES);
    const ir_ref hard_end = build_select(b, linear, build_const(b, SPEC_PKT_LINEAR_END),
                                         build_const(b, SPEC_PKT_JUMBO_END));
    const ir_ref high = build_alu(b, SPEC_ALU_SGT, 64, end, hard_end);
    const ir_ref low = build_alu(b, SPEC_ALU_SLT, 64, end, first);
    const ir_block meet = build_block_new(b, b->pc);
    const ir_ref range[2] = {old_end, end};
    uint64_t v;

    (void)fact;
    build_leave_if(b, build_alu(b, SPEC_ALU_OR, 64, low, high), EINVAL, meet);
    if (!build_is_const(b, delta, &v) || (int64_t)v > 0)
        build_emit(b, (struct ir_insn){.op = IR_PKT_ZERO}, range, 2);
    build_write(b, BUILD_VAR_END, end);
    build_succeed(b, meet);
}

ir_ref build_packet_bytes(struct builder *b)
{
    return build_alu(b, SPEC_ALU_SUB, 64, build_read(b, BUILD_VAR_END),
                     build_read(b, BUILD_VAR_DATA));
}

void build_buff_len(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_set_reg(b, 0, build_packet_bytes(b));
}
