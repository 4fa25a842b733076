/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/common/library_maps.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The library on a device of a process that answers as it should not: what it answers is written
 * here. tests/device/client.c is on one that does. */

enum { TIMEOUT_MS = 300 };

#define INFO "{\"name\":\"net_sluice0\",\"port\":0,\"state\":\"started\",\"links\":[1,1]}"
#define NO_PROGRAM "{\"name\":\"raw\",\"loaded\":0,\"generation\":5,\"maps\":0}"
#define PROGRAM "{\"name\":\"p\",\"loaded\":1,\"generation\":6,\"executor\":\"microcode\"}"
#define LOADED "{\"program\":\"p\",\"generation\":6}"
#define MAP                                                                                        \
    "{\"id\":0,\"name\":\"hash\",\"type\":\"hash\",\"kind\":\"btf\",\"key_bytes\":4,"              \
    "\"value_bytes\":12,\"cpus\":1,\"max_entries\":6,\"flags\":0,\"generation\":6}"

/* What it answers to a command, the last row that has it; text NULL: it closes the connection, "":
 * nothing at all. */
struct row {
    const char *command;
    const char *text;
};

static const struct row usual[] = {{"list", "{\"ports\":[0]}"},
                                   {"info", INFO},
                                   {"program", NO_PROGRAM},
                                   {"load", LOADED},
                                   {"map_info", MAP},
                                   {"unload", "{}"},
                                   {NULL, NULL}};

struct server {
    char path[64];
    int listener;
    const struct row *rows; /* before the usual ones */
    uint32_t requests;
    pthread_t thread;
};

static const struct row *find(const struct row *rows, const char *command)
{
    for (; rows && rows->command; rows++)
        if (!strcmp(rows->command, command))
            return rows;
    return NULL;
}

static bool answer(struct server *s, int fd, char *request)
{
    const struct row *row;
    char text[2048];
    int n;

    strtok(request, ",");
    row = find(s->rows, request + strlen("/net_sluice/"));
    if (!row)
        row = find(usual, request + strlen("/net_sluice/"));
    s->requests++;
    if (!row || !row->text)
        return false;
    n = *row->text == '!' ? snprintf(text, sizeof(text), "%s", row->text + 1)
                          : snprintf(text, sizeof(text), "{\"%s\":%s}", request, row->text);
    if (*row->text)
        assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    return true;
}

static void *serve(void *ctx)
{
    static const char greeting[] = "{\"version\":\"test\"}";
    struct server *s = ctx;
    const int fd = accept(s->listener, NULL, NULL);
    char request[2048];
    ssize_t n;

    assert_true(send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL) > 0);
    do {
        n = recv(fd, request, sizeof(request) - 1, 0);
        request[n > 0 ? n : 0] = 0;
    } while (n > 0 && answer(s, fd, request));
    close(fd);
    return NULL;
}

static void start(struct server *s, const struct row *rows)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    *s = (struct server){.rows = rows};
    snprintf(s->path, sizeof(s->path), "/tmp/sluice-unit-device-%d", getpid());
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", s->path);
    unlink(s->path);
    s->listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->path);
}

/* The first message. */
static void hear(void *ctx, const struct sluice_diag *diag)
{
    if (!*(const char *)ctx)
        snprintf(ctx, 512, "%s %s", diag->code, diag->message);
}

/* Opens the port, attaches a program and asks for an entry of its map. The first that fails. */
static int use(struct server *s, const struct row *rows, char heard[512])
{
    const struct sluice_sink sink = {sizeof(sink), heard, hear};
    struct sluice_port_opts opts = {
        .size = sizeof(opts), .device = "", .socket = s->path, .sink = &sink};
    struct sluice_load_opts load = {.size = sizeof(load)};
    struct sluice_object *object = library_open(LIBRARY_COUNTER);
    struct sluice_loaded *loaded = NULL;
    struct sluice_map *map;
    uint8_t value[12];
    uint32_t key = 1;
    int err, again;

    opts.timeout_ms = TIMEOUT_MS;
    heard[0] = 0;
    start(s, rows);
    err = sluice_port_open(&opts, &load.port);
    if (!err) {
        assert_int_equal(sluice_load(sluice_object_next_program(object, NULL), &load, &loaded), 0);
        err = sluice_port_attach(load.port, loaded);
        map = sluice_loaded_find_map_by_name(loaded, "hash");
        if (!err)
            err = sluice_map_lookup_elem(map, &key, 4, value, 12, 0);
        again = sluice_port_detach(load.port); /* what failed for good goes on failing */
        if (err == -EPIPE || err == -ETIMEDOUT)
            assert_int_equal(again, -EPIPE);
        sluice_port_close(load.port);
        assert_int_equal(sluice_map_lookup_elem(map, &key, 4, value, 12, 0), -EBADF);
    }
    sluice_unload(loaded);
    sluice_object_close(object);
    end(s);
    return err;
}

