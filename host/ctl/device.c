/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/device.h"

#include "host/ctl/device_bulk.h"
#include "hw/spec/gen/csr.h"
#include "nic_runtime/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLLS_MAX = 1 << 20,
    MBOX_FIRST_SHIFT = 8,
    WALK_BYTES = 1 << 14, /* that a walk reads at once */
    BULK_BYTES = 128,     /* less goes through the mailbox in any case */
    WALK_GAP = 512,       /* bytes of no use that are read between two values */
};

#define MBOX_BUSY 0x80000000u

static int write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return dev->ops->write32(dev, addr, value);
}

/* Registers from addr on, from and to bytes that may end within a register. */
static int write_bytes(struct dev *dev, uint32_t addr, const void *data, uint32_t bytes)
{
    uint32_t words[SPEC_HW_VALUE_BYTES / 4] = {0};

    assert(bytes <= sizeof(words));
    memcpy(words, data, bytes);
    return dev->ops->write_words(dev, addr, words, (bytes + 3) / 4);
}

static int read_bytes(struct dev *dev, uint32_t addr, void *data, uint32_t bytes)
{
    uint32_t words[SPEC_HW_VALUE_BYTES / 4];
    int err;

    assert(bytes <= sizeof(words));
    err = dev->ops->read_words(dev, addr, words, (bytes + 3) / 4);
    if (!err)
        memcpy(data, words, bytes);
    return err;
}

/* Waits for the command under way: 0, or its errno, negative. */
static int wait_done(struct dev *dev)
{
    uint32_t status = MBOX_BUSY;
    int err = 0;

    for (int i = 0; !err && status & MBOX_BUSY; i++) {
        if (i == POLLS_MAX)
            return -ETIMEDOUT;
        err = dev->ops->read32(dev, SPEC_CSR_MBOX_STATUS, &status);
        if (!err && status == UINT32_MAX) /* no errno is all ones: the device is gone */
            err = -ENODEV;
    }
    return err ? err : -(int)status;
}

/* Runs a mailbox command: the operands are in place. 0, or the command's errno, negative. */
static int command(struct dev *dev, uint32_t map, enum spec_mbox cmd)
{
    int err = write32(dev, SPEC_CSR_MBOX_MAP, map);

    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_CMD, cmd);
    return err ? err : wait_done(dev);
}

/* Starts an access to value memory, of some words from or to the mailbox's value from word `first`
 * on. */
static int start_vmem(struct dev *dev, uint32_t map, enum spec_mbox cmd, uint32_t addr,
                      uint32_t words, uint32_t first)
{
    const uint32_t map_addr[] = {map, addr};
    int err = dev->ops->write_words(dev, SPEC_CSR_MBOX_MAP, map_addr, 2);

    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_BURST, words | first << MBOX_FIRST_SHIFT);
    return err ? err : write32(dev, SPEC_CSR_MBOX_CMD, cmd);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* bytes is a multiple of 8, as all strides are. */
static int write_vmem(struct dev *dev, uint32_t map, uint32_t addr, const void *data,
                      uint32_t bytes)
{
    int err = 0;

    if (dev->bulk && bytes > BULK_BYTES)
        return device_bulk_write(dev, map, addr, data, bytes);
    for (uint32_t i = 0; i < bytes && !err; i += SPEC_HW_VALUE_BYTES) {
        const uint32_t n = least(bytes - i, SPEC_HW_VALUE_BYTES);

        err = write_bytes(dev, SPEC_CSR_MBOX_VALUE, (const uint8_t *)data + i, n);
        if (!err)
            err = start_vmem(dev, map, SPEC_MBOX_VMEM_WRITE, addr + i, n / 8, 0);
        if (!err)
            err = wait_done(dev);
    }
    return err;
}

