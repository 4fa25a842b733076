/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/lockstep.h"

#include "host/ctl/exec_interp.h"
#include "host/ctl/hostmap.h"
#include "host/ctl/netfile.h"
#include "host/ctl/nettable.h"
#include "host/ctl/softmap.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet in the device, with the rows that came before its turn. */
struct flight {
    struct flight *next;
    struct dev_packet packet;
    uint64_t index;
    struct ucode_retired *rows;
    size_t row_count;
    size_t row_capacity;
    uint8_t data[]; /* of the packet */
};

struct lockstep {
    const struct ucode_image *image;
    struct exec *maps;
    struct map **all; /* those maps, then the host's tables */
    struct hostmap *tables;
    uint32_t table_count;
    struct softmap softmap;
    struct ir_maps_ops ops;
    struct flight *first; /* the oldest packet in the device: its rows are run at once */
    struct flight **last;
    uint32_t number; /* of the oldest packet, since reset, modulo 2^32 */
    uint64_t rows;   /* of the oldest packet */
    bool started;    /* the model has it */
    struct ucode_model model;
    struct ir_run run;
    uint8_t *buf;
    uint8_t *buf_known;
    struct lockstep_result result;
};

enum { ROWS_START = 64, BUFFER_BYTES = SPEC_EVENT_BASE + SPEC_EVENT_BYTES, EVENT_BEAT_BYTES = 64 };

/* --- differences --- */

/* Notes a difference of the oldest packet. */
__attribute__((format(printf, 3, 4))) static int tell(struct lockstep *l, const uint32_t *row,
                                                      const char *format, ...)
{
    struct lockstep_difference *d = &l->result.difference;
    va_list args;

    if (d->found)
        return -EILSEQ;
    d->found = true;
    d->packet = l->first ? l->first->index : 0;
    d->has_row = row != NULL;
    d->row = row ? *row : 0;
    va_start(args, format);
    vsnprintf(d->what, sizeof(d->what), format, args);
    va_end(args);
    return -EILSEQ;
}

static bool is_number(enum ucode_field field)
{
    return field == UCODE_FIELD_REGISTER || field == UCODE_FIELD_PREDICATE ||
           field == UCODE_FIELD_A || field == UCODE_FIELD_B || field == UCODE_FIELD_ON;
}

static int tell_field(struct lockstep *l, uint32_t row, const struct ucode_difference *at)
{
    const bool predicate = at->field == UCODE_FIELD_PREDICATE || at->field == UCODE_FIELD_ON;
    char lane[32] = "";
    char number[32] = "";

    if (at->lane != UCODE_NO_LANE)
        snprintf(lane, sizeof(lane), "lane %u, ", at->lane);
    if (is_number(at->field))
        snprintf(number, sizeof(number), " %c%u", predicate ? 'p' : 'r', at->number);
    l->result.difference.at = *at;
    return tell(l, &row, "%s%s%s: expected 0x%llx, got 0x%llx", lane, ucode_field_names[at->field],
                number, (unsigned long long)at->expected, (unsigned long long)at->got);
}

/* --- the model --- */

static void start_packet(struct lockstep *l)
{
    const struct dev_packet *p = &l->first->packet;
    const uint32_t headroom = l->image->headroom_bytes;

    memset(l->buf, 0, BUFFER_BYTES);
    memset(l->buf_known, 0, BUFFER_BYTES);
    memcpy(l->buf + SPEC_PKT_BASE, p->data, p->len);
    memset(l->buf_known + SPEC_PKT_BASE - headroom, 1, headroom + p->len);
    l->run = (struct ir_run){.buf = l->buf,
                             .events = l->buf + SPEC_EVENT_BASE,
                             .inputs = {[SPEC_IN_TIME] = p->time_ns,
                                        [SPEC_IN_RAND] = p->rand,
                                        [SPEC_IN_IFINDEX] = p->ifindex,
                                        [SPEC_IN_QUEUE] = p->queue,
                                        [SPEC_IN_LEN] = p->len,
                                        [SPEC_IN_EGRESS] = p->egress}};
    ucode_model_start(&l->model, l->image, &l->ops, &l->run, l->buf_known);
    l->started = true;
    l->rows = 0;
}

