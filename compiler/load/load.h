/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_LOAD_H
#define SLUICE_LOAD_H

#include "compiler/base/diag.h"
#include "hw/spec/gen/ebpf.h"
#include "hw/spec/gen/map_types.h"

#include <stdbool.h>
#include <stdio.h>

/* What an object file gives: maps and XDP programs, relocated, with their source lines. All of it
 * is owned by the arena that load_object was given. */

enum load_map_kind {
    LOAD_MAP_NONE,
    LOAD_MAP_BTF,    /* .maps */
    LOAD_MAP_LEGACY, /* maps */
    LOAD_MAP_RODATA, /* .rodata*: an array of one value, frozen */
    LOAD_MAP_DATA,   /* .data* */
    LOAD_MAP_BSS,    /* .bss* */
    LOAD_MAP_KIND_COUNT
};

struct load_map;
struct load_type;

/* What the types of a map's values say, where it matters to what programs may do. */
struct load_fields {
    const struct load_map *inner; /* of a map of maps: what those are like */
    bool has_lock;                /* each value has a struct bpf_spin_lock ... */
    uint32_t lock_off;            /* ... there */
    const char *special; /* the kernel's type of another field that no program may touch directly,
                            such as bpf_timer; or NULL */
    uint32_t extra; /* map_extra: hash functions of a Bloom filter */
    const struct load_type *key, *value; /* their types (types.h); NULL: not known */
};

struct load_map {
    const char *name; /* as in the source; a data section's map is named as its section */
    const char *section;
    enum load_map_kind kind;
    uint32_t type; /* enum spec_map_type */
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t max_entries;
    uint32_t flags;      /* BPF_F_* */
    const uint8_t *data; /* initial value of a data section's map, value_bytes long; or NULL */
    const struct load_fields *fields; /* or NULL: plain bytes */
};

struct load_line {
    uint32_t insn; /* first instruction of the line, in the program's numbering */
    const char *file;
    uint32_t line;
    uint32_t column;
    const char *text; /* the source line, or NULL */
};

/* What BTF says of an argument of a global function, as Linux takes it. */
enum load_arg_kind {
    LOAD_ARG_OTHER, /* neither of these: no call of the function is accepted */
    LOAD_ARG_NUMBER,
    LOAD_ARG_CTX,
    LOAD_ARG_MEMORY, /* a pointer to so many bytes */
    LOAD_ARG_KIND_COUNT
};

struct load_arg {
    uint8_t kind; /* enum load_arg_kind */
    bool nonnull; /* memory that is never NULL (tag arg:nonnull) */
    uint32_t bytes;
};

enum { LOAD_ARGS_MAX = 5 };

struct load_subprog {
    const char *name;
    uint32_t start; /* first instruction */
    uint32_t count;
    bool global;         /* by BTF: verified on its own by Linux; a static one with its callers */
    bool returns_number; /* of a global one */
    bool returns_other;  /* BTF says that it returns something other than a number */
    uint32_t arg_count;  /* of a global one; over LOAD_ARGS_MAX if it has more */
    struct load_arg args[LOAD_ARGS_MAX];
};

/* A program and all subprograms that it reaches, in one numbering: subprogram 0 is the entry and
 * starts at 0. Calls are relative to their own instruction (source register EBPF_PSEUDO_CALL). A
 * ld_imm64 with source EBPF_PSEUDO_MAP_FD has a map's index as imm; with EBPF_PSEUDO_MAP_VALUE the
 * index as imm and the offset in the value as the next instruction's imm; with EBPF_PSEUDO_FUNC a
 * subprogram's first instruction. */
struct load_prog {
    const char *name;
    const char *section;
    bool frags; /* section xdp.frags */
    /* Why this program can't be run, though others of the object can (-ENOTSUP); it has no
     * instructions then, and the verifier gives this error. NULL otherwise. */
    const struct diag *refusal;
    struct ebpf_insn *insns;
    uint32_t insn_count;
    struct load_subprog *subprogs;
    uint32_t subprog_count;
    struct load_line *lines; /* ascending by insn */
    uint32_t line_count;
};

/* What an object puts into a map of programs (or of maps) before it is loaded: the program (or map)
 * of that number. */
struct load_value {
    uint32_t map;
    uint32_t slot; /* the key */
    uint32_t target;
};

struct load_object {
    const char *path;
    const char *license;
    struct load_map *maps; /* not those that no XDP program uses and no executor has */
    uint32_t map_count;
    struct load_prog *progs;
    uint32_t prog_count;
    struct load_value *values;
    uint32_t value_count;
};

