/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets whose program runs for ever, between packets that count in a map under a token: the limit
 * of rows ends them, at every row of their loop, also with an operation of the hash engine under
 * way, and the others see nothing of it. limit [SEED] */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS = 400, WELL_ROWS = 6, LOOP_ROW = 8, KEPT = 4242, SHORTEST = 20 };

struct traffic {
    struct bench *b;
    uint32_t sent, received, counted, ended;
    uint32_t lengths[PACKETS];
    bool loops[PACKETS];
};

static bool source(void *ctx, struct bench_packet *p)
{
    struct traffic *t = ctx;

    if (t->sent == PACKETS)
        return false;
    t->loops[t->sent] = bench_below(t->b, 3) == 0;
    t->lengths[t->sent] = SHORTEST + bench_below(t->b, 100);
    memset(p->bytes, 0, SHORTEST);
    p->length_bytes = t->lengths[t->sent];
    p->inputs[SPEC_IN_LEN] = p->length_bytes;
    p->inputs[SPEC_IN_RAND] = t->loops[t->sent];
    t->sent++;
    return true;
}

static void sink(void *ctx, const struct bench_packet *p)
{
    struct traffic *t = ctx;
    const uint32_t i = t->received++;

    BENCH_CHECK(t->b, p->length_bytes == t->lengths[i], "packet %u: %u bytes, not %u", i,
                p->length_bytes, t->lengths[i]);
    BENCH_CHECK(t->b, p->redirect == 0 && p->meta_bytes == 0 && p->event_beats == 0,
                "packet %u: what a program that was ended has said counts", i);
    if (t->loops[i]) {
        BENCH_CHECK(t->b, p->ret == 0, "packet %u returned %u", i, p->ret);
        t->ended++;
    } else {
        BENCH_CHECK(t->b, p->ret == KEPT + t->counted, "packet %u read %u", i, p->ret);
        t->counted++;
    }
}

/* The well behaved: load, add, store of map 0 under token 0, which is the return value too. The
 * others take the token, say what leaves and go round. */
static uint32_t program(struct ucode_row *rows, bool engine)
{
    uint32_t n = 0;

    rows[n].slots[0] = (struct ucode_slot){.op = UCODE_IN, .dst = 4, .imm = SPEC_IN_RAND};
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_MOVHI, .dst = 7, .imm = 1};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_NE, .a = 4, .bimm = true, .br = true, .tgt = LOOP_ROW};
    rows[n].need = 1;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_LDMAP, .dst = 3, .a = 7, .size = 8};
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_ADD, .dst = 8, .a = 3, .bimm = true, .imm = 1};
    rows[n].need = 1;
    rows[n++].slots[3] = (struct ucode_slot){.op = UCODE_STMAP, .a = 7, .b = 8, .size = 8};
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_EXIT, .b = 3};

    n = LOOP_ROW;
    rows[n].need = 1;
    rows[n].slots[0] = (struct ucode_slot){.op = UCODE_OUT, .dst = 1, .bimm = true, .imm = 1};
    rows[n].slots[1] = (struct ucode_slot){.op = UCODE_OUT, .dst = 2, .bimm = true, .imm = 99};
    rows[n++].slots[2] = (struct ucode_slot){.op = UCODE_OUT, .dst = 3, .bimm = true, .imm = 8};
    rows[n++].slots[0] = (struct ucode_slot){.op = UCODE_KEYW, .bimm = true, .imm = 77};
    rows[n].wait = engine;
    if (engine)
        rows[n].slots[3] = (struct ucode_slot){.op = UCODE_MAPOP, .imm = 1};
    n++;
    rows[n++].slots[0] =
        (struct ucode_slot){.op = SPEC_ALU_ADD, .dst = 4, .a = 4, .bimm = true, .imm = 1};
    rows[n++].slots[1] = (struct ucode_slot){.op = UCODE_JMP, .br = true, .tgt = LOOP_ROW + 1};
    return n;
}

static void run(struct bench *b, uint32_t bank, uint32_t limit, bool engine)
{
    const uint32_t before = bench_read(b, SPEC_CSR_COUNT_LIMITED);
    struct ucode_row rows[16] = {0};
    struct traffic *t = calloc(1, sizeof(*t));

    bench_load(b, bank, rows, program(rows, engine));
    bench_vmem_write(b, 0, 0, KEPT);
    bench_write(b, SPEC_CSR_ROW_LIMIT + 4 * bank, limit);
    bench_write(b, SPEC_CSR_ROW_LIMIT + 4 * (1 - bank), 1);
    bench_write(b, SPEC_CSR_CTRL, 1 | bank << 1);
    t->b = b;
    b->source = source;
    b->sink = sink;
    b->ctx = t;
    bench_run(b, b->packets_out + PACKETS, 400000);
    b->source = NULL;
    BENCH_CHECK(b, t->ended && t->counted, "not both kinds of packets");
    BENCH_CHECK(b, bench_read(b, SPEC_CSR_COUNT_LIMITED) - before == t->ended, "COUNT_LIMITED");
    BENCH_CHECK(b, bench_vmem_read(b, 0, 0) == KEPT + t->counted, "limit %u: the map lost a count",
                limit);
    free(t);
}

int main(int argc, char **argv)
{
    static struct bench b;
    uint32_t runs = 0;

    bench_open(&b, argc > 1 ? strtoull(argv[1], NULL, 0) : 1);
    BENCH_CHECK(&b, bench_read(&b, SPEC_CSR_ROW_LIMIT) == 0, "a limit after reset");
    bench_config_array(&b, 0, 1, 4096);
    bench_config_hash(&b, 1, 1, 8192);
    for (uint32_t limit = WELL_ROWS; limit < WELL_ROWS + 12; limit++, runs++) {
        bench_shake(&b);
        run(&b, limit & 1, limit, limit % 3 != 0);
    }
    run(&b, 0, 100, true);
    printf("PASS limit seed %" PRIu64 ": %" PRIu64 " packets in %u runs\n", b.seed, b.packets_out,
           runs + 1);
    bench_close(&b);
    return 0;
}
