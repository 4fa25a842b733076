/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Small branches become selects: both sides are computed, and the phis where they meet choose.
 *
 * needs: that threading is done, which wants the branches. breaks: dominators. Only cheap
 * operations without effects are computed in vain: no memory, no multiplication, no division. */

enum { MAX_SIDE = 4, MAX_PHIS = 3 };

/* A block that only its predecessor p enters, that does little, and goes on to one place. */
static bool is_side(const struct ir_func *f, ir_block s, ir_block p)
{
    const struct ir_block_data *block = &f->blocks[s];

    if (block->pred_count != 1 || block->preds[0] != p || block->succ_count != 1 ||
        block->count > MAX_SIDE + 1)
        return false;
    for (uint32_t i = 0; i + 1 < block->count; i++) {
        const struct ir_insn *in = &f->insns[block->insns[i]];

        if (!opt_is_pure((enum ir_op)in->op) ||
            (in->op == IR_ALU && (spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_MUL ||
                                  spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_DIV)))
            return false;
    }
    return true;
}

static void hoist(struct ir_func *f, ir_block from, ir_block to)
{
    struct ir_block_data *block = &f->blocks[from];

    for (uint32_t i = 0; i + 1 < block->count; i++) {
        const ir_ref r = block->insns[i];

        f->insns[r].block = IR_NO_BLOCK;
        ir_insert(f, to, f->blocks[to].count - 1, r);
    }
    block->insns[0] = block->insns[block->count - 1];
    block->count = 1;
}

/* The sides are empty by now: phis of meet get selects for them, and p jumps there. */
static void join(struct ir_func *f, ir_block p, ir_block yes, ir_block no, ir_block meet)
{
    const ir_ref cond = f->insns[f->blocks[p].insns[f->blocks[p].count - 1]].args[0];
    const ir_block from_yes = yes == meet ? p : yes;
    const ir_block from_no = no == meet ? p : no;
    const uint32_t phis = opt_phi_count(f, meet);

    for (uint32_t i = 0; i < phis; i++) {
        const ir_ref phi = f->blocks[meet].insns[i];
        const uint32_t at_yes = opt_pred_index(f, meet, from_yes);
        const uint32_t at_no = opt_pred_index(f, meet, from_no);
        const ir_ref args[3] = {cond, f->insns[phi].args[at_yes], f->insns[phi].args[at_no]};
        const struct ir_insn select = {.op = IR_SELECT, .pc = f->insns[phi].pc};
        ir_ref v = args[1];

        if (args[1] != args[2]) {
            v = ir_new(f, select, args, 3);
            ir_insert(f, p, f->blocks[p].count - 1, v);
        }
        f->insns[phi].args[at_yes] = v;
        f->insns[phi].args[at_no] = v;
    }
    /* One way is left: through a side that is empty, or directly. */
    opt_branch_to_jump(f, p, yes == meet ? 0 : no == meet ? 1 : 0);
}

static bool convert(struct ir_func *f, ir_block p)
{
    const struct ir_block_data *block = &f->blocks[p];
    const ir_block yes = block->succ[0];
    const ir_block no = block->succ[1];
    ir_block meet;
    bool side_yes;
    bool side_no;

    if (block->succ_count != 2)
        return false;
    side_yes = is_side(f, yes, p);
    side_no = is_side(f, no, p);
    if (side_yes && side_no && f->blocks[yes].succ[0] == f->blocks[no].succ[0])
        meet = f->blocks[yes].succ[0];
    else if (side_yes && f->blocks[yes].succ[0] == no)
        meet = no;
    else if (side_no && f->blocks[no].succ[0] == yes)
        meet = yes;
    else
        return false;
    if (meet == p || f->blocks[meet].trip_max || opt_phi_count(f, meet) > MAX_PHIS)
        return false;
    if (yes != meet)
        hoist(f, yes, p);
    if (no != meet)
        hoist(f, no, p);
    join(f, p, yes, no, meet);
    return true;
}

bool opt_ifconv(struct ir_func *f, struct arena *scratch)
{
    bool changed = false;

    (void)scratch;
    for (ir_block p = 0; p < f->block_count; p++)
        changed |= convert(f, p);
    if (changed)
        ir_compact(f);
    return changed;
}
