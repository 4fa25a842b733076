/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* Which registers matter at an instruction, found before anything is executed: live ones may be
 * read later; the numbers in precise ones may decide an address, a size, a branch or an argument.
 * Two states that differ elsewhere only lead to the same verdict, so pruning need not tell them
 * apart. */

enum { ARGUMENTS = 0x3e, CLOBBERED = 0x3f };

static uint16_t bit(unsigned r)
{
    return (uint16_t)(1u << r);
}

/* Precise registers before an instruction, from those behind it. */
static uint16_t precise_before(const struct verifier *v, uint32_t at, uint16_t after)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const uint16_t dst = bit(i->dst), src = bit(i->src);

    if (ebpf_is_alu(i)) {
        uint16_t before = after;

        if (!(after & dst))
            return after;
        if (ebpf_code_of(i) == EBPF_ALU_MOV)
            before = (uint16_t)(before & ~dst);
        if (ebpf_src_is_reg(i) && ebpf_code_of(i) != EBPF_ALU_END)
            before |= src;
        return before;
    }
    if (ebpf_is_ld_imm64(i))
        return (uint16_t)(after & ~dst);
    if (ebpf_is_load(i))
        return (uint16_t)((after & ~dst) | src);
    if (ebpf_is_atomic(i))
        return after | dst | src | bit(0);
    if (ebpf_is_store(i))
        return after | dst | (ebpf_class_of(i) == EBPF_CLASS_STX ? src : 0);
    if (ebpf_is_call(i))
        return (uint16_t)((after & ~CLOBBERED) | ARGUMENTS);
    if (ebpf_is_exit(i))
        return load_subprog_of(v->prog, at) ? bit(0) : 0;
    if (ebpf_is_cond_jump(i))
        return after | dst | (ebpf_src_is_reg(i) ? src : 0);
    return after;
}

static uint16_t behind(const struct verifier *v, const uint16_t *sets, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    uint16_t out = 0;

    if (ebpf_is_jump(i))
        out |= sets[ebpf_target(i, at)];
    if (!ebpf_ends_block(i))
        out |= sets[at + ebpf_slots(i)];
    return out;
}

void verify_liveness(struct verifier *v)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t at = v->prog->insn_count; at-- > 0;) {
            const struct ebpf_insn *i = insn_of(v, at);
            uint16_t live, precise;

            if (at && ebpf_is_ld_imm64(i - 1) && !i->opcode)
                continue; /* the second half of a constant */
            live = (uint16_t)((behind(v, v->live, at) & ~ebpf_regs_written(i)) | ebpf_regs_read(i));
            precise = precise_before(v, at, behind(v, v->precise, at));
            changed |= live != v->live[at] || precise != v->precise[at];
            v->live[at] = live;
            v->precise[at] = precise;
        }
    }
}
