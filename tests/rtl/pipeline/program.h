/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RTL_PIPELINE_PROGRAM_H
#define SLUICE_TESTS_RTL_PIPELINE_PROGRAM_H

#include <stdint.h>
#include <stdio.h>

/* Writes a random program without loops as IR text; the same seed gives the same program. */
void random_program(FILE *out, uint64_t seed);

#endif
