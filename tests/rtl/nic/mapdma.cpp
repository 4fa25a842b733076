// SPDX-License-Identifier: BSD-3-Clause
// The mover of map contents: values both ways and entries, against a model; bad requests, memory that fails, ends before the end. The
// slot's mailbox is nic_mailbox.v's.
#include <cerrno>

#include "world.h"

static const uint32_t MAP = 7, VALUES = 8192, ENTRY_COUNT = 40, BUSY = 0x80000000u, HANG = 4;
static const uint64_t AREA = MEM_BASE + (20u << 20);
enum { TO_HOST = 1, FROM_HOST = 2, ENTRIES = 3 };

static uint32_t reg(uint32_t offset)
{
    return 0x19000 + offset;
}

static void start(World &w, uint32_t what, uint32_t map, uint32_t at, uint32_t count, uint64_t host)
{
    w.write(reg(SPEC_MAPDMA_MAP), map);
    w.write(reg(SPEC_MAPDMA_ADDR), at);
    w.write(reg(SPEC_MAPDMA_COUNT), count);
    w.write(reg(SPEC_MAPDMA_HOST_LO), uint32_t(host));
    w.write(reg(SPEC_MAPDMA_HOST_HI), uint32_t(host >> 32));
    w.write(reg(SPEC_MAPDMA_CTRL), what);
}

// Waits; the host asks other registers of the slot and the device meanwhile.
static uint32_t finish(World &w)
{
    for (int i = 0; i < 20000; i++) {
        const uint32_t status = w.read(reg(SPEC_MAPDMA_STATUS));
        if (!(status & BUSY)) {
            if (!w.mem.idle())
                w.b.fail("it is done and memory is not");
            return status;
        }
        if (w.b.rng.chance(40) && w.read(0x0300) != 0x300)
            w.b.fail("a register of the slot reads wrong meanwhile");
        if (w.b.rng.chance(20))
            w.write(SPEC_CSR_CTRL, 1);
    }
    w.b.fail("it does not come to an end");
}

// Until the register is no longer busy.
static void rest(World &w, const char *what, uint32_t address)
{
    for (int i = 0; w.read(address) & BUSY; i++)
        if (i > 20000)
            w.b.fail("%s does not come to an end", what);
}

static void want(World &w, const char *what, uint32_t got, uint32_t expected)
{
    if (got != expected)
        w.b.fail("%s: %x, not %x", what, got, expected);
}

// With late, what holds the mailbox lets it go only when the transfer has begun.
static void values_in(World &w, Bytes &model, uint32_t at, uint32_t count, bool late = false)
{
    w.b.rng.fill(w.mem.at(AREA), (count + 63) & ~63u);
    start(w, FROM_HOST, MAP, at, count, AREA);
    for (int i = 0; late && i < 500; i++)
        w.tick();
    if (late)
        w.write(SPEC_CSR_CTRL, 1);
    want(w, "status of values in", finish(w), 0);
    want(w, "bytes of values in", w.read(reg(SPEC_MAPDMA_DONE)), count);
    memcpy(&model[at], w.mem.at(AREA), count);
}

static void values_out(World &w, const Bytes &model, uint32_t at, uint32_t count)
{
    const uint64_t host = AREA + 64 * w.b.rng.below(100);
    memset(w.mem.at(host), 0xa5, count + 64);
    w.mem.own(host, count, true);
    start(w, TO_HOST, MAP, at, count, host);
    want(w, "status of values out", finish(w), 0);
    w.mem.own(host, count, false);
    want(w, "bytes of values out", w.read(reg(SPEC_MAPDMA_DONE)), count);
    if (memcmp(w.mem.at(host), &model[at], count))
        w.b.fail("%u bytes from %u are others", count, at);
}

// By the mailbox itself.
static void look(World &w, const Bytes &model, uint32_t at)
{
    uint32_t words[2];
    w.write(SPEC_CSR_MBOX_MAP, MAP);
    w.write(SPEC_CSR_MBOX_ADDR, at);
    w.write(SPEC_CSR_MBOX_BURST, 1);
    w.write(SPEC_CSR_MBOX_CMD, SPEC_MBOX_VMEM_READ);
    rest(w, "a command of the mailbox", SPEC_CSR_MBOX_STATUS);
    words[0] = w.read(SPEC_CSR_MBOX_VALUE);
    words[1] = w.read(SPEC_CSR_MBOX_VALUE + 4);
    if (memcmp(words, &model[at], 8))
        w.b.fail("the slot's bytes at %u are others", at);
}

static void entries(World &w, uint32_t first, uint32_t count)
{
    uint32_t e = first, records = 0;
    memset(w.mem.at(AREA), 0xa5, 128 * (count + 1));
    w.mem.own(AREA, 128 * count, true);
    start(w, ENTRIES, MAP, first, count, AREA);
    want(w, "status of entries", finish(w), 0);
    w.mem.own(AREA, 128 * count, false);
    for (; e < ENTRY_COUNT && records < count; e++) {
        uint32_t record[32] = {0};
        if (e % 3 != 1)
            continue;
        for (uint32_t i = 0; i < 16; i++)
            record[i] = e * 0x01000193 + i;
        record[16] = e * 24;
        record[17] = e;
        if (memcmp(w.mem.at(AREA + 128 * records), record, sizeof record))
            w.b.fail("record %u of the entries from %u is another", records, first);
        records++;
    }
    want(w, "records", w.read(reg(SPEC_MAPDMA_DONE)), records);
    want(w, "next entry", w.read(reg(SPEC_MAPDMA_NEXT)), records == count ? e : UINT32_MAX);
}

