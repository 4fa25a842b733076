// SPDX-License-Identifier: BSD-3-Clause
// The ports that all Verilated devices have in common, between their pins and model.h; included behind the model's own header.
#ifndef SLUICE_SIM_MODEL_PORTS_HPP
#define SLUICE_SIM_MODEL_PORTS_HPP

#include "sim/model.h"

#include <cstdio>
#include <cstring>
#include <type_traits>
#include <utility>

#ifdef catName
/* Verilator's runtime (5.006) joins names of modules in a buffer for each thread, which it never
 * frees: a library that is unloaded would leave it behind. build_model.sh gives models this
 * function in place of that one, under another name. */
const char *Verilated::catName(const char *first, const char *second, const char *delimiter)
{
    static thread_local char text[1024];

    snprintf(text, sizeof(text), "%s%s%s", first, delimiter, second);
    return text;
}
#endif

namespace
{
/* Verilator's runtime (5.006) puts down and looks for names of a model's scopes in a context that
 * each thread keeps, the first that it met: one that may have gone with its model, if another
 * thread closed that. So who makes or frees a model says which one it is; nullptr: none. */
inline void use_context(VerilatedContext *context)
{
    Verilated::threadContextp(context);
}

/* The port s_axil_*; pins take the bits of an address that there are. */
template <typename T> void put_regs(T &t, const model_regs_in &in)
{
    t.s_axil_awvalid = in.awvalid;
    t.s_axil_awaddr = in.awaddr;
    t.s_axil_wvalid = in.wvalid;
    t.s_axil_wdata = in.wdata;
    t.s_axil_wstrb = 0xf;
    t.s_axil_bready = in.bready;
    t.s_axil_arvalid = in.arvalid;
    t.s_axil_araddr = in.araddr;
    t.s_axil_rready = in.rready;
}

template <typename T> void get_regs(const T &t, model_regs_out &out)
{
    out.awready = t.s_axil_awready;
    out.wready = t.s_axil_wready;
    out.bvalid = t.s_axil_bvalid;
    out.bresp = t.s_axil_bresp;
    out.arready = t.s_axil_arready;
    out.rvalid = t.s_axil_rvalid;
    out.rresp = t.s_axil_rresp;
    out.rdata = t.s_axil_rdata;
}

/* The port m_axi_*, if the device has one. */
template <typename T, typename = void> struct memory_port {
    static void put(T &, const model_memory_in &)
    {
    }
    static void get(T &, model_memory_out &)
    {
    }
};

template <typename T>
struct memory_port<T, std::void_t<decltype(std::declval<T &>().m_axi_araddr)>> {
    static void put(T &t, const model_memory_in &in)
    {
        t.m_axi_arready = in.arready;
        t.m_axi_awready = in.awready;
        t.m_axi_wready = in.wready;
        t.m_axi_rvalid = in.rvalid;
        if (in.rvalid) {
            t.m_axi_rid = in.rid;
            t.m_axi_rlast = 1;
            std::memcpy(&t.m_axi_rdata[0], in.rdata, sizeof(in.rdata));
        }
        t.m_axi_bvalid = in.bvalid;
        t.m_axi_bid = in.bid;
    }
    static void get(T &t, model_memory_out &out)
    {
        out.arvalid = t.m_axi_arvalid;
        out.arid = t.m_axi_arid;
        out.araddr = t.m_axi_araddr;
        out.awvalid = t.m_axi_awvalid;
        out.awid = t.m_axi_awid;
        out.awaddr = t.m_axi_awaddr;
        out.wvalid = t.m_axi_wvalid;
        out.wdata = &t.m_axi_wdata[0];
        out.rready = t.m_axi_rready;
        out.bready = t.m_axi_bready;
    }
};

} // namespace

#endif
