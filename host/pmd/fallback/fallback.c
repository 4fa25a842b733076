/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/fallback/internal.h"
#include "host/pmd/fallback/path.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <rte_random.h>
#include <stdlib.h>

/* When packets are the host's to run, and what rings and threads do meanwhile: begin and end, start
 * and stop, bursts. internal.h tells how it all goes together. */

enum { RING = 0 }; /* the RX ring of captured packets */
enum { OWN_RING = 1024 };

/* --- bursts, and others --- */

/* Keeps what the rings have for their queues' bursts. */
static void settle_queues(struct pmd *pmd)
{
    for (uint16_t i = 0; i < pmd->data->nb_rx_queues; i++)
        if (pmd->data->rx_queues[i])
            pmd_rx_settle(pmd->data->rx_queues[i]);
}

void pmd_fallback_let_go(struct pmd_fallback *f, struct nic *nic)
{
    if (!f->held || (f->txq && !pmd_tx_sent(f->txq)))
        return;
    f->held = false;
    pmd_path_resume(nic);
}

/* A packet that has left may be in the ring of a queue that nobody polls, where it is run and
 * waits, or never come. */
static void look_for_held(struct pmd_fallback *f, struct pmd *pmd)
{
    pmd_fallback_let_go(f, &pmd->nic);
    if (f->held || !pmd_path_held(&pmd->nic))
        return;
    settle_queues(pmd);
    if (f->held || !pmd_path_lost(pmd))
        return;
    f->counts.path_lost++;
    pmd_path_resume(&pmd->nic);
}

struct pmd_rxq *pmd_fallback_ring(struct pmd_rxq *q)
{
    struct pmd_rxq *captured = q->data->rx_queues[RING];

    return captured && atomic_load(&q->fallback->on) == FALLBACK_WHOLE ? captured : q;
}

bool pmd_fallback_takes(const struct pmd_rxq *q)
{
    const int on = atomic_load(&q->fallback->on);

    return on == FALLBACK_PATHS || (on == FALLBACK_WHOLE && q->number == RING);
}

void pmd_fallback_poll(struct pmd_rxq *q, uint32_t wanted)
{
    struct pmd_fallback *f = q->fallback;

    if (!atomic_load(&f->on) || pthread_mutex_trylock(f->lock))
        return;
    if (atomic_load(&f->on) && f->txq) {
        pmd_tx_clean(f->txq, 0);
        pmd_fallback_let_go(f, q->nic);
        pmd_rx_poll(pmd_fallback_ring(q), q, wanted);
        pmd_tx_kick(f->txq);
    }
    if (atomic_load(&f->on) == FALLBACK_PATHS && !q->ready_count)
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
    f->held = false;
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

    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, true);
    f->exec = exec;
    f->shadow = shadow;
    f->told = false;
    if (!err && pmd->running)
        err = set_out(pmd);
    if (!err && shadow && pmd->running)
        err = pmd_path_hold(&pmd->nic, true);
    if (!err && !shadow)
        err = nic_target_set(&pmd->nic, NIC_BY_IFINDEX | CAPTURE_TARGET, RING, &f->target);
    if (err)
        close_ring(f);
    f->on = err ? FALLBACK_OFF : shadow ? FALLBACK_PATHS : FALLBACK_WHOLE;
    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, false);
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

    if (f->on == FALLBACK_OFF)
        return;
    if (f->on == FALLBACK_WHOLE)
        settle(pmd);
    else
        pmd_path_hold(&pmd->nic, false);
    f->held = false;
    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, true);
    close_ring(f);
    nic_target_clear(&pmd->nic, &f->target);
    f->on = FALLBACK_OFF;
    f->exec = NULL;
    f->shadow = NULL;
    pmd_lock_queues(pmd->data->rx_queues, pmd->data->nb_rx_queues, false);
}

int pmd_fallback_drain(struct pmd *pmd)
{
    enum { TURNS = 16384, CLOCKS = 64 };
    struct pmd_fallback *f = pmd->fallback;
    struct nic *nic = &pmd->nic;
    int err;

    if (f->on != FALLBACK_PATHS || !pmd->running)
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

    *row = f->on == FALLBACK_PATHS ? PMD_PATH_RET : PMD_CAPTURE_RET;
    if (f->on == FALLBACK_PATHS && pmd->running &&
        !nic_counter(&pmd->nic, pmd->nic.verdict + SPEC_VERDICT_COUNT + 8 * PMD_PATH_RET, &all)) {
        *count = all - (pmd_path_held(&pmd->nic) && !f->held);
        return true;
    }
    if (f->on != FALLBACK_WHOLE || !pmd->running || read_counts(pmd, &all, &dropped))
        return false;
    *count = f->all_base + f->captured + (dropped - f->dropped_base);
    return true;
}

void pmd_fallback_kick(struct pmd *pmd)
{
    if (pmd->fallback->txq)
        pmd_tx_kick(pmd->fallback->txq);
    if (pmd->fallback->on == FALLBACK_PATHS)
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
    if (!err && f->on == FALLBACK_PATHS)
        err = pmd_path_hold(&pmd->nic, true);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int pmd_fallback_stop(struct pmd *pmd)
{
    struct pmd_fallback *f = pmd->fallback;
    int err;

    pthread_mutex_lock(&pmd->lock);
    if (f->on == FALLBACK_PATHS && !pmd_path_hold(&pmd->nic, false) && pmd->running)
        nic_to_host_settle(&pmd->nic); /* or what is yet to come would be taken for held later */
    f->held = false;
    err = close_ring(f);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}
