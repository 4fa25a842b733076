/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* The machine form as text, for debugging: registers are v0 .., predicates q1 .. */

static void print_op(FILE *out, const struct mach_op *op)
{
    const char *name = op->op == MACH_AWAIT ? "await" : ucode_op_name(op->op);

    fprintf(out, "    %s%s", name ? name : "?", op->w32 ? ".w" : "");
    if (op->size)
        fprintf(out, ".%u", op->size);
    if (op->dst)
        fprintf(out, " v%u =", op->dst);
    if (op->pdst)
        fprintf(out, " q%u =", op->pdst);
    if (op->pred)
        fprintf(out, " %sq%u ?", op->pneg ? "!" : "", op->pred);
    fprintf(out, " v%u, v%u, %s%d", op->a, op->b, op->bimm ? "" : "+", op->imm);
    if (op->index)
        fprintf(out, " [%u]", op->index);
    if (op->need)
        fprintf(out, " need %02x", op->need);
    if (op->at_block != MACH_NONE)
        fprintf(out, "  @b%u:%u.%u", op->at_block, op->at_row, op->lane);
    fputc('\n', out);
}

void mach_print(FILE *out, const struct mach *m)
{
    for (uint32_t i = 0; i < m->rpo_count; i++) {
        const struct mach_block *b = &m->blocks[m->rpo[i]];

        fprintf(out, "b%u: idom b%u, loops %u\n", m->rpo[i], b->idom, b->loop_depth);
        for (uint32_t k = 0; k < b->count; k++)
            print_op(out, &m->ops[b->ops[k]]);
        for (uint32_t k = 0; k < b->copy_count; k++)
            fprintf(out, "    copy v%u = v%u, %llu\n", b->copies[k].dst, b->copies[k].src.reg,
                    (unsigned long long)b->copies[k].src.value);
        if (b->last != MACH_NONE)
            print_op(out, &m->ops[b->last]);
        for (uint32_t k = 0; k < b->succ_count; k++)
            fprintf(out, "    -> b%u\n", b->succ[k]);
    }
}
