/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Byte swaps of what is loaded, or is about to be stored, become part of the access.
 *
 * needs: nothing. keeps: control flow. A load that is used unswapped too keeps its swap apart. */

static uint32_t swap_bytes(const struct ir_insn *in)
{
    if (in->op != IR_ALU)
        return 0;
    switch (in->alu) {
    case SPEC_ALU_BSWAP16:
        return 2;
    case SPEC_ALU_BSWAP32:
        return 4;
    case SPEC_ALU_BSWAP64:
        return 8;
    default: /* no swap */
        return 0;
    }
}

/* A swap of a load's whole value: the swap is replaced by the load, which changes its byte order.
 */
static bool fuse_load(struct ir_func *f, ir_ref swap, const uint32_t *uses, ir_ref *to)
{
    const uint32_t bytes = swap_bytes(&f->insns[swap]);
    const ir_ref load = f->insns[swap].args[0];
    struct ir_insn *in = &f->insns[load];

    if (in->op != IR_LOAD || in->size != bytes || uses[load] != 1)
        return false;
    in->swap = !in->swap;
    to[swap] = load;
    return true;
}

/* Not if the swap has become part of a load already. */
static bool fuse_store(struct ir_func *f, ir_ref store, uint32_t *uses, const ir_ref *to)
{
    struct ir_insn *in = &f->insns[store];
    const struct ir_insn *v = &f->insns[in->args[1]];

    if (swap_bytes(v) != in->size || to[in->args[1]] != IR_NONE)
        return false;
    in->swap = !in->swap;
    in->args[1] = v->args[0];
    uses[v->args[0]]++;
    return true;
}

bool opt_swap(struct ir_func *f, struct arena *scratch)
{
    uint32_t *uses = opt_use_counts(f, scratch);
    ir_ref *to = arena_array(scratch, f->insn_count, sizeof(*to));
    bool changed = false;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];

            if (f->insns[r].op == IR_STORE && f->insns[r].size > 1)
                changed |= fuse_store(f, r, uses, to);
            else if (swap_bytes(&f->insns[r]))
                changed |= fuse_load(f, r, uses, to);
        }
    }
    if (!changed)
        return false;
    opt_substitute(f, to);
    for (ir_ref r = 1; r < f->insn_count; r++)
        if (to[r] != IR_NONE)
            f->insns[r].op = IR_NOP;
    ir_compact(f);
    return true;
}
