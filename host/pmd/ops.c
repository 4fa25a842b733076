/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/ops.h"
#include "host/pmd/fallback/fallback.h"

#include "host/pmd/events.h"
#include "host/pmd/process/serve.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <rte_dev_info.h>
#include <rte_mbuf_dyn.h>
#include <stdio.h>

static struct pmd *pmd_of(const struct rte_eth_dev *eth_dev)
{
    return eth_dev->data->dev_private;
}

/* --- the ports' settings: all ports of a NIC have the same --- */

/* DPDK changes its own copy of a setting after the call that sets it. */
static int set_ports(struct rte_eth_dev *eth_dev, bool on, uint32_t mtu, bool promiscuous,
                     bool all_multicast)
{
    struct pmd *pmd = pmd_of(eth_dev);
    struct nic *nic = &pmd->nic;
    const uint32_t flags = (on ? NIC_PORT_ON : 0u) | (promiscuous ? NIC_PORT_PROMISCUOUS : 0u) |
                           (all_multicast ? NIC_PORT_ALLMULTI : 0u);
    int err = 0;

    pthread_mutex_lock(&pmd->lock); /* the device may be about to become another one */
    for (uint32_t i = 0; !err && i < nic->port_count; i++)
        err = nic_port_set(nic, i, flags, mtu + PMD_OVERHEAD_BYTES);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

static int turn_ports(struct rte_eth_dev *eth_dev, bool on)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, on, data->mtu, data->promiscuous, data->all_multicast);
}

static int promiscuous_enable(struct rte_eth_dev *eth_dev)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, data->dev_started, data->mtu, true, data->all_multicast);
}

static int promiscuous_disable(struct rte_eth_dev *eth_dev)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, data->dev_started, data->mtu, false, data->all_multicast);
}

static int allmulticast_enable(struct rte_eth_dev *eth_dev)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, data->dev_started, data->mtu, data->promiscuous, true);
}

static int allmulticast_disable(struct rte_eth_dev *eth_dev)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, data->dev_started, data->mtu, data->promiscuous, false);
}

static int mtu_set(struct rte_eth_dev *eth_dev, uint16_t mtu)
{
    const struct rte_eth_dev_data *data = eth_dev->data;

    return set_ports(eth_dev, data->dev_started, mtu, data->promiscuous, data->all_multicast);
}

static int mac_set(struct rte_eth_dev *eth_dev, struct rte_ether_addr *mac)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err = 0;

    pthread_mutex_lock(&pmd->lock);
    for (uint32_t i = 0; !err && i < pmd->nic.port_count; i++)
        err = nic_port_mac(&pmd->nic, i, mac->addr_bytes);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

static int set_filter(struct rte_eth_dev *eth_dev, uint32_t index, const uint8_t *mac)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err = 0;

    pthread_mutex_lock(&pmd->lock);
    for (uint32_t i = 0; !err && i < pmd->nic.port_count; i++)
        err = nic_port_filter(&pmd->nic, i, index - 1, mac);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

static int mac_add(struct rte_eth_dev *eth_dev, struct rte_ether_addr *mac, uint32_t index,
                   uint32_t pool)
{
    (void)pool;
    return index == 0 ? mac_set(eth_dev, mac) : set_filter(eth_dev, index, mac->addr_bytes);
}

static void mac_remove(struct rte_eth_dev *eth_dev, uint32_t index)
{
    if (index > 0)
        set_filter(eth_dev, index, NULL);
}

/* What the application has set while the device was reset or not there. */
static int restore_addresses(struct rte_eth_dev *eth_dev)
{
    struct rte_ether_addr *macs = eth_dev->data->mac_addrs;
    int err = mac_set(eth_dev, &macs[0]);

    for (uint32_t i = 1; !err && i <= NIC_FILTERS; i++)
        err = set_filter(eth_dev, i, rte_is_zero_ether_addr(&macs[i]) ? NULL : macs[i].addr_bytes);
    return err;
}

/* --- configure, start, stop, close --- */

static int configure(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = pmd_of(eth_dev);
    const struct rte_eth_conf *conf = &eth_dev->data->dev_conf;
    struct rte_eth_rss_conf rss = conf->rx_adv_conf.rss_conf;

    if (conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP && pmd->fields.time < 0) {
        if (rte_mbuf_dyn_rx_timestamp_register(&pmd->fields.time, &pmd->fields.time_flag)) {
            PMD_LOG(ERR, "no room in packets for their time of arrival\n");
            return -rte_errno;
        }
    } else if (!(conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP)) {
        pmd->fields.time = -1;
    }
    if (conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG)
        return pmd_rss_update(eth_dev, &rss);
    return 0;
}

