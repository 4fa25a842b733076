/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_VERIFY_INTERNAL_H
#define SLUICE_VERIFY_INTERNAL_H

#include "compiler/ebpf/ebpf.h"
#include "compiler/verify/scalar.h"
#include "compiler/verify/verify.h"
#include "hw/spec/gen/helpers.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"

#include <errno.h>

/* The verifier's inside.
 *
 * What must hold: structure.c (before anything runs), checks.c (of one instruction in one state),
 * helper_args.c (of a helper's arguments), depth.c (of the call tree). What changes: alu.c,
 * memory.c, stack.c, jump.c, call.c, helper.c; on numbers alone tnum.c, scalar*.c. How to iterate:
 * explore.c; keep.c copies states, include.c says when one covers another, live.c which registers
 * matter; graph.c records which numbers depend on which; trips.c counts rounds of loops. What comes
 * out: facts.c, explain.c, log.c. */

enum {
    SLOT_BYTES = 8,
    STACK_SLOTS = SPEC_STACK_BYTES / SLOT_BYTES,
    ARG_COUNT = VERIFY_ARGS,
    MAX_PACKET_OFF = 0xffff,  /* Linux's MAX_PACKET_OFF: no packet is longer */
    MAX_VAR_OFF = 1 << 29,    /* BPF_MAX_VAR_OFF: pointers are not moved farther */
    MAX_BRANCHES = 8192,      /* BPF_COMPLEXITY_LIMIT_JMP_SEQ: branches that wait at one time */
    MAX_REFS = 16,            /* records of ring buffers that a program holds at one time */
    MAX_LINKED = 6,           /* LINKED_REGS_MAX: copies of a number that follow one comparison */
    MAP_RDONLY_PROG = 1 << 7, /* BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG, among a map's flags */
    MAP_WRONLY_PROG = 1 << 8,
    REGS_CALLEE = 0x3c0, /* r6 to r9, which a call leaves as they are */
};

enum reg_type {
    REG_NONE, /* not initialised */
    /* A pointer into the packet as it was before a helper moved it, or half of a pointer
     * (range is HALF_*). To Linux an unknown number; what that is differs from executor to
     * executor, but how far two of them are apart does not. */
    REG_STALE,
    REG_SCALAR,
    REG_CTX,
    REG_STACK, /* relative to a frame's r10 */
    REG_PACKET,
    REG_META,
    REG_PACKET_END,
    REG_MAP,           /* a map itself */
    REG_VALUE,         /* into a map's value */
    REG_VALUE_OR_NULL, /* what a lookup returned */
    REG_MAP_OR_NULL,   /* what a lookup in a map of maps returned */
    REG_RECORD,        /* into a record of a ring buffer */
    REG_RECORD_OR_NULL,
    REG_KEY,  /* into a key that for_each_map_elem came to */
    REG_FUNC, /* a function's address */
    REG_TYPE_COUNT
};

/* reg.range of a packet pointer that was found past data_end, or at it. */
enum { RANGE_BEYOND_END = -2, RANGE_AT_END = -1 };
/* reg.range of half a pointer: into the packet, or any other. */
enum { HALF_OF_PACKET = 1, HALF_OF_OTHER = 2 };

/* What is known of a register, or of one that was spilled to the stack. */
struct reg {
    uint8_t type;  /* enum reg_type */
    uint8_t frame; /* REG_STACK: whose r10 */
    uint16_t map;  /* REG_MAP, REG_VALUE, REG_KEY and what may become them. REG_FUNC: subprogram */
    int32_t off;   /* pointers: fixed part of the offset. Scalars with has_delta: distance from the
                      number that id names */
    int32_t range; /* packet pointers: bytes from the variable part on that are in the packet, or
                      RANGE_*. Records: their bytes */
    /* Scalars: registers with one id hold one number (has_delta: up to a distance). Packet
     * pointers: same variable part. What may be NULL, and values with a lock: the same lookup.
     * 0: none. */
    uint32_t id;
    uint32_t ref; /* records, and what is left of them: that of state.refs; 0: none */
    bool has_delta;
    bool delta32;  /* the distance is one of 32 bits: both numbers are below 2^32, and wrap there */
    uint32_t node; /* scalars: in the dependency graph; 0 is what depends on nothing */
    uint32_t from; /* instruction that set it, DIAG_NO_INSN: the start */
    struct scalar num; /* scalars: the number. Pointers: variable part of the offset */
};

