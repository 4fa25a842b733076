/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Calls of helpers: what their rows in the table ask of the arguments, and what they leave. */

static const struct load_map *map_argument(struct verifier *v)
{
    return &v->object->maps[reg_of(v, 1)->map];
}

static int check_map(struct verifier *v, uint32_t at, const struct spec_helper_row *row, unsigned r)
{
    const struct reg *reg = reg_of(v, r);
    const struct load_map *m;

    if (reg->type != REG_MAP)
        return verify_reject(v, "VFY0071", at, "r%u is %s, but bpf_%s wants a map", r,
                             verify_describe(v, reg), row->name);
    m = &v->object->maps[reg->map];
    if (m->type >= SPEC_MAP_COUNT || spec_map_type_table[m->type].soft == SPEC_SOFT_NONE)
        return verify_refuse(
            v, "VFY0072", at, "map %s has type %s (%u), which Sluice does not support", m->name,
            m->type < SPEC_MAP_COUNT ? spec_map_type_table[m->type].name : "unknown", m->type);
    if (row->map_types && !(row->map_types >> m->type & 1))
        return verify_reject(v, "VFY0073", at, "bpf_%s can't be used on map %s of type %s",
                             row->name, m->name, spec_map_type_table[m->type].name);
    if ((row->num == SPEC_HELPER_MAP_UPDATE_ELEM || row->num == SPEC_HELPER_MAP_DELETE_ELEM) &&
        (m->kind == LOAD_MAP_RODATA || m->flags & 1 << 7))
        return verify_reject(v, "VFY0055", at, "map %s can't be written by programs", m->name);
    return 0;
}

static int check_argument(struct verifier *v, uint32_t at, const struct spec_helper_row *row,
                          unsigned r)
{
    const struct reg *reg = reg_of(v, r);

    switch ((enum spec_arg)row->args[r - 1]) {
    case SPEC_ARG_NONE:
        return 0;
    case SPEC_ARG_ANY:
        return 0;
    case SPEC_ARG_SCALAR:
        if (reg->type == REG_SCALAR)
            return 0;
        return verify_reject(v, "VFY0074", at, "r%u is %s, but bpf_%s wants a number", r,
                             verify_describe(v, reg), row->name);
    case SPEC_ARG_MAP:
        return check_map(v, at, row, r);
    case SPEC_ARG_KEY:
        return verify_read_memory(v, at, r, map_argument(v)->key_bytes);
    case SPEC_ARG_VALUE:
        return verify_read_memory(v, at, r, map_argument(v)->value_bytes);
    case SPEC_ARG_CTX:
        if (reg->type == REG_CTX && !reg->off && scalar_is_const(&reg->num) && !reg->num.bits.value)
            return 0;
        return verify_reject(v, "VFY0075", at, "r%u is %s, but bpf_%s wants the context", r,
                             verify_describe(v, reg), row->name);
    case SPEC_ARG_MEM:
    case SPEC_ARG_SIZE:
        break;
    }
    return verify_refuse(v, "VFY0077", at,
                         "helper %u (bpf_%s) has arguments that are not supported", row->num,
                         row->name);
}

static void make_stale(struct reg *r)
{
    if (is_packet_pointer(r))
        *r = (struct reg){.type = REG_STALE, .num = scalar_const(0)};
}

/* The packet was moved: whatever points into it points nowhere now. */
static void drop_packet_pointers(struct verifier *v)
{
    for (uint32_t d = 0; d <= v->cur->depth; d++) {
        struct frame *f = &v->cur->frames[d];

        for (unsigned r = 0; r < EBPF_REGS; r++)
            make_stale(&f->regs[r]);
        for (uint32_t s = 0; s < f->slot_count; s++)
            if (f->slots[s].kind[0] == SLOT_SPILL)
                make_stale(&f->slots[s].reg);
    }
}

int verify_helper(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct spec_helper_row *row = spec_helper_find(i->imm);
    const struct reg map = *reg_of(v, 1);
    unsigned count = 0;

    if (!row)
        return verify_refuse(v, "VFY0077", at, "helper %d (bpf_%s) is not supported", i->imm,
                             spec_helper_name(i->imm));
    for (unsigned r = 1; r <= 5 && row->args[r - 1]; r++, count++) {
        int err = verify_reads(v, at, r);

        if (!err)
            err = check_argument(v, at, row, r);
        if (err)
            return err;
    }
    verify_note_args(v, at, count);
    if (row->changes_packet)
        drop_packet_pointers(v);
    for (unsigned r = 0; r <= 5; r++)
        *reg_of(v, r) = (struct reg){0};
    if (row->ret == SPEC_RET_MAP_VALUE_OR_NULL)
        *reg_of(v, 0) = (struct reg){
            .type = REG_VALUE_OR_NULL, .map = map.map, .id = ++v->next_id, .num = scalar_const(0)};
    else
        set_unknown(reg_of(v, 0));
    return 0;
}
