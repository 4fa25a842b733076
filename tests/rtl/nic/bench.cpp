// SPDX-License-Identifier: BSD-3-Clause
// sluice_nic around an echo slot. usage: bench SEED SCENARIO; scenarios below.
#include "vectors.h"

// A packet of any verdict, for port p of the world.
static Frame random_frame(World &w, uint32_t p)
{
    Rng &rng = w.b.rng;
    Wish wish;
    uint8_t dst[6];
    Frame f;
    memcpy(dst, w.mac[p], 6);
    if (rng.chance(5))
        rng.fill(dst, 6);
    if (rng.chance(10))
        memcpy(dst, w.filter[p][rng.below(8)], 6);
    if (rng.chance(3))
        memset(dst, 0xff, 6);
    uint32_t len = rng.chance(2) ? 1 + rng.below(13) : rng.chance(2) ? 9217 + rng.below(300) : frame_length(rng);
    wish.ret = rng.chance(70) ? 2 + uint8_t(rng.below(2)) : uint8_t(rng.below(6));
    if (rng.chance(3))
        wish.ret = 0xff;
    if (rng.chance(20) && len > 100)
        wish.meta = uint8_t(rng.below(len > 400 ? 256 : len - 30));
    if (rng.chance(10))
        wish.events = uint8_t(1 + rng.below(rng.chance(10) ? 64 : 3));
    wish.ifindex = rng.chance(50);
    wish.table = wish.ifindex ? uint8_t(6 + rng.below(4)) : uint8_t(rng.below(4));
    if (len < 14)
        f.bytes = Bytes(len, 'x');
    else
        f.bytes = make_frame(rng, dst, wish, len);
    if (len < 14)
        memcpy(&f.bytes[0], w.mac[p], std::min(len, 6u));
    f.error = rng.chance(2);
    f.gap = rng.chance(30) ? 0 : rng.below(60);
    return f;
}

static void random_gives(World &w, uint32_t ring, uint32_t percent)
{
    static const uint32_t sizes[] = {64, 64, 100, 256, 2048, 2048, 4096, 9728, 16384};
    RxRing &r = w.rx[ring];
    uint32_t before = r.give;
    while (r.give - r.take < 1u << r.log2 && w.b.rng.chance(percent))
        w.give(ring, sizes[w.b.rng.below(9)], w.b.rng.below(4160));
    if (r.give != before)
        w.write(w.rx_reg(ring, SPEC_RXQ_TAIL), r.give & 0xffff);
}

static void random_sends(World &w, uint32_t ring, uint32_t bad_percent)
{
    Rng &rng = w.b.rng;
    TxRing &r = w.tx[ring];
    uint32_t before = r.give;
    uint8_t dst[6] = {1, 2, 3, 4, 5, 6};
    for (uint32_t n = rng.below(4); n; n--) {
        uint32_t len = frame_length(rng), port = rng.below(PORTS), pieces = rng.chance(60) ? 1 : 1 + rng.below(std::min(16u, len));
        bool bad = rng.chance(bad_percent);
        if (bad && rng.chance(30))
            port = PORTS + rng.below(200);
        else if (bad && rng.chance(30))
            len = 9217 + rng.below(5000);
        else if (bad && rng.chance(30) && r.log2 >= 5)
            pieces = 17 + rng.below(12), len += 40;
        else if (bad)
            len = rng.below(14), pieces = 1;
        Bytes f = make_frame(rng, dst, Wish(), std::max(len, 14u)).substr(0, len);
        if (!w.send(ring, f, port, pieces, bad))
            break;
    }
    if (r.give != before)
        w.write(w.tx_reg(ring, SPEC_TXQ_TAIL), r.give & 0xffff);
}

static void settle(World &w)
{
    for (int i = 0; i < 3000; i++) {
        if (i % 50 == 0)
            for (uint32_t q = 0; q < RINGS; q++)
                w.poll_rx(q);
        w.tick();
    }
    for (uint32_t q = 0; q < RINGS; q++)
        w.poll_rx(q);
    for (uint32_t q = 0; q < TXQS; q++)
        w.poll_tx(q);
}

