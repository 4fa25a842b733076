/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/asm.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void asm_fail(struct assembler *a, const char *code, const char *format, ...)
{
    struct diag_where where = DIAG_NOWHERE;
    va_list args;

    if (a->failed)
        return;
    a->failed = true;
    a->errors++;
    where.file = a->file;
    where.source_file = a->file;
    where.source_line = a->line;
    where.source_text = a->text;
    va_start(args, format);
    diag_add_args(a->sink, DIAG_ERROR, code, where, format, args);
    va_end(args);
}

void asm_skip_spaces(struct assembler *a)
{
    a->at += strspn(a->at, " \t\r");
}

static bool is_word_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '.' || ch == '$';
}

bool asm_take(struct assembler *a, const char *text)
{
    const size_t n = strlen(text);

    asm_skip_spaces(a);
    if (a->failed || strncmp(a->at, text, n) != 0)
        return false;
    if (is_word_char(text[n - 1]) && is_word_char(a->at[n]))
        return false;
    a->at += n;
    return true;
}

void asm_need(struct assembler *a, const char *text)
{
    if (!asm_take(a, text))
        asm_fail(a, ASM_E_SYNTAX, "\"%s\" expected before \"%.32s\"", text, a->at);
}

bool asm_take_reg(struct assembler *a, uint8_t *reg, bool *wide)
{
    unsigned n = 0;
    const char *p;

    asm_skip_spaces(a);
    p = a->at;
    if (a->failed || (*p != 'r' && *p != 'w') || !isdigit((unsigned char)p[1]))
        return false;
    *wide = *p++ == 'r';
    while (isdigit((unsigned char)*p) && n < 100)
        n = n * 10 + (unsigned)(*p++ - '0');
    if (is_word_char(*p))
        return false;
    if (n >= EBPF_REGS)
        asm_fail(a, ASM_E_RANGE, "register %u; there are r0 to r%u", n, EBPF_REGS - 1);
    a->at = p;
    *reg = (uint8_t)n;
    return !a->failed;
}

uint8_t asm_need_reg(struct assembler *a, bool *wide)
{
    uint8_t reg = 0;
    bool ignored;

    if (!asm_take_reg(a, &reg, wide ? wide : &ignored))
        asm_fail(a, ASM_E_SYNTAX, "a register expected before \"%.32s\"", a->at);
    return reg;
}

bool asm_take_number(struct assembler *a, bool *negative, uint64_t *magnitude)
{
    const char *p;
    uint64_t base = 10, n = 0;

    asm_skip_spaces(a);
    p = a->at;
    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    p += strspn(p, " \t");
    if (a->failed || !isdigit((unsigned char)*p))
        return false;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
        if (!isxdigit((unsigned char)*p))
            return false;
    }
    for (; base == 16 ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p); p++) {
        const uint64_t digit = isdigit((unsigned char)*p)
                                   ? (uint64_t)(*p - '0')
                                   : (uint64_t)(tolower((unsigned char)*p) - 'a') + 10;

        if (n > (UINT64_MAX - digit) / base) {
            asm_fail(a, ASM_E_RANGE, "a number of more than 64 bits");
            return false;
        }
        n = n * base + digit;
    }
    if (is_word_char(*p))
        return false;
    a->at = p;
    *magnitude = n;
    return true;
}

int64_t asm_need_number(struct assembler *a, unsigned bits, bool or_unsigned)
{
    const uint64_t limit = UINT64_C(1) << (bits - 1);
    bool negative = false;
    uint64_t n = 0;

    if (!asm_take_number(a, &negative, &n)) {
        asm_fail(a, ASM_E_SYNTAX, "a number expected before \"%.32s\"", a->at);
        return 0;
    }
    if (negative ? n > limit : n > (or_unsigned ? limit * 2 - 1 : limit - 1)) {
        asm_fail(a, ASM_E_RANGE, "a number that %u bits can't hold", bits);
        return 0;
    }
    return negative ? -(int64_t)n : (int64_t)n;
}

int32_t asm_need_imm(struct assembler *a)
{
    return (int32_t)(uint32_t)asm_need_number(a, 32, true);
}

bool asm_take_name(struct assembler *a, char name[ASM_NAME_BYTES])
{
    size_t n = 0;

    asm_skip_spaces(a);
    while (is_word_char(a->at[n]))
        n++;
    if (a->failed || n == 0 || n >= ASM_NAME_BYTES)
        return false;
    memcpy(name, a->at, n);
    name[n] = 0;
    a->at += n;
    return true;
}
