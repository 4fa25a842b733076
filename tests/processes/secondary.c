/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/rte_pmd_sluice.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A secondary process of DPDK that does with port 0 what the lines on its standard input say, and
 * answers each with one line: a number, 0 or a negative errno first. Arguments are EAL's. */

enum { LINE = 4096, WORDS = 4, BYTES = 1024 };

static uint32_t from_hex(const char *text, uint8_t *bytes)
{
    uint32_t n = 0;
    unsigned int byte;

    for (; n < BYTES && sscanf(text + 2 * n, "%2x", &byte) == 1; n++)
        bytes[n] = (uint8_t)byte;
    return n;
}

static void put_hex(const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        printf("%s%02x", i ? "" : " ", bytes[i]);
}

/* --- maps: lookup MAP KEY, next MAP [KEY], update MAP KEY VALUES, delete MAP KEY --- */

static int do_map(char **w)
{
    uint8_t key[BYTES], values[BYTES];
    uint32_t key_bytes, values_bytes, most;
    int err = rte_pmd_sluice_map_sizes(0, w[1], &key_bytes, &values_bytes, &most);

    if (err || key_bytes > BYTES || values_bytes > BYTES)
        return printf("%d", err ? err : -E2BIG);
    if (*w[2])
        from_hex(w[2], key);
    from_hex(w[3], values);
    if (!strcmp(w[0], "lookup"))
        err = rte_pmd_sluice_map_lookup(0, w[1], key, values);
    else if (!strcmp(w[0], "next"))
        err = rte_pmd_sluice_map_next_key(0, w[1], *w[2] ? key : NULL, values);
    else if (!strcmp(w[0], "update"))
        err = rte_pmd_sluice_map_update(0, w[1], key, values);
    else
        err = rte_pmd_sluice_map_delete(0, w[1], key);
    printf("%d", err);
    if (!err && !strcmp(w[0], "lookup"))
        put_hex(values, values_bytes);
    if (!err && !strcmp(w[0], "next"))
        put_hex(values, key_bytes);
    return 0;
}

/* --- programs: program; load PATH [MAPS], swap PATH --- */

static int do_program(char **w)
{
    struct rte_pmd_sluice_program_info info;
    const int err = rte_pmd_sluice_program_info(0, &info);

    (void)w;
    printf("%d", err);
    if (!err)
        printf(" %s %s %s", info.name, info.executor, info.reason);
    return 0;
}

static int do_load(char **w)
{
    const struct rte_pmd_sluice_program what = {.path = w[1], .maps = *w[2] ? w[2] : NULL};
    struct rte_pmd_sluice_swap done = {0};
    char why[1024] = "";
    const int err = !strcmp(w[0], "load")
                        ? rte_pmd_sluice_program_load(0, &what, why, sizeof(why))
                        : rte_pmd_sluice_program_swap(0, &what, 0, &done, why, sizeof(why));

    return printf("%d %u %u %u %s", err, done.in_place, done.stayed, done.fresh, why);
}

/* --- events: lost MAP, poll --- */

static int do_events(char **w)
{
    uint64_t n = 0;
    const int err = !strcmp(w[0], "poll") ? rte_pmd_sluice_events_poll(0)
                                          : rte_pmd_sluice_events_lost(0, w[1], &n);

    return printf("%d %" PRIu64, err, n);
}

/* --- packets: receive QUEUE, send QUEUE (what was received) --- */

static int do_packets(char **w)
{
    static struct rte_mbuf *kept[512];
    static uint16_t count;
    const uint16_t queue = (uint16_t)atoi(w[1]);
    uint16_t n;

    if (!strcmp(w[0], "receive")) {
        n = rte_eth_rx_burst(0, queue, kept + count, (uint16_t)(RTE_DIM(kept) - count));
        count = (uint16_t)(count + n);
    } else {
        n = rte_eth_tx_prepare(0, queue, kept, count);
        n = rte_eth_tx_burst(0, queue, kept, n);
        count = (uint16_t)(count - n);
        memmove(kept, kept + n, count * sizeof(kept[0]));
    }
    return printf("%u %d %d", n, rte_eth_rx_queue_count(0, queue),
                  rte_eth_rx_descriptor_status(0, queue, 0));
}

/* --- figures --- */

