/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <rte_io.h>
#include <rte_malloc.h>

/* TX rings: a packet takes a descriptor for each of its buffers; the device marks the last one when
 * all are read. Packets are freed when the ring runs short. */

static uint16_t held(const struct pmd_txq *q)
{
    return (uint16_t)(q->given - q->done);
}

static uint32_t room(const struct pmd_txq *q)
{
    return q->mask + 1u - held(q);
}

/* Frees up to `most` packets that the device is done with; how many. */
static uint32_t reclaim(struct pmd_txq *q, uint32_t most)
{
    uint32_t n = 0;

    while (n < most && held(q)) {
        const uint16_t place = q->done & q->mask;
        const uint16_t end = q->ends[place];
        const uint32_t flags = q->ring[end & q->mask].flags;

        if (!(flags & PMD_FLAG_DONE))
            break;
        rte_io_rmb();
        if (flags & PMD_TX_FLAG_BAD)
            q->lost++;
        rte_pktmbuf_free(q->packets[place]);
        q->packets[place] = NULL;
        q->done = (uint16_t)(end + 1);
        n++;
    }
    return n;
}

_Static_assert(PMD_TX_BUFFERS <= 1 << PMD_RING_MIN_LOG2, "every ring has room for a packet");
_Static_assert(PMD_TX_BUFFERS *PMD_RX_BUFFER_MIN >= SPEC_PKT_MAX_BYTES,
               "what is received can be sent again");

/* Buffers of a packet that have bytes; 0 if the device can't send it. */
static uint32_t buffers_of(const struct rte_mbuf *m)
{
    uint32_t bytes = 0, n = 0;

    for (const struct rte_mbuf *s = m; s; s = s->next) {
        bytes += s->data_len;
        n += s->data_len != 0;
    }
    return bytes < SPEC_PKT_MIN_BYTES || bytes > SPEC_PKT_MAX_BYTES || n > PMD_TX_BUFFERS ? 0 : n;
}

static uint32_t egress(const struct pmd_txq *q, const struct rte_mbuf *m)
{
    const struct pmd_fields *f = q->fields;

    return f->info >= 0 && m->ol_flags & f->egress_flag
               ? RTE_MBUF_DYNFIELD(m, (size_t)f->info, const struct rte_pmd_sluice_info *)->port
               : 0;
}

static void put(struct pmd_txq *q, struct rte_mbuf *m, uint32_t buffers, uint32_t to)
{
    const uint32_t port = to << PMD_FLAG_PORT_SHIFT;
    const uint16_t first = q->given & q->mask;

    for (const struct rte_mbuf *s = m; s; s = s->next) {
        volatile struct pmd_tx_desc *d = &q->ring[q->given & q->mask];

        if (!s->data_len)
            continue;
        d->addr = rte_mbuf_data_iova(s);
        d->len = s->data_len;
        d->flags = port | (--buffers ? 0 : PMD_FLAG_LAST);
        q->given++;
    }
    q->packets[first] = m;
    q->ends[first] = (uint16_t)(q->given - 1);
}

uint16_t pmd_tx_burst(void *queue, struct rte_mbuf **packets, uint16_t count)
{
    struct pmd_txq *q = queue;
    uint16_t before, n = 0;

    rte_spinlock_lock(&q->lock);
    before = q->given;
    if (room(q) < q->free_thresh)
        reclaim(q, UINT32_MAX);
    for (; n < count; n++) {
        const uint32_t buffers = buffers_of(packets[n]);

        if (!buffers) {
            rte_pktmbuf_free(packets[n]);
            q->errors++;
            continue;
        }
        if (room(q) < buffers)
            reclaim(q, UINT32_MAX);
        if (room(q) < buffers)
            break;
        put(q, packets[n], buffers, egress(q, packets[n]));
    }
    if (q->given != before) {
        rte_io_wmb();
        nic_write(q->nic, q->nic->txq[q->number] + SPEC_TXQ_TAIL, q->given);
    } else if (held(q)) {
        nic_advance(q->nic, PMD_POLL_CLOCKS);
    }
    rte_spinlock_unlock(&q->lock);
    return n;
}

bool pmd_tx_sent(struct pmd_txq *q)
{
    reclaim(q, UINT32_MAX);
    return !held(q);
}

bool pmd_tx_put(struct pmd_txq *q, struct rte_mbuf *m, uint32_t port)
{
    const uint32_t buffers = buffers_of(m);

    if (!buffers) {
        rte_pktmbuf_free(m);
        q->errors++;
        return true;
    }
    if (room(q) < buffers)
        reclaim(q, UINT32_MAX);
    if (room(q) < buffers)
        return false;
    put(q, m, buffers, port);
    return true;
}

void pmd_tx_kick(struct pmd_txq *q)
{
    if (q->told == q->given)
        return;
    q->told = q->given;
    rte_io_wmb();
    nic_write(q->nic, q->nic->txq[q->number] + SPEC_TXQ_TAIL, q->given);
}

uint16_t pmd_tx_prepare(void *queue, struct rte_mbuf **packets, uint16_t count)
{
    (void)queue;
    for (uint16_t i = 0; i < count; i++) {
        if (packets[i]->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK) {
            rte_errno = ENOTSUP;
            return i;
        }
        if (!buffers_of(packets[i])) {
            rte_errno = EINVAL;
            return i;
        }
    }
    return count;
}

