/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_OUTFILE_H
#define SLUICE_HOST_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

/* A file that is written: a regular one appears whole or not at all (it is made beside its place
 * and moved there at the end); a device, a FIFO or standard output ("-") is written as it is; a
 * symbolic link leads to its target, which need not be there yet. A file that is replaced hands on
 * its mode and must be one that may be written. */
struct outfile {
    FILE *file;      /* NULL: ended */
    char *path;      /* where the file goes, without links; NULL: written as it is */
    char *temporary; /* where it lies until then */
};

/* Opens a file; 0 or negative errno. */
int outfile_open(const char *path, struct outfile *out);

/* Writes out what is buffered and closes the stream; the file has not appeared yet. 0 or negative
 * errno: it is then not whole. Once; also of a zeroed struct. */
int outfile_finish(struct outfile *out);

/* Ends the file, finishing it first if need be: it appears if commit is true and nothing failed,
 * otherwise nothing is left behind. 0 or negative errno. Also of a zeroed struct. */
int outfile_close(struct outfile *out, bool commit);

#endif
