// SPDX-License-Identifier: BSD-3-Clause
// pipe_arb: who wins, that the winner keeps its turn, and that answers come back to their callers.
#include <deque>

#include "Vtop.h"
#include "bench.h"

int main(int argc, char **argv)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 300000);
    auto &t = *b.top;
    Stall in[P_PORTS], engine;
    bool offered[P_PORTS] = {false};
    uint32_t offer[P_PORTS] = {0};
    uint64_t wins[P_PORTS] = {0}, taken = 0;
    std::deque<std::pair<uint32_t, uint32_t>> inside; // tag and request, answered in order
    int held = -1;

    t.s_valid_i = t.m_ready_i = t.resp_valid_i = 0;
    b.reset();
    while (taken < b.operations) {
        int winner = -1;
        for (int p = 0; p < P_PORTS; p++) {
            if (!offered[p] && !in[p].now(b.rng)) {
                offered[p] = true;
                offer[p] = uint32_t(b.rng.next()) & 0xffffff;
                set_bits(t.s_req_i, 24 * p, 24, offer[p]);
            }
            set_bits(t.s_valid_i, p, 1, offered[p]);
            if (offered[p])
                winner = p;
        }
        if (held >= 0)
            winner = held;
        t.m_ready_i = !engine.now(b.rng);
        t.resp_valid_i = !inside.empty() && b.rng.chance(80);
        if (t.resp_valid_i) {
            t.resp_tag_i = inside.front().first;
            t.resp_i = inside.front().second ^ 0x5a5a5a;
        }
        b.settle();
        if (t.m_valid_o != (winner >= 0))
            b.fail("offer and ports differ");
        if (winner >= 0 && (t.m_req_o != offer[winner] || t.m_tag_o != winner))
            b.fail("port %u wins, not %d", t.m_tag_o, winner);
        if (t.s_ready_o != (winner >= 0 && t.m_ready_i ? 1u << winner : 0))
            b.fail("ready %x", t.s_ready_o);
        if (t.r_valid_o != (t.resp_valid_i ? 1u << t.resp_tag_i : 0) ||
            (t.resp_valid_i && t.r_o != t.resp_i))
            b.fail("answer goes to %x", t.r_valid_o);
        if (t.resp_valid_i)
            inside.pop_front();
        held = winner >= 0 && !t.m_ready_i ? winner : -1;
        if (winner >= 0 && t.m_ready_i) {
            inside.push_back({winner, offer[winner]});
            offered[winner] = false;
            wins[winner]++;
            taken++;
        }
        b.edge();
    }
    for (int p = 0; p < P_PORTS; p++)
        if (!wins[p])
            b.fail("port %d never won", p);
    return b.pass("%llu requests", (unsigned long long)taken);
}
