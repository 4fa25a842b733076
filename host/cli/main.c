/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *argp_program_version = "sluice 0.1.0";

static const struct cli_verb verbs[] = {
    {"check", "verify an object's programs and say which executors they fit", cli_check},
    {"compile", "write the image, Verilog, listing and predicted cost", cli_compile},
    {"run", "run a capture through a program on one executor", cli_run},
    {"compare", "run a capture on all executors and compare everything", cli_compare},
    {"disasm", "print a program as eBPF, IR or microcode", cli_disasm},
    {"asm", "assemble eBPF or microcode, as disasm prints them", cli_asm},
    {"traffic", "write a seeded capture of mixed traffic", cli_traffic},
    {"dev", "devices of the DPDK driver in a process that runs: programs, maps, counters", cli_dev},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

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

static const struct cli_verb *find_verb(const char *name)
{
    for (int i = 0; i < VERBS; i++)
        if (!strcmp(name, verbs[i].name))
            return &verbs[i];
    return NULL;
}

static int run_verb(const struct cli_verb *verb, int argc, char **argv)
{
    char name[32];

    snprintf(name, sizeof(name), "sluice %s", verb->name);
    argv[0] = name;
    return finish(verb->run(argc, argv));
}

int main(int argc, char **argv)
{
    static char help_option[] = "--help";
    const struct cli_verb *verb;

    argp_err_exit_status = CLI_USAGE;
    open_standard_streams();
    cli_signals_catch();
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    verb = find_verb(argv[1]);
    if (verb)
        return run_verb(verb, argc - 1, argv + 1);
    if (!strcmp(argv[1], "help") && argc > 2) {
        char *help[] = {NULL, help_option, NULL};

        verb = find_verb(argv[2]);
        if (verb)
            return run_verb(verb, 2, help);
        argv++; /* the verb that is not there */
    } else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return finish(CLI_OK);
    }
    if (!strcmp(argv[1], "--version")) {
        puts(argp_program_version);
        return finish(CLI_OK);
    }
    cli_fail("no such verb: \"%s\"", argv[1]);
    usage(stderr);
    return CLI_USAGE;
}
