/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"
#include "compiler/ir/text.h"

#include <assert.h>
#include <stdarg.h>

/* From a verified program to IR: cuts the code that is reached into nodes, context by context, so
 * that subprograms are inlined with the facts of each call, and translates the nodes in reverse
 * post-order. */

int build_refuse(struct builder *b, const char *code, const char *format, ...)
{
    struct diag_where where = load_where(b->object, b->prog, b->pc);
    va_list args;

    if (b->error)
        return b->error;
    if (b->tails && b->pc != IR_NO_PC) {
        const struct build_part *part = &b->parts->of[build_part_of_pc(b, b->pc)];

        where =
            load_where(b->object, b->tails->parts[part - b->parts->of].prog, b->pc - part->start);
    }
    va_start(args, format);
    diag_add_args(b->sink, DIAG_ERROR, code, where, format, args);
    va_end(args);
    b->error = -ENOTSUP;
    return b->error;
}

static const struct load_subprog *subprog_of(const struct builder *b, uint32_t context)
{
    return &b->prog->subprogs[b->facts->contexts[context].subprog];
}

static const struct verify_fact *fact_at(const struct builder *b, uint32_t context, uint32_t pc)
{
    return &b->facts->contexts[context].facts[pc - subprog_of(b, context)->start];
}

/* --- nodes -------------------------------------------------------------------------------- */

static bool ends_node(const struct builder *b, const struct ebpf_insn *insn)
{
    return ebpf_is_jump(insn) || ebpf_is_exit(insn) || ebpf_is_subprog_call(insn) ||
           build_is_tail_call(b, insn) || build_calls_back(b, insn);
}

/* Marks the instructions that begin a node. */
static void mark_leaders(const struct builder *b, uint32_t context, bool *leader)
{
    const struct load_subprog *sub = subprog_of(b, context);
    const uint32_t end = sub->start + sub->count;

    leader[0] = true;
    for (uint32_t pc = sub->start; pc < end; pc += ebpf_slots(&b->prog->insns[pc])) {
        const struct ebpf_insn *insn = &b->prog->insns[pc];
        const struct verify_fact *fact = fact_at(b, context, pc);
        const bool jumps = ebpf_is_goto(insn) || (ebpf_is_cond_jump(insn) && fact->jumps);

        if (!fact->reached)
            continue;
        if (jumps)
            leader[ebpf_target(insn, pc) - sub->start] = true;
        if (ends_node(b, insn) && pc + 1 < end)
            leader[pc + 1 - sub->start] = true;
    }
}

static void cut_context(struct builder *b, uint32_t context)
{
    const struct load_subprog *sub = subprog_of(b, context);
    bool *leader = arena_array(b->arena, sub->count + 1, sizeof(*leader));
    struct build_node *open = NULL;

    b->node_at[context] = arena_array(b->arena, sub->count, sizeof(uint32_t));
    mark_leaders(b, context, leader);
    for (uint32_t pc = sub->start; pc < sub->start + sub->count;) {
        const struct ebpf_insn *insn = &b->prog->insns[pc];
        const uint32_t next = pc + ebpf_slots(insn);

        if (!fact_at(b, context, pc)->reached) {
            open = NULL;
        } else {
            if (!open || leader[pc - sub->start]) {
                b->nodes = arena_grow(b->arena, b->nodes, b->node_count, &b->node_capacity,
                                      sizeof(*b->nodes));
                open = &b->nodes[b->node_count++];
                *open = (struct build_node){.context = context, .start = pc};
                b->node_at[context][pc - sub->start] = b->node_count;
            }
            open->end = next;
            if (ends_node(b, insn))
                open = NULL;
        }
        pc = next;
    }
}

/* The last instruction of a node. */
static uint32_t node_last(const struct builder *b, const struct build_node *node)
{
    uint32_t pc = node->start;

    while (pc + ebpf_slots(&b->prog->insns[pc]) < node->end)
        pc += ebpf_slots(&b->prog->insns[pc]);
    return pc;
}

void build_add_succ(struct builder *b, struct build_node *node, uint32_t to)
{
    node->succ = arena_grow(b->arena, node->succ, node->succ_count, &node->succ_capacity,
                            sizeof(*node->succ));
    node->succ[node->succ_count++] = to;
}

int build_link(struct builder *b, struct build_node *node, uint32_t context, int64_t pc)
{
    const struct load_subprog *sub = subprog_of(b, context);
    uint32_t to = 0;

    if (pc >= sub->start && pc < (int64_t)sub->start + sub->count)
        to = b->node_at[context][pc - sub->start];
    if (!to) {
        b->pc = node->end - 1;
        return build_refuse(b, "IRB0003",
                            "the verifier says nothing about instruction %lld, which follows",
                            (long long)pc);
    }
    if (node->succ_count == 0 || node->succ[0] != to - 1)
        build_add_succ(b, node, to - 1);
    return 0;
}

