/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rtl/core/bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEAT_BYTES = 64, RESET_CLOCKS = 4, BUS_CLOCKS = 2000, MAILBOX_POLLS = 200000 };

void bench_fail(const struct bench *b, const char *format, ...)
{
    va_list args;

    printf("FAIL seed %" PRIu64 " clock %" PRIu64 ": ", b->seed, b->clocks);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    exit(1);
}

uint64_t bench_random(struct bench *b)
{
    b->rng ^= b->rng << 13;
    b->rng ^= b->rng >> 7;
    b->rng ^= b->rng << 17;
    return b->rng * 0x2545f4914f6cdd1dull;
}

uint32_t bench_below(struct bench *b, uint32_t n)
{
    return (uint32_t)((bench_random(b) >> 32) % n);
}

void bench_open(struct bench *b, uint64_t seed)
{
    memset(b, 0, sizeof(*b));
    b->seed = seed;
    b->rng = seed * 0x9e3779b97f4a7c15ull + 1;
    b->model = sluice_model_api.open(getenv("BENCH_WAVES"));
    b->in.rst = true;
    for (int i = 0; i < RESET_CLOCKS; i++)
        bench_step(b);
    b->in.rst = false;
}

void bench_close(struct bench *b)
{
    sluice_model_api.close(b->model);
}

static void offer_beat(struct bench *b)
{
    const uint32_t left = b->sending.length_bytes - b->sent_bytes;

    memcpy(b->in.s_tdata, b->sending.bytes + b->sent_bytes, BEAT_BYTES);
    b->in.s_tlast = left <= BEAT_BYTES;
    b->in.s_tkeep = left >= BEAT_BYTES ? UINT64_MAX : ((uint64_t)1 << left) - 1;
    if (b->sent_bytes == 0) {
        const uint64_t *in = b->sending.inputs;

        b->in.s_tuser[0] = (uint32_t)in[SPEC_IN_TIME];
        b->in.s_tuser[1] = (uint32_t)(in[SPEC_IN_TIME] >> 32);
        b->in.s_tuser[2] = (uint32_t)in[SPEC_IN_RAND];
        b->in.s_tuser[3] = (uint32_t)in[SPEC_IN_IFINDEX];
        b->in.s_tuser[4] = (uint32_t)(in[SPEC_IN_QUEUE] | in[SPEC_IN_LEN] << 16);
        b->in.s_tuser[5] = (uint32_t)in[SPEC_IN_EGRESS];
    } else {
        for (int i = 0; i < SPEC_IN_TUSER_BITS / 32; i++)
            b->in.s_tuser[i] = (uint32_t)bench_random(b); /* counts with the first beat only */
    }
}

static void drive_in(struct bench *b)
{
    if (b->offered)
        return;
    b->in.s_tvalid = false;
    if (bench_below(b, 100) < b->idle_percent)
        return;
    if (!b->have_packet && b->source && b->source(b->ctx, &b->sending)) {
        b->have_packet = true;
        b->sent_bytes = 0;
    }
    if (b->have_packet) {
        b->in.s_tvalid = true;
        b->offered = true;
        offer_beat(b);
    }
}

static void sample_in(struct bench *b)
{
    if (!b->in.s_tvalid || !b->out.s_tready)
        return;
    b->offered = false;
    b->sent_bytes += BEAT_BYTES;
    if (b->in.s_tlast) {
        b->have_packet = false;
        b->packets_in++;
    }
}

static void check_held(struct bench *b)
{
    if (b->held) {
        BENCH_CHECK(b, b->out.m_tvalid, "m_axis_tvalid fell before the beat was taken");
        BENCH_CHECK(b,
                    b->held_last == b->out.m_tlast && b->held_keep == b->out.m_tkeep &&
                        memcmp(b->held_user, b->out.m_tuser, sizeof(b->held_user)) == 0 &&
                        memcmp(b->held_data, b->out.m_tdata, sizeof(b->held_data)) == 0,
                    "m_axis changed before the beat was taken");
    }
    b->held = b->out.m_tvalid && !b->in.m_tready;
    b->held_last = b->out.m_tlast;
    b->held_keep = b->out.m_tkeep;
    memcpy(b->held_user, b->out.m_tuser, sizeof(b->held_user));
    memcpy(b->held_data, b->out.m_tdata, sizeof(b->held_data));
}

