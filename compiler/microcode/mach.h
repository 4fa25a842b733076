/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_MACH_H
#define SLUICE_MICROCODE_MACH_H

#include "compiler/base/bitset.h"
#include "compiler/microcode/encode.h"

/* The compiler's machine form: operations of the core on virtual registers, in basic blocks. The
 * steps, in order: select    IR to machine operations, still SSA: phis are lists of parallel copies
 * on the edges sink      pure operations go down to where they are needed first phi       copies
 * become operations or vanish; from here on a register may have several definitions depend    what
 * must stay in which order within a block schedule  operations to rows and lanes, filling free
 * slots with operations from later blocks allocate  virtual to real registers, by lane; if they do
 * not suffice: spill, and schedule again emit      rows with branch targets, tokens and waits */

typedef uint32_t mach_reg; /* virtual register; 0 is register 0, which reads as zero */

#define MACH_NONE UINT32_MAX
#define MACH_JUMP (UINT32_MAX - 1) /* in a slot of a row */

enum {
    /* A row with wait and no slot: the end of a long operation whose result nobody wants. */
    MACH_AWAIT = 0xff,
    MACH_ALL_LANES = (1 << SPEC_LANES) - 1,
    MACH_NO_LANE = 0xff,
};

enum mach_mem { MACH_MEM_NONE, MACH_MEM_PKT, MACH_MEM_STACK, MACH_MEM_MAP };

struct mach_op {
    uint8_t op; /* enum ucode_op, enum spec_alu or MACH_AWAIT */
    bool w32;
    bool bimm;
    uint8_t size;
    uint8_t index; /* KEYW, VALW, OUT */
    bool pneg;     /* SEL */
    uint32_t pred; /* SEL: the predicate it reads, a number from mach.pred_count; 0: none */
    uint32_t pdst; /* compare: the predicate it writes; 0: none */
    mach_reg dst;
    mach_reg a;
    mach_reg b;
    int32_t imm;
    uint32_t pc;
    uint32_t block;
    bool effect;         /* may neither be removed nor issued early */
    uint64_t words_read; /* key words (bits 0 to 7) and value words (from bit 8 on) */
    uint64_t words_written;
    uint8_t need; /* ordering tokens */
    /* Memory: which bytes. Two accesses of one region with the same base register compare by
     * offset. */
    uint8_t mem; /* enum mach_mem */
    bool store;
    uint16_t map; /* index or IR_MAP_ANY */
    int32_t low;  /* PKT, STACK: bounds of the bytes touched, [low, high) */
    int32_t high;
    /* Where the scheduler put it. */
    uint32_t at_block; /* MACH_NONE: not yet */
    uint32_t at_row;
    uint8_t lane;
    uint8_t preg; /* real number of pdst */
};

struct mach_vreg {
    uint8_t lanes; /* that can write it */
    uint8_t lane;  /* its bank, once chosen */
    uint8_t reg;   /* its real register, once chosen */
    bool no_spill;
    uint32_t defs;
    uint32_t uses;
    uint32_t def; /* the definition, if it is one */
};

/* An operand of a phi: a register, or a constant if reg is MACH_NONE. */
struct mach_arg {
    mach_reg reg;
    uint64_t value;
};

struct mach_copy {
    mach_reg dst;
    struct mach_arg src;
    uint32_t pc;
};

enum mach_term { MACH_TERM_NONE, MACH_TERM_JMP, MACH_TERM_BR, MACH_TERM_EXIT };

struct mach_block {
    uint32_t *ops;
    uint32_t count;
    uint32_t capacity;
    struct mach_copy *copies; /* done in parallel at the end */
    uint32_t copy_count;
    uint32_t copy_capacity;
    uint8_t term;     /* enum mach_term */
    uint32_t last;    /* BR: the compare; EXIT: the exit. Not in ops */
    uint32_t succ[2]; /* BR: true, false */
    uint32_t succ_count;
    uint32_t *preds;
    uint32_t pred_count;
    uint32_t pred_capacity;
    /* Analyses */
    uint32_t idom;
    uint32_t depth;      /* in the dominator tree */
    uint32_t loop_depth; /* loops around it */
    uint32_t order;      /* in reverse post-order; MACH_NONE: unreachable */
    struct bitset live_in;
    struct bitset live_out;
    uint64_t
        words_in; /* key and value words that are read before they are written, from its start on */
    uint32_t trip_max;
};

/* A scheduled row. A slot with a target branches there: a compare if it is true (or false: invert),
 * or a jump. Of several branches and exits the lowest lane counts. */
struct mach_row {
    uint32_t slots[SPEC_LANES];  /* operation, MACH_NONE or MACH_JUMP */
    uint32_t target[SPEC_LANES]; /* block, or MACH_NONE */
    bool invert[SPEC_LANES];
    bool wait;
    uint8_t need;
};

/* A block's rows; after the last one the program goes on with the rows of the block that follows in
 * the layout, unless an exit or a jump ends it. */
struct mach_sched {
    struct mach_row *rows;
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t fall; /* block that follows, or MACH_NONE */
    bool done;
    uint32_t first_row; /* in the image; MACH_NONE: in no row of its own */
};

