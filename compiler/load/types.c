/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/types.h"

#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <string.h>

/* The types of a key or value while they are made. */
struct maker {
    const struct load_ctx *c;
    uint32_t left; /* types that may still be made: those within each other multiply */
};

enum {
    TYPES_MAX = 20000,
    NESTING_MAX = 32,
    LEAVES_MAX = 1 << 16,
    INT_BYTES_MAX = 8,
};

static const struct load_type *make(struct maker *k, uint32_t id, uint32_t nesting);

static uint32_t add_leaves(uint32_t a, uint64_t b)
{
    return b > LEAVES_MAX || a + b > LEAVES_MAX ? LEAVES_MAX + 1 : (uint32_t)(a + b);
}

static bool power_of_two(uint32_t bytes)
{
    return bytes && bytes <= INT_BYTES_MAX && !(bytes & (bytes - 1));
}

static bool make_int(const struct btf_type *t, struct load_type *out)
{
    out->kind = btf_int_encoding(t) & BTF_INT_BOOL && t->size == 1 ? LOAD_TYPE_BOOL : LOAD_TYPE_INT;
    out->bytes = t->size;
    out->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
    return power_of_two(t->size) && btf_int_bits(t) == t->size * 8 && !btf_int_offset(t);
}

/* An address, as a number. */
static bool make_pointer(struct load_type *out)
{
    out->kind = LOAD_TYPE_INT;
    out->bytes = sizeof(uint64_t);
    return true;
}

static bool make_enum(const struct load_ctx *c, const struct btf_type *t, struct load_type *out)
{
    struct load_name *names = arena_array(c->arena, btf_vlen(t) + 1u, sizeof(*names));

    out->kind = LOAD_TYPE_ENUM;
    out->bytes = t->size;
    out->is_signed = btf_kflag(t);
    out->count = btf_vlen(t);
    out->names = names;
    for (uint32_t i = 0; names && i < btf_vlen(t); i++) {
        const bool wide = btf_is_enum64(t);
        const uint32_t off = wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
        const char *name = btf__name_by_offset(c->btf, off);

        if (!name)
            return false;
        names[i].name = arena_strdup(c->arena, name);
        if (wide)
            names[i].value = (int64_t)btf_enum64_value(&btf_enum64(t)[i]);
        else if (out->is_signed)
            names[i].value = btf_enum(t)[i].val;
        else
            names[i].value = (uint32_t)btf_enum(t)[i].val;
    }
    return names && power_of_two(t->size);
}

/* char, and no typedef of it: an array of them is text (as bpftool takes it). */
static bool is_char(const struct load_ctx *c, uint32_t id)
{
    const struct btf_type *t = btf__type_by_id(c->btf, id);

    for (uint32_t n = 0; t && btf_is_mod(t) && n < NESTING_MAX; n++)
        t = btf__type_by_id(c->btf, t->type);
    return t && btf_is_int(t) && t->size == 1 &&
           (btf_int_encoding(t) == BTF_INT_CHAR ||
            !strcmp("char", btf__name_by_offset(c->btf, t->name_off)
                                ? btf__name_by_offset(c->btf, t->name_off)
                                : ""));
}

static bool make_array(struct maker *k, const struct btf_type *t, uint32_t nesting,
                       struct load_type *out)
{
    const struct btf_array *a = btf_array(t);
    const struct load_type *e = make(k, a->type, nesting + 1);
    uint64_t bytes;

    if (!e || !e->bytes)
        return false;
    bytes = (uint64_t)e->bytes * a->nelems;
    if (bytes > INT32_MAX)
        return false;
    out->kind = LOAD_TYPE_ARRAY;
    out->bytes = (uint32_t)bytes;
    out->count = a->nelems;
    out->element = e;
    out->is_text = is_char(k->c, a->type);
    out->leaves = out->is_text ? 1 : add_leaves(1, (uint64_t)e->leaves * a->nelems);
    return true;
}

static bool make_member(struct maker *k, const struct btf_type *t, uint32_t i, uint32_t nesting,
                        struct load_member *out)
{
    const struct btf_member *m = &btf_members(t)[i];
    const char *name = btf__name_by_offset(k->c->btf, m->name_off);
    const struct load_type *type = make(k, m->type, nesting + 1);
    uint64_t end;

    if (!type || !name)
        return false;
    out->name = *name ? arena_strdup(k->c->arena, name) : NULL;
    out->bit_off = btf_member_bit_offset(t, i);
    out->bits = btf_member_bitfield_size(t, i);
    out->type = type;
    end = (uint64_t)out->bit_off + (out->bits ? out->bits : (uint64_t)type->bytes * 8);
    if (out->bits)
        return out->bits <= type->bytes * 8 && end <= (uint64_t)t->size * 8 &&
               type->kind != LOAD_TYPE_ARRAY && type->kind != LOAD_TYPE_STRUCT &&
               type->kind != LOAD_TYPE_UNION;
    return out->bit_off % 8 == 0 && end <= (uint64_t)t->size * 8;
}

static bool make_struct(struct maker *k, const struct btf_type *t, uint32_t nesting,
                        struct load_type *out)
{
    struct load_member *members = arena_array(k->c->arena, btf_vlen(t) + 1u, sizeof(*members));
    uint32_t n = 0;

    if (!members)
        return false;
    out->kind = btf_is_union(t) ? LOAD_TYPE_UNION : LOAD_TYPE_STRUCT;
    out->bytes = t->size;
    for (uint32_t i = 0; i < btf_vlen(t); i++) {
        if (!make_member(k, t, i, nesting, &members[n]))
            return false;
        out->leaves = add_leaves(out->leaves, members[n].type->leaves);
        /* what has no name and no members is padding */
        n += members[n].name || members[n].type->kind == LOAD_TYPE_STRUCT ||
             members[n].type->kind == LOAD_TYPE_UNION;
    }
    out->members = members;
    out->count = n;
    return t->size <= INT32_MAX;
}

static const struct load_type *make(struct maker *k, uint32_t id, uint32_t nesting)
{
    const struct btf_type *t = load_plain_type(k->c, id);
    struct load_type out = {.leaves = 1};
    bool ok = false;

    if (!t || nesting > NESTING_MAX || k->left == 0)
        return NULL;
    k->left--;
    if (btf_is_int(t))
        ok = make_int(t, &out);
    else if (btf_is_any_enum(t))
        ok = make_enum(k->c, t, &out);
    else if (btf_is_array(t))
        ok = make_array(k, t, nesting, &out);
    else if (btf_is_composite(t))
        ok = make_struct(k, t, nesting, &out);
    else if (btf_is_ptr(t))
        ok = make_pointer(&out);
    return ok && out.leaves <= LEAVES_MAX ? arena_memdup(k->c->arena, &out, sizeof(out)) : NULL;
}

const struct load_type *load_type_make(const struct load_ctx *c, uint32_t id, uint32_t bytes)
{
    struct maker k = {c, TYPES_MAX};
    const struct load_type *t = id ? make(&k, id, 0) : NULL;

    return t && t->bytes == bytes ? t : NULL;
}
