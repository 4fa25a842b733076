/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/ctl/netfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_FIB = 0x200,
    OPT_REPEAT,
    OPT_SEED,
    OPT_IFINDEX,
    OPT_EGRESS,
    OPT_QUEUE,
    OPT_QUEUES,
    OPT_JSON,
    OPT_QUIET,
    OPT_CLOCK,
    OPT_IDLE,
    OPT_STALL,
    OPT_POLL,
    OPT_WAVES,
    OPT_ICARUS,
    OPT_CORES,
    OPT_UNORDERED,
    OPT_DELAY,
    OPT_LATENCY,
    OPT_UNIT
};

enum { PROGRESS_EVERY = 16, DEFAULT_CLOCK_MHZ = 250 };

static const struct argp_option options_table[] = {
    {"read", 'r', "IN", 0, "packets to run: a pcap or pcapng file", 2},
    {"fib", OPT_FIB, "FILE", 0,
     "interfaces, routes and neighbours for bpf_fib_lookup and bpf_check_mtu (JSON)", 2},
    {"repeat", OPT_REPEAT, "N", 0, "run the capture N times over, time going on", 2},
    {"seed", OPT_SEED, "N", 0, "seed of bpf_get_prandom_u32 and of random stalls (default 1)", 2},
    {"ifindex", OPT_IFINDEX, "N", 0, "ingress interface of the packets (default 1)", 2},
    {"egress", OPT_EGRESS, "N", 0,
     "interface that a devmap's program sends them out of (default 1)", 2},
    {"queue", OPT_QUEUE, "N", 0, "RX queue of the packets, which is their CPU id (default 0)", 2},
    {"queues", OPT_QUEUES, "N", 0, "give packets N RX queues in turn, the first one --queue", 2},
    {"json", OPT_JSON, NULL, 0, "print the result as one JSON document", 2},
    {"no-progress", OPT_QUIET, NULL, 0, "no progress bar", 2},
    {"clock-mhz", OPT_CLOCK, "MHZ", 0, "clock to assume for hardware packet rates (default 250)",
     3},
    {"idle", OPT_IDLE, "PERCENT", 0, "hardware: clocks in which no beat is offered (default 0)", 3},
    {"stall", OPT_STALL, "PERCENT", 0, "hardware: clocks in which no beat is taken (default 0)", 3},
    {"poll-maps", OPT_POLL, NULL, 0, "hardware: read all maps again and again while packets pass",
     3},
    {"memory-latency", OPT_LATENCY, "N[-M]", 0,
     "hardware: clocks that external memory takes, or the bounds between which each request's are "
     "drawn (default 40-120)",
     3},
    {"delay-levels", OPT_DELAY, "N", 0, "pipeline: delay budget of a stage in LUT levels", 3},
    {"unit-levels", OPT_UNIT, "N", 0,
     "pipeline: delay budget of an atomic unit at a map in LUT levels; 1: no such units", 3},
    {"cores", OPT_CORES, "N", 0,
     "microcode: VLIW cores that take packets in turn, 1, 2, 4 or 8 (default 1); several have no "
     "external memory, and are built when first asked for",
     3},
    {"icarus", OPT_ICARUS, NULL, 0,
     "pipelines: simulate with Icarus, which starts in a moment and runs slowly: for a few packets",
     3},
    {"unordered", OPT_UNORDERED, NULL, 0,
     "hardware, to test the tests: packets do not wait for each other, results may be wrong", 3},
    {"waves", OPT_WAVES, "FILE.fst", 0, "hardware: write waveforms (opens in GTKWave)", 3},
    {0},
};

void cli_run_options_init(struct cli_run_options *options)
{
    *options = (struct cli_run_options){
        .repeat = 1,
        .clock_mhz = DEFAULT_CLOCK_MHZ,
        .exec = {.size = sizeof(struct exec_options),
                 .seed = 1,
                 .ifindex = 1,
                 .memory_min_clocks = EXEC_MEMORY_MIN_CLOCKS,
                 .memory_max_clocks = EXEC_MEMORY_MAX_CLOCKS},
        .pipe = {.size = sizeof(struct pipe_options)},
    };
}

