/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/pipeline/pipe.h"

#include <assert.h>
#include <errno.h>

/* Packet, event area and stack accesses. Each byte of these memories is a value of its own, so a
 * load is wiring from what the bytes are at that place of the program, a store makes new bytes (old
 * ones where its predicate fails), and program order on overlapping bytes needs no further care. An
 * address that is a choice between constants is a choice between accesses; one that varies within a
 * range goes through two multiplexers: 8-byte group first, byte in the group second. */

#define CHOICES_MAX 16u /* constants that an address is taken apart into */
#define RANGE_MAX 256u  /* bytes that a multiplexer may choose from */

/* One access: what it takes along while its address is taken apart. */
struct access {
    const struct ir_insn *in;
    struct pipe_memory *memory;
    bool packet;
    int64_t base; /* address of the memory's first byte */
    int64_t lo;   /* lowest and highest offset of the first byte */
    int64_t hi;
    pipe_ref value; /* store: what goes to the lowest address comes first */
    uint32_t leaves;
};

void pipe_window_open(struct pipe_graph *g)
{
    const struct pipe_node window = {.kind = PIPE_K_WINDOW, .bits = 8 * g->window_limit};
    const pipe_ref zero = pipe_const(g, 0);
    const pipe_ref node = pipe_unit(g, window, NULL, 0);

    g->unit_count--; /* it stands alone like a unit, but is none */
    g->window = node;
    g->packet.count = SPEC_PKT_BASE + g->window_limit;
    g->packet.data = arena_array(g->arena, g->packet.count, sizeof(*g->packet.data));
    g->packet.mask = arena_array(g->arena, g->packet.count, sizeof(*g->packet.mask));
    for (uint32_t i = 0; i < g->packet.count; i++) {
        g->packet.mask[i] = zero;
        g->packet.data[i] = i < SPEC_PKT_BASE ? (struct pipe_part){zero, 0}
                                              : (struct pipe_part){node, i - SPEC_PKT_BASE};
    }
    /* A verified program reads no stack byte that it has not written: what stands there at first
     * does not matter. */
    g->stack.count = SPEC_STACK_BYTES;
    g->stack.data = arena_array(g->arena, g->stack.count, sizeof(*g->stack.data));
    /* Nor does the host look at bytes of the event area that were not written. */
    g->events.count = SPEC_EVENT_BYTES;
    g->events.data = arena_array(g->arena, g->events.count, sizeof(*g->events.data));
    g->reach_head = SPEC_PKT_BASE;
    g->reach_end = SPEC_PKT_BASE;
}

static void touch(struct pipe_graph *g, const struct access *a, uint32_t first, uint32_t count)
{
    if (!a->packet)
        return;
    if (first < g->reach_head)
        g->reach_head = first;
    if (first + count > g->reach_end)
        g->reach_end = first + count;
}

static bool inside(const struct access *a, int64_t first, int64_t end)
{
    return first >= 0 && end <= (int64_t)a->memory->count;
}

/* Refuses a store that goes, or may go, beyond what the pipeline keeps of a packet. */
static int too_far(struct pipe_graph *g, const struct access *a, int64_t lo, int64_t hi)
{
    if (a->memory == &g->events)
        return pipe_refuse(g, "PIPE0005", a->in->pc,
                           "access at offsets %lld to %lld, outside the event area", (long long)lo,
                           (long long)hi);
    if (!a->packet)
        return pipe_refuse(g, "PIPE0005", a->in->pc,
                           "stack access at offsets %lld to %lld, outside the stack", (long long)lo,
                           (long long)hi);
    return pipe_refuse(g, "PIPE0003", a->in->pc,
                       "packet store may reach bytes %lld to %lld of the packet; a pipeline writes "
                       "to the first %u only; run the program on the core (microcode), or write "
                       "nearer to the packet's start",
                       (long long)lo - SPEC_PKT_BASE,
                       (long long)hi + a->in->size - 1 - SPEC_PKT_BASE, g->window_limit);
}

/* What a byte is now; zero if it has no value yet. */
static struct pipe_part byte_now(struct pipe_graph *g, const struct pipe_memory *m, uint32_t at)
{
    return m->data[at].node ? m->data[at] : (struct pipe_part){pipe_const(g, 0), 0};
}

