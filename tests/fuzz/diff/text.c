/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/text.h"

#include "compiler/ebpf/ebpf.h"
#include "tests/common/text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OTHER "--- other\n" /* a program that maps of programs may hold; numbers go on from 2 */

enum { MAPS_MAX = 16, NAME_BYTES = 64, FLAG_RDONLY_PROG = 1 << 7 };

static const char *const data_kinds[LOAD_MAP_KIND_COUNT] = {
    [LOAD_MAP_RODATA] = "rodata", [LOAD_MAP_DATA] = "data", [LOAD_MAP_BSS] = "bss"};

/* ---- writing ---- */

static void put_hex(FILE *out, const void *data, uint32_t bytes)
{
    const uint8_t *p = data;

    for (uint32_t i = 0; i < bytes; i++)
        fprintf(out, "%02x", p[i]);
}

static void put_map(FILE *out, const struct load_map *m)
{
    const char *kind =
        data_kinds[m->kind] ? data_kinds[m->kind] : spec_map_type_table[m->type].name;

    fprintf(out, "map %s %s %u %u %u", m->name, kind, m->key_bytes, m->value_bytes, m->max_entries);
    if (m->flags && m->kind != LOAD_MAP_RODATA)
        fprintf(out, " flags 0x%x", m->flags);
    if (m->data) {
        fprintf(out, " init ");
        put_hex(out, m->data, m->value_bytes);
    }
    if (load_extra(m))
        fprintf(out, " extra %u", load_extra(m));
    if (load_has_lock(m))
        fprintf(out, " lock %u", m->fields->lock_off);
    if (load_inner(m))
        fprintf(out, " inner %s %u %u %u 0x%x", spec_map_type_table[load_inner(m)->type].name,
                load_inner(m)->key_bytes, load_inner(m)->value_bytes, load_inner(m)->max_entries,
                load_inner(m)->flags);
    fprintf(out, "\n");
}

static void put_entry(FILE *out, const struct load_map *m, const uint8_t *key,
                      const uint8_t *values)
{
    fprintf(out, "entry %s ", m->name);
    put_hex(out, key, m->key_bytes);
    for (uint32_t c = 0; c < diff_map_cpus(m); c++) {
        fprintf(out, " ");
        put_hex(out, values + c * diff_map_stride(m), m->value_bytes);
    }
    fprintf(out, "\n");
}

/* Places that jumps and calls go to: 1 a label, 2 a function. */
static uint8_t *targets(const struct load_prog *p)
{
    uint8_t *at = calloc(p->insn_count + 1, 1);

    for (uint32_t i = 0; at && i < p->insn_count; i += ebpf_slots(&p->insns[i])) {
        const struct ebpf_insn *insn = &p->insns[i];
        const int64_t to =
            ebpf_is_jump(insn) || ebpf_is_subprog_call(insn) ? ebpf_target(insn, i) : -1;

        if (to >= 0 && to < p->insn_count)
            at[to] = ebpf_is_jump(insn) ? 1 : 2;
    }
    return at;
}

static void put_program(FILE *out, const struct diff_case *c, const struct load_prog *p)
{
    const char *names[MAPS_MAX];
    const struct ebpf_names maps = {names, c->object.map_count};
    uint8_t *labels = targets(p);
    char text[256];

    for (uint32_t m = 0; m < c->object.map_count; m++)
        names[m] = c->object.maps[m].name;
    for (uint32_t i = 0; labels && i < p->insn_count; i += ebpf_slots(&p->insns[i])) {
        const struct ebpf_insn *insn = &p->insns[i];
        char *pc;

        if (labels[i])
            fprintf(out, "%c%u:\n", labels[i] == 1 ? 'L' : 'F', i);
        ebpf_disasm(p->insns, p->insn_count, i, &maps, text, sizeof(text));
        pc = strstr(text, "pc");
        if (pc && (ebpf_is_jump(insn) || ebpf_is_subprog_call(insn)) &&
            ebpf_target(insn, i) < p->insn_count)
            fprintf(out, "%.*s%c%lld\n", (int)(pc - text), text,
                    labels[ebpf_target(insn, i)] == 1 ? 'L' : 'F', (long long)ebpf_target(insn, i));
        else
            fprintf(out, "%s\n", text);
    }
    free(labels);
}

