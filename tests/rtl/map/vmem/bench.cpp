// SPDX-License-Identifier: BSD-3-Clause
// map_vmem in lock-step with an array of bytes: random operations on few and on many addresses,
// both ports at once. Checks each answer, its clock, and the order that the contract states.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "hw/spec/gen/alu.h"

static const uint32_t LATENCY = 4;

struct Answer {
    uint64_t clock, data;
    uint32_t tag;
};

struct Model {
    std::vector<uint8_t> bytes = std::vector<uint8_t>(P_BYTES);

    uint64_t load(uint32_t addr, uint32_t size) const
    {
        uint64_t v = 0;
        for (uint32_t i = 0; i < size; i++)
            v |= uint64_t(bytes[(addr + i) % P_BYTES]) << 8 * i;
        return v;
    }
    void store(uint32_t addr, uint32_t size, uint64_t v)
    {
        for (uint32_t i = 0; i < size; i++)
            bytes[(addr + i) % P_BYTES] = uint8_t(v >> 8 * i);
    }
    uint64_t atomic(uint32_t op, uint32_t addr, uint32_t size, uint64_t b, uint64_t expect)
    {
        uint64_t mask = size == 8 ? ~0ull : 0xffffffff;
        uint64_t old = load(addr, size), v = old;
        b &= mask;
        expect &= mask;
        switch (op) {
        case SPEC_ATOMIC_ADD:
            v = old + b;
            break;
        case SPEC_ATOMIC_OR:
            v = old | b;
            break;
        case SPEC_ATOMIC_AND:
            v = old & b;
            break;
        case SPEC_ATOMIC_XOR:
            v = old ^ b;
            break;
        case SPEC_ATOMIC_XCHG:
            v = b;
            break;
        case SPEC_ATOMIC_CMPXCHG:
            v = old == expect ? b : old;
            break;
        }
        store(addr, size, v);
        return old;
    }
};

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Model m;
    std::deque<Answer> a_due, b_due;
    Stall a_stall, b_stall;
    bool a_offered = false, b_offered = false;
    uint32_t spread = P_BYTES, base = 0; // where addresses lie
    uint64_t done = 0, b_done = 0, b_waited = 0, b_longest = 0, hot = 0, held = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 300000)
    {
    }
    void offer();
    void check_answers();
    void take();
    void check_memory();
};

void State::offer()
{
    if (b.rng.chance(1)) { // a word or two, or all over
        static const uint32_t spreads[] = {1, 8, 24, 64, P_BYTES};
        spread = spreads[b.rng.below(5)];
        base = b.rng.below(P_BYTES);
    }
    if (done < b.operations && !a_offered && !a_stall.now(b.rng)) {
        a_offered = true;
        uint32_t op = b.rng.below(3);
        uint32_t size = op == 2 ? 4u << b.rng.below(2) : 1 + b.rng.below(8);
        uint32_t addr = base + b.rng.below(spread);
        t.a_op_i = op;
        t.a_atomic_i = op == 2 ? 1 + b.rng.below(6) : b.rng.below(7);
        t.a_size_i = size;
        t.a_addr_i = (op == 2 ? addr & ~(size - 1) : addr) % P_BYTES;
        t.a_data_i = b.rng.chance(50) ? b.rng.below(3) : b.rng.next();
        uint64_t old = m.load(t.a_addr_i, size);
        t.a_expect_i = b.rng.chance(60) ? old : b.rng.next();
        t.a_tag_i = b.rng.below(1u << P_TAG_W);
    }
    if (done < b.operations && !b_offered && !b_stall.now(b.rng)) {
        b_offered = true;
        b_waited = 0;
        t.b_write_i = b.rng.below(2);
        t.b_addr_i = (base + b.rng.below(spread)) % P_BYTES & ~7u;
        t.b_data_i = b.rng.next();
        t.b_strb_i = b.rng.chance(70) ? 0xff : b.rng.below(256);
    }
    t.a_valid_i = a_offered;
    t.b_valid_i = b_offered;
}

