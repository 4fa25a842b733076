/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DIFF_INTERNAL_H
#define SLUICE_TESTS_DIFF_INTERNAL_H

#include "tests/fuzz/diff/gen.h"

#include "hw/spec/gen/helpers.h"

/* The generator's inside: gen.c the program as a whole, gen_state.c what is known and the code so
 * far, gen_*.c the templates, gen_input.c maps and packets. */

#define GEN_FORMAT "%d-%lx" /* the end of read-only data */

enum {
    GEN_REGS = 10,
    GEN_SLOTS = 20,     /* 8-byte stack slots of the program itself */
    GEN_FUNC_SLOTS = 4, /* ... and of a function: 8 frames fit */
    GEN_INSNS = 4096,
    GEN_LABELS = 1024,
    GEN_FUNCS = 7,
    GEN_ARGS = 5,
    GEN_MAPS = 6,
    GEN_SPOTS = 16,
    GEN_COST = 4000,        /* instructions that a verifier should go through, about */
    GEN_LOOP_BRANCHES = 30, /* in a loop, times its rounds: verifiers may follow each combination */
    GEN_NO_PHASE = 255,
};

enum gen_kind {
    GEN_NONE, /* nothing that may be read */
    GEN_NUM,
    GEN_CTX,
    GEN_PKT,   /* in the packet; may be accessed from lo to hi */
    GEN_END,   /* the packet's end */
    GEN_VALUE, /* in a map's value */
    GEN_BUF,   /* in the caller's stack, bytes that hold numbers */
};

/* What is known of a register or of a spilled one. */
struct gen_val {
    uint8_t kind;
    uint8_t map;   /* VALUE */
    uint8_t phase; /* VALUE, BUF: bytes past a multiple of 8, or GEN_NO_PHASE */
    int16_t lo;    /* PKT, VALUE, BUF: bytes that may be accessed, relative to the pointer */
    int16_t hi;
    uint16_t span; /* PKT: sum of the run-time offsets that it may have */
};

struct gen_slot {
    uint8_t bytes;      /* that hold numbers, a mask */
    struct gen_val ptr; /* a spilled pointer, or NONE */
};

struct gen_state {
    bool reached;
    struct gen_val regs[GEN_REGS];
    struct gen_slot slots[GEN_SLOTS];
};

struct gen_label {
    int32_t at; /* -1: not bound yet */
    bool used;
    struct gen_state state; /* met over all jumps so far */
};

struct gen_func {
    uint32_t start, count; /* in gen.insns */
    struct gen_val args[GEN_ARGS];
    uint32_t arg_count;
    bool moves; /* the packet's ends */
    bool called;
    bool callback; /* for bpf_loop only ... */
    bool each;     /* ... or for bpf_for_each_map_elem */
    uint32_t frames;
    uint32_t cost;
    uint32_t calls; /* mask of functions */
};

/* Where the program takes a map's key from the packet. */
struct gen_spot {
    uint32_t map;
    uint32_t offset;
};

struct gen_map {
    uint8_t pattern[64]; /* of keys: all have these bytes except for one */
    uint32_t vary;       /* ... this one */
    uint32_t keys;       /* values that it takes, from 0 */
    uint32_t inner;      /* of a map of maps: the map that it holds */
};

struct gen {
    struct diff_rng rng;
    struct arena *arena;
    enum gen_profile profile;
    struct diff_case *out;
    struct ebpf_insn insns[GEN_INSNS];
    uint32_t insn_count;
    uint32_t func_start; /* of the function under way */
    struct gen_label labels[GEN_LABELS];
    uint32_t label_count;
    struct {
        uint32_t insn, label;
    } jumps[GEN_INSNS];
    uint32_t jump_count;
    struct {
        uint32_t insn, func;
        bool address; /* not called: its number is taken */
    } calls[GEN_INSNS];
    uint32_t call_count;
    struct gen_state st;
    uint32_t slots;
    uint16_t frozen; /* registers that nothing may write */
    uint16_t fixed;  /* registers that must go on holding what they hold, or another number */
    uint32_t frozen_slots;
    uint32_t fixed_slots;
    int ctx_reg, ctx_slot; /* where the context stays; -1: not there */
    uint32_t atomic_slots; /* mask: unknown numbers, for atomics only */
    uint32_t depth;        /* of statements within statements */
    uint32_t no_calls, no_moves, in_loop;
    uint32_t left; /* statements */
    uint32_t cost, times;
    uint32_t branches; /* in the loop under way, times the rounds */
    uint32_t leave;    /* label of the end that gives a constant */
    struct gen_func funcs[GEN_FUNCS];
    uint32_t func_count;
    struct gen_func *func; /* the one under way, NULL in the program itself */
    struct load_map maps[GEN_MAPS];
    struct gen_map map_info[GEN_MAPS];
    uint32_t map_count;
    struct gen_spot spots[GEN_SPOTS];
    uint32_t spot_count;
    uint32_t reach;      /* the usual number of bytes that are checked */
    bool soft;           /* what hardware does not run may occur */
    bool pure;           /* nothing is written that the host would find again (gen_path.c) */
    bool pure_functions; /* nor in functions */
    bool quiet;          /* no map changes */
    uint32_t counts[GEN_TEMPLATE_COUNT];
};

/* ---- gen_state.c: numbers, registers, code ---- */

uint32_t gen_below(struct gen *g, uint32_t n);
bool gen_chance(struct gen *g, uint32_t percent);
/* Corner values, and others. */
int32_t gen_const(struct gen *g);
uint64_t gen_const64(struct gen *g);
uint32_t gen_size(struct gen *g); /* 1, 2, 4 or 8 */
uint8_t gen_size_code(uint32_t bytes);

