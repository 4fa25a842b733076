/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_DRIVER_TRIAL_H
#define SLUICE_TESTS_DIFF_DRIVER_TRIAL_H

#include "tests/fuzz/diff/case.h"

/* One program in the simulated NIC under the DPDK driver, with packets from a wire, held against
 * interp. How everything is set (queues, buffers, gaps, who polls when) follows from the options'
 * seed. */

struct trial_entry {
    uint32_t map;
    const void *key;
    const void *values;
    uint64_t flags;
};

struct trial_input {
    struct job *job;
    const struct exec_options *options;
    const struct diff_packet *packets;
    uint32_t packet_count;
    const struct trial_entry *entries;
    uint32_t entry_count;
};

/* 0, or negative errno with what differs or has failed. */
int driver_trial(const struct trial_input *in, struct arena *arena, char why[EXEC_WHY_BYTES]);

#endif
