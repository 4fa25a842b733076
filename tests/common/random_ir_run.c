/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/random.h"
#include "tests/common/random_ir.h"
#include "tests/common/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs functions and compares what they do. */

enum { MAX_PACKET = 128 };

int random_ir_run(const struct ir_func *f, struct soft_maps *maps, uint64_t seed,
                  struct ir_run *run, uint8_t *buf, struct arena *scratch)
{
    const struct ir_maps_ops ops = soft_maps_ops(maps);
    const uint32_t len =
        SPEC_PKT_MIN_BYTES + (uint32_t)(random_next(&seed) % (MAX_PACKET - SPEC_PKT_MIN_BYTES));
    const bool few = random_next(&seed) % 2; /* small numbers make branches go both ways */

    memset(buf, 0, SPEC_PKT_JUMBO_END);
    for (uint32_t i = 0; i < len; i++)
        buf[SPEC_PKT_BASE + i] = (uint8_t)(random_next(&seed) % (few ? 3 : 256));
    *run = (struct ir_run){.buf = buf, .steps = 1000000};
    run->inputs[SPEC_IN_TIME] = random_next(&seed);
    run->inputs[SPEC_IN_RAND] = 1 + random_next(&seed) % UINT32_MAX;
    run->inputs[SPEC_IN_IFINDEX] = random_next(&seed) % 8;
    run->inputs[SPEC_IN_QUEUE] = random_next(&seed) % SPEC_QUEUES;
    run->inputs[SPEC_IN_LEN] = len;
    run->inputs[SPEC_IN_EGRESS] = random_next(&seed) % 8;
    return ir_eval(f, &ops, run, scratch);
}

struct ir_func *random_ir_copy(const struct ir_func *f, struct arena *arena)
{
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *copy = NULL;
    const char *text = text_of_ir(f, arena);

    if (!text || ir_parse(text, arena, &sink, &copy))
        copy = NULL;
    return copy;
}

static bool same_packet(const struct ir_run *a, const struct ir_run *b, char *why, size_t bytes)
{
    if (a->ret != b->ret || a->data != b->data || a->data_end != b->data_end ||
        a->redirect != b->redirect) {
        snprintf(why, bytes, "ret %u/%u data %llu/%llu end %llu/%llu redirect %llx/%llx", a->ret,
                 b->ret, (unsigned long long)a->data, (unsigned long long)b->data,
                 (unsigned long long)a->data_end, (unsigned long long)b->data_end,
                 (unsigned long long)a->redirect, (unsigned long long)b->redirect);
        return false;
    }
    for (uint64_t i = a->data; i < a->data_end; i++) {
        if (a->buf[i] == b->buf[i])
            continue;
        snprintf(why, bytes, "packet byte %llu", (unsigned long long)(i - a->data));
        return false;
    }
    return true;
}

bool random_ir_same(const struct ir_func *a, const struct ir_func *b, uint64_t seed,
                    uint32_t packets, char *why, size_t why_bytes)
{
    struct soft_maps maps_a;
    struct soft_maps maps_b;
    uint8_t *buf_a = malloc(SPEC_PKT_JUMBO_END);
    uint8_t *buf_b = malloc(SPEC_PKT_JUMBO_END);
    struct arena *scratch = arena_open();
    bool same = buf_a && buf_b && scratch && !soft_maps_open(&maps_a, a->maps, a->map_count) &&
                !soft_maps_open(&maps_b, b->maps, b->map_count);
    uint32_t map;

    for (uint32_t i = 0; same && i < packets; i++) {
        struct ir_run run_a;
        struct ir_run run_b;
        const int err_a = random_ir_run(a, &maps_a, seed + i, &run_a, buf_a, scratch);
        const int err_b = random_ir_run(b, &maps_b, seed + i, &run_b, buf_b, scratch);

        if (err_a || err_b) {
            snprintf(why, why_bytes, "packet %u: error %d, %d", i, err_a, err_b);
            same = false;
        } else {
            same = same_packet(&run_a, &run_b, why, why_bytes);
        }
        arena_reset(scratch);
    }
    if (same && !soft_maps_equal(&maps_a, &maps_b, &map)) {
        snprintf(why, why_bytes, "contents of map %u", map);
        same = false;
    }
    soft_maps_close(&maps_a);
    soft_maps_close(&maps_b);
    arena_close(scratch);
    free(buf_a);
    free(buf_b);
    return same;
}
