/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/ops.h"
#include "host/pmd/process/serve.h"

#include <errno.h>
#include <rte_dev_info.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What secondary processes ask for is done by the code that serves the primary's own application.
 * What they send is not trusted beyond DPDK's memory, which they may write anyway. */

enum { REGS_MAX = 4096 };

#define ENDS(text) (memchr(text, 0, sizeof(text)) != NULL)

/* Room for the answer, all 0; NULL: there is no memory. Once a request. */
static void *answer(struct pmd_request *c, size_t bytes)
{
    if (bytes > PMD_PEER_BYTES_MAX)
        return NULL;
    if (!c->out || bytes > c->room) {
        uint8_t *out = realloc(c->out, bytes + 1); /* some, in any case */

        if (!out)
            return NULL;
        c->out = out;
        c->room = bytes + 1;
    }
    memset(c->out, 0, bytes);
    c->out_bytes = (uint32_t)bytes;
    return c->out;
}

/* --- queues; the gate is held, the port runs --- */

static int do_rx(struct pmd_request *c, void *queue)
{
    const uint32_t most = RTE_MIN(c->head.arg, (uint32_t)PMD_PEER_BURST);
    struct rte_mbuf **packets = answer(c, most * sizeof(*packets));
    uint16_t n;

    if (!packets)
        return -ENOMEM;
    n = pmd_rx_burst(queue, packets, (uint16_t)most);
    c->out_bytes = (uint32_t)(n * sizeof(*packets));
    c->given = n;
    return n;
}

static int do_tx(struct pmd_request *c, void *queue)
{
    const uint32_t count = c->head.bytes / sizeof(struct rte_mbuf *);
    struct rte_mbuf *packets[PMD_PEER_BURST];

    if (count > PMD_PEER_BURST || c->head.bytes % sizeof(struct rte_mbuf *))
        return -EINVAL;
    memcpy(packets, c->in, c->head.bytes);
    return pmd_tx_burst(queue, packets, (uint16_t)count);
}

static int do_rx_count(struct pmd_request *c, void *queue)
{
    (void)c;
    return (int)pmd_rx_count(queue);
}

static int do_rx_status(struct pmd_request *c, void *queue)
{
    return pmd_rx_status(queue, (uint16_t)RTE_MIN(c->head.arg, (uint32_t)UINT16_MAX));
}

static int do_tx_status(struct pmd_request *c, void *queue)
{
    return pmd_tx_status(queue, (uint16_t)RTE_MIN(c->head.arg, (uint32_t)UINT16_MAX));
}

static int do_tx_clean(struct pmd_request *c, void *queue)
{
    return pmd_tx_clean(queue, c->head.arg);
}

/* --- what the device is and counts --- */

/* Of a queue that is set up, whether the port runs or not. */
static int do_queue_info(struct pmd_request *c)
{
    const bool tx = c->head.op == PMD_PEER_TXQ_INFO;
    const struct rte_eth_dev_data *data = c->pmd->data;
    const uint16_t queue = (uint16_t)c->head.number;
    const uint16_t count = tx ? data->nb_tx_queues : data->nb_rx_queues;
    void *info = answer(c, tx ? sizeof(struct rte_eth_txq_info) : sizeof(struct rte_eth_rxq_info));

    if (!info || c->head.number >= count || !(tx ? data->tx_queues : data->rx_queues)[queue])
        return info ? -EINVAL : -ENOMEM;
    if (tx)
        pmd_ops.txq_info_get(c->eth_dev, queue, info);
    else
        pmd_ops.rxq_info_get(c->eth_dev, queue, info);
    return 0;
}

static int do_infos(struct pmd_request *c)
{
    struct rte_eth_dev_info *info = answer(c, sizeof(*info));

    return info ? pmd_ops.dev_infos_get(c->eth_dev, info) : -ENOMEM;
}

static int do_link(struct pmd_request *c)
{
    struct rte_eth_link *link = answer(c, sizeof(*link));

    if (!link)
        return -ENOMEM;
    pmd_ops.link_update(c->eth_dev, 0);
    *link = c->eth_dev->data->dev_link;
    return c->pmd->nic.gone ? -ENODEV : 0;
}

static int do_stats(struct pmd_request *c)
{
    struct rte_eth_stats *stats = answer(c, sizeof(*stats));

    return stats ? pmd_stats_get(c->eth_dev, stats) : -ENOMEM;
}

