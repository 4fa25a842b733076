/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_REPORT_H
#define SLUICE_TESTS_DIFF_REPORT_H

#include "tests/fuzz/diff/campaign.h"

/* What a campaign prints. */
void report_start(const struct campaign_options *o);
/* One finding, and how to see it again. */
void report_finding(const struct campaign *c, uint32_t index);
/* Coverage, executors, and the sums in the last line. */
void report_end(const struct campaign *c, const struct stats_forms *forms, bool all);

/* The name of what a finding was on. */
const char *report_executor(const struct campaign *c, uint32_t executor);

#endif
