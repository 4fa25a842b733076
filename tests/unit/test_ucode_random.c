/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/common/random.h"
#include "tests/common/ucode_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random functions with branches, bounded loops, all kinds of memory, maps and long operations:
 * their microcode does on random packets what the evaluator does. A failure prints its seed;
 * UCODE_SEED runs that one alone. */

enum {
    VARS = 12,      /* live at once, usually ... */
    VARS_MANY = 76, /* ... and more than there are registers */
    PACKET_BYTES = 128,
    PACKETS = 12,
    FUNCTIONS = 600,
    STACK_USED = 64,
    MAPS = 4,
};

/* Variables of the function that is being made, and their values at the place at hand. */
struct gen {
    struct ir_func *f;
    uint64_t seed;
    ir_block block;
    ir_ref vars[VARS_MANY];
    uint32_t var_count;
    uint32_t budget; /* statements left */
    ir_ref data;
    ir_ref data_end;
};

static uint32_t pick(struct gen *g, uint32_t below)
{
    return (uint32_t)(random_next(&g->seed) % below);
}

static ir_ref emit(struct gen *g, struct ir_insn in, const ir_ref *args, uint32_t n)
{
    in.pc = IR_NO_PC;
    return ir_append(g->f, g->block, in, args, n);
}

static ir_ref constant(struct gen *g, uint64_t value)
{
    return emit(g, (struct ir_insn){.op = IR_CONST, .imm = value}, NULL, 0);
}

static ir_ref any_constant(struct gen *g)
{
    const uint64_t r = random_next(&g->seed);

    switch (pick(g, 6)) {
    case 0:
        return constant(g, r);
    case 1:
        return constant(g, r & UINT32_MAX);
    case 2:
        return constant(g, r << 32);
    case 3:
        return constant(g, (uint64_t)((int64_t)r >> 40));
    default:
        return constant(g, r & 15);
    }
}

static ir_ref var(struct gen *g)
{
    return pick(g, 6) == 0 ? any_constant(g) : g->vars[pick(g, g->var_count)];
}

static void assign(struct gen *g, ir_ref value)
{
    g->vars[pick(g, g->var_count)] = value;
}

static ir_ref alu(struct gen *g, enum spec_alu op, uint32_t width, ir_ref a, ir_ref b)
{
    const ir_ref args[2] = {a, b};

    return emit(g, (struct ir_insn){.op = IR_ALU, .alu = (uint8_t)op, .width = (uint8_t)width},
                args, spec_alu_table[op].arity);
}

/* A random value in [low, low + count), count a power of two. */
static ir_ref ranged(struct gen *g, uint32_t low, uint32_t count)
{
    const ir_ref masked = alu(g, SPEC_ALU_AND, 64, var(g), constant(g, count - 1));

    return alu(g, SPEC_ALU_ADD, 64, masked, constant(g, low));
}

static ir_ref condition(struct gen *g)
{
    const enum spec_alu op = (enum spec_alu)(SPEC_ALU_EQ + pick(g, SPEC_ALU_COUNT - SPEC_ALU_EQ));

    if (pick(g, 8) == 0)
        return var(g);
    return alu(g, op, pick(g, 2) ? 32 : 64, var(g), var(g));
}

static void gen_alu(struct gen *g)
{
    const enum spec_alu op = (enum spec_alu)(1 + pick(g, SPEC_ALU_COUNT - 1));
    const bool narrow = spec_alu_table[op].verilog32[0] != '\0' && pick(g, 2);

    if (spec_alu_table[op].cls == SPEC_ALU_CLASS_DIV && pick(g, 3) != 0)
        return;
    assign(g, alu(g, op, narrow ? 32 : 64, var(g), var(g)));
}

static void gen_select(struct gen *g)
{
    const ir_ref args[3] = {condition(g), var(g), var(g)};

    assign(g, emit(g, (struct ir_insn){.op = IR_SELECT}, args, 3));
}

