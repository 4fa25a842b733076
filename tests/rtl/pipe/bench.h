// SPDX-License-Identifier: BSD-3-Clause
// What the Verilator benches share: a seeded generator, random stalls, clock, wide ports, the
// verdict.
//
// A bench is run as "BENCH [SEED [OPERATIONS]]". It prints "PASS name seed=N ..." or "FAIL name
// seed=N ...".
#pragma once
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "verilated.h"

struct Rng {
    uint64_t state;

    uint64_t next()
    {
        state += 0x9e3779b97f4a7c15;
        uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    uint32_t below(uint32_t n)
    {
        return n ? uint32_t(next() % n) : 0;
    }
    bool chance(uint32_t percent)
    {
        return below(100) < percent;
    }
    void fill(void *bytes, size_t n)
    {
        for (size_t i = 0; i < n; i++)
            static_cast<uint8_t *>(bytes)[i] = uint8_t(next());
    }
};

// Holds a port back in phases: never, seldom, often, nearly always.
struct Stall {
    uint32_t percent = 0, left = 0;
    bool off = false;

    bool now(Rng &rng)
    {
        static const uint32_t choices[] = {0, 0, 10, 50, 90};
        if (off)
            return false;
        if (!left--) {
            left = 20 + rng.below(200);
            percent = choices[rng.below(5)];
        }
        return rng.chance(percent);
    }
};

template <typename T, typename std::enable_if<std::is_integral<T>::value, int>::type = 0>
void put(T &port, const void *bytes, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, bytes, n < 8 ? n : 8);
    port = T(v);
}
template <size_t N> void put(VlWide<N> &port, const void *bytes, size_t n)
{
    memset(&port[0], 0, 4 * N);
    memcpy(&port[0], bytes, n);
}
template <typename T, typename std::enable_if<std::is_integral<T>::value, int>::type = 0>
void get(const T &port, void *bytes, size_t n)
{
    uint64_t v = port;
    memcpy(bytes, &v, n < 8 ? n : 8);
}
template <size_t N> void get(const VlWide<N> &port, void *bytes, size_t n)
{
    memcpy(bytes, &port[0], n);
}
// Bits [lsb, lsb + n) of a port of any width, n up to 64.
template <typename T> uint64_t bits(const T &port, unsigned lsb, unsigned n)
{
    uint8_t raw[sizeof(T) + 16] = {0};
    memcpy(raw, &port, sizeof(T));
    uint64_t lo, hi;
    memcpy(&lo, raw + lsb / 8, 8);
    memcpy(&hi, raw + lsb / 8 + 8, 8);
    unsigned sh = lsb % 8;
    uint64_t v = sh ? lo >> sh | hi << (64 - sh) : lo;
    return n == 64 ? v : v & ((1ull << n) - 1);
}
template <typename T> void set_bits(T &port, unsigned lsb, unsigned n, uint64_t value)
{
    uint8_t *raw = reinterpret_cast<uint8_t *>(&port);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = lsb + i;
        raw[at / 8] = uint8_t((raw[at / 8] & ~(1u << at % 8)) | (value >> i & 1) << at % 8);
    }
}

template <class V> struct Bench {
    const char *name;
    uint64_t seed = 1;
    uint64_t operations;
    Rng rng{1};
    VerilatedContext context;
    std::unique_ptr<V> top;
    uint64_t clocks = 0;

    Bench(const char *bench_name, int argc, char **argv, uint64_t default_operations)
        : name(bench_name), operations(default_operations)
    {
        if (argc > 1)
            seed = strtoull(argv[1], nullptr, 0);
        if (argc > 2)
            operations = strtoull(argv[2], nullptr, 0);
        rng.state = seed;
        context.randReset(0);
        top.reset(new V(&context));
    }
    // After the inputs of this clock were set: outputs settle, then the edge.
    void settle()
    {
        top->clk = 0;
        top->eval();
    }
    void edge()
    {
        top->clk = 1;
        top->eval();
        clocks++;
    }
    void reset()
    {
        top->rst = 1;
        for (int i = 0; i < 3; i++) {
            settle();
            edge();
        }
        top->rst = 0;
    }
    [[noreturn]] __attribute__((format(printf, 2, 3))) void fail(const char *format, ...)
    {
        va_list ap;
        printf("FAIL %s seed=%llu clock=%llu: ", name, (unsigned long long)seed,
               (unsigned long long)clocks);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
        fflush(stdout);
        _Exit(1);
    }
    __attribute__((format(printf, 2, 3))) int pass(const char *format, ...)
    {
        va_list ap;
        printf("PASS %s seed=%llu clocks=%llu: ", name, (unsigned long long)seed,
               (unsigned long long)clocks);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        printf("\n");
        top->final();
        return 0;
    }
};
