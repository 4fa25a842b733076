/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PERF_PAGES = 128 };

struct kernel_reader {
    uint32_t map;
    struct ring_buffer *ring;
    struct perf_buffer *perf;
    kernel_event_fn *take; /* during kernel_reader_take */
    void *ctx;
    bool counts; /* perf events can be asked how many were lost */
    bool lost;
};

static int ring_event(void *ctx, void *data, size_t bytes)
{
    const struct kernel_reader *r = ctx;

    r->take(r->ctx, r->map, data, (uint32_t)bytes, false);
    return 0;
}

static enum bpf_perf_event_ret perf_event(void *ctx, int cpu, struct perf_event_header *header)
{
    struct kernel_reader *r = ctx;
    uint32_t bytes;

    (void)cpu;
    if (header->type == PERF_RECORD_SAMPLE) {
        memcpy(&bytes, header + 1, sizeof(bytes));
        r->take(r->ctx, r->map, (const uint8_t *)(header + 1) + sizeof(bytes), bytes, true);
    } else if (header->type == PERF_RECORD_LOST) {
        r->lost = true;
    }
    return LIBBPF_PERF_EVENT_CONT;
}

/* What read() gives of a perf event with PERF_FORMAT_LOST. */
struct perf_counts {
    uint64_t value;
    uint64_t lost;
};

/* Whether events were lost. A record tells of it, but only when a later event finds room: so the
 * kernel is asked (since Linux 6.0). */
static int ask_lost(struct kernel_reader *r)
{
    for (size_t i = 0; r->counts && i < perf_buffer__buffer_cnt(r->perf) && !r->lost; i++) {
        struct perf_counts counts;
        const int fd = perf_buffer__buffer_fd(r->perf, i);

        if (fd < 0 || read(fd, &counts, sizeof(counts)) != (ssize_t)sizeof(counts))
            return fd < 0 ? fd : -EIO;
        r->lost = counts.lost > 0;
    }
    return 0;
}

/* Opens the entry of the queue on the CPU that programs run on: whatever they put into others
 * (kernel_patch.c) fails. */
static struct perf_buffer *open_perf(struct kernel_reader *r, const struct kernel_map *map)
{
    struct perf_event_attr attr = {.size = sizeof(attr),
                                   .type = PERF_TYPE_SOFTWARE,
                                   .config = PERF_COUNT_SW_BPF_OUTPUT,
                                   .sample_type = PERF_SAMPLE_RAW,
                                   .sample_period = 1,
                                   .read_format = r->counts ? PERF_FORMAT_LOST : 0,
                                   .wakeup_events = 1};
    int cpu = (int)map->cpu.number, key = (int)map->cpu.queue;
    LIBBPF_OPTS(perf_buffer_raw_opts, o, .cpu_cnt = 1, .cpus = &cpu, .map_keys = &key);

    return perf_buffer__new_raw(map->fd, PERF_PAGES, &attr, perf_event, r, &o);
}

int kernel_reader_open(const struct kernel_map *map, uint32_t index, struct kernel_reader **out,
                       char *why, size_t why_bytes)
{
    const bool ring = map->def->type == SPEC_MAP_RINGBUF;
    struct kernel_reader *r;

    *out = NULL;
    if (!ring &&
        (map->def->type != SPEC_MAP_PERF_EVENT_ARRAY || map->cpu.queue >= map->def->max_entries))
        return 0; /* no entry of this queue: nobody listens */
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->map = index;
    r->counts = true;
    if (ring)
        r->ring = ring_buffer__new(map->fd, ring_event, r, NULL);
    else
        r->perf = open_perf(r, map);
    if (!ring && !r->perf && errno == EINVAL) { /* a kernel that does not count */
        r->counts = false;
        r->perf = open_perf(r, map);
    }
    if (!r->ring && !r->perf) {
        snprintf(why, why_bytes, "the events of map %s can't be read: %s", map->def->name,
                 strerror(errno));
        free(r);
        return -ENOTSUP;
    }
    *out = r;
    return 0;
}

void kernel_reader_close(struct kernel_reader *reader)
{
    if (!reader)
        return;
    ring_buffer__free(reader->ring);
    perf_buffer__free(reader->perf);
    free(reader);
}

int kernel_reader_take(struct kernel_reader *reader, kernel_event_fn *take, void *ctx)
{
    int n;

    reader->take = take;
    reader->ctx = ctx;
    n = reader->ring ? ring_buffer__consume(reader->ring) : perf_buffer__consume(reader->perf);
    if (n >= 0 && reader->perf)
        n = ask_lost(reader);
    if (reader->lost)
        return -ENOBUFS;
    return n < 0 ? n : 0;
}
