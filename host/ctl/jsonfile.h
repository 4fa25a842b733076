/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_JSONFILE_H
#define SLUICE_HOST_JSONFILE_H

#include <jansson.h>
#include <stddef.h>

/* Reads a file ("-": standard input) as one JSON document; no name may stand twice in an object.
 * 0; or negative errno, and why has the reason with the file's name and, where it is malformed
 * (-EINVAL), line and column. The document is the caller's (json_decref). */
int jsonfile_read(const char *path, json_t **out, char *why, size_t why_bytes);

/* A string, with a question mark in place of each byte that is no ASCII if the text is no UTF-8. */
json_t *jsonfile_text(const char *text);

#endif
