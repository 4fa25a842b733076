/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program/slot.h"

#include "host/ctl/executor.h"
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While the device is another one its application may poll: TX queues are locked throughout, RX
 * queues while their rings are moved. Locks are taken after the device's, and RX queues' in the
 * order of their numbers. */

enum {
    KIND_PIPELINE = 2,
    TURNS = 4096,
    CLOCKS = 256,
    STATUS_UNDER_WAY = 5, /* packets, DMA, and events on their way: hw/spec/nic.toml */
};

int pmd_slot_is_pipeline(struct pmd *pmd, bool *pipeline)
{
    uint32_t kind = 0;
    const int err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_KIND, &kind);

    if (!err)
        *pipeline = kind == KIND_PIPELINE;
    return err;
}

/* Takes what the device has given, and gives it room for more; whether it has all that the host
 * sends. */
static bool serve(struct pmd *pmd)
{
    bool sent = true;

    for (uint16_t i = 0; pmd->running && i < pmd->data->nb_rx_queues; i++)
        pmd_rx_poll(pmd->data->rx_queues[i], pmd->data->rx_queues[i], UINT32_MAX);
    pmd_fallback_kick(pmd);
    for (uint16_t i = 0; pmd->running && i < pmd->data->nb_tx_queues; i++)
        sent &= pmd_tx_sent(pmd->data->tx_queues[i]);
    while (pmd_events_take(pmd))
        ;
    return sent;
}

int pmd_slot_rest(struct pmd *pmd, char *why)
{
    for (int i = 0; i < TURNS; i++) {
        uint32_t status = 0;
        const int err = nic_read(&pmd->nic, pmd->nic.device + SPEC_NIC_STATUS, &status);
        const bool sent = serve(pmd);

        if (err)
            return err;
        if (sent && !(status & STATUS_UNDER_WAY))
            return 0;
        nic_wait(&pmd->nic, CLOCKS);
    }
    snprintf(why, EXEC_WHY_BYTES, "the device does not finish the packets that it has");
    return -ETIMEDOUT;
}

int pmd_slot_end(struct pmd *pmd, struct pmd_slot_change *c)
{
    const int err = nic_settings_release(&pmd->nic, &c->settings);

    pmd_lock_queues(pmd->data->tx_queues, pmd->data->nb_tx_queues, false);
    free(c->counters);
    c->counters = NULL;
    return err;
}

int pmd_slot_begin(struct pmd *pmd, struct pmd_slot_change *c, char *why)
{
    int err = nic_settings_read(&pmd->nic, &c->settings);

    pmd_lock_queues(pmd->data->tx_queues, pmd->data->nb_tx_queues, true);
    if (!err)
        err = nic_settings_hold(&pmd->nic, &c->settings);
    if (!err)
        err = pmd_slot_rest(pmd, why);
    if (err)
        pmd_slot_end(pmd, c);
    return err;
}

static int restart_rings(struct pmd *pmd)
{
    int err = pmd_events_restart(pmd);

    for (uint16_t i = 0; !err && pmd->running && i < pmd->data->nb_rx_queues; i++)
        err = pmd_rx_restart(pmd->data->rx_queues[i]);
    for (uint16_t i = 0; !err && pmd->running && i < pmd->data->nb_tx_queues; i++)
        err = pmd_tx_start(pmd->data->tx_queues[i]);
    return err;
}

int pmd_slot_reopen(struct pmd *pmd, struct pmd_slot_change *c, const char *model, char *why)
{
    int err = pmd_stats_read(pmd, &c->counters);

    if (!err)
        err = nic_packets(&pmd->nic, &c->packets);
    if (!err)
        err = nic_time(&pmd->nic, &c->time_ns);
    if (err)
        return err;
    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, true);
    err = pmd->dev->ops->reopen(pmd->dev, model, why, EXEC_WHY_BYTES);
    if (err) {
        pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, false);
        return err;
    }
    pmd_stats_keep(pmd, c->counters);
    pmd->nic.number_base += c->packets;
    err = nic_settings_write(&pmd->nic, &c->settings, c->time_ns);
    if (!err)
        err = restart_rings(pmd);
    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, false);
    if (err)
        snprintf(why, EXEC_WHY_BYTES, "the device with another slot can't be set up: %s",
                 strerror(-err));
    return err ? -EIO : 0;
}
