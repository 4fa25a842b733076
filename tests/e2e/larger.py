# SPDX-License-Identifier: BSD-3-Clause
"""The larger examples: how each is built and fed, and which executors it fits. A row that is no longer true fails
test_examples.py, so whoever brings a helper or a map to the hardware takes its reason out of the rows here."""
import json
import os
import struct
import subprocess
import sys
from typing import NamedTuple

import lib


class Row(NamedTuple):
    name: str
    variant: str = ''  # of several rows of one program
    defines: tuple = ()  # for the compiler
    constants: tuple = ()  # for examples/maps.py: NAME=VALUE
    traffic: tuple = None  # options of sluice traffic; None: named packets only (test_example_jobs.py)
    options: tuple = ()  # of compare
    verdicts: tuple = ('XDP_PASS',)  # each of them at least 3 % of the packets
    refused: dict = {}  # executor: a part of its reason
    slow: tuple = ()  # executors whose models take long to build: sluice check says that they fit, ./dev bench examples runs them


EVERY_PACKET = 'tcp=30,udp=20,icmp=5,ipv6=20,vlan=10,arp=2,other=1,fragment=5,options6=5,error=2'
TO_SERVICES = 'tcp=35,udp=20,icmp=8,ipv6=22,error=6,fragment=3,vlan=2,options6=4'

ROWS = (
    Row('flowmon', traffic=('--mix', EVERY_PACKET, '--replies', 20), constants=('idle_ns=200000', 'active_ns=300000')),
    Row('flowmon', 'table', traffic=('--mix', EVERY_PACKET, '--replies', 20),
        constants=('idle_ns=200000', 'active_ns=300000', 'events=0'), slow=('pipeline',)),
    Row('scrubber', defines=('LIST_ENTRIES=4096',), traffic=('--mix', EVERY_PACKET + ',flood=30'), constants=('window_ns=100000',), verdicts=('XDP_PASS', 'XDP_DROP')),
    Row('scrubber', 'buckets', defines=('LIST_ENTRIES=4096',), traffic=('--mix', EVERY_PACKET + ',flood=30'), verdicts=('XDP_PASS', 'XDP_DROP'),
        constants=('window_ns=100000', 'burst_ns=200000', 'use_alarms=0'), slow=('pipeline',)),
    Row('l4lb', options=('-p', 'l4lb'), traffic=('--mix', TO_SERVICES), verdicts=('XDP_PASS', 'XDP_DROP', 'XDP_TX'), slow=('pipeline',)),
    Row('dnat'),
    Row('dnat', 'few_ports', defines=('PORTS=64',), verdicts=('XDP_PASS', 'XDP_DROP', 'XDP_TX'),
        constants=('strict=0', 'tcp_idle_ns=1000000', 'udp_idle_ns=500000', 'closing_ns=200000'),
        traffic=('--mix', 'tcp=50,udp=40,icmp=2,fragment=3,ipv6=2,vlan=2', '--replies', 40, '--replies-to', '192.0.2.1:20000-20070')),
    Row('qinq', traffic=('--mix', 'vlan=70,tcp=20,ipv6=5,arp=5'), verdicts=('XDP_DROP', 'XDP_TX', 'XDP_REDIRECT')),
    Row('router', options=('--ifindex', 2, '--fib', os.path.join(lib.ROOT, 'examples', 'router.fib.json')),
        traffic=('--mix', 'tcp=40,udp=25,ipv6=25,icmp=3,options6=3,arp=2,vlan=2'), verdicts=('XDP_PASS', 'XDP_DROP', 'XDP_REDIRECT')),
    Row('sixinfour', traffic=('--mix', '6in4=40,ipv6=35,options6=5,tcp=5,arp=2,fragment=3'), constants=('error_ns=20000',),
        verdicts=('XDP_PASS', 'XDP_DROP', 'XDP_TX')),
)


def program(row):
    return lib.example(row.name, defines=row.defines)


def maps(row, work):
    """The options that fill a row's maps."""
    path = os.path.join(work, f'{row.name}-{row.variant}.maps.json')
    p = subprocess.run([sys.executable, os.path.join(lib.ROOT, 'examples', 'maps.py'), row.name, *row.constants], check=True,
                       capture_output=True, text=True)
    with open(path, 'w') as f:
        f.write(p.stdout)
    return ['--maps-in', path]


def capture(row, count=1000):
    return lib.traffic(f'{row.name}-{row.variant or "all"}-{count}', '--count', count, '--flows', count // 5, *row.traffic)


def fits(row, executor):
    """What sluice check says, which knows nothing of constants."""
    programs = json.loads(lib.sluice('check', program(row), '--json').stdout)['programs']
    return next(p for p in programs if p['name'] == row.name)['executors'][executor]['fits']


def check(row, work, path, *options):
    """Compares a row's program on a capture; every executor runs or is refused as the row says."""
    result = lib.compare(program(row), path, *maps(row, work), *row.options, *options)
    for name, e in result['executors'].items():
        if name == 'kernel' and not lib.kernel_allowed():
            continue
        if name in row.refused:
            assert row.refused[name] in e.get('skipped', 'it runs now: update its row in larger.py'), (row.name, name, e)
        else:
            assert 'skipped' not in e, (row.name, name, e)
    assert result['mismatches'] == 0, json.dumps(result['differences'][:5], indent=1)
    return result


def write_pcap(path, packets, gap_ns=1000):
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for i, data in enumerate(packets):
            seconds, ns = divmod(10**9 + i * gap_ns, 10**9)
            f.write(struct.pack('<IIII', seconds, ns, len(data), len(data)) + data)
    return path


def read_pcap(path):
    with open(path, 'rb') as f:
        image = f.read()
    at, packets = 24, []
    while at < len(image):
        length, = struct.unpack_from('<I', image, at + 8)
        packets.append(image[at + 16:at + 16 + length])
        at += 16 + length
    return packets


class Outcome(NamedTuple):
    verdicts: list  # names without XDP_, one a packet
    out: list  # the bytes of each packet that left, None of one that did not
    maps: dict
    events: list
    trace: list


def run(row, work, packets, *options, gap_ns=1000):
    """What a row's program makes of these packets: the same on other executors, and as interp wrote it down."""
    path = write_pcap(os.path.join(work, 'in.pcap'), packets, gap_ns)
    names = {what: os.path.join(work, what) for what in ('out', 'maps', 'events', 'trace')}
    check(row, work, path, '-t', 'interp,kernel,microcode', *options)
    lib.sluice('run', program(row), '-t', 'interp', '-r', path, '-w', names['out'], '--maps-out', names['maps'],
               '--events', names['events'], '--trace', names['trace'], *maps(row, work), *row.options, *options)
    with open(names['maps']) as f:
        contents = json.load(f)
    lines = {}
    for what in ('events', 'trace'):
        with open(names[what]) as f:
            lines[what] = [json.loads(line) for line in f]
    verdicts = [t['verdict'][4:] for t in lines['trace']]
    left = iter(read_pcap(names['out']))
    out = [next(left) if v in ('PASS', 'TX', 'REDIRECT') else None for v in verdicts]
    assert next(left, None) is None
    return Outcome(verdicts, out, contents, lines['events'], lines['trace'])


def row(name, variant=''):
    return next(r for r in ROWS if r.name == name and r.variant == variant)


def values(contents, name, cpu=0):
    """A map's contents: bytes of the key to bytes of the value."""
    data = lambda numbers: bytes(int(n, 16) for n in numbers)
    return {data(e['key']): data(e['values'][cpu]['value'] if 'values' in e else e['value']) for e in contents[name]}
