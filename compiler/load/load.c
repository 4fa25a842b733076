/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/load.h"

#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int load_fail(struct load_ctx *c, int err, const char *code, const char *section,
              const char *format, ...)
{
    struct diag_where where = c->at;
    va_list args;

    if (c->prog && where.insn != DIAG_NO_INSN)
        where = load_where(c->object, c->prog, where.insn);
    if (section)
        where.section = section;
    va_start(args, format);
    diag_add_args(c->sink, DIAG_ERROR, code, where, format, args);
    va_end(args);
    return err;
}

static int read_license(struct load_ctx *c)
{
    const struct load_section *s = &c->sections[load_section_named(c, "license")];

    c->object->license = "";
    if (!s->data)
        return 0;
    if (!memchr(s->data, 0, s->bytes))
        return load_fail(c, -EINVAL, LOAD_E_SECTION, s->name, "the string has no end");
    c->object->license = arena_strdup(c->arena, (const char *)s->data);
    return 0;
}

static int load_all(struct load_ctx *c, const void *data, size_t bytes)
{
    typedef int step_fn(struct load_ctx *);
    static step_fn *const steps[] = {
        read_license, load_btf,   load_btf_ext,    load_maps,
        load_funcs,   load_progs, load_map_values, load_maps_drop_foreign};
    int err = load_elf(c, data, bytes);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
        err = steps[i](c);
    return err;
}

int load_object_memory(const void *data, size_t bytes, const char *name,
                       const struct load_options *options, struct arena *arena,
                       struct diag_sink *sink, const struct load_object **out)
{
    struct load_ctx *c = arena_alloc(arena, sizeof(*c));
    jmp_buf oom;
    int err;

    if (!c)
        return -ENOMEM;
    c->arena = arena;
    c->sink = sink;
    c->options = options;
    c->at = DIAG_NOWHERE;
    c->at.file = name;
    if (setjmp(oom)) {
        /* No message: the sink may live in the arena that ran out. */
        arena_set_oom(arena, NULL);
        err = -ENOMEM;
        goto close;
    }
    arena_set_oom(arena, &oom);
    c->object = arena_alloc(arena, sizeof(*c->object));
    c->object->path = arena_strdup(arena, name);
    if (options && options->size < sizeof(*options))
        err = load_fail(c, -EINVAL, LOAD_E_OPTION, NULL,
                        "options of %zu bytes, at least %zu expected", options->size,
                        sizeof(*options));
    else
        err = load_all(c, data, bytes);
    arena_set_oom(arena, NULL);
    if (!err)
        *out = c->object;
close:
    btf__free(c->btf);
    elf_end(c->elf);
    return err;
}

static int open_failed(struct diag_sink *sink, const char *path, int err, const char *why)
{
    struct diag_where where = DIAG_NOWHERE;

    where.file = path;
    diag_add(sink, DIAG_ERROR, LOAD_E_OPEN, where, "%s", why);
    return err;
}

/* Reads bytes from a file; a shorter file is an error. */
static int read_all(int fd, uint8_t *data, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = read(fd, data + done, bytes - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

int load_object(const char *path, const struct load_options *options, struct arena *arena,
                struct diag_sink *sink, const struct load_object **out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data;
    int err;

    if (fd < 0)
        return open_failed(sink, path, errno == ENOENT ? -ENOENT : -EIO, strerror(errno));
    if (fstat(fd, &st)) {
        err = open_failed(sink, path, -EIO, strerror(errno));
        goto close;
    }
    if (!S_ISREG(st.st_mode)) {
        err = open_failed(sink, path, -EINVAL, "not a regular file");
        goto close;
    }
    if (st.st_size > LOAD_FILE_MAX_BYTES) {
        err = open_failed(sink, path, -EINVAL, "longer than any object file");
        goto close;
    }
    data = arena_alloc(arena, (size_t)st.st_size);
    if (!data) {
        err = -ENOMEM;
        goto close;
    }
    err = read_all(fd, data, (size_t)st.st_size);
    if (err) {
        err = open_failed(sink, path, -EIO, strerror(-err));
        goto close;
    }
    err = load_object_memory(data, (size_t)st.st_size, path, options, arena, sink, out);
close:
    close(fd);
    return err;
}

const struct load_line *load_line_of(const struct load_prog *prog, uint32_t insn)
{
    uint32_t low = 0, high = prog->line_count;
    const struct load_subprog *sub;

    if (insn >= prog->insn_count)
        return NULL;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;

        if (prog->lines[mid].insn <= insn)
            low = mid + 1;
        else
            high = mid;
    }
    /* A subprogram without lines of its own doesn't take those of its neighbour. */
    sub = &prog->subprogs[load_subprog_of(prog, insn)];
    return low && prog->lines[low - 1].insn >= sub->start ? &prog->lines[low - 1] : NULL;
}

struct diag_where load_where(const struct load_object *object, const struct load_prog *prog,
                             uint32_t insn)
{
    const struct load_line *line = load_line_of(prog, insn);
    struct diag_where where = {
        .file = object->path, .section = prog->section, .program = prog->name, .insn = insn};

    if (line) {
        where.source_file = line->file;
        where.source_line = line->line;
        where.source_text = line->text ? line->text + strspn(line->text, " \t") : NULL;
    }
    return where;
}

uint32_t load_subprog_of(const struct load_prog *prog, uint32_t insn)
{
    uint32_t low = 0, high = prog->subprog_count;

    while (high - low > 1) {
        const uint32_t mid = low + (high - low) / 2;

        if (prog->subprogs[mid].start <= insn)
            low = mid;
        else
            high = mid;
    }
    return low;
}
