/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/dev.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sluice dev: devices of net_sluice in a process that runs, by DPDK's telemetry socket. */

enum {
    OPT_SOCKET = 0x700,
    OPT_PORT,
    OPT_JSON,
    OPT_SECTION,
    OPT_MAPS,
    OPT_MIGRATE,
    OPT_EXECUTOR,
    OPT_COUNT,
    OPT_INTERVAL
};
enum { ARGUMENTS_MAX = 2048, BUILD_PATIENCE_MS = 900000 /* of a pipeline's model */ };

struct dev_arguments {
    struct dev_call call;
    const char *prefix;
    const char *socket;
    const char *port;
    char *arguments[ARGUMENTS_MAX];
    uint32_t count;
};

static const struct argp_option options_table[] = {
    {"file-prefix", 'f', "PREFIX", 0, "of the process, as it was given to it (default rte)", 0},
    {"socket", OPT_SOCKET, "PATH", 0, "its telemetry socket, in place of --file-prefix", 0},
    {"port", OPT_PORT, "N", 0, "DPDK's number of the device, if there are several", 0},
    {"json", OPT_JSON, NULL, 0, "print the result as JSON", 0},
    {"program", 'p', "NAME", 0, "load, swap: which program of the object (default: the first)", 0},
    {"section", OPT_SECTION, "NAME", 0, "load, swap: take the programs of this ELF section", 0},
    {"maps-in", OPT_MAPS, "FILE", 0, "load, swap: what its maps hold at first", 0},
    {"executor", OPT_EXECUTOR, "NAME", 0,
     "load, swap: where it is to run: microcode, pipeline or interp (the host)", 0},
    {"migrate", OPT_MIGRATE, NULL, 0,
     "swap: packets may wait while maps are copied that can't stay where they are", 0},
    {"count", OPT_COUNT, "N", 0, "top: end after so many refreshes", 0},
    {"interval", OPT_INTERVAL, "SECONDS", 0, "top: time between them (default 1)", 0},
    {0},
};

