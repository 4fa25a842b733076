// SPDX-License-Identifier: BSD-3-Clause
#include "arith.h"

static void set_op(Vtop &, uint32_t)
{
}

static uint64_t expected(const Operation &o)
{
    return o.w32 ? uint32_t(o.a) * uint32_t(o.b) : o.a * o.b;
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, 4);
}
