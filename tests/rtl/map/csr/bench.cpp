// SPDX-License-Identifier: BSD-3-Clause
// csr_block as the front of the mailbox: random writes and reads of its registers, overlapping and
// with stalls, while commands on value memory run bursts through its window at random speed. The
// model is the window as bytes. At the end, with nothing stalled, a block of registers must take
// one clock a word.
#include <deque>

#include "Vtop.h"
#include "bench.h"
#include "hw/spec/gen/csr.h"

static const uint32_t WINDOW_BYTES = 256, WORDS = 32, BLOCK = 64;

struct Read {
    uint32_t addr, want;
};

struct State {
    Bench<Vtop> b;
    Vtop &t = *b.top;
    uint8_t window[WINDOW_BYTES] = {};
    bool busy = false; // a command runs in the device
    uint32_t cmd = 0, first = 0, count = 1, at = 0, left = 0;
    bool have_aw = false, have_w = false; // of the write under way
    uint32_t waddr = 0, wdata = 0, wstrb = 0;
    std::deque<Read> reads;
    uint32_t answers_due = 0;
    Stall stall[4];     // address, data, read address, both answers
    bool quiet = false; // starts nothing new
    uint64_t written = 0, read = 0, bursts = 0, meanwhile = 0;

    State(int argc, char **argv) : b(BENCH_NAME, argc, argv, 30000)
    {
    }
    void clock();
    void finish_write();
    Read expected(uint32_t addr);
    void mailbox();
};

Read State::expected(uint32_t addr)
{
    Read r = {addr, first << 8 | count};
    if (addr != SPEC_CSR_MBOX_BURST)
        memcpy(&r.want, window + addr - SPEC_CSR_MBOX_VALUE, 4);
    meanwhile += busy;
    return r;
}

// Address and data are both there: what the registers make of them.
void State::finish_write()
{
    uint32_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= wstrb >> i & 1 ? 0xffu << 8 * i : 0;
    written++;
    answers_due++;
    if (busy)
        return; // ignored
    if (waddr >= SPEC_CSR_MBOX_VALUE) {
        uint32_t old;
        memcpy(&old, window + waddr - SPEC_CSR_MBOX_VALUE, 4);
        old = (old & ~mask) | (wdata & mask);
        memcpy(window + waddr - SPEC_CSR_MBOX_VALUE, &old, 4);
    } else if (waddr == SPEC_CSR_MBOX_BURST && (wstrb & 3) == 3) {
        first = wdata >> 8 & 31;
        count = wdata & 63;
    } else if (waddr == SPEC_CSR_MBOX_CMD && wstrb & 1) {
        busy = true;
        cmd = wdata;
        at = first;
        left = count;
    }
}

// The other side of the mailbox, for one clock: a step, the end, or nothing.
void State::mailbox()
{
    t.mbox_step_i = 0;
    t.mbox_done_i = 0;
    if (!t.mbox_valid_o || b.rng.chance(40))
        return;
    if (t.mbox_cmd_o != cmd || t.mbox_count_o != count)
        b.fail("command %u of %u words, not %u of %u", t.mbox_cmd_o, t.mbox_count_o, cmd, count);
    t.mbox_done_i = left <= 1 && (left == 0 || cmd == SPEC_MBOX_VMEM_READ);
    t.mbox_step_i = left > 0;
    t.mbox_value_i = b.rng.next();
}

