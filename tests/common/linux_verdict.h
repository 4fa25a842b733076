/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_LINUX_VERDICT_H
#define SLUICE_TESTS_LINUX_VERDICT_H

#include "compiler/load/load.h"
#include "hw/spec/gen/limits.h"

#include <stdio.h>

/* Linux's verdict on programs beside ours. Whatever we accept Linux must accept. */

enum { VERDICT_CODES = 128 };

struct verdict_code {
    char code[8];
    uint32_t count;
    bool refused; /* Sluice does not run it, whatever Linux says */
};

struct verdict_tally {
    uint32_t programs, both, neither;
    uint32_t limits;      /* we accept; Linux finds it too complex */
    uint32_t ours_only;   /* failures */
    uint32_t theirs_only; /* by code: */
    struct verdict_code codes[VERDICT_CODES];
    uint32_t code_count;
};

/* What is told, and to whom. show: programs that only Linux accepts, all ("") or those with a code;
 * NULL: none. */
struct verdict_talk {
    FILE *out;
    const char *show;
};

/* False if there is no bpf() here; *why says why not. */
bool verdict_kernel_is_here(const char **why);
/* Makes an object's maps; -1 where Linux refuses one. */
void verdict_open_maps(const struct load_object *o, int fds[SPEC_MAPS]);
void verdict_close_maps(const struct load_object *o, const int fds[SPEC_MAPS]);
/* Has both judge a program, counts what they say and tells it. True if both accept. */
bool verdict_compare(struct verdict_tally *t, const struct verdict_talk *talk, const char *name,
                     const struct load_object *o, const struct load_prog *prog, const int *fds);
/* A change to a program's instructions, and what it is called. */
typedef const char *(*verdict_change)(struct ebpf_insn *insns, uint32_t count, uint64_t *seed);
/* The same of `mutants` changed copies of a program, the first of them by `seed`. 0 or -ENOMEM. */
int verdict_compare_mutants(struct verdict_tally *t, const struct verdict_talk *talk,
                            const char *name, const struct load_object *o,
                            const struct load_prog *prog, const int *fds, verdict_change change,
                            uint32_t mutants, uint64_t seed);
/* Linux's log of a program's verification, states included (level 2); to be freed. NULL: no memory.
 */
char *verdict_log(const struct load_object *o, const struct load_prog *prog, const int *fds);
/* What Linux takes to load a program: the best of some tries. */
struct verdict_cost {
    int err;
    uint64_t processed, states; /* as its log says */
    uint64_t ns;                /* of the whole system call, without a log */
};
struct verdict_cost verdict_cost(const struct load_object *o, const struct load_prog *prog,
                                 const int *fds, uint32_t tries);
void verdict_add(struct verdict_tally *sum, const struct verdict_tally *t);
/* Programs that only Linux accepts, in parts of a thousand of all: those that we reject, not those
 * that Sluice does not run. */
uint32_t verdict_false_permille(const struct verdict_tally *t);
void verdict_print(FILE *out, const char *what, const struct verdict_tally *t);

#endif