static void parse_latency(struct cli_run_options *o, char *arg, struct argp_state *state)
{
    char *most = strchr(arg, '-');

    if (most)
        *most++ = 0;
    o->exec.memory_min_clocks = (uint32_t)cli_number(state, "--memory-latency", arg, 1, 100000);
    o->exec.memory_max_clocks =
        (uint32_t)cli_number(state, "--memory-latency", most ? most : arg, 1, 100000);
    if (o->exec.memory_max_clocks < o->exec.memory_min_clocks)
        argp_error(state, "--memory-latency: %s-%s has its bounds the wrong way round", arg, most);
}

/* The options of hardware executors; ARGP_ERR_UNKNOWN for all others. */
static error_t parse_hardware(int key, char *arg, struct argp_state *state)
{
    struct cli_run_options *o = state->input;

    switch (key) {
    case OPT_CLOCK:
        o->clock_mhz = (uint32_t)cli_number(state, "--clock-mhz", arg, 1, 10000);
        return 0;
    case OPT_IDLE:
        o->exec.idle_percent = (uint32_t)cli_number(state, "--idle", arg, 0, 99);
        return 0;
    case OPT_STALL:
        o->exec.stall_percent = (uint32_t)cli_number(state, "--stall", arg, 0, 99);
        return 0;
    case OPT_POLL:
        o->exec.poll_maps = true;
        return 0;
    case OPT_LATENCY:
        parse_latency(o, arg, state);
        return 0;
    case OPT_DELAY:
        o->pipe.delay_levels = (uint32_t)cli_number(state, "--delay-levels", arg, 1, 64);
        return 0;
    case OPT_UNIT:
        o->pipe.unit_levels = (uint32_t)cli_number(state, "--unit-levels", arg, 1, 64);
        return 0;
    case OPT_CORES:
        o->exec.cores = (uint32_t)cli_number(state, "--cores", arg, 1, SPEC_CORES_MAX);
        if (o->exec.cores & (o->exec.cores - 1))
            argp_error(state, "--cores: %s is not a power of two", arg);
        return 0;
    case OPT_ICARUS:
        o->exec.icarus = true;
        return 0;
    case OPT_UNORDERED:
        o->unordered = true;
        return 0;
    case OPT_WAVES:
        o->waves = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct cli_run_options *o = state->input;

    switch (key) {
    case 'r':
        o->capture = arg;
        return 0;
    case OPT_FIB:
        o->fib = arg;
        return 0;
    case OPT_REPEAT:
        o->repeat = cli_number(state, "--repeat", arg, 1, 1000000000);
        return 0;
    case OPT_SEED:
        o->exec.seed = cli_number(state, "--seed", arg, 0, UINT64_MAX);
        return 0;
    case OPT_IFINDEX:
        o->exec.ifindex = (uint32_t)cli_number(state, "--ifindex", arg, 1, INT32_MAX);
        return 0;
    case OPT_EGRESS:
        o->exec.egress = (uint32_t)cli_number(state, "--egress", arg, 1, INT32_MAX);
        return 0;
    case OPT_QUEUE:
        o->exec.queue = (uint32_t)cli_number(state, "--queue", arg, 0, SPEC_QUEUES - 1);
        return 0;
    case OPT_QUEUES:
        o->exec.queues = (uint32_t)cli_number(state, "--queues", arg, 1, SPEC_QUEUES);
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_QUIET:
        o->no_progress = true;
        return 0;
    case ARGP_KEY_END:
        if (!o->capture)
            argp_error(state, "-r IN is missing: the packets to run (sluice traffic makes some)");
        return 0;
    default:
        return parse_hardware(key, arg, state);
    }
}

const struct argp cli_run_argp = {.options = options_table, .parser = parse};

int cli_inputs_check(const struct cli_run_options *options, const struct cli_object_options *object)
{
    if (object->maps_in && !strcmp(object->maps_in, "-") && !strcmp(options->capture, "-"))
        return cli_fail("-r and --maps-in both read standard input; give one of them a file");
    return CLI_OK;
}

static bool is_among(const char *name, const struct exec_ops *const *executors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(executors[i]->name, name))
            return true;
    return false;
}

