// SPDX-License-Identifier: BSD-3-Clause
// map_mailbox with a hash engine and a value memory: random commands of the host on one map while
// the data path uses another map and the value memory; every result is compared with the model. The
// data path also adds to a counter each clock that the host reads, which must never go back.
#include <deque>

#include "../hash/model.h"
#include "Vtop.h"
#include "bench.h"

static const uint32_t HOST_MAP = 1, PATH_MAP = 2, COUNTER = P_BYTES - 64,
                      HOST_WORDS = P_BYTES - 1024;

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    MapModel host, path;
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
};

// One clock with the data path's traffic on it.
void State::clock()
{
    if (!path_offered && !path_rests && !path_stall.now(b.rng)) {
        path_offered = true;
        uint32_t k = b.rng.below(40);
        memcpy(&path_key[0], &k, 4);
        b.rng.fill(&path_value[0], P_VALUE_BYTES);
        t.s_op_i = b.rng.below(3);
        t.s_map_i = PATH_MAP;
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
    if (path_offered && t.s_ready_o) {
        path_due.push_back(path.request(t.s_op_i, path_key, path_value, 0, 0, 0, memory));
        path_offered = false;
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

static Desc descriptor(uint32_t map, uint32_t cpus)
{
    Desc d;
    const uint32_t words[10] = {SPEC_ENGINE_HASH, P_KEY_BYTES,
                                P_VALUE_BYTES,    P_VALUE_BYTES,
                                24 - 4 * map,     cpus,
                                map * 2048,       map * 32,
                                map * 16,         7};
    memcpy(d.word, words, sizeof words);
    return d;
}

static void config(State &s, uint32_t map, uint32_t cpus)
{
    Desc d = descriptor(map, cpus);
    put(s.t.mbox_value_i, d.word, sizeof d.word);
    bool path = map == PATH_MAP;
    if (path) { // the model's map changes when the engine's does: let the data path rest
        s.path_rests = true;
        while (s.path_offered || !s.path_due.empty())
            s.clock();
    }
    if (s.command(SPEC_MBOX_CONFIG, map, 0, 0))
        s.b.fail("CONFIG fails");
    (path ? s.path : s.host).config(d, true);
    s.path_rests = path ? false : s.path_rests;
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
    uint32_t k = b.rng.below(40), cmd = 1 + b.rng.below(6), addr = 0,
             flags = b.rng.chance(70) ? 0 : b.rng.below(4);
    if (cmd <= SPEC_MBOX_VMEM_WRITE) {
        access_words(s, cmd, last_count);
        return;
    }
    memcpy(&key[0], &k, 4);
    b.rng.fill(&value[0], P_VALUE_BYTES);
    put(t.mbox_key_i, key.data(), P_KEY_BYTES);
    put(t.mbox_value_i, value.data(), P_VALUE_BYTES);
    addr = b.rng.below(30);
    uint32_t op = cmd == SPEC_MBOX_ENTRY ? OP_ENTRY : cmd - SPEC_MBOX_LOOKUP;
    Answer a = s.host.request(op, key, value, flags, 0, addr, s.memory);
    uint32_t status = s.command(cmd, HOST_MAP, addr, flags);
    if (status != a.status || t.mbox_result_o != a.addr)
        b.fail("command %u gives status %u result %x, not %u %x", cmd, status, t.mbox_result_o,
               a.status, a.addr);
    get(t.mbox_key_o, &got[0], 64);
    if (!a.key.empty() && got != a.key + std::string(64 - P_KEY_BYTES, '\0'))
        b.fail("ENTRY gives another key");
    if (cmd == SPEC_MBOX_UPDATE && status == 0) {
        uint64_t want;
        uint32_t at = s.host.desc[SPEC_MAPDESC_VMEM_BASE] + a.addr;
        memcpy(&want, &s.memory[at], 8);
        if (s.path_load(at) != want)
            b.fail("the data path does not see the updated value");
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
    config(s, HOST_MAP, 1);
    config(s, PATH_MAP, 1);
    for (uint64_t i = 0; i < b.operations; i++) {
        one_command(s, &last_count);
        if (b.rng.below(500) == 0)
            config(s, b.rng.chance(50) ? HOST_MAP : PATH_MAP, 1 + 3 * b.rng.below(2));
    }
    if (s.path_done < b.operations || !last_count || s.most != 32)
        b.fail("too little happened");
#else
    t.mbox_count_i = 1;
    for (uint32_t cmd = 0; cmd < 16; cmd++) {
        uint32_t want = cmd == SPEC_MBOX_VMEM_READ || cmd == SPEC_MBOX_VMEM_WRITE ? 0 : EINVAL;
        if (s.command(cmd, 0, 0, 0) != want)
            b.fail("command %u", cmd);
    }
#endif
    return b.pass("%llu commands, %llu requests of the data path, counter at %llu",
                  (unsigned long long)b.operations, (unsigned long long)s.path_done,
                  (unsigned long long)last_count);
}
