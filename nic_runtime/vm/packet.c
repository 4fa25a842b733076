/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/vm.h"

#include <string.h>

void vm_packet_init(struct vm_packet *packet, uint8_t *buf, const void *bytes, uint32_t len)
{
    packet->buf = buf;
    packet->data = SPEC_PKT_BASE;
    packet->data_meta = SPEC_PKT_BASE;
    packet->data_end = SPEC_PKT_BASE + len;
    packet->hard_end = len <= SPEC_PKT_LINEAR_BYTES ? SPEC_PKT_LINEAR_END : SPEC_PKT_JUMBO_END;
    memset(buf, 0, SPEC_PKT_BASE);
    memcpy(buf + SPEC_PKT_BASE, bytes, len);
    memset(buf + packet->data_end, 0, packet->hard_end - packet->data_end);
}

uint32_t vm_rand_seed(uint64_t seed, uint64_t index)
{
    uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15u;
    uint32_t high;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    high = (uint32_t)((z ^ z >> 31) >> 32);
    return high ? high : 1;
}

uint32_t vm_rand_next(uint32_t state)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Undoes the steps of vm_rand_next: x ^= x << n is undone by the same with n, 2n, 4n ... */
uint32_t vm_rand_before(uint32_t after)
{
    uint32_t x = after;

    x ^= x << 5;
    x ^= x << 10;
    x ^= x << 20;
    x ^= x >> 17;
    x ^= x << 13;
    x ^= x << 26;
    return x;
}
