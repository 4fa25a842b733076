/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim/mac.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BEAT_BYTES = 64,
    FRAME_BYTES = 16384,
    GAP_CLOCKS = 64,
    WAIT_CLOCKS = 8192, /* from a port's start to the first frame of a file */
    LOOP_FRAMES = 1024, /* that a loopback keeps; more are lost */
    PATHS_BYTES = 4096,
};

struct loop_frame {
    struct loop_frame *next;
    uint32_t bytes;
    uint8_t data[];
};

struct mac {
    bool up;
    /* frames in */
    uint8_t in[FRAME_BYTES];
    uint32_t in_bytes; /* 0: none */
    uint32_t in_sent;
    bool begun;
    bool waited; /* the port's start has been seen */
    bool offered;
    uint64_t next_start;
    uint64_t gap_clocks;
    pcap_t *source;
    /* frames out */
    uint8_t out[FRAME_BYTES];
    uint32_t out_bytes;
    pcap_t *dead;
    pcap_dumper_t *sink;
    /* a loopback's, oldest first */
    bool loops;
    struct loop_frame *head;
    struct loop_frame **tail;
    uint32_t loop_count;
    int fd; /* a socket's or a TAP's, or -1 */
    bool tap;
    uint64_t frames; /* read from a file */
    bool leaves_out; /* some of them, which was told */
    char *text;      /* what it is, for messages */
};

/* The simulated device has no other way to say why it ends, or why frames do. */
static void say(const struct mac *m, const char *what)
{
    fprintf(stderr, "net_sluice: port=%s: %s\n", m->text ? m->text : "", what);
}

void mac_close(struct mac *m)
{
    if (!m)
        return;
    if (m->source)
        pcap_close(m->source);
    if (m->sink && pcap_dump_flush(m->sink))
        say(m, strerror(errno));
    if (m->sink)
        pcap_dump_close(m->sink);
    if (m->dead)
        pcap_close(m->dead);
    while (m->head) {
        struct loop_frame *f = m->head;

        m->head = f->next;
        free(f);
    }
    if (m->fd >= 0)
        close(m->fd);
    free(m->text);
    free(m);
}

/* --- opening --- */

/* A file that one port writes is no other's, of this process or another: it would be cut off while
 * it is read, or have frames of both. The lock ends with the file. */
static int lock_file(int fd, int how, const char *name, char *why, size_t why_bytes)
{
    struct stat s;

    if (fstat(fd, &s) || !S_ISREG(s.st_mode) || !flock(fd, how | LOCK_NB) || errno != EWOULDBLOCK)
        return 0;
    snprintf(why, why_bytes, "%s is in use: one port %s it already", name,
             how == LOCK_EX ? "reads or writes" : "writes");
    return -EBUSY;
}

/* Nothing of the file is lost before it is known that it is this port's alone. */
static int open_sink(struct mac *m, const char *name, char *why, size_t why_bytes)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    int err = -EIO;

    if (file)
        err = lock_file(fd, LOCK_EX, name, why, why_bytes);
    else
        snprintf(why, why_bytes, "%s: %s", name, strerror(errno));
    if (!err && ftruncate(fd, 0)) /* a pipe has no length */
        errno = 0;
    m->dead = err ? NULL
                  : pcap_open_dead_with_tstamp_precision(DLT_EN10MB, FRAME_BYTES,
                                                         PCAP_TSTAMP_PRECISION_NANO);
    m->sink = m->dead ? pcap_dump_fopen(m->dead, file) : NULL;
    if (m->sink)
        return 0;
    if (!err)
        snprintf(why, why_bytes, "%s", m->dead ? pcap_geterr(m->dead) : "no memory");
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    return err ? err : -EIO;
}

static int open_pcap(struct mac *m, const char *text, char *why, size_t why_bytes)
{
    char paths[PATHS_BYTES], message[PCAP_ERRBUF_SIZE];
    char *in = paths, *out, *gap;

    if (snprintf(paths, sizeof(paths), "%s", text) >= (int)sizeof(paths) ||
        !(out = strchr(in, ':'))) {
        snprintf(why, why_bytes, "port=pcap:%s: it is pcap:IN:OUT[:GAP]", text);
        return -EINVAL;
    }
    *out++ = 0;
    gap = strchr(out, ':');
    if (gap) {
        char *end;

        *gap++ = 0;
        m->gap_clocks = strtoull(gap, &end, 10);
        if (*end || *gap < '0' || *gap > '9') {
            snprintf(why, why_bytes, "port=pcap:%s: the gap is no number of clocks", text);
            return -EINVAL;
        }
    }
    m->source = *in ? pcap_open_offline(in, message) : NULL;
    if (*in && !m->source) {
        snprintf(why, why_bytes, "%s", message);
        return -ENOENT;
    }
    if (m->source && pcap_datalink(m->source) != DLT_EN10MB) {
        snprintf(why, why_bytes, "%s has no Ethernet frames", in);
        return -EINVAL;
    }
    if (m->source && lock_file(fileno(pcap_file(m->source)), LOCK_SH, in, why, why_bytes))
        return -EBUSY;
    return *out ? open_sink(m, out, why, why_bytes) : 0;
}

