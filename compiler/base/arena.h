/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that is given back all at once. One arena holds what a compile leaves behind, a scratch arena
 * what one pass needs. */
struct arena;

/* Makes an empty arena, or returns NULL if there is no memory. */
struct arena *arena_open(void);
/* Gives everything back; NULL is allowed. */
void arena_close(struct arena *arena);
/* Gives everything back but keeps the arena usable. */
void arena_reset(struct arena *arena);

/* When memory runs out, arena_alloc jumps to *oom with value 1 instead of returning. Without a handler
 * (NULL) it returns NULL. Each entry point of a library sets its handler; passes need not check. */
void arena_set_oom(struct arena *arena, jmp_buf *oom);

/* bytes of zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* The same for count elements; a product that overflows counts as memory run out. */
void *arena_array(struct arena *arena, size_t count, size_t elem_bytes);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *arena_memdup(struct arena *arena, const void *data, size_t bytes);

/* Bytes handed out so far. */
size_t arena_used_bytes(const struct arena *arena);

/* Room for one more element in a growing array: returns data or a copy of it with doubled *capacity. */
void *arena_grow(struct arena *arena, void *data, uint32_t count, uint32_t *capacity,
                 size_t elem_bytes);

#endif
