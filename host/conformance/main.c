/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The plug-in for the public conformance suite of eBPF: its runner starts it once for each test,
 * with the memory as hex in the first argument and the program as hex on standard input, and reads
 * r0 from standard output. */

static const char usage[] =
    "usage: sluice-conformance-plugin [HEX OF MEMORY] [--executor interp|microcode|pipeline] "
    "[--elf]\n"
    "                                 [--verilator] [--show-memory]\n"
    "\n"
    "Runs the program whose bytes are on standard input, in hex, with r1 = the memory and r2 = "
    "its\n"
    "length, and prints r0 in hex. Nothing is verified; what faults gives an error and status 1.\n"
    "\n"
    "  --executor X    interp (default), or the simulated hardware: microcode, pipeline\n"
    "  --elf           the bytes are an ELF object, not instructions\n"
    "  --verilator     build the pipeline with Verilator, which takes longer and then runs faster\n"
    "  --show-memory   print the memory as the program left it, in a second line\n";

enum { INPUT_MAX = 64 << 20 };

struct options {
    const char *memory;
    const char *executor;
    bool elf;
    bool verilator;
    bool show_memory;
    bool help;
};

static int fail(const char *text)
{
    fprintf(stderr, "sluice-conformance-plugin: %s\n", text);
    return 1;
}

static bool known_executor(const char *name)
{
    const struct exec_ops *ops = exec_find(name);

    return ops && (ops->hardware || strcmp(name, "interp") == 0);
}

/* One word of an argument; *value says that the executor's name comes next. */
static bool take_word(struct options *o, char *word, bool *value)
{
    if (*value) {
        o->executor = word;
        *value = false;
        return true;
    }
    if (strcmp(word, "--executor") == 0)
        *value = true;
    else if (strncmp(word, "--executor=", 11) == 0)
        o->executor = word + 11;
    else if (strcmp(word, "--elf") == 0)
        o->elf = true;
    else if (strcmp(word, "--verilator") == 0)
        o->verilator = true;
    else if (strcmp(word, "--show-memory") == 0)
        o->show_memory = true;
    else if (strcmp(word, "--help") == 0)
        o->help = true;
    else
        return false;
    return true;
}

/* The runner hands its plug-in options over one by one, or all in one argument, which may be empty.
 */
static const char *parse(int argc, char **argv, struct options *o)
{
    bool value = false;

    *o = (struct options){.executor = "interp"};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 && !value) {
            if (o->memory && *argv[i])
                return "the memory is one argument: hex, with blanks between bytes or without";
            if (!o->memory)
                o->memory = argv[i];
            continue;
        }
        for (char *w = strtok(argv[i], " \t"); w; w = strtok(NULL, " \t"))
            if (!take_word(o, w, &value))
                return "there is no such option; --help shows all";
    }
    if (value)
        return "--executor needs a name";
    return known_executor(o->executor) ? NULL : "--executor takes interp, microcode or pipeline";
}

/* All of a stream as text, or NULL. */
static char *read_all(FILE *in)
{
    size_t have = 0, room = 1 << 16;
    char *text = malloc(room + 1);

    while (text) {
        const size_t n = fread(text + have, 1, room - have, in);
        char *more;

        have += n;
        if (have < room) {
            text[have] = 0;
            return text;
        }
        if (room >= INPUT_MAX) {
            free(text);
            return NULL;
        }
        room *= 2;
        more = realloc(text, room + 1);
        if (!more)
            free(text);
        text = more;
    }
    return NULL;
}

static int run(struct conf_program *p, struct conf_run *run, const struct options *o,
               char why[EXEC_WHY_BYTES])
{
    struct conf_device *d = NULL;
    int err;

    if (strcmp(o->executor, "interp") == 0)
        return conf_interpret(p, run, NULL, why);
    err = conf_device_open(p, run, 1, o->executor, !o->verilator, &d, why);
    if (!err)
        err = conf_device_run(d, run, why);
    conf_device_close(d);
    return err;
}

static void show(const struct conf_run *run, const struct options *o)
{
    printf("%llx\n", (unsigned long long)run->r0);
    if (!o->show_memory)
        return;
    for (uint32_t i = 0; i < run->bytes; i++)
        printf("%s%02x", i ? " " : "", run->memory[i]);
    printf("\n");
}

static int load_and_run(const uint8_t *program, size_t bytes, struct conf_run *r,
                        const struct options *o)
{
    struct conf_program p;
    char why[EXEC_WHY_BYTES];
    int err = conf_program_open(program, bytes, o->elf, &p, why);

    if (err)
        return fail(why);
    err = run(&p, r, o, why);
    conf_program_close(&p);
    if (err)
        return fail(why);
    show(r, o);
    return fflush(stdout) ? fail("standard output can't be written") : 0;
}

int main(int argc, char **argv)
{
    _Alignas(16) uint8_t memory[CONF_MEMORY_MAX];
    struct conf_run r = {.memory = memory};
    struct options o;
    const char *wrong = parse(argc, argv, &o);
    uint8_t *program;
    char *text;
    size_t bytes;
    int status;

    if (wrong)
        return fail(wrong);
    if (o.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (o.memory)
        r.bytes = (uint32_t)conf_hex(o.memory, memory, sizeof(memory), &wrong);
    if (wrong) {
        fprintf(stderr, "sluice-conformance-plugin: memory: %s\n", wrong);
        return 1;
    }
    text = read_all(stdin);
    if (!text)
        return fail("the program can't be read");
    program = malloc(strlen(text) / 2 + 1);
    bytes = program ? conf_hex(text, program, strlen(text) / 2 + 1, &wrong) : 0;
    if (!program)
        status = fail("no memory");
    else if (wrong)
        status = fail(wrong);
    else
        status = load_and_run(program, bytes, &r, &o);
    free(program);
    free(text);
    return status;
}
