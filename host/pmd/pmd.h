/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_H
#define SLUICE_PMD_H

#include "host/pmd/nic.h"
#include "host/pmd/rte_pmd_sluice.h"

#include <ethdev_driver.h>
#include <pthread.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_memzone.h>
#include <rte_spinlock.h>

/* The driver's insides. One Ethernet device of DPDK is one NIC with all of its ports. */

enum {
    PMD_RING_MIN_LOG2 = 5,
    PMD_RING_MAX_LOG2 = 15,
    PMD_RING_DEFAULT = 512,
    PMD_RX_BUFFER_MIN = 576, /* metadata of a packet lie in its first buffer; PMD_TX_BUFFERS of them
                                hold any packet, which a program on the host may send */
    PMD_BUFFER_MAX = 16384,  /* hw/spec/nic.toml, rx_desc */
    PMD_TX_BUFFERS = 16,     /* of a packet; hw/spec/nic.toml, tx_desc */
    PMD_OVERHEAD_BYTES = 18, /* Ethernet header and a VLAN tag; no FCS */
    PMD_NAME_BYTES = 128,    /* of a program; longer ones are cut */
    PMD_POLL_CLOCKS = 256,   /* that a simulated device goes on when a burst finds nothing */
    PMD_FLAG_DONE = 1,
    PMD_FLAG_LAST = 2,
    PMD_RX_FLAG_HASH = 4,
    PMD_TX_FLAG_BAD = 4,
    PMD_FLAG_PORT_SHIFT = 16,
};

struct pmd_rx_give {
    uint64_t addr;
    uint32_t bytes;
    uint32_t zero[5];
};

struct pmd_rx_take {
    uint32_t flags;
    uint16_t len;
    uint16_t total;
    uint32_t hash;
    uint16_t meta;
    uint16_t number;
    uint64_t time;
    uint64_t redirect;
};

union pmd_rx_desc {
    struct pmd_rx_give give;
    struct pmd_rx_take take;
};

struct pmd_tx_desc {
    uint64_t addr;
    uint32_t len;
    uint32_t flags;
    uint64_t zero[2];
};

_Static_assert(sizeof(union pmd_rx_desc) == SPEC_DESC_BYTES, "hw/spec/nic.toml");
_Static_assert(sizeof(struct pmd_tx_desc) == SPEC_DESC_BYTES, "hw/spec/nic.toml");
_Static_assert(offsetof(struct pmd_rx_give, addr) == SPEC_RX_GIVE_ADDR &&
                   offsetof(struct pmd_rx_give, bytes) == SPEC_RX_GIVE_BYTES,
               "hw/spec/nic.toml");
_Static_assert(offsetof(struct pmd_rx_take, flags) == SPEC_RX_TAKE_FLAGS &&
                   offsetof(struct pmd_rx_take, len) == SPEC_RX_TAKE_LEN &&
                   offsetof(struct pmd_rx_take, total) == SPEC_RX_TAKE_TOTAL &&
                   offsetof(struct pmd_rx_take, hash) == SPEC_RX_TAKE_HASH &&
                   offsetof(struct pmd_rx_take, meta) == SPEC_RX_TAKE_META &&
                   offsetof(struct pmd_rx_take, number) == SPEC_RX_TAKE_NUMBER &&
                   offsetof(struct pmd_rx_take, time) == SPEC_RX_TAKE_TIME &&
                   offsetof(struct pmd_rx_take, redirect) == SPEC_RX_TAKE_REDIRECT,
               "hw/spec/nic.toml");
_Static_assert(offsetof(struct pmd_tx_desc, addr) == SPEC_TX_GIVE_ADDR &&
                   offsetof(struct pmd_tx_desc, len) == SPEC_TX_GIVE_LEN &&
                   offsetof(struct pmd_tx_desc, flags) == SPEC_TX_GIVE_FLAGS &&
                   SPEC_TX_TAKE_FLAGS == SPEC_TX_GIVE_FLAGS,
               "hw/spec/nic.toml");

/* What packets' types tell of. */
#define PMD_PTYPE_LAYERS (RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK)

/* Where the driver's own fields of a packet lie; -1: no room. */
struct pmd_fields {
    int time;
    int info;
    uint64_t time_flag;
    uint64_t info_flag;
    uint64_t egress_flag;
    uint32_t types; /* layers of which a packet's type is found out; RTE_PTYPE_*_MASK */
};

