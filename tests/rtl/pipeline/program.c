/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rtl/pipeline/program.h"

#include "hw/spec/gen/alu.h"
#include "hw/spec/gen/limits.h"
#include "tests/common/random.h"
#include "tests/common/soft_maps.h"

#include <stdlib.h>

/* Programs that mean nothing and use everything: nested branches with phis, early exits, packet and
 * stack accesses at constant and at run-time offsets, arithmetic of both widths, atomics, look-ups,
 * updates and deletions. */

#define VALUES_MAX 4096
#define DEPTH_MAX 4

struct writer {
    FILE *out;
    uint64_t seed;
    uint32_t values; /* names given so far */
    uint32_t blocks;
    uint32_t block; /* the one that is being written */
    uint32_t visible[VALUES_MAX];
    uint32_t visible_count;
    uint32_t slow;     /* multiplications and divisions so far */
    uint32_t accesses; /* of maps */
    uint32_t far;      /* loads anywhere in the packet */
};

static uint32_t pick(struct writer *w, uint32_t below)
{
    return (uint32_t)(random_next(&w->seed) % below);
}

static uint32_t any(struct writer *w)
{
    /* recent values more often, so that chains grow */
    const uint32_t recent = w->visible_count < 8 ? w->visible_count : 8;

    return pick(w, 2) ? w->visible[pick(w, w->visible_count)]
                      : w->visible[w->visible_count - 1 - pick(w, recent)];
}

static uint32_t name(struct writer *w)
{
    return ++w->values;
}

static uint32_t show(struct writer *w, uint32_t v)
{
    if (w->visible_count < VALUES_MAX)
        w->visible[w->visible_count++] = v;
    return v;
}

static uint32_t constant(struct writer *w, uint64_t value)
{
    const uint32_t v = name(w);

    fprintf(w->out, "    %%%u = const 0x%llx\n", v, (unsigned long long)value);
    return v;
}

static uint64_t odd_number(struct writer *w)
{
    static const uint64_t often[] = {
        0, 1, 7, 8, 32, 63, 64, 255, 0xffff, 0x80000000, 0xffffffff, UINT64_MAX, UINT64_C(1) << 63};

    return pick(w, 2) ? often[pick(w, sizeof(often) / sizeof(often[0]))]
                      : random_next(&w->seed) >> pick(w, 60);
}

static void write_alu(struct writer *w)
{
    const uint32_t op = 1 + pick(w, SPEC_ALU_COUNT - 1);
    const struct spec_alu_row *row = &spec_alu_table[op];
    const uint32_t width = pick(w, 2) && row->verilog32[0] ? 32 : 64;
    const uint32_t a = any(w);
    const uint32_t b = pick(w, 3) ? any(w) : constant(w, odd_number(w));
    const uint32_t v = name(w);

    if (row->levels < 0 && w->slow++ > 1) {
        fprintf(w->out, "    %%%u = add.%u %%%u, %%%u\n", v, width, a, b);
    } else {
        fprintf(w->out, "    %%%u = %s.%u %%%u", v, row->name, width, a);
        if (row->arity == 2)
            fprintf(w->out, ", %%%u", b);
        fprintf(w->out, "\n");
    }
    show(w, v);
}

static void write_select(struct writer *w)
{
    const uint32_t v = name(w);

    fprintf(w->out, "    %%%u = select %%%u, %%%u, %%%u\n", v, any(w), any(w), any(w));
    show(w, v);
}

/* An address and its range in a memory whose usable part is base .. base + 63. */
static uint32_t write_address(struct writer *w, uint32_t base, uint32_t size, uint32_t *lo,
                              uint32_t *hi)
{
    static const uint32_t masks[] = {7, 12, 31, 60, 1};
    const uint32_t kind = pick(w, 4);
    uint32_t mask;
    uint32_t at;
    uint32_t offset;
    uint32_t v;

    *lo = base + pick(w, 64 - size);
    *hi = *lo;
    if (kind < 2)
        return constant(w, *lo);
    if (kind == 2) {
        const uint32_t first = constant(w, *lo);

        *hi = base + pick(w, 64 - size);
        v = name(w);
        fprintf(w->out, "    %%%u = const %u\n", v, *hi);
        at = name(w);
        fprintf(w->out, "    %%%u = select %%%u, %%%u, %%%u\n", at, any(w), first, v);
        if (*hi < *lo) {
            const uint32_t t = *lo;

            *lo = *hi;
            *hi = t;
        }
        return at;
    }
    mask = masks[pick(w, 5)];
    *lo = base + pick(w, 64 - size - mask + 1 > 0 && size + mask < 64 ? 64 - size - mask : 1);
    *hi = *lo + mask;
    at = constant(w, mask);
    offset = name(w);
    fprintf(w->out, "    %%%u = and.64 %%%u, %%%u\n", offset, any(w), at);
    at = constant(w, *lo);
    v = name(w);
    fprintf(w->out, "    %%%u = add.64 %%%u, %%%u\n", v, at, offset);
    return v;
}

