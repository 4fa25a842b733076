/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/process/remote.h"

#include "host/pmd/ops.h"

#include <dev_driver.h>
#include <errno.h>
#include <pthread.h>
#include <rte_dev_info.h>
#include <rte_eal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An Ethernet device of a secondary process. Its bursts carry packets' addresses to and from the
 * primary process, and never touch a ring: a secondary that dies leaves none half way, and programs
 * on the host, events and locks are where they always are. What sets the device up is not here:
 * DPDK answers -ENOTSUP. */

enum {
    HELLO_SECONDS = 5,
    CONTROL = 0, /* the line of all that is no queue's; queue n has line 1 + n */
    LINES = 1 + NIC_QUEUES_MAX,
};

struct remote_queue {
    struct pmd_remote *remote;
    uint16_t number;
};

struct pmd_remote {
    char name[RTE_ETH_NAME_MAX_LEN];
    uint16_t port_id;
    atomic_bool gone; /* the primary process is, or has closed the device */
    atomic_bool told; /* the application, of that */
    struct {
        pthread_mutex_t lock;
        struct pmd_line line; /* opened when it is needed */
        bool refused;
    } lines[LINES];
    struct remote_queue queues[NIC_QUEUES_MAX];
    /* What DPDK hands to bursts: the queues of this process, instead of those in shared memory that
     * come and go with the primary. */
    void *handles[RTE_MAX_QUEUES_PER_PORT];
};

/* --- lines --- */

static pthread_mutex_t hello_lock = PTHREAD_MUTEX_INITIALIZER; /* DPDK takes one at a time */

/* The socket of a new line, or negative errno. */
static int say_hello(const struct pmd_remote *remote)
{
    const struct timespec patience = {.tv_sec = HELLO_SECONDS};
    struct pmd_peer_hello hello = {.version = PMD_PEER_VERSION};
    struct rte_mp_msg msg = {.len_param = sizeof(hello)};
    struct rte_mp_reply replies = {0};
    int result = -ENODEV;

    _Static_assert(sizeof(hello) <= sizeof(msg.param), "a message has room for it");
    snprintf(msg.name, sizeof(msg.name), "%s", PMD_PEER_ACTION);
    snprintf(hello.device, sizeof(hello.device), "%s", remote->name);
    memcpy(msg.param, &hello, sizeof(hello));
    if (rte_mp_request_sync(&msg, &replies, &patience))
        return -rte_errno;
    if (replies.nb_received == 1) {
        const struct rte_mp_msg *reply = &replies.msgs[0];

        memcpy(&result, reply->param, sizeof(result));
        if (!result)
            result = reply->num_fds == 1 ? reply->fds[0] : -EPROTO;
    }
    free(replies.msgs);
    return result;
}

/* needs: the line's lock */
static int open_line(struct pmd_remote *remote, uint32_t number)
{
    int fd;

    if (remote->lines[number].line.fd >= 0)
        return 0;
    if (remote->lines[number].refused)
        return -EMFILE;
    pthread_mutex_lock(&hello_lock);
    fd = say_hello(remote);
    pthread_mutex_unlock(&hello_lock);
    if (fd < 0) {
        PMD_LOG(ERR, "%s: the primary process does not serve %s: %s\n", remote->name,
                number == CONTROL ? "the device" : "a queue", rte_strerror(-fd));
        remote->lines[number].refused = true;
        return fd;
    }
    remote->lines[number].line.fd = fd;
    return 0;
}

/* needs: the line's lock. What the primary says is in *result. */
static int ask(struct pmd_line *line, struct pmd_ask *a, int *result)
{
    struct pmd_peer_head head = {
        .op = a->op, .number = a->number, .arg = a->arg, .bytes = a->in_bytes};
    const uint8_t *bytes;
    int err = pmd_line_put(line, &head, a->in);

    if (!err)
        err = pmd_line_get(line, &head, &bytes);
    if (err)
        return err;
    *result = head.bytes > a->out_bytes ? -EMSGSIZE : head.result;
    a->got = head.bytes > a->out_bytes ? 0 : head.bytes;
    if (a->got)
        memcpy(a->out, bytes, a->got);
    return 0;
}

