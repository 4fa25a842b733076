# SPDX-License-Identifier: BSD-3-Clause
"""The DPDK driver in several processes: a primary, which has the simulated NIC, and secondaries that receive, send, ask and load programs."""
import errno
import json
import os

import lib
import processes
import test_driver
import testpmd

GONE = -errno.ENODEV


def flow_of(frame):
    """Frames of one flow have one RSS hash, also those that are no IP though they say so."""
    kind = frame[12:15]
    return kind, frame[26:34] if kind == b'\x08\x00\x45' else frame[22:54] if kind[:2] == b'\x86\xdd' else frame[15:54]


def by_flow(frames):
    flows = {}
    for f in frames:
        flows.setdefault(flow_of(f), []).append(f)
    return flows


def forward(work, group, driver, vdevs):
    """Each of two processes forwards one of two queues back to the wire; what the program sends goes there, too."""
    verdicts, passed, sent = test_driver.expected(work, 'csum', os.path.join(work, 'in.pcap'))
    assert not set(passed) & set(sent)
    with testpmd.Testpmd(work, vdevs, *group.options(0), machine=group, telemetry=True) as p:
        with testpmd.Testpmd(work, [], *group.options(1), machine=processes.Member(group, p)) as s:
            info = s.ask('show port info 0')
            assert f'Driver name: {driver}\n' in info and 'Link status: up' in info and 'program csum' in info, info
            assert 'Max possible RX queues: 4' in info and 'Current number of RX queues: 2' in info, info
            s.ask('start')
            p.ask('start')
            c = p.wait_for(lambda c: c['rx_port0_packets'] == len(verdicts) and c['tx_port0_packets'] == len(passed) + len(sent))
            assert c['rx_program_drop'] == verdicts.count('XDP_DROP') and c['tx_good_packets'] == len(passed), c
            assert c['rx_q0_packets'] == c['tx_q0_packets'] > 10 and c['rx_q1_packets'] == c['tx_q1_packets'] > 10, c
            assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors')), c
            assert s.counters() == c
            s.ask('stop')
            assert 'RX desc=512' in s.ask('show config rxtx')
            s.ask('clear port xstats all')
            assert not p.counters()['rx_good_packets']
    wire = testpmd.frames(os.path.join(work, 'wire.pcap'))
    assert sorted(wire) == sorted(passed + sent)
    assert by_flow(f for f in wire if f in set(passed)) == by_flow(passed)
    assert [f for f in wire if f in set(sent)] == sent


def csum():
    return f'prog={lib.example("csum")},maps={lib.example_maps("csum")[1]}'


def test_secondary_forwards_what_the_command_line_passes(work):
    test_driver.mixed_sizes(work, 60)
    with processes.Group(work) as group:
        forward(work, group, 'net_sluice', [f'net_sluice0,port=pcap:in.pcap:wire.pcap,{csum()}'])


def test_secondary_on_a_pci_bus_does_the_same(work):
    test_driver.mixed_sizes(work, 60)
    with processes.Board(work, 'pcap:in.pcap:wire.pcap', csum(), seed=5) as group:
        forward(work, group, 'net_sluice_pci', [])


