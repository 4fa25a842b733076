/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/build_event.h"

/* Events: ring buffers, perf events and printed lines (build_ringbuf.c, build_perf.c,
 * build_print.c). A call becomes stores to the packet's event area and a bit of the mask of sites;
 * the host does the rest, with the code that software has (struct ir_event_site). */

/* Whether the code that is translated may come back to itself. */
static bool in_loop(const struct builder *b)
{
    struct bitset seen = bitset_make(b->arena, b->node_count);
    uint32_t *work = arena_array(b->arena, b->node_count + 1, sizeof(*work));
    uint32_t n = 0;

    work[n++] = (uint32_t)(b->node - b->nodes);
    while (n) {
        const struct build_node *node = &b->nodes[work[--n]];

        for (uint32_t i = 0; i < node->succ_count; i++) {
            if (&b->nodes[node->succ[i]] == b->node)
                return true;
            if (bitset_has(&seen, node->succ[i]))
                continue;
            bitset_add(&seen, node->succ[i]);
            work[n++] = node->succ[i];
        }
    }
    return false;
}

struct ir_event_site *build_event_site(struct builder *b, enum ir_event kind)
{
    struct build_events *e = &b->events;
    struct ir_event_site *site;

    if (e->count == SPEC_EVENT_SITES) {
        build_refuse(b, "IRB0026",
                     "more than %u calls that make events (calls in functions count for each call "
                     "of those)",
                     SPEC_EVENT_SITES);
        return NULL;
    }
    if (in_loop(b)) {
        build_refuse(b, "IRB0027",
                     "an event in a loop, or in a program that a tail call leads back to: on "
                     "hardware the packet's event area has a place for each call");
        return NULL;
    }
    e->sites = arena_grow(b->arena, e->sites, e->count, &e->capacity, sizeof(*e->sites));
    site = &e->sites[e->count++];
    *site = (struct ir_event_site){.kind = (uint8_t)kind, .map = IR_MAP_ANY, .pc = b->pc};
    return site;
}

void build_event_mark(struct builder *b, const struct ir_event_site *site, ir_ref happens)
{
    const uint64_t bit = UINT64_C(1) << (site - b->events.sites);
    const ir_ref word = build_select(b, happens, build_const(b, bit), build_const(b, 0));

    build_write(b, BUILD_VAR_EVENTS,
                build_alu(b, SPEC_ALU_OR, 64, build_read(b, BUILD_VAR_EVENTS), word));
}

uint32_t build_event_area(struct builder *b, uint64_t bytes)
{
    struct build_events *e = &b->events;
    const uint64_t words = (bytes + EVENT_WORD - 1) / EVENT_WORD * EVENT_WORD;
    const uint32_t at = e->used ? e->used : EVENT_WORD; /* the mask comes first */

    if (words > SPEC_EVENT_BYTES - at) {
        build_refuse(b, "IRB0028",
                     "this event may take %llu bytes; hardware has %u bytes for all events of a "
                     "packet, %u of which the calls before it take",
                     (unsigned long long)bytes, SPEC_EVENT_BYTES, at);
        return 0;
    }
    e->used = at + (uint32_t)words;
    return at;
}

struct build_place build_event_place(struct builder *b, uint32_t at)
{
    const int32_t off = SPEC_EVENT_BASE + (int32_t)at;

    return (struct build_place){.region = IR_REGION_PKT,
                                .address = build_const(b, SPEC_EVENT_BASE),
                                .imm = at,
                                .off_min = off,
                                .off_max = off};
}

void build_event_word(struct builder *b, uint32_t at, ir_ref value)
{
    const struct build_place place = build_event_place(b, at);

    build_store(b, &place, 0, EVENT_WORD, value);
}

uint32_t build_event_unless_const(struct builder *b, ir_ref value)
{
    uint64_t v;
    uint32_t at;

    if (build_is_const(b, value, &v))
        return 0;
    at = build_event_area(b, EVENT_WORD);
    if (at)
        build_event_word(b, at, value);
    return at;
}

void build_event_copy(struct builder *b, const struct build_place *from, uint32_t to,
                      uint32_t bytes)
{
    const struct build_place place = build_event_place(b, to);

    for (uint32_t at = 0; at < bytes && !b->error; at += EVENT_WORD) {
        const uint32_t n = bytes - at < EVENT_WORD ? bytes - at : EVENT_WORD;

        build_store(b, &place, at, n, build_load_word(b, from, at, n));
    }
}

void build_event_memory(struct builder *b, const struct verify_fact *fact, uint32_t reg,
                        struct ir_event_site *site)
{
    const struct verify_arg *size = &fact->args[reg];
    const uint64_t most = size->is_const ? size->value : size->max;
    const ir_ref bytes = size->is_const
                             ? build_const(b, (uint32_t)most)
                             : build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, reg + 1), IR_NONE);
    struct build_place from;

    site->data = build_event_area(b, most);
    site->bytes = (uint32_t)most;
    site->bytes_at = b->error ? 0 : build_event_unless_const(b, bytes);
    if (!b->error && most &&
        !build_place_of(b, &fact->args[reg - 1].pointer, build_reg(b, reg), 0, &from))
        build_event_copy(b, &from, site->data, (uint32_t)most);
}

/* --- the end ------------------------------------------------------------------------------ */

ir_ref build_events_exit(struct builder *b)
{
    struct build_events *e = &b->events;
    const ir_ref happened = build_read(b, BUILD_VAR_EVENTS);
    uint64_t v;

    if (!e->count || (build_is_const(b, happened, &v) && !v))
        return IR_NONE; /* all sites that lead here are known: nodes come in order */
    if (e->beats == IR_NONE)
        e->beats =
            ir_append(b->f, 0, (struct ir_insn){.op = IR_CONST, .imm = 1, .pc = IR_NO_PC}, NULL, 0);
    build_event_word(b, 0, happened);
    return build_select(b, build_alu_imm(b, SPEC_ALU_NE, 64, happened, 0), e->beats,
                        build_const(b, 0));
}

int build_events_finish(struct builder *b)
{
    struct build_events *e = &b->events;
    const uint32_t beats = (e->used + EVENT_PIECE - 1) / EVENT_PIECE;

    for (uint32_t i = 0; i < e->unknown_count; i++) {
        if (b->f->insns[e->unknown[i].ref].op == IR_NOP)
            continue;
        b->pc = e->unknown[i].pc;
        return build_refuse(b, "IRB0025",
                            "the program uses the length of the line that it prints, which the "
                            "host alone knows");
    }
    b->f->insns[e->beats].imm = e->beats == IR_NONE ? 0 : beats ? beats : 1;
    b->f->events = (struct ir_events){e->sites, e->count, beats ? beats : e->count ? 1 : 0};
    return 0;
}
