/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/swap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where maps of a program lie on a device on which another program still runs. Rows of microcode
 * name maps by their number, and only a map's descriptor says where it lies: so maps of both stay
 * where they are, and the others go where nothing is. */

/* Memory of the device of one kind, as far as a map owns it: a word of the descriptor says where it
 * begins. */
enum kind {
    KIND_VALUES,
    KIND_HASH_ENTRIES,
    KIND_HASH_BUCKETS,
    KIND_LPM_ENTRIES,
    KIND_LPM_BUCKETS,
    KIND_COUNT
};

static const struct {
    uint32_t word;
    uint64_t most;
} kinds[KIND_COUNT] = {
    [KIND_VALUES] = {SPEC_MAPDESC_VMEM_BASE, SPEC_CORE_VMEM_BYTES},
    [KIND_HASH_ENTRIES] = {SPEC_MAPDESC_ENTRY_BASE, SPEC_CORE_HASH_ENTRIES},
    [KIND_HASH_BUCKETS] = {SPEC_MAPDESC_BUCKET_BASE, SPEC_CORE_HASH_BUCKETS},
    [KIND_LPM_ENTRIES] = {SPEC_MAPDESC_ENTRY_BASE, SPEC_CORE_LPM_ENTRIES},
    [KIND_LPM_BUCKETS] = {SPEC_MAPDESC_BUCKET_BASE, SPEC_CORE_LPM_BUCKETS},
};

/* How much of a kind a map takes. */
static uint64_t size_of(const struct job *job, uint32_t map, enum kind kind)
{
    const uint32_t *desc = job->microcode->mapdesc[map];
    const bool keys = spec_engine_has_keys(desc[SPEC_MAPDESC_ENGINE]);
    const bool lpm = desc[SPEC_MAPDESC_ENGINE] == SPEC_ENGINE_LPM;

    switch (kind) {
    case KIND_VALUES:
        return ir_map_bytes(&job->ir->maps[map]);
    case KIND_HASH_ENTRIES:
    case KIND_LPM_ENTRIES:
        return keys && lpm == (kind == KIND_LPM_ENTRIES)
                   ? (uint64_t)desc[SPEC_MAPDESC_MAX_ENTRIES] + 1
                   : 0;
    case KIND_HASH_BUCKETS:
    case KIND_LPM_BUCKETS:
        return keys && lpm == (kind == KIND_LPM_BUCKETS)
                   ? (uint64_t)desc[SPEC_MAPDESC_BUCKET_MASK] + 1
                   : 0;
    case KIND_COUNT:
        break;
    }
    return 0;
}

/* The end of a map that has something in [first, first + size), or 0. */
static uint64_t end_of_met(const struct job *job, uint32_t map, enum kind kind, uint64_t first,
                           uint64_t size)
{
    const uint64_t own = size_of(job, map, kind);
    const uint64_t begin = job->microcode->mapdesc[map][kinds[kind].word];

    return own && begin < first + size && first < begin + own ? begin + own : 0;
}

/* The lowest place where neither the running program's maps lie nor those of the new one that have
 * their place: false if there is none. */
static bool find_room(const struct job *from, const struct job *to, uint32_t placed, uint32_t map,
                      enum kind kind, uint32_t *out)
{
    const uint64_t size = size_of(to, map, kind);
    uint64_t first = 0, met = 1;

    while (met) {
        met = 0;
        for (uint32_t i = 0; !met && i < SPEC_HW_MAPS; i++) {
            if (swap_on_device(from, i))
                met = end_of_met(from, i, kind, first, size);
            if (!met && placed >> i & 1)
                met = end_of_met(to, i, kind, first, size);
        }
        first = met ? met : first;
    }
    *out = (uint32_t)first;
    return first + size <= kinds[kind].most;
}

static bool is_outside(const struct job *job, uint32_t map)
{
    return ucode_map_external(job->microcode, map) || ucode_map_keys_external(job->microcode, map);
}

