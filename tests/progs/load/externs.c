/* SPDX-License-Identifier: BSD-3-Clause */
/* What only a kernel's loader could fill in. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern const int some_kernel_variable __ksym;
extern int some_kernel_function(int a) __ksym;
extern int in_another_object;

SEC("xdp")
int externs(struct xdp_md *ctx)
{
#if defined(KCONFIG)
    return LINUX_KERNEL_VERSION > 7;
#elif defined(KSYM)
    return some_kernel_variable > 7;
#elif defined(KFUNC)
    return some_kernel_function(7);
#else
    return in_another_object > 7;
#endif
}

char LICENSE[] SEC("license") = "GPL";
