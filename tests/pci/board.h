/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_TESTS_PCI_BOARD_H
#define SLUICE_TESTS_PCI_BOARD_H

#include "host/dev.h"

/* The simulated NIC as a board: it goes on by itself, in a thread of its own, and knows its host by
 * register accesses and DMA only. Calls may come from any thread. */

struct board;

/* Opens what environment variables say:
 *   SLUICE_BOARD_SIM, SLUICE_BOARD_MODEL    the simulation's and the model's shared objects
 *   SLUICE_BOARD_PORTS   what is connected to the ports, a space between them (host/dev.h)
 *   SLUICE_BOARD_SEED, SLUICE_BOARD_STALL   seed; clocks in which a channel is not ready, in
 * percent SLUICE_BOARD_GONE    a file: while it is there, the board is not NULL and a line on
 * stderr if it can't be opened. */
struct board *board_open(void);
/* Ends the captures of its ports. NULL-safe. */
void board_close(struct board *board);
/* A register of BAR 0. What nobody answers reads as all ones, as on a bus. */
uint32_t board_read(struct board *board, uint32_t addr);
void board_write(struct board *board, uint32_t addr, uint32_t value);
/* Memory of the host that DMA reaches, and no longer: see struct dev_ops in host/dev.h. What ends
 * is a whole piece as it was given. */
int board_dma_map(struct board *board, void *memory, uint64_t addr, size_t bytes);
int board_dma_unmap(struct board *board, uint64_t addr, size_t bytes);

#endif
