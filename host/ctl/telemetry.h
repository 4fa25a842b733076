/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_TELEMETRY_H
#define SLUICE_HOST_TELEMETRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client of the telemetry socket of a process that uses DPDK, for the commands of net_sluice
 * (docs/driver.md). Functions return 0 or negative errno, and leave a reason in why, a sentence
 * without a full stop. What the process answers is not trusted. */

struct telemetry;

/* Where the socket of a process with this --file-prefix is: below RUNTIME_DIRECTORY, /var/run for
 * root, XDG_RUNTIME_DIR or /tmp, as EAL looks for it. -ENAMETOOLONG. */
int telemetry_path(const char *prefix, char *path, size_t path_bytes);

/* timeout_ms: for each answer; 0: a minute, as loading a program takes seconds at most. -ENOENT,
 * -ECONNREFUSED: nobody listens there. */
int telemetry_open(const char *path, uint32_t timeout_ms, struct telemetry **out, char *why,
                   size_t why_bytes);
void telemetry_close(struct telemetry *telemetry); /* NULL-safe */

/* Asks command /net_sluice/COMMAND with these parameters. 0 and the answer, an object, which is the
 * caller's (json_decref); or what the command says, or -EPROTO, -ETIMEDOUT, -EPIPE, -EMSGSIZE (more
 * than a request has room for). After -ETIMEDOUT and -EPIPE the connection is gone, since answers
 * and requests are out of step: -EPIPE from then on. */
int telemetry_ask(struct telemetry *telemetry, const char *command, const char *const *parameters,
                  uint32_t count, json_t **answer, char *why, size_t why_bytes);

/* What telemetry_ask makes of the text that a process answers to a whole command's name; path is
 * for messages. */
int telemetry_read(const char *path, const char *command, const char *text, json_t **answer,
                   char *why, size_t why_bytes);

/* Characters for which parameters leave room in a request for a command about a device whose number
 * may have four digits. */
size_t telemetry_room(const char *command, const char *const *parameters, uint32_t count);

/* The process at the other end, as the kernel knows it. */
int telemetry_peer(const struct telemetry *telemetry, uint32_t *pid, uint32_t *uid);

/* A text of an answer; "" if there is none. */
const char *telemetry_text(const json_t *answer, const char *name);
/* A number of an answer; 0 if there is none. */
uint64_t telemetry_number(const json_t *answer, const char *name);
/* Bytes of an answer, count of them. -EPROTO if there are not exactly so many. */
int telemetry_bytes(const json_t *answer, const char *name, void *bytes, size_t count);

#endif
