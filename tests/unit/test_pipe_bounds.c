/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a pipeline's graph says of its nodes is true: random graphs are evaluated on random inputs,
 * and every node's value must have no more bits than it says, lie within its range, and be what its
 * congruence says. Operations that were simplified when they were made must still give what the
 * table says of them. */

enum { GRAPHS = 20000, OPERATIONS = 30, INPUTS = 24, NODES_MAX = 4096 };

/* Constants on which bounds and strides hang. */
static const uint64_t constants[] = {
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    12,
    16,
    24,
    31,
    32,
    48,
    0x7f,
    0x80,
    0xff,
    0xfff8,
    0x7fff,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0xfffffff4,
    UINT64_C(0x100000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    (uint64_t)-1,
    (uint64_t)-4,
    (uint64_t)-12,
    (uint64_t)-256,
};

struct fixture {
    struct pipe_graph g;
    uint64_t value[NODES_MAX];
    /* What was asked for, and the node that it became. */
    struct asked {
        enum spec_alu alu;
        uint8_t width;
        pipe_ref a, b, is;
    } asked[OPERATIONS];
    uint32_t asked_count;
    pipe_ref pool[2 * OPERATIONS + 16];
    uint32_t pool_count;
    uint64_t seed;
};

static uint32_t below(struct fixture *t, uint32_t n)
{
    return (uint32_t)(random_next(&t->seed) % n);
}

static pipe_ref any(struct fixture *t)
{
    return t->pool[below(t, t->pool_count)];
}

static pipe_ref any_constant(struct fixture *t)
{
    return pipe_const(&t->g, constants[below(t, sizeof(constants) / sizeof(constants[0]))]);
}

static void add_alu(struct fixture *t)
{
    struct asked *q = &t->asked[t->asked_count++];

    q->alu = (enum spec_alu)(1 + below(t, SPEC_ALU_COUNT - 1));
    if (below(t, 2)) /* those that address arithmetic is made of */
        q->alu = (const enum spec_alu[]){
            SPEC_ALU_ADD,  SPEC_ALU_SUB, SPEC_ALU_AND, SPEC_ALU_SHL,
            SPEC_ALU_LSHR, SPEC_ALU_MUL, SPEC_ALU_OR,  SPEC_ALU_SEXT8}[below(t, 8)];
    q->width = below(t, 2) || spec_alu_table[q->alu].verilog32[0] == 0 ? 64 : 32;
    q->a = any(t);
    q->b = below(t, 2) ? any(t) : any_constant(t);
    q->is = pipe_alu(&t->g, q->alu, q->width, q->a,
                     spec_alu_table[q->alu].arity == 2 ? q->b : PIPE_NONE);
    t->pool[t->pool_count++] = q->is;
}

static void make_graph(struct fixture *t)
{
    for (uint32_t i = 0; i < SPEC_IN_COUNT; i++)
        t->pool[t->pool_count++] = pipe_meta(&t->g, i);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        switch (below(t, 8)) {
        case 0:
            t->pool[t->pool_count++] = pipe_slice(&t->g, any(t), below(t, 4), 1 + below(t, 4));
            break;
        case 1:
            t->pool[t->pool_count++] =
                pipe_select(&t->g, pipe_truth(&t->g, any(t)), any(t), any_constant(t));
            break;
        case 2:
            t->pool[t->pool_count++] =
                pipe_select(&t->g, pipe_truth(&t->g, any(t)), any(t), any(t));
            break;
        default:
            add_alu(t);
        }
    }
    assert_true(t->g.count <= NODES_MAX);
}

/* A number as inputs have them: small, of any length, or with ends of all ones or zeros. */
static uint64_t input(struct fixture *t, uint32_t bits)
{
    const uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
    const uint64_t v = random_next(&t->seed);

    switch (below(t, 4)) {
    case 0:
        return constants[below(t, sizeof(constants) / sizeof(constants[0]))] & mask;
    case 1:
        return v & 0x3f & mask;
    case 2:
        return v >> below(t, 64) & mask;
    default:
        return v & mask;
    }
}

static uint64_t byte_of(const struct fixture *t, struct pipe_part part)
{
    return part.index < 8 ? t->value[part.node] >> 8 * part.index & 0xff : 0;
}

static uint64_t evaluate(struct fixture *t, const struct pipe_node *n)
{
    uint64_t v = 0;

    switch (n->kind) {
    case PIPE_K_CONST:
        return n->imm;
    case PIPE_K_META:
        return input(t, n->proved_bits);
    case PIPE_K_ALU:
    case PIPE_K_MUL:
    case PIPE_K_DIV:
        return spec_alu_eval(n->kind == PIPE_K_MUL ? SPEC_ALU_MUL : (enum spec_alu)n->alu, n->width,
                             t->value[n->args[0]], n->nargs == 2 ? t->value[n->args[1]] : 0);
    case PIPE_K_SELECT:
        return t->value[n->args[t->value[n->args[0]] ? 1 : 2]];
    case PIPE_K_AND:
        return t->value[n->args[0]] & t->value[n->args[1]];
    case PIPE_K_OR:
        return t->value[n->args[0]] | t->value[n->args[1]];
    case PIPE_K_NOT:
        return !t->value[n->args[0]];
    case PIPE_K_BYTES:
        for (uint32_t i = 0; i < n->part_count && i < 8; i++)
            v |= byte_of(t, n->parts[i]) << 8 * i;
        return v;
    default:
        fail_msg("a node of kind %u is not expected here", n->kind);
        return 0;
    }
}

