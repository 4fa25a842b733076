/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>
#include <stdlib.h>

/* Map operations: on arrays arithmetic and plain accesses, on hashes operations of the engine.
 * Checks and their order: Linux kernel/bpf/arraymap.c, array_map_update_elem and its neighbours. */

enum {
    WORD = 8,
    FLAG_LOCK = 4, /* BPF_F_LOCK */
    LOCK_BYTES = 4,
};

int build_map_usable(struct builder *b, uint32_t map)
{
    const struct load_map *m = &b->object->maps[map];
    const struct spec_map_type_row *row =
        m->type < SPEC_MAP_COUNT ? &spec_map_type_table[m->type] : &spec_map_type_table[0];
    const bool bloom = m->type == SPEC_MAP_BLOOM_FILTER;
    const uint64_t stride = bloom ? WORD : ((uint64_t)m->value_bytes + 7) & ~UINT64_C(7);
    const uint64_t cpus = row->percpu ? SPEC_QUEUES : 1;
    uint64_t entries;

    if (row->engine == SPEC_ENGINE_NONE)
        return build_refuse(b, "IRB0010", "map %s: no engine serves maps of type %s", m->name,
                            row->name);
    entries = spec_map_entries(m->type, m->max_entries, load_extra(m));
    if (entries && stride > (UINT32_MAX / cpus) / entries)
        return build_refuse(b, "IRB0011",
                            "map %s: %u values of %u bytes are more than an engine can address",
                            m->name, m->max_entries, m->value_bytes);
    if (bloom && m->value_bytes > SPEC_HW_BLOOM_BYTES)
        return build_refuse(b, "IRB0013",
                            "map %s: a value has %u bytes, hardware hashes %u for a Bloom filter",
                            m->name, m->value_bytes, SPEC_HW_BLOOM_BYTES);
    if (row->soft == SPEC_SOFT_QUEUE && m->value_bytes > SPEC_HW_VALUE_BYTES)
        return build_refuse(b, "IRB0013",
                            "map %s: a value has %u bytes, hardware copies %u for a queue or stack",
                            m->name, m->value_bytes, SPEC_HW_VALUE_BYTES);
    if (!spec_engine_has_keys(row->engine))
        return 0;
    if (m->key_bytes > SPEC_HW_KEY_BYTES)
        return build_refuse(b, "IRB0012", "map %s: a key has %u bytes, the hash engine takes %u",
                            m->name, m->key_bytes, SPEC_HW_KEY_BYTES);
    if (m->value_bytes > SPEC_HW_VALUE_BYTES)
        return build_refuse(b, "IRB0013", "map %s: a value has %u bytes, the hash engine takes %u",
                            m->name, m->value_bytes, SPEC_HW_VALUE_BYTES);
    return 0;
}

static bool is_percpu(const struct builder *b, uint32_t map)
{
    return spec_map_type_table[b->object->maps[map].type].percpu;
}

static ir_ref cpu_of(struct builder *b, uint32_t map)
{
    _Static_assert((SPEC_QUEUES & (SPEC_QUEUES - 1)) == 0, "queues are masked");
    if (!is_percpu(b, map))
        return build_const(b, 0);
    return build_alu_imm(b, SPEC_ALU_AND, 64, build_input(b, SPEC_IN_QUEUE), SPEC_QUEUES - 1);
}

/* A value times a constant, by shifts where two do. */
static ir_ref times(struct builder *b, ir_ref v, uint32_t factor)
{
    const uint32_t low = (uint32_t)__builtin_ctz(factor);
    const uint32_t high = 31 - (uint32_t)__builtin_clz(factor);
    ir_ref a;

    assert(factor);
    if (__builtin_popcount(factor) > 2)
        return build_alu_imm(b, SPEC_ALU_MUL, 64, v, factor);
    a = low ? build_alu_imm(b, SPEC_ALU_SHL, 64, v, low) : v;
    if (low == high)
        return a;
    return build_alu(b, SPEC_ALU_ADD, 64, a, build_alu_imm(b, SPEC_ALU_SHL, 64, v, high));
}

