// SPDX-License-Identifier: BSD-3-Clause
// map_hash in lock-step with a model: random requests to several maps, full and empty, with few and
// many buckets and fingerprints, configuration in between. Every answer, entry number and written
// value is compared.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "model.h"

static const uint32_t SHARE = P_ENTRIES / P_MAPS, BUCKET_SHARE = P_BUCKETS / P_MAPS;

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    MapModel maps[P_MAPS];
    std::vector<std::string> pool[P_MAPS]; // keys that are used
    std::vector<uint8_t> memory, expected; // values: as written, as they should be
    std::deque<Answer> due;
    uint32_t map = 0, op = 0; // the request that is offered
    std::string key, value = std::string(P_VALUE_BYTES, '\0');
    std::deque<uint64_t> due_clock;
    uint64_t done = 0, status[32] = {0}, slowest = 0, answered = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 60000)
    {
    }
    Desc random_desc(uint32_t map, bool *fits);
    void new_pool(uint32_t map);
    void offer_request(uint32_t lookups, uint32_t deletes);
    void check_answer();
    bool clock(Stall &w_stall, bool *request_taken, bool *config_taken);
};

Desc State::random_desc(uint32_t map, bool *fits)
{
    Desc d;
    *fits = true;
    d[SPEC_MAPDESC_ENGINE] = P_LRU && b.rng.chance(70) ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH;
    d[SPEC_MAPDESC_KEY_BYTES] = 1 + b.rng.below(P_KEY_BYTES);
    d[SPEC_MAPDESC_STRIDE] = 8 * (1 + b.rng.below(P_VALUE_BYTES / 8));
    d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] - b.rng.below(8);
    d[SPEC_MAPDESC_MAX_ENTRIES] = b.rng.chance(50) ? SHARE - 1 : 1 + b.rng.below(SHARE - 1);
    d[SPEC_MAPDESC_CPUS] = b.rng.chance(60) ? 1 : 1 + b.rng.below(4);
    d[SPEC_MAPDESC_VMEM_BASE] = map * SHARE * 4 * P_VALUE_BYTES;
    d[SPEC_MAPDESC_ENTRY_BASE] = map * SHARE;
    d[SPEC_MAPDESC_BUCKET_BASE] = map * BUCKET_SHARE;
    uint32_t buckets = 1;
    while (2 * buckets <= BUCKET_SHARE && b.rng.chance(80))
        buckets *= 2;
    d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
    if (b.rng.chance(5)) {
        *fits = false;
        switch (b.rng.below(6)) {
        case 0:
            d[SPEC_MAPDESC_ENGINE] = b.rng.chance(50) && !P_LRU ? SPEC_ENGINE_LRU : b.rng.below(2);
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

void State::new_pool(uint32_t map)
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

void State::check_answer()
{
    if (due.empty())
        b.fail("an answer to nothing");
    Answer a = due.front();
    due.pop_front();
    uint64_t took = b.clocks - due_clock.front();
    due_clock.pop_front();
    slowest = took > slowest ? took : slowest;
    answered++;
    status[a.status]++;
    if (t.resp_tag_o != a.tag || t.resp_status_o != a.status || t.resp_addr_o != a.addr)
        b.fail("answer tag %x status %u addr %x, not tag %x status %u addr %x", t.resp_tag_o,
               t.resp_status_o, t.resp_addr_o, a.tag, a.status, a.addr);
    if (!a.key.empty()) {
        std::string key(P_KEY_BYTES, '\0');
        get(t.resp_key_o, &key[0], P_KEY_BYTES);
        if (key != a.key)
            b.fail("entry gives another key");
    }
    // The value is there when the answer comes; later updates may have been modelled, but not
    // written.
    if (a.value_bytes && due.empty() &&
        memcmp(&memory[a.value_at], &expected[a.value_at], a.value_bytes))
        b.fail("value differs at %u", a.value_at);
}

// A random request on the port; lookups and deletes are percentages.
void State::offer_request(uint32_t lookups, uint32_t deletes)
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
    t.req_op_i = op;
    t.req_map_i = map;
    t.req_cpu_i = b.rng.below(5);
    put(t.req_key_i, key.data(), P_KEY_BYTES);
    put(t.req_value_i, value.data(), P_VALUE_BYTES);
    t.req_flags_i = b.rng.chance(70) ? 0 : b.rng.chance(90) ? 1 + b.rng.below(2) : b.rng.next();
    t.req_entry_i = b.rng.chance(95) ? b.rng.below(SHARE + 1) : uint32_t(b.rng.next());
    t.req_tag_i = b.rng.below(1u << P_TAG_W);
}

// One clock with the inputs as they are. Gives what was taken.
bool State::clock(Stall &w_stall, bool *request_taken, bool *config_taken)
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
    return t.resp_valid_o;
}

