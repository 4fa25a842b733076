/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as Linux follows at most */

/* A new file's mode, as open would give it. */
static mode_t new_mode(void)
{
    const mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

static int open_as_it_is(const char *path, struct outfile *out)
{
    const int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CLOEXEC)
                                     : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);

    out->file = fd < 0 ? NULL : fdopen(fd, "wb");
    return out->file ? 0 : -errno;
}

/* What a symbolic link says, seen from the folder that it stands in; NULL and errno if path is no
 * link. */
static char *read_link(const char *path)
{
    const char *slash = strrchr(path, '/');
    char target[PATH_MAX];
    char *to = NULL;
    const ssize_t n = readlink(path, target, sizeof(target) - 1);

    if (n < 0)
        return NULL;
    target[n] = 0;
    if (*target == '/' || !slash)
        return strdup(target);
    if (asprintf(&to, "%.*s/%s", (int)(slash - path), path, target) < 0)
        return NULL;
    return to;
}

/* FOLDER/NAME of a path that is no link, FOLDER without links; NULL and errno. path is cut. */
static char *without_links(char *path)
{
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *folder, *place = NULL;

    if (slash)
        *slash = 0;
    folder = realpath(!slash ? "." : *path ? path : "/", NULL);
    if (!folder)
        return NULL;
    if (asprintf(&place, "%s/%s", strcmp(folder, "/") ? folder : "", name) < 0)
        place = NULL;
    free(folder);
    return place;
}

/* Where path leads, also if nothing is there yet; NULL and errno. */
static char *resolve(const char *path)
{
    char *at = strdup(path);
    char *place = NULL;

    for (int links = 0; at && !place; links++) {
        char *next = read_link(at);

        if (!next) {
            place = without_links(at);
            break;
        }
        free(at);
        at = next;
        if (links == LINKS_MAX) {
            errno = ELOOP;
            break;
        }
    }
    free(at);
    return place;
}

/* A temporary file beside the place where path leads; mode is what the file gets. */
static int open_beside(const char *path, mode_t mode, struct outfile *out)
{
    int err;
    int fd;

    errno = ENOMEM;
    out->path = resolve(path);
    if (!out->path || asprintf(&out->temporary, "%.*s/.sluice.XXXXXX",
                               (int)(strrchr(out->path, '/') - out->path), out->path) < 0) {
        err = -errno;
        out->temporary = NULL;
        goto fail;
    }
    fd = mkostemp(out->temporary, O_CLOEXEC);
    if (fd < 0) {
        err = -errno;
        goto fail;
    }
    fchmod(fd, mode);
    out->file = fdopen(fd, "wb");
    if (out->file)
        return 0;
    err = -errno;
    close(fd);
    unlink(out->temporary);
fail:
    free(out->temporary);
    free(out->path);
    *out = (struct outfile){0};
    return err;
}

int outfile_open(const char *path, struct outfile *out)
{
    struct stat st;

    *out = (struct outfile){0};
    if (!strcmp(path, "-"))
        return open_as_it_is(path, out);
    if (stat(path, &st))
        return errno == ENOENT && *path ? open_beside(path, new_mode(), out) : -errno;
    if (!S_ISREG(st.st_mode))
        return open_as_it_is(path, out);
    if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
        return -errno;
    return open_beside(path, st.st_mode & 07777, out);
}

int outfile_finish(struct outfile *out)
{
    FILE *file = out->file;
    int err = 0;

    if (!file)
        return 0;
    out->file = NULL;
    errno = 0;
    if (fflush(file) || ferror(file))
        err = errno ? -errno : -EIO;
    if (fclose(file) && !err)
        err = -errno;
    return err;
}

int outfile_close(struct outfile *out, bool commit)
{
    int err = outfile_finish(out);

    if (!err && commit && out->path && rename(out->temporary, out->path))
        err = -errno;
    if (out->temporary && (err || !commit))
        unlink(out->temporary);
    free(out->temporary);
    free(out->path);
    *out = (struct outfile){0};
    return err;
}
