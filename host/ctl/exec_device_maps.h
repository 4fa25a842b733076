/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EXEC_DEVICE_MAPS_H
#define SLUICE_HOST_EXEC_DEVICE_MAPS_H

#include "host/ctl/executor.h"
#include "host/ctl/hostmap.h"
#include "host/ctl/keylist.h"
#include "host/ctl/replay.h"
#include "nic_runtime/vm.h"

/* What the hardware executors share: a program on a device (exec_device.c), and its maps as
 * exec_ops has them (exec_device_maps.c), whether the device holds them or the host. */

struct device_exec {
    struct exec exec; /* first member */
    struct dev *dev;
    void *plugin;
    uint32_t bank; /* of program memory */
    struct hostmap *soft; /* by number: maps that the device does not hold, as the program names
                             none of them, or what it tells of them comes with the packets */
    struct map **maps;    /* of soft, or NULL */
    struct keylist *keys; /* by number: for walks by key over maps that the device holds */
    struct replay replay;
    struct events events; /* of the packet that has come */
    struct vm_world world;
};

/* Makes the host's maps, empty, and the room for lists of keys: 0 or -ENOMEM. Types that are not
 * supported at all are left out: nobody can fill them. */
int device_exec_open_maps(struct device_exec *d);
void device_exec_close_maps(struct device_exec *d); /* also where there are none, or not all */

/* Packets may have changed what the device's maps hold. */
void device_exec_maps_changed(struct device_exec *d);

/* Whether a map is the host's: the device does not have it. */
bool device_exec_is_soft(const struct exec *exec, uint32_t map);

/* As in exec_ops. */
int device_exec_update(struct exec *exec, uint32_t map, const void *key, const void *values,
                       uint64_t flags);
int device_exec_lookup(struct exec *exec, uint32_t map, const void *key, void *values);
int device_exec_delete(struct exec *exec, uint32_t map, const void *key);
int device_exec_next_key(struct exec *exec, uint32_t map, const void *key, void *next);
int device_exec_pop(struct exec *exec, uint32_t map, void *values);
int device_exec_walk(struct exec *exec, uint32_t map,
                     int (*visit)(void *ctx, const void *key, const void *values), void *ctx);
uint64_t device_exec_lost(struct exec *exec, uint32_t map);

#endif
