/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/device/device.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 600000 }; /* a pipeline is built meanwhile */

void device_hear(void *ctx, const struct sluice_diag *diag)
{
    struct device_heard *h = ctx;

    h->count++;
    snprintf(h->code, sizeof(h->code), "%s", diag->code);
    assert_true(sluice_diag_format(diag, h->text, sizeof(h->text)) > 0);
}

struct sluice_port *device_open(const char *device, struct device_heard *heard)
{
    const struct sluice_sink sink = {sizeof(sink), heard, device_hear};
    const struct sluice_port_opts opts = {.size = sizeof(opts),
                                          .device = device,
                                          .socket = getenv("SLUICE_TEST_SOCKET"),
                                          .sink = heard ? &sink : NULL,
                                          .timeout_ms = PATIENCE_MS};
    struct sluice_port *port = NULL;
    const int err = sluice_port_open(&opts, &port);

    if (err)
        fail_msg("%d: %s", err, heard ? heard->text : "");
    return port;
}

struct sluice_loaded *device_load_on(struct sluice_port *port, const char *text,
                                     const char *executor)
{
    const struct sluice_load_opts opts = {.size = sizeof(opts), .port = port, .executor = executor};
    struct sluice_object *object = library_open(text);
    struct sluice_loaded *loaded = NULL;

    assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &opts, &loaded), 0);
    sluice_object_close(object);
    return loaded;
}

struct sluice_loaded *device_load(struct sluice_port *port, const char *text)
{
    return device_load_on(port, text, NULL);
}

uint64_t device_array_at(struct sluice_map *map, uint32_t key)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(sluice_map_lookup_elem(map, &key, 4, &value, 8, 0), 0);
    return value;
}

void device_wait_for_more(struct sluice_map *map, uint32_t key)
{
    const uint64_t before = device_array_at(map, key);

    for (uint32_t i = 0; device_array_at(map, key) < before + 20; i++)
        assert_true(i < 100000);
}
