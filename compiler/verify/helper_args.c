/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* What must hold of a helper's arguments, as their rows in the table ask (Linux: check_func_arg,
 * check_map_func_compatibility). Nothing here changes a state. */

/* An argument while it is looked at. */
struct arg {
    uint32_t at;
    uint32_t r; /* its register */
    const struct spec_helper_row *row;
};

/* ---- maps ---- */

static bool changes_map(uint32_t helper)
{
    return helper == SPEC_HELPER_MAP_UPDATE_ELEM || helper == SPEC_HELPER_MAP_DELETE_ELEM ||
           helper == SPEC_HELPER_MAP_PUSH_ELEM || helper == SPEC_HELPER_MAP_POP_ELEM;
}

static int check_map(struct verifier *v, const struct arg *a)
{
    const struct reg *reg = cur_reg(v, a->r);
    const struct load_map *m;

    if (reg->type != REG_MAP)
        return verify_reject(
            v, "VFY0071", a->at,
            "r%u is %s, but bpf_%s takes a map there (the address of a map variable)", a->r,
            verify_describe(v, reg), a->row->name);
    m = &v->object->maps[reg->map];
    assert(m->type < SPEC_MAP_COUNT); /* VFY0072 */
    if (a->row->map_types && !(a->row->map_types >> m->type & 1))
        return verify_reject(v, "VFY0073", a->at,
                             "bpf_%s can't be used on map %s, whose type is %s", a->row->name,
                             m->name, spec_map_type_table[m->type].name);
    if (changes_map(a->row->num) && (m->flags & MAP_RDONLY_PROG || m->kind == LOAD_MAP_RODATA))
        return verify_reject(v, "VFY0055", a->at, "bpf_%s on map %s, which programs can only read",
                             a->row->name, m->name);
    return 0;
}

const struct load_map *verify_helper_map(const struct verifier *v, const struct frame *f,
                                         const struct spec_helper_row *row)
{
    for (uint32_t r = 1; r <= ARG_COUNT; r++)
        if (row->args[r - 1] == SPEC_ARG_MAP)
            return f->regs[r].type == REG_MAP ? &v->object->maps[f->regs[r].map] : NULL;
    return NULL;
}

/* ---- memory ---- */

static const char *memory_places(const struct spec_helper_row *row)
{
    return row->packet ? "stack, packet or map value" : "stack or map value";
}

/* Memory of so many bytes. */
static int check_buffer(struct verifier *v, const struct arg *arg, uint32_t r, uint32_t bytes,
                        enum verify_use use)
{
    struct access a = {
        .at = arg->at, .reg = r, .base = *cur_reg(v, r), .bytes = bytes, .helper = arg->row->name};
    int err;

    /* arrays of arguments for a format */
    a.addresses = (arg->row->num == SPEC_HELPER_SNPRINTF && r == 4) ||
                  (arg->row->num == SPEC_HELPER_TRACE_VPRINTK && r == 3);

    if (a.base.type == REG_SCALAR || a.base.type == REG_CTX)
        return verify_reject(
            v, "VFY0070", arg->at, "r%u is %s, but bpf_%s takes a pointer to %u bytes there (%s)",
            r, verify_describe(v, &a.base), arg->row->name, bytes, memory_places(arg->row));
    if ((a.base.type == REG_PACKET || a.base.type == REG_META) && !arg->row->packet)
        return verify_reject(v, "VFY0070", arg->at,
                             "r%u is %s, but bpf_%s takes no packet memory; copy it to the stack",
                             r, verify_describe(v, &a.base), arg->row->name);
    if (use == VERIFY_USE_WRITE) {
        a.write = true;
        return verify_check_memory(v, &a);
    }
    err = verify_check_memory(v, &a);
    if (!err && bytes && a.base.type == REG_STACK)
        err = verify_stack_argument(v, &a);
    if (err || use == VERIFY_USE_READ)
        return err;
    a.write = true;
    return verify_check_memory(v, &a);
}

/* Memory of a fixed size, aligned to it. */
static int check_word(struct verifier *v, const struct arg *a, uint32_t bytes, enum verify_use use)
{
    const struct reg *p = cur_reg(v, a->r);
    int err = check_buffer(v, a, a->r, bytes, use);

    if (err || tnum_is_aligned(tnum_add(p->num.bits, tnum_const((uint64_t)(int64_t)p->off)), bytes))
        return err;
    return verify_reject(v, "VFY0043", a->at,
                         "r%u is %s, but bpf_%s takes memory that is aligned to %u bytes there",
                         a->r, verify_describe(v, p), a->row->name, bytes);
}

