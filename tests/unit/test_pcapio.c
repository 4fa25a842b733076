/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/ctl/pcapio.h"
#include "hw/spec/gen/limits.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY = 512 };

static char folder[] = "test_pcapio.XXXXXX";
static char file[64];
static char why[WHY];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/x.pcap", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder); /* fails if a temporary file was left behind */
}

static void write_raw(const void *data, size_t bytes)
{
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/* A file made by libpcap itself. */
static void write_capture(int link, int precision, const struct pcap_pkthdr *headers, int count)
{
    static const uint8_t bytes[20000] = {1, 2, 3};
    pcap_t *p = pcap_open_dead_with_tstamp_precision(link, 65536, (u_int)precision);
    pcap_dumper_t *d = pcap_dump_open(p, file);

    assert_non_null(d);
    for (int i = 0; i < count; i++)
        pcap_dump((u_char *)d, &headers[i], bytes);
    pcap_dump_close(d);
    pcap_close(p);
}

static struct pcap_pkthdr header(uint32_t seconds, uint32_t fraction, uint32_t caplen, uint32_t len)
{
    return (struct pcap_pkthdr){
        .ts = {.tv_sec = seconds, .tv_usec = fraction}, .caplen = caplen, .len = len};
}

static void expect_error(int err, const char *text)
{
    struct pcap_capture c = {.count = 7};

    why[0] = 0;
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), err);
    assert_int_equal(c.count, 7); /* untouched */
    assert_non_null(strstr(why, file));
    if (!strstr(why, text))
        fail_msg("\"%s\" does not say \"%s\"", why, text);
}

static void test_pcapio_written_packets_read_back(void **state)
{
    FILE *f = fopen(file, "wb");
    struct pcap_capture c;
    uint8_t bytes[1500];

    (void)state;
    assert_non_null(f);
    assert_int_equal(pcap_write_head(f), 0);
    for (uint32_t i = 0; i < 3000; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        assert_int_equal(pcap_write_packet(f, bytes, 14 + i % 1400, 1000000000ull * i + i), 0);
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_int_equal(c.count, 3000);
    for (uint32_t i = 0; i < 3000; i++) {
        assert_int_equal(c.records[i].len, 14 + i % 1400);
        assert_true(c.records[i].time_ns == 1000000000ull * i + i);
        assert_int_equal(c.records[i].data[0], (uint8_t)i);
        assert_int_equal(c.records[i].data[c.records[i].len - 1], (uint8_t)i);
    }
    pcap_capture_free(&c);
    assert_null(c.records);
    pcap_capture_free(&c);
}

static void test_pcapio_times_are_nanoseconds(void **state)
{
    const struct pcap_pkthdr h = header(3, 5, 60, 60);
    struct pcap_capture c;

    (void)state;
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_MICRO, &h, 1);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_true(c.records[0].time_ns == 3000005000ull);
    pcap_capture_free(&c);
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, &h, 1);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_true(c.records[0].time_ns == 3000000005ull);
    pcap_capture_free(&c);
}

static void test_pcapio_runts_and_giants_are_marked(void **state)
{
    const struct pcap_pkthdr h[] = {header(0, 0, 13, 13), header(0, 0, 14, 14),
                                    header(0, 0, SPEC_PKT_MAX_BYTES, SPEC_PKT_MAX_BYTES),
                                    header(0, 0, SPEC_PKT_MAX_BYTES + 1, SPEC_PKT_MAX_BYTES + 1),
                                    header(0, 0, 0, 0)};
    struct pcap_capture c;

    (void)state;
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, h, 5);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_int_equal(c.count, 5);
    assert_int_equal(c.runts, 2);
    assert_int_equal(c.giants, 1);
    assert_int_equal(c.records[0].fitness, PCAP_RUNT);
    assert_int_equal(c.records[1].fitness, PCAP_OK);
    assert_int_equal(c.records[2].fitness, PCAP_OK);
    assert_int_equal(c.records[3].fitness, PCAP_GIANT);
    assert_int_equal(c.records[4].fitness, PCAP_RUNT);
    pcap_capture_free(&c);
}

static void test_pcapio_packet_cut_when_captured_named(void **state)
{
    const struct pcap_pkthdr h[] = {header(0, 0, 60, 60), header(0, 0, 60, 1500)};

    (void)state;
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, h, 2);
    expect_error(-EINVAL, "packet 1 ");
}

