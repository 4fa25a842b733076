/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 8 };

int scratch_open(struct scratch *s)
{
    snprintf(s->path, sizeof(s->path), "/tmp/sluice-fuzz-XXXXXX");
    if (!mkdtemp(s->path)) {
        const int err = -errno;

        s->path[0] = 0;
        return err;
    }
    return setenv("SLUICE_CACHE", s->path, 1) ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    if (where->level)
        remove(path);
    return 0;
}

void scratch_clean(const struct scratch *s)
{
    nftw(s->path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

void scratch_close(struct scratch *s)
{
    if (!s->path[0])
        return;
    scratch_clean(s);
    rmdir(s->path);
    s->path[0] = 0;
}
