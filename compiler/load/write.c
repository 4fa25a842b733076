/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"

#include <assert.h>
#include <bpf/btf.h>
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <string.h>

/* An object as compilers make it: the entry in its own section, other functions in .text, map
 * definitions in .maps with their types in .BTF, variables in their sections, a relocation for each
 * reference (the kernel's Documentation/bpf/llvm_reloc.rst). Both loaders, ours and libbpf, read
 * it. */

enum { RELOC_64_64 = 1, RELOC_64_32 = 10 };

struct bytes {
    uint8_t *data;
    uint32_t count, capacity;
};

struct piece {
    const char *name;
    uint32_t type;
    uint64_t flags;
    struct bytes bytes;
    uint32_t empty_bytes; /* of a section without contents */
    uint32_t link, info;
    uint32_t entry_bytes;
};

enum { PIECE_NONE, PIECE_STRINGS, PIECE_SYMBOLS, PIECE_ENTRY, PIECE_ENTRY_REL, PIECE_FIRST_FREE };
enum { PIECES_MAX = PIECE_FIRST_FREE + 5, MEMBERS_MAX = 5, MEMBER_BYTES = 8 };

struct writer {
    struct arena *arena;
    const struct load_object *object;
    const struct load_prog *prog;
    struct piece *pieces;
    uint32_t piece_count;
    uint32_t maps_piece; /* .maps, or 0 */
    uint32_t text_piece; /* .text, or 0 */
    uint32_t text_start; /* the instruction that it begins with */
    uint32_t entry_symbol, text_symbol;
    uint32_t *map_piece;  /* of each map */
    uint32_t *map_symbol; /* of each map */
    struct btf *btf;
};

/* ---- pieces ---- */

static uint32_t put(struct writer *w, struct bytes *to, const void *data, uint32_t count)
{
    const uint32_t at = to->count;

    if (count > to->capacity - to->count) {
        const uint32_t capacity = (to->count + count) * 2;
        uint8_t *grown = arena_alloc(w->arena, capacity);

        if (at)
            memcpy(grown, to->data, at);
        to->data = grown;
        to->capacity = capacity;
    }
    if (data)
        memcpy(to->data + at, data, count);
    else
        memset(to->data + at, 0, count);
    to->count += count;
    return at;
}

static uint32_t put_string(struct writer *w, const char *text)
{
    return put(w, &w->pieces[PIECE_STRINGS].bytes, text, (uint32_t)strlen(text) + 1);
}

static uint32_t add_piece(struct writer *w, const char *name, uint32_t type, uint64_t flags)
{
    struct piece *p = &w->pieces[w->piece_count];

    p->name = name;
    p->type = type;
    p->flags = flags;
    return w->piece_count++;
}

static uint32_t put_symbol(struct writer *w, const char *name, uint8_t bind, uint8_t type,
                           uint32_t piece, uint32_t value, uint32_t size)
{
    const Elf64_Sym sym = {
        .st_name = name ? put_string(w, name) : 0,
        .st_info = (uint8_t)ELF64_ST_INFO(bind, type),
        .st_shndx = (Elf64_Section)piece,
        .st_value = value,
        .st_size = size,
    };

    return put(w, &w->pieces[PIECE_SYMBOLS].bytes, &sym, sizeof(sym)) / (uint32_t)sizeof(sym);
}

/* ---- maps ---- */

static bool is_variables(const struct load_map *m)
{
    return m->kind == LOAD_MAP_RODATA || m->kind == LOAD_MAP_DATA || m->kind == LOAD_MAP_BSS;
}

static uint32_t map_members(const struct load_map *m, const char *names[MEMBERS_MAX],
                            uint32_t values[MEMBERS_MAX])
{
    const struct {
        const char *name;
        uint32_t value;
    } all[MEMBERS_MAX] = {{"type", m->type},
                          {"key_size", m->key_bytes},
                          {"value_size", m->value_bytes},
                          {"max_entries", m->max_entries},
                          {"map_flags", m->flags}};
    uint32_t n = 0;

    for (uint32_t i = 0; i < MEMBERS_MAX; i++)
        if (all[i].value || i == 0) {
            names[n] = all[i].name;
            values[n++] = all[i].value;
        }
    return n;
}

