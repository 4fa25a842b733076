/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/elf_image.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct elf_image elf_image_make(void)
{
    return (struct elf_image){.section_count = 1,
                              .symbol_count = 1,
                              .symbol_names = {""},
                              .reloc_type = SHT_REL,
                              .machine = EM_BPF};
}

uint32_t elf_image_section(struct elf_image *image, const char *name, uint32_t type, uint64_t flags,
                           const void *data, size_t bytes)
{
    assert(image->section_count < ELF_IMAGE_SECTIONS);
    image->sections[image->section_count] =
        (struct elf_image_section){name, type, flags, data, bytes};
    return image->section_count++;
}

uint32_t elf_image_code(struct elf_image *image, const char *name, const void *insns, size_t bytes)
{
    return elf_image_section(image, name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns, bytes);
}

uint32_t elf_image_symbol(struct elf_image *image, const char *name, unsigned bind, unsigned type,
                          uint32_t section, uint64_t value, uint64_t size)
{
    Elf64_Sym *s = &image->symbols[image->symbol_count];

    assert(image->symbol_count < ELF_IMAGE_SYMBOLS);
    image->symbol_names[image->symbol_count] = name;
    s->st_info = (unsigned char)ELF64_ST_INFO(bind, type);
    s->st_shndx = (uint16_t)section;
    s->st_value = value;
    s->st_size = size;
    return image->symbol_count++;
}

void elf_image_reloc(struct elf_image *image, uint32_t section, uint64_t offset, uint32_t symbol,
                     uint32_t type)
{
    assert(image->reloc_count < ELF_IMAGE_RELOCS);
    image->relocs[image->reloc_count++] =
        (struct elf_image_reloc){section, {offset, ELF64_R_INFO((uint64_t)symbol, type)}};
}

/* The file as it grows, and its section headers. */
struct output {
    FILE *file;
    Elf64_Shdr headers[2 * ELF_IMAGE_SECTIONS + 4];
    uint32_t header_count;
    FILE *names;
};

static Elf64_Shdr *add_header(struct output *o, const char *name, uint32_t type, const void *data,
                              size_t bytes)
{
    static const char zeros[8];
    Elf64_Shdr *h = &o->headers[o->header_count++];

    fwrite(zeros, 1, (size_t)(-ftell(o->file) & 7), o->file);
    h->sh_name = (uint32_t)ftell(o->names);
    fwrite(name, 1, strlen(name) + 1, o->names);
    h->sh_type = type;
    h->sh_offset = (uint64_t)ftell(o->file);
    h->sh_size = bytes;
    if (data && type != SHT_NOBITS)
        fwrite(data, 1, bytes, o->file);
    return h;
}

static void add_relocs(struct output *o, const struct elf_image *image, uint32_t section,
                       uint32_t symtab)
{
    Elf64_Rel rels[ELF_IMAGE_RELOCS];
    char name[80];
    uint32_t count = 0;
    Elf64_Shdr *h;

    for (uint32_t i = 0; i < image->reloc_count; i++)
        if (image->relocs[i].section == section)
            rels[count++] = image->relocs[i].rel;
    if (!count)
        return;
    snprintf(name, sizeof(name), ".rel%s",
             section < image->section_count ? image->sections[section].name : "?");
    h = add_header(o, name, image->reloc_type, rels, count * sizeof(rels[0]));
    h->sh_link = symtab;
    h->sh_info = section;
    h->sh_entsize = sizeof(rels[0]);
}

static void add_symbols(struct output *o, const struct elf_image *image)
{
    Elf64_Sym symbols[ELF_IMAGE_SYMBOLS];
    char *strings;
    size_t string_bytes;
    FILE *f = open_memstream(&strings, &string_bytes);
    Elf64_Shdr *h;

    for (uint32_t i = 0; i < image->symbol_count; i++) {
        symbols[i] = image->symbols[i];
        symbols[i].st_name = (uint32_t)ftell(f);
        fwrite(image->symbol_names[i], 1, strlen(image->symbol_names[i]) + 1, f);
    }
    fclose(f);
    h = add_header(o, ".symtab", SHT_SYMTAB, symbols, image->symbol_count * sizeof(symbols[0]));
    h->sh_link = o->header_count;
    h->sh_info = 1;
    h->sh_entsize = sizeof(symbols[0]);
    h->sh_addralign = 8;
    add_header(o, ".strtab", SHT_STRTAB, strings, string_bytes);
    free(strings);
}

static void add_section_names(struct output *o)
{
    Elf64_Shdr *h = &o->headers[o->header_count++];

    h->sh_name = (uint32_t)ftell(o->names);
    h->sh_type = SHT_STRTAB;
    fwrite(".shstrtab", 1, 10, o->names);
    h->sh_size = (uint64_t)ftell(o->names);
    h->sh_offset = (uint64_t)ftell(o->file);
}

uint8_t *elf_image_finish(const struct elf_image *image, size_t *bytes)
{
    struct output o = {0};
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = image->machine,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(header),
        .e_shentsize = sizeof(Elf64_Shdr)};
    char *file, *names;
    size_t name_bytes;

    o.file = open_memstream(&file, bytes);
    o.names = open_memstream(&names, &name_bytes);
    fwrite(&header, 1, sizeof(header), o.file);
    fputc(0, o.names);
    o.header_count = 1;
    for (uint32_t i = 1; i < image->section_count; i++) {
        const struct elf_image_section *s = &image->sections[i];

        add_header(&o, s->name, s->type, s->data, s->bytes)->sh_flags = s->flags;
    }
    add_symbols(&o, image);
    for (uint32_t i = 1; i < ELF_IMAGE_SECTIONS; i++)
        add_relocs(&o, image, i, image->section_count);
    add_section_names(&o);
    fclose(o.names);
    fwrite(names, 1, name_bytes, o.file);
    free(names);
    header.e_shoff = (uint64_t)ftell(o.file);
    header.e_shnum = (uint16_t)o.header_count;
    header.e_shstrndx = (uint16_t)(o.header_count - 1);
    fwrite(o.headers, sizeof(o.headers[0]), o.header_count, o.file);
    fclose(o.file);
    memcpy(file, &header, sizeof(header));
    return (uint8_t *)file;
}
