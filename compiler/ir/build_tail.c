/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>
#include <string.h>

/* bpf_tail_call: the programs that a packet may come to, from one to the next, become one function.
 * A tail call reads the map's slot and compares it with the programs that may stand there; nothing
 * but jumps is left of it. What a program finds is as at its start, but for the packet, the pending
 * redirect and the random generator: r1 is the context, and of the stack nothing is known (frames
 * of all programs lie in the same place). Programs that may come back to themselves are a loop of
 * at most SPEC_TAIL_CALLS rounds; all ways into it lead through one switch. In a function the other
 * program's end is the function's: it is there once more for each such call, with the frames of the
 * callers above its own. Semantics: Linux kernel/bpf/core.c, JMP_TAIL_CALL. */

enum { PARTS_MAX = 256 }; /* whose end is a function's */

static bool is_tail_call(const struct ebpf_insn *insn)
{
    return ebpf_is_helper_call(insn) && insn->imm == SPEC_HELPER_TAIL_CALL;
}

/* --- which programs a call may find ------------------------------------------------------- */

static bool names_map(const struct verify_arg *a, uint32_t map)
{
    if (a->map != VERIFY_MAP_ANY)
        return a->map == map;
    return map < 64 && (a->maps >> map & 1);
}

/* Whether a tail call, of which the verifier knows this, may find a program. */
static bool call_finds(const struct verify_fact *fact, const struct ir_tail *tail)
{
    const struct verify_arg *index = &fact->args[2];

    if (!names_map(&fact->args[1], tail->map))
        return false;
    if (tail->slot == IR_ANY_SLOT)
        return true;
    if (index->is_const)
        return (uint32_t)index->value == tail->slot;
    return index->max > UINT32_MAX || tail->slot <= index->max;
}

bool ir_may_tail(const struct ir_part *part, const struct ir_tail *tail)
{
    for (uint32_t c = 0; c < part->facts->context_count; c++) {
        const struct verify_context *context = &part->facts->contexts[c];
        const struct load_subprog *sub = &part->prog->subprogs[context->subprog];

        for (uint32_t i = 0; i < sub->count; i++)
            if (context->facts[i].reached && context->facts[i].args &&
                is_tail_call(&part->prog->insns[sub->start + i]) &&
                call_finds(&context->facts[i], tail))
                return true;
    }
    return false;
}

bool build_is_tail_call(const struct builder *b, const struct ebpf_insn *insn)
{
    return b->tails && is_tail_call(insn);
}

/* --- one program of all ------------------------------------------------------------------- */

struct sizes {
    uint32_t insns;
    uint32_t subprogs;
    uint32_t lines;
};

static struct sizes count_all(const struct ir_tails *t)
{
    struct sizes s = {0};

    for (uint32_t i = 0; i < t->part_count; i++) {
        s.insns += t->parts[i].prog->insn_count;
        s.subprogs += t->parts[i].prog->subprog_count;
        s.lines += t->parts[i].prog->line_count;
    }
    return s;
}

/* Adds a part's code; at: what is there already. */
static void add_prog(struct load_prog *to, const struct load_prog *from, const struct sizes *at)
{
    for (uint32_t i = 0; i < from->insn_count; i += ebpf_slots(&from->insns[i])) {
        struct ebpf_insn *insn = &to->insns[at->insns + i];

        insn[0] = from->insns[i];
        if (ebpf_slots(insn) == 2)
            insn[1] = from->insns[i + 1];
        if (ebpf_is_ld_imm64(insn) && insn->src == EBPF_PSEUDO_FUNC)
            insn->imm += (int32_t)at->insns;
    }
    for (uint32_t i = 0; i < from->subprog_count; i++) {
        to->subprogs[at->subprogs + i] = from->subprogs[i];
        to->subprogs[at->subprogs + i].start += at->insns;
    }
    for (uint32_t i = 0; i < from->line_count; i++) {
        to->lines[at->lines + i] = from->lines[i];
        to->lines[at->lines + i].insn += at->insns;
    }
}

