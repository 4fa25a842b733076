/* SPDX-License-Identifier: BSD-3-Clause */
/* Many packets that read, change and write one map value. Under a token the outcome is that of one
 * packet after the other; without one the same program loses updates, which shows that the bench
 * would see it. tokens [SEED] */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 3000 };

struct counter {
    struct bench *b;
    uint32_t left;
    uint32_t received;
    bool serial; /* return values count up */
};

static bool source(void *ctx, struct bench_packet *p)
{
    struct counter *c = ctx;

    if (c->left == 0)
        return false;
    c->left--;
    p->length_bytes = 14 + bench_below(c->b, 100);
    p->inputs[SPEC_IN_LEN] = p->length_bytes;
    p->inputs[SPEC_IN_RAND] = bench_below(c->b, 6); /* detours before the access */
    return true;
}

static void sink(void *ctx, const struct bench_packet *p)
{
    struct counter *c = ctx;

    if (c->serial)
        BENCH_CHECK(c->b, p->ret == c->received, "packet %u read %u", c->received, p->ret);
    c->received++;
}

static void set_up_array(struct bench *b, uint32_t map)
{
    bench_config_array(b, map, 1, 4096);
    bench_vmem_write(b, map, 0, 0);
}

static void set_up_hash(struct bench *b, uint32_t map)
{
    bench_config_hash(b, map, 4, 8192);
    for (uint32_t i = 0; i < 16; i++)
        bench_write(b, SPEC_CSR_MBOX_KEY + 4 * i, i == 0 ? 77 : 0);
    for (uint32_t i = 0; i < 2; i++)
        bench_write(b, SPEC_CSR_MBOX_VALUE + 4 * i, 0);
    bench_write(b, SPEC_CSR_MBOX_FLAGS, 0);
    BENCH_CHECK(b, bench_mailbox(b, SPEC_MBOX_UPDATE, map, 0) == 0, "UPDATE");
}

/* Rows that take another time in each packet: r4 counts down from the packet's random word. */
static uint32_t detour(struct ucode_row *rows)
{
    rows[0].slots[0] = (struct ucode_slot){.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_RAND};
    rows[1].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_EQ, .a = 4, .bimm = true, .br = true, .tgt = 3};
    rows[2].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_SUB, .dst = 4, .a = 4, .bimm = true, .imm = 1};
    rows[2].slots[1] = (struct ucode_slot){.op = UCODE_JMP, .br = true, .tgt = 1};
    return 3;
}

static void run(struct bench *b, struct counter *c)
{
    b->source = source;
    b->sink = sink;
    b->ctx = c;
    c->left = PACKETS;
    c->received = 0;
    bench_run(b, b->packets_out + PACKETS, 2000000);
    b->source = NULL;
}

/* Load, add, store, with the token need; rel in the row of the store, or never. Returns the rows.
 */
static uint32_t counting_program(struct ucode_row *rows, uint32_t map, uint8_t need, bool early)
{
    uint32_t n = detour(rows);

    rows[0].slots[3] = (struct ucode_slot){.op = UCODE_MOVHI, .dst = 7, .imm = (int32_t)map + 1};
    rows[n].need = need;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_LDMAP, .dst = 3, .a = 7, .size = 8};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_ADD, .dst = 8, .a = 3, .bimm = true, .imm = 1};
    rows[n].need = need;
    rows[n].rel = early ? need : 0;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_STMAP, .a = 7, .b = 8, .size = 8};
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_EXIT, .b = 3};
    return n;
}

static double count_by_load_and_store(struct bench *b, uint8_t need, bool early)
{
    const uint32_t map = 8 * bench_below(b, 2); /* token 0 */
    struct counter c = {.b = b, .serial = need != 0};
    struct ucode_row rows[8] = {0};

    set_up_array(b, map);
    bench_load(b, 0, rows, counting_program(rows, map, need, early));
    const uint64_t before = b->clocks;

    run(b, &c);
    const double clocks = (double)(b->clocks - before) / PACKETS;
    const uint64_t total = bench_vmem_read(b, map, 0);

    if (need)
        BENCH_CHECK(b, total == PACKETS, "%" PRIu64 " counted", total);
    else
        BENCH_CHECK(b, total < PACKETS, "no update was lost without a token");
    return clocks;
}

