/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_JOB_H
#define SLUICE_HOST_JOB_H

#include "compiler/ir/build.h"
#include "compiler/load/load.h"
#include "compiler/microcode/microcode.h"
#include "compiler/opt/opt.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/verify/verify.h"
#include "nic_runtime/map.h"

/* One program on its way from the object file to an executor. Each step is taken once, when it is
 * first asked for, and its outcome is kept: 0 or the negative errno, with the reason in the step's
 * own sink. */

enum job_step {
    JOB_VERIFY,
    JOB_LINK, /* find the programs that tail calls may go on in */
    JOB_IR,   /* build and optimise */
    JOB_MICROCODE,
    JOB_PIPELINE,
    JOB_STEP_COUNT
};

/* Where a map is to lie on a device; name NULL: of all maps. Of several that name a
 * map the last one counts. */
struct job_memory {
    const char *map;
    enum ir_place memory;
};

struct job_options {
    size_t size;
    struct opt_options opt;
    struct pipe_options pipe;
    struct verify_options verify;
    /* What the host puts into maps of programs and maps, beside what the object says. Nothing else,
     * if values_known; otherwise maps of which neither says anything may hold any other program of
     * the object, or any map that fits. */
    const struct load_value *values;
    uint32_t value_count;
    bool values_known;
    const struct job_memory *memories;
    uint32_t memory_count;
    uint64_t memory_bytes; /* external memory of the device; 0: SPEC_EXT_BYTES */
    bool paths;    /* a path that the core does not take is left to the host: what a driver that does
                      that asks for, of microcode only */
    uint64_t mark; /* of packets that come to one (ir.h) */
    bool unordered; /* for tests: in hardware packets do not wait for each other, so results may be
                       wrong */
};

struct job {
    struct arena *arena;
    const struct load_object *object;
    const struct load_prog *prog;
    struct job_options options;
    bool done[JOB_STEP_COUNT];
    int outcome[JOB_STEP_COUNT];
    uint64_t step_ns[JOB_STEP_COUNT]; /* time that the step took, the steps before it not counted */
    struct diag_sink sinks[JOB_STEP_COUNT];
    const struct verify_result *facts;
    struct ir_tails tails; /* what the program may go on in; part 0 is itself, alone if it makes no
                              tail call */
    struct job **parts;    /* by part */
    struct ir_func *ir;
    const struct ucode_image *microcode;
    const struct pipe_design *pipeline;
    struct job **others;   /* of the object's programs that maps of programs name, by number; NULL:
                              none so far */
    const char *other_why; /* why one of them can't be taken, or NULL */
};

/* Prepares a program of an object; options may be NULL. The arena outlives the job. NULL if there
 * is no memory. */
struct job *job_open(const struct load_object *object, const struct load_prog *prog,
                     const struct job_options *options, struct arena *arena);

/* Takes a step and those that it needs. 0, or the errno of the first that failed (-ENOMEM too). */
int job_do(struct job *job, enum job_step step);

/* The first error of a step or of those before it, or NULL. */
const struct diag *job_reason(const struct job *job, enum job_step step);

/* The job of the object's program number, verified, for a map of programs; NULL, with
 * job->other_why, if it can't be run. */
struct job *job_other(struct job *job, uint32_t number);

/* Whether a map of programs may get one: 0, or -EACCES, with job->other_why, if the program can't
 * be run, or if tail calls of the linked programs might find it and it is none of them. value is
 * the program's number + 1. */
int job_takes_program(struct job *job, uint32_t map, uint32_t slot, uint32_t value);

/* Whether a map of maps may get one: 0, -EINVAL if it is not like those that it holds, or -EACCES,
 * with job->other_why, if look-ups of the linked programs might find it and it was not named for
 * it. value is the map's number + 1. */
int job_takes_map(struct job *job, uint32_t map, uint32_t value);

/* Whether the object's map number inner is like those that a map of maps says it holds (as
 * bpf_map_meta_equal). */
bool job_inner_fits(const struct load_object *object, uint32_t map, uint32_t inner);
/* Maps whose values are numbers of programs or maps, + 1, and are named in files. */
bool job_holds_programs(const struct load_map *map);
bool job_holds_maps(const struct load_map *map);
/* Maps of two objects with the same name and definition: one program's contents may become the
 * other's. What they begin with does not count. */
bool job_same_definition(const struct load_map *a, const struct load_map *b);

/* The definition of the object's map number index, as the runtime wants it. */
struct map_def job_map_def(const struct load_object *object, uint32_t index);

#endif
