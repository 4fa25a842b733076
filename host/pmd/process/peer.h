/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_PEER_H
#define SLUICE_PMD_PEER_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* What a secondary process asks of the primary one, which has the device: requests over a pair of
 * sockets that the primary makes, each answered before the next. The socket ends with either
 * process, so neither waits for one that is gone. Both are of one DPDK and one driver: structs go
 * as they are, and pointers to what lies in DPDK's memory hold in both. */

/* By which a secondary gets its end of such a pair: an action of rte_mp.h. */
#define PMD_PEER_ACTION "net_sluice"
enum {
    PMD_PEER_VERSION = 1,
    PMD_PEER_BURST = 512,         /* packets in one request */
    PMD_PEER_BYTES_MAX = 1 << 26, /* of a request or an answer */
    PMD_PEER_NAME_BYTES = 256,    /* of a map, section or program */
    PMD_PEER_FIRMWARE_BYTES = 4096,
    PMD_PEER_WHY_BYTES = 4096,
    PMD_PEER_TEXT_BYTES = 1 << 16,
};

struct pmd_peer_hello {
    uint32_t version;
    char device[64];
};

/* What is asked; `number` is a queue's, if it is about one. Results are >= 0 or negative errno. */
enum pmd_peer_op {
    PMD_PEER_RX,        /* arg: packets at most. Result: how many; their addresses */
    PMD_PEER_TX,        /* packets' addresses. Result: how many were taken */
    PMD_PEER_RX_COUNT,  /* as rte_eth_rx_queue_count */
    PMD_PEER_RX_STATUS, /* arg: offset */
    PMD_PEER_TX_STATUS, /* arg: offset */
    PMD_PEER_TX_CLEAN,  /* arg: packets at most */
    PMD_PEER_RXQ_INFO,  /* struct rte_eth_rxq_info; here the lines of queues end */
    PMD_PEER_TXQ_INFO,  /* struct rte_eth_txq_info */
    PMD_PEER_INFOS,     /* struct rte_eth_dev_info */
    PMD_PEER_LINK,      /* struct rte_eth_link */
    PMD_PEER_STATS,     /* struct rte_eth_stats */
    PMD_PEER_STATS_RESET,
    PMD_PEER_XSTATS,       /* arg: room. Result: how many; struct rte_eth_xstat each */
    PMD_PEER_XSTATS_NAMES, /* arg: room. Result: how many; struct rte_eth_xstat_name each */
    PMD_PEER_FIRMWARE,     /* text with its end */
    PMD_PEER_CLOCK,        /* ns, 8 bytes */
    PMD_PEER_REGS,         /* arg: words, 0: how many there are. struct rte_dev_reg_info, words */
    PMD_PEER_DUMP,         /* text without end */
    PMD_PEER_RSS,          /* 8 bytes of types, then the key */
    PMD_PEER_RETA,         /* arg: size. struct rte_eth_rss_reta_entry64 for each 64 */
    PMD_PEER_PROGRAM_INFO, /* struct rte_pmd_sluice_program_info */
    PMD_PEER_PROGRAM_LOAD, /* struct pmd_peer_program. struct pmd_peer_swap */
    PMD_PEER_PROGRAM_SWAP, /* likewise; arg: flags */
    PMD_PEER_MAP_SIZES,    /* struct pmd_peer_map. 3 words */
    PMD_PEER_MAP_LOOKUP,   /* struct pmd_peer_map, key. values */
    PMD_PEER_MAP_UPDATE,   /* struct pmd_peer_map, key, values */
    PMD_PEER_MAP_DELETE,   /* struct pmd_peer_map, key */
    PMD_PEER_MAP_NEXT,     /* struct pmd_peer_map, and, if arg is 1, key. key */
    PMD_PEER_EVENTS_POLL,
    PMD_PEER_EVENTS_LOST, /* struct pmd_peer_map. 8 bytes */
    PMD_PEER_COUNT
};

/* In front of each request and each answer. */
struct pmd_peer_head {
    uint32_t op;
    uint32_t number;
    uint32_t arg;
    int32_t result; /* of an answer */
    uint32_t bytes; /* that follow */
    uint32_t zero;
};

enum pmd_peer_texts { /* of a program; bits of what is there */
                      PMD_PEER_SECTION = 1,
                      PMD_PEER_PROGRAM = 2,
                      PMD_PEER_MAPS = 4,
                      PMD_PEER_EXECUTOR = 8,
};

struct pmd_peer_program {
    uint32_t texts;
    char path[PATH_MAX];
    char maps[PATH_MAX];
    char section[PMD_PEER_NAME_BYTES];
    char program[PMD_PEER_NAME_BYTES];
    char executor[PMD_PEER_NAME_BYTES];
};

/* How it took over, and why not. */
struct pmd_peer_swap {
    uint32_t in_place, stayed, moved, fresh;
    char why[PMD_PEER_WHY_BYTES];
};

/* Sizes as the secondary has learnt them: if they are others now, -EAGAIN. */
struct pmd_peer_map {
    char name[PMD_PEER_NAME_BYTES];
    uint32_t key_bytes;
    uint32_t values_bytes;
};

/* One end of a pair. Used by one thread at a time. */
struct pmd_line {
    int fd;
    uint8_t *buffer; /* of what was received last: head and bytes */
    size_t room;
};

/* Sends a head and head->bytes of bytes. -EPIPE: the other end is gone, or negative errno. */
int pmd_line_put(struct pmd_line *line, const struct pmd_peer_head *head, const void *bytes);
/* Waits for the next one; *bytes are valid until the next call. -EPIPE: the other end is gone;
 * -ECONNRESET: likewise, and it has not read what was sent last; -EPROTO, -ENOMEM. */
int pmd_line_get(struct pmd_line *line, struct pmd_peer_head *head, const uint8_t **bytes);
/* Closes what is open; the line may be opened again. */
void pmd_line_close(struct pmd_line *line);

#endif
