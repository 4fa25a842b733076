/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/dev.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* sluice dev top: what the counters did since they were last looked at. */

#define PACKETS "_packets"
#define BYTES "_bytes"

static double now_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* By how much a counter went up; one that was set to 0 in between began anew. */
static uint64_t growth(const json_t *before, const char *name, uint64_t total)
{
    const uint64_t was = telemetry_number(before, name);

    return total >= was ? total - was : total;
}

/* "rx_port0_packets" has its bytes in "rx_port0_bytes": their name, or NULL. */
static const char *bytes_of(const json_t *counters, const char *name, char *text, size_t bytes)
{
    const size_t n = strlen(name);

    if (n <= sizeof(PACKETS) - 1 || strcmp(name + n - (sizeof(PACKETS) - 1), PACKETS))
        return NULL;
    snprintf(text, bytes, "%.*s" BYTES, (int)(n - (sizeof(PACKETS) - 1)), name);
    return json_object_get(counters, text) ? text : NULL;
}

static bool is_bytes(const char *name)
{
    const size_t n = strlen(name);

    return n > sizeof(BYTES) - 1 && !strcmp(name + n - (sizeof(BYTES) - 1), BYTES);
}

static void print_table(const struct dev_call *call, const json_t *before, json_t *counters,
                        double seconds)
{
    const char *name;
    json_t *value;

    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout);
    printf("port %s, %.1f s\n%-28s %14s %12s %16s\n", call->device.port, seconds, "", "a second",
           "Mbit/s", "in all");
    json_object_foreach(counters, name, value)
    {
        const uint64_t total = (uint64_t)json_integer_value(value);
        char text[DEV_TEXT_BYTES], rate[32] = "";
        const char *of = bytes_of(counters, name, text, sizeof(text));

        if (!total || is_bytes(name))
            continue;
        if (of)
            snprintf(rate, sizeof(rate), "%.1f",
                     (double)growth(before, of, telemetry_number(counters, of)) * 8e-6 / seconds);
        printf("%-28s %14.0f %12s %16llu\n", name, (double)growth(before, name, total) / seconds,
               rate, (unsigned long long)total);
    }
}

/* One document a line. */
static void print_json(const json_t *before, json_t *counters, double seconds)
{
    json_t *rates = json_object();
    json_t *line = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(counters, name, value)
    {
        const uint64_t total = (uint64_t)json_integer_value(value);

        json_object_set_new(rates, name, json_real((double)growth(before, name, total) / seconds));
    }
    json_object_set_new(line, "seconds", json_real(seconds));
    json_object_set_new(line, "rates", rates);
    json_object_set(line, "counters", counters);
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(line);
}

static void wait_seconds(double seconds)
{
    struct timespec t;

    t.tv_sec = (time_t)floor(seconds);
    t.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    nanosleep(&t, NULL);
}

int dev_top(const struct dev_call *call)
{
    json_t *before, *counters;
    double then = now_seconds();
    int status = dev_counters(call, &before);

    if (status)
        return status;
    for (uint64_t n = 0; !call->refreshes || n < call->refreshes; n++) {
        double now;

        wait_seconds(call->seconds);
        now = now_seconds();
        status = dev_counters(call, &counters);
        if (status)
            break;
        if (call->json)
            print_json(before, counters, now - then);
        else
            print_table(call, before, counters, now - then);
        fflush(stdout);
        json_decref(before);
        before = counters;
        then = now;
        if (ferror(stdout))
            break;
    }
    json_decref(before);
    return status;
}
