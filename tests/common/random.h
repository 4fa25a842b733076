/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RANDOM_H
#define SLUICE_TESTS_RANDOM_H

#include <stdint.h>

/* Random numbers for tests (splitmix64); the same seed gives the same ones. */

static inline uint64_t random_next(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* One below n, which is not 0. */
static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(random_next(seed) % n);
}

#endif
