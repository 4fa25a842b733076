/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* The lines of IR text: instructions, and what stands above the first block. */

/* --- instructions ------------------------------------------------------------------------- */

static uint32_t read_phi(struct parser *p, ir_ref *args, ir_ref self)
{
    struct parse_phi *s;
    uint32_t n = 0;

    p->phis = arena_grow(p->arena, p->phis, p->phi_count, &p->phi_capacity, sizeof(*p->phis));
    s = &p->phis[p->phi_count++];
    *s = (struct parse_phi){self, arena_array(p->arena, PARSE_MAX_ARGS, sizeof(ir_block))};
    do {
        if (n == PARSE_MAX_ARGS) {
            parse_fail(p, "more than %d operands", (int)PARSE_MAX_ARGS);
            break;
        }
        s->blocks[n] = parse_block_name(p);
        parse_expect(p, ":");
        args[n++] = parse_value(p, false);
    } while (!p->failed && parse_accept(p, ","));
    return n;
}

static uint32_t parse_access(struct parser *p, struct ir_insn *in, ir_ref *args)
{
    uint32_t n = 0;
    int region;

    parse_expect(p, ".");
    region = parse_choice(p, ir_region_names, IR_REGION_COUNT);
    in->region = region < 0 ? 0 : (uint8_t)region;
    parse_expect(p, ".");
    in->size = (uint8_t)parse_small_number(p, 8);
    if (in->op == IR_ATOMIC) {
        int atomic;

        parse_expect(p, ".");
        atomic = parse_choice(p, ir_atomic_names, SPEC_ATOMIC_COUNT);
        in->atomic = atomic < 0 ? 0 : (uint8_t)atomic;
        in->fetch = parse_accept(p, ".fetch");
    } else {
        in->swap = parse_accept(p, ".be");
    }
    args[n++] = parse_value(p, false);
    if (!parse_at_line_end(p) && (*p->at == '+' || *p->at == '-'))
        in->imm = parse_number(p);
    while (parse_accept(p, ",") && n < 3)
        args[n++] = parse_value(p, false);
    if (in->region == IR_REGION_MAP) {
        parse_expect(p, "map");
        in->map = parse_accept(p, "any") ? IR_MAP_ANY : (uint16_t)parse_small_number(p, UINT16_MAX);
    } else {
        parse_expect(p, "in");
        in->off_min = (int32_t)parse_number(p);
        parse_expect(p, "..");
        in->off_max = (int32_t)parse_number(p);
    }
    return n;
}

/* The operation's name; arithmetic has the names of the table and a width. */
static void parse_op(struct parser *p, struct ir_insn *in)
{
    const char *text;
    const uint32_t n = parse_word(p, &text);

    for (uint32_t op = 0; op < IR_OP_COUNT; op++) {
        if (op != IR_ALU && strlen(ir_op_names[op]) == n && !memcmp(ir_op_names[op], text, n)) {
            in->op = (uint8_t)op;
            return;
        }
    }
    for (uint32_t alu = 1; alu < SPEC_ALU_COUNT; alu++) {
        const char *name = spec_alu_table[alu].name;

        if (!name || strlen(name) != n || memcmp(name, text, n) != 0)
            continue;
        in->op = IR_ALU;
        in->alu = (uint8_t)alu;
        parse_expect(p, ".");
        in->width = (uint8_t)parse_small_number(p, 64);
        return;
    }
    parse_fail(p, "unknown operation \"%.*s\"", (int)n, text);
}

static uint32_t parse_operands(struct parser *p, struct ir_insn *in, ir_block b, ir_ref self,
                               ir_ref *args)
{
    int which;

    switch ((enum ir_op)in->op) {
    case IR_CONST:
        in->imm = parse_number(p);
        return 0;
    case IR_INPUT:
        which = parse_choice(p, ir_input_names, SPEC_IN_COUNT);
        in->imm = which < 0 ? 0 : (uint64_t)which;
        return 0;
    case IR_PHI:
        return read_phi(p, args, self);
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        return parse_access(p, in, args);
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        in->map = (uint16_t)parse_small_number(p, UINT16_MAX);
        parse_expect(p, ":");
        return parse_args(p, args);
    case IR_BR:
        args[0] = parse_value(p, false);
        parse_expect(p, ",");
        parse_add_succ(p, b, parse_block_name(p));
        parse_expect(p, ",");
        parse_add_succ(p, b, parse_block_name(p));
        return 1;
    case IR_JMP:
        parse_add_succ(p, b, parse_block_name(p));
        return 0;
    case IR_NOP:
    case IR_ALU:
    case IR_SELECT:
    case IR_PKT_ZERO:
    case IR_HOST:
    case IR_EXIT:
    case IR_OP_COUNT:
        return parse_args(p, args);
    }
    return 0;
}