/* What a stack byte holds. A spilled register of n bytes takes the first n of its slot. */
enum slot_kind { SLOT_NONE, SLOT_MISC, SLOT_ZERO, SLOT_SPILL, SLOT_KIND_COUNT };

struct slot {
    uint8_t kind[SLOT_BYTES]; /* enum slot_kind; lowest address first */
    struct reg reg;
};

/* A function while it runs. Slot i has the bytes from r10 - 8 * (i + 1). */
struct frame {
    struct reg regs[EBPF_REGS];
    uint32_t context;   /* of verify_result.contexts */
    uint32_t call_insn; /* that made the frame; the entry's: DIAG_NO_INSN */
    bool callback;      /* a helper runs it, and call_insn once more afterwards */
    uint32_t rounds;    /* of the callback that this frame's bpf_loop runs */
    uint32_t slot_count;
    struct slot *slots; /* STACK_SLOTS in the current state, slot_count in a kept one */
};

struct kept;

/* A place on the paths where the state was kept; paths form a tree of them. */
struct checkpoint {
    struct checkpoint *next;   /* at the same instruction */
    struct checkpoint *parent; /* the one before on the path; NULL for the first */
    uint32_t pending;          /* ways on from here that are not at their end; 0: explored */
    uint32_t hits, misses;
    uint64_t read[SPEC_CALL_FRAMES];    /* slots that some way on from here reads first */
    uint64_t written[SPEC_CALL_FRAMES]; /* slots that the way from parent to here writes */
    uint32_t *trips;                    /* loop heads entered on the way from parent to here ... */
    uint32_t *trips_left;               /* ... and the most times on any way on from here */
    struct kept *kept;                  /* NULL: of no more use */
};

/* Where paths may meet. */
struct place {
    uint32_t kept;     /* states */
    uint32_t arrivals; /* since the last one */
};

/* What the program took and must give back. */
struct ref {
    uint32_t id;
    uint32_t insn;  /* that took it */
    uint32_t depth; /* of the frame */
    uint32_t context;
};

/* The state at one point of one path. */
struct state {
    uint32_t insn;
    uint32_t depth; /* of the running frame */
    struct checkpoint *parent;
    uint64_t written[SPEC_CALL_FRAMES]; /* slots written whole since parent */
    uint32_t *trips;                    /* loop heads entered since parent */
    uint32_t ref_count;
    struct ref refs[MAX_REFS];
    bool locked;       /* a bpf_spin_lock is held: of a value of map ... */
    uint16_t lock_map; /* ... from the lookup lock_id, taken by lock_insn */
    uint32_t lock_id;
    uint32_t lock_insn;
    struct frame frames[SPEC_CALL_FRAMES];
};

/* A copy of a state, as small as it can be. */
struct kept {
    struct kept *next; /* waiting branch, or free */
    uint32_t bytes;    /* of its memory block */
    uint32_t jump;     /* waiting branch: the jump, whose taken side it is, or the call of a helper,
                          whose callback it is */
    struct state state;
};

/* A number and what it was made from. Marking a node marks all before it. */
struct node {
    uint32_t from[2]; /* nodes; 0: none */
    uint32_t fact;    /* number of the fact that rests on it + 1, or 0 */
    bool precise;     /* whether the program is safe depends on the number */
    bool pinned;      /* of a callback's round: other numbers there are not known to be safe */
    bool open;        /* paths with other numbers were taken for explored */
};

/* The ways on from a number are also those of another, whose path ended there. */
struct follows {
    uint32_t node;
    uint32_t other;
};

struct graph {
    struct node *nodes; /* 0 is not used */
    uint32_t count, capacity;
    struct follows *follows;
    uint32_t follows_count, follows_capacity;
    uint32_t *work;
    uint32_t work_capacity;
};

/* Where it stands that a number is always one constant, and that it is never more than max (NULL:
 * nowhere). */
struct number_fact {
    bool *is_const;
    uint64_t *max;
};

enum { KEPT_CLASSES = 16 };

