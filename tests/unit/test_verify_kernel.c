/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/corpus.h"
#include "tests/common/linux_verdict.h"
#include "tests/common/random_program.h"
#include "tests/common/skip.h"
#include "tests/common/verify_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Agreement with Linux: whatever we accept the kernel accepts, for the text tests, the programs of
 * the corpus and small changes of them. What only the kernel accepts is counted by our reason.
 *
 * VERIFY_RANDOM sets how many random programs, VERIFY_MUTANTS the changes to each program,
 * VERIFY_SEED where they start, VERIFY_SHOW prints each program that only the kernel accepts. */

static void need_kernel(void)
{
    const char *why;

    if (!verdict_kernel_is_here(&why))
        skip_because("no bpf() here: %s", why);
}

static struct verdict_talk talk(void)
{
    const char *show = getenv("VERIFY_SHOW");

    return (struct verdict_talk){stderr, show && *show != 'V' ? "" : show};
}

/* ---- tests ---- */

static void compare_mutants(struct verdict_tally *t, const struct corpus_prog *p, uint32_t mutants,
                            uint64_t seed, const int *fds)
{
    const struct verdict_talk say = talk();

    assert_int_equal(verdict_compare_mutants(t, &say, p->name, p->object, p->prog, fds,
                                             corpus_mutate, mutants, seed),
                     0);
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *value = getenv(name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* Programs that the kernel takes as they are; more changes to small ones, which are cheap. */
static void each_accepted(struct verdict_tally *plain, struct verdict_tally *t, uint32_t mutants)
{
    const uint64_t seed = setting("VERIFY_SEED", 1);
    const char *only = getenv("VERIFY_ONLY");
    const struct verdict_talk say = talk();
    static struct corpus c;

    assert_int_equal(corpus_open(&c), 0);
    assert_true(c.count > 0);
    for (uint32_t i = 0; i < c.count; i++) {
        const struct corpus_prog *p = &c.progs[i];
        int fds[SPEC_MAPS];

        if (only && !strstr(p->name, only))
            continue;
        verdict_open_maps(p->object, fds);
        verdict_compare(plain, &say, p->name, p->object, p->prog, fds);
        compare_mutants(t, p, mutants, seed, fds);
        verdict_close_maps(p->object, fds);
    }
    corpus_close(&c);
}

static void test_verify_kernel_corpus_and_mutants_accepts_no_more_than_linux(void **state)
{
    struct verdict_tally plain = {0}, t = {0};

    (void)state;
    need_kernel();
    each_accepted(&plain, &t, setting("VERIFY_MUTANTS", 20));
    verdict_print(stdout, "corpus", &plain);
    verdict_print(stdout, "mutants", &t);
    assert_int_equal(plain.ours_only, 0);
    assert_int_equal(t.ours_only, 0);
}

static void compare_text(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct verdict_talk say = talk();
    struct verify_text text;
    int fds[SPEC_MAPS];

    if (verify_text_read(path, arena, &sink, &text)) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("%s", path);
    }
    verdict_open_maps(text.object, fds);
    verdict_compare(ctx, &say, path, text.object, &text.object->progs[0], fds);
    verdict_close_maps(text.object, fds);
    arena_close(arena);
}

static void mutate_text(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct verify_text text;
    struct corpus_prog p;
    int fds[SPEC_MAPS];

    assert_int_equal(verify_text_read(path, arena, &sink, &text), 0);
    p = (struct corpus_prog){strrchr(path, '/') + 1, text.object, &text.object->progs[0]};
    verdict_open_maps(text.object, fds);
    if (p.prog->insn_count && p.prog->insn_count < 1000)
        compare_mutants(ctx, &p, setting("VERIFY_MUTANTS", 5), setting("VERIFY_SEED", 1), fds);
    verdict_close_maps(text.object, fds);
    arena_close(arena);
}

static void test_verify_kernel_texts_and_mutants_accepts_no_more_than_linux(void **state)
{
    struct verdict_tally t = {0}, mutants = {0};

    (void)state;
    need_kernel();
    verify_text_each(compare_text, &t);
    verify_text_each(mutate_text, &mutants);
    verdict_print(stdout, "texts", &t);
    verdict_print(stdout, "mutants of texts", &mutants);
    assert_true(t.programs > 0);
    assert_int_equal(t.ours_only, 0);
    assert_int_equal(mutants.ours_only, 0);
}

static void test_verify_kernel_random_programs_accepts_no_more_than_linux(void **state)
{
    const struct load_object *object = random_program_object();
    const uint64_t seed = setting("VERIFY_SEED", 1);
    const uint32_t count = setting("VERIFY_RANDOM", 4000);
    const struct verdict_talk say = talk();
    struct verdict_tally t = {0};
    int fds[SPEC_MAPS];

    (void)state;
    need_kernel();
    verdict_open_maps(object, fds);
    for (uint32_t i = 0; i < object->map_count; i++)
        assert_true(fds[i] >= 0);
    for (uint32_t i = 0; i < count; i++) {
        struct arena *arena = arena_open();
        const struct load_prog prog = random_program(seed + i, arena);
        char name[64];

        snprintf(name, sizeof(name), "random program %llu", (unsigned long long)(seed + i));
        verdict_compare(&t, &say, name, object, &prog, fds);
        arena_close(arena);
    }
    verdict_close_maps(object, fds);
    verdict_print(stdout, "random programs", &t);
    assert_int_equal(t.ours_only, 0);
    assert_true(t.both * 10 > count && t.neither * 10 > count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_kernel_random_programs_accepts_no_more_than_linux),
        cmocka_unit_test(test_verify_kernel_texts_and_mutants_accepts_no_more_than_linux),
        cmocka_unit_test(test_verify_kernel_corpus_and_mutants_accepts_no_more_than_linux),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
