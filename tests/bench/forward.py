#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench testpmd: packets through Debian's testpmd and two simulated NICs, of each size, program, executor and way of forwarding. What
leaves at both wires has to be, byte for byte, what `sluice run` makes of the same packets; the figures are of the very runs that are compared.

Packets arrive at both NICs. What a program sends (XDP_TX) leaves where it came from; what it passes, testpmd sends out of the other NIC.
In runs on cores the program is replaced by itself some times meanwhile, as by `sluice dev swap`: no packet may show it.

`./dev bench testpmd --count 100000 --log FILE` is the whole campaign, the short packets first. Its rows go to FILE too; when the command is given again it goes on
where it ended."""
import argparse
import hashlib
import os
import struct
import subprocess
import sys
import tempfile
import time
import json

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
import lib  # noqa: E402
import testpmd  # noqa: E402

# Clocks from a packet to the next, twice as many with less than CORES: no more come than the cores can do, or than the wire takes that may have to send
# twice as many (a packet of 9,000 bytes takes 141 clocks on it). Where a packet is lost all the same the run ends: the counters say so.
GAPS = {'64': 20, '512': 32, '1518': 56, 'imix': 40, '9000': 300}
PROGRAMS = ('csum', 'tunnel')
EXECUTORS = ('microcode', 'pipeline')
WAYS = ('io', 'macswap')
FRAME_MAX = 9216
CORES = 4
PATIENCE = 6 * 3600  # seconds, for a run
SECONDS_SHOWN = 10
HEAD = ('program', 'executor', 'cores', 'bytes', 'forwarding', 'packets', 'swaps', '1,000 packets a second', '1,000 clocks a second', 'clocks a packet',
        '1,000 packets a CPU second')
KEYS = 6  # that tell runs apart


def frames(path):
    """Those of a capture, one after the other: all at once they take much memory."""
    with open(path, 'rb') as f:
        head = f.read(24)
        order = '<' if head[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
        while record := f.read(16):
            yield f.read(struct.unpack_from(order + 'I', record, 8)[0])


def swapped(frame):
    """As testpmd's macswap has it."""
    return frame[6:12] + frame[:6] + frame[12:]


def digest(frame):
    return hashlib.blake2b(frame, digest_size=16).digest()


def wanted(work, name, capture, way):
    """What sluice run makes of a capture: digests of the packets that pass, as testpmd sends them, and of those that are sent, in order."""
    out, trace = os.path.join(work, 'want.pcap'), os.path.join(work, 'trace')
    lib.sluice('run', lib.example(name), *lib.example_maps(name), '-t', 'interp', '-r', capture, '-w', out, '--trace', trace, timeout=3600)
    change = swapped if way == 'macswap' else bytes
    passed, sent = [], []
    leave = frames(out)
    with open(trace) as f:
        for line in f:
            verdict = json.loads(line)['verdict']
            assert verdict not in ('XDP_REDIRECT',), 'a program here redirects'
            if verdict == 'XDP_PASS':
                passed.append(digest(change(next(leave))))
            elif verdict == 'XDP_TX':
                sent.append(digest(next(leave)))
    assert next(leave, None) is None
    os.unlink(out)
    os.unlink(trace)
    return passed, sent


def merged(path, first, second, what):
    """The capture is first and second, each whole and in its order. A packet that could be of either may be of any: all ways are tried."""
    at = {0}  # packets taken from first
    n = 0
    for frame in frames(path):
        d = digest(frame)
        at = {i + 1 for i in at if i < len(first) and first[i] == d} | {i for i in at if n - i < len(second) and second[n - i] == d}
        assert at, f'{what}: packet {n} is none that may come here: {frame.hex()}'
        n += 1
    assert n == len(first) + len(second), f'{what}: {n} packets, not {len(first)} and {len(second)}'


def time_of(prefix, port):
    return json.loads(lib.sluice('dev', 'info', '--port', port, '--file-prefix', prefix, '--json').stdout)['time_ns']