static uint32_t stride_of(const struct builder *b, uint32_t map)
{
    return (b->object->maps[map].value_bytes + 7) & ~7u;
}

/* The value of a CPU in an array's entry. */
static ir_ref entry_of_cpu(struct builder *b, const struct build_array *array, ir_ref index,
                           ir_ref cpu)
{
    ir_ref entry = index;
    ir_ref offset;

    if (is_percpu(b, array->map))
        entry = build_alu(b, SPEC_ALU_ADD, 64, times(b, index, SPEC_QUEUES), cpu);
    offset = times(b, entry, stride_of(b, array->map));
    if (array->number == IR_NONE)
        return build_alu_imm(b, SPEC_ALU_ADD, 64, offset,
                             (uint64_t)(array->map + 1) << SPEC_MAPPTR_SHIFT);
    /* The halves side by side, and no sum: so it stays plain which is which. */
    return build_alu(b, SPEC_ALU_OR, 64,
                     build_alu_imm(b, SPEC_ALU_SHL, 64, array->number, SPEC_MAPPTR_SHIFT),
                     build_alu(b, SPEC_ALU_MOV, 32, offset, IR_NONE));
}

ir_ref build_entry(struct builder *b, const struct build_array *array, ir_ref index)
{
    return entry_of_cpu(b, array, index, cpu_of(b, array->map));
}

/* May it be map memory, whose accesses have 1, 2, 4 or 8 bytes? */
static bool in_pieces(const struct build_place *place)
{
    return place->region == IR_REGION_MAP || place->kind_count;
}

/* Up to 8 bytes of memory as a value. Map memory is read in pieces whose size is a power of two. */
ir_ref build_load_word(struct builder *b, const struct build_place *place, uint32_t at,
                       uint32_t bytes)
{
    ir_ref v = IR_NONE;
    uint32_t done = 0;

    if (!in_pieces(place) || (bytes & (bytes - 1)) == 0)
        return build_load(b, place, at, bytes);
    for (uint32_t piece = 4; piece; piece /= 2) {
        ir_ref part;

        if (!(bytes & piece))
            continue;
        part = build_load(b, place, at + done, piece);
        if (done)
            part = build_alu_imm(b, SPEC_ALU_SHL, 64, part, 8 * done);
        v = v == IR_NONE ? part : build_alu(b, SPEC_ALU_OR, 64, v, part);
        done += piece;
    }
    return v;
}

void build_store_word(struct builder *b, const struct build_place *place, uint32_t at,
                      uint32_t bytes, ir_ref v)
{
    uint32_t done = 0;

    if (!in_pieces(place) || (bytes & (bytes - 1)) == 0) {
        build_store(b, place, at, bytes, v);
        return;
    }
    for (uint32_t piece = 4; piece; piece /= 2) {
        if (!(bytes & piece))
            continue;
        build_store(b, place, at + done, piece,
                    done ? build_alu_imm(b, SPEC_ALU_LSHR, 64, v, 8 * done) : v);
        done += piece;
    }
}

ir_ref *build_argument(struct builder *b, const struct verify_fact *fact, uint32_t arg,
                       uint32_t bytes)
{
    ir_ref *words = arena_array(b->arena, ir_words(bytes), sizeof(*words));

    return build_load_words(b, &fact->args[arg], arg + 1, bytes, words) ? words : NULL;
}

uint32_t build_load_words(struct builder *b, const struct verify_arg *arg, uint32_t reg,
                          uint32_t bytes, ir_ref *words)
{
    struct build_place place;

    if (build_place_of(b, &arg->pointer, build_reg(b, reg), 0, &place))
        return 0;
    for (uint32_t at = 0; at < bytes; at += WORD)
        words[at / WORD] = build_load_word(b, &place, at, bytes - at < WORD ? bytes - at : WORD);
    return ir_words(bytes);
}

