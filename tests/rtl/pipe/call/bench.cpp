// SPDX-License-Identifier: BSD-3-Clause
// pipe_call with a made-up engine that answers in order after random times (its request's
// complement), random stalls everywhere; then clocks a packet through an engine of 4 clocks.
#include <deque>

#include "Vtop.h"
#include "bench.h"

struct Packet {
    uint32_t state, req;
    bool call;
};

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::deque<Packet> inside;
    std::deque<std::pair<uint64_t, uint32_t>> engine; // clock of the answer, answer
    uint64_t packets = 0, most = 0, calls = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 200000)
    {
    }
};

static uint64_t send(State &s, uint64_t count, bool plain)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    Stall in, out, req;
    bool offered = false;
    Packet p = {0, 0, false};
    uint64_t start = b.clocks, goal = s.packets + count, sent = 0, last_answer = 0;

    in.off = out.off = req.off = plain;
    while (s.packets < goal) {
        if (!offered && sent < count && !in.now(b.rng)) {
            offered = true;
            sent++;
            p = {uint32_t(b.rng.next()), uint32_t(b.rng.next()), plain || b.rng.chance(70)};
            t.s_state_i = p.state;
            t.s_req_i = p.req;
            t.s_call_i = p.call;
        }
        t.s_valid_i = offered;
        t.m_ready_i = !out.now(b.rng);
        t.req_ready_i = !req.now(b.rng);
        t.resp_valid_i = !s.engine.empty() && s.engine.front().first <= b.clocks;
        t.resp_i = t.resp_valid_i ? s.engine.front().second : uint32_t(b.rng.next());
        b.settle();
        bool took = offered && t.s_ready_o, asked = t.req_valid_o && t.req_ready_i;
        if (asked != (took && p.call))
            b.fail("request and packet do not go together");
        if (t.m_valid_o && t.m_ready_i) {
            if (s.inside.empty())
                b.fail("a packet out of nothing");
            Packet q = s.inside.front();
            s.inside.pop_front();
            if (t.m_state_o != q.state || t.m_resp_o != (q.call ? ~q.req : 0))
                b.fail("wrong state or response");
            s.packets++;
        }
        if (t.resp_valid_i)
            s.engine.pop_front();
        if (took) {
            s.inside.push_back(p);
            offered = false;
            if (p.call) {
                uint64_t at = b.clocks + (plain ? 4 : 1 + b.rng.below(12));
                last_answer = at > last_answer ? at : last_answer + 1;
                s.engine.push_back({last_answer, ~p.req});
                s.calls++;
            }
        }
        s.most = s.inside.size() > s.most ? s.inside.size() : s.most;
        b.edge();
    }
    return b.clocks - start;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    s.t.s_valid_i = s.t.m_ready_i = s.t.req_ready_i = s.t.resp_valid_i = 0;
    s.b.reset();
    send(s, s.b.operations, false);
    if (s.most < P_DEPTH)
        s.b.fail("never %d packets inside", P_DEPTH);
    uint64_t fast = send(s, 1000, true);
    if (P_DEPTH >= 6 && fast > 1010)
        s.b.fail("too slow: %llu clocks for 1000 packets", (unsigned long long)fast);
    return s.b.pass("%llu packets, %llu calls, at most %llu inside; %.3f clocks a packet",
                    (unsigned long long)s.packets, (unsigned long long)s.calls,
                    (unsigned long long)s.most, double(fast) / 1000);
}
