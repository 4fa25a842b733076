/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

/* Rows as text:
 *   need=03 rel=01 wait: ldpkt.2 r4, r0+268 | eq.w p1, r5, 8 -> 12 | - | (!p1) exit 2
 * The part before the colon is there only if something of it is set. Each slot stands in its lane;
 * "-" is a NOP. ucode_parse_row reads the same text back. */

static void print_b(FILE *out, const struct ucode_slot *s)
{
    if (s->bimm)
        fprintf(out, "%d", s->imm);
    else
        fprintf(out, "r%u", s->b);
}

static void print_address(FILE *out, const struct ucode_slot *s, int32_t offset)
{
    fprintf(out, "r%u%+d", s->a, offset);
}

static void print_memory(FILE *out, const struct ucode_slot *s, enum ucode_form form)
{
    fprintf(out, ".%u ", s->size);
    if (form == UCODE_FORM_LOAD) {
        fprintf(out, "r%u, ", s->dst);
        print_address(out, s, s->imm);
    } else if (form == UCODE_FORM_STORE) {
        print_address(out, s, s->imm);
        fprintf(out, ", r%u", s->b);
    } else {
        const uint32_t kind = (uint32_t)s->imm >> UCODE_KIND_SHIFT;

        fprintf(out, "%s r%u, ", kind < SPEC_ATOMIC_COUNT ? ucode_atomic_names[kind] : "?", s->dst);
        print_address(out, s, (int16_t)((uint32_t)s->imm & 0xffff));
        fprintf(out, ", r%u", s->b);
    }
}

static void print_long(FILE *out, const struct ucode_slot *s, enum ucode_form form)
{
    const uint32_t kind = (uint32_t)s->imm >> UCODE_KIND_SHIFT;

    if (form == UCODE_FORM_MAPOP)
        fprintf(out, " %s %u, r%u", kind <= UCODE_MAPOP_DELETE ? ucode_mapop_names[kind] : "?",
                (uint32_t)s->imm & 0xffff, s->a);
    else if (form == UCODE_FORM_RANGE)
        fprintf(out, " r%u, r%u", s->a, s->b);
    else
        fprintf(out, "%s %s r%u, r%u", s->w32 ? ".w" : "",
                s->imm > 0 && s->imm < SPEC_ALU_COUNT ? spec_alu_table[s->imm].name : "?", s->a,
                s->b);
}

static void print_operands(FILE *out, const struct ucode_slot *s, enum ucode_form form)
{
    switch (form) {
    case UCODE_FORM_ALU1:
        fprintf(out, "%s r%u, r%u", s->w32 ? ".w" : "", s->dst, s->a);
        break;
    case UCODE_FORM_ALU2:
    case UCODE_FORM_CMP:
        fprintf(out, "%s %c%u, r%u, ", s->w32 ? ".w" : "", form == UCODE_FORM_CMP ? 'p' : 'r',
                s->dst, s->a);
        print_b(out, s);
        break;
    case UCODE_FORM_SEL:
        fprintf(out, " r%u, %sp%u, r%u, ", s->dst, s->pneg ? "!" : "", s->pred, s->a);
        print_b(out, s);
        break;
    case UCODE_FORM_MOVHI:
        fprintf(out, " r%u, %d, r%u", s->dst, s->imm, s->a);
        break;
    case UCODE_FORM_LOAD:
    case UCODE_FORM_STORE:
    case UCODE_FORM_ATOMIC:
        print_memory(out, s, form);
        break;
    case UCODE_FORM_WORD:
        fprintf(out, " %u, ", s->dst);
        print_b(out, s);
        break;
    case UCODE_FORM_MAPOP:
    case UCODE_FORM_RANGE:
    case UCODE_FORM_DIV:
        print_long(out, s, form);
        break;
    case UCODE_FORM_RES:
        fprintf(out, " r%u", s->dst);
        break;
    case UCODE_FORM_IN:
        fprintf(out, " r%u, %s", s->dst,
                (uint32_t)s->imm < SPEC_IN_COUNT ? ucode_in_names[s->imm] : "?");
        break;
    case UCODE_FORM_OUT:
        fprintf(out, " %s, ", s->dst < UCODE_OUTS ? ucode_out_names[s->dst] : "?");
        print_b(out, s);
        break;
    case UCODE_FORM_EXIT:
        fputc(' ', out);
        print_b(out, s);
        break;
    case UCODE_FORM_NONE:
    case UCODE_FORM_NOP:
    case UCODE_FORM_JMP:
    case UCODE_FORM_COUNT:
        break;
    }
}

static void print_slot(FILE *out, const struct ucode_slot *s)
{
    const enum ucode_form form = ucode_form(s->op);
    const char *name = ucode_op_name(s->op);

    if (form != UCODE_FORM_SEL && (s->pred != 0 || s->pneg))
        fprintf(out, "(%sp%u) ", s->pneg ? "!" : "", s->pred);
    fputs(name ? name : "?", out);
    print_operands(out, s, form);
    if (s->br)
        fprintf(out, " -> %u", s->tgt);
}

void ucode_print_row(FILE *out, const struct ucode_row *row)
{
    const char *space = "";

    if (row->need) {
        fprintf(out, "need=%02x", row->need);
        space = " ";
    }
    if (row->rel) {
        fprintf(out, "%srel=%02x", space, row->rel);
        space = " ";
    }
    if (row->wait)
        fprintf(out, "%swait", space);
    if (row->need || row->rel || row->wait)
        fputs(": ", out);
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if (lane > 0)
            fputs(" | ", out);
        print_slot(out, &row->slots[lane]);
    }
}
