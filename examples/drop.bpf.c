/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Drops every packet: the least that a program can do, and so the measure of everything around it.
 *
 *   any packet: XDP_DROP
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop(struct xdp_md *ctx)
{
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
