/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads rows as ucode_print_row writes them. A cursor that has failed stays failed; so the parts
 * need not check one another. */
struct cursor {
    const char *p;
    bool failed;
};

static void skip_space(struct cursor *c)
{
    while (*c->p == ' ' || *c->p == '\t')
        c->p++;
}

static bool accept(struct cursor *c, const char *text)
{
    skip_space(c);
    if (strncmp(c->p, text, strlen(text)) != 0)
        return false;
    c->p += strlen(text);
    return true;
}

static void expect(struct cursor *c, const char *text)
{
    if (!accept(c, text))
        c->failed = true;
}

static int64_t number(struct cursor *c, int base, int64_t low, int64_t high)
{
    char *end;
    long long value;

    skip_space(c);
    errno = 0;
    value = strtoll(c->p, &end, base);
    if (end == c->p || errno != 0 || value < low || value > high) {
        c->failed = true;
        return 0;
    }
    c->p = end;
    return value;
}

static uint8_t numbered(struct cursor *c, const char *prefix, int64_t count)
{
    expect(c, prefix);
    if (!isdigit((unsigned char)*c->p))
        c->failed = true;
    return (uint8_t)number(c, 10, 0, count - 1);
}

static uint8_t reg(struct cursor *c)
{
    return numbered(c, "r", SPEC_REGS);
}

/* Length of the word of letters, digits and underscores at the cursor. */
static size_t word_length(const struct cursor *c)
{
    size_t n = 0;

    while (isalnum((unsigned char)c->p[n]) || c->p[n] == '_')
        n++;
    return n;
}

static uint32_t name_of(struct cursor *c, const char *const *names, uint32_t first, uint32_t count)
{
    size_t n;

    skip_space(c);
    n = word_length(c);
    for (uint32_t i = first; i < count; i++) {
        if (strlen(names[i]) == n && strncmp(names[i], c->p, n) == 0) {
            c->p += n;
            return i;
        }
    }
    c->failed = true;
    return first;
}

static uint8_t op_of(struct cursor *c)
{
    size_t n;

    if (accept(c, "-"))
        return UCODE_NOP;
    n = word_length(c);
    for (uint32_t op = 1; op < 1u << UCODE_F_OP_BITS; op++) {
        const char *name = ucode_op_name((uint8_t)op);

        if (name && strlen(name) == n && strncmp(name, c->p, n) == 0) {
            c->p += n;
            return (uint8_t)op;
        }
    }
    c->failed = true;
    return UCODE_NOP;
}

static void parse_b(struct cursor *c, struct ucode_slot *s)
{
    skip_space(c);
    if (*c->p == 'r') {
        s->b = reg(c);
        return;
    }
    s->bimm = true;
    s->imm = (int32_t)number(c, 10, INT32_MIN, INT32_MAX);
}

static void parse_condition(struct cursor *c, struct ucode_slot *s)
{
    s->pneg = accept(c, "!");
    s->pred = numbered(c, "p", SPEC_PREDS);
}

/* rA+offset */
static int32_t parse_address(struct cursor *c, struct ucode_slot *s, int64_t low, int64_t high)
{
    s->a = reg(c);
    if (*c->p != '+' && *c->p != '-')
        c->failed = true;
    return (int32_t)number(c, 10, low, high);
}

static void parse_memory(struct cursor *c, struct ucode_slot *s, enum ucode_form form)
{
    expect(c, ".");
    s->size = (uint8_t)number(c, 10, 1, 8);
    if (form == UCODE_FORM_ATOMIC) {
        const uint32_t kind = name_of(c, ucode_atomic_names, SPEC_ATOMIC_ADD, SPEC_ATOMIC_COUNT);

        s->dst = reg(c);
        expect(c, ",");
        s->imm = (int32_t)((uint32_t)parse_address(c, s, INT16_MIN, INT16_MAX) & 0xffff);
        s->imm |= (int32_t)(kind << UCODE_KIND_SHIFT);
    } else if (form == UCODE_FORM_LOAD) {
        s->dst = reg(c);
        expect(c, ",");
        s->imm = parse_address(c, s, INT32_MIN, INT32_MAX);
        return;
    } else {
        s->imm = parse_address(c, s, INT32_MIN, INT32_MAX);
    }
    expect(c, ",");
    s->b = reg(c);
}

static void parse_mapop(struct cursor *c, struct ucode_slot *s)
{
    const uint32_t kind = name_of(c, ucode_mapop_names, 0, UCODE_MAPOP_DELETE + 1);

    s->imm = (int32_t)(kind << UCODE_KIND_SHIFT | (uint32_t)number(c, 10, 0, SPEC_HW_MAPS - 1));
    expect(c, ",");
    s->a = reg(c);
}

static void parse_div(struct cursor *c, struct ucode_slot *s)
{
    const char *names[SPEC_ALU_COUNT];

    for (uint32_t i = 0; i < SPEC_ALU_COUNT; i++)
        names[i] = spec_alu_table[i].name;
    s->imm = (int32_t)name_of(c, names, SPEC_ALU_UDIV, SPEC_ALU_SMOD + 1);
    s->a = reg(c);
    expect(c, ",");
    s->b = reg(c);
}

