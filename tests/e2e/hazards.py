#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packet streams that collide in maps on purpose, at every distance, for tests/progs/hazards; and the long form of their test:

usage: hazards.py [KIND ...]    each kind in the core and in a pipeline of its own, at every distance and pace, also with map engines
                                that have random back-pressure of their own; with hazards off each must go wrong
"""
import contextlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import lib

SOURCES = os.path.join(lib.ROOT, 'tests', 'progs', 'hazards')
ENTRIES = 256
# In the order of their numbers; which of their maps are filled before the first packet, with how many entries (of how many words).
KINDS = {
    'array_rmw': {}, 'hash_rmw': {'hash_rmw_map': (ENTRIES, 1)}, 'lookup_update': {}, 'lookup_delete': {}, 'insert_if_missing': {},
    'delete_insert': {}, 'two_maps': {'two_maps_b': (ENTRIES, 1)}, 'atomic_fetch': {}, 'atomic_plain': {},
    'exchange': {'exchange_map': (ENTRIES, 1)}, 'percpu': {}, 'read_or_write': {}, 'deleted': {'deleted_map': (128, 1)},
    'delete_or_update': {}, 'wide': {'wide_map': (64, 5)}, 'kept': {'kept_map': (ENTRIES, 1)}, 'replaced': {'replaced_map': (ENTRIES, 1)}, 'bss': {}, 'full': {}, 'lru': {},
    'odd_keys': {}, 'neighbours': {}, 'locked': {}, 'prefixes': {}, 'one_prefix': {}, 'inner_arrays': {}, 'inner_hashes': {},
    'queued': {}, 'stacked': {}, 'filtered': {},
    'bucket': {}, 'summary': {}, 'leaky': {},
}
KEYLESS = ('queued', 'stacked', 'filtered', 'bucket', 'summary', 'leaky')  # a core holds too few maps for them and the others
NUMBERS = {kind: i for i, kind in enumerate(KINDS)}
# Hardware's idles and back-pressure in percent, and the packets' lengths. A run gives packets one to four RX
# queues in turn, by its seed, so that per-CPU values of several CPUs meet; in every other run the host reads the
# maps meanwhile.
PACES = ((0, 0, (60, 60)), (35, 0, (60, 60)), (0, 35, (60, 60)), (30, 30, (60, 300)), (85, 60, (60, 60)), (10, 0, (60, 1500)))


def kinds():
    """The kinds as kinds.h has them: a test compares."""
    with open(os.path.join(SOURCES, 'kinds.h')) as f:
        return re.findall(r'^static __always_inline __u64 (\w+)\(const struct job \*j\)', f.read(), re.M)


def program(work, names, cpu='v3', compiler='clang'):
    """The object of one kind, or of several in one program."""
    one = len(names) == 1
    cases = ' '.join(f'CASE({NUMBERS[k]}, {k})' for k in names)
    out = os.path.join(work, ('-'.join(names) if one else f'several{len(names)}') + '.o')
    return lib.clang(os.path.join(SOURCES, 'one.c' if one else 'several.c'), out, compiler, cpu,
                     defines=[f'-DKIND={names[0]}' if one else f'-DKINDS={cases}'] + ['-DKEYLESS'] * (names[0] in KEYLESS))


def maps_file(work, names):
    path = os.path.join(work, 'maps.json')
    maps = {m: [lib.entry(struct.pack('<I', key), struct.pack('<Q', key * 0x10001 + 1) * words) for key in range(count)]
            for kind in names for m, (count, words) in KINDS[kind].items()}
    with open(path, 'w') as f:
        json.dump(maps, f)
    return path


def collisions(kind, distance, pairs, rng):
    """Packets of which number i and i + distance have the same key, and those between them others."""
    base = rng.randrange(ENTRIES)
    return [(kind, distance, (base + i % distance) % ENTRIES) for i in range(distance + pairs)]


def crowd(kind, count, rng):
    """Packets of a few keys in any order (distance 0)."""
    keys = [rng.randrange(ENTRIES) for _ in range(rng.choice((1, 2, 3, 5)))]
    return [(kind, 0, rng.choice(keys)) for _ in range(count)]


def stream(names, distances, pairs, seed):
    """(kind, distance, key) of each packet; every kind collides at every distance, and at last all with all."""
    rng = random.Random(f'{seed}')
    packets = []
    for kind in names:
        for d in distances:
            packets += collisions(kind, d, pairs, rng)
        packets += crowd(kind, 20 * pairs, rng)
    return packets + [(rng.choice(names), 0, rng.randrange(3)) for _ in range(20 * pairs)]


def write_capture(path, packets, lengths, seed):
    rng = random.Random(f'{seed} bytes')
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i, (kind, _, key) in enumerate(packets):
            n = rng.randint(*lengths)
            data = bytes.fromhex('020000000001020000000002') + b'\x88\xb5' + struct.pack('<BBHIIQ', NUMBERS[kind], rng.randrange(256), 0, key, rng.getrandbits(32), 0)
            data += bytes(n - len(data))
            f.write(struct.pack('<IIII', i // 1000, i % 1000 * 1000000, n, n) + data)
    return path


def run(work, obj, executor, capture, maps, *options, status=0):
    """What each packet gave, and the maps in the end."""
    trace, out = os.path.join(work, f'{executor}.trace'), os.path.join(work, f'{executor}.maps')
    lib.sluice('run', obj, '-t', executor, '-r', capture, '--maps-in', maps, '--trace', trace, '--maps-out', out, '--no-progress', *options,
               status=status)
    with open(trace) as f:
        lines = [json.loads(line) for line in f]
    for line in lines:
        line.pop('cycles', None)
    with open(out) as f:
        return lines, json.load(f)


def differences(packets, expected, got):
    """(kind, distance) of packets that differ, and whether the maps do."""
    assert len(expected[0]) == len(got[0]) == len(packets)
    wrong = [p[:2] for p, e, g in zip(packets, expected[0], got[0]) if e != g]
    return wrong, expected[1] != got[1]


def depth(obj):
    """Stages of the program's pipeline."""
    p, = json.loads(lib.sluice('check', obj, '--json').stdout)['programs']
    return p['executors']['pipeline']['stages']


