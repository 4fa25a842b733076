/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/ctl/jsonfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What verbs say and take: messages, numbers, files, documents. */

static void tell(const char *format, va_list args)
{
    fputs("sluice: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int cli_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
    return CLI_USAGE;
}

int cli_no_fit(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(format, args);
    va_end(args);
    return CLI_NO_FIT;
}

const char *cli_executors(char *text, size_t bytes)
{
    size_t n = 0;

    *text = 0;
    for (uint32_t i = 0; i < exec_count && n < bytes; i++)
        n += (size_t)snprintf(text + n, bytes - n, "%s%s", i ? ", " : "", exec_table[i]->name);
    return text;
}

uint64_t cli_number(struct argp_state *state, const char *option, const char *text, uint64_t min,
                    uint64_t max)
{
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, hex ? 16 : 10);
    if (errno || *end || !isxdigit((unsigned char)*text) || value < min || value > max)
        argp_error(state, "%s takes a whole number from %llu to %llu, not \"%s\"", option,
                   (unsigned long long)min, (unsigned long long)max, text);
    return value;
}

json_t *cli_json_text(const char *text)
{
    return jsonfile_text(text);
}

void cli_print_json(const json_t *document)
{
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
}

int cli_check_memory(const char *what, uint64_t count, uint64_t bytes_each)
{
    const double gib = 1073741824.0;
    const double has = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double needs = (double)count * (double)bytes_each;

    if (needs < has)
        return CLI_OK;
    return cli_fail(
        "%s would take %.1f GiB of memory, this machine has %.1f; take fewer packets or "
        "a smaller --repeat",
        what, needs / gib, has / gib);
}

/* Reads a stream of unknown length; NULL and errno, or memory to be freed. */
static char *read_stream(FILE *file, size_t max_bytes, size_t *bytes)
{
    size_t capacity = 1 << 16;
    char *data = malloc(capacity);

    *bytes = 0;
    while (data) {
        char *grown;

        *bytes += fread(data + *bytes, 1, capacity - *bytes, file);
        if (*bytes < capacity)
            break;
        if (capacity > max_bytes) {
            free(data);
            errno = EFBIG;
            return NULL;
        }
        capacity *= 2;
        grown = realloc(data, capacity);
        if (!grown)
            free(data);
        data = grown;
    }
    if (data && ferror(file)) {
        free(data);
        return NULL;
    }
    return data;
}

int cli_read_file(const char *path, size_t max_bytes, struct arena *arena, char **out,
                  size_t *bytes)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    char *data = file ? read_stream(file, max_bytes, bytes) : NULL;
    const int err = errno;

    if (file && file != stdin)
        fclose(file);
    if (!data)
        return cli_fail("%s: %s", path, strerror(err));
    *out = arena_alloc(arena, *bytes + 1);
    if (*out)
        memcpy(*out, data, *bytes);
    free(data);
    return *out ? CLI_OK : cli_fail("no memory");
}