static void sample_out(struct bench *b)
{
    struct bench_packet *p = &b->receiving;
    const uint64_t keep = b->out.m_tkeep;
    const uint32_t count = (uint32_t)__builtin_popcountll(keep);

    check_held(b);
    if (!b->out.m_tvalid || !b->in.m_tready)
        return;
    BENCH_CHECK(b, keep == UINT64_MAX || (b->out.m_tlast && keep == ((uint64_t)1 << count) - 1),
                "m_axis_tkeep %016" PRIx64, keep);
    if (p->event_beats < (b->out.m_tuser[3] >> 24)) {
        BENCH_CHECK(b, keep == UINT64_MAX && !b->out.m_tlast && p->event_beats < BENCH_EVENT_BEATS,
                    "beat %u of events", p->event_beats);
        memcpy(p->events + 64 * p->event_beats++, b->out.m_tdata, 64);
        return;
    }
    BENCH_CHECK(b, p->length_bytes + count <= sizeof(p->bytes), "packet without end");
    memcpy(p->bytes + p->length_bytes, b->out.m_tdata, count);
    p->length_bytes += count;
    p->ret = b->out.m_tuser[0];
    p->redirect = b->out.m_tuser[1] | (uint64_t)b->out.m_tuser[2] << 32;
    p->meta_bytes = b->out.m_tuser[3] >> 16 & 0xff;
    if (!b->out.m_tlast)
        return;
    BENCH_CHECK(b, (b->out.m_tuser[3] & 0xffff) == p->length_bytes, "length %u in tuser, %u bytes",
                b->out.m_tuser[3] & 0xffff, p->length_bytes);
    b->packets_out++;
    if (b->sink)
        b->sink(b->ctx, p);
    p->length_bytes = 0;
    p->event_beats = 0;
}

void bench_shake(struct bench *b)
{
    b->idle_percent = 20 * bench_below(b, 3);
    b->stall_percent = 20 * bench_below(b, 3);
}

void bench_step(struct bench *b)
{
    if (!b->in.rst)
        drive_in(b);
    b->in.m_tready = bench_below(b, 100) >= b->stall_percent;
    sluice_model_api.settle(b->model, &b->in, &b->out);
    if (!b->in.rst) {
        sample_in(b);
        sample_out(b);
    }
    sluice_model_api.clock(b->model);
    b->clocks++;
}

void bench_run(struct bench *b, uint64_t packets_out, uint64_t limit)
{
    const uint64_t end = b->clocks + limit;

    while (b->packets_out < packets_out) {
        BENCH_CHECK(b, b->clocks < end,
                    "%" PRIu64 " packets out, %" PRIu64 " in, %" PRIu64 " expected", b->packets_out,
                    b->packets_in, packets_out);
        bench_step(b);
    }
}

/* Address and data come in any order, and the answer is taken at any time. */
void bench_write(struct bench *b, uint32_t address, uint32_t value)
{
    bool taken = false;

    b->in.regs.awaddr = (uint16_t)address;
    b->in.regs.wdata = value;
    for (int i = 0; i < BUS_CLOCKS; i++) {
        if (!taken) {
            b->in.regs.awvalid = b->in.regs.awvalid || bench_below(b, 2);
            b->in.regs.wvalid = b->in.regs.wvalid || bench_below(b, 2);
        }
        b->in.regs.bready = taken && bench_below(b, 2);
        bench_step(b);
        BENCH_CHECK(b, b->out.regs.awready == b->out.regs.wready, "address and data taken apart");
        BENCH_CHECK(b, !b->out.regs.bvalid || (taken && b->out.regs.bresp == 0), "write answer");
        if (b->in.regs.awvalid && b->in.regs.wvalid && b->out.regs.awready) {
            taken = true;
            b->in.regs.awvalid = b->in.regs.wvalid = false;
        } else if (b->in.regs.bready && b->out.regs.bvalid) {
            b->in.regs.bready = false;
            return;
        }
    }
    bench_fail(b, "write of register %04x hangs", address);
}

uint32_t bench_read(struct bench *b, uint32_t address)
{
    bool taken = false;

    b->in.regs.arvalid = true;
    b->in.regs.araddr = (uint16_t)address;
    for (int i = 0; i < BUS_CLOCKS; i++) {
        b->in.regs.rready = taken && bench_below(b, 2);
        bench_step(b);
        BENCH_CHECK(b, !b->out.regs.rvalid || (taken && b->out.regs.rresp == 0), "read answer");
        if (!taken && b->out.regs.arready) {
            taken = true;
            b->in.regs.arvalid = false;
        } else if (b->in.regs.rready && b->out.regs.rvalid) {
            b->in.regs.rready = false;
            return b->out.regs.rdata;
        }
    }
    bench_fail(b, "read of register %04x hangs", address);
}

