/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/csr.h"
#include "tests/common/random.h"
#include "tests/rtl/pipeline/bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 200000u /* clocks without a beat before the device counts as stuck */

int device_open(struct device *d, const char *path)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!so) {
        fprintf(stderr, "%s\n", dlerror());
        return -ENOENT;
    }
    d->api = dlsym(so, "sluice_model_api");
    if (!d->api || d->api->abi != MODEL_ABI)
        return -EINVAL;
    d->model = d->api->open(NULL);
    d->in.rst = true;
    for (int i = 0; i < 8; i++) {
        d->api->settle(d->model, &d->in, &d->out);
        d->api->clock(d->model);
    }
    d->in.rst = false;
    d->in.regs.bready = true;
    d->in.regs.rready = true;
    return 0;
}

void device_close(struct device *d)
{
    if (d->model)
        d->api->close(d->model);
}

static void settle(struct device *d)
{
    d->api->settle(d->model, &d->in, &d->out);
}

static void clock_edge(struct device *d)
{
    d->api->clock(d->model);
    d->cycles++;
}

/* --- registers -----------------------------------------------------------------------------------
 */

static void write32(struct device *d, uint32_t addr, uint32_t value)
{
    bool taken = false;

    d->in.regs.awvalid = d->in.regs.wvalid = true;
    d->in.regs.awaddr = (uint16_t)addr;
    d->in.regs.wdata = value;
    for (uint32_t i = 0; i < PATIENCE && !taken; i++) {
        settle(d);
        taken = d->out.regs.awready && d->out.regs.wready;
        clock_edge(d);
    }
    d->in.regs.awvalid = d->in.regs.wvalid = false;
    for (bool done = false; taken && !done;) {
        settle(d);
        done = d->out.regs.bvalid;
        clock_edge(d);
    }
    d->wrong = d->wrong || !taken;
}

uint32_t device_read32(struct device *d, uint32_t addr)
{
    uint32_t value = 0;
    bool taken = false;

    d->in.regs.arvalid = true;
    d->in.regs.araddr = (uint16_t)addr;
    for (uint32_t i = 0; i < PATIENCE && !taken; i++) {
        settle(d);
        taken = d->out.regs.arready;
        clock_edge(d);
    }
    d->in.regs.arvalid = false;
    for (bool done = false; taken && !done;) {
        settle(d);
        done = d->out.regs.rvalid;
        value = d->out.regs.rdata;
        clock_edge(d);
    }
    d->wrong = d->wrong || !taken;
    return value;
}

void device_enable(struct device *d)
{
    write32(d, SPEC_CSR_CTRL, 1);
}

static uint32_t command(struct device *d, uint32_t map, enum spec_mbox cmd, uint32_t addr)
{
    uint32_t status = 1u << 31;

    write32(d, SPEC_CSR_MBOX_MAP, map);
    write32(d, SPEC_CSR_MBOX_ADDR, addr);
    write32(d, SPEC_CSR_MBOX_FLAGS, 0);
    write32(d, SPEC_CSR_MBOX_CMD, cmd);
    for (uint32_t i = 0; i < PATIENCE && status >> 31; i++)
        status = device_read32(d, SPEC_CSR_MBOX_STATUS);
    d->wrong = d->wrong || status >> 31;
    return status;
}

static void put_words(struct device *d, uint32_t addr, const uint8_t *bytes, uint32_t count,
                      uint32_t total)
{
    uint8_t padded[SPEC_HW_VALUE_BYTES] = {0};

    memcpy(padded, bytes, count);
    for (uint32_t i = 0; i < total; i += 4) {
        uint32_t word;

        memcpy(&word, padded + i, 4);
        write32(d, addr + i, word);
    }
}

static void get_words(struct device *d, uint32_t addr, uint8_t *bytes, uint32_t total)
{
    for (uint32_t i = 0; i < total; i += 4) {
        const uint32_t word = device_read32(d, addr + i);

        memcpy(bytes + i, &word, 4);
    }
}

static void write_values(struct device *d, uint32_t map, uint32_t at, const uint8_t *values,
                         uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 8) {
        put_words(d, SPEC_CSR_MBOX_VALUE, values + i, 8, 8);
        command(d, map, SPEC_MBOX_VMEM_WRITE, at + i);
    }
}

static void read_values(struct device *d, uint32_t map, uint32_t at, uint8_t *values,
                        uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += 8) {
        command(d, map, SPEC_MBOX_VMEM_READ, at + i);
        get_words(d, SPEC_CSR_MBOX_VALUE, values + i, 8);
    }
}

