/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_OPS_H
#define SLUICE_PMD_OPS_H

#include "host/pmd/pmd.h"

extern const struct eth_dev_ops pmd_ops;
/* Of primary and secondary processes: the types of packets that bursts tell, and how bursts work.
 */
const uint32_t *pmd_ptypes_get(struct rte_eth_dev *eth_dev);
int pmd_burst_mode(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_burst_mode *mode);

/* Memory that DPDK takes or gives back later on is told to the device from here on. */
int pmd_watch_memory(struct rte_eth_dev *eth_dev);
void pmd_forget_memory(struct rte_eth_dev *eth_dev);

#endif