// Traffic of all kinds; hungry: so often (of 100) the host does not give new buffers at all.
static void traffic(World &w, uint32_t frames, uint32_t hungry, uint32_t bad_percent, bool stop = false)
{
    Rng &rng = w.b.rng;
    for (uint32_t q = 0; q < RINGS; q++)
        w.start_rx(q, hungry ? 3 + rng.below(3) : 6);
    for (uint32_t q = 0; q < TXQS; q++)
        w.start_tx(q, 4 + rng.below(3));
    uint32_t sent = 0;
    for (uint64_t idle = 0; idle < (w.loss ? 300 : 4000); idle = w.done() ? idle + 1000 : idle + 1) {
        for (uint32_t q = 0; q < RINGS; q++) {
            if (rng.below(100) >= hungry)
                random_gives(w, q, hungry ? 80 : 100);
            w.poll_rx(q);
        }
        for (uint32_t q = 0; q < TXQS; q++) {
            if (sent < frames)
                random_sends(w, q, bad_percent);
            w.poll_tx(q);
        }
        for (uint32_t p = 0; p < PORTS && sent < frames; p++)
            if (w.in[p].size() < 4) {
                w.in[p].push_back(random_frame(w, p));
                sent++;
                idle = 0;
            }
        for (uint32_t i = rng.below(40); i; i--)
            w.tick();
        if (stop && sent == frames)
            return;
    }
    settle(w);
}

// What went where, for the verdict.
static int passed(World &w)
{
    uint64_t host = 0, events = w.rx[QUEUES].packets, sent = 0, out = 0, lost = 0;
    for (uint32_t q = 0; q < QUEUES; q++) {
        host += w.rx[q].packets;
        lost += w.rx[q].skipped + w.rx[q].expected.size();
    }
    for (uint32_t q = 0; q < TXQS; q++)
        sent += w.tx[q].packets;
    for (uint32_t p = 0; p < PORTS; p++)
        out += w.way[p].packets;
    return w.b.pass("%llu to the host (%llu lost), %llu events, %llu from the host, %llu out", (unsigned long long)host,
                    (unsigned long long)lost, (unsigned long long)events, (unsigned long long)sent, (unsigned long long)out);
}

static int scenario_random(World &w)
{
    w.b.reset();
    w.setup();
    w.mem.latency = w.b.rng.below(60);
    traffic(w, 1200, 0, 0);
    w.check_counters();
    return passed(w);
}

// The host gives buffers seldom, and for a while none at all: packets are lost to it and counted, and all others go on.
static int scenario_starve(World &w)
{
    w.b.reset();
    w.setup();
    w.loss = true;
    traffic(w, 900, 90, 0);
    w.check_counters();
    // nothing at all from the host: packets for it go, those of the program leave as they come
    Wish pass, tx;
    pass.ret = 2;
    tx.ret = 3;
    w.out_percent = 0;
    uint64_t out = w.way[0].packets, start = w.b.clocks;
    for (uint32_t i = 0; i < 600; i++)
        w.in[0].push_back({make_frame(w.b.rng, w.mac[0], i % 2 ? pass : tx, 64), false, 0});
    while (!w.in[0].empty())
        w.tick();
    for (int i = 0; i < 40; i++)
        w.tick();
    if (w.way[0].packets - out != 300 || w.b.clocks - start > 660)
        w.b.fail("%llu of 300 packets out in %llu clocks while the host does nothing",
                 (unsigned long long)(w.way[0].packets - out), (unsigned long long)(w.b.clocks - start));
    settle(w);
    w.check_counters();
    return passed(w);
}

