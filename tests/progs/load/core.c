/* SPDX-License-Identifier: BSD-3-Clause */
/* struct xdp_md with CO-RE relocations, as a program has it that includes vmlinux.h. Needs -g. With
 * ASK_KERNEL it asks for a type of the running kernel. */
typedef unsigned int __u32;
typedef unsigned long long __u64;

struct xdp_md {
    __u32 data;
    __u32 data_end;
    __u32 data_meta;
    __u32 ingress_ifindex;
    __u32 rx_queue_index;
    __u32 egress_ifindex;
} __attribute__((preserve_access_index));

struct task_struct {
    int pid;
} __attribute__((preserve_access_index));

__attribute__((section("xdp"), used)) int core(struct xdp_md *ctx)
{
#ifdef ASK_KERNEL
    if (__builtin_preserve_type_info(*(struct task_struct *)0, 0))
        return 1;
#endif
    return ctx->rx_queue_index + ctx->ingress_ifindex == 3 ? 1 : 2;
}

char LICENSE[] __attribute__((section("license"), used)) = "GPL";
