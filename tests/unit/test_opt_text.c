/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/opt.h"
#include "tests/common/random_ir.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The functions of tests/text/opt. In each file "; pass: NAMES" says which passes run, one after
 * the other, or "all";
 * "; want: TEXT" what must stand in the result, "; none: TEXT" what must not. Results on random
 * packets stay the same. */

static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = arena_alloc(arena, 64 * 1024);
    size_t n;

    assert_non_null(file);
    n = fread(text, 1, 64 * 1024 - 1, file);
    text[n] = 0;
    fclose(file);
    return text;
}

static char *print_text(struct arena *arena, const struct ir_func *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    char *copy;

    ir_print(out, f);
    fclose(out);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

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
    char *text = read_file(arena, path);
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
    printed = print_text(arena, f);
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
    const char *folder = SLUICE_SOURCE_ROOT "/tests/text/opt";
    DIR *dir = opendir(folder);
    struct dirent *entry;
    uint32_t files = 0;

    (void)state;
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[1024];

        if (!strstr(entry->d_name, ".ir"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        run_file(path);
        files++;
    }
    closedir(dir);
    assert_true(files >= opt_pass_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_text_functions_become_what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