struct arena;
struct net;          /* nic_runtime/net.h */
struct pmd_fallback; /* a program that the device does not take; fallback/fallback.h */

/* A ring and the buffers that it has. Descriptors are counted without end, mod 2^16. Used by one
 * thread at a time, with its lock; the counts at the end are read by others. While a program runs
 * on the host other queues' threads use the first one, too, and give packets to all. */
struct pmd_rxq {
    rte_spinlock_t lock; /* who changes programs takes it, too */
    struct pmd_fallback *fallback;
    /* Packets that wait for the next burst, oldest first, in front of those in the ring; places for
     * twice the ring's descriptors. With the descriptors that the device has they are never more.
     */
    struct rte_mbuf **ready;
    uint32_t ready_next, ready_count;
    struct nic *nic;
    volatile union pmd_rx_desc *ring;
    struct rte_mbuf **buffers; /* by place */
    struct rte_mempool *pool;
    const struct pmd_fields *fields;
    uint16_t mask;
    uint16_t next;   /* the device's oldest */
    uint16_t given;  /* behind its youngest */
    uint16_t refill; /* descriptors that are missing before some are given */
    uint16_t buffer_bytes;
    uint16_t port_id;
    uint16_t number;
    bool on;
    bool bad;               /* the packet under way makes no sense */
    uint32_t got_bytes;     /* of the packet under way */
    struct rte_mbuf *first; /* its buffers so far */
    struct rte_mbuf *last;
    const struct rte_memzone *zone;
    struct rte_eth_dev_data *data;
    uint64_t errors; /* packets that the device could not write whole */
};

struct pmd_txq {
    rte_spinlock_t lock; /* of its user, and of who puts another device in place of this one */
    struct nic *nic;
    uint16_t port_id;
    volatile struct pmd_tx_desc *ring;
    struct rte_mbuf **packets; /* by the place of their first descriptor */
    uint16_t *ends;            /* the count of their last one, likewise */
    const struct pmd_fields *fields;
    uint16_t mask;
    uint16_t done;  /* the device's oldest */
    uint16_t given; /* behind its youngest */
    uint16_t told;  /* of the driver's own ring: as far as the device knows */
    uint16_t free_thresh;
    uint16_t number;
    bool on;
    const struct rte_memzone *zone;
    uint64_t errors; /* packets that can't be given to the device at all */
    uint64_t lost;   /* packets that the device did not send */
};

_Static_assert(offsetof(struct pmd_rxq, lock) == 0 && offsetof(struct pmd_txq, lock) == 0,
               "pmd_lock_queues takes both");

struct pmd_events;  /* what programs tell; events.c */
struct pmd_program; /* what the slot runs; program/program.h */

enum pmd_offload {
    PMD_OFFLOAD_PREFER,  /* what the device does not take runs on the host */
    PMD_OFFLOAD_WHOLE,   /* ... and then the whole program does */
    PMD_OFFLOAD_REQUIRE, /* ... is refused */
    PMD_OFFLOAD_NEVER,   /* everything runs on the host */
    PMD_OFFLOAD_COUNT
};

/* PMD_EXECUTOR_INTERP: the host. */
enum pmd_executor {
    PMD_EXECUTOR_MICROCODE,
    PMD_EXECUTOR_PIPELINE,
    PMD_EXECUTOR_INTERP,
    PMD_EXECUTOR_COUNT
};
/* By its name: PMD_EXECUTOR_COUNT if none has it. */
enum pmd_executor pmd_executor_of(const char *name);

/* In memory that DPDK shares, but the primary process' alone: half of it points to what a secondary
 * process does not have. Secondaries ask for what they need (process/peer.h). */