static int do_stats_reset(struct pmd_request *c)
{
    return pmd_stats_reset(c->eth_dev);
}

static int do_xstats(struct pmd_request *c)
{
    const int all = pmd_xstats_get(c->eth_dev, NULL, 0);
    struct rte_eth_xstat *stats;

    if (all < 0 || c->head.arg < (uint32_t)all)
        return all;
    stats = answer(c, (size_t)all * sizeof(*stats));
    return stats ? pmd_xstats_get(c->eth_dev, stats, (unsigned int)all) : -ENOMEM;
}

static int do_xstats_names(struct pmd_request *c)
{
    const int all = pmd_xstats_names(c->eth_dev, NULL, 0);
    struct rte_eth_xstat_name *names;

    if (all < 0 || c->head.arg < (uint32_t)all)
        return all;
    names = answer(c, (size_t)all * sizeof(*names));
    return names ? pmd_xstats_names(c->eth_dev, names, (unsigned int)all) : -ENOMEM;
}

static int do_firmware(struct pmd_request *c)
{
    char *text = answer(c, PMD_PEER_FIRMWARE_BYTES);

    return text ? pmd_ops.fw_version_get(c->eth_dev, text, PMD_PEER_FIRMWARE_BYTES) : -ENOMEM;
}

static int do_clock(struct pmd_request *c)
{
    uint64_t *ns = answer(c, sizeof(*ns));

    return ns ? pmd_ops.read_clock(c->eth_dev, ns) : -ENOMEM;
}

static int do_regs(struct pmd_request *c)
{
    struct rte_dev_reg_info regs = {.length = c->head.arg};
    uint8_t *out;
    int err;

    if (c->head.arg > REGS_MAX)
        return -EINVAL;
    out = answer(c, sizeof(regs) + c->head.arg * sizeof(uint32_t));
    if (!out)
        return -ENOMEM;
    regs.data = c->head.arg ? out + sizeof(regs) : NULL;
    err = pmd_ops.get_reg(c->eth_dev, &regs);
    regs.data = NULL;
    memcpy(out, &regs, sizeof(regs));
    return err;
}

static int do_dump(struct pmd_request *c)
{
    char *text = NULL, *out;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    int err;

    if (!file)
        return -ENOMEM;
    err = pmd_ops.eth_dev_priv_dump(c->eth_dev, file);
    if (fclose(file) && !err)
        err = -ENOMEM;
    bytes = RTE_MIN(bytes, (size_t)PMD_PEER_TEXT_BYTES);
    out = err ? NULL : answer(c, bytes);
    if (out)
        memcpy(out, text, bytes);
    else if (!err)
        err = -ENOMEM;
    free(text);
    return err;
}

static int do_rss(struct pmd_request *c)
{
    uint8_t *out = answer(c, sizeof(uint64_t) + NIC_KEY_BYTES);
    struct rte_eth_rss_conf conf = {.rss_key_len = NIC_KEY_BYTES};
    int err;

    if (!out)
        return -ENOMEM;
    conf.rss_key = out + sizeof(conf.rss_hf);
    err = pmd_rss_get(c->eth_dev, &conf);
    memcpy(out, &conf.rss_hf, sizeof(conf.rss_hf));
    return err;
}

static int do_reta(struct pmd_request *c)
{
    const uint32_t groups = NIC_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE;
    struct rte_eth_rss_reta_entry64 *table = answer(c, groups * sizeof(*table));

    if (!table)
        return -ENOMEM;
    return c->head.arg > NIC_RETA_MAX ? -EINVAL
                                      : pmd_reta_query(c->eth_dev, table, (uint16_t)c->head.arg);
}

/* --- rte_pmd_sluice.h --- */

static int do_program_info(struct pmd_request *c)
{
    struct rte_pmd_sluice_program_info *info = answer(c, sizeof(*info));

    return info ? rte_pmd_sluice_program_info(c->pmd->data->port_id, info) : -ENOMEM;
}