static void parse_insn(struct parser *p, ir_block b)
{
    struct ir_insn in = {.pc = IR_NO_PC};
    ir_ref args[PARSE_MAX_ARGS];
    ir_ref self = IR_NONE;
    uint32_t n;

    if (b == IR_NO_BLOCK) {
        parse_fail(p, "an instruction stands before the first block");
        return;
    }
    parse_skip(p, false);
    if (*p->at == '%') {
        self = parse_value(p, true);
        parse_expect(p, "=");
    }
    parse_op(p, &in);
    if (!p->failed && ir_op_table[in.op].result != (self != IR_NONE))
        parse_fail(p, "%s %s a result", ir_op_names[in.op],
                   ir_op_table[in.op].result ? "has" : "does not have");
    n = parse_operands(p, &in, b, self, args);
    if (parse_accept(p, "@"))
        in.pc = parse_small_number(p, UINT32_MAX - 1);
    if (p->failed)
        return;
    if (self == IR_NONE) {
        ir_append(p->f, b, in, args, n);
    } else {
        in.nargs = (uint16_t)n;
        in.args = n ? arena_memdup(p->arena, args, n * sizeof(*args)) : NULL;
        in.block = IR_NO_BLOCK;
        p->f->insns[self] = in;
        ir_insert(p->f, b, p->f->blocks[b].count, self);
    }
}

/* --- heads -------------------------------------------------------------------------------- */

void ir_map_complete(struct ir_map *map)
{
    const struct spec_map_type_row *row = &spec_map_type_table[map->type];

    map->engine = row->engine;
    map->cpus = row->percpu ? SPEC_QUEUES : 1;
    map->stride_bytes = (map->value_bytes + 7) & ~7u;
    if (map->type == SPEC_MAP_BLOOM_FILTER)
        map->stride_bytes = sizeof(uint64_t);
}

static void parse_map(struct parser *p, uint32_t *capacity)
{
    struct ir_func *f = p->f;
    const char *text;
    struct ir_map map = {0};
    uint32_t n;

    if (parse_small_number(p, SPEC_MAPS) != f->map_count)
        parse_fail(p, "maps are numbered from 0 on");
    map.name = parse_string(p);
    n = parse_word(p, &text);
    for (uint32_t t = 0; t < SPEC_MAP_COUNT; t++)
        if (strlen(spec_map_type_table[t].name) == n &&
            !memcmp(spec_map_type_table[t].name, text, n))
            map.type = t;
    if (map.type == SPEC_MAP_UNSPEC)
        parse_fail(p, "unknown map type \"%.*s\"", (int)n, text);
    parse_expect(p, "key");
    map.key_bytes = parse_small_number(p, SPEC_KEY_MAX_BYTES);
    parse_expect(p, "value");
    map.value_bytes = parse_small_number(p, UINT32_MAX - 8);
    parse_expect(p, "entries");
    map.max_entries = parse_small_number(p, UINT32_MAX);
    if (parse_accept(p, "extra"))
        map.extra = parse_small_number(p, UINT32_MAX);
    if (parse_accept(p, "holds"))
        while (!parse_at_line_end(p))
            map.holds |= UINT64_C(1) << parse_small_number(p, SPEC_MAPS - 1);
    ir_map_complete(&map);
    f->maps = arena_grow(p->arena, f->maps, f->map_count, capacity, sizeof(*f->maps));
    f->maps[f->map_count++] = map;
}

static void parse_source(struct parser *p)
{
    struct ir_func *f = p->f;
    const uint32_t pc = parse_small_number(p, 1000 * 1000);
    struct ir_source s = {0};

    s.ebpf = parse_string(p);
    if (!parse_at_line_end(p)) {
        s.file = parse_string(p);
        s.line = parse_small_number(p, UINT32_MAX);
        s.text = parse_string(p);
    }
    if (pc >= f->source_count) {
        struct ir_source *longer = arena_array(p->arena, 2 * (size_t)pc + 1, sizeof(*longer));

        if (f->source_count)
            memcpy(longer, f->sources, f->source_count * sizeof(*longer));
        f->sources = longer;
        f->source_count = 2 * pc + 1;
    }
    f->sources[pc] = s;
}

static void parse_lines(struct parser *p)
{
    ir_block b = IR_NO_BLOCK;
    uint32_t map_capacity = 0;

    for (;;) {
        const char *start;

        parse_skip(p, true);
        if (!*p->at)
            return;
        start = p->at;
        if (parse_accept(p, "func")) {
            const char *text;
            const uint32_t n = parse_word(p, &text);

            p->f->name = arena_printf(p->arena, "%.*s", (int)n, text);
        } else if (parse_accept(p, "map")) {
            parse_map(p, &map_capacity);
        } else if (parse_accept(p, "source")) {
            parse_source(p);
        } else if (parse_accept(p, "stack")) {
            p->f->stack_bytes = parse_small_number(p, SPEC_STACK_BYTES);
        } else if (parse_accept(p, "events")) {
            p->f->events.beats = parse_small_number(p, SPEC_EVENT_BYTES / 64);
        } else if (start[0] == 'b' && isdigit((unsigned char)start[1])) {
            b = parse_block_header(p);
        } else {
            parse_insn(p, b);
        }
        if (!parse_at_line_end(p))
            parse_fail(p, "not understood: \"%.20s\"", p->at);
    }
}

int ir_parse(const char *text, struct arena *arena, struct diag_sink *sink, struct ir_func **out)
{
    struct parser p = {.arena = arena, .sink = sink, .at = text, .line = 1};
    jmp_buf oom;

    arena_set_oom(arena, &oom);
    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    p.f = ir_func_new(arena, "");
    parse_scan_names(&p, text);
    parse_lines(&p);
    if (!p.failed)
        parse_check_defined(&p);
    if (!p.failed && p.f->block_count == 0)
        parse_fail(&p, "there is no block");
    if (!p.failed)
        parse_finish_preds(&p);
    parse_finish_phis(&p);
    arena_set_oom(arena, NULL);
    if (p.failed)
        return -EINVAL;
    *out = p.f;
    return 0;
}
