/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/vector/vector.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* vector-runner EXECUTOR[+][,...] FILE.vec ...: runs text vectors and prints a JSON array, for each
 * file {"vector", "cases", "uses", "results": [{"executor", "mode", "cases", "failed", "why"}]}.
 * EXECUTOR+ runs as the conformance plug-in does, even what the verifier takes. */

static json_t *uses_of(const struct vector *v, struct arena *arena)
{
    json_t *uses = json_array();

    for (uint32_t at = 0; at < v->insn_count; at += ebpf_slots(&v->insns[at]))
        json_array_append_new(uses, json_string(vector_use_of(&v->insns[at], arena)));
    return uses;
}

static json_t *result_of(const struct vector_result *r)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:s?}", "executor", r->executor, "mode", r->mode,
                     "cases", (int)r->cases, "failed", (int)r->failed, "why", r->why);
}

static json_t *run_file(const char *path, char *executors, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    json_t *results = json_array();
    struct vector v;

    if (vector_read(path, arena, &sink, &v)) {
        for (uint32_t i = 0; i < sink.count; i++)
            diag_write(stderr, &sink.records[i]);
        json_decref(results);
        return NULL;
    }
    for (char *name = strtok(executors, ","); name; name = strtok(NULL, ",")) {
        char *plus = strchr(name, '+');
        struct vector_result r;

        if (plus)
            *plus = 0;
        vector_run(&v, name, plus != NULL, arena, &r);
        json_array_append_new(results, result_of(&r));
    }
    return json_pack("{s:s, s:i, s:o, s:o}", "vector", path, "cases", (int)v.case_count, "uses",
                     uses_of(&v, arena), "results", results);
}

int main(int argc, char **argv)
{
    json_t *all = json_array();
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: vector-runner EXECUTOR[+][,...] FILE.vec ...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        struct arena *arena = arena_open();
        char *executors = strdup(argv[1]);
        json_t *file = run_file(argv[i], executors, arena);

        if (file)
            json_array_append_new(all, file);
        else
            status = 1;
        free(executors);
        arena_close(arena);
    }
    json_dumpf(all, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(all);
    return status;
}
