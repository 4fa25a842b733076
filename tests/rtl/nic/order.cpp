// SPDX-License-Identifier: BSD-3-Clause
// Packets of the program and of the host leave by a port in the order in which they came to it, also if the MAC takes none meanwhile.
#include "world.h"

static const uint32_t ROUNDS = 40, MOST = 30, SOURCE_CLOCKS = 400;

// From the wire back to the wire.
static void from_wire(World &w, uint32_t p, uint32_t len)
{
    Wish wish;
    wish.ret = 3;
    const Bytes f = make_frame(w.b.rng, w.mac[p], wish, len);
    w.in[p].push_back({f, false, 0});
    w.way[p].order.push_back(f);
    for (uint32_t i = 0; i < SOURCE_CLOCKS; i++)
        w.tick();
}

// Until its descriptor is back.
static void from_host(World &w, uint32_t p, uint32_t len)
{
    const uint8_t dst[6] = {2, 2, 2, 2, 2, 2};
    const uint32_t ring = w.b.rng.below(TXQS);
    const Bytes f = make_frame(w.b.rng, dst, Wish(), len);
    if (!w.send(ring, f, p, 1, false))
        w.b.fail("TX ring %u has no room", ring);
    w.way[p].order.push_back(f);
    w.write(w.tx_reg(ring, SPEC_TXQ_TAIL), w.tx[ring].give & 0xffff);
    for (uint32_t i = 0; w.tx[ring].take != w.tx[ring].give; i++) {
        if (i > 5000)
            w.b.fail("a descriptor of TX ring %u does not come back", ring);
        w.poll_tx(ring);
        w.tick();
    }
}

int scenario_order(World &w)
{
    uint32_t packets = 0;
    w.b.reset();
    w.setup();
    for (uint32_t q = 0; q < TXQS; q++)
        w.start_tx(q, 6);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t p = w.b.rng.below(PORTS), count = 2 + w.b.rng.below(MOST - 1);
        w.out_percent = round % 4 ? 100 : w.b.rng.below(90);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t len = 64 + w.b.rng.below(400);
            if (w.b.rng.chance(50))
                from_wire(w, p, len);
            else
                from_host(w, p, len);
        }
        packets += count;
        w.out_percent = w.b.rng.below(60);
        for (uint32_t i = 0; !w.way[p].order.empty(); i++) {
            if (i > 20000)
                w.b.fail("port %u keeps %zu packets", p, w.way[p].order.size());
            w.tick();
        }
    }
    return w.b.pass("%u packets", packets);
}