static struct ir_insn access_of(struct gen *g, enum ir_op op, enum ir_region region, int32_t low,
                                int32_t high)
{
    struct ir_insn in = {.op = (uint8_t)op, .region = (uint8_t)region};

    in.size = (uint8_t)(1 + pick(g, 8));
    in.swap = pick(g, 2);
    in.off_min = low;
    in.off_max = high;
    return in;
}

static void gen_access(struct gen *g, enum ir_op op, enum ir_region region)
{
    const bool pkt = region == IR_REGION_PKT;
    const int32_t base = pkt ? SPEC_PKT_BASE : 0;
    const int32_t span = pkt ? 64 : 32;
    int32_t low = base + (int32_t)pick(g, (uint32_t)span);
    struct ir_insn in = access_of(g, op, region, low, low);
    ir_ref args[2];

    if (pick(g, 3) == 0) {
        const int32_t at = base + (int32_t)pick(g, 8);

        in.imm = (uint64_t)pick(g, 16);
        args[0] = ranged(g, (uint32_t)at, 16);
        in.off_min = at + (int32_t)in.imm;
        in.off_max = in.off_min + 15;
    } else if (pkt && pick(g, 2)) {
        in.imm = (uint64_t)(low - base);
        args[0] = g->data;
    } else {
        args[0] = constant(g, (uint64_t)low);
    }
    args[1] = op == IR_STORE ? var(g) : IR_NONE;
    args[0] = emit(g, in, args, op == IR_STORE ? 2 : 1);
    if (op == IR_LOAD)
        assign(g, args[0]);
}

/* Map 0: an array of 8 values of 16 bytes, 1: an array that is only counted, 2: hash, 3: per-CPU
 * hash. */
static ir_ref array_pointer(struct gen *g, uint32_t map, ir_ref index)
{
    const ir_ref offset = alu(g, SPEC_ALU_SHL, 64, index, constant(g, 4));

    return alu(g, SPEC_ALU_ADD, 64, offset, constant(g, (uint64_t)(map + 1) << SPEC_MAPPTR_SHIFT));
}

static void map_access(struct gen *g, uint32_t map, ir_ref pointer)
{
    const enum ir_op op = pick(g, 2) ? IR_LOAD : IR_STORE;
    struct ir_insn in = access_of(g, op, IR_REGION_MAP, 0, 0);
    const ir_ref args[2] = {pointer, op == IR_STORE ? var(g) : IR_NONE};
    ir_ref result;

    in.map = (uint16_t)(pick(g, 8) ? map : IR_MAP_ANY);
    in.imm = pick(g, 8);
    result = emit(g, in, args, op == IR_STORE ? 2 : 1);
    if (op == IR_LOAD)
        assign(g, result);
}

static void map_atomic(struct gen *g, uint32_t map, ir_ref pointer)
{
    const enum spec_atomic kind =
        map == 1 ? SPEC_ATOMIC_ADD : (enum spec_atomic)(1 + pick(g, SPEC_ATOMIC_COUNT - 1));
    const ir_ref args[3] = {pointer, var(g), var(g)};
    struct ir_insn in = {.op = IR_ATOMIC,
                         .region = IR_REGION_MAP,
                         .size = (uint8_t)(pick(g, 2) ? 4 : 8),
                         .atomic = (uint8_t)kind,
                         .fetch = map != 1 && pick(g, 2),
                         .map = (uint16_t)map};
    const ir_ref old = emit(g, in, args, kind == SPEC_ATOMIC_CMPXCHG ? 3 : 2);

    if (in.fetch)
        assign(g, old);
}

static void gen_array(struct gen *g)
{
    const uint32_t map = pick(g, 2);
    const ir_ref index =
        pick(g, 2) ? constant(g, pick(g, 8)) : alu(g, SPEC_ALU_AND, 64, var(g), constant(g, 7));
    const ir_ref pointer = array_pointer(g, map, index);

    if (map == 1 || pick(g, 3) == 0)
        map_atomic(g, map, pointer);
    else
        map_access(g, map, pointer);
}

