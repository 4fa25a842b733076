// SPDX-License-Identifier: BSD-3-Clause
// map_ext in lock-step with an array of bytes: random operations of eight contexts and the host, on few words, on lines that
// share a place, and all over, against an AXI4 memory of random latency. Each result is that of the operations in
// order of arrival; a line that is there is answered in 4 clocks. Then clocks of hits and of misses with 1 to 8 contexts.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "../bytes.h"

enum { CONTEXTS = 8, LATENCY = 4, CACHE_BYTES = 64 * P_LINES, STEADY = 60, COLD = 4000 };

struct Operation {
    bool inside = false, load;
    uint64_t want, since;
};

struct State : Bytes { // the bytes as they should be
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Memory<Vtop> memory{b};
    Operation ops[CONTEXTS];
    std::deque<Operation> host; // reads that are not answered
    uint32_t base = 0, spread = 8, ways = 1;
    Stall stall, host_stall;
    bool host_offered = false, quiet = false;
    uint64_t done = 0, hits = 0, waited = 0, spans = 0, host_done = 0, met = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 100000)
    {
    }
    uint32_t address(bool host);
    void arrive(Operation &o, uint64_t want, bool is_load);
    void offer_context(uint32_t ctx);
    void offer_host();
    void check();
    void clock();
    void drain();
    void check_memory();
    double cold(uint32_t contexts, bool write);
    double hot(uint32_t contexts);
};

// Some bytes, the same in several lines of one place, or all over.
uint32_t State::address(bool host)
{
    const uint32_t addr = base + b.rng.below(spread) + b.rng.below(ways) * CACHE_BYTES;

    return (host ? addr & ~7u : addr) & 0x7fffffff;
}

void State::arrive(Operation &o, uint64_t want, bool is_load)
{
    for (const Operation &x : ops)
        met += x.inside;
    o = {true, is_load, want, b.clocks};
}

void State::offer_context(uint32_t ctx)
{
    t.a_ctx_i = ctx;
    t.a_valid_i = 0;
    if (quiet || ops[ctx].inside || stall.now(b.rng))
        return;
    const uint32_t op = b.rng.below(3), size = op == 2 ? 4u << b.rng.below(2) : 1 + b.rng.below(8);
    const uint32_t addr = op == 2 ? address(false) & ~(size - 1) : address(false);
    const uint64_t old = load(addr, size), x = b.rng.chance(50) ? b.rng.below(3) : b.rng.next();

    if (((addr + size - 1) >> 6) > 0x1ffffff)
        return; // past the end
    t.a_valid_i = 1;
    t.a_op_i = op;
    t.a_atomic_i = op == 2 ? 1 + b.rng.below(6) : b.rng.below(7);
    t.a_size_i = size;
    t.a_addr_i = addr | 0x80000000;
    t.a_data_i = x;
    t.a_expect_i = b.rng.chance(60) ? old : b.rng.next();
    spans += op != 2 && (addr & 63) + size > 64;
    if (op == 1)
        store(addr, size, x);
    else if (op == 2)
        atomic(t.a_atomic_i, addr, size, x, t.a_expect_i);
    arrive(ops[ctx], old, op != 1);
    done++;
}

void State::offer_host()
{
    if (!host_offered && !quiet && !host_stall.now(b.rng)) {
        host_offered = true;
        t.b_write_i = b.rng.below(2);
        t.b_addr_i = address(true) | 0x80000000;
        t.b_data_i = b.rng.next();
    }
    t.b_valid_i = host_offered;
}

// Answers, and who waits.
void State::check()
{
    const uint32_t ctx = (b.clocks - LATENCY) % CONTEXTS;
    Operation &o = ops[ctx];

    if (t.r_valid_o) {
        if (!o.inside)
            b.fail("context %u is answered without having asked", ctx);
        if (o.load && t.r_data_o != o.want)
            b.fail("context %u gets %016llx, not %016llx", ctx, (unsigned long long)t.r_data_o,
                   (unsigned long long)o.want);
        o.inside = false;
        hits += b.clocks - o.since == LATENCY;
        waited += b.clocks - o.since != LATENCY;
    }
    for (uint32_t i = 0; i < CONTEXTS; i++) { // where the core asks: when the next row is issued
        const bool inside = ops[i].inside && ops[i].since < b.clocks;

        if ((b.clocks - LATENCY - 1) % CONTEXTS == i && inside != bool(t.wait_o >> i & 1))
            b.fail("context %u %s", i, inside ? "goes on without an answer" : "waits for nothing");
    }
    if (t.b_rvalid_o) {
        if (host.empty())
            b.fail("the host gets what it did not ask for");
        if (t.b_rdata_o != host.front().want)
            b.fail("the host gets %016llx, not %016llx", (unsigned long long)t.b_rdata_o,
                   (unsigned long long)host.front().want);
        host.pop_front();
    }
    for (const Operation &x : ops)
        if (x.inside && b.clocks - x.since > 40000)
            b.fail("an operation never ends");
    if (!host.empty() && b.clocks - host.front().since > 40000)
        b.fail("a read of the host never ends");
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
    offer_context(b.clocks % CONTEXTS);
    offer_host();
    memory.offer();
    b.settle();
    check();
    if (host_offered && t.b_ready_o) {
        if (t.b_write_i)
            store(t.b_addr_i & 0x7fffffff, 8, t.b_data_i);
        else
            host.push_back({true, true, load(t.b_addr_i & 0x7fffffff, 8), b.clocks});
        host_offered = false;
        host_done++;
    }
    memory.take();
    b.edge();
}

