// SPDX-License-Identifier: BSD-3-Clause
// map_hash_far in lock-step with a model, against an AXI4 memory of random latency: random requests to several maps, full
// and empty, LRU and not, with lines that overflow and fingerprints that lie, configuration in between. Each answer is
// that of the requests one after the other in the order in which they were taken. Then clocks of each request, one at a
// time and as many as there are slots, at a memory of 60 clocks.
#include <algorithm>
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "tests/rtl/map/memory.h"
#include "tests/rtl/map/hash/model.h"

enum {
    CPUS = 4,
    STEADY = 60,
    TAGS = 1 << P_TAG_W,
    SHARE = P_ENTRIES / P_MAPS,
    BUCKET_SHARE = P_BUCKETS / P_MAPS,
    PLACES = 12,
    FILL = 8, // most entries a bucket
    LONGEST = 200000, // clocks that a request may take
};

struct Inside {
    bool any = false;
    uint32_t op = 0;
    uint64_t since = 0;
    Answer want = {0, 0, 0, "", 0, 0};
};

struct FarBench {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Memory<Vtop> ram{b};
    MapModel maps[P_MAPS];
    std::vector<std::string> pool[P_MAPS];
    std::vector<uint8_t> memory, expected; // values: as written, as they should be
    Inside inside[TAGS];
    uint32_t map = 0, op = 0, count = 0;
    std::string key, value = std::string(P_VALUE_BYTES, '\0');
    uint64_t done = 0, configs = 0, answered = 0, status[256] = {0}, slowest = 0, passed = 0, hinted = 0;
    std::deque<uint32_t> order; // tags as they were taken

