/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/states.h"

#include "compiler/verify/internal.h"
#include "nic_runtime/vm/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_FROM = 16, /* of seen_reg.number: slots come after registers */
    CANDIDATES = 4096,
};

/* States are kept up to so many bytes; and an exact exploration may take so many instructions. */
static const size_t bytes_max = (size_t)192 << 20;
static const uint64_t exact_insns = 100000;

/* A register, or one that was spilled. */
struct seen_reg {
    uint8_t frame;
    uint8_t number; /* register, or SLOTS_FROM + slot */
    uint8_t bytes;  /* of a spilled one, that are there */
    bool holds;     /* its number is that of all runs */
    struct reg reg;
    uint32_t map_type, key_bytes, value_bytes; /* of reg.map */
};

struct seen_zeros {             /* bytes of a slot that are 0 */
    uint8_t frame, slot, bytes; /* a bit a byte */
};

struct seen {
    struct seen *next; /* at the same instruction */
    uint32_t depth, context;
    uint32_t reg_count, zero_count;
    struct seen_reg *regs;
    struct seen_zeros *zeros;
};

struct states {
    struct arena *arena;
    const struct verify_result *facts;
    const struct load_prog *prog;
    struct seen **at; /* by instruction */
    uint32_t insn_count;
    uint64_t count;
    bool exact, full;
};

/* ---- taking them ---- */

static uint32_t spilled_bytes(const struct slot *s)
{
    uint32_t n = 0;

    while (n < SLOT_BYTES && s->kind[n] == SLOT_SPILL)
        n++;
    return n;
}

static void add_reg(const struct verifier *v, struct seen *seen, uint32_t frame, uint32_t number,
                    uint32_t bytes, const struct reg *reg)
{
    struct seen_reg *r = &seen->regs[seen->reg_count];

    if (reg->type == REG_NONE || reg->type == REG_STALE)
        return;
    *r = (struct seen_reg){
        .frame = (uint8_t)frame, .number = (uint8_t)number, .bytes = (uint8_t)bytes, .reg = *reg};
    if (reg_is_pointer(reg) && reg->map < v->object->map_count) {
        r->map_type = v->object->maps[reg->map].type;
        r->key_bytes = v->object->maps[reg->map].key_bytes;
        r->value_bytes = v->object->maps[reg->map].value_bytes;
    }
    if (reg->type == REG_SCALAR && bytes && scalar_width(&reg->num) > bytes * 8) {
        scalar_truncate(&r->reg.num, bytes);
        r->reg.id = 0;
    }
    seen->reg_count++;
}

static void add_slot(const struct verifier *v, struct seen *seen, uint32_t frame, uint32_t i,
                     const struct slot *s)
{
    struct seen_zeros z = {(uint8_t)frame, (uint8_t)i, 0};

    if (spilled_bytes(s))
        add_reg(v, seen, frame, SLOTS_FROM + i, spilled_bytes(s), &s->reg);
    for (uint32_t b = 0; b < SLOT_BYTES; b++)
        if (s->kind[b] == SLOT_ZERO)
            z.bytes = (uint8_t)(z.bytes | 1u << b);
    if (z.bytes)
        seen->zeros[seen->zero_count++] = z;
}

static void note_state(void *ctx, const struct verifier *v, uint32_t insn)
{
    struct states *s = ctx;
    const struct state *now = &v->cur;
    struct seen *seen;
    uint32_t slots = 0;

    if (s->full || arena_used_bytes(s->arena) > bytes_max) {
        s->full = true;
        return;
    }
    for (uint32_t d = 0; d <= now->depth && s->exact; d++)
        slots += now->frames[d].slot_count;
    seen = arena_alloc(s->arena, sizeof(*seen));
    seen->regs = arena_array(s->arena, EBPF_REGS * (now->depth + 1) + slots, sizeof(*seen->regs));
    seen->zeros = arena_array(s->arena, slots + 1, sizeof(*seen->zeros));
    seen->depth = now->depth;
    seen->context = now->frames[now->depth].context;
    for (uint32_t d = 0; d <= now->depth; d++) {
        const struct frame *f = &now->frames[d];
        const uint16_t live = verify_live_in(v, now, d);

        for (uint32_t r = 0; r < EBPF_REG_FP; r++)
            if (live >> r & 1)
                add_reg(v, seen, d, r, 0, &f->regs[r]);
        for (uint32_t i = 0; s->exact && i < f->slot_count; i++)
            add_slot(v, seen, d, i, &f->slots[i]);
    }
    seen->next = s->at[insn];
    s->at[insn] = seen;
    s->count++;
}

