// SPDX-License-Identifier: BSD-3-Clause
// An AXI4 memory of 64-byte beats for benches: requests answered after a random time, those of different ids in any order,
// ready and valid held back at random. A write takes effect when it is acknowledged, at the latest; a line that is asked
// for or written while a write to it is under way is a fault of the master's, as AXI promises nothing then.
#pragma once
#include <array>
#include <unordered_map>

#include "bench.h"

typedef std::array<uint8_t, 64> Line;

template <class V> struct Memory {
    struct Request {
        uint32_t id, line;
        uint64_t due;
        Line data;
    };
    Bench<V> &b;
    std::unordered_map<uint32_t, Line> lines;
    std::vector<Request> reads, writes; // not answered yet
    std::vector<std::pair<uint32_t, uint32_t>> addresses;
    std::vector<Line> datas;
    Stall ar_stall, aw_stall, w_stall, r_stall, b_stall;
    uint32_t least = 4, most = 40;
    bool shared = false; // a line may be asked for by several ids at once
    int r_at = -1, b_at = -1; // the answers that are offered
    uint64_t reads_done = 0, writes_done = 0, deepest = 0, overtaken = 0;

    explicit Memory(Bench<V> &bench) : b(bench)
    {
    }
    Line &at(uint32_t line)
    {
        auto it = lines.find(line);
        return it == lines.end() ? lines.emplace(line, Line{}).first->second : it->second;
    }
    void steady(uint32_t latency)
    {
        least = most = latency;
        ar_stall.off = aw_stall.off = w_stall.off = r_stall.off = b_stall.off = true;
    }
    uint64_t due()
    {
        return b.clocks + least + b.rng.below(most - least + 1);
    }
    bool idle() const
    {
        return reads.empty() && writes.empty() && addresses.empty() && datas.empty();
    }
    // One of those whose time has come, the first of its id; -1: none.
    int pick(const std::vector<Request> &from)
    {
        std::vector<int> all;
        for (size_t i = 0; i < from.size(); i++) {
            bool first = from[i].due <= b.clocks;
            for (size_t k = 0; k < i; k++)
                first &= from[k].id != from[i].id;
            if (first)
                all.push_back(int(i));
        }
        return all.empty() ? -1 : all[b.rng.below(uint32_t(all.size()))];
    }
    // Before the clock settles: what the memory offers.
    void offer()
    {
        V &t = *b.top;
        if (r_at < 0 && !r_stall.now(b.rng))
            r_at = pick(reads);
        if (b_at < 0 && !b_stall.now(b.rng))
            b_at = pick(writes);
        t.m_axi_rvalid = r_at >= 0;
        t.m_axi_rresp = t.m_axi_bresp = 0;
        if (r_at >= 0) {
            t.m_axi_rid = reads[r_at].id;
            put(t.m_axi_rdata, at(reads[r_at].line).data(), 64);
        }
        t.m_axi_bvalid = b_at >= 0;
        if (b_at >= 0)
            t.m_axi_bid = writes[b_at].id;
        t.m_axi_arready = !ar_stall.now(b.rng);
        t.m_axi_awready = !aw_stall.now(b.rng);
        t.m_axi_wready = !w_stall.now(b.rng);
    }
    bool written(uint32_t line) const
    {
        for (const Request &w : writes)
            if (w.line == line)
                return true;
        for (const auto &a : addresses)
            if (a.second == line)
                return true;
        return false;
    }
    // After it has settled: what moves.
    void take()
    {
        V &t = *b.top;
        if (r_at >= 0 && t.m_axi_rready) {
            overtaken += r_at > 0;
            reads.erase(reads.begin() + r_at);
            r_at = -1;
            reads_done++;
        }
        if (b_at >= 0 && t.m_axi_bready) {
            at(writes[b_at].line) = writes[b_at].data;
            writes.erase(writes.begin() + b_at);
            b_at = -1;
            writes_done++;
        }
        if (t.m_axi_arvalid && t.m_axi_arready) {
            const uint32_t line = t.m_axi_araddr >> 6;
            if (t.m_axi_araddr & 63)
                b.fail("a read of no whole line");
            if (written(line))
                b.fail("line %x is asked for while it is written", line);
            for (const Request &r : reads)
                if ((r.line == line && !shared) || r.id == t.m_axi_arid)
                    b.fail("line %x, id %u: asked for twice", line, t.m_axi_arid);
            reads.push_back({t.m_axi_arid, line, due(), Line{}});
            deepest = reads.size() > deepest ? reads.size() : deepest;
        }
        if (t.m_axi_awvalid && t.m_axi_awready) {
            if (written(t.m_axi_awaddr >> 6))
                b.fail("line %x is written twice at once", t.m_axi_awaddr >> 6);
            for (const Request &r : reads)
                if (r.line == t.m_axi_awaddr >> 6)
                    b.fail("line %x is written while it is asked for", r.line);
            addresses.push_back({t.m_axi_awid, t.m_axi_awaddr >> 6});
        }
        if (t.m_axi_wvalid && t.m_axi_wready) {
            Line data;
            get(t.m_axi_wdata, data.data(), 64);
            datas.push_back(data);
        }
        while (!addresses.empty() && !datas.empty()) {
            writes.push_back({addresses[0].first, addresses[0].second, due(), datas[0]});
            addresses.erase(addresses.begin());
            datas.erase(datas.begin());
        }
    }
};
