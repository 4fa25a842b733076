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

/* The function that an instruction calls or, taking its address, lets a helper call; 0: none. */
static uint32_t called_by(const struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (ebpf_is_subprog_call(i))
        return load_subprog_of(v->prog, (uint32_t)ebpf_target(i, at));
    return ebpf_is_function_address(i) ? load_subprog_of(v->prog, (uint32_t)i->imm) : 0;
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

        callee = called_by(v, at);
        if (!callee)
            continue;
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

/* A tail call leaves the callers' stack in use, in each of up to 33 programs; so Linux lets a
 * function make one only if its callers together use less than 256 bytes. above: bytes of its
 * callers; seen: by function the most so far, + 1. */
static int walk_tail_calls(struct verifier *v, uint32_t *seen, uint32_t f, uint32_t above)
{
    enum { ABOVE_MAX = 256 };
    const struct load_subprog *sub = &v->prog->subprogs[f];
    const uint32_t own = v->result->stack_bytes[f] ? v->result->stack_bytes[f] : 1;
    const uint32_t units = (own + FRAME_UNIT_BYTES - 1) / FRAME_UNIT_BYTES;
    int err = 0;

    if (seen[f] > above)
        return 0;
    seen[f] = above + 1;
    for (uint32_t at = sub->start; at < sub->start + sub->count && !err;
         at += ebpf_slots(insn_at(v, at))) {
        const struct ebpf_insn *i = insn_at(v, at);
        const uint32_t callee = called_by(v, at);

        if (f && above >= ABOVE_MAX && ebpf_is_helper_call(i) && i->imm == SPEC_HELPER_TAIL_CALL)
            err =
                verify_reject(v, "VFY0114", at,
                              "bpf_tail_call in function %s, whose callers use %u bytes of stack; "
                              "with a tail call below them they may use %d",
                              sub->name, above, ABOVE_MAX - 1);
        else if (f && sub->returns_other && ebpf_is_helper_call(i) &&
                 i->imm == SPEC_HELPER_TAIL_CALL)
            err = verify_reject(v, "VFY0114", at,
                                "bpf_tail_call in function %s, which returns no int, as functions "
                                "with tail calls must",
                                sub->name);
        else if (callee)
            err = walk_tail_calls(v, seen, callee, above + units * FRAME_UNIT_BYTES);
    }
    return err;
}

int verify_stack_depth(struct verifier *v)
{
    const uint32_t n = v->prog->subprog_count;
    struct tree t = {arena_array(v->scratch, n, sizeof(uint32_t)),
                     arena_array(v->scratch, n, sizeof(uint32_t)), 0};

    int err = walk_calls(v, &t, 0);

    if (!err)
        err = walk_tail_calls(v, arena_array(v->scratch, n, sizeof(uint32_t)), 0, 0);
    return err;
}