// Pages that memory answers with errors, descriptors that make no sense.
static int scenario_errors(World &w)
{
    w.b.reset();
    w.setup();
    w.loss = true;
    for (uint32_t q = 0; q < QUEUES; q++) // a page in the middle of some buffers
        for (uint32_t slot = 0; slot < SLOTS; slot += 1 + w.b.rng.below(12))
            w.mem.bad[(RX_AREA - MEM_BASE + uint64_t(q * SLOTS + slot) * AREA_BYTES) / 4096 + w.b.rng.below(3)] = 1;
    for (uint32_t q = 0; q < TXQS; q++)
        for (uint32_t slot = 0; slot < SLOTS; slot += 1 + w.b.rng.below(20))
            w.mem.bad[(TX_AREA - MEM_BASE + uint64_t(q * SLOTS + slot) * AREA_BYTES) / 4096 + w.b.rng.below(3)] = 1;
    traffic(w, 700, 20, 12);
    w.check_counters();
    if (!w.mem.write_errors || !w.mem.read_errors)
        w.b.fail("no error came to pass");
    return passed(w);
}

static void host_reset(World &w)
{
    w.write(0x10000 + SPEC_NIC_CTRL, 2);
    for (int i = 0; w.read(0x10000 + SPEC_NIC_CTRL) & 2; i++)
        if (i > 2000)
            w.b.fail("the reset does not end");
}

// The host's reset, and the hard one, in the middle of everything; the device works as new after it.
static int scenario_reset(World &w)
{
    w.b.reset();
    w.setup();
    for (int round = 0; round < 6; round++) {
        w.loss = true;
        traffic(w, 60 + w.b.rng.below(60), 30, 0, true);
        bool hard = round % 2;
        if (hard) {
            w.hard_reset();
        } else {
            host_reset(w);
            if (!w.mem.idle())
                w.b.fail("memory is not at rest after a reset");
            for (uint32_t q = 0; q < RINGS; q++)
                if (w.read(w.rx_reg(q, SPEC_RXQ_STATUS)) || w.read(w.rx_reg(q, SPEC_RXQ_HEAD)) || w.read(w.rx_reg(q, SPEC_RXQ_TAIL)))
                    w.b.fail("ring %u is not as new", q);
            if (w.read(w.port_reg(0, SPEC_PORT_CTRL)) || w.read(w.port_reg(0, SPEC_PORT_MAX_BYTES)) != 1518 ||
                w.count(w.port_reg(0, SPEC_PORT_RX_PACKETS)))
                w.b.fail("port 0 is not as new");
        }
        w.forget(); // packets in the slot get lost, frames in the ports' stores for MACs leave
        host_reset(w);
        w.setup();
        w.loss = false;
        traffic(w, 60, 0, 0);
        w.check_counters();
        host_reset(w);
        w.forget();
        w.setup();
    }
    // a frame that is coming in the host's reset is none
    w.in[0].push_back({make_frame(w.b.rng, w.mac[0], Wish(), 1500), false, 0});
    for (int i = 0; i < 4; i++)
        w.tick();
    host_reset(w);
    w.forget();
    if (w.count(w.port_reg(0, SPEC_PORT_RX_PACKETS)))
        w.b.fail("the port has taken a frame that was coming in the reset");
    // one that has become too long is none, also if longer ones are taken before it ends
    w.setup();
    w.max_bytes[0] = 100;
    w.write(w.port_reg(0, SPEC_PORT_MAX_BYTES), 100);
    w.in[0].push_back({make_frame(w.b.rng, w.mac[0], Wish(), 1500), false, 0});
    for (int i = 0; i < 4; i++)
        w.tick();
    w.write(w.port_reg(0, SPEC_PORT_MAX_BYTES), 1518);
    if (w.in[0].empty())
        w.b.fail("the frame has ended before its port took longer ones");
    settle(w);
    w.check_counters();
    return w.b.pass("7 resets in the middle of traffic");
}

