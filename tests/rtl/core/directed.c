/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows written by hand: the way of a packet, and what each unit does at its edges. */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ucode_slot op(uint32_t o, uint8_t dst, uint8_t a, int32_t imm)
{
    return (struct ucode_slot){.op = (uint8_t)o, .dst = dst, .a = a, .bimm = true, .imm = imm};
}

static struct ucode_slot done(int32_t ret)
{
    return op(UCODE_EXIT, 0, 0, ret);
}

struct counted {
    struct bench *b;
    uint64_t left;
    uint32_t length_bytes;
    uint32_t ret;
};

static bool source(void *ctx, struct bench_packet *p)
{
    struct counted *c = ctx;

    if (c->left == 0)
        return false;
    c->left--;
    p->length_bytes = c->length_bytes;
    for (uint32_t i = 0; i < p->length_bytes; i++)
        p->bytes[i] = (uint8_t)(i * 7 + 1);
    p->inputs[SPEC_IN_LEN] = p->length_bytes;
    return true;
}

static void sink(void *ctx, const struct bench_packet *p)
{
    struct counted *c = ctx;

    BENCH_CHECK(c->b, p->ret == c->ret, "return value %u, expected %u", p->ret, c->ret);
    BENCH_CHECK(c->b, p->length_bytes == c->length_bytes, "%u bytes out", p->length_bytes);
    for (uint32_t i = 0; i < p->length_bytes; i++)
        BENCH_CHECK(c->b, p->bytes[i] == (uint8_t)(i * 7 + 1), "byte %u is %02x", i, p->bytes[i]);
}

/* Clocks from the first packet out to the last, divided by the packets between. */
static double rate(struct bench *b, struct counted *c, uint64_t packets)
{
    const uint64_t before = b->packets_out;
    uint64_t first;

    c->left = packets;
    b->source = source;
    b->sink = sink;
    b->ctx = c;
    bench_run(b, before + 1, 100000);
    first = b->clocks;
    bench_run(b, before + packets, 10000000);
    return (double)(b->clocks - first) / (double)(packets - 1);
}

static void test_constant_verdict(struct bench *b)
{
    const struct ucode_row row = {.slots[0] = done(2)};
    struct counted c = {.b = b, .length_bytes = 64, .ret = 2};
    static const uint32_t sizes[] = {14, 60, 64, 65, 128, 1500, 9216};

    bench_load(b, 0, &row, 1);
    bench_write(b, SPEC_CSR_CTRL, 1);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        c.length_bytes = sizes[i];
        const double clocks = rate(b, &c, 500);

        printf("one row, %u bytes: %.2f clocks a packet\n", sizes[i], clocks);
    }
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_COUNT_IN) == b->packets_in, "COUNT_IN");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_COUNT_OUT) == b->packets_out, "COUNT_OUT");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_COUNT_ROWS) == b->packets_out, "COUNT_ROWS");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_STATUS) == 0, "STATUS");
}

static void test_registers_of_device(struct bench *b)
{
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_ID) == 0x45434c53, "ID");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_KIND) == 1, "KIND");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_STAGES) == SPEC_ROWS, "STAGES");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_CTRL) == 0, "CTRL after reset");
    for (uint32_t i = 0; i < 64; i++)
        bench_write(b, SPEC_CSR_MBOX_VALUE + 4 * i, i * 0x01010101);
    for (uint32_t i = 0; i < 64; i++)
        BENCH_CHECK(b, bench_read(b, SPEC_CSR_MBOX_VALUE + 4 * i) == i * 0x01010101, "MBOX_VALUE");
    BENCH_CHECK(b, bench_mailbox(b, 9, 0, 0) == 22, "unknown command");
    bench_vmem_write(b, 0, 64, 0x1122334455667788);
    BENCH_CHECK(b, bench_vmem_read(b, 0, 64) == 0x1122334455667788, "value memory");
}

/* --- traffic that goes on while the host does something */