static ir_ref map_key(struct gen *g)
{
    return alu(g, SPEC_ALU_AND, 64, var(g), constant(g, 15));
}

static ir_ref cpu_of(struct gen *g, uint32_t map)
{
    if (map != 3)
        return constant(g, 0);
    return emit(g, (struct ir_insn){.op = IR_INPUT, .imm = SPEC_IN_QUEUE}, NULL, 0);
}

static void gen_map_change(struct gen *g)
{
    const uint32_t map = 2 + pick(g, 2);
    const bool update = pick(g, 3) != 0;
    ir_ref args[8];
    uint32_t n = 0;
    ir_ref err;

    args[n++] = cpu_of(g, map);
    if (update)
        args[n++] = constant(g, pick(g, 4));
    args[n++] = map_key(g);
    args[n++] = constant(g, 7);
    if (update) {
        args[n++] = var(g);
        args[n++] = var(g);
    }
    err = emit(g,
               (struct ir_insn){.op = update ? IR_MAP_UPDATE : IR_MAP_DELETE, .map = (uint16_t)map},
               args, n);
    if (pick(g, 2))
        assign(g, err);
}

static void statements(struct gen *g, uint32_t count, uint32_t depth);

/* After the two ends of a branch come together: phis for what differs. */
static void merge(struct gen *g, const ir_ref *left, const ir_ref *right, bool both)
{
    for (uint32_t v = 0; v < g->var_count; v++) {
        const ir_ref args[2] = {left[v], right[v]};

        g->vars[v] = left[v] == right[v] || !both
                         ? left[v]
                         : emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
    }
}

static void end_exit(struct gen *g)
{
    ir_ref args[4] = {var(g), g->data, g->data_end, constant(g, 0)};

    if (pick(g, 2))
        args[0] = constant(g, pick(g, 5));
    if (pick(g, 4) == 0)
        args[3] = var(g);
    if (pick(g, 6) == 0)
        args[1] = ranged(g, SPEC_PKT_BASE - 8, 16);
    emit(g, (struct ir_insn){.op = IR_EXIT}, args, 4);
}

static void gen_branch(struct gen *g, ir_ref cond, uint32_t depth, ir_ref pointer, uint32_t map)
{
    const ir_block from = g->block;
    const ir_block yes = ir_block_new(g->f);
    const ir_block no = ir_block_new(g->f);
    const ir_block join = ir_block_new(g->f);
    const bool leave = pick(g, 4) == 0;
    ir_ref before[VARS_MANY];
    ir_ref left[VARS_MANY];

    emit(g, (struct ir_insn){.op = IR_BR}, &cond, 1);
    ir_edge(g->f, from, yes);
    ir_edge(g->f, from, no);
    memcpy(before, g->vars, sizeof(before));
    g->block = yes;
    if (pointer != IR_NONE)
        map_access(g, map, pointer);
    statements(g, 1 + pick(g, 4), depth + 1);
    emit(g, (struct ir_insn){.op = IR_JMP}, NULL, 0);
    ir_edge(g->f, g->block, join);
    memcpy(left, g->vars, sizeof(left));
    memcpy(g->vars, before, sizeof(before));
    g->block = no;
    statements(g, pick(g, 4), depth + 1);
    if (leave) {
        end_exit(g);
    } else {
        emit(g, (struct ir_insn){.op = IR_JMP}, NULL, 0);
        ir_edge(g->f, g->block, join);
    }
    memcpy(before, g->vars, sizeof(before));
    g->block = join;
    merge(g, left, before, !leave);
}

static void gen_lookup(struct gen *g, uint32_t depth)
{
    const uint32_t map = 2 + pick(g, 2);
    const ir_ref args[3] = {cpu_of(g, map), map_key(g), constant(g, 7)};
    const ir_ref p = emit(g, (struct ir_insn){.op = IR_MAP_LOOKUP, .map = (uint16_t)map}, args, 3);

    gen_branch(g, p, depth, p, map);
}

