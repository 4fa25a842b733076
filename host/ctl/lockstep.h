/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_LOCKSTEP_H
#define SLUICE_HOST_LOCKSTEP_H

#include "compiler/microcode/model.h"
#include "host/ctl/executor.h"
#include "host/dev.h"

/* The core row by row beside the microcode model: the packets that go in, the rows that the core
 * retires and the packets that come out, compared with what the model does with the same packets
 * one after the other, with maps of its own. Contexts interleave in the core; rows of packets that
 * are not the oldest wait for their turn. */

/* The first difference. */
struct lockstep_difference {
    bool found;
    uint64_t packet; /* its index */
    bool has_row;
    uint32_t row;
    struct ucode_difference at; /* of two rows; field NONE: what says it all */
    char what[256];             /* one line: what differs, expected and got */
};

struct lockstep_result {
    uint64_t packets; /* compared to their end */
    uint64_t rows;
    struct lockstep_difference difference;
};

struct lockstep;

/* Opens the model with empty maps (those of data sections filled). The image is usually
 * job->microcode. 0, or negative errno and the reason. */
int lockstep_open(struct job *job, const struct ucode_image *image,
                  const struct exec_options *options, struct lockstep **out,
                  char why[EXEC_WHY_BYTES]);
void lockstep_close(struct lockstep *l); /* NULL-safe */

/* The model's maps as those of an executor: to be filled like the device's, in the same order, and
 * read in the end. */
struct exec *lockstep_maps(struct lockstep *l);

/* A packet that goes in (index: for reports), a row, a packet that has come out: in the order of
 * the device's stream. 0; -EILSEQ at the first difference, which ends the comparison; -ENOMEM. */
int lockstep_packet_in(struct lockstep *l, const struct dev_packet *packet, uint64_t index);
int lockstep_row(struct lockstep *l, const uint32_t *words);
int lockstep_packet_out(struct lockstep *l, const struct dev_output *output);

const struct lockstep_result *lockstep_result(const struct lockstep *l);

#endif
