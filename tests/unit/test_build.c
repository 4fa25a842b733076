/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"
#include "compiler/ir/build.h"
#include "tests/common/assembled.h"
#include "tests/common/test_map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What the builder refuses, and facts that it must carry over. Programs are assembled and verified;
 * some tests then change a fact, to see that the builder does not trust what it can't use. */

enum { LONG_KEY, LONG_VALUE, DEVMAP, HUGE_ARRAY, ARRAY, CPUMAP, ONE, OUTER };

static const struct load_map maps[] = {
    [LONG_KEY] = TEST_MAP("long_key", SPEC_MAP_HASH, 72, 8, 16),
    [LONG_VALUE] = TEST_MAP("long_value", SPEC_MAP_HASH, 4, 264, 16),
    [DEVMAP] = TEST_MAP("ports", SPEC_MAP_DEVMAP, 4, 4, 16),
    [HUGE_ARRAY] = TEST_MAP("huge", SPEC_MAP_ARRAY, 4, 64, 1u << 28),
    [ARRAY] = TEST_MAP("array", SPEC_MAP_ARRAY, 4, 8, 16),
    [CPUMAP] = TEST_MAP("cpus", SPEC_MAP_CPUMAP, 4, 4, 16),
    [ONE] = TEST_MAP("one", SPEC_MAP_ARRAY, 4, 8, 1),
    [OUTER] = TEST_MAP("outer", SPEC_MAP_ARRAY_OF_MAPS, 4, 4, 16),
};

static const struct load_fields inner = {.inner = &maps[ARRAY]};

static void open_program(struct assembled *t, const char *text)
{
    assembled_open(t, maps, sizeof(maps) / sizeof(*maps));
    t->object.maps[OUTER].fields = &inner;
    assembled_verify(t, text);
}

/* The facts are the verifier's result, which only this test changes. */
static struct verify_fact *fact(struct assembled *t, uint32_t pc)
{
    return &t->facts->contexts[0].facts[pc];
}

static void forget_access(struct assembled *t)
{
    fact(t, 0)->access.region = VERIFY_REGION_NONE;
}

static void mixed_access(struct assembled *t)
{
    fact(t, 0)->access.region = VERIFY_REGION_MIXED;
}

static void read_no_field(struct assembled *t)
{
    fact(t, 0)->access.off_min = fact(t, 0)->access.off_max = SPEC_CTX_EGRESS_IFINDEX + 4;
}

static void bad_opcode(struct assembled *t)
{
    t->prog.insns[0].opcode = (uint8_t)EBPF_CLASS_LD | (uint8_t)EBPF_MODE_ABS;
}

static void bad_source(struct assembled *t)
{
    t->prog.insns[0].src = EBPF_PSEUDO_BTF_ID;
}

static void bad_helper(struct assembled *t)
{
    t->prog.insns[0].imm = 4; /* probe_read: not for XDP */
}

static void type_without_engine(struct assembled *t)
{
    t->object.maps[ARRAY].type = SPEC_MAP_RINGBUF;
}

static void long_pushed(struct assembled *t)
{
    t->object.maps[LONG_VALUE].type = SPEC_MAP_QUEUE;
}

static void long_hashed(struct assembled *t)
{
    t->object.maps[LONG_VALUE].type = SPEC_MAP_BLOOM_FILTER;
    t->object.maps[LONG_VALUE].value_bytes = SPEC_HW_BLOOM_BYTES + 1;
}

static void huge_queue(struct assembled *t)
{
    t->object.maps[HUGE_ARRAY].type = SPEC_MAP_QUEUE;
    t->object.maps[HUGE_ARRAY].max_entries = (1u << 26) - 1; /* but for the state they would fit */
}

static void long_prefix(struct assembled *t)
{
    t->object.maps[ARRAY].type = SPEC_MAP_LPM_TRIE;
    t->object.maps[ARRAY].key_bytes = SPEC_HW_KEY_BYTES + 1;
}

static void packet_atomic(struct assembled *t)
{
    fact(t, 2)->access.region = VERIFY_REGION_PKT;
}

#define LOOK_UP(map)                                                                               \
    "r1 = map[" map "] ll\nr2 = r10\nr2 += -72\ncall bpf_map_lookup_elem#1\nr0 = 2\nexit\n"