static int do_program(struct pmd_request *c)
{
    const struct pmd_peer_program *in = (const struct pmd_peer_program *)(const void *)c->in;
    const uint16_t port = c->pmd->data->port_id;
    struct pmd_peer_swap *out = answer(c, sizeof(*out));
    struct rte_pmd_sluice_swap done = {0};
    struct rte_pmd_sluice_program what;
    int err;

    if (!out || !ENDS(in->path) || !ENDS(in->maps) || !ENDS(in->section) || !ENDS(in->program) ||
        !ENDS(in->executor))
        return out ? -EINVAL : -ENOMEM;
    what = (struct rte_pmd_sluice_program){
        .path = in->path,
        .section = in->texts & PMD_PEER_SECTION ? in->section : NULL,
        .program = in->texts & PMD_PEER_PROGRAM ? in->program : NULL,
        .maps = in->texts & PMD_PEER_MAPS ? in->maps : NULL,
        .executor = in->texts & PMD_PEER_EXECUTOR ? in->executor : NULL,
    };
    err = c->head.op == PMD_PEER_PROGRAM_LOAD
              ? rte_pmd_sluice_program_load(port, &what, out->why, sizeof(out->why))
              : rte_pmd_sluice_program_swap(port, &what, c->head.arg, &done, out->why,
                                            sizeof(out->why));
    out->in_place = done.in_place;
    out->stayed = done.stayed;
    out->moved = done.moved;
    out->fresh = done.fresh;
    return err;
}

static int do_map_sizes(struct pmd_request *c)
{
    const struct pmd_peer_map *map = (const struct pmd_peer_map *)(const void *)c->in;
    uint32_t *sizes = answer(c, 3 * sizeof(*sizes));

    if (!sizes || !ENDS(map->name))
        return sizes ? -EINVAL : -ENOMEM;
    return rte_pmd_sluice_map_sizes(c->pmd->data->port_id, map->name, &sizes[0], &sizes[1],
                                    &sizes[2]);
}

/* Bytes behind the map's name, for a request that makes sense. */
static uint32_t entry_bytes(const struct pmd_peer_head *head, uint32_t key_bytes,
                            uint32_t values_bytes)
{
    if (head->op == PMD_PEER_MAP_NEXT)
        return head->arg ? key_bytes : 0;
    return head->op == PMD_PEER_MAP_UPDATE ? key_bytes + values_bytes : key_bytes;
}

/* needs: the device's lock, so that the map stays the one that was looked at */
static int do_map(struct pmd_request *c)
{
    const struct pmd_peer_map *map = (const struct pmd_peer_map *)(const void *)c->in;
    const uint16_t port = c->pmd->data->port_id;
    const uint8_t *key = c->in + sizeof(*map);
    uint32_t key_bytes, values_bytes, most;
    void *out;
    int err;

    if (!ENDS(map->name))
        return -EINVAL;
    err = rte_pmd_sluice_map_sizes(port, map->name, &key_bytes, &values_bytes, &most);
    if (err)
        return err;
    if (map->key_bytes != key_bytes || map->values_bytes != values_bytes)
        return -EAGAIN;
    if (c->head.bytes != sizeof(*map) + entry_bytes(&c->head, key_bytes, values_bytes))
        return -EINVAL;
    if (c->head.op == PMD_PEER_MAP_UPDATE)
        return rte_pmd_sluice_map_update(port, map->name, key, key + key_bytes);
    if (c->head.op == PMD_PEER_MAP_DELETE)
        return rte_pmd_sluice_map_delete(port, map->name, key);
    out = answer(c, c->head.op == PMD_PEER_MAP_NEXT ? key_bytes : values_bytes);
    if (!out)
        return -ENOMEM;
    return c->head.op == PMD_PEER_MAP_NEXT
               ? rte_pmd_sluice_map_next_key(port, map->name, c->head.arg ? key : NULL, out)
               : rte_pmd_sluice_map_lookup(port, map->name, key, out);
}

static int do_events_poll(struct pmd_request *c)
{
    return rte_pmd_sluice_events_poll(c->pmd->data->port_id);
}

static int do_events_lost(struct pmd_request *c)
{
    const struct pmd_peer_map *map = (const struct pmd_peer_map *)(const void *)c->in;
    uint64_t *records = answer(c, sizeof(*records));

    if (!records || !ENDS(map->name))
        return records ? -EINVAL : -ENOMEM;
    return rte_pmd_sluice_events_lost(c->pmd->data->port_id, map->name, records);
}

/* --- requests --- */