/* Writes a value, but not the lock in it. */
static void store_value(struct builder *b, const struct build_place *place,
                        const struct load_map *m, const ir_ref *value)
{
    const uint32_t lock = load_has_lock(m) ? m->fields->lock_off : UINT32_MAX;

    for (uint32_t at = 0; at < m->value_bytes; at += WORD) {
        const uint32_t bytes = m->value_bytes - at < WORD ? m->value_bytes - at : WORD;
        const ir_ref v = value[at / WORD];

        if (lock == at && bytes > LOCK_BYTES)
            build_store_word(b, place, at + LOCK_BYTES, bytes - LOCK_BYTES,
                             build_alu_imm(b, SPEC_ALU_LSHR, 64, v, 8 * LOCK_BYTES));
        else if (lock == at + LOCK_BYTES)
            build_store_word(b, place, at, LOCK_BYTES, v);
        else if (lock != at)
            build_store_word(b, place, at, bytes, v);
    }
}

/* --- arrays ------------------------------------------------------------------------------- */

static void array_lookup(struct builder *b, const struct build_array *array, ir_ref index)
{
    const struct load_map *m = &b->object->maps[array->map];
    const ir_ref within = spec_map_type_table[m->type].redirect
                              ? build_target_present(b, array->map, index)
                              : build_alu_imm(b, SPEC_ALU_ULT, 64, index, m->max_entries);
    const ir_ref entry = build_entry(b, array, index);

    build_set_reg(b, 0, build_select(b, within, entry, build_const(b, 0)));
}

/* bpf_map_lookup_percpu_elem asks for the value of the CPU in r3, if there is one. */
static ir_ref asked_cpu(struct builder *b)
{
    return build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 3), IR_NONE);
}

static ir_ref is_cpu(struct builder *b, ir_ref cpu)
{
    return build_alu_imm(b, SPEC_ALU_ULT, 64, cpu, SPEC_QUEUES);
}

static void array_lookup_of_cpu(struct builder *b, const struct build_array *array, ir_ref index)
{
    const ir_ref cpu = asked_cpu(b);
    const ir_ref within =
        build_alu_imm(b, SPEC_ALU_ULT, 64, index, b->object->maps[array->map].max_entries);
    const ir_ref found = build_alu(b, SPEC_ALU_AND, 64, within, is_cpu(b, cpu));

    build_set_reg(b, 0,
                  build_select(b, found, entry_of_cpu(b, array, index, cpu), build_const(b, 0)));
}

static void array_update(struct builder *b, const struct build_array *array, ir_ref index,
                         const ir_ref *value, ir_ref flags)
{
    const struct load_map *m = &b->object->maps[array->map];
    const ir_block meet = build_block_new(b, b->pc);
    const ir_ref known = build_alu_imm(b, SPEC_ALU_AND, 64, flags, ~(uint64_t)FLAG_LOCK);
    struct build_place place = {.region = IR_REGION_MAP,
                                .map = array->number ? IR_MAP_ANY : (uint16_t)array->map};

    build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, known, SPEC_MAP_FLAG_EXIST), EINVAL, meet);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGE, 64, index, m->max_entries), E2BIG, meet);
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_SET, 64, flags, SPEC_MAP_FLAG_NOEXIST), EEXIST,
                   meet);
    if (!load_has_lock(m))
        build_leave_if(b, build_alu_imm(b, SPEC_ALU_SET, 64, flags, FLAG_LOCK), EINVAL, meet);
    place.address = build_entry(b, array, index);
    store_value(b, &place, m, value);
    build_set_reg(b, 0, build_const(b, 0));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

