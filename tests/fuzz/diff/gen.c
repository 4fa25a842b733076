/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include "hw/spec/gen/xdp.h"

#include "compiler/ebpf/ebpf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A case as a whole: maps, functions, the program, and its parts put together. */

const char *const gen_profile_names[GEN_PROFILE_COUNT] = {
    [GEN_ANY] = "any", [GEN_SMALL] = "small", [GEN_TRIE] = "trie", [GEN_PATHS] = "paths"};

const char *const gen_template_names[GEN_TEMPLATE_COUNT] = {
#define GEN_NAME(name, any, small) #name,
    GEN_TEMPLATES(GEN_NAME)
#undef GEN_NAME
};

static const struct {
    void (*emit)(struct gen *g);
    uint32_t weights[GEN_PROFILE_COUNT];
} templates[GEN_TEMPLATE_COUNT] = {
#define GEN_ROW(name, any, small) {gen_##name##_statement, {any, small, small, small}},
    GEN_TEMPLATES(GEN_ROW)
#undef GEN_ROW
};

struct gen *gen_open(void)
{
    return calloc(1, sizeof(struct gen));
}

void gen_close(struct gen *g)
{
    free(g);
}

const uint32_t *gen_counts(const struct gen *g)
{
    return g->counts;
}

/* ---- statements ---- */

static enum gen_template choose(struct gen *g)
{
    static const uint8_t of_maps[] = {GEN_T_lookup, GEN_T_lookup, GEN_T_value, GEN_T_value_atomic,
                                      GEN_T_update, GEN_T_delete, GEN_T_insert,
                                      /* and with paths */
                                      GEN_T_mix, GEN_T_mix, GEN_T_mix, GEN_T_stale};
    const int column = g->profile != GEN_ANY;
    uint32_t sum = 0, at;
    int t = 0;

    if (g->pure || g->quiet)
        return gen_pure_template(g);
    if (g->profile == GEN_TRIE && gen_chance(g, 30))
        return (enum gen_template)of_maps[gen_below(g, 7)];
    if (g->profile == GEN_PATHS && gen_chance(g, 50))
        return (enum gen_template)of_maps[gen_below(g, sizeof(of_maps))];
    for (int i = 0; i < GEN_TEMPLATE_COUNT; i++)
        sum += templates[i].weights[column];
    at = gen_below(g, sum);
    while (at >= templates[t].weights[column])
        at -= templates[t++].weights[column];
    return (enum gen_template)t;
}

void gen_statements(struct gen *g, uint32_t n)
{
    g->depth++;
    for (; n && g->left && g->st.reached; n--) {
        const uint32_t before = g->insn_count;
        enum gen_template t;

        if (g->insn_count + 300 > GEN_INSNS || g->label_count + 50 > GEN_LABELS ||
            g->cost > GEN_COST || (g->in_loop && g->branches > GEN_LOOP_BRANCHES))
            break;
        g->left--;
        t = choose(g);
        templates[t].emit(g);
        g->counts[t] += g->insn_count != before;
    }
    g->depth--;
}

/* ---- the program ---- */

static void keep_context(struct gen *g)
{
    g->ctx_reg = g->ctx_slot = -1;
    gen_set(g, 1, (struct gen_val){.kind = GEN_CTX});
    if (gen_chance(g, 80)) {
        g->ctx_reg = 6 + (int)gen_below(g, 4);
        gen_copy(g, g->ctx_reg, 1);
        g->frozen |= (uint16_t)(1u << g->ctx_reg);
    } else {
        g->ctx_slot = (int)gen_below(g, g->slots);
        gen_emit(g, STX(DW, EBPF_REG_FP, -8 * (g->ctx_slot + 1), 1));
        g->st.slots[g->ctx_slot] = (struct gen_slot){.ptr = g->st.regs[1]};
        g->frozen_slots |= 1u << g->ctx_slot;
    }
}

/* Slots for atomics hold numbers that the verifier does not know, and no register holds the same
 * one: kernels without commit 179ee84a8911 lose track of what a fetch takes from a slot that holds
 * a constant on one path only, and then fold a branch wrongly. */
