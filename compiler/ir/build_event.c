/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/ir/builder.h"

#include <assert.h>
#include <string.h>

/* Events: ring buffers, perf events and printed lines. A call becomes stores to the packet's event
 * area and a bit of the mask of sites; the host does the rest, with the code that software has
 * (struct ir_event_site). What a call gives back is computed here: a ring buffer is empty when a
 * packet comes, so its room is arithmetic, mostly on constants. Semantics:
 * nic_runtime/helpers/event.c and text.c, nic_runtime/maps/ringbuf.c. */

enum {
    WORD = 8,
    PIECE = 64, /* bytes of the event area that a word of BUILD_VAR_WRITTEN tells of; a beat */
    HEADER_BYTES = 8, /* of a record */
    UNROLL_BYTES = 128,
    KNOWN_BUDGET = 200, /* values that are looked through for what bytes are written */
    RINGBUF_WAKEUP = 3, /* BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP */
    QUERY_AVAIL = 0,    /* BPF_RB_AVAIL_DATA and on */
    QUERY_SIZE = 1,
    QUERY_POSITIONS = 3, /* the last that asks for one */
    PRINTK_ARGS = 3,
    PRINT_ARGS_MAX = 12, /* MAX_BPRINTF_VARARGS */
};

#define PERF_INDEX UINT64_C(0xffffffff) /* BPF_F_INDEX_MASK; all of it: the current CPU */
#define PERF_CTXLEN (UINT64_C(0xfffff) << 32)

static ir_ref negative(struct builder *b, int err)
{
    return build_const(b, (uint64_t) - (int64_t)err);
}

/* --- sites -------------------------------------------------------------------------------- */

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

/* A new site; NULL: refused. Nodes are translated in reverse post-order, so that of two sites
 * outside of loops the one that comes first on a path has the lower number. */
static struct ir_event_site *new_site(struct builder *b, enum ir_event kind)
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
        build_refuse(b, "IRB0018",
                     "an event in a loop, or in a program that a tail call leads back to: on "
                     "hardware the packet's event area has a place for each call");
        return NULL;
    }
    e->sites = arena_grow(b->arena, e->sites, e->count, &e->capacity, sizeof(*e->sites));
    site = &e->sites[e->count++];
    *site = (struct ir_event_site){.kind = (uint8_t)kind, .map = IR_MAP_ANY, .pc = b->pc};
    return site;
}

/* The site's bit, if a condition holds. */
static void mark(struct builder *b, const struct ir_event_site *site, ir_ref happens)
{
    const uint64_t bit = UINT64_C(1) << (site - b->events.sites);
    const ir_ref word = build_select(b, happens, build_const(b, bit), build_const(b, 0));

    build_write(b, BUILD_VAR_EVENTS,
                build_alu(b, SPEC_ALU_OR, 64, build_read(b, BUILD_VAR_EVENTS), word));
}

/* Takes bytes of the event area; 0: refused. */
static uint32_t take_area(struct builder *b, uint64_t bytes)
{
    struct build_events *e = &b->events;
    const uint64_t words = (bytes + WORD - 1) / WORD * WORD;
    const uint32_t at = e->used ? e->used : WORD; /* the mask comes first */

    if (words > SPEC_EVENT_BYTES - at) {
        build_refuse(b, "IRB0019",
                     "this event may take %llu bytes; hardware has %u bytes for all events of a "
                     "packet, %u of which the calls before it take",
                     (unsigned long long)bytes, SPEC_EVENT_BYTES, at);
        return 0;
    }
    e->used = at + (uint32_t)words;
    return at;
}

static struct build_place area_place(struct builder *b, uint32_t at)
{
    const int32_t off = SPEC_EVENT_BASE + (int32_t)at;

    return (struct build_place){.region = IR_REGION_PKT,
                                .address = build_const(b, SPEC_EVENT_BASE),
                                .imm = at,
                                .off_min = off,
                                .off_max = off};
}

static void put_word(struct builder *b, uint32_t at, ir_ref value)
{
    const struct build_place place = area_place(b, at);

    build_store(b, &place, 0, WORD, value);
}

/* A word with a value that is known at run time only; 0: a constant, or refused. */
static uint32_t put_unless_const(struct builder *b, ir_ref value)
{
    uint64_t v;
    uint32_t at;

    if (build_is_const(b, value, &v))
        return 0;
    at = take_area(b, WORD);
    if (at)
        put_word(b, at, value);
    return at;
}

