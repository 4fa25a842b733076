/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* Paths that no hardware runs. Where a node can't be translated, packets leave at the nearest node
 * that all ways to it lead through and before which nothing has happened that stays: they are
 * passed with what the host needs to run the program on them from its start (ir.h, IR_CAPTURE_*),
 * and with a HOST operation, which names the maps that it may touch then. docs/adr/0020. */

#define NO_NODE UINT32_MAX
#define ALL_MAPS UINT64_MAX

struct touched {
    uint64_t maps;    /* bit i is map i */
    uint64_t changed; /* of these those that are written to */
    bool beyond;      /* something that the host can't do in the device's place */
};

/* Helpers without an effect that stays, whatever they are given: they read, or write to the
 * memory that an argument points to. */
static const uint8_t harmless[] = {
    SPEC_HELPER_MAP_LOOKUP_ELEM,
    SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM,
    SPEC_HELPER_KTIME_GET_NS,
    SPEC_HELPER_KTIME_GET_BOOT_NS,
    SPEC_HELPER_KTIME_GET_COARSE_NS,
    SPEC_HELPER_KTIME_GET_TAI_NS,
    SPEC_HELPER_JIFFIES64,
    SPEC_HELPER_GET_PRANDOM_U32, /* the packet's generator begins again with it */
    SPEC_HELPER_GET_SMP_PROCESSOR_ID,
    SPEC_HELPER_GET_NUMA_NODE_ID,
    SPEC_HELPER_CSUM_DIFF,
    SPEC_HELPER_FIB_LOOKUP,
    SPEC_HELPER_CHECK_MTU,
    SPEC_HELPER_XDP_GET_BUFF_LEN,
    SPEC_HELPER_XDP_LOAD_BYTES,
    SPEC_HELPER_SPIN_LOCK,
    SPEC_HELPER_SPIN_UNLOCK,
    SPEC_HELPER_LOOP,
};

/* What the host's interpreter can't do on the maps of a device: events come with the packets of the
 * slot, a walk needs all keys. */
static const uint8_t device_only[] = {
    SPEC_HELPER_TRACE_PRINTK,      SPEC_HELPER_TRACE_VPRINTK,   SPEC_HELPER_PERF_EVENT_OUTPUT,
    SPEC_HELPER_RINGBUF_OUTPUT,    SPEC_HELPER_RINGBUF_RESERVE, SPEC_HELPER_RINGBUF_SUBMIT,
    SPEC_HELPER_RINGBUF_DISCARD,   SPEC_HELPER_RINGBUF_QUERY,   SPEC_HELPER_TAIL_CALL,
    SPEC_HELPER_FOR_EACH_MAP_ELEM,
};

/* Map types that the host sees entry by entry through the device's port. The others have an order
 * of their own (LRU, queues), or more than one key for an entry. */
#define SHARED_TYPES                                                                               \
    (UINT64_C(1) << SPEC_MAP_HASH | UINT64_C(1) << SPEC_MAP_ARRAY |                                \
     UINT64_C(1) << SPEC_MAP_PERCPU_HASH | UINT64_C(1) << SPEC_MAP_PERCPU_ARRAY)

static bool is_one_of(const uint8_t *list, size_t count, int32_t helper)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == helper)
            return true;
    return false;
}

/* Whether a helper writes to the memory of such an argument. */
static bool writes_to(enum spec_arg kind)
{
    return kind == SPEC_ARG_VALUE_OUT || kind == SPEC_ARG_MEM_INOUT || kind == SPEC_ARG_MEM_OUT ||
           kind == SPEC_ARG_MEM_PARTIAL_OR_NULL || kind == SPEC_ARG_U32_INOUT ||
           kind == SPEC_ARG_U64_OUT;
}

static bool may_be_elsewhere(const struct verify_pointer *p)
{
    return p->region != VERIFY_REGION_NONE && p->region != VERIFY_REGION_STACK &&
           p->region != VERIFY_REGION_KEY && p->region != VERIFY_REGION_CTX;
}

/* Maps whose values a pointer may lead to. */
static uint64_t maps_of(const struct verify_pointer *p)
{
    if (p->region == VERIFY_REGION_MIXED || (p->region == VERIFY_REGION_MAP && p->map >= 64))
        return ALL_MAPS;
    return p->region == VERIFY_REGION_MAP ? UINT64_C(1) << p->map : 0;
}

static bool is_store(const struct ebpf_insn *insn)
{
    const enum ebpf_class cls = ebpf_class_of(insn);

    return cls == EBPF_CLASS_ST || cls == EBPF_CLASS_STX;
}

/* Whether an instruction does something that stays when the packet is run again. */
static bool has_effect(const struct ebpf_insn *insn, const struct verify_fact *fact)
{
    const struct spec_helper_row *row;

    if (is_store(insn))
        return may_be_elsewhere(&fact->access);
    if (!ebpf_is_helper_call(insn))
        return false;
    row = spec_helper_find(insn->imm);
    if (!row || !fact->args || !is_one_of(harmless, sizeof(harmless), insn->imm))
        return true;
    for (uint32_t i = 0; i < VERIFY_ARGS; i++)
        if (writes_to((enum spec_arg)row->args[i]) && may_be_elsewhere(&fact->args[i].pointer))
            return true;
    return false;
}

