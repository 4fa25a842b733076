/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *argp_program_version = "sluice 0.1.0";

static const struct cli_verb verbs[] = {
    {"check", "verify an object's programs and say which executors they fit", cli_check},
    {"compile", "write the image, Verilog, listing and predicted cost", cli_compile},
    {"run", "run a capture through a program on one executor", cli_run},
    {"compare", "run a capture on all executors and compare everything", cli_compare},
    {"disasm", "print a program as eBPF, IR or microcode", cli_disasm},
    {"traffic", "write a seeded capture of mixed traffic", cli_traffic},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void tell(const char *format, va_list args)
{
    fputs("sluice: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_no_fit(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
    return CLI_NO_FIT;
}

const char *cli_executors(char *text, size_t bytes)
{
    size_t n = 0;

    *text = 0;
    for (uint32_t i = 0; i < exec_count && n < bytes; i++)
        n += (size_t)snprintf(text + n, bytes - n, "%s%s", i ? ", " : "", exec_table[i]->name);
    return text;
}

uint64_t cli_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
                    uint64_t max)
{
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value < min || value > max)
        argp_error(state, "%s takes a whole number from %llu to %llu, not \"%s\"", option,
                   (unsigned long long)min, (unsigned long long)max, text);
    return value;
}

static void usage(FILE *out)
{
    fputs("usage: sluice VERB OBJECT [options]\n\n", out);
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  %-8s  %s\n", verbs[i].name, verbs[i].what);
    fputs("\nsluice VERB --help tells the options of a verb.\n", out);
}

/* A result that did not reach standard output is no result. */
static int finish(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    return cli_fail("standard output can't be written: %s", strerror(errno));
}

/* A standard stream that was closed is opened on nothing, the wrong way round: using it fails, and
 * no file of ours gets its number. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    argp_err_exit_status = CLI_USAGE;
    open_standard_streams();
    cli_signals_catch();
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts(argp_program_version);
        return CLI_OK;
    }
    for (int i = 0; i < VERBS; i++) {
        char name[32];

        if (strcmp(argv[1], verbs[i].name))
            continue;
        snprintf(name, sizeof(name), "sluice %s", verbs[i].name);
        argv[1] = name;
        return finish(verbs[i].run(argc - 1, argv + 1));
    }
    cli_fail("no such verb: \"%s\"", argv[1]);
    usage(stderr);
    return CLI_USAGE;
}
