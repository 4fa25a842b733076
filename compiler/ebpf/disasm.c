/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fields that a text says something about. Those that it doesn't must be 0, or the text would say
 * less than the instruction. */
enum { USES_DST = 1, USES_SRC = 2, USES_OFF = 4, USES_IMM = 8, USES_PAIR = 16 };

/* Text being written; the instruction and what follows it. */
struct writer {
    char *text;
    size_t bytes;
    const struct ebpf_insn *insn;
    uint32_t left; /* instructions from insn on */
    const struct ebpf_names *names;
};

/* Writes the text; returns uses, so that a formatter can end with it. */
static unsigned put(struct writer *w, unsigned uses, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static unsigned put(struct writer *w, unsigned uses, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w->text, w->bytes, format, args);
    va_end(args);
    return uses;
}

/* A formatter returns what its text uses, 0 if the instruction has no text. exit uses nothing: */
enum { USES_NOTHING = 32 };

static const char *size_name(const struct ebpf_insn *i, bool is_signed)
{
    switch (ebpf_size_bytes(i->opcode)) {
    case 1:
        return is_signed ? "s8" : "u8";
    case 2:
        return is_signed ? "s16" : "u16";
    case 4:
        return is_signed ? "s32" : "u32";
    default:
        return is_signed ? "s64" : "u64";
    }
}

static unsigned format_end(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const char *name = ebpf_src_is_reg(i) ? "be" : "le";

    if (i->imm != 16 && i->imm != 32 && i->imm != 64)
        return 0;
    if (ebpf_is_alu64(i)) {
        if (ebpf_src_is_reg(i))
            return 0;
        name = "bswap";
    }
    return put(w, USES_DST | USES_IMM, "r%u = %s%d r%u", i->dst, name, i->imm, i->dst);
}

static unsigned format_alu(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const struct ebpf_op_row *row = ebpf_alu_row(i);
    const char r = ebpf_is_alu64(i) ? 'r' : 'w';

    if (!row)
        return 0;
    switch (ebpf_code_of(i)) {
    case EBPF_ALU_END:
        return format_end(w);
    case EBPF_ALU_NEG:
        return ebpf_src_is_reg(i) ? 0 : put(w, USES_DST, "%c%u = -%c%u", r, i->dst, r, i->dst);
    case EBPF_ALU_MOV:
        if (row->off && (!ebpf_src_is_reg(i) || (row->off == 32 && r == 'w')))
            return 0;
        break;
    default:
        break;
    }
    if (!ebpf_src_is_reg(i))
        return put(w, USES_DST | USES_OFF | USES_IMM, "%c%u %s %d", r, i->dst, row->sign, i->imm);
    return put(w, USES_DST | USES_OFF | USES_SRC, "%c%u %s%s%c%u", r, i->dst, row->sign,
               row->sign[strlen(row->sign) - 1] == ')' ? "" : " ", r, i->src);
}

/* "map[rules]", or "map[3]" without a name. */
static void map_name(const struct writer *w, char *text, size_t bytes)
{
    const uint32_t map = (uint32_t)w->insn->imm;

    if (w->names && map < w->names->map_count)
        snprintf(text, bytes, "map[%s]", w->names->maps[map]);
    else
        snprintf(text, bytes, "map[%u]", map);
}

static unsigned format_imm64(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const unsigned uses = USES_DST | USES_SRC | USES_IMM | USES_PAIR;
    char map[160];

    if (w->left < 2 || i[1].opcode || i[1].dst || i[1].src || i[1].off)
        return 0;
    map_name(w, map, sizeof(map));
    switch (i->src) {
    case 0:
        return put(w, uses, "r%u = 0x%" PRIx64 " ll", i->dst, ebpf_imm64(i));
    case EBPF_PSEUDO_MAP_FD:
        return i[1].imm ? 0 : put(w, uses, "r%u = %s ll", i->dst, map);
    case EBPF_PSEUDO_MAP_VALUE:
        return put(w, uses, "r%u = %s[0]+%u ll", i->dst, map, (uint32_t)i[1].imm);
    case EBPF_PSEUDO_FUNC:
        return i[1].imm ? 0 : put(w, uses, "r%u = func[%u] ll", i->dst, (uint32_t)i->imm);
    default:
        return 0;
    }
}

