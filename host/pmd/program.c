/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program.h"
#include "host/ctl/mapfile.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the slot runs: an object file, verified and translated by what the command line uses, on the
 * executor `microcode` over this device. */

/* r0 = XDP_PASS; exit (RFC 9669) */
static const uint8_t pass_all[] = {0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};

static void say(char *why, const char *text)
{
    snprintf(why, EXEC_WHY_BYTES, "%s", text);
}

static int pick(struct pmd_program *p, const char *name, char *why)
{
    const struct load_object *o = p->object;

    for (uint32_t i = 0; !p->prog && i < o->prog_count; i++)
        if (!name || !strcmp(o->progs[i].name, name))
            p->prog = &o->progs[i];
    if (!p->prog) {
        snprintf(why, EXEC_WHY_BYTES, "the object has no program \"%s\"", name ? name : "");
        return -ENOENT;
    }
    if (p->prog->refusal) {
        exec_why(why, p->prog->refusal, -EINVAL);
        return -EINVAL;
    }
    p->object = load_only(p->object, p->prog, p->arena);
    if (!p->object)
        return -ENOMEM;
    p->prog = p->object->progs;
    return 0;
}

static int read_object(struct pmd_program *p, const struct rte_pmd_sluice_program *what, char *why)
{
    const struct load_options options = {.size = sizeof(options), .section = what->section};
    struct diag_sink sink = diag_sink_make(p->arena);
    jmp_buf oom;
    int err;

    if (setjmp(oom)) {
        arena_set_oom(p->arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(p->arena, &oom);
    err = what->path
              ? load_object(what->path, &options, p->arena, &sink, &p->object)
              : load_raw(pass_all, sizeof(pass_all), "pass", NULL, 0, p->arena, &sink, &p->object);
    arena_set_oom(p->arena, NULL);
    if (err) {
        exec_why(why, diag_first_error(&sink), err < 0 ? err : -EINVAL);
        return err < 0 ? err : -EINVAL;
    }
    return pick(p, what->program, why);
}

/* What the maps are to hold; what it says of read-only data and of maps of programs counts when the
 * program is verified. */
static int read_maps(struct pmd_program *p, const char *path, struct job_options *options,
                     char *why)
{
    struct load_value *values = NULL;
    int err;

    if (!path)
        return 0;
    p->maps_path = path;
    err = mapfile_read(path, p->object, &p->maps, why, EXEC_WHY_BYTES);
    if (!err)
        err = mapfile_preset(path, p->maps, p->object, p->arena, why, EXEC_WHY_BYTES);
    if (!err)
        err = mapfile_programs(p->maps, p->object, p->arena, &values, &options->value_count);
    options->values = values;
    options->values_known = true;
    return err;
}

static void close_program(struct pmd_program *p)
{
    if (!p)
        return;
    exec_close(p->exec);
    json_decref(p->maps);
    arena_close(p->arena);
    free(p);
}

void pmd_program_unload(struct pmd *pmd)
{
    close_program(pmd->program);
    pmd->program = NULL;
}

/* Verifies and translates. */
static int prepare(struct pmd_program *p, const struct rte_pmd_sluice_program *what, char *why)
{
    struct job_options options = {.size = sizeof(options)};
    int err = read_object(p, what, why);

    if (!err)
        err = read_maps(p, what->maps, &options, why);
    if (err)
        return err;
    p->job = job_open(p->object, p->prog, &options, p->arena);
    if (!p->job)
        return -ENOMEM;
    err = exec_find("microcode")->fits(p->job, why);
    if (!err && p->job->ir->events.count) {
        say(why,
            "the program makes events (perf events, ring buffers or printed lines), which this "
            "driver does not hand on yet");
        err = -ENOTSUP;
    }
    return err;
}

static int check_slot(struct pmd *pmd, char *why)
{
    enum { KIND_CORE = 1 };
    uint32_t kind = 0;
    const int err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_KIND, &kind);

    if (!err && kind == KIND_CORE)
        return 0;
    say(why, "the device's slot holds no core, so no program can be loaded");
    return err ? err : -ENOTSUP;
}

/* Replaces what runs; from here on a failure leaves no program. */
static int run(struct pmd *pmd, struct pmd_program *p, char *why)
{
    const struct exec_options options = {.size = sizeof(options), .dev = pmd->dev};
    int err;

    pthread_mutex_lock(&pmd->lock);
    err = nic_slot_drain(&pmd->nic);
    pmd_program_unload(pmd);
    if (err) {
        say(why, "the device does not finish the packets that it has");
    } else {
        err = exec_open(exec_find("microcode"), p->job, &options, &p->exec, why);
        if (!err && p->maps)
            err = mapfile_fill(p->maps_path, p->maps, p->exec, why, EXEC_WHY_BYTES);
        if (err)
            nic_slot_drain(&pmd->nic);
        else
            pmd->program = p;
    }
    pthread_mutex_unlock(&pmd->lock);
    return err ? -EIO : 0;
}

int pmd_program_load(struct pmd *pmd, const struct rte_pmd_sluice_program *what, char *why)
{
    struct pmd_program *p = calloc(1, sizeof(*p));
    int err = -ENOMEM;

    *why = 0;
    if (p)
        p->arena = arena_open();
    if (p && p->arena)
        err = check_slot(pmd, why);
    if (!err)
        err = prepare(p, what, why);
    if (!err)
        err = run(pmd, p, why);
    if (err && p) {
        if (!*why)
            say(why, strerror(-err));
        if (p->arena)
            close_program(p);
        else
            free(p);
    }
    return err;
}

void pmd_program_name(struct pmd *pmd, char *name, size_t bytes)
{
    pthread_mutex_lock(&pmd->lock);
    snprintf(name, bytes, "%s", pmd->program ? pmd->program->prog->name : "none");
    pthread_mutex_unlock(&pmd->lock);
}

/* --- rte_pmd_sluice.h --- */

int rte_pmd_sluice_program_load(uint16_t port_id, const struct rte_pmd_sluice_program *what,
                                char *why, size_t why_bytes)
{
    struct pmd *pmd = pmd_of_port(port_id);
    char text[EXEC_WHY_BYTES] = "";
    const int err = !pmd                   ? -ENODEV
                    : !what || !what->path ? -EINVAL
                                           : pmd_program_load(pmd, what, text);

    if (why && why_bytes)
        snprintf(why, why_bytes, "%s", err ? text : "");
    return err;
}
