#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench: what each example costs, as a table in Markdown. Cycles are counted in simulation; both hardware executors, the
interpreter and the kernel run the same 10,000 packets (one UDP flow, 64 bytes) in one run. ./dev bench examples: the larger ones,
each on 10,000 packets of the traffic that tests/e2e/larger.py has for it."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'e2e'))
import larger  # noqa: E402
import lib  # noqa: E402


def cost(obj, executor, work):
    result = json.loads(lib.sluice('compile', obj, '-t', executor, '-o', work, '--json').stdout)
    with open([n for n in result['files'] if n.endswith('.cost.json')][0]) as f:
        return {**result, **json.load(f)}


def row(name):
    obj = lib.example(name)
    with tempfile.TemporaryDirectory() as work:
        os.environ['SLUICE_CACHE'] = os.path.join(work, 'cache')  # a cold start, to time the build of the model
        u, p = cost(obj, 'microcode', work), cost(obj, 'pipeline', work)
        tiny = lib.traffic('tiny', '--count', 4)
        start = time.time()
        lib.sluice('run', obj, '-t', 'pipeline', '-r', tiny)
        to_running = time.time() - start
        e = lib.compare(obj, lib.one_flow(), *lib.example_maps(name))['executors']
    front = (u['verify_ns'] + u['ir_ns']) / 1e6
    hw = lambda x: f'{e[x]["cycles_per_packet"]:.2f}' if 'skipped' not in e[x] else '-'
    sw = lambda x: f'{e[x]["ns_per_packet"]:.0f}' if 'skipped' not in e[x] else '-'
    return [name, u['instructions'], u['rows'], f'{u["operations"] / u["rows"]:.2f}', hw('microcode'),
            p['stages'], hw('pipeline'), p['cycles_same_key'], sw('interp'), sw('kernel'),
            f'{front + u["compile_ns"] / 1e6:.1f}', f'{front + p["compile_ns"] / 1e6:.1f}', f'{to_running:.1f}']


def main():
    head = ['example', 'instructions', 'rows', 'operations a row', 'core: cycles a packet', 'stages', 'pipeline: cycles a packet',
            'predicted for one key', 'interp ns', 'kernel ns', 'to microcode ms', 'to Verilog ms', 'object to running pipeline s']
    table(head, (row(name) for name in lib.examples()))


def larger_row(row, count):
    """One of the larger examples, all executors on one capture; a difference or a row of larger.py that is not true any more stops."""
    with tempfile.TemporaryDirectory() as work:
        e = larger.check(row, work, larger.capture(row, count))['executors']
        checked = json.loads(lib.sluice('check', larger.program(row), '--json').stdout)['programs']
    own = next(p for p in checked if p['name'] == row.name)['executors']
    shares = ' '.join(f'{v[4:]} {100 * n / count:.0f} %' for v, n in e['interp']['verdicts'].items() if n)
    size = lambda x, what: own[x].get(what, '') if own[x]['fits'] else ''
    hw = lambda x: f'{e[x]["cycles_per_packet"]:.1f}' if 'skipped' not in e[x] else '-'
    sw = lambda x: f'{e[x]["ns_per_packet"]:.0f}' if 'skipped' not in e[x] else '-'
    return [row.name + (f' ({row.variant})' if row.variant else ''), sum(p['instructions'] for p in checked), shares, sw('interp'), sw('kernel'),
            size('microcode', 'rows'), hw('microcode'), size('pipeline', 'stages'), hw('pipeline')]


def larger_examples(count=10000):
    table(['example', 'instructions', f'verdicts of {count} packets', 'interp ns', 'kernel ns', 'rows', 'core: cycles a packet', 'stages',
           'pipeline: cycles a packet'], (larger_row(row, count) for row in larger.ROWS if row.traffic is not None))


def table(head, rows):
    print('| ' + ' | '.join(head) + ' |\n|' + ' --- |' * len(head))
    for cells in rows:
        print('| ' + ' | '.join(str(c) for c in cells) + ' |', flush=True)


def verification():
    """What the verifier takes, beside Linux's, on real programs, a large one, and at the limit."""
    with tempfile.TemporaryDirectory() as work:
        obj = os.path.join(work, 'balancer.o')
        lib.clang(os.path.join(lib.ROOT, 'tests', 'progs', 'verify', 'balancer.bpf.c'), obj)
        print(flush=True)
        subprocess.run([os.path.join(lib.BUILD, 'tests', 'sluice-verify-bench'), obj], check=True)
        prevail([obj] + sorted(glob.glob('/usr/lib/*/bpf/*.o')))


def prevail(objects):
    """PREVAIL's times for the same objects, of its own output: "1,0.012,4064" is accepted, seconds, KiB."""
    binary = shutil.which('prevail')
    if not binary:
        print('\nPREVAIL: skipped: no prevail in PATH (Debian has no package of it; build https://github.com/vbpf/prevail and put it there)')
        return
    print('\n| program | PREVAIL | ms | KiB |\n| --- | --- | --- | --- |')
    for obj in objects:
        p = subprocess.run([binary, obj], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', timeout=600)
        last = (p.stdout.strip().split('\n') or [''])[-1].split(',')
        name = os.path.basename(obj)
        if len(last) == 3 and last[0] in '01':
            print(f'| {name} | {"accepted" if last[0] == "1" else "rejected"} | {float(last[1]) * 1e3:.3f} | {last[2]} |', flush=True)
        else:
            print(f'| {name} | no verdict (status {p.returncode}) | | |', flush=True)


if __name__ == '__main__':
    if sys.argv[1:] == ['examples']:
        sys.exit(larger_examples())
    if sys.argv[1:] != ['verify']:
        main()
    verification()
