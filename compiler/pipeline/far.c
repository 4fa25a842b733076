/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

/* Loads of packet bytes that the window does not hold, or that lie too far apart to choose among
 * them: the bytes come from the payload, which waits beside the pipeline in a memory
 * (pipe_payload). Such programs start a packet when all of it is there.
 *
 * That memory has the packet as it came. What the program wrote, and the headroom, are in the
 * window's bytes only, and take their place; bytes behind a shorter end are zero. A load happens
 * where the program makes it, so offsets that the range allows but no packet has do no harm. */

#define SPAN_MAX 512u /* bytes that a load may have to choose from besides */

/* Is a byte of the window what the payload's memory gives, or zero in the headroom? */
static bool is_as_it_came(const struct pipe_graph *g, uint32_t i)
{
    const struct pipe_part p = g->packet.data[i];
    uint64_t k;

    if (i >= SPEC_PKT_BASE)
        return p.node == g->window && p.index == i - SPEC_PKT_BASE;
    return pipe_is_const(g, p.node, &k) && k == 0;
}

/* The bytes of the window, within what a load may touch, that are not as they came. */
static bool changed_span(const struct pipe_graph *g, int64_t lo, int64_t end, uint32_t *first,
                         uint32_t *last)
{
    bool any = false;

    for (uint32_t i = SPEC_PKT_HARD_START; i < g->packet.count; i++) {
        if (i < lo || i >= end || is_as_it_came(g, i))
            continue;
        *first = any ? *first : i;
        *last = i;
        any = true;
    }
    return any;
}

/* Byte i of a load at buffer offset `at`, given what came: zero in the headroom, which may be read
 * if low_too, and behind a shorter end. */
static struct pipe_part or_zero(struct pipe_graph *g, pipe_ref at, uint32_t i, bool low_too,
                                struct pipe_part came)
{
    const pipe_ref offset =
        pipe_slice(g, pipe_alu(g, SPEC_ALU_ADD, 32, at, pipe_const(g, i)), 0, 2);
    const pipe_ref low = pipe_alu(g, SPEC_ALU_ULT, 32, offset, pipe_const(g, SPEC_PKT_BASE));
    pipe_ref zero = low_too ? low : pipe_const(g, 0);
    uint64_t k;

    if (!pipe_is_const(g, g->zero_from, &k) || k != 0xffff)
        zero = pipe_or(g, zero, pipe_alu(g, SPEC_ALU_UGE, 32, offset, g->zero_from));
    return (struct pipe_part){pipe_select(g, zero, pipe_const(g, 0), pipe_bytes(g, &came, 1)), 0};
}

/* Puts the window's bytes first to last in the place of what came. */
static int put_changed(struct pipe_graph *g, const struct ir_insn *in, pipe_ref address, int64_t lo,
                       int64_t hi, uint32_t first, uint32_t last, pipe_ref at,
                       struct pipe_part *bytes)
{
    const int64_t from = (int64_t)first - in->size + 1 > lo ? (int64_t)first - in->size + 1 : lo;
    const int64_t to = (int64_t)last < hi ? (int64_t)last : hi;
    struct ir_insn plain = *in;
    pipe_ref now;

    if (to - from >= SPAN_MAX)
        return pipe_refuse(g, "PIPE0004", in->pc,
                           "a load at run-time offsets from packet bytes of which %lld may have "
                           "been written; a pipeline chooses among at most %u; run the program on "
                           "the core (microcode)",
                           (long long)(to - from + 1), SPAN_MAX);
    plain.swap = false;
    now = pipe_window_pick(g, &plain, address, from, to);
    for (uint32_t i = 0; i < in->size; i++) {
        const pipe_ref from_first = pipe_slice(
            g, pipe_alu(g, SPEC_ALU_ADD, 32, at, pipe_const(g, (uint32_t)(i - first))), 0, 2);
        const pipe_ref inside =
            pipe_alu(g, SPEC_ALU_ULE, 32, from_first, pipe_const(g, last - first));
        const pipe_ref came = pipe_bytes(g, &bytes[i], 1);
        const pipe_ref changed = pipe_slice(g, now, i, 1);

        bytes[i] = (struct pipe_part){pipe_select(g, inside, changed, came), 0};
    }
    return 0;
}

int pipe_far_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref address, int64_t lo,
                  int64_t hi, pipe_ref *out)
{
    const struct pipe_node n = {.kind = PIPE_K_PKT_LOAD, .size = in->size, .bits = 8u * in->size};
    const pipe_ref at = pipe_slice(
        g, pipe_alu(g, SPEC_ALU_ADD, 32, address, pipe_const(g, (uint32_t)in->imm)), 0, 2);
    const pipe_ref beat =
        pipe_alu(g, SPEC_ALU_SHL, 32, pipe_meta(g, PIPE_IN_FIRST_BEAT), pipe_const(g, 6));
    const pipe_ref from_base =
        pipe_alu(g, SPEC_ALU_ADD, 32, address, pipe_const(g, (uint32_t)(in->imm - SPEC_PKT_BASE)));
    const pipe_ref args[2] = {g->on[in->block], pipe_alu(g, SPEC_ALU_ADD, 32, beat, from_base)};
    const pipe_ref load = pipe_unit(g, n, args, 2);
    struct pipe_part bytes[8];
    struct pipe_part swapped[8];
    uint32_t first = 0;
    uint32_t last = 0;

    for (uint32_t i = 0; i < in->size; i++)
        bytes[i] = or_zero(g, at, i, lo < SPEC_PKT_BASE, (struct pipe_part){load, i});
    if (changed_span(g, lo, hi + in->size, &first, &last)) {
        int err = put_changed(g, in, address, lo, hi, first, last, at, bytes);

        if (err)
            return err;
    }
    for (uint32_t i = 0; i < in->size; i++)
        swapped[i] = bytes[in->swap ? in->size - 1u - i : i];
    *out = pipe_bytes(g, swapped, in->size);
    return 0;
}

uint32_t pipe_far_count(const struct pipe_graph *g, uint32_t before_stage)
{
    uint32_t count = 0;

    for (uint32_t s = 0; s < before_stage && s + 1 < g->stages; s++)
        count += g->nodes[g->unit_at[s]].kind == PIPE_K_PKT_LOAD;
    return count;
}
