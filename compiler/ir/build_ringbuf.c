/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/build_event.h"

#include <assert.h>

/* Ring buffers. What a call gives back is computed here: a ring buffer is empty when a packet
 * comes, so its room is arithmetic, mostly on constants. Semantics: nic_runtime/helpers/event.c,
 * nic_runtime/maps/ringbuf.c. */

enum {
    HEADER_BYTES = 8,   /* of a record */
    KNOWN_BUDGET = 200, /* values that are looked through for what bytes are written */
    RINGBUF_WAKEUP = 3, /* BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP */
    QUERY_AVAIL = 0,    /* BPF_RB_AVAIL_DATA and on */
    QUERY_SIZE = 1,
    QUERY_POSITIONS = 3, /* the last that asks for one */
};

/* --- room in ring buffers ----------------------------------------------------------------- */

/* The variable that has the bytes in use; 0: refused. */
static uint32_t used_var(struct builder *b, uint32_t map)
{
    struct build_events *e = &b->events;
    uint32_t i = 0;

    while (i < e->ring_count && e->rings[i] != map)
        i++;
    if (i == BUILD_RINGS) {
        build_refuse(b, "IRB0020", "more than %u ring buffers", BUILD_RINGS);
        return 0;
    }
    e->rings[i] = (uint16_t)map;
    if (i == e->ring_count)
        e->ring_count++;
    return BUILD_VAR_USED + i;
}

/* What a record takes. */
static ir_ref room_for(struct builder *b, ir_ref bytes)
{
    const ir_ref more = build_alu_imm(b, SPEC_ALU_ADD, 64, bytes, HEADER_BYTES + EVENT_WORD - 1);

    return build_alu_imm(b, SPEC_ALU_AND, 64, more, ~(uint64_t)(EVENT_WORD - 1));
}

/* Takes room for a record if a condition holds, and there is room: 1, else 0. */
static ir_ref take_room(struct builder *b, uint32_t map, ir_ref bytes, ir_ref asked)
{
    const uint32_t var = used_var(b, map);
    ir_ref before, after, fits, taken;

    if (!var)
        return build_const(b, 0);
    before = build_read(b, var);
    after = build_alu(b, SPEC_ALU_ADD, 64, before, room_for(b, bytes));
    fits = build_alu_imm(b, SPEC_ALU_ULT, 64, after, b->object->maps[map].max_entries);
    taken = build_select(b, asked, fits, build_const(b, 0));
    build_write(b, var, build_select(b, taken, after, before));
    return taken;
}

/* --- records ------------------------------------------------------------------------------ */

/* The record that a pointer leads into, or NULL: refused. */
static const struct build_record *record_of(struct builder *b, const struct verify_pointer *p)
{
    uint32_t pc = p->taken_at, context = p->taken_in;

    if (b->tails) { /* facts are numbered as in their own program */
        const struct build_part *part = build_part_of(b, b->context);

        pc += part->start;
        context += part->context;
    }
    for (uint32_t i = 0; i < b->events.record_count; i++) {
        const struct build_record *r = &b->events.records[i];

        if (r->pc != pc || r->context != context)
            continue;
        if (!r->ambiguous)
            return r;
        build_refuse(b, "IRB0021",
                     "a record of one of several ring buffers, which hardware does not tell apart");
        return NULL;
    }
    build_refuse(b, "IRB0003", "the verifier says nothing about who took the record");
    return NULL;
}

int build_record_place(struct builder *b, const struct verify_pointer *p, struct build_place *out)
{
    const struct build_record *r = record_of(b, p);

    if (!r)
        return b->error;
    out->region = IR_REGION_PKT;
    out->off_min = SPEC_EVENT_BASE + (int32_t)r->data + p->off_min;
    out->off_max = SPEC_EVENT_BASE + (int32_t)r->data + p->off_max;
    out->record = !r->never;
    if (p->off_min == p->off_max) {
        out->address = build_const(b, SPEC_EVENT_BASE);
        out->imm = (int64_t)r->data + p->off_min;
    }
    return 0;
}

