/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/pcapio.h"

#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20, SNAPLEN = 262144 };

/* Packet bytes live in a list of blocks. */
struct block {
    struct block *next;
    size_t used;
    size_t size;
    uint8_t data[];
};

static void *block_copy(void **blocks, const void *data, size_t bytes)
{
    struct block *b = *blocks;
    void *place;

    if (!b || b->size - b->used < bytes) {
        const size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

        b = malloc(sizeof(*b) + size);
        if (!b)
            return NULL;
        b->next = *blocks;
        b->used = 0;
        b->size = size;
        *blocks = b;
    }
    place = b->data + b->used;
    memcpy(place, data, bytes);
    b->used += bytes;
    return place;
}

void pcap_capture_free(struct pcap_capture *capture)
{
    struct block *b = capture->blocks;

    while (b) {
        struct block *next = b->next;

        free(b);
        b = next;
    }
    free(capture->records);
    *capture = (struct pcap_capture){0};
}

static enum pcap_fitness fitness_of(uint32_t len)
{
    if (len < SPEC_PKT_MIN_BYTES)
        return PCAP_RUNT;
    return len > SPEC_PKT_MAX_BYTES ? PCAP_GIANT : PCAP_OK;
}

static int add_record(struct pcap_capture *c, size_t *capacity, const struct pcap_pkthdr *h,
                      const uint8_t *bytes)
{
    struct pcap_record *r;

    if (c->count == *capacity) {
        const size_t larger = *capacity ? *capacity * 2 : 1024;
        void *grown = realloc(c->records, larger * sizeof(*c->records));

        if (!grown)
            return -ENOMEM;
        c->records = grown;
        *capacity = larger;
    }
    r = &c->records[c->count];
    r->data = block_copy(&c->blocks, bytes, h->caplen);
    if (!r->data)
        return -ENOMEM;
    r->len = h->len;
    r->fitness = fitness_of(h->len);
    /* libpcap takes the unsigned seconds of a pcap file as signed: from 2038 on they come out below
     * 0 */
    r->time_ns =
        (h->ts.tv_sec < 0 ? (uint32_t)h->ts.tv_sec : (uint64_t)h->ts.tv_sec) * 1000000000u +
        (uint64_t)h->ts.tv_usec;
    c->runts += r->fitness == PCAP_RUNT;
    c->giants += r->fitness == PCAP_GIANT;
    c->count++;
    return 0;
}

static int read_all(pcap_t *pcap, const char *path, struct pcap_capture *c, char *why,
                    size_t why_bytes)
{
    struct pcap_pkthdr *h;
    const u_char *bytes;
    size_t capacity = 0;
    int status;

    while ((status = pcap_next_ex(pcap, &h, &bytes)) == 1) {
        int err;

        if (h->caplen < h->len) {
            snprintf(why, why_bytes,
                     "%s: packet %zu was cut when it was captured (%u of %u bytes); capture again "
                     "with a larger snapshot length (tcpdump -s 0)",
                     path, c->count, h->caplen, h->len);
            return -EINVAL;
        }
        err = add_record(c, &capacity, h, bytes);
        if (err) {
            snprintf(why, why_bytes, "%s: no memory for packet %zu", path, c->count);
            return err;
        }
    }
    if (status != PCAP_ERROR_BREAK) {
        snprintf(why, why_bytes,
                 "%s: damaged after %zu packets: %s; tcpdump -r %s -w NEW keeps those before it",
                 path, c->count, pcap_geterr(pcap), path);
        return -EINVAL;
    }
    return 0;
}

int pcap_capture_read(const char *path, struct pcap_capture *out, char *why, size_t why_bytes)
{
    char errbuf[PCAP_ERRBUF_SIZE] = "";
    struct pcap_capture c = {0};
    struct stat st;
    pcap_t *pcap;
    int err;

    if (strcmp(path, "-") && stat(path, &st)) {
        err = -errno;
        snprintf(why, why_bytes, "%s: %s", path, strerror(-err));
        return err;
    }
    pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, errbuf);
    if (!pcap) {
        snprintf(why, why_bytes, "%s: not a capture that can be read: %s", path, errbuf);
        return -EINVAL;
    }
    if (pcap_datalink(pcap) != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(pcap_datalink(pcap));

        snprintf(why, why_bytes,
                 "%s: link type %s (%d); XDP programs need Ethernet (EN10MB) frames", path,
                 name ? name : "unknown", pcap_datalink(pcap));
        err = -EINVAL;
    } else {
        err = read_all(pcap, path, &c, why, why_bytes);
    }
    pcap_close(pcap);
    if (err) {
        pcap_capture_free(&c);
        return err;
    }
    *out = c;
    return 0;
}

/* A pcap file is a head and, for each packet, four words and its bytes, in the byte order of who
 * wrote it (draft-ietf-opsawg-pcap, sections 4 and 5). */

static int write_bytes(FILE *file, const void *data, size_t bytes)
{
    errno = 0;
    if (fwrite(data, 1, bytes, file) == bytes)
        return 0;
    return errno ? -errno : -EIO;
}

int pcap_write_head(FILE *file)
{
    const struct pcap_file_header head = {
        .magic = 0xa1b23c4d, /* nanoseconds */
        .version_major = PCAP_VERSION_MAJOR,
        .version_minor = PCAP_VERSION_MINOR,
        .snaplen = SNAPLEN,
        .linktype = DLT_EN10MB,
    };

    return write_bytes(file, &head, sizeof(head));
}

int pcap_write_packet(FILE *file, const void *data, uint32_t len, uint64_t time_ns)
{
    const uint32_t words[] = {(uint32_t)(time_ns / 1000000000u), (uint32_t)(time_ns % 1000000000u),
                              len, len};
    int err;

    if (time_ns / 1000000000u > UINT32_MAX)
        return -EOVERFLOW;
    err = write_bytes(file, words, sizeof(words));
    return err ? err : write_bytes(file, data, len);
}
