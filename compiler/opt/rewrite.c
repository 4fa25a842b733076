/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/rules.h"

#include <assert.h>

/* Applies the rules of rules.c to IR. */

/* Roots that are no operation follow those that are. */
enum { ROOT_SELECT = SPEC_ALU_COUNT, ROOT_TEST, ROOT_LOW, ROOTS, MAX_OF_ROOT = 32 };

struct rule {
    const struct opt_rule *row;
    struct opt_term from[OPT_TERMS];
    struct opt_term to[OPT_TERMS];
};

struct opt_rewriter {
    struct ir_func *f;
    const struct opt_range *known;
    uint32_t known_count;
    struct rule *rules;
    uint16_t *of_root[ROOTS]; /* its rules, in their order */
    uint32_t count[ROOTS];
};

/* What the letters of a rule stand for. */
struct binding {
    ir_ref values[4]; /* w x y z */
    bool bound_width;
    struct opt_match m;
};

static uint64_t eval(const struct opt_match *m, enum spec_alu op, unsigned width, uint64_t a,
                     uint64_t b)
{
    (void)m;
    return spec_alu_eval(op, width, a, b);
}

/* --- ready for use -------------------------------------------------------------------------- */

/* The roots that a rule has: from *first to *last. */
static void roots_of(const struct opt_term *t, uint32_t *first, uint32_t *last)
{
    const bool is_alu = t->kind == OPT_TERM_ALU || t->kind == OPT_TERM_COMPARE;

    *first = is_alu                       ? t->alu
             : t->kind == OPT_TERM_SELECT ? (uint32_t)ROOT_SELECT
             : t->kind == OPT_TERM_TEST   ? (uint32_t)ROOT_TEST
                                          : (uint32_t)ROOT_LOW;
    *last = is_alu ? t->last : *first;
}

struct opt_rewriter *opt_rewriter_make(struct ir_func *f, const struct opt_range *known,
                                       uint32_t known_count, struct arena *scratch)
{
    struct opt_rewriter *w = arena_array(scratch, 1, sizeof(*w));

    *w = (struct opt_rewriter){.f = f, .known = known, .known_count = known_count};
    w->rules = arena_array(scratch, opt_rule_count, sizeof(*w->rules));
    for (uint32_t i = 0; i < opt_rule_count; i++) {
        struct rule *r = &w->rules[i];
        uint32_t count;
        int err;

        r->row = &opt_rules[i];
        err = opt_terms_parse(r->row->from, r->from, &count);
        if (!err)
            err = opt_terms_parse(r->row->to, r->to, &count);
        assert(!err && "the table is well formed: test_opt_rules");
        (void)err;
    }
    for (uint32_t i = 0; i < opt_rule_count; i++) {
        uint32_t root;
        uint32_t last;

        for (roots_of(&w->rules[i].from[0], &root, &last); root <= last; root++) {
            if (!w->of_root[root])
                w->of_root[root] = arena_array(scratch, MAX_OF_ROOT, sizeof(**w->of_root));
            assert(w->count[root] < MAX_OF_ROOT);
            w->of_root[root][w->count[root]++] = (uint16_t)i;
        }
    }
    return w;
}

struct opt_range opt_rewriter_range(const struct opt_rewriter *w, ir_ref r)
{
    uint64_t v;

    if (opt_is_const(w->f, r, &v))
        return (struct opt_range){v, v};
    return r < w->known_count ? w->known[r] : OPT_RANGE_FULL;
}

/* --- matching ------------------------------------------------------------------------------- */

static bool bind_value(const struct opt_rewriter *w, struct binding *b, char letter, ir_ref r)
{
    struct opt_range *const ranges[4] = {&b->m.w, &b->m.x, &b->m.y, &b->m.z};
    ir_ref *value = &b->values[letter - 'w'];

    if (*value != IR_NONE)
        return *value == r;
    *value = r;
    *ranges[letter - 'w'] = opt_rewriter_range(w, r);
    return true;
}

