/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/device_bulk.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum {
    TO_HOST = 1, /* hw/spec/nic.toml, MAPDMA's CTRL */
    FROM_HOST = 2,
    ENTRIES = 3,
    STOP = 0,
    POLLS_MAX = 1 << 20,
    POLL_CLOCKS = 256, /* that a simulated device goes on between two of them */
};

#define BUSY 0x80000000u

_Static_assert(sizeof(struct device_record) == 128, "hw/spec/nic.toml, MAPDMA's DONE");

static uint32_t reg(const struct dev *dev, uint32_t offset)
{
    return dev->bulk->regs + offset;
}

/* Waits for the transfer under way. */
static int finish(struct dev *dev)
{
    uint32_t status = BUSY;

    for (int i = 0; i < POLLS_MAX; i++) {
        const int err = dev->ops->read32(dev, reg(dev, SPEC_MAPDMA_STATUS), &status);

        if (err)
            return err;
        if (status == UINT32_MAX) /* no errno is all ones: the device is gone */
            return -ENODEV;
        if (!(status & BUSY)) {
            atomic_thread_fence(memory_order_acquire);
            return -(int)status;
        }
        if (dev->ops->advance)
            dev->ops->advance(dev, POLL_CLOCKS);
    }
    dev->ops->write32(dev, reg(dev, SPEC_MAPDMA_CTRL), STOP);
    return -ETIMEDOUT;
}

/* One transfer, through the memory that the device reaches. */
static int transfer(struct dev *dev, uint32_t what, uint32_t map, uint32_t addr, uint32_t count)
{
    const uint32_t words[] = {map, addr, count, (uint32_t)dev->bulk->addr,
                              (uint32_t)(dev->bulk->addr >> 32)};
    int err = dev->ops->write_words(dev, reg(dev, SPEC_MAPDMA_MAP), words, 5);

    atomic_thread_fence(memory_order_release);
    if (!err)
        err = dev->ops->write32(dev, reg(dev, SPEC_MAPDMA_CTRL), what);
    return err ? err : finish(dev);
}

_Static_assert(SPEC_MAPDMA_ADDR == SPEC_MAPDMA_MAP + 4 &&
                   SPEC_MAPDMA_COUNT == SPEC_MAPDMA_MAP + 8 &&
                   SPEC_MAPDMA_HOST_LO == SPEC_MAPDMA_MAP + 12 &&
                   SPEC_MAPDMA_HOST_HI == SPEC_MAPDMA_MAP + 16,
               "written at once");

static uint32_t piece_of(const struct dev *dev, uint32_t bytes)
{
    return bytes < dev->bulk->bytes ? bytes : dev->bulk->bytes;
}

int device_bulk_read(struct dev *dev, uint32_t map, uint32_t addr, void *data, uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0, n; !err && i < bytes; i += n) {
        n = piece_of(dev, bytes - i);
        err = transfer(dev, TO_HOST, map, addr + i, n);
        if (!err)
            memcpy((uint8_t *)data + i, dev->bulk->memory, n);
    }
    return err;
}

int device_bulk_write(struct dev *dev, uint32_t map, uint32_t addr, const void *data,
                      uint32_t bytes)
{
    int err = 0;

    for (uint32_t i = 0, n; !err && i < bytes; i += n) {
        n = piece_of(dev, bytes - i);
        memcpy(dev->bulk->memory, (const uint8_t *)data + i, n);
        err = transfer(dev, FROM_HOST, map, addr + i, n);
    }
    return err;
}

uint32_t device_bulk_records(const struct dev *dev)
{
    return dev->bulk->bytes / (uint32_t)sizeof(struct device_record);
}

int device_bulk_entries(struct dev *dev, uint32_t map, uint32_t *next,
                        struct device_record *records, uint32_t *count)
{
    uint32_t words[2] = {0};
    int err = transfer(dev, ENTRIES, map, *next, device_bulk_records(dev));

    if (!err)
        err = dev->ops->read_words(dev, reg(dev, SPEC_MAPDMA_DONE), words, 2);
    if (!err && words[0] == UINT32_MAX)
        err = -ENODEV;
    if (!err && (words[0] > device_bulk_records(dev) || words[1] <= *next))
        err = -EPROTO;
    if (err)
        return err;
    memcpy(records, dev->bulk->memory, words[0] * sizeof(*records));
    *count = words[0];
    *next = words[1];
    return 0;
}

_Static_assert(SPEC_MAPDMA_NEXT == SPEC_MAPDMA_DONE + 4, "read at once");