int cli_executors_check(const struct cli_run_options *options,
                        const struct exec_ops *const *executors, uint32_t count)
{
    if (options->exec.icarus && !is_among("pipeline", executors, count))
        return cli_fail("--icarus simulates pipelines; it needs -t pipeline");
    if (options->exec.cores > 1 && !is_among("microcode", executors, count))
        return cli_fail("only microcode runs on VLIW cores; --cores needs -t microcode");
    return CLI_OK;
}

int cli_net_read(struct cli_run_options *options, const struct cli_object *object)
{
    char why[EXEC_WHY_BYTES];

    if (options->fib &&
        netfile_read(options->fib, object->arena, &options->exec.net, why, sizeof(why)))
        return cli_fail("%s", why);
    return CLI_OK;
}

/* A run under way: the source walks the packets ahead of the sink. */
struct run {
    const struct pcap_capture *capture;
    const struct cli_run_options *options;
    const char *name;
    uint64_t total;    /* packets of all repetitions */
    uint64_t span_ns;  /* of one repetition */
    uint64_t sent;     /* next one for the source */
    uint64_t received; /* next one for the sink */
    cli_packet_fn fn;
    void *ctx;
    struct cli_result *result;
};

static const struct pcap_record *record_of(const struct run *run, uint64_t index, uint64_t *time_ns)
{
    const struct pcap_record *r = &run->capture->records[index % run->capture->count];

    *time_ns = r->time_ns + index / run->capture->count * run->span_ns;
    return r;
}

static bool next_packet(void *ctx, struct exec_packet *packet)
{
    struct run *run = ctx;

    for (; run->sent < run->total; run->sent++) {
        uint64_t time_ns;
        const struct pcap_record *r = record_of(run, run->sent, &time_ns);

        if (r->fitness != PCAP_OK)
            continue;
        *packet = (struct exec_packet){
            .data = r->data, .len = r->len, .time_ns = time_ns, .index = run->sent};
        run->sent++;
        return true;
    }
    return false;
}

/* Tells of packets that never reached the program, up to the next one that does. */
static int pass_unfit(struct run *run)
{
    int err = 0;

    for (; run->received < run->total && !err; run->received++) {
        uint64_t time_ns;
        const struct pcap_record *r = record_of(run, run->received, &time_ns);

        if (r->fitness == PCAP_OK)
            break;
        run->result->runts += r->fitness == PCAP_RUNT;
        run->result->giants += r->fitness == PCAP_GIANT;
        if (run->fn)
            err = run->fn(run->ctx, run->received, r, time_ns, NULL);
    }
    return err;
}

static int take_packet(void *ctx, const struct exec_output *output)
{
    struct run *run = ctx;
    struct cli_result *result = run->result;
    uint64_t time_ns;
    const struct pcap_record *r;
    int err = pass_unfit(run);

    if (err)
        return err;
    r = record_of(run, run->received, &time_ns);
    result->verdicts[output->ret < SPEC_VERDICTS ? output->ret : SPEC_XDP_ABORTED]++;
    if (result->latencies)
        result->latencies[result->packets] = (uint32_t)output->cycles;
    result->packets++;
    if (run->fn)
        err = run->fn(run->ctx, run->received, r, time_ns, output);
    run->received++;
    if (!run->options->no_progress && run->received % PROGRESS_EVERY == 0)
        cli_progress(run->name, run->received, run->total);
    return err;
}