/* A map's size, where the object leaves it to the program that loads it (max_entries 0). */
struct load_map_size {
    const char *map; /* NULL: every map whose size the object leaves open */
    uint32_t entries;
};

struct load_options {
    size_t size;
    const char *section; /* take any program of this section as XDP; NULL: all XDP sections */
    bool any_type;       /* take programs of every section as XDP */
    bool inner_calls; /* calls may go into a function that has no symbol there; it is no subprogram
                         then */
    /* Replace max_entries of maps. A map's own row goes before that of all; a name that no map has
     * is an error. */
    const struct load_map_size *map_sizes;
    uint32_t map_size_count;
};

/* Reads an eBPF object. options may be NULL. What Sluice lacks keeps only the programs that want it
 * from running, unless that is all of them. Returns 0 and *out, or -ENOENT, -EINVAL, -EIO,
 * -ENOTSUP with the reason in the sink: file, section and why. */
int load_object(const char *path, const struct load_options *options, struct arena *arena,
                struct diag_sink *sink, const struct load_object **out);
/* The same from memory; name stands for the path in messages. */
int load_object_memory(const void *data, size_t bytes, const char *name,
                       const struct load_options *options, struct arena *arena,
                       struct diag_sink *sink, const struct load_object **out);

/* Takes bare instructions of 8 bytes, as bpf(BPF_PROG_LOAD) does, as a GPL program "raw". A
 * ld_imm64 that names a map has its index as imm, in the forms of a descriptor, too.
 * Functions begin where calls go. Maps are copied, their names, sections and data are not. Errors
 * as load_object's; name stands for the path in messages. */
int load_raw(const void *insns, size_t bytes, const char *name, const struct load_map *maps,
             uint32_t map_count, struct arena *arena, struct diag_sink *sink,
             const struct load_object **out);
/* Writes a program and all maps as an object that load_object, and libbpf, read back: the same
 * instructions, maps and names, without source lines. 0 or negative errno. */
int load_write(FILE *out, const struct load_object *object, const struct load_prog *prog,
               struct arena *arena);

/* ---- text ----
 * A program as text that load_parse takes: directives, then instructions as ebpf_disasm prints
 * them and ebpf_asm reads them. A directive stands in a line of its own:
 *   .program NAME          .section NAME          .license TEXT
 *   .map NAME TYPE KEY_BYTES VALUE_BYTES ENTRIES [FLAGS]     TYPE by name ("hash") or number
 *   .bytes SECTION 0xHEX   more variables of .rodata*, .data*
 *   .zeros SECTION BYTES   the same, zeros; also of .bss* */

/* 0, or -EINVAL if a name can't be told in this form. */
int load_print(FILE *out, const struct load_object *object, const struct load_prog *prog,
               struct arena *arena, struct diag_sink *sink);
/* name stands for the text in messages. 0 and *out with one program, or -EINVAL with each fault in
 * the sink. Without directives the program is "prog" in section xdp, under GPL. */
int load_parse(const char *text, const char *name, struct arena *arena, struct diag_sink *sink,
               const struct load_object **out);

/* Fills in the subprograms of a program that has none: one begins wherever a call or a function's
 * address goes. */
void load_cut_functions(struct load_prog *prog, struct arena *arena);

/* The object with one of its programs alone, and without the maps that only others use, if no
 * executor has their type: what other programs want doesn't keep this one from running. A program
 * that uses maps of programs keeps the others too, behind it: it may go on in them. Owned by the
 * arena; shares what it does not change with the object. NULL if there is no memory. */
const struct load_object *load_only(const struct load_object *object, const struct load_prog *prog,
                                    struct arena *arena);

/* What a map of maps says of the maps in it; NULL if nothing, or if the map is none. */
static inline const struct load_map *load_inner(const struct load_map *m)
{
    return m->fields ? m->fields->inner : NULL;
}

static inline uint32_t load_extra(const struct load_map *m)
{
    return m->fields ? m->fields->extra : 0;
}

static inline bool load_has_lock(const struct load_map *m)
{
    return m->fields && m->fields->has_lock;
}

/* The line that an instruction belongs to, or NULL. */
const struct load_line *load_line_of(const struct load_prog *prog, uint32_t insn);
/* The place of an instruction, for a message. */
struct diag_where load_where(const struct load_object *object, const struct load_prog *prog,
                             uint32_t insn);
/* The subprogram that an instruction belongs to. */
uint32_t load_subprog_of(const struct load_prog *prog, uint32_t insn);

#endif
