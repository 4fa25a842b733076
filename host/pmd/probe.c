/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/arena.h"
#include "host/pmd/events.h"
#include "host/pmd/fallback/fallback.h"
#include "host/pmd/ops.h"
#include "host/pmd/process/serve.h"

#include <dlfcn.h>
#include <errno.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>
#include <stdlib.h>

/* From a device that a bus has found to an Ethernet device, and back. */

RTE_LOG_REGISTER_DEFAULT(pmd_logtype, NOTICE)

/* --- memory: the device reaches all that DPDK has, as with VFIO --- */

/* Pieces that follow each other are one. */
struct pieces {
    struct dev *dev;
    uint8_t *memory;
    uint64_t addr;
    size_t bytes;
    int err;
};

static void map_piece(struct pieces *p)
{
    if (!p->err && p->bytes)
        p->err = p->dev->ops->dma_map(p->dev, p->memory, p->addr, p->bytes);
    p->bytes = 0;
}

static int add_piece(const struct rte_memseg_list *list, const struct rte_memseg *s, void *ctx)
{
    struct pieces *p = ctx;

    if (list->external || s->iova == RTE_BAD_IOVA)
        return 0;
    if (p->bytes && (p->memory + p->bytes != (uint8_t *)s->addr || p->addr + p->bytes != s->iova))
        map_piece(p);
    if (!p->bytes) {
        p->memory = s->addr;
        p->addr = s->iova;
    }
    p->bytes += s->len;
    return p->err;
}

static int map_all(struct dev *dev)
{
    struct pieces p = {.dev = dev};

    rte_memseg_walk(add_piece, &p);
    map_piece(&p);
    return p.err;
}

/* --- dynamic fields --- */

static void register_fields(struct pmd_fields *f)
{
    static const struct rte_mbuf_dynfield info = {.name = RTE_PMD_SLUICE_INFO,
                                                  .size = sizeof(struct rte_pmd_sluice_info),
                                                  .align = __alignof__(struct rte_pmd_sluice_info)};
    static const struct rte_mbuf_dynflag info_flag = {.name = RTE_PMD_SLUICE_INFO};
    static const struct rte_mbuf_dynflag egress_flag = {.name = RTE_PMD_SLUICE_EGRESS};
    const int flag = rte_mbuf_dynflag_register(&info_flag);
    const int egress = rte_mbuf_dynflag_register(&egress_flag);

    f->time = -1; /* until an application wants it */
    f->info = flag >= 0 && egress >= 0 ? rte_mbuf_dynfield_register(&info) : -1;
    if (f->info < 0) {
        PMD_LOG(WARNING, "no room in packets for what the device tells of them (%s)\n",
                RTE_PMD_SLUICE_INFO);
        return;
    }
    f->info_flag = RTE_BIT64(flag);
    f->egress_flag = RTE_BIT64(egress);
}

/* --- the device --- */

static int open_nic(struct pmd *pmd)
{
    const char *why = NULL;
    int err = nic_open(&pmd->nic, pmd->dev, &why);

    if (err)
        PMD_LOG(ERR, "%s\n", why);
    return err ? err : nic_reset(&pmd->nic);
}

static void default_key(uint8_t key[NIC_KEY_BYTES])
{
    /* each pair of bytes alike: both ways of a connection have one hash (Woo and Park, 2012) */
    for (int i = 0; i < NIC_KEY_BYTES; i++)
        key[i] = i % 2 ? 0x5a : 0x6d;
}

/* Who is told of events may ask for the program's maps. */
static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

static int open_parts(struct pmd *pmd, struct rte_eth_dev *eth_dev)
{
    int err = pmd_fallback_init(pmd);

    if (!err)
        err = open_nic(pmd);
    if (!err)
        err = pmd_stats_init(pmd);
    if (!err)
        err = pmd_events_open(pmd);
    if (!err)
        err = map_all(pmd->dev);
    if (!err)
        err = pmd_watch_memory(eth_dev);
    return err ? err : pmd_bulk_open(pmd);
}

