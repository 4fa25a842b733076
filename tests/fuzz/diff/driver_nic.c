/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/driver_nic.h"

#include <dev_driver.h>
#include <dlfcn.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOMS = 3, MBUFS = 2047, RING = 256, TX_RING = 64, MTU = 9000, PATH_BYTES = 128 };

/* Of buffers behind the headroom: the least that the driver takes, and others. */
static const uint16_t rooms[ROOMS] = {PMD_RX_BUFFER_MIN, 1024, 2048};

/* The process's, as EAL itself is. */
static struct rte_mempool *pools[ROOMS][2];

static const struct rte_driver driver = {.name = "net_sluice"};
static struct rte_device device = {.name = "trial", .driver = &driver};

/* EAL wants a CPU for itself; the campaign has chosen one. */
static int start_eal(void)
{
    char *args[] = {"sluice-paths",   "--no-pci", "--no-huge", "--no-shconf",
                    "--no-telemetry", "-m",       "128",       "--log-level=*:critical"};
    cpu_set_t cpus;
    int err;

    if (pools[0][0])
        return 0;
    sched_getaffinity(0, sizeof(cpus), &cpus);
    err = rte_eal_init(RTE_DIM(args), args) < 0 ? -ENODEV : 0;
    sched_setaffinity(0, sizeof(cpus), &cpus);
    for (int i = 0; !err && i < 2 * ROOMS; i++) {
        const char name[] = {'p', (char)('0' + i), 0};

        pools[i / 2][i % 2] = rte_pktmbuf_pool_create(
            name, MBUFS, 0, 0, (uint16_t)(rooms[i / 2] + RTE_PKTMBUF_HEADROOM), 0);
        err = pools[i / 2][i % 2] ? 0 : -ENOMEM;
    }
    return err;
}

static void wire_path(const struct driver_nic *n, uint32_t port, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/wire%u.pcap", n->folder, port);
}

static int write_packets(const char *path, const struct diff_packet *packets, uint32_t count)
{
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, UINT16_MAX);
    pcap_dumper_t *out = pcap ? pcap_dump_open(pcap, path) : NULL;

    for (uint32_t i = 0; out && i < count; i++) {
        const struct pcap_pkthdr head = {.caplen = packets[i].len, .len = packets[i].len};

        pcap_dump((uint8_t *)out, &head, packets[i].bytes);
    }
    if (out)
        pcap_dump_close(out);
    if (pcap)
        pcap_close(pcap);
    return out ? 0 : -EIO;
}

static struct dev *open_device(const struct driver_nic *n, struct diff_rng *rng, char *why)
{
    static const uint32_t gaps[] = {1, 1, 4, 30, 200, 1000};
    char in[3 * PATH_BYTES], out[2 * PATH_BYTES], path[PATH_BYTES];
    struct dev_nic_options options = {.size = sizeof(options),
                                      .model = SLUICE_BUILD_ROOT "/nic_model.so",
                                      .seed = diff_next(rng),
                                      .ports = {in, out},
                                      .stall_percent =
                                          diff_below(rng, 3) ? 0 : diff_below(rng, 60)};
    void *library = dlopen(SLUICE_BUILD_ROOT "/sluice-sim.so", RTLD_NOW | RTLD_LOCAL);
    dev_nic_open_fn open = library ? (dev_nic_open_fn)dlsym(library, DEV_NIC_OPEN) : NULL;
    struct dev *dev = NULL;

    wire_path(n, 0, path);
    snprintf(in, sizeof(in), "pcap:%s/in.pcap:%s:%u", n->folder, path, gaps[diff_below(rng, 6)]);
    wire_path(n, 1, path);
    snprintf(out, sizeof(out), "pcap::%s", path);
    snprintf(why, EXEC_WHY_BYTES, "the simulation can't be loaded");
    if (!open || open(&options, &dev, why, EXEC_WHY_BYTES))
        return NULL;
    return dev;
}

