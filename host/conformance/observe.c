/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/conformance/conformance.h"

#include "hw/spec/gen/helpers.h"
#include "nic_runtime/vm/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Watches runs in the interpreter: which instructions are executed on which way down the call tree,
 * where they load and store, what helpers are given, how often loops go round. */

enum {
    NOTES_MAX = 1 << 22, /* instructions of all contexts */
    NO_INSN = -1,
    FRAME_WORDS = SPEC_STACK_BYTES / 64, /* of a set of bytes */
};

/* A frame of the run under way. */
struct frame {
    uint32_t context;
    uint64_t fp;                   /* r10 at its start */
    int64_t last;                  /* instruction executed last in it, or NO_INSN */
    uint64_t written[FRAME_WORDS]; /* bytes of the frame, from its bottom */
    uint32_t *entries;             /* of loop heads: over the back edges since the loop began */
};

struct observer {
    struct conf_program *p;
    struct conf_run *run;
    struct conf_observation *seen;
    struct arena *arena;
    struct frame frames[SPEC_CALL_FRAMES];
    int64_t depth;       /* of the instruction before, -1 at the start */
    struct loops *loops; /* second pass: by context */
    bool too_much;
};

/* The loops of a context: for each head the instructions that lead back to it without leaving. */
struct loops {
    struct bitset *body; /* by instruction; no words where none begins */
};

/* --- contexts ----------------------------------------------------------------------------- */

static uint32_t context_of(struct observer *o, uint32_t parent, uint32_t call_insn, uint32_t entry,
                           uint32_t depth)
{
    struct conf_observation *seen = o->seen;
    struct conf_context *c;

    for (uint32_t i = depth ? parent + 1 : 0; i < seen->count; i++) {
        c = &seen->contexts[i];
        if (c->depth == depth && (!depth || (c->parent == parent && c->call_insn == call_insn)))
            return i;
    }
    if ((uint64_t)(seen->count + 1) * o->p->prog->insn_count > NOTES_MAX) {
        o->too_much = true;
        return parent;
    }
    seen->contexts =
        arena_grow(o->arena, seen->contexts, seen->count, &seen->capacity, sizeof(*seen->contexts));
    c = &seen->contexts[seen->count];
    *c = (struct conf_context){
        .entry = entry, .parent = parent, .call_insn = call_insn, .depth = depth};
    c->notes = arena_array(o->arena, o->p->prog->insn_count, sizeof(*c->notes));
    c->trips = arena_array(o->arena, o->p->prog->insn_count, sizeof(*c->trips));
    return seen->count++;
}

static struct conf_context *context_at(const struct observer *o, uint32_t depth)
{
    return &o->seen->contexts[o->frames[depth].context];
}

/* --- memory ------------------------------------------------------------------------------- */

/* What an address points to, with the offset of its first byte. */
static struct verify_pointer place_of(const struct observer *o, uint32_t depth, uint64_t address)
{
    const uintptr_t memory = (uintptr_t)o->run->memory;
    struct verify_pointer p = {.region = VERIFY_REGION_NONE};

    if (address - memory < o->run->bytes) {
        p.region = VERIFY_REGION_PKT;
        p.off_min = (int32_t)(address - memory);
    }
    for (uint32_t d = 0; d <= depth; d++) {
        const uint64_t bottom = o->frames[d].fp - SPEC_STACK_BYTES;

        if (address - bottom >= SPEC_STACK_BYTES)
            continue;
        p.region = VERIFY_REGION_STACK;
        p.frame = (uint8_t)d;
        p.off_min = (int32_t)(address - bottom) - SPEC_STACK_BYTES;
    }
    for (uint32_t m = 0; m < o->p->object->map_count; m++) {
        const struct map *map = o->p->maps[m];
        uintptr_t first, end;

        map_value_range(map, &first, &end);
        if (address - first >= end - first)
            continue;
        p.region = VERIFY_REGION_MAP;
        p.map = (uint16_t)m;
        p.off_min = (int32_t)((address - first) % map_stride_bytes(map));
    }
    p.off_max = p.off_min;
    return p;
}

