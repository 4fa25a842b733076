/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/load/internal.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

static int compare_funcs(const void *a, const void *b)
{
    const struct load_func *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    /* Of two names of one function the exported one comes first. */
    if (x->exported != y->exported)
        return x->exported ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int add_func(struct load_ctx *c, const struct load_symbol *sym)
{
    const struct load_section *s = &c->sections[sym->section];
    struct load_func *f = &c->funcs[c->func_count];

    if (sym->value % sizeof(struct ebpf_insn) || sym->size % sizeof(struct ebpf_insn) ||
        sym->value >= s->bytes || sym->size > s->bytes - sym->value)
        return load_fail(c, -EINVAL, LOAD_E_SYMBOL, s->name,
                         "function %s takes bytes %llu to %llu, but the section has %zu", sym->name,
                         (unsigned long long)sym->value,
                         (unsigned long long)(sym->value + sym->size), s->bytes);
    f->name = sym->name;
    f->section = sym->section;
    f->start = (uint32_t)(sym->value / sizeof(struct ebpf_insn));
    f->count = (uint32_t)(sym->size / sizeof(struct ebpf_insn));
    f->exported = sym->bind != STB_LOCAL;
    f->global = f->exported && sym->visibility == STV_DEFAULT;
    c->func_count++;
    return 0;
}

/* A function without size (as hand-written assembly leaves it) ends where the next begins. Then no
 * two may overlap, unless they are names of the same. */
static int check_func_ends(struct load_ctx *c)
{
    for (uint32_t i = c->func_count; i-- > 0;) {
        struct load_func *f = &c->funcs[i];
        const struct load_section *s = &c->sections[f->section];
        uint32_t end = (uint32_t)(s->bytes / sizeof(struct ebpf_insn));
        uint32_t next = i + 1;

        while (next < c->func_count && c->funcs[next].section == f->section &&
               c->funcs[next].start == f->start)
            next++;
        if (next < c->func_count && c->funcs[next].section == f->section)
            end = c->funcs[next].start;
        if (f->count == 0)
            f->count = end - f->start;
        if (f->count > end - f->start)
            return load_fail(c, -EINVAL, LOAD_E_CODE, s->name, "functions %s and %s overlap",
                             f->name, c->funcs[next].name);
        if (f->count == 0)
            return load_fail(c, -EINVAL, LOAD_E_CODE, s->name, "function %s is empty", f->name);
    }
    return 0;
}

int load_funcs(struct load_ctx *c)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->symbol_count; i++)
        count += c->symbols[i].type == STT_FUNC;
    c->funcs = arena_array(c->arena, count, sizeof(*c->funcs));
    for (uint32_t i = 0; i < c->symbol_count; i++) {
        const struct load_symbol *sym = &c->symbols[i];
        int err;

        if (sym->type != STT_FUNC || sym->section == SHN_UNDEF)
            continue;
        if (sym->section >= c->section_count || !load_section_is_code(&c->sections[sym->section]))
            return load_fail(c, -EINVAL, LOAD_E_SYMBOL, c->sections[c->symtab].name,
                             "function %s is in no section of code", sym->name);
        err = add_func(c, sym);
        if (err)
            return err;
    }
    if (c->func_count)
        qsort(c->funcs, c->func_count, sizeof(*c->funcs), compare_funcs);
    return check_func_ends(c);
}

uint32_t load_func_at(const struct load_ctx *c, uint32_t section, uint64_t insn)
{
    uint32_t low = 0, high = c->func_count;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        const struct load_func *f = &c->funcs[mid];

        if (f->section < section || (f->section == section && f->start < insn))
            low = mid + 1;
        else
            high = mid;
    }
    if (low == c->func_count || c->funcs[low].section != section || c->funcs[low].start != insn)
        return LOAD_NO_FUNC;
    return low;
}

/* ---- which are programs ---- */

