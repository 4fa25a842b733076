/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipeline.h"
#include "tests/common/text_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Programs of tests/text/pipeline: lines "; option NAME VALUE" set how a program is compiled, lines
 * "; expect ..." say what its pipeline must be. tests/rtl/pipeline runs the same programs in
 * simulation. */

struct compiled {
    struct arena *arena;
    struct diag_sink sink;
    struct ir_func *f;
    const struct pipe_design *design;
    int err;
};

/* The rest of the first line that starts so, or NULL. */
static const char *line_after(struct arena *arena, const char **from, const char *start)
{
    const char *at = strstr(*from, start);
    const char *end;

    if (!at)
        return NULL;
    at += strlen(start);
    end = strchr(at, '\n');
    *from = end;
    return arena_printf(arena, "%.*s", (int)(end - at), at);
}

static uint32_t option(struct arena *arena, const char *text, const char *name)
{
    const char *value = line_after(arena, &text, name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : 0;
}

static void compile(struct compiled *c, const char *text)
{
    const struct pipe_options options = {.size = sizeof(options),
                                         .delay_levels = option(c->arena, text, "; option levels "),
                                         .unit_levels = option(c->arena, text, "; option units "),
                                         .window_bytes = option(c->arena, text, "; option window "),
                                         .max_stages = option(c->arena, text, "; option stages ")};

    c->sink = diag_sink_make(c->arena);
    assert_int_equal(ir_parse(text, c->arena, &c->sink, &c->f), 0);
    if (!strstr(text, "; option unchecked"))
        assert_int_equal(ir_check(c->f, &c->sink), 0);
    c->err = pipe_compile(c->f, &options, c->arena, &c->sink, &c->design);
}

static void check_error(const struct compiled *c, const char *code)
{
    const struct diag *first = diag_first_error(&c->sink);

    assert_int_equal(c->err, -ENOTSUP);
    assert_non_null(first);
    assert_string_equal(first->code, code);
}

static void check_hazard(const struct pipe_design *d, const char *what)
{
    static const char *const names[PIPE_HAZARD_COUNT] = {"none", "key", "map"};
    char *end;
    const unsigned long map = strtoul(what, &end, 10);

    assert_in_range(map, 0, d->map_count - 1);
    assert_string_equal(names[d->maps[map].hazard], end + 1);
    if (d->maps[map].hazard != PIPE_HAZARD_NONE)
        assert_true(d->maps[map].first_stage < d->maps[map].last_stage &&
                    d->maps[map].last_stage < d->stages);
}

static void check_number(const char *what, const char *name, uint32_t value)
{
    if (strncmp(what, name, strlen(name)) == 0)
        assert_int_equal(value, strtoul(what + strlen(name), NULL, 0));
}

/* One "; expect" line. */
static void check_line(const struct compiled *c, const char *what)
{
    const struct pipe_design *d = c->design;

    if (strncmp(what, "error ", 6) == 0) {
        check_error(c, what + 6);
        return;
    }
    if (strncmp(what, "message ", 8) == 0) {
        assert_non_null(strstr(diag_first_error(&c->sink)->message, what + 8));
        return;
    }
    assert_int_equal(c->err, 0);
    if (strncmp(what, "hazard ", 7) == 0)
        check_hazard(d, what + 7);
    else if (strncmp(what, "unit ", 5) == 0)
        assert_int_equal(d->maps[what[5] - '0'].unit_levels, strtoul(what + 7, NULL, 0));
    else if (strncmp(what, "apart ", 6) == 0)
        assert_non_null(strstr(d->maps[what[6] - '0'].why_apart, what + 8));
    else if (strncmp(what, "verilog ", 8) == 0)
        assert_non_null(strstr(d->verilog, what + 8));
    else if (strncmp(what, "listing ", 8) == 0)
        assert_non_null(strstr(d->listing, what + 8));
    else if (strncmp(what, "accesses ", 9) == 0)
        assert_int_equal(d->maps[what[9] - '0'].accesses, strtoul(what + 11, NULL, 0));
    check_number(what, "stages ", d->stages);
    check_number(what, "window ", d->window_bytes);
    check_number(what, "reads ", d->packet_reads);
    check_number(what, "events ", d->event_beats);
    check_number(what, "best ", d->cycles_best);
    check_number(what, "same ", d->cycles_same_key);
}

static uint32_t check_file(const char *path)
{
    struct compiled c = {.arena = arena_open()};
    const char *text = text_file_read(path, c.arena);
    const char *from = text;
    uint32_t lines = 0;

    print_message("%s\n", path);
    compile(&c, text);
    for (const char *what; (what = line_after(c.arena, &from, "; expect ")); lines++)
        check_line(&c, what);
    arena_close(c.arena);
    return lines;
}

static void test_pipe_text_files_expected(void **state)
{
    struct arena *arena = arena_open();
    const char **paths;
    const uint32_t files =
        text_file_list(SLUICE_SOURCE_ROOT "/tests/text/pipeline", ".ir", arena, &paths);

    (void)state;
    assert_true(files > 10);
    for (uint32_t i = 0; i < files; i++)
        assert_true(check_file(paths[i]) > 0);
    arena_close(arena);
}

static void test_pipe_same_program_same_text(void **state)
{
    struct compiled a = {.arena = arena_open()};
    struct compiled b = {.arena = arena_open()};
    const char *path = SLUICE_SOURCE_ROOT "/tests/text/pipeline/hash_insert.ir";

    (void)state;
    compile(&a, text_file_read(path, a.arena));
    compile(&b, text_file_read(path, b.arena));
    assert_int_equal(a.err, 0);
    assert_string_equal(a.design->verilog, b.design->verilog);
    assert_string_equal(a.design->listing, b.design->listing);
    arena_close(a.arena);
    arena_close(b.arena);
}

static void test_pipe_unknown_input_refused(void **state)
{
    struct compiled c = {.arena = arena_open()};

    (void)state;
    compile(&c, text_file_read(SLUICE_SOURCE_ROOT "/tests/text/pipeline/atomic_unit.ir", c.arena));
    assert_int_equal(c.err, 0);
    for (uint32_t i = 0; i < c.f->insn_count; i++) {
        if (c.f->insns[i].op == IR_INPUT)
            c.f->insns[i].imm = SPEC_IN_COUNT;
    }
    c.err = pipe_compile(c.f, NULL, c.arena, &c.sink, &c.design);
    check_error(&c, "PIPE0007");
    arena_close(c.arena);
}

static void test_pipe_bigger_budget_fewer_stages(void **state)
{
    struct compiled c = {.arena = arena_open()};
    uint32_t stages[3];

    (void)state;
    compile(&c, text_file_read(SLUICE_SOURCE_ROOT "/tests/text/pipeline/stage_cut.ir", c.arena));
    for (uint32_t i = 0; i < 3; i++) {
        const struct pipe_options options = {.size = sizeof(options), .delay_levels = 3u << 2 * i};

        assert_int_equal(pipe_compile(c.f, &options, c.arena, &c.sink, &c.design), 0);
        stages[i] = c.design->stages;
    }
    assert_true(stages[0] > stages[1] && stages[1] >= stages[2]);
    assert_int_equal(stages[2], 1);
    arena_close(c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipe_text_files_expected),
        cmocka_unit_test(test_pipe_same_program_same_text),
        cmocka_unit_test(test_pipe_unknown_input_refused),
        cmocka_unit_test(test_pipe_bigger_budget_fewer_stages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
