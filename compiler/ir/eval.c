/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/eval.h"

#include <errno.h>
#include <string.h>

/* The meaning of the IR, one packet at a time, without a thought for speed. */

struct eval {
    const struct ir_func *f;
    const struct ir_maps_ops *maps;
    struct ir_run *run;
    uint64_t *value; /* by ir_ref */
    uint8_t stack[SPEC_STACK_BYTES];
};

static uint64_t swap_bytes(uint64_t v, uint32_t size)
{
    return spec_bswap64_64(v, 0) >> (64 - 8 * size);
}

static uint64_t low_bytes(uint64_t v, uint32_t size)
{
    return size == 8 ? v : v & ((UINT64_C(1) << (8 * size)) - 1);
}

static uint64_t operand(const struct eval *e, const struct ir_insn *in, uint32_t i)
{
    return e->value[in->args[i]];
}

/* The bytes of a packet or stack access, or NULL outside of it. */
static uint8_t *bytes_at(struct eval *e, const struct ir_insn *in, uint64_t address)
{
    if (in->region == IR_REGION_PKT)
        return ir_packet_at(e->run, address, in->size);
    if (address > SPEC_STACK_BYTES || SPEC_STACK_BYTES - address < in->size)
        return NULL;
    return e->stack + address;
}

static int eval_load(struct eval *e, const struct ir_insn *in, uint64_t *out)
{
    const uint64_t address = operand(e, in, 0) + in->imm;
    uint64_t v = 0;

    if (in->region == IR_REGION_MAP) {
        const int err = e->maps->access(e->maps->ctx, address, in->size, &v, false);

        if (err)
            return err;
    } else {
        const uint8_t *p = bytes_at(e, in, address);

        if (!p)
            return -EFAULT;
        for (uint32_t i = 0; i < in->size; i++)
            v |= (uint64_t)p[i] << (8 * i);
    }
    *out = in->swap ? swap_bytes(v, in->size) : v;
    return 0;
}

static int eval_store(struct eval *e, const struct ir_insn *in)
{
    const uint64_t address = operand(e, in, 0) + in->imm;
    uint64_t v = low_bytes(operand(e, in, 1), in->size);
    uint8_t *p;

    if (in->swap)
        v = swap_bytes(v, in->size);
    if (in->region == IR_REGION_MAP)
        return e->maps->access(e->maps->ctx, address, in->size, &v, true);
    p = bytes_at(e, in, address);
    if (!p)
        return -EFAULT;
    for (uint32_t i = 0; i < in->size; i++)
        p[i] = (uint8_t)(v >> (8 * i));
    return 0;
}

static int eval_atomic(struct eval *e, const struct ir_insn *in, uint64_t *out)
{
    const uint64_t address = operand(e, in, 0) + in->imm;
    const uint64_t b = low_bytes(operand(e, in, 1), in->size);
    const uint64_t expect = in->nargs > 2 ? low_bytes(operand(e, in, 2), in->size) : 0;
    uint64_t old = 0;
    uint64_t v;
    int err = e->maps->access(e->maps->ctx, address, in->size, &old, false);

    if (err)
        return err;
    v = low_bytes(spec_atomic_eval((enum spec_atomic)in->atomic, old, b, expect), in->size);
    err = e->maps->access(e->maps->ctx, address, in->size, &v, true);
    if (err)
        return err;
    *out = old;
    return 0;
}

static void eval_map_op(struct eval *e, const struct ir_insn *in, uint64_t *out)
{
    enum { KEY_WORDS = (SPEC_KEY_MAX_BYTES + 7) / 8, VALUE_WORDS = (SPEC_VALUE_MAX_BYTES + 7) / 8 };
    const struct ir_map *map = &e->f->maps[in->map];
    const uint32_t key_words = ir_words(map->key_bytes);
    const uint32_t first = ir_key_arg((enum ir_op)in->op);
    const uint32_t cpu = (uint32_t)operand(e, in, 0);
    uint64_t key[KEY_WORDS] = {0};
    uint64_t value[VALUE_WORDS] = {0};

    for (uint32_t i = 0; i < key_words && i < KEY_WORDS; i++)
        key[i] = operand(e, in, first + i);
    for (uint32_t i = first + key_words; i < in->nargs && i - first - key_words < VALUE_WORDS; i++)
        value[i - first - key_words] = operand(e, in, i);
    if (ir_is_lookup(in))
        *out = e->maps->lookup(e->maps->ctx, in->map, cpu, key);
    else if (in->op == IR_MAP_UPDATE)
        *out = (uint64_t)e->maps->update(e->maps->ctx, in->map, cpu, operand(e, in, 1), key, value);
    else
        *out = (uint64_t)e->maps->erase(e->maps->ctx, in->map, cpu, key);
}

