/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HAZARDS_REQUEST_H
#define HAZARDS_REQUEST_H

#include <linux/types.h>

/* A packet of the programs that collide in maps: what to do, and where the result goes. */
struct request {
    __u8 ethernet[14];
    __u8 kind;
    __u8 op;
    __u16 unused;
    __u32 key;
    __u32 operand;
    __u64 result;
} __attribute__((packed));

#endif