static pipe_ref load_at(struct pipe_graph *g, const struct access *a, uint32_t first)
{
    struct pipe_part parts[8];
    const uint32_t size = a->in->size;

    touch(g, a, first, size);
    for (uint32_t i = 0; i < size; i++)
        parts[i] = byte_now(g, a->memory, first + (a->in->swap ? size - 1 - i : i));
    return pipe_bytes(g, parts, size);
}

/* Low bits of (address - base), which is below 2^16 for every access that is made. */
static pipe_ref index_from(struct pipe_graph *g, pipe_ref address, int64_t base)
{
    return pipe_slice(g, pipe_alu(g, SPEC_ALU_ADD, 32, address, pipe_const(g, (uint32_t)-base)), 0,
                      2);
}

/* log2 of what the index is a multiple of, at most 3. */
static uint32_t index_step(const struct pipe_graph *g, pipe_ref index)
{
    const struct pipe_congruence c = pipe_congruence_of(g, index);
    uint32_t step = 0;

    while (step < 3 && c.modulus % (2u << step) == 0 && c.residue % (2u << step) == 0)
        step++;
    return step;
}

static pipe_ref load_range(struct pipe_graph *g, const struct access *a, pipe_ref address)
{
    struct pipe_part parts[PIPE_MAX_BYTES];
    const uint32_t size = a->in->size;
    const int64_t end = a->hi + size < (int64_t)a->memory->count ? a->hi + size : a->memory->count;
    const pipe_ref index = index_from(g, address, a->base + a->lo - (int64_t)a->in->imm);
    const uint32_t ways = (uint32_t)(a->hi - a->lo) / 8 + 1;
    uint32_t groups = 1;
    uint32_t count;
    pipe_ref args[2] = {index, PIPE_NONE};
    pipe_ref group;

    while (groups < ways)
        groups *= 2;
    count = 8 * groups + size - 1;
    assert(count <= PIPE_MAX_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        const int64_t at = a->lo + i;

        parts[i] = at < end ? byte_now(g, a->memory, (uint32_t)at)
                            : (struct pipe_part){pipe_const(g, 0), 0};
    }
    touch(g, a, (uint32_t)a->lo, (uint32_t)(end - a->lo));
    args[0] = index;
    group = groups == 1 ? pipe_bytes(g, parts, count)
                        : pipe_pick(g, PIPE_K_COARSE, size, 0, args, 1, parts, count);
    args[0] = group;
    args[1] = index;
    if (index_step(g, index) < 3)
        group = pipe_pick(g, PIPE_K_FINE, size, index_step(g, index), args, 2, NULL, 0);
    if (a->in->swap) {
        struct pipe_part reversed[8];

        for (uint32_t i = 0; i < size; i++)
            reversed[i] = (struct pipe_part){group, size - 1 - i};
        return pipe_bytes(g, reversed, size);
    }
    return pipe_slice(g, group, 0, size);
}

/* Counts the constants that an address is chosen from; more than CHOICES_MAX if it is anything
 * else. */
static uint32_t count_choices(const struct pipe_graph *g, pipe_ref address)
{
    const struct pipe_node *n = &g->nodes[address];
    uint64_t k;

    if (n->kind == PIPE_K_CONST)
        return 1;
    if (n->kind == PIPE_K_ALU && n->alu == SPEC_ALU_ADD && pipe_is_const(g, n->args[1], &k))
        return count_choices(g, n->args[0]);
    if (n->kind == PIPE_K_SELECT) {
        const uint32_t x = count_choices(g, n->args[1]);

        return x > CHOICES_MAX ? x : x + count_choices(g, n->args[2]);
    }
    return CHOICES_MAX + 1;
}

/* The access at address + plus. *out is PIPE_NONE where the verifier has shown that the program
 * never comes there. */
static int load_tree(struct pipe_graph *g, struct access *a, pipe_ref address, uint64_t plus,
                     pipe_ref *out)
{
    const struct pipe_node n = g->nodes[address];
    pipe_ref x = PIPE_NONE;
    pipe_ref y = PIPE_NONE;
    int err;

    if (n.kind == PIPE_K_CONST) {
        const int64_t at = (int64_t)(n.imm + plus);

        *out = PIPE_NONE;
        if (at < a->lo || at > a->hi)
            return 0;
        if (!inside(a, at, at + a->in->size))
            return too_far(g, a, at, at);
        *out = load_at(g, a, (uint32_t)at);
        return 0;
    }
    if (n.kind == PIPE_K_ALU)
        return load_tree(g, a, n.args[0], plus + g->nodes[n.args[1]].imm, out);
    err = load_tree(g, a, n.args[1], plus, &x);
    if (!err)
        err = load_tree(g, a, n.args[2], plus, &y);
    if (err)
        return err;
    *out = x && y ? pipe_select(g, n.args[0], x, y) : x ? x : y;
    return 0;
}

