/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program.h"
#include "host/ctl/mapfile.h"
#include "host/ctl/model.h"
#include "host/ctl/swap.h"
#include "host/pmd/events.h"
#include "host/pmd/fallback.h"
#include "host/pmd/remote.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the device runs: an object file, verified and translated by what the command line uses, on
 * the executor `microcode` in the slot, or, if that does not take it, on `interp` on the host. Or
 * the slot is the pipeline of one program, from when the device is opened until it is closed. */

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
    exec_close(p->exec);
    exec_close(p->slot_exec);
    json_decref(p->maps);
    arena_close(p->arena);
    free(p);
}

void pmd_program_unload(struct pmd *pmd)
{
    if (pmd->fallback)
        pmd_fallback_end(pmd);
    pmd_events_end(pmd);
    pmd_program_drop(pmd->program);
    pmd->program = NULL;
}

/* Whether a pipeline takes the program. */
static int fits_pipeline(struct pmd_program *p, char *why)
{
    int err = exec_find("pipeline")->fits(p->job, why);

    for (uint32_t i = 0; !err && i < p->job->pipeline->map_count; i++)
        if (p->job->pipeline->maps[i].external_bytes) {
            snprintf(why, EXEC_WHY_BYTES,
                     "map %.64s is to lie in external memory, and the device has none",
                     p->object->maps[i].name);
            err = -ENOTSUP;
        }
    return err;
}

/* Whether the device takes the program. */
static int fits_device(struct pmd *pmd, struct pmd_program *p, const char *path, char *why)
{
    const bool pipeline = pmd->executor == PMD_EXECUTOR_PIPELINE && path;
    uint32_t lines = 0;
    int err = pipeline ? fits_pipeline(p, why) : exec_find("microcode")->fits(p->job, why);

    if (!err && pipeline) {
        say(why, "executor=pipeline is set, and the slot holds a core since the device was opened");
        return -ENOTSUP;
    }
    if (!err)
        err = pmd_events_ready(pmd, p->job, why);
    if (!err)
        err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_EXT_LINES, &lines);
    for (uint32_t i = 0; !err && !lines && i < p->job->ir->map_count; i++)
        if (ucode_map_external(p->job->microcode, i) ||
            ucode_map_keys_external(p->job->microcode, i)) {
            snprintf(why, EXEC_WHY_BYTES,
                     "map %.64s is to lie in external memory, and the device has none",
                     p->object->maps[i].name);
            err = -ENOTSUP;
        }
    return err;
}