    FarBench(int argc, char **argv) : b(BENCH_NAME, argc, argv, P_OPERATIONS)
    {
        memory.assign(P_ENTRIES * CPUS * P_VALUE_BYTES, 0);
        expected = memory;
        ram.shared = true;
        t.req_valid_i = t.cfg_valid_i = 0;
        b.reset();
    }
    Desc random_desc(uint32_t m, bool *fits)
    {
        Desc d;
        uint32_t buckets = 1;
        d[SPEC_MAPDESC_ENGINE] = (P_EVICT ? m == 0 : b.rng.chance(60)) ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH;
        d[SPEC_MAPDESC_KEY_BYTES] = 1 + b.rng.below(P_KEY_BYTES);
        d[SPEC_MAPDESC_STRIDE] = 8 * (1 + b.rng.below(P_VALUE_BYTES / 8));
        d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] - b.rng.below(8);
        d[SPEC_MAPDESC_MAX_ENTRIES] = P_EVICT || b.rng.chance(50) ? SHARE - 1 : 1 + b.rng.below(SHARE - 1);
        d[SPEC_MAPDESC_CPUS] = b.rng.chance(60) ? 1 : 1 + b.rng.below(CPUS);
        d[SPEC_MAPDESC_VMEM_BASE] = m * SHARE * CPUS * P_VALUE_BYTES;
        d[SPEC_MAPDESC_ENTRY_BASE] = 0x80000000 + m * SHARE;
        d[SPEC_MAPDESC_BUCKET_BASE] = 0x80000000 + first_bucket() + m * BUCKET_SHARE;
        while (buckets * FILL < d[SPEC_MAPDESC_MAX_ENTRIES] ||
               (2 * buckets <= BUCKET_SHARE && b.rng.chance(50)))
            buckets *= 2;
        d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
        *fits = P_EVICT || !b.rng.chance(5);
        if (*fits)
            return d;
        switch (b.rng.below(8)) {
        case 0:
            d[SPEC_MAPDESC_ENGINE] = b.rng.below(2);
            break;
        case 1:
            d[SPEC_MAPDESC_KEY_BYTES] = P_KEY_BYTES + 1;
            break;
        case 2:
            d[SPEC_MAPDESC_STRIDE] += 4;
            break;
        case 3:
            d[SPEC_MAPDESC_ENTRY_BASE] &= 0x7fffffff;
            break;
        case 4:
            d[SPEC_MAPDESC_BUCKET_MASK] = 2;
            break;
        case 5:
            d[SPEC_MAPDESC_CPUS] = 0;
            break;
        case 6:
            d[SPEC_MAPDESC_MAX_ENTRIES] = FILL * buckets + 1;
            break;
        default:
            d[SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_LRU;
            d[SPEC_MAPDESC_ENTRY_BASE] = 0x80000000 + P_LRU_ENTRIES - d[SPEC_MAPDESC_MAX_ENTRIES];
            break;
        }
        return d;
    }
    static uint32_t first_bucket()
    {
        return (P_ENTRIES + P_BUCKETS - 1) / P_BUCKETS * P_BUCKETS;
    }
    // CRC32C of key and map, whose low bits are the home.
    static uint32_t hash(uint32_t m, const std::string &k)
    {
        uint32_t crc = 0;
        for (char c : k + char(m)) {
            crc ^= uint8_t(c);
            for (int i = 0; i < 8; i++)
                crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
        return crc;
    }
    // New keys for a map; in half of the cases all of two neighbouring homes.
    void new_pool(uint32_t m)
    {
        const Desc &d = maps[m].desc;
        const uint32_t most = std::min<uint32_t>(2 * d[SPEC_MAPDESC_MAX_ENTRIES], 4 * SHARE);
        const uint32_t bytes = std::min<uint32_t>(d[SPEC_MAPDESC_KEY_BYTES], P_KEY_BYTES);
        const uint32_t n = 1 + b.rng.below(b.rng.chance(20) ? 4 : most);

        const uint32_t mask = d[SPEC_MAPDESC_BUCKET_MASK], home = b.rng.below(mask);
        const bool narrow = bytes > 1 && b.rng.chance(50);

        pool[m].clear();
        for (uint32_t i = 0; i < 20 * n && pool[m].size() < n; i++) {
            std::string k(P_KEY_BYTES, '\0');
            if (b.rng.chance(50))
                memcpy(&k[0], &i, bytes < 4 ? bytes : 4);
            else
                b.rng.fill(&k[0], bytes);
            if (!narrow || ((hash(m, k) - home) & mask) < 2)
                pool[m].push_back(k);
        }
    }

    void check_answer()
    {
        const uint32_t tag = t.resp_tag_o;
        Inside &x = inside[tag];
        if (!x.any)
            b.fail("an answer to nothing, tag %u", tag);
        const Answer &a = x.want;
        const uint64_t took = b.clocks - x.since;
        slowest = std::max(slowest, took);
        answered++;
        status[a.status]++;
        if (t.resp_status_o != a.status || t.resp_addr_o != a.addr)
            b.fail("op %u tag %u: status %u addr %x, not status %u addr %x", x.op, tag, t.resp_status_o, t.resp_addr_o,
                   a.status, a.addr);
        if (!a.key.empty()) {
            std::string got(P_KEY_BYTES, '\0');
            get(t.resp_key_o, &got[0], P_KEY_BYTES);
            if (got != a.key)
                b.fail("entry gives another key");
        }
        passed += order.front() != tag;
        order.erase(std::find(order.begin(), order.end(), tag));
        x.any = false;
        count--;
        // The value is there when the answer comes; later updates may have been modelled, but not written.
        if (a.value_bytes && !count && memcmp(&memory[a.value_at], &expected[a.value_at], a.value_bytes))
            b.fail("value differs at %u", a.value_at);
    }

    // One clock with the inputs as they are. Gives what was taken.
    void clock(Stall &w_stall, bool *request_taken, bool *config_taken)
    {
        t.w_ready_i = !w_stall.now(b.rng);
        ram.offer();
        b.settle();
        *request_taken = t.req_valid_i && t.req_ready_o;
        *config_taken = t.cfg_valid_i && t.cfg_ready_o;
        if (t.resp_valid_o)
            check_answer();
        if (t.w_valid_o && t.w_ready_i) {
            if (t.w_addr_o + 8 > memory.size() || t.w_addr_o % 8 || t.w_strb_o != 0xff)
                b.fail("bad value write at %x", t.w_addr_o);
            memcpy(&memory[t.w_addr_o], &t.w_data_o, 8);
        }
        ram.take();
        if (!order.empty() && b.clocks - inside[order.front()].since > LONGEST)
            b.fail("a request never ends, tag %u op %u", order.front(), inside[order.front()].op);
        b.edge();
    }

    // The model's answer to what was taken in the last clock.
    void expect()
    {
        MapModel none;
        MapModel &m = map < P_MAPS ? maps[map] : none;
        Inside &x = inside[t.req_tag_i];

        x.want = m.request(op, key, value, t.req_flags_i, t.req_cpu_i, t.req_entry_i, expected);
        if (m.ok && op == OP_ENTRY && x.want.status == ENOENT && t.req_entry_i >= m.fresh &&
            t.req_entry_i != m.desc[SPEC_MAPDESC_MAX_ENTRIES]) {
            x.want.addr = m.desc[SPEC_MAPDESC_MAX_ENTRIES];
            hinted++;
        }
        x.any = true;
        x.op = op;
        x.since = b.clocks - 1;
        order.push_back(t.req_tag_i);
        count++;
    }

    bool free_tag(uint32_t *tag)
    {
        const uint32_t first = b.rng.below(TAGS);
        for (uint32_t i = 0; i < TAGS; i++)
            if (!inside[*tag = (first + i) % TAGS].any)
                return true;
        return false;
    }
    void offer_request(uint32_t lookups, uint32_t deletes, uint32_t tag)
    {
        map = b.rng.chance(1) ? P_MAPS + b.rng.below(256 - P_MAPS) : b.rng.below(P_MAPS);
        op = b.rng.chance(lookups)   ? b.rng.chance(20) ? OP_PEEK : OP_LOOKUP
             : b.rng.chance(15)      ? OP_ENTRY
             : b.rng.chance(1)       ? 5 + b.rng.below(3)
             : b.rng.chance(deletes) ? OP_DELETE
                                     : OP_UPDATE;
        key = std::string(P_KEY_BYTES, '\0');
        if (map < P_MAPS && !pool[map].empty())
            key = pool[map][b.rng.below(uint32_t(pool[map].size()))];
        b.rng.fill(&value[0], P_VALUE_BYTES);
        t.req_cpu_i = b.rng.below(5);
        t.req_flags_i = b.rng.chance(70) ? 0 : b.rng.chance(90) ? 1 + b.rng.below(2) : b.rng.next();
        t.req_entry_i = b.rng.chance(95) ? b.rng.below(SHARE + 1) : uint32_t(b.rng.next());
        t.req_tag_i = tag;
        put_request();
    }
    void put_request()
    {
        t.req_op_i = op;
        t.req_map_i = map;
        put(t.req_key_i, key.data(), P_KEY_BYTES);
        put(t.req_value_i, value.data(), P_VALUE_BYTES);
    }

    void run()
    {
        Stall in, w;
        bool request = false, config = false, fits = false;
        uint32_t config_map = 0, lookups = 50, deletes = 20, tag;
        Desc desc;

        while (done < b.operations || request || config || count) {
            const bool more = done < b.operations;
            if (b.rng.below(10000) < 4) {
                lookups = 20 + b.rng.below(P_EVICT ? 40 : 75);
                deletes = b.rng.chance(P_EVICT ? 20 : 50) ? b.rng.below(60) : 3;
                new_pool(b.rng.below(P_MAPS));
                ram.least = 1 + b.rng.below(30);
                ram.most = ram.least + b.rng.below(100);
            }
            if (more && !config && (configs < P_MAPS || b.rng.below(P_EVICT ? 50000 : 5000) == 0)) {
                config = true;
                config_map = configs < P_MAPS ? uint32_t(configs) : b.rng.below(P_MAPS);
                desc = random_desc(config_map, &fits);
                t.cfg_map_i = config_map;
                put(t.cfg_desc_i, desc.word, sizeof desc.word);
            }
            if (more && !request && !in.now(b.rng) && free_tag(&tag)) {
                request = true;
                offer_request(lookups, deletes, tag);
            }
            t.req_valid_i = request;
            t.cfg_valid_i = config;
            bool taken, configured;
            clock(w, &taken, &configured);
            if (configured) {
                maps[config_map].config(desc, fits);
                new_pool(config_map);
                config = false;
                configs++;
            }
            if (taken) {
                expect();
                request = false;
                done++;
            }
        }
        if (memory != expected)
            b.fail("values differ at the end");
    }

    // --- clocks, at a memory of STEADY clocks
    void measure(uint32_t engine, uint32_t entries)
    {
        Stall none;
        bool taken, configured;
        Desc d;
        uint32_t buckets = 1;

        none.off = true;
        while (2 * buckets <= BUCKET_SHARE && buckets * 4 < entries)
            buckets *= 2;
        d[SPEC_MAPDESC_ENGINE] = engine;
        d[SPEC_MAPDESC_KEY_BYTES] = P_KEY_BYTES;
        d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] = 8;
        d[SPEC_MAPDESC_MAX_ENTRIES] = entries;
        d[SPEC_MAPDESC_CPUS] = 1;
        d[SPEC_MAPDESC_ENTRY_BASE] = 0x80000000;
        d[SPEC_MAPDESC_BUCKET_BASE] = 0x80000000 + first_bucket();
        d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
        put(t.cfg_desc_i, d.word, sizeof d.word);
        t.cfg_map_i = 0;
        t.cfg_valid_i = 1;
        t.req_valid_i = 0;
        do
            clock(none, &taken, &configured);
        while (!configured);
        t.cfg_valid_i = 0;
        maps[0].config(d, true);
    }
    static std::string measured_key(uint32_t i)
    {
        std::string k(P_KEY_BYTES, '\0');
        i *= 2654435761u;
        memcpy(&k[0], &i, P_KEY_BYTES < 4 ? P_KEY_BYTES : 4);
        return k;
    }
    // Clocks a request, of keys first to first + n - 1, `most` of them at a time.
    double rate(uint32_t wanted, uint32_t first, uint32_t n, uint32_t most)
    {
        Stall none;
        bool taken = true, configured;
        const uint64_t start = b.clocks;
        uint32_t i = 0, tag = 0;

        none.off = true;
        map = 0;
        op = wanted;
        t.req_cpu_i = 0;
        t.req_flags_i = 0;
        while (i < n || count) {
            t.req_valid_i = i < n && count < most && free_tag(&tag);
            if (t.req_valid_i) {
                key = measured_key(first + i);
                t.req_tag_i = tag;
                put_request();
            }
            clock(none, &taken, &configured);
            if (taken) {
                expect();
                i++;
            }
        }
        t.req_valid_i = 0;
        return double(b.clocks - start) / n;
    }
};

