/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_KERNEL_H
#define SLUICE_HOST_KERNEL_H

#include "compiler/load/load.h"
#include "nic_runtime/net.h"

/* Runs a program on Linux's own BPF: maps and program through bpf(), packets through
 * BPF_PROG_TEST_RUN on one CPU. What the program takes from the machine is replaced by the packet's
 * own (kernel_patch.h). Functions return 0 or negative errno; -ENOTSUP means that the kernel, or
 * this machine, can't do it, and why says what. */

enum { KERNEL_WHY_BYTES = 1024 };

struct kernel_packet {
    const uint8_t *data;
    uint32_t len;
    uint64_t time_ns;
    uint32_t rand; /* state of the packet's generator, never 0 */
    uint32_t ifindex;
    uint32_t egress;
};

struct kernel_result {
    uint32_t ret;
    const uint8_t *data; /* valid until the next packet */
    uint32_t len;
    uint32_t meta_bytes; /* of metadata, which lie in front of data */
    uint64_t ns;         /* as the kernel measures it */
};

struct kernel;

/* Makes the object's maps, fills those of data sections, loads the program. ctx_field as in
 * kernel_patch.h, not kept. queue is the CPU id that the program sees, and the value of per-CPU
 * maps that stands for the CPU it runs on. The object outlives the handle. */
int kernel_open(const struct load_object *object, const struct load_prog *prog,
                const uint8_t *ctx_field, uint32_t queue, struct kernel **out,
                char why[KERNEL_WHY_BYTES]);
void kernel_close(struct kernel *kernel); /* NULL-safe */

/* Loads the object's program of that number, so that maps of programs may name it. Once is enough.
 */
int kernel_add_program(struct kernel *kernel, uint32_t number, const uint8_t *ctx_field,
                       char why[KERNEL_WHY_BYTES]);
/* The network that bpf_fib_lookup and bpf_check_mtu see, from the next kernel_begin on. */
int kernel_set_net(struct kernel *kernel, const struct net *net, char why[KERNEL_WHY_BYTES]);
bool kernel_has_program(const struct kernel *kernel, uint32_t number);

/* Hands over what programs told since the last call: bytes of perf events may have up to 7 too
 * many (padded). 0 or negative errno. */
int kernel_events(struct kernel *kernel,
                  void (*take)(void *ctx, uint32_t map, const void *data, uint32_t bytes,
                               bool padded),
                  void *ctx);

/* Records for which a ring buffer had no room, since the handle was opened; 0 of other maps. */
uint64_t kernel_lost(const struct kernel *kernel, uint32_t map);

/* Maps by index; values as in nic_runtime/map.h, the rest as in exec_ops. */
int kernel_map_update(struct kernel *kernel, uint32_t map, const void *key, const void *values,
                      uint64_t flags);
int kernel_map_lookup(struct kernel *kernel, uint32_t map, const void *key, void *values);
int kernel_map_delete(struct kernel *kernel, uint32_t map, const void *key);
int kernel_map_next_key(struct kernel *kernel, uint32_t map, const void *key, void *next);
int kernel_map_pop(struct kernel *kernel, uint32_t map, void *values);
int kernel_map_walk(struct kernel *kernel, uint32_t map,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);

/* Around a series of packets: the thread stays on the CPU in between. */
int kernel_begin(struct kernel *kernel, char why[KERNEL_WHY_BYTES]);
int kernel_run(struct kernel *kernel, const struct kernel_packet *packet,
               struct kernel_result *result, char why[KERNEL_WHY_BYTES]);
void kernel_end(struct kernel *kernel);

#endif
