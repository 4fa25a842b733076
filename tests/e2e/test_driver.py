# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver under Debian's testpmd, on the simulated NIC: what leaves at the wire and reaches the host is, byte for byte, what the
command line makes of the same packets."""
import json
import os
import re

import larger
import lib
import testpmd

SIZES = (64, 512, 1518, 'imix')


def mixed_sizes(work, each):
    """Packets of all sizes in one capture."""
    packets = []
    for size in SIZES:
        path = lib.traffic(f'driver-{size}-{each}', '--count', each, '--flows', 20, '--size', size)
        packets += testpmd.frames(path)
    return testpmd.write(os.path.join(work, 'in.pcap'), packets)


def expected(work, name, capture):
    """What the program does with each packet: (verdict, bytes) of those that leave."""
    out, trace = os.path.join(work, 'want.pcap'), os.path.join(work, 'trace')
    lib.sluice('run', lib.example(name), *lib.example_maps(name), '-t', 'interp', '-r', capture, '-w', out, '--trace', trace)
    with open(trace) as f:
        verdicts = [json.loads(line)['verdict'] for line in f]
    leave = [v for v in verdicts if v in ('XDP_PASS', 'XDP_TX', 'XDP_REDIRECT')]
    packets = testpmd.frames(out)
    assert len(leave) == len(packets) and 'XDP_REDIRECT' not in leave
    return verdicts, [p for v, p in zip(leave, packets) if v == 'XDP_PASS'], [p for v, p in zip(leave, packets) if v == 'XDP_TX']


def same(got, want, what):
    assert len(got) == len(want), f'{what}: {len(got)} packets, not {len(want)}'
    for i, (a, b) in enumerate(zip(got, want)):
        assert a == b, f'{what}: packet {i}\n  got    {a.hex()}\n  wanted {b.hex()}'


def forward(work, name, more='', options=()):
    capture = mixed_sizes(work, 60)
    verdicts, passed, sent = expected(work, name, capture)
    assert len(passed) > 20 and len(sent) > 20, 'the program does not do enough for this test'
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    maps = lib.example_maps(name)
    nic = f'net_sluice0,port=pcap:in.pcap:wire.pcap,prog={lib.example(name)}' + (f',maps={maps[1]}' if maps else '') + more
    with testpmd.Testpmd(work, [nic, 'net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'], *options) as t:
        t.ask('start')
        c = t.wait_for(lambda c: c['rx_port0_packets'] == len(verdicts) and c['rx_good_packets'] == len(passed)
                       and c['tx_port0_packets'] == len(sent))
        t.ask('stop')
        assert c['rx_good_bytes'] == sum(map(len, passed)) and c['tx_port0_bytes'] == sum(map(len, sent)), c
        for verdict, key in (('XDP_PASS', 'pass'), ('XDP_TX', 'tx'), ('XDP_DROP', 'drop'), ('XDP_ABORTED', 'aborted')):
            assert c['rx_program_' + key] == verdicts.count(verdict), (verdict, c)
        assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors')), c
    same(testpmd.frames(os.path.join(work, 'host.pcap')), passed, 'at the host')
    same(testpmd.frames(os.path.join(work, 'wire.pcap')), sent, 'at the wire')


def test_csum_does_what_the_command_line_does(work):
    forward(work, 'csum')


def test_tunnel_with_stalls_and_small_buffers_does_the_same(work):
    forward(work, 'tunnel', ',seed=7,stall=30,dma=1-200', ['--mbuf-size=768', '--rxd=64', '--txd=64'])


# What a program reads as the time is printed, too, so that the command line can have it run at the same times.
CLOCK = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static __always_inline __u64 clock_of(void)
{
    static const char format[] SEC(".rodata.clock") = "%llu";
    const __u64 now = bpf_ktime_get_ns();

    bpf_trace_printk(format, sizeof(format), now);
    return now;
}
#define bpf_ktime_get_ns clock_of
#include "{source}"
"""


