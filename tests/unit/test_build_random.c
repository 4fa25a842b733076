/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "tests/common/program_check.h"
#include "tests/common/random.h"
#include "tests/common/test_map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random eBPF programs, made so that the verifier accepts most: IR as built and as optimised does
 * what the interpreter does. RANDOM_SEED=N starts at another seed, RANDOM_RUNS=N makes more
 * programs, RANDOM_PRINT=1 prints them. */

enum { REACH = 60, SLOTS = 8, MAX_DEPTH = 3 };

enum { ARRAY, HASH, PERCPU, PORTS };

static const struct load_map maps[] = {
    [ARRAY] = TEST_MAP("array", SPEC_MAP_ARRAY, 4, 24, 4),
    [HASH] = TEST_MAP("hash", SPEC_MAP_HASH, 4, 16, 3),
    [PERCPU] = TEST_MAP("percpu", SPEC_MAP_PERCPU_ARRAY, 4, 16, 2),
    [PORTS] = TEST_MAP("ports", SPEC_MAP_DEVMAP, 4, 4, 4),
};

/* r6: context, r7: packet of at least REACH bytes, r8: its end; r0, r2 to r5 and r9: numbers. Stack
 * slots r10-8 .. r10-64 hold numbers; r10-72 is for keys, r10-96 .. r10-80 for values, r10-104 and
 * below count loops. */
struct gen {
    FILE *out;
    uint64_t seed;
    uint32_t labels;
    uint32_t loops;
    uint32_t left;
    uint32_t depth;
    bool callee; /* within a function: no packet, no maps */
};

static const char scratch[] = "023459";

static uint32_t below(struct gen *g, uint32_t n)
{
    return (uint32_t)(random_next(&g->seed) % n);
}

static char reg(struct gen *g)
{
    return scratch[below(g, g->callee ? 5 : 6)];
}

static int32_t constant(struct gen *g)
{
    static const int32_t usual[] = {0,   1,   2,     3,  7,  8,         15,       64,
                                    255, 256, 65535, -1, -8, INT32_MAX, INT32_MIN};

    if (below(g, 3))
        return usual[below(g, sizeof(usual) / sizeof(*usual))];
    return (int32_t)random_next(&g->seed) >> below(g, 32);
}

static void some_alu(struct gen *g)
{
    static const char *const ops[] = {"+", "-", "*", "/",  "%",  "s/", "s%",
                                      "&", "|", "^", "<<", ">>", "s>>"};
    const uint32_t op = below(g, sizeof(ops) / sizeof(*ops));
    const bool wide = below(g, 2);
    const char kind = wide ? 'r' : 'w';
    const char dst = reg(g);
    const bool shift = op >= 10;
    const bool divide = op >= 3 && op <= 6;

    if (below(g, 2)) {
        fprintf(g->out, "%c%c %s= %c%c\n", kind, dst, ops[op], kind, reg(g));
    } else {
        int32_t v = shift ? (int32_t)below(g, wide ? 64 : 32) : constant(g);

        v = divide && v == 0 ? 5 : v;
        fprintf(g->out, "%c%c %s= %d\n", kind, dst, ops[op], v);
    }
}

static void some_move(struct gen *g)
{
    const char dst = reg(g);

    switch (below(g, 7)) {
    case 0:
        fprintf(g->out, "r%c = %d\n", dst, constant(g));
        break;
    case 1:
        fprintf(g->out, "w%c = w%c\n", dst, reg(g));
        break;
    case 2:
        fprintf(g->out, "r%c = be%u r%c\n", dst, 16u << below(g, 3), dst);
        break;
    case 3:
        fprintf(g->out, "r%c = bswap%u r%c\n", dst, 16u << below(g, 3), dst);
        break;
    case 4:
        fprintf(g->out, "r%c = (s%u)r%c\n", dst, 8u << below(g, 3), reg(g));
        break;
    case 5:
        fprintf(g->out, "r%c = 0x%llx ll\n", dst, (unsigned long long)random_next(&g->seed));
        break;
    default:
        fprintf(g->out, "r%c = -r%c\n", dst, dst);
        break;
    }
}

static uint32_t bits(struct gen *g)
{
    return 8u << below(g, 4);
}

static void some_stack(struct gen *g)
{
    const uint32_t size = bits(g);
    const uint32_t off = 8 * (1 + below(g, SLOTS)) - (size / 8) * below(g, 64 / size);

    if (below(g, 2))
        fprintf(g->out, "r%c = *(%c%u *)(r10 -%u)\n", reg(g),
                size < 64 && below(g, 4) == 0 ? 's' : 'u', size, off);
    else if (below(g, 6) == 0 && size >= 32)
        fprintf(g->out, "lock *(u%u *)(r10 -%u) %s= r%c\n", size, off, below(g, 2) ? "+" : "^",
                reg(g));
    else
        fprintf(g->out, "*(u%u *)(r10 -%u) = r%c\n", size, off, reg(g));
}

