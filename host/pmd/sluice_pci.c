/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/args.h"
#include "host/pmd/process/remote.h"

#include <bus_pci_driver.h>
#include <errno.h>
#include <ethdev_pci.h>
#include <rte_io.h>
#include <stdlib.h>

/* The NIC as a PCI device (hw/spec/nic.toml names it): its registers are BAR 0, mapped by DPDK, its
 * DMA addresses are DPDK's I/O virtual addresses. Arguments, as in -a 0000:01:00.0,prog=firewall.o,
 * are described in docs/driver.md. */

enum { BAR = 0 };

static const char *const arg_names[] = {PMD_ARG_NAMES, NULL};

struct pci_dev {
    struct dev dev; /* first member: struct dev * is struct pci_dev * */
    uint8_t *bar;   /* SPEC_BAR_BYTES; the bus unmaps it */
};

/* --- registers: an access of 32 bits each, in the order of the program --- */

static bool within(uint32_t addr, uint32_t count)
{
    return addr % 4 == 0 && addr < SPEC_BAR_BYTES && count <= (SPEC_BAR_BYTES - addr) / 4;
}

static int pci_read_words(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count)
{
    const struct pci_dev *p = (const struct pci_dev *)dev;

    if (!within(addr, count))
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        words[i] = rte_le_to_cpu_32(rte_read32(p->bar + addr + 4 * i));
    return 0;
}

static int pci_write_words(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count)
{
    const struct pci_dev *p = (const struct pci_dev *)dev;

    if (!within(addr, count))
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++)
        rte_write32(rte_cpu_to_le_32(words[i]), p->bar + addr + 4 * i);
    return 0;
}

static int pci_read32(struct dev *dev, uint32_t addr, uint32_t *value)
{
    return pci_read_words(dev, addr, value, 1);
}

static int pci_write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return pci_write_words(dev, addr, &value, 1);
}

/* --- memory: what a device on the bus reaches is the kernel's and EAL's matter. With UIO that is
 * all of memory, by physical addresses; with VFIO EAL maps what DPDK has. --- */

static int pci_dma_map(struct dev *dev, void *memory, uint64_t addr, size_t bytes)
{
    (void)dev;
    (void)memory;
    (void)addr;
    (void)bytes;
    return 0;
}

static int pci_dma_unmap(struct dev *dev, uint64_t addr, size_t bytes)
{
    (void)dev;
    (void)addr;
    (void)bytes;
    return 0;
}

static void pci_close(struct dev *dev)
{
    free(dev);
}

static const struct dev_ops pci_ops = {
    .read32 = pci_read32,
    .write32 = pci_write32,
    .read_words = pci_read_words,
    .write_words = pci_write_words,
    .close = pci_close,
    .dma_map = pci_dma_map,
    .dma_unmap = pci_dma_unmap,
};

/* --- a device of the bus --- */

static int open_bar(const struct rte_pci_device *pci, struct dev **out)
{
    const struct rte_mem_resource *bar = &pci->mem_resource[BAR];
    struct pci_dev *p;

    if (!bar->addr || bar->len < SPEC_BAR_BYTES) {
        PMD_LOG(ERR, "%s: BAR %d has %" PRIu64 " bytes%s, not %u: this is no device of ours\n",
                pci->name, BAR, bar->len, bar->addr ? "" : " that are not mapped", SPEC_BAR_BYTES);
        return -ENODEV;
    }
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->dev.ops = &pci_ops;
    p->bar = bar->addr;
    *out = &p->dev;
    return 0;
}

static int probe(struct rte_pci_device *pci, const struct pmd_args *args)
{
    struct rte_eth_dev *eth_dev;
    struct dev *dev = NULL;
    int err = open_bar(pci, &dev);

    if (err)
        return err;
    eth_dev = rte_eth_dev_pci_allocate(pci, sizeof(struct pmd));
    if (!eth_dev) {
        dev->ops->close(dev);
        return -ENOMEM;
    }
    err = pmd_init(eth_dev, dev, NULL);
    if (!err)
        err = pmd_args_apply(args, eth_dev->data->dev_private);
    if (err) {
        pmd_uninit(eth_dev);
        rte_eth_dev_release_port(eth_dev);
        return err;
    }
    rte_eth_dev_probing_finish(eth_dev);
    return 0;
}

static int take_arg(const char *key, const char *value, void *ctx)
{
    pmd_args_take(ctx, key, value); /* the list has no others */
    return 0;
}

static int pci_probe(struct rte_pci_driver *driver, struct rte_pci_device *pci)
{
    const struct rte_devargs *devargs = pci->device.devargs;
    struct pmd_args args = {0};
    struct rte_kvargs *list;
    int err;

    (void)driver;
    if (rte_eal_process_type() != RTE_PROC_PRIMARY) /* arguments are the primary's */
        return pmd_remote_probe(&pci->device, pci->device.name);
    list = rte_kvargs_parse(devargs && devargs->args ? devargs->args : "", arg_names);
    if (!list) {
        PMD_LOG(ERR, "%s: an argument is none of this driver's\n", pci->name);
        return -EINVAL;
    }
    err = pmd_args_check(list, pci->name, arg_names, NULL);
    if (!err)
        rte_kvargs_process(list, NULL, take_arg, &args);
    if (!err && args.bad)
        err = pmd_args_bad(pci->name, args.bad);
    if (!err)
        err = probe(pci, &args);
    rte_kvargs_free(list);
    return err;
}

/* The bus unmaps the BAR afterwards. */
static int pci_remove(struct rte_pci_device *pci)
{
    struct rte_eth_dev *eth_dev;

    if (rte_eal_process_type() != RTE_PROC_PRIMARY)
        return pmd_remote_remove(&pci->device);
    eth_dev = rte_eth_dev_allocated(pci->device.name);
    return eth_dev ? rte_eth_dev_close(eth_dev->data->port_id) : 0;
}

static const struct rte_pci_id pci_ids[] = {
    {RTE_PCI_DEVICE(SPEC_PCI_VENDOR, SPEC_PCI_DEVICE)},
    {.vendor_id = 0},
};

static struct rte_pci_driver sluice_pci = {
    .id_table = pci_ids,
    .drv_flags = RTE_PCI_DRV_NEED_MAPPING,
    .probe = pci_probe,
    .remove = pci_remove,
};

RTE_PMD_REGISTER_PCI(net_sluice_pci, sluice_pci);
RTE_PMD_REGISTER_PCI_TABLE(net_sluice_pci, pci_ids);
RTE_PMD_REGISTER_KMOD_DEP(net_sluice_pci, "* igb_uio | uio_pci_generic | vfio-pci");
RTE_PMD_REGISTER_PARAM_STRING(net_sluice_pci, PMD_ARG_TEXT);
