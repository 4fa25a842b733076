/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "nic_runtime/vm.h"
#include "tests/common/corpus.h"
#include "tests/common/program_check.h"
#include "tests/common/random.h"
#include "tests/common/random_ir.h"
#include "tests/common/skip.h"
#include "tests/common/ucode_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Real programs, through the whole compiler: their microcode, in the model of the core, does to
 * random packets and maps what the interpreter does. UCODE_VERBOSE=1 prints sizes, UCODE_PACKETS=N
 * runs more packets, UCODE_ONLY=TEXT takes only programs with this in their names. */

enum { ROWS_MAX = 1000000, RANDOM_FUNCTIONS = 300 };

struct side {
    struct soft_maps maps;
    uint8_t *buf;
    uint32_t ret;
    uint64_t redirect;
    uint64_t data;
    uint64_t data_end;
};

struct totals {
    uint64_t rows;
    uint64_t ops;
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The program's function, optimised, or NULL: the sink says why. */
static struct ir_func *function_of(const struct corpus_prog *p, struct arena *arena,
                                   struct diag_sink *sink)
{
    const struct verify_options verify = {.size = sizeof(verify)};
    const struct verify_result *facts;
    struct ir_func *f;

    if (verify_program(p->object, p->prog, &verify, arena, sink, &facts) != 0 ||
        ir_build(p->object, p->prog, facts, arena, sink, &f) != 0 || opt_run(f, NULL, sink) != 0)
        return NULL;
    return f;
}

static void run_interpreter(const struct corpus_prog *p, struct side *s, const uint8_t *bytes,
                            const uint64_t *inputs)
{
    const struct vm_program program = {p->prog->insns, p->prog->insn_count, s->maps.maps,
                                       s->maps.count};
    struct vm_packet packet = {.time_ns = inputs[SPEC_IN_TIME],
                               .rand = (uint32_t)inputs[SPEC_IN_RAND],
                               .ifindex = (uint32_t)inputs[SPEC_IN_IFINDEX],
                               .queue = (uint32_t)inputs[SPEC_IN_QUEUE]};
    struct vm_result result;
    uint32_t insn = 0;

    vm_packet_init(&packet, s->buf, bytes, (uint32_t)inputs[SPEC_IN_LEN]);
    if (vm_run(&program, &packet, 0, &result, &insn) != VM_FAULT_NONE)
        fail_msg("%s: the interpreter stops at instruction %u", p->name, insn);
    soft_maps_drain(&s->maps);
    s->ret = result.ret;
    s->redirect = result.redirect;
    s->data = packet.data;
    s->data_end = packet.data_end;
}

struct counting {
    const struct ucode_image *image;
    struct totals *totals;
};

static void count_row(void *ctx, uint32_t row, const struct ucode_state *state)
{
    const struct counting *c = ctx;

    (void)state;
    c->totals->rows++;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        c->totals->ops += c->image->rows[row].slots[lane].op != UCODE_NOP;
}

static void run_model(const struct corpus_prog *p, const struct ucode_image *image, struct side *s,
                      const uint8_t *bytes, const uint64_t *inputs, struct totals *totals)
{
    const struct ir_maps_ops ops = soft_maps_ops(&s->maps);
    struct ir_run run = {.buf = s->buf, .events = s->buf + SPEC_EVENT_BASE, .steps = ROWS_MAX};
    struct counting counting = {image, totals};
    int err;

    memset(s->buf, 0, SPEC_PKT_JUMBO_END);
    memcpy(s->buf + SPEC_PKT_BASE, bytes, inputs[SPEC_IN_LEN]);
    memcpy(run.inputs, inputs, sizeof(run.inputs));
    err = ucode_model_run(image, &ops, &run, NULL, count_row, &counting);
    if (err != 0)
        fail_msg("%s: the model ends with error %d", p->name, err);
    s->ret = run.ret;
    s->redirect = run.redirect;
    s->data = run.data;
    s->data_end = run.data_end;
}

static void compare_sides(const struct corpus_prog *p, uint64_t packet, const struct side *want,
                          const struct side *got)
{
    if (want->ret != got->ret || want->redirect != got->redirect || want->data != got->data ||
        want->data_end != got->data_end)
        fail_msg(
            "%s, packet %llu: ret %u not %u, redirect %llx not %llx, data %llu not %llu, end %llu "
            "not %llu",
            p->name, (unsigned long long)packet, got->ret, want->ret,
            (unsigned long long)got->redirect, (unsigned long long)want->redirect,
            (unsigned long long)got->data, (unsigned long long)want->data,
            (unsigned long long)got->data_end, (unsigned long long)want->data_end);
    if (memcmp(want->buf + want->data, got->buf + got->data, want->data_end - want->data) != 0)
        fail_msg("%s, packet %llu: bytes differ", p->name, (unsigned long long)packet);
}

/* Runs random packets, one after the other; maps start with random entries in three of four rounds.
 */
static void check_image(const struct corpus_prog *p, const struct ir_func *f,
                        const struct ucode_image *image, uint64_t round, uint64_t packets,
                        struct totals *totals)
{
    struct side want = {.buf = malloc(SPEC_EVENT_BASE + SPEC_EVENT_BYTES)};
    struct side got = {.buf = malloc(SPEC_EVENT_BASE + SPEC_EVENT_BYTES)};
    uint8_t *bytes = malloc(SPEC_PKT_MAX_BYTES);
    uint64_t seed = round;
    uint64_t again = round;
    uint32_t map = 0;

