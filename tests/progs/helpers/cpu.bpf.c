/* SPDX-License-Identifier: BSD-3-Clause */
/* An array with an element for each CPU, indexed without a check: the verifier knows how many there are. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define CPUS 4

static __u64 packets[CPUS];

SEC("xdp")
int cpu(struct xdp_md *ctx)
{
    __u64 *count = &packets[bpf_get_smp_processor_id()];

    *count += ctx->data_end - ctx->data;
    return *count & 64 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
