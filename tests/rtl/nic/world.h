// SPDX-License-Identifier: BSD-3-Clause
// The NIC with all that is around it: MACs, host memory, a host that gives buffers and takes packets; and what is expected of each.
#pragma once
#include <map>

#include "Vtop.h"
#include "frames.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/nic.h"
#include "memory.h"

static const uint32_t PORTS = P_PORTS, QUEUES = P_RX_QUEUES, TXQS = P_TX_QUEUES, RINGS = QUEUES + 1;
static const uint32_t SLOTS = 64; // descriptors of a ring at most
static const uint64_t RING_AREA = MEM_BASE, RX_AREA = MEM_BASE + (1u << 20), TX_AREA = MEM_BASE + (12u << 20);
static const uint32_t AREA_BYTES = 24576;

struct Expected {
    Bytes bytes; // with metadata
    uint32_t port, hash, queue;
    bool hashed;
    uint8_t ret, meta;
    uint64_t redirect;
    uint32_t events; // beats, in the event ring
};

struct RxRing {
    uint32_t log2 = 4, give = 0, take = 0; // counted without end
    bool on = false, takes = true;
    uint64_t addr[SLOTS];
    uint32_t bytes[SLOTS];
    std::deque<Expected> expected;
    Bytes packet;
    uint64_t skipped = 0, packets = 0, lost = 0, total_bytes = 0, last_time = 0;
    int last_number = -1;
    uint64_t last_long_number = 0; // of events, with last_number
};

struct TxRing {
    uint32_t log2 = 4, give = 0, take = 0;
    bool on = false;
    struct Sent {
        uint32_t descs;
        bool bad;
        Bytes bytes;
        uint32_t port;
    };
    std::deque<Sent> sent;
    uint64_t packets = 0, bad = 0, total_bytes = 0;
};

struct Way { // out of a port
    std::deque<Bytes> program[16]; // by the port that they came from
    std::deque<Bytes> host[64];    // by TX ring
    Bytes bytes;
    std::deque<Bytes> order;       // if there are any: the next ones, whoever sent them
    uint64_t packets = 0, skipped = 0, total_bytes = 0;
};

struct World {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Memory mem;
    Rss rss;
    RxRing rx[RINGS];
    TxRing tx[TXQS];
    Way way[PORTS];
    std::deque<Frame> in[PORTS];
    size_t at[PORTS] = {0};
    uint32_t gap[PORTS] = {0}, out_percent = 20;
    bool loss = false; // packets may be missing, if counters say so
    uint64_t expect_taken[PORTS] = {0}, expect_bytes[PORTS] = {0}, expect_error[PORTS] = {0}, expect_size[PORTS] = {0},
             expect_filtered[PORTS] = {0}, verdicts[5] = {0}, no_target = 0, begun = 0;
    uint32_t max_bytes[PORTS];
    uint8_t mac[PORTS][6];
    bool promiscuous[PORTS], allmulti[PORTS];
    uint8_t filter[PORTS][8][6];
    uint32_t in_use[PORTS]; // of filter
    bool drain = false;     // what leaves by ports does not count
    uint64_t first_out = 0, last_out = 0, first_done = 0;
    struct {
        bool valid = false, ready = false;
        uint8_t beat[73];
    } held[PORTS];

    World(const char *name, int argc, char **argv) : b(name, argc, argv, 0)
    {
        for (uint32_t p = 0; p < PORTS; p++) {
            max_bytes[p] = 1518;
            promiscuous[p] = allmulti[p] = false;
            in_use[p] = 0;
        }
        t.mac_link_i = (1u << PORTS) - 1;
        t.s_axil_bready = t.s_axil_rready = 1;
    }
    uint64_t desc(uint32_t ring, uint32_t n, bool is_tx) const
    {
        uint32_t log2 = is_tx ? tx[ring].log2 : rx[ring].log2;
        return RING_AREA + (is_tx ? 0x80000 : 0) + ring * 4096 + 32 * (n & ((1u << log2) - 1));
    }
    void tick();
    void bus_goes_on(uint64_t since, uint32_t addr);
    void write(uint32_t addr, uint32_t value);
    uint32_t read(uint32_t addr);
    uint64_t count(uint32_t addr)
    {
        uint64_t low = read(addr);
        return low | uint64_t(read(addr + 4)) << 32;
    }
    static uint32_t port_reg(uint32_t p, uint32_t r)
    {
        return 0x11000 + 0x100 * p + r;
    }
    static uint32_t rx_reg(uint32_t q, uint32_t r)
    {
        return q == QUEUES ? 0x18000 + r : 0x12000 + 0x80 * q + r;
    }
    static uint32_t tx_reg(uint32_t q, uint32_t r)
    {
        return 0x14000 + 0x80 * q + r;
    }
    void start_rx(uint32_t ring, uint32_t log2);
    void start_tx(uint32_t ring, uint32_t log2);
    void give(uint32_t ring, uint32_t bytes, uint32_t shift);
    void poll_rx(uint32_t ring);
    void taken(uint32_t ring, const uint8_t *d, bool failed);
    void poll_tx(uint32_t ring);
    bool send(uint32_t ring, const Bytes &f, uint32_t port, uint32_t pieces, bool bad);
    void drive_mac(uint32_t p);
    void sample_mac(uint32_t p);
    void out(uint32_t p);
    void arrive(uint32_t p, const Bytes &f, bool error);
    void expect(uint32_t p, const Bytes &f);
    void setup();
    void forget();
    void hard_reset();
    bool done() const;
    void check_counters();
};

int scenario_mapdma(World &w); // mapdma.cpp
int scenario_order(World &w);  // order.cpp
