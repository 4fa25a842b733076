/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/sluice.h"
#include "tests/common/random.h"
#include "tests/common/text_object.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ./dev maps --threads: maps of one loaded program under several threads at once, through the
 * library and under thread sanitizer: one thread runs packets, the others use the maps as a host
 * does. Each thread has keys of its own, so it knows what it must find; values of queues and stacks
 * say who pushed them, so none may be lost or doubled. usage: sluice-map-threads [OPERATIONS A
 * TYPE] Exit status: 0 no difference, 1 differences, 2 usage. */

enum { HOSTS = 3, KEYS = 48, CPUS = 4, PACKETS_A_BATCH = 4 };

static const char program[] =
    ".program threads\n"
    ".map array array 4 8 256\n"
    ".map cpus percpu_array 4 8 256\n"
    ".map hash hash 4 8 256\n"
    ".map percpu percpu_hash 4 8 256\n"
    ".map lru lru_hash 4 8 100\n" /* too small for all: some are evicted */
    ".map lpm lpm_trie 8 8 256 1\n"
    ".map queue queue 0 8 64\n"
    ".map stack stack 0 8 64\n"
    ".map bloom bloom_filter 0 8 4096\n"
    "r1 = 0\n*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = r1\n"
#define CALL(name, helper, more)                                                                   \
    "r2 = r10\nr2 += -8\n" more "r1 = map[" name "] ll\ncall " helper "\n"
#define VALUE "r3 = r10\nr3 += -16\nr4 = 0\n"
    CALL("hash", "bpf_map_update_elem", VALUE) CALL("percpu", "bpf_map_update_elem", VALUE)
        CALL("lru", "bpf_map_update_elem", VALUE) CALL("lpm", "bpf_map_lookup_elem", "")
            CALL("cpus", "bpf_map_lookup_elem", "")
                CALL("bloom", "bpf_map_peek_elem",
                     "") "r2 = r10\nr2 += -24\nr1 = map[queue] ll\ncall bpf_map_peek_elem\n"
                         "r2 = r10\nr2 += -24\nr1 = map[stack] ll\ncall bpf_map_peek_elem\n"
                         "r1 = 0\n*(u64 *)(r10 - 8) = r1\n" CALL(
                             "array", "bpf_map_lookup_elem",
                             "") "if r0 == 0 goto out\nr1 = 1\nlock *(u64 *)(r0 + 0) += "
                                 "r1\nout:\nr0 = 2\nexit\n";

static const char *const names[] = {"array", "cpus",  "hash",  "percpu", "lru",
                                    "lpm",   "queue", "stack", "bloom"};

struct host {
    struct sluice_map *map;
    uint64_t operations;
    uint32_t number;
    uint64_t values[KEYS]; /* of its keys; 0: none */
    /* Of what it pushed and popped, by the number of the thread that pushed. */
    uint64_t pushed, pushed_sum;
    uint64_t popped[HOSTS], popped_sum[HOSTS], last[HOSTS];
    char why[160]; /* empty: no difference */
};

static void differs(struct host *h, const char *what, int got, uint64_t value)
{
    if (!*h->why)
        snprintf(h->why, sizeof(h->why), "%s, thread %u: %s gives %d, value %" PRIu64,
                 sluice_map_name(h->map), h->number, what, got, value);
}

/* A key of this thread, and its value in every CPU's place. */
struct entry {
    uint8_t key[8];
    uint64_t values[CPUS];
};

static struct entry entry_of(const struct host *h, uint32_t k, uint64_t value)
{
    const uint32_t number = 1 + h->number * KEYS + k;
    struct entry e = {.values = {value, value, value, value}};

    if (sluice_map_key_size(h->map) == 8) { /* a prefix of 32 bits, as long as they come */
        const uint32_t bits = 32;
        const uint8_t address[4] = {10, 0, (uint8_t)(number >> 8), (uint8_t)number};

        memcpy(e.key, &bits, 4);
        memcpy(e.key + 4, address, 4);
    } else {
        memcpy(e.key, &number, 4);
    }
    return e;
}

static void update(struct host *h, uint32_t k, uint64_t value)
{
    const struct entry e = entry_of(h, k, value);
    const int err = sluice_map_update_elem(h->map, e.key, sluice_map_key_size(h->map), e.values,
                                           sluice_map_values_size(h->map), BPF_ANY);

    h->values[k] = value;
    if (err)
        differs(h, "update", err, value);
}