static void join(struct observer *o, struct verify_pointer *to, const struct verify_pointer *p)
{
    if (to->region == VERIFY_REGION_NONE) {
        *to = *p;
        return;
    }
    if (to->region != p->region || (p->region == VERIFY_REGION_STACK && to->frame != p->frame)) {
        to->region = VERIFY_REGION_MIXED;
        o->seen->one_memory = true;
        return;
    }
    if (p->region == VERIFY_REGION_MAP && to->map != p->map)
        to->map = VERIFY_MAP_ANY;
    to->off_min = p->off_min < to->off_min ? p->off_min : to->off_min;
    to->off_max = p->off_max > to->off_max ? p->off_max : to->off_max;
}

/* Notes that bytes of a frame are read or written. */
static void touch(struct observer *o, const struct verify_pointer *p, uint32_t bytes, bool reads,
                  bool writes)
{
    struct frame *f = &o->frames[p->frame];
    struct conf_context *c = &o->seen->contexts[f->context];

    if (p->region != VERIFY_REGION_STACK)
        return;
    if (p->off_min < c->lowest)
        c->lowest = p->off_min;
    for (uint32_t i = 0; i < bytes; i++) {
        const uint32_t at = (uint32_t)(p->off_min + SPEC_STACK_BYTES) + i;

        if (at >= SPEC_STACK_BYTES)
            return; /* the access faults */
        if (reads && !(f->written[at / 64] >> (at % 64) & 1))
            c->zeroed |= UINT64_C(1) << (at / 8);
        if (writes)
            f->written[at / 64] |= UINT64_C(1) << (at % 64);
    }
}

static void note_access(struct observer *o, struct conf_note *note, uint32_t depth,
                        const struct ebpf_insn *i, const uint64_t *r)
{
    const bool load = ebpf_is_load(i);
    const uint64_t address = r[load ? i->src : i->dst] + (uint64_t)(int64_t)i->off;
    const struct verify_pointer p = place_of(o, depth, address);

    join(o, &note->access, &p);
    touch(o, &p, ebpf_size_bytes(i->opcode), load || ebpf_is_atomic(i), !load);
    /* No executor has atomic operations on packets. */
    if (ebpf_is_atomic(i) && p.region == VERIFY_REGION_PKT)
        o->seen->one_memory = true;
}

/* --- helpers ------------------------------------------------------------------------------ */

static void note_arg(struct observer *o, struct verify_arg *a, bool first, uint32_t depth,
                     uint64_t v, uint32_t reads)
{
    const struct verify_pointer p = place_of(o, depth, v);
    const uint64_t handle = v - VM_MAP_HANDLE;
    const uint16_t map =
        handle < o->p->object->map_count ? (uint16_t)handle : (uint16_t)VERIFY_MAP_NONE;

    if (p.region != VERIFY_REGION_NONE)
        touch(o, &p, reads, true, false);
    if (first) {
        *a = (struct verify_arg){.pointer = p, .is_const = true, .value = v, .max = v, .map = map};
    } else {
        a->is_const &= a->value == v;
        a->max = v > a->max ? v : a->max;
        if (a->map != map)
            a->map = VERIFY_MAP_ANY;
        join(o, &a->pointer, &p);
    }
    if (p.region != VERIFY_REGION_NONE || map != VERIFY_MAP_NONE) {
        a->is_const = false;
        a->max = UINT64_MAX;
    }
}

/* Bytes that a helper reads through an argument: keys and values are as long as the map says, other
 * memory as the next argument. */
static uint32_t bytes_read(const struct observer *o, const struct spec_helper_row *row, uint32_t a,
                           const uint64_t *r)
{
    const uint64_t handle = r[1] - VM_MAP_HANDLE;
    const bool has_map = handle < o->p->object->map_count;

    switch ((enum spec_arg)row->args[a]) {
    case SPEC_ARG_KEY:
        return has_map ? o->p->object->maps[handle].key_bytes : 0;
    case SPEC_ARG_VALUE:
        return has_map ? o->p->object->maps[handle].value_bytes : 0;
    case SPEC_ARG_MEM:
    case SPEC_ARG_MEM_OR_NULL:
        return a + 2 < EBPF_REGS && r[a + 2] <= SPEC_STACK_BYTES ? (uint32_t)r[a + 2] : 0;
    default: /* no memory */
        return 0;
    }
}

