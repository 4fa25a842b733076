/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <string.h>

/* Types of global functions, as Linux reads them from BTF to verify each on its own
 * (kernel/bpf/btf.c, btf_prepare_func_args). Without BTF there are none: every function is static
 * to Linux. */

static bool is_number(const struct btf_type *t)
{
    return t && (btf_is_int(t) || btf_is_any_enum(t));
}

/* The tag "arg:NAME" of an argument. */
static bool has_tag(const struct load_ctx *c, uint32_t func, uint32_t arg, const char *tag)
{
    for (uint32_t id = 1; id <= c->btf_types; id++) {
        const struct btf_type *t = btf__type_by_id(c->btf, id);
        const char *name;

        if (!t || !btf_is_decl_tag(t) || t->type != func ||
            btf_decl_tag(t)->component_idx != (int32_t)arg)
            continue;
        name = btf__name_by_offset(c->btf, t->name_off);
        if (name && !strcmp(name, tag))
            return true;
    }
    return false;
}

static struct load_arg arg_of(const struct load_ctx *c, uint32_t func, uint32_t index,
                              uint32_t type)
{
    const struct btf_type *t = load_plain_type(c, type);
    const struct btf_type *to;
    const char *name;
    int64_t bytes;

    if (is_number(t))
        return (struct load_arg){.kind = LOAD_ARG_NUMBER};
    if (!t || !btf_is_ptr(t))
        return (struct load_arg){.kind = LOAD_ARG_OTHER};
    to = load_plain_type(c, t->type);
    name = to && btf_is_struct(to) ? btf__name_by_offset(c->btf, to->name_off) : NULL;
    if ((name && !strcmp(name, "xdp_md")) || has_tag(c, func, index, "arg:ctx"))
        return (struct load_arg){.kind = LOAD_ARG_CTX};
    bytes = to ? btf__resolve_size(c->btf, t->type) : -1;
    if (bytes <= 0 || bytes > INT32_MAX)
        return (struct load_arg){.kind = LOAD_ARG_OTHER};
    return (struct load_arg){.kind = LOAD_ARG_MEMORY,
                             .nonnull = has_tag(c, func, index, "arg:nonnull"),
                             .bytes = (uint32_t)bytes};
}

void load_func_type(const struct load_ctx *c, const struct load_func *f, struct load_subprog *out)
{
    const int32_t id = c->btf ? btf__find_by_name_kind(c->btf, f->name, BTF_KIND_FUNC) : -1;
    const struct btf_type *func = id > 0 ? btf__type_by_id(c->btf, (uint32_t)id) : NULL;
    const struct btf_type *proto = func ? btf__type_by_id(c->btf, func->type) : NULL;

    if (!proto || !btf_is_func_proto(proto))
        return;
    out->returns_other = !is_number(load_plain_type(c, proto->type));
    if (!f->global || btf_vlen(func) != BTF_FUNC_GLOBAL /* a function's linkage stands there */)
        return;
    out->global = true;
    out->returns_number = is_number(load_plain_type(c, proto->type));
    out->arg_count = btf_vlen(proto);
    for (uint32_t i = 0; i < out->arg_count && i < LOAD_ARGS_MAX; i++)
        out->args[i] = arg_of(c, (uint32_t)id, i, btf_params(proto)[i].type);
}
