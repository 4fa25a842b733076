/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

/* .BTF.ext: a header, then tables of source lines and of CO-RE relocations. A table is a record
 * size, and for each code section its name, the number of records, and the records. Everything
 * little-endian and aligned to 4; nothing of it is trusted. (The layout: the kernel's
 * Documentation/bpf/btf.rst.) */

enum {
    EXT_HEADER_BYTES = 24, /* up to the fields for lines */
    EXT_CORE_HEADER_BYTES = 32,
    EXT_RECORD_BYTES = 16, /* struct bpf_line_info and struct bpf_core_relo alike */
};

struct ext_view {
    const uint8_t *data;
    size_t bytes;
};

static uint32_t word_at(const struct ext_view *v, size_t at)
{
    uint32_t w;

    memcpy(&w, v->data + at, sizeof(w));
    return w;
}

static int malformed(struct load_ctx *c, const char *why)
{
    return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF.ext", "malformed: %s", why);
}

/* One section's records. */
static int read_records(struct load_ctx *c, struct load_ext_table *table, const struct ext_view *v,
                        uint32_t section, uint32_t count, uint32_t record_bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        const size_t at = (size_t)i * record_bytes;
        const uint32_t offset = word_at(v, at);
        struct load_ext_record *r;

        if (offset % sizeof(struct ebpf_insn) || offset >= c->sections[section].bytes)
            return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF.ext",
                             "malformed: a record for byte %u of section %s, which has %zu", offset,
                             c->sections[section].name, c->sections[section].bytes);
        table->records = arena_grow(c->arena, table->records, table->count, &table->capacity,
                                    sizeof(*table->records));
        r = &table->records[table->count];
        r->order = table->count++;
        r->section = section;
        r->insn = offset / (uint32_t)sizeof(struct ebpf_insn);
        for (unsigned k = 0; k < 3; k++)
            r->word[k] = word_at(v, at + 4 + 4 * k);
    }
    return 0;
}

static uint32_t code_section_named(const struct load_ctx *c, const char *name)
{
    for (uint32_t i = 1; i < c->section_count; i++)
        if (load_section_is_code(&c->sections[i]) && strcmp(c->sections[i].name, name) == 0)
            return i;
    return 0;
}

static int read_table(struct load_ctx *c, struct load_ext_table *table, struct ext_view v)
{
    uint32_t record_bytes;

    if (v.bytes == 0)
        return 0;
    if (v.bytes < 4)
        return malformed(c, "a table without record size");
    record_bytes = word_at(&v, 0);
    if (record_bytes < EXT_RECORD_BYTES || record_bytes % 4)
        return malformed(c, "a wrong record size");
    for (size_t at = 4; at < v.bytes;) {
        struct ext_view records;
        const char *name;
        uint32_t section, count;
        int err;

        if (v.bytes - at < 8)
            return malformed(c, "a section's head is cut off");
        name = btf__str_by_offset(c->btf, word_at(&v, at));
        count = word_at(&v, at + 4);
        at += 8;
        if (!name)
            return malformed(c, "a section's name is no string");
        if (count > (v.bytes - at) / record_bytes)
            return malformed(c, "a section's records are cut off");
        section = code_section_named(c, name);
        records = (struct ext_view){v.data + at, (size_t)count * record_bytes};
        /* Sections that the linker or objcopy dropped keep their records. */
        err = section ? read_records(c, table, &records, section, count, record_bytes) : 0;
        if (err)
            return err;
        at += records.bytes;
    }
    return 0;
}

