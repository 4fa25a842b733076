/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_VM_H
#define SLUICE_NIC_RUNTIME_VM_H

#include "hw/spec/gen/ebpf.h"
#include "hw/spec/gen/xdp.h"
#include "nic_runtime/map.h"
#include "nic_runtime/net.h"

/* The golden model: runs a verified program on one packet after the other. Freestanding: no malloc
 * and no stdio on the packet path. */

/* One program with its maps. ld_imm64 with source EBPF_PSEUDO_MAP_FD holds a map's index as imm,
 * with EBPF_PSEUDO_MAP_VALUE the index and, in its second half, an offset. Calls are relative. */
struct vm_program {
    const struct ebpf_insn *insns;
    uint32_t insn_count;
    struct map *const *maps;
    uint32_t map_count;
};

/* Something that a program tells the host. */
struct vm_event {
    uint32_t map; /* VM_NO_MAP: text that it prints */
    uint32_t cpu;
    const void *data;
    uint32_t bytes;
    const void *more; /* packet bytes behind the data */
    uint32_t more_bytes;
};

#define VM_NO_MAP UINT32_MAX

enum {
    VM_PRINT_ARGS_MAX = 12, /* MAX_BPRINTF_VARARGS */
    VM_PRINT_BYTES = 1024,  /* MAX_BPRINTF_BUF: of a line, with its end */
};

/* The line that bpf_trace_printk prints of a format of so many bytes, with its end, and up to
 * VM_PRINT_ARGS_MAX numbers. False: an error, which prints nothing; so is a conversion of a string
 * or an address in memory. */
bool vm_print(char line[VM_PRINT_BYTES], const char *text, uint32_t bytes, const uint64_t *args,
              uint32_t count);

/* What lies around programs while they run. */
struct vm_world {
    /* Those that maps of programs name by number; they have the maps of the one that runs. Entries
     * may be NULL. */
    const struct vm_program *const *programs;
    uint32_t program_count;
    void *ctx;                                              /* of event */
    void (*event)(void *ctx, const struct vm_event *event); /* NULL: nobody listens */
    const struct net *net;                                  /* NULL: no interface, no route */
};

/* A packet in its buffer: bytes at buf + data .. buf + data_end, offsets from the hard start of the
 * frame. buf has SPEC_PKT_JUMBO_END bytes; the headroom below data is zeroed by whoever fills it
 * (vm_packet_init). */
struct vm_packet {
    uint8_t *buf;
    uint32_t data;
    uint32_t data_meta;
    uint32_t data_end;
    uint32_t hard_end; /* how far adjust_tail may grow: SPEC_PKT_LINEAR_END or SPEC_PKT_JUMBO_END */
    uint64_t time_ns;
    uint32_t rand; /* state of the packet's random generator, never 0 */
    uint32_t ifindex;
    uint32_t egress;              /* interface out, for a program that a devmap runs; else 0 */
    uint32_t queue;               /* < SPEC_QUEUES */
    const struct vm_world *world; /* NULL: no other programs, nobody listens */
};

struct vm_result {
    uint32_t ret;
    uint64_t redirect; /* as in hw/spec/xdp.toml; 0 unless the verdict is XDP_REDIRECT and a helper
                        * set it. A broadcast to a devmap, which runs in software only: 1 << 62 |
                        * (map + 1) << 32 | (1 if not to the ingress) */
    uint64_t insns;    /* executed */
};

/* Why a run was stopped; a verified program never is. */
enum vm_fault {
    VM_FAULT_NONE,
    VM_FAULT_MEMORY, /* access outside stack, packet, context and map values, or an atomic one that
                        is not aligned */
    VM_FAULT_OPCODE,
    VM_FAULT_JUMP,   /* outside of the program */
    VM_FAULT_CALL,   /* unknown helper, or frames exceeded */
    VM_FAULT_BUDGET, /* more instructions than options allow */
    VM_FAULT_COUNT
};

/* Copies a packet into the buffer, zeroes its headroom and tailroom, sets the offsets. bytes <=
 * SPEC_PKT_MAX_BYTES. */
void vm_packet_init(struct vm_packet *packet, uint8_t *buf, const void *bytes, uint32_t len);

/* The random state of packet number index of a run with this seed; never 0 (splitmix64, then the
 * high half). */
uint32_t vm_rand_seed(uint64_t seed, uint64_t index);
/* One step of the packet's generator: xorshift32 with 13, 17, 5; returns the new state, which is
 * the value. */
uint32_t vm_rand_next(uint32_t state);
/* The state before the one that vm_rand_next gave. */
uint32_t vm_rand_before(uint32_t state);

/* Runs the program on a packet. max_insns 0 means no limit. On a fault *fault_insn is the
 * instruction; result is then not set. The packet's offsets are left as the program set them. */
enum vm_fault vm_run(const struct vm_program *program, struct vm_packet *packet, uint64_t max_insns,
                     struct vm_result *result, uint32_t *fault_insn);

struct vm; /* nic_runtime/vm/state.h: registers, frames, stack, what may be touched */

/* Sees the machine before each instruction is executed; vm->pc is its number. */
struct vm_observer {
    void *ctx;
    void (*before)(void *ctx, const struct vm *vm);
    bool callbacks; /* also those of callbacks, which helpers call */
};

/* vm_run with somebody who sees each step; vm_run itself knows nothing of it. */
enum vm_fault vm_run_observed(const struct vm_program *program, struct vm_packet *packet,
                              uint64_t max_insns, const struct vm_observer *observer,
                              struct vm_result *result, uint32_t *fault_insn);

/* vm_run without a packet, for the conformance plug-in: r1 = memory, r2 = its length, all other
 * registers 0; *r0 is the result. Helpers that need no packet work: their time is 0, the CPU 0, the
 * random state that of packet 0 of seed 0. */
enum vm_fault vm_run_raw(const struct vm_program *program, void *memory, uint64_t bytes,
                         uint64_t max_insns, uint64_t *r0, uint32_t *fault_insn);

/* Is shown each instruction before it is executed: its number, the depth of the call chain (0: the
 * program itself) and the registers (EBPF_REGS of them). */
struct vm_watch {
    void *ctx;
    void (*before)(void *ctx, uint32_t insn, uint32_t depth, const uint64_t *r);
};

/* vm_run_raw with somebody watching. */
enum vm_fault vm_run_watched(const struct vm_program *program, void *memory, uint64_t bytes,
                             uint64_t max_insns, const struct vm_watch *watch, uint64_t *r0,
                             uint32_t *fault_insn);

#endif
