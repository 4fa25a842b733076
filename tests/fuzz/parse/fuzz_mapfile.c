/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/mapfile.h"
#include "host/ctl/typed.h"
#include "nic_runtime/map.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Map contents as JSON: checked as a whole, then each entry fits its map. */

enum { MAPS = 5, TYPED = 4, KEY_MAX = 8, VALUES_MAX = 8 * SPEC_QUEUES };

static const struct load_name colours[] = {{"RED", 1}, {"BLUE", -2}};
static const struct load_type u8 = {.kind = LOAD_TYPE_INT, .bytes = 1, .leaves = 1};
static const struct load_type s16 = {
    .kind = LOAD_TYPE_INT, .bytes = 2, .is_signed = true, .leaves = 1};
static const struct load_type yes_no = {.kind = LOAD_TYPE_BOOL, .bytes = 1, .leaves = 1};
static const struct load_type colour = {
    .kind = LOAD_TYPE_ENUM, .bytes = 2, .is_signed = true, .count = 2, .names = colours};
static const struct load_type text = {
    .kind = LOAD_TYPE_ARRAY, .bytes = 2, .is_text = true, .count = 2, .element = &u8, .leaves = 1};
static const struct load_member either_members[] = {{"pair", 0, 0, &text}, {"word", 0, 0, &s16}};
static const struct load_type either = {
    .kind = LOAD_TYPE_UNION, .bytes = 2, .count = 2, .members = either_members};
static const struct load_member value_members[] = {{"colour", 0, 0, &colour},
                                                   {"low", 16, 3, &s16},
                                                   {"high", 19, 13, &s16},
                                                   {NULL, 32, 0, &either},
                                                   {"yes", 48, 0, &yes_no}};
static const struct load_type value_type = {
    .kind = LOAD_TYPE_STRUCT, .bytes = 8, .count = 5, .members = value_members};
static const struct load_fields typed_fields = {.key = &either, .value = &value_type};

static struct load_map definitions[MAPS] = {
    {"hash", ".maps", LOAD_MAP_BTF, SPEC_MAP_HASH, 2, 3, 4, 0, NULL, NULL},
    {"array", ".maps", LOAD_MAP_BTF, SPEC_MAP_ARRAY, 4, 8, 3, 0, NULL, NULL},
    {"percpu", ".maps", LOAD_MAP_BTF, SPEC_MAP_PERCPU_HASH, 1, 2, 4, 0, NULL, NULL},
    {".rodata", ".rodata", LOAD_MAP_RODATA, SPEC_MAP_ARRAY, 4, 6, 1, 1 << 7, NULL, NULL},
    {"typed", ".maps", LOAD_MAP_BTF, SPEC_MAP_HASH, 2, 8, 4, 0, NULL, &typed_fields},
};

/* Counts what is put into maps that hold anything; a sanitizer sees if keys or values are short. */
struct counter {
    struct exec exec; /* first member */
    uint32_t updates, sum;
};

static int count_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                        uint64_t flags)
{
    struct counter *c = (struct counter *)exec;
    const struct load_map *m = &definitions[map];
    const uint8_t *k = key, *v = values;

    for (uint32_t i = 0; i < m->key_bytes; i++)
        c->sum += k[i];
    for (uint32_t i = 0; i < m->value_bytes; i++)
        c->sum += v[i];
    if (map == TYPED) {
        json_t *j = typed_json(&value_type, values);
        uint8_t again[8];
        char why[200];

        fuzz_require(j && !typed_bytes(&value_type, j, false, again, why, sizeof(why)),
                     "what is printed is read");
        json_decref(j);
    }
    c->updates++;
    (void)flags;
    return c->updates % 50 == 49 ? -E2BIG : 0;
}

static void use_document(const char *path, const json_t *document, const struct load_object *object,
                         char *why, size_t why_bytes)
{
    static const struct exec_ops ops = {.map_update = count_update};
    struct arena *arena = arena_open();
    struct job job = {.object = object};
    struct counter c = {.exec = {.ops = &ops, .job = &job}};
    int err;

    why[0] = 0;
    err = mapfile_preset(path, document, object, arena, why, why_bytes);
    fuzz_require(!err || why[0], "an error has a reason");
    why[0] = 0;
    err = mapfile_fill(path, document, &c.exec, why, why_bytes);
    fuzz_require(!err || why[0], "an error has a reason");
    definitions[3].data = NULL;
    arena_close(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint8_t constants[8];
    const struct load_object object = {.path = "fuzz.o", .maps = definitions, .map_count = MAPS};
    json_t *document = NULL;
    char path[64], why[512] = "";
    const int fd = memfd_create("fuzz.json", MFD_CLOEXEC);
    int err;

    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
        abort();
    definitions[3].data = constants;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = mapfile_read(path, &object, &document, why, sizeof(why));
    close(fd);
    fuzz_require((err == 0) == (document != NULL), "a document, or an error");
    fuzz_require(!err || (err < 0 && why[0]), "an error has a reason");
    if (document)
        use_document(path, document, &object, why, sizeof(why));
    json_decref(document);
    return 0;
}
