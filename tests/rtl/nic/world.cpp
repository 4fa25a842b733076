// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

// --- clock, registers

void World::tick()
{
    for (uint32_t p = 0; p < PORTS; p++)
        drive_mac(p);
    mem.drive(b, t);
    b.settle();
    for (uint32_t p = 0; p < PORTS; p++)
        sample_mac(p);
    mem.sample(b, t);
    b.edge();
}

// An access that began in that clock is not left without an answer.
void World::bus_goes_on(uint64_t since, uint32_t addr)
{
    if (b.clocks - since > 20000)
        b.fail("the access of register %05x hangs", addr);
}

void World::write(uint32_t addr, uint32_t value)
{
    const uint64_t since = b.clocks;
    t.s_axil_awaddr = addr;
    t.s_axil_wdata = value;
    t.s_axil_wstrb = 15;
    t.s_axil_awvalid = t.s_axil_wvalid = 1;
    for (bool taken = false; !taken;) {
        bus_goes_on(since, addr);
        b.settle();
        taken = t.s_axil_awready && t.s_axil_wready;
        tick();
    }
    t.s_axil_awvalid = t.s_axil_wvalid = 0;
    for (bool answered = false; !answered;) {
        bus_goes_on(since, addr);
        b.settle();
        answered = t.s_axil_bvalid;
        tick();
    }
}

uint32_t World::read(uint32_t addr)
{
    const uint64_t since = b.clocks;
    uint32_t value = 0;
    t.s_axil_araddr = addr;
    t.s_axil_arvalid = 1;
    for (bool taken = false; !taken;) {
        bus_goes_on(since, addr);
        b.settle();
        taken = t.s_axil_arready;
        tick();
    }
    t.s_axil_arvalid = 0;
    for (bool answered = false; !answered;) {
        bus_goes_on(since, addr);
        b.settle();
        answered = t.s_axil_rvalid;
        value = t.s_axil_rdata;
        tick();
    }
    return value;
}

// --- MACs

void World::drive_mac(uint32_t p)
{
    uint8_t data[64];
    uint64_t keep = ~0ull;
    bool valid = false, last = false, error = false;
    b.rng.fill(data, sizeof data);
    if (gap[p])
        gap[p]--;
    else if (!in[p].empty()) {
        const Frame &f = in[p].front();
        size_t n = std::min<size_t>(64, f.bytes.size() - at[p]);
        memcpy(data, &f.bytes[at[p]], n);
        valid = true;
        last = at[p] + n == f.bytes.size();
        error = last && f.error;
        if (n < 64)
            keep = (1ull << n) - 1;
    }
    memcpy(reinterpret_cast<uint8_t *>(&t.s_axis_mac_tdata) + 64 * p, data, 64);
    memcpy(reinterpret_cast<uint8_t *>(&t.s_axis_mac_tkeep) + 8 * p, &keep, 8);
    auto bit = [p](uint8_t &port, bool on) { port = uint8_t((port & ~(1u << p)) | (on ? 1u << p : 0)); };
    bit(t.s_axis_mac_tvalid, valid);
    bit(t.s_axis_mac_tlast, last);
    bit(t.s_axis_mac_tuser, error);
    held[p].ready = !b.rng.chance(out_percent);
    bit(t.m_axis_mac_tready, held[p].ready);
}

void World::sample_mac(uint32_t p)
{
    if (!gap[p] && !in[p].empty() && (t.s_axis_mac_tvalid >> p & 1)) {
        Frame &f = in[p].front();
        at[p] += 64;
        if (at[p] >= f.bytes.size()) {
            arrive(p, f.bytes, f.error);
            at[p] = 0;
            in[p].pop_front();
            gap[p] = in[p].empty() ? 0 : in[p].front().gap;
        }
    }
    bool valid = t.m_axis_mac_tvalid >> p & 1, last = t.m_axis_mac_tlast >> p & 1;
    uint8_t beat[73];
    uint64_t keep;
    memcpy(beat, reinterpret_cast<uint8_t *>(&t.m_axis_mac_tdata) + 64 * p, 64);
    memcpy(&keep, reinterpret_cast<uint8_t *>(&t.m_axis_mac_tkeep) + 8 * p, 8);
    memcpy(beat + 64, &keep, 8);
    beat[72] = last;
    if (held[p].valid && (!valid || memcmp(beat, held[p].beat, 73)))
        b.fail("port %u: what was offered did not stay", p);
    memcpy(held[p].beat, beat, 73);
    held[p].valid = valid && !held[p].ready;
    if (!valid || !held[p].ready)
        return;
    uint32_t n = keep == ~0ull ? 64 : uint32_t(__builtin_ctzll(~keep));
    if ((n < 64 && keep != (1ull << n) - 1) || (!last && n < 64) || !n)
        b.fail("port %u: tkeep %llx, last %d", p, (unsigned long long)keep, last);
    way[p].bytes.append(reinterpret_cast<char *>(beat), n);
    if (last)
        out(p);
}

