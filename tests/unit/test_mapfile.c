/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/mapfile.h"
#include "nic_runtime/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Map files against an executor that has nothing but maps. */

enum { WHY = 512, MAPS = 3 };

static struct load_map definitions[MAPS] = {
    {"hash", ".maps", LOAD_MAP_BTF, SPEC_MAP_HASH, 2, 3, 4, 0, NULL, NULL},
    {"array", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 4, 4, 2, 0, NULL, NULL},
    {"percpu", ".maps", LOAD_MAP_BTF, SPEC_MAP_PERCPU_HASH, 1, 2, 4, 0, NULL, NULL},
};
static const struct load_object object = {.maps = definitions, .map_count = MAPS};
static const struct load_object no_maps = {.map_count = 0};

struct soft_exec {
    struct exec exec; /* first member */
    struct map *maps[MAPS];
};

static char folder[] = "test_mapfile.XXXXXX";
static char file[64];
static char why[WHY];

static int soft_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                       uint64_t flags)
{
    return map_host_update(((struct soft_exec *)exec)->maps[map], key, values, flags);
}

static int soft_lookup(struct exec *exec, uint32_t map, const void *key, void *values)
{
    return map_host_lookup(((struct soft_exec *)exec)->maps[map], key, values);
}

static int soft_walk(struct exec *exec, uint32_t map,
                     int (*visit)(void *ctx, const void *key, const void *values), void *ctx)
{
    struct map *m = ((struct soft_exec *)exec)->maps[map];
    uint8_t key[8], values[64];
    int err = 0;

    for (int end = map_next_key(m, NULL, key); !end && !err; end = map_next_key(m, key, key)) {
        map_host_lookup(m, key, values);
        err = visit(ctx, key, values);
    }
    return err;
}

static const struct exec_ops soft_ops = {
    .name = "soft",
    .map_update = soft_update,
    .map_lookup = soft_lookup,
    .map_walk = soft_walk,
};

static void open_soft(struct soft_exec *e, struct job *job)
{
    job->object = &object;
    e->exec = (struct exec){.ops = &soft_ops, .job = job};
    for (int i = 0; i < MAPS; i++) {
        const struct load_map *m = &definitions[i];
        const struct map_def def = {m->name,  m->type, m->key_bytes, m->value_bytes, m->max_entries,
                                    m->flags, 0};
        const char *reason;
        const size_t bytes = (map_size_bytes(&def, &reason) + 63) & ~(size_t)63;
        void *memory = aligned_alloc(64, bytes);

        memset(memory, 0, bytes);
        e->maps[i] = map_init(memory, &def);
    }
}

static void close_soft(struct soft_exec *e)
{
    for (int i = 0; i < MAPS; i++)
        free(e->maps[i]);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/maps.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder); /* fails if a temporary file was left behind */
}

static void write_text(const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Reads and fills; NULL if either fails, with why. */
static json_t *load_text(struct soft_exec *e, const char *text, int *err)
{
    json_t *document = NULL;

    write_text(text);
    why[0] = 0;
    *err = mapfile_read(file, &object, &document, why, sizeof(why));
    if (!*err)
        *err = mapfile_fill("maps.json", document, &e->exec, why, sizeof(why));
    return document;
}

/* The dump as text, to be freed. */
static char *dump_text(struct soft_exec *e)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);

    assert_non_null(f);
    assert_int_equal(mapfile_write(f, &e->exec, false, why, sizeof(why)), 0);
    fclose(f);
    assert_int_equal(text[bytes - 1], '\n');
    text[bytes - 1] = 0;
    return text;
}

static void expect_dump(struct soft_exec *e, const char *text)
{
    char *got = dump_text(e);

    assert_string_equal(got, text);
    free(got);
}