static uint64_t span_of(const struct pcap_capture *c)
{
    uint64_t first = UINT64_MAX, last = 0;

    for (size_t i = 0; i < c->count; i++) {
        if (c->records[i].time_ns < first)
            first = c->records[i].time_ns;
        if (c->records[i].time_ns > last)
            last = c->records[i].time_ns;
    }
    return c->count ? last - first + 1 : 0;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

int cli_run_capture(struct exec *exec, const struct pcap_capture *capture,
                    const struct cli_run_options *options, cli_packet_fn fn, void *ctx,
                    struct cli_result *out, char why[EXEC_WHY_BYTES])
{
    struct cli_result result = {0};
    struct run run = {.capture = capture,
                      .options = options,
                      .name = exec->ops->name,
                      .total = capture->count * options->repeat,
                      .span_ns = span_of(capture),
                      .fn = fn,
                      .ctx = ctx,
                      .result = &result};
    const struct exec_stream stream = {&run, next_packet, take_packet};
    struct exec_stats stats = {0};
    int err = 0;

    *why = 0;
    if (exec->ops->hardware) {
        result.latencies = calloc(run.total + 1, sizeof(uint32_t));
        err = result.latencies ? 0 : -ENOMEM;
    }
    if (!err)
        err = exec->ops->run(exec, &stream, &stats, why);
    if (!err)
        err = pass_unfit(&run);
    cli_progress_clear();
    if (err) {
        if (!*why)
            snprintf(why, EXEC_WHY_BYTES, "the run failed: %s", strerror(-err));
        cli_result_free(&result);
        return err;
    }
    result.cycles = stats.cycles;
    result.ns = stats.ns;
    for (uint32_t i = 0; exec->ops->lost && i < exec->job->object->map_count; i++)
        result.lost[i] = exec->ops->lost(exec, i);
    if (result.latencies)
        qsort(result.latencies, result.packets, sizeof(uint32_t), by_value);
    *out = result;
    return 0;
}

void cli_result_free(struct cli_result *result)
{
    free(result->latencies);
    result->latencies = NULL;
}

uint32_t cli_latency(const struct cli_result *result, unsigned percentile)
{
    if (!result->packets || !result->latencies)
        return 0;
    return result->latencies[(result->packets - 1) * percentile / 100];
}

/* Ring buffers of an executor that has them, and how many records each lost; NULL: there are none.
 */
static json_t *lost_json(const struct exec_ops *ops, const struct load_object *object,
                         const struct cli_result *result)
{
    json_t *j = NULL;

    for (uint32_t i = 0; ops->lost && i < object->map_count; i++) {
        if (object->maps[i].type != SPEC_MAP_RINGBUF)
            continue;
        j = j ? j : json_object();
        json_object_set_new(j, object->maps[i].name, json_integer((json_int_t)result->lost[i]));
    }
    return j;
}

json_t *cli_result_json(const struct exec_ops *ops, const struct job *job,
                        const struct cli_result *result, uint32_t clock_mhz)
{
    const double packets = result->packets ? (double)result->packets : 1;
    json_t *j = json_object();
    json_t *verdicts = json_object();
    json_t *lost = lost_json(ops, job->object, result);

    json_object_set_new(j, "program", cli_json_text(job->prog->name));
    json_object_set_new(j, "executor", json_string(ops->name));
    json_object_set_new(j, "packets", json_integer((json_int_t)result->packets));
    json_object_set_new(j, "runts", json_integer((json_int_t)result->runts));
    json_object_set_new(j, "giants", json_integer((json_int_t)result->giants));
    for (uint32_t v = 0; v < SPEC_VERDICTS; v++)
        json_object_set_new(verdicts, spec_verdict_names[v],
                            json_integer((json_int_t)result->verdicts[v]));
    json_object_set_new(j, "verdicts", verdicts);
    if (lost)
        json_object_set_new(j, "lost", lost);
    if (ops->hardware) {
        const double cycles = (double)result->cycles;
        json_t *latency = json_object();

        json_object_set_new(j, "cycles", json_integer((json_int_t)result->cycles));
        json_object_set_new(j, "cycles_per_packet", json_real(cycles / packets));
        json_object_set_new(latency, "p50", json_integer(cli_latency(result, 50)));
        json_object_set_new(latency, "p99", json_integer(cli_latency(result, 99)));
        json_object_set_new(latency, "max", json_integer(cli_latency(result, 100)));
        json_object_set_new(j, "latency_cycles", latency);
        json_object_set_new(j, "assumed_clock_mhz", json_integer(clock_mhz));
        if (result->cycles)
            json_object_set_new(j, "mpps_at_assumed_clock",
                                json_real(packets * clock_mhz / cycles));
    } else {
        json_object_set_new(j, "ns", json_integer((json_int_t)result->ns));
        json_object_set_new(j, "ns_per_packet", json_real((double)result->ns / packets));
    }
    return j;
}
