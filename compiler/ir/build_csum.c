/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* bpf_csum_diff: ones' complement sums of memory as plain additions. Semantics:
 * nic_runtime/helpers, which has them from Linux net/core/filter.c. */

enum { WORD = 8, CSUM_MAX_BYTES = 512 };

/* One of the two buffers. */
struct buffer {
    uint32_t bytes;
    uint32_t count; /* of words */
    ir_ref words[CSUM_MAX_BYTES / WORD];
};

static int take_buffer(struct builder *b, const struct verify_fact *fact, uint32_t arg,
                       struct buffer *out)
{
    const struct verify_arg *size = &fact->args[arg + 1];

    out->bytes = 0;
    if (!size->is_const)
        return build_refuse(b, "IRB0015",
                            "helper bpf_csum_diff: the number of bytes in r%u is not a constant",
                            arg + 2);
    if ((uint32_t)size->value > CSUM_MAX_BYTES)
        return build_refuse(b, "IRB0015",
                            "helper bpf_csum_diff: %u bytes in r%u, hardware sums at most %u",
                            (uint32_t)size->value, arg + 2, CSUM_MAX_BYTES);
    out->bytes = (uint32_t)size->value;
    if (!out->bytes)
        return 0;
    out->count = build_load_words(b, &fact->args[arg], arg + 1, out->bytes, out->words);
    return out->count ? 0 : -ENOTSUP;
}

/* The halves of a word, added. */
static ir_ref halves(struct builder *b, ir_ref word, uint8_t bits)
{
    return build_alu(b, SPEC_ALU_ADD, 64,
                     build_alu_imm(b, SPEC_ALU_AND, 64, word, (UINT64_C(1) << bits) - 1),
                     build_alu_imm(b, SPEC_ALU_LSHR, 64, word, bits));
}

static ir_ref fold_to_32(struct builder *b, ir_ref sum)
{
    return build_alu(b, SPEC_ALU_MOV, 32, halves(b, halves(b, sum, 32), 32), IR_NONE);
}

static ir_ref invert(struct builder *b, ir_ref sum)
{
    return build_alu_imm(b, SPEC_ALU_XOR, 64, sum, UINT32_MAX);
}

/* A tree, so that it is as deep as the logarithm of the number of words. */
static ir_ref add_all(struct builder *b, const ir_ref *words, uint32_t count)
{
    if (count == 1)
        return halves(b, words[0], 32);
    return build_alu(b, SPEC_ALU_ADD, 64, add_all(b, words, count / 2),
                     add_all(b, words + count / 2, count - count / 2));
}

static ir_ref sum_of(struct builder *b, const struct buffer *from, ir_ref seed)
{
    return fold_to_32(b,
                      build_alu(b, SPEC_ALU_ADD, 64, add_all(b, from->words, from->count), seed));
}

void build_csum_diff(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref seed = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 5), IR_NONE);
    struct buffer from;
    struct buffer to;
    ir_ref sum = seed;

    if (take_buffer(b, fact, 0, &from) || take_buffer(b, fact, 2, &to))
        return;
    if (to.bytes)
        sum = sum_of(b, &to, seed);
    else if (from.bytes)
        sum = invert(b, sum_of(b, &from, invert(b, seed)));
    if (to.bytes && from.bytes)
        sum = halves(
            b, build_alu(b, SPEC_ALU_ADD, 64, sum, invert(b, sum_of(b, &from, build_const(b, 0)))),
            32);
    build_set_reg(b, 0, halves(b, halves(b, sum, 16), 16));
}
