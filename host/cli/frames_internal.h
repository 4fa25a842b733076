/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CLI_FRAMES_INTERNAL_H
#define SLUICE_HOST_CLI_FRAMES_INTERNAL_H

#include "host/cli/frames.h"

#include <stdbool.h>

/* What the choice of flows (frames.c) and the writing of frames (frames_write.c) share. */

/* What the packets of one 5-tuple have in common. */
struct flow {
    uint32_t source;
    uint32_t destination;
    uint32_t source_net; /* of an IPv6 source: bits 32 to 63 */
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t kind; /* enum frame_kind */
};

struct frames {
    struct frames_options options;
    uint64_t state; /* splitmix64 */
    struct flow *flows;
    double *cumulated; /* of the flows' weights */
};

uint64_t frames_random(struct frames *f);
/* A random number below limit. */
uint32_t frames_below(struct frames *f, uint32_t limit);
bool frames_chance(struct frames *f, uint32_t percent);

/* Bytes that a frame of the kind has at least. */
uint32_t frames_least(uint8_t kind);

/* Writes a frame of so many bytes, at least frames_least of its kind; the bytes are zero before. */
void frames_write(struct frames *f, uint8_t *frame, uint32_t len, const struct flow *flow);

#endif