def values(entry):
    """Bytes of a map's entry as bpftool prints it, for all CPUs."""
    parts = [v['value'] for v in entry['values']] if 'values' in entry else [entry['value']]
    return ''.join(''.join(b[2:] for b in part).ljust(-(-len(part) // 8) * 16, '0') for part in parts)


def test_secondary_has_programs_and_maps_of_the_device(work):
    capture, out = lib.traffic('driver-pipeline', '--count', 120, '--flows', 60), os.path.join(work, 'maps')
    lib.sluice('run', lib.example('count'), '-t', 'interp', '-r', capture, '--maps-out', out)
    with open(out) as f:
        want = json.load(f)['protocols']
    nic = f'net_sluice0,port=pcap:{capture}:,prog={lib.example("count")}'
    with processes.Group(work) as group, testpmd.Testpmd(work, [nic], machine=group, telemetry=True) as p, processes.Secondary(group, p) as s:
        dump = lambda: json.loads(lib.sluice('dev', '-f', p.prefix, '--json', 'map', 'dump', 'name', 'protocols').stdout)
        key = lambda entry: ''.join(b[2:] for b in entry['key'])
        assert s.get('program').split() == ['count', 'microcode'], s.get('program')
        p.ask('start')
        p.wait_for(lambda c: c['rx_program_drop'] == 120)
        for entry in want:
            assert s.get('lookup', 'protocols', key(entry)) == values(entry)
        first = key(want[0])
        found, at = [], ''
        while True:
            err, at = s.ask('next', 'protocols', at)
            if err:
                assert err == -errno.ENOENT
                break
            found.append(at)
        assert sorted(found) == sorted(map(key, want)), found
        s.get('update', 'protocols', first, '07' * (len(values(want[0])) // 2))
        assert all(b == '0x07' for v in dump()[0]['values'] for b in v['value'])
        assert s.ask('delete', 'protocols', first)[0] == -errno.EINVAL  # an array's entries stay
        assert s.ask('lookup', 'missing', first)[0] == -errno.ENXIO
        assert s.ask('lost', 'protocols')[0] == -errno.EOPNOTSUPP and s.get('poll') == '0'
        check_figures(p, s)
        # the working folder of the secondary is not that of the primary
        other = os.path.join(work, 'elsewhere', 'count.o')
        with open(lib.example('count'), 'rb') as f, open(other, 'wb') as g:
            g.write(f.read())
        err, rest = s.ask('swap', 'count.o')
        assert (err, rest[:5]) == (0, '1 1 0'), (err, rest)
        assert s.get('lookup', 'protocols', first) == '07' * (len(values(want[0])) // 2)
        err, rest = s.ask('load', 'missing.o')
        assert err == -errno.ENOENT and 'missing.o' in rest, rest
        err, rest = s.ask('load', '../secondary.log')
        assert err < 0 and rest[6:] and 'does not answer' not in rest, rest
        s.get('load', lib.example('drop'))
        assert s.get('program').split() == ['drop', 'microcode'] and s.ask('lookup', 'protocols', first)[0] == -errno.ENXIO
        assert 'program drop' in p.ask('show port info 0')


def check_figures(p, s):
    assert s.get('link') == '1 0'
    rss, regs = s.get('state').split()[0:3], s.get('state').split()[3:]
    assert rss == ['0', '0', '6d5a'] and int(regs[0]) > 16 and regs[1] == '1', s.get('state')
    c = p.counters()
    assert s.get('stats').split() == [str(c[k]) for k in ('rx_good_packets', 'tx_good_packets', 'rx_good_bytes')]
    refused = s.ask('refused')
    assert (refused[0], *map(int, refused[1].split())) == 9 * (-errno.EOPNOTSUPP,), refused


def test_secondary_receives_from_a_program_on_the_host(work):
    source = os.path.join(work, 'large.bpf.c')
    with open(source, 'w') as f:
        f.write(test_driver.LARGE)
    lib.clang(source, os.path.join(work, 'large.o'))
    capture = lib.traffic('driver-pipeline', '--count', 120, '--flows', 60)
    lengths = [len(f) for f in testpmd.frames(capture)]
    nic = f'net_sluice0,port=pcap:{capture}:wire.pcap'
    with processes.Group(work) as group, testpmd.Testpmd(work, [nic], machine=group, telemetry=True) as p, processes.Secondary(group, p) as s:
        s.get('load', '../large.o')
        name, executor, reason = s.get('program').split(' ', 2)
        assert (name, executor) == ('large', 'interp') and 'external memory' in reason, reason
        received = 0
        while received < len(lengths):
            n, _ = s.ask('receive', 0)
            received += n
            sent, _ = s.ask('send', 0)
            assert sent == n
        for n in set(lengths):
            assert int.from_bytes(bytes.fromhex(s.get('lookup', 'many', n.to_bytes(4, 'little').hex())), 'little') == lengths.count(n)
        p.ask('start')  # lets it send
        c = p.wait_for(lambda c: c['tx_port0_packets'] == len(lengths))
        assert c['rx_fallback_packets'] == c['rx_fallback_pass'] == c['rx_good_packets'] == len(lengths), c
    test_driver.same(testpmd.frames(os.path.join(work, 'wire.pcap')), testpmd.frames(capture), 'at the wire')


def test_secondary_that_is_killed_is_followed_by_another(work):
    """What is sent comes back for ever, to both queues."""
    with processes.Group(work) as group:
        with testpmd.Testpmd(work, ['net_sluice0,port=loopback'], *group.options(0), '--txonly-multi-flow', machine=group, telemetry=True) as p:
            for _ in range(2):
                s = testpmd.Testpmd(work, [], *group.options(1), machine=processes.Member(group, p))
                s.ask('start')
                p.ask('stop\nclear port xstats all\nstart tx_first 2')
                both = lambda c: c['tx_q0_packets'] > 100 and c['tx_q1_packets'] > 100
                p.wait_for(both)
                # the secondary polls on while the port stops and its queues change
                p.ask('stop\nport stop 0\nport config all rxd 256\nport start 0\nclear port xstats all\nstart tx_first 2')
                p.wait_for(both)
                s.process.kill()
                s.process.wait()
                p.ask('clear port xstats all')
                c = p.wait_for(lambda c: c['tx_q0_packets'] > 100)
                assert not any(c[k] for k in ('rx_errors', 'tx_errors', 'dma_errors')), c
            p.ask('stop\nport stop 0\nport start 0')
            assert not [line for line in p.text.splitlines() if line.startswith('net_sluice:')], p.text


def gone(s):
    assert s.ask('receive', 0)[0] == 0 and s.ask('send', 0)[0] == 0
    for words in (('program',), ('lookup', 'protocols', '00000000'), ('poll',), ('load', lib.example('drop'))):
        assert s.ask(*words)[0] == GONE, words
    assert s.ask('stats')[0] == -errno.EIO  # DPDK's word for it
    assert s.get('link') == '0 1'
    s.end()
    assert s.said().count('the primary process has closed the device, or is gone') == 1, s.said()


def test_primary_that_ends_first_leaves_secondaries_a_clear_error(work):
    with processes.Group(work) as group:
        for kill in (False, True):
            with testpmd.Testpmd(work, ['net_sluice0,port=loopback'], machine=group, telemetry=True) as p:
                s = processes.Secondary(group, p)
                s.get('program')
                s.ask('receive', 0)
                if kill:
                    p.process.kill()
                    p.process.wait()
                    p.quit = lambda: None
            with s:
                gone(s)


def test_device_that_is_detached_and_attached_is_so_in_secondaries(work):
    with processes.Group(work) as group, testpmd.Testpmd(work, ['net_sluice0,port=loopback'], machine=group, telemetry=True) as p:
        with processes.Secondary(group, p) as s:
            assert s.get('program').split() == ['raw', 'microcode'], s.get('program')
            s.ask('receive', 0)
            p.ask('port stop 0\nport close 0')
            assert s.ask('program')[0] == GONE and s.ask('receive', 0)[0] == 0
            assert 'is detached' in p.ask('device detach net_sluice0')
            assert s.ask('link')[0] == GONE
            assert 'is attached' in p.ask(f'port attach net_sluice0,port=loopback,prog={lib.example("drop")}')
            p.ask('port start 0')
            assert s.get('program').split() == ['drop', 'microcode'] and s.get('link') == '1 0'
