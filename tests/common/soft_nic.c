/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/soft_nic.h"

#include "hw/spec/gen/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    REGIONS = 64,
    WORDS = SPEC_BAR_BYTES / 4,
    DONE = 1,
    LAST = 2,
    HASH = 4,
    BAD = 4,
    RXQ_BASE = 0x12000,
    TXQ_BASE = 0x14000,
    STRIDE = 0x80,
};

struct soft_nic {
    struct dev dev; /* first member */
    uint32_t bar[WORDS];
    struct {
        uint8_t *memory;
        uint64_t addr;
        size_t bytes;
    } regions[REGIONS];
    uint32_t region_count;
    uint32_t stray;
    bool gone;
};

uint32_t *soft_nic_word(struct soft_nic *n, uint32_t addr)
{
    return &n->bar[addr / 4];
}

void soft_nic_remove(struct soft_nic *n)
{
    n->gone = true;
}

uint32_t soft_nic_stray(const struct soft_nic *n)
{
    return n->stray;
}

struct dev *soft_nic_dev(struct soft_nic *n)
{
    return &n->dev;
}

/* --- the device's interface --- */

static int soft_read_words(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count)
{
    struct soft_nic *n = (struct soft_nic *)dev;

    for (uint32_t i = 0; i < count; i++)
        words[i] = n->gone ? UINT32_MAX : *soft_nic_word(n, addr + 4 * i);
    return 0;
}

static void write_word(struct soft_nic *n, uint32_t addr, uint32_t value)
{
    const uint32_t offset = addr % STRIDE;
    const bool ring = addr >= RXQ_BASE && addr < TXQ_BASE + SOFT_RINGS * STRIDE;

    *soft_nic_word(n, addr) = value;
    if (addr == SPEC_BAR_LIST + SPEC_NIC_CTRL)
        *soft_nic_word(n, addr) = value & 1; /* reset is done at once */
    if (ring && offset == SPEC_RXQ_CTRL) {
        *soft_nic_word(n, addr - offset + SPEC_RXQ_STATUS) = value & 1;
        *soft_nic_word(n, addr - offset + SPEC_RXQ_HEAD) = 0;
    }
    if (ring && offset == SPEC_RXQ_TAIL)
        *soft_nic_word(n, addr) = value & 0xffff;
}

static int soft_write_words(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count)
{
    struct soft_nic *n = (struct soft_nic *)dev;

    for (uint32_t i = 0; !n->gone && i < count; i++)
        write_word(n, addr + 4 * i, words[i]);
    return 0;
}

static int soft_read32(struct dev *dev, uint32_t addr, uint32_t *value)
{
    return soft_read_words(dev, addr, value, 1);
}

static int soft_write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return soft_write_words(dev, addr, &value, 1);
}

static int soft_dma_map(struct dev *dev, void *memory, uint64_t addr, size_t bytes)
{
    struct soft_nic *n = (struct soft_nic *)dev;

    if (n->region_count == REGIONS)
        return -ENOMEM;
    n->regions[n->region_count].memory = memory;
    n->regions[n->region_count].addr = addr;
    n->regions[n->region_count++].bytes = bytes;
    return 0;
}

static int soft_dma_unmap(struct dev *dev, uint64_t addr, size_t bytes)
{
    (void)dev;
    (void)addr;
    (void)bytes;
    return 0;
}

static void soft_close(struct dev *dev)
{
    free(dev);
}

/* It does what it does at once. */
static int soft_advance(struct dev *dev, uint32_t clocks)
{
    (void)dev;
    (void)clocks;
    return 0;
}

#define OPS                                                                                        \
    .read32 = soft_read32, .write32 = soft_write32, .read_words = soft_read_words,                 \
    .write_words = soft_write_words, .close = soft_close, .dma_map = soft_dma_map,                 \
    .dma_unmap = soft_dma_unmap

static const struct dev_ops soft_ops = {OPS};
static const struct dev_ops simulated_ops = {OPS, .advance = soft_advance};

void soft_nic_simulated(struct soft_nic *n, bool simulated)
{
    n->dev.ops = simulated ? &simulated_ops : &soft_ops;
}

/* --- its registers --- */

