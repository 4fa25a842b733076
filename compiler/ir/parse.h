/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_IR_PARSE_H
#define SLUICE_IR_PARSE_H

#include "compiler/ir/text.h"

#include <stdbool.h>

/* Reading the text form that text.h describes: tokens, then names of values and blocks, then lines.
 * The first error is kept; from then on every token is the end of the text, so that no caller needs
 * to look. */

enum { PARSE_MAX_ARGS = 64 };

struct parse_name;

struct parse_phi {
    ir_ref phi;
    ir_block *blocks;
};

struct parser {
    struct ir_func *f;
    struct arena *arena;
    struct diag_sink *sink;
    const char *at;
    uint32_t line;
    bool failed;
    bool numbered;    /* all names are numbers */
    uint8_t *defined; /* of numbered values */
    uint32_t numbered_count;
    struct parse_name **names;
    struct parse_phi *phis;
    uint32_t phi_count;
    uint32_t phi_capacity;
    bool *given; /* blocks: header seen */
    bool *has_preds;
    uint32_t given_capacity;
};

/* ---- parse_token.c ---- */
void parse_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Blanks and comments; ends of lines too if lines. */
void parse_skip(struct parser *p, bool lines);
bool parse_at_line_end(struct parser *p);
/* Takes the text if it stands here; a word only as a whole. */
bool parse_accept(struct parser *p, const char *text);
void parse_expect(struct parser *p, const char *text);
/* Letters, digits and underscores; length 0 if there are none. */
uint32_t parse_word(struct parser *p, const char **text);
/* A word of at most 7 digits. */
bool parse_is_number(const char *text, uint32_t n);
uint64_t parse_number(struct parser *p);
uint32_t parse_small_number(struct parser *p, uint32_t limit);
const char *parse_string(struct parser *p);
/* Index of the next word in a list of names, or -1. */
int parse_choice(struct parser *p, const char *const *names, uint32_t count);

/* ---- parse_name.c ---- */
/* Looks through the whole text: do all values have numbers, and which is the highest? */
void parse_scan_names(struct parser *p, const char *text);
/* A value by its name; defines it, or uses it. */
ir_ref parse_value(struct parser *p, bool define);
void parse_check_defined(struct parser *p);
uint32_t parse_args(struct parser *p, ir_ref *args);
ir_block parse_block_name(struct parser *p);
ir_block parse_block_header(struct parser *p);
void parse_add_succ(struct parser *p, ir_block from, ir_block to);
/* Once all lines are read: predecessors that were not listed; phi operands into their order. */
void parse_finish_preds(struct parser *p);
void parse_finish_phis(struct parser *p);

#endif
