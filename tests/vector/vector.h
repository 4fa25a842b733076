/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_VECTOR_H
#define SLUICE_TESTS_VECTOR_H

#include "compiler/ebpf/ebpf.h"
#include "compiler/load/load.h"

/* A text vector, tests/vectors/NAME.vec: a program and, for each of its cases, the memory before,
 * the memory after and r0.
 *
 *   # comments
 *   -- maps
 *   map table array 4 8 1            name, type, bytes of key and value, entries
 *   -- memory
 *   in u64 a                         fields in their order, without gaps: u8, u16, u32, u64;
 *   out u32 sum                      in: given, stays as it is; out: 0 before; inout: given, and
 * changed
 *   -- program
 *   r0 = *(u64 *)(r1 +0)             r1 = the memory, r2 = its length; functions begin where calls
 * go exit
 *   -- cases
 *   1 -> 2 ; 3                       in and inout fields, out and inout fields, r0; numbers as in
 * C, - allowed
 */

enum { VECTOR_FIELDS = 64, VECTOR_MAPS = 4, VECTOR_MEMORY_MAX = 512 };

enum vector_use { VECTOR_IN, VECTOR_OUT, VECTOR_INOUT };

struct vector_field {
    enum vector_use use;
    uint32_t at;
    uint32_t bytes;
    const char *name;
};

struct vector_case {
    uint32_t line;
    uint8_t *before;
    uint8_t *after;
    uint64_t r0;
};

struct vector {
    const char *path;
    struct vector_field fields[VECTOR_FIELDS];
    uint32_t field_count;
    uint32_t bytes; /* of memory */
    struct load_map maps[VECTOR_MAPS];
    uint32_t map_count;
    const struct ebpf_insn *insns;
    uint32_t insn_count;
    struct vector_case *cases;
    uint32_t case_count;
};

/* Reads a file. 0, or -EINVAL, -EIO with the reason in the sink. */
int vector_read(const char *path, struct arena *arena, struct diag_sink *sink, struct vector *out);

/* What the vector did on one executor. */
struct vector_result {
    const char *mode; /* "xdp": wrapped as an XDP program and verified; "plug-in": as the
                         conformance plug-in runs it */
    const char *executor;
    uint32_t cases;  /* run */
    uint32_t failed; /* gave something else */
    const char *why; /* the first that failed, or why nothing was run; NULL if all is well */
};

/* Runs all cases, as an XDP program if the verifier takes it so, else (or with plugin) as the
 * plug-in does. */
void vector_run(const struct vector *v, const char *executor, bool plugin, struct arena *arena,
                struct vector_result *out);

/* Names what an instruction of the table is, the same for each that the table has in one row:
 * "ADD64 reg", "JEQ32 imm", "LDX W MEMSX", "ATOMIC64 add fetch", "LD_IMM64 1", "CALL helper". */
const char *vector_use_of(const struct ebpf_insn *insn, struct arena *arena);

#endif