static void touch(struct touched *t, uint64_t maps, bool changes)
{
    t->maps |= maps;
    t->changed |= changes ? maps : 0;
}

/* The maps that an instruction may touch. */
static void touch_insn(const struct ebpf_insn *insn, const struct verify_fact *fact,
                       struct touched *t)
{
    const struct spec_helper_row *row;

    if (!ebpf_is_helper_call(insn)) {
        touch(t, maps_of(&fact->access), is_store(insn));
        return;
    }
    row = spec_helper_find(insn->imm);
    t->beyond |= !row || !fact->args || is_one_of(device_only, sizeof(device_only), insn->imm);
    for (uint32_t i = 0; !t->beyond && i < VERIFY_ARGS; i++) {
        const struct verify_arg *arg = &fact->args[i];
        const enum spec_arg kind = (enum spec_arg)row->args[i];

        t->beyond |= arg->inner != 0;
        touch(t, maps_of(&arg->pointer), writes_to(kind));
        if (kind == SPEC_ARG_MAP)
            touch(t, arg->maps | (arg->map < 64 ? UINT64_C(1) << arg->map : 0),
                  insn->imm != SPEC_HELPER_MAP_LOOKUP_ELEM &&
                      insn->imm != SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM);
    }
}

static const struct verify_fact *fact_of(const struct builder *b, const struct build_node *node,
                                         uint32_t pc)
{
    const struct verify_context *c = &b->facts->contexts[node->context];

    return &c->facts[pc - b->prog->subprogs[c->subprog].start];
}

static bool node_has_effect(const struct builder *b, const struct build_node *node)
{
    for (uint32_t pc = node->start; pc < node->end; pc += ebpf_slots(&b->prog->insns[pc]))
        if (has_effect(&b->prog->insns[pc], fact_of(b, node, pc)))
            return true;
    return false;
}

static void touch_node(const struct builder *b, const struct build_node *node, struct touched *t)
{
    for (uint32_t pc = node->start; pc < node->end; pc += ebpf_slots(&b->prog->insns[pc]))
        touch_insn(&b->prog->insns[pc], fact_of(b, node, pc), t);
}

/* --- the graph of nodes ------------------------------------------------------------------- */

/* Nodes that lead to one, that one not counted unless it leads to itself; packets go on from none
 * at which they leave. */
static struct bitset nodes_before(const struct builder *b, const uint32_t *order, uint32_t count,
                                  uint32_t node)
{
    struct bitset before = bitset_make(b->arena, b->node_count);
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t i = count; i > 0; i--) {
            const struct build_node *n = &b->nodes[order[i - 1]];

            for (uint32_t s = 0; !n->host && s < n->succ_count; s++) {
                if (bitset_has(&before, order[i - 1]) ||
                    (n->succ[s] != node && !bitset_has(&before, n->succ[s])))
                    continue;
                bitset_add(&before, order[i - 1]);
                changed = true;
            }
        }
    }
    return before;
}

/* Marks nodes that one leads to in the program, itself too. */
static void add_nodes_behind(const struct builder *b, uint32_t node, struct bitset *behind)
{
    uint32_t *work = arena_array(b->arena, b->node_count, sizeof(*work));
    uint32_t n = 0;

    if (!bitset_has(behind, node))
        work[n++] = node;
    bitset_add(behind, node);
    while (n) {
        const struct build_node *at = &b->nodes[work[--n]];

        for (uint32_t s = 0; s < at->succ_count; s++) {
            if (bitset_has(behind, at->succ[s]))
                continue;
            bitset_add(behind, at->succ[s]);
            work[n++] = at->succ[s];
        }
    }
}

/* Immediate dominators (Cooper, Harvey, Kennedy, "A simple, fast dominance algorithm"), by place in
 * the order, which is reverse post-order. */
static uint32_t *dominators(const struct builder *b, const uint32_t *order, uint32_t count)
{
    uint32_t *place = arena_array(b->arena, b->node_count, sizeof(*place));
    uint32_t *idom = arena_array(b->arena, count, sizeof(*idom));
    bool changed = true;

    for (uint32_t i = 0; i < count; i++) {
        place[order[i]] = i;
        idom[i] = i ? NO_NODE : 0;
    }
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < count; i++) {
            const struct build_node *n = &b->nodes[order[i]];

            for (uint32_t s = 0; !n->host && s < n->succ_count && idom[i] != NO_NODE; s++) {
                const uint32_t to = place[n->succ[s]];
                uint32_t x = i, y = idom[to];

                while (y != NO_NODE && x != y) {
                    if (x > y)
                        x = idom[x];
                    else
                        y = idom[y];
                }
                changed |= idom[to] != x;
                idom[to] = x;
            }
        }
    }
    return idom;
}

/* --- where packets leave ------------------------------------------------------------------ */

