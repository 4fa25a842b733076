/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/text.h"

#include <inttypes.h>

/* The IR as text; text.h describes the form. */

const char *const ir_op_names[IR_OP_COUNT] = {
#define X(op, text, min, max, result, effect) [IR_##op] = text,
#include "compiler/ir/ir_ops.h"
#undef X
};

const char *const ir_region_names[IR_REGION_COUNT] = {"none", "pkt", "stack", "map"};

const char *const ir_input_names[SPEC_IN_COUNT] = {
    [SPEC_IN_TIME] = "time",   [SPEC_IN_RAND] = "rand", [SPEC_IN_IFINDEX] = "ifindex",
    [SPEC_IN_QUEUE] = "queue", [SPEC_IN_LEN] = "len",   [SPEC_IN_EGRESS] = "egress",
};

const char *const ir_atomic_names[SPEC_ATOMIC_COUNT] = {
    [SPEC_ATOMIC_NONE] = "none",       [SPEC_ATOMIC_ADD] = "add", [SPEC_ATOMIC_OR] = "or",
    [SPEC_ATOMIC_AND] = "and",         [SPEC_ATOMIC_XOR] = "xor", [SPEC_ATOMIC_XCHG] = "xchg",
    [SPEC_ATOMIC_CMPXCHG] = "cmpxchg",
};

static void print_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; s && *s; s++) {
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(out, "\\x%02x", (unsigned char)*s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void print_args(FILE *out, const struct ir_insn *in, uint32_t first)
{
    for (uint32_t i = first; i < in->nargs; i++)
        fprintf(out, "%s%%%u", i == first ? " " : ", ", in->args[i]);
}

static void print_const(FILE *out, uint64_t v)
{
    const int64_t s = (int64_t)v;

    if (s >= -4096 && s <= 9999)
        fprintf(out, " %" PRId64, s);
    else
        fprintf(out, " 0x%" PRIx64, v);
}

/* " %1 +4, %2": address, offset, and what else there is. */
static void print_address(FILE *out, const struct ir_insn *in)
{
    const int64_t off = (int64_t)in->imm;

    fprintf(out, " %%%u", in->args[0]);
    if (off)
        fprintf(out, " %+" PRId64, off);
    for (uint32_t i = 1; i < in->nargs; i++)
        fprintf(out, ", %%%u", in->args[i]);
    if (in->region == IR_REGION_MAP && in->map == IR_MAP_ANY)
        fputs(" map any", out);
    else if (in->region == IR_REGION_MAP)
        fprintf(out, " map %u", in->map);
    else
        fprintf(out, " in %d..%d", in->off_min, in->off_max);
}

static void print_access(FILE *out, const struct ir_insn *in)
{
    fprintf(out, ".%s.%u", ir_region_names[in->region], in->size);
    if (in->op == IR_ATOMIC)
        fprintf(out, ".%s%s", ir_atomic_names[in->atomic], in->fetch ? ".fetch" : "");
    else if (in->swap)
        fputs(".be", out);
    print_address(out, in);
}

static void print_insn(FILE *out, const struct ir_func *f, ir_ref r)
{
    const struct ir_insn *in = &f->insns[r];
    const struct ir_block_data *block = &f->blocks[in->block];
    const enum ir_op op = (enum ir_op)in->op;

    fputs("    ", out);
    if (ir_op_table[op].result)
        fprintf(out, "%%%u = ", r);
    fputs(op == IR_ALU ? spec_alu_table[in->alu].name : ir_op_names[op], out);
    switch (op) {
    case IR_CONST:
        print_const(out, in->imm);
        break;
    case IR_INPUT:
        fprintf(out, " %s", ir_input_names[in->imm]);
        break;
    case IR_ALU:
        fprintf(out, ".%u", in->width);
        print_args(out, in, 0);
        break;
    case IR_PHI:
        for (uint32_t i = 0; i < in->nargs; i++)
            fprintf(out, "%s b%u: %%%u", i ? "," : "", block->preds[i], in->args[i]);
        break;
    case IR_LOAD:
    case IR_STORE:
    case IR_ATOMIC:
        print_access(out, in);
        break;
    case IR_MAP_LOOKUP:
    case IR_MAP_USE:
    case IR_MAP_UPDATE:
    case IR_MAP_DELETE:
        fprintf(out, " %u:", in->map);
        print_args(out, in, 0);
        break;
    case IR_JMP:
        fprintf(out, " b%u", block->succ[0]);
        break;
    case IR_BR:
        fprintf(out, " %%%u, b%u, b%u", in->args[0], block->succ[0], block->succ[1]);
        break;
    case IR_NOP:
    case IR_SELECT:
    case IR_PKT_ZERO:
    case IR_HOST:
    case IR_EXIT:
        print_args(out, in, 0);
        break;
    case IR_OP_COUNT:
        break;
    }
    if (in->pc != IR_NO_PC)
        fprintf(out, " @%u", in->pc);
    fputc('\n', out);
}

static void print_maps(FILE *out, const struct ir_func *f)
{
    for (uint32_t m = 0; m < f->map_count; m++) {
        const struct ir_map *map = &f->maps[m];

        fprintf(out, "map %u ", m);
        print_string(out, map->name);
        fprintf(out, " %s key %u value %u entries %u", spec_map_type_table[map->type].name,
                map->key_bytes, map->value_bytes, map->max_entries);
        if (map->extra)
            fprintf(out, " extra %u", map->extra);
        if (map->holds)
            fputs(" holds", out);
        for (uint64_t left = map->holds; left; left &= left - 1)
            fprintf(out, " %d", __builtin_ctzll(left));
        fputc('\n', out);
    }
}

static void print_sources(FILE *out, const struct ir_func *f)
{
    for (uint32_t pc = 0; pc < f->source_count; pc++) {
        const struct ir_source *s = &f->sources[pc];

        if (!s->ebpf && !s->file)
            continue;
        fprintf(out, "source %u ", pc);
        print_string(out, s->ebpf);
        if (s->file) {
            fputc(' ', out);
            print_string(out, s->file);
            fprintf(out, " %u ", s->line);
            print_string(out, s->text);
        }
        fputc('\n', out);
    }
}

void ir_print(FILE *out, const struct ir_func *f)
{
    fprintf(out, "func %s\n", f->name);
    print_maps(out, f);
    print_sources(out, f);
    if (f->stack_bytes)
        fprintf(out, "stack %u\n", f->stack_bytes);
    if (f->events.beats)
        fprintf(out, "events %u\n", f->events.beats);
    for (ir_block b = 0; b < f->block_count; b++) {
        const struct ir_block_data *block = &f->blocks[b];

        fprintf(out, "b%u:", b);
        for (uint32_t i = 0; i < block->pred_count; i++)
            fprintf(out, "%s b%u", i ? "," : " from", block->preds[i]);
        if (block->trip_max)
            fprintf(out, " trips %u", block->trip_max);
        fputc('\n', out);
        for (uint32_t i = 0; i < block->count; i++)
            print_insn(out, f, block->insns[i]);
    }
}