static void some_packet(struct gen *g)
{
    const uint32_t size = bits(g);
    int32_t off = (int32_t)below(g, REACH - 8);
    char base = '7';

    if (below(g, 4) ==
        0) { /* a run-time offset; r1 is nobody's. The verifier wants another check. */
        base = '1';
        off = (int32_t)below(g, 24) - 32;
        fprintf(g->out, "r1 = r%c\nr1 &= %u\nr1 += r7\nr1 += 32\nif r1 > r8 goto leave\n", reg(g),
                below(g, 2) ? 15 : 24);
    }
    if (below(g, 2))
        fprintf(g->out, "r%c = *(%c%u *)(r%c %+d)\n", reg(g),
                size < 64 && below(g, 4) == 0 ? 's' : 'u', size, base, off);
    else
        fprintf(g->out, "*(u%u *)(r%c %+d) = r%c\n", size, base, off, reg(g));
}

/* Values of registers that a call has ended. */
static void refill(struct gen *g)
{
    for (char r = '2'; r <= '5'; r++) {
        if (below(g, 2))
            fprintf(g->out, "r%c = *(u64 *)(r10 -%u)\n", r, 8 * (1 + below(g, SLOTS)));
        else
            fprintf(g->out, "r%c = %d\n", r, constant(g));
    }
}

static void put_key(struct gen *g)
{
    fprintf(g->out, "r1 = r%c\nr1 &= 7\n*(u32 *)(r10 -72) = r1\n", reg(g));
}

static void some_value_use(struct gen *g)
{
    const uint32_t size = bits(g);
    const uint32_t off = size / 8 * below(g, 128 / size);

    switch (below(g, 5)) {
    case 0:
        fprintf(g->out, "r9 = *(u%u *)(r0 +%u)\n", size, off);
        break;
    case 1:
        fprintf(g->out, "*(u%u *)(r0 +%u) = r9\n", size, off);
        break;
    case 2:
        fprintf(g->out, "lock *(u64 *)(r0 +%u) += r9\n", 8 * below(g, 2));
        break;
    case 3:
        fprintf(g->out, "r9 = atomic%s_fetch_%s((u%s *)(r0 +8), r9)\n", below(g, 2) ? "64" : "",
                "xor", "64");
        break;
    default:
        fprintf(g->out, "r1 = *(u64 *)(r0 +8)\nr1 += 1\n*(u64 *)(r0 +8) = r1\n");
        break;
    }
}

static void some_map(struct gen *g)
{
    const uint32_t map = below(g, 3);
    const uint32_t label = g->labels++;

    put_key(g);
    if (below(g, 3)) {
        fprintf(g->out, "r1 = map[%u] ll\nr2 = r10\nr2 += -72\ncall bpf_map_lookup_elem#1\n", map);
        fprintf(g->out, "if r0 == 0 goto L%u\n", label);
        for (uint32_t i = 1 + below(g, 2); i; i--)
            some_value_use(g);
        fprintf(g->out, "L%u:\nr0 = r9\n", label);
    } else if (below(g, 2)) {
        fprintf(g->out, "*(u64 *)(r10 -96) = r9\n*(u64 *)(r10 -88) = r%c\n*(u64 *)(r10 -80) = r9\n",
                reg(g));
        fprintf(g->out, "r1 = map[%u] ll\nr2 = r10\nr2 += -72\nr3 = r10\nr3 += -96\nr4 = %u\n", map,
                below(g, 3));
        fprintf(g->out, "call bpf_map_update_elem#2\n");
    } else {
        fprintf(g->out, "r1 = map[%u] ll\nr2 = r10\nr2 += -72\ncall bpf_map_delete_elem#3\n", map);
    }
    refill(g);
}

static void some_helper(struct gen *g)
{
    static const char *const calls[] = {"bpf_ktime_get_ns#5", "bpf_get_prandom_u32#7",
                                        "bpf_get_smp_processor_id#8"};

    switch (below(g, 6)) {
    case 0:
        fprintf(g->out, "r1 = r%c\nr2 = %u\ncall bpf_redirect#23\n", reg(g), below(g, 2));
        break;
    case 1:
        fprintf(g->out, "r2 = r%c\nr1 = map[%u] ll\nr3 = %u\ncall bpf_redirect_map#51\n", reg(g),
                (uint32_t)PORTS, below(g, 4));
        break;
    default:
        fprintf(g->out, "call %s\n", calls[below(g, 3)]);
        break;
    }
    refill(g);
}