struct mach {
    const struct ir_func *ir;
    struct arena *arena;
    struct diag_sink *sink;
    struct mach_op *ops; /* 0 is not used */
    uint32_t op_count;
    uint32_t op_capacity;
    struct mach_vreg *vregs;
    uint32_t vreg_count;
    uint32_t vreg_capacity;
    struct mach_block *blocks; /* 0 is the entry */
    uint32_t block_count;
    uint32_t block_capacity;
    uint32_t pred_count; /* predicates numbered so far, from 1 */
    uint32_t *rpo;       /* reachable blocks in reverse post-order */
    uint32_t rpo_count;
    uint8_t *need;  /* by ir_ref: ordering tokens that an access of a map needs */
    uint8_t tokens; /* all that are in use */
    uint32_t stack_bytes;
    bool unknown_headroom;
    int32_t lowest_byte; /* of the packet buffer that is touched */
    /* the schedule */
    struct mach_sched *scheds;
    uint32_t *layout; /* blocks in the order of their rows */
    uint32_t layout_count;
};

/* --- mach.c --- */
mach_reg mach_new_reg(struct mach *m, uint8_t lanes);
uint32_t mach_new_op(struct mach *m, struct mach_op op);
uint32_t mach_new_block(struct mach *m);
void mach_append(struct mach *m, uint32_t block, uint32_t op);
void mach_insert(struct mach *m, uint32_t block, uint32_t position, uint32_t op);
void mach_add_copy(struct mach *m, uint32_t block, struct mach_copy copy);
/* Recomputes predecessors, reverse post-order, dominators and loop depths from the successors. */
void mach_analyse_flow(struct mach *m);
bool mach_dominates(const struct mach *m, uint32_t a, uint32_t b);
uint32_t mach_common_dominator(const struct mach *m, uint32_t a, uint32_t b);
/* Counts definitions and uses. */
void mach_count_uses(struct mach *m);
/* Fills live_in and live_out from the code in program order, copies included. */
void mach_liveness(struct mach *m);
/* Removes operations without effect whose results nobody uses. */
void mach_remove_dead(struct mach *m);
/* Makes a register hold a constant: one or two operations appended through emit_op. */
bool mach_imm_fits(uint64_t value);
bool mach_const_is_single(uint64_t value);
struct mach_op mach_const_op(mach_reg dst, uint64_t value);
/* The operation that does a copy; its source is a register or a constant of one operation. */
struct mach_op mach_copy_op(const struct mach_copy *copy);
/* What the mach form of an operation reads, without register 0: at most two registers. */
uint32_t mach_uses(const struct mach_op *op, mach_reg uses[2]);
bool mach_is_pkt_load(uint8_t op);
bool mach_is_pkt_store(uint8_t op);
/* Whether two memory operations must keep their order. */
bool mach_conflict(const struct mach *m, const struct mach_op *x, const struct mach_op *y);
/* Marks the blocks on paths from a dominator to a block, without both ends unless a path leads
 * through them again. */
void mach_between(const struct mach *m, uint32_t from, uint32_t to, struct bitset *between);

/* --- the steps --- */
void mach_select(struct mach *m);
void mach_sink(struct mach *m);
void mach_eliminate_phis(struct mach *m);
/* Drops key and value words that are there already. */
void mach_reuse_words(struct mach *m);
/* Fills words_in. */
void mach_word_liveness(struct mach *m);
void mach_share_copies(struct mach *m);
/* Leads edges around blocks that only jump. */
void mach_thread_jumps(struct mach *m);

struct mach_dep {
    uint32_t op;
    uint8_t latency; /* rows: 0 means the same row will do */
};

/* Order within the blocks: for each operation what must be placed before it, and how urgent it is.
 */
struct mach_deps {
    struct mach_dep **preds; /* by operation */
    uint32_t *pred_count;
    uint32_t *height;   /* rows from its issue to the end of the longest path, at least */
    uint32_t *earliest; /* row of its block from which on it is wanted, so that tokens are not held
                           for long */
};
struct mach_deps mach_depend(struct mach *m);

struct mach_limits {
    uint32_t
        hoist_blocks; /* how far down the dominator tree operations are taken from; 0: not at all */
    uint32_t bank_registers; /* no more early issue into a bank with so many live registers */
};
/* needs: fresh liveness. breaks: liveness. False if it found no way on, which the choice of
 * predicates in select.c rules out. */
bool mach_schedule(struct mach *m, const struct mach_deps *deps, const struct mach_limits *limits);

/* Real registers for the scheduled code. True, or false with the registers that found no place. */
bool mach_allocate(struct mach *m, struct bitset *failed);
/* Keeps the registers in stack memory between definition and use. -ENOTSUP if the stack is full. */
int mach_spill(struct mach *m, const struct bitset *regs);

/* Descriptors of all maps, and where their values, entries and buckets lie. */
int mach_maps(const struct ir_func *f, struct arena *arena, struct diag_sink *sink,
              struct ucode_image *image);
/* Which accesses need ordering tokens. */
void mach_tokens(struct mach *m);
/* The image's rows from the schedule. */
int mach_emit(struct mach *m, struct arena *arena, struct ucode_image *image);

/* For debugging and tests: the machine form as text. */
void mach_print(FILE *out, const struct mach *m);

#endif
