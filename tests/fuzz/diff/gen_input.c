/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/internal.h"

#include <string.h>

/* Maps with what they hold, and packets. */

enum { FLAG_NO_PREALLOC = 1, FLAG_RDONLY_PROG = 1 << 7 };

static const char *const names[GEN_MAPS] = {"m0", "m1", "m2", "m3", "m4", "m5"};

/* Puts numbers at which results are special among bytes. */
static void corner_words(struct gen *g, uint8_t *p, uint32_t bytes)
{
    static const uint64_t words[] = {
        UINT64_MAX,  UINT64_C(1) << 63, INT64_MAX,   0x80000000u,         0x7fffffffu,
        0xffffffffu, 0x8000u,           0xffff0000u, 0xffffffff80000000u, 0};

    for (uint32_t n = gen_below(g, 4); n && bytes >= 8; n--) {
        const uint32_t at = gen_below(g, bytes / 8 + (bytes % 8 == 0 ? 0 : 1)) * 8;

        if (at + 8 <= bytes)
            memcpy(p + at, &words[gen_below(g, 10)], 8);
    }
}

static void random_bytes(struct gen *g, uint8_t *p, uint32_t bytes)
{
    const uint64_t mask = gen_chance(g, 50) ? 0x0f : 0xff;

    for (uint32_t i = 0; i < bytes; i++)
        p[i] = gen_chance(g, 20) ? 0 : (uint8_t)(diff_next(&g->rng) & mask);
    if (gen_chance(g, 20))
        corner_words(g, p, bytes);
}

static void choose_hash(struct gen *g, struct load_map *m, struct gen_map *info)
{
    static const uint32_t keys[] = {4, 4, 4, 8, 8, 1, 2, 6, 12, 13, 16, 20, 40};

    m->key_bytes = keys[gen_below(g, 13)];
    m->max_entries = 1 + gen_below(g, 6);
    random_bytes(g, info->pattern, m->key_bytes);
    info->vary = gen_below(g, m->key_bytes);
    info->keys = m->max_entries + gen_below(g, 3);
}

/* Prefixes of a few bytes; what varies is the length, or a byte. */
static void choose_lpm(struct gen *g, struct load_map *m, struct gen_map *info)
{
    static const uint32_t keys[] = {8, 8, 5, 20};

    m->key_bytes = keys[gen_below(g, 4)];
    m->flags = FLAG_NO_PREALLOC;
    m->max_entries = 1 + gen_below(g, 6);
    random_bytes(g, info->pattern, m->key_bytes);
    memset(info->pattern, 0, 4);
    info->pattern[0] = (uint8_t)gen_below(g, 8 * (m->key_bytes - 4) + 2);
    info->vary = gen_chance(g, 40) ? 0 : 4 + gen_below(g, m->key_bytes - 4);
    info->keys = m->max_entries + gen_below(g, 3);
    if (g->profile != GEN_TRIE)
        return;
    m->max_entries = 4 + gen_below(g, 28);
    info->vary = 4 + gen_below(g, m->key_bytes - 4);
    info->keys = 1 + gen_below(g, 5);
    if (gen_chance(g, 80)) /* look-ups of whole addresses */
        info->pattern[0] = (uint8_t)(8 * (m->key_bytes - 4));
}

/* Large enough that it never evicts: which element that would be is Linux's own choice. */
static void choose_lru(struct gen *g, struct load_map *m, struct gen_map *info)
{
    choose_hash(g, m, info);
    m->max_entries = 4000;
}

/* Maps that no look-up goes to. */
static bool choose_special(struct gen *g, struct load_map *m, struct gen_map *info)
{
    struct load_fields fields = {0};

    switch (spec_map_type_table[m->type].soft) {
    case SPEC_SOFT_FDARRAY:
        m->key_bytes = m->value_bytes = 4;
        m->max_entries = m->type == SPEC_MAP_PERF_EVENT_ARRAY ? SPEC_QUEUES : 1 + gen_below(g, 3);
        break;
    case SPEC_SOFT_QUEUE:
        m->max_entries = 1 + gen_below(g, 6);
        break;
    case SPEC_SOFT_BLOOM:
        m->max_entries = 1 + gen_below(g, 60);
        fields.extra = gen_below(g, 6);
        m->fields = arena_memdup(g->arena, &fields, sizeof(fields));
        break;
    case SPEC_SOFT_RINGBUF:
        m->value_bytes = 0;
        m->max_entries = 4096;
        break;
    default:
        return false;
    }
    info->keys = m->max_entries;
    return true;
}

