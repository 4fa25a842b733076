/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/jsonfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or why a file can't be read. The library's own message would lack the reason for folders. */
static int check_readable(const char *path)
{
    struct stat st;

    if (access(path, R_OK) || stat(path, &st))
        return -errno;
    return S_ISDIR(st.st_mode) ? -EISDIR : 0;
}

int jsonfile_read(const char *path, json_t **out, char *why, size_t why_bytes)
{
    const bool is_stdin = !strcmp(path, "-");
    const int err = is_stdin ? 0 : check_readable(path);
    json_error_t error;

    *out = NULL;
    if (err) {
        snprintf(why, why_bytes, "%s: %s", path, strerror(-err));
        return err;
    }
    *out = is_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                    : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (*out)
        return 0;
    snprintf(why, why_bytes, "%s: malformed JSON at line %d, column %d: %s", path, error.line,
             error.column, error.text);
    return -EINVAL;
}

json_t *jsonfile_text(const char *text)
{
    json_t *j = json_string(text);
    char *plain = j ? NULL : strdup(text);

    for (char *c = plain; c && *c; c++)
        if (*c & 0x80)
            *c = '?';
    if (plain)
        j = json_string(plain);
    free(plain);
    return j;
}