static void add_facts(struct verify_result *to, const struct ir_part *from, const struct sizes *at)
{
    memcpy(to->stack_bytes + at->subprogs, from->facts->stack_bytes,
           from->prog->subprog_count * sizeof(*to->stack_bytes));
    memcpy(to->trip_max + at->insns, from->facts->trip_max,
           from->prog->insn_count * sizeof(*to->trip_max));
}

/* Adds a part with contexts of its own; its program's code is there. */
static uint32_t add_part(struct builder *b, const struct build_part *part)
{
    const struct verify_result *facts = b->tails->parts[part->program].facts;
    struct verify_result *all = (struct verify_result *)(uintptr_t)b->facts;
    struct build_parts *p = b->parts;
    const uint32_t base = all->context_count;

    p->of = arena_grow(b->arena, p->of, p->count, &p->capacity, sizeof(*p->of));
    p->of[p->count] = *part;
    p->of[p->count].context = base;
    for (uint32_t i = 0; i < facts->context_count; i++) {
        struct verify_context c = facts->contexts[i];

        c.subprog += p->subprog_base[part->program];
        c.call_insn += part->start;
        c.parent += base;
        if (c.depth == 0) {
            c.call_insn = part->return_insn;
            c.parent = part->depth ? part->return_context : base;
        }
        c.depth += part->depth;
        all->contexts = arena_grow(b->arena, all->contexts, all->context_count,
                                   &p->context_capacity, sizeof(*all->contexts));
        all->contexts[all->context_count++] = c;
    }
    return p->count++;
}

/* --- the parts that are come to ----------------------------------------------------------- */

/* The part that tail calls in a context of another go on in, as far as it is known. */
static struct build_part part_behind(const struct builder *b, uint32_t from, uint32_t context,
                                     uint32_t program)
{
    const struct build_part *part = &b->parts->of[from];
    const struct verify_context *c = &b->facts->contexts[context];
    struct build_part to = {.program = program,
                            .start = b->parts->of[program].start,
                            .depth = c->depth,
                            .return_context = part->return_context,
                            .return_insn = part->return_insn};

    if (c->depth > part->depth) { /* in a function of it */
        to.return_context = c->parent;
        to.return_insn = c->call_insn;
    }
    return to;
}

static uint32_t find_part(const struct builder *b, const struct build_part *like)
{
    for (uint32_t i = 0; i < b->parts->count; i++) {
        const struct build_part *p = &b->parts->of[i];

        if (p->program == like->program && p->return_context == like->return_context &&
            p->return_insn == like->return_insn)
            return i;
    }
    return UINT32_MAX;
}

static uint32_t highest(const struct verify_result *facts)
{
    uint32_t depth = 0;

    for (uint32_t i = 0; i < facts->context_count; i++)
        depth = facts->contexts[i].depth > depth ? facts->contexts[i].depth : depth;
    return depth;
}

/* Whether one more part may be there. */
static bool has_room(const struct builder *b, const struct build_part *part)
{
    return b->parts->count < PARTS_MAX + b->tails->part_count &&
           part->depth + highest(b->tails->parts[part->program].facts) < SPEC_CALL_FRAMES;
}

static void add_way(struct builder *b, uint32_t from, uint32_t to)
{
    struct build_parts *p = b->parts;

    p->ways = arena_grow(b->arena, p->ways, p->way_count, &p->way_capacity, sizeof(*p->ways));
    p->ways[p->way_count++] = (struct build_way){from, to};
    p->of[to].reached = true;
}

/* Follows one tail call of a part. What there is no room for is refused when the call is linked. */
static void follow_call(struct builder *b, uint32_t from, uint32_t context,
                        const struct verify_fact *fact)
{
    const struct ir_tails *t = b->tails;

    for (uint32_t i = 0; i < t->tail_count; i++) {
        const struct build_part like = part_behind(b, from, context, t->tails[i].part);
        uint32_t to = find_part(b, &like);

        if (!call_finds(fact, &t->tails[i]))
            continue;
        if (to == UINT32_MAX && has_room(b, &like))
            to = add_part(b, &like);
        if (to != UINT32_MAX)
            add_way(b, from, to);
    }
}