static int stop_queues(struct rte_eth_dev *eth_dev)
{
    struct rte_eth_dev_data *data = eth_dev->data;
    int err = pmd_fallback_stop(pmd_of(eth_dev));

    for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
        struct pmd_txq *q = data->tx_queues[i];
        const int e = q && q->on ? pmd_tx_stop(q) : 0;

        err = err ? err : e;
        data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
    }
    for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
        struct pmd_rxq *q = data->rx_queues[i];
        const int e = q && q->on ? pmd_rx_stop(q) : 0;

        err = err ? err : e;
        data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STOPPED;
    }
    return err;
}

static int start_queues(struct rte_eth_dev *eth_dev)
{
    struct rte_eth_dev_data *data = eth_dev->data;
    int err = 0;

    for (uint16_t i = 0; !err && i < data->nb_rx_queues; i++) {
        err = pmd_rx_start(data->rx_queues[i]);
        data->rx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
    }
    for (uint16_t i = 0; !err && i < data->nb_tx_queues; i++) {
        err = pmd_tx_start(data->tx_queues[i]);
        data->tx_queue_state[i] = RTE_ETH_QUEUE_STATE_STARTED;
    }
    return err;
}

/* needs: the device's lock, or a command of telemetry might change the program half way */
static int start_locked(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err = restore_addresses(eth_dev);

    if (!err)
        err = pmd_rss_start(pmd);
    if (!err)
        err = start_queues(eth_dev);
    if (!err)
        err = pmd_fallback_start(pmd);
    if (!err)
        err = turn_ports(eth_dev, true);
    if (!err)
        err = nic_enable(&pmd->nic, true);
    if (err) {
        PMD_LOG(ERR, "port %u can't be started: %s\n", eth_dev->data->port_id, rte_strerror(-err));
        stop_queues(eth_dev);
    }
    pmd->running = !err;
    return err;
}

static int start(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err;

    pmd_serve_hold(pmd);
    pthread_mutex_lock(&pmd->lock);
    err = start_locked(eth_dev);
    pthread_mutex_unlock(&pmd->lock);
    pmd_serve_release(pmd);
    return err;
}

static int link_update(struct rte_eth_dev *eth_dev, int wait);

static int stop(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err;

    pmd_serve_hold(pmd);
    pthread_mutex_lock(&pmd->lock);
    err = nic_enable(&pmd->nic, false);
    if (!err)
        err = turn_ports(eth_dev, false);
    pmd_events_settle(pmd); /* of packets that have left; a slot that hangs keeps the rest */
    if (!err)
        err = stop_queues(eth_dev);
    else
        stop_queues(eth_dev);
    pmd->running = false;
    pthread_mutex_unlock(&pmd->lock);
    pmd_serve_release(pmd);
    eth_dev->data->dev_started = 0;
    eth_dev->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
    return err == -ENODEV ? 0 : err;
}

static int close_port(struct rte_eth_dev *eth_dev)
{
    struct rte_eth_dev_data *data = eth_dev->data;
    int err;

    pmd_serve_close(pmd_of(eth_dev));
    err = stop(eth_dev);
    for (uint16_t i = 0; i < data->nb_rx_queues; i++)
        pmd_rx_queue_release(eth_dev, i);
    for (uint16_t i = 0; i < data->nb_tx_queues; i++)
        pmd_tx_queue_release(eth_dev, i);
    data->nb_rx_queues = 0;
    data->nb_tx_queues = 0;
    pmd_uninit(eth_dev);
    return err;
}

/* --- what the device is --- */

static int infos_get(struct rte_eth_dev *eth_dev, struct rte_eth_dev_info *info)
{
    const struct pmd *pmd = pmd_of(eth_dev);
    const struct rte_eth_desc_lim limits = {
        .nb_max = 1 << PMD_RING_MAX_LOG2,
        .nb_min = 1 << PMD_RING_MIN_LOG2,
        .nb_align = 1 << PMD_RING_MIN_LOG2,
        .nb_seg_max = PMD_TX_BUFFERS,
        .nb_mtu_seg_max = PMD_TX_BUFFERS,
    };

    info->if_index = 0;
    info->min_mtu = RTE_ETHER_MIN_MTU;
    info->max_mtu = SPEC_PKT_MAX_BYTES - PMD_OVERHEAD_BYTES;
    info->min_rx_bufsize = PMD_RX_BUFFER_MIN;
    info->max_rx_pktlen = SPEC_PKT_MAX_BYTES;
    info->max_rx_queues = (uint16_t)pmd->nic.rxq_count;
    info->max_tx_queues = (uint16_t)pmd->nic.txq_count;
    info->max_mac_addrs = 1 + NIC_FILTERS;
    info->rx_offload_capa =
        RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_RSS_HASH | RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    info->reta_size = (uint16_t)pmd->nic.reta_size;
    info->hash_key_size = NIC_KEY_BYTES;
    info->flow_type_rss_offloads = pmd_rss_types();
    info->rx_desc_lim = limits;
    info->tx_desc_lim = limits;
    info->speed_capa = RTE_ETH_LINK_SPEED_100G;
    info->default_rxportconf = (struct rte_eth_dev_portconf){32, PMD_RING_DEFAULT, 1};
    info->default_txportconf = info->default_rxportconf;
    return 0;
}

