/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random.h"
#include "tests/rtl/pipeline/bench.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MAX 16

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Packets named in a program's text: "; packet 0001 02 -> ...". */
static uint32_t named_packets(const char *text, struct packet *list)
{
    uint32_t count = 0;

    for (const char *p = strstr(text, "; packet "); p && count < SEEDS_MAX;
         p = strstr(p, "; packet ")) {
        struct packet *k = &list[count];

        p += 9;
        for (; *p && *p != '\n' && *p != '-'; p++) {
            if (hex_digit(p[0]) < 0)
                continue;
            if (hex_digit(p[1]) < 0 || k->length == PACKET_MAX)
                break;
            k->bytes[k->length++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
            p++;
        }
        count += k->length > 0;
    }
    return count;
}

static void random_bytes(struct packet *k, uint64_t *seed)
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x8100, 0x0001, 0x0002, 0x0806};
    const uint16_t type = types[random_next(seed) % 6];

    for (uint32_t i = 0; i < 64; i++)
        k->bytes[i] = (uint8_t)(random_next(seed) % 4);
    k->bytes[12] = (uint8_t)(type >> 8);
    k->bytes[13] = (uint8_t)type;
    k->bytes[14] = random_next(seed) % 4 ? 0x45 : (uint8_t)(0x45 + random_next(seed) % 4);
    k->bytes[23] = random_next(seed) % 2 ? 6 : 17;
    k->length = 64;
}

static void set_length(struct packet *k, uint64_t *seed)
{
    const uint64_t kind = random_next(seed) % 16;
    const uint32_t old = k->length;

    if (kind < 6)
        k->length = 64;
    else if (kind < 11)
        k->length = 14 + (uint32_t)(random_next(seed) % 100);
    else if (kind < 14)
        k->length = 60 + (uint32_t)(random_next(seed) % 400);
    else if (kind == 14)
        k->length = 1000 + (uint32_t)(random_next(seed) % 500);
    if (k->length < SPEC_PKT_MIN_BYTES)
        k->length = SPEC_PKT_MIN_BYTES;
    for (uint32_t i = old; i < k->length; i++)
        k->bytes[i] = (uint8_t)random_next(seed);
}

struct packet *packets_make(const char *text, uint32_t count, enum packet_mix mix, uint64_t *seed)
{
    struct packet *list = calloc(count, sizeof(*list));
    struct packet *bases = calloc(SEEDS_MAX, sizeof(*bases));
    uint32_t base_count = named_packets(text, bases);
    const uint32_t flows = 1 + (uint32_t)(random_next(seed) % 8);

    const uint32_t first = base_count ? 0 : (uint32_t)(random_next(seed) % SEEDS_MAX);

    while (base_count < SEEDS_MAX)
        random_bytes(&bases[base_count++], seed);
    for (uint32_t i = 0; list && i < count; i++) {
        struct packet *k = &list[i];

        /* streams of one flow, of some flows, and of bytes of any kind */
        *k = bases[mix == PACKETS_SAME
                       ? first
                       : random_next(seed) % (random_next(seed) % 2 ? flows : SEEDS_MAX)];
        if (mix == PACKETS_ALL)
            set_length(k, seed);
        else
            k->length = 64;
        while (mix != PACKETS_SAME && random_next(seed) % 4 == 0)
            k->bytes[random_next(seed) % k->length % 80] =
                (uint8_t)(random_next(seed) % 2 ? random_next(seed) % 8 : random_next(seed));
        k->inputs[SPEC_IN_TIME] = 1000 * i + random_next(seed) % 1000;
        k->inputs[SPEC_IN_RAND] = (uint32_t)random_next(seed) | 1;
        k->inputs[SPEC_IN_IFINDEX] = 1 + random_next(seed) % 3;
        k->inputs[SPEC_IN_QUEUE] = random_next(seed) % SPEC_QUEUES;
        k->inputs[SPEC_IN_LEN] = k->length;
        k->inputs[SPEC_IN_EGRESS] = 1 + random_next(seed) % 3;
    }
    free(bases);
    return list;
}
