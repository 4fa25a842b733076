/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

/* Relocation types of BPF (the kernel's Documentation/bpf/llvm_reloc.rst). Code has the first two;
 * the others stand in data and debugging information. */
enum {
    RELOC_NONE = 0,
    RELOC_64_64 = 1, /* a 64-bit constant */
    RELOC_64_ABS64 = 2,
    RELOC_64_ABS32 = 3,
    RELOC_64_NODYLD32 = 4,
    RELOC_64_32 = 10, /* a call */
};

static const char *reloc_name(uint32_t type)
{
    switch (type) {
    case RELOC_NONE:
        return "R_BPF_NONE";
    case RELOC_64_64:
        return "R_BPF_64_64";
    case RELOC_64_ABS64:
        return "R_BPF_64_ABS64";
    case RELOC_64_ABS32:
        return "R_BPF_64_ABS32";
    case RELOC_64_NODYLD32:
        return "R_BPF_64_NODYLD32";
    case RELOC_64_32:
        return "R_BPF_64_32";
    default:
        return "an unknown type";
    }
}

static Elf64_Rel reloc_at(const struct load_ctx *c, const struct load_section *rs, size_t i)
{
    Elf64_Rel r;

    (void)c;
    memcpy(&r, rs->data + i * sizeof(r), sizeof(r));
    return r;
}

static struct ebpf_insn insn_at(const struct load_section *s, uint32_t insn)
{
    struct ebpf_insn i;

    memcpy(&i, s->data + (size_t)insn * sizeof(i), sizeof(i));
    return i;
}

static int check_reloc(struct load_ctx *c, const struct load_section *s,
                       const struct load_section *rs, uint32_t number, Elf64_Rel r)
{
    const uint32_t type = (uint32_t)ELF64_R_TYPE(r.r_info);
    const uint64_t sym = ELF64_R_SYM(r.r_info);
    struct ebpf_insn i;

    if (r.r_offset % sizeof(i) || r.r_offset >= s->bytes)
        return load_fail(c, -EINVAL, LOAD_E_RELOCATION, rs->name,
                         "relocation %u is for byte %llu, which is no instruction of section %s",
                         number, (unsigned long long)r.r_offset, s->name);
    if (sym == 0 || sym >= c->symbol_count)
        return load_fail(c, -EINVAL, LOAD_E_RELOCATION, rs->name,
                         "relocation %u names symbol %llu, but there are %u", number,
                         (unsigned long long)sym, c->symbol_count);
    if (type != RELOC_64_64 && type != RELOC_64_32)
        return load_fail(c, -ENOTSUP, LOAD_E_RELOC_TYPE, rs->name,
                         "relocation %u has type %u (%s), which code does not have", number, type,
                         reloc_name(type));
    i = insn_at(s, (uint32_t)(r.r_offset / sizeof(i)));
    if (type == RELOC_64_64 ? !ebpf_is_ld_imm64(&i) : !ebpf_is_call(&i))
        return load_fail(c, -EINVAL, LOAD_E_RELOCATION, rs->name,
                         "relocation %u (%s, symbol %s) is for an instruction with opcode 0x%02x",
                         number, reloc_name(type), c->symbols[sym].name, i.opcode);
    return 0;
}

int load_code_relocs(struct load_ctx *c, uint32_t section)
{
    struct load_section *s = &c->sections[section];
    const struct load_section *rs = &c->sections[s->reloc_sec];
    uint32_t count;

    if (s->relocs)
        return 0;
    if (s->bytes % sizeof(struct ebpf_insn))
        return load_fail(c, -EINVAL, LOAD_E_CODE, s->name,
                         "%zu bytes are no whole number of instructions", s->bytes);
    s->relocs = arena_array(c->arena, s->bytes / sizeof(struct ebpf_insn) + 1, sizeof(uint32_t));
    if (!s->reloc_sec)
        return 0;
    if (rs->type != SHT_REL || rs->link != c->symtab || rs->bytes % sizeof(Elf64_Rel))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, rs->name,
                         "not a section of relocations without addend for the symbol table");
    count = (uint32_t)(rs->bytes / sizeof(Elf64_Rel));
    for (uint32_t i = 0; i < count; i++) {
        const Elf64_Rel r = reloc_at(c, rs, i);
        uint32_t insn;
        int err = check_reloc(c, s, rs, i, r);

        if (err)
            return err;
        insn = (uint32_t)(r.r_offset / sizeof(struct ebpf_insn));
        if (s->relocs[insn])
            return load_fail(c, -EINVAL, LOAD_E_RELOCATION, rs->name,
                             "two relocations for instruction %u of section %s", insn, s->name);
        s->relocs[insn] = 1 + i;
    }
    return 0;
}

