/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/kernel.h"
#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm.h"
#include "tests/common/insn.h"
#include "tests/common/random.h"
#include "tests/common/skip.h"
#include "tests/common/test_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The helpers against Linux: random programs of helper calls on all kinds of maps and packets give
 * the same results, maps and packets; so the kernel executor's replacements of time, randomness,
 * CPU, queue and interface are tested too. Needs bpf(); skipped where the kernel refuses it. */

enum {
    PROGRAMS = 400,
    PACKETS = 6,
    CALLS = 24,   /* of a program */
    RESULTS = 64, /* 8-byte words */
    KEYS = 5,
};

enum {
    MAP_RESULTS,
    MAP_HASH,
    MAP_ARRAY,
    MAP_PERCPU_HASH,
    MAP_PERCPU_ARRAY,
    MAP_DEVMAP,
    MAP_DEVMAP_HASH,
    MAP_CPUMAP,
    MAP_XSKMAP,
    MAPS,
};

static struct load_map maps[MAPS] = {
    [MAP_RESULTS] = TEST_MAP("results", SPEC_MAP_ARRAY, 4, 8 * RESULTS, 1),
    [MAP_HASH] = TEST_MAP("hash", SPEC_MAP_HASH, 4, 8, 4),
    [MAP_ARRAY] = TEST_MAP("array", SPEC_MAP_ARRAY, 4, 8, 3),
    [MAP_PERCPU_HASH] = TEST_MAP("phash", SPEC_MAP_PERCPU_HASH, 4, 8, 3),
    [MAP_PERCPU_ARRAY] = TEST_MAP("parray", SPEC_MAP_PERCPU_ARRAY, 4, 8, 3),
    [MAP_DEVMAP] = TEST_MAP("devmap", SPEC_MAP_DEVMAP, 4, 8, 4),
    [MAP_DEVMAP_HASH] = TEST_MAP("dhash", SPEC_MAP_DEVMAP_HASH, 4, 4, 4),
    [MAP_CPUMAP] = TEST_MAP("cpumap", SPEC_MAP_CPUMAP, 4, 4, 4),
    [MAP_XSKMAP] = TEST_MAP("xskmap", SPEC_MAP_XSKMAP, 4, 4, 4),
};

struct code {
    struct ebpf_insn insns[64 * CALLS];
    uint8_t ctx_field[64 * CALLS];
    uint32_t count;
    uint32_t results;
    uint64_t seed;
};

static uint32_t next(struct code *c)
{
    return (uint32_t)random_next(&c->seed);
}

static uint32_t below(struct code *c, uint32_t n)
{
    return next(c) % n;
}

static void emit(struct code *c, struct ebpf_insn i)
{
    c->insns[c->count++] = i;
}

static void emit_two(struct code *c, const struct ebpf_insn *two)
{
    emit(c, two[0]);
    emit(c, two[1]);
}

static void emit_map(struct code *c, uint32_t map)
{
    const struct ebpf_insn two[] = {LD_MAP(1, map)};

    emit_two(c, two);
}

/* results[n] = r0 */
static void record(struct code *c)
{
    const struct ebpf_insn two[] = {LD_MAP_VALUE(1, MAP_RESULTS, 8 * (c->results++ % RESULTS))};

    emit_two(c, two);
    emit(c, STX(DW, 1, 0, 0));
}

static void emit_key(struct code *c)
{
    emit(c, ST(W, EBPF_REG_FP, -8, below(c, KEYS)));
    emit(c, MOV_X(2, EBPF_REG_FP));
    emit(c, ALU64_K(ADD, 2, -8));
}

static void emit_update(struct code *c, uint32_t map)
{
    static const int32_t flags[] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 8, -1};

    emit_key(c);
    emit_map(c, map);
    emit(c, ST(DW, EBPF_REG_FP, -16, next(c)));
    emit(c, MOV_X(3, EBPF_REG_FP));
    emit(c, ALU64_K(ADD, 3, -16));
    emit(c, MOV_K(4, flags[below(c, 11)]));
    emit(c, CALL(SPEC_HELPER_MAP_UPDATE_ELEM));
    record(c);
}

static void emit_delete(struct code *c, uint32_t map)
{
    emit_key(c);
    emit_map(c, map);
    emit(c, CALL(SPEC_HELPER_MAP_DELETE_ELEM));
    record(c);
}

/* A look-up; the pointer is read and written after other changes of the map. */
static void emit_lookup(struct code *c, uint32_t map)
{
    uint32_t over;

    emit_key(c);
    emit_map(c, map);
    emit(c, CALL(SPEC_HELPER_MAP_LOOKUP_ELEM));
    over = c->count;
    emit(c, JMP_K(JEQ, 0, 0, 0));
    emit(c, MOV_X(7, 0));
    emit(c, LDX(DW, 0, 7, 0));
    record(c);
    if (below(c, 2))
        emit_update(c, map);
    if (below(c, 2))
        emit_delete(c, map);
    if (below(c, 2))
        emit_update(c, map);
    emit(c, LDX(DW, 0, 7, 0));
    record(c);
    emit(c, MOV_K(0, next(c)));
    if (below(c, 2))
        emit(c, STX(DW, 7, 0, 0));
    else
        emit(c, ATOMIC(DW, 7, 0, 0, 0));
    c->insns[over].off = (int16_t)(c->count - over - 1);
}

