/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"
#include "compiler/ir/text.h"

#include <assert.h>

/* What is left to do when all code is translated: phis that stand for one value, absolute packet
 * offsets, what nobody uses, bounds of loops. */

/* --- phis --------------------------------------------------------------------------------- */

/* What a phi stands for if its operands stand for what `stands` says: IR_NONE if nothing is known
 * yet. */
static ir_ref phi_value(const struct ir_func *f, const ir_ref *stands, ir_ref phi)
{
    const struct ir_insn *in = &f->insns[phi];
    ir_ref one = IR_NONE;

    for (uint32_t a = 0; a < in->nargs; a++) {
        const ir_ref v = stands[in->args[a]];

        if (v == IR_NONE || v == one)
            continue;
        if (one != IR_NONE)
            return phi;
        one = v;
    }
    return one;
}

/* Optimistic: every phi is taken for redundant until two different values meet in it, so that
 * circles of phis around one value go away, too. */
static void remove_redundant_phis(struct builder *b)
{
    struct ir_func *f = b->f;
    ir_ref *stands = arena_array(b->arena, f->insn_count, sizeof(*stands));
    bool changed = true;

    for (ir_ref r = 1; r < f->insn_count; r++)
        stands[r] = f->insns[r].op == IR_PHI ? IR_NONE : r;
    while (changed) {
        changed = false;
        for (ir_ref r = 1; r < f->insn_count; r++) {
            if (f->insns[r].op == IR_PHI && stands[r] != r) {
                const ir_ref v = phi_value(f, stands, r);

                changed |= v != stands[r];
                stands[r] = v;
            }
        }
    }
    for (ir_ref r = 1; r < f->insn_count; r++) {
        struct ir_insn *in = &f->insns[r];

        for (uint32_t a = 0; a < in->nargs; a++)
            if (stands[in->args[a]] != IR_NONE)
                in->args[a] = stands[in->args[a]];
    }
    for (uint32_t i = 0; i < b->access_count; i++)
        if (stands[b->accesses[i].base] != IR_NONE)
            b->accesses[i].base = stands[b->accesses[i].base];
    for (ir_ref r = 1; r < f->insn_count; r++)
        if (f->insns[r].op == IR_PHI && stands[r] != r)
            ir_remove(f, r);
}

/* --- where data is ------------------------------------------------------------------------ */

enum { META_MAX_BYTES = 252 };

struct extent {
    int32_t low;
    int32_t high; /* below low: nothing known yet */
};

static const struct extent anywhere = {SPEC_PKT_HARD_START,
                                       SPEC_PKT_JUMBO_END - SPEC_PKT_MIN_BYTES};

static bool is_anywhere(struct extent e)
{
    return e.low == anywhere.low && e.high == anywhere.high;
}

