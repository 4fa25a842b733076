/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/text.h"

#include <errno.h>
#include <stdarg.h>

/* Well-formedness of the IR. Every pass may rely on what is checked here, and must keep it. */

struct checker {
    const struct ir_func *f;
    struct diag_sink *sink;
    struct ir_dom dom;
    uint32_t *position; /* of an instruction in its block */
    bool failed;
};

static void breach(struct checker *c, const char *code, ir_block b, ir_ref r, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));

static void breach(struct checker *c, const char *code, ir_block b, ir_ref r, const char *format,
                   ...)
{
    struct diag_where where = DIAG_NOWHERE;
    char text[256];
    va_list args;

    if (c->failed)
        return;
    c->failed = true;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    where.program = c->f->name;
    if (r != IR_NONE)
        diag_add(c->sink, DIAG_ERROR, code, where, "b%u: %%%u (%s): %s", b, r,
                 ir_op_names[c->f->insns[r].op < IR_OP_COUNT ? c->f->insns[r].op : IR_NOP], text);
    else
        diag_add(c->sink, DIAG_ERROR, code, where, "b%u: %s", b, text);
}

static uint32_t count_of(const ir_block *list, uint32_t n, ir_block b)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += list[i] == b;
    return count;
}

/* Successors fit the terminator, and the edges are known at both ends. */
static void check_edges(struct checker *c, ir_block b)
{
    const struct ir_func *f = c->f;
    const struct ir_block_data *block = &f->blocks[b];
    uint32_t want = 0;
    enum ir_op op;

    if (block->count == 0) {
        breach(c, "IR0010", b, IR_NONE, "the block is empty");
        return;
    }
    op = (enum ir_op)f->insns[block->insns[block->count - 1]].op;
    want = op == IR_BR ? 2 : op == IR_JMP ? 1 : 0;
    if (block->succ_count != want)
        breach(c, "IR0012", b, IR_NONE, "%u successors, %u wanted", block->succ_count, want);
    if (op == IR_BR && block->succ_count == 2 && block->succ[0] == block->succ[1])
        breach(c, "IR0013", b, IR_NONE, "both sides of a branch go to b%u", block->succ[0]);
    for (uint32_t k = 0; k < block->succ_count && !c->failed; k++) {
        const ir_block s = block->succ[k];

        if (s >= f->block_count)
            breach(c, "IR0014", b, IR_NONE, "successor b%u is not there", s);
        else if (count_of(f->blocks[s].preds, f->blocks[s].pred_count, b) != 1)
            breach(c, "IR0015", b, IR_NONE, "is not listed once as predecessor of b%u", s);
    }
    for (uint32_t k = 0; k < block->pred_count && !c->failed; k++) {
        const ir_block p = block->preds[k];

        if (p >= f->block_count || !count_of(f->blocks[p].succ, f->blocks[p].succ_count, b))
            breach(c, "IR0016", b, IR_NONE, "predecessor b%u does not jump here", p);
    }
}

static void check_place(struct checker *c, ir_block b)
{
    const struct ir_block_data *block = &c->f->blocks[b];
    bool phis = true;

    for (uint32_t i = 0; i < block->count; i++) {
        const ir_ref r = block->insns[i];
        const struct ir_insn *in;

        if (r == IR_NONE || r >= c->f->insn_count) {
            breach(c, "IR0020", b, IR_NONE, "instruction %%%u is not there", r);
            return;
        }
        in = &c->f->insns[r];
        if (in->op >= IR_OP_COUNT || in->op == IR_NOP)
            breach(c, "IR0021", b, r, "no such operation");
        else if (in->block != b)
            breach(c, "IR0022", b, r, "thinks that it is in b%u, or stands twice", in->block);
        else if (in->op == IR_PHI && !phis)
            breach(c, "IR0023", b, r, "a phi behind other instructions");
        else if (i + 1 < block->count && ir_is_terminator((enum ir_op)in->op))
            breach(c, "IR0024", b, r, "a jump or exit within a block");
        else if (i + 1 == block->count && !ir_is_terminator((enum ir_op)in->op))
            breach(c, "IR0011", b, r, "the block does not end in a jump or exit");
        if (c->failed)
            return;
        phis &= in->op == IR_PHI;
        c->position[r] = i + 1;
    }
}

