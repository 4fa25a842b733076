/* SPDX-License-Identifier: BSD-3-Clause */
#include "hw/spec/gen/nic.h"
#include "tests/pci/board.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The simulated NIC as a device of QEMU 7.2's PCI bus: usage: sluice-pci-proxy QEMU ARGUMENTS, with
 * -device x-pci-proxy-dev,fd=3 among them, and the environment of board.h. Ends with QEMU's status,
 * or 3 if its guest has done what no driver of this device may do.
 *
 * QEMU sends a message for each access to configuration space and to the BAR, and waits for the
 * answer; it sends the guest's memory as file descriptors whenever the map of memory changes. A
 * message is a head, then its body; all numbers as the machine has them. The device reaches memory
 * while it is a bus master only. */

enum {
    FD = 3,
    RAM_PIECES = 8,
    CONFIG_BYTES = 256,
    /* configuration space (PCI Local Bus Specification 3.0, chapter 6) */
    CONFIG_VENDOR = 0,
    CONFIG_COMMAND = 4,
    CONFIG_CLASS = 9,
    CONFIG_BAR0 = 0x10,
    CONFIG_SUBSYSTEM = 0x2c,
    CONFIG_LINE = 0x3c,
    COMMAND_WRITABLE = 0x0406, /* memory, bus master, no interrupts */
    COMMAND_MASTER = 0x0004,
    NIC_RESET = 2,
};

enum command {
    CMD_RAM,
    CMD_ANSWER,
    CMD_CONFIG_WRITE,
    CMD_CONFIG_READ,
    CMD_BAR_WRITE,
    CMD_BAR_READ,
    CMD_INTERRUPTS,
    CMD_RESET,
};

struct head {
    uint32_t command;
    uint32_t zero;
    uint64_t bytes; /* of the body */
};

union body {
    uint64_t value;
    struct {
        uint32_t addr;
        uint32_t value;
        uint32_t bytes;
    } config;
    struct {
        uint64_t addr; /* of the guest's memory, the BAR's base included */
        uint64_t value;
        uint32_t bytes;
        uint8_t memory;
    } bar;
    struct {
        uint64_t addr[RAM_PIECES];
        uint64_t bytes[RAM_PIECES];
        uint64_t offset[RAM_PIECES]; /* in the file */
    } ram;
};

struct message {
    struct head head;
    union body body;
    int fds[RAM_PIECES];
    int fd_count;
};

struct piece {
    uint8_t *memory;
    uint64_t addr;
    uint64_t bytes;
    uint64_t offset;
    ino_t file;
};

struct proxy {
    int fd;
    struct board *board;
    uint8_t config[CONFIG_BYTES];
    uint8_t writable[CONFIG_BYTES];
    struct piece ram[RAM_PIECES];
    int ram_count;
    bool reached; /* by the board */
    bool misused;
};

/* --- messages --- */

/* The head, and what file descriptors come with it. 0; 1 at the end; or negative errno. */
static int get_head(struct proxy *p, struct message *m)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(m->fds))];
    } control;
    struct iovec iov = {&m->head, sizeof(m->head)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control)};
    const ssize_t n = recvmsg(p->fd, &msg, MSG_WAITALL);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

    if (n <= 0)
        return n == 0 || errno == ECONNRESET ? 1 : -errno;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        m->fd_count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(m->fds, CMSG_DATA(c), (size_t)m->fd_count * sizeof(int));
    }
    return n == sizeof(m->head) && m->head.bytes <= sizeof(m->body) ? 0 : -EPROTO;
}

static int get(struct proxy *p, struct message *m)
{
    int err;

    memset(m, 0, sizeof(*m));
    err = get_head(p, m);
    if (!err && m->head.bytes &&
        recv(p->fd, &m->body, m->head.bytes, MSG_WAITALL) != (ssize_t)m->head.bytes)
        err = -EPROTO;
    return err;
}

static int answer(struct proxy *p, uint64_t value)
{
    struct {
        struct head head;
        uint64_t value;
    } a = {{CMD_ANSWER, 0, sizeof(value)}, value};

    return send(p->fd, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a) ? 0 : -EPIPE;
}

/* --- the guest's memory --- */

static int reach(struct proxy *p, bool on)
{
    int err = 0;

    for (int i = 0; i < p->ram_count && on != p->reached && !err; i++)
        err = on ? board_dma_map(p->board, p->ram[i].memory, p->ram[i].addr, p->ram[i].bytes)
                 : board_dma_unmap(p->board, p->ram[i].addr, p->ram[i].bytes);
    p->reached = on;
    return err;
}

static bool is_master(const struct proxy *p)
{
    return p->config[CONFIG_COMMAND] & COMMAND_MASTER;
}

static bool same(const struct piece *a, const struct piece *b)
{
    return a->addr == b->addr && a->bytes == b->bytes && a->offset == b->offset &&
           a->file == b->file;
}

static int map_ram(const struct message *m, int i, struct piece *piece)
{
    struct stat file;

    *piece = (struct piece){.addr = m->body.ram.addr[i],
                            .bytes = m->body.ram.bytes[i],
                            .offset = m->body.ram.offset[i]};
    if (fstat(m->fds[i], &file))
        return -errno;
    piece->file = file.st_ino;
    piece->memory = mmap(NULL, piece->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fds[i],
                         (off_t)piece->offset);
    return piece->memory == MAP_FAILED ? -errno : 0;
}

