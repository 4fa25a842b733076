/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_MODEL_H
#define SLUICE_SIM_MODEL_H

#include "hw/spec/gen/xdp.h"

#include <stdbool.h>
#include <stdint.h>

/* The C face of a Verilated sluice_dut. Each model is a shared object that exports
 * `sluice_model_api`. */

#ifdef __cplusplus
extern "C" {
#endif

/* The host's side of the port s_axil_*, and the device's. */
struct model_regs_in {
    bool awvalid, wvalid, bready, arvalid, rready;
    uint32_t awaddr, araddr, wdata; /* a slot alone knows the low 16 bits of an address */
};
struct model_regs_out {
    bool awready, wready, bvalid, arready, rvalid;
    uint32_t bresp, rresp, rdata;
};

/* The memory's side of the port m_axi_*, and the device's. */
struct model_memory_in {
    bool arready, awready, wready, rvalid, bvalid;
    uint8_t rid, bid;
    uint32_t rdata[16];
};
struct model_memory_out {
    bool arvalid, awvalid, wvalid, rready, bready;
    uint8_t arid, awid;
    uint32_t araddr, awaddr;
    const uint32_t *wdata; /* 16 words, the model's own memory */
};

/* What is driven into the device; the caller sets it, then steps. */
struct model_in {
    bool rst;
    bool s_tvalid;
    bool s_tlast;
    uint32_t s_tdata[16];
    uint64_t s_tkeep;
    uint32_t s_tuser[SPEC_IN_TUSER_BITS / 32];
    bool m_tready;
    struct model_regs_in regs;
    struct model_memory_in memory;
};

/* What the device shows just before the next rising edge, that is with the inputs applied. */
struct model_out {
    bool s_tready;
    bool m_tvalid;
    bool m_tlast;
    const uint32_t *m_tdata; /* 16 words, the model's own memory */
    uint64_t m_tkeep;
    uint32_t m_tuser[4];
    struct model_regs_out regs;
    const uint32_t *trace; /* the cores' rows that retire, UCODE_RETIRE_BITS each, the model's own
                              memory; NULL: tells nothing */
    uint32_t cores;        /* how many there are in trace */
    struct model_memory_out memory; /* nothing is valid in a device without the port */
};

struct model_api {
    uint32_t abi; /* MODEL_ABI */
    void *(*open)(const char *waves);
    void (*close)(void *model);
    /* Applies the inputs and shows the outputs that follow from them ... */
    void (*settle)(void *model, const struct model_in *in, struct model_out *out);
    /* ... then lets one rising clock edge pass. */
    void (*clock)(void *model);
    bool traced; /* built with waves */
};

#define MODEL_ABI 4u

extern const struct model_api sluice_model_api;

#ifdef __cplusplus
}
#endif

#endif