static void write_bytes(struct writer *w)
{
    const bool packet = pick(w, 3) > 0;
    const uint32_t size = 1 + pick(w, 8);
    const char *swap = pick(w, 3) ? "" : ".be";
    const char *region = packet ? "pkt" : "stack";
    uint32_t lo;
    uint32_t hi;
    const uint32_t address = write_address(w, packet ? SPEC_PKT_BASE : 0, size, &lo, &hi);

    if (pick(w, 5) < 3) {
        const uint32_t v = name(w);

        fprintf(w->out, "    %%%u = load.%s.%u%s %%%u in %u..%u\n", v, region, size, swap, address,
                lo, hi);
        show(w, v);
    } else {
        fprintf(w->out, "    store.%s.%u%s %%%u, %%%u in %u..%u\n", region, size, swap, address,
                any(w), lo, hi);
    }
}

/* A load anywhere in the packet, as the verifier would let it through: not behind the end. */
static void write_far_load(struct writer *w)
{
    static const uint32_t masks[] = {255, 1023, 4095};
    const uint32_t size = 1 + pick(w, 8);
    const uint32_t mask = masks[pick(w, 3)];
    const uint32_t any_at = name(w);
    const uint32_t room = name(w);
    const uint32_t fits = name(w);
    const uint32_t at = name(w);
    const uint32_t p = name(w);
    const uint32_t v = name(w);
    const uint32_t mask_name = constant(w, mask);
    const uint32_t size_name = constant(w, size);

    fprintf(w->out, "    %%%u = and.64 %%%u, %%%u\n", any_at, any(w), mask_name);
    fprintf(w->out, "    %%%u = sub.64 %%7, %%%u\n", room, size_name);
    fprintf(w->out, "    %%%u = ule.64 %%%u, %%%u\n", fits, any_at, room);
    fprintf(w->out, "    %%%u = select %%%u, %%%u, %%%u\n", at, fits, any_at, room);
    fprintf(w->out, "    %%%u = add.64 %%%u, %%6\n", p, at);
    fprintf(w->out, "    %%%u = load.pkt.%u%s %%%u in %u..%u\n", v, size, pick(w, 3) ? "" : ".be",
            p, SPEC_PKT_BASE, SPEC_PKT_BASE + mask);
    show(w, v);
}

/* Map 0: array of 8 values of 24 bytes; map 1: one global value of 16 bytes. */
static uint32_t write_pointer(struct writer *w, uint32_t *map)
{
    uint32_t mask;
    uint32_t index;
    uint32_t stride;
    uint32_t offset;
    uint32_t base;
    uint32_t p;

    *map = pick(w, 4) == 0;
    if (*map == 1)
        return constant(w, UINT64_C(2) << SPEC_MAPPTR_SHIFT);
    mask = constant(w, 3);
    index = name(w);
    fprintf(w->out, "    %%%u = and.64 %%%u, %%%u\n", index, w->visible[pick(w, 4)], mask);
    stride = constant(w, 24);
    offset = name(w);
    fprintf(w->out, "    %%%u = mul.64 %%%u, %%%u\n", offset, index, stride);
    base = constant(w, UINT64_C(1) << SPEC_MAPPTR_SHIFT);
    p = name(w);
    fprintf(w->out, "    %%%u = add.64 %%%u, %%%u\n", p, base, offset);
    return p;
}

