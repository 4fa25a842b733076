/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/driver_trial.h"

#include "host/ctl/exec_interp.h"
#include "host/ctl/netfile.h"
#include "host/ctl/snapshot.h"
#include "host/pmd/fallback/fallback.h"
#include "host/pmd/fallback/path.h"
#include "host/pmd/fallback/way.h"
#include "host/pmd/program/program.h"
#include "hw/spec/gen/xdp.h"
#include "tests/fuzz/diff/driver_nic.h"
#include "tests/fuzz/diff/rss.h"
#include "tests/fuzz/diff/run.h"

#include <errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

enum { TIME_LOW = 0x01234567, TIME_HIGH = 5, BURST = 32 };

/* What became of a packet, in the order of packets. */
struct fate {
    uint32_t ret, len, meta_bytes, queue;
    uint64_t redirect;
    const uint8_t *bytes; /* metadata, packet */
    struct nic_way way;
    bool seen;
};

struct trial {
    const struct trial_input *in;
    struct arena *arena;
    struct driver_nic nic;
    struct diff_rng rng;
    struct rss rss;
    uint32_t seed; /* of the NIC's port */
    struct fate *fates;
    struct nic_ways ways;
    uint32_t got;
    uint64_t ret[SPEC_VERDICTS];
    char *why;
};

static int differs(struct trial *t, const char *text, uint64_t a, uint64_t b)
{
    snprintf(t->why, EXEC_WHY_BYTES, "%s: %llu, not %llu", text, (unsigned long long)a,
             (unsigned long long)b);
    return -ERANGE;
}

/* ---- the program ---- */

static const char case_path[] = "the case's object";
static const struct load_object *case_object;

int __real_load_object(const char *path, const struct load_options *options, struct arena *arena,
                       struct diag_sink *sink, const struct load_object **out);
int __wrap_load_object(const char *path, const struct load_options *options, struct arena *arena,
                       struct diag_sink *sink, const struct load_object **out);

/* The driver reads its program from a file; this one is in memory. */
int __wrap_load_object(const char *path, const struct load_options *options, struct arena *arena,
                       struct diag_sink *sink, const struct load_object **out)
{
    if (strcmp(path, case_path) != 0)
        return __real_load_object(path, options, arena, sink, out);
    *out = case_object;
    return 0;
}

static int map_named(const struct load_object *o, const char *name, uint32_t *index)
{
    for (*index = 0; *index < o->map_count; ++*index)
        if (!strcmp(o->maps[*index].name, name))
            return 0;
    return -ENXIO;
}

static int fill(const struct trial_input *in, struct exec *exec)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < in->entry_count; i++) {
        const struct trial_entry *e = &in->entries[i];
        uint32_t map;

        err = map_named(exec->job->object, in->job->object->maps[e->map].name, &map);
        if (!err)
            err = exec->ops->map_update(exec, map, e->key, e->values, e->flags);
    }
    return err;
}

static int load(struct trial *t)
{
    const struct rte_pmd_sluice_program what = {.path = case_path};
    int err;

    case_object = t->in->job->object;
    err = rte_pmd_sluice_program_load(t->nic.port, &what, t->why, EXEC_WHY_BYTES);
    if (!err)
        err = fill(t->in, t->nic.pmd->program->exec);
    return err == -ENOTSUP ? -EIO : err;
}

/* ---- the NIC ---- */

/* Packets get one time, and random states that are known. */
static int set_inputs(struct trial *t)
{
    struct nic *nic = &t->nic.pmd->nic;
    const struct {
        uint32_t addr, value;
    } words[] = {
        {nic->device + SPEC_NIC_TIME_STEP, 0},
        {nic->device + SPEC_NIC_TIME_LO, TIME_LOW},
        {nic->device + SPEC_NIC_TIME_HI, TIME_HIGH},
        {nic->device + SPEC_NIC_SEED, t->seed},
        {nic->port[0] + SPEC_PORT_IFINDEX, t->in->options->ifindex},
        {nic->port[1] + SPEC_PORT_IFINDEX, t->in->options->ifindex + 1},
        {nic->verdict + SPEC_VERDICT_TO_HOST, 1},
    };
    int err = 0;

    for (uint32_t i = 0; !err && i < sizeof(words) / sizeof(words[0]); i++)
        err = nic_write(nic, words[i].addr, words[i].value);
    return err ? err : nic_ways_read(nic, &t->ways);
}