// Rings go off and on in the middle of traffic.
static int scenario_rings(World &w)
{
    w.b.reset();
    w.setup();
    w.loss = true;
    for (int round = 0; round < 8; round++) {
        traffic(w, 40, 40, 0, true);
        for (uint32_t q = 0; q < RINGS; q++)
            w.write(w.rx_reg(q, SPEC_RXQ_CTRL), 0);
        for (uint32_t q = 0; q < TXQS; q++)
            w.write(w.tx_reg(q, SPEC_TXQ_CTRL), 0);
        for (uint32_t q = 0; q < RINGS; q++)
            for (int i = 0; w.read(w.rx_reg(q, SPEC_RXQ_STATUS)); i++)
                if (i > 2000)
                    w.b.fail("ring %u does not stop", q);
        for (uint32_t q = 0; q < TXQS; q++)
            for (int i = 0; w.read(w.tx_reg(q, SPEC_TXQ_STATUS)); i++)
                if (i > 2000)
                    w.b.fail("TX ring %u does not stop", q);
        w.forget();
    }
    w.loss = false;
    traffic(w, 100, 0, 0);
    if (!w.done())
        w.b.fail("packets are missing at the end");
    return w.b.pass("8 times off and on");
}

static int scenario_rss(World &w)
{
    w.b.reset();
    w.setup();
    memcpy(w.rss.key, vector_key, sizeof vector_key);
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t word;
        memcpy(&word, vector_key + 4 * i, 4);
        w.write(0x16000 + SPEC_RSS_KEY + 4 * i, word);
        if (w.read(0x16000 + SPEC_RSS_KEY + 4 * i) != word)
            w.b.fail("word %u of the key", i);
    }
    for (uint32_t q = 0; q < RINGS; q++)
        w.start_rx(q, 6);
    for (uint32_t q = 0; q < QUEUES; q++)
        random_gives(w, q, 100);
    for (uint32_t types : {9u, 18u, 0u, 36u})
        for (uint32_t tags = 0; tags < 3; tags++) {
            w.rss.types = types;
            w.write(0x16000 + SPEC_RSS_CTRL, types);
            for (const Vector &v : vectors) {
                Bytes f = vector_frame(w, v, tags);
                uint32_t hash;
                bool hashed = w.rss.hash(f, &hash);
                if (hashed != (types == 9 || types == 18) || hash != (types == 9 ? v.plain : types == 18 ? v.ports : 0))
                    w.b.fail("the bench's own hash is %x", hash);
                w.in[0].push_back({f, false, 0});
            }
            for (int i = 0; i < 300 || !w.done(); i++) {
                w.tick();
                for (uint32_t q = 0; q < QUEUES; q++) {
                    w.poll_rx(q);
                    random_gives(w, q, 100);
                }
            }
        }
    w.check_counters();
    return passed(w);
}

