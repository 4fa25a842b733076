/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/internal.h"

/* What must hold of a program before any of it runs: opcodes that exist, maps and functions that
 * exist, jumps and calls that go somewhere, no end without exit, nothing that control can't come
 * to. The rest of an instruction's form (registers, reserved fields, constants; RFC 9669) must hold
 * once a path comes there: what no path comes to, because a branch always goes the other way, may
 * have any. Linux draws the line at the same place. */

static int no_insn(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    return verify_reject(v, "VFY0002", at,
                         "there is no instruction with opcode 0x%02x, offset %d and immediate 0x%x",
                         i->opcode, i->off, (uint32_t)i->imm);
}

static int reserved(struct verifier *v, uint32_t at, const char *field)
{
    return verify_reject(v, "VFY0003", at, "the %s of this instruction is reserved and must be 0",
                         field);
}

static int check_swap(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (i->src || i->off)
        return reserved(v, at, i->src ? "source register" : "offset");
    if (ebpf_is_alu64(i) && ebpf_src_is_reg(i))
        return no_insn(v, at);
    if (i->imm != 16 && i->imm != 32 && i->imm != 64)
        return verify_reject(v, "VFY0003", at, "a byte swap has 16, 32 or 64 bits, not %d", i->imm);
    return 0;
}

static int check_constant(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const int32_t width = ebpf_is_alu64(i) ? 64 : 32;

    switch (ebpf_code_of(i)) {
    case EBPF_ALU_DIV:
    case EBPF_ALU_MOD:
        if (i->imm == 0)
            return verify_reject(v, "VFY0004", at, "division by the constant 0");
        return 0;
    case EBPF_ALU_LSH:
    case EBPF_ALU_RSH:
    case EBPF_ALU_ARSH:
        if (i->imm < 0 || i->imm >= width)
            return verify_reject(
                v, "VFY0005", at,
                "a shift by %d bits; a register of %d bits can be shifted by 0 to %d", i->imm,
                width, width - 1);
        return 0;
    default:
        return 0;
    }
}

static int check_alu(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool x = ebpf_src_is_reg(i);

    if (ebpf_code_of(i) == EBPF_ALU_END)
        return check_swap(v, at);
    if (ebpf_code_of(i) == EBPF_ALU_NEG) {
        if (x)
            return no_insn(v, at);
        if (i->src || i->off || i->imm)
            return reserved(v, at, i->src ? "source register" : i->off ? "offset" : "immediate");
        return 0;
    }
    if (!ebpf_alu_row(i))
        return no_insn(v, at);
    /* Offsets of MOV mean sign extension from a register that is wider than they say. */
    if (ebpf_code_of(i) == EBPF_ALU_MOV && i->off && (!x || (ebpf_is_alu32(i) && i->off == 32)))
        return reserved(v, at, "offset");
    if (x && i->imm)
        return reserved(v, at, "immediate");
    if (!x && i->src)
        return reserved(v, at, "source register");
    return x ? 0 : check_constant(v, at);
}

static int check_goto(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const bool far = ebpf_class_of(i) == EBPF_CLASS_JMP32;

    if (ebpf_src_is_reg(i))
        return no_insn(v, at);
    if (i->dst || i->src)
        return reserved(v, at, "register field");
    if (far ? i->off != 0 : i->imm != 0)
        return reserved(v, at, far ? "offset" : "immediate");
    return 0;
}

static int check_call(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (ebpf_class_of(i) == EBPF_CLASS_JMP32 || ebpf_src_is_reg(i) ||
        i->src > EBPF_PSEUDO_KFUNC_CALL)
        return no_insn(v, at);
    if (i->dst)
        return reserved(v, at, "destination register");
    return i->off ? reserved(v, at, "offset") : 0;
}

/* Linux's jump that is not in RFC 9669: taken when the program has used up what it may run. */
enum { JUMP_MAY_GOTO = 0xe0 };