/* Copies bytes from memory to the event area, all that a size may be. */
static void copy_out(struct builder *b, const struct build_place *from, uint32_t to, uint32_t bytes)
{
    const struct build_place place = area_place(b, to);

    for (uint32_t at = 0; at < bytes && !b->error; at += WORD) {
        const uint32_t n = bytes - at < WORD ? bytes - at : WORD;

        build_store(b, &place, at, n, build_load_word(b, from, at, n));
    }
}

/* The memory that an argument points to, as many bytes as the next one says, as the data of a site.
 * The verifier has seen that as many may be read as there can be. */
static void put_memory(struct builder *b, const struct verify_fact *fact, uint32_t reg,
                       struct ir_event_site *site)
{
    const struct verify_arg *size = &fact->args[reg];
    const uint64_t most = size->is_const ? size->value : size->max;
    const ir_ref bytes = size->is_const
                             ? build_const(b, (uint32_t)most)
                             : build_alu(b, SPEC_ALU_MOV, 32, build_reg(b, reg + 1), IR_NONE);
    struct build_place from;

    site->data = take_area(b, most);
    site->bytes = (uint32_t)most;
    site->bytes_at = b->error ? 0 : put_unless_const(b, bytes);
    if (!b->error && most &&
        !build_place_of(b, &fact->args[reg - 1].pointer, build_reg(b, reg), 0, &from))
        copy_out(b, &from, site->data, (uint32_t)most);
}

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
    const ir_ref more = build_alu_imm(b, SPEC_ALU_ADD, 64, bytes, HEADER_BYTES + WORD - 1);

    return build_alu_imm(b, SPEC_ALU_AND, 64, more, ~(uint64_t)(WORD - 1));
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
    const uint32_t base = piece * PIECE;

    first = first > base ? first - base : 0;
    end = end > base ? end - base : 0;
    return first >= PIECE || end <= first ? 0 : low_bits(end) & ~low_bits(first);
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
    const ir_ref from = build_alu_imm(b, SPEC_ALU_SUB, 64, at, (uint64_t)piece * PIECE);
    const ir_ref ones = build_const(b, low_bits(size));
    const ir_ref zero = build_const(b, 0);
    const ir_ref inside = build_alu_imm(b, SPEC_ALU_ULT, 64, from, PIECE);
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

    for (uint32_t piece = first / PIECE; piece <= (end - 1) / PIECE; piece++) {
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
                                "a record is read that the program may not have written there: "
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
    site = new_site(b, IR_EVENT_RESERVE);
    record.data = site && !record.never ? take_area(b, bytes) : 0;
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
    mark(b, site, plain);
    taken = take_room(b, map, build_const(b, bytes), plain);
    build_set_reg(
        b, 0,
        build_select(b, taken, build_const(b, SPEC_EVENT_BASE + record.data), build_const(b, 0)));
}

/* Which bytes of a record were written: a word of the area for each piece where that depends on the
 * packet's way. */