def cpu_of(pid):
    """Seconds of CPU time of a process."""
    with open(f'/proc/{pid}/stat') as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def model_with(cores):
    """The NIC with so many cores in its slot, built once; the build's own has CORES."""
    model = os.path.join(lib.BUILD, 'models', f'nic-{cores}-cores.so')
    if cores == CORES:
        return ''
    if not os.path.exists(model):
        os.makedirs(os.path.dirname(model), exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            subprocess.run(['sh', 'sim/build_model.sh', '.', model, work, '--nic', '--cores', str(cores), 'hw/rtl/top/sluice_nic.v'],
                           cwd=ROOT, check=True)
    return f',model={model}'


def watch(t, name, count, leaves, swaps, say):
    """Waits until all packets have come and left; the program is replaced by itself after equal shares of them."""
    done, shown = 0, time.time()
    while True:
        now = [t.counters(port) for port in (0, 1)]
        for c in now:
            lost = {k: n for k, n in c.items() if n and k in ('rx_missed_errors', 'rx_errors', 'tx_errors', 'rx_mbuf_allocation_errors')}
            assert not lost, f'packets are lost, which no wire has; --gap may help: {c}'
        came = sum(c['rx_port0_packets'] for c in now)
        if came == 2 * count and all(c['tx_port0_packets'] == leaves[port] for port, c in enumerate(now)):
            return
        if done < swaps and came > 2 * count * (done + 1) // (swaps + 1):
            for port in (0, 1):
                lib.sluice('dev', 'swap', lib.example(name), '--port', port, '--file-prefix', t.prefix)
            done += 1
        if time.time() - shown > SECONDS_SHOWN:
            say(f'{came} of {2 * count} packets have come')
            shown = time.time()
        time.sleep(0.1)


def run(name, executor, cores, size, way, count, swaps, gap):
    what = f'{name} on {executor}, {size} bytes, {way}'
    say = (lambda text: print(f'\r{what}: {text}\033[K', end='', file=sys.stderr, flush=True)) if sys.stderr.isatty() else lambda text: None
    with tempfile.TemporaryDirectory() as work:
        maps = lib.example_maps(name)
        want, devices = [], []
        for port in (0, 1):
            say(f'what port {port} has to send')
            capture = os.path.join(work, f'in{port}.pcap')
            lib.sluice('traffic', '-w', capture, '--count', count, '--flows', 200, '--size', size, '--seed', port + 1)
            want.append(wanted(work, name, capture, way))
            devices.append(f'net_sluice{port},port=pcap:in{port}.pcap:wire{port}.pcap:{gap},prog={lib.example(name)}'
                           + (model_with(cores) if executor == 'microcode' else f',executor={executor}')
                           + (f',maps={maps[1]}' if maps else ''))
        jumbo = ['--mbuf-size=9728', f'--max-pkt-len={FRAME_MAX}'] if size == '9000' else []
        with testpmd.Testpmd(work, devices, '--rxd=512', '--txd=512', *jumbo, telemetry=True) as t:
            t.patience = PATIENCE
            t.ask(f'set fwd {way}')
            before = [time_of(t.prefix, port) for port in (0, 1)]
            start, cpu = time.time(), cpu_of(t.process.pid)
            t.ask('start')
            watch(t, name, count, [len(want[port][1]) + len(want[1 - port][0]) for port in (0, 1)], swaps, say)
            seconds, cpu = time.time() - start, cpu_of(t.process.pid) - cpu
            clocks = sum(time_of(t.prefix, port) - before[port] for port in (0, 1)) / 4
            t.ask('stop')
        for port in (0, 1):
            merged(os.path.join(work, f'wire{port}.pcap'), want[port][1], want[1 - port][0], f'{what}, wire {port}')
    say('')
    return [f'{swaps}', f'{2 * count / seconds / 1000:.1f}', f'{clocks / seconds / 1000:.0f}', f'{clocks / 2 / count:.0f}', f'{2 * count / cpu / 1000:.1f}']


def options():
    parser = argparse.ArgumentParser(prog='./dev bench testpmd', description='Compares and times packets through testpmd and two simulated NICs.')
    parser.add_argument('--count', type=int, default=10000, help='packets that arrive at each NIC')
    parser.add_argument('--gap', type=int, help='clocks from packet to packet; by default as many as the cores can do')
    parser.add_argument('--cores', type=int, choices=(1, 2, 4, 8), help=f'VLIW cores in the slot; {CORES} if it is not given, those of the model that ./dev build makes')
    parser.add_argument('--swaps', type=int, default=4, help='how often the program on cores is replaced by itself meanwhile')
    parser.add_argument('--log', help='a file for the rows; those that it has are not run again')
    for what, all_of in (('size', tuple(GAPS)), ('program', PROGRAMS), ('executor', EXECUTORS), ('way', WAYS)):
        parser.add_argument('--' + what, action='append', choices=all_of, help='all of them if none is given')
        parser.set_defaults(**{'all_' + what: all_of})
    o = parser.parse_args()
    if o.cores and 'pipeline' in (o.executor or ()):
        parser.error('--cores is of --executor microcode: a pipeline has none')
    if o.cores:
        o.executor = ['microcode']
    o.cores = o.cores or CORES
    return o


def main():
    o = options()
    known = []
    if o.log and os.path.exists(o.log):
        with open(o.log) as f:
            known = [line.strip(' |\n').split(' | ') for line in f if line.startswith('| ')][2:]
    head = '| ' + ' | '.join(HEAD) + ' |\n|' + ' --- |' * len(HEAD)
    print(head, flush=True)
    log = open(o.log, 'a') if o.log else None
    if log and not log.tell():
        print(head, file=log, flush=True)
    for size in o.size or o.all_size:
        for executor in o.executor or o.all_executor:
            for name in o.program or o.all_program:
                for way in o.way or o.all_way:
                    swaps = o.swaps if executor == 'microcode' else 0
                    cores = o.cores if executor == 'microcode' else 0
                    key = [name, executor, str(cores or ''), size, way, str(2 * o.count)]
                    row = next((r for r in known if r[:KEYS] == key), None)
                    fresh = not row
                    row = row or key + run(name, executor, cores, size, way, o.count, swaps, o.gap or GAPS[size] * (2 if 0 < cores < CORES else 1))
                    for out in (sys.stdout, log):
                        if out and (fresh or out is sys.stdout):
                            print('| ' + ' | '.join(row) + ' |', file=out, flush=True)


if __name__ == '__main__':
    main()