int pmd_init(struct rte_eth_dev *eth_dev, struct dev *dev, void *plugin)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    int err;

    pmd->dev = dev;
    pmd->plugin = plugin;
    pmd->data = eth_dev->data;
    init_lock(&pmd->lock);
    pmd->rss_types = UINT32_MAX; /* until the application says */
    default_key(pmd->rss_key);
    err = open_parts(pmd, eth_dev);
    if (err)
        return err;
    eth_dev->data->mac_addrs =
        rte_zmalloc("sluice mac", (1 + NIC_FILTERS) * sizeof(struct rte_ether_addr), 0);
    if (!eth_dev->data->mac_addrs)
        return -ENOMEM;
    rte_eth_random_addr(eth_dev->data->mac_addrs[0].addr_bytes);
    register_fields(&pmd->fields);
    pmd->fields.types = PMD_PTYPE_LAYERS;
    eth_dev->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
    eth_dev->data->dev_link = (struct rte_eth_link){.link_speed = RTE_ETH_SPEED_NUM_100G,
                                                    .link_duplex = RTE_ETH_LINK_FULL_DUPLEX};
    eth_dev->dev_ops = &pmd_ops;
    eth_dev->rx_pkt_burst = pmd_rx_burst;
    eth_dev->tx_pkt_burst = pmd_tx_burst;
    eth_dev->tx_pkt_prepare = pmd_tx_prepare;
    eth_dev->rx_queue_count = pmd_rx_count;
    eth_dev->rx_descriptor_status = pmd_rx_status;
    eth_dev->tx_descriptor_status = pmd_tx_status;
    err = pmd_serve_open(pmd);
    if (err)
        return err;
    pmd_telemetry_add(pmd);
    return 0;
}

int pmd_uninit(struct rte_eth_dev *eth_dev)
{
    struct pmd *pmd = eth_dev->data->dev_private;

    pmd_telemetry_remove(pmd);
    pmd_serve_close(pmd);
    pmd_forget_memory(eth_dev);
    pmd_events_stop(pmd);
    pmd_program_unload(pmd);
    pmd_fallback_free(pmd);
    pmd_events_close(pmd);
    pmd_bulk_close(pmd);
    pmd_stats_free(pmd);
    arena_close(pmd->net_arena);
    pmd->net_arena = NULL;
    free(pmd->core_model);
    pmd->core_model = NULL;
    if (pmd->dev)
        pmd->dev->ops->close(pmd->dev);
    if (pmd->plugin)
        dlclose(pmd->plugin);
    pmd->dev = NULL;
    pmd->plugin = NULL;
    pthread_mutex_destroy(&pmd->lock);
    return 0;
}

/* --- memory that comes and goes --- */

static void memory_changed(enum rte_mem_event event, const void *addr, size_t bytes, void *ctx)
{
    struct pmd *pmd = ctx;
    const struct dev_ops *ops = pmd->dev->ops;
    uint8_t *at = (uint8_t *)(uintptr_t)addr;
    uint8_t *const end = at + bytes;

    while (at < end) {
        const struct rte_memseg *s = rte_mem_virt2memseg(at, NULL);
        int err;

        if (!s)
            return;
        if (s->iova != RTE_BAD_IOVA) {
            err = event == RTE_MEM_EVENT_ALLOC ? ops->dma_map(pmd->dev, s->addr, s->iova, s->len)
                                               : ops->dma_unmap(pmd->dev, s->iova, s->len);
            if (err)
                PMD_LOG(ERR, "memory at %p: %s\n", s->addr, rte_strerror(-err));
        }
        at = (uint8_t *)s->addr + s->len;
    }
}

static void callback_name(const struct rte_eth_dev *eth_dev,
                          char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN])
{
    snprintf(name, RTE_MEM_EVENT_CALLBACK_NAME_LEN, "sluice%u", eth_dev->data->port_id);
}

int pmd_watch_memory(struct rte_eth_dev *eth_dev)
{
    char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN];

    callback_name(eth_dev, name);
    /* where it is not supported, memory stays as it is */
    return rte_mem_event_callback_register(name, memory_changed, eth_dev->data->dev_private) &&
                   rte_errno != ENOTSUP
               ? -rte_errno
               : 0;
}

void pmd_forget_memory(struct rte_eth_dev *eth_dev)
{
    char name[RTE_MEM_EVENT_CALLBACK_NAME_LEN];

    callback_name(eth_dev, name);
    rte_mem_event_callback_unregister(name, eth_dev->data->dev_private);
}

struct pmd *pmd_of_port(uint16_t port_id)
{
    struct rte_eth_dev *eth_dev;

    if (!rte_eth_dev_is_valid_port(port_id))
        return NULL;
    eth_dev = &rte_eth_devices[port_id];
    return eth_dev->dev_ops == &pmd_ops ? eth_dev->data->dev_private : NULL;
}