// A packet has left by port p: it is the next one of some source.
void World::out(uint32_t p)
{
    Way &w = way[p];
    if (drain) {
        w.bytes.clear();
        return;
    }
    bool found = false;
    auto match = [&](std::deque<Bytes> &queue, bool may_skip) {
        for (size_t i = 0; i < queue.size() && !found && (may_skip || i == 0); i++)
            if (queue[i] == w.bytes) {
                w.skipped += i;
                queue.erase(queue.begin(), queue.begin() + long(i) + 1);
                found = true;
            }
    };
    for (uint32_t from = 0; from < PORTS && !found; from++)
        match(w.program[from], false);
    for (uint32_t q = 0; q < TXQS && !found; q++)
        match(w.host[q], false);
    for (uint32_t from = 0; from < PORTS && !found && loss; from++)
        match(w.program[from], true);
    if (!found)
        b.fail("port %u: a packet of %zu bytes that nobody sent now", p, w.bytes.size());
    if (!w.order.empty()) {
        if (w.order.front() != w.bytes)
            b.fail("port %u: a packet of %zu bytes passes one of %zu", p, w.bytes.size(), w.order.front().size());
        w.order.pop_front();
    }
    w.packets++;
    w.total_bytes += w.bytes.size();
    w.bytes.clear();
    first_out = first_out ? first_out : b.clocks;
    last_out = b.clocks;
}

// A frame's last beat has come in by port p.
void World::arrive(uint32_t p, const Bytes &f, bool error)
{
    bool multicast = f[0] & 1, broadcast = !memcmp(&f[0], "\xff\xff\xff\xff\xff\xff", 6);
    bool wanted = promiscuous[p] || broadcast || (allmulti[p] && multicast) || !memcmp(&f[0], mac[p], 6);
    for (uint32_t i = 0; i < 8; i++)
        wanted = wanted || ((in_use[p] >> i & 1) && !memcmp(&f[0], filter[p][i], 6));
    if (drain)
        return;
    if (error)
        expect_error[p]++;
    else if (f.size() < 14 || f.size() > max_bytes[p])
        expect_size[p]++;
    else if (!wanted)
        expect_filtered[p]++;
    else {
        expect_taken[p]++;
        expect_bytes[p] += f.size();
        expect(p, f);
    }
}

// What a packet that goes on leads to.
void World::expect(uint32_t p, const Bytes &f)
{
    Expected e;
    e.bytes = f;
    e.port = p;
    e.hashed = rss.hash(f, &e.hash);
    e.ret = uint8_t(f[6]);
    e.meta = uint8_t(f[7]);
    e.events = uint8_t(f[8]);
    e.redirect = redirect_word(f);
    uint32_t queue = e.queue = rss.table[e.hash & 127];
    verdicts[e.ret < 5 ? e.ret : 0]++;
    begun++; // whatever is reset
    if (e.events)
        rx[QUEUES].expected.push_back(e);
    int to_port = -1, to_queue = -1;
    if (e.ret == 2)
        to_queue = int(queue);
    else if (e.ret == 3)
        to_port = int(p);
    else if (e.ret == 4 && e.redirect >> 63)
        to_port = e.redirect << 32 >> 32 == 7 ? 0 : e.redirect << 32 >> 32 == 8 && PORTS > 1 ? 1 : -1;
    else if (e.ret == 4 && (e.redirect & 0xff) < 3) // entries of the table, see setup()
        to_port = (e.redirect & 0xff) == 0 ? int(PORTS - 1) : -1, to_queue = (e.redirect & 0xff) == 1 ? int(QUEUES - 1) : -1;
    bool drops = e.ret == 4 && !(e.redirect >> 63) && (e.redirect & 0xff) == 2;
    if (to_port >= 0)
        way[to_port].program[p].push_back(f.substr(e.meta));
    else if (to_queue >= 0)
        rx[to_queue].expected.push_back(e);
    else if (e.ret == 4 && !drops)
        no_target++;
}

// --- rings

