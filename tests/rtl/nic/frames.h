// SPDX-License-Identifier: BSD-3-Clause
// Frames of the NIC's benches, and what their RSS hash is: written down bit by bit after the definition of the Toeplitz hash, with
// another parser than the hardware's.
#pragma once
#include "bench.h"

typedef std::string Bytes;

// The result is xored with the key's first 32 bits for each bit of the input that is set; the key moves by a bit for each.
static uint32_t toeplitz(const uint8_t *key, const Bytes &input)
{
    uint8_t window[40];
    uint32_t result = 0;
    memcpy(window, key, sizeof window);
    for (size_t i = 0; i < 8 * input.size(); i++) {
        if (input[i / 8] << i % 8 & 0x80)
            result ^= uint32_t(window[0]) << 24 | uint32_t(window[1]) << 16 | uint32_t(window[2]) << 8 | window[3];
        for (int k = 0; k < 40; k++)
            window[k] = uint8_t(window[k] << 1 | (k < 39 ? window[k + 1] >> 7 : 0));
    }
    return result;
}

struct Rss {
    uint8_t key[40];
    uint32_t types = 0;
    uint8_t table[128];

    // false: not hashed
    bool hash(const Bytes &f, uint32_t *out) const
    {
        auto u8 = [&](size_t i) { return i < f.size() ? uint8_t(f[i]) : 0u; };
        auto u16 = [&](size_t i) { return u8(i) << 8 | u8(i + 1); };
        size_t at = 12;
        *out = 0;
        for (int tags = 0; tags < 2 && (u16(at) == 0x8100 || u16(at) == 0x88a8); tags++)
            at += 4;
        uint32_t ethertype = u16(at);
        at += 2;
        bool v4 = ethertype == 0x0800, v6 = ethertype == 0x86dd;
        if ((!v4 && !v6) || f.size() < at + (v4 ? 20 : 40))
            return false;
        if (u8(at) >> 4 != (v4 ? 4u : 6u) || (v4 && (u8(at) & 15) < 5))
            return false;
        size_t l4 = at + (v4 ? 4 * (u8(at) & 15) : 40);
        uint32_t protocol = u8(at + (v4 ? 9 : 6));
        bool fragment = v4 && (u16(at + 6) & 0x3fff);
        bool ports = !fragment && f.size() >= l4 + 4;
        uint32_t shift = v4 ? 0 : 3;
        Bytes input = v4 ? f.substr(at + 12, 8) : f.substr(at + 8, 32);
        if (ports && ((protocol == 6 && types >> (shift + 1) & 1) || (protocol == 17 && types >> (shift + 2) & 1)))
            input += f.substr(l4, 4);
        else if (!(types >> shift & 1))
            return false;
        *out = toeplitz(key, input);
        return true;
    }
};

struct Frame {
    Bytes bytes;
    bool error = false;
    uint32_t gap = 0; // clocks before it
};

// what the echo slot is to do with it
struct Wish {
    uint8_t ret = 1, meta = 0, events = 0, table = 0; // table: byte 10 of the redirect word
    bool ifindex = false;                            // redirect to interface number table
};

static uint64_t redirect_word(const Bytes &f)
{
    return uint64_t(uint8_t(f[9]) >> 7) << 63 | uint64_t(uint8_t(f[11])) << 32 | uint8_t(f[10]);
}

// dst: destination address; len: at least 14
static Bytes make_frame(Rng &rng, const uint8_t *dst, const Wish &w, uint32_t len)
{
    Bytes f(len, 0);
    rng.fill(&f[0], len);
    memcpy(&f[0], dst, 6);
    f[6] = char(w.ret);
    f[7] = char(w.meta);
    f[8] = char(w.events);
    f[9] = char((f[9] & 0x7f) | (w.ifindex ? 0x80 : 0));
    f[10] = char(w.table);
    f[11] = char(w.ifindex ? 0 : 1);
    size_t at = 12;
    uint32_t tags = rng.below(4) == 0 ? 1 + rng.below(3) : 0;
    auto set16 = [&](size_t i, uint32_t v) {
        if (i < len)
            f[i] = char(v >> 8);
        if (i + 1 < len)
            f[i + 1] = char(v);
    };
    for (; tags; tags--, at += 4)
        set16(at, rng.chance(50) ? 0x8100 : 0x88a8);
    uint32_t kind = rng.below(8);
    set16(at, kind < 4 ? 0x0800 : kind < 7 ? 0x86dd : 0x0806);
    at += 2;
    static const uint8_t protocols[] = {6, 17, 1, 6};
    if (kind < 4) {
        if (at < len)
            f[at] = char(0x40 | (rng.chance(60) ? 5 : rng.below(16)));
        static const uint16_t fragments[] = {0, 0x4000, 0x4000, 0x8000, 0x2000, 0x0001, 0x3000};
        set16(at + 6, rng.chance(90) ? fragments[rng.below(7)] : uint32_t(rng.next()) & 0xffff);
        if (at + 9 < len)
            f[at + 9] = char(protocols[rng.below(4)]);
    } else {
        if (at < len && rng.chance(90))
            f[at] = char(0x60 | rng.below(16));
        if (at + 6 < len)
            f[at + 6] = char(protocols[rng.below(4)]);
    }
    return f;
}

static uint32_t frame_length(Rng &rng)
{
    static const uint32_t sizes[] = {64, 64, 64, 512, 576, 1518, 9000, 14, 63, 65, 128, 1500};
    switch (rng.below(4)) {
    case 0:
        return sizes[rng.below(12)];
    case 1: // IMIX: 7 of 64, 4 of 576, 1 of 1500
        return rng.below(12) < 7 ? 64 : rng.below(5) < 4 ? 576 : 1500;
    case 2:
        return 14 + rng.below(200);
    default:
        return 64 * (1 + rng.below(6)) - 1 + rng.below(3);
    }
}
