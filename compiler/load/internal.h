/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_LOAD_INTERNAL_H
#define SLUICE_LOAD_INTERNAL_H

#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"

#include <gelf.h>

struct btf;
struct btf_type;

/* What can be wrong with an object. The codes are stable: add at the end, never reuse one. */
#define LOAD_E_OPEN "LOAD0001"       /* no such file, or it can't be read */
#define LOAD_E_NOT_ELF "LOAD0002"    /* not an ELF file */
#define LOAD_E_CLASS "LOAD0003"      /* 32-bit or big-endian */
#define LOAD_E_MACHINE "LOAD0004"    /* for another machine than BPF */
#define LOAD_E_NOT_OBJECT "LOAD0005" /* linked or core file, not an object */
#define LOAD_E_TRUNCATED "LOAD0006"  /* a header or section ends behind the end of the file */
#define LOAD_E_SECTION "LOAD0007"    /* a section header makes no sense */
#define LOAD_E_SYMBOL "LOAD0008"     /* a symbol makes no sense */
#define LOAD_E_RELOCATION "LOAD0009" /* a relocation makes no sense */
#define LOAD_E_RELOC_TYPE "LOAD0010" /* a relocation type that code doesn't have */
#define LOAD_E_NO_PROGRAM "LOAD0011" /* no XDP program */
#define LOAD_E_EXTERN "LOAD0012"     /* extern, kconfig, ksym or kfunc symbol */
#define LOAD_E_BTF "LOAD0013"        /* .BTF or .BTF.ext is malformed, or missing where needed */
#define LOAD_E_MAP_DEF "LOAD0014"    /* a map definition is malformed or contradicts itself */
#define LOAD_E_MAP_SIZE "LOAD0015"   /* key, value or entries that the map's type can't have */
#define LOAD_E_MAP_LIMIT "LOAD0016"  /* too many maps */
#define LOAD_E_MAP_REF                                                                             \
    "LOAD0017"                 /* code refers to a place where no map, variable or function is     \
                                */
#define LOAD_E_CALL "LOAD0018" /* a call goes to no function's start */
#define LOAD_E_CODE                                                                                \
    "LOAD0019" /* a code section that can't be cut into functions and instructions */
#define LOAD_E_CORE "LOAD0020"       /* a CO-RE relocation of a kind that needs a kernel's types */
#define LOAD_E_TOO_LARGE "LOAD0021"  /* more code or data than Linux or Sluice takes */
#define LOAD_E_DATA_RELOC "LOAD0022" /* pointers in a data section */
#define LOAD_E_UNRELOCATED                                                                         \
    "LOAD0023"                       /* a map or function reference that no relocation explains    \
                                      */
#define LOAD_E_OPTION "LOAD0024"     /* options of unknown size, or for a map that isn't there */
#define LOAD_E_TEXT "LOAD0025"       /* a directive of a program as text */
#define LOAD_W_MAP_MEMBER "LOAD0100" /* a map attribute without effect here */
#define LOAD_W_MAP_VALUES                                                                          \
    "LOAD0101"                        /* initial values of a map of maps or programs are not taken \
                                       */
#define LOAD_W_MAP_FOREIGN "LOAD0102" /* a map of other programs is left out */

enum load_limit {
    LOAD_PAGE_BYTES = 4096, /* of ring buffers */
    LOAD_FILE_MAX_BYTES = 256 << 20,
    LOAD_DATA_MAX_BYTES = 16 << 20, /* one data section */
    LOAD_PROG_MAX_INSNS =
        1000000, /* BPF_COMPLEXITY_LIMIT_INSNS: no longer program loads on Linux */
    LOAD_TOTAL_MAX_INSNS = 16000000, /* all programs of an object together */
};

#define LOAD_NO_MAP UINT32_MAX
#define LOAD_NO_FUNC UINT32_MAX
#define LOAD_NO_PROG UINT32_MAX

/* A section; data is NULL for one without bytes in the file (.bss). Index 0 is the empty one of
 * ELF. */
struct load_section {
    const char *name;
    uint32_t type;
    uint64_t flags;
    uint32_t link;
    uint32_t info;
    const uint8_t *data;
    size_t bytes;
    uint32_t data_map;  /* the map that this data section is, or LOAD_NO_MAP */
    uint32_t reloc_sec; /* the section with its relocations, or 0 */
    uint32_t *relocs; /* code: of each instruction, 1 + index in the relocation section; NULL before
                         load_code_relocs */
};

struct load_symbol {
    const char *name;
    uint64_t value;
    uint64_t size;
    uint32_t section; /* SHN_UNDEF, SHN_ABS, ... or an index below section_count */
    uint8_t type;
    uint8_t bind;
    uint8_t visibility;
};

/* A function of a code section, in instructions. Sorted by section and start. */
struct load_func {
    const char *name;
    uint32_t section;
    uint32_t start;
    uint32_t count;
    bool exported; /* GLOBAL or WEAK: a program, if its section is one of programs */
    bool global;   /* exported and not hidden */
};

/* Where a map's definition lies, to find it from a relocation. Same index as maps. */
struct load_map_place {
    uint32_t section;
    uint64_t offset;
    uint64_t bytes;
    uint32_t values; /* bytes from the offset to its initial values */
};

