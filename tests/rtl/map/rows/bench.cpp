// SPDX-License-Identifier: BSD-3-Clause
// map_rows in lock-step with an array of words: random operations on few and on many rows, both
// ports at once. Checks each answer, its clock, and that operations take effect in their order.
#include <deque>

#include "Vtop.h"
#include "bench.h"

static const uint32_t LATENCY = 3;
static const uint32_t ALL = P_ROWS * P_WORDS;

struct Answer {
    uint64_t clock, data;
};

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::vector<uint64_t> words = std::vector<uint64_t>(ALL);
    std::deque<Answer> a_due, b_due;
    Stall a_stall, b_stall;
    bool a_offered = false, b_offered = false;
    uint32_t spread = P_ROWS, base = 0;
    uint64_t done = 0, b_done = 0, b_waited = 0, hot = 0, held = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 200000)
    {
    }
    uint64_t operate(uint32_t row, uint64_t in);
    void offer();
    void check(const char *port, std::deque<Answer> &due, bool valid, uint64_t data);
    void take();
    void check_memory();
};

uint64_t State::operate(uint32_t row, uint64_t in)
{
    uint64_t *w = &words[row % P_ROWS * P_WORDS], last = w[P_WORDS - 1];

    for (uint32_t i = P_WORDS; --i > 0;)
        w[i] = w[i - 1] + in;
    w[0] = ~last + in;
    return last;
}

void State::offer()
{
    if (b.rng.chance(1)) {
        static const uint32_t spreads[] = {1, 2, 3, 5, P_ROWS};
        spread = spreads[b.rng.below(5)];
        base = b.rng.below(P_ROWS);
    }
    if (done < b.operations && !a_offered && !a_stall.now(b.rng)) {
        a_offered = true;
        t.a_row_i = base + b.rng.below(spread);
        t.a_in_i = b.rng.next();
    }
    if (done < b.operations && !b_offered && !b_stall.now(b.rng)) {
        b_offered = true;
        b_waited = 0;
        t.b_write_i = b.rng.below(2);
        t.b_addr_i = 8 * (((base + b.rng.below(spread)) % P_ROWS) * P_WORDS + b.rng.below(P_WORDS));
        t.b_data_i = b.rng.next();
        t.b_strb_i = b.rng.chance(70) ? 0xff : b.rng.below(256);
    }
    t.a_valid_i = a_offered;
    t.b_valid_i = b_offered;
}

// Answers come in the clock in which they are due, and in no other.
void State::check(const char *port, std::deque<Answer> &due, bool valid, uint64_t data)
{
    const bool now = !due.empty() && due.front().clock == b.clocks;

    if (valid != now)
        b.fail("%s answer on port %s", now ? "no" : "unexpected", port);
    if (!now)
        return;
    if (data != due.front().data)
        b.fail("port %s gives %016llx, not %016llx", port, (unsigned long long)data,
               (unsigned long long)due.front().data);
    due.pop_front();
}

// What is taken in this clock takes effect in the model; never both ports in one clock.
void State::take()
{
    const bool a = a_offered && t.a_ready_o, bb = b_offered && t.b_ready_o;

    if (a && bb)
        b.fail("both ports at once");
    if (a) {
        hot += !a_due.empty() && a_due.back().clock == b.clocks + LATENCY - 1;
        a_due.push_back({b.clocks + LATENCY, operate(t.a_row_i, t.a_in_i)});
        a_offered = false;
        done++;
    } else if (P_B_WAIT == 0 && !t.a_ready_o) {
        b.fail("port A not ready");
    } else {
        held += a_offered;
    }
    if (bb) {
        uint64_t &word = words[t.b_addr_i / 8];

        for (int i = 0; t.b_write_i && i < 8; i++)
            if (t.b_strb_i >> i & 1)
                word = (word & ~(0xffull << 8 * i)) | (t.b_data_i & 0xffull << 8 * i);
        if (!t.b_write_i)
            b_due.push_back({b.clocks + LATENCY, word});
        b_offered = false;
        b_done++;
    } else if (b_offered) {
        if (P_B_WAIT && ++b_waited > P_B_WAIT + 1)
            b.fail("port B waited %llu clocks", (unsigned long long)b_waited);
        if (!t.a_valid_i)
            b.fail("port B held with nothing on port A");
    }
}

void State::check_memory()
{
    t.a_valid_i = 0;
    for (uint32_t i = 0; i < ALL + LATENCY; i++) {
        t.b_valid_i = i < ALL;
        t.b_write_i = 0;
        t.b_addr_i = 8 * i;
        b.settle();
        if (i >= LATENCY && (!t.b_rvalid_o || t.b_rdata_o != words[i - LATENCY]))
            b.fail("memory differs at word %u", i - LATENCY);
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
    while (s.done < b.operations || s.a_offered || s.b_offered || !s.a_due.empty() ||
           !s.b_due.empty()) {
        s.offer();
        b.settle();
        s.check("A", s.a_due, s.t.r_valid_o, s.t.r_out_o);
        s.check("B", s.b_due, s.t.b_rvalid_o, s.t.b_rdata_o);
        s.take();
        b.edge();
    }
    s.check_memory();
    if (s.hot < b.operations / 10 || s.b_done < b.operations / 100 || (P_B_WAIT && !s.held))
        b.fail("too little happened");
    return b.pass("%llu operations on port A (%llu back to back), %llu on port B",
                  (unsigned long long)s.done, (unsigned long long)s.hot,
                  (unsigned long long)s.b_done);
}
