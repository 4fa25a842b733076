/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_SHRINK_H
#define SLUICE_TESTS_DIFF_SHRINK_H

#include "tests/fuzz/diff/run.h"

/* Makes a case that shows a difference smaller while it shows it: fewer packets, map entries,
 * instructions and maps, simpler instructions, shorter packets. */

/* What is wrong with a case. */
enum shrink_fault {
    FAULT_NONE,
    FAULT_DIFFERS, /* interp and the executor do not agree, or one of them breaks down */
    FAULT_OURS,    /* Sluice's verifier rejects it, the kernel's does not */
    FAULT_KERNELS, /* the reverse */
    FAULT_CRASH,   /* the process that ran it ended by a signal */
    FAULT_COUNT
};

/* Runs the case in a process of its own; ops may be NULL: interp alone. why is what a message says
 * of the fault. */
enum shrink_fault shrink_judge(const struct diff_case *c, const struct exec_ops *ops,
                               char why[EXEC_WHY_BYTES]);

/* The smallest case found that has the same fault; tries is how many cases may be run. Owned by the
 * arena. */
struct diff_case *shrink_case(const struct diff_case *c, const struct exec_ops *ops,
                              enum shrink_fault fault, uint32_t seconds, struct arena *arena);

#endif