static bool bind_width(struct binding *b, const struct opt_term *t, unsigned width)
{
    switch ((enum opt_term_width)t->width) {
    case OPT_WIDTH_ROOT:
        return width == b->m.width;
    case OPT_WIDTH_HALF:
        return width == b->m.half_bits;
    case OPT_WIDTH_WORD:
        return width == b->m.word_bits;
    case OPT_WIDTH_ANY:
        break;
    }
    if (b->bound_width)
        return width == b->m.inner_width;
    b->bound_width = true;
    b->m.inner_width = width;
    return true;
}

static bool match(const struct opt_rewriter *w, struct binding *b, const struct opt_term **at,
                  ir_ref r);

static bool match_args(const struct opt_rewriter *w, struct binding *b, const struct opt_term **at,
                       ir_ref r)
{
    const struct ir_insn *in = &w->f->insns[r];

    for (uint32_t i = 0; i < in->nargs; i++)
        if (!match(w, b, at, in->args[i]))
            return false;
    return true;
}

/* Value r against the term at *at and its operands, which *at then is behind. */
static bool match(const struct opt_rewriter *w, struct binding *b, const struct opt_term **at,
                  ir_ref r)
{
    const struct ir_insn *in = &w->f->insns[r];
    const struct opt_term *t = (*at)++;
    uint64_t v;

    switch ((enum opt_term_kind)t->kind) {
    case OPT_TERM_VALUE:
        return bind_value(w, b, t->letter, r);
    case OPT_TERM_CONST:
        if (!opt_is_const(w->f, r, &v))
            return false;
        *(t->letter == 'c' ? &b->m.c : t->letter == 'd' ? &b->m.d : &b->m.e) = v;
        return true;
    case OPT_TERM_ALU:
    case OPT_TERM_COMPARE:
        if (in->op != IR_ALU || in->alu < t->alu || in->alu > t->last ||
            !bind_width(b, t, in->width))
            return false;
        if (t->kind == OPT_TERM_COMPARE)
            b->m.inner = (enum spec_alu)in->alu;
        return match_args(w, b, at, r);
    case OPT_TERM_SELECT:
        return in->op == IR_SELECT && match_args(w, b, at, r);
    case OPT_TERM_NONE:
    case OPT_TERM_SAME:
    case OPT_TERM_INVERSE:
    case OPT_TERM_UNSIGNED:
    case OPT_TERM_TEST:
    case OPT_TERM_NOT:
    case OPT_TERM_LOW:
    case OPT_TERM_MADE:
    case OPT_TERM_ZERO:
    case OPT_TERM_FIRST:
        break;
    }
    return false;
}

/* The first rule of a root that fits: args are the root's operands. */
static const struct rule *find(const struct opt_rewriter *w, struct binding *b, uint32_t root,
                               unsigned width, const ir_ref *args, uint32_t nargs)
{
    const struct opt_range first = opt_rewriter_range(w, args[0]);
    const struct opt_range second = nargs > 1 ? opt_rewriter_range(w, args[1]) : OPT_RANGE_FULL;

    for (uint32_t i = 0; i < w->count[root]; i++) {
        const struct rule *r = &w->rules[w->of_root[root][i]];
        const struct opt_term *at = &r->from[1];
        bool fits = true;

        *b = (struct binding){.m = {.word_bits = 64, .half_bits = 32, .eval = eval}};
        b->m.width = width;
        b->m.alu = root < SPEC_ALU_COUNT ? (enum spec_alu)root : SPEC_ALU_NONE;
        b->m.a = first;
        b->m.b = second;
        if (r->from[0].width != OPT_WIDTH_ROOT && !bind_width(b, &r->from[0], width))
            continue;
        for (uint32_t a = 0; a < nargs && fits; a++)
            fits = match(w, b, &at, args[a]);
        if (fits && r->row->when(&b->m))
            return r;
    }
    return NULL;
}

