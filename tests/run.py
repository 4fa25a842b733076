#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs all tests and prints what failed; the last line is "N passed, N failed".

usage: run.py [PART_OF_A_NAME]
environment: TEST_JOBS   tests that run at once (default: as many as there are processors)
Suites: rules (structure of the sources), unit (cmocka, also under ASan and UBSan), fuzz (readers of input, under both), build (clang), rtl (benches),
e2e (the command line on real programs).
"""
import glob
import importlib.util
import inspect
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'tests', folder) for folder in ('e2e', 'rules')]
sys.dont_write_bytecode = True


class Tally:
    """What has passed, failed and been skipped; what belongs to this run at all."""

    def __init__(self, part):
        self.part, self.passed, self.failed, self.skipped = part, 0, [], 0

    def wants(self, name):
        return self.part in name

    def note(self, name, ok, seconds=0.0, text='', count=1):
        if ok:
            self.passed += count
        else:
            self.failed.append(name)
        print(f'{"pass" if ok else "FAIL"}  {name}' + (f'  ({count} tests)' if count != 1 else '') + f'  {seconds:.1f} s', flush=True)
        if not ok and text:
            print('      ' + text.strip()[-6000:].replace('\n', '\n      '), flush=True)

    def skip(self, text):
        self.skipped += 1
        print('skip  ' + text, flush=True)


class Wire:
    """A tally in another process: what it is told goes there."""

    def __init__(self, part, connection):
        self.part, self.connection = part, connection

    def wants(self, name):
        return self.part in name

    def note(self, *args, **named):
        self.connection.send(('note', args, named))

    def skip(self, text):
        self.connection.send(('skip', (text,), {}))


class Jobs:
    """Tests that need nothing of each other: each runs in a process of its own, as many at once as there are processors."""

    def __init__(self, tally):
        self.tally, self.waiting, self.running = tally, [], {}

    def add(self, name, work, *args):
        self.waiting.append((name, work, args))

    def begin(self, name, work, args):
        here, there = multiprocessing.Pipe(duplex=False)

        def child():
            here.close()
            work(Wire(self.tally.part, there), *args)
            there.send(('end', (), {}))

        process = multiprocessing.Process(target=child)
        process.start()
        there.close()
        self.running[here] = (name, process)

    def hear(self, connection):
        name, process = self.running[connection]
        try:
            what, args, named = connection.recv()
        except EOFError:  # it did not come to its end
            what = 'end'
            process.join()
            self.tally.note(name, False, text=f'the process of these tests ended with status {process.exitcode}')
        if what != 'end':
            getattr(self.tally, what)(*args, **named)
            return
        process.join()
        connection.close()
        del self.running[connection]

    def run(self):
        at_once = int(os.environ.get('TEST_JOBS', os.cpu_count() or 1))
        while self.waiting or self.running:
            while self.waiting and len(self.running) < at_once:
                self.begin(*self.waiting.pop(0))
            for connection in multiprocessing.connection.wait(list(self.running)):
                self.hear(connection)


def run(command, timeout=1200, **kw):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=timeout, stdin=subprocess.DEVNULL, **kw)


def run_noted(tally, name, command, **kw):
    start = time.time()
    try:
        p = run(command, **kw)
        ok, text = p.returncode == 0, p.stdout
    except subprocess.TimeoutExpired as e:
        ok, text = False, f'timed out: {e}'
    tally.note(name, ok, time.time() - start, text)
    return ok


def build(tally, folder, options, env=None):
    """Sets up and builds a second configuration; its success is a test of its own. The models take minutes: build's serve it, too."""
    full = os.path.join(ROOT, folder)
    e = dict(os.environ, **(env or {}))
    if not os.path.exists(os.path.join(full, 'build.ninja')):
        if not run_noted(tally, f'build.{folder}.setup', ['meson', 'setup', full] + options, env=e):
            return False
    for model in ('core_model.so', 'nic_model.so'):
        here, there = os.path.join(full, model), os.path.join(ROOT, 'build', model)
        if os.path.exists(there) and not os.path.lexists(here):
            os.symlink(there, here)
    return run_noted(tally, f'build.{folder}', ['ninja', '-C', full, '--quiet'], env=e)


def skips(tally, name, text):
    """Notes the tests, and parts of them, that a unit left out, each with its reason; returns how many and those that gave none."""
    test, reasons, count, unsaid = None, [], 0, []
    for line in text.splitlines():
        if m := re.match(r'\[ RUN      \] (\w+)', line):
            test, reasons = m[1], []
        elif m := re.match(r'(skip|left out) because: (.+)', line):
            reasons.append(m[2] if m[1] == 'skip' else 'a part of it: ' + m[2])
        elif test and re.match(rf'\[  SKIPPED \] {test}$', line) and not reasons:
            unsaid.append(test)
        if test and re.match(rf'\[ .* \] {test}$', line) and ' RUN ' not in line:
            for reason in dict.fromkeys(reasons):
                tally.skip(f'{name}: {test}: {reason}')
            test = None
            count += bool(reasons)
    return count, unsaid


# Under ASan memory is what is watched: the verifier's answers are those of the other build, which sees more of them.
FEWER = {'build-asan': {'VERIFY_ACCEPTED': '200', 'VERIFY_RUNS': '10', 'VERIFY_RANDOM': '1000', 'VERIFY_MUTANTS': '5'}}


