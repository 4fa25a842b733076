/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_PCAPIO_H
#define SLUICE_HOST_PCAPIO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Packet captures, pcap and pcapng, through libpcap, with nanoseconds. Functions return 0 or
 * negative errno and leave a reason that names the file, the packet and what to do. */

enum pcap_fitness {
    PCAP_OK,
    PCAP_RUNT,  /* under SPEC_PKT_MIN_BYTES: no driver hands such a frame to XDP */
    PCAP_GIANT, /* over SPEC_PKT_MAX_BYTES */
};

struct pcap_record {
    const uint8_t *data;
    uint32_t len;
    enum pcap_fitness fitness;
    uint64_t time_ns;
};

/* A capture in memory. */
struct pcap_capture {
    struct pcap_record *records;
    size_t count;
    size_t runts;
    size_t giants;
    void *blocks; /* owns the packets' bytes */
};

int pcap_capture_read(const char *path, struct pcap_capture *out, char *why, size_t why_bytes);
void pcap_capture_free(struct pcap_capture *capture); /* also of a zeroed one */

/* Writes a capture, pcap with nanoseconds: its head once, then packets. 0 or negative errno:
 * -EOVERFLOW for a time past 2106-02-07, which the format has no room for. */
int pcap_write_head(FILE *file);
int pcap_write_packet(FILE *file, const void *data, uint32_t len, uint64_t time_ns);

#endif
