/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EXECUTOR_H
#define SLUICE_HOST_EXECUTOR_H

#include "host/ctl/job.h"
#include "host/dev.h"
#include "nic_runtime/net.h"
#include "nic_runtime/vm.h"

/* What runs a program: one operations table an executor, all in one list. Names, roles and the
 * promise of identical results are in DESIGN.md. */

struct lockstep;

#define EXEC_NO_MAP UINT32_MAX

/* Something that a program told: a perf event or a record of a ring buffer, or a line that it
 * printed (map is EXEC_NO_MAP). */
struct exec_event {
    uint64_t packet; /* its number in the run */
    uint32_t map;
    uint32_t cpu;        /* perf events */
    const uint8_t *data; /* valid during the call */
    uint32_t len;
    bool padded; /* up to 7 bytes at the end are no part of it: Linux fills perf events up */
};

struct exec_listener {
    void *ctx;
    int (*event)(void *ctx, const struct exec_event *event); /* non-zero ends the run */
};

/* Clocks that simulated external memory takes where nobody says how many. */
enum { EXEC_MEMORY_MIN_CLOCKS = 40, EXEC_MEMORY_MAX_CLOCKS = 120 };

struct exec_options {
    size_t size;
    uint64_t seed;              /* of the packets' random generators, and of stalls */
    uint32_t ifindex;           /* ingress interface of all packets; 0: 1 */
    uint32_t egress;            /* interface that a devmap's program sends them out of; 0: 1 */
    uint32_t queue;             /* RX queue of all packets, < SPEC_QUEUES ... */
    uint32_t queues;            /* ... or, if not 0, of the first: packets take so many in turn */
    uint32_t idle_percent;      /* hardware: clocks without a beat offered */
    uint32_t stall_percent;     /* hardware: clocks without a beat taken */
    uint32_t memory_min_clocks; /* hardware: clocks that external memory takes for a request, ... */
    uint32_t memory_max_clocks; /* ... drawn anew for each between these two */
    uint32_t cores;             /* microcode: VLIW cores of a simulated device, a power of two up to
                                   SPEC_CORES_MAX; 0: one */
    bool poll_maps;             /* hardware: all maps are read while packets pass */
    const char *waves;          /* hardware: FST file, or NULL */
    bool icarus;                /* pipelines: simulated by Icarus, not Verilator (model.h) */
    struct lockstep
        *lockstep; /* microcode: compares its rows with the model (lockstep.h), or NULL */
    const char
        *plugin_dir; /* where sluice-sim.so and core_model.so lie; NULL: beside the executable */
    struct dev *dev; /* hardware: the device that has the core, or the program's pipeline, which
                        stays open; NULL: a simulated one of the executor's own. It runs no packets
                        then: they come and go by themselves, once the device is told to start */
    struct exec *beside;   /* with dev: what runs there, which goes on; the new program is loaded
                              beside it (swap.h), maps that both have there stay */
    const struct net *net; /* what bpf_fib_lookup sees (netfile.h); NULL: the ingress interface */
    const struct exec_listener
        *listener; /* is told of events, those of a packet before its output; NULL: nobody */
};

/* A packet to run. */
struct exec_packet {
    const uint8_t *data;
    uint32_t len; /* SPEC_PKT_MIN_BYTES .. SPEC_PKT_MAX_BYTES */
    uint64_t time_ns;
    uint64_t index; /* number in the run: decides the random state ... */
    uint32_t
        rand; /* ... if this is 0; otherwise it is the state, before the program's first call */
};

/* The RX queue of packet number index. */
static inline uint32_t exec_queue(const struct exec_options *options, uint64_t index)
{
    const uint32_t in_turn = options->queues ? (uint32_t)(index % options->queues) : 0;

    return (options->queue + in_turn) % SPEC_QUEUES;
}

/* The random state that a packet begins with. */
static inline uint32_t exec_rand(const struct exec_options *options,
                                 const struct exec_packet *packet)
{
    return packet->rand ? packet->rand : vm_rand_seed(options->seed, packet->index);
}

/* What one packet gave. data is valid during the call of the sink only. */
struct exec_output {
    uint32_t ret;
    uint64_t redirect;
    const uint8_t *data;
    uint32_t len;
    uint32_t meta_bytes; /* of metadata, which lie in front of data */
    uint64_t cycles;     /* hardware: latency */
    uint64_t ns;         /* software */
};