static void look_up(struct host *h, uint32_t k)
{
    struct entry e = entry_of(h, k, 0);
    const bool forgets = sluice_map_type(h->map) == BPF_MAP_TYPE_LRU_HASH;
    const int err = sluice_map_lookup_elem(h->map, e.key, sluice_map_key_size(h->map), e.values,
                                           sluice_map_values_size(h->map), 0);

    if (err == -ENOENT && forgets)
        h->values[k] = 0;
    else if (h->values[k] ? err || e.values[0] != h->values[k] : err != -ENOENT)
        differs(h, "look-up", err, e.values[0]);
}

static void take_out(struct host *h, uint32_t k)
{
    const struct entry e = entry_of(h, k, 0);
    const bool forgets = sluice_map_type(h->map) == BPF_MAP_TYPE_LRU_HASH;
    const int err = sluice_map_delete_elem(h->map, e.key, sluice_map_key_size(h->map), 0);

    if (h->values[k] ? err && !(forgets && err == -ENOENT) : err != -ENOENT)
        differs(h, "delete", err, h->values[k]);
    h->values[k] = 0;
}

static void use_keys(struct host *h, uint64_t *seed)
{
    const uint32_t type = sluice_map_type(h->map);
    const bool always = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;

    for (uint32_t k = 0; always && k < KEYS; k++)
        update(h, k, 1);
    for (uint64_t i = 0; i < h->operations && !*h->why; i++) {
        const uint64_t r = random_next(seed);
        const uint32_t k = (uint32_t)(r >> 8) % KEYS;

        if (r % 4 == 0)
            update(h, k, (r >> 20) | 1);
        else if (r % 4 == 1 && !always)
            take_out(h, k);
        else
            look_up(h, k);
    }
}

static void pop(struct host *h)
{
    uint64_t value;
    const int err = sluice_map_lookup_and_delete_elem(h->map, NULL, 0, &value, 8, 0);
    const uint32_t from = (uint32_t)(value >> 48);
    const uint64_t number = value & 0xffffffffffff;

    if (err == -ENOENT)
        return;
    if (err || from >= HOSTS) {
        differs(h, "pop", err, value);
        return;
    }
    /* whoever pops sees those of one thread in their order */
    if (sluice_map_type(h->map) == BPF_MAP_TYPE_QUEUE && number <= h->last[from])
        differs(h, "pop out of order", (int)from, number);
    h->last[from] = number;
    h->popped[from]++;
    h->popped_sum[from] += number;
}

static void use_queue(struct host *h, uint64_t *seed)
{
    for (uint64_t i = 0; i < h->operations && !*h->why; i++) {
        const uint64_t value = (uint64_t)h->number << 48 | (h->pushed + 1);
        int err;

        if (random_next(seed) & 1) {
            pop(h);
            continue;
        }
        err = sluice_map_update_elem(h->map, NULL, 0, &value, 8, BPF_ANY);
        if (!err) {
            h->pushed++;
            h->pushed_sum += h->pushed;
        } else if (err != -E2BIG) {
            differs(h, "push", err, value);
        }
    }
}

static void use_filter(struct host *h, uint64_t *seed)
{
    for (uint64_t i = 0; i < h->operations && !*h->why; i++) {
        const uint64_t r = random_next(seed);
        const uint32_t k = (uint32_t)(r >> 8) % KEYS;
        uint64_t value = (uint64_t)h->number << 48 | k;
        int err;

        if (r % 8 == 0) {
            err = sluice_map_update_elem(h->map, NULL, 0, &value, 8, BPF_ANY);
            h->values[k] = 1;
        } else {
            err = sluice_map_lookup_elem(h->map, NULL, 0, &value, 8, 0);
            if (!h->values[k] && err == -ENOENT)
                err = 0; /* and 0 is a false positive */
        }
        if (err)
            differs(h, r % 8 ? "look-up" : "push", err, value);
    }
}

static void *use(void *ctx)
{
    struct host *h = ctx;
    const uint32_t type = sluice_map_type(h->map);
    uint64_t seed = 1 + h->number;

    if (type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK)
        use_queue(h, &seed);
    else if (type == BPF_MAP_TYPE_BLOOM_FILTER)
        use_filter(h, &seed);
    else
        use_keys(h, &seed);
    return NULL;
}

struct runner {
    struct sluice_loaded *loaded;
    atomic_bool stop;
    uint64_t packets;
    int err;
};

static void *run_packets(void *ctx)
{
    static const uint8_t bytes[64];
    struct runner *r = ctx;
    struct sluice_packet packets[PACKETS_A_BATCH];
    struct sluice_batch batch = {.size = sizeof(batch),
                                 .packets = packets,
                                 .packet_size = sizeof(packets[0]),
                                 .result_size = sizeof(struct sluice_result),
                                 .count = PACKETS_A_BATCH};

    for (uint32_t i = 0; i < PACKETS_A_BATCH; i++)
        packets[i] = (struct sluice_packet){.data = bytes, .len = sizeof(bytes), .queue = i % CPUS};
    while (!atomic_load(&r->stop) && !r->err) {
        r->err = sluice_run(r->loaded, &batch);
        r->packets += batch.done;
    }
    return NULL;
}

