#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev corpus: real XDP programs from Debian packages, verified and laid out for every executor: what fits, and why not? With
--compare N, N packets through each on all executors that it fits, chosen, as what its maps hold, to reach as much of it as they can.
--write writes docs/programs.md."""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'tests', 'e2e'), os.path.dirname(os.path.abspath(__file__))]
import compare  # noqa: E402
import lib  # noqa: E402
import objects  # noqa: E402

# Sections of programs for other hooks of Linux, which stand beside XDP's in some objects.
OTHER_HOOKS = re.compile(r'(tp_btf|raw_tp|tp|tracepoint|raw_tracepoint|kprobe|kretprobe|fentry|fexit|cgroup|sk_|sock|iter|lsm|struct_ops|syscall)')
COVERAGE = '''`sluice run -t interp --coverage FILE` writes what is counted: in `programs`, of each program that ran (tail calls go on in others), `insns` has a pair
for each instruction, how often it ran and the number of the packet that came there first (-1: none), two such pairs for a conditional jump (when it jumped, when it did
not; `null` for what the verifier holds impossible), `null` for what no path reaches; `keys` has the first 1024 keys that a map was asked for.
'''
# Some of these leave max_entries to who loads them.
MAP_ENTRIES = ('--map-entries', '64')


def short(reason):
    """A reason without where it is."""
    reason = re.sub(r'^(?:instruction \d+, )?(?:\S+?:\d+: )?', '', reason)
    return re.sub(r'\s+', ' ', reason)


class Program:
    def __init__(self, group, obj, said):
        self.group, self.object, self.name = group, obj, said['name']
        self.accepted = said['accepted']
        self.said = said
        self.reached = None  # compare.Inputs.about
        self.compared = {}  # executor -> what compare.Inputs.compare gives

    def fits(self, executor):
        return self.accepted and self.said['executors'][executor]['fits']

    def why_not(self, executor):
        return short(self.said['executors'][executor]['reason'])

    def title(self):
        return f'{os.path.basename(self.object)[:-2]}: {self.name}'

    def options(self):
        return [self.object, '--type', 'xdp', '-p', self.name, *MAP_ENTRIES]

    def compare(self, count, executors, out, record, options):
        """Runs it beside interp on those executors that it fits; what the record has of others is kept."""
        inputs = compare.Inputs(self, count, out)
        self.reached = inputs.about
        for e in lib.EXECUTORS:
            if self.fits(e) and e != 'interp' and (e in executors or record.has(inputs, e)):
                self.compared[e] = record.get(inputs, e, options)

    def differences(self):
        return [f'{e}: {got["differs"]}' for e, got in self.compared.items() if 'differs' in got]

    def ran(self):
        """In a line."""
        r = self.reached
        return ', '.join([f'{r["executed"]} of {r["instructions"]} instructions, {r["taken"]} of {r["ways"]} ways'] + self.differences() +
                         [f'{e} {got.get("packets", got.get("skipped"))}' for e, got in self.compared.items() if 'differs' not in got])


def check(groups):
    """Every program of the objects; and the objects that can't be read, each with why."""
    programs, broken = [], []
    for group, paths in groups.items():
        for path in paths:
            p = lib.sluice('check', '--json', '--type', 'xdp', *MAP_ENTRIES, path, status=None)
            try:
                programs += [Program(group, path, said) for said in json.loads(p.stdout)['programs']
                             if not OTHER_HOOKS.match(said['section'])]
            except (ValueError, KeyError):
                broken.append((os.path.basename(path)[:-2], p.stderr.strip().partition('\n')[0].replace(path + ': ', '')))
    return programs, broken


def table(rows, head):
    return '\n'.join(['| ' + ' | '.join(head) + ' |', '|' + ' --- |' * len(head), *('| ' + ' | '.join(map(str, r)) + ' |' for r in rows)])


def cell(program, executor, form):
    return form.format(**program.said['executors'][executor]) if program.fits(executor) else 'no'


def share(part, whole):
    return f'{100 * part // whole} %' if whole else '-'


def compared(program, executor):
    got = program.compared.get(executor, {})
    if not program.fits(executor) or 'skipped' in got:
        return 'no'
    return 'differs' if 'differs' in got else got.get('packets', 'not run')