/* One half of the mailbox's value is read out while the device fills the other. */
static int read_vmem(struct dev *dev, uint32_t map, uint32_t addr, void *data, uint32_t bytes)
{
    enum { HALF_BYTES = SPEC_HW_VALUE_BYTES / 2 };
    uint32_t half = 0;
    int err;

    if (dev->bulk && bytes > BULK_BYTES)
        return device_bulk_read(dev, map, addr, data, bytes);
    err = start_vmem(dev, map, SPEC_MBOX_VMEM_READ, addr, least(bytes, HALF_BYTES) / 8, 0);
    for (uint32_t i = 0; i < bytes && !err; i += HALF_BYTES, half = HALF_BYTES - half) {
        const uint32_t next = i + HALF_BYTES;

        err = wait_done(dev);
        if (!err && next < bytes)
            err = start_vmem(dev, map, SPEC_MBOX_VMEM_READ, addr + next,
                             least(bytes - next, HALF_BYTES) / 8, (HALF_BYTES - half) / 8);
        if (!err)
            err = read_bytes(dev, SPEC_CSR_MBOX_VALUE + half, (uint8_t *)data + i,
                             least(bytes - i, HALF_BYTES));
    }
    return err;
}

int device_map_config(struct dev *dev, uint32_t map, const uint32_t desc[SPEC_MAPDESC_WORDS])
{
    int err = dev->ops->write_words(dev, SPEC_CSR_MBOX_VALUE, desc, SPEC_MAPDESC_WORDS);

    return err ? err : command(dev, map, SPEC_MBOX_CONFIG);
}

int device_map_clear(struct dev *dev, uint32_t map, uint64_t bytes)
{
    static const uint8_t zeros[SPEC_HW_VALUE_BYTES];
    int err = write_bytes(dev, SPEC_CSR_MBOX_VALUE, zeros, sizeof(zeros));

    for (uint64_t i = 0; i < bytes && !err; i += SPEC_HW_VALUE_BYTES) {
        const uint64_t left = bytes - i;

        err = start_vmem(dev, map, SPEC_MBOX_VMEM_WRITE, (uint32_t)i,
                         left < SPEC_HW_VALUE_BYTES ? (uint32_t)left / 8 : SPEC_HW_VALUE_BYTES / 8,
                         0);
        if (!err)
            err = wait_done(dev);
    }
    return err;
}

/* Where an entry's values start, from the host's point of view. */
static uint32_t values_bytes(const struct ir_map *m)
{
    return m->cpus * m->stride_bytes;
}

static uint32_t array_index(const void *key)
{
    uint32_t index;

    memcpy(&index, key, sizeof(index));
    return index;
}

static int put_key(struct dev *dev, const struct ir_map *m, const void *key)
{
    uint8_t padded[SPEC_HW_KEY_BYTES] = {0};

    memcpy(padded, key, m->key_bytes);
    return write_bytes(dev, SPEC_CSR_MBOX_KEY, padded, sizeof(padded));
}

/* --- queues, stacks, Bloom filters: what programs do, by the mailbox (spec_map_entries) --- */

struct queue_state {
    uint32_t first;
    uint32_t count;
};

static bool is_queue(const struct ir_map *m)
{
    return m->type == SPEC_MAP_QUEUE || m->type == SPEC_MAP_STACK;
}

static uint32_t state_addr(const struct ir_map *m)
{
    return m->max_entries * m->stride_bytes;
}

/* The entry of value number n, the oldest being 0. */
static uint32_t queue_entry(const struct ir_map *m, const struct queue_state *q, uint32_t n)
{
    return (uint32_t)(((uint64_t)q->first + n) % m->max_entries);
}

static int push_value(struct dev *dev, uint32_t map, const struct ir_map *m, const void *value,
                      uint64_t flags)
{
    struct queue_state q;
    int err = flags == SPEC_MAP_FLAG_NOEXIST || flags > SPEC_MAP_FLAG_EXIST ? -EINVAL : 0;

    if (!err)
        err = read_vmem(dev, map, state_addr(m), &q, sizeof(q));
    if (!err && q.count == m->max_entries && flags != SPEC_MAP_FLAG_EXIST)
        err = -E2BIG;
    if (!err && q.count == m->max_entries) { /* the oldest makes room */
        q.first = queue_entry(m, &q, 1);
        q.count--;
    }
    if (!err)
        err = write_vmem(dev, map, queue_entry(m, &q, q.count) * m->stride_bytes, value,
                         m->stride_bytes);
    if (err)
        return err;
    q.count++;
    return write_vmem(dev, map, state_addr(m), &q, sizeof(q));
}