int pmd_tx_status(void *queue, uint16_t offset)
{
    const struct pmd_txq *q = queue;
    uint16_t at = q->done;

    if (offset > q->mask)
        return -EINVAL;
    if (offset >= held(q))
        return RTE_ETH_TX_DESC_DONE;
    while ((uint16_t)(q->ends[at & q->mask] - q->done) < offset)
        at = (uint16_t)(q->ends[at & q->mask] + 1);
    return q->ring[q->ends[at & q->mask] & q->mask].flags & PMD_FLAG_DONE ? RTE_ETH_TX_DESC_DONE
                                                                          : RTE_ETH_TX_DESC_FULL;
}

int pmd_tx_clean(void *queue, uint32_t count)
{
    struct pmd_txq *q = queue;
    uint32_t n;

    rte_spinlock_lock(&q->lock);
    n = reclaim(q, count ? count : UINT32_MAX);
    rte_spinlock_unlock(&q->lock);
    return (int)n;
}

int pmd_tx_start(struct pmd_txq *q)
{
    int err;

    for (uint32_t i = 0; i <= q->mask; i++)
        q->ring[i].flags = 0;
    q->done = 0;
    q->given = 0;
    q->told = 0;
    err = nic_ring_start(q->nic, q->nic->txq[q->number], q->zone->iova,
                         (uint32_t)rte_log2_u32(q->mask + 1u));
    q->on = true;
    if (err)
        pmd_tx_stop(q);
    return err;
}

/* Lets the device send what it has, for a while. A device that is gone touches nothing any more. */
int pmd_tx_stop(struct pmd_txq *q)
{
    enum { POLLS = 4096 };
    int err;

    for (int i = 0; i < POLLS && held(q) && !q->nic->gone; i++) {
        reclaim(q, UINT32_MAX);
        if (held(q))
            nic_wait(q->nic, PMD_POLL_CLOCKS);
    }
    err = nic_ring_stop(q->nic, q->nic->txq[q->number]);
    if (err && err != -ENODEV)
        return err; /* it may still read: the packets stay */
    q->on = false;
    while (held(q)) {
        const uint16_t place = q->done & q->mask;

        rte_pktmbuf_free(q->packets[place]);
        q->packets[place] = NULL;
        q->done = (uint16_t)(q->ends[place] + 1);
    }
    return 0;
}

static void free_queue(struct pmd_txq *q)
{
    rte_memzone_free(q->zone);
    rte_free(q->packets);
    rte_free(q->ends);
    rte_free(q);
}

int pmd_tx_close(struct pmd_txq *q)
{
    const int err = q->on ? pmd_tx_stop(q) : 0;

    if (err)
        PMD_LOG(ERR, "TX queue %u does not stop; its memory stays the device's\n", q->number);
    else
        free_queue(q);
    return err;
}

void pmd_tx_queue_release(struct rte_eth_dev *eth_dev, uint16_t queue)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    struct pmd_txq *q = eth_dev->data->tx_queues[queue];

    if (!q)
        return;
    pthread_mutex_lock(&pmd->lock); /* others may be at the queues' counts */
    pmd->tx_errors_past += q->errors;
    eth_dev->data->tx_queues[queue] = NULL;
    pthread_mutex_unlock(&pmd->lock);
    pmd_tx_close(q);
}

struct pmd_txq *pmd_tx_open(struct rte_eth_dev *eth_dev, uint16_t ring, uint16_t count, int socket)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    struct pmd_txq *q = rte_zmalloc_socket("sluice tx", sizeof(*q), RTE_CACHE_LINE_SIZE, socket);

    if (!q)
        return NULL;
    q->packets = rte_zmalloc_socket("sluice tx", count * sizeof(struct rte_mbuf *),
                                    RTE_CACHE_LINE_SIZE, socket);
    q->ends =
        rte_zmalloc_socket("sluice tx", count * sizeof(*q->ends), RTE_CACHE_LINE_SIZE, socket);
    q->zone = rte_eth_dma_zone_reserve(eth_dev, "tx", ring, (size_t)count * SPEC_DESC_BYTES,
                                       RTE_CACHE_LINE_SIZE, socket);
    if (!q->packets || !q->ends || !q->zone) {
        free_queue(q);
        return NULL;
    }
    rte_spinlock_init(&q->lock);
    q->nic = &pmd->nic;
    q->port_id = eth_dev->data->port_id;
    q->ring = q->zone->addr;
    q->fields = &pmd->fields;
    q->mask = (uint16_t)(count - 1);
    q->free_thresh = (uint16_t)(count / 4);
    q->number = ring;
    return q;
}

int pmd_tx_queue_setup(struct rte_eth_dev *eth_dev, uint16_t queue, uint16_t count,
                       unsigned int socket, const struct rte_eth_txconf *conf)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    struct pmd_txq *q;

    if (conf->tx_deferred_start) {
        PMD_LOG(ERR, "TX queue %u: queues start with their port only\n", queue);
        return -ENOTSUP;
    }
    if (!rte_is_power_of_2(count)) {
        PMD_LOG(ERR, "TX queue %u: a ring has a power of two of descriptors, not %u\n", queue,
                count);
        return -EINVAL;
    }
    q = pmd_tx_open(eth_dev, queue, count, (int)socket);
    if (!q)
        return -ENOMEM;
    if (conf->tx_free_thresh)
        q->free_thresh = conf->tx_free_thresh;
    pthread_mutex_lock(&pmd->lock);
    eth_dev->data->tx_queues[queue] = q;
    pthread_mutex_unlock(&pmd->lock);
    return 0;
}