static void put_written(struct builder *b, const struct build_record *r, struct ir_event_site *site)
{
    const uint32_t first = r->data / PIECE;
    const uint32_t count = r->bytes ? (r->data + r->bytes - 1) / PIECE - first + 1 : 0;
    uint64_t *written = arena_array(b->arena, count + 1, sizeof(*written));
    uint32_t *at = arena_array(b->arena, count + 1, sizeof(*at));

    for (uint32_t i = 0; i < count && !b->error; i++) {
        const ir_ref word = build_read(b, BUILD_VAR_WRITTEN + first + i);
        const uint64_t bits = bits_in(first + i, r->data, r->data + r->bytes);
        uint32_t budget = KNOWN_BUDGET;
        const struct known_bits k = known_bits(b, word, &budget);

        written[i] = k.always & bits;
        if ((k.ever & bits) != written[i])
            at[i] = put_unless_const(b, word);
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
    site = r && !r->never ? new_site(b, kind) : NULL;
    if (!site)
        return;
    site->taken_by = r->site;
    site->data = r->data;
    site->bytes = r->bytes;
    put_written(b, r, site);
    mark(b, site, build_const(b, 1));
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
    struct ir_event_site *site = new_site(b, IR_EVENT_OUTPUT);
    ir_ref taken;

    if (!site)
        return;
    site->map = (uint16_t)map;
    put_memory(b, fact, 2, site);
    if (b->error)
        return;
    mark(b, site, good);
    taken = take_room(b, map, bytes, good);
    build_set_reg(b, 0,
                  build_select(b, bad, negative(b, EINVAL),
                               build_select(b, taken, zero, negative(b, EAGAIN))));
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

/* --- perf events -------------------------------------------------------------------------- */

/* What the call gives: 0, or why there is no event. */
static ir_ref perf_result(struct builder *b, uint32_t map, ir_ref flags, ir_ref more)
{
    const uint32_t entries = b->object->maps[map].max_entries;
    const ir_ref cpu =
        build_alu_imm(b, SPEC_ALU_AND, 64, build_input(b, SPEC_IN_QUEUE), SPEC_QUEUES - 1);
    const ir_ref low = build_alu_imm(b, SPEC_ALU_AND, 64, flags, PERF_INDEX);
    const ir_ref own = build_alu_imm(b, SPEC_ALU_EQ, 64, low, PERF_INDEX);
    const ir_ref index = build_select(b, own, cpu, low);
    const ir_ref zero = build_const(b, 0);
    const ir_ref bad = build_alu_imm(b, SPEC_ALU_SET, 64, flags, ~(PERF_INDEX | PERF_CTXLEN));
    const ir_ref far = build_alu(b, SPEC_ALU_UGT, 64, more, build_packet_bytes(b));
    uint64_t v;
    ir_ref r = zero;

    if (!build_is_const(b, own, &v) || !v) {
        r = build_select(b, build_alu(b, SPEC_ALU_EQ, 64, index, cpu), r, negative(b, EOPNOTSUPP));
        r = build_select(b, build_alu_imm(b, SPEC_ALU_UGE, 64, index, SPEC_QUEUES),
                         negative(b, ENOENT), r);
    }
    if (entries < SPEC_QUEUES || !build_is_const(b, own, &v) || !v)
        r = build_select(b, build_alu_imm(b, SPEC_ALU_UGE, 64, index, entries), negative(b, E2BIG),
                         r);
    if (!build_is_const(b, more, &v) || v > SPEC_PKT_MIN_BYTES)
        r = build_select(b, far, negative(b, EFAULT), r);
    return build_select(b, bad, negative(b, EINVAL), r);
}

/* The packet's first bytes behind the data, as many as there can be. What is read behind the
 * packet's end nobody looks at. */
static void put_packet(struct builder *b, struct ir_event_site *site, ir_ref more)
{
    const ir_ref data = build_read(b, BUILD_VAR_DATA);
    const uint32_t most = (site->more_bytes + WORD - 1) / WORD * WORD;
    struct build_place from = {.region = IR_REGION_PKT, .address = data, .base = data};
    struct build_place to = area_place(b, site->more);
    struct build_loop l;
    uint64_t v;

    if (build_is_const(b, more, &v) || most <= UNROLL_BYTES) {
        copy_out(b, &from, site->more, site->more_bytes);
        return;
    }
    l = build_loop_begin(b, more, WORD, most / WORD);
    from.address = build_alu(b, SPEC_ALU_ADD, 64, data, l.count);
    from.off_max = (int32_t)(most - WORD);
    to.address = build_alu(b, SPEC_ALU_ADD, 64, to.address, l.count);
    to.off_max += (int32_t)(most - WORD);
    build_store(b, &to, 0, WORD, build_load(b, &from, 0, WORD));
    build_loop_end(b, &l);
}

void build_perf_output(struct builder *b, const struct verify_fact *fact)
{
    const struct verify_arg *arg = &fact->args[2];
    const uint32_t map = fact->args[1].map;
    const ir_ref flags = arg->is_const ? build_const(b, arg->value) : build_reg(b, 3);
    const ir_ref more = build_alu_imm(
        b, SPEC_ALU_AND, 64, build_alu_imm(b, SPEC_ALU_LSHR, 64, flags, 32), PERF_CTXLEN >> 32);
    struct ir_event_site *site;
    ir_ref result;

    if (map == VERIFY_MAP_ANY) {
        build_refuse(b, "IRB0021", "one call for several maps of perf events");
        return;
    }
    site = new_site(b, IR_EVENT_PERF);
    if (!site)
        return;
    site->map = (uint16_t)map;
    put_memory(b, fact, 4, site);
    site->more_bytes = (uint32_t)((arg->is_const ? arg->value : arg->max) >> 32 & 0xfffff);
    if (!arg->is_const && arg->max >> 52)
        site->more_bytes = 0xfffff;
    if (b->error)
        return;
    result = perf_result(b, map, flags, more);
    if (site->more_bytes) {
        site->more = take_area(b, site->more_bytes);
        site->more_at = site->more ? put_unless_const(b, more) : 0;
        if (!b->error)
            put_packet(b, site, more);
    }
    mark(b, site, build_alu_imm(b, SPEC_ALU_EQ, 64, result, 0));
    build_set_reg(b, 0, result);
}

/* --- printed lines ------------------------------------------------------------------------ */

/* A format in data that never changes; NULL: refused. Its arguments are numbers, so what leads to
 * memory is refused. */
static const char *format_of(struct builder *b, const struct verify_fact *fact, uint32_t *bytes,
                             uint32_t *args)
{
    struct build_place text;
    uint32_t n = 0;

    *bytes = (uint32_t)fact->args[1].value;
    if (build_place_of(b, &fact->args[0].pointer, build_reg(b, 1), 0, &text))
        return NULL;
    if (!text.rodata || !fact->args[1].is_const || *bytes > text.rodata_bytes) {
        build_refuse(b, "IRB0024",
                     "the format is not constant data (static const char); the host, which writes "
                     "the line, needs to know it");
        return NULL;
    }
    for (uint32_t i = 0; i < *bytes && text.rodata[i]; i++) {
        const uint8_t *c = &text.rodata[i];

        if (*c != '%')
            continue;
        if (i + 1 < *bytes && c[1] == '%') {
            i++;
            continue;
        }
        while (i < *bytes && text.rodata[i] && !strchr("duxXicsp", text.rodata[i]))
            i++;
        n++;
        if (i < *bytes && (text.rodata[i] == 's' ||
                           (text.rodata[i] == 'p' && i + 1 < *bytes &&
                            strchr("iIBsSfFMm", text.rodata[i + 1]) && text.rodata[i + 1]))) {
            build_refuse(b, "IRB0024",
                         "conversion %u of the format prints what a pointer leads to, which the "
                         "host does not have",
                         n);
            return NULL;
        }
    }
    *args = n;
    return (const char *)text.rodata;
}

/* The length of the line is not known here. */
static void print_result(struct builder *b)
{
    struct build_events *e = &b->events;
    const struct build_place place = area_place(b, 0);
    const ir_ref unknown = build_load(b, &place, 0, WORD);

    e->unknown = arena_grow(b->arena, e->unknown, e->unknown_count, &e->unknown_capacity,
                            sizeof(*e->unknown));
    e->unknown[e->unknown_count++] = (struct build_unknown){unknown, b->pc};
    build_set_reg(b, 0, unknown);
}

void build_trace_printk(struct builder *b, const struct verify_fact *fact)
{
    struct ir_event_site *site = new_site(b, IR_EVENT_PRINT);
    uint32_t bytes, args;
    const char *text = site ? format_of(b, fact, &bytes, &args) : NULL;

    if (!text)
        return;
    args = args < PRINTK_ARGS ? args : PRINTK_ARGS;
    site->text = text;
    site->text_bytes = bytes;
    site->bytes = args * WORD;
    site->data = take_area(b, site->bytes);
    for (uint32_t i = 0; i < args && !b->error; i++) {
        if (fact->args[2 + i].pointer.region != VERIFY_REGION_NONE)
            build_refuse(b, "IRB0024", "argument %u of the format is an address", i + 1);
        else
            put_word(b, site->data + i * WORD, build_reg(b, 3 + i));
    }
    mark(b, site, build_const(b, 1));
    print_result(b);
}

void build_trace_vprintk(struct builder *b, const struct verify_fact *fact)
{
    struct ir_event_site *site = new_site(b, IR_EVENT_PRINT);
    uint32_t bytes, args;
    const char *text = site ? format_of(b, fact, &bytes, &args) : NULL;

    if (!text)
        return;
    if (!fact->args[3].is_const || fact->args[3].value % WORD ||
        fact->args[3].value > PRINT_ARGS_MAX * WORD) {
        build_refuse(b, "IRB0024", "the number of the format's arguments is not known, or wrong");
        return;
    }
    site->text = text;
    site->text_bytes = bytes;
    put_memory(b, fact, 3, site);
    mark(b, site, build_const(b, 1));
    print_result(b);
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
    put_word(b, 0, happened);
    return build_select(b, build_alu_imm(b, SPEC_ALU_NE, 64, happened, 0), e->beats,
                        build_const(b, 0));
}

int build_events_finish(struct builder *b)
{
    struct build_events *e = &b->events;
    const uint32_t beats = (e->used + PIECE - 1) / PIECE;

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
