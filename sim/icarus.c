/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim/icarus.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    DATA_WORDS = 16,
    LINE_BYTES = 1024,
};

/* The line of sim/icarus_bench.v; unknown bits (x, z) are taken for 0, as Verilator has them. */
struct icarus {
    pid_t pid;
    int fd; /* its standard input and output */
    char line[LINE_BYTES];
    char pending[LINE_BYTES]; /* what has come of the next line */
    uint32_t pending_bytes;
    uint32_t data[DATA_WORDS];
    bool gone;
};

static void icarus_close(void *model)
{
    struct icarus *m = model;

    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    if (m->pid > 0)
        waitpid(m->pid, NULL, 0); /* it ends with its input */
    free(m);
}

void *icarus_open(const char *path)
{
    struct icarus *m = calloc(1, sizeof(*m));
    const char *const argv[] = {"vvp", "-n", path, NULL};
    posix_spawn_file_actions_t actions;
    int pair[2];

    if (!m)
        return NULL;
    m->fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        icarus_close(m);
        return NULL;
    }
    m->fd = pair[0];
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 0);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
    if (posix_spawnp(&m->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ))
        m->pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (m->pid)
        return m;
    icarus_close(m);
    return NULL;
}

static void put(struct icarus *m, const char *text, uint32_t bytes)
{
    while (bytes && !m->gone) {
        const ssize_t n = send(m->fd, text, bytes, MSG_NOSIGNAL);

        if (n <= 0) {
            m->gone = true;
        } else {
            text += n;
            bytes -= (uint32_t)n;
        }
    }
}

/* The next whole line, without its end, in m->line; false if there is none. */
static bool get_line(struct icarus *m)
{
    for (;;) {
        char *end = memchr(m->pending, '\n', m->pending_bytes);
        ssize_t n;

        if (end) {
            const uint32_t bytes = (uint32_t)(end - m->pending);

            memcpy(m->line, m->pending, bytes);
            m->line[bytes] = 0;
            m->pending_bytes -= bytes + 1;
            memmove(m->pending, end + 1, m->pending_bytes);
            return true;
        }
        if (m->gone || m->pending_bytes == LINE_BYTES)
            return false;
        n = recv(m->fd, m->pending + m->pending_bytes, LINE_BYTES - m->pending_bytes, 0);
        if (n <= 0)
            m->gone = true;
        else
            m->pending_bytes += (uint32_t)n;
    }
}

static uint32_t digit(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (uint32_t)(c - 'a' + 10);
    return 0;
}

/* The next number of a line into words, lowest first. */
static void take_hex(const char **at, uint32_t *words, uint32_t count)
{
    const char *first;
    uint32_t digits;

    while (**at == ' ')
        ++*at;
    first = *at;
    while (**at && **at != ' ')
        ++*at;
    digits = (uint32_t)(*at - first);
    memset(words, 0, count * sizeof(*words));
    for (uint32_t i = 0; i < digits && i < 8 * count; i++)
        words[i / 8] |= digit(first[digits - 1 - i]) << (4 * (i % 8));
}

static void put_inputs(struct icarus *m, const struct model_in *in)
{
    char text[LINE_BYTES];
    int n = snprintf(text, sizeof(text), "s %x %x %x %x %x %016llx ",
                     in->rst << 3 | in->s_tvalid << 2 | in->s_tlast << 1 | in->m_tready,
                     in->regs.awvalid << 4 | in->regs.wvalid << 3 | in->regs.bready << 2 |
                         in->regs.arvalid << 1 | in->regs.rready,
                     in->regs.awaddr & 0xffff, in->regs.araddr & 0xffff, in->regs.wdata,
                     (unsigned long long)in->s_tkeep);

    for (int i = SPEC_IN_TUSER_BITS / 32 - 1; i >= 0; i--)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%08x", in->s_tuser[i]);
    text[n++] = ' ';
    for (int i = DATA_WORDS - 1; i >= 0; i--)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%08x", in->s_tdata[i]);
    text[n++] = '\n';
    put(m, text, (uint32_t)n);
}

/* When vvp has ended nothing is ready or valid any more: the caller runs into its time limits. */
static void icarus_settle(void *model, const struct model_in *in, struct model_out *out)
{
    struct icarus *m = model;
    const char *at = m->line;
    uint32_t handshakes, resp, keep[2];

    *out = (struct model_out){.m_tdata = m->data};
    if (m->gone)
        return;
    put_inputs(m, in);
    if (!get_line(m))
        return;
    take_hex(&at, &handshakes, 1); /* eight bits, read as hex digits */
    take_hex(&at, &resp, 1);
    take_hex(&at, &out->regs.rdata, 1);
    take_hex(&at, keep, 2);
    take_hex(&at, out->m_tuser, 4);
    take_hex(&at, m->data, DATA_WORDS);
    out->s_tready = handshakes >> 28 & 1;
    out->m_tvalid = handshakes >> 24 & 1;
    out->m_tlast = handshakes >> 20 & 1;
    out->regs.awready = handshakes >> 16 & 1;
    out->regs.wready = handshakes >> 12 & 1;
    out->regs.bvalid = handshakes >> 8 & 1;
    out->regs.arready = handshakes >> 4 & 1;
    out->regs.rvalid = handshakes & 1;
    out->regs.bresp = resp >> 4;
    out->regs.rresp = resp & 15;
    out->m_tkeep = (uint64_t)keep[1] << 32 | keep[0];
}

static void icarus_clock(void *model)
{
    put(model, "c\n", 2);
}

const struct model_api icarus_api = {
    .abi = MODEL_ABI, .close = icarus_close, .settle = icarus_settle, .clock = icarus_clock};