static void test_mapfile_entries_read_and_dumped_sorted(void **state)
{
    struct soft_exec e;
    struct job job = {0};
    json_t *document;
    int err;

    (void)state;
    open_soft(&e, &job);
    document = load_text(
        &e,
        "{\"hash\": [{\"key\": [\"0x02\", \"0x00\"], \"value\": [\"0xff\", 16, \"7\"]},"
        "            {\"key\": [1, 9], \"value\": [1, 2, 3], \"formatted\": {\"key\": 1}}],"
        " \"array\": [{\"key\": [1, 0, 0, 0], \"value\": [\"0xde\", \"0xad\", \"0xbe\", "
        "\"0xef\"]}],"
        " \"percpu\": [{\"key\": [5], \"values\": [{\"cpu\": 2, \"value\": [1, 2]},"
        "                                         {\"cpu\": 0, \"value\": [3, 4]}]}]}",
        &err);
    assert_int_equal(err, 0);
    expect_dump(&e,
                "{\"hash\":[{\"key\":[\"0x01\",\"0x09\"],\"value\":[\"0x01\",\"0x02\",\"0x03\"]},"
                "{\"key\":[\"0x02\",\"0x00\"],\"value\":[\"0xff\",\"0x10\",\"0x07\"]}],"
                "\"array\":[{\"key\":[\"0x00\",\"0x00\",\"0x00\",\"0x00\"],"
                "\"value\":[\"0x00\",\"0x00\",\"0x00\",\"0x00\"]},"
                "{\"key\":[\"0x01\",\"0x00\",\"0x00\",\"0x00\"],"
                "\"value\":[\"0xde\",\"0xad\",\"0xbe\",\"0xef\"]}],"
                "\"percpu\":[{\"key\":[\"0x05\"],\"values\":["
                "{\"cpu\":0,\"value\":[\"0x03\",\"0x04\"]},"
                "{\"cpu\":1,\"value\":[\"0x00\",\"0x00\"]},"
                "{\"cpu\":2,\"value\":[\"0x01\",\"0x02\"]},"
                "{\"cpu\":3,\"value\":[\"0x00\",\"0x00\"]}]}]}");
    json_decref(document);
    close_soft(&e);
}

static void test_mapfile_dump_reads_back(void **state)
{
    struct soft_exec a, b;
    struct job job = {0};
    json_t *document;
    char *dump;

    (void)state;
    open_soft(&a, &job);
    open_soft(&b, &job);
    for (uint8_t i = 0; i < 4; i++) {
        const uint8_t key[4] = {i, (uint8_t)(200 - i), 0, 0};
        uint8_t values[SPEC_QUEUES * 8];

        memset(values, i + 1, sizeof(values));
        assert_int_equal(soft_update(&a.exec, 0, key, values, 0), 0);
        assert_int_equal(soft_update(&a.exec, 2, key, values, 0), 0);
    }
    dump = dump_text(&a);
    write_text(dump);
    assert_int_equal(mapfile_read(file, &object, &document, why, sizeof(why)), 0);
    assert_int_equal(mapfile_fill("maps.json", document, &b.exec, why, sizeof(why)), 0);
    expect_dump(&b, dump);
    free(dump);
    json_decref(document);
    close_soft(&a);
    close_soft(&b);
}

