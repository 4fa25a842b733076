/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/args.h"

#include "host/ctl/executor.h"
#include "host/ctl/netfile.h"
#include "host/pmd/events.h"

#include <errno.h>

static void take_offload(struct pmd_args *a, const char *value)
{
    static const char *const names[PMD_OFFLOAD_COUNT] = {"prefer", "whole", "require", "never"};
    uint32_t i = 0;

    while (value && i < RTE_DIM(names) && strcmp(value, names[i]) != 0)
        i++;
    if (!value || i == RTE_DIM(names))
        a->bad = PMD_ARG_OFFLOAD;
    else
        a->offload = (enum pmd_offload)i;
}

bool pmd_args_take(struct pmd_args *a, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **value;
    } texts[] = {{PMD_ARG_PROG, &a->program.path},
                 {PMD_ARG_SECTION, &a->program.section},
                 {PMD_ARG_PROGRAM, &a->program.program},
                 {PMD_ARG_MAPS, &a->program.maps},
                 {PMD_ARG_MAC, &a->mac},
                 {PMD_ARG_EVENTS, &a->events},
                 {PMD_ARG_FIB, &a->fib}};

    for (uint32_t i = 0; i < RTE_DIM(texts); i++) {
        if (strcmp(key, texts[i].key) != 0)
            continue;
        if (!value)
            a->bad = texts[i].key;
        *texts[i].value = value;
        return true;
    }
    if (strcmp(key, PMD_ARG_OFFLOAD) != 0)
        return false;
    take_offload(a, value);
    return true;
}

int pmd_args_check(const struct rte_kvargs *list, const char *name, const char *const *names,
                   const char *many)
{
    static const char *const of_program[] = {PMD_ARG_SECTION, PMD_ARG_PROGRAM, PMD_ARG_MAPS};

    for (; *names; names++) {
        if ((many && !strcmp(*names, many)) || rte_kvargs_count(list, *names) < 2)
            continue;
        PMD_LOG(ERR, "%s: %s= is given twice\n", name, *names);
        return -EINVAL;
    }
    for (uint32_t i = 0; i < RTE_DIM(of_program); i++) {
        if (!rte_kvargs_count(list, of_program[i]) || rte_kvargs_count(list, PMD_ARG_PROG))
            continue;
        PMD_LOG(ERR, "%s: %s= says something of a program that " PMD_ARG_PROG "= does not name\n",
                name, of_program[i]);
        return -EINVAL;
    }
    return 0;
}

int pmd_args_bad(const char *name, const char *key)
{
    PMD_LOG(ERR, "%s: %s= has a value that makes no sense\n", name, key);
    return -EINVAL;
}

static int apply_mac(struct pmd *pmd, const char *text)
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

static int apply_events(struct pmd *pmd, const char *path)
{
    const int err = path ? pmd_events_file(pmd, path) : 0;

    if (err)
        PMD_LOG(ERR, "%s: %s\n", path,
                err == -EBUSY ? "another device writes its events there" : rte_strerror(-err));
    return err;
}

static int apply_fib(struct pmd *pmd, const char *path)
{
    char why[EXEC_WHY_BYTES] = "";
    int err = 0;

    pmd->net_arena = arena_open();
    if (!pmd->net_arena)
        err = -ENOMEM;
    else if (path)
        err = netfile_read(path, pmd->net_arena, &pmd->net, why, sizeof(why));
    else
        pmd->net = netfile_ports(pmd->nic.port_count, pmd->net_arena);
    if (!err && !pmd->net)
        err = -ENOMEM;
    if (err)
        PMD_LOG(ERR, "%s\n", *why ? why : rte_strerror(-err));
    return err;
}

int pmd_args_apply(const struct pmd_args *a, struct pmd *pmd)
{
    char why[EXEC_WHY_BYTES] = "";
    int err = apply_mac(pmd, a->mac);

    if (!err)
        err = apply_events(pmd, a->events);
    if (!err)
        err = apply_fib(pmd, a->fib);
    if (err)
        return err;
    pmd->offload = a->offload;
    pmd->executor = a->executor;
    err = a->pipeline ? pmd_program_start(pmd, a->pipeline, why)
                      : pmd_program_load(pmd, &a->program, why);
    if (err)
        PMD_LOG(ERR, "%s: %s\n",
                a->program.path ? a->program.path : "the program that passes all packets", why);
    return err;
}