/* The NIC tells no types: DPDK's own parser finds them as a packet is received. */
const uint32_t *pmd_ptypes_get(struct rte_eth_dev *eth_dev)
{
    static const uint32_t types[] = {
        RTE_PTYPE_L2_ETHER,      RTE_PTYPE_L2_ETHER_VLAN, RTE_PTYPE_L2_ETHER_QINQ,
        RTE_PTYPE_L2_ETHER_MPLS, RTE_PTYPE_L3_IPV4,       RTE_PTYPE_L3_IPV4_EXT,
        RTE_PTYPE_L3_IPV6,       RTE_PTYPE_L3_IPV6_EXT,   RTE_PTYPE_L4_TCP,
        RTE_PTYPE_L4_UDP,        RTE_PTYPE_L4_SCTP,       RTE_PTYPE_L4_FRAG,
        RTE_PTYPE_UNKNOWN};

    (void)eth_dev;
    return types;
}

static int ptypes_set(struct rte_eth_dev *eth_dev, uint32_t layers)
{
    pmd_of(eth_dev)->fields.types = layers & PMD_PTYPE_LAYERS;
    return 0;
}

/* One packet after the other, without vector instructions. */
int pmd_burst_mode(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_burst_mode *mode)
{
    const bool primary = rte_eal_process_type() == RTE_PROC_PRIMARY;

    (void)eth_dev;
    (void)queue;
    mode->flags = 0;
    snprintf(mode->info, sizeof(mode->info), "%s",
             primary ? "Scalar" : "Scalar, through the primary process");
    return 0;
}

/* The link of a NIC is up if one of its ports has one. */
static int link_update(struct rte_eth_dev *eth_dev, int wait)
{
    struct nic *nic = &pmd_of(eth_dev)->nic;
    const bool was_gone = nic->gone;
    struct rte_eth_link link = {.link_speed = RTE_ETH_SPEED_NUM_100G,
                                .link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
                                .link_autoneg = RTE_ETH_LINK_FIXED};
    bool any = false;

    (void)wait;
    for (uint32_t i = 0; i < nic->port_count; i++) {
        bool up = false;

        any |= !nic_port_link(nic, i, &up) && up;
    }
    link.link_status = any ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN;
    if (nic->gone && !was_gone)
        rte_eth_dev_callback_process(eth_dev, RTE_ETH_EVENT_INTR_RMV, NULL);
    return rte_eth_linkstatus_set(eth_dev, &link);
}

static int is_removed(struct rte_eth_dev *eth_dev)
{
    struct nic *nic = &pmd_of(eth_dev)->nic;
    bool up;

    nic_port_link(nic, 0, &up);
    return nic->gone;
}

static int fw_version_get(struct rte_eth_dev *eth_dev, char *text, size_t bytes)
{
    static const char *const kinds[] = {"none", "core", "pipeline"};
    struct pmd *pmd = pmd_of(eth_dev);
    uint32_t version = 0, kind = 0;
    char name[PMD_NAME_BYTES], reason[EXEC_WHY_BYTES];
    int n, err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_VERSION, &version);

    if (!err)
        err = nic_read(&pmd->nic, pmd->nic.slot + SPEC_CSR_KIND, &kind);
    if (err)
        return err;
    pmd_program_name(pmd, name, sizeof(name));
    pmd_program_reason(pmd, reason, sizeof(reason));
    n = snprintf(text, bytes, "nic %d, %s %u, program %s%s", SPEC_NIC_VERSION,
                 kinds[kind < RTE_DIM(kinds) ? kind : 0], version, name,
                 *reason ? " on the host" : "");
    return n < 0 ? -EINVAL : (size_t)n < bytes ? 0 : n + 1;
}

