/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/hostmap.h"
#include "host/ctl/replay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What a device tells of events becomes events, and what contradicts the program is refused: a
 * device's bytes are input. */

enum { RING, PERF, MAPS };

static const uint64_t all_written[] = {UINT64_MAX};
static const uint32_t nowhere[] = {0};
static struct ir_event_site sites[] = {
    {.kind = IR_EVENT_RESERVE, .map = RING, .data = 8, .bytes = 8},
    {.kind = IR_EVENT_SUBMIT,
     .taken_by = 0,
     .data = 8,
     .bytes = 8,
     .written = all_written,
     .written_at = nowhere},
    {.kind = IR_EVENT_PERF,
     .map = PERF,
     .data = 16,
     .bytes = 8,
     .bytes_at = 24,
     .more = 32,
     .more_bytes = 16,
     .more_at = 48},
    {.kind = IR_EVENT_PRINT, .data = 56, .bytes = 8, .text = "got %u", .text_bytes = 7},
    {.kind = IR_EVENT_OUTPUT, .map = RING, .data = 16, .bytes = 8, .bytes_at = 24},
};
static const struct ir_events events = {sites, sizeof(sites) / sizeof(sites[0]), 1};

struct world {
    struct hostmap ring;
    struct map *maps[MAPS];
    struct replay replay;
    struct vm_world world;
    uint64_t area[8];
    uint32_t told, more;
    char line[32];
};

static void take(void *ctx, const struct vm_event *e)
{
    struct world *w = ctx;

    w->told++;
    w->more = e->more_bytes;
    if (e->map == VM_NO_MAP)
        memcpy(w->line, e->data, e->bytes + 1);
}

static int open_world(void **state)
{
    static struct world w;
    const struct map_def def = {.name = "ring", .type = SPEC_MAP_RINGBUF, .max_entries = 4096};

    w = (struct world){.world = {.ctx = &w, .event = take}};
    *state = &w;
    w.replay = (struct replay){.events = &events, .maps = w.maps};
    return hostmap_open_def(&w.ring, &def) || !(w.maps[RING] = w.ring.map);
}

static int close_world(void **state)
{
    hostmap_close(&((struct world *)*state)->ring);
    return 0;
}

static int replay(struct world *w, uint64_t mask)
{
    w->area[0] = mask;
    return replay_packet(&w->replay, (const uint8_t *)w->area, sizeof(w->area), 0, &w->world);
}

static void test_replay_of_sites_makes_their_events(void **state)
{
    struct world *w = *state;
    const void *data;
    uint32_t bytes;

    w->area[1] = 0x1122334455667788;
    w->area[3] = 5;
    w->area[6] = 16;
    w->area[7] = 42;
    assert_int_equal(replay(w, 0xf), 0);
    assert_int_equal(w->told, 2);
    assert_int_equal(w->more, 0); /* of the line */
    assert_string_equal(w->line, "got 42");
    assert_true(map_ring_next(w->maps[RING], &data, &bytes));
    assert_int_equal(bytes, 8);
    assert_memory_equal(data, &w->area[1], 8);
    assert_false(map_ring_next(w->maps[RING], &data, &bytes));
}

static void test_replay_of_no_area_makes_nothing(void **state)
{
    struct world *w = *state;

    assert_int_equal(replay_packet(&w->replay, NULL, 0, 0, &w->world), 0);
    assert_int_equal(w->told, 0);
}

static void test_replay_of_contradictions_is_refused(void **state)
{
    struct world *w = *state;
    const uint8_t *area = (const uint8_t *)w->area;

    assert_int_equal(replay(w, 0), -EPROTO);      /* an area of no site */
    assert_int_equal(replay(w, 1 << 5), -EPROTO); /* a site that there isn't */
    assert_int_equal(replay(w, 2), -EPROTO);      /* a record that nobody took */
    assert_int_equal(replay(w, 1), -EPROTO);      /* one that nobody gave away */
    w->area[0] = 4;
    assert_int_equal(replay_packet(&w->replay, area, 128, 0, &w->world), -EPROTO);
    w->area[3] = 9; /* more bytes than the site has */
    assert_int_equal(replay(w, 4), -EPROTO);
    assert_int_equal(replay(w, 16), -EPROTO);
    w->area[3] = 8;
    w->area[6] = UINT64_MAX;
    assert_int_equal(replay(w, 4), -EPROTO);
    assert_int_equal(w->told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replay_of_sites_makes_their_events, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_replay_of_no_area_makes_nothing, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_replay_of_contradictions_is_refused, open_world,
                                        close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
