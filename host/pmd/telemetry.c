/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/ops.h"
#include "host/pmd/program.h"
#include "hw/spec/gen/map_types.h"

#include <errno.h>
#include <rte_telemetry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands on DPDK's telemetry socket (docs/driver.md): what `sluice dev` speaks. They run on a
 * thread of their own for each client, beside the application's. A device can't go away while a
 * command works on it, and whatever takes more than one access of the device is done under its
 * lock. What clients send is not trusted. */

enum {
    FIELDS_MAX = 6,       /* behind the port's number */
    REQUEST_BYTES = 1024, /* telemetry takes no more */
    /* An answer has 16 KiB as text (rte_telemetry.h's client is told); bytes are two digits. */
    ANSWER_BYTES = 7168,
    PIECE_BYTES = (RTE_TEL_MAX_STRING_LEN - 2) / 2, /* of bytes in one string of an answer */
    PIECE_CHARS = RTE_TEL_MAX_STRING_LEN - 1,
    ENTRIES_MAX = 64, /* of a map that are read while the device is locked */
    COUNTERS_MAX = 128,
    XSTATS_MAX = 2048,
};

_Static_assert(COUNTERS_MAX <= RTE_TEL_MAX_DICT_ENTRIES, "an answer holds a page of counters");
_Static_assert(ANSWER_BYTES / PIECE_BYTES < RTE_TEL_MAX_ARRAY_ENTRIES, "an answer holds the bytes");

/* A command under way. */
struct call {
    struct pmd *pmd;
    char *fields[FIELDS_MAX];
    uint32_t count;
    struct rte_tel_data *answer; /* a dictionary */
    char why[EXEC_WHY_BYTES];    /* of a failure; empty: its errno says it all */
};

/* --- the devices: telemetry's callbacks get no context, so they are kept here --- */

static pthread_rwlock_t devices_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct pmd *devices[RTE_MAX_ETHPORTS]; /* by the number of their port */

void pmd_telemetry_add(struct pmd *pmd)
{
    pthread_rwlock_wrlock(&devices_lock);
    devices[pmd->data->port_id] = pmd;
    pthread_rwlock_unlock(&devices_lock);
}

void pmd_telemetry_remove(const struct pmd *pmd)
{
    pthread_rwlock_wrlock(&devices_lock);
    for (uint32_t i = 0; i < RTE_DIM(devices); i++)
        if (devices[i] == pmd)
            devices[i] = NULL;
    pthread_rwlock_unlock(&devices_lock);
}

/* --- requests: PORT,FIELD,... where %XX is the byte of that number --- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool unescape(char *text)
{
    char *out = text;

    for (; *text; text++) {
        const int high = *text == '%' ? digit_of(text[1]) : -1;
        const int low = high >= 0 ? digit_of(text[2]) : -1;

        if (*text != '%') {
            *out++ = *text;
        } else if (low < 0 || high + low == 0) { /* no 0 within a text */
            return false;
        } else {
            *out++ = (char)(high << 4 | low);
            text += 2;
        }
    }
    *out = 0;
    return true;
}

static bool number_of(const char *text, uint32_t most, uint32_t *number)
{
    uint64_t n = 0;

    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || c - text > 9)
            return false;
        n = n * 10 + (uint64_t)(*c - '0');
    }
    if (!*text || n > most)
        return false;
    *number = (uint32_t)n;
    return true;
}

static int bad(struct call *c, int err, const char *text)
{
    snprintf(c->why, sizeof(c->why), "%s", text);
    return err;
}

