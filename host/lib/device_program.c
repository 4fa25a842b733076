/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs on devices of other processes. The library verifies a program before it is handed over,
 * and the process does so again. */

enum { TRIES = 8 /* while others replace programs, too */ };

/* --- loading --- */

static int refuse(const struct sluice_sink *sink, const char *code, const char *program,
                  const char *why)
{
    lib_say(sink, SLUICE_ERROR, code, program, "%s", why);
    return -EOPNOTSUPP;
}

static bool is_devices(const char *executor)
{
    return !strcmp(executor, "microcode") || !strcmp(executor, "pipeline") ||
           !strcmp(executor, "interp");
}

static int check_options(const struct sluice_load_opts *opts, const char *program,
                         const struct sluice_sink *sink)
{
    const struct {
        bool is_set;
        const char *why;
    } refused[] = {
        {opts->executor && !is_devices(opts->executor),
         "executor: on a device it is one of \"microcode\", \"pipeline\" and \"interp\", or NULL: "
         "as the device's own arguments say"},
        {opts->fib, "fib: a device has no tables of routes"},
        {opts->event, "event: a device tells its own process what programs tell "
                      "(rte_pmd_sluice_events), not others"},
        {opts->seed || opts->ifindex || opts->queue,
         "seed, ifindex and queue are those of the packets that a device receives"},
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (refused[i].is_set)
            return refuse(sink, "LIB0010", program, refused[i].why);
    return 0;
}

/* Whether a process that reads the object takes the same program. */
static int check_object(const struct sluice_loaded *l, const struct sluice_sink *sink)
{
    const struct sluice_object *o = l->object;

    if (!o->image)
        return refuse(sink, "LIB0011", NULL,
                      "the object's file could not be kept when it was read");
    for (uint32_t i = 1; o->any_type && !l->image && i < l->file->prog_count; i++)
        if (strcmp(l->file->progs[i].section, l->file->progs->section))
            return refuse(sink, "LIB0011", l->job->prog->name,
                          "any_type: the program may go on in programs of other sections, of which "
                          "a device takes one");
    return 0;
}

int lib_device_load(struct sluice_loaded *l, const struct sluice_load_opts *opts,
                    const struct sluice_sink *sink)
{
    const char *program = l->job->prog->name;
    char why[EXEC_WHY_BYTES] = "";
    const struct exec_ops *ops;
    int err = opts->port->device ? check_options(opts, program, sink) : -EINVAL;

    if (err)
        return err;
    ops = exec_find(opts->executor ? opts->executor : "microcode");
    l->wanted = opts->executor ? ops->name : NULL;
    if (ops->fits(l->job, why))
        lib_say(sink, SLUICE_NOTE, "LIB0002", program, "does not fit %s: %s", ops->name, why);
    if (l->object->altered) {
        err = lib_image_alter(l);
        if (err == -EOPNOTSUPP)
            refuse(sink, "LIB0011", program,
                   "sizes or initial values of its maps were set, and a program with such maps "
                   "can't be handed over with them");
    }
    if (!err)
        err = check_object(l, sink);
    if (!err)
        err = lib_image_name(l->object);
    if (!err) {
        l->target = opts->port;
        lib_port_hold(l->target);
    }
    return err;
}

/* --- what runs --- */

struct running {
    bool loaded; /* otherwise all packets pass */
    uint64_t generation;
    char executor[16];
    char reason[EXEC_WHY_BYTES];
};

static int ask_running(struct lib_device *d, struct running *r)
{
    json_t *answer;
    const int err = lib_device_ask(d, &d->sink, "program", NULL, 0, &answer);

    if (err)
        return err;
    r->loaded = telemetry_number(answer, "loaded");
    r->generation = telemetry_number(answer, "generation");
    snprintf(r->executor, sizeof(r->executor), "%s", telemetry_text(answer, "executor"));
    snprintf(r->reason, sizeof(r->reason), "%s", telemetry_text(answer, "reason"));
    json_decref(answer);
    if (r->generation)
        return 0;
    lib_say(&d->sink, SLUICE_ERROR, "LIB0009", NULL,
            "the process behind %s has a driver that does not tell programs apart", d->socket);
    return -EPROTO;
}

/* ... and lets go of the port's program if another one has taken its place. */
static int ask_port(struct sluice_port *port, struct running *r)
{
    const int err = ask_running(port->device, r);

    if (!err && port->loaded && port->loaded->generation != r->generation)
        lib_port_let_go(port);
    return err;
}

/* The same of a port that is to have a program, or -ENOENT. */
static int ask_loaded(struct sluice_port *port, struct running *r)
{
    const int err = ask_port(port, r);

    return err ? err : r->loaded ? 0 : -ENOENT;
}

static uint32_t add(char (*text)[PATH_MAX + 16], uint32_t count, const char *format,
                    const char *value)
{
    snprintf(text[count], sizeof(text[0]), format, value);
    return count + 1;
}

/* Has the process read the object and run its program if that of generation still runs. */
static int send_program(struct sluice_port *port, const struct sluice_loaded *l,
                        const char *command, uint64_t generation, bool migrate,
                        const struct sluice_sink *sink, json_t **answer)
{
    const struct sluice_object *o = l->object;
    char text[4][PATH_MAX + 16], last[48];
    const char *parameters[6], *path;
    uint32_t pid, uid = 0, count = 0;
    int err = telemetry_peer(port->device->remote.telemetry, &pid, &uid);

    if (!err)
        err = lib_image_lend((struct sluice_loaded *)(uintptr_t)l, uid, &path);
    if (err) {
        lib_say(sink, SLUICE_ERROR, "LIB0011", l->job->prog->name,
                "the object can't be handed to the process: %s", strerror(-err));
        return err;
    }
    count = add(text, count, "path=%s", path);
    count = add(text, count, "program=%s", l->job->prog->name);
    if (o->section || o->any_type)
        count = add(text, count, "section=%s", l->job->prog->section);
    if (l->wanted)
        count = add(text, count, "executor=%s", l->wanted);
    for (uint32_t i = 0; i < count; i++)
        parameters[i] = text[i];
    if (migrate)
        parameters[count++] = "migrate";
    snprintf(last, sizeof(last), "generation=%llu", (unsigned long long)generation);
    parameters[count++] = last;
    err = lib_device_ask(port->device, sink, command, parameters, count, answer);
    lib_image_take_back((struct sluice_loaded *)(uintptr_t)l, path);
    return err;
}

/* The program runs: the port has it in place of what it had. */
static void take_over(struct sluice_port *port, struct sluice_loaded *l, const json_t *answer,
                      const struct sluice_sink *sink)
{
    struct running r;

    l->generation = telemetry_number(answer, "generation");
    if (port->loaded)
        lib_port_let_go(port);
    lib_loaded_hold(l);
    port->loaded = l;
    l->executor[0] = 0;
    if (ask_running(port->device, &r) || r.generation != l->generation)
        return;
    snprintf(l->executor, sizeof(l->executor), "%s", r.executor);
    if (*r.reason)
        lib_say(sink, SLUICE_NOTE, "LIB0002", l->job->prog->name, "runs on the host's CPU: %s",
                r.reason);
}

int lib_device_attach(struct sluice_port *port, struct sluice_loaded *l)
{
    const struct sluice_sink *sink = &port->device->sink;
    struct running r;
    json_t *answer;
    int err = l->target == port ? ask_port(port, &r) : -EINVAL;

    if (err)
        return err;
    if (r.loaded || !lib_port_claim(port, l))
        return -EBUSY;
    err = send_program(port, l, "load", r.generation, false, sink, &answer);
    if (err) {
        atomic_store(&l->port, 0);
        return err == -ESTALE ? -EBUSY : err; /* somebody else was faster */
    }
    take_over(port, l, answer, sink);
    json_decref(answer);
    return 0;
}

int lib_device_swap(struct sluice_port *port, struct sluice_loaded *l, uint32_t flags,
                    const struct sluice_sink *user, struct sluice_swap_result *result)
{
    const struct sluice_sink *sink = user && user->diag ? user : &port->device->sink;
    int err = l->target == port ? -ESTALE : -EINVAL;
    struct running r;
    json_t *answer;

    for (uint32_t i = 0; err == -ESTALE && i < TRIES; i++) {
        err = ask_loaded(port, &r);
        if (err)
            return err;
        if (!lib_port_claim(port, l))
            return -EBUSY;
        err =
            send_program(port, l, "swap", r.generation, flags & SLUICE_SWAP_MIGRATE, sink, &answer);
        if (err)
            atomic_store(&l->port, 0);
    }
    if (err)
        return err;
    take_over(port, l, answer, sink);
    result->in_place = (uint32_t)telemetry_number(answer, "in_place");
    result->stayed = (uint32_t)telemetry_number(answer, "maps_stayed");
    result->moved = (uint32_t)telemetry_number(answer, "maps_moved");
    result->fresh = (uint32_t)telemetry_number(answer, "maps_fresh");
    json_decref(answer);
    return 0;
}

int lib_device_detach(struct sluice_port *port)
{
    int err = -ESTALE;

    for (uint32_t i = 0; err == -ESTALE && i < TRIES; i++) {
        struct running r;
        char last[48];
        const char *const parameters[] = {last};
        json_t *answer;

        err = ask_loaded(port, &r);
        if (err)
            return err;
        snprintf(last, sizeof(last), "generation=%llu", (unsigned long long)r.generation);
        err = lib_device_ask(port->device, &port->device->sink, "unload", parameters, 1, &answer);
        if (!err)
            json_decref(answer);
    }
    if (!err && port->loaded)
        lib_port_let_go(port);
    return err;
}
