/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_H
#define SLUICE_IR_H

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "hw/spec/gen/alu.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/map_types.h"
#include "hw/spec/gen/xdp.h"

#include <stdbool.h>

/* The SSA form between the verifier and the back ends.
 *
 * A function is a whole program with its subprograms inlined. Every value has 64 bits. What eBPF
 * has as hidden state is explicit here, so that a back end needs nothing but plain operations:
 *  - packet pointers are byte offsets in the packet's buffer: xdp_md.data is SPEC_PKT_BASE at the
 * start, data_end is SPEC_PKT_BASE + input len. Both are SSA values; adjust_head and adjust_tail
 * become arithmetic on them.
 *  - stack pointers are offsets 0 .. SPEC_STACK_BYTES-1 in one stack memory, the frames of the call
 * chain packed below each other; most of it is promoted to values.
 *  - a pointer to a map value is ((map + 1) << SPEC_MAPPTR_SHIFT) | byte offset in the map's value
 * memory, 0 is NULL. Entry e of CPU c lies at (e * cpus + c) * stride. Look-ups in maps of engine
 * vmem (arrays) are arithmetic; only hash maps need the engine. For a per-CPU hash map the engine
 * gives the pointer for the cpu operand.
 *  - a map itself is its number + 1, 0 is NULL: so a map of maps holds it.
 *  - the random generator's state, the pending redirect (hw/spec/xdp.toml, output) are SSA values.
 * Key and value operands of map operations are 64-bit little-endian words, the last one
 * zero-padded.
 */

typedef uint32_t ir_ref;   /* an instruction of ir_func.insns; also its value */
typedef uint32_t ir_block; /* a block of ir_func.blocks */

#define IR_NONE 0u /* no instruction: insns[0] is a NOP */
#define IR_NO_BLOCK UINT32_MAX
#define IR_MAP_ANY 0xffffu
#define IR_NO_PC UINT32_MAX

enum ir_op {
#define X(op, text, min, max, result, effect) IR_##op,
#include "compiler/ir/ir_ops.h"
#undef X
    IR_OP_COUNT
};

enum ir_region { IR_REGION_NONE, IR_REGION_PKT, IR_REGION_STACK, IR_REGION_MAP, IR_REGION_COUNT };

struct ir_insn {
    uint8_t op;     /* enum ir_op */
    uint8_t alu;    /* ALU: enum spec_alu */
    uint8_t width;  /* ALU: 32 or 64. A compare gives 0 or 1 */
    uint8_t region; /* LOAD, STORE, ATOMIC: enum ir_region */
    uint8_t size;   /* LOAD, STORE: 1 to 8 bytes; ATOMIC: 4 or 8 */
    bool swap;      /* LOAD, STORE: big-endian */
    uint8_t atomic; /* ATOMIC: enum spec_atomic */
    bool fetch;     /* ATOMIC: the old value is used by the program */
    uint16_t map;   /* region MAP, MAP_*: index of the map, or IR_MAP_ANY */
    uint16_t nargs;
    uint32_t block;
    uint32_t pc;  /* eBPF instruction that it comes from, or IR_NO_PC */
    uint64_t imm; /* CONST: value; INPUT: which; LOAD, STORE, ATOMIC: signed byte offset */
    ir_ref *args;
    int32_t off_min; /* LOAD, STORE of region PKT: lowest and highest buffer offset of the first
                        byte, as */
    int32_t
        off_max; /* proved by the verifier and the passes. STACK: likewise in the stack memory */
};

struct ir_block_data {
    ir_ref *insns; /* phis first, terminator last */
    uint32_t count;
    uint32_t capacity;
    ir_block succ[2];
    uint32_t succ_count;
    ir_block *preds;
    uint32_t pred_count;
    uint32_t pred_capacity;
    uint32_t trip_max; /* loop header: bound on entries over the back edges on one path; 0: not a
                          loop header */
};

/* Tables of the host that are maps of a device without being maps of the object: the host fills
 * them. */
enum ir_table {
    IR_TABLE_NONE,
    IR_TABLE_INTERFACES,
    IR_TABLE_ROUTES,      /* as Linux without rules of its own asks its tables, ... */
    IR_TABLE_ROUTES_MAIN, /* ... and with BPF_FIB_LOOKUP_DIRECT */
    IR_TABLE_NEIGHBOURS,
    IR_TABLE_COUNT
};

/* Where a map lies on a device. */
enum ir_place {
    IR_MEMORY_AUTO, /* on chip if there is room, else outside */
    IR_MEMORY_CHIP,
    IR_MEMORY_EXTERNAL, /* values outside, keys if the chip has no room for them */
    IR_MEMORY_FAR,      /* values and, of hash maps, keys outside */
    IR_MEMORY_COUNT
};

/* IR_TABLE_INTERFACES: a value; the key is the interface's number, in 32 bits. */
struct ir_interface {
    uint32_t mtu;
    uint32_t forwarding; /* 1: packets that come in there are forwarded */
};

