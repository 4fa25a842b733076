/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/mapfile.h"
#include "host/ctl/model.h"
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "host/pmd/program/program.h"
#include "host/pmd/program/slot.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From an object file to a program that can be started: verified, translated for the executor that
 * it is to run on, and its maps tried. What runs meanwhile is not touched. */

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

/* Reads an object file, or takes instructions. */
static int load(const char *path, const struct load_options *options, const void *insns,
                size_t bytes, struct arena *arena, const struct load_object **out, char *why)
{
    struct diag_sink sink = diag_sink_make(arena);
    jmp_buf oom;
    int err;

    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(arena, &oom);
    err = path ? load_object(path, options, arena, &sink, out)
               : load_raw(insns, bytes, "pass", NULL, 0, arena, &sink, out);
    arena_set_oom(arena, NULL);
    if (err) {
        exec_why(why, diag_first_error(&sink), err < 0 ? err : -EINVAL);
        return err < 0 ? err : -EINVAL;
    }
    return 0;
}

static int read_object(struct pmd_program *p, const struct rte_pmd_sluice_program *what, char *why)
{
    const struct load_options options = {.size = sizeof(options), .section = what->section};
    const int err =
        load(what->path, &options, pass_all, sizeof(pass_all), p->arena, &p->object, why);

    return err ? err : pick(p, what->program, why);
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

void pmd_program_drop(struct pmd_program *p)
{
    if (!p)
        return;
    shadow_close(p->shadow);
    exec_close(p->path_exec);
    exec_close(p->exec);
    exec_close(p->slot_exec);
    json_decref(p->maps);
    arena_close(p->arena);
    free(p);
}

static int refuse_external(const struct pmd_program *p, uint32_t map, char *why)
{
    snprintf(why, EXEC_WHY_BYTES, "map %.64s is to lie in external memory, and the device has none",
             p->object->maps[map].name);
    return -ENOTSUP;
}

/* Whether a pipeline takes the program. */
static int fits_pipeline(struct pmd_program *p, char *why)
{
    int err = exec_find("pipeline")->fits(p->job, why);

    for (uint32_t i = 0; !err && i < p->job->pipeline->map_count; i++)
        if (p->job->pipeline->maps[i].external_bytes)
            err = refuse_external(p, i, why);
    return err;
}

enum pmd_executor pmd_executor_of(const char *name)
{
    static const char *const names[PMD_EXECUTOR_COUNT] = {"microcode", "pipeline", "interp"};
    uint32_t i = 0;

    while (i < PMD_EXECUTOR_COUNT && strcmp(name, names[i]) != 0)
        i++;
    return (enum pmd_executor)i;
}

/* The device with the program's pipeline, which takes its time. */
static int build(struct pmd_program *p, char *why)
{
    char model[MODEL_PATH_BYTES];
    int err = model_build(p->job->pipeline->verilog, MODEL_NIC, model, why, EXEC_WHY_BYTES);

    if (!err) {
        p->model = arena_strdup(p->arena, model);
        err = p->model ? 0 : -ENOMEM;
    }
    return err;
}

static int fits_changed(struct pmd *pmd, struct pmd_program *p, char *why)
{
    int err = fits_pipeline(p, why);

    if (!err)
        err = pmd_events_ready(pmd, p->job, why);
    return err ? err : build(p, why);
}

/* Whether the device takes the program. */
static int fits_device(struct pmd *pmd, struct pmd_program *p, char *why)
{
    uint32_t lines = 0;
    int err;

    if (p->executor == PMD_EXECUTOR_PIPELINE)
        return fits_changed(pmd, p, why);
    err = exec_find("microcode")->fits(p->job, why);
    if (!err)
        err = pmd_events_ready(pmd, p->job, why);
    if (!err)
        err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_EXT_LINES, &lines);
    for (uint32_t i = 0; !err && !lines && i < p->job->ir->map_count; i++)
        if (ucode_map_external(p->job->microcode, i) ||
            ucode_map_keys_external(p->job->microcode, i))
            err = refuse_external(p, i, why);
    return err;
}

