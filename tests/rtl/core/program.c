/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"
#include "tests/rtl/core/program_gen.h"

#include <assert.h>
#include <string.h>

bool gen_chance(struct gen *g, uint32_t percent)
{
    return bench_below(g->b, 100) < percent;
}

static int32_t constant(struct gen *g)
{
    switch (bench_below(g->b, 4)) {
    case 0:
        return (int32_t)bench_below(g->b, 16);
    case 1:
        return -(int32_t)bench_below(g->b, 16);
    case 2:
        return (int32_t)((uint32_t)1 << bench_below(g->b, 32));
    default:
        return (int32_t)(uint32_t)bench_random(g->b);
    }
}

static bool reserved(uint32_t reg)
{
    return reg <= 7 || reg == REG_ARRAY || reg == REG_CONSTANT || reg == REG_COUNTERS ||
           reg == REG_HASH;
}

uint8_t gen_any_reg(struct gen *g)
{
    return (uint8_t)bench_below(g->b, SPEC_REGS);
}

/* A register that the lane may write. */
uint8_t gen_free_reg(struct gen *g, uint32_t lane)
{
    uint32_t reg;

    do
        reg = bench_below(g->b, SPEC_REGS / SPEC_LANES) * SPEC_LANES + lane;
    while (reserved(reg));
    return (uint8_t)reg;
}

void gen_predicate(struct gen *g, struct ucode_slot *s, uint32_t percent)
{
    if (!gen_chance(g, percent))
        return;
    s->pred = (uint8_t)(1 + bench_below(g->b, 6));
    s->pneg = gen_chance(g, 50);
}

static void second(struct gen *g, struct ucode_slot *s)
{
    s->bimm = gen_chance(g, 50);
    if (s->bimm)
        s->imm = constant(g);
    else
        s->b = gen_any_reg(g);
}

static uint16_t target(struct gen *g)
{
    uint32_t t;

    do
        t = g->row + 1 + bench_below(g->b, g->p->row_count - g->row - 1);
    while (g->no_target[t]);
    g->is_target[t] = true;
    return (uint16_t)t;
}

static void gen_alu(struct gen *g, struct ucode_slot *s, uint32_t lane)
{
    do
        s->op = (uint8_t)(1 + bench_below(g->b, SPEC_ALU_BSWAP64));
    while ((s->op >= SPEC_ALU_UDIV && s->op <= SPEC_ALU_SMOD) || (s->op == SPEC_ALU_MUL && lane));
    s->w32 = s->op < SPEC_ALU_SEXT32 && gen_chance(g, 40);
    s->dst = gen_free_reg(g, lane);
    s->a = gen_any_reg(g);
    if (ucode_form(s->op) == UCODE_FORM_ALU2)
        second(g, s);
    gen_predicate(g, s, 25);
}

static void gen_compare(struct gen *g, struct ucode_slot *s)
{
    const uint32_t dst = 1 + bench_below(g->b, 6);

    s->op = (uint8_t)(SPEC_ALU_EQ + bench_below(g->b, SPEC_ALU_SET - SPEC_ALU_EQ + 1));
    s->w32 = gen_chance(g, 40);
    s->dst = g->preds_used >> dst & 1 ? 0 : (uint8_t)dst;
    g->preds_used |= 1u << dst;
    s->a = gen_any_reg(g);
    second(g, s);
    gen_predicate(g, s, 25);
    s->br = gen_chance(g, g->branches ? 60 : 10);
    if (s->br)
        s->tgt = target(g);
    g->branches |= s->br;
}

/* Packet bytes, through register 0 or through the one that holds PKT_BASE; stores go to the event
 * area, too. */
static void packet_address(struct gen *g, struct ucode_slot *s, bool store)
{
    s->size = (uint8_t)(1 + bench_below(g->b, 8));
    s->imm = (int32_t)(g->low + bench_below(g->b, g->high - g->low - s->size + 1));
    if (store && gen_chance(g, 20)) {
        s->a = 0;
        s->imm = (int32_t)(SPEC_EVENT_BASE + bench_below(g->b, SPEC_EVENT_BYTES - s->size + 1));
    } else if (gen_chance(g, 50)) {
        s->a = REG_PACKET;
        s->imm -= SPEC_PKT_BASE;
    }
    g->p->rows[g->row].wait |= g->zeroed;
}

