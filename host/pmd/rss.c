/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"

#include <errno.h>
#include <string.h>

/* The RX queue of a packet. What DPDK calls types of flows, and the device's bits for them
 * (hw/spec/nic.toml, RSS CTRL). */
static const struct {
    uint64_t type;
    uint32_t bit;
} types[] = {
    {RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER, 1 << 0},
    {RTE_ETH_RSS_NONFRAG_IPV4_TCP, 1 << 1},
    {RTE_ETH_RSS_NONFRAG_IPV4_UDP, 1 << 2},
    {RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER, 1 << 3},
    {RTE_ETH_RSS_NONFRAG_IPV6_TCP, 1 << 4},
    {RTE_ETH_RSS_NONFRAG_IPV6_UDP, 1 << 5},
};

uint64_t pmd_rss_types(void)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < RTE_DIM(types); i++)
        all |= types[i].type;
    return all;
}

int pmd_rss_update(struct rte_eth_dev *eth_dev, struct rte_eth_rss_conf *conf)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    uint32_t bits = 0;
    int err;

    if (conf->rss_key && conf->rss_key_len != NIC_KEY_BYTES)
        return -EINVAL;
    for (uint32_t i = 0; i < RTE_DIM(types); i++)
        bits |= conf->rss_hf & types[i].type ? types[i].bit : 0;
    if (conf->rss_key)
        memcpy(pmd->rss_key, conf->rss_key, NIC_KEY_BYTES);
    pmd->rss_types = bits;
    pthread_mutex_lock(&pmd->lock); /* the device may be about to become another one */
    err = nic_rss_set(&pmd->nic, bits, pmd->rss_key);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int pmd_rss_get(struct rte_eth_dev *eth_dev, struct rte_eth_rss_conf *conf)
{
    const struct pmd *pmd = eth_dev->data->dev_private;

    conf->rss_hf = 0;
    for (uint32_t i = 0; i < RTE_DIM(types); i++)
        conf->rss_hf |= pmd->rss_types & types[i].bit ? types[i].type : 0;
    if (conf->rss_key && conf->rss_key_len >= NIC_KEY_BYTES)
        memcpy(conf->rss_key, pmd->rss_key, NIC_KEY_BYTES);
    conf->rss_key_len = NIC_KEY_BYTES;
    return 0;
}

int pmd_reta_update(struct rte_eth_dev *eth_dev, struct rte_eth_rss_reta_entry64 *conf,
                    uint16_t size)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    int err;

    if (size != pmd->nic.reta_size)
        return -EINVAL;
    for (uint32_t i = 0; i < size; i++) {
        const struct rte_eth_rss_reta_entry64 *c = &conf[i / RTE_ETH_RETA_GROUP_SIZE];

        if (c->mask >> (i % RTE_ETH_RETA_GROUP_SIZE) & 1 &&
            c->reta[i % RTE_ETH_RETA_GROUP_SIZE] >= eth_dev->data->nb_rx_queues)
            return -EINVAL;
    }
    for (uint32_t i = 0; i < size; i++) {
        const struct rte_eth_rss_reta_entry64 *c = &conf[i / RTE_ETH_RETA_GROUP_SIZE];

        if (c->mask >> (i % RTE_ETH_RETA_GROUP_SIZE) & 1)
            pmd->reta[i] = c->reta[i % RTE_ETH_RETA_GROUP_SIZE];
    }
    pmd->reta_set = true;
    pthread_mutex_lock(&pmd->lock);
    err = nic_rss_table(&pmd->nic, pmd->reta);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

int pmd_reta_query(struct rte_eth_dev *eth_dev, struct rte_eth_rss_reta_entry64 *conf,
                   uint16_t size)
{
    const struct pmd *pmd = eth_dev->data->dev_private;

    if (size != pmd->nic.reta_size)
        return -EINVAL;
    for (uint32_t i = 0; i < size; i++)
        conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = pmd->reta[i];
    return 0;
}

int pmd_rss_start(struct pmd *pmd)
{
    const uint16_t queues = pmd->data->nb_rx_queues;
    const bool rss = pmd->data->dev_conf.rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG;
    bool fits = pmd->reta_set;
    int err;

    for (uint32_t i = 0; i < pmd->nic.reta_size; i++)
        fits &= pmd->reta[i] < queues;
    if (!fits) /* of the queues that there are now */
        for (uint32_t i = 0; i < pmd->nic.reta_size; i++)
            pmd->reta[i] = (uint16_t)(rss && queues ? i % queues : 0);
    err = nic_rss_table(&pmd->nic, pmd->reta);
    return err ? err : nic_rss_set(&pmd->nic, rss ? pmd->rss_types : 0, pmd->rss_key);
}
