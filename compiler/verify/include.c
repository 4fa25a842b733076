/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* When a state need not be explored: a kept one, explored to all its ends, covers it. Registers
 * count if they are live, stack slots if some way on from the kept state read them, numbers if they
 * were found to be precise. */

enum { IDS_MAX = 128 };

/* Ids that stand for each other in the two states; each has at most one partner. */
struct ids {
    uint32_t count;
    uint32_t lone; /* scalars without an id get one each, from the top down */
    uint32_t pairs[IDS_MAX][2];
};

static bool ids_match(struct ids *ids, uint32_t old, uint32_t now)
{
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->pairs[i][0] == old || ids->pairs[i][1] == now)
            return ids->pairs[i][0] == old && ids->pairs[i][1] == now;
    if (ids->count == IDS_MAX)
        return false;
    ids->pairs[ids->count][0] = old;
    ids->pairs[ids->count++][1] = now;
    return true;
}

static bool same_id(struct ids *ids, uint32_t old, uint32_t now)
{
    return !old == !now && (!old || ids_match(ids, old, now));
}

/* Numbers that were one in the old state must be one now; those that were not may be. */
static bool same_link(struct ids *ids, const struct reg *old, const struct reg *now)
{
    if (!old->id)
        return true;
    if (old->has_delta != now->has_delta || old->delta32 != now->delta32 ||
        (old->has_delta && old->off != now->off))
        return false;
    return ids_match(ids, old->id, now->id ? now->id : UINT32_MAX - ids->lone++);
}

static bool includes_scalar(const struct verifier *v, struct ids *ids, const struct reg *old,
                            const struct reg *now)
{
    const struct node *node = &v->graph.nodes[old->node];

    if (!v->exact && !node->precise && !node->pinned)
        return true;
    return scalar_includes(&old->num, &now->num) && same_link(ids, old, now);
}

static bool includes_reg(const struct verifier *v, struct ids *ids, const struct reg *old,
                         const struct reg *now)
{
    if (old->type == REG_NONE) /* nothing on the way on reads it */
        return true;
    if (old->type != now->type)
        return false;
    switch ((enum reg_type)old->type) {
    case REG_SCALAR:
        return includes_scalar(v, ids, old, now);
    case REG_PACKET:
    case REG_META:
        return old->range <= now->range && (old->range >= 0 || old->range == now->range) &&
               old->off == now->off && scalar_includes(&old->num, &now->num) &&
               same_id(ids, old->id, now->id);
    case REG_VALUE:
    case REG_KEY:
        return old->map == now->map && old->off == now->off && old->frame == now->frame &&
               scalar_includes(&old->num, &now->num) && same_id(ids, old->id, now->id);
    case REG_VALUE_OR_NULL:
    case REG_MAP_OR_NULL:
        return old->map == now->map && same_id(ids, old->id, now->id);
    case REG_RECORD:
        return old->range == now->range && old->off == now->off &&
               scalar_includes(&old->num, &now->num) && same_id(ids, old->ref, now->ref);
    case REG_RECORD_OR_NULL:
        return old->range == now->range && same_id(ids, old->id, now->id) &&
               same_id(ids, old->ref, now->ref);
    case REG_STACK:
        return old->frame == now->frame && old->off == now->off &&
               scalar_same(&old->num, &now->num);
    case REG_MAP:
    case REG_FUNC:
        return old->map == now->map;
    case REG_CTX:
    case REG_PACKET_END:
        return old->off == now->off && scalar_same(&old->num, &now->num);
    case REG_STALE:
        return (old->ref || !now->ref) &&
               (old->range == now->range || old->range == HALF_OF_OTHER || !now->range);
    case REG_NONE:
    case REG_TYPE_COUNT:
        break;
    }
    return false;
}

static uint32_t spill_bytes(const struct slot *s)
{
    uint32_t n = 0;

    while (n < SLOT_BYTES && s->kind[n] == SLOT_SPILL)
        n++;
    return n;
}

