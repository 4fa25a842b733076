// SPDX-License-Identifier: BSD-3-Clause
// pipe_fifo against a queue, with random offers and takes; how much it holds; a word a clock.
#include <deque>

#include "Vtop.h"
#include "bench.h"

static const size_t BYTES = (P_WIDTH + 7) / 8;

static std::string word(Rng &rng)
{
    std::string w(BYTES, '\0');
    rng.fill(&w[0], BYTES);
    if (P_WIDTH % 8)
        w[BYTES - 1] = char(w[BYTES - 1] & ((1 << P_WIDTH % 8) - 1));
    return w;
}

int main(int argc, char **argv)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 200000);
    auto &t = *b.top;
    std::deque<std::string> model;
    Stall in, out;
    bool offered = false;
    std::string offer;
    uint64_t taken = 0;
    size_t most = 0;

    t.s_valid_i = t.m_ready_i = 0;
    b.reset();
    while (taken < b.operations) {
        if (!offered && !in.now(b.rng)) {
            offered = true;
            offer = word(b.rng);
            put(t.s_data_i, offer.data(), BYTES);
        }
        t.s_valid_i = offered;
        t.m_ready_i = !out.now(b.rng);
        b.settle();
        if (t.m_valid_o && model.empty())
            b.fail("a word out of nothing");
        if (!t.m_valid_o && !model.empty())
            b.fail("%zu words inside and none offered", model.size());
        if (!t.s_ready_o && model.size() < P_DEPTH)
            b.fail("full with %zu words", model.size());
        bool pop = t.m_valid_o && t.m_ready_i, push = t.s_valid_i && t.s_ready_o;
        if (t.m_valid_o) {
            std::string got(BYTES, '\0');
            get(t.m_data_o, &got[0], BYTES);
            if (got != model.front())
                b.fail("wrong word");
        }
        if (pop) {
            model.pop_front();
            taken++;
        }
        if (push) {
            model.push_back(offer);
            offered = false;
        }
        most = model.size() > most ? model.size() : most;
        b.edge();
    }
    // Full speed: after the first word, one each clock.
    t.m_ready_i = 1;
    t.s_valid_i = 0;
    while (b.settle(), t.m_valid_o)
        b.edge();
    t.s_valid_i = 1;
    for (int i = 0; i < 1000; i++) {
        b.settle();
        if (!t.s_ready_o || t.m_valid_o != (i > 0))
            b.fail("not a word a clock");
        b.edge();
    }
    if (most < P_DEPTH)
        b.fail("never full");
    return b.pass("%llu words, at most %zu inside", (unsigned long long)taken, most);
}