static void note_accepted(void *ctx, const struct verifier *v)
{
    struct states *s = ctx;

    for (uint32_t i = 0; i < s->insn_count; i++)
        for (struct seen *seen = s->at[i]; seen; seen = seen->next)
            for (uint32_t r = 0; r < seen->reg_count; r++)
                seen->regs[r].holds = verify_number_holds(v, seen->regs[r].reg.node);
}

int states_take(const struct load_object *object, const struct load_prog *prog, bool exact,
                struct arena *arena, const struct verify_result **facts, struct states **out)
{
    struct states *s = calloc(1, sizeof(*s));
    const struct verify_observer observer = {s, note_state, note_accepted};
    const struct verify_options options = {.size = sizeof(options),
                                           .observer = &observer,
                                           .exact = exact,
                                           .max_insns = exact ? exact_insns : 0};
    struct diag_sink sink = diag_sink_make(arena);
    int err;

    if (!s)
        return -ENOMEM;
    s->arena = arena_open();
    s->exact = exact;
    s->prog = prog;
    s->insn_count = prog->insn_count;
    s->at = s->arena ? arena_array(s->arena, prog->insn_count + 1, sizeof(struct seen *)) : NULL;
    err = s->at ? verify_program(object, prog, &options, arena, &sink, facts) : -ENOMEM;
    s->facts = *facts;
    if (!err && s->full)
        err = -E2BIG;
    if (err && exact && sink.errors) {
        const struct diag *d = diag_first_error(&sink);

        if (!strcmp(d->code, "VFY0091") || !strcmp(d->code, "VFY0092"))
            err = -E2BIG;
    }
    if (err) {
        states_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void states_free(struct states *s)
{
    if (!s)
        return;
    arena_close(s->arena);
    free(s);
}

uint64_t states_count(const struct states *s)
{
    return s->count;
}

/* ---- comparing ---- */

static bool number_in(const struct scalar *s, uint64_t x)
{
    return !((x ^ s->bits.value) & ~s->bits.mask) && s->umin <= x && x <= s->umax &&
           s->smin <= (int64_t)x && (int64_t)x <= s->smax && s->umin32 <= (uint32_t)x &&
           (uint32_t)x <= s->umax32 && s->smin32 <= (int32_t)x && (int32_t)x <= s->smax32;
}

/* The register's value in the machine. */
static uint64_t value_of(const struct vm *vm, const struct seen_reg *r)
{
    uint64_t value = 0;

    if (r->number < SLOTS_FROM)
        return r->frame == vm->depth ? vm->r[r->number] : vm->frames[r->frame].saved[r->number - 6];
    memcpy(&value,
           vm->stack[r->frame] + SPEC_STACK_BYTES - SLOT_BYTES * (r->number - SLOTS_FROM + 1u),
           r->bytes);
    return value;
}

/* What is found in a map of maps is any map like the one that the verifier has for it, behind the
 * program's. */
static bool may_be(const struct vm *vm, const struct seen_reg *r, uint32_t m)
{
    const struct map *map = vm->program->maps[m];
    const struct map_def *d = map ? map_definition(map) : NULL;

    if (r->reg.map < vm->program->map_count)
        return d && m == r->reg.map;
    return d && d->type == r->map_type && d->key_bytes == r->key_bytes &&
           d->value_bytes == r->value_bytes;
}

/* There is a value of the map from which the address is as far as the pointer says. */
static bool in_value_of(const struct map *map, const struct reg *reg, uint64_t moved)
{
    uintptr_t first, end;
    uint64_t stride, low;

    map_value_range(map, &first, &end);
    stride = map_stride_bytes(map);
    low = moved - (uint64_t)reg->num.smax; /* where the value begins, at the lowest */
    if (reg->num.smax > MAX_VAR_OFF || (int64_t)(low - first) < 0)
        low = first;
    low = first + (low - first + stride - 1) / stride * stride;
    for (uint32_t i = 0; i < CANDIDATES && low < end; i++, low += stride)
        if (number_in(&reg->num, moved - low))
            return true;
    return false;
}

static bool in_value(const struct vm *vm, const struct seen_reg *r, uint64_t moved)
{
    for (uint32_t m = 0; m < vm->program->map_count; m++)
        if (may_be(vm, r, m) && in_value_of(vm->program->maps[m], &r->reg, moved))
            return true;
    return false;
}

static bool is_map(const struct vm *vm, const struct seen_reg *r, uint64_t address)
{
    const uint64_t m = address - VM_MAP_HANDLE;

    return m < vm->program->map_count && may_be(vm, r, (uint32_t)m);
}

static bool packet_range_holds(const struct reg *reg, uint64_t address, uint64_t end)
{
    if (reg->range == RANGE_BEYOND_END)
        return address > end;
    if (reg->range == RANGE_AT_END)
        return address >= end;
    return reg->range == 0 || address - (uint64_t)(int64_t)reg->off + (uint32_t)reg->range <= end;
}

static bool pointer_in(const struct vm *vm, const struct seen_reg *r, uint64_t address)
{
    const struct reg *reg = &r->reg;
    const struct vm_packet *p = vm->packet;
    const uint64_t data = (uintptr_t)(p->buf + p->data), end = (uintptr_t)(p->buf + p->data_end);
    const uint64_t meta = (uintptr_t)(p->buf + p->data_meta);
    const uint64_t moved = address - (uint64_t)(int64_t)reg->off; /* less the fixed part */

    switch ((enum reg_type)reg->type) {
    case REG_CTX:
        return number_in(&reg->num, moved - (uintptr_t)vm->ctx);
    case REG_STACK:
        return reg->frame <= vm->depth &&
               number_in(&reg->num, moved - (uintptr_t)vm->stack[reg->frame] - SPEC_STACK_BYTES);
    case REG_PACKET:
        return number_in(&reg->num, moved - data) && packet_range_holds(reg, address, end);
    case REG_META:
        return number_in(&reg->num, moved - meta) && packet_range_holds(reg, address, data);
    case REG_PACKET_END:
        return number_in(&reg->num, moved - end);
    case REG_MAP:
        return is_map(vm, r, address);
    case REG_VALUE:
        return in_value(vm, r, moved);
    case REG_VALUE_OR_NULL:
        return address == 0 || in_value(vm, r, moved);
    case REG_MAP_OR_NULL: /* of helpers and maps that software has not */
    case REG_RECORD:
    case REG_RECORD_OR_NULL:
    case REG_KEY:
    case REG_FUNC:
    case REG_NONE:
    case REG_STALE:
    case REG_SCALAR:
    case REG_TYPE_COUNT:
        break;
    }
    return true;
}

static bool reg_in(const struct vm *vm, const struct seen_reg *r)
{
    if (r->reg.type == REG_SCALAR)
        return !r->holds || number_in(&r->reg.num, value_of(vm, r));
    return pointer_in(vm, r, value_of(vm, r));
}

/* The number that a register is at a distance from, for all with its id. */
static uint64_t origin_of(const struct vm *vm, const struct seen_reg *r, bool moves)
{
    const uint64_t origin = value_of(vm, r) - (moves ? (uint64_t)(int64_t)r->reg.off : 0);

    return r->reg.delta32 ? (uint32_t)origin : origin;
}

/* Two registers with one id: copies of a number (up to a distance), packet pointers with one
 * variable part, results of one look-up. */
static bool linked_in(const struct vm *vm, const struct seen_reg *a, const struct seen_reg *b)
{
    const bool moves = a->reg.type != REG_VALUE_OR_NULL;

    if (!a->reg.id || a->reg.id != b->reg.id || a->reg.type != b->reg.type)
        return true;
    if (a->reg.type == REG_SCALAR && (!a->holds || !b->holds))
        return true;
    return origin_of(vm, a, moves) == origin_of(vm, b, moves);
}

static bool zeros_in(const struct vm *vm, const struct seen_zeros *z)
{
    const uint8_t *bytes = vm->stack[z->frame] + SPEC_STACK_BYTES - SLOT_BYTES * (z->slot + 1u);

    for (uint32_t b = 0; b < SLOT_BYTES; b++)
        if (z->bytes >> b & 1 && bytes[b])
            return false;
    return true;
}

/* The first register that is outside; reg_count if the machine lies within the state. */
static uint32_t outside(const struct vm *vm, const struct seen *s)
{
    for (uint32_t i = 0; i < s->reg_count; i++) {
        if (!reg_in(vm, &s->regs[i]))
            return i;
        for (uint32_t k = 0; k < i && s->regs[i].reg.id; k++)
            if (!linked_in(vm, &s->regs[k], &s->regs[i]))
                return i;
    }
    for (uint32_t i = 0; i < s->zero_count; i++)
        if (!zeros_in(vm, &s->zeros[i]))
            return 0;
    return s->reg_count;
}

/* ---- runs ---- */

void states_start(struct states_run *run, struct states *s)
{
    run->states = s;
    run->context = run->pc = run->depth = 0;
}

static void fail(struct states_run *run, const struct vm *vm, uint32_t of, const struct seen *s)
{
    const uint32_t i = s ? outside(vm, s) : 0;

    run->failed = true;
    if (!s || i == s->reg_count) {
        snprintf(run->why, sizeof(run->why),
                 "instruction %u was not explored in this chain of calls", vm->pc);
        return;
    }
    const struct seen_reg *r = &s->regs[i];
    const struct scalar *n = &r->reg.num;

    snprintf(
        run->why, sizeof(run->why),
        "instruction %u%s: the machine is in none of the verifier's %u states; %s%u of frame %u is "
        "0x%llx; in "
        "the last it is of kind %u, off %d, range %d, id %u, bits 0x%llx/0x%llx, 0x%llx..0x%llx, "
        "%lld..%lld, 32 bits 0x%x..0x%x, %d..%d",
        vm->pc, run->states->exact ? " (exact)" : "", of, r->number < SLOTS_FROM ? "r" : "slot ",
        r->number % SLOTS_FROM, r->frame, (unsigned long long)value_of(vm, r), r->reg.type,
        r->reg.off, r->reg.range, r->reg.id, (unsigned long long)n->bits.value,
        (unsigned long long)n->bits.mask, (unsigned long long)n->umin, (unsigned long long)n->umax,
        (long long)n->smin, (long long)n->smax, n->umin32, n->umax32, n->smin32, n->smax32);
}

/* Calls and returns since the instruction before. */
static void follow(struct states_run *run, const struct vm *vm)
{
    const struct verify_result *facts = run->states->facts;

    if (vm->depth > run->depth)
        run->context = verify_context_of_call(facts, run->context, run->pc,
                                              load_subprog_of(run->states->prog, vm->pc));
    else if (vm->depth < run->depth)
        run->context = facts->contexts[run->context].parent;
    run->pc = vm->pc;
    run->depth = vm->depth;
}

void states_check(struct states_run *run, const struct vm *vm)
{
    struct seen **link = &run->states->at[vm->pc], *last = NULL;
    uint32_t tried = 0;

    if (run->failed)
        return;
    follow(run, vm);
    run->steps++;
    for (; *link; link = &(*link)->next) {
        struct seen *s = *link;

        if (s->depth != vm->depth || s->context != run->context)
            continue;
        tried++;
        last = s;
        if (outside(vm, s) != s->reg_count)
            continue;
        run->numbers += s->reg_count;
        *link = s->next; /* the next packet is likely to come the same way */
        s->next = run->states->at[vm->pc];
        run->states->at[vm->pc] = s;
        return;
    }
    fail(run, vm, tried, last);
}