void World::start_rx(uint32_t ring, uint32_t log2)
{
    rx[ring] = RxRing();
    rx[ring].log2 = log2;
    rx[ring].on = true;
    uint64_t base = desc(ring, 0, false);
    mem.own(base, 4096, false);
    write(rx_reg(ring, SPEC_RXQ_BASE_LO), uint32_t(base));
    write(rx_reg(ring, SPEC_RXQ_BASE_HI), uint32_t(base >> 32));
    write(rx_reg(ring, SPEC_RXQ_SIZE_LOG2), log2);
    write(rx_reg(ring, SPEC_RXQ_TAIL), 0);
    write(rx_reg(ring, SPEC_RXQ_CTRL), 1);
}

void World::start_tx(uint32_t ring, uint32_t log2)
{
    tx[ring] = TxRing();
    tx[ring].log2 = log2;
    tx[ring].on = true;
    uint64_t base = desc(ring, 0, true);
    mem.own(base, 4096, false);
    write(tx_reg(ring, SPEC_TXQ_BASE_LO), uint32_t(base));
    write(tx_reg(ring, SPEC_TXQ_BASE_HI), uint32_t(base >> 32));
    write(tx_reg(ring, SPEC_TXQ_SIZE_LOG2), log2);
    write(tx_reg(ring, SPEC_TXQ_TAIL), 0);
    write(tx_reg(ring, SPEC_TXQ_CTRL), 1);
}

// One buffer; the host writes TAIL when it has given some.
void World::give(uint32_t ring, uint32_t bytes, uint32_t shift)
{
    RxRing &r = rx[ring];
    uint32_t slot = r.give & ((1u << r.log2) - 1);
    uint64_t d = desc(ring, r.give, false);
    r.addr[slot] = RX_AREA + uint64_t(ring * SLOTS + slot) * AREA_BYTES + shift;
    r.bytes[slot] = bytes;
    mem.own(r.addr[slot], bytes, true);
    b.rng.fill(mem.at(d), 32);
    *mem.at(d) = 0; // not done
    memcpy(mem.at(d) + SPEC_RX_GIVE_ADDR, &r.addr[slot], 8);
    memcpy(mem.at(d) + SPEC_RX_GIVE_BYTES, &bytes, 4);
    mem.own(d, 32, true);
    r.give++;
}

static uint64_t field(const uint8_t *d, uint32_t at, uint32_t bytes)
{
    uint64_t v = 0;
    memcpy(&v, d + at, bytes);
    return v;
}

// All descriptors that are done. The device's address as the lowest bit of the buffer's may look like a done one, so ownership counts.
void World::poll_rx(uint32_t ring)
{
    RxRing &r = rx[ring];
    while (r.take != r.give) {
        uint8_t *d = mem.at(desc(ring, r.take, false));
        uint32_t slot = r.take & ((1u << r.log2) - 1);
        if (!memcmp(d + SPEC_RX_GIVE_ADDR, &r.addr[slot], 8) || !(d[0] & 1))
            return;
        uint32_t len = uint32_t(field(d, SPEC_RX_TAKE_LEN, 2)), flags = uint32_t(field(d, 0, 4));
        if (len > r.bytes[slot])
            b.fail("ring %u: %u bytes in a buffer of %u", ring, len, r.bytes[slot]);
        r.packet.append(reinterpret_cast<char *>(mem.at(r.addr[slot])), len);
        mem.own(r.addr[slot], r.bytes[slot], false);
        mem.own(desc(ring, r.take, false), 32, false);
        r.take++;
        if (flags & 2)
            taken(ring, d, field(d, SPEC_RX_TAKE_TOTAL, 2) == 0);
    }
}

