// SPDX-License-Identifier: BSD-3-Clause
// map_mailbox with an engine of keys and a value memory: random commands of the host on one map
// while the data path uses the same map, another one and the value memory. Host and data path meet
// at the engine in the order in which it takes their requests, and every answer of both is compared
// with the model, all values whenever a map is emptied. The data path also adds to a counter each
// clock that the host reads, which must never go back.
#include <cstring>
#include <deque>

#include "../hash/model.h"
#include "../lpm/model.h"
#include "Vtop.h"
#include "bench.h"

#if P_ENGINE == 4
typedef LpmModel Model;
static const uint32_t ENTRIES = 48; // so that prefixes lie in each other
#else
typedef MapModel Model;
static const uint32_t ENTRIES = 24; // fewer than keys, so that the map is full now and then
#endif
static const uint32_t SHARED = 1, PATH_ONLY = 2, MAPS = 3, MAP_BYTES = 2048, COUNTER = P_BYTES - 64,
                      HOST_WORDS = P_BYTES - 1024;

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    Model maps[MAPS];
    Answer host_answer;
    uint32_t host_op = 0;
    bool host_due = false;
    std::string host_key, host_value;
    uint64_t host_done = 0, met = 0; // requests to the shared map
    uint64_t statuses[256] = {0};
    uint32_t since_path = 1000; // clocks since the data path's last request to it
    std::vector<uint8_t> memory =
        std::vector<uint8_t>(P_BYTES); // as it should be, but for the counter
    std::deque<Answer> path_due;
    std::deque<int64_t> loads_due; // address, or -1: not looked at
    bool path_offered = false, path_rests = true;
    std::string path_key = std::string(P_KEY_BYTES, '\0'),
                path_value = std::string(P_VALUE_BYTES, '\0');
    Stall path_stall, a_stall;
    uint64_t path_done = 0, adds = 0;
    uint32_t load_at = 0;
    bool load_wanted = false;
    uint64_t loaded = 0;
    std::vector<uint64_t> words; // of the command under way: to write, or read so far
    uint32_t steps = 0, most = 0;
    bool writes = false;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 30000)
    {
    }
    void clock();
    uint32_t command(uint32_t cmd, uint32_t map, uint32_t addr, uint32_t flags);
    uint64_t path_load(uint32_t addr);
    std::string random_key();
    void rest();
    void check_values(uint32_t map);
};

// Few keys, so that both sides use the same ones.
std::string State::random_key()
{
    std::string key(P_KEY_BYTES, '\0');
    uint32_t k = b.rng.below(40);
#if P_ENGINE == 4
    k = b.rng.chance(40) ? 8 * (P_KEY_BYTES - 4) : b.rng.below(8 * (P_KEY_BYTES - 4) + 2);
    for (uint32_t i = 4; i < P_KEY_BYTES; i++)
        key[i] = char(0x55 * b.rng.below(i == 4 ? 2 : 4));
#endif
    memcpy(&key[0], &k, 4);
    return key;
}

// One clock with the data path's traffic on it.
void State::clock()
{
    if (!path_offered && !path_rests && !path_stall.now(b.rng)) {
        path_offered = true;
        path_key = random_key();
        b.rng.fill(&path_value[0], P_VALUE_BYTES);
        t.s_op_i = b.rng.below(3);
        t.s_map_i = b.rng.chance(70) ? SHARED : PATH_ONLY;
        put(t.s_key_i, path_key.data(), P_KEY_BYTES);
        put(t.s_value_i, path_value.data(), P_VALUE_BYTES);
    }
    t.s_valid_i = path_offered;
    t.a_valid_i = load_wanted || !a_stall.now(b.rng);
    t.a_op_i = load_wanted ? 0 : 2;
    t.a_addr_i = load_wanted ? load_at : COUNTER;
    t.a_data_i = 1;
    b.settle();
    if (t.s_resp_valid_o) {
        if (path_due.empty())
            b.fail("an answer that belongs to nobody");
        if (t.s_resp_status_o != path_due.front().status ||
            t.s_resp_addr_o != path_due.front().addr)
            b.fail("data path gets status %u addr %x, not %u %x", t.s_resp_status_o,
                   t.s_resp_addr_o, path_due.front().status, path_due.front().addr);
        path_due.pop_front();
        path_done++;
    }
    bool step = t.mbox_step_o;
    if (step && !t.mbox_valid_i)
        b.fail("a step without a command");
    if (step && !writes)
        words.push_back(t.mbox_value_o);
    steps += step;
    if (t.r_valid_o) {
        if (loads_due.front() >= 0) {
            loaded = t.r_data_o;
            load_at = ~0u;
        }
        loads_due.pop_front();
    }
    since_path++;
    if (path_offered && t.s_ready_o) {
        path_due.push_back(
            maps[t.s_map_i].request(t.s_op_i, path_key, path_value, 0, 0, 0, memory));
        path_offered = false;
        if (t.s_map_i == SHARED)
            since_path = 0;
    }
    if (t.host_taken_o) {
        if (!host_due)
            b.fail("a request that the host did not make");
        host_answer = maps[SHARED].request(host_op, host_key, host_value, t.mbox_flags_i, 0,
                                           t.mbox_addr_i, memory);
        host_due = false;
        host_done++;
        met += since_path < 8;
    }
    if (t.a_valid_i) {
        loads_due.push_back(load_wanted ? int64_t(load_at) : -1);
        adds += !load_wanted;
        load_wanted = false;
    }
    b.edge();
    if (step && writes && steps < words.size())
        t.mbox_word_i = words[steps];
}

