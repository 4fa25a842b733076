/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PIPELINE_PIPE_H
#define SLUICE_PIPELINE_PIPE_H

#include "compiler/base/bitset.h"
#include "compiler/pipeline/pipeline.h"

/* What the steps of the generator share. A program becomes a graph without control flow
 * (predicate.c, lower.c, window.c), whose nodes are placed into stages (schedule.c); hazards.c
 * decides how packets meet at maps, stretches.c where they wait, live.c what each stage boundary
 * carries, emit*.c and listing.c write it down. */

typedef uint32_t pipe_ref; /* a node of pipe_graph.nodes; 0: none */

#define PIPE_NONE 0u
#define PIPE_NO_STAGE UINT32_MAX
#define PIPE_MAX_BYTES 1024u             /* bytes of one node: bound of the byte lists */
#define PIPE_POSITION_BITS 22u           /* pipe_payload: number of a beat, byte in it */
#define PIPE_IN_FIRST_BEAT SPEC_IN_COUNT /* number of the packet's first beat, 16 bits */

enum pipe_kind {
    PIPE_K_NONE,
    PIPE_K_CONST,  /* imm */
    PIPE_K_META,   /* imm: enum spec_input, or PIPE_IN_FIRST_BEAT */
    PIPE_K_WINDOW, /* the packet's bytes as they came; only parts refer to it */
    PIPE_K_ALU,    /* alu, width; args: a[, b] */
    PIPE_K_SELECT, /* args: condition of one bit, then, else */
    PIPE_K_AND,    /* one bit, of two */
    PIPE_K_OR,
    PIPE_K_NOT,
    PIPE_K_BYTES,  /* parts: bytes of other nodes, lowest first; wiring only */
    PIPE_K_COARSE, /* args: index; parts: the group of size + 7 bytes that starts at byte index & ~7
                    */
    PIPE_K_FINE,   /* args: group, index: size bytes of it that start at byte index & 7 */
    PIPE_K_SPREAD, /* args: value, index: value moved up by index & 7 bytes, size + 7 bytes */
    PIPE_K_ARG,    /* within a fused unit: imm says which of the unit's inputs or words */
    PIPE_K_OUT,    /* args: fused unit; imm: which of its outputs */
    /* Units: each stands between two stages and takes several clocks. */
    PIPE_K_PKT_LOAD,   /* args: predicate, position in the payload memory */
    PIPE_K_MAP_LOAD,   /* args: predicate, address */
    PIPE_K_MAP_STORE,  /* args: predicate, address, value */
    PIPE_K_MAP_ATOMIC, /* args: predicate, address, operand[, expected] */
    PIPE_K_FUSED,      /* args: predicate, row, inputs; see struct pipe_fused */
    PIPE_K_LOOKUP,     /* args: predicate, cpu, key words */
    PIPE_K_USE,        /* the same, of an LRU map */
    PIPE_K_UPDATE,     /* args: predicate, cpu, flags, key words, value words */
    PIPE_K_DELETE,     /* args: predicate, cpu, key words */
    PIPE_K_MUL,        /* width; args: a, b */
    PIPE_K_DIV,        /* alu, width; args: a, b */
    PIPE_K_COUNT
};

/* Byte `index` of a node. */
struct pipe_part {
    pipe_ref node;
    uint32_t index;
};

