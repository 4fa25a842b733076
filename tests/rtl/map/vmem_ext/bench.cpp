// SPDX-License-Identifier: BSD-3-Clause
// map_vmem_ext in lock-step with an array of bytes, against an AXI4 memory of random latency: random operations on few
// words, on lines that share a place of the cache, and all over, the host's among them. Each answer is that of the operations
// in order of acceptance, and answers come in that order. Then clocks of hits and of misses.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "../bytes.h"

enum { CACHE_BYTES = 64 * P_LINES, STEADY = 60, COLD = 4000, LATENCY = 5, PATIENCE = 60000 };

struct Answer {
    bool told; // loads and atomics say what was there
    uint64_t want, since;
    uint32_t tag;
};

struct State : Bytes {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Memory<Vtop> memory{b};
    std::deque<Answer> due, host;
    uint32_t base = 0, spread = 8, ways = 1;
    Stall stall, host_stall;
    bool offered = false, host_offered = false, quiet = false;
    uint64_t done = 0, host_done = 0, quick = 0, late = 0, held = 0, deepest = 0, host_since = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 60000)
    {
    }
    uint32_t address();
    void offer();
    void offer_host();
    void check();
    void take();
    void clock();
    void drain();
    void check_memory();
    double measure(bool cold, bool write);
};

uint32_t State::address()
{
    return (base + b.rng.below(spread) + b.rng.below(ways) * CACHE_BYTES) & 0x7fffffff;
}

void State::offer()
{
    if (!offered && !quiet && !stall.now(b.rng)) {
        const uint32_t op = b.rng.below(3), size = op == 2 ? 4u << b.rng.below(2) : 1 + b.rng.below(8);
        const uint32_t addr = op == 2 ? address() & ~(size - 1) : address();

        offered = addr + size <= 0x80000000;
        t.a_op_i = op;
        t.a_atomic_i = op == 2 ? 1 + b.rng.below(6) : b.rng.below(7);
        t.a_size_i = size;
        t.a_addr_i = addr;
        t.a_data_i = b.rng.chance(50) ? b.rng.below(3) : b.rng.next();
        t.a_expect_i = b.rng.chance(60) ? load(addr, size) : b.rng.next();
        t.a_tag_i = b.rng.below(1u << P_TAG_W);
    }
    t.a_valid_i = offered;
}

void State::offer_host()
{
    if (!host_offered && !quiet && !host_stall.now(b.rng)) {
        host_offered = true;
        host_since = b.clocks;
        t.b_write_i = b.rng.below(2);
        t.b_addr_i = address() & ~7u;
        t.b_data_i = b.rng.next();
    }
    t.b_valid_i = host_offered;
}

void State::check()
{
    if (t.r_valid_o) {
        if (due.empty())
            b.fail("an answer to nothing");
        const Answer &e = due.front();
        if (t.r_tag_o != e.tag || (e.told && t.r_data_o != e.want))
            b.fail("%016llx tag %x, not %016llx tag %x", (unsigned long long)t.r_data_o, t.r_tag_o,
                   (unsigned long long)e.want, e.tag);
        quick += b.clocks - e.since == LATENCY;
        late += b.clocks - e.since > LATENCY + 8;
        due.pop_front();
    }
    if (t.b_rvalid_o) {
        if (host.empty() || t.b_rdata_o != host.front().want)
            b.fail("the host gets %016llx", (unsigned long long)t.b_rdata_o);
        host.pop_front();
    }
    if ((!due.empty() && b.clocks - due.front().since > PATIENCE) ||
        (!host.empty() && b.clocks - host.front().since > PATIENCE) ||
        (host_offered && b.clocks - host_since > PATIENCE))
        b.fail("an operation never ends");
}

// What is taken takes effect, port A's first.
void State::take()
{
    if (offered && t.a_ready_o) {
        const uint64_t old = load(t.a_addr_i, t.a_size_i);

        if (t.a_op_i == 1)
            store(t.a_addr_i, t.a_size_i, t.a_data_i);
        else if (t.a_op_i == 2)
            atomic(t.a_atomic_i, t.a_addr_i, t.a_size_i, t.a_data_i, t.a_expect_i);
        due.push_back({t.a_op_i != 1, old, b.clocks, t.a_tag_i});
        offered = false;
        done++;
        deepest = due.size() > deepest ? due.size() : deepest;
    } else {
        held += offered && due.size() < 8;
    }
    if (host_offered && t.b_ready_o) {
        if (t.b_write_i)
            store(t.b_addr_i, 8, t.b_data_i);
        else
            host.push_back({true, load(t.b_addr_i, 8), b.clocks, 0});
        host_offered = false;
        host_done++;
    }
}

