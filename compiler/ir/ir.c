/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/ir.h"

#include <assert.h>
#include <string.h>

struct ir_func *ir_func_new(struct arena *arena, const char *name)
{
    struct ir_func *f = arena_alloc(arena, sizeof(*f));

    f->arena = arena;
    f->name = arena_strdup(arena, name);
    f->insns = arena_grow(arena, NULL, 0, &f->insn_capacity, sizeof(*f->insns));
    f->insns[0] = (struct ir_insn){.op = IR_NOP, .block = IR_NO_BLOCK, .pc = IR_NO_PC};
    f->insn_count = 1;
    return f;
}

ir_block ir_block_new(struct ir_func *f)
{
    f->blocks =
        arena_grow(f->arena, f->blocks, f->block_count, &f->block_capacity, sizeof(*f->blocks));
    f->blocks[f->block_count] = (struct ir_block_data){.succ = {IR_NO_BLOCK, IR_NO_BLOCK}};
    return f->block_count++;
}

ir_ref ir_new(struct ir_func *f, struct ir_insn insn, const ir_ref *args, uint32_t nargs)
{
    assert(nargs <= UINT16_MAX);
    insn.nargs = (uint16_t)nargs;
    insn.args = nargs ? arena_memdup(f->arena, args, nargs * sizeof(*args)) : NULL;
    insn.block = IR_NO_BLOCK;
    f->insns = arena_grow(f->arena, f->insns, f->insn_count, &f->insn_capacity, sizeof(*f->insns));
    f->insns[f->insn_count] = insn;
    return f->insn_count++;
}

void ir_insert(struct ir_func *f, ir_block b, uint32_t position, ir_ref ref)
{
    struct ir_block_data *block = &f->blocks[b];

    assert(position <= block->count);
    assert(f->insns[ref].block == IR_NO_BLOCK);
    block->insns =
        arena_grow(f->arena, block->insns, block->count, &block->capacity, sizeof(*block->insns));
    memmove(&block->insns[position + 1], &block->insns[position],
            (block->count - position) * sizeof(*block->insns));
    block->insns[position] = ref;
    block->count++;
    f->insns[ref].block = b;
}

ir_ref ir_append(struct ir_func *f, ir_block b, struct ir_insn insn, const ir_ref *args,
                 uint32_t nargs)
{
    const ir_ref ref = ir_new(f, insn, args, nargs);

    ir_insert(f, b, f->blocks[b].count, ref);
    return ref;
}

void ir_remove(struct ir_func *f, ir_ref ref)
{
    struct ir_insn *in = &f->insns[ref];

    if (in->block != IR_NO_BLOCK) {
        struct ir_block_data *block = &f->blocks[in->block];
        uint32_t i = 0;

        while (block->insns[i] != ref)
            i++;
        block->count--;
        memmove(&block->insns[i], &block->insns[i + 1], (block->count - i) * sizeof(*block->insns));
    }
    *in = (struct ir_insn){.op = IR_NOP, .block = IR_NO_BLOCK, .pc = IR_NO_PC};
}

void ir_replace(struct ir_func *f, ir_ref old, ir_ref new_ref)
{
    for (ir_ref r = 1; r < f->insn_count; r++) {
        struct ir_insn *in = &f->insns[r];

        for (uint32_t a = 0; a < in->nargs; a++)
            if (in->args[a] == old)
                in->args[a] = new_ref;
    }
}

void ir_edge(struct ir_func *f, ir_block from, ir_block to)
{
    struct ir_block_data *a = &f->blocks[from];
    struct ir_block_data *b = &f->blocks[to];

    assert(a->succ_count < 2);
    a->succ[a->succ_count++] = to;
    b->preds = arena_grow(f->arena, b->preds, b->pred_count, &b->pred_capacity, sizeof(*b->preds));
    b->preds[b->pred_count++] = from;
}

/* Reverse post-order of the blocks that can be reached; UINT32_MAX in position for the others. An
 * explicit stack, since a program may have thousands of blocks in a row. */