def with_clock(work, source, defines):
    path = os.path.join(work, 'clock.bpf.c')
    with open(path, 'w') as f:
        f.write(CLOCK.replace('{source}', source))
    return lib.clang(path, os.path.join(work, 'clock.o'), defines=['-D' + d for d in defines], includes=[os.path.dirname(source)])


def told(work, obj, maps, packets, *options):
    """What the command line says that the program tells of these packets, given (time, bytes)."""
    capture, out = testpmd.write(os.path.join(work, 'again.pcap'), [p for _, p in packets], [t for t, _ in packets]), os.path.join(work, 'want')
    lib.sluice('run', obj, *maps, '-t', 'interp', '-r', capture, '--events', out, *options)
    with open(out) as f:
        return f.read()


def events_of(work, source, maps, capture, options='', defines=(), gap=1000):
    """Events of a program on the NIC are in the file that the driver writes as the command line writes them."""
    obj = with_clock(work, source, defines)
    packets = testpmd.frames(capture)
    nic = f'net_sluice0,port=pcap:{capture}::{gap},prog={obj},events=events' + ''.join(f',maps={m}' for m in maps[1:]) + options
    with testpmd.Testpmd(work, [nic], warning="on the host's CPU: offload=never" if 'never' in options else None) as t:
        t.ask('set fwd rxonly\nset promisc all on\nstart')
        c = t.wait_for(lambda c: sum(c['rx_program_' + v] for v in ('pass', 'drop', 'tx', 'aborted', 'redirect')) == len(packets))
        t.ask('stop\nport stop all')
        c = t.counters()
    with open(os.path.join(work, 'events')) as f:
        got = f.read()
    lines = [json.loads(line) for line in got.splitlines()]
    assert c['rx_program_events'] == len([e for e in lines if 'i' in e]) and c['rx_program_events_bad'] == c['rx_program_events_lost'] == 0, c
    times, now = {e['i']: int(e['print']) for e in reversed(lines) if e.get('print', '').isdigit()}, 0
    timed = []
    for i, p in enumerate(packets):
        now = times.get(i, now)
        timed.append((now, p))
    want = told(work, obj, maps, timed)
    assert got == want, (len(got), len(want), [p for p in zip(got.splitlines(), want.splitlines()) if p[0] != p[1]][:3])
    return lines


def test_events_of_examples_are_those_of_the_command_line(work):
    for name, kind, options, constants in (('flowmon', 'flow_events', ',seed=5,stall=20', ()), ('scrubber', 'alarms', '', ('alarm_syns=1',))):
        row = next(row for row in larger.ROWS if row.name == name)
        row = row._replace(constants=(*row.constants, *constants))
        source = os.path.join(lib.ROOT, 'examples', name + '.bpf.c')
        lines = events_of(work, source, larger.maps(row, work), larger.capture(row, 500), options, defines=('LIST_ENTRIES=256',))
        assert sum(e.get('map') == kind for e in lines) > 5, (name, len(lines))


def test_events_with_packet_bytes_and_lost_records_are_those_of_the_command_line(work):
    for name, kind, options in (('samples', 'few', ''), ('samples', 'few', ',offload=never'), ('full', 'small', '')):
        source = os.path.join(lib.ROOT, 'tests', 'progs', 'events', name + '.bpf.c')
        lines = events_of(work, source, (), lib.traffic('driver-events', '--count', 300, '--flows', 60), options)
        assert sum(e.get('map') == kind for e in lines) > 100, {e.get('map') for e in lines}
    assert lines[-1]['lost'] > 100


def test_what_the_host_sends_leaves_as_it_is(work):
    """Buffers of 640 bytes: larger packets leave in pieces. The ring of 32 descriptors is full again and again."""
    capture = mixed_sizes(work, 60)
    want = testpmd.frames(capture)
    with testpmd.Testpmd(work, ['net_sluice0,port=pcap::wire.pcap,seed=3,stall=20', 'net_pcap0,rx_pcap=in.pcap,tx_pcap=host.pcap'],
                         '--mbuf-size=768', '--txd=32') as t:
        t.ask('set fwd io retry\nstart')
        c = t.wait_for(lambda c: c['tx_good_packets'] == len(want))
        t.ask('stop')
        assert c['tx_good_bytes'] == c['tx_port0_bytes'] == sum(map(len, want)) and c['tx_errors'] == 0, c
    same(testpmd.frames(os.path.join(work, 'wire.pcap')), want, 'at the wire')


