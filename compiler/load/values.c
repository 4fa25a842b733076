/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <errno.h>
#include <string.h>

/* What the object puts into maps of programs and of maps: `.values = {[2] = &program}` leaves a
 * pointer in the map's variable, which a relocation of section .maps names (libbpf:
 * bpf_object__collect_map_relos). */

enum { POINTER_BYTES = 8 };

static bool holds_programs(const struct load_map *m)
{
    return m->type == SPEC_MAP_PROG_ARRAY;
}

static bool holds_maps(const struct load_map *m)
{
    return m->type == SPEC_MAP_ARRAY_OF_MAPS || m->type == SPEC_MAP_HASH_OF_MAPS;
}

/* The map in whose variable a byte of the section lies, or LOAD_NO_MAP. */
static uint32_t map_around(const struct load_ctx *c, uint32_t section, uint64_t byte)
{
    for (uint32_t i = 0; i < c->map_count; i++) {
        const struct load_map_place *p = &c->places[i];

        if (p->section == section && byte >= p->offset && byte < p->offset + p->bytes)
            return i;
    }
    return LOAD_NO_MAP;
}

/* The number of the XDP program that a symbol names, or UINT32_MAX. */
static uint32_t program_of(const struct load_ctx *c, const struct load_symbol *sym)
{
    const struct load_object *o = c->object;

    for (uint32_t i = 0; i < o->prog_count; i++)
        if (!strcmp(o->progs[i].name, sym->name) &&
            !strcmp(o->progs[i].section, c->sections[sym->section].name))
            return i;
    return UINT32_MAX;
}

/* Says that a value is left out. */
static void leave_out(struct load_ctx *c, const struct load_map *m, uint64_t slot,
                      const struct load_symbol *sym, const char *why)
{
    struct diag_where where = c->at;

    where.section = m->section;
    diag_add(c->sink, DIAG_WARNING, LOAD_W_MAP_VALUES, where,
             "map %s: its initial value %llu, %s, is left out: %s", m->name,
             (unsigned long long)slot, sym->name, why);
}

static int add_value(struct load_ctx *c, uint32_t section, uint64_t byte,
                     const struct load_symbol *sym)
{
    const uint32_t map = map_around(c, section, byte);
    const struct load_map *m;
    uint32_t target = UINT32_MAX;
    uint64_t slot;

    if (map == LOAD_NO_MAP)
        return load_fail(c, -EINVAL, LOAD_E_RELOCATION, c->sections[section].name,
                         "byte %llu has a relocation, but is no map's initial value",
                         (unsigned long long)byte);
    m = &c->maps[map];
    if (!holds_programs(m) && !holds_maps(m)) {
        leave_out(c, m, 0, sym, "only maps of programs and of maps hold some");
        return 0;
    }
    if (byte < c->places[map].offset + c->places[map].values)
        return load_fail(c, -EINVAL, LOAD_E_RELOCATION, m->section,
                         "map %s: byte %llu has a relocation, but is no initial value", m->name,
                         (unsigned long long)byte);
    slot = (byte - c->places[map].offset - c->places[map].values) / POINTER_BYTES;
    if (holds_programs(m) && sym->section < c->section_count)
        target = program_of(c, sym);
    else if (sym->section < c->section_count)
        target = load_map_at(c, sym->section, sym->value);
    if (target == UINT32_MAX) {
        leave_out(c, m, slot, sym, holds_maps(m) ? "it is no map" : "it is no XDP program");
        return 0;
    }
    if (slot >= m->max_entries)
        return load_fail(c, -EINVAL, LOAD_E_MAP_DEF, m->section,
                         "map %s: an initial value has number %llu, but there are %u entries",
                         m->name, (unsigned long long)slot, m->max_entries);
    c->object->values[c->object->value_count++] = (struct load_value){map, (uint32_t)slot, target};
    return 0;
}

static int read_values(struct load_ctx *c, uint32_t section)
{
    const struct load_section *rs = &c->sections[c->sections[section].reloc_sec];
    const size_t count = rs->bytes / sizeof(Elf64_Rel);
    int err = 0;

    if (rs->type != SHT_REL || rs->link != c->symtab || rs->bytes % sizeof(Elf64_Rel))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, rs->name,
                         "not a section of relocations without addend for the symbol table");
    c->object->values = arena_array(c->arena, count + 1, sizeof(*c->object->values));
    for (size_t i = 0; i < count && !err; i++) {
        Elf64_Rel r;
        uint64_t sym;

        memcpy(&r, rs->data + i * sizeof(r), sizeof(r));
        sym = ELF64_R_SYM(r.r_info);
        if (sym == 0 || sym >= c->symbol_count)
            return load_fail(c, -EINVAL, LOAD_E_RELOCATION, rs->name,
                             "relocation %zu names symbol %llu, but there are %u", i,
                             (unsigned long long)sym, c->symbol_count);
        err = add_value(c, section, r.r_offset, &c->symbols[sym]);
    }
    return err;
}

int load_map_values(struct load_ctx *c)
{
    const uint32_t section = load_section_named(c, ".maps");

    return section && c->sections[section].reloc_sec ? read_values(c, section) : 0;
}
