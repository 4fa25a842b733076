/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* What was found out, joined over all paths. */

uint32_t verify_context_for(struct verifier *v, uint32_t subprog, uint32_t parent, uint32_t call,
                            uint32_t depth)
{
    struct verify_result *r = v->result;
    const uint32_t found = verify_context_of_call(r, parent, call);
    struct verify_context *c;

    if (depth && found != UINT32_MAX)
        return found;
    r->contexts = arena_grow(v->arena, r->contexts, r->context_count, &v->context_capacity,
                             sizeof(*r->contexts));
    c = &r->contexts[r->context_count];
    *c = (struct verify_context){
        subprog, parent, call, depth,
        arena_array(v->arena, v->prog->subprogs[subprog].count, sizeof(struct verify_fact))};
    return r->context_count++;
}

uint32_t verify_context_of_call(const struct verify_result *result, uint32_t context,
                                uint32_t call_insn)
{
    for (uint32_t i = 1; i < result->context_count; i++)
        if (result->contexts[i].parent == context && result->contexts[i].call_insn == call_insn)
            return i;
    return UINT32_MAX;
}

struct verify_fact *verify_fact_at(struct verifier *v, uint32_t at)
{
    const struct verify_context *c = &v->result->contexts[cur_frame(v)->context];

    return &c->facts[at - v->prog->subprogs[c->subprog].start];
}

static enum verify_region region_of(const struct reg *r)
{
    switch ((enum reg_type)r->type) {
    case REG_CTX:
        return VERIFY_REGION_CTX;
    case REG_STACK:
        return VERIFY_REGION_STACK;
    case REG_PKT:
        return VERIFY_REGION_PKT;
    case REG_PKT_META:
        return VERIFY_REGION_META;
    case REG_VALUE:
        return VERIFY_REGION_MAP;
    default:
        return VERIFY_REGION_NONE;
    }
}

static int32_t clamp(int64_t x)
{
    return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : (int32_t)x;
}

static void join_pointer(struct verify_pointer *p, const struct reg *r, int32_t off, bool first)
{
    const int64_t low = r->num.smin == INT64_MIN ? INT32_MIN : r->num.smin + r->off + off;
    const int64_t high = r->num.smax == INT64_MAX ? INT32_MAX : r->num.smax + r->off + off;
    const struct verify_pointer now = {.region = (uint8_t)region_of(r),
                                       .frame = r->frame,
                                       .map = r->type == REG_VALUE ? r->map : VERIFY_MAP_NONE,
                                       .off_min = clamp(low),
                                       .off_max = clamp(high)};

    if (first) {
        *p = now;
        return;
    }
    if (p->region != now.region || p->frame != now.frame)
        p->region = VERIFY_REGION_MIXED;
    if (p->map != now.map)
        p->map = VERIFY_MAP_ANY;
    if (now.off_min < p->off_min)
        p->off_min = now.off_min;
    if (now.off_max > p->off_max)
        p->off_max = now.off_max;
}

void verify_note_access(struct verifier *v, uint32_t at, const struct reg *pointer, int32_t off)
{
    struct verify_fact *f = verify_fact_at(v, at);

    join_pointer(&f->access, pointer, off, f->access.region == VERIFY_REGION_NONE);
}

void verify_note_args(struct verifier *v, uint32_t at, unsigned count)
{
    struct verify_fact *f = verify_fact_at(v, at);
    const bool first = !f->args;

    if (first)
        f->args = arena_array(v->arena, 5, sizeof(*f->args));
    for (unsigned i = 0; i < count; i++) {
        const struct reg *r = reg_of(v, i + 1);
        struct verify_arg *a = &f->args[i];
        const bool is_const = r->type == REG_SCALAR && scalar_is_const(&r->num);
        const uint16_t map = r->type == REG_MAP ? r->map : VERIFY_MAP_NONE;

        join_pointer(&a->pointer, r, 0, first);
        a->is_const = is_const && (first || (a->is_const && a->value == r->num.bits.value));
        a->value = r->num.bits.value;
        a->map = first || a->map == map ? map : VERIFY_MAP_ANY;
    }
}
