/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Reads the text form that text.h describes. The first error is kept; from then on every token is
 * the end of the text, so that no caller needs to look. */

enum { MAX_ARGS = 64, MAX_NUMBER_NAME = 10 * 1000 * 1000, NAME_TABLE = 4096 };

struct name {
    struct name *next;
    const char *text;
    uint32_t bytes;
    ir_ref ref;
    bool defined;
    uint32_t line; /* of the first use */
};

struct phi_source {
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
    struct name **names;
    struct phi_source *phis;
    uint32_t phi_count;
    uint32_t phi_capacity;
    bool *given; /* blocks: header seen */
    bool *has_preds;
    uint32_t given_capacity;
};

static void fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct parser *p, const char *format, ...)
{
    struct diag_where where = DIAG_NOWHERE;
    char text[256];
    va_list args;

    if (p->failed)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    where.source_file = "IR text";
    where.source_line = p->line;
    diag_add(p->sink, DIAG_ERROR, "IR0001", where, "line %u: %s", p->line, text);
    p->failed = true;
    p->at = "";
}

/* --- tokens ------------------------------------------------------------------------------- */

static void skip_blanks(struct parser *p, bool lines)
{
    for (;;) {
        if (*p->at == ';' || *p->at == '#') {
            p->at += strcspn(p->at, "\n");
        } else if (*p->at == '\n' && lines) {
            p->line++;
            p->at++;
        } else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') {
            p->at++;
        } else {
            return;
        }
    }
}

static bool at_line_end(struct parser *p)
{
    skip_blanks(p, false);
    return *p->at == '\n' || *p->at == 0;
}

static bool accept(struct parser *p, const char *text)
{
    const size_t n = strlen(text);

    skip_blanks(p, false);
    if (strncmp(p->at, text, n) != 0)
        return false;
    if (isalnum((unsigned char)text[n - 1]) &&
        (isalnum((unsigned char)p->at[n]) || p->at[n] == '_'))
        return false;
    p->at += n;
    return true;
}

static void expect(struct parser *p, const char *text)
{
    if (!accept(p, text))
        fail(p, "expected \"%s\" at \"%.20s\"", text, p->at);
}

/* Letters, digits and underscores; length 0 if there are none. */
static uint32_t word(struct parser *p, const char **text)
{
    uint32_t n = 0;

    skip_blanks(p, false);
    *text = p->at;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_')
        n++;
    p->at += n;
    return n;
}

static bool is_number(const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return n > 0 && n < 8;
}

static uint64_t number(struct parser *p)
{
    char *end;
    uint64_t v;
    bool minus;

    skip_blanks(p, false);
    minus = *p->at == '-';
    if (*p->at == '-' || *p->at == '+')
        p->at++;
    if (!isdigit((unsigned char)*p->at)) {
        fail(p, "expected a number at \"%.20s\"", p->at);
        return 0;
    }
    v = strtoull(p->at, &end, 0);
    p->at = end;
    return minus ? 0 - v : v;
}

static uint32_t small_number(struct parser *p, uint32_t limit)
{
    const uint64_t v = number(p);

    if (v > limit)
        fail(p, "%llu is over %u", (unsigned long long)v, limit);
    return v > limit ? 0 : (uint32_t)v;
}

static const char *string(struct parser *p)
{
    char *s;
    uint32_t n = 0;

    expect(p, "\"");
    s = arena_alloc(p->arena, strcspn(p->at, "\n") + 1);
    while (*p->at && *p->at != '"' && *p->at != '\n') {
        if (p->at[0] == '\\' && p->at[1] == 'x' && isxdigit((unsigned char)p->at[2]) &&
            isxdigit((unsigned char)p->at[3])) {
            const char hex[3] = {p->at[2], p->at[3], 0};

            s[n++] = (char)strtoul(hex, NULL, 16);
            p->at += 4;
        } else {
            if (p->at[0] == '\\' && p->at[1] && p->at[1] != '\n')
                p->at++;
            s[n++] = *p->at++;
        }
    }
    expect(p, "\"");
    return s;
}

/* Index of the next word in a list of names, or -1. */
static int choice(struct parser *p, const char *const *names, uint32_t count)
{
    const char *text;
    const uint32_t n = word(p, &text);

    for (uint32_t i = 0; i < count; i++)
        if (names[i] && strlen(names[i]) == n && memcmp(names[i], text, n) == 0)
            return (int)i;
    fail(p, "unknown word \"%.*s\"", (int)n, text);
    return -1;
}

/* --- values ------------------------------------------------------------------------------- */

