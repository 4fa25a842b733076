#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench engines: what the map engines cost, as two tables in Markdown: logic and memory by Yosys' synth_xilinx (UltraScale+, not
placed), and clocks a request as the engines' benches measure them in simulation, in lock-step with a model. A third table is the NIC
around the program slot; `engines.py nic` prints it alone."""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ('hw/rtl/common', 'hw/rtl/map', 'hw/rtl/pipe')
SIZES = (1024, 65536)
SECONDS = 3600  # Yosys on one engine

# What a pipeline makes of a map with 4-byte keys and 8-byte values: buckets half as many as entries, a tag of a byte.
KEYED = 'KEY_BYTES=4 VALUE_BYTES=8 ENTRIES={entries} TAG_W=8'
ENGINES = [
    ('array: values', 'map_vmem', 'BYTES={bytes} TAG_W=8'),
    ('external memory: cache of 64-byte lines', 'map_ext', 'LINES={lines}'),
    ('hash: keys', 'map_hash', KEYED + ' BUCKETS={half}'),
    ('LPM: prefixes of 4 bytes', 'map_lpm', 'KEY_BYTES=8 VALUE_BYTES=8 ENTRIES={entries} BUCKETS={entries} CELLS={four} TAG_W=8'),
    ('LRU hash: keys and order', 'map_hash', KEYED + ' BUCKETS={half} LRU=1'),
    ('hash and LRU: keys in external memory, so many entries of LRU maps', 'map_hash_far', 'MAPS=4 KEY_BYTES=16 VALUE_BYTES=32 TAG_W=4 LRU_ENTRIES={entries}'),
]
NICS = ['PORTS=2 RX_QUEUES=4 TX_QUEUES=4 TARGETS=64']
BENCHES = 'map_hash_one', 'map_hash_many', 'map_hash_large', 'map_hash_roomy', 'map_hash_lru_roomy', 'map_hash_lru_one', 'map_lpm_one', 'map_ext', 'map_vmem_ext', 'map_far_core', 'map_far_lru'


def synthesis(module, parameters, folders=FOLDERS, slot='', flatten='-flatten'):
    """LUTs, flip-flops and block RAMs of 36 kbit. A RAM stays a module of its own, so that those of one size are made once: a table of an
    LPM map's filter takes 16 block RAMs, which Yosys would make one by one for each of the lengths."""
    options = ' '.join('-chparam {} {}'.format(*p.split('=')) for p in parameters.split())
    files = ' '.join(f'{folder}/*.v' for folder in folders)
    with tempfile.TemporaryDirectory() as work:
        p = subprocess.run(['yosys', '-q', '-p', f'read_verilog -I. {files}; {slot} hierarchy -check -top {module} {options}; '
                            f'setattr -mod -set keep_hierarchy 1 *map_bank*; synth_xilinx -family xcup -top {module} {flatten}; tee -o {work}/stat stat'],
                           cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
        if p.returncode:
            raise RuntimeError(f'yosys, {module} {parameters}: {p.stderr[-2000:]}')
        with open(os.path.join(work, 'stat')) as f:
            text = f.read()
    cells = {name: int(n) for name, n in re.findall(r'^ +(\w+) +(\d+)$', text, re.M)}
    count = lambda pattern: sum(n for name, n in cells.items() if re.fullmatch(pattern, name))
    # a RAM in LUTs takes as many as it has 64-bit halves
    return (count(r'LUT\d|SRL\w+') + sum(n * {'RAM32M': 4, 'RAM64M': 4, 'RAM32M16': 8, 'RAM64M8': 8}.get(name, 2)
                                         for name, n in cells.items() if re.fullmatch(r'RAM(32|64|128|256)\w+', name)),
            count(r'FD[RSCP]E'), count(r'RAMB36E\d') + count(r'RAMB18E\d') / 2, count(r'URAM\w+'))


def area(job):
    title, module, parameters, entries = job
    given = parameters.format(entries=entries, half=entries // 2, four=4 * entries, bytes=8 * entries, lines=entries // 16)
    try:
        cost = synthesis(module, given)
    except subprocess.TimeoutExpired:
        cost = (f'no result in {SECONDS} s', '', '', '')
    return title, entries, f'{module} {given}', *cost


def nic():
    """The NIC module by module, six minutes of CPU time; its slot is a black box."""
    print('| the NIC without its slot | LUT | FF | RAMB36 | URAM |\n|' + ' --- |' * 5)
    for parameters in NICS:
        folders = 'hw/rtl/common', 'hw/rtl/nic', 'hw/rtl/dma', 'hw/rtl/pipe'
        slot = 'read_verilog -I. hw/rtl/top/sluice_nic.v; read_verilog -I. -lib tests/rtl/nic/sluice_dut.v;'
        cost = synthesis('sluice_nic', parameters, folders, slot, '')
        print(f'| {parameters} | ' + ' | '.join(f'{c:g}' if isinstance(c, float) else str(c) for c in cost) + ' |', flush=True)


def clocks(name):
    """What a bench says of its requests."""
    out = subprocess.run(['sh', 'tests/rtl/map/run.sh', name], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ, SEED='1'))
    line = next((x for x in out.stdout.splitlines() if x.startswith(f'PASS {name} ') or x.startswith(f'PASS {name}:')), None)
    if out.returncode or not line:
        raise RuntimeError(f'{name}: {out.stdout}{out.stderr}')
    return re.search(r'([\d.]+ clocks a (?:lookup|hit).*|memory of \d+ clocks.*)', line)[1]


def main():
    if sys.argv[1:] == ['nic']:
        return nic()
    jobs = [(title, module, parameters, entries) for title, module, parameters in ENGINES for entries in SIZES]
    print('| engine | entries | module | LUT | FF | RAMB36 | URAM |\n|' + ' --- |' * 7)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(area, jobs):
            print('| ' + ' | '.join(f'{c:g}' if isinstance(c, float) else str(c) for c in row) + ' |', flush=True)
    print('\n| bench | clocks |\n| --- | --- |')
    for name in BENCHES:
        print(f'| {name} | {clocks(name)} |', flush=True)
    print()
    return nic()


if __name__ == '__main__':
    sys.exit(main())
