/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_OUTPUT_H
#define SLUICE_HOST_CLI_OUTPUT_H

#include "host/ctl/outfile.h"

#include <stddef.h>

/* The files that a verb writes: all are opened before its work, and appear together after it or not
 * at all, also if a signal ends the process in between. */
struct cli_output {
    const char *option; /* that asks for it, for messages */
    const char *path;   /* NULL: not asked for */
    bool waves;         /* the simulation writes it by name, with scratch data in NAME.hier */
    struct outfile out;
    char *scratch; /* of waves */
};

/* Opens those that are asked for; two that lead to one regular file, or both to standard output,
 * are refused, and so is standard output where `taken` says what goes there already (NULL:
 * nothing). 0, or CLI_USAGE after telling why, with none open. */
int cli_outputs_open(struct cli_output *outputs, size_t count, const char *taken);
/* Ends them; commit: they appear, if all are whole. 0, or CLI_USAGE after telling why. */
int cli_outputs_close(struct cli_output *outputs, size_t count, bool commit);

/* Waveforms: an open output must be a regular file. After the device is closed they appear also
 * when the run has failed, because that is what they are for; due: the run has come to its end, so
 * there must be some. Returns status, or what went wrong here if that was 0. */
int cli_waves_check(const struct cli_output *output);
int cli_waves_close(struct cli_output *output, bool due, int status);

/* Tells that an output can't be written; returns CLI_USAGE. */
int cli_output_fail(const struct cli_output *output, int err);

/* From here on a signal that ends the process first removes the files that have not appeared yet
 * and clears the progress bar. */
void cli_signals_catch(void);

#endif