struct verifier {
    const struct load_object *object; /* with maps behind its own, see own_maps */
    uint32_t own_maps; /* of the object; after them the maps in maps of maps, then arguments */
    const struct load_prog *prog;
    uint32_t entry; /* function that is verified: 0, or a global one on its own */
    FILE *log;
    const struct verify_observer *observer; /* or NULL */
    bool exact;                             /* as in verify_options */
    uint64_t max_insns;
    struct arena *arena;   /* of the result */
    struct arena *scratch; /* of the verification */
    struct diag_sink *sink;
    struct verify_result *result;
    uint32_t context_capacity;
    struct state cur;
    struct kept *waiting;
    uint32_t waiting_count;
    struct kept *unused[KEPT_CLASSES]; /* by size */
    struct checkpoint **points;        /* by instruction */
    struct place *places;              /* by instruction */
    uint8_t *joins;                    /* by instruction: paths may meet here */
    uint16_t *live;                    /* by instruction: registers that may be read from here on */
    uint8_t *pointer_used; /* by instruction: enum reg_type + 1 of the context, or of others */
    uint32_t *loop_heads;  /* by instruction: number + 1, or 0 */
    uint32_t loop_count;
    uint32_t next_id;
    uint32_t jumps, insns; /* processed since a state was kept, on whatever path */
    struct graph graph;
    struct number_fact *number_facts;
    uint32_t number_fact_count, number_fact_capacity;
    bool done; /* the path at hand is at its end */
};

static inline struct frame *cur_frame(struct verifier *v)
{
    return &v->cur.frames[v->cur.depth];
}

static inline struct reg *cur_reg(struct verifier *v, uint32_t r)
{
    return &cur_frame(v)->regs[r];
}

static inline const struct ebpf_insn *insn_at(const struct verifier *v, uint32_t at)
{
    return &v->prog->insns[at];
}

static inline bool reg_is_packet(const struct reg *r)
{
    return r->type == REG_PACKET || r->type == REG_META || r->type == REG_PACKET_END;
}

static inline bool reg_is_pointer(const struct reg *r)
{
    return r->type > REG_SCALAR;
}

/* What a pointer that may be NULL becomes when it is not, or REG_NONE. */
static inline enum reg_type reg_not_null(const struct reg *r)
{
    return r->type == REG_VALUE_OR_NULL    ? REG_VALUE
           : r->type == REG_MAP_OR_NULL    ? REG_MAP
           : r->type == REG_RECORD_OR_NULL ? REG_RECORD
                                           : REG_NONE;
}

static inline bool reg_is_zero(const struct reg *r)
{
    return r->type == REG_SCALAR && scalar_is(&r->num, 0);
}

static inline void reg_set_scalar(struct reg *r, struct scalar num, uint32_t node, uint32_t from)
{
    *r = (struct reg){.type = REG_SCALAR, .num = num, .node = node, .from = from};
}

static inline void reg_set_pointer(struct reg *r, enum reg_type type, uint32_t from)
{
    *r = (struct reg){.type = (uint8_t)type, .num = scalar_const(0), .from = from};
}

static inline void reg_unlink(struct reg *r)
{
    r->id = 0;
    if (r->has_delta) {
        r->has_delta = r->delta32 = false;
        r->off = 0;
    }
}

/* ---- what must hold; 0, or negative after verify_reject or verify_refuse ---- */
int verify_structure(struct verifier *v);         /* also finds joins and loop heads */
int verify_form(struct verifier *v, uint32_t at); /* of an instruction that a path comes to */
void verify_liveness(struct verifier *v);
int verify_stack_depth(struct verifier *v);
int verify_check_read(struct verifier *v, uint32_t at, uint32_t r);
int verify_check_write(struct verifier *v, uint32_t at, uint32_t r);

/* An access to memory through a register. */
struct access {
    uint32_t at;
    uint32_t reg; /* number of the register */
    struct reg base;
    int32_t off;
    uint32_t bytes;
    bool write;
    bool atomic;
    bool addresses;       /* those that lie there may be read: they are followed, not stored */
    const char *helper;   /* the access is a helper's, of argument reg */
    const char *function; /* ... or that of a global function */
};

/* What a helper does with memory that it is given. */
enum verify_use { VERIFY_USE_READ, VERIFY_USE_WRITE, VERIFY_USE_BOTH };

enum verify_use verify_arg_use(enum spec_arg arg);
/* All that a helper asks of its arguments. */
int verify_check_helper(struct verifier *v, uint32_t at, const struct spec_helper_row *row);
/* The map among a helper's arguments, or NULL. */
const struct load_map *verify_helper_map(const struct verifier *v, const struct frame *f,
                                         const struct spec_helper_row *row);
