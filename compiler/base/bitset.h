/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_BASE_BITSET_H
#define SLUICE_BASE_BITSET_H

#include "compiler/base/arena.h"

#include <stdbool.h>
#include <string.h>

/* A set of small numbers, words owned by an arena. */
struct bitset {
    uint64_t *words;
    uint32_t word_count;
};

static inline struct bitset bitset_make(struct arena *arena, uint32_t bits)
{
    const uint32_t n = (bits + 63) / 64;

    return (struct bitset){arena_array(arena, n, sizeof(uint64_t)), n};
}

static inline bool bitset_has(const struct bitset *s, uint32_t i)
{
    return s->words[i / 64] >> (i % 64) & 1;
}

static inline void bitset_add(struct bitset *s, uint32_t i)
{
    s->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void bitset_remove(struct bitset *s, uint32_t i)
{
    s->words[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

static inline void bitset_clear(struct bitset *s)
{
    memset(s->words, 0, s->word_count * sizeof(uint64_t));
}

/* Adds all of b to a; true if that changed a. */
static inline bool bitset_union(struct bitset *a, const struct bitset *b)
{
    uint64_t changed = 0;

    for (uint32_t i = 0; i < a->word_count; i++) {
        changed |= b->words[i] & ~a->words[i];
        a->words[i] |= b->words[i];
    }
    return changed != 0;
}

static inline void bitset_copy(struct bitset *a, const struct bitset *b)
{
    memcpy(a->words, b->words, a->word_count * sizeof(uint64_t));
}

#endif
