/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

/* Global value numbering: what has been computed on every way to here is not computed again, loads
 * included, and a load behind a store to the same place gives what was stored.
 *
 * needs: nothing (computes dominators). keeps: control flow.
 *
 * Memory is versioned for each region (maps together): a version is the instruction that wrote
 * last, or a block where several versions meet. A load looks past writes that can't touch it. */

enum { FIRST_TABLE = 256, MAX_WALK = 64 };

struct versions {
    uint32_t region[IR_REGION_COUNT];
};

/* A version: 0 not known yet; 1 the start of the program; 2 + ref: written by an instruction;
 * beyond those: met in a block. */
struct gvn {
    struct ir_func *f;
    struct arena *scratch;
    struct ir_dom dom;
    struct versions *at_entry; /* by block */
    struct versions *at_exit;
    struct versions *before; /* by instruction that writes: versions before it */
    uint32_t *version_of;    /* by load: the version it sees, past writes that do not matter */
    uint32_t insn_count;
    ir_ref *to;
    ir_ref *table; /* hash chains, newest first */
    ir_ref *next;
    uint32_t table_size;
    bool changed;
};

#define VERSION_START 1u

static uint32_t version_of_write(ir_ref r)
{
    return 2 + r;
}

static uint32_t version_of_meeting(const struct gvn *g, ir_block b)
{
    return 2 + g->insn_count + b;
}

/* Which regions an instruction writes: bits of 1 << region. */
static uint32_t writes_of(const struct ir_insn *in)
{
    if (in->op == IR_STORE || in->op == IR_ATOMIC)
        return 1u << in->region;
    if (in->op == IR_MAP_UPDATE || in->op == IR_MAP_DELETE)
        return 1u << IR_REGION_MAP;
    if (in->op == IR_PKT_ZERO)
        return 1u << IR_REGION_PKT;
    return 0;
}

/* --- versions ----------------------------------------------------------------------------- */

static bool meet_preds(struct gvn *g, ir_block b)
{
    const struct ir_block_data *block = &g->f->blocks[b];
    struct versions *at = &g->at_entry[b];
    bool changed = false;

    for (uint32_t region = 0; region < IR_REGION_COUNT; region++) {
        uint32_t v = b == 0 ? VERSION_START : 0;

        for (uint32_t i = 0; i < block->pred_count; i++) {
            const uint32_t p = g->at_exit[block->preds[i]].region[region];

            if (p == 0 || p == v)
                continue;
            v = v == 0 ? p : version_of_meeting(g, b);
        }
        if (at->region[region] == version_of_meeting(g, b))
            v = version_of_meeting(g, b); /* once met, always met */
        changed |= at->region[region] != v;
        at->region[region] = v;
    }
    return changed;
}

static void flow_through(struct gvn *g, ir_block b)
{
    const struct ir_block_data *block = &g->f->blocks[b];
    struct versions now = g->at_entry[b];

    for (uint32_t i = 0; i < block->count; i++) {
        const ir_ref r = block->insns[i];
        const uint32_t writes = writes_of(&g->f->insns[r]);

        if (!writes)
            continue;
        g->before[r] = now;
        for (uint32_t region = 0; region < IR_REGION_COUNT; region++)
            if (writes >> region & 1)
                now.region[region] = version_of_write(r);
    }
    g->at_exit[b] = now;
}

static void number_memory(struct gvn *g)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (ir_block b = 0; b < g->f->block_count; b++) {
            changed |= meet_preds(g, b);
            flow_through(g, b);
        }
    }
}

/* The version that a load sees, past writes that do not touch its bytes. */
static uint32_t seen_version(const struct gvn *g, ir_ref load, uint32_t v)
{
    const struct ir_insn *in = &g->f->insns[load];

    for (uint32_t i = 0; i < MAX_WALK; i++) {
        const ir_ref writer = v - 2;

        if (v < 2 || writer >= g->insn_count || opt_may_write(&g->f->insns[writer], in))
            break;
        v = g->before[writer].region[in->region];
    }
    return v;
}

/* --- numbering ---------------------------------------------------------------------------- */

static ir_ref resolve(const struct gvn *g, ir_ref r)
{
    while (r < g->insn_count && g->to[r] != IR_NONE)
        r = g->to[r];
    return r;
}

static bool is_numbered(const struct ir_insn *in)
{
    return opt_is_pure((enum ir_op)in->op) || in->op == IR_LOAD || in->op == IR_PHI;
}

static uint32_t hash_of(const struct gvn *g, ir_ref r)
{
    const struct ir_insn *in = &g->f->insns[r];
    uint64_t h = (uint64_t)in->op << 32 | (uint64_t)in->alu << 24 | (uint64_t)in->width << 16 |
                 (uint64_t)in->size << 8 | in->region;

    h = (h ^ in->imm) * UINT64_C(0x9e3779b97f4a7c15);
    if (in->op == IR_LOAD)
        h = (h ^ h >> 31 ^ g->version_of[r]) * UINT64_C(0x9e3779b97f4a7c15);
    if (in->op == IR_PHI)
        h += in->block;
    for (uint32_t a = 0; a < in->nargs; a++)
        h = (h ^ h >> 29 ^ in->args[a]) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) & (g->table_size - 1);
}

