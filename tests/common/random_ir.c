/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random_ir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8, REACH = 64, STACK = 32, DEPTH = 4, MAX_PACKET = 128 };

struct gen {
    struct ir_func *f;
    uint64_t seed;
    ir_block b;
    ir_ref slots[SLOTS];
    ir_ref data;
    ir_ref end;
    ir_ref zero;
    uint32_t left; /* statements */
    uint32_t depth;
};

static uint32_t below(struct gen *g, uint32_t n)
{
    return (uint32_t)(soft_random(&g->seed) % n);
}

static ir_ref emit(struct gen *g, struct ir_insn in, const ir_ref *args, uint32_t n)
{
    in.pc = IR_NO_PC;
    return ir_append(g->f, g->b, in, args, n);
}

static ir_ref constant(struct gen *g, uint64_t v)
{
    return emit(g, (struct ir_insn){.op = IR_CONST, .imm = v}, NULL, 0);
}

static ir_ref some_constant(struct gen *g)
{
    static const uint64_t usual[] = {
        0,    1,      2,          7,          8,          16,     24,
        0xff, 0xffff, 0xffffffff, UINT64_MAX, 0x80000000, 0x8000, (uint64_t)-14};

    if (below(g, 3) == 0)
        return constant(g, soft_random(&g->seed) >> below(g, 64));
    return constant(g, usual[below(g, sizeof(usual) / sizeof(*usual))]);
}

static ir_ref operand(struct gen *g)
{
    return below(g, 3) ? g->slots[below(g, SLOTS)] : some_constant(g);
}

static void assign(struct gen *g, ir_ref v)
{
    g->slots[below(g, SLOTS)] = v;
}

static ir_ref alu(struct gen *g, enum spec_alu op, uint8_t width, ir_ref x, ir_ref y)
{
    const ir_ref args[2] = {x, y};

    return emit(g, (struct ir_insn){.op = IR_ALU, .alu = (uint8_t)op, .width = width}, args,
                spec_alu_table[op].arity);
}

static ir_ref alu_imm(struct gen *g, enum spec_alu op, ir_ref x, uint64_t y)
{
    return alu(g, op, 64, x, constant(g, y));
}

static ir_ref some_alu(struct gen *g)
{
    const enum spec_alu op = (enum spec_alu)(1 + below(g, SPEC_ALU_COUNT - 1));
    uint8_t width = below(g, 2) ? 64 : 32;
    const ir_ref x = operand(g);

    if (!*spec_alu_table[op].verilog32)
        width = 64;
    return alu(g, op, width, x, operand(g));
}

static ir_ref some_compare(struct gen *g)
{
    const enum spec_alu op = (enum spec_alu)(SPEC_ALU_EQ + below(g, SPEC_ALU_COUNT - SPEC_ALU_EQ));
    const ir_ref x = g->slots[below(g, SLOTS)];

    return alu(g, op, below(g, 3) ? 64 : 32, x, operand(g));
}

/* --- memory ------------------------------------------------------------------------------- */

static ir_ref load_at(struct gen *g, enum ir_region region, ir_ref base, int32_t at, int32_t imm,
                      uint32_t size, bool swap)
{
    const struct ir_insn in = {.op = IR_LOAD,
                               .region = (uint8_t)region,
                               .size = (uint8_t)size,
                               .swap = swap,
                               .imm = (uint64_t)(int64_t)imm,
                               .off_min = at,
                               .off_max = at};

    return emit(g, in, &base, 1);
}

static void store_at(struct gen *g, enum ir_region region, ir_ref base, int32_t at, int32_t imm,
                     uint32_t size, bool swap, ir_ref v)
{
    const ir_ref args[2] = {base, v};
    const struct ir_insn in = {.op = IR_STORE,
                               .region = (uint8_t)region,
                               .size = (uint8_t)size,
                               .swap = swap,
                               .imm = (uint64_t)(int64_t)imm,
                               .off_min = at,
                               .off_max = at};

    emit(g, in, args, 2);
}

