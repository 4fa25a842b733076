/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/snapshot.h"
#include "host/lib/internal.h"

#include <errno.h>
#include <string.h>

/* The contents of maps on their way from one program to the one that replaces it. No packet runs
 * and nobody writes meanwhile: both are locked. */

static const struct load_map *same_map(const struct load_object *file, const struct load_map *like,
                                       uint32_t *index)
{
    for (uint32_t i = 0; i < file->map_count; i++)
        if (job_same_definition(&file->maps[i], like)) {
            *index = i;
            return &file->maps[i];
        }
    return NULL;
}

static uint32_t soft_of(const struct load_map *m)
{
    return m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].soft : SPEC_SOFT_NONE;
}

static bool is_held(const struct load_map *m)
{
    return job_holds_programs(m) || job_holds_maps(m);
}

/* Whether a map has contents that are handed over. */
static bool is_kept(const struct load_map *m, bool same_object)
{
    const uint32_t soft = soft_of(m);

    if (soft == SPEC_SOFT_NONE || soft == SPEC_SOFT_RINGBUF || m->kind == LOAD_MAP_RODATA ||
        m->type == SPEC_MAP_PERF_EVENT_ARRAY)
        return false;
    return same_object || (m->kind != LOAD_MAP_DATA && m->kind != LOAD_MAP_BSS && !is_held(m));
}

/* Whether entries come and go, so that those that are there must go first. */
static bool is_emptied(const struct load_map *m)
{
    const uint32_t soft = soft_of(m);

    return soft == SPEC_SOFT_HASH || soft == SPEC_SOFT_LRU || soft == SPEC_SOFT_LPM ||
           soft == SPEC_SOFT_FDARRAY;
}

static int empty(struct exec *exec, uint32_t map, uint8_t *room)
{
    const struct load_map *m = &exec->job->object->maps[map];
    struct snapshot s;
    int err = 0;

    while (soft_of(m) == SPEC_SOFT_QUEUE && !err)
        err = exec->ops->map_pop(exec, map, room);
    if (err == -ENOENT)
        err = 0;
    if (err || !is_emptied(m))
        return err;
    err = snapshot_take(exec, map, &s);
    if (err)
        return err;
    for (size_t i = 0; i < s.count && !err; i++)
        err = exec->ops->map_delete(exec, map, snapshot_key(&s, i));
    snapshot_free(&s);
    return err;
}

/* The value of a map of programs or maps in the other executor's numbers. */
static int translate(const struct sluice_loaded *from, const struct sluice_loaded *to,
                     const struct load_map *m, uint8_t *value)
{
    const bool programs = job_holds_programs(m);
    uint32_t number;

    memcpy(&number, value, sizeof(number));
    number = lib_number_of_id(to, programs, lib_id_of_number(from, programs, number));
    memcpy(value, &number, sizeof(number));
    return number ? 0 : -EINVAL;
}

static int copy(struct sluice_loaded *from, uint32_t old, struct sluice_loaded *to, uint32_t map)
{
    const struct load_map *m = &to->file->maps[map];
    uint8_t *room = to->scratch + to->key_room;
    struct snapshot s;
    int err = empty(to->exec, map, room);

    if (!err)
        err = snapshot_take(from->exec, old, &s);
    if (err)
        return err;
    for (size_t i = 0; i < s.count && !err; i++) {
        memcpy(room, snapshot_value(&s, i, 0), (size_t)s.cpus * s.stride_bytes);
        if (is_held(m))
            err = translate(from, to, m, room);
        if (!err)
            err = to->exec->ops->map_update(to->exec, map, snapshot_key(&s, i), room,
                                            SPEC_MAP_FLAG_ANY);
    }
    snapshot_free(&s);
    return err;
}

int lib_hand_over(struct sluice_loaded *from, struct sluice_loaded *to,
                  const struct sluice_sink *sink, struct sluice_swap_result *result)
{
    const bool same_object = from->object == to->object;
    uint32_t map = 0;
    int err = 0;

    for (uint32_t i = 0; i < from->file->map_count; i++) {
        const struct load_map *m = &from->file->maps[i];

        if (soft_of(m) != SPEC_SOFT_BLOOM || !same_map(to->file, m, &map))
            continue;
        lib_say(sink, SLUICE_ERROR, "LIB0007", to->job->prog->name,
                "map %s is a Bloom filter: nobody can read its values back, so the program that "
                "replaces %s can't get them",
                m->name, from->job->prog->name);
        return -EOPNOTSUPP;
    }
    for (uint32_t i = 0; i < from->file->map_count && !err; i++) {
        const struct load_map *m = &from->file->maps[i];

        if (!is_kept(m, same_object) || !same_map(to->file, m, &map))
            continue;
        err = copy(from, i, to, map);
        result->moved += !err;
        if (err)
            lib_say(sink, SLUICE_ERROR, "LIB0008", to->job->prog->name,
                    "the contents of map %s can't be handed over from %s to %s: %s", m->name,
                    from->exec->ops->name, to->exec->ops->name, strerror(-err));
    }
    result->in_place = 1;
    result->fresh = to->file->map_count - result->moved;
    return err;
}
