/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/run.h"

#include "host/ctl/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- one run ---- */

struct stream {
    const struct diff_case *c;
    struct arena *arena;
    struct diff_result *out;
    uint32_t sent;
    uint64_t told; /* of the packet that is on its way */
};

static bool next_packet(void *ctx, struct exec_packet *packet)
{
    struct stream *s = ctx;
    const struct diff_packet *p = &s->c->packets[s->sent];

    if (s->sent == s->c->packet_count)
        return false;
    *packet = (struct exec_packet){
        .data = p->bytes, .len = p->len, .time_ns = p->time_ns, .index = s->sent++};
    return true;
}

static int take_packet(void *ctx, const struct exec_output *output)
{
    struct stream *s = ctx;
    struct diff_packet_result *r = &s->out->packets[s->out->packet_count];

    if (s->out->packet_count == s->c->packet_count)
        return -EPROTO;
    *r = (struct diff_packet_result){
        .ret = output->ret, .redirect = output->redirect, .len = output->len};
    r->told = diff_hash(s->told, output->data - output->meta_bytes, output->meta_bytes);
    s->told = DIFF_HASH_START;
    r->bytes = arena_memdup(s->arena, output->data, output->len);
    s->out->packet_count++;
    return 0;
}

static int take_event(void *ctx, const struct exec_event *event)
{
    struct stream *s = ctx;

    if (event->map == EXEC_NO_MAP) /* Linux does not tell what a program prints */
        return 0;
    s->told = diff_hash(s->told, &event->map, sizeof(event->map));
    s->told = diff_hash(s->told, &event->cpu, sizeof(event->cpu));
    s->told = diff_hash(s->told, event->data, event->len);
    return 0;
}

static int fill_maps(const struct diff_case *c, struct exec *exec)
{
    int err = 0;

    for (uint32_t i = 0; i < c->entry_count && !err; i++) {
        const struct diff_entry *e = &c->entries[i];

        err = exec->ops->map_update(exec, e->map, e->key, e->values, SPEC_MAP_FLAG_ANY);
    }
    return err;
}

static int read_maps(const struct diff_case *c, struct exec *exec, struct arena *arena,
                     struct diff_result *out)
{
    int err = 0;

    out->maps = arena_array(arena, c->object.map_count + 1, sizeof(*out->maps));
    for (; out->map_count < c->object.map_count && !err; out->map_count++)
        err = snapshot_take(exec, out->map_count, &out->maps[out->map_count]);
    return err;
}

struct job *diff_job_open(const struct diff_case *c, struct arena *arena)
{
    struct load_value *held = arena_array(arena, c->entry_count + 1, sizeof(*held));
    struct job_options options = {.size = sizeof(options), .values = held, .values_known = true};

    for (uint32_t i = 0; held && i < c->entry_count; i++) {
        const struct diff_entry *e = &c->entries[i];
        const struct load_map *m = &c->object.maps[e->map];
        struct load_value v = {.map = e->map};
        uint32_t number;

        if (!job_holds_programs(m) && !job_holds_maps(m))
            continue;
        if (job_holds_programs(m))
            memcpy(&v.slot, e->key, sizeof(v.slot));
        memcpy(&number, e->values, sizeof(number));
        v.target = number - 1;
        if (number)
            held[options.value_count++] = v;
    }
    return held ? job_open(&c->object, &c->prog, &options, arena) : NULL;
}

enum diff_status diff_run_opened(const struct diff_case *c, struct exec *exec, struct arena *arena,
                                 struct diff_result *out, char why[EXEC_WHY_BYTES])
{
    struct stream s = {c, arena, out, 0, DIFF_HASH_START};
    const struct exec_listener listener = {&s, take_event};
    const struct exec_stream stream = {&s, next_packet, take_packet};
    struct exec_stats stats;
    int err;

