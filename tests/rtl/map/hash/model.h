// SPDX-License-Identifier: BSD-3-Clause
// What a hash engine's map does, in the simplest way: the contract of docs/hardware.md.
#pragma once
#include <cerrno>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/map_types.h"

enum { OP_LOOKUP, OP_UPDATE, OP_DELETE, OP_ENTRY, OP_PEEK };

struct Desc {
    uint32_t word[10] = {0};

    uint32_t &operator[](int i)
    {
        return word[i];
    }
    uint32_t operator[](int i) const
    {
        return word[i];
    }
};

struct Answer {
    uint32_t tag, status, addr;
    std::string key; // of an entry request
    // of an update that worked: where its value lies, for the check of the writes
    uint32_t value_at, value_bytes;
};

struct MapModel {
    Desc desc;
    bool ok = false;
    std::map<std::string, uint32_t> keys;
    std::map<uint32_t, std::string> entries;
    std::vector<uint32_t> free_list;
    std::list<std::string> order; // of an LRU map: keys, the one used last in front
    uint32_t fresh = 0, spare = 0;
    uint64_t evicted = 0;

    void config(const Desc &d, bool fits)
    {
        desc = d;
        ok = fits;
        keys.clear();
        entries.clear();
        free_list.clear();
        order.clear();
        fresh = 0;
        spare = d[SPEC_MAPDESC_MAX_ENTRIES];
    }
    uint32_t span() const
    {
        return desc[SPEC_MAPDESC_CPUS] * desc[SPEC_MAPDESC_STRIDE];
    }
    uint32_t address(uint32_t entry, uint32_t cpu) const
    {
        if (cpu >= desc[SPEC_MAPDESC_CPUS])
            cpu = 0;
        return entry * span() + cpu * desc[SPEC_MAPDESC_STRIDE];
    }
    void use(const std::string &key)
    {
        if (desc[SPEC_MAPDESC_ENGINE] != SPEC_ENGINE_LRU)
            return;
        order.remove(key);
        order.push_front(key);
    }
    void remove(const std::string &key)
    {
        free_list.push_back(keys[key]);
        entries.erase(keys[key]);
        keys.erase(key);
        order.remove(key);
    }
    uint32_t insert(const std::string &key, uint32_t *entry)
    {
        if (desc[SPEC_MAPDESC_ENGINE] == SPEC_ENGINE_LRU && free_list.empty() &&
            fresh == desc[SPEC_MAPDESC_MAX_ENTRIES]) {
            remove(std::string(order.back()));
            evicted++;
        }
        if (!free_list.empty()) {
            *entry = free_list.back();
            free_list.pop_back();
        } else if (fresh < desc[SPEC_MAPDESC_MAX_ENTRIES]) {
            *entry = fresh++;
        } else {
            return E2BIG;
        }
        keys[key] = *entry;
        entries[*entry] = key;
        return 0;
    }
    // memory: the value memory, which an update changes.
    void update(const std::string &key, const std::string &value, uint64_t flags, uint32_t cpu,
                std::vector<uint8_t> &memory, Answer *a)
    {
        auto found = keys.find(key);
        bool per_cpu = desc[SPEC_MAPDESC_CPUS] > 1;
        uint32_t entry = 0, stride = desc[SPEC_MAPDESC_STRIDE], base = desc[SPEC_MAPDESC_VMEM_BASE];
        if (flags > 2) {
            a->status = EINVAL;
        } else if (found == keys.end()) {
            a->status = flags == 2 ? ENOENT : insert(key, &entry);
            if (a->status == 0)
                for (uint32_t i = 0; i < span(); i++)
                    memory[base + entry * span() + i] = 0;
        } else if (flags == 1) {
            a->status = EEXIST;
        } else if (per_cpu) {
            entry = found->second;
        } else {
            entry = spare;
            spare = found->second;
            entries.erase(spare);
            entries[entry] = key;
            found->second = entry;
        }
        if (a->status)
            return;
        use(key);
        a->addr = address(entry, cpu);
        for (uint32_t i = 0; i < stride; i++)
            memory[base + a->addr + i] = uint8_t(value[i]);
        a->value_at = base + entry * span();
        a->value_bytes = span();
    }
    Answer request(uint32_t op, const std::string &key, const std::string &value, uint64_t flags,
                   uint32_t cpu, uint32_t entry, std::vector<uint8_t> &memory)
    {
        Answer a = {0, 0, 0, "", 0, 0};
        auto found = keys.find(key);
        if (!ok || op > OP_PEEK) {
            a.status = EINVAL;
        } else if (op == OP_UPDATE) {
            update(key, value, flags, cpu, memory, &a);
        } else if (op == OP_ENTRY) {
            a.status = entry > desc[SPEC_MAPDESC_MAX_ENTRIES] ? EINVAL
                       : entries.count(entry)                 ? 0
                                                              : ENOENT;
            if (a.status == 0) {
                a.key = entries[entry];
                a.addr = address(entry, cpu);
            }
        } else if (found == keys.end()) {
            a.status = ENOENT;
        } else if (op == OP_DELETE) {
            remove(key);
        } else {
            a.addr = address(found->second, cpu);
            if (op == OP_LOOKUP)
                use(key);
        }
        return a;
    }
};