// A packet is whole: r.packet.
void World::taken(uint32_t ring, const uint8_t *d, bool failed)
{
    RxRing &r = rx[ring];
    uint32_t flags = uint32_t(field(d, 0, 4));
    bool event = ring == QUEUES;
    int number = int(field(d, SPEC_RX_TAKE_NUMBER, 2));
    uint64_t time = field(d, SPEC_RX_TAKE_TIME, 8);
    if (r.last_number >= 0 && int16_t(number - r.last_number) <= 0)
        b.fail("ring %u: number %d after %d", ring, number, r.last_number);
    if (event) {
        uint64_t full = field(d, SPEC_RX_TAKE_REDIRECT, 8);
        if (int(full & 0xffff) != number || (r.last_number >= 0 && full <= r.last_long_number) || full >= begun)
            b.fail("event of packet %llu after %llu", (unsigned long long)full, (unsigned long long)r.last_long_number);
        r.last_long_number = full;
    }
    r.last_number = number;
    first_done = first_done ? first_done : b.clocks;
    Bytes got;
    got.swap(r.packet);
    if (failed) {
        r.lost++;
        return;
    }
    r.packets++;
    r.total_bytes += got.size();
    uint32_t port = flags >> 16 & 0xff;
    for (size_t i = 0; i < r.expected.size(); i++) {
        const Expected &e = r.expected[i];
        bool same = e.port == port;
        if (event) {
            same = same && got.size() == 64 * e.events;
            for (uint32_t n = 0; same && n < e.events; n++)
                same = !memcmp(&got[64 * n], &e.bytes[0], std::min<size_t>(63, e.bytes.size())) && uint8_t(got[64 * n + 63]) == n;
        } else
            same = same && got == e.bytes;
        if (!same) {
            if (e.port == port && !loss)
                break;
            continue;
        }
        uint32_t hash = uint32_t(field(d, SPEC_RX_TAKE_HASH, 4));
        if ((flags >> 8 & 0xff) != e.ret || (flags >> 2 & 1) != e.hashed || hash != e.hash ||
            field(d, SPEC_RX_TAKE_TOTAL, 2) != got.size() || field(d, SPEC_RX_TAKE_META, 2) != (event ? e.queue : e.meta) ||
            (!event && field(d, SPEC_RX_TAKE_REDIRECT, 8) != e.redirect) || flags >> 24 || (flags & 0xf8))
            b.fail("ring %u: flags %x, hash %x (%x expected), total %u, meta %u", ring, flags, hash, e.hash,
                   unsigned(field(d, SPEC_RX_TAKE_TOTAL, 2)), unsigned(field(d, SPEC_RX_TAKE_META, 2)));
        if (time == 0 || time > 4 * b.clocks)
            b.fail("ring %u: time %llu", ring, (unsigned long long)time);
        // those of this port in front of it were lost
        size_t k = 0, end = i;
        while (k < end)
            if (r.expected[k].port == port) {
                r.expected.erase(r.expected.begin() + long(k));
                r.skipped++;
                end--;
            } else
                k++;
        r.expected.erase(r.expected.begin() + long(end));
        return;
    }
    b.fail("ring %u: a packet of %zu bytes of port %u that is not expected now", ring, got.size(), port);
}

// False: no room for it.
bool World::send(uint32_t ring, const Bytes &f, uint32_t port, uint32_t pieces, bool bad)
{
    TxRing &r = tx[ring];
    if (r.give - r.take + pieces > 1u << r.log2)
        return false;
    size_t at = 0;
    for (uint32_t i = 0; i < pieces; i++) {
        uint32_t slot = r.give & ((1u << r.log2) - 1), left = uint32_t(f.size() - at);
        uint32_t len = i + 1 == pieces ? left : std::min<uint32_t>(left - (pieces - 1 - i), 1 + b.rng.below(left));
        uint64_t addr = TX_AREA + uint64_t(ring * SLOTS + slot) * AREA_BYTES + b.rng.below(4160), d = desc(ring, r.give, true);
        uint32_t flags = (i + 1 == pieces ? 2 : 0) | port << 16;
        for (uint64_t a = addr & ~4095ull; a < addr + len; a += 4096)
            bad = bad || mem.bad[(a - MEM_BASE) >> 12];
        memcpy(mem.at(addr), f.data() + at, len);
        b.rng.fill(mem.at(d), 32);
        memcpy(mem.at(d) + SPEC_TX_GIVE_ADDR, &addr, 8);
        memcpy(mem.at(d) + SPEC_TX_GIVE_LEN, &len, 4);
        memcpy(mem.at(d) + SPEC_TX_GIVE_FLAGS, &flags, 4);
        if (i + 1 == pieces)
            mem.own(d + SPEC_TX_TAKE_FLAGS, 4, true);
        at += len;
        r.give++;
    }
    r.sent.push_back({pieces, bad, f, port});
    if (!bad)
        way[port].host[ring].push_back(f);
    return true;
}

