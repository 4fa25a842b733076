/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_PROGRAM_H
#define SLUICE_PMD_PROGRAM_H

#include "host/ctl/executor.h"
#include "host/pmd/pmd.h"

#include <jansson.h>

/* What the slot runs. Who looks at a device's program holds the device's lock: another thread may
 * replace it. */
struct pmd_program {
    struct arena *arena;
    const struct load_object *object;
    const struct load_prog *prog;
    struct job *job;
    enum pmd_executor executor; /* that it runs on */
    const char *model;          /* of a device with its pipeline, to be opened; or NULL */
    bool from_file;             /* otherwise all packets pass */
    struct exec *exec;          /* with the program's maps */
    const char *reason;         /* why that, or a path of it, is the host's (fallback.h), or NULL */
    struct job *slot_job;       /* of what the slot runs then, and its executor */
    struct exec *slot_exec;
    struct exec *path_exec; /* runs packets of paths that job leaves to the host, or NULL ... */
    struct shadow *shadow;  /* ... on exec's maps */
    const char *maps_path;  /* of maps, for messages; valid while the program is loaded */
    json_t *maps;
};

/* prepare.c: NULL: no memory. */
struct pmd_program *pmd_program_new(void);
/* Verifies and translates, for the executor that it is to run on; p as new. */
int pmd_program_prepare(struct pmd *pmd, struct pmd_program *p,
                        const struct rte_pmd_sluice_program *what, char *why);

/* maps.c: number of a map by its name. -ENXIO: there is no program, or none of its maps has it. */
int pmd_map_find(const struct pmd_program *p, const char *name, uint32_t *index);

#endif
