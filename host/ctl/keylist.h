/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KEYLIST_H
#define SLUICE_HOST_KEYLIST_H

#include <stdbool.h>
#include <stdint.h>

/* The keys of a map, for walks by key over a map that tells its entries in no order that holds:
 * sorted by their bytes, or, of prefixes, in the order in which Linux walks them (from the left,
 * longer ones before those that they lie in). Keys may be in the list that have left the map. */
struct keylist {
    uint8_t *keys;
    uint32_t key_bytes;
    uint32_t count, capacity;
    bool prefixes;
    bool valid; /* every key of the map is in the list */
};

void keylist_close(struct keylist *l); /* also of a zeroed one */

/* Makes the list anew: start, add each key, end. add: 0 or -ENOMEM. */
void keylist_start(struct keylist *l, uint32_t key_bytes, bool prefixes);
int keylist_add(struct keylist *l, const void *key);
void keylist_end(struct keylist *l);

/* A key has come into the map, or its value has changed. */
void keylist_note(struct keylist *l, const void *key);

/* The place behind a key, whether it is in the list or not. */
uint32_t keylist_after(const struct keylist *l, const void *key);
/* The key at a place, or NULL behind the last. */
const void *keylist_key(const struct keylist *l, uint32_t place);

#endif
