/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/fallback.h"

#include "host/pmd/events.h"
#include "host/pmd/path.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program that the device does not take runs here, on a CPU that polls any RX queue, one packet
 * after the other as the device numbered them. The slot meanwhile runs a program of the driver's
 * own, which redirects every packet to the first RX ring and puts what a program may ask of it
 * (struct capture) in front as metadata. So packets of all queues come in the one order that they
 * are to be run in; then each waits for its queue's next burst, in struct pmd_rxq. What the program
 * sends leaves by a TX ring of the driver's own.
 *
 * A program of which the device does not take a path alone runs in the slot, and there puts the
 * same metadata in front of packets that come to it. Such a packet comes by its own queue's ring,
 * and is run against the device's maps (host/ctl/shadow.h), while packets behind it wait for what
 * it does (path.h).
 *
 * Who runs packets holds the device's lock, as whoever looks at the program's maps does; another
 * queue's thread that finds it taken has what waits for its queue, and goes on. Locks are taken in
 * this order: the device's, that of the first RX ring, that of another one. */

enum { RING = 0 }; /* the RX ring of captured packets */
enum { OWN_RING = 1024, OWN_RING_WAITS = 64 };
enum { TARGET = 0x534c4342 }; /* what the slot's program redirects to */

/* Whose packets are run here. */
enum { OFF, WHOLE, PATHS };

/* Metadata that the slot's program puts in front of each packet. The mark tells these packets from
 * those of a program that ran in the slot before. */
struct capture {
    uint64_t mark;
    uint32_t rand; /* the first number that the packet's generator gives */
    uint32_t ifindex;
    uint32_t queue;
};
enum { CAPTURE_BYTES = 20 };
_Static_assert(offsetof(struct capture, queue) + sizeof(uint32_t) == CAPTURE_BYTES,
               "the slot's program writes these fields");
_Static_assert(offsetof(struct capture, mark) == IR_CAPTURE_MARK &&
                   offsetof(struct capture, rand) == IR_CAPTURE_RAND &&
                   offsetof(struct capture, ifindex) == IR_CAPTURE_IFINDEX &&
                   offsetof(struct capture, queue) == IR_CAPTURE_QUEUE &&
                   (int)CAPTURE_BYTES == (int)IR_CAPTURE_BYTES,
               "and so does a program that leaves a path to the host");

struct pmd_fallback {
    pthread_mutex_t *lock;    /* the device's; of all below, too */
    atomic_int on;            /* OFF, ...; changed with the RX queues' locks held, too */
    struct shadow *shadow;    /* PATHS: of exec's maps */
    struct nic_target target; /* of what the slot's program redirects */
    struct exec *exec;        /* the program's */
    uint64_t number;          /* of the last packet, or of one before it */
    uint64_t mark;
    struct nic_ways ways;
    struct pmd_txq *txq;             /* while the port is started */
    uint64_t all_base, dropped_base; /* of the device, when its slot's program came */
    uint64_t captured;               /* packets of that one that came here since */
    struct pmd_fallback_counts counts;
    bool told; /* of a fault */
    uint8_t packet[SPEC_PKT_MAX_BYTES + CAPTURE_BYTES];
};

/* --- the slot's program --- */

/* RFC 9669: opcodes are ebpf_insn's; the context's fields are those of hw/spec/xdp.toml. */
static uint64_t insn(uint8_t opcode, uint8_t dst, uint8_t src, int16_t offset, int32_t imm)
{
    return (uint64_t)(uint32_t)imm << 32 | (uint64_t)(uint16_t)offset << 16 |
           (uint64_t)(src << 4 | dst) << 8 | opcode;
}

