/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_ASSEMBLED_H
#define SLUICE_TESTS_ASSEMBLED_H

#include "compiler/ir/build.h"

/* A program from text, verified, for tests of what comes behind the verifier. Failures are reported
 * by cmocka. */

struct assembled {
    struct arena *arena;
    struct diag_sink sink;
    struct load_object object;
    struct load_prog prog;
    struct load_subprog subprog;
    const struct verify_result *facts;
    struct ir_func *f; /* the test's */
};

/* An object with a copy of the maps, which may be changed until it is verified. */
void assembled_open(struct assembled *t, const struct load_map *maps, uint32_t map_count);
/* Its only program; the verifier must accept it. */
void assembled_verify(struct assembled *t, const char *text);
void assembled_close(struct assembled *t);

#endif
