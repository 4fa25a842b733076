/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <errno.h>

/* Rows to bits and back, and the rules of a legal row. The layout comes from
 * hw/spec/microcode.toml. */

const struct ucode_form_row ucode_forms[UCODE_FORM_COUNT] = {
    [UCODE_FORM_ALU1] = {.reg_dst = true, .a = true, .w32 = true},
    [UCODE_FORM_ALU2] = {.reg_dst = true, .a = true, .b = true, .bimm = true, .w32 = true},
    [UCODE_FORM_CMP] = {.a = true, .b = true, .bimm = true, .w32 = true},
    [UCODE_FORM_SEL] = {.reg_dst = true, .a = true, .b = true, .bimm = true},
    [UCODE_FORM_MOVHI] = {.reg_dst = true, .a = true, .imm = true},
    [UCODE_FORM_LOAD] = {.reg_dst = true, .a = true, .imm = true, .size = true},
    [UCODE_FORM_STORE] = {.a = true, .b = true, .imm = true, .size = true},
    [UCODE_FORM_ATOMIC] = {.reg_dst = true, .a = true, .b = true, .imm = true, .size = true},
    [UCODE_FORM_WORD] = {.b = true, .bimm = true},
    [UCODE_FORM_MAPOP] = {.a = true, .imm = true},
    [UCODE_FORM_RES] = {.reg_dst = true},
    [UCODE_FORM_RANGE] = {.a = true, .b = true},
    [UCODE_FORM_DIV] = {.a = true, .b = true, .imm = true, .w32 = true},
    [UCODE_FORM_IN] = {.reg_dst = true, .imm = true},
    [UCODE_FORM_OUT] = {.b = true, .bimm = true},
    [UCODE_FORM_EXIT] = {.b = true, .bimm = true},
};

static const uint8_t op_forms[] = {
    [UCODE_NOP] = UCODE_FORM_NOP,       [UCODE_SEL] = UCODE_FORM_SEL,
    [UCODE_MOVHI] = UCODE_FORM_MOVHI,   [UCODE_LDPKT] = UCODE_FORM_LOAD,
    [UCODE_LDPKTBE] = UCODE_FORM_LOAD,  [UCODE_STPKT] = UCODE_FORM_STORE,
    [UCODE_STPKTBE] = UCODE_FORM_STORE, [UCODE_LDSTK] = UCODE_FORM_LOAD,
    [UCODE_STSTK] = UCODE_FORM_STORE,   [UCODE_LDMAP] = UCODE_FORM_LOAD,
    [UCODE_STMAP] = UCODE_FORM_STORE,   [UCODE_ATMAP] = UCODE_FORM_ATOMIC,
    [UCODE_KEYW] = UCODE_FORM_WORD,     [UCODE_VALW] = UCODE_FORM_WORD,
    [UCODE_MAPOP] = UCODE_FORM_MAPOP,   [UCODE_RES] = UCODE_FORM_RES,
    [UCODE_PKTZERO] = UCODE_FORM_RANGE, [UCODE_MULLONG] = UCODE_FORM_NONE,
    [UCODE_DIVLONG] = UCODE_FORM_DIV,   [UCODE_IN] = UCODE_FORM_IN,
    [UCODE_OUT] = UCODE_FORM_OUT,       [UCODE_JMP] = UCODE_FORM_JMP,
    [UCODE_EXIT] = UCODE_FORM_EXIT,
};

_Static_assert(UCODE_ROW_BITS <= 32 * UCODE_ROW_WORDS, "a row fits its words");
_Static_assert(UCODE_F_IMM_LSB + UCODE_F_IMM_BITS == UCODE_SLOT_BITS, "imm ends the slot");
_Static_assert((int)SPEC_ALU_COUNT <= (int)UCODE_SEL, "ALU codes end below the others");

const char *const ucode_atomic_names[SPEC_ATOMIC_COUNT] = {"none", "add",  "or",     "and",
                                                           "xor",  "xchg", "cmpxchg"};
const char *const ucode_mapop_names[UCODE_MAPOP_DELETE + 1] = {"lookup", "update", "delete"};
const char *const ucode_in_names[SPEC_IN_COUNT] = {"time",  "rand", "ifindex",
                                                   "queue", "len",  "egress"};