/* The value that comes next; it stays there unless it is taken. */
static int next_value(struct dev *dev, uint32_t map, const struct ir_map *m, bool take, void *value)
{
    struct queue_state q;
    int err = read_vmem(dev, map, state_addr(m), &q, sizeof(q));

    if (!err && !q.count)
        err = -ENOENT;
    if (!err)
        err = read_vmem(dev, map,
                        queue_entry(m, &q, m->type == SPEC_MAP_STACK ? q.count - 1 : 0) *
                            m->stride_bytes,
                        value, m->stride_bytes);
    if (err || !take)
        return err;
    if (m->type == SPEC_MAP_QUEUE)
        q.first = queue_entry(m, &q, 1);
    q.count--;
    return write_vmem(dev, map, state_addr(m), &q, sizeof(q));
}

int device_map_pop(struct dev *dev, uint32_t map, const struct ir_map *m, void *value)
{
    return is_queue(m) ? next_value(dev, map, m, true, value) : -EOPNOTSUPP;
}

static int walk_queue(struct dev *dev, uint32_t map, const struct ir_map *m, void *value,
                      int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    struct queue_state q;
    int err = read_vmem(dev, map, state_addr(m), &q, sizeof(q));

    for (uint32_t i = 0; !err && i < q.count; i++) {
        err = read_vmem(dev, map, queue_entry(m, &q, i) * m->stride_bytes, value, m->stride_bytes);
        if (!err)
            err = visit(ctx, "", value);
    }
    return err;
}

/* The bits of a value: sets them, or -ENOENT if one of them is not set. */
static int visit_bits(struct dev *dev, uint32_t map, const struct ir_map *m, const void *value,
                      bool set)
{
    const uint32_t mask = spec_bloom_mask(m->max_entries, m->extra);
    int err = 0;

    for (uint32_t i = 0; !err && i < spec_bloom_functions(m->extra); i++) {
        const uint32_t bit = map_bloom_hash(value, m->value_bytes, i) & mask;
        const uint32_t addr = bit / 64 * 8;
        uint64_t word;

        err = read_vmem(dev, map, addr, &word, sizeof(word));
        if (!err && !set && !(word >> bit % 64 & 1))
            return -ENOENT;
        if (err || !set)
            continue;
        word |= UINT64_C(1) << bit % 64;
        if (!err)
            err = write_vmem(dev, map, addr, &word, sizeof(word));
    }
    return err;
}

/* Arrays of numbers of programs or maps, which take no flags. */
static bool is_fdarray(const struct ir_map *m)
{
    return spec_map_type_table[m->type].soft == SPEC_SOFT_FDARRAY;
}

static int update_array(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                        const void *values, uint64_t flags)
{
    const uint32_t index = array_index(key);

    if (flags > (is_fdarray(m) ? SPEC_MAP_FLAG_ANY : SPEC_MAP_FLAG_EXIST))
        return -EINVAL;
    if (index >= m->max_entries)
        return -E2BIG;
    if (flags == SPEC_MAP_FLAG_NOEXIST)
        return -EEXIST;
    return write_vmem(dev, map, index * values_bytes(m), values, values_bytes(m));
}

int device_map_update(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      const void *values, uint64_t flags)
{
    uint32_t addr = 0;
    int err;

    if (is_queue(m))
        return push_value(dev, map, m, values, flags);
    if (m->type == SPEC_MAP_BLOOM_FILTER)
        return flags ? -EINVAL : visit_bits(dev, map, m, values, true);
    if (m->engine == SPEC_ENGINE_VMEM)
        return update_array(dev, map, m, key, values, flags);
    if (flags > SPEC_MAP_FLAG_EXIST)
        return -EINVAL;
    err = put_key(dev, m, key);
    if (!err)
        err = write_bytes(dev, SPEC_CSR_MBOX_VALUE, values, m->stride_bytes);
    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_FLAGS, (uint32_t)flags);
    if (!err)
        err = command(dev, map, SPEC_MBOX_UPDATE);
    if (err || m->cpus == 1)
        return err;
    err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
    return err ? err : write_vmem(dev, map, addr, values, values_bytes(m));
}

