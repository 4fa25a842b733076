/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/nic.h"
#include "host/dev.h"
#include "sim/dma.h"
#include "sim/mac.h"
#include "sim/memory.h"
#include "sim/regs.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The simulated NIC: a Verilated sluice_nic with host memory, external memory and ports around it,
 * behind the interface of host/dev.h. It goes on while registers are accessed and while its host
 * waits (advance), and sleeps when it has nothing to do: its own time stands still then. */

enum {
    RESET_CLOCKS = 8,
    QUIET_CLOCKS = 512, /* without anything that moves: time to ask whether it is idle */
    DMA_MIN_CLOCKS = 16,
    DMA_MAX_CLOCKS = 64,
    CLOCK_NS = 4,          /* 250 MHz */
    EXT_BYTES = 1 << 20,   /* external memory: the core of this model has no cache for more */
    REST_CLOCKS = 1 << 16, /* in which frames that have begun end */
    CTRL_ON = 1,
    BUSY = 1,
};

struct nic {
    struct dev dev;       /* first member: struct dev * is struct nic * */
    pthread_mutex_t lock; /* of all that follows */
    void *library;
    const struct nic_model_api *api;
    void *model;
    struct nic_model_in in;
    struct nic_model_out out;
    struct regs regs;
    struct dma *dma;
    struct memory *memory;
    struct mac *macs[NIC_MODEL_PORTS];
    uint32_t port_blocks[NIC_MODEL_PORTS];
    uint64_t cycle;
    uint64_t rng;
    uint32_t stall_percent;
    uint32_t quiet_clocks;
    bool on; /* the device and its ports take packets, as the host has said last */
    uint16_t ports_on;
    bool asleep;
    int broken; /* errno, once the device has broken a rule */
};

/* --- a clock --- */

static bool stalls(struct nic *n)
{
    n->rng ^= n->rng << 13;
    n->rng ^= n->rng >> 7;
    n->rng ^= n->rng << 17;
    return n->stall_percent && (uint32_t)(n->rng >> 33) % 100 < n->stall_percent;
}

static void begin_clock(void *ctx)
{
    struct nic *n = ctx;

    n->in.mac_ready = 0;
    for (uint32_t p = 0; p < n->api->ports; p++) {
        mac_waits(n->macs[p]);
        mac_drive(n->macs[p], n->on && n->ports_on >> p & 1, n->cycle, &n->in.mac[p]);
        n->in.mac_ready |= (uint16_t)(!stalls(n) << p);
    }
    dma_drive(n->dma, &n->in);
    memory_drive(n->memory, &n->in.memory);
    n->api->settle(n->model, &n->in, &n->out);
}

/* What has moved at the ports; whether anything has. */
static bool move_frames(struct nic *n)
{
    bool moved = false;

    for (uint32_t p = 0; p < n->api->ports; p++) {
        int err = 0;

        if (n->in.mac[p].valid && n->out.mac_ready >> p & 1) {
            mac_taken(n->macs[p]);
            moved = true;
        }
        if (n->out.mac_valid >> p & n->in.mac_ready >> p & 1) {
            err = mac_give(n->macs[p], n->out.mac_data + p * NIC_MODEL_WORDS, n->out.mac_keep[p],
                           n->out.mac_last >> p & 1, n->cycle * CLOCK_NS);
            moved = true;
        }
        n->broken = n->broken ? n->broken : err;
    }
    return moved;
}

/* Whether the device has broken a rule, so far. */
static int end_clock(void *ctx)
{
    struct nic *n = ctx;
    const bool moved = move_frames(n);
    int err = dma_clock(n->dma, &n->in, &n->out);

    n->broken = n->broken ? n->broken : err;
    err = memory_clock(n->memory, &n->in.memory, &n->out.memory);
    n->broken = n->broken ? n->broken : err;
    if (moved || dma_busy(n->dma) || n->out.memory.arvalid || n->out.memory.awvalid)
        n->quiet_clocks = 0;
    else
        n->quiet_clocks++;
    n->api->clock(n->model);
    n->cycle++;
    return n->broken;
}

/* --- registers --- */

/* What is connected to a port can't be written any more: to its driver the device is one that has
 * been taken away, whose registers read as all ones and whose writes go nowhere. */