static int open_socket(struct mac *m, const char *name, char *why, size_t why_bytes)
{
    struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

    addr.sll_ifindex = (int)if_nametoindex(name);
    if (addr.sll_ifindex)
        m->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&addr, sizeof(addr))) {
        const int err = -errno;

        snprintf(why, why_bytes, "port=packet:%s: %s", name, strerror(-err));
        return err;
    }
    return 0;
}

/* An interface that is there as long as this; who uses it brings it up. */
static int open_tap(struct mac *m, const char *name, char *why, size_t why_bytes)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int err = 0;

    if (!*name || strlen(name) >= sizeof(request.ifr_name) || strchr(name, '%')) {
        snprintf(why, why_bytes, "port=tap:%s: this is no name of an interface", name);
        return -EINVAL;
    }
    memcpy(request.ifr_name, name, strlen(name) + 1);
    m->tap = true;
    m->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (m->fd < 0 || ioctl(m->fd, TUNSETIFF, &request)) {
        err = -errno;
        snprintf(why, why_bytes, "port=tap:%s: %s", name, strerror(-err));
    }
    return err;
}

int mac_open(const char *text, struct mac **out, char *why, size_t why_bytes)
{
    static const char pcap[] = "pcap:", packet[] = "packet:", tap[] = "tap:";
    struct mac *m = calloc(1, sizeof(*m));
    int err = 0;

    if (!m)
        return -ENOMEM;
    m->fd = -1;
    m->text = strdup(text ? text : "");
    m->tail = &m->head;
    m->gap_clocks = GAP_CLOCKS;
    m->up = text && *text && strcmp(text, "none") != 0;
    if (!m->up) {
    } else if (!strcmp(text, "loopback")) {
        m->loops = true;
    } else if (!strncmp(text, pcap, sizeof(pcap) - 1)) {
        err = open_pcap(m, text + sizeof(pcap) - 1, why, why_bytes);
    } else if (!strncmp(text, packet, sizeof(packet) - 1)) {
        err = open_socket(m, text + sizeof(packet) - 1, why, why_bytes);
    } else if (!strncmp(text, tap, sizeof(tap) - 1)) {
        err = open_tap(m, text + sizeof(tap) - 1, why, why_bytes);
    } else {
        snprintf(why, why_bytes,
                 "port=%s: it is none, loopback, pcap:IN:OUT[:GAP], packet:INTERFACE or tap:NAME",
                 text);
        err = -EINVAL;
    }
    if (err) {
        mac_close(m);
        return err;
    }
    *out = m;
    return 0;
}

bool mac_link(const struct mac *m)
{
    return m->up;
}

/* --- frames in --- */

/* A file that is damaged gives the frames before that; one that no port takes is left out. */
static void next_of_file(struct mac *m)
{
    struct pcap_pkthdr *head;
    const uint8_t *data;
    char text[PCAP_ERRBUF_SIZE + 64];
    const int got = pcap_next_ex(m->source, &head, &data);

    if (got == 1 && head->caplen && head->caplen <= FRAME_BYTES) {
        memcpy(m->in, data, head->caplen);
        m->in_bytes = head->caplen;
    } else if (got == 1) {
        snprintf(text, sizeof(text),
                 "frame %" PRIu64 " of %u bytes is left out, and others like it", m->frames,
                 head->caplen);
        if (!m->leaves_out)
            say(m, text);
        m->leaves_out = true;
    } else {
        if (got == PCAP_ERROR) {
            snprintf(text, sizeof(text), "damaged after %" PRIu64 " packets: %s", m->frames,
                     pcap_geterr(m->source));
            say(m, text);
        }
        pcap_close(m->source);
        m->source = NULL;
    }
    m->frames++;
}

static void next_of_loop(struct mac *m)
{
    struct loop_frame *f = m->head;

    m->head = f->next;
    if (!m->head)
        m->tail = &m->head;
    m->loop_count--;
    memcpy(m->in, f->data, f->bytes);
    m->in_bytes = f->bytes;
    free(f);
}

static void next_of_tap(struct mac *m)
{
    const ssize_t n = read(m->fd, m->in, sizeof(m->in));

    if (n > 0)
        m->in_bytes = (uint32_t)n;
}