uint32_t pmd_fallback_capture(const struct pmd *pmd, uint64_t out[PMD_CAPTURE_INSNS])
{
    enum { LDXW = 0x61, STXW = 0x63, STW = 0x62, MOV = 0xbf, MOVI = 0xb7, ADDI = 0x07 };
    enum { CALL = 0x85, JGT = 0x2d, EXIT = 0x95, PRANDOM = 7, ADJUST_META = 54, REDIRECT = 23 };
    const uint64_t mark = pmd->fallback->mark;
    const uint64_t code[] = {
        insn(MOV, 6, 1, 0, 0),
        insn(CALL, 0, 0, 0, PRANDOM),
        insn(MOV, 7, 0, 0, 0),
        insn(MOV, 1, 6, 0, 0),
        insn(MOVI, 2, 0, 0, -CAPTURE_BYTES),
        insn(CALL, 0, 0, 0, ADJUST_META),
        insn(LDXW, 2, 6, SPEC_CTX_DATA_META, 0),
        insn(LDXW, 3, 6, SPEC_CTX_DATA, 0),
        insn(MOV, 4, 2, 0, 0),
        insn(ADDI, 4, 0, 0, CAPTURE_BYTES),
        insn(JGT, 4, 3, 11, 0), /* never: there is room */
        insn(STW, 2, 0, 0, (int32_t)mark),
        insn(STW, 2, 0, 4, (int32_t)(mark >> 32)),
        insn(STXW, 2, 7, offsetof(struct capture, rand), 0),
        insn(LDXW, 1, 6, SPEC_CTX_INGRESS_IFINDEX, 0),
        insn(STXW, 2, 1, offsetof(struct capture, ifindex), 0),
        insn(LDXW, 1, 6, SPEC_CTX_RX_QUEUE_INDEX, 0),
        insn(STXW, 2, 1, offsetof(struct capture, queue), 0),
        insn(MOVI, 1, 0, 0, TARGET),
        insn(MOVI, 2, 0, 0, 0),
        insn(CALL, 0, 0, 0, REDIRECT),
        insn(EXIT, 0, 0, 0, 0),
        insn(MOVI, 0, 0, 0, SPEC_XDP_ABORTED),
        insn(EXIT, 0, 0, 0, 0),
    };

    _Static_assert(sizeof(code) / sizeof(code[0]) == PMD_CAPTURE_INSNS, "room for all of it");
    memcpy(out, code, sizeof(code));
    return sizeof(code);
}

/* --- one packet --- */

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
                struct pmd_rx_take *d, const struct capture *c)
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

struct rte_mbuf *pmd_fallback_run(struct pmd_rxq *q, struct rte_mbuf *m, struct pmd_rx_take *d)
{
    struct pmd_fallback *f = q->fallback;
    struct capture c;
    uint32_t at = 0;

    if (d->meta != CAPTURE_BYTES || m->data_len < CAPTURE_BYTES)
        return m;
    memcpy(&c.mark, rte_pktmbuf_mtod(m, void *), sizeof(c.mark));
    if (c.mark != f->mark)
        return m; /* a program that ran in the slot gave it these metadata */
    memcpy(&c, rte_pktmbuf_mtod(m, void *), CAPTURE_BYTES);
    if (f->on)
        f->captured++;
    if (f->on == OFF || c.queue >= SPEC_QUEUES || q->got_bytes > sizeof(f->packet) ||
        q->got_bytes < CAPTURE_BYTES + SPEC_PKT_MIN_BYTES) {
        q->errors++;
        rte_pktmbuf_free(m);
    } else {
        for (const struct rte_mbuf *s = m; s; s = s->next) {
            memcpy(f->packet + at, rte_pktmbuf_mtod(s, const void *), s->data_len);
            at += s->data_len;
        }
        run(f, q, m, d, &c);
    }
    if (f->on == PATHS) {
        if (f->txq)
            pmd_tx_kick(f->txq);
        pmd_path_resume(q->nic);
    }
    return NULL;
}

/* --- bursts, and others --- */

/* Keeps what the rings have for their queues' bursts. */
static void settle_queues(struct pmd *pmd)
{
    for (uint16_t i = 0; i < pmd->data->nb_rx_queues; i++)
        if (pmd->data->rx_queues[i])
            pmd_rx_settle(pmd->data->rx_queues[i]);
}

/* A packet that has left may be in the ring of a queue that nobody polls, where it is run and
 * waits, or never come. */
static void look_for_held(struct pmd_fallback *f, struct pmd *pmd)
{
    if (!pmd_path_held(&pmd->nic))
        return;
    settle_queues(pmd);
    if (!pmd_path_lost(pmd))
        return;
    f->counts.path_lost++;
    pmd_path_resume(&pmd->nic);
}

struct pmd_rxq *pmd_fallback_ring(struct pmd_rxq *q)
{
    struct pmd_rxq *captured = q->data->rx_queues[RING];

    return captured && atomic_load(&q->fallback->on) == WHOLE ? captured : q;
}

bool pmd_fallback_takes(const struct pmd_rxq *q)
{
    const int on = atomic_load(&q->fallback->on);

    return on == PATHS || (on == WHOLE && q->number == RING);
}