static void note_rss(struct trial *t)
{
    const struct pmd *pmd = t->nic.pmd;

    memcpy(t->rss.key, pmd->rss_key, sizeof(t->rss.key));
    t->rss.types = pmd->rss_types;
    t->rss.queue = pmd->reta;
    t->rss.queue_count = pmd->nic.reta_size;
}

/* ---- what interp makes of it ---- */

struct reference {
    struct trial *t;
    uint32_t next;
    bool given;
    uint32_t rand;
};

static bool give(void *ctx, struct exec_packet *packet)
{
    struct reference *r = ctx;
    const struct diff_packet *p = &r->t->in->packets[r->next];

    if (r->given)
        return false;
    r->given = true;
    *packet = (struct exec_packet){.data = p->bytes,
                                   .len = p->len,
                                   .time_ns = (uint64_t)TIME_HIGH << 32 | TIME_LOW,
                                   .index = r->next,
                                   .rand = r->rand};
    return true;
}

static int keep(void *ctx, const struct exec_output *o)
{
    struct reference *r = ctx;
    struct trial *t = r->t;
    struct fate *f = &t->fates[r->next];

    f->ret = o->ret;
    f->len = o->len;
    f->meta_bytes = o->meta_bytes;
    f->redirect = o->redirect;
    f->bytes = arena_memdup(t->arena, o->data - o->meta_bytes, o->len + o->meta_bytes);
    f->way = nic_way_of(&t->ways, o->ret, o->redirect, 0, f->queue);
    t->ret[o->ret < SPEC_VERDICTS ? o->ret : SPEC_XDP_ABORTED]++;
    return 0;
}

static int run_reference(struct trial *t, struct exec **exec)
{
    struct reference r = {.t = t, .rand = t->seed ? t->seed : 1};
    const struct exec_stream stream = {&r, give, keep};
    struct exec_stats stats;
    int err = exec_open(&exec_interp, t->in->job, t->in->options, exec, t->why);

    if (!err)
        err = fill(t->in, *exec);
    for (; !err && r.next < t->in->packet_count; r.next++) {
        const struct diff_packet *p = &t->in->packets[r.next];
        struct fate *f = &t->fates[r.next];

        f->queue = rss_queue(&t->rss, p->bytes, p->len);
        (*exec)->options.queue = f->queue;
        r.given = false;
        err = exec_interp.run(*exec, &stream, &stats, t->why);
        r.rand = vm_rand_next(r.rand);
    }
    return err;
}

/* ---- packets that come ---- */

static int same_bytes(struct trial *t, uint32_t i, const uint8_t *bytes, uint32_t n)
{
    const struct fate *f = &t->fates[i];

    for (uint32_t k = 0; k < n; k++)
        if (bytes[k] != f->bytes[k]) {
            snprintf(t->why, EXEC_WHY_BYTES, "packet %u: byte %d is %02x, not %02x", i,
                     (int)k - (int)f->meta_bytes, bytes[k], f->bytes[k]);
            return -ERANGE;
        }
    return 0;
}

static int check_host(struct trial *t, uint16_t queue, struct rte_mbuf *m)
{
    const struct rte_pmd_sluice_info *info =
        RTE_MBUF_DYNFIELD(m, (size_t)t->nic.pmd->fields.info, const struct rte_pmd_sluice_info *);
    struct fate *f = &t->fates[info->number];
    uint8_t bytes[SPEC_PKT_MAX_BYTES + UINT8_MAX];
    uint32_t n = info->meta_bytes;

    if (info->number >= t->in->packet_count || f->seen)
        return differs(t, "a packet's number", info->number, t->in->packet_count);
    if (f->way.to != SPEC_WAY_TO_HOST || f->way.number != queue)
        return differs(t, "packet came to the host: its number", info->number, f->way.number);
    if (info->ret != (f->ret & UINT8_MAX) || info->redirect != f->redirect)
        return differs(t, "return value of packet", info->ret, f->ret);
    if (m->pkt_len != f->len || info->meta_bytes != f->meta_bytes)
        return differs(t, "length of packet", m->pkt_len, f->len);
    memcpy(bytes, rte_pktmbuf_mtod(m, const uint8_t *) - n, n);
    for (const struct rte_mbuf *s = m; s; s = s->next) {
        memcpy(bytes + n, rte_pktmbuf_mtod(s, const void *), s->data_len);
        n += s->data_len;
    }
    f->seen = true;
    t->got++;
    return same_bytes(t, info->number, bytes, n);
}

