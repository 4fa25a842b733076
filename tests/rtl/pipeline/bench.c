/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rtl/pipeline/bench.h"
#include "tests/rtl/pipeline/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* bench ROOT WORK FILE.ir [SEED [PACKETS [LEVELS]]], bench ROOT - FILE.ir [verilog]: makes the
 * program's pipeline, builds its model, compares it with the evaluator. Prints "PASS name seed" or
 * "FAIL name seed"; status 0 or 1. */

#define RANDOM "random:" /* in place of a file, with the seed of a program */

static char *random_text(uint64_t seed)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        exit(2);
    random_program(out, seed);
    fclose(out);
    return text;
}

static char *read_text(const char *path)
{
    FILE *in;
    char *text;

    if (strncmp(path, RANDOM, strlen(RANDOM)) == 0)
        return random_text(strtoull(path + strlen(RANDOM), NULL, 0));
    in = fopen(path, "r");
    text = calloc(1, 1 << 22);

    if (!in || !text)
        exit(2);
    (void)!fread(text, 1, (1 << 22) - 1, in);
    fclose(in);
    return text;
}

/* Runs the evaluator on each packet in turn; the maps change with them. */
static int evaluate(const struct ir_func *f, struct soft_maps *maps, struct packet *packets,
                    uint32_t count)
{
    const struct ir_maps_ops ops = soft_maps_ops(maps);
    uint8_t *buf = calloc(1, SPEC_PKT_BUF_BYTES);
    struct arena *scratch = arena_open();
    int err = 0;

    for (uint32_t i = 0; i < count && !err; i++) {
        struct packet *k = &packets[i];
        struct ir_run run = {.buf = buf, .events = k->events};

        memset(k->events_before, (int)(0x5a + i), sizeof(k->events_before));
        memcpy(k->events, k->events_before, sizeof(k->events));
        memset(buf, 0, SPEC_PKT_BUF_BYTES);
        memcpy(buf + SPEC_PKT_BASE, k->bytes, k->length);
        memcpy(run.inputs, k->inputs, sizeof(run.inputs));
        arena_reset(scratch);
        err = ir_eval(f, &ops, &run, scratch);
        if (err || run.data_end < run.data || run.data_end > SPEC_PKT_JUMBO_END) {
            fprintf(stderr, "packet %u: the evaluator ends with %d\n", i, err);
            err = err ? err : -1;
            break;
        }
        k->ret = run.ret;
        k->redirect = run.redirect;
        k->meta_bytes = (uint32_t)run.meta_bytes;
        k->out_length = (uint32_t)(run.data_end - run.data) + k->meta_bytes;
        memcpy(k->out, buf + run.data - k->meta_bytes, k->out_length);
        k->event_beats = (uint32_t)run.event_beats;
    }
    arena_close(scratch);
    free(buf);
    return err;
}

static int build(const char *root, const char *work, const char *verilog)
{
    char path[512];
    char command[2048];
    FILE *out;

    mkdir(work, 0777);
    snprintf(path, sizeof(path), "%s/sluice_dut.v", work);
    out = fopen(path, "w");
    if (!out)
        return -1;
    fputs(verilog, out);
    fclose(out);
    snprintf(command, sizeof(command),
             "RUNTIME_DIR=%s/../runtime sh %s/sim/build_model.sh %s %s/model.so %s --opt -O0 "
             "%s/sluice_dut.v >%s/build.log 2>&1 "
             "|| { tail -20 %s/build.log >&2; false; }",
             work, root, root, work, work, work, work, work);
    return system(command) ? -1 : 0;
}

static const struct pipe_design *compile(const char *text, uint32_t levels, struct arena *arena,
                                         struct ir_func **f)
{
    struct diag_sink sink = diag_sink_make(arena);
    const char *const units = strstr(text, "; option units ");
    const struct pipe_options options = {
        .size = sizeof(options),
        .delay_levels = levels,
        .unit_levels = units ? (uint32_t)strtoul(units + 15, NULL, 0) : 0};
    const struct pipe_design *design = NULL;

    if (ir_parse(text, arena, &sink, f) || ir_check(*f, &sink) ||
        pipe_compile(*f, &options, arena, &sink, &design)) {
        for (uint32_t i = 0; i < sink.count; i++)
            diag_write(stderr, &sink.records[i]);
    }
    return design;
}

struct bench {
    struct device d;
    struct ir_func *f;
    const struct pipe_design *design;
    struct soft_maps maps;
    const char *text;
    uint32_t count;
};