void World::poll_tx(uint32_t ring)
{
    TxRing &r = tx[ring];
    while (!r.sent.empty()) {
        const TxRing::Sent &s = r.sent.front();
        uint64_t d = desc(ring, r.take + s.descs - 1, true) + SPEC_TX_TAKE_FLAGS;
        uint32_t flags = uint32_t(field(mem.at(d), 0, 4));
        if (!(flags & 1))
            return;
        if (flags != (s.bad ? 7u : 3u))
            b.fail("TX ring %u: flags %x of a %s packet", ring, flags, s.bad ? "bad" : "good");
        mem.own(d, 4, false);
        if (s.bad)
            r.bad++;
        else {
            r.packets++;
            r.total_bytes += s.bytes.size();
        }
        r.take += s.descs;
        r.sent.pop_front();
    }
}

// --- the whole

void World::setup()
{
    b.rng.fill(rss.key, sizeof rss.key);
    rss.types = uint32_t(b.rng.next()) & 0x3f;
    for (uint32_t i = 0; i < 128; i++)
        rss.table[i] = uint8_t(b.rng.below(QUEUES));
    for (uint32_t i = 0; i < 10; i++)
        write(0x16000 + SPEC_RSS_KEY + 4 * i, uint32_t(field(rss.key, 4 * i, 4)));
    for (uint32_t i = 0; i < 128; i++)
        write(0x16000 + SPEC_RSS_TABLE + 4 * i, rss.table[i]);
    write(0x16000 + SPEC_RSS_CTRL, rss.types);
    for (uint32_t p = 0; p < PORTS; p++) {
        b.rng.fill(mac[p], 6);
        mac[p][0] &= 0xfe;
        write(port_reg(p, SPEC_PORT_MAC_LO), uint32_t(field(mac[p], 0, 4)));
        write(port_reg(p, SPEC_PORT_MAC_HI), uint32_t(field(mac[p], 4, 2)));
        write(port_reg(p, SPEC_PORT_IFINDEX), 7 + p);
        max_bytes[p] = 9216;
        write(port_reg(p, SPEC_PORT_MAX_BYTES), max_bytes[p]);
        in_use[p] = uint32_t(b.rng.next()) & 0xff;
        b.rng.fill(filter[p], sizeof filter[p]);
        for (uint32_t i = 0; i < 8; i++) {
            write(port_reg(p, SPEC_PORT_FILTER) + 8 * i, uint32_t(field(filter[p][i], 0, 4)));
            write(port_reg(p, SPEC_PORT_FILTER) + 8 * i + 4, uint32_t(field(filter[p][i], 4, 2)) | (in_use[p] >> i & 1) << 31);
        }
        promiscuous[p] = b.rng.chance(15);
        allmulti[p] = b.rng.chance(30);
        write(port_reg(p, SPEC_PORT_CTRL), 1u | promiscuous[p] << 1 | allmulti[p] << 2);
    }
    // redirect words (1 << 32) | n: 0 the last port, 1 the last queue, 2 drop
    const uint32_t means[] = {1u << 31 | 1u << 8 | (PORTS - 1), 1u << 31 | 2u << 8 | (QUEUES - 1), 1u << 31};
    for (uint32_t n = 0; n < 3; n++) {
        write(0x17000 + SPEC_VERDICT_TABLE + 12 * n, n);
        write(0x17000 + SPEC_VERDICT_TABLE + 12 * n + 4, 1);
        write(0x17000 + SPEC_VERDICT_TABLE + 12 * n + 8, means[n]);
    }
    write(SPEC_CSR_CTRL, 1);
    write(0x10000 + SPEC_NIC_CTRL, 1);
}

// All that is under way comes to its end, and nothing is expected any more.
void World::forget()
{
    drain = true;
    for (uint32_t p = 0; p < PORTS; p++)
        in[p].resize(at[p] ? 1 : 0);
    for (int i = 0; i < 3000; i++)
        tick();
    drain = false;
    for (uint32_t p = 0; p < PORTS; p++) {
        way[p] = Way();
        expect_taken[p] = expect_bytes[p] = expect_error[p] = expect_size[p] = expect_filtered[p] = 0;
    }
    for (RxRing &r : rx)
        r = RxRing();
    for (TxRing &r : tx)
        r = TxRing();
    memset(verdicts, 0, sizeof verdicts);
    no_target = mem.read_errors = mem.write_errors = 0;
    std::fill(mem.mine.begin(), mem.mine.end(), 0);
}

void World::hard_reset()
{
    mem.clear();
    for (uint32_t p = 0; p < PORTS; p++) {
        in[p].clear();
        at[p] = gap[p] = 0;
        drive_mac(p);
        held[p].valid = false;
        way[p].bytes.clear();
    }
    mem.drive(b, t);
    b.reset();
}

