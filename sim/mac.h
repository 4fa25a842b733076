/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_SIM_MAC_H
#define SLUICE_SIM_MAC_H

#include "sim/nic_model.h"

#include <stddef.h>

/* What is connected to a port of the simulated NIC: where frames come from and go to. Texts that
 * name it are described at struct dev_nic_options in host/dev.h. */

struct mac;

/* 0 and the attachment, or negative errno and the reason. */
int mac_open(const char *text, struct mac **out, char *why, size_t why_bytes);
void mac_close(struct mac *mac); /* NULL-safe */
bool mac_link(const struct mac *mac);
/* Whether a frame waits, or is on its way in. */
bool mac_waits(struct mac *mac);
/* Whether no frame is on its way, in or out. */
bool mac_rests(const struct mac *mac);
/* What is offered to the device in this clock; on: its port takes packets, so a new frame may
 * begin. */
void mac_drive(struct mac *mac, bool on, uint64_t clock, struct nic_beat *beat);
/* The beat offered was taken. */
void mac_taken(struct mac *mac);
/* A beat of the device, at a time in ns. 0 or -EPROTO if a frame makes no sense, -EIO if it can't
 * be written. */
int mac_give(struct mac *mac, const uint32_t *data, uint64_t keep, bool last, uint64_t ns);
/* What was written becomes visible to others. 0, or -EIO if it can't be written. */
int mac_flush(struct mac *mac);

#endif
