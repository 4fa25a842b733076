/* SPDX-License-Identifier: BSD-3-Clause */
/* Units at their edges: every ALU operation and division on pairs of edge values, and packets that
 * leave with every start and length. units [SEED] */
#include "compiler/microcode/encode.h"
#include "hw/spec/gen/alu.h"
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t edges[] = {
    0,
    1,
    2,
    31,
    32,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x8000,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x100000000,
    0x123456789abcdef0,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffff80000000,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};
enum { EDGES = sizeof(edges) / sizeof(edges[0]), PAIRS = EDGES * EDGES, RANDOM_PAIRS = 100 };

struct pairs {
    struct bench *b;
    uint32_t sent;
    uint32_t received;
    uint64_t values[PAIRS + RANDOM_PAIRS][2];
    enum spec_alu op;
    uint32_t width;
};

static bool pair_source(void *ctx, struct bench_packet *p)
{
    struct pairs *t = ctx;

    if (t->sent == PAIRS + RANDOM_PAIRS)
        return false;
    memset(p->bytes, 0, 64);
    memcpy(p->bytes, t->values[t->sent++], 16);
    p->length_bytes = 32;
    p->inputs[SPEC_IN_LEN] = 32;
    return true;
}

static void pair_sink(void *ctx, const struct bench_packet *p)
{
    struct pairs *t = ctx;
    const uint64_t *v = t->values[t->received++];
    const uint64_t want = spec_alu_eval(t->op, t->width, v[0], v[1]);
    uint64_t got;

    memcpy(&got, p->bytes + 16, 8);
    BENCH_CHECK(t->b, got == want,
                "%s of %u bits, %016" PRIx64 " and %016" PRIx64 ": %016" PRIx64 ", not %016" PRIx64,
                ucode_op_name((uint8_t)t->op), t->width, v[0], v[1], got, want);
}

/* Loads both operands, computes, stores the result behind them. */
static void test_operation(struct bench *b, struct pairs *t, enum spec_alu op, uint32_t width)
{
    const bool divides = op >= SPEC_ALU_UDIV && op <= SPEC_ALU_SMOD;
    const bool compares = op >= SPEC_ALU_EQ;
    const bool w32 = width == 32;
    struct ucode_row rows[5] = {0};

    rows[0].slots[0] =
        (struct ucode_slot){.op = UCODE_LDPKT, .dst = 4, .size = 8, .imm = SPEC_PKT_BASE};
    rows[0].slots[1] =
        (struct ucode_slot){.op = UCODE_LDPKT, .dst = 5, .size = 8, .imm = SPEC_PKT_BASE + 8};
    if (divides) {
        rows[1].slots[3] = (struct ucode_slot){
            .op = UCODE_DIVLONG, .a = 4, .b = 5, .imm = (int32_t)op, .w32 = w32};
        rows[1].wait = rows[2].wait = true;
        rows[2].slots[3] = (struct ucode_slot){.op = UCODE_RES, .dst = 7};
        rows[3].slots[0] = (struct ucode_slot){.op = SPEC_ALU_MOV, .dst = 8, .a = 7};
    } else {
        rows[1].slots[0] = (struct ucode_slot){
            .op = (uint8_t)op, .dst = compares ? 1 : 8, .a = 4, .b = 5, .w32 = w32};
        if (compares)
            rows[2].slots[0] = (struct ucode_slot){
                .op = UCODE_SEL, .dst = 8, .a = 0, .bimm = true, .imm = 1, .pred = 1, .pneg = true};
    }
    rows[4].slots[2] =
        (struct ucode_slot){.op = UCODE_STPKT, .size = 8, .b = 8, .imm = SPEC_PKT_BASE + 16};
    rows[4].slots[3] = (struct ucode_slot){.op = UCODE_EXIT};
    bench_load(b, 0, rows, 5);
    t->op = op;
    t->width = width;
    t->sent = t->received = 0;
    b->source = pair_source;
    b->sink = pair_sink;
    b->ctx = t;
    const uint64_t before = b->clocks;

    bench_run(b, b->packets_out + PAIRS + RANDOM_PAIRS, 1000000);
    b->source = NULL;
    if (divides)
        printf("%s, %u bits: %.1f clocks a packet\n", ucode_op_name((uint8_t)op), width,
               (double)(b->clocks - before) / (PAIRS + RANDOM_PAIRS));
}