enum verify_use verify_arg_use(enum spec_arg arg)
{
    switch (arg) {
    case SPEC_ARG_VALUE_OUT:
    case SPEC_ARG_MEM_OUT:
    case SPEC_ARG_MEM_PARTIAL_OR_NULL:
    case SPEC_ARG_U64_OUT:
        return VERIFY_USE_WRITE;
    case SPEC_ARG_MEM_INOUT:
    case SPEC_ARG_U32_INOUT:
        return VERIFY_USE_BOTH;
    default:
        return VERIFY_USE_READ;
    }
}

static bool may_be_null(enum spec_arg arg)
{
    return arg == SPEC_ARG_MEM_OR_NULL || arg == SPEC_ARG_MEM_PARTIAL_OR_NULL ||
           arg == SPEC_ARG_STACK_OR_NULL;
}

/* The number of bytes in argument r, and the memory that the argument before it leads to (Linux:
 * check_mem_size_reg). */
static int check_sized_buffer(struct verifier *v, const struct arg *a)
{
    const enum spec_arg before = (enum spec_arg)a->row->args[a->r - 2];
    const bool optional = a->row->args[a->r - 1] == SPEC_ARG_SIZE_OR_ZERO;
    const struct reg *size = cur_reg(v, a->r);
    const struct reg *memory = cur_reg(v, a->r - 1);
    const enum verify_use use = verify_arg_use(before);
    const char *verb = use == VERIFY_USE_READ ? "reads" : "writes";

    if (size->type != REG_SCALAR)
        return verify_reject(v, "VFY0076", a->at,
                             "r%u is %s, but bpf_%s takes a number of bytes there", a->r,
                             verify_describe(v, size), a->row->name);
    if (size->num.smin < 0)
        return verify_reject(v, "VFY0076", a->at,
                             "r%u, the number of bytes that bpf_%s %s, may be negative (%s); "
                             "make it unsigned or mask it",
                             a->r, a->row->name, verb, verify_number_text(v, &size->num));
    if (size->num.umin == 0 && !optional)
        return verify_reject(v, "VFY0076", a->at,
                             "r%u, the number of bytes that bpf_%s %s, may be 0 (%s); check "
                             "that it is not",
                             a->r, a->row->name, verb, verify_number_text(v, &size->num));
    if (size->num.umax >= MAX_VAR_OFF)
        return verify_reject(v, "VFY0076", a->at,
                             "r%u, the number of bytes that bpf_%s %s, has no upper bound (%s); "
                             "compare it with the size of the memory first",
                             a->r, a->row->name, verb, verify_number_text(v, &size->num));
    verify_precise_reg(v, size);
    if (size->num.umax == 0 && may_be_null(before) && reg_is_zero(memory)) {
        verify_precise_reg(v, memory);
        return 0;
    }
    if (size->num.umax == 0 && may_be_null(before) && memory->type == REG_VALUE_OR_NULL)
        return 0;
    return check_buffer(v, a, a->r - 1, (uint32_t)size->num.umax, use);
}

/* ---- strings ---- */

/* A constant string, ended by a zero, in data that nobody can change (Linux: check_reg_const_str).
 */
static const char *string_of(const struct verifier *v, const struct reg *r, int64_t *off)
{
    const struct load_map *m = r->type == REG_VALUE ? &v->object->maps[r->map] : NULL;

    if (!m || m->kind != LOAD_MAP_RODATA || !m->data || !scalar_is_const(&r->num))
        return NULL;
    *off = (int64_t)r->num.bits.value + r->off;
    if (*off < 0 || *off >= m->value_bytes ||
        !memchr(m->data + *off, 0, m->value_bytes - (size_t)*off))
        return NULL;
    return (const char *)m->data + *off;
}

static int check_string(struct verifier *v, const struct arg *a)
{
    int64_t off;

    if (string_of(v, cur_reg(v, a->r), &off))
        return 0;
    return verify_reject(v, "VFY0100", a->at,
                         "r%u is %s, but bpf_%s takes a constant string there (static const char "
                         "[] that ends with a zero)",
                         a->r, verify_describe(v, cur_reg(v, a->r)), a->row->name);
}

