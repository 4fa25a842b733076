/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_GEN_H
#define SLUICE_TESTS_DIFF_GEN_H

#include "tests/common/insn.h"
#include "tests/fuzz/diff/case.h"

/* Makes programs that always verify. The generator follows what the verifier will know at each
 * point (which registers hold numbers, the context, pointers with so many bytes behind them; which
 * stack bytes are written), so that each template emits only what is allowed there. Where branches
 * meet, what is known is what is known on both. */

enum gen_profile {
    GEN_ANY,   /* everything, up to some hundred instructions */
    GEN_SMALL, /* what a pipeline is likely to hold: short, few loops, packet accesses near the
                  start */
    GEN_TRIE,  /* as small ones, with prefixes within prefixes in lpm_trie maps */
    GEN_PATHS, /* of which hardware does not take a path, most often */
    GEN_PROFILE_COUNT
};

extern const char *const gen_profile_names[GEN_PROFILE_COUNT];

/* Templates, counted for the summary; X(name, weight, weight in the others). */
#define GEN_TEMPLATES(X)                                                                           \
    X(alu, 30, 30)                                                                                 \
    X(move, 8, 6)                                                                                  \
    X(swap, 5, 5)                                                                                  \
    X(constant, 4, 3)                                                                              \
    X(context, 2, 2)                                                                               \
    X(stack, 10, 6)                                                                                \
    X(stack_moved, 2, 1)                                                                           \
    X(stack_run_time, 1, 0)                                                                        \
    X(stack_atomic, 2, 1)                                                                          \
    X(spill, 4, 2)                                                                                 \
    X(packet, 14, 16)                                                                              \
    X(packet_run_time, 5, 3)                                                                       \
    X(lookup, 8, 6)                                                                                \
    X(value, 8, 6)                                                                                 \
    X(value_run_time, 2, 1)                                                                        \
    X(value_atomic, 5, 4)                                                                          \
    X(update, 4, 2)                                                                                \
    X(delete, 2, 1)                                                                                \
    X(lock, 4, 2)                                                                                  \
    X(data, 4, 2)                                                                                  \
    X(helper, 4, 3)                                                                                \
    X(csum, 2, 1)                                                                                  \
    X(redirect_map, 2, 1)                                                                          \
    X(bytes, 2, 1)                                                                                 \
    X(meta, 3, 1)                                                                                  \
    X(queue, 4, 2)                                                                                 \
    X(event, 4, 2)                                                                                 \
    X(loop_call, 2, 1)                                                                             \
    X(text, 2, 1)                                                                                  \
    X(inner, 4, 2)                                                                                 \
    X(net, 1, 1)                                                                                   \
    X(tail, 3, 1)                                                                                  \
    X(adjust, 3, 2)                                                                                \
    X(branch, 12, 8)                                                                               \
    X(leave, 3, 2)                                                                                 \
    X(loop, 4, 1)                                                                                  \
    X(packet_loop, 1, 0)                                                                           \
    X(call, 4, 1)                                                                                  \
    X(copy_bytes, 2, 2)                                                                            \
    X(swap_fields, 2, 2)                                                                           \
    X(counter, 3, 3)                                                                               \
    X(insert, 2, 1)                                                                                \
    X(checksum, 2, 1)                                                                              \
    X(parse, 2, 1)                                                                                 \
    X(mix, 0, 0)                                                                                   \
    X(stale, 0, 0)

enum gen_template {
#define GEN_ENUM(name, any, small) GEN_T_##name,
    GEN_TEMPLATES(GEN_ENUM)
#undef GEN_ENUM
        GEN_TEMPLATE_COUNT
};

extern const char *const gen_template_names[GEN_TEMPLATE_COUNT];

struct gen;

/* A generator's memory, used for one case after the other. NULL if there is none. */
struct gen *gen_open(void);
void gen_close(struct gen *g);

/* Makes the case of a seed; all of it is owned by the arena. The same seed, profile and number of
 * packets give the same case; more packets only add to the end. */
struct diff_case *gen_case(struct gen *g, uint64_t seed, enum gen_profile profile, uint32_t packets,
                           struct arena *arena);
/* How often each template was used in the last case. */
const uint32_t *gen_counts(const struct gen *g);

#endif
