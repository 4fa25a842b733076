/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program/settings.h"

#include "hw/spec/gen/csr.h"

/* A device's settings, from one that is to go to the one that takes its place. */

enum { ON = 1 };

/* Registers that follow each other. */
struct range {
    uint32_t offset;
    uint32_t count;
};

static const struct range of_port[] = {
    {SPEC_PORT_IFINDEX, 1},
    {SPEC_PORT_MAX_BYTES, 1},
    {SPEC_PORT_MAC_LO, 2},
    {SPEC_PORT_FILTER, 2 * NIC_FILTERS},
};
static const struct range of_rss[] = {
    {SPEC_RSS_CTRL, 1},
    {SPEC_RSS_KEY, NIC_KEY_BYTES / 4},
    {SPEC_RSS_TABLE, NIC_RETA_MAX},
};
static const struct range of_verdict[] = {
    {SPEC_VERDICT_TO_HOST, 1},
    {SPEC_VERDICT_TABLE, 3 * NIC_TARGETS},
};

static int read_ranges(struct nic *nic, uint32_t block, const struct range *r, uint32_t count,
                       uint32_t *words)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < count; words += r[i++].count)
        for (uint32_t k = 0; !err && k < r[i].count; k++)
            err = nic_read(nic, block + r[i].offset + 4 * k, &words[k]);
    return err;
}

static int write_ranges(struct nic *nic, uint32_t block, const struct range *r, uint32_t count,
                        const uint32_t *words)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < count; words += r[i++].count)
        for (uint32_t k = 0; !err && k < r[i].count; k++)
            err = nic_write(nic, block + r[i].offset + 4 * k, words[k]);
    return err;
}

#define COUNT(ranges) (sizeof(ranges) / sizeof((ranges)[0]))

int nic_settings_read(struct nic *nic, struct nic_settings *s)
{
    int err = nic_read(nic, nic->device + SPEC_NIC_CTRL, &s->on);

    if (!err)
        err = nic_read(nic, nic->device + SPEC_NIC_TIME_STEP, &s->step);
    if (!err)
        err = nic_read(nic, nic->device + SPEC_NIC_WATCHDOG, &s->watchdog);
    for (uint32_t i = 0; !err && i < nic->port_count; i++) {
        err = nic_read(nic, nic->port[i] + SPEC_PORT_CTRL, &s->ports_on[i]);
        if (!err)
            err = read_ranges(nic, nic->port[i], of_port, COUNT(of_port), s->port[i]);
    }
    if (!err)
        err = read_ranges(nic, nic->rss, of_rss, COUNT(of_rss), s->rss);
    return err ? err : read_ranges(nic, nic->verdict, of_verdict, COUNT(of_verdict), s->verdict);
}

static int write_ports(struct nic *nic, const struct nic_settings *s, uint32_t mask)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < nic->port_count; i++)
        err = nic_write(nic, nic->port[i] + SPEC_PORT_CTRL, s->ports_on[i] & mask);
    return err;
}

int nic_settings_hold(struct nic *nic, const struct nic_settings *s)
{
    const int err = write_ports(nic, s, ~(uint32_t)ON);

    return err ? err : nic_write(nic, nic->device + SPEC_NIC_CTRL, 0);
}

int nic_settings_write(struct nic *nic, const struct nic_settings *s, uint64_t time_ns)
{
    const struct {
        uint32_t offset;
        uint32_t value;
    } device[] = {
        {SPEC_NIC_TIME_STEP, s->step},
        {SPEC_NIC_TIME_LO, (uint32_t)time_ns},
        {SPEC_NIC_TIME_HI, (uint32_t)(time_ns >> 32)},
        {SPEC_NIC_SEED, (uint32_t)time_ns}, /* or chance would repeat itself */
        {SPEC_NIC_WATCHDOG, s->watchdog},
    };
    int err = 0;

    for (uint32_t i = 0; !err && i < COUNT(device); i++)
        err = nic_write(nic, nic->device + device[i].offset, device[i].value);
    for (uint32_t i = 0; !err && i < nic->port_count; i++)
        err = write_ranges(nic, nic->port[i], of_port, COUNT(of_port), s->port[i]);
    if (!err)
        err = write_ranges(nic, nic->rss, of_rss, COUNT(of_rss), s->rss);
    if (!err)
        err = write_ranges(nic, nic->verdict, of_verdict, COUNT(of_verdict), s->verdict);
    return err ? err : write_ports(nic, s, ~(uint32_t)ON);
}

int nic_settings_release(struct nic *nic, const struct nic_settings *s)
{
    const int err = write_ports(nic, s, ~UINT32_C(0));

    return err ? err : nic_write(nic, nic->device + SPEC_NIC_CTRL, s->on & ON);
}
