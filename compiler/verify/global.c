/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* Global functions: Linux verifies each for whatever its arguments' types allow, and asks of a call
 * only that the arguments have these types (kernel/bpf/verifier.c, btf_check_func_arg_match).
 * Memory that an argument points to is a value of a map of its own, made for this. */

static int check_number(struct verifier *v, uint32_t at, const struct load_subprog *sub, uint32_t r)
{
    if (cur_reg(v, r)->type == REG_SCALAR)
        return 0;
    return verify_reject(v, "VFY0085", at,
                         "r%u is %s, but the global function %s takes a number there", r,
                         verify_describe(v, cur_reg(v, r)), sub->name);
}

static int check_context(struct verifier *v, uint32_t at, const struct load_subprog *sub,
                         uint32_t r)
{
    if (cur_reg(v, r)->type == REG_CTX)
        return 0;
    return verify_reject(v, "VFY0085", at,
                         "r%u is %s, but the global function %s takes the context there", r,
                         verify_describe(v, cur_reg(v, r)), sub->name);
}

/* Memory that the function may read and write, or NULL. */
static int check_memory(struct verifier *v, uint32_t at, const struct load_subprog *sub, uint32_t r)
{
    const struct load_arg *arg = &sub->args[r - 1];
    struct access a = {.at = at, .reg = r, .base = *cur_reg(v, r), .bytes = arg->bytes};
    int err;

    if (reg_is_zero(&a.base) && !arg->nonnull) {
        verify_precise_reg(v, &a.base);
        return 0;
    }
    if (a.base.type == REG_VALUE_OR_NULL && !arg->nonnull)
        a.base.type = REG_VALUE;
    if (a.base.type != REG_STACK && a.base.type != REG_PACKET && a.base.type != REG_META &&
        a.base.type != REG_VALUE && a.base.type != REG_RECORD)
        return verify_reject(
            v, "VFY0085", at,
            "r%u is %s, but the global function %s takes a pointer to %u bytes there (stack, "
            "packet or map value)",
            r, verify_describe(v, &a.base), sub->name, arg->bytes);
    a.function = sub->name;
    err = verify_check_memory(v, &a);
    a.write = true;
    return err ? err : verify_check_memory(v, &a);
}

int verify_global_call(struct verifier *v, uint32_t at, const struct load_subprog *sub)
{
    int err = 0;

    if (!sub->global)
        return 0;
    err = verify_check_unlocked(v, at, "a global function is called");
    if (err)
        return err;
    if (!sub->returns_number || sub->arg_count > LOAD_ARGS_MAX)
        return verify_reject(
            v, "VFY0084", at,
            "function %s is global, but %s; Linux verifies global functions on their own, and this "
            "one it can't: make it static",
            sub->name, sub->returns_number ? "has more than 5 arguments" : "returns no number");
    for (uint32_t r = 1; r <= sub->arg_count && !err; r++) {
        err = verify_check_read(v, at, r);
        if (err)
            return err;
        switch ((enum load_arg_kind)sub->args[r - 1].kind) {
        case LOAD_ARG_NUMBER:
            err = check_number(v, at, sub, r);
            break;
        case LOAD_ARG_CTX:
            err = check_context(v, at, sub, r);
            break;
        case LOAD_ARG_MEMORY:
            err = check_memory(v, at, sub, r);
            break;
        case LOAD_ARG_OTHER:
        case LOAD_ARG_KIND_COUNT:
            err = verify_reject(
                v, "VFY0084", at,
                "function %s is global, and the type of its argument %u says neither a number nor "
                "memory of a known size (void * and packet pointers do not); make it static",
                sub->name, r);
            break;
        }
    }
    return err;
}

const struct load_object *verify_global_object(const struct load_object *object,
                                               const struct load_subprog *sub,
                                               struct arena *scratch)
{
    struct load_object *copy = arena_memdup(scratch, object, sizeof(*object));

    copy->maps = arena_array(scratch, object->map_count + LOAD_ARGS_MAX, sizeof(*copy->maps));
    if (object->map_count)
        memcpy(copy->maps, object->maps, object->map_count * sizeof(*copy->maps));
    for (uint32_t i = 0; i < LOAD_ARGS_MAX; i++)
        copy->maps[object->map_count + i] =
            (struct load_map){.name = arena_printf(scratch, "argument %u of %s", i + 1, sub->name),
                              .section = "",
                              .type = SPEC_MAP_ARRAY,
                              .key_bytes = 4,
                              .value_bytes = sub->args[i].bytes,
                              .max_entries = 1};
    copy->map_count += LOAD_ARGS_MAX;
    return copy;
}

void verify_global_start(struct verifier *v, const struct load_subprog *sub)
{
    for (uint32_t r = 1; r <= sub->arg_count && r <= LOAD_ARGS_MAX; r++) {
        const struct load_arg *arg = &sub->args[r - 1];
        struct reg *reg = cur_reg(v, r);

        switch ((enum load_arg_kind)arg->kind) {
        case LOAD_ARG_CTX:
            reg_set_pointer(reg, REG_CTX, DIAG_NO_INSN);
            break;
        case LOAD_ARG_MEMORY:
            reg_set_pointer(reg, arg->nonnull ? REG_VALUE : REG_VALUE_OR_NULL, DIAG_NO_INSN);
            reg->map = (uint16_t)(v->object->map_count - LOAD_ARGS_MAX + r - 1);
            reg->id = ++v->next_id;
            break;
        case LOAD_ARG_NUMBER:
        case LOAD_ARG_OTHER:
        case LOAD_ARG_KIND_COUNT:
            reg_set_scalar(reg, scalar_unknown(), 0, DIAG_NO_INSN);
            break;
        }
    }
}
