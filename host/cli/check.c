/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* sluice check: what the verifier says, and which executors a program fits. */

struct check_arguments {
    struct cli_object_options object;
    bool json;
    bool verbose;
};

static const struct argp_option options_table[] = {
    {"json", 'j', NULL, 0, "print the result as one JSON document", 2},
    {"verbose", 'v', NULL, 0, "print the verifier's states to stderr, as the kernel's log does", 2},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct check_arguments *a = state->input;

    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'v':
        a->verbose = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_object_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .children = children,
                                 .doc =
                                     "Verifies the programs of an object; for each executor says "
                                     "whether it fits, or why not."};

/* What a rejection adds to a program's entry. */
static void add_rejection(json_t *j, const struct diag *d)
{
    if (!d)
        return;
    json_object_set_new(j, "code", cli_json_text(d->code));
    json_object_set_new(j, "message", cli_json_text(d->message));
    if (d->where.insn != DIAG_NO_INSN)
        json_object_set_new(j, "insn", json_integer(d->where.insn));
    if (d->where.source_line)
        json_object_set_new(j, "line", json_integer(d->where.source_line));
    if (d->where.source_file)
        json_object_set_new(j, "file", cli_json_text(d->where.source_file));
}

/* Whether a map, or a part of it, is outside of the chip. */
typedef bool (*outside_fn)(const struct job *job, uint32_t map);

/* Where maps lie, of those that the device holds; keys NULL: all on chip. */
static json_t *map_memories(const struct job *job, outside_fn external, outside_fn keys)
{
    static const char *const places[] = {"chip", "external"};
    json_t *all = json_array();

    for (uint32_t i = 0; i < job->ir->map_count; i++) {
        const struct ir_map *m = &job->ir->maps[i];

        if (m->engine)
            json_array_append_new(
                all, json_pack("{s:o,s:s,s:s,s:I}", "name", cli_json_text(m->name), "memory",
                               places[external(job, i)], "keys", places[keys && keys(job, i)],
                               "bytes", (json_int_t)ir_map_bytes(m)));
    }
    return all;
}

static bool external_to_core(const struct job *job, uint32_t map)
{
    return ucode_map_external(job->microcode, map);
}

static bool keys_external_to_core(const struct job *job, uint32_t map)
{
    return ucode_map_keys_external(job->microcode, map);
}

static bool external_to_pipeline(const struct job *job, uint32_t map)
{
    return job->pipeline->maps[map].external_bytes != 0;
}

static void add_hardware_facts(json_t *j, const struct exec_ops *ops, struct job *job)
{
    if (ops == exec_find("microcode")) {
        json_object_set_new(j, "rows", json_integer(job->microcode->row_count));
        json_object_set_new(j, "operations", json_integer(job->microcode->ops));
        json_object_set_new(j, "maps", map_memories(job, external_to_core, keys_external_to_core));
    } else if (ops == exec_find("pipeline")) {
        json_object_set_new(j, "stages", json_integer(job->pipeline->stages));
        json_object_set_new(j, "window_bytes", json_integer(job->pipeline->window_bytes));
        json_object_set_new(j, "cycles_best", json_integer(job->pipeline->cycles_best));
        json_object_set_new(j, "cycles_same_key", json_integer(job->pipeline->cycles_same_key));
        json_object_set_new(j, "maps", map_memories(job, external_to_pipeline, NULL));
        if (job->pipeline->event_beats)
            json_object_set_new(j, "cycles_events", json_integer(job->pipeline->event_beats));
    }
}

/* For each executor, whether the program fits it; none takes one that the verifier rejects. */
static json_t *check_executors(struct job *job)
{
    json_t *all = json_object();

    for (uint32_t i = 0; i < exec_count; i++) {
        const struct exec_ops *ops = exec_table[i];
        char why[EXEC_WHY_BYTES] = "";
        json_t *j = json_object();
        int err = ops->fits(job, why);

        json_object_set_new(j, "fits", json_boolean(!err));
        if (err)
            json_object_set_new(j, "reason", cli_json_text(why));
        else
            add_hardware_facts(j, ops, job);
        json_object_set_new(all, ops->name, j);
    }
    return all;
}

/* What the verification took. */
static void add_effort(json_t *j, const struct verify_result *r)
{
    json_object_set_new(j, "processed", json_integer((json_int_t)r->processed));
    json_object_set_new(j, "states", json_integer((json_int_t)r->states));
    json_object_set_new(j, "peak_bytes", json_integer((json_int_t)r->peak_bytes));
    json_object_set_new(j, "ns", json_integer((json_int_t)r->ns));
}

/* Of one program, the document itself has its fields, beside the array. */
static void lift_only_program(json_t *document, const json_t *programs)
{
    const char *key;
    json_t *value;

    if (json_array_size(programs) != 1)
        return;
    json_object_foreach(json_array_get(programs, 0), key, value)
    {
        json_object_set(document, key, value);
    }
}