static ir_ref pkt_load(struct gen *g, uint32_t off, uint32_t size, bool swap)
{
    return load_at(g, IR_REGION_PKT, g->data, SPEC_PKT_BASE + (int32_t)off, (int32_t)off, size,
                   swap);
}

static void pkt_store(struct gen *g, uint32_t off, uint32_t size, bool swap, ir_ref v)
{
    store_at(g, IR_REGION_PKT, g->data, SPEC_PKT_BASE + (int32_t)off, (int32_t)off, size, swap, v);
}

static void some_packet_access(struct gen *g)
{
    const uint32_t size = 1u << below(g, 4);
    const uint32_t off = below(g, REACH - 8);

    if (below(g, 2))
        assign(g, pkt_load(g, off, size, below(g, 4) == 0));
    else
        pkt_store(g, off, size, below(g, 4) == 0, operand(g));
}

/* Bytes from memory put together by hand, in either order. */
static void some_assembly(struct gen *g)
{
    const uint32_t pieces = 2 + below(g, 3);
    const uint32_t size = 1 + below(g, 2);
    const uint32_t off = below(g, REACH - 16);
    const bool big = below(g, 2);
    ir_ref v = IR_NONE;

    for (uint32_t i = 0; i < pieces; i++) {
        const uint32_t shift = 8 * size * (big ? pieces - 1 - i : i);
        ir_ref part = pkt_load(g, off + i * size, size, big && size > 1);

        if (shift)
            part = alu_imm(g, SPEC_ALU_SHL, part, shift);
        v = v == IR_NONE ? part : alu(g, SPEC_ALU_OR, 64, v, part);
        if (below(g, 12) == 0)
            some_packet_access(g); /* perhaps in the way */
    }
    assign(g, v);
}

/* Copies and exchanges of addresses, piece by piece. */
static void some_copy(struct gen *g)
{
    const uint32_t size = 1u << below(g, 3);
    const uint32_t pieces = 2 + below(g, 3);
    const uint32_t from = below(g, REACH / 2);
    const uint32_t to = below(g, REACH / 2);
    const bool exchange = below(g, 2);
    const bool at_once = below(g, 2);
    ir_ref a[8];
    ir_ref b[8];

    for (uint32_t i = 0; i < pieces; i++) {
        a[i] = pkt_load(g, from + i * size, size, false);
        b[i] = exchange ? pkt_load(g, to + i * size, size, false) : a[i];
        if (!at_once)
            continue;
        pkt_store(g, to + i * size, size, false, a[i]);
        if (exchange)
            pkt_store(g, from + i * size, size, false, b[i]);
    }
    for (uint32_t i = 0; i < pieces && !at_once; i++) {
        pkt_store(g, to + i * size, size, false, a[i]);
        if (exchange)
            pkt_store(g, from + i * size, size, false, b[i]);
    }
}

static void some_stack_access(struct gen *g)
{
    const uint32_t size = 1u << below(g, 4);
    const int32_t off = (int32_t)below(g, STACK - 8);

    if (below(g, 6) == 0) {
        const ir_ref index = alu_imm(g, SPEC_ALU_AND, operand(g), 7);
        const struct ir_insn in = {.op = IR_LOAD,
                                   .region = IR_REGION_STACK,
                                   .size = 1,
                                   .imm = 16,
                                   .off_min = 16,
                                   .off_max = 23};

        assign(g, emit(g, in, &index, 1));
    } else if (below(g, 2)) {
        assign(g, load_at(g, IR_REGION_STACK, g->zero, off, off, size, below(g, 8) == 0));
    } else {
        store_at(g, IR_REGION_STACK, g->zero, off, off, size, below(g, 8) == 0, operand(g));
    }
}

