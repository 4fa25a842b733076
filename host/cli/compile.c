/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* sluice compile: the image or the Verilog, with its listing and predicted cost, into a folder. */

struct compile_arguments {
    struct cli_object_options object;
    const char *executor;
    const char *folder;
    uint32_t delay_levels;
    uint32_t unit_levels;
    bool json;
};

enum { OPT_DELAY = 0x400, OPT_UNIT };

static const struct argp_option options_table[] = {
    {"target", 't', "EXECUTOR", 0, "microcode or pipeline", 0},
    {"output", 'o', "DIR", 0, "folder for the results; made if it is not there", 0},
    {"json", 'j', NULL, 0, "print the files' names and the time of each step as one JSON document",
     2},
    {"delay-levels", OPT_DELAY, "N", 0, "pipeline: delay budget of a stage in LUT levels", 3},
    {"unit-levels", OPT_UNIT, "N", 0,
     "pipeline: delay budget of an atomic unit at a map in LUT levels; 1: no such units", 3},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct compile_arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        return 0;
    case 't':
        if (strcmp(arg, "microcode") && strcmp(arg, "pipeline"))
            argp_error(state, "-t takes microcode or pipeline, not \"%s\"", arg);
        a->executor = arg;
        return 0;
    case 'o':
        a->folder = arg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case OPT_DELAY:
        a->delay_levels = (uint32_t)cli_number(state, "--delay-levels", arg, 1, 64);
        return 0;
    case OPT_UNIT:
        a->unit_levels = (uint32_t)cli_number(state, "--unit-levels", arg, 1, 64);
        return 0;
    case ARGP_KEY_END:
        if (!a->executor)
            argp_error(state, "-t EXECUTOR is missing: microcode or pipeline");
        if (!a->folder)
            argp_error(state, "-o DIR is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_object_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .children = children,
                                 .doc = "Translates a program for a hardware executor."};

/* The reason of a write that failed. */
static int write_error(void)
{
    return errno ? -errno : -EIO;
}

typedef int (*writer_fn)(FILE *out, const struct job *job);

static int write_image(FILE *out, const struct job *job)
{
    return ucode_image_write(out, job->microcode);
}

static int write_ucode_listing(FILE *out, const struct job *job)
{
    ucode_print_listing(out, job->microcode, job->ir);
    return 0;
}

static int write_verilog(FILE *out, const struct job *job)
{
    return fputs(job->pipeline->verilog, out) < 0 ? write_error() : 0;
}

static int write_pipe_listing(FILE *out, const struct job *job)
{
    return fputs(job->pipeline->listing, out) < 0 ? write_error() : 0;
}

/* How packets meet at each map. */
static json_t *map_costs(const struct job *job)
{
    static const char *const hazards[PIPE_HAZARD_COUNT] = {"none", "key", "map"};
    json_t *all = json_array();

    for (uint32_t i = 0; i < job->pipeline->map_count; i++) {
        const struct pipe_map_info *m = &job->pipeline->maps[i];
        json_t *j = json_object();

        json_object_set_new(j, "name", cli_json_text(job->ir->maps[i].name));
        json_object_set_new(j, "waits", json_string(hazards[m->hazard]));
        json_object_set_new(j, "only_on_miss", json_boolean(m->on_miss));
        json_object_set_new(j, "atomic_unit", json_boolean(m->unit_levels > 0));
        if (m->unit_levels)
            json_object_set_new(j, "unit_levels", json_integer(m->unit_levels));
        json_object_set_new(j, "cycles_best", json_integer(m->accesses));
        json_object_set_new(j, "cycles_same_key", json_integer(m->cycles));
        json_object_set_new(j, "why", cli_json_text(m->why));
        if (m->why_apart)
            json_object_set_new(j, "why_no_unit", cli_json_text(m->why_apart));
        json_array_append_new(all, j);
    }
    return all;
}

static int write_cost(FILE *out, const struct job *job)
{
    json_t *j = json_object();
    int err;

    json_object_set_new(j, "program", cli_json_text(job->prog->name));
    json_object_set_new(j, "instructions", json_integer(job->prog->insn_count));
    if (job->microcode) {
        json_object_set_new(j, "executor", json_string("microcode"));
        json_object_set_new(j, "rows", json_integer(job->microcode->row_count));
        json_object_set_new(j, "operations", json_integer(job->microcode->ops));
    } else {
        json_object_set_new(j, "executor", json_string("pipeline"));
        json_object_set_new(j, "stages", json_integer(job->pipeline->stages));
        json_object_set_new(j, "window_bytes", json_integer(job->pipeline->window_bytes));
        json_object_set_new(j, "cycles_best", json_integer(job->pipeline->cycles_best));
        json_object_set_new(j, "cycles_same_key", json_integer(job->pipeline->cycles_same_key));
        if (job->pipeline->event_beats)
            json_object_set_new(j, "cycles_events", json_integer(job->pipeline->event_beats));
        json_object_set_new(j, "maps", map_costs(job));
    }
    err = json_dumpf(j, out, JSON_INDENT(2)) || fputc('\n', out) < 0 ? write_error() : 0;
    json_decref(j);
    return err;
}

enum { FILES = 3 };

static int write_files(struct cli_output outputs[FILES], const writer_fn writers[FILES],
                       const struct job *job)
{
    int status = cli_outputs_open(outputs, FILES, NULL);
    int closed;

    for (int i = 0; i < FILES && !status; i++) {
        const int err = writers[i](outputs[i].out.file, job);

        if (err)
            status = cli_output_fail(&outputs[i], err);
    }
    closed = cli_outputs_close(outputs, FILES, !status);
    return status ? status : closed;
}

/* Makes the folder if it is not there; *made tells. */
static int make_folder(const char *folder, bool *made)
{
    struct stat st;

    *made = !mkdir(folder, 0777);
    if (*made || (errno == EEXIST && !stat(folder, &st) && S_ISDIR(st.st_mode)))
        return CLI_OK;
    if (errno == EEXIST)
        return cli_fail("-o %s: there is a file of that name; -o takes a folder", folder);
    return cli_fail("-o %s: the folder can't be made: %s", folder, strerror(errno));
}

/* What the files don't say, as they are the same whenever they are made. */
static void print_result(const struct compile_arguments *a, const struct job *job,
                         const struct cli_output outputs[FILES])
{
    const enum job_step last = job->microcode ? JOB_MICROCODE : JOB_PIPELINE;
    json_t *files = json_array();
    json_t *j = json_object();

    for (int i = 0; i < FILES; i++)
        json_array_append_new(files, cli_json_text(outputs[i].path));
    json_object_set_new(j, "program", cli_json_text(job->prog->name));
    json_object_set_new(j, "executor", json_string(a->executor));
    json_object_set_new(j, "files", files);
    json_object_set_new(j, "verify_ns", json_integer((json_int_t)job->step_ns[JOB_VERIFY]));
    json_object_set_new(j, "ir_ns", json_integer((json_int_t)job->step_ns[JOB_IR]));
    json_object_set_new(j, "compile_ns", json_integer((json_int_t)job->step_ns[last]));
    cli_print_json(j);
    json_decref(j);
}

static int write_all(const struct compile_arguments *a, const struct job *job)
{
    const bool microcode = !strcmp(a->executor, "microcode");
    /* the executor's name is part of each: one folder may hold what both get */
    const char *const suffixes[FILES] = {
        microcode ? ".ucode" : ".v", microcode ? ".microcode.lst" : ".pipeline.lst",
        microcode ? ".microcode.cost.json" : ".pipeline.cost.json"};
    const writer_fn writers[FILES] = {microcode ? write_image : write_verilog,
                                      microcode ? write_ucode_listing : write_pipe_listing,
                                      write_cost};
    struct cli_output outputs[FILES] = {0};
    bool made;
    int status;

    if (strchr(job->prog->name, '/'))
        return cli_fail("the program's name, \"%s\", can't be a file's: it has a slash",
                        job->prog->name);
    status = make_folder(a->folder, &made);
    if (status)
        return status;
    for (int i = 0; i < FILES && !status; i++) {
        outputs[i].option = "-o";
        outputs[i].path =
            arena_printf(job->arena, "%s/%s%s", a->folder, job->prog->name, suffixes[i]);
        if (!outputs[i].path)
            status = cli_fail("no memory");
    }
    if (!status)
        status = write_files(outputs, writers, job);
    if (!status && a->json)
        print_result(a, job, outputs);
    for (int i = 0; i < FILES && !status && !a->json; i++)
        printf("%s\n", outputs[i].path);
    if (status && made)
        rmdir(a->folder);
    return status;
}

int cli_compile(int argc, char **argv)
{
    struct compile_arguments a = {0};
    struct cli_object object = {0};
    struct job_options options = {.size = sizeof(options)};
    char why[EXEC_WHY_BYTES];
    struct job *job;
    int status;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    options.pipe.delay_levels = a.delay_levels;
    options.pipe.unit_levels = a.unit_levels;
    job = cli_job_open(&a.object, &object, &options, &status);
    if (job && exec_find(a.executor)->fits(job, why))
        status = cli_no_fit("%s does not fit %s: %s", job->prog->name, a.executor, why);
    if (!status)
        status = write_all(&a, job);
    cli_object_close(&object);
    return status;
}
