/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_RTL_PIPELINE_BENCH_H
#define SLUICE_TESTS_RTL_PIPELINE_BENCH_H

#include "compiler/ir/eval.h"
#include "compiler/pipeline/pipeline.h"
#include "sim/model.h"
#include "tests/common/soft_maps.h"

/* A generated pipeline under Verilator beside the IR's evaluator: the same packets, one after the
 * other there, as fast as they go in here, with random pauses on both sides; verdicts, redirects,
 * bytes and maps must be the same. */

#define PACKET_MAX 2048

struct packet {
    uint8_t bytes[PACKET_MAX];
    uint32_t length;
    uint64_t inputs[SPEC_IN_COUNT];
    /* what the evaluator says */
    uint8_t out[SPEC_PKT_JUMBO_END]; /* metadata and packet */
    uint32_t out_length;
    uint32_t meta_bytes;
    uint8_t events[SPEC_EVENT_BYTES];
    uint8_t events_before[SPEC_EVENT_BYTES]; /* bytes that are still so were not written */
    uint32_t event_beats;
    uint32_t ret;
    uint64_t redirect;
};

struct device {
    const struct model_api *api;
    void *model;
    struct model_in in;
    struct model_out out;
    uint64_t cycles;
    uint64_t seed;
    uint32_t in_percent;  /* how often a beat is offered */
    uint32_t out_percent; /* how often one is taken */
    bool wrong;
};

/* packets.c */
enum packet_mix {
    PACKETS_ALL,   /* of all lengths */
    PACKETS_SHORT, /* of 64 bytes */
    PACKETS_SAME,  /* of 64 bytes, all the same */
};
/* Packets for a program: those that its text names ("; packet HEX"), and variants of them. */
struct packet *packets_make(const char *text, uint32_t count, enum packet_mix mix, uint64_t *seed);

/* device.c */
int device_open(struct device *d, const char *path);
void device_close(struct device *d);
void device_enable(struct device *d);
/* Runs packets through; 0, or the number of differences. */
uint32_t device_run(struct device *d, const struct packet *packets, uint32_t count);
/* Host access through the mailbox. */
void device_write_maps(struct device *d, const struct soft_maps *maps, const struct ir_func *f);
int device_read_maps(struct device *d, struct soft_maps *maps, const struct ir_func *f);
uint32_t device_read32(struct device *d, uint32_t addr);

#endif
