/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* Maps of section .maps: each variable's type is a struct whose members spell the attributes in
 * types (bpf_helpers.h): __uint(name, n) is a pointer to an array of n ints, __type(name, T) a
 * pointer to T,
 * __array(name, T) an array of pointers to T, __ulong(name, n) an enum with the one value n. */

/* What is known of a map while its members are read. */
struct map_def {
    const char *name;
    struct load_map map;
    bool key_seen, value_seen;     /* by size or by type */
    uint32_t key_type, value_type; /* 0: by size */
    uint32_t values;               /* bytes to the initial values */
    bool is_inner;                 /* of a map in a map of maps */
};

static int def_error(struct load_ctx *c, const struct map_def *d, const char *member,
                     const char *why)
{
    return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, ".maps", "map %s: member %s %s", d->name, member,
                     why);
}

static int read_uint(struct load_ctx *c, const struct map_def *d, const char *member,
                     const struct btf_member *m, uint32_t *out)
{
    const struct btf_type *t = load_plain_type(c, m->type);

    t = t && btf_is_ptr(t) ? load_plain_type(c, t->type) : NULL;
    if (!t || !btf_is_array(t))
        return def_error(c, d, member, "is not written with __uint()");
    *out = btf_array(t)->nelems;
    return 0;
}

/* Bytes of the type that a member points to. */
static int read_type_bytes(struct load_ctx *c, const struct map_def *d, const char *member,
                           const struct btf_member *m, uint32_t *out)
{
    const struct btf_type *t = load_plain_type(c, m->type);
    int64_t bytes;

    if (!t || !btf_is_ptr(t))
        return def_error(c, d, member, "is not written with __type()");
    bytes = btf__resolve_size(c->btf, t->type);
    if (bytes < 0 || bytes > INT32_MAX)
        return def_error(c, d, member, "has a type without known size");
    *out = (uint32_t)bytes;
    return 0;
}

/* Sets a size that may be given twice, if both say the same. */
static int set_size(struct load_ctx *c, const struct map_def *d, const char *member, uint32_t bytes,
                    bool *seen, uint32_t *out)
{
    if (*seen && *out != bytes)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, ".maps",
                         "map %s: member %s says %u bytes, another member %u", d->name, member,
                         bytes, *out);
    *seen = true;
    *out = bytes;
    return 0;
}

typedef int member_fn(struct load_ctx *c, struct map_def *d, const char *member,
                      const struct btf_member *m);

static int member_type(struct load_ctx *c, struct map_def *d, const char *member,
                       const struct btf_member *m)
{
    return read_uint(c, d, member, m, &d->map.type);
}

static int member_max_entries(struct load_ctx *c, struct map_def *d, const char *member,
                              const struct btf_member *m)
{
    return read_uint(c, d, member, m, &d->map.max_entries);
}

static int member_map_flags(struct load_ctx *c, struct map_def *d, const char *member,
                            const struct btf_member *m)
{
    return read_uint(c, d, member, m, &d->map.flags);
}

static int member_map_extra(struct load_ctx *c, struct map_def *d, const char *member,
                            const struct btf_member *m)
{
    struct load_fields fields = {0};
    int err = read_uint(c, d, member, m, &fields.extra);

    if (!err)
        d->map.fields = arena_memdup(c->arena, &fields, sizeof(fields));
    return err;
}

static int member_key_size(struct load_ctx *c, struct map_def *d, const char *member,
                           const struct btf_member *m)
{
    uint32_t bytes;
    int err = read_uint(c, d, member, m, &bytes);

    return err ? err : set_size(c, d, member, bytes, &d->key_seen, &d->map.key_bytes);
}

static int member_value_size(struct load_ctx *c, struct map_def *d, const char *member,
                             const struct btf_member *m)
{
    uint32_t bytes;
    int err = read_uint(c, d, member, m, &bytes);

    return err ? err : set_size(c, d, member, bytes, &d->value_seen, &d->map.value_bytes);
}

