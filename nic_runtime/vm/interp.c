/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/helpers.h"
#include "nic_runtime/vm/memory.h"

#include <string.h>

/* The golden model of the instruction set: RFC 9669, each instruction's meaning in one place.
 * Arithmetic and comparisons are those of hw/spec/alu.toml. Reserved fields are the verifier's
 * matter, but no program, verified or not, touches memory that is not its own. */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory is little-endian");

enum {
    OP_LD_IMM64 = (int)EBPF_CLASS_LD | (int)EBPF_MODE_IMM | (int)EBPF_SIZE_DW,
};

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* ---- memory ---------------------------------------------------------------------------------- */

/* A field of the context: packet pointers are 4 bytes in struct xdp_md, and real addresses once
 * they are loaded. */
static bool load_ctx(const struct vm *vm, uint64_t offset, uint64_t *v)
{
    const struct vm_packet *p = vm->packet;

    switch (offset) {
    case SPEC_CTX_DATA:
        *v = (uintptr_t)(p->buf + p->data);
        return true;
    case SPEC_CTX_DATA_END:
        *v = (uintptr_t)(p->buf + p->data_end);
        return true;
    case SPEC_CTX_DATA_META:
        *v = (uintptr_t)(p->buf + p->data_meta);
        return true;
    case SPEC_CTX_INGRESS_IFINDEX:
        *v = p->ifindex;
        return true;
    case SPEC_CTX_RX_QUEUE_INDEX:
        *v = p->queue;
        return true;
    case SPEC_CTX_EGRESS_IFINDEX:
        *v = p->egress;
        return true;
    default:
        return false;
    }
}

static ALWAYS_INLINE enum vm_fault load(struct vm *vm, const struct ebpf_insn *i, uint8_t op)
{
    const uint64_t address = vm->r[i->src] + (uint64_t)(int64_t)i->off;
    const uint8_t size = op & 0x18;
    const uint8_t mode = op & 0xe0;
    const void *from;

    if (UNLIKELY(mode != EBPF_MODE_MEM && (mode != EBPF_MODE_MEMSX || size == EBPF_SIZE_DW)))
        return VM_FAULT_OPCODE;
    if (UNLIKELY(address - (uintptr_t)vm->ctx < VM_CTX_BYTES)) {
        uint64_t v;

        if (size != EBPF_SIZE_W || vm->raw || !load_ctx(vm, address - (uintptr_t)vm->ctx, &v))
            return VM_FAULT_MEMORY;
        vm->r[i->dst] = mode == EBPF_MODE_MEMSX ? vm_sign_extend(v, size) : v;
        return VM_FAULT_NONE;
    }
    from = vm_at(vm, address, ebpf_size_bytes(op), false);
    if (UNLIKELY(!from))
        return VM_FAULT_MEMORY;
    vm->r[i->dst] = vm_get(from, size);
    if (mode == EBPF_MODE_MEMSX)
        vm->r[i->dst] = vm_sign_extend(vm->r[i->dst], size);
    return VM_FAULT_NONE;
}

static ALWAYS_INLINE enum vm_fault store(struct vm *vm, const struct ebpf_insn *i, uint8_t op,
                                         uint64_t value)
{
    void *to;

    if (UNLIKELY((op & 0xe0) != EBPF_MODE_MEM))
        return VM_FAULT_OPCODE;
    to = vm_at(vm, vm->r[i->dst] + (uint64_t)(int64_t)i->off, ebpf_size_bytes(op), true);
    if (UNLIKELY(!to))
        return VM_FAULT_MEMORY;
    vm_put(to, op & 0x18, value);
    return VM_FAULT_NONE;
}

static enum vm_fault atomic(struct vm *vm, const struct ebpf_insn *i)
{
    const uint8_t size = i->opcode & 0x18;
    const enum spec_atomic op = ebpf_atomic_of(i->imm);
    const uint64_t mask = size == EBPF_SIZE_W ? UINT32_MAX : UINT64_MAX;
    const uint64_t address = vm->r[i->dst] + (uint64_t)(int64_t)i->off;
    uint64_t old;
    void *to;

