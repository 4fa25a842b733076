/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/events.h"
#include "host/pmd/fallback/internal.h"
#include "host/pmd/fallback/path.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <string.h>

/* One packet: runs the program on it as the device would have, and carries out what it says. */

enum { OWN_RING_WAITS = 64 };

/* A packet that runs. */
struct run {
    struct pmd_fallback *f;
    struct pmd_rxq *q;  /* of the ring that it came by */
    struct rte_mbuf *m; /* NULL: it is gone, or on its way */
    struct pmd_rx_take *d;
    struct exec_packet in;
    uint32_t queue; /* RSS's */
    bool given;
};

static bool give_packet(void *ctx, struct exec_packet *packet)
{
    struct run *r = ctx;

    if (r->given)
        return false;
    r->given = true;
    *packet = r->in;
    return true;
}

/* Puts bytes into a packet's buffers as the device does, with more or fewer of them; false: there
 * is no memory. */
static bool put_bytes(const struct pmd_rxq *q, struct rte_mbuf *first, const uint8_t *bytes,
                      uint32_t n)
{
    struct rte_mbuf *m = first;

    first->nb_segs = 1;
    first->pkt_len = n;
    for (;;) {
        const uint16_t here = (uint16_t)RTE_MIN(n, (uint32_t)q->buffer_bytes);

        m->data_off = RTE_PKTMBUF_HEADROOM;
        m->data_len = here;
        memcpy(rte_pktmbuf_mtod(m, void *), bytes, here);
        bytes += here;
        n -= here;
        if (!n)
            break;
        if (!m->next) {
            m->next = rte_pktmbuf_alloc(q->pool);
            if (!m->next)
                return false;
        }
        m = m->next;
        first->nb_segs++;
    }
    rte_pktmbuf_free(m->next);
    m->next = NULL;
    return true;
}

/* Sends a packet out of a port; false: there is no room. A simulated device stands still unless it
 * is let go on. */
static bool send_out(struct pmd_fallback *f, struct rte_mbuf *m, uint32_t port)
{
    for (int i = 0; i < OWN_RING_WAITS; i++) {
        if (pmd_tx_put(f->txq, m, port))
            return true;
        pmd_tx_kick(f->txq);
        if (!f->txq->nic->dev->ops->advance)
            break;
        nic_advance(f->txq->nic, PMD_POLL_CLOCKS);
    }
    return false;
}

/* Takes the packet's own buffers if they are of that queue's pool, and others of it if not; false:
 * there is no memory. */
static bool put_packet(struct run *r, const struct pmd_rxq *q, const uint8_t *bytes, uint32_t n)
{
    bool put;

    if (q->pool != r->q->pool) {
        rte_pktmbuf_free(r->m);
        r->m = rte_pktmbuf_alloc(q->pool);
    }
    put = r->m && put_bytes(q, r->m, bytes, n);
    if (!put)
        q->data->rx_mbuf_alloc_failed++;
    return put;
}

/* Gives a packet to a queue, whose thread may take it at once. */
static void to_queue(struct run *r, struct pmd_rxq *q, const struct exec_output *o)
{
    struct pmd_fallback_counts *counts = &r->f->counts;
    struct pmd_fallback_queue *queue = &counts->queue[q->number];
    const uint32_t bytes = o->len + o->meta_bytes;
    bool kept;

    if (!put_packet(r, q, o->data - o->meta_bytes, bytes))
        return;
    if (q != r->q && r->f->on == FALLBACK_PATHS)
        pmd_rx_settle(q); /* packets before this one are in that queue's own ring */
    r->d->meta = (uint16_t)o->meta_bytes;
    r->d->redirect = o->redirect;
    r->d->flags = (r->d->flags & ~(UINT32_C(0xff) << 8)) | (o->ret & UINT8_MAX) << 8;
    pmd_rx_describe(q, r->m, r->d, bytes);
    if (q != r->q)
        rte_spinlock_lock(&q->lock);
    kept = pmd_rx_keep(q, r->m);
    if (q != r->q)
        rte_spinlock_unlock(&q->lock);
    if (!kept) {
        queue->dropped++;
        return;
    }
    r->m = NULL;
    queue->packets++;
    queue->bytes += bytes;
    counts->host_packets++;
    counts->host_bytes += bytes;
}