static bool nothing_before(const struct builder *b, const struct bitset *before)
{
    for (uint32_t n = 0; n < b->node_count; n++)
        if (bitset_has(before, n) && node_has_effect(b, &b->nodes[n]))
            return false;
    return true;
}

/* What the host may touch when it runs packets that leave at a node. */
static struct touched touched_by_host(const struct builder *b, const struct bitset *before,
                                      uint32_t node)
{
    struct bitset all = bitset_make(b->arena, b->node_count);
    struct touched t = {0};

    add_nodes_behind(b, node, &all);
    for (uint32_t n = 0; n < b->node_count; n++)
        if (bitset_has(before, n) || bitset_has(&all, n))
            touch_node(b, &b->nodes[n], &t);
    return t;
}

/* Whether the host can run the program on the device's maps. */
static bool host_can(const struct builder *b, const struct touched *t)
{
    if (t->beyond || b->object->map_count > 64)
        return false;
    for (uint32_t m = 0; m < b->object->map_count; m++)
        if (t->maps >> m & 1 && !(SHARED_TYPES >> b->object->maps[m].type & 1))
            return false;
    return true;
}

bool build_path_cut(struct builder *b, const uint32_t *order, uint32_t count, uint32_t failed)
{
    enum { MOST = 64 };
    struct build_paths *p = b->paths;
    const uint32_t *idom = dominators(b, order, count);
    const struct diag *reason = diag_first_error(&p->sink);
    uint32_t at = 0;

    while (order[at] != failed)
        at++;
    for (; at != 0 && p->count < MOST; at = idom[at]) {
        const struct build_node *node = &b->nodes[order[at]];
        const struct bitset before = nodes_before(b, order, count, order[at]);
        struct touched t;

        if (node->kind != BUILD_NODE_CODE || !nothing_before(b, &before))
            continue;
        t = touched_by_host(b, &before, order[at]);
        if (!host_can(b, &t))
            return false;
        p->cuts = arena_grow(b->arena, p->cuts, p->count, &p->capacity, sizeof(*p->cuts));
        p->cuts[p->count++] = (struct build_cut){order[at], {node->start, reason}};
        return true;
    }
    return false;
}

static void put(struct builder *b, uint32_t at, uint32_t bytes, ir_ref value)
{
    const int32_t offset = SPEC_PKT_BASE - IR_CAPTURE_BYTES + (int32_t)at;
    const ir_ref args[2] = {build_const(b, (uint64_t)offset), value};

    build_emit(b,
               (struct ir_insn){.op = IR_STORE,
                                .region = IR_REGION_PKT,
                                .size = (uint8_t)bytes,
                                .off_min = offset,
                                .off_max = offset},
               args, 2);
}

/* The state after the first call of bpf_get_prandom_u32. */
static ir_ref first_number(struct builder *b)
{
    ir_ref x = build_input(b, SPEC_IN_RAND);

    x = build_alu(b, SPEC_ALU_XOR, 32, x, build_alu_imm(b, SPEC_ALU_SHL, 32, x, 13));
    x = build_alu(b, SPEC_ALU_XOR, 32, x, build_alu_imm(b, SPEC_ALU_LSHR, 32, x, 17));
    return build_alu(b, SPEC_ALU_XOR, 32, x, build_alu_imm(b, SPEC_ALU_SHL, 32, x, 5));
}

void build_path_end(struct builder *b)
{
    const uint32_t node = (uint32_t)(b->node - b->nodes);
    uint32_t *order = arena_array(b->arena, b->node_count, sizeof(*order));
    struct bitset before;
    uint32_t count = 0;
    struct touched t;
    ir_ref maps[2];
    ir_ref exit[5];

    for (uint32_t n = 0; n < b->node_count; n++)
        if (b->nodes[n].visited)
            order[count++] = n;
    before = nodes_before(b, order, count, node);
    t = touched_by_host(b, &before, node);
    b->pc = b->node->start;
    put(b, IR_CAPTURE_MARK, 8, build_const(b, b->tails->mark));
    put(b, IR_CAPTURE_RAND, 4, first_number(b));
    put(b, IR_CAPTURE_IFINDEX, 4, build_input(b, SPEC_IN_IFINDEX));
    put(b, IR_CAPTURE_QUEUE, 4, build_input(b, SPEC_IN_QUEUE));
    maps[0] = build_const(b, t.maps);
    maps[1] = build_const(b, t.changed);
    build_emit(b, (struct ir_insn){.op = IR_HOST}, maps, 2);
    exit[0] = build_const(b, SPEC_XDP_PASS);
    exit[1] = build_const(b, SPEC_PKT_BASE);
    exit[2] =
        build_alu(b, SPEC_ALU_ADD, 64, build_const(b, SPEC_PKT_BASE), build_input(b, SPEC_IN_LEN));
    exit[3] = build_const(b, 0);
    exit[4] = build_const(b, IR_CAPTURE_BYTES);
    build_emit(b, (struct ir_insn){.op = IR_EXIT}, exit, 5);
}