static struct access make_access(struct pipe_graph *g, const struct ir_insn *in)
{
    const bool events = in->region == IR_REGION_PKT && in->off_min >= SPEC_EVENT_BASE;
    const bool packet = in->region == IR_REGION_PKT && !events;
    struct access a = {.in = in,
                       .memory = packet   ? &g->packet
                                 : events ? &g->events
                                          : &g->stack,
                       .packet = packet,
                       .base = events ? SPEC_EVENT_BASE : 0,
                       .lo = in->off_min,
                       .hi = in->off_max};

    int64_t lo;
    int64_t hi;

    assert(in->size >= 1 && in->size <= 8);
    pipe_range_of(g, g->value_of[in->args[0]], &lo, &hi);
    if (lo > INT32_MIN && hi < INT32_MAX) {
        lo = lo + (int64_t)in->imm > a.lo ? lo + (int64_t)in->imm : a.lo;
        hi = hi + (int64_t)in->imm < a.hi ? hi + (int64_t)in->imm : a.hi;
        if (lo <= hi) {
            a.lo = lo;
            a.hi = hi;
        }
    }
    a.lo -= a.base;
    a.hi -= a.base;
    return a;
}

static bool is_near(const struct access *a)
{
    return a->lo <= a->hi && inside(a, a->lo, a->hi + a->in->size);
}

/* The range, as far as the program can come in it; refuses one that the window does not hold. */
static int check_range(struct pipe_graph *g, const struct access *a)
{
    if (!is_near(a))
        return too_far(g, a, a->lo, a->hi);
    if (a->hi - a->lo >= RANGE_MAX)
        return pipe_refuse(
            g, "PIPE0004", a->in->pc,
            "access at run-time offsets over %lld bytes; a pipeline chooses among at most %u; run "
            "the program on the core (microcode), or bound the offset more tightly",
            (long long)(a->hi - a->lo + 1), RANGE_MAX);
    return 0;
}

/* Are all the constants that an address is chosen from in the window, as far as they are possible?
 */
static bool choices_near(const struct pipe_graph *g, const struct access *a, pipe_ref address,
                         uint64_t plus)
{
    const struct pipe_node *n = &g->nodes[address];
    const int64_t at = (int64_t)(n->imm + plus);

    if (n->kind == PIPE_K_CONST)
        return at < a->lo || at > a->hi || inside(a, at, at + a->in->size);
    if (n->kind == PIPE_K_ALU)
        return choices_near(g, a, n->args[0], plus + g->nodes[n->args[1]].imm);
    return choices_near(g, a, n->args[1], plus) && choices_near(g, a, n->args[2], plus);
}

pipe_ref pipe_window_pick(struct pipe_graph *g, const struct ir_insn *in, pipe_ref address,
                          int64_t lo, int64_t hi)
{
    struct access a = make_access(g, in);

    a.lo = lo;
    a.hi = hi;
    return load_range(g, &a, address);
}

int pipe_window_load(struct pipe_graph *g, const struct ir_insn *in, pipe_ref *out)
{
    struct access a = make_access(g, in);
    const pipe_ref address = g->value_of[in->args[0]];
    uint64_t k;
    int err;

    if (pipe_is_const(g, address, &k))
        a.lo = a.hi = (int64_t)(k + in->imm) - a.base;
    if (a.lo == a.hi && is_near(&a)) {
        *out = load_at(g, &a, (uint32_t)a.lo);
        return 0;
    }
    if (count_choices(g, address) <= CHOICES_MAX &&
        (!a.packet || choices_near(g, &a, address, in->imm))) {
        err = load_tree(g, &a, address, in->imm - (uint64_t)a.base, out);
        if (!err && !*out) /* no choice is possible: the place is never reached */
            *out = pipe_const(g, 0);
        return err;
    }
    if (a.packet && (!is_near(&a) || a.hi - a.lo >= RANGE_MAX))
        return pipe_far_load(g, in, address, a.lo, a.hi, out);
    err = check_range(g, &a);
    if (!err)
        *out = load_range(g, &a, address);
    return err;
}