static void check_access(struct checker *c, ir_block b, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const bool atomic = in->op == IR_ATOMIC;
    const bool event = in->region == IR_REGION_PKT && in->off_min >= SPEC_EVENT_BASE;
    const int32_t limit = event                         ? SPEC_EVENT_BASE + SPEC_EVENT_BYTES
                          : in->region == IR_REGION_PKT ? SPEC_PKT_JUMBO_END
                                                        : SPEC_STACK_BYTES;

    if (in->region == IR_REGION_NONE || in->region >= IR_REGION_COUNT)
        breach(c, "IR0030", b, r, "no such region");
    else if (atomic && in->region != IR_REGION_MAP)
        breach(c, "IR0031", b, r, "an atomic is for map values only");
    else if (atomic ? in->size != 4 && in->size != 8 : in->size < 1 || in->size > 8)
        breach(c, "IR0032", b, r, "a size of %u bytes", in->size);
    else if (atomic && (in->atomic == SPEC_ATOMIC_NONE || in->atomic >= SPEC_ATOMIC_COUNT))
        breach(c, "IR0033", b, r, "no such atomic operation");
    else if (atomic && in->nargs != (in->atomic == SPEC_ATOMIC_CMPXCHG ? 3 : 2))
        breach(c, "IR0034", b, r, "%u operands", in->nargs);
    else if (in->region == IR_REGION_MAP && in->map != IR_MAP_ANY && in->map >= c->f->map_count)
        breach(c, "IR0035", b, r, "map %u is not there", in->map);
    else if (in->region != IR_REGION_MAP && (in->off_min < 0 || in->off_min > in->off_max ||
                                             in->off_max > limit - (int32_t)in->size))
        breach(c, "IR0036", b, r, "offsets %d..%d are not within 0..%d", in->off_min, in->off_max,
               limit - in->size);
}

static void check_map_op(struct checker *c, ir_block b, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_map *map;
    uint32_t want;

    if (in->map >= c->f->map_count) {
        breach(c, "IR0035", b, r, "map %u is not there", in->map);
        return;
    }
    map = &c->f->maps[in->map];
    if (!spec_engine_has_keys(map->engine))
        breach(c, "IR0037", b, r, "map %s has no hash engine", map->name);
    else if (ir_is_lookup(in) && (in->op == IR_MAP_USE) != (map->engine == SPEC_ENGINE_LRU))
        breach(c, "IR0039", b, r, "map %s: map_use is for LRU maps, map_lookup for others",
               map->name);
    want = ir_key_arg((enum ir_op)in->op) + ir_words(map->key_bytes) +
           (in->op == IR_MAP_UPDATE ? ir_words(map->value_bytes) : 0);
    if (in->nargs != want)
        breach(c, "IR0038", b, r, "%u operands, %u wanted", in->nargs, want);
}

static void check_alu(struct checker *c, ir_block b, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];

    if (in->alu == SPEC_ALU_NONE || in->alu >= SPEC_ALU_COUNT)
        breach(c, "IR0040", b, r, "no such arithmetic");
    else if (in->width != 64 && in->width != 32)
        breach(c, "IR0041", b, r, "a width of %u bits", in->width);
    else if (!*(in->width == 64 ? spec_alu_table[in->alu].verilog64
                                : spec_alu_table[in->alu].verilog32))
        breach(c, "IR0041", b, r, "%s does not exist at %u bits", spec_alu_table[in->alu].name,
               in->width);
    else if (in->nargs != spec_alu_table[in->alu].arity)
        breach(c, "IR0042", b, r, "%u operands, %u wanted", in->nargs,
               spec_alu_table[in->alu].arity);
}