/* What one thread pushed and nobody popped must still be there, and be all that is there. */
static bool nothing_lost(struct host *hosts)
{
    struct host rest = {.map = hosts[0].map, .number = HOSTS};
    const uint32_t capacity = sluice_map_max_entries(rest.map);

    for (uint32_t i = 0; i <= capacity; i++) {
        memset(rest.last, 0, sizeof(rest.last));
        pop(&rest);
    }
    for (uint32_t from = 0; from < HOSTS; from++) {
        uint64_t popped = rest.popped[from], sum = rest.popped_sum[from];

        for (uint32_t i = 0; i < HOSTS; i++) {
            popped += hosts[i].popped[from];
            sum += hosts[i].popped_sum[from];
        }
        if (popped != hosts[from].pushed || sum != hosts[from].pushed_sum)
            differs(&hosts[from], "all pops together", (int)(popped - hosts[from].pushed), sum);
    }
    return !*rest.why;
}

static bool everything_there(struct host *h)
{
    for (uint32_t k = 0; k < KEYS; k++)
        look_up(h, k);
    return !*h->why;
}

static bool try_map(struct sluice_loaded *loaded, const char *name, uint64_t operations)
{
    struct host *hosts = calloc(HOSTS, sizeof(*hosts));
    struct sluice_map *map = sluice_loaded_find_map_by_name(loaded, name);
    struct sluice_map *array = sluice_loaded_find_map_by_name(loaded, "array");
    struct runner runner = {.loaded = loaded};
    pthread_t threads[HOSTS], packets;
    const uint32_t first = 0;
    uint64_t before = 0, counted = 0;
    bool good = hosts && map && array;

    if (!good || sluice_map_lookup_elem(array, &first, 4, &before, 8, 0) ||
        pthread_create(&packets, NULL, run_packets, &runner))
        return false;
    for (uint32_t i = 0; i < HOSTS; i++) {
        hosts[i].map = map;
        hosts[i].number = i;
        hosts[i].operations = operations / HOSTS;
        if (pthread_create(&threads[i], NULL, use, &hosts[i]))
            return false;
    }
    for (uint32_t i = 0; i < HOSTS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&runner.stop, true);
    pthread_join(packets, NULL);
    if (sluice_map_key_size(map))
        for (uint32_t i = 0; i < HOSTS; i++)
            good &= everything_there(&hosts[i]);
    else if (sluice_map_type(map) != BPF_MAP_TYPE_BLOOM_FILTER)
        good &= nothing_lost(hosts);
    for (uint32_t i = 0; i < HOSTS; i++) {
        if (*hosts[i].why)
            fprintf(stderr, "%s\n", hosts[i].why);
        good &= !*hosts[i].why;
    }
    if (sluice_map_lookup_elem(array, &first, 4, &counted, 8, 0) || runner.err ||
        counted - before != runner.packets) {
        fprintf(stderr, "%s: %" PRIu64 " packets were counted, not %" PRIu64 " (%d)\n", name,
                counted - before, runner.packets, runner.err);
        good = false;
    }
    printf("%s: %" PRIu64 " operations of %d threads, %" PRIu64 " packets beside: %s\n", name,
           operations / HOSTS * HOSTS, HOSTS, runner.packets, good ? "no difference" : "DIFFERS");
    free(hosts);
    return good && runner.packets;
}

int main(int argc, char **argv)
{
    const uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
    const struct sluice_load_opts opts = {.size = sizeof(opts), .executor = "interp"};
    struct sluice_object *object = NULL;
    struct sluice_loaded *loaded = NULL;
    bool good = true;
    size_t bytes;
    void *data = text_object(program, &bytes);

    if (argc > 2 || operations < HOSTS) {
        fprintf(stderr, "usage: sluice-map-threads [OPERATIONS A TYPE]\n");
        return 2;
    }
    if (!data || sluice_object_open_memory(data, bytes, NULL, &object) ||
        sluice_load(sluice_object_next_program(object, NULL), &opts, &loaded)) {
        fprintf(stderr, "the program can't be loaded\n");
        return 1;
    }
    free(data);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        good &= try_map(loaded, names[i], operations);
    sluice_unload(loaded);
    sluice_object_close(object);
    return good ? 0 : 1;
}
