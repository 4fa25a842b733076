/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TEST_CORE_BENCH_H
#define SLUICE_TEST_CORE_BENCH_H

#include "compiler/microcode/microcode.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/xdp.h"
#include "sim/model.h"

/* The core's device under a bench: registers, packets in with random idles, packets out with random
 * back-pressure, one call a clock. A bench ends at its first failure, with the seed. */

enum { BENCH_EVENT_BEATS = SPEC_EVENT_BYTES / 64 };

struct bench_packet {
    uint8_t bytes[SPEC_PKT_BUF_BYTES];
    uint32_t length_bytes;
    uint64_t inputs[SPEC_IN_COUNT]; /* of a packet in */
    uint32_t ret;                   /* of a packet out */
    uint64_t redirect;
    uint32_t meta_bytes;  /* of its bytes, the first are metadata */
    uint32_t event_beats; /* of the event area in front of it */
    uint8_t events[SPEC_EVENT_BYTES];
};

/* Says what the bench is about to send: the next packet, or false if there is none now. */
typedef bool (*bench_source_fn)(void *ctx, struct bench_packet *packet);
/* Takes a packet that has left. */
typedef void (*bench_sink_fn)(void *ctx, const struct bench_packet *packet);

struct bench {
    void *model;
    struct model_in in;
    struct model_out out;
    uint64_t seed;
    uint64_t rng;
    uint64_t clocks;
    uint32_t idle_percent;  /* of clocks without a beat in */
    uint32_t stall_percent; /* of clocks without room for a beat out */
    bench_source_fn source;
    bench_sink_fn sink;
    void *ctx;
    struct bench_packet sending;
    struct bench_packet receiving;
    uint32_t sent_bytes;
    bool have_packet;
    bool offered;
    uint64_t packets_in; /* last beat taken */
    uint64_t packets_out;
    /* what was offered in the last clock and not taken must be offered again */
    bool held;
    bool held_last;
    uint64_t held_keep;
    uint32_t held_user[4];
    uint32_t held_data[16];
};

void bench_open(struct bench *b, uint64_t seed);
void bench_close(struct bench *b);
uint64_t bench_random(struct bench *b);
/* A number below n. */
uint32_t bench_below(struct bench *b, uint32_t n);
/* Other shares of idle clocks and of clocks without room. */
void bench_shake(struct bench *b);
/* One clock. */
void bench_step(struct bench *b);
/* Steps until n packets have left; fails after limit clocks. */
void bench_run(struct bench *b, uint64_t packets_out, uint64_t limit);
void bench_write(struct bench *b, uint32_t address, uint32_t value);
uint32_t bench_read(struct bench *b, uint32_t address);
/* Rows to a program bank. */
void bench_load(struct bench *b, uint32_t bank, const struct ucode_row *rows, uint32_t count);
/* A mailbox command; its status. */
uint32_t bench_mailbox(struct bench *b, uint32_t command, uint32_t map, uint32_t address);
void bench_config(struct bench *b, uint32_t map, const uint32_t desc[SPEC_MAPDESC_WORDS]);
/* Maps of 8-byte values; a hash of 8-byte keys in 4 buckets. */
void bench_config_array(struct bench *b, uint32_t map, uint32_t entries, uint32_t base);
void bench_config_hash(struct bench *b, uint32_t map, uint32_t entries, uint32_t base);
uint64_t bench_vmem_read(struct bench *b, uint32_t map, uint32_t address);
void bench_vmem_write(struct bench *b, uint32_t map, uint32_t address, uint64_t value);
/* Prints the message with the seed and ends the process. */
void bench_fail(const struct bench *b, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
#define BENCH_CHECK(b, condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            bench_fail(b, __VA_ARGS__);                                                            \
    } while (0)

#endif
