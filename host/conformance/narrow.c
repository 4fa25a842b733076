/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conformance/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* From what was seen to what the compiler takes: each call context becomes a function of its own,
 * which holds the instructions that were executed in it, in their order; a jump to one that was not
 * leads to the function's end, where r0 becomes what no right run gives. Whatever lies between
 * functions, behind exits or in the middle of constants is gone then. */

enum { SLOTS_MAX = 1000000, STUB_SLOTS = 3, NOWHERE = -1 };

/* A jump that waits for its target's place. */
struct fixup {
    uint32_t at;
    int64_t target; /* in the old numbering */
};

struct narrow {
    const struct conf_program *p;
    const struct conf_observation *seen;
    struct arena *arena;
    struct ebpf_insn *insns;
    uint32_t count;
    uint32_t capacity;
    int64_t *new_at;  /* of the context at hand: old number -> new one, or NOWHERE */
    uint32_t *old_of; /* new number -> old one, or UINT32_MAX for what was put in */
    uint32_t old_capacity;
    struct fixup *fixups;
    uint32_t fixup_count;
    uint32_t fixup_capacity;
    struct load_subprog *subprogs; /* one a context */
};

static void emit(struct narrow *n, struct ebpf_insn insn, uint32_t old)
{
    n->insns = arena_grow(n->arena, n->insns, n->count, &n->capacity, sizeof(*n->insns));
    n->old_of = arena_grow(n->arena, n->old_of, n->count, &n->old_capacity, sizeof(*n->old_of));
    n->insns[n->count] = insn;
    n->old_of[n->count++] = old;
}

static void wait_for(struct narrow *n, int64_t target)
{
    n->fixups =
        arena_grow(n->arena, n->fixups, n->fixup_count, &n->fixup_capacity, sizeof(*n->fixups));
    n->fixups[n->fixup_count++] = (struct fixup){n->count, target};
}

static void emit_goto(struct narrow *n, int64_t target)
{
    wait_for(n, target);
    emit(n, (struct ebpf_insn){.opcode = EBPF_OP_GOTOL}, UINT32_MAX);
}

/* One executed instruction, and a jump if what follows it is not next. */
static void emit_executed(struct narrow *n, const struct conf_context *c, uint32_t old)
{
    const struct ebpf_insn *i = &n->p->prog->insns[old];
    const uint32_t count = n->p->prog->insn_count;
    const uint32_t follows = old + ebpf_slots(i);
    uint32_t next = old + 1;

    n->new_at[old] = n->count;
    if (ebpf_is_goto(i)) {
        emit_goto(n, ebpf_target(i, old));
        return;
    }
    if (ebpf_is_cond_jump(i))
        wait_for(n, c->notes[old].jumped ? ebpf_target(i, old) : NOWHERE);
    emit(n, *i, old);
    if (ebpf_is_ld_imm64(i))
        emit(n, i[1], old);
    while (next < count && !c->notes[next].executed)
        next++;
    if (ebpf_is_cond_jump(i) && !c->notes[old].fell)
        emit_goto(n, NOWHERE);
    else if (!ebpf_is_exit(i) && next != follows)
        emit_goto(n, follows);
}

static void emit_stub(struct narrow *n)
{
    struct ebpf_insn i = {.opcode = EBPF_OP_LD_IMM64, .imm = (int32_t)(uint32_t)CONF_POISON};

    emit(n, i, UINT32_MAX);
    i = (struct ebpf_insn){.imm = (int32_t)(CONF_POISON >> 32)};
    emit(n, i, UINT32_MAX);
    i = (struct ebpf_insn){.opcode = (int)EBPF_CLASS_JMP | EBPF_JMP_EXIT};
    emit(n, i, UINT32_MAX);
}

