#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs all tests and prints what failed; the last line is "N passed, N failed".

usage: run.py [PART_OF_A_NAME]
Suites: rules (structure of the sources), unit (cmocka, also under ASan and UBSan), fuzz (readers of input, under both), build (clang), rtl (benches),
e2e (the command line on real programs).
"""
import glob
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'tests', folder) for folder in ('e2e', 'rules')]
sys.dont_write_bytecode = True


class Tally:
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
    """Sets up and builds a second configuration; its success is a test of its own."""
    full = os.path.join(ROOT, folder)
    e = dict(os.environ, **(env or {}))
    if not os.path.exists(os.path.join(full, 'build.ninja')):
        if not run_noted(tally, f'build.{folder}.setup', ['meson', 'setup', full] + options, env=e):
            return False
    return run_noted(tally, f'build.{folder}', ['ninja', '-C', full, '--quiet'], env=e)


def unit(tally, folder):
    for path in sorted(glob.glob(os.path.join(ROOT, folder, 'tests', 'test_*'))):
        name = os.path.basename(path)
        if not os.access(path, os.X_OK) or os.path.isdir(path) or not tally.wants(f'unit.{folder}.{name}'):
            continue
        start = time.time()
        env = dict(os.environ, ASAN_OPTIONS='detect_leaks=1', SLUICE_TEST_QUICK='1')
        try:
            p = run([path], env=env, timeout=600)
            text, code = p.stdout, p.returncode
        except subprocess.TimeoutExpired as e:
            text, code = f'timed out\n{e.stdout}', 1
        passed = sum(int(n) for n in re.findall(r'\[  PASSED  \] (\d+) test', text))
        for line in text.splitlines():
            if 'SKIPPED' in line and '[  SKIPPED ]' in line:
                tally.skipped += 1
                print('skip  ' + line.strip(), flush=True)
        tally.note(f'unit.{folder}.{name}', code == 0 and passed > 0, time.time() - start, text, max(passed, 1))


READERS = {'asm': 4000, 'btf': 4000, 'image': 4000, 'ir': 4000, 'load': 4000, 'mapfile': 4000, 'pcap': 4000, 'text': 4000, 'verify': 8000}


def readers(tally, folder):
    """The readers of input from outside on their seeds and so many changes of them (tests/fuzz/parse)."""
    wanted = [n for n in READERS if tally.wants(f'fuzz.{folder}.{n}')]
    with tempfile.TemporaryDirectory(prefix='sluice-fuzz-') as seeds:
        if wanted and run_noted(tally, f'fuzz.{folder}.seeds', ['tests/fuzz/parse/seeds.py', seeds, os.path.join(folder, 'sluice')]):
            for name in wanted:
                run_noted(tally, f'fuzz.{folder}.{name}', [os.path.join(folder, 'tests', 'fuzz', 'parse', 'fuzz_' + name),
                                                           '-n', str(READERS[name]), os.path.join(seeds, name)])


def rtl(tally):
    benches = [('rtl.' + os.path.basename(os.path.dirname(s)), s) for s in glob.glob(os.path.join(ROOT, 'tests', 'rtl', '*', 'run.sh'))]
    # map_pipe.sh is a part of the benches of the map engines
    lints = [('lint.core', os.path.join(ROOT, 'hw', 'rtl', 'lint', 'core.sh'))]
    for name, script in sorted(benches) + sorted(lints):
        if not tally.wants(name):
            continue
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


def modules(tally, folder, prefix):
    """Python tests: every function test_* of every test_*.py; it gets a scratch folder."""
    for path in sorted(glob.glob(os.path.join(ROOT, 'tests', folder, 'test_*.py'))):
        spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, fn in inspect.getmembers(module, inspect.isfunction):
            full = f'{prefix}.{os.path.basename(path)[5:-3]}.{name[5:]}'
            if not name.startswith('test_') or not tally.wants(full):
                continue
            start = time.time()
            with tempfile.TemporaryDirectory(prefix='sluice-') as work:
                try:
                    fn(work)
                    tally.note(full, True, time.time() - start)
                except Exception:
                    tally.note(full, False, time.time() - start, traceback.format_exc())


def main():
    tally = Tally(sys.argv[1] if len(sys.argv) > 1 else '')
    modules(tally, 'rules', 'rules')
    unit(tally, 'build')
    if any(tally.wants(name) for name in ['build.build-asan', 'unit.build-asan'] + [f'fuzz.build-asan.{n}' for n in READERS]):
        if build(tally, 'build-asan', ['-Dsanitize=true', '-Dmodel=false']):
            unit(tally, 'build-asan')
            readers(tally, 'build-asan')
    if tally.wants('build.build-clang'):
        build(tally, 'build-clang', ['-Dmodel=false'], {'CC': 'clang'})
    rtl(tally)
    modules(tally, 'e2e', 'e2e')
    if tally.failed:
        print('\nfailed:\n  ' + '\n  '.join(tally.failed))
    if tally.skipped:
        print(f'{tally.skipped} skipped (named above)')
    print(f'{tally.passed} passed, {len(tally.failed)} failed')
    sys.exit(1 if tally.failed or not tally.passed else 0)


if __name__ == '__main__':
    main()
