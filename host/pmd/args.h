/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_ARGS_H
#define SLUICE_PMD_ARGS_H

#include "host/pmd/pmd.h"

#include <rte_kvargs.h>

/* Arguments of a device (devargs) that all buses have, and what is done with them once there is an
 * Ethernet device. docs/driver.md describes them. */

#define PMD_ARG_PROG "prog"
#define PMD_ARG_SECTION "section"
#define PMD_ARG_PROGRAM "program"
#define PMD_ARG_MAPS "maps"
#define PMD_ARG_MAC "mac"
#define PMD_ARG_OFFLOAD "offload"
#define PMD_ARG_EVENTS "events"
#define PMD_ARG_FIB "fib"

/* Their names, for the list that a bus has, and what they are, for RTE_PMD_REGISTER_PARAM_STRING.
 */
#define PMD_ARG_NAMES                                                                              \
    PMD_ARG_PROG, PMD_ARG_SECTION, PMD_ARG_PROGRAM, PMD_ARG_MAPS, PMD_ARG_MAC, PMD_ARG_OFFLOAD,    \
        PMD_ARG_EVENTS, PMD_ARG_FIB
#define PMD_ARG_TEXT                                                                               \
    PMD_ARG_PROG "=<object> " PMD_ARG_SECTION "=<name> " PMD_ARG_PROGRAM "=<name> " PMD_ARG_MAPS   \
                 "=<file> " PMD_ARG_MAC "=<address> " PMD_ARG_OFFLOAD                              \
                 "=prefer|require|never " PMD_ARG_EVENTS "=<file> " PMD_ARG_FIB "=<file>"

/* What they say; strings belong to the list of arguments. */
struct pmd_args {
    struct rte_pmd_sluice_program program;
    const char *mac;
    enum pmd_offload offload;
    /* Of a bus that makes devices: what programs are to run on, and the one whose pipeline is in
     * the slot, or NULL; it is the device's once they are carried out. */
    enum pmd_executor executor;
    struct pmd_program *pipeline;
    const char *events; /* file */
    const char *fib;    /* likewise */
    const char *bad;    /* the first that makes no sense */
};

/* Takes one of them; false: the name is none of these. value may be NULL. */
bool pmd_args_take(struct pmd_args *args, const char *key, const char *value);
/* An argument of the list that would be passed over, for the device `name`: -EINVAL, and a line in
 * the log. names: of all that the bus has, NULL at the end; many: the one that may be there more
 * than once, or NULL. */
int pmd_args_check(const struct rte_kvargs *list, const char *name, const char *const *names,
                   const char *many);
/* That argument makes no sense: -EINVAL, and a line in the log. */
int pmd_args_bad(const char *name, const char *key);
/* Carries them out: 0 or negative errno, and a line in the log. */
int pmd_args_apply(const struct pmd_args *args, struct pmd *pmd);

#endif
