/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <rte_io.h>
#include <rte_malloc.h>
#include <rte_net.h>

/* RX rings: buffers go to the device, packets of one or several of them come back in order. */

enum { REFILL_AT_ONCE = 64 };

static uint16_t held(const struct pmd_rxq *q)
{
    return (uint16_t)(q->given - q->next);
}

static bool is_done(const struct pmd_rxq *q)
{
    return held(q) && q->ring[q->next & q->mask].take.flags & PMD_FLAG_DONE;
}

/* Gives the device one buffer; its address is even, so the descriptor does not look done. */
static void give(struct pmd_rxq *q, struct rte_mbuf *m)
{
    volatile union pmd_rx_desc *d = &q->ring[q->given & q->mask];
    const uint64_t addr = rte_mbuf_data_iova_default(m);

    RTE_ASSERT(addr % 2 == 0);
    q->buffers[q->given & q->mask] = m;
    d->give.bytes = q->buffer_bytes;
    d->give.addr = addr;
    q->given++;
}

/* Fills the ring up; what the pool lacks comes another time. */
static int refill(struct pmd_rxq *q)
{
    struct rte_mbuf *fresh[REFILL_AT_ONCE];
    uint32_t missing = q->mask + 1u - held(q);
    bool some = false;

    while (missing) {
        const uint32_t n = RTE_MIN(missing, (uint32_t)REFILL_AT_ONCE);

        if (rte_pktmbuf_alloc_bulk(q->pool, fresh, n)) {
            q->data->rx_mbuf_alloc_failed += n;
            break;
        }
        for (uint32_t i = 0; i < n; i++)
            give(q, fresh[i]);
        missing -= n;
        some = true;
    }
    if (!some)
        return 0;
    rte_io_wmb();
    return nic_write(q->nic, q->nic->rxq[q->number] + SPEC_RXQ_TAIL, q->given);
}

/* Adds a buffer to the packet under way. What the device says of it is not trusted: a length that
 * is none makes the packet a bad one. */
static void add_buffer(struct pmd_rxq *q, struct rte_mbuf *m, uint16_t len)
{
    q->bad |= len == 0 || len > q->buffer_bytes || q->got_bytes + len > PMD_BUFFER_MAX;
    if (q->bad) {
        rte_pktmbuf_free_seg(m);
        return;
    }
    m->data_len = len;
    q->got_bytes += len;
    if (q->first) {
        q->last->next = m;
        q->first->nb_segs++;
    } else {
        q->first = m;
    }
    q->last = m;
}

void pmd_rx_describe(const struct pmd_rxq *q, struct rte_mbuf *m, const struct pmd_rx_take *d,
                     uint32_t bytes)
{
    const struct pmd_fields *f = q->fields;

    m->port = q->port_id;
    m->pkt_len = bytes - d->meta;
    m->data_len = (uint16_t)(m->data_len - d->meta);
    m->data_off = (uint16_t)(m->data_off + d->meta);
    m->ol_flags = 0;
    if (d->flags & PMD_RX_FLAG_HASH) {
        m->hash.rss = d->hash;
        m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
    }
    if (f->time >= 0) {
        *RTE_MBUF_DYNFIELD(m, (size_t)f->time, rte_mbuf_timestamp_t *) = d->time;
        m->ol_flags |= f->time_flag;
    }
    if (f->info >= 0) {
        *RTE_MBUF_DYNFIELD(m, (size_t)f->info, struct rte_pmd_sluice_info *) =
            (struct rte_pmd_sluice_info){.redirect = d->redirect,
                                         .number = d->number,
                                         .meta_bytes = d->meta,
                                         .ret = (uint8_t)(d->flags >> 8),
                                         .port = (uint8_t)(d->flags >> PMD_FLAG_PORT_SHIFT)};
        m->ol_flags |= f->info_flag;
    }
    m->packet_type = f->types ? rte_net_get_ptype(m, NULL, f->types) : 0;
}

/* The packet under way is complete: it, or NULL if it is a bad one or the program takes it. */
static struct rte_mbuf *finish(struct pmd_rxq *q, struct pmd_rx_take *d)
{
    struct rte_mbuf *m = q->first;