static bool exists_at(enum spec_alu op, uint32_t width)
{
    return width == 64 || op < SPEC_ALU_SEXT32 || op > SPEC_ALU_BSWAP64;
}

static void test_operations_all_pairs_as_specified(struct bench *b)
{
    static struct pairs t;

    t.b = b;
    for (uint32_t i = 0; i < PAIRS; i++) {
        t.values[i][0] = edges[i / EDGES];
        t.values[i][1] = edges[i % EDGES];
    }
    for (uint32_t i = PAIRS; i < PAIRS + RANDOM_PAIRS; i++) {
        t.values[i][0] = bench_random(b);
        t.values[i][1] = bench_random(b) >> bench_below(b, 64);
    }
    for (uint32_t op = SPEC_ALU_ADD; op <= SPEC_ALU_SET; op++)
        for (uint32_t width = 32; width <= 64; width += 32)
            if (exists_at((enum spec_alu)op, width))
                test_operation(b, &t, (enum spec_alu)op, width);
}

/* Each packet says itself, in its input words, where it leaves from and to. */
enum { CUTS = 6000, CUT_FLIGHT = 64, HEADROOM = 192 };

struct cuts {
    struct bench *b;
    uint32_t sent;
    uint32_t received;
    struct {
        uint32_t length;
        uint32_t data;
        uint32_t end;
        uint32_t mark;
    } cut[CUT_FLIGHT];
};

static uint8_t cut_byte(uint32_t mark, uint32_t at)
{
    return at < SPEC_PKT_BASE ? 0 : (uint8_t)(mark + 13 * at + (at >> 8));
}

static bool cut_source(void *ctx, struct bench_packet *p)
{
    struct cuts *t = ctx;
    const uint32_t i = t->sent % CUT_FLIGHT;
    const uint32_t least = SPEC_PKT_BASE - HEADROOM;

    if (t->sent == CUTS || t->sent - t->received == CUT_FLIGHT)
        return false;
    const uint32_t length =
        SPEC_PKT_MIN_BYTES + bench_below(t->b, bench_below(t->b, 10) ? 200 : 3000);
    const uint32_t last = SPEC_PKT_BASE + length;
    const uint32_t data = least + bench_below(t->b, last - SPEC_PKT_MIN_BYTES - least + 1);

    t->cut[i].length = length;
    t->cut[i].data = data;
    t->cut[i].end =
        data + SPEC_PKT_MIN_BYTES + bench_below(t->b, last - data - SPEC_PKT_MIN_BYTES + 1);
    t->cut[i].mark = t->sent++;
    for (uint32_t k = 0; k < length; k++)
        p->bytes[k] = cut_byte(t->cut[i].mark, SPEC_PKT_BASE + k);
    p->length_bytes = length;
    p->inputs[SPEC_IN_LEN] = length;
    p->inputs[SPEC_IN_RAND] = t->cut[i].data;
    p->inputs[SPEC_IN_TIME] = t->cut[i].end;
    return true;
}

static void cut_sink(void *ctx, const struct bench_packet *p)
{
    struct cuts *t = ctx;
    const uint32_t i = t->received++ % CUT_FLIGHT;
    const uint32_t data = t->cut[i].data;

    BENCH_CHECK(t->b, p->length_bytes == t->cut[i].end - data, "%u bytes from %u to %u",
                p->length_bytes, data, t->cut[i].end);
    for (uint32_t k = 0; k < p->length_bytes; k++)
        BENCH_CHECK(t->b, p->bytes[k] == cut_byte(t->cut[i].mark, data + k),
                    "byte %u of the packet from %u to %u is %02x", k, data, t->cut[i].end,
                    p->bytes[k]);
}

