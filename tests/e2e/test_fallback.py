# SPDX-License-Identifier: BSD-3-Clause
"""Programs that the device does not take, run by its driver on the host under Debian's testpmd: what leaves at the wires and reaches the host is, byte for
byte, what `sluice run -t interp` makes of the same packets, and so are the maps."""
import json
import os
from typing import NamedTuple

import larger
import lib
import testpmd
from test_driver import mixed_sizes, same


class Case(NamedTuple):
    name: str  # of the program
    source: str = 'fallback/host'  # below tests/progs
    reason: str = 'bpf_strncmp#182 is not available in hardware'
    maps: str = None  # a file


def cases(work):
    # packets of the capture and of the NIC come at other times: no rate is reached
    scrubber = larger.row('scrubber', 'buckets')._replace(constants=('burst_ns=1000000000000000', 'use_alarms=0'))
    return [Case(name) for name in ('swap', 'verdicts', 'head', 'tail', 'meta', 'ports', 'target', 'flow', 'least', 'wait', 'where', 'jump')] + [
        Case('print', reason='bpf_snprintf#165 is not available in hardware'),
        Case('walk', reason='bpf_for_each_map_elem over map flows, which is no array'),
        Case('digits', reason='bpf_strtol#105 is not available in hardware'),
        Case('walk', 'helpers/walk', 'bpf_for_each_map_elem over map'),
        Case('keys', 'fits/keys', 'frames of 520 bytes'),
        Case('loop', 'fits/loop', 'bpf_for_each_map_elem over map counts'),
        Case('large', reason='map many is to lie in external memory, and the device has none'),
        Case('scrubber', '', 'entries, with the maps before it', maps=larger.maps(scrubber, work)[1]),
    ]


def build(work, case):
    if not case.source:
        return lib.example(case.name)
    return lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', case.source + '.bpf.c'),
                     os.path.join(work, case.source.replace('/', '-') + '.o'))


class Wanted(NamedTuple):
    verdicts: list
    host: list  # frames
    wires: list  # of each port
    lost: int
    maps: dict


def wanted(work, case, obj, capture):
    """What the command line makes of it."""
    out, trace, maps = (os.path.join(work, f'want.{x}') for x in ('pcap', 'trace', 'maps'))
    lib.sluice('run', obj, '-p', case.name, '-t', 'interp', '-r', capture, '-w', out, '--trace', trace, '--maps-out', maps,
               *(['--maps-in', case.maps] if case.maps else []))
    with open(trace) as f:
        lines = [json.loads(line) for line in f]
    with open(maps) as f:
        w = Wanted([t['verdict'] for t in lines], [], [[], []], 0, json.load(f))
    left = iter(testpmd.frames(out))
    for t in lines:
        packet = next(left) if t['verdict'] in ('XDP_PASS', 'XDP_TX', 'XDP_REDIRECT') else None
        port = t.get('redirect', {}).get('ifindex', 0) - 1
        if t['verdict'] == 'XDP_PASS':
            w.host.append(packet)
        elif t['verdict'] == 'XDP_TX':
            w.wires[0].append(packet)
        elif t['verdict'] == 'XDP_REDIRECT' and port in (0, 1):
            w.wires[port].append(packet)
        elif t['verdict'] == 'XDP_REDIRECT':
            w = w._replace(lost=w.lost + 1)
    return w


def dump(t, port, name, entries):
    """A map as entries_of has it; of one without keys nothing."""
    has_keys = any(e.get('key') for e in entries)
    found, after = [], ()
    while has_keys:
        a = t.tell('/net_sluice/map_dump', port, name, *after)
        data, size = bytes.fromhex(''.join(a['data'])), a['key_bytes'] + a['cpus'] * (a['value_bytes'] + 7 & ~7)
        pieces = [data[i:i + size] for i in range(0, len(data), size)]
        for p in pieces:
            key, values = p[:a['key_bytes']], p[a['key_bytes']:]
            found.append((key, [values[i:i + a['value_bytes']] for i in range(0, len(values), a['value_bytes'] + 7 & ~7)]))
        assert pieces or 'at' in a or not a['more'], (name, a)
        if not a['more']:
            break
        after = (a.get('at') or pieces[-1][:a['key_bytes']].hex(),)
    return sorted(found)


def entries_of(entries):
    data = lambda numbers: bytes(int(n, 16) for n in numbers)
    return sorted((data(e['key']), [data(v['value']) for v in e['values']] if 'values' in e else [data(e['value'])]) for e in entries if e.get('key'))


