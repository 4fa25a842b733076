/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/pci/board.h"

#include "hw/spec/gen/nic.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CLOCKS_AT_ONCE = 64,
    IDLE_NS = 5000,   /* a device that took less time for them has nothing to do ... */
    PAUSE_NS = 50000, /* ... and is looked at again after this */
    REGIONS = 1024,
};

struct region {
    void *memory;
    uint64_t addr;
    size_t bytes;
};

struct board {
    struct dev *dev; /* NULL: it is gone */
    void *plugin;
    const char *gone;
    struct region regions[REGIONS]; /* that DMA reaches */
    uint32_t region_count;
    pthread_t clock;
    pthread_mutex_t lock; /* of dev and regions */
    atomic_uint waiting;  /* accesses of the host, which go first */
    atomic_bool stop;
    char ports[4096];
};

/* --- coming and going --- */

static uint64_t number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : 0;
}

static int open_device(struct board *b)
{
    struct dev_nic_options options = {.size = sizeof(options),
                                      .model = getenv("SLUICE_BOARD_MODEL"),
                                      .seed = number("SLUICE_BOARD_SEED"),
                                      .stall_percent = (uint32_t)number("SLUICE_BOARD_STALL")};
    const char *sim = getenv("SLUICE_BOARD_SIM"), *ports = getenv("SLUICE_BOARD_PORTS");
    char why[1024] = "SLUICE_BOARD_SIM, SLUICE_BOARD_MODEL and SLUICE_BOARD_PORTS are needed";
    dev_nic_open_fn open = NULL;
    char *at = b->ports;
    int err = -EINVAL;

    if (sim && options.model && ports &&
        snprintf(b->ports, sizeof(b->ports), "%s", ports) < (int)sizeof(b->ports)) {
        for (int i = 0; i < DEV_NIC_PORTS && at; i++)
            options.ports[i] = strsep(&at, " ");
        if (!b->plugin)
            b->plugin = dlopen(sim, RTLD_NOW | RTLD_LOCAL);
        open = b->plugin ? (dev_nic_open_fn)dlsym(b->plugin, DEV_NIC_OPEN) : NULL;
        if (!open)
            snprintf(why, sizeof(why), "%s", dlerror());
    }
    if (open)
        err = open(&options, &b->dev, why, sizeof(why));
    if (err)
        fprintf(stderr, "board: %s\n", why);
    return err;
}

/* Whether it is there. One that goes leaves nothing under way; one that comes is a new one. */
static bool is_there(struct board *b)
{
    const bool gone = b->gone && access(b->gone, F_OK) == 0;
    int err = 0;

    if (gone && b->dev) {
        b->dev->ops->close(b->dev);
        b->dev = NULL;
    } else if (!gone && !b->dev) {
        err = open_device(b);
        for (uint32_t i = 0; i < b->region_count && !err; i++)
            err = b->dev->ops->dma_map(b->dev, b->regions[i].memory, b->regions[i].addr,
                                       b->regions[i].bytes);
        if (err)
            abort(); /* it could be opened before */
    }
    return b->dev;
}

/* --- its clock --- */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *run_clock(void *arg)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    struct board *b = arg;

    while (!atomic_load(&b->stop)) {
        const int64_t start = now_ns();

        if (atomic_load(&b->waiting)) {
            sched_yield();
            continue;
        }
        pthread_mutex_lock(&b->lock);
        if (is_there(b))
            b->dev->ops->advance(b->dev, CLOCKS_AT_ONCE);
        pthread_mutex_unlock(&b->lock);
        if (now_ns() - start < IDLE_NS)
            nanosleep(&pause, NULL);
    }
    return NULL;
}

/* --- what its host does --- */

static void take(struct board *b)
{
    atomic_fetch_add(&b->waiting, 1);
    pthread_mutex_lock(&b->lock);
}

static void give(struct board *b)
{
    pthread_mutex_unlock(&b->lock);
    atomic_fetch_sub(&b->waiting, 1);
}

static bool is_register(uint32_t addr)
{
    return addr % 4 == 0 && addr < SPEC_BAR_BYTES;
}

uint32_t board_read(struct board *b, uint32_t addr)
{
    uint32_t value = UINT32_MAX;

    take(b);
    if (is_register(addr) && is_there(b) && b->dev->ops->read32(b->dev, addr, &value))
        value = UINT32_MAX;
    give(b);
    return value;
}

void board_write(struct board *b, uint32_t addr, uint32_t value)
{
    take(b);
    if (is_register(addr) && is_there(b) && b->dev->ops->write32(b->dev, addr, value))
        fprintf(stderr, "board: a write of %08x to %05x is refused\n", value, addr);
    give(b);
}

int board_dma_map(struct board *b, void *memory, uint64_t addr, size_t bytes)
{
    int err = -ENOMEM;

    take(b);
    if (b->region_count < REGIONS)
        err = b->dev ? b->dev->ops->dma_map(b->dev, memory, addr, bytes) : 0;
    if (!err)
        b->regions[b->region_count++] = (struct region){memory, addr, bytes};
    give(b);
    return err;
}

int board_dma_unmap(struct board *b, uint64_t addr, size_t bytes)
{
    uint32_t i = 0;
    int err = -ENOENT;

    take(b);
    while (i < b->region_count && (b->regions[i].addr != addr || b->regions[i].bytes != bytes))
        i++;
    if (i < b->region_count) {
        b->regions[i] = b->regions[--b->region_count];
        err = b->dev ? b->dev->ops->dma_unmap(b->dev, addr, bytes) : 0;
    }
    give(b);
    return err;
}

/* --- all of it --- */

struct board *board_open(void)
{
    struct board *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    pthread_mutex_init(&b->lock, NULL);
    b->gone = getenv("SLUICE_BOARD_GONE");
    if (open_device(b)) {
        free(b);
        return NULL;
    }
    if (pthread_create(&b->clock, NULL, run_clock, b)) {
        b->dev->ops->close(b->dev);
        free(b);
        return NULL;
    }
    return b;
}

void board_close(struct board *b)
{
    if (!b)
        return;
    atomic_store(&b->stop, true);
    pthread_join(b->clock, NULL);
    if (b->dev)
        b->dev->ops->close(b->dev);
    dlclose(b->plugin);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