static struct extent join(struct extent a, struct extent b)
{
    if (a.high < a.low)
        return b;
    if (b.high < b.low)
        return a;
    return (struct extent){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* The range of a value that xdp_md.data or data_meta may have. A sum is what adjust_head made:
 * within the limits that it checked. */
static struct extent data_extent(const struct ir_func *f, const struct extent *known, ir_ref r)
{
    const struct ir_insn *in = &f->insns[r];
    struct extent e = {1, 0};

    if (in->op == IR_CONST)
        return (struct extent){(int32_t)in->imm, (int32_t)in->imm};
    if (in->op == IR_PHI) {
        for (uint32_t a = 0; a < in->nargs; a++)
            e = join(e, known[in->args[a]]);
        return e;
    }
    if (in->op == IR_ALU && in->alu == SPEC_ALU_SUB) { /* where metadata of some length begin */
        const struct extent data = known[in->args[0]];
        const int64_t low = (int64_t)data.low - META_MAX_BYTES;

        return data.high < data.low
                   ? data
                   : (struct extent){low < anywhere.low ? anywhere.low : (int32_t)low, data.high};
    }
    if (in->op == IR_ALU && in->alu == SPEC_ALU_ADD && f->insns[in->args[1]].op == IR_CONST) {
        const int64_t delta = (int64_t)f->insns[in->args[1]].imm;
        const struct extent from = known[in->args[0]];

        if (from.high < from.low)
            return from;
        if (delta > -SPEC_PKT_JUMBO_END && delta < SPEC_PKT_JUMBO_END) {
            const int64_t low = from.low + delta, high = from.high + delta;

            e.low = low < anywhere.low ? anywhere.low : (int32_t)low;
            e.high = high > anywhere.high ? anywhere.high : (int32_t)high;
            if (low <= anywhere.high && e.low <= e.high)
                return e;
        }
    }
    return anywhere;
}

static struct extent *data_extents(struct builder *b)
{
    enum { PATIENCE = 8 };
    const struct ir_func *f = b->f;
    struct extent *known = arena_array(b->arena, f->insn_count, sizeof(*known));
    bool changed = true;

    for (ir_ref r = 0; r < f->insn_count; r++)
        known[r] = (struct extent){1, 0};
    for (uint32_t round = 0; changed; round++) {
        changed = false;
        for (ir_block n = 0; n < f->block_count; n++) {
            for (uint32_t i = 0; i < f->blocks[n].count; i++) {
                const ir_ref r = f->blocks[n].insns[i];
                const struct extent e = data_extent(f, known, r);

                if (is_anywhere(known[r]) || (e.low == known[r].low && e.high == known[r].high))
                    continue;
                known[r] = round < PATIENCE ? e : anywhere;
                changed = true;
            }
        }
    }
    return known;
}

/* Turns offsets from data into offsets in the buffer. All accesses lie in the packet, which lies in
 * the buffer. */
static void place_accesses(struct builder *b)
{
    const struct extent *known = data_extents(b);

    for (uint32_t i = 0; i < b->access_count; i++) {
        struct ir_insn *in = &b->f->insns[b->accesses[i].insn];
        const int32_t last = SPEC_PKT_JUMBO_END - in->size;
        struct extent e = known[b->accesses[i].base];

        if (in->op == IR_NOP)
            continue;
        if (e.high < e.low)
            e = anywhere;
        in->off_min += e.low;
        in->off_max = in->off_max > SPEC_PKT_JUMBO_END ? last : in->off_max + e.high;
        in->off_min = in->off_min < 0 ? 0 : in->off_min;
        in->off_max = in->off_max > last ? last : in->off_max;
        if (in->off_min > in->off_max)
            in->off_min = in->off_max; /* never executed: no packet is that long */
    }
}

/* Exits of a program that makes no metadata say nothing of them. */
static void drop_no_metadata(struct builder *b)
{
    struct ir_func *f = b->f;

    for (ir_ref r = 1; r < f->insn_count; r++) {
        struct ir_insn *in = &f->insns[r];
        uint64_t bytes;

        if (in->op == IR_EXIT && in->nargs == 5 && build_is_const(b, in->args[4], &bytes) && !bytes)
            in->nargs = 4;
    }
}

/* --- what nobody uses --------------------------------------------------------------------- */

static void remove_unused(struct builder *b)
{
    struct ir_func *f = b->f;
    struct bitset live = bitset_make(b->arena, f->insn_count);
    ir_ref *work = arena_array(b->arena, f->insn_count, sizeof(*work));
    uint32_t n = 0;

    for (ir_ref r = 1; r < f->insn_count; r++) {
        if (f->insns[r].block != IR_NO_BLOCK && ir_op_table[f->insns[r].op].effect) {
            bitset_add(&live, r);
            work[n++] = r;
        }
    }
    while (n) {
        const struct ir_insn *in = &f->insns[work[--n]];

        for (uint32_t a = 0; a < in->nargs; a++) {
            if (bitset_has(&live, in->args[a]))
                continue;
            bitset_add(&live, in->args[a]);
            work[n++] = in->args[a];
        }
    }
    for (ir_ref r = 1; r < f->insn_count; r++)
        if (f->insns[r].block != IR_NO_BLOCK && !bitset_has(&live, r))
            f->insns[r].op = IR_NOP;
    ir_compact(f); /* drops the NOPs */
}

/* --- loops -------------------------------------------------------------------------------- */

/* The sum of the trips of all heads within the loop that the edge from latch to header closes. */
static uint64_t loop_trips(struct builder *b, const uint32_t *trips, ir_block header,
                           ir_block latch)
{
    const struct ir_func *f = b->f;
    struct bitset seen = bitset_make(b->arena, f->block_count);
    ir_block *work = arena_array(b->arena, f->block_count, sizeof(*work));
    uint64_t sum = trips[header];
    uint32_t n = 0;

    bitset_add(&seen, header);
    if (!bitset_has(&seen, latch)) {
        bitset_add(&seen, latch);
        work[n++] = latch;
    }
    while (n) {
        const struct ir_block_data *block = &f->blocks[work[--n]];

        sum += trips[work[n]];
        for (uint32_t i = 0; i < block->pred_count; i++) {
            if (bitset_has(&seen, block->preds[i]))
                continue;
            bitset_add(&seen, block->preds[i]);
            work[n++] = block->preds[i];
        }
    }
    return sum;
}

/* Loop headers get their bound, other blocks none. Blocks are in reverse post-order, so the edges
 * that do not lead forward are those that close loops. */
static int bound_loops(struct builder *b)
{
    struct ir_func *f = b->f;
    const struct ir_dom dom = ir_dominators(b->arena, f);
    uint32_t *trips = arena_array(b->arena, f->block_count, sizeof(*trips));

    for (ir_block n = 0; n < f->block_count; n++) {
        trips[n] = f->blocks[n].trip_max;
        f->blocks[n].trip_max = 0;
    }
    for (ir_block n = 0; n < f->block_count; n++) {
        for (uint32_t k = 0; k < f->blocks[n].succ_count; k++) {
            const ir_block h = f->blocks[n].succ[k];
            uint64_t bound;

            if (h > n)
                continue;
            if (!ir_dominates(&dom, h, n)) {
                b->pc = f->insns[f->blocks[h].insns[f->blocks[h].count - 1]].pc;
                return build_refuse(b, "IRB0014",
                                    "a loop with two entrances, which hardware does not run");
            }
            /* A header that no jump back leads to, but falling through, is bounded by the jumps in
             * the loop. */
            bound = trips[h] ? trips[h] : loop_trips(b, trips, h, n);
            if (bound == 0 || (!trips[h] && bound > SPEC_INSNS_PROCESSED))
                bound = SPEC_INSNS_PROCESSED;
            if (f->blocks[h].trip_max < bound)
                f->blocks[h].trip_max = (uint32_t)bound;
        }
    }
    return 0;
}

int build_finish(struct builder *b)
{
    struct ir_func *f = b->f;
    int err;

    ir_append(f, 0, (struct ir_insn){.op = IR_JMP, .pc = IR_NO_PC}, NULL, 0);
    ir_compact(f);
    remove_redundant_phis(b);
    place_accesses(b);
    drop_no_metadata(b);
    remove_unused(b);
    err = bound_loops(b);
    if (!err)
        err = build_events_finish(b);
    if (err)
        return err;
    ir_map_uses(f);
    assert(ir_check(f, b->sink) == 0);
    return 0;
}