def test_ports_start_and_stop_and_change_again_and_again(work):
    """What the host sends comes back by the wire's loopback and goes on for ever, over two devices; after each change it does so again."""
    devices = ['net_sluice0,port=loopback', 'net_sluice1,port=loopback,port=loopback']
    with testpmd.Testpmd(work, devices, '--rxd=64', '--txd=64') as t:
        for change in ('', 'port config all rxq 3\nport config all txq 2', 'port config all rxd 256', 'port config mtu 0 9000', 'port config mtu 1 576'):
            t.ask('stop\nport stop all\n' + change + '\nport start all\nclear port xstats all\nset txpkts 64,100\nstart tx_first')
            for port in (0, 1):
                t.wait_for(lambda c: c['rx_good_packets'] > 100 and c['tx_good_packets'] > 100 and c['rx_errors'] == c['tx_errors'] == 0, port)
        t.ask('stop\nport stop all\nport close 0\nshow port info 1\nport close 1')
        assert 'ail' not in t.text.replace('vailable', ''), t.text
        assert not [line for line in t.text.splitlines() if line.startswith('net_sluice:')], t.text


def test_csum_as_a_pipeline_in_the_slot_does_the_same(work):
    lib.few_clocks()
    forward(work, 'csum', ',executor=pipeline,offload=require,stall=20,seed=9')


