/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel_maps.h"

#include "host/ctl/kernel_btf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOOPBACK = 1,  /* stands for every interface that a devmap names: no packet goes there */
    MARKER = 0xa5, /* fills the other CPUs' slots of per-CPU hashes: an entry that the program made
                      has 0 there */
    HOST_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_NUMA_NODE | BPF_F_NO_COMMON_LRU,
    /* Free elements that each CPU takes for itself at once (bpf_lru_list.c, LOCAL_FREE_TARGET): a
     * map that has as many more for each evicts nothing before it has max_entries elements. */
    LRU_SLACK = 256,
};

static bool is_percpu(const struct kernel_map *m)
{
    return spec_map_type_table[m->def->type].percpu;
}

static bool is_lru(const struct load_map *def)
{
    return spec_map_type_table[def->type].soft == SPEC_SOFT_LRU;
}

static bool is_queue(const struct kernel_map *m)
{
    return spec_map_type_table[m->def->type].soft == SPEC_SOFT_QUEUE;
}

/* Our own map has the contents: the kernel's says nothing of them, and programs can't change it. */
static bool is_shadowed(const struct kernel_map *m)
{
    const uint8_t soft = spec_map_type_table[m->def->type].soft;

    return spec_map_type_table[m->def->type].redirect || soft == SPEC_SOFT_FDARRAY ||
           soft == SPEC_SOFT_RINGBUF || m->def->type == SPEC_MAP_HASH_OF_MAPS;
}

/* Per-CPU maps whose entries come and go. */
static bool is_percpu_hash(const struct kernel_map *m)
{
    return is_percpu(m) && m->def->type != SPEC_MAP_PERCPU_ARRAY;
}

static bool is_target(const struct kernel_map *m)
{
    return spec_map_type_table[m->def->type].redirect;
}

static size_t values_bytes(const struct kernel_map *m)
{
    const size_t slots = is_percpu(m) && m->cpu.possible > m->cpus ? m->cpu.possible : m->cpus;

    return slots * m->stride;
}

/* A map as the definition says; inner is one like those that it holds, or 0. */
static int create_bare(const struct load_map *def, uint32_t cpus, int inner)
{
    const uint32_t slack = is_lru(def) ? LRU_SLACK * cpus : 0;
    LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = def->flags & ~(uint32_t)HOST_FLAGS);
    struct kernel_map_btf types = {.fd = -1};
    int fd;

    o.inner_map_fd = (uint32_t)inner;
    o.map_extra = load_extra(def);
    if (def->type == SPEC_MAP_BLOOM_FILTER)
        o.map_flags |= BPF_F_ZERO_SEED; /* our hash functions */
    if (load_has_lock(def)) {
        types = kernel_btf_of_lock(def->key_bytes, def->value_bytes, def->fields->lock_off);
        if (types.fd < 0)
            return types.fd;
        o.btf_fd = (uint32_t)types.fd;
        o.btf_key_type_id = types.key;
        o.btf_value_type_id = types.value;
    }
    fd = bpf_map_create((enum bpf_map_type)def->type, NULL, def->key_bytes, def->value_bytes,
                        def->max_entries + slack, &o);
    if (types.fd >= 0)
        close(types.fd);
    return fd;
}

static int create(const struct load_map *def, uint32_t cpus, char *why, size_t why_bytes)
{
    struct load_map like = load_inner(def) ? *load_inner(def) : (struct load_map){0};
    int inner = 0, fd;

    like.max_entries += !like.max_entries; /* any size, if it says none */
    if (load_inner(def))
        inner = create_bare(&like, cpus, 0);
    fd = inner < 0 ? inner : create_bare(def, cpus, inner);
    if (inner > 0)
        close(inner);
    if (fd == -EPERM)
        snprintf(why, why_bytes,
                 "the kernel refuses bpf() to this user (run as root, or with CAP_BPF and "
                 "CAP_NET_ADMIN)");
    else if (fd < 0)
        snprintf(why, why_bytes, "the kernel refuses map %s: %s", def->name, strerror(-fd));
    return fd;
}

