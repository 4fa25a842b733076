// SPDX-License-Identifier: BSD-3-Clause
// map_lpm in lock-step with a model: random requests to several maps, full and empty, with prefixes
// that lie in each other, configuration in between. Every answer, entry number, key and written
// value is compared. Then clocks: look-ups in a full map, insertions and deletions.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "model.h"

static const uint32_t SHARE = P_ENTRIES / P_MAPS, BUCKET_SHARE = P_BUCKETS / P_MAPS;
static const uint32_t BITS = 8 * (P_KEY_BYTES - 4);

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    LpmModel maps[P_MAPS];
    std::vector<std::string> pool[P_MAPS]; // keys that are used
    std::vector<uint8_t> memory, expected; // values: as written, as they should be
    std::deque<Answer> due;
    std::deque<uint64_t> due_clock;
    uint32_t map = 0, op = 0; // the request that is offered
    std::string key, value = std::string(P_VALUE_BYTES, '\0');
    uint64_t done = 0, status[32] = {0}, slowest = 0, fastest = ~0ull, answered = 0, shorter = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 60000)
    {
    }
    Desc random_desc(uint32_t map, bool *fits);
    void new_pool(uint32_t map);
    void offer_request(uint32_t lookups, uint32_t deletes);
    void check_answer();
    bool clock(Stall &w_stall, bool *request_taken, bool *config_taken);
    void configure(const Desc &d);
    void ask(uint32_t op, const std::string &key);
    void drain();
};

