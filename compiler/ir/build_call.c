/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>
#include <string.h>

/* Helpers as plain operations. Semantics: Linux net/core/filter.c, and nic_runtime/vm.h for what is
 * an input of the run. */

/* bpf_redirect_map: flags that are the verdict for a missing entry, and those that only devmaps
 * know. */
enum { ACTION_MASK = 3, BROADCAST = 1 << 3, EXCLUDE_INGRESS = 1 << 4 };

static const struct spec_helper_row *helper_row(uint32_t num)
{
    for (uint32_t i = 0; i < SPEC_HELPER_ROWS; i++)
        if (spec_helper_table[i].num == num)
            return &spec_helper_table[i];
    return NULL;
}

/* xorshift32: the new state is the value. */
static void lower_prandom(struct builder *b, const struct verify_fact *fact)
{
    static const struct {
        enum spec_alu alu;
        uint32_t by;
    } steps[] = {{SPEC_ALU_SHL, 13}, {SPEC_ALU_LSHR, 17}, {SPEC_ALU_SHL, 5}};
    ir_ref x = build_read(b, BUILD_VAR_RAND);

    (void)fact;
    for (uint32_t i = 0; i < 3; i++)
        x = build_alu(b, SPEC_ALU_XOR, 32, x, build_alu_imm(b, steps[i].alu, 32, x, steps[i].by));
    build_write(b, BUILD_VAR_RAND, x);
    build_set_reg(b, 0, x);
}

static void lower_redirect(struct builder *b, const struct verify_fact *fact)
{
    const ir_ref state = build_read(b, BUILD_VAR_REDIRECT);
    const ir_ref ifindex = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 1), IR_NONE);
    const ir_ref target = build_alu_imm(b, SPEC_ALU_OR, 64, ifindex, UINT64_C(1) << 63);
    const ir_ref plain = build_alu_imm(b, SPEC_ALU_EQ, 64, build_reg(b, 2), 0);

    (void)fact;
    build_write(b, BUILD_VAR_REDIRECT, build_select(b, plain, target, state));
    build_set_reg(b, 0,
                  build_select(b, plain, build_const(b, SPEC_XDP_REDIRECT),
                               build_const(b, SPEC_XDP_ABORTED)));
}

/* --- redirect_map ------------------------------------------------------------------------- */

ir_ref build_target_present(struct builder *b, uint32_t map, ir_ref index)
{
    const struct load_map *m = &b->object->maps[map];
    const struct build_place entry = {.region = IR_REGION_MAP, .map = (uint16_t)map};
    const struct build_array array = {.map = map};
    struct build_place place = entry;
    ir_block inside;
    ir_block outside;
    ir_block meet;
    ir_ref within;

    if (spec_engine_has_keys(spec_map_type_table[m->type].engine)) {
        const ir_ref args[2] = {build_const(b, 0), index};
        const struct ir_insn lookup = {.op = IR_MAP_LOOKUP, .map = (uint16_t)map};

        return build_alu_imm(b, SPEC_ALU_NE, 64, build_emit(b, lookup, args, 2), 0);
    }
    inside = build_block_new(b, b->pc);
    outside = build_block_new(b, b->pc);
    meet = build_block_new(b, b->pc);
    within = build_alu_imm(b, SPEC_ALU_ULT, 64, index, m->max_entries);
    build_branch(b, within, inside, outside);
    build_seal(b, inside);
    build_seal(b, outside);
    b->cur = outside;
    build_set_reg(b, 0, build_const(b, 0));
    build_jump(b, meet);
    b->cur = inside;
    place.address = build_entry(b, &array, index);
    build_set_reg(b, 0, build_alu_imm(b, SPEC_ALU_NE, 64, build_load(b, &place, 0, 4), 0));
    build_jump(b, meet);
    build_seal(b, meet);
    b->cur = meet;
    return build_reg(b, 0);
}

