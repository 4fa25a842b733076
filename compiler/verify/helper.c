/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* Calls of helpers: what their rows in the table ask of the arguments, and what they leave. */

static int check_map(struct verifier *v, uint32_t at, const struct spec_helper_row *row, uint32_t r)
{
    const struct reg *reg = cur_reg(v, r);
    const struct load_map *m;

    if (reg->type != REG_MAP)
        return verify_reject(
            v, "VFY0071", at,
            "r%u is %s, but bpf_%s takes a map there (the address of a map variable)", r,
            verify_describe(v, reg), row->name);
    m = &v->object->maps[reg->map];
    assert(m->type < SPEC_MAP_COUNT); /* VFY0072 */
    if (row->map_types && !(row->map_types >> m->type & 1))
        return verify_reject(v, "VFY0073", at, "bpf_%s can't be used on map %s, whose type is %s",
                             row->name, m->name, spec_map_type_table[m->type].name);
    if ((row->num == SPEC_HELPER_MAP_UPDATE_ELEM || row->num == SPEC_HELPER_MAP_DELETE_ELEM) &&
        (m->flags & MAP_RDONLY_PROG || m->kind == LOAD_MAP_RODATA))
        return verify_reject(v, "VFY0055", at, "bpf_%s on map %s, which programs can only read",
                             row->name, m->name);
    return 0;
}

/* Memory of the map's key or value size that the helper reads. */
static int check_buffer(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                        uint32_t r, uint32_t bytes)
{
    const struct access a = {
        .at = at, .reg = r, .base = *cur_reg(v, r), .bytes = bytes, .helper = row->name};
    int err;

    if (a.base.type == REG_SCALAR || a.base.type == REG_CTX)
        return verify_reject(
            v, "VFY0070", at,
            "r%u is %s, but bpf_%s takes a pointer to %u bytes there (stack, packet or map value)",
            r, verify_describe(v, &a.base), row->name, bytes);
    err = verify_check_memory(v, &a);
    if (!err && bytes && a.base.type == REG_STACK)
        err = verify_stack_argument(v, &a);
    return err;
}

/* The number of bytes in argument r, and the memory that the argument before it leads to (Linux:
 * check_mem_size_reg). */
static int check_sized_buffer(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                              uint32_t r)
{
    const bool optional = row->args[r - 1] == SPEC_ARG_SIZE_OR_ZERO;
    const struct reg *size = cur_reg(v, r);
    const struct reg *memory = cur_reg(v, r - 1);

    if (size->type != REG_SCALAR)
        return verify_reject(v, "VFY0076", at,
                             "r%u is %s, but bpf_%s takes a number of bytes there", r,
                             verify_describe(v, size), row->name);
    if (size->num.smin < 0)
        return verify_reject(v, "VFY0076", at,
                             "r%u, the number of bytes that bpf_%s reads, may be negative (%s); "
                             "make it unsigned or mask it",
                             r, row->name, verify_number_text(v, &size->num));
    if (size->num.umin == 0 && !optional)
        return verify_reject(v, "VFY0076", at,
                             "r%u, the number of bytes that bpf_%s reads, may be 0 (%s); check "
                             "that it is not",
                             r, row->name, verify_number_text(v, &size->num));
    if (size->num.umax >= MAX_VAR_OFF)
        return verify_reject(v, "VFY0076", at,
                             "r%u, the number of bytes that bpf_%s reads, has no upper bound (%s); "
                             "compare it with the size of the memory first",
                             r, row->name, verify_number_text(v, &size->num));
    verify_precise_reg(v, size);
    if (size->num.umax == 0 && (reg_is_zero(memory) || memory->type == REG_VALUE_OR_NULL))
        return 0;
    return check_buffer(v, at, row, r - 1, (uint32_t)size->num.umax);
}