static void add_block(struct soft_nic *n, uint32_t *before, uint32_t addr, uint32_t type,
                      uint32_t number)
{
    if (*before)
        n->bar[(*before + SPEC_BLOCK_NEXT) / 4] = addr;
    n->bar[(addr + SPEC_BLOCK_TYPE) / 4] = type;
    n->bar[(addr + SPEC_BLOCK_VERSION) / 4] = SPEC_NIC_VERSION;
    n->bar[(addr + SPEC_PORT_NUMBER) / 4] = number;
    *before = addr;
}

struct soft_nic *soft_nic_open(void)
{
    struct soft_nic *n = calloc(1, sizeof(*n));
    uint32_t before = 0;

    if (!n)
        return NULL;
    n->dev.ops = &soft_ops;
    n->bar[0] = 0x45434c53; /* the slot's ID */
    n->bar[2] = 1;          /* a core */
    add_block(n, &before, SPEC_BAR_LIST, SPEC_BLOCK_NIC, SOFT_PORTS);
    for (uint32_t i = 0; i < SOFT_PORTS; i++)
        add_block(n, &before, 0x11000 + i * 0x100, SPEC_BLOCK_PORT, i);
    for (uint32_t i = 0; i < SOFT_RINGS; i++) {
        add_block(n, &before, RXQ_BASE + i * STRIDE, SPEC_BLOCK_RXQ, i);
        add_block(n, &before, TXQ_BASE + i * STRIDE, SPEC_BLOCK_TXQ, i);
    }
    add_block(n, &before, 0x16000, SPEC_BLOCK_RSS, 0);
    n->bar[(0x16000 + SPEC_RSS_TABLE_MASK) / 4] = 127;
    add_block(n, &before, 0x17000, SPEC_BLOCK_VERDICT, 0);
    return n;
}

/* --- memory --- */

static uint8_t *at(struct soft_nic *n, uint64_t addr, uint32_t bytes)
{
    for (uint32_t i = 0; i < n->region_count; i++)
        if (addr >= n->regions[i].addr && addr + bytes <= n->regions[i].addr + n->regions[i].bytes)
            return n->regions[i].memory + (addr - n->regions[i].addr);
    n->stray++;
    return NULL;
}

static uint64_t get(const uint8_t *p, uint32_t bytes)
{
    uint64_t value = 0;

    memcpy(&value, p, bytes);
    return value;
}

/* Where descriptor number `index` of a ring lies. */
static uint8_t *descriptor(struct soft_nic *n, uint32_t ring, uint32_t index)
{
    const uint64_t base = (uint64_t)*soft_nic_word(n, ring + SPEC_RXQ_BASE_HI) << 32 |
                          *soft_nic_word(n, ring + SPEC_RXQ_BASE_LO);
    const uint32_t mask = (1u << *soft_nic_word(n, ring + SPEC_RXQ_SIZE_LOG2)) - 1;

    return at(n, base + (uint64_t)(index & mask) * SPEC_DESC_BYTES, SPEC_DESC_BYTES);
}

static void count(struct soft_nic *n, uint32_t addr, uint32_t amount)
{
    uint64_t value = (uint64_t)*soft_nic_word(n, addr + 4) << 32 | *soft_nic_word(n, addr);

    value += amount;
    *soft_nic_word(n, addr) = (uint32_t)value;
    *soft_nic_word(n, addr + 4) = (uint32_t)(value >> 32);
}

static void put(uint8_t *d, uint32_t offset, uint64_t value, uint32_t bytes)
{
    memcpy(d + offset, &value, bytes);
}

static void take_back(uint8_t *d, const struct soft_packet *p, uint32_t len, bool first, bool last)
{
    uint8_t words[SPEC_DESC_BYTES];

    put(words, SPEC_RX_TAKE_FLAGS,
        DONE | (last ? LAST : 0u) | (p->hashed ? HASH : 0u) | (uint32_t)p->ret << 8 |
            (uint32_t)p->port << 16,
        4);
    put(words, SPEC_RX_TAKE_LEN, len + (uint32_t)(first ? p->len_fault : 0), 2);
    put(words, SPEC_RX_TAKE_TOTAL, p->bytes + (uint32_t)p->total_fault, 2);
    put(words, SPEC_RX_TAKE_HASH, p->hash, 4);
    put(words, SPEC_RX_TAKE_META, p->meta, 2);
    put(words, SPEC_RX_TAKE_NUMBER, p->number, 2);
    put(words, SPEC_RX_TAKE_TIME, p->time, 8);
    put(words, SPEC_RX_TAKE_REDIRECT, p->redirect, 8);
    memcpy(d, words, sizeof(words));
}

