/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Which registers may be read from an instruction on, before any of it runs. A call reads what its
 * helper's row names, or what its function reads of r1 to r5. */

enum { REGS_ARGS = 0x3e, REGS_CLOBBERED = 0x3f };

static uint16_t call_reads(const struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const struct spec_helper_row *row;
    uint16_t mask = 0;

    if (ebpf_is_subprog_call(i))
        return v->live[ebpf_target(i, at)] & REGS_ARGS;
    row = ebpf_is_helper_call(i) ? spec_helper_find(i->imm) : NULL;
    for (uint32_t r = 1; row && r <= ARG_COUNT && row->args[r - 1] != SPEC_ARG_NONE; r++)
        mask |= (uint16_t)(1u << r);
    return mask;
}

static uint16_t live_before(const struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    uint16_t out = 0;

    if (ebpf_is_jump(i))
        out |= v->live[ebpf_target(i, at)];
    if (!ebpf_ends_block(i))
        out |= v->live[at + ebpf_slots(i)];
    if (ebpf_is_call(i))
        return (uint16_t)((out & ~REGS_CLOBBERED) | call_reads(v, at));
    /* A fetching atomic on memory may leave its register as it was on a fault only, so writing
     * comes last. */
    return (uint16_t)((out & ~ebpf_regs_written(i)) | ebpf_regs_read(i));
}

void verify_liveness(struct verifier *v)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t at = v->prog->insn_count; at-- > 0;) {
            uint16_t live;

            if (at && ebpf_is_ld_imm64(insn_at(v, at - 1)))
                continue; /* the second half of a constant */
            live = live_before(v, at);
            changed |= live != v->live[at];
            v->live[at] = live;
        }
    }
}
