/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/pmd/fallback/path.h"

#include "hw/spec/gen/csr.h"

enum {
    HOLD_ON = 1, /* hw/spec/csr.toml, HOLD */
    HOLD_RESUME = 2,
    HOLD_HELD = 2,
    BEHIND_BUSY = 8, /* hw/spec/nic.toml, STATUS */
};

int pmd_path_hold(struct nic *nic, bool on)
{
    return nic_write(nic, nic->slot + SPEC_CSR_HOLD, on ? HOLD_ON : 0);
}

int pmd_path_resume(struct nic *nic)
{
    return nic_write(nic, nic->slot + SPEC_CSR_HOLD, HOLD_ON | HOLD_RESUME);
}

bool pmd_path_held(struct nic *nic)
{
    uint32_t hold = 0;

    return !nic_read(nic, nic->slot + SPEC_CSR_HOLD, &hold) && hold != UINT32_MAX &&
           hold & HOLD_HELD;
}

bool pmd_path_lost(struct pmd *pmd)
{
    uint32_t status = BEHIND_BUSY;

    /* first that it has left the slot, then that nothing is on its way from there, then that no
     * ring has anything */
    if (!pmd_path_held(&pmd->nic) ||
        nic_read(&pmd->nic, pmd->nic.device + SPEC_NIC_STATUS, &status) || status & BEHIND_BUSY)
        return false;
    for (uint16_t i = 0; i < pmd->data->nb_rx_queues; i++)
        if (pmd->data->rx_queues[i] && pmd_rx_filled(pmd->data->rx_queues[i]))
            return false;
    return true;
}
