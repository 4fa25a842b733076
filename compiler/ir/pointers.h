/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_POINTERS_H
#define SLUICE_IR_POINTERS_H

#include "compiler/ir/ir.h"

/* By instruction: into which maps' values it may lead where it is the address of an access; bit i
 * is map i, all bits where that is not known. needs: a well-formed function. */
const uint64_t *ir_pointers(const struct ir_func *f, struct arena *arena);

/* Whether an access to map values may go to one map, by what ir_pointers gave. */
bool ir_may_access(const uint64_t *pointers, const struct ir_insn *in, uint32_t map);

#endif