static void test_pcapio_other_link_type_named(void **state)
{
    const struct pcap_pkthdr h = header(0, 0, 60, 60);

    (void)state;
    write_capture(DLT_RAW, PCAP_TSTAMP_PRECISION_NANO, &h, 1);
    expect_error(-EINVAL, "RAW");
    write_capture(DLT_LINUX_SLL, PCAP_TSTAMP_PRECISION_NANO, &h, 1);
    expect_error(-EINVAL, "LINUX_SLL");
}

static void test_pcapio_damaged_file_gives_packet_number(void **state)
{
    const struct pcap_pkthdr h[] = {header(0, 0, 60, 60), header(0, 0, 60, 60),
                                    header(0, 0, 60, 60)};

    (void)state;
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, h, 3);
    assert_int_equal(truncate(file, 24 + 2 * 76 + 30), 0); /* in the third packet's bytes */
    expect_error(-EINVAL, "after 2 packets");
    assert_int_equal(truncate(file, 24 + 2 * 76 + 7), 0); /* in its header */
    expect_error(-EINVAL, "after 2 packets");
}

static void test_pcapio_no_capture_refused(void **state)
{
    (void)state;
    write_raw("", 0);
    expect_error(-EINVAL, "capture");
    write_raw("hello, this is no capture at all", 32);
    expect_error(-EINVAL, "capture");
    unlink(file);
    expect_error(-ENOENT, "No such file");
}

static void test_pcapio_capture_without_packets_is_empty(void **state)
{
    struct pcap_capture c = {.count = 7};

    (void)state;
    write_capture(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, NULL, 0);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_int_equal(c.count, 0);
    pcap_capture_free(&c);
}

static void test_pcapio_pcapng_read(void **state)
{
    /* A section header, an Ethernet interface with nanoseconds, one packet of 14 bytes at
     * 0x100000002 ns. */
    static const uint32_t blocks[] = {
        0x0a0d0d0a, 28, 0x1a2b3c4d, 0x00000001, UINT32_MAX, UINT32_MAX, 28,         1,          32,
        1,          0,  0x00010009, 9,          0,          32,         6,          48,         0,
        1,          2,  14,         14,         0x04030201, 0x08070605, 0x0c0b0a09, 0x00000e0d, 48,
    };
    struct pcap_capture c;

    (void)state;
    write_raw(blocks, sizeof(blocks));
    if (pcap_capture_read(file, &c, why, sizeof(why)))
        fail_msg("%s", why);
    assert_int_equal(c.count, 1);
    assert_true(c.records[0].time_ns == 0x100000002);
    assert_int_equal(c.records[0].data[13], 14);
    pcap_capture_free(&c);
}

static void test_pcapio_times_after_2038_are_not_before_1970(void **state)
{
    static const uint64_t late = 4294967295999999999u; /* the last one that the format has */
    FILE *f = fopen(file, "wb");
    struct pcap_capture c;

    (void)state;
    assert_non_null(f);
    assert_int_equal(pcap_write_head(f), 0);
    assert_int_equal(pcap_write_packet(f, "01234567890123", 14, late), 0);
    assert_int_equal(pcap_write_packet(f, "01234567890123", 14, late + 1), -EOVERFLOW);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(pcap_capture_read(file, &c, why, sizeof(why)), 0);
    assert_int_equal(c.count, 1);
    assert_true(c.records[0].time_ns == late);
    pcap_capture_free(&c);
}

static void test_pcapio_full_disk_is_an_error(void **state)
{
    static const uint8_t bytes[9000];
    FILE *f = fopen("/dev/full", "wb");
    int err = 0;

    (void)state;
    assert_non_null(f);
    assert_int_equal(pcap_write_head(f), 0); /* buffered */
    for (int i = 0; i < 4 && !err; i++)
        err = pcap_write_packet(f, bytes, sizeof(bytes), 0);
    assert_int_equal(err, -ENOSPC);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcapio_written_packets_read_back),
        cmocka_unit_test(test_pcapio_times_are_nanoseconds),
        cmocka_unit_test(test_pcapio_runts_and_giants_are_marked),
        cmocka_unit_test(test_pcapio_packet_cut_when_captured_named),
        cmocka_unit_test(test_pcapio_other_link_type_named),
        cmocka_unit_test(test_pcapio_damaged_file_gives_packet_number),
        cmocka_unit_test(test_pcapio_no_capture_refused),
        cmocka_unit_test(test_pcapio_capture_without_packets_is_empty),
        cmocka_unit_test(test_pcapio_pcapng_read),
        cmocka_unit_test(test_pcapio_times_after_2038_are_not_before_1970),
        cmocka_unit_test(test_pcapio_full_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