// Answers come in the clock in which they are due, and in no other.
void State::check_answers()
{
    bool due = !a_due.empty() && a_due.front().clock == b.clocks;
    if (t.r_valid_o != due)
        b.fail(due ? "no answer on port A" : "unexpected answer on port A");
    if (due) {
        const Answer &e = a_due.front();
        if (t.r_data_o != e.data || t.r_tag_o != e.tag)
            b.fail("port A gives %016llx tag %x, not %016llx tag %x",
                   (unsigned long long)t.r_data_o, t.r_tag_o, (unsigned long long)e.data, e.tag);
        a_due.pop_front();
    }
    due = !b_due.empty() && b_due.front().clock == b.clocks;
    if (t.b_rvalid_o != due)
        b.fail(due ? "no answer on port B" : "unexpected answer on port B");
    if (due) {
        if (t.b_rdata_o != b_due.front().data)
            b.fail("port B gives %016llx, not %016llx", (unsigned long long)t.b_rdata_o,
                   (unsigned long long)b_due.front().data);
        b_due.pop_front();
    }
}

// What is taken in this clock takes effect in the model: port A's first.
void State::take()
{
    if (a_offered && t.a_ready_o) {
        uint64_t v = t.a_op_i == 2
                         ? m.atomic(t.a_atomic_i, t.a_addr_i, t.a_size_i, t.a_data_i, t.a_expect_i)
                         : m.load(t.a_addr_i, t.a_size_i);
        if (t.a_op_i == 1)
            m.store(t.a_addr_i, t.a_size_i, t.a_data_i);
        hot += !a_due.empty() && a_due.back().clock == b.clocks + LATENCY - 1;
        a_due.push_back({b.clocks + LATENCY, v, t.a_tag_i});
        a_offered = false;
        done++;
    } else if (P_B_WAIT == 0 && !t.a_ready_o) {
        b.fail("port A not ready");
    } else {
        held += a_offered;
    }
    if (b_offered && t.b_ready_o) {
        if (t.b_write_i) {
            for (int i = 0; i < 8; i++)
                if (t.b_strb_i >> i & 1)
                    m.store(t.b_addr_i + i, 1, t.b_data_i >> 8 * i);
        } else {
            b_due.push_back({b.clocks + LATENCY, m.load(t.b_addr_i, 8), 0});
        }
        b_offered = false;
        b_done++;
    } else if (b_offered) {
        b_longest = ++b_waited > b_longest ? b_waited : b_longest;
        if (P_B_WAIT && b_waited > P_B_WAIT + 1)
            b.fail("port B waited %llu clocks", (unsigned long long)b_waited);
        if (!t.a_valid_i)
            b.fail("port B held with nothing on port A");
    }
}

// What is left in memory, through port B.
void State::check_memory()
{
    t.a_valid_i = t.b_valid_i = 0;
    for (uint32_t i = 0; i < LATENCY + 1; i++) {
        b.settle();
        b.edge();
    }
    for (uint32_t addr = 0; addr < P_BYTES + 8 * LATENCY; addr += 8) {
        t.b_valid_i = addr < P_BYTES;
        t.b_write_i = 0;
        t.b_addr_i = addr;
        b.settle();
        if (addr >= 8 * LATENCY && (!t.b_rvalid_o || t.b_rdata_o != m.load(addr - 8 * LATENCY, 8)))
            b.fail("memory differs at %u", addr - 8 * LATENCY);
        b.edge();
    }
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Bench<Vtop> &b = s.b;

    s.t.a_valid_i = s.t.b_valid_i = 0;
    b.reset();
    b.settle();
    b.edge(); // ready from the clock after reset
    while (s.done < b.operations || s.a_offered || s.b_offered) {
        s.offer();
        b.settle();
        s.check_answers();
        s.take();
        b.edge();
    }
    while (!s.a_due.empty() || !s.b_due.empty()) {
        s.offer();
        b.settle();
        s.check_answers();
        b.edge();
    }
    s.check_memory();
    if (s.hot < b.operations / 10 || s.b_done < b.operations / 100 || (P_B_WAIT && !s.held))
        b.fail("too little happened");
    return b.pass("%llu operations on port A (%llu back to back), %llu on port B, which waited at "
                  "most %llu clocks",
                  (unsigned long long)s.done, (unsigned long long)s.hot,
                  (unsigned long long)s.b_done, (unsigned long long)s.b_longest);
}
