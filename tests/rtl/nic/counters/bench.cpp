// SPDX-License-Identifier: BSD-3-Clause
// nic_counters: sums past 2^32, and that a counter's high word is the one that its low word was
// read with.
#include "bench.h"
#include "Vtop.h"

int main(int argc, char **argv)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 150000);
    auto &t = *b.top;
    uint64_t counts[P_COUNT] = {0};
    uint32_t kept = 0, carries = 0, apart = 0;

    t.clear_i = t.add_i = t.read_i = 0;
    b.reset();
    for (uint64_t n = 0; n < b.operations; n++) {
        bool clear = n == b.operations - 1000;
        uint32_t index = b.rng.below(P_COUNT);
        t.clear_i = clear;
        t.read_i = b.rng.chance(30);
        t.high_i = b.rng.chance(50);
        t.index_i = index;
        for (uint32_t i = 0; i < P_COUNT; i++) {
            set_bits(t.add_i, i, 1, i == 0 || b.rng.chance(90));
            set_bits(t.amount_i, 16 * i, 16, i == 0 ? 0xffff : b.rng.below(0x10000));
        }
        b.settle();
        uint32_t want = t.high_i ? kept : uint32_t(counts[index]);
        if ((t.read_i || t.high_i) && t.data_o != want)
            b.fail("counter %u, %s word: %x, not %x", index, t.high_i ? "high" : "low", t.data_o,
                   want);
        apart += t.high_i && kept != counts[index] >> 32;
        if (t.read_i && !t.high_i)
            kept = uint32_t(counts[index] >> 32);
        for (uint32_t i = 0; i < P_COUNT; i++) {
            uint64_t before = counts[i];
            if (t.add_i >> i & 1)
                counts[i] += bits(t.amount_i, 16 * i, 16);
            carries += counts[i] >> 32 != before >> 32;
            if (clear)
                counts[i] = 0;
        }
        b.edge();
    }
    if (carries < P_COUNT || !apart)
        b.fail("%u carries, %u reads of a high word that has changed", carries, apart);
    return b.pass("%u carries, %u reads of a high word that has changed", carries, apart);
}