static int take_ram(struct proxy *p, const struct message *m)
{
    struct piece fresh[RAM_PIECES];
    bool all_same = m->fd_count == p->ram_count;
    int err = 0;

    for (int i = 0; i < m->fd_count && !err; i++) {
        err = map_ram(m, i, &fresh[i]);
        all_same = all_same && !err && same(&fresh[i], &p->ram[i]);
        close(m->fds[i]);
    }
    if (err || all_same) {
        for (int i = 0; i < m->fd_count && !err; i++)
            munmap(fresh[i].memory, fresh[i].bytes);
        return err;
    }
    err = reach(p, false);
    for (int i = 0; i < p->ram_count; i++)
        munmap(p->ram[i].memory, p->ram[i].bytes);
    memcpy(p->ram, fresh, sizeof(fresh));
    p->ram_count = m->fd_count;
    return err ? err : reach(p, is_master(p));
}

/* --- configuration space --- */

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t bar_base(const struct proxy *p)
{
    uint32_t base;

    memcpy(&base, p->config + CONFIG_BAR0, sizeof(base));
    return base;
}

static void power_up(struct proxy *p)
{
    memset(p->config, 0, sizeof(p->config));
    put(p->config + CONFIG_VENDOR, SPEC_PCI_VENDOR | (uint32_t)SPEC_PCI_DEVICE << 16, 4);
    put(p->config + CONFIG_CLASS, SPEC_PCI_CLASS, 3);
    put(p->config + CONFIG_SUBSYSTEM, SPEC_PCI_VENDOR | 1u << 16, 4);
    put(p->writable + CONFIG_COMMAND, COMMAND_WRITABLE, 2);
    put(p->writable + CONFIG_BAR0, ~(SPEC_BAR_BYTES - 1u), 4);
    p->writable[CONFIG_LINE] = 0xff;
}

static bool in_config(const union body *b)
{
    return b->config.bytes <= 4 && b->config.addr <= CONFIG_BYTES - b->config.bytes;
}

static int write_config(struct proxy *p, const union body *b)
{
    for (uint32_t i = 0; in_config(b) && i < b->config.bytes; i++) {
        const uint32_t at = b->config.addr + i;
        const uint8_t mask = p->writable[at], byte = (uint8_t)(b->config.value >> 8 * i);

        p->config[at] = (uint8_t)((p->config[at] & ~mask) | (byte & mask));
    }
    return reach(p, is_master(p));
}

static uint32_t read_config(const struct proxy *p, const union body *b)
{
    uint32_t value = 0;

    if (!in_config(b))
        return UINT32_MAX;
    for (uint32_t i = 0; i < b->config.bytes; i++)
        value |= (uint32_t)p->config[b->config.addr + i] << 8 * i;
    return value;
}

/* --- the BAR --- */

static uint32_t access_bar(struct proxy *p, const union body *b, bool write)
{
    const uint64_t addr = b->bar.addr - bar_base(p);

    if (b->bar.bytes != 4 || addr % 4 || addr >= SPEC_BAR_BYTES || !b->bar.memory) {
        fprintf(stderr, "proxy: %u bytes at %#llx of the BAR are %s\n", b->bar.bytes,
                (unsigned long long)addr, write ? "written" : "read");
        p->misused = true;
        return UINT32_MAX;
    }
    if (!write)
        return board_read(p->board, (uint32_t)addr);
    board_write(p->board, (uint32_t)addr, (uint32_t)b->bar.value);
    return 0;
}

/* --- all of it --- */

static int reset(struct proxy *p)
{
    const int err = reach(p, false);

    power_up(p);
    board_write(p->board, SPEC_BAR_LIST + SPEC_NIC_CTRL, NIC_RESET);
    return err;
}

static int carry_out(struct proxy *p, const struct message *m)
{
    int err = 0;

    switch ((enum command)m->head.command) {
    case CMD_RAM:
        return take_ram(p, m);
    case CMD_INTERRUPTS: /* the device makes none */
        for (int i = 0; i < m->fd_count; i++)
            close(m->fds[i]);
        return 0;
    case CMD_CONFIG_WRITE:
        err = write_config(p, &m->body);
        return err ? err : answer(p, 0);
    case CMD_CONFIG_READ:
        return answer(p, read_config(p, &m->body));
    case CMD_BAR_WRITE:
        return answer(p, access_bar(p, &m->body, true));
    case CMD_BAR_READ:
        return answer(p, access_bar(p, &m->body, false));
    case CMD_RESET:
        err = reset(p);
        return err ? err : answer(p, 0);
    case CMD_ANSWER:
        break;
    }
    return -EPROTO;
}

static int serve(struct proxy *p)
{
    struct message m;
    int err = get(p, &m);

    while (!err) {
        err = carry_out(p, &m);
        if (!err)
            err = get(p, &m);
    }
    if (err < 0)
        fprintf(stderr, "proxy: message %u: %s\n", m.head.command, strerror(-err));
    return err;
}

static pid_t start(char **command, int *fd)
{
    int ends[2];
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return -1;
    child = fork();
    if (!child) {
        if (ends[1] == FD) /* it has the right number, but is closed on exec */
            ends[1] = dup(FD);
        if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && dup2(ends[1], FD) == FD)
            execvp(command[0], command);
        fprintf(stderr, "proxy: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    *fd = ends[0];
    return child;
}

int main(int argc, char **argv)
{
    struct proxy p = {0};
    int status = 0, err;
    pid_t child;

    if (argc < 2) {
        fprintf(stderr, "usage: %s QEMU ARGUMENTS\n", argv[0]);
        return 2;
    }
    p.board = board_open();
    child = p.board ? start(argv + 1, &p.fd) : -1;
    if (child < 0)
        return 3;
    power_up(&p);
    err = serve(&p);
    close(p.fd); /* QEMU goes on, and finds nobody, if it has not ended */
    if (err < 0)
        kill(child, SIGTERM);
    waitpid(child, &status, 0);
    board_close(p.board);
    return p.misused || err < 0 || !WIFEXITED(status) ? 3 : WEXITSTATUS(status);
}
