/* SPDX-License-Identifier: BSD-3-Clause */
/* Random programs on random packets, in lock-step with the functional model: packets out, return
 * values, redirects, rows issued and map contents must be those of one packet after the other.
 * Programs are swapped while packets of the one before are still inside. random [SEED [PROGRAMS
 * [PACKETS]]] */
#include "compiler/microcode/model.h"
#include "tests/rtl/core/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLIGHT = 64, HANG_CLOCKS = 3000000 };

struct expected {
    struct bench_packet packet;
    uint32_t program;
};

struct lockstep {
    struct bench b;
    struct soft_maps maps;
    struct program programs[2]; /* by bank */
    uint32_t number;            /* of the program that new packets get */
    uint64_t budget;            /* packets still to be sent */
    struct expected flight[FLIGHT];
    uint64_t sent;
    uint64_t received;
    uint64_t rows;
};

static void random_packet(struct lockstep *l, const struct program *p, struct bench_packet *packet)
{
    struct bench *b = &l->b;
    const uint32_t sort = bench_below(b, 100);
    const uint32_t most = sort < 90 ? 150 : sort < 99 ? 1500 : SPEC_PKT_MAX_BYTES - p->min_bytes;

    packet->length_bytes = p->min_bytes + bench_below(b, most + 1);
    for (uint32_t i = 0; i < packet->length_bytes; i++)
        packet->bytes[i] = (uint8_t)(bench_random(b) >> 24);
    packet->inputs[SPEC_IN_TIME] = bench_random(b);
    packet->inputs[SPEC_IN_RAND] = (uint32_t)bench_random(b);
    packet->inputs[SPEC_IN_IFINDEX] = bench_below(b, 8);
    packet->inputs[SPEC_IN_QUEUE] = bench_below(b, SPEC_QUEUES);
    packet->inputs[SPEC_IN_LEN] = packet->length_bytes;
    packet->inputs[SPEC_IN_EGRESS] = bench_below(b, 8);
}

static bool source(void *ctx, struct bench_packet *packet)
{
    struct lockstep *l = ctx;
    const struct program *p = &l->programs[l->number & 1];
    struct expected *e = &l->flight[l->sent % FLIGHT];
    static uint8_t buffer[SPEC_PKT_BUF_BYTES];
    struct ir_run run = {.buf = buffer, .events = buffer + SPEC_EVENT_BASE};
    uint64_t rows;

    if (l->budget == 0 || l->sent - l->received >= FLIGHT)
        return false;
    l->budget--;
    random_packet(l, p, packet);
    memset(buffer, 0, sizeof(buffer));
    memcpy(buffer + SPEC_PKT_BASE, packet->bytes, packet->length_bytes);
    memcpy(run.inputs, packet->inputs, sizeof(run.inputs));
    const int error = ucode_model_run(&p->image, &l->maps.ops, &run, &rows, NULL, NULL);

    BENCH_CHECK(&l->b, error == 0, "program %u breaks a rule: %s", l->number, strerror(-error));
    l->rows += rows;
    e->program = l->number;
    e->packet.ret = run.ret;
    e->packet.redirect = run.redirect;
    e->packet.meta_bytes = (uint32_t)run.meta_bytes;
    e->packet.event_beats = (uint32_t)run.event_beats;
    memcpy(e->packet.events, run.events, sizeof(e->packet.events));
    e->packet.length_bytes = (uint32_t)(run.data_end - run.data) + run.meta_bytes;
    memcpy(e->packet.bytes, buffer + run.data - run.meta_bytes, e->packet.length_bytes);
    l->sent++;
    return true;
}

static void sink(void *ctx, const struct bench_packet *packet)
{
    struct lockstep *l = ctx;
    const struct expected *e = &l->flight[l->received % FLIGHT];
    const struct bench_packet *want = &e->packet;

    BENCH_CHECK(&l->b, l->received < l->sent, "a packet that nobody sent");
    BENCH_CHECK(&l->b, packet->ret == want->ret,
                "packet %" PRIu64 " program %u: ret %08x, not %08x", l->received, e->program,
                packet->ret, want->ret);
    BENCH_CHECK(&l->b, packet->redirect == want->redirect,
                "packet %" PRIu64 " program %u: redirect %" PRIx64 ", not %" PRIx64, l->received,
                e->program, packet->redirect, want->redirect);
    BENCH_CHECK(&l->b, packet->meta_bytes == want->meta_bytes,
                "packet %" PRIu64 " program %u: %u bytes of metadata, not %u", l->received,
                e->program, packet->meta_bytes, want->meta_bytes);
    BENCH_CHECK(&l->b, packet->length_bytes == want->length_bytes,
                "packet %" PRIu64 " program %u: %u bytes, not %u", l->received, e->program,
                packet->length_bytes, want->length_bytes);
    BENCH_CHECK(&l->b, packet->event_beats == want->event_beats,
                "packet %" PRIu64 " program %u: %u beats of events, not %u", l->received,
                e->program, packet->event_beats, want->event_beats);
    for (uint32_t i = 0; i < 64 * want->event_beats; i++) /* 0: nobody may have written there */
        BENCH_CHECK(&l->b, !want->events[i] || packet->events[i] == want->events[i],
                    "packet %" PRIu64 " program %u: byte %u of the events is %02x, not %02x",
                    l->received, e->program, i, packet->events[i], want->events[i]);
    for (uint32_t i = 0; i < want->length_bytes; i++)
        BENCH_CHECK(&l->b, packet->bytes[i] == want->bytes[i],
                    "packet %" PRIu64 " program %u: byte %u is %02x, not %02x", l->received,
                    e->program, i, packet->bytes[i], want->bytes[i]);
    l->received++;
}

