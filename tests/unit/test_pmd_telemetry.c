/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/executor.h"
#include "host/ctl/telemetry.h"
#include "host/pmd/pmd.h"
#include "tests/common/pmd/bench.h"
#include "tests/common/random.h"
#include "tests/common/soft_nic.h"

#include <errno.h>
#include <jansson.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* The driver's commands on the telemetry socket, over a NIC in software: requests of random bytes,
 * and requests while the application changes and closes its port. */

enum { RING = 32, MBUFS = 255, REQUESTS = 4000, ROUNDS = 40 };

const struct pmd_bench_size pmd_bench_size = {.mbufs = MBUFS, .room_bytes = 2048};
static char prefix[64], path[256];

static int start_eal(void **state)
{
    (void)state;
    snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-unit-%d", getpid());
    if (telemetry_path(strchr(prefix, '=') + 1, path, sizeof(path)))
        return -1;
    return pmd_bench_start_with(prefix);
}

static int end_eal(void **state)
{
    char *end = strrchr(path, '/');

    unlink(path);
    *end = 0;
    rmdir(path);
    return pmd_bench_end(state);
}

static int open_port(void **state)
{
    struct rte_eth_dev *eth = pmd_bench_open(soft_nic_dev(soft_nic_open()));
    const struct rte_pmd_sluice_program all = {0};
    char why[EXEC_WHY_BYTES];

    assert_int_equal(pmd_program_load(eth->data->dev_private, &all, why), 0);
    *state = eth->data;
    return 0;
}

static int close_port(void **state)
{
    const struct rte_eth_dev_data *data = *state;

    return data->dev_private ? rte_eth_dev_close(data->port_id) : 0;
}

/* Asks, and expects the answer that telemetry makes of any that the driver gives. */
static json_t *ask_raw(int fd, const char *request, size_t bytes)
{
    char text[20000];
    ssize_t n;
    json_t *document;

    assert_int_equal(send(fd, request, bytes, MSG_NOSIGNAL), bytes);
    n = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = 0;
    document = json_loads(text, 0, NULL);
    if (!json_is_object(document))
        print_message("%.*s -> %s\n", (int)bytes, request, text);
    assert_true(json_is_object(document));
    return document;
}

static void test_telemetry_requests_of_random_bytes_are_answered(void **state)
{
    static const char *const commands[] = {"list",
                                           "info",
                                           "stats",
                                           "program",
                                           "load",
                                           "map_info",
                                           "map_dump",
                                           "map_lookup",
                                           "map_update",
                                           "map_delete",
                                           "unload",
                                           "map_next",
                                           "map_take",
                                           "map_lost",
                                           "map_update_batch",
                                           "map_delete_batch"};
    static const char *const words[] = {
        "0",  "1",     "31", "32", ",",    ",",        ",",        "%2c",          "%00",
        "%",  "path=", "a",  "ff", "0a0b", "maps=",    "any",      "4294967296",   "-1",
        "..", "/",     "\"", "\\", "\x01", "\x80\xff", "section=", ",generation=", "1"};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    uint64_t r = 20;
    uint32_t refused = 0;

    (void)state;
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%.*s", (int)sizeof(addr.sun_path) - 1, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_true(recv(fd, (char[1024]){0}, 1024, 0) > 0);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        char request[1100], command[64];
        size_t n = (size_t)snprintf(command, sizeof(command), "/net_sluice/%s",
                                    commands[random_below(&r, RTE_DIM(commands))]);
        const uint32_t count = random_below(&r, random_below(&r, 20) ? 8 : 200);
        json_t *document, *answer;

        memcpy(request, command, n + 1);
        for (uint32_t w = 0; w < count; w++) {
            const char *word = w ? words[random_below(&r, RTE_DIM(words))] : ",0";

            if (n + strlen(word) < 1023)
                n += (size_t)snprintf(request + n, sizeof(request) - n, "%s", word);
        }
        document = ask_raw(fd, request, n);
        answer = json_object_get(document, command);
        assert_true(json_is_object(answer));
        if (json_object_get(answer, "error")) {
            assert_true(json_integer_value(json_object_get(answer, "errno")) > 0);
            refused++;
        }
        json_decref(document);
    }
    close(fd);
    assert_true(refused > REQUESTS / 2 && refused < REQUESTS);
}

/* --- beside an application that changes things --- */

struct client {
    pthread_t thread;
    atomic_bool stop;
    atomic_uint answers;
    int unexpected; /* errno of a failure other than that of a port that is closed */
    bool gone;
};

static void *ask_again_and_again(void *ctx)
{
    static const char *const commands[] = {"info", "stats", "program", "unload"};
    const char *const port[] = {"0"};
    struct client *c = ctx;
    struct telemetry *t;
    char why[1024];

    c->unexpected = telemetry_open(path, 0, &t, why, sizeof(why));
    if (c->unexpected)
        return NULL;
    for (uint32_t i = 0; !atomic_load(&c->stop) && !c->unexpected; i++) {
        json_t *answer;
        const int err =
            telemetry_ask(t, commands[i % RTE_DIM(commands)], port, 1, &answer, why, sizeof(why));

        if (!err) {
            c->unexpected = c->gone ? -EEXIST : 0;
            json_decref(answer);
            atomic_fetch_add(&c->answers, 1);
        } else if (err == -ENODEV) {
            c->gone = true;
        } else {
            c->unexpected = err;
        }
    }
    telemetry_close(t);
    return NULL;
}

static void wait_for_answers(struct client *c, uint32_t more)
{
    const uint32_t from = atomic_load(&c->answers);

    while (atomic_load(&c->answers) - from < more && !c->unexpected)
        rte_delay_us_sleep(100);
}

static void test_telemetry_beside_a_port_that_changes_and_closes(void **state)
{
    const struct rte_eth_dev_data *data = *state;
    const uint16_t port = data->port_id;
    struct client c = {0};

    assert_int_equal(port, 0);
    assert_int_equal(pthread_create(&c.thread, NULL, ask_again_and_again, &c), 0);
    for (uint16_t i = 0; i < ROUNDS; i++) {
        const uint16_t queues = 1 + i % 2;
        const struct rte_eth_conf conf = {0};

        assert_int_equal(rte_eth_dev_configure(port, queues, queues, &conf), 0);
        for (uint16_t q = 0; q < queues; q++) {
            assert_int_equal(rte_eth_rx_queue_setup(port, q, RING, 0, NULL, pmd_bench_pool()), 0);
            assert_int_equal(rte_eth_tx_queue_setup(port, q, RING, 0, NULL), 0);
        }
        assert_int_equal(rte_eth_dev_start(port), 0);
        assert_int_equal(rte_eth_stats_reset(port), 0);
        wait_for_answers(&c, 3);
        assert_int_equal(rte_eth_dev_stop(port), 0);
    }
    assert_int_equal(rte_eth_dev_close(port), 0);
    while (!c.gone && !c.unexpected)
        rte_delay_us_sleep(100);
    atomic_store(&c.stop, true);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.unexpected, 0);
    assert_true(atomic_load(&c.answers) > 3 * ROUNDS - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_telemetry_requests_of_random_bytes_are_answered,
                                        open_port, close_port),
        cmocka_unit_test_setup_teardown(test_telemetry_beside_a_port_that_changes_and_closes,
                                        open_port, close_port),
    };

    return cmocka_run_group_tests(tests, start_eal, end_eal);
}
