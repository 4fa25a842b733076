/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"
#include "tests/common/insn.h"
#include "tests/common/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The facts against runs: random programs with branches, loops, spills, offsets from the packet and
 * functions are verified, then run here instruction by instruction, and each step must be as the
 * facts say. Pruning is what this is about: paths that end early must have been counted in.
 *
 * VERIFY_PROGRAMS sets how many programs, VERIFY_SEED the first. */

enum {
    PROGRAMS = 1500,
    PACKETS = 24,
    INSNS_MAX = 1500,
    HOLES_MAX = 64,
    PKT_BYTES = 96,
    CHECKED_BYTES = 64, /* that programs find to be there */
    SLOTS = 6,          /* of the stack, initialised at the start */
    STEPS_MAX = 100000,
    DEPTH_MAX = 3,
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    return random_below(&seed, n);
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* ---- programs ---- */

struct code {
    struct ebpf_insn insns[INSNS_MAX];
    uint32_t count;
    struct load_subprog subprogs[3];
    uint32_t subprog_count;
    uint32_t calls[HOLES_MAX]; /* that wait for functions */
    uint32_t call_count;
    bool in_function;
};

static void put(struct code *c, struct ebpf_insn i)
{
    assert_true(c->count < INSNS_MAX);
    c->insns[c->count++] = i;
}

/* Numbers live in r0 to r5 and r9; r6 is the context, r7 the packet, r8 a scratch pointer. */
static int any_reg(void)
{
    static const int regs[] = {0, 1, 2, 3, 4, 5, 9};

    return regs[below(7)];
}

static int32_t any_imm(void)
{
    static const int32_t some[] = {0,   1,   2,     3,  7,  8,    15,        64,
                                   255, 256, 65535, -1, -2, -256, INT32_MAX, INT32_MIN};

    return below(4) ? some[below(16)] : (int32_t)below(UINT32_MAX);
}

static int slot_off(void)
{
    return -8 * (int)(1 + below(SLOTS));
}

static void put_alu(struct code *c)
{
    static const int codes[] = {EBPF_ALU_ADD, EBPF_ALU_SUB, EBPF_ALU_MUL, EBPF_ALU_OR,
                                EBPF_ALU_AND, EBPF_ALU_XOR, EBPF_ALU_ADD, EBPF_ALU_AND,
                                EBPF_ALU_MOV, EBPF_ALU_MOV};
    const int class = below(2) ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;

    switch (below(6)) {
    case 0:
        put(c, insn(class | (below(2) ? EBPF_ALU_RSH : EBPF_ALU_LSH), any_reg(), 0, 0,
                    (int)below(32)));
        break;
    case 1:
        put(c, insn(class | EBPF_ALU_NEG, any_reg(), 0, 0, 0));
        break;
    case 2:
    case 3:
        put(c, insn(class | codes[below(10)], any_reg(), 0, 0, any_imm()));
        break;
    default:
        put(c, insn(class | codes[below(10)] | EBPF_SRC_X, any_reg(), any_reg(), 0, 0));
        break;
    }
}

static void put_memory(struct code *c)
{
    static const int sizes[] = {EBPF_SIZE_B, EBPF_SIZE_H, EBPF_SIZE_W, EBPF_SIZE_DW};
    const int reg = any_reg();

    switch (below(c->in_function ? 4 : 7)) {
    case 0:
    case 1:
        put(c, STX(DW, 10, slot_off(), reg));
        break;
    case 2:
        put(c, insn(EBPF_CLASS_LDX | EBPF_MODE_MEM | sizes[below(4)], reg, 10, slot_off(), 0));
        break;
    case 3: /* one of several places on the stack */
        put(c, ALU64_K(AND, reg, 7));
        put(c, MOV_X(8, 10));
        put(c, ALU64_X(ADD, 8, reg));
        put(c, below(2) ? STX(B, 8, -8 * SLOTS, any_reg()) : LDX(B, any_reg(), 8, -8 * SLOTS));
        break;
    case 4: /* one of several places in the packet */
        put(c, ALU64_K(AND, reg, 15));
        put(c, MOV_X(8, 7));
        put(c, ALU64_X(ADD, 8, reg));
        put(c, LDX(B, any_reg(), 8, (int)below(48)));
        break;
    default:
        put(c, insn(EBPF_CLASS_LDX | EBPF_MODE_MEM | sizes[below(4)], reg, 7,
                    (int)below(CHECKED_BYTES - 8), 0));
        break;
    }
}

static void put_statements(struct code *c, uint32_t depth);

static void put_branch(struct code *c, uint32_t depth)
{
    static const int codes[] = {EBPF_JMP_JEQ,  EBPF_JMP_JNE,  EBPF_JMP_JGT, EBPF_JMP_JLT,
                                EBPF_JMP_JSGE, EBPF_JMP_JSLE, EBPF_JMP_JSET};
    const int class = below(3) ? EBPF_CLASS_JMP : EBPF_CLASS_JMP32;
    const uint32_t at = c->count;

    if (below(3))
        put(c, insn(class | codes[below(7)], any_reg(), 0, 0, any_imm()));
    else
        put(c, insn(class | codes[below(7)] | EBPF_SRC_X, any_reg(), any_reg(), 0, 0));
    put_statements(c, depth + 1);
    if (below(2)) {
        const uint32_t over = c->count;

        put(c, GOTO(0));
        c->insns[at].off = (int16_t)(c->count - at - 1);
        put_statements(c, depth + 1);
        c->insns[over].off = (int16_t)(c->count - over - 1);
    } else {
        c->insns[at].off = (int16_t)(c->count - at - 1);
    }
}

/* Counts in a slot of its own, so that the body may do anything. */
static void put_loop(struct code *c, uint32_t depth)
{
    const int slot = -8 * (int)(SLOTS + 1 + depth);
    uint32_t start;

    put(c, ST(DW, 10, slot, 0));
    start = c->count;
    put_statements(c, depth + 1);
    put(c, LDX(DW, 5, 10, slot));
    put(c, ALU64_K(ADD, 5, 1));
    put(c, STX(DW, 10, slot, 5));
    put(c, JMP_K(JLT, 5, 2 + (int)below(3), (int)start - (int)c->count - 1));
}

static void put_call(struct code *c)
{
    if (c->in_function || c->call_count == HOLES_MAX)
        return;
    c->calls[c->call_count++] = c->count;
    put(c, CALL_FUNC((int)below(2)));
    for (int r = 1; r <= 5; r++)
        put(c, MOV_K(r, r));
}

static void put_statements(struct code *c, uint32_t depth)
{
    const uint32_t n = 1 + below(4);

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t kind = below(16);

        if (kind < 6 || c->count > INSNS_MAX / 2)
            put_alu(c);
        else if (kind < 10)
            put_memory(c);
        else if (kind < 13 && depth < DEPTH_MAX)
            put_branch(c, depth);
        else if (kind < 15 && depth < DEPTH_MAX - 1)
            put_loop(c, depth);
        else
            put_call(c);
    }
}