static void note_helper(struct observer *o, struct conf_note *note, uint32_t depth,
                        const struct ebpf_insn *i, const uint64_t *r)
{
    const struct spec_helper_row *row = spec_helper_find(i->imm);
    const bool first = !note->args;

    if (!row)
        return;
    if (first)
        note->args = arena_array(o->arena, CONF_HELPER_ARGS, sizeof(*note->args));
    for (uint32_t a = 0; a < CONF_HELPER_ARGS; a++)
        note_arg(o, &note->args[a], first, depth, r[a + 1], bytes_read(o, row, a, r));
}

/* --- steps -------------------------------------------------------------------------------- */

static void enter(struct observer *o, uint32_t insn, uint32_t depth, const uint64_t *r)
{
    struct frame *f = &o->frames[depth];
    const uint32_t parent = depth ? o->frames[depth - 1].context : 0;
    const uint32_t call_insn = depth ? (uint32_t)o->frames[depth - 1].last : 0;

    f->context = context_of(o, parent, call_insn, insn, depth);
    f->fp = r[EBPF_REG_FP];
    f->last = NO_INSN;
    memset(f->written, 0, sizeof(f->written));
    if (o->loops)
        f->entries = arena_array(o->arena, o->p->prog->insn_count, sizeof(*f->entries));
}

/* The way from one instruction of a frame to the next. */
static void follow(struct observer *o, struct frame *f, uint32_t insn)
{
    struct conf_context *c = &o->seen->contexts[f->context];
    const uint32_t from = (uint32_t)f->last;
    const struct ebpf_insn *i = &o->p->prog->insns[from];

    if (ebpf_is_cond_jump(i)) {
        c->notes[from].jumped |= insn == ebpf_target(i, from);
        c->notes[from].fell |= insn == from + 1;
    }
    if (o->loops && o->loops[f->context].body[insn].words) {
        if (bitset_has(&o->loops[f->context].body[insn], from))
            f->entries[insn]++;
        else
            f->entries[insn] = 0;
        if (f->entries[insn] > c->trips[insn])
            c->trips[insn] = f->entries[insn];
    }
}

static void before(void *ctx, uint32_t insn, uint32_t depth, const uint64_t *r)
{
    struct observer *o = ctx;
    const struct ebpf_insn *i = &o->p->prog->insns[insn];
    struct frame *f = &o->frames[depth];
    struct conf_note *note;

    if (o->too_much)
        return;
    if ((int64_t)depth > o->depth)
        enter(o, insn, depth, r);
    o->depth = depth;
    if (f->last != NO_INSN)
        follow(o, f, insn);
    f->last = insn;
    note = &context_at(o, depth)->notes[insn];
    note->executed = true;
    if (ebpf_is_load(i) || ebpf_is_store(i) || ebpf_is_atomic(i))
        note_access(o, note, depth, i, r);
    else if (ebpf_is_helper_call(i))
        note_helper(o, note, depth, i, r);
}

/* --- loops -------------------------------------------------------------------------------- */

/* Where control went from an executed instruction. */
static uint32_t successors(const struct conf_program *p, const struct conf_context *c, uint32_t at,
                           uint32_t to[2])
{
    const struct ebpf_insn *i = &p->prog->insns[at];
    uint32_t n = 0;

    if (ebpf_is_exit(i))
        return 0;
    if (ebpf_is_goto(i) || (ebpf_is_cond_jump(i) && c->notes[at].jumped))
        to[n++] = (uint32_t)ebpf_target(i, at);
    if (!ebpf_is_goto(i) && (!ebpf_is_cond_jump(i) || c->notes[at].fell))
        to[n++] = at + ebpf_slots(i);
    return n;
}

