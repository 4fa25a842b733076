/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/dev.h"
#include "hw/spec/gen/csr.h"
#include "hw/spec/gen/limits.h"
#include "hw/spec/gen/microcode.h"
#include "hw/spec/gen/xdp.h"
#include "sim/icarus.h"
#include "sim/memory.h"
#include "sim/model.h"
#include "sim/regs.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The simulated device: drives a Verilated sluice_dut clock by clock behind the interface of
 * host/dev.h. */

enum {
    BEAT_BYTES = 64,
    RESET_CLOCKS = 8,
    /* Without a beat in or out while packets are inside: the device hangs. A packet may run as many
     * instructions as the verifier explores, at a row of CONTEXTS clocks each in the core, some of
     * them with long operations. */
    PROGRESS_CLOCKS = 4 * SPEC_CONTEXTS * SPEC_INSNS_PROCESSED,
    OUT_BYTES = SPEC_PKT_BUF_BYTES,
    FLIGHT_MAX = 8192, /* packets inside the device */
};

struct sim {
    struct dev dev; /* first member: struct dev * is struct sim * */
    void *library;
    const struct model_api *api;
    void *model;
    struct model_in in;
    struct model_out out;
    struct regs regs;
    uint64_t cycle;
    uint64_t rng;
    uint32_t idle_percent;
    uint32_t stall_percent;
    struct flow *flow; /* the stream under way, or NULL */
    struct memory *memory;
};

/* A stream under way. */
struct flow {
    const struct dev_stream *stream;
    struct dev_packet packet; /* being sent */
    bool have_packet;
    bool drained; /* the source has no more */
    bool offered; /* the current beat is on the wires and must stay there */
    uint32_t sent_bytes;
    uint64_t entered[FLIGHT_MAX]; /* cycle of the first beat, by packet number */
    uint64_t numbers[FLIGHT_MAX]; /* dev_packet's, likewise */
    uint64_t sent;
    uint64_t received;
    uint64_t first_cycle;
    uint64_t last_cycle;
    uint64_t quiet_clocks;
    uint8_t bytes[OUT_BYTES];
    uint32_t got_bytes;
};

static uint32_t percent(struct sim *sim)
{
    sim->rng ^= sim->rng << 13;
    sim->rng ^= sim->rng >> 7;
    sim->rng ^= sim->rng << 17;
    return (uint32_t)(sim->rng >> 33) % 100;
}

static void settle(struct sim *sim)
{
    sim->api->settle(sim->model, &sim->in, &sim->out);
}

static void clock_edge(struct sim *sim)
{
    sim->api->clock(sim->model);
    sim->cycle++;
}

/* Puts a field of a packet's inputs at its place in tuser. */
static void put_input(uint32_t *tuser, uint32_t lsb, uint32_t bits, uint64_t value)
{
    for (uint32_t i = 0; i < bits; i += 16)
        tuser[(lsb + i) / 32] |= (uint32_t)(value >> i & 0xffff) << ((lsb + i) % 32);
}

static void begin_packet(struct sim *sim, struct flow *flow)
{
    const struct dev_packet *p = &flow->packet;
    uint32_t *u = sim->in.s_tuser;

    memset(u, 0, sizeof(sim->in.s_tuser));
    put_input(u, SPEC_IN_TIME_LSB, SPEC_IN_TIME_BITS, p->time_ns);
    put_input(u, SPEC_IN_RAND_LSB, SPEC_IN_RAND_BITS, p->rand);
    put_input(u, SPEC_IN_IFINDEX_LSB, SPEC_IN_IFINDEX_BITS, p->ifindex);
    put_input(u, SPEC_IN_QUEUE_LSB, SPEC_IN_QUEUE_BITS, p->queue);
    put_input(u, SPEC_IN_LEN_LSB, SPEC_IN_LEN_BITS, p->len);
    put_input(u, SPEC_IN_EGRESS_LSB, SPEC_IN_EGRESS_BITS, p->egress);
    flow->sent_bytes = 0;
}