/* Puts down where packets leave for the host, and why. */
static int note_paths(struct pmd_program *p)
{
    char text[EXEC_WHY_BYTES] = "", one[EXEC_WHY_BYTES];
    size_t n = 0;

    for (uint32_t i = 0; i < p->job->ir->path_count && n < sizeof(text); i++) {
        exec_why(one, p->job->ir->paths[i].reason, -ENOTSUP);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "; " : "", one);
    }
    p->reason = arena_strdup(p->arena, text);
    return p->reason ? 0 : -ENOMEM;
}

/* Leaves those paths to the host that the device does not take; 0 only if that is enough, and the
 * program is not changed otherwise. */
static int leave_paths(struct pmd *pmd, struct pmd_program *p, char *why)
{
    struct job_options options = p->job->options;
    struct job *whole = p->job;
    int err;

    if (pmd->offload != PMD_OFFLOAD_PREFER || p->executor != PMD_EXECUTOR_MICROCODE ||
        pmd_fallback_refusal(pmd))
        return -ENOTSUP;
    options.paths = true;
    options.mark = pmd_fallback_mark(pmd);
    p->job = job_open(p->object, p->prog, &options, p->arena);
    err = p->job ? fits_device(pmd, p, why) : -ENOMEM;
    if (!err)
        err = exec_find("interp")->fits(p->job, why);
    if (!err && (!p->job->ir->path_count || p->job->ir->events.count))
        err = -ENOTSUP;
    if (!err)
        err = note_paths(p);
    if (err)
        p->job = whole;
    return err;
}

/* Makes a program that the device does not take, for that reason, run on the host. */
static int fall_back(struct pmd *pmd, struct pmd_program *p, const char *reason, char *why)
{
    const struct exec_options options = {
        .size = sizeof(options), .listener = pmd_events_listener(pmd), .net = pmd->net};
    const char *refusal = pmd_fallback_refusal(pmd);
    uint64_t capture[PMD_CAPTURE_INSNS];
    const struct load_object *object;
    const uint32_t bytes = pmd_fallback_capture(pmd, capture);
    int err = exec_find("interp")->fits(p->job, why);

    if (err)
        return err;
    if (refusal) {
        snprintf(why, EXEC_WHY_BYTES, "%.640s; %s", reason, refusal);
        return -ENOTSUP;
    }
    p->reason = arena_strdup(p->arena, reason);
    err = load(NULL, NULL, capture, bytes, p->arena, &object, why);
    if (err)
        return err;
    p->slot_job = job_open(object, object->progs, NULL, p->arena);
    if (!p->reason || !p->slot_job)
        return -ENOMEM;
    err = exec_find("microcode")->fits(p->slot_job, why);
    if (!err)
        err = exec_open(exec_find("interp"), p->job, &options, &p->exec, why);
    if (!err && p->maps)
        err = mapfile_fill(p->maps_path, p->maps, p->exec, why, EXEC_WHY_BYTES);
    return err;
}

/* Whether maps take what the file says: asked before what runs goes, of maps on the host, which
 * take and refuse the same entries as the device's. */
static int try_maps(struct pmd_program *p, char *why)
{
    const struct exec_options options = {.size = sizeof(options)};
    struct exec *exec = NULL;
    int err = exec_open(exec_find("interp"), p->job, &options, &exec, why);

    if (!err)
        err = mapfile_fill(p->maps_path, p->maps, exec, why, EXEC_WHY_BYTES);
    exec_close(exec);
    return err;
}

static int open_program(struct pmd_program *p, const struct rte_pmd_sluice_program *what, char *why)
{
    struct job_options options = {.size = sizeof(options)};
    int err = read_object(p, what, why);

    p->from_file = what->path != NULL;
    if (!err)
        err = read_maps(p, what->maps, &options, why);
    if (err)
        return err;
    p->job = job_open(p->object, p->prog, &options, p->arena);
    return p->job ? 0 : -ENOMEM;
}

