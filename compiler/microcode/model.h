/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_MICROCODE_MODEL_H
#define SLUICE_MICROCODE_MODEL_H

#include "compiler/ir/eval.h"
#include "compiler/microcode/microcode.h"

/* The core as a function: what a program image does with one packet, row by row. The reference of
 * the RTL. */

/* A context of the core. */
struct ucode_state {
    uint64_t regs[SPEC_REGS];
    uint8_t preds; /* bit 0 always set */
    uint8_t stack[SPEC_STACK_BYTES];
    uint64_t key[SPEC_HW_KEY_BYTES / 8];
    uint64_t value[SPEC_HW_VALUE_BYTES / 8];
    uint64_t result;   /* of the long operation */
    bool busy;         /* a long operation was issued and no row with wait has followed */
    uint8_t busy_need; /* tokens that it needs until then */
    uint8_t given;     /* tokens given back */
    uint64_t out[6]; /* data (of the metadata, if any), data_end, redirect, meta, events, hold */
};

/* What one lane of a row did. */
struct ucode_retired_lane {
    bool on;     /* its predicate let it take effect */
    bool write;  /* a register is written */
    bool pwrite; /* a predicate is written */
    bool pvalue;
    uint8_t pdst;
    uint8_t dst;
    uint64_t a; /* operands as read */
    uint64_t b;
    uint64_t result; /* what is written to the register */
};

/* A row that has been run, by the core (table `retire` of hw/spec/microcode.toml) or by the model.
 */
struct ucode_retired {
    uint32_t packet;
    uint32_t row;
    uint8_t context; /* of the core */
    bool end;
    bool taken;
    uint32_t target;
    uint32_t ret;
    bool map_valid; /* an access of the value memory */
    uint8_t map_op;
    uint8_t map_atomic;
    uint8_t map_size;
    uint32_t map_addr;
    uint64_t map_data;
    uint64_t map_expect;
    uint64_t mem_addr; /* lane 2 in packet buffer or stack */
    uint64_t mem_data;
    struct ucode_retired_lane lanes[SPEC_LANES];
};

void ucode_retired_decode(const uint32_t *words, struct ucode_retired *out);

/* Called before each row with the state that the row reads. */
typedef void (*ucode_trace_fn)(void *ctx, uint32_t row, const struct ucode_state *state);

/* A packet on its way through the model, row by row. Of the members the caller reads row and ended
 * only. */
struct ucode_model {
    const struct ucode_image *image;
    const struct ir_maps_ops *maps;
    struct ir_run *run;
    uint8_t *buf_known; /* of each byte of the packet buffer (and, with events, up to the event
                           area's end): is it defined? NULL: all are */
    uint64_t regs_known;
    uint8_t preds_known;
    bool result_known;
    uint8_t stack_known[SPEC_STACK_BYTES];
    struct ucode_state now;  /* before the row */
    struct ucode_state next; /* after it */
    const struct ucode_retired *seen;
    struct ucode_retired *did;
    uint32_t row; /* the next one */
    bool ended;   /* there is none */
    bool taken;
    uint32_t target;
    int error;
};

/* Starts a program on a packet. All pointers stay in use until the packet has ended. */
void ucode_model_start(struct ucode_model *m, const struct ucode_image *image,
                       const struct ir_maps_ops *maps, struct ir_run *run, uint8_t *buf_known);
/* Runs the next row and tells what it did. seen is the same row as the core has run it, or NULL:
 * what no contract defines (registers, predicates, stack and buffer bytes that the program has not
 * written, values of loads from outside of all maps) is taken from there, everything else is the
 * model's. When the program has ended, run holds its results. 0, -EFAULT or -EPROTO as below. */
int ucode_model_step(struct ucode_model *m, const struct ucode_retired *seen,
                     struct ucode_retired *did);

/* Runs an image on one packet. run->steps: in, the most rows that are allowed (0: no limit); out,
 * rows issued, also in *rows unless that is NULL. A load from outside the packet buffer, the stack
 * or the maps gives 0 (loads are issued early and their results dropped). 0; -EFAULT: a store or
 * atomic outside of them; -ELOOP: past the limit; -EPROTO: the program breaks a rule of the core
 * (long operations, tokens, row past the end). */
int ucode_model_run(const struct ucode_image *image, const struct ir_maps_ops *maps,
                    struct ir_run *run, uint64_t *rows, ucode_trace_fn trace, void *trace_ctx);

/* What of a row differs. */
enum ucode_field {
    UCODE_FIELD_NONE,
    UCODE_FIELD_ROW, /* its address */
    UCODE_FIELD_ON,  /* whether a lane takes effect */
    UCODE_FIELD_A,   /* an operand, as read */
    UCODE_FIELD_B,
    UCODE_FIELD_WRITE,     /* which register is written: its number, 0 for none */
    UCODE_FIELD_REGISTER,  /* a register's value */
    UCODE_FIELD_PWRITE,    /* which predicate is written */
    UCODE_FIELD_PREDICATE, /* its value */
    UCODE_FIELD_ADDRESS,   /* in the packet buffer or the stack */
    UCODE_FIELD_DATA,      /* what is stored there */
    UCODE_FIELD_MAP,       /* whether and how map values are accessed: operation, atomic, bytes */
    UCODE_FIELD_MAP_ADDRESS,
    UCODE_FIELD_MAP_DATA,
    UCODE_FIELD_MAP_EXPECT,
    UCODE_FIELD_TAKEN, /* whether a branch is taken */
    UCODE_FIELD_TARGET,
    UCODE_FIELD_END, /* whether the program ends */
    UCODE_FIELD_RET,
    UCODE_FIELD_COUNT
};
extern const char *const ucode_field_names[UCODE_FIELD_COUNT];

enum {
    UCODE_LANE_MEM = 2, /* the lane that stores to packet buffer and stack, and loads from this */
    UCODE_LANE_MAP = 3, /* the lane of map values */
    UCODE_NO_LANE = SPEC_LANES
};

struct ucode_difference {
    enum ucode_field field; /* NONE: there is no difference */
    uint32_t lane;          /* or UCODE_NO_LANE */
    uint32_t number;        /* of the register or predicate that a field is about */
    uint64_t expected;
    uint64_t got;
};

/* The first difference between a row of an image as the model ran it and as the core did; what
 * nobody looks at is not compared. True if there is one. */
bool ucode_retired_differ(const struct ucode_image *image, const struct ucode_retired *expected,
                          const struct ucode_retired *got, struct ucode_difference *out);

#endif
