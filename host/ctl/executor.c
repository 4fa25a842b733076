/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"

#include "host/ctl/exec_device.h"
#include "host/ctl/exec_interp.h"
#include "host/ctl/exec_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct exec_ops *const exec_table[] = {
    &exec_interp,
    &exec_kernel,
    &exec_microcode,
    &exec_pipeline,
};
const uint32_t exec_count = sizeof(exec_table) / sizeof(exec_table[0]);

const struct exec_ops *exec_find(const char *name)
{
    for (uint32_t i = 0; i < exec_count; i++)
        if (!strcmp(exec_table[i]->name, name))
            return exec_table[i];
    return NULL;
}

void exec_why(char why[EXEC_WHY_BYTES], const struct diag *diag, int err)
{
    size_t n = 0;

    if (!diag) {
        snprintf(why, EXEC_WHY_BYTES, "%s", strerror(-err));
        return;
    }
    if (diag->where.insn != DIAG_NO_INSN)
        n = (size_t)snprintf(why, EXEC_WHY_BYTES, "instruction %u", diag->where.insn);
    if (diag->where.source_line && n < EXEC_WHY_BYTES)
        n += (size_t)snprintf(why + n, EXEC_WHY_BYTES - n, "%s%s:%u", n ? ", " : "",
                              diag->where.source_file ? diag->where.source_file : "line",
                              diag->where.source_line);
    if (n < EXEC_WHY_BYTES)
        snprintf(why + n, EXEC_WHY_BYTES - n, "%s%s [%s]", n ? ": " : "", diag->message,
                 diag->code);
}

static bool is_kept(const struct exec *exec, uint32_t map)
{
    return map < 32 && exec->kept >> map & 1;
}

/* Gives the data sections' maps the contents that the object has for them. */
static int fill_data_maps(struct exec *exec, char why[EXEC_WHY_BYTES])
{
    const struct load_object *o = exec->job->object;
    const uint32_t key = 0;

    for (uint32_t i = 0; i < o->map_count; i++) {
        const struct load_map *m = &o->maps[i];
        uint8_t *value;
        int err;

        if (!m->data || is_kept(exec, i))
            continue;
        value = arena_alloc(exec->job->arena, ((size_t)m->value_bytes + 7) & ~(size_t)7);
        if (value)
            memcpy(value, m->data, m->value_bytes);
        err = value ? exec->ops->map_update(exec, i, &key, value, SPEC_MAP_FLAG_ANY) : -ENOMEM;
        if (err) {
            snprintf(why, EXEC_WHY_BYTES, "map %s can't be filled from its section: %s", m->name,
                     strerror(-err));
            return err;
        }
    }
    return 0;
}

/* Gives maps of programs and of maps what the object puts into them. A key is a number of 4 bytes,
 * as libbpf has it. */
static int fill_values(struct exec *exec, char why[EXEC_WHY_BYTES])
{
    const struct load_object *o = exec->job->object;

    for (uint32_t i = 0; i < o->value_count; i++) {
        const struct load_value *v = &o->values[i];
        const uint64_t target = v->target + 1;
        const bool programs = job_holds_programs(&o->maps[v->map]);
        int err = -EINVAL;

        if (spec_map_type_table[o->maps[v->map].type].soft == SPEC_SOFT_NONE)
            continue;
        if (o->maps[v->map].key_bytes == sizeof(v->slot))
            err = exec->ops->map_update(exec, v->map, &v->slot, &target, SPEC_MAP_FLAG_ANY);
        if (err) {
            snprintf(why, EXEC_WHY_BYTES, "map %s can't hold %s %s: %s", o->maps[v->map].name,
                     programs ? "program" : "map",
                     programs ? o->progs[v->target].name : o->maps[v->target].name,
                     programs && exec->job->other_why ? exec->job->other_why : strerror(-err));
            return err == -ENOMEM ? err : -ENOTSUP;
        }
    }
    return 0;
}

int exec_open(const struct exec_ops *ops, struct job *job, const struct exec_options *options,
              struct exec **out, char why[EXEC_WHY_BYTES])
{
    struct exec *exec = NULL;
    int err = ops->open(job, options, &exec, why);

    if (err)
        return err;
    err = fill_data_maps(exec, why);
    if (!err)
        err = fill_values(exec, why);
    if (err) {
        exec_close(exec);
        return err;
    }
    *out = exec;
    return 0;
}

void exec_close(struct exec *exec)
{
    if (exec)
        exec->ops->close(exec);
}
