/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "host/cli/cli.h"

#include <stdio.h>
#include <string.h>

/* sluice disasm: a program as eBPF with its source lines, as IR, or as microcode. */

struct disasm_arguments {
    struct cli_object_options object;
    const char *form;
};

static const struct argp_option options_table[] = {
    {"form", 'f', "FORM", 0, "ebpf (default), ir, microcode or pipeline", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const forms[] = {"ebpf", "ir", "microcode", "pipeline"};
    struct disasm_arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        return 0;
    case 'f':
        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
            if (!strcmp(arg, forms[i])) {
                a->form = forms[i];
                return 0;
            }
        argp_error(state, "-f takes ebpf, ir, microcode or pipeline, not \"%s\"", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_object_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .children = children,
                                 .doc = "Prints a program in one of its forms."};

static int print_ebpf(const struct cli_object *object)
{
    const struct load_prog *prog = object->prog;
    const char **maps = arena_array(object->arena, object->object->map_count + 1, sizeof(*maps));
    const struct load_line *last = NULL;
    struct ebpf_names names;

    if (!maps)
        return cli_fail("no memory");
    for (uint32_t i = 0; i < object->object->map_count; i++)
        maps[i] = object->object->maps[i].name;
    names = (struct ebpf_names){maps, object->object->map_count};
    for (uint32_t i = 0; i < prog->insn_count;) {
        const struct load_line *line = load_line_of(prog, i);
        const uint32_t sub = load_subprog_of(prog, i);
        char text[256];

        if (prog->subprogs[sub].start == i)
            printf("%s:\n", prog->subprogs[sub].name);
        if (line && line != last)
            printf("; %s @ %s:%u\n", line->text ? line->text : "", line->file ? line->file : "?",
                   line->line);
        last = line;
        printf("%4u: ", i);
        i += ebpf_disasm(prog->insns, prog->insn_count, i, &names, text, sizeof(text));
        puts(text);
    }
    return CLI_OK;
}

static int print_form(const struct disasm_arguments *a, const struct cli_object *object)
{
    const enum job_step step = !strcmp(a->form, "ir")          ? JOB_IR
                               : !strcmp(a->form, "microcode") ? JOB_MICROCODE
                                                               : JOB_PIPELINE;
    char why[EXEC_WHY_BYTES];
    int status = CLI_OK;
    struct job *job = cli_job_open(&a->object, object, NULL, &status);
    int err;

    if (!job)
        return status;
    err = job_do(job, step);
    if (err) {
        exec_why(why, job_reason(job, step), err);
        return cli_no_fit("%s has no %s form: %s", job->prog->name, a->form, why);
    }
    if (step == JOB_IR)
        ir_print(stdout, job->ir);
    else if (step == JOB_MICROCODE)
        ucode_print_listing(stdout, job->microcode, job->ir);
    else
        fputs(job->pipeline->listing, stdout);
    return CLI_OK;
}

int cli_disasm(int argc, char **argv)
{
    struct disasm_arguments a = {.form = "ebpf"};
    struct cli_object object = {0};
    int status;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    status = strcmp(a.form, "ebpf") ? print_form(&a, &object) : print_ebpf(&object);
    cli_object_close(&object);
    return status;
}
