/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new file's mode, as open would give it. */
static mode_t new_mode(void)
{
    const mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

static int open_as_it_is(const char *path, struct outfile *out)
{
    const int fd = strcmp(path, "-") ? open(path, O_WRONLY) : dup(STDOUT_FILENO);

    out->file = fd < 0 ? NULL : fdopen(fd, "wb");
    return out->file ? 0 : -errno;
}

/* A temporary file beside the place where path leads. */
static int open_beside(const char *path, struct outfile *out)
{
    int err = -ENOMEM;
    int fd;

    out->path = realpath(path, NULL);
    if (!out->path)
        out->path = strdup(path);
    if (!out->path || asprintf(&out->temporary, "%s.XXXXXX", out->path) < 0) {
        out->temporary = NULL;
        goto fail;
    }
    fd = mkstemp(out->temporary);
    if (fd < 0) {
        err = -errno;
        goto fail;
    }
    fchmod(fd, new_mode());
    out->file = fdopen(fd, "wb");
    if (out->file)
        return 0;
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
    if (!strcmp(path, "-") || (!stat(path, &st) && !S_ISREG(st.st_mode)))
        return open_as_it_is(path, out);
    return open_beside(path, out);
}

int outfile_close(struct outfile *out, bool commit)
{
    int err = 0;

    if (!out->file)
        return 0;
    errno = 0;
    if (fflush(out->file) || ferror(out->file))
        err = errno ? -errno : -EIO;
    if (fclose(out->file) && !err)
        err = -errno;
    if (!err && commit && out->path && rename(out->temporary, out->path))
        err = -errno;
    if (out->temporary && (err || !commit))
        unlink(out->temporary);
    free(out->temporary);
    free(out->path);
    *out = (struct outfile){0};
    return err;
}
