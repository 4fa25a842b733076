/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_NIC_MODEL_H
#define SLUICE_SIM_NIC_MODEL_H

#include "sim/model.h"

/* The C face of a Verilated sluice_nic (docs/nic.md has its ports). Each model is a shared object
 * that exports `sluice_nic_model_api`. */

#ifdef __cplusplus
extern "C" {
#endif

enum { NIC_MODEL_PORTS = 16, NIC_MODEL_WORDS = 16 };

/* A beat of a frame. */
struct nic_beat {
    bool valid;
    bool last;
    bool error; /* with the last: the MAC found one */
    uint32_t data[NIC_MODEL_WORDS];
    uint64_t keep;
};

/* A request of the device to host memory. */
struct nic_dma_request {
    bool valid;
    uint8_t id;
    uint8_t len; /* beats - 1 */
    uint8_t size;
    uint8_t burst;
    uint64_t addr;
};

struct nic_model_in {
    bool rst;
    struct nic_beat mac[NIC_MODEL_PORTS];
    uint16_t mac_ready; /* a bit a port: takes frames out */
    uint16_t mac_link;
    struct model_regs_in regs;
    struct {
        bool arready, awready, wready, rvalid, rlast, bvalid;
        uint8_t rid, rresp, bid, bresp;
        uint32_t rdata[NIC_MODEL_WORDS];
    } dma;
    struct model_memory_in memory;
};

struct nic_model_out {
    uint16_t mac_ready; /* a bit a port: takes the beat offered */
    uint16_t mac_valid;
    uint16_t mac_last;
    const uint32_t *mac_data; /* 16 words a port, the model's own memory */
    uint64_t mac_keep[NIC_MODEL_PORTS];
    struct model_regs_out regs;
    struct {
        struct nic_dma_request ar, aw;
        bool wvalid, wlast, rready, bready;
        const uint32_t *wdata; /* 16 words, the model's own memory */
        uint64_t wstrb;
    } dma;
    struct model_memory_out memory;
};

struct nic_model_api {
    uint32_t abi; /* NIC_MODEL_ABI */
    uint32_t ports;
    void *(*open)(void);
    void (*close)(void *model);
    /* Applies the inputs and shows the outputs that follow from them ... */
    void (*settle)(void *model, const struct nic_model_in *in, struct nic_model_out *out);
    /* ... then lets one rising clock edge pass. */
    void (*clock)(void *model);
};

#define NIC_MODEL_ABI 2u

extern const struct nic_model_api sluice_nic_model_api;

#ifdef __cplusplus
}
#endif

#endif