static void next_of_socket(struct mac *m)
{
    struct sockaddr_ll from;
    socklen_t bytes = sizeof(from);
    const ssize_t n = recvfrom(m->fd, m->in, sizeof(m->in), 0, (struct sockaddr *)&from, &bytes);

    if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
        m->in_bytes = (uint32_t)n;
}

bool mac_waits(struct mac *m)
{
    while (!m->in_bytes && m->source)
        next_of_file(m);
    if (!m->in_bytes && m->head)
        next_of_loop(m);
    if (!m->in_bytes && m->fd >= 0 && m->tap)
        next_of_tap(m);
    else if (!m->in_bytes && m->fd >= 0)
        next_of_socket(m);
    return m->in_bytes;
}

bool mac_rests(const struct mac *m)
{
    return !m->begun && !m->in_sent && !m->out_bytes;
}

void mac_drive(struct mac *m, bool on, uint64_t clock, struct nic_beat *beat)
{
    const uint32_t left = m->in_bytes - m->in_sent;
    const uint32_t n = left < BEAT_BYTES ? left : BEAT_BYTES;

    if (on && !m->waited) {
        m->waited = true;
        m->next_start = clock + (m->source ? WAIT_CLOCKS : 0);
    }
    if (!m->begun && on && m->in_bytes && clock >= m->next_start) {
        m->begun = true;
        m->next_start = clock + m->gap_clocks;
    }
    beat->valid = m->begun;
    if (!m->begun || m->offered)
        return;
    memset(beat->data, 0, sizeof(beat->data));
    memcpy(beat->data, m->in + m->in_sent, n);
    beat->keep = n == BEAT_BYTES ? UINT64_MAX : (UINT64_C(1) << n) - 1;
    beat->last = left <= BEAT_BYTES;
    beat->error = false;
    m->offered = true;
}

void mac_taken(struct mac *m)
{
    m->offered = false;
    m->in_sent += BEAT_BYTES;
    if (m->in_sent < m->in_bytes)
        return;
    m->in_bytes = 0;
    m->in_sent = 0;
    m->begun = false;
}

/* --- frames out --- */

static int loop_back(struct mac *m)
{
    struct loop_frame *f;

    if (m->loop_count == LOOP_FRAMES)
        return 0;
    f = malloc(sizeof(*f) + m->out_bytes);
    if (!f)
        return -ENOMEM;
    f->next = NULL;
    f->bytes = m->out_bytes;
    memcpy(f->data, m->out, m->out_bytes);
    *m->tail = f;
    m->tail = &f->next;
    m->loop_count++;
    return 0;
}

/* There is no way on: the device ends. */
static int ends(const struct mac *m)
{
    char text[256];

    snprintf(text, sizeof(text), "%s; the simulated device ends", strerror(errno));
    say(m, text);
    return -EIO;
}

static int emit(struct mac *m, uint64_t ns)
{
    const struct pcap_pkthdr head = {
        .ts = {.tv_sec = (time_t)(ns / 1000000000), .tv_usec = (suseconds_t)(ns % 1000000000)},
        .caplen = m->out_bytes,
        .len = m->out_bytes,
    };

    if (m->sink)
        pcap_dump((uint8_t *)m->sink, &head, m->out);
    if (m->sink && ferror(pcap_dump_file(m->sink)))
        return ends(m);
    /* an interface that takes no more, or is down, loses frames, as a wire does */
    if (m->fd >= 0 && m->tap) {
        if (write(m->fd, m->out, m->out_bytes) < 0 && errno == EBADFD)
            return ends(m); /* somebody has deleted it; while it is down it is EIO */
    } else if (m->fd >= 0 && send(m->fd, m->out, m->out_bytes, 0) < 0 && errno == ENXIO) {
        return ends(m); /* likewise; while it is down it is ENETDOWN */
    }
    return m->loops ? loop_back(m) : 0;
}

int mac_give(struct mac *m, const uint32_t *data, uint64_t keep, bool last, uint64_t ns)
{
    const uint32_t n = (uint32_t)__builtin_popcountll(keep);
    int err;

    if (!n || (n < BEAT_BYTES && (!last || keep != (UINT64_C(1) << n) - 1)) ||
        m->out_bytes + n > FRAME_BYTES)
        return -EPROTO;
    memcpy(m->out + m->out_bytes, data, n);
    m->out_bytes += n;
    if (!last)
        return 0;
    err = emit(m, ns);
    m->out_bytes = 0;
    return err;
}

int mac_flush(struct mac *m)
{
    return m->sink && pcap_dump_flush(m->sink) ? ends(m) : 0;
}