static void refusals(World &w)
{
    static const struct {
        uint32_t what, map, at, count, done;
    } bad[] = {
        {TO_HOST, MAP, 4, 8, 0},   {TO_HOST, MAP, 8, 12, 0},          {FROM_HOST, MAP, 8, 12, 0},
        {TO_HOST, 3, 0, 8, 0},     {TO_HOST, MAP, VALUES, 8, 0},      {TO_HOST, MAP, VALUES - 256, 512, 256},
        {FROM_HOST, 3, 0, 8, 0},   {FROM_HOST, MAP, VALUES, 8, 0},
    };
    w.mem.own(AREA, 4096, true);
    for (const auto &r : bad) {
        start(w, r.what, r.map, r.at, r.count, AREA);
        want(w, "status of a bad request", finish(w), EINVAL);
        want(w, "what it has done", w.read(reg(SPEC_MAPDMA_DONE)), r.done);
    }
    w.mem.own(AREA, 4096, false);
    start(w, 4, MAP, 0, 8, AREA); // nothing is under way, so nothing ends
    want(w, "status of no request", finish(w), EINVAL);
}

static void failing_memory(World &w)
{
    const uint32_t before = w.read(0x10000 + SPEC_NIC_DMA_ERRORS);
    w.mem.bad[(AREA + 4096 - MEM_BASE) >> 12] = 1;
    w.mem.own(AREA, 8192, true);
    for (uint32_t what = TO_HOST; what <= ENTRIES; what++) {
        start(w, what, MAP, 0, what == ENTRIES ? 13 : 1024, AREA + 4096 - 512);
        want(w, "status with failing memory", finish(w), EIO);
    }
    w.mem.own(AREA, 8192, false);
    w.mem.bad[(AREA + 4096 - MEM_BASE) >> 12] = 0;
    if (w.read(0x10000 + SPEC_NIC_DMA_ERRORS) == before)
        w.b.fail("errors of memory are not counted");
    entries(w, 0, 20);
}

// By a write of CTRL, or by the host's reset; also when the mailbox hangs.
static void ends(World &w, Bytes &model)
{
    for (uint32_t i = 0; i < 12; i++) {
        const bool hang = i % 3 == 2, by_reset = i & 1;
        w.mem.own(AREA, VALUES, true);
        if (hang)
            w.write(SPEC_CSR_CTRL, 1 | HANG);
        start(w, i % 3 == 1 ? uint32_t(ENTRIES) : uint32_t(TO_HOST), MAP, 0, i % 3 == 1 ? 20 : VALUES, AREA);
        for (uint32_t k = w.b.rng.below(100); k; k--)
            w.tick();
        want(w, "under way", w.read(reg(SPEC_MAPDMA_STATUS)) >> 31, 1);
        w.write(by_reset ? 0x10000 + SPEC_NIC_CTRL : reg(SPEC_MAPDMA_CTRL), by_reset ? 2 : 0);
        for (int k = 0; by_reset && w.read(0x10000 + SPEC_NIC_CTRL) & 2; k++)
            if (k > 2000)
                w.b.fail("the reset does not end");
        if (by_reset && !w.mem.idle())
            w.b.fail("memory is not at rest after a reset");
        rest(w, "what was to end", reg(SPEC_MAPDMA_STATUS));
        want(w, "status behind its end", w.read(reg(SPEC_MAPDMA_STATUS)), ECANCELED);
        w.mem.own(AREA, VALUES, false);
        if (hang && !by_reset) // the command is still in the mailbox
            values_in(w, model, 8, 400, true);
        w.write(SPEC_CSR_CTRL, 1);
        values_in(w, model, 64, 200);
    }
}

int scenario_mapdma(World &w)
{
    Bytes model(VALUES, 0);
    uint32_t runs = 0;

    w.b.reset();
    values_in(w, model, 0, VALUES);
    for (; runs < 120; runs++) {
        const uint32_t at = 8 * w.b.rng.below(VALUES / 8), most = (VALUES - at) / 8;
        const uint32_t count = 8 * w.b.rng.below(std::min(most, 200u) + 1);
        switch (w.b.rng.below(4)) {
        case 0:
            values_in(w, model, at, count);
            break;
        case 1:
            values_out(w, model, at, count);
            break;
        case 2:
            entries(w, w.b.rng.below(ENTRY_COUNT + 2), w.b.rng.below(16));
            break;
        default:
            look(w, model, at);
        }
    }
    refusals(w);
    failing_memory(w);
    values_in(w, model, 0, VALUES); // what failing memory gave is in the slot
    ends(w, model);
    values_out(w, model, 0, VALUES);
    w.mem.percent = w.mem.spread = 0;
    w.mem.latency = 30;
    w.mem.own(AREA, VALUES, true);
    start(w, TO_HOST, MAP, 0, VALUES, AREA);
    const uint64_t before = w.b.clocks;
    while (!w.mem.idle() || w.b.clocks - before < 100) {
        if (w.b.clocks - before > 100000)
            w.b.fail("memory is never at rest");
        w.tick();
    }
    rest(w, "it", reg(SPEC_MAPDMA_STATUS));
    return w.b.pass("%u transfers; %u bytes to the host in %llu clocks", runs, VALUES, (unsigned long long)(w.b.clocks - before));
}
