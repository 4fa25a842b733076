/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/ebpf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Text of instructions, both ways. */

static const char *const map_names[] = {"rules", ".rodata"};
static const struct ebpf_names names = {map_names, 2};

struct fixture {
    struct arena *arena;
    struct diag_sink sink;
    const struct ebpf_insn *insns;
    uint32_t count;
};

static struct fixture assemble(const char *text, int err)
{
    struct fixture f = {.arena = arena_open()};
    int got;

    f.sink = diag_sink_make(f.arena);
    got = ebpf_asm(text, "test", &names, f.arena, &f.sink, &f.insns, &f.count);
    if (got != err) {
        if (got)
            diag_write(stderr, diag_first_error(&f.sink));
        fail_msg("%s: %d, expected %d", text, got, err);
    }
    return f;
}

struct text_case {
    const char *text;
    struct ebpf_insn insn[2]; /* the second for 64-bit constants */
};

#define I(op, d, s, o, i)                                                                          \
    {                                                                                              \
        .opcode = (op), .dst = (d), .src = (s), .off = (o), .imm = (i)                             \
    }
#define ONE(op, d, s, o, i)                                                                        \
    {                                                                                              \
        I(op, d, s, o, i)                                                                          \
    }

/* The form and the encoding of each kind, after RFC 9669 and the kernel's printer. */
static const struct text_case cases[] = {
    {"r1 = 5", ONE(0xb7, 1, 0, 0, 5)},
    {"r1 = -5", ONE(0xb7, 1, 0, 0, -5)},
    {"w1 = 5", ONE(0xb4, 1, 0, 0, 5)},
    {"r1 = r2", ONE(0xbf, 1, 2, 0, 0)},
    {"w1 = w2", ONE(0xbc, 1, 2, 0, 0)},
    {"r1 = (s8)r2", ONE(0xbf, 1, 2, 8, 0)},
    {"r1 = (s32)r2", ONE(0xbf, 1, 2, 32, 0)},
    {"w1 = (s16)w2", ONE(0xbc, 1, 2, 16, 0)},
    {"r1 += 5", ONE(0x07, 1, 0, 0, 5)},
    {"r1 -= r2", ONE(0x1f, 1, 2, 0, 0)},
    {"w1 *= w2", ONE(0x2c, 1, 2, 0, 0)},
    {"r1 /= r2", ONE(0x3f, 1, 2, 0, 0)},
    {"r1 s/= r2", ONE(0x3f, 1, 2, 1, 0)},
    {"w1 s%= -3", ONE(0x94, 1, 0, 1, -3)},
    {"r1 %= 3", ONE(0x97, 1, 0, 0, 3)},
    {"r1 |= 3", ONE(0x47, 1, 0, 0, 3)},
    {"r1 &= 3", ONE(0x57, 1, 0, 0, 3)},
    {"r1 ^= r3", ONE(0xaf, 1, 3, 0, 0)},
    {"r1 <<= 3", ONE(0x67, 1, 0, 0, 3)},
    {"r1 >>= 3", ONE(0x77, 1, 0, 0, 3)},
    {"w1 s>>= 3", ONE(0xc4, 1, 0, 0, 3)},
    {"r1 = -r1", ONE(0x87, 1, 0, 0, 0)},
    {"w9 = -w9", ONE(0x84, 9, 0, 0, 0)},
    {"r1 = be16 r1", ONE(0xdc, 1, 0, 0, 16)},
    {"r1 = le64 r1", ONE(0xd4, 1, 0, 0, 64)},
    {"r1 = bswap32 r1", ONE(0xd7, 1, 0, 0, 32)},
    {"r1 = *(u32 *)(r6 +4)", ONE(0x61, 1, 6, 4, 0)},
    {"r1 = *(u8 *)(r6 -4)", ONE(0x71, 1, 6, -4, 0)},
    {"r1 = *(u64 *)(r6 +0)", ONE(0x79, 1, 6, 0, 0)},
    {"r1 = *(s16 *)(r6 +2)", ONE(0x89, 1, 6, 2, 0)},
    {"*(u16 *)(r10 -8) = r3", ONE(0x6b, 10, 3, -8, 0)},
    {"*(u64 *)(r10 -8) = -1", ONE(0x7a, 10, 0, -8, -1)},
    {"lock *(u64 *)(r0 +0) += r1", ONE(0xdb, 0, 1, 0, 0x00)},
    {"lock *(u32 *)(r0 +8) ^= r1", ONE(0xc3, 0, 1, 8, 0xa0)},
    {"r1 = atomic64_fetch_add((u64 *)(r0 +0), r1)", ONE(0xdb, 0, 1, 0, 0x01)},
    {"r2 = atomic_fetch_or((u32 *)(r0 -4), r2)", ONE(0xc3, 0, 2, -4, 0x41)},
    {"r2 = atomic64_xchg((u64 *)(r1 +0), r2)", ONE(0xdb, 1, 2, 0, 0xe1)},
    {"r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)", ONE(0xc3, 1, 2, 0, 0xf1)},
    {"r1 = 0x1122334455667788 ll", {I(0x18, 1, 0, 0, 0x55667788), I(0, 0, 0, 0, 0x11223344)}},
    {"r1 = map[rules] ll", {I(0x18, 1, 1, 0, 0), I(0, 0, 0, 0, 0)}},
    {"r1 = map[7] ll", {I(0x18, 1, 1, 0, 7), I(0, 0, 0, 0, 0)}},
    {"r1 = map[.rodata][0]+16 ll", {I(0x18, 1, 2, 0, 1), I(0, 0, 0, 0, 16)}},
    {"r1 = func[12] ll", {I(0x18, 1, 4, 0, 12), I(0, 0, 0, 0, 0)}},
    {"r0 = *(u16 *)skb[12]", ONE(0x28, 0, 0, 0, 12)},
    {"r0 = *(u8 *)skb[r7 + -3]", ONE(0x50, 0, 7, 0, -3)},
    {"goto pc-3", ONE(0x05, 0, 0, -3, 0)},
    {"gotol pc+70000", ONE(0x06, 0, 0, 0, 70000)},
    {"if r1 == 0x5 goto pc+3", ONE(0x15, 1, 0, 3, 5)},
    {"if r1 != r2 goto pc+3", ONE(0x5d, 1, 2, 3, 0)},
    {"if w1 s> 0xffffffff goto pc-1", ONE(0x66, 1, 0, -1, -1)},
    {"if w1 & w2 goto pc+0", ONE(0x4e, 1, 2, 0, 0)},
    {"if r1 <= 0x8 goto pc+1", ONE(0xb5, 1, 0, 1, 8)},
    {"if r1 s<= r2 goto pc+1", ONE(0xdd, 1, 2, 1, 0)},
    {"call bpf_map_lookup_elem#1", ONE(0x85, 0, 0, 0, 1)},
    {"call bpf_loop#181", ONE(0x85, 0, 0, 0, 181)}, /* not among our helpers, but Linux's */
    {"call unknown#99999", ONE(0x85, 0, 0, 0, 99999)},
    {"call pc+12", ONE(0x85, 0, 1, 0, 12)},
    {"call kfunc#77", ONE(0x85, 0, 2, 0, 77)},
    {"exit", ONE(0x95, 0, 0, 0, 0)},
    {".insn 0xff r1 r2 +3 0x4", ONE(0xff, 1, 2, 3, 4)},
    {".insn 0x95 r0 r0 +0 0x1", ONE(0x95, 0, 0, 0, 1)}, /* a reserved field */
    {".insn 0xb7 r15 r0 -1 0xffffffff", ONE(0xb7, 15, 0, -1, -1)},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static uint32_t slots(const struct text_case *c)
{
    return c->insn[0].opcode == 0x18 ? 2 : 1;
}

static void test_ebpf_disasm_each_form_is_bpftools(void **state)
{
    (void)state;
    for (unsigned k = 0; k < CASES; k++) {
        char text[128];

        assert_int_equal(ebpf_disasm(cases[k].insn, slots(&cases[k]), 0, &names, text, 128),
                         slots(&cases[k]));
        assert_string_equal(text, cases[k].text);
    }
}

static void test_ebpf_asm_each_form_is_encoded(void **state)
{
    (void)state;
    for (unsigned k = 0; k < CASES; k++) {
        struct fixture f = assemble(cases[k].text, 0);

        assert_int_equal(f.count, slots(&cases[k]));
        if (memcmp(f.insns, cases[k].insn, f.count * sizeof(*f.insns)) != 0)
            fail_msg("%s", cases[k].text);
        arena_close(f.arena);
    }
}

static void test_ebpf_disasm_cut_off_constant_is_raw(void **state)
{
    static const struct ebpf_insn half = I(0x18, 1, 0, 0, 7);
    static const struct ebpf_insn odd[] = {I(0x18, 1, 0, 0, 7), I(0, 0, 0, 1, 0)};
    char text[128];

    (void)state;
    assert_int_equal(ebpf_disasm(&half, 1, 0, NULL, text, sizeof(text)), 1);
    assert_string_equal(text, ".insn 0x18 r1 r0 +0 0x7");
    assert_int_equal(ebpf_disasm(odd, 2, 0, NULL, text, sizeof(text)), 1);
    assert_string_equal(text, ".insn 0x18 r1 r0 +0 0x7");
}

static void test_ebpf_disasm_short_buffer_is_kept(void **state)
{
    static const struct ebpf_insn insn = I(0xb7, 1, 0, 0, 1234567);
    char text[8] = "#######";

    (void)state;
    ebpf_disasm(&insn, 1, 0, NULL, text, 4);
    assert_memory_equal(text, "r1 \0###", 7);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Words in which about half are instructions with a form. */
static struct ebpf_insn random_insn(uint64_t *state)
{
    const uint64_t r = next_random(state);
    struct ebpf_insn i;

    memcpy(&i, &r, sizeof(i));
    i.dst = (uint8_t)(i.dst % 11) & 0xfU;
    i.src = (uint8_t)(i.src % 11) & 0xfU;
    if (r >> 60 & 1)
        i.src = 0;
    if (r >> 61 & 1)
        i.off = (int16_t)(i.off & 1);
    if (r >> 62 & 1)
        i.imm = (i.imm & 3) * 16;
    if (r >> 59 & 1)
        i.imm = 0;
    return i;
}

static void test_ebpf_text_of_any_word_gives_the_word_back(void **state)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    unsigned raw = 0;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct ebpf_insn words[500];
        struct arena *arena = arena_open();
        struct fixture f;
        char all[500 * 100];
        size_t used = 0;

        for (unsigned k = 0; k < 500; k++)
            words[k] = random_insn(&seed);
        for (unsigned k = 0; k < 500;) {
            char text[100];

            k += ebpf_disasm(words, 500, k, &names, text, sizeof(text));
            raw += text[0] == '.';
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s\n", text);
        }
        f = assemble(all, 0);
        assert_int_equal(f.count, 500);
        assert_memory_equal(f.insns, words, sizeof(words));
        arena_close(f.arena);
        arena_close(arena);
    }
    assert_in_range(raw, 10000, 90000); /* both kinds were tried */
}