    *out = (struct diff_result){.packets =
                                    arena_array(arena, c->packet_count + 1, sizeof(*out->packets))};
    err = fill_maps(c, exec);
    if (err) {
        snprintf(why, EXEC_WHY_BYTES, "the maps can't be filled: %s", strerror(-err));
        return DIFF_BROKEN;
    }
    exec->options.listener = &listener;
    err = exec->ops->run(exec, &stream, &stats, why);
    exec->options.listener = NULL;
    if (err)
        return DIFF_BROKEN;
    err = read_maps(c, exec, arena, out);
    if (err) {
        snprintf(why, EXEC_WHY_BYTES, "the maps can't be read: %s", strerror(-err));
        return DIFF_BROKEN;
    }
    return DIFF_RAN;
}

enum diff_status diff_run(const struct diff_case *c, struct job *job, const struct exec_ops *ops,
                          struct arena *arena, struct diff_result *out, char why[EXEC_WHY_BYTES])
{
    struct exec *exec = NULL;
    enum diff_status status;
    int err;

    *out = (struct diff_result){0};
    *why = 0;
    err = exec_open(ops, job, &c->options, &exec, why);
    if (err)
        return err == -EACCES ? DIFF_REJECTED : err == -ENOTSUP ? DIFF_UNFIT : DIFF_BROKEN;
    status = diff_run_opened(c, exec, arena, out, why);
    exec_close(exec);
    return status;
}

void diff_result_free(struct diff_result *result)
{
    for (uint32_t m = 0; m < result->map_count; m++)
        snapshot_free(&result->maps[m]);
    *result = (struct diff_result){0};
}

bool diff_kernel_accepts(const struct diff_case *c, char why[EXEC_WHY_BYTES])
{
    struct kernel *kernel = NULL;
    const int err = kernel_open(&c->object, &c->prog, NULL, 0, &kernel, why);

    kernel_close(kernel);
    return !err;
}

/* ---- comparison ---- */

static void hex(char *text, size_t text_bytes, const uint8_t *p, uint32_t bytes)
{
    *text = 0;
    for (uint32_t i = 0; i < bytes && 2 * i + 3 <= text_bytes; i++)
        snprintf(text + 2 * i, text_bytes - 2 * i, "%02x", p[i]);
}

static bool same_packet(uint32_t i, const struct diff_packet_result *want,
                        const struct diff_packet_result *got, bool hidden, char why[EXEC_WHY_BYTES])
{
    if (want->ret != got->ret) {
        snprintf(why, EXEC_WHY_BYTES, "packet %u: returns 0x%x, not 0x%x", i, got->ret, want->ret);
        return false;
    }
    if (!hidden && want->redirect != got->redirect) {
        snprintf(why, EXEC_WHY_BYTES, "packet %u: redirect 0x%llx, not 0x%llx", i,
                 (unsigned long long)got->redirect, (unsigned long long)want->redirect);
        return false;
    }
    if (want->len != got->len) {
        snprintf(why, EXEC_WHY_BYTES, "packet %u: has %u bytes, not %u", i, got->len, want->len);
        return false;
    }
    if (want->told != got->told) {
        snprintf(why, EXEC_WHY_BYTES, "packet %u: other metadata or events", i);
        return false;
    }
    for (uint32_t k = 0; k < want->len; k++)
        if (want->bytes[k] != got->bytes[k]) {
            snprintf(why, EXEC_WHY_BYTES, "packet %u: byte %u is %02x, not %02x", i, k,
                     got->bytes[k], want->bytes[k]);
            return false;
        }
    return true;
}

bool diff_same_map(const char *name, const struct snapshot *want, const struct snapshot *got,
                   char why[EXEC_WHY_BYTES])
{
    char key[128], a[256], b[256];

    if (want->count != got->count) {
        snprintf(why, EXEC_WHY_BYTES, "map %s: has %zu entries, not %zu", name, got->count,
                 want->count);
        return false;
    }
    for (size_t i = 0; i < want->count; i++) {
        hex(key, sizeof(key), snapshot_key(want, i), want->key_bytes);
        if (memcmp(snapshot_key(want, i), snapshot_key(got, i), want->key_bytes) != 0) {
            snprintf(why, EXEC_WHY_BYTES, "map %s: key %s is missing", name, key);
            return false;
        }
        for (uint32_t c = 0; c < want->cpus; c++) {
            if (!memcmp(snapshot_value(want, i, c), snapshot_value(got, i, c), want->value_bytes))
                continue;
            hex(a, sizeof(a), snapshot_value(want, i, c), want->value_bytes);
            hex(b, sizeof(b), snapshot_value(got, i, c), want->value_bytes);
            snprintf(why, EXEC_WHY_BYTES, "map %s: key %s, CPU %u: %s, not %s", name, key, c, b, a);
            return false;
        }
    }
    return true;
}

