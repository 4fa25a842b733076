/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/telemetry.h"
#include "host/pmd/ops.h"
#include "host/pmd/program/program.h"
#include "hw/spec/gen/csr.h"

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
    REQUEST_BYTES = 1024,                           /* telemetry takes no more */
    PIECE_BYTES = (RTE_TEL_MAX_STRING_LEN - 2) / 2, /* of bytes in one string of an answer */
    PIECE_CHARS = RTE_TEL_MAX_STRING_LEN - 1,
    COUNTERS_MAX = 128,
    XSTATS_MAX = 2048,
};

_Static_assert(COUNTERS_MAX <= RTE_TEL_MAX_DICT_ENTRIES, "an answer holds a page of counters");
_Static_assert(PMD_ANSWER_BYTES / PIECE_BYTES < RTE_TEL_MAX_ARRAY_ENTRIES,
               "an answer holds the bytes");

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

bool pmd_take_number(const char *text, uint32_t most, uint32_t *number)
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

int pmd_refuse(struct pmd_call *c, int err, const char *text)
{
    snprintf(c->why, sizeof(c->why), "%s", text);
    return err;
}

int pmd_same_program(struct pmd_call *c)
{
    return c->generation && c->generation != c->pmd->generation
               ? pmd_refuse(c, -ESTALE, "another program has been loaded meanwhile")
               : 0;
}

int pmd_take_bytes(struct pmd_call *c, const char *what, const char *text, uint32_t count,
                   void *out)
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
            return pmd_refuse(c, -EINVAL, "bytes are given as hexadecimal digits");
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* --- answers --- */

void pmd_put_text(struct rte_tel_data *answer, const char *name, const char *text)
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

