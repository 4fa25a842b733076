/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_EXEC_STATES_H
#define SLUICE_TESTS_DIFF_EXEC_STATES_H

#include "host/ctl/executor.h"

/* interp once more, with each step held against the verifier's states (tests/common/states.h):
 * twice a packet, those of the verification as it is and those of an exact one. A machine outside
 * of all of them is a failed run. */
extern const struct exec_ops exec_states;

#endif
