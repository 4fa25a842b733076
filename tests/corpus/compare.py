# SPDX-License-Identifier: BSD-3-Clause
"""Runs a program on its executors, on inputs that reach as much of it as search.py finds, and keeps what came out in a file, a line for
each program and executor: after an interruption the rest is enough."""
import hashlib
import json
import os
import threading
import zlib

import larger
import lib
import search

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = [os.path.join(HERE, name) for name in ('fill.py', 'frames.py', 'search.py', '../e2e/packets.py')]


def digest(paths, *more):
    h = hashlib.sha256(repr(more).encode())
    for path in paths:
        with open(path, 'rb') as f:
            h.update(hashlib.sha256(f.read()).digest())
    return h.hexdigest()[:16]


class Inputs:
    """Captures with contents of maps for one program, made once; and what of it they reach."""

    def __init__(self, program, count, out):
        self.program = program
        self.digest = digest([program.object, *SOURCES], program.title(), count)
        self.folder = os.path.join(out, 'inputs', self.digest)
        about = os.path.join(self.folder, 'about.json')
        if not os.path.exists(about):
            os.makedirs(self.folder, exist_ok=True)
            made = self.make(count)
            with open(about + '.part', 'w') as f:
                json.dump(made, f)
            os.replace(about + '.part', about)
        with open(about) as f:
            self.about = json.load(f)

    def name(self, i, what):
        return os.path.join(self.folder, f'{i}.{what}')

    def make(self, count):
        """Each variant's packets come first in its capture, others fill it up."""
        s = search.Search(self.program, self.folder, zlib.crc32(self.program.title().encode()))
        variants = s.all()
        executed, ways = set(), set()
        for i, v in enumerate(variants):
            share = count // len(variants) + (i < count % len(variants))
            packets = v.packets[:share]
            while len(packets) < share:
                packets += s.packets()[:share - len(packets)]
            larger.write_pcap(self.name(i, 'pcap'), packets, v.gap)
            with open(self.name(i, 'maps.json'), 'w') as f:
                json.dump(v.maps, f)
            found, *_ = search.reached(s.run(v.maps, packets, v.gap))
            executed |= {(p, insn) for p, insn, _ in found}
            ways |= {what for what in found if what[2] != 'run'}
        return {'variants': len(variants), 'options': s.options, 'executed': len(executed), 'instructions': s.instructions,
                'taken': len(ways), 'ways': s.ways}

    def compare(self, executor, options):
        """{'packets': that ran alike} or {'skipped': why} or {'differs': text}"""
        ran = 0
        for i in range(self.about['variants']):
            p = lib.sluice('compare', *self.program.options(), *self.about['options'], '-t', f'interp,{executor}', '-r', self.name(i, 'pcap'),
                           '--maps-in', self.name(i, 'maps.json'), *options, '--json', '--no-progress', status=None)
            if p.returncode not in (0, 1, 4):
                return {'differs': f'inputs {self.name(i, "*")}: exit status {p.returncode}: {p.stderr.strip()[-300:]}'}
            result = json.loads(p.stdout)
            if result['mismatches']:
                return {'differs': f'inputs {self.name(i, "*")}: {result["mismatches"]} mismatches: {result["differences"][:2]}'}
            if 'skipped' in result['executors'][executor]:
                return {'skipped': result['executors'][executor]['skipped']}
            ran += result['executors'][executor]['packets']
        return {'packets': ran}


class Record:
    """What was compared, in a file."""

    def __init__(self, path, resume):
        self.path = path
        self.lock = threading.Lock()
        self.lines = {}
        if not resume:
            self.write('w', '')
        elif os.path.exists(path):
            with open(path) as f:
                text = f.read()
            whole, _, cut = text.rpartition('\n')
            for line in whole.splitlines():
                said = json.loads(line)
                self.lines[said['inputs'], said['executor']] = said
            if cut:  # the run was stopped while it wrote
                self.write('w', whole + '\n')

    def write(self, mode, text):
        with self.lock, open(self.path, mode) as f:
            f.write(text)

    def has(self, inputs, executor):
        return (inputs.digest, executor) in self.lines

    def get(self, inputs, executor, options):
        """What came out: as it is written there already, or of a comparison now."""
        at = inputs.digest, executor
        if at not in self.lines or 'differs' in self.lines[at]:
            said = {'title': inputs.program.title(), 'inputs': inputs.digest, 'executor': executor, **inputs.compare(executor, options)}
            self.lines[at] = said
            self.write('a', json.dumps(said) + '\n')
        return self.lines[at]
