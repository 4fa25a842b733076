/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/nic.h"

#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    BLOCKS_MAX = 512, /* of a list that ends */
    WAIT_POLLS = 1 << 16,
    WAIT_CLOCKS = 64,      /* that a simulated device goes on between two of them */
    BOARD_PAUSE_NS = 1000, /* of a board's host between two of them, at least */
    NIC_CTRL_ON = 1,
    NIC_CTRL_RESET = 2,
    RING_ON = 1,
    SLOT_RUN = 1,
    BUSY = 1,
    TO_HOST_BUSY = 4, /* of the device's STATUS */
};

#define ALL_ONES UINT32_MAX

/* Without a packet out of the slot, while some are in it: some seconds, at any clock. */
#define HUNG_CLOCKS (UINT32_C(1) << 31)

int nic_read(struct nic *nic, uint32_t addr, uint32_t *value)
{
    uint32_t word;
    int err = nic->gone ? -ENODEV : nic->dev->ops->read32(nic->dev, addr, &word);

    if (err)
        return err;
    *value = word;
    return 0;
}

int nic_write(struct nic *nic, uint32_t addr, uint32_t value)
{
    return nic->gone ? -ENODEV : nic->dev->ops->write32(nic->dev, addr, value);
}

/* What has no bit 31 can't read as all ones, unless the device is gone. */
static int read_small(struct nic *nic, uint32_t addr, uint32_t *value)
{
    uint32_t word = 0;
    int err = nic_read(nic, addr, &word);

    if (!err && word == ALL_ONES) {
        nic->gone = true;
        err = -ENODEV;
    }
    if (!err)
        *value = word;
    return err;
}

int nic_counter(struct nic *nic, uint32_t addr, uint64_t *value)
{
    uint32_t words[2];
    int err = nic->gone ? -ENODEV : nic->dev->ops->read_words(nic->dev, addr, words, 2);

    if (!err && words[0] == ALL_ONES && words[1] == ALL_ONES) {
        nic->gone = true;
        err = -ENODEV;
    }
    if (!err)
        *value = (uint64_t)words[1] << 32 | words[0];
    return err;
}

void nic_wait(const struct nic *nic, uint32_t clocks)
{
    const struct timespec pause = {.tv_nsec = BOARD_PAUSE_NS};

    if (nic->dev->ops->advance)
        nic_advance(nic, clocks);
    else
        nanosleep(&pause, NULL);
}

/* Polls until no bit of mask is set. */
static int wait_clear(struct nic *nic, uint32_t addr, uint32_t mask)
{
    for (int i = 0; i < WAIT_POLLS; i++) {
        uint32_t value = 0;
        const int err = read_small(nic, addr, &value);

        if (err)
            return err;
        if (!(value & mask))
            return 0;
        nic_wait(nic, WAIT_CLOCKS);
    }
    return -ETIMEDOUT;
}

/* --- the list of blocks --- */

/* One of several blocks of a kind, by its number. */
static int note_numbered(struct nic *nic, uint32_t addr, uint32_t number_addr, uint32_t *of,
                         uint32_t most, uint32_t *count)
{
    uint32_t number = 0;
    int err = read_small(nic, addr + number_addr, &number);

    if (err)
        return err;
    if (number >= most || of[number])
        return -EPROTO;
    of[number] = addr;
    ++*count;
    return 0;
}

static int note_block(struct nic *nic, uint32_t type, uint32_t addr)
{
    switch (type) {
    case SPEC_BLOCK_NIC:
        nic->device = addr;
        return 0;
    case SPEC_BLOCK_PORT:
        return note_numbered(nic, addr, SPEC_PORT_NUMBER, nic->port, DEV_NIC_PORTS,
                             &nic->port_count);
    case SPEC_BLOCK_RXQ:
        return note_numbered(nic, addr, SPEC_RXQ_NUMBER, nic->rxq, NIC_QUEUES_MAX, &nic->rxq_count);
    case SPEC_BLOCK_TXQ:
        return note_numbered(nic, addr, SPEC_TXQ_NUMBER, nic->txq, NIC_QUEUES_MAX, &nic->txq_count);
    case SPEC_BLOCK_RSS:
        nic->rss = addr;
        return 0;
    case SPEC_BLOCK_VERDICT:
        nic->verdict = addr;
        return 0;
    case SPEC_BLOCK_EVENTQ:
        nic->events = addr;
        return 0;
    case SPEC_BLOCK_MAPDMA:
        nic->mapdma = addr;
        return 0;
    default:
        return 1; /* unknown */
    }
}

