/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_RECORD_H
#define SLUICE_HOST_CLI_RECORD_H

#include "host/cli/cli.h"
#include "host/ctl/snapshot.h"

/* What one executor gave for all packets of a run, kept so that the next one can be held against it. */

struct record_packet {
    const uint8_t *data;
    uint32_t len;
    uint32_t ret;
    uint64_t redirect;
    uint32_t meta_bytes; /* of metadata, in front of data */
    bool ran;
};

struct record {
    struct record_packet *packets;
    size_t count;
    void *blocks; /* owns the bytes */
};

int record_open(struct record *record, size_t count);
void record_close(struct record *record);
/* Keeps the outcome of packet number index; output NULL: it did not run. */
int record_add(struct record *record, uint64_t index, const struct exec_output *output);

/* Holds an outcome against the recorded one and appends what differs to the JSON array differences: {"packet", "executor", "field",
 * "expected", "got"}, at most max of them. True if something differs. */
bool record_differs(const struct record *record, uint64_t index, const struct exec_ops *ops,
                    const struct exec_output *output, json_t *differences, size_t max);

/* Holds two snapshots of a map against each other; the number of differing entries. */
uint64_t record_map_differs(const char *map, const struct snapshot *expected,
                            const struct snapshot *got, const char *executor, json_t *differences,
                            size_t max);

/* Appends a row to differences, if there are fewer than max; the values are given away. */
void record_note(json_t *differences, size_t max, json_t *packet, const char *executor,
                 const char *field, json_t *expected, json_t *got);

#endif
