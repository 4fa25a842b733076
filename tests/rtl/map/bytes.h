// SPDX-License-Identifier: BSD-3-Clause
// Bytes of value memory as they should be, by lines of 64: what loads give and atomics do, one operation after the other.
#pragma once
#include <unordered_map>

#include "hw/spec/gen/alu.h"
#include "memory.h"

struct Bytes {
    std::unordered_map<uint32_t, Line> lines;

    uint8_t &byte(uint32_t addr)
    {
        auto it = lines.find(addr >> 6);
        if (it == lines.end())
            it = lines.emplace(addr >> 6, Line{}).first;
        return it->second[addr & 63];
    }
    uint64_t load(uint32_t addr, uint32_t size)
    {
        uint64_t v = 0;
        for (uint32_t i = 0; i < size; i++)
            v |= uint64_t(byte(addr + i)) << 8 * i;
        return v;
    }
    void store(uint32_t addr, uint32_t size, uint64_t v)
    {
        for (uint32_t i = 0; i < size; i++)
            byte(addr + i) = uint8_t(v >> 8 * i);
    }
    uint64_t atomic(uint32_t op, uint32_t addr, uint32_t size, uint64_t x, uint64_t expect)
    {
        const uint64_t mask = size == 8 ? ~0ull : 0xffffffff, old = load(addr, size);
        uint64_t v = old;

        switch (op) {
        case SPEC_ATOMIC_ADD:
            v = old + x;
            break;
        case SPEC_ATOMIC_OR:
            v = old | x;
            break;
        case SPEC_ATOMIC_AND:
            v = old & x;
            break;
        case SPEC_ATOMIC_XOR:
            v = old ^ x;
            break;
        case SPEC_ATOMIC_XCHG:
            v = x;
            break;
        case SPEC_ATOMIC_CMPXCHG:
            v = old == (expect & mask) ? x : old;
            break;
        }
        store(addr, size, v);
        return old;
    }
};