def comparison(programs):
    """What was compared: coverage of each program, and packets on each executor."""
    ran = [p for p in programs if p.reached]
    if not ran:
        return []
    total = lambda what: sum(p.reached[what] for p in ran)
    count = lambda e: sum('packets' in p.compared.get(e, {}) for p in ran)
    executors = [e for e in lib.EXECUTORS if e != 'interp']
    skipped = collections.Counter((e, p.compared[e]['skipped']) for p in ran for e in executors if 'skipped' in p.compared.get(e, {}))
    return ['\n## Compared\n',
            f'Packets that ran on interp and on another executor with the same results, events and maps: {len(ran)} programs, '
            + ', '.join(f'{count(e)} on {e}' for e in executors) + f'; {sum(len(p.differences()) for p in ran)} differ. Packets and contents of maps are '
            'looked for, with what interp counts, so that they reach much of the program (`tests/corpus/search.py`). The columns say how much: '
            'instructions that ran, and ways out of conditional jumps that were taken, of those that the verifier holds possible. In all '
            f'{total("executed")} of {total("instructions")} instructions ({share(total("executed"), total("instructions"))}) and '
            f'{total("taken")} of {total("ways")} ways ({share(total("taken"), total("ways"))}).\n',
            COVERAGE,
            table([(p.title(), share(p.reached['executed'], p.reached['instructions']), share(p.reached['taken'], p.reached['ways']),
                    *(compared(p, e) for e in executors)) for p in ran], ('program', 'instructions', 'ways', *executors)),
            *(['\nSkipped:\n', table([(e, n, why) for (e, why), n in skipped.most_common()], ('executor', 'programs', 'reason'))] if skipped else [])]


def page(programs, broken, cpu):
    """docs/programs.md"""
    accepted = [p for p in programs if p.accepted]
    fit = lambda e: f'{sum(p.fits(e) for p in accepted)} ({share(sum(p.fits(e) for p in accepted), len(accepted))})'
    reasons = collections.Counter((e, p.why_not(e)) for p in accepted for e in ('interp', 'microcode', 'pipeline') if not p.fits(e))
    rejected = collections.Counter(re.sub(r'^.*?: ', '', f'{p.said["message"]} [{p.said["code"]}]', count=1) for p in programs if not p.accepted)
    text = [f'# Real programs\n\nMade by `./dev corpus --write` from what Debian packages: the objects of xdp-tools and those inside its commands, and of '
            f'linux-source-6.1 the samples and self-tests that have a context of XDP, compiled with clang 19 for -mcpu={cpu}. Programs for other hooks of Linux '
            f'are left out where their section tells; the others are taken as ones for XDP. `./dev corpus --compare 10000` runs them.\n',
            f'{len(programs)} programs, {len(accepted)} accepted. Of these fit: interp {fit("interp")}, microcode {fit("microcode")}, pipeline '
            f'{fit("pipeline")}.\n', '## What does not fit, and why\n',
            table([(e, n, f'{why}') for (e, why), n in reasons.most_common()], ('executor', 'programs', 'reason')), '\n## Rejected\n',
            table([(n, why) for why, n in rejected.most_common()] + [(1, f'{name}: {why}') for name, why in broken], ('programs', 'reason')),
            '\n## Accepted\n',
            table([(p.group, p.title(), p.said['instructions'], p.said['processed'], cell(p, 'microcode', '{rows}'),
                    cell(p, 'pipeline', '{stages}'), cell(p, 'pipeline', '{cycles_best}')) for p in accepted],
                  ('from', 'object: program', 'instructions', 'processed', 'rows of microcode', 'stages of its pipeline', 'cycles a packet')), *comparison(programs), '']
    return '\n'.join(text).replace('<', '&lt;')


def timed(program, args, out, record):
    start = time.time()
    program.compare(args.compare, args.executors.split(','), out, record, ['--icarus'] if args.icarus else [])
    return time.time() - start


def main():
    parser = argparse.ArgumentParser(prog='./dev corpus', description=__doc__)
    parser.add_argument('--cpu', default='v3', help='-mcpu of what is compiled (v3)')
    parser.add_argument('--compare', type=int, default=0, metavar='N', help='run N packets through each on all executors')
    parser.add_argument('-t', '--executors', default=','.join(lib.EXECUTORS), help='on these (all)')
    parser.add_argument('--icarus', action='store_true', help='simulate pipelines with Icarus: slower, but nothing is compiled')
    parser.add_argument('--resume', action='store_true', help='take what an earlier run has compared')
    parser.add_argument('--jobs', type=int, default=1, metavar='N', help='programs at once (1)')
    parser.add_argument('--only', default='', help='programs whose title contains this')
    parser.add_argument('--write', action='store_true', help='write docs/programs.md')
    args = parser.parse_args()
    out = os.path.join(lib.BUILD, 'corpus', args.cpu)
    try:
        groups, failed = objects.build(out, args.cpu)
    except objects.Missing as e:
        sys.exit(f'corpus: {e}')
    programs, broken = check(groups)
    for line in failed:
        print(f'not compiled: {line}')
    bad = 0
    record = compare.Record(os.path.join(out, 'compared.jsonl'), args.resume) if args.compare else None
    chosen = [p for p in programs if args.compare and p.accepted and args.only in p.title()]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for p, seconds in pool.map(lambda p: (p, timed(p, args, out, record)), chosen):
            bad += bool(p.differences())
            print(f'{"DIFFERS" if p.differences() else "same"}  {p.title()}: {p.ran()}, {seconds:.0f} s', flush=True)
    text = page(programs, broken, args.cpu)
    if args.write:
        with open(os.path.join(ROOT, 'docs', 'programs.md'), 'w') as f:
            f.write(text)
    elif not args.compare:
        print(text)
    if args.compare:
        print(f'{bad} differ')
    sys.exit(bad > 0)


if __name__ == '__main__':
    main()