static int member_key(struct load_ctx *c, struct map_def *d, const char *member,
                      const struct btf_member *m)
{
    uint32_t bytes;
    int err = read_type_bytes(c, d, member, m, &bytes);

    d->key_type = err ? 0 : load_plain_type(c, m->type)->type;
    return err ? err : set_size(c, d, member, bytes, &d->key_seen, &d->map.key_bytes);
}

static int member_value(struct load_ctx *c, struct map_def *d, const char *member,
                        const struct btf_member *m)
{
    uint32_t bytes;
    int err = read_type_bytes(c, d, member, m, &bytes);

    d->value_type = err ? 0 : load_plain_type(c, m->type)->type;
    return err ? err : set_size(c, d, member, bytes, &d->value_seen, &d->map.value_bytes);
}

static int read_members(struct load_ctx *c, struct map_def *d, const struct btf_type *t);

/* What the maps in a map of maps are like: an array of pointers to a struct as of a map. */
static int read_inner(struct load_ctx *c, struct map_def *d, const char *member,
                      const struct btf_type *array)
{
    const struct btf_type *t = load_plain_type(c, btf_array(array)->type);
    struct map_def in = {.name = arena_printf(c->arena, "%s.inner", d->name), .is_inner = true};
    struct load_fields fields = {0};
    int err;

    t = t && btf_is_ptr(t) ? load_plain_type(c, t->type) : NULL;
    if (!t || !btf_is_struct(t) || d->is_inner)
        return def_error(c, d, member, "does not point to a map's definition");
    err = read_members(c, &in, t);
    if (err)
        return err;
    in.map.name = in.name;
    in.map.section = ".maps";
    in.map.kind = LOAD_MAP_BTF;
    load_map_fields(c, in.key_type, in.value_type, &in.map);
    if (in.map.max_entries) /* else whoever fills the map says it */
        err = load_map_check(c, &in.map);
    if (err)
        return err;
    fields.inner = arena_memdup(c->arena, &in.map, sizeof(in.map));
    d->map.fields = arena_memdup(c->arena, &fields, sizeof(fields));
    return 0;
}

/* __array(values, ...): a map of maps or of programs; its value is a 4-byte identifier. */
static int member_values(struct load_ctx *c, struct map_def *d, const char *member,
                         const struct btf_member *m)
{
    const struct btf_type *t = load_plain_type(c, m->type);

    if (!t || !btf_is_array(t))
        return def_error(c, d, member, "is not written with __array()");
    d->values = m->offset / 8;
    if (d->map.type == SPEC_MAP_ARRAY_OF_MAPS || d->map.type == SPEC_MAP_HASH_OF_MAPS) {
        int err = read_inner(c, d, member, t);

        if (err)
            return err;
    }
    return set_size(c, d, member, 4, &d->value_seen, &d->map.value_bytes);
}

/* Says where a map is kept or shared on a host: nothing that a program could see. */
static int member_ignored(struct load_ctx *c, struct map_def *d, const char *member,
                          const struct btf_member *m)
{
    (void)c, (void)d, (void)member, (void)m;
    return 0;
}

struct member_row {
    const char *name;
    member_fn *read;
};

static const struct member_row member_table[] = {
    {"type", member_type},
    {"max_entries", member_max_entries},
    {"map_flags", member_map_flags},
    {"map_extra", member_map_extra},
    {"key_size", member_key_size},
    {"value_size", member_value_size},
    {"key", member_key},
    {"value", member_value},
    {"values", member_values},
    {"pinning", member_ignored},
    {"numa_node", member_ignored},
};
enum { MEMBER_ROWS = sizeof(member_table) / sizeof(member_table[0]) };

static void note_no_effect(struct load_ctx *c, const char *map, const char *member)
{
    struct diag_where where = c->at;

    where.section = ".maps";
    diag_add(c->sink, DIAG_WARNING, LOAD_W_MAP_MEMBER, where,
             "map %s: attribute %s has no effect here", map, member);
}