uint64_t State::path_load(uint32_t addr)
{
    load_at = addr;
    load_wanted = true;
    while (load_at != ~0u)
        clock();
    return loaded;
}

uint32_t State::command(uint32_t cmd, uint32_t map, uint32_t addr, uint32_t flags)
{
    t.mbox_valid_i = 1;
    t.mbox_cmd_i = cmd;
    t.mbox_map_i = map;
    t.mbox_addr_i = addr;
    t.mbox_flags_i = flags;
    writes = cmd == SPEC_MBOX_VMEM_WRITE;
    steps = 0;
    if (writes && !words.empty())
        t.mbox_word_i = words[0];
    else
        words.clear();
    for (uint32_t i = 0; i < 100000; i++) {
        if (t.mbox_done_o) { // as it was after the last edge; the command falls with the next one
            clock();
            t.mbox_valid_i = 0;
            return t.mbox_status_o;
        }
        clock();
    }
    b.fail("command %u does not end", cmd);
}

// The data path has no request under way.
void State::rest()
{
    path_rests = true;
    while (path_offered || !path_due.empty())
        clock();
}

// All values of a map, while nothing changes them.
void State::check_values(uint32_t map)
{
    for (uint32_t addr = map * MAP_BYTES; addr < (map + 1) * MAP_BYTES; addr += 8) {
        uint64_t want;
        memcpy(&want, &memory[addr], 8);
        if (path_load(addr) != want)
            b.fail("value at %u differs", addr);
    }
}

static Desc descriptor(uint32_t map, uint32_t cpus)
{
    Desc d;
    const uint32_t words[10] = {
        P_ENGINE, P_KEY_BYTES,     P_VALUE_BYTES,       P_VALUE_BYTES,       ENTRIES / cpus - map,
        cpus,     map * MAP_BYTES, map * P_ENTRIES / 4, map * P_ENTRIES / 8, 7};
    memcpy(d.word, words, sizeof words);
    return d;
}

static void config(State &s, uint32_t map, uint32_t cpus)
{
    Desc d = descriptor(map, cpus);
    put(s.t.mbox_value_i, d.word, sizeof d.word);
    s.rest(); // the model's map changes when the engine's does
    s.check_values(map);
    if (s.command(SPEC_MBOX_CONFIG, map, 0, 0))
        s.b.fail("CONFIG fails");
    s.maps[map].config(d, true);
    s.path_rests = false;
}

// The words that a read gives against the model's, or the counter against what it can be.
static void check_read(State &s, uint32_t addr, uint64_t *last_count)
{
    for (uint32_t i = 0; i < s.words.size(); i++) {
        uint64_t want;
        memcpy(&want, &s.memory[addr + 8 * i], 8);
        if (addr != COUNTER && s.words[i] != want)
            s.b.fail("word %u reads %016llx, not %016llx", i, (unsigned long long)s.words[i],
                     (unsigned long long)want);
        if (addr == COUNTER && (s.words[i] < *last_count || s.words[i] > s.adds))
            s.b.fail("counter reads %llu after %llu, %llu adds", (unsigned long long)s.words[i],
                     (unsigned long long)*last_count, (unsigned long long)s.adds);
        if (addr == COUNTER)
            *last_count = s.words[i];
    }
}