static void begin_subprog(struct code *c, const char *name)
{
    c->subprogs[c->subprog_count++] = (struct load_subprog){.name = name, .start = c->count};
    for (int i = 1; i <= SLOTS; i++)
        put(c, ST(DW, 10, -8 * i, i == 3 ? 0 : i));
}

static void end_subprog(struct code *c)
{
    struct load_subprog *s = &c->subprogs[c->subprog_count - 1];

    put(c, EXIT());
    s->count = c->count - s->start;
}

static void put_function(struct code *c, const char *name)
{
    begin_subprog(c, name);
    for (int r = 0; r <= 9; r++)
        if (r == 0 || r > 2)
            put(c, MOV_K(r, r));
    put_statements(c, 1);
    end_subprog(c);
}

static void generate(struct code *c)
{
    bool used[2] = {false, false};
    uint32_t starts[2] = {0, 0};

    memset(c, 0, sizeof(*c));
    begin_subprog(c, "entry");
    put(c, MOV_X(6, 1));
    put(c, LDX(W, 7, 6, SPEC_CTX_DATA));
    put(c, LDX(W, 8, 6, SPEC_CTX_DATA_END));
    put(c, MOV_X(0, 7));
    put(c, ALU64_K(ADD, 0, CHECKED_BYTES));
    put(c, JMP_X(JGT, 0, 8, 0)); /* to the end, set below */
    const uint32_t leave = c->count - 1;

    for (int r = 0; r <= 5; r++)
        put(c, MOV_K(r, any_imm()));
    put(c, LDX(B, 9, 7, 0));
    for (int i = 0; i < 4; i++)
        put_statements(c, 0);
    c->insns[leave].off = (int16_t)(c->count - leave - 1);
    put(c, MOV_K(0, 2));
    end_subprog(c);
    for (uint32_t i = 0; i < c->call_count; i++)
        used[c->insns[c->calls[i]].imm] = true;
    c->in_function = true;
    for (int f = 0; f < 2; f++) {
        if (!used[f])
            continue;
        starts[f] = c->count;
        put_function(c, f ? "second" : "first");
    }
    for (uint32_t i = 0; i < c->call_count; i++) {
        struct ebpf_insn *call = &c->insns[c->calls[i]];

        call->imm = (int32_t)(starts[call->imm] - c->calls[i] - 1);
    }
}

