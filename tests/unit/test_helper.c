/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hw/spec/gen/helpers.h"
#include "nic_runtime/helpers/helpers.h"
#include "nic_runtime/vm.h"
#include "tests/common/insn.h"

#include <stdlib.h>
#include <string.h>

/* Helpers without a kernel to compare with: redirect targets, which Linux does not show, packets
 * longer than its test run takes, and the inputs. */

enum { DEVMAP, HASH, DEVMAP_HASH, MAPS };

#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))

static uint8_t buf[SPEC_PKT_JUMBO_END];

struct fixture {
    struct map *maps[MAPS];
    struct vm_packet packet;
    struct vm_result result;
};

static struct map *make(uint32_t type)
{
    const struct map_def def = {"m", type, 4, 4, 4, 0, 0};
    const char *why;
    const size_t bytes = (map_size_bytes(&def, &why) + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, bytes);

    assert_non_null(memory);
    memset(memory, 0, bytes);
    return map_init(memory, &def);
}

static void open_fixture(struct fixture *f)
{
    const uint32_t one = 1, target = 33;

    f->maps[DEVMAP] = make(SPEC_MAP_DEVMAP);
    f->maps[HASH] = make(SPEC_MAP_HASH);
    f->maps[DEVMAP_HASH] = make(SPEC_MAP_DEVMAP_HASH);
    assert_int_equal(map_host_update(f->maps[DEVMAP], &one, &target, 0), 0);
    assert_int_equal(map_host_update(f->maps[DEVMAP_HASH], &target, &one, 0), 0);
}

static void close_fixture(struct fixture *f)
{
    for (int i = 0; i < MAPS; i++)
        free(f->maps[i]);
}

static void run(struct fixture *f, const struct ebpf_insn *insns, uint32_t count, uint32_t len)
{
    const struct vm_program program = {insns, count, f->maps, MAPS};
    static uint8_t bytes[SPEC_PKT_MAX_BYTES];
    uint32_t at;

    memset(bytes, 0x5a, sizeof(bytes));
    f->packet = (struct vm_packet){
        .rand = 0x12345, .ifindex = 3, .queue = 2, .time_ns = 0x123456789abcdef0};
    vm_packet_init(&f->packet, buf, bytes, len);
    assert_int_equal(vm_run(&program, &f->packet, 0, &f->result, &at), VM_FAULT_NONE);
}

#define RUN(f, len, ...)                                                                           \
    do {                                                                                           \
        const struct ebpf_insn insns[] = {__VA_ARGS__};                                            \
        run(f, insns, COUNT(insns), len);                                                          \
    } while (0)

static void expect_redirect(const struct fixture *f, uint32_t ret, uint64_t redirect)
{
    assert_int_equal(f->result.ret, ret);
    assert_true(f->result.redirect == redirect);
}

static void test_helper_each_row_has_a_function(void **state)
{
    (void)state;
    for (int32_t num = -2; num < 300; num++) {
        const struct spec_helper_row *row = spec_helper_find(num);

        assert_int_equal(vm_helper_find(num) != NULL, row && row->soft);
    }
}

static void test_helper_redirect_reported_with_verdict_only(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    RUN(&f, 64, MOV_K(1, 9), MOV_K(2, 0), CALL(23), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 63 | 9);
    RUN(&f, 64, MOV_K(1, 9), MOV_K(2, 0), CALL(23), MOV_K(0, 2), EXIT());
    expect_redirect(&f, SPEC_XDP_PASS, 0);
    RUN(&f, 64, MOV_K(0, 4), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, 0);
    /* flags: refused, and what was asked for before stays */
    RUN(&f, 64, MOV_K(1, 9), MOV_K(2, 0), CALL(23), MOV_K(1, 8), MOV_K(2, 1), CALL(23), MOV_X(6, 0),
        MOV_K(0, 4), ALU64_X(ADD, 0, 6), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 63 | 9);
    close_fixture(&f);
}

static void test_helper_redirect_map_names_map_and_key(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 1), MOV_K(3, 0), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 32 | 1);
    RUN(&f, 64, LD_MAP(1, DEVMAP_HASH), MOV_K(2, 33), MOV_K(3, 0), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(3) << 32 | 33);
    /* an entry that is not there: the flags' action, also beyond the last index */
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 0), MOV_K(3, 2), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_PASS, 0);
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 4), MOV_K(3, 3), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_TX, 0);
    /* ... which ends what was asked for before */
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 1), MOV_K(3, 0), CALL(51), LD_MAP(1, DEVMAP),
        MOV_K(2, 0), MOV_K(3, 2), CALL(51), MOV_K(0, 4), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, 0);
    /* unknown flags: aborted, and what was asked for before stays */
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 1), MOV_K(3, 0), CALL(51), LD_MAP(1, DEVMAP),
        MOV_K(2, 0), MOV_K(3, 4), CALL(51), ALU64_K(ADD, 0, 4), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 32 | 1);
    close_fixture(&f);
}

