/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Removes what nobody uses, circles of phis included, and stores to stack memory that nobody loads.
 *
 * needs: nothing. keeps: control flow. An atomic whose old value is not used loses its fetch flag,
 * except for exchanges, whose order matters. */

static bool stack_is_read(const struct ir_func *f)
{
    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            if (in->op == IR_LOAD && in->region == IR_REGION_STACK)
                return true;
        }
    }
    return false;
}

static uint32_t find_live(const struct ir_func *f, struct bitset *live, ir_ref *work)
{
    const bool stack_read = stack_is_read(f);
    uint32_t n = 0;
    uint32_t count = 0;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];
            const struct ir_insn *in = &f->insns[r];

            if (!ir_op_table[in->op].effect ||
                (in->op == IR_STORE && in->region == IR_REGION_STACK && !stack_read))
                continue;
            bitset_add(live, r);
            work[n++] = r;
        }
    }
    while (n) {
        const struct ir_insn *in = &f->insns[work[--n]];

        count++;
        for (uint32_t a = 0; a < in->nargs; a++) {
            if (bitset_has(live, in->args[a]))
                continue;
            bitset_add(live, in->args[a]);
            work[n++] = in->args[a];
        }
    }
    return count;
}

static bool drop_fetches(struct ir_func *f, const uint32_t *uses)
{
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];
            struct ir_insn *in = &f->insns[r];

            if (in->op != IR_ATOMIC || !in->fetch || uses[r] || in->atomic == SPEC_ATOMIC_XCHG ||
                in->atomic == SPEC_ATOMIC_CMPXCHG)
                continue;
            in->fetch = false;
            changed = true;
        }
    }
    return changed;
}

bool opt_dce(struct ir_func *f, struct arena *scratch)
{
    struct bitset live = bitset_make(scratch, f->insn_count);
    ir_ref *work = arena_array(scratch, f->insn_count, sizeof(*work));
    bool changed = false;

    find_live(f, &live, work);
    for (ir_block b = 0; b < f->block_count; b++) {
        struct ir_block_data *block = &f->blocks[b];
        uint32_t kept = 0;

        for (uint32_t i = 0; i < block->count; i++) {
            const ir_ref r = block->insns[i];

            if (bitset_has(&live, r)) {
                block->insns[kept++] = r;
                continue;
            }
            /* A constant that a pass made and did not need is no reason for another round. */
            changed |= f->insns[r].op != IR_CONST;
            f->insns[r] = (struct ir_insn){.op = IR_NOP, .block = IR_NO_BLOCK, .pc = IR_NO_PC};
        }
        block->count = kept;
    }
    return drop_fetches(f, opt_use_counts(f, scratch)) || changed;
}