/* xdp, xdp.frags, xdp/NAME, xdp_NAME, xdp.frags/NAME; a leading ? says "don't load by default". */
static bool is_xdp_section(const char *name, bool *frags)
{
    static const char frags_suffix[] = ".frags";

    *frags = false;
    name += *name == '?';
    if (strncmp(name, "xdp", 3) != 0)
        return false;
    name += 3;
    *frags = strncmp(name, frags_suffix, sizeof(frags_suffix) - 1) == 0;
    if (*frags)
        name += sizeof(frags_suffix) - 1;
    return *name == 0 || *name == '/' || *name == '_';
}

static bool is_program(const struct load_ctx *c, const struct load_func *f, bool *frags)
{
    const char *section = c->sections[f->section].name;
    const struct load_options *o = c->options;
    const bool xdp = is_xdp_section(section, frags);

    if (!f->exported)
        return false;
    if (o && o->section)
        return strcmp(section, o->section) == 0;
    if (o && o->any_type)
        return strcmp(section, ".text") != 0;
    return xdp;
}

/* ---- linking ---- */

/* A program in the making. */
struct link {
    struct load_ctx *c;
    struct load_prog *prog;
    uint32_t *func_of_subprog; /* of each subprogram, its function */
    uint32_t *subprog_of_func; /* of each function, 1 + subprogram, or 0 */
    uint32_t insn_capacity;
    uint32_t subprog_capacity;
    uint32_t func_capacity;
    uint32_t line_capacity;
};

static void add_line(struct link *l, const struct load_ext_record *r, uint32_t insn)
{
    enum { LINE_FILE, LINE_TEXT, LINE_COLUMN }; /* words of struct bpf_line_info */
    const struct load_ctx *c = l->c;
    const char *file = btf__str_by_offset(c->btf, r->word[LINE_FILE]);
    const char *text = btf__str_by_offset(c->btf, r->word[LINE_TEXT]);
    struct load_prog *p = l->prog;
    struct load_line *line;

    if (p->line_count && p->lines[p->line_count - 1].insn == insn) {
        line = &p->lines[p->line_count - 1]; /* of several for one instruction, the last */
    } else {
        p->lines =
            arena_grow(c->arena, p->lines, p->line_count, &l->line_capacity, sizeof(*p->lines));
        line = &p->lines[p->line_count++];
    }
    line->insn = insn;
    line->file = file ? arena_strdup(c->arena, file) : "";
    line->text = text && *text ? arena_strdup(c->arena, text) : NULL;
    line->line = r->word[LINE_COLUMN] >> 10;
    line->column = r->word[LINE_COLUMN] & 0x3ff;
}

static void add_lines(struct link *l, const struct load_func *f, uint32_t base)
{
    const struct load_ext_table *t = &l->c->lines;

    for (uint32_t i = load_ext_find(t, f->section, f->start); i < t->count; i++) {
        const struct load_ext_record *r = &t->records[i];

        if (r->section != f->section || r->insn - f->start >= f->count)
            return;
        add_line(l, r, base + (r->insn - f->start));
    }
}

static int grow_insns(struct link *l, uint32_t count)
{
    struct load_ctx *c = l->c;
    struct load_prog *p = l->prog;
    struct ebpf_insn *insns;

    if (count > LOAD_PROG_MAX_INSNS || p->insn_count > LOAD_PROG_MAX_INSNS - count)
        return load_fail(c, -ENOTSUP, LOAD_E_TOO_LARGE, NULL,
                         "more than %d instructions; Linux takes no longer program",
                         LOAD_PROG_MAX_INSNS);
    if (count > LOAD_TOTAL_MAX_INSNS - c->total_insns)
        return load_fail(c, -ENOTSUP, LOAD_E_TOO_LARGE, NULL,
                         "more than %d instructions in all programs together",
                         LOAD_TOTAL_MAX_INSNS);
    c->total_insns += count;
    if (p->insn_count + count <= l->insn_capacity)
        return 0;
    l->insn_capacity = (p->insn_count + count) * 2;
    insns = arena_array(c->arena, l->insn_capacity, sizeof(*insns));
    if (p->insn_count)
        memcpy(insns, p->insns, p->insn_count * sizeof(*insns));
    p->insns = insns;
    return 0;
}

