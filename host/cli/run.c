/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/coverage.h"
#include "host/cli/events.h"
#include "host/cli/lockstep.h"
#include "host/cli/output.h"
#include "host/ctl/choose.h"
#include "host/ctl/eventfile.h"
#include "host/ctl/mapfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* sluice run: one executor, outputs to files. */

enum { OPT_MAPS_OUT = 0x300, OPT_TRACE, OPT_EVENTS, OPT_LOCKSTEP, OPT_FORMATTED, OPT_COVERAGE };

enum { OUT_PACKETS, OUT_MAPS, OUT_TRACE, OUT_EVENTS, OUT_COVERAGE, OUT_WAVES, OUTPUTS };

struct run_arguments {
    struct cli_object_options object;
    struct cli_run_options run;
    const char *executor;
    bool lockstep;
    bool formatted;
    struct cli_output outputs[OUTPUTS];
};

static const struct argp_option options_table[] = {
    {"target", 't', "EXECUTOR", 0,
     "interp, microcode, pipeline or kernel (default interp); best: the first of pipeline, "
     "microcode, "
     "interp that the program fits",
     0},
    {"write", 'w', "OUT", 0, "write the packets that leave (PASS, TX, REDIRECT) to a pcap file", 2},
    {"maps-out", OPT_MAPS_OUT, "FILE", 0, "write the maps after the last packet (JSON)", 2},
    {"formatted", OPT_FORMATTED, NULL, 0,
     "--maps-out: also by the names of fields, as bpftool map dump prints with BTF", 2},
    {"trace", OPT_TRACE, "FILE", 0, "write a line of JSON for each packet", 2},
    {"events", OPT_EVENTS, "FILE", 0,
     "write a line of JSON for each perf event, ring buffer record and printed line", 2},
    {"coverage", OPT_COVERAGE, "FILE", 0,
     "interp: write how often each instruction ran, and each way out of a conditional jump (JSON)",
     2},
    {"lockstep", OPT_LOCKSTEP, NULL, 0,
     "microcode: compare each row that the core retires with the microcode model", 3},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_arguments *a = state->input;
    char known[128];

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        state->child_inputs[1] = &a->run;
        return 0;
    case 't':
        if (!exec_find(arg) && strcmp(arg, "best"))
            argp_error(state, "-t: no executor \"%s\"; there are %s, best", arg,
                       cli_executors(known, sizeof(known)));
        a->executor = arg;
        return 0;
    case 'w':
        a->outputs[OUT_PACKETS].path = arg;
        return 0;
    case OPT_MAPS_OUT:
        a->outputs[OUT_MAPS].path = arg;
        return 0;
    case OPT_TRACE:
        a->outputs[OUT_TRACE].path = arg;
        return 0;
    case OPT_EVENTS:
        a->outputs[OUT_EVENTS].path = arg;
        return 0;
    case OPT_COVERAGE:
        a->outputs[OUT_COVERAGE].path = arg;
        return 0;
    case OPT_LOCKSTEP:
        a->lockstep = true;
        return 0;
    case OPT_FORMATTED:
        a->formatted = true;
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
                                 .doc = "Runs each packet of a capture through a program."};

/* Where the packets of a run go. */
struct sinks {
    FILE *packets;    /* or NULL */
    FILE *trace;      /* or NULL */
    FILE *events;     /* or NULL */
    char **map_names; /* as JSON, by the object's maps */
    bool hardware;
    const struct load_object *object;
    int failed; /* the output that could not be written, or -1 */
};

static void trace_redirect(const struct sinks *o, uint64_t redirect)
{
    const uint32_t map = (uint32_t)(redirect >> 32) - 1;

    if (redirect >> 63)
        fprintf(o->trace, ",\"redirect\":{\"ifindex\":%u}", (uint32_t)redirect);
    else
        fprintf(o->trace, ",\"redirect\":{\"map\":%s,\"key\":%u}",
                map < o->object->map_count ? o->map_names[map] : "\"?\"", (uint32_t)redirect);
}

static void trace_meta(const struct sinks *o, const struct exec_output *out)
{
    fputs(",\"meta\":\"", o->trace);
    for (uint32_t i = 0; i < out->meta_bytes; i++)
        fprintf(o->trace, "%02x", (out->data - out->meta_bytes)[i]);
    fputc('"', o->trace);
}

static int failed(struct sinks *o, int output, int err)
{
    if (err)
        o->failed = output;
    return err;
}