static void test_ebpf_asm_spellings_mean_the_same(void **state)
{
    static const char *const pairs[][2] = {
        {"r1 = *(u32 *)(r6 + 4)", "r1 = *(u32 *)(r6 +4)"}, /* LLVM's */
        {"r1 = *(u32 *)(r6 + 0x4)", "r1 = *(u32 *)(r6 +4)"},
        {"w1 = *(u32 *)(r6 - 4)", "r1 = *(u32 *)(r6 -4)"},
        {"*(u8 *)(r1 + 0) = w2", "*(u8 *)(r1 +0) = r2"},
        {"if r1 > 5 goto +3 <LBB0_2>", "if r1 > 0x5 goto pc+3"},
        {"if r1 > -1 goto -0x3", "if r1 > 0xffffffff goto pc-3"},
        {"goto +1", "goto pc+1"},
        {"  12: (b7) r1 = 0x10   ; a comment", "r1 = 16"},
        {"r1=r2", "r1 = r2"},
        {"r1 = 0xffffffff", "r1 = -1"},
        {"r1 = -1 ll", "r1 = 0xffffffffffffffff ll"},
        {"call 5", "call bpf_ktime_get_ns#5"},
        {"call #5", "call bpf_ktime_get_ns#5"},
        {"call bpf_ktime_get_ns", "call bpf_ktime_get_ns#5"},
        {"r1 = map[0] ll", "r1 = map[rules] ll"},
        {"r1 = *(u32 *)(r6) // no offset", "r1 = *(u32 *)(r6 +0)"},
    };

    (void)state;
    for (unsigned k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++) {
        struct fixture a = assemble(pairs[k][0], 0), b = assemble(pairs[k][1], 0);

        assert_int_equal(a.count, b.count);
        if (memcmp(a.insns, b.insns, a.count * sizeof(*a.insns)) != 0)
            fail_msg("%s", pairs[k][0]);
        arena_close(a.arena);
        arena_close(b.arena);
    }
}