static void check_shape(struct checker *c, ir_block b, ir_ref r)
{
    const struct ir_insn *in = &c->f->insns[r];
    const struct ir_op_row *row = &ir_op_table[in->op];

    if (in->nargs < row->min_args || (row->max_args >= 0 && in->nargs > row->max_args)) {
        breach(c, "IR0042", b, r, "%u operands", in->nargs);
        return;
    }
    switch ((enum ir_op)in->op) {
    case IR_INPUT:
        if (in->imm >= SPEC_IN_COUNT)
            breach(c, "IR0043", b, r, "no such input");
        break;
    case IR_ALU:
        check_alu(c, b, r);
        break;
    case IR_PHI:
        if (in->nargs != c->f->blocks[b].pred_count)
            breach(c, "IR0044", b, r, "%u operands for %u predecessors", in->nargs,
                   c->f->blocks[b].pred_count);
        break;
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        check_access(c, b, r);
        break;
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        check_map_op(c, b, r);
        break;
    case IR_NOP:
    case IR_CONST:
    case IR_SELECT:
    case IR_PKT_ZERO:
    case IR_JMP:
    case IR_BR:
    case IR_OP_COUNT:
        break;
    case IR_HOST:
        for (uint32_t a = 0; a < in->nargs; a++)
            if (in->args[a] >= c->f->insn_count || c->f->insns[in->args[a]].op != IR_CONST)
                breach(c, "IR0052", b, r, "operand %u is no constant", a);
        break;
    case IR_EXIT:
        if (in->nargs > 5 && c->f->events.beats == 0)
            breach(c, "IR0045", b, r, "%u operands, but no event area", in->nargs);
        break;
    }
}

/* Definitions come before uses on every path; a phi uses its operand at the predecessor's end. */
static void check_uses(struct checker *c, ir_block b, ir_ref r)
{
    const struct ir_func *f = c->f;
    const struct ir_insn *in = &f->insns[r];

    for (uint32_t a = 0; a < in->nargs && !c->failed; a++) {
        const ir_ref arg = in->args[a];
        const ir_block at = in->op == IR_PHI ? f->blocks[b].preds[a] : b;

        if (arg == IR_NONE || arg >= f->insn_count || !ir_op_table[f->insns[arg].op].result ||
            f->insns[arg].block == IR_NO_BLOCK || !c->position[arg]) {
            breach(c, "IR0050", b, r, "operand %u, %%%u, has no value", a, arg);
            return;
        }
        if (c->dom.idom[at] == IR_NO_BLOCK)
            continue; /* unreachable code has no order */
        if (at == f->insns[arg].block && in->op != IR_PHI
                ? c->position[arg] >= c->position[r]
                : !ir_dominates(&c->dom, f->insns[arg].block, at))
            breach(c, "IR0051", b, r, "%%%u is not defined on every path to here", arg);
    }
}

int ir_check(const struct ir_func *f, struct diag_sink *sink)
{
    struct arena *scratch = arena_open();
    struct checker c = {.f = f, .sink = sink};
    jmp_buf oom;

    if (!scratch)
        return -ENOMEM;
    if (setjmp(oom)) {
        arena_close(scratch);
        return -ENOMEM;
    }
    arena_set_oom(scratch, &oom);
    c.position = arena_array(scratch, f->insn_count, sizeof(*c.position));
    if (f->block_count == 0)
        breach(&c, "IR0017", 0, IR_NONE, "there is no block");
    else if (f->blocks[0].pred_count)
        breach(&c, "IR0018", 0, IR_NONE, "the entry has a predecessor");
    for (ir_block b = 0; b < f->block_count && !c.failed; b++)
        check_place(&c, b);
    for (ir_block b = 0; b < f->block_count && !c.failed; b++)
        check_edges(&c, b);
    if (!c.failed)
        c.dom = ir_dominators(scratch, f);
    for (ir_block b = 0; b < f->block_count && !c.failed; b++) {
        for (uint32_t i = 0; i < f->blocks[b].count && !c.failed; i++) {
            check_shape(&c, b, f->blocks[b].insns[i]);
            check_uses(&c, b, f->blocks[b].insns[i]);
        }
    }
    arena_close(scratch);
    return c.failed ? -EINVAL : 0;
}
