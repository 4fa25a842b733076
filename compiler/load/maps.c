/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

/* A record of a section "maps" begins with these words (struct bpf_map_def of old libbpf, 20 or 28
 * bytes, and struct bpf_elf_map of iproute2, 36); what follows says how to pin or to nest the map.
 */
struct legacy_map {
    uint32_t type;
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t max_entries;
    uint32_t flags;
};

struct load_map *load_map_add(struct load_ctx *c, uint32_t section, uint64_t offset, uint64_t bytes)
{
    struct load_map *m;

    if (c->map_count == SPEC_MAPS) {
        load_fail(c, -ENOTSUP, LOAD_E_MAP_LIMIT, c->sections[section].name,
                  "more than %u maps; Linux takes no program that uses more", SPEC_MAPS);
        return NULL;
    }
    c->places[c->map_count] = (struct load_map_place){section, offset, bytes, 0};
    m = &c->maps[c->map_count++];
    m->section = c->sections[section].name;
    return m;
}

uint32_t load_map_at(const struct load_ctx *c, uint32_t section, uint64_t offset)
{
    for (uint32_t i = 0; i < c->map_count; i++)
        if (c->places[i].section == section && c->places[i].offset == offset)
            return i;
    return LOAD_NO_MAP;
}

/* ---- legacy ---- */

static bool is_map_symbol(const struct load_symbol *s, uint32_t section)
{
    return s->section == section && (s->type == STT_OBJECT || s->type == STT_NOTYPE) && *s->name;
}

static uint32_t count_map_symbols(const struct load_ctx *c, uint32_t section)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->symbol_count; i++)
        n += is_map_symbol(&c->symbols[i], section);
    return n;
}

static int read_legacy_map(struct load_ctx *c, uint32_t section, const struct load_symbol *sym,
                           uint64_t bytes)
{
    const struct load_section *s = &c->sections[section];
    struct legacy_map raw;
    struct load_map *m;

    if (bytes < sizeof(raw) || bytes % 4)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name,
                         "map %s: a definition of %llu bytes; 20, 28 and 36 are known", sym->name,
                         (unsigned long long)bytes);
    if (sym->value > s->bytes || bytes > s->bytes - sym->value || !s->data)
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, s->name,
                         "map %s: its definition lies outside of the section", sym->name);
    if (load_map_at(c, section, sym->value) != LOAD_NO_MAP)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name,
                         "map %s: another map has the same definition", sym->name);
    m = load_map_add(c, section, sym->value, bytes);
    if (!m)
        return -ENOTSUP;
    memcpy(&raw, s->data + sym->value, sizeof(raw));
    m->name = sym->name;
    m->kind = LOAD_MAP_LEGACY;
    m->type = raw.type;
    m->key_bytes = raw.key_bytes;
    m->value_bytes = raw.value_bytes;
    m->max_entries = raw.max_entries;
    m->flags = raw.flags;
    return 0;
}

/* Definitions of one size lie one behind another, each under its symbol; the section's size tells
 * their size where the symbols don't. */
static int load_maps_legacy(struct load_ctx *c, uint32_t section)
{
    const struct load_section *s = &c->sections[section];
    const uint32_t count = count_map_symbols(c, section);

    if (s->bytes == 0)
        return 0;
    if (count == 0)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name,
                         "%zu bytes of map definitions without any symbol", s->bytes);
    if (s->bytes % count)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name,
                         "%zu bytes can't be divided among %u maps", s->bytes, count);
    for (uint32_t i = 0; i < c->symbol_count; i++) {
        const struct load_symbol *sym = &c->symbols[i];
        int err;

        if (!is_map_symbol(sym, section))
            continue;
        err = read_legacy_map(c, section, sym, sym->size ? sym->size : s->bytes / count);
        if (err)
            return err;
    }
    return 0;
}

/* ---- data sections ---- */

static bool is_or_begins(const char *name, const char *section)
{
    const size_t n = strlen(section);

    return strncmp(name, section, n) == 0 && (name[n] == 0 || name[n] == '.');
}

static enum load_map_kind data_kind(const struct load_section *s)
{
    if (!(s->flags & SHF_ALLOC))
        return LOAD_MAP_NONE;
    if (s->type == SHT_PROGBITS && is_or_begins(s->name, ".rodata"))
        return LOAD_MAP_RODATA;
    if (s->type == SHT_PROGBITS && is_or_begins(s->name, ".data"))
        return LOAD_MAP_DATA;
    if (s->type == SHT_NOBITS && is_or_begins(s->name, ".bss"))
        return LOAD_MAP_BSS;
    return LOAD_MAP_NONE;
}