static ir_ref map_access(struct gen *g, enum ir_op op, ir_ref p, uint32_t map, int32_t imm,
                         uint32_t size, ir_ref v)
{
    const ir_ref args[2] = {p, v};
    struct ir_insn in = {.op = (uint8_t)op,
                         .region = IR_REGION_MAP,
                         .size = (uint8_t)size,
                         .map = (uint16_t)map,
                         .imm = (uint64_t)(int64_t)imm};

    if (op == IR_ATOMIC) {
        in.atomic = (uint8_t)(1 + below(g, SPEC_ATOMIC_XCHG));
        in.fetch = true;
    }
    return emit(g, in, args, op == IR_LOAD ? 1 : 2);
}

/* A counter, an atomic, or any access to a 16-byte value. */
static void some_value_access(struct gen *g, ir_ref p, uint32_t map)
{
    const uint32_t size = below(g, 2) ? 8 : 4;
    const int32_t imm = (int32_t)below(g, 2) * 8;

    switch (below(g, 4)) {
    case 0:
        map_access(g, IR_STORE, p, map, imm, size,
                   alu(g, SPEC_ALU_ADD, 64, map_access(g, IR_LOAD, p, map, imm, size, IR_NONE),
                       operand(g)));
        break;
    case 1:
        assign(g, map_access(g, IR_ATOMIC, p, map, imm, size, operand(g)));
        break;
    case 2:
        assign(g, map_access(g, IR_LOAD, p, map, (int32_t)below(g, 8), 1u << below(g, 4), IR_NONE));
        break;
    default:
        map_access(g, IR_STORE, p, map, (int32_t)below(g, 8), 1u << below(g, 4), operand(g));
        break;
    }
}

static void some_array_access(struct gen *g)
{
    ir_ref p = constant(g, UINT64_C(1) << SPEC_MAPPTR_SHIFT);

    if (below(g, 2))
        p = alu(g, SPEC_ALU_ADD, 64, p,
                alu_imm(g, SPEC_ALU_SHL, alu_imm(g, SPEC_ALU_AND, operand(g), 3), 4));
    some_value_access(g, p, 0);
    some_value_access(g, p, 0);
}

/* --- control flow ------------------------------------------------------------------------- */

static void statements(struct gen *g, uint32_t n);

static void jump(struct gen *g, ir_block to)
{
    emit(g, (struct ir_insn){.op = IR_JMP}, NULL, 0);
    ir_edge(g->f, g->b, to);
}

static void branch(struct gen *g, ir_ref cond, ir_block yes, ir_block no)
{
    emit(g, (struct ir_insn){.op = IR_BR}, &cond, 1);
    ir_edge(g->f, g->b, yes);
    ir_edge(g->f, g->b, no);
}

static void finish(struct gen *g)
{
    const ir_ref args[4] = {g->slots[0], g->data, g->end, g->slots[1]};

    emit(g, (struct ir_insn){.op = IR_EXIT}, args, 4);
}

/* Goes on in `meet`, which two ways enter with these slots. */
static void meet_with(struct gen *g, ir_block meet, const ir_ref *first, const ir_ref *second)
{
    g->b = meet;
    for (uint32_t i = 0; i < SLOTS; i++) {
        const ir_ref args[2] = {first[i], second[i]};

        g->slots[i] =
            first[i] == second[i] ? first[i] : emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
    }
}

static void some_if(struct gen *g, ir_ref cond)
{
    const ir_block yes = ir_block_new(g->f);
    const ir_block no = ir_block_new(g->f);
    const ir_block meet = ir_block_new(g->f);
    ir_ref before[SLOTS];
    ir_ref first[SLOTS];

    memcpy(before, g->slots, sizeof(before));
    branch(g, cond, yes, no);
    g->b = yes;
    statements(g, below(g, 4));
    memcpy(first, g->slots, sizeof(first));
    jump(g, meet);
    memcpy(g->slots, before, sizeof(before));
    g->b = no;
    statements(g, below(g, 3));
    jump(g, meet);
    memcpy(before, g->slots, sizeof(before));
    meet_with(g, meet, first, before);
}