static uint32_t reverse_post_order(const struct ir_func *f, struct arena *scratch, ir_block *order,
                                   uint32_t *position)
{
    const uint32_t n = f->block_count;
    ir_block *stack = arena_array(scratch, n, sizeof(*stack));
    uint8_t *next = arena_array(scratch, n, sizeof(*next));
    uint32_t depth = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        position[i] = UINT32_MAX;
    if (n == 0)
        return 0;
    stack[depth++] = 0;
    position[0] = 0;
    while (depth) {
        const ir_block b = stack[depth - 1];
        const struct ir_block_data *data = &f->blocks[b];

        if (next[b] < data->succ_count) {
            /* The last successor first, so that the first one comes next in the order. */
            const ir_block s = data->succ[data->succ_count - 1 - next[b]++];

            if (position[s] == UINT32_MAX) {
                position[s] = 0;
                stack[depth++] = s;
            }
        } else {
            order[count++] = b;
            depth--;
        }
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        const ir_block t = order[i];

        order[i] = order[count - 1 - i];
        order[count - 1 - i] = t;
    }
    for (uint32_t i = 0; i < count; i++)
        position[order[i]] = i;
    return count;
}

/* Keeps those predecessors of a block, and phi operands for them, that stay. */
static void compact_preds(struct ir_func *f, ir_block b, const uint32_t *position)
{
    struct ir_block_data *block = &f->blocks[b];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < block->pred_count; i++) {
        if (position[block->preds[i]] == UINT32_MAX)
            continue;
        for (uint32_t k = 0; k < block->count; k++) {
            struct ir_insn *in = &f->insns[block->insns[k]];

            if (in->op == IR_PHI)
                in->args[kept] = in->args[i];
        }
        block->preds[kept++] = block->preds[i];
    }
    block->pred_count = kept;
    for (uint32_t k = 0; k < block->count; k++) {
        struct ir_insn *in = &f->insns[block->insns[k]];

        if (in->op == IR_PHI)
            in->nargs = (uint16_t)kept;
    }
}

static void drop_block(struct ir_func *f, ir_block b)
{
    struct ir_block_data *block = &f->blocks[b];

    for (uint32_t k = 0; k < block->count; k++)
        f->insns[block->insns[k]] =
            (struct ir_insn){.op = IR_NOP, .block = IR_NO_BLOCK, .pc = IR_NO_PC};
    block->count = 0;
}

static void drop_nops(struct ir_func *f, ir_block b)
{
    struct ir_block_data *block = &f->blocks[b];
    uint32_t kept = 0;

    for (uint32_t k = 0; k < block->count; k++)
        if (f->insns[block->insns[k]].op != IR_NOP)
            block->insns[kept++] = block->insns[k];
    block->count = kept;
}

void ir_compact(struct ir_func *f)
{
    const uint32_t n = f->block_count;
    ir_block *order = arena_array(f->arena, n, sizeof(*order));
    uint32_t *position = arena_array(f->arena, n, sizeof(*position));
    const uint32_t count = reverse_post_order(f, f->arena, order, position);
    struct ir_block_data *blocks = arena_array(f->arena, count, sizeof(*blocks));

    for (ir_block b = 0; b < n; b++) {
        if (position[b] == UINT32_MAX)
            drop_block(f, b);
        else
            compact_preds(f, b, position);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ir_block_data *block = &blocks[i];

        drop_nops(f, order[i]);
        *block = f->blocks[order[i]];
        for (uint32_t k = 0; k < block->succ_count; k++)
            block->succ[k] = position[block->succ[k]];
        for (uint32_t k = 0; k < block->pred_count; k++)
            block->preds[k] = position[block->preds[k]];
        for (uint32_t k = 0; k < block->count; k++)
            f->insns[block->insns[k]].block = i;
    }
    f->blocks = blocks;
    f->block_count = count;
    f->block_capacity = count;
}

/* --- dominators: Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm" ----------------
 */

static ir_block intersect(const ir_block *idom, const uint32_t *position, ir_block a, ir_block b)
{
    while (a != b) {
        while (position[a] > position[b])
            a = idom[a];
        while (position[b] > position[a])
            b = idom[b];
    }
    return a;
}

/* The dominator of a block by what is known so far, or IR_NO_BLOCK. */
static ir_block common_dominator(const struct ir_func *f, const ir_block *idom,
                                 const uint32_t *position, ir_block b)
{
    const struct ir_block_data *block = &f->blocks[b];
    ir_block d = IR_NO_BLOCK;

    for (uint32_t i = 0; i < block->pred_count; i++) {
        const ir_block p = block->preds[i];

        if (position[p] == UINT32_MAX || idom[p] == IR_NO_BLOCK)
            continue;
        d = d == IR_NO_BLOCK ? p : intersect(idom, position, d, p);
    }
    return d;
}

struct ir_dom ir_dominators(struct arena *scratch, const struct ir_func *f)
{
    const uint32_t n = f->block_count;
    struct ir_dom dom = {arena_array(scratch, n, sizeof(ir_block)),
                         arena_array(scratch, n, sizeof(uint32_t))};
    ir_block *order = arena_array(scratch, n, sizeof(*order));
    uint32_t *position = arena_array(scratch, n, sizeof(*position));
    const uint32_t count = reverse_post_order(f, scratch, order, position);
    bool changed = true;

