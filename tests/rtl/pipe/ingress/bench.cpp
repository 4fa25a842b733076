// SPDX-License-Identifier: BSD-3-Clause
// pipe_ingress against the contract: windows, metadata and beats of random packets, with random
// stalls and enable_i going low at any time, with the number of the first beat, and with WHOLE only
// when all beats are out or go; then clocks a packet and the window's latency without stalls.
#include <algorithm>
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "hw/spec/gen/xdp.h"

enum { META_BYTES = SPEC_IN_TUSER_BITS / 8 };

struct Packet {
    std::string bytes, meta;
    uint64_t complete_at = 0; // clock in which its window's last beat was taken
    uint16_t beat = 0;        // number of its first
};

static uint32_t random_length(Rng &rng)
{
    switch (rng.below(4)) {
    case 0:
        return 14 + rng.below(51);
    case 1:
        return std::max(14u, 64 * (1 + rng.below(8)) - 1 + rng.below(3));
    case 2:
        return std::max(14u, P_WINDOW_BYTES - 2 + rng.below(5));
    default:
        return 14 + rng.below(1600);
    }
}

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::deque<Packet> windows, payloads;
    Packet now;
    size_t at = 0; // bytes of now that were sent
    size_t beat_at = 0;
    uint64_t beats_in = 0, beats_out = 0; // so far
    uint64_t packets = 0;
    bool offered = false;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 40000)
    {
    }
    void offer_beat(uint32_t len);
    void taken_beat();
    void check_window(bool exact);
    void check_beat();
};

void State::offer_beat(uint32_t len)
{
    if (at == 0) {
        now = Packet();
        now.bytes.resize(len ? len : random_length(b.rng));
        b.rng.fill(&now.bytes[0], now.bytes.size());
        now.meta.resize(META_BYTES);
        b.rng.fill(&now.meta[0], META_BYTES);
        now.beat = uint16_t(beats_in);
    }
    size_t n = std::min<size_t>(64, now.bytes.size() - at);
    std::string data(64, '\0'), user(META_BYTES, '\0');
    b.rng.fill(&data[0], 64);
    b.rng.fill(&user[0], META_BYTES);
    memcpy(&data[0], now.bytes.data() + at, n);
    put(t.s_axis_tdata, data.data(), 64);
    put(t.s_axis_tuser, at == 0 ? now.meta.data() : user.data(),
        META_BYTES); // valid with the first beat only
    t.s_axis_tkeep = n == 64 ? ~0ull : (1ull << n) - 1;
    t.s_axis_tlast = at + n == now.bytes.size();
    offered = true;
}

void State::taken_beat()
{
    size_t n = std::min<size_t>(64, now.bytes.size() - at), before = at;
    at += n;
    beats_in++;
    size_t need = P_WHOLE ? now.bytes.size() : std::min<size_t>(now.bytes.size(), P_WINDOW_BYTES);
    if (before < need && at >= need) {
        now.complete_at = b.clocks;
        windows.push_back(now);
    }
    if (before == 0)
        payloads.push_back(now);
    if (at == now.bytes.size())
        at = 0;
    offered = false;
}

void State::check_window(bool exact)
{
    if (windows.empty())
        b.fail("a window of no packet, or before its bytes are there");
    const Packet &p = windows.front();
    std::string window(P_WINDOW_BYTES, '\0'), meta(META_BYTES, '\0'), want(P_WINDOW_BYTES, '\0');
    get(t.m_window_o, &window[0], P_WINDOW_BYTES);
    get(t.m_meta_o, &meta[0], META_BYTES);
    memcpy(&want[0], p.bytes.data(), std::min<size_t>(p.bytes.size(), P_WINDOW_BYTES));
    if (window != want || meta != p.meta || t.m_beat_o != p.beat)
        b.fail("window, metadata or first beat of packet %llu differ", (unsigned long long)packets);
    uint64_t out = beats_out + (t.beat_valid_o && t.beat_ready_i);
    if (P_WHOLE && int16_t(uint16_t(out) - uint16_t(p.beat + (p.bytes.size() + 63) / 64)) < 0)
        b.fail("packet %llu is offered before its last beat", (unsigned long long)packets);
    if (exact && b.clocks != p.complete_at + 1)
        b.fail("window after %llu clocks", (unsigned long long)(b.clocks - p.complete_at));
    windows.pop_front();
    packets++;
}

void State::check_beat()
{
    if (payloads.empty())
        b.fail("a beat of no packet");
    const std::string &p = payloads.front().bytes;
    std::string data(64, '\0'), want(64, '\0');
    size_t n = std::min<size_t>(64, p.size() - beat_at);
    memcpy(&want[0], p.data() + beat_at, n);
    get(t.beat_data_o, &data[0], 64);
    if (data != want || t.beat_last_o != (beat_at + n == p.size()))
        b.fail("beat at %zu differs", beat_at);
    beats_out++;
    beat_at = t.beat_last_o ? 0 : beat_at + n;
    if (t.beat_last_o)
        payloads.pop_front();
}

static uint64_t send(State &s, uint64_t count, uint32_t len, bool plain)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    Stall in, window, beat;
    uint64_t start = b.clocks, goal = s.packets + count, sent = 0;

    in.off = window.off = beat.off = plain;
    t.enable_i = 1;
    while (s.packets < goal || !s.payloads.empty() || !s.windows.empty()) {
        bool may_start = s.at || sent < count;
        if (!s.offered && may_start && !in.now(b.rng)) {
            sent += s.at == 0;
            s.offer_beat(len);
        }
        if (!plain && b.rng.chance(2))
            t.enable_i = b.rng.below(2);
        t.s_axis_tvalid = s.offered;
        t.m_ready_i = !window.now(b.rng);
        t.beat_ready_i = !beat.now(b.rng);
        b.settle();
        if (!t.enable_i && s.at == 0 && t.s_axis_tready)
            b.fail("takes a packet while not enabled");
        if (t.m_valid_o && t.m_ready_i)
            s.check_window(plain);
        if (t.beat_valid_o && t.beat_ready_i)
            s.check_beat();
        if (s.offered && t.s_axis_tready)
            s.taken_beat();
        b.edge();
    }
    return b.clocks - start;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    s.t.s_axis_tvalid = s.t.m_ready_i = s.t.beat_ready_i = 0;
    s.b.reset();
    send(s, s.b.operations, 0, false);
    const uint64_t n = 1000, slack = 4;
    uint64_t small = send(s, n, 64, true), big = send(s, n, 1500, true);
    if (small > n + slack || big > 24 * n + slack)
        s.b.fail("too slow: %llu and %llu clocks for %llu packets", (unsigned long long)small,
                 (unsigned long long)big, (unsigned long long)n);
    return s.b.pass("%llu packets; clocks a packet: 64 B %.3f, 1500 B %.3f",
                    (unsigned long long)s.packets, double(small) / n, double(big) / n);
}