static void choose_map(struct gen *g, struct load_map *m, struct gen_map *info)
{
    static const uint8_t soft[] = {
        SPEC_MAP_LRU_HASH, SPEC_MAP_LRU_PERCPU_HASH, SPEC_MAP_PROG_ARRAY, SPEC_MAP_PERF_EVENT_ARRAY,
        SPEC_MAP_QUEUE,    SPEC_MAP_STACK,           SPEC_MAP_RINGBUF,    SPEC_MAP_BLOOM_FILTER};
    static const uint8_t types[] = {SPEC_MAP_ARRAY,       SPEC_MAP_ARRAY,   SPEC_MAP_PERCPU_ARRAY,
                                    SPEC_MAP_HASH,        SPEC_MAP_HASH,    SPEC_MAP_HASH,
                                    SPEC_MAP_PERCPU_HASH, SPEC_MAP_LPM_TRIE};
    static const uint32_t values[] = {8, 8, 8, 16, 16, 4, 24, 32, 12, 40, 64, 13, 1, 3};

    m->kind = LOAD_MAP_BTF;
    m->type = types[gen_below(g, sizeof(types))];
    if (g->profile == GEN_TRIE && gen_chance(g, 70))
        m->type = SPEC_MAP_LPM_TRIE;
    if (g->profile == GEN_PATHS)
        m->type = types[gen_below(g, sizeof(types) - (gen_chance(g, 95) ? 1 : 0))];
    else if (g->soft && gen_chance(g, 60))
        m->type = soft[gen_below(g, sizeof(soft))];
    else if (gen_chance(g, 4))
        m->type = SPEC_MAP_PROG_ARRAY;
    m->value_bytes = values[gen_below(g, 14)];
    if (spec_map_type_table[m->type].soft == SPEC_SOFT_LRU) {
        choose_lru(g, m, info);
        return;
    }
    if (choose_special(g, m, info))
        return;
    if (m->type == SPEC_MAP_HASH || m->type == SPEC_MAP_PERCPU_HASH) {
        choose_hash(g, m, info);
        return;
    }
    if (m->type == SPEC_MAP_LPM_TRIE) {
        choose_lpm(g, m, info);
        return;
    }
    m->key_bytes = 4;
    m->max_entries = 1 + gen_below(g, 5);
    info->keys = m->max_entries + gen_below(g, 2);
}

static void choose_target(struct gen *g, struct load_map *m, struct gen_map *info)
{
    static const uint8_t types[] = {SPEC_MAP_DEVMAP, SPEC_MAP_DEVMAP, SPEC_MAP_DEVMAP_HASH,
                                    SPEC_MAP_XSKMAP, SPEC_MAP_CPUMAP};

    m->kind = LOAD_MAP_BTF;
    m->type = types[gen_below(g, sizeof(types))];
    m->key_bytes = m->value_bytes = 4;
    m->max_entries = 1 + gen_below(g, 4);
    info->keys = m->max_entries;
}

static void choose_data(struct gen *g, struct load_map *m)
{
    static const uint8_t kinds[] = {LOAD_MAP_RODATA, LOAD_MAP_DATA, LOAD_MAP_BSS};
    uint8_t *data;

    m->kind = kinds[gen_below(g, 3)];
    m->type = SPEC_MAP_ARRAY;
    m->key_bytes = 4;
    m->max_entries = 1;
    m->value_bytes = 16 + gen_below(g, 40);
    m->flags = m->kind == LOAD_MAP_RODATA ? FLAG_RDONLY_PROG : 0;
    data = arena_alloc(g->arena, m->value_bytes);
    if (m->kind != LOAD_MAP_BSS)
        random_bytes(g, data, m->value_bytes);
    if (m->kind == LOAD_MAP_RODATA) /* a format, for helpers that take a constant string */
        memcpy(data + m->value_bytes - sizeof(GEN_FORMAT), GEN_FORMAT, sizeof(GEN_FORMAT));
    m->data = data;
}

