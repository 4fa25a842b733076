// SPDX-License-Identifier: BSD-3-Clause
/* Queues and stacks with values of all sizes. */
#define WIDE
#include "../helpers/queue_sizes.bpf.c"
