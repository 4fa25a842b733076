#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plants faults into the sources, one at a time, and says which check finds each (./dev faults, docs/faults.md).

usage: faults.py [--all] [--list] [PART ...]
  PART   only faults whose name contains it
  --all  runs every check on every fault: the first to find one does not end it
  --list names them and runs nothing
The faults are rows of tests/faults/*.toml. They are planted in a copy of the sources, build/faults/tree, never here. The last line is
"N found, N missed"; exit status: 0 all found, 1 one missed, 2 a row or a check is no good.
"""
import argparse
import dataclasses
import fcntl
import glob
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, 'tests', 'faults')
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import checks  # noqa: E402

CLEAN_SECONDS = 900
# A check that takes longer than both on a fault hangs, and so has found it.
HUNG_SECONDS, HUNG_FACTOR = 60, 10
FIELDS = {'name', 'file', 'from', 'to', 'found_by'}


class Broken(Exception):
    """A row or a check that can't be used."""


@dataclasses.dataclass
class Fault:
    name: str
    file: str
    old: str
    new: str
    found_by: str
    checks: list
    quick: bool

    @property
    def area(self):
        return self.name.split('.')[0]

    def planted(self, text):
        """The file's text with the fault in it."""
        if text.count(self.old) != 1:
            raise Broken(f'{self.name}: its text occurs {text.count(self.old)} times in {self.file}, not once')
        return text.replace(self.old, self.new)


def read_table(path, root):
    with open(path, 'rb') as f:
        table = tomllib.load(f)
    area = os.path.basename(path)[:-len('.toml')]
    faults = []
    for row in table['fault']:
        name = f'{area}.{row.get("name")}'
        if not FIELDS <= set(row) <= FIELDS | {'checks', 'quick', 'why'} or row['from'] == row['to']:
            raise Broken(f'{path}: {name}: the keys of a fault are {", ".join(sorted(FIELDS))}, and checks, quick, why; from and to differ')
        fault = Fault(name, row['file'], row['from'], row['to'], row['found_by'], row.get('checks', table['checks']), row.get('quick', False))
        if fault.found_by not in fault.checks:
            raise Broken(f'{name}: {fault.found_by} is not among its checks')
        with open(os.path.join(root, fault.file)) as f:
            fault.planted(f.read())
        faults.append(fault)
    return faults


def read_tables(root=ROOT):
    """All faults; each must match its file exactly once."""
    faults = [f for path in sorted(glob.glob(os.path.join(HERE, '*.toml'))) for f in read_table(path, root)]
    names = [f.name for f in faults]
    if len(set(names)) != len(names):
        raise Broken('two faults have one name: ' + ', '.join(sorted({n for n in names if names.count(n) > 1})))
    return faults


def sources():
    """The files of the project, as they lie here."""
    p = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT, capture_output=True, text=True, check=True)
    return [f for f in p.stdout.split('\0') if f and os.path.isfile(os.path.join(ROOT, f))]


def read(path):
    with open(path, 'rb') as f:
        return f.read()


class Scratch:
    """A copy of the sources and its build folder; what a run that was stopped left behind is put right."""

    def __init__(self, folder):
        self.tree = os.path.join(folder, 'tree')
        self.build = os.path.join(self.tree, 'build')
        os.makedirs(self.tree, exist_ok=True)
        self.lock = open(os.path.join(folder, 'lock'), 'w')
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.sync()

    def sync(self):
        wanted = sources()
        self.files = '\n'.join(wanted).encode()
        for name in wanted:
            here, there = os.path.join(ROOT, name), os.path.join(self.tree, name)
            if not os.path.exists(there) or read(here) != read(there):
                os.makedirs(os.path.dirname(there), exist_ok=True)
                shutil.copy(here, there)
                os.utime(there)  # newer than what was built from another text
        kept = set(wanted)
        for folder, folders, names in os.walk(self.tree):
            folders[:] = [d for d in folders if d not in ('build', '.git', '__pycache__') and not d.startswith('build-')]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.tree) not in kept:
                    os.remove(path)

    def run(self, command, **kw):
        return subprocess.run(command, cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                              stdin=subprocess.DEVNULL, **kw)

    def make(self, targets):
        """Builds; the text of what failed, or None."""
        if not targets:
            return None
        listed = os.path.join(self.build, 'files')  # those that meson has seen: it finds tests and RTL by name
        if not os.path.exists(listed) or read(listed) != self.files:
            known = os.path.exists(os.path.join(self.build, 'build.ninja'))
            # a warning finds no fault that matters here
            p = self.run(['meson', 'setup', '-Dwerror=false', *(['--reconfigure'] if known else []), self.build])
            if p.returncode:
                raise Broken(p.stdout)
            with open(listed, 'wb') as f:
                f.write(self.files)
        p = self.run(['ninja', '-C', self.build, '--quiet', *targets])
        return p.stdout if p.returncode else None

    def write(self, name, text):
        with open(os.path.join(self.tree, name), 'w') as f:
            f.write(text)


@dataclasses.dataclass
class Finding:
    check: str
    effort: str
    seconds: float


class Trial:
    """Runs checks on faults, and before that once each without any: one that finds something then tells nothing."""

    def __init__(self, scratch, every=False):
        self.scratch, self.every = scratch, every
        self.clean = {}  # seconds that a check takes when there is nothing to find

    def check(self, name, models, limit):
        """Builds what a check needs and runs it: what it found, or None."""
        check = checks.named(name)
        failed = self.scratch.make(check.targets)
        if failed is not None:
            raise Broken(f'{name}: does not build\n{failed[-3000:]}')
        start = time.time()
        effort = check.run(checks.Run(self.scratch.tree, models, limit))
        return None if effort is None else Finding(name, effort, time.time() - start)

    def believe(self, name):
        if name in self.clean:
            return
        start = time.time()
        found = self.check(name, os.path.join(self.scratch.build, 'models'), CLEAN_SECONDS)
        if found:
            raise Broken(f'{name} finds something without any fault, so it tells nothing: {found.effort}')
        self.clean[name] = time.time() - start

    def plant(self, fault, names):
        """What the checks of these names find."""
        with open(os.path.join(self.scratch.tree, fault.file)) as f:
            sound = f.read()
        models = os.path.join(self.scratch.build, 'faulty-models')
        findings = []
        for name in names:
            self.believe(name)
        try:
            self.scratch.write(fault.file, fault.planted(sound))
            for name in names:
                found = self.check(name, models, max(HUNG_SECONDS, HUNG_FACTOR * self.clean[name]))
                if found:
                    findings.append(found)
                    if not self.every:
                        break
        except Broken as e:
            raise Broken(f'{fault.name}: {e}') from None
        finally:
            self.scratch.write(fault.file, sound)
            shutil.rmtree(models, ignore_errors=True)
        return findings

    def try_fault(self, fault):
        """Cheap checks first; those behind the one that should find it only if it does not."""
        expected = len(fault.checks) if self.every else fault.checks.index(fault.found_by) + 1
        return self.plant(fault, fault.checks[:expected]) or self.plant(fault, fault.checks[expected:])


def describe(fault, findings, seconds):
    if not findings:
        return f'MISSED {fault.name}: by {", ".join(fault.checks)}; {seconds:.0f} s'
    told = '; '.join(f'{f.check}: {f.effort}, {f.seconds:.1f} s' for f in findings)
    elsewhere = '' if findings[0].check == fault.found_by else f' (the table says {fault.found_by})'
    return f'found  {fault.name} by {told}{elsewhere}; {seconds:.0f} s in all'


def summary(results):
    """A line for each area, and for each check."""
    lines = []
    for kind, key in (('area', lambda f, found: f.area), ('check', lambda f, found: found[0].check if found else 'none')):
        groups = {}
        for fault, found in results:
            groups.setdefault(key(fault, found), []).append(found)
        for name, group in groups.items():
            seconds = sorted(found[0].seconds for found in group if found)
            times = f', median {statistics.median(seconds):.1f} s, worst {seconds[-1]:.1f} s' if seconds else ''
            lines.append(f'{kind} {name}: {len(group)} faults, {len(seconds)} found, {len(group) - len(seconds)} missed{times}')
    return lines


def run(faults, every):
    start = time.time()
    trial = Trial(Scratch(os.path.join(ROOT, 'build', 'faults')), every)
    results, broken, elsewhere = [], [], 0
    for fault in faults:
        began = time.time()
        try:
            findings = trial.try_fault(fault)
        except Broken as e:
            broken.append(fault.name)
            print(f'BROKEN {e}', flush=True)
            continue
        results.append((fault, findings))
        elsewhere += bool(findings) and findings[0].check != fault.found_by
        print(describe(fault, findings, time.time() - began), flush=True)
    missed = [f.name for f, found in results if not found]
    print('\n'.join(summary(results)))
    if elsewhere:
        print(f'{elsewhere} found by another check than the table says')
    print(f'faults: {time.time() - start:.0f} s' + (f'; missed: {", ".join(missed)}' if missed else ''))
    if broken:
        print(f'no good: {", ".join(broken)}')
    print(f'{len(results) - len(missed)} found, {len(missed)} missed')
    return 2 if broken else 1 if missed else 0


def main():
    parser = argparse.ArgumentParser(prog='./dev faults', description='Plants faults, one at a time, and says which check finds each.')
    parser.add_argument('--all', action='store_true', help='run every check on every fault')
    parser.add_argument('--list', action='store_true', help='name the faults and run nothing')
    parser.add_argument('part', nargs='*', help='only faults whose name contains it')
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that what was planted is taken out and what runs is ended
    try:
        faults = [f for f in read_tables() if not args.part or any(p in f.name for p in args.part)]
        if not faults:
            raise Broken(f'no fault has {" or ".join(args.part)} in its name')
        if args.list:
            print('\n'.join(f'{f.name}: {f.file}, {f.found_by}' for f in faults))
            return 0
        return run(faults, args.all)
    except Broken as e:
        print(f'faults: {e}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