static int freeze(struct kernel_map *m, char *why, size_t why_bytes)
{
    const uint32_t key = 0;
    int err = bpf_map_update_elem(m->fd, &key, m->frozen, BPF_ANY);

    if (!err)
        err = bpf_map_freeze(m->fd);
    if (err)
        snprintf(why, why_bytes, "map %s can't be filled and frozen: %s", m->def->name,
                 strerror(-err));
    m->stale = false;
    return err;
}

static int make_shadow(struct kernel_map *m, char *why, size_t why_bytes)
{
    const struct map_def def = {.type = m->def->type,
                                .key_bytes = m->def->key_bytes,
                                .value_bytes = m->def->value_bytes,
                                .max_entries = m->def->max_entries,
                                .flags = m->def->flags,
                                .extra = load_extra(m->def)};
    const char *reason = "no memory";
    const size_t bytes = (map_size_bytes(&def, &reason) + 63) & ~(size_t)63;

    m->shadow_memory = bytes ? aligned_alloc(64, bytes) : NULL;
    if (!m->shadow_memory) {
        snprintf(why, why_bytes, "map %s: %s", m->def->name, reason ? reason : "no memory");
        return bytes ? -ENOMEM : -ENOTSUP;
    }
    memset(m->shadow_memory, 0, bytes);
    m->shadow = map_init(m->shadow_memory, &def);
    return 0;
}

int kernel_map_open(struct kernel_map *m, const struct load_map *def, const struct kernel_cpu *cpu,
                    char *why, size_t why_bytes)
{
    int err = 0;

    *m = (struct kernel_map){.def = def, .cpu = *cpu, .fd = -1};
    m->cpus = is_percpu(m) ? SPEC_QUEUES : 1;
    m->stride = (def->value_bytes + 7) & ~7u;
    if (is_percpu(m) || is_shadowed(m))
        err = make_shadow(m, why, why_bytes);
    if (err)
        return err;
    m->fd = create(def, cpu->possible, why, why_bytes);
    if (m->fd < 0)
        return m->fd == -ENOMEM ? -ENOMEM : -ENOTSUP;
    m->values = calloc(1, values_bytes(m));
    if (def->kind == LOAD_MAP_RODATA)
        m->frozen = calloc(1, m->stride);
    if (!m->values || (def->kind == LOAD_MAP_RODATA && !m->frozen)) {
        snprintf(why, why_bytes, "no memory for map %s", def->name);
        return -ENOMEM;
    }
    if (!m->frozen)
        return 0;
    memcpy(m->frozen, def->data, def->value_bytes);
    return freeze(m, why, why_bytes);
}

int kernel_map_refreeze(struct kernel_map *m, char *why, size_t why_bytes)
{
    const int fd = create(m->def, m->cpu.possible, why, why_bytes);

    if (fd < 0)
        return fd == -ENOMEM ? -ENOMEM : -ENOTSUP;
    close(m->fd);
    m->fd = fd;
    return freeze(m, why, why_bytes);
}

void kernel_map_close(struct kernel_map *m)
{
    if (!m->def)
        return;
    if (m->fd >= 0)
        close(m->fd);
    free(m->shadow_memory);
    free(m->values);
    free(m->frozen);
    *m = (struct kernel_map){.fd = -1};
}

/* ---- redirect targets --------------------------------------------------------------------------
 */

/* The value that stands for the host's in the kernel's map. */
static void target_value(const struct kernel_map *m, const void *value, uint32_t out[2])
{
    memcpy(&out[0], value, sizeof(out[0]));
    out[1] = 0; /* no program at the target */
    if (m->def->type != SPEC_MAP_CPUMAP && out[0])
        out[0] = LOOPBACK;
}

static int put_target(struct kernel_map *m, const void *key, const void *value, uint64_t flags)
{
    uint32_t words[2];
    int err = map_host_update(m->shadow, key, value, flags);

    if (err)
        return err;
    target_value(m, value, words);
    if (m->def->type == SPEC_MAP_XSKMAP) {
        if (words[0])
            m->refused = "an entry of an xskmap is an AF_XDP socket, which can't be made up";
        return 0;
    }
    err = bpf_map_update_elem(m->fd, key, words, BPF_ANY);
    if (err)
        m->refused =
            m->def->type == SPEC_MAP_CPUMAP
                ? "the kernel refuses an entry of a cpumap: it takes CPUs of this machine only"
                : "the kernel refuses an entry of a devmap";
    return 0;
}

