/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* libbpf reads .BTF, but trusts more of it than a stranger's file deserves, and says on stderr what
 * it does not like. So the frame of the section is checked here first: header, string table, extent
 * of each type. Numbers of types and places of strings are checked by libbpf on each use. */

enum { NESTING_MAX = 32 }; /* typedefs and qualifiers of one type; a loop of them is no type */

static int malformed(struct load_ctx *c, const char *why)
{
    return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF", "malformed: %s", why);
}

/* Bytes that follow a type's fixed part, or -1 for an unknown kind. */
static int64_t type_tail_bytes(const struct btf_type *t)
{
    const uint32_t vlen = btf_vlen(t);

    switch (btf_kind(t)) {
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
        return 4;
    case BTF_KIND_ARRAY:
        return sizeof(struct btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
        return (int64_t)vlen * (int64_t)sizeof(struct btf_member);
    case BTF_KIND_ENUM:
        return (int64_t)vlen * (int64_t)sizeof(struct btf_enum);
    case BTF_KIND_ENUM64:
        return (int64_t)vlen * (int64_t)sizeof(struct btf_enum64);
    case BTF_KIND_FUNC_PROTO:
        return (int64_t)vlen * (int64_t)sizeof(struct btf_param);
    case BTF_KIND_DATASEC:
        return (int64_t)vlen * (int64_t)sizeof(struct btf_var_secinfo);
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
        return 0;
    default:
        return -1;
    }
}

static int check_types(struct load_ctx *c, const uint8_t *types, uint32_t bytes)
{
    uint32_t at = 0;

    while (at < bytes) {
        struct btf_type t;
        int64_t tail;

        if (bytes - at < sizeof(t))
            return malformed(c, "the last type is cut off");
        memcpy(&t, types + at, sizeof(t));
        tail = type_tail_bytes(&t);
        if (tail < 0)
            return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF", "type %u has unknown kind %u",
                             c->btf_types + 1, btf_kind(&t));
        at += (uint32_t)sizeof(t);
        if (tail > bytes - at)
            return malformed(c, "the last type is cut off");
        at += (uint32_t)tail;
        c->btf_types++;
    }
    return 0;
}

static int check_frame(struct load_ctx *c, const struct load_section *s)
{
    struct btf_header h;
    size_t room;

    if (!s->data || s->bytes < sizeof(h))
        return malformed(c, "shorter than its header");
    memcpy(&h, s->data, sizeof(h));
    if (h.magic != BTF_MAGIC)
        return malformed(c, "wrong magic number");
    if (h.version != 1)
        return malformed(c, "unknown version");
    if (h.hdr_len < sizeof(h) || h.hdr_len % 4 || h.hdr_len > s->bytes)
        return malformed(c, "wrong header length");
    room = s->bytes - h.hdr_len;
    if (h.type_off % 4 || h.type_off > room || h.type_len > room - h.type_off)
        return malformed(c, "types lie outside of it");
    if (h.str_off > room || h.str_len > room - h.str_off || h.type_off + h.type_len > h.str_off)
        return malformed(c, "strings lie outside of it");
    if (h.str_len == 0 || s->data[h.hdr_len + h.str_off] != 0 ||
        s->data[h.hdr_len + h.str_off + h.str_len - 1] != 0)
        return malformed(c, "strings don't begin and end with a 0");
    return check_types(c, s->data + h.hdr_len + h.type_off, h.type_len);
}

int load_btf(struct load_ctx *c)
{
    const uint32_t index = load_section_named(c, ".BTF");
    const struct load_section *s = &c->sections[index];
    int err;

    if (!index)
        return 0;
    err = check_frame(c, s);
    if (err)
        return err;
    c->btf = btf__new(s->data, (uint32_t)s->bytes);
    if (!c->btf)
        return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF", "libbpf can't read it: %s",
                         strerror(errno));
    return 0;
}

const struct btf_type *load_plain_type(const struct load_ctx *c, uint32_t id)
{
    const struct btf_type *t = btf__type_by_id(c->btf, id);

    for (uint32_t depth = 0; t && depth < NESTING_MAX; depth++) {
        if (!btf_is_mod(t) && !btf_is_typedef(t) && btf_kind(t) != BTF_KIND_TYPE_TAG)
            return btf_is_void(t) ? NULL : t;
        t = btf__type_by_id(c->btf, t->type);
    }
    return NULL;
}
