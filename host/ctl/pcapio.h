/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SLUICE_HOST_PCAPIO_H
#define SLUICE_HOST_PCAPIO_H

#include <stddef.h>
#include <stdint.h>

/* Packet captures, pcap and pcapng, through libpcap, with nanoseconds. Functions return 0 or negative errno and leave a
 * reason that names the file, the packet and what to do. */

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

/* A capture being written: into a temporary file beside path, which takes path's place at pcap_writer_close. "-" is
 * standard output. */
struct pcap_writer;
int pcap_writer_open(const char *path, struct pcap_writer **out, char *why, size_t why_bytes);
int pcap_writer_add(struct pcap_writer *writer, const void *data, uint32_t len, uint64_t time_ns);
/* Ends the file. commit false, or any failure so far, removes it instead. NULL-safe. */
int pcap_writer_close(struct pcap_writer *writer, int commit, char *why, size_t why_bytes);

#endif
