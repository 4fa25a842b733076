// SPDX-License-Identifier: BSD-3-Clause
// pipe_egress against the contract byte by byte: every start, end, mask and zero_from, packets
// longer and shorter than they came, with and without events, random stalls on its three ports;
// then clocks a packet without stalls.
#include <algorithm>
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

#ifndef P_EVENT_BYTES
#define P_EVENT_BYTES 0
#endif
static const uint32_t EVENT_BEATS = P_EVENT_BYTES / 64;
static const uint32_t ORIGIN = SPEC_PKT_BASE - P_HEAD_BYTES,
                      WRITABLE = P_HEAD_BYTES + P_WINDOW_BYTES;

struct Packet {
    uint32_t ret, data, end, len, zero_from;
    uint64_t redirect;
    uint8_t meta;
    std::string came, bytes, events, out;
    uint32_t event_beats, left; // left: bytes of metadata and packet
    std::vector<bool> mask;
};
struct Beat {
    std::string data;
    bool last;
};

static uint32_t random_length(Rng &rng)
{
    switch (rng.below(4)) {
    case 0:
        return 14 + rng.below(51);
    case 1:
        return 14 + rng.below(300);
    case 2:
        return std::max(14u, 64 * (1 + rng.below(8)) - 1 + rng.below(3));
    default:
        return 14 + rng.below(1600);
    }
}

// percent: how many packets have events
static Packet random_packet(Rng &rng, bool plain, uint32_t plain_len, int shift, uint32_t percent)
{
    Packet p;
    p.ret = uint32_t(rng.next());
    p.redirect = rng.next();
    p.meta = uint8_t(rng.next());
    p.len = plain ? plain_len : random_length(rng);
    p.data = SPEC_PKT_BASE + uint32_t(plain ? shift : 0);
    p.end = SPEC_PKT_BASE + p.len;
    p.zero_from = 0xffff;
    p.came.resize(p.len);
    rng.fill(&p.came[0], p.len);
    p.bytes.resize(WRITABLE);
    rng.fill(&p.bytes[0], WRITABLE);
    p.mask.assign(WRITABLE, false);
    if (!plain) {
        if (rng.chance(60)) // grow by some headroom, or cut the front off
            p.data = rng.chance(50) ? SPEC_PKT_BASE - rng.below(P_HEAD_BYTES + 1)
                                    : SPEC_PKT_BASE + rng.below(p.len - 13);
        if (rng.chance(50))
            p.end = rng.chance(50) ? p.data + 14 + rng.below(p.end - p.data - 13)
                                   : p.end + rng.below(200);
        if (rng.chance(40))
            p.zero_from = ORIGIN + rng.below(p.end - ORIGIN + 64);
        uint32_t density = rng.chance(30) ? 0 : rng.below(101);
        for (uint32_t j = 0; j < WRITABLE; j++)
            p.mask[j] = rng.chance(density);
    }
    p.events.resize(P_EVENT_BYTES);
    rng.fill(&p.events[0], P_EVENT_BYTES);
    p.event_beats = EVENT_BEATS && rng.chance(percent) ? EVENT_BEATS : 0;
    if (p.event_beats)
        p.out = p.events;
    for (uint32_t o = p.data; o < p.end; o++) {
        uint32_t j = o - ORIGIN;
        char c = 0;
        if (j < WRITABLE && p.mask[j])
            c = p.bytes[j];
        else if (o >= SPEC_PKT_BASE && o < SPEC_PKT_BASE + p.len && o < p.zero_from)
            c = p.came[o - SPEC_PKT_BASE];
        p.out.push_back(c);
    }
    p.left = uint32_t(p.out.size()) - 64 * p.event_beats;
    return p;
}

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::deque<Packet> waiting, expected;
    std::deque<Beat> beats;
    std::string got;
    uint64_t packets = 0, out_beats = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 40000)
    {
    }
    void offer(bool packet, bool beat);
    void check_out();
};

void State::offer(bool packet, bool beat)
{
    t.s_valid_i = packet;
    t.beat_valid_i = beat;
    if (packet) {
        const Packet &p = waiting.front();
        t.s_ret_i = p.ret;
        t.s_redirect_i = p.redirect;
        t.s_meta_i = p.meta;
        t.s_data_i = p.data;
        t.s_end_i = p.end;
        t.s_len_i = p.len;
        t.s_zero_from_i = p.zero_from;
        put(t.s_bytes_i, p.bytes.data(), WRITABLE);
        uint8_t mask[(WRITABLE + 7) / 8] = {0};
        for (uint32_t j = 0; j < WRITABLE; j++)
            mask[j / 8] = uint8_t(mask[j / 8] | p.mask[j] << j % 8);
        put(t.s_mask_i, mask, sizeof mask);
        t.s_events_i = p.event_beats != 0 || (!EVENT_BEATS && p.meta & 1); // no area: no matter
        put(t.s_event_bytes_i, p.events.data(), P_EVENT_BYTES);
    }
    if (beat) {
        put(t.beat_data_i, beats.front().data.data(), 64);
        t.beat_last_i = beats.front().last;
    }
}

