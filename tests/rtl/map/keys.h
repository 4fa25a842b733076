// SPDX-License-Identifier: BSD-3-Clause
// What the benches of the engines of keys (map_hash, map_lpm) share: random requests to several
// maps in lock-step with a model, configuration in between, and requests one after the other to
// measure. Every answer, entry number, key and written value is compared.
#pragma once
#include <algorithm>
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "tests/rtl/map/hash/model.h"

static const uint32_t SHARE = P_ENTRIES / P_MAPS, BUCKET_SHARE = P_BUCKETS / P_MAPS;

template <class Model> struct KeyBench {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    uint32_t cpus; // most CPUs of a map
    Model maps[P_MAPS];
    std::vector<std::string> pool[P_MAPS]; // keys that are used
    std::vector<uint8_t> memory, expected; // values: as written, as they should be
    std::deque<Answer> due;
    std::deque<uint64_t> due_clock;
    uint32_t map = 0, op = 0; // the request that is offered
    std::string key, value = std::string(P_VALUE_BYTES, '\0');
    uint64_t done = 0, configs = 0, answered = 0, status[256] = {0}, slowest, fastest;

    KeyBench(int argc, char **argv, uint32_t most_cpus)
        : b(BENCH_NAME, argc, argv, 60000), cpus(most_cpus)
    {
        memory.assign(P_ENTRIES * cpus * P_VALUE_BYTES, 0);
        expected = memory;
        forget_times();
        t.req_valid_i = t.cfg_valid_i = 0;
        b.reset();
    }
    virtual ~KeyBench()
    {
    }
    // A descriptor for a map, with the engine and sizes of this bench; not *fits: of none that the
    // engine takes.
    virtual Desc random_desc(uint32_t map, bool *fits) = 0;
    // New keys for a map.
    virtual void new_pool(uint32_t map) = 0;
    // Clocks from one configuration to the next.
    virtual uint32_t config_gap() = 0;
    // The last word on the key that is offered.
    virtual void change_key()
    {
    }
    // What the model gave for the request that was offered.
    virtual void note(const Answer &a)
    {
    }

    void forget_times()
    {
        slowest = 0;
        fastest = ~0ull;
    }
    // What descriptors of all engines have alike.
    Desc start_desc(uint32_t map)
    {
        Desc d;
        uint32_t buckets = 1;
        while (2 * buckets <= BUCKET_SHARE && b.rng.chance(80))
            buckets *= 2;
        d[SPEC_MAPDESC_STRIDE] = 8 * (1 + b.rng.below(P_VALUE_BYTES / 8));
        d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] - b.rng.below(8);
        d[SPEC_MAPDESC_MAX_ENTRIES] = b.rng.chance(50) ? SHARE - 1 : 1 + b.rng.below(SHARE - 1);
        d[SPEC_MAPDESC_CPUS] = b.rng.chance(60) ? 1 : 1 + b.rng.below(cpus);
        d[SPEC_MAPDESC_VMEM_BASE] = map * SHARE * cpus * P_VALUE_BYTES;
        d[SPEC_MAPDESC_ENTRY_BASE] = map * SHARE;
        d[SPEC_MAPDESC_BUCKET_BASE] = map * BUCKET_SHARE;
        d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
        return d;
    }
    // One map of values of 8 bytes that has all entries.
    static Desc whole_desc(uint32_t engine, uint32_t max_entries, uint32_t buckets)
    {
        Desc d;
        d[SPEC_MAPDESC_ENGINE] = engine;
        d[SPEC_MAPDESC_KEY_BYTES] = P_KEY_BYTES;
        d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] = 8;
        d[SPEC_MAPDESC_MAX_ENTRIES] = max_entries;
        d[SPEC_MAPDESC_CPUS] = 1;
        d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
        return d;
    }
    static uint32_t all_buckets()
    {
        uint32_t buckets = 1;
        while (2 * buckets <= P_BUCKETS)
            buckets *= 2;
        return buckets;
    }

    void check_answer()
    {
        if (due.empty())
            b.fail("an answer to nothing");
        Answer a = due.front();
        due.pop_front();
        uint64_t took = b.clocks - due_clock.front();
        due_clock.pop_front();
        slowest = std::max(slowest, took);
        fastest = std::min(fastest, took);
        answered++;
        status[a.status]++;
        if (t.resp_tag_o != a.tag || t.resp_status_o != a.status || t.resp_addr_o != a.addr)
            b.fail("answer tag %x status %u addr %x, not tag %x status %u addr %x", t.resp_tag_o,
                   t.resp_status_o, t.resp_addr_o, a.tag, a.status, a.addr);
        if (!a.key.empty()) {
            std::string got(P_KEY_BYTES, '\0');
            get(t.resp_key_o, &got[0], P_KEY_BYTES);
            if (got != a.key)
                b.fail("entry gives another key");
        }
        // The value is there when the answer comes; later updates may have been modelled, but not
        // written.
        if (a.value_bytes && due.empty() &&
            memcmp(&memory[a.value_at], &expected[a.value_at], a.value_bytes))
            b.fail("value differs at %u", a.value_at);
    }

    // One clock with the inputs as they are. Gives what was taken.
    void clock(Stall &w_stall, bool *request_taken, bool *config_taken)
    {
        t.w_ready_i = !w_stall.now(b.rng);
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
        b.edge();
    }

    // The model's answer to what was taken in the last clock.
    void expect()
    {
        Model none;
        Answer a =
            (map < P_MAPS ? maps[map] : none)
                .request(op, key, value, t.req_flags_i, t.req_cpu_i, t.req_entry_i, expected);
        note(a);
        a.tag = t.req_tag_i;
        due.push_back(a);
        due_clock.push_back(b.clocks - 1);
    }

    // A random request on the port; lookups and deletes are percentages.
    void offer_request(uint32_t lookups, uint32_t deletes)
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
        change_key();
        b.rng.fill(&value[0], P_VALUE_BYTES);
        t.req_cpu_i = b.rng.below(5);
        t.req_flags_i = b.rng.chance(70) ? 0 : b.rng.chance(90) ? 1 + b.rng.below(2) : b.rng.next();
        t.req_entry_i = b.rng.chance(95) ? b.rng.below(SHARE + 1) : uint32_t(b.rng.next());
        t.req_tag_i = b.rng.below(1u << P_TAG_W);
        put_request();
    }
    void put_request()
    {
        t.req_op_i = op;
        t.req_map_i = map;
        put(t.req_key_i, key.data(), P_KEY_BYTES);
        put(t.req_value_i, value.data(), P_VALUE_BYTES);
    }

    // As many random requests as were asked for.
    void run()
    {
        Stall in, w;
        bool request = false, config = false, fits = false;
        uint32_t config_map = 0, lookups = 50, deletes = 20;
        Desc desc;

        while (done < b.operations || request || config || !due.empty()) {
            bool more = done < b.operations;
            if (b.rng.chance(1) && b.rng.chance(20)) {
                lookups = 20 + b.rng.below(75);
                deletes = b.rng.below(60);
                new_pool(b.rng.below(P_MAPS));
            }
            if (more && !config && b.rng.below(config_gap()) == 0) {
                config = true;
                config_map = b.rng.below(P_MAPS);
                desc = random_desc(config_map, &fits);
                t.cfg_map_i = config_map;
                put(t.cfg_desc_i, desc.word, sizeof desc.word);
            }
            if (more && !request && !in.now(b.rng)) {
                request = true;
                offer_request(lookups, deletes);
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

    // Gives map 0 a descriptor, which fits.
    void configure(const Desc &d)
    {
        Stall none;
        none.off = true;
        bool taken, configured;
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
    // A request to map 0, as soon as it is taken.
    void ask(uint32_t wanted, const std::string &of)
    {
        Stall none;
        none.off = true;
        bool taken, configured;
        map = 0;
        op = wanted;
        key = of;
        t.req_cpu_i = 0;
        t.req_flags_i = 0;
        put_request();
        t.req_valid_i = 1;
        do
            clock(none, &taken, &configured);
        while (!taken);
        expect();
        t.req_valid_i = 0;
    }
    // Until all answers are there.
    void drain()
    {
        Stall none;
        none.off = true;
        bool taken, configured;
        while (!due.empty())
            clock(none, &taken, &configured);
    }
};