/* The packet must have so many bytes, else the program ends. */
static void some_check(struct gen *g)
{
    const ir_block fail = ir_block_new(g->f);
    const ir_block good = ir_block_new(g->f);
    const ir_ref want = alu_imm(g, SPEC_ALU_ADD, g->data, 14 + below(g, 30));

    branch(g, alu(g, SPEC_ALU_UGT, 64, want, g->end), fail, good);
    g->b = fail;
    finish(g);
    g->b = good;
}

/* What a helper may leave: an error code on one way, 0 on the other, tested at once or later. */
static void some_error_code(struct gen *g)
{
    const uint32_t slot = below(g, SLOTS);
    const ir_block fail = ir_block_new(g->f);
    const ir_block good = ir_block_new(g->f);
    const ir_block meet = ir_block_new(g->f);
    const ir_ref cond = some_compare(g);
    ir_ref first[SLOTS];
    ir_ref second[SLOTS];

    memcpy(first, g->slots, sizeof(first));
    memcpy(second, g->slots, sizeof(second));
    branch(g, cond, fail, good);
    g->b = fail;
    first[slot] = constant(g, (uint64_t)-22);
    jump(g, meet);
    g->b = good;
    second[slot] = constant(g, 0);
    second[(slot + 1) % SLOTS] = some_alu(g);
    jump(g, meet);
    meet_with(g, meet, first, second);
    if (below(g, 2))
        statements(g, 1);
    some_if(g, alu_imm(g, below(g, 2) ? SPEC_ALU_NE : SPEC_ALU_EQ, g->slots[slot], 0));
}

static void some_loop(struct gen *g)
{
    const uint32_t trips = 1 + below(g, 5);
    const ir_block head = ir_block_new(g->f);
    const ir_block out = ir_block_new(g->f);
    const ir_ref start = constant(g, 0);
    ir_ref phis[SLOTS + 1];
    ir_ref i;

    jump(g, head);
    g->b = head;
    g->f->blocks[head].trip_max = trips;
    for (uint32_t k = 0; k <= SLOTS; k++) {
        const ir_ref args[2] = {k < SLOTS ? g->slots[k] : start, IR_NONE};

        phis[k] = emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
        if (k < SLOTS)
            g->slots[k] = phis[k];
    }
    if (below(g, 2))
        assign(g, phis[SLOTS]);
    statements(g, 1 + below(g, 4));
    i = alu_imm(g, SPEC_ALU_ADD, phis[SLOTS], 1);
    branch(g, alu_imm(g, SPEC_ALU_UGT, i, trips), out, head);
    for (uint32_t k = 0; k <= SLOTS; k++)
        g->f->insns[phis[k]].args[1] = k < SLOTS ? g->slots[k] : i;
    g->b = out;
}

static void some_flow(struct gen *g)
{
    const ir_ref key = alu_imm(g, SPEC_ALU_AND, operand(g), 3);
    const ir_ref args[2] = {g->zero, key};
    const ir_ref update[6] = {g->zero, alu_imm(g, SPEC_ALU_AND, operand(g), 3), key, operand(g),
                              operand(g)};
    const ir_block hit = ir_block_new(g->f);
    const ir_block miss = ir_block_new(g->f);
    const ir_block meet = ir_block_new(g->f);
    const ir_ref p = emit(g, (struct ir_insn){.op = IR_MAP_LOOKUP, .map = 1}, args, 2);
    ir_ref first[SLOTS];
    ir_ref second[SLOTS];

    branch(g, below(g, 2) ? p : alu_imm(g, SPEC_ALU_NE, p, 0), hit, miss);
    memcpy(second, g->slots, sizeof(second));
    g->b = hit;
    some_value_access(g, p, 1);
    memcpy(first, g->slots, sizeof(first));
    jump(g, meet);
    memcpy(g->slots, second, sizeof(second));
    g->b = miss;
    if (below(g, 3) == 0)
        assign(g, emit(g, (struct ir_insn){.op = IR_MAP_DELETE, .map = 1}, args, 2));
    else
        assign(g, emit(g, (struct ir_insn){.op = IR_MAP_UPDATE, .map = 1}, update, 5));
    memcpy(second, g->slots, sizeof(second));
    jump(g, meet);
    meet_with(g, meet, first, second);
}

