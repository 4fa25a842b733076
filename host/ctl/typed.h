/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_TYPED_H
#define SLUICE_HOST_TYPED_H

#include "compiler/load/types.h"

#include <jansson.h>
#include <stddef.h>

/* Keys and values by their fields' names, as bpftool map dump prints them with BTF: numbers, true
 * and false, names of an enum's values, text in arrays of char, arrays, objects. */

/* Memory of type->bytes as JSON; NULL if there is no memory. */
json_t *typed_json(const struct load_type *type, const void *bytes);

/* JSON as memory of type->bytes, bytes without a member zero. whole: each member of a struct must
 * be there, as in a key. 0, or -EINVAL with the place and the reason; -ENOMEM. */
int typed_bytes(const struct load_type *type, const json_t *json, bool whole, void *bytes,
                char *why, size_t why_bytes);

#endif