static void make_atomic_slots(struct gen *g)
{
    if (!gen_chance(g, 25))
        return;
    gen_emit(g, CALL(SPEC_HELPER_GET_PRANDOM_U32));
    gen_called(g);
    for (uint32_t n = 1 + gen_below(g, 2); n; n--) {
        const uint32_t s = gen_below(g, g->slots);

        if (g->frozen_slots >> s & 1)
            continue;
        gen_emit(g, ALU64_K(MUL, 0, 0x9e3779b1));
        gen_emit(g, STX(DW, EBPF_REG_FP, -8 * (int)(s + 1), 0));
        g->atomic_slots |= 1u << s;
        g->st.slots[s] = (struct gen_slot){.bytes = 0};
    }
    gen_emit(g, MOV_K(0, gen_const(g)));
}

static void start_program(struct gen *g)
{
    memset(&g->st, 0, sizeof(g->st));
    g->st.reached = true;
    g->slots = GEN_SLOTS;
    g->frozen = g->fixed = 0;
    g->frozen_slots = g->fixed_slots = g->atomic_slots = 0;
    g->cost = 0;
    g->leave = gen_label(g);
    g->func_start = g->insn_count;
    keep_context(g);
    make_atomic_slots(g);
    for (uint32_t n = gen_below(g, 8); n; n--) {
        const uint32_t s = gen_below(g, g->slots);

        if (gen_stack_free(g, -8 * (int32_t)(s + 1), 8))
            gen_stack_store(g, -8 * (int32_t)(s + 1), 8);
    }
    for (uint32_t n = 1 + gen_below(g, 4); n; n--) {
        const int r = gen_temp(g, 0);

        gen_emit(g, MOV_K(r, gen_const(g)));
        gen_set_num(g, r);
    }
}

/* The return value: mostly a verdict. */
static void finish_program(struct gen *g)
{
    if (g->st.reached) {
        const int r = gen_num(g, 0);

        if (r != 0)
            gen_emit(g, MOV_X(0, r));
        if (g->profile == GEN_PATHS && gen_chance(g, 70)) { /* what leaves tells most */
            gen_emit(g, ALU64_K(AND, 0, 1));
            gen_emit(g, ALU64_K(ADD, 0, SPEC_XDP_PASS));
        } else if (gen_chance(g, 60)) {
            gen_emit(g, ALU64_K(AND, 0, gen_chance(g, 50) ? 3 : 7));
        }
        gen_exit(g);
    }
    if (g->labels[g->leave].used) {
        gen_bind(g, g->leave);
        gen_emit(g, MOV_K(0, (int32_t)gen_below(g, 5)));
        gen_exit(g);
    }
}

static void patch_jumps(struct gen *g)
{
    for (uint32_t j = 0; j < g->jump_count; j++) {
        struct ebpf_insn *i = &g->insns[g->jumps[j].insn];
        const struct gen_label *l = &g->labels[g->jumps[j].label];
        const int32_t d = l->at - (int32_t)g->jumps[j].insn - 1;

        assert(l->at >= 0);
        if (i->opcode == EBPF_OP_GOTOL)
            i->imm = d;
        else
            i->off = (int16_t)d;
    }
}

/* Which functions are reached from a mask of them. */
static uint32_t reached_functions(const struct gen *g, uint32_t mask)
{
    for (uint32_t i = g->func_count; i-- > 0;)
        if (mask >> i & 1)
            mask |= g->funcs[i].calls;
    return mask;
}

/* The program comes first, then the functions that it reaches. */
static void put_together(struct gen *g, struct load_prog *prog)
{
    const uint32_t main_start = g->func_start, main_count = g->insn_count - main_start;
    uint32_t mask = 0, place[GEN_FUNCS], moved = main_count;

    for (uint32_t c = 0; c < g->call_count; c++)
        if (g->calls[c].insn >= main_start)
            mask |= 1u << g->calls[c].func;
    mask = reached_functions(g, mask);
    for (uint32_t i = 0; i < g->func_count; i++) {
        place[i] = moved;
        moved += mask >> i & 1 ? g->funcs[i].count : 0;
    }
    prog->insn_count = moved;
    prog->insns = arena_array(g->arena, moved, sizeof(*prog->insns));
    for (uint32_t c = 0; c < g->call_count; c++) {
        const uint32_t at = g->calls[c].insn;
        uint32_t to = at - main_start;

        for (uint32_t i = 0; i < g->func_count; i++)
            if (at >= g->funcs[i].start && at < g->funcs[i].start + g->funcs[i].count)
                to = place[i] + at - g->funcs[i].start;
        g->insns[at].imm = (int32_t)place[g->calls[c].func];
        if (!g->calls[c].address)
            g->insns[at].imm -= (int32_t)to + 1;
    }
    memcpy(prog->insns, g->insns + main_start, main_count * sizeof(*prog->insns));
    for (uint32_t i = 0; i < g->func_count; i++)
        if (mask >> i & 1)
            memcpy(prog->insns + place[i], g->insns + g->funcs[i].start,
                   g->funcs[i].count * sizeof(*prog->insns));
}

