/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packets through a loaded program. */

/* A batch on its way. */
struct run {
    struct sluice_loaded *loaded;
    struct sluice_batch batch;
    struct sluice_sink sink;
    struct sluice_stats *port; /* or NULL */
    struct sluice_result *results;
    size_t *places; /* of packets in loaded->out, metadata first */
    uint32_t sent, end;
    uint32_t received;
};

/* Packet i in the form of this header. 0 or -E2BIG. */
static int packet_of(const struct sluice_batch *b, uint32_t i, struct sluice_packet *out)
{
    const uint8_t *from = (const uint8_t *)b->packets + (size_t)i * b->packet_size;
    const size_t size = b->packet_size < sizeof(*out) ? b->packet_size : sizeof(*out);

    memset(out, 0, sizeof(*out));
    memcpy(out, from, size);
    for (size_t k = size; k < b->packet_size; k++)
        if (from[k])
            return -E2BIG;
    return 0;
}

/* What is wrong with a packet; NULL: nothing. */
static const char *fault_of(const struct sluice_packet *p)
{
    if (!p->data)
        return "it has no data";
    if (p->len < SPEC_PKT_MIN_BYTES || p->len > SPEC_PKT_MAX_BYTES)
        return "a packet has 14 to 9216 bytes";
    if (p->queue >= SPEC_QUEUES)
        return "there are 4 queues, from 0";
    return p->reserved ? "its member reserved is not 0" : NULL;
}
_Static_assert(SPEC_PKT_MIN_BYTES == 14 && SPEC_PKT_MAX_BYTES == 9216 && SPEC_QUEUES == 4,
               "the texts above say these");

/* Reads what the user gave, and looks at each packet. */
static int read_batch(struct sluice_batch *user, struct sluice_batch *b, struct sluice_sink *sink)
{
    int err = user ? lib_options(b, sizeof(*b), user) : -EINVAL;

    if (!err)
        err = lib_sink(b->sink, sink);
    if (err)
        return err;
    if (user->size <= offsetof(struct sluice_batch, done) ||
        b->packet_size < offsetof(struct sluice_packet, ifindex) ||
        (b->results && b->result_size < offsetof(struct sluice_result, data)) ||
        (b->count && !b->packets))
        return -EINVAL;
    user->done = 0;
    for (uint32_t i = 0; i < b->count && !err; i++) {
        struct sluice_packet p;

        err = packet_of(b, i, &p);
        if (!err && fault_of(&p)) {
            lib_say(sink, SLUICE_ERROR, "LIB0005", NULL,
                    "packet %u of the batch (%u bytes, queue %u): %s", i, p.len, p.queue,
                    fault_of(&p));
            err = -EINVAL;
        }
    }
    return err;
}

static void write_result(const struct sluice_batch *b, uint32_t i, const struct sluice_result *r)
{
    uint8_t *to = (uint8_t *)b->results + (size_t)i * b->result_size;

    if (b->result_size > sizeof(*r))
        memset(to, 0, b->result_size);
    memcpy(to, r, b->result_size < sizeof(*r) ? b->result_size : sizeof(*r));
}

static void count_packet(struct sluice_stats *s, uint32_t in, uint32_t ret, uint32_t out)
{
    uint64_t *const counts[SPEC_VERDICTS] = {&s->aborted, &s->dropped, &s->passed, &s->tx,
                                             &s->redirected};

    s->packets++;
    s->bytes_in += in;
    ++*counts[ret < SPEC_VERDICTS ? ret : SPEC_XDP_ABORTED];
    if (ret >= SPEC_XDP_PASS && ret <= SPEC_XDP_REDIRECT)
        s->bytes_out += out;
}

int lib_pass(struct sluice_batch *user, struct sluice_stats *port)
{
    struct sluice_batch b = {0};
    struct sluice_sink sink;
    const int err = read_batch(user, &b, &sink);

    for (uint32_t i = 0; i < b.count && !err; i++) {
        struct sluice_packet p;

        packet_of(&b, i, &p);
        count_packet(port, p.len, SPEC_XDP_PASS, p.len);
        if (b.results)
            write_result(
                &b, i, &(struct sluice_result){.ret = SPEC_XDP_PASS, .len = p.len, .data = p.data});
        user->done++;
    }
    return err;
}

static bool next_packet(void *ctx, struct exec_packet *out)
{
    struct run *run = ctx;
    struct sluice_packet p;

    if (run->sent == run->end)
        return false;
    packet_of(&run->batch, run->sent, &p);
    *out = (struct exec_packet){.data = p.data,
                                .len = p.len,
                                .time_ns = p.time_ns,
                                .index = run->loaded->next_packet + run->sent};
    run->sent++;
    return true;
}

/* Keeps a packet that has left, with its metadata in front. */
static int keep(struct sluice_loaded *l, const struct exec_output *o, size_t *place)
{
    const size_t bytes = (size_t)o->len + o->meta_bytes;

    if (l->out_room - l->out_used < bytes) {
        const size_t room = (l->out_used + bytes) * 2;
        void *grown = realloc(l->out, room);

        if (!grown)
            return -ENOMEM;
        l->out = grown;
        l->out_room = room;
    }
    memcpy(l->out + l->out_used, o->data - o->meta_bytes, bytes);
    *place = l->out_used + o->meta_bytes;
    l->out_used += bytes;
    return 0;
}

