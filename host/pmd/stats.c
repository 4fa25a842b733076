/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The device's counters can't be set to 0 one by one: a reset of statistics keeps what they were.
 */

struct counter {
    const char *name;
    uint32_t offset;
};

static const struct counter port_counters[] = {
    {"rx_port%u_packets", SPEC_PORT_RX_PACKETS},   {"rx_port%u_bytes", SPEC_PORT_RX_BYTES},
    {"rx_port%u_filtered", SPEC_PORT_RX_FILTERED}, {"rx_port%u_size_errors", SPEC_PORT_RX_SIZE},
    {"rx_port%u_missed", SPEC_PORT_RX_MISSED},     {"tx_port%u_packets", SPEC_PORT_TX_PACKETS},
    {"tx_port%u_bytes", SPEC_PORT_TX_BYTES},       {"rx_port%u_errors", SPEC_PORT_RX_ERRORS},
    {"tx_port%u_dropped", SPEC_PORT_TX_DROPPED},
};
enum { PORT_SIZE = 3, PORT_MISSED = 4, PORT_ERRORS = 7 };

/* The rings' PACKETS, BYTES, and DROPPED or BAD lie at the same offsets. */
static const struct counter rxq_counters[] = {
    {"rx_ring%u_packets", SPEC_RXQ_PACKETS},
    {"rx_ring%u_bytes", SPEC_RXQ_BYTES},
    {"rx_ring%u_dropped", SPEC_RXQ_DROPPED},
};
static const struct counter txq_counters[] = {
    {"tx_ring%u_packets", SPEC_TXQ_PACKETS},
    {"tx_ring%u_bytes", SPEC_TXQ_BYTES},
    {"tx_ring%u_bad", SPEC_TXQ_BAD},
};
enum { RING_PACKETS, RING_BYTES, RING_LOST };

static const struct counter verdict_counters[] = {
    {"rx_program_aborted", SPEC_VERDICT_COUNT + 8 * SPEC_XDP_ABORTED},
    {"rx_program_drop", SPEC_VERDICT_COUNT + 8 * SPEC_XDP_DROP},
    {"rx_program_pass", SPEC_VERDICT_COUNT + 8 * SPEC_XDP_PASS},
    {"rx_program_tx", SPEC_VERDICT_COUNT + 8 * SPEC_XDP_TX},
    {"rx_program_redirect", SPEC_VERDICT_COUNT + 8 * SPEC_XDP_REDIRECT},
    {"rx_program_redirect_lost", SPEC_VERDICT_NO_TARGET},
    {"rx_program_events_lost", SPEC_VERDICT_EVENTS_LOST},
};

enum { VERDICT_REDIRECT_LOST = SPEC_VERDICTS };

/* Of packets whose program ran on the host; offsets in struct pmd_fallback_counts. */
#define RET(r) (offsetof(struct pmd_fallback_counts, ret) + sizeof(uint64_t) * (r))
static const struct counter fallback_counters[] = {
    {"rx_fallback_packets", offsetof(struct pmd_fallback_counts, packets)},
    {"rx_fallback_bytes", offsetof(struct pmd_fallback_counts, bytes)},
    {"rx_fallback_host_packets", offsetof(struct pmd_fallback_counts, host_packets)},
    {"rx_fallback_host_bytes", offsetof(struct pmd_fallback_counts, host_bytes)},
    {"rx_fallback_aborted", RET(SPEC_XDP_ABORTED)},
    {"rx_fallback_drop", RET(SPEC_XDP_DROP)},
    {"rx_fallback_pass", RET(SPEC_XDP_PASS)},
    {"rx_fallback_tx", RET(SPEC_XDP_TX)},
    {"rx_fallback_redirect", RET(SPEC_XDP_REDIRECT)},
    {"rx_fallback_redirect_lost", offsetof(struct pmd_fallback_counts, redirect_lost)},
    {"rx_fallback_ring_off", offsetof(struct pmd_fallback_counts, ring_off)},
    {"rx_fallback_tx_dropped", offsetof(struct pmd_fallback_counts, tx_dropped)},
    {"rx_fallback_path_packets", offsetof(struct pmd_fallback_counts, path_packets)},
    {"rx_fallback_path_lost", offsetof(struct pmd_fallback_counts, path_lost)},
};

