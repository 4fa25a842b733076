/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rtl/pipeline/bench.h"
#include "tests/rtl/pipeline/random_ir.h"

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
    random_ir(out, seed);
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
        struct ir_run run = {.buf = buf};

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
        k->out_length = (uint32_t)(run.data_end - run.data);
        memcpy(k->out, buf + run.data, k->out_length);
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
    const struct pipe_options options = {.size = sizeof(options), .delay_levels = levels};
    const struct pipe_design *design = NULL;

    if (ir_parse(text, arena, &sink, f) || ir_check(*f, &sink) ||
        pipe_compile(*f, &options, arena, &sink, &design)) {
        for (uint32_t i = 0; i < sink.count; i++)
            diag_write(stderr, &sink.records[i]);
    }
    return design;
}

/* One stretch of packets at some pace; the maps go on from one to the next. */
static uint32_t stretch(struct device *d, const struct ir_func *f, struct soft_maps *maps,
                        const char *text, uint32_t count, const char *name)
{
    struct packet *packets = packets_make(text, count, &d->seed);
    struct soft_maps seen;
    uint32_t wrong;
    uint32_t map = 0;
    uint64_t start;

    if (!packets || evaluate(f, maps, packets, count)) {
        free(packets);
        return 1;
    }
    start = d->cycles;
    wrong = device_run(d, packets, count);
    fprintf(stderr, "  %s: %u packets, in %u %%, out %u %%: %.2f clocks a packet\n", name, count,
            d->in_percent, d->out_percent, (double)(d->cycles - start) / count);
    soft_maps_open(&seen, f->maps, f->map_count);
    if (device_read_maps(d, &seen, f)) {
        fprintf(stderr, "%s: the maps cannot be read\n", name);
        wrong++;
    } else if (!soft_maps_equal(maps, &seen, &map)) {
        fprintf(stderr, "%s: map %u differs\n", name, map);
        wrong++;
    }
    soft_maps_close(&seen);
    free(packets);
    return wrong;
}

int main(int argc, char **argv)
{
    static const uint32_t paces[][2] = {{100, 100}, {100, 60}, {50, 100}, {70, 70}, {100, 15}};
    const uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
    const uint32_t count = argc > 5 ? (uint32_t)atoi(argv[5]) : 400;
    const uint32_t levels = argc > 6 ? (uint32_t)atoi(argv[6]) : 0;
    struct arena *arena = arena_open();
    struct device d = {.seed = seed};
    const struct pipe_design *design;
    struct soft_maps maps;
    struct ir_func *f;
    char model[512];
    uint32_t wrong = 0;
    char *text;

    if (argc < 4)
        return 2;
    text = read_text(argv[3]);
    design = compile(text, levels, arena, &f);
    if (!design)
        return 1;
    if (strcmp(argv[2], "-") == 0) { /* only what it is */
        if (argc > 4 && strcmp(argv[4], "verilog") == 0)
            fputs(design->verilog, stdout);
        else
            printf("%s\n%s", text, design->listing);
        return 0;
    }
    snprintf(model, sizeof(model), "%s/model.so", argv[2]);
    if (build(argv[1], argv[2], design->verilog) || device_open(&d, model) ||
        soft_maps_open(&maps, f->maps, f->map_count))
        return 1;
    soft_maps_fill(&maps, 8, &d.seed);
    device_write_maps(&d, &maps, f);
    device_enable(&d);
    for (uint32_t i = 0; i < sizeof(paces) / sizeof(paces[0]) && !wrong; i++) {
        d.in_percent = paces[i][0];
        d.out_percent = paces[i][1];
        wrong += stretch(&d, f, &maps, text, count, f->name);
    }
    printf("%s %s %llu (%u stages, predicted %u to %u clocks a packet)\n",
           wrong || d.wrong ? "FAIL" : "PASS", f->name, (unsigned long long)seed, design->stages,
           design->cycles_best, design->cycles_same_key);
    device_close(&d);
    soft_maps_close(&maps);
    free(text);
    arena_close(arena);
    return wrong || d.wrong;
}
