/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* What must hold of a program before anything is executed: opcodes and reserved fields (RFC 9669),
 * registers, jump targets, ends of functions, unreachable code. */

static int check_alu(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const uint8_t code = ebpf_code_of(i);
    const bool wide = ebpf_is_alu64(i);
    const bool x = ebpf_src_is_reg(i);

    if (code == EBPF_ALU_END) {
        if (i->src || i->off || (i->imm != 16 && i->imm != 32 && i->imm != 64) || (wide && x))
            return verify_reject(
                v, "VFY0003", at,
                "reserved field of a byte swap is not 0, or its width is not 16, 32 or 64");
        return 0;
    }
    if (code == EBPF_ALU_NEG) {
        if (x || i->src || i->off || i->imm)
            return verify_reject(v, "VFY0003", at, "reserved field of a negation is not 0");
        return 0;
    }
    if (!ebpf_alu_row(i))
        return verify_reject(v, "VFY0002", at, "opcode 0x%02x with offset %d is not an instruction",
                             i->opcode, i->off);
    if (code == EBPF_ALU_MOV && i->off && (!x || (!wide && i->off == 32)))
        return verify_reject(
            v, "VFY0003", at,
            "a sign-extending move takes a register, and 8 or 16 bits at 32-bit width");
    if (x ? i->imm != 0 : i->src != 0)
        return verify_reject(v, "VFY0003", at, "reserved field is not 0 (%s)",
                             x ? "immediate" : "source register");
    if (!x && (code == EBPF_ALU_DIV || code == EBPF_ALU_MOD) && !i->imm)
        return verify_reject(v, "VFY0004", at, "division by the constant 0");
    if (!x && (code == EBPF_ALU_LSH || code == EBPF_ALU_RSH || code == EBPF_ALU_ARSH) &&
        (i->imm < 0 || i->imm >= (wide ? 64 : 32)))
        return verify_reject(v, "VFY0005", at, "shift by %d, at a width of %d bits", i->imm,
                             wide ? 64 : 32);
    return 0;
}

static int check_jump(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const bool x = ebpf_src_is_reg(i);
    const uint8_t code = ebpf_code_of(i);

    if (code == EBPF_JMP_EXIT || code == EBPF_JMP_CALL || code == EBPF_JMP_JA) {
        const bool far = i->opcode == EBPF_OP_GOTOL;

        if (x || i->dst || (ebpf_class_of(i) == EBPF_CLASS_JMP32 && !far))
            return verify_reject(v, "VFY0002", at,
                                 "opcode 0x%02x is not an instruction that XDP programs may have",
                                 i->opcode);
        if (code == EBPF_JMP_EXIT && (i->src || i->off || i->imm))
            return verify_reject(v, "VFY0003", at, "reserved field of exit is not 0");
        if (code == EBPF_JMP_CALL && (i->off || i->src > EBPF_PSEUDO_KFUNC_CALL))
            return verify_reject(v, "VFY0003", at, "reserved field of a call is not 0");
        if (code == EBPF_JMP_JA && (i->src || (far ? i->off : i->imm)))
            return verify_reject(v, "VFY0003", at, "reserved field of a jump is not 0");
        return 0;
    }
    if (!ebpf_jmp_row(i))
        return verify_reject(v, "VFY0002", at, "opcode 0x%02x is not an instruction", i->opcode);
    if (x ? i->imm != 0 : i->src != 0)
        return verify_reject(v, "VFY0003", at, "reserved field is not 0 (%s)",
                             x ? "immediate" : "source register");
    return 0;
}

static int check_memory(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const enum ebpf_class class = ebpf_class_of(i);
    const enum ebpf_mode mode = ebpf_mode_of(i);

    if (class == EBPF_CLASS_LDX &&
        (mode == EBPF_MODE_MEM || (mode == EBPF_MODE_MEMSX && ebpf_size_bytes(i->opcode) < 8)))
        return i->imm ? verify_reject(v, "VFY0003", at, "reserved field of a load is not 0") : 0;
    if (class == EBPF_CLASS_STX && mode == EBPF_MODE_MEM)
        return i->imm ? verify_reject(v, "VFY0003", at, "reserved field of a store is not 0") : 0;
    if (class == EBPF_CLASS_ST && mode == EBPF_MODE_MEM)
        return i->src ? verify_reject(v, "VFY0003", at, "reserved field of a store is not 0") : 0;
    if (class == EBPF_CLASS_STX && mode == EBPF_MODE_ATOMIC && ebpf_size_bytes(i->opcode) >= 4 &&
        ebpf_atomic_of(i->imm))
        return 0;
    return verify_reject(v, "VFY0002", at, "opcode 0x%02x (immediate 0x%x) is not an instruction",
                         i->opcode, (uint32_t)i->imm);
}

