/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_TEXTS_H
#define SLUICE_TESTS_DIFF_TEXTS_H

#include "tests/fuzz/diff/campaign.h"

/* Runs the text of a case (text.h) on interp, held against what it expects, and on the campaign's
 * executors, held against interp; prints a line each. update: writes what interp gives into the
 * file instead. Returns the number of failures; *err is set if the file can't be read. */
uint32_t texts_run(const char *path, const struct campaign_options *o, bool update, int *err);

#endif
