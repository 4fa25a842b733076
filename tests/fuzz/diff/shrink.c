/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/diff/shrink.h"

#include "compiler/base/clock.h"
#include "compiler/ebpf/ebpf.h"

#include <stdio.h>
#include <string.h>

/* Each step makes a copy of the best case so far, changes it, and keeps it if the fault is still
 * there. */

struct shrink {
    const struct exec_ops *ops;
    enum shrink_fault fault;
    char code[16];   /* of our rejection: another one is another fault */
    uint64_t end_ns; /* when time is up */
    struct arena *arena;
    struct diff_case *best;
    bool better; /* in this round */
};

static struct diff_case *copy_case(const struct diff_case *c, struct arena *arena)
{
    struct diff_case *n = arena_memdup(arena, c, sizeof(*c));

    n->object.maps =
        arena_memdup(arena, c->object.maps, (c->object.map_count + 1) * sizeof(*n->object.maps));
    n->prog.insns =
        arena_memdup(arena, c->prog.insns, (c->prog.insn_count + 1) * sizeof(*n->prog.insns));
    n->entries = arena_memdup(arena, c->entries, (c->entry_count + 1) * sizeof(*n->entries));
    n->packets = arena_memdup(arena, c->packets, (c->packet_count + 1) * sizeof(*n->packets));
    return n;
}

/* ---- what is left of a program ---- */

static int64_t target_of(const struct ebpf_insn *i, uint32_t at)
{
    return ebpf_is_jump(i) || ebpf_is_subprog_call(i) ? ebpf_target(i, at) : -1;
}

