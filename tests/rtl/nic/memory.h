// SPDX-License-Identifier: BSD-3-Clause
// Host memory behind AXI4 as the NIC's benches have it: random latency, answers of different ids in any order, beats of different
// reads in turn, errors on chosen pages. A write is done when it is answered, a read sees memory when it is, so whoever relies on
// less is found. Each byte has an owner: the device may write only what it was given.
#pragma once
#include <deque>
#include <functional>

#include "bench.h"

static const uint64_t MEM_BASE = 0x1234500000000ull;
static const uint32_t MEM_BYTES = 24u << 20;

struct Memory {
    struct Burst {
        uint64_t addr = 0;
        uint32_t beats = 0, done = 0;
        uint64_t due = 0;
        std::vector<uint8_t> data, strb;
    };
    std::vector<uint8_t> bytes, mine, bad; // mine: the device may write it; bad: by page
    std::deque<Burst> writes;              // addresses whose data are still to come
    std::deque<std::vector<uint8_t>> beats; // data that came before their address
    std::deque<Burst> answers[16], reads[16];
    uint32_t latency = 40, spread = 60, percent = 30; // percent: how often a channel waits
    uint64_t read_errors = 0, write_errors = 0, written = 0, read_beats = 0;
    int r_id = -1, b_id = -1;
    bool aw_ready = false, w_ready = false, ar_ready = false;

    Memory() : bytes(MEM_BYTES), mine(MEM_BYTES), bad(MEM_BYTES >> 12)
    {
    }
    uint8_t *at(uint64_t addr)
    {
        return &bytes[addr - MEM_BASE];
    }
    void own(uint64_t addr, uint32_t n, bool device)
    {
        memset(&mine[addr - MEM_BASE], device, n);
    }
    bool inside(uint64_t addr, uint32_t n) const
    {
        return addr >= MEM_BASE && addr + n <= MEM_BASE + MEM_BYTES;
    }
    void clear()
    {
        writes.clear();
        beats.clear();
        for (int i = 0; i < 16; i++) {
            answers[i].clear();
            reads[i].clear();
        }
        r_id = b_id = -1;
    }
    bool idle() const
    {
        bool busy = !writes.empty() || !beats.empty();
        for (int i = 0; i < 16; i++)
            busy = busy || !answers[i].empty() || !reads[i].empty();
        return !busy;
    }

    // One of the ids that have something due, or -1.
    static int pick(Rng &rng, const std::deque<Burst> *queues, uint64_t now)
    {
        int from = int(rng.below(16));
        for (int k = 0; k < 16; k++) {
            int id = (from + k) % 16;
            if (!queues[id].empty() && queues[id].front().due <= now)
                return id;
        }
        return -1;
    }

    template <class B, class T> void drive(B &b, T &t)
    {
        Rng &rng = b.rng;
        aw_ready = !rng.chance(percent);
        w_ready = !rng.chance(percent);
        ar_ready = !rng.chance(percent);
        if (b_id < 0 && !rng.chance(percent))
            b_id = pick(rng, answers, b.clocks);
        if (r_id < 0 && !rng.chance(percent))
            r_id = pick(rng, reads, b.clocks);
        t.m_axi_dma_awready = aw_ready;
        t.m_axi_dma_wready = w_ready;
        t.m_axi_dma_arready = ar_ready;
        t.m_axi_dma_bvalid = b_id >= 0;
        if (b_id >= 0) {
            const Burst &w = answers[b_id].front();
            t.m_axi_dma_bid = uint8_t(b_id);
            t.m_axi_dma_bresp = bad[(w.addr - MEM_BASE) >> 12] ? 2 : 0;
        }
        t.m_axi_dma_rvalid = r_id >= 0;
        if (r_id >= 0) {
            const Burst &r = reads[r_id].front();
            uint64_t addr = (r.addr & ~63ull) + 64 * r.done;
            bool failed = bad[(addr - MEM_BASE) >> 12];
            uint8_t junk[64];
            rng.fill(junk, sizeof junk);
            t.m_axi_dma_rid = uint8_t(r_id);
            t.m_axi_dma_rresp = failed ? 2 : 0;
            put(t.m_axi_dma_rdata, failed ? junk : at(addr), 64);
            t.m_axi_dma_rlast = r.done + 1 == r.beats;
        }
    }