void build_array_helper(struct builder *b, uint32_t helper, const struct verify_fact *fact,
                        const struct build_array *array)
{
    const struct load_map *m = &b->object->maps[array->map];
    const ir_ref flags = helper == SPEC_HELPER_MAP_UPDATE_ELEM ? build_reg(b, 4) : IR_NONE;
    const ir_ref *value = NULL;
    const ir_ref *key;

    if (helper == SPEC_HELPER_MAP_DELETE_ELEM) {
        build_set_reg(b, 0, build_const(b, (uint64_t) - (int64_t)EINVAL));
        return;
    }
    key = build_argument(b, fact, 1, m->key_bytes);
    if (helper == SPEC_HELPER_MAP_UPDATE_ELEM)
        value = build_argument(b, fact, 2, m->value_bytes);
    if (b->error)
        return;
    if (helper == SPEC_HELPER_MAP_UPDATE_ELEM)
        array_update(b, array, key[0], value, flags);
    else if (helper == SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM)
        array_lookup_of_cpu(b, array, key[0]);
    else if (build_holds_maps(m))
        build_outer_lookup(b, array->map, key);
    else
        array_lookup(b, array, key[0]);
}

/* --- hashes ------------------------------------------------------------------------------- */

void build_engine_op(struct builder *b, enum ir_op op, uint32_t map, const ir_ref *key,
                     const ir_ref *value, ir_ref flags)
{
    enum { MOST = 2 + (SPEC_HW_KEY_BYTES + SPEC_HW_VALUE_BYTES) / WORD };
    const struct load_map *m = &b->object->maps[map];
    ir_ref args[MOST];
    uint32_t n = 0;

    args[n++] = cpu_of(b, map);
    if (op == IR_MAP_UPDATE)
        args[n++] = flags;
    for (uint32_t i = 0; i < ir_words(m->key_bytes); i++)
        args[n++] = key[i];
    for (uint32_t i = 0; op == IR_MAP_UPDATE && i < ir_words(m->value_bytes); i++)
        args[n++] = value[i];
    build_set_reg(
        b, 0, build_emit(b, (struct ir_insn){.op = (uint8_t)op, .map = (uint16_t)map}, args, n));
}

/* An update with BPF_F_LOCK changes a value that is there where it lies, and not in a spare entry
 * (Linux: htab_map_update_elem). */
static void update_in_place(struct builder *b, uint32_t map, const ir_ref *key, const ir_ref *value,
                            ir_ref flags)
{
    const ir_block meet = build_block_new(b, b->pc);
    const ir_block there = build_block_new(b, b->pc);
    const ir_block missing = build_block_new(b, b->pc);
    struct build_place place = {.region = IR_REGION_MAP, .map = (uint16_t)map};

    build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, flags, SPEC_MAP_FLAG_EXIST), EINVAL, meet);
    build_engine_op(b, IR_MAP_LOOKUP, map, key, NULL, IR_NONE);
    place.address = build_reg(b, 0);
    build_branch(b, build_alu_imm(b, SPEC_ALU_NE, 64, place.address, 0), there, missing);
    build_seal(b, there);
    build_seal(b, missing);
    b->cur = missing;
    build_engine_op(b, IR_MAP_UPDATE, map, key, value, flags);
    build_jump(b, meet);
    b->cur = there;
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_EQ, 64, flags, SPEC_MAP_FLAG_NOEXIST), EEXIST,
                   meet);
    store_value(b, &place, &b->object->maps[map], value);
    build_set_reg(b, 0, build_const(b, 0));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

