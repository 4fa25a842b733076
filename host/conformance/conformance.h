/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_CONFORMANCE_H
#define SLUICE_HOST_CONFORMANCE_H

#include "compiler/base/bitset.h"
#include "compiler/ebpf/ebpf.h"
#include "compiler/ir/build.h"
#include "host/ctl/executor.h"
#include "nic_runtime/vm.h"

/* Programs that nobody verified, on every executor: r1 = memory, r2 = its length, r0 is the result
 * (docs/conformance.md).
 *
 * Hardware has no run-time checks, and its compilers want to know of each access to which memory it
 * goes. Where the verifier proves that for all packets, here the run itself is watched in the
 * interpreter first (observe.c): what it executes, and where that goes. What is compiled (narrow.c)
 * is the program as far as it is executed; each decision is still made by the hardware, and a way
 * that the run does not take leads to a result that no right run has. A program that faults does so
 * in the watched run, and is not compiled.
 *
 * Where every access of the program goes to one kind of memory, memory is the packet and the stack
 * the executor's stack. Else both lie in one map, and an address is what the program computed. */

enum {
    CONF_MAX_INSNS = 1 << 24, /* executed, until a run counts as endless */
    CONF_MEMORY_MAX = 8192,   /* bytes */
    CONF_HELPER_ARGS = 5,
};

/* What r0 is where a run comes that should not. */
#define CONF_POISON UINT64_C(0xdead2badbad2dead)

struct conf_program {
    struct arena *arena;
    const struct load_object *object;
    const struct load_prog *prog;
    struct map **maps; /* for the interpreter */
    uint8_t **values;  /* what the maps of data sections start with */
    struct vm_program vm;
};

/* One run: the memory before and, afterwards, as the program left it; aligned to 8 bytes. */
struct conf_run {
    uint8_t *memory;
    uint32_t bytes;
    uint64_t r0;
};

/* program.c */
/* Hex digits, two a byte, with blanks between bytes or without; NULL in *why if all is well.
 * Returns the bytes that were read. */
size_t conf_hex(const char *text, uint8_t *bytes, size_t most, const char **why);
/* From instructions, or from an ELF object: 0 and *out, or negative errno and the reason. */
int conf_program_open(const void *data, size_t bytes, bool elf, struct conf_program *out,
                      char why[EXEC_WHY_BYTES]);
/* From instructions that are there already, with maps that ld_imm64 names by their index. */
int conf_program_of(const struct ebpf_insn *insns, uint32_t count, const struct load_map *maps,
                    uint32_t map_count, struct conf_program *out, char why[EXEC_WHY_BYTES]);
void conf_program_close(struct conf_program *p);
/* Empties the maps and fills those of data sections. */
void conf_program_reset(struct conf_program *p);
/* Runs it in the interpreter. watch may be NULL. */
int conf_interpret(struct conf_program *p, struct conf_run *run, const struct vm_watch *watch,
                   char why[EXEC_WHY_BYTES]);

/* What was seen of an instruction in one call context. */
struct conf_note {
    bool executed;
    bool jumped; /* a conditional jump was taken ... */
    bool fell;   /* ... and was not */
    struct verify_pointer access;
    struct verify_arg *args; /* of a helper, once it was called */
};

/* One way down the call tree; context 0 is the program. */
struct conf_context {
    uint32_t entry; /* first instruction */
    uint32_t parent;
    uint32_t call_insn;
    uint32_t depth;
    struct conf_note *notes; /* one an instruction of the program */
    uint32_t
        *trips; /* of each instruction: most entries over the back edges of a loop that it heads */
    int32_t lowest;  /* stack offset touched, 0 or less */
    uint64_t zeroed; /* words of 8 bytes of the frame that were read before they were written */
};

struct conf_observation {
    struct conf_context *contexts;
    uint32_t count;
    uint32_t capacity;
    bool one_memory; /* some access goes to several kinds of memory, or is an atomic one on the
                        memory */
};

/* observe.c: runs all cases and notes what they do. The runs' memories hold the results then. */
int conf_observe(struct conf_program *p, struct conf_run *runs, uint32_t count, struct arena *arena,
                 struct conf_observation *out, char why[EXEC_WHY_BYTES]);

/* What goes to the compiler. */
struct conf_narrow {
    const struct load_object *object;
    const struct load_prog *prog;
    struct verify_result facts;
    struct ir_build_raw raw;
};

/* narrow.c */
int conf_narrow(const struct conf_program *p, const struct conf_observation *seen,
                uint32_t memory_bytes, bool one_memory, struct arena *arena,
                struct conf_narrow *out, char why[EXEC_WHY_BYTES]);

/* hardware.c: a program compiled for runs like those that were given (memory of the same length).
 * The maps of a program keep what one run leaves in them for the next. icarus: simulates pipelines,
 * instead of Verilator. */
struct conf_device;
int conf_device_open(struct conf_program *p, const struct conf_run *runs, uint32_t count,
                     const char *executor, bool icarus, struct conf_device **out,
                     char why[EXEC_WHY_BYTES]);
int conf_device_run(struct conf_device *d, struct conf_run *run, char why[EXEC_WHY_BYTES]);
void conf_device_close(struct conf_device *d); /* NULL-safe */

#endif