static bool is_devmap(const struct builder *b, uint32_t map)
{
    const uint32_t type = b->object->maps[map].type;

    return type == SPEC_MAP_DEVMAP || type == SPEC_MAP_DEVMAP_HASH;
}

/* To the target that a map has at an index; without one, the verdict is in the flags. */
static void redirect_to_one(struct builder *b, uint32_t map, ir_ref flags, ir_ref *target,
                            ir_ref *ret)
{
    const ir_ref index = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 2), IR_NONE);
    const ir_ref action = build_alu_imm(b, SPEC_ALU_AND, 64, flags, ACTION_MASK);
    const ir_ref present = build_target_present(b, map, index);
    const ir_ref to = build_alu_imm(b, SPEC_ALU_OR, 64, index, (uint64_t)(map + 1) << 32);

    *target = build_select(b, present, to, build_const(b, 0));
    *ret = build_select(b, present, build_const(b, SPEC_XDP_REDIRECT), action);
}

/* To all targets of a map, as output word redirect says it (hw/spec/xdp.toml). */
static ir_ref all_targets(struct builder *b, uint32_t map, ir_ref flags)
{
    const ir_ref exclude = build_alu_imm(b, SPEC_ALU_SET, 64, flags, EXCLUDE_INGRESS);

    return build_alu_imm(b, SPEC_ALU_OR, 64, exclude,
                         UINT64_C(1) << 62 | (uint64_t)(map + 1) << 32);
}

static void lower_redirect_map(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = fact->args[0].map;
    const struct verify_arg *arg = &fact->args[2];
    const ir_ref flags = arg->is_const ? build_const(b, arg->value) : build_reg(b, 3);
    const ir_ref redirect = build_const(b, SPEC_XDP_REDIRECT);
    const ir_ref state = build_read(b, BUILD_VAR_REDIRECT);
    ir_ref to_all = build_const(b, 0);
    ir_ref bad = build_const(b, 0);
    ir_ref target = IR_NONE;
    ir_ref ret = IR_NONE;
    uint64_t v;

    if (build_map_usable(b, map))
        return;
    if (arg->max > ACTION_MASK) { /* flags that mean something else than a verdict */
        const uint64_t known = ACTION_MASK | (is_devmap(b, map) ? BROADCAST | EXCLUDE_INGRESS : 0);

        bad = build_alu_imm(b, SPEC_ALU_SET, 64, flags, ~known);
        if (is_devmap(b, map))
            to_all = build_alu_imm(b, SPEC_ALU_SET, 64, flags, BROADCAST);
    }
    if (build_is_const(b, to_all, &v) && v)
        target = ret = redirect;
    else
        redirect_to_one(b, map, flags, &target, &ret);
    target = build_select(b, to_all, all_targets(b, map, flags), target);
    ret = build_select(b, to_all, redirect, ret);
    build_write(b, BUILD_VAR_REDIRECT, build_select(b, bad, state, target));
    build_set_reg(b, 0, build_select(b, bad, build_const(b, SPEC_XDP_ABORTED), ret));
}

static void lower_ktime(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_set_reg(b, 0, build_input(b, SPEC_IN_TIME));
}

static void lower_jiffies(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_set_reg(b, 0,
                  build_alu_imm(b, SPEC_ALU_UDIV, 64, build_input(b, SPEC_IN_TIME), SPEC_JIFFY_NS));
}

static void lower_numa_node(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_set_reg(b, 0, build_const(b, 0));
}

static void lower_cpu(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    _Static_assert((SPEC_QUEUES & (SPEC_QUEUES - 1)) == 0, "queues are masked");
    /* The verifier counts on it. */
    build_set_reg(
        b, 0, build_alu_imm(b, SPEC_ALU_AND, 64, build_input(b, SPEC_IN_QUEUE), SPEC_QUEUES - 1));
}

static void lower_lookup(struct builder *b, const struct verify_fact *fact)
{
    build_map_helper(b, SPEC_HELPER_MAP_LOOKUP_ELEM, fact);
}

static void lower_percpu_lookup(struct builder *b, const struct verify_fact *fact)
{
    build_map_helper(b, SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM, fact);
}