static void some_zero(struct gen *g)
{
    const ir_ref from = alu_imm(g, SPEC_ALU_ADD, g->data, below(g, 40));
    const ir_ref args[2] = {from, alu_imm(g, SPEC_ALU_ADD, from, below(g, 3) ? below(g, 9) : 0)};

    emit(g, (struct ir_insn){.op = IR_PKT_ZERO}, args, 2);
}

static void some_select(struct gen *g)
{
    const ir_ref args[3] = {below(g, 2) ? some_compare(g) : operand(g), operand(g), operand(g)};

    assign(g, emit(g, (struct ir_insn){.op = IR_SELECT}, args, 3));
}

static void control_statement(struct gen *g)
{
    g->depth++;
    switch (below(g, 5)) {
    case 0:
        some_if(g, some_compare(g));
        break;
    case 1:
        some_check(g);
        break;
    case 2:
        some_error_code(g);
        break;
    case 3:
        some_loop(g);
        break;
    default:
        some_flow(g);
        break;
    }
    g->depth--;
}

static void statements(struct gen *g, uint32_t n)
{
    for (; n && g->left; n--) {
        g->left--;
        switch (below(g, g->depth < DEPTH ? 13 : 9)) {
        case 0:
        case 1:
        case 2:
            assign(g, some_alu(g));
            break;
        case 3:
            some_packet_access(g);
            break;
        case 4:
            some_stack_access(g);
            break;
        case 5:
            some_array_access(g);
            break;
        case 6:
            some_select(g);
            break;
        case 7:
            if (below(g, 4) == 0)
                some_zero(g);
            else
                some_copy(g);
            break;
        case 8:
            some_assembly(g);
            break;
        default:
            control_statement(g);
            break;
        }
    }
}

struct ir_func *random_ir(struct arena *arena, uint64_t seed, uint32_t n)
{
    struct gen g = {.f = ir_func_new(arena, "random"), .seed = seed, .left = n};
    const struct ir_insn len = {.op = IR_INPUT, .imm = SPEC_IN_LEN};

    g.f->maps = arena_array(arena, 2, sizeof(*g.f->maps));
    g.f->maps[0] = (struct ir_map){.name = "array",
                                   .type = SPEC_MAP_ARRAY,
                                   .key_bytes = 4,
                                   .value_bytes = 16,
                                   .max_entries = 8,
                                   .engine = SPEC_ENGINE_VMEM,
                                   .cpus = 1,
                                   .stride_bytes = 16};
    g.f->maps[1] = (struct ir_map){.name = "hash",
                                   .type = SPEC_MAP_HASH,
                                   .key_bytes = 8,
                                   .value_bytes = 16,
                                   .max_entries = 3,
                                   .engine = SPEC_ENGINE_HASH,
                                   .cpus = 1,
                                   .stride_bytes = 16};
    g.f->map_count = 2;
    g.f->stack_bytes = STACK;
    g.b = ir_block_new(g.f);
    g.zero = constant(&g, 0);
    g.data = constant(&g, SPEC_PKT_BASE);
    g.end = alu(&g, SPEC_ALU_ADD, 64, g.data, emit(&g, len, NULL, 0));
    for (uint32_t i = 0; i < SLOTS; i++)
        g.slots[i] = i < SPEC_IN_COUNT
                         ? emit(&g, (struct ir_insn){.op = IR_INPUT, .imm = i}, NULL, 0)
                         : pkt_load(&g, i, 1u << (i % 4), false);
    while (g.left)
        statements(&g, g.left);
    finish(&g);
    ir_compact(g.f);
    return g.f;
}

