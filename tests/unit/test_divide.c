/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/eval.h"
#include "compiler/ir/text.h"
#include "compiler/opt/opt.h"
#include "tests/common/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Division by a constant after the pass that replaces it, against the table's operation: all
 * dividends of 8 bits by all divisors of 9, and dividends around every critical point for divisors
 * of up to 64 bits. */

enum { FORMS = 8, DIVIDEND_AT = 0, RESULTS_AT = 8, PACKET_BYTES = 128 };

static const struct form {
    enum spec_alu alu;
    uint8_t width;
} forms[FORMS] = {
    {SPEC_ALU_UDIV, 32}, {SPEC_ALU_UDIV, 64}, {SPEC_ALU_UMOD, 32}, {SPEC_ALU_UMOD, 64},
    {SPEC_ALU_SDIV, 32}, {SPEC_ALU_SDIV, 64}, {SPEC_ALU_SMOD, 32}, {SPEC_ALU_SMOD, 64},
};

struct bench {
    struct arena *arena;
    struct arena *scratch;
    const struct ir_func *f;
    uint64_t divisor;
    uint8_t *buf;
};

static const struct opt_pass *divide_pass(void)
{
    for (uint32_t i = 0; i < opt_pass_count; i++)
        if (strcmp(opt_passes[i].name, "divide") == 0)
            return &opt_passes[i];
    fail_msg("no pass divide");
    return NULL;
}

static bool has_division(const struct ir_func *f)
{
    for (ir_block b = 0; b < f->block_count; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

            if (in->op == IR_ALU && spec_alu_table[in->alu].cls == SPEC_ALU_CLASS_DIV)
                return true;
        }
    }
    return false;
}

static ir_ref add(struct ir_func *f, struct ir_insn in, ir_ref a, ir_ref b)
{
    const ir_ref args[2] = {a, b};

    in.pc = IR_NO_PC;
    return ir_append(f, 0, in, args, b ? 2 : a ? 1 : 0);
}

/* All forms of a division by one divisor; the dividend has so many bytes. */
static struct bench open_bench(uint64_t divisor, uint8_t bytes, bool alone)
{
    struct bench t = {.arena = arena_open(), .scratch = arena_open(), .divisor = divisor};
    struct diag_sink sink = diag_sink_make(t.arena);
    struct ir_func *f = ir_func_new(t.arena, "divide");
    struct ir_insn access = {.op = IR_LOAD,
                             .region = IR_REGION_PKT,
                             .size = bytes,
                             .off_min = SPEC_PKT_BASE,
                             .off_max = SPEC_PKT_BASE};
    ir_ref base, by, x, zero;

    ir_block_new(f);
    base = add(f, (struct ir_insn){.op = IR_CONST, .imm = SPEC_PKT_BASE}, 0, 0);
    by = add(f, (struct ir_insn){.op = IR_CONST, .imm = divisor}, 0, 0);
    zero = add(f, (struct ir_insn){.op = IR_CONST, .imm = 0}, 0, 0);
    x = add(f, access, base, 0);
    access.op = IR_STORE;
    access.size = 8;
    for (uint32_t i = 0; i < FORMS; i++) {
        const ir_ref y = add(
            f,
            (struct ir_insn){.op = IR_ALU, .alu = (uint8_t)forms[i].alu, .width = forms[i].width},
            x, by);

        access.imm = RESULTS_AT + 8 * i;
        access.off_min = access.off_max = (int32_t)(SPEC_PKT_BASE + access.imm);
        add(f, access, base, y);
    }
    ir_append(f, 0, (struct ir_insn){.op = IR_EXIT, .pc = IR_NO_PC},
              (const ir_ref[]){zero, base, base, zero}, 4);
    assert_int_equal(ir_check(f, &sink), 0);
    if (alone)
        assert_true(divide_pass()->run(f, t.scratch));
    else
        assert_int_equal(opt_run(f, NULL, &sink), 0);
    assert_int_equal(ir_check(f, &sink), 0);
    assert_false(has_division(f));
    t.f = f;
    t.buf = calloc(1, SPEC_PKT_JUMBO_END);
    assert_non_null(t.buf);
    return t;
}

