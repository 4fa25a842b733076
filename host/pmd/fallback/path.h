/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_PMD_PATH_H
#define SLUICE_PMD_PATH_H

#include "host/pmd/pmd.h"

/* The slot's side of paths that are left to the host (docs/adr/0020): a packet that comes to one
 * stops those behind it once it has left, until it is resumed. needs: the device's lock. */

/* Whether packets do so; off lets go what is stopped. */
int pmd_path_hold(struct nic *nic, bool on);
/* The packet is done with: those behind it go on. */
int pmd_path_resume(struct nic *nic);
/* Whether a packet has left that is not done with. */
bool pmd_path_held(struct nic *nic);
/* Whether that packet is in no RX ring and does not come any more: it found no descriptor, or no
 * memory. */
bool pmd_path_lost(struct pmd *pmd);

#endif