/* A byte becomes new_byte where on holds. */
static void put_byte(struct pipe_graph *g, struct pipe_memory *m, uint32_t at, pipe_ref on,
                     struct pipe_part new_byte)
{
    const struct pipe_part was = byte_now(g, m, at);
    const pipe_ref old = pipe_bytes(g, &was, 1);
    const pipe_ref fresh = pipe_bytes(g, &new_byte, 1);

    m->data[at] = (struct pipe_part){pipe_select(g, on, fresh, old), 0};
    if (m->mask)
        m->mask[at] = pipe_or(g, m->mask[at], on);
}

static void store_at(struct pipe_graph *g, struct access *a, pipe_ref on, uint32_t first)
{
    struct pipe_memory *m = a->memory;
    const uint32_t size = a->in->size;
    pipe_ref merged = a->value;
    struct pipe_part old[8];
    uint64_t k;

    touch(g, a, first, size);
    /* all bytes in one select, so that they travel as one value; bytes without a value take the new
     * one in any case */
    for (uint32_t i = 0; i < size; i++)
        old[i] = m->data[first + i].node ? m->data[first + i] : (struct pipe_part){a->value, i};
    if (!pipe_is_const(g, on, &k))
        merged = pipe_select(g, on, a->value, pipe_bytes(g, old, size));
    else if (!k)
        return;
    for (uint32_t i = 0; i < size; i++) {
        m->data[first + i] = (struct pipe_part){merged, i};
        if (m->mask)
            m->mask[first + i] = pipe_or(g, m->mask[first + i], on);
    }
}

/* lo <= index & 7 <= hi */
static pipe_ref low_between(struct pipe_graph *g, pipe_ref low, uint32_t lo, uint32_t hi)
{
    pipe_ref on = pipe_const(g, 1);

    if (lo > 0)
        on = pipe_alu(g, SPEC_ALU_UGE, 32, low, pipe_const(g, lo));
    if (hi < 7)
        on = pipe_and(g, on, pipe_alu(g, SPEC_ALU_ULE, 32, low, pipe_const(g, hi)));
    return on;
}

static void store_range(struct pipe_graph *g, struct access *a, pipe_ref on, pipe_ref address)
{
    const uint32_t size = a->in->size;
    const uint32_t span = (uint32_t)(a->hi - a->lo) + size;
    const pipe_ref index = index_from(g, address, a->base + a->lo - (int64_t)a->in->imm);
    const pipe_ref low = pipe_alu(g, SPEC_ALU_AND, 32, index, pipe_const(g, 7));
    const pipe_ref high = pipe_alu(g, SPEC_ALU_LSHR, 32, index, pipe_const(g, 3));
    const pipe_ref args[2] = {a->value, index};
    const pipe_ref spread =
        pipe_pick(g, PIPE_K_SPREAD, size, index_step(g, index), args, 2, NULL, 0);
    pipe_ref covers[16];

    touch(g, a, (uint32_t)a->lo, span);
    /* covers[i]: byte i of the spread value is one of the stored ones */
    for (uint32_t i = 0; i < size + 7; i++)
        covers[i] = low_between(g, low, i >= size ? i - size + 1 : 0, i < 7 ? i : 7);
    for (uint32_t group = 0; 8 * group < span; group++) {
        const pipe_ref here =
            pipe_and(g, on, pipe_alu(g, SPEC_ALU_EQ, 32, high, pipe_const(g, group)));

        for (uint32_t i = 0; i < size + 7 && 8 * group + i < span; i++)
            put_byte(g, a->memory, (uint32_t)a->lo + 8 * group + i, pipe_and(g, here, covers[i]),
                     (struct pipe_part){spread, i});
    }
}

