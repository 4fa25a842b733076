// SPDX-License-Identifier: BSD-3-Clause
// Wraps the Verilated sluice_nic in the C interface of nic_model.h.
#include "sim/nic_model.h"
#include "Vsluice_nic.h"
#include "sim/model_ports.hpp"
#include "verilated.h"

#include <cstring>
#include <memory>

namespace
{

enum { PORTS = sizeof(Vsluice_nic::s_axis_mac_tkeep) / 8, WORDS = NIC_MODEL_WORDS };

struct model {
    VerilatedContext context;
    std::unique_ptr<Vsluice_nic> top;
};

void *model_open()
{
    auto *m = new model;

    use_context(&m->context);
    m->context.randReset(0);
    m->top.reset(new Vsluice_nic(&m->context, "sluice_nic"));
    m->top->clk = 0;
    m->top->rst = 1;
    m->top->eval();
    return m;
}

void model_close(void *handle)
{
    auto *m = static_cast<model *>(handle);

    if (!m)
        return;
    use_context(&m->context);
    m->top->final();
    delete m;
    use_context(nullptr);
}

void put_macs(Vsluice_nic &t, const nic_model_in *in)
{
    auto *data = reinterpret_cast<uint32_t *>(&t.s_axis_mac_tdata);
    auto *keep = reinterpret_cast<uint8_t *>(&t.s_axis_mac_tkeep);
    uint32_t valid = 0, last = 0, error = 0;

    for (int p = 0; p < PORTS; p++) {
        const nic_beat &b = in->mac[p];

        valid |= uint32_t(b.valid) << p;
        last |= uint32_t(b.last) << p;
        error |= uint32_t(b.error) << p;
        if (b.valid) {
            std::memcpy(data + p * WORDS, b.data, sizeof(b.data));
            std::memcpy(keep + p * 8, &b.keep, 8);
        }
    }
    t.s_axis_mac_tvalid = valid;
    t.s_axis_mac_tlast = last;
    t.s_axis_mac_tuser = error;
    t.m_axis_mac_tready = in->mac_ready & ((1u << PORTS) - 1);
    t.mac_link_i = in->mac_link & ((1u << PORTS) - 1);
}

void put_dma(Vsluice_nic &t, const nic_model_in *in)
{
    t.m_axi_dma_arready = in->dma.arready;
    t.m_axi_dma_awready = in->dma.awready;
    t.m_axi_dma_wready = in->dma.wready;
    t.m_axi_dma_rvalid = in->dma.rvalid;
    t.m_axi_dma_bvalid = in->dma.bvalid;
    t.m_axi_dma_bid = in->dma.bid;
    t.m_axi_dma_bresp = in->dma.bresp;
    if (in->dma.rvalid) {
        t.m_axi_dma_rid = in->dma.rid;
        t.m_axi_dma_rresp = in->dma.rresp;
        t.m_axi_dma_rlast = in->dma.rlast;
        std::memcpy(&t.m_axi_dma_rdata[0], in->dma.rdata, sizeof(in->dma.rdata));
    }
}

void get_dma(Vsluice_nic &t, nic_model_out *out)
{
    out->dma.ar = {bool(t.m_axi_dma_arvalid), t.m_axi_dma_arid,    t.m_axi_dma_arlen,
                   t.m_axi_dma_arsize,        t.m_axi_dma_arburst, t.m_axi_dma_araddr};
    out->dma.aw = {bool(t.m_axi_dma_awvalid), t.m_axi_dma_awid,    t.m_axi_dma_awlen,
                   t.m_axi_dma_awsize,        t.m_axi_dma_awburst, t.m_axi_dma_awaddr};
    out->dma.wvalid = t.m_axi_dma_wvalid;
    out->dma.wlast = t.m_axi_dma_wlast;
    out->dma.wdata = &t.m_axi_dma_wdata[0];
    out->dma.wstrb = t.m_axi_dma_wstrb;
    out->dma.rready = t.m_axi_dma_rready;
    out->dma.bready = t.m_axi_dma_bready;
}

void model_settle(void *handle, const nic_model_in *in, nic_model_out *out)
{
    Vsluice_nic &t = *static_cast<model *>(handle)->top;
    auto *keep = reinterpret_cast<uint8_t *>(&t.m_axis_mac_tkeep);

    t.rst = in->rst;
    put_macs(t, in);
    put_regs(t, in->regs);
    put_dma(t, in);
    memory_port<Vsluice_nic>::put(t, in->memory);
    t.clk = 0;
    t.eval();
    out->mac_ready = t.s_axis_mac_tready;
    out->mac_valid = t.m_axis_mac_tvalid;
    out->mac_last = t.m_axis_mac_tlast;
    out->mac_data = reinterpret_cast<uint32_t *>(&t.m_axis_mac_tdata);
    std::memcpy(out->mac_keep, keep, sizeof(uint64_t) * PORTS);
    get_regs(t, out->regs);
    get_dma(t, out);
    memory_port<Vsluice_nic>::get(t, out->memory);
}

void model_clock(void *handle)
{
    auto *m = static_cast<model *>(handle);

    m->top->clk = 1;
    m->top->eval();
}

} // namespace

extern "C" const struct nic_model_api sluice_nic_model_api = {
    NIC_MODEL_ABI, PORTS, model_open, model_close, model_settle, model_clock};