static void decode_redirect(const struct sluice_loaded *l, const struct exec_output *o,
                            struct sluice_result *r)
{
    const uint32_t map = ((uint32_t)(o->redirect >> 32) & 0x3fffffff) - 1;

    if (o->ret != SPEC_XDP_REDIRECT)
        return;
    if (l->exec->ops->redirect_hidden)
        r->redirect = SLUICE_REDIRECT_UNKNOWN;
    if (!o->redirect)
        return;
    r->redirect_target = (uint32_t)o->redirect;
    if (o->redirect >> 63) {
        r->redirect = SLUICE_REDIRECT_IFINDEX;
        return;
    }
    r->redirect = o->redirect >> 62 ? SLUICE_REDIRECT_BROADCAST : SLUICE_REDIRECT_MAP;
    r->redirect_map = map < l->file->map_count ? l->file->maps[map].name : NULL;
}

static int take_packet(void *ctx, const struct exec_output *o)
{
    struct run *run = ctx;
    struct sluice_loaded *l = run->loaded;
    struct sluice_packet p;

    packet_of(&run->batch, run->received, &p);
    if (run->results) {
        struct sluice_result *r = &run->results[run->received];
        const int err = keep(l, o, &run->places[run->received]);

        if (err)
            return err;
        *r = (struct sluice_result){.ret = o->ret,
                                    .len = o->len,
                                    .meta_len = o->meta_bytes,
                                    .cycles = o->cycles,
                                    .ns = o->ns};
        decode_redirect(l, o, r);
    }
    count_packet(&l->stats, p.len, o->ret, o->len);
    if (run->port)
        count_packet(run->port, p.len, o->ret, o->len);
    run->received++;
    return 0;
}

/* Runs the packets from run->sent on that came to the same interface and queue. */
static int run_alike(struct run *run, char why[EXEC_WHY_BYTES])
{
    struct sluice_loaded *l = run->loaded;
    const struct exec_stream stream = {run, next_packet, take_packet};
    struct exec_stats stats = {0};
    struct sluice_packet first, p;
    int err;

    packet_of(&run->batch, run->sent, &first);
    for (run->end = run->sent + 1; run->end < run->batch.count; run->end++) {
        packet_of(&run->batch, run->end, &p);
        if (p.ifindex != first.ifindex || p.queue != first.queue || p.egress != first.egress)
            break;
    }
    l->exec->options.ifindex = first.ifindex ? first.ifindex : l->ifindex;
    l->exec->options.queue = first.queue;
    l->exec->options.egress = first.egress;
    if (!strcmp(l->exec->ops->name, "kernel") && first.queue != l->queue) {
        snprintf(why, EXEC_WHY_BYTES, "the kernel runs all packets on queue %u, as it was loaded",
                 l->queue);
        return -EINVAL;
    }
    err = l->exec->ops->run(l->exec, &stream, &stats, why);
    l->stats.cycles += stats.cycles;
    l->stats.ns += stats.ns;
    if (run->port) {
        run->port->cycles += stats.cycles;
        run->port->ns += stats.ns;
    }
    return err;
}

int lib_run(struct sluice_loaded *loaded, struct sluice_batch *user, struct sluice_stats *port)
{
    struct run run = {.loaded = loaded, .port = port};
    const uint64_t events = loaded->stats.events;
    char why[EXEC_WHY_BYTES] = "";
    int err = read_batch(user, &run.batch, &run.sink);

    if (err)
        return err;
    loaded->out_used = 0;
    if (run.batch.results) {
        run.results = calloc((size_t)run.batch.count + 1, sizeof(*run.results));
        run.places = calloc((size_t)run.batch.count + 1, sizeof(*run.places));
        err = run.results && run.places ? 0 : -ENOMEM;
    }
    while (!err && run.sent < run.batch.count)
        err = run_alike(&run, why);
    for (uint32_t i = 0; i < run.received && run.results; i++) {
        run.results[i].data = loaded->out + run.places[i];
        write_result(&run.batch, i, &run.results[i]);
    }
    loaded->next_packet += run.sent;
    user->done = run.received;
    if (port)
        port->events += loaded->stats.events - events;
    if (err)
        lib_say(&run.sink, SLUICE_ERROR, "LIB0006", loaded->job->prog->name,
                "the run ended at packet %u: %s", run.received, *why ? why : strerror(-err));
    free(run.results);
    free(run.places);
    return err;
}

int sluice_run(struct sluice_loaded *loaded, struct sluice_batch *batch)
{
    int err = !loaded ? -EINVAL : loaded->target ? -EOPNOTSUPP : lib_lock(&loaded->lock);

    if (err)
        return err;
    err = lib_run(loaded, batch, NULL);
    lib_unlock(&loaded->lock);
    return err;
}