int pmd_remote_ask(struct pmd_remote *remote, struct pmd_ask *a)
{
    const uint32_t number = a->op <= PMD_PEER_TX_CLEAN ? 1 + a->number : CONTROL;
    int err, result = -ENODEV;

    a->got = 0;
    if (number >= LINES || a->in_bytes > PMD_PEER_BYTES_MAX)
        return number >= LINES ? -EINVAL : -EMSGSIZE;
    if (atomic_load_explicit(&remote->gone, memory_order_relaxed))
        return -ENODEV;
    pthread_mutex_lock(&remote->lines[number].lock);
    err = open_line(remote, number);
    if (!err) {
        err = ask(&remote->lines[number].line, a, &result);
        if (err && !atomic_exchange(&remote->gone, true))
            PMD_LOG(ERR, "%s: the primary process has closed the device, or is gone (%s)\n",
                    remote->name, rte_strerror(-err));
        err = err ? -ENODEV : result;
    }
    pthread_mutex_unlock(&remote->lines[number].lock);
    return err;
}

/* --- bursts and queues --- */

static uint16_t rx_burst(void *queue, struct rte_mbuf **packets, uint16_t count)
{
    const struct remote_queue *q = queue;
    const uint32_t most = RTE_MIN((uint32_t)count, (uint32_t)PMD_PEER_BURST);
    struct pmd_ask a = {.op = PMD_PEER_RX, .arg = most};
    int n;

    if (!q)
        return 0;
    a.number = q->number;
    a.out = packets;
    a.out_bytes = (uint32_t)(most * sizeof(*packets));
    n = pmd_remote_ask(q->remote, &a);
    return n > 0 ? (uint16_t)n : 0;
}

static uint16_t tx_burst(void *queue, struct rte_mbuf **packets, uint16_t count)
{
    const struct remote_queue *q = queue;
    uint32_t sent = 0;

    while (q && sent < count) {
        const uint32_t some = RTE_MIN(count - sent, (uint32_t)PMD_PEER_BURST);
        struct pmd_ask a = {.op = PMD_PEER_TX,
                            .number = q->number,
                            .in = packets + sent,
                            .in_bytes = (uint32_t)(some * sizeof(*packets))};
        const int n = pmd_remote_ask(q->remote, &a);

        sent += n > 0 ? (uint32_t)n : 0;
        if (n != (int)some)
            break;
    }
    return (uint16_t)sent;
}

static int ask_queue(void *queue, enum pmd_peer_op op, uint32_t arg)
{
    const struct remote_queue *q = queue;
    struct pmd_ask a = {.op = op, .arg = arg};

    if (!q)
        return -ENODEV;
    a.number = q->number;
    return pmd_remote_ask(q->remote, &a);
}

static uint32_t rx_count(void *queue)
{
    const int n = ask_queue(queue, PMD_PEER_RX_COUNT, 0);

    return n > 0 ? (uint32_t)n : 0;
}

static int rx_status(void *queue, uint16_t offset)
{
    return ask_queue(queue, PMD_PEER_RX_STATUS, offset);
}

static int tx_status(void *queue, uint16_t offset)
{
    return ask_queue(queue, PMD_PEER_TX_STATUS, offset);
}

/* DPDK gives this one the queue in shared memory. */
static int tx_clean(void *queue, uint32_t count)
{
    const struct pmd_txq *q = queue;
    struct pmd_remote *remote = pmd_remote_of(q->port_id);

    return remote ? ask_queue(remote->handles[q->number], PMD_PEER_TX_CLEAN, count) : -ENODEV;
}

/* --- what the device is and counts --- */

static struct pmd_remote *remote_of(const struct rte_eth_dev *eth_dev)
{
    return eth_dev->process_private;
}

/* A request without more than its kind, answered by so many bytes. */
static int get(const struct rte_eth_dev *eth_dev, enum pmd_peer_op op, uint32_t arg, void *out,
               size_t bytes)
{
    struct pmd_ask a = {.op = op, .arg = arg, .out = out, .out_bytes = (uint32_t)bytes};

    return pmd_remote_ask(remote_of(eth_dev), &a);
}

static int infos_get(struct rte_eth_dev *eth_dev, struct rte_eth_dev_info *info)
{
    struct rte_eth_dev_info theirs = {0};
    const int err = get(eth_dev, PMD_PEER_INFOS, 0, &theirs, sizeof(theirs));

    if (err)
        return err;
    theirs.device = info->device;
    *info = theirs;
    return 0;
}

static void rxq_info_get(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_rxq_info *info)
{
    struct pmd_ask a = {
        .op = PMD_PEER_RXQ_INFO, .number = queue, .out = info, .out_bytes = sizeof(*info)};

    pmd_remote_ask(remote_of(eth_dev), &a);
}

static void txq_info_get(struct rte_eth_dev *eth_dev, uint16_t queue, struct rte_eth_txq_info *info)
{
    struct pmd_ask a = {
        .op = PMD_PEER_TXQ_INFO, .number = queue, .out = info, .out_bytes = sizeof(*info)};

    pmd_remote_ask(remote_of(eth_dev), &a);
}

