/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/ctl/jsonfile.h"

#include <stdio.h>
#include <string.h>

/* Programs as bare instructions: what fuzzers, JITs and other tools than clang have. */

enum { RAW_FILE_MAX_BYTES = 16 << 20 };

/* A map type by its name (as bpftool has it) or its number; 0 for none. */
static uint32_t map_type(const json_t *j)
{
    if (json_is_integer(j) && json_integer_value(j) > 0 && json_integer_value(j) < SPEC_MAP_COUNT)
        return (uint32_t)json_integer_value(j);
    for (uint32_t t = 1; json_is_string(j) && t < SPEC_MAP_COUNT; t++)
        if (spec_map_type_table[t].name &&
            !strcmp(spec_map_type_table[t].name, json_string_value(j)))
            return t;
    return 0;
}

static bool take_number(const json_t *map, const char *key, bool needed, uint32_t *out)
{
    const json_t *j = json_object_get(map, key);

    if (!j)
        return !needed;
    if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) > UINT32_MAX)
        return false;
    *out = (uint32_t)json_integer_value(j);
    return true;
}

static int take_map(const char *path, size_t index, const json_t *j, struct arena *arena,
                    struct load_map *m)
{
    const struct {
        const char *key;
        bool needed;
        uint32_t *to;
    } numbers[] = {{"key_size", true, &m->key_bytes},
                   {"value_size", true, &m->value_bytes},
                   {"max_entries", true, &m->max_entries},
                   {"flags", false, &m->flags}};
    const json_t *name = json_object_get(j, "name");

    if (!json_is_object(j))
        return cli_fail("%s: map %zu is not an object", path, index);
    m->type = map_type(json_object_get(j, "type"));
    if (!m->type)
        return cli_fail("%s: map %zu: \"type\" must be a map type of Linux, by name (\"hash\") or "
                        "number (1)",
                        path, index);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (!take_number(j, numbers[i].key, numbers[i].needed, numbers[i].to))
            return cli_fail("%s: map %zu: \"%s\" must be a whole number from 0 to %u", path, index,
                            numbers[i].key, UINT32_MAX);
    m->kind = LOAD_MAP_BTF;
    m->name = json_is_string(name) ? arena_strdup(arena, json_string_value(name))
                                   : arena_printf(arena, "map_%zu", index);
    m->section = arena_strdup(arena, path);
    return CLI_OK;
}

static int read_maps(const char *path, struct arena *arena, struct load_map **out, uint32_t *count)
{
    char why[512];
    json_t *all, *j;
    size_t i;
    int status = CLI_OK;

    if (jsonfile_read(path, &all, why, sizeof(why)))
        return cli_fail("%s", why);
    if (!json_is_array(all)) {
        json_decref(all);
        return cli_fail("%s: must be an array of maps, such as [{\"type\": \"hash\", \"key_size\": "
                        "4, \"value_size\": 8, \"max_entries\": 16}]",
                        path);
    }
    *count = (uint32_t)json_array_size(all);
    *out = arena_array(arena, json_array_size(all) + 1, sizeof(**out));
    json_array_foreach(all, i, j)
    {
        if (!status)
            status = take_map(path, i, j, arena, &(*out)[i]);
    }
    json_decref(all);
    return status;
}

int cli_raw_open(const struct cli_object_options *options, struct arena *arena,
                 struct diag_sink *sink, const struct load_object **out)
{
    struct load_map *maps = NULL;
    uint32_t map_count = 0;
    char *insns = NULL;
    size_t bytes = 0;
    int status = cli_read_file(options->path, RAW_FILE_MAX_BYTES, arena, &insns, &bytes);

    if (!status && options->maps)
        status = read_maps(options->maps, arena, &maps, &map_count);
    return status ? status
                  : load_raw(insns, bytes, options->path, maps, map_count, arena, sink, out);
}
