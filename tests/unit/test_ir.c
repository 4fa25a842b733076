/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/eval.h"
#include "tests/common/soft_maps.h"
#include "tests/common/text_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The sample functions of tests/text/ir: each line "; packet HEX -> ret=N [redirect=N] [bytes=HEX]"
 * runs a packet, one after the other with the same maps. */

static uint32_t hex(const char *text, uint8_t *bytes)
{
    uint32_t n = 0;

    while (*text) {
        unsigned v;

        if (*text == ' ') {
            text++;
            continue;
        }
        if (sscanf(text, "%2x", &v) != 1)
            break;
        bytes[n++] = (uint8_t)v;
        text += 2;
    }
    return n;
}

static void run_packet(struct arena *arena, const struct ir_func *f, struct soft_maps *maps,
                       const char *path, const char *line)
{
    static uint8_t buf[SPEC_PKT_JUMBO_END];
    const struct ir_maps_ops ops = soft_maps_ops(maps);
    struct ir_run run = {.buf = buf, .inputs = {1000, 1, 7, 2, 0}, .steps = 100000};
    const char *arrow = strstr(line, "->");
    const char *s;
    uint8_t want[256];
    uint32_t n;

    memset(buf, 0, sizeof(buf));
    run.inputs[SPEC_IN_LEN] = hex(line, buf + SPEC_PKT_BASE);
    assert_int_equal(ir_eval(f, &ops, &run, arena), 0);
    s = strstr(arrow, "ret=");
    assert_non_null(s);
    if (run.ret != strtoul(s + 4, NULL, 0))
        fail_msg("%s: ret=%u for:%s", path, run.ret, line);
    s = strstr(arrow, "redirect=");
    if (s)
        assert_int_equal(run.redirect, strtoull(s + 9, NULL, 0));
    s = strstr(arrow, "bytes=");
    if (!s)
        return;
    n = hex(s + 6, want);
    assert_int_equal(run.data_end - run.data, n);
    assert_memory_equal(buf + run.data, want, n);
}

static void run_file(const char *path)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    char *text = text_file_read(path, arena);
    struct soft_maps maps;
    struct ir_func *f;
    struct ir_func *again;
    uint32_t packets = 0;
    char *printed;

    if (ir_parse(text, arena, &sink, &f) || ir_check(f, &sink))
        fail_msg("%s: %s", path, sink.records[0].message);
    printed = text_of_ir(f, arena);
    if (ir_parse(printed, arena, &sink, &again))
        fail_msg("%s, printed: %s", path, sink.records[0].message);
    assert_int_equal(ir_check(again, &sink), 0);
    assert_string_equal(text_of_ir(again, arena), printed);
    assert_int_equal(soft_maps_open(&maps, f->maps, f->map_count), 0);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "; packet ", 9) != 0)
            continue;
        run_packet(arena, f, &maps, path, line + 9);
        packets++;
    }
    assert_true(packets > 0);
    soft_maps_close(&maps);
    arena_close(arena);
}

static void test_ir_samples_run_as_they_say(void **state)
{
    struct arena *arena = arena_open();
    const char **paths;
    const uint32_t files =
        text_file_list(SLUICE_SOURCE_ROOT "/tests/text/ir", ".ir", arena, &paths);

    (void)state;
    assert_true(files >= 9);
    for (uint32_t i = 0; i < files; i++)
        run_file(paths[i]);
    arena_close(arena);
}

