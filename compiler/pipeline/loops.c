/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/loops.h"

/* The loops of a function, and how they lie in each other. */

static void sort_blocks(struct pipe_loops *u, struct arena *arena, const struct ir_func *f)
{
    ir_block *stack = arena_array(arena, f->block_count, sizeof(*stack));
    uint8_t *next = arena_array(arena, f->block_count, sizeof(*next));
    bool *seen = arena_array(arena, f->block_count, sizeof(*seen));
    ir_block *post = arena_array(arena, f->block_count, sizeof(*post));
    uint32_t depth = 1;
    uint32_t count = 0;

    seen[0] = true;
    while (depth) {
        const ir_block b = stack[depth - 1];
        const struct ir_block_data *d = &f->blocks[b];

        if (next[b] < d->succ_count) {
            const ir_block s = d->succ[d->succ_count - 1 - next[b]++];

            if (!seen[s]) {
                seen[s] = true;
                stack[depth++] = s;
            }
        } else {
            post[count++] = b;
            depth--;
        }
    }
    u->order = arena_array(arena, count, sizeof(*u->order));
    u->position = arena_array(arena, f->block_count, sizeof(*u->position));
    for (ir_block b = 0; b < f->block_count; b++)
        u->position[b] = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        u->order[i] = post[count - 1 - i];
        u->position[u->order[i]] = i;
    }
    u->order_count = count;
}

/* Adds to a loop what leads to its header again by way of this block. */
static void add_latch(const struct pipe_loops *u, const struct ir_func *f, struct pipe_loop *l,
                      ir_block latch, ir_block *stack)
{
    uint32_t depth = 0;

    if (!bitset_has(&l->has, latch)) {
        bitset_add(&l->has, latch);
        stack[depth++] = latch;
    }
    while (depth) {
        const struct ir_block_data *d = &f->blocks[stack[--depth]];

        for (uint32_t i = 0; i < d->pred_count; i++) {
            if (u->position[d->preds[i]] == UINT32_MAX || bitset_has(&l->has, d->preds[i]))
                continue;
            bitset_add(&l->has, d->preds[i]);
            stack[depth++] = d->preds[i];
        }
    }
}

/* Headers come in reverse post-order, so a loop comes after those around it, and of the loops that
 * hold a block the last one is the innermost. */
static int find_all(struct pipe_loops *u, struct pipe_graph *g)
{
    const struct ir_func *f = g->f;
    struct arena *arena = g->arena;
    const struct ir_dom dom = ir_dominators(arena, f);
    ir_block *stack = arena_array(arena, f->block_count, sizeof(*stack));
    uint32_t capacity = 0;

    u->loops = arena_grow(arena, NULL, 0, &capacity, sizeof(*u->loops));
    u->loops[0] = (struct pipe_loop){.header = IR_NO_BLOCK};
    u->count = 1;
    u->of = arena_array(arena, f->block_count, sizeof(*u->of));
    for (uint32_t i = 0; i < u->order_count; i++) {
        const ir_block h = u->order[i];
        struct pipe_loop l = {.header = h, .parent = u->of[h], .trip_max = f->blocks[h].trip_max};

        for (uint32_t p = 0; p < f->blocks[h].pred_count; p++) {
            const ir_block latch = f->blocks[h].preds[p];

            if (u->position[latch] == UINT32_MAX || u->position[latch] < i)
                continue;
            if (!ir_dominates(&dom, h, latch))
                return pipe_refuse(g, "PIPE0001", pipe_first_pc(f, h),
                                   "a loop with several entries cannot become a pipeline; run the "
                                   "program on the core (microcode), or give the loop one entry");
            if (!l.has.words) {
                l.has = bitset_make(arena, f->block_count);
                bitset_add(&l.has, h);
            }
            add_latch(u, f, &l, latch, stack);
        }
        if (!l.has.words)
            continue;
        for (ir_block b = 0; b < f->block_count; b++) {
            if (bitset_has(&l.has, b))
                u->of[b] = u->count;
        }
        u->loops = arena_grow(arena, u->loops, u->count, &capacity, sizeof(*u->loops));
        u->loops[u->count++] = l;
    }
    return 0;
}

static void list_items(struct pipe_loops *u, struct arena *arena)
{
    for (uint32_t l = 0; l < u->count; l++)
        u->loops[l].items = arena_array(arena, u->order_count, sizeof(ir_block));
    for (uint32_t i = 0; i < u->order_count; i++) {
        const ir_block b = u->order[i];
        struct pipe_loop *in = &u->loops[u->of[b]];

        in->items[in->item_count++] = b;
        if (in->header == b) {
            struct pipe_loop *around = &u->loops[in->parent];

            around->items[around->item_count++] = b;
        }
    }
}

int pipe_find_loops(struct pipe_graph *g, struct pipe_loops *out)
{
    int err;

    *out = (struct pipe_loops){.count = 0};
    sort_blocks(out, g->arena, g->f);
    err = find_all(out, g);
    if (!err)
        list_items(out, g->arena);
    return err;
}