def agree(work, obj, names, executor, distances, pairs, paces, seed, *options):
    """Runs the streams at several paces beside the interpreter: no difference."""
    maps = maps_file(work, names)
    for n, (stall, idle, lengths) in enumerate(paces):
        packets = stream(names, distances, pairs, seed + n)
        capture = write_capture(os.path.join(work, 'hazards.pcap'), packets, lengths, seed + n)
        queues = ('--queues', 1 + (seed + n) % 4)
        expected = run(work, obj, 'interp', capture, maps, *queues)
        poll = ('--poll-maps',) if (seed + n) % 2 else ()
        got = run(work, obj, executor, capture, maps, *queues, *poll, '--stall', stall, '--idle', idle, '--seed', seed + n, *options)
        wrong, maps_differ = differences(packets, expected, got)
        assert not wrong and not maps_differ, f'{executor} {names} pace {n} seed {seed + n}: {len(wrong)} packets differ, first {wrong[:5]}, maps differ: {maps_differ}'


def go_wrong(work, obj, names, executor, distances, pairs, seed, paces=PACES[:1]):
    """With hazards off: {kind: distances at which packets differ}."""
    maps = maps_file(work, names)
    found = {k: set() for k in names}
    for n, (stall, idle, lengths) in enumerate(paces):
        packets = stream(names, distances, pairs, seed + n)
        capture = write_capture(os.path.join(work, 'hazards.pcap'), packets, lengths, seed + n)
        expected = run(work, obj, 'interp', capture, maps)
        got = run(work, obj, executor, capture, maps, '--unordered', '--stall', stall, '--idle', idle)
        for kind, distance in differences(packets, expected, got)[0]:
            found[kind].add(distance)
    return found


# --- map engines with random back-pressure of their own (tests/rtl/hazards)

def slow_engines(work):
    """A folder of modules that take the engines' place."""
    folder = os.path.join(work, 'slow')
    os.makedirs(folder, exist_ok=True)
    for module in ('map_hash', 'map_vmem', 'map_rows'):
        with open(os.path.join(lib.ROOT, 'hw', 'rtl', 'map', module + '.v')) as f:
            real, renamed = re.subn(rf'^module {module}\b', f'module {module}_real', f.read(), flags=re.M)
        assert renamed == 1
        with open(os.path.join(folder, module + '_real.v'), 'w') as f:
            f.write(real)
        shutil.copy(os.path.join(lib.ROOT, 'tests', 'rtl', 'hazards', module + '.v'), folder)
    return folder


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def slow_pipelines(work):
    """Pipelines that are built in this context have slow engines."""
    return environment(RTL_FIRST=slow_engines(work), VERILATOR_OPTIONS='-DSLOW_PORT_A', SLUICE_CACHE=os.path.join(work, 'models'))


def slow_core(work, opt='-O1'):
    """Builds a core with slow engines; what SLUICE_BUILD_DIR is with it."""
    out = os.path.join(work, 'slow-core')
    os.makedirs(out, exist_ok=True)
    subprocess.run(['sh', 'sim/build_model.sh', lib.ROOT, os.path.join(out, 'core_model.so'), os.path.join(work, 'obj'), '--opt', opt,
                    'hw/rtl/top/sluice_dut.v'], cwd=lib.ROOT, check=True,
                   env=dict(os.environ, RTL_FIRST=slow_engines(work), RUNTIME_DIR=os.path.join(lib.BUILD, 'simrt')))
    shutil.copy(os.path.join(lib.BUILD, 'sluice-sim.so'), out)
    return out


def try_kind(work, kind, core):
    """Everything for one kind; what came of it, and whether something failed."""
    obj = program(work, [kind])
    told, failed = [], False
    for executor, deep, options, slow_context in (('microcode', 24, ('--lockstep',), environment(SLUICE_BUILD_DIR=core)),
                                                  ('pipeline', max(2 * depth(obj), 32), (), slow_pipelines(work))):
        distances = range(1, deep + 1)
        try:
            for seed in range(1, 4):
                agree(work, obj, [kind], executor, distances, 12, PACES, 100 * seed, *options)
            with slow_context:
                agree(work, obj, [kind], executor, distances, 12, PACES, 1000, *options)
            off = go_wrong(work, obj, [kind], executor, distances, 12, 7, PACES[:3])[kind]
            assert off, 'nothing goes wrong with hazards off'
            told.append(f'{executor} agrees at distances 1 to {deep}; off: wrong at {len(off - {0})} of them')
        except AssertionError as e:
            failed = True
            told.append(f'{executor} FAILED: {e}')
    return '; '.join(told), failed


def main():
    names = sys.argv[1:] or list(KINDS)
    failed = []
    with tempfile.TemporaryDirectory(prefix='sluice-hazards-') as work:
        core = slow_core(work)
        for kind in names:
            start = time.time()
            told, wrong = try_kind(work, kind, core)
            print(f'{kind}: {told}; {time.time() - start:.0f} s', flush=True)
            if wrong:
                failed.append(kind)
    print(f'hazards: {len(names)} kinds, ' + (f'failed: {", ".join(failed)}' if failed else 'no difference'))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
