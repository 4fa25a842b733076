/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_MAPFILE_H
#define SLUICE_HOST_MAPFILE_H

#include "host/ctl/executor.h"
#include "host/ctl/snapshot.h"

#include <jansson.h>

/* Map contents as JSON: an object, map name -> array of entries as bpftool -j map dump prints them.
 * Functions return 0 or negative errno and leave a reason that names the file, the place in the
 * document and what to do. */

/* Reads a file and checks it against the object's maps; nothing is changed on failure. The caller
 * gives the document back with json_decref. */
int mapfile_read(const char *path, const struct load_object *object, json_t **out, char *why,
                 size_t why_bytes);

/* Gives the object's read-only data (.rodata) the contents that a checked document has for it. What
 * a program is verified and translated with depends on them, so this comes before either, as with a
 * skeleton of libbpf. */
int mapfile_preset(const char *path, const json_t *document, const struct load_object *object,
                   struct arena *arena, char *why, size_t why_bytes);

/* What a checked document puts into the maps of programs that this object has, which may be the
 * one program alone (load_only). 0 and *out, with room for more, or -ENOMEM. */
int mapfile_programs(const json_t *document, const struct load_object *object, struct arena *arena,
                     struct load_value **out, uint32_t *count);

/* Puts the entries of a checked document into an executor's maps; path is for messages. */
int mapfile_fill(const char *path, const json_t *document, struct exec *exec, char *why,
                 size_t why_bytes);

/* One entry of a map, as bpftool -j map dump prints it. */
json_t *mapfile_entry(const struct snapshot *snapshot, size_t i);

/* Writes all maps of an executor in one line, entries sorted by key bytes; formatted: also by their
 * fields' names, where the object has the types. */
int mapfile_write(FILE *file, struct exec *exec, bool formatted, char *why, size_t why_bytes);

#endif