static int write_event(void *ctx, const struct exec_event *event)
{
    struct sinks *o = ctx;

    return o->events ? failed(o, OUT_EVENTS, eventfile_write(o->events, o->object, event)) : 0;
}

static int write_packet(void *ctx, uint64_t index, const struct pcap_record *record,
                        uint64_t time_ns, const struct exec_output *out)
{
    struct sinks *o = ctx;

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
        if (out->meta_bytes)
            trace_meta(o, out);
        if (o->hardware)
            fprintf(o->trace, ",\"cycles\":%llu", (unsigned long long)out->cycles);
        if (fputs("}\n", o->trace) < 0)
            return failed(o, OUT_TRACE, errno ? -errno : -EIO);
    }
    if (o->packets && out->ret >= SPEC_XDP_PASS && out->ret <= SPEC_XDP_REDIRECT)
        return failed(o, OUT_PACKETS, pcap_write_packet(o->packets, out->data, out->len, time_ns));
    return 0;
}

/* The last lines: which ring buffers lost records. */
static int write_lost(struct sinks *o, const struct cli_result *r)
{
    int err = 0;

    for (uint32_t i = 0; o->events && i < o->object->map_count && !err; i++)
        if (r->lost[i])
            err = failed(o, OUT_EVENTS, eventfile_write_lost(o->events, o->object, i, r->lost[i]));
    return err;
}

static void print_text(FILE *to, const struct exec_ops *ops, const struct job *job,
                       const struct cli_result *r, uint32_t clock_mhz)
{
    const double packets = r->packets ? (double)r->packets : 1;

    fprintf(to, "%s on %s: %llu packets", job->prog->name, ops->name,
            (unsigned long long)r->packets);
    for (uint32_t v = 0; v < SPEC_VERDICTS; v++)
        if (r->verdicts[v])
            fprintf(to, ", %s %llu", spec_verdict_names[v], (unsigned long long)r->verdicts[v]);
    fputc('\n', to);
    if (r->runts || r->giants)
        fprintf(to,
                "not run: %llu under %d bytes, %llu over %d bytes (no driver hands them to XDP)\n",
                (unsigned long long)r->runts, SPEC_PKT_MIN_BYTES, (unsigned long long)r->giants,
                SPEC_PKT_MAX_BYTES);
    for (uint32_t i = 0; i < job->object->map_count; i++)
        if (r->lost[i])
            fprintf(to, "lost: %llu records of %s, for which there was no room\n",
                    (unsigned long long)r->lost[i], job->object->maps[i].name);
    if (ops->hardware)
        fprintf(
            to,
            "%llu cycles, %.2f cycles a packet (%.2f Mpps at an assumed %u MHz), latency %u / %u "
            "/ %u cycles (median, 99 %%, max)\n",
            (unsigned long long)r->cycles, (double)r->cycles / packets,
            r->cycles ? packets * clock_mhz / (double)r->cycles : 0.0, clock_mhz,
            cli_latency(r, 50), cli_latency(r, 99), cli_latency(r, 100));
    else
        fprintf(to, "%.1f ns a packet\n", (double)r->ns / packets);
}

/* The text gives way to an output that goes to standard output. */
static void print_result(const struct run_arguments *a, const struct exec_ops *ops,
                         const struct job *job, const struct cli_result *result,
                         const struct lockstep_result *lockstep)
{
    FILE *to = stdout;
    json_t *j;

    for (int i = 0; i < OUTPUTS; i++)
        if (a->outputs[i].path && !strcmp(a->outputs[i].path, "-"))
            to = stderr;
    if (!a->run.json) {
        print_text(to, ops, job, result, a->run.clock_mhz);
        if (a->lockstep)
            cli_lockstep_text(to, lockstep);
        return;
    }
    j = cli_result_json(ops, job, result, a->run.clock_mhz);
    if (a->lockstep)
        json_object_set_new(j, "lockstep", cli_lockstep_json(lockstep));
    cli_print_json(j);
    json_decref(j);
}

static int write_maps(const struct run_arguments *a, struct exec *exec)
{
    const struct cli_output *o = &a->outputs[OUT_MAPS];
    char why[EXEC_WHY_BYTES];

    if (!o->path || !mapfile_write(o->out.file, exec, a->formatted, why, sizeof(why)))
        return CLI_OK;
    return cli_fail("%s %s can't be written: %s", o->option, o->path, why);
}