// The list of blocks as a driver walks it; what can be written reads back; time.
static int scenario_registers(World &w)
{
    w.b.reset();
    uint32_t seen[9] = {0}, at = SPEC_BAR_LIST, steps = 0;
    for (; at && steps < 100; steps++) {
        uint32_t type = w.read(at);
        if (type >> 4 != 0x534c000 || (type & 15) > 8 || w.read(at + SPEC_BLOCK_VERSION) != SPEC_NIC_VERSION)
            w.b.fail("block at %x: type %x", at, type);
        uint32_t n = seen[type & 15]++;
        if ((type == SPEC_BLOCK_PORT || type == SPEC_BLOCK_RXQ || type == SPEC_BLOCK_TXQ) && w.read(at + 0xc) != n)
            w.b.fail("block at %x is number %u", at, n);
        at = w.read(at + SPEC_BLOCK_NEXT);
    }
    const uint32_t want[9] = {0, 1, PORTS, QUEUES, TXQS, 1, 1, 1, 1};
    if (memcmp(seen, want, sizeof seen))
        w.b.fail("the list of blocks has others");
    struct {
        uint32_t addr, value, back;
    } const rows[] = {
        {0x10000 + SPEC_NIC_TIME_STEP, 768, 768},
        {0x10000 + SPEC_NIC_SEED, 0x1234567, 0x1234567},
        {0x10000 + SPEC_NIC_WATCHDOG, 99, 99},
        {0x11000 + SPEC_PORT_IFINDEX, 77, 77},
        {0x11100 + SPEC_PORT_MAX_BYTES, 99999, 9216},
        {0x11100 + SPEC_PORT_MAC_LO, 0xa5a5f00d, 0xa5a5f00d},
        {0x11100 + SPEC_PORT_MAC_HI, 0xffffbeef, 0xbeef},
        {0x11000 + SPEC_PORT_FILTER + 60, 0x80001234, 0x80001234},
        {0x11000 + SPEC_PORT_CTRL, 0xfe, 6},
        {0x12080 + SPEC_RXQ_BASE_LO, 0xffffffff, 0xffffffc0},
        {0x12080 + SPEC_RXQ_BASE_HI, 0x87654321, 0x87654321},
        {0x12000 + SPEC_RXQ_SIZE_LOG2, 2, 3},
        {0x14080 + SPEC_TXQ_SIZE_LOG2, 16, 15},
        {0x14080 + SPEC_TXQ_TAIL, 0x54321, 0x4321},
        {0x18000 + SPEC_RXQ_TAIL, 5, 5},
        {0x16000 + SPEC_RSS_CTRL, 0xff, 0x3f},
        {0x16000 + SPEC_RSS_TABLE + 4 * 127, 3, 3},
        {0x16000 + SPEC_RSS_TABLE + 4 * 3, QUEUES, 0},
        {0x17000 + SPEC_VERDICT_TO_HOST, 3, 1},
        {0x17000 + SPEC_VERDICT_TABLE + 12 * 63 + 4, 0xcafe, 0xcafe},
        {0x17000 + SPEC_VERDICT_TABLE + 12 * 63 + 8, 0xffffffff, 0x800003ff},
        {0x10000 + SPEC_NIC_PORTS, 9, PORTS},
        {0x19000 + SPEC_MAPDMA_MAP, 0x1234, 0x34},
        {0x19000 + SPEC_MAPDMA_ADDR, 0xfffffff8, 0xfffffff8},
        {0x19000 + SPEC_MAPDMA_COUNT, 0x12345678, 0x12345678},
        {0x19000 + SPEC_MAPDMA_HOST_LO, 0xffffffff, 0xffffffc0},
        {0x19000 + SPEC_MAPDMA_HOST_HI, 0x87654321, 0x87654321},
        {0x1a000, 5, 0},
        {SPEC_CSR_CTRL, 1, 1},
        {0x0300, 0, 0x300}, // of the slot's own
    };
    for (const auto &r : rows) {
        w.write(r.addr, r.value);
        uint32_t back = w.read(r.addr);
        if (back != r.back)
            w.b.fail("register %x is %x, not %x", r.addr, back, r.back);
    }
    if (w.read(0x11100 + SPEC_PORT_IFINDEX) != 2 || w.read(0x11000 + SPEC_PORT_STATUS) != 1)
        w.b.fail("ports after reset");
    w.write(0x10000 + SPEC_NIC_TIME_LO, 0xfffffff0);
    w.write(0x10000 + SPEC_NIC_TIME_HI, 5);
    uint64_t before = w.b.clocks;
    for (int i = 0; i < 200; i++)
        w.tick();
    uint64_t low = w.read(0x10000 + SPEC_NIC_TIME_LO), time = low | uint64_t(w.read(0x10000 + SPEC_NIC_TIME_HI)) << 32;
    uint64_t ns = time - 0x5fffffff0ull, clocks = w.b.clocks - before;
    if (ns > 3 * clocks + 30 || ns + 30 < 3 * clocks)
        w.b.fail("%llu ns in %llu clocks of 3 ns", (unsigned long long)ns, (unsigned long long)clocks);
    return w.b.pass("%u blocks, %zu registers", steps, sizeof rows / sizeof rows[0]);
}