/* Breaches of the form, and the code that each one gives. */
static const struct {
    const char *code;
    const char *text;
} breaches[] = {
    {"IR0001", "func f\nb0:\n exit %1\n %2 = frob %1\n"},
    {"IR0001", "func f\nb0:\n %x = const 1\n %x = const 2\n exit %x, %x, %x, %x\n"},
    {"IR0001", "func f\nb0:\n exit %x, %x, %x, %x\n"},
    {"IR0001", "func f\nb0:\n jmp b7\n"},
    {"IR0001", "func f\n"},
    {"IR0001", "func f\nb0: from b0\n jmp b1\nb1: from b2\n jmp b1\nb2:\n jmp b1\n"},
    {"IR0010", "func f\nb0:\n"},
    {"IR0011", "func f\nb0:\n %1 = const 1\n"},
    {"IR0013", "func f\nb0:\n %1 = const 1\n br %1, b1, b1\nb1: from b0\n exit %1, %1, %1, %1\n"},
    {"IR0018", "func f\nb0:\n jmp b0\n"},
    {"IR0023",
     "func f\nb0:\n jmp b1\nb1:\n %1 = const 1\n %2 = phi b0: %1\n exit %1, %1, %1, %1\n"},
    {"IR0024", "func f\nb0:\n %1 = const 1\n exit %1, %1, %1, %1\n exit %1, %1, %1, %1\n"},
    {"IR0030", "func f\nb0:\n %1 = const 1\n %2 = load.none.4 %1 in 0..0\n exit %1, %1, %1, %1\n"},
    {"IR0031",
     "func f\nb0:\n %1 = const 1\n %2 = atomic.pkt.4.add %1, %1 in 0..0\n exit %1, %1, %1, %1\n"},
    {"IR0032", "func f\nb0:\n %1 = const 1\n %2 = load.pkt.0 %1 in 0..0\n exit %1, %1, %1, %1\n"},
    {"IR0035", "func f\nb0:\n %1 = const 1\n %2 = load.map.4 %1 map 3\n exit %1, %1, %1, %1\n"},
    {"IR0036",
     "func f\nb0:\n %1 = const 1\n %2 = load.stack.8 %1 in 0..505\n exit %1, %1, %1, %1\n"},
    {"IR0037", "func f\nmap 0 \"a\" array key 4 value 4 entries 1\nb0:\n %1 = const 1\n %2 = "
               "map_lookup 0: %1, %1\n"
               " exit %1, %1, %1, %1\n"},
    {"IR0038", "func f\nmap 0 \"a\" hash key 9 value 4 entries 1\nb0:\n %1 = const 1\n %2 = "
               "map_lookup 0: %1, %1\n"
               " exit %1, %1, %1, %1\n"},
    {"IR0039", "func f\nmap 0 \"a\" lru_hash key 4 value 4 entries 1\nb0:\n %1 = const 1\n %2 = "
               "map_lookup 0: %1, %1\n"
               " exit %1, %1, %1, %1\n"},
    {"IR0039", "func f\nmap 0 \"a\" hash key 4 value 4 entries 1\nb0:\n %1 = const 1\n %2 = "
               "map_use 0: %1, %1\n"
               " exit %1, %1, %1, %1\n"},
    {"IR0041", "func f\nb0:\n %1 = const 1\n %2 = sext32.32 %1\n exit %1, %1, %1, %1\n"},
    {"IR0042", "func f\nb0:\n %1 = const 1\n %2 = add.64 %1\n exit %1, %1, %1, %1\n"},
    {"IR0050", "func f\nb0:\n %1 = const 1\n exit %1, %1, %1, %2\n"},
    {"IR0051", "func f\nb0:\n %1 = add.64 %2, %2\n %2 = const 1\n exit %1, %1, %1, %1\n"},
    {"IR0051", "func f\nb0:\n %1 = const 1\n br %1, b1, b2\nb1:\n %3 = const 3\n jmp b2\nb2:\n "
               "exit %3, %1, %1, %1\n"},
    {"IR0052", "func f\nb0:\n %1 = input len\n host %1, %1\n exit %1, %1, %1, %1\n"},
};

static void test_ir_breach_gives_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(breaches) / sizeof(*breaches); i++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        struct ir_func *f;

        if (ir_parse(breaches[i].text, arena, &sink, &f) == 0)
            assert_int_equal(ir_check(f, &sink), -EINVAL);
        assert_int_equal(sink.errors, 1);
        if (strcmp(sink.records[0].code, breaches[i].code) != 0)
            fail_msg("%s instead of %s: %s", sink.records[0].code, breaches[i].code,
                     sink.records[0].message);
        arena_close(arena);
    }
}

