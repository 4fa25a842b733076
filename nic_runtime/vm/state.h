/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_NIC_RUNTIME_VM_STATE_H
#define SLUICE_NIC_RUNTIME_VM_STATE_H

#include "nic_runtime/vm.h"

/* The interpreter's state while a program runs: what instructions and helpers see. Registers hold
 * real addresses, so every access goes through vm_at (memory.h). */

/* A pointer to map number i, as ld_imm64 gives it: not an address on any 64-bit machine. */
#define VM_MAP_HANDLE 0xd15c000000000000u

enum {
    VM_REGS = 16,      /* those above r10 have no name in an instruction that is run */
    VM_CTX_BYTES = 24, /* struct xdp_md */
};

/* Not a fault: vm.program is another than before. */
#define VM_SWITCHED ((enum vm_fault)VM_FAULT_COUNT)

enum {
    /* Functions that run at one time: a program that another goes on in has its own
     * SPEC_CALL_FRAMES, the first of them the frame in which the tail call was made. */
    VM_FRAMES = SPEC_CALL_FRAMES + SPEC_TAIL_CALLS * (SPEC_CALL_FRAMES - 1),
};

/* A key that a callback was handed. */
struct vm_key {
    const struct vm_key *outer; /* of the callback around, or NULL */
    uintptr_t first;
    uint32_t bytes;
};

/* A function's return address, in which program that is, and the registers it gives back. */
struct vm_frame {
    const struct vm_program *program;
    uint32_t return_pc;
    uint32_t base;     /* vm.base of the caller */
    uint64_t saved[4]; /* r6 to r9 */
};

struct vm {
    uint64_t r[VM_REGS];
    const struct vm_program *program;
    struct vm_packet *packet;
    bool raw;          /* vm_run_raw: the packet has no bytes */
    uint64_t redirect; /* pending, for XDP_REDIRECT */
    uint64_t insns;    /* executed */
    uint32_t pc;
    uint32_t depth; /* of the running function; 0 is the program */
    uint32_t base;  /* depth of the program's own first function: above 0 after a tail call in a
                       function */
    uint32_t tail_calls;
    uint32_t floor; /* depth of the function whose end ends this run: above 0 within a callback */
    uint64_t max_insns;                 /* 0: no limit */
    const struct vm_observer *observer; /* of callbacks, or NULL */

    /* Packet bytes that may be touched: data_meta to data_end, or vm_run_raw's memory. */
    uintptr_t bytes_first;
    uint64_t bytes_count;
    /* The map value touched last. */
    uintptr_t value_first;
    uint64_t value_bytes;
    bool value_writable;
    const struct vm_key *keys; /* of callbacks that run */

    uint8_t
        ctx[VM_CTX_BYTES]; /* only its address is used; not beside the stack, so that both end */
    struct vm_frame frames[VM_FRAMES];
    _Alignas(16) uint8_t stack[VM_FRAMES][SPEC_STACK_BYTES];
};

/* Runs the program's function that starts at an instruction, for a helper: r1 and r2 are its
 * arguments, r0 its result; r6 to r9 stay as they are. */
enum vm_fault vm_call_back(struct vm *vm, uint32_t insn);

/* Says which packet bytes may be touched, after offsets have changed. */
static inline void vm_packet_moved(struct vm *vm)
{
    const struct vm_packet *p = vm->packet;

    vm->bytes_first = (uintptr_t)(p->buf + p->data_meta);
    vm->bytes_count = p->data_end - p->data_meta;
}

#endif