/* The same by RX queue; offsets in struct pmd_fallback_queue. */
static const struct counter queue_counters[] = {
    {"rx_fallback_queue%u_packets", offsetof(struct pmd_fallback_queue, packets)},
    {"rx_fallback_queue%u_bytes", offsetof(struct pmd_fallback_queue, bytes)},
    {"rx_fallback_queue%u_dropped", offsetof(struct pmd_fallback_queue, dropped)},
    {"rx_fallback_queue%u_captured", offsetof(struct pmd_fallback_queue, captured)},
    {"rx_fallback_queue%u_captured_bytes", offsetof(struct pmd_fallback_queue, captured_bytes)},
};
enum { QUEUE_CAPTURED = 3, QUEUE_CAPTURED_BYTES };

/* Of 32 bits, anywhere; the last one is no count. */
static const struct counter device_counters[] = {
    {"dma_errors", SPEC_BAR_LIST + SPEC_NIC_DMA_ERRORS},
    {"rx_program_limited", SPEC_BAR_SLOT + SPEC_CSR_COUNT_LIMITED},
    {"rx_program_hung", SPEC_BAR_LIST + SPEC_NIC_HUNG},
};

/* Counted by the driver: numbers in place of offsets. */
static const struct counter event_counters[] = {
    {"rx_program_events", PMD_EVENTS_TOLD},
    {"rx_program_events_bad", PMD_EVENTS_BAD},
    {"rx_program_ringbuf_lost", PMD_EVENTS_RECORDS},
};

enum group {
    GROUP_PORT,
    GROUP_RXQ,
    GROUP_TXQ,
    GROUP_VERDICT,
    GROUP_DEVICE,
    GROUP_EVENTS,
    GROUP_FALLBACK,
    GROUP_QUEUE,
    GROUP_COUNT
};

static const struct {
    const struct counter *rows;
    uint32_t count;
} groups[GROUP_COUNT] = {
    [GROUP_PORT] = {port_counters, RTE_DIM(port_counters)},
    [GROUP_RXQ] = {rxq_counters, RTE_DIM(rxq_counters)},
    [GROUP_TXQ] = {txq_counters, RTE_DIM(txq_counters)},
    [GROUP_VERDICT] = {verdict_counters, RTE_DIM(verdict_counters)},
    [GROUP_DEVICE] = {device_counters, RTE_DIM(device_counters)},
    [GROUP_EVENTS] = {event_counters, RTE_DIM(event_counters)},
    [GROUP_FALLBACK] = {fallback_counters, RTE_DIM(fallback_counters)},
    [GROUP_QUEUE] = {queue_counters, RTE_DIM(queue_counters)},
};

/* The blocks of a group: how many, and where. */
static uint32_t blocks_of(const struct nic *nic, enum group g, const uint32_t **addrs)
{
    switch (g) {
    case GROUP_PORT:
        *addrs = nic->port;
        return nic->port_count;
    case GROUP_RXQ:
        *addrs = nic->rxq;
        return nic->rxq_count;
    case GROUP_TXQ:
        *addrs = nic->txq;
        return nic->txq_count;
    case GROUP_VERDICT:
        *addrs = &nic->verdict;
        return 1;
    case GROUP_DEVICE:
    case GROUP_EVENTS:
    case GROUP_FALLBACK: /* the driver's own */
        *addrs = NULL;
        return 1;
    case GROUP_QUEUE:
        *addrs = NULL;
        return nic->rxq_count;
    case GROUP_COUNT:
        break;
    }
    return 0;
}

/* Number of a counter among all; GROUP_COUNT: how many there are. */
static uint32_t index_of(const struct nic *nic, enum group g, uint32_t block, uint32_t row)
{
    const uint32_t *addrs;
    uint32_t at = 0;

    for (uint32_t i = 0; i < g; i++)
        at += blocks_of(nic, (enum group)i, &addrs) * groups[i].count;
    return g == GROUP_COUNT ? at : at + block * groups[g].count + row;
}

