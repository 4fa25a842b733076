// SPDX-License-Identifier: BSD-3-Clause
// The bench that the multiplier and the divider share: random and extreme operands against RFC
// 9669 4.1, in order, with stalls; latency and an operation a clock without.
#pragma once
#include <deque>

#include "Vtop.h"
#include "bench.h"

struct Operation {
    uint64_t a, b, y, clock;
    uint32_t op, state;
    bool w32;
};

static uint64_t operand(Rng &rng)
{
    static const uint64_t extremes[] = {0,
                                        1,
                                        2,
                                        3,
                                        ~0ull,
                                        1ull << 63,
                                        (1ull << 63) - 1,
                                        0x80000000,
                                        0x7fffffff,
                                        0xffffffff,
                                        0xffffffff80000000,
                                        0x100000000};
    switch (rng.below(4)) {
    case 0:
        return extremes[rng.below(sizeof extremes / sizeof *extremes)];
    case 1:
        return rng.next() >> rng.below(64);
    case 2:
        return -(rng.next() >> rng.below(64));
    default:
        return rng.next();
    }
}

static void set_op(Vtop &t, uint32_t op);
static uint64_t expected(const Operation &o);

static uint64_t run(Bench<Vtop> &b, uint64_t count, bool plain, uint64_t latency)
{
    Vtop &t = *b.top;
    Stall in, out;
    std::deque<Operation> inside;
    bool offered = false;
    Operation o = {};
    uint64_t done = 0, sent = 0, start = b.clocks;

    in.off = out.off = plain;
    while (done < count) {
        if (!offered && sent < count && !in.now(b.rng)) {
            offered = true;
            sent++;
            o = {operand(b.rng),
                 operand(b.rng),
                 0,
                 0,
                 b.rng.below(4),
                 uint32_t(b.rng.next()) & 0xffff,
                 b.rng.chance(40)};
            o.y = expected(o);
            t.s_a_i = o.a;
            t.s_b_i = o.b;
            t.s_w32_i = o.w32;
            t.s_state_i = o.state;
            set_op(t, o.op);
        }
        t.s_valid_i = offered;
        t.m_ready_i = !out.now(b.rng);
        b.settle();
        if (t.m_valid_o && t.m_ready_i) {
            if (inside.empty())
                b.fail("a result of nothing");
            const Operation &e = inside.front();
            if (t.m_y_o != e.y || t.m_state_o != e.state)
                b.fail("op %u w32 %d of %016llx and %016llx gives %016llx, not %016llx", e.op,
                       e.w32, (unsigned long long)e.a, (unsigned long long)e.b,
                       (unsigned long long)t.m_y_o, (unsigned long long)e.y);
            if (plain && b.clocks != e.clock + latency)
                b.fail("latency %llu", (unsigned long long)(b.clocks - e.clock));
            inside.pop_front();
            done++;
        }
        if (offered && t.s_ready_o) {
            o.clock = b.clocks;
            inside.push_back(o);
            offered = false;
        }
        b.edge();
    }
    return b.clocks - start;
}

static int bench_main(int argc, char **argv, uint64_t latency)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 200000);
    b.top->s_valid_i = b.top->m_ready_i = 0;
    b.reset();
    run(b, b.operations, false, latency);
    uint64_t clocks = run(b, 2000, true, latency);
    if (clocks > 2000 + latency)
        b.fail("not one a clock");
    return b.pass("%llu operations, latency %llu, one a clock", (unsigned long long)b.operations,
                  (unsigned long long)latency);
}