void State::clock()
{
    if (b.rng.chance(1)) {
        static const uint32_t spreads[] = {8, 64, 256, CACHE_BYTES, 8 * CACHE_BYTES};
        static const uint32_t bases[] = {0, 60, 0x40000000, 0x7ff00000};
        spread = spreads[b.rng.below(5)];
        ways = 1 + b.rng.below(4);
        base = bases[b.rng.below(4)] + 8 * b.rng.below(16);
    }
    offer();
    offer_host();
    memory.offer();
    b.settle();
    check();
    take();
    memory.take();
    b.edge();
}

void State::drain()
{
    quiet = true;
    while (offered || host_offered || !due.empty() || !host.empty() || !memory.idle())
        clock();
    for (int i = 0; i < 16; i++)
        clock();
}

// What is left, through the host's port.
void State::check_memory()
{
    uint32_t words = 0;

    for (const auto &l : lines) {
        for (uint32_t at = 0; at < 64 && words < 20000; at += 8, words++) {
            t.b_write_i = 0;
            t.b_addr_i = l.first << 6 | at;
            host_offered = true;
            host_since = b.clocks;
            do {
                clock();
            } while (host_offered || !host.empty());
        }
    }
}

// Clocks an operation: of one word over and over, or of lines that are not there. The host gets its turn meanwhile.
double State::measure(bool cold, bool write)
{
    const uint64_t start = b.clocks, host_before = host_done;
    uint32_t asked = 0;


    memory.steady(STEADY);
    while (asked < COLD) {
        if (!offered) {
            offered = true;
            t.a_op_i = cold ? write : 2;
            t.a_atomic_i = SPEC_ATOMIC_ADD;
            t.a_size_i = 8;
            t.a_addr_i = cold ? (0x10000000 + b.rng.below(1 << 26)) & ~7u : 64;
            t.a_data_i = b.rng.next();
            asked++;
        }
        if (asked == COLD / 2 && host_done == host_before && !host_offered) {
            t.b_write_i = 0;
            t.b_addr_i = 128;
            host_offered = true;
            host_since = b.clocks;
        }
        t.b_valid_i = host_offered;
        t.a_valid_i = 1;
        memory.offer();
        b.settle();
        check();
        take();
        memory.take();
        b.edge();
    }
    const double clocks = double(b.clocks - start) / COLD;

    if (P_B_WAIT && host_done == host_before)
        b.fail("the host waits while port A is busy");
    drain();
    return clocks;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Bench<Vtop> &b = s.b;

    s.t.a_valid_i = s.t.b_valid_i = 0;
    b.reset();
    while (s.done < b.operations)
        s.clock();
    s.drain();
    s.check_memory();
    const uint64_t clocks = b.clocks;

    if (s.quick < b.operations / 50 || s.late < b.operations / 10 || s.host_done < b.operations / 50 || s.deepest < 8 || !s.held ||
        !s.memory.writes_done || !s.memory.overtaken)
        b.fail("too little happened: %llu at once, %llu late, %llu of the host, %llu deep, %llu held",
               (unsigned long long)s.quick, (unsigned long long)s.late, (unsigned long long)s.host_done,
               (unsigned long long)s.deepest, (unsigned long long)s.held);
    const double hot = s.measure(false, true);
    const double clean = s.measure(true, false), dirty = s.measure(true, true);

    if (hot > 1.1)
        b.fail("%.2f clocks a hit", hot);
    return b.pass("%llu operations (%llu at once), %llu of the host, %llu clocks; %.2f clocks a hit, a miss at a memory of %d "
                  "clocks %.1f, %.1f if lines go out",
                  (unsigned long long)s.done, (unsigned long long)s.quick, (unsigned long long)s.host_done,
                  (unsigned long long)clocks, hot, STEADY, clean, dirty);
}
