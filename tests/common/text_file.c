/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/text_file.h"
#include "compiler/ir/ir.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

char *text_file_read(const char *path, struct arena *arena)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    long size = -1;

    if (!file)
        return NULL;
    if (!fseek(file, 0, SEEK_END))
        size = ftell(file);
    if (size >= 0) {
        rewind(file);
        text = arena_alloc(arena, (size_t)size + 1);
        if (fread(text, 1, (size_t)size, file) != (size_t)size) {
            text = NULL;
            errno = EIO;
        }
    }
    fclose(file);
    return text;
}

uint32_t text_file_list(const char *folder, const char *ending, struct arena *arena,
                        const char ***paths)
{
    char *pattern = arena_printf(arena, "%s/*%s", folder, ending);
    glob_t found;
    uint32_t count = 0;

    if (glob(pattern, 0, NULL, &found))
        return 0;
    *paths = arena_array(arena, found.gl_pathc, sizeof(**paths));
    for (; count < found.gl_pathc; count++)
        (*paths)[count] = arena_strdup(arena, found.gl_pathv[count]);
    globfree(&found);
    return count;
}

char *text_of_ir(const struct ir_func *f, struct arena *arena)
{
    char *text = NULL, *copy;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    ir_print(out, f);
    fclose(out);
    copy = arena_strdup(arena, text);
    free(text);
    return copy;
}
