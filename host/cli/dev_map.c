/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/dev.h"
#include "host/ctl/mapfile.h"
#include "hw/spec/gen/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sluice dev map: the maps of the program that runs, in bpftool's words. */

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

static int read_map(const struct dev_call *call, const char *which, struct remote_map *m)
{
    const char *const parameters[] = {which};
    char why[DEV_TEXT_BYTES];
    json_t *answer;
    int err, status = dev_ask(call, "map_info", parameters, 1, &answer);

    if (status)
        return status;
    err = remote_take_map(answer, m, why, sizeof(why));
    json_decref(answer);
    return err ? cli_fail("%s", why) : CLI_OK;
}

static int take_map(const struct dev_call *call, struct words *w, struct remote_map *m)
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

        if (!add_word(word, hex, digits, &count, REMOTE_ENTRY_BYTES))
            return cli_fail("%s: \"%s\" is no byte, nor an even number of hexadecimal digits", what,
                            word);
    }
    if (count == bytes)
        return CLI_OK;
    return cli_fail("the map's %s has %u bytes, and %u are given", what, bytes, count);
}

static int take_key(struct words *w, const struct remote_map *m, char *digits)
{
    *digits = 0;
    return m->key_bytes || !strcmp(peek(w), "key") ? take_bytes(w, "key", m->key_bytes, digits)
                                                   : CLI_OK;
}

/* --- entries --- */

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
static void show_one(const struct dev_call *call, const struct remote_map *m, json_t *list)
{
    json_t *item;

    if (!call->json) {
        printf("%s: %s  name %s  flags 0x%x\n\tkey %uB  value %uB  max_entries %u\n", m->id,
               m->type_name, m->name, m->flags, m->key_bytes, m->value_bytes, m->max_entries);
        return;
    }
    item = json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:I}", "id", atoi(m->id), "type", m->type_name,
                     "name", m->name, "flags", (int)m->flags, "bytes_key", (int)m->key_bytes,
                     "bytes_value", (int)m->value_bytes, "max_entries", (json_int_t)m->max_entries);
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
        struct remote_map m;
        char id[24];

        snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
        status = read_map(call, id, &m);
        if (!status)
            show_one(call, &m, list);
    }
    return status;
}

static int show(const struct dev_call *call, struct words *w)
{
    json_t *list = json_array();
    struct remote_map m;
    int status;

    if (w->count) {
        status = take_map(call, w, &m);
        if (!status)
            status = done(w);
        if (!status)
            show_one(call, &m, list);
    } else {
        status = show_all(call, list);
    }
    if (!status && call->json)
        cli_print_json(list);
    json_decref(list);
    return status;
}

static int read_entries(const struct dev_call *call, struct remote_walk *w)
{
    const char *const parameters[] = {w->map->id, w->key};
    char why[DEV_TEXT_BYTES];
    int status = CLI_OK;

    while (!status && w->more) {
        json_t *answer;
        int err;

        status = dev_ask(call, "map_dump", parameters, *w->key ? 2 : 1, &answer);
        if (status)
            break;
        *why = 0;
        err = remote_walk_take(w, answer, why, sizeof(why));
        if (err)
            status = cli_fail("%s", *why ? why : strerror(-err));
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

static int dump(const struct dev_call *call, const struct remote_map *m, struct words *w)
{
    struct remote_walk walk;
    int status = done(w);

    remote_walk_begin(m, &walk);
    if (!status)
        status = read_entries(call, &walk);
    if (!status) {
        sort_entries(&walk.entries);
        status = print_entries(call, &walk.entries, false);
    }
    remote_walk_end(&walk);
    return status;
}

static int lookup(const struct dev_call *call, const struct remote_map *m, struct words *w)
{
    char key[REMOTE_DIGITS_BYTES];
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
    remote_entries_begin(m, &s);
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

static int update(const struct dev_call *call, const struct remote_map *m, struct words *w)
{
    char key[REMOTE_DIGITS_BYTES], value[REMOTE_DIGITS_BYTES];
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

static int delete_entry(const struct dev_call *call, const struct remote_map *m, struct words *w)
{
    char key[REMOTE_DIGITS_BYTES];
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
        int (*run)(const struct dev_call *call, const struct remote_map *m, struct words *w);
    } commands[] = {
        {"dump", dump}, {"lookup", lookup}, {"update", update}, {"delete", delete_entry}};
    struct words w = {call->arguments, call->count};
    const char *command = take(&w);
    struct remote_map m;
    int status;

    if (!strcmp(command, "show") || !strcmp(command, "list"))
        return show(call, &w);
    for (uint32_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, command))
            continue;
        status = take_map(call, &w, &m);
        if (status)
            return status;
        return remote_map_fits(&m)
                   ? commands[i].run(call, &m, &w)
                   : cli_fail("the map's entries are larger than an answer has room for");
    }
    return cli_fail("no such command: \"map %s\"; sluice dev --help lists them", command);
}