static const struct {
    int (*act)(struct pmd_request *c);
    int (*on_queue)(struct pmd_request *c, void *queue);
    bool tx;        /* the queue is one of these */
    bool locked;    /* the device's lock is held */
    bool reason;    /* an answer of use comes with a failure, too */
    int stopped;    /* result if the port does not run */
    uint32_t bytes; /* of a request, at least */
} ops[PMD_PEER_COUNT] = {
    [PMD_PEER_RX] = {.on_queue = do_rx},
    [PMD_PEER_TX] = {.on_queue = do_tx, .tx = true},
    [PMD_PEER_RX_COUNT] = {.on_queue = do_rx_count, .stopped = -EINVAL},
    [PMD_PEER_RX_STATUS] = {.on_queue = do_rx_status, .stopped = -EINVAL},
    [PMD_PEER_TX_STATUS] = {.on_queue = do_tx_status, .tx = true, .stopped = -EINVAL},
    [PMD_PEER_TX_CLEAN] = {.on_queue = do_tx_clean, .tx = true, .stopped = -EINVAL},
    [PMD_PEER_RXQ_INFO] = {.act = do_queue_info, .locked = true},
    [PMD_PEER_TXQ_INFO] = {.act = do_queue_info, .locked = true},
    [PMD_PEER_INFOS] = {.act = do_infos},
    [PMD_PEER_LINK] = {.act = do_link},
    [PMD_PEER_STATS] = {.act = do_stats},
    [PMD_PEER_STATS_RESET] = {.act = do_stats_reset},
    [PMD_PEER_XSTATS] = {.act = do_xstats},
    [PMD_PEER_XSTATS_NAMES] = {.act = do_xstats_names},
    [PMD_PEER_FIRMWARE] = {.act = do_firmware},
    [PMD_PEER_CLOCK] = {.act = do_clock},
    [PMD_PEER_REGS] = {.act = do_regs},
    [PMD_PEER_DUMP] = {.act = do_dump},
    [PMD_PEER_RSS] = {.act = do_rss},
    [PMD_PEER_RETA] = {.act = do_reta},
    [PMD_PEER_PROGRAM_INFO] = {.act = do_program_info},
    [PMD_PEER_PROGRAM_LOAD] = {.act = do_program,
                               .reason = true,
                               .bytes = sizeof(struct pmd_peer_program)},
    [PMD_PEER_PROGRAM_SWAP] = {.act = do_program,
                               .reason = true,
                               .bytes = sizeof(struct pmd_peer_program)},
    [PMD_PEER_MAP_SIZES] = {.act = do_map_sizes, .bytes = sizeof(struct pmd_peer_map)},
    [PMD_PEER_MAP_LOOKUP] = {.act = do_map, .locked = true, .bytes = sizeof(struct pmd_peer_map)},
    [PMD_PEER_MAP_UPDATE] = {.act = do_map, .locked = true, .bytes = sizeof(struct pmd_peer_map)},
    [PMD_PEER_MAP_DELETE] = {.act = do_map, .locked = true, .bytes = sizeof(struct pmd_peer_map)},
    [PMD_PEER_MAP_NEXT] = {.act = do_map, .locked = true, .bytes = sizeof(struct pmd_peer_map)},
    [PMD_PEER_EVENTS_POLL] = {.act = do_events_poll},
    [PMD_PEER_EVENTS_LOST] = {.act = do_events_lost, .bytes = sizeof(struct pmd_peer_map)},
};

static int act_on_queue(struct pmd_request *c)
{
    const struct rte_eth_dev_data *data = c->pmd->data;
    const bool tx = ops[c->head.op].tx;
    void *queue = NULL;
    int result = ops[c->head.op].stopped;

    pmd_serve_enter(c->pmd);
    if (c->pmd->running && c->head.number < (tx ? data->nb_tx_queues : data->nb_rx_queues))
        queue = (tx ? data->tx_queues : data->rx_queues)[c->head.number];
    if (queue)
        result = ops[c->head.op].on_queue(c, queue);
    pmd_serve_leave(c->pmd);
    return result;
}

int pmd_serve_act(struct pmd_request *c)
{
    const bool known = c->head.op < PMD_PEER_COUNT && c->head.bytes >= ops[c->head.op].bytes;
    int result;

    c->given = 0;
    c->out_bytes = 0;
    if (!known)
        return -EINVAL;
    if (ops[c->head.op].locked)
        pthread_mutex_lock(&c->pmd->lock);
    result = ops[c->head.op].act ? ops[c->head.op].act(c) : act_on_queue(c);
    if (ops[c->head.op].locked)
        pthread_mutex_unlock(&c->pmd->lock);
    if (result < 0 && !ops[c->head.op].reason)
        c->out_bytes = 0;
    return result;
}
