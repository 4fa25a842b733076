/* SPDX-License-Identifier: BSD-3-Clause */
/* The firewall of examples/firewall.bpf.c, by libsluice: opens the object, picks an executor,
 * allows one flow, runs packets, and says what became of them. docs/library.md explains it line by
 * line.
 *
 *   firewall firewall.o [EXECUTOR[,EXECUTOR...]]
 *
 * cc firewall.c $(pkg-config --cflags --libs sluice) */
#include <sluice.h>
#include <stdio.h>
#include <string.h>

struct flow { /* as in the program: addresses and ports in network order */
    unsigned char saddr[4], daddr[4], sport[2], dport[2], protocol, zero[3];
};
struct rule {
    uint64_t packets, bytes;
    uint32_t action, zero;
};

static void say(void *ctx, const struct sluice_diag *diag)
{
    char text[1024];

    (void)ctx;
    sluice_diag_format(diag, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
}

/* Ethernet, IPv4, UDP from 10.0.0.1:1000 to 10.0.0.2:last */
static const unsigned char udp[42] = {2,    0, 0,  0,  0, 1, 2, 0,    0,  0,  0, 2, 8,  0,
                                      0x45, 0, 0,  28, 0, 0, 0, 0,    64, 17, 0, 0, 10, 0,
                                      0,    1, 10, 0,  0, 2, 3, 0xe8, 0,  53, 0, 8, 0,  0};

int main(int argc, char **argv)
{
    const struct sluice_sink sink = {sizeof(sink), NULL, say};
    const struct sluice_load_opts load = {
        .size = sizeof(load), .sink = &sink, .executor = argc > 2 ? argv[2] : NULL};
    const struct sluice_object_opts opts = {.size = sizeof(opts), .sink = &sink};
    const struct flow flow = {{10, 0, 0, 1}, {10, 0, 0, 2}, {3, 0xe8}, {0, 53}, 17, {0}};
    struct rule rule = {.action = 1};
    unsigned char other[sizeof(udp)];
    struct sluice_packet packets[] = {{.data = udp, .len = sizeof(udp)},
                                      {.data = other, .len = sizeof(other)}};
    struct sluice_result results[2];
    struct sluice_batch batch = {.size = sizeof(batch),
                                 .sink = &sink,
                                 .packets = packets,
                                 .results = results,
                                 .packet_size = sizeof(packets[0]),
                                 .result_size = sizeof(results[0]),
                                 .count = 2};
    struct sluice_stats stats = {.size = sizeof(stats)};
    struct sluice_object *object = NULL;
    struct sluice_loaded *firewall = NULL;
    struct sluice_map *rules;
    int err;

    memcpy(other, udp, sizeof(udp));
    other[37] = 54; /* another port: no rule */
    err = sluice_object_open(argc > 1 ? argv[1] : "firewall.o", &opts, &object);
    if (!err)
        err = sluice_load(sluice_object_find_program_by_name(object, "firewall"), &load, &firewall);
    rules = sluice_loaded_find_map_by_name(firewall, "rules");
    if (!err)
        err = sluice_map_update_elem(rules, &flow, sizeof(flow), &rule, sizeof(rule), 0);
    if (!err)
        err = sluice_run(firewall, &batch);
    if (!err)
        err = sluice_map_lookup_elem(rules, &flow, sizeof(flow), &rule, sizeof(rule), 0);
    if (!err)
        err = sluice_loaded_stats(firewall, &stats);
    if (!err) {
        fprintf(stderr, "on %s\n", sluice_loaded_executor(firewall));
        printf("verdicts %u %u, passed %llu, dropped %llu, the rule counted %llu packets of %llu "
               "bytes\n",
               results[0].ret, results[1].ret, (unsigned long long)stats.passed,
               (unsigned long long)stats.dropped, (unsigned long long)rule.packets,
               (unsigned long long)rule.bytes);
    }
    sluice_unload(firewall);
    sluice_object_close(object);
    if (err)
        fprintf(stderr, "firewall: %s\n", strerror(-err));
    return err != 0;
}
