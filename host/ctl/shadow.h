/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_SHADOW_H
#define SLUICE_HOST_SHADOW_H

#include "host/ctl/executor.h"

/* The software executor on the maps of a device, a packet at a time: what the program looks at is
 * read from there when it looks, what it adds and deletes is added and deleted there at once, and
 * values that it has changed are written back when the packet is done. Nobody else may change
 * these maps meanwhile. Of the maps that the program touches only hashes and arrays, also with
 * a value for each CPU, are so; walks are not (compiler/ir/build_path.c). */

struct shadow;

/* soft: of exec_interp; device: with the same maps. Both outlive the shadow. 0 or -ENOMEM. */
int shadow_open(struct exec *soft, struct exec *device, struct shadow **out);
void shadow_close(struct shadow *shadow); /* NULL-safe */

/* Before a packet, and after it: 0, or the first error of the device, after which the packet's
 * results are good for nothing. */
int shadow_begin(struct shadow *shadow);
int shadow_end(struct shadow *shadow);

#endif
