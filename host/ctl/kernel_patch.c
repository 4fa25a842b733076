/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/kernel_patch.h"

#include "compiler/ebpf/ebpf.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>
#include <stdlib.h>

/* The longest: 10 around a call of ring buffers, and 7 for each of them. */
enum { SEQUENCE_MAX = 10 + 7 * KERNEL_RINGS_MAX };

/* Instructions that take the place of one. */
struct sequence {
    struct ebpf_insn insns[SEQUENCE_MAX];
    uint32_t count;
};

static void add(struct sequence *s, struct ebpf_insn insn)
{
    s->insns[s->count++] = insn;
}

/* dst = address of the environment's field at offset */
static void add_address(struct sequence *s, uint8_t dst, int env, size_t offset)
{
    add(s, (struct ebpf_insn){.opcode = EBPF_OP_LD_IMM64,
                              .dst = dst & 15u,
                              .src = EBPF_PSEUDO_MAP_VALUE,
                              .imm = env});
    add(s, (struct ebpf_insn){.imm = (int32_t)offset});
}

/* dst = *(size *)(base + 0) */
static void add_load(struct sequence *s, uint8_t dst, uint8_t base, enum ebpf_size size)
{
    add(s, (struct ebpf_insn){.opcode = (uint8_t)((int)EBPF_CLASS_LDX | EBPF_MODE_MEM | (int)size),
                              .dst = dst & 15u,
                              .src = base & 15u});
}

/* dst = the environment's field; no other register changes. */
static void add_field(struct sequence *s, uint8_t dst, int env, size_t offset, enum ebpf_size size)
{
    add_address(s, dst, env, offset);
    add_load(s, dst, dst, size);
}

/* w0 ^= w0 shifted by bits; w2 is scratch. */
static void add_xor_shift(struct sequence *s, enum ebpf_alu_code shift, int32_t bits)
{
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_ALU | EBPF_ALU_MOV | EBPF_SRC_X, .dst = 2, .src = 0});
    add(s, (struct ebpf_insn){
               .opcode = (uint8_t)((int)EBPF_CLASS_ALU | (int)shift), .dst = 2, .imm = bits});
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_ALU | EBPF_ALU_XOR | EBPF_SRC_X, .dst = 0, .src = 2});
}

/* The packet's generator (vm_rand_next): a call ends r1 to r5 anyway. */
static void add_rand(struct sequence *s, int env)
{
    add_address(s, 1, env, offsetof(struct kernel_env, rand));
    add_load(s, 0, 1, EBPF_SIZE_W);
    add_xor_shift(s, EBPF_ALU_LSH, 13);
    add_xor_shift(s, EBPF_ALU_RSH, 17);
    add_xor_shift(s, EBPF_ALU_LSH, 5);
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_STX | EBPF_MODE_MEM | EBPF_SIZE_W, .dst = 1, .src = 0});
}

/* Counts the call, and calls: r5 and r0 are free. */
static void add_counted(struct sequence *s, const struct ebpf_insn *call, int env, size_t counter)
{
    add_address(s, 5, env, counter);
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV, .dst = 0, .imm = 1});
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | EBPF_SIZE_DW,
                              .dst = 5,
                              .src = 0,
                              .imm = EBPF_ALU_ADD});
    add(s, *call);
}

/* ++*(u64 *)base; r4 is scratch. */
static void add_one(struct sequence *s, uint8_t base)
{
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV, .dst = 4, .imm = 1});
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | EBPF_SIZE_DW,
                              .dst = base & 15u,
                              .src = 4,
                              .imm = EBPF_ALU_ADD});
}

/* Calls for a record, and counts if the ring buffer has no room for it: the call gives -EAGAIN or,
 * reserving, 0. Which buffer it is, only the run knows: its address is kept, and compared. r0 is
 * free before the call, r1 to r5 after it. */
static void add_record(struct sequence *s, const struct ebpf_insn *call,
                       const struct kernel_fds *fds)
{
    const int32_t full = call->imm == SPEC_HELPER_RINGBUF_RESERVE ? 0 : -EAGAIN;

    add_address(s, 0, fds->env, offsetof(struct kernel_env, ring));
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_STX | EBPF_MODE_MEM | EBPF_SIZE_DW, .dst = 0, .src = 1});
    if (call->imm == SPEC_HELPER_RINGBUF_RESERVE) { /* refused for its flags: none is lost */
        add(s, (struct ebpf_insn){
                   .opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JEQ, .dst = 3, .off = 1, .imm = 0});
        add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ST | EBPF_MODE_MEM | EBPF_SIZE_DW,
                                  .dst = 0});
    }
    add(s, *call);
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JNE,
                              .dst = 0,
                              .off = (int16_t)(3 + 7 * fds->ring_count),
                              .imm = full});
    add_field(s, 1, fds->env, offsetof(struct kernel_env, ring), EBPF_SIZE_DW);
    for (uint32_t i = 0; i < fds->ring_count; i++) {
        add(s, (struct ebpf_insn){.opcode = EBPF_OP_LD_IMM64,
                                  .dst = 2,
                                  .src = EBPF_PSEUDO_MAP_FD,
                                  .imm = fds->rings[i]});
        add(s, (struct ebpf_insn){0});
        add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JNE | EBPF_SRC_X,
                                  .dst = 1,
                                  .src = 2,
                                  .off = 4});
        add_address(s, 3, fds->env, offsetof(struct kernel_env, lost) + i * sizeof(uint64_t));
        add_one(s, 3);
    }
}

