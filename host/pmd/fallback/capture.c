/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/fallback/internal.h"
#include "hw/spec/gen/xdp.h"

#include <string.h>

/* What the slot runs while packets are the host's, and what that puts in front of each. */

_Static_assert(offsetof(struct pmd_capture, queue) + sizeof(uint32_t) == CAPTURE_BYTES,
               "the slot's program writes these fields");
_Static_assert(offsetof(struct pmd_capture, mark) == IR_CAPTURE_MARK &&
                   offsetof(struct pmd_capture, rand) == IR_CAPTURE_RAND &&
                   offsetof(struct pmd_capture, ifindex) == IR_CAPTURE_IFINDEX &&
                   offsetof(struct pmd_capture, queue) == IR_CAPTURE_QUEUE &&
                   (int)CAPTURE_BYTES == (int)IR_CAPTURE_BYTES,
               "and so does a program that leaves a path to the host");

/* RFC 9669: opcodes are ebpf_insn's; the context's fields are those of hw/spec/xdp.toml. */
static uint64_t insn(uint8_t opcode, uint8_t dst, uint8_t src, int16_t offset, int32_t imm)
{
    return (uint64_t)(uint32_t)imm << 32 | (uint64_t)(uint16_t)offset << 16 |
           (uint64_t)(src << 4 | dst) << 8 | opcode;
}

uint32_t pmd_fallback_capture(const struct pmd *pmd, uint64_t out[PMD_CAPTURE_INSNS])
{
    enum { LDXW = 0x61, STXW = 0x63, STW = 0x62, MOV = 0xbf, MOVI = 0xb7, ADDI = 0x07 };
    enum { CALL = 0x85, JGT = 0x2d, EXIT = 0x95, PRANDOM = 7, ADJUST_META = 54, REDIRECT = 23 };
    const uint64_t mark = pmd->fallback->mark;
    const uint64_t code[] = {
        insn(MOV, 6, 1, 0, 0),
        insn(CALL, 0, 0, 0, PRANDOM),
        insn(MOV, 7, 0, 0, 0),
        insn(MOV, 1, 6, 0, 0),
        insn(MOVI, 2, 0, 0, -CAPTURE_BYTES),
        insn(CALL, 0, 0, 0, ADJUST_META),
        insn(LDXW, 2, 6, SPEC_CTX_DATA_META, 0),
        insn(LDXW, 3, 6, SPEC_CTX_DATA, 0),
        insn(MOV, 4, 2, 0, 0),
        insn(ADDI, 4, 0, 0, CAPTURE_BYTES),
        insn(JGT, 4, 3, 11, 0), /* never: there is room */
        insn(STW, 2, 0, 0, (int32_t)mark),
        insn(STW, 2, 0, 4, (int32_t)(mark >> 32)),
        insn(STXW, 2, 7, offsetof(struct pmd_capture, rand), 0),
        insn(LDXW, 1, 6, SPEC_CTX_INGRESS_IFINDEX, 0),
        insn(STXW, 2, 1, offsetof(struct pmd_capture, ifindex), 0),
        insn(LDXW, 1, 6, SPEC_CTX_RX_QUEUE_INDEX, 0),
        insn(STXW, 2, 1, offsetof(struct pmd_capture, queue), 0),
        insn(MOVI, 1, 0, 0, CAPTURE_TARGET),
        insn(MOVI, 2, 0, 0, 0),
        insn(CALL, 0, 0, 0, REDIRECT),
        insn(EXIT, 0, 0, 0, 0),
        insn(MOVI, 0, 0, 0, SPEC_XDP_ABORTED),
        insn(EXIT, 0, 0, 0, 0),
    };

    _Static_assert(sizeof(code) / sizeof(code[0]) == PMD_CAPTURE_INSNS, "room for all of it");
    memcpy(out, code, sizeof(code));
    return sizeof(code);
}
bool pmd_capture_read(const struct rte_mbuf *m, const struct pmd_rx_take *d, uint64_t mark,
                      struct pmd_capture *capture)
{
    if (d->meta != CAPTURE_BYTES || m->data_len < CAPTURE_BYTES)
        return false;
    memcpy(capture, rte_pktmbuf_mtod(m, const void *), CAPTURE_BYTES);
    return capture->mark == mark; /* otherwise a program that ran in the slot gave it these */
}
