/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/stats.h"

#include "compiler/ebpf/ebpf.h"
#include "hw/spec/gen/helpers.h"

#include <stdlib.h>
#include <string.h>

/* ---- instruction forms: every one that the generator should come to ---- */

struct form {
    char name[32];
    uint8_t opcode;
    uint8_t kind; /* what besides the opcode tells it apart */
    int32_t value;
};

enum form_kind { FORM_PLAIN, FORM_OFF, FORM_IMM, FORM_SRC, FORM_HELPER };

struct stats_forms {
    struct form list[STATS_FORMS];
    uint32_t count;
};

static void add(struct stats_forms *f, const char *name, int opcode, enum form_kind kind,
                int32_t value)
{
    struct form *form = &f->list[f->count++];

    *form = (struct form){.opcode = (uint8_t)opcode, .kind = (uint8_t)kind, .value = value};
    snprintf(form->name, sizeof(form->name), "%s", name);
}

static void add_alu(struct stats_forms *f)
{
    char name[32];

    for (int wide = 0; wide < 2; wide++) {
        const int class = wide ? EBPF_CLASS_ALU64 : EBPF_CLASS_ALU;

        for (int r = 0; r < EBPF_ALU_ROWS; r++) {
            const struct ebpf_op_row *row = &ebpf_alu_table[r];
            const bool extends = row->code == EBPF_ALU_MOV && row->off;

            if (row->code == EBPF_ALU_END || (extends && row->off == 32 && !wide))
                continue;
            snprintf(name, sizeof(name), "%s%s", row->name, wide ? "64" : "32");
            if (!extends)
                add(f, name, class | row->code, FORM_OFF, row->off);
            snprintf(name, sizeof(name), "%s%s_X", row->name, wide ? "64" : "32");
            if (row->code != EBPF_ALU_NEG)
                add(f, name, class | row->code | EBPF_SRC_X, FORM_OFF, row->off);
        }
    }
    for (int32_t width = 16; width <= 64; width *= 2) {
        snprintf(name, sizeof(name), "LE%d", width);
        add(f, name, (int)EBPF_CLASS_ALU | EBPF_ALU_END, FORM_IMM, width);
        snprintf(name, sizeof(name), "BE%d", width);
        add(f, name, (int)EBPF_CLASS_ALU | EBPF_ALU_END | EBPF_SRC_X, FORM_IMM, width);
        snprintf(name, sizeof(name), "BSWAP%d", width);
        add(f, name, (int)EBPF_CLASS_ALU64 | EBPF_ALU_END, FORM_IMM, width);
    }
}

static void add_jumps(struct stats_forms *f)
{
    char name[32];

    for (int r = 0; r < EBPF_JMP_ROWS; r++) {
        const struct ebpf_op_row *row = &ebpf_jmp_table[r];

        if (row->alu == SPEC_ALU_NONE)
            continue;
        for (int wide = 0; wide < 2; wide++) {
            const int class = wide ? EBPF_CLASS_JMP : EBPF_CLASS_JMP32;

            snprintf(name, sizeof(name), "%s%s", row->name, wide ? "64" : "32");
            add(f, name, class | row->code, FORM_PLAIN, 0);
            snprintf(name, sizeof(name), "%s%s_X", row->name, wide ? "64" : "32");
            add(f, name, class | row->code | EBPF_SRC_X, FORM_PLAIN, 0);
        }
    }
    add(f, "GOTO", (int)EBPF_CLASS_JMP | EBPF_JMP_JA, FORM_PLAIN, 0);
    add(f, "GOTOL", EBPF_OP_GOTOL, FORM_PLAIN, 0);
    add(f, "EXIT", (int)EBPF_CLASS_JMP | EBPF_JMP_EXIT, FORM_PLAIN, 0);
    add(f, "CALL_FUNCTION", (int)EBPF_CLASS_JMP | EBPF_JMP_CALL, FORM_SRC, EBPF_PSEUDO_CALL);
    for (int h = 0; h < SPEC_HELPER_ROWS; h++)
        /* bpf_map_lookup_percpu_elem is left out: Linux asks for a CPU where we ask for a queue */
        if (spec_helper_table[h].soft &&
            spec_helper_table[h].num != SPEC_HELPER_MAP_LOOKUP_PERCPU_ELEM)
            add(f, spec_helper_table[h].name, (int)EBPF_CLASS_JMP | EBPF_JMP_CALL, FORM_HELPER,
                (int32_t)spec_helper_table[h].num);
}