// Some words at once, or a count that is none.
static void access_words(State &s, uint32_t cmd, uint64_t *last_count)
{
    Bench<Vtop> &b = s.b;
    bool counter = cmd == SPEC_MBOX_VMEM_READ && b.rng.chance(30);
    uint32_t base = 8 * b.rng.below(8), addr = counter ? COUNTER : HOST_WORDS + 8 * b.rng.below(64);
    uint32_t count = counter || b.rng.chance(30) ? 1 : b.rng.below(64);
    bool legal = count >= 1 && count <= 32;
    s.t.base_i = base;
    s.t.mbox_count_i = count;
    s.words.resize(cmd == SPEC_MBOX_VMEM_WRITE ? count : 0);
    for (uint64_t &w : s.words)
        w = b.rng.next();
    std::vector<uint64_t> written = s.words;
    if (s.command(cmd, 0, addr - base, 0) != (legal ? 0 : EINVAL))
        b.fail("access of %u words", count);
    if (s.steps != (legal ? count : 0))
        b.fail("%u steps for %u words", s.steps, count);
    if (!legal)
        return;
    if (written.empty())
        check_read(s, addr, last_count);
    for (uint32_t i = 0; i < written.size(); i++)
        memcpy(&s.memory[addr + 8 * i], &written[i], 8);
    s.most = count > s.most ? count : s.most;
    if (!written.empty() && s.path_load(addr + 8 * (count - 1)) != written[count - 1])
        b.fail("the data path does not see the host's write");
}

static void one_command(State &s, uint64_t *last_count)
{
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    std::string key(P_KEY_BYTES, '\0'), value(P_VALUE_BYTES, '\0'), got(64, '\0');
    uint32_t cmd = 1 + b.rng.below(6), addr = 0, flags = b.rng.chance(70) ? 0 : b.rng.below(4);
    if (cmd <= SPEC_MBOX_VMEM_WRITE) {
        access_words(s, cmd, last_count);
        return;
    }
    s.host_key = key = s.random_key();
    b.rng.fill(&value[0], P_VALUE_BYTES);
    s.host_value = value;
    put(t.mbox_key_i, key.data(), P_KEY_BYTES);
    put(t.mbox_value_i, value.data(), P_VALUE_BYTES);
    addr = b.rng.below(ENTRIES + 4);
    s.host_op = cmd == SPEC_MBOX_ENTRY    ? OP_ENTRY
                : cmd == SPEC_MBOX_LOOKUP ? OP_PEEK
                                          : cmd - SPEC_MBOX_LOOKUP;
    s.host_due = true;
    uint32_t status = s.command(cmd, SHARED, addr, flags);
    const Answer &a = s.host_answer;
    if (s.host_due)
        b.fail("command %u ends without a request", cmd);
    if (status != a.status || t.mbox_result_o != a.addr)
        b.fail("command %u gives status %u result %x, not %u %x", cmd, status, t.mbox_result_o,
               a.status, a.addr);
    s.statuses[status]++;
    get(t.mbox_key_o, &got[0], 64);
    if (!a.key.empty() && got != a.key + std::string(64 - P_KEY_BYTES, '\0'))
        b.fail("ENTRY gives another key");
    if (cmd == SPEC_MBOX_UPDATE && status == 0 && b.rng.chance(20)) {
        uint32_t at = SHARED * MAP_BYTES + a.addr;
        s.rest();
        uint64_t want;
        memcpy(&want, &s.memory[at], 8);
        if (s.path_load(at) != want)
            b.fail("the data path does not see the updated value");
        s.path_rests = false;
    }
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Bench<Vtop> &b = s.b;
    Vtop &t = s.t;
    uint64_t last_count = 0;

    t.mbox_valid_i = t.s_valid_i = t.a_valid_i = 0;
    b.reset();
    b.settle();
    b.edge();
#if P_HAS_HASH
    config(s, SHARED, 1);
    config(s, PATH_ONLY, 1);
    for (uint64_t i = 0; i < b.operations; i++) {
        one_command(s, &last_count);
        if (b.rng.below(500) == 0)
            config(s, b.rng.chance(50) ? SHARED : PATH_ONLY, b.rng.chance(70) ? 1 : P_CPUS);
    }
    config(s, SHARED, 1);
    config(s, PATH_ONLY, 1);
    if (s.path_done < b.operations || !last_count || s.most != 32 || s.met < b.operations / 100)
        b.fail("too little happened: %llu of the data path, %llu met",
               (unsigned long long)s.path_done, (unsigned long long)s.met);
    for (uint32_t status : {0, ENOENT, EINVAL, P_ENGINE == 3 ? 0 : P_ENGINE == 4 ? ENOSPC : E2BIG})
        if (!s.statuses[status])
            b.fail("no answer %u to the host", status);
#else
    t.mbox_count_i = 1;
    for (uint32_t cmd = 0; cmd < 16; cmd++) {
        uint32_t want = cmd == SPEC_MBOX_VMEM_READ || cmd == SPEC_MBOX_VMEM_WRITE ? 0 : EINVAL;
        if (s.command(cmd, 0, 0, 0) != want)
            b.fail("command %u", cmd);
    }
#endif
    return b.pass(
        "%llu commands, %llu of them requests to the engine and %llu within 8 clocks of one of "
        "the data path, %llu requests of the data path, counter at %llu",
        (unsigned long long)b.operations, (unsigned long long)s.host_done,
        (unsigned long long)s.met, (unsigned long long)s.path_done, (unsigned long long)last_count);
}
