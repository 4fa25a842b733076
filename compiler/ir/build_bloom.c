/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* Bloom filters: the hash functions as plain operations, one after the other, and the bits in the
 * map's value memory (spec_map_entries). A push sets bits by atomic operations without an answer,
 * so pushes alone need no order. Semantics: Linux kernel/bpf/bloom_filter.c and
 * include/linux/jhash.h, as nic_runtime/maps/bloom.c has them. */

enum {
    WORD = 8,
    PARTS = 3, /* 32-bit words that the hash takes at once */
    PARTS_MOST = SPEC_HW_BLOOM_BYTES / 4,
};

#define HASH_START UINT32_C(0xdeadbeef)

struct value {
    ir_ref parts[PARTS_MOST]; /* its 32-bit words, the last one filled up with zeros */
    uint32_t count;
    uint32_t bytes;
};

/* The value that r2 points to; false after a refusal. */
static bool load_value(struct builder *b, const struct verify_fact *fact, struct value *v)
{
    ir_ref words[SPEC_HW_BLOOM_BYTES / WORD];

    v->bytes = b->object->maps[fact->args[0].map].value_bytes;
    v->count = (v->bytes + 3) / 4;
    assert(v->count <= PARTS_MOST);
    if (!build_load_words(b, &fact->args[1], 2, v->bytes, words))
        return false;
    for (uint32_t i = 0; i < v->count; i++)
        v->parts[i] = i % 2 ? build_alu_imm(b, SPEC_ALU_LSHR, 64, words[i / 2], 32)
                            : build_alu(b, SPEC_ALU_MOV, 32, words[i / 2], IR_NONE);
    return true;
}

/* --- Bob Jenkins' hash -------------------------------------------------------------------- */

static ir_ref rotate(struct builder *b, ir_ref v, uint32_t by)
{
    return build_alu(b, SPEC_ALU_OR, 32, build_alu_imm(b, SPEC_ALU_SHL, 32, v, by),
                     build_alu_imm(b, SPEC_ALU_LSHR, 32, v, 32 - by));
}

static void mix(struct builder *b, ir_ref h[PARTS])
{
    static const uint8_t by[] = {4, 6, 8, 16, 19, 4};

    for (uint32_t i = 0; i < sizeof(by); i++) {
        ir_ref *x = &h[i % PARTS];
        ir_ref *y = &h[(i + 1) % PARTS];
        ir_ref *z = &h[(i + 2) % PARTS];

        *x = build_alu(b, SPEC_ALU_XOR, 32, build_alu(b, SPEC_ALU_SUB, 32, *x, *z),
                       rotate(b, *z, by[i]));
        *z = build_alu(b, SPEC_ALU_ADD, 32, *z, *y);
    }
}

static void finish(struct builder *b, ir_ref h[PARTS])
{
    static const uint8_t by[] = {14, 11, 25, 16, 4, 14, 24};

    for (uint32_t i = 0; i < sizeof(by); i++) {
        ir_ref *x = &h[(i + 2) % PARTS];
        const ir_ref y = h[(i + 1) % PARTS];

        *x = build_alu(b, SPEC_ALU_SUB, 32, build_alu(b, SPEC_ALU_XOR, 32, *x, y),
                       rotate(b, y, by[i]));
    }
}

static ir_ref hash(struct builder *b, const struct value *v, uint32_t function)
{
    const ir_ref start = build_const(b, (uint32_t)(HASH_START + v->bytes + function));
    ir_ref h[PARTS] = {start, start, start};

    for (uint32_t at = 0; at < v->count; at += PARTS) {
        if (at)
            mix(b, h);
        for (uint32_t i = 0; i < PARTS && at + i < v->count; i++)
            h[i] = build_alu(b, SPEC_ALU_ADD, 32, h[i], v->parts[at + i]);
    }
    finish(b, h);
    return h[2];
}

/* --- bits --------------------------------------------------------------------------------- */

struct bit {
    struct build_place word;
    ir_ref number; /* in the filter, and so by its low bits in the word */
};

static struct bit bit_of(struct builder *b, uint32_t map, const struct value *v, uint32_t function)
{
    const struct load_map *m = &b->object->maps[map];
    struct bit bit = {.word = {.region = IR_REGION_MAP, .map = (uint16_t)map}};
    ir_ref at;

    bit.number = build_alu_imm(b, SPEC_ALU_AND, 64, hash(b, v, function),
                               spec_bloom_mask(m->max_entries, load_extra(m)));
    at = build_alu_imm(b, SPEC_ALU_AND, 64, build_alu_imm(b, SPEC_ALU_LSHR, 64, bit.number, 3),
                       ~(uint64_t)(WORD - 1));
    bit.word.address =
        build_alu_imm(b, SPEC_ALU_ADD, 64, at, (uint64_t)(map + 1) << SPEC_MAPPTR_SHIFT);
    return bit;
}

static uint32_t functions_of(const struct builder *b, uint32_t map)
{
    return spec_bloom_functions(load_extra(&b->object->maps[map]));
}

void build_bloom_push(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = fact->args[0].map;
    const ir_ref flags = build_reg(b, 3);
    const ir_block meet = build_block_new(b, b->pc);
    struct value v;

    if (!load_value(b, fact, &v))
        return;
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_NE, 64, flags, 0), EINVAL, meet);
    for (uint32_t i = 0; i < functions_of(b, map); i++) {
        const struct bit bit = bit_of(b, map, &v, i);
        const ir_ref args[2] = {
            bit.word.address,
            build_alu(b, SPEC_ALU_SHL, 64, build_const(b, 1), bit.number),
        };

        build_emit(b,
                   (struct ir_insn){.op = IR_ATOMIC,
                                    .region = IR_REGION_MAP,
                                    .map = (uint16_t)map,
                                    .size = WORD,
                                    .atomic = SPEC_ATOMIC_OR},
                   args, 2);
    }
    build_succeed(b, meet);
}

void build_bloom_peek(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = fact->args[0].map;
    ir_ref all = IR_NONE;
    struct value v;

    if (!load_value(b, fact, &v))
        return;
    for (uint32_t i = 0; i < functions_of(b, map); i++) {
        const struct bit bit = bit_of(b, map, &v, i);
        const ir_ref here =
            build_alu(b, SPEC_ALU_LSHR, 64, build_load(b, &bit.word, 0, WORD), bit.number);

        all = i ? build_alu(b, SPEC_ALU_AND, 64, all, here) : here;
    }
    build_set_reg(b, 0,
                  build_select(b, build_alu_imm(b, SPEC_ALU_AND, 64, all, 1), build_const(b, 0),
                               build_const(b, (uint64_t) - (int64_t)ENOENT)));
}
