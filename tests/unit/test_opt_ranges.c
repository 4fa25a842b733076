/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* What the optimiser takes for the bounds of a value is true: for bounds with their ends where
 * results change, every operation on numbers within them gives a number within what comes out, and
 * a compare that bounds decide comes out as decided. */

/* Around these the bounds begin and end. */
static const uint64_t bases[] = {
    0,
    4,
    32,
    64,
    0x7f,
    0xff,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_MAX,
};

enum { BASES = sizeof(bases) / sizeof(bases[0]), SPANS = 4, RANGES = 3 * BASES * SPANS };

static const uint8_t widths[] = {32, 64};

struct fixture {
    struct arena *arena;
    struct ir_func *f;
    struct opt_range known[4];
    ir_ref a, b, r;
    struct opt_range ranges[RANGES];
    uint32_t range_count;
};

/* Bounds that begin one before a base, at it, and one after it, of one number and more. */
static void make_ranges(struct fixture *t)
{
    static const uint64_t spans[SPANS] = {0, 1, 6, 0x1234};

    for (uint32_t i = 0; i < BASES; i++) {
        for (uint32_t shift = 0; shift < 3; shift++) {
            for (uint32_t s = 0; s < SPANS; s++) {
                const uint64_t min = bases[i] + shift - 1;

                if (min + spans[s] >= min)
                    t->ranges[t->range_count++] = (struct opt_range){min, min + spans[s]};
            }
        }
    }
}

static void open_fixture(struct fixture *t)
{
    struct ir_insn in = {.op = IR_CONST};
    ir_block block;

    *t = (struct fixture){.arena = arena_open()};
    t->f = ir_func_new(t->arena, "ranges");
    block = ir_block_new(t->f);
    t->a = ir_append(t->f, block, in, NULL, 0);
    t->b = ir_append(t->f, block, in, NULL, 0);
    in.op = IR_ALU;
    in.alu = SPEC_ALU_ADD;
    t->r = ir_append(t->f, block, in, (const ir_ref[2]){t->a, t->b}, 2);
    assert_true(t->r < sizeof(t->known) / sizeof(t->known[0]));
    make_ranges(t);
}

/* Some numbers of bounds: both ends and what lies beside them. */
static uint32_t members(struct opt_range range, uint64_t out[4])
{
    const uint64_t wanted[4] = {range.min, range.min + 1, range.max - 1, range.max};
    uint32_t n = 0;

    for (uint32_t i = 0; i < 4; i++)
        if (wanted[i] >= range.min && wanted[i] <= range.max)
            out[n++] = wanted[i];
    return n;
}

static void check_pair(struct fixture *t, enum spec_alu alu, uint8_t width, struct opt_range a,
                       struct opt_range b)
{
    const bool compares = spec_alu_table[alu].cls == SPEC_ALU_CLASS_CMP;
    const int decided = compares ? opt_decide(alu, width, a, b) : -1;
    struct opt_range out;
    uint64_t x[4], y[4];
    uint32_t x_count = members(a, x), y_count = members(b, y);

    t->known[t->a] = a;
    t->known[t->b] = b;
    out = opt_range_of(t->f, t->known, t->r);
    for (uint32_t i = 0; i < x_count; i++) {
        for (uint32_t k = 0; k < y_count; k++) {
            const uint64_t v = spec_alu_eval(alu, width, x[i], y[k]);

            if (v < out.min || v > out.max)
                fail_msg("%s.%u %#llx %#llx is %#llx, not within %#llx to %#llx",
                         spec_alu_table[alu].name, width, (unsigned long long)x[i],
                         (unsigned long long)y[k], (unsigned long long)v,
                         (unsigned long long)out.min, (unsigned long long)out.max);
            if (decided >= 0 && v != (uint64_t)decided)
                fail_msg("%s.%u %#llx %#llx is %#llx, not %d", spec_alu_table[alu].name, width,
                         (unsigned long long)x[i], (unsigned long long)y[k], (unsigned long long)v,
                         decided);
        }
    }
}

static void test_opt_ranges_hold_every_result(void **state)
{
    struct fixture t;

    (void)state;
    open_fixture(&t);
    for (int alu = SPEC_ALU_NONE + 1; alu < SPEC_ALU_COUNT; alu++) {
        for (uint32_t w = 0; w < 2; w++) {
            struct ir_insn *in = &t.f->insns[t.r];

            if (widths[w] == 32 && spec_alu_table[alu].verilog32[0] == '\0')
                continue;
            in->alu = (uint8_t)alu;
            in->width = widths[w];
            in->nargs = spec_alu_table[alu].arity;
            for (uint32_t i = 0; i < t.range_count; i++)
                for (uint32_t k = 0; k < (in->nargs == 2 ? t.range_count : 1); k++)
                    check_pair(&t, (enum spec_alu)alu, widths[w], t.ranges[i], t.ranges[k]);
        }
    }
    arena_close(t.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_ranges_hold_every_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
