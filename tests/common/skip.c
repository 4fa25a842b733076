/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/skip.h"

#include <stdio.h>

/* A line of standard output, as cmocka's own are. */
static void say(const char *what, const char *format, va_list args)
{
    char reason[512];

    vsnprintf(reason, sizeof(reason), format, args);
    print_message("\n%s: %s\n", what, reason);
}

void skip_because(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("skip because", format, args);
    va_end(args);
    skip();
}

void skip_part_because(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("left out because", format, args);
    va_end(args);
}
