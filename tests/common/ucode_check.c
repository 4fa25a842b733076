/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/ucode_check.h"
#include "tests/common/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 2000000 };

int ucode_check_open(struct ucode_check *c, const struct ir_func *f,
                     const struct ucode_image *image, uint32_t entries, uint64_t seed)
{
    uint64_t again = seed;
    int ret;

    *c = (struct ucode_check){.f = f, .image = image};
    ret = soft_maps_open(&c->eval_maps, f->maps, f->map_count);
    if (ret != 0)
        return ret;
    ret = soft_maps_open(&c->model_maps, f->maps, f->map_count);
    if (ret != 0)
        goto no_maps;
    ret = -ENOMEM;
    c->scratch = arena_open();
    if (!c->scratch)
        goto no_arena;
    if (entries) {
        soft_maps_fill(&c->eval_maps, entries, &seed);
        soft_maps_fill(&c->model_maps, entries, &again);
    }
    return 0;
no_arena:
    soft_maps_close(&c->model_maps);
no_maps:
    soft_maps_close(&c->eval_maps);
    return ret;
}

void ucode_check_close(struct ucode_check *c)
{
    arena_close(c->scratch);
    soft_maps_close(&c->model_maps);
    soft_maps_close(&c->eval_maps);
}

static void count_row(void *ctx, uint32_t row, const struct ucode_state *state)
{
    struct ucode_check *c = ctx;

    (void)state;
    c->rows++;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        c->ops += c->image->rows[row].slots[lane].op != UCODE_NOP;
}

static void fill_run(struct ir_run *run, uint8_t *buf, const uint8_t *packet, uint32_t len)
{
    memset(buf, 0, SPEC_PKT_JUMBO_END);
    memcpy(buf + SPEC_PKT_BASE, packet, len);
    run->buf = buf;
    run->steps = STEPS_MAX;
}

static bool same_results(struct ucode_check *c, const struct ir_run *want, const struct ir_run *got)
{
    uint32_t map = 0;
    uint64_t at;

    if (want->ret != got->ret || want->data != got->data || want->data_end != got->data_end ||
        want->redirect != got->redirect) {
        snprintf(
            c->report, sizeof(c->report),
            "evaluator: ret %x data %llu end %llu redirect %llx, model: ret %x data %llu end %llu "
            "redirect %llx",
            want->ret, (unsigned long long)want->data, (unsigned long long)want->data_end,
            (unsigned long long)want->redirect, got->ret, (unsigned long long)got->data,
            (unsigned long long)got->data_end, (unsigned long long)got->redirect);
        return false;
    }
    for (at = want->data; at < want->data_end; at++) {
        if (want->buf[at] != got->buf[at]) {
            snprintf(c->report, sizeof(c->report), "packet byte %llu: evaluator %02x, model %02x",
                     (unsigned long long)(at - want->data), want->buf[at], got->buf[at]);
            return false;
        }
    }
    if (!soft_maps_equal(&c->eval_maps, &c->model_maps, &map)) {
        snprintf(c->report, sizeof(c->report), "map %s differs", c->f->maps[map].name);
        return false;
    }
    return true;
}

bool ucode_check_packet(struct ucode_check *c, const uint8_t *packet, uint32_t len, uint64_t *seed)
{
    uint8_t *bufs = malloc(2 * SPEC_PKT_JUMBO_END);
    struct ir_run want = {.inputs = {random_next(seed), random_next(seed) >> 32 | 1,
                                     random_next(seed) % 8, random_next(seed) % SPEC_QUEUES, len}};
    struct ir_run got = want;
    struct ir_maps_ops eval_ops = soft_maps_ops(&c->eval_maps);
    struct ir_maps_ops model_ops = soft_maps_ops(&c->model_maps);
    bool same;
    int want_err;
    int got_err;

    fill_run(&want, bufs, packet, len);
    fill_run(&got, bufs + SPEC_PKT_JUMBO_END, packet, len);
    arena_reset(c->scratch);
    want_err = ir_eval(c->f, &eval_ops, &want, c->scratch);
    got_err = ucode_model_run(c->image, &model_ops, &got, NULL, count_row, c);
    if (want_err != 0 || got_err != 0) {
        snprintf(c->report, sizeof(c->report), "evaluator: error %d, model: error %d", want_err,
                 got_err);
        same = false;
    } else {
        same = same_results(c, &want, &got);
    }
    free(bufs);
    return same;
}