/* What no text can say: a function in order, and what breaks it. Values have the numbers that they
 * have in the text. */
static const char in_order[] = "func f\nmap 0 \"h\" hash key 8 value 8 entries 4\nb0:\n"
                               " %1 = const 1\n %2 = input len\n %3 = add.64 %1, %2\n"
                               " %4 = atomic.map.8.add %1, %2 map 0\n br %3, b1, b2\n"
                               "b1: from b0\n jmp b3\nb2: from b0\n jmp b3\nb3: from b1, b2\n"
                               " %5 = phi b1: %1, b2: %2\n exit %5, %1, %1, %1\n";

static void lose_successor(struct ir_func *f)
{
    f->blocks[1].succ_count = 0;
}

static void jump_nowhere(struct ir_func *f)
{
    f->blocks[1].succ[0] = 99;
}

static void forget_predecessor(struct ir_func *f)
{
    f->blocks[3].preds[0] = 2;
}

static void invent_predecessor(struct ir_func *f)
{
    f->blocks[3].preds = arena_memdup(f->arena, (ir_block[]){1, 2, 0}, 3 * sizeof(ir_block));
    f->blocks[3].pred_count = 3;
}

static void lose_blocks(struct ir_func *f)
{
    f->block_count = 0;
}

static void lose_instruction(struct ir_func *f)
{
    f->blocks[0].insns[0] = IR_NONE;
}

static void no_operation(struct ir_func *f)
{
    f->insns[3].op = IR_NOP;
}

static void wrong_block(struct ir_func *f)
{
    f->insns[3].block = 1;
}

static void no_atomic(struct ir_func *f)
{
    f->insns[4].atomic = SPEC_ATOMIC_NONE;
}

static void compare_nothing(struct ir_func *f)
{
    f->insns[4].atomic = SPEC_ATOMIC_CMPXCHG;
}

static void no_arithmetic(struct ir_func *f)
{
    f->insns[3].alu = SPEC_ALU_NONE;
}

static void no_input(struct ir_func *f)
{
    f->insns[2].imm = SPEC_IN_COUNT;
}

static void short_phi(struct ir_func *f)
{
    f->insns[5].nargs = 1;
}

static void tell_of_no_events(struct ir_func *f)
{
    struct ir_insn *exit = f->insns;
    ir_ref args[6];

    while (exit->op != IR_EXIT)
        exit++;
    for (uint32_t i = 0; i < 6; i++)
        args[i] = exit->args[i < exit->nargs ? i : 0];
    exit->args = arena_memdup(f->arena, args, sizeof(args));
    exit->nargs = 6;
}

static const struct {
    const char *code;
    void (*change)(struct ir_func *f);
} changes[] = {
    {"IR0012", lose_successor},     {"IR0014", jump_nowhere},      {"IR0015", forget_predecessor},
    {"IR0016", invent_predecessor}, {"IR0017", lose_blocks},       {"IR0020", lose_instruction},
    {"IR0021", no_operation},       {"IR0022", wrong_block},       {"IR0033", no_atomic},
    {"IR0034", compare_nothing},    {"IR0040", no_arithmetic},     {"IR0043", no_input},
    {"IR0044", short_phi},          {"IR0045", tell_of_no_events},
};

static void test_ir_change_that_breaks_it_gives_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        struct ir_func *f;

        assert_int_equal(ir_parse(in_order, arena, &sink, &f), 0);
        assert_int_equal(ir_check(f, &sink), 0);
        changes[i].change(f);
        assert_int_equal(ir_check(f, &sink), -EINVAL);
        assert_int_equal(sink.errors, 1);
        assert_string_equal(sink.records[0].code, changes[i].code);
        arena_close(arena);
    }
}

