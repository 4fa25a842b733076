/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ebpf/asm.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

void asm_emit(struct assembler *a, struct ebpf_insn insn)
{
    if (a->failed)
        return;
    if (a->insn_count >= ASM_MAX_INSNS) {
        asm_fail(a, ASM_E_SIZE, "more than %d instructions", ASM_MAX_INSNS);
        return;
    }
    a->insns = arena_grow(a->arena, a->insns, a->insn_count, &a->insn_capacity, sizeof(*a->insns));
    a->insns[a->insn_count++] = insn;
}

void asm_add_fixup(struct assembler *a, const char *name, bool absolute)
{
    struct asm_fixup *f;

    a->fixups =
        arena_grow(a->arena, a->fixups, a->fixup_count, &a->fixup_capacity, sizeof(*a->fixups));
    f = &a->fixups[a->fixup_count++];
    snprintf(f->name, sizeof(f->name), "%s", name);
    f->insn = a->insn_count;
    f->line = a->line;
    f->absolute = absolute;
}

static const struct asm_label *find_label(const struct assembler *a, const char *name)
{
    for (uint32_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i].name, name) == 0)
            return &a->labels[i];
    return NULL;
}

static void add_label(struct assembler *a, const char *name)
{
    struct asm_label *l;

    if (find_label(a, name)) {
        asm_fail(a, ASM_E_LABEL, "label %s stands twice", name);
        return;
    }
    a->labels =
        arena_grow(a->arena, a->labels, a->label_count, &a->label_capacity, sizeof(*a->labels));
    l = &a->labels[a->label_count++];
    snprintf(l->name, sizeof(l->name), "%s", name);
    l->insn = a->insn_count;
}

/* "12:" as in dumps says nothing, "name:" is a label; both may stand before an instruction. */
static void take_labels(struct assembler *a)
{
    char name[ASM_NAME_BYTES];

    for (;;) {
        const char *start = a->at;

        if (!asm_take_name(a, name) || !asm_take(a, ":")) {
            a->at = start;
            return;
        }
        if (name[strspn(name, "0123456789")])
            add_label(a, name);
    }
}

/* "(b7)", the opcode in dumps. */
static void take_opcode(struct assembler *a)
{
    asm_skip_spaces(a);
    if (a->at[0] == '(' && isxdigit((unsigned char)a->at[1]) && isxdigit((unsigned char)a->at[2]) &&
        a->at[3] == ')')
        a->at += 4;
}

static void assemble_line(struct assembler *a, char *text)
{
    char *comment = strstr(text, "//");

    if (comment)
        *comment = 0;
    text[strcspn(text, ";")] = 0;
    a->text = a->at = text;
    a->failed = false;
    asm_skip_spaces(a);
    if (*a->at == '#')
        return;
    take_labels(a);
    take_opcode(a);
    asm_skip_spaces(a);
    if (a->failed || !*a->at)
        return;
    asm_statement(a);
    asm_skip_spaces(a);
    if (*a->at)
        asm_fail(a, ASM_E_SYNTAX, "nothing expected behind the instruction, but \"%.32s\"", a->at);
}

static void apply_fixups(struct assembler *a)
{
    for (uint32_t k = 0; k < a->fixup_count; k++) {
        const struct asm_fixup *f = &a->fixups[k];
        const struct asm_label *l = find_label(a, f->name);
        struct ebpf_insn *i = &a->insns[f->insn];
        int64_t distance;

        a->failed = false;
        a->line = f->line;
        a->text = f->name;
        if (!l) {
            asm_fail(a, ASM_E_NAME, "no label %s", f->name);
            continue;
        }
        distance = (int64_t)l->insn - f->insn - 1;
        if (f->absolute)
            i->imm = (int32_t)l->insn;
        else if (ebpf_is_call(i) || i->opcode == EBPF_OP_GOTOL)
            i->imm = (int32_t)distance;
        else if (distance == (int16_t)distance)
            i->off = (int16_t)distance;
        else
            asm_fail(a, ASM_E_RANGE, "label %s is too far for a jump's 16 bits; use gotol",
                     f->name);
    }
}

/* The text, cut into lines. */
static void assemble(struct assembler *a, char *text)
{
    while (text) {
        char *end = strchr(text, '\n');

        if (end)
            *end = 0;
        a->line++;
        assemble_line(a, text);
        text = end ? end + 1 : NULL;
    }
    if (!a->errors)
        apply_fixups(a);
}

int ebpf_asm(const char *text, const char *name, const struct ebpf_names *names,
             struct arena *arena, struct diag_sink *sink, const struct ebpf_insn **out,
             uint32_t *count)
{
    struct assembler *a = arena_alloc(arena, sizeof(*a));
    jmp_buf oom;

    if (!a)
        return -ENOMEM;
    if (setjmp(oom)) {
        arena_set_oom(arena, NULL);
        return -ENOMEM;
    }
    arena_set_oom(arena, &oom);
    a->arena = arena;
    a->sink = sink;
    a->file = name;
    a->names = names;
    assemble(a, arena_strdup(arena, text));
    arena_set_oom(arena, NULL);
    if (a->errors)
        return -EINVAL;
    *out = a->insns;
    *count = a->insn_count;
    return 0;
}