struct pipe_node {
    uint8_t kind;  /* enum pipe_kind */
    uint8_t alu;   /* enum spec_alu */
    uint8_t width; /* 32 or 64 */
    uint8_t size;  /* bytes of an access */
    uint8_t atomic;
    bool fetch;
    uint8_t bank; /* access to a map's value: which of its memories */
    uint8_t step; /* COARSE, FINE, SPREAD: log2 of the index's known alignment, 0 to 3 */
    bool live;    /* something depends on it */
    uint16_t map;
    uint16_t nargs;
    uint32_t part_count;
    uint32_t proved_bits; /* higher bits are zero */
    uint32_t bits;        /* higher bits are zero or nobody looks at them */
    uint32_t pc;          /* eBPF instruction, or IR_NO_PC */
    ir_ref value;         /* IR value that the node gives, or IR_NONE */
    ir_block block; /* IR block of a unit; block whose predicate the node is, or IR_NO_BLOCK */
    uint32_t stage; /* where it is computed; units: where they take their arguments, the result is
                       there in stage + 1 */
    uint32_t level; /* LUT levels from the start of that stage to its result */
    uint32_t last_use;
    uint64_t imm;
    pipe_ref owner; /* the fused unit that computes the node inside, or PIPE_NONE */
    pipe_ref *args;
    struct pipe_part *parts;
};

/* Bytes of a memory that one packet has for itself, as values: which node's byte each one is now.
 */
struct pipe_memory {
    struct pipe_part *data;
    pipe_ref *mask; /* one bit: the byte has been written; NULL if nobody asks */
    uint32_t count;
};

/* An access that became part of a fused unit, as it was. */
struct pipe_member {
    pipe_ref ref;
    ir_block block;
    uint8_t kind;
};

/* An atomic unit at a map: all accesses of a packet to one value of it, and the operations between
 * them that lead from what is read to what is written, done in one clock on the whole value. The
 * nodes inside are copies that the unit owns, in the order of their numbers; those of kind
 * PIPE_K_ARG stand for what comes in. Nodes outside that depend on them are of kind PIPE_K_OUT. */
struct pipe_fused {
    pipe_ref unit;
    uint32_t map;
    uint32_t words;  /* of the value, 8 bytes each */
    uint32_t levels; /* of the longest path, with the memory's own choices */
    pipe_ref *inner;
    uint32_t inner_count;
    struct pipe_part *row; /* the value's new bytes */
    pipe_ref *outputs;     /* what the outputs are inside, ... */
    pipe_ref *outs;        /* ... and outside */
    uint32_t output_count;
    struct pipe_member *members;
    uint32_t member_count;
};

#define PIPE_ARG_WORD (UINT64_C(1) << 31) /* imm of an ARG: word number ...; if not set, input */
#define PIPE_FUSED_FIRST_INPUT 2u         /* of the unit's args */
#define PIPE_ROW_WORDS_MAX 8u

/* How packets meet at a map, and which accesses it has. */
struct pipe_map_plan {
    enum pipe_hazard hazard;
    uint32_t banks;        /* memories that hold the values, 8-byte words in turn: a power of two */
    pipe_ref *value_sites; /* in order of their stages */
    uint32_t value_count;
    pipe_ref *key_sites;
    uint32_t key_count;
    pipe_ref *protected; /* those of both that the stretch covers */
    uint32_t protected_count;
    pipe_ref *key; /* KEY: words that are compared (key words and cpu, or the address) */
    uint32_t key_words;
    uint32_t key_bits;    /* of each word */
    pipe_ref take;        /* predicate: the packet enters the stretch */
    uint32_t first_stage; /* boundaries of the stretch's first and last units */
    uint32_t last_stage;
    uint32_t accesses;
    bool on_miss;             /* only packets that find no entry at first enter the stretch */
    const char *why;          /* of the choice, for the listing */
    const char *why_apart;    /* why its accesses are no atomic unit, or NULL */
    struct pipe_fused *fused; /* or NULL */
};

struct pipe_graph {
    struct ir_func *f; /* our own copy */
    struct arena *arena;
    struct diag_sink *sink;
    uint32_t delay_levels;
    uint32_t window_limit; /* bytes from SPEC_PKT_BASE */
    uint32_t max_stages;
    uint32_t unit_levels;
    bool unordered;          /* see pipe_options */
    bool *external;          /* of each map: its values lie in external memory, ... */
    uint64_t *external_base; /* ... from this byte on */