static void gen_out(struct gen *g, struct ucode_slot *s, uint32_t lane)
{
    s->op = UCODE_OUT;
    s->dst = (uint8_t)(lane % UCODE_OUTS);
    s->bimm = true;
    if (s->dst == 0)
        s->imm = (int32_t)(g->low + bench_below(g->b, g->pivot - g->low + 1));
    else if (s->dst == 1)
        s->imm =
            (int32_t)(g->high - bench_below(g->b, g->high - g->pivot - SPEC_PKT_MIN_BYTES + 1));
    else if (s->dst == 2 && gen_chance(g, 30)) {
        s->dst = 4;
        s->imm = (int32_t)bench_below(g->b, BENCH_EVENT_BEATS + 1);
    } else
        second(g, s);
    gen_predicate(g, s, 50);
}

static void gen_word(struct gen *g, struct ucode_slot *s, uint32_t lane)
{
    if (gen_chance(g, 60)) {
        s->op = UCODE_KEYW;
        s->dst = (uint8_t)(lane + SPEC_LANES * bench_below(g->b, UCODE_KEY_WORDS / SPEC_LANES));
        s->bimm = true;
        s->imm =
            s->dst == 0 ? (int32_t)bench_below(g->b, KEY_VALUES) : (int32_t)bench_below(g->b, 2);
    } else {
        s->op = UCODE_VALW;
        s->dst = (uint8_t)(lane + SPEC_LANES * bench_below(g->b, UCODE_VALUE_WORDS / SPEC_LANES));
        second(g, s);
    }
    gen_predicate(g, s, 25);
}

static void gen_common(struct gen *g, struct ucode_slot *s, uint32_t lane)
{
    switch (bench_below(g->b, 12)) {
    case 0:
        s->op = UCODE_SEL;
        s->dst = gen_free_reg(g, lane);
        s->a = gen_any_reg(g);
        second(g, s);
        gen_predicate(g, s, 100);
        break;
    case 1:
        s->op = UCODE_MOVHI;
        s->dst = gen_free_reg(g, lane);
        s->a = gen_any_reg(g);
        s->imm = constant(g);
        gen_predicate(g, s, 25);
        break;
    case 2:
        s->op = UCODE_IN;
        s->dst = gen_free_reg(g, lane);
        s->imm = (int32_t)bench_below(g->b, SPEC_IN_COUNT);
        gen_predicate(g, s, 25);
        break;
    case 3:
        gen_out(g, s, lane);
        break;
    case 4:
        gen_word(g, s, lane);
        break;
    case 5:
    case 6:
    case 7:
        gen_compare(g, s);
        break;
    default:
        gen_alu(g, s, lane);
        break;
    }
}

static void gen_end(struct gen *g, struct ucode_slot *s)
{
    g->branches = true;
    if (gen_chance(g, 50)) {
        s->op = UCODE_JMP;
        s->br = true;
        s->tgt = target(g);
    } else {
        s->op = UCODE_EXIT;
        second(g, s);
    }
    gen_predicate(g, s, 100);
}

static void gen_load(struct gen *g, struct ucode_slot *s, uint32_t lane)
{
    s->op = gen_chance(g, 50) ? UCODE_LDPKT : UCODE_LDPKTBE;
    s->dst = gen_free_reg(g, lane);
    packet_address(g, s, false);
    gen_predicate(g, s, 25);
    g->loads = true;
}