static int read_member(struct load_ctx *c, struct map_def *d, const struct btf_member *m)
{
    const char *name = btf__name_by_offset(c->btf, m->name_off);

    if (!name)
        return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF", "malformed: a member's name is no string");
    for (unsigned i = 0; i < MEMBER_ROWS; i++)
        if (strcmp(member_table[i].name, name) == 0)
            return member_table[i].read(c, d, name, m);
    note_no_effect(c, d->name, *name ? name : "(anonymous)");
    return 0;
}

static int read_members(struct load_ctx *c, struct map_def *d, const struct btf_type *t)
{
    int err = 0;

    for (uint32_t i = 0; i < btf_vlen(t) && !err; i++)
        err = read_member(c, d, &btf_members(t)[i]);
    return err;
}

/* Where the map's variable lies: the section's offsets in BTF are only filled in by a linker. */
static const struct load_symbol *map_symbol(const struct load_ctx *c, const char *name,
                                            uint32_t section)
{
    for (uint32_t i = 0; i < c->symbol_count; i++) {
        const struct load_symbol *s = &c->symbols[i];

        if (s->section == section && s->type == STT_OBJECT && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static int read_map(struct load_ctx *c, uint32_t section, const struct btf_type *var)
{
    struct map_def d = {.name = btf__name_by_offset(c->btf, var->name_off)};
    const struct btf_type *t = load_plain_type(c, var->type);
    const struct load_symbol *sym;
    const struct load_section *s = &c->sections[section];
    struct load_map *m;
    int err;

    if (!d.name || !*d.name)
        return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF", "malformed: a map without a name");
    d.name = arena_strdup(c->arena, d.name);
    if (!t || !btf_is_struct(t))
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name, "map %s: its type is no struct",
                         d.name);
    sym = map_symbol(c, d.name, section);
    if (!sym)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name, "map %s: it has no symbol", d.name);
    if (sym->value >= s->bytes || sym->size > s->bytes - sym->value)
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, s->name,
                         "map %s: its definition lies outside of the section", d.name);
    if (load_map_at(c, section, sym->value) != LOAD_NO_MAP)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name,
                         "map %s: another map has the same definition", d.name);
    err = read_members(c, &d, t);
    if (err)
        return err;
    if (d.map.type == SPEC_MAP_UNSPEC)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, s->name, "map %s: it has no type", d.name);
    if (load_extra(&d.map) && d.map.type != SPEC_MAP_BLOOM_FILTER) {
        note_no_effect(c, d.name, "map_extra");
        d.map.fields = NULL;
    }
    m = load_map_add(c, section, sym->value, sym->size);
    if (!m)
        return -ENOTSUP;
    d.map.section = m->section;
    d.map.name = d.name;
    d.map.kind = LOAD_MAP_BTF;
    load_map_fields(c, d.key_type, d.value_type, &d.map);
    *m = d.map;
    c->places[c->map_count - 1].values = d.values;
    return 0;
}

const struct btf_type *load_section_type(const struct load_ctx *c, const char *name)
{
    for (uint32_t id = 1; c->btf && id <= c->btf_types; id++) {
        const struct btf_type *t = btf__type_by_id(c->btf, id);
        const char *type_name;

        if (!t || btf_kind(t) != BTF_KIND_DATASEC)
            continue;
        type_name = btf__name_by_offset(c->btf, t->name_off);
        if (type_name && strcmp(type_name, name) == 0)
            return t;
    }
    return NULL;
}

int load_maps_btf(struct load_ctx *c, uint32_t section)
{
    const struct load_section *s = &c->sections[section];
    const struct btf_type *t = load_section_type(c, s->name);

    if (s->bytes == 0)
        return 0;
    if (!t)
        return load_fail(c, -EINVAL, LOAD_E_BTF, s->name,
                         "%s; compile with -g, for these maps are defined by their types",
                         c->btf ? ".BTF does not describe it" : "there is no .BTF");
    for (uint32_t i = 0; i < btf_vlen(t); i++) {
        const struct btf_type *var = btf__type_by_id(c->btf, btf_var_secinfos(t)[i].type);
        int err;

        if (!var || !btf_is_var(var))
            return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF",
                             "malformed: section %s holds something that is no variable", s->name);
        err = read_map(c, section, var);
        if (err)
            return err;
    }
    return 0;
}
