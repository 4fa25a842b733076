// SPDX-License-Identifier: BSD-3-Clause
// What the benches of the wrappers share: a shell around one, and what is expected on each of its
// ways. The wrapper's names come from the includer: RX(x) and TX(x) the streams into it, HOST(x)
// and WIRE(x) those out of it, AXIL(x) its registers; and begin(), clock_edges(), rx_user(),
// host_user(), sent_user(), wire_user() and quiet() of struct Shell.
#pragma once
#include <algorithm>
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/nic.h"

using Bytes = std::vector<uint8_t>;
static const uint32_t PORTS = 2;

struct Frame {
    Bytes bytes;
    uint64_t user = 0; // what the shell says of it
    bool error = false;
    uint32_t from = 0;
};

// A stream into the wrapper.
struct Source {
    std::deque<Frame> frames;
    size_t at = 0;
    bool offers = false;
    Stall stall;
};

// A stream out of it: what was offered and not taken, and the frame so far.
struct Sink {
    bool held = false, last = false;
    uint8_t data[64];
    uint64_t keep = 0, user[2] = {0, 0}, first_user[2] = {0, 0};
    Bytes bytes;
    uint32_t stalls = 20; // percent, few enough that no store fills up
};

enum { AXIL_NONE, AXIL_WRITE, AXIL_WRITTEN, AXIL_READ, AXIL_GOT };

