/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

#include <assert.h>
#include <errno.h>

/* The schedule's rows as the core's: real registers and predicates, row numbers, tokens. */

struct emit {
    struct mach *m;
    struct ucode_image *image;
    uint8_t *live_in; /* by block: tokens that are needed from its first row on */
    uint8_t *keep;    /* by block: tokens that a packet keeps when it ends there */
};

static uint8_t real_reg(const struct mach *m, mach_reg reg)
{
    return reg == 0 ? 0 : m->vregs[reg].reg;
}

static struct ucode_slot slot_of(const struct mach *m, const struct mach_op *op)
{
    const struct ucode_form_row *f = &ucode_forms[ucode_form(op->op)];
    struct ucode_slot s = {
        .op = op->op, .w32 = op->w32, .size = f->size ? op->size : 0, .pc = op->pc};

    s.dst = f->reg_dst ? real_reg(m, op->dst) : op->index;
    s.a = f->a ? real_reg(m, op->a) : 0;
    s.bimm = op->bimm;
    s.b = f->b && !op->bimm ? real_reg(m, op->b) : 0;
    s.imm = f->imm || op->bimm ? op->imm : 0;
    if (op->pdst != 0)
        s.dst = op->preg;
    if (op->op == UCODE_SEL) {
        s.pred = op->preg;
        s.pneg = op->pneg;
    }
    return s;
}

static void emit_row(const struct emit *e, const struct mach_row *in, struct ucode_row *out)
{
    out->need = in->need;
    out->wait = in->wait;
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        struct ucode_slot *s = &out->slots[lane];

        *s = (struct ucode_slot){.pc = IR_NO_PC};
        if (in->slots[lane] == MACH_NONE)
            continue;
        if (in->slots[lane] == MACH_JUMP)
            s->op = UCODE_JMP;
        else
            *s = slot_of(e->m, &e->m->ops[in->slots[lane]]);
        if (in->target[lane] != MACH_NONE) {
            s->br = true;
            assert(e->m->scheds[in->target[lane]].first_row != MACH_NONE);
            s->tgt = (uint16_t)e->m->scheds[in->target[lane]].first_row;
            assert(!in->invert[lane] || s->op != SPEC_ALU_SET); /* see schedule.c */
            if (in->invert[lane])
                s->op = spec_alu_table[s->op].inverse;
        }
        e->image->ops++;
    }
}

/* --- tokens --- */

/* Tokens that some row after this one needs. */
static uint8_t needed_after(const struct emit *e, uint32_t block, uint32_t row)
{
    const struct mach_sched *s = &e->m->scheds[block];
    const struct mach_row *r = &s->rows[row];
    uint8_t need = e->keep[block];

    if (row + 1 == s->row_count && s->fall != MACH_NONE)
        need |= e->live_in[s->fall];
    for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
        if (r->target[lane] != MACH_NONE)
            need |= e->live_in[r->target[lane]];
    }
    for (uint32_t i = row + 1; i < s->row_count; i++)
        need |= s->rows[i].need;
    if (row + 1 < s->row_count && s->fall != MACH_NONE)
        need |= e->live_in[s->fall];
    for (uint32_t i = row + 1; i < s->row_count; i++) {
        for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
            if (s->rows[i].target[lane] != MACH_NONE)
                need |= e->live_in[s->rows[i].target[lane]];
        }
    }
    return need;
}

static uint8_t needed_from(const struct emit *e, uint32_t block)
{
    const struct mach_sched *s = &e->m->scheds[block];

    if (s->row_count == 0)
        return s->fall != MACH_NONE ? e->live_in[s->fall] : 0;
    return s->rows[0].need | needed_after(e, block, 0);
}

/* Tokens of packets that leave for the host are not given back, neither by the row that says so nor
 * by any that comes after it. */
static void find_kept(struct emit *e)
{
    const struct mach *m = e->m;
    bool changed = true;

    e->keep = arena_array(m->arena, m->block_count, sizeof(*e->keep));
    for (uint32_t i = 0; i < m->layout_count; i++) {
        const struct mach_sched *s = &m->scheds[m->layout[i]];

        for (uint32_t r = 0; r < s->row_count; r++)
            for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
                const uint32_t at = s->rows[r].slots[lane];

                if (at < MACH_JUMP && m->ops[at].op == UCODE_OUT &&
                    m->ops[at].index == UCODE_OUT_HOLD)
                    e->keep[m->layout[i]] |= m->ops[at].need;
            }
    }
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < m->layout_count; i++) {
            const uint32_t from = m->layout[i];
            const struct mach_sched *s = &m->scheds[from];

            for (uint32_t r = 0; r <= s->row_count; r++)
                for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
                    const uint32_t to = r < s->row_count ? s->rows[r].target[lane] : s->fall;

                    if (to == MACH_NONE || !(e->keep[from] & ~e->keep[to]))
                        continue;
                    e->keep[to] |= e->keep[from];
                    changed = true;
                }
        }
    }
}

