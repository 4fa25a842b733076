/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_TELEMETRY_H
#define SLUICE_HOST_TELEMETRY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* A client of the telemetry socket of a process that uses DPDK, for the commands of net_sluice
 * (docs/driver.md). Functions return 0 or negative errno, and leave a reason in why, a sentence
 * without a full stop. What the process answers is not trusted. */

struct telemetry;

/* Where the socket of a process with this --file-prefix is: below RUNTIME_DIRECTORY, /var/run for
 * root, XDG_RUNTIME_DIR or /tmp, as EAL looks for it. -ENAMETOOLONG. */
int telemetry_path(const char *prefix, char *path, size_t path_bytes);

/* -ENOENT, -ECONNREFUSED: nobody listens there. */
int telemetry_open(const char *path, struct telemetry **out, char *why, size_t why_bytes);
void telemetry_close(struct telemetry *telemetry); /* NULL-safe */

/* Asks command /net_sluice/COMMAND with these parameters. 0 and the answer, an object, which is the
 * caller's (json_decref); or what the command says, or -EPROTO, -ETIMEDOUT, -EPIPE, -E2BIG (more
 * than a request has room for). */
int telemetry_ask(struct telemetry *telemetry, const char *command, const char *const *parameters,
                  uint32_t count, json_t **answer, char *why, size_t why_bytes);

/* A text of an answer; "" if there is none. */
const char *telemetry_text(const json_t *answer, const char *name);
/* A number of an answer; 0 if there is none. */
uint64_t telemetry_number(const json_t *answer, const char *name);
/* Bytes of an answer, count of them. -EPROTO if there are not exactly so many. */
int telemetry_bytes(const json_t *answer, const char *name, void *bytes, size_t count);

#endif