    q->bad |= !m || q->got_bytes != d->total || d->meta >= m->data_len;
    if (q->bad) {
        rte_pktmbuf_free(m);
        m = NULL;
        q->errors++;
    } else {
        m = pmd_fallback_run(q, m, d);
        if (m)
            pmd_rx_describe(q, m, d, q->got_bytes);
    }
    q->first = NULL;
    q->last = NULL;
    q->got_bytes = 0;
    q->bad = false;
    return m;
}

/* Takes a buffer off the ring, which is done: the packet that it ends, or NULL. */
static struct rte_mbuf *take_buffer(struct pmd_rxq *q)
{
    const uint16_t place = q->next & q->mask;
    struct pmd_rx_take d;

    rte_io_rmb(); /* the rest of the descriptor, and the bytes, after its flags */
    d = *(const struct pmd_rx_take *)(uintptr_t)&q->ring[place].take;
    d.number = (uint16_t)(d.number + q->nic->number_base);
    add_buffer(q, q->buffers[place], d.len);
    q->buffers[place] = NULL;
    q->next++;
    return d.flags & PMD_FLAG_LAST ? finish(q, &d) : NULL;
}

static uint32_t receive(struct pmd_rxq *q, struct rte_mbuf **packets, uint32_t count)
{
    uint32_t n = 0;

    while (n < count && is_done(q)) {
        packets[n] = take_buffer(q);
        n += packets[n] != NULL;
    }
    return n;
}

/* --- packets that wait for a burst --- */

static void keep(struct pmd_rxq *q, struct rte_mbuf *m)
{
    const uint32_t places = 2 * (q->mask + 1u);

    RTE_ASSERT(q->ready_count < places);
    q->ready[(q->ready_next + q->ready_count) % places] = m;
    __atomic_store_n(&q->ready_count, q->ready_count + 1, __ATOMIC_RELAXED);
}

bool pmd_rx_keep(struct pmd_rxq *q, struct rte_mbuf *m)
{
    if (q->ready_count > q->mask)
        return false;
    keep(q, m);
    return true;
}

static uint32_t take_ready(struct pmd_rxq *q, struct rte_mbuf **packets, uint32_t count)
{
    const uint32_t n = RTE_MIN(count, q->ready_count);

    for (uint32_t i = 0; i < n; i++)
        packets[i] = q->ready[q->ready_next++ % (2 * (q->mask + 1u))];
    __atomic_store_n(&q->ready_count, q->ready_count - n, __ATOMIC_RELAXED);
    return n;
}

/* Gives the device what it lacks, when that is enough, and if what it makes of that finds a place
 * among the packets that wait. A device that is gone gives no more packets; link_update tells. */
static void refill_late(struct pmd_rxq *q)
{
    if (q->mask + 1u - held(q) >= q->refill && q->ready_count <= q->mask + 1u)
        refill(q);
}

static void take_all(struct pmd_rxq *q, const struct pmd_rxq *user, uint32_t wanted)
{
    for (uint32_t i = 0; i <= q->mask && is_done(q) &&
                         __atomic_load_n(&user->ready_count, __ATOMIC_RELAXED) < wanted;
         i++) {
        struct rte_mbuf *m = take_buffer(q);

        if (m)
            keep(q, m);
    }
}

void pmd_rx_settle(struct pmd_rxq *q)
{
    rte_spinlock_lock(&q->lock);
    take_all(q, q, UINT32_MAX);
    rte_spinlock_unlock(&q->lock);
}

void pmd_rx_poll(struct pmd_rxq *q, const struct pmd_rxq *user, uint32_t wanted)
{
    rte_spinlock_lock(&q->lock);
    take_all(q, user, wanted);
    refill_late(q);
    rte_spinlock_unlock(&q->lock);
}

/* --- for the application --- */

/* Whether something waits that may be the queue's. */
static bool anything(struct pmd_rxq *q)
{
    struct pmd_rxq *from = pmd_fallback_ring(q);
    bool done;

    rte_spinlock_lock(&from->lock);
    done = is_done(from);
    rte_spinlock_unlock(&from->lock);
    return done || __atomic_load_n(&q->ready_count, __ATOMIC_RELAXED);
}

