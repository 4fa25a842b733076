/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads the firewall of examples/firewall.bpf.c on a NIC that another process runs, beside its
 * packets: lets all flows pass that have no rule, waits for packets, and tells what runs where.
 *
 *   api-device firewall.o [DEVICE [FILE_PREFIX]]      DEVICE: net_sluice0, 0000:01:00.0, 0, ... */
#include <sluice.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(void *ctx, const struct sluice_diag *diag)
{
    char text[2048];

    (void)ctx;
    sluice_diag_format(diag, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
}

int main(int argc, char **argv)
{
    const struct sluice_sink sink = {sizeof(sink), NULL, say};
    const struct sluice_port_opts opts = {.size = sizeof(opts),
                                          .device = argc > 2 ? argv[2] : "",
                                          .file_prefix = argc > 3 ? argv[3] : NULL,
                                          .sink = &sink,
                                          .timeout_ms = 20000};
    const struct sluice_object_opts object_opts = {.size = sizeof(object_opts), .sink = &sink};
    struct sluice_load_opts load = {.size = sizeof(load), .sink = &sink};
    struct sluice_port_info info = {.size = sizeof(info)};
    struct sluice_stats before = {.size = sizeof(before)}, stats = {.size = sizeof(stats)};
    struct sluice_object *object = NULL;
    struct sluice_loaded *firewall = NULL;
    const unsigned int setting = 0, pass = 1; /* what has no rule passes */
    struct sluice_map *settings;
    int err = sluice_port_open(&opts, &load.port);

    if (!err)
        err = sluice_object_open(argc > 1 ? argv[1] : "firewall.o", &object_opts, &object);
    if (!err)
        err = sluice_load(sluice_object_find_program_by_name(object, "firewall"), &load, &firewall);
    if (!err)
        err = sluice_port_stats(load.port, &before);
    if (!err)
        err = sluice_port_attach(load.port, firewall);
    settings = sluice_loaded_find_map_by_name(firewall, "settings");
    if (!err)
        err = sluice_map_update_elem(settings, &setting, sizeof(setting), &pass, sizeof(pass), 0);
    for (int i = 0; !err && i < 500 && stats.packets < before.packets + 32; i++) {
        usleep(20000);
        err = sluice_port_stats(load.port, &stats);
    }
    if (!err)
        err = sluice_port_info(load.port, &info);
    if (!err)
        printf("%s on %s of %s: %s\n", info.program, info.executor, info.name,
               stats.packets >= before.packets + 32 ? "packets come" : "no packets");
    if (!err)
        err = sluice_port_detach(load.port);
    sluice_unload(firewall);
    sluice_object_close(object);
    sluice_port_close(load.port);
    if (err)
        fprintf(stderr, "device: %s\n", strerror(-err));
    return err != 0;
}
