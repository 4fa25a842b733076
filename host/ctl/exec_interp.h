/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_EXEC_INTERP_H
#define SLUICE_HOST_EXEC_INTERP_H

#include "host/ctl/executor.h"

extern const struct exec_ops exec_interp;

#endif
