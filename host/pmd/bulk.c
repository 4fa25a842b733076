/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"

#include <errno.h>
#include <stdio.h>

/* Memory through which the device moves what maps hold (host/ctl/device_bulk.h). */

enum { BULK_BYTES = 16384 };

int pmd_bulk_open(struct pmd *pmd)
{
    char name[RTE_MEMZONE_NAMESIZE];

    if (!pmd->nic.mapdma)
        return 0;
    snprintf(name, sizeof(name), "sluice_maps_%u", pmd->data->port_id);
    pmd->bulk_zone = rte_memzone_reserve_aligned(name, BULK_BYTES, pmd->data->numa_node,
                                                 RTE_MEMZONE_IOVA_CONTIG, RTE_CACHE_LINE_SIZE);
    if (!pmd->bulk_zone)
        return -ENOMEM;
    pmd->bulk = (struct dev_bulk){.regs = pmd->nic.mapdma,
                                  .memory = pmd->bulk_zone->addr,
                                  .addr = pmd->bulk_zone->iova,
                                  .bytes = BULK_BYTES};
    pmd->dev->bulk = &pmd->bulk;
    return 0;
}

void pmd_bulk_close(struct pmd *pmd)
{
    if (pmd->dev)
        pmd->dev->bulk = NULL;
    rte_memzone_free(pmd->bulk_zone);
    pmd->bulk_zone = NULL;
}