/* Makes a program that the device does not take, for that reason, run on the host. */
static int fall_back(struct pmd *pmd, struct pmd_program *p, const char *reason, char *why)
{
    const struct exec_options options = {.size = sizeof(options),
                                         .listener = pmd_events_listener(pmd)};
    const char *refusal = pmd_fallback_refusal(pmd);
    uint64_t capture[PMD_CAPTURE_INSNS];
    const struct load_object *object;
    const uint32_t bytes = pmd_fallback_capture(pmd, capture);
    int err = exec_find("interp")->fits(p->job, why);

    if (err)
        return err;
    if (refusal) {
        snprintf(why, EXEC_WHY_BYTES, "%s; %s", reason, refusal);
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

/* Verifies and translates. */
static int prepare(struct pmd *pmd, struct pmd_program *p,
                   const struct rte_pmd_sluice_program *what, char *why)
{
    char reason[EXEC_WHY_BYTES] = "offload=never is set";
    int err = open_program(p, what, why);

    if (err)
        return err;
    if (pmd->offload != PMD_OFFLOAD_NEVER || !what->path) {
        err = fits_device(pmd, p, what->path, why);
        if (!err && p->maps)
            return try_maps(p, why);
        if (!err || err == -ENOMEM || !what->path || pmd->offload == PMD_OFFLOAD_REQUIRE)
            return err;
        snprintf(reason, sizeof(reason), "%s", why);
    }
    return fall_back(pmd, p, reason, why);
}

static int check_slot(struct pmd *pmd, bool pipeline, char *why)
{
    enum { KIND_CORE = 1, KIND_PIPELINE = 2 };
    uint32_t kind = 0;
    const int err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_KIND, &kind);

    if (!err && kind == (pipeline ? KIND_PIPELINE : KIND_CORE))
        return 0;
    say(why, kind == KIND_PIPELINE
                 ? "the device's slot is the pipeline of one program: that one runs until the "
                   "device is closed, and no program can be loaded"
                 : "the device's slot holds no core, so no program can be loaded");
    return err ? err : -ENOTSUP;
}

/* Starts what is prepared; the slot is drained. */
static int begin(struct pmd *pmd, struct pmd_program *p, char *why)
{
    const struct exec_options options = {
        .size = sizeof(options), .dev = pmd->dev, .listener = pmd_events_listener(pmd)};
    int err;

    if (p->slot_job) {
        err = pmd_fallback_begin(pmd, p->exec);
        return err ? err
                   : exec_open(exec_find("microcode"), p->slot_job, &options, &p->slot_exec, why);
    }
    err = exec_open(exec_find(p->pipeline ? "pipeline" : "microcode"), p->job, &options, &p->exec,
                    why);
    if (!err && p->maps)
        err = mapfile_fill(p->maps_path, p->maps, p->exec, why, EXEC_WHY_BYTES);
    return err;
}

/* Replaces what runs, while packets wait. saved: what maps are to hold, or NULL: what the object
 * and the file say. From here on a failure leaves no program. */
static int run(struct pmd *pmd, struct pmd_program *p, const struct swap_saved *saved,
               struct swap_report *report, char *why)
{
    int err = nic_slot_drain(&pmd->nic);

    if (!err)
        err = pmd_events_settle(pmd);
    pmd_program_unload(pmd);
    if (err) {
        say(why, "the device does not finish the packets that it has");
        return -EIO;
    }
    err = begin(pmd, p, why);
    if (!err && saved)
        err = swap_restore(saved, p->exec, report, why);
    if (!err)
        err = nic_slot_start(&pmd->nic);
    if (err) {
        nic_slot_drain(&pmd->nic);
        pmd_fallback_end(pmd);
    } else {
        pmd->program = p;
    }
    return err ? -EIO : 0;
}

/* The same with the contents of maps that both have, while packets wait. */
static int migrate(struct pmd *pmd, struct pmd_program *p, struct swap_report *report, char *why)
{
    const uint32_t ctrl = pmd->nic.slot + SPEC_CSR_CTRL;
    struct pmd_program *old = pmd->program;
    struct swap_saved *saved = NULL;
    uint32_t before = 0;
    int err = nic_read(&pmd->nic, ctrl, &before);

    if (!err)
        err = nic_slot_drain(&pmd->nic);
    if (!err && old->slot_job) /* its packets that are still on their way to the host */
        pmd_fallback_end(pmd);
    if (!err)
        err = swap_save(old->exec, p->job, &saved, why);
    if (!err) {
        err = run(pmd, p, saved, report, why);
    } else { /* what ran goes on */
        if (old->slot_job)
            pmd_fallback_begin(pmd, old->exec);
        nic_write(&pmd->nic, ctrl, before);
    }
    swap_free(saved);
    return err;
}

/* Replaces what runs between two packets. */
static int swap(struct pmd *pmd, struct pmd_program *p, struct swap_report *report, char *why)
{
    const struct exec_options options = {
        .size = sizeof(options), .dev = pmd->dev, .listener = pmd_events_listener(pmd)};
    int err;

    if (pmd->program->job->ir && pmd->program->job->ir->events.count) {
        snprintf(why, EXEC_WHY_BYTES,
                 "program %.64s makes events, all of which come before the next program's",
                 pmd->program->prog->name);
        return -EXDEV;
    }
    if (pmd->program->slot_job || p->slot_job) {
        snprintf(why, EXEC_WHY_BYTES, "program %.64s runs on the host's CPU",
                 p->slot_job ? p->prog->name : pmd->program->prog->name);
        return -EXDEV;
    }
    err = swap_beside(pmd->program->exec, p->job, &options, &p->exec, report, why);
    if (!p->exec)
        return err;
    pmd_program_unload(pmd);
    if (err)
        nic_slot_drain(&pmd->nic);
    else
        pmd->program = p;
    return err ? -EIO : 0;
}

/* A number that no program of this machine has had since it was started. */
static uint64_t next_generation(uint64_t last)
{
    struct timespec t;
    uint64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &t);
    ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return ns > last ? ns : last + 1;
}

static int replace(struct pmd *pmd, struct pmd_program *p, enum pmd_replace way,
                   uint64_t *generation, struct rte_pmd_sluice_swap *done, char *why)
{
    struct swap_report report = {0};
    int err = -EXDEV;

    pthread_mutex_lock(&pmd->lock);
    if (generation && *generation && *generation != pmd->generation) {
        pthread_mutex_unlock(&pmd->lock);
        say(why, "another program has been loaded meanwhile");
        return -ESTALE;
    }
    if (way == PMD_LOAD || !pmd->program)
        err = run(pmd, p, NULL, &report, why);
    else
        err = swap(pmd, p, &report, why);
    *done = (struct rte_pmd_sluice_swap){.in_place = !err && way != PMD_LOAD};
    if (err == -EXDEV && way == PMD_MIGRATE)
        err = migrate(pmd, p, &report, why);
    if (!err || err == -EIO) /* what ran before is gone */
        pmd->generation = next_generation(pmd->generation);
    if (!err && generation)
        *generation = pmd->generation;
    done->stayed = report.stayed;
    done->moved = report.moved;
    done->fresh = report.fresh;
    pthread_mutex_unlock(&pmd->lock);
    if (!err && p->reason)
        PMD_LOG(WARNING, "program %s runs on the host's CPU: %s\n", p->prog->name, p->reason);
    return err;
}

static struct pmd_program *new_program(void)
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

int pmd_program_replace(struct pmd *pmd, const struct rte_pmd_sluice_program *what,
                        enum pmd_replace way, uint64_t *generation,
                        struct rte_pmd_sluice_swap *done, char *why)
{
    struct pmd_program *p = new_program();
    int err = -ENOMEM;

