/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/opt.h"
#include "tests/common/random_ir.h"
#include "tests/common/text_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The functions of tests/text/opt. In each file "; pass: NAMES" says which passes run, one after
 * the other, or "all";
 * "; want: TEXT" what must stand in the result, "; none: TEXT" what must not. Results on random
 * packets stay the same. */

static const struct opt_pass *pass_named(const char *name, const char *path)
{
    for (uint32_t p = 0; p < opt_pass_count; p++)
        if (strcmp(opt_passes[p].name, name) == 0)
            return &opt_passes[p];
    fail_msg("%s: no pass %s", path, name);
    return NULL;
}

/* The rest of a line that starts so, or NULL. */
static char *rest_of(char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0 ? line + strlen(start) : NULL;
}

static void run_passes(struct ir_func *f, const char *names, const char *path,
                       struct diag_sink *sink)
{
    struct arena *scratch = arena_open();
    char list[256];
    char *save;

    snprintf(list, sizeof(list), "%s", names);
    if (strcmp(list, "all") == 0)
        assert_int_equal(opt_run(f, NULL, sink), 0);
    else
        for (char *name = strtok_r(list, " ", &save); name; name = strtok_r(NULL, " ", &save))
            pass_named(name, path)->run(f, scratch);
    arena_close(scratch);
}

static void run_file(const char *path)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    char *text = text_file_read(path, arena);
    const char *printed;
    struct ir_func *before;
    struct ir_func *f;
    const char *passes = NULL;
    uint32_t wants = 0;
    char why[256];
    char *save;

    if (ir_parse(text, arena, &sink, &before) || ir_check(before, &sink))
        fail_msg("%s: %s", path, sink.records[0].message);
    assert_int_equal(ir_parse(text, arena, &sink, &f), 0);
    printed = arena_strdup(arena, text);
    for (char *line = strtok_r((char *)(uintptr_t)printed, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        passes = rest_of(line, "; pass: ") ? rest_of(line, "; pass: ") : passes;
    assert_non_null(passes);
    run_passes(f, passes, path, &sink);
    if (ir_check(f, &sink))
        fail_msg("%s: %s", path, sink.records[0].message);
    if (!random_ir_same(before, f, 1, 200, why, sizeof(why)))
        fail_msg("%s: %s", path, why);
    printed = text_of_ir(f, arena);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *want = rest_of(line, "; want: ");
        const char *none = rest_of(line, "; none: ");

        wants += want || none;
        if ((want && !strstr(printed, want)) || (none && strstr(printed, none)))
            fail_msg("%s: %s in\n%s", path, line + 2, printed);
    }
    assert_true(wants > 0);
    arena_close(arena);
}

static void test_opt_text_functions_become_what_they_say(void **state)
{
    struct arena *arena = arena_open();
    const char **paths;
    const uint32_t files =
        text_file_list(SLUICE_SOURCE_ROOT "/tests/text/opt", ".ir", arena, &paths);

    (void)state;
    assert_true(files >= opt_pass_count);
    for (uint32_t i = 0; i < files; i++)
        run_file(paths[i]);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_text_functions_become_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
