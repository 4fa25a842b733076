/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

/* How programs without a packet and without a verifier begin, call, return and end. Registers are
 * the machine's: a callee finds r0 to r9 as they are, and leaves r0 to r5 behind. */

enum { FIRST_SAVED = 6, FRAME_WORDS = SPEC_STACK_BYTES / 8 };

static bool has_map(const struct builder *b)
{
    return b->raw->map != VERIFY_MAP_NONE;
}

/* The address of a byte of the map that holds memory and stack. */
static uint64_t map_address(const struct builder *b, uint32_t at)
{
    return (uint64_t)(b->raw->map + 1) << SPEC_MAPPTR_SHIFT | at;
}

/* The address that a context's r10 has. */
static uint64_t frame_address(const struct builder *b, uint32_t context)
{
    const uint32_t depth = b->facts->contexts[context].depth;

    if (has_map(b))
        return map_address(b, b->raw->stack_at + (depth + 1) * SPEC_STACK_BYTES);
    return BUILD_STACK_BIAS + (uint64_t)b->frame_top[context];
}

/* A place at a constant offset of the memory, or of a frame. */
static void store_at(struct builder *b, const struct verify_pointer *p, uint64_t base, ir_ref value)
{
    struct build_place place;

    if (build_place_of(b, p, build_const(b, base), p->off_min, &place) == 0)
        build_store(b, &place, 0, 8, value);
}

void build_raw_frame(struct builder *b, uint32_t context)
{
    const uint32_t depth = b->facts->contexts[context].depth;
    const uint64_t fp = frame_address(b, context);
    struct verify_pointer p = {.region = has_map(b) ? VERIFY_REGION_MAP : VERIFY_REGION_STACK,
                               .frame = (uint8_t)depth,
                               .map = b->raw->map};
    const uint32_t caller = b->context;

    build_write(b, depth * EBPF_REGS + EBPF_REG_FP, build_const(b, fp));
    b->context = context; /* whose frames the place is looked for in */
    for (int32_t word = 0; word < FRAME_WORDS; word++) {
        if (!(b->raw->zeroed[context] >> word & 1))
            continue;
        p.off_min = p.off_max = 8 * word - SPEC_STACK_BYTES;
        store_at(b, &p, fp, build_const(b, 0));
    }
    b->context = caller;
}

void build_raw_open(struct builder *b)
{
    const struct ir_build_raw *raw = b->raw;
    ir_ref length = build_const(b, raw->memory_bytes);
    ir_ref memory = build_const(b, 0);

    if (has_map(b)) {
        memory = build_const(b, raw->memory_bytes ? map_address(b, 0) : 0);
    } else if (raw->memory_bytes) {
        memory = build_read(b, BUILD_VAR_DATA);
        length = build_alu_imm(b, SPEC_ALU_SUB, 64, build_input(b, SPEC_IN_LEN),
                               raw->result_at + 8 - raw->memory_bytes);
    }
    build_write(b, 1, memory);
    build_write(b, 2, length);
    build_raw_frame(b, 0);
}

/* The time of such a run is 0, which the compiler does not know. */
ir_ref build_raw_const(struct builder *b, uint64_t value)
{
    const ir_ref c = build_const(b, value);

    return b->raw->hidden ? build_alu(b, SPEC_ALU_ADD, 64, c, build_input(b, SPEC_IN_TIME)) : c;
}

void build_raw_call(struct builder *b)
{
    for (uint32_t r = 0; r < EBPF_REG_FP; r++)
        build_write(b, (b->depth + 1) * EBPF_REGS + r, build_reg(b, r));
}

void build_raw_return(struct builder *b)
{
    for (uint32_t r = 0; r < FIRST_SAVED; r++)
        build_write(b, (b->depth - 1) * EBPF_REGS + r, build_reg(b, r));
    /* r10 is the frame's again, whatever was written to it. */
    build_write(b, (b->depth - 1) * EBPF_REGS + EBPF_REG_FP,
                build_const(b, frame_address(b, b->facts->contexts[b->context].parent)));
}

void build_raw_exit(struct builder *b)
{
    const ir_ref r0 = build_reg(b, 0);
    const struct verify_pointer p = {.region = has_map(b) ? VERIFY_REGION_MAP : VERIFY_REGION_PKT,
                                     .map = b->raw->map,
                                     .off_min = (int32_t)b->raw->result_at,
                                     .off_max = (int32_t)b->raw->result_at};
    ir_ref args[4] = {build_alu(b, SPEC_ALU_MOV, 32, r0, IR_NONE), build_read(b, BUILD_VAR_DATA),
                      build_read(b, BUILD_VAR_END), build_const(b, 0)};

    store_at(b, &p, has_map(b) ? map_address(b, 0) : SPEC_PKT_BASE, r0);
    build_emit(b, (struct ir_insn){.op = IR_EXIT}, args, 4);
}