/* --- maps ----------------------------------------------------------------------------------------
 */

/* Gives a map's elements, one after the other, the order of use in which a walk comes to them. */
static void use_in_walking_order(struct map *map)
{
    uint8_t key[SPEC_HW_KEY_BYTES] = {0};
    uint8_t next[SPEC_HW_KEY_BYTES] = {0};

    for (int err = map_next_key(map, NULL, next); !err; err = map_next_key(map, key, next)) {
        memcpy(key, next, sizeof(key));
        map_lookup(map, key, 0);
    }
}

void device_write_maps(struct device *d, const struct soft_maps *maps, const struct ir_func *f)
{
    for (uint32_t m = 0; m < maps->count; m++) {
        struct map *map = maps->maps[m];
        const struct ir_map *def = &f->maps[m];
        const uint32_t bytes = map_cpus(map) * map_stride_bytes(map);
        uint8_t key[SPEC_HW_KEY_BYTES] = {0};
        uint8_t next[SPEC_HW_KEY_BYTES] = {0};
        uint8_t *values = calloc(1, bytes);

        use_in_walking_order(map);
        for (int err = map_next_key(map, NULL, next); !err; err = map_next_key(map, key, next)) {
            uint32_t at;

            memcpy(key, next, sizeof(key));
            map_host_lookup(map, key, values);
            if (spec_engine_has_keys(def->engine)) {
                put_words(d, SPEC_CSR_MBOX_KEY, key, def->key_bytes, SPEC_HW_KEY_BYTES);
                put_words(d, SPEC_CSR_MBOX_VALUE, values, map_stride_bytes(map),
                          map_stride_bytes(map));
                d->wrong = d->wrong || command(d, m, SPEC_MBOX_UPDATE, 0) != 0;
                at = device_read32(d, SPEC_CSR_MBOX_RESULT);
            } else {
                memcpy(&at, key, 4);
                at *= bytes;
            }
            write_values(d, m, at, values, bytes);
        }
        free(values);
    }
}

int device_read_maps(struct device *d, struct soft_maps *maps, const struct ir_func *f)
{
    for (uint32_t m = 0; m < maps->count; m++) {
        struct map *map = maps->maps[m];
        const struct ir_map *def = &f->maps[m];
        const uint32_t bytes = map_cpus(map) * map_stride_bytes(map);
        const uint32_t entries =
            spec_engine_has_keys(def->engine) ? def->max_entries + 1 : def->max_entries;
        uint8_t key[SPEC_HW_KEY_BYTES];
        uint8_t *values = calloc(1, bytes);

        for (uint32_t e = 0; e < entries; e++) {
            uint32_t at = e * bytes;

            memset(key, 0, sizeof(key));
            memcpy(key, &e, 4);
            if (spec_engine_has_keys(def->engine)) {
                if (command(d, m, SPEC_MBOX_ENTRY, e))
                    continue;
                get_words(d, SPEC_CSR_MBOX_KEY, key, SPEC_HW_KEY_BYTES);
                at = device_read32(d, SPEC_CSR_MBOX_RESULT);
            }
            read_values(d, m, at, values, bytes);
            if (map_host_update(map, key, values, SPEC_MAP_FLAG_ANY)) {
                free(values);
                return -EINVAL;
            }
        }
        free(values);
    }
    return d->wrong ? -EIO : 0;
}

/* --- packets -------------------------------------------------------------------------------------
 */

static bool chance(struct device *d, uint32_t percent)
{
    return percent >= 100 || random_next(&d->seed) % 100 < percent;
}

static void offer(struct device *d, const struct packet *k, uint32_t at)
{
    const uint32_t rest = k->length - at;
    const uint32_t bytes = rest < 64 ? rest : 64;

    d->in.s_tvalid = true;
    d->in.s_tlast = rest <= 64;
    d->in.s_tkeep = bytes == 64 ? UINT64_MAX : (UINT64_C(1) << bytes) - 1;
    memset(d->in.s_tdata, 0xa5, sizeof(d->in.s_tdata)); /* bytes that are not kept mean nothing */
    memcpy(d->in.s_tdata, k->bytes + at, bytes);
    d->in.s_tuser[0] = (uint32_t)k->inputs[SPEC_IN_TIME];
    d->in.s_tuser[1] = (uint32_t)(k->inputs[SPEC_IN_TIME] >> 32);
    d->in.s_tuser[2] = (uint32_t)k->inputs[SPEC_IN_RAND];
    d->in.s_tuser[3] = (uint32_t)k->inputs[SPEC_IN_IFINDEX];
    d->in.s_tuser[4] = (uint32_t)(k->inputs[SPEC_IN_QUEUE] | k->inputs[SPEC_IN_LEN] << 16);
    d->in.s_tuser[5] = (uint32_t)k->inputs[SPEC_IN_EGRESS];
}

