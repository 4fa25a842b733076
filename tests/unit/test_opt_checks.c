/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"
#include "tests/common/random.h"
#include "tests/common/random_ir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Trees of compares whose operands lie next to each other, so that each branch says something of
 * those below it: what passes conclude from one must not turn another. Values are those of a few
 * bits of the packet, as they are and moved to the ends of 32 and 64 bits. */

enum { VALUES = 8, DEPTH = 5, FUNCTIONS = 600, PACKETS = 120, DATA = SPEC_PKT_BASE };

struct tree {
    struct ir_func *f;
    uint64_t rng;
    ir_ref values[VALUES];
    ir_ref data, end, zero;
    uint32_t leaves;
};

static uint32_t below(struct tree *t, uint32_t n)
{
    return (uint32_t)(random_next(&t->rng) % n);
}

static ir_ref constant(struct tree *t, uint64_t v)
{
    return opt_const(t->f, v);
}

static ir_ref alu(struct tree *t, ir_block b, enum spec_alu op, uint8_t width, ir_ref x, ir_ref y)
{
    const struct ir_insn in = {.op = IR_ALU, .alu = (uint8_t)op, .width = width};

    return ir_append(t->f, b, in, (const ir_ref[2]){x, y}, 2);
}

static ir_ref few_bits(struct tree *t, ir_block b, int32_t byte, uint64_t mask)
{
    const struct ir_insn in = {.op = IR_LOAD,
                               .region = IR_REGION_PKT,
                               .size = 1,
                               .imm = (uint64_t)byte,
                               .off_min = DATA + byte,
                               .off_max = DATA + byte};
    const ir_ref load = ir_append(t->f, b, in, &t->data, 1);

    return alu(t, b, SPEC_ALU_AND, 64, load, constant(t, mask));
}

static void make_values(struct tree *t, ir_block b)
{
    const struct ir_insn len = {.op = IR_INPUT, .imm = SPEC_IN_LEN};
    ir_ref length;

    t->data = constant(t, DATA);
    t->zero = constant(t, 0);
    length = ir_append(t->f, b, len, NULL, 0);
    t->end = alu(t, b, SPEC_ALU_ADD, 64, t->data, length);
    t->values[0] = few_bits(t, b, 0, 3);
    t->values[1] = few_bits(t, b, 1, 3);
    t->values[2] = alu(t, b, SPEC_ALU_ADD, 64, t->values[0], constant(t, 1 + below(t, 3)));
    t->values[3] = alu(t, b, SPEC_ALU_ADD, 64, t->values[1], constant(t, UINT32_MAX - 1));
    t->values[4] = alu(t, b, SPEC_ALU_SUB, 64, t->values[0], constant(t, 2));
    t->values[5] = alu(t, b, SPEC_ALU_ADD, 32, t->values[1], constant(t, UINT64_MAX - 1));
    t->values[6] = alu(t, b, SPEC_ALU_ADD, 64, t->values[0], constant(t, INT32_MAX - 1));
    t->values[7] = alu(t, b, SPEC_ALU_SUB, 64, length, constant(t, below(t, 4)));
}

static ir_ref operand(struct tree *t)
{
    static const uint64_t ends[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    INT32_MAX,
                                    INT32_MAX + UINT64_C(1),
                                    14,
                                    15,
                                    UINT32_MAX,
                                    UINT64_MAX,
                                    UINT64_MAX - 1};

    if (below(t, 3))
        return t->values[below(t, VALUES)];
    return constant(t, ends[below(t, sizeof(ends) / sizeof(ends[0]))]);
}

static ir_ref compare(struct tree *t, ir_block b)
{
    const enum spec_alu op = SPEC_ALU_EQ + below(t, SPEC_ALU_SET - SPEC_ALU_EQ + 1);
    const ir_ref x = t->values[below(t, VALUES)];

    return alu(t, b, op, below(t, 4) ? 64 : 32, x, operand(t));
}

static ir_ref condition(struct tree *t, ir_block b)
{
    ir_ref c = compare(t, b);

    if (below(t, 4) == 0)
        c = alu(t, b, below(t, 2) ? SPEC_ALU_AND : SPEC_ALU_OR, 64, c, compare(t, b));
    if (below(t, 8) == 0)
        c = alu(t, b, SPEC_ALU_EQ, 64, c, t->zero);
    return c;
}

/* Leaves tell which they are, and how some compares come out there. */
static void make_node(struct tree *t, ir_block b, uint32_t depth)
{
    ir_ref c;

    if (depth == DEPTH) {
        const ir_ref both = alu(t, b, SPEC_ALU_ADD, 64, condition(t, b), compare(t, b));
        const ir_ref leaf =
            alu(t, b, SPEC_ALU_ADD, 64, both, constant(t, UINT64_C(4) * t->leaves++));

        ir_append(t->f, b, (struct ir_insn){.op = IR_EXIT},
                  (const ir_ref[4]){leaf, t->data, t->end, t->zero}, 4);
        return;
    }
    c = condition(t, b);
    ir_append(t->f, b, (struct ir_insn){.op = IR_BR}, &c, 1);
    for (uint32_t side = 0; side < 2; side++) {
        const ir_block next = ir_block_new(t->f);

        ir_edge(t->f, b, next);
        make_node(t, next, depth + 1);
    }
}

static struct ir_func *make_tree(struct arena *arena, uint64_t seed)
{
    struct tree t = {.f = ir_func_new(arena, "tree"), .rng = seed};
    const ir_block b = ir_block_new(t.f);

    make_values(&t, b);
    make_node(&t, b, 0);
    ir_compact(t.f);
    return t.f;
}

static void check_same(const struct ir_func *f, const struct ir_func *g, const char *what,
                       uint64_t seed)
{
    char why[256];

    if (!random_ir_same(f, g, seed, PACKETS, why, sizeof(why)))
        fail_msg("seed %llu, %s: %s", (unsigned long long)seed, what, why);
}

static void test_opt_conclusions_from_branches_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= FUNCTIONS; seed++) {
        struct arena *arena = arena_open();
        struct arena *scratch = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        struct ir_func *f = make_tree(arena, seed), *g = make_tree(arena, seed);

        assert_int_equal(ir_check(f, &sink), 0);
        opt_checks(g, scratch);
        check_same(f, g, "checks", seed);
        g = make_tree(arena, seed);
        assert_int_equal(opt_run(g, NULL, &sink), 0);
        check_same(f, g, "all", seed);
        arena_close(scratch);
        arena_close(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opt_conclusions_from_branches_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
