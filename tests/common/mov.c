/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/mov.h"

#include <string.h>

enum { REX = 0x40, REX_W = 8, REX_R = 4, LOAD = 0x8b, STORE = 0x89, STORE_IMMEDIATE = 0xc7 };

/* Bytes of ModRM, SIB and displacement; 0: the operand is no memory. */
static uint8_t operand_bytes(const uint8_t *modrm)
{
    const uint8_t mod = modrm[0] >> 6, rm = modrm[0] & 7;
    const bool sib = rm == 4;

    if (mod == 3)
        return 0;
    if (mod == 0)
        return (uint8_t)(1 + sib + (rm == 5 || (sib && (modrm[1] & 7) == 5) ? 4 : 0));
    return (uint8_t)(1 + sib + (mod == 1 ? 1 : 4));
}

bool mov_decode(const uint8_t *code, struct mov *mov)
{
    struct mov m = {0};
    uint8_t rex = 0, operand;

    if ((code[0] & 0xf0) == REX)
        rex = code[m.bytes++];
    const uint8_t opcode = code[m.bytes++];
    const uint8_t *modrm = code + m.bytes;

    operand = operand_bytes(modrm);
    if (rex & REX_W || !operand ||
        (opcode != LOAD && opcode != STORE && (opcode != STORE_IMMEDIATE || (modrm[0] >> 3 & 7))))
        return false;
    m.bytes = (uint8_t)(m.bytes + operand);
    m.write = opcode != LOAD;
    m.reg = (uint8_t)((modrm[0] >> 3 & 7) | (rex & REX_R ? 8 : 0));
    if (opcode == STORE_IMMEDIATE) {
        memcpy(&m.value, modrm + operand, sizeof(m.value));
        m.reg = MOV_IMMEDIATE;
        m.bytes = (uint8_t)(m.bytes + sizeof(m.value));
    }
    *mov = m;
    return true;
}
