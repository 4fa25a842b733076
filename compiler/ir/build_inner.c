/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* Maps of maps. What a look-up in one gives is a map's number + 1, or 0; the host has seen to it
 * that it is one of those that were named for it. A call with such a number is one for arrays of
 * one form, whose number is the upper half of a pointer to a value: arithmetic, however many they
 * are. For others, which an engine serves, the number is compared with each map's (build_call.c).
 * Semantics: Linux kernel/bpf/arraymap.c, array_of_map_lookup_elem, and hashtab.c. */

bool build_holds_maps(const struct load_map *map)
{
    return map->type == SPEC_MAP_ARRAY_OF_MAPS || map->type == SPEC_MAP_HASH_OF_MAPS;
}

void build_outer_lookup(struct builder *b, uint32_t map, const ir_ref *key)
{
    const struct load_map *m = &b->object->maps[map];
    const struct build_array array = {.map = map};
    const ir_block there = build_block_new(b, b->pc);
    const ir_block missing = build_block_new(b, b->pc);
    const ir_block meet = build_block_new(b, b->pc);
    struct build_place place = {.region = IR_REGION_MAP, .map = (uint16_t)map};
    ir_ref found;

    _Static_assert(SPEC_MAPS <= UINT8_MAX, "a map's number + 1 is one byte");
    if (m->type == SPEC_MAP_HASH_OF_MAPS) {
        build_engine_op(b, IR_MAP_LOOKUP, map, key, NULL, IR_NONE);
        place.address = build_reg(b, 0);
        found = build_alu_imm(b, SPEC_ALU_NE, 64, place.address, 0);
    } else {
        found = build_alu_imm(b, SPEC_ALU_ULT, 64, key[0], m->max_entries);
    }
    build_branch(b, found, there, missing);
    build_seal(b, there);
    build_seal(b, missing);
    b->cur = missing;
    build_set_reg(b, 0, build_const(b, 0));
    build_jump(b, meet);
    b->cur = there;
    if (m->type == SPEC_MAP_ARRAY_OF_MAPS)
        place.address = build_entry(b, &array, key[0]);
    build_set_reg(b, 0, build_load(b, &place, 0, 1));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

int build_inner_maps(struct builder *b, const struct verify_arg *arg, uint64_t *maps)
{
    uint64_t all = arg->maps;

    if (!b->tails || !b->tails->holds)
        return build_refuse(b, "IRB0017", "nothing is known of the maps in a map of maps");
    for (uint64_t left = arg->inner; left; left &= left - 1)
        all |= b->tails->holds[__builtin_ctzll(left)];
    *maps = all;
    return 0;
}

/* Whether entries of two arrays lie alike in their value memory. */
static bool same_form(const struct load_map *a, const struct load_map *b)
{
    const struct spec_map_type_row *row = &spec_map_type_table[a->type];

    return row->engine == SPEC_ENGINE_VMEM && !row->redirect && a->type == b->type &&
           a->value_bytes == b->value_bytes && a->max_entries == b->max_entries &&
           load_has_lock(a) == load_has_lock(b) &&
           (!load_has_lock(a) || a->fields->lock_off == b->fields->lock_off);
}

bool build_inner_arrays(struct builder *b, uint32_t num, const struct verify_fact *fact,
                        uint64_t maps)
{
    const struct load_map *all = b->object->maps;
    const uint32_t first = (uint32_t)__builtin_ctzll(maps);
    const struct build_array array = {.map = first, .number = build_reg(b, 1)};

    if (num != SPEC_HELPER_MAP_LOOKUP_ELEM && num != SPEC_HELPER_MAP_UPDATE_ELEM &&
        num != SPEC_HELPER_MAP_DELETE_ELEM)
        return false;
    for (uint64_t left = maps; left; left &= left - 1)
        if (!same_form(&all[__builtin_ctzll(left)], &all[first]))
            return false;
    for (uint64_t left = maps; left; left &= left - 1)
        if (build_map_usable(b, (uint32_t)__builtin_ctzll(left)))
            return true;
    build_array_helper(b, num, fact, &array);
    return true;
}
