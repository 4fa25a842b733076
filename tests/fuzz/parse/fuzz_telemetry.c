/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/remote.h"
#include "tests/fuzz/parse/fuzz.h"

#include <errno.h>
#include <string.h>

/* Answers of another process on its telemetry socket: whatever it says is read, or refused with a
 * reason. A first letter says what was asked, then come the pages of the answer, a line each. */

enum { PAGES_MAX = 64, ANSWER_BYTES = 16384 };

static const char command[] = "/net_sluice/x";

static void take_ports(const json_t *answer)
{
    static uint16_t ports[REMOTE_PORTS_MAX];
    uint32_t count = UINT32_MAX;
    char why[256] = "";
    const int err = remote_take_ports(answer, ports, &count, why, sizeof(why));

    fuzz_require(err ? *why && count == UINT32_MAX : count <= REMOTE_PORTS_MAX,
                 "ports, or a reason");
}

static void take_map(const json_t *answer, struct remote_map *map)
{
    struct remote_map m;
    char why[256] = "";
    const int err = remote_take_map(answer, &m, why, sizeof(why));

    fuzz_require(!err || *why, "a map, or a reason");
    if (err || !remote_map_fits(&m))
        return;
    fuzz_require(strlen(m.name) < sizeof(m.name) && m.cpus && m.kind < LOAD_MAP_KIND_COUNT,
                 "what is said of a map fits");
    fuzz_require(remote_values_bytes(&m) >= m.value_bytes, "room for values");
    *map = m;
}

/* Whether the walk goes on. */
static bool take_page(struct remote_walk *w, const json_t *answer)
{
    const struct snapshot *s = &w->entries;
    char why[256] = "";
    uint32_t sum = 0;
    const int err = remote_walk_take(w, answer, why, sizeof(why));

    fuzz_require(err == -ENOMEM || !err == !*why, "entries, or a reason");
    fuzz_require(strlen(w->key) == 0 || strlen(w->key) == 2 * (size_t)s->key_bytes, "a whole key");
    for (size_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < s->entry_bytes; k++)
            sum += s->entries[i * s->entry_bytes + k];
    return !err && w->more && sum < UINT32_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct remote_walk walk;
    struct remote_map map = {.key_bytes = 4, .value_bytes = 8, .cpus = 1, .max_entries = 4};
    bool walking = false, on = true;
    const char kind = bytes ? (char)data[0] : 0;
    size_t at = 1;

    for (uint32_t pages = 0; at < bytes && on && pages < PAGES_MAX; pages++) {
        const uint8_t *end = memchr(data + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - data) - at : bytes - at;
        char text[ANSWER_BYTES + 1], why[1024] = "";
        json_t *answer = NULL;
        int err;

        n = n < ANSWER_BYTES ? n : ANSWER_BYTES;
        memcpy(text, data + at, n);
        text[n] = 0;
        at += n + 1;
        err = telemetry_read("socket", command, text, &answer, why, sizeof(why));
        fuzz_require((err == 0) == (answer != NULL), "an answer, or an error");
        fuzz_require(err <= 0 && err > -4096, "an errno");
        if (!err && kind == 'p')
            take_ports(answer);
        if (!err && kind == 'm' && !walking)
            take_map(answer, &map);
        if (!err && kind == 'm' && pages) {
            if (!walking)
                remote_walk_begin(&map, &walk);
            walking = true;
            on = take_page(&walk, answer);
        }
        json_decref(answer);
    }
    if (walking)
        remote_walk_end(&walk);
    return 0;
}