static int check_jump(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    switch (ebpf_code_of(i)) {
    case EBPF_JMP_JA:
        return check_goto(v, at);
    case EBPF_JMP_CALL:
        return check_call(v, at);
    case EBPF_JMP_EXIT:
        if (ebpf_class_of(i) == EBPF_CLASS_JMP32 || ebpf_src_is_reg(i))
            return no_insn(v, at);
        return i->dst || i->src || i->imm ? reserved(v, at, "register field or immediate") : 0;
    default:
        break;
    }
    if (!ebpf_jmp_row(i))
        return no_insn(v, at);
    if (ebpf_src_is_reg(i) && i->imm)
        return reserved(v, at, "immediate");
    return !ebpf_src_is_reg(i) && i->src ? reserved(v, at, "source register") : 0;
}

static int check_memory(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const enum ebpf_mode mode = ebpf_mode_of(i);
    const uint32_t bytes = ebpf_size_bytes(i->opcode);

    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_LDX:
        if (mode != EBPF_MODE_MEM && (mode != EBPF_MODE_MEMSX || bytes == 8))
            return no_insn(v, at);
        return i->imm ? reserved(v, at, "immediate") : 0;
    case EBPF_CLASS_ST:
        if (mode != EBPF_MODE_MEM)
            return no_insn(v, at);
        return i->src ? reserved(v, at, "source register") : 0;
    default:
        if (mode == EBPF_MODE_ATOMIC && bytes >= 4 && ebpf_atomic_of(i->imm) != SPEC_ATOMIC_NONE)
            return 0;
        if (mode != EBPF_MODE_MEM)
            return no_insn(v, at);
        return i->imm ? reserved(v, at, "immediate") : 0;
    }
}

static int check_map_reference(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);
    const struct load_map *m;

    if ((uint32_t)i->imm >= v->own_maps)
        return verify_reject(v, "VFY0008", at, "there is no map number %d; the object has %u",
                             i->imm, v->own_maps);
    m = &v->object->maps[i->imm];
    if (i->src == EBPF_PSEUDO_MAP_FD)
        return i[1].imm ? reserved(v, at, "second immediate") : 0;
    if (m->type != SPEC_MAP_ARRAY || m->max_entries != 1)
        return verify_reject(
            v, "VFY0037", at,
            "the address of a value of map %s is taken; only an array of one entry has a fixed one",
            m->name);
    if ((uint32_t)i[1].imm >= m->value_bytes)
        return verify_reject(v, "VFY0037", at, "offset %u of map %s, whose value has %u bytes",
                             (uint32_t)i[1].imm, m->name, m->value_bytes);
    return 0;
}

/* A call or an address leads to where a function begins. */
static int check_function(struct verifier *v, uint32_t at, int64_t to)
{
    if (to > 0 && to < v->prog->insn_count &&
        v->prog->subprogs[load_subprog_of(v->prog, (uint32_t)to)].start == to)
        return 0;
    return verify_reject(v, "VFY0010", at,
                         "this leads to instruction %lld, where no function begins", (long long)to);
}

/* What a 64-bit constant names must exist, whether or not a path comes there. */
static int check_constant_kind(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (at + 1 >= v->prog->insn_count || i[1].opcode || i[1].dst || i[1].src || i[1].off)
        return verify_reject(v, "VFY0007", at,
                             "a 64-bit constant takes two instructions; the second, all fields but "
                             "the immediate 0, is missing");
    switch (i->src) {
    case 0:
        return 0;
    case EBPF_PSEUDO_MAP_FD:
    case EBPF_PSEUDO_MAP_VALUE:
        return check_map_reference(v, at);
    case EBPF_PSEUDO_FUNC:
        return i[1].imm ? reserved(v, at, "second immediate") : check_function(v, at, i->imm);
    default:
        return verify_refuse(
            v, "VFY0009", at, "64-bit constants of kind %u (%s) are not supported", i->src,
            i->src == EBPF_PSEUDO_BTF_ID ? "address of a kernel variable" : "unknown");
    }
}

