/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_BUILDER_H
#define SLUICE_IR_BUILDER_H

#include "compiler/base/bitset.h"
#include "compiler/ebpf/ebpf.h"
#include "compiler/ir/build.h"
#include "hw/spec/gen/helpers.h"

#include <errno.h>

/* What the files of the builder share.
 *
 * build.c cuts the reached code of every call context into nodes and drives the translation in
 * reverse post-order; build_insn.c, build_call.c and build_map.c translate; build_ssa.c turns
 * variables into values (Braun et al., "Simple and efficient construction of static single
 * assignment form", 2013); build_finish.c makes the result clean. */

enum {
    BUILD_MAX_FRAMES = SPEC_CALL_FRAMES + 1,
    BUILD_VAR_DATA = BUILD_MAX_FRAMES * EBPF_REGS, /* xdp_md.data */
    BUILD_VAR_END,
    BUILD_VAR_META,  /* bytes of metadata, which lie in front of data */
    BUILD_VAR_COUNT, /* of a loop within a helper */
    BUILD_VAR_BYTES, /* loaded through a pointer to one of several memories */
    BUILD_VAR_RAND,
    BUILD_VAR_REDIRECT,
    BUILD_VAR_CALLS,   /* tail calls made for the packet, where they are counted */
    BUILD_VAR_PART,    /* the program that a tail call goes on in, on the way through a switch */
    BUILD_VAR_EVENTS,  /* bit s: the packet came to event site s */
    BUILD_VAR_WRITTEN, /* and on: bit i of word k, byte 64 * k + i of the event area was written by
                          a store to a record */
    BUILD_VAR_USED = BUILD_VAR_WRITTEN + SPEC_EVENT_BYTES / 64, /* and on: bytes that the packet's
                                                                  records take of a ring buffer */
    BUILD_RINGS = 8,
    BUILD_VARS = BUILD_VAR_USED + BUILD_RINGS,
    /* Stack pointers in registers are offset by this, so that none of them is 0 or a packet offset.
     */
    BUILD_STACK_SHIFT = 20,
    BUILD_STACK_BIAS = 1 << BUILD_STACK_SHIFT,
};

#define BUILD_NO_NODE UINT32_MAX

/* A stretch of one context's code without jumps in or out, or the head of a loop that no jump of
 * the program makes. */
enum build_node_kind {
    BUILD_NODE_CODE,
    /* The switch through which tail calls come to programs that may come back to themselves, so
     * that their loop has one entrance. succ: the start of each program, in the order of the parts.
     */
    BUILD_NODE_SWITCH,
    /* The rounds of a helper that calls a function back. succ: the starts of the functions that it
     * may be given, and what is behind the call, which is its only instruction. */
    BUILD_NODE_ROUNDS,
};

struct build_node {
    enum build_node_kind kind;
    uint32_t context;
    uint32_t start; /* first instruction ... */
    uint32_t end;   /* ... and the one after the last, program numbering */
    uint32_t *succ; /* of a tail call: where it falls through, then the programs'; of a helper that
                       calls back: its rounds, then what is behind it; of a callback's end: likewise
                     */
    uint32_t succ_count;
    uint32_t succ_capacity;
    uint32_t expected; /* edges that will come in */
    uint32_t seen;     /* edges that are there */
    bool visited;
    bool host; /* packets that come here are the host's (build_path.c): nothing follows */
    ir_block block;
};

/* A phi whose operands are not known yet. */
struct build_pending {
    struct build_pending *next;
    uint32_t var;
    ir_ref phi;
};

struct build_block {
    ir_ref *defs; /* by variable; IR_NONE: not written here */
    struct build_pending *pending;
    bool sealed; /* all predecessors are known */
    uint32_t pc; /* first eBPF instruction, or IR_NO_PC within a lowered one */
};

/* A packet access, whose offsets count from a base, data or where the metadata begin, until the
 * end. */
struct build_access {
    ir_ref insn;
    ir_ref base;
};