int pmd_put_bytes(struct rte_tel_data *answer, const char *name, const uint8_t *bytes,
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

void pmd_put_number(struct rte_tel_data *answer, const char *name, uint64_t value)
{
    rte_tel_data_add_dict_u64(answer, name, value);
}

/* --- the device --- */

static struct rte_eth_dev *eth_dev_of(const struct pmd *pmd)
{
    return &rte_eth_devices[pmd->data->port_id];
}

/* Registers of the program slot (docs/tables.md). */
static const struct {
    const char *name;
    uint32_t addr;
} slot_registers[] = {
    {"slot_id", SPEC_CSR_ID},
    {"slot_version", SPEC_CSR_VERSION},
    {"slot_kind", SPEC_CSR_KIND},
    {"slot_stages", SPEC_CSR_STAGES},
    {"slot_in", SPEC_CSR_COUNT_IN},
    {"slot_out", SPEC_CSR_COUNT_OUT},
    {"slot_stalls", SPEC_CSR_COUNT_STALL},
    {"slot_rows", SPEC_CSR_COUNT_ROWS},
    {"slot_ext_lines", SPEC_CSR_EXT_LINES},
    {"slot_cores", SPEC_CSR_CORES},
};

static int do_info(struct pmd_call *c)
{
    struct pmd *pmd = c->pmd;
    const struct rte_eth_dev_data *data = pmd->data;
    char firmware[2 * PMD_NAME_BYTES], mac[RTE_ETHER_ADDR_FMT_SIZE], program[PMD_NAME_BYTES];
    uint32_t slot[RTE_DIM(slot_registers)];
    struct rte_tel_data *links;
    uint64_t ns = 0;
    bool up[DEV_NIC_PORTS] = {0};
    int err;

    pthread_mutex_lock(&pmd->lock);
    err = nic_time(&pmd->nic, &ns);
    for (uint32_t i = 0; !err && i < pmd->nic.port_count; i++)
        err = nic_port_link(&pmd->nic, i, &up[i]);
    for (uint32_t i = 0; !err && i < RTE_DIM(slot_registers); i++)
        err = nic_read(&pmd->nic, pmd->nic.slot + slot_registers[i].addr, &slot[i]);
    pthread_mutex_unlock(&pmd->lock);
    if (!err)
        err = pmd_ops.fw_version_get(eth_dev_of(pmd), firmware, sizeof(firmware));
    if (err < 0)
        return err == -ENODEV ? pmd_refuse(c, err, "the device does not answer any more") : err;
    links = rte_tel_data_alloc();
    if (!links)
        return -ENOMEM;
    pmd_program_name(pmd, program, sizeof(program));
    rte_ether_format_addr(mac, sizeof(mac), data->mac_addrs);
    pmd_put_text(c->answer, "name", data->name);
    pmd_put_number(c->answer, "port", data->port_id);
    pmd_put_text(c->answer, "mac", mac);
    pmd_put_number(c->answer, "mtu", data->mtu);
    pmd_put_text(c->answer, "state", data->dev_started ? "started" : "stopped");
    pmd_put_text(c->answer, "program", program);
    pmd_put_text(c->answer, "firmware", firmware);
    pmd_put_number(c->answer, "time_ns", ns);
    pmd_put_number(c->answer, "rx_queues", data->nb_rx_queues);
    pmd_put_number(c->answer, "tx_queues", data->nb_tx_queues);
    pmd_put_number(c->answer, "rx_rings", pmd->nic.rxq_count);
    pmd_put_number(c->answer, "tx_rings", pmd->nic.txq_count);
    for (uint32_t i = 0; i < RTE_DIM(slot_registers); i++)
        pmd_put_number(c->answer, slot_registers[i].name, slot[i]);
    rte_tel_data_start_array(links, RTE_TEL_INT_VAL);
    for (uint32_t i = 0; i < pmd->nic.port_count; i++)
        rte_tel_data_add_array_int(links, up[i]);
    return rte_tel_data_add_dict_container(c->answer, "links", links, 0);
}

/* Counters as xstats has them, COUNTERS_MAX from a given one on: a client asks until there are no
 * more. */
static int do_stats(struct pmd_call *c)
{
    struct rte_eth_dev *eth_dev = eth_dev_of(c->pmd);
    const int count = pmd_xstats_get(eth_dev, NULL, 0);
    struct rte_eth_xstat_name *names = NULL;
    struct rte_eth_xstat *stats = NULL;
    uint32_t first = 0;
    int err = -ENOMEM;

    if (c->count && !pmd_take_number(c->fields[0], XSTATS_MAX, &first))
        return pmd_refuse(c, -EINVAL, "the first counter is a number");
    RTE_ASSERT(count > 0 && count <= XSTATS_MAX);
    names = calloc((size_t)count, sizeof(*names));
    stats = calloc((size_t)count, sizeof(*stats));
    if (names && stats) {
        pmd_xstats_names(eth_dev, names, (unsigned int)count);
        err = pmd_xstats_get(eth_dev, stats, (unsigned int)count);
    }
    for (uint32_t i = first; err >= 0 && i < (uint32_t)count && i < first + COUNTERS_MAX; i++)
        pmd_put_number(c->answer, names[i].name, stats[i].value);
    free(names);
    free(stats);
    return err < 0 ? err : 0;
}

/* --- the program --- */

static int do_program(struct pmd_call *c)
{
    const struct pmd_program *p = c->pmd->program;

    pmd_put_text(c->answer, "name", p ? p->prog->name : "none");
    if (p) {
        pmd_put_text(c->answer, "section", p->prog->section ? p->prog->section : "");
        pmd_put_text(c->answer, "path", p->object->path ? p->object->path : "");
        pmd_put_text(c->answer, "executor", p->exec->ops->name);
        if (p->reason)
            pmd_put_text(c->answer, "reason", p->reason);
        pmd_put_number(c->answer, "instructions", p->prog->insn_count);
    }
    pmd_put_number(c->answer, "loaded", p && p->from_file);
    pmd_put_number(c->answer, "generation", c->pmd->generation);
    pmd_put_number(c->answer, "maps", p ? p->object->map_count : 0);
    return 0;
}

/* Replaces what runs, and says what has become of it. */
static int replace(struct pmd_call *c, const struct rte_pmd_sluice_program *what,
                   enum pmd_replace way)
{
    struct rte_pmd_sluice_swap done = {0};
    char name[PMD_NAME_BYTES];
    uint64_t generation = c->generation;
    const int err = pmd_program_replace(c->pmd, what, way, &generation, &done, c->why);

    if (err)
        return err;
    pmd_program_name(c->pmd, name, sizeof(name));
    pmd_put_text(c->answer, "program", name);
    pmd_put_number(c->answer, "in_place", done.in_place);
    pmd_put_number(c->answer, "maps_stayed", done.stayed);
    pmd_put_number(c->answer, "maps_moved", done.moved);
    pmd_put_number(c->answer, "maps_fresh", done.fresh);
    pmd_put_number(c->answer, "generation", generation);
    return 0;
}

/* The program that the fields describe, and whether maps may be copied. */
static int read_program(struct pmd_call *c, struct rte_pmd_sluice_program *what, bool *migrate)
{
    const struct {
        const char *key;
        const char **value;
    } keys[] = {{"path=", &what->path},
                {"section=", &what->section},
                {"program=", &what->program},
                {"maps=", &what->maps},
                {"executor=", &what->executor}};

    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t k = 0;

        while (k < RTE_DIM(keys) && strncmp(c->fields[i], keys[k].key, strlen(keys[k].key)))
            k++;
        if (!strcmp(c->fields[i], "migrate") && !*migrate)
            *migrate = true;
        else if (k == RTE_DIM(keys) || *keys[k].value)
            return pmd_refuse(c, -EINVAL,
                              "a program is path=, section=, program=, maps= and executor=, each "
                              "once");
        else
            *keys[k].value = c->fields[i] + strlen(keys[k].key);
    }
    return what->path ? 0 : pmd_refuse(c, -EINVAL, "the object's path is missing");
}

