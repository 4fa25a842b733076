/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_CORPUS_H
#define SLUICE_TESTS_CORPUS_H

#include "compiler/load/load.h"

/* Programs as people have them: examples/ and what xdp-tools installs, for tests that want many;
 * and small changes to them. */

enum { CORPUS_MAX = 2048 };

struct corpus_prog {
    const char *name; /* file and program */
    const struct load_object *object;
    const struct load_prog *prog;
};

struct corpus {
    struct arena *arena;
    struct corpus_prog progs[CORPUS_MAX];
    uint32_t count;
    uint32_t refused; /* objects that the loader does not take */
};

/* Compiles examples/ *.bpf.c with clang, if there is one, and loads them with the objects of
 * xdp-tools, if they are installed. 0 or -ENOMEM. */
int corpus_open(struct corpus *c);
/* The same with examples compiled for each instruction set that clang knows, -mcpu=v1 to v4. */
int corpus_open_all(struct corpus *c);
/* An empty one. */
int corpus_open_none(struct corpus *c);
/* Adds an object. */
void corpus_add_object(struct corpus *c, const char *path);
/* Adds the objects of a folder and of those in it. */
void corpus_add_folder(struct corpus *c, const char *path);
void corpus_close(struct corpus *c);

/* Changes a copy of a program in one step: opcode, register, offset, constant; an
 * instruction dropped or swapped with the next. `insns` is changed in place; jumps and functions
 * stay where they are. Returns what was done, for a message. */
const char *corpus_change(struct ebpf_insn *insns, uint32_t count, uint64_t *seed);
/* The same; sometimes two steps. */
const char *corpus_mutate(struct ebpf_insn *insns, uint32_t count, uint64_t *seed);

#endif