static void lower_update(struct builder *b, const struct verify_fact *fact)
{
    build_map_helper(b, SPEC_HELPER_MAP_UPDATE_ELEM, fact);
}

static void lower_delete(struct builder *b, const struct verify_fact *fact)
{
    build_map_helper(b, SPEC_HELPER_MAP_DELETE_ELEM, fact);
}

/* A lock and its end are nothing: packets that use one value of a map wait for each other already
 * (tokens in the core, pipe_lock in a pipeline). */
static void lower_lock(struct builder *b, const struct verify_fact *fact)
{
    (void)b;
    (void)fact;
}

/* Where it is known what the maps of programs hold, tail calls end a node and don't come here. */
static void lower_tail_call(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_refuse(b, "IRB0009", "bpf_tail_call: nothing is known of the programs that it may find");
}

/* Calls that bring a callback end a node and don't come here. */
static void lower_call_back(struct builder *b, const struct verify_fact *fact)
{
    (void)fact;
    build_refuse(b, "IRB0009", "nothing is known of the function that is called back");
}

/* By number: each helper that the table sends to hardware. */
static void (*const lowering[])(struct builder *b, const struct verify_fact *fact) = {
    [SPEC_HELPER_MAP_LOOKUP_ELEM] = lower_lookup,
    [SPEC_HELPER_MAP_UPDATE_ELEM] = lower_update,
    [SPEC_HELPER_MAP_DELETE_ELEM] = lower_delete,
    [SPEC_HELPER_KTIME_GET_NS] = lower_ktime,
    [SPEC_HELPER_GET_PRANDOM_U32] = lower_prandom,
    [SPEC_HELPER_GET_SMP_PROCESSOR_ID] = lower_cpu,
    [SPEC_HELPER_TAIL_CALL] = lower_tail_call,
    [SPEC_HELPER_REDIRECT] = lower_redirect,
    [SPEC_HELPER_CSUM_DIFF] = build_csum_diff,
    [SPEC_HELPER_XDP_ADJUST_HEAD] = build_adjust_head,
    [SPEC_HELPER_FIB_LOOKUP] = build_fib_lookup,
    [SPEC_HELPER_REDIRECT_MAP] = lower_redirect_map,
    [SPEC_HELPER_XDP_ADJUST_META] = build_adjust_meta,
    [SPEC_HELPER_XDP_ADJUST_TAIL] = build_adjust_tail,
    [SPEC_HELPER_XDP_GET_BUFF_LEN] = build_buff_len,
    [SPEC_HELPER_MAP_PUSH_ELEM] = build_push,
    [SPEC_HELPER_MAP_POP_ELEM] = build_pop,
    [SPEC_HELPER_MAP_PEEK_ELEM] = build_peek,
    [SPEC_HELPER_CHECK_MTU] = build_check_mtu,
    [SPEC_HELPER_XDP_LOAD_BYTES] = build_load_bytes,
    [SPEC_HELPER_XDP_STORE_BYTES] = build_store_bytes,
    [SPEC_HELPER_JIFFIES64] = lower_jiffies,
    [SPEC_HELPER_KTIME_GET_BOOT_NS] = lower_ktime,
    [SPEC_HELPER_KTIME_GET_COARSE_NS] = lower_ktime,
    [SPEC_HELPER_KTIME_GET_TAI_NS] = lower_ktime,
    [SPEC_HELPER_GET_NUMA_NODE_ID] = lower_numa_node,
    [SPEC_HELPER_SPIN_LOCK] = lower_lock,
    [SPEC_HELPER_TRACE_PRINTK] = build_trace_printk,
    [SPEC_HELPER_TRACE_VPRINTK] = build_trace_vprintk,
    [SPEC_HELPER_PERF_EVENT_OUTPUT] = build_perf_output,
    [SPEC_HELPER_RINGBUF_OUTPUT] = build_ringbuf_output,
    [SPEC_HELPER_RINGBUF_RESERVE] = build_ringbuf_reserve,
    [SPEC_HELPER_RINGBUF_SUBMIT] = build_ringbuf_submit,
    [SPEC_HELPER_RINGBUF_DISCARD] = build_ringbuf_discard,
    [SPEC_HELPER_RINGBUF_QUERY] = build_ringbuf_query,
    [SPEC_HELPER_SPIN_UNLOCK] = lower_lock,
    [SPEC_HELPER_FOR_EACH_MAP_ELEM] = lower_call_back,
    [SPEC_HELPER_LOOP] = lower_call_back,
    [SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM] = lower_percpu_lookup,
};

