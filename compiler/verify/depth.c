/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* How deep calls go, and how much stack the functions of a call chain need together. Linux counts
 * each frame in units of 32 bytes when it interprets, of 16 when it compiles; what fits the former
 * fits both. */

enum { FRAME_UNIT_BYTES = 32 };

/* Walks the call tree from a function on. */
struct tree {
    uint32_t *most;   /* by function: bytes that it and those below it need, once known ... */
    uint32_t *height; /* ... and how many of them run at one time */
    uint32_t depth;
};

static int too_deep(struct verifier *v, uint32_t at)
{
    return verify_reject(
        v, "VFY0080", at,
        "calls nest deeper than %d functions here, or come back to a function that is running",
        SPEC_CALL_FRAMES);
}

static int walk_calls(struct verifier *v, struct tree *t, uint32_t f)
{
    const struct load_subprog *sub = &v->prog->subprogs[f];
    const uint32_t own = v->result->stack_bytes[f] ? v->result->stack_bytes[f] : 1;
    uint32_t below = 0, height = 0;
    int err = 0;

    if (t->most[f])
        return 0;
    t->depth++;
    for (uint32_t at = sub->start; at < sub->start + sub->count && !err;
         at += ebpf_slots(insn_at(v, at))) {
        uint32_t callee;

        if (!ebpf_is_subprog_call(insn_at(v, at)))
            continue;
        callee = load_subprog_of(v->prog, (uint32_t)ebpf_target(insn_at(v, at), at));
        if (t->depth >= SPEC_CALL_FRAMES)
            return too_deep(v, at);
        err = walk_calls(v, t, callee);
        if (!err && t->depth + t->height[callee] > SPEC_CALL_FRAMES)
            return too_deep(v, at);
        below = t->most[callee] > below ? t->most[callee] : below;
        height = t->height[callee] > height ? t->height[callee] : height;
    }
    t->depth--;
    t->height[f] = height + 1;
    t->most[f] = (own + FRAME_UNIT_BYTES - 1) / FRAME_UNIT_BYTES * FRAME_UNIT_BYTES + below;
    if (!err && t->most[f] > SPEC_STACK_BYTES)
        err = verify_reject(v, "VFY0082", sub->start,
                            "function %s and those that it calls need %u bytes of stack together, "
                            "%d are there; move large variables "
                            "to a map, or inline functions",
                            sub->name, t->most[f], SPEC_STACK_BYTES);
    return err;
}

int verify_stack_depth(struct verifier *v)
{
    const uint32_t n = v->prog->subprog_count;
    struct tree t = {arena_array(v->scratch, n, sizeof(uint32_t)),
                     arena_array(v->scratch, n, sizeof(uint32_t)), 0};

    return walk_calls(v, &t, 0);
}