/* A slot of a map of programs or maps that holds none; those of other arrays are always there. */
static bool is_empty(const struct ir_map *m, const void *values)
{
    uint32_t value;

    memcpy(&value, values, sizeof(value));
    return (m->type == SPEC_MAP_PROG_ARRAY || m->type == SPEC_MAP_ARRAY_OF_MAPS) && value == 0;
}

int device_map_lookup(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      void *values)
{
    uint32_t addr = 0;
    int err;

    if (is_queue(m))
        return next_value(dev, map, m, false, values);
    if (m->type == SPEC_MAP_BLOOM_FILTER)
        return visit_bits(dev, map, m, values, false);
    if (m->engine == SPEC_ENGINE_VMEM) {
        addr = array_index(key) * values_bytes(m);
        err = array_index(key) < m->max_entries ? 0 : -ENOENT;
    } else {
        err = put_key(dev, m, key);
        if (!err)
            err = command(dev, map, SPEC_MBOX_LOOKUP);
        if (!err)
            err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
    }
    if (!err)
        err = read_vmem(dev, map, addr, values, values_bytes(m));
    return err || !is_empty(m, values) ? err : -ENOENT;
}

static int delete_index(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key)
{
    static const uint8_t none[8];
    const uint32_t index = array_index(key);
    uint8_t value[sizeof(none)];
    int err = 0;

    assert(m->cpus == 1);
    if (!is_fdarray(m) && (!spec_map_type_table[m->type].redirect || index >= m->max_entries))
        return -EINVAL;
    if (index >= m->max_entries)
        return -E2BIG;
    assert(m->stride_bytes == sizeof(none));
    if (is_fdarray(m))
        err = read_vmem(dev, map, index * m->stride_bytes, value, m->stride_bytes);
    if (!err && is_fdarray(m) && !memcmp(value, none, sizeof(none)))
        err = -ENOENT;
    return err ? err : write_vmem(dev, map, index * m->stride_bytes, none, m->stride_bytes);
}

int device_map_delete(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key)
{
    int err;

    if (m->type == SPEC_MAP_BLOOM_FILTER)
        return -EOPNOTSUPP;
    if (is_queue(m) || (m->engine == SPEC_ENGINE_VMEM && m->cpus > 1))
        return -EINVAL;
    if (m->engine == SPEC_ENGINE_VMEM)
        return delete_index(dev, map, m, key);
    err = put_key(dev, m, key);
    return err ? err : command(dev, map, SPEC_MBOX_DELETE);
}

/* Entries that a walk reads at once. */
static uint32_t walk_entries(const struct ir_map *m)
{
    const uint32_t n = WALK_BYTES / values_bytes(m);

    return m->engine == SPEC_ENGINE_VMEM && n ? n : 1;
}

static int walk_array(struct dev *dev, uint32_t map, const struct ir_map *m, uint8_t *values,
                      int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    const uint32_t bytes = values_bytes(m);
    int err = 0;

    for (uint32_t i = 0; i < m->max_entries && !err; i += walk_entries(m)) {
        const uint32_t n = least(m->max_entries - i, walk_entries(m));

        err = read_vmem(dev, map, i * bytes, values, n * bytes);
        for (uint32_t k = 0; k < n && !err; k++) {
            const uint32_t key = i + k;

            if (!is_empty(m, values + (size_t)k * bytes))
                err = visit(ctx, &key, values + (size_t)k * bytes);
        }
    }
    return err;
}

/* Entry *i is free: *i becomes the one before the next that may be in use. */
static int next_entry(struct dev *dev, uint32_t *i)
{
    uint32_t next;
    int err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &next);

    if (!err && next > *i)
        *i = next - 1;
    return err;
}

/* Without values only the keys are read. */
static int walk_hash(struct dev *dev, uint32_t map, const struct ir_map *m, void *values,
                     int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    uint8_t key[SPEC_HW_KEY_BYTES];
    int err = 0;

    /* the spare entry makes one more than max_entries */
    for (uint32_t i = 0; i <= m->max_entries && !err; i++) {
        uint32_t addr = 0;

        err = write32(dev, SPEC_CSR_MBOX_ADDR, i);
        if (!err)
            err = command(dev, map, SPEC_MBOX_ENTRY);
        if (err == -ENOENT) {
            err = next_entry(dev, &i);
            continue;
        }
        if (!err)
            err = read_bytes(dev, SPEC_CSR_MBOX_KEY, key, m->key_bytes);
        if (!err && values)
            err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
        if (!err && values)
            err = read_vmem(dev, map, addr, values, values_bytes(m));
        if (!err)
            err = visit(ctx, key, values);
    }
    return err;
}

