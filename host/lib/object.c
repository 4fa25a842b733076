/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/choose.h"
#include "host/lib/internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Objects, their programs and the definitions of their maps. */

void lib_object_hold(struct sluice_object *object)
{
    atomic_fetch_add(&object->holders, 1);
}

void lib_object_drop(struct sluice_object *object)
{
    if (!object || atomic_fetch_sub(&object->holders, 1) != 1)
        return;
    arena_close(object->arena);
    pthread_mutex_destroy(&object->handing);
    free(object->programs);
    free(object->maps);
    free(object->image);
    free(object->path);
    free(object->section);
    free(object->handed);
    free(object);
}

/* The handles; the object is read. */
static int make_handles(struct sluice_object *o)
{
    o->programs = calloc(o->file->prog_count + 1, sizeof(*o->programs));
    o->maps = calloc(o->file->map_count + 1, sizeof(*o->maps));
    if (!o->programs || !o->maps)
        return -ENOMEM;
    for (uint32_t i = 0; i < o->file->prog_count; i++)
        o->programs[i] = (struct sluice_program){o, &o->file->progs[i]};
    for (uint32_t i = 0; i < o->file->map_count; i++) {
        lib_map_make(&o->maps[i], &o->file->maps[i], i);
        o->maps[i].object = o;
        o->maps[i].id = i + 1;
    }
    return 0;
}

struct source {
    const char *path; /* or NULL, and */
    const void *data;
    size_t bytes;
};

/* Keeps the bytes, for processes that are to have the same. */
static int load_kept(struct sluice_object *o, const struct source *from, const char *name,
                     const struct load_options *options, struct diag_sink *sink,
                     const struct load_object **read)
{
    if (from->path && lib_image_read(from->path, &o->image, &o->image_bytes)) /* says why */
        return load_object(from->path, options, o->arena, sink, read);
    if (!from->path) {
        o->image = malloc(from->bytes + 1);
        if (!o->image)
            return -ENOMEM;
        memcpy(o->image, from->data, from->bytes);
        o->image_bytes = from->bytes;
    }
    return load_object_memory(o->image, o->image_bytes, from->path ? from->path : name, options,
                              o->arena, sink, read);
}

/* What else matters to them. */
static int keep_options(struct sluice_object *o, const struct source *from,
                        const struct sluice_object_opts *opts)
{
    o->path = from->path ? realpath(from->path, NULL) : NULL;
    o->section = opts->section ? strdup(opts->section) : NULL;
    o->any_type = opts->any_type;
    o->altered = opts->map_size_count;
    return opts->section && !o->section ? -ENOMEM : lib_lock_open(&o->handing);
}

static int read_object(struct sluice_object *o, const struct source *from,
                       const struct sluice_object_opts *opts, struct diag_sink *sink)
{
    const char *name = opts->name ? opts->name : from->path ? from->path : "object";
    const size_t count = opts->map_size_count;
    struct load_map_size *sizes = calloc(count + 1, sizeof(*sizes));
    const struct load_options options = {.size = sizeof(options),
                                         .section = opts->section,
                                         .any_type = opts->any_type != 0,
                                         .map_sizes = sizes,
                                         .map_size_count = opts->map_size_count};
    const struct load_object *read = NULL;
    volatile int err = sizes ? 0 : -ENOMEM;
    jmp_buf oom;

    for (size_t i = 0; sizes && i < count; i++) {
        sizes[i] = (struct load_map_size){opts->map_sizes[i].map, opts->map_sizes[i].max_entries};
        if (opts->map_sizes[i].reserved || !sizes[i].entries)
            err = -EINVAL;
    }
    if (!err && setjmp(oom)) {
        err = -ENOMEM;
    } else if (!err) {
        arena_set_oom(o->arena, &oom);
        err = load_kept(o, from, name, &options, sink, &read);
    }
    arena_set_oom(o->arena, NULL);
    free(sizes);
    o->file = (struct load_object *)(uintptr_t)read;
    return err;
}

static int open_object(const struct source *from, const struct sluice_object_opts *user,
                       struct sluice_object **out)
{
    struct sluice_object_opts opts;
    struct sluice_sink sink;
    struct sluice_object *o;
    struct diag_sink said;
    int err = lib_options(&opts, sizeof(opts), user);

    if (!err)
        err = lib_sink(opts.sink, &sink);
    if (!err && opts.map_size_count && !opts.map_sizes)
        err = -EINVAL;
    if (err)
        return err;
    o = calloc(1, sizeof(*o));
    if (!o)
        return -ENOMEM;
    atomic_init(&o->holders, 1);
    o->arena = arena_open();
    err = o->arena ? keep_options(o, from, &opts) : -ENOMEM;
    if (err) {
        arena_close(o->arena);
        free(o->path);
        free(o->section);
        free(o);
        return err;
    }
    said = diag_sink_make(o->arena);
    err = read_object(o, from, &opts, &said);
    lib_tell_all(&sink, &said);
    if (err && !said.errors)
        lib_say(&sink, SLUICE_ERROR, "LIB0001", NULL, "%s: %s",
                from->path ? from->path : "the object", strerror(-err));
    if (!err)
        err = make_handles(o);
    if (err) {
        lib_object_drop(o);
        return err;
    }
    *out = o;
    return 0;
}

