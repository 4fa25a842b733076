/* SPDX-License-Identifier: BSD-3-Clause */
#include "kinds.h"

/* One kind of hazard: KIND is its function. */
SEC("xdp")
int one(struct xdp_md *ctx)
{
    struct request *r = (struct request *)(long)ctx->data;
    struct job j;

    if ((void *)(r + 1) > (void *)(long)ctx->data_end)
        return XDP_ABORTED;
    j = (struct job){r->op, r->key, r->operand};
    r->result = KIND(&j);
    return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