enum {
    IR_ADDRESS_BYTES = 16,
    IR_MAC_BYTES = 6,
    /* Bytes 0 to 11 of an IPv4 address in a table of routes are ff 04 and zeros: IPv6 multicast,
     * which no look-up asks for. So one table has both. */
    IR_ROUTE_IP4_BITS = 96,
    IR_ROUTE_IP4_START = 0x04ff, /* the first 4 of them as a number */
};

/* IR_TABLE_ROUTES, IR_TABLE_ROUTES_MAIN: key (an lpm_trie's) and value. Prefix ff04::/96 is always
 * there. */
struct ir_route_key {
    uint32_t bits;
    uint8_t to[IR_ADDRESS_BYTES];
};

struct ir_route {
    uint32_t answer; /* what bpf_fib_lookup gives without looking further, 0: it looks */
    uint32_t ifindex;
    uint32_t metric;
    uint32_t mtu; /* of the interface; IPv4: 65535 at most */
    uint32_t has_via;
    uint8_t mac[IR_MAC_BYTES]; /* the interface's */
    uint16_t unused;
    uint8_t via[IR_ADDRESS_BYTES]; /* an IPv4 address takes the first 4 bytes */
};

/* IR_TABLE_NEIGHBOURS: key and value. */
struct ir_neighbour_key {
    uint32_t ifindex;
    uint32_t family; /* AF_INET, AF_INET6 */
    uint8_t address[IR_ADDRESS_BYTES];
};

struct ir_neighbour {
    uint8_t mac[IR_MAC_BYTES];
    uint16_t unused;
};

/* A map as the back ends see it. Those of the object come first. */
struct ir_map {
    const char *name;
    uint32_t type;   /* enum spec_map_type */
    uint32_t engine; /* enum spec_map_engine */
    uint32_t key_bytes;
    uint32_t value_bytes;
    uint32_t stride_bytes; /* of a Bloom filter: its words, not those of value_bytes */
    uint32_t max_entries;
    uint32_t extra; /* of a Bloom filter: map_extra */
    uint32_t cpus;
    uint8_t table;  /* enum ir_table */
    uint8_t memory; /* enum ir_place: what is asked for */
    uint64_t holds; /* of a map of maps: those that may be in it; bit i is map i */
    /* What the program does with it (ir_map_uses fills these; they decide tokens and hazards). */
    bool reads;   /* loads values */
    bool writes;  /* stores to values */
    bool atomics; /* atomics without fetch ... */
    bool fetches; /* ... and with it */
    bool looks_up;
    bool updates;
    bool deletes;
};

/* Values of one CPU in the map's value memory, stride_bytes each. */
static inline uint64_t ir_map_entries(const struct ir_map *m)
{
    return spec_map_entries(m->type, m->max_entries, m->extra);
}

/* Bytes of value memory that a map takes on a device, a multiple of SPEC_EXT_LINE_BYTES; one with
 * keys has a spare entry. At most 2^47, which no device has. */
uint64_t ir_map_bytes(const struct ir_map *map);

/* Where an eBPF instruction stands, for listings. */
struct ir_source {
    const char *ebpf; /* disassembled */
    const char *file;
    uint32_t line;
    const char *text;
};

/* A path that no hardware runs: a packet that comes to it leaves unfinished, and the host runs the
 * program on it from its start (IR_HOST, build_path.c). */
struct ir_path {
    uint32_t pc;               /* where packets leave */
    const struct diag *reason; /* the instruction that hardware lacks, and why */
};

/* What the host is given of such a packet, in front of it as metadata, little-endian. The mark is
 * whoever's that asked for paths. */
enum {
    IR_CAPTURE_MARK = 0, /* 8 bytes */
    IR_CAPTURE_RAND = 8, /* 4: the first number that the packet's generator gives */
    IR_CAPTURE_IFINDEX = 12,
    IR_CAPTURE_QUEUE = 16,
    IR_CAPTURE_BYTES = 20
};

/* Events: what a program tells the host besides its verdict. They are written to the event area of
 * the packet's buffer, from SPEC_EVENT_BASE on, which no packet reaches. Its first 8 bytes have a
 * bit for each site that the packet came to, and the host, which gets the area with the packet,
 * does in the order of the sites what the program would have done in software. Sites lie outside of
 * loops, and one that comes before another on any path has the lower number. */
enum ir_event {
    IR_EVENT_NONE,
    IR_EVENT_RESERVE, /* a record of a ring buffer is taken; whether there is room the host finds as
                         the program did */
    IR_EVENT_SUBMIT,  /* a record that an earlier site took is filled and given */
    IR_EVENT_DISCARD, /* ... or filled and thrown away */
    IR_EVENT_OUTPUT,  /* a record is taken, filled and given at once */
    IR_EVENT_PERF,    /* perf event */
    IR_EVENT_PRINT,   /* a line of bpf_trace_printk, bpf_trace_vprintk */
    IR_EVENT_COUNT
};

#define IR_NO_EVENT UINT32_MAX

