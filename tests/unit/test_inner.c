/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/ir/pointers.h"
#include "host/ctl/job.h"

#include <errno.h>
#include <string.h>

/* Which maps a program may find in maps of maps, which of them the host may put there afterwards,
 * and into which maps a pointer leads. */

enum { FIRST, SECOND, OTHER, OUTER, UNNAMED };

static const char text[] = ".map first array 4 8 4\n"
                           ".map second array 4 8 4\n"
                           ".map other array 4 8 5\n"
                           ".map outer array_of_maps 4 4 4\n"
                           ".map unnamed array_of_maps 4 4 4\n"
                           "*(u32 *)(r10 -4) = 1\n"
                           "r1 = map[outer] ll\n"
                           "r2 = r10\n"
                           "r2 += -4\n"
                           "call bpf_map_lookup_elem#1\n"
                           "if r0 == 0 goto out\n"
                           "r1 = r0\n"
                           "r2 = r10\n"
                           "r2 += -4\n"
                           "call bpf_map_lookup_elem#1\n"
                           "if r0 == 0 goto out\n"
                           "*(u64 *)(r0 +0) = 1\n"
                           "out:\n"
                           "r0 = 2\n"
                           "exit\n";

struct linked {
    struct arena *arena;
    struct job *job;
};

static struct linked open_job(const struct load_value *values, uint32_t count, bool known)
{
    struct linked l = {.arena = arena_open()};
    struct job_options options = {
        .size = sizeof(options), .values = values, .value_count = count, .values_known = known};
    struct diag_sink sink = diag_sink_make(l.arena);
    const struct load_object *parsed;
    struct load_object *o;
    struct load_fields *fields = arena_array(l.arena, 2, sizeof(*fields));

    if (load_parse(text, "text", l.arena, &sink, &parsed))
        fail_msg("%s", sink.records[0].message);
    o = arena_memdup(l.arena, parsed, sizeof(*parsed));
    fields[0].inner = &o->maps[FIRST];
    fields[1].inner = &o->maps[OTHER];
    o->maps[OUTER].fields = &fields[0];
    o->maps[UNNAMED].fields = &fields[1];
    l.job = job_open(o, &o->progs[0], &options, l.arena);
    assert_non_null(l.job);
    if (job_do(l.job, JOB_IR))
        fail_msg("%s", job_reason(l.job, JOB_IR)->message);
    return l;
}

static void close_job(struct linked *l)
{
    arena_close(l->arena);
}

static uint64_t holds(const struct linked *l, uint32_t map)
{
    return l->job->ir->maps[map].holds;
}

static uint64_t only(uint32_t map)
{
    return UINT64_C(1) << map;
}

static void test_inner_map_that_is_named_is_found_and_taken(void **state)
{
    const struct load_value values[] = {{OUTER, 0, SECOND}};
    struct linked l = open_job(values, 1, true);

    (void)state;
    assert_int_equal(holds(&l, OUTER), only(SECOND));
    assert_int_equal(l.job->ir->maps[SECOND].engine, SPEC_ENGINE_VMEM);
    assert_int_equal(l.job->ir->maps[FIRST].engine, SPEC_ENGINE_NONE);
    assert_int_equal(job_takes_map(l.job, OUTER, SECOND + 1), 0);
    close_job(&l);
}

static void test_inner_map_that_is_not_named_is_refused(void **state)
{
    const struct load_value values[] = {{OUTER, 0, SECOND}};
    struct linked l = open_job(values, 1, true);

    (void)state;
    assert_int_equal(job_takes_map(l.job, OUTER, FIRST + 1), -EACCES);
    assert_non_null(strstr(l.job->other_why, "--maps-in"));
    assert_int_equal(job_takes_map(l.job, OUTER, OTHER + 1), -EINVAL); /* is of another size */
    assert_int_equal(job_takes_map(l.job, OUTER, 0), -EINVAL);
    assert_int_equal(job_takes_map(l.job, OUTER, UNNAMED + 2), -EINVAL);
    assert_int_equal(job_takes_map(l.job, UNNAMED, OTHER + 1), 0); /* nobody looks there */
    assert_int_equal(job_takes_map(l.job, UNNAMED, FIRST + 1), -EINVAL);
    close_job(&l);
}

static void test_inner_maps_of_which_nothing_is_said_are_all_that_fit(void **state)
{
    const struct load_value values[] = {{OUTER, 3, FIRST}};
    struct linked l = open_job(NULL, 0, false);

    (void)state;
    assert_int_equal(holds(&l, OUTER), only(FIRST) | only(SECOND));
    assert_int_equal(holds(&l, UNNAMED), 0); /* the program does not name it */
    assert_int_equal(l.job->ir->maps[OTHER].engine, SPEC_ENGINE_NONE);
    close_job(&l);
    l = open_job(values, 1, false);
    assert_int_equal(holds(&l, OUTER), only(FIRST));
    close_job(&l);
    l = open_job(NULL, 0, true);
    assert_int_equal(holds(&l, OUTER), 0);
    close_job(&l);
}

/* --- pointers --- */