#define FIB_LOOKUP(flags)                                                                          \
    "r6 = r1\n" CLEAR_KEY "call bpf_get_prandom_u32#7\nr4 = " flags                                \
    "\nr1 = r6\nr2 = r10\nr2 += -72\nr3 = 64\ncall bpf_fib_lookup#69\nr0 = 2\nexit\n"
#define CLEAR_KEY                                                                                  \
    "r1 = 0\n*(u64 *)(r10 -8) = r1\n*(u64 *)(r10 -16) = r1\n*(u64 *)(r10 -24) = r1\n"              \
    "*(u64 *)(r10 -32) = r1\n*(u64 *)(r10 -40) = r1\n*(u64 *)(r10 -48) = r1\n"                     \
    "*(u64 *)(r10 -56) = r1\n*(u64 *)(r10 -64) = r1\n*(u64 *)(r10 -72) = r1\n"

static const struct {
    const char *code;
    const char *text;
    void (*change)(struct assembled *t);
} refusals[] = {
    {"IRB0001", "r0 = 2\nexit\n", bad_opcode},
    {"IRB0002", "r0 = *(u32 *)(r1 +12)\nexit\n", mixed_access},
    {"IRB0003", "r0 = *(u32 *)(r1 +12)\nexit\n", forget_access},
    {"IRB0004", "r0 = *(u32 *)(r1 +12)\nexit\n", read_no_field},
    {"IRB0005", "r0 = 1\n*(u64 *)(r10 -8) = r0\nlock *(u64 *)(r10 -8) += r0\nexit\n",
     packet_atomic},
    {"IRB0006", "r0 = 0x1234567890 ll\nexit\n", bad_source},
    {"IRB0009", "call bpf_ktime_get_ns#5\nexit\n", bad_helper},
    {"IRB0010", CLEAR_KEY LOOK_UP("4"), type_without_engine},
    {"IRB0011", CLEAR_KEY LOOK_UP("3"), NULL},
    {"IRB0012", CLEAR_KEY LOOK_UP("0"), NULL},
    {"IRB0013", CLEAR_KEY LOOK_UP("1"), NULL},
    {"IRB0011", CLEAR_KEY LOOK_UP("3"), huge_queue},
    {"IRB0013", CLEAR_KEY LOOK_UP("1"), long_pushed},
    {"IRB0013", CLEAR_KEY LOOK_UP("1"), long_hashed},
    {"IRB0014",
     "r6 = *(u32 *)(r1 +12)\nr7 = 0\nif r6 > 5 goto pc+1\nr7 += 1\nr7 += 1\n"
     "if r7 < 10 goto pc-3\nr0 = 2\nexit\n",
     NULL},
    {"IRB0015",
     CLEAR_KEY "call bpf_get_prandom_u32#7\nr2 = r0\nr2 &= 7\nr1 = r10\nr1 += -8\nr3 = 0\nr4 = 0\n"
               "r5 = 0\ncall bpf_csum_diff#28\nr0 = 2\nexit\n",
     NULL},
    {"IRB0015", FIB_LOOKUP("r0"), NULL}, /* flags of run time */
    {"IRB0015", FIB_LOOKUP("2"), NULL},  /* BPF_FIB_LOOKUP_OUTPUT */
    {"IRB0015", FIB_LOOKUP("9"), NULL},  /* BPF_FIB_LOOKUP_DIRECT | BPF_FIB_LOOKUP_TBID */
    {"IRB0012", CLEAR_KEY LOOK_UP("4"), long_prefix},
    {"IRB0017", /* what is in the map of maps, nobody has said */
     CLEAR_KEY "r1 = map[7] ll\nr2 = r10\nr2 += -72\ncall bpf_map_lookup_elem#1\n"
               "if r0 == 0 goto pc+4\nr1 = r0\nr2 = r10\nr2 += -72\n"
               "call bpf_map_lookup_elem#1\nr0 = 2\nexit\n",
     NULL},
};

static void test_build_refusal_gives_its_code_and_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct assembled t;

        open_program(&t, refusals[i].text);
        if (refusals[i].change)
            refusals[i].change(&t);
        assert_int_equal(ir_build(&t.object, &t.prog, t.facts, t.arena, &t.sink, &t.f), -ENOTSUP);
        assert_int_equal(t.sink.errors, 1);
        if (strcmp(t.sink.records[0].code, refusals[i].code) != 0)
            fail_msg("%s instead of %s: %s", t.sink.records[0].code, refusals[i].code,
                     t.sink.records[0].message);
        assert_true(t.sink.records[0].where.insn < t.prog.insn_count);
        assembled_close(&t);
    }
}