const char *const ucode_out_names[UCODE_OUTS] = {"data", "data_end", "redirect",
                                                 "meta", "events",   "hold"};

static const struct ucode_op_row *op_row(uint8_t op)
{
    for (uint32_t i = 0; i < UCODE_OP_ROWS; i++) {
        if (ucode_op_table[i].code == op)
            return &ucode_op_table[i];
    }
    return NULL;
}

bool ucode_is_alu(uint8_t op)
{
    return op > SPEC_ALU_NONE && op < SPEC_ALU_COUNT;
}

enum ucode_form ucode_form(uint8_t op)
{
    if (ucode_is_alu(op)) {
        const uint8_t cls = spec_alu_table[op].cls;

        if (cls == SPEC_ALU_CLASS_DIV)
            return UCODE_FORM_NONE;
        if (cls == SPEC_ALU_CLASS_CMP)
            return UCODE_FORM_CMP;
        return spec_alu_table[op].arity == 1 ? UCODE_FORM_ALU1 : UCODE_FORM_ALU2;
    }
    return op < sizeof(op_forms) ? (enum ucode_form)op_forms[op] : UCODE_FORM_NONE;
}

const char *ucode_op_name(uint8_t op)
{
    const struct ucode_op_row *row = op_row(op);

    if (op == UCODE_NOP)
        return "-";
    if (ucode_is_alu(op))
        return spec_alu_table[op].name;
    return row ? row->name : NULL;
}

uint8_t ucode_op_lanes(uint8_t op)
{
    const struct ucode_op_row *row = op_row(op);

    if (op == SPEC_ALU_MUL)
        return UCODE_MUL_LANES;
    return row ? row->lanes : (1 << SPEC_LANES) - 1;
}

bool ucode_op_is_long(uint8_t op)
{
    const struct ucode_op_row *row = op_row(op);

    return row && row->is_long;
}

/* --- legality --- */

static const char *check_dst(const struct ucode_slot *s, uint32_t lane, enum ucode_form form)
{
    const bool may_drop = form == UCODE_FORM_ATOMIC; /* register 0: the old value is not kept */

    if (ucode_forms[form].reg_dst) {
        if (s->dst == 0)
            return may_drop ? NULL : "register 0 cannot be written";
        return s->dst % SPEC_LANES == lane ? NULL
                                           : "the destination register is in another lane's bank";
    }
    switch (form) {
    case UCODE_FORM_CMP:
        return s->dst < SPEC_PREDS ? NULL : "no such predicate";
    case UCODE_FORM_WORD:
        if (s->dst >= (s->op == UCODE_KEYW ? UCODE_KEY_WORDS : UCODE_VALUE_WORDS))
            return "no such key or value word";
        return s->dst % SPEC_LANES == lane ? NULL : "the key or value word belongs to another lane";
    case UCODE_FORM_OUT:
        return s->dst < UCODE_OUTS ? NULL : "no such output word";
    default:
        return s->dst == 0 ? NULL : "dst is not used by this operation and must be 0";
    }
}

static const char *check_size(const struct ucode_slot *s, enum ucode_form form)
{
    if (!ucode_forms[form].size)
        return s->size == 0 ? NULL : "size is not used by this operation and must be 0";
    if (form == UCODE_FORM_ATOMIC)
        return s->size == 4 || s->size == 8 ? NULL : "an atomic has 4 or 8 bytes";
    if (s->size < 1 || s->size > 8)
        return "a memory access has 1 to 8 bytes";
    if (s->op == UCODE_LDMAP || s->op == UCODE_STMAP)
        return (s->size & (s->size - 1)) == 0 ? NULL
                                              : "an access of a map value has 1, 2, 4 or 8 bytes";
    return NULL;
}