static void gen_memory(struct gen *g, struct ucode_slot *s)
{
    if (!g->loads && gen_chance(g, 60)) {
        s->op = gen_chance(g, 50) ? UCODE_STPKT : UCODE_STPKTBE;
        packet_address(g, s, true);
        s->b = gen_any_reg(g);
    } else {
        const bool load = gen_chance(g, 50);

        s->op = load ? UCODE_LDSTK : UCODE_STSTK;
        s->size = (uint8_t)(1 + bench_below(g->b, 8));
        s->imm = (int32_t)bench_below(g->b, PROGRAM_STACK_BYTES - s->size + 1u);
        if (load)
            s->dst = gen_free_reg(g, 2);
        else
            s->b = gen_any_reg(g);
    }
    gen_predicate(g, s, 25);
}

static void gen_row(struct gen *g)
{
    struct ucode_row *row = &g->p->rows[g->row];
    bool long_op = false;

    g->preds_used = 0;
    g->loads = false;
    g->branches = false;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        struct ucode_slot *s = &row->slots[lane];

        if (s->op != UCODE_NOP || gen_chance(g, 10))
            continue;
        if (gen_chance(g, 1) && g->p->row_count - g->row > 2)
            gen_end(g, s);
        else if (lane < 2 && gen_chance(g, 30) && !long_op)
            gen_load(g, s, lane);
        else if (lane == 2 && gen_chance(g, 40))
            gen_memory(g, s);
        else if (lane == 3 && gen_chance(g, 35))
            gen_value(g, s);
        else if (lane == 3 && gen_chance(g, 20))
            gen_long(g, s);
        else
            gen_common(g, s, lane);
    }
    /* a store and the zero engine in one row have no order */
    if (row->slots[3].op == UCODE_PKTZERO &&
        (row->slots[2].op == UCODE_STPKT || row->slots[2].op == UCODE_STPKTBE))
        memset(&row->slots[2], 0, sizeof(row->slots[2]));
}

static void set_register(struct gen *g, uint32_t reg, struct ucode_slot *s)
{
    const int32_t low_bits = (int32_t)(g->low + bench_below(g->b, g->high - g->low));

    s->op = SPEC_ALU_OR;
    s->dst = (uint8_t)reg;
    s->bimm = true;
    switch (reg) {
    case REG_FOUND:
        break;
    case REG_ZERO_FROM:
    case REG_ZERO_TO:
        s->imm = low_bits;
        break;
    case REG_PACKET:
        s->imm = SPEC_PKT_BASE;
        break;
    case REG_VALUE:
    case REG_HASH:
    case REG_ARRAY:
    case REG_CONSTANT:
    case REG_COUNTERS:
        s->op = UCODE_MOVHI;
        s->bimm = false;
        s->imm = reg == REG_ARRAY      ? PROGRAM_ARRAY + 1
                 : reg == REG_CONSTANT ? PROGRAM_CONSTANT + 1
                 : reg == REG_COUNTERS ? PROGRAM_COUNTERS + 1
                                       : PROGRAM_HASH + 1;
        break;
    default:
        if (gen_chance(g, 30)) {
            s->op = UCODE_IN;
            s->bimm = false;
            s->imm = (int32_t)bench_below(g->b, SPEC_IN_COUNT);
        } else {
            s->imm = constant(g);
        }
        break;
    }
}

/* Gives every register, predicate, word and stack byte a value. */
static void gen_preamble(struct gen *g)
{
    struct ucode_row *rows = g->p->rows;
    uint32_t row = 0;

    for (uint32_t r = 0; r < SPEC_REGS; r++)
        if (r != 0)
            set_register(g, r, &rows[r / SPEC_LANES].slots[r % SPEC_LANES]);
    row = SPEC_REGS / SPEC_LANES;
    for (uint32_t w = 0; w < UCODE_KEY_WORDS; w++)
        rows[row + w / SPEC_LANES].slots[w % SPEC_LANES] =
            (struct ucode_slot){.op = UCODE_KEYW, .dst = (uint8_t)w, .bimm = true};
    row += UCODE_KEY_WORDS / SPEC_LANES;
    for (uint32_t w = 0; w < UCODE_VALUE_WORDS; w++)
        rows[row + w / SPEC_LANES].slots[w % SPEC_LANES] =
            (struct ucode_slot){.op = UCODE_VALW, .dst = (uint8_t)w, .b = gen_any_reg(g)};
    row += UCODE_VALUE_WORDS / SPEC_LANES;
    for (uint32_t i = 0; i < PROGRAM_STACK_BYTES / 8; i++)
        rows[row + i].slots[2] = (struct ucode_slot){
            .op = UCODE_STSTK, .size = 8, .imm = (int32_t)(8 * i), .b = gen_any_reg(g)};
    for (uint32_t i = 1; i < SPEC_PREDS; i++)
        rows[row + i].slots[0] = (struct ucode_slot){.op = SPEC_ALU_ULT,
                                                     .dst = (uint8_t)i,
                                                     .a = i == PRED_FOUND ? 0 : gen_any_reg(g),
                                                     .bimm = true,
                                                     .imm = i == PRED_FOUND ? 0 : constant(g)};
    g->row = row + PREAMBLE_ROWS - 1;
}