// A ring's counters go past 2^16 and begin again, in both directions at once: each packet is one descriptor.
static int scenario_wrap(World &w)
{
    w.b.reset();
    w.setup();
    w.out_percent = w.mem.percent = w.mem.spread = w.mem.latency = 0;
    w.rss.types = 0; // all to one queue
    w.write(0x16000 + SPEC_RSS_CTRL, 0);
    const uint32_t q = w.rss.table[0], descriptors = 66000;
    uint8_t dst[6] = {2, 2, 2, 2, 2, 2};
    Wish pass;
    pass.ret = 2;
    w.start_rx(q, 6);
    w.start_tx(0, 6);
    while (w.rx[q].take < descriptors || w.tx[0].take < descriptors) {
        random_gives(w, q, 100);
        for (uint32_t i = 0; i < 8 && w.rx[q].expected.size() < 48; i++) // no more than there are buffers
            w.in[0].push_back({make_frame(w.b.rng, w.mac[0], pass, 14), false, 2});
        uint32_t before = w.tx[0].give;
        while (w.send(0, make_frame(w.b.rng, dst, Wish(), 14), PORTS - 1, 1, false))
            ;
        if (w.tx[0].give != before)
            w.write(w.tx_reg(0, SPEC_TXQ_TAIL), w.tx[0].give & 0xffff);
        do
            w.tick();
        while (!w.in[0].empty());
        w.poll_rx(q);
        w.poll_tx(0);
        if (w.b.clocks > 1000000)
            w.b.fail("descriptors are left after %u filled and %u sent", w.rx[q].take, w.tx[0].take);
    }
    random_gives(w, q, 100);
    settle(w);
    w.check_counters();
    return passed(w);
}

// Both ports at full rate: what the slot can't take is missed, and counted; a slot that lets nothing go hangs.
static int scenario_overload(World &w)
{
    w.b.reset();
    w.setup();
    w.loss = true;
    w.write(0x10000 + SPEC_NIC_WATCHDOG, 500);
    w.out_percent = 0;
    Wish tx;
    tx.ret = 3;
    for (int i = 0; i < 600; i++)
        w.tick();
    if (w.read(0x10000 + SPEC_NIC_HUNG))
        w.b.fail("a slot without packets counts as hung");
    w.write(SPEC_CSR_CTRL, 3);
    for (uint32_t p = 0; p < PORTS; p++)
        for (uint32_t i = 0; i < 1500; i++)
            w.in[p].push_back({make_frame(w.b.rng, w.mac[p], tx, 60 + w.b.rng.below(90)), false, 0});
    for (int i = 0; i < 700; i++)
        w.tick();
    if (w.read(0x10000 + SPEC_NIC_HUNG) != 1)
        w.b.fail("the slot does not count as hung");
    w.write(SPEC_CSR_CTRL, 1);
    while (!w.in[0].empty() || !w.in[PORTS - 1].empty())
        w.tick();
    settle(w);
    for (uint32_t p = 0; p < PORTS; p++)
        if (!w.count(w.port_reg(p, SPEC_PORT_RX_MISSED)))
            w.b.fail("port %u missed nothing", p);
    w.check_counters();
    return passed(w);
}

// --- pace: without any waiting but memory's 30 clocks

struct Pace {
    double clocks;  // a packet
    uint64_t first; // from the first packet's last beat in to its first one out, or to its descriptor
};

static Pace pace_in(World &w, uint8_t ret, uint32_t len, uint32_t frames)
{
    Wish wish;
    wish.ret = ret;
    for (uint32_t q = 0; q < QUEUES; q++)
        random_gives(w, q, 100);
    w.first_out = w.first_done = 0;
    for (uint32_t i = 0; i < frames; i++)
        w.in[0].push_back({make_frame(w.b.rng, w.mac[0], wish, len), false, 0});
    uint64_t arrived = 0, counted = 0;
    while (!w.done()) {
        w.tick();
        if (!arrived && w.in[0].size() < frames)
            arrived = w.b.clocks;
        for (uint32_t q = 0; q < QUEUES && ret == 2; q++) {
            w.poll_rx(q);
            if (w.rx[q].give - w.rx[q].take > SLOTS / 2)
                continue;
            while (w.rx[q].give - w.rx[q].take < SLOTS)
                w.give(q, 2048, 0);
            w.write(w.rx_reg(q, SPEC_RXQ_TAIL), w.rx[q].give & 0xffff);
        }
        if (++counted > 100000)
            w.b.fail("%u packets of %u bytes, verdict %u, do not come to an end", frames, len, ret);
    }
    uint64_t end = w.b.clocks, first = ret == 2 ? w.first_done : w.first_out;
    settle(w);
    return {double(end - arrived) / frames, first - arrived};
}

