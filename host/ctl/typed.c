/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/typed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 200 };

/* ---- bits: a number of up to 64, the first in the lowest bit of the first byte ---- */

static uint64_t get_bits(const uint8_t *bytes, uint64_t off, uint32_t bits)
{
    uint64_t v = 0;

    for (uint32_t i = 0; i < bits; i++)
        v |= (uint64_t)(bytes[(off + i) / 8] >> (off + i) % 8 & 1) << i;
    return v;
}

static int64_t sign_extended(uint64_t v, uint32_t bits)
{
    return bits < 64 && v >> (bits - 1) & 1 ? (int64_t)(v | UINT64_MAX << bits) : (int64_t)v;
}

/* ---- to JSON ---- */

/* jansson's integers are signed: what is larger is text. */
static json_t *number_json(const struct load_type *type, uint64_t v, uint32_t bits)
{
    char text[24];

    if (type->is_signed)
        return json_integer(sign_extended(v, bits));
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return json_string(text);
}

static json_t *enum_json(const struct load_type *type, uint64_t v, uint32_t bits)
{
    const int64_t value = type->is_signed ? sign_extended(v, bits) : (int64_t)v;

    for (uint32_t i = 0; i < type->count; i++)
        if (type->names[i].value == value)
            return json_string(type->names[i].name);
    return number_json(type, v, bits);
}

static json_t *scalar_json(const struct load_type *type, uint64_t v, uint32_t bits)
{
    if (type->kind == LOAD_TYPE_BOOL && v <= 1)
        return json_boolean(v);
    return type->kind == LOAD_TYPE_ENUM ? enum_json(type, v, bits) : number_json(type, v, bits);
}

/* Text that ends within the array, has only zeros behind its end, and prints. */
static bool is_text(const struct load_type *type, const uint8_t *bytes)
{
    const uint8_t *end = type->is_text ? memchr(bytes, 0, type->bytes) : NULL;

    for (const uint8_t *p = bytes; end && p < bytes + type->bytes; p++)
        if (p < end ? *p < ' ' || *p > '~' : *p != 0)
            return false;
    return end != NULL;
}

static bool add_members(json_t *out, const struct load_type *type, const uint8_t *bytes)
{
    for (uint32_t i = 0; i < type->count; i++) {
        const struct load_member *m = &type->members[i];
        json_t *j;

        if (!m->name) {
            if (!add_members(out, m->type, bytes + m->bit_off / 8))
                return false;
            continue;
        }
        j = m->bits ? scalar_json(m->type, get_bits(bytes, m->bit_off, m->bits), m->bits)
                    : typed_json(m->type, bytes + m->bit_off / 8);
        if (json_object_set_new(out, m->name, j))
            return false;
    }
    return true;
}

json_t *typed_json(const struct load_type *type, const void *bytes)
{
    const uint8_t *p = bytes;
    json_t *out;

    if (type->kind == LOAD_TYPE_STRUCT || type->kind == LOAD_TYPE_UNION) {
        out = json_object();
        if (out && add_members(out, type, bytes))
            return out;
        json_decref(out);
        return NULL;
    }
    if (type->kind != LOAD_TYPE_ARRAY)
        return scalar_json(type, get_bits(p, 0, type->bytes * 8), type->bytes * 8);
    if (type->count && is_text(type, bytes))
        return json_string(bytes);
    out = json_array();
    for (uint32_t i = 0; out && i < type->count; i++)
        if (json_array_append_new(
                out, typed_json(type->element, p + (size_t)i * type->element->bytes))) {
            json_decref(out);
            return NULL;
        }
    return out;
}

/* ---- from JSON ---- */

struct reader {
    uint8_t *bytes;
    uint8_t *set; /* bits that some member has given */
    bool whole;
    char *why;
    size_t why_bytes;
    char path[PATH_BYTES]; /* to the value at hand */
};