static void check_maps(struct lockstep *l)
{
    for (uint32_t i = 0; i < l->maps.count; i++) {
        const struct soft_map *m = &l->maps.maps[i];
        uint64_t want;

        for (uint32_t at = 0; at < m->value_bytes; at += 8) {
            const uint64_t got = bench_vmem_read(&l->b, i, at);

            memcpy(&want, m->values + at, 8);
            BENCH_CHECK(&l->b, got == want, "map %u offset %u: %016" PRIx64 ", not %016" PRIx64, i,
                        at, got, want);
        }
        for (uint32_t e = 0; spec_engine_has_keys(m->desc[SPEC_MAPDESC_ENGINE]) &&
                             e <= m->desc[SPEC_MAPDESC_MAX_ENTRIES];
             e++) {
            const uint32_t status = bench_mailbox(&l->b, SPEC_MBOX_ENTRY, i, e);

            BENCH_CHECK(&l->b, (status == 0) == m->entries[e].used, "map %u entry %u: status %u", i,
                        e, status);
            if (status == 0) {
                memcpy(&want, m->entries[e].key, 8);
                BENCH_CHECK(&l->b, bench_read(&l->b, SPEC_CSR_MBOX_KEY) == (uint32_t)want,
                            "map %u entry %u: key", i, e);
            }
        }
    }
}

static void set_up_maps(struct lockstep *l)
{
    program_maps(&l->maps);
    for (uint32_t i = 0; i < l->maps.count; i++) {
        struct soft_map *m = &l->maps.maps[i];

        bench_config(&l->b, i, m->desc);
        for (uint32_t at = 0; at < m->value_bytes; at += 8) {
            const uint64_t value = bench_random(&l->b);

            memcpy(m->values + at, &value, 8);
            bench_vmem_write(&l->b, i, at, value);
        }
    }
}

/* Loads the next program beside the running one, and gives it the packets from now on. */
static void swap_program(struct lockstep *l, uint64_t free_from, uint32_t headroom)
{
    const uint32_t bank = (l->number + 1) & 1;

    bench_run(&l->b, free_from, HANG_CLOCKS); /* the last packet that used the bank has left */
    program_random(&l->b, &l->maps, headroom, &l->programs[bank]);
    bench_load(&l->b, bank, l->programs[bank].rows, l->programs[bank].row_count);
    while (l->budget || l->b.have_packet)
        bench_step(&l->b);
    bench_write(&l->b, SPEC_CSR_CTRL, 1 | bank << 1);
    l->number++;
}

int main(int argc, char **argv)
{
    static struct lockstep l;
    static const uint32_t percents[] = {0, 0, 10, 50, 90};
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    const uint32_t programs = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 30;
    const uint32_t packets = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 100;
    uint64_t before_last = 0;
    uint64_t last = 0;

    bench_open(&l.b, seed);
    l.b.source = source;
    l.b.sink = sink;
    l.b.ctx = &l;
    set_up_maps(&l);
    const uint32_t headroom = 64 * bench_below(&l.b, 5);

    bench_write(&l.b, SPEC_CSR_PROG_HEADROOM, headroom);
    bench_write(&l.b, SPEC_CSR_TOKENS, 7);
    for (uint32_t i = 0; i < programs; i++) {
        swap_program(&l, before_last, headroom);
        before_last = last;
        last += packets;
        l.b.idle_percent = percents[bench_below(&l.b, 5)];
        l.b.stall_percent = percents[bench_below(&l.b, 5)];
        l.budget = packets;
        if (i % 8 == 7) {
            bench_run(&l.b, last, HANG_CLOCKS);
            check_maps(&l);
        }
    }
    bench_run(&l.b, last, HANG_CLOCKS);
    check_maps(&l);
    BENCH_CHECK(&l.b, bench_read(&l.b, SPEC_CSR_COUNT_ROWS) == (uint32_t)l.rows,
                "COUNT_ROWS %u, model %" PRIu64, bench_read(&l.b, SPEC_CSR_COUNT_ROWS), l.rows);
    printf("PASS random seed %" PRIu64 ": %" PRIu64 " packets, %" PRIu64
           " rows, %u stalls, %" PRIu64 " clocks\n",
           seed, l.received, l.rows, bench_read(&l.b, SPEC_CSR_COUNT_STALL), l.b.clocks);
    soft_maps_free(&l.maps);
    bench_close(&l.b);
    return 0;
}
