/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_REGS_H
#define SLUICE_SIM_REGS_H

#include "sim/model.h"

/* Registers through a device's port s_axil_*. It has room for one transfer a clock each way: a new
 * one goes out while the one before is answered. */

struct regs {
    struct model_regs_in *in;
    const struct model_regs_out *out;
    void *ctx;
    /* A clock: begin settles the outputs, end lets it pass: 0 or negative errno. */
    void (*begin)(void *ctx);
    int (*end)(void *ctx);
};

/* count words from addr on. 0, -EIO if the device answers with an error, -ETIMEDOUT if it does not
 * answer, or what end returns. */
int regs_write(const struct regs *regs, uint32_t addr, const uint32_t *words, uint32_t count);
int regs_read(const struct regs *regs, uint32_t addr, uint32_t *words, uint32_t count);

#endif
