# SPDX-License-Identifier: BSD-3-Clause
"""Looks for packets and contents of maps that take a program everywhere. Each try is run on interp, which counts the instructions
(`--coverage`) and the keys that the program asks for; what reached something new is kept and changed further. The same program gets the
same inputs."""
import json
import os
import random
import re

import fill
import frames
import larger
import lib

TRIES, IN_VAIN = 50, 10  # tries in all, and in a row that reach nothing new
FEW_IN_VAIN = 2  # where all instructions have run
PACKETS = 300  # of a try
VARIANTS = 6  # that are kept: contents of maps with their packets
GAPS = (1000, 1000, 100000, 50000000)  # ns between packets


def reached(document):
    """{(program, instruction, way): first packet} and how many (instructions, ways) there are."""
    found, instructions, ways = {}, 0, 0
    for program in document['programs']:
        for i, insn in enumerate(program['insns']):
            if insn is None:
                continue
            instructions += 1
            if isinstance(insn[1], int):
                insn, name = [insn], ('run',)
            else:
                name = ('jump', 'fall')
                ways += sum(way is not None for way in insn)
            for way, what in zip(insn, name):
                if way and way[0]:
                    found[program['name'], i, what] = way[1]
    return found, instructions, ways


class Try:
    def __init__(self, maps, packets, gap, found):
        self.maps, self.packets, self.gap, self.found = maps, packets, gap, found


class Search:
    def __init__(self, program, work, seed):
        self.program, self.work = program, work
        self.rng = random.Random(seed)
        assembly = lib.sluice('disasm', '-f', 'asm', *program.options(), status=None).stdout
        self.maps = list(fill.maps_of(assembly))
        self.options = []
        if re.search('call bpf_(fib_lookup|check_mtu)#', assembly):
            self.options = ['--ifindex', 2, '--fib', os.path.join(lib.ROOT, 'examples', 'router.fib.json')]
        self.constants = fill.constants_of(assembly)
        self.asked = {}
        self.seeds = []
        self.seen = {}
        self.tries = []
        traffic = lib.traffic(f'corpus-{PACKETS}', '--count', PACKETS, '--flows', 200, '--replies', 20, '--mix',
                              'tcp=30,udp=20,icmp=5,ipv6=15,vlan=6,arp=3,other=1,flood=5,fragment=5,error=5,6in4=3,options6=5')
        self.pool = larger.read_pcap(traffic)

    def packets(self):
        """Those that reached something come first, in their order; then changed ones and new ones."""
        out = self.seeds[-PACKETS // 2:]
        while len(out) < PACKETS:
            kind = self.rng.random()
            if kind < 0.55 and self.seeds:
                out.append(frames.change(self.rng, self.rng.choice(self.seeds), self.constants))
            elif kind < 0.8:
                out.append(frames.build(self.rng))
            elif kind < 0.9:
                out.append(frames.change(self.rng, self.rng.choice(self.pool), self.constants))
            else:
                out.append(self.rng.choice(self.pool))
        return out

    def contents(self):
        """New contents; or the last that helped, changed in a part of the maps."""
        new = fill.contents(self.rng, self.maps, self.constants, self.asked)
        if self.tries and self.rng.random() < 0.5:
            old = self.rng.choice(self.tries[-8:]).maps
            new = {name: new[name] if name in new and self.rng.random() < 0.4 else old.get(name) for name in {**old, **new}}
        return {name: entries for name, entries in new.items() if entries is not None}

    def run(self, maps, packets, gap):
        at = lambda name: os.path.join(self.work, name)
        with open(at('try.json'), 'w') as f:
            json.dump(maps, f)
        larger.write_pcap(at('try.pcap'), packets, gap)
        lib.sluice('run', *self.program.options(), *self.options, '-r', at('try.pcap'), '--maps-in', at('try.json'), '--coverage', at('coverage.json'), '--no-progress')
        with open(at('coverage.json')) as f:
            return json.load(f)

    def step(self):
        """One try. True if it reached something new."""
        maps, packets, gap = self.contents(), self.packets(), self.rng.choice(GAPS)
        document = self.run(maps, packets, gap)
        found, self.instructions, self.ways = reached(document)
        for name, keys in document['keys'].items():
            known = self.asked.setdefault(name, [])
            known += [k for k in (bytes.fromhex(k) for k in keys) if k not in known][:2000 - len(known)]
        new = {what: packet for what, packet in found.items() if what not in self.seen}
        self.seeds += [packets[i] for i in sorted(set(new.values()))]
        self.seen.update(new)
        if new:
            self.tries.append(Try(maps, packets, gap, set(found)))
        return bool(new)

    def patience(self):
        """How many tries in vain end the search."""
        if len({at[:2] for at in self.seen}) < self.instructions:
            return IN_VAIN
        return FEW_IN_VAIN if sum(what != 'run' for *_, what in self.seen) < self.ways else 0

    def all(self):
        """As few tries as reach together all that was reached."""
        in_vain = 0
        for _ in range(TRIES):
            in_vain = 0 if self.step() else in_vain + 1
            if in_vain >= self.patience():
                break
        chosen, left = [], set(self.seen)
        while left and len(chosen) < VARIANTS:
            best = max(self.tries, key=lambda t: len(t.found & left))
            chosen.append(best)
            left -= best.found
        return chosen