/* Looks through the whole text: do all values have numbers, and which is the highest? */
static void scan_names(struct parser *p, const char *text)
{
    uint32_t highest = 0;

    p->numbered = true;
    for (const char *s = strchr(text, '%'); s; s = strchr(s, '%')) {
        uint32_t n = 0;

        s++;
        while (isalnum((unsigned char)s[n]) || s[n] == '_')
            n++;
        if (!is_number(s, n) || *s == '0')
            p->numbered = false;
        else if ((uint32_t)strtoul(s, NULL, 10) > highest)
            highest = (uint32_t)strtoul(s, NULL, 10);
    }
    if (!p->numbered || highest > MAX_NUMBER_NAME) {
        p->numbered = false;
        return;
    }
    p->defined = arena_alloc(p->arena, highest + 1);
    p->numbered_count = highest + 1;
    for (uint32_t i = 0; i < highest; i++)
        ir_new(p->f, (struct ir_insn){.op = IR_NOP, .pc = IR_NO_PC}, NULL, 0);
}

static struct name *intern(struct parser *p, const char *text, uint32_t n)
{
    uint32_t h = 2166136261u;
    struct name *name;

    for (uint32_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    h %= NAME_TABLE;
    for (name = p->names[h]; name; name = name->next)
        if (name->bytes == n && memcmp(name->text, text, n) == 0)
            return name;
    name = arena_alloc(p->arena, sizeof(*name));
    *name = (struct name){.next = p->names[h], .text = text, .bytes = n, .line = p->line};
    name->ref = ir_new(p->f, (struct ir_insn){.op = IR_NOP, .pc = IR_NO_PC}, NULL, 0);
    p->names[h] = name;
    return name;
}

/* A value by its name; defines it, or uses it. */
static ir_ref value(struct parser *p, bool define)
{
    const char *text;
    uint32_t n;

    expect(p, "%");
    n = word(p, &text);
    if (n == 0) {
        fail(p, "expected a value's name at \"%.20s\"", p->at);
        return IR_NONE;
    }
    if (p->numbered) {
        const ir_ref r = (ir_ref)strtoul(text, NULL, 10);

        if (define && p->defined[r])
            fail(p, "%%%u is defined twice", r);
        if (define)
            p->defined[r] = 1;
        return r;
    } else {
        struct name *name = intern(p, text, n);

        if (define && name->defined)
            fail(p, "%%%.*s is defined twice", (int)n, text);
        name->defined |= define;
        return name->ref;
    }
}

static void check_defined(struct parser *p)
{
    for (uint32_t h = 0; h < NAME_TABLE; h++) {
        for (const struct name *n = p->names[h]; n; n = n->next) {
            if (n->defined)
                continue;
            p->line = n->line;
            fail(p, "%%%.*s is used but not defined", (int)n->bytes, n->text);
        }
    }
}

static uint32_t args_list(struct parser *p, ir_ref *args)
{
    uint32_t n = 0;

    if (at_line_end(p) || *p->at == '@')
        return 0;
    do {
        if (n == MAX_ARGS) {
            fail(p, "more than %d operands", (int)MAX_ARGS);
            break;
        }
        args[n++] = value(p, false);
    } while (accept(p, ","));
    return n;
}

/* --- blocks ------------------------------------------------------------------------------- */

static ir_block block_name(struct parser *p)
{
    const char *text;
    const uint32_t n = word(p, &text);
    uint32_t b;

    if (n < 2 || *text != 'b' || !is_number(text + 1, n - 1)) {
        fail(p, "expected a block such as b1 at \"%.*s\"", (int)n, text);
        return 0;
    }
    b = (uint32_t)strtoul(text + 1, NULL, 10);
    if (b > 1000 * 1000) {
        fail(p, "block b%u is over b1000000", b);
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

static void add_succ(struct parser *p, ir_block from, ir_block to)
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

static ir_block block_header(struct parser *p)
{
    const ir_block b = block_name(p);

    expect(p, ":");
    if (p->failed)
        return b;
    if (p->given[b])
        fail(p, "block b%u stands twice", b);
    p->given[b] = true;
    if (accept(p, "from")) {
        p->has_preds[b] = true;
        do {
            const ir_block pred = block_name(p);

            add_pred(p, b, pred);
        } while (!p->failed && accept(p, ","));
    }
    if (accept(p, "trips"))
        p->f->blocks[b].trip_max = small_number(p, UINT32_MAX);
    return b;
}

static bool is_pred(const struct ir_block_data *block, ir_block pred)
{
    for (uint32_t i = 0; i < block->pred_count; i++)
        if (block->preds[i] == pred)
            return true;
    return false;
}

static void finish_preds(struct parser *p)
{
    struct ir_func *f = p->f;

    for (ir_block b = 0; b < f->block_count; b++) {
        if (!p->given[b])
            fail(p, "block b%u is jumped to but not there", b);
        for (uint32_t k = 0; k < f->blocks[b].succ_count; k++) {
            const ir_block s = f->blocks[b].succ[k];

            if (!p->has_preds[s])
                add_pred(p, s, b);
            else if (!is_pred(&f->blocks[s], b))
                fail(p, "b%u jumps to b%u, whose list of predecessors lacks it", b, s);
        }
    }
}

/* Puts phi operands into the order of the predecessors. */
static void finish_phis(struct parser *p)
{
    for (uint32_t i = 0; i < p->phi_count && !p->failed; i++) {
        struct ir_insn *phi = &p->f->insns[p->phis[i].phi];
        const struct ir_block_data *block = &p->f->blocks[phi->block];
        ir_ref *args = arena_array(p->arena, block->pred_count, sizeof(*args));

        if (phi->nargs != block->pred_count) {
            fail(p, "a phi in b%u has %u operands for %u predecessors", phi->block, phi->nargs,
                 block->pred_count);
            return;
        }
        for (uint32_t k = 0; k < block->pred_count; k++) {
            uint32_t a = 0;

            while (a < phi->nargs && p->phis[i].blocks[a] != block->preds[k])
                a++;
            if (a == phi->nargs) {
                fail(p, "a phi in b%u has no operand for b%u", phi->block, block->preds[k]);
                return;
            }
            args[k] = phi->args[a];
        }
        phi->args = args;
    }
}

/* --- instructions ------------------------------------------------------------------------- */

static uint32_t parse_phi(struct parser *p, ir_ref *args, ir_ref self)
{
    struct phi_source *s;
    uint32_t n = 0;

    p->phis = arena_grow(p->arena, p->phis, p->phi_count, &p->phi_capacity, sizeof(*p->phis));
    s = &p->phis[p->phi_count++];
    *s = (struct phi_source){self, arena_array(p->arena, MAX_ARGS, sizeof(ir_block))};
    do {
        if (n == MAX_ARGS) {
            fail(p, "more than %d operands", (int)MAX_ARGS);
            break;
        }
        s->blocks[n] = block_name(p);
        expect(p, ":");
        args[n++] = value(p, false);
    } while (!p->failed && accept(p, ","));
    return n;
}

static uint32_t parse_access(struct parser *p, struct ir_insn *in, ir_ref *args)
{
    uint32_t n = 0;
    int region;

    expect(p, ".");
    region = choice(p, ir_region_names, IR_REGION_COUNT);
    in->region = region < 0 ? 0 : (uint8_t)region;
    expect(p, ".");
    in->size = (uint8_t)small_number(p, 8);
    if (in->op == IR_ATOMIC) {
        int atomic;

        expect(p, ".");
        atomic = choice(p, ir_atomic_names, SPEC_ATOMIC_COUNT);
        in->atomic = atomic < 0 ? 0 : (uint8_t)atomic;
        in->fetch = accept(p, ".fetch");
    } else {
        in->swap = accept(p, ".be");
    }
    args[n++] = value(p, false);
    if (!at_line_end(p) && (*p->at == '+' || *p->at == '-'))
        in->imm = number(p);
    while (accept(p, ",") && n < 3)
        args[n++] = value(p, false);
    if (in->region == IR_REGION_MAP) {
        expect(p, "map");
        in->map = accept(p, "any") ? IR_MAP_ANY : (uint16_t)small_number(p, UINT16_MAX);
    } else {
        expect(p, "in");
        in->off_min = (int32_t)number(p);
        expect(p, "..");
        in->off_max = (int32_t)number(p);
    }
    return n;
}

/* The operation's name; arithmetic has the names of the table and a width. */
static void parse_op(struct parser *p, struct ir_insn *in)
{
    const char *text;
    const uint32_t n = word(p, &text);

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
        expect(p, ".");
        in->width = (uint8_t)small_number(p, 64);
        return;
    }
    fail(p, "unknown operation \"%.*s\"", (int)n, text);
}

static uint32_t parse_operands(struct parser *p, struct ir_insn *in, ir_block b, ir_ref self,
                               ir_ref *args)
{
    int which;

    switch ((enum ir_op)in->op) {
    case IR_CONST:
        in->imm = number(p);
        return 0;
    case IR_INPUT:
        which = choice(p, ir_input_names, SPEC_IN_COUNT);
        in->imm = which < 0 ? 0 : (uint64_t)which;
        return 0;
    case IR_PHI:
        return parse_phi(p, args, self);
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        return parse_access(p, in, args);
    case IR_MAP_LOOKUP:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        in->map = (uint16_t)small_number(p, UINT16_MAX);
        expect(p, ":");
        return args_list(p, args);
    case IR_BR:
        args[0] = value(p, false);
        expect(p, ",");
        add_succ(p, b, block_name(p));
        expect(p, ",");
        add_succ(p, b, block_name(p));
        return 1;
    case IR_JMP:
        add_succ(p, b, block_name(p));
        return 0;
    case IR_NOP:
    case IR_ALU:
    case IR_SELECT:
    case IR_PKT_ZERO:
    case IR_EXIT:
    case IR_OP_COUNT:
        return args_list(p, args);
    }
    return 0;
}

static void parse_insn(struct parser *p, ir_block b)
{
    struct ir_insn in = {.pc = IR_NO_PC};
    ir_ref args[MAX_ARGS];
    ir_ref self = IR_NONE;
    uint32_t n;

    if (b == IR_NO_BLOCK) {
        fail(p, "an instruction stands before the first block");
        return;
    }
    skip_blanks(p, false);
    if (*p->at == '%') {
        self = value(p, true);
        expect(p, "=");
    }
    parse_op(p, &in);
    if (!p->failed && ir_op_table[in.op].result != (self != IR_NONE))
        fail(p, "%s %s a result", ir_op_names[in.op],
             ir_op_table[in.op].result ? "has" : "does not have");
    n = parse_operands(p, &in, b, self, args);
    if (accept(p, "@"))
        in.pc = small_number(p, UINT32_MAX - 1);
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
}

static void parse_map(struct parser *p, uint32_t *capacity)
{
    struct ir_func *f = p->f;
    const char *text;
    struct ir_map map = {0};
    uint32_t n;

    if (small_number(p, SPEC_MAPS) != f->map_count)
        fail(p, "maps are numbered from 0 on");
    map.name = string(p);
    n = word(p, &text);
    for (uint32_t t = 0; t < SPEC_MAP_COUNT; t++)
        if (strlen(spec_map_type_table[t].name) == n &&
            !memcmp(spec_map_type_table[t].name, text, n))
            map.type = t;
    if (map.type == SPEC_MAP_UNSPEC)
        fail(p, "unknown map type \"%.*s\"", (int)n, text);
    expect(p, "key");
    map.key_bytes = small_number(p, SPEC_KEY_MAX_BYTES);
    expect(p, "value");
    map.value_bytes = small_number(p, UINT32_MAX - 8);
    expect(p, "entries");
    map.max_entries = small_number(p, UINT32_MAX);
    ir_map_complete(&map);
    f->maps = arena_grow(p->arena, f->maps, f->map_count, capacity, sizeof(*f->maps));
    f->maps[f->map_count++] = map;
}

static void parse_source(struct parser *p)
{
    struct ir_func *f = p->f;
    const uint32_t pc = small_number(p, 1000 * 1000);
    struct ir_source s = {0};

    s.ebpf = string(p);
    if (!at_line_end(p)) {
        s.file = string(p);
        s.line = small_number(p, UINT32_MAX);
        s.text = string(p);
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

        skip_blanks(p, true);
        if (!*p->at)
            return;
        start = p->at;
        if (accept(p, "func")) {
            const char *text;
            const uint32_t n = word(p, &text);

            p->f->name = arena_printf(p->arena, "%.*s", (int)n, text);
        } else if (accept(p, "map")) {
            parse_map(p, &map_capacity);
        } else if (accept(p, "source")) {
            parse_source(p);
        } else if (accept(p, "stack")) {
            p->f->stack_bytes = small_number(p, SPEC_STACK_BYTES);
        } else if (start[0] == 'b' && isdigit((unsigned char)start[1])) {
            b = block_header(p);
        } else {
            parse_insn(p, b);
        }
        if (!at_line_end(p))
            fail(p, "not understood: \"%.20s\"", p->at);
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
    p.names = arena_array(arena, NAME_TABLE, sizeof(struct name *));
    scan_names(&p, text);
    parse_lines(&p);
    if (!p.failed)
        check_defined(&p);
    if (!p.failed && p.f->block_count == 0)
        fail(&p, "there is no block");
    if (!p.failed)
        finish_preds(&p);
    finish_phis(&p);
    arena_set_oom(arena, NULL);
    if (p.failed)
        return -EINVAL;
    *out = p.f;
    return 0;
}
