/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <string.h>

/* What the type of a map's values says beyond its size: where a lock is, and fields that the
 * kernel keeps to itself (kernel/bpf/btf.c, btf_parse_fields). */

/* Types that the kernel knows by name; pointers to its objects by their tags. */
static const char *const special_types[] = {
    "bpf_timer",   "bpf_wq",     "bpf_list_head", "bpf_list_node",     "bpf_rb_root",
    "bpf_rb_node", "bpf_dynptr", "bpf_refcount",  "bpf_res_spin_lock", "bpf_task_work",
};
static const char *const special_tags[] = {"kptr", "kptr_ref", "kptr_untrusted", "percpu_kptr",
                                           "uptr"};

enum {
    NESTING_MAX = 8,
    LOCK_NESTING_MAX = 32, /* MAX_RESOLVE_DEPTH of kernel/bpf/btf.c */
    TYPES_MAX = 100000,
    MANY = 2, /* locks: no more is to be known */
    LOCK_BYTES = 4,
};

static const char *name_of(const struct load_ctx *c, const struct btf_type *t)
{
    const char *name = btf__name_by_offset(c->btf, t->name_off);

    return name ? name : "";
}

static const char *among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, names[i]))
            return names[i];
    return NULL;
}

/* A tag of the type that a pointer leads to, through typedefs and qualifiers. */
static const char *tag_of(const struct load_ctx *c, uint32_t id)
{
    const struct btf_type *t = btf__type_by_id(c->btf, id);

    for (int depth = 0; t && depth < 32; depth++) {
        const char *tag = NULL;

        if (btf_is_type_tag(t))
            tag = among(name_of(c, t), special_tags, sizeof(special_tags) / sizeof(*special_tags));
        if (tag)
            return tag;
        if (!btf_is_mod(t) && !btf_is_typedef(t) && !btf_is_type_tag(t))
            return NULL;
        t = btf__type_by_id(c->btf, t->type);
    }
    return NULL;
}

/* A search through the types of a map's values; types within each other multiply. */
struct search {
    const struct load_ctx *c;
    uint32_t left; /* types that may still be looked at */
    uint32_t locks, lock_off;
    const char *special;
};

/* Looks for types that no program may touch: anywhere, under whatever qualifiers, which is more
 * than the kernel finds. */
static void find_special(struct search *s, uint32_t id, int nesting)
{
    const struct btf_type *t = load_plain_type(s->c, id);

    if (!t || nesting > NESTING_MAX || s->special)
        return;
    if (s->left == 0) {
        s->special = "a struct of too many types";
        return;
    }
    s->left--;
    if (btf_is_array(t)) {
        find_special(s, btf_array(t)->type, nesting + 1);
    } else if (btf_is_ptr(t)) {
        s->special = tag_of(s->c, t->type);
    } else if (btf_is_composite(t)) {
        s->special =
            among(name_of(s->c, t), special_types, sizeof(special_types) / sizeof(*special_types));
        for (uint32_t i = 0; i < btf_vlen(t) && !s->special; i++)
            find_special(s, btf_members(t)[i].type, nesting + 1);
    }
}

/* Counts locks as the kernel does (btf_find_field_one): in structs within structs and in arrays,
 * not behind typedefs, qualifiers or unions. bytes is what a variable takes; 0: not said. */
static void find_locks(struct search *s, uint32_t id, uint32_t off, uint32_t bytes, int nesting)
{
    const struct btf_type *t = btf__type_by_id(s->c->btf, id);
    uint64_t elements = 1;

    for (int depth = 0; t && btf_is_array(t) && depth < LOCK_NESTING_MAX; depth++) {
        elements *= btf_array(t)->nelems;
        elements = elements > MANY ? MANY : elements;
        t = btf__type_by_id(s->c->btf, btf_array(t)->type);
    }
    if (!t || !btf_is_struct(t) || !elements || (bytes && bytes != t->size * elements))
        return;
    if (s->left == 0 || nesting == LOCK_NESTING_MAX) {
        s->locks = MANY;
        return;
    }
    s->left--;
    if (strcmp(name_of(s->c, t), "bpf_spin_lock") != 0) {
        const uint32_t before = s->locks;

        for (uint32_t i = 0; i < btf_vlen(t) && s->locks < MANY; i++)
            find_locks(s, btf_members(t)[i].type, off + btf_member_bit_offset(t, i) / 8, 0,
                       nesting + 1);
        if (s->locks > before && elements > 1)
            s->locks = MANY;
    } else if (t->size == LOCK_BYTES && off % LOCK_BYTES == 0) {
        s->locks = elements > 1 ? MANY : s->locks + 1;
        s->lock_off = off;
    }
}

