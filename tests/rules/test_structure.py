# SPDX-License-Identifier: BSD-3-Clause
"""Who may include what, headers that stand alone, generated files that match their tables."""
import concurrent.futures
import filecmp
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# folder -> folders or files that it may include from
MAY_INCLUDE = {
    'hw': ('hw/',),
    'compiler': ('compiler/', 'hw/spec/'),
    'nic_runtime': ('nic_runtime/', 'hw/spec/'),
    'host': ('host/', 'compiler/', 'nic_runtime/', 'hw/spec/'),
    'sim': ('sim/', 'nic_runtime/', 'hw/spec/', 'host/dev.h'),
}
# within the compiler: a folder includes only from lower ranks and from itself
RANK = {'base': 0, 'ebpf': 1, 'load': 2, 'verify': 3, 'ir': 4, 'opt': 5, 'microcode': 6, 'pipeline': 6, 'native': 6}


def files(*endings):
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, capture_output=True, text=True, check=True)
    return [f for f in listed.stdout.split('\n') if f.endswith(endings) and os.path.exists(os.path.join(ROOT, f))]


def text(path):
    with open(os.path.join(ROOT, path), errors='replace') as f:
        return f.read()


def test_includes_follow_the_arrows(work):
    bad = []
    for path in files('.c', '.h', '.cpp', '.hpp'):
        parts = path.split('/')
        if parts[0] not in MAY_INCLUDE:
            continue
        for inc in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text(path), re.M):
            if path.endswith('model.cpp') and not os.path.exists(os.path.join(ROOT, inc)):
                continue  # Verilator's own and the model's
            to = inc.split('/')
            if not inc.startswith(MAY_INCLUDE[parts[0]]):
                bad.append(f'{path} includes {inc}')
            elif parts[0] == to[0] == 'compiler' and parts[1] != to[1]:
                if RANK[to[1]] >= RANK[parts[1]] or (RANK[parts[1]] == 6 and to[1] == 'load'):
                    bad.append(f'{path} includes {inc}')
    assert not bad, '\n'.join(bad)


def test_headers_compile_alone(work):
    headers = [h for h in files('.h') if not h.startswith('tests/') and h != 'compiler/ir/ir_ops.h']

    triplet = subprocess.run(['gcc', '-print-multiarch'], capture_output=True, text=True).stdout.strip()
    host = ['gcc', '-std=c11', '-D_GNU_SOURCE', '-Wextra']
    flags = subprocess.run(['pkg-config', '--cflags', 'libdpdk'], capture_output=True, text=True).stdout.replace('-I', '-isystem').split()
    dpdk = [*host, *flags, '-isystem', os.path.join(ROOT, 'build', 'dpdk'), '-DALLOW_INTERNAL_API']
    bpf = ['clang', '-O2', '-g', '-target', 'bpf', '-I/usr/include/' + triplet]

    def compile_header(h):
        compiler = bpf if h.startswith('examples/') else dpdk if h.startswith('host/pmd/') else host
        p = subprocess.run([*compiler, '-Wall', '-Werror', '-I.', '-fsyntax-only', '-x', 'c', '-'],
                           cwd=ROOT, input=f'#include "{h}"\n', capture_output=True, text=True)
        return f'{h}:\n{p.stderr}' if p.returncode else None
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        bad = [r for r in pool.map(compile_header, headers) if r]
    assert headers and not bad, '\n'.join(bad)


def test_generated_files_match_the_tables(work):
    doc = os.path.join(work, 'tables.md')
    subprocess.run([sys.executable, 'hw/spec/gen.py', work, doc], cwd=ROOT, check=True)
    gen = os.path.join(ROOT, 'hw', 'spec', 'gen')
    made = sorted(f for f in os.listdir(work) if f != 'tables.md')
    assert made == sorted(os.listdir(gen))
    for name in made:
        assert filecmp.cmp(os.path.join(work, name), os.path.join(gen, name), False), f'{name} is stale: ./dev gen'
    assert filecmp.cmp(doc, os.path.join(ROOT, 'docs', 'tables.md'), False), 'docs/tables.md is stale: ./dev gen'


def test_sources_name_their_licence(work):
    bad = [f for f in files('.c', '.h', '.cpp', '.hpp', '.v', '.vh', '.py', '.sh', '.toml')
           if 'SPDX-License-Identifier: BSD-3-Clause' not in text(f)[:400] and not f.endswith('.test')]
    assert not bad, '\n'.join(bad)


def test_verilog_has_one_module_a_file_named_as_the_file(work):
    bad = []
    for path in files('.v'):
        if not path.startswith('hw/rtl/'):
            continue
        names = re.findall(r'^\s*module\s+(\w+)', text(path), re.M)
        if names != [os.path.basename(path)[:-2]]:
            bad.append(f'{path}: {names}')
        if '`default_nettype none' not in text(path):
            bad.append(f'{path}: no `default_nettype none')
    assert not bad, '\n'.join(bad)


def test_units_skip_with_a_reason(work):
    """cmocka's own skip() says none."""
    bad = [f for f in files('.c') if f.startswith('tests/') and f != 'tests/common/skip.c' and re.search(r'\bskip\(\)', text(f))]
    assert not bad, 'skip() without a reason (tests/common/skip.h): ' + ', '.join(bad)


def test_decisions_have_numbers_of_their_own(work):
    names = [os.path.basename(f) for f in files('.md') if '/adr/' in f]
    numbers = [n[:4] for n in names]
    assert len(names) > 10 and len(set(numbers)) == len(numbers), f'two decisions have one number: {sorted(names)}'
    for f in files('.md'):
        if '/adr/' in f:
            number = int(os.path.basename(f)[:4])
            assert text(f).startswith(f'# {number}. '), f'{f}: its title begins with another number'


def test_libraries_do_not_print_or_exit(work):
    bad = []
    banned = re.compile(r'(?<![\w.>])(printf|puts|exit|abort|strcpy|strcat|sprintf|gets|atoi)\s*\(')
    for path in files('.c'):
        if path.startswith(('compiler/', 'nic_runtime/', 'host/ctl/', 'host/lib/', 'sim/')):
            code = re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\])*"', '', text(path), flags=re.S)
            bad += [f'{path}: {m[1]}' for m in banned.finditer(code)]
    assert not bad, '\n'.join(bad)