/* Each queue's packets come in order of their numbers. */
static int receive(struct trial *t, uint16_t queue, uint32_t *last)
{
    struct rte_mbuf *burst[BURST];
    const uint16_t wanted = (uint16_t)(1 + diff_below(&t->rng, BURST));
    const uint16_t n = rte_eth_rx_burst(t->nic.port, queue, burst, wanted);
    int err = 0;

    for (uint16_t i = 0; i < n; i++) {
        const uint32_t number = RTE_MBUF_DYNFIELD(burst[i], (size_t)t->nic.pmd->fields.info,
                                                  const struct rte_pmd_sluice_info *)
                                    ->number;

        if (!err)
            err = check_host(t, queue, burst[i]);
        if (!err && number + 1 <= *last)
            err = differs(t, "order of packets at a queue", number, *last - 1);
        *last = number + 1;
        rte_pktmbuf_free(burst[i]);
    }
    return err;
}

static const char *const verdicts[SPEC_VERDICTS] = {"rx_program_aborted", "rx_program_drop",
                                                    "rx_program_pass", "rx_program_tx",
                                                    "rx_program_redirect"};

/* All packets have left the slot, and the host has run those that it waits for. */
static bool all_ran(struct trial *t)
{
    struct nic *nic = &t->nic.pmd->nic;
    uint64_t left = 0;

    return !nic_packets(nic, &left) && left == t->in->packet_count && !pmd_path_held(nic);
}

/* Reads an entry while packets pass, which must not disturb them. */
static int look_at_maps(struct trial *t)
{
    const struct load_object *o = t->nic.pmd->program->exec->job->object;
    const uint32_t map = diff_below(&t->rng, 8 * (o->map_count + 1));
    uint8_t key[SPEC_KEY_MAX_BYTES], values[SPEC_QUEUES * 128];
    int err;

    if (map >= o->map_count || diff_map_values_bytes(&o->maps[map]) > sizeof(values))
        return 0;
    err = rte_pmd_sluice_map_next_key(t->nic.port, o->maps[map].name, NULL, key);
    if (!err)
        err = rte_pmd_sluice_map_lookup(t->nic.port, o->maps[map].name, key, values);
    return err && err != -ENOENT && err != -EINVAL ? differs(t, "a map can't be read", map, 0) : 0;
}

/* Some queues are polled often, some seldom, until all packets are through. */
static int receive_all(struct trial *t)
{
    enum { TURNS = 4000, REST = 12, LOOK = 4 };
    uint32_t last[DRIVER_QUEUES] = {0}, seldom[DRIVER_QUEUES], rest = 0;
    const uint32_t busy = diff_below(&t->rng, t->nic.queues);
    const bool watched = !diff_below(&t->rng, 4);
    int err = 0;

    for (uint32_t i = 0; i < DRIVER_QUEUES; i++)
        seldom[i] = i == busy || diff_below(&t->rng, 2) ? 1 : 1 + diff_below(&t->rng, 50);
    for (uint32_t turn = 0; !err && rest < REST; turn++) {
        for (uint16_t q = 0; !err && q < t->nic.queues; q++)
            if (rest || turn % seldom[q] == 0)
                err = receive(t, q, &last[q]);
        if (turn == TURNS)
            return differs(t, "packets that came to nothing; the host got", t->got,
                           t->in->packet_count);
        if (!err && watched)
            err = look_at_maps(t);
        if (rest || (turn % LOOK == 0 && all_ran(t)))
            rest++;
    }
    return err;
}

/* ---- afterwards ---- */

