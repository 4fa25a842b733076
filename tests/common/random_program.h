/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RANDOM_PROGRAM_H
#define SLUICE_TESTS_RANDOM_PROGRAM_H

#include "compiler/load/load.h"

/* Random programs of bare instructions that are nearly right: each piece is one that programs have
 * (a look-up with its check, a packet check, a call with its arguments), but nothing sees to it
 * that they fit together. So a good part of them is just about accepted, or just about not. All
 * types of maps that the verifier knows are there. The same seed gives the same program. */

/* Its maps, which are always the same. */
const struct load_object *random_program_object(void);
struct load_prog random_program(uint64_t seed, struct arena *arena);

#endif