static int check_ld(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);

    if (ebpf_is_ld_packet(i))
        return verify_refuse(
            v, "VFY0006", at,
            "LD_ABS and LD_IND are for socket filters; read the packet through xdp_md.data");
    if (!ebpf_is_ld_imm64(i))
        return verify_reject(v, "VFY0002", at, "opcode 0x%02x is not an instruction", i->opcode);
    if (at + 1 >= v->prog->insn_count || i[1].opcode || i[1].dst || i[1].src || i[1].off || i->off)
        return verify_reject(
            v, "VFY0007", at,
            "the second half of a 64-bit constant is missing or has reserved fields set");
    if (i->src == EBPF_PSEUDO_MAP_FD || i->src == EBPF_PSEUDO_MAP_VALUE) {
        if ((uint32_t)i->imm >= v->object->map_count)
            return verify_reject(v, "VFY0008", at, "there is no map number %d", i->imm);
        if (i->src == EBPF_PSEUDO_MAP_FD && i[1].imm)
            return verify_reject(v, "VFY0003", at, "reserved field of a map reference is not 0");
        return 0;
    }
    if (i->src)
        return verify_refuse(
            v, "VFY0009", at,
            "64-bit constants of kind %u (functions, kernel symbols) are not supported", i->src);
    return 0;
}

static int check_insn(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_of(v, at);

    if (i->dst > EBPF_REG_FP || i->src > EBPF_REG_FP)
        return verify_reject(v, "VFY0001", at, "there is no register r%u",
                             i->dst > EBPF_REG_FP ? i->dst : i->src);
    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return check_alu(v, at);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return check_jump(v, at);
    case EBPF_CLASS_LD:
        return check_ld(v, at);
    case EBPF_CLASS_LDX:
    case EBPF_CLASS_ST:
    case EBPF_CLASS_STX:
        return check_memory(v, at);
    }
    return 0;
}

/* Jumps stay in their function and do not go into a constant's second half. */
static int check_target(struct verifier *v, uint32_t at, const uint8_t *halves)
{
    const struct ebpf_insn *i = insn_of(v, at);
    const struct load_subprog *sub = &v->prog->subprogs[load_subprog_of(v->prog, at)];
    const int64_t to = ebpf_target(i, at);

    if (ebpf_is_subprog_call(i)) {
        for (uint32_t s = 1; s < v->prog->subprog_count; s++)
            if (v->prog->subprogs[s].start == to)
                return 0;
        return verify_reject(v, "VFY0010", at,
                             "the call goes to instruction %lld, where no function starts",
                             (long long)to);
    }
    if (to < sub->start || to >= (int64_t)sub->start + sub->count)
        return verify_reject(
            v, "VFY0011", at,
            "the jump goes to instruction %lld, outside of its function (%u to %u)", (long long)to,
            sub->start, sub->start + sub->count - 1);
    if (halves[to])
        return verify_reject(v, "VFY0012", at,
                             "the jump goes into the second half of a 64-bit constant");
    return 0;
}

/* Marks what can be reached from the entry; joins are where ways meet or a loop comes back. */
static int check_reachable(struct verifier *v, const uint8_t *halves)
{
    const uint32_t n = v->prog->insn_count;
    uint32_t *stack = arena_array(v->scratch, n * 2 + 2, sizeof(*stack));
    uint8_t *reached = arena_array(v->scratch, n + 1, 1);
    uint32_t top = 0;

    stack[top++] = 0;
    while (top) {
        const uint32_t at = stack[--top];
        const struct ebpf_insn *i = insn_of(v, at);
        const uint32_t next = at + ebpf_slots(i);
        const struct load_subprog *sub = &v->prog->subprogs[load_subprog_of(v->prog, at)];

        if (reached[at])
            continue;
        reached[at] = 1;
        if (ebpf_is_jump(i)) {
            v->join[ebpf_target(i, at)] = 1;
            stack[top++] = (uint32_t)ebpf_target(i, at);
        }
        if (ebpf_is_call(i))
            v->join[next] = next < n;
        if (ebpf_is_subprog_call(i))
            stack[top++] = (uint32_t)ebpf_target(i, at);
        if (ebpf_ends_block(i))
            continue;
        if (next >= sub->start + sub->count)
            return verify_reject(
                v, "VFY0013", at,
                "control runs past the end of function %s; end it with exit or a jump", sub->name);
        stack[top++] = next;
    }
    for (uint32_t at = 0; at < n; at++)
        if (!reached[at] && !halves[at])
            return verify_reject(
                v, "VFY0014", at,
                "this instruction of function %s can't be reached by any jump or call; remove it",
                v->prog->subprogs[load_subprog_of(v->prog, at)].name);
    return 0;
}

int verify_structure(struct verifier *v)
{
    const uint32_t n = v->prog->insn_count;
    uint8_t *halves = arena_array(v->scratch, n + 1, 1);
    int err = 0;

    if (!n)
        return verify_reject(v, "VFY0013", 0, "the program has no instructions");
    for (uint32_t at = 0; at < n && !err; at += ebpf_slots(insn_of(v, at))) {
        err = check_insn(v, at);
        if (!err && ebpf_is_ld_imm64(insn_of(v, at)))
            halves[at + 1] = 1;
    }
    for (uint32_t at = 0; at < n && !err; at++)
        if (!halves[at] && (ebpf_is_jump(insn_of(v, at)) || ebpf_is_subprog_call(insn_of(v, at))))
            err = check_target(v, at, halves);
    return err ? err : check_reachable(v, halves);
}
