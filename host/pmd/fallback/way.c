/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/fallback/way.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>

/* What the device makes of a packet after a program, for packets whose program ran elsewhere: the
 * rows of hw/spec/nic.toml, over what the device's registers say. */

enum {
    ENTRY_WORDS = 3,
    MEANS_PORT = 1,
    MEANS_QUEUE = 2,
};

#define ENTRY_USED (UINT32_C(1) << 31)

static uint32_t entry_addr(const struct nic *nic, uint32_t index, uint32_t word)
{
    return nic->verdict + SPEC_VERDICT_TABLE + 4 * (ENTRY_WORDS * index + word);
}

int nic_ways_read(struct nic *nic, struct nic_ways *ways)
{
    struct nic_ways w = {.port_count = nic->port_count, .rxq_count = nic->rxq_count};
    int err = nic_read(nic, nic->verdict + SPEC_VERDICT_TO_HOST, &w.to_host);

    for (uint32_t i = 0; !err && i < NIC_TARGETS; i++) {
        uint32_t words[ENTRY_WORDS] = {0};

        for (uint32_t k = 0; !err && k < ENTRY_WORDS; k++)
            err = nic_read(nic, entry_addr(nic, i, k), &words[k]);
        w.redirect[i] = (uint64_t)words[1] << 32 | words[0];
        w.means[i] = words[2];
    }
    for (uint32_t i = 0; !err && i < nic->port_count; i++)
        err = nic_read(nic, nic->port[i] + SPEC_PORT_IFINDEX, &w.ifindex[i]);
    if (!err)
        *ways = w;
    return err;
}

static int write_entry(struct nic *nic, uint32_t index, uint64_t redirect, uint32_t means)
{
    const uint32_t words[ENTRY_WORDS] = {(uint32_t)redirect, (uint32_t)(redirect >> 32), means};
    int err = 0;

    for (uint32_t k = 0; !err && k < ENTRY_WORDS; k++)
        err = nic_write(nic, entry_addr(nic, index, k), words[k]);
    return err;
}

int nic_target_set(struct nic *nic, uint64_t redirect, uint32_t ring, struct nic_target *target)
{
    const uint32_t means = ENTRY_USED | MEANS_QUEUE << 8 | ring;
    int err = 0;

    for (uint32_t i = 0; !err && !target->used && i < NIC_TARGETS; i++) {
        uint32_t word = 0;

        err = nic_read(nic, entry_addr(nic, i, ENTRY_WORDS - 1), &word);
        if (err || word & ENTRY_USED)
            continue;
        err = write_entry(nic, i, redirect, means);
        if (!err)
            err = nic_read(nic, entry_addr(nic, i, ENTRY_WORDS - 1), &word);
        target->used = !err && word == means; /* beyond the table of this device nothing stays */
        target->index = i;
    }
    return err ? err : target->used ? 0 : -ENOSPC;
}

void nic_target_clear(struct nic *nic, struct nic_target *target)
{
    if (target->used)
        write_entry(nic, target->index, 0, 0);
    target->used = false;
}

/* What the table says of a redirect word, or 0. */
static uint32_t entry_of(const struct nic_ways *w, uint64_t redirect)
{
    for (uint32_t i = 0; i < NIC_TARGETS; i++)
        if (w->means[i] & ENTRY_USED && w->redirect[i] == redirect)
            return w->means[i];
    return 0;
}

/* The port that a redirect word names by its interface, or port_count. */
static uint32_t port_of(const struct nic_ways *w, uint64_t redirect)
{
    uint32_t port = 0;

    while (port < w->port_count && redirect != (NIC_BY_IFINDEX | w->ifindex[port]))
        port++;
    return port;
}

struct nic_way nic_way_of(const struct nic_ways *w, uint32_t ret, uint64_t redirect, uint32_t port,
                          uint32_t queue)
{
    const uint32_t entry = entry_of(w, redirect), kind = entry >> 8 & 3;
    const uint32_t named = port_of(w, redirect);
    const bool holds[] = {
        [SPEC_WAY_WHEN_ALWAYS] = true,
        [SPEC_WAY_WHEN_PORT] = entry && kind == MEANS_PORT,
        [SPEC_WAY_WHEN_QUEUE] = entry && kind == MEANS_QUEUE,
        [SPEC_WAY_WHEN_ENTRY] = entry != 0,
        [SPEC_WAY_WHEN_IFINDEX] = named < w->port_count,
        [SPEC_WAY_WHEN_TO_HOST] = w->to_host & 1,
    };
    const uint32_t numbers[] = {
        [SPEC_WAY_NUMBER_RSS] = queue,
        [SPEC_WAY_NUMBER_INGRESS] = port,
        [SPEC_WAY_NUMBER_ENTRY] = entry & UINT8_MAX,
        [SPEC_WAY_NUMBER_IFINDEX] = named,
    };

    for (uint32_t i = 0; i < SPEC_WAYS; i++) {
        const struct spec_way *row = &spec_ways[i];
        struct nic_way way = {row->to, numbers[row->number]};

        if (row->ret != ret || !holds[row->when])
            continue;
        if (row->number == SPEC_WAY_NUMBER_ENTRY &&
            way.number >= (way.to == SPEC_WAY_TO_PORT ? w->port_count : w->rxq_count))
            way.to = SPEC_WAY_TO_LOST;
        return way;
    }
    return (struct nic_way){SPEC_WAY_TO_NOTHING, queue};
}