static void lower_helper(struct builder *b, uint32_t num, const struct verify_fact *fact)
{
    assert(num < sizeof(lowering) / sizeof(lowering[0]) && lowering[num]);
    lowering[num](b, fact);
}

/* The arguments' facts when r1 is this map: keys of several maps may lie in several memories. That
 * is known by what map the program names, so not if it may have got one from a map of maps. */
static void args_of_map(const struct verify_fact *fact, uint32_t map, struct verify_arg *args)
{
    const struct verify_call_of_map *call = fact->args[0].inner ? NULL : fact->of_maps;

    memcpy(args, fact->args, VERIFY_ARGS * sizeof(*args));
    args[0].map = (uint16_t)map;
    while (call && call->map != map)
        call = call->next;
    for (uint32_t i = 1; call && i < VERIFY_ARGS; i++)
        args[i].pointer = call->pointers[i];
}

/* One call for several maps, as clang makes of the same call in two branches, or for those in a map
 * of maps: ask which map it is, and call for that one. A map's register holds its number + 1. */
static void lower_for_each_map(struct builder *b, uint32_t num, const struct verify_fact *fact,
                               uint64_t left)
{
    const ir_block meet = build_block_new(b, b->pc);
    const ir_ref handle = build_reg(b, 1);

    assert(left);
    while (left && !b->error) {
        const uint32_t map = (uint32_t)__builtin_ctzll(left);
        struct verify_arg args[VERIFY_ARGS];
        struct verify_fact one = *fact;
        ir_block other = 0;

        args_of_map(fact, map, args);
        one.args = args;
        left &= left - 1;
        if (left) {
            const ir_block here = build_block_new(b, b->pc);

            other = build_block_new(b, b->pc);
            build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, handle, map + 1), here, other);
            build_seal(b, here);
            build_seal(b, other);
            b->cur = here;
        }
        lower_helper(b, num, &one);
        build_jump(b, meet);
        b->cur = left ? other : meet;
    }
    build_seal(b, meet);
}

/* A call for a map that a look-up in a map of maps gave. */
static void lower_inner(struct builder *b, uint32_t num, const struct verify_fact *fact)
{
    uint64_t maps;

    if (build_inner_maps(b, &fact->args[0], &maps))
        return;
    if (!maps) /* nothing is ever found, so nothing ever comes here */
        build_set_reg(b, 0, build_const(b, 0));
    else if (!build_inner_arrays(b, num, fact, maps))
        lower_for_each_map(b, num, fact, maps);
}

void build_helper(struct builder *b, const struct ebpf_insn *insn)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    const uint32_t num = (uint32_t)insn->imm;
    const struct spec_helper_row *row = helper_row(num);
    const char *name = num < SPEC_HELPER_NAMES ? spec_helper_names[num] : "unknown";

    if (!row || row->hw == SPEC_HELPER_HW_NONE || !fact->args)
        build_refuse(b, "IRB0009", "helper bpf_%s#%u is not available in hardware", name, num);
    else if (row->args[0] == SPEC_ARG_MAP && fact->args[0].inner)
        lower_inner(b, num, fact);
    else if (row->args[0] == SPEC_ARG_MAP && fact->args[0].map == VERIFY_MAP_ANY)
        lower_for_each_map(b, num, fact, fact->args[0].maps);
    else
        lower_helper(b, num, fact);
}
