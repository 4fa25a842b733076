/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/process/remote.h"
#include "host/pmd/program/program.h"
#include "hw/spec/gen/map_types.h"

#include <errno.h>
#include <string.h>

/* The maps of the program that runs: rte_pmd_sluice.h. */

int pmd_map_find(const struct pmd_program *p, const char *name, uint32_t *index)
{
    const uint32_t count = p ? p->object->map_count : 0;
    uint32_t i = 0;

    while (i < count && strcmp(p->object->maps[i].name, name))
        i++;
    if (i == count)
        return -ENXIO;
    *index = i;
    return 0;
}

/* What is done with a map of the program while nobody else reaches the mailbox. */
enum map_act { MAP_SIZES, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_NEXT };

static int act_on(struct pmd_program *p, const char *name, enum map_act act, const void *key,
                  void *values)
{
    uint32_t i;

    if (pmd_map_find(p, name, &i))
        return -ENXIO;
    switch (act) {
    case MAP_SIZES: {
        const struct map_def m = job_map_def(p->object, i); /* as all executors have it */
        const uint32_t cpus = spec_map_type_table[m.type].percpu ? SPEC_QUEUES : 1;
        const uint32_t stride_bytes = (m.value_bytes + 7) & ~UINT32_C(7);
        const uint32_t sizes[] = {m.key_bytes, cpus * stride_bytes, m.max_entries};

        memcpy(values, sizes, sizeof(sizes));
        return 0;
    }
    case MAP_LOOKUP:
        return p->exec->ops->map_lookup(p->exec, i, key, values);
    case MAP_UPDATE:
        return p->exec->ops->map_update(p->exec, i, key, values, SPEC_MAP_FLAG_ANY);
    case MAP_DELETE:
        return p->exec->ops->map_delete(p->exec, i, key);
    case MAP_NEXT:
        return p->object->maps[i].key_bytes ? p->exec->ops->map_next_key(p->exec, i, key, values)
                                            : -EINVAL;
    }
    return -EINVAL;
}

static int map_act(uint16_t port_id, const char *name, enum map_act act, const void *key,
                   void *values)
{
    static const enum pmd_peer_op ops[] = {
        [MAP_SIZES] = PMD_PEER_MAP_SIZES,   [MAP_LOOKUP] = PMD_PEER_MAP_LOOKUP,
        [MAP_UPDATE] = PMD_PEER_MAP_UPDATE, [MAP_DELETE] = PMD_PEER_MAP_DELETE,
        [MAP_NEXT] = PMD_PEER_MAP_NEXT,
    };
    struct pmd_remote *remote = pmd_remote_of(port_id);
    struct pmd *pmd = pmd_of_port(port_id);
    int err;

    if (remote)
        return pmd_remote_map(remote, ops[act], name, key, values);
    if (!pmd)
        return -ENODEV;
    pthread_mutex_lock(&pmd->lock);
    err = act_on(pmd->program, name, act, key, values);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int rte_pmd_sluice_map_sizes(uint16_t port_id, const char *map, uint32_t *key_bytes,
                             uint32_t *values_bytes, uint32_t *max_entries)
{
    uint32_t sizes[3];
    const int err = map_act(port_id, map, MAP_SIZES, NULL, sizes);

    if (err)
        return err;
    *key_bytes = sizes[0];
    *values_bytes = sizes[1];
    *max_entries = sizes[2];
    return 0;
}

int rte_pmd_sluice_map_lookup(uint16_t port_id, const char *map, const void *key, void *values)
{
    return map_act(port_id, map, MAP_LOOKUP, key, values);
}

int rte_pmd_sluice_map_update(uint16_t port_id, const char *map, const void *key,
                              const void *values)
{
    return map_act(port_id, map, MAP_UPDATE, key, (void *)(uintptr_t)values);
}

int rte_pmd_sluice_map_delete(uint16_t port_id, const char *map, const void *key)
{
    return map_act(port_id, map, MAP_DELETE, key, NULL);
}

int rte_pmd_sluice_map_next_key(uint16_t port_id, const char *map, const void *key, void *next)
{
    return map_act(port_id, map, MAP_NEXT, key, next);
}