static uint32_t compare_maps(struct bench *b)
{
    struct soft_maps seen;
    uint32_t wrong = 0;
    uint32_t map = 0;

    soft_maps_open(&seen, b->f->maps, b->f->map_count);
    if (device_read_maps(&b->d, &seen, b->f)) {
        fprintf(stderr, "the maps cannot be read\n");
        wrong++;
    } else if (!soft_maps_equal(&b->maps, &seen, &map)) {
        fprintf(stderr, "map %u differs\n", map);
        wrong++;
    }
    soft_maps_close(&seen);
    return wrong;
}

/* One stretch of packets at some pace; the maps go on from one to the next. *clocks: a packet. */
static uint32_t stretch(struct bench *b, uint32_t in, uint32_t out, enum packet_mix mix,
                        double *clocks)
{
    struct packet *packets = packets_make(b->text, b->count, mix, &b->d.seed);
    uint64_t start;
    uint32_t wrong;

    if (!packets || evaluate(b->f, &b->maps, packets, b->count)) {
        free(packets);
        return 1;
    }
    b->d.in_percent = in;
    b->d.out_percent = out;
    start = b->d.cycles;
    wrong = device_run(&b->d, packets, b->count);
    *clocks = (double)(b->d.cycles - start) / b->count;
    fprintf(stderr, "  %u packets of mix %d, in %u %%, out %u %%: %.2f clocks a packet\n", b->count,
            mix, in, out, *clocks);
    free(packets);
    return wrong + compare_maps(b);
}

static uint32_t all_paces(struct bench *b)
{
    static const uint32_t paces[][2] = {{100, 100}, {100, 60}, {50, 100}, {70, 70}, {100, 15}};
    uint32_t wrong = 0;
    double clocks;

    for (uint32_t i = 0; i < sizeof(paces) / sizeof(paces[0]) && !wrong; i++)
        wrong = stretch(b, paces[i][0], paces[i][1], PACKETS_ALL, &clocks);
    return wrong;
}

/* What the compiler says of the speed must hold, but for the pipeline's length at the start and the
 * end. */
static uint32_t all_speeds(struct bench *b, double clocks[2])
{
    const struct pipe_design *d = b->design;
    double slack;
    bool waits = false;
    uint32_t wrong;

    for (uint32_t m = 0; m < d->map_count; m++)
        waits = waits || d->maps[m].hazard != PIPE_HAZARD_NONE;
    wrong = stretch(b, 100, 100, PACKETS_SHORT, &clocks[0]);
    if (!wrong)
        wrong = stretch(b, 100, 100, PACKETS_SAME, &clocks[1]);
    slack = (double)(d->stages * 8 + 500) / b->count + d->event_beats;
    if (!wrong && ((!waits && clocks[0] > d->cycles_best + slack) ||
                   clocks[1] > d->cycles_same_key + slack)) {
        fprintf(stderr, "slower than predicted: %.2f and %.2f clocks a packet for %u and %u\n",
                clocks[0], clocks[1], d->cycles_best, d->cycles_same_key);
        wrong = 1;
    }
    return wrong;
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
    const uint32_t levels = argc > 6 ? (uint32_t)atoi(argv[6]) : 0;
    struct arena *arena = arena_open();
    struct bench b = {.d = {.seed = seed}, .count = argc > 5 ? (uint32_t)atoi(argv[5]) : 400};
    double clocks[2] = {0, 0};
    char model[512];
    uint32_t wrong;
    char *text;

    if (argc < 4)
        return 2;
    text = read_text(argv[3]);
    b.text = text;
    b.design = compile(text, levels, arena, &b.f);
    if (!b.design)
        return 1;
    if (strcmp(argv[2], "-") == 0) { /* only what it is */
        if (argc > 4 && strcmp(argv[4], "verilog") == 0)
            fputs(b.design->verilog, stdout);
        else
            printf("%s\n%s", text, b.design->listing);
        return 0;
    }
    snprintf(model, sizeof(model), "%s/model.so", argv[2]);
    if (build(argv[1], argv[2], b.design->verilog) || device_open(&b.d, model) ||
        soft_maps_open(&b.maps, b.f->maps, b.f->map_count))
        return 1;
    soft_maps_fill(&b.maps, 8, &b.d.seed);
    device_write_maps(&b.d, &b.maps, b.f);
    device_enable(&b.d);
    wrong = all_paces(&b);
    if (!wrong)
        wrong = all_speeds(&b, clocks);
    wrong += b.d.wrong;
    printf("%s %s %llu (%u stages; at 64 bytes %.2f clocks a packet, %.2f for the same one; "
           "predicted %u to %u)\n",
           wrong ? "FAIL" : "PASS", b.f->name, (unsigned long long)seed, b.design->stages,
           clocks[0], clocks[1], b.design->cycles_best, b.design->cycles_same_key);
    device_close(&b.d);
    soft_maps_close(&b.maps);
    free(text);
    arena_close(arena);
    return wrong != 0;
}
