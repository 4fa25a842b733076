/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <errno.h>
#include <string.h>

struct machine_name {
    uint16_t machine;
    const char *name;
};

/* Those that a wrong -target gives. */
static const struct machine_name machine_names[] = {
    {EM_NONE, "no machine"}, {EM_386, "x86 (32-bit)"}, {EM_X86_64, "x86-64"},
    {EM_ARM, "Arm"},         {EM_AARCH64, "AArch64"},  {EM_RISCV, "RISC-V"},
    {EM_PPC64, "POWER"},     {EM_S390, "s390"},        {EM_MIPS, "MIPS"},
};

static const char *machine_name(uint16_t machine)
{
    for (size_t i = 0; i < sizeof(machine_names) / sizeof(machine_names[0]); i++)
        if (machine_names[i].machine == machine)
            return machine_names[i].name;
    return "another machine";
}

static int check_ident(struct load_ctx *c, const uint8_t *data, size_t bytes)
{
    if (bytes < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
        return load_fail(c, -EINVAL, LOAD_E_NOT_ELF, NULL,
                         "not an ELF file; compile with clang -target bpf -c");
    if (data[EI_CLASS] != ELFCLASS64 || data[EI_DATA] != ELFDATA2LSB)
        return load_fail(c, -EINVAL, LOAD_E_CLASS, NULL,
                         "a %s %s-endian ELF file; only 64-bit little-endian BPF objects are read",
                         data[EI_CLASS] == ELFCLASS32   ? "32-bit"
                         : data[EI_CLASS] == ELFCLASS64 ? "64-bit"
                                                        : "(unknown class)",
                         data[EI_DATA] == ELFDATA2MSB   ? "big"
                         : data[EI_DATA] == ELFDATA2LSB ? "little"
                                                        : "(unknown)");
    return 0;
}

/* Everything that the file's header says lies within the file. */
static int check_header(struct load_ctx *c, const uint8_t *data, size_t bytes)
{
    Elf64_Ehdr h;
    int err = check_ident(c, data, bytes);

    if (err)
        return err;
    if (bytes < sizeof(h))
        return load_fail(c, -EINVAL, LOAD_E_TRUNCATED, NULL,
                         "truncated: %zu bytes, but an ELF header has %zu", bytes, sizeof(h));
    memcpy(&h, data, sizeof(h));
    if (h.e_machine != EM_BPF)
        return load_fail(
            c, -EINVAL, LOAD_E_MACHINE, NULL,
            "code for %s (ELF machine %u), not for BPF; compile with clang -target bpf",
            machine_name(h.e_machine), h.e_machine);
    if (h.e_type != ET_REL)
        return load_fail(c, -EINVAL, LOAD_E_NOT_OBJECT, NULL,
                         "not a relocatable object (ELF type %u)", h.e_type);
    if (h.e_shoff == 0)
        return load_fail(c, -EINVAL, LOAD_E_SECTION, NULL, "the file has no sections");
    if (h.e_shentsize != sizeof(Elf64_Shdr))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, NULL, "section headers of %u bytes",
                         h.e_shentsize);
    if (h.e_shoff > bytes || bytes - h.e_shoff < sizeof(Elf64_Shdr) ||
        (bytes - h.e_shoff) / sizeof(Elf64_Shdr) < h.e_shnum)
        return load_fail(c, -EINVAL, LOAD_E_TRUNCATED, NULL,
                         "truncated: %u section headers at byte %llu, but the file has %zu bytes",
                         h.e_shnum, (unsigned long long)h.e_shoff, bytes);
    return 0;
}

static int read_section(struct load_ctx *c, uint32_t index, size_t strings, const uint8_t *file,
                        size_t file_bytes)
{
    struct load_section *s = &c->sections[index];
    Elf_Scn *scn = elf_getscn(c->elf, index);
    GElf_Shdr h;

    if (!scn || !gelf_getshdr(scn, &h))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, NULL, "section %u has no readable header",
                         index);
    s->name = elf_strptr(c->elf, strings, h.sh_name);
    if (!s->name)
        return load_fail(c, -EINVAL, LOAD_E_SECTION, NULL, "section %u has no readable name",
                         index);
    s->name = arena_strdup(c->arena, s->name);
    s->type = h.sh_type;
    s->flags = h.sh_flags;
    s->link = h.sh_link;
    s->info = h.sh_info;
    s->data_map = LOAD_NO_MAP;
    if (h.sh_type == SHT_NULL)
        return 0;
    s->bytes = h.sh_size;
    if (h.sh_type == SHT_NOBITS)
        return 0;
    if (h.sh_offset > file_bytes || h.sh_size > file_bytes - h.sh_offset)
        return load_fail(c, -EINVAL, LOAD_E_TRUNCATED, s->name,
                         "truncated: it takes bytes %llu to %llu, but the file has %zu",
                         (unsigned long long)h.sh_offset,
                         (unsigned long long)(h.sh_offset + h.sh_size), file_bytes);
    if (h.sh_flags & SHF_COMPRESSED) {
        s->bytes = 0; /* debugging information only; what is needed from it is missed by name */
        return 0;
    }
    s->data = h.sh_size ? file + h.sh_offset : NULL;
    return 0;
}