static int check_argument(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                          uint32_t r)
{
    const struct reg *reg = cur_reg(v, r);
    const struct load_map *map = &v->object->maps[cur_reg(v, 1)->map];

    switch ((enum spec_arg)row->args[r - 1]) {
    case SPEC_ARG_NONE:
    case SPEC_ARG_ANY:
    case SPEC_ARG_MEM: /* with its size, the next argument */
    case SPEC_ARG_MEM_OR_NULL:
        return 0;
    case SPEC_ARG_SIZE:
    case SPEC_ARG_SIZE_OR_ZERO:
        return check_sized_buffer(v, at, row, r);
    case SPEC_ARG_SCALAR:
        if (reg->type == REG_SCALAR)
            return 0;
        return verify_reject(v, "VFY0074", at, "r%u is %s, but bpf_%s takes a number there", r,
                             verify_describe(v, reg), row->name);
    case SPEC_ARG_MAP:
        return check_map(v, at, row, r);
    case SPEC_ARG_KEY:
        return check_buffer(v, at, row, r, map->key_bytes);
    case SPEC_ARG_VALUE:
        return check_buffer(v, at, row, r, map->value_bytes);
    case SPEC_ARG_CTX:
        if (reg->type == REG_CTX && !reg->off && scalar_is(&reg->num, 0))
            return 0;
        return verify_reject(
            v, "VFY0075", at,
            "r%u is %s, but bpf_%s takes the context there (struct xdp_md *, unmoved)", r,
            verify_describe(v, reg), row->name);
    }
    return 0;
}

static void drop_packet_pointer(struct reg *r, uint32_t at)
{
    if (reg_is_packet(r))
        *r = (struct reg){.type = REG_STALE, .from = at};
}

/* The packet is elsewhere now: what can still be done with old pointers into it is in alu.c. */
static void drop_packet_pointers(struct verifier *v, uint32_t at)
{
    for (uint32_t d = 0; d <= v->cur.depth; d++) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            drop_packet_pointer(&f->regs[r], at);
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                drop_packet_pointer(&f->slots[i].reg, at);
    }
}

/* The licenses that Linux takes for the GPL (include/linux/license.h). */
static bool is_gpl(const char *license)
{
    static const char *const names[] = {"GPL",          "GPL v2",       "GPL and additional rights",
                                        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};

    for (size_t n = 0; license && n < sizeof(names) / sizeof(names[0]); n++)
        if (strcmp(license, names[n]) == 0)
            return true;
    return false;
}

static int check_callable(struct verifier *v, uint32_t at, const struct spec_helper_row *row)
{
    const int32_t num = insn_at(v, at)->imm;
    const char *license = v->object->license;

    if (!row)
        return verify_refuse(
            v, "VFY0077", at,
            "helper %d (bpf_%s) is not supported by Sluice; docs/tables.md lists those that are",
            num, spec_helper_name(num));
    if (row->gpl && !is_gpl(license))
        return verify_reject(
            v, "VFY0077", at,
            "bpf_%s is for programs under the GPL; this object's license is \"%s\"", row->name,
            license ? license : "");
    return 0;
}

int verify_helper(struct verifier *v, uint32_t at)
{
    const struct spec_helper_row *row = spec_helper_find(insn_at(v, at)->imm);
    const uint16_t map = cur_reg(v, 1)->map;
    uint32_t count = 0;
    int err = check_callable(v, at, row);

    for (uint32_t r = 1; !err && r <= ARG_COUNT && row->args[r - 1] != SPEC_ARG_NONE;
         r++, count++) {
        err = verify_check_read(v, at, r);
        if (!err)
            err = check_argument(v, at, row, r);
    }
    if (err)
        return err;
    /* What flags ask for decides whether hardware can do it, so their values are kept apart. */
    if (row->num == SPEC_HELPER_REDIRECT_MAP)
        verify_precise_reg(v, cur_reg(v, 3));
    verify_note_args(v, at, count);
    if (row->changes_packet)
        drop_packet_pointers(v, at);
    for (uint32_t r = 0; r <= ARG_COUNT; r++)
        *cur_reg(v, r) = (struct reg){0};
    if (row->ret == SPEC_RET_MAP_VALUE_OR_NULL) {
        reg_set_pointer(cur_reg(v, 0), REG_VALUE_OR_NULL, at);
        cur_reg(v, 0)->map = map;
        cur_reg(v, 0)->id = ++v->next_id;
    } else {
        reg_set_scalar(cur_reg(v, 0), scalar_unknown(), 0, at);
    }
    return 0;
}