static uint32_t counters_of(const struct nic *nic)
{
    return index_of(nic, GROUP_COUNT, 0, 0);
}

int pmd_stats_init(struct pmd *pmd)
{
    pmd->counter_base = calloc(counters_of(&pmd->nic), sizeof(*pmd->counter_base));
    pmd->counter_past = calloc(counters_of(&pmd->nic), sizeof(*pmd->counter_past));
    return pmd->counter_base && pmd->counter_past ? 0 : -ENOMEM;
}

void pmd_stats_free(struct pmd *pmd)
{
    free(pmd->counter_base);
    free(pmd->counter_past);
    pmd->counter_base = NULL;
    pmd->counter_past = NULL;
}

/* A packet that the host ran has the capture's verdict, as far as the device knows: what is to be
 * added to a counter of verdicts, so that it tells what programs said. */
static uint64_t correction(const struct pmd_fallback_counts *c, uint32_t row)
{
    if (row < SPEC_VERDICTS)
        return c->ret[row] - (row == PMD_CAPTURE_RET ? c->packets - c->path_packets : 0) -
               (row == PMD_PATH_RET ? c->path_packets + c->path_lost : 0);
    return row == VERDICT_REDIRECT_LOST ? c->redirect_lost : 0;
}

/* As the device has it. */
static int read_device(struct pmd *pmd, enum group g, uint32_t block, uint32_t row, uint64_t *value)
{
    const uint32_t *addrs = NULL;
    uint32_t word = 0;
    int err;

    if (g == GROUP_DEVICE) {
        err = nic_read(&pmd->nic, groups[g].rows[row].offset, &word);
        *value = word;
        return err;
    }
    blocks_of(&pmd->nic, g, &addrs);
    return nic_counter(&pmd->nic, addrs[block] + groups[g].rows[row].offset, value);
}

int pmd_stats_read(struct pmd *pmd, uint64_t **counters)
{
    uint64_t *all = calloc(counters_of(&pmd->nic), sizeof(*all));
    const uint32_t *addrs;
    int err = all ? 0 : -ENOMEM;

    for (int g = 0; g <= GROUP_DEVICE; g++) {
        const uint32_t blocks = blocks_of(&pmd->nic, (enum group)g, &addrs);

        for (uint32_t b = 0; !err && b < blocks; b++)
            for (uint32_t r = 0; !err && r < groups[g].count; r++)
                err = read_device(pmd, (enum group)g, b, r,
                                  &all[index_of(&pmd->nic, (enum group)g, b, r)]);
    }
    if (err)
        free(all);
    else
        *counters = all;
    return err;
}

void pmd_stats_keep(struct pmd *pmd, const uint64_t *counters)
{
    for (uint32_t i = 0; i < counters_of(&pmd->nic); i++)
        pmd->counter_past[i] += counters[i];
}

/* needs: the device's lock */
static int read_counter(struct pmd *pmd, enum group g, uint32_t block, uint32_t row,
                        uint64_t *value)
{
    const struct pmd_fallback_counts *soft = pmd_fallback_counts(pmd);
    int err;

    if (g == GROUP_EVENTS) {
        *value = pmd_events_counter(pmd, (enum pmd_events_count)groups[g].rows[row].offset);
        return 0;
    }
    if (g == GROUP_FALLBACK || g == GROUP_QUEUE) {
        const void *counts = g == GROUP_QUEUE ? (const void *)&soft->queue[block] : soft;

        memcpy(value, (const uint8_t *)counts + groups[g].rows[row].offset, sizeof(*value));
        return 0;
    }
    err = read_device(pmd, g, block, row, value);
    if (!err)
        *value += pmd->counter_past[index_of(&pmd->nic, g, block, row)];
    if (!err && g == GROUP_VERDICT)
        *value += correction(soft, row);
    return err;
}

