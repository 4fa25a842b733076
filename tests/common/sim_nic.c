/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/sim_nic.h"

#include "tests/common/skip.h"
#include "tests/common/text_object.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char model[] = SLUICE_BUILD_ROOT "/nic_model.so";

const char *sim_nic_model(void)
{
    return model;
}

bool sim_nic_there(void)
{
    return !access(model, R_OK);
}

void sim_nic_needed(void)
{
    if (!sim_nic_there())
        skip_because("no model of the NIC in this build");
}

struct dev *sim_nic_open(uint64_t seed, uint32_t stall_percent)
{
    const struct dev_nic_options options = {.size = sizeof(options),
                                            .model = model,
                                            .seed = seed,
                                            .ports = {"loopback"},
                                            .stall_percent = stall_percent};
    void *library = dlopen(SLUICE_BUILD_ROOT "/sluice-sim.so", RTLD_NOW | RTLD_LOCAL);
    dev_nic_open_fn open = library ? (dev_nic_open_fn)dlsym(library, DEV_NIC_OPEN) : NULL;
    char why[1024] = "the simulation can't be loaded";
    struct dev *dev = NULL;

    if (!open || open(&options, &dev, why, sizeof(why))) {
        fprintf(stderr, "%s\n", why);
        return NULL;
    }
    return dev;
}

bool sim_nic_program(const char *text, char path[SIM_NIC_PATH_BYTES])
{
    size_t bytes;
    void *data = text_object(text, &bytes);
    bool fine;
    int fd;

    snprintf(path, SIM_NIC_PATH_BYTES, "/tmp/sluice-test-XXXXXX");
    fd = data ? mkstemp(path) : -1;
    fine = fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes;
    if (fd >= 0)
        close(fd);
    free(data);
    return fine;
}