    struct pipe_node *nodes; /* arguments before their users */
    uint32_t count;
    uint32_t capacity;
    uint32_t *table; /* open hash table of pure nodes, for sharing */
    uint32_t table_size;
    struct pipe_range *ranges; /* range.c: of the first range_count nodes */
    uint32_t range_count;
    uint32_t range_capacity;
    uint32_t pc; /* of nodes that are made now */
    ir_block block;

    /* control flow */
    ir_block *order; /* reachable blocks, topologically */
    uint32_t order_count;
    uint32_t *position; /* of a block in order; UINT32_MAX: not reachable */
    ir_block *idom;
    pipe_ref *on;             /* predicate of a block */
    struct bitset *reach;     /* blocks that may follow a block */
    pipe_ref *value_of;       /* IR value -> node */
    const uint64_t *pointers; /* by IR value: ir_pointers */

    pipe_ref window;           /* the packet's bytes as they came */
    struct pipe_memory packet; /* index 0: buffer offset 0 */
    struct pipe_memory events; /* index 0: buffer offset SPEC_EVENT_BASE */
    struct pipe_memory stack;
    uint32_t reach_end;  /* buffer offset after the last byte reached */
    uint32_t reach_head; /* lowest buffer offset reached */
    pipe_ref zero_from;

    pipe_ref *walk; /* nodes outside of fused units, arguments before their users */
    uint32_t walk_count;
    pipe_ref **before; /* of a unit: what comes before it beside its arguments, 0 at the end */
    uint32_t before_count;
    uint32_t fuse_attempts;

    pipe_ref *units; /* in program order; fused units at the end */
    uint32_t unit_count;
    uint32_t unit_capacity;

    /* results */
    pipe_ref ret, data, data_end, redirect, meta, len;
    pipe_ref told; /* one bit: the event area leaves, too */
    uint32_t event_bytes;
    uint32_t window_bytes, head_bytes;
    struct pipe_part *out_data; /* head_bytes + window_bytes */
    pipe_ref *out_mask;

    uint32_t stages;
    pipe_ref *unit_at;     /* boundary after stage i: its unit, or PIPE_NONE */
    uint32_t *window_last; /* last stage that reads a window byte, or PIPE_NO_STAGE */
    struct pipe_map_plan *maps;
};

/* graph.c: nodes, with simplification and sharing */
void pipe_graph_open(struct pipe_graph *g);
pipe_ref pipe_const(struct pipe_graph *g, uint64_t value);
/* One of enum spec_input, or PIPE_IN_FIRST_BEAT. */
pipe_ref pipe_meta(struct pipe_graph *g, uint32_t which);
/* An ARG of so many bits. */
pipe_ref pipe_arg(struct pipe_graph *g, uint64_t imm, uint32_t bits);
pipe_ref pipe_alu(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a, pipe_ref b);
pipe_ref pipe_select(struct pipe_graph *g, pipe_ref c, pipe_ref a, pipe_ref b);
pipe_ref pipe_and(struct pipe_graph *g, pipe_ref a, pipe_ref b);
pipe_ref pipe_or(struct pipe_graph *g, pipe_ref a, pipe_ref b);
pipe_ref pipe_not(struct pipe_graph *g, pipe_ref a);
/* A value as one bit: is it not zero? */
pipe_ref pipe_truth(struct pipe_graph *g, pipe_ref a);
pipe_ref pipe_bytes(struct pipe_graph *g, const struct pipe_part *parts, uint32_t count);
/* Bytes first .. first + count - 1 of a node. */
pipe_ref pipe_slice(struct pipe_graph *g, pipe_ref a, uint32_t first, uint32_t count);
/* COARSE, FINE, SPREAD; parts may be NULL. */
pipe_ref pipe_pick(struct pipe_graph *g, enum pipe_kind kind, uint32_t size, uint32_t step,
                   const pipe_ref *args, uint32_t nargs, const struct pipe_part *parts,
                   uint32_t part_count);
