/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Values and blocks of IR text by their names. Both may be used before the line that defines them.
 */

/* Numbers are references as long as they are dense enough; else they are names like others. */
enum { NUMBERS_FREE = 4096, NUMBERS_A_NAME = 64, MAX_BLOCK = 100 * 1000, NAME_TABLE = 4096 };

struct parse_name {
    struct parse_name *next;
    const char *text;
    uint32_t bytes;
    ir_ref ref;
    bool defined;
    uint32_t line; /* of the first use */
};

/* --- values ------------------------------------------------------------------------------- */

void parse_scan_names(struct parser *p, const char *text)
{
    uint32_t highest = 0, limit = NUMBERS_FREE;

    p->names = arena_array(p->arena, NAME_TABLE, sizeof(*p->names));
    p->numbered = true;
    for (const char *s = strchr(text, '%'); s; s = strchr(s, '%')) {
        uint32_t n = 0;

        s++;
        limit += NUMBERS_A_NAME;
        while (isalnum((unsigned char)s[n]) || s[n] == '_')
            n++;
        if (!parse_is_number(s, n) || *s == '0')
            p->numbered = false;
        else if ((uint32_t)strtoul(s, NULL, 10) > highest)
            highest = (uint32_t)strtoul(s, NULL, 10);
    }
    if (!p->numbered || highest > limit) {
        p->numbered = false;
        return;
    }
    p->defined = arena_alloc(p->arena, highest + 1);
    p->numbered_count = highest + 1;
    for (uint32_t i = 0; i < highest; i++)
        ir_new(p->f, (struct ir_insn){.op = IR_NOP, .pc = IR_NO_PC}, NULL, 0);
}

static struct parse_name *intern(struct parser *p, const char *text, uint32_t n)
{
    uint32_t h = 2166136261u;
    struct parse_name *name;

