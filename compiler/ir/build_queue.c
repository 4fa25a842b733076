/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* bpf_map_push_elem, bpf_map_pop_elem and bpf_map_peek_elem of queues and stacks, as loads and
 * stores of the map's value memory: values, and behind them the state (spec_map_entries). All of a
 * map's accesses of a packet begin with its state, which every push and pop changes, so tokens and
 * pipe_lock let packets at it one after the other. Semantics: Linux
 * kernel/bpf/queue_stack_maps.c, as nic_runtime/maps/queue.c has them. */

enum { WORD = 8, COUNT_SHIFT = 32 };

/* A queue or stack at a call. */
struct queue {
    uint32_t map;
    const struct load_map *def;
    struct build_place at; /* where the state lies */
    ir_ref state;
    ir_ref first;
    ir_ref count;
};

static struct build_place entry_place(struct builder *b, uint32_t map, ir_ref entry)
{
    const struct build_array array = {.map = map};

    return (struct build_place){
        .region = IR_REGION_MAP, .map = (uint16_t)map, .address = build_entry(b, &array, entry)};
}

static struct queue load_state(struct builder *b, uint32_t map)
{
    struct queue q = {.map = map, .def = &b->object->maps[map]};

    q.at = entry_place(b, map, build_const(b, q.def->max_entries));
    q.state = build_load(b, &q.at, 0, WORD);
    q.first = build_alu(b, SPEC_ALU_MOV, 32, q.state, IR_NONE);
    q.count = build_alu_imm(b, SPEC_ALU_LSHR, 64, q.state, COUNT_SHIFT);
    return q;
}

static void store_state(struct builder *b, const struct queue *q, ir_ref first, ir_ref count)
{
    const ir_ref high = build_alu_imm(b, SPEC_ALU_SHL, 64, count, COUNT_SHIFT);

    build_store(b, &q->at, 0, WORD, build_alu(b, SPEC_ALU_OR, 64, first, high));
}

/* So many values more or less, behind the same first one. */
static void store_count(struct builder *b, const struct queue *q, int64_t more)
{
    build_store(b, &q->at, 0, WORD,
                build_alu_imm(b, SPEC_ALU_ADD, 64, q->state, (uint64_t)more << COUNT_SHIFT));
}

/* The entry n behind the first one, n being at most max_entries. */
static ir_ref entry_behind(struct builder *b, const struct queue *q, ir_ref n)
{
    const uint32_t entries = q->def->max_entries;
    const ir_ref sum = build_alu(b, SPEC_ALU_ADD, 64, q->first, n);

    if ((entries & (entries - 1)) == 0)
        return build_alu_imm(b, SPEC_ALU_AND, 64, sum, entries - 1);
    return build_select(b, build_alu_imm(b, SPEC_ALU_ULT, 64, sum, entries), sum,
                        build_alu_imm(b, SPEC_ALU_SUB, 64, sum, entries));
}

static uint32_t bytes_at(const struct queue *q, uint32_t at)
{
    return q->def->value_bytes - at < WORD ? q->def->value_bytes - at : WORD;
}

/* --- push --------------------------------------------------------------------------------- */

/* The oldest value goes if there is no room; its entry is the one behind the newest. */
static void store_pushed(struct builder *b, const struct queue *q, ir_ref full)
{
    const ir_ref next = entry_behind(b, q, build_const(b, 1));
    const ir_ref more = build_alu_imm(b, SPEC_ALU_ADD, 64, q->count, 1);

    store_state(b, q, build_select(b, full, next, q->first), build_select(b, full, q->count, more));
}