def unit(tally, folder, path):
    start = time.time()
    env = dict(os.environ, ASAN_OPTIONS='detect_leaks=1', SLUICE_TEST_QUICK='1', **FEWER.get(folder, {}))
    try:
        p = run([path], env=env, timeout=600)
        text, code = p.stdout, p.returncode
    except subprocess.TimeoutExpired as e:
        text, code = f'timed out\n{e.stdout}', 1
    passed = sum(int(n) for n in re.findall(r'\[  PASSED  \] (\d+) test', text))
    name = f'unit.{folder}.{os.path.basename(path)}'
    skipped, unsaid = skips(tally, name, text)
    if unsaid:
        text = f'skipped without a reason (tests/common/skip.h): {", ".join(unsaid)}'
    tally.note(name, code == 0 and passed + skipped > 0 and not unsaid, time.time() - start, text, passed or (0 if skipped else 1))


def units(jobs, folder):
    for path in sorted(glob.glob(os.path.join(ROOT, folder, 'tests', 'test_*'))):
        name = f'unit.{folder}.{os.path.basename(path)}'
        if os.access(path, os.X_OK) and not os.path.isdir(path) and jobs.tally.wants(name):
            jobs.add(name, unit, folder, path)


READERS = {'asm': 4000, 'btf': 4000, 'image': 4000, 'ir': 4000, 'load': 4000, 'mapfile': 4000, 'pcap': 4000, 'telemetry': 4000, 'text': 4000, 'verify': 8000}


def readers(tally, folder):
    """The readers of input from outside on their seeds and so many changes of them (tests/fuzz/parse)."""
    wanted = [n for n in READERS if tally.wants(f'fuzz.{folder}.{n}')]
    with tempfile.TemporaryDirectory(prefix='sluice-fuzz-') as seeds:
        if wanted and run_noted(tally, f'fuzz.{folder}.seeds', ['tests/fuzz/parse/seeds.py', seeds, os.path.join(folder, 'sluice')]):
            for name in wanted:
                run_noted(tally, f'fuzz.{folder}.{name}', [os.path.join(folder, 'tests', 'fuzz', 'parse', 'fuzz_' + name),
                                                           '-n', str(READERS[name]), os.path.join(seeds, name)])


def bench(tally, name, script):
    start = time.time()
    with tempfile.TemporaryDirectory(prefix='sluice-rtl-') as work:
        try:
            p = run(['sh', script], env=dict(os.environ, WORK=work, BUILD=os.path.join(ROOT, 'build')))
            text, code = p.stdout, p.returncode
        except subprocess.TimeoutExpired as e:
            text, code = f'timed out: {e}', 1
    passed = len(re.findall(r'^PASS\b', text, re.M))
    failed = len(re.findall(r'^FAIL\b', text, re.M))
    tally.note(name, code == 0 and passed > 0 and not failed, time.time() - start, text, max(passed, 1))


def rtl(jobs):
    benches = [('rtl.' + os.path.basename(os.path.dirname(s)), s) for s in glob.glob(os.path.join(ROOT, 'tests', 'rtl', '*', 'run.sh'))]
    # map_pipe.sh is a part of the benches of the map engines
    lints = [('lint.core', os.path.join(ROOT, 'hw', 'rtl', 'lint', 'core.sh'))]
    for name, script in sorted(benches, reverse=True) + sorted(lints):
        if jobs.tally.wants(name):
            jobs.add(name, bench, name, script)


def function(tally, name, fn):
    start = time.time()
    with tempfile.TemporaryDirectory(prefix='sluice-') as work:
        try:
            fn(work)
            tally.note(name, True, time.time() - start)
        except unittest.SkipTest as e:
            if str(e):
                tally.skip(f'{name}: {e}')
            else:
                tally.note(name, False, time.time() - start, 'skipped without a reason')
        except Exception:
            tally.note(name, False, time.time() - start, traceback.format_exc())


def functions(tally, tests):
    for name, fn in tests:
        function(tally, name, fn)


def modules(jobs, folder, prefix):
    """Python tests: every function test_* of every test_*.py; it gets a scratch folder. Those of a module that says TOGETHER = True
    share what one of them has made, in one process."""
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', folder, 'test_*.py'))):
        spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        named = [(f'{prefix}.{os.path.basename(path)[5:-3]}.{name[5:]}', fn) for name, fn in inspect.getmembers(module, inspect.isfunction)
                 if name.startswith('test_')]
        tests = [(name, fn) for name, fn in named if jobs.tally.wants(name)]
        if tests and getattr(module, 'TOGETHER', False):
            jobs.add(tests[0][0], functions, tests)
        else:
            for test in tests:
                jobs.add(test[0], function, *test)


def main():
    tally = Tally(sys.argv[1] if len(sys.argv) > 1 else '')
    jobs = Jobs(tally)
    asan = any(tally.wants(name) for name in ['build.build-asan', 'unit.build-asan'] + [f'fuzz.build-asan.{n}' for n in READERS]) and \
        build(tally, 'build-asan', ['-Dsanitize=true', '-Dmodel=false'])
    if tally.wants('build.build-clang'):
        build(tally, 'build-clang', ['-Dmodel=false'], {'CC': 'clang'})
    # the longest first, so that none of them is left alone at the end
    modules(jobs, 'rules', 'rules')
    rtl(jobs)
    modules(jobs, 'e2e', 'e2e')
    units(jobs, 'build')
    if asan:
        units(jobs, 'build-asan')
        jobs.add('fuzz.build-asan', readers, 'build-asan')
    jobs.run()
    if tally.failed:
        print('\nfailed:\n  ' + '\n  '.join(tally.failed))
    if tally.skipped:
        print(f'{tally.skipped} skipped (named above)')
    print(f'{tally.passed} passed, {len(tally.failed)} failed')
    sys.exit(1 if tally.failed or not tally.passed + tally.skipped else 0)


if __name__ == '__main__':
    main()
