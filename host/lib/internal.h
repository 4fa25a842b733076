/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_LIB_INTERNAL_H
#define SLUICE_HOST_LIB_INTERNAL_H

#include "host/ctl/executor.h"
#include "host/ctl/remote.h"
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
    char remote_id[16];      /* on a device: of the program of this generation, 0: of none so far */
    uint64_t generation;
};

struct sluice_object {
    atomic_uint holders; /* the user, and each program that is loaded */
    struct arena *arena;
    struct load_object *file;
    struct sluice_program *programs;
    struct sluice_map *maps;
    /* For processes that read it by themselves. */
    uint8_t *image; /* what was read */
    size_t image_bytes;
    char *path;    /* where, with all folders; NULL: from memory */
    char *section; /* the options' */
    bool any_type;
    bool altered; /* sizes or initial values are not those of the image */
    char *handed; /* the name of a file that it is written to, while that is read */
    pthread_mutex_t handing;
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
    atomic_uintptr_t port;      /* that it is attached to, or 0 */
    struct sluice_port *target; /* the device that it is for; exec is NULL then */
    uint64_t generation;        /* that it has there; of the port's lock */
    char executor[16];
    const char *wanted; /* that it is to run on there, or NULL: as the device says */
    uint8_t *image; /* what is handed over in place of the object's, or NULL */
    size_t image_bytes;
    uint64_t next_packet;
    struct sluice_stats stats;
    uint8_t *scratch; /* room for one key and the values of any map, at key_room */
    size_t key_room;
    uint8_t *out; /* packets that have left, of the last batch */
    size_t out_used, out_room;
};

/* A device of another process. */
struct lib_device {
    struct remote remote;
    struct sluice_sink sink;
    char socket[sizeof(((struct sluice_port_info *)0)->socket)];
};

struct sluice_port {
    atomic_uint holders; /* the user, and programs that are for it */
    pthread_mutex_t lock;
    char *name;
    struct lib_device *device;    /* or NULL: in software */
    struct sluice_loaded *loaded; /* or NULL; of a device: that it runs if the generation says so */
    struct sluice_map *maps;      /* handles */
    struct sluice_stats stats;
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
/* image.c: the bytes of a file, which the caller frees. */
int lib_image_read(const char *path, uint8_t **image, size_t *bytes);
/* Chooses the name of the file in which the object is lent; once. */
int lib_image_name(struct sluice_object *object);
/* Makes the program's image as it was altered. -EOPNOTSUPP: that can't be told in an object. */
int lib_image_alter(struct sluice_loaded *loaded);
/* A file for a process of that user to read, until it is taken back. */
int lib_image_lend(struct sluice_loaded *loaded, uint32_t uid, const char **path);
void lib_image_take_back(struct sluice_loaded *loaded, const char *path);
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
/* Gives the maps of `to` the contents that those of `from` have; both are locked. result: how many.
 */
int lib_hand_over(struct sluice_loaded *from, struct sluice_loaded *to,
                  const struct sluice_sink *sink, struct sluice_swap_result *result);
/* A number of a program or a map in the object as the loaded program's executor knows it, and back;
 * 0: none. */
uint32_t lib_number_of_id(const struct sluice_loaded *loaded, bool programs, uint32_t id);
uint32_t lib_id_of_number(const struct sluice_loaded *loaded, bool programs, uint32_t number);

/* --- ports --- */

/* Locks the port and gives the program that is attached, or NULL. 0 or -EDEADLK. */
int lib_port_enter(struct sluice_port *port, struct sluice_loaded **loaded);
void lib_port_leave(struct sluice_port *port);
void lib_port_hold(struct sluice_port *port);
void lib_port_drop(struct sluice_port *port);
/* Makes a program this port's; false if a port has it. */
bool lib_port_claim(struct sluice_port *port, struct sluice_loaded *loaded);
/* The port's program goes. */
void lib_port_let_go(struct sluice_port *port);
/* A handle for a map like this one, of a port that is locked. NULL: no memory. */
struct sluice_map *lib_port_handle(struct sluice_port *port, const struct load_map *def);

/* --- devices: the port is locked in all of these but the first two --- */

int lib_device_open(const struct sluice_port_opts *opts, struct lib_device **out, char *name,
                    size_t name_bytes);
void lib_device_close(struct lib_device *device); /* NULL-safe */
/* Asks, and tells why not; sink NULL: the port's, of what is amiss with the connection only.
 * -ESTALE (another program runs) is told to nobody. */
int lib_device_ask(struct lib_device *device, const struct sluice_sink *sink, const char *command,
                   const char *const *parameters, uint32_t count, json_t **answer);
int lib_device_stats(struct lib_device *device, struct sluice_stats *stats);
int lib_device_counters(struct lib_device *device, struct sluice_counter *counters,
                        uint32_t *count);
int lib_device_info(struct lib_device *device, struct sluice_port_info *info);
int lib_device_registers(struct lib_device *device, struct sluice_device_info *info);

/* Programs. load needs no lock. */
int lib_device_load(struct sluice_loaded *loaded, const struct sluice_load_opts *opts,
                    const struct sluice_sink *sink);
int lib_device_attach(struct sluice_port *port, struct sluice_loaded *loaded);
int lib_device_swap(struct sluice_port *port, struct sluice_loaded *loaded, uint32_t flags,
                    const struct sluice_sink *sink, struct sluice_swap_result *result);
int lib_device_detach(struct sluice_port *port);

/* Maps, which these lock themselves: arguments have been looked at. */
bool lib_device_has(const struct sluice_map *map);
struct sluice_map *lib_device_find_map(struct sluice_port *port, const char *name);
int lib_device_lookup(struct sluice_map *map, const void *key, void *value, bool take);
int lib_device_update(struct sluice_map *map, const void *key, const void *value, uint64_t flags);
int lib_device_delete(struct sluice_map *map, const void *key);
int lib_device_next_key(struct sluice_map *map, const void *key, void *next);
int lib_device_lookup_batch(struct sluice_map *map, const void *after, void *keys, void *values,
                            uint32_t *count);
int lib_device_update_batch(struct sluice_map *map, const void *keys, const void *values,
                            uint32_t *count, uint64_t flags);
int lib_device_delete_batch(struct sluice_map *map, const void *keys, uint32_t *count);
int lib_device_lost(struct sluice_map *map, uint64_t *lost);

#endif
