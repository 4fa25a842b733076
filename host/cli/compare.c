/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/events.h"
#include "host/cli/output.h"
#include "host/cli/record.h"
#include "host/ctl/mapfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sluice compare: all executors on the same packets; the first that runs is what the others are
 * held against. */

enum { DIFFERENCES_MAX = 200, NAMES_MAX = 16 };

struct compare_arguments {
    struct cli_object_options object;
    struct cli_run_options run;
    struct cli_output waves;
    const struct exec_ops *names[NAMES_MAX];
    uint32_t name_count;
};

static const struct argp_option options_table[] = {
    {"target", 't', "A,B,...", 0, "executors to compare (default: all)", 0},
    {0},
};

static void add_name(struct compare_arguments *a, struct argp_state *state, const char *name)
{
    const struct exec_ops *ops = exec_find(name);
    char known[128];

    if (!ops)
        argp_error(state, "-t: no executor \"%s\"; there are %s", name,
                   cli_executors(known, sizeof(known)));
    for (uint32_t i = 0; i < a->name_count; i++)
        if (a->names[i] == ops)
            argp_error(state, "-t names %s twice; an executor agrees with itself", name);
    if (a->name_count < NAMES_MAX)
        a->names[a->name_count++] = ops;
}

static void add_names(struct compare_arguments *a, struct argp_state *state, const char *list)
{
    char *copy = strdup(list);
    char *rest = NULL;

    a->name_count = 0;
    for (char *n = copy ? strtok_r(copy, ",", &rest) : NULL; n; n = strtok_r(NULL, ",", &rest))
        add_name(a, state, n);
    free(copy);
    if (!a->name_count)
        argp_error(state, "-t takes names of executors, separated by commas");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct compare_arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->object;
        state->child_inputs[1] = &a->run;
        return 0;
    case 't':
        add_names(a, state, arg);
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
                                 .doc = "Runs a capture on all executors and compares verdicts, "
                                        "return values, redirects, output bytes and maps."};

/* A comparison under way. */
struct comparison {
    struct compare_arguments *a;
    struct job *job;
    const struct pcap_capture *capture;
    const json_t *maps_in;
    struct record record;            /* of the first executor that ran */
    struct snapshot *maps;           /* its maps after the run */
    struct event_log events;         /* ... its events */
    struct event_log running_events; /* those of the executor that is running */
    uint64_t lost[SPEC_MAPS];        /* records that ring buffers of the first one lost */
    const struct exec_ops *reference;
    const struct exec_ops *running;
    json_t *executors;
    json_t *differences;
    bool device_ran;         /* a hardware executor did, so there are waves */
    uint64_t mismatches;     /* of all */
    uint64_t own_mismatches; /* of the executor that is running */
};

static int take_packet(void *ctx, uint64_t index, const struct pcap_record *record,
                       uint64_t time_ns, const struct exec_output *output)
{
    struct comparison *c = ctx;

    (void)record;
    (void)time_ns;
    if (c->running == c->reference)
        return record_add(&c->record, index, output);
    if (record_differs(&c->record, index, c->running, output, c->differences, DIFFERENCES_MAX))
        c->own_mismatches++;
    return 0;
}

static int take_event(void *ctx, const struct exec_event *event)
{
    struct comparison *c = ctx;

    return event_log_add(c->running == c->reference ? &c->events : &c->running_events, event);
}

static void compare_events(struct comparison *c)
{
    if (c->running != c->reference)
        c->own_mismatches +=
            event_log_differs(&c->events, &c->running_events, c->job->object, c->running->name,
                              !c->running->prints_hidden, c->differences, DIFFERENCES_MAX);
    event_log_close(&c->running_events);
}

/* Keeps or compares how many records ring buffers lost. */
static void compare_lost(struct comparison *c, const struct cli_result *result)
{
    const struct load_object *o = c->job->object;
    char field[256];

    for (uint32_t i = 0; i < o->map_count && i < SPEC_MAPS; i++) {
        if (c->running == c->reference)
            c->lost[i] = result->lost[i];
        if (!c->running->lost || c->lost[i] == result->lost[i])
            continue;
        snprintf(field, sizeof(field), "lost of %s", o->maps[i].name);
        record_note(c->differences, DIFFERENCES_MAX, json_null(), c->running->name, field,
                    json_integer((json_int_t)c->lost[i]),
                    json_integer((json_int_t)result->lost[i]));
        c->own_mismatches++;
    }
}

static void skip(struct comparison *c, const struct exec_ops *ops, const char *why)
{
    json_t *j = json_object();

    json_object_set_new(j, "skipped", cli_json_text(why));
    json_object_set_new(c->executors, ops->name, j);
}

