// SPDX-License-Identifier: BSD-3-Clause
#include "arith.h"

static void set_op(Vtop &t, uint32_t op)
{
    t.s_op_i = op;
}

template <typename U, typename S> static U divide(uint32_t op, U a, U b)
{
    if (b == 0)
        return op < 2 ? 0 : a;
    if (op % 2 && b == U(-1))
        return op == 1 ? U(0) - a : 0;
    switch (op) {
    case 0:
        return a / b;
    case 1:
        return U(S(a) / S(b));
    case 2:
        return a % b;
    default:
        return U(S(a) % S(b));
    }
}

static uint64_t expected(const Operation &o)
{
    return o.w32 ? divide<uint32_t, int32_t>(o.op, uint32_t(o.a), uint32_t(o.b))
                 : divide<uint64_t, int64_t>(o.op, o.a, o.b);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, 66);
}