def check(t, port, case, want):
    """The counters add up, and the maps are as they should be."""
    passed, sent = len(want.host), sum(map(len, want.wires))
    c = t.wait_for(lambda c: c['rx_port0_packets'] == len(want.verdicts) == c['rx_fallback_packets'] and c['rx_good_packets'] == passed
                   and c['tx_port0_packets'] + c['tx_port1_packets'] == sent, port)
    assert c['rx_good_bytes'] - sum(map(len, want.host)) in ((0,) if case.name != 'meta' else range(4 * passed, 32 * passed)), (case, c)
    assert c['tx_port0_bytes'] + c['tx_port1_bytes'] == sum(len(p) for w in want.wires for p in w), (case, c)
    for verdict in ('PASS', 'TX', 'DROP', 'ABORTED', 'REDIRECT'):
        count = want.verdicts.count('XDP_' + verdict)
        assert c['rx_program_' + verdict.lower()] == c['rx_fallback_' + verdict.lower()] == count, (case, verdict, c)
    assert c['rx_program_redirect_lost'] == c['rx_fallback_redirect_lost'] == want.lost, (case, c)
    assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors', 'tx_good_packets', 'rx_fallback_tx_dropped',
                                  'rx_fallback_ring_off')), (case, c)
    p = t.tell('/net_sluice/program', port)
    assert p['name'] == case.name and p['executor'] == 'interp' and case.reason in ''.join(p['reason']), (case, p)
    for name, entries in want.maps.items():
        if name in ('jumps', 'buckets', 'syn_windows'):
            continue  # of programs; with times in it
        assert dump(t, port, name, entries) == entries_of(entries), (case, name)


def prepare(work, some, capture, more, gap=''):
    """For several programs in one testpmd: each one's NIC, whose packets go to a capture, and what is expected of it."""
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    vdevs, wants = [], []
    for i, case in enumerate(some):
        obj = build(work, case)
        wants.append(wanted(work, case, obj, capture))
        vdevs += [f'net_sluice{i},port=pcap:in.pcap:wire0-{i}.pcap{gap},port=pcap::wire1-{i}.pcap,prog={obj},program={case.name}{more}'
                  + (f',maps={case.maps}' if case.maps else ''), f'net_pcap{i},rx_pcap=none.pcap,tx_pcap=host-{i}.pcap']
    return vdevs, wants


def forward(work, some, more=',offload=whole', options=()):
    vdevs, wants = prepare(work, some, mixed_sizes(work, 20), more)
    with testpmd.Testpmd(work, vdevs, *options, warning="runs on the host's CPU: ", telemetry=True) as t:
        t.ask('start')
        for i, case in enumerate(some):
            check(t, 2 * i, case, wants[i])
        t.ask('stop')
    for i, (case, want) in enumerate(zip(some, wants)):
        same(testpmd.frames(os.path.join(work, f'host-{i}.pcap')), want.host, f'{case.name} at the host')
        for port, frames in enumerate(want.wires):
            same(testpmd.frames(os.path.join(work, f'wire{port}-{i}.pcap')), frames, f'{case.name} at wire {port}')
    return wants


SMALL_RINGS = ['--rxd=64', '--txd=64']


def test_programs_that_do_not_fit_do_what_interp_does(work):
    wants = []
    for some in zip(*[iter(cases(work))] * 4):
        wants += forward(work, some, options=SMALL_RINGS)
    for verdict in ('XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'):
        assert sum(w.verdicts.count(verdict) for w in wants) > 20, 'the programs do not do enough for this test'


def test_packets_of_many_buffers_do_so_too(work):
    forward(work, [c for c in cases(work) if c.name in ('head', 'tail', 'meta')], ',offload=whole,stall=20,dma=1-200', [*SMALL_RINGS, '--mbuf-size=768'])


def test_programs_that_do_not_fit_are_refused_where_the_device_is_required(work):
    """As the device comes, and while another program runs, which goes on."""
    first = cases(work)[0]
    try:
        testpmd.Testpmd(work, [f'net_sluice0,offload=require,prog={build(work, first)},program={first.name}']).quit()
    except AssertionError as e:
        assert first.reason in str(e) and 'frame.h:' in str(e), e
    else:
        raise AssertionError('it was taken')
    with testpmd.Testpmd(work, [f'net_sluice0,offload=require,prog={lib.example("csum")}'], telemetry=True) as t:
        for case in cases(work):
            a = t.tell('/net_sluice/load', 0, f'path={build(work, case)}', f'program={case.name}', *([f'maps={case.maps}'] if case.maps else []))
            assert case.reason in ''.join(a.get('error', '')), (case, a)
            assert t.tell('/net_sluice/program', 0)['name'] == 'csum'


def number_of(frame, offset, size):
    return int.from_bytes(frame[offset:offset + size], 'little')


def next_random(x):
    x ^= x << 13 & 0xffffffff
    x ^= x >> 17
    return x ^ x << 5 & 0xffffffff


