/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, ALIGN_BYTES = 16 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN_BYTES) unsigned char data[];
};

struct arena {
    struct chunk *chunks; /* the first one is being filled */
    size_t used_bytes;
    jmp_buf *oom;
};

struct arena *arena_open(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_reset(struct arena *arena)
{
    struct chunk *c = arena->chunks;

    while (c) {
        struct chunk *next = c->next;

        free(c);
        c = next;
    }
    arena->chunks = NULL;
    arena->used_bytes = 0;
}

void arena_close(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    free(arena);
}

void arena_set_oom(struct arena *arena, jmp_buf *oom)
{
    arena->oom = oom;
}

static void *out_of_memory(struct arena *arena)
{
    if (arena->oom)
        longjmp(*arena->oom, 1);
    return NULL;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct chunk *c = arena->chunks;

    if (bytes > SIZE_MAX - CHUNK_BYTES)
        return out_of_memory(arena);
    bytes = (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
    if (!c || c->size - c->used < bytes) {
        size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

        c = calloc(1, sizeof(*c) + size);
        if (!c)
            return out_of_memory(arena);
        c->size = size;
        c->next = arena->chunks;
        arena->chunks = c;
    }
    c->used += bytes;
    arena->used_bytes += bytes;
    return c->data + c->used - bytes;
}

void *arena_array(struct arena *arena, size_t count, size_t elem_bytes)
{
    if (elem_bytes && count > SIZE_MAX / elem_bytes)
        return out_of_memory(arena);
    return arena_alloc(arena, count * elem_bytes);
}

void *arena_memdup(struct arena *arena, const void *data, size_t bytes)
{
    void *copy = arena_alloc(arena, bytes);

    if (copy && bytes)
        memcpy(copy, data, bytes);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return out_of_memory(arena);
    text = arena_alloc(arena, (size_t)n + 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

size_t arena_used_bytes(const struct arena *arena)
{
    return arena->used_bytes;
}

void *arena_grow(struct arena *arena, void *data, uint32_t count, uint32_t *capacity,
                 size_t elem_bytes)
{
    uint32_t larger = *capacity ? *capacity * 2 : 16;
    void *copy;

    if (count < *capacity)
        return data;
    if (larger < *capacity)
        return out_of_memory(arena);
    copy = arena_array(arena, larger, elem_bytes);
    if (copy && count)
        memcpy(copy, data, count * elem_bytes);
    *capacity = larger;
    return copy;
}
