/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_SLUICE_H
#define RTE_PMD_SLUICE_H

#include <stddef.h>
#include <stdint.h>

/* What net_sluice offers beyond DPDK's own interface. All return 0 or negative errno; -ENODEV if
 * the port is none of this driver's, or the primary process that has it is gone. Secondary
 * processes may call all but rte_pmd_sluice_events. */

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What the device tells of a received packet, in a dynamic field of this name; it holds if the
 * dynamic flag of the same name is set. */
#define RTE_PMD_SLUICE_INFO "rte_net_sluice_info"

struct rte_pmd_sluice_info {
    uint64_t redirect;   /* the program's redirect word (docs/hardware.md) */
    uint16_t number;     /* of the packet, mod 2^16, as it entered the program */
    uint16_t meta_bytes; /* of metadata, which lie in the headroom just in front of the packet */
    uint8_t ret;         /* low byte of the program's return value (XDP_PASS: 2) */
    uint8_t port;        /* Ethernet port that it came from; packets sent: see below */
    uint8_t unused[2];
};

/* If this dynamic flag is set in a packet to send, it leaves through port `port` of its info;
 * otherwise through port 0. */
#define RTE_PMD_SLUICE_EGRESS "rte_net_sluice_egress"

/* Which program; all but path may be NULL. */
struct rte_pmd_sluice_program {
    const char *path;    /* object file */
    const char *section; /* its programs are those of this ELF section */
    const char *program; /* its name; NULL: the first */
    const char *maps;    /* JSON file with what its maps hold at first (docs/maps.md) */
    /* "microcode", "pipeline" or "interp" (the host): where it is to run, or it is refused; NULL:
     * as the device's arguments say. A simulated device becomes another one for it if its slot is
     * not what that needs, while packets wait (docs/driver.md); a board's does not. */
    const char *executor;
};

/* Verifies and translates a program and runs it in place of the present one: the device stops
 * starting packets meanwhile, which wait in its ports as far as there is room. Maps hold what the
 * object and the file say. why: a reason is left there on failure. -ESTALE: another program has
 * been loaded while this one was made ready, and stays. With -EIO the program that ran before is
 * gone, too, and packets wait; with any other errno it still runs. */
int rte_pmd_sluice_program_load(uint16_t port_id, const struct rte_pmd_sluice_program *what,
                                char *why, size_t why_bytes);

/* Where the program runs. */
struct rte_pmd_sluice_program_info {
    char name[64];
    char executor[16]; /* "microcode", "pipeline": on the device; "interp": on the host; "none" */
    char reason[1024]; /* why on the host, or "" */
};

int rte_pmd_sluice_program_info(uint16_t port_id, struct rte_pmd_sluice_program_info *info);

/* If a map can't stay where it is on the device, packets wait while contents are copied. */
#define RTE_PMD_SLUICE_SWAP_MIGRATE 1u

/* How a program took over, and what its maps hold. */
struct rte_pmd_sluice_swap {
    uint32_t in_place; /* 1: between two packets; 0: packets waited in the ports */
    uint32_t stayed;   /* maps on the device that were not touched, */
    uint32_t moved;    /* that were copied, */
    uint32_t fresh;    /* that hold what the object says */
};

/* Verifies and translates a program and lets it take over from the present one between two packets,
 * which never stop: each is run wholly by the old program or by the new one, in order. Maps of the
 * same name and definition keep what they hold (docs/driver.md). -EXDEV, with a reason: a map can't
 * stay where it is on the device, and flags don't allow to wait. -ESTALE as above. With -EIO no
 * program runs and packets wait; with any other errno the present one still runs. done may be NULL.
 */
int rte_pmd_sluice_program_swap(uint16_t port_id, const struct rte_pmd_sluice_program *what,
                                uint32_t flags, struct rte_pmd_sluice_swap *done, char *why,
                                size_t why_bytes);

/* Maps of the program by name; values of per-CPU maps are one after the other, each filled up to a
 * multiple of 8 bytes. -ENXIO: no such map; lookup, delete: -ENOENT; update: -E2BIG when full. */
int rte_pmd_sluice_map_sizes(uint16_t port_id, const char *map, uint32_t *key_bytes,
                             uint32_t *values_bytes, uint32_t *max_entries);
int rte_pmd_sluice_map_lookup(uint16_t port_id, const char *map, const void *key, void *values);
int rte_pmd_sluice_map_update(uint16_t port_id, const char *map, const void *key,
                              const void *values);
int rte_pmd_sluice_map_delete(uint16_t port_id, const char *map, const void *key);
/* The key behind another one; the first if key is NULL, or has no entry any more; next may be key.
 * -ENOENT: behind the last; -EINVAL: a queue, stack or Bloom filter, whose entries have no keys.
 * Arrays are in order of their index, prefixes as Linux has them, hashes in an order of their own
 * (docs/maps.md); entries come and go between two calls. */
int rte_pmd_sluice_map_next_key(uint16_t port_id, const char *map, const void *key, void *next);

/* Something that the program told of a packet: a perf event, a record of a ring buffer, or a line
 * that it printed. Valid during the call. */
struct rte_pmd_sluice_event {
    uint64_t packet;  /* its number: packets count from 0 as they enter the program */
    uint64_t time_ns; /* of its arrival */
    const char *map;  /* name; NULL: a line, without its end */
    const void *data;
    uint32_t bytes;
    uint32_t cpu; /* perf events: the packet's RX queue */
};
typedef void (*rte_pmd_sluice_event_fn)(uint16_t port_id, const struct rte_pmd_sluice_event *event,
                                        void *arg);

/* Who is told; fn NULL: nobody, and events are counted only. The call comes from whoever receives
 * on any queue of the port or polls, before the burst that has the packet returns, in the order of
 * packets; a packet's events come map by map. It may use the maps above, but neither load a program
 * (-EBUSY) nor receive. -EBUSY: the argument `events` has named a file; -ENOTSUP: this is a
 * secondary process. */
int rte_pmd_sluice_events(uint16_t port_id, rte_pmd_sluice_event_fn fn, void *arg);
/* Hands on what has come, for who does not receive: how many packets it was of. */
int rte_pmd_sluice_events_poll(uint16_t port_id);
/* Records that a ring buffer of the program had no room for, since it was loaded. -ENXIO: no such
 * map; -EOPNOTSUPP: it is no ring buffer. */
int rte_pmd_sluice_events_lost(uint16_t port_id, const char *map, uint64_t *records);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