/* Takes away marked instructions, whole ones; jumps to them go to what follows. */
static void take_away(struct diff_case *c, const uint8_t *gone, struct arena *arena)
{
    const uint32_t count = c->prog.insn_count;
    uint32_t *place = arena_array(arena, count + 1, sizeof(*place)), to = 0;

    for (uint32_t i = 0; i <= count; i++) {
        place[i] = to;
        to += i < count && !gone[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ebpf_insn insn = c->prog.insns[i];
        const int64_t target =
            i && ebpf_is_ld_imm64(&c->prog.insns[i - 1]) ? -1 : target_of(&insn, i);

        if (gone[i])
            continue;
        if (target >= 0 && target <= count) {
            const int64_t d = (int64_t)place[target] - place[i] - 1;

            if (ebpf_is_call(&insn) || insn.opcode == EBPF_OP_GOTOL)
                insn.imm = (int32_t)d;
            else
                insn.off = (int16_t)d;
        }
        c->prog.insns[place[i]] = insn;
    }
    c->prog.insn_count = to;
}

/* Takes away what no way leads to: verifiers refuse it. */
static void drop_unreached(struct diff_case *c, struct arena *arena)
{
    const uint32_t count = c->prog.insn_count;
    uint8_t *gone = arena_alloc(arena, count + 1);
    uint32_t *stack = arena_array(arena, 2 * (size_t)count + 2, sizeof(*stack)), depth = 0;

    memset(gone, 1, count);
    stack[depth++] = 0;
    while (depth) {
        const uint32_t at = stack[--depth];
        const struct ebpf_insn *i = &c->prog.insns[at];
        int64_t target;

        if (at >= count || !gone[at])
            continue;
        target = target_of(i, at);
        memset(gone + at, 0, at + ebpf_slots(i) <= count ? ebpf_slots(i) : 1);
        if (target >= 0 && target < count)
            stack[depth++] = (uint32_t)target;
        if (!ebpf_ends_block(i))
            stack[depth++] = at + ebpf_slots(i);
    }
    take_away(c, gone, arena);
}

/* The code in brackets at a message's end. */
static void code_of(const char *why, char code[16])
{
    const char *bracket = strrchr(why, '[');

    snprintf(code, 16, "%s", bracket ? bracket : "");
}

static bool time_left(const struct shrink *s)
{
    return clock_now_ns() < s->end_ns;
}

/* Keeps the changed case if it shows the fault. */
static bool keep(struct shrink *s, struct diff_case *c)
{
    char why[EXEC_WHY_BYTES], code[16];

    if (!time_left(s))
        return false;
    drop_unreached(c, s->arena);
    diff_case_finish(c, s->arena);
    if (shrink_judge(c, s->ops, why) != s->fault)
        return false;
    code_of(why, code);
    if (s->fault == FAULT_OURS && strcmp(code, s->code) != 0)
        return false;
    s->best = c;
    s->better = true;
    return true;
}

/* ---- lists: packets and entries ---- */

static bool drop_packets(struct shrink *s, uint32_t at, uint32_t n)
{
    struct diff_case *c = copy_case(s->best, s->arena);

    memmove(c->packets + at, c->packets + at + n, (c->packet_count - at - n) * sizeof(*c->packets));
    c->packet_count -= n;
    return c->packet_count && keep(s, c);
}

static bool drop_entries(struct shrink *s, uint32_t at, uint32_t n)
{
    struct diff_case *c = copy_case(s->best, s->arena);

    memmove(c->entries + at, c->entries + at + n, (c->entry_count - at - n) * sizeof(*c->entries));
    c->entry_count -= n;
    return keep(s, c);
}

/* ---- instructions ---- */

/* Drops the instructions from at on; jumps into them go behind them. */
static bool drop_insns(struct shrink *s, uint32_t at, uint32_t n)
{
    struct diff_case *c = copy_case(s->best, s->arena);
    uint8_t *gone = arena_alloc(s->arena, c->prog.insn_count + 1);
    uint32_t end = at;

    while (end < c->prog.insn_count && end < at + n)
        end += ebpf_slots(&c->prog.insns[end]);
    if (end > c->prog.insn_count)
        return false;
    memset(gone + at, 1, end - at);
    take_away(c, gone, s->arena);
    return c->prog.insn_count && keep(s, c);
}

static bool replace(struct shrink *s, uint32_t at, struct ebpf_insn by)
{
    struct diff_case *c = copy_case(s->best, s->arena);

    if (!memcmp(&c->prog.insns[at], &by, sizeof(by)))
        return false;
    c->prog.insns[at] = by;
    return keep(s, c);
}

/* A simpler instruction in the place of one. */
static void simplify_insn(struct shrink *s, uint32_t at)
{
    const struct ebpf_insn i = s->best->prog.insns[at];
    struct ebpf_insn n = i;

    if (ebpf_is_ld_imm64(&i))
        return;
    if (ebpf_is_cond_jump(&i)) {
        n = (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_JA, .off = i.off};
        if (replace(s, at, n))
            return;
    }
    if (ebpf_is_load(&i) || ebpf_is_alu(&i) || ebpf_is_call(&i)) {
        for (int32_t v = 0; v < 2; v++) {
            n = (struct ebpf_insn){.opcode = (int)EBPF_CLASS_ALU64 | EBPF_ALU_MOV,
                                   .dst = ebpf_is_call(&i) ? 0 : i.dst,
                                   .imm = v};
            if (i.opcode == n.opcode && (uint32_t)i.imm < 2)
                return;
            if (replace(s, at, n))
                return;
        }
    }
    n = i;
    if ((ebpf_is_alu(&i) || ebpf_is_cond_jump(&i)) && !ebpf_src_is_reg(&i) &&
        ebpf_code_of(&i) != EBPF_ALU_END) {
        static const int32_t simple[] = {0, 1, 8, -1};

        for (int k = 0; k < 4; k++) {
            n.imm = simple[k];
            if (i.imm == simple[k] || replace(s, at, n))
                return;
        }
    }
}

/* ---- maps, packets, options ---- */

static bool map_used(const struct diff_case *c, uint32_t map)
{
    for (uint32_t i = 0; i < c->prog.insn_count; i += ebpf_slots(&c->prog.insns[i])) {
        const struct ebpf_insn *insn = &c->prog.insns[i];

        if (ebpf_names_map(insn) && (uint32_t)insn->imm == map)
            return true;
    }
    return false;
}

static void drop_map(struct shrink *s, uint32_t map)
{
    struct diff_case *c = copy_case(s->best, s->arena);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < c->prog.insn_count; i += ebpf_slots(&c->prog.insns[i])) {
        struct ebpf_insn *insn = &c->prog.insns[i];

        if (ebpf_names_map(insn))
            insn->imm -= (uint32_t)insn->imm > map;
    }
    for (uint32_t i = 0; i < c->entry_count; i++) {
        if (c->entries[i].map == map)
            continue;
        c->entries[kept] = c->entries[i];
        c->entries[kept].map -= c->entries[i].map > map;
        kept++;
    }
    c->entry_count = kept;
    memmove(c->object.maps + map, c->object.maps + map + 1,
            (c->object.map_count - map - 1) * sizeof(*c->object.maps));
    c->object.map_count--;
    keep(s, c);
}