/* Carries out what the program says. */
static int take_output(void *ctx, const struct exec_output *o)
{
    struct run *r = ctx;
    struct pmd_fallback *f = r->f;
    const struct rte_eth_dev_data *data = r->q->data;
    const uint32_t port = r->d->flags >> PMD_FLAG_PORT_SHIFT & UINT8_MAX;
    const struct nic_way way = nic_way_of(&f->ways, o->ret, o->redirect, port, r->queue);
    const int err = f->shadow ? shadow_end(f->shadow) : 0;

    if (err)
        return err;
    f->counts.ret[o->ret < SPEC_VERDICTS ? o->ret : SPEC_XDP_ABORTED]++;
    switch (way.to) {
    case SPEC_WAY_TO_NOTHING:
        break;
    case SPEC_WAY_TO_LOST:
        f->counts.redirect_lost++;
        break;
    case SPEC_WAY_TO_HOST:
        if (way.number < data->nb_rx_queues)
            to_queue(r, data->rx_queues[way.number], o);
        else
            f->counts.ring_off++;
        break;
    case SPEC_WAY_TO_PORT:
        if (!put_packet(r, r->q, o->data, o->len))
            break;
        if (send_out(f, r->m, way.number))
            r->m = NULL;
        else
            f->counts.tx_dropped++;
    }
    rte_pktmbuf_free(r->m);
    r->m = NULL;
    return 0;
}

/* Runs the program on a packet of which the capture is known; the buffers are all in f->packet. */
static void run(struct pmd_fallback *f, struct pmd_rxq *q, struct rte_mbuf *m,
                struct pmd_rx_take *d, const struct pmd_capture *c)
{
    struct run r = {f, q, m, d, .queue = c->queue};
    const struct exec_stream stream = {&r, give_packet, take_output};
    struct exec_stats stats;
    struct pmd *pmd = q->data->dev_private;
    char why[EXEC_WHY_BYTES] = "";
    int err;

    f->number += (uint16_t)(d->number - (uint16_t)f->number);
    r.in = (struct exec_packet){.data = f->packet + CAPTURE_BYTES,
                                .len = q->got_bytes - CAPTURE_BYTES,
                                .time_ns = d->time,
                                .index = f->number,
                                .rand = vm_rand_before(c->rand)};
    f->exec->options.ifindex = c->ifindex;
    f->exec->options.queue = c->queue;
    f->counts.packets++;
    f->counts.bytes += q->got_bytes;
    f->counts.path_packets += f->shadow != NULL;
    f->counts.queue[q->number].captured++;
    f->counts.queue[q->number].captured_bytes += q->got_bytes;
    pmd_events_begin(pmd, d->time);
    err = f->shadow ? shadow_begin(f->shadow) : 0;
    if (!err)
        err = f->exec->ops->run(f->exec, &stream, &stats, why);
    if (f->shadow && shadow_end(f->shadow))
        err = -EIO;
    if (err) {
        if (!f->told)
            PMD_LOG(ERR, "%s\n", *why ? why : "the device's maps can't be read or written");
        f->told = true;
        q->errors++;
    }
    pmd_events_done(pmd);
    rte_pktmbuf_free(r.m);
}

/* The bytes of all of a packet's buffers, at hand in f->packet. */
static void gather(struct pmd_fallback *f, const struct rte_mbuf *m)
{
    uint32_t at = 0;

    for (const struct rte_mbuf *s = m; s; s = s->next) {
        memcpy(f->packet + at, rte_pktmbuf_mtod(s, const void *), s->data_len);
        at += s->data_len;
    }
}

struct rte_mbuf *pmd_fallback_run(struct pmd_rxq *q, struct rte_mbuf *m, struct pmd_rx_take *d)
{
    struct pmd_fallback *f = q->fallback;
    struct pmd_capture c;

    if (!pmd_capture_read(m, d, f->mark, &c))
        return m;
    if (f->on)
        f->captured++;
    if (f->on == FALLBACK_OFF || c.queue >= SPEC_QUEUES || q->got_bytes > sizeof(f->packet) ||
        q->got_bytes < CAPTURE_BYTES + SPEC_PKT_MIN_BYTES) {
        q->errors++;
        rte_pktmbuf_free(m);
    } else {
        gather(f, m);
        run(f, q, m, d, &c);
    }
    if (f->on == FALLBACK_PATHS) {
        if (f->txq)
            pmd_tx_kick(f->txq);
        f->held = true;
        pmd_fallback_let_go(f, q->nic);
    }
    return NULL;
}
