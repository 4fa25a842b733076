/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/program/program.h"
#include "host/ctl/mapfile.h"
#include "host/ctl/swap.h"
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "host/pmd/process/remote.h"
#include "host/pmd/program/slot.h"
#include "hw/spec/gen/csr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the device runs: an object file, verified and translated (prepare.c), on
 * the executor `microcode` in the slot, or, if that does not take it, on `interp` on the host. Or
 * the slot is the pipeline of the program, from when the device is opened, or, in a simulated one,
 * from when the program is loaded (slot.c). */

static void say(char *why, const char *text)
{
    snprintf(why, EXEC_WHY_BYTES, "%s", text);
}

void pmd_program_unload(struct pmd *pmd)
{
    if (pmd->fallback)
        pmd_fallback_end(pmd);
    pmd_events_end(pmd);
    pmd_program_drop(pmd->program);
    pmd->program = NULL;
}

static int check_slot(struct pmd *pmd, bool pipeline, char *why)
{
    enum { KIND_CORE = 1, KIND_PIPELINE = 2 };
    uint32_t kind = 0;
    const int err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_KIND, &kind);

    if (!err && (kind == (pipeline ? KIND_PIPELINE : KIND_CORE) ||
                 (kind == KIND_PIPELINE && pmd_slot_changes(pmd))))
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
    const struct exec_options options = {.size = sizeof(options),
                                         .dev = pmd->dev,
                                         .listener = pmd_events_listener(pmd),
                                         .net = pmd->net};
    int err;

    if (p->slot_job) {
        err = pmd_fallback_begin(pmd, p->exec, NULL);
        return err ? err
                   : exec_open(exec_find("microcode"), p->slot_job, &options, &p->slot_exec, why);
    }
    err = exec_open(exec_find(p->executor == PMD_EXECUTOR_PIPELINE ? "pipeline" : "microcode"),
                    p->job, &options, &p->exec, why);
    if (!err && p->maps)
        err = mapfile_fill(p->maps_path, p->maps, p->exec, why, EXEC_WHY_BYTES);
    if (err || !p->reason)
        return err;
    err = exec_open(exec_find("interp"), p->job, &options, &p->path_exec, why);
    if (!err)
        err = shadow_open(p->path_exec, p->exec, &p->shadow);
    return err ? err : pmd_fallback_begin(pmd, p->path_exec, p->shadow);
}

/* Replaces what runs, while packets wait. saved: what maps are to hold, or NULL: what the object
 * and the file say. From here on a failure leaves no program. */
static int run(struct pmd *pmd, struct pmd_program *p, const struct swap_saved *saved,
               struct swap_report *report, char *why)
{
    int err = pmd_fallback_drain(pmd);

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
        err = pmd_fallback_drain(pmd);
    if (!err && old->slot_job) /* its packets that are still on their way to the host */
        pmd_fallback_end(pmd);
    if (!err)
        err = swap_save(old->exec, p->job, &saved, why);
    if (!err) {
        err = run(pmd, p, saved, report, why);
    } else { /* what ran goes on */
        if (old->slot_job)
            pmd_fallback_begin(pmd, old->exec, NULL);
        nic_write(&pmd->nic, ctrl, before);
    }
    swap_free(saved);
    return err;
}

/* The model of the device that the program needs in place of this one, or NULL. */
static int model_for(struct pmd *pmd, const struct pmd_program *p, const char **model)
{
    bool pipeline = false;
    const int err = pmd_slot_is_pipeline(pmd, &pipeline);

    *model = p->executor == PMD_EXECUTOR_PIPELINE ? p->model : pipeline ? pmd->core_model : NULL;
    return err;
}

/* What is between two devices: the old one is at rest, and has the old program. */
static int change_at_rest(struct pmd *pmd, struct pmd_program *p, struct pmd_slot_change *c,
                          const char *model, bool keep, struct swap_report *report, char *why)
{
    struct pmd_program *old = pmd->program;
    const bool host = old && old->slot_job;
    struct swap_saved *saved = NULL;
    int err = nic_slot_drain(&pmd->nic);

    if (host)
        pmd_fallback_end(pmd);
    if (!err)
        err = pmd_slot_rest(pmd, why);
    if (!err && keep && old)
        err = swap_save(old->exec, p->job, &saved, why);
    if (!err)
        err = pmd_slot_reopen(pmd, c, model, why);
    if (err && err != -EIO) { /* what ran goes on */
        if (host)
            pmd_fallback_begin(pmd, old->exec, NULL);
        if (old)
            nic_slot_start(&pmd->nic);
        swap_free(saved);
        return err;
    }
    pmd_program_unload(pmd);
    if (!err)
        err = begin(pmd, p, why);
    if (!err && saved)
        err = swap_restore(saved, p->exec, report, why);
    if (!err)
        err = nic_slot_start(&pmd->nic);
    if (err)
        pmd_fallback_end(pmd);
    else
        pmd->program = p;
    swap_free(saved);
    return err ? -EIO : 0;
}

/* Replaces what runs and the device's slot with it, while frames wait at the wires. */
static int change(struct pmd *pmd, struct pmd_program *p, const char *model, bool keep,
                  struct swap_report *report, char *why)
{
    struct pmd_slot_change c = {0};
    int err = pmd_slot_begin(pmd, &c, why);

