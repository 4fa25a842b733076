/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_SIM_NIC_H
#define SLUICE_TEST_SIM_NIC_H

#include "host/dev.h"

/* The simulated NIC for tests of its driver, and programs for it. */

bool sim_nic_there(void);        /* this build has its model */
const char *sim_nic_model(void); /* its file */
/* A test that needs it is skipped where it is not. */
void sim_nic_needed(void);
/* What the host sends comes back by port 0. NULL: it can't be opened, and says why on stderr. */
struct dev *sim_nic_open(uint64_t seed, uint32_t stall_percent);

enum { SIM_NIC_PATH_BYTES = 64 };
/* A program's text (compiler/load/load.h) as an object file of its own: false if it can't be made.
 */
bool sim_nic_program(const char *text, char path[SIM_NIC_PATH_BYTES]);

#endif
