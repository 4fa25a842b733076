// SPDX-License-Identifier: BSD-3-Clause
// pipe_payload against a queue of beats, with random offers, takes and reads of the beats inside: of
// the one that is taken in the same clock too, and of the oldest until the clock in which it leaves.
// Then how much it holds, and a beat and a read a clock.
#include <deque>

#include "Vtop.h"
#include "bench.h"

struct Answer {
    uint64_t due;
    uint32_t tag;
    unsigned count; // bytes that are defined
    uint8_t bytes[8];
};

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::deque<std::string> inside; // 65 bytes: data, last
    std::deque<Answer> answers;
    uint64_t first = 0; // number of the oldest beat inside
    std::string offer;
    bool offered = false;
    uint64_t taken = 0, reads = 0, fresh = 0, crossing = 0;
    size_t most = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 150000)
    {
    }
    void make_offer();
    void ask(bool push);
    void check_answer();
    void check_offer();
    void step(bool in, bool out, bool read);
};

void State::make_offer()
{
    offered = true;
    offer.assign(65, '\0');
    b.rng.fill(&offer[0], 64);
    offer[64] = char(b.rng.below(2));
    put(t.s_data_i, offer.data(), 64);
    t.s_last_i = offer[64];
}

// A position whose first byte, at least, is in a beat that is inside or being taken.
void State::ask(bool push)
{
    const size_t count = inside.size() + push;
    if (!count)
        return;
    const size_t newest = count - 1;
    const size_t beat = b.rng.below(3) ? b.rng.below(uint32_t(count)) : b.rng.below(2) ? newest : 0;
    const unsigned at = b.rng.below(2) ? b.rng.below(64) : 56 + b.rng.below(8);
    Answer a = {b.clocks + 4, b.rng.below(8), 0, {0}};

    for (; a.count < 8; a.count++) {
        const size_t n = beat + (at + a.count) / 64;
        if (n >= count)
            break;
        a.bytes[a.count] = uint8_t((n < inside.size() ? inside[n] : offer)[(at + a.count) % 64]);
    }
    fresh += push && beat == newest;
    crossing += at + a.count > 64;
    t.req_valid_i = 1;
    t.req_tag_i = a.tag;
    t.req_position_i = uint32_t((first + beat) * 64 + at) & 0x3fffff;
    answers.push_back(a);
    reads++;
}

void State::check_answer()
{
    const bool due = !answers.empty() && answers.front().due == b.clocks;
    if (due != bool(t.resp_valid_o))
        b.fail("an answer that is %s", due ? "missing" : "not due");
    if (!due)
        return;
    const Answer &a = answers.front();
    if (t.resp_tag_o != a.tag || memcmp(&t.resp_o, a.bytes, a.count))
        b.fail("wrong answer: tag %u for %u, bytes %016llx", t.resp_tag_o, a.tag,
               (unsigned long long)t.resp_o);
    answers.pop_front();
}

void State::check_offer()
{
    if (t.m_valid_o != !inside.empty())
        b.fail("%zu beats inside, valid %u", inside.size(), t.m_valid_o);
    if (!t.s_ready_o && inside.size() < P_DEPTH)
        b.fail("full with %zu beats", inside.size());
    if (t.s_ready_o && inside.size() >= P_DEPTH)
        b.fail("takes a beat over one that is inside");
    if (t.m_valid_o) {
        std::string got(65, '\0');
        get(t.m_data_o, &got[0], 64);
        got[64] = char(t.m_last_o);
        if (got != inside.front())
            b.fail("wrong beat");
    }
}

void State::step(bool in, bool out, bool read)
{
    if (!offered && in)
        make_offer();
    t.s_valid_i = offered;
    t.m_ready_i = out;
    t.req_valid_i = 0;
    b.settle();
    const bool push = t.s_valid_i && t.s_ready_o, pop = t.m_valid_o && t.m_ready_i;
    if (read)
        ask(push);
    b.settle();
    check_offer();
    check_answer();
    if (pop) {
        inside.pop_front();
        first++;
        taken++;
    }
    if (push) {
        inside.push_back(offer);
        offered = false;
    }
    most = inside.size() > most ? inside.size() : most;
    b.edge();
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Stall in, out, read;

    s.t.s_valid_i = s.t.m_ready_i = s.t.req_valid_i = 0;
    s.b.reset();
    while (s.taken < s.b.operations)
        s.step(!in.now(s.b.rng), !out.now(s.b.rng), !read.now(s.b.rng));
    while (!s.inside.empty() || s.offered)
        s.step(false, true, false);
    s.step(true, true, false);
    for (int i = 0; i < 1000; i++) {
        const uint64_t before = s.taken, asked = s.reads;
        s.step(true, true, true);
        if (s.taken != before + 1 || s.reads != asked + 1)
            s.b.fail("not a beat and a read a clock");
    }
    if (s.most < P_DEPTH || s.fresh < 1000 || s.crossing < 1000)
        s.b.fail("never full, or too few reads of every kind");
    return s.b.pass("%llu beats, %llu reads, at most %zu inside", (unsigned long long)s.taken,
                    (unsigned long long)s.reads, s.most);
}
