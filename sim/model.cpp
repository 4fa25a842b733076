// SPDX-License-Identifier: BSD-3-Clause
// Wraps the Verilated sluice_dut in the C interface of model.h.
#include "Vsluice_dut.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif
#include "hw/spec/gen/microcode.h"
#include "sim/model.h"
#include "sim/model_ports.hpp"

#include <cstring>
#include <memory>
#include <type_traits>

namespace
{

struct model {
    VerilatedContext context;
    std::unique_ptr<Vsluice_dut> top;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> trace;
#endif
    uint64_t half_clocks = 0;
};

/* The words of the port trace_o, if the device has one, and of how many cores they are. */
template <typename T, typename = void> struct retired {
    static const uint32_t *words(T &)
    {
        return nullptr;
    }
    static uint32_t cores(T &)
    {
        return 0;
    }
};

template <typename T> struct retired<T, std::void_t<decltype(std::declval<T &>().trace_o)>> {
    static const uint32_t *words(T &t)
    {
        return &t.trace_o[0];
    }
    static uint32_t cores(T &t)
    {
        return 8 * sizeof(t.trace_o) / UCODE_RETIRE_BITS;
    }
};

void dump(model *m)
{
#if VM_TRACE
    if (m->trace)
        m->trace->dump(m->half_clocks);
#endif
    m->half_clocks++;
    m->context.timeInc(1);
}

void *model_open(const char *waves)
{
    auto *m = new model;

#if VM_TRACE
    m->context.traceEverOn(waves != nullptr);
#endif
    use_context(&m->context);
    m->context.randReset(0);
    m->top.reset(new Vsluice_dut(&m->context, "sluice_dut"));
#if VM_TRACE
    if (waves) {
        m->trace.reset(new VerilatedFstC);
        m->top->trace(m->trace.get(), 99);
        m->trace->open(waves);
    }
#else
    (void)waves;
#endif
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
#if VM_TRACE
    if (m->trace)
        m->trace->close();
#endif
    use_context(&m->context);
    m->top->final();
    delete m;
    use_context(nullptr);
}

void model_settle(void *handle, const model_in *in, model_out *out)
{
    auto *m = static_cast<model *>(handle);
    Vsluice_dut &t = *m->top;

    t.rst = in->rst;
    t.s_axis_tvalid = in->s_tvalid;
    if (in->s_tvalid) {
        t.s_axis_tlast = in->s_tlast;
        t.s_axis_tkeep = in->s_tkeep;
        std::memcpy(&t.s_axis_tdata[0], in->s_tdata, sizeof(in->s_tdata));
        std::memcpy(&t.s_axis_tuser[0], in->s_tuser, sizeof(in->s_tuser));
    }
    t.m_axis_tready = in->m_tready;
    put_regs(t, in->regs);
    memory_port<Vsluice_dut>::put(t, in->memory);
    t.clk = 0;
    t.eval();
    dump(m);
    out->s_tready = t.s_axis_tready;
    out->m_tvalid = t.m_axis_tvalid;
    out->m_tlast = t.m_axis_tlast;
    out->m_tdata = &t.m_axis_tdata[0];
    out->m_tkeep = t.m_axis_tkeep;
    std::memcpy(out->m_tuser, &t.m_axis_tuser[0], sizeof(out->m_tuser));
    get_regs(t, out->regs);
    memory_port<Vsluice_dut>::get(t, out->memory);
    out->trace = retired<Vsluice_dut>::words(t);
    out->cores = retired<Vsluice_dut>::cores(t);
}

void model_clock(void *handle)
{
    auto *m = static_cast<model *>(handle);

    m->top->clk = 1;
    m->top->eval();
    dump(m);
}

} // namespace

extern "C" const struct model_api sluice_model_api = {
    MODEL_ABI, model_open, model_close, model_settle, model_clock,
#if VM_TRACE
    true,
#else
    false,
#endif
};