/* Gives tokens back where no later row needs them. */
static void gen_releases(struct gen *g)
{
    for (uint32_t t = 0; t < 3; t++) {
        const int32_t first = g->last_use[t] + (g->by_engine[t] ? 1 : 0);
        uint32_t at;

        if (gen_chance(g, 20) || first >= (int32_t)g->p->row_count)
            continue;
        at = (uint32_t)(first < 0 ? 0 : first);
        at += bench_below(g->b, gen_chance(g, 70) ? 1 : g->p->row_count - at);
        g->p->rows[at].rel |= (uint8_t)(1u << t);
        if (g->last_use[t] >= 0 && g->by_engine[t])
            g->p->rows[at].wait = true;
    }
}

void program_maps(struct soft_maps *maps)
{
    soft_maps_init(maps);
    soft_maps_add(maps, SPEC_ENGINE_VMEM, 4, 64, 1, 1);
    soft_maps_add(maps, SPEC_ENGINE_HASH, 13, 24, 4, 1);
    soft_maps_add(maps, SPEC_ENGINE_HASH, 64, 40, 5, SPEC_QUEUES);
    soft_maps_add(maps, SPEC_ENGINE_VMEM, 4, 64, 1, 1);
    soft_maps_add(maps, SPEC_ENGINE_VMEM, 4, 16, 1, 1);
}

void program_random(struct bench *b, const struct soft_maps *maps, uint32_t headroom_bytes,
                    struct program *p)
{
    struct gen g = {.b = b, .p = p, .maps = maps, .last_use = {-1, -1, -1}};

    memset(p, 0, sizeof(*p));
    p->min_bytes = SPEC_PKT_MIN_BYTES + bench_below(b, 150);
    p->headroom_bytes = headroom_bytes ? bench_below(b, headroom_bytes + 1) : 0;
    g.low = SPEC_PKT_BASE - p->headroom_bytes;
    g.high = SPEC_PKT_BASE + p->min_bytes;
    g.pivot = SPEC_PKT_BASE + bench_below(b, p->min_bytes - SPEC_PKT_MIN_BYTES + 1);
    gen_preamble(&g);
    p->row_count = g.row + 2 + bench_below(b, PROGRAM_ROWS_MAX - g.row - 2);
    for (; g.row < p->row_count - 1; g.row++)
        gen_row(&g);
    p->rows[g.row].slots[0] = (struct ucode_slot){.op = UCODE_EXIT, .b = gen_any_reg(&g)};
    gen_releases(&g);
    for (uint32_t r = 0; r < p->row_count; r++) {
        const char *fault = ucode_row_fault(&p->rows[r]);

        BENCH_CHECK(b, !fault, "the generator made a faulty row %u: %s", r, fault);
    }
    for (uint32_t i = 0; i < maps->count; i++)
        memcpy(p->mapdesc[i], maps->maps[i].desc, sizeof(p->mapdesc[i]));
    p->image = (struct ucode_image){.rows = p->rows,
                                    .row_count = p->row_count,
                                    .tokens = 7,
                                    .mapdesc = p->mapdesc,
                                    .map_count = maps->count};
}