struct collected {
    uint8_t bytes[SPEC_EVENT_BYTES + SPEC_PKT_JUMBO_END + 64];
    uint32_t length;
    uint32_t user[4];
};

static void show(const char *what, const uint8_t *bytes, uint32_t length)
{
    fprintf(stderr, "  %s", what);
    for (uint32_t i = 0; i < length && i < 128; i++)
        fprintf(stderr, "%s%02x", i % 4 ? "" : " ", bytes[i]);
    fprintf(stderr, "\n");
}

/* The event area as far as it was written. */
static bool same_events(const struct packet *want, const uint8_t *got)
{
    for (uint32_t i = 0; i < 64 * want->event_beats; i++) {
        if (want->events[i] != want->events_before[i] && want->events[i] != got[i]) {
            fprintf(stderr, "byte %u of the event area is %02x, not %02x\n", i, got[i],
                    want->events[i]);
            return false;
        }
    }
    return true;
}

static bool same(const struct packet *want, const struct collected *got, uint32_t i)
{
    const uint64_t redirect = (uint64_t)got->user[2] << 32 | got->user[1];
    const uint32_t length = got->user[3] & 0xffff;
    const uint32_t events = 64 * want->event_beats;

    if (got->user[0] == want->ret && redirect == want->redirect &&
        got->user[3] >> 16 == (want->meta_bytes | want->event_beats << 8) &&
        got->length == events + want->out_length && length == want->out_length &&
        same_events(want, got->bytes) && memcmp(got->bytes + events, want->out, length) == 0)
        return true;
    fprintf(stderr,
            "packet %u: ret %u redirect %llx length %u (%u) meta and events %x; want ret %u "
            "redirect %llx length %u meta %u events %u\n",
            i, got->user[0], (unsigned long long)redirect, got->length, length, got->user[3] >> 16,
            want->ret, (unsigned long long)want->redirect, want->out_length, want->meta_bytes,
            want->event_beats);
    show("in  ", want->bytes, want->length);
    show("got ", got->bytes, got->length);
    show("want", want->out, want->out_length);
    return false;
}

/* Takes the offered beat; true if it was a packet's last. */
static bool collect(const struct device *d, struct collected *c)
{
    uint8_t data[64];

    memcpy(data, d->out.m_tdata, sizeof(data));
    for (uint32_t i = 0; i < 64; i++) {
        if (d->out.m_tkeep >> i & 1 && c->length < sizeof(c->bytes))
            c->bytes[c->length++] = data[i];
    }
    memcpy(c->user, d->out.m_tuser, sizeof(c->user));
    return d->out.m_tlast;
}

uint32_t device_run(struct device *d, const struct packet *packets, uint32_t count)
{
    struct collected c = {.length = 0};
    uint32_t sent = 0;
    uint32_t at = 0;
    uint32_t done = 0;
    uint32_t wrong = 0;
    uint32_t quiet = 0;

    while (done < count && quiet < PATIENCE && wrong < 5) {
        if (!d->in.s_tvalid && sent < count && chance(d, d->in_percent))
            offer(d, &packets[sent], at);
        d->in.m_tready = chance(d, d->out_percent);
        settle(d);
        quiet++;
        if (d->out.m_tvalid && d->in.m_tready) {
            quiet = 0;
            if (collect(d, &c)) {
                wrong += !same(&packets[done], &c, done);
                done++;
                c.length = 0;
            }
        }
        if (d->in.s_tvalid && d->out.s_tready) {
            quiet = 0;
            d->in.s_tvalid = false;
            at += 64;
            if (at >= packets[sent].length) {
                sent++;
                at = 0;
            }
        }
        clock_edge(d);
    }
    d->in.s_tvalid = false;
    if (quiet >= PATIENCE) {
        fprintf(stderr, "stuck: %u packets in, %u out of %u\n", sent, done, count);
        wrong++;
    }
    return wrong;
}
