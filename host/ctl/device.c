/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/device.h"

#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLLS_MAX = 1 << 20,
    CTRL_RUN = 1,
};

static int write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return dev->ops->write32(dev, addr, value);
}

static int write_words(struct dev *dev, uint32_t addr, const void *data, uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0; i < bytes && !err; i += 4) {
        uint32_t word = 0;

        memcpy(&word, (const uint8_t *)data + i, bytes - i < 4 ? bytes - i : 4);
        err = write32(dev, addr + i, word);
    }
    return err;
}

static int read_words(struct dev *dev, uint32_t addr, void *data, uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0; i < bytes && !err; i += 4) {
        uint32_t word = 0;

        err = dev->ops->read32(dev, addr + i, &word);
        memcpy((uint8_t *)data + i, &word, bytes - i < 4 ? bytes - i : 4);
    }
    return err;
}

/* Runs a mailbox command: the operands are in place. 0, or the command's errno, negative. */
static int command(struct dev *dev, uint32_t map, enum spec_mbox cmd)
{
    uint32_t status = 0x80000000u;
    int err = write32(dev, SPEC_CSR_MBOX_MAP, map);

    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_CMD, cmd);
    for (int i = 0; !err && status >> 31; i++) {
        if (i == POLLS_MAX)
            return -ETIMEDOUT;
        err = dev->ops->read32(dev, SPEC_CSR_MBOX_STATUS, &status);
    }
    return err ? err : -(int)status;
}

static int write_vmem(struct dev *dev, uint32_t map, uint32_t addr, const void *data,
                      uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0; i < bytes && !err; i += 8) {
        err = write32(dev, SPEC_CSR_MBOX_ADDR, addr + i);
        if (!err)
            err = write_words(dev, SPEC_CSR_MBOX_VALUE, (const uint8_t *)data + i, 8);
        if (!err)
            err = command(dev, map, SPEC_MBOX_VMEM_WRITE);
    }
    return err;
}

static int read_vmem(struct dev *dev, uint32_t map, uint32_t addr, void *data, uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0; i < bytes && !err; i += 8) {
        err = write32(dev, SPEC_CSR_MBOX_ADDR, addr + i);
        if (!err)
            err = command(dev, map, SPEC_MBOX_VMEM_READ);
        if (!err)
            err = read_words(dev, SPEC_CSR_MBOX_VALUE, (uint8_t *)data + i, 8);
    }
    return err;
}

static int load_row(struct dev *dev, uint32_t row, const uint32_t words[UCODE_ROW_WORDS])
{
    int err = write32(dev, SPEC_CSR_PROG_ROW, row);

    if (!err)
        err = write_words(dev, SPEC_CSR_PROG_WORD, words, UCODE_ROW_WORDS * 4);
    return err ? err : write32(dev, SPEC_CSR_PROG_COMMIT, 1);
}

int device_load_microcode(struct dev *dev, const struct ucode_image *image)
{
    int err = write32(dev, SPEC_CSR_CTRL, 0);

    for (uint32_t i = 0; i < image->row_count && !err; i++)
        err = load_row(dev, i, image->words[i]);
    for (uint32_t i = 0; i < image->map_count && !err; i++) {
        if (!image->mapdesc[i][SPEC_MAPDESC_ENGINE])
            continue;
        err = write_words(dev, SPEC_CSR_MBOX_VALUE, image->mapdesc[i], SPEC_MAPDESC_WORDS * 4);
        if (!err)
            err = command(dev, i, SPEC_MBOX_CONFIG);
    }
    if (!err)
        err = write32(dev, SPEC_CSR_PROG_HEADROOM, image->headroom_bytes);
    return err ? err : write32(dev, SPEC_CSR_TOKENS, image->tokens);
}

int device_start(struct dev *dev)
{
    return write32(dev, SPEC_CSR_CTRL, CTRL_RUN);
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
    return write_words(dev, SPEC_CSR_MBOX_KEY, padded, sizeof(padded));
}

int device_map_update(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      const void *values)
{
    uint32_t addr = 0;
    int err;

    if (m->engine == SPEC_ENGINE_VMEM) {
        const uint32_t index = array_index(key);

        if (index >= m->max_entries)
            return -E2BIG;
        return write_vmem(dev, map, index * values_bytes(m), values, values_bytes(m));
    }
    err = put_key(dev, m, key);
    if (!err)
        err = write_words(dev, SPEC_CSR_MBOX_VALUE, values, m->stride_bytes);
    if (!err)
        err = write32(dev, SPEC_CSR_MBOX_FLAGS, SPEC_MAP_FLAG_ANY);
    if (!err)
        err = command(dev, map, SPEC_MBOX_UPDATE);
    if (err || m->cpus == 1)
        return err;
    err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
    return err ? err : write_vmem(dev, map, addr, values, values_bytes(m));
}

int device_map_lookup(struct dev *dev, uint32_t map, const struct ir_map *m, const void *key,
                      void *values)
{
    uint32_t addr = 0;
    int err;

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
    return err ? err : read_vmem(dev, map, addr, values, values_bytes(m));
}

static int walk_array(struct dev *dev, uint32_t map, const struct ir_map *m, void *values,
                      int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    int err = 0;

    for (uint32_t i = 0; i < m->max_entries && !err; i++) {
        err = read_vmem(dev, map, i * values_bytes(m), values, values_bytes(m));
        if (!err)
            err = visit(ctx, &i, values);
    }
    return err;
}

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
            err = 0;
            continue;
        }
        if (!err)
            err = read_words(dev, SPEC_CSR_MBOX_KEY, key, sizeof(key));
        if (!err)
            err = dev->ops->read32(dev, SPEC_CSR_MBOX_RESULT, &addr);
        if (!err)
            err = read_vmem(dev, map, addr, values, values_bytes(m));
        if (!err)
            err = visit(ctx, key, values);
    }
    return err;
}

int device_map_walk(struct dev *dev, uint32_t map, const struct ir_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    void *values = malloc(values_bytes(m));
    int err = -ENOMEM;

    if (values && m->engine == SPEC_ENGINE_VMEM)
        err = walk_array(dev, map, m, values, visit, ctx);
    else if (values)
        err = walk_hash(dev, map, m, values, visit, ctx);
    free(values);
    return err;
}