static double pace_out(World &w, uint32_t len, uint32_t packets)
{
    uint8_t dst[6] = {2, 2, 2, 2, 2, 2};
    uint64_t start = w.b.clocks;
    for (uint32_t sent = 0; sent < packets || !w.done(); w.tick())
        for (uint32_t q = 0; q < TXQS; q++) {
            w.poll_tx(q);
            uint32_t before = w.tx[q].give;
            while (w.tx[q].give - w.tx[q].take < SLOTS / 2 && sent < packets &&
                   w.send(q, make_frame(w.b.rng, dst, Wish(), len), 0, 1, false))
                sent++;
            if (w.tx[q].give != before)
                w.write(w.tx_reg(q, SPEC_TXQ_TAIL), w.tx[q].give & 0xffff);
        }
    return double(w.b.clocks - start) / packets;
}

static int scenario_pace(World &w)
{
    w.b.reset();
    w.setup();
    w.out_percent = w.mem.percent = w.mem.spread = 0;
    w.rss.types = 0x3f;
    w.write(0x16000 + SPEC_RSS_CTRL, w.rss.types);
    w.mem.latency = 30;
    for (uint32_t q = 0; q < QUEUES; q++)
        w.start_rx(q, 6);
    for (uint32_t q = 0; q < TXQS; q++)
        w.start_tx(q, 6);
    for (int i = 0; i < 200; i++)
        w.tick();
    Pace drop = pace_in(w, 1, 64, 1000), tx = pace_in(w, 3, 64, 1000), tx65 = pace_in(w, 3, 65, 500);
    w.loss = true; // the port's store overflows where memory is slower than the wire
    Pace one = pace_in(w, 2, 64, 1), pass = pace_in(w, 2, 64, 900), big = pace_in(w, 2, 1518, 200);
    double out = pace_out(w, 64, 600), out_big = pace_out(w, 1518, 300);
    if (drop.clocks > 1.01 || tx.clocks > 1.05 || tx65.clocks > 2.1 || pass.clocks > 2.6 || big.clocks > 27 || out > 3 || out_big > 28)
        w.b.fail("clocks a packet: drop %.2f, tx %.2f and %.2f, pass %.2f and %.2f, from the host %.2f and %.2f", drop.clocks,
                 tx.clocks, tx65.clocks, pass.clocks, big.clocks, out, out_big);
    return w.b.pass("clocks a packet of 64 bytes: drop %.2f, tx %.2f, pass %.2f, from the host %.2f; of 1518: pass %.2f, from the "
                    "host %.2f; wire to wire %llu, wire to host %llu",
                    drop.clocks, tx.clocks, pass.clocks, out, big.clocks, out_big, (unsigned long long)tx.first,
                    (unsigned long long)one.first);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(World &w);
    } scenarios[] = {
        {"random", scenario_random}, {"starve", scenario_starve},       {"errors", scenario_errors}, {"reset", scenario_reset},
        {"rings", scenario_rings},   {"registers", scenario_registers}, {"wrap", scenario_wrap},     {"overload", scenario_overload},
        {"rss", scenario_rss},       {"pace", scenario_pace},         {"mapdma", scenario_mapdma},
        {"order", scenario_order},
    };
    for (const auto &s : scenarios)
        if (argc > 2 && !strcmp(s.name, argv[2])) {
            World w(("nic_" + Bytes(s.name)).c_str(), 2, argv);
            return s.run(w);
        }
    printf("usage: bench SEED SCENARIO\n");
    return 2;
}