bool diff_same(const struct diff_case *c, const struct diff_result *want,
               const struct diff_result *got, bool hidden, char why[EXEC_WHY_BYTES])
{
    for (uint32_t i = 0; i < want->packet_count && i < got->packet_count; i++)
        if (!same_packet(i, &want->packets[i], &got->packets[i], hidden, why))
            return false;
    if (want->packet_count != got->packet_count) {
        snprintf(why, EXEC_WHY_BYTES, "%u packets came out, not %u", got->packet_count,
                 want->packet_count);
        return false;
    }
    for (uint32_t m = 0; m < want->map_count; m++)
        if (!diff_same_map(c->object.maps[m].name, &want->maps[m], &got->maps[m], why))
            return false;
    return true;
}

/* ---- hashes ---- */

uint64_t diff_result_hash(const struct diff_result *result)
{
    uint64_t h = DIFF_HASH_START;

    for (uint32_t i = 0; i < result->packet_count; i++) {
        const struct diff_packet_result *p = &result->packets[i];

        h = diff_hash(h, &p->ret, sizeof(p->ret));
        h = diff_hash(h, &p->redirect, sizeof(p->redirect));
        h = diff_hash(h, &p->len, sizeof(p->len));
        h = diff_hash(h, &p->told, sizeof(p->told));
        h = diff_hash(h, p->bytes, p->len);
    }
    for (uint32_t m = 0; m < result->map_count; m++) {
        const struct snapshot *s = &result->maps[m];

        for (size_t i = 0; i < s->count; i++) {
            h = diff_hash(h, snapshot_key(s, i), s->key_bytes);
            for (uint32_t c = 0; c < s->cpus; c++)
                h = diff_hash(h, snapshot_value(s, i, c), s->value_bytes);
        }
    }
    return h;
}

uint64_t diff_case_hash(const struct diff_case *c)
{
    uint64_t h =
        diff_hash(DIFF_HASH_START, c->prog.insns, c->prog.insn_count * sizeof(*c->prog.insns));

    for (uint32_t i = 0; i < c->other_count; i++)
        h = diff_hash(h, c->progs[1 + i].insns,
                      c->progs[1 + i].insn_count * sizeof(*c->prog.insns));
    for (uint32_t i = 0; i < c->object.map_count; i++) {
        const struct load_map *m = &c->object.maps[i];
        const uint32_t shape[] = {m->type, m->key_bytes, m->value_bytes, m->max_entries, m->flags};

        h = diff_hash(h, shape, sizeof(shape));
        if (m->data)
            h = diff_hash(h, m->data, m->value_bytes);
    }
    for (uint32_t i = 0; i < c->entry_count; i++) {
        const struct diff_entry *e = &c->entries[i];
        const struct load_map *m = &c->object.maps[e->map];

        h = diff_hash(h, e->key, m->key_bytes);
        h = diff_hash(h, e->values, diff_map_values_bytes(m));
    }
    for (uint32_t i = 0; i < c->packet_count; i++) {
        h = diff_hash(h, &c->packets[i].time_ns, sizeof(c->packets[i].time_ns));
        h = diff_hash(h, c->packets[i].bytes, c->packets[i].len);
    }
    h = diff_hash(h, &c->options.seed, sizeof(c->options.seed));
    h = diff_hash(h, &c->options.ifindex, sizeof(c->options.ifindex));
    return diff_hash(h, &c->options.queue, sizeof(c->options.queue));
}