static uint32_t count_of(const struct ir_func *f, enum ir_op op)
{
    uint32_t n = 0;

    for (ir_block b = 0; b < f->block_count; b++)
        for (uint32_t i = 0; i < f->blocks[b].count; i++)
            n += f->insns[f->blocks[b].insns[i]].op == op;
    return n;
}

static void build(struct assembled *t, const char *text)
{
    open_program(t, text);
    if (ir_build(&t->object, &t->prog, t->facts, t->arena, &t->sink, &t->f))
        fail_msg("%s", t->sink.records[0].message);
    assert_int_equal(ir_check(t->f, &t->sink), 0);
}

static void test_build_branch_never_taken_is_left_out(void **state)
{
    struct assembled t;

    (void)state;
    build(&t, "r0 = 2\nr2 = 5\nif r2 > 7 goto pc+1\nexit\nr0 = *(u32 *)(r1 +12)\nexit\n");
    assert_int_equal(count_of(t.f, IR_BR), 0);
    assert_int_equal(count_of(t.f, IR_EXIT), 1);
    assembled_close(&t);
}

static void test_build_loop_has_its_header(void **state)
{
    struct assembled t;
    ir_block header;

    (void)state;
    build(&t,
          "r6 = *(u32 *)(r1 +12)\nr7 = 0\nr0 = 0\nr0 ^= r6\nr7 += 1\nif r7 < 9 goto pc-3\nexit\n");
    assert_true(ir_has_loop(t.f, &header));
    assert_true(t.f->blocks[header].trip_max >= 8);
    assert_int_equal(count_of(t.f, IR_PHI), 2);
    assembled_close(&t);
}

static void test_build_packet_offsets_are_absolute(void **state)
{
    struct assembled t;

    (void)state;
    build(&t, "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 20\nr0 = 1\n"
              "if r4 > r3 goto pc+1\nr0 = *(u8 *)(r2 +19)\nexit\n");
    for (ir_ref r = 1; r < t.f->insn_count; r++) {
        if (t.f->insns[r].op != IR_LOAD)
            continue;
        assert_int_equal(t.f->insns[r].off_min, SPEC_PKT_BASE + 19);
        assert_int_equal(t.f->insns[r].off_max, SPEC_PKT_BASE + 19);
        assert_int_equal(t.f->insns[r].pc, 6);
    }
    assert_int_equal(count_of(t.f, IR_LOAD), 1);
    assembled_close(&t);
}

static void test_build_array_of_one_entry_has_constant_address(void **state)
{
    struct assembled t;

    (void)state;
    build(&t,
          "r1 = 0\n*(u32 *)(r10 -4) = r1\nr1 = map[6] ll\nr2 = r10\nr2 += -4\n"
          "call bpf_map_lookup_elem#1\nif r0 == 0 goto pc+2\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\n"
          "r0 = 2\nexit\n");
    assert_int_equal(count_of(t.f, IR_ATOMIC), 1);
    assert_true(t.f->maps[ONE].atomics);
    assert_false(t.f->maps[ONE].fetches);
    assert_false(t.f->maps[ONE].reads);
    for (ir_ref r = 1; r < t.f->insn_count; r++)
        if (t.f->insns[r].op == IR_ATOMIC)
            assert_int_equal(t.f->insns[t.f->insns[r].args[0]].imm, (uint64_t)(ONE + 1)
                                                                        << SPEC_MAPPTR_SHIFT);
    assembled_close(&t);
}

static void test_build_sources_name_every_instruction(void **state)
{
    struct assembled t;

    (void)state;
    build(&t, "r0 = 0x1234567890 ll\nw0 = 2\nexit\n");
    assert_int_equal(t.f->source_count, 4);
    assert_non_null(t.f->sources[0].ebpf);
    assert_null(t.f->sources[1].ebpf);
    assert_string_equal(t.f->sources[3].ebpf, "exit");
    assembled_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build_refusal_gives_its_code_and_place),
        cmocka_unit_test(test_build_branch_never_taken_is_left_out),
        cmocka_unit_test(test_build_loop_has_its_header),
        cmocka_unit_test(test_build_packet_offsets_are_absolute),
        cmocka_unit_test(test_build_array_of_one_entry_has_constant_address),
        cmocka_unit_test(test_build_sources_name_every_instruction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