/* ---- what is meant ---- */

/* The section that BTF says an undefined symbol is expected in: .kconfig, .ksyms, or "". */
static const char *extern_section(const struct load_ctx *c, const char *name)
{
    for (uint32_t id = 1; c->btf && id <= c->btf_types; id++) {
        const struct btf_type *t = btf__type_by_id(c->btf, id);
        const char *section = t ? btf__name_by_offset(c->btf, t->name_off) : NULL;

        if (!section || btf_kind(t) != BTF_KIND_DATASEC)
            continue;
        for (uint32_t i = 0; i < btf_vlen(t); i++) {
            const struct btf_type *v = btf__type_by_id(c->btf, btf_var_secinfos(t)[i].type);
            const char *var = v ? btf__name_by_offset(c->btf, v->name_off) : NULL;

            if (var && strcmp(var, name) == 0)
                return section;
        }
    }
    return "";
}

static int refuse_extern(struct load_ctx *c, const struct load_symbol *sym)
{
    const char *section = extern_section(c, sym->name);

    if (strcmp(section, ".kconfig") == 0)
        return load_fail(c, -ENOTSUP, LOAD_E_EXTERN, NULL,
                         "%s is a kernel configuration value (__kconfig); a NIC has no kernel to "
                         "ask",
                         sym->name);
    if (strcmp(section, ".ksyms") == 0)
        return load_fail(c, -ENOTSUP, LOAD_E_EXTERN, NULL,
                         "%s is a kernel symbol or kernel function (__ksym); a NIC has no kernel "
                         "to ask",
                         sym->name);
    return load_fail(c, -ENOTSUP, LOAD_E_EXTERN, NULL,
                     "%s is not defined in this object (extern); link the objects first",
                     *sym->name ? sym->name : "(a symbol without name)");
}

static int resolve_map(struct load_ctx *c, const struct load_symbol *sym, uint64_t offset,
                       struct load_ref *out)
{
    const uint32_t map = load_map_at(c, sym->section, offset);

    if (map == LOAD_NO_MAP)
        return load_fail(c, -EINVAL, LOAD_E_MAP_REF, NULL,
                         "refers to byte %llu of section %s, where no map begins",
                         (unsigned long long)offset, c->sections[sym->section].name);
    *out = (struct load_ref){LOAD_REF_MAP, map, 0};
    return 0;
}

static int resolve_variable(struct load_ctx *c, const struct load_symbol *sym, uint64_t offset,
                            struct load_ref *out)
{
    const struct load_section *s = &c->sections[sym->section];

    if (s->reloc_sec)
        return load_fail(c, -ENOTSUP, LOAD_E_DATA_RELOC, s->name,
                         "its variables hold addresses (section %s), which only a kernel's loader "
                         "could fill in; keep indices instead of pointers",
                         c->sections[s->reloc_sec].name);
    if (offset > s->bytes) /* one behind the end is what a loop's bound may be */
        return load_fail(c, -EINVAL, LOAD_E_MAP_REF, NULL,
                         "refers to byte %llu of section %s, which has %zu",
                         (unsigned long long)offset, s->name, s->bytes);
    *out = (struct load_ref){LOAD_REF_MAP_VALUE, s->data_map, (uint32_t)offset};
    return 0;
}

static int resolve_function(struct load_ctx *c, uint32_t section, uint64_t insn,
                            enum load_ref_kind kind, struct load_ref *out)
{
    const uint32_t func = load_func_at(c, section, insn);

    if (func == LOAD_NO_FUNC)
        return load_fail(c, -EINVAL, LOAD_E_CALL, NULL,
                         "%s instruction %lld of section %s, where no function begins",
                         kind == LOAD_REF_CALL ? "calls" : "takes the address of", (long long)insn,
                         c->sections[section].name);
    *out = (struct load_ref){kind, func, 0};
    return 0;
}