static unsigned format_ld(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;

    if (ebpf_is_ld_imm64(i))
        return format_imm64(w);
    if (ebpf_size_bytes(i->opcode) == 8)
        return 0;
    switch (ebpf_mode_of(i)) {
    case EBPF_MODE_ABS:
        return put(w, USES_IMM, "r0 = *(%s *)skb[%d]", size_name(i, false), i->imm);
    case EBPF_MODE_IND:
        return put(w, USES_SRC | USES_IMM, "r0 = *(%s *)skb[r%u + %d]", size_name(i, false), i->src,
                   i->imm);
    default:
        return 0;
    }
}

static unsigned format_ldx(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const bool is_signed = ebpf_is_load_signed(i);

    if (ebpf_mode_of(i) != EBPF_MODE_MEM && !is_signed)
        return 0;
    if (is_signed && ebpf_size_bytes(i->opcode) == 8)
        return 0;
    return put(w, USES_DST | USES_SRC | USES_OFF, "r%u = *(%s *)(r%u %+d)", i->dst,
               size_name(i, is_signed), i->src, i->off);
}

static unsigned format_atomic(struct writer *w)
{
    static const char *const signs[SPEC_ATOMIC_COUNT] = {
        [SPEC_ATOMIC_ADD] = "+=",
        [SPEC_ATOMIC_OR] = "|=",
        [SPEC_ATOMIC_AND] = "&=",
        [SPEC_ATOMIC_XOR] = "^=",
    };
    static const char *const names[SPEC_ATOMIC_COUNT] = {
        [SPEC_ATOMIC_ADD] = "fetch_add", [SPEC_ATOMIC_OR] = "fetch_or",
        [SPEC_ATOMIC_AND] = "fetch_and", [SPEC_ATOMIC_XOR] = "fetch_xor",
        [SPEC_ATOMIC_XCHG] = "xchg",     [SPEC_ATOMIC_CMPXCHG] = "cmpxchg",
    };
    const struct ebpf_insn *i = w->insn;
    const enum spec_atomic op = ebpf_atomic_of(i->imm);
    const unsigned uses = USES_DST | USES_SRC | USES_OFF | USES_IMM;
    const unsigned bytes = ebpf_size_bytes(i->opcode);
    const char *width = bytes == 8 ? "64" : "", *size = size_name(i, false);

    if (op == SPEC_ATOMIC_NONE || bytes < 4)
        return 0;
    if (!(i->imm & EBPF_FETCH))
        return put(w, uses, "lock *(%s *)(r%u %+d) %s r%u", size, i->dst, i->off, signs[op],
                   i->src);
    if (op == SPEC_ATOMIC_CMPXCHG)
        return put(w, uses, "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)", width, size, i->dst,
                   i->off, i->src);
    return put(w, uses, "r%u = atomic%s_%s((%s *)(r%u %+d), r%u)", i->src, width, names[op], size,
               i->dst, i->off, i->src);
}

static unsigned format_store(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;

    if (ebpf_is_atomic(i))
        return format_atomic(w);
    if (ebpf_mode_of(i) != EBPF_MODE_MEM)
        return 0;
    if (ebpf_class_of(i) == EBPF_CLASS_ST)
        return put(w, USES_DST | USES_OFF | USES_IMM, "*(%s *)(r%u %+d) = %d", size_name(i, false),
                   i->dst, i->off, i->imm);
    return put(w, USES_DST | USES_SRC | USES_OFF, "*(%s *)(r%u %+d) = r%u", size_name(i, false),
               i->dst, i->off, i->src);
}