int sluice_object_open(const char *path, const struct sluice_object_opts *opts,
                       struct sluice_object **out)
{
    const struct source from = {.path = path};

    return path && out ? open_object(&from, opts, out) : -EINVAL;
}

int sluice_object_open_memory(const void *data, size_t data_size,
                              const struct sluice_object_opts *opts, struct sluice_object **out)
{
    const struct source from = {.data = data, .bytes = data_size};

    return data && out ? open_object(&from, opts, out) : -EINVAL;
}

void sluice_object_close(struct sluice_object *object)
{
    lib_object_drop(object);
}

struct sluice_program *sluice_object_next_program(const struct sluice_object *object,
                                                  const struct sluice_program *prev)
{
    const size_t i = prev && object ? (size_t)(prev - object->programs) + 1 : 0;

    return object && i < object->file->prog_count ? &object->programs[i] : NULL;
}

struct sluice_map *sluice_object_next_map(const struct sluice_object *object,
                                          const struct sluice_map *prev)
{
    const size_t i = prev && object ? (size_t)(prev - object->maps) + 1 : 0;

    return object && i < object->file->map_count ? &object->maps[i] : NULL;
}

struct sluice_program *sluice_object_find_program_by_name(const struct sluice_object *object,
                                                          const char *name)
{
    const struct load_prog *p = object && name ? choose_program(object->file, name) : NULL;

    return p ? &object->programs[p - object->file->progs] : NULL;
}

struct sluice_map *sluice_object_find_map_by_name(const struct sluice_object *object,
                                                  const char *name)
{
    for (uint32_t i = 0; object && name && i < object->file->map_count; i++)
        if (!strcmp(object->file->maps[i].name, name))
            return &object->maps[i];
    return NULL;
}

const char *sluice_program_name(const struct sluice_program *program)
{
    return program ? program->prog->name : NULL;
}

const char *sluice_program_section(const struct sluice_program *program)
{
    return program ? program->prog->section : NULL;
}

uint32_t sluice_program_insn_count(const struct sluice_program *program)
{
    return program ? program->prog->insn_count : 0;
}

uint32_t sluice_program_id(const struct sluice_program *program)
{
    return program ? (uint32_t)(program - program->object->programs) + 1 : 0;
}

struct job *lib_job(const struct sluice_program *program, struct arena *arena)
{
    const struct load_object *only = load_only(program->object->file, program->prog, arena);
    const struct job_options options = {.size = sizeof(options)};

    return only ? job_open(only, only->progs, &options, arena) : NULL;
}

int sluice_program_verify(const struct sluice_program *program, const struct sluice_sink *user)
{
    struct sluice_sink sink;
    struct arena *arena;
    struct job *job;
    int err = lib_sink(user, &sink);

    if (err || !program)
        return err ? err : -EINVAL;
    arena = arena_open();
    job = arena ? lib_job(program, arena) : NULL;
    err = job ? job_do(job, JOB_VERIFY) : -ENOMEM;
    if (job)
        lib_tell_all(&sink, &job->sinks[JOB_VERIFY]);
    arena_close(arena);
    return err;
}

static void say_passed(void *ctx, const char *executor, const char *why)
{
    lib_say(ctx, SLUICE_NOTE, "LIB0002", NULL, "does not fit %s: %s", executor, why);
}

/* The first of a list; a reason of EXEC_WHY_BYTES. */
static int choose(const struct sluice_program *program, const char *list,
                  const struct sluice_sink *sink, const char **name, char *why)
{
    struct arena *arena = arena_open();
    struct job *job = arena ? lib_job(program, arena) : NULL;
    const struct exec_ops *ops = NULL;
    int err = -ENOMEM;

    snprintf(why, EXEC_WHY_BYTES, "no memory");
    if (job)
        err = choose_executor(job, list, sink ? say_passed : NULL, (void *)(uintptr_t)sink, &ops,
                              why);
    if (!err)
        *name = ops->name;
    arena_close(arena);
    return err;
}

int sluice_program_fits(const struct sluice_program *program, const char *executor, char *reason,
                        size_t reason_size)
{
    char why[EXEC_WHY_BYTES];
    const char *name;
    int err;

    if (!program || !executor || (!reason && reason_size))
        return -EINVAL;
    err = strchr(executor, ',') ? -ENOENT : choose(program, executor, NULL, &name, why);
    if (strchr(executor, ','))
        snprintf(why, sizeof(why), "\"%.64s\" is a list, not an executor", executor);
    if (reason_size)
        snprintf(reason, reason_size, "%s", err ? why : "");
    return err;
}

int sluice_program_best(const struct sluice_program *program, const char *executors,
                        const struct sluice_sink *user, const char **name)
{
    char why[EXEC_WHY_BYTES];
    struct sluice_sink sink;
    int err = lib_sink(user, &sink);

    if (err || !program || !name)
        return err ? err : -EINVAL;
    err = choose(program, executors ? executors : CHOOSE_BEST, &sink, name, why);
    if (err == -ENOENT)
        lib_say(&sink, SLUICE_ERROR, "LIB0003", NULL, "%s", why);
    return err;
}
