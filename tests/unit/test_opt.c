/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/opt.h"
#include "tests/common/random_ir.h"
#include "tests/common/skip.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random functions do the same before and after each pass alone, and all of them together.
 * OPT_SEED=N starts at another seed, OPT_RUNS=N makes more functions. */

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_failure(const struct ir_func *before, const struct ir_func *after,
                          const char *pass, uint64_t seed, const char *why)
{
    fprintf(stderr, "; seed %llu, pass %s: %s\n; before\n", (unsigned long long)seed, pass, why);
    ir_print(stderr, before);
    fprintf(stderr, "; after\n");
    ir_print(stderr, after);
    fail_msg("seed %llu, pass %s: %s", (unsigned long long)seed, pass, why);
}

/* One pass alone, several times over, as rounds would run it. */
static void try_pass(const struct opt_pass *pass, const struct ir_func *f, uint64_t seed)
{
    struct arena *arena = arena_open();
    struct arena *scratch = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *g = random_ir_copy(f, arena);
    uint32_t rounds = 0;
    char why[256];

    assert_non_null(g);
    while (rounds < 40 && pass->run(g, scratch)) {
        if (ir_check(g, &sink))
            print_failure(f, g, pass->name, seed, sink.records[0].message);
        if (!random_ir_same(f, g, seed, 6, why, sizeof(why)))
            print_failure(f, g, pass->name, seed, why);
        arena_reset(scratch);
        rounds++;
    }
    if (rounds == 40)
        print_failure(f, g, pass->name, seed, "the pass never comes to rest");
    arena_close(scratch);
    arena_close(arena);
}

static void try_all(const struct ir_func *f, uint64_t seed)
{
    struct arena *arena = arena_open();
    struct arena *scratch = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *g = random_ir_copy(f, arena);
    char why[256];

    assert_non_null(g);
    if (opt_run(g, NULL, &sink))
        print_failure(f, g, "all", seed, sink.records[0].message);
    if (!random_ir_same(f, g, seed, 20, why, sizeof(why)))
        print_failure(f, g, "all", seed, why);
    for (uint32_t p = 0; p < opt_pass_count; p++) {
        if (opt_passes[p].run(g, scratch))
            print_failure(f, g, opt_passes[p].name, seed,
                          "all passes together do not come to rest");
        arena_reset(scratch);
    }
    arena_close(scratch);
    arena_close(arena);
}

static void test_opt_random_functions_keep_their_results(void **state)
{
    const uint64_t first = number_from("OPT_SEED", 1);
    const uint64_t runs = number_from("OPT_RUNS", 400);

    (void)state;
    for (uint64_t seed = first; seed < first + runs; seed++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        struct ir_func *f = random_ir(arena, seed, 3 + (uint32_t)(seed % 40));

        if (ir_check(f, &sink))
            print_failure(f, f, "none", seed, sink.records[0].message);
        for (uint32_t p = 0; p < opt_pass_count; p++)
            try_pass(&opt_passes[p], f, seed);
        try_all(f, seed);
        arena_close(arena);
    }
}

/* A function that is not in order when a pass changes it stands for a pass that breaks it. */
static void test_opt_pass_that_breaks_the_function_is_named(void **state)
{
#ifdef NDEBUG
    (void)state;
    skip_because("this build has no assertions");
#else
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct opt_options options = {.size = sizeof(options)};
    struct ir_func *f;

    (void)state;
    assert_int_equal(ir_parse("func f\nb0:\n %1 = const 1\n %2 = input len\n %3 = add.64 %2, %2\n"
                              " %4 = xor.64 %2, %2\n exit %3, %1, %1, %1\n",
                              arena, &sink, &f),
                     0);
    f->insns[3].width = 7;
    assert_int_equal(opt_run(f, &options, &sink), -EINVAL);
    assert_string_equal(sink.records[0].code, "IR0041");
    assert_string_equal(sink.records[1].code, "OPT0001");
    arena_close(arena);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_pass_that_breaks_the_function_is_named),
        cmocka_unit_test(test_opt_random_functions_keep_their_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