struct pmd {
    struct nic nic;
    struct dev *dev;
    void *plugin;         /* of a simulated device, or NULL */
    struct dev_bulk bulk; /* what dev->bulk points to */
    const struct rte_memzone *bulk_zone;
    struct rte_eth_dev_data *data;
    struct pmd_fields fields;
    struct pmd_program *program;
    uint64_t generation; /* of the program: another number whenever another one runs */
    struct pmd_fallback *fallback;
    enum pmd_offload offload;
    const struct net *net; /* what bpf_fib_lookup sees; NULL: the ingress interface */
    struct arena *net_arena;
    enum pmd_executor executor; /* that programs are to run on, unless they say another one */
    struct pmd_events *events;
    struct pmd_serve *serve; /* secondary processes; process/serve.h */
    pthread_mutex_t lock;    /* of registers that are more than one access: counters, the mailbox */
    bool running;            /* rings are on; changed with the lock held, dev_started is not */
    uint64_t *counter_base;  /* values of counters at the last reset of statistics */
    uint64_t *counter_past;  /* of devices in whose place this one is */
    char *core_model;        /* of a simulated device with a core in its slot, or NULL */
    uint64_t rx_errors_base, tx_errors_base;
    uint64_t rx_errors_past, tx_errors_past; /* of queues that are released */
    uint32_t rss_types;
    uint8_t rss_key[NIC_KEY_BYTES];
    uint16_t reta[NIC_RETA_MAX];
    bool reta_set; /* by the application */
};

/* What a bus has found, to be made an Ethernet device: fills what is in eth_dev. dev becomes the
 * device's own, also on failure. */
int pmd_init(struct rte_eth_dev *eth_dev, struct dev *dev, void *plugin);
/* Undoes it. */
int pmd_uninit(struct rte_eth_dev *eth_dev);

/* bulk.c: the device moves map contents by DMA, if it can. */
int pmd_bulk_open(struct pmd *pmd);
void pmd_bulk_close(struct pmd *pmd);

/* rx.c, tx.c */
int pmd_rx_queue_setup(struct rte_eth_dev *eth_dev, uint16_t queue, uint16_t count,
                       unsigned int socket, const struct rte_eth_rxconf *conf,
                       struct rte_mempool *pool);
void pmd_rx_queue_release(struct rte_eth_dev *eth_dev, uint16_t queue);
int pmd_rx_start(struct pmd_rxq *q);
int pmd_rx_stop(struct pmd_rxq *q);
/* Sets a ring up in a device that takes the other one's place. Packets that wait stay. needs: q's
 * lock; the ring has nothing that is filled */
int pmd_rx_restart(struct pmd_rxq *q);
uint16_t pmd_rx_burst(void *queue, struct rte_mbuf **packets, uint16_t count);
/* Takes all packets off the ring, which the next bursts give. */
void pmd_rx_settle(struct pmd_rxq *q);
/* The same until `user` has `wanted` packets, and gives the ring buffers. */
void pmd_rx_poll(struct pmd_rxq *q, const struct pmd_rxq *user, uint32_t wanted);
/* Keeps a packet for the queue's next burst; false: as many wait as it has descriptors. needs: q's
 * lock */
bool pmd_rx_keep(struct pmd_rxq *q, struct rte_mbuf *m);
/* Puts down what is said of a packet of so many bytes, with metadata. */
void pmd_rx_describe(const struct pmd_rxq *q, struct rte_mbuf *m, const struct pmd_rx_take *d,
                     uint32_t bytes);
/* Buffers in its ring that the device has filled. */
uint32_t pmd_rx_filled(struct pmd_rxq *q);
/* Locks those queues that there are of DPDK's array of them, RX or TX, in the order of their
 * numbers, or unlocks them. */
void pmd_lock_queues(void *const *queues, uint16_t count, bool lock);
int pmd_rx_status(void *queue, uint16_t offset);
uint32_t pmd_rx_count(void *queue);
int pmd_tx_queue_setup(struct rte_eth_dev *eth_dev, uint16_t queue, uint16_t count,
                       unsigned int socket, const struct rte_eth_txconf *conf);
void pmd_tx_queue_release(struct rte_eth_dev *eth_dev, uint16_t queue);
/* A ring that is none of DPDK's queues; NULL: no memory. */
struct pmd_txq *pmd_tx_open(struct rte_eth_dev *eth_dev, uint16_t ring, uint16_t count, int socket);
/* Stops and frees it; negative errno: it stays the device's. */
int pmd_tx_close(struct pmd_txq *q);
/* Gives the device a packet for a port; false: there is no room for it. It learns of it by
 * pmd_tx_kick. A packet that can't be sent at all is freed and counted. */
