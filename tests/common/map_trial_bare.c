/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/map_trial.h"

#include "tests/common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Trials of maps without keys. Their models: the values of a queue in a list, the records of a ring
 * buffer in a list, and of a Bloom filter which values were pushed. */

enum { ENTRIES_MAX = 64, VALUE_MAX = 16 };

/* --- queues and stacks ------------------------------------------------------------------- */

struct list {
    uint8_t values[ENTRIES_MAX][VALUE_MAX]; /* the oldest first */
    uint32_t count;
};

static void drop_value(struct list *l, uint32_t at)
{
    memmove(l->values[at], l->values[at + 1], (size_t)(l->count - at - 1) * VALUE_MAX);
    l->count--;
}

static int model_push(struct list *l, const struct map_def *def, const uint8_t *value,
                      uint64_t flags)
{
    if (flags == SPEC_MAP_FLAG_NOEXIST || flags > SPEC_MAP_FLAG_EXIST)
        return -EINVAL;
    if (l->count == def->max_entries && flags != SPEC_MAP_FLAG_EXIST)
        return -E2BIG;
    if (l->count == def->max_entries)
        drop_value(l, 0);
    memcpy(l->values[l->count++], value, def->value_bytes);
    return 0;
}

static bool push(struct map_trial_state *t, struct list *l)
{
    static const uint64_t flags[] = {0, 0, 0, 0, 2, 2, 1, 3, 4, UINT64_C(1) << 40};
    const uint64_t flag = flags[random_below(&t->seed, 10)];
    uint8_t value[VALUE_MAX];

    for (uint32_t i = 0; i < sizeof(value); i++)
        value[i] = (uint8_t)random_next(&t->seed);
    return map_trial_result(t, "a push",
                            random_below(&t->seed, 2) ? map_update(t->map, NULL, value, flag, 0)
                                                      : map_host_update(t->map, NULL, value, flag),
                            model_push(l, t->def, value, flag));
}

/* The next value, seen or taken. */
static bool next_value(struct map_trial_state *t, struct list *l, bool take)
{
    const uint32_t at = t->def->type == SPEC_MAP_STACK && l->count ? l->count - 1 : 0;
    const bool host = random_below(&t->seed, 2);
    uint8_t copy[VALUE_MAX];
    const uint8_t *value =
        host ? (map_host_lookup(t->map, NULL, copy) ? NULL : copy) : map_lookup(t->map, NULL, 0);

    t->counts->hits += value != NULL;
    t->counts->misses += !value;
    if (!value != !l->count)
        return map_trial_wrong(t, "a look finds %s", value ? "what is not there" : "nothing");
    if (value && memcmp(value, l->values[at], t->def->value_bytes))
        return map_trial_wrong(t, "a look finds another value than the next one");
    if (!take)
        return true;
    if (!map_trial_result(t, "a pop",
                          host ? map_host_delete(t->map, NULL) : map_delete(t->map, NULL),
                          l->count ? 0 : -ENOENT))
        return false;
    if (l->count)
        drop_value(l, at);
    return true;
}

static bool compare_list(struct map_trial_state *t, const struct list *l)
{
    uint8_t value[VALUE_MAX];

    t->counts->walks++;
    for (uint32_t i = 0; i < l->count; i++) {
        if (map_host_value(t->map, i, value))
            return map_trial_wrong(t, "value %u of %u is not there", i, l->count);
        if (memcmp(value, l->values[i], t->def->value_bytes))
            return map_trial_wrong(t, "value %u of %u is another", i, l->count);
    }
    return map_host_value(t->map, l->count, value) == -ENOENT ||
           map_trial_wrong(t, "there are more than %u values", l->count);
}

bool map_trial_queue(struct map_trial_state *t, uint64_t operations)
{
    static const struct list empty;
    struct list l = empty;
    bool fine = true;

    while (fine && t->counts->operations < operations) {
        /* mostly full for a while, then mostly empty */
        const uint32_t pushes = t->counts->operations >> 8 & 1 ? 6 : 3;
        const uint32_t what = random_below(&t->seed, 10);

        t->counts->operations++;
        fine = what < pushes ? push(t, &l) : next_value(t, &l, what != 9);
        if (fine && random_below(&t->seed, 100) == 0)
            fine = compare_list(t, &l);
    }
    return fine && compare_list(t, &l);
}

/* --- ring buffers ------------------------------------------------------------------------ */

enum { RECORDS = 1024, HEADER = 8, OPEN_MAX = 5 };