/* Whether maps of one number are one map, of one form; the host's tables come behind the object's
 * maps. */
static bool is_one_map(const struct job *from, const struct job *to, uint32_t map)
{
    const uint32_t *a = from->microcode->mapdesc[map], *b = to->microcode->mapdesc[map];
    const bool table = map >= to->object->map_count;

    if (table != (map >= from->object->map_count) ||
        memcmp(a, b, SPEC_MAPDESC_VMEM_BASE * sizeof(*a)) || is_outside(from, map) ||
        is_outside(to, map))
        return false;
    if (table)
        return from->ir->maps[map].table == to->ir->maps[map].table;
    return swap_same_map(from, map, to, map) && !job_holds_programs(&to->object->maps[map]) &&
           !job_holds_maps(&to->object->maps[map]);
}

/* Why a map of the new program can't be there beside the running one, or NULL. */
static const char *obstacle(const struct job *from, const struct job *to, uint32_t map)
{
    const uint32_t source = swap_source(from, to, map);

    if (swap_on_device(from, map) && !is_one_map(from, to, map))
        return "the running program has another map of its number, or the same in another form";
    if (!swap_on_device(from, map) && source != SWAP_NO_MAP && swap_on_device(from, source))
        return "the running program has it under another number, and changes it";
    if (is_outside(to, map))
        return "it is to lie in external memory";
    return NULL;
}

static bool place(const struct job *from, struct job *to, uint32_t *desc, uint32_t placed,
                  uint32_t map)
{
    for (uint32_t k = 0; k < KIND_COUNT; k++)
        if (size_of(to, map, (enum kind)k) &&
            !find_room(from, to, placed, map, (enum kind)k, &desc[kinds[k].word]))
            return false;
    return true;
}

/* An image like the job's, whose descriptors are its own. */
static int own_image(struct job *job, struct ucode_image **out)
{
    const struct ucode_image *from = job->microcode;
    struct ucode_image *image = arena_alloc(job->arena, sizeof(*image));
    const size_t bytes = (from->map_count + 1) * sizeof(*image->mapdesc);

    if (!image)
        return -ENOMEM;
    *image = *from;
    image->mapdesc = arena_alloc(job->arena, bytes);
    if (!image->mapdesc)
        return -ENOMEM;
    memcpy(image->mapdesc, from->mapdesc, from->map_count * sizeof(*image->mapdesc));
    job->microcode = image;
    *out = image;
    return 0;
}

int swap_place(const struct exec *from, struct job *to, uint32_t *stay, char why[EXEC_WHY_BYTES])
{
    const struct ucode_image *alone = to->microcode;
    const struct job *old = from->job;
    struct ucode_image *image;
    uint32_t mask = 0, placed;
    const char *reason = NULL;
    uint32_t i = 0;
    int err = own_image(to, &image);

    for (; !err && i < image->map_count; i++) {
        reason = swap_on_device(to, i) ? obstacle(old, to, i) : NULL;
        if (reason)
            break;
        if (!swap_on_device(to, i) || !swap_on_device(old, i))
            continue;
        memcpy(image->mapdesc[i], old->microcode->mapdesc[i], sizeof(image->mapdesc[i]));
        mask |= UINT32_C(1) << i;
    }
    placed = mask;
    for (i = reason ? i : 0; !err && !reason && i < image->map_count; i++) {
        if (!swap_on_device(to, i) || mask >> i & 1)
            continue;
        if (!place(old, to, image->mapdesc[i], placed, i)) {
            reason = "there is no room left for it";
            break;
        }
        placed |= UINT32_C(1) << i;
    }
    if (reason)
        snprintf(why, EXEC_WHY_BYTES,
                 "map %.64s of program %.64s can't be on the device while %.64s runs: %s",
                 to->ir->maps[i].name, to->prog->name, old->prog->name, reason);
    if (err || reason)
        to->microcode = alone;
    else
        *stay = mask;
    return err ? err : reason ? -EXDEV : 0;
}