/* --- rewriting ------------------------------------------------------------------------------ */

static ir_ref leaf(struct opt_rewriter *w, const struct binding *b, const struct rule *r,
                   const struct opt_term *t, ir_ref first)
{
    switch ((enum opt_term_kind)t->kind) {
    case OPT_TERM_VALUE:
        return b->values[t->letter - 'w'];
    case OPT_TERM_MADE:
        return opt_const(w->f, r->row->constant(&b->m));
    case OPT_TERM_ZERO:
        return opt_const(w->f, 0);
    case OPT_TERM_FIRST:
        return first;
    case OPT_TERM_NONE:
    case OPT_TERM_ALU:
    case OPT_TERM_COMPARE:
    case OPT_TERM_SAME:
    case OPT_TERM_INVERSE:
    case OPT_TERM_UNSIGNED:
    case OPT_TERM_SELECT:
    case OPT_TERM_TEST:
    case OPT_TERM_NOT:
    case OPT_TERM_LOW:
    case OPT_TERM_CONST:
        break;
    }
    return IR_NONE;
}

static enum spec_alu operation(const struct binding *b, const struct opt_term *t)
{
    switch ((enum opt_term_kind)t->kind) {
    case OPT_TERM_SAME:
        return b->m.alu;
    case OPT_TERM_INVERSE:
        return opt_compare_inverse(b->m.inner);
    case OPT_TERM_UNSIGNED:
        return (enum spec_alu)(b->m.alu - SPEC_ALU_SGT + SPEC_ALU_UGT);
    default: /* written down */
        return (enum spec_alu)t->alu;
    }
}

static unsigned width_of(const struct binding *b, const struct opt_term *t)
{
    switch ((enum opt_term_width)t->width) {
    case OPT_WIDTH_ROOT:
        return b->m.width;
    case OPT_WIDTH_HALF:
        return b->m.half_bits;
    case OPT_WIDTH_WORD:
        return b->m.word_bits;
    case OPT_WIDTH_ANY:
        break;
    }
    return b->m.inner_width;
}

ir_ref opt_rewrite(struct opt_rewriter *w, ir_ref r, bool *changed)
{
    const struct ir_insn *in = &w->f->insns[r];
    const uint32_t root = in->op == IR_SELECT ? (uint32_t)ROOT_SELECT : in->alu;
    const ir_ref first = in->args[0];
    struct binding b;
    const struct rule *rule =
        find(w, &b, root, in->op == IR_SELECT ? 64 : in->width, in->args, in->nargs);
    ir_ref args[2] = {IR_NONE, IR_NONE};
    const struct opt_term *to;

    if (!rule)
        return IR_NONE;
    to = rule->to;
    if (to->operands == 0)
        return leaf(w, &b, rule, to, first);
    for (uint32_t a = 0; a < to->operands; a++) {
        args[a] = leaf(w, &b, rule, &to[1 + a], first);
        assert(args[a] != IR_NONE);
    }
    opt_become(w->f, r, operation(&b, to), (uint8_t)width_of(&b, to), args[0], args[1]);
    *changed = true;
    return IR_NONE;
}

ir_ref opt_rewrite_test(struct opt_rewriter *w, ir_ref r, bool *inverse)
{
    struct binding b;
    const struct rule *rule;

    for (;;) {
        rule = find(w, &b, ROOT_TEST, 64, &r, 1);
        if (!rule)
            return r;
        r = leaf(w, &b, rule, &rule->to[1], r);
        *inverse ^= rule->to[0].kind == OPT_TERM_NOT;
    }
}

ir_ref opt_rewrite_low(struct opt_rewriter *w, ir_ref r, unsigned bits)
{
    struct binding b;
    const struct rule *rule;

    for (;;) {
        rule = find(w, &b, ROOT_LOW, bits, &r, 1);
        if (!rule)
            return r;
        r = leaf(w, &b, rule, &rule->to[1], r);
    }
}
