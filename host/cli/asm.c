/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"
#include "compiler/microcode/microcode.h"
#include "host/cli/cli.h"
#include "host/cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sluice asm: what disasm prints, back into a file: eBPF into an object or bare instructions,
 * microcode into an image. */

enum { OPT_RAW = 0x600 };
enum { TEXT_MAX_BYTES = 256 << 20 };

struct asm_arguments {
    const char *path;
    struct cli_output out;
    bool microcode;
    bool raw;
};

static const struct argp_option options_table[] = {
    {"form", 'f', "FORM", 0, "what TEXT is: ebpf (default) or microcode", 0},
    {"output", 'o', "FILE", 0, "the file to write (- for standard output)", 0},
    {"raw", OPT_RAW, NULL, 0, "eBPF: write bare instructions instead of an object", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct asm_arguments *a = state->input;

    switch (key) {
    case 'f':
        if (strcmp(arg, "ebpf") && strcmp(arg, "microcode"))
            argp_error(state, "-f takes ebpf or microcode, not \"%s\"", arg);
        a->microcode = !strcmp(arg, "microcode");
        return 0;
    case 'o':
        a->out.path = arg;
        return 0;
    case OPT_RAW:
        a->raw = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->path)
            argp_error(state, "one TEXT only: \"%s\" is a second one", arg);
        a->path = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->path)
            argp_error(state,
                       "TEXT is missing: a file with a program as sluice disasm -f asm prints "
                       "it (- for standard input)");
        if (!a->out.path)
            argp_error(state, "-o FILE is missing");
        if (a->microcode && a->raw)
            argp_error(state, "--raw is for eBPF; microcode becomes an image");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .args_doc = "TEXT",
                                 .doc = "Assembles a program: eBPF as bpftool and sluice disasm "
                                        "print it, or microcode."};

/* Instructions as bpf(BPF_PROG_LOAD) takes them: a function's address counts from the instruction
 * behind. */
static int write_raw(FILE *out, const struct load_prog *prog)
{
    for (uint32_t at = 0; at < prog->insn_count;) {
        const uint32_t slots = ebpf_slots(&prog->insns[at]);
        struct ebpf_insn i[2] = {prog->insns[at]};

        if (slots == 2)
            i[1] = prog->insns[at + 1];
        if (slots == 2 && i[0].src == EBPF_PSEUDO_FUNC)
            i[0].imm -= (int32_t)at + 1;
        errno = 0;
        if (fwrite(i, sizeof(*i), slots, out) != slots)
            return errno ? -errno : -EIO;
        at += slots;
    }
    return 0;
}

static int assemble_ebpf(const struct asm_arguments *a, const char *text, struct arena *arena,
                         struct diag_sink *sink, FILE *out)
{
    const struct load_object *object;
    int err = load_parse(text, a->path, arena, sink, &object);

    if (err)
        return err;
    return a->raw ? write_raw(out, &object->progs[0])
                  : load_write(out, object, &object->progs[0], arena);
}

static int assemble_microcode(const struct asm_arguments *a, const char *text, struct arena *arena,
                              struct diag_sink *sink, FILE *out)
{
    const struct ucode_image *image;
    int err = ucode_parse_image(text, a->path, arena, sink, &image);

    return err ? err : ucode_image_write(out, image);
}

static int assemble(struct asm_arguments *a, const char *text, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    int status = cli_outputs_open(&a->out, 1, NULL);
    int closed;
    int err;

    if (status)
        return status;
    err =
        (a->microcode ? assemble_microcode : assemble_ebpf)(a, text, arena, &sink, a->out.out.file);
    for (uint32_t i = 0; i < sink.count; i++)
        diag_write(stderr, &sink.records[i]);
    if (err && sink.errors && !a->microcode && !strstr(text, ".map"))
        fputs(
            "sluice: if the program uses maps, .map lines say what they are; sluice disasm -f asm "
            "prints them\n",
            stderr);
    if (err)
        status = sink.errors ? CLI_USAGE : cli_output_fail(&a->out, err);
    closed = cli_outputs_close(&a->out, 1, !status);
    return status ? status : closed;
}

int cli_asm(int argc, char **argv)
{
    struct asm_arguments a = {.out = {.option = "-o"}};
    struct arena *arena;
    size_t bytes;
    char *text;
    int status;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    arena = arena_open();
    if (!arena)
        return cli_fail("no memory");
    status = cli_read_file(a.path, TEXT_MAX_BYTES, arena, &text, &bytes);
    if (!status && memchr(text, 0, bytes))
        status = cli_fail("%s: not a text: it has a byte 0; sluice disasm makes one of it", a.path);
    if (!status)
        status = assemble(&a, text, arena);
    arena_close(arena);
    return status;
}
