/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_ICARUS_H
#define SLUICE_SIM_ICARUS_H

#include "sim/model.h"

/* A sluice_dut that Icarus interprets (sim/build_icarus.sh): built in a tenth of a second, and some thousand times slower than
 * what Verilator makes. It is a process of its own; a clock is a line there and a line back. */

/* Starts vvp on a compiled file. NULL if that can't be done. */
void *icarus_open(const char *path);

/* settle, clock and close for it. */
extern const struct model_api icarus_api;

#endif
