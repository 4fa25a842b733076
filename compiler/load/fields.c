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

enum { NESTING_MAX = 8 };

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

/* Looks through a type at an offset. A lock that is not a member of the value itself is one that
 * the kernel does not look for everywhere; it is refused like the other types. */
static void look(const struct load_ctx *c, uint32_t id, uint32_t off, int nesting,
                 struct load_fields *out)
{
    const struct btf_type *t = load_plain_type(c, id);
    const char *special = NULL;

    if (!t || nesting > NESTING_MAX || out->special)
        return;
    if (btf_is_array(t)) {
        look(c, btf_array(t)->type, off, nesting + 1, out);
    } else if (btf_is_ptr(t)) {
        special = tag_of(c, t->type);
    } else if (btf_is_composite(t)) {
        const char *name = name_of(c, t);

        special = among(name, special_types, sizeof(special_types) / sizeof(*special_types));
        if (!strcmp(name, "bpf_spin_lock")) {
            special = nesting != 1 || out->has_lock ? "bpf_spin_lock" : NULL;
            out->has_lock = true;
            out->lock_off = off;
        } else {
            for (uint32_t i = 0; i < btf_vlen(t) && !special; i++)
                look(c, btf_members(t)[i].type, off + btf_member_bit_offset(t, i) / 8, nesting + 1,
                     out);
        }
    }
    if (special)
        out->special = special;
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

    if (value)
        look(c, value, 0, 0, &v);
    if (v.has_lock && (!may_have_lock(m) || !k || (m->type == SPEC_MAP_ARRAY && !btf_is_int(k))))
        v.has_lock = false;
    if (!v.has_lock)
        v.lock_off = 0;
    v.key = load_type_make(c, key, m->key_bytes);
    v.value = load_type_make(c, value, m->value_bytes);
    if (v.inner || v.has_lock || v.special || v.extra || v.key || v.value)
        m->fields = arena_memdup(c->arena, &v, sizeof(v));
}