static int check_ld(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (ebpf_is_ld_packet(i))
        return verify_refuse(
            v, "VFY0006", at,
            "LD_ABS and LD_IND are for socket filters; read the packet through xdp_md.data");
    return i->off ? reserved(v, at, "offset") : 0;
}

int verify_form(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (i->dst > EBPF_REG_FP || i->src > EBPF_REG_FP)
        return verify_reject(v, "VFY0001", at, "there is no register r%u; they end at r10",
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
    return no_insn(v, at);
}

/* ---- what exists ---- */

static bool is_alu_opcode(const struct ebpf_insn *i)
{
    switch (ebpf_code_of(i)) {
    case EBPF_ALU_NEG:
        return !ebpf_src_is_reg(i);
    case EBPF_ALU_END:
        return !ebpf_is_alu64(i) || !ebpf_src_is_reg(i);
    default:
        return ebpf_code_of(i) < EBPF_ALU_END;
    }
}

static bool is_jump_opcode(const struct ebpf_insn *i)
{
    const bool jmp32 = ebpf_class_of(i) == EBPF_CLASS_JMP32;

    switch (ebpf_code_of(i)) {
    case EBPF_JMP_JA:
        return !ebpf_src_is_reg(i);
    case EBPF_JMP_CALL:
    case EBPF_JMP_EXIT:
    case JUMP_MAY_GOTO:
        return !jmp32 && !ebpf_src_is_reg(i);
    default:
        return ebpf_code_of(i) < JUMP_MAY_GOTO;
    }
}

static bool is_opcode(const struct ebpf_insn *i)
{
    const enum ebpf_mode mode = ebpf_mode_of(i);
    const bool wide = ebpf_size_bytes(i->opcode) == 8;

    switch (ebpf_class_of(i)) {
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return is_alu_opcode(i);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return is_jump_opcode(i);
    case EBPF_CLASS_LD:
        return ebpf_is_ld_imm64(i) || (ebpf_is_ld_packet(i) && !wide);
    case EBPF_CLASS_LDX:
        return mode == EBPF_MODE_MEM || (mode == EBPF_MODE_MEMSX && !wide);
    case EBPF_CLASS_ST:
        return mode == EBPF_MODE_MEM;
    case EBPF_CLASS_STX:
        return mode == EBPF_MODE_MEM || mode == EBPF_MODE_ATOMIC;
    }
    return false;
}

static int check_exists(struct verifier *v, uint32_t at)
{
    const struct ebpf_insn *i = insn_at(v, at);

    if (!is_opcode(i))
        return no_insn(v, at);
    if (ebpf_is_load(i) && i->imm)
        return reserved(v, at, "immediate");
    if (ebpf_is_ld_imm64(i))
        return check_constant_kind(v, at);
    if (ebpf_is_call(i) && i->src == EBPF_PSEUDO_KFUNC_CALL)
        return verify_refuse(
            v, "VFY0078", at,
            "calls of kernel functions (kfuncs; here BTF number %d) are not supported", i->imm);
    if (ebpf_code_of(i) == JUMP_MAY_GOTO && ebpf_class_of(i) == EBPF_CLASS_JMP)
        return verify_refuse(
            v, "VFY0015", at,
            "may_goto ends a loop after as many rounds as the kernel chooses, "
            "which differs from executor to executor; bound the loop by a constant");
    return 0;
}

/* ---- where control goes ---- */

static bool is_second_half(const struct verifier *v, uint32_t at)
{
    return at > 0 && ebpf_is_ld_imm64(insn_at(v, at - 1));
}

static int check_jump_target(struct verifier *v, uint32_t at)
{
    const struct load_subprog *sub = &v->prog->subprogs[load_subprog_of(v->prog, at)];
    const int64_t to = ebpf_target(insn_at(v, at), at);

    if (to < sub->start || to >= (int64_t)sub->start + sub->count)
        return verify_reject(
            v, "VFY0011", at,
            "the jump goes to instruction %lld, outside of its function (%u to %u)", (long long)to,
            sub->start, sub->start + sub->count - 1);
    if (is_second_half(v, (uint32_t)to))
        return verify_reject(
            v, "VFY0012", at,
            "the jump goes to instruction %lld, the second half of a 64-bit constant",
            (long long)to);
    return 0;
}

struct walk {
    uint32_t *stack;
    uint32_t count;
    uint8_t *entered; /* by instruction: number of ways in, up to 2 */
};

static void enter(struct verifier *v, struct walk *w, uint32_t at)
{
    if (w->entered[at] == 0)
        w->stack[w->count++] = at;
    else
        v->joins[at] = 1;
    w->entered[at] = 1;
}

static void enter_jump_target(struct verifier *v, struct walk *w, uint32_t at)
{
    const uint32_t to = (uint32_t)ebpf_target(insn_at(v, at), at);

    enter(v, w, to);
    if (to <= at && v->loop_heads[to] == 0) {
        v->joins[to] = 1;
        v->loop_heads[to] = ++v->loop_count;
    }
}

static int enter_next(struct verifier *v, struct walk *w, uint32_t at)
{
    const struct load_subprog *sub = &v->prog->subprogs[load_subprog_of(v->prog, at)];
    const uint32_t next = at + ebpf_slots(insn_at(v, at));

    if (next >= sub->start + sub->count)
        return verify_reject(
            v, "VFY0013", at,
            "control would run past the end of function %s; end it with exit or a jump", sub->name);
    enter(v, w, next);
    if (ebpf_is_subprog_call(insn_at(v, at)))
        v->joins[next] = 1; /* the function's ends meet here */
    return 0;
}

/* Goes everywhere that control may go, and finds where ways meet and loops begin. */
static int check_flow(struct verifier *v)
{
    const uint32_t n = v->prog->insn_count;
    struct walk w = {arena_array(v->scratch, n, sizeof(uint32_t)), 0,
                     arena_array(v->scratch, n, 1)};
    int err = 0;

    enter(v, &w, 0);
    while (w.count && !err) {
        const uint32_t at = w.stack[--w.count];
        const struct ebpf_insn *i = insn_at(v, at);

        if (ebpf_is_subprog_call(i) && !w.entered[ebpf_target(i, at)])
            enter(v, &w, (uint32_t)ebpf_target(i, at));
        if (ebpf_is_function_address(i) && !w.entered[i->imm])
            enter(v, &w, (uint32_t)i->imm);
        if (verify_calls_back(i))
            v->joins[at] = 1; /* its rounds meet here */
        if (ebpf_is_jump(i))
            enter_jump_target(v, &w, at);
        if (!ebpf_ends_block(i))
            err = enter_next(v, &w, at);
    }
    for (uint32_t at = 0; at < n && !err; at++)
        if (!w.entered[at] && !is_second_half(v, at))
            err = verify_reject(v, "VFY0014", at, "no way leads to this instruction; remove it");
    return err;
}

int verify_structure(struct verifier *v)
{
    const uint32_t n = v->prog->insn_count;
    int err = 0;

    if (n == 0 || v->prog->subprog_count == 0)
        return verify_reject(v, "VFY0013", 0, "the program has no instructions");
    if (n > SPEC_INSNS_PROCESSED)
        return verify_reject(v, "VFY0091", 0, "the program has %u instructions; the most is %d", n,
                             SPEC_INSNS_PROCESSED);
    for (uint32_t at = 0; at < n && !err; at += ebpf_slots(insn_at(v, at)))
        err = check_exists(v, at);
    for (uint32_t at = 0; at < n && !err; at += ebpf_slots(insn_at(v, at))) {
        if (ebpf_is_subprog_call(insn_at(v, at)))
            err = check_function(v, at, ebpf_target(insn_at(v, at), at));
        else if (ebpf_is_jump(insn_at(v, at)))
            err = check_jump_target(v, at);
    }
    return err ? err : check_flow(v);
}
