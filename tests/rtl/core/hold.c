/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets that leave for the host (output word hold) between others that count in a map under a
 * token, in any share: the others stop until the host, which changes the map as well, resumes them.
 * Every packet sees the map as if they had run one after the other; those that stay end with a
 * token that the others give back at once. hold [SEED] */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 600, SHORTEST = 20, MARKED = 256, MARK = 0x7fff, BY_HOST = 1000 };
enum { HOLD_ON = 1, HOLD_RESUME = 2, HOLD_HELD = 2 };

struct traffic {
    struct bench *b;
    uint32_t share; /* of 8, packets that leave for the host */
    uint32_t sent, received, marked;
    uint64_t expected; /* in the map */
    bool on;           /* they stop the others */
    bool waits;        /* one has left */
    bool marks[PACKETS];
};

static bool source(void *ctx, struct bench_packet *p)
{
    struct traffic *t = ctx;

    if (t->sent == PACKETS)
        return false;
    t->marks[t->sent] = bench_below(t->b, 8) < t->share;
    p->length_bytes = SHORTEST + bench_below(t->b, 100);
    memset(p->bytes, 0, SHORTEST);
    p->inputs[SPEC_IN_LEN] = p->length_bytes;
    p->inputs[SPEC_IN_RAND] = (t->marks[t->sent] ? MARKED : 0) + bench_below(t->b, 6);
    t->sent++;
    return true;
}

static void sink(void *ctx, const struct bench_packet *p)
{
    struct traffic *t = ctx;
    const uint32_t i = t->received++;

    BENCH_CHECK(t->b, !t->waits, "packet %u leaves while the host has one", i);
    if (t->marks[i]) {
        BENCH_CHECK(t->b, p->ret == MARK, "packet %u returned %u", i, p->ret);
        t->waits = t->on;
        t->marked++;
    } else {
        BENCH_CHECK(t->b, p->ret == (uint32_t)t->expected, "packet %u read %u, not %" PRIu64, i,
                    p->ret, t->expected);
        t->expected++;
    }
}

/* A detour, then either load, add, store of map 0 under token 0 and exit under token 1, or out. */
static uint32_t program(struct ucode_row *rows, bool need, bool at_once)
{
    enum { LOOP = 3, BEHIND = 5, HOST = 10 };
    uint32_t n = 0;

    rows[n].slots[0] = (struct ucode_slot){.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_RAND};
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_MOVHI, .dst = 7, .imm = 1};
    rows[n++].slots[1] =
        (struct ucode_slot){.op = SPEC_ALU_AND, .dst = 5, .a = 4, .bimm = true, .imm = MARKED};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_AND, .dst = 4, .a = 4, .bimm = true, .imm = 7};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_EQ, .a = 4, .bimm = true, .br = true, .tgt = BEHIND};
    rows[n].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_SUB, .dst = 4, .a = 4, .bimm = true, .imm = 1};
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_JMP, .br = true, .tgt = LOOP};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_NE, .a = 5, .bimm = true, .br = true, .tgt = HOST};
    rows[n].need = 1;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_LDMAP, .dst = 3, .a = 7, .size = 8};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_ADD, .dst = 8, .a = 3, .bimm = true, .imm = 1};
    rows[n].need = 1;
    rows[n].rel = 1;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_STMAP, .a = 7, .b = 8, .size = 8};
    rows[n].need = 2;
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_EXIT, .b = 3};
    rows[n].need = need;
    rows[n].rel = 0xfe;
    rows[n].slots[0] = (struct ucode_slot){.op = UCODE_OUT, .dst = 5, .bimm = true, .imm = 1};
    n += !at_once;
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_EXIT, .bimm = true, .imm = MARK};
    return n;
}

/* What the host does with a packet, some time after it has left. */
static void be_host(struct bench *b, struct traffic *t)
{
    uint64_t value;

    for (uint32_t k = bench_below(b, 4) ? bench_below(b, 20) : bench_below(b, 600); k; k--)
        bench_step(b);
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_HOLD) == (HOLD_ON | HOLD_HELD), "HOLD says no");
    value = bench_vmem_read(b, 0, 0);
    BENCH_CHECK(b, value == t->expected, "the host reads %" PRIu64 ", not %" PRIu64, value,
                t->expected);
    t->expected += BY_HOST;
    bench_vmem_write(b, 0, 0, t->expected);
    t->waits = false;
    bench_write(b, SPEC_CSR_HOLD, HOLD_ON | HOLD_RESUME);
}