/* All eight bytes are a number, known or not. */
static bool is_number(const struct slot *s)
{
    if (spill_bytes(s) == SLOT_BYTES)
        return s->reg.type == REG_SCALAR;
    for (int b = 0; b < SLOT_BYTES; b++)
        if (s->kind[b] == SLOT_NONE)
            return false;
    return spill_bytes(s) == 0 || s->reg.type == REG_SCALAR;
}

static bool includes_bytes(const struct slot *old, const struct slot *now, uint32_t from)
{
    for (uint32_t b = from; b < SLOT_BYTES; b++) {
        const uint8_t o = old->kind[b], n = now->kind[b];
        const bool plain =
            n == SLOT_MISC || n == SLOT_ZERO || (n == SLOT_SPILL && now->reg.type == REG_SCALAR);

        if (o != SLOT_NONE && o != n && !(o == SLOT_MISC && plain))
            return false;
    }
    return true;
}

static bool includes_slot(const struct verifier *v, struct ids *ids, const struct slot *old,
                          const struct slot *now)
{
    const uint32_t spilled = spill_bytes(old);

    if (spilled == 0)
        return includes_bytes(old, now, 0);
    if (spilled == SLOT_BYTES && spill_bytes(now) != SLOT_BYTES && is_number(now) &&
        old->reg.type == REG_SCALAR) {
        struct reg any;

        reg_set_scalar(&any, scalar_unknown(), 0, 0);
        return includes_scalar(v, ids, &old->reg, &any);
    }
    return spill_bytes(now) == spilled && includes_reg(v, ids, &old->reg, &now->reg) &&
           includes_bytes(old, now, spilled);
}

/* The registers that count in a frame: those that are live where it goes on. */
uint16_t verify_live_in(const struct verifier *v, const struct state *s, uint32_t depth)
{
    if (depth == s->depth)
        return v->live[s->insn];
    if (s->frames[depth + 1].callback) /* the helper goes on */
        return v->live[s->frames[depth + 1].call_insn];
    return v->live[s->frames[depth + 1].call_insn + 1] & REGS_CALLEE;
}

static const struct slot *slot_or_empty(const struct frame *f, uint32_t i)
{
    static const struct slot empty;

    return i < f->slot_count ? &f->slots[i] : &empty;
}

bool verify_same_calls(const struct state *a, const struct state *b)
{
    if (a->depth != b->depth)
        return false;
    for (uint32_t d = 0; d <= a->depth; d++)
        if (a->frames[d].context != b->frames[d].context)
            return false;
    return true;
}

/* What is held is the same, taken by the same call (facts name it), and a callback has as many
 * rounds left or more. */
static bool same_held(struct ids *ids, const struct state *old, const struct state *now)
{
    if (old->ref_count != now->ref_count || old->locked != now->locked)
        return false;
    for (uint32_t i = 0; i < old->ref_count; i++)
        if (!ids_match(ids, old->refs[i].id, now->refs[i].id) ||
            old->refs[i].insn != now->refs[i].insn || old->refs[i].context != now->refs[i].context)
            return false;
    for (uint32_t d = 0; d <= old->depth; d++)
        if (old->frames[d].rounds > now->frames[d].rounds)
            return false;
    return !old->locked ||
           (old->lock_map == now->lock_map && same_id(ids, old->lock_id, now->lock_id));
}

bool verify_includes(struct verifier *v, const struct checkpoint *old)
{
    const struct state *s = &old->kept->state;
    struct ids ids = {0};

    if (!verify_same_calls(s, &v->cur) || !same_held(&ids, s, &v->cur))
        return false;
    for (uint32_t d = 0; d <= s->depth; d++) {
        const struct frame *a = &s->frames[d], *b = &v->cur.frames[d];
        const uint16_t live = verify_live_in(v, s, d);

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            if (live >> r & 1 && !includes_reg(v, &ids, &a->regs[r], &b->regs[r]))
                return false;
        for (uint32_t i = 0; i < a->slot_count; i++)
            if ((v->exact || old->read[d] >> i & 1) &&
                !includes_slot(v, &ids, &a->slots[i], slot_or_empty(b, i)))
                return false;
    }
    return true;
}

/* ---- what follows from being covered ---- */

