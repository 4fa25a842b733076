/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Devices of net_sluice in other processes: which there are, and what they tell. What a process
 * says is not trusted: texts are cut, numbers taken as they are. */

enum { PATH_BYTES = sizeof(((struct lib_device *)0)->socket) };

static void tell_why(const struct sluice_sink *sink, enum sluice_severity severity,
                     const char *code, int err, const char *why)
{
    lib_say(sink, severity, code, NULL, "%s", *why ? why : strerror(-err));
}

static bool is_of_connection(int err)
{
    return err == -EPIPE || err == -ETIMEDOUT || err == -EPROTO || err == -EMSGSIZE ||
           err == -ENODEV || err == -EOPNOTSUPP;
}

int lib_device_ask(struct lib_device *d, const struct sluice_sink *sink, const char *command,
                   const char *const *parameters, uint32_t count, json_t **answer)
{
    char why[EXEC_WHY_BYTES] = "";
    const int err = remote_ask(&d->remote, command, parameters, count, answer, why, sizeof(why));

    if (err && err != -ESTALE && (sink || is_of_connection(err)))
        tell_why(sink ? sink : &d->sink, SLUICE_ERROR, "LIB0009", err, why);
    return err;
}

/* --- which device --- */

static int name_of(struct lib_device *d, uint16_t port, char *name, size_t name_bytes)
{
    json_t *info;
    int err;

    snprintf(d->remote.port, sizeof(d->remote.port), "%u", port);
    err = lib_device_ask(d, &d->sink, "info", NULL, 0, &info);
    if (err)
        return err;
    snprintf(name, name_bytes, "%s", telemetry_text(info, "name"));
    json_decref(info);
    return 0;
}

static int find(struct lib_device *d, const char *wanted, char *name, size_t name_bytes)
{
    uint16_t ports[REMOTE_PORTS_MAX];
    char why[EXEC_WHY_BYTES] = "", number[16];
    uint32_t count = 0;
    int err = remote_ports(d->remote.telemetry, ports, &count, why, sizeof(why));

    if (err) {
        tell_why(&d->sink, SLUICE_ERROR, "LIB0009", err, why);
        return err;
    }
    if (!*wanted && count > 1) {
        lib_say(&d->sink, SLUICE_ERROR, "LIB0012", NULL,
                "the process behind %s has %u devices: name one", d->socket, count);
        return -ENOTUNIQ;
    }
    for (uint32_t i = 0; i < count; i++) {
        err = name_of(d, ports[i], name, name_bytes);
        if (err)
            return err;
        snprintf(number, sizeof(number), "%u", ports[i]);
        if (!*wanted || !strcmp(wanted, name) || !strcmp(wanted, number))
            return 0;
    }
    lib_say(&d->sink, SLUICE_ERROR, "LIB0012", NULL,
            "the process behind %s has no device \"%s\" of net_sluice", d->socket, wanted);
    return -ENODEV;
}

static int path_of(const char *prefix, const char *socket, char path[PATH_BYTES])
{
    if (socket)
        return snprintf(path, PATH_BYTES, "%s", socket) < PATH_BYTES ? 0 : -ENAMETOOLONG;
    return telemetry_path(prefix ? prefix : "rte", path, PATH_BYTES);
}

static int reach(const char *socket, uint32_t timeout_ms, enum sluice_severity severity,
                 struct lib_device *d)
{
    char why[EXEC_WHY_BYTES] = "";
    const int err =
        remote_connect(NULL, socket, timeout_ms, &d->remote.telemetry, why, sizeof(why));

    if (err)
        tell_why(&d->sink, severity, "LIB0009", err, why);
    return err;
}

int lib_device_open(const struct sluice_port_opts *opts, struct lib_device **out, char *name,
                    size_t name_bytes)
{
    struct lib_device *d = calloc(1, sizeof(*d));
    int err = d ? lib_sink(opts->sink, &d->sink) : -ENOMEM;

    if (!err)
        err = path_of(opts->file_prefix, opts->socket, d->socket);
    if (!err)
        err = reach(d->socket, opts->timeout_ms, SLUICE_ERROR, d);
    if (!err)
        err = find(d, opts->device, name, name_bytes);
    if (err)
        lib_device_close(d);
    else
        *out = d;
    return err;
}