    if ((size != EBPF_SIZE_W && size != EBPF_SIZE_DW) || op == SPEC_ATOMIC_NONE)
        return VM_FAULT_OPCODE;
    to = vm_at(vm, address, ebpf_size_bytes(i->opcode), true);
    if (!to || address % ebpf_size_bytes(i->opcode))
        return VM_FAULT_MEMORY;
    old = vm_get(to, size);
    vm_put(to, size, spec_atomic_eval(op, old, vm->r[i->src] & mask, vm->r[0] & mask));
    if (op == SPEC_ATOMIC_CMPXCHG)
        vm->r[0] = old;
    else if (i->imm & EBPF_FETCH)
        vm->r[i->src] = old;
    return VM_FAULT_NONE;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Signed division and sign-extending moves: the codes that the offset tells apart. */
static enum vm_fault alu_by_offset(const struct ebpf_insn *i, bool wide, uint64_t *d, uint64_t b)
{
    const bool move = (i->opcode & 0xf0) == EBPF_ALU_MOV;
    const enum spec_alu op = ebpf_alu_of(i);

    if (op == SPEC_ALU_NONE || (move && !(i->opcode & EBPF_SRC_X)) ||
        (op == SPEC_ALU_SEXT32 && !wide))
        return VM_FAULT_OPCODE;
    *d = spec_alu_eval(op, wide ? 64 : 32, move ? b : *d, b);
    return VM_FAULT_NONE;
}

/* Arithmetic. mov takes its operand for a; an offset tells apart codes that share their number. */
static ALWAYS_INLINE enum vm_fault alu(struct vm *vm, const struct ebpf_insn *i, uint8_t op)
{
    const bool wide = (op & 0x07) == EBPF_CLASS_ALU64;
    uint64_t *d = &vm->r[i->dst];
    const uint64_t b = op & EBPF_SRC_X ? vm->r[i->src] : (uint64_t)(int64_t)i->imm;
    const uint8_t code = op & 0xf0;
    const uint64_t a = code == EBPF_ALU_MOV ? b : *d;

    if (UNLIKELY(i->off))
        return alu_by_offset(i, wide, d, b);
    switch (code) {
#define ALU_CASE(CODE, NAME)                                                                       \
    case EBPF_ALU_##CODE:                                                                          \
        *d = wide ? spec_##NAME##_64(a, b) : spec_##NAME##_32(a, b);                               \
        return VM_FAULT_NONE;
        EBPF_PLAIN_ALU(ALU_CASE)
#undef ALU_CASE
    case EBPF_ALU_NEG:
        *d = wide ? spec_sub_64(0, a) : spec_sub_32(0, a);
        return VM_FAULT_NONE;
    case EBPF_ALU_END:
        return ebpf_end_eval(i, d) ? VM_FAULT_NONE : VM_FAULT_OPCODE;
    default:
        return VM_FAULT_OPCODE;
    }
}

/* ---- control --------------------------------------------------------------------------------- */

static void go(struct vm *vm, int64_t offset)
{
    /* Beyond the program on either side is a fault at the next fetch. */
    vm->pc = (uint32_t)((int64_t)vm->pc + offset);
}

static enum vm_fault enter(struct vm *vm, const struct ebpf_insn *i)
{
    struct vm_frame *f;

    if (vm->depth - vm->base + 1 >= SPEC_CALL_FRAMES)
        return VM_FAULT_CALL;
    f = &vm->frames[vm->depth++];
    f->program = vm->program;
    f->return_pc = vm->pc;
    f->base = vm->base;
    memcpy(f->saved, &vm->r[6], sizeof(f->saved));
    memset(vm->stack[vm->depth], 0, SPEC_STACK_BYTES);
    vm->r[EBPF_REG_FP] = (uintptr_t)vm->stack[vm->depth] + SPEC_STACK_BYTES;
    go(vm, i->imm);
    return VM_FAULT_NONE;
}

/* A function's end; the caller may be one of another program, which went on in this one. */
static enum vm_fault leave(struct vm *vm)
{
    const struct vm_frame *f = &vm->frames[--vm->depth];
    const bool same = vm->program == f->program;