/* Where a program is to run. */
static int choose(struct pmd *pmd, struct pmd_program *p, const struct rte_pmd_sluice_program *what,
                  char *why)
{
    p->executor = what->executor                      ? pmd_executor_of(what->executor)
                  : !what->path                       ? PMD_EXECUTOR_MICROCODE
                  : pmd->offload == PMD_OFFLOAD_NEVER ? PMD_EXECUTOR_INTERP
                                                      : pmd->executor;
    if (p->executor == PMD_EXECUTOR_COUNT) {
        snprintf(why, EXEC_WHY_BYTES, "executor %.32s is none of microcode, pipeline and interp",
                 what->executor);
        return -EINVAL;
    }
    if (what->executor &&
        (pmd->offload == PMD_OFFLOAD_NEVER) != (p->executor == PMD_EXECUTOR_INTERP) &&
        pmd->offload != PMD_OFFLOAD_PREFER && pmd->offload != PMD_OFFLOAD_WHOLE) {
        snprintf(why, EXEC_WHY_BYTES, "executor %.32s is asked for, and offload=%s is set",
                 what->executor, pmd->offload == PMD_OFFLOAD_NEVER ? "never" : "require");
        return -ENOTSUP;
    }
    if (p->executor == PMD_EXECUTOR_PIPELINE && !pmd_slot_changes(pmd)) {
        say(why, "a pipeline is asked for, and who makes another slot of this device does so with "
                 "its vendor's tools");
        return -ENOTSUP;
    }
    return 0;
}

int pmd_program_prepare(struct pmd *pmd, struct pmd_program *p,
                        const struct rte_pmd_sluice_program *what, char *why)
{
    char reason[EXEC_WHY_BYTES];
    int err = open_program(p, what, why);

    if (!err)
        err = choose(pmd, p, what, why);
    if (err)
        return err;
    snprintf(reason, sizeof(reason), "%s",
             what->executor ? "executor interp is asked for" : "offload=never is set");
    if (p->executor != PMD_EXECUTOR_INTERP) {
        err = fits_device(pmd, p, why);
        if (!err && p->maps)
            return try_maps(p, why);
        if (!err || err == -ENOMEM || !what->path || what->executor ||
            pmd->offload == PMD_OFFLOAD_REQUIRE)
            return err;
        snprintf(reason, sizeof(reason), "%s", why);
        err = leave_paths(pmd, p, why);
        if (!err)
            return p->maps ? try_maps(p, why) : 0;
        if (err == -ENOMEM)
            return err;
        p->model = NULL;
    }
    p->executor = PMD_EXECUTOR_INTERP;
    return fall_back(pmd, p, reason, why);
}

struct pmd_program *pmd_program_new(void)
{
    struct pmd_program *p = calloc(1, sizeof(*p));

    if (p)
        p->arena = arena_open();
    if (p && !p->arena) {
        free(p);
        p = NULL;
    }
    return p;
}

int pmd_program_pipeline(const struct rte_pmd_sluice_program *what, enum pmd_offload offload,
                         struct pmd_program **out, char *model, char *why)
{
    struct pmd_program *p = offload == PMD_OFFLOAD_NEVER ? NULL : pmd_program_new();
    int err = p || offload == PMD_OFFLOAD_NEVER ? 0 : -ENOMEM;

    *out = NULL;
    *why = 0;
    if (!p)
        return err;
    p->executor = PMD_EXECUTOR_PIPELINE;
    err = open_program(p, what, why);
    if (!err) {
        err = fits_pipeline(p, why);
        if (err && err != -ENOMEM && offload != PMD_OFFLOAD_REQUIRE) {
            pmd_program_drop(p); /* who loads it finds that again, and the reason */
            return 0;
        }
    }
    if (!err)
        err = model_build(p->job->pipeline->verilog, MODEL_NIC, model, why, EXEC_WHY_BYTES);
    if (err) {
        if (!*why)
            say(why, strerror(-err));
        pmd_program_drop(p);
        return err;
    }
    *out = p;
    return 0;
}
