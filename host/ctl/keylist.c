/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/keylist.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void keylist_close(struct keylist *l)
{
    free(l->keys);
    *l = (struct keylist){0};
}

void keylist_start(struct keylist *l, uint32_t key_bytes, bool prefixes)
{
    l->key_bytes = key_bytes;
    l->prefixes = prefixes;
    l->count = 0;
    l->valid = false;
}

int keylist_add(struct keylist *l, const void *key)
{
    if (l->count == l->capacity) {
        const uint32_t larger = l->capacity ? l->capacity * 2 : 64;
        void *grown = realloc(l->keys, (size_t)larger * l->key_bytes);

        if (!grown)
            return -ENOMEM;
        l->keys = grown;
        l->capacity = larger;
    }
    memcpy(l->keys + (size_t)l->count++ * l->key_bytes, key, l->key_bytes);
    return 0;
}

static uint32_t bits_of(const uint8_t *key)
{
    uint32_t bits;

    memcpy(&bits, key, sizeof(bits));
    return bits;
}

/* What lies to the left, or in the other, comes first; 0: the same prefix. */
static int by_prefix(const uint8_t *a, const uint8_t *b)
{
    const uint32_t shorter = bits_of(a) < bits_of(b) ? bits_of(a) : bits_of(b);
    const int whole = memcmp(a + sizeof(uint32_t), b + sizeof(uint32_t), shorter / 8);
    int diff = 0;

    if (whole)
        return whole;
    if (shorter % 8) {
        const uint32_t at = (uint32_t)sizeof(uint32_t) + shorter / 8;

        diff = (a[at] >> (8 - shorter % 8)) - (b[at] >> (8 - shorter % 8));
    }
    return diff ? diff : (bits_of(a) < bits_of(b)) - (bits_of(a) > bits_of(b));
}

static int compare(const void *a, const void *b, void *ctx)
{
    const struct keylist *l = ctx;

    return l->prefixes ? by_prefix(a, b) : memcmp(a, b, l->key_bytes);
}

void keylist_end(struct keylist *l)
{
    if (l->count)
        qsort_r(l->keys, l->count, l->key_bytes, compare, l);
    l->valid = true;
}

const void *keylist_key(const struct keylist *l, uint32_t place)
{
    return place < l->count ? l->keys + (size_t)place * l->key_bytes : NULL;
}

/* Keys that come before a key. */
static uint32_t place_of(const struct keylist *l, const void *key)
{
    uint32_t low = 0, high = l->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (compare(keylist_key(l, middle), key, (void *)(uintptr_t)l) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct keylist *l, uint32_t place, const void *key)
{
    const void *at = keylist_key(l, place);

    return at && !compare(at, key, (void *)(uintptr_t)l);
}

uint32_t keylist_after(const struct keylist *l, const void *key)
{
    const uint32_t place = place_of(l, key);

    assert(l->valid);
    return place + has(l, place, key);
}

void keylist_note(struct keylist *l, const void *key)
{
    const uint32_t place = place_of(l, key);

    l->valid = l->valid && has(l, place, key);
    if (l->valid) /* what lies behind a prefix may be new */
        memcpy(l->keys + (size_t)place * l->key_bytes, key, l->key_bytes);
}
