// SPDX-License-Identifier: BSD-3-Clause
/* Bloom filters. */
#include "../helpers/bloom_sizes.bpf.c"