    vm->program = f->program;
    vm->pc = f->return_pc;
    vm->base = f->base;
    memcpy(&vm->r[6], f->saved, sizeof(f->saved));
    vm->r[EBPF_REG_FP] = (uintptr_t)vm->stack[vm->depth] + SPEC_STACK_BYTES;
    return same ? VM_FAULT_NONE : VM_SWITCHED;
}

/* Helpers that look at the packet, or decide where it goes. */
static bool needs_packet(int32_t helper)
{
    const struct spec_helper_row *row = spec_helper_find(helper);

    return !row || row->args[0] == SPEC_ARG_CTX || helper == SPEC_HELPER_REDIRECT ||
           helper == SPEC_HELPER_REDIRECT_MAP;
}

static enum vm_fault call(struct vm *vm, const struct ebpf_insn *i)
{
    vm_helper helper;

    if (i->opcode & EBPF_SRC_X)
        return VM_FAULT_OPCODE;
    if (i->src == EBPF_PSEUDO_CALL)
        return enter(vm, i);
    helper = i->src == 0 ? vm_helper_find(i->imm) : NULL;
    if (!helper || (vm->raw && needs_packet(i->imm)))
        return VM_FAULT_CALL;
    return helper(vm);
}

static ALWAYS_INLINE enum vm_fault jump(struct vm *vm, const struct ebpf_insn *i, uint8_t op)
{
    const bool wide = (op & 0x07) == EBPF_CLASS_JMP;
    const uint64_t a = vm->r[i->dst];
    const uint64_t b = op & EBPF_SRC_X ? vm->r[i->src] : (uint64_t)(int64_t)i->imm;

    switch (op & 0xf0) {
#define JUMP_CASE(CODE, NAME)                                                                      \
    case EBPF_JMP_##CODE:                                                                          \
        if (wide ? spec_##NAME##_64(a, b) : spec_##NAME##_32(a, b))                                \
            go(vm, i->off);                                                                        \
        return VM_FAULT_NONE;
        EBPF_COND_JUMPS(JUMP_CASE)
#undef JUMP_CASE
    case EBPF_JMP_JA:
        if (op & EBPF_SRC_X)
            return VM_FAULT_OPCODE;
        go(vm, wide ? i->off : i->imm);
        return VM_FAULT_NONE;
    case EBPF_JMP_CALL:
        return wide ? call(vm, i) : VM_FAULT_OPCODE;
    default:
        return VM_FAULT_OPCODE;
    }
}

/* ld_imm64 in its forms; the second slot is skipped. */
static enum vm_fault load_imm64(struct vm *vm, const struct ebpf_insn *i)
{
    uintptr_t first, end;

    if (i->opcode != OP_LD_IMM64 || vm->pc >= vm->program->insn_count || i[1].opcode)
        return VM_FAULT_OPCODE;
    vm->pc++;
    switch (i->src) {
    case 0:
        vm->r[i->dst] = (uint32_t)i[0].imm | (uint64_t)(uint32_t)i[1].imm << 32;
        return VM_FAULT_NONE;
    case EBPF_PSEUDO_FUNC: /* an instruction's number */
        vm->r[i->dst] = (uint32_t)i->imm;
        return VM_FAULT_NONE;
    case EBPF_PSEUDO_MAP_FD:
    case EBPF_PSEUDO_MAP_IDX:
        if ((uint32_t)i->imm >= vm->program->map_count)
            return VM_FAULT_OPCODE;
        vm->r[i->dst] = VM_MAP_HANDLE + (uint32_t)i->imm;
        return VM_FAULT_NONE;
    case EBPF_PSEUDO_MAP_VALUE:
    case EBPF_PSEUDO_MAP_IDX_VALUE:
        if ((uint32_t)i->imm >= vm->program->map_count)
            return VM_FAULT_OPCODE;
        map_value_range(vm->program->maps[i->imm], &first, &end);
        vm->r[i->dst] = first + (uint32_t)i[1].imm;
        return VM_FAULT_NONE;
    default:
        return VM_FAULT_OPCODE;
    }
}

/* What an opcode does. Called with a constant, so that only this opcode's part remains. */
static ALWAYS_INLINE enum vm_fault step_as(struct vm *vm, const struct ebpf_insn *i, uint8_t op)
{
    switch (op & 0x07) {
    case EBPF_CLASS_LD:
        return load_imm64(vm, i);
    case EBPF_CLASS_LDX:
        return load(vm, i, op);
    case EBPF_CLASS_ST:
        return store(vm, i, op, (uint64_t)(int64_t)i->imm);
    case EBPF_CLASS_STX:
        if ((op & 0xe0) == EBPF_MODE_ATOMIC)
            return atomic(vm, i);
        return store(vm, i, op, vm->r[i->src]);
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return alu(vm, i, op);
    default:
        return jump(vm, i, op);
    }
}

/* One instruction, already fetched: pc is behind it. Exit of the program itself is the caller's
 * matter. A case for each of the 256 opcodes makes it one jump. */
static inline enum vm_fault step(struct vm *vm, const struct ebpf_insn *i)
{
#define OP(n)                                                                                      \
    case n:                                                                                        \
        return step_as(vm, i, n);
#define OPS_4(n) OP(n) OP((n) + 1) OP((n) + 2) OP((n) + 3)
#define OPS_16(n) OPS_4(n) OPS_4((n) + 4) OPS_4((n) + 8) OPS_4((n) + 12)
#define OPS_64(n) OPS_16(n) OPS_16((n) + 16) OPS_16((n) + 32) OPS_16((n) + 48)
    switch (i->opcode) {
        OPS_64(0) OPS_64(64) OPS_64(128) OPS_64(192)
    }
#undef OPS_64
#undef OPS_16
#undef OPS_4
#undef OP
    return VM_FAULT_OPCODE;
}

/* Runs the program at hand to its end, or until another takes its place. */
static enum vm_fault run_program(struct vm *vm, uint64_t max_insns, uint32_t *fault_insn)
{
    const uint64_t budget = max_insns ? max_insns : UINT64_MAX;
    const struct ebpf_insn *const insns = vm->program->insns;
    const uint32_t count = vm->program->insn_count;
    enum vm_fault fault = VM_FAULT_NONE;
    uint32_t at_insn = 0;

    while (!fault) {
        const struct ebpf_insn *i;

        if (UNLIKELY(vm->pc >= count)) {
            *fault_insn = at_insn; /* the one that led here */
            return VM_FAULT_JUMP;
        }
        i = &insns[vm->pc];
        at_insn = vm->pc++;
        if (UNLIKELY(vm->insns++ >= budget))
            fault = VM_FAULT_BUDGET;
        else if (UNLIKELY(i->dst > EBPF_REG_FP || i->src > EBPF_REG_FP))
            fault = VM_FAULT_OPCODE;
        else if (i->opcode != ((int)EBPF_CLASS_JMP | EBPF_JMP_EXIT))
            fault = step(vm, i);
        else if (vm->depth == vm->floor)
            return VM_FAULT_NONE;
        else
            fault = leave(vm);
    }
    *fault_insn = at_insn;
    return fault;
}

static enum vm_fault go_on(struct vm *vm, uint64_t max_insns, uint32_t *fault_insn)
{
    enum vm_fault fault;

    do
        fault = run_program(vm, max_insns, fault_insn);
    while (fault == VM_SWITCHED);
    return fault;
}

static void show_all(const void *whom, const struct vm *vm)
{
    const struct vm_observer *o = whom;

    o->before(o->ctx, vm);
}

/* go_on, an instruction at a time. */
static enum vm_fault go_on_shown(struct vm *vm, uint64_t max_insns,
                                 void (*show)(const void *whom, const struct vm *vm),
                                 const void *whom, uint32_t *fault_insn)
{
    enum vm_fault fault;

    for (;;) {
        if (vm->pc < vm->program->insn_count)
            show(whom, vm);
        fault = go_on(vm, vm->insns + 1, fault_insn);
        if (fault != VM_FAULT_BUDGET || (max_insns && vm->insns > max_insns))
            return fault;
        vm->pc = *fault_insn; /* fetched and not executed */
        vm->insns--;
    }
}

enum vm_fault vm_call_back(struct vm *vm, uint32_t insn)
{
    const struct ebpf_insn call = {.imm = (int32_t)(insn - vm->pc)};
    const uint32_t floor = vm->floor;
    enum vm_fault fault = enter(vm, &call);
    uint32_t at;

    if (fault)
        return fault;
    vm->floor = vm->depth;
    fault = vm->observer ? go_on_shown(vm, vm->max_insns, show_all, vm->observer, &at)
                         : go_on(vm, vm->max_insns, &at);
    vm->floor = floor;
    if (!fault)
        leave(vm);
    return fault;
}

static void start(struct vm *vm, const struct vm_program *program)
{
    memset(vm->r, 0, sizeof(vm->r));
    vm->r[EBPF_REG_FP] = (uintptr_t)vm->stack[0] + SPEC_STACK_BYTES;
    memset(vm->stack[0], 0, SPEC_STACK_BYTES);
    vm->program = program;
    vm->raw = false;
    vm->redirect = 0;
    vm->insns = 0;
    vm->pc = 0;
    vm->depth = 0;
    vm->base = 0;
    vm->tail_calls = 0;
    vm->floor = 0;
    vm->max_insns = 0;
    vm->value_first = 0;
    vm->value_bytes = 0;
    vm->value_writable = false;
    vm->keys = NULL;
    vm->observer = NULL;
}

static void start_packet(struct vm *vm, const struct vm_program *program, struct vm_packet *packet)
{
    start(vm, program);
    vm->packet = packet;
    vm->r[1] = (uintptr_t)vm->ctx;
    vm_packet_moved(vm);
}

static void take_result(const struct vm *vm, struct vm_result *result)
{
    result->ret = (uint32_t)vm->r[0];
    result->redirect = result->ret == SPEC_XDP_REDIRECT ? vm->redirect : 0;
    result->insns = vm->insns;
}

enum vm_fault vm_run(const struct vm_program *program, struct vm_packet *packet, uint64_t max_insns,
                     struct vm_result *result, uint32_t *fault_insn)
{
    struct vm vm; /* its stack is zeroed frame by frame */
    enum vm_fault fault;

    start_packet(&vm, program, packet);
    vm.max_insns = max_insns;
    fault = go_on(&vm, max_insns, fault_insn);
    if (!fault)
        take_result(&vm, result);
    return fault;
}

enum vm_fault vm_run_observed(const struct vm_program *program, struct vm_packet *packet,
                              uint64_t max_insns, const struct vm_observer *observer,
                              struct vm_result *result, uint32_t *fault_insn)
{
    struct vm vm;
    enum vm_fault fault;

    start_packet(&vm, program, packet);
    if (observer->callbacks)
        vm.observer = observer;
    fault = go_on_shown(&vm, max_insns, show_all, observer, fault_insn);
    if (!fault)
        take_result(&vm, result);
    return fault;
}

static void start_raw(struct vm *vm, const struct vm_program *program, struct vm_packet *none,
                      void *memory, uint64_t bytes)
{
    start(vm, program);
    *none = (struct vm_packet){.rand = vm_rand_seed(0, 0)};
    vm->packet = none;
    vm->raw = true;
    vm->bytes_first = (uintptr_t)memory;
    vm->bytes_count = bytes;
    vm->r[1] = (uintptr_t)memory;
    vm->r[2] = bytes;
}

enum vm_fault vm_run_raw(const struct vm_program *program, void *memory, uint64_t bytes,
                         uint64_t max_insns, uint64_t *r0, uint32_t *fault_insn)
{
    struct vm vm;
    struct vm_packet none;
    enum vm_fault fault;

    start_raw(&vm, program, &none, memory, bytes);
    fault = go_on(&vm, max_insns, fault_insn);
    if (!fault)
        *r0 = vm.r[0];
    return fault;
}

static void show_registers(const void *whom, const struct vm *vm)
{
    const struct vm_watch *w = whom;

    w->before(w->ctx, vm->pc, vm->depth, vm->r);
}

enum vm_fault vm_run_watched(const struct vm_program *program, void *memory, uint64_t bytes,
                             uint64_t max_insns, const struct vm_watch *watch, uint64_t *r0,
                             uint32_t *fault_insn)
{
    struct vm vm;
    struct vm_packet none;
    enum vm_fault fault;

    start_raw(&vm, program, &none, memory, bytes);
    fault = go_on_shown(&vm, max_insns, show_registers, watch, fault_insn);
    if (!fault)
        *r0 = vm.r[0];
    return fault;
}
