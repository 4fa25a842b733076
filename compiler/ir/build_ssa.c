/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>

/* Variables become values while the code is translated. A block that is not sealed may get more
 * predecessors: what is read in it and not written before becomes a phi, whose operands follow when
 * it is sealed. */

ir_block build_block_new(struct builder *b, uint32_t pc)
{
    const ir_block block = ir_block_new(b->f);

    b->blocks = arena_grow(b->arena, b->blocks, block, &b->block_capacity, sizeof(*b->blocks));
    b->blocks[block] =
        (struct build_block){.defs = arena_array(b->arena, BUILD_VARS, sizeof(ir_ref)), .pc = pc};
    return block;
}

static ir_ref new_phi(struct builder *b, ir_block block)
{
    const struct ir_insn phi = {.op = IR_PHI, .pc = b->blocks[block].pc};
    const ir_ref ref = ir_new(b->f, phi, NULL, 0);

    ir_insert(b->f, block, 0, ref);
    return ref;
}

static ir_ref read_in(struct builder *b, ir_block block, uint32_t var);

static void fill_phi(struct builder *b, ir_block block, uint32_t var, ir_ref phi)
{
    const uint32_t n = b->f->blocks[block].pred_count;
    ir_ref *args = arena_array(b->arena, n, sizeof(*args));

    for (uint32_t i = 0; i < n; i++)
        args[i] = read_in(b, b->f->blocks[block].preds[i], var);
    b->f->insns[phi].args = args;
    b->f->insns[phi].nargs = (uint16_t)n;
}

/* The value of a variable at the end of a block. */
static ir_ref read_in(struct builder *b, ir_block block, uint32_t var)
{
    const struct ir_block_data *data = &b->f->blocks[block];
    ir_ref value = b->blocks[block].defs[var];

    if (value != IR_NONE)
        return value;
    if (!b->blocks[block].sealed) {
        struct build_pending *p = arena_alloc(b->arena, sizeof(*p));

        value = new_phi(b, block);
        *p = (struct build_pending){b->blocks[block].pending, var, value};
        b->blocks[block].pending = p;
    } else if (data->pred_count == 0) {
        /* Nothing was written on the way here: the verifier saw that nobody looks at it. */
        value = build_const(b, 0);
    } else if (data->pred_count == 1) {
        value = read_in(b, data->preds[0], var);
    } else {
        value = new_phi(b, block);
        b->blocks[block].defs[var] = value; /* ends the recursion in a loop */
        fill_phi(b, block, var, value);
    }
    b->blocks[block].defs[var] = value;
    return value;
}

void build_seal(struct builder *b, ir_block block)
{
    assert(!b->blocks[block].sealed);
    b->blocks[block].sealed = true;
    for (struct build_pending *p = b->blocks[block].pending; p; p = p->next)
        fill_phi(b, block, p->var, p->phi);
    b->blocks[block].pending = NULL;
}

void build_write(struct builder *b, uint32_t var, ir_ref value)
{
    assert(value != IR_NONE);
    b->blocks[b->cur].defs[var] = value;
}

ir_ref build_read(struct builder *b, uint32_t var)
{
    return read_in(b, b->cur, var);
}

ir_ref build_reg(struct builder *b, uint32_t reg)
{
    if (reg == EBPF_REG_FP && !b->raw)
        return build_const(b, BUILD_STACK_BIAS + (uint64_t)b->frame_top[b->context]);
    return build_read(b, b->depth * EBPF_REGS + reg);
}

void build_set_reg(struct builder *b, uint32_t reg, ir_ref value)
{
    build_write(b, b->depth * EBPF_REGS + reg, value);
}

/* --- instructions ------------------------------------------------------------------------- */

static uint32_t const_slot(const struct builder *b, uint64_t value)
{
    uint32_t h = (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (b->const_size - 1);

    while (b->consts[h] && b->f->insns[b->consts[h]].imm != value)
        h = (h + 1) & (b->const_size - 1);
    return h;
}

static void grow_consts(struct builder *b)
{
    uint32_t *old = b->consts;
    const uint32_t old_size = b->const_size;

    b->const_size = old_size ? 2 * old_size : 64;
    b->consts = arena_array(b->arena, b->const_size, sizeof(*b->consts));
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i])
            b->consts[const_slot(b, b->f->insns[old[i]].imm)] = old[i];
}

ir_ref build_const(struct builder *b, uint64_t value)
{
    const struct ir_insn insn = {.op = IR_CONST, .imm = value, .pc = IR_NO_PC};
    uint32_t slot;

    if (2 * b->const_count >= b->const_size)
        grow_consts(b);
    slot = const_slot(b, value);
    if (!b->consts[slot]) {
        b->consts[slot] = ir_append(b->f, 0, insn, NULL, 0);
        b->const_count++;
    }
    return b->consts[slot];
}

ir_ref build_input(struct builder *b, enum spec_input which)
{
    const struct ir_insn insn = {.op = IR_INPUT, .imm = which, .pc = IR_NO_PC};

    if (b->inputs[which] == IR_NONE)
        b->inputs[which] = ir_append(b->f, 0, insn, NULL, 0);
    return b->inputs[which];
}

ir_ref build_emit(struct builder *b, struct ir_insn insn, const ir_ref *args, uint32_t nargs)
{
    insn.pc = b->pc;
    return ir_append(b->f, b->cur, insn, args, nargs);
}

bool build_is_const(const struct builder *b, ir_ref ref, uint64_t *value)
{
    if (b->f->insns[ref].op != IR_CONST)
        return false;
    *value = b->f->insns[ref].imm;
    return true;
}

ir_ref build_alu(struct builder *b, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y)
{
    const struct ir_insn insn = {.op = IR_ALU, .alu = (uint8_t)alu, .width = width};
    const uint32_t arity = spec_alu_table[alu].arity;
    const ir_ref args[2] = {x, y};
    uint64_t vx;
    uint64_t vy = 0;

    if (build_is_const(b, x, &vx) && (arity == 1 || build_is_const(b, y, &vy)))
        return build_const(b, spec_alu_eval(alu, width, vx, vy));
    if (alu == SPEC_ALU_MOV && width == 64)
        return x;
    return build_emit(b, insn, args, arity);
}

ir_ref build_alu_imm(struct builder *b, enum spec_alu alu, uint8_t width, ir_ref x, uint64_t y)
{
    return build_alu(b, alu, width, x, build_const(b, y));
}

ir_ref build_select(struct builder *b, ir_ref cond, ir_ref yes, ir_ref no)
{
    const struct ir_insn insn = {.op = IR_SELECT};
    const ir_ref args[3] = {cond, yes, no};
    uint64_t v;

    if (build_is_const(b, cond, &v))
        return v ? yes : no;
    if (yes == no)
        return yes;
    return build_emit(b, insn, args, 3);
}

void build_jump(struct builder *b, ir_block to)
{
    build_emit(b, (struct ir_insn){.op = IR_JMP}, NULL, 0);
    ir_edge(b->f, b->cur, to);
}

void build_branch(struct builder *b, ir_ref cond, ir_block yes, ir_block no)
{
    uint64_t v;

    if (yes == no) {
        build_jump(b, yes);
    } else if (build_is_const(b, cond, &v)) {
        build_jump(b, v ? yes : no);
    } else {
        build_emit(b, (struct ir_insn){.op = IR_BR}, &cond, 1);
        ir_edge(b->f, b->cur, yes);
        ir_edge(b->f, b->cur, no);
    }
}
