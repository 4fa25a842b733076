// SPDX-License-Identifier: BSD-3-Clause
// map_lpm in lock-step with a model: random requests to several maps, full and empty, with prefixes
// that lie in each other, configuration in between; then clocks: look-ups in a full map, insertions
// and deletions.
#include "tests/rtl/map/keys.h"

#include "model.h"

static const uint32_t BITS = 8 * (P_KEY_BYTES - 4);

// The first bits of one prefix, the others of another key; the length is the latter's.
static std::string joined(const std::string &first, uint32_t bits, std::string rest)
{
    for (uint32_t bit = 0; bit < bits; bit++) {
        uint8_t mask = uint8_t(0x80 >> bit % 8);
        rest[4 + bit / 8] = char((rest[4 + bit / 8] & ~mask) | (first[4 + bit / 8] & mask));
    }
    return rest;
}

struct LpmBench : KeyBench<LpmModel> {
    uint64_t shorter = 0; // look-ups that found less than what they asked for

    LpmBench(int argc, char **argv) : KeyBench(argc, argv, 1)
    {
    }
    // Seldom, as it takes long to fill a map; now and then soon, so that one begins with what
    // another has left.
    uint32_t config_gap() override
    {
        return configs % 2 ? 2000 : 40000;
    }
    Desc random_desc(uint32_t map, bool *fits) override
    {
        Desc d = start_desc(map);
        *fits = true;
        d[SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_LPM;
        d[SPEC_MAPDESC_KEY_BYTES] = 5 + b.rng.below(P_KEY_BYTES - 4);
        if (b.rng.chance(5)) {
            *fits = false;
            switch (b.rng.below(4)) {
            case 0:
                d[SPEC_MAPDESC_ENGINE] = b.rng.below(4);
                break;
            case 1:
                d[SPEC_MAPDESC_KEY_BYTES] = b.rng.chance(50) ? P_KEY_BYTES + 1 : b.rng.below(5);
                break;
            case 2:
                d[SPEC_MAPDESC_ENTRY_BASE] = P_ENTRIES - d[SPEC_MAPDESC_MAX_ENTRIES];
                break;
            case 3:
                d[SPEC_MAPDESC_CPUS] = 2 * b.rng.below(2);
                break;
            }
        }
        return d;
    }
    // Few addresses that share long beginnings, with all lengths, and anything behind the prefix.
    void new_pool(uint32_t map) override
    {
        const Desc &d = maps[map].map.desc;
        uint32_t bytes = d[SPEC_MAPDESC_KEY_BYTES];
        if (bytes < 5 || bytes > P_KEY_BYTES)
            bytes = P_KEY_BYTES;
        uint32_t n = 1 + b.rng.below(b.rng.chance(50) ? 8 : 2 * d[SPEC_MAPDESC_MAX_ENTRIES] + 8);
        std::vector<std::string> keys;
        for (uint32_t i = 0; i < n; i++) {
            std::string k(P_KEY_BYTES, '\0');
            b.rng.fill(&k[4], bytes - 4);
            if (i && b.rng.chance(80)) { // another's first bits
                const std::string &other = keys[b.rng.below(uint32_t(keys.size()))];
                k = joined(other, b.rng.below(8 * (bytes - 4) + 1), k);
            }
            uint32_t length = b.rng.chance(98)   ? b.rng.below(8 * (bytes - 4) + 1)
                              : b.rng.chance(50) ? 8 * (bytes - 4) + 1
                                                 : uint32_t(b.rng.next());
            if (b.rng.chance(30))
                length = 8 * (bytes - 4);
            memcpy(&k[0], &length, 4);
            keys.push_back(k);
        }
        pool[map] = keys;
    }
    void change_key() override
    {
        uint32_t most = map < P_MAPS ? 8 * (maps[map].map.desc[SPEC_MAPDESC_KEY_BYTES] - 4) : BITS;
        if (op == OP_LOOKUP && most <= BITS && b.rng.chance(60))
            memcpy(&key[0], &most, 4); // as programs do
    }
    void note(const Answer &a) override
    {
        if (op == OP_LOOKUP && a.status == 0 && map < P_MAPS &&
            !maps[map].map.keys.count(LpmModel::cut(key, LpmModel::length(key))))
            shorter++;
    }
};

struct Clocks {
    double lookup, insertion, deletion;
    uint64_t latency, slowest;
};

// Prefixes of a quarter of the key's bits and more, each once.
static std::vector<std::string> measured_keys(Rng &rng)
{
    std::vector<std::string> keys;
    std::map<std::string, bool> there;
    while (keys.size() < P_ENTRIES - 1) {
        std::string k(P_KEY_BYTES, '\0');
        uint32_t length = BITS / 4 + rng.below(BITS - BITS / 4 + 1);
        if (P_KEY_BYTES == 5)
            length = rng.below(9);
        rng.fill(&k[4], P_KEY_BYTES - 4);
        memcpy(&k[0], &length, 4);
        k = LpmModel::cut(k, length);
        if (there[k])
            continue;
        there[k] = true;
        keys.push_back(k);
    }
    return keys;
}

// The clocks of a request of this kind for each key, one by one.
static double one_by_one(LpmBench &s, uint32_t op, const std::vector<std::string> &keys)
{
    uint64_t start = s.b.clocks;
    for (const std::string &k : keys) {
        s.ask(op, k);
        s.drain();
    }
    return double(s.b.clocks - start) / double(keys.size());
}

// A full map: insertions one by one, look-ups of addresses below the prefixes, deletions.
static Clocks rates(LpmBench &s)
{
    const uint32_t lookups = 10000;
    Clocks c;
    s.b.reset(); // so that nothing is left in the filter
    s.configure(s.whole_desc(SPEC_ENGINE_LPM, P_ENTRIES - 1, s.all_buckets()));
    const std::vector<std::string> keys = measured_keys(s.b.rng);
    s.ask(OP_LOOKUP, keys[0]); // the map is not ready before it is clear
    s.drain();
    c.insertion = one_by_one(s, OP_UPDATE, keys);
    s.forget_times();
    uint64_t start = s.b.clocks;
    for (uint32_t i = 0; i < lookups; i++) {
        const std::string &k = keys[i * 7919ull % keys.size()];
        std::string noise(P_KEY_BYTES, '\0');
        s.b.rng.fill(&noise[4], P_KEY_BYTES - 4);
        memcpy(&noise[0], &BITS, 4);
        s.ask(OP_LOOKUP, joined(k, LpmModel::length(k), noise));
    }
    c.lookup = double(s.b.clocks - start) / lookups;
    s.drain();
    c.latency = s.fastest;
    c.slowest = s.slowest;
    c.deletion = one_by_one(s, OP_DELETE, keys);
    return c;
}

int main(int argc, char **argv)
{
    LpmBench s(argc, argv);
#ifdef P_RESET_ENTRIES
    s.maps[0].config(s.whole_desc(SPEC_ENGINE_LPM, P_RESET_ENTRIES, 4), true);
    s.new_pool(0);
#endif
    s.run();
    if (!s.shorter || !s.status[ENOSPC])
        s.b.fail("no look-up found a shorter prefix, or no map was full");
    const Clocks c = rates(s);
    return s.b.pass(
        "%llu requests, %llu configurations, status ok %llu ENOENT %llu ENOSPC %llu EEXIST %llu "
        "EINVAL %llu, %llu look-ups of shorter prefixes; full map: %.3f clocks a lookup, latency "
        "%llu to %llu; %.2f an insertion of 8 bytes, %.2f a deletion",
        (unsigned long long)s.answered, (unsigned long long)s.configs,
        (unsigned long long)s.status[0], (unsigned long long)s.status[ENOENT],
        (unsigned long long)s.status[ENOSPC], (unsigned long long)s.status[EEXIST],
        (unsigned long long)s.status[EINVAL], (unsigned long long)s.shorter, c.lookup,
        (unsigned long long)c.latency, (unsigned long long)c.slowest, c.insertion, c.deletion);
}