enum record_state { RECORD_BUSY, RECORD_DONE, RECORD_DISCARDED };

struct record {
    uint8_t *memory; /* while it is busy */
    uint32_t bytes;
    uint8_t first; /* its bytes count up from this */
    enum record_state state;
};

/* Records that the host has not consumed, the oldest first. */
struct ring {
    struct record records[RECORDS];
    uint32_t count;
    uint32_t busy;
    uint64_t used;     /* bytes that they take */
    uint64_t consumed; /* ... and that were taken so far */
    uint64_t lost;     /* records without room */
};

static uint64_t room_for(uint32_t bytes)
{
    return ((uint64_t)bytes + HEADER + 7) / 8 * 8;
}

static void fill(uint8_t *to, uint32_t bytes, uint8_t first)
{
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(first + i);
}

static bool fits(const struct map_trial_state *t, const struct ring *r, uint32_t bytes)
{
    return bytes <= UINT32_MAX / 4 && r->used + room_for(bytes) < t->def->max_entries;
}

static uint32_t random_length(struct map_trial_state *t)
{
    switch (random_below(&t->seed, 40)) {
    case 0:
        return t->def->max_entries - HEADER - random_below(&t->seed, 24);
    case 1:
        return UINT32_MAX - random_below(&t->seed, 20);
    case 2:
        return UINT32_MAX / 4 + random_below(&t->seed, 2);
    case 3:
        return 0;
    default:
        return random_below(&t->seed, random_below(&t->seed, 4) ? 64 : 900);
    }
}

static void add_record(struct ring *r, uint32_t bytes, uint8_t first, uint8_t *memory)
{
    r->records[r->count++] =
        (struct record){memory, bytes, first, memory ? RECORD_BUSY : RECORD_DONE};
    r->busy += memory != NULL;
    r->used += room_for(bytes);
}

static bool reserve(struct map_trial_state *t, struct ring *r)
{
    const uint32_t bytes = random_length(t);
    const bool room = fits(t, r, bytes);
    const uint8_t first = (uint8_t)random_next(&t->seed);
    uint8_t *memory = map_ring_reserve(t->map, bytes);

    t->counts->refused += !memory;
    r->lost += !room;
    if (!memory != !room)
        return map_trial_wrong(t, "%u bytes are %s", bytes,
                               room ? "refused though there is room" : "given without room");
    if (memory) {
        fill(memory, bytes, first);
        add_record(r, bytes, first, memory);
    }
    return true;
}

static bool output(struct map_trial_state *t, struct ring *r)
{
    static const uint8_t nothing;
    uint32_t bytes = random_length(t);
    uint8_t data[8192];
    bool room;

    if (bytes > sizeof(data))
        bytes = sizeof(data);
    room = fits(t, r, bytes);
    r->lost += !room;
    fill(data, bytes, nothing);
    if (!map_trial_result(t, "output", map_ring_output(t->map, data, bytes), room ? 0 : -EAGAIN))
        return false;
    if (room)
        add_record(r, bytes, nothing, NULL);
    return true;
}

/* A record under way is submitted or discarded, once. */
static bool finish(struct map_trial_state *t, struct ring *r)
{
    const bool discard = random_below(&t->seed, 4) == 0;
    struct record *record = NULL;
    uintptr_t at;

    for (uint32_t i = 0, n = random_below(&t->seed, r->busy); i < r->count && !record; i++)
        if (r->records[i].state == RECORD_BUSY && !n--)
            record = &r->records[i];
    at = (uintptr_t)record->memory;
    if (!map_ring_finish(t->map, at, discard))
        return map_trial_wrong(t, "a record can't be finished");
    if (map_ring_finish(t->map, at, discard))
        return map_trial_wrong(t, "a record is finished twice");
    record->state = discard ? RECORD_DISCARDED : RECORD_DONE;
    r->busy--;
    t->counts->changes++;
    return true;
}

static void consume(struct ring *r)
{
    const uint64_t bytes = room_for(r->records[0].bytes);

    r->used -= bytes;
    r->consumed += bytes;
    memmove(r->records, r->records + 1, (r->count - 1) * sizeof(r->records[0]));
    r->count--;
}