static void test_helper_redirect_map_broadcast_has_its_mark(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 0), MOV_K(3, 8), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 62 | UINT64_C(1) << 32);
    RUN(&f, 64, LD_MAP(1, DEVMAP), MOV_K(2, 0), MOV_K(3, 24), CALL(51), EXIT());
    expect_redirect(&f, SPEC_XDP_REDIRECT, UINT64_C(1) << 62 | UINT64_C(1) << 32 | 1);
    close_fixture(&f);
}

static void test_helper_inputs_are_the_packets(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    RUN(&f, 64, CALL(5), EXIT());
    assert_int_equal(f.result.ret, 0x9abcdef0);
    RUN(&f, 64, CALL(5), ALU64_K(RSH, 0, 32), EXIT());
    assert_int_equal(f.result.ret, 0x12345678);
    RUN(&f, 64, CALL(8), EXIT());
    assert_int_equal(f.result.ret, 2);
    RUN(&f, 64, CALL(7), EXIT());
    assert_int_equal(f.result.ret, vm_rand_next(0x12345));
    RUN(&f, 64, CALL(7), CALL(7), EXIT());
    assert_int_equal(f.result.ret, vm_rand_next(vm_rand_next(0x12345)));
    close_fixture(&f);
}

static uint32_t adjusted(struct fixture *f, uint32_t len, int helper, int32_t delta)
{
    RUN(f, len, MOV_K(2, delta), CALL(helper), EXIT());
    return f->result.ret;
}

static void test_helper_adjust_head_limits(void **state)
{
    const uint32_t room = SPEC_PKT_BASE - SPEC_PKT_HARD_START;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(adjusted(&f, 64, 44, -(int32_t)room), 0);
    assert_int_equal(f.packet.data, SPEC_PKT_HARD_START);
    assert_int_equal(f.packet.data_meta, SPEC_PKT_HARD_START);
    assert_int_equal(adjusted(&f, 64, 44, -(int32_t)room - 1), (uint32_t)-22);
    assert_int_equal(f.packet.data, SPEC_PKT_BASE);
    assert_int_equal(adjusted(&f, 64, 44, 50), 0);
    assert_int_equal(adjusted(&f, 64, 44, 51), (uint32_t)-22);
    assert_int_equal(adjusted(&f, 64, 44, INT32_MIN), (uint32_t)-22);
    assert_int_equal(adjusted(&f, 64, 44, INT32_MAX), (uint32_t)-22);
    close_fixture(&f);
}

static void test_helper_adjust_tail_limits(void **state)
{
    const int32_t linear = SPEC_PKT_LINEAR_END - SPEC_PKT_BASE;
    const int32_t jumbo = SPEC_PKT_JUMBO_END - SPEC_PKT_BASE;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    assert_int_equal(adjusted(&f, 64, 65, -50), 0);
    assert_int_equal(f.packet.data_end, SPEC_PKT_BASE + 14);
    assert_int_equal(adjusted(&f, 64, 65, -51), (uint32_t)-22);
    assert_int_equal(adjusted(&f, 64, 65, linear - 64), 0);
    assert_int_equal(adjusted(&f, 64, 65, linear - 63), (uint32_t)-22);
    assert_int_equal(adjusted(&f, SPEC_PKT_LINEAR_BYTES, 65, 1), (uint32_t)-22);
    assert_int_equal(adjusted(&f, 5000, 65, jumbo - 5000), 0);
    assert_int_equal(f.packet.data_end, SPEC_PKT_JUMBO_END);
    assert_int_equal(adjusted(&f, 5000, 65, jumbo - 4999), (uint32_t)-22);
    close_fixture(&f);
}

static void test_helper_adjust_tail_grows_with_zeros(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    RUN(&f, 64, MOV_X(6, 1), MOV_K(2, -10), CALL(65), MOV_X(1, 6), MOV_K(2, 20), CALL(65), EXIT());
    assert_int_equal(f.result.ret, 0);
    assert_int_equal(f.packet.data_end - f.packet.data, 74);
    assert_int_equal(buf[SPEC_PKT_BASE + 53], 0x5a);
    for (uint32_t i = 54; i < 74; i++)
        assert_int_equal(buf[SPEC_PKT_BASE + i], 0);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper_each_row_has_a_function),
        cmocka_unit_test(test_helper_redirect_reported_with_verdict_only),
        cmocka_unit_test(test_helper_redirect_map_names_map_and_key),
        cmocka_unit_test(test_helper_redirect_map_broadcast_has_its_mark),
        cmocka_unit_test(test_helper_inputs_are_the_packets),
        cmocka_unit_test(test_helper_adjust_head_limits),
        cmocka_unit_test(test_helper_adjust_tail_limits),
        cmocka_unit_test(test_helper_adjust_tail_grows_with_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