/* Two programs that order their accesses by different tokens take turns: none overtakes the other.
 */
static void count_across_swaps(struct bench *b)
{
    struct counter c = {.b = b, .serial = true, .left = PACKETS};
    const uint64_t end = b->packets_out + PACKETS;
    uint32_t bank = 0;

    set_up_array(b, 0);
    for (uint32_t i = 0; i < 2; i++) {
        struct ucode_row rows[8] = {0};

        const uint32_t n = counting_program(rows, 0, (uint8_t)(1u << i), true);

        rows[0].rel = (uint8_t)(2u >> i); /* the other's token */
        bench_load(b, i, rows, n);
    }
    b->source = source;
    b->sink = sink;
    b->ctx = &c;
    while (b->packets_out < end) {
        bank ^= 1;
        bench_write(b, SPEC_CSR_CTRL, 1 | bank << 1);
        for (uint32_t k = bench_below(b, 300); k; k--)
            bench_step(b);
    }
    b->source = NULL;
    bench_write(b, SPEC_CSR_CTRL, 1);
    BENCH_CHECK(b, bench_vmem_read(b, 0, 0) == PACKETS, "counter after swaps");
}

/* Look up, load, and update through the engine. */
static double count_by_map_operations(struct bench *b)
{
    struct counter c = {.b = b, .serial = true};
    struct ucode_row rows[12] = {0};
    uint32_t n = detour(rows);

    set_up_hash(b, 1);
    /* behind the key's 8 bytes: no matter */
    rows[0].slots[1] = (struct ucode_slot){.op = UCODE_KEYW, .dst = 1, .bimm = true, .imm = 99};
    rows[n++].slots[0] = (struct ucode_slot){.op = UCODE_KEYW, .bimm = true, .imm = 77};
    rows[n].need = 2;
    rows[n].wait = true;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_MAPOP, .imm = 1};
    rows[n].wait = true;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_RES, .dst = 7};
    rows[n].need = 2;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_LDMAP, .dst = 3, .a = 7, .size = 8};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_ADD, .dst = 8, .a = 3, .bimm = true, .imm = 1};
    rows[n++].slots[0] = (struct ucode_slot){.op = UCODE_VALW, .dst = 0, .b = 8};
    rows[n].need = 2;
    rows[n].wait = true;
    rows[n++].slots[3] =
        (struct ucode_slot){.op = UCODE_MAPOP, .imm = 1 | UCODE_MAPOP_UPDATE << 16};
    rows[n].wait = true;
    rows[n].rel = 2;
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_EXIT, .b = 3};
    bench_load(b, 0, rows, n);
    const uint64_t before = b->clocks;

    run(b, &c);
    const double clocks = (double)(b->clocks - before) / PACKETS;

    BENCH_CHECK(b, bench_mailbox(b, SPEC_MBOX_LOOKUP, 1, 0) == 0, "LOOKUP");
    const uint64_t total = bench_vmem_read(b, 1, bench_read(b, SPEC_CSR_MBOX_RESULT));

    BENCH_CHECK(b, total == PACKETS, "%" PRIu64 " counted by the hash engine", total);
    return clocks;
}

int main(int argc, char **argv)
{
    static struct bench b;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    bench_write(&b, SPEC_CSR_CTRL, 1);
    printf("load, add, store: %.2f clocks a packet under an early token, ",
           count_by_load_and_store(&b, 1, true));
    printf("%.2f until the exit, ", count_by_load_and_store(&b, 1, false));
    printf("%.2f with lost updates\n", count_by_load_and_store(&b, 0, false));
    printf("look up, load, update: %.2f clocks a packet\n", count_by_map_operations(&b));
    for (uint32_t i = 0; i < 3; i++) {
        b.idle_percent = 30 * i;
        b.stall_percent = 60 - 30 * i;
        count_by_load_and_store(&b, 1, i & 1);
        count_by_map_operations(&b);
    }
    count_across_swaps(&b);
    BENCH_CHECK(&b, bench_read(&b, SPEC_CSR_COUNT_STALL) > 0, "COUNT_STALL");
    printf("PASS tokens seed %" PRIu64 ": %" PRIu64 " packets\n", b.seed, b.packets_out);
    bench_close(&b);
    return 0;
}