void State::drain()
{
    bool inside = true;

    quiet = true;
    while (inside || host_offered || !host.empty() || !memory.idle()) {
        inside = false;
        clock();
        for (const Operation &o : ops)
            inside |= o.inside;
    }
    for (int i = 0; i < 2 * CONTEXTS; i++)
        clock();
}

// What is left, through the host's port.
void State::check_memory()
{
    uint32_t words = 0;

    for (const auto &l : lines) {
        for (uint32_t at = 0; at < 64; at += 8) {
            if (++words > 20000)
                return;
            t.b_write_i = 0;
            t.b_addr_i = l.first << 6 | at;
            host_offered = true;
            do {
                clock();
            } while (host_offered || !host.empty());
        }
    }
}

// Clocks an operation of contexts that each ask for lines that are not there.
double State::cold(uint32_t contexts, bool write)
{
    const uint64_t start = b.clocks;
    uint32_t asked = 0;

    memory.steady(STEADY);
    while (asked < COLD) {
        const uint32_t ctx = b.clocks % CONTEXTS;

        t.a_ctx_i = ctx;
        t.a_valid_i = ctx < contexts && !ops[ctx].inside;
        if (t.a_valid_i) {
            t.a_op_i = write;
            t.a_size_i = 8;
            t.a_addr_i = (0x10000000 + b.rng.below(1 << 26)) & ~7u;
            t.a_data_i = b.rng.next();
            arrive(ops[ctx], load(t.a_addr_i, 8), !write);
            if (write)
                store(t.a_addr_i, 8, t.a_data_i);
            asked++;
        }
        memory.offer();
        b.settle();
        check();
        memory.take();
        b.edge();
    }
    const double clocks = double(b.clocks - start) / COLD;

    t.a_valid_i = 0;
    drain();
    return clocks;
}

double State::hot(uint32_t contexts)
{
    const uint64_t start = b.clocks;
    uint32_t asked = 0;

    while (asked < COLD) {
        const uint32_t ctx = b.clocks % CONTEXTS;

        t.a_ctx_i = ctx;
        t.a_valid_i = ctx < contexts && !ops[ctx].inside;
        if (t.a_valid_i) {
            t.a_op_i = 2;
            t.a_atomic_i = SPEC_ATOMIC_ADD;
            t.a_size_i = 8;
            t.a_addr_i = 64;
            t.a_data_i = 1;
            arrive(ops[ctx], atomic(SPEC_ATOMIC_ADD, 64, 8, 1, 0), true);
            asked++;
        }
        memory.offer();
        b.settle();
        check();
        memory.take();
        b.edge();
    }
    const double clocks = double(b.clocks - start) / COLD;

    t.a_valid_i = 0;
    drain();
    return clocks;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Bench<Vtop> &b = s.b;
    char text[400];
    int n = 0;

    s.t.a_valid_i = s.t.b_valid_i = 0;
    b.reset();
    while (s.done < b.operations)
        s.clock();
    s.drain();
    s.check_memory();
    const uint64_t clocks = b.clocks;

    if (s.hits < b.operations / 10 || s.waited < b.operations / 10 || s.spans < b.operations / 50 ||
        s.host_done < b.operations / 50 || s.met < s.done || s.memory.deepest < CONTEXTS ||
        !s.memory.writes_done || !s.memory.overtaken)
        b.fail("too little happened: %llu hits, %llu waits, %llu spans, %llu of the host, %llu deep",
               (unsigned long long)s.hits, (unsigned long long)s.waited,
               (unsigned long long)s.spans, (unsigned long long)s.host_done,
               (unsigned long long)s.memory.deepest);
    const uint64_t hits = s.hits, waited = s.waited, reads = s.memory.reads_done;
    const uint64_t writes = s.memory.writes_done;

    n += snprintf(text + n, sizeof(text) - n, "%.2f clocks a hit of 8 contexts; a miss at a memory of %d clocks:",
                  s.hot(8), STEADY);
    for (uint32_t contexts = 1; contexts <= CONTEXTS; contexts *= 2)
        n += snprintf(text + n, sizeof(text) - n, " %.1f (%.1f if lines go out) with %u,",
                      s.cold(contexts, false), s.cold(contexts, true), contexts);
    text[n - 1] = 0;
    return b.pass("%llu operations of contexts (%llu hits, %llu waits, %llu over two lines), %llu of the host, %llu lines "
                  "in, %llu out, %llu clocks; %s",
                  (unsigned long long)s.done, (unsigned long long)hits, (unsigned long long)waited,
                  (unsigned long long)s.spans, (unsigned long long)s.host_done,
                  (unsigned long long)reads, (unsigned long long)writes,
                  (unsigned long long)clocks, text);
}
