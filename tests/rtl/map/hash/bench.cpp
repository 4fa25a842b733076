// SPDX-License-Identifier: BSD-3-Clause
// map_hash in lock-step with a model: random requests to several maps, full and empty, with few and
// many buckets and fingerprints, configuration in between; then clocks in a full map.
#include "tests/rtl/map/keys.h"

struct HashBench : KeyBench<MapModel> {
    HashBench(int argc, char **argv) : KeyBench(argc, argv, 4)
    {
    }
    uint32_t config_gap() override
    {
        return 1000;
    }
    Desc random_desc(uint32_t map, bool *fits) override
    {
        Desc d = start_desc(map);
        *fits = true;
        d[SPEC_MAPDESC_ENGINE] = P_LRU && b.rng.chance(70) ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH;
        d[SPEC_MAPDESC_KEY_BYTES] = 1 + b.rng.below(P_KEY_BYTES);
        if (b.rng.chance(5)) {
            *fits = false;
            switch (b.rng.below(6)) {
            case 0:
                d[SPEC_MAPDESC_ENGINE] =
                    b.rng.chance(50) && !P_LRU ? SPEC_ENGINE_LRU : b.rng.below(2);
                break;
            case 1:
                d[SPEC_MAPDESC_KEY_BYTES] = P_KEY_BYTES + 1;
                break;
            case 2:
                d[SPEC_MAPDESC_STRIDE] += 4;
                break;
            case 3:
                d[SPEC_MAPDESC_ENTRY_BASE] = P_ENTRIES - d[SPEC_MAPDESC_MAX_ENTRIES];
                break;
            case 4:
                d[SPEC_MAPDESC_BUCKET_BASE] = P_BUCKETS - d[SPEC_MAPDESC_BUCKET_MASK];
                break;
            case 5:
                d[SPEC_MAPDESC_CPUS] = 0;
                break;
            }
        }
        return d;
    }
    void new_pool(uint32_t map) override
    {
        const Desc &d = maps[map].desc;
        uint32_t bytes =
            d[SPEC_MAPDESC_KEY_BYTES] <= P_KEY_BYTES ? d[SPEC_MAPDESC_KEY_BYTES] : P_KEY_BYTES;
        uint32_t n = 1 + b.rng.below(b.rng.chance(50) ? 4 : 2 * d[SPEC_MAPDESC_MAX_ENTRIES]);
        std::vector<std::string> keys;
        for (uint32_t i = 0; i < n; i++) {
            std::string k(P_KEY_BYTES, '\0');
            if (b.rng.chance(50))
                memcpy(&k[0], &i, bytes < 4 ? bytes : 4);
            else
                b.rng.fill(&k[0], bytes);
            keys.push_back(k);
        }
        pool[map] = keys;
    }
};

static std::string measured_key(uint32_t i)
{
    std::string k(P_KEY_BYTES, '\0');
    i *= 2654435761u; // no pattern that CRC would spread evenly
    memcpy(&k[0], &i, P_KEY_BYTES < 4 ? P_KEY_BYTES : 4);
    return k;
}

struct Clocks {
    double lookup, insertion;
    uint64_t slowest;
    double random, one, two, few; // lookups by order of keys
};

// Clocks a lookup where the n-th is of which(n).
template <class Which> static double lookups_of(HashBench &s, Which which)
{
    const uint32_t lookups = 10000;
    const uint64_t start = s.b.clocks;
    for (uint32_t i = 0; i < lookups; i++)
        s.ask(OP_LOOKUP, measured_key(which(i)));
    return double(s.b.clocks - start) / lookups;
}

// A full map of many buckets: insertions one behind the other, then lookups only. Those of all keys
// in turn use the oldest entry of an LRU map each time.
static Clocks rates(HashBench &s)
{
    const uint32_t keys = P_ENTRIES - 1, lookups = 20000;
    Clocks c;
    s.configure(s.whole_desc(P_LRU ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH, keys, s.all_buckets()));
    uint64_t first = s.b.clocks;
    for (uint32_t i = 0; i < keys; i++)
        s.ask(OP_UPDATE, measured_key(i));
    s.ask(OP_LOOKUP, measured_key(0));
    c.insertion = double(s.b.clocks - first) / keys;
    uint64_t start = s.b.clocks;
    s.forget_times();
    for (uint32_t i = 1; i < lookups; i++)
        s.ask(OP_LOOKUP, measured_key(i % keys));
    c.lookup = double(s.b.clocks - start) / (lookups - 1);
    s.drain();
    c.slowest = s.slowest;
    c.random = lookups_of(s, [&](uint32_t) { return s.b.rng.below(keys); });
    c.one = lookups_of(s, [](uint32_t) { return 0u; });
    c.two = lookups_of(s, [](uint32_t i) { return i % 2; });
    c.few = lookups_of(s, [](uint32_t i) { return i % 3; });
    s.drain();
    return c;
}

int main(int argc, char **argv)
{
    HashBench s(argc, argv);
#ifdef P_RESET_ENTRIES
    s.maps[0].config(s.whole_desc(SPEC_ENGINE_HASH, P_RESET_ENTRIES, 4), true);
    s.new_pool(0);
#endif
    s.run();
    uint64_t evicted = 0;
    for (const MapModel &m : s.maps)
        evicted += m.evicted;
    if (P_LRU && P_ENTRIES <= 100 && !evicted)
        s.b.fail("nothing was evicted");
    const Clocks c = rates(s);
    if (c.one > 1.1 || c.two > 1.1) // neither waits, and no order of use costs a clock
        s.b.fail("%.3f clocks a lookup of one key, %.3f of two in turn", c.one, c.two);
    return s.b.pass(
        "%llu requests, %llu configurations, status ok %llu ENOENT %llu E2BIG %llu EEXIST %llu "
        "EINVAL %llu, %llu evicted; "
        "%.3f clocks a lookup in a full map, at most %llu clocks; %.2f an insertion of 8 bytes; "
        "lookups of random keys %.3f, of one %.3f, two in turn %.3f, three in turn %.3f",
        (unsigned long long)s.answered, (unsigned long long)s.configs,
        (unsigned long long)s.status[0], (unsigned long long)s.status[ENOENT],
        (unsigned long long)s.status[E2BIG], (unsigned long long)s.status[EEXIST],
        (unsigned long long)s.status[EINVAL], (unsigned long long)evicted, c.lookup,
        (unsigned long long)c.slowest, c.insertion, c.random, c.one, c.two, c.few);
}
