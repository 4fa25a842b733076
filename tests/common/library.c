/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library.h"

#include "tests/common/text_object.h"

#include <stdlib.h>

struct sluice_object *library_open(const char *text)
{
    struct sluice_object *object = NULL;
    size_t bytes;
    void *data = text_object(text, &bytes);

    assert_non_null(data);
    assert_int_equal(sluice_object_open_memory(data, bytes, NULL, &object), 0);
    free(data);
    return object;
}

struct sluice_loaded *library_load(const struct sluice_object *object, const char *executor)
{
    const struct sluice_load_opts opts = {.size = sizeof(opts), .executor = executor};
    struct sluice_loaded *loaded = NULL;

    assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &opts, &loaded), 0);
    return loaded;
}
