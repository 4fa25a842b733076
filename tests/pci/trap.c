/* SPDX-License-Identifier: BSD-3-Clause */
#undef _FILE_OFFSET_BITS /* mmap and mmap64 are two names here */
#include "hw/spec/gen/nic.h"
#include "tests/pci/board.h"
#include "tests/common/mov.h"

#include <dlfcn.h>
#include <rte_memory.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* A library to be preloaded into a DPDK application: the file that SLUICE_BOARD_BAR names, mapped
 * by anybody, is BAR 0 of a board (board.h) in this process. No access to its pages is allowed;
 * each one ends in a signal, and is carried out by the board. The board reaches the memory that
 * DPDK has when the BAR is mapped first, by DPDK's own I/O addresses. What it can't carry out ends
 * the process: a register is accessed by 32 bits at once, and by nothing else. */

/* The state of this one process, which loads the library for the sake of it. */
static struct board *board;
static uint8_t *bar;

static void fail(const char *text)
{
    fprintf(stderr, "trap: %s\n", text);
    _exit(3);
}

/* --- the BAR's accesses --- */

static greg_t *register_of(ucontext_t *context, uint8_t reg)
{
    static const int names[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};

    return &context->uc_mcontext.gregs[names[reg]];
}

static void carry_out(ucontext_t *context, uint32_t addr)
{
    const uint8_t *code = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP];
    struct mov mov;

    if (!mov_decode(code, &mov)) {
        fprintf(stderr, "trap: %02x %02x %02x %02x %02x %02x %02x %02x accesses register %05x\n",
                code[0], code[1], code[2], code[3], code[4], code[5], code[6], code[7], addr);
        fail("that is no access of 32 bits as this library knows them");
    }
    if (!mov.write)
        *register_of(context, mov.reg) = board_read(board, addr);
    else if (mov.reg == MOV_IMMEDIATE)
        board_write(board, addr, mov.value);
    else
        board_write(board, addr, (uint32_t)*register_of(context, mov.reg));
    context->uc_mcontext.gregs[REG_RIP] += mov.bytes;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const uintptr_t at = (uintptr_t)info->si_addr, base = (uintptr_t)bar;

    if (bar && at >= base && at < base + SPEC_BAR_BYTES)
        carry_out(context, (uint32_t)(at - base));
    else
        signal(number, SIG_DFL); /* the same again, and no more */
}

/* --- mapping it --- */

static typeof(rte_memseg_walk) *walk;
static typeof(rte_mem_virt2memseg) *find;
static typeof(rte_mem_event_callback_register) *watch;

static int map_piece(const struct rte_memseg_list *list, const struct rte_memseg *s, void *ctx)
{
    (void)ctx;
    if ((!list || !list->external) && s->iova != RTE_BAD_IOVA &&
        board_dma_map(board, s->addr, s->iova, s->len))
        fail("the board does not take DPDK's memory");
    return 0;
}

/* DPDK gets more memory, or gives some back. */
static void memory_changed(enum rte_mem_event event, const void *addr, size_t bytes, void *ctx)
{
    const struct rte_memseg *s;

    for (size_t done = 0; done < bytes && (s = find((const uint8_t *)addr + done, NULL));
         done += s->len) {
        if (event == RTE_MEM_EVENT_ALLOC)
            map_piece(NULL, s, ctx);
        else if (s->iova != RTE_BAD_IOVA && board_dma_unmap(board, s->iova, s->len))
            fail("the board does not let go of DPDK's memory");
    }
}

static void power_up(void)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    walk = (typeof(walk))dlsym(RTLD_DEFAULT, "rte_memseg_walk");
    find = (typeof(find))dlsym(RTLD_DEFAULT, "rte_mem_virt2memseg");
    watch = (typeof(watch))dlsym(RTLD_DEFAULT, "rte_mem_event_callback_register");
    if (!walk || !find || !watch)
        fail("DPDK is not there");
    board = board_open();
    if (!board || sigaction(SIGSEGV, &action, NULL))
        fail("there is no board");
    walk(map_piece, NULL);
    if (watch("sluice-board", memory_changed, NULL))
        fail("DPDK does not tell of its memory");
}

static bool is_bar(int fd)
{
    const char *name = getenv("SLUICE_BOARD_BAR");
    struct stat a, b;

    return name && fd >= 0 && !fstat(fd, &a) && !stat(name, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

__attribute__((visibility("default"))) void *mmap(void *at, size_t bytes, int protection, int flags,
                                                  int fd, off_t offset)
{
    const bool ours = is_bar(fd);
    void *memory =
        (void *)syscall(SYS_mmap, at, bytes, ours ? PROT_NONE : protection, flags, fd, offset);

    if (!ours || memory == MAP_FAILED)
        return memory;
    if (bar || bytes != SPEC_BAR_BYTES || offset)
        fail("the BAR is mapped once, as a whole");
    bar = memory;
    if (!board)
        power_up();
    return memory;
}

__attribute__((visibility("default"), alias("mmap"))) void *mmap64(void *, size_t, int, int, int,
                                                                   off_t);

__attribute__((visibility("default"))) int munmap(void *at, size_t bytes)
{
    if (bar && at == bar)
        bar = NULL;
    return (int)syscall(SYS_munmap, at, bytes);
}

__attribute__((destructor)) static void power_down(void)
{
    board_close(board);
}