void pmd_fallback_poll(struct pmd_rxq *q, uint32_t wanted)
{
    struct pmd_fallback *f = q->fallback;

    if (!atomic_load(&f->on) || pthread_mutex_trylock(f->lock))
        return;
    if (atomic_load(&f->on) && f->txq) {
        pmd_tx_clean(f->txq, 0);
        pmd_rx_poll(pmd_fallback_ring(q), q, wanted);
        pmd_tx_kick(f->txq);
    }
    if (atomic_load(&f->on) == PATHS && !q->ready_count)
        look_for_held(f, q->data->dev_private);
    pthread_mutex_unlock(f->lock);
}

const struct pmd_fallback_counts *pmd_fallback_counts(const struct pmd *pmd)
{
    return &pmd->fallback->counts;
}

/* --- coming and going --- */

int pmd_fallback_init(struct pmd *pmd)
{
    pmd->fallback = calloc(1, sizeof(*pmd->fallback));
    if (!pmd->fallback)
        return -ENOMEM;
    pmd->fallback->lock = &pmd->lock;
    pmd->fallback->mark = rte_rand();
    return 0;
}

uint64_t pmd_fallback_mark(const struct pmd *pmd)
{
    return pmd->fallback->mark;
}

void pmd_fallback_free(struct pmd *pmd)
{
    free(pmd->fallback);
    pmd->fallback = NULL;
}

const char *pmd_fallback_refusal(const struct pmd *pmd)
{
    if (pmd->data->nb_tx_queues >= pmd->nic.txq_count)
        return "on the host it needs a TX ring of its own to send packets, and the application has "
               "all of them";
    return NULL;
}

static void lock_queues(struct pmd *pmd, bool lock)
{
    for (uint16_t i = 0; i < pmd->data->nb_rx_queues; i++) {
        struct pmd_rxq *q = pmd->data->rx_queues[i];

        if (q && lock)
            rte_spinlock_lock(&q->lock);
        else if (q)
            rte_spinlock_unlock(&q->lock);
    }
}

/* Packets with the capture's return value, and those that found no descriptor. */
static int read_counts(struct pmd *pmd, uint64_t *all, uint64_t *dropped)
{
    struct nic *nic = &pmd->nic;
    const int err = nic_counter(nic, nic->verdict + SPEC_VERDICT_COUNT + 8 * PMD_CAPTURE_RET, all);

    return err ? err : nic_counter(nic, nic->rxq[RING] + SPEC_RXQ_DROPPED, dropped);
}

static int open_ring(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;
    int err;

    f->txq = pmd_tx_open(&rte_eth_devices[pmd->data->port_id], (uint16_t)(pmd->nic.txq_count - 1),
                         OWN_RING, SOCKET_ID_ANY);
    if (!f->txq)
        return -ENOMEM;
    err = pmd_tx_start(f->txq);
    if (err) {
        pmd_tx_close(f->txq);
        f->txq = NULL;
    }
    return err;
}

static int close_ring(struct pmd_fallback *f)
{
    int err = 0;

    if (f->txq) {
        pmd_tx_kick(f->txq);
        err = pmd_tx_close(f->txq); /* waits for what it has */
    }
    f->txq = NULL;
    return err;
}

/* Notes where the device stands, and takes a ring. */
static int set_out(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;
    int err = nic_ways_read(&pmd->nic, &f->ways);

    if (!err && f->target.used) /* no program on the host means this one */
        f->ways.means[f->target.index] = 0;
    f->captured = 0;
    if (!err)
        err = read_counts(pmd, &f->all_base, &f->dropped_base);
    if (!err)
        err = nic_packets(&pmd->nic, &f->number);
    f->number += pmd->nic.number_base;
    return err ? err : open_ring(pmd);
}

/* Keeps packets of the program before for their bursts, so that they come before captured ones. */
static int keep_older(struct pmd *pmd)
{
    const int err = nic_to_host_settle(&pmd->nic);

    if (!err)
        settle_queues(pmd);
    return err;
}