struct traffic {
    struct bench *b;
    uint32_t sent; /* packets carry their number */
    uint32_t received;
    uint32_t last_ret;
    uint32_t changes; /* of the return value */
    bool stop;
    bool (*good)(uint32_t ret);
};

static bool traffic_source(void *ctx, struct bench_packet *p)
{
    struct traffic *t = ctx;

    if (t->stop)
        return false;
    p->length_bytes = 64;
    memset(p->bytes, 0, 64);
    memcpy(p->bytes, &t->sent, 4);
    p->inputs[SPEC_IN_LEN] = 64;
    t->sent++;
    return true;
}

static void traffic_sink(void *ctx, const struct bench_packet *p)
{
    struct traffic *t = ctx;

    BENCH_CHECK(t->b, memcmp(p->bytes, &t->received, 4) == 0, "packet %u is lost", t->received);
    BENCH_CHECK(t->b, !t->good || t->good(p->ret), "packet %u returns %08x", t->received, p->ret);
    t->changes += t->received && p->ret != t->last_ret;
    t->last_ret = p->ret;
    t->received++;
}

static void begin(struct bench *b, struct traffic *t)
{
    b->source = traffic_source;
    b->sink = traffic_sink;
    b->ctx = t;
}

static void end(struct bench *b, struct traffic *t)
{
    const uint64_t last = b->clocks + 1000000;

    t->stop = true;
    while (b->have_packet || t->received < t->sent) {
        BENCH_CHECK(b, b->clocks < last, "%u packets of %u have left", t->received, t->sent);
        bench_step(b);
    }
    b->source = NULL;
}

static void test_swap_under_traffic_no_packet_lost(struct bench *b)
{
    enum { SWAPS = 40 };
    struct traffic t = {.b = b};

    const struct ucode_row fast[1] = {{.slots[2] = done(1)}};
    const struct ucode_row slow[3] = {
        {.slots[2] = {.op = UCODE_NOP}}, {.slots[2] = {.op = UCODE_NOP}}, {.slots[2] = done(2)}};

    bench_load(b, 0, fast, 1);
    bench_load(b, 1, slow, 3);
    bench_write(b, SPEC_CSR_CTRL, 1);
    begin(b, &t);
    for (uint32_t i = 1; i <= SWAPS; i++) {
        const uint32_t clocks = 100 + bench_below(b, 100);

        for (uint32_t k = 0; k < clocks; k++)
            bench_step(b);
        bench_write(b, SPEC_CSR_CTRL, 1 | (i & 1) << 1);
    }
    for (uint32_t k = 0; k < 200; k++)
        bench_step(b);
    end(b, &t);
    BENCH_CHECK(b, t.changes == SWAPS, "%u changes of program, not %u", t.changes, SWAPS);
}

static void test_disable_under_traffic_device_drains(struct bench *b)
{
    const struct ucode_row row = {.slots[0] = done(1)};
    struct traffic t = {.b = b};

    bench_load(b, 0, &row, 1);
    bench_write(b, SPEC_CSR_CTRL, 1);
    begin(b, &t);
    for (uint32_t k = 0; k < 100; k++)
        bench_step(b);
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_STATUS) == 1, "STATUS while packets are in flight");
    bench_write(b, SPEC_CSR_CTRL, 0);
    for (uint32_t k = 0; k < 100; k++)
        bench_step(b);
    const uint32_t received = t.received;

    BENCH_CHECK(b, bench_read(b, SPEC_CSR_STATUS) == 0, "STATUS after CTRL = 0");
    BENCH_CHECK(b, t.received == received, "packets pass while CTRL is 0");
    bench_write(b, SPEC_CSR_CTRL, 1);
    end(b, &t);
}