struct exec_stream {
    void *ctx;
    bool (*source)(void *ctx, struct exec_packet *packet);
    int (*sink)(void *ctx, const struct exec_output *output);
};

struct exec_stats {
    uint64_t packets;
    uint64_t cycles; /* hardware: whole run */
    uint64_t ns;     /* software: whole run */
};

/* Room for a reason, always a whole sentence without a full stop. */
enum { EXEC_WHY_BYTES = 1024 };

struct exec; /* one program on one executor, with its maps */

struct exec_ops {
    const char *name;
    bool hardware;
    bool redirect_hidden; /* does not tell where a packet was redirected to */
    bool prints_hidden;   /* does not tell what a program prints */
    /* 0 if the program fits, else negative errno and the reason. */
    int (*fits)(struct job *job, char why[EXEC_WHY_BYTES]);
    int (*open)(struct job *job, const struct exec_options *options, struct exec **out,
                char why[EXEC_WHY_BYTES]);
    /* Maps by their index in the object; values are map_cpus values of stride bytes
     * (nic_runtime/map.h). What they give is what the system call of Linux gives for a map of the
     * type. flags are BPF_ANY, BPF_NOEXIST, BPF_EXIST and BPF_F_LOCK. A look-up in a queue or stack
     * sees its next value, one in a Bloom filter asks for the value that lies there. */
    int (*map_update)(struct exec *exec, uint32_t map, const void *key, const void *values,
                      uint64_t flags);
    int (*map_lookup)(struct exec *exec, uint32_t map, const void *key, void *values);
    int (*map_delete)(struct exec *exec, uint32_t map, const void *key);
    /* The key after `key`; the first one if that is NULL or there is no such entry. -ENOENT behind
     * the last. Arrays are in order of their index, prefixes as Linux has them, hashes in an order
     * of the executor's own. next may be key. */
    int (*map_next_key)(struct exec *exec, uint32_t map, const void *key, void *next);
    /* Takes the next value out of a queue or stack: 0, -ENOENT; -EOPNOTSUPP of other maps. */
    int (*map_pop)(struct exec *exec, uint32_t map, void *values);
    /* Visits all entries of a map, in any order. */
    int (*map_walk)(struct exec *exec, uint32_t map,
                    int (*visit)(void *ctx, const void *key, const void *values), void *ctx);
    /* Records of a ring buffer that programs could not make for lack of room, since the executor
     * was opened. NULL: it runs no program with ring buffers. */
    uint64_t (*lost)(struct exec *exec, uint32_t map);
    int (*run)(struct exec *exec, const struct exec_stream *stream, struct exec_stats *stats,
               char why[EXEC_WHY_BYTES]);
    void (*close)(struct exec *exec);
};

/* Every executor's state starts with this. */
struct exec {
    const struct exec_ops *ops;
    struct job *job;
    struct exec_options options;
    uint32_t kept; /* maps that hold contents when it is opened, by bit (swap.h) */
};

extern const struct exec_ops *const exec_table[];
extern const uint32_t exec_count;

/* The executor of that name, or NULL. */
const struct exec_ops *exec_find(const char *name);

/* Opens an executor and fills the maps of the data sections (.rodata, .data, .bss). */
int exec_open(const struct exec_ops *ops, struct job *job, const struct exec_options *options,
              struct exec **out, char why[EXEC_WHY_BYTES]);
void exec_close(struct exec *exec); /* NULL-safe */

/* Writes a diagnostic as a reason: place and message in one line. */
void exec_why(char why[EXEC_WHY_BYTES], const struct diag *diag, int err);

/* fits.c: whether a verified program is without what no executor has. 0, or -ENOTSUP with the
 * reason. */
int exec_fits_any(const struct job *job, const char *executor, char why[EXEC_WHY_BYTES]);
/* The same, and whether software has all helpers and map types that a verified program uses. 0, or
 * -ENOTSUP with the instruction, its source line and what the executor of that name lacks. */
int exec_fits_software(const struct job *job, const char *executor, char why[EXEC_WHY_BYTES]);

#endif
