/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BEAT_BYTES = 64, IDS = 16, REQUESTS = 64 };

/* Requests of one kind that are not answered, oldest first. */
struct queue {
    struct request {
        uint32_t id;
        uint32_t addr;
        uint64_t due;
        uint8_t data[BEAT_BYTES];
    } all[REQUESTS];
    uint32_t count;
    int offered; /* the one whose answer is on the wires, or -1 */
};

struct memory {
    uint8_t *data;
    uint64_t bytes;
    uint32_t min_clocks;
    uint32_t max_clocks;
    uint64_t rng;
    uint64_t now;
    struct queue reads;
    struct queue writes; /* with address and data */
    struct queue addresses;
    struct queue beats;
};

struct memory *memory_open(uint64_t bytes, uint32_t min_clocks, uint32_t max_clocks, uint64_t seed)
{
    struct memory *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (m->data == MAP_FAILED) {
        free(m);
        return NULL;
    }
    m->bytes = bytes;
    m->min_clocks = min_clocks;
    m->max_clocks = max_clocks > min_clocks ? max_clocks : min_clocks;
    m->rng = seed * 0x9e3779b97f4a7c15u | 1;
    m->reads.offered = -1;
    m->writes.offered = -1;
    return m;
}

void memory_close(struct memory *m)
{
    if (!m)
        return;
    munmap(m->data, m->bytes);
    free(m);
}

static uint64_t due(struct memory *m)
{
    m->rng ^= m->rng << 13;
    m->rng ^= m->rng >> 7;
    m->rng ^= m->rng << 17;
    return m->now + m->min_clocks + (m->rng >> 33) % (m->max_clocks - m->min_clocks + 1);
}

/* Of the requests whose time has come, the one that has waited for longest of those that are the
 * first of their id; -1: none. */
static int pick(const struct queue *q, uint64_t now)
{
    bool seen[IDS] = {false};
    int best = -1;

    for (uint32_t i = 0; i < q->count; i++) {
        const uint32_t id = q->all[i].id % IDS;

        if (!seen[id] && q->all[i].due <= now && (best < 0 || q->all[i].due < q->all[best].due))
            best = (int)i;
        seen[id] = true;
    }
    return best;
}

static void drop(struct queue *q, uint32_t at)
{
    memmove(&q->all[at], &q->all[at + 1], (q->count - at - 1) * sizeof(q->all[0]));
    q->count--;
    q->offered = -1;
}

void memory_drive(struct memory *m, struct model_memory_in *in)
{
    if (m->reads.offered < 0)
        m->reads.offered = pick(&m->reads, m->now);
    if (m->writes.offered < 0)
        m->writes.offered = pick(&m->writes, m->now);
    in->arready = m->reads.count < REQUESTS;
    in->awready = m->addresses.count < REQUESTS && m->writes.count < REQUESTS;
    in->wready = m->beats.count < REQUESTS && m->writes.count < REQUESTS;
    in->rvalid = m->reads.offered >= 0;
    if (in->rvalid) {
        const struct request *r = &m->reads.all[m->reads.offered];

        in->rid = (uint8_t)r->id;
        memcpy(in->rdata, m->data + r->addr, BEAT_BYTES);
    }
    in->bvalid = m->writes.offered >= 0;
    if (in->bvalid)
        in->bid = (uint8_t)m->writes.all[m->writes.offered].id;
}

static int check(const struct memory *m, uint32_t addr)
{
    return addr % BEAT_BYTES || addr >= m->bytes ? -EPROTO : 0;
}

/* An address and its data, when both are there, are a write under way. */
static void join(struct memory *m)
{
    while (m->addresses.count && m->beats.count && m->writes.count < REQUESTS) {
        struct request *w = &m->writes.all[m->writes.count++];

        *w = m->addresses.all[0];
        memcpy(w->data, m->beats.all[0].data, BEAT_BYTES);
        w->due = due(m);
        drop(&m->addresses, 0);
        drop(&m->beats, 0);
    }
}

int memory_clock(struct memory *m, const struct model_memory_in *in,
                 const struct model_memory_out *out)
{
    int err = 0;

    if (in->rvalid && out->rready)
        drop(&m->reads, (uint32_t)m->reads.offered);
    if (in->bvalid && out->bready) {
        const struct request *w = &m->writes.all[m->writes.offered];

        memcpy(m->data + w->addr, w->data, BEAT_BYTES);
        drop(&m->writes, (uint32_t)m->writes.offered);
    }
    if (out->arvalid && in->arready) {
        err = check(m, out->araddr);
        if (!err)
            m->reads.all[m->reads.count++] =
                (struct request){.id = out->arid, .addr = out->araddr, .due = due(m)};
    }
    if (!err && out->awvalid && in->awready) {
        err = check(m, out->awaddr);
        if (!err)
            m->addresses.all[m->addresses.count++] =
                (struct request){.id = out->awid, .addr = out->awaddr};
    }
    if (!err && out->wvalid && in->wready)
        memcpy(m->beats.all[m->beats.count++].data, out->wdata, BEAT_BYTES);
    join(m);
    m->now++;
    return err;
}