static uint32_t definition_bytes(const struct load_map *m)
{
    const char *names[MEMBERS_MAX];
    uint32_t values[MEMBERS_MAX];

    return map_members(m, names, values) * MEMBER_BYTES;
}

/* Sections in the order in which maps of theirs come first, so that the loader numbers them alike.
 */
static void place_maps(struct writer *w)
{
    const struct load_object *o = w->object;

    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct load_map *m = &o->maps[i];

        if (is_variables(m)) {
            const bool empty = m->kind == LOAD_MAP_BSS;
            const uint32_t p = add_piece(w, m->name, empty ? SHT_NOBITS : SHT_PROGBITS,
                                         SHF_ALLOC | (m->kind == LOAD_MAP_RODATA ? 0 : SHF_WRITE));

            if (empty)
                w->pieces[p].empty_bytes = m->value_bytes;
            else
                put(w, &w->pieces[p].bytes, m->data, m->value_bytes);
            w->map_piece[i] = p;
            continue;
        }
        if (!w->maps_piece)
            w->maps_piece = add_piece(w, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
        w->map_piece[i] = w->maps_piece;
        put(w, &w->pieces[w->maps_piece].bytes, NULL, definition_bytes(m));
    }
}

/* What BTF says of a map: a struct of pointers to arrays, whose lengths are the attributes. */
static int describe_map(struct btf *btf, int int_id, const struct load_map *m, int *var)
{
    const char *names[MEMBERS_MAX];
    uint32_t values[MEMBERS_MAX];
    int pointers[MEMBERS_MAX];
    const uint32_t n = map_members(m, names, values);
    int id = 0;

    for (uint32_t i = 0; i < n; i++) {
        id = btf__add_array(btf, int_id, int_id, values[i]);
        pointers[i] = id < 0 ? id : btf__add_ptr(btf, id);
        if (pointers[i] < 0)
            return pointers[i];
    }
    id = btf__add_struct(btf, NULL, n * MEMBER_BYTES);
    for (uint32_t i = 0; i < n && id >= 0; i++) {
        const int err = btf__add_field(btf, names[i], pointers[i], i * MEMBER_BYTES * 8, 0);

        if (err)
            return err;
    }
    *var = id < 0 ? id : btf__add_var(btf, m->name, BTF_VAR_GLOBAL_ALLOCATED, id);
    return *var < 0 ? *var : 0;
}

static int describe_maps(struct writer *w, struct btf *btf)
{
    const struct load_object *o = w->object;
    const int int_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
    int *vars = arena_array(w->arena, o->map_count + 1, sizeof(*vars));
    uint32_t at = 0;
    int err = int_id < 0 ? int_id : 0;

    for (uint32_t i = 0; i < o->map_count && !err; i++)
        if (!is_variables(&o->maps[i]))
            err = describe_map(btf, int_id, &o->maps[i], &vars[i]);
    if (err)
        return err;
    err = btf__add_datasec(btf, ".maps", w->pieces[w->maps_piece].bytes.count);
    for (uint32_t i = 0; i < o->map_count && err >= 0; i++) {
        if (is_variables(&o->maps[i]))
            continue;
        err = btf__add_datasec_var_info(btf, vars[i], at, definition_bytes(&o->maps[i]));
        at += definition_bytes(&o->maps[i]);
    }
    return err < 0 ? err : 0;
}

static int put_btf(struct writer *w)
{
    const void *data;
    uint32_t bytes = 0;
    int err;

    if (!w->maps_piece)
        return 0;
    w->btf = btf__new_empty();
    err = w->btf ? describe_maps(w, w->btf) : -ENOMEM;
    if (err)
        return err;
    data = btf__raw_data(w->btf, &bytes);
    if (!data)
        return -ENOMEM;
    put(w, &w->pieces[add_piece(w, ".BTF", SHT_PROGBITS, 0)].bytes, data, bytes);
    return 0;
}

/* ---- code ---- */

static void put_reloc(struct writer *w, uint32_t piece, uint32_t insn, uint32_t symbol,
                      uint32_t type)
{
    const Elf64_Rel rel = {insn * sizeof(struct ebpf_insn), ELF64_R_INFO((uint64_t)symbol, type)};

    put(w, &w->pieces[piece].bytes, &rel, sizeof(rel));
}