static void emit_adjust(struct code *c)
{
    static const int32_t corner[] = {0,    1,    -1,  14,   -14,   216,
                                     -216, -217, 217, 3520, -3520, INT32_MIN};
    const bool head = below(c, 2);

    emit(c, MOV_X(1, 6));
    emit(c, MOV_K(2, below(c, 2) ? corner[below(c, 12)] : (int32_t)below(c, 100) - 50));
    emit(c, CALL(head ? SPEC_HELPER_XDP_ADJUST_HEAD : SPEC_HELPER_XDP_ADJUST_TAIL));
    record(c);
}

/* Writes into the packet as it is now, and records its length. */
static void emit_touch(struct code *c)
{
    emit(c, LDX(W, 2, 6, SPEC_CTX_DATA));
    emit(c, LDX(W, 3, 6, SPEC_CTX_DATA_END));
    emit(c, MOV_X(0, 3));
    emit(c, ALU64_X(SUB, 0, 2));
    record(c);
    emit(c, MOV_X(4, 2));
    emit(c, ALU64_K(ADD, 4, 14));
    emit(c, JMP_X(JGT, 4, 3, 1));
    emit(c, ST(H, 2, (int)below(c, 13), next(c)));
}

static void emit_redirect(struct code *c)
{
    static const int32_t flags[] = {0, 0, 1, 2, 3, 4, 8, 16, 24, 32, -1};

    if (below(c, 4) == 0) {
        emit(c, MOV_K(1, below(c, 3)));
        emit(c, MOV_K(2, below(c, 3) ? 0 : next(c)));
        emit(c, CALL(SPEC_HELPER_REDIRECT));
    } else {
        emit_map(c, MAP_DEVMAP + below(c, 4));
        emit(c, MOV_K(2, below(c, KEYS)));
        emit(c, MOV_K(3, flags[below(c, 11)]));
        emit(c, CALL(SPEC_HELPER_REDIRECT_MAP));
    }
    record(c);
}

static void emit_input(struct code *c)
{
    static const int32_t helpers[] = {SPEC_HELPER_KTIME_GET_NS, SPEC_HELPER_GET_PRANDOM_U32,
                                      SPEC_HELPER_GET_SMP_PROCESSOR_ID};
    static const uint8_t fields[] = {SPEC_CTX_INGRESS_IFINDEX, SPEC_CTX_RX_QUEUE_INDEX};

    if (below(c, 2)) {
        emit(c, CALL(helpers[below(c, 3)]));
    } else {
        const uint8_t field = fields[below(c, 2)];

        c->ctx_field[c->count] = field;
        emit(c, LDX(W, 0, 6, field));
    }
    record(c);
}

static void make_program(struct code *c)
{
    c->count = c->results = 0;
    memset(c->ctx_field, 0, sizeof(c->ctx_field));
    emit(c, MOV_X(6, 1));
    for (int i = 0; i < CALLS; i++) {
        const uint32_t map = MAP_HASH + below(c, 4);

        switch (below(c, 7)) {
        case 0:
            emit_lookup(c, map);
            break;
        case 1:
            emit_update(c, map);
            break;
        case 2:
            emit_delete(c, map);
            break;
        case 3:
            emit_adjust(c);
            break;
        case 4:
            emit_touch(c);
            break;
        case 5:
            emit_redirect(c);
            break;
        default:
            emit_input(c);
            break;
        }
    }
    emit_redirect(c);
    if (below(c, 2))
        emit(c, MOV_K(0, below(c, 6)));
    emit(c, EXIT());
}

/* One program on both. */
struct both {
    struct vm_program program;
    struct map *maps[MAPS];
    void *memories[MAPS];
    struct kernel *kernel;
    uint32_t queue;
};

static struct map_def def_of(uint32_t m)
{
    return (struct map_def){maps[m].name,
                            maps[m].type,
                            maps[m].key_bytes,
                            maps[m].value_bytes,
                            maps[m].max_entries,
                            maps[m].flags,
                            0};
}

static void fill_map(struct both *b, struct code *c, uint32_t m)
{
    const uint32_t stride = map_stride_bytes(b->maps[m]);

    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t key = m == MAP_CPUMAP ? 0 : i;
        uint8_t values[SPEC_QUEUES * 8] = {0};

        if (below(c, 2) || m == MAP_XSKMAP || (m == MAP_CPUMAP && below(c, 16)))
            continue;
        for (uint32_t k = 0; k < map_cpus(b->maps[m]); k++) {
            const uint64_t v = m >= MAP_DEVMAP ? 1 + below(c, 9) : next(c);

            memcpy(values + k * stride, &v, maps[m].value_bytes);
        }
        assert_int_equal(map_host_update(b->maps[m], &key, values, 0), 0);
        assert_int_equal(kernel_map_update(b->kernel, m, &key, values, SPEC_MAP_FLAG_ANY), 0);
    }
}