    template <class B> void check(B &b, uint64_t addr, uint32_t len, uint32_t size, uint32_t burst)
    {
        if (size != 6 || burst != 1 || !inside(addr & ~63ull, 64 * (len + 1)))
            b.fail("DMA burst at %llx of %u beats, size %u", (unsigned long long)addr, len + 1, size);
        if (addr >> 12 != ((addr & ~63ull) + 64 * len) >> 12)
            b.fail("DMA burst at %llx of %u beats crosses 4 KiB", (unsigned long long)addr, len + 1);
    }

    template <class B> void join(B &b)
    {
        while (!writes.empty() && !beats.empty()) {
            Burst &w = writes.front();
            const std::vector<uint8_t> &v = beats.front();
            w.data.insert(w.data.end(), v.begin(), v.begin() + 64);
            w.strb.insert(w.strb.end(), v.begin() + 64, v.begin() + 128);
            w.done++;
            if ((w.done == w.beats) != bool(v[128]))
                b.fail("DMA wlast in the wrong beat");
            beats.pop_front();
            if (w.done == w.beats) {
                w.due = b.clocks + latency + b.rng.below(spread + 1);
                uint32_t id = uint32_t(w.addr >> 60);
                w.addr &= ~(15ull << 60);
                answers[id].push_back(w);
                writes.pop_front();
            }
        }
    }

    template <class B, class T> void sample(B &b, T &t)
    {
        if (t.m_axi_dma_awvalid && aw_ready) {
            check(b, t.m_axi_dma_awaddr, t.m_axi_dma_awlen, t.m_axi_dma_awsize, t.m_axi_dma_awburst);
            Burst w;
            w.addr = t.m_axi_dma_awaddr | uint64_t(t.m_axi_dma_awid) << 60;
            w.beats = t.m_axi_dma_awlen + 1u;
            writes.push_back(w);
        }
        if (t.m_axi_dma_wvalid && w_ready) {
            std::vector<uint8_t> v(129);
            get(t.m_axi_dma_wdata, &v[0], 64);
            for (int i = 0; i < 64; i++)
                v[64 + i] = t.m_axi_dma_wstrb >> i & 1;
            v[128] = t.m_axi_dma_wlast;
            beats.push_back(v);
        }
        join(b);
        if (t.m_axi_dma_arvalid && ar_ready) {
            check(b, t.m_axi_dma_araddr, t.m_axi_dma_arlen, t.m_axi_dma_arsize, t.m_axi_dma_arburst);
            Burst r;
            r.addr = t.m_axi_dma_araddr;
            r.beats = t.m_axi_dma_arlen + 1u;
            r.due = b.clocks + latency + b.rng.below(spread + 1);
            reads[t.m_axi_dma_arid].push_back(r);
        }
        if (b_id >= 0 && t.m_axi_dma_bready) {
            answer(b, answers[b_id].front());
            answers[b_id].pop_front();
            b_id = -1;
        }
        if (r_id >= 0 && t.m_axi_dma_rready) {
            Burst &r = reads[r_id].front();
            read_beats++;
            if (bad[((r.addr & ~63ull) + 64 * r.done - MEM_BASE) >> 12] && r.done + 1 == r.beats)
                read_errors++;
            if (++r.done == r.beats)
                reads[r_id].pop_front();
            r_id = -1;
        }
    }

    template <class B> void answer(B &b, const Burst &w)
    {
        uint64_t addr = w.addr & ~63ull;
        if (bad[(addr - MEM_BASE) >> 12]) {
            write_errors++;
            return;
        }
        for (uint32_t i = 0; i < 64 * w.beats; i++) {
            if (!w.strb[i])
                continue;
            if (!mine[addr + i - MEM_BASE])
                b.fail("DMA write to %llx, which is not the device's", (unsigned long long)addr + i);
            bytes[addr + i - MEM_BASE] = w.data[i];
        }
        written += w.beats;
    }
};