static int walk(struct nic *nic, const char **why)
{
    uint32_t addr = SPEC_BAR_LIST;

    for (int i = 0; addr; i++) {
        uint32_t head[3] = {0};
        int err = nic->dev->ops->read_words(nic->dev, addr, head, 3);

        if (!err && head[0] == ALL_ONES)
            err = -ENODEV;
        if (err) {
            *why = "the device does not answer at its list of blocks";
            return err == -ENODEV ? err : -EIO;
        }
        err = note_block(nic, head[0], addr);
        if (!err && head[1] != SPEC_NIC_VERSION) {
            *why = "a block of the device's registers has a version that this driver does not know";
            return -EPROTONOSUPPORT;
        }
        addr = head[2];
        if (err < 0 || i == BLOCKS_MAX || addr % 4 || addr >= SPEC_BAR_BYTES) {
            *why = "the device's list of blocks makes no sense";
            return err < 0 ? err : -EPROTO;
        }
    }
    return 0;
}

int nic_open(struct nic *nic, struct dev *dev, const char **why)
{
    struct nic n = {.dev = dev};
    uint32_t id = 0, mask = 0;
    int err = walk(&n, why);

    if (err)
        return err;
    *why = "the device's list of blocks lacks one that the driver needs";
    if (!n.device || !n.rss || !n.verdict || !n.port_count || !n.rxq_count || !n.txq_count)
        return -EPROTO;
    for (uint32_t i = 0; i < n.port_count; i++)
        if (!n.port[i])
            return -EPROTO;
    for (uint32_t i = 0; i < n.rxq_count; i++)
        if (!n.rxq[i])
            return -EPROTO;
    for (uint32_t i = 0; i < n.txq_count; i++)
        if (!n.txq[i])
            return -EPROTO;
    *why = "the device's registers can't be read";
    err = nic_read(&n, n.device + SPEC_NIC_SLOT_BASE, &n.slot);
    if (!err)
        err = nic_read(&n, n.slot + SPEC_CSR_ID, &id);
    if (!err)
        err = read_small(&n, n.rss + SPEC_RSS_TABLE_MASK, &mask);
    if (err)
        return err;
    *why = "there is no program slot where the device says it is";
    if (n.slot != SPEC_BAR_SLOT || id != 0x45434c53)
        return -EPROTO;
    *why = "the table of RX queues is larger than this driver knows";
    n.reta_size = mask + 1;
    if (n.reta_size > NIC_RETA_MAX || n.reta_size & mask)
        return -EPROTO;
    *why = NULL;
    *nic = n;
    return 0;
}

/* --- the device and its ports --- */

int nic_reset(struct nic *nic)
{
    int err = nic_write(nic, nic->device + SPEC_NIC_CTRL, NIC_CTRL_RESET);

    if (!err)
        err = wait_clear(nic, nic->device + SPEC_NIC_CTRL, NIC_CTRL_RESET);
    return err ? err : nic_write(nic, nic->device + SPEC_NIC_WATCHDOG, HUNG_CLOCKS);
}

int nic_enable(struct nic *nic, bool on)
{
    return nic_write(nic, nic->device + SPEC_NIC_CTRL, on ? NIC_CTRL_ON : 0);
}

int nic_port_set(struct nic *nic, uint32_t port, uint32_t flags, uint32_t max_bytes)
{
    const int err = nic_write(nic, nic->port[port] + SPEC_PORT_MAX_BYTES, max_bytes);

    return err ? err : nic_write(nic, nic->port[port] + SPEC_PORT_CTRL, flags);
}

static int write_mac(struct nic *nic, uint32_t addr, const uint8_t *mac, uint32_t high_flags)
{
    const uint32_t low =
        mac ? mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24 : 0;
    const uint32_t high = mac ? mac[4] | (uint32_t)mac[5] << 8 | high_flags : 0;
    int err = nic_write(nic, addr, low);

    return err ? err : nic_write(nic, addr + 4, high);
}

int nic_port_mac(struct nic *nic, uint32_t port, const uint8_t mac[6])
{
    return write_mac(nic, nic->port[port] + SPEC_PORT_MAC_LO, mac, 0);
}

