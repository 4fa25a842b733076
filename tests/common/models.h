/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_MODELS_H
#define SLUICE_TESTS_MODELS_H

#include <stdbool.h>

/* Whether this build has the simulated core; for builds without one of their own tests/run.py puts
 * a link to build's there. */
bool has_core_model(void);

#endif