    assert_int_equal(soft_maps_open_object(&want.maps, p->object), 0);
    assert_int_equal(soft_maps_open_object(&got.maps, p->object), 0);
    soft_maps_fill(&want.maps, round % 4 ? 16 : 0, &seed);
    soft_maps_fill(&got.maps, round % 4 ? 16 : 0, &again);
    assert_int_equal(soft_maps_add_tables(&got.maps, f), 0);
    for (uint64_t i = 0; i < packets; i++) {
        const uint64_t len = program_packet(bytes, &seed);
        const uint64_t inputs[SPEC_IN_COUNT] = {
            random_next(&seed) >> (random_next(&seed) % 40), random_next(&seed) % UINT32_MAX + 1,
            1 + random_next(&seed) % 3, random_next(&seed) % SPEC_QUEUES, len};

        run_interpreter(p, &want, bytes, inputs);
        run_model(p, image, &got, bytes, inputs, totals);
        compare_sides(p, i, &want, &got);
    }
    if (!soft_maps_equal(&want.maps, &got.maps, &map))
        fail_msg("%s: contents of map %s differ", p->name, p->object->maps[map].name);
    soft_maps_close(&want.maps);
    soft_maps_close(&got.maps);
    free(want.buf);
    free(got.buf);
    free(bytes);
}

/* True if the program runs on the core. */
static bool check_program(const struct corpus_prog *p)
{
    const uint64_t packets = number_from("UCODE_PACKETS", 400);
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct ucode_image *image = NULL;
    struct ir_func *f = function_of(p, arena, &sink);
    struct totals totals = {0};
    double ms = now_ms();
    const bool fits = f && ucode_compile(f, arena, &sink, &image) == 0;

    ms = now_ms() - ms;
    if (!fits) {
        if (getenv("UCODE_VERBOSE"))
            fprintf(stderr, "%-44s %s: %s\n", p->name, sink.records[0].code,
                    sink.records[0].message);
        assert_true(sink.errors > 0);
        arena_close(arena);
        return false;
    }
    for (uint64_t round = 1; round <= 4; round++)
        check_image(p, f, image, round, packets / 4, &totals);
    if (getenv("UCODE_VERBOSE"))
        fprintf(stderr, "%-44s ebpf %4u rows %4u fill %.2f issued/packet %5.1f fill %.2f %.2f ms\n",
                p->name, p->prog->insn_count, image->row_count,
                (double)image->ops / image->row_count,
                (double)totals.rows / (double)(packets / 4 * 4),
                (double)totals.ops / (double)totals.rows, ms);
    arena_close(arena);
    return true;
}

static void test_ucode_programs_do_what_the_interpreter_does(void **state)
{
    const char *only = getenv("UCODE_ONLY");
    struct corpus corpus;
    uint32_t fit = 0;

    (void)state;
    assert_int_equal(corpus_open(&corpus), 0);
    for (uint32_t i = 0; i < corpus.count; i++) {
        if (!only || strstr(corpus.progs[i].name, only))
            fit += check_program(&corpus.progs[i]);
    }
    corpus_close(&corpus);
    if (corpus.count == 0)
        skip_because("no compiled programs in this build");
    assert_true(fit > 0);
}

/* These functions read stack memory that they have not written; the evaluator has zeros there, the
 * core what the last packet left. */
static void zero_stack(struct ir_func *f)
{
    for (uint32_t at = 0; at < f->stack_bytes; at += 8) {
        const struct ir_insn address = {.op = IR_CONST, .imm = at, .pc = IR_NO_PC};
        const struct ir_insn store = {.op = IR_STORE,
                                      .region = IR_REGION_STACK,
                                      .size = 8,
                                      .off_min = (int32_t)at,
                                      .off_max = (int32_t)at,
                                      .pc = IR_NO_PC};
        const struct ir_insn zero = {.op = IR_CONST, .pc = IR_NO_PC};
        const ir_ref args[2] = {ir_new(f, address, NULL, 0), ir_new(f, zero, NULL, 0)};

        ir_insert(f, 0, 0, ir_new(f, store, args, 2));
        ir_insert(f, 0, 0, args[0]);
        ir_insert(f, 0, 0, args[1]);
    }
}

/* What the passes leave looks different from what is written by hand or by chance. */
static void test_ucode_optimised_functions_do_what_the_evaluator_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= number_from("UCODE_FUNCTIONS", RANDOM_FUNCTIONS); seed++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        struct ir_func *f = random_ir(arena, seed, 10 + (uint32_t)(seed % 60));
        const struct ucode_image *image = NULL;
        struct ucode_check c;
        uint64_t rng = seed;

        assert_int_equal(opt_run(f, NULL, &sink), 0);
        zero_stack(f);
        assert_int_equal(ir_check(f, &sink), 0);
        assert_int_equal(ucode_compile(f, arena, &sink, &image), 0);
        assert_int_equal(ucode_check_open(&c, f, image, 6, seed), 0);
        for (uint32_t i = 0; i < 16; i++) {
            uint8_t packet[128];

            for (uint32_t k = 0; k < sizeof(packet); k++)
                packet[k] = (uint8_t)(random_next(&rng) & (i % 2 ? 3 : 0xff));
            if (!ucode_check_packet(&c, packet, 14 + (uint32_t)(random_next(&rng) % 115), &rng))
                fail_msg("seed %llu, packet %u: %s", (unsigned long long)seed, i, c.report);
        }
        ucode_check_close(&c);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_programs_do_what_the_interpreter_does),
        cmocka_unit_test(test_ucode_optimised_functions_do_what_the_evaluator_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