/* Decides what is offered in this clock. */
static void drive(struct sim *sim, struct flow *flow)
{
    if (!flow->have_packet && !flow->drained && flow->sent - flow->received < FLIGHT_MAX) {
        flow->have_packet = flow->stream->source(flow->stream->ctx, &flow->packet);
        flow->drained = !flow->have_packet;
        if (flow->have_packet)
            begin_packet(sim, flow);
    }
    if (!flow->offered && flow->have_packet &&
        (!sim->idle_percent || percent(sim) >= sim->idle_percent)) {
        const uint32_t left = flow->packet.len - flow->sent_bytes;
        const uint32_t n = left < BEAT_BYTES ? left : BEAT_BYTES;

        memset(sim->in.s_tdata, 0, sizeof(sim->in.s_tdata));
        memcpy(sim->in.s_tdata, flow->packet.data + flow->sent_bytes, n);
        sim->in.s_tkeep = n == BEAT_BYTES ? UINT64_MAX : (UINT64_C(1) << n) - 1;
        sim->in.s_tlast = left <= BEAT_BYTES;
        flow->offered = true;
    }
    sim->in.s_tvalid = flow->offered;
    sim->in.m_tready = !sim->stall_percent || percent(sim) >= sim->stall_percent;
}

static void note_sent_beat(struct sim *sim, struct flow *flow)
{
    if (flow->sent_bytes == 0) {
        flow->entered[flow->sent % FLIGHT_MAX] = sim->cycle;
        flow->numbers[flow->sent % FLIGHT_MAX] = flow->packet.number;
        if (flow->sent == 0)
            flow->first_cycle = sim->cycle;
    }
    flow->offered = false;
    flow->sent_bytes += BEAT_BYTES;
    if (sim->in.s_tlast) {
        flow->sent++;
        flow->have_packet = false;
    }
}

/* A packet is complete: hands it to the sink. */
static int finish_packet(struct sim *sim, struct flow *flow)
{
    const uint32_t *u = sim->out.m_tuser;
    const uint32_t meta_bytes =
        u[SPEC_OUT_META_LSB / 32] >> (SPEC_OUT_META_LSB % 32) & ((1u << SPEC_OUT_META_BITS) - 1);
    const uint32_t event_bytes =
        BEAT_BYTES * (u[SPEC_OUT_EVENTS_LSB / 32] >> (SPEC_OUT_EVENTS_LSB % 32) &
                      ((1u << SPEC_OUT_EVENTS_BITS) - 1));
    const uint32_t in_front = event_bytes + meta_bytes;
    const struct dev_output output = {
        .index = flow->received,
        .number = flow->numbers[flow->received % FLIGHT_MAX],
        .ret = u[0],
        .redirect = (uint64_t)u[2] << 32 | u[1],
        .data = flow->bytes + in_front,
        .len = flow->got_bytes - in_front,
        .meta_bytes = meta_bytes,
        .events = flow->bytes,
        .event_bytes = event_bytes,
        .latency_cycles = sim->cycle - flow->entered[flow->received % FLIGHT_MAX] + 1,
    };

    if (in_front > flow->got_bytes ||
        (u[SPEC_OUT_LEN_LSB / 32] & 0xffff) != flow->got_bytes - event_bytes)
        return -EPROTO;
    flow->received++;
    flow->last_cycle = sim->cycle;
    flow->got_bytes = 0;
    return flow->stream->sink(flow->stream->ctx, &output);
}

static int take_beat(struct sim *sim, struct flow *flow)
{
    const uint32_t n = (uint32_t)__builtin_popcountll(sim->out.m_tkeep);

    if (flow->got_bytes + n > OUT_BYTES)
        return -EPROTO;
    if (flow->sent == flow->received && !(flow->have_packet && flow->sent_bytes))
        return -EPROTO; /* a packet that never came in */
    memcpy(flow->bytes + flow->got_bytes, sim->out.m_tdata, n);
    flow->got_bytes += n;
    return sim->out.m_tlast ? finish_packet(sim, flow) : 0;
}