/* A call that takes a record of a ring buffer. */
struct build_record {
    uint32_t context;
    uint32_t pc;
    uint32_t site;
    uint32_t data; /* offset in the event area */
    uint32_t bytes;
    bool never;     /* it is larger than the ring buffer */
    bool ambiguous; /* one call for several ring buffers */
};

/* A result that hardware does not have: nobody may use it. */
struct build_unknown {
    ir_ref ref;
    uint32_t pc;
};

/* What is known of the program's events so far (build_event.c). */
struct build_events {
    struct ir_event_site *sites;
    uint32_t count, capacity;
    struct build_record *records;
    uint32_t record_count, record_capacity;
    uint16_t rings[BUILD_RINGS]; /* maps */
    uint32_t ring_count;
    uint32_t used; /* bytes of the event area */
    ir_ref beats;  /* a constant that is known at the end, or IR_NONE: not asked for */
    struct build_unknown *unknown;
    uint32_t unknown_count, unknown_capacity;
};

struct builder {
    const struct load_object *object;
    const struct load_prog *prog;
    const struct verify_result *facts;
    const struct ir_build_raw *raw; /* NULL: an XDP program */
    /* Programs that tail calls go on in; prog and facts are then those of all parts, one behind the
     * other. NULL: tail calls are refused. */
    const struct ir_tails *tails;
    struct build_parts *parts;
    struct arena *arena;
    struct diag_sink *sink;
    struct ir_func *f;
    int error;                 /* of the first refusal */
    struct build_paths *paths; /* NULL: none may be left to the host */

    struct build_node *nodes;
    uint32_t node_count;
    uint32_t node_capacity;
    uint32_t *
        *node_at; /* by context and instruction (from the subprogram's start): node + 1, or 0 */
    int32_t *frame_top; /* by context: offset of its r10 in the stack memory */

    struct build_block *blocks; /* by IR block */
    uint32_t block_capacity;
    struct build_access *accesses;
    uint32_t access_count;
    uint32_t access_capacity;

    struct build_events events;

    ir_block cur;
    const struct build_node *node; /* that is translated */
    uint32_t context;
    uint32_t depth;
    uint32_t pc;
    uint32_t *consts; /* hash table of the constants in block 0 */
    uint32_t const_count;
    uint32_t const_size;
    ir_ref inputs[SPEC_IN_COUNT];
};

/* A place in memory: where an access goes, as far as it is known. */
struct build_place {
    enum ir_region region;
    ir_ref address;
    ir_ref base; /* packet: what the offsets count from */
    int64_t imm;
    int32_t off_min;
    int32_t off_max;
    uint16_t map;
    const uint8_t *rodata; /* the bytes themselves, if they never change */
    uint32_t rodata_bytes;
    bool record; /* in the event area, a record of a ring buffer: what is written is noted, and only
                    that is read */
    const struct build_place *kinds; /* region NONE: one of these, which the address tells */
    uint32_t kind_count;
};

