/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_MODEL_H
#define SLUICE_HOST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PATH_BYTES = 4096 };

/* What simulates a device. */
enum model_kind {
    MODEL_VERILATOR,
    MODEL_TRACED, /* Verilator, able to write waves */
    MODEL_ICARUS, /* built in a tenth of a second, slow to run: for a few packets */
    MODEL_NIC,    /* Verilator, with the NIC around it (docs/nic.md) */
    MODEL_KIND_COUNT
};

/* The simulation model of a generated device: built from its Verilog, or taken from the cache
 * ($SLUICE_CACHE, $XDG_CACHE_HOME/sluice or $HOME/.cache/sluice) when the same Verilog was built
 * with the same RTL before. 0 and the model's path, or negative errno and the reason. */
int model_build(const char *verilog, enum model_kind kind, char path[MODEL_PATH_BYTES], char *why,
                size_t why_bytes);

/* The model of the device with so many cores (0: one); with trace, and with several cores, it is
 * built when first asked for. */
int model_core(bool trace, uint32_t cores, char path[MODEL_PATH_BYTES], char *why,
               size_t why_bytes);

/* The shared object that holds the simulated device (see DEV_SIM_OPEN). */
int model_plugin(char path[MODEL_PATH_BYTES], char *why, size_t why_bytes);

#endif