bool pmd_tx_put(struct pmd_txq *q, struct rte_mbuf *m, uint32_t port);
void pmd_tx_kick(struct pmd_txq *q);
/* Whether the device is done with all that it was given. */
bool pmd_tx_sent(struct pmd_txq *q);
int pmd_tx_start(struct pmd_txq *q);
int pmd_tx_stop(struct pmd_txq *q);
uint16_t pmd_tx_burst(void *queue, struct rte_mbuf **packets, uint16_t count);
/* Of any queue, and any process. */
uint16_t pmd_tx_prepare(void *queue, struct rte_mbuf **packets, uint16_t count);
int pmd_tx_status(void *queue, uint16_t offset);
int pmd_tx_clean(void *queue, uint32_t count);

/* stats.c */
int pmd_stats_get(struct rte_eth_dev *eth_dev, struct rte_eth_stats *stats);
int pmd_stats_reset(struct rte_eth_dev *eth_dev);
int pmd_xstats_get(struct rte_eth_dev *eth_dev, struct rte_eth_xstat *stats, unsigned int count);
int pmd_xstats_names(struct rte_eth_dev *eth_dev, struct rte_eth_xstat_name *names,
                     unsigned int count);
/* All counters of the device, in an array that is the caller's to free; and adds them to those of
 * the device that takes its place. */
int pmd_stats_read(struct pmd *pmd, uint64_t **counters);
void pmd_stats_keep(struct pmd *pmd, const uint64_t *counters);
/* Makes room for what statistics need. */
int pmd_stats_init(struct pmd *pmd);
void pmd_stats_free(struct pmd *pmd);

/* rss.c */
int pmd_reta_update(struct rte_eth_dev *eth_dev, struct rte_eth_rss_reta_entry64 *conf,
                    uint16_t size);
int pmd_reta_query(struct rte_eth_dev *eth_dev, struct rte_eth_rss_reta_entry64 *conf,
                   uint16_t size);
int pmd_rss_update(struct rte_eth_dev *eth_dev, struct rte_eth_rss_conf *conf);
int pmd_rss_get(struct rte_eth_dev *eth_dev, struct rte_eth_rss_conf *conf);
uint64_t pmd_rss_types(void);
/* Writes what the application wants, or the default, into the device. */
int pmd_rss_start(struct pmd *pmd);

/* program/: what the slot runs; path NULL: all packets pass. why: EXEC_WHY_BYTES for the reason.
 */
int pmd_program_load(struct pmd *pmd, const struct rte_pmd_sluice_program *what, char *why);
enum pmd_replace {
    PMD_LOAD,    /* maps begin anew, packets wait */
    PMD_SWAP,    /* between two packets, maps of both stay */
    PMD_MIGRATE, /* the same, or, where that can't be, maps are copied while packets wait */
};
/* *generation: that of the program that may be replaced, 0 or NULL: of the one that runs when this
 * is called. -ESTALE if another one does when the new program is ready. Afterwards the new one's.
 */
int pmd_program_replace(struct pmd *pmd, const struct rte_pmd_sluice_program *what,
                        enum pmd_replace way, uint64_t *generation,
                        struct rte_pmd_sluice_swap *done, char *why);
void pmd_program_unload(struct pmd *pmd);
/* Translates a program into a pipeline, and makes the model of the NIC that has it in its slot:
 * the path of MODEL_PATH_BYTES (host/ctl/model.h) is to be opened, the program to be started there.
 * *out NULL: it is to run on the host, as the device's arguments say, beside any core. */
int pmd_program_pipeline(const struct rte_pmd_sluice_program *what, enum pmd_offload offload,
                         struct pmd_program **out, char *model, char *why);
/* Starts it; a device's first program. On failure it stays the caller's. */
int pmd_program_start(struct pmd *pmd, struct pmd_program *program, char *why);
/* Frees one that was not started; NULL-safe. */
void pmd_program_drop(struct pmd_program *program);
/* Its name, or "none". */
void pmd_program_name(struct pmd *pmd, char *name, size_t bytes);
/* Why it runs on the host, or "". */
void pmd_program_reason(struct pmd *pmd, char *reason, size_t bytes);

/* telemetry.c: from when to when clients of the telemetry socket reach the device. */
void pmd_telemetry_add(struct pmd *pmd);
void pmd_telemetry_remove(const struct pmd *pmd);

/* The Ethernet device's driver data, or NULL if that port is none of this driver's. */
struct pmd *pmd_of_port(uint16_t port_id);

extern int pmd_logtype;
#define PMD_LOG(level, ...)                                                                        \
    rte_log(RTE_LOG_##level, (uint32_t)pmd_logtype, "net_sluice: " __VA_ARGS__)

#endif