/* dst, a and, but for one operand, b. */
static void parse_alu(struct cursor *c, struct ucode_slot *s, enum ucode_form form)
{
    s->dst = form == UCODE_FORM_CMP ? numbered(c, "p", SPEC_PREDS) : reg(c);
    expect(c, ",");
    s->a = reg(c);
    if (form != UCODE_FORM_ALU1) {
        expect(c, ",");
        parse_b(c, s);
    }
}

static void parse_sel(struct cursor *c, struct ucode_slot *s)
{
    s->dst = reg(c);
    expect(c, ",");
    parse_condition(c, s);
    expect(c, ",");
    s->a = reg(c);
    expect(c, ",");
    parse_b(c, s);
}

static void parse_movhi(struct cursor *c, struct ucode_slot *s)
{
    s->dst = reg(c);
    expect(c, ",");
    s->imm = (int32_t)number(c, 10, INT32_MIN, INT32_MAX);
    expect(c, ",");
    s->a = reg(c);
}

/* An index, then b. */
static void parse_indexed(struct cursor *c, struct ucode_slot *s, enum ucode_form form)
{
    if (form == UCODE_FORM_OUT)
        s->dst = (uint8_t)name_of(c, ucode_out_names, 0, UCODE_OUTS);
    else
        s->dst = (uint8_t)number(c, 10, 0, UCODE_VALUE_WORDS - 1);
    expect(c, ",");
    parse_b(c, s);
}

static void parse_operands(struct cursor *c, struct ucode_slot *s, enum ucode_form form)
{
    if (ucode_forms[form].w32)
        s->w32 = accept(c, ".w");
    switch (form) {
    case UCODE_FORM_ALU1:
    case UCODE_FORM_ALU2:
    case UCODE_FORM_CMP:
        parse_alu(c, s, form);
        break;
    case UCODE_FORM_SEL:
        parse_sel(c, s);
        break;
    case UCODE_FORM_MOVHI:
        parse_movhi(c, s);
        break;
    case UCODE_FORM_LOAD:
    case UCODE_FORM_STORE:
    case UCODE_FORM_ATOMIC:
        parse_memory(c, s, form);
        break;
    case UCODE_FORM_WORD:
    case UCODE_FORM_OUT:
        parse_indexed(c, s, form);
        break;
    case UCODE_FORM_MAPOP:
        parse_mapop(c, s);
        break;
    case UCODE_FORM_RES:
        s->dst = reg(c);
        break;
    case UCODE_FORM_RANGE:
        s->a = reg(c);
        expect(c, ",");
        s->b = reg(c);
        break;
    case UCODE_FORM_DIV:
        parse_div(c, s);
        break;
    case UCODE_FORM_IN:
        s->dst = reg(c);
        expect(c, ",");
        s->imm = (int32_t)name_of(c, ucode_in_names, 0, SPEC_IN_COUNT);
        break;
    case UCODE_FORM_EXIT:
        parse_b(c, s);
        break;
    case UCODE_FORM_NONE:
    case UCODE_FORM_COUNT:
        c->failed = true;
        break;
    case UCODE_FORM_NOP:
    case UCODE_FORM_JMP:
        break;
    }
}

static void parse_slot(struct cursor *c, struct ucode_slot *s)
{
    *s = (struct ucode_slot){.pc = IR_NO_PC};
    if (accept(c, "(")) {
        parse_condition(c, s);
        expect(c, ")");
    }
    skip_space(c);
    s->op = op_of(c);
    parse_operands(c, s, ucode_form(s->op));
    if (!c->failed && accept(c, "->")) {
        s->br = true;
        s->tgt = (uint16_t)number(c, 10, 0, SPEC_ROWS - 1);
    }
}

static void parse_header(struct cursor *c, struct ucode_row *row)
{
    const char *start = c->p;

    if (accept(c, "need="))
        row->need = (uint8_t)number(c, 16, 0, UINT8_MAX);
    if (accept(c, "rel="))
        row->rel = (uint8_t)number(c, 16, 0, UINT8_MAX);
    row->wait = accept(c, "wait");
    if (c->p != start)
        expect(c, ":");
}

int ucode_parse_row(const char *text, struct ucode_row *row)
{
    struct cursor c = {.p = text};
    struct ucode_row r = {0};

    skip_space(&c);
    parse_header(&c, &r);
    for (uint32_t lane = 0; lane < SPEC_LANES && !c.failed; lane++) {
        if (lane > 0)
            expect(&c, "|");
        parse_slot(&c, &r.slots[lane]);
    }
    skip_space(&c);
    if (c.failed || (*c.p != '\0' && *c.p != '\n') || ucode_row_fault(&r))
        return -EINVAL;
    *row = r;
    return 0;
}