static const char *check_imm(const struct ucode_slot *s, enum ucode_form form)
{
    const uint32_t imm = (uint32_t)s->imm;
    const uint32_t kind = imm >> UCODE_KIND_SHIFT;

    if (!ucode_forms[form].imm && !s->bimm)
        return imm == 0 ? NULL : "imm is not used by this operation and must be 0";
    switch (form) {
    case UCODE_FORM_ATOMIC:
        return kind > SPEC_ATOMIC_NONE && kind < SPEC_ATOMIC_COUNT ? NULL
                                                                   : "no such atomic operation";
    case UCODE_FORM_MAPOP:
        if (kind > UCODE_MAPOP_DELETE)
            return "no such map operation";
        return (imm & 0xffff) < SPEC_HW_MAPS ? NULL : "no such map";
    case UCODE_FORM_DIV:
        return imm >= SPEC_ALU_UDIV && imm <= SPEC_ALU_SMOD ? NULL : "no such division";
    case UCODE_FORM_IN:
        return imm < SPEC_IN_COUNT ? NULL : "no such input word";
    default:
        return NULL;
    }
}

static const char *check_slot(const struct ucode_slot *s, uint32_t lane)
{
    const enum ucode_form form = ucode_form(s->op);
    const struct ucode_form_row *f = &ucode_forms[form];
    const char *fault;

    if (form == UCODE_FORM_NONE)
        return "unknown operation";
    if (!(ucode_op_lanes(s->op) >> lane & 1))
        return "the operation's unit is not in this lane";
    if (s->a >= SPEC_REGS || s->b >= SPEC_REGS || s->dst >= SPEC_REGS || s->pred >= SPEC_PREDS)
        return "no such register or predicate";
    if (s->a != 0 && !f->a)
        return "a is not used by this operation and must be 0";
    if (s->b != 0 && (!f->b || s->bimm))
        return "b is not used by this operation and must be 0";
    if (s->bimm && !f->bimm)
        return "this operation takes no immediate operand";
    if (s->w32 && !f->w32)
        return "this operation has no 32-bit form";
    if (s->w32 && ucode_is_alu(s->op) && spec_alu_table[s->op].verilog32[0] == '\0')
        return "this operation has no 32-bit form";
    if (s->br && form != UCODE_FORM_CMP && form != UCODE_FORM_JMP)
        return "this operation cannot branch";
    if (form == UCODE_FORM_JMP && !s->br)
        return "a jump has br set";
    if (s->tgt >= SPEC_ROWS || (!s->br && s->tgt != 0))
        return "tgt is not used by this operation and must be 0";
    if (form == UCODE_FORM_NOP && (s->pred != 0 || s->pneg))
        return "a nop has no predicate";
    fault = check_dst(s, lane, form);
    if (!fault)
        fault = check_size(s, form);
    if (!fault)
        fault = check_imm(s, form);
    return fault;
}

const char *ucode_row_fault(const struct ucode_row *row)
{
    uint32_t preds = 0;
    bool loads = false;
    bool stores = false;

    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];
        const char *fault = check_slot(s, lane);

        if (fault)
            return fault;
        if (ucode_form(s->op) == UCODE_FORM_CMP && s->dst != 0) {
            if (preds >> s->dst & 1)
                return "two slots write one predicate";
            preds |= 1u << s->dst;
        }
        loads |= s->op == UCODE_LDPKT || s->op == UCODE_LDPKTBE;
        stores |= s->op == UCODE_STPKT || s->op == UCODE_STPKTBE;
        if (s->op == UCODE_RES && !row->wait)
            return "res needs wait";
    }
    return loads && stores ? "a row loads from the packet and stores to it" : NULL;
}

/* --- bits --- */

static void put_bits(uint32_t *words, uint32_t lsb, uint32_t bits, uint32_t value)
{
    for (uint32_t i = 0; i < bits; i++) {
        if (value >> i & 1)
            words[(lsb + i) / 32] |= 1u << ((lsb + i) % 32);
    }
}

static uint32_t get_bits(const uint32_t *words, uint32_t lsb, uint32_t bits)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < bits; i++)
        value |= (words[(lsb + i) / 32] >> ((lsb + i) % 32) & 1) << i;
    return value;
}

