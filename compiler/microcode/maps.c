/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <errno.h>

/* Where the maps lie in the core's memories. */

enum { BUCKETS_MIN = 4 };

/* Entries and buckets of an engine that holds keys, as far as they are given out. */
struct key_room {
    uint64_t entries;
    uint64_t buckets;
};

struct room {
    uint64_t vmem_bytes; /* on chip */
    uint64_t ext_bytes;  /* in external memory */
    struct key_room hash;
    struct key_room lpm;
};

static int refuse(struct diag_sink *sink, const char *code, const struct ir_map *map,
                  const char *what, uint64_t wanted, uint64_t have)
{
    diag_add(
        sink, DIAG_ERROR, code, DIAG_NOWHERE,
        "map %s: %s: %llu wanted, the core has %llu; make the map smaller, or run the program in "
        "software",
        map->name, what, (unsigned long long)wanted, (unsigned long long)have);
    return -ENOTSUP;
}

/* A hash map has a bucket for two entries at least, an LPM map one for each: a look-up that fails
 * at one length costs another. */
static int place_keys(const struct ir_map *map, struct room *room, struct diag_sink *sink,
                      uint32_t *desc)
{
    const bool lpm = map->engine == SPEC_ENGINE_LPM;
    const uint32_t entries_most = lpm ? SPEC_CORE_LPM_ENTRIES : SPEC_CORE_HASH_ENTRIES;
    const uint32_t buckets_most = lpm ? SPEC_CORE_LPM_BUCKETS : SPEC_CORE_HASH_BUCKETS;
    const uint64_t wanted = lpm ? map->max_entries : ((uint64_t)map->max_entries + 1) / 2;
    struct key_room *keys = lpm ? &room->lpm : &room->hash;
    uint64_t buckets = BUCKETS_MIN;

    while (buckets < wanted)
        buckets *= 2;
    desc[SPEC_MAPDESC_ENTRY_BASE] = (uint32_t)keys->entries;
    desc[SPEC_MAPDESC_BUCKET_BASE] = (uint32_t)keys->buckets;
    desc[SPEC_MAPDESC_BUCKET_MASK] = (uint32_t)(buckets - 1);
    keys->entries += (uint64_t)map->max_entries + 1;
    keys->buckets += buckets;
    if (keys->entries > entries_most)
        return refuse(sink, "UCODE0007", map,
                      lpm ? "LPM entries, with the maps before it and one spare a map"
                          : "hash entries, with the maps before it and one spare a map",
                      keys->entries, entries_most);
    if (keys->buckets > buckets_most)
        return refuse(sink, "UCODE0008", map,
                      lpm ? "LPM buckets, with the maps before it"
                          : "hash buckets, with the maps before it",
                      keys->buckets, buckets_most);
    return 0;
}

/* Gives a map's values their place. */
static int place_values(const struct ir_map *map, bool external, struct room *room,
                        struct diag_sink *sink, uint32_t *desc)
{
    if (external) {
        desc[SPEC_MAPDESC_VMEM_BASE] = (uint32_t)(SPEC_EXT_BASE + room->ext_bytes);
        room->ext_bytes += ir_map_bytes(map);
        if (room->ext_bytes > SPEC_EXT_BYTES)
            return refuse(sink, "UCODE0021", map,
                          "bytes of map values in external memory, with the maps before it",
                          room->ext_bytes, SPEC_EXT_BYTES);
        return 0;
    }
    desc[SPEC_MAPDESC_VMEM_BASE] = (uint32_t)room->vmem_bytes;
    room->vmem_bytes += ir_map_bytes(map);
    if (room->vmem_bytes > SPEC_CORE_VMEM_BYTES)
        return refuse(sink, "UCODE0004", map,
                      "bytes of map values on chip, with the maps before it", room->vmem_bytes,
                      SPEC_CORE_VMEM_BYTES);
    return 0;
}

static int place(const struct ir_map *map, bool external, struct room *room, struct diag_sink *sink,
                 uint32_t *desc)
{
    int err;

    desc[SPEC_MAPDESC_ENGINE] = map->engine;
    desc[SPEC_MAPDESC_KEY_BYTES] = map->key_bytes;
    desc[SPEC_MAPDESC_VALUE_BYTES] = map->value_bytes;
    desc[SPEC_MAPDESC_STRIDE] = map->stride_bytes;
    desc[SPEC_MAPDESC_MAX_ENTRIES] = map->max_entries;
    desc[SPEC_MAPDESC_CPUS] = map->cpus;
    desc[SPEC_MAPDESC_VMEM_BASE] = (uint32_t)room->vmem_bytes;
    if (map->engine == SPEC_ENGINE_NONE)
        return 0;
    err = place_values(map, external, room, sink, desc);
    if (err)
        return err;
    if (!spec_engine_has_keys(map->engine))
        return 0;
    if (map->key_bytes > SPEC_HW_KEY_BYTES)
        return refuse(sink, "UCODE0005", map, "bytes of a key", map->key_bytes, SPEC_HW_KEY_BYTES);
    if (map->value_bytes > SPEC_HW_VALUE_BYTES)
        return refuse(sink, "UCODE0006", map, "bytes of a value", map->value_bytes,
                      SPEC_HW_VALUE_BYTES);
    return place_keys(map, room, sink, desc);
}

int mach_maps(const struct ir_func *f, struct arena *arena, struct diag_sink *sink,
              struct ucode_image *image)
{
    bool external[SPEC_HW_MAPS] = {false};
    struct room room = {0};

    if (f->map_count > SPEC_HW_MAPS) {
        diag_add(sink, DIAG_ERROR, "UCODE0009", DIAG_NOWHERE,
                 "%s: %u maps, the core's engines serve %d; run the program in software", f->name,
                 f->map_count, SPEC_HW_MAPS);
        return -ENOTSUP;
    }
    ir_choose_memories(f, SPEC_CORE_VMEM_BYTES, external);
    image->map_count = f->map_count;
    image->mapdesc = arena_array(arena, f->map_count + 1, sizeof(*image->mapdesc));
    for (uint32_t map = 0; map < f->map_count; map++) {
        const int ret = place(&f->maps[map], external[map], &room, sink, image->mapdesc[map]);

        if (ret != 0)
            return ret;
    }
    return 0;
}