static bool is_same(const struct gvn *g, ir_ref a, ir_ref b)
{
    const struct ir_insn *x = &g->f->insns[a];
    const struct ir_insn *y = &g->f->insns[b];

    if (x->op != y->op || x->alu != y->alu || x->width != y->width || x->region != y->region ||
        x->size != y->size || x->swap != y->swap || x->imm != y->imm || x->nargs != y->nargs)
        return false;
    if (x->op == IR_LOAD && g->version_of[a] != g->version_of[b])
        return false;
    if (x->op == IR_PHI && x->block != y->block)
        return false;
    for (uint32_t i = 0; i < x->nargs; i++)
        if (x->args[i] != y->args[i])
            return false;
    return true;
}

/* The value that a store left at exactly the place of a load. */
static ir_ref forwarded(const struct gvn *g, ir_ref load)
{
    const struct ir_insn *in = &g->f->insns[load];
    const uint32_t v = g->version_of[load];
    const struct ir_insn *store;

    if (v < 2 || v - 2 >= g->insn_count)
        return IR_NONE;
    store = &g->f->insns[v - 2];
    if (store->op != IR_STORE || store->region != in->region || store->size != in->size ||
        store->swap != in->swap || store->imm != in->imm ||
        resolve(g, store->args[0]) != in->args[0])
        return IR_NONE;
    return resolve(g, store->args[1]);
}

/* A load becomes the stored value, cut to its size. */
static void forward(struct gvn *g, ir_ref load, ir_ref value)
{
    struct ir_insn *in = &g->f->insns[load];

    if (in->size == 8) {
        g->to[load] = value;
    } else {
        const uint64_t mask = opt_low_bytes(UINT64_MAX, in->size);
        const ir_ref c = opt_const(g->f, mask);

        in = &g->f->insns[load];
        *in = (struct ir_insn){.op = IR_ALU,
                               .alu = SPEC_ALU_AND,
                               .width = 64,
                               .block = in->block,
                               .pc = in->pc,
                               .nargs = 2,
                               .args = arena_array(g->f->arena, 2, sizeof(ir_ref))};
        in->args[0] = value;
        in->args[1] = c;
    }
    g->changed = true;
}

static void number_insn(struct gvn *g, ir_ref r, struct versions *now)
{
    const struct ir_insn *in = &g->f->insns[r];
    uint32_t h;

    for (uint32_t a = 0; a < in->nargs; a++)
        in->args[a] = resolve(g, in->args[a]);
    if (in->op == IR_LOAD) {
        ir_ref value;

        g->version_of[r] = seen_version(g, r, now->region[in->region]);
        value = forwarded(g, r);
        if (value != IR_NONE) {
            forward(g, r, value);
            return;
        }
    }
    if (!is_numbered(in))
        return;
    h = hash_of(g, r);
    for (ir_ref old = g->table[h]; old != IR_NONE; old = g->next[old]) {
        if (old == r || g->to[old] != IR_NONE || !is_same(g, old, r) ||
            !ir_dominates(&g->dom, g->f->insns[old].block, in->block))
            continue;
        g->to[r] = old;
        g->changed = true;
        return;
    }
    g->next[r] = g->table[h];
    g->table[h] = r;
}

static void number_block(struct gvn *g, ir_block b)
{
    struct versions now = g->at_entry[b];

    for (uint32_t i = 0; i < g->f->blocks[b].count; i++) {
        const ir_ref r = g->f->blocks[b].insns[i];
        uint32_t writes;

        if (r >= g->insn_count)
            continue; /* a constant that came with a forwarded value */
        writes = writes_of(&g->f->insns[r]);
        if (g->to[r] == IR_NONE)
            number_insn(g, r, &now);
        for (uint32_t region = 0; region < IR_REGION_COUNT; region++)
            if (writes >> region & 1)
                now.region[region] = version_of_write(r);
    }
}

bool opt_gvn(struct ir_func *f, struct arena *scratch)
{
    struct gvn g = {
        .f = f, .scratch = scratch, .insn_count = f->insn_count, .table_size = FIRST_TABLE};
    const uint32_t n = f->insn_count;

    while (g.table_size < n)
        g.table_size *= 2;
    g.dom = ir_dominators(scratch, f);
    g.at_entry = arena_array(scratch, f->block_count, sizeof(*g.at_entry));
    g.at_exit = arena_array(scratch, f->block_count, sizeof(*g.at_exit));
    g.before = arena_array(scratch, n, sizeof(*g.before));
    g.version_of = arena_array(scratch, n, sizeof(*g.version_of));
    g.to = arena_array(scratch, n, sizeof(*g.to));
    g.next = arena_array(scratch, n, sizeof(*g.next));
    g.table = arena_array(scratch, g.table_size, sizeof(*g.table));
    number_memory(&g);
    /* Reverse post-order: dominators come first. */
    for (ir_block b = 0; b < f->block_count; b++)
        number_block(&g, b);
    if (g.changed) {
        ir_ref *to = arena_array(scratch, f->insn_count, sizeof(*to));

        for (ir_ref r = 0; r < n; r++)
            to[r] = g.to[r];
        opt_substitute(f, to);
        for (ir_ref r = 1; r < n; r++)
            if (g.to[r] != IR_NONE)
                f->insns[r].op = IR_NOP;
        ir_compact(f);
    }
    return g.changed;
}