/* The character after a conversion like %08llx, or NULL if it is none that bpf_snprintf knows. */
static const char *after_conversion(const char *s)
{
    s += strspn(s, "0+- ");
    if (*s >= '1' && *s <= '9')
        s += strspn(s, "0123456789");
    if (*s == 'p' && (s[1] == 'x' || s[1] == 'K'))
        return s + 2;
    if (*s == 'p' && (s[1] == 'i' || s[1] == 'I'))
        return s[2] == '4' || s[2] == '6' ? s + 3 : NULL;
    if (*s == 'p' && (s[1] == 'k' || s[1] == 'u') && s[2] == 's')
        s += 2;
    if (*s == 'p' || *s == 's')
        return s[1] == 0 || strchr(" \t\n\r\v\f!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", s[1]) ? s + 1
                                                                                          : NULL;
    if (*s == 'c')
        return s + 1;
    for (int longs = 0; *s == 'l' && longs < 2; longs++)
        s++;
    return *s && strchr("idux", *s) ? s + 1 : *s == 'X' ? s + 1 : NULL;
}

/* bpf_snprintf: the format is looked at when the program is loaded (kernel/bpf/helpers.c,
 * bpf_bprintf_prepare). */
static int check_format(struct verifier *v, const struct arg *a)
{
    const struct reg *bytes = cur_reg(v, 5), *values = cur_reg(v, 4);
    int64_t off;
    const char *s = string_of(v, cur_reg(v, 3), &off), *start;
    int32_t value = 0;
    uint64_t left;

    if (!scalar_is_const(&bytes->num) || bytes->num.bits.value % 8)
        return verify_reject(v, "VFY0101", a->at,
                             "r5 is %s; bpf_snprintf takes the size of an array of u64 there, a "
                             "constant multiple of 8",
                             verify_describe(v, bytes));
    left = bytes->num.bits.value / 8;
    while (s && *s) {
        if ((uint8_t)*s < ' ' && !strchr("\t\n\v\f\r", *s))
            break;
        if ((uint8_t)*s >= 0x7f)
            break;
        if (*s++ != '%')
            continue;
        if (*s == '%') {
            s++;
        } else {
            if (left-- == 0)
                return verify_reject(v, "VFY0101", a->at,
                                     "the format of bpf_snprintf takes more than the %llu values "
                                     "that it is given",
                                     (unsigned long long)(bytes->num.bits.value / 8));
            start = s;
            s = after_conversion(s);
            if (s && values->type == REG_STACK &&
                verify_stack_has_address(v, values, 8 * value++) && s[-1] != 's' && s[-2] != 'i' &&
                s[-2] != 'I')
                return verify_refuse(v, "VFY0045", a->at,
                                     "%%%.*s of the format of bpf_snprintf would print an address; "
                                     "addresses differ from executor to executor",
                                     (int)(s - start), start);
        }
    }
    if (s && !*s)
        return 0;
    return verify_reject(v, "VFY0101", a->at,
                         "the format of bpf_snprintf has something other than text and the "
                         "conversions d, i, u, x, X (with l or ll), p, s and c");
}

/* ---- the rest ---- */

static int check_number(struct verifier *v, const struct arg *a)
{
    const struct reg *reg = cur_reg(v, a->r);

    if (reg->type == REG_SCALAR)
        return 0;
    return verify_refuse(v, "VFY0074", a->at, "r%u is %s, but bpf_%s takes a number there", a->r,
                         verify_describe(v, reg), a->row->name);
}

static int check_context(struct verifier *v, const struct arg *a)
{
    const struct reg *reg = cur_reg(v, a->r);

    if (reg->type == REG_CTX && !reg->off && scalar_is(&reg->num, 0))
        return 0;
    return verify_reject(v, "VFY0075", a->at,
                         "r%u is %s, but bpf_%s takes the context there (struct xdp_md *, unmoved)",
                         a->r, verify_describe(v, reg), a->row->name);
}

static int check_alloc_size(struct verifier *v, const struct arg *a)
{
    const struct reg *reg = cur_reg(v, a->r);

    if (reg->type == REG_SCALAR && scalar_is_const(&reg->num) && reg->num.bits.value <= INT32_MAX) {
        verify_precise_reg(v, reg);
        return 0;
    }
    return verify_reject(v, "VFY0102", a->at,
                         "r%u is %s, but bpf_%s takes a constant number of bytes there (use "
                         "bpf_ringbuf_output for records whose size varies)",
                         a->r, verify_describe(v, reg), a->row->name);
}

static int check_stack_or_null(struct verifier *v, const struct arg *a)
{
    const struct reg *reg = cur_reg(v, a->r);

    if (reg->type == REG_STACK)
        return 0;
    if (reg_is_zero(reg)) {
        verify_precise_reg(v, reg);
        return 0;
    }
    return verify_reject(v, "VFY0112", a->at,
                         "r%u is %s, but bpf_%s takes a stack address or NULL there, for the "
                         "callback",
                         a->r, verify_describe(v, reg), a->row->name);
}

