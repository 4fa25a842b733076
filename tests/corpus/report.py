#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev corpus: real XDP programs from Debian packages, verified and laid out for every executor: what fits, and why not? With
--compare N, N packets through each on all executors that it fits. --write writes docs/programs.md."""
import argparse
import collections
import json
import os
import re
import sys
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'tests', 'e2e'), os.path.dirname(os.path.abspath(__file__))]
import fill  # noqa: E402
import lib  # noqa: E402
import objects  # noqa: E402

# Sections of programs for other hooks of Linux, which stand beside XDP's in some objects.
OTHER_HOOKS = re.compile(r'(tp_btf|raw_tp|tp|tracepoint|raw_tracepoint|kprobe|kretprobe|fentry|fexit|cgroup|sk_|sock|iter|lsm|struct_ops|syscall)')
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
        self.compared = None  # executors that ran, or what differed

    def fits(self, executor):
        return self.accepted and self.said['executors'][executor]['fits']

    def why_not(self, executor):
        return short(self.said['executors'][executor]['reason'])

    def title(self):
        return f'{os.path.basename(self.object)[:-2]}: {self.name}'

    def options(self):
        return [self.object, '--type', 'xdp', '-p', self.name, *MAP_ENTRIES]

    def compare(self, count, executors, work, options):
        """Runs it on those executors that it fits, its maps filled."""
        assembly = lib.sluice('disasm', '-f', 'asm', self.object, status=None).stdout
        path = os.path.join(work, 'maps.json')
        with open(path, 'w') as f:
            json.dump(fill.contents(assembly, zlib.crc32(self.title().encode())), f)
        here = [e for e in executors if self.fits(e)]
        if not here:
            return {}
        p = lib.sluice('compare', *self.options(), '-t', ','.join(here), '-r', lib.mixed(count), '--maps-in', path, *options, '--json', status=None)
        if p.returncode not in (0, 1):
            return f'exit status {p.returncode}: {p.stderr.strip()[-300:]}'
        result = json.loads(p.stdout)
        if result['mismatches']:
            return f'{result["mismatches"]} mismatches: {result["differences"][:2]}'
        return {e: r.get('skipped') for e, r in result['executors'].items()}


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


def page(programs, broken, cpu):
    """docs/programs.md"""
    accepted = [p for p in programs if p.accepted]
    share = lambda e: f'{sum(p.fits(e) for p in accepted)} ({100 * sum(p.fits(e) for p in accepted) // max(1, len(accepted))} %)'
    reasons = collections.Counter((e, p.why_not(e)) for p in accepted for e in ('interp', 'microcode', 'pipeline') if not p.fits(e))
    rejected = collections.Counter(re.sub(r'^.*?: ', '', f'{p.said["message"]} [{p.said["code"]}]', count=1) for p in programs if not p.accepted)
    text = [f'# Real programs\n\nMade by `./dev corpus --write` from what Debian packages: the objects of xdp-tools and those inside its commands, and of '
            f'linux-source-6.1 the samples and self-tests that have a context of XDP, compiled with clang 19 for -mcpu={cpu}. Programs for other hooks of Linux '
            f'are left out where their section tells; the others are taken as ones for XDP. `./dev corpus --compare 1000` runs them.\n',
            f'{len(programs)} programs, {len(accepted)} accepted. Of these fit: interp {share("interp")}, microcode {share("microcode")}, pipeline '
            f'{share("pipeline")}.\n', '## What does not fit, and why\n',
            table([(e, n, f'{why}') for (e, why), n in reasons.most_common()], ('executor', 'programs', 'reason')), '\n## Rejected\n',
            table([(n, why) for why, n in rejected.most_common()] + [(1, f'{name}: {why}') for name, why in broken], ('programs', 'reason')),
            '\n## Accepted\n',
            table([(p.group, p.title(), p.said['instructions'], p.said['processed'], cell(p, 'microcode', '{rows}'),
                    cell(p, 'pipeline', '{stages}'), cell(p, 'pipeline', '{cycles_best}')) for p in accepted],
                  ('from', 'object: program', 'instructions', 'processed', 'rows of microcode', 'stages of its pipeline', 'cycles a packet')), '']
    return '\n'.join(text).replace('<', '&lt;')


def main():
    parser = argparse.ArgumentParser(prog='./dev corpus', description=__doc__)
    parser.add_argument('--cpu', default='v3', help='-mcpu of what is compiled (v3)')
    parser.add_argument('--compare', type=int, default=0, metavar='N', help='run N packets through each on all executors')
    parser.add_argument('-t', '--executors', default=','.join(lib.EXECUTORS), help='on these (all)')
    parser.add_argument('--icarus', action='store_true', help='simulate pipelines with Icarus: slower, but nothing is compiled')
    parser.add_argument('--only', default='', help='programs whose title contains this')
    parser.add_argument('--write', action='store_true', help='write docs/programs.md')
    args = parser.parse_args()
    out = os.path.join(lib.BUILD, 'corpus', args.cpu)
    try:
        groups, failed = objects.build(out, args.cpu)
    except objects.Missing as e:
        sys.exit(f'corpus: {e}')
    programs, broken = check(groups)
    text = page(programs, broken, args.cpu)
    for line in failed:
        print(f'not compiled: {line}')
    if args.write:
        with open(os.path.join(ROOT, 'docs', 'programs.md'), 'w') as f:
            f.write(text)
    else:
        print(text)
    bad = 0
    for p in programs:
        if args.compare and p.accepted and args.only in p.title():
            start = time.time()
            got = p.compare(args.compare, args.executors.split(','), out, ['--icarus'] if args.icarus else [])
            bad += isinstance(got, str)
            ran = got if isinstance(got, str) else ', '.join(e + (f' skipped ({why})' if why else '') for e, why in got.items())
            print(f'{"DIFFERS" if isinstance(got, str) else "same" if got else "fits none of them"}  {p.title()}: {ran}, {time.time() - start:.0f} s', flush=True)
    if args.compare:
        print(f'{bad} differ')
    sys.exit(bad > 0)


if __name__ == '__main__':
    main()