static void test_sluice_device_that_dies_or_lies_ends_in_an_error(void **state)
{
    static const struct {
        struct row row;
        int err;
        const char *heard;
    } cases[] = {
        {{"list", NULL}, -EPIPE, "LIB0009"},
        {{"list", "null"}, -ENODEV, "has no device"},
        {{"list", "!{"}, -EPROTO, "makes no sense"},
        {{"list", "{\"ports\":[]}"}, -ENODEV, "LIB0012"},
        {{"list", "{\"ports\":[0,1]}"}, -ENOTUNIQ, "LIB0012"},
        {{"list", "{\"ports\":[99999]}"}, -EPROTO, "makes no sense"},
        {{"list", ""}, -ETIMEDOUT, "does not answer"},
        {{"info", NULL}, -EPIPE, "closed the connection"},
        {{"program", "{}"}, -EPROTO, "does not tell programs apart"},
        {{"program", PROGRAM}, -EBUSY, ""},
        {{"load", NULL}, -EPIPE, "closed the connection"},
        {{"load", ""}, -ETIMEDOUT, "does not answer"},
        {{"load", "{\"errno\":95,\"error\":\"no room\"}"}, -EOPNOTSUPP, "LIB0009 no room"},
        {{"load", "{\"errno\":116,\"error\":\"gone\"}"}, -EBUSY, ""},
        {{"load", "{\"errno\":-116,\"error\":\"gone\"}"}, -EIO, "gone"},
        {{"load", "{}"}, -EBADF, ""}, /* of which generation? none that has maps */
        {{"map_info", "{\"errno\":6,\"error\":\"none\"}"}, -EBADF, ""},
        {{"map_info", "{\"name\":\"hash\",\"cpus\":4,\"generation\":6}"}, -EPROTO, "not known"},
        {{"map_info", "{\"name\":\"hash\"}"}, -EPROTO, "makes no sense"},
        {{"map_info", "{\"name\":\"x\",\"type\":\"hash\",\"cpus\":1}"}, -EBADF, ""},
        {{"map_lookup", NULL}, -EPIPE, "closed the connection"},
        {{"map_lookup", ""}, -ETIMEDOUT, "does not answer"},
        {{"map_lookup", "{\"data\":\"00\"}"}, -EPROTO, "makes no sense"},
        {{"map_lookup", "{\"errno\":2,\"error\":\"no\"}"}, -ENOENT, ""},
        {{"map_lookup", "{\"errno\":116,\"error\":\"again and again\"}"}, -ESTALE, ""},
        {{"map_lookup", "{\"data\":\"000102030405060708090a0b0c0d0e0f\"}"}, 0, ""},
    };
    char heard[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct row rows[] = {cases[i].row, {NULL, NULL}};
        struct server s;
        const int err = use(&s, rows, heard);

        if (err != cases[i].err || !strstr(heard, cases[i].heard) ||
            (!*cases[i].heard && strstr(heard, "LIB0009")))
            fail_msg("%s %s: %d, \"%s\"", cases[i].row.command, cases[i].row.text, err, heard);
    }
}

static void test_sluice_device_options_are_checked(void **state)
{
    struct sluice_port_opts opts = {.size = sizeof(opts), .socket = "x"};
    struct sluice_device_list_opts list = {.size = sizeof(list), .file_prefix = "nosuch-process"};
    struct sluice_port_info info = {.size = sizeof(info)};
    struct sluice_counter counter;
    struct sluice_port *port = NULL;
    uint32_t count = 1;

    (void)state;
    assert_int_equal(sluice_port_open(&opts, &port), -EINVAL); /* of which device? */
    opts = (struct sluice_port_opts){.size = sizeof(opts), .reserved = 1};
    assert_int_equal(sluice_port_open(&opts, &port), -EINVAL);
    assert_int_equal(sluice_device_list(&list, &info, sizeof(info), &count), -ENOENT);
    assert_int_equal(sluice_device_list(&list, NULL, sizeof(info), &count), -EINVAL);
    assert_int_equal(sluice_device_list(&list, &info, 4, &count), -EINVAL);
    assert_int_equal(sluice_port_open(NULL, &port), 0);
    assert_int_equal(sluice_port_info(port, &info), -EOPNOTSUPP);
    assert_int_equal(sluice_port_counters(port, &counter, &count), -EOPNOTSUPP);
    assert_int_equal(sluice_port_swap(port, NULL, NULL, NULL), -EINVAL);
    sluice_port_close(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sluice_device_that_dies_or_lies_ends_in_an_error),
        cmocka_unit_test(test_sluice_device_options_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
