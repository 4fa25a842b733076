/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_REPLAY_H
#define SLUICE_HOST_REPLAY_H

#include "compiler/ir/ir.h"
#include "host/ctl/events.h"
#include "nic_runtime/vm.h"

/* What a device says of a packet's events (struct ir_event_site) becomes the events themselves: the
 * same ring buffers, perf events and lines that software has, filled in the same order. */
struct replay {
    const struct ir_events *events;
    struct map *const *maps;            /* by number; those that the sites name are there */
    uint8_t *records[SPEC_EVENT_SITES]; /* of a packet: by the site that took it */
};

/* Does what the sites of a packet say: area has the first `bytes` bytes of its event area (0: it
 * came to no site). world hears of perf events and lines; records go to the ring buffers. 0, or
 * -EPROTO: the area contradicts the program. */
int replay_packet(struct replay *r, const uint8_t *area, uint32_t bytes, uint32_t queue,
                  const struct vm_world *world);

#endif