/* Puts a perf event into an entry: the current CPU's is the queue's, and entries of other queues
 * are open, but on other CPUs. Here only the packet's is. r0 is free before the call, r1 to r5
 * after it. */
static void add_event(struct sequence *s, const struct ebpf_insn *call, int env)
{
    const int mov = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV;

    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP32 | EBPF_JMP_JNE,
                              .dst = 3,
                              .off = 6,
                              .imm = -1}); /* BPF_F_CURRENT_CPU */
    add_field(s, 0, env, offsetof(struct kernel_env, cpu), EBPF_SIZE_W);
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_RSH, .dst = 3, .imm = 32});
    add(s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_LSH, .dst = 3, .imm = 32});
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_OR | EBPF_SRC_X, .dst = 3, .src = 0});
    add_address(s, 0, env, offsetof(struct kernel_env, event_index));
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_STX | EBPF_MODE_MEM | EBPF_SIZE_W, .dst = 0, .src = 3});
    add(s, *call);
    add(s, (struct ebpf_insn){
               .opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JNE, .dst = 0, .off = 5, .imm = -ENOENT});
    add_field(s, 1, env, offsetof(struct kernel_env, event_index), EBPF_SIZE_W);
    add(s,
        (struct ebpf_insn){
            .opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JGE, .dst = 1, .off = 1, .imm = SPEC_QUEUES});
    add(s, (struct ebpf_insn){.opcode = (uint8_t)mov, .dst = 0, .imm = -EOPNOTSUPP});
}

/* What stands in place of a load of a context field; empty: the load stays. */
static struct sequence field_replacement(const struct ebpf_insn *i, uint8_t ctx_field, int env)
{
    static const struct {
        uint8_t field; /* enum spec_ctx */
        size_t env_offset;
    } rows[] = {
        {SPEC_CTX_RX_QUEUE_INDEX, offsetof(struct kernel_env, queue)},
        {SPEC_CTX_INGRESS_IFINDEX, offsetof(struct kernel_env, ifindex)},
        {SPEC_CTX_EGRESS_IFINDEX, offsetof(struct kernel_env, egress)},
    };
    struct sequence s = {.count = 0};

    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
        if (rows[k].field == ctx_field)
            add_field(&s, i->dst, env, rows[k].env_offset, EBPF_SIZE_W);
    if (s.count && ebpf_is_load_signed(i))
        add(&s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV | EBPF_SRC_X,
                                   .dst = i->dst,
                                   .src = i->dst,
                                   .off = 32});
    return s;
}

/* What stands in place of a helper's call; empty: the call stays. */
static struct sequence call_replacement(const struct ebpf_insn *i, const struct kernel_fds *fds)
{
    const int env = fds->env;
    struct sequence s = {.count = 0};

    switch (i->imm) {
    case SPEC_HELPER_KTIME_GET_NS:
    case SPEC_HELPER_KTIME_GET_BOOT_NS:
    case SPEC_HELPER_KTIME_GET_COARSE_NS:
    case SPEC_HELPER_KTIME_GET_TAI_NS:
        add_field(&s, 0, env, offsetof(struct kernel_env, time_ns), EBPF_SIZE_DW);
        break;
    case SPEC_HELPER_JIFFIES64:
        add_field(&s, 0, env, offsetof(struct kernel_env, time_ns), EBPF_SIZE_DW);
        add(&s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_DIV,
                                   .dst = 0,
                                   .imm = SPEC_JIFFY_NS});
        break;
    case SPEC_HELPER_CHECK_MTU: /* interface 0 is the packet's own */
        add(&s,
            (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP32 | EBPF_JMP_JNE, .dst = 2, .off = 3});
        add_field(&s, 2, env, offsetof(struct kernel_env, ifindex), EBPF_SIZE_W);
        add(&s, *i);
        break;
    case SPEC_HELPER_GET_NUMA_NODE_ID:
        add(&s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV, .dst = 0});
        break;
    case SPEC_HELPER_GET_SMP_PROCESSOR_ID:
        add_field(&s, 0, env, offsetof(struct kernel_env, cpu), EBPF_SIZE_W);
        add(&s, (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_AND, /* so it knows */
                                   .dst = 0,
                                   .imm = SPEC_QUEUES - 1});
        break;
    case SPEC_HELPER_GET_PRANDOM_U32:
        add_rand(&s, env);
        break;
    case SPEC_HELPER_MAP_UPDATE_ELEM:
        if (fds->count_changes)
            add_counted(&s, i, env, offsetof(struct kernel_env, updates));
        break;
    case SPEC_HELPER_MAP_DELETE_ELEM:
        if (fds->count_changes)
            add_counted(&s, i, env, offsetof(struct kernel_env, deletes));
        break;
    case SPEC_HELPER_PERF_EVENT_OUTPUT:
        add_event(&s, i, env);
        break;
    case SPEC_HELPER_RINGBUF_OUTPUT:
    case SPEC_HELPER_RINGBUF_RESERVE:
        if (fds->ring_count)
            add_record(&s, i, fds);
        break;
    default:
        break;
    }
    return s;
}