/* ---- per-CPU values ----------------------------------------------------------------------------
 */

static uint8_t *slot(uint8_t *values, const struct kernel_map *m, uint32_t number)
{
    return values + (size_t)number * m->stride;
}

/* Another slot of the kernel's that tells an entry of the host's from one of the program's. */
static uint32_t marked_slot(const struct kernel_map *m)
{
    return m->cpu.number ? 0 : 1;
}

static int put_percpu(struct kernel_map *m, const void *key, const void *values, uint64_t flags)
{
    const uint8_t *ours = (const uint8_t *)values + (size_t)m->cpu.queue * m->stride;
    int err;

    memset(m->values, MARKER, (size_t)m->cpu.possible * m->stride);
    memcpy(slot(m->values, m, m->cpu.number), ours, m->def->value_bytes);
    err = bpf_map_update_elem(m->fd, key, m->values, flags);
    if (err)
        return err;
    if (m->cpu.possible == 1 && is_percpu_hash(m))
        m->refused = "entries of a per-CPU hash can't be told from the program's own on a machine "
                     "with one CPU";
    return map_host_update(m->shadow, key, values, SPEC_MAP_FLAG_ANY);
}

/* The host's values of the other slots, if the entry is still the host's. */
static void other_slots(struct kernel_map *m, const void *key, void *values)
{
    if (is_percpu_hash(m) &&
        (m->cpu.possible == 1 || *slot(m->values, m, marked_slot(m)) != MARKER))
        return;
    if (map_host_lookup(m->shadow, key, values))
        memset(values, 0, (size_t)m->cpus * m->stride);
}

static int get_percpu(struct kernel_map *m, const void *key, void *values)
{
    int err = bpf_map_lookup_elem(m->fd, key, m->values);

    if (err)
        return err;
    memset(values, 0, (size_t)m->cpus * m->stride);
    other_slots(m, key, values);
    memcpy(slot(values, m, m->cpu.queue), slot(m->values, m, m->cpu.number), m->def->value_bytes);
    return 0;
}

/* ---- eviction ----------------------------------------------------------------------------------
 */

static uint32_t count_entries(const struct kernel_map *m, uint8_t *keys)
{
    uint32_t count = 0;
    int err = bpf_map_get_next_key(m->fd, NULL, keys);

    for (; !err; count++)
        err = bpf_map_get_next_key(m->fd, keys, keys);
    return count;
}

int kernel_map_changed(struct kernel_map *m, uint64_t updates, uint64_t deletes)
{
    uint8_t *keys;

    if (!is_lru(m->def))
        return 0;
    m->most += updates;
    if (m->most <= m->def->max_entries)
        return 0;
    keys = malloc(m->def->key_bytes);
    if (!keys)
        return -ENOMEM;
    m->most = count_entries(m, keys);
    free(keys);
    if (m->most + deletes > m->def->max_entries)
        m->refused = "it is full, and Linux does not say which element it evicts then";
    return 0;
}

/* ---- all ----------------------------------------------------------------------------------------
 */

bool kernel_map_holds(const struct load_map *def)
{
    return def->type == SPEC_MAP_PROG_ARRAY || def->type == SPEC_MAP_ARRAY_OF_MAPS ||
           def->type == SPEC_MAP_HASH_OF_MAPS;
}

int kernel_map_put_held(struct kernel_map *m, const void *key, const void *values, int fd,
                        uint64_t flags)
{
    const int err = bpf_map_update_elem(m->fd, key, &fd, flags);

    return err ? err : map_host_update(m->shadow, key, values, SPEC_MAP_FLAG_ANY);
}