static void put_expectation(FILE *out, const struct diff_case *c, const struct diff_result *result)
{
    for (uint32_t i = 0; i < result->packet_count; i++) {
        const struct diff_packet_result *p = &result->packets[i];

        fprintf(out, "packet %u ret 0x%x redirect 0x%llx ", i, p->ret,
                (unsigned long long)p->redirect);
        put_hex(out, p->bytes, p->len);
        fprintf(out, "\n");
    }
    for (uint32_t m = 0; m < result->map_count; m++)
        for (size_t i = 0; i < result->maps[m].count; i++)
            put_entry(out, &c->object.maps[m], snapshot_key(&result->maps[m], i),
                      snapshot_value(&result->maps[m], i, 0));
}

char *text_expectation(const struct diff_case *c, const struct diff_result *result)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!out)
        return NULL;
    put_expectation(out, c, result);
    fclose(out);
    return text;
}

void text_write(FILE *out, const struct diff_case *c, const struct diff_result *result,
                const char *title)
{
    const struct exec_options *o = &c->options;

    fprintf(out, "# run: diff\n# %s\n", title);
    fprintf(out, "options seed %llu ifindex %u queue %u idle %u stall %u\n",
            (unsigned long long)o->seed, o->ifindex, o->queue, o->idle_percent, o->stall_percent);
    for (uint32_t m = 0; m < c->object.map_count; m++)
        put_map(out, &c->object.maps[m]);
    for (uint32_t i = 0; i < c->entry_count; i++)
        put_entry(out, &c->object.maps[c->entries[i].map], c->entries[i].key, c->entries[i].values);
    for (uint32_t i = 0; i < c->packet_count; i++) {
        fprintf(out, "packet %llu ", (unsigned long long)c->packets[i].time_ns);
        put_hex(out, c->packets[i].bytes, c->packets[i].len);
        fprintf(out, "\n");
    }
    fprintf(out, "--- program\n");
    put_program(out, c, &c->prog);
    for (uint32_t i = 0; i < c->other_count; i++) {
        fprintf(out, OTHER);
        put_program(out, c, &c->progs[1 + i]);
    }
    fprintf(out, "--- expect\n");
    put_expectation(out, c, result);
}

/* ---- reading ---- */

struct reader {
    const char *path;
    struct arena *arena;
    struct diag_sink *sink;
    struct diff_case *c;
    uint32_t capacity_maps, capacity_entries, capacity_packets;
};

static int fail(const struct reader *r, const char *what, const char *line)
{
    struct diag_where where = DIAG_NOWHERE;

    where.file = r->path;
    diag_add(r->sink, DIAG_ERROR, "TEST", where, "%s: %s", what, line);
    return -EINVAL;
}

/* Reads hexadecimal bytes up to a blank or the end; false if there are others, or more than most.
 */
static bool take_hex(const char **text, uint8_t *out, uint32_t most, uint32_t *count)
{
    unsigned byte;

    for (*count = 0; **text && **text != ' '; *text += 2) {
        if (*count == most || sscanf(*text, "%2x", &byte) != 1 || !(*text)[1] || (*text)[1] == ' ')
            return false;
        out[(*count)++] = (uint8_t)byte;
    }
    *text += **text == ' ';
    return true;
}

static uint32_t type_named(const char *name)
{
    for (uint32_t t = 1; t < SPEC_MAP_COUNT; t++)
        if (spec_map_type_table[t].name && !strcmp(spec_map_type_table[t].name, name))
            return t;
    return 0;
}

/* What a map of maps holds. */
static bool read_inner(struct reader *r, const char *text, struct load_map *m)
{
    struct load_map inner = {.name = "inner", .section = ".maps", .kind = LOAD_MAP_BTF};
    struct load_fields fields = {.inner = NULL};
    char type[NAME_BYTES];

    if (sscanf(text, " inner %63s %u %u %u %x", type, &inner.key_bytes, &inner.value_bytes,
               &inner.max_entries, &inner.flags) != 5)
        return false;
    inner.type = type_named(type);
    fields.inner = arena_memdup(r->arena, &inner, sizeof(inner));
    m->fields = arena_memdup(r->arena, &fields, sizeof(fields));
    return inner.type != 0;
}