    for (uint32_t i = 0; i < n; i++)
        dom.idom[i] = IR_NO_BLOCK;
    if (n == 0)
        return dom;
    dom.idom[0] = 0;
    while (changed) {
        changed = false;
        for (uint32_t i = 1; i < count; i++) {
            const ir_block d = common_dominator(f, dom.idom, position, order[i]);

            if (dom.idom[order[i]] != d) {
                dom.idom[order[i]] = d;
                changed = true;
            }
        }
    }
    for (uint32_t i = 1; i < count; i++)
        dom.depth[order[i]] = dom.depth[dom.idom[order[i]]] + 1;
    return dom;
}

bool ir_dominates(const struct ir_dom *dom, ir_block a, ir_block b)
{
    if (dom->idom[a] == IR_NO_BLOCK || dom->idom[b] == IR_NO_BLOCK)
        return false;
    while (dom->depth[b] > dom->depth[a])
        b = dom->idom[b];
    return a == b;
}

/* --- what a function does ----------------------------------------------------------------- */

bool ir_has_loop(const struct ir_func *f, ir_block *header)
{
    struct arena *scratch = f->arena;
    ir_block *order = arena_array(scratch, f->block_count, sizeof(*order));
    uint32_t *position = arena_array(scratch, f->block_count, sizeof(*position));
    const uint32_t count = reverse_post_order(f, scratch, order, position);

    /* In a reverse post-order exactly the retreating edges do not go forward. */
    for (uint32_t i = 0; i < count; i++) {
        const struct ir_block_data *block = &f->blocks[order[i]];

        for (uint32_t k = 0; k < block->succ_count; k++) {
            if (position[block->succ[k]] > i)
                continue;
            if (header)
                *header = block->succ[k];
            return true;
        }
    }
    return false;
}

static void use_of_map(struct ir_map *map, const struct ir_insn *in)
{
    switch ((enum ir_op)in->op) {
    case IR_LOAD:
        map->reads = true;
        break;
    case IR_STORE:
        map->writes = true;
        break;
    case IR_ATOMIC:
        if (in->fetch)
            map->fetches = true;
        else
            map->atomics = true;
        break;
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
        map->looks_up = true;
        break;
    case IR_MAP_UPDATE:
        map->updates = true;
        break;
    case IR_MAP_DELETE:
        map->deletes = true;
        break;
    case IR_NOP:
    case IR_CONST:
    case IR_INPUT:
    case IR_ALU:
    case IR_SELECT:
    case IR_PHI:
    case IR_PKT_ZERO:
    case IR_HOST:
    case IR_JMP:
    case IR_BR:
    case IR_EXIT:
    case IR_OP_COUNT:
        break;
    }
}

static bool touches_map(const struct ir_insn *in)
{
    const enum ir_op op = (enum ir_op)in->op;

    if (op == IR_LOAD || op == IR_STORE || op == IR_ATOMIC)
        return in->region == IR_REGION_MAP;
    return ir_is_map_op(in);
}

/* Atomics of one kind and size come to the same in any order; different ones do not, so that their
 * order matters as if the old value were used. */
static bool has_mixed_atomics(const struct ir_func *f, uint32_t map)
{
    const struct ir_insn *first = NULL;

    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t k = 0; k < f->blocks[b].count; k++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[k]];

            if (in->op != IR_ATOMIC || (in->map != map && in->map != IR_MAP_ANY))
                continue;
            if (!first)
                first = in;
            if (in->atomic != first->atomic || in->size != first->size)
                return true;
        }
    }
    return false;
}

void ir_map_uses(struct ir_func *f)
{
    for (uint32_t m = 0; m < f->map_count; m++) {
        struct ir_map *map = &f->maps[m];

        map->reads = map->writes = map->atomics = map->fetches = false;
        map->looks_up = map->updates = map->deletes = false;
    }
    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t k = 0; k < f->blocks[b].count; k++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[k]];

            if (!touches_map(in))
                continue;
            for (uint32_t m = 0; m < f->map_count; m++)
                if (in->map == m || in->map == IR_MAP_ANY)
                    use_of_map(&f->maps[m], in);
        }
    }
    for (uint32_t m = 0; m < f->map_count; m++)
        if (f->maps[m].atomics && has_mixed_atomics(f, m))
            f->maps[m].fetches = true;
}