static void queue_push(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = fact->args[0].map;
    const struct verify_arg *arg = &fact->args[2];
    const ir_ref flags = arg->is_const ? build_const(b, arg->value) : build_reg(b, 3);
    const ir_block meet = build_block_new(b, b->pc);
    const uint32_t value_bytes = b->object->maps[map].value_bytes;
    ir_ref *value = arena_array(b->arena, ir_words(value_bytes), sizeof(*value));
    struct build_place place;
    struct queue q;
    ir_ref full, exist;
    uint64_t v;

    if (!build_load_words(b, &fact->args[1], 2, value_bytes, value))
        return;
    build_leave_if(b, build_alu_imm(b, SPEC_ALU_SET, 64, flags, ~(uint64_t)SPEC_MAP_FLAG_EXIST),
                   EINVAL, meet);
    q = load_state(b, map);
    full = build_alu_imm(b, SPEC_ALU_EQ, 64, q.count, q.def->max_entries);
    exist = build_alu_imm(b, SPEC_ALU_NE, 64, flags, 0);
    if (!build_is_const(b, exist, &v))
        build_leave_if(b, build_select(b, exist, build_const(b, 0), full), E2BIG, meet);
    else if (!v)
        build_leave_if(b, full, E2BIG, meet);
    place = entry_place(b, map, entry_behind(b, &q, q.count));
    for (uint32_t at = 0; at < value_bytes; at += WORD) /* the stride has room for whole words */
        build_store(b, &place, at, WORD, value[at / WORD]);
    if (build_is_const(b, exist, &v) && !v)
        store_count(b, &q, 1);
    else
        store_pushed(b, &q, full);
    build_succeed(b, meet);
}

/* --- pop and peek ------------------------------------------------------------------------- */

/* Copies the next value to the place that r2 says, zeros if there is none. */
static void queue_take(struct builder *b, const struct verify_fact *fact, bool out)
{
    const uint32_t map = fact->args[0].map;
    const bool stack = b->object->maps[map].type == SPEC_MAP_STACK;
    const ir_block meet = build_block_new(b, b->pc);
    const ir_block none = build_block_new(b, b->pc);
    const ir_block some = build_block_new(b, b->pc);
    struct build_place from, to;
    struct queue q;

    if (build_place_of(b, &fact->args[1].pointer, build_reg(b, 2), 0, &to))
        return;
    q = load_state(b, map);
    build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, q.count, 0), none, some);
    build_seal(b, none);
    build_seal(b, some);
    b->cur = none;
    for (uint32_t at = 0; at < q.def->value_bytes; at += WORD)
        build_store_word(b, &to, at, bytes_at(&q, at), build_const(b, 0));
    build_set_reg(b, 0, build_const(b, (uint64_t) - (int64_t)ENOENT));
    build_jump(b, meet);
    b->cur = some;
    from = entry_place(b, map,
                       stack ? entry_behind(b, &q, build_alu_imm(b, SPEC_ALU_SUB, 64, q.count, 1))
                             : q.first);
    for (uint32_t at = 0; at < q.def->value_bytes; at += WORD)
        build_store_word(b, &to, at, bytes_at(&q, at), build_load(b, &from, at, WORD));
    if (out && stack)
        store_count(b, &q, -1);
    else if (out)
        store_state(b, &q, entry_behind(b, &q, build_const(b, 1)),
                    build_alu_imm(b, SPEC_ALU_SUB, 64, q.count, 1));
    build_succeed(b, meet);
}

/* --- the helpers -------------------------------------------------------------------------- */

static bool is_bloom(const struct builder *b, const struct verify_fact *fact)
{
    return b->object->maps[fact->args[0].map].type == SPEC_MAP_BLOOM_FILTER;
}

void build_push(struct builder *b, const struct verify_fact *fact)
{
    if (build_map_usable(b, fact->args[0].map))
        return;
    if (is_bloom(b, fact))
        build_bloom_push(b, fact);
    else
        queue_push(b, fact);
}

void build_pop(struct builder *b, const struct verify_fact *fact)
{
    if (!build_map_usable(b, fact->args[0].map))
        queue_take(b, fact, true);
}

void build_peek(struct builder *b, const struct verify_fact *fact)
{
    if (build_map_usable(b, fact->args[0].map))
        return;
    if (is_bloom(b, fact))
        build_bloom_peek(b, fact);
    else
        queue_take(b, fact, false);
}