/* A function's end leads behind its call, or to the next round of a helper that calls it. */
static int link_exit(struct builder *b, struct build_node *node)
{
    const struct verify_context *context = &b->facts->contexts[node->context];

    if (context->depth == 0)
        return 0;
    if (build_calls_back(b, &b->prog->insns[context->call_insn]))
        return build_link_round_end(b, node);
    return build_link(b, node, context->parent, context->call_insn + 1);
}

static int link_node(struct builder *b, struct build_node *node)
{
    const uint32_t pc = node_last(b, node);
    const struct ebpf_insn *insn = &b->prog->insns[pc];
    const struct verify_fact *fact = fact_at(b, node->context, pc);
    int err = 0;

    if (node->kind == BUILD_NODE_ROUNDS)
        return build_link_rounds(b, node);
    if (ebpf_is_goto(insn))
        return build_link(b, node, node->context, ebpf_target(insn, pc));
    if (ebpf_is_cond_jump(insn)) {
        if (fact->jumps)
            err = build_link(b, node, node->context, ebpf_target(insn, pc));
        if (!err && fact->falls_through)
            err = build_link(b, node, node->context, pc + 1);
        return err;
    }
    if (ebpf_is_exit(insn))
        return link_exit(b, node);
    if (ebpf_is_subprog_call(insn)) {
        const uint32_t callee = verify_context_of_call(
            b->facts, node->context, pc, load_subprog_of(b->prog, (uint32_t)ebpf_target(insn, pc)));

        b->pc = pc;
        if (callee == UINT32_MAX)
            return build_refuse(b, "IRB0003",
                                "the verifier says nothing about the function that is called");
        return build_link(b, node, callee, subprog_of(b, callee)->start);
    }
    if (build_is_tail_call(b, insn)) {
        err = build_link(b, node, node->context, node->end);
        return err ? err : build_link_tail(b, node, fact);
    }
    if (build_calls_back(b, insn))
        return build_link_call_back(b, node, pc);
    return build_link(b, node, node->context, node->end);
}

/* Reverse post-order of the nodes that the entry leads to; counts the edges into each. */
static uint32_t order_nodes(struct builder *b, uint32_t entry, uint32_t *order)
{
    uint32_t *stack = arena_array(b->arena, b->node_count, sizeof(*stack));
    uint32_t *next = arena_array(b->arena, b->node_count, sizeof(*next));
    uint32_t depth = 0;
    uint32_t at = b->node_count;

    stack[depth++] = entry;
    b->nodes[entry].visited = true;
    while (depth) {
        struct build_node *node = &b->nodes[stack[depth - 1]];
        uint32_t *n = &next[stack[depth - 1]];

        if (*n < node->succ_count && !node->host) {
            const uint32_t s = node->succ[node->succ_count - 1 - (*n)++];

            b->nodes[s].expected++;
            if (!b->nodes[s].visited) {
                b->nodes[s].visited = true;
                stack[depth++] = s;
            }
        } else {
            order[--at] = stack[--depth];
        }
    }
    return at;
}

/* --- translation -------------------------------------------------------------------------- */

void build_arrive(struct builder *b, uint32_t node)
{
    struct build_node *n = &b->nodes[node];

    if (++n->seen == n->expected)
        build_seal(b, n->block);
}

static void jump_to_node(struct builder *b, uint32_t node)
{
    build_jump(b, b->nodes[node].block);
    build_arrive(b, node);
}

static void translate_exit(struct builder *b)
{
    const ir_ref state = build_read(b, BUILD_VAR_REDIRECT);
    const ir_ref ret = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 0), IR_NONE);
    const ir_ref redirects = build_alu_imm(b, SPEC_ALU_EQ, 32, ret, SPEC_XDP_REDIRECT);
    const ir_ref args[6] = {ret,
                            build_read(b, BUILD_VAR_DATA),
                            build_read(b, BUILD_VAR_END),
                            build_select(b, redirects, state, build_const(b, 0)),
                            build_read(b, BUILD_VAR_META),
                            build_events_exit(b)};

    build_emit(b, (struct ir_insn){.op = IR_EXIT}, args, args[5] == IR_NONE ? 5 : 6);
}

/* Registers go with a call and with its return. What a verifier does not allow to be read stays
 * behind. */