static int read_clock(struct rte_eth_dev *eth_dev, uint64_t *ns)
{
    struct pmd *pmd = pmd_of(eth_dev);
    int err;

    pthread_mutex_lock(&pmd->lock);
    err = nic_time(&pmd->nic, ns);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

/* The blocks that say how the device stands: those of the device and of the first port. */
static int get_reg(struct rte_eth_dev *eth_dev, struct rte_dev_reg_info *regs)
{
    enum { DEVICE_WORDS = 16, PORT_WORDS = 46 };
    struct pmd *pmd = pmd_of(eth_dev);
    uint32_t *words = regs->data;
    int err;

    regs->width = sizeof(uint32_t);
    regs->version = SPEC_NIC_VERSION;
    if (!words) {
        regs->length = DEVICE_WORDS + PORT_WORDS;
        return 0;
    }
    if (regs->length && regs->length != DEVICE_WORDS + PORT_WORDS)
        return -ENOTSUP;
    regs->length = DEVICE_WORDS + PORT_WORDS;
    pthread_mutex_lock(&pmd->lock);
    err = pmd->dev->ops->read_words(pmd->dev, pmd->nic.device, words, DEVICE_WORDS);
    if (!err)
        err =
            pmd->dev->ops->read_words(pmd->dev, pmd->nic.port[0], words + DEVICE_WORDS, PORT_WORDS);
    pthread_mutex_unlock(&pmd->lock);
    return err;
}

static int priv_dump(struct rte_eth_dev *eth_dev, FILE *file)
{
    struct pmd *pmd = pmd_of(eth_dev);
    const struct rte_eth_dev_data *data = eth_dev->data;
    char name[PMD_NAME_BYTES], reason[EXEC_WHY_BYTES];

    pmd_program_name(pmd, name, sizeof(name));
    pmd_program_reason(pmd, reason, sizeof(reason));
    if (*reason)
        fprintf(file, "on the host: %s\n", reason);
    fprintf(file, "program: %s\nports: %u, RX rings: %u, TX rings: %u\ngone: %s\n", name,
            pmd->nic.port_count, pmd->nic.rxq_count, pmd->nic.txq_count,
            pmd->nic.gone ? "yes" : "no");
    for (uint16_t i = 0; i < data->nb_rx_queues; i++) {
        const struct pmd_rxq *q = data->rx_queues[i];

        if (q)
            fprintf(file, "RX ring %u: next %u, given %u, errors %" PRIu64 "\n", i, q->next,
                    q->given, q->errors);
    }
    for (uint16_t i = 0; i < data->nb_tx_queues; i++) {
        const struct pmd_txq *q = data->tx_queues[i];

        if (q)
            fprintf(file,
                    "TX ring %u: done %u, given %u, errors %" PRIu64 ", not sent %" PRIu64 "\n", i,
                    q->done, q->given, q->errors, q->lost);
    }
    return 0;
}

static void rxq_info_get(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_rxq_info *info)
{
    const struct pmd_rxq *q = eth_dev->data->rx_queues[queue];

    info->mp = q->pool;
    info->scattered_rx = 1;
    info->nb_desc = (uint16_t)(q->mask + 1);
    info->rx_buf_size = q->buffer_bytes;
    info->conf.rx_free_thresh = q->refill;
}

static void txq_info_get(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_txq_info *info)
{
    const struct pmd_txq *q = eth_dev->data->tx_queues[queue];

    info->nb_desc = (uint16_t)(q->mask + 1);
    info->conf.tx_free_thresh = q->free_thresh;
}

const struct eth_dev_ops pmd_ops = {
    .dev_configure = configure,
    .dev_start = start,
    .dev_stop = stop,
    .dev_close = close_port,
    .link_update = link_update,
    .is_removed = is_removed,
    .promiscuous_enable = promiscuous_enable,
    .promiscuous_disable = promiscuous_disable,
    .allmulticast_enable = allmulticast_enable,
    .allmulticast_disable = allmulticast_disable,
    .mac_addr_remove = mac_remove,
    .mac_addr_add = mac_add,
    .mac_addr_set = mac_set,
    .mtu_set = mtu_set,
    .stats_get = pmd_stats_get,
    .stats_reset = pmd_stats_reset,
    .xstats_get = pmd_xstats_get,
    .xstats_reset = pmd_stats_reset,
    .xstats_get_names = pmd_xstats_names,
    .dev_infos_get = infos_get,
    .rxq_info_get = rxq_info_get,
    .txq_info_get = txq_info_get,
    .rx_burst_mode_get = pmd_burst_mode,
    .tx_burst_mode_get = pmd_burst_mode,
    .dev_supported_ptypes_get = pmd_ptypes_get,
    .dev_ptypes_set = ptypes_set,
    .fw_version_get = fw_version_get,
    .rx_queue_setup = pmd_rx_queue_setup,
    .rx_queue_release = pmd_rx_queue_release,
    .tx_queue_setup = pmd_tx_queue_setup,
    .tx_queue_release = pmd_tx_queue_release,
    .tx_done_cleanup = pmd_tx_clean,
    .rss_hash_update = pmd_rss_update,
    .rss_hash_conf_get = pmd_rss_get,
    .reta_update = pmd_reta_update,
    .reta_query = pmd_reta_query,
    .read_clock = read_clock,
    .get_reg = get_reg,
    .eth_dev_priv_dump = priv_dump,
};
