/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/lib/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Objects for processes that read them by themselves. They get the bytes that were read here and
 * verified: the file's path if it still holds these, otherwise that of a file that is there while
 * the process reads it. */

enum { IMAGE_MAX_BYTES = 256 << 20 /* compiler/load takes no larger ones */ };

static int read_open(int fd, uint8_t **out, size_t *out_bytes)
{
    struct stat st;
    uint8_t *data;
    size_t done = 0;

    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > IMAGE_MAX_BYTES)
        return -EINVAL;
    data = malloc((size_t)st.st_size + 1);
    while (data && done < (size_t)st.st_size) {
        const ssize_t n = read(fd, data + done, (size_t)st.st_size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (!data || done < (size_t)st.st_size) {
        free(data);
        return data ? -EIO : -ENOMEM;
    }
    *out = data;
    *out_bytes = done;
    return 0;
}

int lib_image_read(const char *path, uint8_t **image, size_t *bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err;

    if (fd < 0)
        return -errno;
    err = read_open(fd, image, bytes);
    close(fd);
    return err;
}

static bool still_holds(const char *path, const uint8_t *image, size_t bytes)
{
    uint8_t *now = NULL;
    size_t now_bytes = 0;
    const bool same = path && !lib_image_read(path, &now, &now_bytes) && now_bytes == bytes &&
                      !memcmp(now, image, bytes);

    free(now);
    return same;
}

/* The name that an object's file has whenever there is one: processes keep data sections if both
 * programs come from one file. */
int lib_image_name(struct sluice_object *o)
{
    const char *folder = secure_getenv("TMPDIR");
    uint64_t random;

    if (o->handed)
        return 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -errno;
    if (asprintf(&o->handed, "%s/sluice-%016llx.o", folder ? folder : "/tmp",
                 (unsigned long long)random) < 0) {
        o->handed = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        const ssize_t n = write(fd, data, bytes);

        if (n < 0 && errno != EINTR)
            return -errno;
        data += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int lib_image_lend(struct sluice_loaded *l, uint32_t uid, const char **path)
{
    struct sluice_object *o = l->object;
    const uint8_t *image = l->image ? l->image : o->image;
    const size_t bytes = l->image ? l->image_bytes : o->image_bytes;
    int fd, err;

    if (!l->image && still_holds(o->path, image, bytes)) {
        *path = o->path;
        return 0;
    }
    err = lib_lock(&o->handing);
    if (err)
        return err;
    fd = open(o->handed, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    err = fd < 0 ? -errno : write_all(fd, image, bytes);
    if (!err && uid != geteuid() && !geteuid() && fchown(fd, uid, (gid_t)-1))
        err = -errno;
    if (fd >= 0 && close(fd) && !err)
        err = -errno;
    if (err) {
        if (fd >= 0)
            unlink(o->handed);
        lib_unlock(&o->handing);
        return err;
    }
    *path = o->handed;
    return 0;
}

void lib_image_take_back(struct sluice_loaded *l, const char *path)
{
    struct sluice_object *o = l->object;

    if (path != o->handed)
        return;
    unlink(path);
    lib_unlock(&o->handing);
}

/* --- objects that are not what was read any more --- */

static bool same_fields(const struct load_map *a, const struct load_map *b)
{
    static const struct load_fields none;
    const struct load_fields *x = a->fields ? a->fields : &none;
    const struct load_fields *y = b->fields ? b->fields : &none;

    return !x->inner && !y->inner && x->has_lock == y->has_lock && x->lock_off == y->lock_off &&
           !x->special && !y->special && x->extra == y->extra;
}

static bool same_map(const struct load_map *a, const struct load_map *b)
{
    return job_same_definition(a, b) && same_fields(a, b) && !a->data == !b->data &&
           (!a->data || !memcmp(a->data, b->data, a->value_bytes));
}

static bool same_program(const struct load_object *a, const struct load_object *b)
{
    bool same =
        b->prog_count == 1 && a->map_count == b->map_count &&
        a->progs->insn_count == b->progs->insn_count && !b->value_count &&
        !memcmp(a->progs->insns, b->progs->insns, a->progs->insn_count * sizeof(*a->progs->insns));

    for (uint32_t i = 0; same && i < a->map_count; i++)
        same = same_map(&a->maps[i], &b->maps[i]);
    return same;
}

/* Writes the program with its maps as they are now, and reads that back. */
int lib_image_alter(struct sluice_loaded *l)
{
    const struct load_object *again = NULL, *o = l->file;
    const struct load_options options = {.size = sizeof(options), .section = o->progs->section};
    struct diag_sink sink = diag_sink_make(l->arena);
    char *image = NULL;
    size_t bytes = 0;
    FILE *f;
    int err;

    if (o->prog_count != 1 || o->value_count)
        return -EOPNOTSUPP;
    f = open_memstream(&image, &bytes);
    if (!f)
        return -ENOMEM;
    err = load_write(f, o, o->progs, l->arena);
    if (fclose(f) && !err)
        err = -ENOMEM;
    if (!err)
        err = load_object_memory(image, bytes, "altered", &options, l->arena, &sink, &again);
    if (err || !same_program(o, again)) {
        free(image);
        return err == -ENOMEM ? err : -EOPNOTSUPP;
    }
    l->image = (uint8_t *)image;
    l->image_bytes = bytes;
    return 0;
}