TELL = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} sizes SEC(".maps");
SEC("xdp")
int tell(struct xdp_md *ctx)
{
    __u64 *bytes = bpf_ringbuf_reserve(&sizes, sizeof(*bytes), 0);

    if (bytes) {
        *bytes = ctx->data_end - ctx->data;
        bpf_ringbuf_submit(bytes, 0);
    }
    return XDP_PASS;
}
"""


def test_maps_and_events_of_a_pipeline_in_the_slot_are_those_of_the_command_line(work):
    """And so they are of what takes its place: on the core, on the host, and on a pipeline again."""
    lib.few_clocks()
    capture, out = lib.traffic('driver-pipeline', '--count', 120, '--flows', 60), os.path.join(work, 'maps')
    lib.sluice('run', lib.example('count'), '-t', 'interp', '-r', capture, '--maps-out', out)
    with open(out) as f:
        want = json.load(f)['protocols']
    with testpmd.Testpmd(work, [f'net_sluice0,port=pcap:{capture}:,prog={lib.example("count")},executor=pipeline'], telemetry=True) as t:
        dev = lambda *arguments, status=0: lib.sluice('dev', '-f', t.prefix, *arguments, status=status)
        dump = lambda: json.loads(dev('--json', 'map', 'dump', 'name', 'protocols').stdout)
        program = t.tell('/net_sluice/program', 0)
        assert program['executor'] == 'pipeline' and 'reason' not in program, program
        t.ask('start')
        c = t.wait_for(lambda c: c['rx_port0_packets'] == c['rx_program_drop'] == 120)
        assert dump() == want, c
        value = ['0x07'] * len(want[0]['values'][0]['value'])
        dev('map', 'update', 'name', 'protocols', 'key', *want[0]['key'], 'value', *value)
        assert 'slot becomes another one for it' in dev('swap', lib.example('count'), '--executor', 'microcode', status=None).stderr
        assert 'is none of microcode, pipeline and interp' in dev('load', lib.example('count'), '--executor', 'jit', status=None).stderr
        for executor in ('microcode', 'interp', 'pipeline'):
            assert 'copied' in dev('swap', lib.example('count'), '--migrate', '--executor', executor).stdout
            assert t.tell('/net_sluice/program', 0)['executor'] == executor
            got = dump()
            assert got[1:] == want[1:] and all(v['value'] == value for v in got[0]['values']), got[0]
        after = t.counters()
        assert all(after[k] == c[k] for k in c if k.startswith(('rx_program', 'rx_port', 'tx_')) and k != 'rx_program_limited'), (c, after)
        dev('unload')
        assert t.tell('/net_sluice/program', 0)['executor'] == 'microcode'
    source = os.path.join(work, 'tell.bpf.c')
    with open(source, 'w') as f:
        f.write(TELL)
    lines = events_of(work, source, (), capture, ',executor=pipeline,offload=require', gap=64)
    assert [e['i'] for e in lines] == list(range(120)), len(lines)


# 8 MiB of values
LARGE = """#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1 << 20);
    __type(key, __u32);
    __type(value, __u64);
} many SEC(".maps");
SEC("xdp")
int large(struct xdp_md *ctx)
{
    __u32 key = ctx->data_end - ctx->data;
    __u64 *n = bpf_map_lookup_elem(&many, &key);

    if (n)
        __sync_fetch_and_add(n, 1);
    return XDP_PASS;
}
"""


def test_a_program_that_fits_no_pipeline_runs_on_the_host_or_is_refused(work):
    source = os.path.join(work, 'large.bpf.c')
    with open(source, 'w') as f:
        f.write(LARGE)
    large = f'prog={lib.clang(source, os.path.join(work, "large.o"))}', 'map many is to lie in external memory, and the device has none'
    source = os.path.join(lib.ROOT, 'tests', 'progs', 'fits', 'loop.bpf.c')
    loop = f'prog={lib.clang(source, os.path.join(work, "loop.o"))}', 'bpf_for_each_map_elem over map counts, which is no array'
    for program, reason in (large, loop):
        refused(work, program + ',executor=pipeline,offload=require', reason)
    devices = [f'net_sluice{i},{program},executor=pipeline' for i, (program, _) in enumerate((large, loop))]
    with testpmd.Testpmd(work, devices, warning="on the host's CPU: ", telemetry=True) as t:
        for port, (_, reason) in enumerate((large, loop)):
            assert reason in ''.join(t.tell('/net_sluice/program', port)['reason'])
        a = t.tell('/net_sluice/swap', 0, large[0].replace('prog=', 'path='), 'executor=pipeline', 'migrate')
        assert large[1] in ''.join(a['error']) and t.tell('/net_sluice/program', 0)['executor'] == 'interp', a


def test_routes_of_a_file_are_those_of_the_command_line(work):
    """In the slot, and on the host."""
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'fib.bpf.c'), os.path.join(work, 'fib.o'))
    routes = os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'fib.json')
    capture = lib.traffic('driver-fib', '--count', 300, '--malformed', 0)
    counts = []
    for options in ((), ('--fib', routes)):
        j = json.loads(lib.sluice('run', obj, '-t', 'interp', '-r', capture, *options, '--maps-out', os.path.join(work, 'maps'), '--json').stdout)
        counts.append(j['verdicts'])
    with open(os.path.join(work, 'maps')) as f:
        want = json.load(f)['verdicts']
    assert counts[0] != counts[1] and counts[1]['XDP_REDIRECT'] > 10 and counts[1]['XDP_TX'] > 10, counts
    nics = [f'net_sluice{i},port=pcap:{capture}:,fib={routes},prog={obj}{more}' for i, more in enumerate(('', ',offload=never'))]
    with testpmd.Testpmd(work, nics, '--rxd=64', '--txd=64', warning="on the host's CPU", telemetry=True) as t:
        t.ask('set fwd rxonly\nstart')
        for port in (0, 1):
            verdicts = {f'rx_program_{v}': counts[1].get(f'XDP_{v.upper()}', 0) for v in ('pass', 'tx', 'redirect')}
            t.wait_for(lambda c: c['rx_port0_packets'] == 300 and all(c[k] == n for k, n in verdicts.items()), port)
            dumped = lib.sluice('dev', '-f', t.prefix, '--port', port, '--json', 'map', 'dump', 'name', 'verdicts')
            assert json.loads(dumped.stdout) == want, port
    refused(work, f'prog={obj},fib={obj}', 'line 1')


def test_without_routes_each_port_is_an_interface(work):
    """In the slot, and on the host; packets come by the second port."""
    obj = lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'helpers', 'fib.bpf.c'), os.path.join(work, 'fib.o'))
    capture = lib.traffic('driver-ports', '--count', 50, '--malformed', 0)
    lib.sluice('run', obj, '-t', 'interp', '-r', capture, '--ifindex', 2, '--maps-out', os.path.join(work, 'maps'))
    with open(os.path.join(work, 'maps')) as f:
        want = json.load(f)['verdicts']
    nics = [f'net_sluice{i},port=none,port=pcap:{capture}:,prog={obj}{more}' for i, more in enumerate(('', ',offload=never'))]
    with testpmd.Testpmd(work, nics, '--rxd=64', '--txd=64', warning="on the host's CPU", telemetry=True) as t:
        t.ask('set fwd rxonly\nstart')
        for port in (0, 1):
            t.wait_for(lambda c: c['rx_port1_packets'] == 50 and sum(c[f'rx_program_{v}'] for v in ('pass', 'tx', 'drop')) == 50, port)
            dumped = lib.sluice('dev', '-f', t.prefix, '--port', port, '--json', 'map', 'dump', 'name', 'verdicts')
            assert json.loads(dumped.stdout) == want, port


def test_a_program_that_does_not_fit_says_why(work):
    refused(work, 'prog=missing.o', 'missing.o')
    refused(work, f'prog={lib.example("csum")},events=missing/events', 'missing/events')


def test_arguments_that_would_be_passed_over_are_refused(work):
    program = f'prog={lib.example("csum")}'
    refused(work, f'{program},{program}', 'prog= is given twice')
    refused(work, 'mac=02:00:00:00:00:01,mac=02:00:00:00:00:02', 'mac= is given twice')
    refused(work, 'section=xdp', 'section= says something of a program that prog= does not name')
    refused(work, 'events=a,events=b', 'events= is given twice')
    refused(work, 'dma=0-0', 'dma= has a value that makes no sense')
    refused(work, f'{program},executor=core', 'executor= has a value that makes no sense')
    refused(work, 'executor=pipeline', 'executor=pipeline needs a program')
    refused(work, f'{program},executor=pipeline,model=nic_model.so', 'model= is not for it')


def test_a_capture_that_another_port_has_is_refused_and_keeps_its_packets(work):
    capture = testpmd.write(os.path.join(work, 'in.pcap'), [bytes(64)] * 3)
    refused(work, 'port=pcap:in.pcap:in.pcap', 'in.pcap is in use')
    refused(work, 'port=pcap::out.pcap,port=pcap::out.pcap', 'out.pcap is in use')
    assert len(testpmd.frames(capture)) == 3


def test_a_damaged_capture_is_told(work):
    whole = testpmd.write(os.path.join(work, 'whole.pcap'), [bytes(64)] * 3)
    with open(whole, 'rb') as f, open(os.path.join(work, 'cut.pcap'), 'wb') as out:
        out.write(f.read()[:-10])
    with testpmd.Testpmd(work, ['net_sluice0,port=pcap:cut.pcap:']) as t:
        t.ask('set fwd rxonly\nstart')
        t.wait_for(lambda c: c['rx_port0_packets'] == 2)
        assert 'port=pcap:cut.pcap:: damaged after 2 packets: truncated' in t.text, t.text


def test_a_capture_that_cannot_be_written_is_told_and_the_device_is_gone(work):
    testpmd.write(os.path.join(work, 'in.pcap'), [bytes(64)] * 300)
    with testpmd.Testpmd(work, ['net_sluice0,port=pcap:in.pcap:/dev/full']) as t:
        t.ask('start')
        t.until(re.compile('/dev/full: No space left on device'))
        assert 'Link status: down' in t.ask('show port info 0')
        said = t.ask('stop\nport stop 0\nport close 0')
        assert 'does not stop' not in said and 'Port 0 is closed' in said, said


def refused(work, arguments, reason):
    try:
        testpmd.Testpmd(work, ['net_sluice0,' + arguments]).quit()
    except AssertionError as e:
        assert reason in str(e) and 'net_sluice:' in str(e), e
    else:
        raise AssertionError(f'{arguments} was taken')
