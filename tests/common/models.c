/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/common/models.h"

#include <unistd.h>

bool has_core_model(void)
{
    return !access(SLUICE_BUILD_ROOT "/core_model.so", R_OK);
}
