/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RANDOM_IR_H
#define SLUICE_TESTS_RANDOM_IR_H

#include "tests/common/soft_maps.h"

/* A well-formed function of about so many statements, made of what passes look for: values in byte
 * pieces, copies of addresses, byte swaps, error codes that are tested at once, bounds checks in
 * rows, stack slots that overlap, counters in maps. Two maps: 0 an array of 16-byte values, 1 a
 * hash. The same seed gives the same function. Packets have 14 to 128 bytes. */
struct ir_func *random_ir(struct arena *arena, uint64_t seed, uint32_t statements);

/* Runs a function on one packet; the packet, its inputs and nothing else come from the seed. */
int random_ir_run(const struct ir_func *f, struct soft_maps *maps, uint64_t seed,
                  struct ir_run *run, uint8_t *buf, struct arena *scratch);

/* True if two functions do the same to `packets` random packets, one after the other, and to their
 * maps; else *why says what differs. */
bool random_ir_same(const struct ir_func *a, const struct ir_func *b, uint64_t seed,
                    uint32_t packets, char *why, size_t why_bytes);

/* A copy of a function, by way of its text. */
struct ir_func *random_ir_copy(const struct ir_func *f, struct arena *arena);

#endif
