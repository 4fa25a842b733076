// SPDX-License-Identifier: BSD-3-Clause
// map_lru beside lists: all sequences of commands up to a length on one map, as many commands as
// clocks; then random ones on several maps, with uses of few entries, replacements and clears. The
// oldest entry is compared whenever it is defined, and maps are taken apart, so all of their order
// is seen. ready_o is low in the clock behind a replacement and in no other.
#include <algorithm>
#include <list>

#include "Vtop.h"
#include "bench.h"

static const uint32_t SHARE = P_ENTRIES / P_MAPS;
static const uint32_t NONE = ~0u;

struct Command {
    uint32_t map, remove, add; // entries, NONE if not
};

struct LruBench {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    std::list<uint32_t> order[P_MAPS]; // the newest in front
    bool behind_replacement = false;
    uint64_t commands = 0, uses = 0, clears = 0, sequences = 0;

    LruBench(int argc, char **argv) : b(BENCH_NAME, argc, argv, 200000)
    {
        t.valid_i = t.clear_i = 0;
        b.reset();
    }
    bool has(uint32_t map, uint32_t entry) const
    {
        return std::find(order[map].begin(), order[map].end(), entry) != order[map].end();
    }
    // One clock: a command if there is one, and if the block is ready a map is cleared (NONE:
    // none). False: it was not ready.
    bool clock(const Command *c, uint32_t clear = NONE, uint32_t look = 0)
    {
        uint32_t map = c ? c->map : look;
        t.valid_i = c != nullptr;
        t.map_i = map;
        t.remove_i = c && c->remove != NONE;
        t.add_i = c && c->add != NONE;
        t.old_i = t.remove_i ? c->remove : b.rng.below(P_ENTRIES);
        t.new_i = t.add_i ? c->add : b.rng.below(P_ENTRIES);
        t.clear_i = clear != NONE && !behind_replacement;
        t.clear_map_i = clear;
        b.settle();
        bool ready = t.ready_o;
        if (ready == behind_replacement)
            b.fail("ready_o is %u", ready);
        if (ready && !order[map].empty() && t.oldest_o != order[map].back())
            b.fail("map %u: oldest %u, not %u", map, t.oldest_o, order[map].back());
        if (t.clear_i) {
            order[clear].clear();
            clears++;
        }
        behind_replacement = ready && t.remove_i && t.add_i && t.old_i != t.new_i;
        if (ready && c) {
            if (t.remove_i)
                order[map].remove(c->remove);
            if (t.add_i)
                order[map].push_front(c->add);
            commands++;
            uses += t.remove_i && t.add_i && c->remove == c->add;
        }
        b.edge();
        return ready;
    }
    void run(const Command &c)
    {
        while (!clock(&c))
            ;
    }
    // The whole order of a map is seen: its oldest entry leaves each clock.
    void take_apart(uint32_t map)
    {
        while (!order[map].empty())
            run({map, order[map].back(), NONE});
    }
    // ... after a walk that needs the links in the other direction.
    void turn_round(uint32_t map)
    {
        const std::list<uint32_t> now = order[map];
        for (uint32_t entry : now)
            run({map, entry, entry});
    }

    // What may be done to a map whose entries are 0 to entries - 1.
    std::vector<Command> choices(uint32_t entries) const
    {
        std::vector<Command> all;
        for (uint32_t i = 0; i < entries; i++) {
            if (!has(0, i)) {
                all.push_back({0, NONE, i});
                continue;
            }
            all.push_back({0, i, i});
            all.push_back({0, i, NONE});
            for (uint32_t other = 0; other < entries; other++)
                if (!has(0, other))
                    all.push_back({0, i, other});
        }
        return all;
    }
    // All sequences of this length, each from an empty map on, one command behind the other.
    void sequences_of(uint32_t entries, uint32_t length)
    {
        std::vector<size_t> digits(length, 0);
        for (;;) {
            std::vector<size_t> bases;
            for (size_t digit : digits) {
                const std::vector<Command> all = choices(entries);
                bases.push_back(all.size());
                run(all[digit]);
            }
            if (sequences++ % 2)
                turn_round(0);
            take_apart(0);
            size_t at = length;
            while (at > 0 && ++digits[at - 1] == bases[at - 1])
                digits[--at] = 0;
            if (!at)
                return;
        }
    }

    // A command that is allowed now: most are uses, of few entries at times.
    Command random_command(uint32_t map, uint32_t hot, uint32_t grow)
    {
        std::vector<uint32_t> in(order[map].begin(), order[map].end()), out;
        for (uint32_t i = map * SHARE; i < (map + 1) * SHARE; i++)
            if (std::find(in.begin(), in.end(), i) == in.end())
                out.push_back(i);
        uint32_t kind = b.rng.below(100);
        if (in.empty() || (!out.empty() && kind < grow))
            return {map, NONE, out[b.rng.below(uint32_t(out.size()))]};
        size_t n = b.rng.chance(hot) ? std::min<size_t>(in.size(), 3) : in.size();
        uint32_t entry = b.rng.chance(10) ? in.back() : in[b.rng.below(uint32_t(n))];
        if (!out.empty() && kind >= 90)
            return {map, entry, out[b.rng.below(uint32_t(out.size()))]};
        return {map, entry, kind >= 85 ? NONE : entry};
    }
    void random_commands()
    {
        uint32_t hot = 0, grow = 0, idle = 0;
        while (commands < b.operations) {
            if (b.rng.below(200) == 0) {
                hot = b.rng.below(101);
                grow = 2 + b.rng.below(40);
                idle = b.rng.chance(50) ? 0 : b.rng.below(60);
            }
            uint32_t clear = b.rng.below(2000) == 0 ? b.rng.below(P_MAPS) : NONE;
            uint32_t map = b.rng.below(b.rng.chance(50) ? 1 : P_MAPS);
            if (clear != NONE || b.rng.chance(idle)) {
                clock(nullptr, clear, map);
                continue;
            }
            Command c = random_command(map, hot, grow);
            if (b.rng.below(1000) == 0 && P_MAPS > 1)
                clock(&c, (map + 1) % P_MAPS);
            else
                clock(&c);
        }
        for (uint32_t map = 0; map < P_MAPS; map++) {
            turn_round(map);
            take_apart(map);
        }
    }
};

int main(int argc, char **argv)
{
    LruBench s(argc, argv);
    if (P_MAPS == 1) {
        const uint32_t more = s.b.operations > 1000000; // of a long run
        s.sequences_of(2, 9);
        s.sequences_of(3, 7 + more);
        s.sequences_of(4, 5 + more);
    }
    const uint64_t counted = s.commands;
    s.commands = s.uses = 0;
    const uint64_t first = s.b.clocks;
    s.random_commands();
    return s.b.pass("%llu sequences of %llu commands in %llu clocks; %llu random ones, %llu uses, "
                    "%llu clears",
                    (unsigned long long)s.sequences, (unsigned long long)counted,
                    (unsigned long long)first, (unsigned long long)s.commands,
                    (unsigned long long)s.uses, (unsigned long long)s.clears);
}