/* A 64-bit constant that stands for a map, a variable or a function. The instruction's immediate is
 * an addend. */
static int resolve_constant(struct load_ctx *c, const struct ebpf_insn *i,
                            const struct load_symbol *sym, struct load_ref *out)
{
    const struct load_section *s = &c->sections[sym->section];
    const uint64_t offset = sym->value + (uint64_t)(int64_t)i->imm;

    if (s->data_map != LOAD_NO_MAP)
        return resolve_variable(c, sym, offset, out);
    if (strcmp(s->name, ".maps") == 0 || strcmp(s->name, "maps") == 0)
        return resolve_map(c, sym, offset, out);
    if (!load_section_is_code(s))
        return load_fail(c, -ENOTSUP, LOAD_E_MAP_REF, NULL,
                         "refers to %s in section %s, which is neither maps, variables nor code",
                         sym->name, s->name);
    if (offset % sizeof(struct ebpf_insn))
        return load_fail(c, -EINVAL, LOAD_E_CALL, NULL,
                         "takes the address of byte %llu of section %s, which is no instruction",
                         (unsigned long long)offset, s->name);
    return resolve_function(c, sym->section, offset / sizeof(struct ebpf_insn), LOAD_REF_FUNC, out);
}

static int resolve_reloc(struct load_ctx *c, uint32_t section, uint32_t insn, struct load_ref *out)
{
    const struct load_section *s = &c->sections[section];
    const struct ebpf_insn i = insn_at(s, insn);
    const Elf64_Rel r = reloc_at(c, &c->sections[s->reloc_sec], s->relocs[insn] - 1);
    const struct load_symbol *sym = &c->symbols[ELF64_R_SYM(r.r_info)];

    if (sym->section == SHN_UNDEF)
        return refuse_extern(c, sym);
    if (sym->section >= c->section_count)
        return load_fail(c, -ENOTSUP, LOAD_E_SYMBOL, NULL,
                         "refers to %s, a %s symbol; define it in a section (-fno-common)",
                         sym->name, sym->section == SHN_COMMON ? "common" : "section-less");
    if (ebpf_is_ld_imm64(&i))
        return resolve_constant(c, &i, sym, out);
    if (i.src != EBPF_PSEUDO_CALL || sym->value % sizeof(i) ||
        !load_section_is_code(&c->sections[sym->section]))
        return load_fail(c, -EINVAL, LOAD_E_CALL, NULL, "calls %s, which is no function",
                         sym->name);
    /* The immediate counts from the instruction behind, as if the call stood at -1. */
    return resolve_function(c, sym->section,
                            sym->value / sizeof(i) + (uint64_t)((int64_t)i.imm + 1), LOAD_REF_CALL,
                            out);
}

/* A call within one function, as assembled by hand, if that is allowed: it stays as it is. */
static bool is_inner_call(const struct load_ctx *c, uint32_t section, uint32_t insn, int64_t target)
{
    for (uint32_t k = 0; c->options && c->options->inner_calls && k < c->func_count; k++) {
        const struct load_func *f = &c->funcs[k];

        if (f->section == section && insn - f->start < f->count)
            return target > f->start && target < (int64_t)f->start + f->count &&
                   load_func_at(c, section, (uint64_t)target) == LOAD_NO_FUNC;
    }
    return false;
}

int load_resolve(struct load_ctx *c, uint32_t section, uint32_t insn, struct load_ref *out)
{
    const struct load_section *s = &c->sections[section];
    const struct ebpf_insn i = insn_at(s, insn);

    *out = (struct load_ref){LOAD_REF_NONE, 0, 0};
    if (s->relocs[insn])
        return resolve_reloc(c, section, insn, out);
    if (ebpf_is_subprog_call(&i) && is_inner_call(c, section, insn, ebpf_target(&i, insn)))
        return 0;
    if (ebpf_is_subprog_call(&i))
        return resolve_function(c, section, (uint64_t)ebpf_target(&i, insn), LOAD_REF_CALL, out);
    if (ebpf_is_ld_imm64(&i) && i.src)
        return load_fail(c, -EINVAL, LOAD_E_UNRELOCATED, NULL,
                         "a 64-bit constant of kind %u without relocation; in an object it is the "
                         "relocation that says what is meant",
                         i.src);
    return 0;
}