static uint64_t tenth(const FarBench &s)
{
    return s.b.operations / 50;
}

int main(int argc, char **argv)
{
    FarBench s(argc, argv);
    uint64_t evicted = 0;
    char text[600];
    int n = 0;

    s.run();
    const uint64_t clocks = s.b.clocks, deepest = s.ram.deepest;
    for (const MapModel &m : s.maps)
        evicted += m.evicted;
    if ((P_EVICT ? evicted < tenth(s) : SHARE < 100 && !s.status[E2BIG]) || !s.passed || !s.hinted || deepest < P_SLOTS ||
        !s.status[EEXIST] || !s.status[EINVAL] || !s.status[ENOENT])
        s.b.fail("too little happened: %llu evicted, %llu passed, %llu hints, %llu deep", (unsigned long long)evicted,
                 (unsigned long long)s.passed, (unsigned long long)s.hinted, (unsigned long long)deepest);
    const uint64_t slowest = s.slowest;

    s.ram.steady(STEADY);
    for (uint32_t engine = SPEC_ENGINE_HASH; engine <= SPEC_ENGINE_LRU; engine++) {
        const uint32_t entries = SHARE - 1, half = entries / 2;
        const bool lru = engine == SPEC_ENGINE_LRU;
        for (uint32_t most = 1; most <= P_SLOTS; most += P_SLOTS - 1) {
            s.measure(engine, entries);
            const double insertion = s.rate(OP_UPDATE, 0, entries, most);
            const double hit = s.rate(OP_LOOKUP, 0, entries, most);
            const double miss = s.rate(OP_LOOKUP, 1 << 20, entries, most);
            const double eviction = lru ? s.rate(OP_UPDATE, 1 << 21, half, most) : 0;
            const double replacement = s.rate(OP_UPDATE, lru ? 1 << 21 : 0, half, most);
            const double deletion = s.rate(OP_DELETE, lru ? 1 << 21 : 0, half, most);
            n += snprintf(text + n, sizeof(text) - n,
                          "; %s, %u at a time: hit %.1f miss %.1f insertion %.1f replacement %.1f deletion %.1f",
                          lru ? "LRU" : "hash", most, hit, miss, insertion, replacement, deletion);
            if (lru)
                n += snprintf(text + n, sizeof(text) - n, " eviction %.1f", eviction);
            if (P_SLOTS == 1)
                break;
        }
    }
    return s.b.pass("%llu requests, %llu configurations, status ok %llu ENOENT %llu E2BIG %llu EEXIST %llu EINVAL %llu, "
                    "%llu evicted, %llu passed earlier ones, slowest %llu of %llu clocks; memory of %d clocks%s",
                    (unsigned long long)s.answered, (unsigned long long)s.configs, (unsigned long long)s.status[0],
                    (unsigned long long)s.status[ENOENT], (unsigned long long)s.status[E2BIG],
                    (unsigned long long)s.status[EEXIST], (unsigned long long)s.status[EINVAL],
                    (unsigned long long)evicted, (unsigned long long)s.passed, (unsigned long long)slowest,
                    (unsigned long long)clocks, STEADY, text);
}
