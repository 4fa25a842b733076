/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/ctl/pcapio.h"
#include "hw/spec/gen/limits.h"
#include "tests/fuzz/parse/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A capture, pcap or pcapng: read whole or refused with a reason, and then nothing is left. */

static void check_capture(const struct pcap_capture *c)
{
    size_t runts = 0, giants = 0;
    uint32_t sum = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct pcap_record *r = &c->records[i];
        const bool runt = r->len<SPEC_PKT_MIN_BYTES, giant = r->len> SPEC_PKT_MAX_BYTES;

        fuzz_require(r->fitness == (runt    ? PCAP_RUNT
                                    : giant ? PCAP_GIANT
                                            : PCAP_OK),
                     "fitness follows from the length");
        runts += runt;
        giants += giant;
        for (uint32_t k = 0; k < r->len && !giant; k++)
            sum += r->data[k]; /* a sanitizer sees if there are fewer */
    }
    fuzz_require(runts == c->runts && giants == c->giants, "runts and giants are counted");
    fuzz_require(sum + 1 != 0, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct pcap_capture untouched = {.count = 7};
    struct pcap_capture capture = untouched;
    char path[64], why[512] = "";
    const int fd = memfd_create("fuzz.pcap", MFD_CLOEXEC);
    int err;

    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    err = pcap_capture_read(path, &capture, why, sizeof(why));
    close(fd);
    if (err) {
        fuzz_require(err < 0 && strstr(why, path), "an error has a reason that names the file");
        fuzz_require(!memcmp(&capture, &untouched, sizeof(capture)), "nothing after an error");
        return 0;
    }
    check_capture(&capture);
    pcap_capture_free(&capture);
    return 0;
}
