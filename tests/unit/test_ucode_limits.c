/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/microcode/encode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What does not fit the core is refused by a code of its own, with the numbers. */

struct refusal {
    struct arena *arena;
    struct diag_sink sink;
    int ret;
};

static ir_ref emit(struct ir_func *f, struct ir_insn in, const ir_ref *args, uint32_t n)
{
    in.pc = IR_NO_PC;
    return ir_append(f, 0, in, args, n);
}

static ir_ref constant(struct ir_func *f, uint64_t value)
{
    return emit(f, (struct ir_insn){.op = IR_CONST, .imm = value}, NULL, 0);
}

static void end(struct ir_func *f, ir_ref ret)
{
    const ir_ref data = constant(f, SPEC_PKT_BASE);
    const ir_ref args[4] = {ret, data, data, constant(f, 0)};

    emit(f, (struct ir_insn){.op = IR_EXIT}, args, 4);
}

static struct refusal compile(struct ir_func *f, struct arena *arena)
{
    struct refusal r = {.arena = arena, .sink = diag_sink_make(arena)};
    const struct ucode_image *image = NULL;

    r.ret = ucode_compile(f, arena, &r.sink, &image);
    assert_true((r.ret == 0) == (image != NULL));
    return r;
}

static struct ir_map hash_map(uint32_t key, uint32_t value, uint32_t entries)
{
    return (struct ir_map){.name = "flows",
                           .type = SPEC_MAP_HASH,
                           .engine = SPEC_ENGINE_HASH,
                           .key_bytes = key,
                           .value_bytes = value,
                           .stride_bytes = (value + 7) / 8 * 8,
                           .max_entries = entries,
                           .cpus = 1};
}

static struct ir_map array_map(uint32_t value, uint32_t entries)
{
    return (struct ir_map){.name = "array",
                           .type = SPEC_MAP_ARRAY,
                           .engine = SPEC_ENGINE_VMEM,
                           .key_bytes = 4,
                           .value_bytes = value,
                           .stride_bytes = (value + 7) / 8 * 8,
                           .max_entries = entries,
                           .cpus = 1};
}

/* A program that only ends, with these maps. */
static struct refusal compile_maps(const struct ir_map *maps, uint32_t count)
{
    struct arena *arena = arena_open();
    struct ir_func *f = ir_func_new(arena, "limits");

    ir_block_new(f);
    f->maps = arena_memdup(arena, maps, count * sizeof(*maps));
    f->map_count = count;
    end(f, constant(f, 2));
    return compile(f, arena);
}

static void refused(struct refusal r, const char *code, const char *text)
{
    const struct diag *d = diag_first_error(&r.sink);

    assert_int_equal(r.ret, -ENOTSUP);
    assert_non_null(d);
    assert_string_equal(d->code, code);
    if (!strstr(d->message, text))
        fail_msg("no \"%s\" in: %s", text, d->message);
    arena_close(r.arena);
}

static void accepted(struct refusal r)
{
    assert_int_equal(r.ret, 0);
    assert_int_equal(r.sink.errors, 0);
    arena_close(r.arena);
}

static void test_ucode_maps_up_to_the_limits_accepted(void **state)
{
    const struct ir_map key = hash_map(SPEC_HW_KEY_BYTES, SPEC_HW_VALUE_BYTES, 100);
    const struct ir_map array = array_map(8, SPEC_CORE_VMEM_BYTES / 8);
    const struct ir_map entries = hash_map(4, 8, SPEC_CORE_HASH_ENTRIES - 1);

    (void)state;
    accepted(compile_maps(&key, 1));
    accepted(compile_maps(&array, 1));
    accepted(compile_maps(&entries, 1));
}

static void test_ucode_value_memory_exceeded_refused(void **state)
{
    struct ir_map map = array_map(8, SPEC_CORE_VMEM_BYTES / 8 + 1);

    (void)state;
    map.memory = IR_MEMORY_CHIP;
    refused(compile_maps(&map, 1), "UCODE0004", "4194304");
}

static void test_ucode_external_memory_exceeded_refused(void **state)
{
    const struct ir_map maps[] = {array_map(64, 1 << 24), array_map(64, 1 << 24), array_map(8, 1)};
    struct ir_map last[] = {maps[0], maps[1], maps[2]};

    (void)state;
    accepted(compile_maps(maps, 3));
    last[2].memory = IR_MEMORY_EXTERNAL;
    refused(compile_maps(last, 3), "UCODE0021", "2147483712 wanted");
}

