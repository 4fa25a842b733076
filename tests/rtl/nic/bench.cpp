// SPDX-License-Identifier: BSD-3-Clause
// sluice_nic around an echo slot. usage: bench SEED SCENARIO; scenarios below.
#include "world.h"

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
static void traffic(World &w, uint32_t frames, uint32_t hungry, uint32_t bad_percent)
{
    Rng &rng = w.b.rng;
    for (uint32_t q = 0; q < RINGS; q++)
        w.start_rx(q, hungry ? 3 + rng.below(3) : 6);
    for (uint32_t q = 0; q < TXQS; q++)
        w.start_tx(q, 4 + rng.below(3));
    uint32_t sent = 0;
    for (uint64_t idle = 0; idle < 4000; idle = w.done() ? idle + 1000 : idle + 1) {
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

int main(int argc, char **argv)
{
    const char *name = argc > 2 ? argv[2] : "random";
    Bytes full = std::string("nic_") + name;
    World w(full.c_str(), std::min(argc, 2), argv);
    if (!strcmp(name, "random"))
        return scenario_random(w);
    printf("no scenario %s\n", name);
    return 2;
}
