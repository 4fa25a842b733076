/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_LIB_INTERNAL_H
#define SLUICE_HOST_LIB_INTERNAL_H

#include "host/ctl/executor.h"
#include "host/sluice.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the files of libsluice share. */

struct sluice_program {
    struct sluice_object *object;
    const struct load_prog *prog;
};

/* A definition, or contents: of a loaded program, or of the one that a port has. */
struct sluice_map {
    struct load_map def;          /* of a port's handle only name, type, sizes, entries and flags */
    uint32_t index;               /* in its object or its loaded program */
    uint32_t id;                  /* in the object, from 1; 0: a port's */
    struct sluice_object *object; /* one of these three */
    struct sluice_loaded *loaded;
    struct sluice_port *port;
    struct sluice_map *next; /* handles of a port */
};

struct sluice_object {
    atomic_uint holders; /* the user, and each program that is loaded */
    struct arena *arena;
    struct load_object *file;
    struct sluice_program *programs;
    struct sluice_map *maps;
};

struct sluice_loaded {
    atomic_uint holders; /* the user, and a port */
    pthread_mutex_t lock;
    struct sluice_object *object;
    struct arena *arena;
    const struct load_object *file; /* the object with this program first (load_only) */
    struct job *job;
    struct exec *exec;
    struct sluice_map *maps;
    uint32_t ifindex;
    uint32_t queue; /* of the kernel */
    struct exec_listener listener;
    int (*event)(void *ctx, const struct sluice_event *event);
    void *event_ctx;
    atomic_uintptr_t port; /* that it is attached to, or 0 */
    uint64_t next_packet;
    struct sluice_stats stats;
    uint8_t *scratch; /* room for one key and the values of any map, at key_room */
    size_t key_room;
    uint8_t *out; /* packets that have left, of the last batch */
    size_t out_used, out_room;
};

/* Takes options of any version: -EINVAL, -E2BIG. from may be NULL, to then has zeros. */
int lib_options(void *to, size_t size, const void *from);
/* Gives a struct with a size, as far as the user's goes. */
int lib_answer(void *user, const void *from, size_t size);

/* --- messages --- */

/* The sink of a call, NULL-safe; -EINVAL, -E2BIG. */
int lib_sink(const struct sluice_sink *from, struct sluice_sink *to);
void lib_tell(const struct sluice_sink *sink, const struct diag *diag);
void lib_tell_all(const struct sluice_sink *sink, const struct diag_sink *all);
/* A message without a place but a program's. */
void lib_say(const struct sluice_sink *sink, enum sluice_severity severity, const char *code,
             const char *program, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* --- objects --- */

void lib_object_hold(struct sluice_object *object);
void lib_object_drop(struct sluice_object *object);
/* A job for a program in an arena of its own; NULL: no memory. */
struct job *lib_job(const struct sluice_program *program, struct arena *arena);

/* --- loaded programs --- */

/* 0, or -EDEADLK within one of its own callbacks. */
int lib_lock(pthread_mutex_t *lock);
void lib_unlock(pthread_mutex_t *lock);
int lib_lock_open(pthread_mutex_t *lock);
void lib_loaded_hold(struct sluice_loaded *loaded);
void lib_loaded_drop(struct sluice_loaded *loaded);
/* Runs a batch with the lock held; stats of a port are added to, or NULL. */
int lib_run(struct sluice_loaded *loaded, struct sluice_batch *user, struct sluice_stats *port);
/* A batch that nobody looks at: each packet passes unchanged. */
int lib_pass(struct sluice_batch *user, struct sluice_stats *port);

/* --- maps --- */

void lib_map_make(struct sluice_map *map, const struct load_map *def, uint32_t index);
/* Gives the maps of `to` the contents that those of `from` have; both are locked. */
int lib_hand_over(struct sluice_loaded *from, struct sluice_loaded *to,
                  const struct sluice_sink *sink);
/* A number of a program or a map in the object as the loaded program's executor knows it, and back;
 * 0: none. */
uint32_t lib_number_of_id(const struct sluice_loaded *loaded, bool programs, uint32_t id);
uint32_t lib_id_of_number(const struct sluice_loaded *loaded, bool programs, uint32_t number);

/* --- ports --- */

/* Locks the port and gives the program that is attached, or NULL. 0 or -EDEADLK. */
int lib_port_enter(struct sluice_port *port, struct sluice_loaded **loaded);
void lib_port_leave(struct sluice_port *port);

#endif