static int compare_records(const void *a, const void *b)
{
    const struct load_ext_record *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    if (x->insn != y->insn)
        return x->insn < y->insn ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The table whose offset and length stand at `at` of the header. */
static int read_table_at(struct load_ctx *c, struct load_ext_table *table,
                         const struct ext_view *whole, uint32_t header_bytes, size_t at)
{
    const uint32_t offset = word_at(whole, at), bytes = word_at(whole, at + 4);
    const size_t room = whole->bytes - header_bytes;
    int err;

    if (offset % 4 || offset > room || bytes > room - offset)
        return malformed(c, "a table lies outside of it");
    err = read_table(c, table, (struct ext_view){whole->data + header_bytes + offset, bytes});
    if (!err && table->count)
        qsort(table->records, table->count, sizeof(*table->records), compare_records);
    return err;
}

int load_btf_ext(struct load_ctx *c)
{
    const uint32_t index = load_section_named(c, ".BTF.ext");
    const struct ext_view v = {c->sections[index].data, c->sections[index].bytes};
    uint32_t header_bytes;
    int err;

    if (!index)
        return 0;
    if (!c->btf)
        return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF.ext", "there is no .BTF that it belongs to");
    if (!v.data || v.bytes < EXT_HEADER_BYTES)
        return malformed(c, "shorter than its header");
    if ((word_at(&v, 0) & 0xffff) != BTF_MAGIC)
        return malformed(c, "wrong magic number");
    if (v.data[2] != 1)
        return malformed(c, "unknown version");
    header_bytes = word_at(&v, 4);
    if (header_bytes < EXT_HEADER_BYTES || header_bytes % 4 || header_bytes > v.bytes)
        return malformed(c, "wrong header length");
    err = read_table_at(c, &c->lines, &v, header_bytes, 16);
    if (err || header_bytes < EXT_CORE_HEADER_BYTES)
        return err;
    return read_table_at(c, &c->core, &v, header_bytes, 24);
}

uint32_t load_ext_find(const struct load_ext_table *table, uint32_t section, uint32_t insn)
{
    const struct load_ext_record key = {.section = section, .insn = insn};
    uint32_t low = 0, high = table->count;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;

        if (compare_records(&table->records[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* What stays true of a field as compiled: the type's layout is the object's own, or that of struct
 * xdp_md, which never changes. The others ask which types a running kernel has. */
struct core_kind {
    const char *name;
    bool as_compiled;
};

static const struct core_kind core_kinds[] = {
    [BPF_CORE_FIELD_BYTE_OFFSET] = {"field_byte_offset", true},
    [BPF_CORE_FIELD_BYTE_SIZE] = {"field_byte_size", true},
    [BPF_CORE_FIELD_EXISTS] = {"field_exists", true},
    [BPF_CORE_FIELD_SIGNED] = {"field_signed", true},
    [BPF_CORE_FIELD_LSHIFT_U64] = {"field_lshift_u64", true},
    [BPF_CORE_FIELD_RSHIFT_U64] = {"field_rshift_u64", true},
    [BPF_CORE_TYPE_ID_LOCAL] = {"type_id_local", true},
    [BPF_CORE_TYPE_ID_TARGET] = {"type_id_target", false},
    [BPF_CORE_TYPE_EXISTS] = {"type_exists", false},
    [BPF_CORE_TYPE_SIZE] = {"type_size", false},
    [BPF_CORE_ENUMVAL_EXISTS] = {"enumval_exists", false},
    [BPF_CORE_ENUMVAL_VALUE] = {"enumval_value", false},
    [BPF_CORE_TYPE_MATCHES] = {"type_matches", false},
};
enum { CORE_KINDS = sizeof(core_kinds) / sizeof(core_kinds[0]) };

/* The words of a CO-RE record behind the instruction's offset. */
enum { CORE_TYPE, CORE_ACCESS, CORE_KIND };

static int check_core_record(struct load_ctx *c, const struct load_ext_record *r)
{
    const uint32_t kind = r->word[CORE_KIND];
    const struct btf_type *t = btf__type_by_id(c->btf, r->word[CORE_TYPE]);
    const char *name = t ? btf__name_by_offset(c->btf, t->name_off) : NULL;

    if (kind >= CORE_KINDS)
        return load_fail(c, -ENOTSUP, LOAD_E_CORE, NULL, "CO-RE relocation of unknown kind %u",
                         kind);
    if (!t || !btf__str_by_offset(c->btf, r->word[CORE_ACCESS]))
        return load_fail(c, -EINVAL, LOAD_E_BTF, ".BTF.ext",
                         "malformed: a CO-RE relocation names type %u, which isn't there",
                         r->word[CORE_TYPE]);
    if (!core_kinds[kind].as_compiled)
        return load_fail(c, -ENOTSUP, LOAD_E_CORE, NULL,
                         "CO-RE relocation %s of %s asks for the types of a running kernel; a "
                         "NIC has none",
                         core_kinds[kind].name, name && *name ? name : "(anonymous)");
    return 0;
}

int load_core_check(struct load_ctx *c, const struct load_func *f, uint32_t base)
{
    uint32_t i = load_ext_find(&c->core, f->section, f->start);

    for (; i < c->core.count; i++) {
        const struct load_ext_record *r = &c->core.records[i];
        int err;

        if (r->section != f->section || r->insn - f->start >= f->count)
            return 0;
        c->at.insn = base + (r->insn - f->start);
        err = check_core_record(c, r);
        if (err)
            return err;
    }
    c->at.insn = DIAG_NO_INSN;
    return 0;
}
