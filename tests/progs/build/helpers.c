// SPDX-License-Identifier: BSD-3-Clause
/* What helpers do to a program's state: time, random numbers, CPU, the packet's ends, redirects. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 4); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __type(key, __u32); __type(value, __u32); __uint(max_entries, 4); } named SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __type(key, __u32); __type(value, __u32); __uint(max_entries, 4); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 16); } seen SEC(".maps");

static __always_inline void note(__u32 key, __u64 value)
{
	bpf_map_update_elem(&seen, &key, &value, BPF_ANY);
}

SEC("xdp") int inputs(struct xdp_md *ctx)
{
	note(0, bpf_ktime_get_ns());
	note(1, bpf_get_prandom_u32());
	note(2, bpf_get_prandom_u32());
	note(3, bpf_get_smp_processor_id());
	note(4, ctx->ingress_ifindex);
	note(5, ctx->rx_queue_index);
	note(6, ctx->data_end - ctx->data);
	note(7, ctx->data_meta == ctx->data);
	return XDP_PASS;
}

SEC("xdp") int head(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__s32 delta;

	if (data + 14 > end)
		return XDP_DROP;
	delta = (__s32)((__u32)data[0] * 8) - (data[1] & 1 ? 0 : 600);
	if (data[2] & 1)
		delta = -4;
	if (bpf_xdp_adjust_head(ctx, delta))
		return XDP_ABORTED;
	data = (__u8 *)(long)ctx->data;
	end = (__u8 *)(long)ctx->data_end;
	if (data + 16 > end)
		return XDP_DROP;
	data[0] = 0xaa;
	*(__u16 *)(data + 12) = 0x0081;
	return XDP_TX;
}

SEC("xdp") int fixed_head(struct xdp_md *ctx)
{
	__u8 *data;
	__u8 *end;

	if (bpf_xdp_adjust_head(ctx, -20))
		return XDP_ABORTED;
	data = (__u8 *)(long)ctx->data;
	end = (__u8 *)(long)ctx->data_end;
	if (data + 34 > end)
		return XDP_DROP;
	__builtin_memcpy(data, data + 20, 12);
	*(__u32 *)(data + 14) = 0x01020304;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_ABORTED;
	return XDP_TX;
}

SEC("xdp") int tail(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	long err;

	if (data + 14 > end)
		return XDP_DROP;
	err = bpf_xdp_adjust_tail(ctx, (__s32)((__u32)data[0] << (data[2] & 5)) - data[1]);
	note(0, err);
	data = (__u8 *)(long)ctx->data;
	end = (__u8 *)(long)ctx->data_end;
	if (data + 20 > end)
		return XDP_DROP;
	data[13] = data[19];
	return XDP_TX;
}

SEC("xdp") int redirects(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	switch (data[0] % 4) {
	case 0: return bpf_redirect(data[1], 0);
	case 1: return bpf_redirect(data[1], data[2] & 1);
	case 2: return bpf_redirect_map(&ports, data[1] & 7, XDP_PASS);
	default: return XDP_REDIRECT;
	}
}

SEC("xdp") int redirect_twice(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	bpf_redirect(7, 0);
	bpf_redirect_map(&cpus, data[1], data[2] & 3);
	if (data[3] & 1)
		return bpf_redirect_map(&named, data[1] & 7, XDP_DROP);
	return XDP_REDIRECT;
}

/* As clang leaves two calls whose ends it merged: one call, flags that differ from path to path. */
SEC("xdp") int redirect_either(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u64 flags = XDP_DROP;

	if (data + 14 > end)
		return XDP_DROP;
	if (data[5] & 1)
		flags = XDP_PASS;
	else if (data[5] & 2)
		flags = data[11] & 3;
	bpf_redirect(7, 0);
	return bpf_redirect_map(&ports, data[11] & 7, flags);
}

SEC("xdp") int redirect_flags(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_DROP;
	bpf_redirect(7, 0);
	return bpf_redirect_map(&cpus, data[1], data[2]);
}

char _license[] SEC("license") = "Dual BSD/GPL";