static int run(State &s)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    Stall in, w;
    bool request = false, config = false, fits = false;
    uint32_t config_map = 0, lookups = 50, deletes = 20;
    uint64_t configs = 0;
    Desc desc;

    s.memory.assign(P_ENTRIES * 4 * P_VALUE_BYTES, 0);
    s.expected = s.memory;
    while (s.done < b.operations || request || config || !s.due.empty()) {
        bool more = s.done < b.operations;
        if (b.rng.chance(1) && b.rng.chance(20)) {
            lookups = 20 + b.rng.below(75);
            deletes = b.rng.below(60);
            s.new_pool(b.rng.below(P_MAPS));
        }
        if (more && !config && b.rng.below(1000) == 0) {
            config = true;
            config_map = b.rng.below(P_MAPS);
            desc = s.random_desc(config_map, &fits);
            t.cfg_map_i = config_map;
            put(t.cfg_desc_i, desc.word, sizeof desc.word);
        }
        if (more && !request && !in.now(b.rng)) {
            request = true;
            s.offer_request(lookups, deletes);
        }
        t.req_valid_i = request;
        t.cfg_valid_i = config;
        bool taken, configured;
        s.clock(w, &taken, &configured);
        if (configured) {
            s.maps[config_map].config(desc, fits);
            s.new_pool(config_map);
            config = false;
            configs++;
        }
        if (taken) {
            MapModel none;
            Answer a = (s.map < P_MAPS ? s.maps[s.map] : none)
                           .request(s.op, s.key, s.value, t.req_flags_i, t.req_cpu_i, t.req_entry_i,
                                    s.expected);
            a.tag = t.req_tag_i;
            s.due.push_back(a);
            s.due_clock.push_back(b.clocks - 1);
            request = false;
            s.done++;
        }
    }
    if (s.memory != s.expected)
        b.fail("values differ at the end");
    return int(configs);
}

// A full map of many buckets, lookups only: clocks a lookup and latency.
static double lookup_rate(State &s, uint64_t *latency, double *insertion)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    Stall none;
    none.off = true;
    bool taken, configured;
    Desc d;
    uint32_t buckets = 1;
    while (2 * buckets <= P_BUCKETS)
        buckets *= 2;
    const uint32_t words[10] = {P_LRU ? SPEC_ENGINE_LRU : SPEC_ENGINE_HASH,
                                P_KEY_BYTES,
                                8,
                                8,
                                P_ENTRIES - 1,
                                1,
                                0,
                                0,
                                0,
                                buckets - 1};
    memcpy(d.word, words, sizeof words);
    put(t.cfg_desc_i, d.word, sizeof d.word);
    t.cfg_map_i = 0;
    t.cfg_valid_i = 1;
    t.req_valid_i = 0;
    do
        s.clock(none, &taken, &configured);
    while (!configured);
    t.cfg_valid_i = 0;
    s.maps[0].config(d, true);
    uint32_t keys = P_ENTRIES - 1;
    std::string value(P_VALUE_BYTES, '\7');
    auto key = [](uint32_t i) {
        std::string k(P_KEY_BYTES, '\0');
        i *= 2654435761u; // no pattern that CRC would spread evenly
        memcpy(&k[0], &i, P_KEY_BYTES < 4 ? P_KEY_BYTES : 4);
        return k;
    };
    uint64_t start = 0, lookups = 20000, first = b.clocks;
    for (uint64_t i = 0; i < keys + lookups; i++) {
        uint32_t op = i < keys ? OP_UPDATE : OP_LOOKUP;
        std::string k = key(uint32_t(i % keys));
        t.req_op_i = op;
        t.req_map_i = 0;
        t.req_cpu_i = 0;
        t.req_flags_i = 0;
        put(t.req_key_i, k.data(), P_KEY_BYTES);
        put(t.req_value_i, value.data(), P_VALUE_BYTES);
        t.req_valid_i = 1;
        do
            s.clock(none, &taken, &configured);
        while (!taken);
        if (i == keys) {
            *insertion = double(b.clocks - first) / keys;
            start = b.clocks;
            s.slowest = 0;
        }
        Answer a = s.maps[0].request(op, k, value, 0, 0, 0, s.expected);
        a.tag = t.req_tag_i;
        s.due.push_back(a);
        s.due_clock.push_back(b.clocks - 1);
    }
    t.req_valid_i = 0;
    double clocks = double(b.clocks - start) / double(lookups - 1);
    while (!s.due.empty())
        s.clock(none, &taken, &configured);
    *latency = s.slowest;
    return clocks;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    s.t.req_valid_i = s.t.cfg_valid_i = 0;
    s.b.reset();
#ifdef P_RESET_ENTRIES
    Desc first;
    const uint32_t words[10] = {
        SPEC_ENGINE_HASH, P_KEY_BYTES, 8, 8, P_RESET_ENTRIES, 1, 0, 0, 0, 3};
    memcpy(first.word, words, sizeof words);
    s.maps[0].config(first, true);
    s.new_pool(0);
#endif
    int configs = run(s);
    uint64_t evicted = 0;
    for (const MapModel &m : s.maps)
        evicted += m.evicted;
    if (P_LRU && P_ENTRIES <= 100 && !evicted)
        s.b.fail("nothing was evicted");
    uint64_t latency;
    double insertion, rate = lookup_rate(s, &latency, &insertion);
    return s.b.pass(
        "%llu requests, %d configurations, status ok %llu ENOENT %llu E2BIG %llu EEXIST %llu "
        "EINVAL %llu, %llu evicted; "
        "%.3f clocks a lookup in a full map, at most %llu clocks; %.2f an insertion of 8 bytes",
        (unsigned long long)s.answered, configs, (unsigned long long)s.status[0],
        (unsigned long long)s.status[ENOENT], (unsigned long long)s.status[E2BIG],
        (unsigned long long)s.status[EEXIST], (unsigned long long)s.status[EINVAL],
        (unsigned long long)evicted, rate, (unsigned long long)latency, insertion);
}