static void translate_call(struct builder *b, uint32_t callee)
{
    if (b->raw) {
        build_raw_call(b);
        build_raw_frame(b, callee);
        return;
    }
    for (uint32_t r = 1; r <= 5; r++)
        build_write(b, (b->depth + 1) * EBPF_REGS + r, build_reg(b, r));
}

static void translate_return(struct builder *b)
{
    if (b->raw)
        build_raw_return(b);
    else
        build_write(b, (b->depth - 1) * EBPF_REGS, build_reg(b, 0));
}

static void translate_end_of_node(struct builder *b, const struct build_node *node, uint32_t pc)
{
    const struct ebpf_insn *insn = &b->prog->insns[pc];

    b->pc = pc;
    if (ebpf_is_cond_jump(insn) && node->succ_count == 2) {
        const ir_ref cond = build_condition(b, insn);

        build_branch(b, cond, b->nodes[node->succ[0]].block, b->nodes[node->succ[1]].block);
        build_arrive(b, node->succ[0]);
        build_arrive(b, node->succ[1]);
        return;
    }
    if (ebpf_is_exit(insn) && b->depth == 0) {
        if (b->raw)
            build_raw_exit(b);
        else
            translate_exit(b);
        return;
    }
    if (build_is_tail_call(b, insn)) {
        build_tail_call(b, node);
        return;
    }
    if (build_calls_back(b, insn)) {
        build_call_back(b, node);
        return;
    }
    if (ebpf_is_exit(insn) && node->succ_count == 2) {
        build_round_end(b, node);
        return;
    }
    if (ebpf_is_exit(insn))
        translate_return(b);
    if (ebpf_is_subprog_call(insn))
        translate_call(b, b->nodes[node->succ[0]].context);
    jump_to_node(b, node->succ[0]);
}

static void translate_node(struct builder *b, const struct build_node *node)
{
    const uint32_t last = node_last(b, node);

    b->cur = node->block;
    b->node = node;
    b->context = node->context;
    b->depth = b->facts->contexts[node->context].depth;
    if (node->host) {
        build_path_end(b);
        return;
    }
    if (node->kind == BUILD_NODE_SWITCH) {
        build_switch(b, node);
        return;
    }
    if (node->kind == BUILD_NODE_ROUNDS) {
        build_rounds(b, node);
        return;
    }
    for (uint32_t pc = node->start; pc < last && !b->error; pc += ebpf_slots(&b->prog->insns[pc]))
        build_insn(b, pc);
    if (!b->error && !ends_node(b, &b->prog->insns[last]))
        build_insn(b, last);
    if (b->error)
        return;
    if (node->succ_count == 0 && !ebpf_is_exit(&b->prog->insns[last])) {
        b->pc = last;
        build_refuse(b, "IRB0003", "the verifier says nothing about where this instruction leads");
        return;
    }
    translate_end_of_node(b, node, last);
}

/* Whether a context's part is come to at all. */
static bool is_reached(const struct builder *b, uint32_t context)
{
    return !b->parts || build_part_of(b, context)->reached;
}

static void lay_out_stack(struct builder *b)
{
    const struct verify_result *facts = b->facts;
    int32_t *used = arena_array(b->arena, facts->context_count, sizeof(*used));
    int32_t most = 0;

    b->frame_top = arena_array(b->arena, facts->context_count, sizeof(*b->frame_top));
    for (uint32_t c = 0; c < facts->context_count; c++) {
        const struct verify_context *context = &facts->contexts[c];
        const uint32_t bytes = (facts->stack_bytes[context->subprog] + 7) & ~7u;

        assert(context->depth == 0 || context->parent < c);
        used[c] =
            (int32_t)(bytes + build_key_room(b, c)) + (context->depth ? used[context->parent] : 0);
        if (used[c] <= most || !is_reached(b, c))
            continue;
        most = used[c];
        if (build_key_room(b, c))
            b->pc = context->call_insn;
    }
    if (most > SPEC_STACK_BYTES)
        build_refuse(b, "IRB0019",
                     "frames of %d bytes one above the other, with those of programs that tail "
                     "calls in functions go on in and keys of bpf_for_each_map_elem; %d are there",
                     most, SPEC_STACK_BYTES);
    for (uint32_t c = 0; c < facts->context_count; c++)
        b->frame_top[c] = most - (int32_t)build_key_room(b, c) -
                          (facts->contexts[c].depth ? used[facts->contexts[c].parent] : 0);
    b->f->stack_bytes = (uint32_t)most;
}

/* A map that no instruction names, and that is in no map of maps, needs no engine: it may be of any
 * type and size. */
