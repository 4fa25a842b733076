/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/opt_trial.h"
#include "tests/common/small_alu.h"
#include "tests/common/soft_maps.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The language of the optimiser's rewrite rules, and the rewriter: each row, as IR that looks as it
 * says, is rewritten, and gives what it gave. */

enum { ATTEMPTS = 4000, ENOUGH = 4, BUFFER = 64, VALUES = 32 };

/* --- the language ----------------------------------------------------------------------------- */

static void test_opt_rules_expressions_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "add x",
                                        "add x y z",
                                        "nothing x y",
                                        "add:16 x y",
                                        "add: x y",
                                        "x y",
                                        "select x y",
                                        "add (add (add (add (add x y) y) y) y) y"};
    struct opt_term terms[OPT_TERMS];
    uint32_t count;

    (void)state;
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(opt_terms_parse(wrong[i], terms, &count), -EINVAL);
}

/* What a row makes is made of what it has matched, and is no deeper than one operation. */
static void test_opt_rules_replacements_use_what_is_matched(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < opt_rule_count; i++) {
        struct opt_term from[OPT_TERMS];
        struct opt_term to[OPT_TERMS];
        uint32_t from_count;
        uint32_t to_count;

        assert_int_equal(opt_terms_parse(opt_rules[i].from, from, &from_count), 0);
        assert_int_equal(opt_terms_parse(opt_rules[i].to, to, &to_count), 0);
        assert_int_equal(to_count, 1 + to[0].operands);
        assert_true(from[0].operands > 0);
        for (uint32_t a = 0; a < to_count; a++) {
            bool found = to[a].kind != OPT_TERM_VALUE;

            assert_int_not_equal(to[a].kind, OPT_TERM_CONST); /* named k there */
            for (uint32_t b = 0; b < from_count; b++)
                found |= from[b].kind == OPT_TERM_VALUE && from[b].letter == to[a].letter;
            assert_true(found);
        }
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(opt_rules[k].name, opt_rules[i].name);
    }
}

/* --- as the rewriter applies them ------------------------------------------------------------- */

struct code {
    struct ir_func *f;
    ir_ref values[OPT_TRIAL_LETTERS];
    ir_ref base;
    ir_ref end;
    struct opt_range known[VALUES];
};

static ir_ref emit(struct code *c, struct ir_insn in, const ir_ref *args, uint32_t n)
{
    in.pc = IR_NO_PC;
    return ir_append(c->f, 0, in, args, n);
}

static ir_ref emit_constant(struct code *c, uint64_t v)
{
    return emit(c, (struct ir_insn){.op = IR_CONST, .imm = v}, NULL, 0);
}

/* The expression as IR: the root's operands, or all of it. */
static ir_ref emit_term(struct code *c, const struct opt_trial *t, const struct opt_term **at)
{
    const struct opt_term *term = (*at)++;
    const bool is_root = term == t->from;
    struct ir_insn in = {.op = IR_ALU, .width = (uint8_t)opt_trial_width(t, term)};
    ir_ref args[3];

    for (uint32_t i = 0; i < term->operands; i++)
        args[i] = emit_term(c, t, at);
    if (term->kind == OPT_TERM_VALUE)
        return c->values[term->letter - 'w'];
    if (term->kind == OPT_TERM_CONST)
        return emit_constant(c, term->letter == 'c'   ? t->m.c
                                : term->letter == 'd' ? t->m.d
                                                      : t->m.e);
    if (term->kind == OPT_TERM_TEST || term->kind == OPT_TERM_LOW)
        return args[0];
    if (term->kind == OPT_TERM_SELECT)
        in = (struct ir_insn){.op = IR_SELECT};
    else if (term->kind == OPT_TERM_COMPARE)
        in.alu = (uint8_t)(is_root ? t->m.alu : t->m.inner);
    else
        in.alu = term->alu;
    return emit(c, in, args, term->operands);
}

static uint64_t run_code(struct code *c, ir_ref v, const struct opt_trial *t)
{
    static uint8_t buffer[SPEC_PKT_JUMBO_END];
    struct arena *scratch = arena_open();
    struct soft_maps maps;
    struct ir_run run = {.buf = buffer, .steps = 1000};
    struct ir_maps_ops ops;

    assert_int_equal(soft_maps_open(&maps, NULL, 0), 0);
    ops = soft_maps_ops(&maps);
    run.inputs[SPEC_IN_LEN] = BUFFER;
    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++)
        memcpy(buffer + SPEC_PKT_BASE + 8 * i, &t->values[i], 8);
    c->f->insns[c->end].args[3] = v;
    assert_int_equal(ir_eval(c->f, &ops, &run, scratch), 0);
    soft_maps_close(&maps);
    arena_close(scratch);
    return run.redirect;
}