Desc State::random_desc(uint32_t map, bool *fits)
{
    Desc d;
    *fits = true;
    d[SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_LPM;
    d[SPEC_MAPDESC_KEY_BYTES] = 5 + b.rng.below(P_KEY_BYTES - 4);
    d[SPEC_MAPDESC_STRIDE] = 8 * (1 + b.rng.below(P_VALUE_BYTES / 8));
    d[SPEC_MAPDESC_VALUE_BYTES] = d[SPEC_MAPDESC_STRIDE] - b.rng.below(8);
    d[SPEC_MAPDESC_MAX_ENTRIES] = b.rng.chance(50) ? SHARE - 1 : 1 + b.rng.below(SHARE - 1);
    d[SPEC_MAPDESC_CPUS] = 1;
    d[SPEC_MAPDESC_VMEM_BASE] = map * SHARE * P_VALUE_BYTES;
    d[SPEC_MAPDESC_ENTRY_BASE] = map * SHARE;
    d[SPEC_MAPDESC_BUCKET_BASE] = map * BUCKET_SHARE;
    uint32_t buckets = 1;
    while (2 * buckets <= BUCKET_SHARE && b.rng.chance(80))
        buckets *= 2;
    d[SPEC_MAPDESC_BUCKET_MASK] = buckets - 1;
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
void State::new_pool(uint32_t map)
{
    const Desc &d = maps[map].map.desc;
    uint32_t bytes = d[SPEC_MAPDESC_KEY_BYTES];
    if (bytes < 5 || bytes > P_KEY_BYTES)
        bytes = P_KEY_BYTES;
    uint32_t n = 1 + b.rng.below(b.rng.chance(50) ? 8 : 2 * d[SPEC_MAPDESC_MAX_ENTRIES] + 8);
    std::vector<std::string> keys;
    for (uint32_t i = 0; i < n; i++) {
        std::string k(P_KEY_BYTES, '\0');
        if (i && b.rng.chance(80)) { // another's first bits
            const std::string &other = keys[b.rng.below(uint32_t(keys.size()))];
            uint32_t shared = b.rng.below(8 * (bytes - 4) + 1);
            b.rng.fill(&k[4], bytes - 4);
            for (uint32_t bit = 0; bit < shared; bit++) {
                uint8_t mask = uint8_t(0x80 >> bit % 8);
                k[4 + bit / 8] = char((k[4 + bit / 8] & ~mask) | (other[4 + bit / 8] & mask));
            }
        } else {
            b.rng.fill(&k[4], bytes - 4);
        }
        uint32_t length = b.rng.chance(98) ? b.rng.below(8 * (bytes - 4) + 1)
                          : b.rng.chance(50) ? 8 * (bytes - 4) + 1
                                             : uint32_t(b.rng.next());
        if (b.rng.chance(30))
            length = 8 * (bytes - 4);
        memcpy(&k[0], &length, 4);
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
    fastest = took < fastest ? took : fastest;
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
    uint32_t most = map < P_MAPS ? 8 * (maps[map].map.desc[SPEC_MAPDESC_KEY_BYTES] - 4) : BITS;
    if (op == OP_LOOKUP && most <= BITS && b.rng.chance(60))
        memcpy(&key[0], &most, 4); // as programs do
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

    s.memory.assign(P_ENTRIES * P_VALUE_BYTES, 0);
    s.expected = s.memory;
    while (s.done < b.operations || request || config || !s.due.empty()) {
        bool more = s.done < b.operations;
        if (b.rng.chance(1) && b.rng.chance(20)) {
            lookups = 20 + b.rng.below(75);
            deletes = b.rng.below(60);
            s.new_pool(b.rng.below(P_MAPS));
        }
        if (more && !config && b.rng.below(configs % 2 ? 2000 : 40000) == 0) {
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
            LpmModel none;
            Answer a =
                (s.map < P_MAPS ? s.maps[s.map] : none)
                    .request(s.op, s.key, s.value, t.req_flags_i, t.req_entry_i, s.expected);
            if (s.op == OP_LOOKUP && a.status == 0 && s.map < P_MAPS &&
                !s.maps[s.map].map.keys.count(
                    LpmModel::cut(s.key, LpmModel::length(s.key))))
                s.shorter++;
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

void State::configure(const Desc &d)
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
void State::ask(uint32_t op, const std::string &key)
{
    Stall none;
    none.off = true;
    bool taken, configured;
    t.req_op_i = op;
    t.req_map_i = 0;
    t.req_flags_i = 0;
    put(t.req_key_i, key.data(), P_KEY_BYTES);
    put(t.req_value_i, value.data(), P_VALUE_BYTES);
    t.req_valid_i = 1;
    do
        clock(none, &taken, &configured);
    while (!taken);
    Answer a = maps[0].request(op, key, value, 0, 0, expected);
    a.tag = t.req_tag_i;
    due.push_back(a);
    due_clock.push_back(b.clocks - 1);
    t.req_valid_i = 0;
}

void State::drain()
{
    Stall none;
    none.off = true;
    bool taken, configured;
    while (!due.empty())
        clock(none, &taken, &configured);
}

struct Clocks {
    double lookup, insertion, deletion;
    uint64_t latency, slowest;
};

// A full map, prefixes of a quarter of the key's bits and more: insertions one by one, look-ups of
// addresses below them, deletions.
static Clocks rates(State &s)
{
    Bench<Vtop> &b = s.b;
    Clocks c;
    Desc d;
    b.reset(); // so that nothing is left in the filter
    uint32_t buckets = 1;
    while (2 * buckets <= P_BUCKETS)
        buckets *= 2;
    const uint32_t words[10] = {
        SPEC_ENGINE_LPM, P_KEY_BYTES, 8, 8, P_ENTRIES - 1, 1, 0, 0, 0, buckets - 1};
    memcpy(d.word, words, sizeof words);
    s.configure(d);
    std::vector<std::string> keys;
    std::map<std::string, bool> there;
    while (keys.size() < P_ENTRIES - 1) {
        std::string k(P_KEY_BYTES, '\0');
        uint32_t length = BITS / 4 + b.rng.below(BITS - BITS / 4 + 1);
        if (P_KEY_BYTES == 5)
            length = b.rng.below(9);
        b.rng.fill(&k[4], P_KEY_BYTES - 4);
        memcpy(&k[0], &length, 4);
        k = LpmModel::cut(k, length);
        if (there[k])
            continue;
        there[k] = true;
        keys.push_back(k);
    }
    uint64_t start;
    // the map is not ready before it is clear
    s.ask(OP_LOOKUP, keys[0]);
    s.drain();
    start = b.clocks;
    for (const std::string &k : keys) {
        s.ask(OP_UPDATE, k);
        s.drain();
    }
    c.insertion = double(b.clocks - start) / double(keys.size());
    s.slowest = 0;
    s.fastest = ~0ull;
    uint64_t lookups = 10000;
    start = b.clocks;
    for (uint64_t i = 0; i < lookups; i++) {
        std::string k = keys[i * 7919 % keys.size()];
        uint32_t length = LpmModel::length(k);
        std::string noise = k;
        b.rng.fill(&noise[4], P_KEY_BYTES - 4);
        for (uint32_t bit = 0; bit < length; bit++) {
            uint8_t mask = uint8_t(0x80 >> bit % 8);
            noise[4 + bit / 8] = char((noise[4 + bit / 8] & ~mask) | (k[4 + bit / 8] & mask));
        }
        memcpy(&noise[0], &BITS, 4);
        s.ask(OP_LOOKUP, noise);
    }
    c.lookup = double(b.clocks - start) / double(lookups);
    s.drain();
    c.latency = s.fastest;
    c.slowest = s.slowest;
    start = b.clocks;
    for (const std::string &k : keys) {
        s.ask(OP_DELETE, k);
        s.drain();
    }
    c.deletion = double(b.clocks - start) / double(keys.size());
    return c;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    s.t.req_valid_i = s.t.cfg_valid_i = 0;
    s.b.reset();
#ifdef P_RESET_ENTRIES
    Desc first;
    const uint32_t words[10] = {SPEC_ENGINE_LPM, P_KEY_BYTES, 8, 8, P_RESET_ENTRIES, 1, 0, 0, 0, 3};
    memcpy(first.word, words, sizeof words);
    s.maps[0].config(first, true);
    s.new_pool(0);
#endif
    int configs = run(s);
    if (!s.shorter || !s.status[ENOSPC])
        s.b.fail("no look-up found a shorter prefix, or no map was full");
    const Clocks c = rates(s);
    return s.b.pass(
        "%llu requests, %d configurations, status ok %llu ENOENT %llu ENOSPC %llu EEXIST %llu "
        "EINVAL %llu, %llu look-ups of shorter prefixes; full map: %.3f clocks a lookup, latency "
        "%llu to %llu; %.2f an insertion of 8 bytes, %.2f a deletion",
        (unsigned long long)s.answered, configs, (unsigned long long)s.status[0],
        (unsigned long long)s.status[ENOENT], (unsigned long long)s.status[ENOSPC],
        (unsigned long long)s.status[EEXIST], (unsigned long long)s.status[EINVAL],
        (unsigned long long)s.shorter, c.lookup, (unsigned long long)c.latency,
        (unsigned long long)c.slowest, c.insertion, c.deletion);
}