/* Since the last reset of statistics. */
static int count_of(struct pmd *pmd, enum group g, uint32_t block, uint32_t row, uint64_t *value)
{
    uint64_t now;
    int err;

    pthread_mutex_lock(&pmd->lock); /* a reset in between would make it negative */
    err = read_counter(pmd, g, block, row, &now);
    if (!err)
        *value = now - pmd->counter_base[index_of(&pmd->nic, g, block, row)];
    if (!err && g == GROUP_DEVICE)
        *value &= UINT32_MAX;
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

static int add(struct pmd *pmd, enum group g, uint32_t block, uint32_t row, uint64_t *sum)
{
    uint64_t value;
    const int err = count_of(pmd, g, block, row, &value);

    if (!err)
        *sum += value;
    return err;
}

/* What the rings' software counts. needs: the device's lock, or a queue might go away meanwhile */
static void soft_errors(const struct pmd *pmd, uint64_t *rx, uint64_t *tx)
{
    const struct rte_eth_dev_data *data = pmd->data;

    *rx = pmd->rx_errors_past;
    *tx = pmd->tx_errors_past;
    for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
        const struct pmd_rxq *q = data->rx_queues[i];

        *rx += q ? q->errors : 0;
    }
    for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
        const struct pmd_txq *q = data->tx_queues[i];

        *tx += q ? q->errors : 0;
    }
}

/* Takes packets that a program on the host saw off what an RX ring had. */
static void take_off(const uint64_t soft[2], uint64_t *packets, uint64_t *bytes)
{
    /* packets that waited in the ring when statistics were reset were received before */
    *packets -= RTE_MIN(*packets, soft[0]);
    *bytes -= RTE_MIN(*bytes, soft[1]);
}

static int rx_stats(struct pmd *pmd, struct rte_eth_stats *s)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < pmd->nic.rxq_count; i++) {
        uint64_t packets = 0, bytes = 0, dropped = 0;
        uint64_t soft[2] = {0}; /* before the device's */

        add(pmd, GROUP_QUEUE, i, QUEUE_CAPTURED, &soft[0]);
        add(pmd, GROUP_QUEUE, i, QUEUE_CAPTURED_BYTES, &soft[1]);
        err = add(pmd, GROUP_RXQ, i, RING_PACKETS, &packets);
        err = err ? err : add(pmd, GROUP_RXQ, i, RING_BYTES, &bytes);
        err = err ? err : add(pmd, GROUP_RXQ, i, RING_LOST, &dropped);
        if (!err)
            take_off(soft, &packets, &bytes);
        add(pmd, GROUP_QUEUE, i, RING_PACKETS, &packets);
        add(pmd, GROUP_QUEUE, i, RING_BYTES, &bytes);
        add(pmd, GROUP_QUEUE, i, RING_LOST, &dropped);
        s->ipackets += packets;
        s->ibytes += bytes;
        s->imissed += dropped;
        if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            s->q_ipackets[i] = packets;
            s->q_ibytes[i] = bytes;
            s->q_errors[i] = dropped;
        }
    }
    for (uint32_t i = 0; !err && i < pmd->nic.port_count; i++) {
        err = add(pmd, GROUP_PORT, i, PORT_MISSED, &s->imissed);
        err = err ? err : add(pmd, GROUP_PORT, i, PORT_SIZE, &s->ierrors);
        err = err ? err : add(pmd, GROUP_PORT, i, PORT_ERRORS, &s->ierrors);
    }
    return err;
}

static int tx_stats(struct pmd *pmd, struct rte_eth_stats *s)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < pmd->nic.txq_count; i++) {
        uint64_t packets = 0, bytes = 0;

        if (i >= pmd->data->nb_tx_queues)
            break; /* the driver's own ring sends what programs say */
        err = add(pmd, GROUP_TXQ, i, RING_PACKETS, &packets);
        err = err ? err : add(pmd, GROUP_TXQ, i, RING_BYTES, &bytes);
        err = err ? err : add(pmd, GROUP_TXQ, i, RING_LOST, &s->oerrors);
        s->opackets += packets;
        s->obytes += bytes;
        if (i < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
            s->q_opackets[i] = packets;
            s->q_obytes[i] = bytes;
        }
    }
    return err;
}

