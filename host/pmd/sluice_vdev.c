/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/pmd.h"

#include <bus_vdev_driver.h>
#include <dlfcn.h>
#include <errno.h>
#include <ethdev_vdev.h>
#include <rte_kvargs.h>
#include <stdio.h>
#include <stdlib.h>

/* The simulated NIC as a virtual device:
 *   --vdev=net_sluice0,port=pcap:in.pcap:out.pcap,prog=firewall.o
 * Arguments are described in docs/driver.md. */

enum { PATH_BYTES = 4096, WHY_BYTES = 1024 };

#define ARG_MODEL "model"
#define ARG_SIM "sim"
#define ARG_PORT "port"
#define ARG_SEED "seed"
#define ARG_STALL "stall"
#define ARG_DMA "dma"
#define ARG_PROG "prog"
#define ARG_SECTION "section"
#define ARG_PROGRAM "program"
#define ARG_MAPS "maps"
#define ARG_MAC "mac"

static const char *const arg_names[] = {ARG_MODEL,   ARG_SIM,  ARG_PORT, ARG_SEED,
                                        ARG_STALL,   ARG_DMA,  ARG_PROG, ARG_SECTION,
                                        ARG_PROGRAM, ARG_MAPS, ARG_MAC,  NULL};

/* What the arguments say; strings belong to the list of arguments. */
struct args {
    struct dev_nic_options options;
    uint32_t port_count;
    const char *sim;
    struct rte_pmd_sluice_program program;
    const char *mac;
    const char *bad; /* the first that makes no sense */
};

static void parse_number(struct args *a, const char *key, const char *value, uint64_t most,
                         uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(value, &end, 0);
    if (errno || end == value || *end || *out > most)
        a->bad = key;
}

static void parse_clocks(struct args *a, const char *value)
{
    unsigned int min, max;
    char end;

    if (sscanf(value, "%u-%u%c", &min, &max, &end) != 2 || min > max || !max || max > 1u << 20) {
        a->bad = ARG_DMA;
        return;
    }
    a->options.dma_min_clocks = min;
    a->options.dma_max_clocks = max;
}

static int parse_arg(const char *key, const char *value, void *ctx)
{
    struct args *a = ctx;
    const struct {
        const char *key;
        const char **value;
    } texts[] = {{ARG_MODEL, &a->options.model},
                 {ARG_SIM, &a->sim},
                 {ARG_PROG, &a->program.path},
                 {ARG_SECTION, &a->program.section},
                 {ARG_PROGRAM, &a->program.program},
                 {ARG_MAPS, &a->program.maps},
                 {ARG_MAC, &a->mac}};
    uint64_t number = 0;

    for (uint32_t i = 0; i < RTE_DIM(texts); i++)
        if (!strcmp(key, texts[i].key))
            *texts[i].value = value;
    if (!value) {
        a->bad = key;
    } else if (!strcmp(key, ARG_PORT)) {
        if (a->port_count == DEV_NIC_PORTS)
            a->bad = key;
        else
            a->options.ports[a->port_count++] = value;
    } else if (!strcmp(key, ARG_SEED)) {
        parse_number(a, ARG_SEED, value, UINT64_MAX, &a->options.seed);
    } else if (!strcmp(key, ARG_STALL)) {
        parse_number(a, ARG_STALL, value, 99, &number);
        a->options.stall_percent = (uint32_t)number;
    } else if (!strcmp(key, ARG_DMA)) {
        parse_clocks(a, value);
    }
    return 0;
}

