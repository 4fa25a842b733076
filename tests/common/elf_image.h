/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_ELF_IMAGE_H
#define SLUICE_TESTS_ELF_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* Builds BPF objects in memory, right ones and wrong ones: nothing is checked. Sections get the
 * numbers in which they are added, from 1; the symbol table, its strings, section names and
 * relocations follow. */

enum { ELF_IMAGE_SECTIONS = 32, ELF_IMAGE_SYMBOLS = 128, ELF_IMAGE_RELOCS = 64 };

struct elf_image_section {
    const char *name;
    uint32_t type;
    uint64_t flags;
    const void *data; /* NULL: no bytes in the file */
    size_t bytes;
};

struct elf_image_reloc {
    uint32_t section; /* that it is for */
    Elf64_Rel rel;
};

struct elf_image {
    struct elf_image_section sections[ELF_IMAGE_SECTIONS];
    uint32_t section_count;
    Elf64_Sym symbols[ELF_IMAGE_SYMBOLS];
    const char *symbol_names[ELF_IMAGE_SYMBOLS];
    uint32_t symbol_count;
    struct elf_image_reloc relocs[ELF_IMAGE_RELOCS];
    uint32_t reloc_count;
    uint32_t reloc_type; /* SHT_REL, or another to provoke */
    uint16_t machine;
};

/* An object with nothing in it. */
struct elf_image elf_image_make(void);
uint32_t elf_image_section(struct elf_image *image, const char *name, uint32_t type, uint64_t flags,
                           const void *data, size_t bytes);
/* A section of code. */
uint32_t elf_image_code(struct elf_image *image, const char *name, const void *insns, size_t bytes);
/* Returns the symbol's number. */
uint32_t elf_image_symbol(struct elf_image *image, const char *name, unsigned bind, unsigned type,
                          uint32_t section, uint64_t value, uint64_t size);
void elf_image_reloc(struct elf_image *image, uint32_t section, uint64_t offset, uint32_t symbol,
                     uint32_t type);
/* The file; free() it. */
uint8_t *elf_image_finish(const struct elf_image *image, size_t *bytes);

#endif