static void check_packet(struct gen *g)
{
    fprintf(
        g->out,
        "r7 = *(u32 *)(r6 +0)\nr8 = *(u32 *)(r6 +4)\nr1 = r7\nr1 += %d\nif r1 > r8 goto leave\n",
        REACH);
}

static void some_move_of_ends(struct gen *g)
{
    if (below(g, 2))
        fprintf(g->out, "r1 = r6\nr2 = %d\ncall bpf_xdp_adjust_head#44\n", (int)below(g, 40) - 28);
    else
        fprintf(g->out, "r2 = r%c\nr2 &= 63\nr2 -= 16\nr1 = r6\ncall bpf_xdp_adjust_%s\n", reg(g),
                below(g, 2) ? "head#44" : "tail#65");
    refill(g);
    check_packet(g);
}

static void some_call(struct gen *g)
{
    fprintf(g->out, "r1 = r%c\ncall function\n", reg(g));
    refill(g);
}

static void statements(struct gen *g, uint32_t n);

static void some_condition(struct gen *g, uint32_t label)
{
    static const char *const ops[] = {
        "==", "!=", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<=", "&"};
    const char kind = below(g, 3) ? 'r' : 'w';
    const char *op = ops[below(g, 11)];
    const char x = reg(g);

    if (below(g, 2))
        fprintf(g->out, "if %c%c %s %c%c goto L%u\n", kind, x, op, kind, reg(g), label);
    else
        fprintf(g->out, "if %c%c %s %d goto L%u\n", kind, x, op, constant(g), label);
}

static void some_if(struct gen *g)
{
    const uint32_t label = g->labels;

    g->labels += 2;
    some_condition(g, label);
    statements(g, 1 + below(g, 3));
    if (below(g, 2)) {
        fprintf(g->out, "goto L%u\nL%u:\n", label + 1, label);
        statements(g, 1 + below(g, 2));
        fprintf(g->out, "L%u:\n", label + 1);
    } else {
        fprintf(g->out, "L%u:\n", label);
    }
}

static void some_loop(struct gen *g)
{
    const uint32_t label = g->labels++;
    const uint32_t slot = 104 + 8 * g->loops++;

    fprintf(g->out, "r1 = 0\n*(u64 *)(r10 -%u) = r1\nL%u:\n", slot, label);
    statements(g, 1 + below(g, 3));
    fprintf(g->out,
            "r1 = *(u64 *)(r10 -%u)\nr1 += 1\n*(u64 *)(r10 -%u) = r1\nif r1 < %u goto L%u\n", slot,
            slot, 1 + below(g, 4), label);
}

static void some_exit(struct gen *g)
{
    const uint32_t label = g->labels++;

    some_condition(g, label);
    fprintf(g->out, "w0 &= 7\nexit\nL%u:\n", label);
}

static void control(struct gen *g)
{
    g->depth++;
    switch (below(g, g->loops < 4 ? 5 : 4)) {
    case 0:
    case 1:
    case 2:
        some_if(g);
        break;
    case 3:
        some_exit(g);
        break;
    default:
        some_loop(g);
        break;
    }
    g->depth--;
}

static void statements(struct gen *g, uint32_t n)
{
    for (; n && g->left; n--) {
        g->left--;
        switch (below(g, g->depth < MAX_DEPTH ? 14 : 11)) {
        case 0:
        case 1:
        case 2:
            some_alu(g);
            break;
        case 3:
            some_move(g);
            break;
        case 4:
        case 5:
            some_stack(g);
            break;
        case 6:
        case 7:
            if (!g->callee)
                some_packet(g);
            break;
        case 8:
            if (!g->callee)
                some_map(g);
            break;
        case 9:
            if (!g->callee)
                some_helper(g);
            break;
        case 10:
            if (g->callee)
                break;
            if (below(g, 2))
                some_call(g);
            else
                some_move_of_ends(g);
            break;
        default:
            control(g);
            break;
        }
    }
}

/* Slots and registers hold numbers: from the packet, or constants. */
static void fill_all(struct gen *g, char source)
{
    for (uint32_t s = 1; s <= SLOTS; s++)
        fprintf(g->out, "r0 = %c%c\n*(u64 *)(r10 -%u) = r0\n", 'r', source, 8 * s);
    for (const char *r = scratch; *r; r++)
        if (!g->callee || *r != '9')
            fprintf(g->out, "r%c = %d\n", *r, constant(g));
}

static char *random_text(struct arena *arena, uint64_t seed, uint32_t n)
{
    char *text = NULL;
    size_t bytes = 0;
    struct gen g = {.out = open_memstream(&text, &bytes), .seed = seed, .left = n};
    char *copy;

    fprintf(g.out, "r6 = r1\n");
    fprintf(g.out, "r0 = 1\n");
    check_packet(&g);
    fprintf(g.out, "r9 = *(u64 *)(r7 +16)\n");
    fill_all(&g, '9');
    fprintf(g.out, "r5 = *(u32 *)(r7 +4)\nr3 = *(u16 *)(r7 +12)\n");
    while (g.left)
        statements(&g, g.left);
    fprintf(g.out, "r0 &= 7\nexit\nleave:\nr0 = 1\nexit\nfunction:\n");
    g.callee = true;
    g.left = 6;
    g.loops = 0;
    g.depth = 1;
    fill_all(&g, '1');
    while (g.left)
        statements(&g, g.left);
    fprintf(g.out, "exit\n");
    fclose(g.out);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

/* The program's own object; the function stands at its end. */
static bool assemble(struct program_check *c, const char *text, struct load_object *object,
                     struct load_prog *prog, struct load_subprog *subprogs)
{
    const struct ebpf_insn *insns;
    uint32_t entry = UINT32_MAX;

    *object =
        (struct load_object){.path = "random", .license = "GPL", .progs = prog, .prog_count = 1};
    object->maps = arena_memdup(c->arena, maps, sizeof(maps));
    object->map_count = sizeof(maps) / sizeof(*maps);
    *prog = (struct load_prog){.name = "random", .section = "xdp", .subprogs = subprogs};
    if (ebpf_asm(text, "random", NULL, c->arena, &c->sink, &insns, &prog->insn_count))
        return false;
    prog->insns = arena_memdup(c->arena, insns, prog->insn_count * sizeof(*insns));
    for (uint32_t pc = 0; pc < prog->insn_count; pc += ebpf_slots(&insns[pc]))
        if (ebpf_is_subprog_call(&insns[pc]))
            entry = (uint32_t)ebpf_target(&insns[pc], pc);
    if (entry == UINT32_MAX) { /* nobody calls the function: it goes */
        while (prog->insn_count &&
               !(insns[prog->insn_count - 1].opcode == ((int)EBPF_CLASS_JMP | EBPF_JMP_EXIT)))
            prog->insn_count--;
        for (uint32_t pc = 0; pc + 1 < prog->insn_count; pc++)
            if (insns[pc].opcode == ((int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV) && insns[pc].dst == 0 &&
                insns[pc].imm == 1 && ebpf_is_exit(&insns[pc + 1]) && pc > 6) {
                prog->insn_count = pc + 2; /* "leave" is the last label before it */
                break;
            }
    }
    subprogs[0] = (struct load_subprog){.name = "random",
                                        .count = entry == UINT32_MAX ? prog->insn_count : entry};
    subprogs[1] = (struct load_subprog){
        .name = "function", .start = entry, .count = prog->insn_count - subprogs[0].count};
    prog->subprog_count = entry == UINT32_MAX ? 1 : 2;
    c->object = object;
    c->prog = prog;
    return true;
}

/* 1: ran and agreed, 0: the verifier rejects it. */
static uint32_t run_one(uint64_t seed)
{
    struct program_check c = {.arena = arena_open()};
    struct load_object object;
    struct load_prog prog;
    struct load_subprog subprogs[2];
    char *text = random_text(c.arena, seed, 5 + (uint32_t)(seed % 60));
    int err;

    c.sink = diag_sink_make(c.arena);
    if (!assemble(&c, text, &object, &prog, subprogs))
        fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, c.sink.records[0].message, text);
    err = program_check_take(&c);
    if (getenv("RANDOM_PRINT"))
        fprintf(stderr, "%s\n%s\n", text, c.sink.count ? c.sink.records[0].message : "accepted");
    if (err && err != -EACCES)
        fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, c.sink.records[0].message, text);
    if (!err && !c.built)
        fail_msg("seed %llu: %s", (unsigned long long)seed, c.sink.records[0].message);
    if (!err && !program_check_run(&c, 30, seed))
        fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, c.report, text);
    program_check_close(&c);
    return err ? 0 : 1;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_build_random_programs_behave_as_interpreted(void **state)
{
    const uint64_t first = number_from("RANDOM_SEED", 1);
    const uint64_t runs = number_from("RANDOM_RUNS", 400);
    uint32_t ran = 0;

    (void)state;
    for (uint64_t seed = first; seed < first + runs; seed++)
        ran += run_one(seed);
    if (ran < runs / 2)
        fail_msg("only %u of %llu programs were accepted", ran, (unsigned long long)runs);
    print_message("%u of %llu programs ran\n", ran, (unsigned long long)runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_random_programs_behave_as_interpreted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