static void test_ir_eval_outside_buffer_faults(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *f;
    struct ir_maps_ops ops = {0};
    uint8_t *buf = calloc(1, SPEC_PKT_JUMBO_END);
    struct ir_run run = {.buf = buf};

    (void)state;
    assert_int_equal(ir_parse("func f\nb0:\n %1 = const 9470\n %2 = load.pkt.4 %1 in 0..9000\n"
                              " exit %1, %1, %1, %1\n",
                              arena, &sink, &f),
                     0);
    assert_int_equal(ir_eval(f, &ops, &run, arena), -EFAULT);
    assert_int_equal(ir_parse("func f\nb0:\n jmp b1\nb1:\n jmp b1\n", arena, &sink, &f), 0);
    run.steps = 100;
    assert_int_equal(ir_eval(f, &ops, &run, arena), -ELOOP);
    free(buf);
    arena_close(arena);
}

static void test_ir_compact_drops_unreachable_blocks(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *f;
    ir_block header;

    (void)state;
    assert_int_equal(ir_parse("func f\nb0:\n %1 = const 1\n jmp b3\nb1:\n jmp b2\nb2: from b1, b3\n"
                              " %2 = phi b1: %1, b3: %3\n exit %2, %2, %2, %2\n"
                              "b3:\n %3 = const 2\n jmp b2\n",
                              arena, &sink, &f),
                     0);
    ir_compact(f);
    assert_int_equal(ir_check(f, &sink), 0);
    assert_int_equal(f->block_count, 3);
    assert_int_equal(f->blocks[2].pred_count, 1);
    assert_false(ir_has_loop(f, &header));
    arena_close(arena);
}

static void test_ir_dominators_of_loop_found(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *f;
    struct ir_dom dom;
    ir_block header;

    (void)state;
    assert_int_equal(
        ir_parse("func f\nb0:\n %1 = const 1\n jmp b1\nb1:\n br %1, b2, b3\nb2:\n br %1, b4, b5\n"
                 "b3:\n exit %1, %1, %1, %1\nb4:\n jmp b6\nb5:\n jmp b6\nb6:\n jmp b1\n",
                 arena, &sink, &f),
        0);
    dom = ir_dominators(arena, f);
    assert_int_equal(dom.idom[6], 2);
    assert_true(ir_dominates(&dom, 1, 6));
    assert_true(ir_dominates(&dom, 6, 6));
    assert_false(ir_dominates(&dom, 4, 6));
    assert_true(ir_has_loop(f, &header));
    assert_int_equal(header, 1);
    arena_close(arena);
}

static void test_ir_mixed_atomics_keep_their_order(void **state)
{
    struct arena *arena = arena_open();
    struct diag_sink sink = diag_sink_make(arena);
    struct ir_func *f;

    (void)state;
    assert_int_equal(
        ir_parse("func f\nmap 0 \"a\" array key 4 value 8 entries 1\nmap 1 \"b\" array key 4 value "
                 "8 entries 1\n"
                 "b0:\n %1 = const 1\n %2 = atomic.map.8.add %1, %1 map 0\n %3 = atomic.map.8.xor "
                 "%1, %1 map 0\n"
                 " %4 = atomic.map.8.add %1, %1 map 1\n %5 = atomic.map.8.add %1, %1 map 1\n"
                 " exit %1, %1, %1, %1\n",
                 arena, &sink, &f),
        0);
    ir_map_uses(f);
    assert_true(f->maps[0].fetches);
    assert_false(f->maps[1].fetches);
    assert_true(f->maps[1].atomics);
    arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ir_samples_run_as_they_say),
        cmocka_unit_test(test_ir_breach_gives_its_code),
        cmocka_unit_test(test_ir_change_that_breaks_it_gives_its_code),
        cmocka_unit_test(test_ir_eval_outside_buffer_faults),
        cmocka_unit_test(test_ir_compact_drops_unreachable_blocks),
        cmocka_unit_test(test_ir_dominators_of_loop_found),
        cmocka_unit_test(test_ir_mixed_atomics_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