void gen_emit(struct gen *g, struct ebpf_insn i);
uint32_t gen_label(struct gen *g);
void gen_jump(struct gen *g, struct ebpf_insn i, uint32_t label);
void gen_goto(struct gen *g, uint32_t label);
void gen_bind(struct gen *g, uint32_t label);
/* Binds the head of a loop: the state may be entered again. */
void gen_bind_head(struct gen *g, uint32_t label);
void gen_exit(struct gen *g);

/* A register of a kind, or -1. avoid is a mask. */
int gen_find(struct gen *g, enum gen_kind kind, uint32_t avoid);
/* A register with a number; made if there is none. */
int gen_num(struct gen *g, uint32_t avoid);
/* A register to write a number to; what it holds is lost. */
int gen_temp(struct gen *g, uint32_t avoid);
/* The same for a pointer: it must not be needed for a number in a loop. -1 if there is none. */
int gen_pointer_temp(struct gen *g, uint32_t avoid);
/* Notes what a register holds now. */
void gen_set(struct gen *g, int r, struct gen_val v);
void gen_set_num(struct gen *g, int r);
/* dst = src, with what is known. */
void gen_copy(struct gen *g, int dst, int src);
void gen_add_const(struct gen *g, int r, int32_t c);
/* After a call: r0 is a number, r1 to r5 are gone. */
void gen_called(struct gen *g);
void gen_forget_packet(struct gen *g);
bool gen_may_call(const struct gen *g);
/* A copy of the context in some register (or the register itself); -1 if there is none. */
int gen_ctx(struct gen *g, uint32_t avoid);

/* ---- gen_memory.c ---- */

bool gen_stack_readable(const struct gen *g, int32_t off, uint32_t bytes);
void gen_stack_written(struct gen *g, int32_t off, uint32_t bytes);
bool gen_stack_free(const struct gen *g, int32_t off, uint32_t bytes);
void gen_freeze_stack(struct gen *g, int32_t off, uint32_t bytes);
/* A place of so many bytes below r10 that may be written; all its bytes hold numbers afterwards. 0:
 * none. */
int32_t gen_buffer(struct gen *g, uint32_t bytes, uint32_t align);
/* Writes a number, or a constant, there. */
void gen_stack_store(struct gen *g, int32_t off, uint32_t bytes);
/* *(size *)(base + off) = number, or the reverse. */
void gen_store_to(struct gen *g, int base, int32_t off, uint32_t bytes);
void gen_load_from(struct gen *g, int base, int32_t off, uint32_t bytes, uint32_t avoid);
/* An atomic on a place that is aligned; avoid for the operand. */
void gen_atomic(struct gen *g, int base, int32_t off, uint32_t bytes);
/* A register with a number from 0 to mask (or a multiple of step up to it); may leave to skip. */
int gen_bounded(struct gen *g, uint32_t max, uint32_t step, uint32_t avoid, uint32_t skip);

/* ---- gen_packet.c ---- */

/* A packet pointer with at least n bytes behind it; leaves to skip if the packet is shorter. -1:
 * impossible here. */
int gen_packet(struct gen *g, uint32_t n, uint32_t avoid, uint32_t skip);
/* Checks that n bytes follow the pointer. False if the end is not to be had. */
bool gen_check(struct gen *g, int pkt, uint32_t n, uint32_t avoid, uint32_t skip);

/* ---- gen_map.c ---- */

/* A map of one of the types in the mask (1 << type), or -1. */
int gen_map_of(struct gen *g, uint64_t types);
void gen_map_address(struct gen *g, int r, uint32_t map);
/* Writes a key of the map to the stack; its place, or 0. */
int32_t gen_key(struct gen *g, uint32_t map);
/* Calls lookup with a key from somewhere; r0 holds the pointer, or NULL: not checked yet. */
bool gen_lookup_call(struct gen *g, uint32_t map);
/* Looks up an entry of a map, and loads the number that its value begins with: its register. -1: no
 * map, or none of such values. Where there is no entry it goes to past. */
int gen_number_of_value(struct gen *g, int map, uint32_t past);
/* Jumps to the label if r holds NULL; a pointer to the value otherwise. */
void gen_null_check(struct gen *g, int r, uint32_t map, uint32_t label);
bool gen_update_call(struct gen *g, uint32_t map, int32_t key);

/* ---- gen_path.c ---- */

/* The statements of a program of which hardware does not take a path. */
void gen_path_body(struct gen *g);
/* Whether what the register points to must stay as it is now. */
bool gen_keeps(const struct gen *g, int base);
/* A template that writes to the stack only, besides. */
enum gen_template gen_pure_template(struct gen *g);

/* ---- gen_lock.c ---- */

/* A map whose values have a lock. */
void gen_locked_map(struct gen *g, struct load_map *m, struct gen_map *info);

/* ---- gen_flow.c ---- */

/* A conditional jump on numbers. */
void gen_condition(struct gen *g, uint32_t label);
void gen_statements(struct gen *g, uint32_t n);
/* Where to go when something fails: past the statement, or out of the program. */
uint32_t gen_skip(struct gen *g, uint32_t past);
void gen_functions(struct gen *g);

/* ---- gen_input.c ---- */

void gen_maps(struct gen *g);
void gen_entries(struct gen *g);
void gen_packets(struct gen *g, uint64_t seed, uint32_t packets);

/* ---- templates: each emits one statement ---- */
#define GEN_PROTOTYPE(name, any, small) void gen_##name##_statement(struct gen *g);
GEN_TEMPLATES(GEN_PROTOTYPE)
#undef GEN_PROTOTYPE

#endif