static bool is_gone(const struct nic *n)
{
    return n->broken == -EIO;
}

static int read_words(struct nic *n, uint32_t addr, uint32_t *words, uint32_t count)
{
    return n->broken ? n->broken : regs_read(&n->regs, addr, words, count);
}

/* Frames are offered to ports that take them only, as if the other end knew: before a port is off,
 * and once it is on. */
static void note_write(struct nic *n, uint32_t addr, uint32_t value)
{
    if (addr == SPEC_BAR_LIST + SPEC_NIC_CTRL)
        n->on = value & CTRL_ON;
    for (uint32_t p = 0; p < n->api->ports; p++)
        if (addr == n->port_blocks[p] + SPEC_PORT_CTRL)
            n->ports_on = (uint16_t)((n->ports_on & ~(1u << p)) | (value & CTRL_ON) << p);
}

static int nic_write_words(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count)
{
    struct nic *n = (struct nic *)dev;
    int err;

    pthread_mutex_lock(&n->lock);
    for (uint32_t i = 0; i < count; i++)
        if (!(words[i] & CTRL_ON))
            note_write(n, addr + 4 * i, words[i]);
    err = n->broken ? n->broken : regs_write(&n->regs, addr, words, count);
    err = is_gone(n) ? 0 : err;
    for (uint32_t i = 0; !err && i < count; i++)
        note_write(n, addr + 4 * i, words[i]);
    n->asleep = false;
    n->quiet_clocks = 0;
    pthread_mutex_unlock(&n->lock);
    return err;
}

static int nic_read_words(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count)
{
    struct nic *n = (struct nic *)dev;
    int err;

    pthread_mutex_lock(&n->lock);
    err = read_words(n, addr, words, count);
    if (is_gone(n)) {
        memset(words, 0xff, sizeof(*words) * count);
        err = 0;
    }
    pthread_mutex_unlock(&n->lock);
    return err;
}

static int nic_write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return nic_write_words(dev, addr, &value, 1);
}

static int nic_read32(struct dev *dev, uint32_t addr, uint32_t *value)
{
    return nic_read_words(dev, addr, value, 1);
}

/* --- going on --- */

static bool frames_wait(struct nic *n)
{
    bool any = false;

    for (uint32_t p = 0; p < n->api->ports; p++)
        any |= mac_waits(n->macs[p]) && n->on && n->ports_on >> p & 1;
    return any;
}

/* Nothing has moved for long: sleeps, if the device says that it has nothing to do. */
static int fall_asleep(struct nic *n)
{
    uint32_t status = 0;
    int err = read_words(n, SPEC_BAR_LIST + SPEC_NIC_STATUS, &status, 1);

    n->quiet_clocks = 0;
    n->asleep = !err && !(status & BUSY);
    for (uint32_t p = 0; n->asleep && !n->broken && p < n->api->ports; p++)
        err = n->broken = mac_flush(n->macs[p]);
    return err;
}

static int nic_advance(struct dev *dev, uint32_t clocks)
{
    struct nic *n = (struct nic *)dev;
    int err;

    pthread_mutex_lock(&n->lock);
    err = n->broken;
    if (n->asleep && frames_wait(n))
        n->asleep = false;
    for (uint32_t i = 0; !err && !n->asleep && i < clocks; i++) {
        begin_clock(n);
        err = end_clock(n);
        if (!err && n->quiet_clocks >= QUIET_CLOCKS && !frames_wait(n))
            err = fall_asleep(n);
    }
    pthread_mutex_unlock(&n->lock);
    return err;
}

static int nic_dma_map(struct dev *dev, void *memory, uint64_t addr, size_t bytes)
{
    struct nic *n = (struct nic *)dev;
    int err;

    pthread_mutex_lock(&n->lock);
    err = dma_map(n->dma, memory, addr, bytes);
    pthread_mutex_unlock(&n->lock);
    return err;
}

static int nic_dma_unmap(struct dev *dev, uint64_t addr, size_t bytes)
{
    struct nic *n = (struct nic *)dev;
    int err;

    pthread_mutex_lock(&n->lock);
    err = dma_unmap(n->dma, addr, bytes);
    pthread_mutex_unlock(&n->lock);
    return err;
}