    if (!err) {
        err = change_at_rest(pmd, p, &c, model, keep, report, why);
        pmd_slot_end(pmd, &c);
    }
    if (err && !*why)
        snprintf(why, EXEC_WHY_BYTES, "the device can't become another one: %s", strerror(-err));
    return err;
}

/* Replaces what runs between two packets. */
static int swap(struct pmd *pmd, struct pmd_program *p, struct swap_report *report, char *why)
{
    const struct exec_options options = {.size = sizeof(options),
                                         .dev = pmd->dev,
                                         .listener = pmd_events_listener(pmd),
                                         .net = pmd->net};
    int err;

    if (pmd->program->job->ir && pmd->program->job->ir->events.count) {
        snprintf(why, EXEC_WHY_BYTES,
                 "program %.64s makes events, all of which come before the next program's",
                 pmd->program->prog->name);
        return -EXDEV;
    }
    if (pmd->program->reason || p->reason) {
        const struct pmd_program *other = p->reason ? p : pmd->program;

        snprintf(why, EXEC_WHY_BYTES, "program %.64s runs on the host's CPU%s", other->prog->name,
                 other->slot_job ? "" : ", a path of it");
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

/* needs: the device's lock */
static int replace_somehow(struct pmd *pmd, struct pmd_program *p, enum pmd_replace way,
                           struct rte_pmd_sluice_swap *done, char *why)
{
    struct swap_report report = {0};
    const char *model = NULL;
    bool in_place = false;
    int err = model_for(pmd, p, &model);

    if (!err && model && way == PMD_SWAP && pmd->program) {
        say(why, "the device's slot becomes another one for it, and packets wait meanwhile");
        return -EXDEV;
    }
    if (!err && model) {
        err = change(pmd, p, model, way != PMD_LOAD, &report, why);
    } else if (!err && (way == PMD_LOAD || !pmd->program)) {
        err = run(pmd, p, NULL, &report, why);
        in_place = way != PMD_LOAD;
    } else if (!err) {
        err = swap(pmd, p, &report, why);
        in_place = !err;
        if (err == -EXDEV && way == PMD_MIGRATE)
            err = migrate(pmd, p, &report, why);
    }
    *done = (struct rte_pmd_sluice_swap){!err && in_place, .stayed = report.stayed,
                                         .moved = report.moved, .fresh = report.fresh};
    return err;
}

/* *generation: of the program that may be replaced, and then of the new one. */
static int replace(struct pmd *pmd, struct pmd_program *p, enum pmd_replace way,
                   uint64_t *generation, struct rte_pmd_sluice_swap *done, char *why)
{
    int err;

    pthread_mutex_lock(&pmd->lock);
    if (*generation != pmd->generation) {
        pthread_mutex_unlock(&pmd->lock);
        say(why, "another program has been loaded meanwhile");
        return -ESTALE;
    }
    err = replace_somehow(pmd, p, way, done, why);
    if (!err || err == -EIO) /* what ran before is gone */
        pmd->generation = next_generation(pmd->generation);
    if (!err)
        *generation = pmd->generation;
    pthread_mutex_unlock(&pmd->lock);
    if (!err && p->reason)
        PMD_LOG(WARNING, "program %s runs on the host's CPU%s: %s\n", p->prog->name,
                p->slot_job ? "" : ", for packets that come to a path of it", p->reason);
    return err;
}

static uint64_t generation_of(struct pmd *pmd)
{
    uint64_t generation;

    pthread_mutex_lock(&pmd->lock);
    generation = pmd->generation;
    pthread_mutex_unlock(&pmd->lock);
    return generation;
}

int pmd_program_replace(struct pmd *pmd, const struct rte_pmd_sluice_program *what,
                        enum pmd_replace way, uint64_t *generation,
                        struct rte_pmd_sluice_swap *done, char *why)
{
    struct pmd_program *p = pmd_program_new();
    /* preparing takes up to minutes, in which somebody else may have loaded a program */
    uint64_t meant = generation && *generation ? *generation : generation_of(pmd);
    int err = -ENOMEM;

    *why = 0;
    if (p)
        err = check_slot(pmd, false, why);
    if (!err && pmd_events_telling(pmd)) {
        say(why, "a program can't go while its events are told");
        err = -EBUSY;
    }
    if (!err)
        err = pmd_program_prepare(pmd, p, what, why);
    if (!err && way != PMD_LOAD && p->maps) {
        say(why, "a swap keeps what maps hold: maps= is for a program that is loaded");
        err = -EINVAL;
    }
    if (!err)
        err = replace(pmd, p, way, &meant, done, why);
    if (!err && generation)
        *generation = meant;
    if (err && p) {
        if (!*why)
            say(why, strerror(-err));
        pmd_program_drop(p);
    }
    return err;
}

int pmd_program_start(struct pmd *pmd, struct pmd_program *p, char *why)
{
    struct rte_pmd_sluice_swap done;
    uint64_t generation = generation_of(pmd);
    int err = check_slot(pmd, true, why);

    if (!err)
        err = pmd_events_ready(pmd, p->job, why);
    return err ? err : replace(pmd, p, PMD_LOAD, &generation, &done, why);
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
