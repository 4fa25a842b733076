/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <string.h>

/* When the current state need not be explored: a state that was explored from the same instruction
 * to all its ends includes it (states_equal of kernel/bpf/verifier.c). Found facts hold too,
 * because every fact was joined there over more. */

enum { IDS_MAX = 256, STEPS_MIN = 8, MISSES_MAX = 8 };

/* Pairs of ids that stand for each other in the two states. */
struct id_map {
    uint32_t count;
    uint32_t pairs[IDS_MAX][2];
};

static bool same_id(struct id_map *ids, uint32_t old, uint32_t now)
{
    if (!old != !now)
        return false;
    if (!old)
        return true;
    for (uint32_t i = 0; i < ids->count; i++)
        if (ids->pairs[i][0] == old)
            return ids->pairs[i][1] == now;
    if (ids->count == IDS_MAX)
        return false;
    ids->pairs[ids->count][0] = old;
    ids->pairs[ids->count++][1] = now;
    return true;
}

static bool includes_reg(struct id_map *ids, const struct reg *old, const struct reg *now,
                         bool precise)
{
    if (old->type == REG_NONE || old->type == REG_STALE)
        return true; /* nothing read it */
    if (old->type != now->type)
        return false;
    switch ((enum reg_type)old->type) {
    case REG_SCALAR:
        if (!precise)
            return true;
        return scalar_includes(&old->num, &now->num) &&
               (!old->id || same_id(ids, old->id, now->id));
    case REG_PKT:
    case REG_PKT_META:
        return old->range <= now->range && old->off == now->off &&
               scalar_includes(&old->num, &now->num) && same_id(ids, old->id, now->id);
    case REG_VALUE:
        return old->map == now->map && old->off == now->off &&
               scalar_includes(&old->num, &now->num);
    case REG_VALUE_OR_NULL:
        return old->map == now->map && old->off == now->off && same_id(ids, old->id, now->id);
    case REG_STACK:
        return old->frame == now->frame && old->off == now->off &&
               scalar_includes(&old->num, &now->num);
    case REG_MAP:
        return old->map == now->map;
    default:
        return true;
    }
}

static bool includes_slot(struct id_map *ids, const struct slot *old, const struct slot *now)
{
    if (old->kind[0] == SLOT_SPILL && !includes_reg(ids, &old->reg, &now->reg, true))
        return false;
    for (int b = 0; b < SLOT_BYTES; b++) {
        const uint8_t o = old->kind[b], n = now->kind[b];
        const bool plain =
            n == SLOT_MISC || n == SLOT_ZERO || (n == SLOT_SPILL && now->reg.type == REG_SCALAR);

        if (o == SLOT_NONE || o == n)
            continue;
        if (o != SLOT_MISC || !plain)
            return false;
    }
    return true;
}

static bool includes_frame(const struct verifier *v, struct id_map *ids, const struct frame *old,
                           const struct frame *now, uint32_t at)
{
    static const struct slot empty;

    if (old->context != now->context)
        return false;
    for (unsigned r = 0; r < EBPF_REGS; r++)
        if (v->live[at] >> r & 1 &&
            !includes_reg(ids, &old->regs[r], &now->regs[r], v->precise[at] >> r & 1))
            return false;
    for (uint32_t s = 0; s < old->slot_count; s++)
        if (!includes_slot(ids, &old->slots[s], s < now->slot_count ? &now->slots[s] : &empty))
            return false;
    return true;
}

static bool includes(const struct verifier *v, const struct seen *old, const struct state *now)
{
    struct id_map ids = {0};

    if (old->depth != now->depth)
        return false;
    for (uint32_t d = 0; d <= now->depth; d++) {
        const uint32_t at = d == now->depth ? now->insn : now->frames[d + 1].return_to;

        if (!includes_frame(v, &ids, &old->frames[d], &now->frames[d], at))
            return false;
    }
    return true;
}

static bool equal_numbers(const struct reg *a, const struct reg *b)
{
    return a->type == b->type &&
           (a->type == REG_NONE ||
            (a->off == b->off && a->map == b->map && a->range == b->range && a->frame == b->frame &&
             scalar_includes(&a->num, &b->num) && scalar_includes(&b->num, &a->num)));
}