/* Offsets count from the event area's start. */
struct ir_event_site {
    uint8_t kind; /* enum ir_event */
    uint16_t map; /* RESERVE, OUTPUT, PERF */
    uint32_t pc;
    uint32_t taken_by; /* SUBMIT, DISCARD: the site that took the record */
    uint32_t data;     /* offset of what is told; PRINT: of the arguments, 8 bytes each */
    uint32_t bytes;    /* how many there are; with bytes_at the most there can be */
    uint32_t bytes_at; /* offset of a word of 8 bytes that says how many, or 0: all */
    /* PERF: the same of packet bytes behind them. */
    uint32_t more;
    uint32_t more_bytes;
    uint32_t more_at;
    /* SUBMIT, DISCARD: which bytes of the record were written: bit i of word k of the area's
     * 64-byte pieces, from that with the record's first byte on ... */
    const uint64_t *written;
    const uint32_t *written_at; /* ... in a word at this offset instead, unless 0 */
    const char *text;           /* PRINT: the format */
    uint32_t text_bytes;
};

struct ir_events {
    struct ir_event_site *sites;
    uint32_t count;
    uint32_t beats; /* of 64 bytes: as much of the event area as is in use */
};

struct ir_func {
    struct arena *arena;
    const char *name;
    struct ir_insn *insns;
    uint32_t insn_count;
    uint32_t insn_capacity;
    struct ir_block_data *blocks; /* block 0 is the entry and has no predecessors */
    uint32_t block_count;
    uint32_t block_capacity;
    struct ir_map *maps;
    uint32_t map_count;
    uint64_t ext_bytes;        /* external memory that the device has; 0: SPEC_EXT_BYTES */
    struct ir_source *sources; /* by pc */
    uint32_t source_count;
    uint32_t stack_bytes; /* stack memory still in use after promotion; 0: none */
    struct ir_events events;
    const struct ir_path *paths; /* that are left to the host */
    uint32_t path_count;
};

/* --- making and changing -------------------------------------------------------------------------
 */
struct ir_func *ir_func_new(struct arena *arena, const char *name);
ir_block ir_block_new(struct ir_func *f);
/* Appends an instruction to a block; args are copied. */
ir_ref ir_append(struct ir_func *f, ir_block b, struct ir_insn insn, const ir_ref *args,
                 uint32_t nargs);
/* Makes an instruction that is in no block yet. */
ir_ref ir_new(struct ir_func *f, struct ir_insn insn, const ir_ref *args, uint32_t nargs);
void ir_insert(struct ir_func *f, ir_block b, uint32_t position, ir_ref ref);
void ir_remove(struct ir_func *f, ir_ref ref);
/* Every use of old becomes one of new. */
void ir_replace(struct ir_func *f, ir_ref old, ir_ref new_ref);
void ir_edge(struct ir_func *f, ir_block from, ir_block to);
/* Drops unreachable blocks and renumbers the rest in reverse post-order; phis follow. */
void ir_compact(struct ir_func *f);

/* --- analyses ------------------------------------------------------------------------------------
 */
struct ir_dom {
    ir_block *idom; /* immediate dominator; the entry's is itself */
    uint32_t *depth;
};
struct ir_dom ir_dominators(struct arena *scratch, const struct ir_func *f);
bool ir_dominates(const struct ir_dom *dom, ir_block a, ir_block b);
/* Fills f->maps[].reads, writes, ... from the code. */
void ir_map_uses(struct ir_func *f);
/* True if some path leads from a block back to itself. */
bool ir_has_loop(const struct ir_func *f, ir_block *header);

/* --- text ----------------------------------------------------------------------------------------
 */
void ir_print(FILE *out, const struct ir_func *f);
int ir_parse(const char *text, struct arena *arena, struct diag_sink *sink, struct ir_func **out);
/* Well-formedness: 0, or -EINVAL with the first breach in the sink (codes IRnnnn). */
int ir_check(const struct ir_func *f, struct diag_sink *sink);

/* --- evaluation (tests; the meaning of the IR in one file)
 * ---------------------------------------- */
struct ir_memory; /* see ir_eval.h */

/* The words that a key or a value of so many bytes takes as operands. */
static inline uint32_t ir_words(uint32_t bytes)
{
    return (bytes + 7) / 8;
}

/* The IR's operands of an instruction that hold key words start here. */
static inline uint32_t ir_key_arg(enum ir_op op)
{
    return op == IR_MAP_UPDATE ? 2 : 1;
}

/* A look-up by the engine: a pointer, or 0. */
static inline bool ir_is_lookup(const struct ir_insn *in)
{
    return in->op == IR_MAP_LOOKUP || in->op == IR_MAP_USE;
}

/* An operation of an engine that holds keys. */
static inline bool ir_is_map_op(const struct ir_insn *in)
{
    return ir_is_lookup(in) || in->op == IR_MAP_UPDATE || in->op == IR_MAP_DELETE;
}

static inline bool ir_is_terminator(enum ir_op op)
{
    return op == IR_JMP || op == IR_BR || op == IR_EXIT;
}

/* Which maps have their values in external memory (memory.c): those that are to, and of the others
 * that need not be on chip the largest ones, until the rest fits into chip_bytes there. external:
 * map_count values. */
void ir_choose_memories(const struct ir_func *f, uint64_t chip_bytes, bool *external);

#endif