static void check_node(struct fixture *t, pipe_ref a)
{
    const struct pipe_node *n = &t->g.nodes[a];
    const struct pipe_congruence c = pipe_congruence_of(&t->g, a);
    const uint64_t v = t->value[a];
    int64_t lo;
    int64_t hi;

    if (n->proved_bits < 64 && v >> n->proved_bits)
        fail_msg("node %u (kind %u, alu %u) is 0x%llx and says %u bits", a, n->kind, n->alu,
                 (unsigned long long)v, n->proved_bits);
    pipe_range_of(&t->g, a, &lo, &hi);
    if ((int64_t)v < lo || (int64_t)v > hi)
        fail_msg("node %u (kind %u, alu %u, width %u) is %lld and says %lld to %lld", a, n->kind,
                 n->alu, n->width, (long long)v, (long long)lo, (long long)hi);
    if (c.modulus ? v % c.modulus != c.residue % c.modulus : v != c.residue)
        fail_msg("node %u (kind %u, alu %u, width %u) is 0x%llx and says %llu modulo %llu", a,
                 n->kind, n->alu, n->width, (unsigned long long)v, (unsigned long long)c.residue,
                 (unsigned long long)c.modulus);
}

static void check_graph(struct fixture *t)
{
    for (uint32_t round = 0; round < INPUTS; round++) {
        for (pipe_ref a = 1; a < t->g.count; a++) {
            t->value[a] = evaluate(t, &t->g.nodes[a]);
            check_node(t, a);
        }
        for (uint32_t i = 0; i < t->asked_count; i++) {
            const struct asked *q = &t->asked[i];
            const uint64_t expected =
                spec_alu_eval(q->alu, q->width, t->value[q->a], t->value[q->b]);

            if (t->value[q->is] != expected)
                fail_msg("%s of %u bits of 0x%llx and 0x%llx is 0x%llx, its node gives 0x%llx",
                         spec_alu_table[q->alu].name, q->width, (unsigned long long)t->value[q->a],
                         (unsigned long long)t->value[q->b], (unsigned long long)expected,
                         (unsigned long long)t->value[q->is]);
        }
    }
}

static void test_random_graphs_keep_what_their_nodes_say(void **state)
{
    struct fixture *t = malloc(sizeof(*t));

    (void)state;
    assert_non_null(t);
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        *t = (struct fixture){.g.arena = arena_open(), .seed = seed * 7919};
        pipe_graph_open(&t->g);
        make_graph(t);
        check_graph(t);
        arena_close(t->g.arena);
    }
    free(t);
}

/* An address in a map's values: the map's tag above, small numbers times strides below. The low
 * half is asked for alone, as nothing of it may wrap. */
static void test_offsets_of_addresses_are_what_they_say(void **state)
{
    static const uint32_t strides[] = {1, 4, 8, 12, 24, 36, 48, 100, 264};
    struct fixture *t = malloc(sizeof(*t));

    (void)state;
    assert_non_null(t);
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        pipe_ref a;

        *t = (struct fixture){.g.arena = arena_open(), .seed = seed * 104729};
        pipe_graph_open(&t->g);
        a = pipe_const(&t->g, UINT64_C(0x30000001) << 32 | 8 * below(t, 9));
        for (uint32_t i = 1 + below(t, 3); i > 0; i--) {
            pipe_ref index =
                pipe_alu(&t->g, SPEC_ALU_AND, 64, pipe_meta(&t->g, below(t, SPEC_IN_COUNT)),
                         pipe_const(&t->g, (UINT64_C(2) << below(t, 10)) - 1));

            if (below(t, 3) == 0)
                index = pipe_select(&t->g, pipe_truth(&t->g, index), index,
                                    pipe_const(&t->g, below(t, 100)));
            index = pipe_alu(
                &t->g, SPEC_ALU_MUL, 64, index,
                pipe_const(&t->g, strides[below(t, sizeof(strides) / sizeof(strides[0]))]));
            a = pipe_alu(&t->g, SPEC_ALU_ADD, 64, a, index);
        }
        for (uint32_t round = 0; round < INPUTS; round++) {
            const struct pipe_congruence c = pipe_offset_congruence(&t->g, a);
            uint32_t low;

            for (pipe_ref n = 1; n < t->g.count; n++)
                t->value[n] = evaluate(t, &t->g.nodes[n]);
            low = (uint32_t)t->value[a];
            if (c.modulus ? low % c.modulus != c.residue : low != c.residue)
                fail_msg("seed %llu: offset %u, said %llu modulo %llu", (unsigned long long)seed,
                         low, (unsigned long long)c.residue, (unsigned long long)c.modulus);
        }
        arena_close(t->g.arena);
    }
    free(t);
}

/* What a product is a multiple of is no longer true of its low half. */
static void test_multiple_of_a_truncated_product_is_not_known(void **state)
{
    struct pipe_graph g = {.arena = arena_open()};
    struct pipe_congruence c;
    pipe_ref wide;
    pipe_ref low;

    (void)state;
    pipe_graph_open(&g);
    wide = pipe_alu(&g, SPEC_ALU_MUL, 64, pipe_meta(&g, SPEC_IN_IFINDEX), pipe_const(&g, 0x1234));
    low = pipe_alu(&g, SPEC_ALU_OR, 32, wide, pipe_const(&g, 0));
    c = pipe_congruence_of(&g, wide);
    assert_int_equal(c.modulus, 0x1234);
    c = pipe_congruence_of(&g, low);
    assert_int_equal(c.modulus, 4);
    assert_int_equal(c.residue, 0);
    arena_close(g.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs_keep_what_their_nodes_say),
        cmocka_unit_test(test_offsets_of_addresses_are_what_they_say),
        cmocka_unit_test(test_multiple_of_a_truncated_product_is_not_known),
    };

    return cmocka_run_group_tests_name("pipe_bounds", tests, NULL, NULL);
}
