// SPDX-License-Identifier: BSD-3-Clause
// pipe_lock: a packet waits exactly when an unreleased one took its key, or DEPTH packets are
// inside.
#include <deque>

#include "Vtop.h"
#include "bench.h"

int main(int argc, char **argv)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 300000);
    auto &t = *b.top;
    Stall in, out, end;
    struct Packet {
        bool take;
        uint32_t key;
    };
    std::deque<Packet> inside;
    bool offered = false;
    uint64_t passed = 0, waits = 0, full = 0;
    uint32_t keys = 4;

    t.s_valid_i = t.m_ready_i = t.release_i = 0;
    b.reset();
    while (passed < b.operations) {
        if (b.rng.below(500) == 0)
            keys = 1u << b.rng.below(8);
        if (!offered && !in.now(b.rng)) {
            offered = true;
            t.s_take_i = b.rng.chance(80);
            t.s_key_i = b.rng.below(keys);
            t.s_state_i = uint32_t(b.rng.next());
        }
        t.s_valid_i = offered;
        t.m_ready_i = !out.now(b.rng);
        t.release_i = !inside.empty() && !end.now(b.rng) && b.rng.chance(60);
        b.settle();
        bool bar = inside.size() == P_DEPTH;
        full += bar;
        for (const Packet &p : inside)
            bar |= t.s_take_i && p.take && p.key == t.s_key_i;
        if (t.m_valid_o != (offered && !bar) || t.s_ready_o != (t.m_ready_i && !bar) ||
            t.stall_o != (offered && bar))
            b.fail("bar is %d: valid %d ready %d stall %d", bar, t.m_valid_o, t.s_ready_o,
                   t.stall_o);
        if (t.m_state_o != t.s_state_i)
            b.fail("state differs");
        waits += offered && bar;
        if (t.release_i)
            inside.pop_front();
        if (t.m_valid_o && t.m_ready_i) {
            inside.push_back({bool(t.s_take_i), t.s_key_i});
            offered = false;
            passed++;
        }
        b.edge();
    }
    if (!full || waits < b.operations / 100)
        b.fail("too little happened");
    return b.pass("%llu packets, %llu clocks of waiting, %llu full", (unsigned long long)passed,
                  (unsigned long long)waits, (unsigned long long)full);
}
