/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/ctl/mapfile.h"
#include "host/ctl/outfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* sluice run: one executor, outputs to files. */

enum { OPT_MAPS_OUT = 0x300, OPT_TRACE };

struct run_arguments {
    struct cli_object_options object;
    struct cli_run_options run;
    const char *executor;
    const char *out;
    const char *maps_out;
    const char *trace;
};

static const struct argp_option options_table[] = {
    {"target", 't', "EXECUTOR", 0, "interp, microcode, pipeline or kernel (default interp)", 0},
    {"write", 'w', "OUT", 0, "write the packets that leave (PASS, TX, REDIRECT) to a pcap file", 2},
    {"maps-out", OPT_MAPS_OUT, "FILE", 0, "write the maps after the last packet (JSON)", 2},
    {"trace", OPT_TRACE, "FILE", 0, "write a line of JSON for each packet", 2},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        state->child_inputs[1] = &a->run;
        return 0;
    case 't':
        a->executor = arg;
        return 0;
    case 'w':
        a->out = arg;
        return 0;
    case OPT_MAPS_OUT:
        a->maps_out = arg;
        return 0;
    case OPT_TRACE:
        a->trace = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&cli_object_argp, 0, NULL, 0}, {&cli_run_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .children = children,
                                 .args_doc = "OBJECT",
                                 .doc = "Runs each packet of a capture through a program."};

/* The files that a run writes; they appear when it has succeeded. */
struct outputs {
    struct pcap_writer *capture;
    struct outfile trace_file;
    FILE *trace; /* its stream, or NULL */
    bool hardware;
    const struct load_object *object;
};

static void trace_redirect(const struct outputs *o, uint64_t redirect)
{
    const uint32_t map = (uint32_t)(redirect >> 32) - 1;

    if (redirect >> 63)
        fprintf(o->trace, ",\"redirect\":{\"ifindex\":%u}", (uint32_t)redirect);
    else
        fprintf(o->trace, ",\"redirect\":{\"map\":\"%s\",\"key\":%u}",
                map < o->object->map_count ? o->object->maps[map].name : "?", (uint32_t)redirect);
}

static int write_packet(void *ctx, uint64_t index, const struct pcap_record *record,
                        uint64_t time_ns, const struct exec_output *out)
{
    struct outputs *o = ctx;

    if (!out) {
        if (o->trace)
            fprintf(o->trace, "{\"i\":%llu,\"verdict\":\"%s\",\"len\":%u}\n",
                    (unsigned long long)index, record->fitness == PCAP_RUNT ? "RUNT" : "GIANT",
                    record->len);
        return 0;
    }
    if (o->trace) {
        fprintf(o->trace,
                "{\"i\":%llu,\"verdict\":\"%s\",\"ret\":%u,\"len\":%u,\"crc32\":\"%08lx\"",
                (unsigned long long)index, spec_verdict_name(out->ret), out->ret, out->len,
                crc32(0, out->data, out->len));
        if (out->redirect)
            trace_redirect(o, out->redirect);
        if (o->hardware)
            fprintf(o->trace, ",\"cycles\":%llu", (unsigned long long)out->cycles);
        if (fputs("}\n", o->trace) < 0)
            return errno ? -errno : -EIO;
    }
    if (o->capture && out->ret >= SPEC_XDP_PASS && out->ret <= SPEC_XDP_REDIRECT)
        return pcap_writer_add(o->capture, out->data, out->len, time_ns);
    return 0;
}

static void print_text(const struct exec *exec, const struct cli_result *r, uint32_t clock_mhz)
{
    const double packets = r->packets ? (double)r->packets : 1;

    printf("%s on %s: %llu packets", exec->job->prog->name, exec->ops->name,
           (unsigned long long)r->packets);
    for (uint32_t v = 0; v < SPEC_VERDICTS; v++)
        if (r->verdicts[v])
            printf(", %s %llu", spec_verdict_names[v], (unsigned long long)r->verdicts[v]);
    putchar('\n');
    if (r->runts || r->giants)
        printf("not run: %llu under %d bytes, %llu over %d bytes (no driver hands them to XDP)\n",
               (unsigned long long)r->runts, SPEC_PKT_MIN_BYTES, (unsigned long long)r->giants,
               SPEC_PKT_MAX_BYTES);
    if (exec->ops->hardware)
        printf(
            "%llu cycles, %.2f cycles a packet (%.2f Mpps at an assumed %u MHz), latency %u / %u "
            "/ %u cycles (median, 99 %%, max)\n",
            (unsigned long long)r->cycles, (double)r->cycles / packets,
            r->cycles ? packets * clock_mhz / (double)r->cycles : 0.0, clock_mhz,
            cli_latency(r, 50), cli_latency(r, 99), cli_latency(r, 100));
    else
        printf("%.1f ns a packet\n", (double)r->ns / packets);
}

