/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_DEVICE_H
#define SLUICE_TESTS_DEVICE_H

#include "tests/common/library.h"

/* The library on device net_sluice0 of a process that runs (tests/e2e/test_device.py starts it), on
 * whose wire packets go round and round: its socket is SLUICE_TEST_SOCKET. For cmocka. */

/* What a port's sink has heard last. */
struct device_heard {
    uint32_t count;
    char code[16];
    char text[2048];
};

void device_hear(void *ctx, const struct sluice_diag *diag);

/* heard: NULL, if nobody is to hear. */
struct sluice_port *device_open(const char *device, struct device_heard *heard);
/* A program's text, to be attached to the port; on an executor, or where the device says. */
struct sluice_loaded *device_load_on(struct sluice_port *port, const char *text,
                                     const char *executor);
struct sluice_loaded *device_load(struct sluice_port *port, const char *text);

uint64_t device_array_at(struct sluice_map *map, uint32_t key);
/* Until packets have counted there. */
void device_wait_for_more(struct sluice_map *map, uint32_t key);

#endif
