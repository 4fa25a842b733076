/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <string.h>

/* Jump threading: if a branch goes the same way whenever its block is entered from one predecessor,
 * that predecessor gets a copy of the block that jumps there. So the error code of a helper is not
 * tested that was a constant on each way, and on the way on it is known where the packet starts.
 *
 * needs: nothing. breaks: dominators. makes: phis, copies of up to MAX_COPY instructions a thread.
 */

enum { MAX_COPY = 8, MAX_THREADS = 32, MAX_DEPTH = 4 };

struct thread {
    struct ir_func *f;
    struct arena *scratch;
    struct opt_range *known;
    uint32_t known_count;
    ir_ref *map; /* by value of the block: its copy */
};

static struct opt_range range_for(const struct thread *t, ir_block b, uint32_t pred, ir_ref r,
                                  uint32_t depth)
{
    const struct ir_insn *in = &t->f->insns[r];

    if (in->block == b && in->op == IR_PHI)
        return range_for(t, IR_NO_BLOCK, pred, in->args[pred], depth);
    if (in->op == IR_CONST)
        return (struct opt_range){in->imm, in->imm};
    if (in->block == b && opt_is_compare(in) && depth < MAX_DEPTH) {
        const int known = opt_decide((enum spec_alu)in->alu, in->width,
                                     range_for(t, b, pred, in->args[0], depth + 1),
                                     range_for(t, b, pred, in->args[1], depth + 1));

        if (known >= 0)
            return (struct opt_range){(uint64_t)known, (uint64_t)known};
    }
    if (in->block == b && in->op == IR_ALU && depth < MAX_DEPTH) {
        uint64_t v[2] = {0, 0};
        bool constant = true;

        for (uint32_t a = 0; a < in->nargs; a++) {
            const struct opt_range e = range_for(t, b, pred, in->args[a], depth + 1);

            v[a] = e.min;
            constant &= e.min == e.max;
        }
        if (constant) {
            v[0] = spec_alu_eval((enum spec_alu)in->alu, in->width, v[0], v[1]);
            return (struct opt_range){v[0], v[0]};
        }
    }
    return r < t->known_count ? t->known[r] : OPT_RANGE_FULL;
}

/* Which successor b takes when it is entered from its pred, or UINT32_MAX. */
static uint32_t decided_way(const struct thread *t, ir_block b, uint32_t pred)
{
    const struct ir_block_data *block = &t->f->blocks[b];
    const ir_ref cond = t->f->insns[block->insns[block->count - 1]].args[0];
    const struct opt_range r = range_for(t, b, pred, cond, 0);

    if (r.max == 0)
        return 1;
    return r.min > 0 ? 0 : UINT32_MAX;
}

static bool is_candidate(const struct ir_func *f, ir_block b)
{
    const struct ir_block_data *block = &f->blocks[b];
    const uint32_t phis = opt_phi_count(f, b);

    return b != 0 && !block->trip_max && block->pred_count > 1 && phis > 0 &&
           f->insns[block->insns[block->count - 1]].op == IR_BR &&
           block->count - phis - 1 <= MAX_COPY;
}

static ir_ref mapped(const struct thread *t, ir_block b, ir_ref r)
{
    return t->f->insns[r].block == b ? t->map[r] : r;
}

/* The block that predecessor number `pred` goes through instead of b, up to its jump. */
static ir_block copy_block(struct thread *t, ir_block b, uint32_t pred)
{
    struct ir_func *f = t->f;
    const ir_block copy = ir_block_new(f);
    const uint32_t phis = opt_phi_count(f, b);

    for (uint32_t i = 0; i + 1 < f->blocks[b].count; i++) {
        const ir_ref r = f->blocks[b].insns[i];
        const struct ir_insn in = f->insns[r];
        ir_ref *args;

        if (i < phis) {
            t->map[r] = in.args[pred];
            continue;
        }
        args = arena_array(t->scratch, in.nargs, sizeof(*args));
        for (uint32_t a = 0; a < in.nargs; a++)
            args[a] = mapped(t, b, in.args[a]);
        t->map[r] = ir_append(f, copy, in, args, in.nargs);
    }
    ir_append(f, copy, (struct ir_insn){.op = IR_JMP, .pc = IR_NO_PC}, NULL, 0);
    return copy;
}