/* Maps that do not fit on chip go outside, the largest first, and no more than need to. */
static void test_ucode_maps_without_room_external(void **state)
{
    struct ir_map maps[] = {array_map(64, 100), array_map(64, 1 << 20), array_map(64, 1 << 15),
                            array_map(64, 1 << 15)};
    const bool external[] = {false, true, true, false};
    const struct ucode_image *image;
    struct diag_sink sink;
    struct arena *arena;
    struct ir_func *f;

    (void)state;
    maps[3].memory = IR_MEMORY_CHIP;
    arena = arena_open();
    sink = diag_sink_make(arena);
    f = ir_func_new(arena, "limits");
    ir_block_new(f);
    f->maps = arena_memdup(arena, maps, sizeof(maps));
    f->map_count = 4;
    end(f, constant(f, 2));
    assert_int_equal(ucode_compile(f, arena, &sink, &image), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(ucode_map_external(image, i), external[i]);
    assert_int_equal(image->mapdesc[1][SPEC_MAPDESC_VMEM_BASE], SPEC_EXT_BASE);
    assert_int_equal(image->mapdesc[2][SPEC_MAPDESC_VMEM_BASE], SPEC_EXT_BASE + (64u << 20));
    arena_close(arena);
}

static void test_ucode_long_key_refused(void **state)
{
    const struct ir_map map = hash_map(SPEC_HW_KEY_BYTES + 1, 8, 10);

    (void)state;
    refused(compile_maps(&map, 1), "UCODE0005", "65 wanted");
}

static void test_ucode_long_value_refused(void **state)
{
    const struct ir_map map = hash_map(4, SPEC_HW_VALUE_BYTES + 1, 10);

    (void)state;
    refused(compile_maps(&map, 1), "UCODE0006", "257 wanted");
}

static void test_ucode_hash_entries_exceeded_refused(void **state)
{
    struct ir_map map = hash_map(4, 8, SPEC_CORE_HASH_ENTRIES);

    (void)state;
    map.memory = IR_MEMORY_CHIP;
    refused(compile_maps(&map, 1), "UCODE0007", "65537 wanted");
}

static void test_ucode_hash_buckets_exceeded_refused(void **state)
{
    /* 33000 entries take 32768 buckets; the second map's do not fit behind them */
    struct ir_map maps[2] = {hash_map(4, 8, 33000), hash_map(4, 8, 1000)};

    (void)state;
    maps[0].memory = maps[1].memory = IR_MEMORY_CHIP;
    refused(compile_maps(maps, 2), "UCODE0008", "33280 wanted");
}

/* A map of keys that do not fit on chip is outside: keys of LRU maps first, then of the others,
 * then buckets at a multiple of their number, and values behind all that. */
static void test_ucode_keys_without_room_external(void **state)
{
    struct ir_map maps[] = {hash_map(4, 8, 1000), hash_map(64, 256, 1000000), hash_map(4, 8, 700),
                            hash_map(4, 8, 70000)};
    const bool keys[] = {false, true, false, true};
    const struct ucode_image *image;
    struct diag_sink sink;
    struct arena *arena;
    struct ir_func *f;

    (void)state;
    maps[3].engine = SPEC_ENGINE_LRU;
    arena = arena_open();
    sink = diag_sink_make(arena);
    f = ir_func_new(arena, "limits");
    ir_block_new(f);
    f->maps = arena_memdup(arena, maps, sizeof(maps));
    f->map_count = 4;
    end(f, constant(f, 2));
    assert_int_equal(ucode_compile(f, arena, &sink, &image), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(ucode_map_keys_external(image, i), keys[i]);
    assert_int_equal(image->mapdesc[3][SPEC_MAPDESC_ENTRY_BASE], SPEC_EXT_BASE);
    assert_int_equal(image->mapdesc[1][SPEC_MAPDESC_ENTRY_BASE], SPEC_EXT_BASE + 70001);
    assert_int_equal(image->mapdesc[1][SPEC_MAPDESC_BUCKET_BASE], SPEC_EXT_BASE + 5 * 262144);
    assert_int_equal(image->mapdesc[1][SPEC_MAPDESC_BUCKET_MASK], 262143);
    assert_int_equal(image->mapdesc[3][SPEC_MAPDESC_BUCKET_BASE], SPEC_EXT_BASE + 6 * 262144);
    assert_int_equal(image->mapdesc[3][SPEC_MAPDESC_BUCKET_MASK], 32767);
    assert_int_equal(image->mapdesc[1][SPEC_MAPDESC_VMEM_BASE],
                     SPEC_EXT_BASE + (6 * 262144 + 32768) * 64u);
    arena_close(arena);
}

static void test_ucode_prefix_longer_than_the_engine_takes_refused(void **state)
{
    struct ir_map map = hash_map(4 + SPEC_CORE_LPM_BYTES, 8, 16);

    (void)state;
    map.engine = SPEC_ENGINE_LPM;
    accepted(compile_maps(&map, 1));
    map.key_bytes++;
    refused(compile_maps(&map, 1), "UCODE0024", "17 wanted, the core has 16");
}

static void test_ucode_keys_beyond_external_memory_refused(void **state)
{
    struct ir_map lru = hash_map(4, 8, SPEC_CORE_FAR_LRU);
    const struct ir_map many = hash_map(4, 8, SPEC_FAR_ENTRIES);
    const struct ir_map large = hash_map(64, 256, 7000000);

    (void)state;
    lru.engine = SPEC_ENGINE_LRU;
    refused(compile_maps(&lru, 1), "UCODE0022", "1048577 wanted");
    refused(compile_maps(&many, 1), "UCODE0023", "16777217 wanted");
    refused(compile_maps(&large, 1), "UCODE0021", "2147483648");
}

/* An LPM map has rooms of its own in the core, and a bucket for each entry. */
static void test_ucode_lpm_entries_exceeded_refused(void **state)
{
    struct ir_map maps[3] = {hash_map(8, 8, 60000), hash_map(8, 8, 10000), hash_map(20, 8, 8000)};

    (void)state;
    maps[1].type = maps[2].type = SPEC_MAP_LPM_TRIE;
    maps[1].engine = maps[2].engine = SPEC_ENGINE_LPM;
    refused(compile_maps(maps, 3), "UCODE0007", "LPM entries");
    maps[2].max_entries = 5000; /* 16384 buckets and 8192 */
    refused(compile_maps(maps, 3), "UCODE0008", "24576 wanted");
}

static void test_ucode_too_many_maps_refused(void **state)
{
    struct ir_map maps[SPEC_HW_MAPS + 1];

    (void)state;
    for (uint32_t i = 0; i <= SPEC_HW_MAPS; i++)
        maps[i] = array_map(8, 1);
    accepted(compile_maps(maps, SPEC_HW_MAPS));
    refused(compile_maps(maps, SPEC_HW_MAPS + 1), "UCODE0009", "33 maps");
}

/* Stores of so many bytes, each in a row of its own. */
static struct refusal compile_stores(uint32_t count)
{
    struct arena *arena = arena_open();
    struct ir_func *f = ir_func_new(arena, "rows");
    ir_ref value;

    ir_block_new(f);
    value = emit(f, (struct ir_insn){.op = IR_INPUT, .imm = SPEC_IN_TIME}, NULL, 0);
    for (uint32_t i = 0; i < count; i++) {
        const ir_ref args[2] = {constant(f, SPEC_PKT_BASE + i % 64), value};

        emit(f,
             (struct ir_insn){.op = IR_STORE,
                              .region = IR_REGION_PKT,
                              .size = 8,
                              .off_min = (int32_t)(SPEC_PKT_BASE + i % 64),
                              .off_max = (int32_t)(SPEC_PKT_BASE + i % 64)},
             args, 2);
    }
    end(f, constant(f, 2));
    return compile(f, arena);
}

static void test_ucode_too_many_rows_refused(void **state)
{
    (void)state;
    accepted(compile_stores(SPEC_ROWS - 1));
    refused(compile_stores(SPEC_ROWS), "UCODE0002", "4097 rows");
}

/* So many values, all live until their sum is taken in reverse. */
static struct refusal compile_live(uint32_t count)
{
    struct arena *arena = arena_open();
    struct ir_func *f = ir_func_new(arena, "live");
    ir_ref *values = arena_array(arena, count, sizeof(*values));
    const ir_ref zero = (ir_block_new(f), constant(f, 0));
    ir_ref sum = zero;

    for (uint32_t i = 0; i < count; i++) {
        struct ir_insn load = {.op = IR_LOAD, .region = IR_REGION_PKT, .size = 1};

        load.imm = SPEC_PKT_BASE + i;
        load.off_min = (int32_t)(SPEC_PKT_BASE + i);
        load.off_max = load.off_min;
        values[i] = emit(f, load, &zero, 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        const ir_ref args[2] = {constant(f, SPEC_PKT_BASE), values[i]};

        emit(f,
             (struct ir_insn){.op = IR_STORE,
                              .region = IR_REGION_PKT,
                              .size = 8,
                              .off_min = SPEC_PKT_BASE,
                              .off_max = SPEC_PKT_BASE},
             args, 2);
    }
    for (uint32_t i = count; i > 0; i--) {
        const ir_ref args[2] = {sum, values[i - 1]};

        sum = emit(f, (struct ir_insn){.op = IR_ALU, .alu = SPEC_ALU_ADD, .width = 64}, args, 2);
    }
    end(f, sum);
    return compile(f, arena);
}

static void test_ucode_values_beyond_registers_and_stack_refused(void **state)
{
    (void)state;
    accepted(compile_live(70)); /* some live in the stack */
    refused(compile_live(400), "UCODE0003", "512 bytes of stack");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucode_maps_up_to_the_limits_accepted),
        cmocka_unit_test(test_ucode_value_memory_exceeded_refused),
        cmocka_unit_test(test_ucode_external_memory_exceeded_refused),
        cmocka_unit_test(test_ucode_maps_without_room_external),
        cmocka_unit_test(test_ucode_long_key_refused),
        cmocka_unit_test(test_ucode_long_value_refused),
        cmocka_unit_test(test_ucode_hash_entries_exceeded_refused),
        cmocka_unit_test(test_ucode_hash_buckets_exceeded_refused),
        cmocka_unit_test(test_ucode_keys_without_room_external),
        cmocka_unit_test(test_ucode_prefix_longer_than_the_engine_takes_refused),
        cmocka_unit_test(test_ucode_keys_beyond_external_memory_refused),
        cmocka_unit_test(test_ucode_lpm_entries_exceeded_refused),
        cmocka_unit_test(test_ucode_too_many_maps_refused),
        cmocka_unit_test(test_ucode_too_many_rows_refused),
        cmocka_unit_test(test_ucode_values_beyond_registers_and_stack_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