static double seconds_of(struct argp_state *state, const char *text)
{
    double value = 0;
    char end;

    if (sscanf(text, "%lf%c", &value, &end) != 1 || !(value >= 0.01 && value <= 3600))
        argp_error(state, "--interval takes a number from 0.01 to 3600, not \"%s\"", text);
    return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct dev_arguments *a = state->input;

    switch (key) {
    case 'f':
        a->prefix = arg;
        return 0;
    case OPT_SOCKET:
        a->socket = arg;
        return 0;
    case OPT_PORT:
        cli_number(state, "--port", arg, 0, UINT16_MAX);
        a->port = arg;
        return 0;
    case OPT_JSON:
        a->call.json = true;
        return 0;
    case 'p':
        a->call.program = arg;
        return 0;
    case OPT_SECTION:
        a->call.section = arg;
        return 0;
    case OPT_MAPS:
        a->call.maps = arg;
        return 0;
    case OPT_EXECUTOR:
        a->call.executor = arg;
        return 0;
    case OPT_MIGRATE:
        a->call.migrate = true;
        return 0;
    case OPT_COUNT:
        a->call.refreshes = cli_number(state, "--count", arg, 1, UINT32_MAX);
        return 0;
    case OPT_INTERVAL:
        a->call.seconds = seconds_of(state, arg);
        return 0;
    case ARGP_KEY_ARG:
        if (a->count == ARGUMENTS_MAX)
            argp_error(state, "too many arguments");
        a->arguments[a->count++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->count)
            argp_error(state, "COMMAND is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options_table,
    .parser = parse,
    .args_doc = "COMMAND",
    .doc =
        "Devices of net_sluice in a process that uses DPDK and is running.\vCommands:\n"
        "  list                           the devices\n"
        "  info                           what one is\n"
        "  load OBJECT                    load a program in place of the one that runs\n"
        "  swap OBJECT                    the same between two packets; maps of both are kept\n"
        "  unload                         all packets pass\n"
        "  stats                          all counters\n"
        "  top                            rates, again and again\n"
        "  map show [MAP]                 the program's maps\n"
        "  map dump MAP                   all entries of one\n"
        "  map lookup MAP key DATA\n"
        "  map update MAP key DATA value DATA [any|exist|noexist]\n"
        "  map delete MAP key DATA\n"
        "MAP is `name NAME' or `id N', DATA `[hex] BYTES', each byte a number, or all of them in "
        "one, as in 0x0a000001."};

/* --- asking --- */

static int tell(int err, const char *why)
{
    return err ? cli_fail("%s", *why ? why : strerror(-err)) : CLI_OK;
}

/* *err: what the process answers. */
static int ask(const struct dev_call *call, const char *command, const char *const *parameters,
               uint32_t count, json_t **answer, int *err)
{
    char why[DEV_TEXT_BYTES] = "";

    *err = remote_ask(&call->device, command, parameters, count, answer, why, sizeof(why));
    return tell(*err, why);
}

int dev_ask(const struct dev_call *call, const char *command, const char *const *parameters,
            uint32_t count, json_t **answer)
{
    int err;

    return ask(call, command, parameters, count, answer, &err);
}

int dev_counters(const struct dev_call *call, json_t **counters)
{
    char why[DEV_TEXT_BYTES] = "";

    return tell(remote_counters(&call->device, counters, why, sizeof(why)), why);
}

/* Ports of all devices. */
static int ask_ports(const struct dev_call *call, uint16_t *ports, uint32_t *count)
{
    char why[DEV_TEXT_BYTES] = "";

    return tell(remote_ports(call->device.telemetry, ports, count, why, sizeof(why)), why);
}

static int choose_port(struct dev_call *call, const char *wanted)
{
    uint16_t ports[REMOTE_PORTS_MAX];
    char text[DEV_TEXT_BYTES] = "";
    size_t used = 0;
    uint32_t count;
    int status;

    if (wanted) {
        snprintf(call->device.port, sizeof(call->device.port), "%lu", strtoul(wanted, NULL, 0));
        return CLI_OK;
    }
    status = ask_ports(call, ports, &count);
    if (status)
        return status;
    if (!count)
        return cli_fail("the process has no device of net_sluice");
    snprintf(call->device.port, sizeof(call->device.port), "%u", ports[0]);
    for (uint32_t i = 0; i < count && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? ", " : "", ports[i]);
    return count == 1
               ? CLI_OK
               : cli_fail("there are several devices, ports %s: choose one with --port", text);
}

/* --- commands --- */

static void print_line(const char *name, const json_t *value)
{
    printf("%s:", name);
    if (json_is_string(value))
        printf(" %s", json_string_value(value));
    else if (json_is_integer(value))
        printf(" %lld", (long long)json_integer_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        printf(" %lld", (long long)json_integer_value(json_array_get(value, i)));
    putchar('\n');
}

static int print_object(const struct dev_call *call, json_t *answer)
{
    const char *name;
    json_t *value;

    if (call->json)
        cli_print_json(answer);
    else
        json_object_foreach(answer, name, value) print_line(name, value);
    json_decref(answer);
    return CLI_OK;
}

static int dev_list(const struct dev_call *call)
{
    uint16_t ports[REMOTE_PORTS_MAX];
    json_t *devices = json_array();
    uint32_t count = 0;
    int status = ask_ports(call, ports, &count);

    for (uint32_t i = 0; !status && i < count; i++) {
        struct dev_call one = *call;
        json_t *info;

        snprintf(one.device.port, sizeof(one.device.port), "%u", ports[i]);
        status = dev_ask(&one, "info", NULL, 0, &info);
        if (!status)
            json_array_append_new(devices, info);
    }
    if (!status && call->json)
        cli_print_json(devices);
    for (size_t i = 0; !status && !call->json && i < json_array_size(devices); i++) {
        const json_t *d = json_array_get(devices, i);

        printf("%llu: %s  %s  %s  program %s\n", (unsigned long long)telemetry_number(d, "port"),
               telemetry_text(d, "name"), telemetry_text(d, "mac"), telemetry_text(d, "state"),
               telemetry_text(d, "program"));
    }
    json_decref(devices);
    return status;
}

/* What is known of the device and of its program. */
static int dev_info(const struct dev_call *call)
{
    json_t *info, *program;
    int status = dev_ask(call, "info", NULL, 0, &info);

    if (status)
        return status;
    status = dev_ask(call, "program", NULL, 0, &program);
    if (status) {
        json_decref(info);
        return status;
    }
    if (call->json) {
        json_object_set_new(info, "program", program);
        return print_object(call, info);
    }
    json_object_del(info, "program");
    print_object(call, info);
    printf("program: %s\n", telemetry_text(program, "name"));
    json_object_del(program, "name");
    return print_object(call, program);
}

static int say_loaded(const struct dev_call *call, json_t *answer)
{
    if (call->json)
        return print_object(call, answer);
    printf("port %s runs %s\n", call->device.port, telemetry_text(answer, "program"));
    json_decref(answer);
    return CLI_OK;
}

static int say_swapped(const struct dev_call *call, json_t *answer)
{
    if (!call->json)
        printf("%s; maps: %u stayed, %u copied, %u new\n",
               telemetry_number(answer, "in_place") ? "between two packets"
                                                    : "packets waited in the ports",
               (unsigned)telemetry_number(answer, "maps_stayed"),
               (unsigned)telemetry_number(answer, "maps_moved"),
               (unsigned)telemetry_number(answer, "maps_fresh"));
    return say_loaded(call, answer);
}

/* A file as the other process finds it: that has a folder of its own. */
static int add_path(char *parameter, size_t bytes, const char *name, const char *path)
{
    char *real = realpath(path, NULL);
    int status = CLI_OK;

    if (!real)
        return cli_fail("%s: %s", path, strerror(errno));
    if (snprintf(parameter, bytes, "%s=%s", name, real) >= (int)bytes)
        status = cli_fail("%s: %s", real, strerror(ENAMETOOLONG));
    free(real);
    return status;
}

/* The statuses of other verbs for what the verifier rejects, or no executor takes. */
static int status_of(int err)
{
    return err == -EACCES ? CLI_REJECTED : err == -ENOTSUP ? CLI_NO_FIT : CLI_USAGE;
}

static int replace(const struct dev_call *call, const char *command, json_t **answer)
{
    char text[5][PATH_MAX + 16];
    const char *parameters[6];
    uint32_t count = 1;
    int status = add_path(text[0], sizeof(text[0]), "path", call->arguments[0]), err = 0;

    if (!status && call->maps)
        status = add_path(text[count++], sizeof(text[0]), "maps", call->maps);
    if (call->program)
        snprintf(text[count++], sizeof(text[0]), "program=%s", call->program);
    if (call->section)
        snprintf(text[count++], sizeof(text[0]), "section=%s", call->section);
    if (call->executor)
        snprintf(text[count++], sizeof(text[0]), "executor=%s", call->executor);
    for (uint32_t i = 0; i < count; i++)
        parameters[i] = text[i];
    if (call->migrate)
        parameters[count++] = "migrate";
    if (!status)
        status = ask(call, command, parameters, count, answer, &err);
    if (err == -EXDEV && !call->migrate)
        cli_fail("with --migrate packets wait in the ports meanwhile, and it can be done");
    return err ? status_of(err) : status;
}

static int dev_load(const struct dev_call *call)
{
    json_t *answer;
    const int status = replace(call, "load", &answer);

    return status ? status : say_loaded(call, answer);
}

static int dev_swap(const struct dev_call *call)
{
    json_t *answer;
    const int status = replace(call, "swap", &answer);

    return status ? status : say_swapped(call, answer);
}

static int dev_unload(const struct dev_call *call)
{
    json_t *answer;
    const int status = dev_ask(call, "unload", NULL, 0, &answer);

    return status ? status : say_loaded(call, answer);
}

static int dev_stats(const struct dev_call *call)
{
    json_t *counters;
    const int status = dev_counters(call, &counters);

    return status ? status : print_object(call, counters);
}

static const struct {
    const char *name;
    uint32_t arguments_min, arguments_max;
    bool any_port; /* works on all devices */
    int (*run)(const struct dev_call *call);
} commands[] = {
    {"list", 0, 0, true, dev_list},
    {"show", 0, 0, true, dev_list},
    {"info", 0, 0, false, dev_info},
    {"load", 1, 1, false, dev_load},
    {"swap", 1, 1, false, dev_swap},
    {"unload", 0, 0, false, dev_unload},
    {"stats", 0, 0, false, dev_stats},
    {"top", 0, 0, false, dev_top},
    {"map", 1, ARGUMENTS_MAX, false, dev_map},
};

static int run(struct dev_arguments *a)
{
    char why[DEV_TEXT_BYTES] = "";
    struct dev_call *call = &a->call;
    bool builds; /* perhaps a pipeline's model */
    uint32_t i = 0;
    int status, err;

    while (i < sizeof(commands) / sizeof(commands[0]) && strcmp(commands[i].name, a->arguments[0]))
        i++;
    if (i == sizeof(commands) / sizeof(commands[0]))
        return cli_fail("no such command: \"%s\"; sluice dev --help lists them", a->arguments[0]);
    call->arguments = a->arguments + 1;
    call->count = a->count - 1;
    if (call->count < commands[i].arguments_min || call->count > commands[i].arguments_max)
        return cli_fail("sluice dev %s takes %s; see sluice dev --help", commands[i].name,
                        !commands[i].arguments_max ? "no argument" : "an argument");
    builds = commands[i].run == dev_load || commands[i].run == dev_swap;
    err = remote_connect(a->prefix, a->socket, builds ? BUILD_PATIENCE_MS : 0,
                         &call->device.telemetry, why, sizeof(why));
    if (err)
        return tell(err, why);
    status = commands[i].any_port ? CLI_OK : choose_port(call, a->port);
    if (!status)
        status = commands[i].run(call);
    telemetry_close(call->device.telemetry);
    return status;
}

int cli_dev(int argc, char **argv)
{
    struct dev_arguments a = {.prefix = "rte", .call.seconds = 1};

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    return run(&a);
}