/* map_extra */
static bool read_extra(struct reader *r, const char *text, struct load_map *m)
{
    struct load_fields fields = {0};

    if (sscanf(text, " extra %u", &fields.extra) != 1)
        return false;
    m->fields = arena_memdup(r->arena, &fields, sizeof(fields));
    return true;
}

/* Where the lock is in a map's values. */
static bool read_lock(struct reader *r, const char *text, struct load_map *m)
{
    struct load_fields fields = {.has_lock = true};

    if (sscanf(text, " lock %u", &fields.lock_off) != 1 || fields.lock_off > m->value_bytes ||
        m->value_bytes - fields.lock_off < sizeof(uint32_t))
        return false;
    m->fields = arena_memdup(r->arena, &fields, sizeof(fields));
    return true;
}

static bool read_map(struct reader *r, const char *line)
{
    const char *flags = strstr(line, " flags "), *data = strstr(line, " init ");
    struct load_map m = {.kind = LOAD_MAP_BTF};
    char name[NAME_BYTES], type[NAME_BYTES];
    uint8_t *bytes;
    uint32_t count;

    if (sscanf(line, "map %63s %63s %u %u %u", name, type, &m.key_bytes, &m.value_bytes,
               &m.max_entries) != 5 ||
        r->c->object.map_count == MAPS_MAX)
        return false;
    m.name = m.section = arena_strdup(r->arena, name);
    m.flags = flags ? (uint32_t)strtoul(flags + 7, NULL, 0) : 0;
    m.type = type_named(type);
    if (strstr(line, " inner ") && !read_inner(r, strstr(line, " inner "), &m))
        return false;
    if (strstr(line, " extra ") && !read_extra(r, strstr(line, " extra "), &m))
        return false;
    if (strstr(line, " lock ") && !read_lock(r, strstr(line, " lock "), &m))
        return false;
    for (int k = 0; k < LOAD_MAP_KIND_COUNT; k++)
        if (data_kinds[k] && !strcmp(data_kinds[k], type)) {
            m.kind = (enum load_map_kind)k;
            m.type = SPEC_MAP_ARRAY;
            m.flags |= k == LOAD_MAP_RODATA ? FLAG_RDONLY_PROG : 0;
            m.data = bytes = arena_alloc(r->arena, m.value_bytes + 1);
            data = data ? data + 6 : "";
            if (!take_hex(&data, bytes, m.value_bytes, &count))
                return false;
        }
    r->c->object.maps = arena_grow(r->arena, r->c->object.maps, r->c->object.map_count,
                                   &r->capacity_maps, sizeof(*r->c->object.maps));
    r->c->object.maps[r->c->object.map_count++] = m;
    return m.type != 0;
}

static bool read_entry(struct reader *r, const char *line)
{
    struct diff_entry e = {.map = UINT32_MAX};
    const struct load_map *m;
    uint8_t *key, *values;
    char name[NAME_BYTES];
    uint32_t count;

    if (sscanf(line, "entry %63s", name) != 1)
        return false;
    for (uint32_t i = 0; i < r->c->object.map_count; i++)
        if (!strcmp(r->c->object.maps[i].name, name))
            e.map = i;
    if (e.map == UINT32_MAX)
        return false;
    m = &r->c->object.maps[e.map];
    key = arena_alloc(r->arena, m->key_bytes + 1);
    values = arena_alloc(r->arena, diff_map_values_bytes(m) + 1);
    line += strlen("entry ") + strlen(name) + 1;
    if (!take_hex(&line, key, m->key_bytes, &count) || count != m->key_bytes)
        return false;
    for (uint32_t c = 0; c < diff_map_cpus(m); c++)
        if (!take_hex(&line, values + c * diff_map_stride(m), m->value_bytes, &count) ||
            count != m->value_bytes)
            return false;
    e.key = key;
    e.values = values;
    r->c->entries = arena_grow(r->arena, r->c->entries, r->c->entry_count, &r->capacity_entries,
                               sizeof(*r->c->entries));
    r->c->entries[r->c->entry_count++] = e;
    return true;
}