/* Relocations stand in a section of their own that names, by its info field, the section they are
 * for. */
static int link_relocations(struct load_ctx *c)
{
    for (uint32_t i = 1; i < c->section_count; i++) {
        const struct load_section *s = &c->sections[i];

        if (s->type != SHT_REL && s->type != SHT_RELA)
            continue;
        if (s->info == 0 || s->info >= c->section_count)
            return load_fail(c, -EINVAL, LOAD_E_SECTION, s->name,
                             "relocations for section %u, but there are %u", s->info,
                             c->section_count);
        if (c->sections[s->info].reloc_sec)
            return load_fail(c, -EINVAL, LOAD_E_SECTION, s->name,
                             "section %s has two relocation sections", c->sections[s->info].name);
        c->sections[s->info].reloc_sec = i;
    }
    return 0;
}

static int read_sections(struct load_ctx *c, const uint8_t *file, size_t file_bytes)
{
    size_t count, strings;

    if (elf_getshdrnum(c->elf, &count) || elf_getshdrstrndx(c->elf, &strings) || count == 0 ||
        count > file_bytes / sizeof(Elf64_Shdr))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, NULL, "the section table is malformed");
    c->section_count = (uint32_t)count;
    c->sections = arena_array(c->arena, count, sizeof(*c->sections));
    for (uint32_t i = 0; i < c->section_count; i++) {
        int err = read_section(c, i, strings, file, file_bytes);

        if (err)
            return err;
    }
    return link_relocations(c);
}

static int read_symbol(struct load_ctx *c, uint32_t index)
{
    const struct load_section *table = &c->sections[c->symtab];
    struct load_symbol *s = &c->symbols[index];
    const char *name;
    Elf64_Sym raw;

    memcpy(&raw, table->data + (size_t)index * sizeof(raw), sizeof(raw));
    name = elf_strptr(c->elf, table->link, raw.st_name);
    if (!name)
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, table->name,
                         "symbol %u has its name at byte %u of section %u, where no string is",
                         index, raw.st_name, table->link);
    s->name = *name ? arena_strdup(c->arena, name) : "";
    s->value = raw.st_value;
    s->size = raw.st_size;
    s->section = raw.st_shndx;
    s->type = ELF64_ST_TYPE(raw.st_info);
    s->bind = ELF64_ST_BIND(raw.st_info);
    s->visibility = ELF64_ST_VISIBILITY(raw.st_other);
    if (s->section >= c->section_count && (s->section < SHN_LORESERVE || s->section == SHN_XINDEX))
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, table->name,
                         "symbol %u (%s) is in section %u, but there are %u", index, s->name,
                         s->section, c->section_count);
    if (s->type == STT_SECTION && s->section < c->section_count && !*s->name)
        s->name = c->sections[s->section].name;
    return 0;
}

static int read_symbols(struct load_ctx *c)
{
    const struct load_section *table;

    for (uint32_t i = 1; i < c->section_count && !c->symtab; i++)
        if (c->sections[i].type == SHT_SYMTAB)
            c->symtab = i;
    if (!c->symtab)
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, NULL,
                         "the object has no symbol table (was it stripped?)");
    table = &c->sections[c->symtab];
    if (table->bytes % sizeof(Elf64_Sym))
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, table->name,
                         "%zu bytes are no whole number of symbols", table->bytes);
    c->symbol_count = (uint32_t)(table->bytes / sizeof(Elf64_Sym));
    c->symbols = arena_array(c->arena, c->symbol_count, sizeof(*c->symbols));
    for (uint32_t i = 0; i < c->symbol_count; i++) {
        int err = read_symbol(c, i);

        if (err)
            return err;
    }
    return 0;
}

int load_elf(struct load_ctx *c, const uint8_t *data, size_t bytes)
{
    int err = check_header(c, data, bytes);
    uint8_t *copy;

    if (err)
        return err;
    if (elf_version(EV_CURRENT) == EV_NONE)
        return load_fail(c, -ENOTSUP, LOAD_E_NOT_ELF, NULL, "libelf is too old");
    /* libelf wants to be allowed to write, and aligned structures. */
    copy = arena_memdup(c->arena, data, bytes);
    c->elf = elf_memory((char *)copy, bytes);
    if (!c->elf || elf_kind(c->elf) != ELF_K_ELF)
        return load_fail(c, -EINVAL, LOAD_E_NOT_ELF, NULL, "libelf can't read the file: %s",
                         elf_errmsg(-1));
    err = read_sections(c, copy, bytes);
    return err ? err : read_symbols(c);
}

uint32_t load_section_named(const struct load_ctx *c, const char *name)
{
    for (uint32_t i = 1; i < c->section_count; i++)
        if (strcmp(c->sections[i].name, name) == 0)
            return i;
    return 0;
}

bool load_section_is_code(const struct load_section *s)
{
    return s->type == SHT_PROGBITS && (s->flags & SHF_EXECINSTR);
}