/* The host takes a record: the oldest that is not discarded, if all before it are finished. */
static bool take(struct map_trial_state *t, struct ring *r)
{
    const void *data;
    uint32_t bytes;
    const bool got = map_ring_next(t->map, &data, &bytes);

    while (r->count && r->records[0].state == RECORD_DISCARDED)
        consume(r);
    t->counts->hits += got;
    t->counts->misses += !got;
    if (got != (r->count && r->records[0].state == RECORD_DONE))
        return map_trial_wrong(t, got ? "the host gets a record that is not there"
                                      : "the host does not get a record");
    if (!got)
        return true;
    if (bytes != r->records[0].bytes)
        return map_trial_wrong(t, "the host gets %u bytes, not %u", bytes, r->records[0].bytes);
    for (uint32_t i = 0; i < bytes; i++)
        if (((const uint8_t *)data)[i] != (uint8_t)(r->records[0].first + i))
            return map_trial_wrong(t, "byte %u of %u of a record is another", i, bytes);
    consume(r);
    return true;
}

static bool query(struct map_trial_state *t, const struct ring *r)
{
    const uint64_t expected[] = {r->used, t->def->max_entries, r->consumed, r->consumed + r->used,
                                 0};

    t->counts->walks++;
    if (map_ring_lost(t->map) != r->lost)
        return map_trial_wrong(t, "%llu records were lost, not %llu",
                               (unsigned long long)map_ring_lost(t->map),
                               (unsigned long long)r->lost);
    for (uint32_t what = 0; what < sizeof(expected) / sizeof(expected[0]); what++)
        if (map_ring_query(t->map, what) != expected[what])
            return map_trial_wrong(t, "question %u is answered with %llu, not %llu", what,
                                   (unsigned long long)map_ring_query(t->map, what),
                                   (unsigned long long)expected[what]);
    return true;
}

bool map_trial_ring(struct map_trial_state *t, uint64_t operations)
{
    struct ring *r = calloc(1, sizeof(*r));
    bool fine = r || map_trial_wrong(t, "no memory");

    while (fine && t->counts->operations < operations) {
        /* the host is slow for a while, then fast */
        const uint32_t takes = t->counts->operations >> 8 & 1 ? 5 : 1;
        const uint32_t what = random_below(&t->seed, 10);

        t->counts->operations++;
        if (what < takes)
            fine = take(t, r);
        else if (what < 7)
            fine = random_below(&t->seed, 2) && r->busy < OPEN_MAX ? reserve(t, r) : output(t, r);
        else if (r->busy)
            fine = finish(t, r);
        if (fine && random_below(&t->seed, 20) == 0)
            fine = query(t, r);
    }
    free(r);
    return fine;
}

/* --- Bloom filters ----------------------------------------------------------------------- */

/* Even numbers below 2 * max_entries are pushed, odd ones never: those that seem to be there are
 * false. Some of both, so that there is room to be wrong. */
bool map_trial_bloom(struct map_trial_state *t, uint64_t operations)
{
    uint8_t *pushed = calloc(2, t->def->max_entries);
    uint64_t asked = 0, seen = 0;
    bool fine = pushed || map_trial_wrong(t, "no memory");

    while (fine && t->counts->operations < operations) {
        const uint32_t number = random_below(&t->seed, 2 * t->def->max_entries);
        const bool pushes = random_below(&t->seed, 3) == 0 && number % 2 == 0;
        const uint64_t flags = random_below(&t->seed, 10) ? 0 : random_below(&t->seed, 8);
        const bool host = random_below(&t->seed, 2);
        uint8_t value[VALUE_MAX] = {0};

        t->counts->operations++;
        memcpy(value, &number, sizeof(number));
        if (pushes) {
            fine = map_trial_result(t, "a push",
                                    host ? map_host_update(t->map, NULL, value, flags)
                                         : map_update(t->map, NULL, value, flags, 0),
                                    flags ? -EINVAL : 0);
            pushed[number] |= !flags;
            continue;
        }
        {
            const bool has =
                host ? !map_host_lookup(t->map, NULL, value) : map_bloom_has(t->map, value);

            t->counts->hits += has;
            t->counts->misses += !has;
            asked += !pushed[number];
            seen += has && !pushed[number];
            if (pushed[number] && !has)
                fine = map_trial_wrong(t, "%u was pushed and is not there", number);
        }
    }
    /* 7 bits an entry make 3 to 4 % (Bloom 1970); twice as much and more is a broken hash. */
    if (fine && asked > 1000 && seen > asked / 8)
        fine = map_trial_wrong(t, "%llu of %llu that were not pushed seem to be there",
                               (unsigned long long)seen, (unsigned long long)asked);
    free(pushed);
    return fine;
}