/* What has moved in this clock, once the model's outputs are settled. */
static int note_moves(struct sim *sim, struct flow *flow)
{
    bool moved = false;
    int err = 0;

    if (sim->in.s_tvalid && sim->out.s_tready) {
        note_sent_beat(sim, flow);
        moved = true;
    }
    for (uint32_t c = 0; flow->stream->row && c < sim->out.cores && !err; c++) {
        const uint32_t *words = sim->out.trace + UCODE_RETIRE_BITS / 32 * c;

        if (words[0] >> UCODE_R_VALID_LSB & 1)
            err = flow->stream->row(flow->stream->ctx, words);
    }
    if (!err && sim->out.m_tvalid && sim->in.m_tready) {
        err = take_beat(sim, flow);
        moved = true;
    }
    flow->quiet_clocks = moved ? 0 : flow->quiet_clocks + 1;
    if (!err && flow->quiet_clocks > PROGRESS_CLOCKS)
        err = -ETIMEDOUT;
    return err;
}

/* A clock, in which packets move too if they are on their way. */
static void begin_clock(void *ctx)
{
    struct sim *sim = ctx;

    if (sim->flow)
        drive(sim, sim->flow);
    memory_drive(sim->memory, &sim->in.memory);
    settle(sim);
}

static int end_clock(void *ctx)
{
    struct sim *sim = ctx;
    const int moved = sim->flow ? note_moves(sim, sim->flow) : 0;
    const int err = memory_clock(sim->memory, &sim->in.memory, &sim->out.memory);

    clock_edge(sim);
    return moved ? moved : err;
}

static int sim_write_words(struct dev *dev, uint32_t addr, const uint32_t *words, uint32_t count)
{
    return regs_write(&((struct sim *)dev)->regs, addr, words, count);
}

static int sim_read_words(struct dev *dev, uint32_t addr, uint32_t *words, uint32_t count)
{
    return regs_read(&((struct sim *)dev)->regs, addr, words, count);
}

static int sim_write32(struct dev *dev, uint32_t addr, uint32_t value)
{
    return sim_write_words(dev, addr, &value, 1);
}

static int sim_read32(struct dev *dev, uint32_t addr, uint32_t *value)
{
    return sim_read_words(dev, addr, value, 1);
}

static int sim_stream(struct dev *dev, const struct dev_stream *stream,
                      struct dev_stream_stats *stats)
{
    struct sim *sim = (struct sim *)dev;
    struct flow *flow = calloc(1, sizeof(*flow));
    int err = 0;
    int moved;

    if (!flow)
        return -ENOMEM;
    settle(sim);
    if (stream->row && !sim->out.trace)
        err = -ENOTSUP;
    flow->stream = stream;
    sim->flow = flow;
    while (!err && !(flow->drained && !flow->have_packet && flow->sent == flow->received)) {
        if (stream->poll)
            err = stream->poll(stream->ctx);
        begin_clock(sim);
        moved = end_clock(sim);
        err = err ? err : moved;
    }
    sim->flow = NULL;
    sim->in.s_tvalid = false;
    sim->in.m_tready = false;
    if (!err) {
        stats->packets = flow->received;
        stats->cycles = flow->received ? flow->last_cycle - flow->first_cycle + 1 : 0;
    }
    free(flow);
    return err;
}

static void sim_close(struct dev *dev)
{
    struct sim *sim = (struct sim *)dev;

    if (!sim)
        return;
    if (sim->model)
        sim->api->close(sim->model);
    if (sim->library)
        dlclose(sim->library);
    memory_close(sim->memory);
    free(sim);
}

