/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/events.h"

#include "host/ctl/eventfile.h"
#include "host/ctl/exec_device.h"
#include "host/pmd/process/remote.h"
#include "host/pmd/program/program.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <rte_io.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The event ring. Each of its buffers holds the largest area, so a packet takes one descriptor, and
 * buffer n always belongs to place n. A descriptor is given again as soon as its area was read. */

enum {
    RING_LOG2 = 8,
    DESCRIPTORS = 1 << RING_LOG2,
    TAIL_EVERY = DESCRIPTORS / 4, /* descriptors that are given at once */
    SETTLE_POLLS = 1 << 12,
    SETTLE_CLOCKS = 64, /* that a simulated device goes on between two of them */
    TO_HOST_BUSY = 4,   /* hw/spec/nic.toml, STATUS */
};

struct pmd_events {
    const struct rte_memzone *zone;
    volatile union pmd_rx_desc *ring;
    uint8_t *areas;
    uint16_t next;    /* the device's oldest descriptor, counted without end */
    bool on;          /* others look at it without the lock */
    bool busy;        /* the application is being told */
    bool file_failed; /* and that was said */
    struct exec_listener listener;
    rte_pmd_sluice_event_fn fn;
    void *arg;
    FILE *file;
    uint64_t time_ns; /* of the packet whose events are told */
    uint64_t told, bad;
    uint64_t lost; /* records of ring buffers of programs that are gone */
};

/* --- the application's side --- */

static void write_failed(struct pmd *pmd, int err)
{
    struct pmd_events *e = pmd->events;

    if (!e->file_failed)
        PMD_LOG(ERR, "port %u: the file of events can't be written: %s\n", pmd->data->port_id,
                rte_strerror(-err));
    e->file_failed = true;
}

static int tell(void *ctx, const struct exec_event *event)
{
    struct pmd *pmd = ctx;
    struct pmd_events *e = pmd->events;
    const struct load_object *object = pmd->program->object;
    int err = 0;

    if (e->file)
        err = eventfile_write(e->file, object, event);
    else if (e->fn)
        e->fn(pmd->data->port_id,
              &(struct rte_pmd_sluice_event){
                  .packet = event->packet,
                  .time_ns = e->time_ns,
                  .map = event->map == EXEC_NO_MAP ? NULL : object->maps[event->map].name,
                  .data = event->data,
                  .bytes = event->len,
                  .cpu = event->cpu},
              e->arg);
    e->told += !err;
    if (err)
        write_failed(pmd, err);
    return err;
}

int pmd_events_open(struct pmd *pmd)
{
    pmd->events = rte_zmalloc("sluice events", sizeof(*pmd->events), RTE_CACHE_LINE_SIZE);
    if (!pmd->events)
        return -ENOMEM;
    pmd->events->listener = (struct exec_listener){pmd, tell};
    return 0;
}

const struct exec_listener *pmd_events_listener(const struct pmd *pmd)
{
    return &pmd->events->listener;
}

/* --- the ring --- */

static void give(struct pmd_events *e, uint16_t place)
{
    volatile struct pmd_rx_give *d = &e->ring[place].give;

    d->bytes = SPEC_EVENT_BYTES;
    d->addr = e->zone->iova + (uint64_t)DESCRIPTORS * SPEC_DESC_BYTES +
              (uint64_t)place * SPEC_EVENT_BYTES;
}

/* All but the oldest ones up to the next place are the device's. */
static int write_tail(struct pmd *pmd)
{
    rte_io_wmb();
    return nic_write(&pmd->nic, pmd->nic.events + SPEC_RXQ_TAIL,
                     (uint16_t)(pmd->events->next + DESCRIPTORS));
}

static bool is_done(const struct pmd_events *e)
{
    return e->ring[__atomic_load_n(&e->next, __ATOMIC_RELAXED) % DESCRIPTORS].take.flags &
           PMD_FLAG_DONE;
}

static int start_ring(struct pmd *pmd)
{
    struct pmd_events *e = pmd->events;
    char name[RTE_MEMZONE_NAMESIZE];
    int err;

    snprintf(name, sizeof(name), "sluice_events_%u", pmd->data->port_id);
    if (!e->zone)
        e->zone = rte_memzone_reserve_aligned(
            name, (size_t)DESCRIPTORS * (SPEC_DESC_BYTES + SPEC_EVENT_BYTES), pmd->data->numa_node,
            RTE_MEMZONE_IOVA_CONTIG, RTE_CACHE_LINE_SIZE);
    if (!e->zone)
        return -ENOMEM;
    e->ring = e->zone->addr;
    e->areas = (uint8_t *)e->zone->addr + (size_t)DESCRIPTORS * SPEC_DESC_BYTES;
    e->next = 0;
    for (uint16_t i = 0; i < DESCRIPTORS; i++) {
        e->ring[i].give = (struct pmd_rx_give){0};
        give(e, i);
    }
    err = nic_ring_start(&pmd->nic, pmd->nic.events, e->zone->iova, RING_LOG2);
    if (!err)
        err = write_tail(pmd);
    if (!err)
        __atomic_store_n(&e->on, true, __ATOMIC_RELEASE);
    return err;
}