static void test_counter_read_under_traffic_never_falls(struct bench *b)
{
    const struct ucode_row program[2] = {
        {.slots[0] = op(SPEC_ALU_OR, 4, 0, 1),
         .slots[3] = {.op = UCODE_MOVHI, .dst = 7, .imm = 32}},
        {.slots[0] = done(3),
         .slots[3] = {
             .op = UCODE_ATMAP, .a = 7, .b = 4, .size = 8, .imm = 16 | SPEC_ATOMIC_ADD << 16}}};
    struct traffic t = {.b = b};
    uint64_t before = 0;

    bench_config_array(b, 31, 4, 1024);
    bench_vmem_write(b, 31, 16, 0);
    bench_load(b, 0, program, 2);
    bench_write(b, SPEC_CSR_CTRL, 1);
    begin(b, &t);
    for (uint32_t i = 0; i < 50; i++) {
        const uint64_t now = bench_vmem_read(b, 31, 16);

        BENCH_CHECK(b, now >= before && now <= t.sent, "counter %" PRIu64 " after %" PRIu64, now,
                    before);
        before = now;
    }
    end(b, &t);
    BENCH_CHECK(b, bench_vmem_read(b, 31, 16) == t.sent, "counter at the end");
}

static bool good_value(uint32_t ret)
{
    return ret == 0 || (ret >> 16) == (ret & 0xffff);
}

static void test_host_updates_under_traffic_packets_see_whole_values(struct bench *b)
{
    const uint32_t desc[SPEC_MAPDESC_WORDS] = {
        [SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_HASH, [SPEC_MAPDESC_KEY_BYTES] = 6,
        [SPEC_MAPDESC_VALUE_BYTES] = 4,           [SPEC_MAPDESC_STRIDE] = 8,
        [SPEC_MAPDESC_MAX_ENTRIES] = 3,           [SPEC_MAPDESC_CPUS] = 1,
        [SPEC_MAPDESC_VMEM_BASE] = 2048,          [SPEC_MAPDESC_BUCKET_MASK] = 1,
    };
    const struct ucode_row program[7] = {
        {.slots[0] = {.op = UCODE_KEYW, .bimm = true, .imm = 5}},
        {.wait = true, .slots[3] = {.op = UCODE_MAPOP, .imm = 2}},
        {.wait = true, .slots[3] = {.op = UCODE_RES, .dst = 3}},
        {.slots[0] = op(SPEC_ALU_NE, 1, 3, 0)},
        {.slots[0] = {.op = UCODE_EXIT, .pred = 1, .pneg = true}}, /* not found */
        {.slots[3] = {.op = UCODE_LDMAP, .dst = 7, .a = 3, .size = 4}},
        {.slots[3] = {.op = UCODE_EXIT, .b = 7}},
    };
    struct traffic t = {.b = b, .good = good_value};

    bench_config(b, 2, desc);
    bench_load(b, 0, program, 7);
    bench_write(b, SPEC_CSR_CTRL, 1);
    for (uint32_t i = 0; i < 16; i++)
        bench_write(b, SPEC_CSR_MBOX_KEY + 4 * i, i == 0 ? 5 : 0);
    bench_write(b, SPEC_CSR_MBOX_VALUE + 4, 0);
    bench_write(b, SPEC_CSR_MBOX_FLAGS, 0);
    begin(b, &t);
    for (uint32_t i = 1; i <= 60; i++) {
        bench_write(b, SPEC_CSR_MBOX_VALUE, i << 16 | i);
        BENCH_CHECK(b, bench_mailbox(b, SPEC_MBOX_UPDATE, 2, 0) == 0, "UPDATE");
        if (i % 5 == 0)
            BENCH_CHECK(b, bench_mailbox(b, SPEC_MBOX_DELETE, 2, 0) == 0, "DELETE");
    }
    end(b, &t);
    BENCH_CHECK(b, t.changes >= 20, "packets saw %u changes only", t.changes);
}

int main(int argc, char **argv)
{
    static struct bench b;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    test_registers_of_device(&b);
    test_constant_verdict(&b);
    test_swap_under_traffic_no_packet_lost(&b);
    test_disable_under_traffic_device_drains(&b);
    test_counter_read_under_traffic_never_falls(&b);
    test_host_updates_under_traffic_packets_see_whole_values(&b);
    printf("PASS directed seed %" PRIu64 "\n", b.seed);
    bench_close(&b);
    return 0;
}