static int check_argument(struct verifier *v, const struct arg *a)
{
    const struct load_map *map = verify_helper_map(v, cur_frame(v), a->row);
    const enum spec_arg arg = (enum spec_arg)a->row->args[a->r - 1];

    switch (arg) {
    case SPEC_ARG_NONE:
    case SPEC_ARG_ANY:
    case SPEC_ARG_MEM: /* with its size, the next argument */
    case SPEC_ARG_MEM_OR_NULL:
    case SPEC_ARG_MEM_INOUT:
    case SPEC_ARG_MEM_OUT:
    case SPEC_ARG_MEM_PARTIAL_OR_NULL:
        return 0;
    case SPEC_ARG_SIZE:
    case SPEC_ARG_SIZE_OR_ZERO:
        return check_sized_buffer(v, a);
    case SPEC_ARG_SCALAR:
        return check_number(v, a);
    case SPEC_ARG_MAP:
        return check_map(v, a);
    case SPEC_ARG_KEY:
        return check_buffer(v, a, a->r, map->key_bytes, VERIFY_USE_READ);
    case SPEC_ARG_VALUE:
        return check_buffer(v, a, a->r, map->value_bytes, VERIFY_USE_READ);
    case SPEC_ARG_VALUE_OUT: /* a Bloom filter is asked for a value, and gives none */
        return check_buffer(v, a, a->r, map->value_bytes,
                            map->type == SPEC_MAP_BLOOM_FILTER ? VERIFY_USE_READ
                                                               : VERIFY_USE_WRITE);
    case SPEC_ARG_U32_INOUT:
        return check_word(v, a, 4, VERIFY_USE_BOTH);
    case SPEC_ARG_U64_OUT:
        return check_word(v, a, 8, VERIFY_USE_WRITE);
    case SPEC_ARG_CTX:
        return check_context(v, a);
    case SPEC_ARG_ALLOC_SIZE:
        return check_alloc_size(v, a);
    case SPEC_ARG_STRING:
        return check_string(v, a);
    case SPEC_ARG_RINGBUF:
        return verify_check_record(v, a->at, a->r, a->row->name);
    case SPEC_ARG_FUNC:
        return verify_check_callback(v, a->at, a->r);
    case SPEC_ARG_STACK_OR_NULL:
        return check_stack_or_null(v, a);
    case SPEC_ARG_SPIN_LOCK:
        return verify_check_lock(v, a->at, a->r, a->row->num == SPEC_HELPER_SPIN_UNLOCK);
    }
    return 0;
}

/* What must hold beside the arguments. */
static int check_circumstances(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    int err = 0;

    if (row->num != SPEC_HELPER_SPIN_UNLOCK && row->num != SPEC_HELPER_SPIN_LOCK)
        err = verify_check_unlocked(v, at, arena_printf(v->scratch, "bpf_%s is called", row->name));
    if (err || row->num != SPEC_HELPER_TAIL_CALL)
        return err;
    for (uint32_t d = v->cur.depth; d > 0; d--)
        if (v->cur.frames[d].callback)
            return verify_reject(v, "VFY0114", at,
                                 "bpf_tail_call in a callback, which has to return to its helper");
    return verify_check_given_back(v, at, "bpf_tail_call does not come back");
}

/* Linux takes one argument at most that leads into a record (check_func_arg, ref_obj_id). */
static int check_one_record(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    uint32_t first = 0;

    for (uint32_t r = 1; r <= ARG_COUNT && row->args[r - 1] != SPEC_ARG_NONE; r++) {
        const struct reg *reg = cur_reg(v, r);

        if (row->args[r - 1] == SPEC_ARG_ANY || reg->type != REG_RECORD)
            continue;
        if (first)
            return verify_reject(v, "VFY0115", at,
                                 "r%u and r%u both lead into records of ring buffers; bpf_%s takes "
                                 "one such argument, so copy the other to the stack",
                                 first, r, row->name);
        first = r;
    }
    return 0;
}

int verify_check_helper(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    struct arg a = {.at = at, .r = 1, .row = row};
    int err = check_circumstances(v, at, row);

    if (err)
        return err;

    for (; a.r <= ARG_COUNT && row->args[a.r - 1] != SPEC_ARG_NONE; a.r++) {
        err = verify_check_read(v, at, a.r);
        if (!err)
            err = check_argument(v, &a);
        if (err)
            return err;
    }
    err = check_one_record(v, at, row);
    if (err)
        return err;
    return row->num == SPEC_HELPER_SNPRINTF ? check_format(v, &a) : 0;
}