/* No code is there yet. */
static void clear_code(struct gen *g)
{
    g->insn_count = g->label_count = g->jump_count = g->call_count = 0;
    g->func_count = g->depth = 0;
    g->no_calls = g->no_moves = g->in_loop = 0;
    g->times = 1;
    g->func = NULL;
    memset(g->funcs, 0, sizeof(g->funcs));
}

static void reset(struct gen *g, uint64_t seed, enum gen_profile profile, struct arena *arena)
{
    g->rng.state = seed * 0xd1342543de82ef95u + (uint64_t)profile;
    g->arena = arena;
    g->profile = profile;
    g->out = arena_alloc(arena, sizeof(*g->out));
    clear_code(g);
    g->spot_count = 0;
    memset(g->counts, 0, sizeof(g->counts));
    g->reach = 14 + gen_below(g, 50);
    g->pure = g->pure_functions = g->quiet = false;
    g->soft = g->profile == GEN_PATHS || (g->profile != GEN_TRIE && gen_chance(g, 15));
}

static uint32_t statement_count(struct gen *g)
{
    if (g->profile != GEN_ANY)
        return 2 + gen_below(g, 10);
    switch (gen_below(g, 10)) {
    case 0:
        return 30 + gen_below(g, 50);
    case 1:
    case 2:
    case 3:
        return 12 + gen_below(g, 25);
    default:
        return 3 + gen_below(g, 14);
    }
}

/* A program over the maps that are there, with functions of its own. */
static void make_program(struct gen *g, struct load_prog *out)
{
    g->pure = g->pure_functions = g->profile == GEN_PATHS && gen_chance(g, 50);
    gen_functions(g);
    g->pure = false;
    start_program(g);
    /* Linux 6.18 calls it a bug of its own if only dead code names a callback. */
    gen_loop_call_statement(g);
    if (g->profile == GEN_PATHS) {
        gen_path_body(g);
    } else {
        g->left = statement_count(g);
        gen_statements(g, g->left);
    }
    finish_program(g);
    patch_jumps(g);
    put_together(g, out);
}

struct diff_case *gen_case(struct gen *g, uint64_t seed, enum gen_profile profile, uint32_t packets,
                           struct arena *arena)
{
    struct diff_case *c;

    reset(g, seed, profile, arena);
    c = g->out;
    c->seed = seed;
    gen_maps(g);
    make_program(g, &c->prog);
    if (gen_map_of(g, UINT64_C(1) << SPEC_MAP_PROG_ARRAY) >= 0)
        c->other_count = gen_below(g, DIFF_OTHERS + 1);
    c->options = (struct exec_options){.size = sizeof(c->options),
                                       .seed = diff_next(&g->rng) >> 32,
                                       .ifindex = 1 + gen_below(g, 5),
                                       .queue = gen_below(g, SPEC_QUEUES)};
    if (gen_chance(g, 50)) {
        c->options.idle_percent = gen_below(g, 60);
        c->options.stall_percent = gen_below(g, 60);
    }
    gen_entries(g);
    for (uint32_t i = 0; i < c->other_count; i++) {
        clear_code(g);
        make_program(g, &c->progs[1 + i]);
    }
    gen_packets(g, seed, packets);
    c->object.maps = arena_memdup(arena, g->maps, (g->map_count + 1) * sizeof(*g->maps));
    c->object.map_count = g->map_count;
    diff_case_finish(c, arena);
    return c;
}