static const struct dev_ops sim_ops = {
    .read32 = sim_read32,
    .write32 = sim_write32,
    .read_words = sim_read_words,
    .write_words = sim_write_words,
    .stream = sim_stream,
    .close = sim_close,
};

/* A model for Icarus is a file for vvp; all others are shared objects. */
static bool is_icarus(const char *model)
{
    const size_t n = strlen(model);

    return n > 4 && strcmp(model + n - 4, ".vvp") == 0;
}

static int load_icarus(struct sim *sim, const struct dev_sim_options *options, char *why,
                       size_t why_bytes)
{
    if (options->waves) {
        snprintf(why, why_bytes, "Icarus writes no waves here; use Verilator for them");
        return -EINVAL;
    }
    sim->api = &icarus_api;
    sim->model = icarus_open(options->model);
    if (sim->model)
        return 0;
    snprintf(why, why_bytes, "vvp can't be run (is Icarus Verilog installed?)");
    return -ENOENT;
}

static int load_model(struct sim *sim, const struct dev_sim_options *options, char *why,
                      size_t why_bytes)
{
    if (is_icarus(options->model))
        return load_icarus(sim, options, why, why_bytes);
    sim->library = dlopen(options->model, RTLD_NOW | RTLD_LOCAL);
    if (!sim->library) {
        snprintf(why, why_bytes, "%s", dlerror());
        return -ENOENT;
    }
    sim->api = dlsym(sim->library, "sluice_model_api");
    if (!sim->api || sim->api->abi != MODEL_ABI) {
        snprintf(why, why_bytes, "%s is not a simulation model of this version; build it again",
                 options->model);
        return -EINVAL;
    }
    if (options->waves && !sim->api->traced) {
        snprintf(why, why_bytes, "%s was built without tracing, so it can't write waves",
                 options->model);
        return -EINVAL;
    }
    sim->model = sim->api->open(options->waves);
    return 0;
}

/* Resets the device and checks that a Sluice answers. */
static int reset(struct sim *sim, char *why, size_t why_bytes)
{
    uint32_t id = 0;
    int err;

    sim->in.rst = true;
    for (int i = 0; i < RESET_CLOCKS; i++) {
        settle(sim);
        clock_edge(sim);
    }
    sim->in.rst = false;
    err = sim_read32(&sim->dev, SPEC_CSR_ID, &id);
    if (!err && id != 0x45434c53)
        err = -ENODEV;
    if (err)
        snprintf(why, why_bytes, "the model does not answer at its ID register (0x%08x)", id);
    return err;
}

__attribute__((visibility("default"))) int
sluice_dev_sim_open(const struct dev_sim_options *options, struct dev **out, char *why,
                    size_t why_bytes);

/* See DEV_SIM_OPEN in host/dev.h. */
int sluice_dev_sim_open(const struct dev_sim_options *options, struct dev **out, char *why,
                        size_t why_bytes)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    int err;

    if (!sim)
        return -ENOMEM;
    sim->dev.ops = &sim_ops;
    sim->regs = (struct regs){&sim->in.regs, &sim->out.regs, sim, begin_clock, end_clock};
    sim->rng = options->seed * 0x9e3779b97f4a7c15u + 1;
    if (!sim->rng)
        sim->rng = 1;
    sim->idle_percent = options->idle_percent;
    sim->stall_percent = options->stall_percent;
    sim->memory =
        memory_open(options->memory_bytes ? options->memory_bytes : SPEC_EXT_BYTES,
                    options->memory_min_clocks, options->memory_max_clocks, options->seed);
    if (!sim->memory) {
        snprintf(why, why_bytes, "there is no room for the device's external memory");
        sim_close(&sim->dev);
        return -ENOMEM;
    }
    err = load_model(sim, options, why, why_bytes);
    if (!err)
        err = reset(sim, why, why_bytes);
    if (err) {
        sim_close(&sim->dev);
        return err;
    }
    *out = &sim->dev;
    return 0;
}