/* Adds what leads to the latch without passing the head. */
static void add_body(struct conf_program *p, const struct conf_context *c, struct arena *arena,
                     struct bitset *body, uint32_t head, uint32_t latch)
{
    const uint32_t count = p->prog->insn_count;
    bool grew = true;

    if (!body->words)
        *body = bitset_make(arena, count);
    bitset_add(body, head);
    bitset_add(body, latch);
    while (grew) {
        grew = false;
        for (uint32_t at = count; at-- > 0;) {
            uint32_t to[2];
            const uint32_t n = c->notes[at].executed ? successors(p, c, at, to) : 0;

            for (uint32_t k = 0; k < n; k++) {
                if (to[k] == head || to[k] >= count || !bitset_has(body, to[k]) ||
                    bitset_has(body, at))
                    continue;
                bitset_add(body, at);
                grew = true;
            }
        }
    }
}

/* Depth first: an edge to an instruction that is still on the way closes a loop. */
static struct loops find_loops(struct conf_program *p, const struct conf_context *c,
                               struct arena *arena, bool *any)
{
    const uint32_t count = p->prog->insn_count;
    struct loops l = {arena_array(arena, count, sizeof(*l.body))};
    uint32_t *way = arena_array(arena, count + 1, sizeof(*way));
    uint8_t *next = arena_alloc(arena, count);
    uint8_t *state = arena_alloc(arena, count); /* 1: on the way, 2: done */
    uint32_t depth = 0;

    way[depth++] = c->entry;
    state[c->entry] = 1;
    while (depth) {
        const uint32_t at = way[depth - 1];
        uint32_t to[2];
        const uint32_t n = successors(p, c, at, to);

        if (next[at] == n) {
            state[at] = 2;
            depth--;
            continue;
        }
        to[0] = to[next[at]++];
        if (to[0] >= count || !c->notes[to[0]].executed)
            continue;
        if (state[to[0]] == 1) {
            *any = true;
            add_body(p, c, arena, &l.body[to[0]], to[0], at);
        } else if (!state[to[0]]) {
            state[to[0]] = 1;
            way[depth++] = to[0];
        }
    }
    return l;
}

/* --- runs --------------------------------------------------------------------------------- */

static int run_all(struct observer *o, struct conf_run *runs, uint32_t count,
                   char why[EXEC_WHY_BYTES])
{
    const struct vm_watch watch = {o, before};
    int err = 0;

    for (uint32_t i = 0; i < count && !err; i++) {
        conf_program_reset(o->p);
        o->run = &runs[i];
        o->depth = NO_INSN;
        err = conf_interpret(o->p, &runs[i], &watch, why);
    }
    if (!err && o->too_much) {
        snprintf(why, EXEC_WHY_BYTES, "too many ways through the program's functions");
        err = -ENOTSUP;
    }
    return err;
}

int conf_observe(struct conf_program *p, struct conf_run *runs, uint32_t count, struct arena *arena,
                 struct conf_observation *out, char why[EXEC_WHY_BYTES])
{
    struct observer *o = arena_alloc(arena, sizeof(*o));
    struct conf_run *again = arena_array(arena, count, sizeof(*again));
    bool any = false;
    int err;

    *out = (struct conf_observation){.count = 0};
    *o = (struct observer){.p = p, .seen = out, .arena = arena};
    for (uint32_t i = 0; i < count; i++) {
        again[i] = runs[i];
        again[i].memory = arena_alloc(arena, runs[i].bytes + 1u);
        if (runs[i].bytes)
            memcpy(again[i].memory, runs[i].memory, runs[i].bytes);
    }
    err = run_all(o, runs, count, why);
    if (err)
        return err;
    o->loops = arena_array(arena, out->count, sizeof(*o->loops));
    for (uint32_t c = 0; c < out->count; c++)
        o->loops[c] = find_loops(p, &out->contexts[c], arena, &any);
    return any ? run_all(o, again, count, why) : 0;
}
