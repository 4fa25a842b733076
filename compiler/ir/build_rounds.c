/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* bpf_loop and bpf_for_each_map_elem: helpers that call a function of the program over and over
 * become loops whose body is that function, inlined as others are. The call ends its node; a node
 * of its own heads the loop, the rounds, and each end of the callback leads back to it or behind
 * the call. Of the call's registers, which nobody reads afterwards, r1 holds the number of rounds
 * of bpf_loop and r4, which held the flags, those that have begun. Semantics: Linux
 * kernel/bpf/bpf_iter.c and arraymap.c, as nic_runtime/helpers/loop.c has them. */

enum {
    LOOPS_MAX = 1 << 23, /* BPF_MAX_LOOPS */
    KEY_BYTES = 4,       /* of an array */
    KEY_ROOM = 8,        /* on the stack, above the callback's frame */
    REG_ROUNDS = 1,
    REG_BEGUN = 4,
};

bool build_calls_back(const struct builder *b, const struct ebpf_insn *insn)
{
    return !b->raw && ebpf_is_helper_call(insn) &&
           (insn->imm == SPEC_HELPER_LOOP || insn->imm == SPEC_HELPER_FOR_EACH_MAP_ELEM);
}

static bool walks(const struct builder *b, uint32_t call)
{
    return b->prog->insns[call].imm == SPEC_HELPER_FOR_EACH_MAP_ELEM;
}

static const struct verify_fact *fact_of(const struct builder *b, const struct build_node *node)
{
    const struct verify_context *c = &b->facts->contexts[node->context];

    return &c->facts[node->start - b->prog->subprogs[c->subprog].start];
}

/* --- the callback's frame ----------------------------------------------------------------- */

/* A callback of a walk: it is given a key. */
static bool has_key(const struct builder *b, uint32_t context)
{
    const struct verify_context *c = &b->facts->contexts[context];

    return c->depth && build_calls_back(b, &b->prog->insns[c->call_insn]) && walks(b, c->call_insn);
}

uint32_t build_key_room(const struct builder *b, uint32_t context)
{
    return has_key(b, context) ? KEY_ROOM : 0;
}

int build_key_place(struct builder *b, const struct verify_pointer *p, struct build_place *out)
{
    uint32_t c = b->context;

    while (b->facts->contexts[c].depth > p->frame)
        c = b->facts->contexts[c].parent;
    if (b->facts->contexts[c].depth != p->frame || !has_key(b, c))
        return build_refuse(b, "IRB0003", "a key whose callback is at its end");
    out->region = IR_REGION_STACK;
    out->off_min = b->frame_top[c] + p->off_min;
    out->off_max = b->frame_top[c] + p->off_max;
    out->imm -= BUILD_STACK_BIAS;
    if (out->off_min == out->off_max) {
        out->address = build_const(b, 0);
        out->imm = out->off_min;
    }
    return 0;
}

/* --- nodes -------------------------------------------------------------------------------- */

void build_rounds_nodes(struct builder *b, uint32_t context)
{
    const struct load_subprog *sub = &b->prog->subprogs[b->facts->contexts[context].subprog];

    for (uint32_t pc = sub->start; pc < sub->start + sub->count;
         pc += ebpf_slots(&b->prog->insns[pc])) {
        if (!b->facts->contexts[context].facts[pc - sub->start].reached ||
            !build_calls_back(b, &b->prog->insns[pc]))
            continue;
        b->nodes =
            arena_grow(b->arena, b->nodes, b->node_count, &b->node_capacity, sizeof(*b->nodes));
        b->nodes[b->node_count++] = (struct build_node){
            .context = context, .start = pc, .end = pc + 1, .kind = BUILD_NODE_ROUNDS};
    }
}

static uint32_t rounds_of(const struct builder *b, uint32_t context, uint32_t call)
{
    uint32_t n = 0;

    while (b->nodes[n].kind != BUILD_NODE_ROUNDS || b->nodes[n].context != context ||
           b->nodes[n].start != call)
        n++;
    return n;
}

/* What hardware can't do of a call, or 0. */
static int check_call(struct builder *b, uint32_t call, const struct verify_fact *fact)
{
    const struct load_map *m;

    b->pc = call;
    if (!fact->args)
        return build_refuse(b, "IRB0003", "the verifier says nothing about this call");
    if (!walks(b, call))
        return 0;
    if (fact->args[0].map == VERIFY_MAP_ANY)
        return build_refuse(b, "IRB0009",
                            "bpf_for_each_map_elem over different maps on different paths");
    m = &b->object->maps[fact->args[0].map];
    if (spec_engine_has_keys(spec_map_type_table[m->type].engine))
        return build_refuse(b, "IRB0009",
                            "bpf_for_each_map_elem over map %s, which is no array: the engine of a "
                            "%s finds entries by their keys only",
                            m->name, spec_map_type_table[m->type].name);
    return build_map_usable(b, fact->args[0].map);
}

int build_link_call_back(struct builder *b, struct build_node *node, uint32_t call)
{
    const struct verify_context *c = &b->facts->contexts[node->context];
    const int err = check_call(b, call, &c->facts[call - b->prog->subprogs[c->subprog].start]);

    if (err)
        return err;
    build_add_succ(b, node, rounds_of(b, node->context, call));
    return build_link(b, node, node->context, (int64_t)call + 1);
}

/* The verifier takes no tail call in a function that is called back, so it is never a part. */
int build_link_rounds(struct builder *b, struct build_node *node)
{
    for (uint32_t c = node->context + 1; c < b->facts->context_count; c++)
        if (b->facts->contexts[c].parent == node->context &&
            b->facts->contexts[c].call_insn == node->start) {
            assert(b->node_at[c]);
            build_add_succ(b, node, b->node_at[c][0] - 1);
        }
    return build_link(b, node, node->context, (int64_t)node->start + 1);
}