/* Refuses the program because of the instruction at hand; returns -ENOTSUP. */
int build_refuse(struct builder *b, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* build_ssa.c */
ir_block build_block_new(struct builder *b, uint32_t pc);
void build_seal(struct builder *b, ir_block block);
void build_write(struct builder *b, uint32_t var, ir_ref value);
ir_ref build_read(struct builder *b, uint32_t var);
ir_ref build_reg(struct builder *b, uint32_t reg);
void build_set_reg(struct builder *b, uint32_t reg, ir_ref value);
/* Instructions at the end of the current block; arithmetic on constants is done at once. */
ir_ref build_const(struct builder *b, uint64_t value);
ir_ref build_input(struct builder *b, enum spec_input which);
ir_ref build_alu(struct builder *b, enum spec_alu alu, uint8_t width, ir_ref x, ir_ref y);
ir_ref build_alu_imm(struct builder *b, enum spec_alu alu, uint8_t width, ir_ref x, uint64_t y);
ir_ref build_select(struct builder *b, ir_ref cond, ir_ref yes, ir_ref no);
ir_ref build_emit(struct builder *b, struct ir_insn insn, const ir_ref *args, uint32_t nargs);
bool build_is_const(const struct builder *b, ir_ref ref, uint64_t *value);
void build_jump(struct builder *b, ir_block to);
/* Goes on in yes or no; a constant condition becomes a jump. */
void build_branch(struct builder *b, ir_ref cond, ir_block yes, ir_block no);

/* build_insn.c */
void build_insn(struct builder *b, uint32_t pc);
ir_ref build_condition(struct builder *b, const struct ebpf_insn *insn);
const struct verify_fact *build_fact(const struct builder *b, uint32_t pc);
int build_place_of(struct builder *b, const struct verify_pointer *p, ir_ref pointer, int32_t off,
                   struct build_place *out);
ir_ref build_load(struct builder *b, const struct build_place *place, uint32_t delta,
                  uint32_t size);
void build_store(struct builder *b, const struct build_place *place, uint32_t delta, uint32_t size,
                 ir_ref value);

/* build_mixed.c: pointers that lead to different kinds of memory on different paths */
int build_mixed_place(struct builder *b, const struct verify_pointer *p, ir_ref pointer,
                      int32_t off, struct build_place *out);
ir_ref build_mixed_load(struct builder *b, const struct build_place *place, uint32_t delta,
                        uint32_t size);
void build_mixed_store(struct builder *b, const struct build_place *place, uint32_t delta,
                       uint32_t size, ir_ref value);

/* build_call.c, build_map.c, build_csum.c */
void build_helper(struct builder *b, const struct ebpf_insn *insn);
/* 1 if a map of redirect targets has one at this index. Ends the current block of an array. */
ir_ref build_target_present(struct builder *b, uint32_t map, ir_ref index);
void build_csum_diff(struct builder *b, const struct verify_fact *fact);
/* The memory that a helper's argument, in register reg, points to, as words of 8 bytes. Returns how
 * many there are, or 0 after a refusal. */
uint32_t build_load_words(struct builder *b, const struct verify_arg *arg, uint32_t reg,
                          uint32_t bytes, ir_ref *words);
/* Up to 8 bytes of memory as a value, delta bytes behind a place. */
ir_ref build_load_word(struct builder *b, const struct build_place *place, uint32_t delta,
                       uint32_t bytes);
void build_store_word(struct builder *b, const struct build_place *place, uint32_t delta,
                      uint32_t bytes, ir_ref v);
void build_map_helper(struct builder *b, uint32_t helper, const struct verify_fact *fact);
/* One of several arrays of the same form, by a map's number + 1 at run time; or array map itself,
 * if that is IR_NONE. */
struct build_array {
    uint32_t map;
    ir_ref number;
};
void build_array_helper(struct builder *b, uint32_t helper, const struct verify_fact *fact,
                        const struct build_array *array);
/* The pointer to an array's entry, which must exist. */
ir_ref build_entry(struct builder *b, const struct build_array *array, ir_ref index);
/* The bytes of a helper's argument, in register 1 + arg, as words, in memory of the arena; NULL
 * after a refusal. */
ir_ref *build_argument(struct builder *b, const struct verify_fact *fact, uint32_t arg,
                       uint32_t bytes);
int build_map_usable(struct builder *b, uint32_t map);
/* An operation on keys; r0 is what it gives. value and flags are an update's. */
void build_engine_op(struct builder *b, enum ir_op op, uint32_t map, const ir_ref *key,
                     const ir_ref *value, ir_ref flags);

/* build_inner.c: maps in maps of maps */

bool build_holds_maps(const struct load_map *map);
/* A look-up in a map of maps. */
void build_outer_lookup(struct builder *b, uint32_t map, const ir_ref *key);
/* All maps that a call's argument may be. 0, or a refusal. */
int build_inner_maps(struct builder *b, const struct verify_arg *arg, uint64_t *maps);
/* The call at once for all these maps, if they are arrays of one form; false if not. */
bool build_inner_arrays(struct builder *b, uint32_t num, const struct verify_fact *fact,
                        uint64_t maps);

/* build_tail.c: programs that go on in each other */

/* A program that a packet may come to. The first ones are those of ir_tails, in their order, as
 * they run by themselves; then come those whose end is a function's, once for each call of a
 * function that goes on in them. They share their code, but not their contexts. */
struct build_part {
    uint32_t program;        /* of ir_tails */
    uint32_t start;          /* first instruction */
    uint32_t context;        /* its entry's; those of its functions follow */
    uint32_t depth;          /* of its entry: frames that wait for its end */
    uint32_t return_context; /* where it comes back to: behind a call; UINT32_MAX: nowhere */
    uint32_t return_insn;
    uint32_t node;  /* where tail calls of it lead: its start or the switch before it */
    uint32_t group; /* first part of those that lead to each other, itself if none does */
    bool reached;
    bool cyclic; /* it may come back to itself */
};

/* A tail call of one part may go on in another. */
struct build_way {
    uint32_t from;
    uint32_t to;
};

struct build_parts {
    struct build_part *of;
    uint32_t count;
    uint32_t capacity;
    struct build_way *ways;
    uint32_t way_count;
    uint32_t way_capacity;
    uint32_t context_capacity;
    uint32_t *subprog_base; /* by program: the first of its functions */
    bool counted;           /* a packet may make more than SPEC_TAIL_CALLS tail calls */
};

/* Makes one program, and one result of the verifier, of all parts. */
void build_join_parts(struct builder *b);
/* The program, of ir_tails, that an instruction belongs to. */
uint32_t build_part_of_pc(const struct builder *b, uint32_t pc);
/* The part that a context belongs to, or NULL: there is one program alone. */
const struct build_part *build_part_of(const struct builder *b, uint32_t context);
/* A tail call that may find a program; it ends its node. */
bool build_is_tail_call(const struct builder *b, const struct ebpf_insn *insn);
/* Makes the switches, when all other nodes are there, and finds where tail calls of each part go.
 */
void build_switches(struct builder *b);
/* The programs behind a tail call, as successors of the node that it ends. */
int build_link_tail(struct builder *b, struct build_node *node, const struct verify_fact *fact);
void build_tail_call(struct builder *b, const struct build_node *node);
void build_switch(struct builder *b, const struct build_node *node);

/* build_rounds.c: helpers that call a function of the program back */

bool build_calls_back(const struct builder *b, const struct ebpf_insn *insn);
/* Makes the node of the rounds of each such call in a context. */
void build_rounds_nodes(struct builder *b, uint32_t context);
/* How often they begin at most. */
uint32_t build_rounds_max(const struct builder *b, const struct build_node *node);
/* What follows a node that ends with such a call, its rounds, and a callback's end. */
int build_link_call_back(struct builder *b, struct build_node *node, uint32_t call);
int build_link_rounds(struct builder *b, struct build_node *node);
int build_link_round_end(struct builder *b, struct build_node *node);
/* Translation of the three. */
void build_call_back(struct builder *b, const struct build_node *node);
void build_rounds(struct builder *b, const struct build_node *node);
void build_round_end(struct builder *b, const struct build_node *node);
/* Bytes above a context's frame for the key that a callback is given; a pointer into it. */
uint32_t build_key_room(const struct builder *b, uint32_t context);
int build_key_place(struct builder *b, const struct verify_pointer *p, struct build_place *out);

/* build.c */
void build_add_succ(struct builder *b, struct build_node *node, uint32_t to);
/* An instruction of a context follows; IRB0003 if the verifier did not see it. */
int build_link(struct builder *b, struct build_node *node, uint32_t context, int64_t pc);
/* An edge to a node was made, or found to be impossible. */
void build_arrive(struct builder *b, uint32_t node);
void build_enter_program(struct builder *b);

/* build_packet.c */
/* Leaves to meet with r0 = -err if the condition holds, and goes on otherwise. */
void build_leave_if(struct builder *b, ir_ref cond, int err, ir_block meet);
/* Comes to meet with r0 = 0, and goes on there. */
void build_succeed(struct builder *b, ir_block meet);
/* A loop within a helper: count goes up from 0 by steps while it is below a limit, at most so many
 * times. What is emitted between begin and end is its body. */
struct build_loop {
    ir_block head;
    ir_block after;
    ir_ref count;
    uint32_t step;
};
struct build_loop build_loop_begin(struct builder *b, ir_ref limit, uint32_t step, uint32_t trips);
void build_loop_end(struct builder *b, const struct build_loop *l);
/* xdp_md.data_meta. */
ir_ref build_data_meta(struct builder *b);
/* data_end - data */
ir_ref build_packet_bytes(struct builder *b);
void build_adjust_head(struct builder *b, const struct verify_fact *fact);
void build_adjust_meta(struct builder *b, const struct verify_fact *fact);
void build_adjust_tail(struct builder *b, const struct verify_fact *fact);
void build_buff_len(struct builder *b, const struct verify_fact *fact);

/* build_net.c, build_fib.c */
/* The map of a table of the host; made when it is first asked for. */
uint32_t build_table_map(struct builder *b, enum ir_table table);
void build_fib_lookup(struct builder *b, const struct verify_fact *fact);
void build_check_mtu(struct builder *b, const struct verify_fact *fact);

/* build_queue.c: queues, stacks, Bloom filters */
void build_push(struct builder *b, const struct verify_fact *fact);
void build_pop(struct builder *b, const struct verify_fact *fact);
void build_peek(struct builder *b, const struct verify_fact *fact);
/* build_bloom.c: the same of a Bloom filter, which is known to be usable */
void build_bloom_push(struct builder *b, const struct verify_fact *fact);
void build_bloom_peek(struct builder *b, const struct verify_fact *fact);

/* build_bytes.c */
void build_load_bytes(struct builder *b, const struct verify_fact *fact);
void build_store_bytes(struct builder *b, const struct verify_fact *fact);

/* build_ringbuf.c, build_perf.c, build_print.c, and build_event.c below: what a program tells the
 * host */
void build_ringbuf_reserve(struct builder *b, const struct verify_fact *fact);
void build_ringbuf_submit(struct builder *b, const struct verify_fact *fact);
void build_ringbuf_discard(struct builder *b, const struct verify_fact *fact);
void build_ringbuf_output(struct builder *b, const struct verify_fact *fact);
void build_ringbuf_query(struct builder *b, const struct verify_fact *fact);
void build_perf_output(struct builder *b, const struct verify_fact *fact);
void build_trace_printk(struct builder *b, const struct verify_fact *fact);
void build_trace_vprintk(struct builder *b, const struct verify_fact *fact);
/* A place in a record. */
int build_record_place(struct builder *b, const struct verify_pointer *p, struct build_place *out);
/* An access to a record, of size bytes from delta bytes behind a place on: 0 or a refusal. */
int build_record_access(struct builder *b, const struct build_place *place, uint32_t delta,
                        uint32_t size, bool store);
/* The event area as it leaves: writes what happened; beats of it, or IR_NONE if it never does. */
ir_ref build_events_exit(struct builder *b);
int build_events_finish(struct builder *b);

/* build_path.c: paths that are left to the host */

/* Packets leave at a node; nodes have the same numbers in every attempt. */
struct build_cut {
    uint32_t node;
    struct ir_path path;
};

/* What is known of them from one attempt to the next. */
struct build_paths {
    struct diag_sink sink; /* of the present attempt */
    struct build_cut *cuts;
    uint32_t count, capacity;
};

/* The translation of a node has failed: finds a node before it at which packets can leave, for the
 * next attempt. needs: nodes linked and ordered, entry first. False: there is none. */
bool build_path_cut(struct builder *b, const uint32_t *order, uint32_t count, uint32_t failed);
/* Ends a node at which packets leave. */
void build_path_end(struct builder *b);

/* build_raw.c: programs without a packet */
void build_raw_open(struct builder *b);
/* A frame begins: its r10, and what of it is read before it is written. */
void build_raw_frame(struct builder *b, uint32_t context);
/* A constant that an instruction loads. */
ir_ref build_raw_const(struct builder *b, uint64_t value);
void build_raw_call(struct builder *b);
void build_raw_return(struct builder *b);
void build_raw_exit(struct builder *b);

/* build_finish.c */
int build_finish(struct builder *b);

#endif
