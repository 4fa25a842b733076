// SPDX-License-Identifier: BSD-3-Clause
/* bpf_loop and bpf_for_each_map_elem: the frames of callbacks, their keys, how the rounds end. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 5); } values SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __type(key, __u32); __type(value, __u32); __uint(max_entries, 300); } percpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } result SEC(".maps");

static __always_inline void note(__u32 key, __u64 value)
{
	__u64 *p = bpf_map_lookup_elem(&result, &key);

	if (p)
		*p = *p * 31 + value;
}

struct frame {
	__u64 sum;
	__u32 end;
	__u32 table[8];
	struct frame *outer;
};

static long small(__u32 i, struct frame *f)
{
	f->table[i & 7] += i;
	f->sum = f->sum * 3 + f->table[(i + 5) & 7];
	return i == f->end;
}

/* Longer than the other, and with a frame of its own. */
static long large(__u32 i, struct frame *f)
{
	struct frame own = {.sum = f->sum, .end = i / 2, .outer = f};

	own.table[i & 7] = f->end;
	f->sum += bpf_loop(i % 8, small, &own, 0) << 8;
	f->sum ^= own.sum;
	f->table[(i + 1) & 7] ^= own.table[3];
	return own.sum % 5 == 4;
}

static long (*loop_of_64_bits)(__u64, void *, void *, __u64) = (void *)BPF_FUNC_loop;

SEC("xdp") int frames(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct frame f = {};
	long (*either)(__u32, struct frame *);

	if (data + 24 > end)
		return XDP_DROP;
	for (int i = 0; i < 8; i++)
		f.table[i] = data[i + 3];
	f.end = data[0];
	note(0, bpf_loop(data[1] & 31, small, &f, 0));
	f.end = data[2];
	note(1, bpf_loop(data[1], large, &f, 0));
	note(2, f.sum);
	either = data[4] & 1 ? small : large;
	note(3, bpf_loop(7, either, &f, data[5] & 1));
	note(4, bpf_loop(*(__u32 *)(data + 8) >> 7, small, &f, 0)); /* sometimes too often */
	note(5, loop_of_64_bits(*(__u64 *)(data + 8) << 32 | 3, small, &f, 0)); /* 32 bits count */
	note(6, f.sum);
	return f.table[data[6] & 7] & 3;
}

struct walk {
	__u64 sum;
	__u32 shift;
	const __u32 *outer; /* a key */
};

static long inner(void *map, const __u32 *key, __u32 *value, struct walk *w)
{
	*value += *key + (w->outer ? *w->outer : 9);
	w->sum = w->sum * 7 + *value;
	return w->sum % 97 == 13;
}

static __attribute__((noinline)) __u64 of_key(const __u32 *key, __u32 shift)
{
	return ((const __u8 *)key)[shift & 3];
}

static long visit(void *map, const __u32 *key, __u64 *value, struct walk *w)
{
	__u64 one = *key, *other = bpf_map_lookup_elem(map, key);

	if (other)
		*other += 1;
	*value ^= of_key(key, w->shift) + w->sum;
	w->sum += bpf_map_update_elem(&hash, key, &one, BPF_NOEXIST);
	w->outer = key;
	w->sum += bpf_for_each_map_elem(&percpu, inner, w, 0);
	w->outer = 0;
	return *value % 7 == 3;
}

static long clear(void *map, const void *key, void *value, void *none)
{
	*(__u64 *)value = 0;
	return 0;
}

SEC("xdp") int walks(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	struct walk w = {};

	if (data + 24 > end)
		return XDP_DROP;
	w.shift = data[0];
	w.sum = data[1];
	note(0, bpf_for_each_map_elem(&values, visit, &w, data[2] % 4 == 1));
	note(1, w.sum);
	if (data[3] & 1)
		note(2, bpf_for_each_map_elem(&values, clear, 0, 0));
	return w.sum & 3;
}

/* The packet's ends and bytes change from round to round. */
static long move(__u32 i, struct xdp_md **at)
{
	struct xdp_md *ctx = *at;
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;

	if (data + 15 > end)
		return 1;
	data[14] = data[0] + i;
	if (data[1] & 1)
		return bpf_xdp_adjust_head(ctx, (int)(data[2] & 3) - 2) != 0;
	return bpf_xdp_adjust_tail(ctx, data[3] & 7) != 0;
}

SEC("xdp") int moves(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;

	if (data + 24 > end)
		return XDP_DROP;
	note(0, bpf_loop(data[10] & 15, move, &ctx, 0));
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