/* --- opening --- */

static void close_model(struct nic *n)
{
    if (n->model)
        n->api->close(n->model);
    if (n->library)
        dlclose(n->library);
}

static void nic_close(struct dev *dev)
{
    struct nic *n = (struct nic *)dev;

    if (!n)
        return;
    close_model(n);
    for (uint32_t p = 0; p < NIC_MODEL_PORTS; p++)
        mac_close(n->macs[p]);
    memory_close(n->memory);
    dma_close(n->dma);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static int nic_reopen(struct dev *dev, const char *model, char *why, size_t why_bytes);

static const struct dev_ops nic_ops = {
    .read32 = nic_read32,
    .write32 = nic_write32,
    .read_words = nic_read_words,
    .write_words = nic_write_words,
    .close = nic_close,
    .dma_map = nic_dma_map,
    .dma_unmap = nic_dma_unmap,
    .advance = nic_advance,
    .reopen = nic_reopen,
};

static int load_model(struct nic *n, const char *path, char *why, size_t why_bytes)
{
    n->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!n->library) {
        snprintf(why, why_bytes, "%s", dlerror());
        return -ENOENT;
    }
    n->api = dlsym(n->library, "sluice_nic_model_api");
    if (!n->api || n->api->abi != NIC_MODEL_ABI || n->api->ports > NIC_MODEL_PORTS) {
        snprintf(why, why_bytes, "%s is no model of a NIC of this version; build it again", path);
        return -EINVAL;
    }
    n->model = n->api->open();
    return 0;
}

/* Resets the device, and finds its ports in the list of blocks. */
static int reset(struct nic *n, char *why, size_t why_bytes)
{
    uint32_t head[4] = {0};
    uint32_t addr = SPEC_BAR_LIST;
    int err = 0;

    n->in.rst = true;
    for (int i = 0; i < RESET_CLOCKS; i++) {
        begin_clock(n);
        end_clock(n);
    }
    n->in.rst = false;
    do {
        err = read_words(n, addr, head, 4);
        if (!err && addr == SPEC_BAR_LIST && head[0] != SPEC_BLOCK_NIC)
            err = -ENODEV;
        if (!err && head[0] == SPEC_BLOCK_PORT && head[3] < NIC_MODEL_PORTS)
            n->port_blocks[head[3]] = addr;
        addr = head[2];
    } while (!err && addr > SPEC_BAR_LIST && addr < SPEC_BAR_BYTES);
    if (err)
        snprintf(why, why_bytes, "the model does not answer at its list of blocks (0x%08x)",
                 head[0]);
    return err;
}

static int open_around(struct nic *n, const struct dev_nic_options *o, char *why, size_t why_bytes)
{
    const bool clocks = o->dma_min_clocks || o->dma_max_clocks;
    int err = 0;

    n->dma = dma_open(clocks ? o->dma_min_clocks : DMA_MIN_CLOCKS,
                      clocks ? o->dma_max_clocks : DMA_MAX_CLOCKS, o->stall_percent, o->seed);
    n->memory = memory_open(EXT_BYTES, 0, 0, o->seed);
    if (!n->dma || !n->memory) {
        snprintf(why, why_bytes, "there is no memory for the simulated NIC");
        return -ENOMEM;
    }
    for (uint32_t p = 0; !err && p < DEV_NIC_PORTS; p++) {
        if (p >= n->api->ports && o->ports[p]) {
            snprintf(why, why_bytes, "port=%s: the model has %u ports", o->ports[p], n->api->ports);
            err = -EINVAL;
        } else if (p < n->api->ports) {
            err = mac_open(o->ports[p], &n->macs[p], why, why_bytes);
        }
        if (!err && p < n->api->ports)
            n->in.mac_link |= (uint16_t)(mac_link(n->macs[p]) << p);
    }
    return err;
}

/* --- another model --- */

static bool everything_rests(struct nic *n)
{
    bool rests = !dma_busy(n->dma) && !n->out.memory.arvalid && !n->out.memory.awvalid;

    for (uint32_t p = 0; p < n->api->ports; p++)
        rests &= mac_rests(n->macs[p]);
    return rests;
}