static void add_memory(struct stats_forms *f)
{
    static const char *const sizes[] = {"W", "H", "B", "DW"};
    static const struct {
        const char *name;
        int32_t imm;
    } atomics[] = {{"ADD", 0x00},       {"OR", 0x40},        {"AND", 0x50},
                   {"XOR", 0xa0},       {"FETCH_ADD", 0x01}, {"FETCH_OR", 0x41},
                   {"FETCH_AND", 0x51}, {"FETCH_XOR", 0xa1}, {"XCHG", 0xe1},
                   {"CMPXCHG", 0xf1}};
    char name[32];

    for (int s = 0; s < 4; s++) {
        snprintf(name, sizeof(name), "LDX_%s", sizes[s]);
        add(f, name, (int)EBPF_CLASS_LDX | EBPF_MODE_MEM | s << 3, FORM_PLAIN, 0);
        snprintf(name, sizeof(name), "LDSX_%s", sizes[s]);
        if (s < 3)
            add(f, name, (int)EBPF_CLASS_LDX | EBPF_MODE_MEMSX | s << 3, FORM_PLAIN, 0);
        snprintf(name, sizeof(name), "ST_%s", sizes[s]);
        add(f, name, (int)EBPF_CLASS_ST | EBPF_MODE_MEM | s << 3, FORM_PLAIN, 0);
        snprintf(name, sizeof(name), "STX_%s", sizes[s]);
        add(f, name, (int)EBPF_CLASS_STX | EBPF_MODE_MEM | s << 3, FORM_PLAIN, 0);
    }
    for (size_t a = 0; a < sizeof(atomics) / sizeof(*atomics); a++)
        for (int wide = 0; wide < 2; wide++) {
            snprintf(name, sizeof(name), "%s%s", atomics[a].name, wide ? "64" : "32");
            add(f, name,
                (int)EBPF_CLASS_STX | EBPF_MODE_ATOMIC | (wide ? EBPF_SIZE_DW : EBPF_SIZE_W),
                FORM_IMM, atomics[a].imm);
        }
    add(f, "LD_IMM64", EBPF_OP_LD_IMM64, FORM_SRC, 0);
    add(f, "LD_MAP", EBPF_OP_LD_IMM64, FORM_SRC, EBPF_PSEUDO_MAP_FD);
    add(f, "LD_MAP_VALUE", EBPF_OP_LD_IMM64, FORM_SRC, EBPF_PSEUDO_MAP_VALUE);
}

struct stats_forms *stats_forms_open(void)
{
    struct stats_forms *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    add_alu(f);
    add_jumps(f);
    add_memory(f);
    return f;
}

void stats_forms_close(struct stats_forms *f)
{
    free(f);
}

static bool is_form(const struct form *f, const struct ebpf_insn *i)
{
    if (f->opcode != i->opcode)
        return false;
    switch ((enum form_kind)f->kind) {
    case FORM_PLAIN:
        return true;
    case FORM_OFF:
        return f->value == i->off;
    case FORM_IMM:
        return f->value == i->imm;
    case FORM_SRC:
        return f->value == i->src;
    case FORM_HELPER:
        return i->src == 0 && f->value == i->imm;
    }
    return false;
}

/* ---- counting ---- */