static void write_value_access(struct writer *w)
{
    static const char *const atomics[] = {"add", "or", "and", "xor", "xchg", "cmpxchg"};
    uint32_t map;
    const uint32_t p = write_pointer(w, &map);
    const uint32_t kind = pick(w, 4);
    const uint32_t size = kind == 3 ? 4u << pick(w, 2) : 1 + pick(w, 8);
    const uint32_t offset = kind == 3 ? pick(w, 2) * 8 : pick(w, 16 - size + 1);
    const uint32_t v = name(w);
    const uint32_t op = pick(w, 6);

    w->accesses++;
    if (kind == 2) {
        fprintf(w->out, "    store.map.%u %%%u +%u, %%%u map %u\n", size, p, offset, any(w), map);
        return;
    }
    if (kind < 2)
        fprintf(w->out, "    %%%u = load.map.%u %%%u +%u map %u\n", v, size, p, offset, map);
    else if (op == 5)
        fprintf(w->out, "    %%%u = atomic.map.%u.cmpxchg.fetch %%%u +%u, %%%u, %%%u map %u\n", v,
                size, p, offset, any(w), any(w), map);
    else
        fprintf(w->out, "    %%%u = atomic.map.%u.%s.fetch %%%u +%u, %%%u map %u\n", v, size,
                atomics[op], p, offset, any(w), map);
    show(w, v);
}

/* Map 2: hash map with keys of 2 and values of 12 bytes. */
static void write_key_access(struct writer *w)
{
    const uint32_t mask = constant(w, 7);
    const uint32_t key = name(w);
    const uint32_t kind = pick(w, 8);
    const uint32_t v = name(w);
    const uint32_t zero = constant(w, 0);

    w->accesses++;
    fprintf(w->out, "    %%%u = and.64 %%%u, %%%u\n", key, w->visible[pick(w, 4)], mask);
    if (kind == 0) {
        fprintf(w->out, "    %%%u = map_delete 2: %%%u, %%%u\n", v, zero, key);
    } else if (kind < 4) {
        const uint32_t flags = constant(w, pick(w, 4));

        fprintf(w->out, "    %%%u = map_update 2: %%%u, %%%u, %%%u, %%%u, %%%u\n", v, zero, flags,
                key, any(w), any(w));
    } else {
        /* a pointer's value is not the program's business, only whether there is one, and what it
         * points to */
        const uint32_t hit = ++w->blocks;
        const uint32_t miss = ++w->blocks;
        const uint32_t join = ++w->blocks;
        const uint32_t p = name(w);
        const uint32_t x = name(w);
        const uint32_t from = w->block;

        fprintf(w->out, "    %%%u = map_lookup 2: %%%u, %%%u\n    br %%%u, b%u, b%u\n", p, zero,
                key, p, hit, miss);
        fprintf(w->out, "b%u: from b%u\n    %%%u = load.map.8 %%%u +%u map 2\n", hit, from, x, p,
                pick(w, 5));
        if (pick(w, 2))
            fprintf(w->out, "    store.map.4 %%%u +%u, %%%u map 2\n", p, pick(w, 9), any(w));
        fprintf(w->out, "    jmp b%u\nb%u: from b%u\n    jmp b%u\nb%u: from b%u, b%u\n", join, miss,
                from, join, join, hit, miss);
        fprintf(w->out, "    %%%u = phi b%u: %%%u, b%u: %%%u\n", v, hit, x, miss, zero);
        w->block = join;
    }
    show(w, v);
}

static void write_exit(struct writer *w)
{
    const uint32_t shift = constant(w, SPEC_PKT_BASE - 8 * pick(w, 3));

    fprintf(w->out, "    exit %%%u, %%%u, %%4, %%%u\n", any(w), shift, any(w));
}

static void write_code(struct writer *w, uint32_t count, uint32_t depth);

/* A branch whose sides come together again, or one of which leaves. */
static void write_branch(struct writer *w, uint32_t depth)
{
    const uint32_t sides[2] = {++w->blocks, ++w->blocks};
    const uint32_t join = ++w->blocks;
    const uint32_t from = w->block;
    const bool leaves = pick(w, 4) == 0;
    uint32_t ends[2];
    uint32_t values[2][2];
    uint32_t kept;

    fprintf(w->out, "    br %%%u, b%u, b%u\n", any(w), sides[0], sides[1]);
    kept = w->visible_count;
    for (uint32_t s = 0; s < 2; s++) {
        fprintf(w->out, "b%u: from b%u\n", sides[s], from);
        w->block = sides[s];
        write_code(w, 2 + pick(w, 8), depth + 1);
        values[s][0] = any(w);
        values[s][1] = any(w);
        ends[s] = w->block;
        w->visible_count = kept;
        if (s == 0 && leaves)
            write_exit(w);
        else
            fprintf(w->out, "    jmp b%u\n", join);
    }
    w->block = join;
    if (leaves) {
        fprintf(w->out, "b%u: from b%u\n", join, ends[1]);
        return;
    }
    fprintf(w->out, "b%u: from b%u, b%u\n", join, ends[0], ends[1]);
    for (uint32_t k = 0; k < 2; k++) {
        const uint32_t v = name(w);

        fprintf(w->out, "    %%%u = phi b%u: %%%u, b%u: %%%u\n", v, ends[0], values[0][k], ends[1],
                values[1][k]);
        show(w, v);
    }
}