def test_time_and_chance_are_those_of_the_device(work):
    """The same program in the slot and, as it also compares text, on the host."""
    source = os.path.join(lib.ROOT, 'tests', 'progs', 'fallback', 'host.bpf.c')
    slot = lib.clang(source, os.path.join(work, 'slot.o'), defines=['-DFITS'])
    host = lib.clang(source, os.path.join(work, 'host.o'))
    count = len(testpmd.frames(mixed_sizes(work, 20)))
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    vdevs = []
    for i, obj in enumerate((slot, host)):
        vdevs += [f'net_sluice{i},port=pcap:in.pcap:,offload=whole,prog={obj},program=inputs', f'net_pcap{i},rx_pcap=none.pcap,tx_pcap=out-{i}.pcap']
    with testpmd.Testpmd(work, vdevs, *SMALL_RINGS, warning="inputs runs on the host's CPU: ") as t:
        t.ask('start')
        for port in (0, 2):
            t.wait_for(lambda c: c['rx_port0_packets'] == count == c['rx_program_pass'] + c['rx_program_aborted'] and
                       c['rx_good_packets'] == c['rx_program_pass'], port)
        t.ask('stop')
    chance = [[(number_of(f, 22, 4), number_of(f, 26, 4)) for f in testpmd.frames(os.path.join(work, f'out-{i}.pcap'))] for i in range(2)]
    assert chance[0] == chance[1] and len(chance[0]) > 50, chance
    assert all(b == next_random(a) for a, b in chance[0]), chance
    times = [number_of(f, 14, 8) for f in testpmd.frames(os.path.join(work, 'out-1.pcap'))]
    assert all(0 < b - a < 10**6 for a, b in zip(times, times[1:])), times


def test_program_on_the_host_is_replaced_between_two_packets(work):
    """By one that runs in the slot; frames come 1,000 clocks apart, so that they find room meanwhile. Packets that the host has not run yet are still the first one's, which numbers all of them."""
    source = os.path.join(lib.ROOT, 'tests', 'progs', 'fallback', 'host.bpf.c')
    slot = lib.clang(source, os.path.join(work, 'slot.o'), defines=['-DFITS'])
    host = lib.clang(source, os.path.join(work, 'host.o'))
    capture = lib.traffic('fallback-200', '--count', 200, '--size', 128, '--malformed', 0)
    packets = testpmd.frames(capture)
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    with testpmd.Testpmd(work, [f'net_sluice0,port=pcap:{capture}:wire.pcap:1000,offload=whole,prog={host},program=print',
                                'net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'], warning="print runs on the host's CPU: ", telemetry=True) as t:
        t.ask('start')
        t.wait_for(lambda c: c['rx_fallback_packets'] > 0)
        a = t.tell('/net_sluice/load', 0, f'path={slot}', 'program=inputs')
        assert a.get('program') == 'inputs', a
        assert t.tell('/net_sluice/program', 0)['executor'] == 'microcode'
        c = t.wait_for(lambda c: c['rx_port0_packets'] == len(packets) == c['rx_good_packets'] + c['tx_port0_packets'])
        t.ask('stop')
        numbered = c['rx_fallback_packets']
        assert c['rx_fallback_pass'] + c['rx_fallback_tx'] == numbered and c['rx_program_tx'] == c['rx_fallback_tx'], c
        assert c['rx_program_pass'] == len(packets) - c['rx_program_tx'] and not c['rx_errors'] and not c['rx_missed_errors'], c
    wire, host = (testpmd.frames(os.path.join(work, name)) for name in ('wire.pcap', 'host.pcap'))
    for i, packet in enumerate(packets):
        f = (wire if i < numbered and i % 2 == 0 else host).pop(0)
        assert f[34:] == packet[34:] and (f[14:20] == b'%05d.' % (i + 1)) == (i < numbered), (i, numbered, f)


def test_counters_begin_anew_while_packets_wait_to_be_run(work):
    """They are in the ring, and nobody receives."""
    capture = lib.traffic('fallback-3000', '--count', 3000, '--size', 128)
    with testpmd.Testpmd(work, [f'net_sluice0,port=pcap:{capture}:,offload=never,prog={lib.example("drop")}'], '--rxd=64', '--txd=64',
                         warning="on the host's CPU") as t:
        t.ask('set fwd rxonly\nstart\nstop')
        waiting = t.wait_for(lambda c: c['rx_ring0_packets'] > c['rx_fallback_packets'])
        t.ask('clear port xstats 0\nstart')
        t.wait_for(lambda c: c['rx_fallback_packets'] > 100)
        t.ask('stop')
        c = t.counters()
        assert c['rx_good_packets'] < 2**32 > c['rx_good_bytes'] and c['rx_program_drop'] == c['rx_fallback_drop'], (waiting, c)
        assert 0 <= c['rx_program_pass'] <= 3000, (waiting, c)
