// SPDX-License-Identifier: BSD-3-Clause
// The program slot in Corundum's application section: verdicts, tuser of each way, completions, and
// that the rest is straight on or quiet.
#define RX(x) t.s_axis_sync_rx_t##x
#define TX(x) t.s_axis_sync_tx_t##x
#define HOST(x) t.m_axis_sync_rx_t##x
#define WIRE(x) t.m_axis_sync_tx_t##x
#define AXIL(x) t.s_axil_app_ctrl_##x
#include "../bump.h"

struct Shell : Bump<Vtop> {
    using Bump::Bump;

    void clock_edges(bool *axil_edge) override
    {
        t.clk = 1;
        t.eval();
        t.clk = 0;
        *axil_edge = true;
    }
    // tuser: bit 0 an error in the last beat, above it the time of the first
    void rx_user(uint32_t port, const Frame &frame, bool first, bool last) override
    {
        set_bits(RX(user), 97 * port, 1, last && frame.error);
        set_bits(RX(user), 97 * port + 1, 64, first ? frame.user : b.rng.next());
        set_bits(RX(user), 97 * port + 65, 32, first ? frame.user >> 7 : b.rng.next());
    }
    void sent_user(uint32_t port, const Frame &frame) override
    {
        set_bits(TX(user), 17 * port, 17,
                 frame.user & 0xffff); // 17 bits, the highest is the program's
    }
    void host_user(uint32_t port, uint64_t *user) override
    {
        uint64_t time = bits(HOST(user), 97 * port + 1, 64);
        user[0] = time;
        user[1] = bits(HOST(user), 97 * port, 1);
        if (bits(HOST(valid), port, 1) &&
            bits(HOST(user), 97 * port + 65, 32) != (time >> 7 & 0xffffffff))
            b.fail("to the host: the time's upper part is another frame's");
    }
    uint64_t host_meant(uint32_t, const Frame &frame) override
    {
        return frame.user;
    }
    void wire_user(uint32_t port, uint64_t *user) override
    {
        user[0] = bits(WIRE(user), 17 * port, 17);
    }
    bool wire_own(uint64_t *user, uint32_t *from) override
    {
        *from = PORTS;
        return user[0] >> 16;
    }
    void wire_meant(uint32_t, const Frame &frame, bool own, uint64_t *user) override
    {
        user[0] = own ? 0x10000 : frame.user & 0xffff;
    }
    void quiet() override
    {
        if (t.m_axil_ctrl_awvalid | t.m_axil_ctrl_wvalid | t.m_axil_ctrl_arvalid |
            t.m_axis_ctrl_dma_read_desc_valid | t.m_axis_ctrl_dma_write_desc_valid |
            t.m_axis_data_dma_read_desc_valid | t.m_axis_data_dma_write_desc_valid |
            t.ctrl_dma_ram_rd_resp_valid | t.data_dma_ram_rd_resp_valid | t.ctrl_dma_ram_wr_done |
            t.data_dma_ram_wr_done | t.m_axi_ddr_awvalid | t.m_axi_ddr_wvalid |
            t.m_axi_ddr_arvalid | t.m_axi_hbm_awvalid | t.m_axi_hbm_wvalid | t.m_axi_hbm_arvalid |
            t.m_axis_stat_tvalid | (t.gpio_out != 0))
            b.fail("a port that is not used says something");
    }

    // What goes straight on, and completions: all of the shell's, none of the program's.
    void straight_on()
    {
        for (uint32_t n = 0; n < 200; n++) {
            uint32_t tag = b.rng.below(0x10000), ready = b.rng.below(4), valid = b.rng.below(4);
            b.rng.fill(&t.s_axis_direct_rx_tdata, sizeof(t.s_axis_direct_rx_tdata));
            b.rng.fill(&t.s_axis_if_tx_tuser, sizeof(t.s_axis_if_tx_tuser));
            set_bits(t.s_axis_if_tx_tuser, 34, 30, 0);
            t.s_axis_direct_rx_tvalid = valid;
            t.m_axis_direct_rx_tready = ready;
            t.s_axis_if_tx_tvalid = valid;
            t.m_axis_if_tx_tready = ready;
            t.jtag_tdi = n & 1;
            set_bits(t.s_axis_sync_tx_cpl_tag, 0, 16, tag);
            set_bits(t.s_axis_sync_tx_cpl_tag, 16, 16, tag ^ 0x8000);
            b.rng.fill(&t.s_axis_sync_tx_cpl_ts, sizeof(t.s_axis_sync_tx_cpl_ts));
            t.s_axis_sync_tx_cpl_valid = valid;
            t.m_axis_sync_tx_cpl_ready = ready;
            t.eval();
            uint32_t mine = tag >> 15 ? 1 : 2;
            if (t.m_axis_sync_tx_cpl_valid != (valid & ~mine) ||
                t.s_axis_sync_tx_cpl_ready != (ready | mine) ||
                memcmp(&t.m_axis_sync_tx_cpl_ts, &t.s_axis_sync_tx_cpl_ts,
                       sizeof(t.s_axis_sync_tx_cpl_ts)) ||
                t.m_axis_sync_tx_cpl_tag != t.s_axis_sync_tx_cpl_tag)
                b.fail("completion of tag %x: valid %u, ready %u", tag, t.m_axis_sync_tx_cpl_valid,
                       t.s_axis_sync_tx_cpl_ready);
            if (memcmp(&t.m_axis_direct_rx_tdata, &t.s_axis_direct_rx_tdata,
                       sizeof(t.s_axis_direct_rx_tdata)) ||
                t.m_axis_direct_rx_tvalid != valid || t.s_axis_direct_rx_tready != ready ||
                t.m_axis_if_tx_tvalid != valid || t.s_axis_if_tx_tready != ready ||
                t.m_axis_if_tx_tuser != t.s_axis_if_tx_tuser || t.jtag_tdo != t.jtag_tdi)
                b.fail("what should go straight on does not");
        }
        t.s_axis_sync_tx_cpl_valid = 0;
    }
};

int main(int argc, char **argv)
{
    Shell s(argc, argv);
    Vtop &t = s.t;
    AXIL(wstrb) = 15;
    s.b.reset();
    t.clk = 0;
    s.straight_on();
    return s.all(true);
}
