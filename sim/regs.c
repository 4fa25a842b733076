/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim/regs.h"

#include <errno.h>

/* That an answer takes at most: memories are cleared after reset or CONFIG. */
enum { READY_CLOCKS = 1 << 22 };

static int end_clock(const struct regs *r, int err, uint32_t quiet)
{
    const int moved = r->end(r->ctx);

    if (moved || err)
        return moved ? moved : err;
    return quiet > READY_CLOCKS ? -ETIMEDOUT : 0;
}

int regs_write(const struct regs *r, uint32_t addr, const uint32_t *words, uint32_t count)
{
    uint32_t addresses = 0, data = 0, done = 0;
    int err = 0;

    r->in->bready = true;
    for (uint32_t quiet = 0; done < count && !err; quiet++) {
        r->in->awvalid = addresses < count;
        r->in->awaddr = addr + 4 * addresses;
        r->in->wvalid = data < count;
        r->in->wdata = data < count ? words[data] : 0;
        r->begin(r->ctx);
        addresses += r->in->awvalid && r->out->awready;
        data += r->in->wvalid && r->out->wready;
        if (r->out->bvalid) {
            err = r->out->bresp ? -EIO : 0;
            done++;
            quiet = 0;
        }
        err = end_clock(r, err, quiet);
    }
    r->in->awvalid = false;
    r->in->wvalid = false;
    r->in->bready = false;
    return err;
}

int regs_read(const struct regs *r, uint32_t addr, uint32_t *words, uint32_t count)
{
    uint32_t addresses = 0, done = 0;
    int err = 0;

    r->in->rready = true;
    for (uint32_t quiet = 0; done < count && !err; quiet++) {
        r->in->arvalid = addresses < count;
        r->in->araddr = addr + 4 * addresses;
        r->begin(r->ctx);
        addresses += r->in->arvalid && r->out->arready;
        if (r->out->rvalid) {
            err = r->out->rresp ? -EIO : 0;
            words[done++] = r->out->rdata;
            quiet = 0;
        }
        err = end_clock(r, err, quiet);
    }
    r->in->arvalid = false;
    r->in->rready = false;
    return err;
}
