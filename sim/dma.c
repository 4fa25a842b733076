/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim/dma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEAT_BYTES = 64,
    BEATS_MAX = 64, /* a burst of 4 KiB */
    BOUNDARY = 4096,
    REQUESTS = 32, /* of a kind under way */
    IDS = 16,
    SIZE_64 = 6, /* AXI4: beats of 64 bytes */
    BURST_INCR = 1,
    RESP_DECERR = 3,
};

struct region {
    uint8_t *memory;
    uint64_t addr;
    size_t bytes;
};

struct beat {
    uint8_t data[BEAT_BYTES];
    uint64_t strobe;
};

struct request {
    uint64_t addr;
    uint64_t due;
    uint32_t id;
    uint32_t beats;
    uint32_t done; /* beats that have been given, or have come */
    bool failed;
    struct beat *data; /* of a write */
};

/* Requests of one kind, oldest first. */
struct queue {
    struct request all[REQUESTS];
    uint32_t count;
    int offered; /* the one whose answer is on the wires, or -1 */
};

struct dma {
    struct region *regions;
    uint32_t region_count;
    uint32_t last; /* region that was found last */
    uint64_t now;
    uint64_t rng;
    uint32_t min_clocks;
    uint32_t max_clocks;
    uint32_t stall_percent;
    struct queue reads;
    bool beat_offered; /* of a read; not taken so far */
    struct queue writes; /* whose beats have all come */
    struct queue open;   /* whose beats are still to come, the oldest's first */
};

static uint32_t draw(struct dma *d)
{
    d->rng ^= d->rng << 13;
    d->rng ^= d->rng >> 7;
    d->rng ^= d->rng << 17;
    return (uint32_t)(d->rng >> 33);
}

struct dma *dma_open(uint32_t min_clocks, uint32_t max_clocks, uint32_t stall_percent,
                     uint64_t seed)
{
    struct dma *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->min_clocks = min_clocks;
    d->max_clocks = max_clocks > min_clocks ? max_clocks : min_clocks;
    d->stall_percent = stall_percent;
    d->rng = (seed ^ 0x5851f42d4c957f2du) * 0x9e3779b97f4a7c15u | 1;
    d->reads.offered = -1;
    d->writes.offered = -1;
    d->open.offered = -1;
    return d;
}

static void drop(struct queue *q, uint32_t at)
{
    free(q->all[at].data);
    memmove(&q->all[at], &q->all[at + 1], (q->count - at - 1) * sizeof(q->all[0]));
    q->count--;
    q->offered = -1;
}

void dma_close(struct dma *d)
{
    if (!d)
        return;
    while (d->writes.count)
        drop(&d->writes, 0);
    while (d->open.count)
        drop(&d->open, 0);
    free(d->regions);
    free(d);
}

/* --- regions --- */

static int add_region(struct dma *d, struct region r)
{
    struct region *all = realloc(d->regions, (d->region_count + 1) * sizeof(*all));

    if (!all)
        return -ENOMEM;
    d->regions = all;
    all[d->region_count++] = r;
    return 0;
}

int dma_map(struct dma *d, void *memory, uint64_t addr, size_t bytes)
{
    if (!bytes || addr + bytes < addr)
        return -EINVAL;
    for (uint32_t i = 0; i < d->region_count; i++)
        if (addr < d->regions[i].addr + d->regions[i].bytes && d->regions[i].addr < addr + bytes)
            return -EEXIST;
    return add_region(d, (struct region){memory, addr, bytes});
}

int dma_unmap(struct dma *d, uint64_t addr, size_t bytes)
{
    for (uint32_t i = 0; i < d->region_count; i++) {
        struct region *r = &d->regions[i];
        const size_t before = (size_t)(addr - r->addr);
        struct region rest;
        int err;

        if (addr < r->addr || bytes > r->bytes || before > r->bytes - bytes)
            continue;
        rest = (struct region){r->memory + before + bytes, addr + bytes, r->bytes - before - bytes};
        err = before && rest.bytes ? add_region(d, rest) : 0;
        if (err)
            return err;
        r = &d->regions[i];
        if (before)
            r->bytes = before;
        else if (rest.bytes)
            *r = rest;
        else
            *r = d->regions[--d->region_count];
        d->last = 0;
        return 0;
    }
    return -ENOENT;
}

/* Where the line at addr lies, or NULL. A line counts as there if one of its bytes is: memory has
 * no smaller pieces. */
static uint8_t *line_at(struct dma *d, uint64_t addr)
{
    for (uint32_t k = 0; k < d->region_count; k++) {
        const uint32_t i = (d->last + k) % d->region_count;
        const struct region *r = &d->regions[i];

        if (addr + BEAT_BYTES > r->addr && addr < r->addr + r->bytes) {
            d->last = i;
            return r->memory + (ptrdiff_t)(addr - r->addr);
        }
    }
    return NULL;
}

/* --- what memory offers --- */

static uint64_t due(struct dma *d)
{
    return d->now + d->min_clocks + draw(d) % (d->max_clocks - d->min_clocks + 1);
}

static bool stalls(struct dma *d)
{
    return d->stall_percent && draw(d) % 100 < d->stall_percent;
}

/* Of the requests whose time has come, the one that has waited for longest of those that are the
 * first of their id; -1: none. */
static int pick(const struct queue *q, uint64_t now)
{
    bool seen[IDS] = {false};
    int best = -1;

    for (uint32_t i = 0; i < q->count; i++) {
        const uint32_t id = q->all[i].id;

        if (!seen[id] && q->all[i].due <= now && (best < 0 || q->all[i].due < q->all[best].due))
            best = (int)i;
        seen[id] = true;
    }
    return best;
}