/* Keeps or compares the maps after the run. */
static int take_maps(struct comparison *c, struct exec *exec)
{
    const struct load_object *o = c->job->object;
    int err = 0;

    for (uint32_t i = 0; i < o->map_count && !err; i++) {
        struct snapshot s;

        err = snapshot_take(exec, i, &s);
        if (err)
            break;
        if (c->running == c->reference) {
            c->maps[i] = s;
            continue;
        }
        c->own_mismatches += record_map_differs(o->maps[i].name, &c->maps[i], &s, c->running->name,
                                                c->differences, DIFFERENCES_MAX);
        snapshot_free(&s);
    }
    return err;
}

/* 0, or negative errno and why if the executor could not do it (it is then skipped). */
static int run_opened(struct comparison *c, struct exec *exec, char why[EXEC_WHY_BYTES])
{
    const struct cli_run_options *o = &c->a->run;
    struct cli_result result = {0};
    json_t *j;
    int err = 0;

    if (c->maps_in)
        err = mapfile_fill(c->a->object.maps_in, c->maps_in, exec, why, EXEC_WHY_BYTES);
    if (!err)
        err = cli_run_capture(exec, c->capture, o, take_packet, c, &result, why);
    if (err)
        return err;
    compare_events(c);
    compare_lost(c, &result);
    err = take_maps(c, exec);
    if (err) {
        snprintf(why, EXEC_WHY_BYTES, "the maps can't be read back: %s", strerror(-err));
    } else {
        j = cli_result_json(exec->ops, c->job, &result, o->clock_mhz);
        json_object_set_new(j, "mismatches", json_integer((json_int_t)c->own_mismatches));
        json_object_set_new(c->executors, exec->ops->name, j);
    }
    cli_result_free(&result);
    return err;
}

/* Takes back what an executor gave before it could not go on. */
static void forget(struct comparison *c, const struct exec_ops *ops, size_t differences)
{
    while (json_array_size(c->differences) > differences)
        json_array_remove(c->differences, json_array_size(c->differences) - 1);
    if (c->reference != ops)
        return;
    c->reference = NULL;
    record_close(&c->record);
    event_log_close(&c->events);
    for (uint32_t i = 0; i < c->job->object->map_count; i++)
        snapshot_free(&c->maps[i]);
}

/* Runs one executor. Non-zero only for what ends the whole comparison: a fault of Sluice's own. */
static int run_one(struct comparison *c, const struct exec_ops *ops)
{
    struct exec_options options = c->a->run.exec;
    char why[EXEC_WHY_BYTES] = "";
    const size_t differences = json_array_size(c->differences);
    struct exec *exec = NULL;
    const struct exec_listener listener = {c, take_event};
    int err = ops->fits(c->job, why);

    options.listener = &listener;
    event_log_close(&c->running_events);
    options.waves = ops->hardware ? c->a->waves.out.temporary : NULL;
    if (!err)
        err = exec_open(ops, c->job, &options, &exec, why);
    if (err) {
        skip(c, ops, why);
        return 0;
    }
    c->running = ops;
    c->own_mismatches = 0;
    if (!c->reference) {
        c->reference = ops;
        err = record_open(&c->record, c->capture->count * c->a->run.repeat);
    }
    if (!err)
        err = run_opened(c, exec, why);
    exec_close(exec);
    if (err == -ENOTSUP) {
        forget(c, ops, differences);
        skip(c, ops, why);
        return 0;
    }
    if (err)
        return cli_fail("%s: %s", ops->name, *why ? why : strerror(-err));
    c->device_ran |= ops->hardware;
    c->mismatches += c->own_mismatches;
    return 0;
}

