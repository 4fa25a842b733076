/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiler/base/clock.h"
#include "host/cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { WIDTH = 40, LINE_BYTES = 128, EVERY_NS = 100000000 };

/* The terminal's state, which is the process's own: is there a bar, and since when. */
static volatile sig_atomic_t shown;
static uint64_t drawn_ns;

static void put(const char *text, size_t bytes)
{
    if (write(STDERR_FILENO, text, bytes) < 0)
        return; /* a bar that can't be drawn is no loss */
}

void cli_progress(const char *what, uint64_t done, uint64_t total)
{
    const uint64_t now = clock_now_ns();
    char line[LINE_BYTES];
    char bar[WIDTH + 1];
    int n;

    if (!drawn_ns)
        drawn_ns = now; /* what ends soon needs no bar */
    if (now - drawn_ns < EVERY_NS || !isatty(STDERR_FILENO))
        return;
    drawn_ns = now;
    for (int i = 0; i < WIDTH; i++)
        bar[i] = (uint64_t)i * total < done * WIDTH ? '#' : '.';
    bar[WIDTH] = 0;
    n = snprintf(line, sizeof(line), "\r%-10s [%s] %3u %%", what, bar,
                 (unsigned)(done * 100 / total));
    shown = 1;
    put(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void cli_progress_clear(void)
{
    static const char clear[] = "\r\033[K";

    if (shown)
        put(clear, sizeof(clear) - 1);
    shown = 0;
}
