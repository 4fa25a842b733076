// SPDX-License-Identifier: BSD-3-Clause
// The program slot in OpenNIC's 250 MHz box: verdicts, tuser of each way, registers from another
// clock, resets.
#define RX(x) t.s_axis_adap_rx_250mhz_t##x
#define TX(x) t.s_axis_qdma_h2c_t##x
#define HOST(x) t.m_axis_qdma_c2h_t##x
#define WIRE(x) t.m_axis_adap_tx_250mhz_t##x
#define AXIL(x) t.s_axil_##x
#include "../bump.h"

struct Shell : Bump<Vtop> {
    using Bump::Bump;

    // the registers' clock comes before, with or after the packets', or not at all
    void clock_edges(bool *axil_edge) override
    {
        uint32_t how = b.rng.below(5);
        *axil_edge = how < 3;
        t.axil_aclk = how < 2;
        if (how == 0)
            t.eval();
        t.axis_aclk = 1;
        t.eval();
        t.axil_aclk = how < 3;
        t.eval();
        t.axis_aclk = t.axil_aclk = 0;
    }
    void rx_user(uint32_t port, const Frame &frame, bool, bool) override
    {
        set_bits(RX(user_size), 16 * port, 16, frame.bytes.size());
        set_bits(RX(user_src), 16 * port, 16, 64u << port);
        set_bits(RX(user_dst), 16 * port, 16, 0);
    }
    void sent_user(uint32_t port, const Frame &frame) override
    {
        set_bits(TX(user_size), 16 * port, 16, frame.bytes.size());
        set_bits(TX(user_src), 16 * port, 16, 1u << port);
        set_bits(TX(user_dst), 16 * port, 16, frame.user & 0xffff);
    }
    static uint64_t words(uint64_t size, uint64_t src, uint64_t dst)
    {
        return size | src << 16 | dst << 32;
    }
    void host_user(uint32_t port, uint64_t *user) override
    {
        user[0] = words(bits(HOST(user_size), 16 * port, 16), bits(HOST(user_src), 16 * port, 16),
                        bits(HOST(user_dst), 16 * port, 16));
    }
    uint64_t host_meant(uint32_t port, const Frame &frame) override
    {
        return words(frame.bytes.size(), 64u << frame.from, 1u << port);
    }
    void wire_user(uint32_t port, uint64_t *user) override
    {
        user[0] = words(bits(WIRE(user_size), 16 * port, 16), bits(WIRE(user_src), 16 * port, 16),
                        bits(WIRE(user_dst), 16 * port, 16));
    }
    bool wire_own(uint64_t *user, uint32_t *from) override
    {
        uint32_t src = user[0] >> 16 & 0xffff;
        *from = src == 128;
        return src >= 64;
    }
    void wire_meant(uint32_t port, const Frame &frame, bool own, uint64_t *user) override
    {
        user[0] = words(frame.bytes.size(), own ? 64u << frame.from : 1u << port, 64u << port);
    }
    void quiet() override
    {
        if (t.mod_rst_done >> 1 != 0x7fff || (t.mod_rst_done & 1) != t.box_rst_done)
            b.fail("mod_rst_done is %x", t.mod_rst_done);
    }
    // After power-up and each request; the registers answer when it is over.
    void reset(bool box)
    {
        if (box)
            t.box_rstn = 0;
        else
            t.mod_rstn = 0xfffe;
        run(20);
        if (t.box_rst_done)
            b.fail("a reset is over at once");
        t.box_rstn = 1;
        t.mod_rstn = 0xffff;
        powered();
    }
    void powered()
    {
        uint32_t n = 0;
        while (!t.box_rst_done && n++ < 5000)
            tick();
        if (n < 255 || n >= 5000)
            b.fail("a reset takes %u clocks", n);
        run(20);
        expect("CTRL", at[0] + SPEC_NIC_CTRL, 0);
    }
};

int main(int argc, char **argv)
{
    Shell s(argc, argv);
    s.t.mod_rstn = 0xffff;
    s.t.box_rstn = 1;
    s.powered();
    s.write(s.at[0] + SPEC_NIC_CTRL, 1);
    s.expect("CTRL", s.at[0] + SPEC_NIC_CTRL, 1);
    s.reset(true);
    s.write(s.at[0] + SPEC_NIC_CTRL, 1);
    s.reset(false);
    return s.all(false);
}