/* A number that may be outside of the old one's limits, or no longer goes with the numbers that the
 * old one was a copy of, is not what was found out on the way on: that was learned of one number
 * from comparing the other. */
static void join_reg(struct verifier *v, struct ids *ids, const struct reg *old,
                     const struct reg *now)
{
    struct node *node = &v->graph.nodes[old->node];

    if (old->type != REG_SCALAR)
        return;
    if (now->type != REG_SCALAR || !scalar_includes(&old->num, &now->num) ||
        !same_link(ids, old, now))
        node->open = true;
    else if (!node->precise)
        verify_follows(v, old->node, now->node);
    if (node->precise)
        verify_precise_reg(v, now);
}

void verify_join(struct verifier *v, struct checkpoint *old)
{
    const struct state *s = &old->kept->state;
    struct ids ids = {0};

    for (uint32_t d = 0; d <= s->depth; d++) {
        const struct frame *a = &s->frames[d], *b = &v->cur.frames[d];
        const uint16_t live = verify_live_in(v, s, d);

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            if (live >> r & 1)
                join_reg(v, &ids, &a->regs[r], &b->regs[r]);
        for (uint32_t i = 0; i < a->slot_count; i++) {
            static const struct reg nothing;
            const struct slot *now = slot_or_empty(b, i);

            if (!(old->read[d] >> i & 1))
                continue;
            if (spill_bytes(&a->slots[i]))
                join_reg(v, &ids, &a->slots[i].reg,
                         spill_bytes(now) == spill_bytes(&a->slots[i]) ? &now->reg : &nothing);
            verify_mark_slot(v, d, i);
        }
    }
}

/* ---- rounds of callbacks ---- */

bool verify_round_includes(struct verifier *v, const struct checkpoint *old)
{
    const bool exact = v->exact;
    bool included;

    v->exact = true;
    included = verify_includes(v, old);
    v->exact = exact;
    return included;
}

void verify_join_round(struct verifier *v, struct checkpoint *old)
{
    const struct state *s = &old->kept->state;

    verify_join(v, old);
    for (uint32_t d = 0; d <= s->depth; d++) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            if (f->regs[r].type == REG_SCALAR)
                verify_pin(v, f->regs[r].node);
        for (uint32_t i = 0; i < f->slot_count; i++) {
            if (spill_bytes(&f->slots[i]) && f->slots[i].reg.type == REG_SCALAR)
                verify_pin(v, f->slots[i].reg.node);
            verify_mark_slot(v, d, i);
        }
    }
}

/* ---- endless loops ---- */

static bool equal_regs(struct ids *ids, const struct reg *a, const struct reg *b)
{
    return a->type == b->type && a->off == b->off && a->map == b->map && a->range == b->range &&
           a->frame == b->frame && a->has_delta == b->has_delta && a->delta32 == b->delta32 &&
           same_id(ids, a->ref, b->ref) &&
           (a->type < REG_SCALAR || scalar_same(&a->num, &b->num)) && same_id(ids, a->id, b->id);
}

bool verify_equals(struct verifier *v, const struct checkpoint *old)
{
    const struct state *s = &old->kept->state;
    struct ids ids = {0};

    if (!verify_same_calls(s, &v->cur) || !same_held(&ids, s, &v->cur))
        return false;
    for (uint32_t d = 0; d <= s->depth; d++) {
        const struct frame *a = &s->frames[d], *b = &v->cur.frames[d];
        const uint16_t live = verify_live_in(v, s, d);

        /* Another round of a callback may end it, if what it depends on lies in a map. */
        if (a->slot_count != b->slot_count || a->rounds != b->rounds)
            return false;
        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            if (live >> r & 1 && !equal_regs(&ids, &a->regs[r], &b->regs[r]))
                return false;
        for (uint32_t i = 0; i < a->slot_count; i++)
            if (memcmp(a->slots[i].kind, b->slots[i].kind, SLOT_BYTES) ||
                (spill_bytes(&a->slots[i]) &&
                 !equal_regs(&ids, &a->slots[i].reg, &b->slots[i].reg)))
                return false;
    }
    return true;
}