static int load_data_map(struct load_ctx *c, uint32_t section, enum load_map_kind kind)
{
    struct load_section *s = &c->sections[section];
    struct load_map *m;

    if (s->bytes == 0)
        return 0;
    if (s->bytes > LOAD_DATA_MAX_BYTES)
        return load_fail(c, -ENOTSUP, LOAD_E_TOO_LARGE, s->name,
                         "%zu bytes of variables; at most %d are taken", s->bytes,
                         LOAD_DATA_MAX_BYTES);
    s->data_map = c->map_count;
    m = load_map_add(c, section, 0, s->bytes);
    if (!m)
        return -ENOTSUP;
    m->name = s->name;
    m->kind = kind;
    m->type = SPEC_MAP_ARRAY;
    m->key_bytes = 4;
    m->value_bytes = (uint32_t)s->bytes;
    m->max_entries = 1;
    m->flags = kind == LOAD_MAP_RODATA ? BPF_F_RDONLY_PROG : 0;
    m->data = s->data ? arena_memdup(c->arena, s->data, s->bytes) : arena_alloc(c->arena, s->bytes);
    load_data_fields(c, section, m);
    return 0;
}

/* ---- sizes from outside ---- */

static struct load_map *map_named(struct load_ctx *c, const char *name)
{
    for (uint32_t i = 0; i < c->map_count; i++)
        if (strcmp(c->maps[i].name, name) == 0)
            return &c->maps[i];
    return NULL;
}

/* Where the object leaves a size open. libbpf takes 0 for perf event arrays as the number of CPUs.
 */
static bool size_is_open(const struct load_map *m)
{
    return m->max_entries == 0 && m->type != SPEC_MAP_PERF_EVENT_ARRAY && load_map_needs_entries(m);
}

/* What libbpf makes of sizes that Linux does not take. */
static void adjust_size(struct load_map *m)
{
    uint64_t bytes = LOAD_PAGE_BYTES;

    if (m->type == SPEC_MAP_PERF_EVENT_ARRAY && !m->max_entries)
        m->max_entries = SPEC_QUEUES; /* as many as there are CPUs */
    if (m->type != SPEC_MAP_RINGBUF && m->type != SPEC_MAP_USER_RINGBUF)
        return;
    while (bytes < m->max_entries)
        bytes *= 2;
    if (m->max_entries && bytes <= UINT32_MAX) /* pages, by a power of two */
        m->max_entries = (uint32_t)bytes;
}

static int set_sizes(struct load_ctx *c)
{
    const struct load_options *o = c->options;

    for (uint32_t k = 0; o && k < o->map_size_count; k++) {
        const struct load_map_size *s = &o->map_sizes[k];
        struct load_map *m = s->map ? map_named(c, s->map) : NULL;

        if (s->map && !m)
            return load_fail(c, -EINVAL, LOAD_E_OPTION, NULL,
                             "a size is given for map %s, but there is no such map", s->map);
        if (m && m->kind != LOAD_MAP_BTF && m->kind != LOAD_MAP_LEGACY)
            return load_fail(c, -EINVAL, LOAD_E_OPTION, m->section,
                             "a size is given for %s, which holds variables", m->name);
        if (m)
            m->max_entries = s->entries;
    }
    for (uint32_t k = 0; o && k < o->map_size_count; k++)
        for (uint32_t i = 0; !o->map_sizes[k].map && i < c->map_count; i++)
            if (size_is_open(&c->maps[i]))
                c->maps[i].max_entries = o->map_sizes[k].entries;
    return 0;
}

/* ---- all ---- */

static int load_maps_of_section(struct load_ctx *c, uint32_t section)
{
    const struct load_section *s = &c->sections[section];
    const enum load_map_kind kind = data_kind(s);

    if (kind != LOAD_MAP_NONE)
        return load_data_map(c, section, kind);
    if (s->type == SHT_PROGBITS && strcmp(s->name, ".maps") == 0)
        return load_maps_btf(c, section);
    if (s->type == SHT_PROGBITS && strcmp(s->name, "maps") == 0)
        return load_maps_legacy(c, section);
    return 0;
}

int load_maps(struct load_ctx *c)
{
    int err;

    c->maps = arena_array(c->arena, SPEC_MAPS, sizeof(*c->maps));
    c->places = arena_array(c->arena, SPEC_MAPS, sizeof(*c->places));
    for (uint32_t i = 1; i < c->section_count; i++) {
        err = load_maps_of_section(c, i);
        if (err)
            return err;
    }
    err = set_sizes(c);
    for (uint32_t i = 0; i < c->map_count && !err; i++) {
        adjust_size(&c->maps[i]);
        err = load_map_check(c, &c->maps[i]);
    }
    if (err)
        return err;
    c->object->maps = c->maps;
    c->object->map_count = c->map_count;
    return 0;
}
