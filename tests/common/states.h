/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_STATES_H
#define SLUICE_TESTS_STATES_H

#include "compiler/verify/verify.h"
#include "nic_runtime/vm.h"

/* The verifier's states held against runs. Before each instruction that interp executes, the
 * machine must lie within one of the states that the verifier went through at this instruction in
 * this chain of calls: each register that counts there is of the state's kind; a number lies within
 * the known bits and all ranges, a pointer leads into the state's memory at an offset within its
 * ranges, packet bytes that were proved are in the packet; copies of one number are the same.
 *
 * What the verifier keeps apart only as far as safety depends on it (numbers that are not precise,
 * stack slots that nothing reads) may be anything in other runs, so a verification as it is says
 * nothing of them. With `exact` paths are explored until nothing differs; then all numbers and
 * stack slots are compared. */

enum { STATES_WHY_BYTES = 400 };

struct states; /* of one program */

/* Verifies the program and keeps the states. 0; what verify_program returns; -E2BIG: more than
 * memory is meant for. *facts as from verify_program, owned by the arena. */
int states_take(const struct load_object *object, const struct load_prog *prog, bool exact,
                struct arena *arena, const struct verify_result **facts, struct states **out);
void states_free(struct states *s); /* NULL-safe */
uint64_t states_count(const struct states *s);

/* One packet's way through them. */
struct states_run {
    struct states *states;
    uint32_t context, pc, depth;
    uint64_t steps, numbers; /* compared, in all packets */
    bool failed;
    char why[STATES_WHY_BYTES];
};

/* To be called before each packet, and before each instruction; after the first failure it does
 * nothing. */
void states_start(struct states_run *run, struct states *s);
void states_check(struct states_run *run, const struct vm *vm);

#endif