static unsigned format_call(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const char *name = ebpf_helper_name((uint32_t)i->imm);

    switch (i->src) {
    case 0:
        return put(w, USES_IMM, "call %s%s#%d", name ? "bpf_" : "", name ? name : "unknown",
                   i->imm);
    case EBPF_PSEUDO_CALL:
        return put(w, USES_SRC | USES_IMM, "call pc%+d", i->imm);
    case EBPF_PSEUDO_KFUNC_CALL:
        return put(w, USES_SRC | USES_IMM, "call kfunc#%d", i->imm);
    default:
        return 0;
    }
}

static unsigned format_jmp(struct writer *w)
{
    const struct ebpf_insn *i = w->insn;
    const struct ebpf_op_row *row = ebpf_jmp_row(i);
    const bool wide = ebpf_class_of(i) == EBPF_CLASS_JMP;
    const char r = wide ? 'r' : 'w';

    if (!row)
        return 0;
    switch (row->code) {
    case EBPF_JMP_JA:
        if (ebpf_src_is_reg(i))
            return 0;
        return wide ? put(w, USES_OFF, "goto pc%+d", i->off)
                    : put(w, USES_IMM, "gotol pc%+d", i->imm);
    case EBPF_JMP_CALL:
        return wide && !ebpf_src_is_reg(i) ? format_call(w) : 0;
    case EBPF_JMP_EXIT:
        return wide && !ebpf_src_is_reg(i) ? put(w, USES_NOTHING, "exit") : 0;
    default:
        break;
    }
    if (ebpf_src_is_reg(i))
        return put(w, USES_DST | USES_SRC | USES_OFF, "if %c%u %s %c%u goto pc%+d", r, i->dst,
                   row->sign, r, i->src, i->off);
    return put(w, USES_DST | USES_OFF | USES_IMM, "if %c%u %s 0x%x goto pc%+d", r, i->dst,
               row->sign, (uint32_t)i->imm, i->off);
}

static unsigned format(struct writer *w)
{
    switch (ebpf_class_of(w->insn)) {
    case EBPF_CLASS_LD:
        return format_ld(w);
    case EBPF_CLASS_LDX:
        return format_ldx(w);
    case EBPF_CLASS_ST:
    case EBPF_CLASS_STX:
        return format_store(w);
    case EBPF_CLASS_ALU:
    case EBPF_CLASS_ALU64:
        return format_alu(w);
    case EBPF_CLASS_JMP:
    case EBPF_CLASS_JMP32:
        return format_jmp(w);
    }
    return 0;
}

static bool says_all(const struct ebpf_insn *i, unsigned uses)
{
    return uses && (uses & USES_DST || !i->dst) && (uses & USES_SRC || !i->src) &&
           (uses & USES_OFF || !i->off) && (uses & USES_IMM || !i->imm) && i->dst < EBPF_REGS &&
           i->src < EBPF_REGS;
}

uint32_t ebpf_disasm(const struct ebpf_insn *insns, uint32_t count, uint32_t at,
                     const struct ebpf_names *names, char *text, size_t bytes)
{
    const struct ebpf_insn *i = &insns[at];
    struct writer w = {text, bytes, i, count - at, names};
    const unsigned uses = format(&w);

    if (says_all(i, uses))
        return uses & USES_PAIR ? 2 : 1;
    put(&w, 0, ".insn 0x%02x r%u r%u %+d 0x%x", i->opcode, i->dst, i->src, i->off,
        (uint32_t)i->imm);
    return 1;
}

const char *ebpf_disasm_text(const struct ebpf_insn *insns, uint32_t count, uint32_t at,
                             const struct ebpf_names *names, struct arena *arena)
{
    char text[256];

    ebpf_disasm(insns, count, at, names, text, sizeof(text));
    return arena_strdup(arena, text);
}
