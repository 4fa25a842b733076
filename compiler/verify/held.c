/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

#include <assert.h>

/* What a program takes and must give back: records of ring buffers, and the lock in a map's value
 * (Linux: acquire_reference_state and its neighbours, process_spin_lock). */

/* "instruction 7, line 12" */
static const char *place_text(struct verifier *v, uint32_t at)
{
    const struct load_line *line = load_line_of(v->prog, at);

    return line && line->line ? arena_printf(v->scratch, "instruction %u, line %u", at, line->line)
                              : arena_printf(v->scratch, "instruction %u", at);
}

/* ---- records ---- */

static struct ref *find_ref(struct verifier *v, uint32_t id)
{
    for (uint32_t i = 0; i < v->cur.ref_count; i++)
        if (v->cur.refs[i].id == id)
            return &v->cur.refs[i];
    return NULL;
}

/* The frame of the innermost callback that runs, 0 if none does. */
static uint32_t callback_depth(const struct state *s)
{
    uint32_t d = s->depth;

    while (d > 0 && !s->frames[d].callback)
        d--;
    return d;
}

int verify_check_record(struct verifier *v, uint32_t at, uint32_t r, const char *helper)
{
    const struct reg *reg = cur_reg(v, r);
    const struct ref *ref = reg->type == REG_RECORD ? find_ref(v, reg->ref) : NULL;

    if (!ref)
        return verify_reject(v, "VFY0105", at,
                             "r%u is %s, but bpf_%s takes a record there, as bpf_ringbuf_reserve "
                             "returned it (and compared with NULL)",
                             r, verify_describe(v, reg), helper);
    if (reg->off || !scalar_is(&reg->num, 0))
        return verify_reject(v, "VFY0105", at,
                             "r%u is %s, but bpf_%s takes the record's beginning there", r,
                             verify_describe(v, reg), helper);
    if (ref->depth < callback_depth(&v->cur))
        return verify_reject(v, "VFY0105", at,
                             "r%u is a record that was taken at %s, outside of this callback, "
                             "which may run many times; give it away there",
                             r, place_text(v, ref->insn));
    return 0;
}

int verify_take_record(struct verifier *v, uint32_t at, uint32_t bytes)
{
    struct state *s = &v->cur;
    struct reg *r0 = cur_reg(v, 0);

    if (s->ref_count == MAX_REFS)
        return verify_reject(v, "VFY0106", at,
                             "this would be the %dth record that is held at one time; submit or "
                             "discard records before taking more",
                             MAX_REFS + 1);
    reg_set_pointer(r0, REG_RECORD_OR_NULL, at);
    r0->range = (int32_t)bytes;
    r0->id = r0->ref = ++v->next_id;
    s->refs[s->ref_count++] = (struct ref){r0->ref, at, s->depth, cur_frame(v)->context};
    return 0;
}

void verify_forget_ref(struct verifier *v, uint32_t id)
{
    struct ref *ref = find_ref(v, id);

    if (ref)
        *ref = v->cur.refs[--v->cur.ref_count];
}

/* Pointers into it lead nowhere now. */
static void drop_pointer(struct reg *r, uint32_t ref, uint32_t at)
{
    if ((r->type == REG_RECORD || r->type == REG_RECORD_OR_NULL) && r->ref == ref)
        *r = (struct reg){.type = REG_STALE, .ref = ref, .from = at};
}

void verify_give_record(struct verifier *v, uint32_t at, uint32_t ref)
{
    verify_forget_ref(v, ref);
    for (uint32_t d = 0; d <= v->cur.depth; d++) {
        struct frame *f = &v->cur.frames[d];

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            drop_pointer(&f->regs[r], ref, at);
        for (uint32_t i = 0; i < f->slot_count; i++)
            if (f->slots[i].kind[0] == SLOT_SPILL)
                drop_pointer(&f->slots[i].reg, ref, at);
    }
}

int verify_check_given_back(struct verifier *v, uint32_t at, const char *where)
{
    const uint32_t depth = callback_depth(&v->cur);

    for (uint32_t i = 0; i < v->cur.ref_count; i++)
        if (v->cur.refs[i].depth >= depth)
            return verify_reject(v, "VFY0107", at,
                                 "%s, but the record that was taken at %s is still held on this "
                                 "path; pass it to bpf_ringbuf_submit or bpf_ringbuf_discard first",
                                 where, place_text(v, v->cur.refs[i].insn));
    return 0;
}

/* ---- locks ---- */

int verify_check_lock(struct verifier *v, uint32_t at, uint32_t r, bool unlocks)
{
    const struct reg *reg = cur_reg(v, r);
    const struct load_map *m = reg->type == REG_VALUE ? &v->object->maps[reg->map] : NULL;
    const struct state *s = &v->cur;

    if (!m || !load_has_lock(m) || !scalar_is_const(&reg->num) ||
        (int64_t)reg->num.bits.value + reg->off != m->fields->lock_off)
        return verify_reject(v, "VFY0108", at,
                             "r%u is %s, but bpf_spin_%slock takes the address of a struct "
                             "bpf_spin_lock in a value of a hash or an array there%s",
                             r, verify_describe(v, reg), unlocks ? "un" : "",
                             m && !load_has_lock(m) ? "; by its type (BTF) the value has none"
                                                    : "");
    if (!unlocks && s->locked)
        return verify_reject(v, "VFY0109", at,
                             "a lock is taken here, but the one that was taken at %s is still "
                             "held; only one may be held at one time",
                             place_text(v, s->lock_insn));
    if (unlocks && !s->locked)
        return verify_reject(v, "VFY0109", at, "no lock is held here");
    if (unlocks && (s->lock_map != reg->map || s->lock_id != reg->id))
        return verify_reject(v, "VFY0109", at,
                             "this is another lock than the one that was taken at %s",
                             place_text(v, s->lock_insn));
    return 0;
}

void verify_lock(struct verifier *v, uint32_t at, const struct reg *value)
{
    struct state *s = &v->cur;

    s->locked = !s->locked;
    s->lock_map = s->locked ? value->map : 0;
    s->lock_id = s->locked ? value->id : 0;
    s->lock_insn = at;
}

int verify_check_unlocked(struct verifier *v, uint32_t at, const char *what)
{
    if (!v->cur.locked)
        return 0;
    return verify_reject(v, "VFY0109", at,
                         "%s while the lock that was taken at %s is held; call bpf_spin_unlock "
                         "first",
                         what, place_text(v, v->cur.lock_insn));
}