static bool is_named(const struct load_prog *prog, uint32_t map)
{
    for (uint32_t pc = 0; pc < prog->insn_count; pc += ebpf_slots(&prog->insns[pc])) {
        const struct ebpf_insn *i = &prog->insns[pc];

        if (ebpf_names_map(i) && (uint32_t)i->imm == map)
            return true;
    }
    return false;
}

static void fill_maps(struct builder *b)
{
    const struct load_object *object = b->object;
    uint64_t held = 0;

    b->f->maps = arena_array(b->arena, object->map_count + IR_TABLE_COUNT, sizeof(*b->f->maps));
    b->f->map_count = object->map_count;
    for (uint32_t m = 0; m < object->map_count; m++) {
        struct ir_map *map = &b->f->maps[m];
        const uint32_t type = object->maps[m].type;

        *map = (struct ir_map){.name = object->maps[m].name,
                               .type = type < SPEC_MAP_COUNT ? type : SPEC_MAP_UNSPEC,
                               .key_bytes = object->maps[m].key_bytes,
                               .value_bytes = object->maps[m].value_bytes,
                               .max_entries = object->maps[m].max_entries,
                               .extra = load_extra(&object->maps[m])};
        ir_map_complete(map);
        if (b->tails && b->tails->holds && is_named(b->prog, m))
            map->holds = b->tails->holds[m];
        held |= map->holds;
    }
    /* a raw program's result and memory are maps too */
    for (uint32_t m = 0; m < object->map_count && !b->raw; m++)
        if (!is_named(b->prog, m) && !(held >> m & 1))
            b->f->maps[m].engine = SPEC_ENGINE_NONE;
}

static void fill_sources(struct builder *b)
{
    const struct load_object *object = b->object;
    const struct load_prog *prog = b->prog;
    const char **names = arena_array(b->arena, object->map_count, sizeof(*names));
    const struct ebpf_names ebpf_names = {names, object->map_count};

    for (uint32_t m = 0; m < object->map_count; m++)
        names[m] = object->maps[m].name;
    b->f->sources = arena_array(b->arena, prog->insn_count, sizeof(*b->f->sources));
    b->f->source_count = prog->insn_count;
    for (uint32_t pc = 0; pc < prog->insn_count; pc += ebpf_slots(&prog->insns[pc])) {
        const struct load_line *line = load_line_of(prog, pc);
        struct ir_source *s = &b->f->sources[pc];

        s->ebpf = ebpf_disasm_text(prog->insns, prog->insn_count, pc, &ebpf_names, b->arena);
        if (!line)
            continue;
        s->file = line->file;
        s->line = line->line;
        s->text = line->text;
    }
}

void build_enter_program(struct builder *b)
{
    enum { CONTEXT_POINTER = 1 << 21 }; /* never followed; not 0, nor what other pointers are */

    build_set_reg(b, 1, build_const(b, CONTEXT_POINTER));
}

/* Block 0 holds constants and inputs, and what variables start with. */
static void open_entry(struct builder *b)
{
    const ir_block entry = build_block_new(b, IR_NO_PC);

    b->cur = entry;
    b->pc = IR_NO_PC;
    b->blocks[entry].sealed = true;
    build_write(b, BUILD_VAR_DATA, build_const(b, SPEC_PKT_BASE));
    build_write(
        b, BUILD_VAR_END,
        build_alu(b, SPEC_ALU_ADD, 64, build_const(b, SPEC_PKT_BASE), build_input(b, SPEC_IN_LEN)));
    build_write(b, BUILD_VAR_RAND, build_input(b, SPEC_IN_RAND));
    build_write(b, BUILD_VAR_REDIRECT, build_const(b, 0));
    build_write(b, BUILD_VAR_CALLS, build_const(b, 0));
    build_write(b, BUILD_VAR_PART, build_const(b, 0));
    build_write(b, BUILD_VAR_META, build_const(b, 0));
    for (uint32_t v = BUILD_VAR_EVENTS; v < BUILD_VARS; v++)
        build_write(b, v, build_const(b, 0));
    if (b->raw)
        build_raw_open(b);
    else
        build_enter_program(b);
}

/* Bound on the entries over back edges, if the node heads a loop. */
static uint32_t trips_of(const struct builder *b, const struct build_node *node)
{
    switch (node->kind) {
    case BUILD_NODE_SWITCH:
        return SPEC_TAIL_CALLS;
    case BUILD_NODE_ROUNDS:
        return build_rounds_max(b, node);
    case BUILD_NODE_CODE:
        break;
    }
    return b->facts->trip_max[node->start];
}

