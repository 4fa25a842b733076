/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_SETTINGS_H
#define SLUICE_PMD_SETTINGS_H

#include "host/pmd/nic.h"

/* What a host has set in a NIC's registers beside its rings and the slot: ports, addresses, RSS,
 * ways of packets, the clock. */

enum {
    NIC_SETTINGS_PORT = 5 + 2 * NIC_FILTERS,
    NIC_SETTINGS_RSS = 1 + NIC_KEY_BYTES / 4 + NIC_RETA_MAX,
    NIC_SETTINGS_VERDICT = 1 + 3 * NIC_TARGETS,
};

struct nic_settings {
    uint32_t on; /* the device's CTRL */
    uint32_t step;
    uint32_t watchdog;
    uint32_t ports_on[DEV_NIC_PORTS];
    uint32_t port[DEV_NIC_PORTS][NIC_SETTINGS_PORT];
    uint32_t rss[NIC_SETTINGS_RSS];
    uint32_t verdict[NIC_SETTINGS_VERDICT];
};

/* Reads them. All return 0 or negative errno. */
int nic_settings_read(struct nic *nic, struct nic_settings *s);
/* Lets the ports take no packets any more; frames wait at the wires of a simulated device. */
int nic_settings_hold(struct nic *nic, const struct nic_settings *s);
/* Writes them into a device that was reset, whose ports stay off; its time goes on from then. */
int nic_settings_write(struct nic *nic, const struct nic_settings *s, uint64_t time_ns);
/* Lets the ports take packets again, if they did. */
int nic_settings_release(struct nic *nic, const struct nic_settings *s);

#endif
