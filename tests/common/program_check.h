/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_PROGRAM_CHECK_H
#define SLUICE_TESTS_PROGRAM_CHECK_H

#include "compiler/ir/build.h"
#include "compiler/opt/opt.h"
#include "tests/common/soft_maps.h"

/* A program on its whole way: object, facts, IR as built and as optimised; run by nic_runtime's
 * interpreter and by the evaluator of IR. */
struct program_check {
    struct arena *arena;
    struct diag_sink sink;
    const struct load_object *object;
    const struct load_prog *prog;
    const struct verify_result *facts;
    struct ir_func *built; /* NULL if hardware does not run it; the sink says why */
    struct ir_func *optimised;
    char report[512]; /* the first difference */
};

/* Compiles C to an object in a folder of its own; false if the compiler is not there or fails. The
 * path is the caller's to unlink. */
bool program_compile(const char *clang, const char *cpu, const char *source, char *object,
                     size_t object_bytes);

/* Loads program number `index` of an object and takes it as far as it goes. 0; -ENOENT if there is
 * no such program; what the loader or verifier says. -ENOTSUP of the builder leaves built NULL and
 * is no error. */
int program_check_open(struct program_check *c, const char *path, uint32_t index);
/* The same for a program that the test has put into c->object and c->prog; arena and sink are open.
 */
int program_check_take(struct program_check *c);
void program_check_close(struct program_check *c);

/* A random packet as networks have them, mostly: 14 to 9216 bytes in buf. Returns its length. */
uint32_t program_packet(uint8_t *bytes, uint64_t *seed);

/* Runs so many random packets one after the other through the interpreter and both functions, with
 * maps of random contents. False at the first difference; the report says which. */
bool program_check_run(struct program_check *c, uint32_t packets, uint64_t seed);

#endif
