/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* How often the head of a loop is entered on one path, at most. A checkpoint knows that of the ways
 * on from it (trips_left); what is added up on the way to it comes on top. A path that ends because
 * its state was explored before goes on as that one did. */

void verify_trips_enter(struct verifier *v, uint32_t at)
{
    if (v->loop_heads[at])
        v->cur.trips[v->loop_heads[at] - 1]++;
}

void verify_trips_add(struct verifier *v, struct checkpoint *to, const uint32_t *way,
                      const uint32_t *left)
{
    for (uint32_t i = 0; i < v->loop_count; i++) {
        const uint32_t n = way[i] + (left ? left[i] : 0);

        if (to->trips_left[i] < n)
            to->trips_left[i] = n;
    }
}

void verify_trips_finish(struct verifier *v, const struct checkpoint *first)
{
    for (uint32_t at = 0; at < v->prog->insn_count; at++)
        if (v->loop_heads[at])
            v->result->trip_max[at] = first->trips_left[v->loop_heads[at] - 1];
}
