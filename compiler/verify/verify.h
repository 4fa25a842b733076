/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_H
#define SLUICE_VERIFY_H

#include "compiler/load/load.h"

/* Accepts a program and says what it found out, or rejects it and says why. Semantics: Linux's
 * verifier for BPF_PROG_TYPE_XDP, loaded by root. */

enum verify_region {
    VERIFY_REGION_NONE,
    VERIFY_REGION_CTX,    /* struct xdp_md */
    VERIFY_REGION_STACK,  /* offset from the frame's r10 */
    VERIFY_REGION_PKT,    /* offset from xdp_md.data as it is at that time */
    VERIFY_REGION_META,   /* offset from xdp_md.data_meta */
    VERIFY_REGION_MAP,    /* offset in a map's value */
    VERIFY_REGION_RECORD, /* offset in a record of a ring buffer */
    VERIFY_REGION_KEY,    /* offset in the key that a callback of bpf_for_each_map_elem is given */
    VERIFY_REGION_MIXED,  /* differs from path to path */
    VERIFY_REGION_COUNT
};

#define VERIFY_MAP_NONE 0xffff
#define VERIFY_MAP_ANY 0xfffe /* differs from path to path */

/* A pointer, joined over all paths. */
struct verify_pointer {
    uint8_t region;  /* enum verify_region; NONE for a scalar */
    uint8_t frame;   /* STACK: call depth of the frame that it points into, 0 is the entry's. KEY:
                        that of the callback */
    uint16_t map;    /* MAP, KEY: index, or VERIFY_MAP_ANY */
    int32_t off_min; /* first byte, lowest and highest over all paths */
    int32_t off_max;
    uint32_t taken_at; /* RECORD: the call of bpf_ringbuf_reserve, and the context of that */
    uint32_t taken_in;
    struct verify_kind *kinds; /* MIXED: all of them; NULL if not even one path's is known */
};

/* What a pointer leads to on some of the paths. */
struct verify_kind {
    struct verify_kind *next;
    struct verify_pointer pointer; /* its region may be MIXED: of a kind that has no name here */
};

/* What holds of an argument whenever a call is reached. */
struct verify_arg {
    struct verify_pointer pointer;
    bool is_const; /* a scalar with one value */
    uint64_t value;
    uint64_t max;   /* a scalar is never more, unsigned; UINT64_MAX for a pointer */
    uint16_t map;   /* a constant pointer to a map: its index, VERIFY_MAP_ANY if it differs, else
                       VERIFY_MAP_NONE */
    uint64_t maps;  /* ... and those that it may be: bit i is map i */
    uint64_t inner; /* ... and the maps of maps that it may come from: it is then any map in them */
};

enum { VERIFY_ARGS = 5 };

/* Where the arguments of a call lead whenever its map is this one. */
struct verify_call_of_map {
    struct verify_call_of_map *next;
    uint16_t map;
    struct verify_pointer pointers[VERIFY_ARGS]; /* of r1 to r5 */
};

/* What holds of an instruction, joined over all ways to reach it in one call context. */
struct verify_fact {
    bool reached;
    bool reads_target;  /* what a redirect target consists of, which is the kernel's */
    bool jumps;         /* a conditional jump was seen taken ... */
    bool falls_through; /* ... and not taken */
    bool dst_const;     /* arithmetic: the result is always dst_value */
    uint64_t dst_value;
    struct verify_pointer
        access;              /* load, store, atomic: the address with the instruction's offset */
    struct verify_arg *args; /* helper call: r1 to r5; NULL otherwise */
    struct verify_call_of_map *of_maps; /* ... by what r1 is, if that is a map */
};

/* One way down the call tree: the entry (context 0), or a call instruction in its caller's context.
 * A helper that calls back has one for each function that it may be given. */
struct verify_context {
    uint32_t subprog;
    uint32_t parent;           /* context of the caller */
    uint32_t call_insn;        /* program numbering */
    uint32_t depth;            /* 0 for the entry */
    struct verify_fact *facts; /* one an instruction of the subprogram */
};

struct verify_result {
    struct verify_context *contexts;
    uint32_t context_count;
    uint32_t
        *stack_bytes; /* of each subprogram: lowest stack offset used, positive, rounded up to 8 */
    uint32_t *trip_max; /* of each instruction: times that the target of a back jump was entered on
                           one path, 0 elsewhere */
    uint64_t processed; /* instructions */
    uint64_t states;    /* kept for pruning, in all */
    uint64_t peak_bytes;
    uint64_t ns;
};

struct verifier; /* compiler/verify/internal.h */

/* Sees the verifier's own states, for tests: those before each instruction of each path, and, once
 * the program is accepted, which numbers in them hold (verify_number_holds). */
struct verify_observer {
    void *ctx;
    void (*before)(void *ctx, const struct verifier *v, uint32_t insn);
    void (*accepted)(void *ctx, const struct verifier *v);
};

struct verify_options {
    size_t size;
    FILE *log;                              /* states as the kernel's log prints them, or NULL */
    uint64_t max_insns;                     /* 0: SPEC_INSNS_PROCESSED */
    const struct verify_observer *observer; /* of the program's own verification; or NULL */
    bool
        exact; /* paths meet only where nothing is lost, so that all numbers and stack slots hold */
};

/* Verifies a program of an object. Returns 0 and *out (owned by the arena; of a program that is not
 * accepted only the counts processed, states, peak_bytes and ns hold), -EACCES with exactly one
 * error in the sink if it is rejected (code VFYnnnn, instruction, source line, registers, reason,
 * what would make it right), or -ENOTSUP if it uses something that Sluice refuses by name.
 */
int verify_program(const struct load_object *object, const struct load_prog *prog,
                   const struct verify_options *options, struct arena *arena,
                   struct diag_sink *sink, const struct verify_result **out);

/* The context of a function that a call, or a helper that calls back, runs in a context, or
 * UINT32_MAX. */
uint32_t verify_context_of_call(const struct verify_result *result, uint32_t context,
                                uint32_t call_insn, uint32_t subprog);

#endif