void stats_case(struct stats *s, const struct stats_forms *f, const struct diff_case *c,
                const uint32_t *templates)
{
    s->programs++;
    s->packets += c->packet_count;
    s->insns += c->prog.insn_count;
    s->functions += c->prog.subprog_count > 1;
    s->entries += c->entry_count;
    for (uint32_t m = 0; m < c->object.map_count; m++)
        s->map_types[c->object.maps[m].type]++;
    for (int t = 0; t < GEN_TEMPLATE_COUNT; t++)
        s->templates[t] += templates[t] != 0;
    for (uint32_t i = 0; i < c->prog.insn_count; i += ebpf_slots(&c->prog.insns[i]))
        for (uint32_t k = 0; k < f->count; k++)
            if (is_form(&f->list[k], &c->prog.insns[i])) {
                s->forms[k]++;
                break;
            }
}

static const uint8_t *entry_values(const struct diff_case *c, uint32_t map, const uint8_t *key)
{
    for (uint32_t i = 0; i < c->entry_count; i++)
        if (c->entries[i].map == map &&
            !memcmp(c->entries[i].key, key, c->object.maps[map].key_bytes))
            return c->entries[i].values;
    return NULL;
}

static bool map_changed(const struct diff_case *c, uint32_t map, const struct snapshot *m)
{
    uint32_t before = 0;

    for (uint32_t i = 0; i < c->entry_count; i++)
        before += c->entries[i].map == map;
    if (c->object.maps[map].type != SPEC_MAP_ARRAY &&
        c->object.maps[map].type != SPEC_MAP_PERCPU_ARRAY && before != m->count)
        return true;
    for (size_t i = 0; i < m->count; i++) {
        const uint8_t *values = entry_values(c, map, snapshot_key(m, i));

        for (uint32_t cpu = 0; values && cpu < m->cpus; cpu++)
            if (memcmp(values + cpu * m->stride_bytes, snapshot_value(m, i, cpu), m->value_bytes) !=
                0)
                return true;
    }
    return false;
}

void stats_result(struct stats *s, const struct diff_case *c, const struct diff_result *result)
{
    bool changed = false;

    for (uint32_t i = 0; i < result->packet_count; i++) {
        const struct diff_packet_result *p = &result->packets[i];

        s->verdicts[p->ret < STATS_VERDICTS - 1 ? p->ret : STATS_VERDICTS - 1]++;
        s->changed_packets +=
            p->len != c->packets[i].len || memcmp(p->bytes, c->packets[i].bytes, p->len) != 0;
    }
    for (uint32_t m = 0; m < result->map_count && !changed; m++)
        changed = map_changed(c, m, &result->maps[m]);
    s->changed_maps += changed;
}

void stats_unfit(struct stats_executor *e, const char *why)
{
    const char *bracket = strrchr(why, '[');
    char code[16];
    size_t n = bracket ? strcspn(bracket + 1, "]") : 0;

    e->unfit++;
    if (n >= sizeof(code))
        n = sizeof(code) - 1;
    memcpy(code, bracket ? bracket + 1 : "", n);
    code[n] = 0;
    for (int i = 0; i < STATS_REASONS; i++) {
        if (!e->reasons[i].count)
            memcpy(e->reasons[i].code, code, sizeof(code));
        if (!strcmp(e->reasons[i].code, code)) {
            e->reasons[i].count++;
            return;
        }
    }
}

static void add_reasons(struct stats_executor *sum, const struct stats_executor *other)
{
    for (int i = 0; i < STATS_REASONS && other->reasons[i].count; i++)
        for (int k = 0; k < STATS_REASONS; k++) {
            if (!sum->reasons[k].count)
                memcpy(sum->reasons[k].code, other->reasons[i].code, sizeof(sum->reasons[k].code));
            if (strcmp(sum->reasons[k].code, other->reasons[i].code) != 0)
                continue;
            sum->reasons[k].count += other->reasons[i].count;
            break;
        }
}