/* do { body } while (++i < n), all variables carried around. */
static void gen_loop(struct gen *g, uint32_t depth)
{
    const ir_block header = ir_block_new(g->f);
    const ir_block after = ir_block_new(g->f);
    const ir_block from = g->block;
    const ir_ref zero = constant(g, 0);
    ir_ref phis[VARS_MANY + 1];
    ir_ref start[VARS_MANY];
    const uint32_t n = g->var_count;
    ir_ref next;
    ir_ref more;

    memcpy(start, g->vars, sizeof(start));
    emit(g, (struct ir_insn){.op = IR_JMP}, NULL, 0);
    ir_edge(g->f, from, header);
    g->block = header;
    for (uint32_t v = 0; v <= n; v++) {
        const ir_ref args[2] = {v < n ? start[v] : zero, v < n ? start[v] : zero};

        phis[v] = emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
        if (v < n)
            g->vars[v] = phis[v];
    }
    statements(g, 1 + pick(g, 5), depth + 1);
    next = alu(g, SPEC_ALU_ADD, 64, phis[n], constant(g, 1));
    more = alu(g, SPEC_ALU_ULT, 64, next, constant(g, 2 + pick(g, 5)));
    emit(g, (struct ir_insn){.op = IR_BR}, &more, 1);
    ir_edge(g->f, g->block, header);
    ir_edge(g->f, g->block, after);
    for (uint32_t v = 0; v <= n; v++)
        g->f->insns[phis[v]].args[1] = v < n ? g->vars[v] : next;
    g->f->blocks[header].trip_max = 8;
    g->block = after;
}

static void gen_zero(struct gen *g)
{
    const ir_ref from = ranged(g, SPEC_PKT_BASE, 16);
    const ir_ref args[2] = {from, ranged(g, SPEC_PKT_BASE + 8, 16)};

    emit(g, (struct ir_insn){.op = IR_PKT_ZERO}, args, 2);
}

static void statement(struct gen *g, uint32_t depth)
{
    const uint32_t kind = pick(g, 100);

    if (kind < 30)
        gen_alu(g);
    else if (kind < 38)
        gen_select(g);
    else if (kind < 50)
        gen_access(g, IR_LOAD, IR_REGION_PKT);
    else if (kind < 57)
        gen_access(g, IR_STORE, IR_REGION_PKT);
    else if (kind < 62)
        gen_access(g, IR_LOAD, IR_REGION_STACK);
    else if (kind < 67)
        gen_access(g, IR_STORE, IR_REGION_STACK);
    else if (kind < 76)
        gen_array(g);
    else if (kind < 80)
        gen_map_change(g);
    else if (kind < 81)
        gen_zero(g);
    else if (depth >= 4)
        gen_alu(g);
    else if (kind < 86)
        gen_lookup(g, depth);
    else if (kind < 96)
        gen_branch(g, condition(g), depth, IR_NONE, 0);
    else
        gen_loop(g, depth);
}

static void statements(struct gen *g, uint32_t count, uint32_t depth)
{
    for (uint32_t i = 0; i < count && g->budget > 0; i++) {
        g->budget--;
        statement(g, depth);
    }
}

static void make_maps(struct gen *g)
{
    static const struct ir_map maps[MAPS] = {
        {.name = "array",
         .type = SPEC_MAP_ARRAY,
         .engine = SPEC_ENGINE_VMEM,
         .key_bytes = 4,
         .value_bytes = 16,
         .stride_bytes = 16,
         .max_entries = 8,
         .cpus = 1},
        {.name = "counts",
         .type = SPEC_MAP_ARRAY,
         .engine = SPEC_ENGINE_VMEM,
         .key_bytes = 4,
         .value_bytes = 16,
         .stride_bytes = 16,
         .max_entries = 8,
         .cpus = 1},
        {.name = "hash",
         .type = SPEC_MAP_HASH,
         .engine = SPEC_ENGINE_HASH,
         .key_bytes = 12,
         .value_bytes = 16,
         .stride_bytes = 16,
         .max_entries = 12,
         .cpus = 1},
        {.name = "percpu",
         .type = SPEC_MAP_PERCPU_HASH,
         .engine = SPEC_ENGINE_HASH,
         .key_bytes = 12,
         .value_bytes = 16,
         .stride_bytes = 16,
         .max_entries = 12,
         .cpus = SPEC_QUEUES},
    };

    g->f->maps = arena_memdup(g->f->arena, maps, sizeof(maps));
    g->f->map_count = MAPS;
}