static void find_needs(struct emit *e)
{
    const struct mach *m = e->m;
    bool changed = true;

    e->live_in = arena_array(m->arena, m->block_count, sizeof(*e->live_in));
    while (changed) {
        changed = false;
        for (uint32_t i = m->layout_count; i > 0; i--) {
            const uint32_t b = m->layout[i - 1];
            const uint8_t need = needed_from(e, b);

            changed |= need != e->live_in[b];
            e->live_in[b] = need;
        }
    }
}

/* Tokens of the hash operation that a row issues. */
static uint8_t issued_tokens(const struct mach *m, const struct mach_row *row)
{
    const uint32_t at = row->slots[SPEC_LANES - 1];

    return at < MACH_JUMP && m->ops[at].op == UCODE_MAPOP ? m->ops[at].need : 0;
}

/* A row gives back what no later row needs: if it needs it itself, or if it is the first that some
 * way here leaves it to. What a hash operation needs stays until a row has waited for its end; an
 * exit waits by itself. Giving back twice does no harm. */
static void release_tokens(struct emit *e)
{
    const struct mach *m = e->m;

    for (uint32_t i = 0; i < m->layout_count; i++) {
        const uint32_t b = m->layout[i];
        const struct mach_sched *s = &m->scheds[b];
        uint8_t held = m->tokens;
        uint8_t pending = 0;

        for (uint32_t r = 0; r < s->row_count; r++) {
            struct ucode_row *row = &e->image->rows[s->first_row + r];

            if (row->wait)
                pending = 0;
            pending |= issued_tokens(m, &s->rows[r]);
            row->rel = held & (uint8_t) ~(needed_after(e, b, r) | pending);
            held &= (uint8_t)~row->rel;
        }
    }
}

/* What a block's ways in have all given back already needs not be given back again. */
static void drop_repeated(struct emit *e)
{
    const struct mach *m = e->m;
    uint8_t *kept =
        arena_array(m->arena, m->block_count, sizeof(*kept)); /* some way in still holds */

    kept[m->layout[0]] = m->tokens;
    for (uint32_t i = 0; i < m->layout_count; i++) {
        const struct mach_sched *s = &m->scheds[m->layout[i]];

        for (uint32_t r = 0; r < s->row_count; r++) {
            const uint8_t after = needed_after(e, m->layout[i], r);

            for (uint32_t lane = 0; lane < SPEC_LANES; lane++) {
                if (s->rows[r].target[lane] != MACH_NONE)
                    kept[s->rows[r].target[lane]] |= after;
            }
            if (r + 1 == s->row_count && s->fall != MACH_NONE)
                kept[s->fall] |= after;
        }
        if (s->row_count == 0 && s->fall != MACH_NONE)
            kept[s->fall] = m->tokens;
    }
    for (uint32_t i = 0; i < m->layout_count; i++) {
        const struct mach_sched *s = &m->scheds[m->layout[i]];

        if (s->row_count > 0)
            e->image->rows[s->first_row].rel &= kept[m->layout[i]] | s->rows[0].need;
    }
}

static uint32_t headroom_of(const struct mach *m)
{
    const int32_t below = SPEC_PKT_BASE - m->lowest_byte;

    if (m->unknown_headroom)
        return SPEC_PKT_BASE;
    return below <= 0 ? 0 : ((uint32_t)below + 63) / 64 * 64;
}

int mach_emit(struct mach *m, struct arena *arena, struct ucode_image *image)
{
    struct emit e = {.m = m, .image = image};
    uint32_t count = 0;

    for (uint32_t i = 0; i < m->layout_count; i++) {
        const uint32_t fall = m->scheds[m->layout[i]].fall;

        assert(fall == MACH_NONE || (i + 1 < m->layout_count && m->layout[i + 1] == fall));
        m->scheds[m->layout[i]].first_row = count;
        count += m->scheds[m->layout[i]].row_count;
    }
    if (count > SPEC_ROWS) {
        diag_add(m->sink, DIAG_ERROR, "UCODE0002", DIAG_NOWHERE,
                 "%s: %u rows, the core's program memory has %d; split the program, or run it in "
                 "software",
                 m->ir->name, count, SPEC_ROWS);
        return -ENOTSUP;
    }
    image->row_count = count;
    image->rows = arena_array(arena, count, sizeof(*image->rows));
    image->words = arena_array(arena, count, sizeof(*image->words));
    image->tokens = m->tokens;
    image->headroom_bytes = headroom_of(m);
    for (uint32_t i = 0; i < m->layout_count; i++) {
        const struct mach_sched *s = &m->scheds[m->layout[i]];

        for (uint32_t r = 0; r < s->row_count; r++)
            emit_row(&e, &s->rows[r], &image->rows[s->first_row + r]);
    }
    find_kept(&e);
    find_needs(&e);
    release_tokens(&e);
    drop_repeated(&e);
    for (uint32_t r = 0; r < count; r++) {
        assert(!ucode_row_fault(&image->rows[r]));
        ucode_encode_row(&image->rows[r], image->words[r]);
    }
    return 0;
}