/* Nothing at all has changed: going round once more can't end differently. */
static bool equals(const struct verifier *v, const struct seen *old, const struct state *now)
{
    if (old->depth != now->depth)
        return false;
    for (uint32_t d = 0; d <= now->depth; d++) {
        const struct frame *a = &old->frames[d], *b = &now->frames[d];

        if (a->slot_count != b->slot_count || a->context != b->context)
            return false;
        for (unsigned r = 0; r < EBPF_REGS; r++)
            if ((d < now->depth || v->live[now->insn] >> r & 1) &&
                !equal_numbers(&a->regs[r], &b->regs[r]))
                return false;
        for (uint32_t s = 0; s < a->slot_count; s++)
            if (memcmp(a->slots[s].kind, b->slots[s].kind, SLOT_BYTES) ||
                (a->slots[s].kind[0] == SLOT_SPILL &&
                 !equal_numbers(&a->slots[s].reg, &b->slots[s].reg)))
                return false;
    }
    return true;
}

void verify_copy_frame(struct arena *arena, struct frame *to, const struct frame *from)
{
    *to = *from;
    to->slots = arena_memdup(arena, from->slots, from->slot_count * sizeof(*from->slots));
}

/* How often a scalar's id occurs in a kept state. */
static uint32_t count_id(const struct seen *s, uint32_t id)
{
    uint32_t n = 0;

    for (uint32_t d = 0; d <= s->depth; d++) {
        const struct frame *f = &s->frames[d];

        for (unsigned r = 0; r < EBPF_REGS; r++)
            n += f->regs[r].type == REG_SCALAR && f->regs[r].id == id;
        for (uint32_t i = 0; i < f->slot_count; i++)
            n += f->slots[i].kind[0] == SLOT_SPILL && f->slots[i].reg.type == REG_SCALAR &&
                 f->slots[i].reg.id == id;
    }
    return n;
}

static void drop_lone_id(const struct seen *s, struct reg *r)
{
    if (r->type == REG_SCALAR && r->id && count_id(s, r->id) < 2)
        r->id = 0;
}

/* An id that one register alone has says nothing; without it more states are included. */
static void drop_lone_ids(struct verifier *v, struct seen *s, uint32_t at)
{
    for (uint32_t d = 0; d <= s->depth; d++) {
        struct frame *f = &s->frames[d];

        for (unsigned r = 0; r < EBPF_REGS; r++) {
            if (d == s->depth && !(v->live[at] >> r & 1) && r != EBPF_REG_FP)
                f->regs[r] = (struct reg){0};
            drop_lone_id(s, &f->regs[r]);
        }
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                drop_lone_id(s, &f->slots[i].reg);
    }
}

static void keep(struct verifier *v)
{
    struct state *now = v->cur;
    struct seen *s = arena_alloc(v->scratch, sizeof(*s));

    s->parent = now->parent;
    s->pending = 1;
    s->depth = now->depth;
    s->frames = arena_array(v->scratch, now->depth + 1, sizeof(*s->frames));
    for (uint32_t d = 0; d <= now->depth; d++)
        verify_copy_frame(v->scratch, &s->frames[d], &now->frames[d]);
    drop_lone_ids(v, s, now->insn);
    s->next = v->seen[now->insn];
    v->seen[now->insn] = s;
    now->parent = s;
    now->steps = 0;
    v->result->states++;
}

void verify_path_ends(struct state *s)
{
    for (struct seen *p = s->parent; p && --p->pending == 0;)
        p = p->parent;
}

static bool is_ancestor(const struct state *now, const struct seen *s)
{
    for (const struct seen *p = now->parent; p; p = p->parent)
        if (p == s)
            return true;
    return false;
}

int verify_prune(struct verifier *v, bool *pruned)
{
    struct state *now = v->cur;

    *pruned = false;
    if (!v->join[now->insn])
        return 0;
    for (struct seen **at = &v->seen[now->insn]; *at;) {
        struct seen *s = *at;

        if (s->pending && equals(v, s, now) && is_ancestor(now, s))
            return verify_reject(
                v, "VFY0090", now->insn,
                "endless loop: this instruction is reached again with nothing changed");
        if (!s->pending && includes(v, s, now)) {
            s->hits++;
            *pruned = true;
            return 0;
        }
        if (++s->misses > MISSES_MAX * (s->hits + 1))
            *at = s->next; /* no longer compared; a way that is under way still counts in it */
        else
            at = &s->next;
    }
    if (now->steps >= STEPS_MIN || !v->seen[now->insn])
        keep(v);
    return 0;
}