void ucode_encode_row(const struct ucode_row *row, uint32_t words[UCODE_ROW_WORDS])
{
    for (uint32_t i = 0; i < UCODE_ROW_WORDS; i++)
        words[i] = 0;
    put_bits(words, UCODE_H_NEED_LSB, UCODE_H_NEED_BITS, row->need);
    put_bits(words, UCODE_H_REL_LSB, UCODE_H_REL_BITS, row->rel);
    put_bits(words, UCODE_H_WAIT_LSB, UCODE_H_WAIT_BITS, row->wait);
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        const struct ucode_slot *s = &row->slots[lane];
        const uint32_t base = UCODE_ROW_HEADER_BITS + lane * UCODE_SLOT_BITS;

        put_bits(words, base + UCODE_F_OP_LSB, UCODE_F_OP_BITS, s->op);
        put_bits(words, base + UCODE_F_W32_LSB, UCODE_F_W32_BITS, s->w32);
        put_bits(words, base + UCODE_F_DST_LSB, UCODE_F_DST_BITS, s->dst);
        put_bits(words, base + UCODE_F_A_LSB, UCODE_F_A_BITS, s->a);
        put_bits(words, base + UCODE_F_B_LSB, UCODE_F_B_BITS, s->b);
        put_bits(words, base + UCODE_F_BIMM_LSB, UCODE_F_BIMM_BITS, s->bimm);
        put_bits(words, base + UCODE_F_PRED_LSB, UCODE_F_PRED_BITS, s->pred);
        put_bits(words, base + UCODE_F_PNEG_LSB, UCODE_F_PNEG_BITS, s->pneg);
        put_bits(words, base + UCODE_F_SIZE_LSB, UCODE_F_SIZE_BITS, s->size);
        put_bits(words, base + UCODE_F_BR_LSB, UCODE_F_BR_BITS, s->br);
        put_bits(words, base + UCODE_F_TGT_LSB, UCODE_F_TGT_BITS, s->tgt);
        put_bits(words, base + UCODE_F_IMM_LSB, UCODE_F_IMM_BITS, (uint32_t)s->imm);
    }
}

static void decode_slot(const uint32_t *words, uint32_t base, struct ucode_slot *s)
{
    s->op = (uint8_t)get_bits(words, base + UCODE_F_OP_LSB, UCODE_F_OP_BITS);
    s->w32 = get_bits(words, base + UCODE_F_W32_LSB, UCODE_F_W32_BITS);
    s->dst = (uint8_t)get_bits(words, base + UCODE_F_DST_LSB, UCODE_F_DST_BITS);
    s->a = (uint8_t)get_bits(words, base + UCODE_F_A_LSB, UCODE_F_A_BITS);
    s->b = (uint8_t)get_bits(words, base + UCODE_F_B_LSB, UCODE_F_B_BITS);
    s->bimm = get_bits(words, base + UCODE_F_BIMM_LSB, UCODE_F_BIMM_BITS);
    s->pred = (uint8_t)get_bits(words, base + UCODE_F_PRED_LSB, UCODE_F_PRED_BITS);
    s->pneg = get_bits(words, base + UCODE_F_PNEG_LSB, UCODE_F_PNEG_BITS);
    s->size = (uint8_t)get_bits(words, base + UCODE_F_SIZE_LSB, UCODE_F_SIZE_BITS);
    s->br = get_bits(words, base + UCODE_F_BR_LSB, UCODE_F_BR_BITS);
    s->tgt = (uint16_t)get_bits(words, base + UCODE_F_TGT_LSB, UCODE_F_TGT_BITS);
    s->imm = (int32_t)get_bits(words, base + UCODE_F_IMM_LSB, UCODE_F_IMM_BITS);
    s->pc = IR_NO_PC;
}

int ucode_decode_row(const uint32_t words[UCODE_ROW_WORDS], struct ucode_row *row)
{
    const uint32_t used = UCODE_H_WAIT_LSB + UCODE_H_WAIT_BITS;
    struct ucode_row r = {0};

    r.need = (uint8_t)get_bits(words, UCODE_H_NEED_LSB, UCODE_H_NEED_BITS);
    r.rel = (uint8_t)get_bits(words, UCODE_H_REL_LSB, UCODE_H_REL_BITS);
    r.wait = get_bits(words, UCODE_H_WAIT_LSB, UCODE_H_WAIT_BITS);
    if (get_bits(words, used, UCODE_ROW_HEADER_BITS - used) != 0)
        return -EINVAL;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++)
        decode_slot(words, UCODE_ROW_HEADER_BITS + lane * UCODE_SLOT_BITS, &r.slots[lane]);
    if (ucode_row_fault(&r))
        return -EINVAL;
    *row = r;
    return 0;
}
