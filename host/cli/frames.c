/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/frames_internal.h"

#include "hw/spec/gen/limits.h"

#include <linux/if_ether.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const frame_kind_names[FRAME_KIND_COUNT] = {"tcp",      "udp",   "icmp",  "ipv6",
                                                        "vlan",     "arp",   "other", "flood",
                                                        "fragment", "error", "6in4",  "options6"};

enum { TRUNCATED_MIN = 14 };

uint64_t frames_random(struct frames *f)
{
    uint64_t z = f->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t frames_below(struct frames *f, uint32_t limit)
{
    return (uint32_t)((frames_random(f) >> 32) * limit >> 32);
}

bool frames_chance(struct frames *f, uint32_t percent)
{
    return frames_below(f, 100) < percent;
}

static uint8_t pick_kind(struct frames *f, uint32_t total)
{
    uint32_t r = frames_below(f, total);
    uint8_t kind = 0;

    while (r >= f->options.weights[kind])
        r -= f->options.weights[kind++];
    return kind;
}

/* Addresses and ports that programs tend to tell apart: a few servers with known ports, many
 * clients. */
static struct flow make_flow(struct frames *f, uint32_t total)
{
    static const uint16_t ports[] = {53, 80, 443, 22, 123, 8080, 5353, 1900};
    struct flow flow = {
        .source = 0x0a000000u | frames_below(f, 1 << 16),
        .destination = 0xc0a80000u | frames_below(f, 64),
        .source_port = (uint16_t)(1024 + frames_below(f, 64512)),
        .destination_port = ports[frames_below(f, sizeof(ports) / sizeof(ports[0]))],
        .kind = pick_kind(f, total),
    };

    if (frames_chance(f, 10))
        flow.destination_port = (uint16_t)frames_below(f, 65536);
    return flow;
}

struct frames *frames_open(const struct frames_options *options)
{
    struct frames *f = calloc(1, sizeof(*f));
    uint32_t total = 0;
    double sum = 0;

    for (int i = 0; i < FRAME_KIND_COUNT; i++)
        total += options->weights[i];
    if (!f || !total)
        goto fail;
    f->options = *options;
    f->state = options->seed;
    f->flows = calloc(options->flows, sizeof(*f->flows));
    f->cumulated = calloc(options->flows, sizeof(*f->cumulated));
    if (!f->flows || !f->cumulated)
        goto fail;
    for (uint32_t i = 0; i < options->flows; i++) {
        f->flows[i] = make_flow(f, total);
        sum += pow((double)i + 1, -options->skew);
        f->cumulated[i] = sum;
    }
    return f;
fail:
    frames_close(f);
    return NULL;
}

void frames_close(struct frames *frames)
{
    if (!frames)
        return;
    free(frames->flows);
    free(frames->cumulated);
    free(frames);
}

uint64_t frames_gap(struct frames *frames, uint64_t mean_ns)
{
    return mean_ns ? 1 + frames_below(frames, (uint32_t)mean_ns * 2) : 0;
}

static const struct flow *pick_flow(struct frames *f)
{
    const uint32_t n = f->options.flows;
    const double x = (double)(frames_random(f) >> 11) / 9007199254740992.0 * f->cumulated[n - 1];
    uint32_t low = 0, high = n - 1;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (f->cumulated[middle] > x)
            high = middle;
        else
            low = middle + 1;
    }
    return &f->flows[low];
}

static uint32_t pick_size(struct frames *f)
{
    const uint32_t r = frames_below(f, 12);

    if (f->options.size)
        return f->options.size;
    return r < 7 ? 64 : r < 11 ? 594 : 1518;
}

/* A packet of the other direction: to whom the flow's packets come from, or to an address that
 * stands for it, and one of its ports. */
static void turn_round(struct frames *f, struct flow *flow)
{
    const struct flow there = *flow;
    const uint32_t ports = (uint32_t)f->options.reply_high - f->options.reply_low + 1;

    flow->source = there.destination;
    flow->destination = there.source;
    flow->source_port = there.destination_port;
    flow->destination_port = there.source_port;
    if (f->options.reply_address) {
        flow->destination = f->options.reply_address;
        flow->destination_port = (uint16_t)(f->options.reply_low + frames_below(f, ports));
    }
}

/* Makes a packet contradict itself or end early. Returns the new length. */
static uint32_t spoil(struct frames *f, uint8_t *frame, uint32_t len)
{
    switch (frames_below(f, 4)) {
    case 0: /* ends within its headers */
        return TRUNCATED_MIN + frames_below(f, len < 60 ? len - TRUNCATED_MIN + 1 : 47);
    case 1: /* a header length or version that can't be */
        frame[14] = (uint8_t)frames_random(f);
        return len;
    case 2: /* a total length that is not the packet's */
        if (len >= 18) {
            const uint32_t total = (uint32_t)frames_random(f);

            frame[16] = (uint8_t)(total >> 8);
            frame[17] = (uint8_t)total;
        }
        return len;
    default: /* noise in the headers */
        for (int i = 0; i < 4; i++)
            frame[12 + frames_below(f, len < 50 ? len - 12 : 38)] = (uint8_t)frames_random(f);
        return len;
    }
}

uint32_t frames_next(struct frames *frames, uint8_t *frame)
{
    struct flow flow = *pick_flow(frames);
    uint32_t len = pick_size(frames);
    const uint32_t least = frames_least(flow.kind);

    if (len < least)
        len = least;
    if (frames->options.replies_percent && frames_chance(frames, frames->options.replies_percent))
        turn_round(frames, &flow);
    memset(frame, 0, len);
    frames_write(frames, frame, len, &flow);
    return frames_chance(frames, frames->options.malformed_percent) ? spoil(frames, frame, len)
                                                                    : len;
}