/* Lets frames end that have begun. */
static int come_to_rest(struct nic *n, char *why, size_t why_bytes)
{
    uint32_t status = BUSY;
    int err = 0;

    for (int i = 0; !err && i < REST_CLOCKS && (i < QUIET_CLOCKS || !everything_rests(n)); i++) {
        begin_clock(n);
        err = end_clock(n);
    }
    if (!err)
        err = read_words(n, SPEC_BAR_LIST + SPEC_NIC_STATUS, &status, 1);
    if (!err && (status & BUSY || !everything_rests(n) || (n->on && n->ports_on)))
        err = -EBUSY;
    if (err)
        snprintf(why, why_bytes, "the device has packets or accesses under way");
    return err;
}

/* Whether two models have the same blocks of registers at the same places. */
static bool same_blocks(struct nic *a, struct nic *b)
{
    uint32_t addr = SPEC_BAR_LIST;

    do {
        uint32_t of_a[4] = {0}, of_b[4] = {0};

        if (read_words(a, addr, of_a, 4) || read_words(b, addr, of_b, 4) ||
            memcmp(of_a, of_b, sizeof(of_a)) != 0)
            return false;
        addr = of_a[2];
    } while (addr > SPEC_BAR_LIST && addr < SPEC_BAR_BYTES);
    return true;
}

/* The other model, around which all else is what it was. */
static int open_beside(struct nic *n, struct nic *next, const char *model, char *why,
                       size_t why_bytes)
{
    int err;

    *next = *n;
    next->library = NULL;
    next->model = NULL;
    next->in = (struct nic_model_in){.mac_link = n->in.mac_link};
    next->out = (struct nic_model_out){0};
    next->regs = (struct regs){&next->in.regs, &next->out.regs, next, begin_clock, end_clock};
    next->on = false;
    next->ports_on = 0;
    err = load_model(next, model, why, why_bytes);
    if (!err && next->api->ports != n->api->ports)
        err = -EINVAL;
    if (!err)
        err = reset(next, why, why_bytes);
    if (!err && !same_blocks(n, next))
        err = -EINVAL;
    if (err == -EINVAL && !*why)
        snprintf(why, why_bytes, "%s has other ports or queues than the device", model);
    if (err)
        close_model(next);
    return err;
}

static int nic_reopen(struct dev *dev, const char *model, char *why, size_t why_bytes)
{
    struct nic *n = (struct nic *)dev;
    struct nic *next = calloc(1, sizeof(*next));
    int err = next ? 0 : -ENOMEM;

    pthread_mutex_lock(&n->lock);
    *why = 0;
    if (!err)
        err = n->broken ? n->broken : come_to_rest(n, why, why_bytes);
    if (!err)
        err = open_beside(n, next, model, why, why_bytes);
    if (!err) {
        close_model(n);
        n->library = next->library;
        n->api = next->api;
        n->model = next->model;
        n->in = next->in;
        n->out = next->out;
        n->cycle = next->cycle;
        n->rng = next->rng;
        n->on = false;
        n->ports_on = 0;
        n->asleep = false;
        n->quiet_clocks = 0;
    }
    pthread_mutex_unlock(&n->lock);
    free(next);
    return err;
}

__attribute__((visibility("default"))) int
sluice_dev_nic_open(const struct dev_nic_options *options, struct dev **out, char *why,
                    size_t why_bytes);

/* See DEV_NIC_OPEN in host/dev.h. */
int sluice_dev_nic_open(const struct dev_nic_options *options, struct dev **out, char *why,
                        size_t why_bytes)
{
    struct nic *n = calloc(1, sizeof(*n));
    int err;

    if (!n)
        return -ENOMEM;
    n->dev.ops = &nic_ops;
    n->regs = (struct regs){&n->in.regs, &n->out.regs, n, begin_clock, end_clock};
    pthread_mutex_init(&n->lock, NULL);
    n->rng = options->seed * 0x9e3779b97f4a7c15u | 1;
    n->stall_percent = options->stall_percent;
    err = load_model(n, options->model, why, why_bytes);
    if (!err)
        err = open_around(n, options, why, why_bytes);
    if (!err)
        err = reset(n, why, why_bytes);
    if (err) {
        nic_close(&n->dev);
        return err;
    }
    *out = &n->dev;
    return 0;
}
