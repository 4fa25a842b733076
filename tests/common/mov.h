/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_COMMON_MOV_H
#define SLUICE_TESTS_COMMON_MOV_H

#include <stdbool.h>
#include <stdint.h>

/* The instructions by which a compiler accesses a register of a device: x86-64's MOV of 32 bits
 * between memory and a register, or of a constant to memory (Intel's manual, volume 2, MOV: opcodes
 * 8B /r, 89 /r, C7 /0). */

enum { MOV_IMMEDIATE = 16 };

struct mov {
    bool write;     /* to memory */
    uint8_t reg;    /* 0 to 15 as the instruction counts them, or MOV_IMMEDIATE */
    uint8_t bytes;  /* of the instruction */
    uint32_t value; /* the constant */
};

/* false: it is none of these. */
bool mov_decode(const uint8_t *code, struct mov *mov);

#endif