static int eval_zero(struct eval *e, const struct ir_insn *in)
{
    const uint64_t from = operand(e, in, 0);
    const uint64_t to = operand(e, in, 1);

    if (from >= to)
        return 0;
    if (to > SPEC_PKT_JUMBO_END)
        return -EFAULT;
    memset(e->run->buf + from, 0, to - from);
    return 0;
}

/* One instruction that is neither phi nor terminator. */
static int eval_insn(struct eval *e, const struct ir_insn *in, uint64_t *out)
{
    switch ((enum ir_op)in->op) {
    case IR_CONST:
        *out = in->imm;
        return 0;
    case IR_INPUT:
        *out = e->run->inputs[in->imm];
        return 0;
    case IR_ALU:
        *out = spec_alu_eval((enum spec_alu)in->alu, in->width, operand(e, in, 0),
                             in->nargs > 1 ? operand(e, in, 1) : 0);
        return 0;
    case IR_SELECT:
        *out = operand(e, in, 0) ? operand(e, in, 1) : operand(e, in, 2);
        return 0;
    case IR_LOAD:
        return eval_load(e, in, out);
    case IR_STORE:
        return eval_store(e, in);
    case IR_ATOMIC:
        return eval_atomic(e, in, out);
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        eval_map_op(e, in, out);
        return 0;
    case IR_PKT_ZERO:
        return eval_zero(e, in);
    case IR_HOST:
        return 0; /* what leaves is what the host gets */
    case IR_NOP:
    case IR_PHI:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
    return -EINVAL;
}

/* The phis of a block take their values all at once. */
static uint32_t eval_phis(struct eval *e, ir_block b, ir_block from, uint64_t *fresh)
{
    const struct ir_block_data *block = &e->f->blocks[b];
    uint32_t pred = 0;
    uint32_t n = 0;

    while (n < block->count && e->f->insns[block->insns[n]].op == IR_PHI)
        n++;
    if (n == 0)
        return 0;
    while (block->preds[pred] != from)
        pred++;
    for (uint32_t i = 0; i < n; i++)
        fresh[i] = operand(e, &e->f->insns[block->insns[i]], pred);
    for (uint32_t i = 0; i < n; i++)
        e->value[block->insns[i]] = fresh[i];
    return n;
}

static void eval_exit(struct eval *e, const struct ir_insn *in)
{
    e->run->ret = (uint32_t)operand(e, in, 0);
    e->run->data = operand(e, in, 1);
    e->run->data_end = operand(e, in, 2);
    e->run->redirect = operand(e, in, 3);
    e->run->meta_bytes = in->nargs > 4 ? operand(e, in, 4) : 0;
    e->run->event_beats = in->nargs > 5 ? operand(e, in, 5) : 0;
}

int ir_eval(const struct ir_func *f, const struct ir_maps_ops *maps, struct ir_run *run,
            struct arena *scratch)
{
    struct eval *e = arena_alloc(scratch, sizeof(*e));
    uint64_t *fresh = arena_array(scratch, f->insn_count, sizeof(*fresh));
    const uint64_t limit = run->steps ? run->steps : UINT64_MAX;
    ir_block b = 0;
    ir_block from = IR_NO_BLOCK;

    *e = (struct eval){.f = f, .maps = maps, .run = run};
    e->value = arena_array(scratch, f->insn_count, sizeof(*e->value));
    run->steps = 0;
    for (;;) {
        const struct ir_block_data *block = &f->blocks[b];
        const struct ir_insn *last = &f->insns[block->insns[block->count - 1]];

        for (uint32_t i = eval_phis(e, b, from, fresh); i + 1 < block->count; i++) {
            const int err = eval_insn(e, &f->insns[block->insns[i]], &e->value[block->insns[i]]);

            if (err)
                return err;
        }
        run->steps += block->count;
        if (last->op == IR_EXIT) {
            eval_exit(e, last);
            return 0;
        }
        if (run->steps > limit)
            return -ELOOP;
        from = b;
        b = last->op == IR_JMP || operand(e, last, 0) ? block->succ[0] : block->succ[1];
    }
}
