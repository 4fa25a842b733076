/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random.h"
#include "tests/common/random_ir_gen.h"

#include <string.h>

uint32_t gen_below(struct gen *g, uint32_t n)
{
    return (uint32_t)(random_next(&g->seed) % n);
}

ir_ref gen_emit(struct gen *g, struct ir_insn in, const ir_ref *args, uint32_t n)
{
    in.pc = IR_NO_PC;
    return ir_append(g->f, g->b, in, args, n);
}

ir_ref gen_constant(struct gen *g, uint64_t v)
{
    return gen_emit(g, (struct ir_insn){.op = IR_CONST, .imm = v}, NULL, 0);
}

static ir_ref gen_some_constant(struct gen *g)
{
    static const uint64_t usual[] = {
        0,    1,      2,          7,          8,          16,     24,
        0xff, 0xffff, 0xffffffff, UINT64_MAX, 0x80000000, 0x8000, (uint64_t)-14};

    if (gen_below(g, 3) == 0)
        return gen_constant(g, random_next(&g->seed) >> gen_below(g, 64));
    return gen_constant(g, usual[gen_below(g, sizeof(usual) / sizeof(*usual))]);
}

ir_ref gen_operand(struct gen *g)
{
    return gen_below(g, 3) ? g->slots[gen_below(g, SLOTS)] : gen_some_constant(g);
}

void gen_assign(struct gen *g, ir_ref v)
{
    g->slots[gen_below(g, SLOTS)] = v;
}

ir_ref gen_alu(struct gen *g, enum spec_alu op, uint8_t width, ir_ref x, ir_ref y)
{
    const ir_ref args[2] = {x, y};

    return gen_emit(g, (struct ir_insn){.op = IR_ALU, .alu = (uint8_t)op, .width = width}, args,
                    spec_alu_table[op].arity);
}

ir_ref gen_alu_imm(struct gen *g, enum spec_alu op, ir_ref x, uint64_t y)
{
    return gen_alu(g, op, 64, x, gen_constant(g, y));
}

static ir_ref some_alu(struct gen *g)
{
    const enum spec_alu op = (enum spec_alu)(1 + gen_below(g, SPEC_ALU_COUNT - 1));
    uint8_t width = gen_below(g, 2) ? 64 : 32;
    const ir_ref x = gen_operand(g);

    if (!*spec_alu_table[op].verilog32)
        width = 64;
    return gen_alu(g, op, width, x, gen_operand(g));
}

static ir_ref some_compare(struct gen *g)
{
    const enum spec_alu op =
        (enum spec_alu)(SPEC_ALU_EQ + gen_below(g, SPEC_ALU_COUNT - SPEC_ALU_EQ));
    const ir_ref x = g->slots[gen_below(g, SLOTS)];

    return gen_alu(g, op, gen_below(g, 3) ? 64 : 32, x, gen_operand(g));
}

/* --- control flow ------------------------------------------------------------------------- */

static void statements(struct gen *g, uint32_t n);

static void jump(struct gen *g, ir_block to)
{
    gen_emit(g, (struct ir_insn){.op = IR_JMP}, NULL, 0);
    ir_edge(g->f, g->b, to);
}

static void branch(struct gen *g, ir_ref cond, ir_block yes, ir_block no)
{
    gen_emit(g, (struct ir_insn){.op = IR_BR}, &cond, 1);
    ir_edge(g->f, g->b, yes);
    ir_edge(g->f, g->b, no);
}

static void finish(struct gen *g)
{
    const ir_ref args[4] = {g->slots[0], g->data, g->end, g->slots[1]};

    gen_emit(g, (struct ir_insn){.op = IR_EXIT}, args, 4);
}