static int fix(struct narrow *n, int64_t stub, char why[EXEC_WHY_BYTES])
{
    const uint32_t count = n->p->prog->insn_count;

    for (uint32_t f = 0; f < n->fixup_count; f++) {
        const int64_t old = n->fixups[f].target;
        const uint32_t at = n->fixups[f].at;
        const int64_t to =
            old >= 0 && old < count && n->new_at[old] != NOWHERE ? n->new_at[old] : stub;
        const int64_t distance = to - at - 1;

        if (n->insns[at].opcode == EBPF_OP_GOTOL) {
            n->insns[at].imm = (int32_t)distance;
        } else if (distance == (int16_t)distance) {
            n->insns[at].off = (int16_t)distance;
        } else {
            snprintf(why, EXEC_WHY_BYTES, "a conditional jump over %lld instructions",
                     (long long)distance);
            return -ENOTSUP;
        }
    }
    n->fixup_count = 0;
    return 0;
}

static int emit_context(struct narrow *n, uint32_t number, char why[EXEC_WHY_BYTES])
{
    const struct conf_context *c = &n->seen->contexts[number];
    const uint32_t count = n->p->prog->insn_count;
    struct load_subprog *sub = &n->subprogs[number];
    int64_t stub;
    uint32_t first = 0;

    sub->name = number ? arena_printf(n->arena, "context_%u", number) : "main";
    sub->start = n->count;
    for (uint32_t i = 0; i < count; i++)
        n->new_at[i] = NOWHERE;
    while (first < count && !c->notes[first].executed)
        first++;
    if (first != c->entry)
        emit_goto(n, c->entry);
    for (uint32_t i = first; i < count; i++)
        if (c->notes[i].executed)
            emit_executed(n, c, i);
    stub = n->count;
    emit_stub(n);
    sub->count = n->count - sub->start;
    if (n->count > SLOTS_MAX) {
        snprintf(why, EXEC_WHY_BYTES, "more than %d instructions with all functions copied",
                 SLOTS_MAX);
        return -ENOTSUP;
    }
    return fix(n, stub, why);
}

/* --- facts -------------------------------------------------------------------------------- */

static struct verify_fact fact_of(const struct narrow *n, const struct conf_context *c, uint32_t at,
                                  uint16_t map)
{
    struct verify_fact fact = {.reached = true, .jumps = true, .falls_through = true};
    const uint32_t old = n->old_of[at];

    if (old == UINT32_MAX)
        return fact;
    fact.access = c->notes[old].access;
    fact.args = c->notes[old].args;
    if (map == VERIFY_MAP_NONE || fact.access.region == VERIFY_REGION_MAP)
        return fact;
    fact.access = (struct verify_pointer){.region = VERIFY_REGION_MAP, .map = map, .off_max = 1};
    return fact;
}

static struct verify_result facts_of(struct narrow *n, uint16_t map)
{
    const struct conf_observation *seen = n->seen;
    struct verify_result r = {.context_count = seen->count};

    r.contexts = arena_array(n->arena, seen->count, sizeof(*r.contexts));
    r.stack_bytes = arena_array(n->arena, seen->count, sizeof(*r.stack_bytes));
    r.trip_max = arena_array(n->arena, n->count, sizeof(*r.trip_max));
    for (uint32_t k = 0; k < seen->count; k++) {
        const struct conf_context *c = &seen->contexts[k];
        const struct load_subprog *sub = &n->subprogs[k];
        struct verify_context *to = &r.contexts[k];

        *to = (struct verify_context){.subprog = k, .parent = c->parent, .depth = c->depth};
        to->facts = arena_array(n->arena, sub->count, sizeof(*to->facts));
        r.stack_bytes[k] = map == VERIFY_MAP_NONE ? (uint32_t)(-c->lowest + 7) & ~7u : 0;
        for (uint32_t i = 0; i < sub->count; i++) {
            const uint32_t old = n->old_of[sub->start + i];

            to->facts[i] = fact_of(n, c, sub->start + i, map);
            if (old != UINT32_MAX)
                r.trip_max[sub->start + i] = c->trips[old];
        }
    }
    return r;
}

