/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/mov.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Instructions as GNU as makes them, with what they are. */

static void expect(const uint8_t *code, size_t bytes, struct mov want)
{
    uint8_t room[16] = {0}; /* what follows is another instruction's */
    struct mov got = {0};

    memset(room, 0x90, sizeof(room));
    memcpy(room, code, bytes);
    assert_true(mov_decode(room, &got));
    assert_int_equal(got.bytes, bytes);
    assert_int_equal(got.write, want.write);
    assert_int_equal(got.reg, want.reg);
    assert_int_equal(got.value, want.value);
}

#define EXPECT(want, ...)                                                                          \
    expect((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), want)
#define LOAD(r) ((struct mov){.reg = (r)})
#define STORE(r) ((struct mov){.write = true, .reg = (r)})
#define CONSTANT(v) ((struct mov){.write = true, .reg = MOV_IMMEDIATE, .value = (v)})

static void test_mov_every_operand_its_length_and_register(void **state)
{
    (void)state;
    EXPECT(LOAD(0), 0x8b, 0x07);                               /* mov (%rdi),%eax */
    EXPECT(LOAD(2), 0x8b, 0x14, 0x37);                         /* mov (%rdi,%rsi),%edx */
    EXPECT(LOAD(1), 0x8b, 0x4f, 0x1c);                         /* mov 0x1c(%rdi),%ecx */
    EXPECT(LOAD(0), 0x8b, 0x87, 0x1c, 0x00, 0x01, 0x00);       /* mov 0x1001c(%rdi),%eax */
    EXPECT(LOAD(9), 0x44, 0x8b, 0x0c, 0x24);                   /* mov (%rsp),%r9d */
    EXPECT(LOAD(15), 0x45, 0x8b, 0x7c, 0x24, 0x08);            /* mov 0x8(%r12),%r15d */
    EXPECT(LOAD(0), 0x41, 0x8b, 0x45, 0x00);                   /* mov 0x0(%r13),%eax */
    EXPECT(LOAD(0), 0x8b, 0x05, 0x10, 0x00, 0x00, 0x00);       /* mov 0x10(%rip),%eax */
    EXPECT(LOAD(3), 0x8b, 0x1c, 0x85, 0x00, 0x00, 0x01, 0x00); /* mov 0x10000(,%rax,4),%ebx */
    EXPECT(STORE(6), 0x89, 0x37);                              /* mov %esi,(%rdi) */
    EXPECT(STORE(8), 0x44, 0x89, 0x84, 0x88, 0x00, 0x01, 0x00,
           0x00);                                   /* mov %r8d,0x100(%rax,%rcx,4) */
    EXPECT(CONSTANT(2), 0xc7, 0x07, 0x02, 0, 0, 0); /* movl $2,(%rdi) */
    EXPECT(CONSTANT(0xffffffff), 0x41, 0xc7, 0x44, 0x24, 0x24, 0xff, 0xff, 0xff,
           0xff); /* movl $-1,0x24(%r12) */
}

#define REFUSE(...)                                                                                \
    do {                                                                                           \
        const uint8_t code[16] = {__VA_ARGS__};                                                    \
        struct mov mov;                                                                            \
        assert_false(mov_decode(code, &mov));                                                      \
    } while (0)

static void test_mov_all_others_are_refused(void **state)
{
    (void)state;
    REFUSE(0x48, 0x8b, 0x07);             /* mov (%rdi),%rax: 64 bits */
    REFUSE(0x4c, 0x89, 0x07);             /* mov %r8,(%rdi) */
    REFUSE(0x48, 0xc7, 0x07, 1, 0, 0, 0); /* movq $1,(%rdi) */
    REFUSE(0x66, 0x8b, 0x07);             /* mov (%rdi),%ax */
    REFUSE(0x8a, 0x07);                   /* mov (%rdi),%al */
    REFUSE(0x0f, 0xb6, 0x07);             /* movzbl (%rdi),%eax */
    REFUSE(0x03, 0x07);                   /* add (%rdi),%eax */
    REFUSE(0x83, 0x3f, 0x00);             /* cmpl $0,(%rdi) */
    REFUSE(0xc5, 0xfa, 0x6f, 0x07);       /* vmovdqu (%rdi),%xmm0 */
    REFUSE(0x89, 0xf8);                   /* mov %edi,%eax: no memory */
    REFUSE(0xf0, 0x0f, 0xb1, 0x07);       /* lock cmpxchg %eax,(%rdi) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mov_every_operand_its_length_and_register),
        cmocka_unit_test(test_mov_all_others_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