static struct ir_func *random_function(struct arena *arena, uint64_t seed)
{
    struct gen g = {.f = ir_func_new(arena, "random"), .seed = seed};
    const uint32_t sizes[] = {8, 20, 40, 80, 160};

    make_maps(&g);
    g.f->stack_bytes = STACK_USED;
    g.block = ir_block_new(g.f);
    g.budget = sizes[pick(&g, 5)];
    g.data = constant(&g, SPEC_PKT_BASE);
    g.data_end = alu(&g, SPEC_ALU_ADD, 64, g.data,
                     emit(&g, (struct ir_insn){.op = IR_INPUT, .imm = SPEC_IN_LEN}, NULL, 0));
    for (uint32_t at = 0; at < STACK_USED; at += 8) {
        const ir_ref args[2] = {constant(&g, at), constant(&g, at * UINT64_C(0x0101010101010101))};

        emit(&g,
             (struct ir_insn){.op = IR_STORE,
                              .region = IR_REGION_STACK,
                              .size = 8,
                              .off_min = (int32_t)at,
                              .off_max = (int32_t)at},
             args, 2);
    }
    g.var_count = pick(&g, 8) == 0 ? VARS_MANY : VARS;
    for (uint32_t v = 0; v < g.var_count; v++)
        g.vars[v] =
            v < SPEC_IN_COUNT ? emit(&g, (struct ir_insn){.op = IR_INPUT, .imm = v}, NULL, 0)
            : v % 3 == 0      ? any_constant(&g)
                         : alu(&g, SPEC_ALU_MUL, 64, g.vars[v % SPEC_IN_COUNT], any_constant(&g));
    statements(&g, g.budget, 0);
    end_exit(&g);
    ir_map_uses(g.f);
    return g.f;
}

static void check_function(uint64_t seed, bool print)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *image = NULL;
    struct ir_func *f = random_function(arena, seed);
    struct ucode_check c;
    uint64_t rng = seed;

    if (print)
        ir_print(stdout, f);
    if (ir_check(f, &sink) != 0 || ucode_compile(f, arena, &sink, &image) != 0) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("seed %llu", (unsigned long long)seed);
    }
    if (print)
        ucode_print_listing(stdout, image, f);
    assert_int_equal(ucode_check_open(&c, f, image, 6, seed), 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t packet[PACKET_BYTES];

        for (uint32_t k = 0; k < PACKET_BYTES; k++)
            packet[k] = (uint8_t)(random_next(&rng) & (i % 2 ? 3 : 0xff));
        if (!ucode_check_packet(&c, packet, PACKET_BYTES, &rng))
            fail_msg("seed %llu, packet %u: %s", (unsigned long long)seed, i, c.report);
    }
    ucode_check_close(&c);
    arena_close(arena);
}

static void test_ucode_random_functions_do_what_the_evaluator_does(void **state)
{
    const char *seed = getenv("UCODE_SEED");
    const char *count = getenv("UCODE_FUNCTIONS");
    const uint64_t functions = count ? strtoull(count, NULL, 10) : FUNCTIONS;

    (void)state;
    if (seed) {
        check_function(strtoull(seed, NULL, 10), true);
        return;
    }
    for (uint64_t i = 1; i <= functions; i++)
        check_function(i, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_random_functions_do_what_the_evaluator_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