/* ---- runs ---- */

struct run {
    const struct load_prog *prog;
    const struct verify_result *facts;
    uint64_t r[EBPF_REGS];
    uint64_t saved[2][5]; /* r6 to r9 and where to return to */
    uint32_t context;
    uint32_t depth;
    uint32_t pc;
    uint32_t entered[INSNS_MAX];
    uint8_t ctx[32];
    uint8_t packet[PKT_BYTES];
    uint8_t stack[2][SPEC_STACK_BYTES];
};

static const struct verify_fact *fact_at(const struct run *run, uint32_t pc)
{
    const struct verify_context *c = &run->facts->contexts[run->context];

    return &c->facts[pc - run->prog->subprogs[c->subprog].start];
}

static uint64_t frame_pointer(struct run *run, uint32_t depth)
{
    return (uint64_t)(uintptr_t)(run->stack[depth] + SPEC_STACK_BYTES);
}

/* The value of an arithmetic instruction; byte swaps are not generated. */
static uint64_t compute(const struct run *run, const struct ebpf_insn *i)
{
    const uint32_t width = ebpf_is_alu64(i) ? 64 : 32;
    const uint64_t b = ebpf_src_is_reg(i) ? run->r[i->src] : (uint64_t)(int64_t)i->imm;

    if (ebpf_code_of(i) == EBPF_ALU_NEG)
        return width == 64 ? 0 - run->r[i->dst] : (uint32_t)(0 - run->r[i->dst]);
    if (ebpf_code_of(i) == EBPF_ALU_MOV)
        return width == 64 ? b : (uint32_t)b;
    return spec_alu_eval((enum spec_alu)ebpf_alu_row(i)->alu, width, run->r[i->dst], b);
}

static bool compare(const struct run *run, const struct ebpf_insn *i)
{
    const uint64_t b = ebpf_src_is_reg(i) ? run->r[i->src] : (uint64_t)(int64_t)i->imm;

    return spec_alu_eval((enum spec_alu)ebpf_jmp_row(i)->alu,
                         ebpf_class_of(i) == EBPF_CLASS_JMP ? 64 : 32, run->r[i->dst], b) != 0;
}

