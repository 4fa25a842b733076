/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/opt/internal.h"

#include <string.h>

/* Joins neighbouring accesses: loads whose bytes a value is put together of become one load (in
 * either byte order), and stores to adjacent places whose values belong together become one store,
 * as in copies of a 6-byte address.
 *
 * needs: nothing. keeps: control flow. The loads that are left over are dead. Accesses of map
 * values keep sizes that are powers of two, since the core's value memory takes no others. */

enum { WORD = 8, MAX_DEPTH = 12, WINDOW = 48 /* instructions that are looked back at */ };

/* Byte `index` of what a load reads from memory; load IR_NONE: the byte is 0. */
struct origin {
    ir_ref load;
    uint32_t index;
};

struct bytes {
    struct origin at[WORD];
    bool known;
};

struct merge {
    struct ir_func *f;
    struct arena *scratch;
    uint32_t *uses;
    uint32_t uses_count;
    uint32_t *position; /* of an instruction in its block, for the block at hand */
    uint32_t position_count;
    bool changed;
};

static bool size_is_possible(enum ir_region region, uint32_t size)
{
    return size <= WORD && (region != IR_REGION_MAP || (size & (size - 1)) == 0);
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* --- where a value's bytes come from ------------------------------------------------------ */

static struct bytes bytes_of(const struct merge *m, ir_ref r, uint32_t depth);

static struct bytes bytes_of_load(const struct ir_insn *in, ir_ref r)
{
    struct bytes b = {.known = true};

    for (uint32_t i = 0; i < in->size; i++)
        b.at[i] = (struct origin){r, in->swap ? in->size - 1u - i : i};
    return b;
}

static struct bytes shifted(struct bytes b, int32_t by)
{
    struct bytes out = {.known = b.known};

    for (int32_t i = 0; i < WORD; i++)
        if (i - by >= 0 && i - by < WORD)
            out.at[i] = b.at[i - by];
    return out;
}

static struct bytes united(struct bytes a, struct bytes b)
{
    a.known &= b.known;
    for (uint32_t i = 0; i < WORD; i++) {
        if (b.at[i].load == IR_NONE)
            continue;
        if (a.at[i].load != IR_NONE)
            a.known = false; /* two sources for one byte */
        a.at[i] = b.at[i];
    }
    return a;
}

static struct bytes reversed(struct bytes b, uint32_t n)
{
    struct bytes out = {.known = b.known};

    for (uint32_t i = 0; i < n; i++)
        out.at[i] = b.at[n - 1 - i];
    return out;
}

static struct bytes masked(struct bytes b, uint64_t mask)
{
    for (uint32_t i = 0; i < WORD; i++) {
        const uint64_t byte = mask >> (8 * i) & 0xff;

        if (byte == 0)
            b.at[i].load = IR_NONE;
        else if (byte != 0xff && b.at[i].load != IR_NONE)
            b.known = false;
    }
    return b;
}

static struct bytes bytes_of_alu(const struct merge *m, const struct ir_insn *in, uint32_t depth)
{
    const struct bytes unknown = {.known = false};
    struct bytes a = bytes_of(m, in->args[0], depth + 1);
    uint64_t v = 0;

    if (!a.known)
        return unknown;
    if (in->width == 32 &&
        (in->alu == SPEC_ALU_MOV || in->alu == SPEC_ALU_OR || in->alu == SPEC_ALU_AND))
        a = masked(a, UINT32_MAX);
    else if (in->width == 32)
        return unknown;
    switch (in->alu) {
    case SPEC_ALU_MOV:
        return a;
    case SPEC_ALU_BSWAP16:
        return reversed(a, 2);
    case SPEC_ALU_BSWAP32:
        return reversed(a, 4);
    case SPEC_ALU_BSWAP64:
        return reversed(a, 8);
    case SPEC_ALU_OR: {
        struct bytes b = bytes_of(m, in->args[1], depth + 1);

        return united(a, in->width == 32 ? masked(b, UINT32_MAX) : b);
    }
    case SPEC_ALU_AND:
        return opt_is_const(m->f, in->args[1], &v) ? masked(a, v) : unknown;
    case SPEC_ALU_SHL:
    case SPEC_ALU_LSHR:
        if (!opt_is_const(m->f, in->args[1], &v) || v % 8 || v >= 64)
            return unknown;
        return shifted(a, in->alu == SPEC_ALU_SHL ? (int32_t)v / 8 : -(int32_t)v / 8);
    default: /* arithmetic mixes bytes */
        return unknown;
    }
}

static struct bytes bytes_of(const struct merge *m, ir_ref r, uint32_t depth)
{
    const struct ir_insn *in = &m->f->insns[r];
    const struct bytes unknown = {.known = false};

    if (depth > MAX_DEPTH)
        return unknown;
    if (in->op == IR_LOAD)
        return bytes_of_load(in, r);
    if (in->op == IR_CONST && in->imm == 0)
        return (struct bytes){.known = true};
    if (in->op == IR_ALU)
        return bytes_of_alu(m, in, depth);
    return unknown;
}

/* --- one load for many -------------------------------------------------------------------- */

/* What a value is, if it is `size` adjacent bytes of memory. */
struct run {
    ir_ref lowest;  /* the load that has the byte at the lowest address ... */
    uint32_t index; /* ... as this byte of its own */
    uint32_t size;
    bool swap;
    uint32_t loads;  /* different ones */
    uint32_t first;  /* position of the first one in the block */
    int32_t off_min; /* bounds of the lowest byte that all of them agree on */
    int32_t off_max;
};

static int64_t byte_address(const struct merge *m, struct origin o)
{
    return (int64_t)m->f->insns[o.load].imm + o.index;
}

static bool same_memory(const struct ir_insn *a, const struct ir_insn *b)
{
    return a->region == b->region && a->map == b->map && a->args[0] == b->args[0] &&
           a->block == b->block;
}

static bool find_run(const struct merge *m, const struct bytes *b, uint32_t limit, struct run *out)
{
    const struct ir_func *f = m->f;
    struct run run = {0};
    int64_t step = 0;

    while (run.size < WORD && b->at[run.size].load != IR_NONE)
        run.size++;
    if (!b->known || run.size < 2 || run.size > limit)
        return false;
    for (uint32_t i = run.size; i < WORD; i++)
        if (b->at[i].load != IR_NONE)
            return false;
    step = byte_address(m, b->at[1]) - byte_address(m, b->at[0]);
    if (step != 1 && step != -1)
        return false;
    run.swap = step < 0;
    run.first = UINT32_MAX;
    run.off_min = INT32_MIN;
    run.off_max = INT32_MAX;
    for (uint32_t i = 0; i < run.size; i++) {
        const ir_ref r = b->at[i].load;
        uint32_t k = 0;

        if (r >= m->position_count || !same_memory(&f->insns[r], &f->insns[b->at[0].load]))
            return false;
        if (i && byte_address(m, b->at[i]) - byte_address(m, b->at[i - 1]) != step)
            return false;
        while (b->at[k].load != r)
            k++;
        run.loads += k == i;
        if (m->position[r] < run.first)
            run.first = m->position[r];
        k = run.swap ? run.size - 1 - i : i; /* bytes above the lowest */
        k -= b->at[i].index;
        run.off_min = max_i32(run.off_min, f->insns[r].off_min - (int32_t)k);
        run.off_max = min_i32(run.off_max, f->insns[r].off_max - (int32_t)k);
    }
    if (f->insns[b->at[0].load].region == IR_REGION_MAP)
        run.off_min = run.off_max = 0;
    if (run.off_min > run.off_max)
        return false;
    run.lowest = b->at[run.swap ? run.size - 1 : 0].load;
    run.index = b->at[run.swap ? run.size - 1 : 0].index;
    *out = run;
    return true;
}

/* The merged load, not yet in a block. */
static struct ir_insn run_insn(const struct merge *m, const struct run *run)
{
    const struct ir_insn *low = &m->f->insns[run->lowest];

    return (struct ir_insn){.op = IR_LOAD,
                            .region = low->region,
                            .size = (uint8_t)run->size,
                            .swap = run->swap,
                            .map = low->map,
                            .imm = low->imm + run->index,
                            .off_min = run->off_min,
                            .off_max = run->off_max,
                            .block = IR_NO_BLOCK,
                            .pc = low->pc};
}

/* Is memory under the access the same all the way between two positions of a block (both excluded)?
 */
static bool is_quiet(const struct merge *m, ir_block b, uint32_t from, uint32_t to,
                     const struct ir_insn *access, bool reads_matter)
{
    const struct ir_block_data *block = &m->f->blocks[b];

    for (uint32_t i = from + 1; i < to; i++) {
        const struct ir_insn *in = &m->f->insns[block->insns[i]];

        if (opt_may_write(in, access) || (reads_matter && opt_may_read(in, access)))
            return false;
    }
    return true;
}

/* All loads of the run are used by nobody else, as far as uses go. */
static bool loads_are_single(const struct merge *m, const struct bytes *b, const struct run *run)
{
    for (uint32_t i = 0; i < run->size; i++)
        if (m->uses[b->at[i].load] != 1)
            return false;
    return true;
}

static struct ir_insn with_base(const struct ir_func *f, struct ir_insn in, ir_ref like,
                                ir_ref *base)
{
    *base = f->insns[like].args[0];
    in.args = base;
    return in;
}

/* r is an or, a shift or a swap: the root of a tree over loads? Then r itself becomes the load. */
static void merge_loads(struct merge *m, ir_block b, uint32_t position)
{
    const ir_ref r = m->f->blocks[b].insns[position];
    const struct bytes bytes = bytes_of(m, r, 0);
    struct run run;
    struct ir_insn load;
    struct ir_insn *in;
    ir_ref base;

    if (!bytes.known || !find_run(m, &bytes, WORD, &run) || run.loads < 2 ||
        !size_is_possible((enum ir_region)m->f->insns[run.lowest].region, run.size) ||
        !loads_are_single(m, &bytes, &run) || m->f->insns[run.lowest].block != b ||
        position - run.first > WINDOW)
        return;
    /* Each load moves down to here. */
    for (uint32_t i = 0; i < run.size; i++) {
        const ir_ref old = bytes.at[i].load;

        if (!is_quiet(m, b, m->position[old], position, &m->f->insns[old], false))
            return;
    }
    load = with_base(m->f, run_insn(m, &run), run.lowest, &base);
    in = &m->f->insns[r];
    load.block = b;
    load.nargs = 1;
    load.args = arena_memdup(m->f->arena, &base, sizeof(base));
    *in = load;
    m->changed = true;
}

/* --- one store for two -------------------------------------------------------------------- */

/* Two values as one: low in the first low_size bytes, high above. IR_NONE if that costs more than
 * it saves. */
static ir_ref merged_value(struct merge *m, ir_block b, uint32_t *position, ir_ref low,
                           uint32_t low_size, ir_ref high, uint32_t high_size)
{
    const uint32_t size = low_size + high_size;
    struct ir_func *f = m->f;
    const struct ir_insn *h = &f->insns[high];
    struct bytes bytes;
    struct run run;
    struct ir_insn load;
    uint64_t v1;
    uint64_t v2;
    ir_ref base;
    ir_ref merged;

    if (opt_is_const(f, low, &v1) && opt_is_const(f, high, &v2)) {
        const uint32_t before = f->blocks[b].count;

        merged = opt_const(f, opt_low_bytes(v1, low_size) | opt_low_bytes(v2, high_size)
                                                                << (8 * low_size));
        *position += f->blocks[b].count - before;
        return merged;
    }
    if (h->op == IR_ALU && h->alu == SPEC_ALU_LSHR && h->width == 64 && h->args[0] == low &&
        opt_is_const(f, h->args[1], &v2) && v2 == 8 * low_size)
        return low;
    bytes = united(masked(bytes_of(m, low, 0), opt_low_bytes(UINT64_MAX, low_size)),
                   shifted(masked(bytes_of(m, high, 0), opt_low_bytes(UINT64_MAX, high_size)),
                           (int32_t)low_size));
    if (!bytes.known || !find_run(m, &bytes, WORD, &run) || run.size != size ||
        f->insns[run.lowest].block != b || *position - run.first > WINDOW ||
        !loads_are_single(m, &bytes, &run) ||
        !size_is_possible((enum ir_region)f->insns[run.lowest].region, size))
        return IR_NONE;
    /* Each load moves up to the first one. */
    for (uint32_t i = 0; i < size; i++) {
        const ir_ref old = bytes.at[i].load;

        if (!is_quiet(m, b, run.first, m->position[old], &f->insns[old], false))
            return IR_NONE;
    }
    load = with_base(f, run_insn(m, &run), run.lowest, &base);
    merged = ir_new(f, load, &base, 1);
    ir_insert(f, b, run.first, merged);
    (*position)++;
    return merged;
}

/* The store at `later` and one before it: joined at the place of the later one? */
static bool merge_pair(struct merge *m, ir_block b, uint32_t earlier, uint32_t later)
{
    struct ir_func *f = m->f;
    const ir_ref first = f->blocks[b].insns[earlier];
    const ir_ref second = f->blocks[b].insns[later];
    const struct ir_insn *x = &f->insns[first];
    const struct ir_insn *y = &f->insns[second];
    const struct ir_insn *low = (int64_t)x->imm < (int64_t)y->imm ? x : y;
    const struct ir_insn *high = low == x ? y : x;
    const uint32_t size = (uint32_t)x->size + y->size;
    struct ir_insn merged;
    ir_ref value;

    if (x->op != IR_STORE || x->swap || y->swap || !same_memory(x, y) ||
        (int64_t)low->imm + low->size != (int64_t)high->imm ||
        !size_is_possible((enum ir_region)x->region, size) ||
        !is_quiet(m, b, earlier, later, x, true))
        return false;
    merged = *low;
    if (x->region != IR_REGION_MAP) {
        merged.off_min = max_i32(low->off_min, high->off_min - low->size);
        merged.off_max = min_i32(low->off_max, high->off_max - low->size);
    }
    if (merged.off_min > merged.off_max)
        return false;
    value = merged_value(m, b, &later, low->args[1], low->size, high->args[1], high->size);
    if (value == IR_NONE)
        return false;
    merged.size = (uint8_t)size;
    merged.block = b;
    merged.pc = f->insns[second].pc;
    merged.args = arena_array(f->arena, 2, sizeof(ir_ref));
    merged.args[0] = f->insns[second].args[0];
    merged.args[1] = value;
    f->insns[second] = merged;
    ir_remove(f, first);
    m->changed = true;
    return true;
}

static bool merge_stores(struct merge *m, ir_block b, uint32_t position)
{
    const uint32_t from = position > WINDOW ? position - WINDOW : 0;

    for (uint32_t i = position; i-- > from;)
        if (merge_pair(m, b, i, position))
            return true;
    return false;
}

static void number_positions(struct merge *m, ir_block b)
{
    const struct ir_block_data *block = &m->f->blocks[b];

    m->uses = opt_use_counts(m->f, m->scratch);
    m->position = arena_array(m->scratch, m->f->insn_count, sizeof(*m->position));
    m->position_count = m->f->insn_count;
    for (uint32_t i = 0; i < block->count; i++)
        m->position[block->insns[i]] = i;
}

static bool is_tree_root(const struct ir_insn *in)
{
    return in->op == IR_ALU && in->alu == SPEC_ALU_OR;
}

static bool has_work(const struct ir_func *f, ir_block b)
{
    uint32_t stores = 0;
    uint32_t roots = 0;

    for (uint32_t i = 0; i < f->blocks[b].count; i++) {
        const struct ir_insn *in = &f->insns[f->blocks[b].insns[i]];

        stores += in->op == IR_STORE;
        roots += is_tree_root(in);
    }
    return stores > 1 || roots > 0;
}

bool opt_merge(struct ir_func *f, struct arena *scratch)
{
    struct merge m = {.f = f, .scratch = scratch};

    for (ir_block b = 0; b < f->block_count; b++) {
        if (!has_work(f, b))
            continue;
        number_positions(&m, b);
        for (uint32_t i = 0; i < f->blocks[b].count; i++)
            if (is_tree_root(&f->insns[f->blocks[b].insns[i]]))
                merge_loads(&m, b, i);
        number_positions(&m, b);
        for (uint32_t i = 0; i < f->blocks[b].count; i++) {
            const ir_ref r = f->blocks[b].insns[i];

            if (f->insns[r].op == IR_STORE && merge_stores(&m, b, i)) {
                number_positions(&m, b);
                i = m.position[r]; /* r is the joined store */
            }
        }
    }
    return m.changed;
}
