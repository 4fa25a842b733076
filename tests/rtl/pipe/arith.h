// SPDX-License-Identifier: BSD-3-Clause
// The bench that the multiplier and the divider share: every operation and width on all pairs of
// extremes and on random operands, against the table of operations, in order, with stalls; latency
// and an operation a clock without.
#pragma once
#include <deque>

#include "Vtop.h"
#include "hw/spec/gen/alu.h"
#include "operands.h"

struct Operation {
    uint64_t a, b, y, clock;
    uint32_t op, state;
    bool w32;
};

static void set_op(Vtop &t, uint32_t op);
static enum spec_alu operation(uint32_t op);

// Number n: first all of the extremes.
static Operation make(Rng &rng, uint64_t n)
{
    const uint64_t pair = n / 8;
    const bool extreme = pair < EXTREME_PAIRS;
    Operation o = {extreme ? extremes[pair / EXTREMES] : operand(rng),
                   extreme ? extremes[pair % EXTREMES] : operand(rng),
                   0,
                   0,
                   extreme ? uint32_t(n % 4) : rng.below(4),
                   uint32_t(rng.next()) & 0xffff,
                   extreme ? n % 8 > 3 : rng.chance(40)};

    o.y = spec_alu_eval(operation(o.op), o.w32 ? 32 : 64, o.a, o.b);
    return o;
}

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
            o = make(b.rng, sent++);
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