int pmd_events_restart(struct pmd *pmd)
{
    return pmd->events->on ? start_ring(pmd) : 0;
}

bool pmd_events_telling(struct pmd *pmd)
{
    bool busy;

    pthread_mutex_lock(&pmd->lock); /* which only the one who is told can get meanwhile */
    busy = pmd->events->busy;
    pthread_mutex_unlock(&pmd->lock);
    return busy;
}

static int ready(struct pmd *pmd, const struct job *job, char why[EXEC_WHY_BYTES])
{
    int err;

    if (!job->ir->events.count)
        return 0;
    if (!pmd->nic.events) {
        snprintf(why, EXEC_WHY_BYTES,
                 "the program makes events (perf events, ring buffers or printed lines), and the "
                 "device has no ring for them");
        return -ENOTSUP;
    }
    err = pmd->events->on ? 0 : start_ring(pmd);
    if (err)
        snprintf(why, EXEC_WHY_BYTES, "the ring of the program's events can't be started: %s",
                 rte_strerror(-err));
    return err;
}

int pmd_events_ready(struct pmd *pmd, const struct job *job, char why[EXEC_WHY_BYTES])
{
    int err;

    pthread_mutex_lock(&pmd->lock);
    err = ready(pmd, job, why);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

/* An area becomes events. What the device says of it is not trusted. */
static void take_area(struct pmd *pmd, const struct pmd_rx_take *d, const uint8_t *area)
{
    struct pmd_events *e = pmd->events;

    if (!(d->flags & PMD_FLAG_LAST) || !d->len || d->len > SPEC_EVENT_BYTES || d->len != d->total ||
        d->meta >= SPEC_QUEUES || !pmd->program) {
        e->bad++;
        return;
    }
    e->time_ns = d->time;
    if (exec_device_event(pmd->program->exec, area, d->len, d->meta,
                          d->redirect + pmd->nic.number_base))
        e->bad++;
}

void pmd_events_begin(struct pmd *pmd, uint64_t time_ns)
{
    pmd->events->busy = true;
    pmd->events->time_ns = time_ns;
}

void pmd_events_done(struct pmd *pmd)
{
    struct pmd_events *e = pmd->events;

    e->busy = false;
    if (e->file && fflush(e->file))
        write_failed(pmd, -errno);
}

uint32_t pmd_events_take(struct pmd *pmd)
{
    struct pmd_events *e = pmd->events;
    uint32_t n = 0;

    if (!e->on || e->busy)
        return 0;
    e->busy = true;
    for (; n < DESCRIPTORS && is_done(e); n++) {
        const uint16_t place = e->next % DESCRIPTORS;
        struct pmd_rx_take d;

        rte_io_rmb(); /* the rest of the descriptor, and the area, after its flags */
        d = *(const struct pmd_rx_take *)(uintptr_t)&e->ring[place].take;
        take_area(pmd, &d, e->areas + (size_t)place * SPEC_EVENT_BYTES);
        give(e, place);
        __atomic_store_n(&e->next, (uint16_t)(e->next + 1), __ATOMIC_RELAXED);
        if (n % TAIL_EVERY == TAIL_EVERY - 1)
            write_tail(pmd); /* a device that is gone gives no more areas */
    }
    if (n)
        write_tail(pmd);
    pmd_events_done(pmd);
    return n;
}

void pmd_events_burst(struct pmd *pmd)
{
    const struct pmd_events *e = pmd->events;

    if (!__atomic_load_n(&e->on, __ATOMIC_ACQUIRE) || !is_done(e))
        return;
    pthread_mutex_lock(&pmd->lock);
    pmd_events_take(pmd);
    pthread_mutex_unlock(&pmd->lock);
}

int pmd_events_settle(struct pmd *pmd)
{
    const struct pmd_events *e = pmd->events;

    if (!e->on)
        return 0;
    if (e->busy)
        return -EBUSY;
    for (int i = 0; i < SETTLE_POLLS; i++) {
        uint32_t status = 0;
        const int err = nic_read(&pmd->nic, pmd->nic.device + SPEC_NIC_STATUS, &status);

        if (err || status == UINT32_MAX)
            return err; /* gone: nothing more comes */
        while (pmd_events_take(pmd))
            ;
        if (!(status & TO_HOST_BUSY))
            return 0;
        nic_wait(&pmd->nic, SETTLE_CLOCKS);
    }
    return -ETIMEDOUT;
}

/* --- ends --- */

static uint64_t lost_in(const struct pmd_program *p, uint32_t map)
{
    const struct exec_ops *ops = p->exec ? p->exec->ops : NULL;

    return ops && ops->lost && p->object->maps[map].type == SPEC_MAP_RINGBUF
               ? ops->lost(p->exec, map)
               : 0;
}

void pmd_events_end(struct pmd *pmd)
{
    const struct pmd_program *p = pmd->program;
    struct pmd_events *e = pmd->events;

    for (uint32_t i = 0; p && i < p->object->map_count; i++) {
        const uint64_t lost = lost_in(p, i);
        int err = 0;

        e->lost += lost;
        if (lost && e->file)
            err = eventfile_write_lost(e->file, p->object, i, lost);
        if (err)
            write_failed(pmd, err);
    }
}

int pmd_events_file(struct pmd *pmd, const char *path)
{
    FILE *file = fopen(path, "ae");
    int err = 0;

    if (!file)
        return -errno;
    /* before what another device has written there would be lost */
    if (flock(fileno(file), LOCK_EX | LOCK_NB))
        err = errno == EWOULDBLOCK ? -EBUSY : -errno;
    else if (ftruncate(fileno(file), 0) && errno != EINVAL) /* no regular file */
        err = -errno;
    if (err) {
        fclose(file);
        return err;
    }
    pmd->events->file = file;
    return 0;
}

void pmd_events_stop(struct pmd *pmd)
{
    struct pmd_events *e = pmd->events;
    int err;

    if (!e || !e->on)
        return;
    pmd_events_settle(pmd);
    __atomic_store_n(&e->on, false, __ATOMIC_RELEASE);
    err = nic_ring_stop(&pmd->nic, pmd->nic.events);
    if (err && err != -ENODEV) {
        PMD_LOG(ERR, "the event ring does not stop; its memory stays the device's\n");
        return;
    }
    rte_memzone_free(e->zone);
    e->zone = NULL;
}

void pmd_events_close(struct pmd *pmd)
{
    struct pmd_events *e = pmd->events;

    if (e && e->file && fclose(e->file))
        write_failed(pmd, -errno);
    rte_free(e);
    pmd->events = NULL;
}

uint64_t pmd_events_counter(struct pmd *pmd, enum pmd_events_count which)
{
    const struct pmd_events *e = pmd->events;
    uint64_t lost;

    switch (which) {
    case PMD_EVENTS_TOLD:
        return e->told;
    case PMD_EVENTS_BAD:
        return e->bad;
    case PMD_EVENTS_RECORDS:
        lost = e->lost;
        for (uint32_t i = 0; pmd->program && i < pmd->program->object->map_count; i++)
            lost += lost_in(pmd->program, i);
        return lost;
    case PMD_EVENTS_COUNT:
        break;
    }
    return 0;
}

/* --- rte_pmd_sluice.h --- */

int rte_pmd_sluice_events(uint16_t port_id, rte_pmd_sluice_event_fn fn, void *arg)
{
    struct pmd *pmd = pmd_of_port(port_id);
    int err;

    if (!pmd) /* events are told in the primary process only */
        return pmd_remote_of(port_id) ? -ENOTSUP : -ENODEV;
    pthread_mutex_lock(&pmd->lock);
    err = pmd->events->file ? -EBUSY : 0;
    if (!err) {
        pmd->events->fn = fn;
        pmd->events->arg = arg;
    }
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int rte_pmd_sluice_events_poll(uint16_t port_id)
{
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    uint32_t n;

    if (remote)
        return pmd_remote_events_poll(remote);
    if (!pmd)
        return -ENODEV;
    pthread_mutex_lock(&pmd->lock);
    n = pmd_events_take(pmd);
    if (!n) {
        nic_advance(&pmd->nic, PMD_POLL_CLOCKS);
        n = pmd_events_take(pmd);
    }
    pthread_mutex_unlock(&pmd->lock);
    return (int)n;
}

int rte_pmd_sluice_events_lost(uint16_t port_id, const char *map, uint64_t *records)
{
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    uint32_t i;
    int err;

    if (remote)
        return pmd_remote_events_lost(remote, map, records);
    if (!pmd)
        return -ENODEV;
    pthread_mutex_lock(&pmd->lock);
    err = pmd_map_find(pmd->program, map, &i);
    if (!err && pmd->program->object->maps[i].type != SPEC_MAP_RINGBUF)
        err = -EOPNOTSUPP;
    if (!err)
        *records = lost_in(pmd->program, i);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}