/* Calls lead to the context that was entered by them. */
static void link_calls(struct narrow *n, struct verify_result *facts)
{
    for (uint32_t k = 1; k < n->seen->count; k++) {
        const struct conf_context *c = &n->seen->contexts[k];
        const struct load_subprog *from = &n->subprogs[c->parent];

        for (uint32_t at = from->start; at < from->start + from->count; at++) {
            if (n->old_of[at] != c->call_insn)
                continue;
            n->insns[at].imm = (int32_t)((int64_t)n->subprogs[k].start - at - 1);
            facts->contexts[k].call_insn = at;
            break;
        }
    }
}

/* --- one memory --------------------------------------------------------------------------- */

enum { WORD = 8 };

static const struct load_object *with_memory(const struct narrow *n, uint32_t bytes)
{
    const struct load_object *o = n->p->object;
    struct load_object *copy = arena_memdup(n->arena, o, sizeof(*o));

    copy->maps = arena_array(n->arena, o->map_count + 1, sizeof(*copy->maps));
    if (o->map_count)
        memcpy(copy->maps, o->maps, o->map_count * sizeof(*copy->maps));
    copy->maps[copy->map_count++] = (struct load_map){.name = "memory",
                                                      .section = "",
                                                      .kind = LOAD_MAP_BTF,
                                                      .type = SPEC_MAP_ARRAY,
                                                      .key_bytes = 4,
                                                      .value_bytes = WORD,
                                                      .max_entries = bytes / WORD};
    return copy;
}

static uint32_t frames_of(const struct conf_observation *seen)
{
    uint32_t most = 0;

    for (uint32_t k = 0; k < seen->count; k++)
        most = seen->contexts[k].depth > most ? seen->contexts[k].depth : most;
    return most + 1;
}

static struct ir_build_raw raw_of(struct narrow *n, uint32_t memory_bytes, bool one_memory)
{
    enum { LEAST = SPEC_PKT_MIN_BYTES - WORD };
    uint64_t *zeroed = arena_array(n->arena, n->seen->count, sizeof(*zeroed));
    struct ir_build_raw raw = {.memory_bytes = memory_bytes,
                               .map = VERIFY_MAP_NONE,
                               .result_at = memory_bytes < LEAST ? LEAST : memory_bytes,
                               .zeroed = zeroed};

    for (uint32_t k = 0; k < n->seen->count; k++)
        zeroed[k] = n->seen->contexts[k].zeroed;
    if (!one_memory)
        return raw;
    raw.map = (uint16_t)n->p->object->map_count;
    raw.result_at = (memory_bytes + WORD - 1) & ~(uint32_t)(WORD - 1);
    raw.stack_at = raw.result_at + WORD;
    return raw;
}

int conf_narrow(const struct conf_program *p, const struct conf_observation *seen,
                uint32_t memory_bytes, bool one_memory, struct arena *arena,
                struct conf_narrow *out, char why[EXEC_WHY_BYTES])
{
    struct narrow n = {.p = p, .seen = seen, .arena = arena};
    struct load_prog *prog = arena_memdup(arena, p->prog, sizeof(*p->prog));

    n.new_at = arena_array(arena, p->prog->insn_count, sizeof(*n.new_at));
    n.subprogs = arena_array(arena, seen->count, sizeof(*n.subprogs));
    for (uint32_t k = 0; k < seen->count; k++) {
        const int err = emit_context(&n, k, why);

        if (err)
            return err;
    }
    out->raw = raw_of(&n, memory_bytes, one_memory);
    out->object = one_memory
                      ? with_memory(&n, out->raw.stack_at + frames_of(seen) * SPEC_STACK_BYTES)
                      : p->object;
    out->facts = facts_of(&n, out->raw.map);
    link_calls(&n, &out->facts);
    prog->insns = n.insns;
    prog->insn_count = n.count;
    prog->subprogs = n.subprogs;
    prog->subprog_count = seen->count;
    prog->lines = NULL;
    prog->line_count = 0;
    out->prog = prog;
    return 0;
}