static void test_ebpf_asm_labels_become_distances(void **state)
{
    struct fixture f = assemble("# a comment\n"
                                "start: r1 = 1\n"
                                "  r2 = func[sub] ll\n"
                                "  if r1 == 0 goto out\n"
                                "  call sub\n"
                                "  goto start\n"
                                "out:\n"
                                "  exit\n"
                                "\n"
                                "sub: inner: r0 = 2\n"
                                "  gotol inner\n",
                                0);

    (void)state;
    assert_int_equal(f.count, 9);
    assert_int_equal(f.insns[1].imm, 7);
    assert_int_equal(f.insns[3].off, 2);
    assert_int_equal(f.insns[4].imm, 2);
    assert_int_equal(f.insns[5].off, -6);
    assert_int_equal(f.insns[8].imm, -2);
    arena_close(f.arena);
}

static void reject(const char *text, const char *code, const char *message)
{
    struct fixture f = assemble(text, -EINVAL);
    const struct diag *d = diag_first_error(&f.sink);

    if (strcmp(d->code, code) != 0 || !strstr(d->message, message)) {
        diag_write(stderr, d);
        fail_msg("%s: expected %s with %s", text, code, message);
    }
    assert_null(f.insns);
    arena_close(f.arena);
}

static void test_ebpf_asm_faults_are_told_apart(void **state)
{
    static const char *const faults[][3] = {
        {"nop", "ASM0001", "no instruction begins with \"nop\""},
        {"r1", "ASM0001", "\"=\" expected"},
        {"r1 = ", "ASM0001", "operand expected"},
        {"r1 = w2", "ASM0001", "same width"},
        {"w1 += r2", "ASM0001", "same width"},
        {"r1 = -r2", "ASM0001", "in place"},
        {"r1 = be16 r2", "ASM0001", "in place"},
        {"r1 = r2 r3", "ASM0001", "nothing expected behind"},
        {"r1 = *(u24 *)(r2 +0)", "ASM0001", "u8, u16"},
        {"w1 = *(u64 *)(r2 +0)", "ASM0001", "r1, not w1"},
        {"w1 = (s32)w2", "ASM0001", "s8, s16"},
        {"*(s8 *)(r1 +0) = 1", "ASM0001", "unsigned size"},
        {"lock *(u8 *)(r1 +0) += r2", "ASM0001", "u32 or u64"},
        {"lock *(u64 *)(r1 +0) -= r2", "ASM0001", "+=, |=, &= or ^="},
        {"r1 = atomic_fetch_sub((u32 *)(r2 +0), r1)", "ASM0001", "no atomic operation"},
        {"r1 = atomic_fetch_add((u32 *)(r2 +0), r3)", "ASM0001", "operand's register, r3"},
        {"r1 = atomic_cmpxchg((u32 *)(r2 +0), r0, r3)", "ASM0001", "r0"},
        {"r1 = *(u32 *)skb[4]", "ASM0001", "to r0"},
        {"if r1 ~ r2 goto +1", "ASM0001", "comparison expected"},
        {"if r1 > 1 stop", "ASM0001", "\"goto\" expected"},
        {"goto", "ASM0001", "target expected"},
        {"r11 = 1", "ASM0002", "register 11"},
        {"r1 = 0x100000000", "ASM0002", "32 bits"},
        {"r1 = -2147483649", "ASM0002", "32 bits"},
        {"r1 = 0x10000000000000000 ll", "ASM0002", "64 bits"},
        {"r1 = *(u8 *)(r2 +32768)", "ASM0002", "16 bits"},
        {"goto +40000", "ASM0002", "16 bits"},
        {"goto nowhere", "ASM0003", "no label nowhere"},
        {"r1 = map[nothing] ll", "ASM0003", "no map nothing"},
        {"call bpf_nothing", "ASM0003", "no helper bpf_nothing"},
        {"a: exit\na: exit", "ASM0004", "label a stands twice"},
    };

    (void)state;
    for (unsigned k = 0; k < sizeof(faults) / sizeof(faults[0]); k++)
        reject(faults[k][0], faults[k][1], faults[k][2]);
}

