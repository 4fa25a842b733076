// SPDX-License-Identifier: BSD-3-Clause
#include "arith.h"

static void set_op(Vtop &, uint32_t)
{
}

static enum spec_alu operation(uint32_t)
{
    return SPEC_ALU_MUL;
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, 4);
}
