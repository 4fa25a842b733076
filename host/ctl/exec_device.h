/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EXEC_DEVICE_H
#define SLUICE_HOST_EXEC_DEVICE_H

#include "host/ctl/executor.h"

/* The two executors that are hardware: one device interface, two kinds of device. */
extern const struct exec_ops exec_microcode;
extern const struct exec_ops exec_pipeline;

/* The device of an executor that one of these has opened. */
struct dev;
struct dev *exec_device_dev(const struct exec *exec);

/* A program that was loaded beside another one takes over from it (swap.h); returns when all of the
 * other's packets have left. */
int exec_device_switch(struct exec *exec);

/* A packet's event area, as it has left the device, becomes events, which the listener is told:
 * `bytes` bytes, or 0 of a packet that made none; queue is the packet's, number what they are told
 * as. Areas come in the order of the packets. 0, -EPROTO: the area contradicts the program, and
 * nothing was told; -ENOMEM, or what the listener gave. */
int exec_device_event(struct exec *exec, const uint8_t *area, uint32_t bytes, uint32_t queue,
                      uint64_t number);

#endif
