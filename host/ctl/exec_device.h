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

#endif