static bool shorten_packet(struct shrink *s, uint32_t i, uint32_t len)
{
    struct diff_case *c = copy_case(s->best, s->arena);

    if (len < SPEC_PKT_MIN_BYTES || len >= c->packets[i].len)
        return false;
    c->packets[i].len = len;
    return keep(s, c);
}

static void clear_bytes(struct shrink *s, uint32_t i, uint32_t at, uint32_t n)
{
    struct diff_case *c = copy_case(s->best, s->arena);
    uint8_t *bytes = arena_memdup(s->arena, c->packets[i].bytes, c->packets[i].len);
    bool some = false;

    for (uint32_t k = at; k < at + n && k < c->packets[i].len; k++) {
        some = some || bytes[k];
        bytes[k] = 0;
    }
    c->packets[i].bytes = bytes;
    if (some)
        keep(s, c);
}

static void simplify_packet(struct shrink *s, uint32_t i)
{
    struct diff_case *c;

    while (shorten_packet(s, i, s->best->packets[i].len / 2))
        ;
    for (uint32_t less = 32; less; less /= 2)
        while (s->best->packets[i].len > less &&
               shorten_packet(s, i, s->best->packets[i].len - less))
            ;
    for (uint32_t at = 0; at < s->best->packets[i].len; at += 8)
        clear_bytes(s, i, at, 8);
    c = copy_case(s->best, s->arena);
    c->packets[i].time_ns = i;
    if (s->best->packets[i].time_ns != i)
        keep(s, c);
}

static void simplify_options(struct shrink *s)
{
    const struct exec_options *o = &s->best->options;
    struct diff_case *c = copy_case(s->best, s->arena);

    if (o->idle_percent || o->stall_percent) {
        c->options.idle_percent = c->options.stall_percent = 0;
        keep(s, c);
    }
    if (s->best->options.seed > 1 || s->best->options.queue || s->best->options.ifindex != 1) {
        c = copy_case(s->best, s->arena);
        c->options.seed = 1;
        c->options.queue = 0;
        c->options.ifindex = 1;
        keep(s, c);
    }
}

/* ---- rounds ---- */

/* Takes away pieces, the largest first; count and drop are of the list at hand. */
static void drop_pieces(struct shrink *s, uint32_t (*count)(const struct diff_case *),
                        bool (*drop)(struct shrink *, uint32_t, uint32_t))
{
    for (uint32_t n = (count(s->best) + 1) / 2; n && time_left(s); n /= 2)
        for (uint32_t end = count(s->best); end && time_left(s);) {
            const uint32_t at = end > n ? end - n : 0;

            drop(s, at, end - at < n ? end - at : n);
            end = at < count(s->best) ? at : count(s->best);
        }
}

static uint32_t packets_of(const struct diff_case *c)
{
    return c->packet_count;
}

static uint32_t entries_of(const struct diff_case *c)
{
    return c->entry_count;
}

static uint32_t insns_of(const struct diff_case *c)
{
    return c->prog.insn_count;
}

static void shrink_round(struct shrink *s)
{
    drop_pieces(s, packets_of, drop_packets);
    drop_pieces(s, insns_of, drop_insns);
    drop_pieces(s, entries_of, drop_entries);
    for (uint32_t i = 0; i < s->best->prog.insn_count && time_left(s);
         i += ebpf_slots(&s->best->prog.insns[i]))
        simplify_insn(s, i);
    for (uint32_t m = s->best->object.map_count; m-- > 0;)
        if (!map_used(s->best, m))
            drop_map(s, m);
    for (uint32_t i = 0; i < s->best->packet_count && time_left(s); i++)
        simplify_packet(s, i);
    simplify_options(s);
}

struct diff_case *shrink_case(const struct diff_case *c, const struct exec_ops *ops,
                              enum shrink_fault fault, uint32_t seconds, struct arena *arena)
{
    struct shrink s = {.ops = ops, .fault = fault, .arena = arena, .better = true};
    char why[EXEC_WHY_BYTES];

    s.end_ns = clock_now_ns() + seconds * UINT64_C(1000000000);
    s.best = copy_case(c, arena);
    diff_case_finish(s.best, arena);
    shrink_judge(s.best, ops, why);
    code_of(why, s.code);
    while (s.better && time_left(&s)) {
        s.better = false;
        shrink_round(&s);
    }
    return s.best;
}
