/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_DEV_H
#define SLUICE_HOST_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device as the host reaches it: registers and packet streams. The same calls serve a board and
 * the simulated NIC; nothing above this interface knows which it is. All calls on one device come
 * from one thread. */

/* A packet on its way in. */
struct dev_packet {
    const uint8_t *data;
    uint32_t len;
    uint64_t time_ns;
    uint32_t rand;
    uint32_t ifindex;
    uint32_t queue;
    uint32_t egress; /* interface out, for a program that a devmap runs */
    uint64_t number; /* given back with the packet */
};

/* A packet that has left. data is valid during the call of the sink only. */
struct dev_output {
    uint64_t index;  /* of the packet in this stream */
    uint64_t number; /* that its dev_packet had */
    uint32_t ret;
    uint64_t redirect;
    const uint8_t *data;
    uint32_t len;
    uint32_t meta_bytes;     /* of metadata, which lie in front of data */
    const uint8_t *events;   /* the event area ... */
    uint32_t event_bytes;    /* ... as far as it has left: 0, or a multiple of 64 */
    uint64_t latency_cycles; /* from its first beat taken to its last beat given */
};

struct dev_stream {
    void *ctx;
    /* The next packet to send: true and *packet, or false when there are no more. */
    bool (*source)(void *ctx, struct dev_packet *packet);
    /* A packet that has left, in order. Non-zero ends the stream with that result. */
    int (*sink)(void *ctx, const struct dev_output *output);
    /* A row of microcode that the core has retired: the words of table `retire` in
     * hw/spec/microcode.toml. NULL: not wanted. Rows of one packet come in order, those of several
     * packets in between each other, and all before the packet itself. Non-zero ends the stream
     * with that result. Only the simulated core tells; -ENOTSUP elsewhere. */
    int (*row)(void *ctx, const uint32_t *words);
    /* Called again and again while packets are on their way; the only one of these that may access
     * registers, during which packets go on. Non-zero ends the stream with that result. NULL: not
     * wanted. */
    int (*poll)(void *ctx);
};

struct dev_stream_stats {
    uint64_t packets;
    uint64_t cycles; /* from the first beat taken to the last beat given; 0: not known */
};

struct dev;

struct dev_ops {
    int (*read32)(struct dev *dev, uint32_t addr, uint32_t *value);
    int (*write32)(struct dev *dev, uint32_t addr, uint32_t value);
    /* Several registers from addr on, the lowest first, faster than one by one. */
    int (*read_words)(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count);
    int (*write_words)(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count);
    /* Sends all packets of the source and waits until all have left. -ETIMEDOUT if the device makes
     * no progress. */
    int (*stream)(struct dev *dev, const struct dev_stream *stream, struct dev_stream_stats *stats);
    void (*close)(struct dev *dev);
    /* A NIC has these, and no stream; a bare slot has none of them. Its registers are those of
     * hw/spec/nic.toml, the slot's at SPEC_BAR_SLOT among them. */
    /* Memory that the device may reach from now on, under the DMA addresses from addr on: -EEXIST
     * if it overlaps with what it reaches already, -ENOMEM. */
    int (*dma_map)(struct dev *dev, void *memory, uint64_t addr, size_t bytes);
    /* ... and no longer; it may be a part of what was mapped. -ENOENT. */
    int (*dma_unmap)(struct dev *dev, uint64_t addr, size_t bytes);
    /* Lets a simulated device go on for so many clocks, or until it has nothing to do: the host
     * waits for something. NULL on a board, which goes on by itself. */
    int (*advance)(struct dev *dev, uint32_t clocks);
    /* Makes another model of a simulated device, which must be at rest and its ports off: the new
     * one is as after reset, with the same ports, queues and registers. What is connected to the
     * ports and the memory that the device may reach stay; frames that have not begun wait there.
     * -EBUSY: it is not at rest; after any failure the model before is there, as it was. NULL on a
     * board, whose slot is configured anew by its vendor's tools. */
    int (*reopen)(struct dev *dev, const char *model, char *why, size_t why_bytes);
};

/* A device that moves map contents by DMA (block MAPDMA of hw/spec/nic.toml), and memory for it. */
struct dev_bulk {
    uint32_t regs; /* address of the block */
    void *memory;
    uint64_t addr;  /* its DMA address, a multiple of 64 */
    uint32_t bytes; /* a multiple of 4,096 */
};

struct dev {
    const struct dev_ops *ops;
    const struct dev_bulk *bulk; /* NULL: contents go through the registers; set by who opened it */
};

/* How the simulated device is opened: the shared object that holds the simulation exports a
 * function of this type under the name DEV_SIM_OPEN. On failure a reason is left in why. */
struct dev_sim_options {
    size_t size;
    const char *model; /* shared object of the Verilated model */
    const char *waves; /* FST file to write, or NULL; the model must have been built with tracing */
    uint64_t seed;     /* of idles and back-pressure */
    uint32_t idle_percent;  /* clocks in which no beat is offered to the device */
    uint32_t stall_percent; /* clocks in which no beat is taken from it */
    /* The memory behind the device's AXI4 port: its size (a multiple of SPEC_EXT_LINE_BYTES; 0:
     * SPEC_EXT_BYTES), and the clocks that a request takes there, drawn anew for each. */
    uint64_t memory_bytes;
    uint32_t memory_min_clocks;
    uint32_t memory_max_clocks;
};
typedef int (*dev_sim_open_fn)(const struct dev_sim_options *options, struct dev **out, char *why,
                               size_t why_bytes);
#define DEV_SIM_OPEN "sluice_dev_sim_open"

/* What is connected to a port of the simulated NIC; empty or "none": nothing, the link is down.
 *   loopback                what leaves comes back
 *   pcap:IN:OUT[:GAP]       frames of file IN come in, GAP clocks (64) from start to start, as soon
 *                           as the port takes packets; what leaves is written to OUT; either may be
 *                           empty
 *   packet:INTERFACE        an interface of the host (AF_PACKET), such as one end of a veth pair
 *   tap:NAME                a TAP interface of that name, made for as long as the device is open */
enum { DEV_NIC_PORTS = 16 };

struct dev_nic_options {
    size_t size;
    const char *model; /* shared object of the Verilated NIC */
    uint64_t seed;     /* of memory's latencies and back-pressure */
    const char *ports[DEV_NIC_PORTS];
    uint32_t dma_min_clocks; /* that a request to host memory takes, drawn anew for each; */
    uint32_t dma_max_clocks; /* both 0: 16 to 64 */
    uint32_t stall_percent;  /* clocks in which no beat is taken from the device */
};
typedef int (*dev_nic_open_fn)(const struct dev_nic_options *options, struct dev **out, char *why,
                               size_t why_bytes);
#define DEV_NIC_OPEN "sluice_dev_nic_open"

#endif