int verify_check_packet(struct verifier *v, const struct access *a);
int verify_check_value(struct verifier *v, const struct access *a);
int verify_check_region(struct verifier *v, const struct access *a);
int verify_check_context(struct verifier *v, const struct access *a);
int verify_check_stack(struct verifier *v, const struct access *a);
int verify_check_memory(struct verifier *v, const struct access *a);
int verify_check_offset(struct verifier *v, uint32_t at, const struct reg *pointer);
/* The same for the number that is added to it. */
int verify_check_distance(struct verifier *v, uint32_t at, const struct reg *pointer,
                          const struct scalar *by);

/* ---- what changes; the same results ---- */
int verify_alu(struct verifier *v, uint32_t at);
int verify_ld_imm64(struct verifier *v, uint32_t at);
int verify_load(struct verifier *v, uint32_t at);
int verify_store(struct verifier *v, uint32_t at);
int verify_atomic(struct verifier *v, uint32_t at);
int verify_jump(struct verifier *v, uint32_t at);
/* Makes the current state that of a jump's taken or not taken side. */
void verify_jump_side(struct verifier *v, uint32_t at, bool taken);
int verify_helper(struct verifier *v, uint32_t at);
/* Makes the current state that after a call which failed and wrote nothing. */
void verify_helper_failed(struct verifier *v, uint32_t at);
/* ... after the end of a function that a tail call in it made another program's end. */
void verify_tail_ended(struct verifier *v, uint32_t at);
int verify_call(struct verifier *v, uint32_t at);
/* global.c: what Linux asks of the arguments of a global function's call; its memory arguments as
 * maps behind the object's; the registers with which it begins on its own. */
int verify_global_call(struct verifier *v, uint32_t at, const struct load_subprog *sub);
const struct load_object *verify_global_object(const struct load_object *object,
                                               const struct load_subprog *sub,
                                               struct arena *scratch);
void verify_global_start(struct verifier *v, const struct load_subprog *sub);
int verify_exit(struct verifier *v, uint32_t at);

/* inner.c: the object with the maps in maps of maps behind its own; such a map's number. */
const struct load_object *verify_inner_object(const struct load_object *object,
                                              struct arena *scratch);
uint32_t verify_inner_map(const struct verifier *v, uint32_t outer);
/* The map of maps that such a map is in, or VERIFY_MAP_NONE if it is another. */
uint32_t verify_outer_map(const struct verifier *v, uint32_t inner);

/* held.c: records and locks. What a map's value pointer must be for its lock; whether everything is
 * given back where the program, a callback or a tail call ends. */
int verify_check_lock(struct verifier *v, uint32_t at, uint32_t r, bool unlocks);
int verify_check_record(struct verifier *v, uint32_t at, uint32_t r, const char *helper);
int verify_check_unlocked(struct verifier *v, uint32_t at, const char *what);
int verify_check_given_back(struct verifier *v, uint32_t at, const char *where);
void verify_lock(struct verifier *v, uint32_t at, const struct reg *value);
/* Makes r0 a record of so many bytes, or NULL. */
int verify_take_record(struct verifier *v, uint32_t at, uint32_t bytes);
void verify_forget_ref(struct verifier *v, uint32_t ref);
void verify_give_record(struct verifier *v, uint32_t at, uint32_t ref);

/* callback.c: helpers that call a function of the program. */
static inline bool helper_calls_back(const struct spec_helper_row *row)
{
    return row && row->args[1] == SPEC_ARG_FUNC;
}
bool verify_calls_back(const struct ebpf_insn *insn);
int verify_check_callback(struct verifier *v, uint32_t at, uint32_t r);
/* Leaves the current state for later, at the callback's beginning. */
int verify_wait_callback(struct verifier *v, uint32_t at, const struct spec_helper_row *row);
/* Makes the current state that at the callback's beginning. */
void verify_enter_callback(struct verifier *v, uint32_t at);
int verify_exit_callback(struct verifier *v, uint32_t at);

