/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_SCRATCH_H
#define SLUICE_TESTS_DIFF_SCRATCH_H

/* A folder of this process's own for the models of pipelines ($SLUICE_CACHE), so that a campaign
 * leaves nothing behind. */

enum { SCRATCH_BYTES = 64 };

struct scratch {
    char path[SCRATCH_BYTES];
};

/* 0 or negative errno. */
int scratch_open(struct scratch *s);
void scratch_clean(const struct scratch *s);
void scratch_close(struct scratch *s); /* also of a zeroed one */

#endif