/* A unit; never shared. */
pipe_ref pipe_unit(struct pipe_graph *g, struct pipe_node node, const pipe_ref *args,
                   uint32_t nargs);
bool pipe_is_const(const struct pipe_graph *g, pipe_ref a, uint64_t *value);
bool pipe_is_unit(const struct pipe_node *n);
/* An access to map values. */
static inline bool pipe_on_values(const struct pipe_node *n)
{
    return n->kind >= PIPE_K_MAP_LOAD && n->kind <= PIPE_K_MAP_ATOMIC;
}
static inline bool pipe_is_lookup(const struct pipe_node *n)
{
    return n->kind == PIPE_K_LOOKUP || n->kind == PIPE_K_USE;
}
/* A unit that is an access to a map. */
bool pipe_is_access(const struct pipe_node *n);
/* A unit that asks the engine of an LPM map. */
bool pipe_asks_lpm(const struct pipe_graph *g, const struct pipe_node *n);
/* The conjuncts of p that base does not imply already; p itself if base is none of them. */
pipe_ref pipe_relative(struct pipe_graph *g, pipe_ref p, pipe_ref base);

/* simplify.c: an operation as something simpler, or PIPE_NONE; b may be PIPE_NONE */
pipe_ref pipe_simplify(struct pipe_graph *g, enum spec_alu alu, uint32_t width, pipe_ref a,
                       pipe_ref b);

/* range.c: bounds of a value as a signed number */
void pipe_range_of(struct pipe_graph *g, pipe_ref a, int64_t *lo, int64_t *hi);

/* congruence.c: what is known about a value without running the program */
struct pipe_congruence {
    uint64_t modulus; /* value = residue (mod modulus); 0: it is residue, 1: nothing known */
    uint64_t residue;
};
struct pipe_congruence pipe_congruence_of(const struct pipe_graph *g, pipe_ref a);
/* The low 32 bits alone, as an offset in a map's value memory. */
struct pipe_congruence pipe_offset_congruence(const struct pipe_graph *g, pipe_ref a);

/* The steps, in their order. 0, or -ENOTSUP with the reason in the sink. */
int pipe_unroll(struct pipe_graph *g);
void pipe_coalesce(struct pipe_graph *g);
int pipe_predicate(struct pipe_graph *g);
int pipe_lower(struct pipe_graph *g);
int pipe_window_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out);
int pipe_window_store(struct pipe_graph *g, const struct ir_insn *in);
void pipe_window_zero(struct pipe_graph *g, pipe_ref on, pipe_ref from, pipe_ref to);
void pipe_window_open(struct pipe_graph *g);
int pipe_window_close(struct pipe_graph *g);
/* A load at a run-time offset between lo and hi from what the window's bytes are now. */
pipe_ref pipe_window_pick(struct pipe_graph *g, const struct ir_insn *in, pipe_ref address,
                          int64_t lo, int64_t hi);
/* far.c: a load of packet bytes that the window may not hold, between offsets lo and hi. */
int pipe_far_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref address, int64_t lo,
                  int64_t hi, pipe_ref *out);
/* After the schedule: its reads of the payload memory before a stage, or all of them. */
uint32_t pipe_far_count(const struct pipe_graph *g, uint32_t before_stage);
/* value.c: accesses to the values of maps */
int pipe_map_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out);
int pipe_map_store(struct pipe_graph *g, const struct ir_insn *in);
int pipe_map_atomic(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out);
/* Refuses a map that no engine serves; hash: for operations on keys. */
int pipe_check_map(struct pipe_graph *g, uint32_t pc, uint32_t map, bool hash);
/* Parts that somebody looks at. */
uint32_t pipe_part_count(const struct pipe_node *n);
void pipe_demand(struct pipe_graph *g);
/* external.c: chooses the maps whose values lie in external memory, and their places there. */
void pipe_place_maps(struct pipe_graph *g);
bool pipe_has_external(const struct pipe_graph *g);
/* Accesses to values there in the boundaries before a stage; with sites, which. After the schedule.
 */