/* Digits to exactly so many bytes. */
static int bytes_of(struct call *c, const char *what, const char *text, uint32_t count, void *out)
{
    uint8_t *bytes = out;

    if (strlen(text) != 2 * (size_t)count) {
        snprintf(c->why, sizeof(c->why), "the %s has %u bytes, not %zu digits", what, count,
                 strlen(text));
        return -EINVAL;
    }
    for (uint32_t i = 0; i < count; i++) {
        const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return bad(c, -EINVAL, "bytes are given as hexadecimal digits");
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* --- answers --- */

/* Text in pieces, since telemetry cuts strings: a string, or an array of them. */
static void put_text(struct rte_tel_data *answer, const char *name, const char *text)
{
    char piece[RTE_TEL_MAX_STRING_LEN];
    struct rte_tel_data *list = strlen(text) > PIECE_CHARS ? rte_tel_data_alloc() : NULL;

    if (list)
        rte_tel_data_start_array(list, RTE_TEL_STRING_VAL);
    do {
        uint32_t n = 0;

        for (; *text && n < PIECE_CHARS; text++)
            piece[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
        piece[n] = 0;
        if (list)
            rte_tel_data_add_array_string(list, piece);
    } while (*text && list);
    if (list)
        rte_tel_data_add_dict_container(answer, name, list, 0);
    else
        rte_tel_data_add_dict_string(answer, name, piece);
}

/* Bytes as digits, in pieces. */
static int put_bytes(struct rte_tel_data *answer, const char *name, const uint8_t *bytes,
                     uint32_t count)
{
    struct rte_tel_data *list = rte_tel_data_alloc();

    if (!list)
        return -ENOMEM;
    rte_tel_data_start_array(list, RTE_TEL_STRING_VAL);
    while (count) {
        const uint32_t n = RTE_MIN(count, (uint32_t)PIECE_BYTES);
        char piece[RTE_TEL_MAX_STRING_LEN];

        for (uint32_t i = 0; i < n; i++)
            snprintf(piece + 2 * i, 3, "%02x", bytes[i]);
        rte_tel_data_add_array_string(list, piece);
        bytes += n;
        count -= n;
    }
    return rte_tel_data_add_dict_container(answer, name, list, 0);
}

static void put_number(struct rte_tel_data *answer, const char *name, uint64_t value)
{
    rte_tel_data_add_dict_u64(answer, name, value);
}

/* --- the device --- */

static struct rte_eth_dev *eth_dev_of(const struct pmd *pmd)
{
    return &rte_eth_devices[pmd->data->port_id];
}

static int do_info(struct call *c)
{
    struct pmd *pmd = c->pmd;
    const struct rte_eth_dev_data *data = pmd->data;
    char firmware[2 * PMD_NAME_BYTES], mac[RTE_ETHER_ADDR_FMT_SIZE], program[PMD_NAME_BYTES];
    struct rte_tel_data *links;
    uint64_t ns = 0;
    bool up[DEV_NIC_PORTS] = {0};
    int err;

    pthread_mutex_lock(&pmd->lock);
    err = nic_time(&pmd->nic, &ns);
    for (uint32_t i = 0; !err && i < pmd->nic.port_count; i++)
        err = nic_port_link(&pmd->nic, i, &up[i]);
    pthread_mutex_unlock(&pmd->lock);
    if (!err)
        err = pmd_ops.fw_version_get(eth_dev_of(pmd), firmware, sizeof(firmware));
    if (err < 0)
        return err == -ENODEV ? bad(c, err, "the device does not answer any more") : err;
    links = rte_tel_data_alloc();
    if (!links)
        return -ENOMEM;
    pmd_program_name(pmd, program, sizeof(program));
    rte_ether_format_addr(mac, sizeof(mac), data->mac_addrs);
    put_text(c->answer, "name", data->name);
    put_number(c->answer, "port", data->port_id);
    put_text(c->answer, "mac", mac);
    put_number(c->answer, "mtu", data->mtu);
    put_text(c->answer, "state", data->dev_started ? "started" : "stopped");
    put_text(c->answer, "program", program);
    put_text(c->answer, "firmware", firmware);
    put_number(c->answer, "time_ns", ns);
    put_number(c->answer, "rx_queues", data->nb_rx_queues);
    put_number(c->answer, "tx_queues", data->nb_tx_queues);
    put_number(c->answer, "rx_rings", pmd->nic.rxq_count);
    put_number(c->answer, "tx_rings", pmd->nic.txq_count);
    rte_tel_data_start_array(links, RTE_TEL_INT_VAL);
    for (uint32_t i = 0; i < pmd->nic.port_count; i++)
        rte_tel_data_add_array_int(links, up[i]);
    return rte_tel_data_add_dict_container(c->answer, "links", links, 0);
}

/* Counters as xstats has them, COUNTERS_MAX from a given one on: a client asks until there are no
 * more. */
static int do_stats(struct call *c)
{
    struct rte_eth_dev *eth_dev = eth_dev_of(c->pmd);
    const int count = pmd_xstats_get(eth_dev, NULL, 0);
    struct rte_eth_xstat_name *names = NULL;
    struct rte_eth_xstat *stats = NULL;
    uint32_t first = 0;
    int err = -ENOMEM;

    if (c->count && !number_of(c->fields[0], XSTATS_MAX, &first))
        return bad(c, -EINVAL, "the first counter is a number");
    RTE_ASSERT(count > 0 && count <= XSTATS_MAX);
    names = calloc((size_t)count, sizeof(*names));
    stats = calloc((size_t)count, sizeof(*stats));
    if (names && stats) {
        pmd_xstats_names(eth_dev, names, (unsigned int)count);
        err = pmd_xstats_get(eth_dev, stats, (unsigned int)count);
    }
    for (uint32_t i = first; err >= 0 && i < (uint32_t)count && i < first + COUNTERS_MAX; i++)
        put_number(c->answer, names[i].name, stats[i].value);
    free(names);
    free(stats);
    return err < 0 ? err : 0;
}

/* --- the program --- */

static int do_program(struct call *c)
{
    const struct pmd_program *p;

    pthread_mutex_lock(&c->pmd->lock);
    p = c->pmd->program;
    put_text(c->answer, "name", p ? p->prog->name : "none");
    if (p) {
        put_text(c->answer, "section", p->prog->section ? p->prog->section : "");
        put_text(c->answer, "path", p->object->path ? p->object->path : "");
        put_text(c->answer, "executor", p->exec->ops->name);
        if (p->reason)
            put_text(c->answer, "reason", p->reason);
        put_number(c->answer, "instructions", p->prog->insn_count);
    }
    put_number(c->answer, "maps", p ? p->object->map_count : 0);
    pthread_mutex_unlock(&c->pmd->lock);
    return 0;
}

static int load(struct call *c, const struct rte_pmd_sluice_program *what)
{
    char name[PMD_NAME_BYTES];
    const int err = pmd_program_load(c->pmd, what, c->why);

    if (!err) {
        pmd_program_name(c->pmd, name, sizeof(name));
        put_text(c->answer, "program", name);
    }
    return err;
}

static int do_load(struct call *c)
{
    struct rte_pmd_sluice_program what = {0};
    const struct {
        const char *key;
        const char **value;
    } keys[] = {{"path=", &what.path},
                {"section=", &what.section},
                {"program=", &what.program},
                {"maps=", &what.maps}};

    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t k = 0;

        while (k < RTE_DIM(keys) && strncmp(c->fields[i], keys[k].key, strlen(keys[k].key)))
            k++;
        if (k == RTE_DIM(keys) || *keys[k].value)
            return bad(c, -EINVAL, "a program is path=, section=, program= and maps=, each once");
        *keys[k].value = c->fields[i] + strlen(keys[k].key);
    }
    if (!what.path)
        return bad(c, -EINVAL, "the object's path is missing");
    return load(c, &what);
}

static int do_unload(struct call *c)
{
    return load(c, &(struct rte_pmd_sluice_program){0});
}

/* --- maps: all of this with the device locked --- */

/* A map as the host sees it. */
struct view {
    const struct load_map *map;
    struct exec *exec;
    uint32_t index;
    uint32_t cpus;
    uint32_t stride_bytes;
    uint32_t values_bytes; /* of all CPUs */
};

static int view_map(struct call *c, struct view *v)
{
    const struct pmd_program *p = c->pmd->program;
    const char *name = c->fields[0];

    if (!p)
        return bad(c, -ENXIO, "there is no program");
    if (pmd_map_find(p, name, &v->index) &&
        (!number_of(name, UINT32_MAX, &v->index) || v->index >= p->object->map_count)) {
        snprintf(c->why, sizeof(c->why), "the program %s has no map \"%s\"", p->prog->name, name);
        return -ENXIO;
    }
    v->map = &p->object->maps[v->index];
    v->exec = p->exec;
    v->cpus = spec_map_type_table[v->map->type].percpu ? SPEC_QUEUES : 1;
    v->stride_bytes = (v->map->value_bytes + 7) & ~7u;
    v->values_bytes = v->cpus * v->stride_bytes;
    return 0;
}

/* ... to reach its entries; a queue's have keys of 0 bytes. */
static int view_entries(struct call *c, struct view *v)
{
    const int err = view_map(c, v);

    if (err)
        return err;
    if (v->map->type == SPEC_MAP_BLOOM_FILTER)
        return bad(c, -EOPNOTSUPP, "a Bloom filter has no entries");
    if ((uint64_t)v->map->key_bytes + (uint64_t)v->cpus * v->map->value_bytes + v->cpus * 8u >
        ANSWER_BYTES)
        return bad(c, -EMSGSIZE, "an entry of the map has more bytes than an answer has room for");
    return 0;
}

static int say_map(struct call *c, int err)
{
    switch (err) {
    case -ENOENT:
        return bad(c, err, "there is no such entry");
    case -EEXIST:
        return bad(c, err, "there is such an entry already");
    case -E2BIG:
        return bad(c, err, "there is no room for the entry");
    case -EINVAL:
        return bad(c, err, "the map's type does not take this");
    default:
        return err;
    }
}

static void put_sizes(struct call *c, const struct view *v)
{
    put_number(c->answer, "key_bytes", v->map->key_bytes);
    put_number(c->answer, "value_bytes", v->map->value_bytes);
    put_number(c->answer, "cpus", v->cpus);
}

static int map_info(struct call *c)
{
    struct view v;
    const int err = view_map(c, &v);

    if (err)
        return err;
    put_number(c->answer, "id", v.index);
    put_text(c->answer, "name", v.map->name);
    put_text(c->answer, "type", spec_map_type_table[v.map->type].name);
    put_sizes(c, &v);
    put_number(c->answer, "max_entries", v.map->max_entries);
    put_number(c->answer, "flags", v.map->flags);
    return 0;
}

static int map_lookup_entry(struct call *c)
{
    uint8_t key[ANSWER_BYTES], values[ANSWER_BYTES];
    struct view v;
    int err = view_entries(c, &v);

    if (!err)
        err = bytes_of(c, "key", c->count > 1 ? c->fields[1] : "", v.map->key_bytes, key);
    if (err)
        return err;
    err = v.exec->ops->map_lookup(v.exec, v.index, key, values);
    if (err)
        return say_map(c, err);
    put_sizes(c, &v);
    return put_bytes(c->answer, "data", values, v.values_bytes);
}

/* One value counts for all CPUs, as bpftool takes it. */
static int map_update_entry(struct call *c)
{
    static const char *const flags[] = {[SPEC_MAP_FLAG_ANY] = "any",
                                        [SPEC_MAP_FLAG_NOEXIST] = "noexist",
                                        [SPEC_MAP_FLAG_EXIST] = "exist"};
    uint8_t key[ANSWER_BYTES], values[ANSWER_BYTES] = {0};
    uint32_t flag = 0;
    struct view v;
    int err = view_entries(c, &v);

    if (!err && (job_holds_programs(v.map) || job_holds_maps(v.map)))
        err =
            bad(c, -EOPNOTSUPP, "what maps of programs and maps hold is set when they are loaded");
    if (!err)
        err = bytes_of(c, "key", c->fields[1], v.map->key_bytes, key);
    if (!err)
        err = bytes_of(c, "value", c->fields[2], v.map->value_bytes, values);
    if (err)
        return err;
    while (c->count > 3 && flag < RTE_DIM(flags) && strcmp(c->fields[3], flags[flag]))
        flag++;
    if (flag == RTE_DIM(flags))
        return bad(c, -EINVAL, "an update is any, noexist or exist");
    for (uint32_t i = 1; i < v.cpus; i++)
        memcpy(values + (size_t)i * v.stride_bytes, values, v.stride_bytes);
    return say_map(c, v.exec->ops->map_update(v.exec, v.index, key, values, flag));
}

static int map_delete_entry(struct call *c)
{
    uint8_t key[ANSWER_BYTES];
    struct view v;
    int err = view_entries(c, &v);

    if (!err && !v.map->key_bytes)
        err = bad(c, -EOPNOTSUPP, "the map's entries have no keys");
    if (!err)
        err = bytes_of(c, "key", c->fields[1], v.map->key_bytes, key);
    return err ? err : say_map(c, v.exec->ops->map_delete(v.exec, v.index, key));
}

/* Entries behind a key, or from the first one on if that is gone: as many as an answer holds, and
 * whether there may be more. The program may take entries away meanwhile. */
static int read_entries(const struct view *v, const uint8_t *after, uint8_t *data, uint32_t *count,
                        bool *more)
{
    const uint32_t entry_bytes = v->map->key_bytes + v->values_bytes;

    *count = 0;
    *more = true;
    for (uint32_t i = 0; i < ENTRIES_MAX && (*count + 1) * entry_bytes <= ANSWER_BYTES; i++) {
        uint8_t *entry = data + (size_t)*count * entry_bytes;
        int err = v->exec->ops->map_next_key(v->exec, v->index, after, entry);

        *more = err != -ENOENT;
        if (err)
            return *more ? err : 0;
        err = v->exec->ops->map_lookup(v->exec, v->index, entry, entry + v->map->key_bytes);
        if (err && err != -ENOENT)
            return err;
        if (!err) {
            after = entry;
            ++*count;
        }
    }
    return 0;
}

static int map_dump_entries(struct call *c)
{
    uint8_t data[ANSWER_BYTES], key[ANSWER_BYTES], values[ANSWER_BYTES];
    bool from_key = c->count > 1, more;
    uint32_t count = 0;
    struct view v;
    int err = view_entries(c, &v);

    if (!err && !v.map->key_bytes)
        err = bad(c, -EOPNOTSUPP, "the map's entries have no keys to walk along");
    if (!err && from_key)
        err = bytes_of(c, "key", c->fields[1], v.map->key_bytes, key);
    if (err)
        return err;
    put_number(c->answer, "again",
               from_key && v.exec->ops->map_lookup(v.exec, v.index, key, values) == -ENOENT);
    err = read_entries(&v, from_key ? key : NULL, data, &count, &more);
    if (err)
        return err;
    put_sizes(c, &v);
    put_number(c->answer, "count", count);
    put_number(c->answer, "more", more);
    return put_bytes(c->answer, "data", data, count * (v.map->key_bytes + v.values_bytes));
}

static int locked(struct call *c, int (*act)(struct call *c))
{
    int err;

    pthread_mutex_lock(&c->pmd->lock);
    err = act(c);
    pthread_mutex_unlock(&c->pmd->lock);
    return err;
}

static int do_map_info(struct call *c)
{
    return locked(c, map_info);
}

static int do_map_lookup(struct call *c)
{
    return locked(c, map_lookup_entry);
}

static int do_map_update(struct call *c)
{
    return locked(c, map_update_entry);
}

static int do_map_delete(struct call *c)
{
    return locked(c, map_delete_entry);
}

static int do_map_dump(struct call *c)
{
    return locked(c, map_dump_entries);
}

/* --- the commands --- */

#define LIST "/net_sluice/list"

static const struct command {
    const char *name;
    int (*act)(struct call *c); /* NULL: the list of ports */
    uint32_t fields_min, fields_max;
    const char *help;
} commands[] = {
    {LIST, NULL, 0, 0, "Ports of net_sluice. No parameters"},
    {"/net_sluice/info", do_info, 0, 0, "A device. Parameters: port"},
    {"/net_sluice/stats", do_stats, 0, 1, "Counters. Parameters: port[,first]"},
    {"/net_sluice/program", do_program, 0, 0, "What runs. Parameters: port"},
    {"/net_sluice/load", do_load, 1, 4, "Parameters: port,path=...[,section=,program=,maps=]"},
    {"/net_sluice/unload", do_unload, 0, 0, "All packets pass then. Parameters: port"},
    {"/net_sluice/map_info", do_map_info, 1, 1, "Parameters: port,map"},
    {"/net_sluice/map_dump", do_map_dump, 1, 2, "Parameters: port,map[,key before]"},
    {"/net_sluice/map_lookup", do_map_lookup, 1, 2, "Parameters: port,map,key"},
    {"/net_sluice/map_update", do_map_update, 3, 4, "Parameters: port,map,key,value[,flag]"},
    {"/net_sluice/map_delete", do_map_delete, 2, 2, "Parameters: port,map,key"},
};

static int list_ports(struct rte_tel_data *answer)
{
    struct rte_tel_data *list = rte_tel_data_alloc();

    if (!list)
        return -ENOMEM;
    rte_tel_data_start_array(list, RTE_TEL_INT_VAL);
    for (int i = 0; i < RTE_MAX_ETHPORTS; i++)
        if (devices[i])
            rte_tel_data_add_array_int(list, i);
    return rte_tel_data_add_dict_container(answer, "ports", list, 0);
}

/* Cuts the parameters into fields, and finds the device. */
static int read_request(struct call *c, const struct command *command, char *text)
{
    char *fields[FIELDS_MAX + 1];
    uint32_t count = 0, port;

    for (char *next = text; next;) {
        char *field = strsep(&next, ",");

        if (count == RTE_DIM(fields) || !unescape(field))
            return bad(c, -EINVAL, "the parameters make no sense");
        fields[count++] = field;
    }
    if (!count || !number_of(fields[0], RTE_MAX_ETHPORTS - 1, &port))
        return bad(c, -EINVAL, "the first parameter is a port's number");
    c->pmd = devices[port];
    if (!c->pmd) {
        snprintf(c->why, sizeof(c->why), "port %u is none of net_sluice", port);
        return -ENODEV;
    }
    c->count = count - 1;
    memcpy(c->fields, fields + 1, c->count * sizeof(fields[0]));
    if (c->count < command->fields_min || c->count > command->fields_max)
        return bad(c, -EINVAL, command->help);
    return 0;
}

static int act_on(struct call *c, const struct command *command, const char *params)
{
    char text[REQUEST_BYTES];
    int err;

    if (!command->act)
        return params ? bad(c, -EINVAL, command->help) : list_ports(c->answer);
    if (!params || snprintf(text, sizeof(text), "%s", params) >= (int)sizeof(text))
        return bad(c, -EINVAL, command->help);
    err = read_request(c, command, text);
    return err ? err : command->act(c);
}

/* A failure is an answer, too: telemetry itself would say nothing but null. */
static int on_command(const char *name, const char *params, struct rte_tel_data *answer)
{
    struct call c = {.answer = answer};
    uint32_t i = 0;
    int err;

    while (strcmp(commands[i].name, name))
        i++; /* telemetry calls for what was registered */
    rte_tel_data_start_dict(answer);
    pthread_rwlock_rdlock(&devices_lock);
    err = act_on(&c, &commands[i], params);
    pthread_rwlock_unlock(&devices_lock);
    if (!err)
        return 0;
    rte_tel_data_start_dict(answer);
    rte_tel_data_add_dict_int(answer, "errno", -err);
    put_text(answer, "error", *c.why ? c.why : strerror(-err));
    return 0;
}

RTE_INIT(register_commands)
{
    for (uint32_t i = 0; i < RTE_DIM(commands); i++)
        rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help);
}