    for (uint32_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    h %= NAME_TABLE;
    for (name = p->names[h]; name; name = name->next)
        if (name->bytes == n && memcmp(name->text, text, n) == 0)
            return name;
    name = arena_alloc(p->arena, sizeof(*name));
    *name = (struct parse_name){.next = p->names[h], .text = text, .bytes = n, .line = p->line};
    name->ref = ir_new(p->f, (struct ir_insn){.op = IR_NOP, .pc = IR_NO_PC}, NULL, 0);
    p->names[h] = name;
    return name;
}

ir_ref parse_value(struct parser *p, bool define)
{
    const char *text;
    uint32_t n;

    parse_expect(p, "%");
    n = parse_word(p, &text);
    if (n == 0) {
        parse_fail(p, "expected a value's name at \"%.20s\"", p->at);
        return IR_NONE;
    }
    if (p->numbered) {
        const ir_ref r = (ir_ref)strtoul(text, NULL, 10);

        if (define && p->defined[r])
            parse_fail(p, "%%%u is defined twice", r);
        if (define)
            p->defined[r] = 1;
        return r;
    } else {
        struct parse_name *name = intern(p, text, n);

        if (define && name->defined)
            parse_fail(p, "%%%.*s is defined twice", (int)n, text);
        name->defined |= define;
        return name->ref;
    }
}

void parse_check_defined(struct parser *p)
{
    for (uint32_t h = 0; h < NAME_TABLE; h++) {
        for (const struct parse_name *n = p->names[h]; n; n = n->next) {
            if (n->defined)
                continue;
            p->line = n->line;
            parse_fail(p, "%%%.*s is used but not defined", (int)n->bytes, n->text);
        }
    }
}

uint32_t parse_args(struct parser *p, ir_ref *args)
{
    uint32_t n = 0;

    if (parse_at_line_end(p) || *p->at == '@')
        return 0;
    do {
        if (n == PARSE_MAX_ARGS) {
            parse_fail(p, "more than %d operands", (int)PARSE_MAX_ARGS);
            break;
        }
        args[n++] = parse_value(p, false);
    } while (parse_accept(p, ","));
    return n;
}

/* --- blocks ------------------------------------------------------------------------------- */

ir_block parse_block_name(struct parser *p)
{
    const char *text;
    const uint32_t n = parse_word(p, &text);
    uint32_t b;

    if (n < 2 || *text != 'b' || !parse_is_number(text + 1, n - 1)) {
        parse_fail(p, "expected a block such as b1 at \"%.*s\"", (int)n, text);
        return 0;
    }
    b = (uint32_t)strtoul(text + 1, NULL, 10);
    if (b > MAX_BLOCK) {
        parse_fail(p, "block b%u is over b%d", b, MAX_BLOCK);
        return 0;
    }
    while (p->f->block_count <= b) {
        ir_block_new(p->f);
        if (p->f->block_count > p->given_capacity) {
            uint32_t capacity = p->given_capacity;

            p->given = arena_grow(p->arena, p->given, capacity, &p->given_capacity, 1);
            p->has_preds = arena_grow(p->arena, p->has_preds, capacity, &capacity, 1);
        }
    }
    return b;
}

void parse_add_succ(struct parser *p, ir_block from, ir_block to)
{
    struct ir_block_data *block = &p->f->blocks[from];

    if (!p->failed && block->succ_count < 2)
        block->succ[block->succ_count++] = to;
}

static void add_pred(struct parser *p, ir_block b, ir_block pred)
{
    struct ir_block_data *block = &p->f->blocks[b];

    block->preds = arena_grow(p->arena, block->preds, block->pred_count, &block->pred_capacity,
                              sizeof(*block->preds));
    block->preds[block->pred_count++] = pred;
}

ir_block parse_block_header(struct parser *p)
{
    const ir_block b = parse_block_name(p);

    parse_expect(p, ":");
    if (p->failed)
        return b;
    if (p->given[b])
        parse_fail(p, "block b%u stands twice", b);
    p->given[b] = true;
    if (parse_accept(p, "from")) {
        p->has_preds[b] = true;
        do {
            const ir_block pred = parse_block_name(p);

            add_pred(p, b, pred);
        } while (!p->failed && parse_accept(p, ","));
    }
    if (parse_accept(p, "trips"))
        p->f->blocks[b].trip_max = parse_small_number(p, UINT32_MAX);
    return b;
}

static bool is_pred(const struct ir_block_data *block, ir_block pred)
{
    for (uint32_t i = 0; i < block->pred_count; i++)
        if (block->preds[i] == pred)
            return true;
    return false;
}

void parse_finish_preds(struct parser *p)
{
    struct ir_func *f = p->f;

    for (ir_block b = 0; b < f->block_count; b++) {
        if (!p->given[b])
            parse_fail(p, "block b%u is jumped to but not there", b);
        for (uint32_t k = 0; k < f->blocks[b].succ_count; k++) {
            const ir_block s = f->blocks[b].succ[k];

            if (!p->has_preds[s])
                add_pred(p, s, b);
            else if (!is_pred(&f->blocks[s], b))
                parse_fail(p, "b%u jumps to b%u, whose list of predecessors lacks it", b, s);
        }
    }
}

/* Puts phi operands into the order of the predecessors. */
void parse_finish_phis(struct parser *p)
{
    for (uint32_t i = 0; i < p->phi_count && !p->failed; i++) {
        struct ir_insn *phi = &p->f->insns[p->phis[i].phi];
        const struct ir_block_data *block = &p->f->blocks[phi->block];
        ir_ref *args = arena_array(p->arena, block->pred_count, sizeof(*args));

        if (phi->nargs != block->pred_count) {
            parse_fail(p, "a phi in b%u has %u operands for %u predecessors", phi->block,
                       phi->nargs, block->pred_count);
            return;
        }
        for (uint32_t k = 0; k < block->pred_count; k++) {
            uint32_t a = 0;

            while (a < phi->nargs && p->phis[i].blocks[a] != block->preds[k])
                a++;
            if (a == phi->nargs) {
                parse_fail(p, "a phi in b%u has no operand for b%u", phi->block, block->preds[k]);
                return;
            }
            args[k] = phi->args[a];
        }
        phi->args = args;
    }
}