uint32_t pipe_external_sites(const struct pipe_graph *g, uint32_t before, pipe_ref *sites);

/* After the last pipe_demand: inputs of fused units that nobody looks at become 0. */
void pipe_drop_inputs(struct pipe_graph *g);
int pipe_hazards(struct pipe_graph *g);
/* order.c: makes g->walk. False if some nodes depend on each other. */
bool pipe_order(struct pipe_graph *g);
/* Number i of what a node depends on, or PIPE_NONE: its arguments and parts; for units then those
 * of the same map that must come before, and what a lock in front of it looks at. needs: pipe_order
 * for these. */
pipe_ref pipe_dependence(const struct pipe_graph *g, pipe_ref a, uint32_t i);
/* Must b come after a, both units of one map? */
bool pipe_keeps_order(const struct pipe_graph *g, pipe_ref a, pipe_ref b);
/* fuse.c: makes one unit of accesses to values of a map, each of which lies in the value that
 * starts at byte `start` of the map's memory. False and *why if that is not possible. */
struct pipe_fuse_request {
    uint32_t map;
    pipe_ref start;
    pipe_ref call;     /* predicate: the packet comes to the unit */
    pipe_ref *members; /* in program order */
    uint32_t *fields;  /* bytes of the value where they begin */
    uint32_t count;
};
bool pipe_fuse(struct pipe_graph *g, const struct pipe_fuse_request *r, struct pipe_fused **out,
               const char **why);
/* Does unit b run after unit a on some path? */
bool pipe_before(const struct pipe_graph *g, pipe_ref a, pipe_ref b);
int pipe_schedule(struct pipe_graph *g);
void pipe_stretches(struct pipe_graph *g);
void pipe_live(struct pipe_graph *g);
const char *pipe_emit(struct pipe_graph *g);
const char *pipe_listing(struct pipe_graph *g);

/* Values that an edge of the control flow graph carries: predicate of the edge that is pred number
 * i of block b. */
pipe_ref pipe_edge(struct pipe_graph *g, ir_block b, uint32_t i);
/* LUT levels of a node by the delay model. */
uint32_t pipe_levels(const struct pipe_graph *g, pipe_ref a);
/* True if the node is computed anew in every stage that uses it, instead of being carried. */
bool pipe_is_wiring(const struct pipe_graph *g, pipe_ref a);
/* True if a value is carried over the boundary after stage `stage`. */
bool pipe_crosses(const struct pipe_graph *g, pipe_ref a, uint32_t stage);
/* The first stage in which a node's value is there. */
uint32_t pipe_ready_stage(const struct pipe_graph *g, pipe_ref a);

/* Maps that the engines cannot hold are refused. */
int pipe_check_maps(struct pipe_graph *g);

/* timing.c */
/* Clocks from one stage to the next over the boundary after `stage`, when nothing waits. */
uint32_t pipe_boundary_cycles(const struct pipe_graph *g, uint32_t stage);
/* Clocks from a packet's entry into a map's stretch to its release. */
uint32_t pipe_stretch_cycles(const struct pipe_graph *g, uint32_t map);
/* Packets that a map's lock must be able to tell apart. */
uint32_t pipe_lock_depth(const struct pipe_graph *g, uint32_t map);
uint32_t pipe_total_cycles(const struct pipe_graph *g);
/* Most accesses that one packet makes at one port of a map. */
uint32_t pipe_port_accesses(const struct pipe_graph *g, uint32_t map);
/* Most reads of the payload memory that one packet makes. */
uint32_t pipe_far_accesses(const struct pipe_graph *g);

/* The first eBPF instruction of a block, or IR_NO_PC. */
uint32_t pipe_first_pc(const struct ir_func *f, ir_block b);
/* A message about the instruction at pc; returns -ENOTSUP. */
int pipe_refuse(struct pipe_graph *g, const char *code, uint32_t pc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