static uint64_t low_bits(uint32_t n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* The bytes from first to end that lie in a piece, as bits. */
static uint64_t bits_in(uint32_t piece, uint32_t first, uint32_t end)
{
    const uint32_t base = piece * EVENT_PIECE;

    first = first > base ? first - base : 0;
    end = end > base ? end - base : 0;
    return first >= EVENT_PIECE || end <= first ? 0 : low_bits(end) & ~low_bits(first);
}

/* Bits of a word of written bytes that are set on every path, and those that are on some. */
struct known_bits {
    uint64_t always;
    uint64_t ever;
};

static struct known_bits known_bits(const struct builder *b, ir_ref ref, uint32_t *budget)
{
    const struct ir_insn *in = &b->f->insns[ref];
    const bool joins = in->op == IR_PHI && in->nargs;
    struct known_bits k = {0, UINT64_MAX};
    uint64_t v;

    if (build_is_const(b, ref, &v))
        return (struct known_bits){v, v};
    if (!*budget || (!joins && (in->op != IR_ALU || in->alu != SPEC_ALU_OR)))
        return k;
    (*budget)--;
    k = known_bits(b, in->args[0], budget);
    for (uint32_t a = 1; a < in->nargs; a++) {
        const struct known_bits other = known_bits(b, in->args[a], budget);

        k.always = joins ? k.always & other.always : k.always | other.always;
        k.ever |= other.ever;
    }
    return k;
}

/* Bits of `size` bytes at a run-time offset in the area, in one piece of it. */
static ir_ref moving_bits(struct builder *b, ir_ref at, uint32_t piece, uint32_t size)
{
    const ir_ref from = build_alu_imm(b, SPEC_ALU_SUB, 64, at, (uint64_t)piece * EVENT_PIECE);
    const ir_ref ones = build_const(b, low_bits(size));
    const ir_ref zero = build_const(b, 0);
    const ir_ref inside = build_alu_imm(b, SPEC_ALU_ULT, 64, from, EVENT_PIECE);
    const ir_ref before = build_alu(b, SPEC_ALU_SUB, 64, zero, from);
    const ir_ref reaches = build_alu_imm(b, SPEC_ALU_ULT, 64, before, size);

    return build_select(
        b, inside, build_alu(b, SPEC_ALU_SHL, 64, ones, from),
        build_select(b, reaches, build_alu(b, SPEC_ALU_LSHR, 64, ones, before), zero));
}

int build_record_access(struct builder *b, const struct build_place *place, uint32_t delta,
                        uint32_t size, bool store)
{
    const uint32_t first = (uint32_t)(place->off_min - SPEC_EVENT_BASE) + delta;
    const uint32_t last = (uint32_t)(place->off_max - SPEC_EVENT_BASE) + delta;
    const uint32_t end = last + size < SPEC_EVENT_BYTES ? last + size : SPEC_EVENT_BYTES;

    for (uint32_t piece = first / EVENT_PIECE; piece <= (end - 1) / EVENT_PIECE; piece++) {
        const uint32_t var = BUILD_VAR_WRITTEN + piece;
        const uint64_t bits = bits_in(piece, first, end);
        const ir_ref now = build_read(b, var);
        uint32_t budget = KNOWN_BUDGET;

        if (store && first == last) {
            build_write(b, var, build_alu_imm(b, SPEC_ALU_OR, 64, now, bits));
        } else if (store) {
            const ir_ref address = build_alu_imm(b, SPEC_ALU_ADD, 64, place->address,
                                                 (uint64_t)(place->imm + delta) - SPEC_EVENT_BASE);

            build_write(b, var,
                        build_alu(b, SPEC_ALU_OR, 64, now, moving_bits(b, address, piece, size)));
        } else if (bits & ~known_bits(b, now, &budget).always) {
            return build_refuse(b, "IRB0022",
                                "bytes of a record (padding included) are read that the program "
                                "may not have written: "
                                "hardware does not have what older records left");
        }
    }
    return 0;
}

void build_ringbuf_reserve(struct builder *b, const struct verify_fact *fact)
{
    struct build_events *e = &b->events;
    const uint32_t map = fact->args[0].map;
    const uint64_t bytes = fact->args[1].value;
    const ir_ref plain = build_alu_imm(b, SPEC_ALU_EQ, 64, build_reg(b, 3), 0);
    struct build_record record = {
        .context = b->context, .pc = b->pc, .site = e->count, .bytes = (uint32_t)bytes};
    struct ir_event_site *site;
    ir_ref taken;

    assert(fact->args[1].is_const); /* the verifier asks for that */
    record.never = bytes + HEADER_BYTES >= b->object->maps[map].max_entries;
    if (bytes > UINT32_MAX) {
        build_set_reg(b, 0, build_const(b, 0));
        return;
    }
    site = build_event_site(b, IR_EVENT_RESERVE);
    record.data = site && !record.never ? build_event_area(b, bytes) : 0;
    if (b->error)
        return;
    for (uint32_t i = 0; i < e->record_count; i++)
        if (e->records[i].pc == b->pc && e->records[i].context == b->context)
            record.ambiguous = e->records[i].ambiguous = true;
    e->records =
        arena_grow(b->arena, e->records, e->record_count, &e->record_capacity, sizeof(*e->records));
    e->records[e->record_count++] = record;
    site->map = (uint16_t)map;
    site->data = record.data;
    site->bytes = record.bytes;
    build_event_mark(b, site, plain);
    taken = take_room(b, map, build_const(b, bytes), plain);
    build_set_reg(
        b, 0,
        build_select(b, taken, build_const(b, SPEC_EVENT_BASE + record.data), build_const(b, 0)));
}

/* Which bytes of a record were written: a word of the area for each piece where that depends on the
 * packet's way. */
static void put_written(struct builder *b, const struct build_record *r, struct ir_event_site *site)
{
    const uint32_t first = r->data / EVENT_PIECE;
    const uint32_t count = r->bytes ? (r->data + r->bytes - 1) / EVENT_PIECE - first + 1 : 0;
    uint64_t *written = arena_array(b->arena, count + 1, sizeof(*written));
    uint32_t *at = arena_array(b->arena, count + 1, sizeof(*at));

    for (uint32_t i = 0; i < count && !b->error; i++) {
        const ir_ref word = build_read(b, BUILD_VAR_WRITTEN + first + i);
        const uint64_t bits = bits_in(first + i, r->data, r->data + r->bytes);
        uint32_t budget = KNOWN_BUDGET;
        const struct known_bits k = known_bits(b, word, &budget);

        written[i] = k.always & bits;
        if ((k.ever & bits) != written[i])
            at[i] = build_event_unless_const(b, word);
    }
    site->written = written;
    site->written_at = at;
}

static void finish_record(struct builder *b, const struct verify_fact *fact, enum ir_event kind)
{
    const struct verify_pointer *p = &fact->args[0].pointer;
    const struct build_record *r;
    struct ir_event_site *site;

    if (p->region != VERIFY_REGION_RECORD) {
        build_refuse(b, "IRB0021",
                     "a record that one of several calls took, which hardware does not tell apart");
        return;
    }
    r = record_of(b, p);
    site = r && !r->never ? build_event_site(b, kind) : NULL;
    if (!site)
        return;
    site->taken_by = r->site;
    site->data = r->data;
    site->bytes = r->bytes;
    put_written(b, r, site);
    build_event_mark(b, site, build_const(b, 1));
}

void build_ringbuf_submit(struct builder *b, const struct verify_fact *fact)
{
    finish_record(b, fact, IR_EVENT_SUBMIT);
}

void build_ringbuf_discard(struct builder *b, const struct verify_fact *fact)
{
    finish_record(b, fact, IR_EVENT_DISCARD);
}

void build_ringbuf_output(struct builder *b, const struct verify_fact *fact)
{
    const uint32_t map = fact->args[0].map;
    const ir_ref zero = build_const(b, 0);
    const ir_ref bad =
        build_alu_imm(b, SPEC_ALU_SET, 64, build_reg(b, 4), ~(uint64_t)RINGBUF_WAKEUP);
    const ir_ref good = build_alu_imm(b, SPEC_ALU_EQ, 64, bad, 0);
    const ir_ref bytes = build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, 3), IR_NONE);
    struct ir_event_site *site = build_event_site(b, IR_EVENT_OUTPUT);
    ir_ref taken;

    if (!site)
        return;
    site->map = (uint16_t)map;
    build_event_memory(b, fact, 2, site);
    if (b->error)
        return;
    build_event_mark(b, site, good);
    taken = take_room(b, map, bytes, good);
    build_set_reg(b, 0,
                  build_select(b, bad, build_event_negative(b, EINVAL),
                               build_select(b, taken, zero, build_event_negative(b, EAGAIN))));
}

void build_ringbuf_query(struct builder *b, const struct verify_fact *fact)
{
    const struct verify_arg *what = &fact->args[1];
    const uint32_t map = fact->args[0].map;
    const uint32_t var = used_var(b, map);

    if (!var)
        return;
    if (!what->is_const || (what->value > QUERY_SIZE && what->value <= QUERY_POSITIONS))
        build_refuse(
            b, "IRB0023",
            "bpf_ringbuf_query: hardware knows what is in a ring buffer and how large that "
            "is, but not its positions");
    else if (what->value == QUERY_AVAIL)
        build_set_reg(b, 0, build_read(b, var));
    else
        build_set_reg(
            b, 0, build_const(b, what->value == QUERY_SIZE ? b->object->maps[map].max_entries : 0));
}