/* Runs one row of the oldest packet and compares. */
static int run_row(struct lockstep *l, const struct ucode_retired *got)
{
    struct ucode_retired did;
    struct ucode_difference at;
    uint32_t row;
    int err;

    if (!l->started)
        start_packet(l);
    row = l->model.row;
    if (l->model.ended)
        return tell(l, &got->row, "a row after the one that ends the program");
    err = ucode_model_step(&l->model, got, &did);
    if (row < l->image->row_count && ucode_retired_differ(l->image, &did, got, &at))
        return tell_field(l, row, &at);
    if (err)
        return tell(l, row < l->image->row_count ? &row : NULL, "%s",
                    err == -EFAULT ? "a store or atomic outside of all memory"
                                   : "the program breaks a rule of the core");
    l->rows++;
    l->result.rows++;
    return 0;
}

/* --- the device's stream --- */

int lockstep_packet_in(struct lockstep *l, const struct dev_packet *packet, uint64_t index)
{
    struct flight *f = calloc(1, sizeof(*f) + packet->len);

    if (!f)
        return -ENOMEM;
    f->index = index;
    f->packet = *packet;
    f->packet.data = f->data;
    memcpy(f->data, packet->data, packet->len);
    *l->last = f;
    l->last = &f->next;
    return 0;
}