/* False if there is no bpf() here. */
static bool open_both(struct both *b, struct code *c)
{
    const struct load_object object = {.license = "GPL", .maps = maps, .map_count = MAPS};
    const struct load_prog prog = {.name = "calls", .insns = c->insns, .insn_count = c->count};
    static struct load_object kept_object;
    static struct load_prog kept_prog;
    char why[KERNEL_WHY_BYTES];

    kept_object = object;
    kept_prog = prog;
    b->queue = below(c, SPEC_QUEUES);
    if (kernel_open(&kept_object, &kept_prog, c->ctx_field, b->queue, &b->kernel, why)) {
        if (strstr(why, "bpf()"))
            return false;
        fail_msg("%s", why);
    }
    for (uint32_t m = 0; m < MAPS; m++) {
        const struct map_def def = def_of(m);
        const char *reason = NULL;
        const size_t bytes = (map_size_bytes(&def, &reason) + 63) & ~(size_t)63;

        assert_null(reason);
        b->memories[m] = aligned_alloc(64, bytes);
        memset(b->memories[m], 0, bytes);
        b->maps[m] = map_init(b->memories[m], &def);
    }
    for (uint32_t m = MAP_HASH; m < MAPS; m++)
        fill_map(b, c, m);
    b->program = (struct vm_program){c->insns, c->count, b->maps, MAPS};
    return true;
}

static void close_both(struct both *b)
{
    kernel_close(b->kernel);
    for (uint32_t m = 0; m < MAPS; m++)
        free(b->memories[m]);
}

static void run_packet(struct both *b, struct code *c, uint64_t seed)
{
    static uint8_t buf[SPEC_PKT_JUMBO_END];
    static uint8_t bytes[SPEC_PKT_LINEAR_BYTES];
    static const uint32_t lengths[] = {14, 15, 60, 64, 100, 1500, 3519, 3520};
    const uint32_t len = lengths[below(c, 8)];
    struct vm_packet packet = {0};
    struct vm_result ours;
    struct kernel_result theirs;
    char why[KERNEL_WHY_BYTES] = "";
    uint32_t at = 0;

    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)next(c);
    vm_packet_init(&packet, buf, bytes, len);
    packet.time_ns = (uint64_t)next(c) << 20;
    packet.rand = next(c) | 1;
    packet.ifindex = below(c, 100);
    packet.queue = b->queue;
    const struct kernel_packet in = {bytes, len, packet.time_ns, packet.rand, packet.ifindex, 0};

    if (kernel_run(b->kernel, &in, &theirs, why))
        fail_msg("%s", why);
    assert_int_equal(vm_run(&b->program, &packet, 0, &ours, &at), VM_FAULT_NONE);
    if (ours.ret != theirs.ret || packet.data_end - packet.data != theirs.len ||
        memcmp(buf + packet.data, theirs.data, theirs.len))
        fail_msg("seed %llu: we return %u and %u bytes, Linux %u and %u", (unsigned long long)seed,
                 ours.ret, packet.data_end - packet.data, theirs.ret, theirs.len);
    assert_true(ours.ret == SPEC_XDP_REDIRECT || !ours.redirect);
}

struct comparison {
    struct both *both;
    uint32_t map;
    uint32_t entries;
    uint64_t seed;
};

static int compare_entry(void *ctx, const void *key, const void *values)
{
    struct comparison *x = ctx;
    struct map *map = x->both->maps[x->map];
    static uint8_t ours[8 * RESULTS];

    x->entries++;
    if (map_host_lookup(map, key, ours) ||
        memcmp(ours, values, (size_t)map_cpus(map) * map_stride_bytes(map)))
        fail_msg("seed %llu: map %s differs", (unsigned long long)x->seed, maps[x->map].name);
    return 0;
}

static void compare_maps(struct both *b, uint64_t seed)
{
    for (uint32_t m = 0; m < MAPS; m++) {
        struct comparison x = {b, m, 0, seed};
        uint32_t key, entries = 0;
        int err = map_next_key(b->maps[m], NULL, &key);

        assert_int_equal(kernel_map_walk(b->kernel, m, compare_entry, &x), 0);
        for (; !err; entries++)
            err = map_next_key(b->maps[m], &key, &key);
        assert_int_equal(entries, x.entries);
    }
}

static void test_helper_random_calls_same_as_kernel(void **state)
{
    static struct code c;

    (void)state;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        struct both b = {0};
        char why[KERNEL_WHY_BYTES];

        c.seed = seed;
        make_program(&c);
        if (!open_both(&b, &c))
            skip_because("no bpf() here");
        assert_int_equal(kernel_begin(b.kernel, why), 0);
        for (int i = 0; i < PACKETS; i++) {
            run_packet(&b, &c, seed);
            compare_maps(&b, seed);
        }
        kernel_end(b.kernel);
        close_both(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_helper_random_calls_same_as_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
