/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/dev.h"
#include "host/ctl/mapfile.h"
#include "hw/spec/gen/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sluice dev map: the maps of the program that runs, in bpftool's words. */

enum {
    SIZE_MAX_BYTES = 16384, /* of a key or a value; no request or answer has room for more */
    PARAMETER_BYTES = 2 * SIZE_MAX_BYTES + 1,
    WALKS_MAX = 16, /* from the start, since the entry at which it was has gone */
};

/* A map, as the process says. */
struct device_map {
    json_t *info;
    char id[16];
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t cpus;
    uint64_t max_entries;
};

/* What is left of the arguments. */
struct words {
    char **at;
    uint32_t count;
};

static const char *peek(const struct words *w)
{
    return w->count ? w->at[0] : "";
}

static const char *take(struct words *w)
{
    w->count--;
    return *w->at++;
}

static bool take_if(struct words *w, const char *word)
{
    const bool is = !strcmp(peek(w), word);

    if (is)
        take(w);
    return is;
}

/* --- which map --- */

static int read_map(const struct dev_call *call, const char *which, struct device_map *m)
{
    const char *const parameters[] = {which};
    uint64_t cpus;
    int status = dev_ask(call, "map_info", parameters, 1, &m->info);

    if (status)
        return status;
    snprintf(m->id, sizeof(m->id), "%u", (unsigned)telemetry_number(m->info, "id"));
    m->key_bytes = (uint32_t)telemetry_number(m->info, "key_bytes");
    m->value_bytes = (uint32_t)telemetry_number(m->info, "value_bytes");
    m->max_entries = telemetry_number(m->info, "max_entries");
    cpus = telemetry_number(m->info, "cpus");
    m->cpus = (uint32_t)cpus;
    if (cpus && cpus <= SPEC_QUEUES)
        return CLI_OK;
    json_decref(m->info);
    return cli_fail("what the process says of map %s makes no sense", which);
}

static int take_map(const struct dev_call *call, struct words *w, struct device_map *m)
{
    const bool by_name = take_if(w, "name");
    const char *which;

    if (!by_name && !take_if(w, "id"))
        return cli_fail("which map? It is \"name NAME\" or \"id N\", not \"%s\"", peek(w));
    if (!w->count)
        return cli_fail("%s is missing", by_name ? "the map's name" : "the map's number");
    which = take(w);
    if (!by_name && strspn(which, "0123456789") != strlen(which))
        return cli_fail("a map's id is a number, not \"%s\"", which);
    return read_map(call, which, m);
}

static int done(struct words *w)
{
    return w->count ? cli_fail("what is this: \"%s\"?", peek(w)) : CLI_OK;
}

/* --- bytes --- */

/* Adds a word's bytes to digits: one number, or two digits a byte. */
static bool add_word(const char *word, bool hex, char *digits, uint32_t *count, uint32_t most)
{
    const bool prefix = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    const char *text = word + (prefix ? 2 : 0);
    const size_t n = strlen(text);
    unsigned long value;
    char *end;

    if (!n || !isxdigit((unsigned char)*text))
        return false;
    if ((prefix || hex) && n > 2) {
        if (n % 2 || *count + n / 2 > most || strspn(text, "0123456789abcdefABCDEF") != n)
            return false;
        for (size_t i = 0; i < n; i++)
            digits[2 * *count + i] = (char)tolower((unsigned char)text[i]);
        *count += (uint32_t)(n / 2);
        digits[2 * *count] = 0;
        return true;
    }
    value = strtoul(word, &end, hex ? 16 : 0);
    if (*end || value > UINT8_MAX || *count == most)
        return false;
    snprintf(digits + 2 * *count, 3, "%02lx", value);
    ++*count;
    return true;
}

static bool ends_bytes(const char *word)
{
    static const char *const ends[] = {"key", "value", "any", "exist", "noexist"};
    uint32_t i = 0;

    while (i < sizeof(ends) / sizeof(ends[0]) && strcmp(ends[i], word))
        i++;
    return i < sizeof(ends) / sizeof(ends[0]);
}

/* What follows `what`: so many bytes, as digits. */
static int take_bytes(struct words *w, const char *what, uint32_t bytes, char *digits)
{
    uint32_t count = 0;
    bool hex;

    *digits = 0;
    if (!take_if(w, what))
        return cli_fail("the %s is missing: %s [hex] BYTES", what, what);
    hex = take_if(w, "hex");
    while (w->count && !ends_bytes(peek(w))) {
        const char *word = take(w);

        if (!add_word(word, hex, digits, &count, SIZE_MAX_BYTES))
            return cli_fail("%s: \"%s\" is no byte, nor an even number of hexadecimal digits", what,
                            word);
    }
    if (count == bytes)
        return CLI_OK;
    return cli_fail("the map's %s has %u bytes, and %u are given", what, bytes, count);
}

static int take_key(struct words *w, const struct device_map *m, char *digits)
{
    *digits = 0;
    return m->key_bytes || !strcmp(peek(w), "key") ? take_bytes(w, "key", m->key_bytes, digits)
                                                   : CLI_OK;
}

