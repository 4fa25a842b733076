// SPDX-License-Identifier: BSD-3-Clause
#include "arith.h"

static void set_op(Vtop &t, uint32_t op)
{
    t.s_op_i = op;
}

static enum spec_alu operation(uint32_t op)
{
    static const enum spec_alu operations[4] = {SPEC_ALU_UDIV, SPEC_ALU_SDIV, SPEC_ALU_UMOD,
                                                SPEC_ALU_SMOD};
    return operations[op];
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, 66);
}