static bool read_packet(struct reader *r, const char *line)
{
    uint8_t *bytes = arena_alloc(r->arena, SPEC_PKT_MAX_BYTES);
    struct diff_packet p = {.bytes = bytes};
    unsigned long long ns;
    int used = 0;

    if (sscanf(line, "packet %llu %n", &ns, &used) != 1)
        return false;
    line += used;
    p.time_ns = ns;
    if (!take_hex(&line, bytes, SPEC_PKT_MAX_BYTES, &p.len) || p.len < SPEC_PKT_MIN_BYTES)
        return false;
    r->c->packets = arena_grow(r->arena, r->c->packets, r->c->packet_count, &r->capacity_packets,
                               sizeof(*r->c->packets));
    r->c->packets[r->c->packet_count++] = p;
    return true;
}

static bool read_options(struct reader *r, const char *line)
{
    struct exec_options *o = &r->c->options;
    unsigned long long seed;

    if (sscanf(line, "options seed %llu ifindex %u queue %u idle %u stall %u", &seed, &o->ifindex,
               &o->queue, &o->idle_percent, &o->stall_percent) != 5)
        return false;
    o->seed = seed;
    return o->queue < SPEC_QUEUES;
}

static int read_head(struct reader *r, char *head)
{
    char *line;

    while ((line = strsep(&head, "\n"))) {
        bool ok = true;

        if (!strncmp(line, "map ", 4))
            ok = read_map(r, line);
        else if (!strncmp(line, "entry ", 6))
            ok = read_entry(r, line);
        else if (!strncmp(line, "packet ", 7))
            ok = read_packet(r, line);
        else if (!strncmp(line, "options ", 8))
            ok = read_options(r, line);
        else if (*line && *line != '#')
            ok = false;
        if (!ok)
            return fail(r, "this line can't be read", line);
    }
    return 0;
}

static int read_program(struct reader *r, const char *text, struct load_prog *prog)
{
    const char *names[MAPS_MAX];
    const struct ebpf_names maps = {names, r->c->object.map_count};
    const struct ebpf_insn *insns;
    int err;

    for (uint32_t m = 0; m < r->c->object.map_count; m++)
        names[m] = r->c->object.maps[m].name;
    err = ebpf_asm(text, r->path, &maps, r->arena, r->sink, &insns, &prog->insn_count);
    if (!err)
        prog->insns = arena_memdup(r->arena, insns, prog->insn_count * sizeof(*insns));
    return err;
}

/* Ends the text at a separating line; what follows it, or NULL. */
static char *cut(char *text, const char *line)
{
    char *at = strstr(text, line);

    if (!at || (at != text && at[-1] != '\n'))
        return NULL;
    *at = 0;
    return at + strlen(line);
}

static int read_programs(struct reader *r, char *text)
{
    int err = 0;

    for (uint32_t i = 0; text && !err; i++) {
        char *next = cut(text, OTHER);

        if (i > DIFF_OTHERS)
            return fail(r, "these are too many programs", text);
        err = read_program(r, text, &r->c->progs[i]);
        r->c->other_count = i;
        text = next;
    }
    return err;
}

int text_read(const char *path, struct arena *arena, struct diag_sink *sink, struct diff_case **out,
              const char **expectation)
{
    struct reader r = {
        .path = path, .arena = arena, .sink = sink, .c = arena_alloc(arena, sizeof(*r.c))};
    char *text = text_file_read(path, arena), *program, *expect;
    int err;

    if (!text)
        return fail(&r, "can't be read", strerror(errno));
    program = cut(text, "--- program\n");
    expect = program ? cut(program, "--- expect\n") : NULL;
    if (!expect)
        return fail(&r, "there is no", program ? "--- expect" : "--- program");
    r.c->options.size = sizeof(r.c->options);
    err = read_head(&r, text);
    if (!err)
        err = read_programs(&r, program);
    if (err)
        return err;
    diff_case_finish(r.c, arena);
    *out = r.c;
    *expectation = expect;
    return 0;
}
