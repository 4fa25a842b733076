/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PIPELINE_EMIT_H
#define SLUICE_PIPELINE_EMIT_H

#include "compiler/pipeline/pipe.h"

/* What the files that write Verilog share. */

/* Text that grows. */
struct pipe_text {
    struct arena *arena;
    char *data;
    size_t length;
    size_t capacity;
};

void pipe_put(struct pipe_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct pipe_emitter {
    struct pipe_graph *g;
    struct pipe_text text;
    uint32_t *drawn_in; /* wiring nodes: 1 + the stage in which they have been written last */
    pipe_ref *crossing; /* scratch: nodes that cross a boundary */
};

/* Widths of the requests of value memories and hash engines, and how they are packed. */
#define PIPE_VALUE_REQ_BITS                                                                        \
    170u /* expected 64, data 64, address 32, size 4, atomic 4, operation 2 */
#define PIPE_VALUE_RESP_BITS 64u
#define PIPE_HASH_RESP_BITS 64u /* address 32, status 32; a port's part of the engine's answer */

uint32_t pipe_value_bytes(const struct ir_map *m);
/* Operation 3, cpu 8, key, value, flags 64. */
uint32_t pipe_hash_req_bits(const struct ir_map *m);

/* expr.c: names, operands, operations */
const char *pipe_name(struct pipe_emitter *e, pipe_ref a);
/* A node's signal in a stage: carried by a register, or computed there. */
const char *pipe_signal(struct pipe_emitter *e, pipe_ref a, uint32_t stage);
/* Bits lsb .. lsb + bits - 1 of a node, as an expression that needs no parentheses. */
const char *pipe_slice_text(struct pipe_emitter *e, pipe_ref a, uint32_t stage, uint32_t lsb,
                            uint32_t bits);
/* Bytes as a concatenation of so many bits. */
const char *pipe_parts_text(struct pipe_emitter *e, const struct pipe_part *parts, uint32_t count,
                            uint32_t stage);
/* Writes what a node needs of wiring in a stage, and the node itself. */
void pipe_draw_wiring(struct pipe_emitter *e, pipe_ref a, uint32_t stage);
void pipe_draw_node(struct pipe_emitter *e, pipe_ref a, uint32_t stage);
/* "[63:0] ", or nothing for one bit. */
const char *pipe_range(struct pipe_emitter *e, uint32_t bits);
/* First byte of the run of window bytes that holds a byte in a stage, and the byte after its last.
 */
void pipe_window_run(const struct pipe_graph *g, uint32_t stage, uint32_t byte, uint32_t *first,
                     uint32_t *end);

/* boundary.c: what stands between two stages */
void pipe_draw_boundary(struct pipe_emitter *e, uint32_t stage);
bool pipe_starts_segment(const struct pipe_graph *g, uint32_t stage);
uint32_t pipe_segment_end(const struct pipe_graph *g, uint32_t stage);
const char *pipe_valid(struct pipe_emitter *e, uint32_t stage);

/* engines.c: maps, registers and mailbox */
/* The arbiter of so many ports named p, for requests and answers of so many bits. */
void pipe_draw_arbiter(struct pipe_text *t, const char *p, uint32_t ports, uint32_t req,
                       uint32_t resp);
/* Signals of the same names for an engine that nobody asks. */
void pipe_draw_no_arbiter(struct pipe_text *t, const char *p);
/* Bits of a port's number, at least 1. */
uint32_t pipe_tag_bits(uint32_t ports);
void pipe_draw_engines(struct pipe_emitter *e);
uint32_t pipe_port_of(const struct pipe_graph *g, pipe_ref unit);

/* unit.c: the memory of a map whose accesses are one fused unit, and what the unit computes */
void pipe_draw_rows(struct pipe_emitter *e, uint32_t map);
void pipe_draw_inside(struct pipe_emitter *e, uint32_t map);
/* Bits of a request, row 32 and inputs, and of the inputs before number i. */
uint32_t pipe_input_bits(const struct pipe_graph *g, const struct pipe_fused *f, uint32_t i);
/* Bits of the outputs before number i. */
uint32_t pipe_output_bits(const struct pipe_graph *g, const struct pipe_fused *f, uint32_t i);
/* The value memory's size in bytes, a power of two for each bank. */
uint64_t pipe_vmem_bytes(const struct ir_map *m, uint32_t banks);

/* The largest memory of a map on chip. */
#define PIPE_VMEM_BYTES_MAX (UINT64_C(1) << 30)

/* external.c: the memory of all maps whose values lie outside of the chip. */
/* The memory with its arbiter and the ports B of its maps; nothing if no map lies there. */
void pipe_draw_external(struct pipe_emitter *e);
/* The device's AXI4 port. */
void pipe_draw_external_ports(struct pipe_text *t);

/* mailbox.c: map number i's mailbox, at port number port of its hash engine's arbiter; what the
 * registers see of all mailboxes */
void pipe_draw_mailbox(struct pipe_text *t, const struct ir_map *m, uint32_t i, uint32_t port);
void pipe_draw_mailbox_answer(struct pipe_text *t, const struct ir_func *f);

/* A comment that leads back to the eBPF instruction and source line of a node. */
void pipe_put_origin(struct pipe_text *t, const struct pipe_graph *g, uint32_t pc,
                     const char *indent, const char *mark);

#endif
