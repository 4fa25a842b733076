/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_CLI_LOCKSTEP_H
#define SLUICE_CLI_LOCKSTEP_H

#include "host/cli/cli.h"
#include "host/ctl/lockstep.h"

/* run --lockstep: the core beside the microcode model. */

/* Opens the model for a job that fits the core, its maps filled from a document (or NULL). 0, or an
 * exit status after telling why. */
int cli_lockstep_open(const struct cli_run_options *options, struct job *job, const char *maps_in,
                      const json_t *maps, struct lockstep **out);

/* After a run that ended well: are the device's maps the model's? 0, or an exit status after
 * telling why. */
int cli_lockstep_maps(struct lockstep *l, struct exec *device);

/* Tells of the first difference, as a JSON document or as text, on stdout. */
void cli_lockstep_tell(const struct lockstep_result *result, const struct job *job, bool json);

/* What was compared, when there is no difference. */
json_t *cli_lockstep_json(const struct lockstep_result *result);
void cli_lockstep_text(FILE *to, const struct lockstep_result *result);

#endif