static void start_code(struct code *c, const struct opt_trial *t, struct arena *arena)
{
    *c = (struct code){.f = ir_func_new(arena, "rule")};
    ir_block_new(c->f);
    c->base = emit_constant(c, SPEC_PKT_BASE);
    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++) {
        const struct ir_insn load = {.op = IR_LOAD,
                                     .region = IR_REGION_PKT,
                                     .size = 8,
                                     .imm = 8 * i,
                                     .off_min = SPEC_PKT_BASE + 8 * (int32_t)i,
                                     .off_max = SPEC_PKT_BASE + 8 * (int32_t)i};

        c->values[i] = emit(c, load, &c->base, 1);
    }
    for (uint32_t i = 0; i < VALUES; i++)
        c->known[i] = OPT_RANGE_FULL;
    for (uint32_t i = 0; i < OPT_TRIAL_LETTERS; i++)
        c->known[c->values[i]] = *opt_trial_range((struct opt_trial *)(uintptr_t)t, i);
}

/* The root is no operation: the value of the expression is that of its operand. */
static bool is_part(const struct opt_trial *t)
{
    return t->from[0].kind == OPT_TERM_TEST || t->from[0].kind == OPT_TERM_LOW;
}

static void rewrite_once(struct opt_trial *t)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    const struct opt_term *at = t->from;
    bool changed = false;
    bool inverse = false;
    struct opt_rewriter *w;
    struct code c;
    uint64_t before;
    uint64_t after;
    ir_ref v;
    ir_ref now;

    start_code(&c, t, arena);
    v = emit_term(&c, t, &at);
    if (t->inner_operand[0])
        c.known[is_part(t) ? v : c.f->insns[v].args[0]] = t->m.a;
    c.end = emit(&c, (struct ir_insn){.op = IR_EXIT}, (ir_ref[4]){c.base, c.base, c.base, v}, 4);
    before = run_code(&c, v, t);
    w = opt_rewriter_make(c.f, c.known, VALUES, arena);
    if (t->from[0].kind == OPT_TERM_TEST)
        now = opt_rewrite_test(w, v, &inverse);
    else if (t->from[0].kind == OPT_TERM_LOW)
        now = opt_rewrite_low(w, v, t->m.width);
    else
        now = opt_rewrite(w, v, &changed);
    if ((now == IR_NONE || now == v) && !changed)
        fail_msg("rule %s is not applied to what it describes", t->rule->name);
    after = run_code(&c, now == IR_NONE ? v : now, t);
    assert_int_equal(ir_check(c.f, &sink), 0);
    if (t->from[0].kind == OPT_TERM_TEST) {
        before = before != 0;
        after = (after != 0) != inverse;
    } else if (t->from[0].kind == OPT_TERM_LOW) {
        before &= small_ones(t->m.width);
        after &= small_ones(t->m.width);
    }
    if (before != after)
        fail_msg("rule %s as applied: %llx instead of %llx", t->rule->name,
                 (unsigned long long)after, (unsigned long long)before);
    arena_close(arena);
}

static void try_rewriter(struct opt_trial *t, void *ctx)
{
    uint64_t seed = 2;

    (void)ctx;
    for (uint32_t i = 0, held = 0; i < ATTEMPTS && held < ENOUGH; i++) {
        uint64_t operands[2];
        const struct opt_term *from = t->from;

        if (!opt_trial_choose(t, &seed))
            continue;
        opt_trial_value(t, &from, operands);
        if (!opt_trial_within(t->m.a, operands[0]))
            continue;
        t->m.b = t->inner_operand[1] ? OPT_RANGE_FULL : t->m.b;
        rewrite_once(t);
        t->checked++;
        held++;
    }
}

static void test_opt_rules_rewriter_applies_what_rows_say(void **state)
{
    (void)state;
    assert_null(opt_trial_each(64, try_rewriter, NULL)); /* else: the rule that never holds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_rules_expressions_that_are_none_are_refused),
        cmocka_unit_test(test_opt_rules_replacements_use_what_is_matched),
        cmocka_unit_test(test_opt_rules_rewriter_applies_what_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