/* Writes a reference as compilers do: a relocation, and the immediate as its addend. Returns the
 * instruction's slots. */
static uint32_t put_insn(struct writer *w, uint32_t piece, uint32_t at, uint32_t start)
{
    const struct ebpf_insn *from = &w->prog->insns[at];
    const uint32_t slots = ebpf_slots(from);
    struct ebpf_insn i[2] = {from[0], slots == 2 ? from[1] : (struct ebpf_insn){0}};
    uint32_t symbol = 0;

    if (ebpf_names_map(from)) {
        symbol = w->map_symbol[from->imm];
        i[0].imm = from->src == EBPF_PSEUDO_MAP_VALUE ? i[1].imm : 0;
        i[0].src = 0;
        i[1].imm = 0;
    } else if (ebpf_is_subprog_call(from) || (slots == 2 && from->src == EBPF_PSEUDO_FUNC)) {
        const uint32_t to = slots == 2 ? (uint32_t)from->imm : (uint32_t)ebpf_target(from, at);
        const uint32_t in = to ? to - w->text_start : 0;

        symbol = to ? w->text_symbol : w->entry_symbol;
        i[0].imm = slots == 2 ? (int32_t)(in * sizeof(*i)) : (int32_t)in - 1;
        i[0].src = slots == 2 ? 0 : EBPF_PSEUDO_CALL;
    }
    if (symbol)
        put_reloc(w, piece + 1, at - start, symbol, slots == 2 ? RELOC_64_64 : RELOC_64_32);
    put(w, &w->pieces[piece].bytes, i, slots * (uint32_t)sizeof(*i));
    return slots;
}

static void put_code(struct writer *w)
{
    for (uint32_t at = 0; at < w->prog->insn_count;) {
        const bool entry = at < w->prog->subprogs[0].count;

        at += put_insn(w, entry ? PIECE_ENTRY : w->text_piece, at, entry ? 0 : w->text_start);
    }
}

/* Local symbols, then the others. */
static void put_symbols(struct writer *w)
{
    const struct load_object *o = w->object;
    const uint32_t entry_bytes = w->prog->subprogs[0].count * (uint32_t)sizeof(struct ebpf_insn);
    uint32_t at = 0;

    put(w, &w->pieces[PIECE_SYMBOLS].bytes, NULL, sizeof(Elf64_Sym));
    if (w->text_piece)
        w->text_symbol = put_symbol(w, NULL, STB_LOCAL, STT_SECTION, w->text_piece, 0, 0);
    for (uint32_t s = 1; s < w->prog->subprog_count; s++) {
        const struct load_subprog *sub = &w->prog->subprogs[s];

        put_symbol(w, sub->name, STB_LOCAL, STT_FUNC, w->text_piece,
                   (sub->start - w->text_start) * (uint32_t)sizeof(struct ebpf_insn),
                   sub->count * (uint32_t)sizeof(struct ebpf_insn));
    }
    for (uint32_t i = 0; i < o->map_count; i++)
        if (is_variables(&o->maps[i]))
            w->map_symbol[i] = put_symbol(w, NULL, STB_LOCAL, STT_SECTION, w->map_piece[i], 0, 0);
    w->pieces[PIECE_SYMBOLS].info =
        w->pieces[PIECE_SYMBOLS].bytes.count / (uint32_t)sizeof(Elf64_Sym);
    w->entry_symbol =
        put_symbol(w, w->prog->name, STB_GLOBAL, STT_FUNC, PIECE_ENTRY, 0, entry_bytes);
    for (uint32_t i = 0; i < o->map_count; i++) {
        if (is_variables(&o->maps[i]))
            continue;
        w->map_symbol[i] = put_symbol(w, o->maps[i].name, STB_GLOBAL, STT_OBJECT, w->maps_piece, at,
                                      definition_bytes(&o->maps[i]));
        at += definition_bytes(&o->maps[i]);
    }
}

static void add_relocs(struct writer *w, uint32_t piece, const char *name)
{
    const uint32_t p = add_piece(w, name, SHT_REL, SHF_INFO_LINK);

    assert(p == piece + 1);
    w->pieces[p].link = PIECE_SYMBOLS;
    w->pieces[p].info = piece;
    w->pieces[p].entry_bytes = sizeof(Elf64_Rel);
}

