/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_EXEC_DRIVER_H
#define SLUICE_TESTS_DIFF_EXEC_DRIVER_H

#include "host/ctl/executor.h"

/* interp, and the same packets once more through the simulated NIC under the DPDK driver, which
 * leaves a path of the program to the host, or all of it: what comes to the application, what
 * leaves by the wires, counters and maps are held against another interp that is given what the NIC
 * gives packets (queue, time, random state). A difference is a failed run. Programs that the device
 * takes as they are do not fit. */
extern const struct exec_ops exec_driver;

#endif