static int check_counters(struct trial *t)
{
    static const char *const none[] = {
        "rx_missed_errors",      "rx_errors",      "tx_errors", "rx_fallback_tx_dropped",
        "rx_fallback_path_lost", "rx_program_hung"};
    uint64_t host = 0;

    for (uint32_t v = 0; v < SPEC_VERDICTS; v++) {
        const uint64_t count = driver_nic_counter(&t->nic, verdicts[v]);

        if (count != t->ret[v])
            return differs(t, verdicts[v], count, t->ret[v]);
    }
    for (uint32_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (driver_nic_counter(&t->nic, none[i]))
            return differs(t, none[i], driver_nic_counter(&t->nic, none[i]), 0);
    for (uint32_t i = 0; i < t->in->packet_count; i++)
        host += t->fates[i].way.to == SPEC_WAY_TO_HOST;
    if (host != t->got)
        return differs(t, "packets at the host", t->got, host);
    host = driver_nic_counter(&t->nic, "rx_good_packets");
    return host != t->got ? differs(t, "rx_good_packets", host, t->got) : 0;
}

static int check_map(struct trial *t, uint32_t map, struct exec *reference)
{
    struct exec *exec = t->nic.pmd->program->exec;
    const char *name = t->in->job->object->maps[map].name;
    struct snapshot want = {0}, got = {0};
    uint32_t index;
    int err = map_named(exec->job->object, name, &index);

    if (!err)
        err = snapshot_take(exec, index, &got);
    if (!err)
        err = snapshot_take(reference, map, &want);
    if (!err && !diff_same_map(name, &want, &got, t->why))
        err = -ERANGE;
    snapshot_free(&want);
    snapshot_free(&got);
    return err;
}

/* Frames at a wire, in the order of packets. */
static int check_wire(struct trial *t, uint32_t port)
{
    struct diff_packet *frames;
    uint32_t count, wanted = 0;

    if (!driver_nic_wire(&t->nic, port, t->arena, &frames, &count))
        return differs(t, "a wire's capture can't be read", port, 0);
    for (uint32_t i = 0; i < t->in->packet_count; i++) {
        const struct fate *f = &t->fates[i];

        if (f->way.to != SPEC_WAY_TO_PORT || f->way.number != port)
            continue;
        if (wanted == count || frames[wanted].len != f->len ||
            memcmp(frames[wanted].bytes, f->bytes + f->meta_bytes, f->len) != 0)
            return differs(t, "a packet is not at its place at the wire: number", i, wanted);
        wanted++;
    }
    return wanted != count ? differs(t, "frames at a wire", count, wanted) : 0;
}

/* What failed, if it says nothing itself. */
static int step(struct trial *t, const char *name, int err)
{
    if (err && !*t->why)
        snprintf(t->why, EXEC_WHY_BYTES, "%s: %s", name, strerror(-err));
    return err;
}

static int check_before_close(struct trial *t)
{
    struct exec *reference = NULL;
    int err;

    err = step(t, "start", rte_eth_dev_start(t->nic.port));
    note_rss(t);
    if (!err)
        err = step(t, "interp", run_reference(t, &reference));
    if (!err)
        err = receive_all(t);
    if (!err)
        err = check_counters(t);
    for (uint32_t m = 0; !err && m < t->in->job->object->map_count; m++)
        err = step(t, "reading a map", check_map(t, m, reference));
    exec_close(reference);
    return err;
}

int driver_trial(const struct trial_input *in, struct arena *arena, char why[EXEC_WHY_BYTES])
{
    struct trial t = {.in = in, .arena = arena, .rng = {in->options->seed}, .why = why};
    int err;

    t.seed = (uint32_t)diff_next(&t.rng);
    t.fates = arena_array(arena, in->packet_count + 1, sizeof(*t.fates));
    err = driver_nic_open(&t.nic, in->packets, in->packet_count, &t.rng, why);
    if (!err)
        err = set_inputs(&t);
    if (!err) /* as the argument fib= says, which is nothing here */
        t.nic.pmd->net = netfile_default(in->options->ifindex, arena);
    *why = 0;
    if (!err)
        err = step(&t, "load", load(&t));
    if (!err)
        err = check_before_close(&t);
    if (driver_nic_close(&t.nic) && !err)
        err = differs(&t, "buffers are lost", 0, 0);
    for (uint32_t p = 0; !err && p < DRIVER_PORTS; p++)
        err = check_wire(&t, p);
    driver_nic_remove(&t.nic);
    return err;
}