static void follow_part(struct builder *b, uint32_t part)
{
    const struct ir_part *own = &b->tails->parts[b->parts->of[part].program];

    for (uint32_t c = 0; c < own->facts->context_count; c++) {
        const struct verify_context *context = &own->facts->contexts[c];
        const struct load_subprog *sub = &own->prog->subprogs[context->subprog];

        for (uint32_t i = 0; i < sub->count; i++)
            if (context->facts[i].reached && context->facts[i].args &&
                is_tail_call(&own->prog->insns[sub->start + i]))
                follow_call(b, part, b->parts->of[part].context + c, &context->facts[i]);
    }
}

static void find_parts(struct builder *b)
{
    bool more = true;
    bool *done = arena_array(b->arena, PARTS_MAX + b->tails->part_count, sizeof(*done));

    b->parts->of[0].reached = true;
    while (more) {
        more = false;
        for (uint32_t i = 0; i < b->parts->count; i++) {
            if (!b->parts->of[i].reached || done[i])
                continue;
            done[i] = more = true;
            follow_part(b, i);
        }
    }
}

void build_join_parts(struct builder *b)
{
    const struct ir_tails *t = b->tails;
    const struct sizes all = count_all(t);
    struct load_prog *prog = arena_memdup(b->arena, t->parts[0].prog, sizeof(*prog));
    struct verify_result *facts = arena_memdup(b->arena, t->parts[0].facts, sizeof(*facts));
    struct sizes at = {0};

    prog->insns = arena_array(b->arena, all.insns, sizeof(*prog->insns));
    prog->subprogs = arena_array(b->arena, all.subprogs, sizeof(*prog->subprogs));
    prog->lines = arena_array(b->arena, all.lines + 1, sizeof(*prog->lines));
    facts->contexts = NULL;
    facts->context_count = 0;
    facts->stack_bytes = arena_array(b->arena, all.subprogs, sizeof(*facts->stack_bytes));
    facts->trip_max = arena_array(b->arena, all.insns, sizeof(*facts->trip_max));
    b->prog = prog;
    b->facts = facts;
    b->parts = arena_alloc(b->arena, sizeof(*b->parts));
    b->parts->subprog_base = arena_array(b->arena, t->part_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < t->part_count; i++) {
        const struct build_part part = {.program = i,
                                        .start = at.insns,
                                        .return_context = UINT32_MAX,
                                        .return_insn = UINT32_MAX};
        const struct load_prog *from = t->parts[i].prog;

        b->parts->subprog_base[i] = at.subprogs;
        add_part(b, &part);
        add_prog(prog, from, &at);
        add_facts(facts, &t->parts[i], &at);
        at.insns += from->insn_count;
        at.subprogs += from->subprog_count;
        at.lines += from->line_count;
    }
    prog->insn_count = all.insns;
    prog->subprog_count = all.subprogs;
    prog->line_count = all.lines;
    find_parts(b);
}

const struct build_part *build_part_of(const struct builder *b, uint32_t context)
{
    uint32_t part = b->parts ? b->parts->count - 1 : 0;

    if (!b->parts)
        return NULL;
    while (part && b->parts->of[part].context > context)
        part--;
    return &b->parts->of[part];
}

uint32_t build_part_of_pc(const struct builder *b, uint32_t pc)
{
    uint32_t part = b->tails->part_count - 1;

    while (part && b->parts->of[part].start > pc)
        part--;
    return part;
}

/* --- how the programs lead to each other -------------------------------------------------- */

/* Programs that lead to each other, over how many tail calls ever, are a group. */
static void find_groups(struct builder *b)
{
    const struct build_parts *p = b->parts;
    const uint32_t n = p->count;
    bool *leads = arena_array(b->arena, (size_t)n * n, sizeof(*leads)); /* [from * n + to] */

    for (uint32_t i = 0; i < p->way_count; i++)
        leads[p->ways[i].from * n + p->ways[i].to] = true;
    for (uint32_t via = 0; via < n; via++)
        for (uint32_t from = 0; from < n; from++)
            for (uint32_t to = 0; to < n && leads[from * n + via]; to++)
                leads[from * n + to] |= leads[via * n + to];
    /* The same call of a function may be made in each round of a loop. */
    b->parts->counted = n > SPEC_TAIL_CALLS + 1 || n > b->tails->part_count;
    for (uint32_t i = 0; i < n; i++) {
        struct build_part *part = &b->parts->of[i];

        part->cyclic = leads[i * n + i];
        part->group = i;
        for (uint32_t k = 0; k < i && part->group == i; k++)
            if (leads[i * n + k] && leads[k * n + i])
                part->group = k;
        b->parts->counted |= part->cyclic;
    }
}