#define MAPS                                                                                       \
    "func f\nmap 0 \"a\" array key 4 value 8 entries 4\nmap 1 \"b\" array key 4 value 8 entries "  \
    "4\n"                                                                                          \
    "map 2 \"h\" hash key 4 value 8 entries 4\n"                                                   \
    "map 3 \"o\" array_of_maps key 4 value 4 entries 4 holds 0 2\n"                                \
    "map 4 \"t\" array_of_maps key 4 value 4 entries 4 holds 1\nstack 8\nb0:\n"                    \
    " %len = input len\n %zero = const 0\n %eight = const 8\n %shift = const 32\n"                 \
    " %pa = const 0x100000000\n %pb = const 0x200000000\n %po = const 0x400000000\n"               \
    " %pt = const 0x500000000\n %two = const 2\n"                                                  \
    " %o = load.map.1 %po map 3\n %t = load.map.1 %pt map 4\n %l = map_lookup 2: %zero, %len\n"
#define ACCESS " %v = load.map.8 %p map any\n exit %v, %len, %len, %zero\n"

static const struct {
    const char *lines;
    uint64_t maps; /* that %p leads into; all bits: not known */
} pointers[] = {
    {" %p = add.64 %pa, %len\n", 1},
    {" %p = add.64 %len, %pb\n", 2},
    {" %p = add.64 %l, %eight\n", 4},
    {" %p = select %len, %pa, %l\n", 5},
    {" %p = select %len, %zero, %l\n", 4},
    {" %s = shl.64 %o, %shift\n %p = or.64 %s, %len\n", 5},
    {" %m = select %len, %o, %t\n %s = shl.64 %m, %shift\n %p = or.64 %s, %len\n", 7},
    {" %m = select %len, %t, %two\n %s = shl.64 %m, %shift\n %p = or.64 %s, %len\n", 2},
    {" %m = select %len, %zero, %t\n %n = mov.32 %m\n %s = shl.64 %n, %shift\n"
     " %q = or.64 %s, %len\n %p = select %len, %q, %zero\n",
     2},
    /* what may be a pointer, and it is not known which */
    {" %s = load.stack.8 %zero in 0..0\n %p = add.64 %s, %eight\n", UINT64_MAX},
    {" %s = shl.64 %o, %eight\n %p = or.64 %s, %len\n", UINT64_MAX},
    {" %s = add.64 %len, %eight\n %p = select %len, %pa, %s\n", UINT64_MAX},
    {" %s = shl.32 %o, %shift\n %p = or.64 %s, %len\n", UINT64_MAX},
};

static void test_pointer_leads_into_the_maps_that_it_was_made_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        const char *whole = arena_printf(arena, "%s%s%s", MAPS, pointers[i].lines, ACCESS);
        const struct ir_insn *access = NULL;
        const uint64_t *maps;
        struct ir_func *f;

        if (ir_parse(whole, arena, &sink, &f) || ir_check(f, &sink))
            fail_msg("%s: %s", pointers[i].lines, sink.records[0].message);
        maps = ir_pointers(f, arena);
        for (uint32_t r = 0; r < f->insn_count; r++)
            if (f->insns[r].op == IR_LOAD && f->insns[r].map == IR_MAP_ANY)
                access = &f->insns[r];
        assert_non_null(access);
        for (uint32_t m = 0; m < f->map_count; m++)
            if (ir_may_access(maps, access, m) != (pointers[i].maps >> m & 1))
                fail_msg("%s: map %u", pointers[i].lines, m);
        arena_close(arena);
    }
}

static void test_pointer_of_a_loop_leads_where_it_started(void **state)
{
    static const char loop[] =
        "func f\nmap 0 \"a\" array key 4 value 64 entries 4\n"
        "map 1 \"b\" array key 4 value 8 entries 4\nb0:\n"
        " %len = input len\n %zero = const 0\n %eight = const 8\n %pa = const 0x100000000\n jmp "
        "b1\n"
        "b1: from b0, b1 trips 4\n %p = phi b0: %pa, b1: %next\n %v = load.map.8 %p map any\n"
        " %next = add.64 %p, %eight\n br %v, b1, b2\nb2: from b1\n exit %v, %len, %len, %zero\n";
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const uint64_t *maps;
    struct ir_func *f;

    (void)state;
    if (ir_parse(loop, arena, &sink, &f) || ir_check(f, &sink))
        fail_msg("%s", sink.records[0].message);
    maps = ir_pointers(f, arena);
    for (uint32_t r = 0; r < f->insn_count; r++)
        if (f->insns[r].op == IR_LOAD)
            assert_int_equal(maps[f->insns[r].args[0]], 1);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inner_map_that_is_named_is_found_and_taken),
        cmocka_unit_test(test_inner_map_that_is_not_named_is_refused),
        cmocka_unit_test(test_inner_maps_of_which_nothing_is_said_are_all_that_fit),
        cmocka_unit_test(test_pointer_leads_into_the_maps_that_it_was_made_of),
        cmocka_unit_test(test_pointer_of_a_loop_leads_where_it_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