void lib_device_close(struct lib_device *d)
{
    if (!d)
        return;
    telemetry_close(d->remote.telemetry);
    free(d);
}

/* --- what it tells --- */

static uint32_t number_of(const json_t *answer, const char *name)
{
    const uint64_t n = telemetry_number(answer, name);

    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

#define TEXT(to, answer, name) snprintf(to, sizeof(to), "%s", telemetry_text(answer, name))

static void take_program(const json_t *answer, struct sluice_port_info *info)
{
    if (!telemetry_number(answer, "loaded"))
        return;
    TEXT(info->program, answer, "name");
    TEXT(info->section, answer, "section");
    TEXT(info->path, answer, "path");
    TEXT(info->executor, answer, "executor");
    TEXT(info->reason, answer, "reason");
    info->instructions = number_of(answer, "instructions");
    info->maps = number_of(answer, "maps");
}

static void take_device(const json_t *answer, struct sluice_port_info *info)
{
    const json_t *links = json_object_get(answer, "links");

    TEXT(info->name, answer, "name");
    TEXT(info->mac, answer, "mac");
    TEXT(info->firmware, answer, "firmware");
    info->number = number_of(answer, "port");
    info->started = !strcmp(telemetry_text(answer, "state"), "started");
    info->mtu = number_of(answer, "mtu");
    info->rx_queues = number_of(answer, "rx_queues");
    info->tx_queues = number_of(answer, "tx_queues");
    info->rx_rings = number_of(answer, "rx_rings");
    info->tx_rings = number_of(answer, "tx_rings");
    info->kind = number_of(answer, "slot_kind");
    info->version = number_of(answer, "slot_version");
    info->cores = number_of(answer, "slot_cores");
    info->time_ns = telemetry_number(answer, "time_ns");
    for (uint32_t i = 0; i < 32 && i < json_array_size(links); i++) {
        info->link_count = i + 1;
        info->links_up |= (uint32_t)(json_integer_value(json_array_get(links, i)) != 0) << i;
    }
}

int lib_device_info(struct lib_device *d, struct sluice_port_info *out)
{
    struct sluice_port_info info = {.size = sizeof(info)};
    json_t *device, *program;
    int err = lib_device_ask(d, &d->sink, "info", NULL, 0, &device);

    if (err)
        return err;
    err = lib_device_ask(d, &d->sink, "program", NULL, 0, &program);
    if (!err) {
        take_device(device, &info);
        take_program(program, &info);
        snprintf(info.socket, sizeof(info.socket), "%s", d->socket);
        info.generation = telemetry_number(program, "generation");
        json_decref(program);
        *out = info;
    }
    json_decref(device);
    return err;
}

int lib_device_registers(struct lib_device *d, struct sluice_device_info *info)
{
    json_t *answer;
    const int err = lib_device_ask(d, &d->sink, "info", NULL, 0, &answer);

    if (err)
        return err;
    info->id = number_of(answer, "slot_id");
    info->version = number_of(answer, "slot_version");
    info->kind = number_of(answer, "slot_kind");
    info->stages = number_of(answer, "slot_stages");
    info->packets_in = number_of(answer, "slot_in");
    info->packets_out = number_of(answer, "slot_out");
    info->stalls = number_of(answer, "slot_stalls");
    info->rows = number_of(answer, "slot_rows");
    info->ext_lines = number_of(answer, "slot_ext_lines");
    json_decref(answer);
    return 0;
}

static int ask_counters(struct lib_device *d, json_t **counters)
{
    char why[EXEC_WHY_BYTES] = "";
    const int err = remote_counters(&d->remote, counters, why, sizeof(why));

    if (err)
        tell_why(&d->sink, SLUICE_ERROR, "LIB0009", err, why);
    return err;
}

int lib_device_stats(struct lib_device *d, struct sluice_stats *stats)
{
    json_t *counters;
    const int err = ask_counters(d, &counters);

    if (err)
        return err;
    stats->aborted = telemetry_number(counters, "rx_program_aborted");
    stats->dropped = telemetry_number(counters, "rx_program_drop");
    stats->passed = telemetry_number(counters, "rx_program_pass");
    stats->tx = telemetry_number(counters, "rx_program_tx");
    stats->redirected = telemetry_number(counters, "rx_program_redirect");
    stats->events = telemetry_number(counters, "rx_program_events");
    stats->packets =
        stats->aborted + stats->dropped + stats->passed + stats->tx + stats->redirected;
    for (uint32_t port = 0; port < 32; port++) {
        char name[32];

        snprintf(name, sizeof(name), "rx_port%u_bytes", port);
        stats->bytes_in += telemetry_number(counters, name);
    }
    json_decref(counters);
    return 0;
}

int lib_device_counters(struct lib_device *d, struct sluice_counter *out, uint32_t *count)
{
    json_t *counters, *value;
    const char *name;
    uint32_t i = 0;
    const int err = ask_counters(d, &counters);

    if (err)
        return err;
    json_object_foreach(counters, name, value)
    {
        if (i < *count) {
            snprintf(out[i].name, sizeof(out[i].name), "%s", name);
            out[i].value = (uint64_t)json_integer_value(value);
        }
        i++;
    }
    *count = i;
    json_decref(counters);
    return 0;
}

/* --- all devices --- */

struct list {
    uint8_t *at;
    size_t each;
    uint32_t room, count;
};

static int add_devices(struct lib_device *d, struct list *list)
{
    uint16_t ports[REMOTE_PORTS_MAX];
    char why[EXEC_WHY_BYTES] = "";
    uint32_t count = 0;
    int err = remote_ports(d->remote.telemetry, ports, &count, why, sizeof(why));

    if (err == -ENODEV) /* another application of DPDK */
        return 0;
    if (err)
        tell_why(&d->sink, SLUICE_ERROR, "LIB0009", err, why);
    for (uint32_t i = 0; i < count && !err; i++) {
        struct sluice_port_info info;

        snprintf(d->remote.port, sizeof(d->remote.port), "%u", ports[i]);
        if (list->count < list->room) {
            uint8_t *to = list->at + list->each * list->count;

            err = lib_device_info(d, &info);
            if (!err) {
                memcpy(to, &list->each, sizeof(list->each));
                err = lib_answer(to, &info, sizeof(info));
            }
        }
        list->count += !err;
    }
    return err;
}

static int list_one(const char *socket, const struct sluice_sink *sink, uint32_t timeout_ms,
                    enum sluice_severity severity, struct list *list)
{
    struct lib_device d = {.sink = *sink};
    int err = path_of(NULL, socket, d.socket);

    if (!err)
        err = reach(socket, timeout_ms, severity, &d);
    if (!err)
        err = add_devices(&d, list);
    telemetry_close(d.remote.telemetry);
    return err;
}

static void list_all(const struct sluice_sink *sink, uint32_t timeout_ms, struct list *list)
{
    char path[PATH_BYTES], pattern[PATH_BYTES + 1];
    glob_t found = {0};

    if (telemetry_path("*", path, sizeof(path)))
        return;
    /* a second process of a prefix has :1 behind it */
    snprintf(pattern, sizeof(pattern), "%s*", path);
    if (!glob(pattern, 0, NULL, &found))
        for (size_t i = 0; i < found.gl_pathc; i++)
            list_one(found.gl_pathv[i], sink, timeout_ms, SLUICE_WARNING, list);
    globfree(&found);
}

int sluice_device_list(const struct sluice_device_list_opts *user, struct sluice_port_info *infos,
                       size_t info_size, uint32_t *count)
{
    struct sluice_device_list_opts opts;
    struct sluice_sink sink;
    char path[PATH_BYTES];
    struct list list;
    int err = lib_options(&opts, sizeof(opts), user);

    if (!err)
        err = lib_sink(opts.sink, &sink);
    if (err)
        return err;
    if (!count || info_size < sizeof(info_size) || (*count && !infos) || opts.reserved)
        return -EINVAL;
    list = (struct list){.at = (uint8_t *)infos, .each = info_size, .room = *count};
    if (opts.socket || opts.file_prefix) {
        err = path_of(opts.file_prefix, opts.socket, path);
        if (!err)
            err = list_one(path, &sink, opts.timeout_ms, SLUICE_ERROR, &list);
    } else {
        list_all(&sink, opts.timeout_ms, &list);
    }
    if (!err)
        *count = list.count;
    return err;
}
