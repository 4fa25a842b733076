/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_runtime/maps/internal.h"

/* The order in which the entries of an LRU map were last used: a list through all of them, which
 * the hash (hash.c) keeps. What counts as use, and what is evicted: docs/maps.md. */

void map_lru_init(struct map_lru *lru, uint32_t *tables, uint32_t entries)
{
    lru->newer = tables;
    lru->older = tables + entries;
    lru->newest = MAP_NO_ENTRY;
    lru->oldest = MAP_NO_ENTRY;
}

void map_lru_add(struct map_lru *lru, uint32_t entry)
{
    lru->newer[entry] = MAP_NO_ENTRY;
    lru->older[entry] = lru->newest;
    if (lru->newest == MAP_NO_ENTRY)
        lru->oldest = entry;
    else
        lru->newer[lru->newest] = entry;
    lru->newest = entry;
}

void map_lru_remove(struct map_lru *lru, uint32_t entry)
{
    const uint32_t newer = lru->newer[entry];
    const uint32_t older = lru->older[entry];

    if (newer == MAP_NO_ENTRY)
        lru->newest = older;
    else
        lru->older[newer] = older;
    if (older == MAP_NO_ENTRY)
        lru->oldest = newer;
    else
        lru->newer[older] = newer;
}

void map_lru_use(struct map_lru *lru, uint32_t entry)
{
    if (lru->newest == entry)
        return;
    map_lru_remove(lru, entry);
    map_lru_add(lru, entry);
}
