/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_BUILD_EVENT_H
#define SLUICE_IR_BUILD_EVENT_H

#include "compiler/ir/builder.h"

/* What calls that make events share: sites, and places in the packet's event area. */

enum {
    EVENT_WORD = 8,
    EVENT_PIECE = 64, /* bytes of the area that a word of BUILD_VAR_WRITTEN tells of; a beat */
};

static inline ir_ref build_event_negative(struct builder *b, int err)
{
    return build_const(b, (uint64_t) - (int64_t)err);
}

/* A new site; NULL: refused. Nodes are translated in reverse post-order, so that of two sites
 * outside of loops the one that comes first on a path has the lower number. */
struct ir_event_site *build_event_site(struct builder *b, enum ir_event kind);
/* The site's bit, if a condition holds. */
void build_event_mark(struct builder *b, const struct ir_event_site *site, ir_ref happens);
/* Takes bytes of the event area; 0: refused. */
uint32_t build_event_area(struct builder *b, uint64_t bytes);
/* A place in the event area, `at` bytes from its start. */
struct build_place build_event_place(struct builder *b, uint32_t at);
/* Stores 8 bytes there. */
void build_event_word(struct builder *b, uint32_t at, ir_ref value);
/* A word with a value that is known at run time only; 0: a constant, or refused. */
uint32_t build_event_unless_const(struct builder *b, ir_ref value);
/* Copies bytes from memory to the event area, all that a size may be. */
void build_event_copy(struct builder *b, const struct build_place *from, uint32_t to,
                      uint32_t bytes);
/* The memory that an argument points to, as many bytes as the next one says, as the data of a site.
 * The verifier has seen that as many may be read as there can be. */
void build_event_memory(struct builder *b, const struct verify_fact *fact, uint32_t reg,
                        struct ir_event_site *site);

#endif