static int print_result(const struct run_arguments *a, const struct exec *exec,
                        const struct cli_result *result)
{
    json_t *j;

    if (!a->run.json) {
        print_text(exec, result, a->run.clock_mhz);
        return CLI_OK;
    }
    j = cli_result_json(exec, result, a->run.clock_mhz);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(j);
    return CLI_OK;
}

static int write_maps(const struct run_arguments *a, struct exec *exec)
{
    char why[EXEC_WHY_BYTES];
    json_t *maps;
    int err;

    if (!a->maps_out)
        return 0;
    maps = mapfile_dump(exec);
    if (!maps)
        return cli_fail("the maps can't be read back");
    err = mapfile_write(a->maps_out, maps, why, sizeof(why));
    json_decref(maps);
    return err ? cli_fail("%s", why) : 0;
}

/* The run itself; the executor is open and its maps are filled. */
static int run_opened(const struct run_arguments *a, struct exec *exec,
                      const struct pcap_capture *capture)
{
    struct outputs o = {.hardware = exec->ops->hardware, .object = exec->job->object};
    struct cli_result result = {0};
    char why[EXEC_WHY_BYTES];
    int status = CLI_OK;
    int err = 0;

    if (a->out && pcap_writer_open(a->out, &o.capture, why, sizeof(why)))
        return cli_fail("%s", why);
    if (a->trace)
        err = outfile_open(a->trace, &o.trace_file);
    o.trace = o.trace_file.file;
    if (err) {
        status = cli_fail("%s can't be written: %s", a->trace, strerror(-err));
    } else {
        err = cli_run_capture(exec, capture, &a->run, write_packet, &o, &result, why);
        if (err)
            status = cli_fail("%s", why);
    }
    if (!status)
        status = write_maps(a, exec);
    err = outfile_close(&o.trace_file, !status);
    if (err && !status)
        status = cli_fail("%s can't be written: %s", a->trace, strerror(-err));
    if (pcap_writer_close(o.capture, !status, why, sizeof(why)) && !status)
        status = cli_fail("%s", why);
    if (!status)
        status = print_result(a, exec, &result);
    cli_result_free(&result);
    return status;
}

static int open_and_run(const struct run_arguments *a, const struct exec_ops *ops, struct job *job,
                        const struct pcap_capture *capture)
{
    char why[EXEC_WHY_BYTES] = "";
    struct exec *exec = NULL;
    json_t *maps = NULL;
    int status = CLI_OK;
    int err;

    if (a->run.maps_in && mapfile_read(a->run.maps_in, job->object, &maps, why, sizeof(why)))
        return cli_fail("%s", why);
    if (ops->fits(job, why)) {
        fprintf(stderr, "sluice: %s does not fit %s: %s\n", job->prog->name, ops->name, why);
        json_decref(maps);
        return CLI_NO_FIT;
    }
    err = exec_open(ops, job, &a->run.exec, &exec, why);
    if (err) {
        fprintf(stderr, "sluice: %s can't be opened: %s\n", ops->name, why);
        status = err == -ENOTSUP ? CLI_NO_FIT : CLI_USAGE;
    }
    if (!status && maps && mapfile_fill(a->run.maps_in, maps, exec, why, sizeof(why)))
        status = cli_fail("%s", why);
    if (!status)
        status = run_opened(a, exec, capture);
    json_decref(maps);
    exec_close(exec);
    return status;
}

static int unknown_executor(const char *name)
{
    cli_fail("no executor \"%s\"; there are:", name);
    for (uint32_t i = 0; i < exec_count; i++)
        fprintf(stderr, "  %s\n", exec_table[i]->name);
    return CLI_USAGE;
}

int cli_run(int argc, char **argv)
{
    struct run_arguments a = {.executor = "interp"};
    struct pcap_capture capture = {0};
    struct cli_object object = {0};
    struct job_options job_options = {.size = sizeof(job_options)};
    const struct exec_ops *ops;
    char why[EXEC_WHY_BYTES];
    struct job *job;
    int status;

    cli_run_options_init(&a.run);
    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    ops = exec_find(a.executor);
    if (!ops)
        return unknown_executor(a.executor);
    status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    job_options.pipe = a.run.pipe;
    job = cli_job_open(&a.object, &object, &job_options, &status);
    if (job && pcap_capture_read(a.run.capture, &capture, why, sizeof(why)))
        status = cli_fail("%s", why);
    if (!status)
        status = open_and_run(&a, ops, job, &capture);
    pcap_capture_free(&capture);
    cli_object_close(&object);
    return status;
}