int nic_port_filter(struct nic *nic, uint32_t port, uint32_t index, const uint8_t *mac)
{
    return write_mac(nic, nic->port[port] + SPEC_PORT_FILTER + 8 * index, mac, UINT32_C(1) << 31);
}

int nic_port_link(struct nic *nic, uint32_t port, bool *up)
{
    uint32_t status = 0;
    const int err = read_small(nic, nic->port[port] + SPEC_PORT_STATUS, &status);

    if (!err)
        *up = status & 1;
    return err;
}

/* --- rings: RXQ, TXQ and EVENTQ have these registers at the same offsets --- */

_Static_assert(SPEC_RXQ_CTRL == SPEC_TXQ_CTRL && SPEC_RXQ_STATUS == SPEC_TXQ_STATUS &&
                   SPEC_RXQ_BASE_LO == SPEC_TXQ_BASE_LO && SPEC_RXQ_BASE_HI == SPEC_TXQ_BASE_HI &&
                   SPEC_RXQ_SIZE_LOG2 == SPEC_TXQ_SIZE_LOG2 && SPEC_RXQ_TAIL == SPEC_TXQ_TAIL,
               "rings of both kinds are started by the same code");

int nic_ring_start(struct nic *nic, uint32_t queue, uint64_t base, uint32_t size_log2)
{
    const struct {
        uint32_t addr;
        uint32_t value;
    } writes[] = {
        {SPEC_RXQ_BASE_LO, (uint32_t)base}, {SPEC_RXQ_BASE_HI, (uint32_t)(base >> 32)},
        {SPEC_RXQ_SIZE_LOG2, size_log2},    {SPEC_RXQ_TAIL, 0},
        {SPEC_RXQ_CTRL, RING_ON},
    };
    int err = nic_ring_stop(nic, queue);

    for (uint32_t i = 0; !err && i < sizeof(writes) / sizeof(writes[0]); i++)
        err = nic_write(nic, queue + writes[i].addr, writes[i].value);
    return err;
}

int nic_ring_stop(struct nic *nic, uint32_t queue)
{
    const int err = nic_write(nic, queue + SPEC_RXQ_CTRL, 0);

    return err ? err : wait_clear(nic, queue + SPEC_RXQ_STATUS, BUSY);
}

/* --- the rest --- */

int nic_rss_set(struct nic *nic, uint32_t types, const uint8_t key[NIC_KEY_BYTES])
{
    int err = 0;

    for (uint32_t i = 0; !err && i < NIC_KEY_BYTES; i += 4) {
        uint32_t word;

        memcpy(&word, key + i, sizeof(word));
        err = nic_write(nic, nic->rss + SPEC_RSS_KEY + i, word);
    }
    return err ? err : nic_write(nic, nic->rss + SPEC_RSS_CTRL, types);
}

int nic_rss_table(struct nic *nic, const uint16_t *queues)
{
    int err = 0;

    for (uint32_t i = 0; !err && i < nic->reta_size; i++)
        err = nic_write(nic, nic->rss + SPEC_RSS_TABLE + 4 * i, queues[i]);
    return err;
}

int nic_time(struct nic *nic, uint64_t *ns)
{
    return nic_counter(nic, nic->device + SPEC_NIC_TIME_LO, ns);
}

int nic_packets(struct nic *nic, uint64_t *packets)
{
    uint64_t sum = 0;
    int err = 0;

    for (uint32_t v = 0; !err && v < SPEC_VERDICTS; v++) {
        uint64_t count = 0;

        err = nic_counter(nic, nic->verdict + SPEC_VERDICT_COUNT + 8 * v, &count);
        sum += count;
    }
    if (!err)
        *packets = sum;
    return err;
}

int nic_slot_drain(struct nic *nic)
{
    const int err = nic_write(nic, nic->slot + SPEC_CSR_CTRL, 0);

    return err ? err : wait_clear(nic, nic->slot + SPEC_CSR_STATUS, BUSY);
}

int nic_to_host_settle(struct nic *nic)
{
    return wait_clear(nic, nic->device + SPEC_NIC_STATUS, TO_HOST_BUSY);
}

int nic_slot_start(struct nic *nic)
{
    return nic_write(nic, nic->slot + SPEC_CSR_CTRL, SLOT_RUN);
}
