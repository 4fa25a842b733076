#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench testpmd: packets through Debian's testpmd and two simulated NICs, of each size, program, executor and way of forwarding. What
leaves at both wires has to be, byte for byte, what `sluice run` makes of the same packets; the figures are of the very runs that are compared.

Packets arrive at both NICs. What a program sends (XDP_TX) leaves where it came from; what it passes, testpmd sends out of the other NIC."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
import lib  # noqa: E402
import testpmd  # noqa: E402

SIZES = ('64', '512', '1518', '9000', 'imix')
PROGRAMS = ('csum', 'tunnel')
FRAME_MAX = 9216
PATIENCE = 3600  # seconds
GAP, GAP_JUMBO = 160, 420  # clocks: a frame of 9,000 bytes takes 141 on the wire, and twice as many may leave as come


def swapped(frame):
    """As testpmd's macswap has it."""
    return frame[6:12] + frame[:6] + frame[12:]


def wanted(work, name, capture):
    """What sluice run makes of a capture: the packets that pass, and those that are sent, in order."""
    out, trace = os.path.join(work, 'want.pcap'), os.path.join(work, 'trace')
    lib.sluice('run', lib.example(name), *lib.example_maps(name), '-t', 'interp', '-r', capture, '-w', out, '--trace', trace, timeout=3600)
    with open(trace) as f:
        leave = [v for v in (json.loads(line)['verdict'] for line in f) if v in ('XDP_PASS', 'XDP_TX')]
    packets = testpmd.frames(out)
    assert len(leave) == len(packets), 'a program here redirects'
    return [p for v, p in zip(leave, packets) if v == 'XDP_PASS'], [p for v, p in zip(leave, packets) if v == 'XDP_TX']


def merged(got, first, second, what):
    """got is first and second, each whole and in its order. A packet that could be of either may be of any: all ways are tried."""
    assert len(got) == len(first) + len(second), f'{what}: {len(got)} packets, not {len(first)} and {len(second)}'
    at = {0}  # packets taken from first
    for n, frame in enumerate(got):
        at = {i + 1 for i in at if i < len(first) and first[i] == frame} | {i for i in at if n - i < len(second) and second[n - i] == frame}
        assert at, f'{what}: packet {n} is none that may come here: {frame.hex()}'


def time_of(prefix, port):
    return json.loads(lib.sluice('dev', 'info', '--port', port, '--file-prefix', prefix, '--json').stdout)['time_ns']


def model_with(cores):
    """The NIC with so many cores in its slot, built once."""
    model = os.path.join(lib.BUILD, 'models', f'nic-{cores}-cores.so')
    if cores > 1 and not os.path.exists(model):
        os.makedirs(os.path.dirname(model), exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            subprocess.run(['sh', 'sim/build_model.sh', '.', model, work, '--nic', '--cores', str(cores), 'hw/rtl/top/sluice_nic.v'],
                           cwd=ROOT, check=True)
    return f',model={model}' if cores > 1 else ''


def run(name, executor, size, way, count, gap, model):
    with tempfile.TemporaryDirectory() as work:
        maps = lib.example_maps(name)
        want, devices = [], []
        for port in (0, 1):
            capture = os.path.join(work, f'in{port}.pcap')
            lib.sluice('traffic', '-w', capture, '--count', count, '--flows', 200, '--size', size, '--seed', port + 1)
            want.append(wanted(work, name, capture))
            devices.append(f'net_sluice{port},port=pcap:in{port}.pcap:wire{port}.pcap:{gap},prog={lib.example(name)}' + model
                           + ('' if executor == 'microcode' else f',executor={executor}') + (f',maps={maps[1]}' if maps else ''))
        jumbo = ['--mbuf-size=9728', f'--max-pkt-len={FRAME_MAX}'] if size == '9000' else []
        with testpmd.Testpmd(work, devices, '--rxd=512', '--txd=512', *jumbo, telemetry=True) as t:
            t.patience = PATIENCE
            t.ask(f'set fwd {way}')
            before = [time_of(t.prefix, port) for port in (0, 1)]
            start = time.time()
            t.ask('start')
            for port in (0, 1):
                leaves = len(want[port][1]) + len(want[1 - port][0])
                c = t.wait_for(lambda c, leaves=leaves: c['rx_port0_packets'] == count and c['tx_port0_packets'] == leaves, port)
                assert not any(c[k] for k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors')), c
            seconds = time.time() - start
            clocks = sum(time_of(t.prefix, port) - before[port] for port in (0, 1)) / 4
            t.ask('stop')
        for port in (0, 1):
            passed = want[1 - port][0] if way == 'io' else [swapped(p) for p in want[1 - port][0]]
            merged(testpmd.frames(os.path.join(work, f'wire{port}.pcap')), want[port][1], passed, f'{name} on {executor}, {size}, {way}, wire {port}')
    return [name, executor, size, way, f'{2 * count}', f'{2 * count / seconds / 1000:.1f}', f'{clocks / seconds / 1000:.0f}', f'{clocks / 2 / count:.0f}']


def main():
    options = argparse.ArgumentParser(prog='./dev bench testpmd', description='Compares and times packets through testpmd and two simulated NICs.')
    options.add_argument('--count', type=int, default=10000, help='packets that arrive at each NIC')
    options.add_argument('--gap', type=int, help='clocks from frame to frame; by default so many that no port has to send more than its wire takes')
    options.add_argument('--cores', type=int, default=1, help='VLIW cores in the slot, a power of two')
    for what, all_of in (('size', SIZES), ('program', PROGRAMS), ('executor', ('microcode', 'pipeline')), ('way', ('io', 'macswap'))):
        options.add_argument('--' + what, action='append', help=f'one of {", ".join(all_of)}; all of them if none is given')
        options.set_defaults(**{'all_' + what: all_of})
    o = options.parse_args()
    head = ['program', 'executor', 'bytes', 'forwarding', 'packets', '1,000 packets a second', '1,000 clocks a second', 'clocks a packet']
    print('| ' + ' | '.join(head) + ' |\n|' + ' --- |' * len(head), flush=True)
    for name in o.program or o.all_program:
        for executor in o.executor or o.all_executor:
            for size in o.size or o.all_size:
                for way in o.way or o.all_way:
                    print('| ' + ' | '.join(run(name, executor, size, way, o.count, o.gap or (GAP_JUMBO if size == '9000' else GAP), model_with(o.cores))) + ' |', flush=True)


if __name__ == '__main__':
    main()
