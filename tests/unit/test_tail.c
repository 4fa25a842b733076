/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/job.h"

#include <errno.h>
#include <string.h>

/* Which programs are built into one by their tail calls, and which of them the host may put into a
 * map afterwards. */

enum { FIRST, SECOND, BAD, PROGRAMS };

/* Slots 0 and 3 are called, 3 by an index of up to 3 that goes to map "wide". */
static const char *const texts[PROGRAMS] = {
    [FIRST] = ".map narrow prog_array 4 4 4\n"
              ".map wide prog_array 4 4 8\n"
              "r6 = r1\n"
              "r2 = map[narrow] ll\n"
              "r3 = 0\n"
              "call bpf_tail_call#12\n"
              "r3 = *(u32 *)(r6 +16)\n"
              "r3 &= 3\n"
              "r1 = r6\n"
              "r2 = map[wide] ll\n"
              "call bpf_tail_call#12\n"
              "r0 = 2\n"
              "exit\n",
    [SECOND] = "r0 = 1\nexit\n",
    [BAD] = "r0 = r7\nexit\n", /* reads a register that nobody wrote */
};

enum { NARROW, WIDE };

struct linked {
    struct arena *arena;
    struct load_object object;
    struct job *job;
};

static struct linked open_job(const struct load_value *values, uint32_t count, bool known)
{
    struct linked l = {.arena = arena_open()};
    struct job_options options = {
        .size = sizeof(options), .values = values, .value_count = count, .values_known = known};
    struct diag_sink sink = diag_sink_make(l.arena);
    struct load_prog *progs = arena_array(l.arena, PROGRAMS, sizeof(*progs));

    for (uint32_t i = 0; i < PROGRAMS; i++) {
        const struct load_object *o;

        assert_int_equal(load_parse(texts[i], "text", l.arena, &sink, &o), 0);
        if (i == FIRST)
            l.object = *o;
        progs[i] = o->progs[0];
    }
    progs[SECOND].name = "second";
    progs[BAD].name = "bad";
    l.object.progs = progs;
    l.object.prog_count = PROGRAMS;
    l.job = job_open(arena_memdup(l.arena, &l.object, sizeof(l.object)), &progs[FIRST], &options,
                     l.arena);
    assert_non_null(l.job);
    return l;
}

static void close_job(struct linked *l)
{
    arena_close(l->arena);
}

static bool takes(struct linked *l, uint32_t map, uint32_t slot, uint32_t program)
{
    const int err = job_takes_program(l->job, map, slot, program + 1);

    assert_true(err == 0 || (err == -EACCES && l->job->other_why));
    return !err;
}

static void test_tail_program_that_is_named_is_linked_and_taken(void **state)
{
    const struct load_value values[] = {{NARROW, 0, SECOND}};
    struct linked l = open_job(values, 1, true);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_int_equal(l.job->tails.part_count, 2);
    assert_ptr_equal(l.job->tails.parts[1].prog, &l.job->object->progs[SECOND]);
    assert_true(takes(&l, NARROW, 0, SECOND));
    assert_int_equal(job_takes_program(l.job, NARROW, 0, 0), 0); /* empties the slot */
    close_job(&l);
}

static void test_tail_program_that_is_not_named_is_refused_where_a_call_may_find_it(void **state)
{
    const struct load_value values[] = {{NARROW, 0, SECOND}, {WIDE, 2, SECOND}};
    struct linked l = open_job(values, 2, true);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_false(takes(&l, NARROW, 0, FIRST));
    assert_non_null(strstr(l.job->other_why, "--maps-in"));
    assert_true(takes(&l, NARROW, 1, FIRST)); /* nobody looks there */
    assert_true(takes(&l, WIDE, 2, SECOND));
    assert_false(takes(&l, WIDE, 3, SECOND));
    assert_true(takes(&l, WIDE, 4, SECOND)); /* the index is 3 at most */
    assert_false(takes(&l, NARROW, 1, BAD)); /* it can't be run at all */
    assert_false(takes(&l, NARROW, 1, PROGRAMS));
    close_job(&l);
}

static void test_tail_slot_that_no_call_reads_links_nothing(void **state)
{
    const struct load_value values[] = {{NARROW, 1, SECOND}, {WIDE, 4, BAD}};
    struct linked l = open_job(values, 2, true);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_int_equal(l.job->tails.part_count, 1);
    close_job(&l);
}

static void test_tail_program_that_the_verifier_rejects_is_named(void **state)
{
    const struct load_value values[] = {{NARROW, 0, BAD}};
    struct linked l = open_job(values, 1, true);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), -ENOTSUP);
    assert_string_equal(job_reason(l.job, JOB_IR)->code, "FIT0002");
    assert_non_null(
        strstr(job_reason(l.job, JOB_IR)->message, "program bad, which is in map narrow"));
    close_job(&l);
}

static void test_tail_map_that_nothing_is_said_of_has_all_other_programs_that_run(void **state)
{
    const struct load_value values[] = {{WIDE, 0, SECOND}};
    struct linked l = open_job(NULL, 0, false);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_int_equal(l.job->tails.part_count, 2);
    assert_true(takes(&l, WIDE, 3, SECOND));
    assert_false(takes(&l, WIDE, 3, FIRST));
    close_job(&l);
    l = open_job(values, 1, false); /* "narrow" is still open, "wide" is not */
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_true(takes(&l, NARROW, 0, SECOND));
    assert_false(takes(&l, WIDE, 3, SECOND));
    close_job(&l);
}

static void test_tail_calls_that_find_nothing_are_nothing(void **state)
{
    struct linked l = open_job(NULL, 0, true);

    (void)state;
    assert_int_equal(job_do(l.job, JOB_IR), 0);
    assert_int_equal(l.job->tails.part_count, 1);
    assert_int_equal(l.job->ir->block_count, 1);
    close_job(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail_program_that_is_named_is_linked_and_taken),
        cmocka_unit_test(test_tail_program_that_is_not_named_is_refused_where_a_call_may_find_it),
        cmocka_unit_test(test_tail_slot_that_no_call_reads_links_nothing),
        cmocka_unit_test(test_tail_program_that_the_verifier_rejects_is_named),
        cmocka_unit_test(test_tail_map_that_nothing_is_said_of_has_all_other_programs_that_run),
        cmocka_unit_test(test_tail_calls_that_find_nothing_are_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
