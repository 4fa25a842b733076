/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_REMOTE_H
#define SLUICE_HOST_REMOTE_H

#include "host/ctl/snapshot.h"
#include "host/ctl/telemetry.h"

/* Devices of net_sluice in another process, by its telemetry socket: what `sluice dev` and the
 * library share. Functions give 0 or negative errno, and leave a reason in why as those of
 * telemetry.h do. What the process says is not trusted: those that take an answer read any. */

enum {
    REMOTE_PORTS_MAX = 1024,    /* devices of a process */
    REMOTE_ENTRY_BYTES = 16384, /* of a key or a value; no request or answer has room for more */
    REMOTE_DIGITS_BYTES = 2 * REMOTE_ENTRY_BYTES + 1,
    REMOTE_COUNTERS_MAX = 4096,
    REMOTE_NAME_BYTES = 64, /* of a map; Linux has 16, a data section's may be longer */
};

/* By --file-prefix, or, if it is not NULL, by the socket's path. timeout_ms: 0: a minute. */
int remote_connect(const char *prefix, const char *socket, uint32_t timeout_ms,
                   struct telemetry **out, char *why, size_t why_bytes);

/* DPDK's numbers of its devices, count of them: room for REMOTE_PORTS_MAX. */
int remote_ports(struct telemetry *telemetry, uint16_t *ports, uint32_t *count, char *why,
                 size_t why_bytes);
int remote_take_ports(const json_t *answer, uint16_t *ports, uint32_t *count, char *why,
                      size_t why_bytes);

/* One of them, by its number as text. */
struct remote {
    struct telemetry *telemetry;
    char port[16];
};

/* telemetry_ask of the device; at most 6 parameters. */
int remote_ask(const struct remote *remote, const char *command, const char *const *parameters,
               uint32_t count, json_t **answer, char *why, size_t why_bytes);

/* All counters, an object of numbers, which is the caller's. */
int remote_counters(const struct remote *remote, json_t **counters, char *why, size_t why_bytes);

/* A map, as the process says. */
struct remote_map {
    char id[16];
    char name[REMOTE_NAME_BYTES];
    char type_name[REMOTE_NAME_BYTES];
    uint32_t type; /* SPEC_MAP_COUNT: one that is not known here */
    uint32_t kind; /* enum load_map_kind */
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t cpus;
    uint32_t max_entries;
    uint32_t flags;
    uint64_t generation; /* of the program */
};

int remote_take_map(const json_t *answer, struct remote_map *map, char *why, size_t why_bytes);
/* Whether entries are no larger than an answer. */
bool remote_map_fits(const struct remote_map *map);
/* Bytes of the values of all CPUs in an answer. */
uint32_t remote_values_bytes(const struct remote_map *map);
/* Room for no entries so far. */
void remote_entries_begin(const struct remote_map *map, struct snapshot *entries);

/* A walk along all entries, page after page. Entries come and go meanwhile; if the one at which the
 * walk was has gone, the process begins again, and so does this. */
struct remote_walk {
    const struct remote_map *map;
    struct snapshot entries;
    char key[REMOTE_DIGITS_BYTES]; /* where the next page goes on; "": at the first entry */
    bool more;
    uint32_t restarts, idle; /* pages that brought nothing, one after the other */
    uint64_t slots;          /* that are behind it, in an array of programs or maps */
};

void remote_walk_begin(const struct remote_map *map, struct remote_walk *walk);
/* Takes an answer to map_dump. */
int remote_walk_take(struct remote_walk *walk, const json_t *answer, char *why, size_t why_bytes);
void remote_walk_end(struct remote_walk *walk);

/* Bytes as digits, which telemetry_bytes reads back. */
void remote_digits(const void *bytes, size_t count, char *digits);

#endif
