/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/ir.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* IR text: refused with the line, or a function that, if the checker finds it in order, prints as
 * text that is read as the same function. */

static char *print(const struct ir_func *f)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        abort();
    ir_print(out, f);
    fclose(out);
    return text;
}

static void check_round_trip(const struct ir_func *f)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    char *text = print(f), *again;
    struct ir_func *back = NULL;

    fuzz_require(ir_parse(text, arena, &sink, &back) == 0, "what is printed can be read");
    fuzz_require(ir_check(back, &sink) == 0, "what is printed is in order");
    again = print(back);
    fuzz_require(!strcmp(text, again), "what is printed is read as it was");
    free(text);
    free(again);
    arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *f = NULL;
    char *text = malloc(bytes + 1);
    int err;

    if (!text)
        abort();
    memcpy(text, data, bytes);
    text[bytes] = 0;
    err = ir_parse(text, arena, &sink, &f);
    fuzz_require((err == 0) == (f != NULL), "a function, or an error");
    fuzz_require(err == 0 || err == -ENOMEM || sink.errors == 1, "an error has one message");
    if (f && ir_check(f, &sink) == 0)
        check_round_trip(f);
    free(text);
    arena_close(arena);
    return 0;
}