static int keep_row(struct flight *f, const struct ucode_retired *row)
{
    if (f->row_count == f->row_capacity) {
        const size_t capacity = f->row_capacity ? 2 * f->row_capacity : ROWS_START;
        struct ucode_retired *rows = realloc(f->rows, capacity * sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        f->rows = rows;
        f->row_capacity = capacity;
    }
    f->rows[f->row_count++] = *row;
    return 0;
}

int lockstep_row(struct lockstep *l, const uint32_t *words)
{
    struct flight *f = l->first;
    struct ucode_retired row;
    uint32_t ahead;

    if (l->result.difference.found)
        return -EILSEQ;
    ucode_retired_decode(words, &row);
    ahead = row.packet - l->number;
    for (uint32_t i = 0; i < ahead && f; i++)
        f = f->next;
    if (!f)
        return tell(l, &row.row,
                    "a row of packet number %u since reset, which is not in the device",
                    row.packet);
    return f == l->first ? run_row(l, &row) : keep_row(f, &row);
}

static void free_flight(struct flight *f)
{
    free(f->rows);
    free(f);
}

/* The oldest packet is done: the next one's rows have their turn. */
static int next_packet(struct lockstep *l)
{
    struct flight *f = l->first;
    int err = 0;

    l->first = f->next;
    if (!l->first)
        l->last = &l->first;
    free_flight(f);
    l->number++;
    l->result.packets++;
    l->started = false;
    l->rows = 0;
    f = l->first;
    for (size_t i = 0; f && i < f->row_count && !err; i++)
        err = run_row(l, &f->rows[i]);
    if (f) {
        free(f->rows);
        f->rows = NULL;
        f->row_count = f->row_capacity = 0;
    }
    return err;
}

/* Results of the packet beside the model's. */
static int compare_output(struct lockstep *l, const struct dev_output *o)
{
    const uint64_t len = l->run.data_end - l->run.data;

    if (o->ret != l->run.ret)
        return tell(l, NULL, "return value: expected 0x%x, got 0x%x", l->run.ret, o->ret);
    if (o->redirect != l->run.redirect)
        return tell(l, NULL, "redirect target: expected 0x%llx, got 0x%llx",
                    (unsigned long long)l->run.redirect, (unsigned long long)o->redirect);
    if (o->len != len || l->run.data_end > SPEC_PKT_JUMBO_END)
        return tell(l, NULL, "length: expected %llu, got %u", (unsigned long long)len, o->len);
    if (o->meta_bytes != l->run.meta_bytes || l->run.meta_bytes > l->run.data)
        return tell(l, NULL, "bytes of metadata: expected %llu, got %u",
                    (unsigned long long)l->run.meta_bytes, o->meta_bytes);
    for (uint32_t i = 0; i < o->meta_bytes; i++) {
        const uint8_t expected = l->buf[l->run.data - o->meta_bytes + i];

        if ((o->data - o->meta_bytes)[i] != expected)
            return tell(l, NULL, "byte %u of the metadata: expected 0x%02x, got 0x%02x", i,
                        expected, (o->data - o->meta_bytes)[i]);
    }
    if (o->event_bytes != EVENT_BEAT_BYTES * l->run.event_beats)
        return tell(l, NULL, "bytes of events: expected %llu, got %u",
                    (unsigned long long)(EVENT_BEAT_BYTES * l->run.event_beats), o->event_bytes);
    for (uint32_t i = 0; i < o->event_bytes; i++) {
        const uint8_t expected = l->buf[SPEC_EVENT_BASE + i];

        if (l->buf_known[SPEC_EVENT_BASE + i] && o->events[i] != expected)
            return tell(l, NULL, "byte %u of the events: expected 0x%02x, got 0x%02x", i, expected,
                        o->events[i]);
    }
    for (uint32_t i = 0; i < o->len; i++) {
        const uint8_t expected = l->buf[l->run.data + i];

        if (o->data[i] != expected)
            return tell(l, NULL, "byte %u of the packet: expected 0x%02x, got 0x%02x", i, expected,
                        o->data[i]);
    }
    return 0;
}

int lockstep_packet_out(struct lockstep *l, const struct dev_output *output)
{
    const uint32_t row = l->model.row;
    int err;

    if (l->result.difference.found)
        return -EILSEQ;
    if (!l->first)
        return tell(l, NULL, "a packet came out that never went in");
    if (!l->started)
        return tell(l, NULL, "it came out, and the trace has no row of it");
    if (!l->model.ended)
        return tell(l, row < l->image->row_count ? &row : NULL,
                    "it came out, and the trace ends before this row, after %llu rows of it",
                    (unsigned long long)l->rows);
    err = compare_output(l, output);
    return err ? err : next_packet(l);
}

/* --- the host's tables --- */

static int put_entry(void *ctx, uint32_t map, const void *key, const void *value)
{
    struct lockstep *l = ctx;

    return map_update(l->all[map], key, value, SPEC_MAP_FLAG_ANY, 0);
}

static int open_tables(struct lockstep *l, const struct job *job,
                       const struct exec_options *options, char why[EXEC_WHY_BYTES])
{
    const struct ir_func *ir = job->ir;
    const struct net *net =
        options->net ? options->net
                     : netfile_default(options->ifindex ? options->ifindex : 1, job->arena);
    struct map *const *own = exec_interp_maps(l->maps, &l->softmap.count);

    l->all = calloc(ir->map_count + 1, sizeof(struct map *));
    l->tables = calloc(ir->map_count - l->softmap.count + 1, sizeof(*l->tables));
    if (!l->all || !l->tables || !net)
        return -ENOMEM;
    memcpy(l->all, own, l->softmap.count * sizeof(struct map *));
    for (; l->softmap.count < ir->map_count; l->softmap.count++) {
        const struct ir_map *m = &ir->maps[l->softmap.count];
        const struct map_def def = {.name = m->name,
                                    .type = m->type,
                                    .key_bytes = m->key_bytes,
                                    .value_bytes = m->value_bytes,
                                    .max_entries = m->max_entries,
                                    .flags = m->type == SPEC_MAP_LPM_TRIE ? BPF_F_NO_PREALLOC : 0};
        struct hostmap *t = &l->tables[l->table_count];

        if (hostmap_open_def(t, &def))
            return -ENOMEM;
        l->table_count++;
        l->all[l->softmap.count] = t->map;
    }
    l->softmap.maps = l->all;
    return nettable_fill(ir, net, put_entry, l, why, EXEC_WHY_BYTES);
}

/* --- opening and closing --- */

int lockstep_open(struct job *job, const struct ucode_image *image,
                  const struct exec_options *options, struct lockstep **out,
                  char why[EXEC_WHY_BYTES])
{
    struct lockstep *l = calloc(1, sizeof(*l));
    int err = -ENOMEM;

    snprintf(why, EXEC_WHY_BYTES, "no memory for the model");
    if (!l)
        return err;
    l->image = image;
    l->last = &l->first;
    l->buf = malloc(BUFFER_BYTES);
    l->buf_known = malloc(BUFFER_BYTES);
    if (l->buf && l->buf_known)
        err = exec_open(&exec_interp, job, options, &l->maps, why);
    if (!err)
        err = open_tables(l, job, options, why);
    if (err) {
        lockstep_close(l);
        return err;
    }
    l->ops = softmap_ops(&l->softmap);
    *out = l;
    return 0;
}

void lockstep_close(struct lockstep *l)
{
    if (!l)
        return;
    for (struct flight *f = l->first; f;) {
        struct flight *next = f->next;

        free_flight(f);
        f = next;
    }
    for (uint32_t i = 0; i < l->table_count; i++)
        hostmap_close(&l->tables[i]);
    free(l->tables);
    free(l->all);
    exec_close(l->maps);
    free(l->buf);
    free(l->buf_known);
    free(l);
}

struct exec *lockstep_maps(struct lockstep *l)
{
    return l->maps;
}

const struct lockstep_result *lockstep_result(const struct lockstep *l)
{
    return &l->result;
}