bool World::done() const
{
    for (uint32_t p = 0; p < PORTS; p++) {
        if (!in[p].empty())
            return false;
        for (const auto &q : way[p].program)
            if (!q.empty())
                return false;
        for (const auto &q : way[p].host)
            if (!q.empty())
                return false;
    }
    for (const RxRing &r : rx)
        if (r.on && !r.expected.empty())
            return false;
    for (const TxRing &r : tx)
        if (!r.sent.empty())
            return false;
    return true;
}

// Nothing is under way. What is still expected was lost, and counted.
void World::check_counters()
{
    uint64_t lost = 0, missed = 0, dropped = 0;
    auto same = [&](const char *what, uint32_t n, uint64_t got, uint64_t want) {
        if (got != want)
            b.fail("%s %u is %llu, not %llu", what, n, (unsigned long long)got, (unsigned long long)want);
    };
    for (uint32_t p = 0; p < PORTS; p++) {
        uint64_t left = 0;
        for (const auto &q : way[p].program)
            left += q.size();
        lost += way[p].skipped + left;
        uint64_t m = count(port_reg(p, SPEC_PORT_RX_MISSED));
        missed += m;
        dropped += count(port_reg(p, SPEC_PORT_TX_DROPPED));
        same("RX_PACKETS of port", p, count(port_reg(p, SPEC_PORT_RX_PACKETS)) + m, expect_taken[p]);
        if (!m)
            same("RX_BYTES of port", p, count(port_reg(p, SPEC_PORT_RX_BYTES)), expect_bytes[p]);
        same("RX_FILTERED of port", p, count(port_reg(p, SPEC_PORT_RX_FILTERED)), expect_filtered[p]);
        same("RX_SIZE of port", p, count(port_reg(p, SPEC_PORT_RX_SIZE)), expect_size[p]);
        same("RX_ERRORS of port", p, count(port_reg(p, SPEC_PORT_RX_ERRORS)), expect_error[p]);
        same("TX_PACKETS of port", p, count(port_reg(p, SPEC_PORT_TX_PACKETS)), way[p].packets);
        same("TX_BYTES of port", p, count(port_reg(p, SPEC_PORT_TX_BYTES)), way[p].total_bytes);
    }
    for (uint32_t q = 0; q < RINGS; q++) {
        if (!rx[q].on)
            continue;
        lost += q == QUEUES ? 0 : rx[q].skipped + rx[q].expected.size() - rx[q].lost;
        uint64_t d = count(rx_reg(q, SPEC_RXQ_DROPPED));
        dropped += q == QUEUES ? 0 : d;
        if (q == QUEUES && !missed)
            same("EVENTS_LOST", 0, count(0x17000 + SPEC_VERDICT_EVENTS_LOST), rx[q].skipped + rx[q].expected.size() - rx[q].lost);
        same("PACKETS of ring", q, count(rx_reg(q, SPEC_RXQ_PACKETS)), rx[q].packets);
        same("BYTES of ring", q, count(rx_reg(q, SPEC_RXQ_BYTES)), rx[q].total_bytes);
        same("HEAD of ring", q, read(rx_reg(q, SPEC_RXQ_HEAD)), rx[q].take & 0xffff);
    }
    for (uint32_t q = 0; q < TXQS; q++) {
        same("PACKETS of TX ring", q, count(tx_reg(q, SPEC_TXQ_PACKETS)), tx[q].packets);
        same("BYTES of TX ring", q, count(tx_reg(q, SPEC_TXQ_BYTES)), tx[q].total_bytes);
        same("BAD of TX ring", q, count(tx_reg(q, SPEC_TXQ_BAD)), tx[q].bad);
        same("HEAD of TX ring", q, read(tx_reg(q, SPEC_TXQ_HEAD)), tx[q].take & 0xffff);
    }
    if (!missed) {
        same("lost packets, drops", 0, dropped, lost);
        for (uint32_t v = 0; v < 5; v++)
            same("COUNT of verdict", v, count(0x17000 + SPEC_VERDICT_COUNT + 8 * v), verdicts[v]);
        same("NO_TARGET", 0, count(0x17000 + SPEC_VERDICT_NO_TARGET), no_target);
    }
    same("DMA_ERRORS", 0, read(0x10000 + SPEC_NIC_DMA_ERRORS), mem.read_errors + mem.write_errors);
    if (!loss)
        same("lost packets", 0, lost + missed, 0);
    same("STATUS busy", 0, read(0x10000 + SPEC_NIC_STATUS) & 5, 0);
}