/* Goes on in `meet`, which two ways enter with these slots. */
static void meet_with(struct gen *g, ir_block meet, const ir_ref *first, const ir_ref *second)
{
    g->b = meet;
    for (uint32_t i = 0; i < SLOTS; i++) {
        const ir_ref args[2] = {first[i], second[i]};

        g->slots[i] =
            first[i] == second[i] ? first[i] : gen_emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
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
    statements(g, gen_below(g, 4));
    memcpy(first, g->slots, sizeof(first));
    jump(g, meet);
    memcpy(g->slots, before, sizeof(before));
    g->b = no;
    statements(g, gen_below(g, 3));
    jump(g, meet);
    memcpy(before, g->slots, sizeof(before));
    meet_with(g, meet, first, before);
}

/* The packet must have so many bytes, else the program ends. */
static void some_check(struct gen *g)
{
    const ir_block fail = ir_block_new(g->f);
    const ir_block good = ir_block_new(g->f);
    const ir_ref want = gen_alu_imm(g, SPEC_ALU_ADD, g->data, 14 + gen_below(g, 30));

    branch(g, gen_alu(g, SPEC_ALU_UGT, 64, want, g->end), fail, good);
    g->b = fail;
    finish(g);
    g->b = good;
}

/* What a helper may leave: an error code on one way, 0 on the other, tested at once or later. */
static void some_error_code(struct gen *g)
{
    const uint32_t slot = gen_below(g, SLOTS);
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
    first[slot] = gen_constant(g, (uint64_t)-22);
    jump(g, meet);
    g->b = good;
    second[slot] = gen_constant(g, 0);
    second[(slot + 1) % SLOTS] = some_alu(g);
    jump(g, meet);
    meet_with(g, meet, first, second);
    if (gen_below(g, 2))
        statements(g, 1);
    some_if(g, gen_alu_imm(g, gen_below(g, 2) ? SPEC_ALU_NE : SPEC_ALU_EQ, g->slots[slot], 0));
}

static void some_loop(struct gen *g)
{
    const uint32_t trips = 1 + gen_below(g, 5);
    const ir_block head = ir_block_new(g->f);
    const ir_block out = ir_block_new(g->f);
    const ir_ref start = gen_constant(g, 0);
    ir_ref phis[SLOTS + 1];
    ir_ref i;

    jump(g, head);
    g->b = head;
    g->f->blocks[head].trip_max = trips;
    for (uint32_t k = 0; k <= SLOTS; k++) {
        const ir_ref args[2] = {k < SLOTS ? g->slots[k] : start, IR_NONE};

        phis[k] = gen_emit(g, (struct ir_insn){.op = IR_PHI}, args, 2);
        if (k < SLOTS)
            g->slots[k] = phis[k];
    }
    if (gen_below(g, 2))
        gen_assign(g, phis[SLOTS]);
    statements(g, 1 + gen_below(g, 4));
    i = gen_alu_imm(g, SPEC_ALU_ADD, phis[SLOTS], 1);
    branch(g, gen_alu_imm(g, SPEC_ALU_UGT, i, trips), out, head);
    for (uint32_t k = 0; k <= SLOTS; k++)
        g->f->insns[phis[k]].args[1] = k < SLOTS ? g->slots[k] : i;
    g->b = out;
}

static void some_flow(struct gen *g)
{
    const ir_ref key = gen_alu_imm(g, SPEC_ALU_AND, gen_operand(g), 3);
    const ir_ref args[2] = {g->zero, key};
    const ir_ref update[6] = {g->zero, gen_alu_imm(g, SPEC_ALU_AND, gen_operand(g), 3), key,
                              gen_operand(g), gen_operand(g)};
    const ir_block hit = ir_block_new(g->f);
    const ir_block miss = ir_block_new(g->f);
    const ir_block meet = ir_block_new(g->f);
    const ir_ref p = gen_emit(g, (struct ir_insn){.op = g->lookup, .map = 1}, args, 2);
    ir_ref first[SLOTS];
    ir_ref second[SLOTS];

    branch(g, gen_below(g, 2) ? p : gen_alu_imm(g, SPEC_ALU_NE, p, 0), hit, miss);
    memcpy(second, g->slots, sizeof(second));
    g->b = hit;
    gen_value_access(g, p, 1);
    memcpy(first, g->slots, sizeof(first));
    jump(g, meet);
    memcpy(g->slots, second, sizeof(second));
    g->b = miss;
    if (gen_below(g, 3) == 0)
        gen_assign(g, gen_emit(g, (struct ir_insn){.op = IR_MAP_DELETE, .map = 1}, args, 2));
    else
        gen_assign(g, gen_emit(g, (struct ir_insn){.op = IR_MAP_UPDATE, .map = 1}, update, 5));
    memcpy(second, g->slots, sizeof(second));
    jump(g, meet);
    meet_with(g, meet, first, second);
}

static void some_zero(struct gen *g)
{
    const ir_ref from = gen_alu_imm(g, SPEC_ALU_ADD, g->data, gen_below(g, 40));
    const ir_ref args[2] = {
        from, gen_alu_imm(g, SPEC_ALU_ADD, from, gen_below(g, 3) ? gen_below(g, 9) : 0)};

    gen_emit(g, (struct ir_insn){.op = IR_PKT_ZERO}, args, 2);
}

static void some_select(struct gen *g)
{
    const ir_ref args[3] = {gen_below(g, 2) ? some_compare(g) : gen_operand(g), gen_operand(g),
                            gen_operand(g)};

    gen_assign(g, gen_emit(g, (struct ir_insn){.op = IR_SELECT}, args, 3));
}

static void control_statement(struct gen *g)
{
    g->depth++;
    switch (gen_below(g, 5)) {
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
        switch (gen_below(g, g->depth < DEPTH ? 13 : 9)) {
        case 0:
        case 1:
        case 2:
            gen_assign(g, some_alu(g));
            break;
        case 3:
            gen_packet_access(g);
            break;
        case 4:
            gen_stack_access(g);
            break;
        case 5:
            gen_array_access(g);
            break;
        case 6:
            some_select(g);
            break;
        case 7:
            if (gen_below(g, 4) == 0)
                some_zero(g);
            else
                gen_copy(g);
            break;
        case 8:
            gen_assembly(g);
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
    const bool lru = seed % 3 == 0; /* of 3 entries, for 4 keys */

    g.f->maps = arena_array(arena, 2, sizeof(*g.f->maps));
    g.f->maps[0] = (struct ir_map){.name = "array",
                                   .type = SPEC_MAP_ARRAY,
                                   .key_bytes = 4,
                                   .value_bytes = 16,
                                   .max_entries = 8,
                                   .engine = SPEC_ENGINE_VMEM,
                                   .cpus = 1,
                                   .stride_bytes = 16};
    g.lookup = lru ? IR_MAP_USE : IR_MAP_LOOKUP;
    g.f->maps[1] = (struct ir_map){.name = lru ? "lru" : "hash",
                                   .type = lru ? SPEC_MAP_LRU_HASH : SPEC_MAP_HASH,
                                   .key_bytes = 8,
                                   .value_bytes = 16,
                                   .max_entries = 3,
                                   .engine = lru ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH,
                                   .cpus = 1,
                                   .stride_bytes = 16};
    g.f->map_count = 2;
    g.f->stack_bytes = STACK;
    g.b = ir_block_new(g.f);
    g.zero = gen_constant(&g, 0);
    g.data = gen_constant(&g, SPEC_PKT_BASE);
    g.end = gen_alu(&g, SPEC_ALU_ADD, 64, g.data, gen_emit(&g, len, NULL, 0));
    for (uint32_t i = 0; i < SLOTS; i++)
        g.slots[i] = i < SPEC_IN_COUNT
                         ? gen_emit(&g, (struct ir_insn){.op = IR_INPUT, .imm = i}, NULL, 0)
                         : gen_pkt_load(&g, i, 1u << (i % 4), false);
    while (g.left)
        statements(&g, g.left);
    finish(&g);
    ir_compact(g.f);
    return g.f;
}
