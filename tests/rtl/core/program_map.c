/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/rtl/core/program_gen.h"

static void need(struct gen *g, uint32_t tokens, bool by_engine)
{
    g->p->rows[g->row].need |= (uint8_t)tokens;
    for (uint32_t t = 0; t < 3; t++) {
        if (tokens >> t & 1) {
            /* an operation of the same row, or of one before that was not waited for, may still run
             */
            const bool runs =
                g->by_engine[t] && (g->last_use[t] == (int32_t)g->row || !g->p->rows[g->row].wait);

            g->last_use[t] = (int32_t)g->row;
            g->by_engine[t] = by_engine || runs;
        }
    }
}

static void gen_atomic(struct gen *g, struct ucode_slot *s, uint32_t bytes, bool counters)
{
    uint32_t kind = SPEC_ATOMIC_ADD;

    s->op = UCODE_ATMAP;
    s->size = gen_chance(g, 50) ? 4 : 8;
    if (!counters) {
        kind = 1 + bench_below(g->b, SPEC_ATOMIC_COUNT - 1);
        s->dst = gen_chance(g, 70) ? gen_free_reg(g, 3) : 0;
    } else {
        s->size = 8; /* additions of two sizes to one place do not commute */
    }
    s->imm = (int32_t)(bench_below(g->b, bytes / s->size) * s->size | kind << UCODE_KIND_SHIFT);
    s->b = gen_any_reg(g);
}

/* A load, store or atomic on a map value. */
void gen_value(struct gen *g, struct ucode_slot *s)
{
    static const uint8_t pointers[] = {REG_ARRAY, REG_ARRAY,    REG_VALUE,   REG_VALUE,
                                       REG_HASH,  REG_CONSTANT, REG_COUNTERS};
    const uint8_t pointer = pointers[bench_below(g->b, sizeof(pointers))];
    const uint32_t bytes = pointer == REG_ARRAY || pointer == REG_CONSTANT ? 64 : 16;
    const uint32_t sort = pointer == REG_CONSTANT   ? 0
                          : pointer == REG_COUNTERS ? 2
                                                    : bench_below(g->b, 3);

    s->a = pointer;
    gen_predicate(g, s, 25);
    if (pointer == REG_ARRAY)
        need(g, 1, false);
    if (pointer == REG_VALUE || pointer == REG_HASH) {
        need(g, pointer == REG_HASH ? 2 : 6, false);
        g->p->rows[g->row].wait = true; /* the engine may be writing values */
    }
    if (sort == 2) {
        gen_atomic(g, s, bytes, pointer == REG_COUNTERS);
        return;
    }
    s->op = sort == 0 ? UCODE_LDMAP : UCODE_STMAP;
    s->size = (uint8_t)(1u << bench_below(g->b, 4));
    s->imm = (int32_t)bench_below(g->b, bytes - s->size + 1);
    if (sort == 0)
        s->dst = gen_free_reg(g, 3);
    else
        s->b = gen_any_reg(g);
}

/* Whether a long operation may start here, and the rows after it are entered from here only. */
static bool room(struct gen *g, uint32_t rows)
{
    if (g->row < g->quiet_until || g->row + rows >= g->p->row_count - 1)
        return false;
    for (uint32_t r = 1; r <= rows; r++)
        if (g->is_target[g->row + r])
            return false;
    return true;
}

static void gen_divide(struct gen *g, struct ucode_slot *s)
{
    const uint32_t distance = 1 + bench_below(g->b, 3);

    if (!room(g, distance))
        return;
    s->op = UCODE_DIVLONG;
    s->imm = (int32_t)(SPEC_ALU_UDIV + bench_below(g->b, 4));
    s->w32 = gen_chance(g, 50);
    s->a = gen_any_reg(g);
    s->b = gen_any_reg(g);
    g->p->rows[g->row].wait = true;
    for (uint32_t r = g->row + 1; r <= g->row + distance; r++)
        g->no_target[r] = true;
    g->p->rows[g->row + distance].wait = true;
    g->p->rows[g->row + distance].slots[3] =
        (struct ucode_slot){.op = UCODE_RES, .dst = gen_free_reg(g, 3)};
    g->quiet_until = g->row + distance + 1;
}

/* A map operation, its result, and after a lookup the choice of a pointer that is valid. */
static void gen_mapop(struct gen *g, struct ucode_slot *s)
{
    const uint32_t distance = 1 + bench_below(g->b, 3);
    const uint32_t kind = bench_below(g->b, 3);
    const uint32_t map = gen_chance(g, 50) ? PROGRAM_HASH : PROGRAM_PERCPU;
    struct ucode_row *rows = g->p->rows + g->row;

    if (!room(g, distance + 2))
        return;
    s->op = UCODE_MAPOP;
    s->imm = (int32_t)(map | kind << UCODE_KIND_SHIFT);
    s->a = gen_chance(g, 70) ? 0 : gen_any_reg(g); /* mostly valid flags */
    rows[0].wait = true;
    need(g, 1u << map, true);
    for (uint32_t r = 1; r <= distance + 2; r++)
        g->no_target[g->row + r] = true;
    rows[distance].wait = true;
    rows[distance].slots[3] = (struct ucode_slot){
        .op = UCODE_RES, .dst = kind == UCODE_MAPOP_LOOKUP ? REG_FOUND : gen_free_reg(g, 3)};
    if (kind == UCODE_MAPOP_LOOKUP) {
        rows[distance + 1].slots[3] =
            (struct ucode_slot){.op = SPEC_ALU_NE, .dst = PRED_FOUND, .a = REG_FOUND, .bimm = true};
        rows[distance + 2].slots[3] = (struct ucode_slot){
            .op = UCODE_SEL, .dst = REG_VALUE, .a = REG_FOUND, .b = REG_HASH, .pred = PRED_FOUND};
    }
    g->quiet_until = g->row + distance + 3;
}

void gen_long(struct gen *g, struct ucode_slot *s)
{
    const uint32_t pick = bench_below(g->b, 6);

    if (pick < 3) {
        gen_mapop(g, s);
    } else if (pick < 5) {
        gen_divide(g, s);
    } else if (room(g, 0)) {
        s->op = UCODE_PKTZERO;
        s->a = REG_ZERO_FROM;
        s->b = REG_ZERO_TO;
        g->p->rows[g->row].wait = true;
        g->zeroed = true;
        gen_predicate(g, s, 25);
    }
}