/* An update of a hash whose values have a lock: the lock's word stays 0. */
static void locked_update(struct builder *b, uint32_t map, const ir_ref *key, ir_ref *value,
                          const struct verify_arg *how)
{
    const struct load_map *m = &b->object->maps[map];
    const uint32_t lock = m->fields->lock_off;
    const uint64_t others = lock % WORD ? UINT32_MAX : ~(uint64_t)UINT32_MAX;
    const ir_ref flags = build_reg(b, 4);
    const ir_ref in_place = build_alu_imm(b, SPEC_ALU_AND, 64, flags, FLAG_LOCK);
    const ir_ref rest = build_alu_imm(b, SPEC_ALU_AND, 64, flags, ~(uint64_t)FLAG_LOCK);
    ir_block yes, no, meet;

    value[lock / WORD] = build_alu_imm(b, SPEC_ALU_AND, 64, value[lock / WORD], others);
    if (how->max < FLAG_LOCK) {
        build_engine_op(b, IR_MAP_UPDATE, map, key, value, flags);
        return;
    }
    yes = build_block_new(b, b->pc);
    no = build_block_new(b, b->pc);
    meet = build_block_new(b, b->pc);
    build_branch(b, in_place, yes, no);
    build_seal(b, yes);
    build_seal(b, no);
    b->cur = no;
    build_engine_op(b, IR_MAP_UPDATE, map, key, value, flags);
    build_jump(b, meet);
    b->cur = yes;
    update_in_place(b, map, key, value, rest);
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

static enum ir_op engine_op(const struct load_map *m, uint32_t helper)
{
    if (helper == SPEC_HELPER_MAP_UPDATE_ELEM)
        return IR_MAP_UPDATE;
    if (helper == SPEC_HELPER_MAP_DELETE_ELEM)
        return IR_MAP_DELETE;
    return spec_map_type_table[m->type].engine == SPEC_ENGINE_LRU ? IR_MAP_USE : IR_MAP_LOOKUP;
}

/* The engine gives the value of the packet's own CPU, in the same entry. */
static void hash_lookup_of_cpu(struct builder *b, uint32_t map, const ir_ref *key)
{
    const struct load_map *m = &b->object->maps[map];
    const ir_ref cpu = asked_cpu(b);
    const ir_ref none = build_const(b, 0);
    const ir_block asks = build_block_new(b, b->pc);
    const ir_block meet = build_block_new(b, b->pc);
    ir_ref found, value;

    build_set_reg(b, 0, none);
    build_branch(b, is_cpu(b, cpu), asks, meet);
    build_seal(b, asks);
    b->cur = asks;
    build_engine_op(b, engine_op(m, SPEC_HELPER_MAP_LOOKUP_ELEM), map, key, NULL, IR_NONE);
    found = build_reg(b, 0);
    value =
        build_alu(b, SPEC_ALU_ADD, 64, found,
                  times(b, build_alu(b, SPEC_ALU_SUB, 64, cpu, cpu_of(b, map)), stride_of(b, map)));
    build_set_reg(b, 0, build_select(b, found, value, none));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
}

void build_map_helper(struct builder *b, uint32_t helper, const struct verify_fact *fact)
{
    const struct build_array array = {.map = fact->args[0].map};
    const uint32_t map = array.map;
    const struct load_map *m;
    const ir_ref flags = helper == SPEC_HELPER_MAP_UPDATE_ELEM ? build_reg(b, 4) : IR_NONE;
    ir_ref *value = NULL;
    ir_ref *key;

    if (build_map_usable(b, map))
        return;
    m = &b->object->maps[map];
    if (spec_map_type_table[m->type].engine == SPEC_ENGINE_VMEM) {
        build_array_helper(b, helper, fact, &array);
        return;
    }
    key = build_argument(b, fact, 1, m->key_bytes);
    if (helper == SPEC_HELPER_MAP_UPDATE_ELEM)
        value = build_argument(b, fact, 2, m->value_bytes);
    if (b->error)
        return;
    if (build_holds_maps(m))
        build_outer_lookup(b, map, key);
    else if (helper == SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM)
        hash_lookup_of_cpu(b, map, key);
    else if (helper == SPEC_HELPER_MAP_UPDATE_ELEM && load_has_lock(m))
        locked_update(b, map, key, value, &fact->args[3]);
    else
        build_engine_op(b, engine_op(m, helper), map, key, value, flags);
}