/* stack.c: the access is checked. value NULL: unknown bytes. */
void verify_stack_write(struct verifier *v, const struct access *a, struct reg *value);
int verify_stack_read(struct verifier *v, const struct access *a, struct reg *dst);
int verify_stack_argument(struct verifier *v, const struct access *a);
/* Has each byte that the access may touch been written? */
bool verify_stack_is_written(struct verifier *v, const struct access *a);
/* A helper writes there: so many bytes surely, the others of the access maybe. */
void verify_stack_fill(struct verifier *v, const struct access *a, uint32_t surely);
/* Whether the bytes hold one constant, as far as Linux sees it. The access is checked. */
/* Whether a pointer lies at an offset from a stack address. */
bool verify_stack_has_address(struct verifier *v, const struct reg *base, int32_t off);
bool verify_stack_const(struct verifier *v, const struct access *a, uint64_t *value);
/* Gives a scalar that is copied an id, so that what is learned of one holds of both. */
void verify_link(struct verifier *v, struct reg *r);

/* ---- how to iterate ---- */
int verify_explore(struct verifier *v);
/* Leaves the current state for later, at the taken side of a jump. */
int verify_wait(struct verifier *v, uint32_t jump);
struct kept *verify_keep(struct verifier *v);
void verify_restore(struct verifier *v, const struct kept *kept);
void verify_release(struct verifier *v, struct kept *kept);
/* Every way on from now is a way on from old. */
bool verify_includes(struct verifier *v, const struct checkpoint *old);
/* Nothing differs: going round once more can't end differently. */
bool verify_equals(struct verifier *v, const struct checkpoint *old);
/* The current path goes on as old's did: what mattered there matters here. */
void verify_join(struct verifier *v, struct checkpoint *old);
/* The same for a callback's round that is no more than a round before, which is not explored to its
 * end: all that went into it is pinned. */
bool verify_round_includes(struct verifier *v, const struct checkpoint *old);
void verify_join_round(struct verifier *v, struct checkpoint *old);
bool verify_same_calls(const struct state *a, const struct state *b);
/* A slot's contents are used. */
void verify_mark_slot(struct verifier *v, uint32_t frame, uint32_t slot);

uint32_t verify_node(struct verifier *v, uint32_t a, uint32_t b);
/* A node of its own for a number that depends on node alone. */
uint32_t verify_node_after(struct verifier *v, uint32_t node);
void verify_precise(struct verifier *v, uint32_t node);
void verify_pin(struct verifier *v, uint32_t node);
/* Where other is open, node is. */
void verify_follows(struct verifier *v, uint32_t node, uint32_t other);
static inline void verify_precise_reg(struct verifier *v, const struct reg *r)
{
    if (r->type == REG_SCALAR)
        verify_precise(v, r->node);
}

void verify_trips_enter(struct verifier *v, uint32_t at);
void verify_trips_add(struct verifier *v, struct checkpoint *to, const uint32_t *way,
                      const uint32_t *left);
void verify_trips_finish(struct verifier *v, const struct checkpoint *first);

/* ---- what comes out ---- */
uint32_t verify_context_for(struct verifier *v, uint32_t subprog, uint32_t parent,
                            uint32_t call_insn, uint32_t depth);
struct verify_fact *verify_fact_at(struct verifier *v, uint32_t at);
void verify_note_access(struct verifier *v, const struct access *a);
void verify_note_result(struct verifier *v, uint32_t at, struct reg *r);
void verify_note_args(struct verifier *v, uint32_t at, uint32_t count);
void verify_note_depth(struct verifier *v, uint32_t frame, int64_t low);
/* Takes back constants that other paths may contradict. */
void verify_facts_finish(struct verifier *v);

/* Of a state that an observer saw, after verify_facts_finish: whether what is known of a number
 * with this node holds in every run that comes there, or only as far as the program's safety
 * depends on it; and the registers that count in the frame at a depth of it (the others may hold
 * anything). */
bool verify_number_holds(const struct verifier *v, uint32_t node);
uint16_t verify_live_in(const struct verifier *v, const struct state *s, uint32_t depth);

/* The one error that ends the verification: -EACCES. */
int verify_reject(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What Sluice does not run: -ENOTSUP. */
int verify_refuse(struct verifier *v, const char *code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* What is known of a register and where it comes from; of a number; both in scratch. */
const char *verify_describe(struct verifier *v, const struct reg *r);
const char *verify_number_text(struct verifier *v, const struct scalar *n);
void verify_log_insn(struct verifier *v, uint32_t at);
void verify_log_state(struct verifier *v, uint32_t at);
/* All that is known where a way begins: from a jump, or NULL: at the start. */
void verify_log_way(struct verifier *v, const uint32_t *from);
void verify_log_end(struct verifier *v);
void verify_log_text(struct verifier *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