void bench_load(struct bench *b, uint32_t bank, const struct ucode_row *rows, uint32_t count)
{
    bench_write(b, SPEC_CSR_PROG_ROW, bank << 16);
    for (uint32_t r = 0; r < count; r++) {
        uint32_t words[UCODE_ROW_WORDS];

        ucode_encode_row(&rows[r], words);
        for (uint32_t i = 0; i < UCODE_ROW_WORDS; i++)
            bench_write(b, SPEC_CSR_PROG_WORD + 4 * i, words[i]);
        bench_write(b, SPEC_CSR_PROG_COMMIT, 0);
    }
}

uint32_t bench_mailbox(struct bench *b, uint32_t command, uint32_t map, uint32_t address)
{
    bench_write(b, SPEC_CSR_MBOX_MAP, map);
    bench_write(b, SPEC_CSR_MBOX_ADDR, address);
    bench_write(b, SPEC_CSR_MBOX_CMD, command);
    for (int i = 0; i < MAILBOX_POLLS; i++) {
        const uint32_t status = bench_read(b, SPEC_CSR_MBOX_STATUS);

        if (!(status >> 31))
            return status;
    }
    bench_fail(b, "mailbox command %u hangs", command);
}

void bench_config(struct bench *b, uint32_t map, const uint32_t desc[SPEC_MAPDESC_WORDS])
{
    for (uint32_t i = 0; i < SPEC_MAPDESC_WORDS; i++)
        bench_write(b, SPEC_CSR_MBOX_VALUE + 4 * i, desc[i]);
    const uint32_t status = bench_mailbox(b, SPEC_MBOX_CONFIG, map, 0);

    BENCH_CHECK(b, status == 0, "CONFIG of map %u: status %u", map, status);
}

void bench_config_array(struct bench *b, uint32_t map, uint32_t entries, uint32_t base)
{
    const uint32_t desc[SPEC_MAPDESC_WORDS] = {
        [SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_VMEM, [SPEC_MAPDESC_KEY_BYTES] = 4,
        [SPEC_MAPDESC_VALUE_BYTES] = 8,           [SPEC_MAPDESC_STRIDE] = 8,
        [SPEC_MAPDESC_MAX_ENTRIES] = entries,     [SPEC_MAPDESC_CPUS] = 1,
        [SPEC_MAPDESC_VMEM_BASE] = base,
    };

    bench_config(b, map, desc);
}

void bench_config_hash(struct bench *b, uint32_t map, uint32_t entries, uint32_t base)
{
    const uint32_t desc[SPEC_MAPDESC_WORDS] = {
        [SPEC_MAPDESC_ENGINE] = SPEC_ENGINE_HASH, [SPEC_MAPDESC_KEY_BYTES] = 8,
        [SPEC_MAPDESC_VALUE_BYTES] = 8,           [SPEC_MAPDESC_STRIDE] = 8,
        [SPEC_MAPDESC_MAX_ENTRIES] = entries,     [SPEC_MAPDESC_CPUS] = 1,
        [SPEC_MAPDESC_VMEM_BASE] = base,          [SPEC_MAPDESC_BUCKET_MASK] = 3,
    };

    bench_config(b, map, desc);
}

uint64_t bench_vmem_read(struct bench *b, uint32_t map, uint32_t address)
{
    const uint32_t status = bench_mailbox(b, SPEC_MBOX_VMEM_READ, map, address);

    BENCH_CHECK(b, status == 0, "VMEM_READ: status %u", status);
    const uint64_t low = bench_read(b, SPEC_CSR_MBOX_VALUE);

    return low | (uint64_t)bench_read(b, SPEC_CSR_MBOX_VALUE + 4) << 32;
}

void bench_vmem_write(struct bench *b, uint32_t map, uint32_t address, uint64_t value)
{
    bench_write(b, SPEC_CSR_MBOX_VALUE, (uint32_t)value);
    bench_write(b, SPEC_CSR_MBOX_VALUE + 4, (uint32_t)(value >> 32));
    const uint32_t status = bench_mailbox(b, SPEC_MBOX_VMEM_WRITE, map, address);

    BENCH_CHECK(b, status == 0, "VMEM_WRITE: status %u", status);
}