int pmd_stats_get(struct rte_eth_dev *eth_dev, struct rte_eth_stats *stats)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    uint64_t rx, tx;
    int err = rx_stats(pmd, stats);

    if (!err)
        err = tx_stats(pmd, stats);
    pthread_mutex_lock(&pmd->lock);
    soft_errors(pmd, &rx, &tx);
    stats->ierrors += rx - pmd->rx_errors_base;
    stats->oerrors += tx - pmd->tx_errors_base;
    pthread_mutex_unlock(&pmd->lock);
    stats->rx_nombuf = eth_dev->data->rx_mbuf_alloc_failed;
    return err;
}

/* What is captured and not yet run has no verdict: it counts when it has, from 0 on. */
static void reset_verdicts(struct pmd *pmd)
{
    uint64_t captured;
    uint32_t ret, i;

    if (!pmd_fallback_captured(pmd, &ret, &captured))
        return;
    i = index_of(&pmd->nic, GROUP_VERDICT, 0, ret);
    pmd->counter_base[i] =
        captured + pmd->counter_past[i] + correction(pmd_fallback_counts(pmd), ret);
}

int pmd_stats_reset(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    const uint32_t *addrs;
    int err = 0;

    pthread_mutex_lock(&pmd->lock);
    for (int g = 0; g < GROUP_COUNT; g++) {
        const uint32_t blocks = blocks_of(&pmd->nic, (enum group)g, &addrs);

        for (uint32_t b = 0; !err && b < blocks; b++)
            for (uint32_t r = 0; !err && r < groups[g].count; r++)
                err = read_counter(pmd, (enum group)g, b, r,
                                   &pmd->counter_base[index_of(&pmd->nic, (enum group)g, b, r)]);
    }
    reset_verdicts(pmd);
    soft_errors(pmd, &pmd->rx_errors_base, &pmd->tx_errors_base);
    pthread_mutex_unlock(&pmd->lock);
    eth_dev->data->rx_mbuf_alloc_failed = 0;
    return err;
}

int pmd_xstats_get(struct rte_eth_dev *eth_dev, struct rte_eth_xstat *stats, unsigned int count)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    const uint32_t all = counters_of(&pmd->nic);
    const uint32_t *addrs;
    uint32_t n = 0;
    int err = 0;

    if (!stats || count < all)
        return (int)all;
    for (int g = 0; g < GROUP_COUNT; g++) {
        const uint32_t blocks = blocks_of(&pmd->nic, (enum group)g, &addrs);

        for (uint32_t b = 0; !err && b < blocks; b++)
            for (uint32_t r = 0; !err && r < groups[g].count; r++, n++) {
                stats[n].id = n;
                err = count_of(pmd, (enum group)g, b, r, &stats[n].value);
            }
    }
    return err ? err : (int)all;
}

int pmd_xstats_names(struct rte_eth_dev *eth_dev, struct rte_eth_xstat_name *names,
                     unsigned int count)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    const uint32_t all = counters_of(&pmd->nic);
    const uint32_t *addrs;
    uint32_t n = 0;

    if (!names || count < all)
        return (int)all;
    for (int g = 0; g < GROUP_COUNT; g++) {
        const uint32_t blocks = blocks_of(&pmd->nic, (enum group)g, &addrs);

        for (uint32_t b = 0; b < blocks; b++)
            for (uint32_t r = 0; r < groups[g].count; r++, n++) {
                const char *format = groups[g].rows[r].name;
                const char *number = strstr(format, "%u");
                char *name = names[n].name;

                if (number)
                    snprintf(name, sizeof(names[n].name), "%.*s%u%s", (int)(number - format),
                             format, b, number + 2);
                else
                    snprintf(name, sizeof(names[n].name), "%s", format);
            }
    }
    return (int)all;
}
