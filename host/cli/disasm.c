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

enum { IMAGE_MAX_BYTES = 16 << 20 };

static const struct argp_option options_table[] = {
    {"form", 'f', "FORM", 0,
     "ebpf (default), asm (eBPF with its maps, as sluice asm takes it), ir, microcode or pipeline",
     0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const forms[] = {"ebpf", "asm", "ir", "microcode", "pipeline"};
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
        argp_error(state, "-f takes ebpf, asm, ir, microcode or pipeline, not \"%s\"", arg);
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
                                     "Prints a program in one of its forms; of a microcode image "
                                     "(sluice compile writes them) the text that sluice asm "
                                     "takes."};

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

static void tell(const struct diag_sink *sink)
{
    for (uint32_t i = 0; i < sink->count; i++)
        diag_write(stderr, &sink->records[i]);
}

static int print_asm(const struct cli_object *object)
{
    struct diag_sink sink = diag_sink_make(object->arena);
    int err = load_print(stdout, object->object, object->prog, object->arena, &sink);

    tell(&sink);
    if (err && !sink.errors)
        return cli_fail("no memory");
    return err ? CLI_USAGE : CLI_OK;
}

/* Prints a microcode image; *is says whether the file is one, by its first bytes. */
static int print_image(const char *path, bool *is)
{
    static const char magic[] = {'S', 'L', 'U', 'C'};
    const struct ucode_image *image;
    struct arena *arena = arena_open();
    struct diag_sink sink;
    char first[sizeof(magic)];
    FILE *file = fopen(path, "rb");
    size_t bytes;
    char *data;
    int status = CLI_OK;

    *is = file && fread(first, 1, sizeof(first), file) == sizeof(first) &&
          !memcmp(first, magic, sizeof(magic));
    if (file)
        fclose(file);
    if (*is && !arena)
        status = cli_fail("no memory");
    if (*is && !status)
        status = cli_read_file(path, IMAGE_MAX_BYTES, arena, &data, &bytes);
    if (*is && !status) {
        sink = diag_sink_make(arena);
        if (ucode_image_read(data, bytes, arena, &sink, &image)) {
            tell(&sink);
            status = cli_fail("%s can't be read", path);
        } else {
            ucode_print_image(stdout, image);
        }
    }
    arena_close(arena);
    return status;
}

int cli_disasm(int argc, char **argv)
{
    struct disasm_arguments a = {.form = "ebpf"};
    struct cli_object object = {0};
    bool is_image;
    int status;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    status = print_image(a.object.path, &is_image);
    if (status || is_image)
        return status;
    status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    if (!strcmp(a.form, "ebpf"))
        status = print_ebpf(&object);
    else if (!strcmp(a.form, "asm"))
        status = print_asm(&object);
    else
        status = print_form(&a, &object);
    cli_object_close(&object);
    return status;
}