static int do_load(struct pmd_call *c)
{
    struct rte_pmd_sluice_program what = {0};
    bool migrate = false;
    const int err = read_program(c, &what, &migrate);

    if (!err && migrate)
        return pmd_refuse(c, -EINVAL,
                          "maps of a program that is loaded begin anew; swap keeps them");
    return err ? err : replace(c, &what, PMD_LOAD);
}

static int do_swap(struct pmd_call *c)
{
    struct rte_pmd_sluice_program what = {0};
    bool migrate = false;
    const int err = read_program(c, &what, &migrate);

    return err ? err : replace(c, &what, migrate ? PMD_MIGRATE : PMD_SWAP);
}

static int do_unload(struct pmd_call *c)
{
    return replace(c, &(struct rte_pmd_sluice_program){0}, PMD_LOAD);
}

/* --- the commands --- */

#define LIST "/net_sluice/list"

static const struct command {
    const char *name;
    int (*act)(struct pmd_call *c); /* NULL: the list of ports */
    bool locked;                    /* the device is, meanwhile */
    uint32_t fields_min, fields_max;
    const char *help;
} commands[] = {
    {LIST, NULL, false, 0, 0, "Ports of net_sluice. No parameters"},
    {"/net_sluice/info", do_info, false, 0, 0, "A device. Parameters: port"},
    {"/net_sluice/stats", do_stats, false, 0, 1, "Counters. Parameters: port[,first]"},
    {"/net_sluice/program", do_program, true, 0, 0, "What runs. Parameters: port"},
    {"/net_sluice/load", do_load, false, 1, 5,
     "Parameters: port,path=...[,section=,program=,maps=,executor=]"},
    {"/net_sluice/swap", do_swap, false, 1, 6, "As load, [,migrate]; maps stay"},
    {"/net_sluice/unload", do_unload, false, 0, 0, "All packets pass then. Parameters: port"},
    {"/net_sluice/map_info", pmd_map_info, true, 1, 1, "Parameters: port,map"},
    {"/net_sluice/map_dump", pmd_map_dump, true, 1, 3, "Parameters: port,map[,key before[,most]]"},
    {"/net_sluice/map_next", pmd_map_next, true, 1, 2, "Parameters: port,map[,key before]"},
    {"/net_sluice/map_lookup", pmd_map_lookup, true, 1, 3, "Parameters: port,map,key[,value]"},
    {"/net_sluice/map_take", pmd_map_take, true, 1, 2,
     "Look-up and deletion. Parameters: port,map,key"},
    {"/net_sluice/map_lost", pmd_map_lost, true, 1, 1,
     "Records without room. Parameters: port,map"},
    {"/net_sluice/map_update", pmd_map_update, true, 3, 4, "Parameters: port,map,key,value[,flag]"},
    {"/net_sluice/map_update_batch", pmd_map_update_batch, true, 3, 3,
     "Parameters: port,map,flag,keys and values of all CPUs"},
    {"/net_sluice/map_delete", pmd_map_delete, true, 2, 2, "Parameters: port,map,key"},
    {"/net_sluice/map_delete_batch", pmd_map_delete_batch, true, 2, 2, "Parameters: port,map,keys"},
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

/* A last field generation=N says which program is meant: false if it is no number. */
static bool take_generation(struct pmd_call *c)
{
    static const char key[] = "generation=";
    const char *text = c->count ? c->fields[c->count - 1] : "";
    char *end;

    if (strncmp(text, key, sizeof(key) - 1))
        return true;
    text += sizeof(key) - 1;
    errno = 0;
    c->generation = strtoull(text, &end, 10);
    c->count--;
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

/* Cuts the parameters into fields, and finds the device. */
static int read_request(struct pmd_call *c, const struct command *command, char *text)
{
    char *fields[PMD_FIELDS_MAX + 1];
    uint32_t count = 0, port;

    for (char *next = text; next;) {
        char *field = strsep(&next, ",");

        if (count == RTE_DIM(fields) || !unescape(field))
            return pmd_refuse(c, -EINVAL, "the parameters make no sense");
        fields[count++] = field;
    }
    if (!count || !pmd_take_number(fields[0], RTE_MAX_ETHPORTS - 1, &port))
        return pmd_refuse(c, -EINVAL, "the first parameter is a port's number");
    c->pmd = devices[port];
    if (!c->pmd) {
        snprintf(c->why, sizeof(c->why), "port %u is none of net_sluice", port);
        return -ENODEV;
    }
    c->count = count - 1;
    memcpy(c->fields, fields + 1, c->count * sizeof(fields[0]));
    if (!take_generation(c))
        return pmd_refuse(c, -EINVAL, "a generation is a number");
    if (c->count < command->fields_min || c->count > command->fields_max)
        return pmd_refuse(c, -EINVAL, command->help);
    return 0;
}

static int locked(struct pmd_call *c, int (*act)(struct pmd_call *c))
{
    int err;

    pthread_mutex_lock(&c->pmd->lock);
    err = act(c);
    pthread_mutex_unlock(&c->pmd->lock);
    return err;
}

static int act_on(struct pmd_call *c, const struct command *command, const char *params)
{
    char text[REQUEST_BYTES];
    int err;

    if (!command->act)
        return params ? pmd_refuse(c, -EINVAL, command->help) : list_ports(c->answer);
    if (!params || snprintf(text, sizeof(text), "%s", params) >= (int)sizeof(text))
        return pmd_refuse(c, -EINVAL, command->help);
    err = read_request(c, command, text);
    if (!err && c->generation)
        err = locked(c, pmd_same_program);
    if (err)
        return err;
    return command->locked ? locked(c, command->act) : command->act(c);
}

/* A failure is an answer, too: telemetry itself would say nothing but null. */
static int on_command(const char *name, const char *params, struct rte_tel_data *answer)
{
    struct pmd_call c = {.answer = answer};
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
    pmd_put_text(answer, "error", *c.why ? c.why : strerror(-err));
    return 0;
}

RTE_INIT(register_commands)
{
    for (uint32_t i = 0; i < RTE_DIM(commands); i++)
        rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help);
}