/* The address lies where the facts say. */
static void check_access(struct run *run, const struct verify_pointer *p, uint64_t address)
{
    int64_t off = 0;

    switch ((enum verify_region)p->region) {
    case VERIFY_REGION_PKT:
        off = (int64_t)(address - (uint64_t)(uintptr_t)run->packet);
        break;
    case VERIFY_REGION_STACK:
        assert_int_equal(p->frame, run->depth);
        off = (int64_t)(address - frame_pointer(run, p->frame));
        break;
    case VERIFY_REGION_CTX:
        off = (int64_t)(address - (uint64_t)(uintptr_t)run->ctx);
        break;
    default:
        fail_msg("no region at instruction %u", run->pc);
    }
    if (off < p->off_min || off > p->off_max)
        fail_msg("instruction %u goes to offset %lld, not %d to %d", run->pc, (long long)off,
                 p->off_min, p->off_max);
}

static void load(struct run *run, const struct ebpf_insn *i)
{
    const uint64_t address = run->r[i->src] + (uint64_t)(int64_t)i->off;
    const struct verify_pointer *p = &fact_at(run, run->pc)->access;

    check_access(run, p, address);
    if (p->region == VERIFY_REGION_CTX) {
        run->r[i->dst] =
            (uint64_t)(uintptr_t)run->packet + (i->off == SPEC_CTX_DATA_END ? PKT_BYTES : 0);
        return;
    }
    run->r[i->dst] = 0;
    memcpy(&run->r[i->dst], (const void *)(uintptr_t)address, ebpf_size_bytes(i->opcode));
}

static void store(struct run *run, const struct ebpf_insn *i)
{
    const uint64_t address = run->r[i->dst] + (uint64_t)(int64_t)i->off;
    const uint64_t value =
        ebpf_class_of(i) == EBPF_CLASS_ST ? (uint64_t)(int64_t)i->imm : run->r[i->src];

    check_access(run, &fact_at(run, run->pc)->access, address);
    memcpy((void *)(uintptr_t)address, &value, ebpf_size_bytes(i->opcode));
}

static void call(struct run *run, const struct ebpf_insn *i)
{
    memcpy(run->saved[run->depth], &run->r[6], 4 * sizeof(run->r[0]));
    run->saved[run->depth][4] = run->pc + 1;
    run->context =
        verify_context_of_call(run->facts, run->context, run->pc,
                               load_subprog_of(run->prog, (uint32_t)ebpf_target(i, run->pc)));
    assert_true(run->context < run->facts->context_count);
    run->depth++;
    run->r[EBPF_REG_FP] = frame_pointer(run, run->depth);
    run->pc = (uint32_t)ebpf_target(i, run->pc);
}

static bool leave(struct run *run)
{
    if (run->depth == 0)
        return false;
    run->depth--;
    memcpy(&run->r[6], run->saved[run->depth], 4 * sizeof(run->r[0]));
    run->r[EBPF_REG_FP] = frame_pointer(run, run->depth);
    run->pc = (uint32_t)run->saved[run->depth][4];
    run->context = run->facts->contexts[run->context].parent;
    return true;
}

/* One instruction; false at the program's end. */
static bool step(struct run *run)
{
    const struct ebpf_insn *i = &run->prog->insns[run->pc];
    const struct verify_fact *fact = fact_at(run, run->pc);

    assert_true(fact->reached);
    run->entered[run->pc]++;
    if (ebpf_is_alu(i)) {
        run->r[i->dst] = compute(run, i);
        if (fact->dst_const && fact->dst_value != run->r[i->dst])
            fail_msg("instruction %u gives %llx, not always %llx", run->pc,
                     (unsigned long long)run->r[i->dst], (unsigned long long)fact->dst_value);
    } else if (ebpf_is_load(i)) {
        load(run, i);
    } else if (ebpf_is_store(i)) {
        store(run, i);
    } else if (ebpf_is_call(i)) {
        call(run, i);
        return true;
    } else if (ebpf_is_exit(i)) {
        return leave(run);
    } else if (ebpf_is_goto(i) || compare(run, i)) {
        assert_true(ebpf_is_goto(i) || fact->jumps);
        run->pc = (uint32_t)ebpf_target(i, run->pc);
        return true;
    } else {
        assert_true(fact->falls_through);
    }
    run->pc++;
    return true;
}

