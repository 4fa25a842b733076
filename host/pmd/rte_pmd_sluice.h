/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RTE_PMD_SLUICE_H
#define RTE_PMD_SLUICE_H

#include <stddef.h>
#include <stdint.h>

/* What net_sluice offers beyond DPDK's own interface. All return 0 or negative errno; -ENODEV if
 * the port is none of this driver's. */

#ifdef __cplusplus
extern "C" {
#endif

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

/* Verifies and translates a program of an object file and runs it in place of the present one: the
 * device stops taking packets meanwhile and loses none that its ports have room for. Maps start
 * with what the object says. section, program: NULL for any. why: a reason is left there on
 * failure, and the program that ran before is gone only if errno is -EIO; then no packet passes. */
int rte_pmd_sluice_program_load(uint16_t port_id, const char *path, const char *section,
                                const char *program, char *why, size_t why_bytes);

/* Maps of the program by name; values of per-CPU maps are one after the other, each filled up to a
 * multiple of 8 bytes. -ENXIO: no such map; lookup, delete: -ENOENT; update: -E2BIG when full. */
int rte_pmd_sluice_map_sizes(uint16_t port_id, const char *map, uint32_t *key_bytes,
                             uint32_t *values_bytes, uint32_t *max_entries);
int rte_pmd_sluice_map_lookup(uint16_t port_id, const char *map, const void *key, void *values);
int rte_pmd_sluice_map_update(uint16_t port_id, const char *map, const void *key,
                              const void *values);
int rte_pmd_sluice_map_delete(uint16_t port_id, const char *map, const void *key);

#ifdef __cplusplus
}
#endif

#endif
