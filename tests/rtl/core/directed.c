/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows written by hand: the way of a packet, and what each unit does at its edges. */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ucode_slot op(enum ucode_op o, uint8_t dst, uint8_t a, int32_t imm)
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

int main(int argc, char **argv)
{
    static struct bench b;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    test_registers_of_device(&b);
    test_constant_verdict(&b);
    printf("PASS directed seed %" PRIu64 "\n", b.seed);
    bench_close(&b);
    return 0;
}