static void test_egress_any_start_and_end_bytes_in_place(struct bench *b)
{
    static struct cuts t;
    const struct ucode_row rows[2] = {{.slots = {{.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_RAND},
                                                 {.op = UCODE_IN, .dst = 5, .imm = SPEC_IN_TIME}}},
                                      {.slots = {{.op = UCODE_OUT, .dst = 0, .b = 4},
                                                 {.op = UCODE_OUT, .dst = 1, .b = 5},
                                                 {.op = UCODE_NOP},
                                                 {.op = UCODE_EXIT}}}};

    t.b = b;
    bench_load(b, 0, rows, 2);
    bench_write(b, SPEC_CSR_PROG_HEADROOM, HEADROOM);
    b->source = cut_source;
    b->sink = cut_sink;
    b->ctx = &t;
    for (uint32_t stall = 0; stall < 3; stall++) {
        b->stall_percent = 40 * stall;
        bench_run(b, b->packets_out + CUTS / 3, 2000000);
    }
    b->source = NULL;
    b->stall_percent = 0;
    bench_write(b, SPEC_CSR_PROG_HEADROOM, 0);
}

/* Packets that grow: the program clears the new tail and reaches what it cleared with loads and
 * stores. */
struct growth {
    struct bench *b;
    uint32_t sent;
    uint32_t received;
    uint32_t length[CUT_FLIGHT];
    uint32_t more[CUT_FLIGHT];
};
enum { GROWTHS = 2000 };

static bool growth_source(void *ctx, struct bench_packet *p)
{
    struct growth *t = ctx;
    const uint32_t i = t->sent % CUT_FLIGHT;

    if (t->sent == GROWTHS || t->sent - t->received == CUT_FLIGHT)
        return false;
    t->length[i] = SPEC_PKT_MIN_BYTES + bench_below(t->b, 300);
    t->more[i] = bench_below(t->b, bench_below(t->b, 4) ? 100 : 1000);
    for (uint32_t k = 0; k < t->length[i]; k++)
        p->bytes[k] = cut_byte(t->sent, SPEC_PKT_BASE + k);
    p->length_bytes = t->length[i];
    p->inputs[SPEC_IN_LEN] = t->length[i];
    p->inputs[SPEC_IN_RAND] = t->more[i];
    t->sent++;
    return true;
}

static void growth_sink(void *ctx, const struct bench_packet *p)
{
    struct growth *t = ctx;
    const uint32_t i = t->received % CUT_FLIGHT;

    BENCH_CHECK(t->b, p->length_bytes == t->length[i] + t->more[i], "%u bytes, not %u + %u",
                p->length_bytes, t->length[i], t->more[i]);
    for (uint32_t k = 0; k < p->length_bytes; k++) {
        const uint8_t want = k < t->length[i] ? cut_byte(t->received, SPEC_PKT_BASE + k) : 0;

        BENCH_CHECK(t->b, p->bytes[k] == want, "byte %u of %u + %u is %02x, not %02x", k,
                    t->length[i], t->more[i], p->bytes[k], want);
    }
    t->received++;
}

static void test_pktzero_growing_packet_tail_is_zero(struct bench *b)
{
    static struct growth t;
    const struct ucode_row rows[4] = {
        {.slots = {{.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_LEN},
                   {.op = UCODE_IN, .dst = 5, .imm = SPEC_IN_RAND}}},
        {.slots = {{.op = SPEC_ALU_ADD, .dst = 4, .a = 4, .bimm = true, .imm = SPEC_PKT_BASE}}},
        {.slots = {{.op = SPEC_ALU_ADD, .dst = 8, .a = 4, .b = 5}}},
        {.slots = {{.op = UCODE_OUT, .dst = 1, .b = 8},
                   {.op = UCODE_EXIT}, /* the packet leaves when the tail is clear */
                   {.op = UCODE_NOP},
                   {.op = UCODE_PKTZERO, .a = 4, .b = 8}},
         .wait = true}};

    t.b = b;
    bench_load(b, 0, rows, 4);
    b->source = growth_source;
    b->sink = growth_sink;
    b->ctx = &t;
    bench_run(b, b->packets_out + GROWTHS, 2000000);
    b->source = NULL;
}

int main(int argc, char **argv)
{
    static struct bench b;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    bench_write(&b, SPEC_CSR_CTRL, 1);
    test_operations_all_pairs_as_specified(&b);
    test_egress_any_start_and_end_bytes_in_place(&b);
    test_pktzero_growing_packet_tail_is_zero(&b);
    printf("PASS units seed %" PRIu64 ": %" PRIu64 " packets\n", b.seed, b.packets_out);
    bench_close(&b);
    return 0;
}
