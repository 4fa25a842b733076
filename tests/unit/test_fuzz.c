/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "host/ctl/exec_interp.h"
#include "tests/fuzz/diff/gen.h"
#include "tests/fuzz/diff/shrink.h"
#include "tests/fuzz/diff/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The parts of differential fuzzing (docs/fuzzing.md): the generator, the text of a case, the
 * shrinker. */

enum { CASES = 400, PACKETS = 4, SHRINK_SECONDS = 20 };

static void test_fuzz_same_seed_gives_same_case(void **state)
{
    struct gen *g = gen_open(), *h = gen_open();
    struct arena *arena = arena_open();

    (void)state;
    gen_case(h, 77, GEN_SMALL, 3, arena); /* what came before does not matter */
    for (uint64_t seed = 1; seed < CASES; seed += 7) {
        struct diff_case *a = gen_case(g, seed, GEN_ANY, PACKETS, arena);
        struct diff_case *b = gen_case(h, seed, GEN_ANY, PACKETS + 2, arena);

        b->packet_count = PACKETS; /* more packets only add to the end */
        assert_int_equal(diff_case_hash(a), diff_case_hash(b));
        assert_int_not_equal(diff_case_hash(a),
                             diff_case_hash(gen_case(g, seed + 1, GEN_ANY, PACKETS, arena)));
    }
    arena_close(arena);
    gen_close(g);
    gen_close(h);
}

static void test_fuzz_programs_verify_and_run(void **state)
{
    struct gen *g = gen_open();
    struct arena *arena = arena_open();

    (void)state;
    for (uint64_t seed = 1; seed <= CASES; seed++)
        for (int profile = 0; profile < GEN_PROFILE_COUNT; profile++) {
            struct diff_case *c = gen_case(g, seed, (enum gen_profile)profile, PACKETS, arena);
            struct job *job = diff_job_open(c, arena);
            struct diff_result result;
            char why[EXEC_WHY_BYTES];

            if (diff_run(c, job, &exec_interp, arena, &result, why) != DIFF_RAN)
                fail_msg("seed %llu: %s", (unsigned long long)seed, why);
            assert_int_equal(result.packet_count, PACKETS);
            diff_result_free(&result);
            arena_reset(arena);
        }
    arena_close(arena);
    gen_close(g);
}

static void test_fuzz_text_reads_back_the_case_it_was_written_from(void **state)
{
    char path[] = "/tmp/sluice-fuzz-text-XXXXXX";
    const int fd = mkstemp(path);
    struct gen *g = gen_open();

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (uint64_t seed = 1; seed <= CASES / 2; seed++) {
        const struct diff_result nothing = {0};
        struct arena *arena = arena_open();
        struct diff_case *c = gen_case(g, seed, GEN_ANY, PACKETS, arena), *back;
        struct diag_sink sink = diag_sink_make(arena);
        FILE *out = fopen(path, "w");
        const char *expectation;

        text_write(out, c, &nothing, "title");
        fclose(out);
        if (text_read(path, arena, &sink, &back, &expectation))
            fail_msg("seed %llu: %s", (unsigned long long)seed, sink.records[0].message);
        if (diff_case_hash(c) != diff_case_hash(back) || *expectation)
            fail_msg("seed %llu reads back as another case", (unsigned long long)seed);
        arena_close(arena);
    }
    unlink(path);
    gen_close(g);
}

/* ---- an executor with a fault: packets of a program with a certain instruction return one more
 * ---- */

static bool has_fault(const struct load_prog *p)
{
    for (uint32_t i = 0; i < p->insn_count; i += ebpf_slots(&p->insns[i]))
        if (p->insns[i].opcode == ((int)EBPF_CLASS_ALU | EBPF_ALU_END | EBPF_SRC_X) &&
            p->insns[i].imm == 32)
            return true;
    return false;
}

struct faulty_stream {
    const struct exec_stream *stream;
    bool fault;
};

static bool faulty_source(void *ctx, struct exec_packet *packet)
{
    struct faulty_stream *f = ctx;

    return f->stream->source(f->stream->ctx, packet);
}

static int faulty_sink(void *ctx, const struct exec_output *output)
{
    struct faulty_stream *f = ctx;
    struct exec_output changed = *output;

    changed.ret += f->fault;
    return f->stream->sink(f->stream->ctx, &changed);
}

static int faulty_run(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
                      char why[EXEC_WHY_BYTES])
{
    struct faulty_stream f = {stream, has_fault(exec->job->prog)};
    const struct exec_stream own = {&f, faulty_source, faulty_sink};

    return exec_interp.run(exec, &own, stats, why);
}

static struct exec_ops faulty;

static int faulty_open(struct job *job, const struct exec_options *options, struct exec **out,
                       char why[EXEC_WHY_BYTES])
{
    const int err = exec_interp.open(job, options, out, why);

    if (!err)
        (*out)->ops = &faulty;
    return err;
}

static void test_fuzz_shrink_keeps_what_shows_the_fault(void **state)
{
    struct gen *g = gen_open();
    struct arena *arena = arena_open();
    uint32_t shrunk = 0;
    char why[EXEC_WHY_BYTES];

    (void)state;
    faulty = exec_interp;
    faulty.open = faulty_open;
    faulty.run = faulty_run;
    for (uint64_t seed = 1; shrunk < 3; seed++) {
        struct diff_case *c = gen_case(g, seed, GEN_ANY, PACKETS, arena), *small;
        const bool shows = has_fault(&c->prog);

        assert_int_equal(shrink_judge(c, &faulty, why), shows ? FAULT_DIFFERS : FAULT_NONE);
        if (!shows)
            continue;
        small = shrink_case(c, &faulty, FAULT_DIFFERS, SHRINK_SECONDS, arena);
        assert_int_equal(shrink_judge(small, &faulty, why), FAULT_DIFFERS);
        assert_non_null(strstr(why, "packet 0: returns"));
        assert_int_equal(small->packet_count, 1);
        assert_int_equal(small->packets[0].len, SPEC_PKT_MIN_BYTES);
        assert_int_equal(small->object.map_count, 0);
        assert_true(has_fault(&small->prog) && small->prog.insn_count <= 10);
        shrunk++;
    }
    arena_close(arena);
    gen_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuzz_same_seed_gives_same_case),
        cmocka_unit_test(test_fuzz_programs_verify_and_run),
        cmocka_unit_test(test_fuzz_text_reads_back_the_case_it_was_written_from),
        cmocka_unit_test(test_fuzz_shrink_keeps_what_shows_the_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