/* --- entries --- */

static void snapshot_begin(const struct device_map *m, struct snapshot *s)
{
    *s = (struct snapshot){.key_bytes = m->key_bytes,
                           .value_bytes = m->value_bytes,
                           .stride_bytes = (m->value_bytes + 7) & ~7u,
                           .cpus = m->cpus};
    s->entry_bytes = s->key_bytes + s->cpus * s->stride_bytes;
}

static void print_bytes(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        printf("%s%02x", i ? " " : "", bytes[i]);
}

static void print_entry(const struct snapshot *s, size_t i)
{
    fputs("key: ", stdout);
    print_bytes(snapshot_key(s, i), s->key_bytes);
    for (uint32_t c = 0; c < s->cpus; c++) {
        if (s->cpus > 1)
            printf("\n  value (CPU %02u): ", c);
        else
            fputs("  value: ", stdout);
        print_bytes(snapshot_value(s, i, c), s->value_bytes);
    }
    putchar('\n');
}

static int print_entries(const struct dev_call *call, const struct snapshot *s, bool one)
{
    json_t *list;

    if (!call->json) {
        for (size_t i = 0; i < s->count; i++)
            print_entry(s, i);
        if (!one)
            printf("Found %zu element%s\n", s->count, s->count == 1 ? "" : "s");
        return CLI_OK;
    }
    list = one ? mapfile_entry(s, 0) : json_array();
    for (size_t i = 0; !one && i < s->count; i++)
        json_array_append_new(list, mapfile_entry(s, i));
    cli_print_json(list);
    json_decref(list);
    return CLI_OK;
}

/* --- commands --- */

/* As bpftool shows them. */
static void show_one(const struct dev_call *call, const struct device_map *m, json_t *list)
{
    json_t *item;

    if (!call->json) {
        printf("%s: %s  name %s  flags 0x%x\n\tkey %uB  value %uB  max_entries %llu\n", m->id,
               telemetry_text(m->info, "type"), telemetry_text(m->info, "name"),
               (unsigned)telemetry_number(m->info, "flags"), m->key_bytes, m->value_bytes,
               (unsigned long long)m->max_entries);
        return;
    }
    item = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:I}", "id", atoi(m->id), "type",
                     telemetry_text(m->info, "type"), "name", telemetry_text(m->info, "name"),
                     "flags", (int)telemetry_number(m->info, "flags"), "bytes_key", m->key_bytes,
                     "bytes_value", m->value_bytes, "max_entries", (json_int_t)m->max_entries);
    json_array_append_new(list, item);
}

static int show_all(const struct dev_call *call, json_t *list)
{
    json_t *program;
    uint64_t count;
    int status = dev_ask(call, "program", NULL, 0, &program);

    if (status)
        return status;
    count = telemetry_number(program, "maps");
    json_decref(program);
    for (uint64_t i = 0; !status && i < count; i++) {
        struct device_map m;
        char id[24];

        snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
        status = read_map(call, id, &m);
        if (!status) {
            show_one(call, &m, list);
            json_decref(m.info);
        }
    }
    return status;
}

static int show(const struct dev_call *call, struct words *w)
{
    json_t *list = json_array();
    struct device_map m;
    int status;

    if (w->count) {
        status = take_map(call, w, &m);
        if (!status) {
            status = done(w);
            if (!status)
                show_one(call, &m, list);
            json_decref(m.info);
        }
    } else {
        status = show_all(call, list);
    }
    if (!status && call->json)
        cli_print_json(list);
    json_decref(list);
    return status;
}

/* Adds the entries of an answer. */
static int add_entries(struct snapshot *s, const struct device_map *m, const json_t *answer)
{
    const uint64_t more = telemetry_number(answer, "count");
    uint8_t *grown;

    if (more > SIZE_MAX_BYTES || s->count + more > 2 * m->max_entries + SIZE_MAX_BYTES)
        return cli_fail("what the process says of its map's entries makes no sense");
    grown = realloc(s->entries, (s->count + more) * s->entry_bytes + 1);
    if (!grown)
        return cli_fail("no memory");
    s->entries = grown;
    if (telemetry_bytes(answer, "data", grown + s->count * s->entry_bytes,
                        (size_t)more * s->entry_bytes))
        return cli_fail("what the process says of its map's entries makes no sense");
    s->count += more;
    return CLI_OK;
}

/* The key to go on at: in an array of programs or maps the process says at which slot it is, others
 * go on at their last entry. */
static bool key_to_go_on(const struct snapshot *s, const json_t *answer, char *key)
{
    const char *at = telemetry_text(answer, "at");

    if (strlen(at) == 2 * (size_t)s->key_bytes) {
        memcpy(key, at, strlen(at) + 1);
        return true;
    }
    for (uint32_t i = 0; s->count && i < s->key_bytes; i++)
        snprintf(key + 2 * i, 3, "%02x", snapshot_key(s, s->count - 1)[i]);
    return s->count != 0;
}

/* Walks the map from key to key. Entries come and go meanwhile; if the one at which the walk was
 * has gone, it begins again. */
