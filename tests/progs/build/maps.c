// SPDX-License-Identifier: BSD-3-Clause
/* Every map operation in hardware, with keys and values of odd sizes, from stack, packet and other maps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key9 { __u8 b[9]; };
struct value13 { __u8 b[13]; };
struct pair { __u64 packets; __u32 bytes; __u32 last; };

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, struct value13); __uint(max_entries, 5); } odd SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, struct pair); __uint(max_entries, 3); } percpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct key9); __type(value, struct value13); __uint(max_entries, 6); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __type(key, __u32); __type(value, struct pair); __uint(max_entries, 6); } perhash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } result SEC(".maps");

__u64 total;
__u32 table[8] = {1, 2, 3, 5, 8, 13, 21, 34};
const volatile __u32 limit = 9;
const __u32 primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};

static __always_inline void note(__u32 key, __u64 value)
{
	__u64 *p = bpf_map_lookup_elem(&result, &key);

	if (p)
		*p = value;
}

SEC("xdp") int arrays(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct value13 v;
	struct value13 *p;
	__u32 key;

	if (data + 30 > end)
		return XDP_DROP;
	key = data[0];
	__builtin_memcpy(&v, data + 14, sizeof(v));
	note(0, bpf_map_update_elem(&odd, &key, &v, data[1] & 7));
	note(1, bpf_map_update_elem(&odd, &key, data + 14, BPF_EXIST));
	note(2, bpf_map_delete_elem(&odd, &key));
	p = bpf_map_lookup_elem(&odd, &key);
	if (p) {
		p->b[3]++;
		p->b[12] = p->b[0] + 1;
		key = p->b[1] & 3;
		note(3, bpf_map_update_elem(&odd, &key, p, BPF_ANY));
	}
	return XDP_PASS;
}

SEC("xdp") int percpus(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct pair fresh = {1, 2, 3};
	struct pair *p;
	__u32 key;

	if (data + 14 > end)
		return XDP_DROP;
	key = data[0] & 3;
	p = bpf_map_lookup_elem(&percpu, &key);
	if (p) {
		p->packets++;
		p->bytes += end - data;
		p->last = key;
	}
	note(0, bpf_map_update_elem(&percpu, &key, &fresh, data[1] & 7));
	key = data[2];
	p = bpf_map_lookup_elem(&perhash, &key);
	if (p) {
		p->packets++;
		if (data[3] == 7)
			note(1, bpf_map_delete_elem(&perhash, &key));
	} else {
		note(2, bpf_map_update_elem(&perhash, &key, &fresh, data[3] & 3));
	}
	return XDP_PASS;
}

SEC("xdp") int hashes(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct value13 v = {};
	struct value13 *p;
	struct key9 k = {};

	if (data + 40 > end)
		return XDP_DROP;
	k.b[0] = data[0] & 3;
	k.b[8] = data[1] & 3;
	p = bpf_map_lookup_elem(&hash, &k);
	if (!p) {
		__builtin_memcpy(&v, data + 14, 5);
		note(0, bpf_map_update_elem(&hash, &k, &v, data[2] & 3));
		return XDP_PASS;
	}
	p->b[0] += 1;
	note(1, *(__u32 *)&p->b[4]);
	if (data[3] & 1)
		note(2, bpf_map_delete_elem(&hash, &k));
	if (data[3] & 2)
		note(3, bpf_map_update_elem(&hash, &k, p, BPF_ANY));
	if (data[4] & 1)
		note(4, bpf_map_delete_elem(&hash, data + 20));
	p->b[1] = 9; /* the element may be gone, or replaced */
	return XDP_TX;
}

SEC("xdp") int globals(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u32 i;

	if (data + 14 > end)
		return XDP_DROP;
	i = data[0] & 7;
	total += table[i] * primes[data[1] & 7];
	table[i]++;
	__sync_fetch_and_add(&total, limit);
	if (primes[3] + limit > data[2])
		return XDP_TX;
	return XDP_PASS;
}

SEC("xdp") int atomics(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct pair *p;
	__u32 key;
	__u64 slot = 5;

	if (data + 14 > end)
		return XDP_DROP;
	key = data[0] & 1;
	p = bpf_map_lookup_elem(&percpu, &key);
	if (!p)
		return XDP_PASS;
	__sync_fetch_and_add(&p->packets, data[1]);
	__sync_fetch_and_add(&p->bytes, data[2]);
	__sync_fetch_and_add(&slot, data[3]);
	note(6, slot);
	return XDP_PASS;
}

/* Values of other CPUs, and of those that there are none of. */
SEC("xdp") int others(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct pair fresh = {1, 2, 3};
	struct pair *p;
	__u32 key;

	if (data + 20 > end)
		return XDP_DROP;
	key = data[0] & 3;
	p = bpf_map_lookup_percpu_elem(&percpu, &key, data[1] % 6);
	if (p)
		note(0, p->packets++);
	p = bpf_map_lookup_percpu_elem(&percpu, &key, *(__u32 *)(data + 4));
	if (p)
		note(1, p->packets + 1);
	key = data[2] & 7;
	note(2, bpf_map_update_elem(&perhash, &key, &fresh, BPF_NOEXIST));
	p = bpf_map_lookup_percpu_elem(&perhash, &key, data[3] % 6);
	if (p)
		note(3, p->bytes += data[8]);
	return p ? XDP_PASS : XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