static uint32_t start_node(const struct builder *b, const struct build_part *part)
{
    return b->node_at[part->context][0] - 1;
}

void build_switches(struct builder *b)
{
    find_groups(b);
    for (uint32_t i = 0; i < b->parts->count; i++) {
        struct build_part *part = &b->parts->of[i];

        part->node = start_node(b, part);
        if (!part->cyclic)
            continue;
        if (part->group == i) {
            b->nodes =
                arena_grow(b->arena, b->nodes, b->node_count, &b->node_capacity, sizeof(*b->nodes));
            b->nodes[b->node_count++] = (struct build_node){.context = part->context,
                                                            .start = part->start,
                                                            .end = part->start + 1,
                                                            .kind = BUILD_NODE_SWITCH};
        }
        part->node = part->group == i ? b->node_count - 1 : b->parts->of[part->group].node;
        build_add_succ(b, &b->nodes[part->node], start_node(b, part));
    }
}

/* The programs that a call may find, in the order of the tails, each once: those of the tails for
 * which this is true. */
static bool is_way(const struct builder *b, const struct verify_fact *fact, uint32_t tail,
                   uint32_t map)
{
    const struct ir_tail *t = b->tails->tails;

    if (t[tail].map != map || !call_finds(fact, &t[tail]))
        return false;
    for (uint32_t i = 0; i < tail; i++)
        if (t[i].map == map && t[i].part == t[tail].part && call_finds(fact, &t[i]))
            return false;
    return true;
}

/* The part that a tail call of a node goes on in; UINT32_MAX if there was no room for it. */
static uint32_t part_of_tail(const struct builder *b, const struct build_node *node, uint32_t tail)
{
    const uint32_t from = (uint32_t)(build_part_of(b, node->context) - b->parts->of);
    const struct build_part like = part_behind(b, from, node->context, b->tails->tails[tail].part);

    return find_part(b, &like);
}

int build_link_tail(struct builder *b, struct build_node *node, const struct verify_fact *fact)
{
    b->pc = node->end - 1;
    if (!fact->args)
        return build_refuse(b, "IRB0003", "the verifier says nothing about this tail call");
    for (uint32_t map = 0; map < b->object->map_count; map++)
        for (uint32_t i = 0; i < b->tails->tail_count; i++) {
            const uint32_t to = is_way(b, fact, i, map) ? part_of_tail(b, node, i) : 0;

            if (to == UINT32_MAX)
                return build_refuse(
                    b, "IRB0018",
                    "bpf_tail_call in a function: the programs behind it, which end where the "
                    "function does, are there for each way to come to them, and those are too "
                    "many, or more than %d functions deep; make fewer tail calls in functions",
                    SPEC_CALL_FRAMES);
            if (is_way(b, fact, i, map))
                build_add_succ(b, node, b->parts->of[to].node);
        }
    return 0;
}

/* --- translation -------------------------------------------------------------------------- */

/* Goes on in a fresh block if the condition holds, and falls through otherwise. */
static void unless_fall(struct builder *b, ir_ref holds, ir_block fall)
{
    const ir_block yes = build_block_new(b, b->pc);

    build_branch(b, holds, yes, fall);
    build_seal(b, yes);
    b->cur = yes;
}

/* Goes on in a program, from a block of its own. */
static void go_on(struct builder *b, uint32_t number, uint32_t node)
{
    build_enter_program(b);
    if (b->parts->counted)
        build_write(b, BUILD_VAR_CALLS,
                    build_alu_imm(b, SPEC_ALU_ADD, 64, build_read(b, BUILD_VAR_CALLS), 1));
    build_write(b, BUILD_VAR_PART, build_const(b, number));
    build_jump(b, b->nodes[node].block);
    build_arrive(b, node);
}