/* A file that was built beside this driver. */
static int beside(const char *name, char path[PATH_BYTES])
{
    Dl_info info;
    char driver[PATH_BYTES];
    char *slash;

    if (!dladdr((const void *)arg_names, &info) || !realpath(info.dli_fname, driver))
        return -ENOENT;
    slash = strrchr(driver, '/');
    if (!slash)
        return -ENOENT;
    *slash = 0;
    return snprintf(path, PATH_BYTES, "%s/%s", driver, name) < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static int open_simulation(const char *name, const struct args *a, void **plugin, struct dev **dev)
{
    char sim[PATH_BYTES] = "sluice-sim.so", model[PATH_BYTES] = "nic_model.so";
    char why[WHY_BYTES] = "";
    struct dev_nic_options options = a->options;
    dev_nic_open_fn open;
    int err;

    options.size = sizeof(options);
    if (!options.model && !beside("nic_model.so", model))
        options.model = model;
    if (!a->sim)
        beside("sluice-sim.so", sim);
    *plugin = dlopen(a->sim ? a->sim : sim, RTLD_NOW | RTLD_LOCAL);
    open = *plugin ? (dev_nic_open_fn)dlsym(*plugin, DEV_NIC_OPEN) : NULL;
    if (!open) {
        PMD_LOG(ERR, "%s: the simulation can't be loaded: %s\n", name, dlerror());
        err = -ENOENT;
    } else {
        err = open(&options, dev, why, sizeof(why));
        if (err)
            PMD_LOG(ERR, "%s: %s\n", name, *why ? why : rte_strerror(-err));
    }
    if (err && *plugin)
        dlclose(*plugin);
    return err;
}

static int parse_mac(struct pmd *pmd, const char *text)
{
    struct rte_ether_addr mac;

    if (!text)
        return 0;
    if (rte_ether_unformat_addr(text, &mac) || !rte_is_valid_assigned_ether_addr(&mac)) {
        PMD_LOG(ERR, "mac=%s is no address of a station\n", text);
        return -EINVAL;
    }
    pmd->data->mac_addrs[0] = mac;
    return 0;
}

/* The rest, once there is an Ethernet device. */
static int finish_probe(struct rte_eth_dev *eth_dev, const struct args *a)
{
    struct pmd *pmd = eth_dev->data->dev_private;
    char why[WHY_BYTES] = "";
    int err = parse_mac(pmd, a->mac);

    if (err)
        return err;
    err = pmd_program_load(pmd, &a->program, why);
    if (err)
        PMD_LOG(ERR, "%s: %s\n",
                a->program.path ? a->program.path : "the program that passes all packets", why);
    return err;
}

static int probe(struct rte_vdev_device *vdev, const struct args *a)
{
    const char *name = rte_vdev_device_name(vdev);
    struct rte_eth_dev *eth_dev;
    void *plugin = NULL;
    struct dev *dev = NULL;
    int err = open_simulation(name, a, &plugin, &dev);

    if (err)
        return err;
    eth_dev = rte_eth_vdev_allocate(vdev, sizeof(struct pmd));
    if (!eth_dev) {
        dev->ops->close(dev);
        dlclose(plugin);
        return -ENOMEM;
    }
    err = pmd_init(eth_dev, dev, plugin);
    if (!err)
        err = finish_probe(eth_dev, a);
    if (err) {
        pmd_uninit(eth_dev);
        rte_eth_dev_release_port(eth_dev);
        return err;
    }
    rte_eth_dev_probing_finish(eth_dev);
    return 0;
}

/* An argument that would be passed over: the reason, or NULL. */
static const char *check_list(const struct rte_kvargs *list, const char **key)
{
    static const char *const of_program[] = {ARG_SECTION, ARG_PROGRAM, ARG_MAPS};

    for (uint32_t i = 0; (*key = arg_names[i]); i++)
        if (strcmp(*key, ARG_PORT) && rte_kvargs_count(list, *key) > 1)
            return "is given twice";
    for (uint32_t i = 0; i < RTE_DIM(of_program); i++) {
        *key = of_program[i];
        if (rte_kvargs_count(list, *key) && !rte_kvargs_count(list, ARG_PROG))
            return "says something of a program that " ARG_PROG "= does not name";
    }
    return NULL;
}

static int vdev_probe(struct rte_vdev_device *vdev)
{
    struct args a = {0};
    struct rte_kvargs *list;
    const char *key, *why;
    int err;

    if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
        PMD_LOG(ERR, "%s: a secondary process can't use a simulated device\n",
                rte_vdev_device_name(vdev));
        return -ENOTSUP;
    }
    list = rte_kvargs_parse(rte_vdev_device_args(vdev), arg_names);
    if (!list) {
        PMD_LOG(ERR, "%s: an argument is none of this driver's\n", rte_vdev_device_name(vdev));
        return -EINVAL;
    }
    why = check_list(list, &key);
    rte_kvargs_process(list, NULL, parse_arg, &a);
    if (!why && a.bad) {
        key = a.bad;
        why = "has a value that makes no sense";
    }
    if (why)
        PMD_LOG(ERR, "%s: %s= %s\n", rte_vdev_device_name(vdev), key, why);
    err = why ? -EINVAL : probe(vdev, &a);
    rte_kvargs_free(list);
    return err;
}

static int vdev_remove(struct rte_vdev_device *vdev)
{
    struct rte_eth_dev *eth_dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

    return eth_dev ? rte_eth_dev_close(eth_dev->data->port_id) : 0;
}

/* Memory of the application that is not DPDK's own. */
static int vdev_dma_map(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t bytes)
{
    struct rte_eth_dev *eth_dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
    struct pmd *pmd = eth_dev ? eth_dev->data->dev_private : NULL;

    return pmd ? pmd->dev->ops->dma_map(pmd->dev, addr, iova, bytes) : -ENODEV;
}

static int vdev_dma_unmap(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t bytes)
{
    struct rte_eth_dev *eth_dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
    struct pmd *pmd = eth_dev ? eth_dev->data->dev_private : NULL;

    (void)addr;
    return pmd ? pmd->dev->ops->dma_unmap(pmd->dev, iova, bytes) : -ENODEV;
}

static struct rte_vdev_driver sluice_vdev = {
    .probe = vdev_probe,
    .remove = vdev_remove,
    .dma_map = vdev_dma_map,
    .dma_unmap = vdev_dma_unmap,
    .drv_flags = RTE_VDEV_DRV_NEED_IOVA_AS_VA,
};

RTE_PMD_REGISTER_VDEV(net_sluice, sluice_vdev);
RTE_PMD_REGISTER_PARAM_STRING(net_sluice, ARG_PORT
                              "=<what is connected> " ARG_PROG "=<object> " ARG_SECTION
                              "=<name> " ARG_PROGRAM "=<name> " ARG_MAPS "=<file> " ARG_MAC
                              "=<address> " ARG_MODEL "=<file> " ARG_SIM "=<file> " ARG_SEED
                              "=<number> " ARG_STALL "=<percent> " ARG_DMA "=<clocks>-<clocks>");