/* Buffers that a packet takes, or 0 if there are too few. */
static uint32_t buffers_for(struct soft_nic *n, uint32_t ring, uint32_t bytes)
{
    const uint32_t head = *soft_nic_word(n, ring + SPEC_RXQ_HEAD);
    const uint32_t given = (*soft_nic_word(n, ring + SPEC_RXQ_TAIL) - head) & 0xffff;
    uint32_t room = 0, k = 0;

    for (; k < given && room < bytes; k++)
        room += (uint32_t)get(descriptor(n, ring, head + k) + SPEC_RX_GIVE_BYTES, 4);
    return room < bytes ? 0 : k;
}

bool soft_nic_receive(struct soft_nic *n, uint32_t queue, const struct soft_packet *p)
{
    const uint32_t ring = RXQ_BASE + queue * STRIDE;
    const uint32_t head = *soft_nic_word(n, ring + SPEC_RXQ_HEAD);
    const uint32_t buffers =
        *soft_nic_word(n, ring + SPEC_RXQ_CTRL) & 1 ? buffers_for(n, ring, p->bytes) : 0;
    uint32_t done = 0;

    if (!buffers) {
        count(n, ring + SPEC_RXQ_DROPPED, 1);
        return false;
    }
    for (uint32_t k = 0; k < buffers; k++) {
        uint8_t *d = descriptor(n, ring, head + k);
        const uint32_t room = (uint32_t)get(d + SPEC_RX_GIVE_BYTES, 4);
        const uint32_t bytes = p->bytes - done < room ? p->bytes - done : room;
        uint8_t *buffer = at(n, get(d + SPEC_RX_GIVE_ADDR, 8), room);

        if (buffer)
            memcpy(buffer, p->data + done, bytes);
        done += bytes;
        take_back(d, p, bytes, k == 0, k + 1 == buffers);
    }
    *soft_nic_word(n, ring + SPEC_RXQ_HEAD) = (head + buffers) & 0xffff;
    count(n, ring + SPEC_RXQ_PACKETS, 1);
    count(n, ring + SPEC_RXQ_BYTES, p->bytes);
    return true;
}

uint32_t soft_nic_send(struct soft_nic *n, uint32_t queue, bool bad,
                       uint8_t data[SOFT_PACKET_BYTES], uint32_t *port)
{
    const uint32_t ring = TXQ_BASE + queue * STRIDE;
    uint32_t head = *soft_nic_word(n, ring + SPEC_TXQ_HEAD);
    uint32_t bytes = 0;

    if (!(*soft_nic_word(n, ring + SPEC_TXQ_CTRL) & 1))
        return 0;
    while (head != *soft_nic_word(n, ring + SPEC_TXQ_TAIL)) {
        uint8_t *d = descriptor(n, ring, head);
        const uint32_t flags = (uint32_t)get(d + SPEC_TX_GIVE_FLAGS, 4);
        const uint32_t len = (uint32_t)get(d + SPEC_TX_GIVE_LEN, 4);
        const uint8_t *buffer = at(n, get(d + SPEC_TX_GIVE_ADDR, 8), len);

        if (buffer && bytes + len <= SOFT_PACKET_BYTES)
            memcpy(data + bytes, buffer, len);
        bytes += len;
        *port = flags >> 16 & 0xff;
        head = (head + 1) & 0xffff;
        if (!(flags & LAST))
            continue;
        put(d, SPEC_TX_TAKE_FLAGS, flags | DONE | (bad ? BAD : 0u), 4);
        *soft_nic_word(n, ring + SPEC_TXQ_HEAD) = head;
        count(n, ring + (bad ? SPEC_TXQ_BAD : SPEC_TXQ_PACKETS), 1);
        return bytes;
    }
    return 0;
}
