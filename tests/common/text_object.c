/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/text_object.h"

#include "compiler/load/load.h"

#include <stdlib.h>

void *text_object(const char *text, size_t *bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct load_object *object;
    char *data = NULL;
    FILE *out = open_memstream(&data, bytes);
    int err = load_parse(text, "text", arena, &sink, &object);

    if (!err)
        err = load_write(out, object, object->progs, arena);
    fclose(out);
    arena_close(arena);
    if (!err)
        return data;
    free(data);
    return NULL;
}
