/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_TEST_MAP_H
#define SLUICE_TESTS_TEST_MAP_H

#include "compiler/load/load.h"

/* A map of plain bytes without flags, as a BTF definition gives it. */
#define TEST_MAP(map_name, map_type, key, value, entries)                                          \
    {                                                                                              \
        .name = (map_name), .section = ".maps", .kind = LOAD_MAP_BTF, .type = (map_type),          \
        .key_bytes = (key), .value_bytes = (value), .max_entries = (entries)                       \
    }

#endif
