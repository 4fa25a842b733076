/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/rss.h"

#include <rte_thash.h>
#include <stdbool.h>
#include <string.h>

enum { ADDRESSES_MAX = 32, PORTS_BYTES = 4, TCP = 6, UDP = 17 };

/* By DPDK's own Toeplitz hash, which takes words in the host's order. */
static uint32_t toeplitz(const uint8_t *key, const uint8_t *input, uint32_t bytes)
{
    uint32_t words[(ADDRESSES_MAX + PORTS_BYTES) / 4];

    for (uint32_t i = 0; i < bytes / 4; i++)
        words[i] = rte_be_to_cpu_32(*(const unaligned_uint32_t *)(input + 4 * i));
    return rte_softrss(words, bytes / 4, key);
}

static uint32_t u16_at(const uint8_t *p, uint32_t at, uint32_t len)
{
    return at + 2 <= len ? (uint32_t)(p[at] << 8 | p[at + 1]) : 0;
}

static bool is_tag(uint32_t type)
{
    return type == 0x8100 || type == 0x88a8;
}

static uint32_t hash_of(const struct rss *rss, const uint8_t *p, uint32_t len)
{
    uint8_t input[ADDRESSES_MAX + PORTS_BYTES];
    uint32_t at = 12, type, shift, bytes, l4, protocol;
    bool v4, whole, ports;

    for (int tags = 0; tags < 2 && is_tag(u16_at(p, at, len)); tags++)
        at += 4;
    type = u16_at(p, at, len);
    at += 2;
    v4 = type == 0x0800;
    if ((!v4 && type != 0x86dd) || len < at + (v4 ? 20 : 40) || p[at] >> 4 != (v4 ? 4 : 6) ||
        (v4 && (p[at] & 15) < 5))
        return 0;
    l4 = at + (v4 ? 4u * (p[at] & 15) : 40);
    protocol = p[at + (v4 ? 9 : 6)];
    whole = !v4 || !(u16_at(p, at + 6, len) & 0x3fff);
    shift = v4 ? 0 : 3;
    ports = whole && len >= l4 + PORTS_BYTES &&
            ((protocol == TCP && rss->types >> (shift + 1) & 1) ||
             (protocol == UDP && rss->types >> (shift + 2) & 1));
    if (!ports && !(rss->types >> shift & 1))
        return 0;
    bytes = v4 ? 8 : 32;
    memcpy(input, p + at + (v4 ? 12 : 8), bytes);
    if (ports) {
        memcpy(input + bytes, p + l4, PORTS_BYTES);
        bytes += PORTS_BYTES;
    }
    return toeplitz(rss->key, input, bytes);
}

uint32_t rss_queue(const struct rss *rss, const uint8_t *packet, uint32_t len)
{
    return rss->queue[hash_of(rss, packet, len) & (rss->queue_count - 1)];
}
