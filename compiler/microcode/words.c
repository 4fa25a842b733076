/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/mach.h"

/* Key and value words keep what was written to them, through operations that read them too. So a
 * look-up and the update that follows it write their common key once. */

enum { WORDS = UCODE_KEY_WORDS + UCODE_VALUE_WORDS };

_Static_assert(WORDS <= 64, "a set of words fits 64 bits");

enum content_kind { CONTENT_ANY, CONTENT_REG, CONTENT_IMM };

/* What a word holds. */
struct content {
    uint8_t kind; /* enum content_kind */
    mach_reg reg;
    int32_t imm;
};

struct words {
    struct mach *m;
    struct content (*out)[WORDS]; /* by block, at its end */
    bool *known;                  /* by block: out was computed */
};

static bool same_content(const struct content *x, const struct content *y)
{
    return x->kind != CONTENT_ANY && x->kind == y->kind && x->reg == y->reg && x->imm == y->imm;
}

static struct content written(const struct mach *m, const struct mach_op *op)
{
    if (op->bimm)
        return (struct content){.kind = CONTENT_IMM, .imm = op->imm};
    if (m->vregs[op->b].defs > 1)
        return (struct content){.kind = CONTENT_ANY};
    return (struct content){.kind = CONTENT_REG, .reg = op->b};
}

static void enter(const struct words *w, uint32_t block, struct content now[WORDS])
{
    const struct mach_block *b = &w->m->blocks[block];
    bool first = true;

    for (uint32_t i = 0; i < WORDS; i++)
        now[i].kind = CONTENT_ANY;
    for (uint32_t k = 0; k < b->pred_count; k++) {
        const uint32_t p = b->preds[k];

        if (!w->known[p])
            continue;
        for (uint32_t i = 0; i < WORDS; i++) {
            if (first)
                now[i] = w->out[p][i];
            else if (!same_content(&now[i], &w->out[p][i]))
                now[i].kind = CONTENT_ANY;
        }
        first = false;
    }
}

/* Goes through a block; with drop, without the words that are there already. True if what it leaves
 * has changed. */
static bool walk(struct words *w, uint32_t block, bool drop)
{
    struct mach_block *b = &w->m->blocks[block];
    struct content now[WORDS];
    bool changed = !w->known[block];
    uint32_t kept = 0;

    enter(w, block, now);
    for (uint32_t k = 0; k < b->count; k++) {
        const struct mach_op *op = &w->m->ops[b->ops[k]];
        bool same = false;

        if (op->words_written != 0) {
            const uint32_t i = (uint32_t)__builtin_ctzll(op->words_written);
            const struct content c = written(w->m, op);

            same = same_content(&now[i], &c);
            now[i] = c;
        }
        if (!drop || !same)
            b->ops[kept++] = b->ops[k];
    }
    b->count = kept;
    for (uint32_t i = 0; i < WORDS; i++) {
        const struct content *old = &w->out[block][i];

        changed |=
            old->kind != now[i].kind || (now[i].kind != CONTENT_ANY && !same_content(old, &now[i]));
        w->out[block][i] = now[i];
    }
    w->known[block] = true;
    return changed;
}

/* needs: flow, uses, no phis. */
void mach_reuse_words(struct mach *m)
{
    struct words w = {.m = m};
    bool changed = true;

    w.out = arena_array(m->arena, m->block_count, sizeof(*w.out));
    w.known = arena_array(m->arena, m->block_count, sizeof(*w.known));
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < m->rpo_count; i++)
            changed |= walk(&w, m->rpo[i], false);
    }
    for (uint32_t i = 0; i < m->rpo_count; i++)
        walk(&w, m->rpo[i], true);
    mach_count_uses(m);
}

void mach_word_liveness(struct mach *m)
{
    bool changed = true;

    for (uint32_t b = 0; b < m->block_count; b++)
        m->blocks[b].words_in = 0;
    while (changed) {
        changed = false;
        for (uint32_t i = m->rpo_count; i > 0; i--) {
            struct mach_block *b = &m->blocks[m->rpo[i - 1]];
            uint64_t live = 0;

            for (uint32_t k = 0; k < b->succ_count; k++)
                live |= m->blocks[b->succ[k]].words_in;
            for (uint32_t k = b->count; k > 0; k--) {
                const struct mach_op *op = &m->ops[b->ops[k - 1]];

                live = (live & ~op->words_written) | op->words_read;
            }
            changed |= live != b->words_in;
            b->words_in = live;
        }
    }
}