static void test_mapfile_errors_name_place_and_cure(void **state)
{
    static const struct {
        const char *text;
        const char *says[3];
    } cases[] = {
        {"{\"hash\": [", {"line 1", "column", NULL}},
        {"[]", {"object", NULL, NULL}},
        {"{\"none\": []}", {"\"none\"", "hash, array, percpu", NULL}},
        {"{\"hash\": 5}", {"hash", "array of entries", NULL}},
        {"{\"hash\": [7]}", {"hash[0]", "object", NULL}},
        {"{\"hash\": [{\"value\": [1,2,3]}]}", {"hash[0]", "\"key\"", "missing"}},
        {"{\"hash\": [{\"key\": [1], \"value\": [1,2,3]}]}", {"hash[0]", "1 bytes", "2"}},
        {"{\"hash\": [{\"key\": [1,2], \"value\": [1,2,3]}, {\"key\": [1,3], \"value\": [1]}]}",
         {"hash[1]", "\"value\"", "3"}},
        {"{\"hash\": [{\"key\": [1,256], \"value\": [1,2,3]}]}", {"hash[0]", "byte 1", "0 to 255"}},
        {"{\"hash\": [{\"key\": [1,\"x\"], \"value\": [1,2,3]}]}", {"hash[0]", "byte 1", NULL}},
        {"{\"hash\": [{\"key\": [1,\"-1\"], \"value\": [1,2,3]}]}", {"hash[0]", "byte 1", NULL}},
        {"{\"hash\": [{\"key\": [1,\"\"], \"value\": [1,2,3]}]}", {"hash[0]", "byte 1", NULL}},
        {"{\"hash\": [{\"key\": [1,2.5], \"value\": [1,2,3]}]}", {"hash[0]", "byte 1", NULL}},
        {"{\"percpu\": [{\"key\": [1], \"values\": [{\"cpu\": 4, \"value\": [1,2]}]}]}",
         {"percpu[0]", "0 to 3", "queues"}},
        {"{\"percpu\": [{\"key\": [1], \"values\": {}}]}", {"percpu[0]", "array", NULL}},
        {"{\"percpu\": [{\"key\": [1], \"values\": [{\"cpu\": 2, \"value\": [1,2]},"
         "{\"cpu\": 2, \"value\": [1,2]}]}]}",
         {"percpu[0]", "cpu 2 twice", NULL}},
        {"{\"percpu\": [{\"key\": [1], \"value\": [1,2], \"values\": []}]}",
         {"percpu[0]", "one value for all CPUs", NULL}},
        {"{\"hash\": [{\"key\": \"0x010\", \"value\": [1,2,3]}]}", {"hash[0]", "4 hexa", NULL}},
        {"{\"hash\": [{\"key\": \"0102\", \"value\": [1,2,3]}]}", {"hash[0]", "0x", NULL}},
        {"{\"hash\": [{\"key\": \"0x01g2\", \"value\": [1,2,3]}]}", {"hash[0]", "0x", NULL}},
        {"{\"hash\": [{\"key\": 7, \"value\": [1,2,3]}]}", {"hash[0]", "bpftool -j", NULL}},
        {"{\"hash\": [], \"hash\": []}", {"duplicate", NULL, NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *document = NULL;

        write_text(cases[i].text);
        why[0] = 0;
        assert_int_equal(mapfile_read(file, &object, &document, why, sizeof(why)), -EINVAL);
        assert_null(document);
        assert_non_null(strstr(why, file));
        for (int k = 0; k < 3 && cases[i].says[k]; k++)
            if (!strstr(why, cases[i].says[k]))
                fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, why, cases[i].says[k]);
    }
}

static void test_mapfile_object_without_maps_says_none(void **state)
{
    json_t *document = NULL;

    (void)state;
    write_text("{\"hash\": []}");
    assert_int_equal(mapfile_read(file, &no_maps, &document, why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "none"));
}

static void test_mapfile_missing_file_named(void **state)
{
    json_t *document = NULL;

    (void)state;
    assert_int_equal(mapfile_read("no/such/file.json", &object, &document, why, sizeof(why)),
                     -ENOENT);
    assert_non_null(strstr(why, "no/such/file.json"));
}

static void test_mapfile_too_many_entries_refused(void **state)
{
    struct soft_exec e;
    struct job job = {0};
    json_t *document;
    int err;

    (void)state;
    open_soft(&e, &job);
    document =
        load_text(&e,
                  "{\"percpu\": [{\"key\":[0],\"value\":[1,1]}, {\"key\":[1],\"value\":[1,1]},"
                  "{\"key\":[2],\"value\":[1,1]}, {\"key\":[3],\"value\":[1,1]},"
                  "{\"key\":[4],\"value\":[1,1]}]}",
                  &err);
    assert_int_equal(err, -E2BIG);
    assert_non_null(strstr(why, "percpu[4]"));
    assert_non_null(strstr(why, "max_entries is 4"));
    json_decref(document);
    document = load_text(&e, "{\"array\": [{\"key\":[2,0,0,0],\"value\":[1,1,1,1]}]}", &err);
    assert_int_equal(err, -E2BIG);
    json_decref(document);
    close_soft(&e);
}

static void test_mapfile_bytes_in_one_string_taken(void **state)
{
    struct soft_exec e;
    struct job job = {0};
    json_t *document;
    int err;

    (void)state;
    open_soft(&e, &job);
    document = load_text(&e, "{\"hash\": [{\"key\":\"0x01fF\",\"value\":\"0xa0b0c0\"}]}", &err);
    assert_int_equal(err, 0);
    expect_dump(&e,
                "{\"hash\":[{\"key\":[\"0x01\",\"0xff\"],\"value\":[\"0xa0\",\"0xb0\",\"0xc0\"]}],"
                "\"array\":[{\"key\":[\"0x00\",\"0x00\",\"0x00\",\"0x00\"],\"value\":[\"0x00\","
                "\"0x00\",\"0x00\",\"0x00\"]},{\"key\":[\"0x01\",\"0x00\",\"0x00\",\"0x00\"],"
                "\"value\":[\"0x00\",\"0x00\",\"0x00\",\"0x00\"]}],\"percpu\":[]}");
    json_decref(document);
    close_soft(&e);
}

static void test_mapfile_key_twice_names_both_entries(void **state)
{
    static const char text[] =
        "{\"array\": [], \"hash\": [{\"key\":[9,9],\"value\":[1,2,3]},"
        "{\"key\":[1,2],\"value\":[1,2,3]}, {\"key\":[0,0],\"value\":[1,2,3]},"
        "{\"key\":\"0x0102\",\"value\":[3,2,1]}]}";
    json_t *document = NULL;

    (void)state;
    write_text(text);
    assert_int_equal(mapfile_read(file, &object, &document, why, sizeof(why)), -EINVAL);
    assert_null(document);
    assert_non_null(strstr(why, file));
    assert_non_null(strstr(why, "hash[3]"));
    assert_non_null(strstr(why, "entry 1"));
}

static void test_mapfile_prefix_twice_is_one_key(void **state)
{
    static struct load_map maps[] = {
        {"routes", ".maps", LOAD_MAP_BTF, SPEC_MAP_LPM_TRIE, 8, 1, 9, 1, NULL, NULL}};
    const struct load_object routes = {.maps = maps, .map_count = 1};
    json_t *document = NULL;

    (void)state;
    write_text("{\"routes\": [{\"key\":\"0x140000000a0b7000\",\"value\":[1]},"
               "{\"key\":\"0x150000000a0b7000\",\"value\":[1]},"
               "{\"key\":\"0x140000000a0b6000\",\"value\":[1]}]}");
    assert_int_equal(mapfile_read(file, &routes, &document, why, sizeof(why)), 0);
    json_decref(document);
    document = NULL;
    write_text("{\"routes\": [{\"key\":\"0x140000000a0b7000\",\"value\":[1]},"
               "{\"key\":\"0x140000000a0b7fff\",\"value\":[1]}]}");
    assert_int_equal(mapfile_read(file, &routes, &document, why, sizeof(why)), -EINVAL);
    assert_non_null(strstr(why, "routes[1]"));
}

static void test_mapfile_preset_changes_read_only_data_only(void **state)
{
    static const uint8_t before[] = {1, 2};
    static struct load_map maps[] = {
        {".rodata", ".rodata", LOAD_MAP_RODATA, SPEC_MAP_ARRAY, 4, 2, 1, 0, before, NULL},
        {".data", ".data", LOAD_MAP_DATA, SPEC_MAP_ARRAY, 4, 2, 1, 0, before, NULL},
    };
    const struct load_object data = {.maps = maps, .map_count = 2};
    struct arena *arena = arena_open();
    json_t *document = NULL;

    (void)state;
    write_text("{\".rodata\": [{\"key\":\"0x00000000\",\"value\":[7,8]}],"
               "\".data\": [{\"key\":\"0x00000000\",\"value\":[7,8]}]}");
    assert_int_equal(mapfile_read(file, &data, &document, why, sizeof(why)), 0);
    assert_int_equal(mapfile_preset(file, document, &data, arena, why, sizeof(why)), 0);
    assert_memory_equal(maps[0].data, "\7\10", 2);
    assert_ptr_equal(maps[1].data, before);
    json_decref(document);
    arena_close(arena);
}

static void test_mapfile_full_disk_is_an_error(void **state)
{
    FILE *f = fopen("/dev/full", "w");
    char buffer[16];
    struct soft_exec e;
    struct job job = {0};

    (void)state;
    assert_non_null(f);
    setvbuf(f, buffer, _IOFBF, sizeof(buffer));
    open_soft(&e, &job);
    assert_int_equal(mapfile_write(f, &e.exec, false, why, sizeof(why)), -ENOSPC);
    assert_non_null(strstr(why, "No space"));
    fclose(f);
    close_soft(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapfile_entries_read_and_dumped_sorted),
        cmocka_unit_test(test_mapfile_dump_reads_back),
        cmocka_unit_test(test_mapfile_errors_name_place_and_cure),
        cmocka_unit_test(test_mapfile_object_without_maps_says_none),
        cmocka_unit_test(test_mapfile_missing_file_named),
        cmocka_unit_test(test_mapfile_too_many_entries_refused),
        cmocka_unit_test(test_mapfile_bytes_in_one_string_taken),
        cmocka_unit_test(test_mapfile_key_twice_names_both_entries),
        cmocka_unit_test(test_mapfile_prefix_twice_is_one_key),
        cmocka_unit_test(test_mapfile_preset_changes_read_only_data_only),
        cmocka_unit_test(test_mapfile_full_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
