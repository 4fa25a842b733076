// SPDX-License-Identifier: BSD-3-Clause
/* Subprograms, loops, stack buffers at run-time offsets, and all kinds of arithmetic. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 8); } result SEC(".maps");

static __always_inline void note(__u32 key, __u64 value)
{
	bpf_map_update_elem(&result, &key, &value, BPF_ANY);
}

static __attribute__((noinline)) __u32 fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __attribute__((noinline)) __u64 sum_words(__u8 *data, __u8 *end, __u32 words)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < 20; i++) {
		if (i >= words || data + 2 * i + 2 > end)
			break;
		sum += *(__u16 *)(data + 2 * i);
	}
	return sum;
}

static __attribute__((noinline)) int fill(__u8 *buffer, __u32 seed)
{
	for (__u32 i = 0; i < 16; i++)
		buffer[i] = seed * (i + 3) >> 2;
	return buffer[3];
}

SEC("xdp") int checksum(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u64 sum;

	if (data + 14 > end)
		return XDP_DROP;
	sum = sum_words(data, end, data[0] % 24);
	note(0, sum);
	*(__u16 *)(data + 12) = fold(sum);
	return XDP_TX;
}

SEC("xdp") int buffers(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u8 a[16];
	__u8 b[16] = {};
	__u32 i;
	__u32 j;

	if (data + 20 > end)
		return XDP_DROP;
	i = data[1] & 15;
	j = (data[3] & 7) + 2;
	asm volatile("" : "+r"(i), "+r"(j)); /* else their sums with a stack pointer become ors */
	note(3, fill(a, data[0]));
	b[i] = data[2];
	b[j] ^= a[i ^ 3];
	note(0, *(__u64 *)a);
	note(1, *(__u64 *)b);
	note(2, *(__u64 *)(b + 8));
	__builtin_memcpy(data, b, 14);
	return XDP_TX;
}

SEC("xdp") int options(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u32 off;
	__u32 ihl;

	if (data + 34 > end)
		return XDP_DROP;
	ihl = (data[14] & 15) * 4;
	if (ihl < 20)
		return XDP_DROP;
	off = 14 + ihl;
	if (data + off + 8 > end)
		return XDP_DROP;
	note(0, *(__u16 *)(data + off));
	*(__u16 *)(data + off + 2) = __builtin_bswap16(*(__u16 *)(data + off) + 1);
	if (data + off + 12 <= end)
		*(__u32 *)(data + off + 8) = __builtin_bswap32(ihl);
	return XDP_TX;
}

SEC("xdp") int arithmetic(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u64 a;
	__u64 b;
	__s64 s;

	if (data + 30 > end)
		return XDP_DROP;
	a = *(__u64 *)data;
	b = *(__u32 *)(data + 8);
	s = (__s32)a;
	note(0, a / (b & 0xff) + a % 7);
	note(1, (__u32)a / (__u32)(b & 0xff));
	note(2, s >> (b & 31));
	note(3, (__s8)a * (__s64)(__s16)b);
	note(4, __builtin_bswap64(a) ^ __builtin_bswap32(b));
	note(5, (a << (b & 63)) | ((__u32)b << (a & 31)));
	note(6, -a - (__s32)b);
	note(7, (s < (__s64)b) + ((__u32)a < (__u32)b) * 2 + ((__s32)a > -5) * 4 + ((a & b) ? 8 : 0));
	return (__u32)a % 5;
}

SEC("xdp") int swap_macs(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u8 mac[6];

	if (data + 14 > end)
		return XDP_DROP;
	__builtin_memcpy(mac, data, 6);
	__builtin_memcpy(data, data + 6, 6);
	__builtin_memcpy(data + 6, mac, 6);
	if (*(__u16 *)(data + 12) == __builtin_bswap16(0x0800) && data + 34 <= end) {
		__u32 ip = *(__u32 *)(data + 26);

		*(__u32 *)(data + 26) = *(__u32 *)(data + 30);
		*(__u32 *)(data + 30) = ip;
	}
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
