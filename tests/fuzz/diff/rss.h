/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_RSS_H
#define SLUICE_TESTS_DIFF_RSS_H

#include <stdint.h>

/* The RX queue that a NIC chooses for a packet: docs/nic.md, written down once more. */

enum { RSS_KEY_BYTES = 40 };

struct rss {
    _Alignas(uint32_t) uint8_t key[RSS_KEY_BYTES];
    uint32_t types;        /* block RSS, CTRL */
    const uint16_t *queue; /* by the low bits of the hash */
    uint32_t queue_count;  /* a power of two */
};

uint32_t rss_queue(const struct rss *rss, const uint8_t *packet, uint32_t len);

#endif