static int store_tree(struct pipe_graph *g, struct access *a, pipe_ref on, pipe_ref address,
                      uint64_t plus)
{
    const struct pipe_node n = g->nodes[address];
    int err;

    if (n.kind == PIPE_K_CONST) {
        const int64_t at = (int64_t)(n.imm + plus);

        if (at < a->lo || at > a->hi)
            return 0;
        if (!inside(a, at, at + a->in->size))
            return too_far(g, a, at, at);
        store_at(g, a, on, (uint32_t)at);
        return 0;
    }
    if (n.kind == PIPE_K_ALU)
        return store_tree(g, a, on, n.args[0], plus + g->nodes[n.args[1]].imm);
    err = store_tree(g, a, pipe_and(g, on, n.args[0]), n.args[1], plus);
    return err ? err : store_tree(g, a, pipe_and(g, on, pipe_not(g, n.args[0])), n.args[2], plus);
}

int pipe_window_store(struct pipe_graph *g, const struct ir_insn *in)
{
    struct access a = make_access(g, in);
    const pipe_ref address = g->value_of[in->args[0]];
    const pipe_ref on = g->on[in->block];
    struct pipe_part parts[8];
    uint64_t k;
    int err;

    for (uint32_t i = 0; i < in->size; i++)
        parts[i] = (struct pipe_part){g->value_of[in->args[1]], in->swap ? in->size - 1u - i : i};
    a.value = pipe_bytes(g, parts, in->size);
    if (pipe_is_const(g, address, &k))
        a.lo = a.hi = (int64_t)(k + in->imm) - a.base;
    if (a.lo == a.hi && inside(&a, a.lo, a.lo + in->size)) {
        store_at(g, &a, on, (uint32_t)a.lo);
        return 0;
    }
    if (count_choices(g, address) <= CHOICES_MAX)
        return store_tree(g, &a, on, address, in->imm - (uint64_t)a.base);
    err = check_range(g, &a);
    if (!err)
        store_range(g, &a, on, address);
    return err;
}

/* Bytes that were written before, or that are read later, become zero here; all others at the
 * egress, which takes bytes from zero_from on as zero. An empty range changes nothing. Bytes from
 * `to` on are beyond the packet's end, and come into it only through another PKT_ZERO, so zero_from
 * need not remember where a range ends. */
void pipe_window_zero(struct pipe_graph *g, pipe_ref on, pipe_ref from, pipe_ref to)
{
    const pipe_ref zero = pipe_const(g, 0);
    pipe_ref first = pipe_slice(g, from, 0, 2);
    pipe_ref end = pipe_slice(g, to, 0, 2);
    pipe_ref lower;

    on = pipe_and(g, on, pipe_alu(g, SPEC_ALU_ULT, 32, first, end));
    for (uint32_t i = SPEC_PKT_HARD_START; i < g->packet.count; i++) {
        const pipe_ref at = pipe_const(g, i);
        const pipe_ref hit = pipe_and(g, pipe_alu(g, SPEC_ALU_ULE, 32, first, at),
                                      pipe_alu(g, SPEC_ALU_UGT, 32, end, at));
        const pipe_ref old = pipe_bytes(g, &g->packet.data[i], 1);

        g->packet.data[i] = (struct pipe_part){pipe_select(g, pipe_and(g, on, hit), zero, old), 0};
    }
    lower = pipe_and(g, on, pipe_alu(g, SPEC_ALU_ULT, 32, first, g->zero_from));
    g->zero_from = pipe_select(g, lower, first, g->zero_from);
}

/* Sizes the window by what the program reaches, and lists the bytes that go to the egress. */
int pipe_window_close(struct pipe_graph *g)
{
    uint32_t low = g->reach_head;
    uint32_t base;
    int64_t data_low;
    int64_t data_high;

    pipe_range_of(g, g->data, &data_low, &data_high);
    if (data_low < (int64_t)low)
        low = data_low > SPEC_PKT_HARD_START ? (uint32_t)data_low : SPEC_PKT_HARD_START;
    g->head_bytes = low < SPEC_PKT_BASE ? (SPEC_PKT_BASE - low + 63) / 64 * 64 : 0;
    g->window_bytes =
        g->reach_end > SPEC_PKT_BASE ? (g->reach_end - SPEC_PKT_BASE + 63) / 64 * 64 : 64;
    base = SPEC_PKT_BASE - g->head_bytes;
    g->out_data = g->packet.data + base;
    g->out_mask = g->packet.mask + base;
    if (g->told && g->told != pipe_const(g, 0))
        g->event_bytes = 64 * g->f->events.beats;
    for (uint32_t i = 0; i < g->event_bytes; i++)
        g->events.data[i] = byte_now(g, &g->events, i);
    return 0;
}
