// SPDX-License-Identifier: BSD-3-Clause
// The table of operations as Verilog beside the table as C: one generator writes both, by two
// printers. Every operation at both widths, on all pairs of extremes and on random operands.
#include "hw/spec/gen/alu.h"
#include "tests/rtl/pipe/operands.h"

#include "Vtop.h"

static void compare(Bench<Vtop> &b, uint32_t op, bool w32, uint64_t x, uint64_t y)
{
    const uint64_t want = spec_alu_eval(spec_alu(op), w32 ? 32 : 64, x, y);

    b.top->op_i = op;
    b.top->w32_i = w32;
    b.top->a_i = x;
    b.top->b_i = y;
    b.settle();
    if (b.top->y_o != want)
        b.fail("%s w32 %d of %016llx and %016llx gives %016llx in Verilog, %016llx in C",
               spec_alu_table[op].name, w32, (unsigned long long)x, (unsigned long long)y,
               (unsigned long long)b.top->y_o, (unsigned long long)want);
}

int main(int argc, char **argv)
{
    Bench<Vtop> b(BENCH_NAME, argc, argv, 20000);
    uint32_t tried = 0;

    for (uint32_t op = 1; op < SPEC_ALU_COUNT; op++) {
        for (int w32 = 0; w32 < 2; w32++) {
            const spec_alu_row &row = spec_alu_table[op];

            if (row.levels < 0 || !(w32 ? row.verilog32 : row.verilog64)[0])
                continue; // a unit's, or not there at this width
            tried++;
            for (uint32_t i = 0; i < EXTREME_PAIRS; i++)
                compare(b, op, w32, extremes[i / EXTREMES], extremes[i % EXTREMES]);
            for (uint64_t i = 0; i < b.operations; i++)
                compare(b, op, w32, operand(b.rng), operand(b.rng));
        }
    }
    if (tried < 40)
        b.fail("%u operations only", tried);
    return b.pass("%u operations and widths", tried);
}
