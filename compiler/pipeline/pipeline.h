/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PIPELINE_H
#define SLUICE_PIPELINE_H

#include "compiler/ir/ir.h"

/* A Verilog pipeline for one program. */

struct pipe_options {
    size_t size;
    uint32_t delay_levels; /* budget of a stage in LUT levels; 0: SPEC_PIPE_DELAY_LEVELS */
    uint32_t unit_levels;  /* budget of an atomic unit at a map; 0: SPEC_PIPE_UNIT_LEVELS */
    uint32_t window_bytes; /* packet bytes a program may reach; 0: SPEC_PIPE_WINDOW_BYTES */
    uint32_t max_stages;   /* 0: SPEC_PIPE_MAX_STAGES */
    bool unordered; /* for tests: packets do not wait for each other, so results may be wrong */
};

/* How packets meet at a map. */
enum pipe_hazard {
    PIPE_HAZARD_NONE, /* read only, or one atomic unit: a packet each clock */
    PIPE_HAZARD_KEY,  /* packets of the same key wait for each other */
    PIPE_HAZARD_MAP,  /* one packet at a time between first and last access */
    PIPE_HAZARD_COUNT
};

struct pipe_map_info {
    enum pipe_hazard hazard;
    uint32_t first_stage; /* of the protected stretch */
    uint32_t last_stage;
    uint32_t accesses; /* operations a packet at the busiest port */
    uint32_t cycles; /* a packet, if all that come to the map have the same key; with on_miss: those
                        that insert */
    uint32_t unit_levels; /* of the atomic unit that all accesses to values are; 0: there is none */
    bool on_miss;         /* only packets that find no entry wait */
    uint64_t external_bytes; /* that its values take in external memory; 0: they are on chip */
    const char *why;
    const char *why_apart; /* why the accesses are no atomic unit, or NULL */
};

struct pipe_design {
    const char *name;
    const char *verilog; /* one file: module sluice_dut and what is special to the program */
    const char *listing; /* stage by stage, with eBPF instructions and source lines */
    uint32_t stages;
    uint32_t window_bytes;
    uint32_t packet_reads; /* beyond the window, of one packet at most; if not 0, packets start when
                              they are whole */
    uint32_t
        cycles_best; /* predicted clocks a packet of up to 64 bytes when no two packets meet ... */
    uint32_t cycles_same_key; /* ... and when all have the same key */
    uint32_t event_beats;     /* clocks more of a packet that has events, whose area leaves first */
    struct pipe_map_info *maps; /* one a map of the function */
    uint32_t map_count;
};

/* Generates the design. 0 and *out, or -ENOTSUP with the reason in the sink (code PIPEnnnn): loop,
 * window, stages, ... */
int pipe_compile(const struct ir_func *f, const struct pipe_options *options, struct arena *arena,
                 struct diag_sink *sink, const struct pipe_design **out);

#endif
