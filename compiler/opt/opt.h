/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_OPT_H
#define SLUICE_OPT_H

#include "compiler/ir/ir.h"

/* A pass changes a function and says whether it did. */
typedef bool (*opt_pass_fn)(struct ir_func *f, struct arena *scratch);

struct opt_pass {
    const char *name; /* also the name of its file and, with the prefix opt_, of its entry */
    opt_pass_fn run;
    bool late; /* runs in a round only if no pass before it changed anything */
};

/* The passes in the order in which they run. */
extern const struct opt_pass opt_passes[];
extern const uint32_t opt_pass_count;

struct opt_options {
    size_t size;
    const char *dump; /* print the IR after this pass ("all": after each) ... */
    FILE *dump_to;    /* ... here */
};

/* Runs all passes until nothing changes (bounded). In debug builds the checker runs after each. 0,
 * or -EINVAL with the breach in the sink if a pass broke the function. */
int opt_run(struct ir_func *f, const struct opt_options *options, struct diag_sink *sink);

#endif