/* A loop that runs a known number of times at most; what it computes stays visible behind it. */
static void write_loop(struct writer *w, uint32_t depth)
{
    const uint32_t times = 1 + pick(w, 3);
    const uint32_t start = constant(w, 0);
    const uint32_t step = constant(w, 1);
    const uint32_t limit = constant(w, times);
    const uint32_t seed = any(w);
    const uint32_t from = w->block;
    const uint32_t head = ++w->blocks;
    const uint32_t latch = ++w->blocks;
    const uint32_t behind = ++w->blocks;
    const uint32_t i = name(w);
    const uint32_t carried = name(w);
    const uint32_t next = name(w);
    const uint32_t more = name(w);
    uint32_t again;

    fprintf(w->out, "    jmp b%u\nb%u: from b%u, b%u trips %u\n", head, head, from, latch, times);
    fprintf(w->out, "    %%%u = phi b%u: %%%u, b%u: %%%u\n", i, from, start, latch, next);
    fprintf(w->out, "    %%%u = phi b%u: %%%u, b%u: ", carried, from, seed, latch);
    fprintf(w->out, "%%%u\n", more);
    w->block = head;
    show(w, i);
    show(w, carried);
    write_code(w, 2 + pick(w, 5), depth + 2);
    fprintf(w->out, "    jmp b%u\nb%u: from b%u\n", latch, latch, w->block);
    fprintf(w->out, "    %%%u = add.64 %%%u, %%%u\n", next, i, step);
    fprintf(w->out, "    %%%u = xor.64 %%%u, %%%u\n", more, carried, any(w));
    again = name(w);
    fprintf(w->out, "    %%%u = ult.64 %%%u, %%%u\n", again, next, limit);
    if (pick(w, 2)) { /* the way out depends on data too */
        const uint32_t data = name(w);

        fprintf(w->out, "    %%%u = and.64 %%%u, %%%u\n", data, again, any(w));
        again = data;
    }
    fprintf(w->out, "    br %%%u, b%u, b%u\nb%u: from b%u\n", again, head, behind, behind, latch);
    w->block = behind;
}

static void write_code(struct writer *w, uint32_t count, uint32_t depth)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t kind = pick(w, 32);

        if (kind < 12)
            write_alu(w);
        else if (kind < 14)
            write_select(w);
        else if (kind < 23)
            write_bytes(w);
        else if (kind < 24)
            w->far++ < 2 ? write_far_load(w) : write_bytes(w);
        else if (kind < 27 && w->accesses < 8)
            write_value_access(w);
        else if (kind < 28 && w->accesses < 8)
            write_key_access(w);
        else if (depth < DEPTH_MAX)
            pick(w, 4) ? write_branch(w, depth) : write_loop(w, depth);
        else
            write_alu(w);
    }
}

void random_program(FILE *out, uint64_t seed)
{
    struct writer *w = calloc(1, sizeof(*w));

    if (!w)
        return;
    w->out = out;
    w->seed = seed;
    fprintf(out,
            "func random%llu\nmap 0 \"array\" array key 4 value 24 entries 8\nmap 1 \"global\" "
            "array key 4 value 16 "
            "entries 1\nmap 2 \"hash\" hash key 2 value 12 entries 6\nstack 64\nb0:\n",
            (unsigned long long)seed);
    /* %1 to %3 are what keys are made of; %4 is the packet's end; %5 is zero */
    fprintf(out,
            "    %%6 = const %u\n    %%1 = load.pkt.1 %%6 in 256..256\n    %%2 = load.pkt.1 %%6 +1 "
            "in 257..257\n"
            "    %%3 = input queue\n    %%7 = input len\n    %%4 = add.64 %%6, %%7\n    %%5 = "
            "const 0\n",
            SPEC_PKT_BASE);
    for (uint32_t i = 0; i < 8; i++)
        fprintf(out, "    store.stack.8 %%5 +%u, %%%u in %u..%u\n", 8 * i, i % 2 ? 1 : 7, 8 * i,
                8 * i);
    w->values = 7;
    show(w, 1);
    show(w, 2);
    show(w, 3);
    show(w, 1);
    show(w, 7);
    write_code(w, 12 + pick(w, 12), 0);
    write_exit(w);
    free(w);
}