/* One record of .BTF.ext. */
struct load_ext_record {
    uint32_t section;
    uint32_t insn;  /* in the section */
    uint32_t order; /* in the file */
    uint32_t word[3];
};

struct load_ext_table {
    struct load_ext_record *records; /* sorted by section, insn and order */
    uint32_t count;
    uint32_t capacity;
};

struct load_ctx {
    struct arena *arena;
    struct diag_sink *sink;
    struct diag_where at;         /* place of the next message; its source line is found from: */
    const struct load_prog *prog; /* the program that is being linked, or NULL */
    const struct load_options *options;
    Elf *elf;
    struct btf *btf;
    uint32_t btf_types;
    struct load_section *sections;
    uint32_t section_count;
    struct load_symbol *symbols;
    uint32_t symbol_count;
    uint32_t symtab;
    struct load_func *funcs;
    uint32_t func_count;
    struct load_map *maps;
    struct load_map_place *places;
    uint32_t map_count;
    struct load_ext_table lines;
    struct load_ext_table core;
    struct load_object *object;
    uint32_t total_insns;
};

/* Reports an error at c->at, in a section if that isn't NULL, and returns err. */
int load_fail(struct load_ctx *c, int err, const char *code, const char *section,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* elf.c: checks the file's headers, then fills sections and symbols. */
int load_elf(struct load_ctx *c, const uint8_t *data, size_t bytes);
/* The first section with that name, or 0. */
uint32_t load_section_named(const struct load_ctx *c, const char *name);
bool load_section_is_code(const struct load_section *s);

/* btf.c: opens .BTF, if there is one. */
int load_btf(struct load_ctx *c);
/* ext.c: reads .BTF.ext, if there is one. Needs: load_btf. */
int load_btf_ext(struct load_ctx *c);
/* The first record at or behind an instruction of a section. */
uint32_t load_ext_find(const struct load_ext_table *table, uint32_t section, uint32_t insn);
/* Refuses CO-RE relocations that depend on a kernel, among the instructions of a function. */
int load_core_check(struct load_ctx *c, const struct load_func *f, uint32_t base);

/* btf.c: the type behind typedefs and qualifiers. NULL: void, or nonsense. */
const struct btf_type *load_plain_type(const struct load_ctx *c, uint32_t id);
/* func.c: whether a function is global, and its arguments, by BTF. */
/* types.c: a type of so many bytes, or NULL if it has another size or a form that is not known. */
const struct load_type *load_type_make(const struct load_ctx *c, uint32_t id, uint32_t bytes);

/* fields.c: what BTF says of a map's values (types 0: nothing). */
void load_map_fields(const struct load_ctx *c, uint32_t key, uint32_t value, struct load_map *m);
/* fields.c: the same of the variables in a data section. */
void load_data_fields(const struct load_ctx *c, uint32_t section, struct load_map *m);

void load_func_type(const struct load_ctx *c, const struct load_func *f, struct load_subprog *out);
/* maps.c: all maps. Needs: load_elf, load_btf. */
int load_maps(struct load_ctx *c);
/* map_check.c: whether Linux would make a map of this definition; the message names its section. */
int load_map_check(struct load_ctx *c, const struct load_map *m);
/* Whether Linux makes no map of this type with 0 entries. */
bool load_map_needs_entries(const struct load_map *m);
/* Adds a map; the caller fills it. */
struct load_map *load_map_add(struct load_ctx *c, uint32_t section, uint64_t offset,
                              uint64_t bytes);
/* maps_btf.c: the maps of section .maps. */
int load_maps_btf(struct load_ctx *c, uint32_t section);
/* maps_btf.c: what BTF says of a section of variables (BTF_KIND_DATASEC), or NULL. */
const struct btf_type *load_section_type(const struct load_ctx *c, const char *name);
/* The map defined exactly at an offset of a section, or LOAD_NO_MAP. */
uint32_t load_map_at(const struct load_ctx *c, uint32_t section, uint64_t offset);

/* reloc.c: fills relocs of a code section. */
int load_code_relocs(struct load_ctx *c, uint32_t section);
/* What an instruction refers to. */
enum load_ref_kind {
    LOAD_REF_NONE,
    LOAD_REF_MAP,       /* target: map */
    LOAD_REF_MAP_VALUE, /* target: map, offset in its value */
    LOAD_REF_FUNC,      /* target: function whose address is taken */
    LOAD_REF_CALL,      /* target: function that is called */
    LOAD_REF_KIND_COUNT
};
struct load_ref {
    enum load_ref_kind kind;
    uint32_t target;
    uint32_t offset;
};
/* Finds out what the instruction at number insn of a section refers to. */
int load_resolve(struct load_ctx *c, uint32_t section, uint32_t insn, struct load_ref *out);

/* values.c: the initial values of maps of programs. Needs: load_progs. */
int load_map_values(struct load_ctx *c);
/* foreign.c: leaves out maps of types that Sluice lacks, if no program uses them. Needs:
 * load_progs. */
int load_maps_drop_foreign(struct load_ctx *c);

/* progs.c: cuts the code sections into functions, and links the programs. */
int load_funcs(struct load_ctx *c);
int load_progs(struct load_ctx *c);
/* The function that starts there, or LOAD_NO_FUNC. */
uint32_t load_func_at(const struct load_ctx *c, uint32_t section, uint64_t insn);

#endif