static void run(struct bench *b, uint32_t share, bool on)
{
    const uint64_t end = b->packets_out + PACKETS;
    struct traffic *t = calloc(1, sizeof(*t));
    uint32_t bank = 0;

    t->b = b;
    t->share = share;
    t->on = on;
    bench_vmem_write(b, 0, 0, 0);
    bench_write(b, SPEC_CSR_HOLD, on ? HOLD_ON : 0);
    b->source = source;
    b->sink = sink;
    b->ctx = t;
    for (uint64_t limit = b->clocks + 600000; b->packets_out < end;) {
        BENCH_CHECK(b, b->clocks < limit, "share %u: %u packets of %u", share, t->received,
                    PACKETS);
        if (t->waits)
            be_host(b, t);
        else
            bench_step(b);
        if (bench_below(b, 400) == 0)
            bench_write(b, SPEC_CSR_CTRL, 1 | (bank ^= 1) << 1);
        if (on && bench_below(b, 16) == 0 && bench_read(b, SPEC_CSR_HOLD) & HOLD_HELD)
            BENCH_CHECK(b, t->waits, "HOLD says yes before packet %u has left", t->received);
    }
    if (t->waits)
        be_host(b, t);
    b->source = NULL;
    BENCH_CHECK(b, !on || !share == !t->marked, "share %u: %u for the host", share, t->marked);
    BENCH_CHECK(b, bench_vmem_read(b, 0, 0) == t->expected, "the map lost something");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_HOLD) == (on ? HOLD_ON : 0u), "HOLD after all");
    free(t);
}

/* Who switches it off while a packet is held lets the others go. */
static void let_go(struct bench *b)
{
    struct traffic *t = calloc(1, sizeof(*t));
    const uint64_t end = b->packets_out + PACKETS;

    t->b = b;
    t->share = 1;
    bench_vmem_write(b, 0, 0, 0);
    bench_write(b, SPEC_CSR_HOLD, HOLD_ON);
    b->source = source;
    b->sink = sink;
    b->ctx = t;
    for (uint32_t polls = 0; !(bench_read(b, SPEC_CSR_HOLD) & HOLD_HELD); polls++) {
        BENCH_CHECK(b, polls < 40000, "no packet is held, %u have left for the host", t->marked);
        bench_step(b);
    }
    for (uint32_t i = 0; i < 1000; i++)
        bench_step(b);
    BENCH_CHECK(b, t->marked == 1, "%u packets have left for the host", t->marked);
    bench_write(b, SPEC_CSR_HOLD, 0);
    bench_run(b, end, 400000);
    b->source = NULL;
    BENCH_CHECK(b, bench_vmem_read(b, 0, 0) == t->expected, "the map lost something");
    free(t);
}

int main(int argc, char **argv)
{
    static struct bench b;
    uint32_t runs = 0;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    BENCH_CHECK(&b, bench_read(&b, SPEC_CSR_HOLD) == 0, "HOLD after reset");
    bench_config_array(&b, 0, 1, 4096);
    for (uint32_t kind = 0; kind < 4; kind++) {
        for (uint32_t bank = 0; bank < 2; bank++) {
            struct ucode_row rows[16] = {0};

            bench_load(&b, bank, rows, program(rows, kind & 1, kind & 2));
        }
        bench_write(&b, SPEC_CSR_CTRL, 1);
        for (uint32_t share = 0; share <= 8; share += share < 2 ? 1 : 3, runs++) {
            bench_shake(&b);
            if (share == 1)
                b.stall_percent = 90;
            run(&b, share, true);
        }
        run(&b, 3, false);
        let_go(&b);
    }
    printf("PASS hold seed %" PRIu64 ": %" PRIu64 " packets in %u runs\n", b.seed, b.packets_out,
           runs);
    bench_close(&b);
    return 0;
}