/* A map that holds another of the case, if there is one that it can. */
static void choose_outer(struct gen *g)
{
    const uint64_t types = UINT64_C(1) << SPEC_MAP_ARRAY | UINT64_C(1) << SPEC_MAP_HASH |
                           UINT64_C(1) << SPEC_MAP_PERCPU_HASH | UINT64_C(1) << SPEC_MAP_LRU_HASH;
    const int inner = gen_map_of(g, types);
    struct load_map *m = &g->maps[g->map_count];
    struct gen_map *info = &g->map_info[g->map_count];
    struct load_fields fields = {0};

    if (inner < 0 || !g->soft || g->profile == GEN_PATHS || g->map_count == GEN_MAPS ||
        !gen_chance(g, 50))
        return;
    memset(m, 0, sizeof(*m));
    memset(info, 0, sizeof(*info));
    m->name = m->section = names[g->map_count++];
    m->kind = LOAD_MAP_BTF;
    m->type = gen_chance(g, 50) ? SPEC_MAP_ARRAY_OF_MAPS : SPEC_MAP_HASH_OF_MAPS;
    m->value_bytes = 4;
    m->key_bytes = 4;
    m->max_entries = info->keys = 1 + gen_below(g, 3);
    if (m->type == SPEC_MAP_HASH_OF_MAPS)
        choose_hash(g, m, info);
    fields.inner = arena_memdup(g->arena, &g->maps[inner], sizeof(g->maps[inner]));
    m->fields = arena_memdup(g->arena, &fields, sizeof(fields));
    info->inner = (uint32_t)inner;
}

void gen_maps(struct gen *g)
{
    const bool paths = g->profile == GEN_PATHS;
    const uint32_t plain = gen_below(g, 4) + gen_chance(g, 50);
    const bool target = gen_chance(g, paths ? 3 : 12), data = gen_chance(g, paths ? 60 : 25),
               lock = gen_chance(g, 12);

    g->map_count = 0;
    for (uint32_t i = 0; i < plain + target + data + lock && i < GEN_MAPS; i++) {
        struct load_map *m = &g->maps[g->map_count];
        struct gen_map *info = &g->map_info[g->map_count];

        memset(m, 0, sizeof(*m));
        memset(info, 0, sizeof(*info));
        m->name = m->section = names[g->map_count++];
        if (i < plain)
            choose_map(g, m, info);
        else if (i == plain && target)
            choose_target(g, m, info);
        else if (i == plain + target && lock)
            gen_locked_map(g, m, info);
        else
            choose_data(g, m);
    }
    choose_outer(g);
}

/* ---- what they hold ---- */

static void key_number(const struct gen *g, uint32_t map, uint32_t number, uint8_t *key)
{
    memcpy(key, g->map_info[map].pattern, g->maps[map].key_bytes);
    key[g->map_info[map].vary] = (uint8_t)number;
}

/* A prefix that others lie within, or that lies within others: it ends anywhere, most often near
 * the byte in which keys differ. What is behind its end differs, too. */