void State::check_out()
{
    if (expected.empty())
        b.fail("a beat of no packet");
    const Packet &p = expected.front();
    uint64_t keep = t.m_axis_tkeep;
    uint32_t n = keep == ~0ull ? 64 : uint32_t(__builtin_ctzll(~keep));
    if (n < 64 && keep != (1ull << n) - 1)
        b.fail("tkeep is not contiguous");
    if (!t.m_axis_tlast && n != 64)
        b.fail("a beat inside a packet is not full");
    if (bits(t.m_axis_tuser, SPEC_OUT_RET_LSB, 32) != p.ret ||
        bits(t.m_axis_tuser, SPEC_OUT_REDIRECT_LSB, 64) != p.redirect ||
        bits(t.m_axis_tuser, SPEC_OUT_META_LSB, 8) != p.meta ||
        bits(t.m_axis_tuser, SPEC_OUT_EVENTS_LSB, SPEC_OUT_EVENTS_BITS) != p.event_beats ||
        bits(t.m_axis_tuser, SPEC_OUT_LEN_LSB, 16) != p.left)
        b.fail("tuser differs");
    char beat[64];
    get(t.m_axis_tdata, beat, 64);
    got.append(beat, n);
    out_beats++;
    if (got.size() > p.out.size() || (t.m_axis_tlast && got.size() != p.out.size()))
        b.fail("packet %llu has %zu bytes, not %zu", (unsigned long long)packets, got.size(),
               p.out.size());
    if (memcmp(got.data(), p.out.data(), got.size())) {
        size_t i = 0;
        while (got[i] == p.out[i])
            i++;
        b.fail("packet %llu differs at %zu: data %u end %u len %u zero_from %u",
               (unsigned long long)packets, i, p.data, p.end, p.len, p.zero_from);
    }
    if (t.m_axis_tlast) {
        got.clear();
        expected.pop_front();
        packets++;
    }
}

// Sends count packets and gives the clocks that this took.
static uint64_t send(State &s, uint64_t count, bool plain, uint32_t len, int shift,
                     uint32_t percent)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    Stall in, beat_in, out;
    bool packet = false, beat = false;
    uint64_t start = b.clocks, made = 0, goal = s.packets + count;

    in.off = beat_in.off = out.off = plain;
    // Payload that a packet cut off is swallowed after its last beat has left: so many clocks at
    // the most.
    uint64_t spare = 100000;
    while (s.packets < goal || ((!s.beats.empty() || !s.waiting.empty()) && spare-- > 0)) {
        while (made < count && s.waiting.size() < 4) {
            Packet p = random_packet(b.rng, plain, len, shift, percent);
            for (uint32_t at = 0; at < p.len; at += 64) {
                std::string d(64, '\0');
                b.rng.fill(&d[0], 64); // what lies past the end must not matter
                memcpy(&d[0], p.came.data() + at, std::min(64u, p.len - at));
                s.beats.push_back({d, at + 64 >= p.len});
            }
            s.waiting.push_back(p);
            s.expected.push_back(p);
            made++;
        }
        packet = packet || (!s.waiting.empty() && !in.now(b.rng));
        beat = beat || (!s.beats.empty() && !beat_in.now(b.rng));
        s.offer(packet, beat);
        t.m_axis_tready = !out.now(b.rng);
        b.settle();
        if (t.m_axis_tvalid && t.m_axis_tready)
            s.check_out();
        if (packet && t.s_ready_o) {
            s.waiting.pop_front();
            packet = false;
        }
        if (beat && t.beat_ready_o) {
            s.beats.pop_front();
            beat = false;
        }
        b.edge();
    }
    if (!s.beats.empty() || !s.waiting.empty())
        b.fail("input is left over");
    return b.clocks - start;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    s.t.s_valid_i = s.t.beat_valid_i = s.t.m_axis_tready = 0;
    s.b.reset();
    send(s, s.b.operations, false, 0, 0, 40);
    const uint64_t n = 1000, slack = 8;
    uint64_t small = send(s, n, true, 64, 0, 0), cut = send(s, n, true, 64, 4, 0),
             big = send(s, n, true, 1500, 0, 0);
    uint64_t big_cut = send(s, n, true, 1500, 14, 0);
    uint64_t told = send(s, n, true, 64, 0, 100), big_told = send(s, n, true, 1500, 0, 100);
    if (small > n + slack || cut > n + slack || big > 24 * n + slack || big_cut > 24 * n + slack)
        s.b.fail("too slow: %llu %llu %llu %llu clocks for %llu packets", (unsigned long long)small,
                 (unsigned long long)cut, (unsigned long long)big, (unsigned long long)big_cut,
                 (unsigned long long)n);
    if (told > (1 + EVENT_BEATS) * n + slack || big_told > (24 + EVENT_BEATS) * n + slack)
        s.b.fail("too slow with events: %llu %llu clocks for %llu packets",
                 (unsigned long long)told, (unsigned long long)big_told, (unsigned long long)n);
    uint64_t grown = 0;
    if (P_HEAD_BYTES) {
        grown = send(s, n, true, 64, -4, 0);
        if (grown > 2 * n + slack)
            s.b.fail("too slow: %llu clocks for %llu packets that grow", (unsigned long long)grown,
                     (unsigned long long)n);
    }
    return s.b.pass(
        "%llu packets; clocks a packet: 64 B %.3f, 4 B cut off %.3f, 4 B added %.3f, 1500 B %.3f, "
        "14 B cut off %.3f; with events: 64 B %.3f, 1500 B %.3f",
        (unsigned long long)s.packets, double(small) / n, double(cut) / n, double(grown) / n,
        double(big) / n, double(big_cut) / n, double(told) / n, double(big_told) / n);
}