/* Copies a function to the program's end, as a new subprogram. */
static int append_func(struct link *l, uint32_t func)
{
    struct load_ctx *c = l->c;
    const struct load_func *f = &c->funcs[func];
    const struct load_section *s = &c->sections[f->section];
    struct load_prog *p = l->prog;
    const uint32_t base = p->insn_count;
    int err = load_code_relocs(c, f->section);

    if (!err)
        err = grow_insns(l, f->count);
    if (err)
        return err;
    memcpy(p->insns + base, s->data + (size_t)f->start * sizeof(struct ebpf_insn),
           (size_t)f->count * sizeof(struct ebpf_insn));
    p->insn_count += f->count;
    p->subprogs = arena_grow(c->arena, p->subprogs, p->subprog_count, &l->subprog_capacity,
                             sizeof(*p->subprogs));
    l->func_of_subprog = arena_grow(c->arena, l->func_of_subprog, p->subprog_count,
                                    &l->func_capacity, sizeof(*l->func_of_subprog));
    l->func_of_subprog[p->subprog_count] = func;
    p->subprogs[p->subprog_count] =
        (struct load_subprog){.name = f->name, .start = base, .count = f->count};
    load_func_type(c, f, &p->subprogs[p->subprog_count++]);
    l->subprog_of_func[func] = p->subprog_count;
    add_lines(l, f, base);
    return load_core_check(c, f, base);
}

/* Writes what a reference means into the program's copy of the instruction. */
static void patch(struct link *l, uint32_t insn, const struct load_ref *ref)
{
    struct ebpf_insn *i = &l->prog->insns[insn];
    uint32_t start;

    switch (ref->kind) {
    case LOAD_REF_MAP:
        i[0].src = EBPF_PSEUDO_MAP_FD;
        i[0].imm = (int32_t)ref->target;
        i[1].imm = 0;
        return;
    case LOAD_REF_MAP_VALUE:
        i[0].src = EBPF_PSEUDO_MAP_VALUE;
        i[0].imm = (int32_t)ref->target;
        i[1].imm = (int32_t)ref->offset;
        return;
    case LOAD_REF_FUNC:
        start = l->prog->subprogs[l->subprog_of_func[ref->target] - 1].start;
        i[0].src = EBPF_PSEUDO_FUNC;
        i[0].imm = (int32_t)start;
        i[1].imm = 0;
        return;
    case LOAD_REF_CALL:
        start = l->prog->subprogs[l->subprog_of_func[ref->target] - 1].start;
        i[0].imm = (int32_t)start - (int32_t)insn - 1;
        return;
    case LOAD_REF_NONE:
    case LOAD_REF_KIND_COUNT:
        return;
    }
}

/* One function on the way down the calls. */
struct link_frame {
    uint32_t subprog;
    uint32_t next; /* instruction of the function to look at next */
};

/* Resolves and patches one instruction; *entered says that it brought a new subprogram. */
static int link_insn(struct link *l, const struct load_func *f, uint32_t base, uint32_t k,
                     bool *entered)
{
    struct load_ctx *c = l->c;
    const uint32_t slots = ebpf_slots(&l->prog->insns[base + k]);
    struct load_ref ref;
    int err;

    *entered = false;
    c->at.insn = base + k;
    err = load_resolve(c, f->section, f->start + k, &ref);
    if (err)
        return err;
    if (ref.kind != LOAD_REF_NONE && slots > f->count - k)
        return load_fail(c, -EINVAL, LOAD_E_CODE, NULL,
                         "the second half of a 64-bit constant lies outside of function %s",
                         f->name);
    if ((ref.kind == LOAD_REF_CALL || ref.kind == LOAD_REF_FUNC) &&
        !l->subprog_of_func[ref.target]) {
        err = append_func(l, ref.target);
        if (err)
            return err;
        *entered = true;
    }
    patch(l, base + k, &ref);
    return 0;
}

/* Appends what the entry reaches in the order in which libbpf does, depth first, so that
 * instruction numbers are the kernel's. */