uint16_t pmd_rx_burst(void *queue, struct rte_mbuf **packets, uint16_t count)
{
    struct pmd_rxq *q = queue;
    uint32_t n;

    if (q->nic->dev->ops->advance && !anything(q))
        nic_advance(q->nic, PMD_POLL_CLOCKS);
    pmd_fallback_poll(q, count);
    rte_spinlock_lock(&q->lock);
    n = take_ready(q, packets, count);
    if (!pmd_fallback_takes(q))
        n += receive(q, packets + n, count - n);
    refill_late(q);
    rte_spinlock_unlock(&q->lock);
    pmd_events_burst(q->data->dev_private); /* of these packets, and of others */
    return (uint16_t)n;
}

uint32_t pmd_rx_filled(struct pmd_rxq *q)
{
    uint32_t n = 0;

    rte_spinlock_lock(&q->lock);
    while (n < held(q) && q->ring[(q->next + n) & q->mask].take.flags & PMD_FLAG_DONE)
        n++;
    rte_spinlock_unlock(&q->lock);
    return n;
}

/* Of packets that are yet to be run on the host nobody knows whose they are: they may be anyone's.
 */
uint32_t pmd_rx_count(void *queue)
{
    struct pmd_rxq *q = queue;

    return __atomic_load_n(&q->ready_count, __ATOMIC_RELAXED) + pmd_rx_filled(pmd_fallback_ring(q));
}

int pmd_rx_status(void *queue, uint16_t offset)
{
    struct pmd_rxq *q = queue;
    int status = RTE_ETH_RX_DESC_UNAVAIL;

    if (offset > q->mask)
        return -EINVAL;
    if (offset < pmd_rx_count(q))
        return RTE_ETH_RX_DESC_DONE;
    rte_spinlock_lock(&q->lock);
    if (offset < q->ready_count + held(q))
        status = RTE_ETH_RX_DESC_AVAIL;
    rte_spinlock_unlock(&q->lock);
    return status;
}

void pmd_lock_queues(void *const *queues, uint16_t count, bool lock)
{
    for (uint16_t i = 0; i < count; i++) {
        rte_spinlock_t *const of_queue = queues[i]; /* its first member */

        if (of_queue && lock)
            rte_spinlock_lock(of_queue);
        else if (of_queue)
            rte_spinlock_unlock(of_queue);
    }
}

/* Those that the device had. */
static void free_given(struct pmd_rxq *q)
{
    for (; held(q); q->next++) {
        rte_pktmbuf_free_seg(q->buffers[q->next & q->mask]);
        q->buffers[q->next & q->mask] = NULL;
    }
}

static void free_buffers(struct pmd_rxq *q)
{
    free_given(q);
    rte_pktmbuf_free(q->first);
    q->first = NULL;
    q->last = NULL;
    q->got_bytes = 0;
    q->bad = false;
    for (; q->ready_count; q->ready_count--)
        rte_pktmbuf_free(q->ready[q->ready_next++ % (2 * (q->mask + 1u))]);
}

static int start_ring(struct pmd_rxq *q)
{
    const uint32_t block = q->nic->rxq[q->number];
    int err;

    for (uint32_t i = 0; i <= q->mask; i++)
        q->ring[i].give = (struct pmd_rx_give){0};
    q->next = 0;
    q->given = 0;
    err = nic_ring_start(q->nic, block, q->zone->iova, (uint32_t)rte_log2_u32(q->mask + 1u));
    return err ? err : refill(q);
}

int pmd_rx_restart(struct pmd_rxq *q)
{
    free_given(q);
    return start_ring(q);
}

int pmd_rx_start(struct pmd_rxq *q)
{
    int err = start_ring(q);

    q->on = !err;
    if (!err && !held(q))
        err = -ENOMEM;
    if (err)
        pmd_rx_stop(q);
    return err;
}

/* A device that is gone touches nothing any more. */
int pmd_rx_stop(struct pmd_rxq *q)
{
    int err = nic_ring_stop(q->nic, q->nic->rxq[q->number]);

    if (err && err != -ENODEV)
        return err; /* it may still write: the buffers stay */
    q->on = false;
    free_buffers(q);
    return 0;
}

static void free_queue(struct pmd_rxq *q)
{
    rte_memzone_free(q->zone);
    rte_free(q->ready);
    rte_free(q->buffers);
    rte_free(q);
}