static int lay_out(struct writer *w)
{
    const uint64_t code = SHF_ALLOC | SHF_EXECINSTR;
    const char *license = w->object->license;

    w->piece_count = PIECE_STRINGS;
    add_piece(w, ".strtab", SHT_STRTAB, 0);
    put_string(w, "");
    add_piece(w, ".symtab", SHT_SYMTAB, 0);
    w->pieces[PIECE_SYMBOLS].link = PIECE_STRINGS;
    w->pieces[PIECE_SYMBOLS].entry_bytes = sizeof(Elf64_Sym);
    add_piece(w, w->prog->section, SHT_PROGBITS, code);
    add_relocs(w, PIECE_ENTRY, arena_printf(w->arena, ".rel%s", w->prog->section));
    if (w->prog->subprog_count > 1) {
        w->text_piece = add_piece(w, ".text", SHT_PROGBITS, code);
        add_relocs(w, w->text_piece, ".rel.text");
        w->text_start = w->prog->subprogs[1].start;
    }
    if (license) {
        const uint32_t p = add_piece(w, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);

        put(w, &w->pieces[p].bytes, license, (uint32_t)strlen(license) + 1);
    }
    place_maps(w);
    put_symbols(w);
    put_code(w);
    return put_btf(w);
}

/* ---- the file ---- */

static int put_all(FILE *out, const void *data, size_t bytes)
{
    errno = 0;
    if (!bytes || fwrite(data, 1, bytes, out) == bytes)
        return 0;
    return errno ? -errno : -EIO;
}

static uint32_t padded(uint32_t bytes)
{
    return (bytes + 7) & ~7u;
}

static int write_file(FILE *out, struct writer *w)
{
    static const uint8_t zeros[8];
    Elf64_Ehdr ehdr = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_BPF,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = (Elf64_Half)w->piece_count,
        .e_shstrndx = PIECE_STRINGS,
    };
    Elf64_Shdr *headers = arena_array(w->arena, w->piece_count, sizeof(*headers));
    uint32_t at = sizeof(ehdr);
    int err;

    for (uint32_t i = 1; i < w->piece_count; i++)
        headers[i].sh_name = put_string(w, w->pieces[i].name);
    for (uint32_t i = 1; i < w->piece_count; i++) {
        const struct piece *p = &w->pieces[i];
        Elf64_Shdr *h = &headers[i];

        h->sh_type = p->type;
        h->sh_flags = p->flags;
        h->sh_offset = at;
        h->sh_size = p->empty_bytes ? p->empty_bytes : p->bytes.count;
        h->sh_link = p->link;
        h->sh_info = p->info;
        h->sh_addralign = 8;
        h->sh_entsize = p->entry_bytes;
        at += padded(p->bytes.count);
    }
    ehdr.e_shoff = at;
    err = put_all(out, &ehdr, sizeof(ehdr));
    for (uint32_t i = 1; i < w->piece_count && !err; i++) {
        const struct bytes *b = &w->pieces[i].bytes;

        err = put_all(out, b->data, b->count);
        if (!err)
            err = put_all(out, zeros, padded(b->count) - b->count);
    }
    return err ? err : put_all(out, headers, w->piece_count * sizeof(*headers));
}

int load_write(FILE *out, const struct load_object *object, const struct load_prog *prog,
               struct arena *arena)
{
    struct writer *w = arena_alloc(arena, sizeof(*w));
    jmp_buf oom;
    int err;

    if (!w)
        return -ENOMEM;
    if (setjmp(oom)) {
        err = -ENOMEM;
        goto end;
    }
    arena_set_oom(arena, &oom);
    w->arena = arena;
    w->object = object;
    w->prog = prog;
    w->pieces = arena_array(arena, PIECES_MAX + object->map_count, sizeof(*w->pieces));
    w->map_piece = arena_array(arena, object->map_count + 1, sizeof(uint32_t));
    w->map_symbol = arena_array(arena, object->map_count + 1, sizeof(uint32_t));
    err = lay_out(w);
    if (!err)
        err = write_file(out, w);
end:
    arena_set_oom(arena, NULL);
    btf__free(w->btf);
    return err;
}