int pmd_fallback_begin(struct pmd *pmd, struct exec *exec, struct shadow *shadow)
{
    struct pmd_fallback *f = pmd->fallback;
    int err = pmd->running ? keep_older(pmd) : 0;

    lock_queues(pmd, true);
    f->exec = exec;
    f->shadow = shadow;
    f->told = false;
    if (!err && pmd->running)
        err = set_out(pmd);
    if (!err && shadow && pmd->running)
        err = pmd_path_hold(&pmd->nic, true);
    if (!err && !shadow)
        err = nic_target_set(&pmd->nic, NIC_BY_IFINDEX | TARGET, RING, &f->target);
    if (err)
        close_ring(f);
    f->on = err ? OFF : shadow ? PATHS : WHOLE;
    lock_queues(pmd, false);
    return err;
}

/* Runs packets that are captured but still on their way to the host. */
static void settle(struct pmd *pmd)
{
    enum { TURNS = 4096, CLOCKS = 64 };
    struct pmd_fallback *f = pmd->fallback;
    struct pmd_rxq *q = pmd->running ? pmd->data->rx_queues[RING] : NULL;
    uint64_t all, dropped;

    for (int i = 0; i < TURNS && q && !read_counts(pmd, &all, &dropped); i++) {
        pmd_rx_settle(q);
        if (all - f->all_base <= f->captured + (dropped - f->dropped_base))
            return;
        nic_wait(&pmd->nic, CLOCKS);
    }
    if (q && !pmd->nic.gone)
        PMD_LOG(ERR, "packets that were to be run on the host do not come\n");
}

void pmd_fallback_end(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;

    if (f->on == OFF)
        return;
    if (f->on == WHOLE)
        settle(pmd);
    else
        pmd_path_hold(&pmd->nic, false);
    lock_queues(pmd, true);
    close_ring(f);
    nic_target_clear(&pmd->nic, &f->target);
    f->on = OFF;
    f->exec = NULL;
    f->shadow = NULL;
    lock_queues(pmd, false);
}

int pmd_fallback_drain(struct pmd *pmd)
{
    enum { TURNS = 16384, CLOCKS = 64 };
    struct pmd_fallback *f = pmd->fallback;
    struct nic *nic = &pmd->nic;
    int err;

    if (f->on != PATHS || !pmd->running)
        return nic_slot_drain(nic);
    err = nic_write(nic, nic->slot + SPEC_CSR_CTRL, 0);
    for (int i = 0; i < TURNS && !err; i++) {
        uint32_t busy = 0;

        settle_queues(pmd);
        look_for_held(f, pmd);
        err = nic_read(nic, nic->slot + SPEC_CSR_STATUS, &busy);
        if (!err && !(busy & 1) && !pmd_path_held(nic))
            return 0;
        nic_wait(nic, CLOCKS);
    }
    return err ? err : -ETIMEDOUT;
}

bool pmd_fallback_captured(struct pmd *pmd, uint32_t *row, uint64_t *count)
{
    const struct pmd_fallback *f = pmd->fallback;
    uint64_t all, dropped;

    *row = f->on == PATHS ? PMD_PATH_RET : PMD_CAPTURE_RET;
    if (f->on == PATHS && pmd->running &&
        !nic_counter(&pmd->nic, pmd->nic.verdict + SPEC_VERDICT_COUNT + 8 * PMD_PATH_RET, &all)) {
        *count = all - pmd_path_held(&pmd->nic);
        return true;
    }
    if (f->on != WHOLE || !pmd->running || read_counts(pmd, &all, &dropped))
        return false;
    *count = f->all_base + f->captured + (dropped - f->dropped_base);
    return true;
}

void pmd_fallback_kick(struct pmd *pmd)
{
    if (pmd->fallback->txq)
        pmd_tx_kick(pmd->fallback->txq);
    if (pmd->fallback->on == PATHS)
        look_for_held(pmd->fallback, pmd);
}

int pmd_fallback_start(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;
    const char *refusal = f->on ? pmd_fallback_refusal(pmd) : NULL;
    int err = 0;

    if (refusal) {
        PMD_LOG(ERR, "the device does not take the program, and %s\n", refusal);
        return -ENOTSUP;
    }
    pthread_mutex_lock(&pmd->lock);
    if (f->on)
        err = set_out(pmd);
    if (!err && f->on == PATHS)
        err = pmd_path_hold(&pmd->nic, true);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int pmd_fallback_stop(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;
    int err;

    pthread_mutex_lock(&pmd->lock);
    if (f->on == PATHS && !pmd_path_hold(&pmd->nic, false) && pmd->running)
        nic_to_host_settle(&pmd->nic); /* or what is yet to come would be taken for held later */
    err = close_ring(f);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}
