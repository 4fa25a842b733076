/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"
#include "tests/common/verify_text.h"

#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The verifier's verdicts: each file of tests/text/verify, and that no code lacks a file. */

struct outcome {
    uint32_t files, accepted, wrong;
};

static void complain(struct outcome *o, const char *path, const char *expected,
                     const struct diag_sink *sink)
{
    const struct diag *d = diag_first_error(sink);

    o->wrong++;
    fprintf(stderr, "%s: expected %s\n", path, expected);
    if (d)
        diag_write(stderr, d);
    else
        fprintf(stderr, "    but it is accepted\n");
}

static void check_rejection(struct outcome *o, const char *path, const struct verify_text *text,
                            int err, const struct diag_sink *sink)
{
    const struct diag *d = diag_first_error(sink);

    if ((err != -EACCES && err != -ENOTSUP) || !d || strcmp(d->code, text->code) != 0) {
        complain(o, path, text->code, sink);
        return;
    }
    assert_int_equal(sink->errors, 1);
    assert_int_not_equal(d->where.insn, DIAG_NO_INSN);
    for (uint32_t i = 0; i < text->part_count; i++)
        if (!strstr(d->message, text->parts[i])) {
            complain(o, path, text->parts[i], sink);
            return;
        }
}

/* "4: r3 most 3", "4: r3 is 3", "4: result is 3", of the entry's instruction 4; a word instead of
 * the number says that nothing is known. */
static bool fact_holds(const struct verify_result *result, const char *line)
{
    const struct verify_fact *f = result->contexts[0].facts;
    char relation[32] = "", value[32] = "";
    unsigned insn, reg = 0;
    bool known;

    if (sscanf(line, "%u: result %31s %31s", &insn, relation, value) != 3 &&
        sscanf(line, "%u: r%u %31s %31s", &insn, &reg, relation, value) != 4)
        fail_msg("not a fact: %s", line);
    f += insn;
    known = value[0] >= '0' && value[0] <= '9';
    assert_true(f->reached && (reg == 0 || (reg <= 5 && f->args)));
    if (!strcmp(relation, "most"))
        return f->args[reg - 1].max == (known ? strtoull(value, NULL, 0) : UINT64_MAX);
    assert_string_equal(relation, "is");
    if (!known)
        return !(reg ? f->args[reg - 1].is_const : f->dst_const);
    return (reg ? f->args[reg - 1].is_const : f->dst_const) &&
           (reg ? f->args[reg - 1].value : f->dst_value) == strtoull(value, NULL, 0);
}

static void check_acceptance(struct outcome *o, const char *path, const struct verify_text *text,
                             const struct verify_result *result)
{
    assert_true(result->contexts[0].facts[0].reached && result->processed > 0);
    for (uint32_t i = 0; i < text->part_count; i++)
        if (!fact_holds(result, text->parts[i])) {
            o->wrong++;
            fprintf(stderr, "%s: not so: %s\n", path, text->parts[i]);
        }
}

static void check_file(const char *path, void *ctx)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct verify_result *result = NULL;
    struct outcome *o = ctx;
    struct verify_text text;
    int err;

    if (verify_text_read(path, arena, &sink, &text)) {
        diag_write(stderr, diag_first_error(&sink));
        fail_msg("%s", path);
    }
    o->files++;
    o->accepted += text.accepted;
    err = verify_program(text.object, &text.object->progs[0], NULL, arena, &sink, &result);
    if (!text.accepted)
        check_rejection(o, path, &text, err, &sink);
    else if (err || sink.count)
        complain(o, path, "accepted", &sink);
    else
        check_acceptance(o, path, &text, result);
    arena_close(arena);
}

static void test_verify_text_each_file_gives_what_it_expects(void **state)
{
    struct outcome o = {0};

    (void)state;
    verify_text_each(check_file, &o);
    printf("%u files, %u of them accepted\n", o.files, o.accepted);
    assert_true(o.files > 100 && o.accepted > 50 && o.files > o.accepted + 50);
    assert_int_equal(o.wrong, 0);
}

/* ---- codes ---- */

enum { CODES = 10000 };

struct codes {
    bool has[CODES];
};

static void add_codes(const char *path, void *ctx)
{
    FILE *file = fopen(path, "r");
    struct codes *c = ctx;
    char line[1024];

    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        for (const char *at = line; (at = strstr(at, "VFY")); at++)
            if (strspn(at + 3, "0123456789") == 4)
                c->has[atoi(at + 3)] = true;
    fclose(file);
}

static void test_verify_text_each_code_has_a_file(void **state)
{
    static struct codes sources, texts;
    uint32_t missing = 0;
    glob_t found;

    (void)state;
    assert_int_equal(glob(SLUICE_SOURCE_ROOT "/compiler/verify/*.c", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_codes(found.gl_pathv[i], &sources);
    globfree(&found);
    verify_text_each(add_codes, &texts);
    for (uint32_t i = 0; i < CODES; i++)
        if (sources.has[i] != texts.has[i]) {
            fprintf(stderr, "VFY%04u %s\n", i, texts.has[i] ? "is in no source" : "has no test");
            missing++;
        }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_text_each_file_gives_what_it_expects),
        cmocka_unit_test(test_verify_text_each_code_has_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