static int link_calls(struct link *l)
{
    struct load_ctx *c = l->c;
    struct link_frame *stack = arena_array(c->arena, (size_t)c->func_count + 1, sizeof(*stack));
    uint32_t depth = 1;

    stack[0] = (struct link_frame){0, 0};
    while (depth) {
        struct link_frame *top = &stack[depth - 1];
        const struct load_func *f = &c->funcs[l->func_of_subprog[top->subprog]];
        const uint32_t base = l->prog->subprogs[top->subprog].start;
        const uint32_t k = top->next;
        bool entered;
        int err;

        if (k >= f->count) {
            depth--;
            continue;
        }
        top->next += ebpf_slots(&l->prog->insns[base + k]);
        err = link_insn(l, f, base, k, &entered);
        if (err)
            return err;
        if (entered)
            stack[depth++] = (struct link_frame){l->prog->subprog_count - 1, 0};
    }
    return 0;
}

static int link_prog(struct load_ctx *c, uint32_t func, bool frags, struct load_prog *p)
{
    const struct load_func *f = &c->funcs[func];
    struct link l = {.c = c, .prog = p};
    int err;

    p->name = f->name;
    p->section = c->sections[f->section].name;
    p->frags = frags;
    c->at.program = p->name;
    c->at.section = p->section;
    c->prog = p;
    l.subprog_of_func = arena_array(c->arena, c->func_count, sizeof(*l.subprog_of_func));
    err = append_func(&l, func);
    if (!err)
        err = link_calls(&l);
    c->prog = NULL;
    c->at.program = NULL;
    c->at.section = NULL;
    c->at.insn = DIAG_NO_INSN;
    return err;
}

/* The code sections that there are, for the message that none of them is XDP's. */
static const char *code_section_list(const struct load_ctx *c)
{
    const char *list = "";

    for (uint32_t i = 1; i < c->section_count; i++)
        if (load_section_is_code(&c->sections[i]) && c->sections[i].bytes)
            list = arena_printf(c->arena, "%.400s%s%.100s", list, *list ? ", " : "",
                                c->sections[i].name);
    return *list ? list : "(none)";
}

static int no_program(struct load_ctx *c)
{
    const struct load_options *o = c->options;

    if (o && o->section)
        return load_fail(c, -EINVAL, LOAD_E_NO_PROGRAM, NULL,
                         "no program in section %s; sections with code: %s", o->section,
                         code_section_list(c));
    return load_fail(c, -EINVAL, LOAD_E_NO_PROGRAM, NULL,
                     "no XDP program: no function in a section \"xdp\", \"xdp/...\", \"xdp_...\" "
                     "or \"xdp.frags\"; sections with code: %s",
                     code_section_list(c));
}

/* Links a program; what it wants and Sluice lacks stays with it. */
static int link_or_refuse(struct load_ctx *c, uint32_t func, bool frags, struct load_prog *p)
{
    struct diag_sink *sink = c->sink;
    struct diag_sink own = diag_sink_make(c->arena);
    int err;

    c->sink = &own;
    err = link_prog(c, func, frags, p);
    c->sink = sink;
    p->refusal = diag_first_error(&own);
    if (err == -ENOTSUP && p->refusal) {
        p->insn_count = p->subprog_count = p->line_count = 0;
        return 0;
    }
    for (uint32_t i = 0; i < own.count; i++)
        diag_repeat(sink, &own.records[i]);
    return err;
}

int load_progs(struct load_ctx *c)
{
    struct load_object *o = c->object;
    uint32_t count = 0, refused = 0;
    bool frags;

    for (uint32_t i = 0; i < c->func_count; i++)
        count += is_program(c, &c->funcs[i], &frags);
    if (count == 0)
        return no_program(c);
    o->progs = arena_array(c->arena, count, sizeof(*o->progs));
    for (uint32_t i = 0; i < c->func_count; i++) {
        int err;

        if (!is_program(c, &c->funcs[i], &frags))
            continue;
        err = link_or_refuse(c, i, frags, &o->progs[o->prog_count]);
        if (err)
            return err;
        refused += o->progs[o->prog_count++].refusal != NULL;
    }
    if (refused < count)
        return 0;
    diag_repeat(c->sink, o->progs[0].refusal);
    return -ENOTSUP;
}
