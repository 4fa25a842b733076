# SPDX-License-Identifier: BSD-3-Clause
"""libsluice as its users get it: what it exports, its header in C and C++, the installed tree, the example."""
import glob
import os
import re
import subprocess

import lib

LIBRARY = os.path.join(lib.BUILD, 'libsluice.so')
HEADER = os.path.join(lib.ROOT, 'host', 'sluice.h')
EXPECTED = 'verdicts 2 1, passed 1, dropped 1, the rule counted 1 packets of 42 bytes\n'


def run(*command, env=None):
    p = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, **(env or {})), stdin=subprocess.DEVNULL, timeout=300)
    assert p.returncode == 0, f'{command}: {p.stdout[-2000:]}{p.stderr[-2000:]}'
    return p.stdout


def read(path):
    with open(path) as f:
        return f.read()


def test_exports_are_those_of_the_header_and_no_others(work):
    code = re.sub(r'/\*.*?\*/', '', read(HEADER), flags=re.S)
    declared = set(re.findall(r'SLUICE_API[^;]*?\b(sluice_\w+)\s*\(', code))
    assert declared == set(re.findall(r'\b(sluice_\w+)\s*\(', code)), 'functions without SLUICE_API'
    listed = set(re.findall(r'^\s+(sluice_\w+);', read(os.path.join(lib.ROOT, 'host', 'lib', 'sluice.map')), re.M))
    symbols = [line.split()[-1] for line in run('nm', '-D', '--defined-only', LIBRARY).splitlines()]
    exported = {s.split('@@')[0] for s in symbols if s != 'SLUICE_0.1'}
    assert len(declared) > 50
    assert declared == listed, declared ^ listed
    assert declared == exported, declared ^ exported
    assert all(s.endswith('@@SLUICE_0.1') for s in symbols if s != 'SLUICE_0.1'), symbols
    assert '[libsluice.so.0]' in run('readelf', '-d', LIBRARY)


def test_header_is_c_and_cpp(work):
    for compiler, standard, language in [('gcc', 'c99', 'c'), ('gcc', 'c11', 'c'), ('clang', 'c11', 'c'), ('g++', 'c++11', 'c++'), ('clang++', 'c++17', 'c++')]:
        run(compiler, '-std=' + standard, '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror', '-fsyntax-only', '-x', language, HEADER)


def test_example_gives_the_same_on_each_executor(work):
    obj = lib.example('firewall')
    for executor in ('interp', 'microcode'):
        p = subprocess.run([os.path.join(lib.BUILD, 'examples', 'api', 'api-firewall'), obj, executor], capture_output=True, text=True, timeout=300)
        assert (p.returncode, p.stdout, p.stderr) == (0, EXPECTED, f'on {executor}\n'), (p.stdout, p.stderr)
    p = subprocess.run([os.path.join(lib.BUILD, 'examples', 'api', 'api-firewall'), HEADER, 'interp'], capture_output=True, text=True, timeout=300)
    assert p.returncode == 1 and 'sluice.h: error: ' in p.stderr, (p.returncode, p.stderr)


def test_installed_tree_serves_c_and_cpp(work):
    run('meson', 'install', '-C', lib.BUILD, '--no-rebuild', '--quiet', '--destdir', work)
    pc = glob.glob(os.path.join(work, '**', 'sluice.pc'), recursive=True)
    assert len(pc) == 1, pc
    found = dict(PKG_CONFIG_PATH=os.path.dirname(pc[0]), PKG_CONFIG_SYSROOT_DIR=work)
    flags = run('pkg-config', '--cflags', '--libs', 'sluice', env=found).split()
    assert run('pkg-config', '--modversion', 'sluice', env=found) == '0.1.0\n'
    here = dict(LD_LIBRARY_PATH=os.path.dirname(os.path.dirname(pc[0])))
    program = os.path.join(work, 'firewall')
    run('gcc', '-Wall', '-Werror', os.path.join(lib.ROOT, 'examples', 'api', 'firewall.c'), *flags, '-o', program)
    assert run(program, lib.example('firewall'), 'interp', env=here) == EXPECTED
    source = os.path.join(work, 'version.cpp')
    with open(source, 'w') as f:
        f.write('#include <sluice.h>\n#include <cstdio>\nint main() { std::puts(sluice_version()); }\n')
    run('g++', '-Wall', '-Werror', source, *flags, '-o', program)
    assert run(program, env=here) == '0.1.0\n'
