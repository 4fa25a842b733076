/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/verify/verify.h"
#include "compiler/base/clock.h"
#include "tests/common/corpus.h"
#include "tests/common/insn.h"
#include "tests/common/linux_verdict.h"

#include <stdlib.h>
#include <string.h>

/* What verification takes, beside what Linux takes to load the same program, in one run: the real
 * programs of the corpus, the objects that are named, and a loop that reaches the limit of a
 * million instructions. A table in Markdown; each time is the best of some. Linux's includes its
 * JIT. */

enum { TRIES = 5, ROUNDS = 1 << 20 };

struct cost {
    int err;
    uint64_t processed, states, peak_bytes, ns;
};

static struct cost ours(const struct corpus_prog *p)
{
    struct cost best = {.ns = UINT64_MAX};

    for (int i = 0; i < TRIES; i++) {
        struct arena *arena = arena_open();
        struct diag_sink sink = diag_sink_make(arena);
        const struct verify_result *r = NULL;
        const int err = verify_program(p->object, p->prog, NULL, arena, &sink, &r);

        if (r && r->ns < best.ns)
            best = (struct cost){err, r->processed, r->states, r->peak_bytes, r->ns};
        arena_close(arena);
        if (best.ns > 1000000000)
            break;
    }
    return best;
}

static int by_ns(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Programs that both accept count for the medians. */
static void print_row(const struct corpus_prog *p, bool linux_here, uint64_t *our_ns,
                      uint64_t *their_ns, uint32_t *count)
{
    const struct cost c = ours(p);
    struct verdict_cost theirs = {0};
    int fds[SPEC_MAPS];

    printf("| %s | %u | %s | %llu | %llu | %llu | %.3f |", p->name, p->prog->insn_count,
           c.err ? "rejected" : "accepted", (unsigned long long)c.processed,
           (unsigned long long)c.states, (unsigned long long)(c.peak_bytes >> 10),
           (double)c.ns * 1e-6);
    if (linux_here) {
        verdict_open_maps(p->object, fds);
        theirs = verdict_cost(p->object, p->prog, fds, TRIES);
        verdict_close_maps(p->object, fds);
        printf(" %s | %llu | %llu | %.3f |", theirs.err ? "rejected" : "accepted",
               (unsigned long long)theirs.processed, (unsigned long long)theirs.states,
               (double)theirs.ns * 1e-6);
    }
    printf("\n");
    fflush(stdout);
    if (!c.err && !theirs.err) {
        our_ns[*count] = c.ns;
        their_ns[(*count)++] = theirs.ns;
    }
}

/* A loop of a million rounds, of which each differs from the others. */
static void print_limit(bool linux_here)
{
    struct ebpf_insn insns[] = {MOV_K(6, 0),        MOV_K(7, 0),
                                ALU64_X(ADD, 7, 6), ALU64_K(XOR, 7, 5),
                                ALU64_K(ADD, 6, 1), JMP_K(JLT, 6, ROUNDS, -4),
                                MOV_K(0, 2),        EXIT()};
    const uint32_t count = sizeof(insns) / sizeof(insns[0]);
    struct load_subprog sub = {.name = "limit", .count = count};
    struct load_prog prog = {.name = "limit",
                             .section = "xdp",
                             .insns = insns,
                             .insn_count = count,
                             .subprogs = &sub,
                             .subprog_count = 1};
    const struct load_object object = {
        .path = "limit", .license = "GPL", .progs = &prog, .prog_count = 1};
    const struct corpus_prog p = {"(a loop of 2^20 rounds)", &object, &prog};
    uint64_t none[2][1];
    uint32_t n = 0;

    print_row(&p, linux_here, none[0], none[1], &n);
}

int main(int argc, char **argv)
{
    static struct corpus c;
    static uint64_t our_ns[CORPUS_MAX], their_ns[CORPUS_MAX];
    const char *why;
    const bool linux_here = verdict_kernel_is_here(&why);
    uint32_t count = 0;

    if (corpus_open(&c)) {
        fprintf(stderr, "verify: no memory\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        corpus_add_object(&c, argv[i]);
    if (!linux_here)
        printf("Linux: skipped: no bpf() here (%s)\n\n", why);
    printf("| program | instructions | Sluice | processed | states | peak KiB | ms |%s\n"
           "| --- | --- | --- | --- | --- | --- | --- |%s\n",
           linux_here ? " Linux | processed | states | load ms |" : "",
           linux_here ? " --- | --- | --- | --- |" : "");
    for (uint32_t i = 0; i < c.count; i++)
        print_row(&c.progs[i], linux_here, our_ns, their_ns, &count);
    print_limit(linux_here);
    qsort(our_ns, count, sizeof(our_ns[0]), by_ns);
    qsort(their_ns, count, sizeof(their_ns[0]), by_ns);
    if (count)
        printf("\nMedian of %u programs: %.3f ms%s%.3f%s\n", count,
               (double)our_ns[count / 2] * 1e-6, linux_here ? "; Linux loads in " : " (",
               linux_here ? (double)their_ns[count / 2] * 1e-6 : 0.0, linux_here ? " ms" : ")");
    corpus_close(&c);
    return 0;
}