int random_ir_run(const struct ir_func *f, struct soft_maps *maps, uint64_t seed,
                  struct ir_run *run, uint8_t *buf, struct arena *scratch)
{
    const struct ir_maps_ops ops = soft_maps_ops(maps);
    const uint32_t len =
        SPEC_PKT_MIN_BYTES + (uint32_t)(soft_random(&seed) % (MAX_PACKET - SPEC_PKT_MIN_BYTES));
    const bool few = soft_random(&seed) % 2; /* small numbers make branches go both ways */

    memset(buf, 0, SPEC_PKT_JUMBO_END);
    for (uint32_t i = 0; i < len; i++)
        buf[SPEC_PKT_BASE + i] = (uint8_t)(soft_random(&seed) % (few ? 3 : 256));
    *run = (struct ir_run){.buf = buf, .steps = 1000000};
    run->inputs[SPEC_IN_TIME] = soft_random(&seed);
    run->inputs[SPEC_IN_RAND] = 1 + soft_random(&seed) % UINT32_MAX;
    run->inputs[SPEC_IN_IFINDEX] = soft_random(&seed) % 8;
    run->inputs[SPEC_IN_QUEUE] = soft_random(&seed) % SPEC_QUEUES;
    run->inputs[SPEC_IN_LEN] = len;
    return ir_eval(f, &ops, run, scratch);
}

struct ir_func *random_ir_copy(const struct ir_func *f, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *copy = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    ir_print(out, f);
    fclose(out);
    if (ir_parse(arena_strdup(arena, text), arena, &sink, &copy))
        copy = NULL;
    free(text);
    return copy;
}

static bool same_packet(const struct ir_run *a, const struct ir_run *b, char *why, size_t bytes)
{
    if (a->ret != b->ret || a->data != b->data || a->data_end != b->data_end ||
        a->redirect != b->redirect) {
        snprintf(why, bytes, "ret %u/%u data %llu/%llu end %llu/%llu redirect %llx/%llx", a->ret,
                 b->ret, (unsigned long long)a->data, (unsigned long long)b->data,
                 (unsigned long long)a->data_end, (unsigned long long)b->data_end,
                 (unsigned long long)a->redirect, (unsigned long long)b->redirect);
        return false;
    }
    for (uint64_t i = a->data; i < a->data_end; i++) {
        if (a->buf[i] == b->buf[i])
            continue;
        snprintf(why, bytes, "packet byte %llu", (unsigned long long)(i - a->data));
        return false;
    }
    return true;
}

bool random_ir_same(const struct ir_func *a, const struct ir_func *b, uint64_t seed,
                    uint32_t packets, char *why, size_t why_bytes)
{
    struct soft_maps maps_a;
    struct soft_maps maps_b;
    uint8_t *buf_a = malloc(SPEC_PKT_JUMBO_END);
    uint8_t *buf_b = malloc(SPEC_PKT_JUMBO_END);
    struct arena *scratch = arena_open();
    bool same = buf_a && buf_b && scratch && !soft_maps_open(&maps_a, a->maps, a->map_count) &&
                !soft_maps_open(&maps_b, b->maps, b->map_count);
    uint32_t map;

    for (uint32_t i = 0; same && i < packets; i++) {
        struct ir_run run_a;
        struct ir_run run_b;
        const int err_a = random_ir_run(a, &maps_a, seed + i, &run_a, buf_a, scratch);
        const int err_b = random_ir_run(b, &maps_b, seed + i, &run_b, buf_b, scratch);

        if (err_a || err_b) {
            snprintf(why, why_bytes, "packet %u: error %d, %d", i, err_a, err_b);
            same = false;
        } else {
            same = same_packet(&run_a, &run_b, why, why_bytes);
        }
        arena_reset(scratch);
    }
    if (same && !soft_maps_equal(&maps_a, &maps_b, &map)) {
        snprintf(why, why_bytes, "contents of map %u", map);
        same = false;
    }
    soft_maps_close(&maps_a);
    soft_maps_close(&maps_b);
    arena_close(scratch);
    free(buf_a);
    free(buf_b);
    return same;
}
