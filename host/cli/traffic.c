/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/cli/cli.h"
#include "host/cli/frames.h"
#include "host/cli/output.h"

#include <stdio.h>
#include <string.h>

/* sluice traffic: a capture that depends on nothing but its options. */

enum {
    OPT_FLOWS = 0x500,
    OPT_SKEW,
    OPT_SIZE,
    OPT_SEED,
    OPT_MIX,
    OPT_MALFORMED,
    OPT_OPTIONS,
    OPT_GAP,
    OPT_START,
    OPT_REPLIES,
    OPT_REPLIES_TO
};

enum { PROGRESS_EVERY = 256 };

struct traffic_arguments {
    struct cli_output out;
    uint64_t count;
    struct frames_options frames;
    uint64_t start_ns;
    uint64_t gap_ns;
};

static const struct argp_option options_table[] = {
    {"write", 'w', "OUT", 0, "the pcap file to write (- for standard output)", 0},
    {"count", 'c', "N", 0, "packets (default 10000)", 0},
    {"flows", OPT_FLOWS, "N", 0, "different 5-tuples (default 1000)", 0},
    {"zipf", OPT_SKEW, "S", 0,
     "skew of the flows: the k-th has weight 1/k^S (default 1.0; 0: even)", 0},
    {"size", OPT_SIZE, "BYTES|imix", 0,
     "length of the frames, 14 to 9216, or 7:4:1 of 64, 594 and 1518 bytes (default imix)", 0},
    {"mix", OPT_MIX, "KIND=W,...", 0,
     "weights of tcp, udp, icmp, ipv6, vlan, arp, other, flood (TCP SYN from anywhere), fragment, "
     "error (ICMP packet too big), 6in4, options6 (IPv6 extension headers); default "
     "tcp=40,udp=30,icmp=5,ipv6=15,vlan=6,arp=3,other=1",
     0},
    {"ip-options", OPT_OPTIONS, "PERCENT", 0, "IPv4 packets with options (default 5)", 0},
    {"malformed", OPT_MALFORMED, "PERCENT", 0,
     "packets that are truncated or contradict themselves (default 2)", 0},
    {"replies", OPT_REPLIES, "PERCENT", 0,
     "packets of the other direction, destination to source (default 0)", 0},
    {"replies-to", OPT_REPLIES_TO, "ADDRESS[:LOW-HIGH]", 0,
     "replies go to this IPv4 address instead of the source, to random ports of the range", 0},
    {"seed", OPT_SEED, "N", 0, "seed (default 1)", 0},
    {"start", OPT_START, "NS", 0, "arrival time of the first packet in ns (default 1000000000)", 0},
    {"gap", OPT_GAP, "NS", 0, "mean time between packets in ns (default 1000)", 0},
    {0},
};

static void parse_mix(struct traffic_arguments *a, struct argp_state *state, const char *mix)
{
    const char *text = mix;
    unsigned sum = 0;
    unsigned seen = 0;

    memset(a->frames.weights, 0, sizeof(a->frames.weights));
    while (*text) {
        const size_t n = strcspn(text, "=,");
        unsigned weight = 0;
        int used = 0;
        int kind = 0;

        while (kind < FRAME_KIND_COUNT &&
               (strlen(frame_kind_names[kind]) != n || strncmp(frame_kind_names[kind], text, n)))
            kind++;
        if (kind == FRAME_KIND_COUNT || sscanf(text + n, "=%u%n", &weight, &used) != 1 ||
            weight > 1000000 || (text[n + (size_t)used] && text[n + (size_t)used] != ','))
            argp_error(state,
                       "--mix takes KIND=WEIGHT,... with tcp, udp, icmp, ipv6, vlan, arp, "
                       "other, flood, fragment, error, 6in4, options6; what is this: \"%s\"",
                       text);
        if (seen >> kind & 1)
            argp_error(state, "--mix \"%s\" gives %s twice", mix, frame_kind_names[kind]);
        seen |= 1u << kind;
        a->frames.weights[kind] = weight;
        sum += weight;
        text += n + (size_t)used;
        text += *text == ',';
    }
    if (!sum)
        argp_error(state, "--mix \"%s\" gives no kind of packet a weight above 0", mix);
}

