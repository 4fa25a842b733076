/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PIPELINE_LOOPS_H
#define SLUICE_PIPELINE_LOOPS_H

#include "compiler/pipeline/pipe.h"

struct pipe_loop {
    ir_block header;
    uint32_t parent; /* number of the loop around it */
    struct bitset has;
    ir_block
        *items; /* in reverse post-order: blocks in no loop inside it, headers of those loops */
    uint32_t item_count;
    uint32_t trip_max;
};

/* Number 0 is the function itself, which is no loop. A loop comes after those around it. */
struct pipe_loops {
    ir_block *order; /* reverse post-order of the blocks that can be reached */
    uint32_t *position;
    uint32_t order_count;
    struct pipe_loop *loops;
    uint32_t count;
    uint32_t *of; /* innermost loop of a block */
};

/* The loops of g->f; -ENOTSUP with the reason in the sink if one has several entries. */
int pipe_find_loops(struct pipe_graph *g, struct pipe_loops *out);

#endif