static void run_packet(struct run *run)
{
    uint32_t steps = 0;

    memset(run->entered, 0, sizeof(run->entered));
    run->pc = run->depth = run->context = 0;
    run->r[1] = (uint64_t)(uintptr_t)run->ctx;
    run->r[EBPF_REG_FP] = frame_pointer(run, 0);
    for (int i = 0; i < PKT_BYTES; i++)
        run->packet[i] = (uint8_t)(below(3) ? below(3) : below(256));
    while (step(run))
        assert_true(++steps < STEPS_MAX);
    for (uint32_t i = 0; i < run->prog->insn_count; i++)
        if (run->facts->trip_max[i] && run->entered[i] > run->facts->trip_max[i])
            fail_msg("the loop at instruction %u goes round %u times, not %u", i, run->entered[i],
                     run->facts->trip_max[i]);
}

static const char *listing(const struct code *c, struct arena *arena)
{
    const char *text = "";
    char line[128];

    for (uint32_t i = 0; i < c->count;
         i += ebpf_disasm(c->insns, c->count, i, NULL, line, sizeof(line))) {
        ebpf_disasm(c->insns, c->count, i, NULL, line, sizeof(line));
        text = arena_printf(arena, "%s%4u: %s\n", text, i, line);
    }
    return text;
}

/* Loops show in trip_max. */
static uint32_t count_loops(const struct load_prog *prog, const struct verify_result *facts)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < prog->insn_count; i++)
        n += facts->trip_max[i] > 1;
    return n;
}

struct tally {
    uint32_t accepted, loops, constants;
};

static void try_program(uint64_t number, struct tally *t)
{
    static struct code c;
    static struct run run;
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct load_prog prog = {.name = "random", .section = "xdp"};
    const struct load_object object = {
        .path = "random", .license = "GPL", .progs = &prog, .prog_count = 1};
    const struct verify_result *facts;

    seed = number;
    generate(&c);
    prog.insns = c.insns;
    prog.insn_count = c.count;
    prog.subprogs = c.subprogs;
    prog.subprog_count = c.subprog_count;
    if (getenv("VERIFY_SHOW"))
        fprintf(stderr, "program %llu\n%s", (unsigned long long)number, listing(&c, arena));
    if (verify_program(&object, &prog, NULL, arena, &sink, &facts) == 0) {
        run.prog = &prog;
        run.facts = facts;
        for (int i = 0; i < PACKETS; i++)
            run_packet(&run);
        t->accepted++;
        t->loops += count_loops(&prog, facts);
        for (uint32_t i = 0; i < c.subprogs[0].count; i++)
            t->constants += facts->contexts[0].facts[i].dst_const;
    } else if (getenv("VERIFY_SHOW")) {
        diag_write(stderr, diag_first_error(&sink));
    }
    arena_close(arena);
}

static void test_verify_facts_random_programs_hold_in_every_run(void **state)
{
    const uint32_t programs = setting("VERIFY_PROGRAMS", PROGRAMS),
                   first = setting("VERIFY_SEED", 1);
    struct tally t = {0};

    (void)state;
    for (uint32_t i = 0; i < programs; i++)
        try_program(first + i, &t);
    print_message("%u of %u programs accepted, with %u loops and %u constants\n", t.accepted,
                  programs, t.loops, t.constants);
    assert_true(t.accepted > programs / 2);
    assert_true(t.loops > t.accepted / 8);
    assert_true(t.constants > t.accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_facts_random_programs_hold_in_every_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
