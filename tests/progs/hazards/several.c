/* SPDX-License-Identifier: BSD-3-Clause */
#include "kinds.h"

/* Several kinds of hazards in one program: KINDS is a list of CASE(number, function). Each ends in
 * something of its own, so that clang does not join the ends: a store through one pointer into this
 * map or that does not fit a pipeline. */
#define CASE(number, function)                                                                     \
    case number:                                                                                   \
        result = function(&j);                                                                     \
        asm volatile("# " #function ::: "memory");                                                 \
        break;

SEC("xdp")
int several(struct xdp_md *ctx)
{
    struct request *r = (struct request *)(long)ctx->data;
    struct job j;
    __u64 result;

    if ((void *)(r + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    j = (struct job){r->op, r->key, r->operand};
    switch (r->kind) {
        KINDS
    default:
        return XDP_DROP;
    }
    r->result = result;
    return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
