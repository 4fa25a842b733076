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
    uint64_t ext_bytes;  /* in external memory, keys and buckets included */
    uint64_t ext_most;   /* bytes of external memory that there are */
    uint64_t far_entries;
    struct key_room hash;
    struct key_room lpm;
};

/* Where a map lies. */
struct outside {
    bool values; /* in external memory */
    bool keys;   /* likewise; of hash maps only */
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

static uint64_t buckets_for(uint64_t wanted)
{
    uint64_t buckets = BUCKETS_MIN;

    while (buckets < wanted)
        buckets *= 2;
    return buckets;
}

static uint64_t hash_buckets(const struct ir_map *map)
{
    return buckets_for(((uint64_t)map->max_entries + 1) / 2);
}

static bool is_hash(const struct ir_map *map)
{
    return map->engine == SPEC_ENGINE_HASH || map->engine == SPEC_ENGINE_LRU;
}

/* A hash map has a bucket for two entries at least, an LPM map one for each: a look-up that fails
 * at one length costs another. */
static int place_keys(const struct ir_map *map, struct room *room, struct diag_sink *sink,
                      uint32_t *desc)
{
    const bool lpm = map->engine == SPEC_ENGINE_LPM;
    const uint32_t entries_most = lpm ? SPEC_CORE_LPM_ENTRIES : SPEC_CORE_HASH_ENTRIES;
    const uint32_t buckets_most = lpm ? SPEC_CORE_LPM_BUCKETS : SPEC_CORE_HASH_BUCKETS;
    struct key_room *keys = lpm ? &room->lpm : &room->hash;
    const uint64_t buckets = lpm ? buckets_for(map->max_entries) : hash_buckets(map);

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

/* Keys in external memory are the first lines of it, those of LRU maps in front: the order of these
 * is kept on chip. */
static int place_far_keys(const struct ir_map *map, struct room *room, struct diag_sink *sink,
                          uint32_t *desc)
{
    desc[SPEC_MAPDESC_ENTRY_BASE] = (uint32_t)(SPEC_EXT_BASE + room->far_entries);
    room->far_entries += (uint64_t)map->max_entries + 1;
    room->ext_bytes = room->far_entries * SPEC_EXT_LINE_BYTES;
    if (map->engine == SPEC_ENGINE_LRU && room->far_entries > SPEC_CORE_FAR_LRU)
        return refuse(sink, "UCODE0022", map,
                      "entries of LRU maps with keys in external memory, whose order is kept on "
                      "chip, with the maps before it and one spare a map",
                      room->far_entries, SPEC_CORE_FAR_LRU);
    if (room->far_entries > SPEC_FAR_ENTRIES)
        return refuse(sink, "UCODE0023", map,
                      "entries with keys in external memory, with the maps before it and one spare "
                      "a map",
                      room->far_entries, SPEC_FAR_ENTRIES);
    return 0;
}

/* A bucket for four entries, at a multiple of their number. */
static void place_far_buckets(const struct ir_map *map, struct room *room, uint32_t *desc)
{
    const uint64_t buckets = buckets_for(((uint64_t)map->max_entries + 3) / 4);
    const uint64_t lines = room->ext_bytes / SPEC_EXT_LINE_BYTES;
    const uint64_t first = (lines + buckets - 1) / buckets * buckets;

    desc[SPEC_MAPDESC_BUCKET_BASE] = (uint32_t)(SPEC_EXT_BASE + first);
    desc[SPEC_MAPDESC_BUCKET_MASK] = (uint32_t)(buckets - 1);
    room->ext_bytes = (first + buckets) * SPEC_EXT_LINE_BYTES;
}

static int check_external(const struct ir_map *map, const struct room *room, struct diag_sink *sink)
{
    if (room->ext_bytes <= room->ext_most)
        return 0;
    return refuse(sink, "UCODE0021", map,
                  "bytes of map values and keys in external memory, with the maps before it",
                  room->ext_bytes, room->ext_most);
}

/* The keys of all maps that are outside, before anything else there: LRU maps, then the others. */
static int place_outside(const struct ir_func *f, const struct outside *outside, struct room *room,
                         struct diag_sink *sink, uint32_t (*desc)[SPEC_MAPDESC_WORDS])
{
    static const uint32_t engines[] = {SPEC_ENGINE_LRU, SPEC_ENGINE_HASH};
    int err = 0;

    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < f->map_count && !err; i++)
            if (outside[i].keys && f->maps[i].engine == engines[k])
                err = place_far_keys(&f->maps[i], room, sink, desc[i]);
    for (uint32_t i = 0; i < f->map_count && !err; i++)
        if (outside[i].keys) {
            place_far_buckets(&f->maps[i], room, desc[i]);
            err = check_external(&f->maps[i], room, sink);
        }
    return err;
}

static uint64_t key_entries(const struct ir_map *map)
{
    return is_hash(map) ? (uint64_t)map->max_entries + 1 : 0;
}

/* Which maps lie outside: values as ir_choose_memories says; of the keys those that are to, and of
 * the other hash maps that need not be on chip the largest ones, until the rest fits there. What is
 * left has to be on chip, or is refused when it is placed. */
static void choose_memories(const struct ir_func *f, struct outside *out)
{
    bool values[SPEC_HW_MAPS] = {false};
    struct key_room chip = {0};

    ir_choose_memories(f, SPEC_CORE_VMEM_BYTES, values);
    for (uint32_t i = 0; i < f->map_count; i++) {
        const struct ir_map *m = &f->maps[i];

        out[i] =
            (struct outside){.values = values[i], .keys = is_hash(m) && m->memory == IR_MEMORY_FAR};
        chip.entries += out[i].keys ? 0 : key_entries(m);
        chip.buckets += out[i].keys || !is_hash(m) ? 0 : hash_buckets(m);
    }
    while (chip.entries > SPEC_CORE_HASH_ENTRIES || chip.buckets > SPEC_CORE_HASH_BUCKETS) {
        uint32_t largest = f->map_count;

        for (uint32_t i = 0; i < f->map_count; i++)
            if (!out[i].keys && is_hash(&f->maps[i]) && f->maps[i].memory != IR_MEMORY_CHIP &&
                (largest == f->map_count || f->maps[i].max_entries > f->maps[largest].max_entries))
                largest = i;
        if (largest == f->map_count)
            return;
        out[largest].keys = true;
        chip.entries -= key_entries(&f->maps[largest]);
        chip.buckets -= hash_buckets(&f->maps[largest]);
    }
}

/* Gives a map's values their place. */
static int place_values(const struct ir_map *map, bool external, struct room *room,
                        struct diag_sink *sink, uint32_t *desc)
{
    if (external) {
        desc[SPEC_MAPDESC_VMEM_BASE] = (uint32_t)(SPEC_EXT_BASE + room->ext_bytes);
        room->ext_bytes += ir_map_bytes(map);
        return check_external(map, room, sink);
    }
    desc[SPEC_MAPDESC_VMEM_BASE] = (uint32_t)room->vmem_bytes;
    room->vmem_bytes += ir_map_bytes(map);
    if (room->vmem_bytes > SPEC_CORE_VMEM_BYTES)
        return refuse(sink, "UCODE0004", map,
                      "bytes of map values on chip, with the maps before it", room->vmem_bytes,
                      SPEC_CORE_VMEM_BYTES);
    return 0;
}

static int place(const struct ir_map *map, struct outside outside, struct room *room,
                 struct diag_sink *sink, uint32_t *desc)
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
    err = place_values(map, outside.values, room, sink, desc);
    if (err)
        return err;
    if (!spec_engine_has_keys(map->engine))
        return 0;
    if (map->key_bytes > SPEC_HW_KEY_BYTES)
        return refuse(sink, "UCODE0005", map, "bytes of a key", map->key_bytes, SPEC_HW_KEY_BYTES);
    if (map->engine == SPEC_ENGINE_LPM && map->key_bytes > 4 + SPEC_CORE_LPM_BYTES)
        return refuse(sink, "UCODE0024", map, "bytes of a prefix", map->key_bytes - 4,
                      SPEC_CORE_LPM_BYTES);
    if (map->value_bytes > SPEC_HW_VALUE_BYTES)
        return refuse(sink, "UCODE0006", map, "bytes of a value", map->value_bytes,
                      SPEC_HW_VALUE_BYTES);
    return outside.keys ? 0 : place_keys(map, room, sink, desc);
}

int mach_maps(const struct ir_func *f, struct arena *arena, struct diag_sink *sink,
              struct ucode_image *image)
{
    struct outside outside[SPEC_HW_MAPS] = {{0}};
    struct room room = {.ext_most = f->ext_bytes ? f->ext_bytes : SPEC_EXT_BYTES};
    int err;

    if (f->map_count > SPEC_HW_MAPS) {
        diag_add(sink, DIAG_ERROR, "UCODE0009", DIAG_NOWHERE,
                 "%s: %u maps, the core's engines serve %d; run the program in software", f->name,
                 f->map_count, SPEC_HW_MAPS);
        return -ENOTSUP;
    }
    choose_memories(f, outside);
    image->map_count = f->map_count;
    image->mapdesc = arena_array(arena, f->map_count + 1, sizeof(*image->mapdesc));
    err = place_outside(f, outside, &room, sink, image->mapdesc);
    for (uint32_t map = 0; map < f->map_count && !err; map++)
        err = place(&f->maps[map], outside[map], &room, sink, image->mapdesc[map]);
    return err;
}
