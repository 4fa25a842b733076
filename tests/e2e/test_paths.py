# SPDX-License-Identifier: BSD-3-Clause
"""Programs of which the device does not take a path, under Debian's testpmd: packets that come to it are run by the driver on the host, the others in the
slot, and together they do what `sluice run -t interp` does: at the wires, at the host, in maps."""
import os
from typing import NamedTuple

import lib
import testpmd
from test_driver import same
from test_fallback import Case, SMALL_RINGS, build, dump, entries_of, prepare

STRNCMP = 'bpf_strncmp#182 is not available in hardware'


class Path(NamedTuple):
    name: str
    share: tuple  # of packets that the host runs: at least, at most
    reason: str = STRNCMP
    source: str = 'frame.h:'  # where the call is


PATHS = [
    Path('rare', (0.01, 0.5)), Path('order', (0.01, 0.5)), Path('entries', (0.01, 0.5)), Path('full', (0.01, 0.5)),
    Path('percpu', (0.01, 0.5)), Path('deleted', (0.01, 0.5)), Path('variables', (0.01, 0.5)), Path('every', (0.8, 1)),
    Path('never', (0, 0)), Path('sends', (0.02, 0.6), 'bpf_strtol#105 is not available in hardware', 'paths.bpf.c:'),
    Path('answers', (0.01, 0.5), 'bpf_strtol#105 is not available in hardware', 'paths.bpf.c:'),
]


def capture_of(work, count=40, sizes=(64, 128, 300, 1518)):
    """Packets of several sizes, in turn."""
    sizes = [testpmd.frames(lib.traffic(f'paths-{count}-{size}', '--count', count, '--flows', 20, '--size', size)) for size in sizes]
    return testpmd.write(os.path.join(work, 'in.pcap'), [p for four in zip(*sizes) for p in four])


def check(t, port, path, want):
    passed, sent = len(want.host), sum(map(len, want.wires))
    c = t.wait_for(lambda c: c['rx_port0_packets'] == len(want.verdicts) and c['rx_good_packets'] == passed and c['tx_port0_packets'] == sent
                   and c['rx_good_bytes'] == sum(map(len, want.host)) and c['tx_port0_bytes'] == sum(len(p) for w in want.wires for p in w)
                   and sum(c['rx_program_' + v] for v in ('pass', 'tx', 'drop', 'aborted', 'redirect')) == len(want.verdicts), port)
    for verdict in ('PASS', 'TX', 'DROP', 'ABORTED', 'REDIRECT'):
        assert c['rx_program_' + verdict.lower()] == want.verdicts.count('XDP_' + verdict), (path, verdict, c)
    ran = c['rx_fallback_packets']
    low, high = path.share
    assert low * len(want.verdicts) <= ran <= high * len(want.verdicts), (path, c)
    assert ran == c['rx_fallback_path_packets'] == sum(c['rx_fallback_' + v] for v in ('pass', 'tx', 'drop', 'aborted', 'redirect')), (path, c)
    assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors', 'tx_good_packets', 'rx_fallback_tx_dropped',
                                  'rx_fallback_path_lost', 'rx_program_hung')), (path, c)
    p = t.tell('/net_sluice/program', port)
    reason = ''.join(p['reason'])
    assert p['name'] == path.name and p['executor'] == 'microcode' and path.reason in reason and path.source in reason, p
    for name, entries in want.maps.items():
        assert dump(t, port, name, entries) == entries_of(entries), (path, name)


def forward(work, some, more='', options=(), gap=1000, capture=None):
    vdevs, wants = prepare(work, [Case(path.name, 'fallback/paths') for path in some], capture or capture_of(work), more, f':{gap}')
    with testpmd.Testpmd(work, vdevs, *options, warning="runs on the host's CPU, for packets that come to a path of it: ", telemetry=True) as t:
        t.ask('start')
        for i, path in enumerate(some):
            check(t, 2 * i, path, wants[i])
        t.ask('stop')
    for i, (path, want) in enumerate(zip(some, wants)):
        same(testpmd.frames(os.path.join(work, f'host-{i}.pcap')), want.host, f'{path.name} at the host')
        same(testpmd.frames(os.path.join(work, f'wire0-{i}.pcap')), want.wires[0], f'{path.name} at the wire')


