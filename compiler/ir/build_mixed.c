/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* Pointers that lead to different kinds of memory on different paths, as clang makes of the same
 * access in two branches. Addresses in the packet's buffer are below those on the stack, and these
 * below those of map values, so the address tells which access it is; each kind of memory has its
 * own bounds from the verifier. */

static int refuse_kinds(struct builder *b)
{
    return build_refuse(b, "IRB0002",
                        "the pointer leads to different kinds of memory on different paths, and "
                        "hardware can't tell them apart");
}

/* Frames of the call chain lie in one memory. Packet bytes from two bases, data and where the
 * metadata begin, can't be told apart. */
static int add_place(struct builder *b, const struct build_place *one, int64_t stack_imm,
                     ir_ref pointer, struct build_place *kinds, uint32_t *count)
{
    struct build_place *same = NULL;

    for (uint32_t i = 0; i < *count && !same; i++)
        same = kinds[i].region == one->region ? &kinds[i] : NULL;
    if (!same) {
        kinds[(*count)++] = *one;
        return 0;
    }
    if (one->region != IR_REGION_STACK)
        return refuse_kinds(b);
    same->address = pointer;
    same->imm = stack_imm;
    same->off_min = one->off_min < same->off_min ? one->off_min : same->off_min;
    same->off_max = one->off_max > same->off_max ? one->off_max : same->off_max;
    return 0;
}

int build_mixed_place(struct builder *b, const struct verify_pointer *p, ir_ref pointer,
                      int32_t off, struct build_place *out)
{
    struct build_place *kinds = arena_array(b->arena, IR_REGION_COUNT, sizeof(*kinds));
    uint32_t count = 0;

    if (!p->kinds)
        return refuse_kinds(b);
    for (const struct verify_kind *k = p->kinds; k; k = k->next) {
        struct build_place one;
        int err;

        if (k->pointer.region == VERIFY_REGION_MIXED || k->pointer.region == VERIFY_REGION_CTX ||
            k->pointer.region == VERIFY_REGION_RECORD)
            return refuse_kinds(b);
        err = build_place_of(b, &k->pointer, pointer, off, &one);
        if (!err)
            err = add_place(b, &one, off - BUILD_STACK_BIAS, pointer, kinds, &count);
        if (err)
            return err;
    }
    if (count == 1)
        *out = kinds[0];
    else
        *out = (struct build_place){
            .address = pointer, .imm = off, .kinds = kinds, .kind_count = count};
    return 0;
}

/* Is what the place's address leads to of this kind? */
static ir_ref is_kind(struct builder *b, const struct build_place *place, enum ir_region region)
{
    const ir_ref first = build_alu_imm(b, SPEC_ALU_ADD, 64, place->address, (uint64_t)place->imm);

    if (region == IR_REGION_PKT)
        return build_alu_imm(b, SPEC_ALU_ULT, 64, first, BUILD_STACK_BIAS);
    if (region == IR_REGION_MAP)
        return build_alu_imm(b, SPEC_ALU_UGE, 64, first, UINT64_C(1) << SPEC_MAPPTR_SHIFT);
    return build_alu_imm(b, SPEC_ALU_EQ, 64,
                         build_alu_imm(b, SPEC_ALU_LSHR, 64, first, BUILD_STACK_SHIFT), 1);
}

/* Goes on where the access is of kind i; *other: where it is not, to go on after it. */
static void begin_kind(struct builder *b, const struct build_place *place, uint32_t i,
                       ir_block *other)
{
    const ir_block here = build_block_new(b, b->pc);

    *other = build_block_new(b, b->pc);
    build_branch(b, is_kind(b, place, place->kinds[i].region), here, *other);
    build_seal(b, here);
    build_seal(b, *other);
    b->cur = here;
}

/* Loads to BUILD_VAR_BYTES, or stores a value. */
static void access_kinds(struct builder *b, const struct build_place *place, uint32_t delta,
                         uint32_t size, ir_ref stored)
{
    const ir_block meet = build_block_new(b, b->pc);
    ir_block other = meet;

    for (uint32_t i = 0; i < place->kind_count; i++) {
        const struct build_place *kind = &place->kinds[i];

        if (i + 1 < place->kind_count)
            begin_kind(b, place, i, &other);
        if (stored == IR_NONE)
            build_write(b, BUILD_VAR_BYTES, build_load(b, kind, delta, size));
        else
            build_store(b, kind, delta, size, stored);
        build_jump(b, meet);
        b->cur = other;
    }
    build_seal(b, meet);
    b->cur = meet;
}

ir_ref build_mixed_load(struct builder *b, const struct build_place *place, uint32_t delta,
                        uint32_t size)
{
    access_kinds(b, place, delta, size, IR_NONE);
    return build_read(b, BUILD_VAR_BYTES);
}

void build_mixed_store(struct builder *b, const struct build_place *place, uint32_t delta,
                       uint32_t size, ir_ref value)
{
    access_kinds(b, place, delta, size, value);
}