static int write_coverage(const struct run_arguments *a, const struct coverage *coverage)
{
    const struct cli_output *o = &a->outputs[OUT_COVERAGE];
    const int err = coverage ? coverage_write(o->out.file, coverage) : 0;

    return err ? cli_output_fail(o, err) : CLI_OK;
}

/* The names of the object's maps as JSON; NULL if there is no memory. */
static char **map_names(const struct job *job)
{
    const struct load_object *o = job->object;
    char **names = arena_array(job->arena, o->map_count + 1, sizeof(*names));

    for (uint32_t i = 0; names && i < o->map_count; i++) {
        json_t *j = cli_json_text(o->maps[i].name);
        char *text = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;

        names[i] = text ? arena_strdup(job->arena, text) : NULL;
        if (!names[i])
            names = NULL;
        free(text);
        json_decref(j);
    }
    return names;
}

/* The run itself; the executor is open and its maps are filled. */
static int run_opened(const struct run_arguments *a, struct exec *exec,
                      const struct pcap_capture *capture, struct cli_result *result)
{
    struct sinks sinks = {.packets = a->outputs[OUT_PACKETS].out.file,
                          .trace = a->outputs[OUT_TRACE].out.file,
                          .events = a->outputs[OUT_EVENTS].out.file,
                          .hardware = exec->ops->hardware,
                          .object = exec->job->object,
                          .map_names = map_names(exec->job),
                          .failed = -1};
    const struct exec_listener listener = {&sinks, write_event};
    char why[EXEC_WHY_BYTES];
    int status = CLI_OK;
    int err = sinks.packets ? pcap_write_head(sinks.packets) : 0;

    if (!sinks.map_names)
        return cli_fail("no memory");
    if (err)
        return cli_output_fail(&a->outputs[OUT_PACKETS], err);
    exec->options.listener = &listener;
    err = cli_run_capture(exec, capture, &a->run, write_packet, &sinks, result, why);
    exec->options.listener = NULL;
    if (!err)
        err = write_lost(&sinks, result);
    if (!err && exec->options.lockstep)
        status = cli_lockstep_maps(exec->options.lockstep, exec);
    if (!err)
        return status ? status : write_maps(a, exec);
    if (sinks.failed >= 0)
        return cli_output_fail(&a->outputs[sinks.failed], err);
    return cli_fail("%s", why);
}

/* Runs on an executor that the program fits; the outputs are open. */
static int open_and_run(const struct run_arguments *a, const struct exec_ops *ops, struct job *job,
                        const struct pcap_capture *capture, const json_t *maps,
                        struct lockstep *lockstep, struct cli_result *result)
{
    struct exec_options options = a->run.exec;
    struct coverage *coverage = NULL;
    char why[EXEC_WHY_BYTES] = "";
    struct exec *exec = NULL;
    int status = CLI_OK;
    int err;

    options.waves = a->outputs[OUT_WAVES].out.temporary;
    options.lockstep = lockstep;
    err = exec_open(ops, job, &options, &exec, why);
    if (err) {
        fprintf(stderr, "sluice: %s can't be opened: %s\n", ops->name, why);
        return err == -ENOTSUP ? CLI_NO_FIT : CLI_USAGE;
    }
    if (maps && mapfile_fill(a->object.maps_in, maps, exec, why, sizeof(why)))
        status = cli_fail("%s", why);
    if (!status && a->outputs[OUT_COVERAGE].path && !(coverage = coverage_open(exec)))
        status = cli_fail("no memory");
    if (!status)
        status = run_opened(a, exec, capture, result);
    if (!status)
        status = write_coverage(a, coverage);
    coverage_close(coverage);
    exec_close(exec);
    return status;
}

/* The same beside the microcode model, if that is asked for. */
static int run_beside(const struct run_arguments *a, const struct exec_ops *ops, struct job *job,
                      const struct pcap_capture *capture, const json_t *maps,
                      struct cli_result *result, struct lockstep_result *compared)
{
    struct lockstep *l = NULL;
    int status =
        a->lockstep ? cli_lockstep_open(&a->run, job, a->object.maps_in, maps, &l) : CLI_OK;

    if (!status)
        status = open_and_run(a, ops, job, capture, maps, l, result);
    if (l)
        *compared = *lockstep_result(l);
    if (compared->difference.found) {
        cli_lockstep_tell(compared, job, a->run.json);
        status = CLI_DIFFERS;
    }
    lockstep_close(l);
    return status;
}

