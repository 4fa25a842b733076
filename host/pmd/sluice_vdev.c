/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/ctl/model.h"
#include "host/pmd/args.h"
#include "host/pmd/process/remote.h"

#include <bus_vdev_driver.h>
#include <dlfcn.h>
#include <errno.h>
#include <ethdev_vdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#define ARG_EXECUTOR "executor"

static const char *const arg_names[] = {ARG_MODEL, ARG_SIM,      ARG_PORT,      ARG_SEED, ARG_STALL,
                                        ARG_DMA,   ARG_EXECUTOR, PMD_ARG_NAMES, NULL};

/* What the arguments say; strings belong to the list of arguments. */
struct args {
    struct pmd_args common;
    struct dev_nic_options options;
    uint32_t port_count;
    const char *sim;
};

static void parse_number(struct args *a, const char *key, const char *value, uint64_t most,
                         uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(value, &end, 0);
    if (errno || end == value || *end || *out > most)
        a->common.bad = key;
}

static void parse_clocks(struct args *a, const char *value)
{
    unsigned int min, max;
    char end;

    if (sscanf(value, "%u-%u%c", &min, &max, &end) != 2 || min > max || !max || max > 1u << 20) {
        a->common.bad = ARG_DMA;
        return;
    }
    a->options.dma_min_clocks = min;
    a->options.dma_max_clocks = max;
}

static void parse_executor(struct args *a, const char *value)
{
    const enum pmd_executor executor = pmd_executor_of(value);

    if (executor == PMD_EXECUTOR_COUNT || executor == PMD_EXECUTOR_INTERP)
        a->common.bad = ARG_EXECUTOR;
    else
        a->common.executor = executor;
}

static int parse_arg(const char *key, const char *value, void *ctx)
{
    struct args *a = ctx;
    uint64_t number = 0;

    if (pmd_args_take(&a->common, key, value))
        return 0;
    if (!value) {
        a->common.bad = key;
    } else if (!strcmp(key, ARG_PORT)) {
        if (a->port_count == DEV_NIC_PORTS)
            a->common.bad = key;
        else
            a->options.ports[a->port_count++] = value;
    } else if (!strcmp(key, ARG_MODEL)) {
        a->options.model = value;
    } else if (!strcmp(key, ARG_SIM)) {
        a->sim = value;
    } else if (!strcmp(key, ARG_SEED)) {
        parse_number(a, ARG_SEED, value, UINT64_MAX, &a->options.seed);
    } else if (!strcmp(key, ARG_STALL)) {
        parse_number(a, ARG_STALL, value, 99, &number);
        a->options.stall_percent = (uint32_t)number;
    } else if (!strcmp(key, ARG_DMA)) {
        parse_clocks(a, value);
    } else if (!strcmp(key, ARG_EXECUTOR)) {
        parse_executor(a, value);
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

/* The program's pipeline, and the model of the NIC with it, if that is what the slot is to have. */
static int make_pipeline(const char *name, struct args *a, char model[MODEL_PATH_BYTES])
{
    char why[EXEC_WHY_BYTES] = "";
    struct pmd_args *c = &a->common;
    int err = 0;

    if (c->executor != PMD_EXECUTOR_PIPELINE)
        return 0;
    if (!c->program.path || a->options.model) {
        PMD_LOG(ERR, "%s: " ARG_EXECUTOR "=pipeline %s\n", name,
                c->program.path ? "builds its model, so " ARG_MODEL "= is not for it"
                                : "needs a program, which " PMD_ARG_PROG "= names");
        return -EINVAL;
    }
    err = pmd_program_pipeline(&c->program, c->offload, &c->pipeline, model, why);
    if (err)
        PMD_LOG(ERR, "%s: %s\n", c->program.path, why);
    else if (c->pipeline)
        a->options.model = model;
    return err;
}

/* The model that the device is when its slot is no pipeline; NULL: there is none. */
static char *core_model(const struct args *a)
{
    char model[PATH_BYTES];

    if (a->options.model && !a->common.pipeline)
        return strdup(a->options.model);
    return beside("nic_model.so", model) ? NULL : strdup(model);
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
    ((struct pmd *)eth_dev->data->dev_private)->core_model = core_model(a);
    if (!err)
        err = pmd_args_apply(&a->common, eth_dev->data->dev_private);
    if (err) {
        pmd_uninit(eth_dev);
        rte_eth_dev_release_port(eth_dev);
        return err;
    }
    rte_eth_dev_probing_finish(eth_dev);
    return 0;
}

static int vdev_probe(struct rte_vdev_device *vdev)
{
    const char *name = rte_vdev_device_name(vdev);
    struct args a = {0};
    char model[MODEL_PATH_BYTES];
    struct rte_kvargs *list;
    int err;

    if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
        const char *args = rte_vdev_device_args(vdev);

        if (args && *args)
            PMD_LOG(NOTICE, "%s: its arguments are those that the primary process has\n", name);
        return pmd_remote_probe(&vdev->device, name);
    }
    list = rte_kvargs_parse(rte_vdev_device_args(vdev), arg_names);
    if (!list) {
        PMD_LOG(ERR, "%s: an argument is none of this driver's\n", name);
        return -EINVAL;
    }
    err = pmd_args_check(list, name, arg_names, ARG_PORT);
    if (!err)
        rte_kvargs_process(list, NULL, parse_arg, &a);
    if (!err && a.common.bad)
        err = pmd_args_bad(name, a.common.bad);
    if (!err)
        err = make_pipeline(name, &a, model);
    if (!err)
        err = probe(vdev, &a);
    if (err)
        pmd_program_drop(a.common.pipeline);
    rte_kvargs_free(list);
    return err;
}

static int vdev_remove(struct rte_vdev_device *vdev)
{
    struct rte_eth_dev *eth_dev;

    if (rte_eal_process_type() != RTE_PROC_PRIMARY)
        return pmd_remote_remove(&vdev->device);
    eth_dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
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
                              "=<what is connected> " PMD_ARG_TEXT " " ARG_MODEL "=<file> " ARG_SIM
                              "=<file> " ARG_SEED "=<number> " ARG_STALL "=<percent> " ARG_DMA
                              "=<clocks>-<clocks> " ARG_EXECUTOR "=microcode|pipeline");