template <class V> struct Bump {
    Bench<V> b;
    V &t;
    Source rx[PORTS], tx[PORTS];
    Sink host[PORTS], wire[PORTS];
    std::deque<Frame> want_host[PORTS], want_own[PORTS][PORTS], want_sent[PORTS], either[PORTS];
    uint32_t skipped_host = 0, skipped_own = 0, host_frames = 0, own_frames = 0, sent_frames = 0;
    uint64_t own_bytes = 0;
    bool may_lose = false;
    int axil = AXIL_NONE;
    uint32_t axil_data = 0, errors = 0;
    uint32_t at[4] = {SPEC_BAR_LIST}; // blocks: NIC, PORT 0 and 1, VERDICT

    Bump(int argc, char **argv) : b(BENCH_NAME, argc, argv, 400), t(*b.top)
    {
    }
    virtual void clock_edges(bool *axil_edge) = 0;
    virtual void rx_user(uint32_t port, const Frame &frame, bool first, bool last) = 0;
    virtual void sent_user(uint32_t port, const Frame &frame) = 0;
    virtual void host_user(uint32_t port, uint64_t *user) = 0;
    virtual void wire_user(uint32_t port, uint64_t *user) = 0;
    virtual uint64_t host_meant(uint32_t port, const Frame &frame) = 0;
    virtual bool wire_own(uint64_t *user, uint32_t *from) = 0;
    virtual void wire_meant(uint32_t port, const Frame &frame, bool own, uint64_t *user) = 0;
    virtual void quiet() = 0;

    // --- streams
    template <class D, class K, class B>
    void offer(Source &s, uint32_t port, D &data, K &keep, B &valid, B &last)
    {
        if (!s.offers && !s.frames.empty() && !s.stall.now(b.rng))
            s.offers = true;
        set_bits(valid, port, 1, s.offers);
        if (!s.offers)
            return;
        const Frame &f = s.frames.front();
        size_t n = std::min<size_t>(64, f.bytes.size() - s.at);
        uint8_t *to = reinterpret_cast<uint8_t *>(&data) + 64 * port;
        b.rng.fill(to, 64);
        memcpy(to, &f.bytes[s.at], n);
        set_bits(keep, 64 * port, 64, n == 64 ? ~0ull : (1ull << n) - 1);
        set_bits(last, port, 1, s.at + n == f.bytes.size());
    }
    void taken(Source &s)
    {
        s.at += 64;
        s.offers = false;
        if (s.at >= s.frames.front().bytes.size()) {
            s.at = 0;
            s.frames.pop_front();
        }
    }
    // A beat as it stands; true with the last one that is taken.
    template <class D, class K, class B>
    bool look(Sink &s, const char *name, uint32_t port, const D &data, const K &keep,
              const B &valid, const B &last, const B &ready, uint64_t *user)
    {
        if (s.held && !bits(valid, port, 1))
            b.fail("%s %u: what was offered is gone", name, port);
        if (!bits(valid, port, 1))
            return false;
        const uint8_t *from = reinterpret_cast<const uint8_t *>(&data) + 64 * port;
        uint64_t k = bits(keep, 64 * port, 64);
        bool l = bits(last, port, 1);
        if (s.held && (memcmp(from, s.data, 64) || k != s.keep || l != s.last ||
                       user[0] != s.user[0] || user[1] != s.user[1]))
            b.fail("%s %u: what was offered has changed", name, port);
        if (s.bytes.empty())
            memcpy(s.first_user, user, sizeof(s.first_user));
        else if (user[0] != s.first_user[0] || user[1] != s.first_user[1])
            b.fail("%s %u: tuser is %llx:%llx in a later beat, %llx:%llx in the first", name, port,
                   (unsigned long long)user[1], (unsigned long long)user[0],
                   (unsigned long long)s.first_user[1], (unsigned long long)s.first_user[0]);
        if (k & (k + 1) || !k || (!l && ~k))
            b.fail("%s %u: tkeep %llx", name, port, (unsigned long long)k);
        s.held = !bits(ready, port, 1);
        memcpy(s.data, from, 64);
        s.keep = k;
        s.last = l;
        memcpy(s.user, user, sizeof(s.user));
        if (s.held)
            return false;
        s.bytes.insert(s.bytes.end(), from, from + __builtin_popcountll(k));
        return l;
    }

    void came(const char *name, std::deque<Frame> &want, const Bytes &bytes, uint32_t *skipped,
              Frame *frame)
    {
        uint32_t lost = 0;
        while (!want.empty() && want.front().bytes != bytes && may_lose) {
            want.pop_front();
            lost++;
        }
        if (want.empty() || want.front().bytes != bytes)
            b.fail("%s: a frame of %zu bytes that is not the next (%zu are expected)", name,
                   bytes.size(), want.size());
        *skipped += lost;
        *frame = want.front();
        want.pop_front();
    }
    void host_came(uint32_t port)
    {
        Frame f;
        if (!either[port].empty() && frame_either(port, host[port].bytes, &f))
            return host[port].bytes.clear();
        came("to the host", want_host[port], host[port].bytes, &skipped_host, &f);
        if (host[port].user[0] != host_meant(port, f) || host[port].user[1])
            b.fail("to the host: tuser %llx, not %llx", (unsigned long long)host[port].user[0],
                   (unsigned long long)host_meant(port, f));
        host_frames++;
        host[port].bytes.clear();
    }
    void wire_came(uint32_t port)
    {
        Frame f;
        uint32_t from = port, none = 0;
        uint64_t meant[2] = {0, 0};
        bool own = wire_own(wire[port].user, &from);
        if (own && !either[port].empty() && frame_either(port, wire[port].bytes, &f))
            return wire[port].bytes.clear();
        if (own) {
            if (from == PORTS) // this shell does not say
                from = want_own[port][0].empty() ||
                       want_own[port][0].front().bytes != wire[port].bytes;
            came("to the wire", want_own[port][from], wire[port].bytes, &skipped_own, &f);
            own_frames++;
            own_bytes += f.bytes.size();
        } else {
            came("past the program", want_sent[port], wire[port].bytes, &none, &f);
            sent_frames++;
        }
        wire_meant(port, f, own, meant);
        if (meant[0] != wire[port].user[0])
            b.fail("to the wire: tuser %llx, not %llx", (unsigned long long)wire[port].user[0],
                   (unsigned long long)meant[0]);
        wire[port].bytes.clear();
    }
    // frames that go one way or the other, each once
    bool frame_either(uint32_t port, const Bytes &bytes, Frame *frame)
    {
        for (size_t i = 0; i < either[port].size(); i++)
            if (either[port][i].bytes == bytes) {
                *frame = either[port][i];
                either[port].erase(either[port].begin() + i);
                return true;
            }
        return false;
    }

    // --- a clock of the packets
    void tick()
    {
        bool edge = false;
        for (uint32_t p = 0; p < PORTS; p++) {
            offer(rx[p], p, RX(data), RX(keep), RX(valid), RX(last));
            offer(tx[p], p, TX(data), TX(keep), TX(valid), TX(last));
            if (rx[p].offers)
                rx_user(p, rx[p].frames.front(), rx[p].at == 0,
                        rx[p].at + 64 >= rx[p].frames.front().bytes.size());
            if (tx[p].offers)
                sent_user(p, tx[p].frames.front());
            set_bits(HOST(ready), p, 1, !b.rng.chance(host[p].stalls));
            set_bits(WIRE(ready), p, 1, !b.rng.chance(wire[p].stalls));
        }
        b.context.time(b.clocks);
        t.eval();
        quiet();
        for (uint32_t p = 0; p < PORTS; p++) {
            uint64_t user[2] = {0, 0};
            if (rx[p].offers && bits(RX(ready), p, 1))
                taken(rx[p]);
            if (tx[p].offers && bits(TX(ready), p, 1))
                taken(tx[p]);
            host_user(p, user);
            if (look(host[p], "to the host", p, HOST(data), HOST(keep), HOST(valid), HOST(last),
                     HOST(ready), user))
                host_came(p);
            user[0] = user[1] = 0;
            wire_user(p, user);
            if (look(wire[p], "to the wire", p, WIRE(data), WIRE(keep), WIRE(valid), WIRE(last),
                     WIRE(ready), user))
                wire_came(p);
        }
        bool aw = AXIL(awready), bv = AXIL(bvalid), ar = AXIL(arready), rv = AXIL(rvalid);
        uint32_t data = AXIL(rdata), resp = AXIL(bresp) | AXIL(rresp);
        clock_edges(&edge);
        b.clocks++;
        if (!edge)
            return;
        switch (axil) {
        case AXIL_WRITE:
            if (aw) {
                AXIL(awvalid) = AXIL(wvalid) = 0;
                AXIL(bready) = 1;
                axil = AXIL_WRITTEN;
            }
            break;
        case AXIL_READ:
            if (ar) {
                AXIL(arvalid) = 0;
                AXIL(rready) = 1;
                axil = AXIL_GOT;
            }
            break;
        case AXIL_WRITTEN:
        case AXIL_GOT:
            if (axil == AXIL_WRITTEN ? bv : rv) {
                AXIL(bready) = AXIL(rready) = 0;
                axil_data = data;
                errors += resp != 0;
                axil = AXIL_NONE;
            }
            break;
        }
    }
    void run(uint32_t clocks)
    {
        while (clocks--)
            tick();
    }
    void wait()
    {
        for (uint32_t n = 0; axil != AXIL_NONE; n++) {
            if (n > 1000)
                b.fail("a register does not answer");
            tick();
        }
    }
    void write(uint32_t addr, uint32_t data)
    {
        AXIL(awaddr) = addr;
        AXIL(wdata) = data;
        AXIL(awvalid) = AXIL(wvalid) = 1;
        axil = AXIL_WRITE;
        wait();
    }
    uint32_t read(uint32_t addr)
    {
        AXIL(araddr) = addr;
        AXIL(arvalid) = 1;
        axil = AXIL_READ;
        wait();
        return axil_data;
    }
    void expect(const char *what, uint32_t addr, uint32_t want)
    {
        uint32_t got = read(addr);
        if (got != want)
            b.fail("%s is %u, not %u", what, got, want);
    }
    // All that is under way arrives.
    void drain()
    {
        uint32_t still = 0, frames = 0;
        for (uint32_t n = 0; still < 400; n++) {
            uint32_t now = host_frames + own_frames + sent_frames;
            size_t left = 0;
            for (uint32_t p = 0; p < PORTS; p++)
                left += rx[p].frames.size() + tx[p].frames.size() + host[p].bytes.size() +
                        wire[p].bytes.size();
            still = left || now != frames ? 0 : still + 1;
            frames = now;
            if (n > 200000)
                b.fail("packets are stuck");
            tick();
        }
        for (uint32_t p = 0; p < PORTS; p++) {
            if (may_lose) {
                skipped_host += uint32_t(want_host[p].size());
                want_host[p].clear();
                for (uint32_t q = 0; q < PORTS; q++) {
                    skipped_own += uint32_t(want_own[p][q].size());
                    want_own[p][q].clear();
                }
            }
            for (uint32_t q = 0; q < PORTS; q++)
                if (!want_own[p][q].empty())
                    b.fail("%zu packets of the program did not leave port %u",
                           want_own[p][q].size(), p);
            if (!want_host[p].empty() || !want_sent[p].empty() || !either[p].empty())
                b.fail("port %u: %zu packets for the host, %zu of the shell, %zu of either way did "
                       "not come",
                       p, want_host[p].size(), want_sent[p].size(), either[p].size());
        }
    }

    // --- frames; the first twelve bytes tell the echo slot what to do
    Frame random_frame(uint32_t port, uint32_t most)
    {
        Frame f;
        f.bytes.resize(60 + b.rng.below(b.rng.chance(60) ? 80 : most - 60));
        b.rng.fill(f.bytes.data(), f.bytes.size());
        f.bytes[6] = f.bytes[7] = f.bytes[8] = f.bytes[9] = f.bytes[10] = f.bytes[11] = 0;
        f.user = b.rng.next();
        f.from = port;
        return f;
    }
    void shell_sends(uint32_t port)
    {
        Frame f = random_frame(port, 1500);
        tx[port].frames.push_back(f);
        want_sent[port].push_back(f);
    }
    void without_meta(Frame &f)
    {
        f.bytes.erase(f.bytes.begin(), f.bytes.begin() + f.bytes[7]);
    }

    // --- what the benches do
    void passes_by(uint32_t n)
    {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t p = b.rng.below(PORTS);
            Frame f = random_frame(p, 1500);
            f.bytes[6] = uint8_t(b.rng.below(6));
            f.bytes[7] = uint8_t(b.rng.below(30));
            rx[p].frames.push_back(f);
            want_host[p].push_back(f);
            shell_sends(b.rng.below(PORTS));
        }
        drain();
        expect("COUNT of packets that the program did not see", at[3] + SPEC_VERDICT_COUNT + 8 * 2,
               0);
    }
    void verdicts(uint32_t n, bool with_errors)
    {
        uint32_t counts[5] = {0}, no_target = 0, events = 0, bad = 0, packets[PORTS] = {0};
        uint64_t own = own_frames, before = own_bytes;

        // redirect words 200 and 201 mean the host and port 1
        const uint32_t table[] = {200, 0, 1u << 31 | 2u << 8, 201, 0, 1u << 31 | 1u << 8 | 1};
        for (uint32_t i = 0; i < 6; i++)
            write(at[3] + SPEC_VERDICT_TABLE + 4 * i, table[i]);
        for (uint32_t i = 0; i < n; i++) {
            static const uint8_t returns[] = {0, 1, 2, 2, 3, 3, 4, 9};
            static const uint8_t words[] = {1, 2, 77, 200, 201};
            uint32_t p = b.rng.below(PORTS), ret = returns[b.rng.below(8)],
                     word = words[b.rng.below(5)];
            Frame f = random_frame(p, 1500);
            f.bytes[6] = uint8_t(ret);
            f.bytes[7] = uint8_t(b.rng.chance(40) ? b.rng.below(46) : 0);
            f.bytes[8] = uint8_t(b.rng.chance(10) ? b.rng.below(3) : 0);
            f.bytes[9] = word < 200 ? 0x80 : 0;
            f.bytes[10] = uint8_t(word);
            f.error = with_errors && b.rng.chance(5);
            rx[p].frames.push_back(f);
            if (b.rng.chance(50))
                shell_sends(b.rng.below(PORTS));
            if (f.error) {
                bad++;
                continue;
            }
            packets[p]++;
            counts[ret < 5 ? ret : 0]++;
            events += f.bytes[8] != 0;
            without_meta(f);
            if (ret == 2 || (ret == 4 && word == 200))
                want_host[p].push_back(f);
            else if (ret == 3)
                want_own[p][p].push_back(f);
            else if (ret == 4 && word != 77)
                want_own[word == 201 ? 1 : word - 1][p].push_back(f);
            else
                no_target += ret == 4;
        }
        drain();
        for (uint32_t i = 0; i < 5; i++)
            expect("COUNT", at[3] + SPEC_VERDICT_COUNT + 8 * i, counts[i]);
        expect("NO_TARGET", at[3] + SPEC_VERDICT_NO_TARGET, no_target);
        expect("EVENTS_LOST", at[3] + SPEC_VERDICT_EVENTS_LOST, events);
        uint32_t sent = 0, bytes = 0, wrong = 0;
        for (uint32_t p = 0; p < PORTS; p++) {
            uint32_t base = at[1 + p];
            expect("RX_PACKETS", base + SPEC_PORT_RX_PACKETS, packets[p]);
            expect("RX_MISSED", base + SPEC_PORT_RX_MISSED, 0);
            expect("TX_DROPPED", base + SPEC_PORT_TX_DROPPED, 0);
            sent += read(base + SPEC_PORT_TX_PACKETS);
            bytes += read(base + SPEC_PORT_TX_BYTES);
            wrong += read(base + SPEC_PORT_RX_ERRORS);
        }
        if (sent != own_frames - own || bytes != own_bytes - before || wrong != bad)
            b.fail("TX_PACKETS %u, TX_BYTES %u, RX_ERRORS %u; not %u, %u, %u", sent, bytes, wrong,
                   unsigned(own_frames - own), unsigned(own_bytes - before), bad);
    }
    // The way changes under load: each packet goes one of the two, once.
    void switches(uint32_t times)
    {
        for (uint32_t i = 0; i < times; i++) {
            for (uint32_t n = 0; n < 12; n++) {
                uint32_t p = b.rng.below(PORTS);
                Frame f = random_frame(p, 400);
                f.bytes[6] = 3;
                rx[p].frames.push_back(f);
                either[p].push_back(f);
            }
            run(b.rng.below(60));
            bool holds = b.rng.chance(50); // packets stay in the slot meanwhile
            if (holds)
                write(SPEC_CSR_CTRL, 3);
            write(at[0] + SPEC_NIC_CTRL, i & 1);
            if (holds) {
                run(20);
                write(SPEC_CSR_CTRL, 1);
            }
        }
        drain();
    }
    // The program does not take packets: the shell waits, nothing is lost.
    void program_waits()
    {
        write(SPEC_CSR_CTRL, 0);
        for (uint32_t n = 0; n < 1200; n++) {
            Frame f = random_frame(0, 300);
            f.bytes[6] = 2;
            rx[0].frames.push_back(f);
            want_host[0].push_back(f);
        }
        rx[0].stall.off = true;
        host[0].stalls = 0;
        run(3000);
        if (rx[0].frames.empty() || bits(RX(ready), 0, 1))
            b.fail("a program that takes nothing does not hold the shell back");
        write(SPEC_CSR_CTRL, 1);
        drain();
        rx[0].stall.off = false;
        host[0].stalls = 20;
        expect("RX_MISSED", at[1] + SPEC_PORT_RX_MISSED, 0);
    }
    // The host of port 0 and the wire of port 1 stop: what finds no room is lost and counted, the
    // rest goes on.
    void shell_stops()
    {
        may_lose = true;
        host[0].stalls = wire[1].stalls = 100;
        for (uint32_t n = 0; n < 900; n++) {
            uint32_t p = n & 1;
            Frame f = random_frame(p, 300);
            f.bytes[6] = p ? 3 : 2;
            rx[p].frames.push_back(f);
            (p ? want_own[1][1] : want_host[0]).push_back(f);
            f = random_frame(p, 300);
            f.bytes[6] = p ? 2 : 3;
            rx[p].frames.push_back(f);
            (p ? want_host[1] : want_own[0][0]).push_back(f);
        }
        uint32_t others = host_frames + own_frames;
        for (uint32_t n = 0; (!rx[0].frames.empty() || !rx[1].frames.empty()) && n < 50000; n++)
            tick();
        run(4000); // what waits inside
        if (host_frames + own_frames - others != 900)
            b.fail("%u packets came the ways that do not stop, not 900",
                   host_frames + own_frames - others);
        host[0].stalls = wire[1].stalls = 20;
        drain();
        if (!skipped_host || !skipped_own)
            b.fail("nothing was lost");
        expect("RX_MISSED", at[1] + SPEC_PORT_RX_MISSED, skipped_host);
        expect("TX_DROPPED", at[2] + SPEC_PORT_TX_DROPPED, skipped_own);
        may_lose = false;
    }
    void list_of_blocks()
    {
        const uint32_t want[] = {SPEC_BLOCK_NIC, SPEC_BLOCK_PORT, SPEC_BLOCK_PORT,
                                 SPEC_BLOCK_VERDICT};
        uint32_t addr = SPEC_BAR_LIST;
        for (uint32_t i = 0; i < 4; i++) {
            expect("TYPE", addr, want[i]);
            at[i] = addr;
            addr = read(addr + 8);
        }
        if (addr)
            b.fail("a block behind VERDICT, at %x", addr);
        expect("RX_QUEUES", at[0] + SPEC_NIC_RX_QUEUES, 0);
        expect("TX_QUEUES", at[0] + SPEC_NIC_TX_QUEUES, 0);
        expect("a ring's TYPE", 0x12000, 0);
        expect("the event ring's TYPE", 0x18000, 0);
    }
    int all(bool with_errors)
    {
        list_of_blocks();
        passes_by(uint32_t(b.operations) / 4);
        write(SPEC_CSR_CTRL, 1);
        write(at[0] + SPEC_NIC_CTRL, 2); // counters from 0
        write(at[0] + SPEC_NIC_CTRL, 1);
        verdicts(uint32_t(b.operations), with_errors);
        switches(41);
        write(at[0] + SPEC_NIC_CTRL, 1);
        program_waits();
        shell_stops();
        if (errors)
            b.fail("%u registers answer with an error", errors);
        return b.pass("%u packets to the host, %u of the program and %u of the shell to the wire, "
                      "%u lost for want of room",
                      host_frames, own_frames, sent_frames, skipped_host + skipped_own);
    }
};
