/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_SKIP_H
#define SLUICE_TESTS_SKIP_H

/* For cmocka: tests that can't be run here say so and why. tests/run.py names each with its reason,
 * and takes a test that is skipped without one for a failure. */

/* Ends the test without a verdict. */
void skip_because(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Part of a test is left out; the rest of it goes on. */
void skip_part_because(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
