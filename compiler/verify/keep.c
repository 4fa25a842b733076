/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>
#include <string.h>

/* Copies of states: header, loop counts, then the slots of each frame, in one block. Blocks come in
 * powers of two and are used again. */

enum { KEPT_LEAST_BYTES = 2048 };

static size_t round_up(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static struct kept *take_block(struct verifier *v, size_t bytes)
{
    size_t size = KEPT_LEAST_BYTES;
    uint32_t class = 0;
    struct kept *k;

    while (size < bytes) {
        size *= 2;
        class ++;
    }
    assert(class < KEPT_CLASSES);
    k = v->unused[class];
    if (k) {
        v->unused[class] = k->next;
        return k;
    }
    k = arena_alloc(v->scratch, size);
    k->bytes = (uint32_t)size;
    return k;
}

void verify_release(struct verifier *v, struct kept *kept)
{
    uint32_t class = 0;

    while ((uint32_t)KEPT_LEAST_BYTES << class < kept->bytes)
        class ++;
    kept->next = v->unused[class];
    v->unused[class] = kept;
}

/* Frames beyond the running one are not copied. */
static size_t header_bytes(const struct state *s)
{
    return round_up(offsetof(struct kept, state.frames) + (s->depth + 1) * sizeof(struct frame));
}

struct kept *verify_keep(struct verifier *v)
{
    const struct state *s = &v->cur;
    const size_t trips = v->loop_count * sizeof(*s->trips);
    size_t bytes = header_bytes(s) + round_up(trips);
    struct kept *k;
    uint8_t *rest;

    for (uint32_t d = 0; d <= s->depth; d++)
        bytes += s->frames[d].slot_count * sizeof(struct slot);
    k = take_block(v, bytes);
    memcpy(&k->state, s, offsetof(struct state, frames) + (s->depth + 1) * sizeof(struct frame));
    rest = (uint8_t *)k + header_bytes(s);
    if (trips)
        memcpy(rest, s->trips, trips);
    k->state.trips = (void *)rest;
    rest += round_up(trips);
    for (uint32_t d = 0; d <= s->depth; d++) {
        const size_t n = s->frames[d].slot_count * sizeof(struct slot);

        memcpy(rest, s->frames[d].slots, n);
        k->state.frames[d].slots = (void *)rest;
        rest += n;
    }
    return k;
}

void verify_restore(struct verifier *v, const struct kept *kept)
{
    const struct state *s = &kept->state;
    uint32_t *trips = v->cur.trips;
    struct slot *slots[SPEC_CALL_FRAMES];

    for (uint32_t d = 0; d <= s->depth; d++)
        slots[d] = v->cur.frames[d].slots;
    memcpy(&v->cur, s, offsetof(struct state, frames) + (s->depth + 1) * sizeof(struct frame));
    v->cur.trips = trips;
    if (v->loop_count)
        memcpy(trips, s->trips, v->loop_count * sizeof(*trips));
    for (uint32_t d = 0; d <= s->depth; d++) {
        v->cur.frames[d].slots = slots[d];
        memcpy(slots[d], s->frames[d].slots, s->frames[d].slot_count * sizeof(struct slot));
    }
}