/* `to` gets one more predecessor, with the values that b gives it. */
static void enter_from_copy(struct thread *t, ir_block b, ir_block copy, ir_block to)
{
    struct ir_func *f = t->f;
    const uint32_t like = opt_pred_index(f, to, b);
    const uint32_t phis = opt_phi_count(f, to);

    for (uint32_t i = 0; i < phis; i++) {
        struct ir_insn *phi = &f->insns[f->blocks[to].insns[i]];
        ir_ref *args = arena_array(f->arena, phi->nargs + 1u, sizeof(*args));

        memcpy(args, phi->args, phi->nargs * sizeof(*args));
        args[phi->nargs++] = mapped(t, b, phi->args[like]);
        phi->args = args;
    }
    ir_edge(f, copy, to);
}

static void redirect(struct ir_func *f, ir_block pred, ir_block b, ir_block copy)
{
    const uint32_t succs = f->blocks[pred].succ_count;
    ir_block succ[2] = {f->blocks[pred].succ[0], f->blocks[pred].succ[1]};

    for (uint32_t k = 0; k < succs; k++)
        if (succ[k] == b)
            succ[k] = copy;
    opt_remove_edge(f, pred, b);
    f->blocks[pred].succ_count = 0;
    for (uint32_t k = 0; k < succs; k++) {
        if (succ[k] == copy)
            ir_edge(f, pred, copy);
        else
            f->blocks[pred].succ[f->blocks[pred].succ_count++] = succ[k];
    }
}

/* A value of b has a second definition in the copy now: every use behind b gets what the ways there
 * bring. */
static void repair_value(struct thread *t, ir_block b, ir_block copy, ir_ref v)
{
    struct ir_func *f = t->f;
    struct opt_var var = opt_var_make(f, t->scratch);
    const uint32_t blocks = f->block_count;

    var.at_exit[b] = v;
    var.at_exit[copy] = t->map[v];
    for (ir_block u = 0; u < blocks; u++) {
        if (u == copy)
            continue;
        for (uint32_t i = 0; i < f->blocks[u].count; i++) {
            const ir_ref r = f->blocks[u].insns[i];

            if (f->insns[r].op != IR_PHI && u == b)
                continue;
            for (uint32_t a = 0; a < f->insns[r].nargs; a++) {
                const uint32_t before = f->blocks[u].count;
                ir_ref now;

                if (f->insns[r].args[a] != v)
                    continue;
                if (f->insns[r].op != IR_PHI)
                    now = opt_var_at_entry(f, &var, u);
                else
                    now = opt_var_at_exit(f, &var, f->blocks[u].preds[a]);
                f->insns[r].args[a] = now;
                i += f->blocks[u].count - before; /* a phi at the head */
            }
        }
    }
}

static void thread_one(struct thread *t, ir_block b, uint32_t pred, uint32_t way)
{
    struct ir_func *f = t->f;
    const ir_block from = f->blocks[b].preds[pred];
    const ir_block to = f->blocks[b].succ[way];
    ir_ref *values;
    uint32_t n = 0;
    ir_block copy;

    t->map = arena_array(t->scratch, f->insn_count, sizeof(*t->map));
    values = arena_array(t->scratch, f->blocks[b].count, sizeof(*values));
    for (uint32_t i = 0; i < f->blocks[b].count; i++)
        if (ir_op_table[f->insns[f->blocks[b].insns[i]].op].result)
            values[n++] = f->blocks[b].insns[i];
    copy = copy_block(t, b, pred);
    enter_from_copy(t, b, copy, to);
    redirect(f, from, b, copy);
    for (uint32_t i = 0; i < n; i++)
        repair_value(t, b, copy, values[i]);
}

static bool thread_block(struct thread *t, ir_block b)
{
    for (uint32_t pred = 0; pred < t->f->blocks[b].pred_count; pred++) {
        const uint32_t way = decided_way(t, b, pred);

        if (way == UINT32_MAX || t->f->blocks[b].succ[way] == b)
            continue;
        thread_one(t, b, pred, way);
        return true;
    }
    return false;
}

bool opt_thread(struct ir_func *f, struct arena *scratch)
{
    struct thread t = {.f = f, .scratch = scratch, .known_count = f->insn_count};
    const uint32_t blocks = f->block_count;
    uint32_t threads = 0;

    t.known = opt_ranges(f, scratch);
    for (ir_block b = 0; b < blocks && threads < MAX_THREADS; b++) {
        while (threads < MAX_THREADS && is_candidate(f, b) && thread_block(&t, b))
            threads++;
    }
    if (threads)
        ir_compact(f);
    return threads > 0;
}