/* The call, if it is this map's: its programs are compared one after the other. */
static void call_in_map(struct builder *b, const struct build_node *node,
                        const struct verify_fact *fact, uint32_t map, uint32_t *succ)
{
    const ir_block fall = b->nodes[node->succ[0]].block;
    const ir_ref index = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 3), IR_NONE);
    const struct build_array array = {.map = map};
    struct build_place place = {.region = IR_REGION_MAP, .map = (uint16_t)map};
    ir_ref value;

    if (build_map_usable(b, map))
        return;
    unless_fall(b, build_alu_imm(b, SPEC_ALU_ULT, 64, index, b->object->maps[map].max_entries),
                fall);
    if (b->parts->counted)
        unless_fall(
            b, build_alu_imm(b, SPEC_ALU_ULT, 64, build_read(b, BUILD_VAR_CALLS), SPEC_TAIL_CALLS),
            fall);
    place.address = build_entry(b, &array, index);
    value = build_load(b, &place, 0, 4);
    for (uint32_t i = 0; i < b->tails->tail_count; i++) {
        const struct ir_tail *t = &b->tails->tails[i];
        ir_block here;
        ir_block other;

        if (!is_way(b, fact, i, map))
            continue;
        here = build_block_new(b, b->pc);
        other = build_block_new(b, b->pc);
        build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, value, t->value), here, other);
        build_seal(b, here);
        build_seal(b, other);
        b->cur = here;
        assert(node->succ[*succ] == b->parts->of[part_of_tail(b, node, i)].node);
        go_on(b, part_of_tail(b, node, i), node->succ[(*succ)++]);
        b->cur = other;
    }
    build_jump(b, fall);
}

static bool has_way(const struct builder *b, const struct verify_fact *fact, uint32_t map)
{
    for (uint32_t i = 0; i < b->tails->tail_count; i++)
        if (is_way(b, fact, i, map))
            return true;
    return false;
}

void build_tail_call(struct builder *b, const struct build_node *node)
{
    const struct verify_fact *fact = build_fact(b, b->pc);
    const ir_ref handle = build_reg(b, 2);
    uint32_t succ = 1;

    for (uint32_t map = 0; map < b->object->map_count && !b->error; map++) {
        ir_block here;
        ir_block other;

        if (!has_way(b, fact, map))
            continue;
        if (fact->args[1].map != VERIFY_MAP_ANY) {
            call_in_map(b, node, fact, map, &succ);
            build_arrive(b, node->succ[0]);
            return;
        }
        here = build_block_new(b, b->pc);
        other = build_block_new(b, b->pc);
        build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, handle, map + 1), here, other);
        build_seal(b, here);
        build_seal(b, other);
        b->cur = here;
        call_in_map(b, node, fact, map, &succ);
        b->cur = other;
    }
    if (b->error)
        return;
    assert(succ == node->succ_count);
    build_jump(b, b->nodes[node->succ[0]].block);
    build_arrive(b, node->succ[0]);
}

void build_switch(struct builder *b, const struct build_node *node)
{
    const uint32_t group = build_part_of(b, node->context)->group;
    const ir_ref number = build_read(b, BUILD_VAR_PART);
    uint32_t succ = 0;

    b->pc = node->start;
    for (uint32_t i = 0; i < b->parts->count; i++) {
        const uint32_t to = succ < node->succ_count ? node->succ[succ] : BUILD_NO_NODE;

        if (!b->parts->of[i].cyclic || b->parts->of[i].group != group)
            continue;
        if (++succ < node->succ_count) {
            const ir_block other = build_block_new(b, b->pc);

            build_branch(b, build_alu_imm(b, SPEC_ALU_EQ, 64, number, i), b->nodes[to].block,
                         other);
            build_seal(b, other);
            build_arrive(b, to);
            b->cur = other;
        } else {
            build_jump(b, b->nodes[to].block);
            build_arrive(b, to);
        }
    }
    assert(succ == node->succ_count);
}