/* --- the same by the device's own DMA --- */

/* Entries that were read at once, and the values of some of them. */
struct records {
    struct device_record *all;
    uint32_t count;
    uint8_t *values;
    uint32_t from, bytes; /* of value memory: what values holds */
};

/* The values of an entry, read together with those of the next ones that are near. */
static int values_of(struct dev *dev, uint32_t map, const struct ir_map *m, struct records *r,
                     uint32_t i, const uint8_t **values)
{
    const uint32_t addr = r->all[i].addr, n = values_bytes(m);
    uint32_t end = addr + n;
    int err = 0;

    assert(n <= WALK_BYTES);
    if (addr < r->from || end > r->from + r->bytes) {
        while (++i < r->count && r->all[i].addr >= end && r->all[i].addr - end <= WALK_GAP &&
               r->all[i].addr + n - addr <= WALK_BYTES)
            end = r->all[i].addr + n;
        r->from = addr;
        r->bytes = end - addr;
        err = read_vmem(dev, map, addr, r->values, end - addr);
    }
    *values = r->values + (addr - r->from);
    return err;
}

static int walk_records(struct dev *dev, uint32_t map, const struct ir_map *m, bool with_values,
                        int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    struct records r = {.all = calloc(device_bulk_records(dev), sizeof(*r.all)),
                        .values = malloc(WALK_BYTES)};
    int err = r.all && r.values ? 0 : -ENOMEM;

    for (uint32_t next = 0; !err && next != UINT32_MAX;) {
        err = device_bulk_entries(dev, map, &next, r.all, &r.count);
        r.bytes = 0;
        for (uint32_t i = 0; !err && i < r.count; i++) {
            const uint8_t *values = NULL;

            if (with_values)
                err = values_of(dev, map, m, &r, i, &values);
            if (!err)
                err = visit(ctx, r.all[i].key, values);
        }
    }
    free(r.values);
    free(r.all);
    return err;
}

int device_map_keys(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    assert(m->engine != SPEC_ENGINE_VMEM && m->engine != SPEC_ENGINE_NONE);
    return dev->bulk ? walk_records(dev, map, m, false, visit, ctx)
                     : walk_hash(dev, map, m, NULL, visit, ctx);
}

/* The length of a prefix, in bits. */
static uint32_t prefix_bits(const void *key)
{
    return array_index(key);
}

int device_map_has(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key)
{
    uint8_t found[SPEC_HW_KEY_BYTES];
    uint32_t addr = 0;
    int err = put_key(dev, m, key);

    assert(m->engine != SPEC_ENGINE_VMEM && m->engine != SPEC_ENGINE_NONE);
    if (!err)
        err = command(dev, map, SPEC_MBOX_LOOKUP);
    if (err || m->type != SPEC_MAP_LPM_TRIE)
        return err;
    err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_ADDR, addr / values_bytes(m));
    if (!err)
        err = command(dev, map, SPEC_MBOX_ENTRY);
    if (!err)
        err = read_bytes(dev, SPEC_CSR_MBOX_KEY, found, m->key_bytes);
    return err || prefix_bits(found) == prefix_bits(key) ? err : -ENOENT;
}

int device_map_walk(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    uint8_t *values = malloc((size_t)values_bytes(m) * walk_entries(m));
    int err = -ENOMEM;

    if (values && is_queue(m))
        err = walk_queue(dev, map, m, values, visit, ctx);
    else if (values && m->type == SPEC_MAP_BLOOM_FILTER)
        err = 0; /* nobody can read its values back */
    else if (values && m->engine == SPEC_ENGINE_VMEM)
        err = walk_array(dev, map, m, values, visit, ctx);
    else if (values && dev->bulk)
        err = walk_records(dev, map, m, true, visit, ctx);
    else if (values)
        err = walk_hash(dev, map, m, values, visit, ctx);
    free(values);
    return err;
}