int kernel_map_put(struct kernel_map *m, const void *key, const void *values, uint64_t flags)
{
    int err;

    if (m->frozen) {
        uint32_t index;

        memcpy(&index, key, sizeof(index));
        if (flags > BPF_EXIST)
            return -EINVAL;
        if (index >= m->def->max_entries)
            return -E2BIG;
        if (flags == BPF_NOEXIST)
            return -EEXIST;
        m->stale = m->stale || memcmp(m->frozen, values, m->def->value_bytes);
        memcpy(m->frozen, values, m->def->value_bytes);
        return 0;
    }
    if (is_target(m))
        return put_target(m, key, values, flags);
    if (is_shadowed(m))
        return -ENOTSUP;
    if (!m->def->key_bytes)
        return bpf_map_update_elem(m->fd, NULL, values, flags);
    err = is_percpu(m) ? put_percpu(m, key, values, flags)
                       : bpf_map_update_elem(m->fd, key, values, flags);
    return err ? err : kernel_map_changed(m, 1, 0);
}

int kernel_map_get(struct kernel_map *m, const void *key, void *values)
{
    int err;

    if (m->frozen) {
        uint32_t index;

        memcpy(&index, key, sizeof(index));
        if (index >= m->def->max_entries)
            return -ENOENT;
        memcpy(values, m->frozen, m->stride);
        return 0;
    }
    if (is_shadowed(m))
        return map_host_lookup(m->shadow, key, values);
    if (is_percpu(m))
        return get_percpu(m, key, values);
    if (m->def->type == SPEC_MAP_BLOOM_FILTER) /* the value is asked for */
        return bpf_map_lookup_elem(m->fd, NULL, values);
    err = bpf_map_lookup_elem(m->fd, m->def->key_bytes ? key : NULL, m->values);
    if (!err)
        memcpy(values, m->values, m->stride);
    return err;
}

int kernel_map_remove(struct kernel_map *m, const void *key)
{
    int err = 0;

    if (!is_shadowed(m))
        err = bpf_map_delete_elem(m->fd, m->def->key_bytes ? key : NULL);
    if (err || !m->shadow)
        return err;
    err = map_host_delete(m->shadow, key);
    if (is_percpu(m)) /* the entry may have been a program's own */
        return 0;
    if (!err && (is_target(m) || kernel_map_holds(m->def)))
        bpf_map_delete_elem(m->fd, key); /* a target that the kernel refused is not there */
    return err;
}

int kernel_map_next(struct kernel_map *m, const void *key, void *next)
{
    return is_shadowed(m) ? map_next_key(m->shadow, key, next)
                          : bpf_map_get_next_key(m->fd, m->def->key_bytes ? key : NULL, next);
}

int kernel_map_take(struct kernel_map *m, void *values)
{
    int err = is_queue(m) ? bpf_map_lookup_and_delete_elem(m->fd, NULL, m->values) : -EOPNOTSUPP;

    if (!err)
        memcpy(values, m->values, m->stride);
    return err;
}

/* Takes all values out to see them, and puts them back. */
static int each_queued(struct kernel_map *m,
                       int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    const bool stack = m->def->type == SPEC_MAP_STACK;
    uint8_t *all = calloc(m->def->max_entries, m->stride);
    uint32_t count = 0;
    int err = all ? 0 : -ENOMEM;

    while (!err && count < m->def->max_entries &&
           !bpf_map_lookup_and_delete_elem(m->fd, NULL, all + (size_t)count * m->stride))
        count++;
    for (uint32_t i = 0; i < count && !err; i++) {
        const uint8_t *value = all + (size_t)(stack ? count - 1 - i : i) * m->stride;

        err = bpf_map_update_elem(m->fd, NULL, value, BPF_ANY);
        if (!err)
            err = visit(ctx, "", value);
    }
    free(all);
    return err;
}

int kernel_map_each(struct kernel_map *m,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    uint8_t *keys = malloc((size_t)m->def->key_bytes * 2 + 1);
    uint8_t *values = malloc((size_t)m->cpus * m->stride + 1);
    int err = keys && values ? 0 : -ENOMEM;
    bool first = true;

    if (!err && is_queue(m)) {
        free(keys);
        free(values);
        return each_queued(m, visit, ctx);
    }
    while (!err && !kernel_map_next(m, first ? NULL : keys, keys + m->def->key_bytes)) {
        memcpy(keys, keys + m->def->key_bytes, m->def->key_bytes);
        first = false;
        if (kernel_map_get(m, keys, values) == 0)
            err = visit(ctx, keys, values);
    }
    free(keys);
    free(values);
    return err;
}