static int link_update(struct rte_eth_dev *eth_dev, int wait)
{
    struct pmd_remote *remote = remote_of(eth_dev);
    struct rte_eth_link link = {0}; /* down, unless the primary says more */
    const int err = get(eth_dev, PMD_PEER_LINK, 0, &link, sizeof(link));

    (void)wait;
    if (err == -ENODEV && !atomic_exchange(&remote->told, true))
        rte_eth_dev_callback_process(eth_dev, RTE_ETH_EVENT_INTR_RMV, NULL);
    return rte_eth_linkstatus_set(eth_dev, &link);
}

static int is_removed(struct rte_eth_dev *eth_dev)
{
    struct rte_eth_link link;

    return get(eth_dev, PMD_PEER_LINK, 0, &link, sizeof(link)) == -ENODEV;
}

static int stats_get(struct rte_eth_dev *eth_dev, struct rte_eth_stats *stats)
{
    return get(eth_dev, PMD_PEER_STATS, 0, stats, sizeof(*stats));
}

static int stats_reset(struct rte_eth_dev *eth_dev)
{
    return get(eth_dev, PMD_PEER_STATS_RESET, 0, NULL, 0);
}

static int xstats_get(struct rte_eth_dev *eth_dev, struct rte_eth_xstat *stats, unsigned int count)
{
    return get(eth_dev, PMD_PEER_XSTATS, stats ? count : 0, stats, count * sizeof(*stats));
}

static int xstats_names(struct rte_eth_dev *eth_dev, struct rte_eth_xstat_name *names,
                        unsigned int count)
{
    return get(eth_dev, PMD_PEER_XSTATS_NAMES, names ? count : 0, names, count * sizeof(*names));
}

static int fw_version_get(struct rte_eth_dev *eth_dev, char *text, size_t bytes)
{
    char whole[PMD_PEER_FIRMWARE_BYTES];
    int n = get(eth_dev, PMD_PEER_FIRMWARE, 0, whole, sizeof(whole));

    if (n < 0)
        return n;
    n = snprintf(text, bytes, "%s", whole);
    return n < 0 ? -EINVAL : (size_t)n < bytes ? 0 : n + 1;
}

static int read_clock(struct rte_eth_dev *eth_dev, uint64_t *ns)
{
    return get(eth_dev, PMD_PEER_CLOCK, 0, ns, sizeof(*ns));
}

static int get_reg(struct rte_eth_dev *eth_dev, struct rte_dev_reg_info *regs)
{
    struct rte_dev_reg_info theirs;
    const uint32_t words = regs->data ? regs->length : 0;
    const size_t bytes = sizeof(theirs) + words * sizeof(uint32_t);
    uint8_t *out = malloc(bytes);
    int err = out ? get(eth_dev, PMD_PEER_REGS, words, out, bytes) : -ENOMEM;

    if (!err) {
        memcpy(&theirs, out, sizeof(theirs));
        regs->length = theirs.length;
        regs->width = theirs.width;
        regs->version = theirs.version;
        if (regs->data)
            memcpy(regs->data, out + sizeof(theirs), words * sizeof(uint32_t));
    }
    free(out);
    return err;
}

static int priv_dump(struct rte_eth_dev *eth_dev, FILE *file)
{
    struct pmd_ask a = {.op = PMD_PEER_DUMP, .out_bytes = PMD_PEER_TEXT_BYTES};
    int err = -ENOMEM;

    a.out = malloc(a.out_bytes);
    if (a.out)
        err = pmd_remote_ask(remote_of(eth_dev), &a);
    if (!err)
        fprintf(file, "%.*s", (int)a.got, (const char *)a.out);
    free(a.out);
    return err;
}

static int rss_get(struct rte_eth_dev *eth_dev, struct rte_eth_rss_conf *conf)
{
    uint8_t out[sizeof(uint64_t) + NIC_KEY_BYTES];
    const int err = get(eth_dev, PMD_PEER_RSS, 0, out, sizeof(out));

    if (err)
        return err;
    memcpy(&conf->rss_hf, out, sizeof(conf->rss_hf));
    if (conf->rss_key && conf->rss_key_len >= NIC_KEY_BYTES)
        memcpy(conf->rss_key, out + sizeof(conf->rss_hf), NIC_KEY_BYTES);
    conf->rss_key_len = NIC_KEY_BYTES;
    return 0;
}