void stats_add(struct stats *sum, const struct stats *other)
{
    sum->programs += other->programs;
    sum->packets += other->packets;
    sum->insns += other->insns;
    sum->functions += other->functions;
    sum->rejected += other->rejected;
    sum->changed_packets += other->changed_packets;
    sum->changed_maps += other->changed_maps;
    sum->entries += other->entries;
    for (int i = 0; i < STATS_VERDICTS; i++)
        sum->verdicts[i] += other->verdicts[i];
    for (int i = 0; i < SPEC_MAP_COUNT; i++)
        sum->map_types[i] += other->map_types[i];
    for (int i = 0; i < GEN_TEMPLATE_COUNT; i++)
        sum->templates[i] += other->templates[i];
    for (int i = 0; i < STATS_FORMS; i++)
        sum->forms[i] += other->forms[i];
    for (int i = 0; i < STATS_EXECUTORS; i++) {
        sum->executors[i].ran += other->executors[i].ran;
        sum->executors[i].unfit += other->executors[i].unfit;
        sum->executors[i].differences += other->executors[i].differences;
        sum->executors[i].ns += other->executors[i].ns;
        add_reasons(&sum->executors[i], &other->executors[i]);
    }
}

/* ---- printing ---- */

static double percent(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_forms(FILE *out, const struct stats *s, const struct stats_forms *f, bool all)
{
    uint32_t seen = 0;

    for (uint32_t k = 0; k < f->count; k++)
        seen += s->forms[k] != 0;
    fprintf(out, "instructions  %u of %u forms occurred%s", seen, f->count,
            seen < f->count ? "; not:" : "");
    for (uint32_t k = 0; k < f->count; k++)
        if (!s->forms[k])
            fprintf(out, " %s", f->list[k].name);
    fprintf(out, "\n");
    for (uint32_t k = 0; k < f->count && all; k++)
        fprintf(out, "  %-20s %10llu%s", f->list[k].name, (unsigned long long)s->forms[k],
                k % 4 == 3 || k + 1 == f->count ? "\n" : "");
}

static void print_map_types(FILE *out, const struct stats *s)
{
    uint32_t seen = 0, all = 0;

    for (int t = 0; t < SPEC_MAP_COUNT; t++) {
        all += spec_map_type_table[t].soft != SPEC_SOFT_NONE;
        seen += s->map_types[t] != 0;
    }
    fprintf(out, "maps          %u of %u types occurred%s", seen, all, seen < all ? "; not:" : "");
    for (int t = 0; t < SPEC_MAP_COUNT; t++)
        if (spec_map_type_table[t].soft != SPEC_SOFT_NONE && !s->map_types[t])
            fprintf(out, " %s", spec_map_type_table[t].name);
    fprintf(out, "\n");
}

void stats_print(FILE *out, const struct stats *s, const struct stats_forms *f, bool all)
{
    static const char *const verdicts[STATS_VERDICTS] = {"ABORTED", "DROP",     "PASS",
                                                         "TX",      "REDIRECT", "other"};

    fprintf(out, "templates    ");
    for (int t = 0; t < GEN_TEMPLATE_COUNT; t++)
        fprintf(out, "%s %s %.0f%%", t && t % 8 == 0 ? "\n             " : "",
                gen_template_names[t], percent(s->templates[t], s->programs));
    fprintf(out, "\nverdicts     ");
    for (int v = 0; v < STATS_VERDICTS; v++)
        fprintf(out, " %s %.1f%%", verdicts[v], percent(s->verdicts[v], s->packets));
    fprintf(out,
            "\nchanged       %.0f%% of the packets, maps in %.0f%% of the programs; functions in "
            "%.0f%%\n",
            percent(s->changed_packets, s->packets), percent(s->changed_maps, s->programs),
            percent(s->functions, s->programs));
    print_map_types(out, s);
    print_forms(out, s, f, all);
}