static void test_ebpf_asm_each_faulty_line_is_reported(void **state)
{
    struct fixture f = assemble("exit\nbad one\nexit\nbad two\n", -EINVAL);

    (void)state;
    assert_int_equal(f.sink.errors, 2);
    assert_int_equal(f.sink.records[0].where.source_line, 2);
    assert_int_equal(f.sink.records[1].where.source_line, 4);
    assert_string_equal(f.sink.records[1].where.source_text, "bad two");
    assert_string_equal(f.sink.records[1].where.file, "test");
    arena_close(f.arena);
}

/* A label too far for 16 bits, and more instructions than there may be. */
static void test_ebpf_asm_limits_are_kept(void **state)
{
    const size_t lines = 1000001;
    char *text = test_malloc(lines * 5 + 32), *end = text + sprintf(text, "goto far\n");
    struct fixture f;

    (void)state;
    for (unsigned k = 0; k < 32767; k++)
        end = stpcpy(end, "exit\n");
    strcpy(end, "far: exit\n");
    f = assemble(text, 0);
    assert_int_equal(f.insns[0].off, 32767);
    arena_close(f.arena);
    strcpy(end, "exit\nfar: exit\n");
    reject(text, "ASM0002", "use gotol");
    end = text;
    for (size_t k = 0; k < lines; k++)
        end = stpcpy(end, "exit\n");
    reject(text, "ASM0005", "1000000");
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ebpf_disasm_each_form_is_bpftools),
        cmocka_unit_test(test_ebpf_asm_each_form_is_encoded),
        cmocka_unit_test(test_ebpf_disasm_cut_off_constant_is_raw),
        cmocka_unit_test(test_ebpf_disasm_short_buffer_is_kept),
        cmocka_unit_test(test_ebpf_text_of_any_word_gives_the_word_back),
        cmocka_unit_test(test_ebpf_asm_spellings_mean_the_same),
        cmocka_unit_test(test_ebpf_asm_labels_become_distances),
        cmocka_unit_test(test_ebpf_asm_faults_are_told_apart),
        cmocka_unit_test(test_ebpf_asm_each_faulty_line_is_reported),
        cmocka_unit_test(test_ebpf_asm_limits_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