static int translate(struct builder *b)
{
    uint32_t entry = 0;
    uint32_t *order;
    uint32_t first;
    uint32_t i;

    b->node_at = arena_array(b->arena, b->facts->context_count, sizeof(*b->node_at));
    for (uint32_t c = 0; c < b->facts->context_count; c++)
        cut_context(b, c);
    for (uint32_t c = 0; c < b->facts->context_count; c++)
        build_rounds_nodes(b, c);
    if (b->tails) {
        build_switches(b);
        entry = b->parts->of[0].node;
    }
    for (uint32_t n = 0; n < b->node_count && !b->error; n++)
        if (b->nodes[n].kind != BUILD_NODE_SWITCH && is_reached(b, b->nodes[n].context))
            link_node(b, &b->nodes[n]);
    if (b->error)
        return b->error;
    for (i = 0; b->paths && i < b->paths->count; i++)
        b->nodes[b->paths->cuts[i].node].host = true;
    order = arena_array(b->arena, b->node_count, sizeof(*order));
    first = order_nodes(b, entry, order);
    open_entry(b);
    b->nodes[entry].expected++;
    for (i = first; i < b->node_count; i++) {
        struct build_node *node = &b->nodes[order[i]];

        node->block = build_block_new(b, node->start);
        b->f->blocks[node->block].trip_max = trips_of(b, node);
    }
    ir_edge(b->f, 0, b->nodes[entry].block);
    build_arrive(b, entry);
    for (i = first; i < b->node_count && !b->error; i++)
        translate_node(b, &b->nodes[order[i]]);
    if (!b->error)
        return build_finish(b);
    if (b->paths && build_path_cut(b, order + first, b->node_count - first, order[i - 1]))
        return -EAGAIN;
    return b->error;
}

/* What is left to the host: paths that packets still come to. */
static void note_paths(struct builder *b)
{
    struct ir_path *paths = arena_array(b->arena, b->paths->count + 1, sizeof(*paths));

    for (uint32_t i = 0; i < b->paths->count; i++)
        if (b->nodes[b->paths->cuts[i].node].visited)
            paths[b->f->path_count++] = b->paths->cuts[i].path;
    b->f->paths = paths;
}

static int build_once(const struct builder *given, struct build_paths *paths, struct ir_func **out)
{
    struct builder *b = arena_memdup(given->arena, given, sizeof(*given));
    int err;

    b->paths = paths;
    if (paths) {
        paths->sink = diag_sink_make(b->arena);
        b->sink = &paths->sink;
    }
    if (b->tails)
        build_join_parts(b);
    b->f = ir_func_new(b->arena, b->prog->name);
    fill_maps(b);
    fill_sources(b);
    lay_out_stack(b);
    err = b->error ? b->error : translate(b);
    if (err)
        return err;
    if (paths)
        note_paths(b);
    *out = b->f;
    return 0;
}

/* Each attempt leaves one more path to the host, until the rest can be translated or something else
 * can't. */
static int build(const struct builder *given, struct ir_func **out)
{
    const bool splits = given->tails && given->tails->paths && given->tails->part_count == 1 &&
                        given->tails->tail_count == 0;
    struct build_paths paths = {.count = 0};
    struct arena *arena = given->arena;
    jmp_buf oom;
    int err;

    arena_set_oom(arena, &oom);
    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    do {
        err = build_once(given, splits ? &paths : NULL, out);
    } while (err == -EAGAIN);
    for (uint32_t i = 0; splits && err && i < paths.sink.count; i++)
        diag_repeat(given->sink, &paths.sink.records[i]);
    arena_set_oom(arena, NULL);
    return err;
}

int ir_build(const struct load_object *object, const struct load_prog *prog,
             const struct verify_result *facts, struct arena *arena, struct diag_sink *sink,
             struct ir_func **out)
{
    const struct builder b = {
        .object = object, .prog = prog, .facts = facts, .arena = arena, .sink = sink};

    return build(&b, out);
}

int ir_build_tails(const struct load_object *object, const struct ir_tails *tails,
                   struct arena *arena, struct diag_sink *sink, struct ir_func **out)
{
    const struct builder b = {.object = object, .tails = tails, .arena = arena, .sink = sink};

    return build(&b, out);
}

int ir_build_raw(const struct load_object *object, const struct load_prog *prog,
                 const struct verify_result *facts, const struct ir_build_raw *raw,
                 struct arena *arena, struct diag_sink *sink, struct ir_func **out)
{
    const struct builder b = {
        .object = object, .prog = prog, .facts = facts, .raw = raw, .arena = arena, .sink = sink};

    return build(&b, out);
}
