/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipeline.h"
#include "tests/common/text_file.h"

#include <stdio.h>

/* The pipeline of a program in IR text, for the proofs: usage: pipeline FILE.ir >FILE.v */

int main(int argc, char **argv)
{
    const struct pipe_options options = {.size = sizeof(options), .window_bytes = 1024};
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct pipe_design *design;
    struct ir_func *f;
    const char *text;

    if (argc != 2)
        return 2;
    text = text_file_read(argv[1], arena);
    if (ir_parse(text, arena, &sink, &f) || ir_check(f, &sink) ||
        pipe_compile(f, &options, arena, &sink, &design)) {
        fprintf(stderr, "%s: %s\n", argv[1], diag_first_error(&sink)->message);
        return 1;
    }
    fputs(design->verilog, stdout);
    arena_close(arena);
    return 0;
}
