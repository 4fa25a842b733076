/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/swap.h"

#include "host/ctl/exec_device.h"
#include "host/ctl/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which maps are the same, and which are handed on --- */

static uint32_t soft_of(const struct load_map *m)
{
    return m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].soft : SPEC_SOFT_NONE;
}

static bool is_held(const struct load_map *m)
{
    return job_holds_programs(m) || job_holds_maps(m);
}

/* Data sections: also their first contents. */
static bool same_data(const struct job *from, const struct load_map *a, const struct job *to,
                      const struct load_map *b)
{
    const char *x = from->object->path, *y = to->object->path;

    if (!a->data != !b->data || (a->data && memcmp(a->data, b->data, a->value_bytes)))
        return false;
    return a->kind == LOAD_MAP_RODATA || (a->kind != LOAD_MAP_DATA && a->kind != LOAD_MAP_BSS) ||
           (x && y && !strcmp(x, y));
}

bool swap_same_map(const struct job *from, uint32_t i, const struct job *to, uint32_t k)
{
    const struct load_map *a = &from->object->maps[i], *b = &to->object->maps[k];

    return job_same_definition(a, b) && same_data(from, a, to, b);
}

/* Whether contents of a map mean the same in another program. */
static bool is_kept(const struct load_map *m)
{
    const uint32_t soft = soft_of(m);

    return soft != SPEC_SOFT_NONE && soft != SPEC_SOFT_RINGBUF && m->kind != LOAD_MAP_RODATA &&
           m->type != SPEC_MAP_PERF_EVENT_ARRAY && !is_held(m);
}

uint32_t swap_source(const struct job *from, const struct job *to, uint32_t k)
{
    if (k < to->object->map_count && is_kept(&to->object->maps[k]))
        for (uint32_t i = 0; i < from->object->map_count; i++)
            if (swap_same_map(from, i, to, k))
                return i;
    return SWAP_NO_MAP;
}

/* --- contents --- */

static int restore(const struct snapshot *s, struct exec *to, uint32_t map,
                   char why[EXEC_WHY_BYTES])
{
    const size_t bytes = (size_t)s->cpus * s->stride_bytes;
    uint8_t *values = malloc(bytes + 1); /* at an address for any type */
    int err = values ? 0 : -ENOMEM;

    for (size_t i = 0; i < s->count && !err; i++) {
        memcpy(values, snapshot_value(s, i, 0), bytes);
        err = to->ops->map_update(to, map, snapshot_key(s, i), values, SPEC_MAP_FLAG_ANY);
    }
    free(values);
    if (err)
        snprintf(why, EXEC_WHY_BYTES, "map %.64s does not take what it held before: %s",
                 to->job->object->maps[map].name, strerror(-err));
    return err;
}

static int save(struct exec *from, uint32_t map, struct snapshot *s, char why[EXEC_WHY_BYTES])
{
    const struct load_map *m = &from->job->object->maps[map];
    int err = soft_of(m) == SPEC_SOFT_BLOOM ? -EOPNOTSUPP : snapshot_take(from, map, s);

    if (err == -EOPNOTSUPP)
        snprintf(why, EXEC_WHY_BYTES,
                 "map %.64s is a Bloom filter: nobody can read its values back, so the program "
                 "that replaces %.64s can't get them",
                 m->name, from->job->prog->name);
    else if (err)
        snprintf(why, EXEC_WHY_BYTES, "map %.64s can't be read: %s", m->name, strerror(-err));
    return err;
}

struct swap_saved {
    uint32_t count; /* of the new program's maps */
    struct {
        bool there;
        struct snapshot contents;
    } maps[];
};

void swap_free(struct swap_saved *saved)
{
    for (uint32_t i = 0; saved && i < saved->count; i++)
        snapshot_free(&saved->maps[i].contents);
    free(saved);
}

int swap_save(struct exec *from, const struct job *to, struct swap_saved **out,
              char why[EXEC_WHY_BYTES])
{
    const uint32_t count = to->object->map_count;
    struct swap_saved *saved = calloc(1, sizeof(*saved) + count * sizeof(saved->maps[0]));
    int err = 0;

    *out = NULL;
    if (!saved)
        return -ENOMEM;
    saved->count = count;
    for (uint32_t k = 0; k < count && !err; k++) {
        const uint32_t i = swap_source(from->job, to, k);

        if (i == SWAP_NO_MAP)
            continue;
        saved->maps[k].there = true;
        err = save(from, i, &saved->maps[k].contents, why);
    }
    if (err) {
        swap_free(saved);
        return err;
    }
    *out = saved;
    return 0;
}

int swap_restore(const struct swap_saved *saved, struct exec *to, struct swap_report *report,
                 char why[EXEC_WHY_BYTES])
{
    int err = 0;

    *report = (struct swap_report){0};
    for (uint32_t k = 0; k < saved->count && !err; k++) {
        if (!saved->maps[k].there) {
            report->fresh++;
            continue;
        }
        report->moved++;
        err = restore(&saved->maps[k].contents, to, k, why);
    }
    return err;
}

/* --- in place --- */

/* Contents of maps that one of the two has on the host. before: those that the new program has on
 * the device, which it must have when packets come; the others afterwards. */
static int move_contents(struct exec *from, struct exec *to, bool before,
                         struct swap_report *report, char why[EXEC_WHY_BYTES])
{
    int err = 0;

    for (uint32_t k = 0; k < to->job->object->map_count && !err; k++) {
        const uint32_t i = swap_source(from->job, to->job, k);
        struct snapshot s = {0};

        if (swap_on_device(to->job, k) != before || (before && to->kept >> k & 1))
            continue;
        if (i == SWAP_NO_MAP) {
            report->fresh++;
            continue;
        }
        report->moved++;
        err = save(from, i, &s, why);
        if (!err)
            err = restore(&s, to, k, why);
        snapshot_free(&s);
    }
    return err;
}

int swap_beside(struct exec *from, struct job *to, const struct exec_options *options,
                struct exec **out, struct swap_report *report, char why[EXEC_WHY_BYTES])
{
    struct exec_options beside = *options;
    struct swap_report r = {0};
    struct exec *exec = NULL;
    int err;

    *out = NULL;
    beside.beside = from;
    err = exec_open(exec_find("microcode"), to, &beside, &exec, why);
    if (err)
        return err;
    for (uint32_t i = 0; i < to->object->map_count; i++)
        r.stayed += exec->kept >> i & 1;
    err = move_contents(from, exec, true, &r, why);
    if (err) {
        exec_close(exec);
        return err;
    }
    err = exec_device_switch(exec);
    if (err)
        snprintf(why, EXEC_WHY_BYTES, "the device does not finish the packets of program %.64s: %s",
                 from->job->prog->name, strerror(-err));
    else
        err = move_contents(from, exec, false, &r, why);
    *out = exec;
    *report = r;
    return err;
}
