/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_CLI_DEV_H
#define SLUICE_CLI_DEV_H

#include "host/cli/cli.h"
#include "host/ctl/remote.h"

/* What the commands of `sluice dev` share. */

enum { DEV_TEXT_BYTES = 1024 };

struct dev_call {
    struct remote device;
    char **arguments; /* behind the command */
    uint32_t count;
    bool json;
    const char *program; /* of load and swap */
    const char *section;
    const char *maps;
    const char *executor;
    bool migrate;
    uint64_t refreshes; /* of top; 0: without end */
    double seconds;     /* between them */
};

/* Asks command of net_sluice about the device. 0 and *answer, which is the caller's; or an exit
 * status after telling why. */
int dev_ask(const struct dev_call *call, const char *command, const char *const *parameters,
            uint32_t count, json_t **answer);

/* All counters of the device, an object. Likewise. */
int dev_counters(const struct dev_call *call, json_t **counters);

/* The commands of dev_map.c and dev_top.c: an exit status. */
int dev_map(const struct dev_call *call);
int dev_top(const struct dev_call *call);

#endif