/* A word that another thread may wait for comes whole, and after those above it. */
static void store_line(uint8_t *line, const struct beat *b)
{
    for (int word = BEAT_BYTES / 8 - 1; word >= 0; word--) {
        const uint32_t strobe = b->strobe >> (8 * word) & 0xff;
        uint64_t value;

        memcpy(&value, b->data + 8 * word, sizeof(value));
        if (strobe == 0xff)
            __atomic_store_n((uint64_t *)(void *)(line + 8 * word), value, __ATOMIC_RELEASE);
        else
            for (int i = 0; i < 8; i++)
                if (strobe >> i & 1)
                    line[8 * word + i] = b->data[8 * word + i];
    }
}

static void commit(struct dma *d, struct request *w)
{
    for (uint32_t i = 0; i < w->beats; i++) {
        const uint64_t addr = (w->addr & ~(uint64_t)(BEAT_BYTES - 1)) + BEAT_BYTES * i;
        uint8_t *line = line_at(d, addr);

        if (line)
            store_line(line, &w->data[i]);
        else
            w->failed = true;
    }
}

static void drive_read(struct dma *d, struct nic_model_in *in)
{
    struct request *r = &d->reads.all[d->reads.offered];
    const uint64_t addr = (r->addr & ~(uint64_t)(BEAT_BYTES - 1)) + BEAT_BYTES * r->done;
    const uint8_t *line = line_at(d, addr);

    in->dma.rid = (uint8_t)r->id;
    in->dma.rlast = r->done + 1 == r->beats;
    in->dma.rresp = line ? 0 : RESP_DECERR;
    if (line)
        memcpy(in->dma.rdata, line, BEAT_BYTES);
    else
        memset(in->dma.rdata, 0xee, BEAT_BYTES);
}

void dma_drive(struct dma *d, struct nic_model_in *in)
{
    if (d->reads.offered < 0)
        d->reads.offered = pick(&d->reads, d->now);
    /* what is offered stays as it is until it is taken */
    if (!d->beat_offered) {
        in->dma.rvalid = d->reads.offered >= 0 && !stalls(d);
        if (in->dma.rvalid)
            drive_read(d, in);
        d->beat_offered = in->dma.rvalid;
    }
    if (d->writes.offered < 0) {
        d->writes.offered = pick(&d->writes, d->now);
        if (d->writes.offered >= 0)
            commit(d, &d->writes.all[d->writes.offered]);
    }
    in->dma.bvalid = d->writes.offered >= 0;
    if (in->dma.bvalid) {
        in->dma.bid = (uint8_t)d->writes.all[d->writes.offered].id;
        in->dma.bresp = d->writes.all[d->writes.offered].failed ? RESP_DECERR : 0;
    }
    in->dma.arready = d->reads.count < REQUESTS && !stalls(d);
    in->dma.awready = d->open.count < REQUESTS && !stalls(d);
    in->dma.wready = d->open.count && d->writes.count < REQUESTS && !stalls(d);
}

/* --- what the device does --- */

static int check(const struct nic_dma_request *r)
{
    const uint64_t first = r->addr & ~(uint64_t)(BEAT_BYTES - 1);
    const uint64_t last = first + (uint64_t)BEAT_BYTES * r->len;

    return r->size != SIZE_64 || r->burst != BURST_INCR || r->len >= BEATS_MAX || r->id >= IDS ||
                   first / BOUNDARY != last / BOUNDARY
               ? -EPROTO
               : 0;
}

static int take_read(struct dma *d, const struct nic_dma_request *r)
{
    const int err = check(r);

    if (!err)
        d->reads.all[d->reads.count++] =
            (struct request){.addr = r->addr, .id = r->id, .beats = r->len + 1u, .due = due(d)};
    return err;
}

static int take_address(struct dma *d, const struct nic_dma_request *r)
{
    struct request w = {.addr = r->addr, .id = r->id, .beats = r->len + 1u};
    const int err = check(r);

    if (err)
        return err;
    w.data = calloc(w.beats, sizeof(*w.data));
    if (!w.data)
        return -ENOMEM;
    d->open.all[d->open.count++] = w;
    return 0;
}

static int take_data(struct dma *d, const struct nic_model_out *out)
{
    struct request *w = &d->open.all[0];
    struct beat *b = &w->data[w->done++];

    memcpy(b->data, out->dma.wdata, BEAT_BYTES);
    b->strobe = out->dma.wstrb;
    if (out->dma.wlast != (w->done == w->beats))
        return -EPROTO;
    if (!out->dma.wlast)
        return 0;
    w->due = due(d);
    d->writes.all[d->writes.count++] = *w;
    w->data = NULL;
    drop(&d->open, 0);
    return 0;
}

int dma_clock(struct dma *d, const struct nic_model_in *in, const struct nic_model_out *out)
{
    int err = 0;

    if (in->dma.rvalid && out->dma.rready) {
        struct request *r = &d->reads.all[d->reads.offered];

        d->beat_offered = false;
        if (++r->done == r->beats)
            drop(&d->reads, (uint32_t)d->reads.offered);
    }
    if (in->dma.bvalid && out->dma.bready)
        drop(&d->writes, (uint32_t)d->writes.offered);
    if (out->dma.ar.valid && in->dma.arready)
        err = take_read(d, &out->dma.ar);
    if (!err && out->dma.wvalid && in->dma.wready)
        err = take_data(d, out);
    if (!err && out->dma.aw.valid && in->dma.awready)
        err = take_address(d, &out->dma.aw);
    d->now++;
    return err;
}

bool dma_busy(const struct dma *d)
{
    return d->reads.count || d->writes.count || d->open.count;
}
