// SPDX-License-Identifier: BSD-3-Clause
// What a map of the LPM engine does: that of a hash map whose keys are prefixes, cut at their
// length, and look-ups that try each length from the longest on (docs/hardware.md).
#pragma once
#include "tests/rtl/map/hash/model.h"

struct LpmModel {
    MapModel map;                        // by prefixes
    std::map<uint32_t, std::string> raw; // keys of entries, as they came

    void config(const Desc &d, bool fits)
    {
        map.config(d, fits);
        raw.clear();
    }
    static uint32_t length(const std::string &key)
    {
        uint32_t n;
        memcpy(&n, key.data(), 4);
        return n;
    }
    // The key's first n bits, as a key of that length.
    static std::string cut(const std::string &key, uint32_t n)
    {
        std::string k = key;
        memcpy(&k[0], &n, 4);
        for (uint32_t i = 4; i < k.size(); i++) {
            uint32_t before = 8 * (i - 4), kept = n <= before ? 0 : n - before;
            if (kept < 8)
                k[i] = char(uint8_t(k[i]) & 0xff00 >> kept);
        }
        return k;
    }
    Answer request(uint32_t op, const std::string &key, const std::string &value, uint64_t flags,
                   uint32_t, uint32_t entry, std::vector<uint8_t> &memory)
    {
        Answer a = {0, 0, 0, "", 0, 0};
        uint32_t n = length(key), most = 8 * (map.desc[SPEC_MAPDESC_KEY_BYTES] - 4);
        bool look = op == OP_LOOKUP || op == OP_PEEK;
        if (!map.ok || op > OP_PEEK) {
            a.status = EINVAL;
        } else if (op == OP_ENTRY) {
            a = map.request(op, key, value, flags, 0, entry, memory);
            if (a.status == 0)
                a.key = raw[entry];
        } else if (n > most) {
            a.status = look ? ENOENT : EINVAL;
        } else if (look) {
            a.status = ENOENT;
            for (uint32_t i = n + 1; i-- > 0 && a.status;)
                a = map.request(OP_PEEK, cut(key, i), value, flags, 0, entry, memory);
        } else {
            std::string prefix = cut(key, n);
            a = map.request(op, prefix, value, flags, 0, entry, memory);
            if (a.status == E2BIG)
                a.status = ENOSPC;
            if (op == OP_UPDATE && a.status == 0)
                raw[map.keys[prefix]] = key;
        }
        return a;
    }
};