static void nested_prefix(struct gen *g, const struct gen_map *info, uint32_t bytes, uint8_t *key)
{
    const uint32_t from = 8 * (info->vary - 4);

    key[0] = (uint8_t)(gen_chance(g, 60) ? from + gen_below(g, 9) : gen_below(g, 8 * bytes + 1));
    for (uint32_t bit = key[0]; bit < 8 * bytes; bit++)
        if (gen_chance(g, 10))
            key[4 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static void add_entry(struct gen *g, uint32_t map, uint32_t number)
{
    const struct load_map *m = &g->maps[map];
    uint8_t *key = arena_alloc(g->arena, m->key_bytes + 1);
    uint8_t *values = arena_alloc(g->arena, diff_map_values_bytes(m));

    key_number(g, map, number, key);
    if (m->type == SPEC_MAP_LPM_TRIE && g->profile == GEN_TRIE)
        nested_prefix(g, &g->map_info[map], m->key_bytes - 4, key);
    if (m->type == SPEC_MAP_LPM_TRIE && key[0] > 8 * (m->key_bytes - 4))
        return;
    for (uint32_t c = 0; c < diff_map_cpus(m); c++)
        random_bytes(g, values + c * diff_map_stride(m), m->value_bytes);
    if (m->type == SPEC_MAP_PROG_ARRAY) /* the program itself, or another */
        memcpy(values, &(uint32_t){1 + gen_below(g, 1 + g->out->other_count)}, sizeof(uint32_t));
    if (load_inner(m))
        memcpy(values, &(uint32_t){g->map_info[map].inner + 1}, sizeof(uint32_t));
    if (spec_map_type_table[m->type].redirect) {
        const uint32_t target = (m->type == SPEC_MAP_DEVMAP_HASH) + gen_below(g, 3);

        memcpy(values, &target, sizeof(target));
    }
    g->out->entries[g->out->entry_count++] = (struct diff_entry){map, key, values};
}

void gen_entries(struct gen *g)
{
    uint32_t room = 0;

    for (uint32_t m = 0; m < g->map_count; m++)
        room += g->maps[m].max_entries;
    g->out->entries = arena_array(g->arena, room + 1, sizeof(*g->out->entries));
    for (uint32_t m = 0; m < g->map_count; m++) {
        const uint32_t percent = gen_chance(g, 25) ? 0 : 70;

        /* the kernel takes no targets of these that are made up */
        if (g->maps[m].kind != LOAD_MAP_BTF || g->maps[m].type == SPEC_MAP_XSKMAP ||
            g->maps[m].type == SPEC_MAP_CPUMAP || g->maps[m].type == SPEC_MAP_PERF_EVENT_ARRAY ||
            g->maps[m].type == SPEC_MAP_RINGBUF)
            continue;
        if (g->profile == GEN_TRIE && g->maps[m].type == SPEC_MAP_LPM_TRIE) {
            for (uint32_t k = gen_below(g, g->maps[m].max_entries + 1); k; k--)
                add_entry(g, m, gen_below(g, g->map_info[m].keys + 1));
            continue;
        }
        for (uint32_t k = 0; k < g->maps[m].max_entries && k < g->map_info[m].keys; k++)
            if (gen_chance(g, percent))
                add_entry(g, m, k);
    }
}

/* ---- packets ---- */

/* As long as the driver's MTU lets them be; Linux runs no program on more than a page of them. */
enum { LONGEST_AT_NIC = 9018 };

static uint32_t length(struct gen *g)
{
    const uint32_t most = g->profile == GEN_PATHS ? LONGEST_AT_NIC : SPEC_PKT_LINEAR_BYTES;

    switch (gen_below(g, 16)) {
    case 0:
        return 14 + gen_below(g, 20);
    case 1:
    case 2:
        return 14 + gen_below(g, g->reach + 20);
    case 3:
        return 60 + gen_below(g, 300);
    case 4:
        return gen_chance(g, 15) ? 14 + gen_below(g, most - 13) : 128;
    default:
        return 40 + gen_below(g, 100);
    }
}

static void fill_packet(struct gen *g, uint8_t *p, uint32_t len)
{
    static const uint16_t types[] = {0x0008, 0xdd86, 0x0081, 0x0608};
    const uint64_t mask = gen_chance(g, 40) ? 0x03 : gen_chance(g, 50) ? 0x1f : 0xff;
    const uint16_t type = gen_chance(g, 60) ? 0x0008 : types[gen_below(g, 4)];

    for (uint32_t i = 0; i < len; i += 8) {
        const uint64_t word = diff_next(&g->rng) & mask * 0x0101010101010101u;

        memcpy(p + i, &word, len - i < 8 ? len - i : 8);
    }
    if (gen_chance(g, 40))
        corner_words(g, p, len);
    if (gen_chance(g, 70)) {
        memcpy(p + 12, &type, 2);
        if (len > 14)
            p[14] = (uint8_t)(0x45 + (gen_chance(g, 20) ? gen_below(g, 11) : 0));
    }
    for (uint32_t s = 0; s < g->spot_count; s++) {
        const struct gen_spot *spot = &g->spots[s];

        if (spot->offset + g->maps[spot->map].key_bytes <= len && gen_chance(g, 75))
            key_number(g, spot->map, gen_below(g, g->map_info[spot->map].keys + 1),
                       p + spot->offset);
    }
}

void gen_packets(struct gen *g, uint64_t seed, uint32_t packets)
{
    uint64_t time = 0;

    g->out->packets = arena_array(g->arena, packets + 1, sizeof(*g->out->packets));
    g->out->packet_count = packets;
    for (uint32_t i = 0; i < packets; i++) {
        struct diff_packet *p = &g->out->packets[i];
        uint8_t *bytes;

        g->rng.state = (seed ^ 0x7061636b65740000u) + i * 0x100000001u;
        p->len = length(g);
        bytes = arena_alloc(g->arena, p->len + 64);
        fill_packet(g, bytes, p->len);
        p->bytes = bytes;
        time += diff_next(&g->rng) >> (20 + gen_below(g, 40));
        p->time_ns = time;
    }
}