/* What was found. The kernel gives up on the types of a map with several locks, which is then made
 * without types: its values are plain bytes. */
static void take_fields(const struct search *s, const struct load_map *m, struct load_fields *out)
{
    out->special = s->special;
    out->has_lock =
        s->locks == 1 && m->value_bytes >= LOCK_BYTES && s->lock_off <= m->value_bytes - LOCK_BYTES;
    out->lock_off = out->has_lock ? s->lock_off : 0;
}

/* The kernel takes a lock in these only; in others the map is made without types, and the field is
 * bytes like others. */
static bool may_have_lock(const struct load_map *m)
{
    return m->type == SPEC_MAP_HASH || m->type == SPEC_MAP_ARRAY;
}

void load_map_fields(const struct load_ctx *c, uint32_t key, uint32_t value, struct load_map *m)
{
    struct load_fields v = {.inner = load_inner(m), .extra = load_extra(m)};
    const struct btf_type *k = key ? load_plain_type(c, key) : NULL;
    struct search s = {.c = c, .left = TYPES_MAX};

    if (value)
        find_special(&s, value, 0);
    if (value && may_have_lock(m) && k && (m->type != SPEC_MAP_ARRAY || btf_is_int(k)))
        find_locks(&s, value, 0, 0, 0);
    take_fields(&s, m, &v);
    v.key = load_type_make(c, key, m->key_bytes);
    v.value = load_type_make(c, value, m->value_bytes);
    if (v.inner || v.has_lock || v.special || v.extra || v.key || v.value)
        m->fields = arena_memdup(c->arena, &v, sizeof(v));
}

/* Where a variable lies in its section, or -1. What a linker (bpftool gen object) has not filled in
 * stands in the symbol, if it is not a static variable's (libbpf: btf_fixup_datasec). */
static int64_t variable_offset(const struct load_ctx *c, uint32_t section, const struct btf_type *t,
                               const struct btf_var_secinfo *info)
{
    const struct btf_type *var = btf__type_by_id(c->btf, info->type);

    if (!var || !btf_is_var(var))
        return -1;
    if (t->size || btf_var(var)->linkage == BTF_VAR_STATIC)
        return info->offset;
    for (uint32_t i = 0; i < c->symbol_count; i++)
        if (c->symbols[i].section == section && c->symbols[i].bind != STB_LOCAL &&
            !strcmp(c->symbols[i].name, name_of(c, var)))
            return c->symbols[i].value <= INT32_MAX ? (int64_t)c->symbols[i].value : -1;
    return -1;
}

void load_data_fields(const struct load_ctx *c, uint32_t section, struct load_map *m)
{
    const struct btf_type *t = load_section_type(c, m->section);
    struct search s = {.c = c, .left = TYPES_MAX};
    struct load_fields v = {0};

    /* a map that only the host writes can't have such fields: Linux makes it without types */
    if (!t || m->kind == LOAD_MAP_RODATA)
        return;
    for (uint32_t i = 0; i < btf_vlen(t); i++) {
        const struct btf_var_secinfo *info = &btf_var_secinfos(t)[i];
        const int64_t off = variable_offset(c, section, t, info);
        const uint32_t type = off < 0 ? 0 : btf__type_by_id(c->btf, info->type)->type;

        if (off < 0 || (uint64_t)off + info->size > m->value_bytes) /* Linux takes none of it */
            return;
        find_special(&s, type, 0);
        find_locks(&s, type, (uint32_t)off, info->size, 0);
    }
    take_fields(&s, m, &v);
    if (v.has_lock || v.special)
        m->fields = arena_memdup(c->arena, &v, sizeof(v));
}