/* Queues, each with a pool of its own or of several. */
static int set_up(struct driver_nic *n, struct diff_rng *rng)
{
    const struct rte_eth_conf conf = {
        .rxmode = {.mq_mode = RTE_ETH_MQ_RX_RSS, .offloads = RTE_ETH_RX_OFFLOAD_SCATTER},
        .rx_adv_conf = {.rss_conf = {.rss_hf = pmd_rss_types()}}};
    int err;

    n->queues = (uint16_t)(diff_below(rng, 3) ? 1 + diff_below(rng, DRIVER_QUEUES) : 1);
    err = rte_eth_dev_configure(n->port, n->queues, 1, &conf);
    for (uint16_t i = 0; !err && i < n->queues; i++) {
        n->pools[i] = pools[diff_below(rng, ROOMS)][diff_below(rng, 2)];
        err = rte_eth_rx_queue_setup(n->port, i, RING, 0, NULL, n->pools[i]);
    }
    if (!err)
        err = rte_eth_tx_queue_setup(n->port, 0, TX_RING, 0, NULL);
    if (!err)
        err = rte_eth_dev_set_mtu(n->port, MTU);
    return err ? err : rte_eth_promiscuous_enable(n->port);
}

int driver_nic_open(struct driver_nic *n, const struct diff_packet *packets, uint32_t count,
                    struct diff_rng *rng, char why[EXEC_WHY_BYTES])
{
    char path[PATH_BYTES];
    struct dev *dev;
    int err = start_eal();

    snprintf(why, EXEC_WHY_BYTES, "the port can't be set up");
    snprintf(n->folder, sizeof(n->folder), "/tmp/sluice-paths-XXXXXX");
    if (err || !mkdtemp(n->folder)) {
        n->folder[0] = 0;
        return err ? err : -errno;
    }
    snprintf(path, sizeof(path), "%s/in.pcap", n->folder);
    err = write_packets(path, packets, count);
    dev = err ? NULL : open_device(n, rng, why);
    if (!dev)
        return -EIO;
    n->eth = rte_eth_dev_allocate("trial");
    n->eth->data->dev_private = rte_zmalloc("trial", sizeof(struct pmd), 0);
    n->eth->device = &device;
    n->pmd = n->eth->data->dev_private;
    n->port = n->eth->data->port_id;
    err = pmd_init(n->eth, dev, NULL);
    if (err)
        return err;
    rte_eth_dev_probing_finish(n->eth);
    snprintf(why, EXEC_WHY_BYTES, "the port can't be set up");
    return set_up(n, rng);
}

int driver_nic_close(struct driver_nic *n)
{
    int missing = 0;

    if (n->eth) {
        if (n->eth->data->dev_started)
            rte_eth_dev_stop(n->port);
        rte_eth_dev_close(n->port);
        n->eth = NULL;
    }
    for (int i = 0; pools[0][0] && i < 2 * ROOMS; i++)
        missing += rte_mempool_avail_count(pools[i / 2][i % 2]) != MBUFS;
    return missing ? -EBUSY : 0;
}

void driver_nic_remove(struct driver_nic *n)
{
    char path[PATH_BYTES];

    if (!n->folder[0])
        return;
    for (uint32_t p = 0; p < DRIVER_PORTS; p++) {
        wire_path(n, p, path);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/in.pcap", n->folder);
    unlink(path);
    rmdir(n->folder);
}

uint64_t driver_nic_counter(const struct driver_nic *n, const char *name)
{
    uint64_t id, value = 0;

    if (rte_eth_xstats_get_id_by_name(n->port, name, &id) ||
        rte_eth_xstats_get_by_id(n->port, &id, &value, 1) != 1)
        return UINT64_MAX;
    return value;
}

bool driver_nic_wire(const struct driver_nic *n, uint32_t port, struct arena *arena,
                     struct diff_packet **frames, uint32_t *count)
{
    char path[PATH_BYTES], message[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *head;
    const uint8_t *data;
    uint32_t capacity = 0;
    pcap_t *pcap;

    wire_path(n, port, path);
    pcap = pcap_open_offline(path, message);
    *frames = NULL;
    *count = 0;
    while (pcap && pcap_next_ex(pcap, &head, &data) == 1) {
        *frames = arena_grow(arena, *frames, *count, &capacity, sizeof(**frames));
        (*frames)[(*count)++] =
            (struct diff_packet){arena_memdup(arena, data, head->caplen), head->caplen, 0};
    }
    if (pcap)
        pcap_close(pcap);
    return pcap != NULL;
}