int build_link_round_end(struct builder *b, struct build_node *node)
{
    const struct verify_context *c = &b->facts->contexts[node->context];

    build_add_succ(b, node, rounds_of(b, c->parent, c->call_insn));
    return build_link(b, node, c->parent, (int64_t)c->call_insn + 1);
}

uint32_t build_rounds_max(const struct builder *b, const struct build_node *node)
{
    const struct verify_fact *fact = fact_of(b, node);

    if (walks(b, node->start))
        return b->object->maps[fact->args[0].map].max_entries;
    return fact->args[0].max < LOOPS_MAX ? (uint32_t)fact->args[0].max : LOOPS_MAX;
}

/* --- translation -------------------------------------------------------------------------- */

void build_call_back(struct builder *b, const struct build_node *node)
{
    const ir_block behind = b->nodes[node->succ[1]].block;
    const struct verify_fact *fact = build_fact(b, b->pc);

    build_leave_if(b, build_alu_imm(b, SPEC_ALU_NE, 64, build_reg(b, 4), 0), EINVAL, behind);
    if (!walks(b, b->pc)) {
        const ir_ref rounds = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 1), IR_NONE);

        if (fact->args[0].max > LOOPS_MAX)
            build_leave_if(b, build_alu_imm(b, SPEC_ALU_UGT, 64, rounds, LOOPS_MAX), E2BIG, behind);
        build_set_reg(b, REG_ROUNDS, rounds);
    }
    build_set_reg(b, REG_BEGUN, build_const(b, 0));
    build_jump(b, b->nodes[node->succ[0]].block);
    build_arrive(b, node->succ[0]);
    build_arrive(b, node->succ[1]);
}

static void set_argument(struct builder *b, uint32_t reg, ir_ref value)
{
    build_write(b, (b->depth + 1) * EBPF_REGS + reg, value);
}

/* What a callback is given; round: how many came before. */
static void give_arguments(struct builder *b, uint32_t callee, ir_ref round)
{
    struct build_place key = {.region = IR_REGION_STACK};
    struct build_array array = {0};

    if (!walks(b, b->pc)) {
        set_argument(b, 1, round);
        set_argument(b, 2, build_reg(b, 3));
        return;
    }
    array.map = build_fact(b, b->pc)->args[0].map;
    key.address = build_const(b, 0);
    key.imm = key.off_min = key.off_max = b->frame_top[callee];
    build_store(b, &key, 0, KEY_BYTES, round);
    set_argument(b, 1, build_reg(b, 1));
    set_argument(b, 2, build_const(b, BUILD_STACK_BIAS + (uint64_t)b->frame_top[callee]));
    set_argument(b, 3, build_entry(b, &array, round));
    set_argument(b, 4, build_reg(b, 3));
}

/* Goes into the callback whose address r2 has. */
static void enter_callback(struct builder *b, const struct build_node *node, ir_ref round)
{
    const ir_ref function = build_reg(b, 2);

    for (uint32_t i = 0; i + 1 < node->succ_count; i++) {
        const struct build_node *callee = &b->nodes[node->succ[i]];
        ir_block other = IR_NO_BLOCK;

        if (i + 2 < node->succ_count) {
            const ir_block here = build_block_new(b, b->pc);

            other = build_block_new(b, b->pc);
            build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, function, callee->start), here,
                         other);
            build_seal(b, here);
            build_seal(b, other);
            b->cur = here;
        }
        give_arguments(b, callee->context, round);
        build_jump(b, callee->block);
        build_arrive(b, node->succ[i]);
        b->cur = other;
    }
}

void build_rounds(struct builder *b, const struct build_node *node)
{
    const uint32_t behind = node->succ[node->succ_count - 1];
    ir_ref begun, rounds;
    ir_block body, done;

    b->pc = node->start;
    begun = build_reg(b, REG_BEGUN);
    rounds = walks(b, b->pc) ? build_const(b, build_rounds_max(b, node)) : build_reg(b, REG_ROUNDS);
    done = build_block_new(b, b->pc);
    if (node->succ_count > 1) {
        body = build_block_new(b, b->pc);
        build_branch(b, build_alu(b, SPEC_ALU_ULT, 64, begun, rounds), body, done);
        build_seal(b, body);
        b->cur = body;
        build_set_reg(b, REG_BEGUN, build_alu_imm(b, SPEC_ALU_ADD, 64, begun, 1));
        enter_callback(b, node, begun);
    } else { /* the verifier saw that there is no round */
        build_jump(b, done);
    }
    build_seal(b, done);
    b->cur = done;
    build_set_reg(b, 0, begun);
    build_jump(b, b->nodes[behind].block);
    build_arrive(b, behind);
}

void build_round_end(struct builder *b, const struct build_node *node)
{
    const uint32_t caller = (b->depth - 1) * EBPF_REGS;
    const ir_ref ends = build_alu_imm(b, SPEC_ALU_NE, 64, build_reg(b, 0), 0);
    const ir_block last = build_block_new(b, b->pc);

    build_branch(b, ends, last, b->nodes[node->succ[0]].block);
    build_seal(b, last);
    b->cur = last;
    build_write(b, caller, build_read(b, caller + REG_BEGUN));
    build_jump(b, b->nodes[node->succ[1]].block);
    build_arrive(b, node->succ[0]);
    build_arrive(b, node->succ[1]);
}