/* A patch under way. */
struct patch {
    const struct ebpf_insn *in;
    uint32_t count;
    const uint8_t *ctx_field;
    const struct kernel_fds *fds;
    uint32_t *place; /* of each instruction in the new program, and of the end */
    struct ebpf_insn *out;
};

static struct sequence sequence_of(const struct patch *p, uint32_t at)
{
    const struct ebpf_insn *i = &p->in[at];

    if (ebpf_is_helper_call(i))
        return call_replacement(i, p->fds);
    return field_replacement(i, p->ctx_field ? p->ctx_field[at] : 0, p->fds->env);
}

/* Slots of the instruction at `at` in the old program. */
static uint32_t slots_of(const struct patch *p, uint32_t at)
{
    return ebpf_slots(&p->in[at]);
}

/* Gives each instruction its place; 0, or -EINVAL for half an instruction at the end. */
static int lay_out(struct patch *p, uint32_t *bad)
{
    uint32_t next = 0;

    for (uint32_t at = 0; at < p->count; at += slots_of(p, at)) {
        const uint32_t n = sequence_of(p, at).count;

        if (at + slots_of(p, at) > p->count) {
            *bad = at;
            return -EINVAL;
        }
        p->place[at] = next;
        if (slots_of(p, at) == 2)
            p->place[at + 1] = UINT32_MAX; /* nothing may jump there */
        next += n ? n : slots_of(p, at);
    }
    p->place[p->count] = next;
    return 0;
}

/* The distance from the instruction at `at` to an old instruction, both in their new places. */
static int distance(const struct patch *p, uint32_t at, int64_t target, int64_t *out)
{
    if (target < 0 || target >= p->count || p->place[target] == UINT32_MAX)
        return -EINVAL;
    *out = (int64_t)p->place[target] - p->place[at] - 1;
    return 0;
}

/* Jumps and calls of functions. */
static int fix_target(const struct patch *p, uint32_t at, struct ebpf_insn *i)
{
    const bool far = ebpf_is_call(i) || i->opcode == EBPF_OP_GOTOL;
    int64_t d;
    int err = distance(p, at, ebpf_target(i, at), &d);

    if (err)
        return err;
    if (far) {
        i->imm = (int32_t)d;
        return 0;
    }
    if (d != (int16_t)d)
        return -ERANGE;
    i->off = (int16_t)d;
    return 0;
}

/* Map indices become descriptors, a function's number a distance. */
static int fix_constant(const struct patch *p, uint32_t at, struct ebpf_insn *i)
{
    const uint32_t index = (uint32_t)i->imm;
    int64_t d;
    int err;

    switch (i->src) {
    case EBPF_PSEUDO_MAP_FD:
    case EBPF_PSEUDO_MAP_VALUE:
        if (index >= p->fds->map_count)
            return -EINVAL;
        i->imm = p->fds->maps[index];
        return 0;
    case EBPF_PSEUDO_FUNC:
        err = distance(p, at, index, &d);
        if (!err)
            i->imm = (int32_t)d;
        return err;
    default:
        return 0;
    }
}

static int copy(const struct patch *p, uint32_t at)
{
    const struct sequence s = sequence_of(p, at);
    struct ebpf_insn *to = &p->out[p->place[at]];

    for (uint32_t k = 0; k < s.count; k++)
        to[k] = s.insns[k];
    if (s.count)
        return 0;
    for (uint32_t k = 0; k < slots_of(p, at); k++)
        to[k] = p->in[at + k];
    if (ebpf_is_jump(to) || ebpf_is_subprog_call(to))
        return fix_target(p, at, to);
    return ebpf_is_ld_imm64(to) ? fix_constant(p, at, to) : 0;
}

int kernel_patch(const struct ebpf_insn *insns, uint32_t count, const uint8_t *ctx_field,
                 const struct kernel_fds *fds, struct ebpf_insn **out, uint32_t *out_count,
                 uint32_t *bad)
{
    struct patch p = {insns, count, ctx_field, fds, NULL, NULL};
    int err;

    p.place = calloc((size_t)count + 1, sizeof(*p.place));
    if (!p.place)
        return -ENOMEM;
    err = lay_out(&p, bad);
    if (err)
        goto done;
    p.out = calloc((size_t)p.place[count] + 1, sizeof(*p.out));
    if (!p.out) {
        err = -ENOMEM;
        goto done;
    }
    for (uint32_t at = 0; at < count && !err; at += slots_of(&p, at)) {
        err = copy(&p, at);
        if (err)
            *bad = at;
    }
    if (err) {
        free(p.out);
        goto done;
    }
    *out = p.out;
    *out_count = p.place[count];
done:
    free(p.place);
    return err;
}