def test_paths_that_do_not_fit_do_what_interp_does(work):
    for some in (PATHS[:5], PATHS[5:]):
        forward(work, some, options=SMALL_RINGS)


def test_packets_close_behind_one_of_a_path_wait_for_it(work):
    """The first store of the port holds them all, and so do the cores."""
    some = [p for p in PATHS if p.name in ('rare', 'order', 'entries', 'full', 'variables', 'answers')]
    forward(work, some, options=SMALL_RINGS, gap=4, capture=capture_of(work, 160, (64,)))


def test_paths_are_not_for_a_device_that_is_required_nor_behind_a_write(work):
    obj = build(work, Case('rare', 'fallback/paths'))
    with testpmd.Testpmd(work, [f'net_sluice0,offload=require,prog={lib.example("csum")}'], telemetry=True) as t:
        a = t.tell('/net_sluice/load', 0, f'path={obj}', 'program=rare')
        assert STRNCMP in ''.join(a.get('error', '')) and t.tell('/net_sluice/program', 0)['name'] == 'csum', a
    for program, more in (('late', ''), ('rare', ',offload=whole')):
        with testpmd.Testpmd(work, [f'net_sluice0,prog={obj},program={program}{more}'], warning="runs on the host's CPU: ", telemetry=True) as t:
            p = t.tell('/net_sluice/program', 0)
            assert p['executor'] == 'interp' and STRNCMP in ''.join(p['reason']), p


def test_time_and_chance_on_a_path_are_those_of_the_whole_program(work):
    """In the slot but for a path, and on the host."""
    obj, capture = build(work, Case('inputs', 'fallback/paths')), capture_of(work)
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    vdevs = []
    for i, offload in enumerate(('prefer', 'whole')):
        vdevs += [f'net_sluice{i},port=pcap:{capture}::1000,offload={offload},prog={obj},program=inputs', f'net_pcap{i},rx_pcap=none.pcap,tx_pcap=host-{i}.pcap']
    with testpmd.Testpmd(work, vdevs, *SMALL_RINGS, warning="inputs runs on the host's CPU") as t:
        t.ask('start')
        for port in (0, 2):
            t.wait_for(lambda c: c['rx_good_packets'] == 160 == c['rx_program_pass'], port)
        ran = t.counters(0)['rx_fallback_packets']
        assert 10 < ran < 140 and t.counters(2)['rx_fallback_packets'] == 160, ran
        t.ask('stop')
    same(*(testpmd.frames(os.path.join(work, f'host-{i}.pcap')) for i in range(2)), 'a path and the whole')


def test_packets_of_a_path_are_run_while_the_slot_drains(work):
    """Nobody receives: the slot stands still behind the first packet of the path. Another program is loaded all the same, and then no packet is lost."""
    obj = build(work, Case('every', 'fallback/paths'))
    capture = capture_of(work)
    count = len(testpmd.frames(capture))
    testpmd.write(os.path.join(work, 'none.pcap'), [])
    with testpmd.Testpmd(work, [f'net_sluice0,port=pcap:{capture}:wire.pcap:1000,prog={obj},program=every', 'net_pcap0,rx_pcap=none.pcap,tx_pcap=host.pcap'],
                         warning="runs on the host's CPU, for packets that come to a path of it: ", telemetry=True) as t:
        t.ask('start')
        t.wait_for(lambda c: c['rx_fallback_packets'] > 10)
        t.ask('stop')
        a = t.tell('/net_sluice/load', 0, f'path={lib.example("csum")}')
        assert a.get('program') == 'csum', a
        p = t.tell('/net_sluice/program', 0)
        assert p['executor'] == 'microcode' and not ''.join(p.get('reason', '')), p
        t.ask('start')
        c = t.wait_for(lambda c: c['rx_port0_packets'] + c['rx_port0_missed'] == count)
        t.ask('stop')
        assert not c['rx_errors'] and not c['rx_fallback_path_lost'], c