static int read_entries(const struct dev_call *call, const struct device_map *m, struct snapshot *s)
{
    char key[PARAMETER_BYTES];
    const char *const parameters[] = {m->id, key};
    int status = CLI_OK, walks = 0;
    bool more = true, on = false;

    while (!status && more) {
        json_t *answer;

        status = dev_ask(call, "map_dump", parameters, on ? 2 : 1, &answer);
        if (status)
            break;
        more = telemetry_number(answer, "more");
        if (telemetry_number(answer, "again")) {
            s->count = 0;
            if (++walks == WALKS_MAX)
                status = cli_fail("the map changes faster than it can be read");
        }
        if (!status)
            status = add_entries(s, m, answer);
        if (!status)
            on = key_to_go_on(s, answer, key);
        json_decref(answer);
    }
    return status;
}

static int by_key(const void *a, const void *b, void *key_bytes)
{
    return memcmp(a, b, *(const uint32_t *)key_bytes);
}

/* In order of keys; one that went and came again while the walk lasted stands there once. */
static void sort_entries(struct snapshot *s)
{
    size_t kept = 0;

    if (s->count)
        qsort_r(s->entries, s->count, s->entry_bytes, by_key, &s->key_bytes);
    for (size_t i = 0; i < s->count; i++)
        if (!kept || memcmp(snapshot_key(s, kept - 1), snapshot_key(s, i), s->key_bytes))
            memmove(s->entries + kept++ * s->entry_bytes, snapshot_key(s, i), s->entry_bytes);
    s->count = kept;
}

static int dump(const struct dev_call *call, const struct device_map *m, struct words *w)
{
    struct snapshot s;
    int status = done(w);

    snapshot_begin(m, &s);
    if (!status)
        status = read_entries(call, m, &s);
    if (!status) {
        sort_entries(&s);
        status = print_entries(call, &s, false);
    }
    snapshot_free(&s);
    return status;
}

static int lookup(const struct dev_call *call, const struct device_map *m, struct words *w)
{
    char key[PARAMETER_BYTES];
    const char *const parameters[] = {m->id, key};
    struct snapshot s;
    json_t *answer;
    int status = take_key(w, m, key);

    if (!status)
        status = done(w);
    if (!status)
        status = dev_ask(call, "map_lookup", parameters, 2, &answer);
    if (status)
        return status;
    snapshot_begin(m, &s);
    s.entries = calloc(1, s.entry_bytes);
    s.count = 1;
    for (uint32_t i = 0; s.entries && i < s.key_bytes; i++) {
        const char two[] = {key[2 * i], key[2 * i + 1], 0};

        s.entries[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    if (!s.entries ||
        telemetry_bytes(answer, "data", s.entries + s.key_bytes, (size_t)s.cpus * s.stride_bytes))
        status = cli_fail("what the process says of its map's entry makes no sense");
    else
        status = print_entries(call, &s, true);
    json_decref(answer);
    snapshot_free(&s);
    return status;
}

/* What changes a map says nothing but whether it did. */
static int change(const struct dev_call *call, const char *command, const char *const *parameters,
                  uint32_t count)
{
    json_t *answer;
    const int status = dev_ask(call, command, parameters, count, &answer);

    if (status)
        return status;
    if (call->json)
        puts("null");
    json_decref(answer);
    return CLI_OK;
}

static int update(const struct dev_call *call, const struct device_map *m, struct words *w)
{
    char key[PARAMETER_BYTES], value[PARAMETER_BYTES];
    const char *parameters[] = {m->id, key, value, "any"};
    int status = take_key(w, m, key);

    if (!status)
        status = take_bytes(w, "value", m->value_bytes, value);
    if (!status && w->count)
        parameters[3] = take(w);
    if (!status)
        status = done(w);
    return status ? status : change(call, "map_update", parameters, 4);
}

static int delete_entry(const struct dev_call *call, const struct device_map *m, struct words *w)
{
    char key[PARAMETER_BYTES];
    const char *const parameters[] = {m->id, key};
    int status = take_key(w, m, key);

    if (!status)
        status = done(w);
    return status ? status : change(call, "map_delete", parameters, 2);
}

int dev_map(const struct dev_call *call)
{
    static const struct {
        const char *name;
        int (*run)(const struct dev_call *call, const struct device_map *m, struct words *w);
    } commands[] = {
        {"dump", dump}, {"lookup", lookup}, {"update", update}, {"delete", delete_entry}};
    struct words w = {call->arguments, call->count};
    const char *command = take(&w);
    struct device_map m;
    int status;

    if (!strcmp(command, "show") || !strcmp(command, "list"))
        return show(call, &w);
    for (uint32_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, command))
            continue;
        status = take_map(call, &w, &m);
        if (status)
            return status;
        status = m.key_bytes > SIZE_MAX_BYTES || m.value_bytes > SIZE_MAX_BYTES
                     ? cli_fail("the map's entries are larger than an answer has room for")
                     : commands[i].run(call, &m, &w);
        json_decref(m.info);
        return status;
    }
    return cli_fail("no such command: \"map %s\"; sluice dev --help lists them", command);
}