static int reta_query(struct rte_eth_dev *eth_dev, struct rte_eth_rss_reta_entry64 *conf,
                      uint16_t size)
{
    struct rte_eth_rss_reta_entry64 theirs[NIC_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];
    const int err = get(eth_dev, PMD_PEER_RETA, size, theirs, sizeof(theirs));

    for (uint32_t i = 0; !err && i < size; i++)
        conf[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
            theirs[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
    return err;
}

/* --- coming and going --- */

static void free_remote(struct pmd_remote *remote)
{
    for (uint32_t i = 0; i < LINES; i++) {
        pmd_line_close(&remote->lines[i].line);
        pthread_mutex_destroy(&remote->lines[i].lock);
    }
    free(remote);
}

/* What this process has of the device; the device itself is the primary's to close. */
static int close_port(struct rte_eth_dev *eth_dev)
{
    free_remote(remote_of(eth_dev));
    eth_dev->process_private = NULL;
    return 0;
}

static const struct eth_dev_ops remote_ops = {
    .dev_close = close_port,
    .dev_infos_get = infos_get,
    .rxq_info_get = rxq_info_get,
    .txq_info_get = txq_info_get,
    .link_update = link_update,
    .is_removed = is_removed,
    .stats_get = stats_get,
    .stats_reset = stats_reset,
    .xstats_get = xstats_get,
    .xstats_reset = stats_reset,
    .xstats_get_names = xstats_names,
    .rx_burst_mode_get = pmd_burst_mode,
    .tx_burst_mode_get = pmd_burst_mode,
    .dev_supported_ptypes_get = pmd_ptypes_get,
    .fw_version_get = fw_version_get,
    .tx_done_cleanup = tx_clean,
    .rss_hash_conf_get = rss_get,
    .reta_query = reta_query,
    .read_clock = read_clock,
    .get_reg = get_reg,
    .eth_dev_priv_dump = priv_dump,
};

static struct pmd_remote *new_remote(const char *name, uint16_t port_id)
{
    struct pmd_remote *remote = calloc(1, sizeof(*remote));

    if (!remote)
        return NULL;
    snprintf(remote->name, sizeof(remote->name), "%s", name);
    remote->port_id = port_id;
    for (uint16_t i = 0; i < LINES; i++) {
        pthread_mutex_init(&remote->lines[i].lock, NULL);
        remote->lines[i].line.fd = -1;
    }
    for (uint16_t i = 0; i < NIC_QUEUES_MAX; i++) {
        remote->queues[i] = (struct remote_queue){remote, i};
        remote->handles[i] = &remote->queues[i];
    }
    return remote;
}

static int open_control(struct pmd_remote *remote)
{
    int err;

    pthread_mutex_lock(&remote->lines[CONTROL].lock);
    err = open_line(remote, CONTROL);
    pthread_mutex_unlock(&remote->lines[CONTROL].lock);
    return err;
}

int pmd_remote_probe(struct rte_device *device, const char *name)
{
    struct rte_eth_dev *eth_dev = rte_eth_dev_attach_secondary(name);
    struct pmd_remote *remote;
    int err;

    if (!eth_dev) {
        PMD_LOG(ERR, "%s: the primary process has no such port\n", name);
        return -ENODEV;
    }
    remote = new_remote(name, eth_dev->data->port_id);
    err = remote ? open_control(remote) : -ENOMEM;
    if (err) {
        if (remote)
            free_remote(remote);
        rte_eth_dev_release_port(eth_dev);
        return err;
    }
    eth_dev->device = device;
    eth_dev->process_private = remote;
    eth_dev->dev_ops = &remote_ops;
    eth_dev->rx_pkt_burst = rx_burst;
    eth_dev->tx_pkt_burst = tx_burst;
    eth_dev->tx_pkt_prepare = pmd_tx_prepare;
    eth_dev->rx_queue_count = rx_count;
    eth_dev->rx_descriptor_status = rx_status;
    eth_dev->tx_descriptor_status = tx_status;
    rte_eth_dev_probing_finish(eth_dev);
    rte_eth_fp_ops[remote->port_id].rxq.data = remote->handles;
    rte_eth_fp_ops[remote->port_id].txq.data = remote->handles;
    return 0;
}

int pmd_remote_remove(const struct rte_device *device)
{
    for (uint16_t i = 0; i < RTE_MAX_ETHPORTS; i++)
        if (pmd_remote_of(i) && rte_eth_devices[i].device == device)
            return rte_eth_dev_close(i);
    return 0;
}

struct pmd_remote *pmd_remote_of(uint16_t port_id)
{
    const struct rte_eth_dev *eth_dev;

    if (!rte_eth_dev_is_valid_port(port_id))
        return NULL;
    eth_dev = &rte_eth_devices[port_id];
    return eth_dev->dev_ops == &remote_ops ? eth_dev->process_private : NULL;
}