static void close_bench(struct bench *t)
{
    free(t->buf);
    arena_close(t->scratch);
    arena_close(t->arena);
}

static void check(struct bench *t, uint64_t x)
{
    struct ir_run run = {.buf = t->buf, .inputs = {[SPEC_IN_LEN] = PACKET_BYTES}};

    memcpy(t->buf + SPEC_PKT_BASE + DIVIDEND_AT, &x, 8);
    assert_int_equal(ir_eval(t->f, NULL, &run, t->scratch), 0);
    arena_reset(t->scratch);
    for (uint32_t i = 0; i < FORMS; i++) {
        const uint64_t want = spec_alu_eval(forms[i].alu, forms[i].width, x, t->divisor);
        uint64_t got;

        memcpy(&got, t->buf + SPEC_PKT_BASE + RESULTS_AT + 8 * i, 8);
        if (got != want) {
            ir_print(stderr, t->f);
            fail_msg("%s.%u of 0x%llx by 0x%llx is 0x%llx, not 0x%llx",
                     spec_alu_table[forms[i].alu].name, forms[i].width, (unsigned long long)x,
                     (unsigned long long)t->divisor, (unsigned long long)want,
                     (unsigned long long)got);
        }
    }
}

static void test_divide_all_short_dividends_are_exact(void **state)
{
    (void)state;
    for (uint32_t d = 0; d < 512; d++) {
        struct bench t = open_bench(d, 1, true);

        for (uint32_t x = 0; x < 256; x++)
            check(&t, x);
        close_bench(&t);
    }
}

/* The multiples of the divisor are where a quotient that is a little too large shows: below 0, in
 * the middle, and at the upper end of each width. */
static void check_around(struct bench *t, uint64_t *seed, uint32_t bytes)
{
    static const uint64_t ends[] = {0,         INT32_MAX,           0x80000000u, UINT32_MAX,
                                    INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    const uint64_t mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * bytes)) - 1;
    const uint64_t widths[2] = {t->divisor & UINT32_MAX, t->divisor};

    for (uint32_t e = 0; e < sizeof(ends) / sizeof(*ends); e++) {
        for (uint64_t delta = 0; delta < 3; delta++) {
            check(t, (ends[e] + delta) & mask);
            check(t, (ends[e] - delta) & mask);
        }
        for (uint32_t w = 0; w < 2; w++) {
            const uint64_t d = widths[w] ? widths[w] : 1;
            const uint64_t last = ends[e] - ends[e] % d;

            for (uint64_t delta = 0; delta < 3; delta++) {
                check(t, (last - delta) & mask);
                check(t, (last - d + delta) & mask);
                check(t, (0 - last + delta) & mask);
            }
        }
    }
    for (uint32_t i = 0; i < 20; i++) {
        const uint64_t x = random_next(seed) >> (random_next(seed) & 63);

        check(t, x & mask);
        check(t, (x - x % (t->divisor ? t->divisor : 1)) & mask);
        check(t, (x - x % (t->divisor ? t->divisor : 1) - 1) & mask);
    }
}

static void test_divide_critical_dividends_are_exact(void **state)
{
    static const uint8_t sizes[] = {2, 4, 8, 8};
    uint64_t seed = 0x9e3779b97f4a7c15u;

    (void)state;
    for (uint32_t i = 0; i < 600; i++) {
        /* small ones, powers of two and their neighbours, short and long random ones; negative too
         */
        uint64_t d = i < 128   ? i
                     : i < 320 ? (UINT64_C(1) << (i - 128) / 3) + (i - 128) % 3 - 1
                               : random_next(&seed) >> (random_next(&seed) & 63);
        struct bench t;

        if (i & 1)
            d = 0 - d;
        t = open_bench(d, sizes[i % 4], i & 2);
        check_around(&t, &seed, sizes[i % 4]);
        close_bench(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divide_all_short_dividends_are_exact),
        cmocka_unit_test(test_divide_critical_dividends_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