static int do_stats(char **w)
{
    struct rte_eth_stats s;
    const int err = rte_eth_stats_get(0, &s);

    (void)w;
    return printf("%d %" PRIu64 " %" PRIu64 " %" PRIu64, err, s.ipackets, s.opackets, s.ibytes);
}

static int do_link(char **w)
{
    struct rte_eth_link link;
    const int err = rte_eth_link_get_nowait(0, &link);

    (void)w;
    return printf("%d %d %d", err, link.link_status, rte_eth_dev_is_removed(0));
}

static int do_state(char **w)
{
    struct rte_eth_rss_reta_entry64 reta[2] = {{.mask = UINT64_MAX}, {.mask = UINT64_MAX}};
    uint8_t key[40] = {0};
    struct rte_eth_rss_conf rss = {.rss_key = key, .rss_key_len = sizeof(key)};
    struct rte_dev_reg_info regs = {0};
    uint32_t words[256];
    uint64_t ns = 0;
    int err = rte_eth_dev_rss_reta_query(0, reta, 128);

    (void)w;
    if (!err)
        err = rte_eth_dev_rss_hash_conf_get(0, &rss);
    if (!err)
        err = rte_eth_read_clock(0, &ns);
    if (!err)
        err = rte_eth_dev_get_reg_info(0, &regs);
    regs.data = words;
    if (!err)
        err = rte_eth_dev_get_reg_info(0, &regs);
    return printf("%d %u %u %02x%02x %u %d", err, reta[0].reta[0], reta[0].reta[1], key[0], key[1],
                  regs.length, ns != 0);
}

/* What a secondary process may not do. */
static int do_refused(char **w)
{
    const struct rte_eth_conf conf = {0};
    const struct rte_ether_addr mac = {{2, 0, 0, 0, 0, 1}};
    struct rte_eth_rss_conf rss = {0};
    struct rte_mempool *pool = rte_mempool_lookup("mb_pool_0"); /* testpmd's */
    const int errs[] = {
        rte_eth_dev_configure(0, 1, 1, &conf),
        rte_eth_dev_set_mtu(0, 2000),
        rte_eth_allmulticast_enable(0),
        rte_eth_dev_mac_addr_add(0, (struct rte_ether_addr *)(uintptr_t)&mac, 0),
        rte_eth_dev_rss_hash_update(0, &rss),
        rte_eth_dev_rss_reta_update(0, (struct rte_eth_rss_reta_entry64[2]){{.mask = 1}}, 128),
        rte_eth_dev_stop(0),
        rte_eth_rx_queue_setup(0, 0, 512, 0, NULL, pool),
        rte_pmd_sluice_events(0, NULL, NULL),
    };

    (void)w;
    for (uint32_t i = 0; i < RTE_DIM(errs); i++)
        printf("%d ", errs[i]);
    return 0;
}

static const struct {
    const char *word;
    int (*act)(char **words);
} acts[] = {
    {"lookup", do_map},      {"next", do_map},    {"update", do_map},      {"delete", do_map},
    {"program", do_program}, {"load", do_load},   {"swap", do_load},       {"lost", do_events},
    {"poll", do_events},     {"link", do_link},   {"receive", do_packets}, {"send", do_packets},
    {"stats", do_stats},     {"state", do_state}, {"refused", do_refused},
};

/* testpmd asks secondaries to stop forwarding before it ends, and waits 5 seconds for an answer. */
static int on_stop(const struct rte_mp_msg *msg, const void *peer)
{
    struct rte_mp_msg reply = {.len_param = 1};

    snprintf(reply.name, sizeof(reply.name), "%s", msg->name);
    return rte_mp_reply(&reply, peer);
}

int main(int argc, char **argv)
{
    char line[LINE];

    if (rte_eal_init(argc, argv) < 0 || rte_eth_dev_count_avail() != 1) {
        printf("no port\n");
        return 1;
    }
    rte_mp_action_register("stop_req", on_stop);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        char *words[WORDS] = {line, "", "", ""}, *rest = NULL;
        uint32_t i = 0;

        for (char *word = strtok_r(line, " \n", &rest); word && i < WORDS;
             word = strtok_r(NULL, " \n", &rest))
            words[i++] = word;
        for (i = 0; i < RTE_DIM(acts) && strcmp(acts[i].word, words[0]); i++)
            ;
        if (i == RTE_DIM(acts))
            printf("no such word");
        else
            acts[i].act(words);
        printf("\n");
        fflush(stdout);
    }
    rte_eal_cleanup();
    return 0;
}