static double number_of(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

static void print_row(const char *name, const json_t *j)
{
    const char *skipped = json_string_value(json_object_get(j, "skipped"));
    const json_t *verdicts = json_object_get(j, "verdicts");
    const json_t *latency = json_object_get(j, "latency_cycles");
    char cost[48];

    if (skipped) {
        printf("%-10s skipped: %s\n", name, skipped);
        return;
    }
    if (latency)
        snprintf(cost, sizeof(cost), "%10.2f cycles", number_of(j, "cycles_per_packet"));
    else
        snprintf(cost, sizeof(cost), "%10.1f ns", number_of(j, "ns_per_packet"));
    printf("%-10s", name);
    for (uint32_t v = 0; v < SPEC_VERDICTS; v++)
        printf(" %8.0f", number_of(verdicts, spec_verdict_names[v]));
    printf(" %10.0f  %-18s", number_of(j, "mismatches"), cost);
    if (latency)
        printf(" %8.2f  %.0f / %.0f / %.0f", number_of(j, "mpps_at_assumed_clock"),
               number_of(latency, "p50"), number_of(latency, "p99"), number_of(latency, "max"));
    else if (number_of(j, "ns_per_packet") > 0)
        printf(" %8.2f", 1000.0 / number_of(j, "ns_per_packet"));
    putchar('\n');
}

static void print_table(const struct comparison *c)
{
    const char *name;
    const json_t *j;
    const json_t *d;
    size_t i;

    printf("%s: %zu packets\n\n", c->job->prog->name, c->capture->count * c->a->run.repeat);
    printf("%-10s %8s %8s %8s %8s %8s %10s  %-18s %8s  %s\n", "executor", "ABORTED", "DROP", "PASS",
           "TX", "REDIRECT", "mismatches", "a packet", "Mpps", "latency (p50 / p99 / max cycles)");
    json_object_foreach(c->executors, name, j) print_row(name, j);
    if (!c->reference)
        return;
    printf("\nHardware Mpps are cycles in simulation at an assumed clock of %u MHz; software times "
           "are this machine's.\n",
           c->a->run.clock_mhz);
    if (c->capture->runts || c->capture->giants)
        printf("Not run: %zu packets under %d bytes, %zu over %d bytes (no driver hands them to "
               "XDP).\n",
               c->capture->runts, SPEC_PKT_MIN_BYTES, c->capture->giants, SPEC_PKT_MAX_BYTES);
    json_array_foreach(c->differences, i, d)
    {
        char *text = i < 10 ? json_dumps(d, JSON_COMPACT) : NULL;

        if (text)
            fprintf(stderr, "difference: %s\n", text);
        free(text);
    }
    printf("%llu mismatches\n", (unsigned long long)c->mismatches);
}

static void print_json(const struct comparison *c)
{
    json_t *j = json_object();

    json_object_set_new(j, "program", cli_json_text(c->job->prog->name));
    json_object_set_new(j, "packets",
                        json_integer((json_int_t)(c->capture->count * c->a->run.repeat)));
    json_object_set_new(j, "reference",
                        c->reference ? json_string(c->reference->name) : json_null());
    json_object_set(j, "executors", c->executors);
    json_object_set_new(j, "mismatches", json_integer((json_int_t)c->mismatches));
    json_object_set(j, "differences", c->differences);
    cli_print_json(j);
    json_decref(j);
}

/* The first executor's outcomes are kept. */
static int check_memory(const struct comparison *c)
{
    const size_t count = c->capture->count;
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += c->capture->records[i].len;
    return cli_check_memory("the outcomes of all packets, which are compared,",
                            count * c->a->run.repeat,
                            sizeof(struct record_packet) + (count ? bytes / count : 0));
}

static int compare_all(struct comparison *c)
{
    struct compare_arguments *a = c->a;
    const uint32_t n = a->name_count ? a->name_count : exec_count;
    int status = check_memory(c);

    if (!status)
        status = cli_outputs_open(&a->waves, 1, a->run.json ? "--json" : NULL);

    if (!status)
        status = cli_waves_check(&a->waves);
    for (uint32_t i = 0; i < n && !status; i++)
        status = run_one(c, a->name_count ? a->names[i] : exec_table[i]);
    status = cli_waves_close(&a->waves, c->device_ran, status);
    if (status)
        return status;
    if (a->run.json)
        print_json(c);
    else
        print_table(c);
    if (!c->reference)
        return cli_no_fit("no executor that was asked for runs %s", c->job->prog->name);
    return c->mismatches ? CLI_DIFFERS : CLI_OK;
}

/* One file of waves needs one device. */
static int check_waves(const struct compare_arguments *a)
{
    uint32_t devices = 0;

    for (uint32_t i = 0; i < a->name_count; i++)
        devices += a->names[i]->hardware;
    if (!a->run.waves || devices == 1)
        return CLI_OK;
    return cli_fail("--waves writes the waves of one device; name one hardware executor, as in -t "
                    "interp,microcode");
}

int cli_compare(int argc, char **argv)
{
    struct compare_arguments a = {.waves = {.option = "--waves", .waves = true}};
    struct comparison c = {.a = &a};
    struct pcap_capture capture = {0};
    struct cli_object object = {0};
    struct job_options job_options = {.size = sizeof(job_options)};
    char why[EXEC_WHY_BYTES];
    int status;

    cli_run_options_init(&a.run);
    if (argp_parse(&argp, argc, argv, 0, NULL, &a) || check_waves(&a) ||
        (a.name_count && cli_executors_check(&a.run, a.names, a.name_count)))
        return CLI_USAGE;
    a.waves.path = a.run.waves;
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
        c.job = cli_job_open(&a.object, &object, &job_options, &status);
    c.capture = &capture;
    c.executors = json_object();
    c.differences = json_array();
    if (!status && pcap_capture_read(a.run.capture, &capture, why, sizeof(why)))
        status = cli_fail("%s", why);
    c.maps_in = object.maps;
    c.maps = calloc(object.object->map_count + 1, sizeof(*c.maps));
    if (!c.maps && !status)
        status = cli_fail("no memory");
    if (!status)
        status = compare_all(&c);
    for (uint32_t i = 0; c.maps && i < object.object->map_count; i++)
        snapshot_free(&c.maps[i]);
    free(c.maps);
    json_decref(c.executors);
    json_decref(c.differences);
    record_close(&c.record);
    event_log_close(&c.events);
    event_log_close(&c.running_events);
    pcap_capture_free(&capture);
    cli_object_close(&object);
    return status;
}
