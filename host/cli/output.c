/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/output.h"

#include "host/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARIES_MAX = 8 };

/* What a signal handler removes. A handler can be given nothing, so this is the process's own
 * state; it changes only while the signals are held back. */
static const char *temporaries[TEMPORARIES_MAX];

static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU};
enum { DEADLY = sizeof(deadly) / sizeof(deadly[0]) };

/* Only calls that are safe in a handler. Its own signal is blocked here and reset to its default:
 * what is raised takes effect when the handler returns. */
static void clean_up(int number)
{
    for (int i = 0; i < TEMPORARIES_MAX; i++)
        if (temporaries[i])
            unlink(temporaries[i]);
    cli_progress_clear();
    raise(number);
}

static void deadly_set(sigset_t *set)
{
    sigemptyset(set);
    for (int i = 0; i < DEADLY; i++)
        sigaddset(set, deadly[i]);
}

void cli_signals_catch(void)
{
    struct sigaction action = {.sa_handler = clean_up, .sa_flags = (int)SA_RESETHAND};
    struct sigaction old;

    deadly_set(&action.sa_mask);
    for (int i = 0; i < DEADLY; i++)
        if (!sigaction(deadly[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(deadly[i], &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error as any other */
}

static int note_temporary(const char *path)
{
    for (int i = 0; i < TEMPORARIES_MAX; i++)
        if (!temporaries[i]) {
            temporaries[i] = path;
            return 0;
        }
    return -EMFILE;
}

static void forget_temporary(const char *path)
{
    for (int i = 0; i < TEMPORARIES_MAX; i++)
        if (temporaries[i] == path)
            temporaries[i] = NULL;
}

static const char *name_of(const struct cli_output *o)
{
    return strcmp(o->path, "-") ? o->path : "standard output";
}

int cli_output_fail(const struct cli_output *output, int err)
{
    return cli_fail("%s %s can't be written: %s", output->option, name_of(output), strerror(-err));
}

/* With the signals held back. */
static int open_held(struct cli_output *o)
{
    int err = outfile_open(o->path, &o->out);

    if (!err && o->out.temporary)
        err = note_temporary(o->out.temporary);
    if (!err && o->waves && o->out.temporary) {
        err = asprintf(&o->scratch, "%s.hier", o->out.temporary) < 0 ? -ENOMEM : 0;
        if (err)
            o->scratch = NULL;
        else
            err = note_temporary(o->scratch);
    }
    return err;
}

static int open_one(struct cli_output *o)
{
    sigset_t hold, old;
    int err;

    deadly_set(&hold);
    sigprocmask(SIG_BLOCK, &hold, &old);
    err = open_held(o);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return err ? cli_output_fail(o, err) : CLI_OK;
}

static bool one_place(const struct cli_output *a, const struct cli_output *b)
{
    if (a->out.path && b->out.path)
        return !strcmp(a->out.path, b->out.path);
    return !strcmp(a->path, "-") && !strcmp(b->path, "-");
}

/* Refuses an output that goes where one before it goes. */
static int check_place(const struct cli_output *outputs, size_t i, const char *taken)
{
    const struct cli_output *o = &outputs[i];

    if (taken && !strcmp(o->path, "-"))
        return cli_fail("%s - and %s would share standard output; give %s a file", o->option, taken,
                        o->option);
    for (size_t k = 0; k < i; k++)
        if (outputs[k].path && one_place(&outputs[k], o))
            return cli_fail("%s and %s both write to %s; give each a file of its own",
                            outputs[k].option, o->option, name_of(o));
    return CLI_OK;
}

int cli_outputs_open(struct cli_output *outputs, size_t count, const char *taken)
{
    int status = CLI_OK;

    for (size_t i = 0; i < count && !status; i++) {
        if (!outputs[i].path)
            continue;
        status = open_one(&outputs[i]);
        if (!status)
            status = check_place(outputs, i, taken);
    }
    if (status)
        cli_outputs_close(outputs, count, false);
    return status;
}

int cli_waves_check(const struct cli_output *output)
{
    if (!output->path || output->out.temporary)
        return CLI_OK;
    return cli_fail("%s needs a regular file, which %s is not", output->option, name_of(output));
}

int cli_waves_close(struct cli_output *output, bool due, int status)
{
    struct stat st;
    const bool written = output->out.temporary && !stat(output->out.temporary, &st) && st.st_size;
    int closed;

    if (!output->path)
        return status;
    if (!status && due && !written)
        status = cli_fail("the simulation wrote no waves to %s", output->path);
    closed = cli_outputs_close(output, 1, written);
    return status ? status : closed;
}

int cli_outputs_close(struct cli_output *outputs, size_t count, bool commit)
{
    int status = CLI_OK;
    sigset_t hold, old;

    for (size_t i = 0; i < count; i++) {
        const int err = outfile_finish(&outputs[i].out);

        if (err && commit && !status)
            status = cli_output_fail(&outputs[i], err);
    }
    deadly_set(&hold);
    sigprocmask(SIG_BLOCK, &hold, &old);
    for (size_t i = 0; i < count; i++) {
        int err;

        forget_temporary(outputs[i].out.temporary);
        forget_temporary(outputs[i].scratch);
        free(outputs[i].scratch);
        outputs[i].scratch = NULL;
        err = outfile_close(&outputs[i].out, commit && !status);
        if (err && !status)
            status = cli_output_fail(&outputs[i], err);
    }
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}