void State::clock()
{
    // the outputs that the mailbox side looks at come from registers
    b.settle();
    mailbox();
    if (!quiet && !have_aw && !stall[0].now(b.rng)) {
        static const uint32_t places[] = {SPEC_CSR_MBOX_BURST, SPEC_CSR_MBOX_CMD};
        waddr =
            b.rng.chance(80) ? SPEC_CSR_MBOX_VALUE + 4 * b.rng.below(64) : places[b.rng.below(2)];
        wdata = waddr == SPEC_CSR_MBOX_BURST ? b.rng.below(32) << 8 | (1 + b.rng.below(32))
                : waddr == SPEC_CSR_MBOX_CMD ? 1 + b.rng.below(2)
                                             : uint32_t(b.rng.next());
        wstrb = b.rng.chance(70) ? 15 : b.rng.below(16);
        have_aw = true;
    }
    t.s_axil_awvalid = have_aw;
    t.s_axil_awaddr = waddr;
    if (have_aw && !have_w && !stall[1].now(b.rng))
        have_w = true;
    t.s_axil_wvalid = have_w;
    t.s_axil_wdata = wdata;
    t.s_axil_wstrb = wstrb;
    if (!quiet && !t.s_axil_arvalid && !stall[2].now(b.rng)) {
        t.s_axil_arvalid = 1;
        t.s_axil_araddr =
            b.rng.chance(95) ? SPEC_CSR_MBOX_VALUE + 4 * b.rng.below(64) : SPEC_CSR_MBOX_BURST;
    }
    t.s_axil_rready = !stall[3].now(b.rng);
    t.s_axil_bready = !stall[3].now(b.rng);
    b.settle();
    if (t.s_axil_rvalid && t.s_axil_rready) {
        if (reads.empty())
            b.fail("an answer that belongs to no read");
        Read r = reads.front();
        reads.pop_front();
        if (t.s_axil_rdata != r.want)
            b.fail("%04x reads %08x, not %08x", r.addr, t.s_axil_rdata, r.want);
        read++;
    }
    if (t.s_axil_bvalid && t.s_axil_bready && !answers_due--)
        b.fail("an answer that belongs to no write");
    bool took_read = t.s_axil_arvalid && t.s_axil_arready;
    if (took_read)
        reads.push_back(expected(t.s_axil_araddr));
    bool took_write = t.s_axil_awready;
    if (took_write != bool(t.s_axil_wready) || (took_write && !(have_aw && have_w)))
        b.fail("address and data are not taken together");
    if (t.mbox_step_i) {
        uint64_t word;
        memcpy(&word, window + 8 * at, 8);
        if (cmd == SPEC_MBOX_VMEM_WRITE && t.mbox_word_o != word)
            b.fail("writes %016llx as word %u, not %016llx", (unsigned long long)t.mbox_word_o, at,
                   (unsigned long long)word);
        if (cmd == SPEC_MBOX_VMEM_READ)
            memcpy(window + 8 * at, &t.mbox_value_i, 8);
        at = (at + 1) % WORDS;
        left--;
    }
    bool done = t.mbox_done_i;
    if (took_write) {
        finish_write();
        have_aw = have_w = false;
    }
    if (done) {
        busy = false;
        bursts++;
    }
    b.edge();
    if (took_read)
        t.s_axil_arvalid = 0;
}

// Registers in a row with nothing in the way: the clocks that they take.
static uint32_t block(State &s, bool write)
{
    Vtop &t = s.t;
    uint32_t asked = 0, answered = 0, clocks = 0;
    for (; answered < BLOCK; clocks++) {
        t.s_axil_awvalid = t.s_axil_wvalid = write && asked < BLOCK;
        t.s_axil_arvalid = !write && asked < BLOCK;
        t.s_axil_awaddr = t.s_axil_araddr = SPEC_CSR_MBOX_VALUE + 4 * asked;
        t.s_axil_wdata = asked;
        t.s_axil_wstrb = 15;
        t.s_axil_bready = t.s_axil_rready = 1;
        s.b.settle();
        asked +=
            write ? t.s_axil_awvalid && t.s_axil_awready : t.s_axil_arvalid && t.s_axil_arready;
        if (!write && t.s_axil_rvalid && t.s_axil_rdata != answered)
            s.b.fail("word %u of a block reads %08x", answered, t.s_axil_rdata);
        answered += write ? t.s_axil_bvalid : t.s_axil_rvalid;
        s.b.edge();
        if (clocks > 4 * BLOCK)
            s.b.fail("a block does not end");
    }
    t.s_axil_awvalid = t.s_axil_wvalid = t.s_axil_arvalid = 0;
    return clocks;
}

int main(int argc, char **argv)
{
    State s(argc, argv);
    Bench<Vtop> &b = s.b;

    s.t.s_axil_awvalid = s.t.s_axil_wvalid = s.t.s_axil_arvalid = 0;
    s.t.mbox_step_i = s.t.mbox_done_i = 0;
    b.reset();
    for (uint32_t i = 0; i < 2; i++)
        block(s, true); // the window has no reset
    for (uint32_t i = 0; i < BLOCK; i++)
        memcpy(s.window + 4 * i, &i, 4);
    while (s.written < b.operations)
        s.clock();
    s.quiet = true;
    for (uint32_t i = 0; i < 10000 && (s.busy || s.have_aw || s.answers_due || !s.reads.empty() ||
                                       s.t.s_axil_arvalid);
         i++)
        s.clock();
    if (s.busy || s.have_aw || s.answers_due || !s.reads.empty())
        b.fail("does not come to rest");
    uint32_t w = block(s, true), r = block(s, false);
    if (w != BLOCK + 1 || r != BLOCK + 1)
        b.fail("%u registers take %u clocks to write, %u to read", BLOCK, w, r);
    if (s.bursts < b.operations / 100 || s.meanwhile < b.operations / 10)
        b.fail("too little happened");
    return b.pass("%llu writes, %llu reads (%llu in a burst), %llu bursts",
                  (unsigned long long)s.written, (unsigned long long)s.read,
                  (unsigned long long)s.meanwhile, (unsigned long long)s.bursts);
}
