/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_BUILD_H
#define SLUICE_IR_BUILD_H

#include "compiler/ir/ir.h"
#include "compiler/verify/verify.h"

/* Translates a verified program. Returns 0 and *out, or -ENOTSUP with the reason in the sink (instruction, source line, helper) if it
 * uses something that no hardware executor runs; the software executors run it all the same. */
int ir_build(const struct load_object *object, const struct load_prog *prog,
             const struct verify_result *facts, struct arena *arena, struct diag_sink *sink,
             struct ir_func **out);

#endif
