/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_INTERNAL_H
#define SLUICE_VERIFY_INTERNAL_H

#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/scalar.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

/* Files: structure.c and checks in mem.c, helper.c say what must hold; alu.c, mem.c, jump.c,
 * helper.c, call.c what changes; explore.c how to iterate, prune.c when a state was seen already;
 * facts.c joins what was found; explain.c words it. */

enum { SLOT_BYTES = 8, STACK_SLOTS = SPEC_STACK_BYTES / SLOT_BYTES, MAX_PACKET_OFF = 0xffff };

enum reg_type {
    REG_NONE, /* not initialised */
    REG_SCALAR,
    REG_CTX,
    REG_STACK, /* frame: which frame's r10 it is relative to */
    REG_PKT, /* id: same variable part; range: bytes from the variable part on that are proved to be
                there */
    REG_PKT_META,
    REG_PKT_END,
    REG_STALE,         /* pointed into a packet that has been moved since; can't be read */
    REG_MAP,           /* a map itself */
    REG_VALUE,         /* a map's value */
    REG_VALUE_OR_NULL, /* id: becomes REG_VALUE or 0 everywhere at once */
    REG_TYPE_COUNT
};

struct reg {
    uint8_t type; /* enum reg_type */
    uint8_t frame;
    uint16_t map;
    int32_t off; /* pointers: constant part of the offset */
    uint32_t range;
    uint32_t id;       /* scalars: same number; 0: none */
    struct scalar num; /* scalars: the number; pointers: variable part of the offset */
};

enum slot_kind { SLOT_NONE, SLOT_MISC, SLOT_ZERO, SLOT_SPILL, SLOT_KIND_COUNT };

struct slot {
    uint8_t kind[SLOT_BYTES]; /* of each byte; all SPILL or none is, for reg to hold */
    struct reg reg;
};

/* One function that is being executed. Slot i holds the bytes from r10 - 8 * (i + 1). */
struct frame {
    struct reg regs[EBPF_REGS];
    uint32_t context;    /* of verify_result.contexts */
    uint32_t return_to;  /* instruction behind the call */
    uint32_t slot_count; /* in use */
    struct slot *slots;
};

/* A state that was seen at an instruction; kept for pruning. */
struct seen {
    struct seen *next;   /* at the same instruction */
    struct seen *parent; /* the one before on the way here */
    uint32_t pending;    /* ways on from here that are not explored to their end */
    uint32_t depth;
    uint32_t hits, misses; /* comparisons; a state that is of no use is let go */
    struct frame *frames;
};

struct state {
    uint32_t insn;
    uint32_t depth; /* of the current frame */
    struct seen *parent;
    uint32_t steps; /* since the last seen state */
    struct frame frames[SPEC_CALL_FRAMES];
    struct state *next; /* in the list of states to explore, or of free ones */
};

/* A load of the context is another operation than one of memory (kernel: reg_type_mismatch). */
enum touched { TOUCHES_NOTHING, TOUCHES_CONTEXT, TOUCHES_MEMORY };

struct verifier {
    const struct load_object *object;
    const struct load_prog *prog;
    const struct verify_options *options;
    struct arena *arena; /* for the result */
    struct arena *scratch;
    struct diag_sink *sink;
    struct verify_result *result;
    uint32_t context_capacity;
    struct state *cur;
    struct state *todo;
    struct state *unused;
    struct seen **seen; /* by instruction */
    uint8_t *join;      /* by instruction: states are kept here */
    uint8_t *touches;   /* by instruction, loads: enum touched */
    uint16_t *live;     /* by instruction: registers that may be read later */
    uint16_t *precise;  /* ... whose numbers matter for safety */
    uint32_t next_id;
    uint64_t max_insns;
};

static inline struct frame *cur_frame(struct verifier *v)
{
    return &v->cur->frames[v->cur->depth];
}

static inline struct reg *reg_of(struct verifier *v, unsigned r)
{
    return &cur_frame(v)->regs[r];
}

static inline const struct ebpf_insn *insn_of(const struct verifier *v, uint32_t at)
{
    return &v->prog->insns[at];
}

static inline bool is_packet_pointer(const struct reg *r)
{
    return r->type == REG_PKT || r->type == REG_PKT_META || r->type == REG_PKT_END;
}

static inline void set_scalar(struct reg *r, struct scalar num)
{
    *r = (struct reg){.type = REG_SCALAR, .num = num};
}

static inline void set_unknown(struct reg *r)
{
    set_scalar(r, scalar_unknown());
}

/* --- structure.c --- */
int verify_structure(struct verifier *v);
/* --- live.c --- */
void verify_liveness(struct verifier *v);
/* --- alu.c, mem.c, jump.c, helper.c, call.c: one instruction each; 0 or -EACCES, -ENOTSUP after
 * verify_reject --- */
int verify_alu(struct verifier *v, uint32_t at);
int verify_ld_imm64(struct verifier *v, uint32_t at);
int verify_load(struct verifier *v, uint32_t at);
int verify_store(struct verifier *v, uint32_t at);
int verify_atomic(struct verifier *v, uint32_t at);
int verify_helper(struct verifier *v, uint32_t at);
int verify_call(struct verifier *v, uint32_t at);
/* Leaves the current frame; *done if it was the entry's. */
int verify_exit(struct verifier *v, uint32_t at, bool *done);
/* Changes the current state to what holds if the jump is taken, or not; *possible says if it can
 * be. */
int verify_jump(struct verifier *v, uint32_t at, bool taken, bool *possible);
/* Memory that a helper reads. */
int verify_read_memory(struct verifier *v, uint32_t at, unsigned r, uint32_t bytes);
/* A register that is read must be initialised. */
int verify_reads(struct verifier *v, uint32_t at, unsigned r);
/* --- explore.c --- */
int verify_explore(struct verifier *v);
/* --- prune.c --- */
/* Looks for a seen state that includes the current one. 0 and *pruned, or -EACCES for an endless
 * loop; keeps the current state otherwise. */
int verify_prune(struct verifier *v, bool *pruned);
/* A way has come to its end. */
void verify_path_ends(struct state *s);
void verify_copy_frame(struct arena *arena, struct frame *to, const struct frame *from);
/* --- facts.c --- */
uint32_t verify_context_for(struct verifier *v, uint32_t subprog, uint32_t parent, uint32_t call,
                            uint32_t depth);
struct verify_fact *verify_fact_at(struct verifier *v, uint32_t at);
void verify_note_access(struct verifier *v, uint32_t at, const struct reg *pointer, int32_t off);
void verify_note_args(struct verifier *v, uint32_t at, unsigned count);
/* --- explain.c --- */
/* Records the one error that ends the verification; returns -EACCES. */
int verify_reject(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for what Sluice does not run; returns -ENOTSUP. */
int verify_refuse(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What is known of a register, in words. */
const char *verify_describe(struct verifier *v, const struct reg *r);
void verify_log_state(struct verifier *v);

#endif