    *why = 0;
    if (p)
        err = check_slot(pmd, false, why);
    if (!err && pmd_events_telling(pmd)) {
        say(why, "a program can't go while its events are told");
        err = -EBUSY;
    }
    if (!err)
        err = prepare(pmd, p, what, why);
    if (!err && way != PMD_LOAD && p->maps) {
        say(why, "a swap keeps what maps hold: maps= is for a program that is loaded");
        err = -EINVAL;
    }
    if (!err)
        err = replace(pmd, p, way, generation, done, why);
    if (err && p) {
        if (!*why)
            say(why, strerror(-err));
        pmd_program_drop(p);
    }
    return err;
}

int pmd_program_pipeline(const struct rte_pmd_sluice_program *what, enum pmd_offload offload,
                         struct pmd_program **out, char *model, char *why)
{
    struct pmd_program *p = offload == PMD_OFFLOAD_NEVER ? NULL : new_program();
    int err = p || offload == PMD_OFFLOAD_NEVER ? 0 : -ENOMEM;

    *out = NULL;
    *why = 0;
    if (!p)
        return err;
    p->pipeline = true;
    err = open_program(p, what, why);
    if (!err) {
        err = fits_pipeline(p, why);
        if (err && err != -ENOMEM && offload == PMD_OFFLOAD_PREFER) {
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

int pmd_program_start(struct pmd *pmd, struct pmd_program *p, char *why)
{
    struct rte_pmd_sluice_swap done;
    int err = check_slot(pmd, true, why);

    if (!err)
        err = pmd_events_ready(pmd, p->job, why);
    return err ? err : replace(pmd, p, PMD_LOAD, NULL, &done, why);
}

int pmd_program_load(struct pmd *pmd, const struct rte_pmd_sluice_program *what, char *why)
{
    struct rte_pmd_sluice_swap done;

    return pmd_program_replace(pmd, what, PMD_LOAD, NULL, &done, why);
}

void pmd_program_name(struct pmd *pmd, char *name, size_t bytes)
{
    pthread_mutex_lock(&pmd->lock);
    snprintf(name, bytes, "%s", pmd->program ? pmd->program->prog->name : "none");
    pthread_mutex_unlock(&pmd->lock);
}

void pmd_program_reason(struct pmd *pmd, char *reason, size_t bytes)
{
    pthread_mutex_lock(&pmd->lock);
    snprintf(reason, bytes, "%s", pmd->program && pmd->program->reason ? pmd->program->reason : "");
    pthread_mutex_unlock(&pmd->lock);
}

/* --- rte_pmd_sluice.h --- */

int rte_pmd_sluice_program_info(uint16_t port_id, struct rte_pmd_sluice_program_info *info)
{
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    const struct pmd_program *p;

    if (remote)
        return pmd_remote_program_info(remote, info);
    if (!pmd || !info)
        return pmd ? -EINVAL : -ENODEV;
    pthread_mutex_lock(&pmd->lock);
    p = pmd->program;
    snprintf(info->name, sizeof(info->name), "%s", p ? p->prog->name : "none");
    snprintf(info->executor, sizeof(info->executor), "%s", p ? p->exec->ops->name : "none");
    snprintf(info->reason, sizeof(info->reason), "%s", p && p->reason ? p->reason : "");
    pthread_mutex_unlock(&pmd->lock);
    return 0;
}

int rte_pmd_sluice_program_load(uint16_t port_id, const struct rte_pmd_sluice_program *what,
                                char *why, size_t why_bytes)
{
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    char text[EXEC_WHY_BYTES] = "";
    int err;

    if (remote)
        return pmd_remote_program(remote, PMD_PEER_PROGRAM_LOAD, 0, what, NULL, why, why_bytes);
    err = !pmd ? -ENODEV : !what || !what->path ? -EINVAL : pmd_program_load(pmd, what, text);
    if (why && why_bytes)
        snprintf(why, why_bytes, "%s", err ? text : "");
    return err;
}

int rte_pmd_sluice_program_swap(uint16_t port_id, const struct rte_pmd_sluice_program *what,
                                uint32_t flags, struct rte_pmd_sluice_swap *done, char *why,
                                size_t why_bytes)
{
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    char text[EXEC_WHY_BYTES] = "";
    struct rte_pmd_sluice_swap out = {0};
    const enum pmd_replace way = flags & RTE_PMD_SLUICE_SWAP_MIGRATE ? PMD_MIGRATE : PMD_SWAP;
    int err = -EINVAL;

    if (remote)
        return pmd_remote_program(remote, PMD_PEER_PROGRAM_SWAP, flags, what, done, why, why_bytes);
    if (!pmd)
        err = -ENODEV;
    else if (what && what->path && !(flags & ~RTE_PMD_SLUICE_SWAP_MIGRATE))
        err = pmd_program_replace(pmd, what, way, NULL, &out, text);
    if (why && why_bytes)
        snprintf(why, why_bytes, "%s", err ? text : "");
    if (done && !err)
        *done = out;
    return err;
}