static int complain(const struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(const struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(r->why, r->why_bytes, "%s%s%s", r->path + (r->path[0] == '.'), *r->path ? ": " : "",
             text);
    return -EINVAL;
}

/* Puts a number's bits; two members of a union may give the same. */
static int put_bits(struct reader *r, uint64_t off, uint32_t bits, uint64_t v)
{
    for (uint32_t i = 0; i < bits; i++) {
        const uint64_t at = (off + i) / 8;
        const uint8_t bit = (uint8_t)(1u << (off + i) % 8);
        const bool one = v >> i & 1;

        if (r->set[at] & bit && one != ((r->bytes[at] & bit) != 0))
            return complain(r, "another member of the union says something else; give one of them");
        r->set[at] |= bit;
        if (one)
            r->bytes[at] |= bit;
    }
    return 0;
}

/* A number: an integer, true or false, or text as C writes numbers. */
static bool number_of(const struct load_type *type, const json_t *json, bool *negative, uint64_t *v)
{
    const char *s = json_string_value(json);
    char *end;

    if (json_is_boolean(json) && type->kind == LOAD_TYPE_BOOL) {
        *negative = false;
        *v = json_is_true(json);
        return true;
    }
    if (json_is_integer(json)) {
        *negative = json_integer_value(json) < 0;
        *v = (uint64_t)json_integer_value(json);
        return true;
    }
    for (uint32_t i = 0; s && type->kind == LOAD_TYPE_ENUM && i < type->count; i++)
        if (!strcmp(type->names[i].name, s)) {
            *negative = type->names[i].value < 0 && type->is_signed;
            *v = (uint64_t)type->names[i].value;
            return true;
        }
    if (!s || (*s != '-' && (*s < '0' || *s > '9')))
        return false;
    errno = 0;
    *negative = *s == '-';
    *v = *negative ? (uint64_t)strtoll(s, &end, 0) : strtoull(s, &end, 0);
    return !*end && !errno && end != s;
}

static int read_number(struct reader *r, const struct load_type *type, const json_t *json,
                       uint64_t off, uint32_t bits)
{
    const char *s = json_string_value(json);
    bool negative, fits;
    uint64_t v;

    if (!number_of(type, json, &negative, &v))
        return s ? complain(r, "\"%.60s\" is no %s", s,
                            type->kind == LOAD_TYPE_ENUM ? "name or number of this enum" : "number")
                 : complain(r, "it is no number");
    if (type->is_signed)
        fits = negative ? bits == 64 || (int64_t)v >= -(INT64_C(1) << (bits - 1))
                        : v >> (bits - 1) == 0;
    else
        fits = !negative && (bits == 64 || v >> bits == 0);
    if (!fits)
        return complain(r, "%s%llu does not fit %u bits, %s", negative ? "-" : "",
                        (unsigned long long)(negative ? 0 - v : v), bits,
                        type->is_signed ? "signed" : "unsigned");
    return put_bits(r, off, bits, v);
}

static int read_any(struct reader *r, const struct load_type *type, const json_t *json,
                    uint64_t off);

static int read_array(struct reader *r, const struct load_type *type, const json_t *json,
                      uint64_t off)
{
    const size_t before = strlen(r->path);
    const size_t n = json_is_string(json) ? json_string_length(json) : json_array_size(json);
    int err = 0;

    if (json_is_string(json) && type->is_text) {
        if (n > type->count)
            return complain(r, "the text has %zu bytes, and there is room for %u", n, type->count);
        for (size_t i = 0; i < type->count && !err; i++)
            err = put_bits(r, off + i * 8, 8, i < n ? (uint8_t)json_string_value(json)[i] : 0);
        return err;
    }
    if (!json_is_array(json))
        return complain(r, "it is no array");
    if (n != type->count)
        return complain(r, "the array has %zu elements, not %u", n, type->count);
    for (size_t i = 0; i < n && !err; i++) {
        snprintf(r->path + before, sizeof(r->path) - before, "[%zu]", i);
        err =
            read_any(r, type->element, json_array_get(json, i), off + i * type->element->bytes * 8);
        r->path[before] = 0;
    }
    return err;
}

static const struct load_member *find_member(const struct load_type *type, const char *name,
                                             uint64_t *off)
{
    for (uint32_t i = 0; i < type->count; i++) {
        const struct load_member *m = &type->members[i];
        const uint64_t start = *off;
        const struct load_member *found;

        *off = start + m->bit_off;
        if (m->name && !strcmp(m->name, name))
            return m;
        found = m->name ? NULL : find_member(m->type, name, off);
        if (found)
            return found;
        *off = start;
    }
    return NULL;
}

/* Of a struct each member, of a union one at least. */
static int check_whole(struct reader *r, const struct load_type *type, const json_t *json)
{
    bool any = false;

    for (uint32_t i = 0; i < type->count; i++) {
        const struct load_member *m = &type->members[i];
        const bool there = m->name && json_object_get(json, m->name);

        any |= there;
        if (!m->name) {
            int err = check_whole(r, m->type, json);

            if (err && type->kind == LOAD_TYPE_STRUCT)
                return err;
            any |= !err;
        } else if (!there && type->kind == LOAD_TYPE_STRUCT) {
            return complain(r, "\"%s\" is missing; a key has all of its members", m->name);
        }
    }
    return any || !type->count ? 0 : complain(r, "no member of the union is given");
}

static int read_members(struct reader *r, const struct load_type *type, const json_t *json,
                        uint64_t off)
{
    const size_t before = strlen(r->path);
    const char *name;
    json_t *item;

    if (!json_is_object(json))
        return complain(r, "it is no object with members");
    if (r->whole) {
        int err = check_whole(r, type, json);

        if (err)
            return err;
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, item)
    {
        uint64_t at = off;
        const struct load_member *m = find_member(type, name, &at);
        int err;

        if (!m)
            return complain(r, "there is no member \"%.60s\"", name);
        snprintf(r->path + before, sizeof(r->path) - before, ".%s", name);
        err = m->bits ? read_number(r, m->type, item, at, m->bits) : read_any(r, m->type, item, at);
        if (err)
            return err;
        r->path[before] = 0;
    }
    return 0;
}

static int read_any(struct reader *r, const struct load_type *type, const json_t *json,
                    uint64_t off)
{
    switch (type->kind) {
    case LOAD_TYPE_ARRAY:
        return read_array(r, type, json, off);
    case LOAD_TYPE_STRUCT:
    case LOAD_TYPE_UNION:
        return read_members(r, type, json, off);
    case LOAD_TYPE_INT:
    case LOAD_TYPE_BOOL:
    case LOAD_TYPE_ENUM:
        return read_number(r, type, json, off, type->bytes * 8);
    case LOAD_TYPE_NONE:
    case LOAD_TYPE_KIND_COUNT:
        break;
    }
    return complain(r, "its type is not known");
}

int typed_bytes(const struct load_type *type, const json_t *json, bool whole, void *bytes,
                char *why, size_t why_bytes)
{
    struct reader r = {.bytes = calloc(1, type->bytes + 1u),
                       .set = calloc(1, type->bytes + 1u),
                       .whole = whole,
                       .why = why,
                       .why_bytes = why_bytes};
    int err = -ENOMEM;

    if (why_bytes)
        snprintf(why, why_bytes, "no memory");
    if (r.bytes && r.set)
        err = read_any(&r, type, json, 0);
    if (!err)
        memcpy(bytes, r.bytes, type->bytes);
    free(r.bytes);
    free(r.set);
    return err;
}