static int run_job(struct run_arguments *a, const struct exec_ops *ops, struct job *job,
                   const struct pcap_capture *capture, const json_t *maps)
{
    struct lockstep_result compared = {0};
    struct cli_result result = {0};
    char why[EXEC_WHY_BYTES] = "";
    int status, closed;

    if (ops->fits(job, why))
        return cli_no_fit("%s does not fit %s: %s", job->prog->name, ops->name, why);
    if (ops->hardware && cli_check_memory("the latencies of all packets",
                                          capture->count * a->run.repeat, sizeof(uint32_t)))
        return CLI_USAGE;
    status = cli_outputs_open(a->outputs, OUTPUTS, a->run.json ? "--json" : NULL);
    if (!status)
        status = cli_waves_check(&a->outputs[OUT_WAVES]);
    if (!status) {
        status = run_beside(a, ops, job, capture, maps, &result, &compared);
        status = cli_waves_close(&a->outputs[OUT_WAVES], !status, status);
    }
    closed = cli_outputs_close(a->outputs, OUTPUTS, !status);
    status = status ? status : closed;
    if (!status)
        print_result(a, ops, job, &result, &compared);
    cli_result_free(&result);
    return status;
}

/* Options that only some executors have; ops is NULL for the best one, which is none of them yet.
 */
static int check_options(const struct run_arguments *a, const struct exec_ops *ops)
{
    const int status = cli_executors_check(&a->run, &ops, ops != NULL);

    if (status)
        return status;
    if (a->run.waves && (!ops || !ops->hardware))
        return cli_fail("%s has no waveforms; --waves needs -t microcode or -t pipeline",
                        a->executor);
    if (a->outputs[OUT_COVERAGE].path && strcmp(a->executor, "interp"))
        return cli_fail("%s counts no instructions; --coverage needs -t interp", a->executor);
    if (a->lockstep && strcmp(a->executor, "microcode"))
        return cli_fail("%s retires no rows of microcode; --lockstep needs -t microcode",
                        a->executor);
    return CLI_OK;
}

static void tell_passed(void *ctx, const char *executor, const char *why)
{
    const struct job *job = ctx;

    fprintf(stderr, "sluice: %s does not fit %s: %s\n", job->prog->name, executor, why);
}

static int pick_best(struct job *job, const struct exec_ops **ops)
{
    char why[EXEC_WHY_BYTES];

    if (choose_executor(job, CHOOSE_BEST, tell_passed, job, ops, why))
        return cli_no_fit("%s fits no executor", job->prog->name);
    fprintf(stderr, "sluice: running it on %s\n", (*ops)->name);
    return CLI_OK;
}

int cli_run(int argc, char **argv)
{
    struct run_arguments a = {
        .executor = "interp",
        .outputs = {[OUT_PACKETS] = {.option = "-w"},
                    [OUT_MAPS] = {.option = "--maps-out"},
                    [OUT_TRACE] = {.option = "--trace"},
                    [OUT_EVENTS] = {.option = "--events"},
                    [OUT_COVERAGE] = {.option = "--coverage"},
                    [OUT_WAVES] = {.option = "--waves", .waves = true}},
    };
    struct pcap_capture capture = {0};
    struct cli_object object = {0};
    struct job_options job_options = {.size = sizeof(job_options)};
    const struct exec_ops *ops;
    char why[EXEC_WHY_BYTES];
    struct job *job = NULL;
    int status;

    cli_run_options_init(&a.run);
    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    ops = exec_find(a.executor);
    a.outputs[OUT_WAVES].path = a.run.waves;
    status = check_options(&a, ops);
    if (!status)
        status = cli_inputs_check(&a.run, &a.object);
    if (!status)
        status = cli_object_open(&a.object, &object);
    if (status)
        return status;
    job_options.pipe = a.run.pipe;
    job_options.unordered = a.run.unordered;
    job_options.values_known = true;
    status = cli_net_read(&a.run, &object);
    if (!status)
        job = cli_job_open(&a.object, &object, &job_options, &status);
    if (job && pcap_capture_read(a.run.capture, &capture, why, sizeof(why)))
        status = cli_fail("%s", why);
    if (!status && !ops)
        status = pick_best(job, &ops);
    if (!status)
        status = run_job(&a, ops, job, &capture, object.maps);
    pcap_capture_free(&capture);
    cli_object_close(&object);
    return status;
}