static void parse_reply(struct traffic_arguments *a, struct argp_state *state, const char *text)
{
    unsigned byte[4], low = 0, high = UINT16_MAX;
    int used = 0, more = 0;

    if (sscanf(text, "%3u.%3u.%3u.%3u%n", &byte[0], &byte[1], &byte[2], &byte[3], &used) == 4 &&
        text[used] == ':' && sscanf(text + used, ":%5u-%5u%n", &low, &high, &more) == 2)
        used += more;
    if (!used || text[used] || byte[0] > 255 || byte[1] > 255 || byte[2] > 255 || byte[3] > 255 ||
        low > high || high > UINT16_MAX)
        argp_error(state,
                   "--replies-to takes an IPv4 address and a range of ports, as in "
                   "192.0.2.1:1024-2047, not \"%s\"",
                   text);
    a->frames.reply_address = byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3];
    a->frames.reply_low = (uint16_t)low;
    a->frames.reply_high = (uint16_t)high;
}

static double real_number(struct argp_state *state, const char *option, const char *text,
                          double max)
{
    double value = 0;
    char end;

    if (sscanf(text, "%lf%c", &value, &end) != 1 || !(value >= 0 && value <= max))
        argp_error(state, "%s takes a number from 0 to %g, not \"%s\"", option, max, text);
    return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct traffic_arguments *a = state->input;

    switch (key) {
    case 'w':
        a->out.path = arg;
        return 0;
    case 'c':
        a->count = cli_number(state, "--count", arg, 0, 100000000);
        return 0;
    case OPT_FLOWS:
        a->frames.flows = (uint32_t)cli_number(state, "--flows", arg, 1, 10000000);
        return 0;
    case OPT_SKEW:
        a->frames.skew = real_number(state, "--zipf", arg, 10);
        return 0;
    case OPT_SIZE:
        a->frames.size = !strcmp(arg, "imix")
                             ? 0
                             : (uint32_t)cli_number(state, "--size", arg, SPEC_PKT_MIN_BYTES,
                                                    SPEC_PKT_MAX_BYTES);
        return 0;
    case OPT_SEED:
        a->frames.seed = cli_number(state, "--seed", arg, 0, UINT64_MAX);
        return 0;
    case OPT_MIX:
        parse_mix(a, state, arg);
        return 0;
    case OPT_MALFORMED:
        a->frames.malformed_percent = (uint32_t)cli_number(state, "--malformed", arg, 0, 100);
        return 0;
    case OPT_OPTIONS:
        a->frames.options_percent = (uint32_t)cli_number(state, "--ip-options", arg, 0, 100);
        return 0;
    case OPT_REPLIES:
        a->frames.replies_percent = (uint32_t)cli_number(state, "--replies", arg, 0, 100);
        return 0;
    case OPT_REPLIES_TO:
        parse_reply(a, state, arg);
        return 0;
    case OPT_START:
        a->start_ns = cli_number(state, "--start", arg, 0, UINT32_MAX * UINT64_C(1000000000));
        return 0;
    case OPT_GAP:
        a->gap_ns = cli_number(state, "--gap", arg, 0, 1000000000);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "traffic takes no OBJECT: \"%s\"", arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->out.path)
            argp_error(state, "-w OUT is missing: the pcap file to write");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options_table,
                                 .parser = parse,
                                 .doc = "Writes a seeded capture of mixed Ethernet traffic."};

static int write_frames(const struct traffic_arguments *a, struct frames *frames)
{
    uint64_t time_ns = a->start_ns;
    int err = pcap_write_head(a->out.out.file);

    for (uint64_t i = 0; i < a->count && !err; i++) {
        uint8_t frame[SPEC_PKT_MAX_BYTES];
        const uint32_t len = frames_next(frames, frame);

        err = pcap_write_packet(a->out.out.file, frame, len, time_ns);
        time_ns += frames_gap(frames, a->gap_ns);
        if (i % PROGRESS_EVERY == 0)
            cli_progress("traffic", i, a->count);
    }
    cli_progress_clear();
    return err;
}

int cli_traffic(int argc, char **argv)
{
    struct traffic_arguments a = {
        .out = {.option = "-w"},
        .count = 10000,
        .frames = {.flows = 1000,
                   .skew = 1.0,
                   .seed = 1,
                   .malformed_percent = 2,
                   .options_percent = 5,
                   .weights = {40, 30, 5, 15, 6, 3, 1}},
        .start_ns = 1000000000,
        .gap_ns = 1000,
    };
    struct frames *frames;
    int status, closed;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return CLI_USAGE;
    frames = frames_open(&a.frames);
    if (!frames)
        return cli_fail("no memory for %u flows", a.frames.flows);
    status = cli_outputs_open(&a.out, 1, NULL);
    if (!status) {
        const int err = write_frames(&a, frames);

        if (err)
            status = cli_output_fail(&a.out, err);
    }
    closed = cli_outputs_close(&a.out, 1, !status);
    frames_close(frames);
    return status ? status : closed;
}