static json_t *check_program(const struct check_arguments *a, const struct cli_object *object,
                             const struct load_prog *prog, int *status)
{
    struct job_options options = {.size = sizeof(options)};
    json_t *j = json_object();
    const struct load_object *alone;
    struct job *job;
    int err, status_of_programs;

    options.opt.dump = a->object.dump;
    options.opt.dump_to = stderr;
    options.memories = a->object.memories;
    options.memory_count = a->object.memory_count;
    options.memory_bytes = a->object.memory_bytes;
    options.verify.log = a->verbose ? stderr : NULL;
    alone = load_only(object->object, prog, object->arena);
    status_of_programs = alone ? cli_programs(object, alone, &options) : 0;
    if (status_of_programs)
        *status = status_of_programs; /* what was said of programs before stands */
    job = alone ? job_open(alone, alone->progs, &options, object->arena) : NULL;
    err = job ? job_do(job, JOB_VERIFY) : -ENOMEM;
    json_object_set_new(j, "name", cli_json_text(prog->name));
    json_object_set_new(j, "section", cli_json_text(prog->section));
    json_object_set_new(j, "accepted", json_boolean(!err));
    json_object_set_new(j, "instructions", json_integer(prog->insn_count));
    if (err == -ENOMEM) {
        *status = cli_fail("no memory");
    } else if (err) {
        add_rejection(j, job_reason(job, JOB_VERIFY));
        json_object_set_new(j, "executors", check_executors(job));
        *status = CLI_REJECTED;
        if (!a->json)
            for (uint32_t i = 0; i < job->sinks[JOB_VERIFY].count; i++)
                diag_write(stderr, &job->sinks[JOB_VERIFY].records[i]);
    }
    if (err != -ENOMEM)
        add_effort(j, job->facts);
    if (!err)
        json_object_set_new(j, "executors", check_executors(job));
    return j;
}

static bool is_external(const json_t *map, const char *part)
{
    return !strcmp(json_string_value(json_object_get(map, part)), "external");
}

/* Names the maps in external memory, if there are any. */
static void print_external(const json_t *maps)
{
    const char *before = "; in external memory: ";
    const json_t *m;
    size_t i;

    json_array_foreach(maps, i, m)
    {
        const bool keys = is_external(m, "keys");

        if (is_external(m, "memory"))
            printf("%s%s (%lld bytes%s)", before, json_string_value(json_object_get(m, "name")),
                   (long long)json_integer_value(json_object_get(m, "bytes")),
                   keys ? ", and keys" : "");
        else if (keys)
            printf("%s%s (keys)", before, json_string_value(json_object_get(m, "name")));
        else
            continue;
        before = ", ";
    }
}

static void print_text(const json_t *program)
{
    const bool accepted = json_is_true(json_object_get(program, "accepted"));
    const char *name;
    const json_t *e;

    printf("%s (section %s): %s, %lld instructions",
           json_string_value(json_object_get(program, "name")),
           json_string_value(json_object_get(program, "section")),
           accepted ? "accepted" : "rejected",
           (long long)json_integer_value(json_object_get(program, "instructions")));
    if (accepted)
        printf(", %lld processed",
               (long long)json_integer_value(json_object_get(program, "processed")));
    putchar('\n');
    if (!accepted)
        return; /* the reason has been told */
    json_object_foreach(json_object_get(program, "executors"), name, e)
    {
        const bool fits = json_is_true(json_object_get(e, "fits"));

        printf("  %-10s %s%s", name, fits ? "fits" : "does not fit: ",
               fits ? "" : json_string_value(json_object_get(e, "reason")));
        if (json_object_get(e, "rows"))
            printf(": %lld rows, %lld operations",
                   (long long)json_integer_value(json_object_get(e, "rows")),
                   (long long)json_integer_value(json_object_get(e, "operations")));
        print_external(json_object_get(e, "maps"));
        if (json_object_get(e, "stages"))
            printf(": %lld stages, %lld cycles a packet, %lld if all have the same key",
                   (long long)json_integer_value(json_object_get(e, "stages")),
                   (long long)json_integer_value(json_object_get(e, "cycles_best")),
                   (long long)json_integer_value(json_object_get(e, "cycles_same_key")));
        if (json_object_get(e, "cycles_events"))
            printf(", %lld more with events",
                   (long long)json_integer_value(json_object_get(e, "cycles_events")));
        putchar('\n');
    }
}

int cli_check(int argc, char **argv)
{
    struct check_arguments a = {.object = {.all = true}};
    struct cli_object object = {0};
    json_t *document, *programs;
    int status;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    document = json_object();
    programs = json_array();
    for (uint32_t i = 0; i < object.object->prog_count; i++) {
        const struct load_prog *prog = &object.object->progs[i];
        json_t *j;

        if (a.object.program && strcmp(prog->name, a.object.program))
            continue;
        j = check_program(&a, &object, prog, &status);
        if (!a.json)
            print_text(j);
        json_array_append_new(programs, j);
    }
    json_object_set_new(document, "object", cli_json_text(a.object.path));
    json_object_set_new(document, "programs", programs);
    lift_only_program(document, programs);
    if (a.json) {
        cli_print_json(document);
    }
    json_decref(document);
    cli_object_close(&object);
    return status;
}