void pmd_rx_queue_release(struct rte_eth_dev *eth_dev, uint16_t queue)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    struct pmd_rxq *q = eth_dev->data->rx_queues[queue];

    if (!q)
        return;
    pthread_mutex_lock(&pmd->lock); /* others may be at the queues' counts */
    pmd->rx_errors_past += q->errors;
    eth_dev->data->rx_queues[queue] = NULL;
    pthread_mutex_unlock(&pmd->lock);
    if (!q->on || !pmd_rx_stop(q)) {
        free_queue(q);
    } else {
        PMD_LOG(ERR, "RX queue %u does not stop; its memory stays the device's\n", queue);
    }
}

/* Descriptors that may be missing before some are given: the device always has enough of them for
 * the longest packet, or the ring would stand still. */
static uint16_t refill_at(const struct pmd_rxq *q, uint16_t wanted)
{
    const uint32_t count = q->mask + 1u;
    const uint32_t longest = SPEC_PKT_MAX_BYTES + UINT8_MAX; /* with metadata */
    const uint32_t needed = (longest + q->buffer_bytes - 1) / q->buffer_bytes;
    const uint32_t most = count > needed ? count - needed : 1;

    return (uint16_t)RTE_MIN(wanted ? wanted : RTE_MIN(count / 4, 32u), most);
}

/* A queue with its memory, and of its device, but without buffers; NULL: no memory. */
static struct pmd_rxq *open_queue(struct rte_eth_dev *eth_dev, uint16_t queue, uint16_t count,
                                  int socket)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    struct pmd_rxq *q = rte_zmalloc_socket("sluice rx", sizeof(*q), RTE_CACHE_LINE_SIZE, socket);

    if (!q)
        return NULL;
    q->buffers = rte_zmalloc_socket("sluice rx", count * sizeof(struct rte_mbuf *),
                                    RTE_CACHE_LINE_SIZE, socket);
    q->ready = rte_zmalloc_socket("sluice rx", 2 * (size_t)count * sizeof(struct rte_mbuf *),
                                  RTE_CACHE_LINE_SIZE, socket);
    q->zone = rte_eth_dma_zone_reserve(eth_dev, "rx", queue, (size_t)count * SPEC_DESC_BYTES,
                                       RTE_CACHE_LINE_SIZE, socket);
    if (!q->buffers || !q->ready || !q->zone) {
        free_queue(q);
        return NULL;
    }
    rte_spinlock_init(&q->lock);
    q->nic = &pmd->nic;
    q->fallback = pmd->fallback;
    q->ring = q->zone->addr;
    q->fields = &pmd->fields;
    q->mask = (uint16_t)(count - 1);
    q->port_id = eth_dev->data->port_id;
    q->number = queue;
    q->data = eth_dev->data;
    return q;
}

int pmd_rx_queue_setup(struct rte_eth_dev *eth_dev, uint16_t queue, uint16_t count,
                       unsigned int socket, const struct rte_eth_rxconf *conf,
                       struct rte_mempool *pool)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    const uint32_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
    struct pmd_rxq *q;

    if (conf->rx_deferred_start) {
        PMD_LOG(ERR, "RX queue %u: queues start with their port only\n", queue);
        return -ENOTSUP;
    }
    if (!rte_is_power_of_2(count) || rte_pktmbuf_data_room_size(pool) < RTE_PKTMBUF_HEADROOM ||
        room < PMD_RX_BUFFER_MIN) {
        PMD_LOG(ERR,
                "RX queue %u: a ring has a power of two of descriptors, not %u, and buffers at "
                "least %u bytes of room, not %u\n",
                queue, count, PMD_RX_BUFFER_MIN, room);
        return -EINVAL;
    }
    q = open_queue(eth_dev, queue, count, (int)socket);
    if (!q)
        return -ENOMEM;
    q->pool = pool;
    q->buffer_bytes = (uint16_t)RTE_MIN(room, (uint32_t)PMD_BUFFER_MAX);
    q->refill = refill_at(q, conf->rx_free_thresh);
    pthread_mutex_lock(&pmd->lock);
    eth_dev->data->rx_queues[queue] = q;
    pthread_mutex_unlock(&pmd->lock);
    return 0;
}
